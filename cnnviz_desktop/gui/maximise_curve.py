"""Paint how what a picture is grown for rises, step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from cnnviz_desktop.data import Floats
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import named

_DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
_SKETCHED = 48  # points of a curve that is one of many
_GREY = 24  # of which as many are painted, about
_FEW = 8  # steps, all of which have their number below
_LINES = 4  # of the ground, about
_NOISE = 0.1  # of the highest value: what dips below zero by less needs no line of its own


@dataclass(frozen=True, eq=False)
class Curve:
    """What one picture reached after each step; only those with a name are told apart."""

    values: Floats
    name: str = ""
    chosen: bool = False


class CurveView(QWidget):
    """Curves over the steps of a run (`growthCurve`). It says nothing.

    The chosen curve is thick; named ones have colours, dashes and their name at the end; the others
    are grey.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "growthCurve", "Objective by step")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self._curves: tuple[Curve, ...] = ()
        self._steps = 0
        self._unit = "step"
        self._mark = -1
        self._hover = -1
        self._ticks = round_ticks(0.0, 1.0, _LINES)
        self._plot = QRect()  # in the size and with the numbers of now

    def show_curves(self, curves: Sequence[Curve], steps: int, unit: str = "step") -> None:
        """Show curves of a run of so many steps, or of as many of another unit."""
        self._curves = tuple(curves)
        self._unit = unit
        self._steps = max([steps, *(len(curve.values) for curve in curves)])
        self._plot = QRect()
        noise = _NOISE if unit == "step" else 0.0
        self._ticks = round_ticks(*_reach(curves, noise), _LINES)
        chosen = self._chosen()
        if chosen is not None and len(chosen.values):
            last = labels.value(_last(chosen.values)[1])
            self.setAccessibleDescription(f"{last} after {unit} {len(chosen.values)}")
        self.update()

    def curves(self) -> tuple[Curve, ...]:
        """Return the curves that are shown."""
        return self._curves

    def mark_step(self, step: int) -> None:
        """Mark a step that is compared with, -1 for none."""
        if step != self._mark:
            self._mark = step
            self.update()

    def sizeHint(self) -> QSize:
        """Ask for twice as much across as down."""
        return QSize(theme.px(420), theme.px(210))

    def minimumSizeHint(self) -> QSize:
        """Ask for room for the numbers and a little more."""
        return QSize(theme.px(160), theme.px(96))

    def plot(self) -> QRect:
        """Return where the curves are drawn, inside their numbers."""
        if self._plot.isNull():
            self._plot = self._measured()
        return self._plot

    def _measured(self) -> QRect:
        metrics = QFontMetrics(theme.font("caption"))
        numbers = [labels.value(tick) for tick in self._ticks]
        left = max((metrics.horizontalAdvance(text) for text in numbers), default=0) + 8
        named_ones = [curve for curve in self._curves if curve.name]
        fonts = [QFontMetrics(self._name_font(curve)) for curve in named_ones]
        words = [font.horizontalAdvance(c.name) for font, c in zip(fonts, named_ones, strict=True)]
        right = min(max(words, default=0) + 10, self.width() // 4)
        below = metrics.height() + 6
        return QRect(
            left, 6, max(1, self.width() - left - right), max(1, self.height() - below - 6)
        )

    def path_of(self, curve: Curve) -> QPainterPath:
        """Return a curve in the widget's pixels, with at most two points for each of them.

        One among many without a name has few: stroking is what costs.
        """
        plot, low, high = self.plot(), self._ticks[0], self._ticks[-1]
        values = curve.values
        told = curve.name or curve.chosen
        stride = -(-len(values) // (2 * plot.width() if told else _SKETCHED)) or 1
        places = np.arange(0, len(values), stride)
        if len(values) and places[-1] != len(values) - 1:
            places = np.append(places, len(values) - 1)
        across = plot.left() + (places + 1) / max(1, self._steps) * plot.width()
        down = plot.bottom() - (values[places] - low) / max(high - low, 1e-30) * plot.height()
        path = QPainterPath()
        begun = False
        for x, y in zip(across.tolist(), down.tolist(), strict=True):
            if not math.isfinite(y):
                begun = False
            elif begun:
                path.lineTo(x, y)
            else:
                path.moveTo(x, y)
                begun = True
        return path

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the numbers, the lines of the ground, the curves and their names."""
        painter = QPainter(self)
        now = theme.current()
        plot = self.plot()
        painter.setFont(theme.font("caption"))
        metrics = painter.fontMetrics()
        low, high = self._ticks[0], self._ticks[-1]
        for tick in self._ticks:
            y = plot.bottom() - round((tick - low) / max(high - low, 1e-30) * plot.height())
            painter.fillRect(plot.left(), y, plot.width(), 1, now.border)
            painter.setPen(now.muted)
            room = QRect(0, y - metrics.height() // 2, plot.left() - 8, metrics.height())
            painter.drawText(room, _RIGHT, labels.value(tick))
        self._paint_steps(painter, plot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inks = self._inks()
        order = sorted(range(len(self._curves)), key=lambda i: self._weight(self._curves[i]))
        grey = sum(not self._weight(curve) for curve in self._curves)
        order = [*order[:grey][:: max(1, grey // _GREY)], *order[grey:]]
        painter.setClipRect(plot.adjusted(-2, -2, 2, 2))
        for place in order:
            curve = self._curves[place]
            ink, dash = inks[place]
            pen = QPen(ink, 2.0 if curve.chosen else 1.25, dash)
            pen.setCosmetic(True)
            painter.strokePath(self.path_of(curve), pen)
        painter.setClipping(False)
        self._paint_names(painter, plot, inks)
        self._paint_marks(painter, plot)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say the value of the step under the mouse."""
        plot = self.plot()
        share = (event.position().x() - plot.left()) / plot.width()
        chosen = self._chosen()
        reached = len(chosen.values) if chosen is not None else 0
        step = round(share * self._steps)
        self._hover = min(max(step, 1), reached) if 0 <= share <= 1 and reached else -1
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Say nothing of steps."""
        self._hover = -1
        self.update()
        super().leaveEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours and fonts that are on."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationFontChange):
            self._plot = QRect()
            self.update()
        super().changeEvent(event)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Measure anew for the new size."""
        self._plot = QRect()

    def _paint_steps(self, painter: QPainter, plot: QRect) -> None:
        """Paint the numbers of the steps below."""
        if not self._steps:
            return
        metrics = painter.fontMetrics()
        painter.setPen(theme.current().muted)
        number = metrics.horizontalAdvance(labels.whole(self._steps))
        first = metrics.horizontalAdvance(f"{self._unit} 0")
        widest = max(number + 24, first + number // 2 + 8)
        few = (self._steps,) if self._steps <= _FEW else ()
        fitting = (n for n in (*few, 4, 5, 3, 2) if not self._steps % n)
        parts = next((n for n in fitting if plot.width() / n >= widest), 1)
        for part in range(parts + 1):
            step = round(part * self._steps / parts)
            text = labels.whole(step) if part else f"{self._unit} 0"
            wide = metrics.horizontalAdvance(text)
            middle = plot.left() + part * plot.width() / parts
            left = min(
                max(plot.left() if not part else 0.0, middle - wide / 2), plot.right() - wide
            )
            room = QRectF(
                left if part else plot.left(), plot.bottom() + 5, wide + 2, metrics.height()
            )
            painter.drawText(room, _LEFT, text)

    def _paint_names(
        self, painter: QPainter, plot: QRect, inks: Sequence[tuple[QColor, Qt.PenStyle]]
    ) -> None:
        """Paint each name where its curve ends, none over another."""
        ends = []
        for place, curve in enumerate(self._curves):
            if curve.name and len(curve.values):
                step, value = _last(curve.values)
                ends.append((self._point(plot, step, value), place))
        ends.sort(key=lambda end: end[0].y())
        high = QFontMetrics(theme.font("caption")).height()
        tops = _apart([point.y() - high / 2 for point, _place in ends], high, plot)
        for (point, place), top in zip(ends, tops, strict=True):
            curve = self._curves[place]
            painter.setFont(self._name_font(curve))
            painter.setPen(inks[place][0])
            room = QRectF(point.x() + 6, top, self.width() - point.x() - 6, high)
            text = painter.fontMetrics().elidedText(
                curve.name, Qt.TextElideMode.ElideRight, int(room.width())
            )
            painter.drawText(room, _LEFT, text)

    def _paint_marks(self, painter: QPainter, plot: QRect) -> None:
        """Paint where the run is, and the step that is compared with or pointed at."""
        chosen = self._chosen()
        if chosen is None or not len(chosen.values):
            return
        now = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        reached = _last(chosen.values)[0]
        if reached < self._steps - 1:
            x = round(self._point(plot, reached, 0.0).x())
            painter.fillRect(x, plot.top(), 1, plot.height(), now.outline)
        step = self._hover if self._hover > 0 else self._mark
        if not 0 < step <= len(chosen.values):
            return
        value = float(chosen.values[step - 1])
        point = self._point(plot, step - 1, value if math.isfinite(value) else 0.0)
        painter.fillRect(round(point.x()), plot.top(), 1, plot.height(), now.accent)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(now.base, 1.5))
        painter.setBrush(now.accent)
        painter.drawEllipse(point, 4.0, 4.0)
        text = f"{self._unit} {labels.whole(step)}: {labels.value(value)}"
        painter.setFont(theme.font("caption"))
        metrics = painter.fontMetrics()
        wide = metrics.horizontalAdvance(text) + 12
        left = point.x() + 8 if point.x() + 8 + wide < self.width() else point.x() - 8 - wide
        room = QRectF(left, plot.top() + 2, wide, metrics.height() + 4)
        painter.setPen(now.border)
        painter.setBrush(now.panel)
        painter.drawRoundedRect(room, 3, 3)
        painter.setPen(now.text)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, text)

    def _point(self, plot: QRect, place: int, value: float) -> QPointF:
        low, high = self._ticks[0], self._ticks[-1]
        x = plot.left() + (place + 1) / max(1, self._steps) * plot.width()
        return QPointF(x, plot.bottom() - (value - low) / max(high - low, 1e-30) * plot.height())

    def _inks(self) -> list[tuple[QColor, Qt.PenStyle]]:
        """Return the colour and dash of each curve."""
        now = theme.current()
        first, *others = style.CURVES_DARK if now.name == "dark" else style.CURVES_LIGHT
        inks: list[tuple[QColor, Qt.PenStyle]] = []
        told = 0
        for curve in self._curves:
            if curve.chosen:
                inks.append((QColor(first), Qt.PenStyle.SolidLine))
            elif curve.name:
                inks.append((QColor(others[told % len(others)]), _DASHES[told % len(_DASHES)]))
                told += 1
            else:
                inks.append((now.silent, Qt.PenStyle.SolidLine))
        return inks

    def _chosen(self) -> Curve | None:
        return next((curve for curve in self._curves if curve.chosen), None)

    @staticmethod
    def _weight(curve: Curve) -> int:
        """Return what is painted over what: the chosen one last."""
        return 2 if curve.chosen else 1 if curve.name else 0

    @staticmethod
    def _name_font(curve: Curve) -> QFont:
        font = theme.font("caption")
        font.setBold(curve.chosen)
        return font


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def round_ticks(low: float, high: float, lines: int) -> list[float]:
    """Return about so many round numbers that enclose a span."""
    span = high - low
    if not span > 0:
        high, span = low + 1.0, 1.0
    rough = span / lines
    power = 10.0 ** math.floor(math.log10(rough))
    unit = next(power * step for step in (1, 2, 2.5, 5, 10) if power * step >= rough * 0.999)
    first, last = math.floor(low / unit + 1e-9), math.ceil(high / unit - 1e-9)
    return [place * unit for place in range(first, last + 1)]


def _reach(curves: Sequence[Curve], noise: float) -> tuple[float, float]:
    """Return the least and the largest value of all curves, zero among them."""
    lows, highs = [0.0], [0.0]
    for curve in curves:
        known = curve.values[np.isfinite(curve.values)]
        if len(known):
            lows.append(float(known.min()))
            highs.append(float(known.max()))
    low, high = min(lows), max(highs)
    return (low if -low > noise * high else 0.0), high


def _apart(tops: Sequence[float], high: int, plot: QRect) -> list[float]:
    """Move lines of words apart that would lie over one another or below the plot, top down."""
    found: list[float] = []
    for top in tops:
        found.append(max(top, found[-1] + high) if found else max(top, float(plot.top() - high)))
    below = plot.bottom() + high / 2
    for place in reversed(range(len(found))):
        below = found[place] = min(found[place], below - high)
    return found


def _last(values: Floats) -> tuple[int, float]:
    """Return the last step that has a value, and the value."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return 0, 0.0
    return int(known[-1]), float(values[known[-1]])
