"""Show one place of one map: on the picture, in the map, and its value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from cnnviz_desktop.data import Activation, Floats, ImageInput
from cnnviz_desktop.figures import pixels
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import fix_size, named
from cnnviz_desktop.gui.display import CARD, cell_box, reduced, scaled
from cnnviz_desktop.gui.qimages import qimage_of
from cnnviz_desktop.gui.tile_order import GridLook, statistics
from cnnviz_desktop.gui.tile_painting import paint_mark

_HEIGHT = 188
_TABLE = 172  # width of a column of numbers


@dataclass(frozen=True, eq=False)
class Fact:
    """Something else that is known of each channel (C,), or of each cell of each map (C, h, w)."""

    name: str
    values: Floats

    def at(self, channel: int, cell: tuple[int, int]) -> float:
        """Return it for one cell of one channel."""
        return float(self.values[channel] if self.values.ndim == 1 else self.values[channel][cell])


class MapInspector(QWidget):
    """The strip below the tiles: it follows the mouse and stays on the last place.

    It reads arrays that are there already: a hover is one look-up and one repaint.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(
            self,
            "mapInspector",
            "Inspector",
            "The cell under the mouse: where it lies on the picture, and its value (I hides this)",
        )
        fix_size(self, height=_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._activation: Activation | None = None
        self._picture: QImage | None = None
        self._factor = 1.0
        self._map: QImage | None = None
        self._look = GridLook()
        self._channel = -1
        self._cell: tuple[int, int] | None = None
        self._facts: tuple[Fact, ...] = ()

    def show_maps(self, activation: Activation | None, image: ImageInput | None) -> None:
        """Look into another stack of maps."""
        kept = (
            self._activation is not None
            and activation is not None
            and activation.values.shape == self._activation.values.shape
        )
        self._activation = activation
        self._picture = None
        if image is not None:
            small, self._factor = reduced(image, CARD)
            self._picture = qimage_of(small.pixels)
        channel = self._channel if kept else -1
        cell = self._cell if kept else None
        self._channel, self._cell = -2, None
        if channel < 0 and activation is not None and activation.values.size:
            channel = statistics(activation).strongest()
        self._turn_to(channel, cell)

    def set_look(self, look: GridLook) -> None:
        """Colour the map as the tiles are."""
        self._look = look
        self._colour()
        self.update()

    def set_facts(self, facts: Sequence[Fact]) -> None:
        """Write down for the place that is shown what else is known of it."""
        self._facts = tuple(facts)
        self.update()

    def show_channel(self, channel: int) -> None:
        """Look at a channel at its strongest place; -1 keeps what is shown."""
        if channel >= 0:
            self._turn_to(channel, None)

    def point_at(self, channel: int, row: int, column: int) -> None:
        """Look at a place; -1 keeps the last one."""
        if channel >= 0:
            self._turn_to(channel, (row, column))

    def value(self) -> float | None:
        """Return the value of the place that is shown."""
        if self._activation is None or self._cell is None:
            return None
        return float(self._activation.values[self._channel][self._cell])

    def sizeHint(self) -> QSize:
        """Ask for the strip's height."""
        return QSize(600, theme.px(_HEIGHT))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture with the cell, the map with the cell, and the words."""
        colours = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), colours.panel)
        painter.fillRect(0, 0, self.width(), 1, colours.border)
        if self._activation is None or self._cell is None or self._map is None:
            return
        caption = theme.px(18)
        side = self.height() - 2 * theme.px(12) - caption
        left = theme.px(16)
        rows, columns = self._activation.values.shape[1:]
        row, column = self._cell
        if self._picture is not None:
            room = QRect(left, theme.px(12), side * 3 // 2, side)  # photographs are often wide
            place = _fitted(self._picture.size(), room)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self._picture)
            box = scaled(
                cell_box(self._activation.region, rows, columns, row, column), self._factor
            )
            zoom = place.width() / self._picture.width()
            outline = QRectF(box.left, box.top, box.width, box.height)
            paint_mark(painter, _zoomed(outline, zoom, place))
            written = self._caption(painter, place, "Where the cell lies")
            left = max(int(place.right()), left + written) + theme.px(16)
        room = QRect(left, theme.px(12), side, side)
        place = _fitted(self._map.size(), room)
        smooth = place.width() < 4 * self._map.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(place, self._map)
        cell = QRectF(column, row, 1, 1)
        paint_mark(painter, _zoomed(cell, place.width() / columns, place))
        self._caption(painter, place, f"Map {self._channel}, row {row}, column {column}")
        self._words(painter, int(place.right()) + theme.px(24))

    def _words(self, painter: QPainter, left: int) -> None:
        """Write the value and the map's own numbers."""
        if self._activation is None or self._cell is None:
            return
        colours = theme.current()
        values = self._activation.values[self._channel]
        here = float(values[self._cell])
        painter.setFont(theme.font("display"))
        painter.setPen(colours.text)
        top = theme.px(34)
        shown = labels.value(here)
        painter.drawText(left, top, shown)
        after = left + painter.fontMetrics().horizontalAdvance(shown) + theme.px(10)
        painter.setFont(theme.font("secondary"))
        painter.setPen(colours.muted)
        high = float(np.nanmax(values)) if values.size else 0.0
        if here == high:
            note = "the map's maximum"
        elif high > 0:
            note = f"{100 * here / high:.0f}{labels.THIN}% of the map's maximum"
        else:
            note = "the map is nowhere positive"
        painter.drawText(after, top, note.replace("-", labels.MINUS))
        lines = (
            ("Maximum", labels.value(high)),
            ("Mean", labels.value(float(values.mean()))),
            ("Minimum", labels.value(float(np.nanmin(values)))),
            ("Cells above zero", labels.percent(float((values > 0).mean()))),
        )
        self._table(painter, left, top + theme.px(30), lines)
        known = [fact for fact in self._facts if self._channel < len(fact.values)]
        beside = [(fact.name, labels.value(fact.at(self._channel, self._cell))) for fact in known]
        left += theme.px(_TABLE + 24)
        if beside and left + theme.px(_TABLE) <= self.width():
            self._table(painter, left, top + theme.px(30), beside)

    @staticmethod
    def _table(painter: QPainter, left: int, top: int, lines: Sequence[tuple[str, str]]) -> None:
        """Write names at the left and numbers at the right, line by line."""
        colours, metrics, width = theme.current(), painter.fontMetrics(), theme.px(_TABLE)
        for index, (name, text) in enumerate(lines):
            y = top + index * theme.px(22)
            moved = metrics.horizontalAdvance(text)
            room = width - moved - theme.px(8)
            painter.setPen(colours.muted)
            painter.drawText(left, y, metrics.elidedText(name, Qt.TextElideMode.ElideRight, room))
            painter.setPen(colours.text)
            painter.drawText(left + width - moved, y, text)

    def _caption(self, painter: QPainter, place: QRectF, text: str) -> int:
        """Write below a picture; return how wide that is."""
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.current().muted)
        painter.drawText(int(place.left()), round(place.bottom()) + theme.px(18), text)
        return painter.fontMetrics().horizontalAdvance(text)

    def _turn_to(self, channel: int, cell: tuple[int, int] | None) -> None:
        if self._activation is None or not 0 <= channel < len(self._activation.values):
            self._channel, self._cell, self._map = -1, None, None
            self.update()
            return
        if channel != self._channel:
            self._channel = channel
            self._colour()
        values = self._activation.values[channel]
        if cell is None:
            place = int(np.argmax(np.nan_to_num(values, nan=-np.inf)))
            cell = (place // values.shape[1], place % values.shape[1])
        self._cell = cell
        self.update()

    def _colour(self) -> None:
        if self._activation is None or self._channel < 0:
            return
        values = self._activation.values[self._channel]
        look = self._look
        coloured = pixels.colour(values, look.map_name, signed=look.signed, gamma=look.gamma)
        self._map = qimage_of(coloured)


def _fitted(size: QSize, room: QRect) -> QRectF:
    """Return the largest rectangle of that shape at the room's left top."""
    fitted = size.scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
    return QRectF(room.topLeft(), fitted)


def _zoomed(box: QRectF, zoom: float, place: QRectF) -> QRectF:
    left, top = place.left() + box.left() * zoom, place.top() + box.top() * zoom
    return QRectF(left, top, max(4.0, box.width() * zoom), max(4.0, box.height() * zoom))
