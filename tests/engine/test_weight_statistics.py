"""The table and the distribution of weights, worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from networks import Plain, Residual
from torch import nn

from cnnviz_desktop.data import Distribution, Table
from cnnviz_desktop.engine.techniques import WeightStatistics
from cnnviz_desktop.errors import LayerError


def rows(table: Any) -> list[dict[str, Any]]:
    """Return a table's rows by column."""
    assert isinstance(table, Table)
    assert len(table.units) == len(table.columns) == len(set(table.columns))
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


@pytest.fixture
def module() -> nn.Sequential:
    """A convolution with a dead and a duplicate filter, and a batch norm with a dead scale."""
    conv = nn.Conv2d(1, 4, (1, 3))
    norm = nn.BatchNorm2d(4)
    with torch.no_grad():
        conv.weight.copy_(
            torch.tensor([[1.0, 2, 3], [0, 0, 0], [2, 4, 6], [-6, 0, 0]])[:, None, None]
        )
        conv.bias.copy_(torch.tensor([0.0, 1, -1, 4]))
        norm.weight.copy_(torch.tensor([0.0, 1, 2, 1]))
    return nn.Sequential(nn.Conv2d(3, 1, 1), nn.Sequential(conv, norm), nn.ReLU())


def test_a_convolution_worked_out_by_hand(load, module):
    row = next(row for row in rows(WeightStatistics()(load(module))) if row["layer"] == "1.0")

    # 12 weights that add up to 12: 1 2 3, 0 0 0, 2 4 6, -6 0 0
    away = np.array([0, 1, 2, -1, -1, -1, 1, 3, 5, -7, -1, -1], float)
    std = math.sqrt((away**2).mean())
    assert row == {
        "layer": "1.0",
        "kind": "Conv2d",
        "parameter": "weight",
        "shape": "4×1×1×3",
        "count": 12,
        "mean": 1,
        "std": pytest.approx(std),
        "min": -6,
        "max": 6,
        "L1 norm": 24,
        "L2 norm": pytest.approx(math.sqrt(14 + 56 + 36)),
        "kurtosis": pytest.approx((away**4).mean() / std**4 - 3),
        "zeros": pytest.approx(500 / 12),
        "near zero": pytest.approx(500 / 12),
        "NaN or infinite": 0,
        "dead": 1,
        "duplicates": 1,
    }


def test_scales_have_dead_channels_but_no_duplicates(load, module):
    (row,) = rows(WeightStatistics(part="scales")(load(module)))

    assert (row["layer"], row["kind"], row["shape"]) == ("1.1", "BatchNorm2d", "4")
    assert (row["dead"], row["duplicates"], row["mean"]) == (1, None, 1)


def test_biases_have_neither(load, module):
    found = rows(WeightStatistics(part="biases")(load(module)))

    assert [(row["layer"], row["parameter"]) for row in found] == [
        (name, "bias") for name in ("0", "1.0", "1.1")
    ]
    assert (found[1]["mean"], found[1]["dead"], found[1]["duplicates"]) == (1, None, None)


def test_the_parts_are_all_parameters_once(load):
    model = load(Residual())
    names = {
        part: [(row["layer"], row["parameter"]) for row in rows(WeightStatistics(part=part)(model))]
        for part in ("all", "kernels", "scales", "biases")
    }

    every = {f"{layer}.{name}" for found in names.values() for layer, name in found}
    assert every == {name for name, _ in model.module.named_parameters()}
    assert sorted(names["all"]) == sorted(names["kernels"] + names["scales"])
    assert not set(names["all"]) & set(names["biases"])


def test_parameters_of_other_names_are_told_apart(load):
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)
            self.layer_scale = nn.Parameter(torch.ones(3, 1, 1))
            self.in_proj_bias = nn.Parameter(torch.ones(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.conv(x) * self.layer_scale

    model = load(Own())
    found = {row["parameter"]: row for row in rows(WeightStatistics()(model))}

    assert list(found) == ["layer_scale", "weight"]
    assert (found["layer_scale"]["dead"], found["layer_scale"]["layer"]) == (None, "")
    spread = WeightStatistics(show="boxes")(model)
    assert isinstance(spread, Distribution)
    assert spread.layers == ("layer_scale", "conv")
    biases = rows(WeightStatistics(part="biases")(model))
    assert [row["parameter"] for row in biases] == ["in_proj_bias", "bias"]


def test_broken_weights_are_counted(load):
    module = Plain()
    with torch.no_grad():
        module.conv2.weight[0, 0, 0, 0] = math.nan
        module.conv2.weight[1, 0, 0, 0] = math.inf
        module.fc.weight.fill_(math.nan)
    model = load(module)

    found = {row["layer"]: row for row in rows(WeightStatistics()(model))}

    assert found["conv2"]["NaN or infinite"] == 2
    assert math.isfinite(found["conv2"]["mean"])
    assert (found["fc"]["mean"], found["fc"]["zeros"], found["fc"]["dead"]) == (None, None, 0)
    spread = WeightStatistics(show="histograms")(model)
    assert isinstance(spread, Distribution)
    assert spread.broken.tolist() == [0, 2, 18]


@pytest.mark.parametrize("show", ["histograms", "boxes"])
def test_every_weight_is_in_the_distribution(load, show):
    model = load(Plain())

    found = WeightStatistics(part="kernels", show=show)(model)

    assert isinstance(found, Distribution)
    assert (found.show, found.layers, found.of) == (show, ("conv1", "conv2", "fc"), "weights")
    assert (found.counts.sum(axis=1) + found.zeros).tolist() == [108, 216, 18]
    weights = model.module.conv2.weight.double().numpy()
    np.testing.assert_allclose(found.box[1, 3], np.median(weights), rtol=1e-6)
    np.testing.assert_allclose(found.edges[1, [0, -1]], [weights.min(), weights.max()], rtol=1e-6)


def test_a_network_without_such_weights_says_so(load):
    with pytest.raises(LayerError, match="has no scales: choose another part"):
        WeightStatistics(part="scales")(load(Plain()))


def test_the_pruned_real_network(load, real):
    """A third of its weights are non-zero, and a filter is dead."""
    import torchvision

    module = torchvision.models.squeezenet1_0(weights=None)
    module.load_state_dict(torch.load(real / "squeezenet1_0-imagenet.pth", weights_only=True))
    found = {row["layer"]: row for row in rows(WeightStatistics()(load(module, (64, 64))))}

    assert len(found) == 26
    assert sum(row["count"] for row in found.values()) == 1_244_448
    zeros = sum(row["count"] * row["zeros"] / 100 for row in found.values())
    assert zeros / 1_244_448 == pytest.approx(0.66, abs=0.02)
    assert {name for name, row in found.items() if row["dead"]} == {"features.9.expand1x1"}
