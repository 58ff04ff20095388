"""Take down what the person thinks a unit is for, as it is typed."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QSignalBlocker, QSize, Qt
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import fix_size, label, named
from cnnviz_desktop.gui.marks import UnitNote
from cnnviz_desktop.gui.session import Session

_MOST_LETTERS = 20_000


class UnitNoteField(QWidget):
    """“My hypothesis” about the selected unit, and its tags; kept with the session."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "unitNote", "My hypothesis")
        self._session = session
        self._text = _NoteText()
        self._tags = QLineEdit()
        self._tags.setAcceptDrops(False)
        self._tags.setPlaceholderText("Tags: face, dog")
        self._tags.setMaxLength(400)
        named(
            self._tags,
            "unitTags",
            "Tags of the unit",
            "Words to find the unit by, separated by commas; kept with the session",
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        head = label("My hypothesis", "strong")
        head.setBuddy(self._text)
        column.addWidget(head)
        column.addWidget(self._text)
        column.addWidget(self._tags)
        self._text.textChanged.connect(self._typed)
        self._tags.textChanged.connect(self._typed)
        session.unit_picked.connect(self.refresh)
        session.marks.notes_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what was written about the selected unit."""
        unit = self._session.unit
        self.setEnabled(unit is not None and self._session.marks.origin is not None)
        note = self._session.marks.note(unit)
        if note == self._note():
            return  # the cursor stays where the person types
        with QSignalBlocker(self._text), QSignalBlocker(self._tags):
            if self._text.toPlainText() != note.text:
                self._text.setPlainText(note.text)
            self._tags.setText(", ".join(note.tags))

    def _note(self) -> UnitNote:
        """Return what stands in the fields."""
        words = (word.strip() for word in self._tags.text().split(","))
        tags = tuple(dict.fromkeys(word for word in words if word))
        text = self._text.toPlainText()[:_MOST_LETTERS]
        return UnitNote(text if text.strip() else "", tags)

    def _typed(self) -> None:
        if self._session.unit is not None:
            self._session.marks.write(self._session.unit, self._note())


class _NoteText(QPlainTextEdit):
    """A field of a few lines. Tab leaves it: the keyboard must come out again."""

    def __init__(self) -> None:
        super().__init__()
        self.setTabChangesFocus(True)
        self.setPlaceholderText("What does this channel answer to?")
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        named(
            self,
            "unitNoteText",
            "My hypothesis",
            "What you think this channel answers to; saved as you type, kept with the session",
        )
        fix_size(self, height=72)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Take words; pictures that are dropped here are for the window."""
        return not source.hasUrls() and super().canInsertFromMimeData(source)

    def sizeHint(self) -> QSize:
        """Ask for the width of the dock."""
        return QSize(theme.px(200), theme.px(72))
