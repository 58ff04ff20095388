"""Paint how often networks are right when they are so sure: the curve of calibration."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from cnnviz_desktop.data import Evaluation
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import named

_NEAR = 12  # pixels from a point that the mouse may be
_LINE = 18  # of the list of networks


def model_colour(place: int) -> QColor:
    """Return the colour of a network in figures and tables."""
    now = theme.current()
    listed = style.CURVES_DARK if now.name == "dark" else style.CURVES_LIGHT
    others = [QColor(name) for name in (*listed[2:], listed[0])]
    return now.accent if place == 0 else others[(place - 1) % len(others)]


class CalibrationCurve(QWidget):
    """Confidence across, the share that is right up; points are as large as their bins
    (`calibrationCurve`). It says nothing.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "calibrationCurve", "How often it is right when so sure")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(theme.px(200), theme.px(200))
        self._models: tuple[Evaluation, ...] = ()

    def show_models(self, models: tuple[Evaluation, ...]) -> None:
        """Show the curves of some networks."""
        self._models = models
        said = [f"{item.model}: expected error {labels.percent(item.ece)}" for item in models]
        self.setAccessibleDescription("; ".join(said))
        self.update()

    def plot(self) -> QRect:
        """Return the square that the curves are drawn in."""
        margin, below = theme.px(44), theme.px(48) + theme.px(_LINE) * len(self._models)
        side = max(40, min(self.width() - margin - 20, self.height() - below - 36))
        return QRect(margin, theme.px(34), side, side)

    def points(self, place: int) -> list[tuple[int, QPointF]]:
        """Return the bins of a network that hold pictures, and where they are drawn."""
        item, plot = self._models[place], self.plot()
        found = []
        for number in np.flatnonzero(item.bin_counts > 0).tolist():
            x = plot.left() + float(item.bin_confidences[number]) * plot.width()
            y = plot.bottom() - float(item.bin_accuracies[number]) * plot.height()
            found.append((number, QPointF(x, y)))
        return found

    def event(self, event: QEvent) -> bool:
        """Say the numbers of the point under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            words = self.told(event.pos())
            if words:
                QToolTip.showText(event.globalPos(), words, self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def told(self, where: QPoint) -> str:
        """Return what the nearest point says, "" where there is none near."""
        near: list[tuple[float, str]] = []
        for place, item in enumerate(self._models):
            for number, point in self.points(place):
                away = (point - QPointF(where)).manhattanLength()
                sure = labels.percent(float(item.bin_confidences[number]))
                right = labels.percent(float(item.bin_accuracies[number]))
                many = labels.many(int(item.bin_counts[number]), "picture")
                words = f"{item.model}\n{many}: {sure} sure, {right} right"
                near.append((away, words))
        best = min(near, default=(_NEAR + 1.0, ""))
        return best[1] if best[0] <= _NEAR else ""

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the square, its diagonal and the curves."""
        painter, now, plot = QPainter(self), theme.current(), self.plot()
        painter.fillRect(self.rect(), now.base)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font("strong"))
        painter.setPen(now.text)
        head = QRect(16, 6, self.width() - 24, theme.px(22))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | middle, "Calibration")
        if not self._models:
            return
        painter.setPen(QPen(now.border, 1))
        painter.drawRect(plot)
        pen = QPen(now.muted, 1)
        pen.setDashPattern([4.0, 3.0])
        painter.setPen(pen)
        painter.drawLine(plot.bottomLeft(), plot.topRight())
        self._paint_numbers(painter, plot)
        for place, item in enumerate(self._models):
            points = self.points(place)
            colour = model_colour(place)
            painter.setPen(QPen(colour, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolyline(QPolygonF([point for _bin, point in points]))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            most = max(1, int(item.bin_counts.max()))
            for number, point in points:
                radius = 2.5 + 4.5 * (int(item.bin_counts[number]) / most) ** 0.5
                painter.drawEllipse(point, radius, radius)
        self._paint_list(painter, plot)

    def _paint_numbers(self, painter: QPainter, plot: QRect) -> None:
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.current().muted)
        high = painter.fontMetrics().height()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for share in (0.0, 0.5, 1.0):
            y = plot.bottom() - round(share * plot.height())
            room = QRect(plot.left() - 36, y - high // 2, 30, high)
            painter.drawText(room, right, f"{share:g}")
            x = plot.left() + round(share * plot.width())
            room = QRect(x - 20, plot.bottom() + 3, 40, high)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, f"{share:g}")
        room = QRect(16, plot.bottom() + high + 4, self.width() - 24, high)
        words = "across: how sure it is; up: how often it is right"
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft, words)

    def _paint_list(self, painter: QPainter, plot: QRect) -> None:
        """Name the curves."""
        now, line = theme.current(), theme.px(_LINE)
        top = plot.bottom() + 2 * painter.fontMetrics().height() + 10
        for place, item in enumerate(self._models):
            y = top + place * line
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(model_colour(place))
            painter.drawRect(16, y + 3, 10, 10)
            painter.setPen(now.text)
            words = f"{item.model}: expected error {labels.percent(item.ece)}"
            room = QRect(32, y, self.width() - 40, line)
            text = painter.fontMetrics().elidedText(
                words, Qt.TextElideMode.ElideMiddle, room.width()
            )
            middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(room, middle, text)
