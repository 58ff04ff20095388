"""Draw strips of maps from the picture down to the answer on one page."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from cnnviz_desktop.data import Floats, ImageInput, Pixels, Prediction, Sheet, Strip
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.numerals import count, number, percent
from cnnviz_desktop.figures.options import HEAD, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, fit, leaves_out, say_image

_ACROSS = 16  # maps in one row of a strip
_NAMES = 1.35  # inches at the left, for what each strip is
_GAP = 0.05
_BETWEEN = 0.2  # from one strip to the next
_CAPTION = 0.13  # below the maps of a short strip
_PICTURE = 1.1
_CLASSES = 5
_CAPTIONED = 0.4  # inches; a narrower map has no room for two numbers below it
_SMALLEST = 0.25
_WORDS = 0.72  # inches that what is said beside a strip takes
_LINE = 0.19
_TILE_PIXELS = 224


def sheet_plate(sheet: Sheet, image: ImageInput | None, options: PlateOptions) -> Figure:
    """Draw the picture, a strip a stage, and the likeliest classes, each beside its name.

    In a narrow figure the names stand above.
    """
    most = max((len(strip.channels) for strip in sheet.strips), default=1)
    form = _Form.of(options, most)
    heights = [form.height(strip) for strip in sheet.strips]
    first = _PICTURE + form.above if image is not None else 0.0
    classes = min(_CLASSES, len(sheet.prediction.labels)) if sheet.prediction else 0
    last = _LINE * classes + form.above if classes else 0.0
    parts = [part for part in (first, *heights, last) if part]
    page = Page(options.room, sum(parts) + _BETWEEN * (len(parts) - 1), options)
    page.heading(options.title or sheet.title, [_scale_words(options), *say_image(image)])
    y = HEAD
    if image is not None:
        wide, tall = fit(image.pixels, form.room, _PICTURE)
        region = sheet.strips[0].maps.region if sheet.strips else image.whole
        framed = leaves_out(region, image)
        seen = ("framed: what the", "network sees") if framed else ("the network sees", "all of it")
        form.name(page, y, "Picture", (" ".join(seen),) if form.above else seen)
        page.photograph(image, region, form.left, y + form.above, wide, tall)
        y += first + _BETWEEN
    for strip, height in zip(sheet.strips, heights, strict=True):
        _strip(page, y, strip, form, options)
        y += height + _BETWEEN
    if sheet.prediction is not None:
        form.name(page, y, "Answer", ("the likeliest classes",))
        _classes(page, y + form.above, sheet.prediction, form)
    return page.figure


@dataclass(frozen=True)
class _Form:
    """Where things stand: maps `across` in a row, each `side` inches wide, names beside or above.

    `left` and `room` are those of the maps, `above` the height of a name that stands above them.
    """

    left: float
    room: float
    above: float
    across: int
    side: float

    @classmethod
    def of(cls, options: PlateOptions, most: int) -> _Form:
        """Find the form for strips of at most `most` maps."""
        names = 0.0 if options.narrow else _NAMES
        room = options.room - names
        fitting = max(1, int((room + _GAP) / ((_CAPTIONED if most <= 8 else _SMALLEST) + _GAP)))
        if options.narrow:  # or many maps would make a page of two feet
            fitting = 8 if most <= _ACROSS else _ACROSS
        across = options.columns or min(most, fitting, _ACROSS)
        side = (room + _GAP) / across - _GAP
        return cls(MARGIN + names, room, 0.34 if options.narrow else 0.0, across, side)

    @property
    def captioned(self) -> bool:
        """Tell whether there is room for numbers below each map."""
        return self.side >= _CAPTIONED

    def step(self, strip: Strip) -> float:
        """Return the inches from one row of maps to the next."""
        height, width = strip.maps.values.shape[1:]
        return float(self.side * height / width) + _GAP + (_CAPTION if self.captioned else 0.0)

    def height(self, strip: Strip) -> float:
        """Return the inches that a strip takes."""
        rows = math.ceil(len(strip.channels) / self.across)
        return self.above + max(rows * self.step(strip) - _GAP, 0.0 if self.above else _WORDS)

    def name(self, page: Page, y: float, title: str, lines: tuple[str, ...]) -> None:
        """Write what something is."""
        room, muted = self.room if self.above else _NAMES - 0.12, page.look.muted
        page.text(MARGIN, y + 0.12, title, bold=True, room=room)
        if self.above:
            lines = (" · ".join(lines),)
        for row, line in enumerate(lines, start=1):
            below = y + 0.12 + 0.15 * row
            page.text(MARGIN, below, line, size=style.CAPTION_SIZE, colour=muted, room=room)


def _scale_words(options: PlateOptions) -> str:
    if options.scale == "layer":
        return "every strip on its own scale"
    return "every map scaled to its own largest value"


def _strip(page: Page, y: float, strip: Strip, form: _Form, options: PlateOptions) -> None:
    """Draw some of a layer's maps and say which."""
    height, width = strip.maps.values.shape[1:]
    size = f"{count(strip.count)} maps of {height}×{width}"
    chosen = len(strip.channels)
    kept = (f"{count(chosen)} of them",) if chosen < strip.count else ()
    form.name(page, y, strip.title, (strip.maps.layer, size, *kept))
    tiles = strip_tiles(strip.maps.values, options)
    tall = form.side * height / width
    small, muted = style.CAPTION_SIZE, page.look.muted
    for place, (channel, tile) in enumerate(zip(strip.channels, tiles, strict=True)):
        row, column = divmod(place, form.across)
        x = form.left + column * (form.side + _GAP)
        top = y + form.above + row * form.step(strip)
        page.picture(tile, x, top, form.side, tall)
        if form.captioned:
            line = top + tall + 0.11
            peak = number(float(np.nan_to_num(strip.maps.values[place]).max()))
            page.text(x, line, str(channel), size=small)
            page.text(x + form.side, line, peak, size=small, colour=muted, align="right")


def strip_tiles(values: Floats, options: PlateOptions) -> Pixels:
    """Colour a strip's maps, smoothly enlarged."""
    signed = options.is_signed(False)
    gamma = options.gamma or (1.0 if signed else style.GAMMA)
    highs = pixels.map_limits(values, signed=signed)[:, 1]
    if options.scale == "layer":
        highs[:] = highs.max()
    unit = values / np.where(highs > 0, highs, 1)[:, None, None]
    height, width = values.shape[1:]
    zoom = _TILE_PIXELS / max(height, width)
    if zoom < 4 and np.isfinite(unit).all():
        size = max(1, round(height * zoom)), max(1, round(width * zoom))
        unit = np.stack([pixels.resize(one, *size) for one in unit])
    return pixels.tiles(unit, options.colormap, limit=1.0, signed=signed, gamma=gamma)


def _classes(page: Page, y: float, prediction: Prediction, form: _Form) -> None:
    """Draw the likeliest classes as bars."""
    names = min(2.2, 0.45 * form.room)
    bars, length = form.left + names, form.room - names - 0.6
    for row, (_index, label, share) in enumerate(prediction.top(_CLASSES)):
        line = y + row * _LINE
        page.text(form.left, line + 0.12, label, bold=row == 0, room=names - 0.1)
        page.box(bars, line + 0.04, length, 0.09, page.look.track)
        if share > 0:
            colour = page.look.accent if row == 0 else page.look.bar
            page.box(bars, line + 0.04, length * share, 0.09, colour)
        page.text(form.left + form.room, line + 0.12, percent(share), align="right")
