"""Bars, table and target picker."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QPushButton, QTableView

from cnnviz_desktop.data import Box, Prediction
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.prediction_bars import PredictionBars
from cnnviz_desktop.gui.prediction_panel import PredictionPanel
from cnnviz_desktop.gui.target_picker import TargetPicker

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


def prediction(*logits: float, names: tuple[str, ...] = ()) -> Prediction:
    values = np.float32(logits)
    shares = np.exp(values - values.max())
    labels = names or tuple(f"class {index}" for index in range(len(logits)))
    return Prediction(values, (shares / shares.sum()).astype(np.float32), labels, Box(0, 0, 8, 8))


THOUSAND = prediction(*np.linspace(0, 8, 1000), names=tuple(f"thing {i}" for i in range(1000)))


@pytest.fixture
def panel(qtbot, qapp: QApplication) -> PredictionPanel:
    theme.apply(qapp, "light")
    made = PredictionPanel()
    qtbot.addWidget(made)
    made.resize(640, 480)
    made.show_prediction(prediction(1, 5, 3))
    made.show_table([(4, "a.png", prediction(1, 5, 3)), (6, 'b, "x".png', prediction(9, 5, 3))])
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def picker(qtbot, qapp: QApplication) -> TargetPicker:
    theme.apply(qapp, "light")
    made = TargetPicker()
    qtbot.addWidget(made)
    made.resize(240, 200)
    made.set_prediction(THOUSAND)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_a_click_on_a_bar_picks_its_class(panel: PredictionPanel) -> None:
    targets: list[int] = []
    panel.target_picked.connect(targets.append)
    bars = panel.findChild(PredictionBars, "predictionBars")
    for row in (0, 2):
        place = bars.row_rect(row).center()
        QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=place)
    QTest.keyClick(bars, Qt.Key.Key_Up)
    QTest.keyClick(bars, Qt.Key.Key_Return)
    assert targets == [1, 0, 2]


def test_bars_without_an_answer(panel: PredictionPanel) -> None:
    panel.show_prediction(None)
    bars = panel.findChild(PredictionBars, "predictionBars")
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=bars.row_rect(0).center())
    assert not panel.grab().isNull()
    panel.show_prediction(prediction(float("nan"), float("nan")))
    assert not panel.grab().isNull()


def test_bars_that_only_tell(qtbot, panel: PredictionPanel) -> None:
    bars = PredictionBars(pickable=False)
    qtbot.addWidget(bars)
    bars.show_prediction(prediction(1, 5, 3))
    picked: list[int] = []
    bars.target_picked.connect(picked.append)
    QTest.mouseMove(bars, bars.row_rect(1).center())
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=bars.row_rect(1).center())
    assert picked == []
    assert bars.cursor().shape() == Qt.CursorShape.ArrowCursor
    assert bars.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_table_rows_pick_images(panel: PredictionPanel) -> None:
    keys: list[int] = []
    panel.image_picked.connect(keys.append)
    table = panel.findChild(QTableView, "predictionTable")
    place = table.visualRect(table.model().index(1, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.keyClick(table, Qt.Key.Key_Up)
    assert keys == [6, 4]
    panel.show_table([(9, "c", prediction(1, 2)), (4, "a", prediction(1, 2))])
    assert table.currentIndex().row() == 1 and keys == [6, 4]


def test_another_answer_leaves_the_others_as_they_are(panel: PredictionPanel, monkeypatch) -> None:
    asked: list[Prediction] = []
    top = Prediction.top
    monkeypatch.setattr(Prediction, "top", lambda self, n=5: asked.append(self) or top(self, n))
    rows = [(key, f"{key}", prediction(key, 1)) for key in range(3)]
    panel.show_table(rows[:2], 0)
    panel.show_table(rows, 0)
    panel.show_table(rows, 2)
    assert asked == [row[2] for row in rows]
    table = panel.findChild(QTableView, "predictionTable")
    assert table.model().rowCount() == 3 and table.currentIndex().row() == 2


def test_the_table_stays_where_it_was_scrolled_to_while_answers_come(
    panel: PredictionPanel,
) -> None:
    rows = [(number, f"{number}.png", prediction(1, 2, number % 5)) for number in range(60)]
    panel.show_table(rows[:50], 0)
    bar = panel.findChild(QTableView).verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    before = bar.value()
    panel.show_table(rows, 0)
    assert bar.value() == before > 0
    panel.show_table(rows, 59)  # another picture is brought into sight
    assert bar.value() == bar.maximum()


def test_numbers_stand_right(panel: PredictionPanel) -> None:
    model = panel.findChild(QTableView, "predictionTable").model()
    role = Qt.ItemDataRole.TextAlignmentRole
    assert model.index(0, 2).data(role) & Qt.AlignmentFlag.AlignRight
    assert model.index(0, 1).data(role) & Qt.AlignmentFlag.AlignLeft
    assert model.index(0, 2).data().endswith("%")


def test_csv_is_exact_and_quoted(panel: PredictionPanel) -> None:
    QTest.mouseClick(panel.findChild(QPushButton, "copyPredictions"), Qt.MouseButton.LeftButton)
    text = QGuiApplication.clipboard().text()
    lines = text.splitlines()
    assert lines[0] == "image,top1,confidence1,top2,confidence2,top3,confidence3"
    assert lines[1].startswith("a.png,class 1,0.86")
    assert lines[2].startswith('"b, ""x"".png",class 0,0.97')


def test_saving_is_asked_for(panel: PredictionPanel, qtbot) -> None:
    with qtbot.waitSignal(panel.csv_requested, timeout=500):
        QTest.mouseClick(panel.findChild(QPushButton, "savePredictions"), Qt.MouseButton.LeftButton)


def test_mixed_class_counts_and_no_rows(panel: PredictionPanel) -> None:
    panel.show_table([(1, "x", prediction(1)), (2, "y", THOUSAND)])
    assert not panel.grab().isNull()
    assert panel.csv_text().splitlines()[1].startswith("x,class 0,1")
    panel.show_table([])
    assert not panel.findChild(QTableView, "predictionTable").isVisible()


def choices(picker: TargetPicker) -> list[QAbstractButton]:
    return [b for b in picker.findChildren(QAbstractButton, "targetChoice") if b.isVisible()]


def test_top_five_are_one_click_away(picker: TargetPicker) -> None:
    targets: list[int | None] = []
    picker.target_changed.connect(targets.append)
    offered = choices(picker)
    assert [button.text() for button in offered[:2]] == ["Likeliest class", "thing 999"]
    QTest.mouseClick(offered[2], Qt.MouseButton.LeftButton)
    QTest.mouseClick(offered[2], Qt.MouseButton.LeftButton)
    QTest.mouseClick(offered[0], Qt.MouseButton.LeftButton)
    assert targets == [998, None] and picker.target() is None


def test_search_finds_any_of_a_thousand(picker: TargetPicker) -> None:
    targets: list[int | None] = []
    picker.target_changed.connect(targets.append)
    search = picker.findChild(QLineEdit, "targetSearch")
    QTest.keyClicks(search, "THING 123")
    assert search.completer().completionCount() == 1
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert targets == [123] and search.text() == "thing 123"
    assert not any(button.isChecked() for button in choices(picker))
    search.selectAll()
    QTest.keyClick(search, Qt.Key.Key_Delete)
    assert targets == [123, None]


def test_a_picked_class_keeps_the_keyboard_when_its_answer_comes_again(
    picker: TargetPicker,
) -> None:
    rows = choices(picker)
    rows[2].setFocus()
    rows[2].click()
    picker.set_prediction(THOUSAND)
    assert choices(picker) == rows and picker.window().focusWidget() is rows[2]
    picker.set_prediction(prediction(1, 2, 3))
    held = picker.window().focusWidget()
    assert held in choices(picker) and held not in rows


def test_search_by_number_and_by_nothing(picker: TargetPicker) -> None:
    search = picker.findChild(QLineEdit, "targetSearch")
    QTest.keyClicks(search, "42")
    search.completer().popup().hide()
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert picker.target() == 42
    search.clear()
    QTest.keyClicks(search, "no such class")
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert picker.target() == 42
    search.setText("\u00b2")  # a digit, yet no number
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert picker.target() == 42


def test_what_is_typed_stays_for_a_menu_and_goes_with_the_keyboard(picker: TargetPicker) -> None:
    search = picker.findChild(QLineEdit, "targetSearch")
    search.setText("thi")
    for reason in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
        QApplication.sendEvent(search, QFocusEvent(QEvent.Type.FocusOut, reason))
        assert search.text() == "thi"
    tab = Qt.FocusReason.TabFocusReason
    QApplication.sendEvent(search, QFocusEvent(QEvent.Type.FocusOut, tab))
    assert search.text() == ""  # as no class was chosen


def test_set_target_is_silent_and_survives_a_new_answer(picker: TargetPicker) -> None:
    targets: list[int | None] = []
    picker.target_changed.connect(targets.append)
    picker.set_target(998)
    assert choices(picker)[2].isChecked()
    picker.set_prediction(THOUSAND)
    assert picker.target() == 998 and targets == []
    picker.set_prediction(prediction(1, 2))
    assert picker.target() is None
