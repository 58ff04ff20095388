"""The state behind the window: what follows a choice, what is kept, what is let go."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cnnviz_desktop.data import Activation, Box, ImageInput, LayerNode
from cnnviz_desktop.engine.techniques import ActivationMaximization, FeatureMaps, Filters, Probes
from cnnviz_desktop.gui.aims import Unit, lost, nearest_kernels, with_layer
from cnnviz_desktop.gui.jobs import Jobs
from cnnviz_desktop.gui.results import Request, ResultCache
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.work import Answer

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.fixture
def session(qtbot, engine, picture):
    jobs = Jobs()
    made = Session(jobs, engine)
    made.models.start()
    made.models.load("bundled")
    made.pictures.open([picture])
    qtbot.waitUntil(lambda: "Feature maps" in made.answers and 1 in made.predictions)
    yield made
    assert jobs.close(5)


def test_a_layer_of_the_inside_is_shared_and_the_explained_one_is_not(session, qtbot) -> None:
    session.pick_layer("block.conv2", "Feature maps")
    assert session.layer("Feature maps") == "block.conv2"
    assert session.layer("Filters") == "block.conv2"
    assert session.layer("Explain") == "block"


def test_growing_a_class_leaves_the_layer_of_all_tabs(session) -> None:
    before = dict(session.techniques)
    session.set_technique("Maximise", ActivationMaximization(objective="class", target=1))
    assert session.layer("Maximise") == "block"
    session.set_technique("Maximise", before["Maximise"])
    assert session.techniques == before
    session.pick_layer("block.conv2", "Feature maps")
    session.set_technique(
        "Maximise", ActivationMaximization(objective="class", target=1, layer="block.conv2")
    )
    assert session.layer("Feature maps") == "block.conv2"


def test_a_layer_without_kernels_gives_filters_of_the_nearest(session) -> None:
    layers = session.model.layers
    assert nearest_kernels("block.act", layers) == "block.conv1"
    assert nearest_kernels("block", layers) == "block.conv1"
    assert nearest_kernels("block.conv2", layers) == "block.conv2"
    assert with_layer(Filters(), "block.act", layers) == Filters(layer="block.conv1")
    assert with_layer(FeatureMaps(call=1), "block", layers) == FeatureMaps(layer="block")


def test_a_visited_layer_is_not_computed_again(session, qtbot, engine) -> None:
    session.pick_layer("block.conv2", "Feature maps")
    qtbot.waitUntil(lambda: session.answers["Feature maps"].technique.layer == "block.conv2")
    count = len(engine.performed)
    session.pick_layer("block", "Feature maps")
    assert session.answers["Feature maps"].technique.layer == "block"
    assert len(engine.performed) == count


def test_another_picture_brings_its_maps_and_keeps_the_unit(session, qtbot, tmp_path) -> None:
    session.pick_unit(Unit("block", 2))
    session.pictures.open([tmp_path / "other.png"])  # the file is missing
    qtbot.wait(100)
    assert len(session.pictures) == 1
    other = tmp_path / "other.png"
    other.write_bytes(b"pretend")
    session.pictures.open([other])
    qtbot.waitUntil(lambda: session.answers["Feature maps"].image.path == other)
    assert session.unit == Unit("block", 2)
    session.pick_layer("block.conv1", "Feature maps")
    assert session.unit is None


def test_another_device_while_a_network_loads(session, qtbot, engine) -> None:
    load, gate = engine.load_model, threading.Event()

    def late(*args, **more):
        assert gate.wait(20)
        return load(*args, **more)

    engine.load_model = late
    session.models.load("vgg16")
    session.models.set_device("cuda")
    gate.set()
    qtbot.waitUntil(lambda: session.job("model") is None)
    assert session.model.name == "vgg16"  # not the old one, moved


def test_clicks_are_answered_while_a_network_loads(session, qtbot, engine) -> None:
    load, gate = engine.load_model, threading.Event()

    def late(name, weights, device, run, **more):
        while not gate.is_set():
            run.pause()  # as between the parts of a download
            time.sleep(0.002)
        return load(name, weights, device, run, **more)

    engine.load_model = late
    session.models.load("vgg16")
    session.pick_layer("block.conv2", "Feature maps")
    qtbot.waitUntil(lambda: session.answers["Feature maps"].technique.layer == "block.conv2")
    assert session.job("model") is not None
    gate.set()
    qtbot.waitUntil(lambda: session.model.name == "vgg16")


def test_a_new_model_lets_go_of_the_old_results(session, qtbot) -> None:
    old = session.model
    session.models.load("vgg16")
    qtbot.waitUntil(lambda: session.model is not old)
    qtbot.waitUntil(lambda: not session.is_stale("Feature maps"))
    assert all(answer.model is session.model for answer in session.answers.values())
    qtbot.waitUntil(lambda: 1 in session.predictions)


def test_a_channel_that_another_network_lacks_is_let_go(
    session, qtbot, engine, monkeypatch
) -> None:
    """The layer of that name has fewer maps there: the cards would only say that there are none."""
    load, small = engine.load_model, LayerNode("block", "Sequential", (2, 8, 8), 10, 1)

    def load_smaller(*args, **more):
        whole = LayerNode("", "Net", (4,), 10, 1, (small,))
        return replace(load(*args, **more), layers=whole)

    session.pick_unit(Unit("block", 1))
    asked = replace(session.techniques["Explain"], layer="block")
    session.set_technique("Explain", asked)
    monkeypatch.setattr(engine, "load_model", load_smaller)
    session.models.load("vgg16")
    qtbot.waitUntil(lambda: session.model.name == "vgg16")
    assert session.unit == Unit("block", 1)
    monkeypatch.undo()
    session.models.load("bundled")
    qtbot.waitUntil(lambda: session.model.name == "bundled")
    session.pick_unit(Unit("block", 4))
    assert session.techniques["Unit"].channel == session.techniques["Maximise"].channel == 4
    monkeypatch.setattr(engine, "load_model", load_smaller)
    session.models.load("vgg16")
    qtbot.waitUntil(lambda: session.model.name == "vgg16")
    assert session.unit is None
    assert session.techniques["Unit"].channel == -1
    assert session.techniques["Maximise"].channel == 0
    assert session.techniques["Unit"].layer == session.techniques["Explain"].layer == "block"


@pytest.mark.parametrize(("first", "last", "kept"), [(2, 8, -1), (8, 2, 3)])
def test_a_kernel_of_the_usual_layer_is_one_of_the_first_convolution(first, last, kept) -> None:
    nodes = {
        name: LayerNode(name, "Conv2d", (channels, 8, 8), 10, 1)
        for name, channels in (("first", first), ("last", last))
    }
    model = SimpleNamespace(first_convolution="first", default_layer="last")
    asked = Probes(channel=3)
    assert replace(asked, **lost(asked, nodes, model)).channel == kept


def test_the_second_of_two_channels_is_let_go_with_the_first() -> None:
    node = LayerNode("block", "Conv2d", (4, 8, 8), 10, 1)
    model = SimpleNamespace(default_layer="block")
    joint = ActivationMaximization(objective="joint", channel=1, second=5)
    kept = replace(joint, second=3)
    of_classes = replace(joint, target=2)
    for asked, changed in ((joint, True), (kept, False), (of_classes, False)):
        assert bool(lost(asked, {"block": node}, model)) is changed
    assert with_layer(joint, "block", node) == ActivationMaximization(
        objective="joint", layer="block"
    )
    assert with_layer(of_classes, "block", node).second == 5


def test_what_will_never_be_whole_is_withdrawn_from_every_tab(session, qtbot) -> None:
    withdrawn: list[str] = []
    session.withdrawn.connect(withdrawn.append)
    maps = session.answers["Feature maps"]
    session.set_tab("Compare")
    session.answers["Compare"] = replace(
        maps, technique=session.techniques["Compare"], partial=True
    )
    session.models.load("vgg16")
    qtbot.waitUntil(lambda: session.model.name == "vgg16")
    assert withdrawn == ["Compare"]
    assert "Compare" not in session.answers


def test_another_fit_is_another_result_of_the_same_network(session, qtbot) -> None:
    session.models.set_fit("pad")
    assert session.is_stale("Feature maps")
    qtbot.waitUntil(lambda: not session.is_stale("Feature maps"))
    assert session.model.preprocessing.fit == "pad"


def test_a_failed_load_keeps_the_model(session, qtbot) -> None:
    model = session.model
    with qtbot.waitSignal(session.failed) as failure:
        session.models.load("nonsense")
    assert "nonsense" in str(failure.args[1])
    assert session.model is model


def answer(megabytes: int, layer: str, image: ImageInput) -> tuple[Request, Answer]:
    values = np.zeros((megabytes, 256, 1024), np.float32)
    result = Activation(values, layer, Box(0, 0, 1, 1))
    technique = FeatureMaps(layer=layer)
    return Request(technique, None, image), Answer(technique, None, image, result, 0.0)


def test_the_cache_keeps_to_its_budget() -> None:
    image = ImageInput(np.zeros((2, 2, 3), np.uint8))
    cache = ResultCache(budget=3 * 2**20)
    entries = [answer(1, name, image) for name in "abcd"]
    for request, result in entries[:3]:
        cache.put(request, result)
    assert cache.get(entries[0][0]) is entries[0][1]
    cache.put(*entries[3])
    assert cache.used == 3 * 2**20
    assert cache.get(entries[1][0]) is None  # the least recently used one
    assert cache.get(entries[0][0]) is not None
    big = answer(9, "big", image)
    cache.put(*big)
    assert len(cache) == 1
    cache.keep_images([])
    assert (len(cache), cache.used) == (0, 0)
