"""Draw a unit card: one channel on one page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from cnnviz_desktop.data import Box, Card, Floats, ImageInput, Pixels
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.exemplars_plate import draw_exemplar_strip, exemplar_strip_height
from cnnviz_desktop.figures.numerals import count, number, percent
from cnnviz_desktop.figures.options import HEAD, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, fit, leaves_out, reduced_picture, say_image
from cnnviz_desktop.figures.tuning_plate import ChannelDrawing, describe_channel

_GAP = 0.25  # between the columns
_TITLE = 0.3  # above each part
_BETWEEN = 0.28
_LINE = 0.2
_BINS = 32
_WIDEST = 2.6  # inches of a column
_DRAWN = 1200  # pixels along the picture's longer side
_HISTOGRAM = 0.62


def card_plate(card: Card, image: ImageInput | None, options: PlateOptions) -> Figure:
    """Draw the map on the picture, what reaches it, its arithmetic, values, classes and probes."""
    rows = _rows(card, image, options)
    heights = [max(spot.height for spot in row.spots) for row in rows]
    detects = ChannelDrawing.of(card.tuning, options) if card.tuning is not None else None
    below = detects.height + _TITLE if detects is not None else 0.0
    excited = 0.0
    if card.exemplars is not None:
        excited = _TITLE + exemplar_strip_height(card.exemplars, options.room)
    parts = [*heights, *(part for part in (excited, below) if part)]
    page = Page(options.room, sum(parts) + _BETWEEN * (len(parts) - 1), options)
    page.heading(
        options.title or f"{card.layer} · {card.channel}",
        [*_describe(card), *say_image(image)],
    )
    y = HEAD
    for row, height in zip(rows, heights, strict=True):
        for column, spot in enumerate(row.spots):
            x = MARGIN + column * (row.width + _GAP)
            _title(page, x, y, spot.title, spot.about, row.width)
            spot.draw(page, x, y + _TITLE, row.width)
        y += height + _BETWEEN
    if card.exemplars is not None:
        said = f"the strongest of {count(card.exemplars.images)} of {card.exemplars.title}"
        _title(page, MARGIN, y, "What excites it", said, options.room)
        draw_exemplar_strip(page, card.exemplars, y + _TITLE, options.room)
        y += excited + _BETWEEN
    if card.tuning is not None and detects is not None:
        said = ", ".join(describe_channel(card.tuning))
        _title(page, MARGIN, y, "What it detects", said, options.room)
        detects.draw(page, y + _TITLE)
    return page.figure


def _title(page: Page, x: float, y: float, title: str, about: str, room: float) -> None:
    page.text(x, y + 0.1, title, bold=True, room=room)
    page.text(x, y + 0.24, about, size=style.CAPTION_SIZE, colour=page.look.muted, room=room)


def _describe(card: Card) -> list[str]:
    height, width = card.maps.values.shape[1:]
    return [
        f"{card.kind}, channel {card.channel} of {count(card.count)}",
        f"{height}×{width}",
        f"{_ordinal(card.rank)} highest maximum on this picture",
    ]


def _ordinal(place: int) -> str:
    if place == 1:
        return "the"
    last = (
        "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    )
    return f"{count(place)}{last}"


@dataclass(frozen=True)
class _Spot:
    """One part of the card: what is drawn below its title, and how high that is."""

    title: str
    about: str
    height: float
    parts: _Pictures | _Sum | _Values | _Losses

    def draw(self, page: Page, x: float, y: float, width: float) -> None:
        """Draw it."""
        self.parts.draw(page, x, y, width)


@dataclass(frozen=True)
class _Row:
    """Parts side by side, each `width` inches wide."""

    spots: list[_Spot]
    width: float


def _rows(card: Card, image: ImageInput | None, options: PlateOptions) -> list[_Row]:
    """Lay the parts out: pictures above numbers, and in a narrow figure each number by itself."""

    def width(columns: int) -> float:
        return min((options.room + _GAP) / columns - _GAP, _WIDEST if columns > 1 else 9.0)

    shown = (3 if image is not None else 1) + (card.maximised is not None)
    beside = 2 if options.narrow and shown > 2 else shown
    wide = min(width(beside), _WIDEST)
    pictures = _pictures(card, image, wide)
    rows = [_Row(pictures[start : start + beside], wide) for start in range(0, shown, beside)]
    numbers = _numbers(card)
    across = 1 if options.narrow else 3
    for start in range(0, len(numbers), across):
        rows.append(_Row(numbers[start : start + across], width(across)))
    return rows


def _pictures(card: Card, image: ImageInput | None, width: float) -> list[_Spot]:
    """Return what is seen of the unit."""
    reading = card.reading
    place = f"row {reading.row}, column {reading.column}"
    spots = []
    if image is not None:
        spots.append(
            _picture("On the picture", _say_field(card, image), _on_picture(card, image), width)
        )
        said = f"the input that moves {place}"
        spots.append(_picture("What reaches it", said, _reaching(card, image), width))
    drawn = pixels.colour(card.maps.values[0], None, gamma=style.GAMMA)
    said = f"{number(reading.value)} at {place}"
    spots.append(_picture("Its map", said, _Pictures(drawn, None, None), width))
    if card.maximised is not None:
        wanted = pixels.from_unit(card.maximised.pictures[0])
        said = f"grown; {number(float(card.maximised.responses[0]))} at most"
        spots.append(_picture("What it wants", said, _Pictures(wanted, None, None), width))
    return spots


def _say_field(card: Card, image: ImageInput) -> str:
    field = card.reading.field
    if field is None:
        return "its map over it"
    framed = leaves_out(field, image)
    return "framed: its receptive field" if framed else "its receptive field is all of it"


def _numbers(card: Card) -> list[_Spot]:
    """Return what is known of the unit in numbers."""
    reading = card.reading
    spots = []
    if reading.arithmetic is not None:
        elsewhere = reading.arithmetic.layer not in ("", reading.layer)
        said = f"in {reading.arithmetic.layer}" if elsewhere else "patch × kernel"
        said = f"{said} at row {reading.row}, column {reading.column}"
        height = _TITLE + _LINE * (len(reading.arithmetic.inputs) + 3)
        spots.append(_Spot("Its arithmetic", said, height, _Sum(card)))
    height = _TITLE + _HISTOGRAM + 0.2 + _LINE * ((len(card.facts.rows) + 1) // 2)
    said = "positive ones, counts on a log scale"
    spots.append(_Spot("Its values", said, height, _Values(card)))
    if card.classes:
        height = _TITLE + _LINE * len(card.classes)
        said = "logit lost when it is silenced"
        spots.append(_Spot("Classes it moves", said, height, _Losses(card)))
    return spots


def _picture(title: str, about: str, parts: _Pictures, width: float) -> _Spot:
    return _Spot(title, about, _TITLE + parts.size(width)[1], parts)


@dataclass(frozen=True)
class _Pictures:
    """A picture, and a box framed in it."""

    drawn: Pixels
    frame: Box | None
    whole: Box | None

    def size(self, width: float) -> tuple[float, float]:
        """Return (width, height) in inches."""
        return fit(self.drawn, width, width)

    def draw(self, page: Page, x: float, y: float, width: float) -> None:
        """Draw it."""
        wide, tall = self.size(width)
        if self.frame is None or self.whole is None:
            page.picture(self.drawn, x, y, wide, tall)
        else:
            down = self.drawn.shape[0] / self.whole.height
            across = self.drawn.shape[1] / self.whole.width
            box = Box(
                max(0, round((self.frame.top - self.whole.top) * down)),
                max(0, round((self.frame.left - self.whole.left) * across)),
                min(self.drawn.shape[0], round((self.frame.bottom - self.whole.top) * down)),
                min(self.drawn.shape[1], round((self.frame.right - self.whole.left) * across)),
            )
            page.photograph(ImageInput(self.drawn), box, x, y, wide, tall)


def _on_picture(card: Card, image: ImageInput) -> _Pictures:
    """Lay the map over the picture and frame the field of the value that was read."""
    small, region = reduced_picture(image, card.maps.region, _DRAWN)
    over = pixels.overlay_values(small, card.maps.values[0], region, 0.75)
    return _Pictures(over, card.reading.field, image.whole)


def _reaching(card: Card, image: ImageInput) -> _Pictures:
    """Lay the gradient over the picture, the effective field; a small one is shown from near by."""
    field = card.reading.field
    if field is not None and 16 * field.height * field.width < image.pixels[..., 0].size:
        image, near = _near(image, field)
    else:
        near = image.whole
    region = card.reading.region
    moved = Box(
        region.top - near.top,
        region.left - near.left,
        region.bottom - near.top,
        region.right - near.left,
    )
    small, region = reduced_picture(image, moved, _DRAWN)
    over = pixels.overlay_values(small, card.reading.effective, region, 0.85, gamma=0.5)
    return _Pictures(over, field, near)


def _near(image: ImageInput, field: Box) -> tuple[ImageInput, Box]:
    """Cut a square of three times the field out of a picture, as far as there is picture."""
    half = max(field.height, field.width) * 3 // 2 + 4
    row, column = (field.top + field.bottom) // 2, (field.left + field.right) // 2
    box = Box(
        max(0, row - half),
        max(0, column - half),
        min(image.whole.bottom, row + half),
        min(image.whole.right, column + half),
    )
    return ImageInput(np.ascontiguousarray(image.pixels[box.slices()]), image.path), box


@dataclass(frozen=True)
class _Sum:
    """The input channels that contribute most, the others together, the bias, and their sum."""

    card: Card

    def draw(self, page: Page, x: float, y: float, width: float) -> None:
        """Draw it."""
        parts = self.card.reading.arithmetic
        assert parts is not None
        most = max(1e-30, float(np.nan_to_num(np.abs(parts.contributions)).max(initial=0)))
        rows: list[tuple[str, float, Floats | None]] = [
            (f"input {channel}", float(part), kernel)
            for channel, part, kernel in zip(
                parts.inputs, parts.contributions, parts.kernels, strict=True
            )
        ]
        others = parts.count - len(parts.inputs)
        if others:
            rows.append((f"{count(others)} others", parts.rest, None))
        rows.append(("bias", parts.bias, None))
        for row, (name, part, kernel) in enumerate(rows):
            line = y + row * _LINE
            if kernel is not None and kernel.size > 1:
                drawn = pixels.colour(kernel, style.KERNELS, signed=True)
                page.picture(drawn, x, line, 0.16, 0.16)
            page.text(x + 0.24, line + 0.12, name, size=style.CAPTION_SIZE)
            if kernel is not None:
                _bar(page, x + 0.85, line + 0.04, width - 1.45, part / most)
            page.text(x + width, line + 0.12, _signed(part), size=style.CAPTION_SIZE, align="right")
        line = y + len(rows) * _LINE
        page.box(x, line, width, 0.008, page.look.track)
        said = number(parts.value)
        page.text(x + 0.24, line + 0.14, "sum", size=style.CAPTION_SIZE, bold=True)
        page.text(x + width, line + 0.14, said, size=style.CAPTION_SIZE, bold=True, align="right")


def _bar(page: Page, x: float, y: float, width: float, share: float) -> None:
    """Draw a bar to the right for what adds and to the left for what takes away."""
    middle = x + width / 2
    length = min(1.0, abs(share)) * width / 2 if math.isfinite(share) else 0.0
    colour = page.look.accent if share >= 0 else page.look.against
    page.box(middle if share >= 0 else middle - length, y, length, 0.1, colour)
    page.box(middle - 0.004, y - 0.02, 0.008, 0.14, page.look.muted)


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value)


@dataclass(frozen=True)
class _Values:
    """How the map's positive values are spread, and a few numbers."""

    card: Card

    def draw(self, page: Page, x: float, y: float, width: float) -> None:
        """Draw it."""
        values = np.nan_to_num(self.card.maps.values[0]).ravel()
        positive = values[values > 0]
        high = float(positive.max(initial=0))
        small, muted = style.CAPTION_SIZE, page.look.muted
        if high > 0:
            counts, _edges = np.histogram(positive, _BINS, (0, high))
            heights = np.log1p(counts) / np.log1p(counts.max())
            step = width / _BINS
            for place, share in enumerate(heights.tolist()):
                tall = share * _HISTOGRAM
                top = y + _HISTOGRAM - tall
                page.box(x + place * step, top, 0.85 * step, tall, page.look.accent)
        page.box(x, y + _HISTOGRAM, width, 0.008, muted)
        page.text(x, y + _HISTOGRAM + 0.13, "0", size=small, colour=muted)
        last = number(high)
        page.text(x + width, y + _HISTOGRAM + 0.13, last, size=small, colour=muted, align="right")
        self._facts(page, x, y + _HISTOGRAM + 0.2, width)

    def _facts(self, page: Page, x: float, y: float, width: float) -> None:
        rows: Sequence[tuple[object, ...]] = self.card.facts.rows
        half = (len(rows) + 1) // 2
        room = (width - 0.15) / 2
        for place, (name, value) in enumerate(rows):
            column, row = divmod(place, half)
            left, line = x + column * (room + 0.15), y + row * _LINE + 0.13
            said = _fact(str(name), value)
            page.text(left, line, str(name), size=6.5, colour=page.look.muted, room=room - 0.35)
            page.text(left + room, line, said, size=6.5, align="right")


def _fact(name: str, value: object) -> str:
    if name == "silent" and isinstance(value, float):
        return percent(value)
    return number(value) if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class _Losses:
    """What the classes lose, as bars."""

    card: Card

    def draw(self, page: Page, x: float, y: float, width: float) -> None:
        """Draw it."""
        losses = self.card.losses
        most = max(1e-30, float(np.nan_to_num(np.abs(losses)).max(initial=0)))
        names = 0.42 * width
        for row, (name, loss) in enumerate(zip(self.card.classes, losses.tolist(), strict=True)):
            line = y + row * _LINE
            page.text(x, line + 0.12, name, size=style.CAPTION_SIZE, room=names - 0.05)
            _bar(page, x + names, line + 0.04, width - names - 0.5, loss / most)
            said = _signed(loss)
            page.text(x + width, line + 0.12, said, size=style.CAPTION_SIZE, align="right")
