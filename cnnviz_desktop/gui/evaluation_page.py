"""Show how networks answer on labelled pictures: numbers and calibration, and their confusions."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from cnnviz_desktop.data import Cell, DatasetFacts, Evaluation, Evaluations, Table
from cnnviz_desktop.figures.evaluation_table import summary_table
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import ElidedCombo, Ground, Line, label, named
from cnnviz_desktop.gui.evaluation_cells import answer_name, pictures_in
from cnnviz_desktop.gui.evaluation_curve import CalibrationCurve
from cnnviz_desktop.gui.evaluation_matrix import ConfusionMatrix
from cnnviz_desktop.gui.evaluation_pictures import EvaluationPictures
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.table_view import TableView

_HORIZONTAL, _VERTICAL = Qt.Orientation.Horizontal, Qt.Orientation.Vertical


class NumbersPage(QWidget):
    """The networks' numbers, those of each class below, and the curve of calibration beside them.

    Signals: `class_picked` (class index) a row of the classes.
    """

    class_picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: list[int] = []
        self.summary = TableView("evaluationTable", "Networks")
        self.classes = TableView("evaluationClasses", "Classes")
        self.curve = CalibrationCurve()
        self._notes = label("", "secondary", muted=True)
        self._notes.setWordWrap(True)
        self._notes.setContentsMargins(16, 8, 16, 8)
        self._notes.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        named(self._notes, "evaluationNotes", "About the evaluation")
        ground = Ground(QPalette.ColorRole.Base)
        left = QVBoxLayout(ground)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addWidget(self.classes, 1)
        left.addWidget(self._notes)
        split = QSplitter(_HORIZONTAL)
        split.setObjectName("evaluationSplitter")
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(ground)
        split.addWidget(self.curve)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setSizes([520, 360])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.summary)
        whole.addWidget(Line())
        whole.addWidget(split, 1)
        self.setFocusProxy(self.summary)
        self.classes.row_picked.connect(self._picked)

    def show_evaluations(self, found: Evaluations) -> None:
        """Show the numbers."""
        self.summary.show_table(summary_table(found))
        rows = min(6, len(found.models))
        # The head, the rows, and a line below.
        self.summary.setFixedHeight(theme.px(28) * (rows + 1) + theme.px(14))
        table, self._labels = shares_table(found)
        self.classes.show_table(table)
        self.curve.show_models(found.models)
        self._notes.setText("\n".join(found.notes))
        self._notes.setVisible(bool(found.notes))

    def _picked(self, row: int) -> None:
        self.class_picked.emit(self._labels[row])


def shares_table(found: Evaluations) -> tuple[Table, list[int]]:
    """Return a row a class with its recall and precision by each network, and their indices."""
    first = found.models[0]
    of_class = dict(zip(first.classes.tolist(), first.support.tolist(), strict=True))
    present = [index for index, pictures in of_class.items() if pictures]
    shares = [_shares(item) for item in found.models]
    several = len(found.models) > 1
    columns, units = ["class", "pictures"], ["", ""]
    for word in ("recall", "precision"):
        columns += [f"{word} {item.model}" if several else word for item in found.models]
        units += ["%"] * len(found.models)
    rows: list[tuple[Cell, ...]] = []
    for index in present:
        both = [item.get(index, (None, None)) for item in shares]
        recalls, precisions = zip(*both, strict=True)
        rows.append((first.labels[index], of_class[index], *recalls, *precisions))
    table = Table("Classes", tuple(columns), tuple(units), tuple(rows), bars=tuple(columns[2:]))
    return table, present


def _shares(item: Evaluation) -> dict[int, tuple[Cell, Cell]]:
    """Return recall and precision of each class in per cent, None where there are none."""
    columns = (item.classes.tolist(), item.recall.tolist(), item.precision.tolist())
    return {
        index: (_percent(recall), _percent(precision))
        for index, recall, precision in zip(*columns, strict=True)
    }


def _percent(share: float) -> Cell:
    return None if math.isnan(share) else 100 * share


class ConfusionPage(QWidget):
    """The matrix of one network, and the pictures of the cell that is picked below it.

    Signals: `picture_chosen` (`DatasetFacts`, file).
    """

    picture_chosen = Signal(object, str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: Evaluations | None = None
        self.models = ElidedCombo()
        named(self.models, "evaluatedModel", "Network", "Whose answers the matrix shows")
        adjust = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.models.setSizeAdjustPolicy(adjust)
        self.matrix = ConfusionMatrix()
        self.pictures = EvaluationPictures(session)
        self._head = QWidget()
        row = QHBoxLayout(self._head)
        row.setContentsMargins(16, 6, 16, 6)
        row.setSpacing(8)
        row.addWidget(label("Network", muted=True))
        row.addWidget(self.models, 1)
        row.addStretch(2)
        self._split = QSplitter(_VERTICAL)
        self._split.setObjectName("confusionSplitter")
        self._split.setChildrenCollapsible(False)
        self._split.setHandleWidth(1)
        self._split.addWidget(self.matrix)
        self._split.addWidget(self.pictures)
        self._split.setStretchFactor(0, 1)
        self.pictures.hide()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._head)
        whole.addWidget(self._split, 1)
        self.setFocusProxy(self.matrix)
        self.models.activated.connect(self._turn)
        self.matrix.picked.connect(self._show_cell)
        self.pictures.chosen.connect(self.picture_chosen)

    def show_evaluations(self, found: Evaluations, facts: DatasetFacts | None) -> None:
        """Show the first network's confusions, or those of the one that was chosen."""
        kept = self.models.currentIndex()
        before, self._found = self._found, found
        self.pictures.take_facts(facts)
        if before is None or [m.model for m in before.models] != [m.model for m in found.models]:
            kept = 0
            self.models.clear()
            self.models.addItems([item.model for item in found.models])
        self.models.setCurrentIndex(max(0, kept))
        self._head.setVisible(len(found.models) > 1)
        if found is not before:
            self.pictures.hide()
            self._turn()

    def evaluation(self) -> Evaluation | None:
        """Return the network that is shown."""
        place = self.models.currentIndex()
        known = self._found is not None and 0 <= place < len(self._found.models)
        return self._found.models[place] if known and self._found is not None else None

    def show_class(self, index: int) -> None:
        """Show the pictures of a class that are taken for another, else those that are right."""
        item, cells = self.evaluation(), self.matrix.cells
        if item is None or cells is None or index not in cells.rows:
            return
        row = cells.rows.index(index)
        wrong = cells.counts[row].copy()
        wrong[row] = 0  # the columns begin with the rows' classes
        column = int(wrong.argmax()) if wrong.max() else row
        self.matrix.pick(row, column)

    def _turn(self) -> None:
        self.matrix.show_evaluation(self.evaluation())
        if self.matrix.picked_cell()[0] < 0:
            self.pictures.hide()  # they are of a cell that this network does not have
        elif self.pictures.isVisible():
            self._show_cell(*self.matrix.picked_cell())

    def _show_cell(self, truth: int, answer: int) -> None:
        """Show the pictures of a cell."""
        item, cells = self.evaluation(), self.matrix.cells
        if item is None or cells is None or self._found is None:
            return
        places = pictures_in(item, cells, truth, answer)
        count = labels.whole(len(places))
        some = f"{count} picture{'s' if len(places) != 1 else ''} of {item.labels[truth]}"
        taken = "taken for what they are" if truth == answer else ""
        taken = taken or f"taken for {answer_name(item, answer)}"
        if self.pictures.isHidden():
            self.pictures.show()
            wanted = self.pictures.sheet.rows_high(1) + theme.px(34)
            self._split.setSizes([max(100, self._split.height() - wanted), wanted])
        title = f"{some} {taken}"
        self.pictures.show_pictures(title, item, self._found.files, places)
