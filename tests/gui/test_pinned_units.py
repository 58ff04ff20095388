"""Pinned units stay while pictures, layers and networks change, and stand across all pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QListWidget

from cnnviz_desktop.data import Activation, Table
from cnnviz_desktop.engine.techniques import UnitCard
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.settings import Settings

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("owl.png", "kestrel.png", "jay.png")]
    for path in paths:
        path.write_bytes(b"pretend")
    return paths


@pytest.fixture(autouse=True)
def cards(engine, monkeypatch):
    """An engine that gives some table in place of a card."""
    perform = engine.perform

    def performed(technique, model, image, run):
        if isinstance(technique, UnitCard):
            return Table("a card", ("fact",), ("",), ((1,),))
        return perform(technique, model, image, run)

    monkeypatch.setattr(engine, "perform", performed)


def ready(window, qtbot):
    session = window.tabs._session
    qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)
    return session


def pin(window, channel: int) -> None:
    grid = window.tabs.feature_maps.grid
    QTest.mouseClick(
        grid.viewport(), Qt.MouseButton.LeftButton, pos=grid.tile_rect(channel).center()
    )
    QTest.keyClick(grid, Qt.Key.Key_P)


def rows(window) -> list[str]:
    pins = window.findChild(QListWidget, "pinList")
    return [pins.item(row).text() for row in range(pins.count())]


def click_row(window, row: int) -> None:
    pins = window.findChild(QListWidget, "pinList")
    place = pins.visualItemRect(pins.item(row)).center()
    QTest.mouseClick(pins.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_pins_stay_while_everything_changes(drive, qtbot, pictures):
    def script(window) -> None:
        session = ready(window, qtbot)
        pin(window, 4)
        pin(window, 1)
        assert rows(window) == ["block · 4", "block · 1"]
        session.pick_layer("block.conv1", "Feature maps")
        session.pictures.open(pictures[1:2])
        qtbot.waitUntil(lambda: session.answers["Feature maps"].image.name == "kestrel.png")
        assert rows(window) == ["block · 4", "block · 1"]
        session.models.load("vgg16")
        qtbot.waitUntil(lambda: session.model is not None and session.model.name == "vgg16")
        qtbot.waitUntil(lambda: session.answers["Feature maps"].model is session.model)
        pin(window, 0)
        # this network's own pin first, then the other's, which say whose they are
        assert rows(window) == ["block.conv1 · 0", "block · 4", "block · 1"]
        pins = window.findChild(QListWidget, "pinList")
        assert "Click loads bundled and goes there." in pins.item(1).toolTip()
        assert pins.currentRow() == 0
        click_row(window, 1)
        qtbot.waitUntil(lambda: session.model.name == "bundled", timeout=20000)
        qtbot.waitUntil(lambda: session.unit == Unit("block", 4))
        assert rows(window) == ["block · 4", "block · 1", "block.conv1 · 0"]
        assert session.layer("Feature maps") == "block"
        assert pins.currentRow() == 0
        session.marks.set_all((), {})

    drive(script, pictures[0])


def test_the_list_is_as_high_as_its_rows_whatever_the_scale(drive, qtbot, pictures):
    def script(window) -> None:
        session = ready(window, qtbot)
        pin(window, 4)
        pin(window, 1)
        pins = window.findChild(QListWidget, "pinList")
        before = pins.height()
        window.appearance.apply(Settings(interface_scale=2.0))
        qtbot.waitUntil(lambda: pins.height() == 2 * before)
        assert pins.visualItemRect(pins.item(1)).bottom() < pins.viewport().height()
        window.appearance.apply(Settings())
        session.marks.set_all((), {})

    drive(script, pictures[0])


def across(window, qtbot):
    QTest.keyClick(window, Qt.Key.Key_5, CTRL)
    button = window.findChild(QAbstractButton, "unitShow_pinned")
    qtbot.waitUntil(button.isVisible)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    sheet = window.tabs.unit.sheet
    assert sheet.isVisible()
    return sheet


def test_units_stand_across_all_pictures(drive, qtbot, pictures, engine):
    def script(window) -> None:
        session = ready(window, qtbot)
        qtbot.waitUntil(lambda: len(session.pictures) == 3)
        pin(window, 4)
        pin(window, 2)
        sheet = across(window, qtbot)
        keys = list(session.pictures)
        assert [unit for unit, _colour in sheet.units()] == [Unit("block", 4), Unit("block", 2)]
        qtbot.waitUntil(
            lambda: all(
                sheet.maximum(unit, key) is not None
                for unit, _colour in sheet.units()
                for key in keys
            )
        )
        whole = session.answers["Feature maps"].result.values
        assert sheet.maximum(Unit("block", 4), keys[0]) == pytest.approx(whole[4].max())
        # the layer was recorded once for each of the other pictures
        assert engine.performed.count("feature-maps block") == 3
        assert window.tabs.head.title() == "Units across pictures 2 units · 3 pictures"
        QTest.mouseClick(
            sheet.viewport(), Qt.MouseButton.LeftButton, pos=sheet.cell_rect(0, 2).center()
        )
        assert session.pictures.current.key == keys[2]
        assert session.unit == Unit("block", 4)
        for key, unit, place in (
            (Qt.Key.Key_Right, 4, 2),  # the last
            (Qt.Key.Key_Left, 4, 1),
            (Qt.Key.Key_Down, 2, 1),
            (Qt.Key.Key_Up, 4, 1),
        ):
            QTest.keyClick(sheet, key)
            assert (session.unit, session.pictures.current.key) == (
                Unit("block", unit),
                keys[place],
            )
            assert sheet.viewport().rect().contains(sheet.cell_rect([4, 2].index(unit), place))
        QTest.keyClick(window, Qt.Key.Key_C, CTRL)
        copied = QApplication.clipboard().image()
        assert copied.width() == sheet._extent().width()
        card = window.findChild(QAbstractButton, "unitShow_card")
        QTest.mouseClick(card, Qt.MouseButton.LeftButton)
        assert not sheet.isVisible()
        session.marks.set_all((), {})

    drive(script, *pictures)


def test_a_map_that_is_not_finite_everywhere_is_drawn_once(drive, qtbot, pictures, engine):
    perform = engine.perform

    def overflowing(*asked):
        result = perform(*asked)
        if isinstance(result, Activation):
            result.values[2, 0, :2] = np.nan, np.inf
        return result

    engine.perform = overflowing

    def script(window) -> None:
        session = ready(window, qtbot)
        pin(window, 2)
        sheet, unit, key = across(window, qtbot), Unit("block", 2), next(iter(session.pictures))
        qtbot.waitUntil(lambda: sheet.maximum(unit, key) is not None)
        drawn = []
        for _ in range(2):
            sheet.grab()
            drawn.append(sheet._images[unit, key])
        assert drawn[0] is drawn[1]
        assert 0 < drawn[0][0] < 1
        session.marks.set_all((), {})

    drive(script, pictures[0])


def test_the_selected_unit_has_a_row_of_its_own(drive, qtbot, pictures):
    def script(window) -> None:
        session = ready(window, qtbot)
        sheet = across(window, qtbot)
        selected = session.unit
        assert [unit for unit, _colour in sheet.units()] == [selected]
        session.marks.toggle_pin(selected)
        assert [colour is not None for _unit, colour in sheet.units()] == [True]
        session.marks.set_all((), {})
        session.pictures.open(pictures[1:])
        qtbot.waitUntil(lambda: len(session.pictures) == 3)
        qtbot.waitUntil(lambda: sheet.maximum(selected, list(session.pictures)[2]) is not None)
        session.pictures.remove(list(session.pictures)[2])
        assert "2 pictures" in window.tabs.head.title()

    drive(script, pictures[0])
