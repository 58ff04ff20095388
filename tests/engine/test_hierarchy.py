"""The walk through the stages: which maps it chooses, worked out by hand, and what it ends with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.inspection import inspect
from cnnviz_desktop.engine.techniques import FeatureMaps, Hierarchy


class Scaled(nn.Module):
    """Four channels that are the red one times 1, -4, 3 and 2; then halved by a mean of 2x2."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1, bias=False)
        self.act = nn.ReLU(inplace=True)
        self.down = nn.Conv2d(4, 1, 2, stride=2, bias=False)
        self.head = nn.Linear(16, 3)
        with torch.no_grad():
            self.stem.weight.zero_()
            self.stem.weight[:, 0, 0, 0] = torch.tensor([1.0, -4.0, 3.0, 2.0])
            self.down.weight.zero_()
            self.down.weight[0, 0] = 0.25  # the mean of the first channel

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.down(self.act(self.stem(x))).flatten(1))


class Telling(Scaled):
    """Gives its features too, before its scores."""

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        features = self.down(self.act(self.stem(x))).flatten(1)
        return {"features": features, "logits": self.head(features)}


@pytest.fixture
def ramp() -> ImageInput:
    values = np.arange(64, dtype=np.uint8).reshape(8, 8)
    return ImageInput(np.stack([values, values * 0, values * 0], axis=2))


def test_the_strongest_maps_come_first(load, ramp):
    sheet = Hierarchy(maps=3)(load(Scaled()), ramp)
    first, second = sheet.strips
    assert (first.maps.layer, first.count, first.channels) == ("act", 4, (2, 3, 0))
    red = ramp.pixels[..., 0] / np.float32(255)
    np.testing.assert_allclose(first.maps.values, red * np.array([3, 2, 1])[:, None, None], 1e-6)
    assert (second.maps.layer, second.count, second.channels) == ("down", 1, (0,))
    # The mean of 0, 1, 8 and 9 in 255ths.
    assert second.maps.values[0, 0, 0] == pytest.approx(4.5 / 255)


def test_the_first_maps_come_in_order(load, ramp):
    strip = Hierarchy(maps=2, choice="first")(load(Scaled()), ramp).strips[0]
    assert strip.channels == (0, 1)
    assert strip.maps.values[1].max() == 0  # -4 times red is silent after the ReLU


@pytest.mark.parametrize("network", [Scaled, Telling])
def test_it_ends_with_the_answer_that_the_network_gives(load, ramp, network):
    model = load(network())
    answer = Hierarchy()(model, ramp).prediction
    assert answer is not None
    np.testing.assert_array_equal(answer.logits, inspect(model, ramp).logits)
    assert answer.labels == model.labels


def test_a_network_that_is_no_classifier_has_no_answer(load, ramp):
    chain = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 2, stride=2))
    sheet = Hierarchy()(load(chain), ramp)
    assert sheet.prediction is None
    assert len(sheet.strips) == 2


def test_its_maps_are_those_of_the_layers(load, ramp):
    model = load(Scaled())
    for strip in Hierarchy(maps=64, choice="first")(model, ramp).strips:
        maps = FeatureMaps(layer=strip.maps.layer)(model, ramp)
        np.testing.assert_array_equal(strip.maps.values, maps.values)
        assert strip.maps.region == maps.region
