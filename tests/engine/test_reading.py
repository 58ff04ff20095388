"""One value of a map: its arithmetic worked by hand, its fields, and where it cannot be read."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz_desktop.data import Box, ImageInput
from cnnviz_desktop.engine.reading import read
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import FeatureMaps
from cnnviz_desktop.errors import Cancelled, LayerError, ParameterError


class Two(nn.Module):
    """A 3x3 mean of red times two plus one; then an in-place ReLU and a 1x1 of it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.mix = nn.Conv2d(2, 1, 1, bias=False)
        self.head = nn.Linear(64, 3)
        with torch.no_grad():
            self.conv.weight.zero_()
            self.conv.weight[0, 0] = 2 / 9
            self.conv.bias.copy_(torch.tensor([1.0, -5.0]))
            self.mix.weight.copy_(torch.tensor([3.0, 7.0]).reshape(1, 2, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.mix(self.act(self.conv(x))).flatten(1))


def red(value: int = 255) -> ImageInput:
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[..., 0] = value
    return ImageInput(pixels)


def total(reading) -> float:
    """Add up what the arithmetic says."""
    return reading.arithmetic.value


def test_the_arithmetic_of_a_mean_by_hand(load):
    model = load(Two())
    inside = read(model, red(), "conv", 0, 3, 4)
    assert inside.value == pytest.approx(3.0)  # 2 * 9/9 + 1, before the ReLU
    assert inside.arithmetic.inputs[0] == 0
    assert inside.arithmetic.contributions[0] == pytest.approx(2.0)
    np.testing.assert_allclose(inside.arithmetic.patches[0], np.ones((3, 3)))
    np.testing.assert_allclose(inside.arithmetic.kernels[0], np.full((3, 3), 2 / 9))
    assert inside.arithmetic.bias == 1
    corner = read(model, red(), "conv", 0, 0, 0)
    assert corner.value == pytest.approx(1 + 2 * 4 / 9)  # five of nine lie in the padding
    np.testing.assert_array_equal(corner.arithmetic.patches[0], [[0, 0, 0], [0, 1, 1], [0, 1, 1]])


def test_fields_by_hand(load):
    reading = read(load(Two()), red(), "conv", 0, 3, 4)
    assert reading.field == Box(2, 3, 5, 6)
    assert reading.sees == (3, 3)
    corner = read(load(Two()), red(), "conv", 0, 0, 0)
    assert (corner.field, corner.sees) == (Box(0, 0, 2, 2), (3, 3))
    wanted = np.zeros((8, 8))
    wanted[2:5, 3:6] = 2 / 9
    np.testing.assert_allclose(reading.effective, wanted, atol=1e-7)


def test_what_a_relu_stops_reaches_nothing(load):
    model = load(Two())
    assert read(model, red(), "act", 1, 3, 3).effective.max() == 0  # -5 is cut off
    mixed = read(model, red(), "mix", 0, 3, 3)
    assert mixed.value == pytest.approx(9.0)
    assert mixed.arithmetic.inputs == (0, 1)
    np.testing.assert_allclose(mixed.arithmetic.contributions, [9, 0])


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(3, 6, 3, stride=2, padding=2, dilation=2),
        nn.Conv2d(3, 6, (1, 3), padding="same", padding_mode="reflect"),
        nn.Conv2d(3, 9, 3, groups=3, bias=False),
        nn.Conv2d(3, 3, 3, groups=3, padding=1),
        nn.Conv2d(3, 4, (3, 2), stride=(1, 2), padding=(1, 0), padding_mode="circular"),
    ],
    ids=["dilated", "same", "grouped", "depthwise", "circular"],
)
def test_the_arithmetic_adds_up_to_the_value(load, noise, conv):
    model = load(nn.Sequential(conv, nn.ReLU(inplace=True)))
    image = noise()
    maps = FeatureMaps(layer="0")(model, image).values
    for channel, row, column in ((0, 0, 0), (len(maps) - 1, maps.shape[1] - 1, maps.shape[2] - 1)):
        reading = read(model, image, "0", channel, row, column)
        assert reading.value == pytest.approx(maps[channel, row, column], abs=1e-6)
        assert total(reading) == pytest.approx(reading.value, abs=1e-6)
        count = 3 // conv.groups
        assert (len(reading.arithmetic.inputs), reading.arithmetic.count) == (count, count)
        group = channel // (conv.out_channels // conv.groups)
        assert min(reading.arithmetic.inputs) == group * count


def test_many_inputs_leave_a_rest(load, noise):
    wide = nn.Sequential(nn.Conv2d(3, 16, 1), nn.Conv2d(16, 2, 3))
    reading = read(load(wide), noise(), "1", 1, 2, 2)
    assert len(reading.arithmetic.inputs) == 5
    assert reading.arithmetic.rest != 0
    assert total(reading) == pytest.approx(reading.value, abs=1e-6)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_callers_gradient_mode_changes_nothing(load, noise, mode):
    model, image = load(Two()), noise()
    wanted = read(model, image, "mix", 0, 1, 2)
    with mode():
        found = read(model, image, "mix", 0, 1, 2)
    assert found.effective.any()
    np.testing.assert_array_equal(found.effective, wanted.effective)
    assert (found.value, found.arithmetic.value) == (wanted.value, wanted.arithmetic.value)


def test_places_outside_are_refused_with_a_sentence(load):
    model = load(Two())
    for place, said in (
        ((2, 0, 0), "no channel 2"),
        ((0, 8, 0), "no row 8"),
        ((0, 0, -1), "column"),
    ):
        with pytest.raises(ParameterError, match=said):
            read(model, red(), "conv", *place)
    with pytest.raises(LayerError, match="gives no maps"):
        read(load(nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(2))), red(), "1", 0, 0, 0)


def test_a_linear_layers_value_is_a_sum_over_its_inputs(load):
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    with torch.no_grad():
        module[2].weight.copy_(torch.tensor([[2.0, 5, 5], [-3, 0, 0]]))
        module[2].bias.copy_(torch.tensor([0.5, 0.25]))
    reading = read(load(module), red(), "2", 1, 0, 0)
    assert reading.value == pytest.approx(-2.75)
    parts = reading.arithmetic
    assert (parts.layer, parts.channel, parts.inputs[0], parts.count) == ("2", 1, 0, 3)
    assert parts.contributions[0] == pytest.approx(-3)
    assert parts.patches.shape == parts.kernels.shape == (3, 1, 1)
    assert parts.value == pytest.approx(reading.value)
    np.testing.assert_allclose(reading.effective, np.full((8, 8), 3 / 64), rtol=1e-5)


class Fire(nn.Module):
    """Two branches side by side, each cut off by a ReLU: what SqueezeNet is built of."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Conv2d(3, 2, 1)
        self.second = nn.Conv2d(3, 4, 3, padding=1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.act(self.first(x)), self.act(self.second(x))], 1)


@pytest.mark.parametrize("channel", range(6))
def test_behind_a_block_stands_the_convolution_that_made_the_value(load, noise, channel):
    model, image = load(nn.Sequential(Fire(), nn.MaxPool2d(2))), noise()
    maps = FeatureMaps(layer="0")(model, image).values
    layer, own = ("0.first", channel) if channel < 2 else ("0.second", channel - 2)
    raw = FeatureMaps(layer=layer)(model, image).values[own]
    places = [np.unravel_index(pick(raw), raw.shape) for pick in (np.argmax, np.argmin)]
    for row, column in places:  # the strongest, and one that the ReLU cuts off where there is one
        reading = read(model, image, "0", channel, int(row), int(column))
        assert reading.value == maps[channel, row, column]
        if maps[channel].any():
            assert (reading.arithmetic.layer, reading.arithmetic.channel) == (layer, own)
            assert reading.arithmetic.value == pytest.approx(raw[row, column], abs=1e-5)
        else:
            assert reading.arithmetic is None


def test_what_adds_nothing_up_has_no_arithmetic(load, noise):
    model, image = load(nn.Sequential(Fire(), nn.MaxPool2d(2), nn.AvgPool2d(3, 1, 1))), noise()
    assert read(model, image, "1", 3, 1, 1).arithmetic is None
    mean = read(model, image, "2", 3, 1, 1)
    assert mean.arithmetic is None
    assert mean.effective.any()


def test_in_front_of_a_batch_norm_stands_its_convolution(load, noise):
    norm = nn.BatchNorm2d(4)
    norm.running_mean.fill_(0.5)
    model = load(nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), norm, nn.ReLU())).module
    model, image = load(model), noise()
    raw = FeatureMaps(layer="0")(model, image).values
    reading = read(model, image, "1", 2, 1, 3)
    assert reading.arithmetic.layer == "0"
    assert reading.arithmetic.value == pytest.approx(raw[2, 1, 3], abs=1e-6)
    assert reading.value == pytest.approx((raw[2, 1, 3] - 0.5) / (1 + 1e-5) ** 0.5, abs=1e-6)


def test_in_place_layers_change_no_arithmetic(load, noise):
    image, found = noise(), []
    for inplace in (False, True):
        torch.manual_seed(5)
        module = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.ReLU(inplace), nn.Conv2d(4, 2, 3), nn.ReLU(inplace)
        )
        found.append(read(load(module), image, "3", 1, 0, 0))
    one, two = found
    assert one.value == two.value
    np.testing.assert_array_equal(one.effective, two.effective)
    np.testing.assert_array_equal(one.arithmetic.patches, two.arithmetic.patches)


def test_nothing_is_left_behind_and_a_backward_can_be_stopped(load, noise):
    model, image = load(Two()), noise()
    run = Run()
    checks = []

    class Counted(Run):
        def check(self) -> None:
            checks.append(1)
            super().check()

    read(model, image, "mix", 0, 3, 3, Counted())
    forward = 2  # layers before "mix" and itself are checked on the way there: conv, act, mix
    assert len(checks) > forward + 1
    run.cancel()
    with pytest.raises(Cancelled):
        read(model, image, "mix", 0, 3, 3, run)
    for module in model.module.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert all(not parameter.requires_grad for parameter in model.module.parameters())
