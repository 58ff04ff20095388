"""Say below the tiles how many there are, in which order, and what their colours mean."""

from __future__ import annotations

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QWidget

from cnnviz_desktop.gui.colour_bar import ColourBar
from cnnviz_desktop.gui.controls import Ground, fix_size, named
from cnnviz_desktop.gui.labels import ElidedLabel


class GridFoot(Ground):
    """A line of words and the colour bar. It says nothing of its own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.Window, parent)
        named(self, "gridFoot", "About the tiles")
        fix_size(self, height=28)
        self._words = ElidedLabel(role="caption", muted=True)
        named(self._words, "gridWords", "How many maps, in which order")
        self.bar = ColourBar()
        fix_size(self.bar, most=260)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(16)
        row.addWidget(self._words, 3)
        row.addWidget(self.bar, 2)

    def say(self, words: str) -> None:
        """Say how many maps there are, in which order."""
        self._words.setText(words)

    def words(self) -> str:
        """Return what is said."""
        return self._words.text()
