"""The bar that breaks into rows where the window is narrow."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton, QWidget

from cnnviz_desktop.gui.bar_layout import BarLayout
from cnnviz_desktop.gui.controls import Slide

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.fixture
def bar(qtbot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    layout = BarLayout(made)
    layout.setContentsMargins(16, 6, 16, 6)
    for number in range(4):
        button = QPushButton(f"{number}")
        button.setFixedSize(100, 28)
        layout.addWidget(button)
    layout.addWidget(Slide("Gamma", "gamma", "", 0, 1, 0.1))
    made.show()
    qtbot.waitExposed(made)
    return made


def boxes(bar: QWidget) -> list:
    layout = bar.layout()
    return [layout.itemAt(place).widget().geometry() for place in range(layout.count())]


def test_one_row_where_it_fits_and_the_slider_takes_what_is_left(bar: QWidget) -> None:
    bar.resize(640, 40)
    first, *_, slide = boxes(bar)
    assert bar.heightForWidth(640) == 40
    assert first.left() == 16 and first.center().y() == slide.center().y()
    assert slide.right() <= 640 - 16 and slide.width() > slide.height()
    width = slide.width()
    bar.resize(660, 40)
    assert boxes(bar)[-1].width() == width + 20


def test_a_narrow_bar_has_more_rows_and_squeezes_nothing(bar: QWidget) -> None:
    height = bar.heightForWidth(360)
    assert height == 2 * 28 + 8 + 12
    bar.resize(360, height)
    *buttons, slide = boxes(bar)
    assert [box.width() for box in buttons] == [100] * 4
    assert [box.top() for box in buttons] == [6, 6, 6, 42]
    assert slide.left() > buttons[3].right() and slide.right() <= 360 - 16
    assert not any(
        one.intersects(other) for one in boxes(bar) for other in boxes(bar) if one != other
    )


def test_hidden_controls_take_no_room(bar: QWidget) -> None:
    before = bar.heightForWidth(400)
    bar.layout().itemAt(0).widget().hide()
    bar.layout().itemAt(1).widget().hide()
    assert bar.heightForWidth(400) < before
