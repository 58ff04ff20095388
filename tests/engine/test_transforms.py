"""Transforms, by pictures worked out by hand: what lies beyond the rim is grey, never black."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from cnnviz_desktop.engine.transforms import NONE, Draw, Transforms

NINE = torch.arange(1, 10, dtype=torch.float32).view(1, 1, 3, 3) / 10


def show(transforms: Transforms, draw: Draw, size: tuple[int, int] | None = None) -> torch.Tensor:
    return transforms(NINE, draw, size)[0, 0]


def test_without_transforms_the_picture_is_handed_on():
    assert NONE(NINE, Draw()) is NINE


def test_padding_is_grey():
    found = show(Transforms(1, 0, 0, 0, 0), Draw())

    assert found.shape == (5, 5)
    torch.testing.assert_close(found[1:4, 1:4], NINE[0, 0])
    assert torch.equal(found[0], torch.full((5,), 0.5))
    assert torch.equal(found[:, -1], torch.full((5,), 0.5))


def test_the_rim_is_the_grey_of_the_pictures_own_units():
    pictures = torch.zeros(1, 2, 1, 1)
    grey = torch.tensor([2.0, -3.0]).view(1, 2, 1, 1)

    found = Transforms(1, 0, 0, 0, 0)(pictures, Draw(), grey=grey)

    ring = torch.tensor([[1.0, 1, 1], [1, 0, 1], [1, 1, 1]])
    torch.testing.assert_close(found[0, 0], 2 * ring, atol=1e-6, rtol=0)
    torch.testing.assert_close(found[0, 1], -3 * ring, atol=1e-6, rtol=0)


@pytest.mark.parametrize("after", [False, True])
def test_jitter_shifts_by_whole_pixels_and_shows_grey_beyond_the_rim(after):
    transforms = Transforms(1, 0, 0, 0, 2) if after else Transforms(1, 2, 0, 0, 0)

    def shifted(*place: int) -> torch.Tensor:
        return show(transforms, Draw(after=place) if after else Draw(before=place))

    torch.testing.assert_close(shifted(1, 1), NINE[0, 0])
    wanted = torch.tensor([[0.5, 0.5, 0.5], [0.5, 0.1, 0.2], [0.5, 0.4, 0.5]])
    torch.testing.assert_close(shifted(0, 0), wanted)
    wanted = torch.tensor([[0.4, 0.5, 0.6], [0.7, 0.8, 0.9], [0.5, 0.5, 0.5]])
    torch.testing.assert_close(shifted(2, 1), wanted)


def test_odd_jitter_does_not_blur():
    found = show(Transforms(1, 1, 0, 0, 0), Draw(before=(1, 0)))

    wanted = torch.tensor(
        [[0.5, 0.1, 0.2, 0.3], [0.5, 0.4, 0.5, 0.6], [0.5, 0.7, 0.8, 0.9], [0.5] * 4]
    )
    torch.testing.assert_close(found, wanted)


def test_a_quarter_turn():
    found = show(Transforms(0, 0, 0, 90, 0), Draw(degrees=90))

    torch.testing.assert_close(found, NINE[0, 0].rot90(1), atol=1e-6, rtol=0)


def test_the_turn_comes_after_the_first_jitter_and_before_the_second():
    both = Transforms(1, 2, 0, 90, 0)
    first = show(both, Draw(before=(0, 1), degrees=90))
    shifted = torch.cat([torch.full((1, 3), 0.5), NINE[0, 0, :2]])
    torch.testing.assert_close(first, shifted.rot90(1), atol=1e-6, rtol=0)

    second = show(Transforms(1, 0, 0, 90, 2), Draw(degrees=90, after=(0, 1)))
    turned = NINE[0, 0].rot90(1)
    wanted = torch.cat([torch.full((1, 3), 0.5), turned[:2]])
    torch.testing.assert_close(second, wanted, atol=1e-6, rtol=0)


def test_scaling_enlarges_around_the_middle():
    found = show(Transforms(0, 0, 0.5, 0, 0), Draw(scale=1.5))
    # 1 / 1.5 pixels from the middle: a third of the middle's value and two thirds of the other's
    assert float(found[1, 1]) == pytest.approx(0.5)
    assert float(found[1, 0]) == pytest.approx(0.5 / 3 + 0.4 * 2 / 3)

    smaller = show(Transforms(0, 0, 0.5, 0, 0), Draw(scale=0.5))
    assert float(smaller[1, 0]) == pytest.approx(0.5)  # two pixels off: beyond the rim


def test_scaling_to_the_networks_input_in_the_same_sampling():
    picture = torch.rand(2, 3, 4, 4)

    found = NONE(picture, Draw(), (2, 2))

    torch.testing.assert_close(found, functional.avg_pool2d(picture, 2))
    assert Transforms()(torch.rand(1, 3, 20, 30), Draw(), (7, 9)).shape == (1, 3, 7, 9)


def test_the_usual_view_is_as_large_as_the_picture_and_lucids_a_dozen_pixels_larger():
    assert Transforms().view(128, 96) == (128, 96)
    assert Transforms(pad=12).view(128, 128) == (140, 140)


def test_no_transform_ever_shows_black():
    generator = torch.Generator().manual_seed(0)
    white = torch.ones(1, 1, 16, 16)
    transforms = Transforms(4, 8, 0.3, 45, 4)

    for _ in range(200):
        seen = transforms(white, transforms.draw(generator))
        assert float(seen.min()) >= 0.5 - 1e-6 and float(seen.max()) <= 1 + 1e-6


def test_draws_are_reproducible_and_reach_their_bounds():
    transforms = Transforms()

    def drawn(transforms: Transforms) -> list[Draw]:
        generator = torch.Generator().manual_seed(3)
        return [transforms.draw(generator) for _ in range(500)]

    found = drawn(transforms)
    assert found == drawn(transforms)
    assert {draw.before[0] for draw in found} == set(range(9))
    assert {draw.after[1] for draw in found} == set(range(5))
    assert len({round(draw.scale, 4) for draw in found}) == 11
    assert min(draw.scale for draw in found) == pytest.approx(0.9)
    assert max(draw.scale for draw in found) == pytest.approx(1.1)
    assert {draw.degrees for draw in found} == set(range(-10, 11))
    still = sum(draw.degrees == 0 for draw in found)
    assert 70 < still < 160  # 6 of 26


def test_changing_one_transform_moves_no_other():
    def drawn(transforms: Transforms) -> Draw:
        return transforms.draw(torch.Generator().manual_seed(3))

    usual, unturned = drawn(Transforms()), drawn(Transforms(rotate=0))
    assert replace(usual, degrees=0) == replace(unturned, degrees=0)
