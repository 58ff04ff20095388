"""Head a list of notes with what it is of and how much there is to look at."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from cnnviz_desktop.gui.controls import Ground, framed, label, named
from cnnviz_desktop.gui.note_list import NoteList


class DoctorSection(Ground):
    """A title, a count and notes below them, for the dock. It says nothing."""

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.AlternateBase, parent)
        named(self, name, title)
        self._count = label("", "strong")
        self._count.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._notes = NoteList()
        head = QWidget()
        row = QHBoxLayout(head)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label(title, "strong"), 1)
        row.addWidget(self._count)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 12)
        column.setSpacing(8)
        column.addLayout(framed(head))
        column.addLayout(framed(self._notes))

    def changeEvent(self, event: QEvent) -> None:
        """Count in the colour that is on."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._count.update()
