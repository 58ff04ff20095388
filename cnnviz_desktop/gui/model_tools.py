"""Change what is known of a network's input, and manage the weights that were downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from cnnviz_desktop.data import InputSpec
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui.input_dialog import InputDialog
from cnnviz_desktop.gui.jobs import Jobs
from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.gui.model_help import for_window
from cnnviz_desktop.gui.models import MODEL_SLOT
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.weights_dialog import WeightsDialog
from cnnviz_desktop.gui.work import Engine

if TYPE_CHECKING:
    from cnnviz_desktop.gui.main_window import MainWindow


class ModelTools(QObject):
    """The dialogs about the present network and the downloaded weights."""

    def __init__(self, session: Session, jobs: Jobs, engine: Engine, window: MainWindow) -> None:
        super().__init__(window)
        self._session = session
        self._jobs = jobs
        self._engine = engine
        self._window = window
        self._input: InputDialog | None = None

    def manage_weights(self) -> None:
        """Show what was downloaded."""
        dialog = WeightsDialog(self._jobs, self._engine, self._window)
        dialog.deleted.connect(self._session.models.refresh_catalogue)
        dialog.open()

    def edit_input(self) -> None:
        """Ask what the present network's input is."""
        model = self._session.model
        if model is None or self._input is not None:
            return
        self._input = InputDialog(model, self._window)
        self._input.applied.connect(self._apply)
        self._input.finished.connect(self._closed)
        self._input.open()

    def _apply(self, spec: InputSpec) -> None:
        """Load the network again with another input; a file's is remembered."""
        models, model = self._session.models, self._session.model
        if model is None:
            return
        models.load(model.name, models.weights, spec=spec, keep=ModelChoice.of(model).file)
        job = self._session.job(MODEL_SLOT)
        if job is not None:
            job.done.connect(self._applied)
            job.failed.connect(self._failed)
            job.cancelled.connect(self._stopped)

    def _applied(self) -> None:
        if self._input is not None:
            self._input.accept()

    def _failed(self, error: CnnvizError) -> None:
        if self._input is not None:
            self._input.refuse(for_window(str(error)))

    def _stopped(self) -> None:
        if self._input is not None:
            self._input.refuse("Stopped: the input is what it was.")

    def _closed(self) -> None:
        self._input = None
        self._window.tabs.message.settle(MODEL_SLOT)  # what the dialog said stands there as well
