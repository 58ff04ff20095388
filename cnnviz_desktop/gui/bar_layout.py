"""Lay out a bar of controls: in one row where it fits, in more where the window is narrow."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QSizePolicy, QWidget

from cnnviz_desktop.gui import theme

_GAP = 8
_GROWTH = 110  # what a control that may grow takes at most of the room that is left


class BarLayout(QLayout):
    """Controls from left to right, none of them squeezed; those that expand share what is left."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setSpacing(_GAP)

    def addItem(self, item: QLayoutItem) -> None:
        """Add a control at the end."""
        self._items.append(item)

    def count(self) -> int:
        """Count the controls."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """Return a control's item, None beyond the last."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Take a control's item out."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """Ask for no more room than is needed."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        """Tell that a narrow bar is higher."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all rows."""
        margins = self.contentsMargins()
        rows = self._rows(width - margins.left() - margins.right())
        heights = sum(_height(row) for row in rows) + self.spacing() * (len(rows) - 1)
        return heights + margins.top() + margins.bottom()

    def sizeHint(self) -> QSize:
        """Ask for one row."""
        shown = self._shown()
        width = sum(_width(item) for item in shown) + self.spacing() * max(0, len(shown) - 1)
        return self._with_margins(QSize(width, _height(shown)))

    def minimumSize(self) -> QSize:
        """Ask for the widest control."""
        shown = self._shown()
        width = max((_width(item) for item in shown), default=0)
        return self._with_margins(QSize(width, _height(shown)))

    def setGeometry(self, room: QRect) -> None:
        """Place the controls."""
        super().setGeometry(room)
        inside = room.marginsRemoved(self.contentsMargins())
        top = inside.top()
        for row in self._rows(inside.width()):
            self._place(row, QRect(inside.left(), top, inside.width(), _height(row)))
            top += _height(row) + self.spacing()

    def _place(self, row: list[QLayoutItem], room: QRect) -> None:
        used = sum(_width(item) for item in row) + self.spacing() * (len(row) - 1)
        growing = [item for item in row if _grows(item)]
        more = 0
        if growing:
            more = min(theme.px(_GROWTH), max(0, room.width() - used) // len(growing))
        left = room.left()
        for item in row:
            width = _width(item) + (more if _grows(item) else 0)
            height = min(item.sizeHint().height(), room.height())
            corner = QPoint(left, room.top() + (room.height() - height) // 2)
            item.setGeometry(QRect(corner, QSize(width, height)))
            left += width + self.spacing()

    def _rows(self, width: int) -> list[list[QLayoutItem]]:
        """Break the controls into rows."""
        rows: list[list[QLayoutItem]] = [[]]
        used = 0
        for item in self._shown():
            wanted = _width(item) + (self.spacing() if rows[-1] else 0)
            if rows[-1] and used + wanted > width:
                rows.append([])
                used, wanted = 0, _width(item)
            rows[-1].append(item)
            used += wanted
        return rows

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _with_margins(self, size: QSize) -> QSize:
        return size.grownBy(self.contentsMargins())


def _grows(item: QLayoutItem) -> bool:
    widget = item.widget()
    if widget is None or widget.minimumWidth() == widget.maximumWidth():
        return False
    return widget.sizePolicy().horizontalPolicy() == QSizePolicy.Policy.Expanding


def _width(item: QLayoutItem) -> int:
    """Return the width a control needs: what may grow begins at its least."""
    return (item.minimumSize() if _grows(item) else item.sizeHint()).width()


def _height(row: list[QLayoutItem]) -> int:
    return max((item.sizeHint().height() for item in row), default=0)
