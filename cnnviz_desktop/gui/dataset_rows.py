"""Paint rows of equal height under a head, those in sight only; children say how a row looks."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QToolTip, QWidget

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.painted_area import PaintedArea

_KEY = Qt.Key
_ENTER = (_KEY.Key_Return, _KEY.Key_Enter)


class RowCanvas(PaintedArea):
    """Rows to walk and to pick. Signals: `picked` (row); `opened` (row) double click or Enter."""

    picked = Signal(int)
    opened = Signal(int)

    def __init__(self, name: str, says: str, tip: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, name, says, tip)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._count = 0
        self._selected = -1

    # --------------------------------------------------------------------- what children decide

    def row_height(self) -> int:
        """Return the height of a row."""
        return theme.px(22)

    def head_height(self) -> int:
        """Return the height of the head."""
        return theme.px(24)

    def wanted_width(self) -> int:
        """Return the width that shows all; what is more than there is scrolls."""
        return 0

    def paint_head(self, painter: QPainter, box: QRect) -> None:
        """Paint the head."""

    def paint_row(self, painter: QPainter, row: int, box: QRect) -> None:
        """Paint a row on its ground."""

    def paint_rows(self, painter: QPainter, rows: range) -> None:
        """Paint all rows that are exposed."""
        for row in rows:
            self.paint_row(painter, row, self.row_rect(row))

    def told(self, row: int, point: QPoint) -> str:
        """Return what the tooltip says."""
        return ""

    # ------------------------------------------------------------------------------------- state

    def set_count(self, count: int) -> None:
        """Show so many rows."""
        self._count = count
        self._selected = min(self._selected, count - 1)
        self._fit_scroll_bars()
        self.viewport().update()

    def count(self) -> int:
        """Return how many rows there are."""
        return self._count

    def selected(self) -> int:
        """Return the row that is marked, -1 for none."""
        return self._selected

    def select(self, row: int) -> None:
        """Mark a row and bring it into sight, without a signal; -1 marks none."""
        if row != self._selected:
            self._selected = row
            if row >= 0:
                self._bring_into_sight(row)
            self.viewport().update()

    def row_rect(self, row: int) -> QRect:
        """Return where a row is in the viewport."""
        top = self.head_height() + row * self.row_height() - self.verticalScrollBar().value()
        return QRect(0, top, self.viewport().width(), self.row_height())

    def row_at(self, point: QPoint) -> int:
        """Return the row at a point of the viewport, -1 for none."""
        if point.y() < self.head_height():
            return -1
        down = point.y() - self.head_height() + self.verticalScrollBar().value()
        row = down // self.row_height()
        return row if row < self._count else -1

    # ------------------------------------------------------------------------------------ events

    def viewportEvent(self, event: QEvent) -> bool:
        """Say what is under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self.row_at(event.pos())
            words = self.told(row, event.pos()) if row >= 0 else ""
            if words:
                QToolTip.showText(event.globalPos(), words, self)
            else:
                QToolTip.hideText()
            return True
        return super().viewportEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the row under the mouse."""
        row = self.row_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and row >= 0:
            self.select(row)
            self.picked.emit(row)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the row under the mouse."""
        row = self.row_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and row >= 0:
            self.opened.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk the rows; Enter opens one."""
        page = max(1, self.viewport().height() // self.row_height() - 2)
        steps = {
            _KEY.Key_Up: -1,
            _KEY.Key_Down: 1,
            _KEY.Key_PageUp: -page,
            _KEY.Key_PageDown: page,
            _KEY.Key_Home: -self._count,
            _KEY.Key_End: self._count,
        }
        step = steps.get(_KEY(event.key()))
        if event.key() in _ENTER and self._selected >= 0:
            self.opened.emit(self._selected)
        elif step is not None and self._count:
            here = self._selected + step if self._selected >= 0 else 0
            self.select(min(max(here, 0), self._count - 1))
            self.picked.emit(self._selected)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows in sight and the head above them."""
        painter, now = QPainter(self.viewport()), theme.current()
        painter.fillRect(event.rect(), now.base)
        high, head = self.row_height(), self.head_height()
        top = self.verticalScrollBar().value() - head
        first = max(0, (event.rect().top() + top) // high)
        last = min(self._count - 1, (event.rect().bottom() + top) // high)
        if 0 <= self._selected < self._count:
            painter.fillRect(self.row_rect(self._selected), now.selection)
        self.paint_rows(painter, range(first, last + 1))
        box = QRect(0, 0, self.viewport().width(), head)
        painter.fillRect(box, now.panel)
        painter.fillRect(0, head - 1, box.width(), 1, now.border)
        self.paint_head(painter, box)
        if self.hasFocus():
            painter.setPen(QPen(now.accent, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.viewport().rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def changeEvent(self, event: QEvent) -> None:
        """Take the sizes that are on."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._fit_scroll_bars()
        super().changeEvent(event)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Scroll as far as there is something."""
        self._fit_scroll_bars()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """Paint what comes into sight."""
        self.viewport().update()

    def _fit_scroll_bars(self) -> None:
        down, across = self.verticalScrollBar(), self.horizontalScrollBar()
        room = self.viewport().size()
        whole = self.head_height() + self._count * self.row_height()
        down.setPageStep(max(1, room.height() - self.head_height()))
        down.setSingleStep(self.row_height())
        down.setRange(0, max(0, whole - room.height()))
        across.setPageStep(max(1, room.width()))
        across.setSingleStep(theme.px(24))
        across.setRange(0, max(0, self.wanted_width() - room.width()))

    def _bring_into_sight(self, row: int) -> None:
        bar, high = self.verticalScrollBar(), self.row_height()
        room = self.viewport().height() - self.head_height()
        if row * high < bar.value():
            bar.setValue(row * high)
        elif (row + 1) * high > bar.value() + room:
            bar.setValue((row + 1) * high - room)
