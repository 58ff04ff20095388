"""Carry progress out of a running technique and cancellation into it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Any, TypeVar

from cnnviz_desktop.data import Result
from cnnviz_desktop.errors import Cancelled

Item = TypeVar("Item")

_LOOK = 0.02  # seconds between looks at urgent work while a run is held


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

    `cancel()`, `hold()`, `resume()`, `adjust()` and `finish()` may be called from any thread;
    `check()`, called by the technique between its steps and by the recorder between layers, raises
    `Cancelled` in the working thread. The callbacks run in the working thread. `on_check` lets a
    scheduler answer urgent work between two steps, `on_wait` says whether there is any.

    Work of many steps waits in `pause()` while it is held, takes up what `adjusted()` gives and
    ends early with what there is once `finishing`; other work takes no notice of these.
    """

    def __init__(
        self,
        on_progress: Callable[[Progress], None] | None = None,
        on_preview: Callable[[Result], None] | None = None,
        on_check: Callable[[], None] | None = None,
        on_wait: Callable[[], bool] | None = None,
    ) -> None:
        self._on_progress = on_progress
        self._on_preview = on_preview
        self._on_check = on_check
        self._on_wait = on_wait
        self._cancelled = threading.Event()
        self._going = threading.Event()
        self._going.set()
        self._finishing = threading.Event()
        self._adjusted: deque[Any] = deque(maxlen=1)
        self._waited = 0.0

    def cancel(self) -> None:
        """Ask the work to stop at its next layer or step; nothing of it is kept."""
        self._cancelled.set()
        self._going.set()

    @property
    def cancelled(self) -> bool:
        """Tell whether the work was asked to stop."""
        return self._cancelled.is_set()

    def hold(self) -> None:
        """Ask the work to wait at its next step, where it can be taken up again."""
        if not (self.cancelled or self.finishing):
            self._going.clear()

    def resume(self) -> None:
        """Let work that is held go on."""
        self._going.set()

    @property
    def held(self) -> bool:
        """Tell whether the work is to wait."""
        return not self._going.is_set()

    def adjust(self, technique: Any) -> None:
        """Ask the work to go on with other parameters, as far as they can change on the way."""
        self._adjusted.append(technique)

    def adjusted(self) -> Any | None:
        """Return the newest parameters that were asked for, once; None where there are none."""
        try:
            return self._adjusted.pop()
        except IndexError:
            return None

    def finish(self) -> None:
        """Ask the work to end at its next step and give what there is."""
        self._finishing.set()
        self._going.set()

    @property
    def finishing(self) -> bool:
        """Tell whether the work was asked to give what there is."""
        return self._finishing.is_set()

    @property
    def waited(self) -> float:
        """Return the seconds that it was held so far."""
        return self._waited

    def check(self) -> None:
        """Raise `Cancelled` if the work was asked to stop."""
        if self._cancelled.is_set():
            raise Cancelled

    @property
    def awaited(self) -> bool:
        """Tell whether urgent work waits for a pause; what is soon done again may be dropped."""
        return self._on_wait is not None and self._on_wait()

    def pause(self) -> None:
        """Let urgent work run, and wait while held: call between steps, with no hook set."""
        self.check()
        self._let_others()
        if self.held:
            start = time.perf_counter()
            while not self._going.wait(_LOOK):
                self._let_others()
            self._waited += time.perf_counter() - start
            self.check()

    def _let_others(self) -> None:
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
        start, waited = time.perf_counter(), self.waited
        self.report(label, 0, total, 0.0)
        for done, item in enumerate(items, start=1):
            self.pause()
            yield item
            taken = time.perf_counter() - start - (self.waited - waited)
            self.report(label, done, total, taken)

    @property
    def previews(self) -> bool:
        """Tell whether anybody looks at unfinished results."""
        return self._on_preview is not None

    def preview(self, result: Result) -> None:
        """Show an unfinished result."""
        if self._on_preview is not None:
            self._on_preview(result)


class Part(Run):
    """The run of one of several parts of some work, which is stopped, held and watched as a whole.

    `label` names the whole; with `shown` the previews of a part are shown as those of the whole.
    Where parts are not `counted` step by step, the whole counts them itself.
    """

    def __init__(
        self,
        whole: Run,
        label: str,
        parts: int = 1,
        *,
        shown: bool = True,
        counted: bool = True,
    ) -> None:
        super().__init__()
        self._whole = whole
        self._label = label
        self._parts = parts
        self._shown = shown
        self._counted = counted
        self._done = 0
        self._start = time.perf_counter() - whole.waited

    def advance(self) -> None:
        """Go on to the next part."""
        self._done += 1

    @property
    def cancelled(self) -> bool:
        """Tell whether the whole was asked to stop."""
        return self._whole.cancelled

    @property
    def finishing(self) -> bool:
        """Tell whether the whole was asked for what there is."""
        return self._whole.finishing

    @property
    def held(self) -> bool:
        """Tell whether the whole is to wait."""
        return self._whole.held

    @property
    def waited(self) -> float:
        """Return the seconds that the whole was held so far."""
        return self._whole.waited

    @property
    def awaited(self) -> bool:
        """Tell whether urgent work waits for a pause of the whole."""
        return self._whole.awaited

    @property
    def previews(self) -> bool:
        """Tell whether anybody looks at unfinished results."""
        return self._shown and self._whole.previews

    def check(self) -> None:
        """Raise `Cancelled` if the whole was asked to stop."""
        self._whole.check()

    def pause(self) -> None:
        """Let urgent work run, and wait while the whole is held."""
        self._whole.pause()

    def report(self, label: str, done: int, total: int, elapsed: float) -> None:
        """Report the part's progress as that of the whole, or only look whether to stop."""
        if not self._counted:
            self.check()
            return
        taken = time.perf_counter() - self._start - self.waited
        self._whole.report(self._label, self._done * total + done, self._parts * total, taken)

    def preview(self, result: Result) -> None:
        """Show an unfinished result of the part."""
        if self._shown:
            self._whole.preview(result)


class _Silent(Run):
    """The run of notebooks: shared by all, so it never stops and tells nobody."""

    def cancel(self) -> None:
        self._refuse("cancel")

    def hold(self) -> None:
        self._refuse("hold")

    def adjust(self, technique: Any) -> None:
        self._refuse("adjust")

    def finish(self) -> None:
        self._refuse("finish")

    def _refuse(self, what: str) -> None:
        raise RuntimeError(f"SILENT is shared by every caller; pass a Run() of your own to {what}")


SILENT: Run = _Silent()
