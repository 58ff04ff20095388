"""Keep what a person chose for good: one small JSON file that says only what differs."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import platformdirs

from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.whole_file import whole_file

FOLDER_VARIABLE = "CNNVIZ_CONFIG_DIR"  # set, it holds the settings: for tests and portable use
MOST_RECENT = 12
LARGEST_FILE = 2**20
_LEAST_BUDGET, _MOST_BUDGET = 512, 4096  # megabytes

Theme = Literal["system", "light", "dark"]
Recent = Literal["models", "images", "sessions", "folders"]


def usual_budget(memory: int | None = None) -> int:
    """Return the megabytes of results to keep with so many bytes of memory: the machine's own."""
    memory = machine_memory() if memory is None else memory
    return min(max(_LEAST_BUDGET, memory // 8 // 2**20), _MOST_BUDGET)


@lru_cache(maxsize=1)
def machine_memory() -> int:
    """Return the bytes of memory this machine has, 0 where the system does not say."""
    if sys.platform == "win32":
        return _windows_memory()
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 0


def _windows_memory() -> int:
    """Ask Windows for the memory of the machine."""
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            ("total", ctypes.c_uint64),
            ("others", ctypes.c_uint64 * 6),
        ]

    windll: Any = getattr(ctypes, "windll", None)
    status = Status(length=ctypes.sizeof(Status))
    known = windll is not None and windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.total) if known else 0


@dataclass(frozen=True)
class Settings:
    """What a person can choose; a colour map or folder of "" is the application's own.

    `interface_scale` is a factor, `memory_budget` the megabytes of results kept (an eighth of the
    machine's memory, within 512 and 4096), `threads` 0 for as many as the machine has,
    `autosave_minutes` 0 for never. `unknown` holds what a newer version
    wrote, so that it is not lost.
    """

    theme: Theme = "system"
    sequential_map: str = ""
    signed_map: str = ""
    kernel_map: str = ""
    overlay_map: str = ""
    interface_scale: float = 1.0
    memory_budget: int = field(default_factory=usual_budget)
    threads: int = 0
    device: str = "cpu"
    cache_folder: str = ""
    log_folder: str = ""
    reduced_motion: bool = False
    autosave_minutes: int = 2
    tour_seen: bool = False
    recent_models: tuple[str, ...] = ()
    recent_images: tuple[str, ...] = ()
    recent_sessions: tuple[str, ...] = ()
    recent_folders: tuple[str, ...] = ()
    unknown: Mapping[str, Any] = field(default_factory=dict)


def settings_path() -> Path:
    """Return where the settings are kept."""
    folder = os.environ.get(FOLDER_VARIABLE)
    own = Path(folder) if folder else platformdirs.user_config_path("cnnviz-desktop", False)
    return own / "settings.json"


def usual_log_folder() -> Path:
    """Return where results are logged to unless a person chose: beside settings of one's own."""
    if os.environ.get(FOLDER_VARIABLE):
        return settings_path().parent / "logs"
    return platformdirs.user_documents_path() / "CNNviz logs"


def load_settings(path: Path | None = None) -> tuple[Settings, str]:
    """Return the settings, and a sentence where not all could be read or "".

    A broken file is set aside as `settings.broken.json`; what is wrong in a sound one falls back to
    its default.
    """
    path = settings_path() if path is None else path
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        return Settings(), ""
    except OSError as error:
        reason = error.strerror or str(error)
        return (
            Settings(),
            f"The settings in {path} cannot be read ({reason}): the defaults are used.",
        )
    try:
        values = _parsed(data)
    except (ValueError, RecursionError):
        return Settings(), _set_aside(path)
    known = {item.name for item in fields(Settings)} - {"unknown"}
    taken: dict[str, Any] = {}
    wrong = []
    for name in sorted(known & values.keys()):
        value = values[name]
        if isinstance(value, list):
            value = tuple(value[:MOST_RECENT])
        if _CHECKS[name](value):
            taken[name] = value
        else:
            wrong.append(name)
    unknown = {name: value for name, value in values.items() if name not in known}
    return Settings(**taken, unknown=unknown), _fallback(wrong)


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Write the settings whole or not at all; raise `ExportError` where they cannot be written."""
    path = settings_path() if path is None else path
    default = Settings()
    names = [item.name for item in fields(Settings) if item.name != "unknown"]
    differing = {
        name: getattr(settings, name)
        for name in names
        if getattr(settings, name) != getattr(default, name)
    }
    values = {**settings.unknown, **differing}
    text = json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as stream:
            stream.write(text.encode("ascii"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(
            f"The settings cannot be kept in {path} ({reason}): they hold until you close "
            "the window."
        ) from error


def with_recent(settings: Settings, kind: Recent, value: str) -> Settings:
    """Return the settings with a model, image or session as the one used last."""
    name = f"recent_{kind}"
    before: tuple[str, ...] = getattr(settings, name)
    now = (value, *(item for item in before if item != value))[:MOST_RECENT]
    changes: dict[str, Any] = {name: now}
    return replace(settings, **changes)


def _parsed(data: bytes) -> dict[str, Any]:
    if len(data) > LARGEST_FILE:
        raise ValueError
    values = json.loads(data, parse_constant=_no_number, parse_float=_finite)
    if not isinstance(values, dict):
        raise ValueError
    return values


def _no_number(word: str) -> float:
    raise ValueError(word)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _set_aside(path: Path) -> str:
    aside = path.with_name(f"{path.stem}.broken{path.suffix}")
    try:
        path.replace(aside)
    except OSError:
        return f"The settings in {path} are damaged: the defaults are used."
    return f"The settings were damaged and are now the defaults; the old file is kept as {aside}."


def _fallback(names: list[str]) -> str:
    if not names:
        return ""
    *rest, last = [name.replace("_", " ") for name in names]
    listed = f"{', '.join(rest)} and {last}" if rest else last
    return f"Settings had no usable value for {listed}: the default is used."


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_recent(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    def is_sound(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    return is_sound


def _is_scale(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0.5 <= value <= 4


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "theme": lambda value: value in ("system", "light", "dark"),
    "sequential_map": _is_text,
    "signed_map": _is_text,
    "kernel_map": _is_text,
    "overlay_map": _is_text,
    "interface_scale": _is_scale,
    "memory_budget": _whole(16, 2**20),
    "threads": _whole(0, 1024),
    "device": _is_text,
    "cache_folder": _is_text,
    "log_folder": _is_text,
    "reduced_motion": _is_flag,
    "autosave_minutes": _whole(0, 24 * 60),
    "tour_seen": _is_flag,
    "recent_models": _is_recent,
    "recent_images": _is_recent,
    "recent_sessions": _is_recent,
    "recent_folders": _is_recent,
}
