"""Open and save the session's file, and never lose what is not saved without asking."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox

from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.export_options import completed
from cnnviz_desktop.gui.file_kinds import SESSION_FILTER
from cnnviz_desktop.gui.history import History, Moment
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.missing_files import MissingFiles
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.session_state import Snapshot, bring_back, last_file, take_down
from cnnviz_desktop.gui.session_work import Found, Gather, OpenSession, WriteSession
from cnnviz_desktop.gui.work import Engine
from cnnviz_desktop.session_places import mismatch
from cnnviz_desktop.sessions import SUFFIX, SessionState

if TYPE_CHECKING:
    from cnnviz_desktop.gui.main_window import MainWindow

_SLOT = "session"
_CLOSE, _OPEN = "close", "open"


class Documents(QObject):
    """The session's file, as title bar and File menu show it.

    A session without a file counts as modified once something was pinned or written: what else it
    holds is opened again with a few clicks.

    Signals: `touched` the session changed; `saved` (path); `opened` (path); `warned` (a sentence);
    `said` (what was done); `given_up` nothing was opened after all.
    """

    touched = Signal()
    saved = Signal(object)
    opened = Signal(object)
    warned = Signal(str)
    said = Signal(str)
    given_up = Signal()

    def __init__(
        self, session: Session, jobs: Jobs, engine: Engine, history: History, window: MainWindow
    ) -> None:
        super().__init__(window)
        self._session = session
        self._jobs = jobs
        self._engine = engine
        self._history = history
        self._window = window
        self._views = window.tabs.views
        self.path: Path | None = None
        self._saved: Moment | None = None  # what the file holds; None where there is none
        self._recovering = False  # what is being read was left behind by a crash
        self._recovered = False  # what is shown was, and is saved nowhere yet
        self._writing: Moment | None = None
        self._next: tuple[str, Path | None] | None = None  # to be done once it is saved
        self._box: QMessageBox | None = None
        self.closed = False  # by the person, all questions answered
        self._missing = MissingFiles(jobs, engine, window)
        self._missing.settled.connect(self._show)
        self._missing.cancelled.connect(self.given_up)
        history.recorded.connect(self._changed)
        session.models.changed.connect(self._model_came)
        window.installEventFilter(self)
        self._show_title()

    @property
    def modified(self) -> bool:
        """Tell whether there is something that would be missed."""
        if self._recovered:
            return True
        now = self._history.moment()
        if self._saved is None:
            return bool(now.pins or now.notes)
        return now != self._saved

    @property
    def worth_keeping(self) -> bool:
        """Tell whether a crash would lose something."""
        return self.modified or (self._saved is None and self._history.stack.count() > 0)

    def take_down(self) -> Snapshot:
        """Take down what the window shows, for a safety copy."""
        return take_down(self._session, self._views, self.path)

    def ask_to_open(self) -> None:
        """Ask for a session's file and open it."""
        chosen, _kind = QFileDialog.getOpenFileName(
            self._window, "Open session", "", SESSION_FILTER
        )
        if chosen:
            self.open(Path(chosen))

    def open(self, path: Path) -> None:
        """Open a session in place of the present one."""
        if self.modified:
            self._ask(_OPEN, path)
        else:
            self._read(path)

    def recover(self, state: SessionState) -> None:
        """Show a session that a crash left behind."""
        work = Gather(self._engine, state, Path(f"recovered{SUFFIX}"), self._session.model)
        self._recovering = True
        self._submit(work, "Recovering the session")

    def save(self) -> None:
        """Save to the session's file; ask for one where there is none."""
        if self.path is None:
            self.save_as()
        else:
            self._write(self.path)

    def save_as(self) -> None:
        """Ask for a file and save there."""
        before = self.path or Path(f"session{SUFFIX}")
        chosen, _kind = QFileDialog.getSaveFileName(
            self._window, "Save session", str(before), SESSION_FILTER
        )
        if not chosen:
            self._next = None
            return
        self._write(completed(chosen, SUFFIX))

    def may_close(self) -> bool:
        """Tell whether the window may close; ask where something would be lost."""
        self._history.record()
        if not self.modified:
            self.closed = True
        elif self._box is None:
            self._ask(_CLOSE, None)
        return self.closed

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the window open until the question is answered."""
        if event.type() == QEvent.Type.Close and watched is self._window and not self.may_close():
            event.ignore()
            return True
        return False

    def _read(self, path: Path) -> None:
        work = OpenSession(self._engine, path, self._session.model)
        self._recovering = False
        self._submit(work, f"Opening {path.name}")

    def _submit(self, work: OpenSession | Gather, label: str) -> None:
        job = self._jobs.submit(work, label, _SLOT, Priority.CLICK)
        job.done.connect(self._missing.complete)
        job.failed.connect(self.given_up)
        job.cancelled.connect(self.given_up)

    def _show(self, found: Found) -> None:
        """Show a session that was read, with all files that could be had."""
        bring_back(found, self._session, self._views)
        self._history.clear()
        self._recovered = self._recovering
        if self._recovered:
            self.path, self._saved = last_file(found.state), None
        else:
            self.path, self._saved = found.path, self._history.moment()
            self.opened.emit(found.path)
        self._show_title()
        amiss = _amiss(found)
        if amiss:
            self.warned.emit(amiss)
        self.said.emit(f"Opened {found.path.name}" if not self._recovered else "Recovered")
        if self._recovered:
            self.touched.emit()

    def _model_came(self) -> None:
        """Count the session's own model as saved, on whatever device there is for it."""
        if self._saved is not None and self._session.models.resumed:
            self._saved = replace(self._saved, model=self._history.moment().model)

    def _write(self, path: Path) -> None:
        self._history.record()
        self._writing = self._history.moment()
        work = WriteSession(take_down(self._session, self._views, None), path)
        job = self._jobs.submit(work, f"Saving {path.name}", "save", Priority.CLICK)
        job.done.connect(self._wrote)
        job.failed.connect(self._not_written)

    def _wrote(self, path: Path) -> None:
        self.path, self._saved, self._recovered = path, self._writing, False
        self._show_title()
        self.saved.emit(path)
        self.said.emit(f"Saved {path.name}")
        self._go_on()

    def _not_written(self) -> None:
        self._next = None

    def _ask(self, what: str, path: Path | None) -> None:
        """Ask whether to save before the session goes."""
        if self._box is not None:
            self._box.reject()
        self._next = (what, path)
        name = self.path.name if self.path is not None else "this session"
        box = self._box = QMessageBox(self._window)
        named(box, "saveQuestion", "Save the session?")
        box.setWindowTitle("CNNviz")
        box.setText(f"Save the changes to {name}?")
        box.setInformativeText(_worth(self._history.moment(), self._saved))
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        box.button(buttons.Save).setProperty("primary", True)
        box.finished.connect(self._answered)
        box.open()

    def _answered(self, button: int) -> None:
        box, self._box = self._box, None
        if box is not None:
            box.deleteLater()
        if button == QMessageBox.StandardButton.Save:
            self.save()
        elif button == QMessageBox.StandardButton.Discard:
            self._go_on()
        else:
            self._next = None

    def _go_on(self) -> None:
        """Do what waited for the answer."""
        waiting, self._next = self._next, None
        if waiting is None:
            return
        what, path = waiting
        if what == _OPEN and path is not None:
            self._read(path)
        else:
            self.closed = True
            self._window.close()

    def _changed(self) -> None:
        self._show_title()
        if self.worth_keeping:
            self.touched.emit()

    def _show_title(self) -> None:
        name = self.path.stem if self.path is not None else "Untitled session"
        known = self.path is not None or self._recovered or self.modified
        self._window.setWindowTitle(f"{name}[*]" if known else "CNNviz[*]")
        self._window.setWindowFilePath(str(self.path) if self.path is not None else "")
        self._window.setWindowModified(self.modified)


def _amiss(found: Found) -> str:
    """Say in a sentence or two what is not as it was saved."""
    changed = [item for item in found.state.images if item.key in found.changed]
    says = list(found.said[:1])
    if changed:
        says.append(mismatch(changed[0], ""))
        more = len(changed) - 1
        if more:
            says.append(f"So {'is 1 other picture' if more == 1 else f'are {more} others'}.")
    left = [item.name for item in found.lost if item.kind == "picture"]
    if left:
        what = left[0] if len(left) == 1 else f"{labels.whole(len(left))} pictures"
        says.append(f"{what} {'was' if len(left) == 1 else 'were'} left out.")
    names = [item.name for item in found.lost if item.kind == "labels"]
    if names and not found.lacks:
        says.append(f"{names[0]} was left out: classes have numbers in place of names.")
    if found.lacks:
        says.append(
            f"{found.lacks} was left out, so the network is not loaded and what it gave last is "
            "shown. Choose another network, or open the session again to say where the file is."
        )
    return " ".join(says)


def _worth(now: Moment, saved: Moment | None) -> str:
    """Say what would be lost."""
    if saved is not None:
        return "What you changed since the session was saved is lost otherwise."
    parts = []
    for count, word in ((len(now.pins), "pinned unit"), (len(now.notes), "note")):
        if count:
            parts.append(labels.many(count, word))
    return f"It holds {' and '.join(parts)}, and is kept nowhere yet." if parts else ""
