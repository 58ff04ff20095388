"""Lay out one grown picture: large, beside how its objective rose, above how it grew."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from cnnviz_desktop.data import Pixels, Prediction
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import label, link, named
from cnnviz_desktop.gui.labels import ElidedLabel
from cnnviz_desktop.gui.maximise_curve import Curve, CurveView
from cnnviz_desktop.gui.maximise_growth import GrowthStrip
from cnnviz_desktop.gui.picture_view import PictureView
from cnnviz_desktop.gui.prediction_bars import PredictionBars

_MARGIN = 16  # that PictureView leaves around a fitted picture
_CLASSES = 3
_LEAST_CURVE = 120
_SHARE = 0.58  # of the width that the picture takes at most


class MaximiseStage(QWidget):
    """The picture, what it is compared with, its curve, its class and its growth.

    Signals: `growth_wanted` the growth is to be saved as a moving picture.
    """

    growth_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "maximiseStage", "Grown picture")
        self.view = PictureView(self)
        tip = "Wheel zooms, drag moves, 0 fits"
        named(self.view, "grownPicture", "Grown picture", tip)
        self.view.set_empty_text(
            "Nothing grown yet.", "Press Run (F5): the picture grows here, step by step."
        )
        self.original = PictureView(self)
        named(self.original, "originalPicture", "Original", tip)
        self.original.hide()
        self.name = _placed(ElidedLabel(role="strong"), self, "grownName", "What is grown")
        self.about = _placed(
            ElidedLabel(muted=True), self, "grownAbout", "How far the picture has grown"
        )
        self.original_name = _placed(
            ElidedLabel(role="strong"), self, "originalName", "Name of the original"
        )
        self.curve_name = _placed(ElidedLabel(role="strong"), self, "curveName", "What rises")
        self.curve_about = _placed(ElidedLabel(muted=True), self, "curveAbout", "About the curve")
        self.curve = CurveView(self)
        self.facts = _placed(ElidedLabel(muted=True), self, "grownFacts", "What the unit gives")
        self.taken_for = label("The network takes it for", "strong")
        self.taken_for.setParent(self)
        self.bars = PredictionBars(self, pickable=False)
        self.bars.setObjectName("grownClasses")
        self.strip = GrowthStrip(self)
        self.save = link(
            f"Save as GIF{labels.ELLIPSIS}", "saveGrowth", "Save how the picture grew, as a GIF"
        )
        self.save.setParent(self)
        self.save.clicked.connect(self.growth_wanted)
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        self.view.show_pixels(None)
        self.original.show_pixels(None)
        for part in self._parts():
            part.hide()
        self._place()

    def show_picture(self, image: QImage | None, name: str, about: str) -> None:
        """Show the picture and what is said of it."""
        before = self.view.image()
        self.view.show_image(image)
        self.name.setText(name)
        self.about.setText(about)
        self._turn(image is not None, self.name, self.about)
        if image is not None and (before is None or before.size() != image.size()):
            self._place()

    def show_original(self, pixels: Pixels | None, name: str = "") -> None:
        """Show what the picture is compared with; None where there is nothing."""
        self.original_name.setText(name)
        if pixels is not None or self.original.image() is not None:
            self.original.show_pixels(pixels)
        self._turn(pixels is not None, self.original, self.original_name)

    def show_curves(
        self, curves: Sequence[Curve], steps: int, name: str, about: str, unit: str = "step"
    ) -> None:
        """Show how the objective rose, or what else there is over so many of a unit."""
        self.curve.show_curves(curves, steps, unit)
        self.curve_name.setText(name)
        self.curve_about.setText(about)
        self._turn(bool(curves), self.curve, self.curve_name, self.curve_about)

    def show_answer(self, answer: Prediction | None, facts: str, target: int | None = None) -> None:
        """Show what the network takes the picture for, and what the unit gives for it."""
        self.facts.setText(facts)
        self.bars.set_target(target)
        self._turn(bool(facts), self.facts)
        if answer is not None:
            self.bars.show_prediction(answer, _CLASSES)
        self._turn(answer is not None, self.bars, self.taken_for)

    def show_growth(self, has_growth: bool, whole: bool) -> None:
        """Show the strip of frames where there are some; a `whole` one can be saved."""
        self._turn(has_growth, self.strip)
        self._turn(has_growth and whole, self.save)

    def sizeHint(self) -> QSize:
        """Ask for a picture of a good size and a curve as wide."""
        return QSize(theme.px(860), theme.px(520))

    def minimumSizeHint(self) -> QSize:
        """Ask for a small picture with its strip."""
        return QSize(theme.px(360), theme.px(300))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the canvas."""
        QPainter(self).fillRect(self.rect(), theme.current().canvas)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Place everything for the new size."""
        self._place()

    def event(self, event: QEvent) -> bool:
        """Place everything anew when words have changed."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._place()
        return super().event(event)

    def _parts(self) -> tuple[QWidget, ...]:
        return (
            self.original,
            self.name,
            self.about,
            self.original_name,
            self.curve_name,
            self.curve_about,
            self.curve,
            self.facts,
            self.taken_for,
            self.bars,
            self.strip,
            self.save,
        )

    def _turn(self, shown: bool, *parts: QWidget) -> None:
        """Show or hide parts, and place the rest anew where that changed something."""
        if any(part.isHidden() is shown for part in parts):
            for part in parts:
                part.setVisible(shown)
            self._place()

    def _place(self) -> None:
        """Place the parts by hand: the picture's side follows from all the others' heights."""
        if self.view.image() is None and self.curve.isHidden():
            self.view.setGeometry(self.rect())
            return
        line = self.name.sizeHint().height() + 6
        below = line + (self.strip.sizeHint().height() + 8 if not self.strip.isHidden() else 0)
        if self.original.isHidden():
            bottom = self._place_beside(line, below)
        else:
            bottom = self._place_pair(line, below)
        self._place_strip(bottom)

    def _place_beside(self, line: int, below: int) -> int:
        """Place picture and curve side by side; return where the strip may begin."""
        width, height = self.width(), self.height()
        side = max(96, min(height - 2 * _MARGIN - below, round(width * _SHARE) - 2 * _MARGIN))
        drawn = self._drawn(side, side)
        self.view.setGeometry(0, 0, drawn.width() + 2 * _MARGIN, drawn.height() + 2 * _MARGIN)
        top = _MARGIN + drawn.height() + 4
        self._place_captions(self.name, self.about, QRect(_MARGIN, top, drawn.width(), line))
        left = 2 * _MARGIN + drawn.width()
        room = QRect(left, _MARGIN, width - left - _MARGIN, drawn.height() + line)
        self._place_column(room, line)
        return top + line

    def _place_pair(self, line: int, below: int) -> int:
        """Place original and picture side by side and the curve below them."""
        width, height = self.width(), self.height()
        said = line if self.bars.isHidden() else self.bars.sizeHint().height() + 2 * line + 8
        under = max(line + theme.px(_LEAST_CURVE), said)
        half = (width - 3 * _MARGIN) // 2
        side = max(96, min(height - 2 * _MARGIN - below - under - 8, half))
        drawn = self._drawn(half, side)
        wide, tall = drawn.width(), drawn.height()
        step = wide + 2 * _MARGIN
        self.original.setGeometry(0, 0, step, tall + 2 * _MARGIN)
        self.view.setGeometry(step - _MARGIN, 0, step, tall + 2 * _MARGIN)
        top = _MARGIN + tall + 4
        self.original_name.setGeometry(_MARGIN, top, wide, line)
        self._place_captions(self.name, self.about, QRect(step, top, wide, line))
        right = width - 2 * step
        if right > half * 2 // 3:  # a wide, low window: all of it fits beside them
            self._place_column(QRect(2 * step - _MARGIN, _MARGIN, right, tall + line), line)
            return top + line
        room = QRect(_MARGIN, top + line + 8, half, under)
        title = QRect(room.left(), room.top(), half, line)
        self._place_captions(self.curve_name, self.curve_about, title)
        across = half if not self.bars.isHidden() else width - 2 * _MARGIN
        self.curve.setGeometry(room.left(), title.bottom() + 4, across, under - line - 4)
        self._place_words(QRect(2 * _MARGIN + half, room.top(), half, under), line)
        return room.bottom()

    def _place_column(self, room: QRect, line: int) -> None:
        """Place the curve with its name, and below it what the unit and the network say."""
        said = 0 if self.facts.isHidden() else line
        rows = 0 if self.bars.isHidden() else self.bars.sizeHint().height() + line + 8
        title = QRect(room.left(), room.top() - 2, room.width(), line)
        self._place_captions(self.curve_name, self.curve_about, title)
        high = room.height() - line - said - rows
        if high < _LEAST_CURVE // 2:  # rather the curve than the classes
            high = max(_LEAST_CURVE // 2, high)
        curve = QRect(room.left(), title.bottom() + 4, room.width(), high)
        self.curve.setGeometry(curve)
        self._place_words(QRect(room.left(), curve.bottom() + 4, room.width(), said + rows), line)

    def _place_words(self, room: QRect, line: int) -> None:
        """Place what the unit gives, and below it what the network takes the picture for."""
        self.facts.setGeometry(room.left(), room.top(), room.width(), line)
        top = room.top() + (0 if self.facts.isHidden() else line) + 4
        self.taken_for.setGeometry(room.left(), top, room.width(), line)
        high = self.bars.sizeHint().height()
        self.bars.setGeometry(room.left(), top + line, room.width(), high)

    def _place_strip(self, top: int) -> None:
        """Place the growth as low as it may stand, and its link at the right."""
        high = self.strip.sizeHint().height()
        asked = self.save.sizeHint()
        room = self.width() - 2 * _MARGIN - (0 if self.save.isHidden() else asked.width() + 12)
        self.strip.setGeometry(_MARGIN, top + 8, room, high)
        left = self.width() - _MARGIN - asked.width()
        self.save.setGeometry(left, top + 8 + (theme.px(52) - asked.height()) // 2, *_wh(asked))

    def _drawn(self, wide: int, tall: int) -> QSize:
        """Return the size of the picture, its proportions kept, in a room."""
        image = self.view.image() or self.original.image()
        if image is None:
            side = min(wide, tall)
            return QSize(side, side)
        share = min(wide / image.width(), tall / image.height())
        return QSize(round(image.width() * share), round(image.height() * share))

    def _place_captions(self, first: QWidget, second: QWidget, room: QRect) -> None:
        """Place a name at the left and what is said of it at the right."""
        wide = min(first.sizeHint().width(), room.width() // 2)
        asked = min(second.sizeHint().width(), room.width() - wide - 12)
        first.setGeometry(room.left(), room.top(), wide, room.height())
        left = room.right() + 1 - max(0, asked)
        second.setGeometry(left, room.top(), max(0, asked), room.height())


def _placed(part: ElidedLabel, parent: QWidget, name: str, says: str) -> ElidedLabel:
    part.setParent(parent)
    named(part, name, says)
    return part


def _wh(size: QSize) -> tuple[int, int]:
    return size.width(), size.height()
