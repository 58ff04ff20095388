"""Paint the tiles of one layer: the maps, their captions and the mark of the selected one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen

from cnnviz_desktop.data import Activation
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.tile_layout import GAP
from cnnviz_desktop.gui.tile_order import GridLook, MapStatistics
from cnnviz_desktop.gui.tile_pixmaps import TilePixmaps

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class TilePainter:
    """What there is to paint of one layer in one look."""

    def __init__(self, activation: Activation, numbers: MapStatistics, look: GridLook) -> None:
        self.pixmaps = TilePixmaps(activation.values, look)
        self._values = activation.values
        self._numbers = numbers
        self._signed = look.signed

    def make_tiles(self, painter: QPainter, channels: Sequence[int], side: int) -> None:
        """Make the tiles that are to be painted, all at once."""
        self.pixmaps.make(channels, round(side * painter.device().devicePixelRatioF()))

    def paint_tile(self, painter: QPainter, channel: int, cell: QRect, selected: bool) -> None:
        """Paint one map with its number at the left below it and its maximum at the right."""
        self._paint_map(painter, channel, cell)
        now = theme.current()
        if self._signed and not selected:  # zero is nearly white: show where the tile ends
            painter.setPen(now.border)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self._drawn(cell).adjusted(-1, -1, 0, 0))
        silent = bool(self._numbers.silent(self._signed)[channel])
        font = theme.font("caption")
        metrics = QFontMetrics(font)
        strip = QRect(cell.left(), cell.bottom() + 1, cell.width(), caption_height())
        index, text = str(channel), self.value_text(channel)
        room = strip.width() - metrics.horizontalAdvance(index) - 6
        if metrics.horizontalAdvance(text) <= room:
            painter.setFont(font)
            painter.setPen(now.on_selection if selected else now.muted)
            painter.drawText(strip, _RIGHT, text)
        font.setBold(selected)
        painter.setFont(font)
        painter.setPen(now.on_selection if selected else now.muted if silent else now.text)
        painter.drawText(strip, _LEFT, index)

    def paint_full(
        self, painter: QPainter, channel: int, cell: QRect, hover: tuple[int, int] | None
    ) -> None:
        """Paint one map large, with the value of the hovered cell below it."""
        self._paint_map(painter, channel, cell)
        now = theme.current()
        drawn = self._drawn(cell)
        if hover is not None:
            rows, columns = self._values.shape[1:]
            high, wide = drawn.height() / rows, drawn.width() / columns
            left, top = drawn.left() + hover[1] * wide, drawn.top() + hover[0] * high
            paint_mark(painter, QRectF(left, top, wide, high))
        top = drawn.bottom() + 1 + GAP // 2
        strip = QRect(cell.left(), top, cell.width(), caption_height() + 4)
        font = theme.font("secondary")
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(now.text)
        painter.drawText(strip, _LEFT, f"Channel {channel}")
        font.setBold(False)
        painter.setFont(font)
        painter.setPen(now.muted)
        text = f"maximum {self.value_text(channel)}"
        if hover is not None:
            measured = labels.value(float(self._values[channel, hover[0], hover[1]]))
            text = f"row {hover[0]}, column {hover[1]}: {measured}"
        painter.drawText(strip, _RIGHT, text)

    def value_text(self, channel: int) -> str:
        """Return what stands below a map: its maximum, or that it is not finite."""
        if self._numbers.broken[channel]:
            return "not finite"
        return labels.value(float(self._numbers.extreme(self._signed)[channel]))

    def map_cell_at(self, tile: QRect, point: QPoint) -> tuple[int, int] | None:
        """Return the (row, column) of the map under a point of its tile."""
        drawn = self._drawn(tile)
        rows, columns = self._values.shape[1:]
        row = math.floor((point.y() + 0.5 - drawn.top()) * rows / drawn.height())
        column = math.floor((point.x() + 0.5 - drawn.left()) * columns / drawn.width())
        return (row, column) if 0 <= row < rows and 0 <= column < columns else None

    def _drawn(self, cell: QRect) -> QRect:
        """Return where a map lies in its cell, its proportions kept."""
        height, width = self.pixmaps.fitted(cell.width())
        left = cell.left() + (cell.width() - width) // 2
        return QRect(left, cell.top() + (cell.height() - height) // 2, width, height)

    def _paint_map(self, painter: QPainter, channel: int, cell: QRect) -> None:
        """Paint one map in the middle of its cell, on whole device pixels."""
        ratio = painter.device().devicePixelRatioF()
        pixmap = self.pixmaps.tile(channel, round(cell.width() * ratio), ratio)
        corner = self._drawn(cell).topLeft()
        left, top = round(corner.x() * ratio) / ratio, round(corner.y() * ratio) / ratio
        painter.drawPixmap(QPointF(left, top), pixmap)


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
