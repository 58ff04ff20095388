"""Inversion and DeepDream: what a layer remembers, and what it sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from networks import Plain
from torch import nn

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.dreaming import octave_sizes
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import DeepDream, Inversion
from cnnviz_desktop.engine.techniques.inversion import nearness
from cnnviz_desktop.errors import LayerError, ParameterError


class Severed(Plain):
    """A network whose author let it compute no gradients."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return super().forward(x)


class Forgetful(nn.Sequential):
    """A first layer that keeps all, and one that keeps nothing but the colour of each quarter."""

    def __init__(self) -> None:
        super().__init__()
        self.all = nn.Conv2d(3, 3, 1)
        self.mean = nn.AvgPool2d(8)
        self.last = nn.Conv2d(3, 3, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flat = nn.Flatten()
        with torch.no_grad():
            for layer in (self.all, self.last):
                layer.weight.copy_(torch.eye(3).view(3, 3, 1, 1))
                layer.bias.zero_()


class Eyes(nn.Sequential):
    """A layer that keeps the picture, one that keeps its mean colour, and one that keeps none."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = nn.Conv2d(3, 3, 1, bias=False)
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.nothing = nn.Conv2d(3, 3, 1)
        self.flat = nn.Flatten()
        self.head = nn.Linear(3, 3)
        with torch.no_grad():
            self.whole.weight.copy_(torch.eye(3).view(3, 3, 1, 1))
            self.nothing.weight.zero_()


@pytest.fixture
def chequered() -> ImageInput:
    rows, columns = np.mgrid[:16, :16]
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[..., 0] = 60 + 140 * ((rows // 4 + columns // 4) % 2)
    pixels[..., 1] = 8 * rows
    return ImageInput(pixels)


def test_mse_and_r2_by_hand():
    original = np.array([[[0.0, 1.0]]], np.float32)  # its variance is 1/4
    made = np.array([[[0.5, 1.0]]], np.float32)

    assert nearness(made, original) == pytest.approx((0.125, 0.5))
    assert nearness(original, original) == pytest.approx((0, 1))
    assert nearness(np.full_like(original, 0.5), original) == pytest.approx((0.25, 0))


def test_what_keeps_all_gives_the_picture_back_and_what_does_not_cannot(load, chequered):
    model = load(Forgetful(), size=(16, 16))
    make = Inversion(layer="all", steps=200, tv=0.0, rate=0.2, layers=2)

    found = make(model, chequered)

    assert found.layers == ("all", "last")
    assert found.r2 > 0.95
    assert found.match > 0.95
    assert found.scores[0] == pytest.approx(found.r2)
    assert found.scores[1] < 0.6  # the chequers are gone
    assert found.matches[1] > 0.9  # and yet the layer gives the same
    assert found.mse == pytest.approx(np.square(found.picture - found.original).mean(), rel=1e-4)
    np.testing.assert_allclose(found.original * 255, chequered.pixels, atol=1e-3)
    assert found.objectives[-1] > found.objectives[0]


def test_the_curve_falls_where_layers_forget(load, chequered):
    model = load(Eyes(), size=(16, 16))

    found = Inversion(layer="whole", steps=120, rate=0.3, tv=0.0, layers=3)(model, chequered)

    assert found.layers == ("whole", "mean", "nothing")
    assert found.scores[0] > 0.9
    assert max(found.scores[1:]) < 0.2
    assert found.errors.shape == found.matches.shape == (3,)


def test_the_curve_has_a_block_after_its_parts(load, chequered):
    model = load(nn.Sequential(Forgetful()), size=(16, 16))

    found = Inversion(layer="0.all", steps=1, layers=2)(model, chequered)
    assert found.layers == ("0.all", "0.last")
    block = nn.Sequential(nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU()), nn.Conv2d(2, 3, 1))
    found = Inversion(layer="0", steps=1, layers=2)(load(block, size=(16, 16)), chequered)
    assert found.layers == ("0.0", "0", "1")


def test_a_caricature_goes_along_what_the_layer_gives(load, chequered):
    model = load(Plain(), size=(16, 16))

    found = Inversion(layer="conv2", style="caricature", steps=60)(model, chequered)

    assert found.caricature
    assert found.objectives[-1] > found.objectives[0] + 0.2


def test_a_caricature_makes_more_of_what_is_there(load, chequered):
    model = load(Forgetful(), size=(16, 16))

    found = Inversion(layer="all", style="caricature", steps=100, rate=0.3)(model, chequered)

    red = found.original[..., 0] > 0.5
    assert found.picture[red, 0].mean() > found.picture[~red, 0].mean() + 0.1


def test_an_inversion_is_the_same_every_time(load, chequered):
    model = load(Forgetful(), size=(16, 16))
    make = Inversion(layer="all", steps=5, jitter=4)

    np.testing.assert_array_equal(make(model, chequered).picture, make(model, chequered).picture)


def test_inversion_finishes_early_with_what_there_is(load, chequered):
    model = load(Forgetful(), size=(16, 16))
    run = Run(on_progress=lambda found: run.finish() if found.done == 5 else None)

    found = Inversion(layer="all", steps=200, layers=2)(model, chequered, run)

    assert len(found.objectives) in (5, 6)
    assert found.layers == ("all",)


def test_octaves_go_from_small_to_large_and_leave_out_what_is_too_small():
    assert octave_sizes(100, 200, 3, 2.0, 20) == [(25, 50), (50, 100), (100, 200)]
    assert octave_sizes(100, 200, 3, 2.0, 40) == [(50, 100), (100, 200)]
    assert octave_sizes(10, 20, 3, 2.0, 40) == [(10, 20)]
    assert octave_sizes(140, 280, 2, 1.4, 32) == [(100, 200), (140, 280)]


def test_a_dream_answers_more_and_keeps_the_picture(load, chequered):
    model = load(Plain(), size=(16, 16))
    make = DeepDream(layer="conv2", steps=8, octaves=1, jitter=0, rate=0.02)

    found, again = make(model, chequered), make(model, chequered)

    assert found.pictures.shape == (1, 16, 16, 3)
    assert found.objectives.shape == (1, 8)
    assert found.wanted == ("the whole layer",)
    before = chequered.pixels / 255
    assert 0.01 < np.abs(found.pictures[0] - before).mean() < 0.35
    np.testing.assert_allclose(found.growth[0, 0], before, atol=1e-6)
    assert found.objectives[0, -1] > found.objectives[0, 0]
    np.testing.assert_array_equal(found.pictures, again.pictures)
    one = DeepDream(layer="conv2", channel=1, steps=2, octaves=1)(model, chequered)
    assert one.wanted == ("channel 1",)


def test_a_dream_at_several_sizes_is_the_same_every_time(load, chequered):
    model = load(Plain(), size=(16, 16))
    make = DeepDream(layer="conv1", steps=6, octaves=2, jitter=4)

    found, again = make(model, chequered), make(model, chequered)

    assert found.objectives[0, -1] > found.objectives[0, 0]
    np.testing.assert_array_equal(found.pictures, again.pictures)


def test_a_dream_of_a_channel_that_is_not_there_is_refused(load, chequered):
    with pytest.raises(ParameterError, match="4 channels: channel must be 0 to 3"):
        DeepDream(layer="conv1", channel=4)(load(Plain(), size=(16, 16)), chequered)
    with pytest.raises(LayerError, match="no gradient through from conv1 to the picture"):
        DeepDream(layer="conv1")(load(Severed(), size=(16, 16)), chequered)


def test_a_dream_has_the_size_that_is_asked_for(load):
    wide = ImageInput(np.full((20, 40, 3), 99, np.uint8))

    found = DeepDream(layer="conv1", steps=1, octaves=1, side=60)(load(Plain()), wide)

    assert found.pictures.shape == (1, 30, 60, 3)
