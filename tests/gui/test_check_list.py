"""The list of boxes to tick, by hand."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QListWidget, QPushButton, QStyle, QStyleOptionViewItem

from cnnviz_desktop.gui.check_list import CheckList

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

NAMES = tuple(f"features.{number}" for number in range(12))


@pytest.fixture
def field(qtbot) -> CheckList:
    made = CheckList("layers", "Layers", "More layers.")
    made.set_names(NAMES, {"features.3": "the third"})
    qtbot.addWidget(made)
    made.resize(160, 28)
    made.show()
    return made


def rows(field: CheckList) -> QListWidget:
    found = field.findChild(QListWidget, "layersList")
    assert found is not None
    return found


def open_list(field: CheckList) -> QListWidget:
    QTest.mouseClick(field, Qt.MouseButton.LeftButton)
    found = rows(field)
    assert found.isVisible()
    return found


def click_box(found: QListWidget, row: int) -> None:
    item = found.item(row)
    found.scrollToItem(item)
    option = QStyleOptionViewItem()
    option.initFrom(found)
    option.rect = found.visualItemRect(item)
    option.features |= QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator
    box = found.style().subElementRect(
        QStyle.SubElement.SE_ItemViewItemCheckIndicator, option, found
    )
    QTest.mouseClick(found.viewport(), Qt.MouseButton.LeftButton, pos=box.center() + QPoint(0, 0))


def test_what_is_ticked_is_told_in_its_order_and_the_list_stays_open(field) -> None:
    heard: list[tuple[str, ...]] = []
    field.ticked.connect(lambda: heard.append(field.names()))
    found = open_list(field)
    click_box(found, 5)
    click_box(found, 3)
    assert heard == [("features.5",), ("features.5", "features.3")]
    assert found.isVisible() and field.currentText() == "features.5, the third"
    click_box(found, 5)
    assert field.names() == ("features.3",)
    QTest.keyClick(found, Qt.Key.Key_Escape)
    assert not found.isVisible()


def test_a_search_and_the_keyboard_alone_tick(field) -> None:
    found = open_list(field)
    search = field.findChild(QLineEdit, "layersSearch")
    assert search.hasFocus() or search.isVisible()
    QTest.keyClicks(search, "s.1")
    assert [r for r in range(12) if not found.item(r).isHidden()] == [1, 10, 11]
    QTest.keyClick(search, Qt.Key.Key_Down)
    QTest.keyClick(found, Qt.Key.Key_Down)
    QTest.keyClick(found, Qt.Key.Key_Space)
    assert field.names() == ("features.10",)
    search.clear()
    QTest.keyClicks(search, "THIRD")
    QTest.keyClick(search, Qt.Key.Key_Return)  # the only one found
    assert field.names() == ("features.10", "features.3")
    button = field.findChild(QPushButton, "layersClear")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert field.names() == () and field.currentText() == "None"
    assert not button.isEnabled()


def test_values_set_are_not_heard_and_what_is_unknown_is_kept(field) -> None:
    heard: list[None] = []
    field.ticked.connect(lambda: heard.append(None))
    field.choose(("features.2", "gone"))
    field.set_names(NAMES[:3])
    assert heard == [] and field.names() == ("features.2", "gone")
    found = rows(field)
    assert [found.item(r).checkState() == Qt.CheckState.Checked for r in range(3)] == [
        False,
        False,
        True,
    ]
    field.choose(NAMES)
    assert field.currentText().startswith("12 chosen: ")
