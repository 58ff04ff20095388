"""Place tiles of one size in rows: pure geometry, in pixels of the whole grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from PySide6.QtCore import QPoint, QRect, QSize

MARGIN = 16
GAP = 8
_WIDEST_GAP = 18  # what is left of a row goes between its tiles, up to this
_PADDING = 4  # between a tile and the outline of the selection
_BETWEEN = 2  # between the parts of one tile
_CAPTIONED = 40  # pixels of a tile that is wide enough for two numbers
_LEAST = 8
_GAPS = ((_CAPTIONED, 4096, GAP), (24, _CAPTIONED - 1, 4), (_LEAST, 23, 2))  # sides, their gap


@dataclass(frozen=True)
class TileLayout:
    """`count` tiles of `side` pixels, each over a caption strip, in a canvas of `width` pixels.

    A tile has one square part, or several side by side. Where `fixed` columns are asked for, they
    stand in the middle.
    """

    width: int
    count: int
    side: int
    caption: int
    parts: int = 1
    fixed: int = 0

    @cached_property
    def gap(self) -> int:
        """Return the least distance between tiles: small ones stand closer."""
        return next((gap for least, _most, gap in _GAPS if self.side >= least), _GAPS[-1][2])

    @cached_property
    def strip(self) -> int:
        """Return the height of the captions, which small tiles have none of."""
        return self.caption if self.side >= _CAPTIONED else 0

    @cached_property
    def breadth(self) -> int:
        """Return the width of a tile with all of its parts."""
        return self.parts * self.side + (self.parts - 1) * _BETWEEN

    @cached_property
    def columns(self) -> int:
        """Count the tiles of a row."""
        if self.fixed:
            return self.fixed
        return max(1, (self.width - 2 * MARGIN + self.gap) // (self.breadth + self.gap))

    @cached_property
    def across(self) -> float:
        """Return the distance from column to column."""
        spare = self.width - 2 * MARGIN - self.columns * self.breadth
        gap = spare / (self.columns - 1) if self.columns > 1 and not self.fixed else self.gap
        widest = max(self.gap, min(_WIDEST_GAP, self.gap + self.side // 4))
        if self.parts > 1:  # few columns: a larger gap keeps the groups apart
            widest = self.side
        full = self.count > self.columns
        return self.breadth + (min(max(gap, self.gap), widest) if full else self.gap)

    @cached_property
    def left(self) -> int:
        """Return where the first column begins."""
        if not self.fixed:
            return MARGIN
        taken = (self.columns - 1) * self.across + self.breadth
        return max(MARGIN, round((self.width - taken) / 2))

    @cached_property
    def step(self) -> int:
        """Return the distance from row to row."""
        return self.side + self.strip + self.gap

    @property
    def height(self) -> int:
        """Return the height of all rows with their margins."""
        rows = math.ceil(self.count / self.columns)
        return 2 * MARGIN + rows * self.step - self.gap if rows else 0

    @property
    def reach(self) -> int:
        """Return the width of a tile that fills a row with its margins, 0 where several fit."""
        return 2 * MARGIN + self.breadth if self.columns == 1 else 0

    def cell(self, place: int) -> QRect:
        """Return where the map of a place lies, all of its parts."""
        row, column = divmod(place, self.columns)
        left = self.left + round(column * self.across)
        return QRect(left, MARGIN + row * self.step, self.breadth, self.side)

    def marked(self, place: int) -> QRect:
        """Return the padded ground of a selected tile and its caption."""
        padding = min(_PADDING, self.gap)
        below = self.strip + 2 if self.strip else padding
        return self.cell(place).adjusted(-padding, -padding, padding, below)

    def place_at(self, point: QPoint) -> int:
        """Return the place of the tile or caption under a point, -1 for none."""
        column = math.floor((point.x() - self.left + 0.5) / self.across)  # cells begin rounded
        x = point.x() - self.left - round(column * self.across)
        row, y = divmod(point.y() - MARGIN, self.step)
        place = row * self.columns + column
        inside = 0 <= column < self.columns and row >= 0
        inside = inside and x < self.breadth and y < self.side + self.strip
        return place if inside and place < self.count else -1

    def place_near(self, point: QPoint) -> int:
        """Return the place of the tile nearest to a point, -1 where there is no tile."""
        column = math.floor((point.x() - self.left) / self.across)
        row = (point.y() - MARGIN) // self.step
        place = max(0, row) * self.columns + min(max(column, 0), self.columns - 1)
        return min(place, self.count - 1)

    def places(self, top: int, bottom: int) -> range:
        """Return the places of the rows that reach into a span of heights."""
        first = max(0, (top - MARGIN) // self.step)
        last = max(0, (bottom - MARGIN) // self.step + 1)
        return range(min(self.count, first * self.columns), min(self.count, last * self.columns))


def parts_of(tile: QRect, parts: int) -> list[QRect]:
    """Return where the parts of a tile lie."""
    side = (tile.width() - (parts - 1) * _BETWEEN) // parts
    return [
        QRect(tile.left() + part * (side + _BETWEEN), tile.top(), side, tile.height())
        for part in range(parts)
    ]


def page_layout(room: QSize, count: int, caption: int, parts: int, columns: int) -> TileLayout:
    """Return the layout of a page of tiles as large as a canvas can hold them all."""
    rows = max(1, math.ceil(count / columns))
    side = _LEAST
    for least, most, gap in _GAPS:
        strip = caption if least >= _CAPTIONED else 0
        across = (room.width() - 2 * MARGIN - (columns - 1) * gap) // columns
        wide = (across - (parts - 1) * _BETWEEN) // parts
        high = (room.height() - 2 * MARGIN + gap) // rows - gap - strip
        side = min(wide, high, most)
        if side >= least:
            break
    return TileLayout(room.width(), count, max(side, _LEAST), caption, parts, columns)


def full_cell(room: QRect, caption: int, parts: int = 1) -> QRect:
    """Return the largest tile of a canvas that leaves room for a caption."""
    inner = room.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
    below = caption + GAP
    across = (inner.width() - (parts - 1) * _BETWEEN) // parts
    side = max(16, min(across, inner.height() - below))
    breadth = parts * side + (parts - 1) * _BETWEEN
    top = inner.top() + max(0, (inner.height() - side - below) // 2)
    return QRect(inner.left() + (inner.width() - breadth) // 2, top, breadth, side)
