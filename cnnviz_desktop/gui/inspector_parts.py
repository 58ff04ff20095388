"""Paint the parts of the strip below the maps: a picture, pinned maps, words, and a sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from cnnviz_desktop.data import Arithmetic, Box, Floats, Reading
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.display import cell_at
from cnnviz_desktop.gui.qimages import qimage_of
from cnnviz_desktop.gui.tile_painting import paint_mark

TABLE = 172  # width of a column of numbers
_LINE = 18
_TILE = 15  # a patch or a kernel in the sum
_NAME = 68  # "input 1023"
_VALUE = 58
_PIN = 64  # the longest side of a pinned map
_SAME = 1e-3  # two values closer than this share of them are written as one

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, eq=False)
class PinnedMap:
    """A pinned unit's map for the picture in view; `values` is None while it is not there.

    `own`: it is of the layer in view, so that the very cell is meant.
    """

    name: str
    colour: QColor
    values: Floats | None
    region: Box
    own: bool

    def cell(self, cell: tuple[int, int], place: Box) -> tuple[int, int] | None:
        """Return the cell that lies where `cell` of the map in view does: in the box `place`."""
        if self.own or self.values is None:
            return cell
        rows, columns = self.values.shape
        middle = (place.top + place.bottom) / 2, (place.left + place.right) / 2
        return cell_at(self.region, rows, columns, *middle)


class PinRow:
    """The same place in every pinned map, coloured once."""

    def __init__(self, pins: Sequence[PinnedMap], colormap: str, signed: bool, gamma: float):
        self.pins = tuple(pins)
        self._images = [
            None
            if pin.values is None
            else qimage_of(pixels.colour(pin.values, colormap, signed=signed, gamma=gamma))
            for pin in pins
        ]

    def values(self, cell: tuple[int, int], place: Box) -> list[float | None]:
        """Return each pinned map's value at the place, None where it has none."""
        found: list[float | None] = []
        for pin in self.pins:
            spot = pin.cell(cell, place)
            known = pin.values is not None and spot is not None
            found.append(float(pin.values[spot]) if known else None)  # type: ignore[index]
        return found

    def paint(self, painter: QPainter, room: QRect, cell: tuple[int, int], place: Box) -> None:
        """Paint as many as fit: the map with the place, the pin's bar, its name and the value."""
        colours, side, gap = theme.current(), theme.px(_PIN), theme.px(8)
        caption = theme.px(16)
        side = min(side, room.height() - caption - theme.px(4))
        values = self.values(cell, place)
        painter.setFont(theme.font("caption"))
        metrics = painter.fontMetrics()
        left = room.left()
        for pin, image, value in zip(self.pins, self._images, values, strict=True):
            if left + side > room.right() + 1 or side < theme.px(24):
                break
            box = QRect(left, room.top(), side, side)
            painter.fillRect(box, colours.canvas)
            if image is not None and pin.values is not None:
                drawn = fitted(image.size(), box)
                paint_image(painter, drawn, image)
                spot = pin.cell(cell, place)
                if spot is not None:
                    zoom = drawn.width() / image.width()
                    paint_mark(painter, zoomed(QRectF(spot[1], spot[0], 1, 1), zoom, drawn))
            bar = QRect(left, box.bottom() + 1, side, theme.px(3))
            painter.fillRect(bar, pin.colour)
            strip = QRect(left, bar.bottom() + 1, side, caption)
            text = labels.value(value) if value is not None else "–"
            painter.setPen(colours.text)
            painter.drawText(strip, _RIGHT, text)
            taken = side - metrics.horizontalAdvance(text) - theme.px(4)
            painter.setPen(colours.muted)
            painter.drawText(
                strip, _LEFT, metrics.elidedText(pin.name, Qt.TextElideMode.ElideLeft, taken)
            )
            left += side + gap


class SumTable:
    """The products that a value was added up from: patch, kernel, and what their product adds."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        parts = reading.arithmetic
        self._tiles: list[tuple[QImage, QImage]] = []
        if parts is not None and parts.patches.size:
            high = float(np.nan_to_num(np.abs(parts.patches)).max(initial=0))
            signed = bool((parts.patches < 0).any())
            kernel_high = float(np.nan_to_num(np.abs(parts.kernels)).max(initial=0))
            for patch, kernel in zip(parts.patches, parts.kernels, strict=True):
                one = pixels.colour(patch, limit=high, signed=signed)
                other = pixels.colour(kernel, style.KERNELS, kernel_high, signed=True)
                self._tiles.append((qimage_of(one), qimage_of(other)))

    @property
    def is_there(self) -> bool:
        """Tell whether there is a sum at all: pooling, for one, has none."""
        return self._reading.arithmetic is not None

    @property
    def elsewhere(self) -> str:
        """Return the layer whose value is added up, "" where it is the one that is read."""
        parts = self._reading.arithmetic
        return parts.layer if parts is not None and parts.layer != self._reading.layer else ""

    def sentence(self) -> str:
        """Return the sum in words."""
        parts = self._reading.arithmetic
        if parts is None:
            return ""
        said = [
            f"{signed(float(part))} from input {channel}"
            for channel, part in zip(parts.inputs, parts.contributions, strict=True)
        ]
        others = parts.count - len(parts.inputs)
        if others:
            said.append(f"{signed(parts.rest)} from {labels.whole(others)} others")
        said.append(f"{signed(parts.bias)} bias")
        after = f", which becomes {labels.value(self._reading.value)}" if self._changed() else ""
        of = f" in {self.elsewhere}" if self.elsewhere else ""
        return f"{', '.join(said)} = {labels.value(parts.value)}{of}{after}"

    def paint(self, painter: QPainter, room: QRect) -> None:
        """Paint a line for each of the inputs that add most, the others, the bias and the sum."""
        parts = self._reading.arithmetic
        if parts is None:
            return
        colours, line = theme.current(), theme.px(_LINE)
        painter.setFont(theme.font("caption"))
        painter.setPen(colours.muted)
        head = QRect(room.left(), room.top(), room.width(), line)
        text = "patch × kernel, summed per input channel"
        if self.elsewhere:
            text = f"patch × kernel in {self.elsewhere}, channel {parts.channel}"
        middle = Qt.TextElideMode.ElideMiddle
        painter.drawText(head, _LEFT, painter.fontMetrics().elidedText(text, middle, room.width()))
        fits = max(0, room.height() // line - 3)
        shown = min(len(parts.inputs), fits)
        others = parts.count - shown
        rest = parts.rest + float(parts.contributions[shown:].sum())
        most = max(float(np.abs(parts.contributions).max(initial=0)), abs(rest), 1e-30)
        top = room.top() + line
        for row in range(shown):
            part = float(parts.contributions[row])
            strip = QRect(room.left(), top, room.width(), line)
            self._paint_product(painter, strip, row, f"input {parts.inputs[row]}", part / most)
            self._paint_value(painter, strip, signed(part))
            top += line
        if others:
            strip = QRect(room.left(), top, room.width(), line)
            name = f"{labels.whole(others)} other{'s' if others > 1 else ''}"
            self._paint_product(painter, strip, -1, name, rest / most)
            self._paint_value(painter, strip, signed(rest))
            top += line
        painter.fillRect(room.left(), top + 1, room.width(), 1, colours.border)
        self._paint_total(painter, QRect(room.left(), top + 2, room.width(), line), parts)

    def _paint_product(
        self, painter: QPainter, strip: QRect, row: int, name: str, share: float
    ) -> None:
        """Paint patch and kernel, the input's name, and a bar from the middle."""
        colours, tile = theme.current(), theme.px(_TILE)
        left, top = strip.left(), strip.top() + (strip.height() - tile) // 2
        painter.setPen(colours.muted)
        if 0 <= row < len(self._tiles):
            for place, image in enumerate(self._tiles[row]):
                box = QRect(left + place * (tile + theme.px(12)), top, tile, tile)
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
                painter.drawImage(box, image)
                painter.setPen(colours.border)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(box.adjusted(0, 0, -1, -1))
            painter.setPen(colours.muted)
            between = QRect(left + tile, strip.top(), theme.px(12), strip.height())
            painter.drawText(between, Qt.AlignmentFlag.AlignCenter, labels.TIMES)
        left += 2 * tile + theme.px(20)
        painter.setPen(colours.text)
        painter.drawText(QRect(left, strip.top(), theme.px(_NAME), strip.height()), _LEFT, name)
        left += theme.px(_NAME)
        room = strip.right() - theme.px(_VALUE) - left
        if room < theme.px(24):
            return
        middle, length = left + room // 2, round(min(1.0, abs(share)) * room / 2)
        high = theme.px(9)
        start = middle if share >= 0 else middle - length
        colour = colours.fires if share >= 0 else colours.dead
        painter.fillRect(start, strip.center().y() - high // 2, length, high, colour)
        painter.fillRect(middle, strip.top() + 1, 1, strip.height() - 2, colours.outline)

    @staticmethod
    def _paint_value(painter: QPainter, strip: QRect, text: str) -> None:
        painter.setPen(theme.current().text)
        painter.drawText(strip, _RIGHT, text)

    def _paint_total(self, painter: QPainter, strip: QRect, parts: Arithmetic) -> None:
        """Write bias and sum, and what became of it where other layers came between."""
        painter.setPen(theme.current().text)
        painter.drawText(strip, _LEFT, f"{signed(parts.bias, apart=True)} bias")
        font = theme.font("caption")
        font.setBold(True)
        painter.setFont(font)
        text = f"= {labels.value(parts.value)}"
        if self._changed():
            text = f"{text} → {labels.value(self._reading.value)}"
        painter.drawText(strip, _RIGHT, text)

    def _changed(self) -> bool:
        """Tell whether the value is another one than the sum: a ReLU or the like came between."""
        parts, value = self._reading.arithmetic, self._reading.value
        if parts is None or not self.elsewhere:
            return False
        return abs(parts.value - value) > _SAME * max(abs(value), abs(parts.value), 1e-6)


def signed(value: float, *, apart: bool = False) -> str:
    """Return a value with its sign, a plus before what adds."""
    if not value:
        return f"+ {labels.value(0)}" if apart else labels.value(0)
    sign = labels.MINUS if value < 0 else "+"
    return f"{sign}{' ' if apart else ''}{labels.value(abs(value))}"


def paint_table(
    painter: QPainter, left: int, top: int, lines: Sequence[tuple[str, str]], width: int
) -> None:
    """Write names at the left and numbers at the right, line by line."""
    colours, metrics = theme.current(), painter.fontMetrics()
    for index, (name, text) in enumerate(lines):
        y = top + index * theme.px(22)
        moved = metrics.horizontalAdvance(text)
        room = width - moved - theme.px(8)
        painter.setPen(colours.muted)
        painter.drawText(left, y, metrics.elidedText(name, Qt.TextElideMode.ElideRight, room))
        painter.setPen(colours.text)
        painter.drawText(left + width - moved, y, text)


def paint_image(painter: QPainter, place: QRectF, image: QImage) -> None:
    """Paint an image scaled: smoothly, but cell by cell where cells are large."""
    smooth = place.width() < 4 * image.width()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    painter.drawImage(place, image)


def fitted(size: QSize, room: QRect) -> QRectF:
    """Return the largest rectangle of that shape at the room's left top."""
    scaled = size.scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
    return QRectF(room.topLeft(), scaled)


def zoomed(box: QRectF, zoom: float, place: QRectF) -> QRectF:
    """Return a box of an image as it lies in a place on the screen, large enough to be seen."""
    left, top = place.left() + box.left() * zoom, place.top() + box.top() * zoom
    return QRectF(left, top, max(4.0, box.width() * zoom), max(4.0, box.height() * zoom))
