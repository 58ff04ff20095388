"""Carry out the commands of menus and buttons: files and clipboard."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from cnnviz_desktop.gui.about import show_about, show_keys
from cnnviz_desktop.gui.canvas_tabs import CanvasTabs
from cnnviz_desktop.gui.drops import read_mime
from cnnviz_desktop.gui.file_kinds import (
    ANY_FILTER,
    FIGURE_FILTER,
    MODEL_FILTER,
    PICTURE_FILTER,
    SESSION_FILTER,
    sorted_out,
)
from cnnviz_desktop.gui.session import DATASET, Session

_FILTERS = ";;".join((PICTURE_FILTER, MODEL_FILTER, FIGURE_FILTER, SESSION_FILTER, ANY_FILTER))


class Commands(QObject):
    """What the menus do.

    Signals: `refused` (a sentence on why nothing was done); `said` (what was done); `opened`
    (list of paths that were asked for); `session_chosen` (path) a session's file is to be opened;
    `folder_chosen` (path) a folder that the tab Dataset is to look at;
    `figure_chosen` (path) a file that may tell how it was made; `models_chosen` (paths) files of
    networks or weights.
    """

    refused = Signal(str)
    said = Signal(str)
    opened = Signal(list)
    session_chosen = Signal(object)
    figure_chosen = Signal(object)
    models_chosen = Signal(list)
    folder_chosen = Signal(object)

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

    def open_paths(self, paths: Iterable[Path]) -> None:
        """Open pictures, folders, a model, a session, or what an exported figure tells of."""
        paths = list(paths)
        if self._session.tab == DATASET and len(paths) == 1 and _is_dataset(paths[0]):
            self.folder_chosen.emit(paths[0])
            return
        found = sorted_out(paths)
        if found["session"]:
            self.session_chosen.emit(found["session"][0])
            return
        if found["figure"]:
            self.figure_chosen.emit(found["figure"][0])
        if found["picture"]:
            self._session.pictures.open(found["picture"])
            self.opened.emit(found["picture"])
        if found["model"]:
            self.models_chosen.emit(found["model"])

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


def _is_dataset(path: Path) -> bool:
    """Tell whether a path is a folder, or a list of pictures."""
    return path.is_dir() or path.suffix.lower() == ".csv"
