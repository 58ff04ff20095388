"""Lay out the right dock: what the engine computes, how to start it and how far it is."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.engine import techniques
from cnnviz_desktop.engine.run import Progress
from cnnviz_desktop.engine.technique import Parameter, Technique
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import (
    Ground,
    Icon,
    Line,
    fix_size,
    icon_button,
    label,
    named,
    push_button,
)
from cnnviz_desktop.gui.flat_style import set_primary
from cnnviz_desktop.gui.jobs import Job, Priority
from cnnviz_desktop.gui.maximise_runs import TABS as STEERED
from cnnviz_desktop.gui.maximise_steering import Steering, ended
from cnnviz_desktop.gui.method_picker import MethodPicker
from cnnviz_desktop.gui.models import MODEL_SLOT
from cnnviz_desktop.gui.param_form import ParamForm
from cnnviz_desktop.gui.session import EXPLAIN, Session
from cnnviz_desktop.gui.status_bar import duration, remaining

_FLASH = 150  # milliseconds; what is done sooner shows no progress
_STEPS = 1000  # of the progress bar
_OF_A_UNIT = ("layer", "channel", "call", "row", "column", "target", "seed")
_OF_A_FOLDER = ("folder", "split")


class TechniquePanel(Ground):
    """The form of the tab in view, Run and Cancel, progress, and a card below.

    Signals: `help_requested` (technique's command or "").
    """

    help_requested = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.AlternateBase, parent)
        named(self, "techniquePanel", "Parameters")
        self._session = session
        self._job: Job | None = None
        self._ran: dict[str, str] = {}  # what happened last in each tab, where it was no success
        self._title = labels.ElidedLabel(role="strong")
        self._about = icon_button("info", "techniqueHelp", "About this technique", "")
        self._methods = MethodPicker()
        self.form = ParamForm()
        self.run_button = push_button("Run", "runButton", "Compute with these parameters (F5)")
        self.cancel_button = push_button("Cancel", "cancelButton", "Stop the work (Esc)")
        self.steering = Steering()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        fix_size(self._bar, height=6)
        named(self._bar, "progressBar", "Progress")
        self._doing = labels.ElidedLabel(role="secondary")
        self._left = label("", "secondary", muted=True)
        self._icon = Icon("info")
        self._state = labels.ElidedLabel(role="secondary", muted=True)
        named(self._state, "stateLine", "State")
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(_FLASH)
        self._wait.timeout.connect(self._announce)
        self._card_room = QVBoxLayout()
        self._lay_out()
        for part in (self._methods, self._buttons):  # until a tab is shown
            part.hide()
        self._connect()

    def add_card(self, card: QWidget) -> None:
        """Put a card below the buttons."""
        self._card_room.addWidget(card)

    def show_tab(self, _tab: str = "") -> None:
        """Show the form and the state of the tab in view."""
        tab = self._session.tab
        kinds = [kind for kind in techniques.TECHNIQUES if kind.tab == tab]
        technique = self._session.techniques.get(tab)
        self._title.setText(technique.title if technique else tab)
        tip = _teaching(type(technique)) if technique else "What the network answers, and how sure"
        self._about.setToolTip(tip)
        self._methods.setVisible(tab == EXPLAIN or len(kinds) > 1)
        self._methods.show_methods(kinds, technique.command if technique is not None else "")
        self.form.setVisible(technique is not None)
        self.run_button.setVisible(technique is not None)
        self._show_form(tab)
        self._follow_job()

    def refresh(self) -> None:
        """Show whether there is something to do."""
        if self._is_short():
            return  # all is as it was, until the answer is there or it takes its time
        held = self.window().focusWidget()  # a hidden button hands the keyboard to any other
        tab = self._session.tab
        technique = self._session.techniques.get(tab)
        waits = self._waits_for(technique)
        loading = self._job is not None and self._job.slot == MODEL_SLOT
        busy = self._job is not None and not loading
        stale = not waits and technique is not None and self._session.is_stale(tab)
        self.run_button.setEnabled(not waits and not busy)
        self.cancel_button.setEnabled(busy or loading)
        steered = busy and tab in STEERED
        self.steering.follow(self._job if steered else None)
        self._buttons.setVisible((technique is not None or loading) and not steered)
        if held is not None and held is not self.window().focusWidget():
            (self.steering.hold_button if steered else self.run_button).setFocus()
        set_primary(self.run_button, stale and not busy)
        answer = self._session.answers.get(tab)
        if waits:
            self._say("info", "muted", waits)
        elif busy:
            working = self.steering.state() if steered else "Working"
            self._say("info", "muted", f"{working}{labels.ELLIPSIS}")
        elif stale and self._ran.get(tab):
            self._say("warning", "warning", self._ran[tab])
        elif stale and (answer is None or type(answer.technique) is not type(technique)):
            self._say("info", "muted", "Not run yet")
        elif stale and answer is not None:
            self._say("info", "muted", ended(answer) or "Parameters changed")
        elif answer is not None:
            took = duration(answer.seconds)
            self._say("ok", "ok", f"Up to date {labels.DOT} {took}")
        else:
            self._say("ok", "ok", "Up to date")

    def stop(self) -> None:
        """Ask a long run for what there is; cancel any other, and one that has nothing yet."""
        answer = self._session.answers.get(self._session.tab)
        if self.steering.job() is not None and answer is not None and answer.partial:
            self.steering.finish()
        else:
            self.cancel()

    def cancel(self) -> None:
        """Stop the work of the tab in view, or the loading of a model."""
        job = self._job
        if job is not None:
            job.cancel()  # may show what was there before
            if job.slot != MODEL_SLOT:
                self._ran[self._session.tab] = "Cancelled; run again to finish"
                self.refresh()

    def run(self) -> None:
        """Compute with the parameters as they are."""
        if self.run_button.isEnabled():
            self._ran.pop(self._session.tab, None)
            self._session.run(self._session.tab)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._about)
        self._buttons = _row(self.run_button, self.cancel_button, stretches=(3, 2))
        self._progress = QWidget()
        progress = QVBoxLayout(self._progress)
        progress.setContentsMargins(0, 0, 0, 0)
        progress.setSpacing(4)
        progress.addWidget(_row(self._doing, self._left, stretches=(1, 0)))
        progress.addWidget(self._bar)
        self._progress.hide()
        self._upper = upper = QVBoxLayout()
        upper.setContentsMargins(12, 4, 12, 8)
        upper.setSpacing(8)
        upper.addLayout(head)
        state = _row(self._icon, self._state, stretches=(0, 1))
        shown = (self._methods, self.form, self._buttons, self.steering, self._progress, state)
        for part in shown:
            upper.addWidget(part)
        inside = Ground(QPalette.ColorRole.AlternateBase)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(upper)
        column.addWidget(Line())
        column.addLayout(self._card_room)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        named(scroll, "techniqueScroll", "Parameters")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def _connect(self) -> None:
        session = self._session
        session.tab_changed.connect(self.show_tab)
        session.technique_changed.connect(self._changed)
        session.models.changed.connect(self._changed_model)
        session.models.cleared.connect(self.show_tab)
        session.pictures.selected.connect(self._changed_picture)
        session.predictions.added.connect(self._changed_picture)
        session.requested.connect(self._requested)
        session.models.requested.connect(self._follow_job)
        session.answered.connect(self._answered)
        session.failed.connect(self._failed)
        self.form.changed.connect(self._edited)
        self._methods.chosen.connect(self._picked_method)
        self.run_button.clicked.connect(self.run)
        self.cancel_button.clicked.connect(self.cancel)
        self.steering.cancel_requested.connect(self.cancel)
        self.steering.steered.connect(self.refresh)
        self._about.clicked.connect(self._ask_for_help)

    def _changed(self, tab: str) -> None:
        """Follow a technique that was changed elsewhere, to another method perhaps."""
        technique = self._session.techniques.get(tab)
        other = technique is not None and technique.command != self._methods.currentData()
        if other and tab == self._session.tab:
            self.show_tab()
        else:
            self._show_form(tab)

    def _show_form(self, tab: str) -> None:
        if tab == self._session.tab:
            technique = self._session.techniques.get(tab)
            self.form.show_technique(technique, self._session.model)
            self.form.show_prediction(self._session.predictions.current())
            self.refresh()

    def _edited(self, technique: Technique) -> None:
        self._ran.pop(self._session.tab, None)
        self._session.set_technique(self._session.tab, technique)

    def _picked_method(self, command: str) -> None:
        kind = next(kind for kind in techniques.TECHNIQUES if kind.command == command)
        old = self._session.techniques[self._session.tab].values()
        taken = [item for item in kind.parameters() if item.name in old]
        if self._session.tab in STEERED:  # the others mean something else to each
            taken = [item for item in taken if item.name in _OF_A_UNIT + _OF_A_FOLDER]
        shared = {item.name: old[item.name] for item in taken if _fits(item, old[item.name])}
        technique = kind()
        with suppress(CnnvizError):  # what goes with one method may not go with another
            technique = kind(**shared)
        self._session.set_technique(self._session.tab, technique)
        self.show_tab()

    def _changed_model(self) -> None:
        self._ran.clear()  # what went wrong did so with another one
        self.show_tab()

    def _changed_picture(self) -> None:
        self.form.show_prediction(self._session.predictions.current())
        self.refresh()

    def _requested(self, tab: str) -> None:
        if tab == self._session.tab:
            self._ran.pop(tab, None)
            self._follow_job()

    def _answered(self, tab: str) -> None:
        self._ran.pop(tab, None)
        if tab == self._session.tab:
            self.refresh()

    def _failed(self, tab: str, _error: CnnvizError) -> None:
        if tab:
            self._ran[tab] = "The last run failed; the reason stands above the picture"
        self.refresh()

    def _follow_job(self) -> None:
        """Watch the job of the tab in view, else the one that loads a model."""
        job = self._session.job(self._session.tab) or self._session.job(MODEL_SLOT)
        if job is not self._job:
            if self._job is not None:
                self._job.progressed.disconnect(self._progressed)
                self._job.ended.disconnect(self._job_ended)
            self._job = job
            if job is not None:
                job.progressed.connect(self._progressed)
                job.ended.connect(self._job_ended)
                self._bar.setRange(0, 0)
                self._doing.setText(job.label)
                self._left.clear()
                self._wait.start()
            else:
                self._wait.stop()
                self._announce()
        self.refresh()

    def _job_ended(self) -> None:
        self._follow_job()

    def _announce(self) -> None:
        self._progress.setVisible(self._job is not None)
        self._upper.invalidate()  # hiding alone left its room behind now and then
        self.refresh()

    def _is_short(self) -> bool:
        """Tell whether a click is being answered that may be over before anything would flash."""
        job = self._job
        return job is not None and job.priority == Priority.CLICK and self._wait.isActive()

    def _progressed(self, progress: Progress) -> None:
        self._bar.setRange(0, _STEPS)  # bytes of a large file are more than Qt can count
        self._bar.setValue(_STEPS * progress.done // max(1, progress.total))
        self._doing.setText(progress.label)
        self._left.setText(remaining(progress))

    def _waits_for(self, technique: Technique | None) -> str:
        if self._session.model is None:
            return "Waits for the model"
        needs_image = technique is None or technique.needs_image
        if needs_image and self._session.pictures.current is None:
            return "Waits for a picture"
        return ""

    def _say(self, icon: str, role: str, text: str) -> None:
        self._icon.show_icon(icon, role)
        self._state.setText(text)

    def _ask_for_help(self) -> None:
        technique = self._session.techniques.get(self._session.tab)
        self.help_requested.emit(technique.command if technique else "")


def _fits(parameter: Parameter, value: Any) -> bool:
    """Tell whether a parameter may have a value, which another method's may."""
    try:
        parameter.check(value)
    except CnnvizError:
        return False
    return True


def _row(*widgets: QWidget, stretches: tuple[int, ...]) -> QWidget:
    """Return widgets side by side."""
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    for widget, stretch in zip(widgets, stretches, strict=True):
        row.addWidget(widget, stretch)
    return made


def _teaching(kind: type[Technique]) -> str:
    """Return what the tooltip of a technique teaches."""
    paper = f"\n{kind.paper}" if kind.paper else ""
    return f"{kind.title}: {kind.summary}{paper}"
