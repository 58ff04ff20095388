"""Show a classifier's answer as bars, and the answers to all pictures of a session as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Signal,
)
from PySide6.QtGui import QGuiApplication, QKeySequence, QPalette, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.data import Prediction
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import Line
from cnnviz_desktop.gui.labels import ElidedLabel
from cnnviz_desktop.gui.prediction_bars import PredictionBars

Index = QModelIndex | QPersistentModelIndex
Row = tuple[int, str, Prediction]

_TOP = 3  # classes a row of the table names


class PredictionPanel(QWidget):
    """The likeliest classes of one picture, and a table of every picture of the session.

    Signals: `target_picked(int)` the bar of a class was clicked; `image_picked(int)` a row of the
    table was picked, by key of the picture; `csv_requested()` the table is to be saved.
    """

    target_picked = Signal(int)
    image_picked = Signal(int)
    csv_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("predictionPanel")
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        self._quiet = False
        self._marked: int | None = None  # the picture that was brought into sight
        self._bars = PredictionBars(self)
        self._bars.target_picked.connect(self.target_picked)
        self._model = PredictionTable(self)
        self._table = self._make_table()
        self._title = ElidedLabel("All images of the session", self, role="strong")
        self._copy = self._button("copyPredictions", "Copy as CSV", "Copy the table as CSV text")
        self._save = self._button("savePredictions", "Save CSV…", "Save the table as a CSV file")
        self._copy.clicked.connect(self.copy_csv)
        self._save.clicked.connect(self.csv_requested)
        self._lay_out()
        self._refresh()

    def add_picture(self, picture: QWidget) -> None:
        """Show a picture beside the bars, so that the table below has the whole width."""
        self._upper.insertWidget(0, Line(Qt.Orientation.Vertical))
        self._upper.insertWidget(0, picture, 4)

    def show_prediction(self, prediction: Prediction | None) -> None:
        """Show the likeliest classes of one picture, or the empty state."""
        self._bars.show_prediction(prediction)

    def show_table(self, rows: Sequence[Row], current: int | None = None) -> None:
        """Show pictures by (key, name, answer); mark the current one, without a signal."""
        if current is None:
            current = self._current_key()
        bar = self._table.verticalScrollBar()
        place, same = bar.value(), current == self._marked
        was, self._quiet = self._quiet, True
        if self._model.show_rows(rows):
            self._fit_columns()
        self._mark(current)
        self._marked = self._current_key()
        self._quiet = was
        if same:  # someone may look elsewhere while answers come
            bar.setValue(place)
        self._refresh()

    def csv_text(self) -> str:
        """Return the table as CSV: every picture with its top classes, unrounded."""
        return self._model.csv_text()

    def copy_csv(self) -> None:
        """Put the table on the clipboard as CSV."""
        QGuiApplication.clipboard().setText(self.csv_text())

    def changeEvent(self, event: QEvent) -> None:
        """Take the fonts again when the application's font changed."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._fit_fonts()
            self._fit_columns()
        super().changeEvent(event)

    def _make_table(self) -> QTableView:
        table = QTableView(self)
        table.setObjectName("predictionTable")
        table.setAccessibleName("Predictions for all images of the session")
        table.setToolTip("")
        table.setModel(self._model)
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.verticalHeader().hide()
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setMinimumSectionSize(64)
        table.horizontalHeader().setResizeContentsPrecision(0)  # the rows in sight: there are many
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._show_menu)
        table.selectionModel().currentRowChanged.connect(self._tell)
        copy = QShortcut(QKeySequence.StandardKey.Copy, table)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy_csv)
        return table

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAccessibleName(text.rstrip("…"))
        button.setToolTip(tip)
        return button

    def _lay_out(self) -> None:
        beside = QVBoxLayout()
        beside.setContentsMargins(16, 16, 16, 16)
        beside.addWidget(self._bars)
        beside.addStretch(1)
        self._upper = QHBoxLayout()
        self._upper.setSpacing(0)
        self._upper.addLayout(beside, 5)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title, 1)
        head.addWidget(self._copy)
        head.addWidget(self._save)
        self._lower = QWidget(self)
        lower = QVBoxLayout(self._lower)
        lower.setContentsMargins(16, 12, 16, 12)
        lower.setSpacing(8)
        lower.addLayout(head)
        lower.addWidget(self._table, 1)
        self._line = Line()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._upper, 1)
        column.addWidget(self._line)
        column.addWidget(self._lower, 1)
        self.setFocusProxy(self._bars)
        self._fit_fonts()

    def _fit_fonts(self) -> None:
        self._table.setFont(theme.font("body"))
        self._table.horizontalHeader().setFont(theme.font("secondary"))
        self._table.verticalHeader().setMinimumSectionSize(theme.px(20))
        self._table.verticalHeader().setDefaultSectionSize(theme.px(28))

    def _fit_columns(self) -> None:
        """Give numbers their width and share the rest between names."""
        header = self._table.horizontalHeader()
        modes = QHeaderView.ResizeMode
        for column in range(self._model.columnCount()):
            number = self._model.is_number(column)
            header.setSectionResizeMode(column, modes.ResizeToContents if number else modes.Stretch)

    def _mark(self, key: int | None) -> None:
        place = self._model.place_of(key)
        selection = self._table.selectionModel()
        if place < 0:
            selection.clear()
            return
        flags = QItemSelectionModel.SelectionFlag
        index = self._model.index(place, 0)
        selection.setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self._table.scrollTo(index)

    def _current_key(self) -> int | None:
        return self._model.key_at(self._table.currentIndex().row())

    def _tell(self) -> None:
        key = self._current_key()
        if not self._quiet and key is not None:
            self.image_picked.emit(key)

    def _show_menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        copy = menu.addAction(theme.icon("copy"), "Copy as CSV")
        save = menu.addAction(theme.icon("save"), "Save CSV…")
        chosen = menu.exec(self._table.viewport().mapToGlobal(point))
        menu.deleteLater()
        if chosen is copy:
            self.copy_csv()
        elif chosen is save:
            self.csv_requested.emit()

    def _refresh(self) -> None:
        full = self._model.rowCount() > 0
        self._lower.setVisible(full)
        self._line.setVisible(full)


def _is_same(row: Row, other: Row) -> bool:
    return row[:2] == other[:2] and row[2] is other[2]


class PredictionTable(QAbstractTableModel):
    """Pictures in rows: name, then class and confidence of the likeliest."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self._tops: list[list[tuple[int, str, float]]] = []

    def show_rows(self, rows: Sequence[Row]) -> bool:
        """Take other pictures or answers; tell whether there are any."""
        if len(rows) == len(self._rows) and all(map(_is_same, rows, self._rows)):
            return False
        known = {id(row[2]): top for row, top in zip(self._rows, self._tops, strict=True)}
        self.beginResetModel()
        self._tops = [known.get(id(row[2])) or row[2].top(_TOP) for row in rows]
        self._rows = list(rows)
        self.endResetModel()
        return True

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Count the pictures."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Count the name and two columns for each class."""
        classes = max((len(top) for top in self._tops), default=0)
        return 0 if parent.isValid() else 1 + 2 * classes

    def is_number(self, column: int) -> bool:
        """Tell whether a column holds confidences."""
        return column > 0 and column % 2 == 0

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the columns' captions."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            rank = (section + 1) // 2
            if self.is_number(section):
                return "Confidence" if section == 2 else ""
            return "Image" if section == 0 else f"Top {rank}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a name, a class or a confidence."""
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(column)
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        if column == 0:
            return self._rows[row][1]
        rank = (column - 1) // 2
        if rank >= len(self._tops[row]):
            return None
        _, label, share = self._tops[row][rank]
        return labels.percent(share) if self.is_number(column) else label

    def key_at(self, row: int) -> int | None:
        """Return the key of the picture in a row."""
        return self._rows[row][0] if 0 <= row < len(self._rows) else None

    def place_of(self, key: int | None) -> int:
        """Return the row of a picture, -1 for none."""
        return next((row for row, entry in enumerate(self._rows) if entry[0] == key), -1)

    def csv_text(self) -> str:
        """Return the rows as CSV."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        ranks = range(1, max((len(top) for top in self._tops), default=0) + 1)
        heads = [word for rank in ranks for word in (f"top{rank}", f"confidence{rank}")]
        writer.writerow(["image", *heads])
        for (_, name, _), top in zip(self._rows, self._tops, strict=True):
            writer.writerow([name, *(cell for _, label, p in top for cell in (label, f"{p:.6g}"))])
        return text.getvalue()

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if self.is_number(column) else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter
