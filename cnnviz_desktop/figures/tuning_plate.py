"""Draw what channels detect: a layer as a grid of small cards, one channel with its curves."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from cnnviz_desktop.data import DETECTS, Floats, Pixels, Tuning
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.grid import clear
from cnnviz_desktop.figures.numerals import count, number
from cnnviz_desktop.figures.options import HEAD, LINE, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, fit, text_width
from cnnviz_desktop.figures.tuning_panels import (
    Panel,
    degrees,
    finite,
    hue_colour,
    orientation_colour,
    panels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TALLEST = 7.0  # inches of the cards whose number is not asked for
_CARD = 1.56  # inches across, with the gap to the next
_ROW = 0.42
_TILE = 0.32
_GAP = 0.05
_DENSITY = 200  # picture pixels to the inch of a card's pictures

_PANEL = 1.6  # inches along the sides of a curve, at most
_SPACE = 0.3  # between two, at least
_PANEL_HEAD = 0.2
_PANEL_FOOT = 0.4
_PROBE = 0.8
_PROBE_FOOT = 0.46
_NAMES = {
    "grating": "stripes",
    "line": "edge or bar",
    "texture": "texture",
    "shape": "shape",
    "surface": "plain",
    "colour": "colour",
}


def tuning_plate(tuning: Tuning, options: PlateOptions) -> Figure:
    """Draw one channel with all its curves, several as cards sorted by what they detect."""
    if len(tuning.channels) == 1:
        return _draw_channel(tuning, options)
    return _draw_layer(tuning, options)


# -------------------------------------------------------------------------------------------- layer


def _draw_layer(tuning: Tuning, options: PlateOptions) -> Figure:
    """Draw a card a channel: kernel, best probe, preferred orientation, label and score."""
    tuning = finite(tuning)
    room = options.room
    across = max(1, options.columns or int((room + _GAP) / _CARD))
    legend = LINE * (3 if options.narrow else 1) + 0.1 if options.colour_bar else 0.0
    down = max(1, int((options.tallest(_TALLEST) - legend) / _ROW))
    channels = len(tuning.channels)
    shown = min(channels, options.limit or across * down)
    order = _order(tuning, shown)
    rows = math.ceil(shown / across)
    page = Page(room, rows * _ROW + legend, options)
    page.heading(options.title or tuning.layer or "The whole network", _describe(tuning, shown))
    wide = (room + _GAP) / across
    kernels = _kernel_tiles(tuning)
    pictures = dict(zip(tuning.pictured, _as_pixels(tuning.pictures), strict=False))
    tiles = 1 + (kernels is not None)
    sheet = np.empty((round(rows * _ROW * _DENSITY), round(room * _DENSITY), 4), np.uint8)
    sheet[...] = clear(options.look.ground)
    places = [(place % across * wide, place // across * _ROW) for place in range(shown)]
    for (x, y), row in zip(places, order, strict=True):
        probe = pictures.get(tuning.best(row))
        found = [*([] if kernels is None else [kernels[row]]), *([] if probe is None else [probe])]
        for place, tile in enumerate(found):
            _paste(sheet, tile, x + place * (_TILE + _GAP), y)
    axes = page.picture(sheet, MARGIN, HEAD, room, rows * _ROW)
    for (x, y), row in zip(places, order, strict=True):
        left = x + tiles * (_TILE + _GAP)
        _tick(axes, page, tuning, row, left, y)
        _name(page, tuning, row, left + _TILE + _GAP, y, x + wide - 1.5 * _GAP)
    if options.colour_bar:
        said = "best probe of what it detects; tick: preferred orientation, as long as it matters"
        said = f"kernel, {said}" if kernels is not None else said
        page.paragraph(HEAD + rows * _ROW + 0.12, f"{said}; bar: score", most=3)
    return page.figure


def _order(tuning: Tuning, shown: int) -> list[int]:
    """Return the clearest channels, sorted by label, then by orientation, hue or score."""
    named = [tuning.label(row) for row in range(len(tuning.channels))]
    clearest = sorted(range(len(named)), key=lambda row: -named[row][1])[:shown]
    labels = [*DETECTS, "silent"]

    def place(row: int) -> tuple[int, float]:
        label, score = named[row]
        by = {"edge": tuning.orientation[row], "colour": tuning.hue[row]}
        return labels.index(label), float(by.get(label, -score))

    return sorted(clearest, key=place)


def _describe(tuning: Tuning, shown: int) -> list[str]:
    """Return the details for the heading: how many channels detect what."""
    channels = len(tuning.channels)
    found = Counter(tuning.label(row)[0] for row in range(channels))
    said = [f"{count(channels)} channels"]
    if shown < channels:
        said.append(f"the {count(shown)} clearest")
    return [
        *said,
        *(f"{count(found[name])} {name}" for name in (*DETECTS, "silent") if found[name]),
    ]


def _kernel_tiles(tuning: Tuning) -> Pixels | None:
    """Return kernels over a picture's own channels as tiles (N, h, w, 3)."""
    bank = tuning.kernels
    if bank is None or len(bank.values) != len(tuning.channels):
        return None
    if bank.values.shape[1] == 3:
        return pixels.rgb_kernels(bank.values)
    return pixels.kernel_tiles(bank.values)[:, 0] if bank.values.shape[1] == 1 else None


def _as_pixels(pictures: Floats) -> Pixels:
    """Return pictures (Q, s, t, 3) of 0..1 as pixels; those of other shapes as none."""
    if pictures.shape[-1] != 3:
        return np.zeros((0, 1, 1, 3), np.uint8)
    return pixels.from_unit(pictures)


def _paste(sheet: Pixels, tile: Pixels, x: float, y: float) -> None:
    """Copy a tile onto a sheet, as blocks, as large as a card has room for."""
    side = round(_TILE * _DENSITY)
    wide, tall = fit(tile, side, side)
    rows = (np.arange(round(tall)) * len(tile) / round(tall)).astype(int)
    columns = (np.arange(round(wide)) * tile.shape[1] / round(wide)).astype(int)
    top, left = round(y * _DENSITY), round(x * _DENSITY)
    part = sheet[top : top + len(rows), left : left + len(columns)]
    drawn = tile[rows][:, columns][: part.shape[0], : part.shape[1]]
    part[..., :3], part[..., 3] = drawn, 255


def _tick(axes: Axes, page: Page, tuning: Tuning, row: int, x: float, y: float) -> None:
    """Draw a ring and in it a line along the preferred orientation, as long as selectivity."""
    middle = np.array([x + _TILE / 2, y + _TILE / 2]) * _DENSITY
    radius = 0.46 * _TILE * _DENSITY
    if tuning.label(row)[0] == "colour":
        colour = hue_colour(float(tuning.hue[row]))
        axes.add_patch(Circle(tuple(middle), 0.55 * radius, facecolor=colour, edgecolor="none"))
    ring = Circle(
        tuple(middle), radius, fill=False, edgecolor=page.look.line, linewidth=0.6 * page.zoom
    )
    axes.add_patch(ring)
    angle = math.radians(float(tuning.orientation[row]))
    reach = radius * float(np.clip(tuning.selectivity[row], 0, 1))
    end = np.array([math.cos(angle), -math.sin(angle)]) * reach
    colour = orientation_colour(float(tuning.orientation[row]))
    if tuning.label(row)[0] == "edge":
        line = [middle - end, middle + end]
        axes.add_collection(
            LineCollection([line], colors=[colour], linewidths=[2.2 * page.zoom], capstyle="round"),
            autolim=False,
        )


def _name(page: Page, tuning: Tuning, row: int, x: float, y: float, right: float) -> None:
    """Write the label, below it the channel and the score, and a bar."""
    label, score = tuning.label(row)
    x, right, y = x + MARGIN, right + MARGIN, y + HEAD
    small, muted = style.CAPTION_SIZE, page.look.muted
    said = f"{score:.2f}" if score else ""
    page.text(x, y + 0.11, label, size=small, bold=True, room=right - x)
    channel = f"{tuning.channels[row]}"
    page.text(x, y + 0.22, channel, size=small - 1, colour=muted, room=right - x)
    if text_width(channel, small - 1) + text_width(said, small - 1) < right - x - 0.05:
        page.text(right, y + 0.22, said, size=small - 1, colour=muted, align="right")
    page.box(x, y + 0.27, right - x, 0.045, page.look.track)
    if score:
        page.box(x, y + 0.27, (right - x) * min(score, 1.0), 0.045, page.look.accent)


# ------------------------------------------------------------------------------------------ channel


def _draw_channel(tuning: Tuning, options: PlateOptions) -> Figure:
    """Draw kernel, spectrum, the curves, the scores and the best probe of every family."""
    drawing = ChannelDrawing.of(tuning, options)
    page = Page(options.room, drawing.height, options)
    title = f"{tuning.layer or 'The whole network'}, channel {tuning.channels[0]}"
    page.heading(options.title or title, describe_channel(tuning))
    drawing.draw(page, HEAD)
    return page.figure


@dataclass(frozen=True)
class ChannelDrawing:
    """How one channel's panels and probes are laid out in `room` inches.

    `across` panels of `side` inches stand in a row, `beside` probes each `wide` inches.
    """

    tuning: Tuning
    panels: list[Panel]
    probes: list[tuple[int, Pixels]]
    room: float
    across: int
    side: float
    beside: int
    wide: float

    @classmethod
    def of(cls, tuning: Tuning, options: PlateOptions) -> ChannelDrawing:
        """Lay one channel out."""
        tuning = finite(tuning)
        found, probes, room = panels(tuning), _best_probes(tuning), options.room
        most = 2 if options.narrow else 4
        across = math.ceil(len(found) / math.ceil(len(found) / most))
        side = min(_PANEL, room / across - (0.1 if options.narrow else _SPACE))
        beside = max(1, int((room + 0.1) / (_PROBE + 0.1)))
        wide = min((room + 0.1) / min(beside, max(1, len(probes))), _PROBE + 0.34)
        return cls(tuning, found, probes, room, across, side, beside, wide)

    @property
    def _step(self) -> float:
        return _PANEL_HEAD + self.side + _PANEL_FOOT

    @property
    def _above(self) -> float:
        return math.ceil(len(self.panels) / self.across) * self._step

    @property
    def height(self) -> float:
        """Return the inches it takes."""
        rows = math.ceil(len(self.probes) / self.beside)
        return self._above + rows * (_PROBE + _PROBE_FOOT) + 0.12

    def draw(self, page: Page, y: float) -> None:
        """Draw it from y downwards."""
        small, muted = style.CAPTION_SIZE, page.look.muted
        for place, panel in enumerate(self.panels):
            x = MARGIN + place % self.across * self.room / self.across
            top = y + place // self.across * self._step
            page.text(x, top + 0.08, panel.name, size=small, colour=muted)
            panel.draw(page, x, top + _PANEL_HEAD, self.side)
        y += self._above
        said = "best probe of every family and the answer to it"
        page.text(MARGIN, y + 0.04, said, size=small, colour=muted, room=self.room)
        answers = [float(self.tuning.responses[0, probe]) for probe, _drawn in self.probes]
        for place, (probe, drawn) in enumerate(self.probes):
            x = MARGIN + place % self.beside * self.wide
            top = y + 0.12 + place // self.beside * (_PROBE + _PROBE_FOOT)
            _draw_probe(page, self.tuning, probe, drawn, x, top, max(answers))


def describe_channel(tuning: Tuning) -> list[str]:
    """Return what one channel detects, as details of a heading."""
    tuning = finite(tuning)
    label, score = tuning.label(0)
    if label == "silent":
        return ["silent: it answers to none of the probes"]
    said = {
        "edge": f"{degrees(tuning)}, {_period(tuning)}",
        "colour": f"hue {tuning.hue[0]:.0f}°",
    }
    return [f"{label} {score:.2f}", said.get(label, tuning.names[tuning.best(0)])]


def _period(tuning: Tuning) -> str:
    frequency = float(tuning.frequency[0])
    return f"period {number(1 / frequency)} px" if frequency > 0 else "no frequency"


def _best_probes(tuning: Tuning) -> list[tuple[int, Pixels]]:
    """Return the probes with a picture, strongest first."""
    drawn = _as_pixels(tuning.pictures)
    probes = [probe for probe in tuning.pictured if 0 <= probe < len(tuning.names)]
    pairs = list(zip(probes, drawn, strict=False))
    return sorted(pairs, key=lambda pair: -float(tuning.responses[0, pair[0]]))


def _draw_probe(
    page: Page, tuning: Tuning, probe: int, drawn: Pixels, x: float, y: float, strongest: float
) -> None:
    wide, tall = fit(drawn, _PROBE, _PROBE)
    page.picture(drawn, x, y, wide, tall)
    answer = float(tuning.responses[0, probe])
    family = _NAMES.get(tuning.families[probe], tuning.families[probe])
    small, room = style.CAPTION_SIZE, _PROBE + 0.06
    page.box(x, y + _PROBE + 0.04, _PROBE, 0.04, page.look.track)
    if answer > 0 and strongest > 0:
        share = min(1.0, answer / strongest)
        page.box(x, y + _PROBE + 0.04, _PROBE * share, 0.04, page.look.accent)
    page.text(x, y + _PROBE + 0.19, f"{family} {number(answer)}", size=small, room=room)
    name, muted = tuning.names[probe].removeprefix("stripes "), page.look.muted
    page.text(x, y + _PROBE + 0.31, name, size=small - 1, colour=muted, room=room)
