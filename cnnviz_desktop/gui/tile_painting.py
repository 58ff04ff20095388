"""Paint the tiles of one layer: the maps, their captions and the mark of the selected one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen

from cnnviz_desktop.data import Activation, Floats, ImageInput
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.tile_layout import GAP, parts_of
from cnnviz_desktop.gui.tile_order import Beside, GridLook, MapStatistics, reach, statistics
from cnnviz_desktop.gui.tile_pixmaps import Below, TilePixmaps

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class _Part:
    """One of the stacks of maps that stand side by side in each tile."""

    def __init__(self, pixmaps: TilePixmaps, numbers: MapStatistics, signed: bool) -> None:
        self.pixmaps = pixmaps
        self.numbers = numbers
        self.signed = signed

    @cached_property
    def _extremes(self) -> Floats:
        return self.numbers.extreme(self.signed)

    @cached_property
    def _silent(self) -> NDArray[np.bool_]:
        return self.numbers.silent(self.signed)

    def is_silent(self, channel: int) -> bool:
        """Tell whether a map has nothing to show."""
        return bool(self._silent[channel])

    def value_text(self, channel: int) -> str:
        """Return what stands below a map: its maximum, or that it is not finite."""
        if self.numbers.broken[channel]:
            return "not finite"
        return labels.value(float(self._extremes[channel]))


class TilePainter:
    """What there is to paint of one layer in one look.

    A tile shows a channel's map or, where another picture is looked at beside, that one's map and
    the difference of the two as well.
    """

    def __init__(
        self, activation: Activation, look: GridLook, beside: Beside | None = None
    ) -> None:
        beside = beside or Beside()
        mine, other, difference = activation, beside.other, beside.difference
        self._values = mine.values
        highs = _limits([mine, *([other] if other else [])], look)
        self._parts = [_part(mine, highs, look, beside.image)]
        if other is not None and difference is not None:
            self._parts.append(_part(other, highs, look, beside.other_image))
            signed = replace(look, signed=True, overlay=0.0)
            if not look.signed:
                signed = replace(signed, colormap=style.SIGNED)
            self._parts.append(_part(difference, _limits([difference], signed), signed, None))

    @property
    def parts(self) -> int:
        """Count the maps of a tile."""
        return len(self._parts)

    @property
    def pixmaps(self) -> TilePixmaps:
        """Return the tiles of the layer's own maps."""
        return self._parts[0].pixmaps

    def make_tiles(self, painter: QPainter, channels: Sequence[int], side: int) -> None:
        """Make the tiles that are to be painted, all at once."""
        for part in self._parts:
            part.pixmaps.make(channels, round(side * painter.device().devicePixelRatioF()))

    def paint_tile(
        self,
        painter: QPainter,
        channel: int,
        tile: QRect,
        selected: bool,
        made: int,
        strip: int,
    ) -> None:
        """Paint a channel: its maps, and in a strip below its number and the maxima.

        `made` is the side of the pixmaps to paint from: while tiles grow or shrink, that of before.
        """
        now = theme.current()
        cells = parts_of(tile, len(self._parts))
        for part, cell in zip(self._parts, cells, strict=True):
            self._paint_map(painter, part, channel, cell, made)
            if part.signed and not selected:  # zero is nearly white: show where the tile ends
                painter.setPen(now.border)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(self._drawn(part, cell).adjusted(-1, -1, 0, 0))
        if strip:
            self._paint_captions(painter, channel, cells, selected, strip)

    def _paint_captions(
        self, painter: QPainter, channel: int, cells: Sequence[QRect], selected: bool, high: int
    ) -> None:
        now = theme.current()
        silent = self._parts[0].is_silent(channel)
        font = theme.font("caption")
        metrics = QFontMetrics(font)
        index = str(channel)
        taken = metrics.horizontalAdvance(index) + 6
        painter.setFont(font)
        painter.setPen(now.on_selection if selected else now.muted)
        for place, (part, cell) in enumerate(zip(self._parts, cells, strict=True)):
            strip = QRect(cell.left(), cell.bottom() + 1, cell.width(), high)
            text = part.value_text(channel)
            if metrics.horizontalAdvance(text) <= cell.width() - (0 if place else taken):
                painter.drawText(strip, _RIGHT, text)
        font.setBold(selected)
        painter.setFont(font)
        painter.setPen(now.on_selection if selected else now.muted if silent else now.text)
        strip = QRect(cells[0].left(), cells[0].bottom() + 1, cells[0].width(), high)
        painter.drawText(strip, _LEFT, index)

    def paint_full(
        self, painter: QPainter, channel: int, tile: QRect, hover: tuple[int, int] | None
    ) -> None:
        """Paint one channel large, with the value of the hovered cell below each of its maps."""
        now = theme.current()
        font = theme.font("secondary")
        cells = parts_of(tile, len(self._parts))
        for place, (part, cell) in enumerate(zip(self._parts, cells, strict=True)):
            self._paint_map(painter, part, channel, cell, cell.width())
            drawn = self._drawn(part, cell)
            if hover is not None:
                rows, columns = self._values.shape[1:]
                high, wide = drawn.height() / rows, drawn.width() / columns
                left, top = drawn.left() + hover[1] * wide, drawn.top() + hover[0] * high
                paint_mark(painter, QRectF(left, top, wide, high))
            top = drawn.bottom() + 1 + GAP // 2
            strip = QRect(cell.left(), top, cell.width(), caption_height() + 4)
            text = f"maximum {part.value_text(channel)}"
            if hover is not None:
                values = part.pixmaps.values[channel]
                text = labels.value(float(values[hover]))
                if not place:
                    text = f"row {hover[0]}, column {hover[1]}: {text}"
            if not place:
                font.setBold(True)
                painter.setFont(font)
                painter.setPen(now.text)
                painter.drawText(strip, _LEFT, f"Channel {channel}")
                font.setBold(False)
            painter.setFont(font)
            painter.setPen(now.muted)
            painter.drawText(strip, _RIGHT, text)

    def map_cell_at(self, tile: QRect, point: QPoint) -> tuple[int, int] | None:
        """Return the (row, column) of the map under a point of its tile."""
        for part, cell in zip(self._parts, parts_of(tile, len(self._parts)), strict=True):
            drawn = self._drawn(part, cell)
            rows, columns = self._values.shape[1:]
            row = math.floor((point.y() + 0.5 - drawn.top()) * rows / drawn.height())
            column = math.floor((point.x() + 0.5 - drawn.left()) * columns / drawn.width())
            if 0 <= row < rows and 0 <= column < columns:
                return row, column
        return None

    @staticmethod
    def _drawn(part: _Part, cell: QRect) -> QRect:
        """Return where a map lies in its cell, its proportions kept."""
        height, width = part.pixmaps.fitted(cell.width())
        left = cell.left() + (cell.width() - width) // 2
        return QRect(left, cell.top() + (cell.height() - height) // 2, width, height)

    def _paint_map(
        self, painter: QPainter, part: _Part, channel: int, cell: QRect, made: int
    ) -> None:
        """Paint one map in the middle of its cell, on whole device pixels."""
        ratio = painter.device().devicePixelRatioF()
        pixmap = part.pixmaps.tile(channel, round(made * ratio), ratio)
        drawn = self._drawn(part, cell)
        left, top = round(drawn.left() * ratio) / ratio, round(drawn.top() * ratio) / ratio
        if made == cell.width():
            painter.drawPixmap(QPointF(left, top), pixmap)
            return
        smooth = not part.pixmaps.is_coarse(made)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        place = QRectF(left, top, drawn.width(), drawn.height())
        painter.drawPixmap(place, pixmap, QRectF(pixmap.rect()))


def _part(maps: Activation, limits: Floats, look: GridLook, image: ImageInput | None) -> _Part:
    below = Below(image, maps.region) if image is not None and look.overlay > 0 else None
    return _Part(TilePixmaps(maps.values, limits, look, below), statistics(maps), look.signed)


def _limits(stacks: Sequence[Activation], look: GridLook) -> Floats:
    """Return the value of each map's last colour, the same for the stacks that are compared."""
    highs: Floats = np.maximum.reduce([reach(statistics(maps), look.signed) for maps in stacks])
    if look.scale == "net" and look.net > 0:
        return np.full_like(highs, look.net)
    # One cell scaled to itself says nothing: a layer of single cells shares one scale.
    shared = look.scale != "tile" or stacks[0].values[0].size == 1
    return np.full_like(highs, highs.max(initial=0)) if shared else highs


def caption_height() -> int:
    """Return the height of the strip below a tile: 16 px with 11 px captions."""
    return theme.px(16)


def paint_mark(painter: QPainter, box: QRectF) -> None:
    """Outline a place on a picture in white with a thin black line on both sides."""
    for colour, width in ((theme.MARK_OUTLINE, 4.0), (theme.MARK, 2.0)):
        pen = QPen(QColor(colour), width)
        pen.setCosmetic(True)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
