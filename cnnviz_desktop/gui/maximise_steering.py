"""Steer a run of minutes: hold it, let it go on, end it with what there is, or cancel it."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from cnnviz_desktop.data import Inverted, Maximised
from cnnviz_desktop.engine.run import Progress
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import fix_size, label, named, push_button
from cnnviz_desktop.gui.jobs import Job, Priority
from cnnviz_desktop.gui.maximise_pace import Pace
from cnnviz_desktop.gui.status_bar import duration
from cnnviz_desktop.gui.work import Answer, Perform

# What is not taken up by a run that goes on.
_WAITS = "Step size, transforms and weights act on what grows now; all else waits for the next run."
_ASIDE = "Runs in the background: all else goes first. What is done is kept on disk."
_BEHIND = "Runs in the background: all else goes first."
_DROPS = "Stop the run and keep nothing of it"
_STOPS = "Stop the run; the next one goes on from what is on disk"
_OF_PICTURES = ("exemplars", "evaluate")  # commands whose steps are pictures of a folder
_TICK = 500  # milliseconds between looks at the clock


class Steering(QWidget):
    """The buttons of a run that can be steered, and how fast it goes (`steering`).

    Signals: `cancel_requested` by its button; `steered` the run began, was held, goes on or ends.
    """

    cancel_requested = Signal()
    steered = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "steering", "Steer the run")
        self._job: Job | None = None
        self.pace = Pace()
        self.hold_button = push_button("Pause", "holdButton", "Let the run wait; it can go on")
        self.finish_button = push_button(
            "Finish", "finishButton", "End the run and keep the best so far (Esc)"
        )
        self.cancel_button = push_button("Cancel", "steeringCancel", _DROPS)
        self._speed = label("", "secondary", muted=True)
        named(self._speed, "speedLine", "Pace")
        self._hint = label(_WAITS, "caption", muted=True)
        self._hint.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.hold_button, self.finish_button, self.cancel_button):
            fix_size(button, least=56)
            buttons.addWidget(button, 1)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(6)
        grid.addLayout(buttons, 0, 0)
        grid.addWidget(self._speed, 1, 0)
        grid.addWidget(self._hint, 2, 0)
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK)
        self._tick.timeout.connect(self._show_pace)
        self.hold_button.clicked.connect(self._turn)
        self.finish_button.clicked.connect(self.finish)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.hide()

    def follow(self, job: Job | None) -> None:
        """Steer another job; None hides the buttons."""
        if job is self._job:
            return
        if self._job is not None:
            self._job.progressed.disconnect(self._progressed)
            self._job.held_changed.disconnect(self._held_changed)
        self._job = job
        self.setVisible(job is not None)
        if job is None:
            self._tick.stop()
            return
        self.pace = Pace()
        aside = job.priority is Priority.SPARE
        kept = _BEHIND if _command(job) == "evaluate" else _ASIDE
        self._hint.setText(kept if aside else _WAITS)
        self.cancel_button.setToolTip(_STOPS if kept is _ASIDE and aside else _DROPS)
        job.progressed.connect(self._progressed)
        job.held_changed.connect(self._held_changed)
        self._tick.start()
        self._show_pace()
        self._show_buttons()

    def job(self) -> Job | None:
        """Return the job that is steered."""
        return self._job

    def finish(self) -> None:
        """End the run with what there is."""
        if self._job is not None:
            self._job.finish()
            if self.finish_button.hasFocus() or self.hold_button.hasFocus():
                self.cancel_button.setFocus()  # a disabled button hands the keyboard to any other
            self._show_buttons()
            self.steered.emit()

    def state(self) -> str:
        """Say in a word what the run does."""
        if self._job is not None and self._job.finishing:
            return "Finishing"
        if self._job is not None and self._job.held:
            return "Paused"
        return "Working" if self.pace.total else "Beginning"

    def _turn(self) -> None:
        """Hold the run, or let it go on."""
        if self._job is not None:
            if self._job.held:
                self._job.resume()
            else:
                self._job.hold()

    def _held_changed(self) -> None:
        self._show_buttons()
        self._show_pace()
        self.steered.emit()

    def _progressed(self, progress: Progress) -> None:
        if self._job is not None:
            begins = not self.pace.total
            self.pace.step(self._job.worked, progress.done, progress.total)
            if begins:
                self.steered.emit()

    def _show_buttons(self) -> None:
        held = self._job is not None and self._job.held
        ending = self._job is not None and self._job.finishing
        self.hold_button.setText("Continue" if held else "Pause")
        self.hold_button.setAccessibleName(self.hold_button.text())
        self.hold_button.setToolTip(
            "Let the run go on" if held else "Let the run wait; it can go on"
        )
        self.hold_button.setEnabled(not ending)
        self.finish_button.setEnabled(not ending)

    def _show_pace(self) -> None:
        pace, job = self.pace, self._job
        if job is None:
            return
        unit = "pictures" if _command(job) in _OF_PICTURES else "steps"
        parts = []
        if pace.total:
            parts.append(f"{labels.whole(pace.done)} of {labels.whole(pace.total)} {unit}")
        parts.append(duration(job.worked))
        if pace.rate:
            per_second = "steps/s" if unit == "steps" else "/s"
            parts.append(f"{labels.value(pace.rate)} {per_second}")
        self._speed.setText(f" {labels.DOT} ".join(parts))


def _command(job: Job) -> str:
    """Return the command of the technique that a job carries out."""
    return job.work.technique.command if isinstance(job.work, Perform) else ""


def ended(answer: Answer) -> str:
    """Say that a run was not made as its form says from the start to the end, or nothing."""
    result = answer.result
    if answer.altered and answer.technique.command == "evaluate":
        return "Ended early: these are the first pictures"
    if answer.altered and answer.technique.command in ("gallery", "exemplars"):
        return "Ended early: Run goes on"
    if answer.altered:
        return "Changed on its way: Run makes it anew"
    if answer.partial or not isinstance(result, Maximised | Inverted):
        return ""
    steps = result.objectives.shape[-1]
    if steps >= result.steps:
        return ""
    return f"Ended after {labels.whole(steps)} of {labels.whole(result.steps)} steps"
