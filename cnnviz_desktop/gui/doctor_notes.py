"""Keep in sight what is wrong with the network, in every tab but the one that tells all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from cnnviz_desktop.gui.doctor_section import DoctorSection
from cnnviz_desktop.gui.note_list import note_of
from cnnviz_desktop.gui.session import PREDICTIONS, Session

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


class DoctorNotes(DoctorSection):
    """The model doctor's warnings and errors; what is only good to know stands in the card."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("doctorNotes", "Model doctor", parent)
        self._session = session
        session.models.changed.connect(self._show_model)
        session.models.cleared.connect(self._refresh)
        session.tab_changed.connect(self._refresh)
        self._refresh()

    def _show_model(self, model: LoadedModel) -> None:
        amiss = [item for item in model.findings if item.severity != "info"]
        self._notes.show_notes([note_of(item) for item in amiss])
        self._count.setText(f"{len(amiss)} to look at")
        self._refresh()

    def _refresh(self) -> None:
        elsewhere = self._session.tab != PREDICTIONS and self._session.model is not None
        self.setVisible(elsewhere and bool(self._notes.notes()))
