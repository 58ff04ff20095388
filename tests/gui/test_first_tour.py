"""The tour of the first minutes: it follows the person, ends at Esc, and never comes back."""

from __future__ import annotations

import sys

import pytest
from person import answered, click, find, settled
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest

from cnnviz_desktop.gui import app, help_desk
from cnnviz_desktop.settings import load_settings

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.fixture
def first_start(request, monkeypatch):
    """Drive the window as if a person had started it with nothing to open."""
    started = app.main
    monkeypatch.setattr(sys, "argv", ["cnnviz-desktop"])
    monkeypatch.setattr(app, "main", lambda argv, engine=None: started(None, engine))
    monkeypatch.setattr(help_desk, "_LOOK_FIRST", 1)
    return request.getfixturevalue("drive")


def tour_of(window):
    desk = window.findChild(help_desk.HelpDesk)  # made a moment after the window
    return desk.tour if desk is not None else None


def test_the_first_start_has_a_tour_and_the_second_none(first_start, qtbot) -> None:
    def first(window) -> None:
        qtbot.waitUntil(lambda: tour_of(window) is not None, timeout=20000)
        bubble = find(window, "tourBubble")
        assert bubble.isVisible() and find(window, "tourRing").isVisible()
        assert window.rect().contains(bubble.geometry())

    def second(window) -> None:
        answered(window, qtbot)
        QTest.qWait(200)
        assert tour_of(window) is None

    first_start(first)
    assert load_settings()[0].tour_seen
    first_start(second)


def test_a_start_with_something_to_open_has_none(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        QTest.qWait(200)
        assert tour_of(window) is None

    drive(script, picture)
    assert not load_settings()[0].tour_seen


def test_it_follows_what_the_person_does(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        window.activateWindow()
        window.resize(1440, 900)
        answered(window, qtbot)
        session = window.tabs._session
        window.deeds["tour"].trigger()
        tour = tour_of(window)
        words = tour.bubble.text
        assert tour.number == 0 and "layers of the network" in words()

        QTest.keyClick(find(window, "layerTree"), Qt.Key.Key_Down)
        qtbot.waitUntil(lambda: tour.number == 1)
        grid = window.tabs.feature_maps.grid
        settled(window, qtbot)
        tile = tour.place_of_tile()
        click(grid.viewport(), grid.viewport().mapFrom(window, tile.center()))
        qtbot.waitUntil(lambda: tour.number == 2)
        assert session.unit is not None

        bar = window.tabs.tabBar()
        click(bar, bar.tabRect(1).center())
        qtbot.waitUntil(lambda: tour.number == 3)
        answered(window, qtbot, "Explain")
        qtbot.waitUntil(lambda: tour.place_of("targetPicker").isValid())
        QTest.qWait(100)  # until the tour looks again
        ring = find(window, "tourRing").geometry()
        assert ring.contains(tour.place_of("targetPicker").center())
        assert not ring.intersects(tour.place_of("explainPicture"))  # the heat is left free
        QTest.keyClick(find(window, "explainPicture"), Qt.Key.Key_2)
        qtbot.waitUntil(lambda: tour.number == 4)

        QTest.keyClick(window, Qt.Key.Key_6, Qt.KeyboardModifier.ControlModifier)
        assert tour.number == 4
        engine.reach = 3
        QTest.keyClick(window, Qt.Key.Key_F5)
        qtbot.waitUntil(lambda: tour.number == 5)
        QTest.keyClick(window, Qt.Key.Key_Escape)  # ends the tour and not the work
        assert tour_of(window) is None
        assert session.job("Maximise") is not None
        qtbot.waitUntil(lambda: session.answers.get("Maximise") is not None)
        QTest.keyClick(window, Qt.Key.Key_Escape)  # the key means what it meant
        qtbot.waitUntil(lambda: session.job("Maximise") is None)

    drive(script, picture)


def test_next_does_each_step_and_the_last_one_ends(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        session = window.tabs._session
        window.deeds["tour"].trigger()
        tour = tour_of(window)
        ended = []
        tour.ended.connect(ended.append)
        layer = session.layer("Feature maps")
        for number in range(6):
            qtbot.waitUntil(lambda number=number: tour.number == number)
            qtbot.waitUntil(lambda: not session._jobs.busy(), timeout=20000)
            click(tour.bubble.next)
        assert ended == [True]
        assert session.layer("Feature maps") != layer
        assert session.unit is not None
        assert session.tab == "Maximise"
        assert window.findChild(help_desk.HelpDesk).tour is None
        assert window.deeds["cancel"].shortcut().toString() == "Esc"

    drive(script, picture)


@pytest.mark.parametrize("size", [(1440, 900), (1100, 700), (800, 520)])
def test_the_card_lies_inside_the_window_and_off_its_target(drive, qtbot, picture, size) -> None:
    def script(window) -> None:
        window.resize(*size)
        answered(window, qtbot)
        window.deeds["tour"].trigger()
        tour = tour_of(window)
        for number in range(6):
            assert tour.number == number
            QTest.qWait(100)
            card = tour.bubble.geometry()
            assert window.rect().contains(card), (number, card)
            ring = find(window, "tourRing")
            if ring.isVisible() and number in (0, 1, 2, 4):
                inner = card.adjusted(14, 14, -14, -14)
                assert not inner.contains(ring.geometry().center()), number
            tour.go_on()

    drive(script, picture)


def test_whoever_strays_is_led_back(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.deeds["tour"].trigger()
        tour = tour_of(window)
        tour.go_on()
        assert tour.number == 1
        window.tabs._session.set_tab("Predictions")
        qtbot.waitUntil(lambda: tour.place_of_tile() == tour.place_of_tab("Feature maps"))
        QTest.qWait(100)  # until the tour looks again
        ring = find(window, "tourRing").geometry()
        assert ring.contains(tour.place_of_tab("Feature maps").center())
        tour.bubble.point_at(QRect())
        assert tour.bubble.geometry().contains(window.rect().center())

    drive(script, picture)


def test_clicks_go_through_the_ring(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.deeds["tour"].trigger()
        ring = find(window, "tourRing")
        below = window.childAt(ring.geometry().center())
        assert below is not ring and below is not None
        assert find(window, "layerTree").isAncestorOf(below) or below is find(window, "layerTree")
        click(find(window, "tourEnd"), QPoint(3, 3))
        assert tour_of(window) is None

    drive(script, picture)
