"""The tab of filters: a table of filters by inputs, one input, colours, and what the mouse says."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QWidget

from cnnviz_desktop.data import FilterBank
from cnnviz_desktop.engine.techniques import Filters
from cnnviz_desktop.figures.plates import plate
from cnnviz_desktop.gui.kernel_sheet import KernelSheet, SheetLook, Weight

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


def bank(*shape: int, **more) -> FilterBank:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) - 3
    return FilterBank(values, "block.conv1", **more)


@pytest.fixture
def kernels(engine, monkeypatch):
    """An engine that gives the banks put here."""
    perform, given = engine.perform, [bank(5, 4, 3, 3)]

    def performed(technique, model, image, run):
        return (
            given[-1] if isinstance(technique, Filters) else perform(technique, model, image, run)
        )

    monkeypatch.setattr(engine, "perform", performed)
    return given


def open_filters(window, qtbot):
    session = window.tabs._session
    qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)
    QTest.keyClick(window, Qt.Key.Key_4, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: "Filters" in session.answers, timeout=20000)
    return window.tabs.filters


def foot(window) -> str:
    return window.findChild(QWidget, "kernelValue").text()


def move_over(view, row: int, column: int) -> None:
    """Move the mouse to the middle of a pixel of the sheet, once the bar above has its height."""
    QTest.qWait(100)
    point = view.view.mapFromScene(QPointF(column + 0.5, row + 0.5))
    QTest.mouseMove(view.view.viewport(), QPoint(point.x(), point.y()))


def test_rows_are_filters_and_columns_inputs(drive, qtbot, picture, kernels):
    def script(window) -> None:
        view = open_filters(window, qtbot)
        image = view.picture()
        assert (image.height(), image.width()) == (5 * 4 - 1, 4 * 4 - 1)
        assert foot(window) == "rows: 5 filters · columns: inputs"
        move_over(view, 2 * 4 + 1, 3 * 4 + 2)  # filter 2, input 3, the kernel's row 1, column 2
        value = kernels[0].values[2, 3, 1, 2]
        assert foot(window) == f"filter 2, input 3: {value:.0f}"
        assert not window.findChild(QWidget, "kernelInput").isVisible()
        one = window.findChild(QAbstractButton, "kernelLayout_one")
        QTest.mouseClick(one, Qt.MouseButton.LeftButton)
        assert window.findChild(QWidget, "kernelInput").isVisible()
        QTest.keyClick(window.findChild(QWidget, "kernelInput"), Qt.Key.Key_Up)
        assert view._sheet.look.given == 1
        move_over(view, 1, 1)
        assert foot(window) == f"filter 0, input 1: {kernels[0].values[0, 1, 1, 1]:.1f}"

    drive(script, picture)


def test_a_session_keeps_the_layout(drive, qtbot, picture, kernels):
    def script(window) -> None:
        view = open_filters(window, qtbot)
        kept = {**view.view_settings(), "layout": "one", "input": 2}
        view.set_view_settings(kept)
        assert not view._sheet.is_table
        assert view.view_settings() == kept
        view.view.zoom_by(2)
        zoom = view.view.zoom()
        view.show_answer(view.answer())  # as when the session's network has come
        assert view.view_settings() == kept
        assert view.view.zoom() == zoom

    drive(script, picture)


@pytest.mark.parametrize(
    ("shape", "more", "table", "choice", "colour"),
    [
        ((6, 3, 5, 5), {}, False, False, True),  # the first layer, in colour
        ((8, 1, 3, 3), {"groups": 8}, False, False, False),  # depthwise
        ((8, 2, 3, 3), {"groups": 4}, True, True, False),  # grouped
        ((8, 16, 3, 3), {"dilation": (2, 2)}, True, True, False),
        ((7, 9, 1, 1), {}, True, False, False),  # 1x1, linear: a matrix
        ((4, 1, 33, 33), {"spectrum": True}, False, False, False),
    ],
)
def test_every_kind_of_kernel_has_its_sheet(shape, more, table, choice, colour):
    found = bank(*shape, **more)
    sheet = KernelSheet(found, SheetLook())
    assert (sheet.is_table, sheet.has_choice, sheet.in_colour) == (table, choice, colour)
    drawn = sheet.pixels()
    if table:
        high, wide = ((n + 1) if shape[3] > 1 else 1 for n in shape[2:])
        gap = 1 if shape[3] > 1 else 0
        assert drawn.shape[:2] == (shape[0] * high - gap, shape[1] * wide - gap)
    for row in range(drawn.shape[0]):
        for column in range(0, drawn.shape[1], 7):
            weight = sheet.at(row, column)
            if weight is not None and not colour and not found.spectrum:
                assert (
                    sheet.value(weight) == found.values[(weight.place, weight.given, *weight.cell)]
                )
    assert plate(found).get_axes()  # and export draws it


def test_zero_is_mid_grey_and_what_excites_is_light():
    values = np.float32([-1, 0, 1, 0.5]).reshape(1, 4, 1, 1)
    sheet = KernelSheet(FilterBank(values, "fc"), SheetLook())
    greys = sheet.pixels()[0, :, 0].astype(int)
    assert greys[0] == 0
    assert greys[2] == 255
    assert abs(greys[1] - 127) <= 1
    assert greys[1] < greys[3] < greys[2]


def test_inputs_of_a_group_are_counted_through_the_layer():
    grouped = bank(8, 2, 3, 3, groups=4, order=(7, 6, 5, 4, 3, 2, 1, 0), duplicates=((1, 4),))
    sheet = KernelSheet(grouped, SheetLook())
    assert sheet.at(0, 4) == Weight(0, 1, (0, 0))
    assert sheet.channel(0, 1) == 7  # filter 7 is of the last group, which reads inputs 6 and 7
    assert sheet.channel(7, 0) == 0
    assert [sheet.name(place) for place in (0, 3, 6)] == ["7", "4a", "1a"]
    assert sheet.at(3, 0) is None  # the ground between


def test_a_table_that_is_too_large_shows_its_first_rows():
    pointwise = FilterBank(np.zeros((2048, 1024, 1, 1), np.float32), "shortcut")  # of a ResNet-50
    assert KernelSheet(pointwise, SheetLook()).pixels().shape == (2048, 1024, 3)
    wide = FilterBank(np.zeros((1500, 512, 3, 3), np.float32), "deep")
    sheet = KernelSheet(wide, SheetLook())
    assert sheet.shown == 732  # 6 million pixels
    assert sheet.at(731 * 4, 0) is not None
    assert sheet.at(732 * 4, 0) is None


def test_the_head_says_what_was_done(drive, qtbot, picture, kernels):
    kernels.append(
        bank(6, 4, 3, 3, duplicates=((0, 1, 2), (4, 5)), batch_norm="block.bn", dilation=(2, 2))
    )

    def script(window) -> None:
        open_filters(window, qtbot)
        said = window.tabs.head.title()
        assert "dilated 2×2" in said
        assert "scale of block.bn folded in" in said
        assert "5 near-duplicates in 2 groups" in said

    drive(script, picture)


@pytest.mark.slow  # twelve seconds: the real engine shows its probes
def test_what_a_layer_detects_is_one_choice_and_a_run_away(drive, qtbot):
    from PySide6.QtWidgets import QComboBox, QPushButton

    from cnnviz_desktop.data import Tuning
    from cnnviz_desktop.resources import resource

    sample = sorted(resource("samples").glob("*.png"))[0]

    def script(window) -> None:
        view, session = open_filters(window, qtbot), window.tabs._session
        methods = window.findChild(QComboBox, "techniquePicker")
        methods.setFocus()
        QTest.keyClick(methods, Qt.Key.Key_End)
        assert "detects" in methods.currentText()
        QTest.mouseClick(window.findChild(QPushButton, "runButton"), Qt.MouseButton.LeftButton)
        qtbot.waitUntil(
            lambda: isinstance(session.answers["Filters"].result, Tuning), timeout=90000
        )
        qtbot.waitUntil(lambda: view.plate.image() is not None, timeout=60000)
        assert view.is_plate()
        assert view.plate.isVisible()

    drive(script, sample, real=True)
