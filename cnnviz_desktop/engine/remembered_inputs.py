"""Remember what a person said of a model file's input and classes, by the file's content."""

from __future__ import annotations

import hashlib
import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

from cnnviz_desktop.data import InputSpec
from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.paths import expanded
from cnnviz_desktop.settings import settings_path
from cnnviz_desktop.whole_file import whole_file

_LARGEST_FILE = 2**22
_MOST_MODELS, _MOST_FILES = 500, 100


def remember(path: Path, spec: InputSpec) -> None:
    """Keep a spec for a model file; one that says nothing is forgotten.

    Raises `ExportError` where it cannot be kept.
    """
    try:
        models, files = _load()
        digest, size = _digest(path, files)
        models.pop(digest, None)
        if spec != InputSpec():
            models[digest] = {"bytes": size, **_values(spec)}
        _save(models, files)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(
            f"What you said of {path.name} cannot be kept ({reason}): it holds until the model is "
            "opened again."
        ) from error


def remembered(path: Path) -> InputSpec | None:
    """Return what was kept for a model file of this content, or None."""
    try:
        models, files = _load()
        size = path.stat().st_size
        # Reading through a large file is spared where none of that length was kept.
        if all(entry.get("bytes") != size for entry in models.values()):
            return None
        known = dict(files)
        digest, _ = _digest(path, files)
    except OSError:
        return None
    if files != known:
        with suppress(OSError):
            _save(models, files)
    return _spec(models[digest]) if digest in models else None


def models_path() -> Path:
    """Return where it is kept: beside the settings."""
    return settings_path().with_name("models.json")


Models = dict[str, dict[str, Any]]  # by SHA-256
Files = dict[str, list[Any]]  # path -> bytes, time of change, SHA-256


def _load() -> tuple[Models, Files]:
    """Read the file; a damaged one is an empty one."""
    try:
        with models_path().open("rb") as stream:
            data = stream.read(_LARGEST_FILE + 1)
        values = json.loads(data) if len(data) <= _LARGEST_FILE else {}
    except (OSError, ValueError, RecursionError):
        values = {}
    values = values if isinstance(values, dict) else {}
    models, files = values.get("models"), values.get("files")
    return (
        {key: item for key, item in models.items() if isinstance(item, dict)}
        if isinstance(models, dict)
        else {},
        {key: item for key, item in files.items() if isinstance(item, list) and len(item) == 3}
        if isinstance(files, dict)
        else {},
    )


def _save(models: Models, files: Files) -> None:
    path = models_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {
        "models": dict(list(models.items())[-_MOST_MODELS:]),
        "files": dict(list(files.items())[-_MOST_FILES:]),
    }
    with whole_file(path) as stream:
        stream.write((json.dumps(values, indent=1) + "\n").encode("ascii"))


def _digest(path: Path, files: Files) -> tuple[str, int]:
    """Return a file's SHA-256 and length; `files` says those that have not changed since."""
    place, now = str(path.resolve()), path.stat()
    known = files.get(place)
    if known is not None and known[:2] == [now.st_size, now.st_mtime_ns]:
        return str(known[2]), now.st_size
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    files.pop(place, None)
    files[place] = [now.st_size, now.st_mtime_ns, digest]
    return digest, now.st_size


def _values(spec: InputSpec) -> dict[str, Any]:
    values = {"size": spec.size, "mean": spec.mean, "std": spec.std}
    labels = None if spec.labels is None else str(expanded(spec.labels).resolve())
    return {name: value for name, value in {**values, "labels": labels}.items() if value}


def _spec(entry: dict[str, Any]) -> InputSpec | None:
    """Read a kept spec; what is not as it is written is left out."""
    size, labels = entry.get("size"), entry.get("labels")
    sound = isinstance(size, list) and len(size) == 2 and all(_is_whole(item) for item in size)
    found = InputSpec(
        size=(size[0], size[1]) if isinstance(size, list) and sound else None,
        mean=_numbers(entry.get("mean")),
        std=_numbers(entry.get("std")),
        labels=Path(labels) if isinstance(labels, str) else None,
    )
    return None if found == InputSpec() else found


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _numbers(values: Any) -> tuple[float, ...] | None:
    if not isinstance(values, list) or len(values) not in (1, 3):
        return None
    numbers = tuple(item for item in values if isinstance(item, (int, float)))
    sound = len(numbers) == len(values) and all(math.isfinite(item) for item in numbers)
    return numbers if sound else None
