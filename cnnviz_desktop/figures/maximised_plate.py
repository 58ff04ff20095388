"""Draw what units want to see: their pictures, how these grew and what the units give for them."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from cnnviz_desktop.data import Floats, Inverted, Maximised, Pixels
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.grid import TileGrid, enlarge
from cnnviz_desktop.figures.numerals import count, number, percent
from cnnviz_desktop.figures.options import HEAD, LINE, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, fit, wrapped

_SHOWN = 400  # pictures at most, where their number is not asked for
_LARGEST = 3.4  # inches of a picture that is alone
_GAP = 0.25
_TITLE = 0.2
_CURVE = 1.0
_FRAMES = 8
_FRAME_GAP = 0.06
_ROW = 0.19
_CLASSES = 4
_MOST_NOTES = 12  # lines
_DRAWN = 96  # pixels that the longer side of a small tile is enlarged to


def maximised_plate(wanted: Maximised, options: PlateOptions) -> Figure:
    """Draw the pictures with what they are for, the curve of the objective and the growth."""
    if len(wanted.wanted) == 1:
        return _draw_one(wanted, options)
    return _draw_several(wanted, options)


def growth_frames(result: Maximised | Inverted) -> Pixels:
    """Return how pictures grew as frames (F, h, w, 3): several of them as a sheet, then the end."""
    if isinstance(result, Inverted):
        return pixels.from_unit(result.growth)
    frames, total = pixels.from_unit(result.growth), len(result.wanted)
    if total == 1:
        return np.ascontiguousarray(frames[:, 0])
    columns = math.ceil(math.sqrt(total))
    gap = max(1, frames.shape[3] // 24)
    return np.stack([pixels.sheet(frame, columns, gap, (255, 255, 255)) for frame in frames])


# -------------------------------------------------------------------------------------- one picture


def _draw_one(wanted: Maximised, options: PlateOptions) -> Figure:
    """Draw the picture large, beside it numbers and curve, below it how it grew."""
    drawn = pixels.from_unit(wanted.pictures[0])
    room = options.room
    beside = 0.0 if options.narrow else 2.3 + _GAP
    wide, tall = fit(drawn, min(room - beside, _LARGEST), options.tallest(_LARGEST))
    facts = _facts(wanted, 0)
    column = _ROW * len(facts) + _TITLE + _CURVE + 0.25
    frames = spread_frames(len(wanted.grown))
    strip = strip_height(wanted.growth[frames, 0], room) if len(frames) > 1 else 0.0
    notes = _notes(wanted, room)
    top = tall + _GAP + column if options.narrow else max(tall, column)
    page = Page(room, top + strip + LINE * len(notes), options)
    page.heading(options.title or wanted.title, _describe(wanted))
    page.picture(drawn, MARGIN, HEAD, wide, tall)
    x, y = (MARGIN, HEAD + tall + _GAP) if options.narrow else (MARGIN + wide + _GAP, HEAD)
    width = room - (x - MARGIN)
    for name, value in facts:
        page.text(x, y + 0.12, name, colour=page.look.muted, room=0.62 * width)
        page.text(x + width, y + 0.12, value, align="right")
        y += _ROW
    draw_curve(page, wanted.objectives, x, y + 0.05, width)
    if strip:
        draw_strip(page, wanted.growth[frames, 0], _steps(wanted, frames), HEAD + top, room)
    page.lines(HEAD + top + strip + LINE, notes)
    return page.figure


def _facts(wanted: Maximised, row: int) -> list[tuple[str, str]]:
    """Return what is known of a picture, as names and values."""
    response, bar = float(wanted.responses[row]), float(wanted.threshold[row])
    found = [("logit" if not wanted.layer else "response", number(response))]
    if np.isfinite(bar):
        found.append(("99.9 % of its values are below", number(bar)))
    if row < len(wanted.answers):
        found.append(("the network takes it for", ""))
        top = wanted.answers[row].top(_CLASSES)
        found += [(label, percent(share)) for _index, label, share in top]
    return found


# --------------------------------------------------------------------------------- several pictures


def _draw_several(wanted: Maximised, options: PlateOptions) -> Figure:
    """Draw the pictures as tiles with their responses, below them the curves and the growth."""
    total = len(wanted.wanted)
    shown = min(total, options.limit or _SHOWN)
    chosen = np.arange(total)
    if shown < total:
        strongest = np.argsort(-np.nan_to_num(wanted.responses), kind="stable")[:shown]
        chosen = np.sort(strongest)
    tiles = enlarge(pixels.from_unit(wanted.pictures[chosen]), _DRAWN)
    grid = TileGrid.arrange(tiles, options)
    room = max(grid.width, options.room)
    frames = spread_frames(len(wanted.grown))
    first = int(np.argmax(np.nan_to_num(wanted.responses)))
    strip = strip_height(wanted.growth[frames, first], room) if len(frames) > 1 else 0.0
    curve = _GAP + _TITLE + _CURVE if wanted.objectives.shape[1] > 1 else 0.0
    notes = _notes(wanted, room)
    page = Page(room, grid.height + curve + strip + LINE * len(notes), options)
    said = f"{count(shown)} strongest of {count(total)}" if shown < total else ""
    page.heading(options.title or wanted.title, [*([said] if said else []), *_describe(wanted)])
    grid.draw(page, tiles)
    values = [_value(wanted, int(row)) for row in chosen]
    grid.label(page, [_short(wanted.wanted[row]) for row in chosen], values)
    if curve:
        draw_curve(page, wanted.objectives, MARGIN, HEAD + grid.height + _GAP, room)
    y = HEAD + grid.height + curve
    if strip:
        steps = _steps(wanted, frames)
        title = f"How {wanted.wanted[first]} grew"
        draw_strip(page, wanted.growth[frames, first], steps, y, room, title)
    page.lines(y + strip + LINE, notes)
    return page.figure


def _value(wanted: Maximised, row: int) -> str:
    """Return what stands at the right below a tile: the response, of classes the probability."""
    if row < len(wanted.answers):
        labels = wanted.answers[row].labels
        name = wanted.wanted[row]
        if name in labels:
            return percent(float(wanted.answers[row].probabilities[labels.index(name)]))
    return number(float(wanted.responses[row]))


def _short(name: str) -> str:
    return name.removeprefix("channel ")


# -------------------------------------------------------------------------------------------- parts


def _describe(wanted: Maximised) -> list[str]:
    done, planned = wanted.objectives.shape[1], wanted.steps
    done = planned if done == 1 else done  # of a gallery only the end is known
    steps = (
        f"{count(done)} steps" if done >= planned else f"{count(done)} of {count(planned)} steps"
    )
    rows, columns = wanted.pictures.shape[1:3]
    return [
        *([wanted.wanted[0]] if len(wanted.wanted) == 1 else []),
        *([wanted.layer] if wanted.layer else []),
        steps,
        f"{columns}×{rows} pixels",
        f"seed {wanted.seed}",
    ]


def spread_frames(grown: int) -> list[int]:
    """Return which of the frames to show: the first, the last, and some between."""
    places = np.linspace(0, grown - 1, min(grown, _FRAMES))
    return sorted({round(place) for place in places.tolist()})


def _steps(wanted: Maximised, frames: list[int]) -> list[str]:
    return [count(wanted.grown[frame]) for frame in frames]


def _notes(wanted: Maximised, room: float) -> list[str]:
    return wrapped(wanted.notes, room)[:_MOST_NOTES]


def strip_height(frames: Floats, room: float) -> float:
    """Return how high a strip of frames (F, h, w, 3) becomes with its title and numbers."""
    side = _frame_side(len(frames), room)
    return float(_GAP + _TITLE + side * frames.shape[1] / frames.shape[2] + LINE)


def _frame_side(frames: int, room: float) -> float:
    return (room + _FRAME_GAP) / max(frames, _FRAMES) - _FRAME_GAP


def draw_strip(
    page: Page, frames: Floats, names: list[str], y: float, room: float, title: str = "How it grew"
) -> None:
    """Draw frames (F, h, w, 3) side by side below a title, the steps below them."""
    side = _frame_side(len(frames), room)
    tall = side * frames.shape[1] / frames.shape[2]
    page.text(MARGIN, y + _GAP + 0.1, title, bold=True, room=room)
    for place, (frame, name) in enumerate(zip(pixels.from_unit(frames), names, strict=True)):
        x = MARGIN + place * (side + _FRAME_GAP)
        page.picture(frame, x, y + _GAP + _TITLE, side, tall)
        below = y + _GAP + _TITLE + tall + 0.12
        page.text(x, below, name, size=style.CAPTION_SIZE, colour=page.look.muted)


def draw_curve(page: Page, objectives: Floats, x: float, y: float, width: float) -> None:
    """Draw the objectives (N, S) over the steps, each on its own scale where there are several."""
    page.text(x, y + 0.1, "Objective", bold=True)
    finite, several = np.isfinite(objectives), len(objectives) > 1
    values = np.where(finite, objectives, np.nan).astype(np.float64)  # NaN: a gap in the line
    lows = np.where(finite, values, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    highs = np.where(finite, values, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    least, most = float(lows.min()), float(highs.max())
    said = f"{number(least)} … {number(most)}" if finite.any() else "no step gave a number"
    if several:
        said += "; each on a scale of its own" if finite.any() else ""
        values = np.divide(values - lows, highs - lows, where=highs > lows, out=0 * values)
    if several or not finite.any():
        least, most = 0.0, 1.0
    small, muted = style.CAPTION_SIZE, page.look.muted
    page.text(x + width, y + 0.1, said, size=small, colour=muted, align="right", room=width - 0.8)
    axes = page.axes(x, y + _TITLE, width, _CURVE - 0.2)
    thin = (0.4 if several else 0.9) * page.zoom
    steps = np.arange(1, values.shape[1] + 1)
    for row in values[:64]:
        axes.plot(steps, row, color=page.look.accent, linewidth=thin, alpha=0.9)
    room = 0.04 * (most - least) or 1.0
    axes.set_ylim(least - room, most + room)
    axes.set_xlim(1, max(2, len(steps)))
    page.box(x, y + _TITLE + _CURVE - 0.2, width, 0.008, muted)
    below = y + _TITLE + _CURVE - 0.07
    page.text(x, below, "1", size=small, colour=muted)
    last = f"step {count(len(steps))}"
    page.text(x + width, below, last, size=small, colour=muted, align="right")
