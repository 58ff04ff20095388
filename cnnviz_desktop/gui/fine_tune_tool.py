"""Have the fine-tuning dialog at hand, and open what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from cnnviz_desktop.gui.fine_tune_dialog import FineTuneDialog
from cnnviz_desktop.gui.jobs import Jobs
from cnnviz_desktop.gui.model_opening import ModelOpening
from cnnviz_desktop.gui.session import Session

if TYPE_CHECKING:
    from cnnviz_desktop.gui.main_window import MainWindow

_TOPIC = "fine-tuned"


class FineTuneTool(QObject):
    """The dialog, made when it is first asked for; it follows the session's network."""

    def __init__(
        self, session: Session, jobs: Jobs, models: ModelOpening, window: MainWindow
    ) -> None:
        super().__init__(window)
        self._session = session
        self._jobs = jobs
        self._models = models
        self._window = window
        self._dialog: FineTuneDialog | None = None
        self._result: Path | None = None
        session.models.changed.connect(self._changed)
        window.tabs.acted.connect(self._acted)

    def show(self) -> None:
        """Show the dialog."""
        if self._dialog is None:
            self._dialog = FineTuneDialog(self._jobs, self._window)
            self._dialog.opened.connect(self._open)
            self._dialog.learned.connect(self._learned)
            self._dialog.refused.connect(self._refused)
            self._changed()
        self._dialog.show()
        self._dialog.raise_()
        self._dialog.activateWindow()

    def _changed(self) -> None:
        if self._dialog is not None:
            self._dialog.set_model(self._session.model)

    def _learned(self, path: Path) -> None:
        """Say in the window that the network is there, where the dialog is out of sight."""
        self._result = path
        if self._dialog is None or not self._dialog.isVisible():
            self._window.tabs.message.tell(
                "info", f"{path.name} is trained.", "Open the result", _TOPIC
            )

    def _refused(self, sentence: str) -> None:
        """Say in the window why there is no network, where the dialog is out of sight."""
        if self._dialog is None or not self._dialog.isVisible():
            self._window.tabs.message.tell("error", sentence)

    def _acted(self, topic: str) -> None:
        if topic == _TOPIC and self._result is not None:
            self._open(self._result)

    def _open(self, path: Path) -> None:
        self._models.open([path])
