"""Switch between light and dark and set the size of the interface."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.window_memory import WindowMemory

_STEP = 0.1


class Appearance(QObject):
    """The look of the window, remembered. Signals: `changed` (theme's name)."""

    changed = Signal(str)

    def __init__(self, memory: WindowMemory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._memory = memory

    def toggle(self) -> None:
        """Go from light to dark or back."""
        self._memory.theme = "light" if theme.current().name == "dark" else "dark"
        self._apply()

    def larger(self) -> None:
        """Enlarge all text and controls."""
        self._set_zoom(self._memory.zoom + _STEP)

    def smaller(self) -> None:
        """Shrink all text and controls."""
        self._set_zoom(self._memory.zoom - _STEP)

    def normal(self) -> None:
        """Go back to the usual size."""
        self._set_zoom(1.0)

    def _set_zoom(self, zoom: float) -> None:
        self._memory.zoom = zoom
        self._apply()

    def _apply(self) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply(app, self._memory.theme or theme.current().name, self._memory.zoom)
        self.changed.emit(theme.current().name)
