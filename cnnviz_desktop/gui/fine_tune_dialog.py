"""Teach the network classes of one's own and see how it learns; the window stays free."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from cnnviz_desktop.data import Curves
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import fit_screen, label, named, push_button
from cnnviz_desktop.gui.export_work import Refused
from cnnviz_desktop.gui.file_field import is_there
from cnnviz_desktop.gui.fine_tune_form import FineTuneForm
from cnnviz_desktop.gui.fine_tune_work import FineTune
from cnnviz_desktop.gui.flat_style import set_primary
from cnnviz_desktop.gui.jobs import Job, Jobs, Priority
from cnnviz_desktop.gui.maximise_curve import Curve, CurveView
from cnnviz_desktop.gui.message_bar import MessageBar
from cnnviz_desktop.gui.status_bar import remaining

if TYPE_CHECKING:
    from cnnviz_desktop.engine.fine_tuning import Tuned
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.run import Progress

SLOT = "fine-tuning"
_MEASURES = ("loss", "accuracy", "MSE", "R²")
_REPLACE = "replace"


class FineTuneDialog(QDialog):
    """The choices, the curves while it learns, and what came of it.

    Closed, it is only hidden: the training goes on. Signals: `opened` (path) the result is to be
    opened; `learned` (path) it is there; `refused` (a sentence) why it is not.
    """

    opened = Signal(object)
    learned = Signal(object)
    refused = Signal(str)

    def __init__(self, jobs: Jobs, parent: QWidget) -> None:
        super().__init__(parent)
        named(self, "fineTuneDialog", "Fine-tune")
        self.setModal(False)
        self._jobs = jobs
        self._model: LoadedModel | None = None
        self._job: Job | None = None
        self._tuned: Tuned | None = None
        self._title = label("", "title")
        named(self._title, "fineTuneTitle", "The network")
        self.form = FineTuneForm()
        self._message = MessageBar()
        named(self._message, "fineTuneMessage", "Message")
        self._views = {measure: self._view(measure) for measure in _MEASURES}
        self._curves = QWidget()
        named(self._curves, "fineTuneCurves", "How it learns")
        self._said = label("", muted=True)
        named(self._said, "fineTuneSaid", "How far it is")
        self._said.setWordWrap(True)
        self._lay_out()
        self.form.edited.connect(self._check)
        self._message.acted.connect(self._acted)
        self._show_state()

    def set_model(self, model: LoadedModel | None) -> None:
        """Take the network that is to be trained from now on; a running one goes on."""
        self._model = model
        if self._job is None:
            name = model.title if model is not None else "No network"
            self.setWindowTitle(f"Fine-tune {name}" if model is not None else "Fine-tune")
            self._title.setText(
                f"Teach {name} classes of your own" if model is not None else "Open a network first"
            )
            if model is not None:
                self.form.set_model(model.title)
            self._show_state()

    def showEvent(self, event: QShowEvent) -> None:
        """Look again at what is on disk."""
        self.form.refresh()
        self._check()
        super().showEvent(event)

    # ---------------------------------------------------------------------------------- the work

    def _start(self) -> None:
        path = self.form.path()
        if self._model is None or path is None or self.form.wrong():
            self._check()
            return
        if is_there(path) and not self.form.resumes:
            self._message.tell("warning", f"{path.name} is there already.", "Replace it", _REPLACE)
            return
        self._submit()

    def _submit(self) -> None:
        path = self.form.path()
        if self._model is None or path is None:
            return
        self._message.hide()
        self._tuned = None
        for view in self._views.values():
            view.show_curves((), self.form.said()["epochs"], "epoch")
        work = FineTune(self._model, self.form.said(), path, self.form.resumes)
        words = f"Fine-tuning {self._model.title}"
        self._job = self._jobs.submit(work, words, SLOT, Priority.SPARE)
        self._job.progressed.connect(self._progressed)
        self._job.previewed.connect(self._show_curves)
        self._job.done.connect(self._done)
        self._job.failed.connect(self._failed)
        self._job.ended.connect(self._ended)
        self._said.setText(f"It begins{labels.ELLIPSIS}")
        self._show_state()

    def _stop(self) -> None:
        """Ask for the best so far."""
        if self._job is not None:
            self._job.finish()
            self._said.setText(f"It ends with the best so far{labels.ELLIPSIS}")
            self._stop_button.setEnabled(False)

    def _progressed(self, progress: Progress) -> None:
        if self._job is None or self._job.finishing:
            return
        share = progress.done / max(1, progress.total)
        left = remaining(progress)
        rest = f" · {left}" if left else ""
        self._said.setText(f"{progress.label}: {labels.percent(share)}{rest}")

    def _show_curves(self, curves: object) -> None:
        if not isinstance(curves, Curves):
            return
        epochs = self.form.said()["epochs"]
        known = dict(zip(curves.names, curves.values, strict=True))
        nothing = np.zeros(0, np.float32)
        for measure, view in self._views.items():
            held, own = (known.get(f"{measure}/{part}", nothing) for part in ("held out", "train"))
            pair = (Curve(held, "held out", chosen=True), Curve(own, "train"))
            view.show_curves(pair, epochs, "epoch")

    def _done(self, made: Tuned | Refused) -> None:
        if isinstance(made, Refused):
            self._refuse(made.sentence)
            return
        self._tuned = made
        self._show_curves(made.curves)
        self._said.setText(
            f"{labels.percent(made.accuracy)} of the held-out pictures are told right. Epoch "
            f"{made.epoch} of {made.epochs} is kept in {made.path.name}."
        )
        for note in made.notes[:1]:
            self._message.tell("info", note)
        self.learned.emit(made.path)

    def _failed(self, error: CnnvizError) -> None:
        self._refuse(str(error))

    def _refuse(self, sentence: str) -> None:
        self._message.tell("error", sentence)
        self._said.setText("")
        self.refused.emit(sentence)

    def _ended(self) -> None:
        self._job = None
        self.form.refresh()
        self.set_model(self._model)
        self._show_state()

    def _acted(self) -> None:
        if self._message.topic == _REPLACE:
            self._submit()

    def _open(self) -> None:
        if self._tuned is not None:
            self.opened.emit(self._tuned.path)
            self.accept()  # or it would lie over what was opened

    # ---------------------------------------------------------------------------------- the look

    def _check(self) -> None:
        """Say what is missing, while nothing is under way."""
        if self._job is None:
            if self._message.topic == _REPLACE:
                self._message.hide()
            wrong = self.form.wrong() if self._model is not None else ""
            if wrong or self._tuned is None:
                self._said.setText(wrong)
            self._show_state()

    def _show_state(self) -> None:
        running = self._job is not None
        may = self._model is not None and not self.form.wrong()
        self.form.setEnabled(not running)
        self._start_button.setVisible(not running)
        self._start_button.setEnabled(may)
        self._stop_button.setVisible(running)
        self._stop_button.setEnabled(running)
        self._open_button.setVisible(self._tuned is not None and not running)
        set_primary(self._open_button, self._tuned is not None)
        set_primary(self._start_button, may and self._tuned is None)

    def _view(self, measure: str) -> CurveView:
        made = CurveView()
        named(made, f"fineTuneCurve_{measure.replace('²', '2')}", f"{measure} by epoch")
        return made

    def _lay_out(self) -> None:
        grid = QGridLayout(self._curves)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        for place, (measure, view) in enumerate(self._views.items()):
            row, column = divmod(place, 2)
            head: QLabel = label(measure[0].upper() + measure[1:], "secondary")
            grid.addWidget(head, 2 * row, column)
            grid.addWidget(view, 2 * row + 1, column)
            grid.setRowStretch(2 * row + 1, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(20, 20, 20, 16)
        whole.setSpacing(14)
        whole.addWidget(self._title)
        whole.addWidget(self.form)
        whole.addWidget(self._message)
        whole.addWidget(self._curves, 1)
        whole.addWidget(self._said)
        whole.addLayout(self._make_foot())
        fit_screen(self, 640, 640)

    def _make_foot(self) -> QHBoxLayout:
        self._close = push_button("Close", "fineTuneClose", "Close; a training goes on (Esc)")
        self._open_button = push_button(
            "Open the result", "fineTuneOpen", "Look into the network that came of it"
        )
        self._stop_button = push_button(
            "Stop", "fineTuneStop", "End now and keep the best epoch so far", "stop"
        )
        self._start_button = push_button("Start", "fineTuneStart", "Train (Enter)")
        for button in (self._close, self._open_button, self._stop_button):
            button.setAutoDefault(False)
        self._start_button.setDefault(True)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for button in (self._close, self._open_button, self._stop_button, self._start_button):
            row.addWidget(button)
        self._close.clicked.connect(self.reject)
        self._open_button.clicked.connect(self._open)
        self._stop_button.clicked.connect(self._stop)
        self._start_button.clicked.connect(self._start)
        return row
