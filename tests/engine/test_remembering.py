"""Inversion, DeepDream and the gallery: what they make, how it is judged, what is kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from networks import Plain
from torch import nn

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine import caches
from cnnviz_desktop.engine.dreaming import octave_sizes
from cnnviz_desktop.engine.gallery_folder import GalleryFolder, newest
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import DeepDream, Gallery, Inversion, UnitCard
from cnnviz_desktop.engine.techniques.gallery import gallery_settings
from cnnviz_desktop.engine.techniques.inversion import nearness
from cnnviz_desktop.errors import Cancelled, ParameterError


class Eyes(nn.Module):
    """A layer that keeps the picture, one that keeps its mean colour, and one that keeps none."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = nn.Conv2d(3, 3, 1, bias=False)
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.nothing = nn.Conv2d(3, 3, 1)
        self.flat = nn.Flatten()
        self.head = nn.Linear(3, 3)
        with torch.no_grad():
            self.whole.weight.copy_(torch.eye(3).reshape(3, 3, 1, 1))
            self.nothing.weight.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.flat(self.nothing(self.mean(self.whole(x)))))


@pytest.fixture
def stripes() -> ImageInput:
    pixels = np.full((16, 16, 3), 60, np.uint8)
    pixels[::4] = 200
    pixels[1::4] = 200
    return ImageInput(pixels)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(caches.FOLDER_VARIABLE, str(tmp_path))


# ----------------------------------------------------------------------------------- inversion


def test_nearness_by_hand():
    original = np.array([[[0.0], [1.0]]], np.float32)  # mean 0.5, spread 0.25
    made = np.array([[[0.5], [1.0]]], np.float32)  # error (0.25 + 0) / 2
    assert nearness(made, original) == pytest.approx((0.125, 1 - 0.125 / 0.25))
    assert nearness(original, original) == (0, 1)


def test_a_layer_that_keeps_the_picture_gives_it_back(load, stripes):
    model = load(Eyes(), size=(16, 16))
    made = Inversion(layer="whole", steps=200, rate=0.3, tv=0.0)(model, stripes)
    assert made.r2 > 0.95
    assert made.mse == pytest.approx(np.square(made.picture - made.original).mean(), rel=1e-4)
    assert made.match > 0.95
    assert np.allclose(made.original, stripes.pixels / 255, atol=1e-3)
    assert made.layers == ("whole",)


def test_the_curve_falls_where_layers_forget(load, stripes):
    model = load(Eyes(), size=(16, 16))
    made = Inversion(layer="whole", steps=120, rate=0.3, tv=0.0, layers=3)(model, stripes)
    assert made.layers == ("whole", "mean", "nothing")
    assert made.scores[0] > 0.9
    assert made.scores[1] < 0.2
    assert made.scores[2] < 0.2
    assert made.errors.shape == made.matches.shape == (3,)
    assert made.r2 == pytest.approx(made.scores[0])


def test_a_caricature_makes_more_of_what_is_there(load, stripes):
    model = load(Eyes(), size=(16, 16))
    made = Inversion(layer="whole", style="caricature", steps=100, rate=0.3)(model, stripes)
    assert made.caricature
    assert made.objectives[-1] > made.objectives[0]
    bright = made.original[..., 0] > 0.5
    assert made.picture[bright].mean() > made.picture[~bright].mean() + 0.1


def test_inversion_is_reproducible(load, stripes):
    model = load(Eyes(), size=(16, 16))
    one, again = (Inversion(layer="whole", steps=5)(model, stripes) for _ in range(2))
    assert np.array_equal(one.picture, again.picture)


# ------------------------------------------------------------------------------------ DeepDream


def test_octaves_grow_by_their_scale_up_to_the_picture():
    sizes = octave_sizes(140, 280, 3, 1.4, 32)
    assert sizes[-1] == (140, 280)
    assert sizes[-2] == (100, 200)
    assert [size[0] for size in sizes] == sorted(size[0] for size in sizes)
    assert min(octave_sizes(100, 100, 12, 2.0, 32))[0] >= 32


def test_a_dream_raises_what_the_layer_gives(load, stripes):
    model = load(Plain(), size=(16, 16))
    dream = DeepDream(layer="conv1", steps=6, octaves=2, jitter=4)(model, stripes)
    assert dream.pictures.shape == (1, 16, 16, 3)
    assert dream.wanted == ("the whole layer",)
    assert dream.objectives[0, -1] > dream.objectives[0, 0]
    original = stripes.pixels / 255
    assert 0.005 < np.abs(dream.pictures[0] - original).mean() < 0.5
    again = DeepDream(layer="conv1", steps=6, octaves=2, jitter=4)(model, stripes)
    assert np.array_equal(dream.pictures, again.pictures)


def test_a_dream_of_a_channel_that_is_not_there_is_refused(load, stripes):
    with pytest.raises(ParameterError, match="4 channels: channel must be 0 to 3"):
        DeepDream(layer="conv1", channel=4)(load(Plain(), size=(16, 16)), stripes)


# -------------------------------------------------------------------------------------- gallery

SMALL = Gallery(layer="conv1", steps=3, side=16)


class Counting(Run):
    """Counts the steps of the work, and does something at one of them."""

    def __init__(self, at: int = -1, deed=None) -> None:
        super().__init__()
        self.steps, self.at, self.deed = 0, at, deed

    def pause(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            self.deed(self)
        super().pause()


def test_a_gallery_is_made_once(load):
    model = load(Plain(), size=(16, 16))
    first, second = Counting(), Counting()
    made, read = SMALL(model, None, first), SMALL(model, None, second)
    assert made.wanted == tuple(f"channel {channel}" for channel in range(4))
    assert np.array_equal(made.pictures, read.pictures)
    assert np.array_equal(made.responses, read.responses)
    assert second.steps < first.steps


def test_a_gallery_that_was_stopped_goes_on_where_it_was(load):
    model = load(Plain(), size=(16, 16))
    half = Gallery(layer="conv1", steps=3, side=16, count=2)
    kept = half(model)
    with pytest.raises(Cancelled):
        SMALL(model, None, Counting(7, Run.cancel))
    whole = SMALL(model)
    assert len(whole.pictures) == 4
    assert np.array_equal(whole.pictures[:2], kept.pictures)


def test_other_settings_layers_and_weights_have_galleries_of_their_own(load):
    model = load(Plain(), size=(16, 16))
    other = load(Plain(), size=(16, 16))
    with torch.no_grad():
        other.module.conv1.weight.mul_(2)
    settings = gallery_settings(SMALL.maker("conv1", 0, 1))
    places = {
        GalleryFolder.of(model, "conv1", settings).path,
        GalleryFolder.of(model, "conv2", settings).path,
        GalleryFolder.of(model, "conv1", settings | {"seed": 1}).path,
    }
    assert len(places) == 3
    assert gallery_settings(SMALL.maker("conv1", 3, 7)) == settings


@pytest.mark.parametrize("damage", [b"", b"no picture", None])
def test_a_broken_file_is_made_again(load, damage):
    model = load(Plain(), size=(16, 16))
    made = SMALL(model)
    folder = GalleryFolder.of(model, "conv1", gallery_settings(SMALL.maker("conv1", 0, 1)))
    path = folder.path / "channel-00002.png"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert folder.read(2) is None
    again = SMALL(model)
    assert np.allclose(again.pictures, made.pictures, atol=2 / 255)  # alone, not among four
    assert folder.read(2) is not None


def test_the_unit_card_shows_what_the_gallery_has(load, stripes):
    model = load(Plain(), size=(16, 16))
    assert newest(model, "conv1", 1) is None
    SMALL(model)
    kept = newest(model, "conv1", 1)
    assert kept is not None
    card = UnitCard(layer="conv1", channel=1)(model, stripes)
    assert card.maximised is not None
    assert np.allclose(card.maximised.pictures[0], kept.picture, atol=1 / 255)
