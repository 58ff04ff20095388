"""The sortable table, and the tab that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QStyledItemDelegate, QTreeView

from cnnviz_desktop.data import Table
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.table_model import TableModel
from cnnviz_desktop.gui.table_view import TableView, _Cells

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

TABLE = Table(
    "Layers",
    ("layer", "output", "parameters", "memory"),
    ("", "", "", "MB"),
    (
        ("features.2", "64×112×112", 1_234_567, 0.5),
        ("features.10", "8×7×7", 0, None),
        ("head." + "very_long_name_" * 12, None, 90, 12.5),
    ),
    ("total", None, 1_234_657, 13.0),
    ("parameters",),
)


@pytest.fixture
def view(qtbot, qapp: QApplication) -> Iterator[TableView]:
    theme.apply(qapp, "light")
    made = TableView("table", "Table")
    qtbot.addWidget(made)
    made.resize(700, 300)
    made.show_table(TABLE)
    made.show()
    qtbot.waitExposed(made)
    yield made
    theme.apply(qapp, "light")


def cells(view: TableView, column: int) -> list[str]:
    model = view.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def press(view: TableView, column: int) -> None:
    header = view.horizontalHeader()
    x = header.sectionViewportPosition(column) + header.sectionSize(column) // 2
    place = header.rect().center()
    place.setX(x)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_the_model_is_sound() -> None:
    model = TableModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    for table in (TABLE, replace(TABLE, totals=()), None, TABLE):
        model.show_table(table)
        model.sort(0, Qt.SortOrder.DescendingOrder)
    assert (model.rowCount(), model.columnCount()) == (4, 4)


def test_numbers_stand_right_and_have_thin_spaces(view: TableView) -> None:
    assert cells(view, 2) == ["1\u2009234\u2009567", "0", "90", "1\u2009234\u2009657"]
    assert cells(view, 3) == ["0.500", "–", "12.5", "13.0"]
    role = Qt.ItemDataRole.TextAlignmentRole
    sides = [view.model().index(0, column).data(role) for column in range(4)]
    right = Qt.AlignmentFlag.AlignRight
    assert [bool(side & right) for side in sides] == [False, True, True, True]
    heads = [view.model().headerData(i, Qt.Orientation.Horizontal) for i in range(4)]
    assert heads == ["layer", "output", "parameters", "memory\n(MB)"]


def test_a_click_on_a_head_sorts_numbers_as_numbers_and_names_as_people_do(
    view: TableView,
) -> None:
    first = view.table().rows[2][0]
    press(view, 0)
    assert cells(view, 0) == ["features.2", "features.10", first, "total"]
    press(view, 0)
    assert cells(view, 0) == [first, "features.10", "features.2", "total"]
    press(view, 0)  # the table's own order
    assert (view.sorting(), cells(view, 2)[1]) == (("", False), "0")
    press(view, 1)
    assert cells(view, 1) == ["8×7×7", "64×112×112", "–", ""]
    press(view, 1)
    assert cells(view, 1) == ["64×112×112", "8×7×7", "–", ""]  # what there is none of stays last
    assert view.sorting() == ("output", True)
    press(view, 3)
    assert cells(view, 3) == ["0.500", "12.5", "–", "13.0"]


def test_rows_are_picked_by_what_they_are_and_not_by_where(view: TableView) -> None:
    picked: list[int] = []
    view.row_picked.connect(picked.append)
    press(view, 2)
    assert cells(view, 2)[:3] == ["0", "90", "1\u2009234\u2009567"]
    place = view.visualRect(view.model().index(1, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert picked == [2, 1]
    view.select_row(0)
    assert picked == [2, 1] and view.currentIndex().row() == 2
    press(view, 2)  # the picked row goes along
    assert view.currentIndex().data() == "features.2" and picked == [2, 1]
    place = view.visualRect(view.model().index(3, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert picked == [2, 1], "the totals are no row"


def test_copying_gives_text_with_tabs_in_the_order_that_is_seen(view: TableView) -> None:
    view.set_sorting("parameters", True)
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "layer\toutput\tparameters\tmemory (MB)"
    assert lines[1] == "features.2\t64×112×112\t1234567\t0.5"
    assert lines[3] == "features.10\t8×7×7\t0\t"


def test_names_give_way_before_numbers(view: TableView) -> None:
    for width in (900, 500, 360):
        view.resize(width, 300)
        metrics = view.fontMetrics()
        for column in (1, 2, 3):
            widest = max(metrics.horizontalAdvance(text) for text in cells(view, column))
            assert view.columnWidth(column) > widest
    assert view.textElideMode() == Qt.TextElideMode.ElideMiddle
    wide = view.columnWidth(0)
    view.resize(900, 300)
    assert view.columnWidth(0) > wide


def test_what_names_the_row_gives_way_last(qtbot, qapp: QApplication) -> None:
    theme.apply(qapp, "light")
    table = TableView("table", "Table")
    qtbot.addWidget(table)
    name, kind = "features.3.expand1x1", "AdaptiveAveragePooling2d"
    table.show_table(Table("t", ("layer", "kind", "n"), ("", "", ""), ((name, kind, 1),)))
    table.resize(330, 200)
    table.show()
    metrics = table.fontMetrics()
    assert table.columnWidth(0) > metrics.horizontalAdvance(name)
    assert table.columnWidth(1) < metrics.horizontalAdvance(kind)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_bars_are_as_long_as_numbers(view: TableView, qapp: QApplication, name) -> None:
    theme.apply(qapp, name)
    image = view.viewport().grab().toImage()
    accent = theme.current().accent.rgb()

    def length(row: int) -> int:
        box = view.visualRect(view.model().index(row, 2))
        line = box.bottom() - 2
        return sum(image.pixel(x, line) == accent for x in range(box.left(), box.right() + 1))

    room = view.columnWidth(2)
    assert room - 20 < length(0) < room
    assert length(1) == 0 and length(2) == 1 and length(3) == 0


def test_no_table_is_shown_as_none(view: TableView) -> None:
    view.show_table(None)
    assert view.model().rowCount() == 0
    assert view.text() == ""
    assert not view.grab().isNull()


# ------------------------------------------------------------------------------------- the tab


def turn(window, qtbot) -> None:
    session = window.tabs._session
    qtbot.waitUntil(lambda: session.model is not None and "Feature maps" in session.answers)
    QTest.keyClick(window, Qt.Key.Key_7, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: "Statistics" in session.answers)


def test_the_tab_fills_itself_and_a_row_picks_its_layer(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        turn(window, qtbot)
        statistics = window.tabs.statistics
        assert window.tabs.head.title() == "Architecture of bundled 4 rows"
        assert statistics.view.isVisible()
        assert "2 Conv2d" in statistics._notes.text()
        layer = statistics.view.model().index(2, 0)
        place = statistics.view.visualRect(layer).center()
        QTest.mouseClick(statistics.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
        session = window.tabs._session
        assert session.layer("Feature maps") == "block.conv2"
        tree = window.findChild(QTreeView, "layerTree")
        assert tree.currentIndex().data() == "conv2"
        assert window.technique_panel._state.text().startswith("Up to date")
        window.model_panel.tree.step_conv(-1)  # and the tree marks the row
        assert statistics.view.currentIndex().data() == "block.conv1"
        assert session.techniques["Statistics"].leaves_only

    drive(script, picture)
    assert [item for item in engine.performed if item.startswith("summary")] == ["summary "]


def test_a_layer_of_the_tree_keeps_what_the_form_says(drive, qtbot, picture) -> None:
    def script(window) -> None:
        turn(window, qtbot)
        session = window.tabs._session
        technique = session.techniques["Statistics"]
        session.set_technique("Statistics", type(technique)(leaves_only=False))
        session.pick_layer("block.conv1", "Statistics")
        assert session.techniques["Statistics"] == type(technique)(leaves_only=False)

    drive(script, picture)


def test_copy_and_the_calls_of_the_table(drive, qtbot, picture) -> None:
    def script(window) -> None:
        turn(window, qtbot)
        window.commands.copy()
        text = QGuiApplication.clipboard().text()
        assert text.splitlines()[1] == "block.conv1\tConv2d\t1200\t0.5"
        window.exporting.copy_command()
        command = "cnnviz summary bundled --out summary-bundled.png"
        assert QGuiApplication.clipboard().text() == command
        window.exporting.copy_python()
        lines = QGuiApplication.clipboard().text()
        assert "from cnnviz_desktop import Summary, load_model, plate" in lines
        assert "result = Summary()(model)" in lines

    drive(script, picture)


def test_the_table_is_exported_as_csv(drive, qtbot, picture, tmp_path) -> None:
    from cnnviz_desktop.gui.export_options import ExportOptions

    def script(window) -> None:
        turn(window, qtbot)
        shown = window.exporting.shown()
        path = tmp_path / "table.csv"
        window.exporting.write(shown, ExportOptions(suffix=".csv"), path)
        qtbot.waitUntil(path.exists)
        assert path.read_text(encoding="utf-8").splitlines()[1] == "block.conv1,Conv2d,1200,0.5"
        window.exporting.export()
        dialog = next(w for w in QApplication.topLevelWidgets() if w.objectName() == "exportDialog")
        assert dialog.windowTitle() == "Export Architecture of bundled"
        qtbot.waitUntil(lambda: dialog.preview.image() is not None, timeout=20000)
        dialog._form.set_suffix(".csv")
        dialog._form.changed.emit()
        qtbot.waitUntil(lambda: bool(dialog.preview.rows()))
        assert dialog.preview.rows()[0][-1] == "memory (MB)"
        dialog.reject()

    drive(script, picture)


def test_how_the_table_is_sorted_is_kept(drive, qtbot, picture) -> None:
    def script(window) -> None:
        turn(window, qtbot)
        statistics = window.tabs.statistics
        statistics.view.set_sorting("parameters", True)
        kept = statistics.view_settings()
        assert kept == {"sorted": "parameters", "down": True}
        statistics.view.set_sorting("", False)
        statistics.set_view_settings({"sorted": 3, "down": None})
        assert statistics.view.sorting() == ("", False)
        statistics.set_view_settings(kept)
        assert statistics.view.model().index(0, 0).data() == "block.conv2"
        statistics.forget()
        assert not statistics.view.isVisible()

    drive(script, picture)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_cells_look_as_the_style_would_paint_them(view: TableView, qapp, name: str) -> None:
    theme.apply(qapp, name)
    ours = view.viewport().grab().toImage()
    view.setItemDelegate(QStyledItemDelegate(view))
    view.show_table(replace(TABLE, bars=()))
    theirs = view.viewport().grab().toImage()
    view.setItemDelegate(_Cells(view))
    assert view.viewport().grab().toImage() == theirs
    assert ours != theirs  # which had its bars
