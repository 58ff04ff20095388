"""The tab of feature maps: order by selectivity, scale of the net, overlay, page of 64, pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from person import answered, choose_file, click, find
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox

from cnnviz_desktop.data import Activation
from cnnviz_desktop.engine import extremes as extremes_module
from cnnviz_desktop.engine import selectivity as selectivity_module
from cnnviz_desktop.engine.extremes import Extremes
from cnnviz_desktop.engine.selectivity import Selectivity
from cnnviz_desktop.errors import LayerError
from cnnviz_desktop.figures.map_order import MapStatistics
from cnnviz_desktop.gui import comparison_export
from cnnviz_desktop.gui.exporting import call_of

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "owl.png", tmp_path / "kestrel.png"
    for path in paths:
        path.write_bytes(b"pretend")
    return paths


@pytest.fixture
def busy_engine(engine, monkeypatch):
    """An engine whose maps differ from picture to picture, with a silent channel among them."""
    perform = engine.perform

    def performed(technique, model, image, run):
        result = perform(technique, model, image, run)
        if isinstance(result, Activation):
            values = result.values * (1 + len(image.name))
            values[2] = 0
            result = replace(result, values=values)
        return result

    monkeypatch.setattr(engine, "perform", performed)
    return engine


def choose(combo: QComboBox, value: str) -> None:
    """Choose an entry by its keys, as a person does."""
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Home)
    while combo.currentData() != value:
        before = combo.currentIndex()
        QTest.keyClick(combo, Qt.Key.Key_Down)
        assert combo.currentIndex() != before, value


def in_more(window, name: str) -> None:
    """Press a button of the More panel."""
    click(find(window, "moreLook"))
    button = find(window, name, QAbstractButton)
    assert button.isVisible()
    click(button)
    panel = find(window, "moreLookPanel")
    if panel.isVisible():
        QTest.keyClick(panel, Qt.Key.Key_Escape)
    assert not panel.isVisible()


def words(window) -> str:
    return window.tabs.feature_maps._foot.words()


def test_selectivity_sorts_once_it_is_known(drive, qtbot, pictures, engine, monkeypatch) -> None:
    asked: list[str] = []
    scores = np.float32([0.5, -1, 4, 0, 2, 3])

    def known(model, image, layer, *, call, run):
        while engine.hold.is_set():
            run.check()
        asked.append(f"{layer} {call}")
        return Selectivity(scores, layer, 0, "striped star", 3.0)

    monkeypatch.setattr(selectivity_module, "selectivity", known)

    def script(window) -> None:
        answered(window, qtbot)
        grid, strongest = window.tabs.feature_maps.grid, window.tabs.feature_maps.grid.shown()
        engine.hold.set()
        choose(find(window, "channelOrder"), "selectivity")
        assert grid.shown() == strongest and "until it is known" in words(window)
        engine.hold.clear()
        qtbot.waitUntil(lambda: grid.shown() == [2, 5, 4, 0, 3, 1])
        assert "first what adds most to “striped star” (logit 3.00)" in words(window)
        assert window.tabs.feature_maps.look()["channels"] == (2, 5, 4, 0, 3, 1)
        choose(find(window, "channelOrder"), "index")
        choose(find(window, "channelOrder"), "selectivity")
        assert grid.shown() == [2, 5, 4, 0, 3, 1]

    drive(script, *pictures[:1])
    assert asked == ["block 0"]


def test_what_another_network_says_comes_too_late(
    drive, qtbot, pictures, engine, monkeypatch
) -> None:
    def held(model, image, layer, *, call, run):
        while engine.hold.is_set():
            run.check()
        return Selectivity(np.zeros(6, np.float32), layer, 0, "striped star", 3.0)

    monkeypatch.setattr(selectivity_module, "selectivity", held)

    def script(window) -> None:
        answered(window, qtbot)
        session, view = window.tabs._session, window.tabs.feature_maps
        engine.hold.set()
        choose(find(window, "channelOrder"), "selectivity")
        qtbot.waitUntil(lambda: session.job("selectivity") is not None)
        session.set_tab("Predictions")
        session.models.take(replace(session.model, name="vgg16"), resumed=False)
        engine.hold.clear()
        qtbot.waitUntil(lambda: not session._jobs.busy(), timeout=20000)
        assert view._companions._weighed.found() == []  # or the old one stayed in memory

    drive(script, *pictures[:1])


def test_a_layer_beside_the_answer_is_sorted_by_energy(drive, qtbot, pictures, monkeypatch) -> None:
    def refused(*_args, **_more):
        raise LayerError("The score does not depend on block. Choose another layer.")

    monkeypatch.setattr(selectivity_module, "selectivity", refused)

    def script(window) -> None:
        answered(window, qtbot)
        strongest = window.tabs.feature_maps.grid.shown()
        choose(find(window, "channelOrder"), "selectivity")
        qtbot.waitUntil(lambda: "does not depend" in words(window))
        assert window.tabs.feature_maps.grid.shown() == strongest

    drive(script, *pictures[:1])


def test_the_scale_of_the_net_is_one_for_all_layers(drive, qtbot, pictures, monkeypatch) -> None:
    asked: list[str] = []

    def measured(model, image, run):
        asked.append(image.name)
        return Extremes({"block": (-0.5, 1.0), "block.conv1": (-9.0, 8.0)})

    monkeypatch.setattr(extremes_module, "extremes", measured)

    def script(window) -> None:
        answered(window, qtbot)
        view = window.tabs.feature_maps
        click(find(window, "mapScale_net"))
        qtbot.waitUntil(lambda: view.grid.look().net == 8.0)
        assert "set by block.conv1" in words(window)
        assert view._foot.bar.ends() == ("0", "8.00")
        assert (view.look()["scale"], view.look()["high"]) == ("layer", 8.0)
        brightest = view.grid._painter._parts[0].pixmaps._limits
        assert brightest.tolist() == [8.0] * 6
        window.tabs._session.pick_layer("block.conv2", "Feature maps")
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv2 "))
        assert view.grid.look().net == 8.0
        click(find(window, "mapSign"))
        assert view.grid.look().net == 9.0

    drive(script, *pictures[:1])
    assert asked == ["owl.png"]


def test_silent_channels_are_counted_and_hidden(drive, qtbot, pictures, busy_engine) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        grid = window.tabs.feature_maps.grid
        qtbot.waitUntil(lambda: "6 channels · 1 silent · strongest first" in words(window))
        assert find(window, "hideSilent").text() == "Hide silent channels (1 here)"
        in_more(window, "hideSilent")
        assert 2 not in grid.shown() and len(grid.shown()) == 5
        assert "5 of 6 channels · 1 silent left out" in words(window)
        assert window.tabs.feature_maps.look()["hide_silent"] is True
        QTest.keyClicks(find(window, "channelSearch"), "2")
        assert grid.shown() == [2]  # asked for by number

    drive(script, *pictures[:1])


def test_maps_lie_over_the_picture(drive, qtbot, pictures) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        view = window.tabs.feature_maps
        view.grid.setFocus()
        dark = view.grid.viewport().grab().toImage()
        tile = view.grid.tile_rect(view.grid.shown()[-1])
        QTest.keyClick(view.grid, Qt.Key.Key_O)
        assert view.grid.look().overlay == 0.75
        over = view.grid.viewport().grab().toImage()
        assert mean_light(over, tile) > mean_light(dark, tile)
        assert (view.look()["overlay"], view.look()["opacity"]) == (True, 0.75)
        find(window, "moreLook").click()
        find(window, "mapOpacity").setFocus()
        QTest.keyClick(find(window, "mapOpacity"), Qt.Key.Key_Home)
        assert view.grid.look().overlay == 0.05
        find(window, "moreLookPanel").close()
        QTest.keyClick(view.grid, Qt.Key.Key_O)
        assert view.grid.look().overlay == 0 and "overlay" not in view.look()

    drive(script, *pictures[:1])


def mean_light(image: QImage, tile) -> float:
    places = [
        (x, y)
        for x in range(tile.left(), tile.right(), 3)
        for y in range(tile.top(), tile.bottom(), 3)
    ]
    return float(np.mean([image.pixelColor(x, y).lightness() for x, y in places]))


def test_the_classic_page_is_one_click(
    drive, qtbot, pictures, engine, monkeypatch, tmp_path
) -> None:
    def many(technique, model, image, run):
        values = np.random.default_rng(0).random((200, 8, 8), np.float32)
        return Activation(values, technique.layer, image.whole)

    monkeypatch.setattr(engine, "perform", many)

    def script(window) -> None:
        answered(window, qtbot)
        view = window.tabs.feature_maps
        before = view.grid.shown()
        click(find(window, "pageOf64"))
        QTest.qWait(20)  # the canvas grows by the inspector
        assert view.grid.shown() == before[:64] and not view.inspector.isVisible()
        port, tiles = view.grid.viewport().rect(), [view.grid.tile_rect(c) for c in before[:64]]
        assert all(port.contains(tile) for tile in tiles)
        assert len({tile.left() for tile in tiles}) == len({tile.top() for tile in tiles}) == 8
        assert view.grid.verticalScrollBar().maximum() == 0
        assert "64 of 200 channels" in words(window)
        look = view.look()
        assert (look["limit"], look["columns"], look["order"]) == (64, 8, "energy")
        shown = window.exporting.shown()
        text = call_of("Python", shown, tmp_path / "owl.png")
        assert "limit=64" in text and "columns=8" in text and "order='energy'" in text
        QTest.keyClick(window, Qt.Key.Key_C, CTRL)
        copied = QApplication.clipboard().image()
        assert abs(copied.width() - copied.height()) < 0.4 * copied.height()  # the page alone
        view.grid.setFocus()
        QTest.keyClick(view.grid, Qt.Key.Key_Plus)
        assert not find(window, "pageOf64").isChecked() and view.grid.shown() == before
        QTest.keyClick(view.grid, Qt.Key.Key_8)
        assert find(window, "pageOf64").isChecked() and len(view.grid.shown()) == 64
        QTest.keyClick(find(window, "pageOf64"), Qt.Key.Key_8)  # from the bar as well
        assert view.inspector.isVisible()

    drive(script, *pictures[:1])


def test_two_pictures_stand_side_by_side(drive, qtbot, pictures, busy_engine) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        view, session = window.tabs.feature_maps, window.tabs._session
        qtbot.waitUntil(lambda: len(session.pictures) == 2)
        owl, kestrel = list(session.pictures)
        view.grid.setFocus()
        QTest.keyClick(view.grid, Qt.Key.Key_C)
        qtbot.waitUntil(lambda: view.grid.parts() == 3)
        head = find(window, "compareHead")
        assert head.isVisible() and find(window, "compareWith").currentText() == "kestrel.png"
        beside = view.grid.beside()
        mine = session.answers["Feature maps"].result.values
        assert np.array_equal(beside.difference.values, mine - beside.other.values)
        tile = view.grid.tile_rect(view.grid.shown()[0])
        assert tile.width() == 3 * tile.height() + 4
        # The same cell of each part: A, B and the difference stand for one place of one channel.
        third = (tile.width() + 2) / 3
        cells = {
            view.grid.cell_at(tile.topLeft() + QPoint(round(part * third) + 5, 5))
            for part in range(3)
        }
        assert len(cells) == 1
        painter = view.grid._painter
        limits = [part.pixmaps._limits for part in painter._parts]
        assert np.array_equal(limits[0], limits[1])
        assert np.allclose(limits[2], np.abs(beside.difference.values).max(axis=(1, 2)))
        assert not view.grid.grab().isNull()
        # Both passes are cached: turning to the other picture runs nothing, and swaps the two.
        performed = len(busy_engine.performed)
        session.pictures.select(kestrel)
        qtbot.waitUntil(lambda: "kestrel.png" in window.tabs.head.title())
        qtbot.waitUntil(lambda: view.grid.parts() == 3)
        assert find(window, "compareWith").currentText() == "owl.png"
        assert len(busy_engine.performed) == performed
        choose(find(window, "channelOrder"), "difference")
        energy = MapStatistics.of(view.grid.beside().difference.values).energy
        assert view.grid.shown() == np.argsort(-energy, kind="stable").tolist()
        session.pictures.remove(owl)
        qtbot.waitUntil(lambda: view.grid.parts() == 1)
        assert not head.isVisible()

    drive(script, *pictures)


def test_one_picture_alone_is_not_compared(drive, qtbot, pictures) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        view = window.tabs.feature_maps
        view.grid.setFocus()
        QTest.keyClick(view.grid, Qt.Key.Key_C)
        assert "Open a second picture" in words(window)
        assert not find(window, "compareHead").isVisible()
        assert not find(window, "compareMaps").isEnabled()
        choose(find(window, "channelOrder"), "difference")
        assert "compare two pictures" in words(window)

    drive(script, *pictures[:1])


def test_a_session_keeps_how_maps_are_drawn(drive, qtbot, pictures) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        view = window.tabs.feature_maps
        view.grid.setFocus()
        QTest.keyClick(view.grid, Qt.Key.Key_Plus)
        side = view.grid.look().tile_side
        kept = {**view.view_settings(), "overlay": True, "page": True}
        assert kept["tile_side"] == side == 98  # 78 * 1.25
        view.set_view_settings({"tile_side": 200})
        assert view.grid.look().tile_side == 200
        view.set_view_settings(kept)
        assert view.grid.look().page and view.grid.look().overlay == 0.75
        assert view._controls.tile_side() == side
        view.set_view_settings({"tile_side": "x", "page": 3, "order": "unheard of"})

    drive(script, *pictures[:1])


def test_zooming_by_real_events_keeps_the_tile_under_the_mouse(
    drive, qtbot, pictures, engine, monkeypatch
) -> None:
    def many(technique, model, image, run):
        values = np.random.default_rng(0).random((2048, 7, 7), np.float32)
        return Activation(values, technique.layer, image.whole)

    monkeypatch.setattr(engine, "perform", many)

    def script(window) -> None:
        answered(window, qtbot)
        grid = window.tabs.feature_maps.grid
        grid.verticalScrollBar().setValue(3000)
        at = QPoint(30, 150)
        before = grid.channel_at(at)
        place = grid.shown().index(before)
        for _ in range(12):
            wheel(grid, at, 120)
        # In the first column the place stays, however many columns there are.
        assert (
            grid.tile_rect(grid.shown()[place]).top()
            <= at.y()
            <= grid.tile_rect(grid.shown()[place]).bottom()
        )
        assert grid.look().tile_side == round(78 * 1.12**12)
        qtbot.waitUntil(lambda: grid._made == 0)  # drawn at their own size again
        for _ in range(40):
            wheel(grid, at, 120)
        assert grid.look().tile_side == 1024 and grid.horizontalScrollBar().maximum() > 0
        for _ in range(80):
            wheel(grid, at, -120)
        assert grid.look().tile_side == 16
        assert (
            len([c for c in grid.shown() if grid.viewport().rect().intersects(grid.tile_rect(c))])
            > 400
        )
        grid.setFocus()
        QTest.keyClick(grid, Qt.Key.Key_0)
        assert grid.look().tile_side == 78
        assert window.tabs.feature_maps._controls.tile_side() == 78

    drive(script, *pictures[:1])


def wheel(grid, at: QPoint, turned: int) -> None:
    place = QPointF(at)
    event = QWheelEvent(
        place,
        grid.viewport().mapToGlobal(place),
        QPoint(),
        QPoint(0, turned),
        Qt.MouseButton.NoButton,
        CTRL,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(grid.viewport(), event)


def test_a_comparison_is_written_as_a_whole(
    drive, qtbot, pictures, busy_engine, tmp_path, monkeypatch
) -> None:

    out = tmp_path / "out"
    out.mkdir()
    choose_file(monkeypatch, "getExistingDirectory", out)
    shown = {}
    limits: list[float | None] = []
    draw = comparison_export.draw_figure

    def drawn(what, options):
        limits.append(options.get("high"))
        return draw(what, options)

    monkeypatch.setattr(comparison_export, "draw_figure", drawn)

    def script(window) -> None:
        answered(window, qtbot)
        view, session = window.tabs.feature_maps, window.tabs._session
        qtbot.waitUntil(lambda: len(session.pictures) == 2)
        view.grid.setFocus()
        QTest.keyClick(view.grid, Qt.Key.Key_C)
        qtbot.waitUntil(lambda: view.grid.parts() == 3)
        beside = view.grid.beside()
        shown["mine"] = session.answers["Feature maps"].result.values
        shown["other"], shown["difference"] = beside.other.values, beside.difference.values
        click(find(window, "compareExport", QAbstractButton))
        qtbot.waitUntil(lambda: words(window).startswith("Wrote 7 files"), timeout=20000)
        assert limits == [None, None, None]
        click(find(window, "mapScale_layer", QAbstractButton))
        click(find(window, "compareExport", QAbstractButton))
        qtbot.waitUntil(lambda: len(limits) == 6, timeout=20000)
        both = max(shown["mine"].max(), shown["other"].max())
        assert limits[3:] == [pytest.approx(both), pytest.approx(both), None]

    drive(script, *pictures)
    folder = out / "owl-beside-kestrel"
    files = sorted(path.name for path in folder.iterdir() if path.suffix != ".json")
    assert files == [
        "channels.csv",
        "kestrel-block.npz",
        "kestrel-block.png",
        "owl-block.npz",
        "owl-block.png",
        "owl-minus-kestrel-block.npz",
        "owl-minus-kestrel-block.png",
    ]
    for name, file in (
        ("mine", "owl-block"),
        ("other", "kestrel-block"),
        ("difference", "owl-minus-kestrel-block"),
    ):
        with np.load(folder / f"{file}.npz") as arrays:
            np.testing.assert_array_equal(arrays["values"], shown[name])
    lines = (folder / "channels.csv").read_text().splitlines()
    assert len(lines) == 1 + len(shown["mine"])
    first = lines[1].split(",")
    assert float(first[1]) == pytest.approx(shown["mine"][0].max())
    assert float(first[5]) == pytest.approx(np.abs(shown["difference"][0]).max())
