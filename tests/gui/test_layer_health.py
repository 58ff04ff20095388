"""The strips of the layer tree: measured behind everything else, over the session's pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from cnnviz_desktop.data import LayerHealth, LayerNode
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.layer_health import healths
from cnnviz_desktop.gui.layer_model import HEALTH, Health
from cnnviz_desktop.gui.layer_rows import LayerRows, column_widths

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("owl.png", "kestrel.png", "jay.png")]
    for path in paths:
        path.write_bytes(b"pretend")
    return paths


def ready(window, qtbot) -> None:
    session = window.tabs._session
    qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)


def tip(window, name: str) -> str:
    index = window.model_panel.tree._model.index_of(name)
    return index.data(Qt.ItemDataRole.ToolTipRole)


def strip_colours(window, name: str) -> set[str]:
    """Return the colours along the strip of a layer's row, as they are on screen."""
    tree = window.model_panel.tree
    view = tree.view()
    row = view.visualRect(tree._index(name))
    columns = column_widths(view)
    shot = view.viewport().grab().toImage()
    ratio = shot.devicePixelRatio()
    y = round(row.center().y() * ratio)
    along = range(columns.health_left, columns.health_left + columns.health_width)
    return {shot.pixelColor(round(x * ratio), y).name() for x in along}


def test_strips_come_by_themselves_and_count_in_the_tooltip(drive, qtbot, pictures, engine):
    def script(window) -> None:
        ready(window, qtbot)
        qtbot.waitUntil(lambda: bool(window.model_panel.healths.known), timeout=20000)
        qtbot.waitUntil(lambda: len(engine.healths[-1]) == 3)
        assert "1 of 6 channels never fire" in tip(window, "block.conv2")
        assert "over 3 pictures" in tip(window, "block.conv2")
        assert "none of 4 channels never fire" in tip(window, "block.conv1")
        # the block: the channels of its three layers together, 4 + 4 + 6
        assert "1 of 14 channels never fire" in tip(window, "block")
        now = theme.current()
        seen = strip_colours(window, "block.conv2")
        assert {now.fires.name(), now.silent.name(), now.dead.name()} <= seen
        assert now.dead.name() not in strip_colours(window, "block.conv1")

    drive(script, *pictures)


def test_the_first_maps_are_there_before_anything_is_measured(drive, qtbot, pictures, engine):
    engine.hold_health.set()
    seen = []

    def script(window) -> None:
        ready(window, qtbot)
        seen.append(list(engine.healths))
        qtbot.waitUntil(lambda: len(engine.healths) == 1)  # it works, and goes on working
        tree = window.model_panel.tree
        tree.view().setFocus()
        before = window.tabs.head.title()
        QTest.keyClick(tree.view(), Qt.Key.Key_Down)  # a click is answered all the same
        qtbot.waitUntil(lambda: window.tabs.head.title() != before)
        assert not window.model_panel.healths.known
        engine.hold_health.clear()
        qtbot.waitUntil(lambda: bool(window.model_panel.healths.known))

    drive(script, *pictures)
    assert seen == [[]]


def test_it_is_measured_anew_when_pictures_and_models_change(drive, qtbot, pictures, engine):
    def script(window) -> None:
        session, healths_ = window.tabs._session, window.model_panel.healths
        ready(window, qtbot)
        qtbot.waitUntil(lambda: len(engine.healths) == 1 and bool(healths_.known))
        session.pictures.open([pictures[1]])
        qtbot.waitUntil(lambda: len(engine.healths) == 2)
        assert engine.healths[-1] == ["owl.png", "kestrel.png"]
        qtbot.waitUntil(lambda: "over 2 pictures" in tip(window, "block.conv2"))
        QTest.keyClick(window, Qt.Key.Key_Backspace, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda: len(engine.healths) == 3)
        assert len(engine.healths[-1]) == 1
        engine.hold_health.set()
        session.models.load("vgg16", None)
        qtbot.waitUntil(lambda: session.model is not None and session.model.name == "vgg16")
        assert not healths_.known  # those were another model's
        qtbot.waitUntil(lambda: len(engine.healths) == 4)
        held = session.job("health")
        session.pictures.open([pictures[2]])
        qtbot.waitUntil(lambda: len(engine.healths) == 5)
        assert held is not session.job("health") and held._task.run.cancelled
        engine.hold_health.clear()
        qtbot.waitUntil(lambda: bool(healths_.known))

    drive(script, pictures[0])


def test_the_last_picture_goes_while_it_is_measured(drive, qtbot, pictures, engine):
    def script(window) -> None:
        session, healths_ = window.tabs._session, window.model_panel.healths
        ready(window, qtbot)
        qtbot.waitUntil(lambda: bool(healths_.known), timeout=20000)
        engine.hold_health.set()
        session.pictures.open([pictures[1]])
        qtbot.waitUntil(lambda: len(engine.healths) == 2)
        for key in session.pictures:
            session.pictures.remove(key)
        assert healths_._soon.interval() == 300  # and not as many as a picture's key
        qtbot.waitUntil(lambda: not healths_.known)
        assert session.job("health") is None

    drive(script, pictures[0])


def test_strips_are_painted_when_they_come(drive, qtbot, pictures, engine, monkeypatch):
    from PySide6.QtWidgets import QTreeView

    painted = []
    paint = LayerRows.paint

    def noted(self, painter, option, index):
        painted.append(isinstance(index.data(HEALTH), Health))
        paint(self, painter, option, index)

    monkeypatch.setattr(LayerRows, "paint", noted)

    def script(window) -> None:
        ready(window, qtbot)
        qtbot.waitUntil(lambda: bool(window.model_panel.healths.known), timeout=20000)
        # every row anew, without anybody moving over it
        rows = len(window.findChild(QTreeView, "layerTree").model().sourceModel().nodes())
        qtbot.waitUntil(lambda: painted[-rows:] == [True] * rows)

    drive(script, *pictures)


def test_of_many_pictures_the_one_in_view_comes_first(drive, qtbot, pictures, tmp_path, engine):
    more = [tmp_path / f"bird{number}.png" for number in range(4)]
    for path in more:
        path.write_bytes(b"pretend")

    def script(window) -> None:
        ready(window, qtbot)
        qtbot.waitUntil(lambda: len(engine.healths) == 2, timeout=20000)
        assert engine.healths[0] == ["bird0.png"]
        assert len(engine.healths[1]) == 4

    drive(script, *more)


def test_a_block_is_all_that_is_inside_it():
    def layer(name: str, positive: list[float], dead: list[bool], broken: int = 0) -> LayerHealth:
        numbers = np.array(positive, np.float32)
        flags = np.array(dead)
        return LayerHealth(name, 2, numbers, numbers, numbers * 0, flags, flags, broken)

    leaves = tuple(LayerNode(name, "Conv2d", (1,), 0, 1) for name in ("a.one", "a.two", "a.out"))
    root = LayerNode("", "Net", None, 0, 1, (LayerNode("a", "Block", None, 0, 1, leaves),))
    one = layer("a.one", [0.5], [False])
    two = layer("a.two", [0.0, 0.0, 0.9], [True, True, False], broken=7)

    found = healths(root, [one, two])

    assert found["a"] == found[""]
    assert found["a"].fires == pytest.approx((0.5 + 0.9) / 4)
    assert found["a"] == Health(found["a"].fires, 0.5, 4, 2, 2, 7, 2)
    assert "a.out" not in found
