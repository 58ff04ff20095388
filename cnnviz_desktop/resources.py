"""Find the files that ship with the program: the one place that knows where they lie."""

from __future__ import annotations

import sys
from pathlib import Path


def _root() -> Path:
    """Return the resources folder of a frozen build, an installed wheel or a source tree."""
    frozen = getattr(sys, "_MEIPASS", None)  # where PyInstaller unpacks
    if frozen is not None:
        return Path(frozen) / "resources"
    inside = Path(__file__).parent / "_resources"  # the wheel maps resources/ here
    return inside if inside.is_dir() else Path(__file__).parents[1] / "resources"


def resource(name: str) -> Path:
    """Return the path of a shipped file or folder; raise FileNotFoundError where it is missing."""
    path = _root() / name
    if not path.exists():
        raise FileNotFoundError(f"The installation is incomplete: {path} is missing.")
    return path
