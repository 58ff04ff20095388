"""Paths as people write them."""

from __future__ import annotations

import os
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """Return a path with "~" as its user's home, as it is where there is no such user."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path's own raises there
