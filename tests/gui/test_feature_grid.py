"""The tile grid: order, layout, keys, mouse, odd maps."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cnnviz_desktop.data import Activation, Box
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.feature_grid import FeatureGrid, GridLook
from cnnviz_desktop.gui.tile_layout import TileLayout
from cnnviz_desktop.gui.tile_order import MapStatistics, arrange, parse_channels

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


def activation(values, layer: str = "conv") -> Activation:
    return Activation(np.asarray(values, np.float32), layer, Box(0, 0, 8, 8))


def ramp(channels: int, side: int = 6) -> Activation:
    values = np.zeros((channels, side, side), np.float32)
    for channel in range(channels):
        values[channel, :, : channel % side + 1] = channel
    return activation(values)


@pytest.fixture
def grid(qtbot, qapp: QApplication) -> FeatureGrid:
    theme.apply(qapp, "light")
    made = FeatureGrid()
    qtbot.addWidget(made)
    made.resize(500, 300)
    made.show_maps(ramp(40))
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def picked(grid: FeatureGrid) -> list[int]:
    channels: list[int] = []
    grid.unit_picked.connect(channels.append)
    return channels


def click(grid: FeatureGrid, channel: int, double: bool = False) -> None:
    place = grid.tile_rect(channel).center()
    act = QTest.mouseDClick if double else QTest.mouseClick
    act(grid.viewport(), Qt.MouseButton.LeftButton, pos=place)


def wheel(grid: FeatureGrid, turned: int, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    place = QPointF(100, 100)
    event = QWheelEvent(
        place,
        grid.viewport().mapToGlobal(place),
        QPoint(),
        QPoint(0, turned),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(grid.viewport(), event)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", None),
        ("  ", None),
        ("3", [3]),
        ("5, 1-3", [5, 1, 2, 3]),
        ("#4 2..3", [4, 2, 3]),
        ("7-", [7, 8, 9]),
        ("3-1", [1, 2, 3]),
        ("900", []),
        ("8-900", [8, 9]),
        ("abc", []),
    ],
)
def test_queries(query: str, found: list[int] | None) -> None:
    assert parse_channels(query, 10) == found


def test_orders_by_hand() -> None:
    maps = np.float32([[[1, 1]], [[3, 0]], [[-5, 0.5]], [[0, 0]]])
    numbers = MapStatistics.of(maps)

    def order(**look) -> list[int]:
        return [int(channel) for channel in arrange(numbers, GridLook(**look))]

    assert order(order="index") == [0, 1, 2, 3]
    assert order(order="max") == [1, 0, 2, 3]
    assert order(order="mean") == [1, 0, 3, 2]  # 1.5, 1, 0, -2.25
    assert order(order="energy") == [2, 1, 0, 3]  # 12.625, 4.5, 1, 0
    assert order(order="sparsity") == [1, 2, 0, 3]  # half, half, none; the silent one last
    assert order(hide_silent=True) == [0, 1, 2]
    assert order(hide_silent=True, query="3") == [3]  # asked for by number
    assert order(order="max", signed=True) == [2, 1, 0, 3]


def test_broken_maps_come_first_and_are_not_silent() -> None:
    maps = np.float32([[[1, 1]], [[np.nan, 0]]])
    numbers = MapStatistics.of(maps)
    assert list(arrange(numbers, GridLook(order="max", hide_silent=True))) == [1, 0]


def test_layout_finds_the_places_it_gives() -> None:
    for width in (60, 500, 886, 1300):
        for side in (48, 78, 256):
            layout = TileLayout(width, 100, side, 16)
            for place in (0, 1, 42, 99):
                cell = layout.cell(place)
                assert layout.place_at(cell.topLeft()) == place
                assert layout.place_at(cell.bottomRight()) == place
            assert layout.place_at(QPoint(2, 2)) == -1
            assert layout.cell(99).bottom() < layout.height
            if layout.columns > 1:
                assert layout.cell(layout.columns - 1).right() < width
    assert TileLayout(884, 256, 78, 16).columns == 10


def test_only_rows_in_sight_are_painted() -> None:
    layout = TileLayout(884, 2048, 78, 16)
    places = layout.places(0, 500)
    assert places.start == 0 and len(places) == 50
    assert layout.places(10**6, 10**6 + 10) == range(2048, 2048)


def test_click_picks_once(grid: FeatureGrid, picked: list[int]) -> None:
    click(grid, 3)
    click(grid, 3)
    assert picked == [3] and grid.selected() == 3


def test_select_is_silent_and_scrolls(grid: FeatureGrid, picked: list[int]) -> None:
    grid.select(39)
    assert picked == []
    assert grid.viewport().rect().contains(grid.tile_rect(39))


def test_arrows_walk_the_tiles(grid: FeatureGrid, picked: list[int]) -> None:
    columns = 5
    assert grid.tile_rect(columns).top() > grid.tile_rect(columns - 1).top()
    for key in ("Right", "Right", "Down", "Left", "Up", "End", "Home"):
        QTest.keyClick(grid, getattr(Qt.Key, f"Key_{key}"))
    assert picked == [0, 1, 6, 5, 0, 39, 0]


def test_double_click_and_enter_open(grid: FeatureGrid, picked: list[int]) -> None:
    opened: list[int] = []
    grid.unit_opened.connect(opened.append)
    click(grid, 2, double=True)
    QTest.keyClick(grid, Qt.Key.Key_Return)
    assert opened == [2, 2] and picked == [2]


def test_space_shows_one_map_full_size(grid: FeatureGrid, picked: list[int]) -> None:
    QTest.keyClick(grid, Qt.Key.Key_Space)
    assert not grid.full_size()  # nothing is selected
    click(grid, 4)
    QTest.keyClick(grid, Qt.Key.Key_Space)
    assert grid.full_size() and grid.tile_rect(4).width() > 200
    QTest.keyClick(grid, Qt.Key.Key_Right)
    assert grid.selected() == 5 and grid.full_size()
    QTest.keyClick(grid, Qt.Key.Key_Escape)
    assert not grid.full_size() and picked == [4, 5]


def test_hover_names_the_cell_under_the_mouse(grid: FeatureGrid) -> None:
    seen: list[tuple[int, int, int]] = []
    grid.hovered.connect(lambda *place: seen.append(place))
    tile = grid.tile_rect(1)
    QTest.mouseMove(grid.viewport(), tile.topLeft() + QPoint(1, 1))
    QTest.mouseMove(grid.viewport(), tile.bottomRight() - QPoint(1, 1))
    QTest.mouseMove(grid.viewport(), QPoint(1, 1))
    assert seen == [(1, 0, 0), (1, 5, 5), (-1, -1, -1)]


def test_ctrl_wheel_resizes_and_says_so(grid: FeatureGrid) -> None:
    sides: list[int] = []
    grid.tile_side_changed.connect(sides.append)
    wheel(grid, 120, Qt.KeyboardModifier.ControlModifier)
    assert sides == [87] and grid.tile_rect(0).width() == 87
    for _ in range(30):
        wheel(grid, -120, Qt.KeyboardModifier.ControlModifier)
    assert sides[-1] == 48
    wheel(grid, -120)
    assert grid.verticalScrollBar().value() > 0 or grid.verticalScrollBar().maximum() == 0


def test_drag_scrolls_without_picking(grid: FeatureGrid, picked: list[int]) -> None:
    port, left = grid.viewport(), Qt.MouseButton.LeftButton
    QTest.mousePress(port, left, pos=QPoint(60, 200))
    QTest.mouseMove(port, QPoint(60, 150))
    QTest.mouseMove(port, QPoint(60, 100))
    QTest.mouseRelease(port, left, pos=QPoint(60, 100))
    assert grid.verticalScrollBar().value() == 100 and picked == []


def test_same_layer_keeps_place_and_selection(grid: FeatureGrid) -> None:
    grid.select(39)
    scrolled = grid.verticalScrollBar().value()
    grid.show_maps(ramp(40))
    assert grid.selected() == 39 and grid.verticalScrollBar().value() == scrolled > 0
    grid.show_maps(activation(np.ones((40, 6, 6)), "another"))
    assert grid.selected() == -1 and grid.verticalScrollBar().value() == 0


def test_colours_of_a_tile(grid: FeatureGrid) -> None:
    grid.show_maps(activation([[[0.0, 1.0], [0.5, np.nan]]]))
    tile = grid.tile_rect(0)
    image = grid.viewport().grab().toImage()
    quarter = tile.width() // 4
    assert image.pixelColor(tile.left() + quarter, tile.top() + quarter).lightness() < 5
    assert image.pixelColor(tile.right() - quarter, tile.top() + quarter).lightness() > 200
    broken = image.pixelColor(tile.right() - quarter, tile.bottom() - quarter)
    assert (broken.red(), broken.green(), broken.blue()) == (0, 200, 220)


@pytest.mark.parametrize(
    "values",
    [
        np.ones((1, 30, 30)),
        np.linspace(0, 1, 1000).reshape(1000, 1, 1),
        np.ones((6, 1, 60)),
        np.ones((6, 60, 1)),
        np.full((3, 5, 5), np.nan),
        np.full((3, 5, 5), np.inf),
        np.full((3, 5, 5), -1.0),
        np.zeros((3, 5, 5)),
        np.zeros((0, 5, 5)),
        np.full((3, 5, 5), 3e38),
        np.full((3, 5, 5), 1e-42),
    ],
    ids=str,
)
@pytest.mark.parametrize("signed", [False, True])
def test_odd_maps_paint(grid: FeatureGrid, values, signed: bool) -> None:
    grid.show_maps(activation(values))
    for scale in ("tile", "layer"):
        grid.set_look(GridLook(signed=signed, scale=scale, order="energy"))
        assert not grid.grab().isNull()
    if len(values):
        grid.select(0)
        grid.show_full_size(True)
        assert not grid.grab().isNull()
        assert max(grid.tile_image(0).width(), grid.tile_image(0).height()) == 512


def test_single_cells_share_one_scale(grid: FeatureGrid) -> None:
    grid.show_maps(activation([[[1.0]], [[4.0]]]))
    image = grid.viewport().grab().toImage()
    low, high = (image.pixelColor(grid.tile_rect(c).center()).lightness() for c in (0, 1))
    assert low < high


def test_two_thousand_channels(grid: FeatureGrid) -> None:
    grid.show_maps(ramp(2048, 7))
    bar = grid.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert grid.viewport().rect().contains(grid.tile_rect(2047))
    assert not grid.grab().isNull()


def test_query_and_empty_states(grid: FeatureGrid) -> None:
    grid.set_look(GridLook(query="7, 2"))
    assert grid.shown() == [7, 2]
    grid.set_look(GridLook(query="none"))
    assert grid.shown() == [] and not grid.grab().isNull()
    grid.set_look(GridLook())
    grid.show_maps(None)
    assert grid.shown() == [] and not grid.grab().isNull()
    QTest.keyClick(grid, Qt.Key.Key_Down)
