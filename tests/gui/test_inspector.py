"""The strip below the maps: it follows the mouse at once, and the engine's words come after."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from cnnviz_desktop.data import Activation, Box, ImageInput, Reading
from cnnviz_desktop.errors import LayerError
from cnnviz_desktop.gui import inspecting, map_inspector
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.inspector_parts import SumTable, signed
from cnnviz_desktop.gui.map_inspector import MapInspector

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("owl.png", "kestrel.png")]
    for path in paths:
        path.write_bytes(b"pretend")
    return paths


def ready(window, qtbot):
    session = window.tabs._session
    qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)
    return window.tabs.feature_maps


def hover(view, channel: int, row: int, column: int) -> None:
    """Move the mouse into a cell of a tile."""
    grid = view.grid
    tile = grid.tile_rect(channel)
    rows, columns = view._activation.values.shape[1:]
    point = tile.topLeft() + QPoint(
        round((column + 0.5) * tile.width() / columns), round((row + 0.5) * tile.height() / rows)
    )
    QTest.mouseMove(grid.viewport(), point)
    assert grid.cell_at(point) == (channel, row, column)


def test_a_rest_on_a_cell_takes_its_value_apart(drive, qtbot, pictures, engine):
    def script(window) -> None:
        view = ready(window, qtbot)
        inspector = view.inspector
        hover(view, 2, 3, 5)
        maps = view._activation.values
        assert inspector.value() == maps[2, 3, 5]
        assert inspector.closer() is None  # at once only what is there already
        assert ("block", 2, 3, 5) not in engine.read_places
        qtbot.waitUntil(lambda: inspector.closer() is not None)
        assert engine.read_places[-1] == ("block", 2, 3, 5)
        reading = inspector.closer().reading
        assert (reading.row, reading.column) == (3, 5)
        said = "+0.50 from input 3, −0.25 from input 1, +0.12 from 2 others, +0.062 bias = 0.44"
        assert inspector.sentence() == said
        assert inspector.accessibleDescription().endswith(f". {inspector.sentence()}")
        hover(view, 2, 3, 6)
        assert inspector.accessibleDescription().startswith("map 2, row 3, column 6: ")
        assert " from input " not in inspector.accessibleDescription()  # not known yet
        assert not inspector.grab().isNull()
        inspector.show_maps(None, None)
        assert inspector.accessibleDescription() == ""

    drive(script, pictures[0])


def test_the_mouse_that_moves_on_asks_for_the_last_place_alone(drive, qtbot, pictures, engine):
    def script(window) -> None:
        view = ready(window, qtbot)
        qtbot.waitUntil(lambda: view.inspector.closer() is not None)
        engine.read_places.clear()
        for column in range(8):
            hover(view, 1, 4, column)
        qtbot.waitUntil(lambda: view.inspector.closer() is not None)
        assert engine.read_places == [("block", 1, 4, 7)]
        hover(view, 1, 4, 6)
        qtbot.waitUntil(lambda: view.inspector.closer() is not None)
        hover(view, 1, 4, 7)  # known: at once, and without the engine
        assert view.inspector.closer().spot.column == 7
        QTest.qWait(3 * inspecting.REST)
        assert len(engine.read_places) == 2

    drive(script, pictures[0])


def test_hovering_never_calls_the_engine_in_the_windows_thread(drive, qtbot, pictures, engine):
    threads = set()
    read = engine.read

    def watched(*args):
        threads.add(threading.get_ident())
        return read(*args)

    engine.read = watched

    def script(window) -> None:
        view = ready(window, qtbot)
        for cell in range(4):
            hover(view, cell, cell, cell)
            qtbot.waitUntil(lambda: view.inspector.closer() is not None)

    drive(script, pictures[0])
    assert threads
    assert threading.get_ident() not in threads


def test_it_stays_on_the_last_place_and_i_hides_it(drive, qtbot, pictures, engine):
    def script(window) -> None:
        view = ready(window, qtbot)
        hover(view, 3, 1, 2)
        qtbot.waitUntil(lambda: view.inspector.closer() is not None)
        QTest.mouseMove(window.model_panel, QPoint(20, 300))
        assert view.inspector.spot().channel == 3
        assert view.inspector.closer() is not None
        window.activateWindow()
        view.grid.setFocus()
        QTest.keyClick(window, Qt.Key.Key_I)
        assert not view.inspector.isVisible()
        asked = len(engine.read_places)
        hover(view, 0, 7, 7)
        QTest.qWait(3 * inspecting.REST)
        assert len(engine.read_places) == asked  # nobody sees it
        QTest.keyClick(window, Qt.Key.Key_I)
        qtbot.waitUntil(lambda: view.inspector.closer() is not None)
        assert engine.read_places[-1] == ("block", 0, 7, 7)

    drive(script, pictures[0])


def test_pinned_maps_show_the_same_place(drive, qtbot, pictures, engine):
    def script(window) -> None:
        view, session = ready(window, qtbot), window.tabs._session
        tile = view.grid.tile_rect(4)
        QTest.mouseClick(view.grid.viewport(), Qt.MouseButton.LeftButton, pos=tile.center())
        QTest.keyClick(view.grid, Qt.Key.Key_P)
        hover(view, 2, 3, 5)
        block = view._activation.values
        assert view.inspector.pinned_values() == [float(block[4, 3, 5])]
        tree = window.model_panel.tree
        tree.view().setFocus()
        QTest.keyClick(tree.view(), Qt.Key.Key_Down)  # another layer, of four maps
        qtbot.waitUntil(lambda: view._activation.layer == "block.conv1")
        hover(view, 0, 6, 1)
        # the pin stays; both layers' maps cover the picture by 8 x 8 cells
        assert view.inspector.pinned_values() == [float(block[4, 6, 1])]
        assert view.inspector._pins.pins[0].name == "block·4"
        session.marks.toggle_pin(Unit("block.conv1", 3))
        own = view._activation.values
        assert view.inspector.pinned_values() == [float(block[4, 6, 1]), float(own[3, 6, 1])]
        # another picture: the pinned layer is recorded for it behind everything else
        performed = len(engine.performed)
        session.pictures.open([pictures[1]])
        qtbot.waitUntil(lambda: session.answers["Feature maps"].image.name == "kestrel.png")
        qtbot.waitUntil(lambda: None not in view.inspector.pinned_values())
        assert "feature-maps block" in engine.performed[performed:]
        assert len(view.inspector.pinned_values()) == 2
        session.marks.set_all((), {})  # nothing to be asked about when the window closes

    drive(script, pictures[0])


def test_layers_that_cannot_be_read_say_why(drive, qtbot, pictures, engine):
    def refused(*_args):
        raise LayerError("block gives no maps. Choose another layer.")

    engine.read = refused

    def script(window) -> None:
        view = ready(window, qtbot)
        hover(view, 2, 3, 5)
        qtbot.waitUntil(lambda: view.inspector.closer() is not None)
        assert view.inspector.closer().why.startswith("block gives no maps")
        assert not window.tabs.message.isVisible()  # no error of the person's
        assert not view.inspector.grab().isNull()

    drive(script, pictures[0])


def test_what_the_person_asks_for_goes_first(drive, qtbot, pictures, engine):
    read, begun = engine.read, threading.Event()
    stopped = []

    def slow(model, image, layer, call, place, run):
        begun.set()
        try:
            while engine.hold_health.is_set():
                run.check()
        except BaseException:
            stopped.append(place)
            raise
        return read(model, image, layer, call, place, run)

    engine.read = slow
    engine.hold_health.set()

    def script(window) -> None:
        view = ready(window, qtbot)
        hover(view, 2, 3, 5)
        qtbot.waitUntil(begun.is_set)
        tree = window.model_panel.tree
        tree.view().setFocus()
        QTest.keyClick(tree.view(), Qt.Key.Key_Down)
        qtbot.waitUntil(lambda: view._activation.layer == "block.conv1")
        assert stopped[0] == (2, 3, 5) or stopped
        engine.hold_health.clear()
        qtbot.waitUntil(lambda: view.inspector.closer() is not None)
        assert view.inspector.closer().spot.layer == "block.conv1"

    drive(script, pictures[0])


@pytest.mark.parametrize(("width", "parts"), [(300, 1), (420, 2), (560, 3), (900, 4)])
def test_a_narrow_strip_leaves_parts_out_from_the_right(qtbot, monkeypatch, width, parts):
    inspector = MapInspector()
    qtbot.addWidget(inspector)
    painted = []
    for name in ("_paint_picture", "_paint_map", "_paint_words", "_paint_sum"):
        real = getattr(MapInspector, name)

        def noted(self, painter, room, real=real, name=name):
            painted.append((name, room))
            assert room.right() <= self.width()
            return real(self, painter, room)

        monkeypatch.setattr(MapInspector, name, noted)
    values = np.random.default_rng(0).random((2, 8, 8), np.float32)
    image = ImageInput(np.zeros((60, 80, 3), np.uint8))
    inspector.show_maps(Activation(values, "conv", image.whole), image)
    inspector.resize(width, inspector.height())
    inspector.grab()
    assert len(painted) == parts


def test_a_sum_that_a_relu_cut_off_says_so():
    from cnnviz_desktop.data import Arithmetic

    parts = Arithmetic(
        (0,),
        np.float32([-3]),
        np.zeros((1, 1, 1), np.float32),
        np.zeros((1, 1, 1), np.float32),
        0.0,
        0.5,
        1,
        "block.conv",
        4,
    )
    whole = Box(0, 0, 8, 8)
    nothing = np.zeros((0, 0), np.float32)
    cut = SumTable(Reading("block", 6, 0, 0, 0.0, whole, None, nothing, parts))
    assert cut.elsewhere == "block.conv"
    assert cut.sentence() == (
        "−3.00 from input 0, +0.50 bias = −2.50 in block.conv, which becomes 0"
    )
    same = SumTable(Reading("block.conv", 4, 0, 0, -2.5, whole, None, nothing, parts))
    assert same.sentence().endswith("= −2.50")
    assert (signed(0.0), signed(-2.0), signed(1200.0)) == ("0", "−2.00", "+1\u2009200")


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([np.nan] * 4, "not a number"),
        ([np.inf, -np.inf, 0, 1], "the map's maximum"),
        ([-1, -2, -1, -3], "the map is nowhere positive"),
        ([0] * 4, "the map is nowhere positive"),
        ([np.nan, 4, 2, 1], "the map's maximum"),
    ],
)
def test_a_broken_or_a_dead_map_is_written_down_as_it_is(qtbot, monkeypatch, values, note):
    said, written = [], []
    share = map_inspector._share_of

    def noted(here: float, high: float) -> str:
        said.append(share(here, high))
        return said[-1]

    def table(_painter, _left, _top, lines, _width) -> None:
        written.append([name for name, _text in lines])

    monkeypatch.setattr(map_inspector, "_share_of", noted)
    monkeypatch.setattr(map_inspector, "paint_table", table)
    image = ImageInput(np.zeros((8, 8, 3), np.uint8))
    maps = Activation(np.float32(values).reshape(1, 2, 2), "conv", image.whole)
    strip = MapInspector()
    qtbot.addWidget(strip)
    strip.show_maps(maps, image)
    strip.resize(900, strip.height())
    strip.grab()  # no warning either
    assert said == [note]
    assert written == [["Maximum", "Mean", "Minimum", "Cells above zero"]]
