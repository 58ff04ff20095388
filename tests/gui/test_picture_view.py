"""The picture view: fit, zoom, hover, marks."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cnnviz_desktop.data import Box
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.picture_view import PictureView

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.fixture
def view(qtbot, qapp: QApplication) -> PictureView:
    theme.apply(qapp, "light")
    made = PictureView()
    qtbot.addWidget(made)
    made.resize(432, 332)  # 400 x 300 within the margins
    made.show()
    qtbot.waitExposed(made)
    return made


def picture(height: int, width: int, value: int = 200) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def wheel(view: PictureView, turned: int) -> None:
    place = QPointF(200, 150)
    event = QWheelEvent(
        place,
        view.viewport().mapToGlobal(place),
        QPoint(),
        QPoint(0, turned),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view.viewport(), event)


def test_fits_by_default_and_on_resize(view: PictureView) -> None:
    view.show_pixels(picture(150, 100))
    assert view.zoom() == pytest.approx(2.0)
    view.resize(232, 182)
    assert view.zoom() == pytest.approx(1.0)


def test_wheel_zooms_and_double_click_fits(view: PictureView) -> None:
    view.show_pixels(picture(100, 100))
    wheel(view, 120)
    assert view.zoom() == pytest.approx(3 * 1.25) and not view.fitted()
    wheel(view, -120)
    assert view.fitted()
    wheel(view, 240)
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    assert view.fitted() and view.zoom() == pytest.approx(3.0)


def test_same_size_keeps_the_zoom(view: PictureView) -> None:
    view.show_pixels(picture(100, 100))
    wheel(view, 240)
    zoomed = view.zoom()
    view.show_pixels(picture(100, 100, 10))
    assert view.zoom() == zoomed
    view.show_pixels(picture(50, 100))
    assert view.fitted()


def test_hover_gives_row_and_column(view: PictureView) -> None:
    view.show_pixels(picture(3, 4))  # 100 screen pixels a pixel
    seen: list[tuple[int, int]] = []
    view.hovered.connect(lambda row, column: seen.append((row, column)))
    for point in (QPoint(20, 20), QPoint(410, 310), QPoint(5, 5)):
        QTest.mouseMove(view.viewport(), point)
    assert seen == [(0, 0), (2, 3), (-1, -1)]


def test_click_is_not_a_drag(view: PictureView) -> None:
    view.show_pixels(picture(3, 4))
    places: list[tuple[int, int]] = []
    view.clicked.connect(lambda row, column: places.append((row, column)))
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    QTest.mouseMove(view.viewport(), QPoint(50, 50))
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
    assert places == [(1, 1)]


def test_marks_are_white_with_a_black_line(view: PictureView) -> None:
    view.show_pixels(picture(3, 4, 128))
    view.set_marks([Box(1, 1, 2, 2)])
    image = view.viewport().grab().toImage()
    names = [image.pixelColor(x, 166).name() for x in range(108, 124)]
    assert "#ffffff" in names and "#000000" in names


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 1), (3000, 2)])
def test_extreme_sizes_stay_visible(view: PictureView, size: tuple[int, int]) -> None:
    view.show_pixels(np.zeros((*size, 3), np.uint8))
    image = view.viewport().grab().toImage()
    dark = sum(
        image.pixelColor(x, y).lightness() < 40
        for x in range(0, image.width(), 2)
        for y in range(image.height())
    )
    assert dark > 100


def test_keys_and_the_empty_state(view: PictureView) -> None:
    assert view.image() is None and not view.grab().isNull()
    QTest.keyClick(view, Qt.Key.Key_Plus)
    view.show_pixels(picture(100, 100))
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert not view.fitted()
    QTest.keyClick(view, Qt.Key.Key_0)
    assert view.fitted()
    view.show_pixels(None)
    assert view.image() is None and not view.grab().isNull()
