"""The card of one channel: its numbers worked by hand, and what is said where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cnnviz_desktop.data import Box, ImageInput
from cnnviz_desktop.engine.techniques import FeatureMaps, UnitCard
from cnnviz_desktop.errors import LayerError, ParameterError


class Picked(nn.Module):
    """Red, green and blue as three channels, times 1, 2 and 3; class k reads channel k's sum."""

    def __init__(self, inplace: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.act = nn.ReLU(inplace=inplace)
        self.head = nn.Linear(3, 3, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(torch.diag(torch.tensor([1.0, 2.0, 3.0]))[:, :, None, None])
            self.conv.bias.copy_(torch.tensor([0.0, 0.0, -1.2]))
            self.head.weight.copy_(torch.tensor([[1.0, 0, 0], [0, -1, 0], [0, 0.25, 0]]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.act(self.conv(x)).sum((2, 3)))


@pytest.fixture
def spot() -> ImageInput:
    """A black picture with one pixel, (2, 5), of red 0.2, green 0.4, blue 0.6."""
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[2, 5] = (51, 102, 153)
    return ImageInput(pixels)


def facts(card) -> dict[str, float]:
    return dict(card.facts.rows)


def test_a_card_by_hand(load, spot):
    card = UnitCard(layer="act", channel=1)(load(Picked()), spot)
    assert (card.kind, card.channel, card.count) == ("ReLU", 1, 3)
    assert card.rank == 1  # 2 * 0.4 against 0.2 and 3 * 0.6 - 1.2
    assert (card.reading.row, card.reading.column) == (2, 5)
    assert card.reading.value == pytest.approx(0.8)
    assert card.reading.field == Box(2, 5, 3, 6)
    parts = card.reading.arithmetic
    assert parts is not None  # of the convolution behind the ReLU
    assert parts.inputs[0] == 1
    assert parts.contributions[0] == pytest.approx(0.8)
    known = facts(card)
    assert known["silent"] == pytest.approx(63 / 64)
    assert known["mean"] == pytest.approx(0.8 / 64)
    assert known["maximum"] == pytest.approx(0.8)
    assert known["kernel norm"] == pytest.approx(2.0)
    assert known["norm rank"] == 2
    assert known["its cosine"] == 0


def test_what_silence_costs_by_hand(load, spot):
    model = load(Picked())
    card = UnitCard(layer="act", channel=1)(model, spot)
    # Without its 0.8 class "owl" loses 0.25 * 0.8, "dog" gains 0.8, "cat" does not care.
    assert card.classes == ("owl", "cat", "dog")
    np.testing.assert_allclose(card.losses, [0.2, 0, -0.8], atol=1e-6)
    in_front = UnitCard(layer="conv", channel=1)(model, spot)
    np.testing.assert_allclose(in_front.losses, card.losses, atol=1e-6)


def test_by_default_it_is_the_strongest_channel_at_its_strongest_place(load, noise):
    model, image = load(Picked()), noise()
    card = UnitCard(layer="conv")(model, image)
    maps = FeatureMaps(layer="conv")(model, image).values
    channel, row, column = np.unravel_index(maps.argmax(), maps.shape)
    assert (card.channel, card.rank) == (channel, 1)
    assert (card.reading.row, card.reading.column) == (row, column)
    assert card.reading.value == pytest.approx(maps.max())


def test_a_place_can_be_asked_for(load, noise):
    model, image = load(Picked()), noise()
    maps = FeatureMaps(layer="conv")(model, image).values
    card = UnitCard(layer="conv", channel=2, row=3, column=1)(model, image)
    assert card.reading.value == pytest.approx(maps[2, 3, 1], abs=1e-6)
    in_row = UnitCard(layer="conv", channel=2, row=3)(model, image)
    assert in_row.reading.column == maps[2, 3].argmax()


def test_what_is_not_there_is_refused_with_a_sentence(load, noise):
    model, image = load(Picked()), noise()
    with pytest.raises(ParameterError, match="conv has 3 channels"):
        UnitCard(layer="conv", channel=3)(model, image)
    with pytest.raises(ParameterError, match="have 8 columns"):
        UnitCard(layer="conv", column=8)(model, image)
    with pytest.raises(LayerError, match="no units to show"):
        UnitCard(layer="head")(model, image)


def test_a_network_that_is_no_classifier_moves_no_class(load, noise):
    card = UnitCard(layer="0")(load(nn.Sequential(nn.Conv2d(3, 4, 3))), noise())
    assert card.classes == ()
    assert card.losses.shape == (0,)


def test_a_preview_comes_before_the_probes(load, noise):
    from cnnviz_desktop.engine.run import Run

    seen = []
    whole = UnitCard(layer="conv", detects=True)(
        load(Picked()), noise(), Run(on_preview=seen.append)
    )
    assert [card.channel for card in seen] == [whole.channel]
    assert seen[0].tuning is None
