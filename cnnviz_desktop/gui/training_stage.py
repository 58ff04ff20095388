"""Show one checkpoint after the other: a channel's pictures, a slider, the network's curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetrics, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QVBoxLayout, QWidget

from cnnviz_desktop.data import Floats, Timeline
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import Line as Rule
from cnnviz_desktop.gui.controls import Segments, icon_button, label, named, push_button
from cnnviz_desktop.gui.labels import ElidedLabel
from cnnviz_desktop.gui.training_plot import CurvePlot, Line

_TALLEST = 280  # pixels of the design that a picture has at most
_PACE = 700  # milliseconds that a checkpoint stays while all are played
_WORDS = {
    "map": "Map",
    "kernel": "Kernel",
    "cam": "CAM",
    "maximised": "Wants to see",
}
_SINCE = (
    ("drift", "First", "How far the weights are from those of the first checkpoint"),
    ("moved", "Before", "How far the weights are from those of the checkpoint before"),
)


class PanelRow(QWidget):
    """Pictures side by side, each under its name (`timelinePanels`). It says nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "timelinePanels", "The channel at this checkpoint")
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._shown: tuple[tuple[str, QImage], ...] = ()

    def show_panels(self, shown: Sequence[tuple[str, QImage]]) -> None:
        """Show pictures by their names."""
        if len(shown) != len(self._shown):
            self.updateGeometry()
        self._shown = tuple(shown)
        self.setAccessibleDescription(", ".join(name for name, _image in shown))
        self.update()

    def shown(self) -> tuple[tuple[str, QImage], ...]:
        """Return the names and pictures."""
        return self._shown

    def sizeHint(self) -> QSize:
        """Ask for four pictures."""
        return QSize(theme.px(800), theme.px(230))

    def heightForWidth(self, width: int) -> int:
        """Ask for no more than the pictures take beside each other."""
        count = max(len(self._shown), 1)
        side = (width - (count - 1) * theme.px(16)) // count
        return min(side, theme.px(_TALLEST)) + self._line()

    def minimumSizeHint(self) -> QSize:
        """Ask for pictures that can be recognised."""
        return QSize(theme.px(320), theme.px(110))

    def changeEvent(self, event: QEvent) -> None:
        """Repaint in the colours that are on."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationFontChange):
            self.update()
        super().changeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the names and below each its picture, as large as fits."""
        painter = QPainter(self)
        now, count = theme.current(), max(len(self._shown), 1)
        painter.setFont(theme.font("secondary"))
        line, gap = self._line(), theme.px(16)
        side = min((self.width() - (count - 1) * gap) // count, self.height() - line)
        for place, (name, image) in enumerate(self._shown):
            left = place * (side + gap)
            painter.setPen(now.muted)
            painter.drawText(QRect(left, 0, side, line), Qt.AlignmentFlag.AlignLeft, name)
            size = image.size().scaled(QSize(side, side), Qt.AspectRatioMode.KeepAspectRatio)
            cells = image.width() <= 2 * theme.px(96) and name in (_WORDS["map"], _WORDS["kernel"])
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not cells)
            painter.drawImage(QRectF(left, line, size.width(), size.height()), image)

    @staticmethod
    def _line() -> int:
        return QFontMetrics(theme.font("secondary")).height() + 6


class TimelineStage(QWidget):
    """The page of a timeline. Signals: `film_wanted` by its button."""

    film_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line: Timeline | None = None
        self._images: list[dict[str, QImage]] = []
        self.panels = PanelRow()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        named(self.slider, "timelineSlider", "Checkpoint", "Which checkpoint is shown (arrow keys)")
        self.slider.setPageStep(1)
        self.play = icon_button("play", "timelinePlay", "Play", "Play all checkpoints")
        self.about = ElidedLabel(role="strong")
        named(self.about, "timelineStep", "Checkpoint")
        tip = "Write all checkpoints as a moving picture, with the record that makes it again"
        self.film = push_button(f"Save as GIF{labels.ELLIPSIS}", "timelineFilm", tip, "save")
        self.since = Segments(_SINCE, "timelineSince", "Distance from")
        self.drift = CurvePlot("timelineDrift")
        self.dead = CurvePlot("timelineDead")
        self.answer = CurvePlot("timelineAnswer")
        self._notes = label("", "secondary", muted=True)
        self._notes.setWordWrap(True)
        self._clock = QTimer(self)
        self._clock.setInterval(_PACE)
        self._lay_out()
        self.slider.valueChanged.connect(self._show_place)
        self.play.clicked.connect(self._turn_play)
        self.film.clicked.connect(self.film_wanted)
        self.since.picked.connect(self._draw_curves)
        self._clock.timeout.connect(self._tick)
        for plot in (self.drift, self.dead, self.answer):
            plot.picked.connect(self._go_to)
        self.setFocusProxy(self.slider)

    def show_line(self, line: Timeline) -> None:
        """Take a timeline; its pictures come as they are drawn."""
        at_end = self._line is None or self.slider.value() >= self.slider.maximum()
        self._line = line
        last = len(line.names) - 1
        self.slider.setEnabled(last > 0)
        self.play.setEnabled(last > 0)
        self.slider.setRange(0, last)
        self._notes.setText("\n".join(line.notes))
        self._notes.setVisible(bool(line.notes))
        self._draw_curves()
        if at_end:
            self.slider.setValue(last)
        self._show_place()

    def show_panels(self, first: int, images: Sequence[dict[str, QImage]]) -> None:
        """Take the pictures of checkpoints from `first` on."""
        self._images[first:] = images
        self._show_place()

    def forget(self) -> None:
        """Show nothing."""
        self._line = None
        self._images = []
        self._stop()
        self.panels.show_panels(())

    def place(self) -> int:
        """Return which checkpoint is shown."""
        return self.slider.value()

    def is_playing(self) -> bool:
        """Tell whether the checkpoints are played."""
        return self._clock.isActive()

    def changeEvent(self, event: QEvent) -> None:
        """Give the layers the colours of the ground that is on."""
        if event.type() == QEvent.Type.PaletteChange and self._line is not None:
            self._draw_curves()
        super().changeEvent(event)

    def hideEvent(self, event: object) -> None:
        """Rest while nobody looks."""
        self._stop()

    def _lay_out(self) -> None:
        time = QHBoxLayout()
        time.setSpacing(10)
        for widget, stretch in ((self.play, 0), (self.slider, 1), (self.about, 1), (self.film, 0)):
            time.addWidget(widget, stretch)
        since = QHBoxLayout()
        since.addWidget(label("Drift from the", "secondary", muted=True))
        since.addWidget(self.since)
        since.addStretch(1)
        curves = QHBoxLayout()
        curves.setSpacing(20)
        for plot in (self.drift, self.dead, self.answer):
            curves.addWidget(plot, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        column.addWidget(self.panels)
        column.addLayout(time)
        column.addWidget(Rule())
        column.addLayout(since)
        column.addLayout(curves, 1)
        column.addWidget(self._notes)

    def _draw_curves(self) -> None:
        line = self._line
        if line is None:
            return
        steps = np.array(line.steps, np.float32)
        shades = style.layer_shades(len(line.layers), dark=theme.current().name == "dark")
        unit = line.unit
        values = line.drift if self.since.value() == "drift" else line.moved

        def of_layers(table: Floats) -> list[Line]:
            here = line.kernel_layer or line.layer
            return [
                Line(name, steps, table[:, place], shades[place], strong=name == here)
                for place, name in enumerate(line.layers)
            ]

        far = f"L2, {len(line.layers)} layers: the later, the brighter"
        self.drift.show_lines("Weight drift", of_layers(values), about=far, unit=unit)
        over = f"on {line.pictures} pictures" if line.pictures > 1 else "on this picture"
        dead = of_layers(line.dead)
        self.dead.show_lines("Dead filters", dead, about=over, unit=unit, share=True)
        shown = line.share
        self.answer.setVisible(shown is not None)
        if shown is not None:
            curve = Line("", steps, shown, strong=True)
            about = line.target_label
            self.answer.show_lines("Answer", [curve], about=about, unit=unit, share=True)
        self._mark()

    def _show_place(self) -> None:
        line, place = self._line, self.slider.value()
        if line is None:
            return
        from cnnviz_desktop.figures.timeline_film import said, when

        place = min(place, len(line.names) - 1)
        of = f"{place + 1} of {len(line.names)}"
        parts = [when(line, place), of, said(line, place)]
        self.about.setText(f" {labels.DOT} ".join(part for part in parts if part))
        if place < len(self._images):
            images = self._images[place]
            self.panels.show_panels([(_WORDS[name], image) for name, image in images.items()])
        self._mark()

    def _mark(self) -> None:
        if self._line is not None and self.slider.value() < len(self._line.steps):
            step = float(self._line.steps[self.slider.value()])
            for plot in (self.drift, self.dead, self.answer):
                plot.mark(step)

    def _go_to(self, step: float) -> None:
        """Show the checkpoint nearest to a step."""
        if self._line is not None:
            steps = np.array(self._line.steps, np.float64)
            self.slider.setValue(int(np.abs(steps - step).argmin()))

    def _turn_play(self) -> None:
        if self._clock.isActive():
            self._stop()
            return
        if self.slider.value() >= self.slider.maximum():
            self.slider.setValue(0)
        self._clock.start()
        self._show_button()

    def _tick(self) -> None:
        if self.slider.value() >= self.slider.maximum():
            self._stop()
        else:
            self.slider.setValue(self.slider.value() + 1)

    def _stop(self) -> None:
        self._clock.stop()
        self._show_button()

    def _show_button(self) -> None:
        playing = self._clock.isActive()
        self.play.setIcon(theme.icon("pause" if playing else "play"))
        self.play.setAccessibleName("Pause" if playing else "Play")
