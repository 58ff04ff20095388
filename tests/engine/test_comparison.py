"""Several networks side by side, worked out by hand on tiny ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from networks import Plain
from torch import nn

from cnnviz_desktop.data import Comparison, InputSpec
from cnnviz_desktop.engine import comparison
from cnnviz_desktop.engine.comparison import MEASURES, compare, matched
from cnnviz_desktop.engine.evaluation import told_apart
from cnnviz_desktop.engine.kept_models import KeptModels
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.remembered_inputs import remember
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import CompareModels, GradCam
from cnnviz_desktop.errors import Cancelled, ModelError, ParameterError


class Two(nn.Sequential):
    """Two maps, red and blue, and a class for each of them."""

    def __init__(self, gain: float = 1.0, classes: int = 2) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(2, classes)
        with torch.no_grad():
            for item in self.parameters():
                item.zero_()
            self.conv.weight[0, 0], self.conv.weight[1, 2] = gain, gain
            self.fc.weight[0, 0], self.fc.weight[1, 1] = 1.0, 1.0


class Deep(nn.Sequential):
    """Three stages: maps of 8, 4 and 2 cells."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        for number, (given, made) in enumerate(((3, 4), (4, 5), (5, 6))):
            self.add_module(f"conv{number}", nn.Conv2d(given, made, 3, padding=1))
            self.add_module(f"relu{number}", nn.ReLU())
            self.add_module(f"pool{number}", nn.MaxPool2d(2))
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(6, 2)


@pytest.fixture
def shelf(monkeypatch):
    """Load networks by name from a dictionary; list what was asked for."""
    known, asked = {}, []

    def load_model(name, weights=None, device="cpu", run=None, *, spec=None, trust=False):
        asked.append((name, weights))
        if name not in known:
            raise ModelError(f"There is no model “{name}”.")
        return known[name]

    monkeypatch.setattr(comparison, "load_model", load_model)
    monkeypatch.setattr(comparison, "KEPT", KeptModels(0))
    return known, asked


def test_each_network_has_its_costs_answer_and_explanation(load, noise, shelf):
    known, asked = shelf
    image = noise()
    first = load(Two(), labels=("red", "blue"))
    known["strong"] = load(Two(gain=3.0), labels=("red", "blue"))

    found = CompareModels(models=("strong=a.pth",), target="red", passes=3)(first, image)

    assert asked == [("strong", "a.pth")]
    one, other = found.models
    for item in found.models:
        assert item.parameters == 6 + 2 + 4 + 2
        assert item.multiply_adds == 8 * 8 * 3 * 2 + 2 * 2
        assert item.memory == 4 * 14 + 4 * (3 * 64 + 2 * 64 + 2 * 64)  # input, conv, ReLU
        assert 0 < item.seconds < 1
        assert item.scores == ()
    red = image.pixels[..., 0].astype(np.float32) / 255
    blue = image.pixels[..., 2].astype(np.float32) / 255
    assert one.prediction is not None and other.prediction is not None
    np.testing.assert_allclose(one.prediction.logits, [red.mean(), blue.mean()], rtol=1e-5)
    np.testing.assert_allclose(other.prediction.logits, 3 * one.prediction.logits, rtol=1e-5)
    # The gradient of a mean over 64 cells is 1/64 in each of them.
    assert one.heatmap is not None and other.heatmap is not None
    np.testing.assert_allclose(one.heatmap.values, red / 64, rtol=1e-5)
    np.testing.assert_allclose(other.heatmap.values, 3 * red / 64, rtol=1e-5)
    assert one.heatmap.target_label == other.heatmap.target_label == "red"


def test_the_maps_are_the_strongest_of_each_stage_as_grad_cam_sees_them(load, noise, shelf):
    image, model = noise(), load(Deep())

    (item,) = CompareModels(maps=3, passes=0)(model, image).models

    assert math.isnan(item.seconds)
    assert [strip.title for strip in item.strips] == [f"Stage {n} of 3" for n in (1, 2, 3)]
    assert [strip.maps.values.shape for strip in item.strips] == [(3, 8, 8), (3, 4, 4), (3, 2, 2)]
    with torch.inference_mode():
        tensor, _region = model.prepare(image)
        for strip, heatmap in zip(item.strips, item.heatmaps, strict=True):
            part = nn.Sequential(*list(model.module.children())[: 1 + _place(model, strip)])
            values = part(tensor)[0].numpy()
            energy = (values**2).mean(axis=(1, 2))
            assert list(strip.channels) == np.argsort(-energy, kind="stable")[:3].tolist()
            np.testing.assert_allclose(
                strip.maps.values, values[list(strip.channels)], rtol=1e-4, atol=1e-6
            )
            wanted = GradCam(layer=strip.maps.layer)(model, image)
            assert heatmap.layer == wanted.layer == strip.maps.layer
            np.testing.assert_allclose(heatmap.values, wanted.values, rtol=1e-4, atol=1e-7)


def _place(model, strip) -> int:
    return [name for name, _child in model.module.named_children()].index(strip.maps.layer)


def test_the_same_network_drawn_anew_is_fed_as_the_first(noise):
    model = load_model("bundled", spec=InputSpec(size=(64, 64)))
    (found,) = compare(CompareModels(models=("bundled=none",)), model, [noise()])
    first, drawn = found.models
    assert first.multiply_adds == drawn.multiply_adds
    assert first.strips[0].maps.values.shape == drawn.strips[0].maps.values.shape


def test_checkpoints_of_one_network_are_fed_as_the_first_unless_said_otherwise(
    noise, tmp_path, monkeypatch
):
    monkeypatch.setenv("CNNVIZ_CONFIG_DIR", str(tmp_path))
    own = tmp_path / "net.py"
    own.write_text(
        "import torch\n"
        "def make():\n"
        "    return torch.nn.Sequential(\n"
        "        torch.nn.Conv2d(3, 2, 3), torch.nn.AdaptiveAvgPool2d(1),\n"
        "        torch.nn.Flatten(), torch.nn.Linear(2, 2))\n"
    )
    name, files = f"{own}:make", [tmp_path / f"{step}.pth" for step in range(3)]
    for step, file in enumerate(files):
        torch.manual_seed(step)
        whole = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Identity(), nn.Identity(), nn.Linear(2, 2))
        torch.save(whole.state_dict(), file)
    remember(files[2], InputSpec(size=(20, 20)))
    model = load_model(name, files[0], spec=InputSpec(size=(40, 40)), trust=True)
    wanted = CompareModels(models=tuple(f"{name}={file}" for file in files[1:]))
    (found,) = compare(wanted, model, [noise()])
    sides = [item.strips[0].maps.values.shape[1] for item in found.models]
    assert sides == [38, 38, 18]
    assert found.notes == ()
    (found,) = compare(wanted, load_model("bundled"), [noise()])
    assert found.notes[0].startswith("How pictures go into net.py:make (1) is a guess.")


def test_class_names_of_the_first_go_where_they_do_not_fit(tmp_path):
    own = tmp_path / "net.py"
    own.write_text(
        "import torch\n"
        "def make(classes=2):\n"
        "    return torch.nn.Sequential(\n"
        "        torch.nn.Conv2d(3, classes, 3), torch.nn.AdaptiveAvgPool2d(1),\n"
        "        torch.nn.Flatten())\n"
        "def other():\n"
        "    return make(3)\n"
    )
    names = tmp_path / "names.txt"
    names.write_text("ant\nbee\n")
    spec = InputSpec(labels=names, size=(8, 8))
    two, three = (
        load_model(f"{own}:{maker}", spec=spec, trust=True) for maker in ("make", "other")
    )
    assert three.labels == ("ant", "bee", "class 2")
    assert two.beside(two).labels == ("ant", "bee")
    assert three.beside(two).labels == ("class 0", "class 1", "class 2")


def test_the_home_of_nobody_is_a_sentence(load, noise):
    wanted = CompareModels(models=("tiny=~nobody-of-this-name/net.pth",))
    with pytest.raises(ModelError, match="There is no "):
        wanted(load(Two()), noise())


def test_stages_are_matched_by_their_place_or_by_their_resolution():
    five, three, one = (1, 0.5, 0.25, 0.125, 0.0625), (0.5, 0.125, 0.03), (0.125,)
    assert matched([five, three], "depth") == [(0, 2, 4), (0, 1, 2)]
    assert matched([five, one], "depth") == [(4,), (0,)], "of one it is the last"
    assert matched([five, (), five], "depth") == [(0, 1, 2, 3, 4), (), (0, 1, 2, 3, 4)]
    assert matched([(1,) * 4, (1,) * 6], "depth") == [(0, 1, 2, 3), (0, 2, 3, 5)]
    assert matched([three, five], "resolution") == [(0, 1, 2), (1, 3, 4)]
    assert matched([five, three], "resolution") == [(0, 1, 2, 3, 4), (0, 0, 0, 1, 1)]
    assert matched([(), ()], "depth") == [(), ()]


def test_networks_of_different_depth_stand_side_by_side(load, noise, shelf):
    known, _asked = shelf
    known["plain"] = load(Plain(), labels=("a", "b", "c"))  # 8 and 4 cells

    found = CompareModels(models=("plain",), passes=0)(load(Deep()), noise())

    assert found.depths == 2
    sizes = [[strip.maps.values.shape[1] for strip in item.strips] for item in found.models]
    assert sizes == [[8, 2], [8, 4]]


def test_all_explain_the_class_of_the_first_by_its_name(load, noise, shelf):
    known, _asked = shelf
    known["turned"] = load(Two(), labels=("blue", "red"))
    known["other"] = load(Two(), labels=("owl", "cat"))

    found = CompareModels(models=("turned", "other"), target=0, passes=0)(
        load(Two(), labels=("red", "blue")), noise()
    )

    maps = [item.heatmap for item in found.models]
    assert [item.target for item in maps if item is not None][:2] == [0, 1]
    assert maps[1] is not None and maps[1].target_label == "red"
    third = "tiny (random weights) (3)"
    said = f"{third} does not know the class “red”: its maps explain what it answers."
    assert found.notes == (said,)


def test_what_cannot_be_explained_is_compared_all_the_same(load, noise, shelf):
    known, _asked = shelf
    known["flat"] = load(nn.Sequential(nn.Flatten(), nn.Linear(192, 2)))
    known["maps"] = load(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))

    found = CompareModels(models=("flat", "maps"), passes=0)(load(Deep()), noise())

    deep, flat, maps = found.models
    assert len(deep.strips) == 1 and deep.heatmaps  # as many as the shallowest has
    assert flat.strips == () and flat.heatmap is None and flat.prediction is not None
    assert maps.prediction is None and maps.strips and maps.heatmaps == ()
    assert len(found.notes) == 2


def test_several_pictures_cost_one_loading(load, noise, shelf):
    known, asked = shelf
    known["deep"] = load(Deep())
    images = [noise(seed=seed) for seed in range(3)]

    found = compare(CompareModels(models=("deep",), passes=0), load(Two()), images)

    assert len(asked) == 1 and len(found) == 3
    for item, image in zip(found, images, strict=True):
        alone = CompareModels(models=("deep",), passes=0)(load(Two()), image)
        np.testing.assert_array_equal(
            item.models[1].strips[0].maps.values, alone.models[1].strips[0].maps.values
        )


def test_networks_come_in_one_by_one_and_can_be_stopped(load, noise, shelf):
    known, asked = shelf
    known |= {"one": load(Deep()), "two": load(Plain(), labels=("a", "b", "c"))}
    seen: list[int] = []

    def look(result) -> None:
        assert isinstance(result, Comparison)
        seen.append(len(result.models))
        if len(seen) == 4:
            run.cancel()

    run = Run(on_preview=look)
    wanted = CompareModels(models=("one", "two"))
    assert len(wanted(load(Two()), noise(), run).models) == 3
    assert seen == [1, 2, 3]
    asked.clear()
    with pytest.raises(Cancelled):
        wanted(load(Two()), noise(), run)
    assert asked == [], "nothing more is loaded"


def test_large_networks_are_let_go_and_measured_by_themselves(load, noise, shelf, monkeypatch):
    known, _asked = shelf
    known |= {"one": load(Deep()), "two": load(Deep())}
    monkeypatch.setattr(comparison, "HELD", 100)

    found = CompareModels(models=("one", "two"), passes=2)(load(Two()), noise())

    assert all(item.seconds > 0 for item in found.models)
    assert len(found.notes) == 2
    for note, item in zip(found.notes, found.models[1:], strict=True):
        assert note.endswith(f"so {item.model} was measured by itself.")


def test_labelled_pictures_are_measured(load, noise, shelf, tmp_path):
    from PIL import Image

    known, _asked = shelf
    known["turned"] = load(Two(), labels=("blue", "red"))
    for name, place in (("red", 0), ("blue", 2)):
        (tmp_path / name).mkdir()
        pixels = np.zeros((8, 8, 3), np.uint8)
        pixels[..., place] = 255
        Image.fromarray(pixels).save(tmp_path / name / "a.png")

    found = CompareModels(models=("turned",), passes=0, data=str(tmp_path))(
        load(Two(), labels=("red", "blue")), noise()
    )

    assert found.measures == MEASURES
    top1 = found.measures.index("top-1")
    assert [item.scores[top1] for item in found.models] == [1.0, 0.0]


def test_more_than_four_are_refused_and_a_wrong_name_is_told(load, noise, shelf):
    with pytest.raises(ParameterError, match="At most 4 models"):
        CompareModels(models=("a", "b", "c", "d"))
    with pytest.raises(ModelError, match="no model “nobody”"):
        CompareModels(models=("nobody",))(load(Two()), noise())
    with pytest.raises(ModelError, match="name it “vgg19=none”"):  # not on this machine
        CompareModels(models=("vgg19",))(load(Two()), noise())


def test_networks_of_one_name_are_told_apart_by_their_weights():
    kinds = [("net", item) for item in ("pretrained", "none", "/a/step-1.pth", "pretrained")]
    assert told_apart(kinds) == [
        "net (1)",
        "net (random weights)",
        "net (step-1)",
        "net (2)",
    ]
