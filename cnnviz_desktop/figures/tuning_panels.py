"""Draw what one channel is tuned to, a square panel at a time."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle, Polygon, Wedge

from cnnviz_desktop.data import DETECTS, FilterBank, Floats, Tuning
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.grid import clear
from cnnviz_desktop.figures.numerals import count, number
from cnnviz_desktop.figures.page import Page, fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_KERNELS = 9  # input channels whose kernels are shown of one filter


def orientation_colour(degrees: float) -> str:
    """Return the colour of an orientation: once around the hues from 0 to 180 degrees."""
    return _hex(colorsys.hsv_to_rgb(degrees % 180 / 180, 0.9, 0.8))


def hue_colour(degrees: float) -> str:
    """Return the colour that a hue's name means."""
    return _hex(colorsys.hsv_to_rgb(degrees % 360 / 360, 0.85, 0.9))


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * value):02x}" for value in rgb)


def finite(tuning: Tuning) -> Tuning:
    """Return a tuning that can be drawn: a file may hold numbers that are none."""
    values = {field.name: getattr(tuning, field.name) for field in fields(tuning)}
    sound: dict[str, Any] = {
        name: np.nan_to_num(item) for name, item in values.items() if isinstance(item, np.ndarray)
    }
    return replace(tuning, **sound)


@dataclass(frozen=True)
class Panel:
    """One square of a channel's page: its name and what draws it at (x, y, side)."""

    name: str
    draw: Callable[[Page, float, float, float], None]


def panels(tuning: Tuning) -> list[Panel]:
    """Return what there is to draw of a channel."""
    found = []
    if tuning.kernels is not None:
        found.append(Panel(_kernel_name(tuning.kernels), partial(_draw_kernels, tuning.kernels)))
    if tuning.spectrum is not None:
        found.append(Panel("its frequency response", partial(_draw_spectrum, tuning.spectrum)))
    found += [
        Panel("answer by orientation", partial(_draw_orientation, tuning)),
        Panel("answer by frequency", partial(_draw_frequency, tuning)),
    ]
    if np.nan_to_num(tuning.colours).any():
        found.append(Panel("answer by hue", partial(_draw_hues, tuning)))
    found.append(Panel("what it detects", partial(_draw_scores, tuning)))
    return found


def degrees(tuning: Tuning) -> str:
    """Return the preferred orientation as people read it."""
    return f"{round(float(np.nan_to_num(tuning.orientation[0]))) % 180}°"


def _kernel_name(bank: FilterBank) -> str:
    inputs, tall, wide = bank.values.shape[1:]
    if inputs in (1, 3):
        return f"kernel, {inputs}×{tall}×{wide}"
    shown = min(_KERNELS, inputs)
    return f"kernel, {shown} strongest of {count(inputs)}"


def _draw_kernels(bank: FilterBank, page: Page, x: float, y: float, side: float) -> None:
    """Draw the kernel in colour, or those over its strongest inputs."""
    inputs = bank.values.shape[1]
    if inputs == 3:
        drawn = pixels.rgb_kernels(bank.values)[0]
    else:
        tiles = pixels.kernel_tiles(bank.values)[0]
        if inputs > 1:
            tiles = tiles[np.sort(pixels.strongest(bank.values[0], _KERNELS))]
        tiles = tiles.repeat(6, axis=1).repeat(6, axis=2)
        drawn = pixels.sheet(tiles, 3, 2, tuple(clear(page.look.ground)[:3]))
    wide, tall = fit(drawn, side, side)
    page.picture(drawn, x, y, wide, tall)


def _draw_spectrum(bank: FilterBank, page: Page, x: float, y: float, side: float) -> None:
    """Draw the gain by frequency, zero in the middle."""
    page.picture(pixels.colour(bank.values[0, 0]), x, y, side, side)
    small, muted = style.CAPTION_SIZE - 1, page.look.muted
    said = "±0.5 cycles per cell at the rim"
    page.text(x, y + side + 0.13, said, size=small, colour=muted, room=side + 0.15)


def _canvas(page: Page, x: float, y: float, side: float) -> Axes:
    """Return axes from -1.1 to 1.1 over a panel, y up."""
    axes = page.axes(x, y, side, side)
    axes.set_xlim(-1.1, 1.1)
    axes.set_ylim(-1.1, 1.1)
    return axes


def _draw_orientation(tuning: Tuning, page: Page, x: float, y: float, side: float) -> None:
    """Draw the curve at the best frequency around a circle, twice, since stripes have two ends."""
    axes = _canvas(page, x, y, side)
    curve = _orientation_curve(tuning)
    peak = float(curve.max(initial=0))
    unit = curve / peak if peak > 0 else curve
    angles = np.radians(np.concatenate([tuning.orientations, tuning.orientations + 180]))
    reach = np.concatenate([unit, unit])
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None]
    thin = 0.6 * page.zoom
    for radius in (0.5, 1.0):
        ring = Circle((0, 0), radius, fill=False, edgecolor=page.look.line, linewidth=thin)
        axes.add_patch(ring)
    spokes = [[(-math.cos(a), -math.sin(a)), (math.cos(a), math.sin(a))] for a in _eighths()]
    axes.add_collection(
        LineCollection(spokes, colors=[page.look.line], linewidths=[thin]), autolim=False
    )
    axes.add_patch(
        Polygon(
            points,
            facecolor=page.look.accent + "40",
            edgecolor=page.look.accent,
            linewidth=2 * thin,
        )
    )
    angle = math.radians(float(tuning.orientation[0]))
    end = np.array([math.cos(angle), math.sin(angle)]) * 1.08
    colour = orientation_colour(float(tuning.orientation[0]))
    if peak > 0:
        line = LineCollection([[-end, end]], colors=[colour], linewidths=[2.5 * thin])
        axes.add_collection(line, autolim=False)
    said = f"{degrees(tuning)}, {tuning.bandwidth[0]:.0f}° wide"
    small = style.CAPTION_SIZE
    page.text(x, y + side + 0.13, said, size=small, room=side + 0.15)
    matters = f"selectivity {tuning.selectivity[0]:.2f}"
    page.text(x, y + side + 0.25, matters, size=small - 1, colour=page.look.muted)


def _eighths() -> list[float]:
    return [math.pi * step / 4 for step in range(4)]


def _orientation_curve(tuning: Tuning) -> Floats:
    """Return the answers by orientation at the frequency of the strongest one."""
    gratings = np.nan_to_num(tuning.gratings[0])
    curve: Floats = gratings[:, gratings.max(axis=0).argmax()]
    return curve


def _draw_frequency(tuning: Tuning, page: Page, x: float, y: float, side: float) -> None:
    """Draw the curve at the best orientation over octaves of the period."""
    gratings = np.nan_to_num(tuning.gratings[0])
    curve = gratings[gratings.max(axis=1).argmax()]
    peak = float(curve.max(initial=0))
    tones = np.log2(np.maximum(np.nan_to_num(tuning.frequencies), 1e-6))
    span = float(np.ptp(tones)) or 1.0
    across = (tones - tones.min()) / span * 2 - 1
    up = (curve / peak if peak > 0 else curve) * 1.9 - 1
    axes = _canvas(page, x, y, side)
    axes.plot([-1.05, 1.05], [-1, -1], color=page.look.line, linewidth=0.8 * page.zoom)
    axes.fill_between(across, -1, up, color=page.look.accent + "40", linewidth=0)
    axes.plot(across, up, color=page.look.accent, linewidth=1.2 * page.zoom)
    axes.plot(
        across, up, "o", color=page.look.accent, markersize=2.6 * page.zoom, markeredgewidth=0
    )
    small, muted = style.CAPTION_SIZE - 1, page.look.muted
    ends = [f"{number(1 / 2 ** float(tone))} px" for tone in (tones.min(), tones.max())]
    page.text(x, y + side + 0.13, ends[0], size=small, colour=muted)
    page.text(x + side, y + side + 0.13, ends[1], size=small, colour=muted, align="right")
    best = f"{number(float(tuning.frequency[0]))} cycles per px"
    page.text(x, y + side + 0.26, best, size=style.CAPTION_SIZE, room=side + 0.15)


def _draw_hues(tuning: Tuning, page: Page, x: float, y: float, side: float) -> None:
    """Draw the answers to hues as wedges of their own colours."""
    axes = _canvas(page, x, y, side)
    answers = np.nan_to_num(tuning.colours[0])
    peak = float(answers.max(initial=0))
    half = 180 / len(answers)
    for hue, answer in zip(tuning.hues.tolist(), answers.tolist(), strict=True):
        reach = answer / peak if peak > 0 else 0.0
        if reach > 0:
            wedge = Wedge((0, 0), reach, hue - half, hue + half, facecolor=hue_colour(hue))
            wedge.set_edgecolor(page.look.ground)
            wedge.set_linewidth(0.5 * page.zoom)
            axes.add_patch(wedge)
    thin = 0.6 * page.zoom
    axes.add_patch(Circle((0, 0), 1, fill=False, edgecolor=page.look.line, linewidth=thin))
    said = f"hue {tuning.hue[0]:.0f}°, {number(peak)} at most"
    page.text(x, y + side + 0.13, said, size=style.CAPTION_SIZE, room=side + 0.15)


def _draw_scores(tuning: Tuning, page: Page, x: float, y: float, side: float) -> None:
    """Draw the four scores as bars."""
    for place, name in enumerate(DETECTS):
        top = y + 0.08 + place * 0.31
        score = (
            float(np.nan_to_num(tuning.scores[0, place])) if place < tuning.scores.shape[1] else 0
        )
        best = name == tuning.label(0)[0]
        page.text(x, top + 0.08, name, size=style.CAPTION_SIZE, bold=best)
        said = f"{score:.2f}"
        page.text(x + side, top + 0.08, said, size=style.CAPTION_SIZE, align="right", bold=best)
        page.box(x, top + 0.13, side, 0.07, page.look.track)
        if score > 0:
            colour = page.look.accent if best else page.look.bar
            page.box(x, top + 0.13, side * min(score, 1.0), 0.07, colour)
