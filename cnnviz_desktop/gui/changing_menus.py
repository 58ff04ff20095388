"""Fill the menus whose entries come and go: devices, fits, samples, recent files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.gui.preferences import Preferences
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.work import Machine
from cnnviz_desktop.resources import resource

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.preprocessing import Fit

FITS: dict[Fit, tuple[str, str]] = {
    "crop": ("Centre &crop", "Scale the shorter side and cut the centre out: as networks train"),
    "squash": ("S&quash", "Scale the whole picture to the input, whatever its shape"),
    "pad": ("P&ad", "Scale the whole picture to fit inside, mean colour around it"),
}


class ChangingMenus(QObject):
    """The menus and what they list.

    Signals: `images_chosen` (paths) from the recent ones and samples; `session_chosen` (path);
    `device_named` (words).
    """

    images_chosen = Signal(list)
    session_chosen = Signal(object)
    device_named = Signal(str)

    def __init__(
        self,
        menus: dict[str, QMenu],
        recent_too: QMenu,
        session: Session,
        preferences: Preferences,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._menus = menus
        self._recent = (menus["recent_images"], recent_too)
        self._session = session
        self._preferences = preferences
        for menu in (*self._recent, menus["samples"]):
            menu.triggered.connect(self._chose_image)
        menus["recent_models"].triggered.connect(self._chose_model)
        menus["recent_sessions"].triggered.connect(self._chose_session)
        preferences.changed.connect(self._fill_recent)
        menus["devices"].triggered.connect(self._chose_device)
        menus["fits"].triggered.connect(self._chose_fit)
        session.models.machine_found.connect(self._found_machine)
        session.models.changed.connect(self._changed_model)
        session.models.requested.connect(self._show_device)
        _fill(menus["samples"], ((path.stem.replace("-", " "), path) for path in samples()))
        self._fill_fits()
        self._fill_recent()

    def remember_images(self, paths: Sequence[Path]) -> None:
        """Keep pictures among the recent ones."""
        self._preferences.remember("images", [path.absolute() for path in paths])

    def remember_session(self, path: Path) -> None:
        """Keep a session among the recent ones."""
        self._preferences.remember("sessions", [path.absolute()])

    def _fill_recent(self) -> None:
        recent = self._preferences.recent
        paths = [Path(name) for name in recent("images")]
        for menu in self._recent:
            _fill(menu, ((path.name, path) for path in paths))
        models = [ModelChoice.from_text(text) for text in recent("models")]
        _fill(self._menus["recent_models"], ((choice.title, choice) for choice in models))
        sessions = [Path(name) for name in recent("sessions")]
        _fill(self._menus["recent_sessions"], ((path.stem, path) for path in sessions))

    def _fill_fits(self) -> None:
        group = QActionGroup(self)
        for fit, (words, tip) in FITS.items():
            action = self._menus["fits"].addAction(words)
            action.setToolTip(tip)
            action.setData(fit)
            action.setCheckable(True)
            action.setChecked(fit == self._session.models.fit)
            group.addAction(action)

    def _found_machine(self, machine: Machine) -> None:
        menu = self._menus["devices"]
        menu.clear()
        group = QActionGroup(menu)
        for device, words in machine.devices:
            action = menu.addAction(words)
            action.setData(device)
            action.setCheckable(True)
            group.addAction(action)
        self._show_device()

    def _show_device(self) -> None:
        """Check and name the device in use, which also settings, sessions and Undo choose."""
        for action in self._menus["devices"].actions():
            if action.data() == self._session.models.device:
                action.setChecked(True)
                self.device_named.emit(action.text())

    def _changed_model(self, _model: LoadedModel) -> None:
        self._show_device()
        for action in self._menus["fits"].actions():
            action.setChecked(action.data() == self._session.models.fit)

    def _chose_image(self, action: QAction) -> None:
        if isinstance(action.data(), Path):
            self.images_chosen.emit([action.data()])

    def _chose_model(self, action: QAction) -> None:
        choice = action.data()
        if isinstance(choice, ModelChoice):
            self._session.models.load(choice.name, choice.given)

    def _chose_session(self, action: QAction) -> None:
        if isinstance(action.data(), Path):
            self.session_chosen.emit(action.data())

    def _chose_device(self, action: QAction) -> None:
        self._session.models.set_device(action.data())
        self._show_device()

    def _chose_fit(self, action: QAction) -> None:
        self._session.models.set_fit(action.data())


def samples() -> list[Path]:
    """List the sample pictures that ship."""
    try:
        folder = resource("samples")
    except FileNotFoundError:
        return []
    return sorted(path for path in folder.iterdir() if path.suffix == ".png")


def _fill(menu: QMenu, entries: Iterable[tuple[str, object]]) -> None:
    """List entries as (words, what they stand for)."""
    menu.clear()
    for words, data in entries:
        action = menu.addAction(words.replace("&", "&&"))
        action.setData(data)
        place = data.file or data.name if isinstance(data, ModelChoice) else data
        action.setToolTip(str(place))
    if menu.isEmpty():
        menu.addAction("None yet").setEnabled(False)
