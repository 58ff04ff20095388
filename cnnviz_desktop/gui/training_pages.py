"""Show what a log holds: curves by what they measure, histograms over steps, pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.engine.training_log import measured
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import fix_size, label, named
from cnnviz_desktop.gui.labels import ElidedLabel
from cnnviz_desktop.gui.picture_view import PictureView
from cnnviz_desktop.gui.qimages import qimage_of
from cnnviz_desktop.gui.training_plot import CurvePlot, Line

if TYPE_CHECKING:
    from cnnviz_desktop.data.training_logs import LoggedHistogram, LoggedPictures, TrainingLog

_COLUMN = 380  # pixels of the design that a plot wants across
_TALL, _TALLEST = 210, 380
_HUES = 4
_FIRST = ("loss", "acc", "mse", "r2", "r²")
_FIRST_ON = ("train", "training")
_MOST = 60  # plots: a log of every weight's norm has thousands


class CurvesPage(QWidget):
    """A plot for each thing measured, a curve for each run and what it was measured on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "loggedCurves", "Curves")
        self.plots: dict[str, CurvePlot] = {}
        self._look = (0.0, False)
        self._inner = QWidget()
        self._grid = QGridLayout(self._inner)
        self._grid.setContentsMargins(16, 12, 16, 12)
        self._grid.setSpacing(20)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        self._area.setWidget(self._inner)
        self._area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        named(self._area, "loggedCurvesArea", "Curves")
        self._left_out = label("", "secondary", muted=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._area, 1)
        column.addWidget(self._left_out)
        self._left_out.setContentsMargins(16, 4, 16, 8)
        self.setFocusProxy(self._area)

    def show_log(self, log: TrainingLog) -> None:
        """Show what there is by now; plots that are there already stay."""
        found = lines_of(log)
        kept = dict(list(found.items())[:_MOST])
        for title in [title for title in self.plots if title not in kept]:
            self.plots.pop(title).deleteLater()
        for place, (title, (lines, unit)) in enumerate(kept.items()):
            plot = self.plots.get(title)
            if plot is None:
                plot = self.plots[title] = CurvePlot(f"loggedCurve{place}")
                plot.set_look(self._look[0], log=self._look[1])
            many = f"{len(lines)} curves: the later, the brighter" if len(lines) > _HUES else ""
            shaded = many if lines and lines[0].shade else ""
            plot.show_lines(title.replace("_", " "), lines, unit=unit, about=shaded)
        self.plots = {title: self.plots[title] for title in kept}  # what is new may come first
        more = len(found) - len(kept)
        self._left_out.setText(f"{labels.whole(more)} more are not shown." if more else "")
        self._left_out.setVisible(more > 0)
        self._arrange()

    def set_look(self, smoothing: float, *, log: bool) -> None:
        """Smooth the curves, and count by powers of ten."""
        self._look = (smoothing, log)
        for plot in self.plots.values():
            plot.set_look(smoothing, log=log)

    def resizeEvent(self, _event: object) -> None:
        """Put as many side by side as there is room for."""
        self._arrange()

    def _arrange(self) -> None:
        while self._grid.count():
            self._grid.takeAt(0)
        columns = max(1, min(len(self.plots), (self.width() - 12) // theme.px(_COLUMN)))
        for place, plot in enumerate(self.plots.values()):
            row, column = divmod(place, columns)
            plot.setMinimumHeight(theme.px(_TALL))
            plot.setMaximumHeight(theme.px(_TALLEST))
            self._grid.addWidget(plot, row, column)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        rows = -(-len(self.plots) // columns)
        for row in range(self._grid.rowCount() + 1):
            self._grid.setRowStretch(row, 4 if row < rows else 1 if row == rows else 0)


class HistogramsPage(QWidget):
    """How one name's numbers were spread, step after step."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "loggedHistograms", "Histograms")
        self.choice = _choice("histogramTag", "Which histogram")
        self.map = SpreadMap()
        self._found: dict[str, LoggedHistogram] = {}
        column = _page(self, self.choice)
        column.addWidget(self.map, 1)
        self.choice.currentTextChanged.connect(self._show)
        self.setFocusProxy(self.choice)

    def show_log(self, log: TrainingLog) -> None:
        """Offer what there is by now."""
        self._found = {
            _titled(run.name, item.tag): item for run in log.runs for item in run.histograms
        }
        _offer(self.choice, self._found)
        self._show()

    def _show(self) -> None:
        self.map.show_histogram(self._found.get(self.choice.currentText()))


class PicturesPage(QWidget):
    """The pictures that were written under one name, by step."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "loggedPictures", "Pictures")
        self.choice = _choice("pictureTag", "Which pictures")
        self.view = PictureView()
        self.view.setObjectName("loggedPicture")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        named(self.slider, "loggedStep", "Step", "After which step (arrow keys)")
        self.slider.setRange(0, 0)
        self.about = ElidedLabel(role="strong")
        self._found: dict[str, LoggedPictures] = {}
        self._drawn: object = None
        below = QHBoxLayout()
        below.setContentsMargins(16, 0, 16, 12)
        below.addWidget(self.slider, 2)
        below.addWidget(self.about, 1)
        column = _page(self, self.choice)
        column.addWidget(self.view, 1)
        column.addLayout(below)
        self.choice.currentTextChanged.connect(self._chose)
        self.slider.valueChanged.connect(self._show)
        self.setFocusProxy(self.slider)

    def show_log(self, log: TrainingLog) -> None:
        """Offer what there is by now; whoever looks at the latest follows it."""
        latest = self.slider.value() >= self.slider.maximum()
        self._found = {
            _titled(run.name, item.tag): item for run in log.runs for item in run.pictures
        }
        _offer(self.choice, self._found)
        self._range(latest)

    def _chose(self) -> None:
        self._range(latest=True)

    def _range(self, latest: bool) -> None:
        item = self._found.get(self.choice.currentText())
        last = len(item.steps) - 1 if item is not None else 0
        self.slider.setRange(0, max(0, last))
        self.slider.setEnabled(last > 0)
        if latest:
            self.slider.setValue(last)
        self._show()

    def _show(self) -> None:
        item = self._found.get(self.choice.currentText())
        if item is None or not item.pictures:
            return
        place = min(self.slider.value(), len(item.pictures) - 1)
        picture = item.pictures[place]
        self.about.setText(f"step {labels.whole(item.steps[place])}")
        if picture is not self._drawn:
            self._drawn = picture
            self.view.set_name(f"{item.tag}-{item.steps[place]}")
            self.view.show_image(qimage_of(picture))


class SpreadMap(QWidget):
    """Histograms as columns of colour, steps from left to right. It says nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "spreadMap", "Histogram by step")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self._item: LoggedHistogram | None = None
        self._image: QImage | None = None
        self._hover: QPoint | None = None

    def show_histogram(self, item: LoggedHistogram | None) -> None:
        """Show the histograms of a name; None for nothing."""
        if item is self._item:
            return
        self._item, self._image = item, None
        if item is not None and item.counts.size:
            most = np.maximum(item.counts.max(axis=1, keepdims=True), 1e-9)
            shares = np.sqrt(item.counts / most)  # the rare is seen as well
            table = style.lut(style.SEQUENTIAL)
            index = np.clip(shares.T[::-1] * 255, 0, 255).astype(np.uint8)
            self._image = qimage_of(np.ascontiguousarray(table[index]))
        self.update()

    def item(self) -> LoggedHistogram | None:
        """Return what is shown."""
        return self._item

    def said(self) -> str:
        """Return how many numbers are in the bin under the mouse."""
        plot, item, at = self._plot(), self._item, self._hover
        if item is None or at is None or not item.counts.size or not plot.contains(at):
            return ""
        rows, bins = item.counts.shape
        row = min(rows - 1, int((at.x() - plot.left()) * rows / plot.width()))
        place = min(bins - 1, int((plot.bottom() - at.y()) * bins / plot.height()))
        low, high = (labels.value(float(edge)) for edge in item.edges[place : place + 2])
        many = labels.whole(round(float(item.counts[row, place])))
        return f"step {labels.whole(round(float(item.steps[row])))}: {many} from {low} to {high}"

    def minimumSizeHint(self) -> QSize:
        """Ask for room for the numbers."""
        return QSize(theme.px(220), theme.px(140))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the columns, the values at the left, the steps below."""
        painter = QPainter(self)
        now, item = theme.current(), self._item
        if item is None or self._image is None:
            painter.setPen(now.muted)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "No histograms yet")
            return
        plot = self._plot()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(QRectF(plot), self._image)
        painter.setFont(theme.font("caption"))
        painter.setPen(now.muted)
        metrics = painter.fontMetrics()
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            value = float(item.edges[0] + share * (item.edges[-1] - item.edges[0]))
            y = plot.bottom() - round(share * plot.height())
            room = QRect(0, y - metrics.height() // 2, plot.left() - 8, metrics.height())
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(room, right, labels.value(value))
        room = QRect(plot.left(), plot.bottom() + 4, plot.width(), metrics.height())
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        painter.drawText(room, left, f"step {labels.whole(round(float(item.steps[0])))}")
        if len(item.steps) > 1:
            painter.drawText(room, right, labels.whole(round(float(item.steps[-1]))))
        painter.setPen(now.text)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, self.said())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say how many numbers are in the bin under the mouse."""
        self._hover = event.position().toPoint()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Say nothing."""
        self._hover = None
        self.update()
        super().leaveEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Repaint in the colours that are on."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationFontChange):
            self.update()
        super().changeEvent(event)

    def _plot(self) -> QRect:
        metrics = QFontMetrics(theme.font("caption"))
        left = metrics.horizontalAdvance("−0.00012") + 24
        return QRect(left, 10, self.width() - left - 16, self.height() - metrics.height() - 24)


def lines_of(log: TrainingLog) -> dict[str, tuple[list[Line], str]]:
    """Return the curves of all runs by what they measure, and what their steps count."""
    several = len(log.runs) > 1
    names = [name for run in log.runs for name in run.curves.names]
    of_layers = _families(names)
    kinds = sorted({measured(name)[1] for name in names}, key=lambda on: (on not in _FIRST_ON, on))
    found: dict[str, tuple[list[Line], str]] = {}
    for place, run in enumerate(log.runs):
        curves = run.curves
        rows = zip(curves.names, curves.steps, curves.values, strict=True)
        for name, steps, values in sorted(
            rows, key=lambda row: measured(row[0])[1] not in _FIRST_ON
        ):
            family, _slash, member = name.partition("/")
            what, on = (family, member) if name in of_layers else measured(name)
            lines, _unit = found.setdefault(what, ([], curves.unit_of_steps))
            words = [run.name if several else "", on if name in of_layers else on.replace("_", " ")]
            hue, dash = (place, 0) if several else (-1, -1)
            if name not in of_layers:
                hue, dash = (place, kinds.index(on)) if several else (kinds.index(on), -1)
            line = Line(" ".join(filter(None, words)), steps, values, hue=hue, dash=dash)
            lines.append(line)
    if not several:
        found = {what: (_shaded(lines), unit) for what, (lines, unit) in found.items()}
    order = sorted(found, key=lambda what: (_rank(what), what.lower()))
    return {what: found[what] for what in order}


def _families(names: Sequence[str]) -> set[str]:
    """Return the names that say the same of several layers: "dead_filters/conv1" and its like."""
    plain = [name for name in names if "/" in name and not measured(name)[1]]
    counts = Counter(name.partition("/")[0] for name in set(plain))
    return {name for name in plain if counts[name.partition("/")[0]] > 1}


def _shaded(lines: list[Line]) -> list[Line]:
    """Return many curves in the colours of depth: more than there are colours to tell apart."""
    if len(lines) <= _HUES:
        return lines
    shades = style.layer_shades(len(lines), dark=theme.current().name == "dark")
    return [replace(line, shade=shade) for line, shade in zip(lines, shades, strict=True)]


def _rank(what: str) -> int:
    """Return how early a measure comes: what everybody looks for comes first."""
    return next((n for n, word in enumerate(_FIRST) if what.lower().startswith(word)), len(_FIRST))


def _titled(run: str, tag: str) -> str:
    return f"{run}: {tag}" if run else tag


def _choice(name: str, says: str) -> QComboBox:
    made = QComboBox()
    named(made, name, says)
    fix_size(made, least=200)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContentsOnFirstShow)
    return made


def _page(page: QWidget, choice: QWidget) -> QVBoxLayout:
    above = QHBoxLayout()
    above.setContentsMargins(16, 12, 16, 0)
    above.addWidget(choice)
    above.addStretch(1)
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    column.addLayout(above)
    return column


def _offer(choice: QComboBox, names: Mapping[str, object] | Sequence[str]) -> None:
    """Offer names, keeping the one that is chosen."""
    listed = list(names)
    if [choice.itemText(place) for place in range(choice.count())] == listed:
        return
    chosen = choice.currentText()
    choice.blockSignals(True)
    choice.clear()
    choice.addItems(listed)
    choice.setCurrentIndex(listed.index(chosen) if chosen in listed else 0)
    choice.blockSignals(False)
