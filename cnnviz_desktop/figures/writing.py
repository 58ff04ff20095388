"""Write files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from cnnviz_desktop.errors import ExportError


def write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write all of the files, or none and raise ExportError; old files stay until all is written.

    Each goes to a temporary file in its own folder, reaches the disk, and then takes its name.
    """
    waiting: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            target = Path(os.path.realpath(path))  # through a link, to the file it names
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, "Is a directory", str(path))
            if path.exists() and not path.is_file():  # a pipe or a device keeps its name
                path.write_bytes(content)
                continue
            waiting[target] = _beside(target)
            _write(waiting[target], content)
        _take_names(waiting)
    except OSError as error:
        raise ExportError(_say(error, next(iter(contents)))) from error
    finally:
        _remove(waiting.values())


def make_folder(folder: Path) -> None:
    """Make a folder that results are written to, unless it is there; raise ExportError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"The folder {folder} cannot be made: {error.strerror}. Choose another one."
        ) from error


def _beside(target: Path) -> Path:
    """Return a fresh name in the target's folder, short enough for any file system."""
    return target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}.part")


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _take_names(waiting: Mapping[Path, Path]) -> None:
    """Move the files into place; should one fail, put back what the others had replaced."""
    kept: dict[Path, Path] = {}
    placed: list[Path] = []
    try:
        for target in waiting:
            if target.exists():
                kept[target] = _beside(target)
                shutil.copy2(target, kept[target])
        for target, written in waiting.items():
            written.replace(target)
            placed.append(target)
    except BaseException:
        for target in placed:
            if target in kept:
                kept.pop(target).replace(target)
            else:
                target.unlink()
        raise
    finally:
        _remove(kept.values())


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _say(error: OSError, path: Path) -> str:
    """Return what went wrong and what to do about it."""
    folder = path.parent
    match error.errno:
        case errno.ENOENT:
            return f"The folder {folder} does not exist: create it or choose another one."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{path} cannot be written: there is no permission. Choose another folder."
        case errno.ENOSPC | errno.EDQUOT:
            return f"{path} cannot be written: the disk is full. Free some space and try again."
        case errno.EISDIR | errno.ENOTDIR:
            return f"{path} cannot be written: a folder is no file. Choose another name."
        case _:
            reason = error.strerror or type(error).__name__
            return f"{path} cannot be written ({reason}). Choose another name or folder."
