"""Hold the requests that settings lead to: threads, and what is kept of long computations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.gui.work import Engine


@dataclass(frozen=True, eq=False)
class UseThreads:
    """Let the engine compute with so many threads, 0 for its own choice -> None."""

    engine: Engine
    count: int

    def __call__(self, run: Run) -> None:
        """Do it in the engine's thread, the only one that it holds for."""
        self.engine.use_threads(self.count)


@dataclass(frozen=True)
class MeasureCache:
    """Find what long computations left -> (folder, bytes); `clear`: delete it first."""

    clear: bool = False

    def __call__(self, run: Run) -> tuple[Path, int]:
        """Do it."""
        from cnnviz_desktop.engine import caches

        if self.clear:
            caches.clear_own()
        return caches.own_folder(), caches.own_size()
