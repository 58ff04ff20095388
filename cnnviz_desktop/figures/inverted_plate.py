"""Draw what a layer remembers of a picture, and the curve of it over the network."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from cnnviz_desktop.data import Inverted
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.maximised_plate import (
    draw_curve,
    draw_strip,
    spread_frames,
    strip_height,
)
from cnnviz_desktop.figures.numerals import count, number
from cnnviz_desktop.figures.options import HEAD, LINE, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, fit, wrapped

_GAP = 0.2
_LARGEST = 2.4
_NAME = 0.18
_NAMED = 1.3  # inches that the words above a picture take
_CURVE = 1.2
_ACROSS = 8  # layers in one row of pictures


def inverted_plate(inverted: Inverted, options: PlateOptions) -> Figure:
    """Draw the picture and what was made of it, the objective, and the layers' curve or growth."""
    room = options.room
    panels = 2 if options.narrow else 3
    width = (room - (panels - 1) * _GAP) / panels
    original = pixels.from_unit(inverted.original)
    wide, tall = fit(original, min(width, _LARGEST), options.tallest(_LARGEST))
    step = max(wide, _NAMED) + _GAP
    curve = _CURVE + _GAP if options.narrow else 0.0
    top = max(tall + _NAME, 1.2) + curve
    several = len(inverted.layers) > 1
    frames = spread_frames(len(inverted.grown))
    below = _layers_height(inverted, room) if several else 0.0
    if not several and len(frames) > 1:
        below = strip_height(inverted.growth[frames], room)
    notes = wrapped(inverted.notes, room)
    page = Page(room, top + below + LINE * len(notes), options)
    page.heading(options.title or inverted.title, _describe(inverted))
    made = "caricature" if inverted.caricature else "made again from the layer"
    for place, (name, drawn) in enumerate(
        (("picture", original), (made, pixels.from_unit(inverted.picture)))
    ):
        x = MARGIN + place * step
        page.text(x, HEAD + 0.08, name, size=style.CAPTION_SIZE, colour=page.look.muted)
        page.picture(drawn, x, HEAD + _NAME, wide, tall)
    x, y = MARGIN + 2 * step, HEAD
    if options.narrow:
        x, y = MARGIN, HEAD + tall + _NAME + _GAP
    draw_curve(page, inverted.objectives[None], x, y, room - (x - MARGIN))
    if several:
        _draw_layers(page, inverted, HEAD + top, room)
    elif below:
        names = [count(inverted.grown[frame]) for frame in frames]
        draw_strip(page, inverted.growth[frames], names, HEAD + top, room)
    page.lines(HEAD + top + below + LINE, notes)
    return page.figure


def _describe(inverted: Inverted) -> list[str]:
    if inverted.caricature:
        numbers = [f"MSE {number(inverted.mse)}"]
    else:
        numbers = [
            f"MSE {number(inverted.mse)}",
            f"R² {number(inverted.r2)}",
            f"R² in the layer {number(inverted.match)}",
        ]
    return [inverted.layer, *numbers, f"{count(len(inverted.objectives))} steps"]


# ---------------------------------------------------------------------------- curve of the layers


def _side(inverted: Inverted, room: float) -> float:
    return min((room + 0.06) / min(_across(room), len(inverted.layers)) - 0.06, 1.0)


def _across(room: float) -> int:
    return _ACROSS if room > 4 else _ACROSS // 2


def _row(inverted: Inverted, room: float) -> float:
    rows, columns = inverted.pictures.shape[1:3]
    return float(_side(inverted, room) * rows / columns + 2 * LINE + 0.06)


def _layers_height(inverted: Inverted, room: float) -> float:
    rows = -(-len(inverted.layers) // _across(room))
    return _GAP + _CURVE + 0.3 + rows * _row(inverted, room)


def _draw_layers(page: Page, inverted: Inverted, y: float, room: float) -> None:
    """Draw R^2 over the layers as dots on a line, below it what each made of the picture."""
    look, small = page.look, style.CAPTION_SIZE
    page.text(MARGIN, y + _GAP + 0.1, "What each layer remembers", bold=True)
    said = "R² of the picture made again from it"
    if not page.narrow:
        page.text(MARGIN + room, y + _GAP + 0.1, said, size=small, colour=look.muted, align="right")
    axes = page.axes(MARGIN + 0.3, y + _GAP + 0.25, room - 0.3, _CURVE - 0.3)
    scores = np.nan_to_num(inverted.scores.astype(np.float64)).clip(0, 1)
    places = np.arange(len(scores)) + 0.5
    for height in (0.0, 0.5, 1.0):
        axes.plot([0, len(scores)], [height, height], color=look.line, linewidth=0.6 * page.zoom)
        line_y = y + _GAP + 0.25 + (1.06 - height) / 1.12 * (_CURVE - 0.3) + 0.03
        page.text(MARGIN, line_y, number(height), size=small, colour=look.muted)
    axes.plot(places, scores, color=look.accent, linewidth=1.2 * page.zoom)
    axes.scatter(places, scores, color=look.accent, s=10 * page.zoom**2)
    axes.set_xlim(0, len(scores))
    axes.set_ylim(-0.06, 1.06)
    side, step = _side(inverted, room), _row(inverted, room)
    drawn = pixels.from_unit(inverted.pictures)
    top = y + _GAP + _CURVE + 0.1
    for place, (name, picture) in enumerate(zip(inverted.layers, drawn, strict=True)):
        row, column = divmod(place, _across(room))
        x, line_y = MARGIN + column * (side + 0.06), top + row * step
        tall = side * picture.shape[0] / picture.shape[1]
        page.picture(picture, x, line_y, side, tall)
        page.text(x, line_y + tall + 0.11, name, size=5.5, room=side)
        value = f"R² {number(float(inverted.scores[place]))}"
        page.text(x, line_y + tall + 0.21, value, size=5.5, colour=look.muted, room=side)
