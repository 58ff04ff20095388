"""Show the card of the selected unit: everything about one channel on one page."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from cnnviz_desktop.data import Card
from cnnviz_desktop.gui.empty_state import EmptyState
from cnnviz_desktop.gui.labels import DOT
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import UNIT, Session, Unit


class UnitView(ResultView):
    """The unit's card as Export would write it; the note beside it becomes its caption."""

    tab = UNIT

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.hide_bar()
        self.canvas.addWidget(
            EmptyState("No unit yet.", "Click a map in the tab Feature maps, or press Run.")
        )

    def headline(self) -> tuple[str, str]:
        """Return the unit and what its card is of."""
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
