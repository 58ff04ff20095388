"""Say beside an explanation whether it can be believed, and offer the next better thing."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from cnnviz_desktop.engine.explanation_doctor import advise
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.doctor_section import DoctorSection
from cnnviz_desktop.gui.explain_view import ExplainView
from cnnviz_desktop.gui.note_list import Note
from cnnviz_desktop.gui.session import EXPLAIN, Session


class ExplanationDoctor(DoctorSection):
    """What is noticed of the map that is looked at; a button runs what helps. It says nothing."""

    def __init__(self, session: Session, view: ExplainView, parent: QWidget | None = None) -> None:
        super().__init__("explanationDoctor", "Explanation doctor", parent)
        self._session = session
        self._view = view
        self._techniques: dict[str, Technique] = {}
        named(self._count, "explanationCount", "How much there is to look at")
        self._soon = QTimer(self)  # once, whatever made the map another one
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._advise)
        self._notes.acted.connect(self._act)
        view.turned.connect(self._soon.start)
        session.answered.connect(self._follow)
        session.tab_changed.connect(self._follow)
        session.models.changed.connect(self._soon.start)  # what a session kept has its model now
        self.hide()

    def notes(self) -> tuple[Note, ...]:
        """Return what is noticed."""
        return self._notes.notes()

    def _follow(self, tab: str) -> None:
        """Come into view with the tab that explains."""
        if tab == EXPLAIN or not self.isHidden():
            self._soon.start()

    def _advise(self) -> None:
        """Ask the doctor of the map that is looked at."""
        shown = self._view.explained() if self._session.tab == EXPLAIN else None
        image = shown.answer.image if shown is not None else None
        if shown is None or image is None or shown.answer.partial:
            self.hide()
            return
        if shown.answer.model is not self._session.model:  # what helps would not fit this one
            self.hide()
            return
        found = advise(shown.technique, shown.heatmap, shown.answer.model, image)
        notes, self._techniques = [], {}
        for place, advice in enumerate(found):
            key = str(place) if advice.technique is not None else ""
            if advice.technique is not None:
                self._techniques[key] = advice.technique
            finding = advice.finding
            action = advice.action if key else ""
            notes.append(Note(finding.severity, finding.title, finding.detail, action, key))
        if tuple(notes) != self._notes.notes():
            self._notes.show_notes(notes)
        amiss = sum(note.level in ("warning", "error") for note in notes)
        self._count.setText(f"{amiss} to look at" if amiss else "")
        self.setVisible(bool(notes))

    def _act(self, key: str) -> None:
        """Put what helps into the form, and run it."""
        technique = self._techniques.get(key)
        if technique is not None:
            self._session.set_technique(technique.tab, technique)
            self._session.set_tab(technique.tab)
            self._session.run(technique.tab)
