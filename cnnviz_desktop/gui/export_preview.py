"""Show an export before it is written: the figure in its true proportions, or what data hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget

from cnnviz_desktop.data import Pixels
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.empty_state import paint_empty
from cnnviz_desktop.gui.labels import MINUS, TIMES

_MARGIN = 24
_LEAST = 64  # of a column that gives way to the others
_SQUARE = 8  # of the checks behind a clear ground


class ExportPreview(QWidget):
    """The last good preview. Signals: `resized` when there is room for another size of it."""

    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "exportPreview", "Preview", "What will be written, in its true proportions")
        self.setMinimumSize(theme.px(280), theme.px(280))
        self._image: QImage | None = None
        self._shape = QSize()  # of the figure, in any unit
        self._clear = False
        self._dark = False
        self._rows: Sequence[tuple[str, ...]] = ()
        self._title = ""

    def room(self) -> tuple[int, int]:
        """Return how many device pixels there are for the figure, (width, height)."""
        ratio, margin = self.devicePixelRatioF(), 2 * theme.px(_MARGIN)
        width, height = self.width() - margin, self.height() - margin
        return max(100, round(width * ratio)), max(100, round(height * ratio))

    def image(self) -> QImage | None:
        """Return the figure that is shown, None where data are."""
        return self._image

    def rows(self) -> Sequence[tuple[str, ...]]:
        """Return the rows of data that are shown."""
        return self._rows

    def show_figure(
        self, pixels: Pixels, inches: tuple[float, float], clear: bool, dark: bool
    ) -> None:
        """Show RGBA pixels (H, W, 4) of a figure of that size; `clear`: its ground is none."""
        height, width = pixels.shape[:2]
        rgba = np.ascontiguousarray(pixels)
        view = QImage(rgba.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
        self._image = view.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
        self._shape = QSize(round(1000 * inches[0]), round(1000 * inches[1]))
        self._clear, self._dark = clear, dark
        self._rows = ()
        self.update()

    def show_rows(self, title: str, rows: Sequence[tuple[str, ...]]) -> None:
        """Show rows of text in columns, the first as their head."""
        self._image = None
        self._title, self._rows = title, rows
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say that there is another size to fill."""
        super().resizeEvent(event)
        self.resized.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the canvas and what is on it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().canvas)
        if self._image is not None:
            self._paint_figure(painter, self._image)
        elif self._rows:
            self._paint_rows(painter)
        else:
            paint_empty(painter, self.rect(), "", "Drawing the preview…")

    def _paint_figure(self, painter: QPainter, image: QImage) -> None:
        margin = theme.px(_MARGIN)
        room = self.rect().adjusted(margin, margin, -margin, -margin)
        size = self._shape.scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(QPoint(), size)
        place.moveCenter(room.center())
        if self._clear:
            painter.setBrushOrigin(place.topLeft())
            painter.fillRect(place, self._checks())
        exact = place.size() * self.devicePixelRatioF()
        smooth = abs(exact.width() - image.width()) > 1
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(place, image)
        painter.setPen(theme.current().border)
        painter.drawRect(place.adjusted(-1, -1, 0, 0))

    def _checks(self) -> QBrush:
        """Return the squares that stand for no ground, in the ground the text was made for."""
        look = style.DARK if self._dark else style.LIGHT
        side = theme.px(_SQUARE)
        tile = QPixmap(2 * side, 2 * side)
        tile.fill(QColor(look.ground))
        painter = QPainter(tile)
        for x, y in ((0, 0), (side, side)):
            painter.fillRect(x, y, side, side, QColor(look.track))
        painter.end()
        return QBrush(tile)

    def _paint_rows(self, painter: QPainter) -> None:
        now, margin = theme.current(), theme.px(_MARGIN)
        page = self.rect().adjusted(margin, margin, -margin, -margin)
        painter.fillRect(page, now.base)
        painter.setPen(now.border)
        painter.drawRect(page.adjusted(0, 0, -1, -1))
        inside = page.adjusted(theme.px(16), theme.px(12), -theme.px(16), -theme.px(12))
        painter.setClipRect(inside)
        painter.setFont(theme.font("strong"))
        painter.setPen(now.text)
        line = theme.px(24)
        top = inside.top()
        painter.drawText(inside.left(), top, inside.width(), line, 0, self._title)
        painter.setFont(theme.font("secondary"))
        metrics = painter.fontMetrics()
        gap = theme.px(20)
        columns = range(len(self._rows[0]))
        # One more: an advance is rounded, and what is a part of a pixel too wide is cut.
        widths = [1 + max(metrics.horizontalAdvance(row[i]) for row in self._rows) for i in columns]
        widths = fitted(widths, inside.width() - gap * (len(widths) - 1), theme.px(_LEAST))
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        sides = [right if _is_number(cell) else middle for cell in self._rows[-1]]
        for number, row in enumerate(self._rows):
            top += line
            if top + line > inside.bottom():
                break
            left = inside.left()
            for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
                painter.setPen(now.muted if number == 0 or place else now.text)
                words = metrics.elidedText(cell, Qt.TextElideMode.ElideMiddle, width)
                side = int(middle | sides[place])
                painter.drawText(left, top, width, line, side, words)
                left += width + gap


def fitted(widths: list[int], room: int, least: int) -> list[int]:
    """Return widths that fit into a room: the widest give way first, none below `least`."""
    found, over = list(widths), sum(widths) - room
    while over > 0 and max(found) > least:
        place = found.index(max(found))
        cut = min(over, found[place] - least)
        found[place] -= cut
        over -= cut
    return found


def _is_number(cell: str) -> bool:
    return cell.lstrip(MINUS)[:1].isdigit() and TIMES not in cell
