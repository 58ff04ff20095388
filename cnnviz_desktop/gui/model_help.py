"""Help where a network could not be loaded: say why, ask for trust, offer what else can be done."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from cnnviz_desktop.data import RANDOM
from cnnviz_desktop.errors import ArchitectureError, CnnvizError, TrustError
from cnnviz_desktop.gui.labels import ELLIPSIS
from cnnviz_desktop.gui.model_opening import ModelOpening
from cnnviz_desktop.gui.models import MODEL_SLOT
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.trust_dialog import TrustDialog

if TYPE_CHECKING:
    from cnnviz_desktop.gui.main_window import MainWindow

_OPTION = re.compile(r"(?<![\w-])--[a-z]|“cnnviz ")  # what can be typed in a terminal only


class ModelHelp(QObject):
    """What the message bar and the question on trust do about a network that did not come.

    Signals: `trusted` it is being loaded again; `declined` it may not run its code.
    """

    trusted = Signal()
    declined = Signal()

    def __init__(self, session: Session, opening: ModelOpening, window: MainWindow) -> None:
        super().__init__(window)
        self._session = session
        self._opening = opening
        self._window = window
        self._dialog: TrustDialog | None = None
        self._asked: TrustError | None = None
        self._weights: Path | None = None  # of no known network
        self._sentence = ""  # what was wrong with the network asked for last
        self._offer = ("", "")
        session.failed.connect(self._failed)
        session.models.requested.connect(self._forget)
        opening.given_up.connect(self._tell_again)
        window.tabs.message.dismissed.connect(self._dismissed)
        window.tabs.model_acted.connect(self._act)
        window.tabs.model_acted_otherwise.connect(self._act_otherwise)

    @property
    def asking(self) -> bool:
        """Tell whether the person is being asked."""
        return self._dialog is not None

    def _failed(self, tab: str, error: CnnvizError) -> None:
        if tab != MODEL_SLOT:
            return
        self._weights, self._asked, self._sentence = None, None, ""
        if isinstance(error, TrustError):
            self._ask(error)
            return
        models = self._session.models
        known = {entry.name for entry in models.catalogue}
        if isinstance(error, ArchitectureError) and models.file is not None:
            self._weights = models.file
            self._offer = f"Choose the network{ELLIPSIS}", f"Choose a Python file{ELLIPSIS}"
        elif models.wanted in known:
            self._offer = f"Choose a file{ELLIPSIS}", "Use random weights"
        else:
            self._offer = "", ""
        self._sentence = for_window(str(error))
        self._tell()

    def _tell(self) -> None:
        """Say what is wrong and what can be done; again where the person did not do it."""
        action, other = self._offer
        bar = self._window.tabs.message
        bar.tell("error", self._sentence, action, MODEL_SLOT, other)

    def _tell_again(self) -> None:
        if self._sentence and not self._window.tabs.message.text():
            self._tell()

    def _ask(self, error: TrustError) -> None:
        """Ask whether a file may run its code; nothing changes meanwhile."""
        if self._dialog is not None:
            self._dialog.answered.disconnect()
            self._dialog.reject()
        self._asked = error
        self._dialog = TrustDialog(error, self._window)
        self._dialog.answered.connect(self._answered)
        self._dialog.open()

    def _answered(self, trust: bool) -> None:
        error, self._asked, self._dialog = self._asked, None, None
        if trust:
            self._session.models.load_trusted()
            self.trusted.emit()
        elif error is not None:
            self._window.tabs.message.tell(
                "info",
                f"{error.path.name} was not opened: it runs code of its own.",
                f"Ask again{ELLIPSIS}",
                MODEL_SLOT,
            )
            self._asked = error
            self.declined.emit()

    def _forget(self, name: str) -> None:
        """Let go of what was wrong when the person asks for another network."""
        if name == self._session.models.wanted and self._session.job(MODEL_SLOT) is not None:
            self._sentence = ""

    def _dismissed(self) -> None:
        """Let go of what was wrong when the person has done so."""
        if self._window.tabs.message.topic == MODEL_SLOT:
            self._sentence = ""

    def _act(self) -> None:
        """Do what the first button of the message says."""
        if self._asked is not None:
            self._ask(self._asked)
        elif self._weights is not None:
            self._opening.ask_for_network(self._weights)
        else:
            self._opening.ask_for_weights(self._session.models.wanted)

    def _act_otherwise(self) -> None:
        """Do what the second button says."""
        if self._window.tabs.message.topic != MODEL_SLOT:
            return
        if self._weights is not None:
            self._opening.ask_for_python(self._weights)
            return
        self._session.models.load(self._session.models.wanted, RANDOM)


def for_window(text: str) -> str:
    """Leave out the sentences that name what can be typed in a terminal only."""
    sentences = re.split(r"(?<=[.?!]) (?=\S)", text)
    kept = [sentence for sentence in sentences if not _OPTION.search(sentence)]
    return " ".join(kept) or text
