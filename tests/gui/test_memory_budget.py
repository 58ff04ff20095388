"""Recorded activations stay under the budget that the settings name."""

from __future__ import annotations

import weakref
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from cnnviz_desktop.data import Activation, Box, ImageInput, LayerNode
from cnnviz_desktop.engine.techniques import FeatureMaps
from cnnviz_desktop.gui.results import Request, ResultCache, result_bytes, why_too_large
from cnnviz_desktop.gui.work import Answer
from cnnviz_desktop.settings import Settings, save_settings, usual_budget

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

MEGABYTE = 2**20
# VGG16's blocks: how many convolutions of how many channels, and the side of their maps.
BLOCKS = ((2, 64, 224), (2, 128, 112), (3, 256, 56), (3, 512, 28), (3, 512, 14))


def vgg16() -> LayerNode:
    """Return the layers of VGG16's features, with the shapes they have at 224x224."""
    leaves: list[LayerNode] = []

    def add(kind: str, shape: tuple[int, ...]) -> None:
        leaves.append(LayerNode(f"features.{len(leaves)}", kind, shape, 10, 1))

    for count, channels, side in BLOCKS:
        for _ in range(count):
            add("Conv2d", (channels, side, side))
            add("ReLU", (channels, side, side))
        add("MaxPool2d", (channels, side // 2, side // 2))
    features = LayerNode("features", "Sequential", (512, 7, 7), 10, 1, tuple(leaves))
    return LayerNode("", "VGG", (4,), 100, 1, (features,))


@pytest.fixture
def large(engine, monkeypatch):
    """An engine whose maps are as large as VGG16's; it remembers every array it gave, weakly."""
    given: list[weakref.ref[np.ndarray]] = []
    load, perform = engine.load_model, engine.perform

    def loaded(name, *more, **options):
        return replace(load(name, *more, **options), layers=vgg16(), default_layer="features.30")

    def performed(technique, model, image, run):
        if not isinstance(technique, FeatureMaps):
            return perform(technique, model, image, run)
        shape = model.layers.find(technique.layer).output_shape
        values = np.zeros(shape, np.float32)
        values[:, 0, 0] = np.arange(len(values))
        given.append(weakref.ref(values))
        return Activation(values, technique.layer, image.whole)

    monkeypatch.setattr(engine, "load_model", loaded)
    monkeypatch.setattr(engine, "perform", performed)
    engine.given = given
    return engine


def alive(engine) -> int:
    """Count the bytes of all recorded maps that anybody still holds."""
    held = (reference() for reference in engine.given)
    return sum(values.nbytes for values in held if values is not None)


def ready(window, qtbot):
    session = window.tabs._session
    qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)
    return session


def test_walking_all_layers_of_vgg16_stays_under_the_budget(drive, qtbot, picture, large):
    save_settings(Settings(memory_budget=40))

    def script(window) -> None:
        session = ready(window, qtbot)
        tree = window.model_panel.tree.view()
        tree.setFocus()
        QTest.keyClick(tree, Qt.Key.Key_Home)
        seen, most = [], 0
        for name in ("features", *(f"features.{number}" for number in range(31))):
            qtbot.waitUntil(
                lambda name=name: session.answers["Feature maps"].result.layer == name,
                timeout=20000,
            )
            seen.append(name)
            assert session.answers["Feature maps"].result.values.any()  # never the one in view
            most = max(most, alive(large))
            assert session.cache.used <= 40 * MEGABYTE
            QTest.keyClick(tree, Qt.Key.Key_Down)
        assert len(seen) == 32
        whole = sum(4 * np.prod(node.output_shape) for node in session.model.layers.walk())
        assert whole > 100 * MEGABYTE  # what would lie there otherwise
        # In the moment of a change, the layer that comes and the one that goes are both there.
        assert most <= (40 + 12.5) * MEGABYTE
        assert window.status._cache.text().endswith("MB cached of 40 MB")

    drive(script, picture)


def test_two_pictures_and_their_difference_count_as_well(drive, qtbot, tmp_path, large):
    save_settings(Settings(memory_budget=64))
    paths = [tmp_path / name for name in ("owl.png", "kestrel.png")]
    for path in paths:
        path.write_bytes(b"pretend")

    def script(window) -> None:
        session = ready(window, qtbot)
        view = window.tabs.feature_maps
        qtbot.waitUntil(lambda: len(session.pictures) == 2)
        view.grid.setFocus()
        QTest.keyClick(view.grid, Qt.Key.Key_C)
        for number in range(0, 12):
            session.pick_layer(f"features.{number}", "Feature maps")
            qtbot.waitUntil(
                lambda number=number: (
                    view.grid.beside().difference is not None
                    and view._activation.layer == f"features.{number}"
                ),
                timeout=20000,
            )
            pair = view._companions._pairs.found()
            assert len(pair) == 1
            held = alive(large) + pair[0].difference.values.nbytes
            assert session.cache.used >= held - 13 * MEGABYTE
            assert session.cache.used <= 64 * MEGABYTE

    drive(script, *paths)


def test_a_layer_that_alone_breaks_the_budget_is_refused_kindly(drive, qtbot, picture, large):
    save_settings(Settings(memory_budget=16))

    def grown(technique, model, image, run):
        raise AssertionError("it is not recorded")

    def script(window) -> None:
        session = ready(window, qtbot)
        session.cache.set_budget(10 * MEGABYTE)
        before = session.answers["Feature maps"]
        large.perform = grown
        session.pick_layer("features.1", "Feature maps")
        message = window.tabs.message
        qtbot.waitUntil(message.isVisible)
        said = message.text()
        assert "The maps of features.1 (64×224×224) take 13 MB, more than the 10 MB" in said
        assert "memory_budget" in said
        assert session.answers["Feature maps"] is before

    drive(script, picture)


def answer(megabytes: int, layer: str) -> tuple[Request, Answer]:
    values = np.zeros((megabytes, 256, 1024), np.float32)
    image = ImageInput(np.zeros((2, 2, 3), np.uint8))
    result = Activation(values, layer, Box(0, 0, 1, 1))
    technique = FeatureMaps(layer=layer)
    return Request(technique, None, image), Answer(technique, None, image, result, 0.0)


def test_what_is_on_screen_is_never_let_go_of():
    shown: list[object] = []
    cache = ResultCache(3 * MEGABYTE, lambda: shown)
    first, second, third, fourth = (answer(1, name) for name in "abcd")
    for entry in (first, second, third):
        cache.put(*entry)
    shown.append(first[1].result)
    cache.put(*fourth)
    assert cache.get(first[0]) is not None  # the oldest, but in view
    assert cache.get(second[0]) is None
    assert cache.used == 3 * MEGABYTE


def test_what_others_keep_takes_room_from_the_cache():
    beside: list[object] = [np.zeros(2 * MEGABYTE, np.uint8)]
    cache = ResultCache(4 * MEGABYTE)
    cache.watch(lambda: beside)
    entries = [answer(1, name) for name in "abc"]
    for entry in entries:
        cache.put(*entry)
    assert [cache.get(request) is not None for request, _ in entries] == [False, True, True]
    assert cache.used == 4 * MEGABYTE
    beside.append(entries[2][1].result)  # kept here and there: counted once
    assert cache.used == 4 * MEGABYTE
    beside.clear()
    assert cache.used == 2 * MEGABYTE


def test_a_results_parts_are_counted():
    maps = Activation(np.zeros((2, 4, 8), np.float32), "a", Box(0, 0, 1, 1))
    assert result_bytes(maps) == 256
    assert result_bytes((maps, [maps, "word", None])) == 512


def test_the_usual_budget_follows_the_machine():
    assert usual_budget(0) == usual_budget(2 * 2**30) == 512
    assert usual_budget(16 * 2**30) == 2048
    assert usual_budget(2**40) == 4096
    assert Settings().memory_budget == usual_budget()


def test_only_maps_of_a_known_size_are_refused(model):
    request = Request(FeatureMaps(layer="block"), model, None)
    assert not why_too_large(request, 6 * 8 * 8 * 4)
    assert "take 1 MB, more than the 1 MB" in why_too_large(request, 6 * 8 * 8 * 4 - 1)
