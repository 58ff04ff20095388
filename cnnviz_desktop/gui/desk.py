"""Connect the window with what outlives it: files of sessions, steps back, settings, recovery."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QIcon

from cnnviz_desktop.errors import CnnvizError, SessionError
from cnnviz_desktop.gui.documents import Documents
from cnnviz_desktop.gui.fine_tune_tool import FineTuneTool
from cnnviz_desktop.gui.help_desk import HelpDesk
from cnnviz_desktop.gui.history import History
from cnnviz_desktop.gui.jobs import Jobs
from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.gui.model_help import ModelHelp
from cnnviz_desktop.gui.model_opening import ModelOpening
from cnnviz_desktop.gui.model_tools import ModelTools
from cnnviz_desktop.gui.preferences import Applier, Preferences
from cnnviz_desktop.gui.record_opening import RecordOpening
from cnnviz_desktop.gui.recovery import Recovery
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.settings_dialog import SettingsDialog
from cnnviz_desktop.gui.tensorboard_logging import TensorBoardLogging
from cnnviz_desktop.gui.work import Engine
from cnnviz_desktop.paths import expanded
from cnnviz_desktop.resources import resource

if TYPE_CHECKING:
    from cnnviz_desktop.gui.main_window import MainWindow
    from cnnviz_desktop.gui.opening import Opening

_RECOVER, _PLAIN, _AMISS = "recover", "plain picture", "files"  # topics of messages


class Desk(QObject):
    """What a window keeps between two starts, and the commands for it."""

    def __init__(
        self,
        session: Session,
        jobs: Jobs,
        engine: Engine,
        preferences: Preferences,
        window: MainWindow,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._jobs = jobs
        self._preferences = preferences
        self._window = window
        window.setWindowIcon(QIcon(str(resource("app/icon.png"))))  # not before the first paint
        self._figure: Path | None = None  # a picture that was followed as a figure
        self.models = ModelOpening(session, jobs, engine, preferences, window)
        self.help = ModelHelp(session, self.models, window)
        self.help_desk = HelpDesk(session, preferences, window)
        self.tools = ModelTools(session, jobs, engine, window)
        self.fine_tuning = FineTuneTool(session, jobs, self.models, window)
        self.history = History(session, self)
        self.documents = Documents(session, jobs, engine, self.history, window)
        self.records = RecordOpening(session, jobs, engine, self.help, window)
        self.recovery = Recovery(jobs, self.documents, self)
        self.board = TensorBoardLogging(session, jobs, preferences, window)
        self.applier = Applier(preferences, window, session, self.recovery, jobs, engine, self)
        self._connect_commands()
        self._connect_models()
        self._connect_parts()
        self._show_steps()
        self._show_pin()

    def begin(self, opening: Opening, may_teach: bool = False) -> None:
        """Look for what a crash left behind, then open what was asked for; offer the tour."""
        if may_teach:
            self.help_desk.offer_tour()
        for part in (self.documents, self.records):
            part.given_up.connect(opening.fall_back)
        self.recovery.find()
        opening.begin()
        if self._preferences.warning:
            self._warn(self._preferences.warning)

    def close(self) -> None:
        """Write what is to be kept: the engine's thread has ended."""
        self.board.close()
        self.recovery.close(self.documents.closed)
        self._preferences.close()
        self._window.removeEventFilter(self.documents)

    def _connect_commands(self) -> None:
        """Give the commands their deeds."""
        documents, history, deeds = self.documents, self.history, self._window.deeds
        deeds["open_session"].triggered.connect(documents.ask_to_open)
        deeds["save_session"].triggered.connect(documents.save)
        deeds["save_session_as"].triggered.connect(documents.save_as)
        deeds["recover"].triggered.connect(self.recovery.take_up)
        deeds["recover"].setVisible(False)
        deeds["undo"].triggered.connect(history.undo)
        deeds["redo"].triggered.connect(history.redo)
        deeds["pin"].triggered.connect(self._pin)
        deeds["settings"].triggered.connect(self._show_settings)
        self._window.menus.session_chosen.connect(documents.open)
        self._window.commands.session_chosen.connect(documents.open)
        self._window.commands.figure_chosen.connect(self.records.open)

    def _connect_models(self) -> None:
        """Give what opens and changes networks its deeds."""
        window, models, tools = self._window, self.models, self.tools
        panel, deeds = window.model_panel, window.deeds
        window.commands.models_chosen.connect(models.open)
        deeds["open_model"].triggered.connect(models.ask_for_file)
        deeds["edit_input"].triggered.connect(tools.edit_input)
        deeds["manage_weights"].triggered.connect(tools.manage_weights)
        deeds["fine_tune"].triggered.connect(self.fine_tuning.show)
        panel.model_requested.connect(models.ask_for_file)
        panel.weights_requested.connect(models.ask_for_weights)
        panel.manager_requested.connect(tools.manage_weights)
        window.model_card.edit_requested.connect(tools.edit_input)
        self._preferences.changed.connect(self._offer_files)
        window.tabs.dataset.used.connect(self._used_folder)
        self._offer_files()

    def _used_folder(self, path: str) -> None:
        """Keep a folder among the recent ones."""
        self._preferences.remember("folders", [expanded(path).absolute()])

    def _offer_files(self) -> None:
        """Offer the files that were opened last in the list of networks."""
        choices = [ModelChoice.from_text(text) for text in self._preferences.recent("models")]
        files = [choice for choice in choices if choice.file is not None]
        self._window.model_panel.picker.set_recent(files)
        self._window.tabs.dataset.folder.set_recent(self._preferences.recent("folders"))

    def _connect_parts(self) -> None:
        window, documents, records = self._window, self.documents, self.records
        for signal in (documents.warned, records.warned, self.recovery.refused):
            signal.connect(self._warn)
        documents.said.connect(window.status.say)
        documents.opened.connect(window.menus.remember_session)
        documents.saved.connect(window.menus.remember_session)
        records.plain.connect(self._open_picture)
        records.followed.connect(self._followed)
        self.recovery.offered.connect(self._offer)
        window.tabs.acted.connect(self._acted)
        self._session.failed.connect(self._failed)
        self._session.unit_picked.connect(self._show_pin)
        self._session.marks.pins_changed.connect(self._show_pin)
        window.tabs.message.dismissed.connect(self._dismissed)
        for signal in (
            self.history.recorded,
            self.history.stack.indexChanged,
            self.history.stack.undoTextChanged,
            self.history.stack.redoTextChanged,
        ):
            signal.connect(self._show_steps)

    def _show_steps(self) -> None:
        """Write into the Edit menu what would be undone."""
        stack, deeds = self.history.stack, self._window.deeds
        _show_step(deeds["undo"], "&Undo", stack.undoText(), stack.canUndo())
        _show_step(deeds["redo"], "&Redo", stack.redoText(), stack.canRedo())

    def _show_pin(self) -> None:
        unit = self._session.unit
        pinned = self._session.marks.pin_of(unit) is not None
        self._window.deeds["pin"].setText("Unp&in unit" if pinned else "P&in unit")
        self._window.deeds["pin"].setEnabled(unit is not None)

    def _show_settings(self) -> None:
        machine = self._session.models.machine
        SettingsDialog(self._preferences, self._jobs, machine, self._window).open()

    def _pin(self) -> None:
        if self._session.unit is not None:
            self._session.marks.toggle_pin(self._session.unit)

    def _open_picture(self, path: Path) -> None:
        """Open a PNG that holds no record."""
        self._session.pictures.open([path])
        self._window.commands.opened.emit([path])

    def _followed(self, path: Path) -> None:
        self._window.status.say(f"Opened the state that {path.name} was made in")
        if path.suffix.lower() == ".png":
            self._figure = path
            self._window.tabs.message.tell(
                "info",
                f"{path.name} is a figure made by CNNviz: this is the state it was made in.",
                "Open as a picture",
                _PLAIN,
            )

    def _offer(self, sentence: str) -> None:
        self._window.deeds["recover"].setVisible(True)
        self._window.tabs.message.tell("info", sentence, "Recover", _RECOVER)

    def _acted(self, topic: str) -> None:
        if topic == _RECOVER:
            self._window.deeds["recover"].setVisible(False)
            self.recovery.take_up()
        elif topic == _PLAIN and self._figure is not None:
            self._open_picture(self._figure)

    def _dismissed(self) -> None:
        if self._window.tabs.message.topic == _RECOVER:
            self.recovery.decline()

    def _failed(self, _tab: str, error: CnnvizError) -> None:
        """Keep what is said of a file in sight, though a model or a picture comes after it."""
        if isinstance(error, SessionError):
            self._window.tabs.message.tell("error", str(error), topic=_AMISS)

    def _warn(self, sentence: str) -> None:
        # A topic of its own, or the model that comes next would take it away.
        self._window.tabs.message.tell("warning", sentence, topic=_AMISS)


def _show_step(action: QAction, word: str, text: str, possible: bool) -> None:
    lowered = text[:1].lower() + text[1:]
    action.setText(f"{word} {lowered}".strip().replace(" & ", " && "))
    action.setToolTip(action.text().replace("&", ""))
    action.setEnabled(possible)
