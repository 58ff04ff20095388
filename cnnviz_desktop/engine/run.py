"""Carry progress out of a running technique and cancellation into it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import TypeVar

from cnnviz_desktop.data import Result
from cnnviz_desktop.errors import Cancelled

Item = TypeVar("Item")


@dataclass(frozen=True)
class Progress:
    """How far a run is: `done` of `total` steps of what `label` names; seconds since its start."""

    label: str
    done: int
    total: int
    elapsed: float

    @property
    def remaining(self) -> float | None:
        """Estimate the seconds left from the pace so far; None before the first step is done."""
        if not self.done:
            return None
        return self.elapsed / self.done * (self.total - self.done)


class Run:
    """One execution of a technique: it reports progress and previews, and can be cancelled.

    `cancel()` may be called from any thread; `check()`, called by the technique between its steps
    and by the recorder between layers, raises `Cancelled` in the working thread. The callbacks run
    in the working thread. `on_check` lets a scheduler answer urgent work between two steps.
    """

    def __init__(
        self,
        on_progress: Callable[[Progress], None] | None = None,
        on_preview: Callable[[Result], None] | None = None,
        on_check: Callable[[], None] | None = None,
    ) -> None:
        self._on_progress = on_progress
        self._on_preview = on_preview
        self._on_check = on_check
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next layer or step."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Tell whether the work was asked to stop."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if the work was asked to stop."""
        if self._cancelled.is_set():
            raise Cancelled

    def pause(self) -> None:
        """Let urgent work run: call between steps, with no hook on the model."""
        self.check()
        if self._on_check is not None:
            self._on_check()
            self.check()

    def report(self, label: str, done: int, total: int, elapsed: float) -> None:
        """Report progress that `track` cannot count, such as bytes of a download."""
        self.check()
        if self._on_progress is not None:
            self._on_progress(Progress(label, done, total, elapsed))

    def track(self, items: Iterable[Item], label: str, total: int | None = None) -> Iterator[Item]:
        """Yield the items, reporting progress and raising `Cancelled` between them."""
        if total is None:
            if not isinstance(items, Sized):
                raise TypeError("track() needs a total for an iterable without a length")
            total = len(items)
        start = time.perf_counter()
        self.report(label, 0, total, 0.0)
        for done, item in enumerate(items, start=1):
            self.pause()
            yield item
            self.report(label, done, total, time.perf_counter() - start)

    def preview(self, result: Result) -> None:
        """Show an unfinished result."""
        if self._on_preview is not None:
            self._on_preview(result)


class _Silent(Run):
    """The run of notebooks: shared by all, so it never stops and tells nobody."""

    def cancel(self) -> None:
        raise RuntimeError("SILENT is shared by every caller; pass a Run() of your own to cancel")


SILENT: Run = _Silent()
