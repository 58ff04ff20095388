"""Keep in sight what is to be said of grown pictures: a unit that will not fire, above all."""

from __future__ import annotations

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget

from cnnviz_desktop.data import Inverted, Maximised
from cnnviz_desktop.gui.controls import Ground, framed, label, named
from cnnviz_desktop.gui.note_list import Note, NoteList
from cnnviz_desktop.gui.session import MAXIMISE, Session


class MaximiseNotes(Ground):
    """The notes of the result in the tab Maximise; out of sight where there are none."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.AlternateBase, parent)
        named(self, "maximiseNotes", "Notes")
        self._session = session
        self._list = NoteList()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 12)
        column.setSpacing(8)
        column.addLayout(framed(label("Notes", "strong")))
        column.addLayout(framed(self._list))
        session.answered.connect(self._refresh)
        session.withdrawn.connect(self._refresh)
        session.tab_changed.connect(self._refresh)
        session.models.cleared.connect(self._refresh)
        self._refresh()

    def notes(self) -> tuple[Note, ...]:
        """Return the notes that are shown."""
        return self._list.notes()

    def _refresh(self) -> None:
        answer = self._session.answers.get(MAXIMISE)
        result = answer.result if answer is not None else None
        texts = result.notes if isinstance(result, Maximised | Inverted) else ()
        notes = tuple(_note(text) for text in texts)
        if notes != self._list.notes():
            self._list.show_notes(notes)
        self.setVisible(self._session.tab == MAXIMISE and bool(notes))


def _note(text: str) -> Note:
    """Return a sentence as a note, its first half as the title where it has one."""
    title, colon, rest = text.partition(": ")
    return Note("warning", title, rest[:1].upper() + rest[1:]) if colon else Note("warning", text)
