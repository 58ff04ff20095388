"""Remember which class of a network each folder of a dataset is, where a person said otherwise.

What is said is kept beside the settings, for the folder and for all networks of the same classes.
A file is never changed: what is said anew is a new one, so that a record that names one still means
what it meant.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cnnviz_desktop.engine.class_map import ClassMap, guessed, read_class_map
from cnnviz_desktop.errors import CnnvizError, ExportError
from cnnviz_desktop.settings import settings_path
from cnnviz_desktop.whole_file import whole_file

Said = Mapping[str, int | str | None]

_LETTERS = 16  # of a digest


def remember(kind: str, place: str, labels: Sequence[str], said: Said) -> Path:
    """Keep what is said of a dataset's folders and return the file; {} is the guess again.

    Raises `ExportError` where it cannot be kept.
    """
    text = json.dumps(dict(said), indent=1, sort_keys=True, ensure_ascii=True)
    digest = hashlib.sha256(text.encode("ascii")).hexdigest()[:_LETTERS]
    path = _folder() / f"{_stem(kind, place, labels)}-{digest}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as stream:
            stream.write(text.encode("ascii") + b"\n")
        newest = max((_changed(item) for item in _files(kind, place, labels)), default=0)
        os.utime(path, ns=(newest + 1, newest + 1))  # clocks of files are coarse
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(
            f"What you said of the classes cannot be kept in {path} ({reason}). Make room, or "
            "check who may write there."
        ) from error
    return path


def remembered(kind: str, place: str, labels: Sequence[str]) -> Path | None:
    """Return the file of what was said last of a dataset's folders, None where nothing was."""
    found = sorted(_files(kind, place, labels), key=_changed)
    return found[-1] if found else None


def mapped(kind: str, place: str, folders: Sequence[str], labels: Sequence[str]) -> ClassMap:
    """Return the class of each folder: as guessed, but for what was said of it before."""
    found = guessed(folders, labels)
    path = remembered(kind, place, labels)
    if path is not None:
        with suppress(CnnvizError):  # damaged: it is as if nothing was said
            for folder, wanted in read_class_map(path).items():
                with suppress(CnnvizError):  # of a folder that is gone
                    found = found.said({folder: wanted})
    return found


def _folder() -> Path:
    return settings_path().with_name("classes")


def _stem(kind: str, place: str, labels: Sequence[str]) -> str:
    told = f"{kind}\n{place}\n" + "\n".join(labels)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:_LETTERS]


def _files(kind: str, place: str, labels: Sequence[str]) -> list[Path]:
    return list(_folder().glob(f"{_stem(kind, place, labels)}-*.json"))


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # another program has just deleted it
        return 0
