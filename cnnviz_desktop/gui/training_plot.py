"""Paint numbers over the steps of a training: several curves, smoothed, read by the mouse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from cnnviz_desktop.data import Floats
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.maximise_curve import round_ticks

_DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
)
_LINES = 4  # of the ground, about
_TOLD = 6  # curves that are read at once
_FAINT = 0.28  # opacity of what is behind a smoothed curve
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, eq=False)
class Line:
    """One curve: `values` (M) at `steps` (M).

    `shade` is a colour of its own, which needs no name in the legend; else `hue` and `dash` count
    the colours and dashes there are, -1 for the next ones.
    """

    name: str
    steps: Floats
    values: Floats
    shade: str = ""
    strong: bool = False
    hue: int = -1
    dash: int = -1


class CurvePlot(QWidget):
    """Curves below a title, with a legend. Signals: `picked` (step) the plot was clicked."""

    picked = Signal(float)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, name, "Curves")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self._title, self._about, self._unit = "", "", "step"
        self._lines: tuple[Line, ...] = ()
        self._smooth: list[Floats] = []  # of the curves, once one of them is looked at
        self._weight, self._log, self._share = 0.0, False, False
        self._mark: float | None = None
        self._hover: QPointF | None = None
        self._grid: list[float] = []  # of the numbers and the scale of now

    def show_lines(
        self,
        title: str,
        lines: Sequence[Line],
        *,
        about: str = "",
        unit: str = "step",
        share: bool = False,
    ) -> None:
        """Show curves; a `share` is between nothing and all, in per cent."""
        self._title, self._about, self._unit, self._share = title, about, unit, share
        self._lines, self._grid, self._smooth = tuple(lines), [], []
        self.setAccessibleName(title)
        ends = [f"{line.name} {self._text(_last(line.values))}" for line in lines[:_TOLD]]
        self.setAccessibleDescription("; ".join(ends))
        self.update()

    def set_look(self, smoothing: float, *, log: bool) -> None:
        """Smooth the curves, and count by powers of ten."""
        if (smoothing, log) != (self._weight, self._log):
            self._weight, self._log, self._grid, self._smooth = smoothing, log, [], []
            self.update()

    def mark(self, step: float | None) -> None:
        """Mark a step."""
        if step != self._mark:
            self._mark = step
            self.update()

    def lines(self) -> tuple[Line, ...]:
        """Return the curves."""
        return self._lines

    def shown(self, place: int) -> Floats:
        """Return a curve as it is painted, smoothed."""
        if not self._smooth:
            self._smooth = [smoothed(line.values, self._weight) for line in self._lines]
        return self._smooth[place]

    def sizeHint(self) -> QSize:
        """Ask for twice as much across as down."""
        return QSize(theme.px(340), theme.px(200))

    def minimumSizeHint(self) -> QSize:
        """Ask for room for the numbers and a little more."""
        return QSize(theme.px(150), theme.px(110))

    def plot(self) -> QRect:
        """Return where the curves are drawn, inside their numbers."""
        metrics = QFontMetrics(theme.font("caption"))
        texts = [self._tick_text(tick) for tick in self._ticks()]
        left = max((metrics.horizontalAdvance(text) for text in texts), default=0) + 8
        top = QFontMetrics(theme.font("strong")).height() + metrics.height() + 10
        below = metrics.height() + 6
        return QRect(
            left, top, max(1, self.width() - left - 12), max(1, self.height() - below - top)
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint title, legend, the lines of the ground, the curves, and what the mouse reads."""
        painter = QPainter(self)
        plot, ticks = self.plot(), self._ticks()
        self._paint_words(painter)
        self._paint_ground(painter, plot, ticks)
        if not any(len(line.values) for line in self._lines):
            painter.setPen(theme.current().muted)
            painter.drawText(plot, Qt.AlignmentFlag.AlignCenter, "No numbers yet")
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(plot.adjusted(-3, -3, 3, 3))
        order = sorted(range(len(self._lines)), key=lambda place: self._lines[place].strong)
        for place in order:
            self._paint_line(painter, plot, place)
        painter.setClipping(False)
        self._paint_mark(painter, plot)
        if self._hover is not None:
            self._paint_reading(painter, plot, self._hover)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say the values under the mouse."""
        self._hover = event.position() if self.plot().contains(event.position().toPoint()) else None
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the step under the mouse."""
        plot = self.plot()
        if event.button() == Qt.MouseButton.LeftButton:
            low, high = self._span()
            share = (event.position().x() - plot.left()) / plot.width()
            self.picked.emit(low + min(max(share, 0.0), 1.0) * (high - low))

    def leaveEvent(self, event: QEvent) -> None:
        """Say nothing of values."""
        self._hover = None
        self.update()
        super().leaveEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours and fonts that are on."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationFontChange):
            self.update()
        super().changeEvent(event)

    def ink(self, place: int) -> tuple[QColor, Qt.PenStyle]:
        """Return the colour and dash of a curve."""
        if self._lines[place].shade:
            return QColor(self._lines[place].shade), Qt.PenStyle.SolidLine
        colours = style.CURVES_DARK if theme.current().name == "dark" else style.CURVES_LIGHT
        line = self._lines[place]
        hue = line.hue if line.hue >= 0 else place
        dash = line.dash if line.dash >= 0 else hue // len(colours) + hue
        return QColor(colours[hue % len(colours)]), _DASHES[dash % len(_DASHES)]

    def reading(self, step: float) -> list[tuple[int, float, float]]:
        """Return for each curve (place, step, value) at its point nearest to a step."""
        found = []
        for place, line in enumerate(self._lines):
            if len(line.steps):
                near = int(np.abs(line.steps - step).argmin())
                found.append((place, float(line.steps[near]), float(self.shown(place)[near])))
        return found

    def _paint_words(self, painter: QPainter) -> None:
        now = theme.current()
        painter.setFont(theme.font("strong"))
        painter.setPen(now.text)
        metrics = painter.fontMetrics()
        room = self.width() - 12
        title = metrics.elidedText(self._title, Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(0, metrics.ascent(), title)
        left, top = 0, metrics.height() + 2
        painter.setFont(theme.font("caption"))
        metrics = painter.fontMetrics()
        told = [place for place, line in enumerate(self._lines) if line.name and not line.shade]
        for place in told:
            colour, dash = self.ink(place)
            name = self._lines[place].name
            wide = metrics.horizontalAdvance(name) + 34
            if left + wide > room and left:
                painter.setPen(now.muted)
                painter.drawText(left, top + metrics.ascent(), labels.ELLIPSIS)
                return
            middle = top + metrics.height() / 2
            painter.setPen(QPen(colour, 2, dash))
            painter.drawLine(QPointF(left, middle), QPointF(left + 18, middle))
            painter.setPen(now.muted)
            painter.drawText(left + 22, top + metrics.ascent(), name)
            left += wide
        if self._about:
            painter.setPen(now.muted)
            words = metrics.elidedText(self._about, Qt.TextElideMode.ElideRight, room - left)
            painter.drawText(left, top + metrics.ascent(), words)

    def _paint_ground(self, painter: QPainter, plot: QRect, ticks: list[float]) -> None:
        now = theme.current()
        painter.setFont(theme.font("caption"))
        metrics = painter.fontMetrics()
        for tick in ticks:
            y = round(self._down(plot, tick))
            painter.fillRect(plot.left(), y, plot.width(), 1, now.border)
            painter.setPen(now.muted)
            room = QRect(0, y - metrics.height() // 2, plot.left() - 8, metrics.height())
            painter.drawText(room, _RIGHT, self._tick_text(tick))
        low, high = self._span()
        ends = [(low, f"{self._unit} {self._count(low)}", _LEFT), (high, self._count(high), _RIGHT)]
        room = QRect(plot.left(), plot.bottom() + 4, plot.width(), metrics.height())
        for _step, text, where in ends if high > low else ends[:1]:
            painter.drawText(room, where, text)

    def _paint_line(self, painter: QPainter, plot: QRect, place: int) -> None:
        line = self._lines[place]
        colour, dash = self.ink(place)
        if self._weight > 0:
            faint = QColor(colour)
            faint.setAlphaF(_FAINT)
            self._stroke(painter, plot, line.steps, line.values, QPen(faint, 1.0))
        pen = QPen(colour, 2.5 if line.strong else 1.5, dash)
        self._stroke(painter, plot, line.steps, self.shown(place), pen)

    def _stroke(
        self, painter: QPainter, plot: QRect, steps: Floats, values: Floats, pen: QPen
    ) -> None:
        """Stroke a curve, a point for each pixel across at most; what is no number is a gap."""
        pen.setCosmetic(True)
        painter.setPen(pen)
        stride = max(1, -(-len(values) // (2 * plot.width())))
        low, high = self._span()
        part: list[QPointF] = []
        places = list(range(0, len(values), stride))
        if places and places[-1] != len(values) - 1:
            places.append(len(values) - 1)
        for place in (*places, -1):
            value = self._scaled(float(values[place])) if place >= 0 else math.nan
            if math.isfinite(value):
                x = plot.left() + (float(steps[place]) - low) / max(high - low, 1e-9) * plot.width()
                part.append(QPointF(x, self._down(plot, value)))
                continue
            if len(part) == 1:
                painter.setBrush(pen.color())
                painter.drawEllipse(part[0], 2.0, 2.0)
                painter.setBrush(Qt.BrushStyle.NoBrush)
            elif part:
                painter.drawPolyline(QPolygonF(part))
            part = []

    def _paint_mark(self, painter: QPainter, plot: QRect) -> None:
        low, high = self._span()
        if self._mark is None or not low <= self._mark <= high:
            return
        x = plot.left() + (self._mark - low) / max(high - low, 1e-9) * plot.width()
        painter.fillRect(QRectF(x - 0.5, plot.top(), 1.5, plot.height()), theme.current().accent)

    def _paint_reading(self, painter: QPainter, plot: QRect, mouse: QPointF) -> None:
        """Paint a line at the nearest step and the values there, those near the mouse first."""
        now = theme.current()
        low, high = self._span()
        step = low + (mouse.x() - plot.left()) / plot.width() * (high - low)
        found = self.reading(step)
        if not found:
            return
        down = {place: self._down(plot, self._scaled(value)) for place, _step, value in found}
        sound = [item for item in found if math.isfinite(down[item[0]])]
        sound.sort(key=lambda item: abs(down[item[0]] - mouse.y()))
        sound = sorted(sound[:_TOLD], key=lambda item: down[item[0]])
        if not sound:
            return
        at = min(sound, key=lambda item: abs(item[1] - step))[1]
        x = plot.left() + (at - low) / max(high - low, 1e-9) * plot.width()
        painter.fillRect(QRectF(x, plot.top(), 1, plot.height()), now.outline)
        rows = [f"{self._unit} {self._count(at)}"]
        for place, there, value in sound:
            painter.setPen(QPen(now.base, 1.5))
            painter.setBrush(self.ink(place)[0])
            painter.drawEllipse(QPointF(x, down[place]), 3.5, 3.5)
            line = self._lines[place]
            text = self._text(value)
            if self._weight > 0:  # the number itself counts more than its mean
                near = int(np.abs(line.steps - there).argmin())
                text = f"{self._text(float(line.values[near]))} (smoothed {text})"
            rows.append(f"{line.name}  {text}".strip())
        painter.setFont(theme.font("caption"))
        metrics = painter.fontMetrics()
        wide = max(metrics.horizontalAdvance(row) for row in rows) + 26
        tall = metrics.height() * len(rows) + 8
        left = x + 10 if x + 10 + wide < self.width() else max(0.0, x - 10 - wide)
        room = QRectF(left, plot.top() + 2, wide, tall)
        painter.setPen(now.border)
        painter.setBrush(now.panel)
        painter.drawRoundedRect(room, 3, 3)
        for row, text in enumerate(rows):
            top = room.top() + 4 + row * metrics.height()
            if row:
                colour = self.ink(sound[row - 1][0])[0]
                painter.fillRect(QRectF(left + 6, top + metrics.height() / 2 - 3, 6, 6), colour)
            painter.setPen(now.text if row else now.muted)
            painter.drawText(QPointF(left + (18 if row else 6), top + metrics.ascent()), text)

    def _span(self) -> tuple[float, float]:
        """Return the first and the last step."""
        known = [line.steps for line in self._lines if len(line.steps)]
        if not known:
            return 0.0, 0.0
        return float(min(s.min() for s in known)), float(max(s.max() for s in known))

    def _ticks(self) -> list[float]:
        """Return the lines of the ground, in the scale that is on."""
        if not self._grid:
            self._grid = self._measured()
        return self._grid

    def _measured(self) -> list[float]:
        lows, highs = [], []
        painted = (self.shown(place) for place in range(len(self._lines)))
        for values in (*painted, *(line.values for line in self._lines)):
            known = values[np.isfinite(values) & ((values > 0) | (not self._log))]
            if len(known):
                lows.append(self._scaled(float(known.min())))
                highs.append(self._scaled(float(known.max())))
        if not lows:
            return [0.0, 1.0]
        if self._log:
            first = math.floor(min(lows))
            last = max(math.ceil(max(highs)), first + 1)
            step = -(-(last - first) // _LINES)
            return [float(power) for power in range(first, last + step, step)]
        low, high = min(0.0, *lows), max(highs)
        if self._share:
            high = max(high, 1.0 if high > 0.5 else 0.04)
        return round_ticks(low, high if high > low else low + 1.0, _LINES)

    def _scaled(self, value: float) -> float:
        if not self._log:
            return value
        return math.log10(value) if value > 0 else math.nan

    def _back(self, tick: float) -> float:
        return 10.0**tick if self._log else tick

    def _down(self, plot: QRect, value: float) -> float:
        ticks = self._ticks()
        low, high = ticks[0], ticks[-1]
        return plot.bottom() - (value - low) / max(high - low, 1e-30) * plot.height()

    def _text(self, value: float) -> str:
        return labels.percent(value) if self._share else labels.value(value)

    def _tick_text(self, tick: float) -> str:
        """Return the number of a line of the ground, with the digits that tell it from the next."""
        ticks = self._ticks()
        apart = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
        digits = len(f"{apart:.6f}".rstrip("0").partition(".")[2])
        if self._log or self._share or not 0 < digits < 6:
            return self._text(self._back(tick))
        return f"{tick:.{digits}f}".replace("-", labels.MINUS)

    @staticmethod
    def _count(step: float) -> str:
        return labels.whole(round(step)) if step == round(step) else labels.value(step)


def smoothed(values: Floats, weight: float) -> Floats:
    """Return an exponential moving average of a weight 0..1, as TensorBoard shows it.

    It begins with the first value, not with zero; what is no number is passed over.
    """
    if weight <= 0 or len(values) < 3:
        return values
    last, known = 0.0, 0
    found = np.empty(len(values), np.float32)
    for place, value in enumerate(values.tolist()):
        if math.isfinite(value):
            last = last * weight + (1 - weight) * value
            known += 1
            found[place] = last / (1 - weight**known)
        else:
            found[place] = value
    return found


def _last(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else math.nan
