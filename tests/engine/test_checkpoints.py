from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz_desktop.engine.checkpoints import class_count, find_state
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.weights import read_state
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


def test_a_file_that_would_run_code_is_still_refused(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    path = tmp_path / "checkpoint.pth"
    torch.save({"state_dict": state, "path": Path("x")}, path)
    with pytest.raises(ModelError, match="Python objects"):
        read_state(path)


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
