"""Run the engine's work in one thread of its own: requests in, answers out, by queued signals.

Hooks live on the model, so one engine thread is a correctness rule. A long job answers urgent ones
between its steps, in the same thread. Cancelling frees the window at once: the job is abandoned
and its late answer dropped, while the work itself stops at its next layer or step.
"""

from __future__ import annotations

import gc
import heapq
import itertools
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from cnnviz_desktop.data import Result
from cnnviz_desktop.engine.run import Progress, Run
from cnnviz_desktop.errors import Cancelled, CnnvizError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.technique import Technique

Work = Callable[[Run], Any]

_STACK = 16 * 2**20  # a thread of macOS has half a megabyte, too little for deep networks
_TURN = 0.0005  # seconds until a thread must let the other have the interpreter: Python's own 5 ms,
# waited for at every call into Qt, add up to stalls of 60 ms while a worker runs Python code
_EVERY = 200  # milliseconds between looks at the garbage: little of it at a time is no stall
_REST = 1.5  # seconds without a job until a larger collection of garbage may stall the window
_LATE = 50  # times the usual number of small collections after which it is done all the same
_PROGRESS_EVERY = 0.03  # seconds; more often than the screen helps nobody


class Priority(IntEnum):
    """What goes first; a job of a lower number is answered between the steps of a higher one."""

    CLICK = 0
    LOAD = 1  # a network, whose download may take minutes: clicks on the present one go first
    RUN = 2
    BACKGROUND = 3
    SPARE = 4  # of minutes and hours, such as a gallery: all else goes first


class InternalError(CnnvizError):
    """Something that is not the person's fault went wrong; `report` says where."""

    def __init__(self, report: str) -> None:
        super().__init__(
            "Something went wrong inside CNNviz. Your pictures and settings are untouched; "
            "please send the report."
        )
        self.report = report


class Job(QObject):
    """One request and its one answer; lives in the window's thread.

    Signals: `done` the answer; `failed` a `CnnvizError`; `cancelled` by the person; `progressed` a
    `Progress`; `previewed` an unfinished result; `held_changed` it waits, or goes on; `ended`
    whatever the outcome. A superseded job says `ended` only.
    """

    done = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    progressed = Signal(object)
    previewed = Signal(object)
    held_changed = Signal()
    ended = Signal()

    def __init__(self, jobs: Jobs, task: _Task, label: str, slot: str) -> None:
        super().__init__()  # Python's own: deleteLater on such objects crashes now and then
        self.label = label
        self.slot = slot
        self.priority = task.priority
        self.started = time.perf_counter()
        self._jobs = jobs
        self._task = task
        self._held_since = 0.0
        self._waited = 0.0  # seconds that it was held, before it was held last

    @property
    def number(self) -> int:
        """Return the job's number, counted from 1."""
        return self._task.number

    @property
    def work(self) -> Work:
        """Return the request."""
        return self._task.work

    def cancel(self) -> None:
        """Abandon the job now; the work stops at its next check."""
        if self._jobs.abandon(self):
            self.cancelled.emit()
            self.ended.emit()

    @property
    def held(self) -> bool:
        """Tell whether the work waits to go on."""
        return self._task.run.held

    @property
    def finishing(self) -> bool:
        """Tell whether the work was asked for what there is."""
        return self._task.run.finishing

    @property
    def worked(self) -> float:
        """Return the seconds since the work began, without those that it was held."""
        until = self._held_since if self.held else time.perf_counter()
        return max(0.0, until - self.started - self._waited)

    def hold(self) -> None:
        """Let the work wait at its next step; other work is done meanwhile."""
        if not self.held:
            self._held_since = time.perf_counter()
            self._task.run.hold()
            self.held_changed.emit()

    def resume(self) -> None:
        """Let the work go on."""
        if self.held:
            self._waited += time.perf_counter() - self._held_since
            self._task.run.resume()
            self.held_changed.emit()

    def adjust(self, technique: Technique) -> None:
        """Let the work go on with other parameters."""
        self._task.run.adjust(technique)

    def finish(self) -> None:
        """Ask for what there is: the work ends at its next step, also where it was held."""
        self.resume()
        self._task.run.finish()

    def supersede(self) -> None:
        """Abandon the job because a newer one takes its place."""
        if self._jobs.abandon(self):
            self.ended.emit()


@dataclass(order=True)
class _Task:
    """What the engine thread knows of a job: no Qt object."""

    priority: Priority
    number: int
    work: Work = field(compare=False)
    run: Run = field(compare=False)


class _Queue:
    """Hold the waiting tasks, most urgent first; every method may be called from any thread."""

    def __init__(self) -> None:
        self._tasks: list[_Task] = []
        self._changed = threading.Condition()
        self._closed = False

    def put(self, task: _Task) -> None:
        with self._changed:
            heapq.heappush(self._tasks, task)
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._tasks.clear()
            self._changed.notify()

    def wait(self) -> _Task | None:
        """Return the next task, waiting for one; None once closed."""
        with self._changed:
            while not self._closed:
                task = self._pop(above=None)
                if task is not None:
                    return task
                self._changed.wait()
            return None

    def more_urgent(self, than: int) -> _Task | None:
        """Return a waiting task of a lower priority number, or None."""
        with self._changed:
            return None if self._closed else self._pop(above=than)

    def holds(self, than: int) -> bool:
        """Tell whether a task of a lower priority number waits."""
        with self._changed:
            self._forget_cancelled()
            return bool(self._tasks) and self._tasks[0].priority < than

    def _forget_cancelled(self) -> None:
        while self._tasks and self._tasks[0].run.cancelled:
            heapq.heappop(self._tasks)

    def _pop(self, above: int | None) -> _Task | None:
        self._forget_cancelled()
        if not self._tasks or (above is not None and self._tasks[0].priority >= above):
            return None
        return heapq.heappop(self._tasks)


class _EngineThread(QThread):
    """Work off the queue. Signals: `reported` (job number, what, payload), from this thread."""

    reported = Signal(int, str, object)

    def __init__(self, queue: _Queue) -> None:
        super().__init__()
        self.setObjectName("engine")
        self.setStackSize(_STACK)
        self._queue = queue

    def run(self) -> None:
        """Answer tasks until the queue is closed."""
        task = self._queue.wait()
        while task is not None:
            self._answer(task)
            task = None  # an idle thread keeps no model alive
            task = self._queue.wait()

    def answer_others(self, run: Run, priority: Priority) -> None:
        """Answer what waits and is more urgent: called between the steps of a longer job.

        A held one lets all others pass but those of hours, which it could not go on before.
        """
        task = self._queue.more_urgent(Priority.SPARE if run.held else priority)
        while task is not None:
            self._answer(task)
            task = self._queue.more_urgent(Priority.SPARE if run.held else priority)

    def _answer(self, task: _Task) -> None:
        if task.run.cancelled:
            return
        self.reported.emit(task.number, "begun", None)
        try:
            answer = task.work(task.run)
        except Cancelled:
            self.reported.emit(task.number, "cancelled", None)
        except CnnvizError as error:
            error.__traceback__ = None  # its frames hold the model and the activations
            error.__context__ = None
            self.reported.emit(task.number, "failed", error)
        except Exception as error:  # whatever it is, it must reach the window
            self.reported.emit(task.number, "failed", _explained(error))
        else:
            self.reported.emit(task.number, "done", answer)


def _explained(error: Exception) -> CnnvizError:
    """Return the sentence for running out of memory, a bug with its report for all else."""
    text = str(error).lower()
    full = "out of memory" in text or "can't allocate memory" in text
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or full:
        return CnnvizError(
            "There is not enough memory for this. Choose a smaller network or picture, another "
            "device, or close other programs; everything already on screen is kept."
        )
    return InternalError("".join(traceback.format_exception(error)))


class _Reporter:
    """Thin out what a running task tells the window; its methods run in the engine thread."""

    def __init__(self, number: int, thread: _EngineThread, calm: Callable[[], float]) -> None:
        """Take what says the least seconds from one preview to the next."""
        self._number = number
        self._thread = thread
        self._calm = calm
        self._last = 0.0
        self._shown = 0.0
        self._free = threading.Event()
        self._free.set()

    def progress(self, progress: Progress) -> None:
        now = time.perf_counter()
        if now - self._last >= _PROGRESS_EVERY or progress.done >= progress.total:
            self._last = now
            self._thread.reported.emit(self._number, "progressed", progress)

    def preview(self, result: Result) -> None:
        """Send a preview unless the last one is still on its way, or too fresh."""
        now = time.perf_counter()
        if self._free.is_set() and now - self._shown >= self._calm():
            self._shown = now
            self._free.clear()
            self._thread.reported.emit(self._number, "previewed", (result, self._free))


class Jobs(QObject):
    """The one engine thread as the window sees it.

    Signals: `started` and `finished` a `Job`; `progressed` (job, `Progress`); `previewed` (job,
    result); `failed` (job, `CnnvizError`); `crashed` a bug's report. A new job with the slot of an
    older one supersedes it.
    """

    started = Signal(object)
    finished = Signal(object)
    progressed = Signal(object, object)
    previewed = Signal(object, object)
    failed = Signal(object, object)
    crashed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.calm = 0.0  # seconds from one preview of a job to the next at least
        self._queue = _Queue()
        self._thread = _EngineThread(self._queue)
        self._thread.reported.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._garbage = GarbageKeeper(self._idle, self)
        self._ended = 0.0
        self._turn = sys.getswitchinterval()
        sys.setswitchinterval(_TURN)
        self._jobs: dict[int, Job] = {}
        self._numbers = itertools.count(1)
        self._closed = False
        self._stopped = False

    def submit(
        self, work: Work, label: str, slot: str = "", priority: Priority = Priority.CLICK
    ) -> Job:
        """Queue a request; `slot` names what it is about, a newer one of the same slot replaces it.

        The work must be complete in itself: it runs in the engine thread and touches no widget.
        """
        if slot:
            for older in [job for job in self._jobs.values() if job.slot == slot]:
                older.supersede()
        number = next(self._numbers)
        reporter = _Reporter(number, self._thread, lambda: self.calm)

        def answer_others() -> None:
            self._thread.answer_others(run, priority)

        run = Run(
            on_progress=reporter.progress,
            on_preview=reporter.preview,
            on_check=answer_others,
            on_wait=partial(self._queue.holds, priority),
        )
        task = _Task(priority, number, work, run)
        job = Job(self, task, label, slot)
        if self._closed:
            run.cancel()
            return job
        self._jobs[number] = job
        if not self._thread.isRunning():
            self._thread.start()
        self._queue.put(task)
        return job

    def current(self, slot: str) -> Job | None:
        """Return the waiting or running job of that slot."""
        return next((job for job in self._jobs.values() if job.slot == slot), None)

    def busy(self) -> list[Job]:
        """List the waiting and running jobs, oldest first."""
        return list(self._jobs.values())

    def abandon(self, job: Job) -> bool:
        """Stop a job and forget it; tell whether it was still live."""
        job._task.run.cancel()
        if self._jobs.pop(job.number, None) is None:
            return False
        self._end(job)
        return True

    def cancel_all(self) -> None:
        """Cancel whatever waits or runs."""
        for job in self.busy():
            job.cancel()

    def close(self, patience: float = 30.0) -> bool:
        """Stop all work and the thread; False where the work did not stop in `patience` seconds."""
        self._closed = True
        self.cancel_all()
        self._queue.close()
        stopped = self._thread.wait(int(patience * 1000)) or not self._thread.isRunning()
        if stopped and not self._stopped:
            self._stopped = True
            self._thread.reported.disconnect(self._deliver)
            self._garbage.close()
            sys.setswitchinterval(self._turn)
        return stopped

    def _deliver(self, number: int, what: str, payload: Any) -> None:
        """Hand a report of the engine thread to its job; drop it where the job is gone."""
        if what == "previewed":
            payload, free = payload
            free.set()
        job = self._jobs.get(number)
        if job is None:
            return
        match what:
            case "begun":
                job.started = time.perf_counter()
                self.started.emit(job)
            case "progressed":
                job.progressed.emit(payload)
                self.progressed.emit(job, payload)
            case "previewed":
                job.previewed.emit(payload)
                self.previewed.emit(job, payload)
            case _:
                del self._jobs[number]
                if what == "done":
                    job.done.emit(payload)
                elif what == "failed":
                    job.failed.emit(payload)
                    self.failed.emit(job, payload)
                    if isinstance(payload, InternalError):
                        self.crashed.emit(payload.report)
                else:
                    job.cancelled.emit()
                job.ended.emit()
                self._end(job)

    def _idle(self) -> bool:
        """Tell whether nothing was done for a moment."""
        dragging = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        return not (self._jobs or dragging) and time.perf_counter() - self._ended > _REST

    def _end(self, job: Job) -> None:
        self._ended = time.perf_counter()
        self.finished.emit(job)


class GarbageKeeper(QObject):
    """Collect Python's cycles in the window's thread only.

    A collection that the engine thread happens to trigger would delete widgets outside their
    thread. So the automatic collector rests while this object lives, and a timer does its work.
    More than the youngest is collected in a moment that is `idle()`: it would show as a stall.
    `held` is locked while heavy modules are imported: collections are what makes a window stall
    then (the worker freezes what it imported).
    """

    held = threading.Lock()

    def __init__(self, idle: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._idle = idle
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    def close(self) -> None:
        """Hand the work back to the automatic collector."""
        self._timer.stop()
        gc.unfreeze()  # or the imported modules look leaked to their own checks at exit
        if self._was_enabled:
            gc.enable()

    def _collect(self) -> None:
        if self.held.locked():
            return
        counts, thresholds = gc.get_count(), gc.get_threshold()
        for generation in (2, 1, 0):
            if counts[generation] > thresholds[generation] > 0:
                late = counts[generation] > _LATE * thresholds[generation]
                if generation and not late and not self._idle():
                    continue
                gc.collect(generation)
                if generation == 2:  # what survived lives long: the next one need not walk it again
                    gc.freeze()
                return
