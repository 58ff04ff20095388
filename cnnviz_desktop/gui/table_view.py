"""Show a table: sortable, numbers at the right, bars where they are worth comparing."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QPoint,
    QPointF,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QFontMetrics,
    QGuiApplication,
    QKeySequence,
    QPainter,
    QPalette,
    QPen,
    QPolygonF,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionHeader,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from cnnviz_desktop.data import Table
from cnnviz_desktop.figures import tables
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.table_model import CELL, Index, TableModel

_WIDEST = 260  # of a column of words, before it gives way
_LEAST = 160  # to which the first does, which names the row; then the table scrolls
_LEAST_BESIDE = 96  # to which the others do
_BESIDE = 20  # what a cell needs beside its text
_ARROW = 14  # room for the mark of the sorted column
_BAR = 3
_MARGIN = 8  # what the style leaves beside a cell's words
_MARKED = QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver
_TEXT = QPalette.ColorRole.Text


class _Cells(QStyledItemDelegate):
    """Paint cells, and below their numbers the bars.

    Only the row under the mouse and the picked one are the style's: it would ask the model seven
    times for each of some hundred cells, which shows as a stall.
    """

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, TableModel)
        if option.state & _MARKED:
            super().paint(painter, option, index)
        else:
            self._write(painter, option, model, index)
        length = model.bar(index)
        if length > 0:
            beside = theme.px(_BESIDE) // 2 - 4
            room = option.rect.adjusted(beside, 0, -beside, 0)
            width = max(1, round(room.width() * length))
            high = theme.px(_BAR)
            bar = QRect(room.right() + 1 - width, room.bottom() - high, width, high)
            painter.fillRect(bar, theme.current().accent)

    def _write(
        self, painter: QPainter, option: QStyleOptionViewItem, model: TableModel, index: Index
    ) -> None:
        """Write a cell's words as the style does."""
        words = model.words(index)
        if not words:
            return
        font = theme.font("strong") if model.is_total(index) else option.font
        room = option.rect.adjusted(_MARGIN, 0, -_MARGIN, -1)
        words = QFontMetrics(font).elidedText(words, option.textElideMode, room.width())
        painter.setFont(font)
        muted = model.is_muted(index)
        painter.setPen(theme.current().muted if muted else option.palette.color(_TEXT))
        painter.drawText(room, model.alignment(index.column()), words)


class _Heads(QHeaderView):
    """Paint the heads, and beside the words of the one that sorts which way it does."""

    def __init__(self, model: TableModel, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._model = model
        self.setSectionsClickable(True)

    def initStyleOptionForIndex(self, option: QStyleOptionHeader, section: int) -> None:
        """Leave the style's own mark out: it would stand on words that are at the right."""
        super().initStyleOptionForIndex(option, section)
        option.sortIndicator = QStyleOptionHeader.SortIndicator.None_

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """Paint the head and its mark."""
        painter.save()
        super().paintSection(painter, rect, section)
        painter.restore()
        if section != self.sortIndicatorSection() or not self.isSortIndicatorShown():
            return
        words = str(self._model.headerData(section, Qt.Orientation.Horizontal)).split("\n")
        taken = QFontMetrics(self.font()).horizontalAdvance(words[-1]) + theme.px(16)
        numeric = self._model.is_numeric(section)
        x = rect.right() - taken if numeric else rect.left() + taken
        line = QFontMetrics(self.font()).height()
        centre = QPointF(x, rect.center().y() + (len(words) - 1) * line / 2 + 1)
        down = self.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
        rise = -2 if down else 2
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.current().accent, 1.5))
        painter.drawPolyline(
            QPolygonF(
                [centre + QPointF(side, y) for side, y in ((-4, rise), (0, -rise), (4, rise))]
            )
        )
        painter.restore()


class TableView(QTableView):
    """A table whose columns sort it. Signals: `row_picked(int)` which of the table's rows."""

    row_picked = Signal(int)

    def __init__(self, name: str, says: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(says)
        self._model = TableModel(self)
        self._quiet = False
        self.setModel(self._model)
        self.setItemDelegate(_Cells(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        for set_mode in (self.setVerticalScrollMode, self.setHorizontalScrollMode):
            set_mode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        header = _Heads(self._model, self)
        self.setHorizontalHeader(header)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(theme.px(40))
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self.selectionModel().currentRowChanged.connect(self._tell)
        copy = QShortcut(QKeySequence.StandardKey.Copy, self)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy_table)
        self._fit_fonts()

    def show_table(self, table: Table | None) -> None:
        """Show another table, sorted as the last one was where it has that column."""
        before, kept = self._model.table, self.sorting()
        was, self._quiet = self._quiet, True
        self._model.show_table(table)
        same = before is not None and table is not None and before.columns == table.columns
        self.set_sorting(*(kept if same else ("", False)))
        self._quiet = was
        self._fit_columns()

    def table(self) -> Table | None:
        """Return the table that is shown."""
        return self._model.table

    def select_row(self, row: int) -> None:
        """Mark one of the table's rows and bring it into sight, without a signal; -1 for none."""
        was, self._quiet = self._quiet, True
        place = self._model.place_of(row)
        selection = self.selectionModel()
        if place < 0:
            selection.clear()
        elif self._model.row_of(self.currentIndex().row()) != row:
            flags = QItemSelectionModel.SelectionFlag
            index = self._model.index(place, 0)
            selection.setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
            self.scrollTo(index)
        self._quiet = was

    def sorting(self) -> tuple[str, bool]:
        """Return the column that sorts, "" for none, and whether the largest come first."""
        header, table = self.horizontalHeader(), self._model.table
        section = header.sortIndicatorSection()
        if table is None or not 0 <= section < len(table.columns):
            return "", False
        return table.columns[section], header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder

    def set_sorting(self, column: str, down: bool) -> None:
        """Sort by a column, "" for the table's own order."""
        table = self._model.table
        place = table.columns.index(column) if table and column in table.columns else -1
        order = Qt.SortOrder.DescendingOrder if down else Qt.SortOrder.AscendingOrder
        self.sortByColumn(place, order)

    def text(self) -> str:
        """Return the rows as they are sorted, with tabs between cells, for a spreadsheet."""
        table = self._model.table
        if table is None:
            return ""
        places = range(len(table.rows))
        rows = tuple(table.rows[self._model.row_of(place)] for place in places)
        shown = Table(table.title, table.columns, table.units, rows)
        return tables.delimited(shown, "\t", "\n")

    def copy_table(self) -> None:
        """Put the table on the clipboard."""
        QGuiApplication.clipboard().setText(self.text())

    def changeEvent(self, event: QEvent) -> None:
        """Take the fonts again when the application's font changed."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._fit_fonts()
            self._fit_columns()
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the new width between the columns."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit_columns()

    def _fit_fonts(self) -> None:
        self.setFont(theme.font("body"))
        self.horizontalHeader().setFont(theme.font("secondary"))
        self.verticalHeader().setMinimumSectionSize(theme.px(20))
        self.verticalHeader().setDefaultSectionSize(theme.px(28))

    def _fit_columns(self) -> None:
        """Give numbers their width; of the words, those that name the row give way last."""
        table = self._model.table
        if table is None:
            return
        wanted = [self._wanted(table, place) for place in range(len(table.columns))]
        words = [place for place in range(len(wanted)) if not self._model.is_numeric(place)]
        spare = self.viewport().width() - sum(wanted)
        for place in reversed(words):
            least = theme.px(_LEAST if place == words[0] else _LEAST_BESIDE)
            give = min(max(0, -spare), max(0, wanted[place] - least))
            wanted[place] -= give
            spare += give
        if spare > 0 and words:
            wanted[words[0]] += spare
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for place, width in enumerate(wanted):
            self.setColumnWidth(place, width)

    def _wanted(self, table: Table, place: int) -> int:
        """Return the width that a column's text would take."""
        head = QFontMetrics(theme.font("secondary"))
        strong = QFontMetrics(theme.font("strong"))
        lines = tables.in_lines(tables.heads(table)[place])
        width = max(map(head.horizontalAdvance, lines)) + theme.px(_ARROW)
        cells = sorted({tables.written(cell) for cell in tables.column(table, place)}, key=len)
        metrics = QFontMetrics(self.font())
        longest = max((metrics.horizontalAdvance(words) for words in cells[-8:]), default=0)
        if table.totals and table.totals[place] is not None:
            total = strong.horizontalAdvance(tables.written(table.totals[place]))
            longest = max(longest, total)
        if not self._model.is_numeric(place):
            longest = min(longest, theme.px(_WIDEST))
        return max(width, longest) + theme.px(_BESIDE)

    def _tell(self) -> None:
        row = self._model.row_of(self.currentIndex().row())
        if not self._quiet and row >= 0:
            self.row_picked.emit(row)

    def _show_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        cell = self.indexAt(point)
        copy = menu.addAction(theme.icon("copy"), "Copy table")
        copy.setEnabled(self._model.table is not None)
        one = menu.addAction("Copy cell")
        one.setEnabled(cell.isValid())
        chosen = menu.exec(self.viewport().mapToGlobal(point))
        menu.deleteLater()
        if chosen is copy:
            self.copy_table()
        elif chosen is one and cell.isValid():
            exact = cell.data(CELL)
            QGuiApplication.clipboard().setText("" if exact is None else str(exact))
