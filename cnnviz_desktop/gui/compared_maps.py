"""Paint the strongest maps of the layers that stand beside each other, a column a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from cnnviz_desktop.data import Strip
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.compared_columns import columns
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.labels import DOT, TIMES
from cnnviz_desktop.gui.qimages import qimage_of

_GAP = 4
_TOP = 6
_CRISP = 6.0  # screen pixels that a cell fills, from which on cells are squares


class ComparedMaps(QWidget):
    """A line on each layer and its maps (`comparedMaps`), each on its own scale.

    A place of the picture that the mouse rests on elsewhere is marked in all of them. Signals:
    `pointed` (x, y) of the picture under the mouse, or None; `picked` (column, channel).
    """

    pointed = Signal(object)
    picked = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(
            self,
            "comparedMaps",
            "Strongest maps",
            "The strongest maps of each layer; a click on one of the first network's selects it",
        )
        self._strips: tuple[Strip | None, ...] = ()
        self._total = 0
        self._tiles: list[list[QImage]] = []
        self._here: tuple[float, float] | None = None
        self.setMouseTracking(True)
        self.setMinimumHeight(theme.px(96))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """Ask for three rows of tiles."""
        return QSize(320, theme.px(220))

    def show_strips(self, strips: Sequence[Strip | None], total: int = 0) -> None:
        """Show other layers, None for a network without maps, in the first of `total` columns."""
        self._strips = tuple(strips)
        self._total = max(total, len(self._strips))
        self._tiles = [_drawn(strip) if strip is not None else [] for strip in strips]
        said = "; ".join(_words(strip) for strip in self._strips if strip is not None)
        self.setAccessibleDescription(said)
        self.update()

    def set_here(self, here: tuple[float, float] | None) -> None:
        """Mark a place of the picture."""
        if here != self._here:
            self._here = here
            self.update()

    def tile_rect(self, column: int, number: int) -> QRect:
        """Return where a tile is painted."""
        left, wide = columns(self.width(), self._total)[column]
        strip = self._strips[column]
        if strip is None:
            return QRect()
        rows, cells = strip.maps.values.shape[1:]
        top = _TOP + theme.px(20)
        room = QSize(wide, max(16, self.height() - top - _TOP))
        across, side = _grid(len(strip.channels), rows / cells, room)
        row, place = divmod(number, across)
        tall = max(1, round(side * rows / cells))
        return QRect(left + place * (side + _GAP), top + row * (tall + _GAP), side, tall)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the columns."""
        painter = QPainter(self)
        now = theme.current()
        painter.fillRect(self.rect(), now.canvas)
        places = columns(self.width(), self._total)
        for column, (strip, (left, wide)) in enumerate(zip(self._strips, places, strict=False)):
            line = QRect(left, _TOP, wide, theme.px(18))
            painter.setFont(theme.font("caption"))
            painter.setPen(now.muted)
            words = _words(strip) if strip is not None else "No maps"
            elided = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, wide)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, elided)
            for number, tile in enumerate(self._tiles[column]):
                self._paint_tile(painter, column, number, tile)

    def _paint_tile(self, painter: QPainter, column: int, number: int, tile: QImage) -> None:
        place, strip = self.tile_rect(column, number), self._strips[column]
        smooth = place.width() < _CRISP * tile.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(place, tile)
        if self._here is None or strip is None:
            return
        region = strip.maps.region
        x = (self._here[0] - region.left) / region.width
        y = (self._here[1] - region.top) / region.height
        if 0 <= x < 1 and 0 <= y < 1:
            at = QPointF(place.left() + x * place.width(), place.top() + y * place.height())
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for colour, width in ((theme.MARK_OUTLINE, 3.0), (theme.MARK, 1.4)):
                painter.setPen(QPen(colour, width))
                painter.drawEllipse(at, 3.0, 3.0)
            painter.restore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which place of the picture is under the mouse."""
        found = self._tile_at(event.position().toPoint())
        picks = found is not None and found[0] == 0
        shape = Qt.CursorShape.PointingHandCursor if picks else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)
        here = None
        if found is not None:
            strip, place = self._strips[found[0]], QRectF(self.tile_rect(*found))
            assert strip is not None
            region = strip.maps.region
            x = (event.position().x() - place.left()) / place.width()
            y = (event.position().y() - place.top()) / place.height()
            here = (region.left + x * region.width, region.top + y * region.height)
        self.pointed.emit(here)

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the place under the mouse."""
        self.pointed.emit(None)
        super().leaveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Pick the map that was clicked."""
        found = self._tile_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and found is not None:
            strip = self._strips[found[0]]
            assert strip is not None
            self.picked.emit(found[0], strip.channels[found[1]])

    def event(self, event: QEvent) -> bool:
        """Tell in a tooltip which channel is under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = self._tile_at(event.pos())
            strip = self._strips[found[0]] if found is not None else None
            if found is None or strip is None:
                QToolTip.hideText()
                return True
            values = strip.maps.values[found[1]]
            peak = labels.value(float(np.nan_to_num(values).max()))
            words = f"Channel {strip.channels[found[1]]} of {strip.maps.layer}\nup to {peak}"
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)

    def _tile_at(self, point: QPoint) -> tuple[int, int] | None:
        for column, tiles in enumerate(self._tiles):
            for number in range(len(tiles)):
                if self.tile_rect(column, number).contains(point):
                    return column, number
        return None


def _words(strip: Strip) -> str:
    height, width = strip.maps.values.shape[1:]
    size = f"{labels.whole(strip.count)} maps of {height}{TIMES}{width}"
    return f"{strip.maps.layer} {DOT} {size}"


def _drawn(strip: Strip) -> list[QImage]:
    """Colour each map from zero to its own largest value."""
    values = strip.maps.values
    highs = pixels.map_limits(values)[:, 1]
    unit = values / np.where(highs > 0, highs, 1)[:, None, None]
    return [qimage_of(tile) for tile in pixels.tiles(unit, limit=1.0, gamma=style.GAMMA)]


def _grid(count: int, ratio: float, room: QSize) -> tuple[int, int]:
    """Return how many tiles stand in a row, and how wide each is, so that they are largest."""
    best = (1, 8)
    for across in range(1, max(1, count) + 1):
        rows = -(-count // across)
        wide = (room.width() + _GAP) // across - _GAP
        tall = (room.height() + _GAP) / rows - _GAP
        side = int(min(wide, tall / ratio))
        if side > best[1]:
            best = (across, side)
    return best
