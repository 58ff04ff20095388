from __future__ import annotations

import argparse
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from cnnviz_desktop.engine.checkpoints import StandIn, aligned, class_count, find_state
from cnnviz_desktop.engine.model_files import recognise
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.weights import load_data, read_state
from cnnviz_desktop.errors import ModelError


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    net = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(8, 5))
    return dict(net.state_dict())


def same(found: dict[str, torch.Tensor] | None, state: dict[str, torch.Tensor]) -> bool:
    return (
        found is not None
        and list(found) == list(state)
        and all(torch.equal(found[key], state[key]) for key in state)
    )


@pytest.mark.parametrize("place", ["state_dict", "model_state_dict", "model", "net", "ema"])
def test_weights_are_found_beside_an_optimizer(place: str, state: dict[str, torch.Tensor]) -> None:
    optimizer = {"state": {0: {"step": torch.tensor(3)}}, "param_groups": [{"lr": 0.1}]}
    assert same(find_state({"epoch": 3, place: state, "optimizer": optimizer}), state)


def test_the_trained_weights_come_before_their_average(state: dict[str, torch.Tensor]) -> None:
    average = {key: value + 1 for key, value in state.items()}
    assert same(find_state({"ema": average, "state_dict": state}), state)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod."])
def test_prefixes_of_wrappers_are_taken_off(prefix: str, state: dict[str, torch.Tensor]) -> None:
    wrapped = {prefix + key: value for key, value in state.items()}
    assert same(find_state({"state_dict": wrapped}), state)


def test_a_prefix_of_some_names_stays(state: dict[str, torch.Tensor]) -> None:
    mixed = {"model.a": torch.zeros(1), "b": torch.zeros(1)}
    assert same(find_state(mixed), mixed)


@pytest.mark.parametrize(
    "loaded", [None, [], {}, {"epoch": 3}, {1: torch.zeros(1)}, torch.zeros(2)]
)
def test_other_things_hold_no_weights(loaded: object) -> None:
    assert find_state(loaded) is None


def test_numpy_numbers_beside_the_weights_are_read(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    path = tmp_path / "checkpoint.pth"
    best = {"best": np.float64(0.5), "count": np.int64(3), "small": np.float32(1)}
    torch.save({"state_dict": state, **best}, path)
    assert same(read_state(path), state)


@pytest.mark.parametrize("legacy", [False, True])
def test_objects_beside_the_weights_are_left_out_and_not_run(
    tmp_path: Path, state: dict[str, torch.Tensor], legacy: bool
) -> None:
    path = tmp_path / "checkpoint.pth"
    options = argparse.Namespace(lr=0.1, out=Path("x"))
    beside = {"args": options, "when": datetime(2024, 1, 1), "counts": defaultdict(int, a=1)}
    torch.save({"state_dict": state, **beside}, path, _use_new_zipfile_serialization=not legacy)

    assert same(read_state(path), state)


def test_the_class_count_is_read_from_a_changed_head(state: dict[str, torch.Tensor]) -> None:
    wanted = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(8, 1000)).state_dict()
    assert class_count(state, wanted) == 5
    assert class_count(state, state) is None
    assert class_count({**state, "0.weight": torch.zeros(2, 4, 1, 1)}, wanted) is None


def test_a_fine_tuned_network_opens_with_its_own_classes(tmp_path: Path) -> None:
    import torchvision

    net = torchvision.models.squeezenet1_0(weights=None, num_classes=4)
    path = tmp_path / "mine.pth"
    torch.save({"model": {f"module.{key}": value for key, value in net.state_dict().items()}}, path)
    model = load_model("squeezenet1_0", path)
    assert model.labels == ("class 0", "class 1", "class 2", "class 3")
    assert model.default_layer == "features"
    assert torch.equal(
        model.module.get_parameter("features.0.weight"), net.get_parameter("features.0.weight")
    )


# --------------------------------------------------------------------------- as people save them


class Trainer:
    """An object that a script keeps beside the weights."""

    def __init__(self) -> None:
        self.lr = 0.1
        self.history = [1, 2]


def test_an_object_of_a_scripts_own_becomes_a_stand_in(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    path = tmp_path / "checkpoint.pth"
    torch.save({"trainer": Trainer(), "model": state}, path)
    file = recognise(path)
    assert [name.rpartition(".")[2] for name in file.runs] == ["Trainer"]
    loaded = load_data(file)
    assert isinstance(loaded, dict)
    trainer = loaded["trainer"]
    assert isinstance(trainer, StandIn)
    assert type(trainer).__name__ == "Trainer"
    assert (trainer.__dict__["lr"], trainer.__dict__["history"]) == (0.1, [1, 2])
    assert same(find_state(loaded), state)


def test_weights_are_found_under_a_name_of_ones_own(state: dict[str, torch.Tensor]) -> None:
    small = {"weight": torch.zeros(2)}
    moments = {"exp_avg.weight": torch.zeros(99, 99)}
    loaded = {"critic": small, "generator": state, "optimizer_g": moments, "state": moments}
    assert same(find_state(loaded), state)
    assert same(find_state({"deeply": {"nested": {"state_dict": state}}}), state)


def test_notes_among_the_weights_are_left_out(state: dict[str, torch.Tensor]) -> None:
    noted = {**state, "epoch": 3, "accuracy": 0.5, "_extra_state": None}
    assert same(find_state(noted), state)


def test_mappings_that_hold_each_other_end() -> None:
    loop: dict[str, Any] = {}
    loop["model"] = loop["x"] = {"state_dict": loop, "y": [loop]}
    assert find_state(loop) is None


def test_mappings_that_share_their_parts_end_at_once() -> None:
    """Eleven places a level and 40 levels: looked at one by one they would never end."""
    inner: dict[str, Any] = {}
    for _ in range(40):
        inner = dict.fromkeys(("model", "net", "ema", "state_dict", "a", "b"), inner)
    assert find_state(inner) is None


def test_stand_ins_that_hold_each_other_end() -> None:
    layer = StandIn()
    layer.__setstate__(
        {"_parameters": {}, "_buffers": {}, "_modules": {"a": layer, "b": layer}, 3: 4}
    )
    assert find_state(layer) is None


def test_what_a_network_does_not_save_is_not_read(tmp_path: Path) -> None:
    net = nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 2, 1))
    net.register_buffer("passing", torch.zeros(3), persistent=False)
    torch.save(net, tmp_path / "net.pth")
    found = read_state(tmp_path / "net.pth")
    assert list(found) == list(net.state_dict())


@pytest.mark.parametrize(
    ("names", "wanted", "found"),
    [
        (["a", "b"], ["a", "b"], ["a", "b"]),
        (["a", "b"], ["model.a", "model.b"], ["model.a", "model.b"]),
        (["model.a", "loss"], ["a"], ["a"]),
        (["net.a", "x"], ["b"], ["net.a", "x"]),
        (["a"], [], ["a"]),
        (["a"], ["other.a"], ["a"]),
    ],
)
def test_names_are_brought_to_those_of_the_network(
    names: list[str], wanted: list[str], found: list[str]
) -> None:
    assert list(aligned({name: torch.zeros(1) for name in names}, wanted)) == found


TENSORS = st.builds(torch.zeros, st.lists(st.integers(0, 3), max_size=3))
KEYS = st.one_of(
    st.sampled_from(
        [
            "model",
            "state_dict",
            "ema",
            "module.",
            "model.a.weight",
            "weight",
            "optimizer",
            "_modules",
        ]
    ),
    st.text(max_size=3),
    st.integers(),
)
VALUES = st.recursive(
    st.one_of(TENSORS, st.none(), st.integers(), st.floats(), st.text(max_size=3), st.binary()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_no_nesting_raises(loaded: object) -> None:
    found = find_state(loaded)
    assert found is None or all(isinstance(value, torch.Tensor) for value in found.values())
    if found:
        aligned(found, ["weight", "model.weight"])
        class_count(found, {"weight": torch.zeros(2)})


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(VALUES, st.booleans())
def test_no_saved_nesting_raises_anything_but_a_sentence(
    tmp_path: Path, loaded: object, legacy: bool
) -> None:
    path = tmp_path / "any.pth"
    torch.save(loaded, path, _use_new_zipfile_serialization=not legacy)
    try:
        read_state(path)
    except ModelError as error:
        assert str(error)
