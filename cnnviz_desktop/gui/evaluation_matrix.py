"""Paint which classes a network takes for which; a cell that is clicked shows its pictures."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QToolTip, QWidget

from cnnviz_desktop.data import Evaluation
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.evaluation_cells import Cells, answer_name, cells_of
from cnnviz_desktop.gui.painted_area import PaintedArea

_KEY = Qt.Key
_ELIDE = Qt.TextElideMode.ElideRight
_CENTRE = Qt.AlignmentFlag.AlignCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_NAMES = 152  # pixels for the classes' names, at the left and above
_LARGEST, _SMALLEST = 64, 4  # of a cell
_WRITTEN = 22  # of a cell that holds its count
_GAPPED = 8  # of a cell that has a line around it
_NAMED = 11  # of a cell whose row has a name beside it
_ZOOM = 1.25


class ConfusionMatrix(PaintedArea):
    """The matrix (`confusionMatrix`): rows are classes, columns answers.

    Signals: `picked` (class, answer) a cell was clicked or walked to; the answer is `OTHERS` for
    all that have no column of their own.
    """

    picked = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "confusionMatrix", "What is taken for what")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.viewport().setMouseTracking(True)
        self._found: Evaluation | None = None
        self.cells: Cells | None = None
        self._cell = (-1, -1)  # row and column that are picked
        self._hover = (-1, -1)
        self._zoom = 1.0

    def show_evaluation(self, found: Evaluation | None) -> None:
        """Show a network's confusions."""
        before, now = self.cells, cells_of(found) if found is not None else None
        self._found, self.cells = found, now
        shown, wanted = ((item.rows, item.columns) if item else None for item in (before, now))
        if shown != wanted:
            self._cell, self._zoom = (-1, -1), 1.0
        self._hover = (-1, -1)
        self._fit_scroll_bars()
        self.viewport().update()

    def picked_cell(self) -> tuple[int, int]:
        """Return the class and the answer of the picked cell; (-1, -1) for none."""
        row, column = self._cell
        if self.cells is None or row < 0:
            return -1, -1
        return self.cells.rows[row], self.cells.columns[column]

    def cell_side(self) -> int:
        """Return how large a cell is."""
        if self.cells is None:
            return theme.px(_LARGEST)
        room = self.viewport().size()
        rows, columns = len(self.cells.rows), len(self.cells.columns)
        across = (room.width() - self._names() - 24) / max(1, columns)
        down = (room.height() - self._above() - 24) / max(1, rows)
        fitting = min(across, down, theme.px(_LARGEST))
        return max(theme.px(_SMALLEST), round(max(fitting, theme.px(_SMALLEST)) * self._zoom))

    def cell_rect(self, row: int, column: int) -> QRect:
        """Return where a cell is in the viewport."""
        side, origin = self.cell_side(), self._origin()
        return QRect(origin.x() + column * side, origin.y() + row * side, side, side)

    def cell_at(self, point: QPoint) -> tuple[int, int]:
        """Return the row and column at a point of the viewport; -1, -1 beside the matrix."""
        if self.cells is None or point.x() < self._names() or point.y() < self._above():
            return -1, -1
        inside, side = point - self._origin(), self.cell_side()
        row, column = inside.y() // side, inside.x() // side
        rows, columns = len(self.cells.rows), len(self.cells.columns)
        sound = 0 <= row < rows and 0 <= column < columns
        return (row, column) if sound else (-1, -1)

    def pick(self, row: int, column: int) -> None:
        """Pick a cell as if it was clicked."""
        if self.cells is not None:
            self._cell = (row, column)
            self._bring_into_sight()
            self.viewport().update()
            self.picked.emit(self.cells.rows[row], self.cells.columns[column])

    # -------------------------------------------------------------------------------------- events

    def viewportEvent(self, event: QEvent) -> bool:
        """Say the numbers of the cell under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            words = self.told(*self.cell_at(event.pos()))
            if words:
                QToolTip.showText(event.globalPos(), words, self)
            else:
                QToolTip.hideText()
            return True
        if event.type() == QEvent.Type.Leave:
            self._point_at((-1, -1))
        return super().viewportEvent(event)

    def told(self, row: int, column: int) -> str:
        """Return a cell in words."""
        if self._found is None or self.cells is None or row < 0:
            return ""
        truth, answer = self.cells.rows[row], self.cells.columns[column]
        count = int(self.cells.counts[row, column])
        total = int(self.cells.counts[row].sum())
        name = self._found.labels[truth]
        taken = "itself" if truth == answer else answer_name(self._found, answer)
        share = labels.percent(count / max(1, total))
        return f"{count} of {total} pictures of {name} are taken for {taken} ({share})"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show which class and answer the cell under the mouse has."""
        self._point_at(self.cell_at(event.position().toPoint()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick a cell."""
        cell = self.cell_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and cell[0] >= 0:
            self.pick(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk the cells with the arrows; + and - zoom, 0 fits."""
        steps = {
            _KEY.Key_Left: (0, -1),
            _KEY.Key_Right: (0, 1),
            _KEY.Key_Up: (-1, 0),
            _KEY.Key_Down: (1, 0),
        }
        zooms = {_KEY.Key_Plus: _ZOOM, _KEY.Key_Equal: _ZOOM, _KEY.Key_Minus: 1 / _ZOOM}
        key = _KEY(event.key())
        if key in steps and self.cells is not None:
            rows, columns = len(self.cells.rows), len(self.cells.columns)
            down, across = steps[key]
            row, column = self._cell if self._cell[0] >= 0 else (0, 0)
            moved = self._cell[0] >= 0
            row = min(max(row + down * moved, 0), rows - 1)
            self.pick(row, min(max(column + across * moved, 0), columns - 1))
        elif key in zooms:
            self._zoom_to(self._zoom * zooms[key])
        elif key == _KEY.Key_0:
            self._zoom_to(1.0)
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with Ctrl, scroll without."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom_to(self._zoom * _ZOOM ** (event.angleDelta().y() / 120))
            event.accept()
        else:
            super().wheelEvent(event)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Fit the cells into the new room."""
        self._fit_scroll_bars()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """Paint what comes into sight."""
        self.viewport().update()

    # ------------------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the cells in sight, then the names beside and above them."""
        painter, now = QPainter(self.viewport()), theme.current()
        painter.fillRect(event.rect(), now.base)
        if self._found is None or self.cells is None:
            return
        side = self.cell_side()
        rows, columns = self._in_sight(side)
        room = QRect(self._names(), self._above(), self.viewport().width(), 10**6)
        painter.save()
        painter.setClipRect(room)
        for row in rows:
            self._paint_row(painter, row, columns, side)
        self._frame(painter, self._hover, now.muted, 1)
        self._frame(painter, self._cell, now.text, 2)  # which what is right cannot hide
        painter.restore()
        self._paint_names(painter, rows, columns, side)
        if self.hasFocus() and self._cell[0] < 0:
            painter.setPen(QPen(now.accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.viewport().rect()).adjusted(1, 1, -1, -1))

    def _paint_row(self, painter: QPainter, row: int, columns: range, side: int) -> None:
        """Paint the cells of a row that are in sight; where they are tiny those that hold some."""
        assert self.cells is not None
        now, first, last = theme.current(), columns.start, columns.stop
        gap = 1 if side >= _GAPPED else 0
        painter.setFont(theme.font("caption"))
        counts = self.cells.counts[row, first:last]
        total = max(1, int(self.cells.counts[row].sum()))
        shown: Iterable[int] = columns
        if not gap:
            whole = self.cell_rect(row, first)
            whole.setRight(self.cell_rect(row, last - 1).right())
            painter.fillRect(whole, now.panel)
            shown = (counts.nonzero()[0] + first).tolist()
        for column in shown:
            box = self.cell_rect(row, column)
            count = int(counts[column - first])
            right = self.cells.rows[row] == self.cells.columns[column]
            full = now.accent if right else now.dead
            ground = mixed(now.panel, full, (count / total) ** 0.5)
            painter.fillRect(box.adjusted(0, 0, -gap, -gap), ground)
            if count and side >= theme.px(_WRITTEN):
                painter.setPen(readable_on(ground))
                painter.drawText(box, _CENTRE, labels.whole(count))

    def _paint_names(self, painter: QPainter, rows: range, columns: range, side: int) -> None:
        """Write the classes at the left and the answers above, as far as there is room."""
        assert self._found is not None and self.cells is not None
        now, names, above = theme.current(), self._names(), self._above()
        width, height = self.viewport().width(), self.viewport().height()
        painter.fillRect(0, 0, names, height, now.base)
        painter.fillRect(0, 0, width, above, now.base)
        painter.setFont(theme.font("caption"))
        metrics = painter.fontMetrics()
        painter.setPen(now.muted)
        corner = QRect(12, 0, names - 20, above - 6)
        words = "is of  ↓      taken for  →"
        painter.drawText(corner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, words)
        row_, column_ = self._hover if self._hover[0] >= 0 else self._cell
        if side < theme.px(_NAMED):  # where they are tiny those of one cell, or none
            some = row_ >= 0
            rows, columns = range(row_, row_ + some), range(column_, column_ + some)
        painter.save()
        painter.setClipRect(QRect(0, above, names, height))
        high = max(side, metrics.height())
        for row in rows:
            room = QRect(12, self.cell_rect(row, 0).center().y() - high // 2, names - 20, high)
            painter.setPen(now.accent if row == row_ else now.text)
            label = self._found.labels[self.cells.rows[row]]
            text = metrics.elidedText(label, _ELIDE, room.width())
            painter.drawText(room, _RIGHT, text)
        painter.restore()
        painter.save()
        painter.setClipRect(QRect(names, 0, width, above))
        for column in columns:
            painter.setPen(now.accent if column == column_ else now.text)
            label = answer_name(self._found, self.cells.columns[column])
            text = metrics.elidedText(label, _ELIDE, above - 14)
            painter.save()
            painter.translate(self.cell_rect(0, column).center().x(), above - 6)
            painter.rotate(-90)
            painter.drawText(QRect(0, -high // 2, above - 8, high), _LEFT, text)
            painter.restore()
        painter.restore()

    def _frame(self, painter: QPainter, cell: tuple[int, int], colour: QColor, width: int) -> None:
        if cell[0] >= 0:
            painter.setPen(QPen(colour, width))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.cell_rect(*cell)).adjusted(-0.5, -0.5, 0, 0))

    # --------------------------------------------------------------------------------------- place

    def _in_sight(self, side: int) -> tuple[range, range]:
        """Return the rows and the columns of which there is something to see."""
        assert self.cells is not None
        across, down = self.horizontalScrollBar().value(), self.verticalScrollBar().value()
        right = across + self.viewport().width() - self._names()
        bottom = down + self.viewport().height() - self._above()
        rows, columns = len(self.cells.rows), len(self.cells.columns)
        return (
            range(down // side, max(0, min(rows, bottom // side + 1))),
            range(across // side, max(0, min(columns, right // side + 1))),
        )

    def _names(self) -> int:
        return theme.px(_NAMES)

    def _above(self) -> int:
        return theme.px(_NAMES) * 3 // 4

    def _origin(self) -> QPoint:
        across, down = self.horizontalScrollBar().value(), self.verticalScrollBar().value()
        return QPoint(self._names() - across, self._above() - down)

    def _point_at(self, cell: tuple[int, int]) -> None:
        if cell != self._hover:
            self._hover = cell
            self.viewport().update()

    def _zoom_to(self, zoom: float) -> None:
        self._zoom = max(1.0, min(16.0, zoom))
        self._fit_scroll_bars()
        self.viewport().update()

    def _bring_into_sight(self) -> None:
        box = self.cell_rect(*self._cell)
        for bar, low, high, first, last in (
            (self.horizontalScrollBar(), box.left(), box.right(), self._names(), 0),
            (self.verticalScrollBar(), box.top(), box.bottom(), self._above(), 1),
        ):
            room = self.viewport().height() if last else self.viewport().width()
            if low < first:
                bar.setValue(bar.value() + low - first)
            elif high > room:
                bar.setValue(bar.value() + high - room)

    def _fit_scroll_bars(self) -> None:
        cells = self.cells
        rows, columns = (len(cells.rows), len(cells.columns)) if cells is not None else (0, 0)
        side, room = self.cell_side(), self.viewport().size()
        for bar, whole, there in (
            (self.horizontalScrollBar(), self._names() + columns * side + 8, room.width()),
            (self.verticalScrollBar(), self._above() + rows * side + 8, room.height()),
        ):
            bar.setPageStep(max(1, there))
            bar.setSingleStep(max(1, side))
            bar.setRange(0, max(0, whole - there))


def readable_on(ground: QColor) -> QColor:
    """Return black or white, whichever is read better on a colour."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (ground.redF(), ground.greenF(), ground.blueF())
    ]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    black_is_better = (light + 0.05) / 0.05 >= 1.05 / (light + 0.05)
    return QColor(theme.MARK_OUTLINE if black_is_better else theme.MARK)


def mixed(ground: QColor, colour: QColor, share: float) -> QColor:
    """Return a colour between two."""
    pairs = (
        (ground.red(), colour.red()),
        (ground.green(), colour.green()),
        (ground.blue(), colour.blue()),
    )
    return QColor(*(round(low + (high - low) * share) for low, high in pairs))
