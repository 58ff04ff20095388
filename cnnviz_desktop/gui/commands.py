"""Carry out the commands of menus and buttons: files and clipboard."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from cnnviz_desktop.gui.about import show_about, show_keys
from cnnviz_desktop.gui.canvas_tabs import CanvasTabs
from cnnviz_desktop.gui.drops import read_mime
from cnnviz_desktop.gui.file_kinds import (
    EITHER,
    FIGURE_FILTER,
    FIGURES,
    PICTURE_FILTER,
    SESSION,
    SESSION_FILTER,
    WEIGHTS,
)
from cnnviz_desktop.gui.session import Session

_FILTERS = ";;".join((PICTURE_FILTER, FIGURE_FILTER, SESSION_FILTER, "All files (*)"))


class Commands(QObject):
    """What the menus do.

    Signals: `refused` (a sentence on why nothing was done); `said` (what was done); `opened`
    (list of paths that were asked for); `session_chosen` (path) a session's file is to be opened;
    `figure_chosen` (path) a file that may tell how it was made.
    """

    refused = Signal(str)
    said = Signal(str)
    opened = Signal(list)
    session_chosen = Signal(object)
    figure_chosen = Signal(object)

    def __init__(self, session: Session, tabs: CanvasTabs, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._tabs = tabs
        self._window = window

    def open_images(self) -> None:
        """Ask for pictures and open them."""
        chosen, _kind = QFileDialog.getOpenFileNames(self._window, "Open", "", _FILTERS)
        self.open_paths([Path(name) for name in chosen])

    def open_folder(self) -> None:
        """Ask for a folder and open its pictures."""
        chosen = QFileDialog.getExistingDirectory(self._window, "Open a folder of pictures")
        if chosen:
            self.open_paths([Path(chosen)])

    def open_weights(self) -> None:
        """Ask for a file of weights and load it."""
        chosen, _kind = QFileDialog.getOpenFileName(
            self._window, "Load weights", "", "Weights (*.pth *.pt *.safetensors)"
        )
        if chosen:
            self.load_weights(Path(chosen))

    def load_weights(self, path: Path) -> None:
        """Load weights into the network their name tells, else into one that is asked for."""
        machine = self._session.models.machine
        names = machine.models if machine else ()
        name = architecture_of(path, names)
        if not name and not names:
            self.refused.emit(
                f"{path.name}: wait until the engine has started, then drop it again."
            )
            return
        if not name:
            asked = f"Which network is {path.name} for?"
            wanted = self._session.models.wanted
            likely = list(names).index(wanted) if wanted in names else 0
            name, sure = QInputDialog.getItem(
                self._window, "Load weights", asked, list(names), likely, editable=False
            )
            if not sure:
                return
        self._session.models.load(name, path)

    def open_paths(self, paths: Iterable[Path]) -> None:
        """Open pictures, folders, weights, a session, or what an exported figure tells of."""
        known = list(paths)
        sessions = [path for path in known if path.suffix.lower() == SESSION]
        if sessions:
            self.session_chosen.emit(sessions[0])
            return
        kinds = FIGURES if len(known) > 1 else (*FIGURES, EITHER)
        figures = [path for path in known if path.suffix.lower() in kinds and not path.is_dir()]
        if figures:
            self.figure_chosen.emit(figures[0])
        known = [path for path in known if path not in figures]
        weights = [path for path in known if path.suffix.lower() in WEIGHTS]
        images = [path for path in known if path not in weights]
        if images:
            self._session.pictures.open(images)
            self.opened.emit(images)
        if weights:
            self.load_weights(weights[0])

    def open_sample(self, path: Path) -> None:
        """Open a sample picture, which is not one of the person's own recent ones."""
        self._session.pictures.open([path])

    def open_image(self, source: object) -> None:
        """Open a picture that came as bytes or pixels."""
        self._session.pictures.open([source])  # type: ignore[list-item]

    def paste(self) -> None:
        """Open what is on the clipboard."""
        found = read_mime(QGuiApplication.clipboard().mimeData())
        if found.files:
            self.open_paths(found.files)
        elif found.image is not None:
            self._session.pictures.open([found.image])
        else:
            reason = found.refusal or "There is no picture on the clipboard. Copy one and paste."
            self.refused.emit(reason)

    def copy(self) -> None:
        """Copy what the tab in view shows."""
        data = self._tabs.view().copy()
        if data is not None:
            QGuiApplication.clipboard().setMimeData(data)
            self.said.emit("Copied")

    def remove_image(self) -> None:
        """Take the current picture out."""
        current = self._session.pictures.current
        if current is not None:
            self._session.pictures.remove(current.key)

    def next_image(self) -> None:
        """Go to the next picture."""
        self._session.pictures.step(1)

    def previous_image(self) -> None:
        """Go to the picture before."""
        self._session.pictures.step(-1)

    def find_channel(self) -> None:
        """Let the person type a channel in the tab of feature maps."""
        self._tabs.setCurrentWidget(self._tabs.feature_maps)
        self._tabs.feature_maps.focus_search()

    def show_keys(self) -> None:
        """Show all keys."""
        show_keys(self._window)

    def show_about(self) -> None:
        """Show what this program is."""
        show_about(self._window)


def architecture_of(path: Path, names: Iterable[str]) -> str:
    """Return the network that a file of weights is named after, "" where none is."""
    fits = [name for name in names if path.stem.lower().startswith(name.lower())]
    return max(fits, key=len, default="")
