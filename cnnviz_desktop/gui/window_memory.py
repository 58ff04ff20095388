"""Remember the window between two starts: geometry and docks."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow, QSplitter

_VERSION = 1  # of the dock layout; another number forgets the old one


class WindowMemory:
    """What is kept in QSettings, as one small file that can be deleted without harm."""

    def __init__(self) -> None:
        self._settings = QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "CNNviz", "CNNviz Desktop"
        )

    def save_window(self, window: QMainWindow, splitter: QSplitter) -> None:
        """Keep geometry and layout."""
        self._settings.setValue("window/geometry", window.saveGeometry())
        self._settings.setValue("window/docks", window.saveState(_VERSION))
        self._settings.setValue("window/left", splitter.saveState())
        self._settings.sync()

    def restore_window(self, window: QMainWindow, splitter: QSplitter) -> bool:
        """Put geometry and layout back, where they were kept; tell whether they were."""
        geometry = self._settings.value("window/geometry")
        if isinstance(geometry, QByteArray):
            window.restoreGeometry(geometry)
        docks = self._settings.value("window/docks")
        if isinstance(docks, QByteArray):
            window.restoreState(docks, _VERSION)
        left = self._settings.value("window/left")
        if isinstance(left, QByteArray):
            splitter.restoreState(left)
        return isinstance(docks, QByteArray)
