"""Tell what a training left in a folder: files of weights, logs, or both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cnnviz_desktop.errors import ParameterError

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".pkl", ".tar")
_EVENTS = ".tfevents."
_TABLES = ("training.csv", "metrics.csv", "log.csv", "history.csv")
_DEEPEST = 5  # folders within folders that are looked into
_MOST = 5000  # entries that are looked at: a wrong folder may be a whole disk


@dataclass(frozen=True)
class TrainingFolder:
    """A folder, how many checkpoints it holds, whether logs, and such as TensorBoard reads."""

    path: Path
    checkpoints: int
    logs: bool
    events: bool


def is_checkpoint(path: Path) -> bool:
    """Tell by its name whether a file may hold weights."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def look_into(path: Path) -> TrainingFolder:
    """Return what a folder, or the folder of a file, holds.

    Raises `ParameterError` where it holds neither checkpoints nor logs.
    """
    folder = path if path.is_dir() else path.parent
    try:
        files = [entry for entry in folder.iterdir() if entry.is_file()]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ParameterError(f"The folder {folder} cannot be read ({reason}).") from error
    checkpoints = sum(is_checkpoint(file) for file in files)
    events = next(event_folders(folder), None) is not None
    logs = events or bool(log_tables(folder))
    if not checkpoints and not logs:
        raise ParameterError(
            f"There are neither checkpoints ({', '.join(SUFFIXES[:4])}) nor TensorBoard logs in "
            f"{folder}: choose the folder that a training writes into."
        )
    return TrainingFolder(folder, checkpoints, logs, events)


def event_folders(folder: Path) -> Iterator[Path]:
    """Yield the folders at and below one that hold event files: each is a run."""
    seen = 0
    for place, below, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        below[:] = sorted(name for name in below if not name.startswith("."))
        if depth >= _DEEPEST:
            below.clear()
        seen += len(files) + 1
        if any(_EVENTS in name for name in files):
            yield Path(place)
        if seen > _MOST:
            return


def log_tables(folder: Path) -> list[Path]:
    """List the CSV files of a training's numbers, in the folder or, of checkpoints, beside it."""
    here = [folder / name for name in _TABLES]
    beside = [folder.parent / name for name in _TABLES] if _is_of_checkpoints(folder) else []
    return [path for path in (*here, *beside) if path.is_file()]


def _is_of_checkpoints(folder: Path) -> bool:
    return folder.name.lower() in ("checkpoints", "weights", "snapshots")
