"""Importing the package, each time in a fresh process; `window.py` has the first paint."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

from benchmarks.ratio import Row


def rows() -> Iterator[Row]:
    """Yield the row whose floor is a bare interpreter."""
    yield Row(
        name="import",
        contenders={
            "python": python("pass"),
            "cnnviz": python("import cnnviz_desktop"),
            "cnnviz forms": python("import cnnviz_desktop.engine.techniques"),
            "torch": python("import torch"),
        },
        rounds=7,
        note="the package and its forms need no torch",
    )


def python(code: str) -> Callable[[], object]:
    """Return the running of a snippet in a fresh interpreter."""

    def work() -> object:
        return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    return work
