"""Place tiles of one size in rows: pure geometry, in pixels of the whole grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect

MARGIN = 16
GAP = 8
_WIDEST_GAP = 18  # what is left of a row goes between its tiles, up to this
_PADDING = 4  # between a tile and the outline of the selection


@dataclass(frozen=True)
class TileLayout:
    """`count` tiles of `side` pixels, each over a caption strip, in a canvas of `width` pixels."""

    width: int
    count: int
    side: int
    caption: int

    @property
    def columns(self) -> int:
        """Count the tiles of a row."""
        return max(1, (self.width - 2 * MARGIN + GAP) // (self.side + GAP))

    @property
    def across(self) -> float:
        """Return the distance from column to column."""
        spare = self.width - 2 * MARGIN - self.columns * self.side
        gap = spare / (self.columns - 1) if self.columns > 1 else GAP
        return self.side + (min(max(gap, GAP), _WIDEST_GAP) if self.count > self.columns else GAP)

    @property
    def step(self) -> int:
        """Return the distance from row to row."""
        return self.side + self.caption + GAP

    @property
    def height(self) -> int:
        """Return the height of all rows with their margins."""
        rows = math.ceil(self.count / self.columns)
        return 2 * MARGIN + rows * self.step - GAP if rows else 0

    def cell(self, place: int) -> QRect:
        """Return where the map of a place lies."""
        row, column = divmod(place, self.columns)
        left = MARGIN + round(column * self.across)
        return QRect(left, MARGIN + row * self.step, self.side, self.side)

    def marked(self, place: int) -> QRect:
        """Return the padded ground of a selected tile and its caption."""
        return self.cell(place).adjusted(-_PADDING, -_PADDING, _PADDING, self.caption + 2)

    def place_at(self, point: QPoint) -> int:
        """Return the place of the tile or caption under a point, -1 for none."""
        column = math.floor((point.x() - MARGIN + 0.5) / self.across)  # cells begin rounded
        x = point.x() - MARGIN - round(column * self.across)
        row, y = divmod(point.y() - MARGIN, self.step)
        place = row * self.columns + column
        inside = 0 <= column < self.columns and row >= 0
        inside = inside and x < self.side and y < self.side + self.caption
        return place if inside and place < self.count else -1

    def places(self, top: int, bottom: int) -> range:
        """Return the places of the rows that reach into a span of heights."""
        first = max(0, (top - MARGIN) // self.step)
        last = max(0, (bottom - MARGIN) // self.step + 1)
        return range(min(self.count, first * self.columns), min(self.count, last * self.columns))


def full_cell(room: QRect, caption: int) -> QRect:
    """Return the largest square of a canvas that leaves room for a caption."""
    inner = room.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
    below = caption + GAP
    side = max(16, min(inner.width(), inner.height() - below))
    top = inner.top() + max(0, (inner.height() - side - below) // 2)
    return QRect(inner.left() + (inner.width() - side) // 2, top, side, side)
