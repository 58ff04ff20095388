"""List what the program noticed: an icon and words, and at most one thing to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from cnnviz_desktop.gui import theme

Level = Literal["ok", "info", "warning"]
_ICON_ROLES: dict[Level, str] = {"ok": "ok", "info": "muted", "warning": "warning"}
_SAID: dict[Level, str] = {"ok": "Sound", "info": "Note", "warning": "Warning"}


@dataclass(frozen=True)
class Note:
    """One thing noticed; `action` is the text of its button, `key` what `acted` then says."""

    level: Level
    title: str
    text: str = ""
    action: str = ""
    key: str = ""


class NoteList(QWidget):
    """Notes below each other (`noteList`).

    Signals: `acted(str)` with the key of the note whose action was clicked.
    """

    acted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noteList")
        self.setAccessibleName("Notes")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(12)
        self._notes: tuple[Note, ...] = ()

    def show_notes(self, notes: Sequence[Note]) -> None:
        """Show other notes."""
        self._notes = tuple(notes)
        while (item := self._column.takeAt(0)) is not None:
            row = item.widget()
            if row is not None:
                row.hide()
                row.deleteLater()
        for note in self._notes:
            shown = _NoteRow(note, self)
            shown.acted.connect(self.acted)
            self._column.addWidget(shown)

    def notes(self) -> tuple[Note, ...]:
        """Return the notes that are shown."""
        return self._notes


class _NoteRow(QWidget):
    """One note: icon, title, text, action.

    Signals: `acted(str)`.
    """

    acted = Signal(str)

    def __init__(self, note: Note, parent: QWidget) -> None:
        super().__init__(parent)
        self._note = note
        self._icon = QLabel(self)
        self._title = _wrapped(note.title, self)
        self._text = _wrapped(note.text, self)
        self._action = QPushButton(note.action, self)
        self.setAccessibleName(f"{_SAID[note.level]}: {note.title}. {note.text}".strip())
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self._icon, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self._title, 0, 1)
        if note.text:
            grid.addWidget(self._text, 1, 1)
        if note.action:
            grid.addWidget(self._action, 2, 1, Qt.AlignmentFlag.AlignLeft)
        self._text.setVisible(bool(note.text))
        self._action.setVisible(bool(note.action))
        self._action.setFlat(True)
        self._action.setObjectName("noteAction")
        self._action.setAccessibleName(note.action)
        self._action.setToolTip(note.action)
        self._action.setCursor(Qt.CursorShape.PointingHandCursor)
        self._action.clicked.connect(self._tell)
        self._dress()

    def changeEvent(self, event: QEvent) -> None:
        """Take colours and fonts again."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationFontChange):
            self._dress()
        super().changeEvent(event)

    def _tell(self) -> None:
        self.acted.emit(self._note.key)

    def _dress(self) -> None:
        role, ratio = _ICON_ROLES[self._note.level], self.devicePixelRatioF()
        self._icon.setPixmap(theme.icon_pixmap(self._note.level, role, theme.px(16), ratio))
        self._title.setFont(theme.font("strong"))
        self._text.setFont(theme.font("secondary"))
        self._text.setForegroundRole(self._text.palette().ColorRole.PlaceholderText)
        self._action.setFont(theme.font("secondary"))
        metrics = self._action.fontMetrics()
        width = metrics.horizontalAdvance(self._note.action) + 1
        self._action.setFixedSize(width, metrics.height() + 6)


def _wrapped(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label
