"""Keep a safety copy of the session, and offer the one that a crash left behind."""

from __future__ import annotations

from contextlib import suppress

from PySide6.QtCore import QObject, QTimer, Signal

from cnnviz_desktop.autosave import Autosave
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.documents import Documents
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.session_state import last_file
from cnnviz_desktop.gui.session_work import DropCopy, FindCopy, WriteCopy
from cnnviz_desktop.sessions import SessionState
from cnnviz_desktop.settings import settings_path

_SLOT = "safety copy"
FOLDER = "recovery"  # beside the settings


class Recovery(QObject):
    """The safety copy of this window, written at most once in the minutes that are set.

    Signals: `offered` (a sentence) a crash left a session behind; `refused` (a sentence) the copy
    cannot be written, said once.
    """

    offered = Signal(str)
    refused = Signal(str)

    def __init__(self, jobs: Jobs, documents: Documents, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._documents = documents
        folder = settings_path().parent / FOLDER
        self._copy = Autosave(folder)
        self._left = Autosave(folder)  # holds what a crash left until the person decides
        self._state: SessionState | None = None
        self._refused = False
        self._declined = False
        self._taken = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.write)
        documents.touched.connect(self._begin)
        documents.saved.connect(self._saved)

    def set_minutes(self, minutes: int) -> None:
        """Set how often a copy is written; 0 is never."""
        running = self._timer.isActive()
        self._timer.setInterval(minutes * 60_000)
        if not minutes:
            self._timer.stop()
        elif running:
            self._timer.start()

    def find(self) -> None:
        """Look for what a crash left behind."""
        job = self._jobs.submit(FindCopy(self._left), "Looking for a session to recover", _SLOT)
        job.done.connect(self._found)

    def take_up(self) -> None:
        """Open the session that was left behind."""
        state, self._state = self._state, None
        if state is not None:
            self._taken = True
            self._documents.recover(state)

    def decline(self) -> None:
        """Note that the person does not want it: it goes when the window closes."""
        self._declined = True

    def write(self) -> None:
        """Write the safety copy now."""
        self._timer.stop()
        if self._documents.worth_keeping:
            work = WriteCopy(self._copy, self._documents.take_down())
            job = self._jobs.submit(work, "Keeping a safety copy", _SLOT, Priority.CLICK)
            job.done.connect(self._wrote)

    def close(self, well: bool) -> None:
        """Remove what a window that closed well needs no more; the engine's thread has ended."""
        if well:
            self._copy.clear()
        else:
            with suppress(CnnvizError):
                if self._documents.worth_keeping:
                    self._copy.write(self._documents.take_down().state())
            self._copy.leave()
        undecided = self._state is not None and not self._declined
        if undecided or (self._taken and not well):
            self._left.leave()
        else:
            self._left.clear()

    def _begin(self) -> None:
        """Write a copy before long."""
        if self._timer.interval() and not self._timer.isActive():
            self._timer.start()

    def _found(self, state: SessionState | None) -> None:
        self._state = state
        if state is not None:
            self.offered.emit(f"CNNviz did not close well. {_summary(state)} can be recovered.")

    def _wrote(self, refusal: str) -> None:
        if refusal and not self._refused:
            self._refused = True
            self.refused.emit(refusal)
        elif not refusal and self._taken:
            self._taken = False
            self._jobs.submit(DropCopy(self._left), "Tidying up", f"{_SLOT} left")

    def _saved(self) -> None:
        """Let go of the copies: the session's own file has it all."""
        self._timer.stop()
        self._jobs.submit(DropCopy(self._copy), "Tidying up", _SLOT)
        if self._taken:
            self._taken = False
            self._jobs.submit(DropCopy(self._left), "Tidying up", f"{_SLOT} left")


def _summary(state: SessionState) -> str:
    """Say what a session holds."""
    parts = []
    counts = (
        (len(state.images), "picture"),
        (len(state.pins), "pinned unit"),
        (len(state.notes), "note"),
    )
    for count, word in counts:
        if count:
            parts.append(labels.many(count, word))
    *rest, last = parts or ["what was on screen"]
    held = f"{', '.join(rest)} and {last}" if rest else last
    file = last_file(state)
    name = f"“{file.stem}”" if file is not None else "A session"
    return f"{name} with {held}"
