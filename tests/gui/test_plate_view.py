"""Results that no tab draws in its own way are shown as the figure that Export would write."""

from __future__ import annotations

import numpy as np
import pytest
from person import find
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QPushButton,
    QScrollArea,
    QToolButton,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.plate_view import PlateView
from cnnviz_desktop.gui.tab_order import tab_stops

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


def choose(window, title: str) -> None:
    """Choose a technique by the keyboard."""
    picker = find(window, "techniquePicker", QComboBox)
    assert picker.isVisible()
    picker.setFocus()
    QTest.keyClicks(picker, title[0])
    assert picker.currentText() == title


@pytest.fixture
def walked(drive, picture, qtbot):
    """Run a script in a window that shows the hierarchy."""

    def run(script, *argv):
        def begin(window):
            session = window.tabs._session
            qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)
            view = window.tabs.feature_maps
            assert not view.plate.isVisible()
            choose(window, "Hierarchy")
            QTest.mouseClick(find(window, "runButton", QPushButton), Qt.MouseButton.LeftButton)
            qtbot.waitUntil(lambda: view.plate.image() is not None, timeout=20000)
            script(window)

        drive(begin, picture, *argv)

    return run


def test_the_figure_takes_the_place_of_grid_and_bar(walked):
    def script(window):
        view = window.tabs.feature_maps
        assert view.plate.isVisible()
        assert not view.grid.isVisible()
        assert not view.bar.parentWidget().isVisible()
        assert window.tabs.head.title().startswith("Hierarchy")
        assert view.plate.image().width() == view.plate.pixels_wide()
        assert find(window, "exportButton").isEnabled()

    walked(script)


def test_a_layer_picked_in_the_tree_brings_its_maps_back(walked, qtbot):
    def script(window):
        view = window.tabs.feature_maps
        tree = find(window, "layerTree", QTreeView)
        tree.setFocus()
        QTest.keyClick(tree, Qt.Key.Key_Down)
        QTest.keyClick(tree, Qt.Key.Key_Down)
        qtbot.waitUntil(view.grid.isVisible)
        assert not view.plate.isVisible()
        assert find(window, "techniquePicker", QComboBox).currentText() == "Feature maps"

    walked(script)


def test_it_is_drawn_in_the_look_that_is_on(walked, qtbot):
    def script(window):
        plate = window.tabs.feature_maps.plate
        light = plate.image()
        QTest.mouseClick(find(window, "themeButton", QToolButton), Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: plate.image() is not light, timeout=20000)
        grounds = {image.pixelColor(2, 2).lightness() > 128 for image in (light, plate.image())}
        assert grounds == {True, False}

    walked(script)


def test_it_is_copied_as_a_picture(walked):
    def script(window):
        QTest.mouseClick(find(window, "copyButton", QToolButton), Qt.MouseButton.LeftButton)
        copied = QGuiApplication.clipboard().image()
        assert copied.size() == window.tabs.feature_maps.plate.image().size()

    walked(script)


def test_keys_and_wheel_zoom(qtbot):
    plate = PlateView()
    qtbot.addWidget(plate)
    plate.resize(600, 400)
    plate.show()
    plate.show_figure(np.full((900, 500, 3), 7, np.uint8))
    wide = plate.pixels_wide()
    with qtbot.waitSignal(plate.wanted):
        QTest.keyClick(plate, Qt.Key.Key_Plus)
    assert plate.pixels_wide() == pytest.approx(1.25 * wide, abs=2)
    QTest.keyClick(plate, Qt.Key.Key_0)
    assert plate.pixels_wide() == wide
    none, ctrl = Qt.MouseButton.NoButton, Qt.KeyboardModifier.ControlModifier
    turn = (QPointF(50, 50), QPointF(50, 50), QPoint(), QPoint(0, 240), none, ctrl)
    event = QWheelEvent(*turn, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(plate.viewport(), event)
    assert plate.zoom() == pytest.approx(1.25**2)
    QTest.keyClick(plate, Qt.Key.Key_Minus)
    assert plate.zoom() == pytest.approx(1.25)


def test_a_tall_figure_scrolls_and_an_absent_one_says_so(qtbot):
    plate = PlateView()
    qtbot.addWidget(plate)
    plate.resize(500, 300)
    plate.show()
    assert plate.verticalScrollBar().maximum() == 0
    assert plate.grab().toImage().pixelColor(3, 3) == QColor(theme.current().canvas)
    plate.show_figure(np.zeros((3000, 300, 3), np.uint8))
    QApplication.processEvents()
    assert plate.verticalScrollBar().maximum() > 3000
    assert plate.horizontalScrollBar().maximum() == 0


def test_what_takes_long_waits_for_run(drive, picture, qtbot, engine):
    """A click runs what is quick; hundreds of probes it does not."""

    def script(window):
        session = window.tabs._session
        qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)
        window.tabs.setCurrentIndex(3)
        qtbot.waitUntil(lambda: "Filters" in session.answers, timeout=20000)
        choose(window, "What it detects")
        before = list(engine.performed)
        tree = find(window, "layerTree", QTreeView)
        tree.setFocus()
        QTest.keyClick(tree, Qt.Key.Key_Down)
        QTest.qWait(200)
        assert engine.performed == before
        assert session.is_stale("Filters")

    drive(script, picture)


def test_tab_comes_to_a_figure_and_not_to_frames_around_controls(qtbot) -> None:
    page, plate, frame = QWidget(), PlateView(), QScrollArea()
    button = QPushButton("Inside")
    frame.setWidget(button)
    column = QVBoxLayout(page)
    for widget in (plate, frame):
        column.addWidget(widget)
    qtbot.addWidget(page)
    page.show()
    assert tab_stops(page) == [plate, button]
