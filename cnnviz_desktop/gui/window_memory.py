"""Remember the window between two starts: geometry, docks, theme, recent files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow, QSplitter

from cnnviz_desktop.gui.theme import ThemeName

_VERSION = 1  # of the dock layout; another number forgets the old one
_MOST_RECENT = 12


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

    @property
    def theme(self) -> ThemeName | None:
        """Return the look that was chosen, None where the system's is taken."""
        name = self._settings.value("window/theme")
        return "dark" if name == "dark" else "light" if name == "light" else None

    @theme.setter
    def theme(self, name: ThemeName) -> None:
        self._settings.setValue("window/theme", name)

    @property
    def zoom(self) -> float:
        """Return the size of the interface."""
        try:
            value = float(str(self._settings.value("window/zoom", "1.0")))
        except ValueError:
            return 1.0
        return min(max(value, 0.7), 2.0)

    @zoom.setter
    def zoom(self, value: float) -> None:
        self._settings.setValue("window/zoom", f"{value:.2f}")

    def recent(self, what: str) -> list[str]:
        """List the recent "images" or "models", the latest first."""
        kept = self._settings.value(f"recent/{what}", [])
        entries = [kept] if isinstance(kept, str) else list(kept) if isinstance(kept, list) else []
        return [str(entry) for entry in entries if entry]

    def remember(self, what: str, entries: Sequence[str | Path]) -> None:
        """Put entries at the head of the recent ones."""
        names = [str(entry) for entry in entries]
        older = [entry for entry in self.recent(what) if entry not in names]
        self._settings.setValue(f"recent/{what}", [*names, *older][:_MOST_RECENT])
