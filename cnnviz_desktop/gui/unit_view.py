"""Show the card of the selected unit, or all pinned units across the session's pictures."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from cnnviz_desktop.data import Card
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.controls import Segments
from cnnviz_desktop.gui.empty_state import EmptyState
from cnnviz_desktop.gui.labels import DOT
from cnnviz_desktop.gui.pinned_sheet import PinnedSheet
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import FEATURE_MAPS, UNIT, Session
from cnnviz_desktop.gui.work import Answer

_SHOW = (
    ("card", "Card", "Everything about the selected unit on one page"),
    ("pinned", "Across pictures", "The selected and the pinned units, on every picture"),
)


class UnitView(ResultView):
    """The unit's card as Export would write it; the note beside it becomes its caption."""

    tab = UNIT

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._show = Segments(_SHOW, "unitShow", "What the tab shows")
        self.bar.addWidget(self._show)
        self.controls = {"show": self._show}
        self._none = EmptyState(
            "No unit yet.", "Click a map in the tab Feature maps, or press Run."
        )
        self.sheet = PinnedSheet(session)
        self.sheet.hide()
        self.canvas.addWidget(self._none, 1)
        self.canvas.addWidget(self.sheet, 1)
        self._show.picked.connect(self._turn)
        self.sheet.chosen.connect(self._go_to)
        session.answered.connect(self._select)
        for signal in (session.marks.pins_changed, session.pictures.added, session.unit_picked):
            signal.connect(self._retell)

    def is_plate(self) -> bool:
        """Tell whether the card is in view."""
        return super().is_plate() and not self._is_across

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Show what a session showed."""
        super().set_view_settings(values)
        self._turn()

    def headline(self) -> tuple[str, str]:
        """Return the unit and what its card is of, or how many units are shown."""
        if self._is_across:
            units, pictures = len(self.sheet.units()), len(self.session.pictures)
            said = f"{units} unit{'s' if units != 1 else ''}"
            over = f"{pictures} picture{'s' if pictures != 1 else ''}"
            more = "" if units > 1 else "pin others in Feature maps (P)"
            return "Units across pictures", middle(said, over, more)
        answer = self.answer()
        if answer is None or not isinstance(answer.result, Card):
            return self.tab, ""
        card = answer.result
        size = f"channel {card.channel} of {card.count}"
        unfinished = "finding out what it detects" if answer.partial else ""
        return f"{card.layer} {DOT} {card.channel}", middle(card.kind, size, unfinished)

    def drawn_as(self) -> dict[str, Any]:
        """Return the person's note as the caption of the card."""
        answer = self.answer()
        if answer is None or not isinstance(answer.result, Card):
            return {}
        note = self.session.marks.note(Unit(answer.result.layer, answer.result.channel))
        tags = f" ({', '.join(note.tags)})" if note.tags else ""
        said = f"{note.text.strip()}{tags}".strip()
        return {"caption": f"My hypothesis: {said}"} if said else {}

    def picture(self) -> QImage | None:
        """Return all units on all pictures."""
        return self.sheet.whole() if self._is_across else None

    def can_copy(self) -> bool:
        """Tell whether there is something to copy."""
        return self._is_across or super().can_copy()

    def can_export(self) -> bool:
        """Tell whether the card is in view: all units save as a picture."""
        return not self._is_across and super().can_export()

    @property
    def _is_across(self) -> bool:
        return self._show.value() == "pinned"

    def _turn(self) -> None:
        """Show the card, or the pinned units."""
        self._none.setVisible(not self._is_across)
        self.sheet.setVisible(self._is_across)
        answer = self.answer()
        if answer is not None:
            self._answered(self.tab, answer)
        else:
            self._canvas_room.show()
            self.retitled.emit()

    def _answered(self, tab: str, answer: Answer) -> None:
        super()._answered(tab, answer)
        if tab == self.tab:
            self._bar_room.show()
            self._bar_line.show()

    def _select(self, tab: str, answer: Answer) -> None:
        """Select the unit that the form asked for: its note and pin stand beside the card."""
        card = answer.result
        if tab != UNIT or not isinstance(card, Card):
            return
        with suppress(CnnvizError):  # the model has no such layer: the card is an old one
            asked = self.session.request(UNIT)
            if asked is not None and asked.technique == answer.technique:
                self.session.pick_unit(Unit(card.layer, card.channel), UNIT)

    def _retell(self) -> None:
        if self._is_across:
            self.retitled.emit()

    def _go_to(self, unit: Unit, key: int) -> None:
        """Look at a unit on a picture."""
        self.session.pictures.select(key)
        if self.session.layer(FEATURE_MAPS) != unit.layer:
            self.session.pick_layer(unit.layer, FEATURE_MAPS)
        self.session.pick_unit(unit)
