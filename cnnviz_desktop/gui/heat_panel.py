"""Hold one heat map as a panel paints it: its veil, its lines and its box, each made once."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QTransform

from cnnviz_desktop.data import Box, Floats, Heatmap
from cnnviz_desktop.figures import heat, heat_shapes
from cnnviz_desktop.figures.heat import HeatLook
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.display import cell_at
from cnnviz_desktop.gui.linked_view import PanelPlace, strip_height
from cnnviz_desktop.gui.tile_painting import paint_mark

_DIM = QColor(9, 9, 9, 223)
_MIDDLE = Qt.AlignmentFlag.AlignVCenter


class HeatPanel:
    """A map, what it is called, and what is drawn of it in a look; painted in picture pixels."""

    def __init__(self, heatmap: Heatmap, caption: str, whole: Box) -> None:
        self.heatmap = heatmap
        self.caption = caption
        self.note = ""  # beside the caption
        self._whole = whole
        self._look = HeatLook()
        self._high = 0.0
        self._fine = 0  # pixels along the longer side of a smooth veil
        self._veil: QImage | None = None
        self._lines: list[tuple[QColor, QColor, Floats]] | None = None
        self._box: tuple[float, Box | None] | None = None

    def set_look(self, look: HeatLook, high: float, fine: int) -> None:
        """Draw the map another way; nothing is made before it is painted."""
        if (look, high, fine) != (self._look, self._high, self._fine):
            self._look, self._high, self._fine = look, high, fine
            self._veil = self._lines = None

    @property
    def high(self) -> float:
        """Return the value of the last colour."""
        return self._high

    def shows_picture(self) -> bool:
        """Tell whether the picture is seen below the map."""
        return heat.shows_picture(self._look.mode_for(self.heatmap))

    def box(self) -> Box | None:
        """Return the box of what is hot, in the picture's pixels."""
        threshold = self._look.threshold
        if self._box is None or self._box[0] != threshold:
            self._box = (threshold, heat_shapes.hot_box(self.heatmap, threshold, self._whole))
        return self._box[1]

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Return the (row, column) of the map at a place of the picture, None beside the map."""
        rows, columns = self.heatmap.values.shape
        return cell_at(self.heatmap.region, rows, columns, y, x)

    def value_at(self, x: float, y: float) -> str:
        """Return the value at a place of the picture, "" beside the map."""
        cell = self.cell(x, y)
        return "" if cell is None else labels.value(float(self.heatmap.values[cell]))

    def reach(self) -> str:
        """Return the least and the greatest value."""
        low, high = float(self.heatmap.values.min()), float(self.heatmap.values.max())
        return f"{labels.value(low)} … {labels.value(high)}"

    def paint(self, painter: QPainter, *, box: bool) -> None:
        """Paint all but the picture, with a painter in the picture's pixels."""
        mode, region = self._look.mode_for(self.heatmap), self.heatmap.region
        place = QRectF(region.left, region.top, region.width, region.height)
        whole = QRectF(0, 0, self._whole.right, self._whole.bottom)
        if mode == "masked":
            for part in _around(whole, place):
                painter.fillRect(part, _DIM)
        painter.save()
        painter.setClipRect(whole, Qt.ClipOperation.IntersectClip)
        if mode == "contour":
            self._paint_lines(painter, place)
        else:
            smooth = self._look.smooth or mode == "colours"
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            painter.drawImage(place, self._made())
        painter.restore()
        found = self.box() if box else None
        if found is not None:
            paint_mark(painter, QRectF(found.left, found.top, found.width, found.height))

    def paint_caption(
        self, painter: QPainter, place: PanelPlace, *, chosen: bool, focused: bool
    ) -> None:
        """Paint the line above the picture, on the ground of the panel that is picked."""
        now = theme.current()
        if chosen:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(now.selection)
            painter.setPen(QPen(now.accent, 2 if focused else 1.2))
            painter.drawRoundedRect(QRectF(place.whole).adjusted(1, 1, -1, -1), 4, 4)
            painter.restore()
        line = QRect(place.room.left(), place.whole.top() + 4, place.room.width(), strip_height())
        painter.setFont(theme.font("secondary"))
        painter.setPen(now.on_selection if chosen else now.muted)
        painter.drawText(line, _MIDDLE | Qt.AlignmentFlag.AlignRight, self.note)
        taken = painter.fontMetrics().horizontalAdvance(self.note) + 8 if self.note else 0
        painter.setFont(theme.font("strong"))
        painter.setPen(now.on_selection if chosen else now.text)
        room = max(0, line.width() - taken)
        words = painter.fontMetrics().elidedText(self.caption, Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(line, _MIDDLE | Qt.AlignmentFlag.AlignLeft, words)

    def paint_foot(
        self, painter: QPainter, place: PanelPlace, here: QPointF | None, *, chosen: bool
    ) -> None:
        """Paint the class's logit, and the value under the mouse or the range of all."""
        now, room = theme.current(), place.room
        line = QRect(room.left(), room.bottom() + 3, room.width(), strip_height())
        said = self.value_at(here.x(), here.y()) if here is not None else ""
        plain = now.on_selection if chosen else now.muted
        painter.setFont(theme.font("secondary" if said else "caption"))
        painter.setPen(now.text if said and not chosen else plain)
        right = said or self.reach()
        painter.drawText(line, _MIDDLE | Qt.AlignmentFlag.AlignRight, right)
        left = line.width() - painter.fontMetrics().horizontalAdvance(right) - 8
        painter.setFont(theme.font("caption"))
        painter.setPen(plain)
        logit = f"logit {labels.value(self.heatmap.score)}"
        if painter.fontMetrics().horizontalAdvance(logit) <= left:
            painter.drawText(line, _MIDDLE | Qt.AlignmentFlag.AlignLeft, logit)

    def _made(self) -> QImage:
        """Return the veil, as fine as the map and fine enough to look smooth."""
        if self._veil is None:
            rows, columns = self.heatmap.values.shape
            if self._look.smooth:
                region = self.heatmap.region
                zoom = self._fine / max(region.height, region.width)
                rows = max(rows, round(region.height * zoom))
                columns = max(columns, round(region.width * zoom))
            veil = heat.veil(self.heatmap, self._look, self._high, rows, columns)
            view = QImage(veil.data, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)
            self._veil = view.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
        return self._veil

    def _paint_lines(self, painter: QPainter, place: QRectF) -> None:
        """Paint the lines with pens of the screen's own width, each level in its colour.

        In the widget's pixels: with a pen that scales along with nothing, Qt needs ten times as
        long.
        """
        if self._lines is None:
            self._lines = self._find_lines()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        world = painter.worldTransform()
        painter.setWorldTransform(QTransform())
        across, down = place.width() * world.m11(), place.height() * world.m22()
        left, top = place.left() * world.m11() + world.dx(), place.top() * world.m22() + world.dy()
        zoom = np.array([across, down, across, down])
        corner = np.array([left, top, left, top])
        for line, edge, ends in self._lines:
            segments = [QLineF(*each) for each in (ends * zoom + corner).tolist()]
            for colour, width in ((edge, 3.4), (line, 1.8)):
                painter.setPen(QPen(colour, width))
                painter.drawLines(segments)
        painter.restore()

    def _find_lines(self) -> list[tuple[QColor, QColor, Floats]]:
        look, signed = self._look, self._look.signed_for(self.heatmap)
        levels = heat.levels_of(look.threshold)
        found = []
        for level, ends in heat_shapes.contours(self.heatmap, self._high, levels, signed=signed):
            line, edge = heat.line_colours(self.heatmap, look, level)
            found.append((QColor(*line), QColor(*edge), ends.reshape(-1, 4)))
        return found


def _around(whole: QRectF, inside: QRectF) -> list[QRectF]:
    """Return what of a rectangle lies around another one in it, in up to four pieces."""
    inside = inside.intersected(whole)
    left, top, right, bottom = whole.left(), whole.top(), whole.right(), whole.bottom()
    pieces = [
        QRectF(QPointF(left, top), QPointF(right, inside.top())),
        QRectF(QPointF(left, inside.bottom()), QPointF(right, bottom)),
        QRectF(QPointF(left, inside.top()), QPointF(inside.left(), inside.bottom())),
        QRectF(QPointF(inside.right(), inside.top()), QPointF(right, inside.bottom())),
    ]
    return [piece for piece in pieces if piece.width() > 0 and piece.height() > 0]
