"""List and delete the weights that were downloaded to this machine, by this program or others."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cnnviz_desktop.engine.caches import (
    checkpoints_folder,
    hub_folder,
    repository_file,
)
from cnnviz_desktop.engine.catalogue import ALIASES, model_names, published
from cnnviz_desktop.errors import ModelError, did_you_mean

_ENDINGS = (".pth", ".pt", ".safetensors", ".bin")
_PARTIAL = ".partial"  # as `downloads` calls what is not whole yet
_AT_WORK = 60.0  # seconds: a part that grew within them is being downloaded


@dataclass(frozen=True)
class CachedWeights:
    """A file of weights: the `model` it is for, "" for one that is not in the catalogue.

    `used` is when it was last read or written. A download that stopped is not `whole`.
    """

    path: Path
    model: str
    megabytes: float
    used: datetime
    whole: bool = True


def cached() -> tuple[CachedWeights, ...]:
    """Return all weights in torch.hub's folder and timm's in Hugging Face's, the largest first."""
    found = [*_checkpoints(), *_repositories()]
    return tuple(sorted(found, key=lambda item: (-item.megabytes, item.path)))


def _checkpoints() -> Iterator[CachedWeights]:
    names = {
        item.file_name: _tagged(name, item.tag, place)
        for name in model_names()
        for place, item in enumerate(published(name))
    }
    try:
        paths = sorted(checkpoints_folder().iterdir())
    except OSError:
        return
    for path in paths:
        bare = path.name.removesuffix(_PARTIAL)
        if bare.endswith(_ENDINGS) and path.is_file():
            yield from _measured(path, names.get(bare, ""), whole=bare == path.name)


def _repositories() -> Iterator[CachedWeights]:
    if not hub_folder().is_dir():
        return
    for name in model_names():
        for place, item in enumerate(published(name)):
            path = repository_file(item.repository) if item.repository else None
            if path is not None:
                yield from _measured(path, _tagged(name, item.tag, place))


def _tagged(name: str, tag: str, place: int) -> str:
    """Return the name that loads these weights: timm's unusual ones need their tag."""
    return f"{name}.{tag}" if place and name.startswith("timm:") else name


def _measured(path: Path, model: str, whole: bool = True) -> Iterator[CachedWeights]:
    with suppress(OSError):  # deleted meanwhile
        facts = path.stat()
        used = datetime.fromtimestamp(max(facts.st_atime, facts.st_mtime), tz=UTC)
        yield CachedWeights(path, model, facts.st_size / 1e6, used, whole)


def named(name: str) -> CachedWeights:
    """Return the downloaded weights of that model, file name or path; raise `ModelError`."""
    items = cached()
    meant = ALIASES.get(name, name)
    found = [item for item in items if meant in (item.model, item.path.name, str(item.path))]
    if len(found) == 1:
        return found[0]
    if found:
        paths = " or ".join(str(item.path) for item in found)
        raise ModelError(
            f"There are {len(found)} files of “{name}”: choose one by its path, {paths}."
        )
    known = {word for item in items for word in (item.model, item.path.name) if word}
    raise ModelError(
        f"No weights of “{name}” are downloaded.{did_you_mean(name, known)} "
        "“cnnviz weights” lists what is."
    )


# ------------------------------------------------------------------------------------------ delete


def delete(item: CachedWeights) -> None:
    """Delete downloaded weights; raise `ModelError` where that is refused or goes wrong."""
    path = item.path
    try:
        folder = path.parent.resolve()
        if folder == checkpoints_folder().resolve():
            _delete_checkpoint(path)
        elif hub_folder().resolve() in folder.parents and folder.parent.name == "snapshots":
            _delete_from_repository(path, folder.parents[1])
        else:
            raise ModelError(f"{path} is not among the downloaded weights: it was left alone.")
    except FileNotFoundError:
        return  # someone else has deleted it
    except OSError as error:
        raise ModelError(
            f"{path} cannot be deleted ({error.strerror or error}). Close the programs that use "
            "it, or delete it yourself."
        ) from error


def _delete_checkpoint(path: Path) -> None:
    if path.name.endswith(_PARTIAL):
        if time.time() - path.stat().st_mtime < _AT_WORK:
            raise ModelError(f"{path.name} is being downloaded: cancel that first.")
        path.with_name(path.name + ".json").unlink(missing_ok=True)
    path.unlink()


def _delete_from_repository(path: Path, repository: Path) -> None:
    """Delete a file from Hugging Face's cache: its links in all snapshots and what they lead to."""
    body = path.resolve()
    for link in sorted((repository / "snapshots").glob("*/*")):
        if link == path or link.resolve() == body:
            link.unlink()
    if repository / "blobs" in body.parents:
        body.unlink(missing_ok=True)
    if not any(item.is_file() for item in (repository / "snapshots").rglob("*")):
        shutil.rmtree(repository)
