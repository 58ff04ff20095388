"""Show tables about the network; a row that is clicked picks its layer, as the tree does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QImage, QPalette
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from cnnviz_desktop.data import Table
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import Ground, Line, label, named
from cnnviz_desktop.gui.empty_state import EmptyState
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import STATISTICS, Session
from cnnviz_desktop.gui.table_view import TableView
from cnnviz_desktop.gui.work import Answer

_LAYER = "layer"  # the column that names layers


class StatisticsView(ResultView):
    """A sortable table, and below it what is to be said about it all."""

    tab = STATISTICS
    needs_image = False
    draws: ClassVar[tuple[type, ...]] = (Table,)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.hide_bar()
        self.view = TableView("statisticsTable", "Table")
        self._notes = label("", "secondary", muted=True)
        self._notes.setWordWrap(True)
        self._notes.setContentsMargins(16, 8, 16, 8)
        self._notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        named(self._notes, "statisticsNotes", "About the table")
        self._pages = QStackedWidget()
        self._pages.addWidget(EmptyState("No table yet.", "Press Run (F5) to make one."))
        self._pages.addWidget(_page(self.view, self._notes))
        self._pages.setFocusProxy(self.view)
        self.canvas.addWidget(self._pages, 1)
        self._sorting = ("", False)  # of a session that is being opened
        self.view.row_picked.connect(self._picked)
        session.layer_picked.connect(self._mark)
        session.models.changed.connect(self._mark)

    def show_answer(self, answer: Answer) -> None:
        """Show a table."""
        if isinstance(answer.result, Table):
            self.view.show_table(answer.result)
            if self._sorting[0]:
                self.view.set_sorting(*self._sorting)
                self._sorting = ("", False)
            self._notes.setText("\n".join(answer.result.notes))
            self._notes.setVisible(bool(answer.result.notes))
            self._pages.setCurrentIndex(1)
            self._mark()

    def forget(self) -> None:
        """Show no table."""
        self.view.show_table(None)
        self._pages.setCurrentIndex(0)

    def title(self) -> tuple[str, str]:
        """Return what the table is called, and how long it is."""
        table = self.view.table()
        if self.answer() is None or table is None:
            return self.tab, ""
        rows = "row" if len(table.rows) == 1 else "rows"
        return table.title, middle(f"{labels.whole(len(table.rows))} {rows}")

    def view_settings(self) -> dict[str, Any]:
        """Return how the table is sorted."""
        column, down = self.view.sorting()
        return {"sorted": column, "down": down}

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Sort the table as a session kept it."""
        column, down = values.get("sorted"), values.get("down")
        if isinstance(column, str) and isinstance(down, bool):
            self._sorting = (column, down)
            if self.view.table() is not None:
                self.view.set_sorting(column, down)

    def copy(self) -> QMimeData | None:
        """Return the table as text, or the figure that is shown."""
        if self.is_plate() or self.view.table() is None:
            return super().copy()
        data = QMimeData()
        data.setText(self.view.text())
        return data

    def picture(self) -> QImage | None:
        """Return the table as it is on screen."""
        return self.view.grab().toImage() if self.view.table() is not None else None

    def _picked(self, row: int) -> None:
        name = self._layer_of(row)
        if name:
            self.session.pick_layer(name, self.tab)

    def _layer_of(self, row: int) -> str:
        """Return the layer that a row is about, "" where it is about none."""
        table, model = self.view.table(), self.session.model
        if table is None or model is None or _LAYER not in table.columns:
            return ""
        name = table.rows[row][table.columns.index(_LAYER)]
        node = model.layers.find(name) if isinstance(name, str) and name else None
        return node.name if node is not None else ""

    def _mark(self) -> None:
        """Mark the row of the layer that is picked."""
        table = self.view.table()
        if table is None or _LAYER not in table.columns:
            return
        place, layer = table.columns.index(_LAYER), self.session.layer(self.tab)
        rows = (row for row, cells in enumerate(table.rows) if cells[place] == layer)
        self.view.select_row(next(rows, -1))


def _page(table: TableView, notes: QLabel) -> QWidget:
    page = Ground(QPalette.ColorRole.Base)
    beside = QVBoxLayout()
    beside.setContentsMargins(8, 0, 4, 0)
    beside.addWidget(table)
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addLayout(beside, 1)
    column.addWidget(Line())
    column.addWidget(notes)
    return page
