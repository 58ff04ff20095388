"""Draw how the network's answer changes as a map's pixels go or come, a panel for each way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cnnviz_desktop.data import Curve, Evidence
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.legend import Legend, Stroke
from cnnviz_desktop.figures.numerals import MINUS
from cnnviz_desktop.figures.options import MARGIN
from cnnviz_desktop.figures.page import Page, shorten

_PANEL = 1.15  # inches of a panel's height
_NARROWEST = 1.45  # of a panel
_GAP = 0.16
_GUTTER = 0.16  # left of a panel, for the ends of its axis
_TITLE = 0.3
_FOOT = 0.3
_ABOVE = 0.2
_CONTROLS = ((0, (1, 1.5)), (0, (4, 2)))


@dataclass(frozen=True)
class _Line:
    """A cell whose curves are drawn, and how."""

    row: int
    column: int
    name: str
    stroke: Stroke


def curves_height(evidence: Evidence, room: float) -> float:
    """Return the inches that curves and legend take; 0 without curves."""
    if not evidence.curves:
        return 0.0
    across = _across(len(evidence.curves), room)
    rows = math.ceil(len(evidence.curves) / across)
    legend = _legend(_lines(evidence, style.LIGHT), room)
    return _ABOVE + legend.height + rows * (_TITLE + _PANEL + _FOOT)


def draw_curves(page: Page, evidence: Evidence, y: float, room: float) -> None:
    """Draw the legend and below it the panels, one line for each method."""
    lines = _lines(evidence, page.look)
    y += _ABOVE
    legend = _legend(lines, room)
    legend.draw(page, y)
    y += legend.height
    across = _across(len(evidence.curves), room)
    wide = (room - (across - 1) * _GAP) / across
    for place, curve in enumerate(evidence.curves):
        row, column = divmod(place, across)
        top = y + row * (_TITLE + _PANEL + _FOOT)
        _draw_panel(page, curve, lines, MARGIN + column * (wide + _GAP), top, wide)


def _across(count: int, room: float) -> int:
    """Return how many panels go side by side, in rows that are about even."""
    most = max(1, int((room + _GAP) / (_NARROWEST + _GAP)))
    rows = math.ceil(count / most)
    return math.ceil(count / rows)


def _draw_panel(
    page: Page, curve: Curve, lines: list[_Line], x: float, y: float, wide: float
) -> None:
    small, muted = style.CAPTION_SIZE, page.look.muted
    page.text(x + _GUTTER, y + 0.2, curve.name, bold=True, size=small + 0.5, room=wide)
    top = y + _TITLE
    low, high = _span(curve)
    for end, place in ((high, top + 0.07), (low, top + _PANEL)):
        said = f"{end:g}".replace("-", MINUS)
        page.text(x + _GUTTER - 0.04, place, said, size=small - 1, colour=muted, align="right")
    x, wide = x + _GUTTER, wide - _GUTTER
    page.box(x, top, wide, _PANEL, page.look.track)
    axes = page.axes(x, top, wide, _PANEL)
    for line in reversed(lines):  # the first on top
        axes.plot(curve.places, curve.values[line.row, line.column], **line.stroke.drawn(page))
    axes.set_ylim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    first, last = float(curve.places[0]), float(curve.places[-1])
    axes.set_xlim(first, last if last > first else first + 1)
    foot = top + _PANEL + 0.13
    ends = (curve.ticks[0], curve.ticks[-1]) if curve.ticks else (f"{first:.0%}", f"{last:.0%}")
    page.text(x, foot, ends[0], size=small - 1, colour=muted, room=wide / 2 - 0.05)
    page.text(x + wide, foot, ends[1], size=small - 1, colour=muted, align="right", room=wide / 2)
    across = shorten(curve.across, wide, small - 1)
    page.text(x, foot + 0.12, across, size=small - 1, colour=muted)


def _span(curve: Curve) -> tuple[float, float]:
    """Return the ends of the vertical axis: those of a probability, or of a correlation."""
    values = curve.values[np.isfinite(curve.values)]
    low = float(values.min(initial=0.0))
    return (-1.0 if low < 0 else 0.0), 1.0


# ---------------------------------------------------------------------------- which lines are drawn


def _lines(evidence: Evidence, look: style.PlateStyle) -> list[_Line]:
    """Return each method's best cell by the first score, and the controls' in the same column."""
    own = len(evidence.methods) - evidence.controls
    found: list[_Line] = []
    for row in range(len(evidence.methods)):
        column = _best(evidence, row, found[0].column if row >= own and found else None)
        if column is None:
            continue
        layer = evidence.layers[column] or "input"
        name = f"{evidence.methods[row]}, {layer}"
        control = Stroke(look.muted, _CONTROLS[(row - own) % len(_CONTROLS)])
        found.append(_Line(row, column, name, Stroke.of(row, look) if row < own else control))
    return found


def _best(evidence: Evidence, row: int, beside: int | None) -> int | None:
    """Return the column of a method's best cell among those with curves."""
    there = [
        column
        for column in range(len(evidence.layers))
        if any(np.isfinite(curve.values[row, column]).any() for curve in evidence.curves)
    ]
    if not there or not evidence.metrics:
        return there[0] if there else None
    if beside in there:
        return beside
    sign = 1 if evidence.better[0] == "higher" else -1
    scores = np.nan_to_num(sign * evidence.scores[row, there, 0], nan=-np.inf)
    return there[int(np.argmax(scores))]


def _legend(lines: list[_Line], room: float) -> Legend:
    return Legend.of([(line.name, line.stroke) for line in lines], room)
