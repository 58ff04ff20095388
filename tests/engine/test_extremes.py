"""The least and greatest value of every layer, from one pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from networks import Plain, Residual
from torch import nn

from cnnviz_desktop.engine.extremes import Extremes, extremes
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import FeatureMaps
from cnnviz_desktop.errors import Cancelled


@pytest.mark.parametrize("network", [Plain, Residual])
def test_they_are_those_of_the_maps_themselves(load, noise, network) -> None:
    model = load(network())
    found = extremes(model, noise())
    layers = [node for node in model.layers.walk() if node.has_maps and node.name]
    assert [node.name for node in layers] and {node.name for node in layers} <= set(found.layers)
    for node in layers:
        maps = [
            FeatureMaps(layer=node.name, call=call)(model, noise()) for call in range(node.calls)
        ]
        low = min(float(one.values.min()) for one in maps)
        high = max(float(one.values.max()) for one in maps)
        assert found.layers[node.name] == pytest.approx((low, high))


def test_the_widest_layer() -> None:
    found = Extremes({"first": (-9.0, 2.0), "second": (0.0, 5.0)})
    assert found.widest(signed=False) == ("second", 5.0)
    assert found.widest(signed=True) == ("first", 9.0)
    assert Extremes({"only": (-2.0, -1.0)}).widest(signed=False) == ("only", 0.0)
    assert Extremes({}).widest(signed=True) == ("", 0.0)


def test_infinite_values_set_no_limit(load, noise) -> None:
    class Breaks(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x.clone()
            x[0, 0, 0, 0], x[0, 0, 0, 1] = torch.inf, torch.nan
            return x

    network = nn.Sequential(nn.Conv2d(3, 4, 1), Breaks(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = load(network, labels=("a", "b", "c", "d"))
    low, high = extremes(model, noise()).layers["1"]
    assert np.isfinite([low, high]).all() and low < high


def test_a_cancelled_run_stops(load, noise) -> None:
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        extremes(load(Plain()), noise(), run)
