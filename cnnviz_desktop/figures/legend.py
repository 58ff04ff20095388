"""Tell the lines of graphs apart by colours and dashes, and name them in rows above."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.options import MARGIN
from cnnviz_desktop.figures.page import Page, shorten, text_width

_ROW = 0.16  # inches from one row to the next
_LINE = 0.22
_BEFORE = 0.28  # a name, from where its line begins
_AFTER = 0.18
_WIDEST = 2.4  # of a name
# Okabe and Ito's, told apart by all eyes; held-out numbers come in the second, the stronger one
_ON_LIGHT = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_ON_DARK = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00")
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.2, 1.2, 1.2)))


@dataclass(frozen=True)
class Stroke:
    """How a line looks: its colour, and its dashes as matplotlib has them."""

    colour: str
    dashes: object = "-"

    @classmethod
    def of(cls, place: int, look: style.PlateStyle) -> Stroke:
        """Return the look of the line at a place: all colours first, then all with other dashes."""
        colours = _ON_DARK if look is style.DARK else _ON_LIGHT
        turn, place = divmod(place, len(colours))
        return cls(colours[place], _DASHES[turn % len(_DASHES)])

    def drawn(self, page: Page) -> dict[str, Any]:
        """Return it as options of matplotlib's lines."""
        return {
            "color": self.colour,
            "linewidth": 1.2 * page.zoom,
            "linestyle": self.dashes,
            "solid_capstyle": "butt",
        }


@dataclass(frozen=True)
class Legend:
    """Names of lines beside a piece of each, in as many rows as they need."""

    rows: list[list[tuple[str, Stroke]]]

    @classmethod
    def of(cls, entries: Iterable[tuple[str, Stroke]], room: float) -> Legend:
        """Break the entries into rows of `room` inches."""
        rows: list[list[tuple[str, Stroke]]] = []
        left = 0.0
        for words, stroke in entries:
            name = shorten(words, min(room - 0.4, _WIDEST), style.CAPTION_SIZE)
            needed = _wide(name)
            if not rows or needed > left:
                rows.append([])
                left = room
            rows[-1].append((name, stroke))
            left -= needed
        return cls(rows)

    @property
    def height(self) -> float:
        """Return the inches that all rows take."""
        return len(self.rows) * _ROW

    def draw(self, page: Page, y: float) -> None:
        """Draw the rows, the words of the first with their baseline at y."""
        for row in self.rows:
            x = MARGIN
            for name, stroke in row:
                axes = page.axes(x, y - 0.06, _LINE, 0.06)
                axes.plot([0, 1], [0.5, 0.5], **stroke.drawn(page))
                axes.set_ylim(0, 1)
                page.text(x + _BEFORE, y, name, size=style.CAPTION_SIZE)
                x += _wide(name)
            y += _ROW


def _wide(name: str) -> float:
    return _BEFORE + text_width(name, style.CAPTION_SIZE) + _AFTER
