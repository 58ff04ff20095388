"""Draw how the numbers of every layer are spread: histograms or box plots, a row a layer."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from cnnviz_desktop.data import Distribution, Floats
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.numerals import MINUS, count, number, percent
from cnnviz_desktop.figures.options import HEAD, LINE, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, shorten, text_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

_TALLEST = 7.6  # inches of rows: a page of print with its heading and a caption
_ROW = 0.125  # the lowest row whose name can be read
_HIGHEST = {"histograms": 0.42, "boxes": 0.26}
_COLUMN = 2.05  # the narrowest column of rows
_GAP = 0.22  # between two columns
_NAMES = 0.4  # of a column, the most for names
_BESIDE = 0.1  # inches between words and plots
_FEW_ZEROS = 0.001  # of a layer: where none has more, nothing is said of them
_NARROW = 2.6
_AXIS = 0.2  # inches below the rows, for the numbers of their axis
_UNEQUAL = 20.0  # times: beyond it a straight axis would press some layers flat
_DECADES = 4.0  # of a bent axis, from its straight middle outward
_TICKS = 0.36  # inches from one number of an axis to the next
_PARTS = re.compile(r"[^.]+(?=\.)")  # of a dotted name, all but the last


@dataclass(frozen=True)
class _Rows:
    """Which layers go where: `height` of a row and `left` edges of the columns in inches."""

    chosen: tuple[int, ...]
    down: int
    height: float
    left: tuple[float, ...]
    width: float

    @property
    def narrow(self) -> bool:
        """Tell whether there is room for one end of each axis alone."""
        return self.width < _NARROW

    def columns(self) -> list[tuple[float, tuple[int, ...]]]:
        """Return each column's left edge and layers."""
        return [
            (left, self.chosen[place * self.down : (place + 1) * self.down])
            for place, left in enumerate(self.left)
        ]


def distribution_plate(spread: Distribution, options: PlateOptions) -> Figure:
    """Draw a row a layer in the order of the pass: its name, its spread, and what it reaches to.

    Histograms have an axis each, with its ends beside it, or with `scale` "layer" one for all; box
    plots share one axis, bent where some layers are much wider than others.
    """
    boxes = spread.show == "boxes"
    shared = boxes or options.scale == "layer"
    below = _AXIS if shared else 0.0
    lines = 3 if options.narrow else 1
    below += lines * LINE + 0.08 if options.colour_bar else 0.0
    rows = _arrange(len(spread.layers), options, _HIGHEST[spread.show], below)
    body = rows.down * rows.height
    page = Page(options.room, body + below, options)
    page.heading(options.title or spread.title, _describe(spread, rows))
    axis = _Axis.over(spread, rows.chosen, boxes) if shared else None
    places = {layer: axis or _own(spread, layer, rows.narrow) for layer in rows.chosen}
    words = _Words.of(spread, rows, places, shared)
    for left, layers in rows.columns():
        if layers:
            _column(page, spread, layers, left, rows, places, words)
    if options.colour_bar:
        y = HEAD + body + below - 0.03 - (lines - 1) * LINE
        page.paragraph(y, _explain(spread, axis), most=lines)
    return page.figure


def _arrange(layers: int, options: PlateOptions, highest: float, below: float) -> _Rows:
    """Choose columns, height of rows, and where there are too many, layers at even distances."""
    tallest = options.tallest(_TALLEST + below) - below
    most_down = max(1, int(tallest / _ROW))
    most_across = max(1, int((options.room + _GAP) / (_COLUMN + _GAP)))
    wanted = min(layers, options.limit or layers)
    across = options.columns or min(most_across, math.ceil(wanted / min(most_down, 46)))
    across = max(1, min(across, wanted, most_across))
    shown = min(wanted, across * most_down)
    chosen = np.unique(np.linspace(0, layers - 1, shown).round().astype(int))
    down = math.ceil(shown / across)
    height = min(highest, max(_ROW, tallest / down))
    width = (options.room + _GAP) / across - _GAP
    left = tuple(MARGIN + place * (width + _GAP) for place in range(across))
    return _Rows(tuple(chosen.tolist()), down, height, left, width)


def _describe(spread: Distribution, rows: _Rows) -> list[str]:
    """Return the details for the heading."""
    layers, shown = len(spread.layers), len(rows.chosen)
    total = int(spread.counts.sum() + spread.zeros.sum() + spread.broken.sum())
    said = [f"{count(total)} {spread.of} in {count(layers)} {_plural('layer', layers)}"]
    if shown < layers:
        said.append(f"{count(shown)} of {count(layers)} layers, at even distances")
    broken = int(spread.broken.sum())
    if broken:
        said.append(f"{count(broken)} NaN or infinite")
    return said


def _plural(word: str, how_many: int) -> str:
    return word if how_many == 1 else f"{word}s"


def _explain(spread: Distribution, axis: _Axis | None) -> str:
    """Say how a row is to be read."""
    if spread.show == "boxes":
        said = "box: middle half, line: median, whiskers: 1 % to 99 %, dots: minimum and maximum"
    else:
        said = "each layer as high as its peak; line: zero; %: exact zeros, which are left out"
    bent = axis is not None and axis.straight
    return f"{said}; axis bent beyond ±{number(axis.straight)}" if axis and bent else said


# --------------------------------------------------------------------------------------------- axes


@dataclass(frozen=True)
class _Axis:
    """A value axis from low to high; beyond ±`straight` it goes by powers of ten, 0 means never."""

    low: float
    high: float
    straight: float = 0.0

    @classmethod
    def over(cls, spread: Distribution, chosen: tuple[int, ...], boxes: bool) -> _Axis:
        """Return the axis that holds all of the chosen layers."""
        box = spread.box[list(chosen)].astype(np.float64)
        ends = np.where(np.isfinite(box), box, 0.0)
        low, high = float(ends[:, 0].min()), float(ends[:, -1].max())
        if low == high:
            low, high = low - 0.5, high + 0.5
        # How far each layer's bulk reaches, against the farthest of all.
        reach = np.abs(ends[:, [1, -2]]).max(axis=1)
        reach, farthest = reach[reach > 0], max(-low, high)
        if not boxes or not reach.size:
            return cls(low, high)
        least = float(np.quantile(reach, 0.1))
        if farthest <= _UNEQUAL * least:
            return cls(low, high)
        straight = 10.0 ** math.floor(math.log10(max(least, farthest / 10**_DECADES)))
        return cls(low, high, straight)

    def bend(self, values: Floats | Doubles) -> Doubles:
        """Return where values lie, 0 at the low end and 1 at the high one."""
        low, high = self._bent(np.array([self.low, self.high], np.float64))
        bent: Doubles = (self._bent(values.astype(np.float64)) - low) / (high - low)
        return bent

    def _bent(self, values: Doubles) -> Doubles:
        if not self.straight:
            return values
        sizes = np.abs(values) / self.straight
        beyond = 1 + np.log10(np.maximum(sizes, 1))
        return np.copysign(np.where(sizes <= 1, sizes, beyond), values)

    def ticks(self, most: int) -> list[float]:
        """Return at most about that many round values on the axis."""
        if not self.straight:
            return _round_values(self.low, self.high, most)
        top = math.ceil(math.log10(max(-self.low, self.high) / self.straight))
        sides = [side for side, end in ((-1, -self.low), (1, self.high)) if end > self.straight]
        step = max(1, math.ceil(top * len(sides) / max(1, most - 1)))
        powers = [self.straight * 10.0**power for power in range(0, top + 1, step)]
        values = [0.0, *(side * power for side in sides for power in powers)]
        return sorted(value for value in values if self.low <= value <= self.high)


def _round_values(low: float, high: float, most: int) -> list[float]:
    """Return multiples of 1, 2, 2.5 or 5 times a power of ten between two values."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (power * times for times in (1, 2, 2.5, 5, 10, 20, 25, 50, 100)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            break
    return [place * step for place in range(first, last + 1)]


# --------------------------------------------------------------------------------------------- rows


@dataclass(frozen=True)
class _Words:
    """What is written beside rows, by layer: none of a kind take no room."""

    size: float
    names: dict[int, str]
    lows: dict[int, str]
    highs: dict[int, str]
    zeros: dict[int, str]

    @classmethod
    def of(
        cls, spread: Distribution, rows: _Rows, places: dict[int, _Axis], shared: bool
    ) -> _Words:
        """Write names, the ends of axes that are a row's own, and shares of zeros."""
        size = min(style.CAPTION_SIZE, 72 * rows.height * 0.78)
        lows: dict[int, str] = {}
        highs: dict[int, str] = {}
        zeros = {layer: _share_of_zeros(spread, layer) for layer in rows.chosen}
        told = spread.show == "histograms" and max(zeros.values()) > _FEW_ZEROS
        for layer, axis in {} if shared else places.items():
            if rows.narrow:
                even = axis.low == -axis.high
                highs[layer] = f"±{number(axis.high)}" if even else number(axis.high or axis.low)
            else:
                lows[layer], highs[layer] = number(axis.low), number(axis.high)
        shares = {layer: percent(share) for layer, share in zeros.items() if told and share}
        return cls(size, _names(spread, rows, size), lows, highs, shares)

    def room(self, words: dict[int, str]) -> float:
        """Return how many inches words take with the gap beside them."""
        return max((text_width(word, self.size) for word in words.values()), default=0) + _BESIDE


def _column(
    page: Page,
    spread: Distribution,
    layers: tuple[int, ...],
    left: float,
    rows: _Rows,
    places: dict[int, _Axis],
    words: _Words,
) -> None:
    """Draw a column of rows: names, plots, and at the right what they reach to."""
    before = words.room(words.names) + words.room(words.lows)
    after = words.room(words.highs) + (words.room(words.zeros) if words.zeros else 0.0)
    x, wide = left + before, max(rows.width - before - after, 0.1)
    axes = page.axes(x, HEAD, wide, len(layers) * rows.height)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(layers), 0)
    muted, size, right = page.look.muted, words.size, left + rows.width
    for row, layer in enumerate(layers):
        y = HEAD + (row + 0.5) * rows.height + 0.36 * size / 72
        page.text(left, y, words.names[layer], size=size)
        if layer in words.lows:
            page.text(x - 0.05, y, words.lows[layer], size=size, colour=muted, align="right")
        if layer in words.highs:
            page.text(x + wide + 0.05, y, words.highs[layer], size=size, colour=muted)
        if layer in words.zeros:
            page.text(right, y, words.zeros[layer], size=size, colour=muted, align="right")
    draw = _draw_boxes if spread.show == "boxes" else _draw_histograms
    draw(page, axes, spread, layers, [places[layer] for layer in layers])
    if not words.highs:
        _number_axis(page, axes, places[layers[0]], x, wide, HEAD + len(layers) * rows.height)


def _names(spread: Distribution, rows: _Rows, size: float) -> dict[int, str]:
    """Return the names as they fit, all but the last part of long ones brief: f.d4.d16.conv2."""
    room = _NAMES * rows.width
    names = [spread.layers[layer] or "The whole network" for layer in rows.chosen]
    if max(text_width(name, size) for name in names) > room:
        names = [_PARTS.sub(_brief, name) for name in names]
    return {
        layer: shorten(name, room, size) for layer, name in zip(rows.chosen, names, strict=True)
    }


def _brief(part: re.Match[str]) -> str:
    """Return the first letter of a part of a name and the number at its end."""
    word = part[0]
    return word if word.isdigit() else word[0] + word[len(word.rstrip("0123456789")) :]


def _share_of_zeros(spread: Distribution, layer: int) -> float:
    total = int(spread.counts[layer].sum() + spread.zeros[layer])
    return int(spread.zeros[layer]) / total if total else 0.0


def _own(spread: Distribution, layer: int, narrow: bool) -> _Axis:
    """Return a layer's own axis; where there is room for one number alone, from or around zero."""
    low, high = (float(end) for end in spread.edges[layer, [0, -1]])
    if narrow:
        far = max(-low, high)
        low, high = -far if low < 0 else 0.0, far if high > 0 else 0.0
    return _Axis(low, high)


def _number_axis(page: Page, axes: Axes, axis: _Axis, x: float, wide: float, y: float) -> None:
    """Draw lines at round values and write these below."""
    ticks = axis.ticks(max(2, int(wide / _TICKS)))
    places = axis.bend(np.array(ticks))
    end = -math.inf
    for value, place in zip(ticks, places.tolist(), strict=True):
        axes.axvline(
            place,
            color=page.look.muted if value == 0 else page.look.line,
            linewidth=0.6 * page.zoom,
            zorder=0,
        )
        middle = x + place * wide
        said = f"{value:g}".replace("-", MINUS)
        half = 0.5 * text_width(said, 6.0)
        if middle - half > end:
            page.text(middle, y + 0.14, said, size=6.0, colour=page.look.muted, align="center")
            end = middle + half + 0.05


def _draw_histograms(
    page: Page,
    axes: Axes,
    spread: Distribution,
    layers: tuple[int, ...],
    places: Sequence[_Axis],
) -> None:
    """Draw filled steps, as high as the row at their peak, and a line at zero."""
    shapes, bases, zeros = [], [], []
    for row, (layer, axis) in enumerate(zip(layers, places, strict=True)):
        counts = spread.counts[layer].astype(np.float64)
        bases.append([(0.0, row + 0.95), (1.0, row + 0.95)])
        if axis.low <= 0 <= axis.high:
            zero = float(axis.bend(np.zeros(1))[0])
            zeros.append([(zero, row + 0.1), (zero, row + 0.95)])
        if not counts.max():
            continue
        across = axis.bend(spread.edges[layer]).repeat(2)
        high = 0.82 * counts / counts.max()
        # What is there and yet too low to be seen is drawn as a hairline.
        high = np.where(counts > 0, np.maximum(high, 0.02), 0.0)
        up = np.concatenate([[0.0], high.repeat(2), [0.0]])
        shapes.append(np.stack([across, row + 0.95 - up], axis=1))
    thin = 0.6 * page.zoom
    axes.add_collection(LineCollection(bases, colors=page.look.line, linewidths=thin, zorder=0))
    axes.add_collection(LineCollection(zeros, colors=page.look.muted, linewidths=thin, zorder=3))
    if shapes:
        axes.add_collection(
            PolyCollection(shapes, facecolors=page.look.accent, edgecolors="none", zorder=2)
        )


def _draw_boxes(
    page: Page,
    axes: Axes,
    spread: Distribution,
    layers: tuple[int, ...],
    places: Sequence[_Axis],
) -> None:
    """Draw boxes with whiskers, medians and ends."""
    whiskers, boxes, medians = [], [], []
    ends: list[tuple[float, float]] = []
    for row, (layer, axis) in enumerate(zip(layers, places, strict=True)):
        if not np.isfinite(spread.box[layer]).all():
            continue
        low, start, lower, middle, upper, stop, high = axis.bend(spread.box[layer]).tolist()
        y, top, bottom = row + 0.5, row + 0.18, row + 0.82
        whiskers.append([(start, y), (stop, y)])
        boxes.append([(lower, top), (upper, top), (upper, bottom), (lower, bottom)])
        medians.append([(middle, row + 0.1), (middle, row + 0.9)])
        ends += [(low, y), (high, y)]
    look, line = page.look, page.zoom
    axes.add_collection(LineCollection(whiskers, colors=look.bar, linewidths=1.2 * line, zorder=2))
    if boxes:
        axes.add_collection(
            PolyCollection(
                boxes, facecolors=look.bar, edgecolors=look.bar, linewidths=0.4 * line, zorder=3
            )
        )
        across, down = zip(*ends, strict=True)
        size = 1.6 * line**2
        axes.scatter(across, down, size, color=look.muted, linewidths=0, zorder=4, clip_on=False)
    axes.add_collection(
        LineCollection(medians, colors=look.accent, linewidths=1.4 * line, zorder=5)
    )
