"""Paint the likeliest classes of a picture as bars that can be picked."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from cnnviz_desktop.data import Prediction
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.empty_state import paint_empty

_ROW = 32
_PADDING = 8


class PredictionBars(QWidget):
    """One row a class: label, bar, probability; the target's row is marked (`predictionBars`).

    Signals: `target_picked(int)` with the class index, where rows can be picked.
    """

    target_picked = Signal(int)

    def __init__(self, parent: QWidget | None = None, *, pickable: bool = True) -> None:
        super().__init__(parent)
        self._pickable = pickable
        self._prediction: Prediction | None = None
        self._top: list[tuple[int, str, float]] = []
        self._target: int | None = None
        self._hover = -1
        self._focused = 0
        self.setObjectName("predictionBars")
        self.setAccessibleName("Likeliest classes")
        policies = Qt.FocusPolicy
        self.setFocusPolicy(policies.StrongFocus if pickable else policies.NoFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_prediction(self, prediction: Prediction | None, count: int = 5) -> None:
        """Show another answer."""
        self._prediction = prediction
        self._top = [] if prediction is None else prediction.top(count)
        self._focused, self._hover = 0, -1
        said = ", ".join(f"{label} {labels.percent(share)}" for _, label, share in self._top)
        self.setAccessibleDescription(said)
        self.updateGeometry()
        self.update()

    def set_target(self, target: int | None) -> None:
        """Mark a class; None marks the likeliest."""
        self._target = target
        self.update()

    def row_rect(self, row: int) -> QRect:
        """Return where a class's row lies."""
        height = theme.px(_ROW)
        return QRect(0, row * height, self.width(), height)

    def sizeHint(self) -> QSize:
        """Ask for a row for each class."""
        rows = len(self._top) or 5
        return QSize(420, rows * theme.px(_ROW))

    def minimumSizeHint(self) -> QSize:
        """Ask for all rows, however narrow."""
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint all rows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._prediction is None:
            step = "Drop a picture; the model answers at once."
            paint_empty(painter, self.rect(), "No prediction yet.", step)
            return
        for row in range(len(self._top)):
            self._paint_row(painter, row)

    def _paint_row(self, painter: QPainter, row: int) -> None:
        index, label, share = self._top[row]
        now = theme.current()
        box = self.row_rect(row)
        target = self._top[0][0] if self._target is None else self._target
        marked = index == target
        if marked:
            painter.fillRect(box, now.selection)
        elif row == self._hover:
            painter.fillRect(box, now.window)
        if self.hasFocus() and row == self._focused:
            painter.setPen(QPen(now.accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(box).adjusted(1, 1, -1, -1))
        body = theme.font("strong" if marked else "body")
        metrics = QFontMetrics(body)
        number = QFontMetrics(theme.font("strong")).horizontalAdvance(f"100.0{labels.THIN}%")
        name_width = min(max(box.width() * 2 // 5, 80), theme.px(240))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(body)
        painter.setPen(now.on_selection if marked else now.text)
        name = QRect(box.left() + _PADDING, box.top(), name_width - _PADDING, box.height())
        text = metrics.elidedText(label, Qt.TextElideMode.ElideRight, name.width())
        painter.drawText(name, middle | Qt.AlignmentFlag.AlignLeft, text)
        value = QRect(box.right() - number - _PADDING, box.top(), number, box.height())
        painter.drawText(value, middle | Qt.AlignmentFlag.AlignRight, labels.percent(share))
        track = QRectF(name.right() + 12, box.center().y() - 4, 0, theme.px(9))
        track.setRight(value.left() - 12)
        if track.width() > 8:
            painter.fillRect(track, now.border if not marked else now.base)
            width = max(1.0, min(1.0, share) * track.width()) if share > 0 else 0.0
            painter.fillRect(QRectF(track.left(), track.top(), width, track.height()), now.accent)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk the rows and pick with Space or Enter."""
        keys = Qt.Key
        steps = {keys.Key_Up: -1, keys.Key_Down: 1}
        step = steps.get(keys(event.key()))
        if step is not None and self._top:
            self._focused = min(max(self._focused + step, 0), len(self._top) - 1)
            self.update()
        elif event.key() in (keys.Key_Space, keys.Key_Return, keys.Key_Enter) and self._top:
            self.target_picked.emit(self._top[self._focused][0])
        else:
            super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light the row under the mouse."""
        row = self._row_at(event.position().toPoint()) if self._pickable else -1
        self.setCursor(
            Qt.CursorShape.PointingHandCursor if row >= 0 else Qt.CursorShape.ArrowCursor
        )
        if row != self._hover:
            self._hover = row
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Light no row."""
        self._hover = -1
        self.update()
        super().leaveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Pick the class of the row that was clicked."""
        row = self._row_at(event.position().toPoint())
        if self._pickable and event.button() == Qt.MouseButton.LeftButton and row >= 0:
            self._focused = row
            self.target_picked.emit(self._top[row][0])

    def event(self, event: QEvent) -> bool:
        """Show a row's whole label, class index and logit."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self._row_at(event.pos())
            if row >= 0 and self._prediction is not None:
                index, label, share = self._top[row]
                logit = labels.value(float(self._prediction.logits[index]))
                tip = (
                    f"<b>{escape(label)}</b>"
                    f"<br>class {index} · logit {logit} · {labels.percent(share)}"
                )
                if self._pickable:
                    tip += "<br>Click to explain this class."
                QToolTip.showText(event.globalPos(), tip, self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def _row_at(self, point: QPoint) -> int:
        row = point.y() // theme.px(_ROW)
        return row if 0 <= row < len(self._top) and self.rect().contains(point) else -1
