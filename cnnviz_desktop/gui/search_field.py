"""Type what to look for; the shortcut that leads here stands at the right until then."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLineEdit, QWidget

from cnnviz_desktop.gui import theme


class SearchField(QLineEdit):
    """A line edit with a lens, a clear button and a hint at its shortcut."""

    def __init__(self, placeholder: str, shortcut: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shortcut = shortcut
        self.setPlaceholderText(placeholder)
        self.setClearButtonEnabled(True)
        self.setAcceptDrops(False)  # a picture that is dropped here is for the window
        self.addAction(theme.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        clear = self.findChild(QAction, "_q_qlineeditclearaction")  # Qt's own, not public
        if clear is not None:
            clear.setIcon(theme.icon("close"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the field, then the hint where there is nothing in its way."""
        super().paintEvent(event)
        if not self._shortcut or self.text() or self.hasFocus() or not self.isEnabled():
            return
        painter = QPainter(self)
        painter.setFont(theme.font("caption"))
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        room = self.rect().adjusted(0, 0, -10, 0)
        words = self.fontMetrics().horizontalAdvance(self.placeholderText()) + 40
        if words + painter.fontMetrics().horizontalAdvance(self._shortcut) < room.width():
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(room, side, self._shortcut)
