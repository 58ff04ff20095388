"""Be painted by hand and scrolled, and show where the keyboard is."""

from __future__ import annotations

from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QAbstractScrollArea


class PaintedArea(QAbstractScrollArea):
    """A scrolled area whose children paint where the keyboard is. It adds no signal."""

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keyboard is."""
        self.viewport().update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that the keyboard is elsewhere."""
        self.viewport().update()
        super().focusOutEvent(event)
