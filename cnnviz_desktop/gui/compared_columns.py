"""Give each of several networks a column, the same in every part of the tab that compares."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF

from cnnviz_desktop.gui.linked_view import PAD, LinkedView, PanelPlace, strip_height

_MARGIN, _GAP = 16, 16


def columns(width: int, count: int) -> list[tuple[int, int]]:
    """Return where so many columns of a widget begin and how wide each is."""
    if not count:
        return []
    wide = max(8, (width - 2 * _MARGIN - (count - 1) * _GAP) // count)
    return [(_MARGIN + place * (wide + _GAP), wide) for place in range(count)]


class ColumnView(LinkedView):
    """Panels side by side in the columns, whatever else would leave them more room."""

    def __init__(self) -> None:
        super().__init__()
        self._taken: tuple[int, ...] = ()  # the column of each panel
        self._total = 0

    def set_columns(self, taken: tuple[int, ...], total: int) -> None:
        """Say which of all columns each panel stands in."""
        self._taken, self._total, self._places = taken, total, None

    def across(self) -> int:
        """Return how many panels stand side by side: all."""
        return max(1, len(self.shown()))

    def _lay_out(self) -> list[PanelPlace]:
        places = [PanelPlace(QRect(), QRect())] * self.count
        strip, shown = strip_height(), self.shown()
        alone = len(shown) < self.count
        lefts = columns(self._room.width(), 1 if alone else self._total)
        for index in shown:
            left, wide = lefts[0 if alone else self._taken[index]]
            tall = max(8, self._room.height() - 2 * (PAD + strip))
            room = QRectF(left, 0, wide, tall)
            scale = self._fit_scale(room)
            high = max(8, min(tall, round(scale * self._picture.height())))
            across = max(8, min(wide, round(scale * self._picture.width())))
            place = QRect(left, PAD + strip + (tall - high) // 2, across, high)
            whole = place.adjusted(-PAD, -PAD - strip, PAD, PAD + strip)
            places[index] = PanelPlace(whole, place)
        return places
