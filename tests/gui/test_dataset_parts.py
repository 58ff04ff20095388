"""The order of channels, the cells of a matrix, rows that are painted and walked."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cnnviz_desktop.data import DatasetFacts, Evaluation, Evaluations, ExemplarOverview
from cnnviz_desktop.engine.evaluation import calibration, per_class
from cnnviz_desktop.gui.dataset_folder import ClassTable
from cnnviz_desktop.gui.dataset_work import image_of
from cnnviz_desktop.gui.evaluation_cells import OTHERS, cells_of, pictures_in
from cnnviz_desktop.gui.evaluation_curve import CalibrationCurve
from cnnviz_desktop.gui.evaluation_matrix import ConfusionMatrix, readable_on
from cnnviz_desktop.gui.evaluation_page import ConfusionPage
from cnnviz_desktop.gui.exemplar_matrix import ClassMatrix, PairBars
from cnnviz_desktop.gui.exemplar_order import class_place, ordered, searched
from cnnviz_desktop.gui.exemplar_rows import facts_of_channel, histogram
from cnnviz_desktop.gui.exemplar_sheet import ExemplarSheet

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


def found_of(channels: int = 4, classes: int = 2, seed: int = 0) -> ExemplarOverview:
    """Return an overview of numbers that are drawn."""
    numbers = np.random.default_rng(seed)
    values = -np.sort(-numbers.random((channels, 9), np.float32), axis=1)
    labels = numbers.integers(0, classes, (channels, 9))
    strongest = np.stack([(labels == item).sum(axis=1) for item in range(classes)], axis=1)
    return ExemplarOverview(
        title="pictures",
        layer="conv",
        images=90,
        total=100,
        values=values,
        ids=np.arange(channels * 9).reshape(channels, 9),
        labels=labels,
        classes=tuple(f"class {item}" for item in range(classes)),
        folders=tuple(f"folder_{item}" for item in range(classes)),
        means=numbers.random((channels, classes), np.float32),
        strongest=strongest.astype(np.float32),
        selectivity=numbers.normal(size=(channels, classes)).astype(np.float32),
        telling=numbers.permutation(channels),
    )


def evaluation_of(truth: list[int], predicted: list[int], classes: int) -> Evaluation:
    """Return what is known of some answers."""
    true, said = np.array(truth), np.array(predicted)
    sure = np.linspace(0.3, 0.95, len(true))
    known, precision, recall, support = per_class(true, said)
    counts, confidences, accuracies = calibration(sure, true == said)
    return Evaluation(
        model="net",
        labels=tuple(f"class {item}" for item in range(classes)),
        truth=true,
        predicted=said,
        confidences=sure.astype(np.float32),
        places=np.zeros(len(true), np.int64),
        losses=np.zeros(len(true), np.float32),
        loss=0.0,
        mse=0.0,
        r2=1.0,
        top1=float((true == said).mean()),
        top5=1.0,
        ece=0.1,
        classes=known,
        precision=precision,
        recall=recall,
        support=support,
        bin_counts=counts,
        bin_confidences=confidences.astype(np.float32),
        bin_accuracies=accuracies.astype(np.float32),
    )


def test_channels_come_in_the_order_of_the_form() -> None:
    found = found_of(20, 3)
    assert ordered(found, "selectivity") == found.telling.tolist()
    assert ordered(found, "index") == list(range(20))
    by_strength = ordered(found, "strength")
    assert (np.diff(found.values[by_strength, 0]) <= 0).all()
    by_purity = ordered(found, "purity")
    assert (np.diff(found.purity()[by_purity]) <= 1e-6).all()
    for_class = ordered(found, "selectivity", 1)
    assert (np.diff(found.selectivity[for_class, 1]) <= 0).all()


def test_a_search_takes_numbers_ranges_and_classes() -> None:
    found = found_of(20, 3)
    order = ordered(found, "strength")
    assert searched(found, order, " ") == order
    assert sorted(searched(found, order, "3, 17-99 5")) == [3, 5, 17, 18, 19]
    assert searched(found, order, "21") == []
    best = found.strongest.argmax(axis=1)
    wanted = [channel for channel in order if best[channel] == 2]
    assert searched(found, order, "Class 2") == wanted
    assert searched(found, order, "nothing like it") == []
    assert class_place(found, "FOLDER_1") == class_place(found, "class 1") == 1
    assert class_place(found, None) == class_place(found, "other") == -1


def test_a_channel_in_words_and_bars() -> None:
    found = found_of(3, 40)
    bars = histogram(found, 1)
    assert len(bars.heights) == 24  # of many the highest, sorted
    assert (np.diff(bars.heights) <= 0).all()
    assert bars.heights.max() == 1
    few = histogram(found_of(3, 5), 1)
    assert few.places.tolist() == [0, 1, 2, 3, 4]
    words = facts_of_channel(found, 1)
    assert words[0].endswith(found.classes[int(found.strongest[1].argmax())])
    assert words[2].startswith("+")


def test_only_classes_with_pictures_have_a_row_and_strange_answers_share_a_column() -> None:
    truth = [5, 5, 5, 9, 9, 9, 9]
    few = cells_of(evaluation_of(truth, [5, 9, 5, 9, 9, 2, 2], 20))
    assert few.rows == (5, 9)
    assert few.columns == (5, 9, 2)
    assert few.counts.tolist() == [[2, 1, 0], [0, 2, 2]]
    many = evaluation_of([5] * 9, [0, 1, 2, 3, 4, 5, 6, 7, 8], 20)
    cells = cells_of(many)
    assert cells.columns == (5, OTHERS)
    assert cells.counts.tolist() == [[1, 8]]
    assert pictures_in(many, cells, 5, OTHERS) == [8, 7, 6, 4, 3, 2, 1, 0]  # the surest first
    assert pictures_in(many, cells, 5, 5) == [5]


def test_a_matrix_of_a_thousand_classes_is_painted_scrolled_and_walked(qtbot) -> None:
    numbers = np.random.default_rng(1)
    truth = np.arange(1000).repeat(2)
    said = np.where(numbers.random(2000) < 0.7, truth, numbers.integers(0, 1000, 2000))
    view = ConfusionMatrix()
    qtbot.addWidget(view)
    view.resize(700, 500)
    view.show_evaluation(evaluation_of(truth.tolist(), said.tolist(), 1000))
    view.show()
    assert view.cell_side() >= 4  # never too small to hit
    start = time.perf_counter()
    view.grab()
    assert time.perf_counter() - start < 0.5
    picked: list[tuple[int, int]] = []
    view.picked.connect(lambda *cell: picked.append(cell))
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=view.cell_rect(7, 9).center())
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert picked == [(7, 9), (8, 9)]
    side = view.cell_side()
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert view.cell_side() > side
    assert view.told(7, 7).endswith("%)")


def test_a_picked_cell_is_forgotten_where_its_row_is_gone(qtbot) -> None:
    view = ConfusionMatrix()
    qtbot.addWidget(view)
    view.show_evaluation(evaluation_of([0, 1, 2], [0, 1, 2], 3))
    view.pick(2, 2)
    view.show_evaluation(evaluation_of([0, 1, 2], [0, 2, 2], 3))
    assert view.picked_cell() == (2, 2)
    fewer = evaluation_of([0, 0, 1], [0, 2, 1], 3)  # the same answers, of two classes alone
    assert cells_of(fewer).columns == (0, 1, 2)
    view.show_evaluation(fewer)
    assert view.picked_cell() == (-1, -1)


def test_pictures_of_a_cell_go_with_the_network_they_are_of(qtbot) -> None:
    page = ConfusionPage(SimpleNamespace(job=lambda _slot: None, drop=lambda _slot: None))
    qtbot.addWidget(page)
    one, other = evaluation_of([0, 0, 1], [0, 1, 1], 3), evaluation_of([0, 0, 1], [0, 2, 1], 3)
    found = Evaluations("pictures", ("a.png", "b.png", "c.png"), (one, other))
    with qtbot.waitExposed(page):
        page.show()
    page.show_evaluations(found, None)
    page.matrix.pick(0, 1)
    assert page.pictures.isVisible()
    page.models.setCurrentIndex(1)
    page.models.activated.emit(1)
    assert page.matrix.picked_cell() == (-1, -1)
    assert not page.pictures.isVisible()


def test_numbers_in_cells_can_be_read() -> None:
    assert readable_on(QColor("#E8C49A")) == QColor("black")
    assert readable_on(QColor("#1B66C9")) == QColor("white")


@pytest.mark.parametrize(
    ("typed", "said"), [("wavy", [(0, 2)]), ("1", [(0, 1)]), ("STRIPED STAR", [(0, 0)]), ("r", [])]
)
def test_a_class_of_a_folder_is_typed(qtbot, typed: str, said: list[tuple[int, int]]) -> None:
    place = ("folders", "/pictures", "test", "/pictures", "pictures")
    facts = DatasetFacts(*place, 10, ("mine", "other"), (5, 5), (None, 1), (None, 1), ("", "name"))
    table = ClassTable()
    qtbot.addWidget(table)
    table.resize(800, 200)
    with qtbot.waitActive(table):
        table.show()
    table.show_facts(facts, ("striped star", "dotted disc", "wavy ring"))
    heard: list[tuple[int, int]] = []
    table.said.connect(lambda *what: heard.append(what))
    table.select(0)
    table.picked.emit(0)
    line = table.picker.lineEdit()
    line.setText(typed)
    menu = QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.PopupFocusReason)
    QApplication.sendEvent(table.picker, menu)
    assert line.text() == typed  # while a menu has the keyboard, from which more may be pasted
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, typed)
    popup = table.picker.completer().popup()
    QTest.keyClick(popup if popup.isVisible() else line, Qt.Key.Key_Return)
    assert heard == said
    popup.hide()
    table.setFocus()
    if not said:
        assert line.text() == "No class: left out"


def test_a_marked_channel_is_told_of_the_pair_that_is_shown(qtbot) -> None:
    bars, found = PairBars(), found_of(6, 3)
    qtbot.addWidget(bars)
    bars.show_pair(found, 0, 1)
    bars.select(2)
    bars.show_pair(found, 0, 2)
    said = bars.accessibleDescription()
    assert said == bars.told(bars.selected(), QPoint()) and "class 2" in said


def test_points_of_the_calibration_lie_where_they_say(qtbot) -> None:
    view = CalibrationCurve()
    qtbot.addWidget(view)
    view.resize(400, 420)
    item = evaluation_of([0, 0, 1, 1], [0, 1, 1, 1], 2)
    view.show_models((item,))
    view.grab()
    plot = view.plot()
    for number, point in view.points(0):
        across = (point.x() - plot.left()) / plot.width()
        assert across == pytest.approx(float(item.bin_confidences[number]), abs=0.01)
        assert "1 picture: " in view.told(point.toPoint())
    assert view.told(QPoint(1, 1)) == ""


def test_thousands_of_channels_scroll_smoothly_and_only_those_in_sight_are_wanted(qtbot) -> None:
    asked: list[int] = []
    sheet = ExemplarSheet(asked.append)  # type: ignore[arg-type]
    qtbot.addWidget(sheet)
    sheet.resize(900, 700)
    found = found_of(2048, 100)
    sheet.show_rows(found, ordered(found, "strength"), spread=False, target=-1)
    sheet.show()
    sheet.grab()
    assert len(set(asked)) == len(sheet.in_sight()) < 20
    bar = sheet.verticalScrollBar()
    start = time.perf_counter()
    for place in range(0, bar.maximum(), bar.maximum() // 20):
        bar.setValue(place)
        sheet.viewport().grab()
    assert (time.perf_counter() - start) / 20 < 0.1
    picked: list[tuple[int, int]] = []
    sheet.walked.connect(lambda *cell: picked.append(cell))
    QTest.keyClick(sheet, Qt.Key.Key_Home)
    QTest.keyClick(sheet, Qt.Key.Key_End)
    QTest.keyClick(sheet, Qt.Key.Key_Right)
    order = sheet.order()
    assert picked == [(order[0], 0), (order[-1], 0), (order[-1], 1)]
    assert order[-1] in sheet.in_sight()


def test_channels_against_many_classes_scroll_sideways(qtbot) -> None:
    view = ClassMatrix()
    qtbot.addWidget(view)
    view.resize(400, 300)
    found = found_of(300, 90)
    view.show_rows(found, list(range(300)), -1)
    view.show()
    view.grab()
    assert view.horizontalScrollBar().maximum() > 0
    view.horizontalScrollBar().setValue(view.horizontalScrollBar().maximum())
    right = QPoint(view.viewport().width() - 20, view.row_rect(0).center().y())
    assert view.class_at(right) == 89
    assert found.classes[89] in view.told(0, right)


def test_a_crop_is_clear_where_its_picture_ends() -> None:
    crop = np.full((4, 4, 3), -1, np.float32)
    crop[1:3, 1:3] = (1.0, 0.5, 0.0)
    image = image_of(crop)
    assert image.pixelColor(0, 0).alpha() == 0
    inside = image.pixelColor(1, 1)
    assert (inside.red(), inside.green(), inside.blue(), inside.alpha()) == (255, 128, 0, 255)
