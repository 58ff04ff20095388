"""Hold a table as a Qt item model: sorted as is asked for, its totals always last."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from cnnviz_desktop.data import Cell, Table
from cnnviz_desktop.figures import tables
from cnnviz_desktop.gui import theme

Index = QModelIndex | QPersistentModelIndex

CELL = Qt.ItemDataRole.UserRole + 1


class TableModel(QAbstractTableModel):
    """The rows of a table in the order that is asked for; totals stay last."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.table: Table | None = None
        self._order: list[int] = []
        self._numeric: list[bool] = []
        self._most: list[float] = []

    def show_table(self, table: Table | None) -> None:
        """Take another table."""
        self.beginResetModel()
        self.table = table
        places = range(len(table.columns)) if table else range(0)
        self._order = list(range(len(table.rows))) if table else []
        self._numeric = [tables.is_numeric(table, place) for place in places] if table else []
        self._most = [
            tables.largest(table, place) if table and table.columns[place] in table.bars else 0.0
            for place in places
        ]
        self.endResetModel()

    def row_of(self, place: int) -> int:
        """Return which of the table's rows stands at a place, -1 for the totals."""
        return self._order[place] if 0 <= place < len(self._order) else -1

    def place_of(self, row: int) -> int:
        """Return where one of the table's rows stands, -1 for an unknown one."""
        return self._order.index(row) if row in self._order else -1

    def is_numeric(self, column: int) -> bool:
        """Tell whether a column stands at the right."""
        return self._numeric[column]

    def is_total(self, index: Index) -> bool:
        """Tell whether a cell is one of the totals."""
        return self.row_of(index.row()) < 0

    def is_muted(self, index: Index) -> bool:
        """Tell whether a cell has nothing to say."""
        return self._cell(index) in (None, 0)

    def words(self, index: Index) -> str:
        """Return a cell as it is written."""
        cell = self._cell(index)
        return "" if cell is None and self.is_total(index) else tables.written(cell)

    def alignment(self, column: int) -> Qt.AlignmentFlag:
        """Return where in its cells a column's words stand."""
        side = Qt.AlignmentFlag.AlignRight if self._numeric[column] else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter

    def bar(self, index: Index) -> float:
        """Return how long the bar of a cell is, of the column's largest, 0 for none."""
        most = self._most[index.column()]
        if not most or self.row_of(index.row()) < 0:
            return 0.0
        return tables.share(self._cell(index), most)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Count the rows, that of totals too."""
        if parent.isValid() or self.table is None:
            return 0
        return len(self.table.rows) + bool(self.table.totals)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Count the columns."""
        return 0 if parent.isValid() or self.table is None else len(self.table.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the columns' names with their units."""
        if self.table is None or orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return "\n".join(tables.in_lines(tables.heads(self.table)[section]))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return tables.heads(self.table)[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return "Click to sort by it, again for the other way, once more for the table's order"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell as it is shown, and how."""
        if not index.isValid() or self.table is None:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.ToolTipRole:
                return self.words(index)
            case Qt.ItemDataRole.TextAlignmentRole:
                return self.alignment(index.column())
            case Qt.ItemDataRole.FontRole:
                return theme.font("strong") if self.is_total(index) else None
            case Qt.ItemDataRole.ForegroundRole:
                return theme.current().muted if self.is_muted(index) else None
            case _:
                return self._cell(index) if role == CELL else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Let all rows but that of totals be picked."""
        flags = super().flags(index)
        selectable = Qt.ItemFlag.ItemIsSelectable
        return flags if self.row_of(index.row()) >= 0 else flags & ~selectable

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, -1 for the table's own order; what has no value comes last."""
        if self.table is None:
            return
        rows = list(range(len(self.table.rows)))
        if 0 <= column < len(self.table.columns):
            keys = [tables.sort_key(row[column]) for row in self.table.rows]
            down = order == Qt.SortOrder.DescendingOrder
            known = [row for row in rows if keys[row][0] < 2]
            known.sort(key=keys.__getitem__, reverse=down)
            rows = known + [row for row in rows if keys[row][0] >= 2]
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        moved = {row: place for place, row in enumerate(rows)}
        after = [
            self.index(moved.get(self.row_of(old.row()), old.row()), old.column()) for old in before
        ]
        self._order = rows
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _cell(self, index: Index) -> Cell:
        assert self.table is not None
        row = self.row_of(index.row())
        return (self.table.totals if row < 0 else self.table.rows[row])[index.column()]
