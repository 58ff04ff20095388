"""Log the result in view to TensorBoard, and open TensorBoard on what was logged."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.export_work import Refused
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.labels import ELLIPSIS
from cnnviz_desktop.gui.preferences import Preferences
from cnnviz_desktop.gui.session import TRAINING, Session
from cnnviz_desktop.gui.tensorboard_server import TensorBoardServer
from cnnviz_desktop.gui.tensorboard_work import Logged, LogResult, result_log
from cnnviz_desktop.paths import expanded
from cnnviz_desktop.settings import usual_log_folder

if TYPE_CHECKING:
    from cnnviz_desktop.engine.result_log import ResultLog
    from cnnviz_desktop.gui.main_window import MainWindow

_TOPIC = "tensorboard"
_NOTHING = "There is no result in this tab yet: open a picture, or press Run (F5)."
_UNFINISHED = "This result is not whole yet: log it once the run has ended."


class TensorBoardLogging(QObject):
    """The two commands of the Tools menu, with the log and the server they share."""

    def __init__(
        self, session: Session, jobs: Jobs, preferences: Preferences, window: MainWindow
    ) -> None:
        super().__init__(window)
        self._session = session
        self._jobs = jobs
        self._preferences = preferences
        self._window = window
        self._log: ResultLog | None = None
        self.server = TensorBoardServer(self)
        self.server.ready.connect(self._ready)
        self.server.failed.connect(self._warn)
        window.deeds["log_result"].triggered.connect(self.log_result)
        window.deeds["open_board"].triggered.connect(self.open_board)
        window.tabs.acted.connect(self._acted)

    def folder(self) -> Path:
        """Return where results are logged to."""
        chosen = self._preferences.settings.log_folder
        return expanded(chosen) if chosen else usual_log_folder()

    def log_result(self) -> None:
        """Add the result in view to this window's run."""
        shown = self._window.exporting.shown()
        if shown is None or self._is_partial():
            self._warn(_UNFINISHED if self._is_partial() else _NOTHING)
            return
        if self._log is None or self._log.folder.parent != self.folder():
            self._end_log()
            self._log = result_log(self.folder() / f"{datetime.now():%Y-%m-%d %H.%M.%S}")
        dark = theme.current().name == "dark"
        work = LogResult(self._log, shown, dark)
        job = self._jobs.submit(work, "Logging to TensorBoard", priority=Priority.RUN)
        job.done.connect(self._logged)

    def open_board(self) -> None:
        """Open TensorBoard in the browser: on the logs in view, else on what was logged."""
        own = self._window.tabs.training.follower.board_folder
        folder = own if own is not None and self._session.tab == TRAINING else self.folder()
        if not folder.is_dir():
            self._warn(
                "Nothing was logged yet: log a result first (Tools, Log to TensorBoard), or choose "
                "a folder of logs in the tab Training."
            )
            return
        self._window.status.say(f"Starting TensorBoard{ELLIPSIS}")
        self.server.open(folder)

    def close(self) -> None:
        """End the server and the log: the engine's thread has ended."""
        self.server.close()
        self._end_log()

    def _is_partial(self) -> bool:
        answer = self._window.tabs.view().answer()
        return answer is not None and answer.partial

    def _end_log(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    def _logged(self, answer: Logged | Refused) -> None:
        if isinstance(answer, Refused):
            self._warn(answer.sentence)
            return
        said = f"Logged “{answer.name}” as step {answer.step} to {answer.folder}."
        self._window.tabs.message.tell("info", said, "Open in TensorBoard", _TOPIC)

    def _ready(self, address: str) -> None:
        self._window.status.say(f"TensorBoard answers at {address}")
        if not QDesktopServices.openUrl(QUrl(address)):
            said = f"No browser could be opened: TensorBoard answers at {address}"
            self._window.tabs.message.tell("info", said, topic=_TOPIC)

    def _acted(self, topic: str) -> None:
        if topic == _TOPIC:
            self.open_board()

    def _warn(self, sentence: str) -> None:
        self._window.tabs.message.tell("warning", sentence, topic=_TOPIC)
