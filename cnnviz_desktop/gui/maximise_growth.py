"""Show how a picture grew as a strip of small pictures; one that is pressed is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import named

_SIDE = 52
_GAP = 8
_KEY = Qt.Key
_STEPS = {_KEY.Key_Left: -1, _KEY.Key_Right: 1, _KEY.Key_Home: -999, _KEY.Key_End: 999}


class GrowthStrip(QWidget):
    """The frames of one picture, oldest first, the present one last (`growthStrip`).

    Signals: `frame_pressed` (frame) hold the mouse on one, or walk there with the arrow keys;
    `frame_released` back to the present.
    """

    frame_pressed = Signal(int)
    frame_released = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "growthStrip", "Growth", "Hold a frame to compare it; the arrow keys walk them")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._frames: tuple[QImage, ...] = ()
        self._steps: tuple[int, ...] = ()
        self._shown: list[int] = []  # frames that there is room for
        self._pressed = -1

    def show_frames(self, frames: Sequence[QImage], steps: Sequence[int]) -> None:
        """Show frames with the steps they were taken after; a pressed one stays so by its step."""
        held = self._steps[self._pressed] if self._pressed >= 0 else -1
        self._frames, self._steps = tuple(frames), tuple(steps)
        if held >= 0:  # every other frame is left out as a picture grows
            places = range(len(steps) - 1)
            nearest = min(places, key=lambda frame: abs(steps[frame] - held), default=-1)
            if nearest < 0 or held >= steps[-1]:
                self._let_go()
            else:
                self._pressed = -1
                self._press(nearest)
        self._lay_out()

    def count(self) -> int:
        """Return how many frames there are."""
        return len(self._frames)

    def pressed(self) -> int:
        """Return the frame that is compared with, -1 for none."""
        return self._pressed

    def frame_rect(self, frame: int) -> QRect:
        """Return where a frame is drawn; an empty box where it has no room."""
        if frame not in self._shown:
            return QRect()
        side = theme.px(_SIDE)
        left = self._caption_width() + self._shown.index(frame) * (side + _GAP)
        return QRect(left, 3, side, side)

    def sizeHint(self) -> QSize:
        """Ask for the frames and the steps below them."""
        below = QFontMetrics(theme.font("caption")).height() + 4
        return QSize(theme.px(480), theme.px(_SIDE) + 6 + below)

    def minimumSizeHint(self) -> QSize:
        """Ask for the first and the last frame."""
        return QSize(theme.px(200), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the words, the frames, and the mark of the one on the canvas."""
        painter = QPainter(self)
        now = theme.current()
        painter.setFont(theme.font("secondary"))
        painter.setPen(now.muted)
        side = theme.px(_SIDE)
        words = QRect(0, 3, self._caption_width() - _GAP, side)
        wrap = int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextWordWrap)
        painter.drawText(words, wrap, "Growth,\nstep")
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        marked = self._pressed if self._pressed >= 0 else len(self._frames) - 1
        for frame in self._shown:
            box = self.frame_rect(frame)
            image = self._frames[frame]
            fitted = image.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRect(QPoint(0, 0), fitted)
            place.moveCenter(box.center())
            painter.drawImage(place, image)
            if frame == marked:
                painter.setPen(QPen(now.accent, 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(QRectF(box).adjusted(-2, -2, 2, 2))
            painter.setFont(theme.font("caption"))
            if frame == marked:
                font = theme.font("caption")
                font.setBold(True)
                painter.setFont(font)
            painter.setPen(now.text if frame == marked else now.muted)
            below = QRect(box.left() - _GAP // 2, box.bottom() + 4, side + _GAP, 40)
            top = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
            painter.drawText(below, top, labels.whole(self._steps[frame]))
        if self.hasFocus() and self._shown:
            painter.setPen(QPen(now.accent, 1, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Compare with the frame that is pressed."""
        frame = self._frame_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and frame >= 0:
            self._press(frame)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Compare with the frame that the mouse is dragged to."""
        if self._pressed >= 0 and event.buttons() & Qt.MouseButton.LeftButton:
            frame = self._frame_at(event.position().toPoint())
            if frame >= 0:
                self._press(frame)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go back to the present."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._let_go()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk the frames; the last one is the present."""
        step = _STEPS.get(_KEY(event.key()))
        if step is None or not self._shown:
            super().keyPressEvent(event)
            return
        here = self._shown.index(self._pressed) if self._pressed in self._shown else -1
        here = len(self._shown) - 1 if here < 0 else here
        place = min(max(here + step, 0), len(self._shown) - 1)
        if place == len(self._shown) - 1:
            self._let_go()
        else:
            self._press(self._shown[place])

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Go back to the present when the keyboard leaves."""
        self._let_go()
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours and fonts that are on."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationFontChange):
            self.updateGeometry()
            self._lay_out()
        super().changeEvent(event)

    def resizeEvent(self, _event: object) -> None:
        """Choose the frames there is room for."""
        self._lay_out()

    def _press(self, frame: int) -> None:
        if frame != self._pressed:
            self._pressed = frame
            self.setAccessibleDescription(f"after step {labels.whole(self._steps[frame])}")
            self.update()
            self.frame_pressed.emit(frame)

    def _let_go(self) -> None:
        if self._pressed >= 0:
            self._pressed = -1
            self.setAccessibleDescription("")
            self.update()
            self.frame_released.emit()

    def _lay_out(self) -> None:
        """Choose as many frames as there is room for, the first and the last among them."""
        step = theme.px(_SIDE) + _GAP
        room = max(1, (self.width() - self._caption_width() + _GAP) // step)
        self._shown = spread(len(self._frames), room)
        self.update()

    def _caption_width(self) -> int:
        return QFontMetrics(theme.font("secondary")).horizontalAdvance("Growth,") + 2 * _GAP

    def _frame_at(self, point: QPoint) -> int:
        found = (frame for frame in self._shown if self.frame_rect(frame).contains(point))
        return next(found, -1)


def spread(count: int, room: int) -> list[int]:
    """Return as many of `count` places as there is room for, evenly, with first and last."""
    if count <= room:
        return list(range(count))
    if room == 1:
        return [count - 1]
    return sorted({round(place * (count - 1) / (room - 1)) for place in range(room)})
