"""List what the program noticed: an icon and words, and at most one thing to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.data import Finding
from cnnviz_desktop.gui import theme

Level = Literal["ok", "info", "warning", "error"]
_ICON_ROLES: dict[Level, str] = {
    "ok": "ok",
    "info": "muted",
    "warning": "warning",
    "error": "error",
}
_SAID: dict[Level, str] = {"ok": "Sound", "info": "Note", "warning": "Warning", "error": "Error"}
_FEW = 3  # names that stand below the text; more are folded away
_ROWS = 8  # of them in sight at a time


@dataclass(frozen=True)
class Note:
    """One thing noticed; `action` is the text of its button, `key` what `acted` then says.

    `items` are names it is about: a few stand below the text, many behind a button of their own.
    """

    level: Level
    title: str
    text: str = ""
    action: str = ""
    key: str = ""
    items: tuple[str, ...] = ()


def note_of(finding: Finding) -> Note:
    """Return what the model doctor noticed as a note; names that its sentence has come once."""
    named = all(item in finding.detail for item in finding.items)
    items = () if named else finding.items
    return Note(finding.severity, finding.title, finding.detail, items=items)


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
        if note.items:
            kind = _FewItems if len(note.items) <= _FEW else _ManyItems
            grid.addWidget(kind(note.items, self), 2, 1)
        if note.action:
            grid.addWidget(self._action, 3, 1, Qt.AlignmentFlag.AlignLeft)
        self._text.setVisible(bool(note.text))
        self._action.setVisible(bool(note.action))
        _make_link(self._action, "noteAction", note.action)
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
        _fit_link(self._action)


class _FewItems(QWidget):
    """The few names that a note is about, below each other."""

    def __init__(self, items: tuple[str, ...], parent: QWidget) -> None:
        super().__init__(parent)
        self._text = _wrapped("\n".join(items), self)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setForegroundRole(self._text.palette().ColorRole.PlaceholderText)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 0)
        column.addWidget(self._text)
        self._text.setFont(theme.font("caption"))

    def changeEvent(self, event: QEvent) -> None:
        """Take the font again."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._text.setFont(theme.font("caption"))
        super().changeEvent(event)


class _ManyItems(QWidget):
    """The names that a note is about, folded away: a button shows them, another copies them."""

    def __init__(self, items: tuple[str, ...], parent: QWidget) -> None:
        super().__init__(parent)
        self._items = items
        self._list = QPlainTextEdit(self)
        self._list.setReadOnly(True)
        self._list.setTabChangesFocus(True)
        self._list.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._list.setObjectName("noteItems")
        self._list.setAccessibleName(f"All {len(items)}")
        self._list.hide()
        self._show, self._copy = QPushButton(self), QPushButton("Copy", self)
        _make_link(self._copy, "noteCopy", "Copy the names, one a line")
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._show)
        row.addWidget(self._copy)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._list)
        column.addLayout(row)
        self._show.clicked.connect(self._turn)
        self._copy.clicked.connect(self._copy_all)
        self._dress()

    def changeEvent(self, event: QEvent) -> None:
        """Take the fonts again."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._dress()
        super().changeEvent(event)

    def _turn(self) -> None:
        """Unfold the list, or fold it up."""
        if not self._list.toPlainText():
            self._list.setPlainText("\n".join(self._items))
        self._list.setVisible(self._list.isHidden())
        self._dress()

    def _copy_all(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._items))

    def _dress(self) -> None:
        words = f"Show all {len(self._items)}" if self._list.isHidden() else "Show none"
        self._show.setText(words)
        _make_link(self._show, "noteShow", words)
        self._list.setFont(theme.font("caption"))
        rows = min(_ROWS, len(self._items)) + 1  # one for the scroll bar
        self._list.setFixedHeight(self._list.fontMetrics().lineSpacing() * rows + 14)
        for button in (self._show, self._copy):
            _fit_link(button)


def _make_link(button: QPushButton, name: str, says: str) -> None:
    """Make words that act of a button."""
    button.setFlat(True)
    button.setObjectName(name)
    button.setAccessibleName(says)
    button.setToolTip(says)
    button.setCursor(Qt.CursorShape.PointingHandCursor)


def _fit_link(button: QPushButton) -> None:
    """Make a button as small as its words."""
    button.setFont(theme.font("secondary"))
    metrics = button.fontMetrics()
    button.setFixedSize(metrics.horizontalAdvance(button.text()) + 1, metrics.height() + 6)


def _wrapped(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label
