"""Draw the course of a training: a panel for each measure, a line for what it is measured on.

"loss/train" and "loss/held out" are two lines of the panel "loss".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cnnviz_desktop.data import Curves, Floats
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.legend import Legend, Stroke
from cnnviz_desktop.figures.numerals import MINUS, amount, count, number
from cnnviz_desktop.figures.options import HEAD, LINE, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, shorten

_PANEL = 1.25  # inches of a panel's height
_GUTTER = 0.42  # left of a panel, for the numbers of its axis
_GAP = 0.2
_TITLE = 0.3
_FOOT = 0.32
_MOST = 24  # panels
_MOST_LINES = 12  # in a panel


@dataclass(frozen=True, eq=False)
class _Line:
    """One line of a panel: what it is measured on, and its numbers."""

    name: str
    steps: Floats
    values: Floats


def curves_plate(curves: Curves, options: PlateOptions) -> Figure:
    """Draw every curve in a panel of its own kind, with one legend above all."""
    panels, room = _panels(curves), options.room
    chosen = list(panels)[: options.limit or _MOST]
    shown = {name: panels[name][:_MOST_LINES] for name in chosen}
    series = list(dict.fromkeys(line.name for lines in shown.values() for line in lines))
    strokes = {name: Stroke.of(place, options.look) for place, name in enumerate(series)}
    named = [(name or "value", stroke) for name, stroke in strokes.items()]
    legend = Legend.of(named if len(named) > 1 else (), room)
    across = options.columns or (1 if options.narrow or len(shown) == 1 else 2)
    across = min(across, max(1, len(shown)))
    rows = math.ceil(len(shown) / across)
    above = legend.height + 0.04 if legend.rows else 0.0
    notes = [*curves.notes[:3], *_left_out(panels, shown)]
    body = above + rows * (_TITLE + _PANEL + _FOOT) + LINE * len(notes)
    page = Page(room, body, options)
    page.heading(options.title or curves.title, _details(curves))
    legend.draw(page, HEAD + 0.04)
    wide = (room - (across - 1) * _GAP) / across
    for place, (name, lines) in enumerate(shown.items()):
        row, column = divmod(place, across)
        x = MARGIN + column * (wide + _GAP)
        y = HEAD + above + row * (_TITLE + _PANEL + _FOOT)
        _draw_panel(page, name, lines, strokes, (x, y, wide), curves.unit_of_steps)
    start = HEAD + above + rows * (_TITLE + _PANEL + _FOOT)
    page.lines(start + 0.1, [shorten(note, room, style.CAPTION_SIZE) for note in notes])
    return page.figure


def _panels(curves: Curves) -> dict[str, list[_Line]]:
    """Return the lines of each panel by its name, in the order of the curves."""
    found: dict[str, list[_Line]] = {}
    for name, steps, values in zip(curves.names, curves.steps, curves.values, strict=True):
        panel, slash, line = name.rpartition("/")
        found.setdefault(panel if slash else name, []).append(
            _Line(line if slash else "", steps, values)
        )
    return found


def _left_out(panels: dict[str, list[_Line]], shown: dict[str, list[_Line]]) -> list[str]:
    """Say what there was no room for."""
    left = len(panels) - len(shown)
    lines = sum(len(panels[name]) - len(drawn) for name, drawn in shown.items())
    found = ((left, "more panel is", "more panels are"), (lines, "more line is", "more lines are"))
    return [f"{amount(*item)} not drawn." for item in found if item[0]]


def _details(curves: Curves) -> list[str]:
    """Say how far the training came and what the last numbers are."""
    ends = [float(steps.max()) for steps in curves.steps if len(steps)]
    if not ends:
        return ["nothing logged yet"]
    details = [f"{curves.unit_of_steps} {count(round(max(ends)))}"]
    held = [name for name in curves.names if name.endswith("held out")] or list(curves.names)
    return details + [f"{name.replace('/', ', ')} {number(curves.last(name))}" for name in held[:3]]


def _draw_panel(
    page: Page,
    name: str,
    lines: list[_Line],
    strokes: dict[str, Stroke],
    place: tuple[float, float, float],
    unit: str,
) -> None:
    """Draw one panel: its name, a light scale, and the lines."""
    x, y, wide = place
    small, muted = style.CAPTION_SIZE, page.look.muted
    page.text(x, y + 0.2, name, bold=True, size=small + 0.5, room=wide)
    top, x, wide = y + _TITLE, x + _GUTTER, wide - _GUTTER
    page.box(x, top, wide, _PANEL, page.look.track)
    (low, high), (first, last) = _span(lines), _ends(lines)
    axes = page.axes(x, top, wide, _PANEL)
    for mark in MaxNLocator(4).tick_values(low, high):
        if not low <= mark <= high:
            continue
        axes.axhline(mark, color=page.look.line, linewidth=0.5 * page.zoom, zorder=0)
        said = f"{mark:.6g}".replace("-", MINUS)
        down = top + _PANEL * (1 - (mark - low) / (high - low))
        page.text(x - 0.05, down + 0.03, said, size=small - 1, colour=muted, align="right")
    for line in lines:
        values = np.where(np.isfinite(line.values), line.values, np.nan)
        few = np.isfinite(values).sum() < 2
        axes.plot(
            line.steps,
            values,
            marker="o" if few else "",  # one number is no line
            markersize=3 * page.zoom,
            **strokes[line.name].drawn(page),
        )
    axes.set_ylim(low, high)
    axes.set_xlim(first, last)
    foot = top + _PANEL + 0.13
    page.text(x, foot, f"{first:g}", size=small - 1, colour=muted)
    page.text(x + wide, foot, f"{last:g}", size=small - 1, colour=muted, align="right")
    page.text(x + wide / 2, foot, unit, size=small - 1, colour=muted, align="center")


def _span(lines: list[_Line]) -> tuple[float, float]:
    """Return the ends of the vertical axis, with a little room."""
    values = np.concatenate([line.values for line in lines]).astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
    return low - room, high + room


def _ends(lines: list[_Line]) -> tuple[float, float]:
    """Return the ends of the horizontal axis."""
    steps = np.concatenate([line.steps for line in lines])
    if not len(steps):
        return 0.0, 1.0
    first, last = float(steps.min()), float(steps.max())
    return first, last if last > first else first + 1.0
