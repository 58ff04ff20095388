"""The tile grid: order, layout, keys, mouse, odd maps."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QNativeGestureEvent, QPointingDevice, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cnnviz_desktop.data import Activation, Box
from cnnviz_desktop.gui import feature_grid, theme
from cnnviz_desktop.gui.feature_grid import FeatureGrid, GridLook
from cnnviz_desktop.gui.tile_layout import TileLayout, page_layout, parts_of
from cnnviz_desktop.gui.tile_order import MapStatistics, arrange, parse_channels, plate_order

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
    assert order(order="energy", signed=True) == [2, 1, 0, 3]  # 12.625, 4.5, 1, 0
    assert order(order="energy") == [1, 0, 2, 3]  # what is seen of them: 4.5, 1, 0.125, 0
    assert [numbers.strongest(signed) for signed in (True, False)] == [2, 1]
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
    assert sides[-1] == 16
    wheel(grid, -120)
    assert grid.verticalScrollBar().value() > 0 or grid.verticalScrollBar().maximum() == 0


def test_drag_scrolls_without_picking(grid: FeatureGrid, picked: list[int]) -> None:
    port, left = grid.viewport(), Qt.MouseButton.LeftButton
    QTest.mousePress(port, left, pos=QPoint(60, 200))
    QTest.mouseMove(port, QPoint(60, 150))
    QTest.mouseMove(port, QPoint(60, 100))
    QTest.mouseRelease(port, left, pos=QPoint(60, 100))
    assert grid.verticalScrollBar().value() == 100 and picked == []


def test_the_marked_channel_is_said_to_screen_readers(grid: FeatureGrid) -> None:
    grid.select(12)
    assert grid.accessibleDescription() == "Channel 12, maximum 12.0"
    QTest.keyClick(grid, Qt.Key.Key_Right)
    assert grid.accessibleDescription() == "Channel 13, maximum 13.0"
    grid.set_look(GridLook(query="3"))
    assert grid.accessibleDescription() == ""


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


def test_ends_of_a_zoom_and_the_usual_size(grid: FeatureGrid) -> None:
    sides: list[int] = []
    grid.tile_side_changed.connect(sides.append)
    for _ in range(3):
        QTest.keyClick(grid, Qt.Key.Key_Minus)
    QTest.keyClick(grid, Qt.Key.Key_Plus, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(grid, Qt.Key.Key_Equal)
    assert sides == [62, 50, 40, 50, 62]  # 78 / 1.25 and so on, unrounded in between
    QTest.keyClick(grid, Qt.Key.Key_0)
    assert sides[-1] == 78


def test_small_turns_of_a_touchpad_add_up(grid: FeatureGrid) -> None:
    for _ in range(30):
        wheel(grid, 4, Qt.KeyboardModifier.ControlModifier)
    assert grid.look().tile_side == 87  # as one notch of 120


def test_a_zoom_stretches_what_there_is_until_it_rests(grid: FeatureGrid, qtbot) -> None:
    grid.grab()
    made = len(grid._painter.pixmaps._made)
    wheel(grid, 120, Qt.KeyboardModifier.ControlModifier)
    wheel(grid, 120, Qt.KeyboardModifier.ControlModifier)
    assert not grid.grab().isNull()
    assert {side for _channel, side in grid._painter.pixmaps._made} == {78}
    qtbot.waitUntil(lambda: grid._made == 0)
    grid.grab()
    assert len(grid._painter.pixmaps._made) > made


def test_tiles_that_fit_are_not_moved_aside_by_a_zoom(grid: FeatureGrid) -> None:
    grid.select(0)
    left = grid.tile_rect(0).left()
    for _ in range(3):
        QTest.keyClick(grid, Qt.Key.Key_Plus)
    assert grid.look().tile_side == 152 and grid.verticalScrollBar().maximum() > 0
    assert grid.horizontalScrollBar().maximum() == 0
    assert grid.tile_rect(0).left() == left


@pytest.mark.parametrize(
    ("button", "space"), [(Qt.MouseButton.MiddleButton, False), (Qt.MouseButton.LeftButton, True)]
)
def test_middle_button_and_space_drag_both_ways(grid: FeatureGrid, picked, button, space) -> None:
    grid.set_look(GridLook(tile_side=700))
    across, down = grid.horizontalScrollBar(), grid.verticalScrollBar()
    assert across.maximum() > 100
    across.setValue(50)
    down.setValue(60)
    port = grid.viewport()
    if space:
        QTest.keyPress(grid, Qt.Key.Key_Space)
        assert port.cursor().shape() == Qt.CursorShape.OpenHandCursor
    QTest.mousePress(port, button, pos=QPoint(200, 200))
    QTest.mouseMove(port, QPoint(180, 190))
    QTest.mouseMove(port, QPoint(170, 160))
    QTest.mouseRelease(port, button, pos=QPoint(170, 160))
    if space:
        QTest.keyRelease(grid, Qt.Key.Key_Space)
    assert (across.value(), down.value()) == (80, 100)
    assert picked == [] and not grid.full_size()


def test_space_held_over_a_click_neither_picks_nor_sticks(grid: FeatureGrid, picked) -> None:
    grid.select(1)
    QTest.keyPress(grid, Qt.Key.Key_Space)
    click(grid, 2)
    grid.clearFocus()
    QTest.keyRelease(grid, Qt.Key.Key_Space)
    assert picked == [] and not grid.full_size()
    grid.setFocus()
    QTest.keyClick(grid, Qt.Key.Key_Space)
    assert grid.full_size()


def test_a_pinch_zooms(grid: FeatureGrid) -> None:
    place = QPointF(100, 100)
    pinch = QNativeGestureEvent(
        Qt.NativeGestureType.ZoomNativeGesture,
        QPointingDevice.primaryPointingDevice(),
        2,
        place,
        place,
        grid.viewport().mapToGlobal(place),
        0.5,
        QPointF(),
    )
    QApplication.sendEvent(grid.viewport(), pinch)
    assert grid.look().tile_side == 117


def test_small_tiles_stand_close_and_have_no_captions() -> None:
    large, small, tiny = (TileLayout(900, 2048, side, 16) for side in (78, 30, 16))
    assert (large.gap, small.gap, tiny.gap) == (8, 4, 2)
    assert (large.strip, small.strip, tiny.strip) == (16, 0, 0)
    for layout in (large, small, tiny):
        for place in (0, 5, 777, 2047):
            assert layout.place_at(layout.cell(place).center()) == place
            assert layout.place_near(layout.cell(place).center()) == place


def test_tiles_of_three_parts_by_hand() -> None:
    layout = TileLayout(700, 10, 100, 16, parts=3)
    assert layout.breadth == 304 and layout.columns == 2
    cells = parts_of(layout.cell(1), 3)
    assert [cell.width() for cell in cells] == [100, 100, 100]
    assert cells[1].left() - cells[0].left() == 102
    assert layout.place_at(cells[2].center()) == 1


@pytest.mark.parametrize("room", [QSize(900, 640), QSize(500, 300), QSize(300, 900), QSize(10, 10)])
@pytest.mark.parametrize("count", [1, 20, 64])
@pytest.mark.parametrize("parts", [1, 3])
def test_a_page_fits_its_canvas(room: QSize, count: int, parts: int) -> None:
    layout = page_layout(room, count, 16, parts, 8)
    assert layout.columns == 8
    if room.width() >= 300 and (parts == 1 or room.width() > 400):
        assert layout.height <= room.height()
        last = layout.cell(min(count, 8) - 1)
        assert layout.left >= 0 and last.right() < room.width()


def test_a_page_is_as_large_as_it_can_be() -> None:
    assert page_layout(QSize(900, 900), 64, 16, 1, 8).side == 85  # (900 - 32 + 8) / 8 - 8 - 16
    assert page_layout(QSize(900, 400), 64, 16, 1, 8).side == 39  # no room for captions
    assert page_layout(QSize(300, 900), 64, 16, 1, 8).side == 30


def test_plate_options_show_the_same_channels() -> None:
    shown = [7, 2, 5]
    assert plate_order(GridLook(order="max", hide_silent=True), shown) == {
        "order": "max",
        "hide_silent": True,
    }
    assert plate_order(GridLook(order="selectivity"), shown) == {"channels": (7, 2, 5)}
    assert plate_order(GridLook(query="7 2 5", page=True), shown) == {
        "channels": (7, 2, 5),
        "limit": 64,
        "columns": 8,
    }
    assert len(plate_order(GridLook(order="difference"), range(2048))["channels"]) == 256


def test_scores_rank_and_energy_stands_in() -> None:
    numbers = MapStatistics.of(np.float32([[[1, 1]], [[3, 0]], [[0, 0]]]))
    look = GridLook(order="selectivity")
    assert arrange(numbers, look, np.float32([0.1, -2, 5])).tolist() == [2, 0, 1]
    assert arrange(numbers, look).tolist() == [1, 0, 2]


@pytest.mark.parametrize("steps", [(37,), (40, 300, -123), (5, 5, 5)])
def test_what_scrolls_is_what_is_painted_anew(grid: FeatureGrid, qtbot, steps) -> None:
    grid.select(7)
    bar = grid.verticalScrollBar()
    for step in steps:
        bar.setValue(bar.value() + step)
        QTest.qWait(5)
    on_screen = grid.screen().grabWindow(grid.winId()).toImage()
    painted = grid.grab().toImage().convertToFormat(on_screen.format())
    assert bar.value() == sum(steps)
    inner = grid.viewport().geometry()
    assert on_screen.copy(inner) == painted.copy(inner)


def test_the_menu_by_a_key_is_of_the_selected_tile_and_stands_there(grid, monkeypatch) -> None:
    offered = []
    monkeypatch.setattr(feature_grid, "offer_picture", lambda *said: offered.append(said[1:3]))
    middle = grid.viewport().rect().center()
    press = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, middle, grid.mapToGlobal(middle))
    grid.contextMenuEvent(press)
    assert not offered  # nothing is selected
    grid.select(2)
    grid.contextMenuEvent(press)
    place = grid.viewport().mapToGlobal(grid.tile_rect(2).center())
    assert offered == [(place, grid.tile_image(2))]
    grid.set_look(GridLook(query="0"))  # the selected one is out of sight
    grid.contextMenuEvent(press)
    assert len(offered) == 1
