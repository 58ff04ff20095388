"""Missing pixels become the weighted mean of their neighbours, exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnviz_desktop.engine.imputation import impute
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import Cancelled


def row(*values: float) -> torch.Tensor:
    return torch.tensor([[[list(values)]]])


def missing(*pixels: int) -> torch.Tensor:
    return torch.tensor(pixels, dtype=torch.bool).view(1, 1, -1)


def test_one_pixel_between_two_is_their_mean():
    filled = impute(row(1.0, 9.0, 4.0), missing(0, 1, 0), noise=0)
    torch.testing.assert_close(filled, row(1.0, 2.5, 4.0))


def test_two_pixels_between_two_are_at_thirds():
    filled = impute(row(0.0, 9.0, 9.0, 3.0), missing(0, 1, 1, 0), noise=0)
    torch.testing.assert_close(filled, row(0.0, 1.0, 2.0, 3.0), rtol=0, atol=1e-5)


def test_sides_weigh_a_sixth_and_corners_a_twelfth():
    picture = torch.tensor([[[[12.0, 6.0, 0.0], [6.0, 99.0, 0.0], [0.0, 0.0, 24.0]]]])
    hole = torch.zeros(1, 3, 3, dtype=torch.bool)
    hole[0, 1, 1] = True

    assert impute(picture, hole, noise=0)[0, 0, 1, 1] == pytest.approx(12 / 6 + 36 / 12)


def test_at_a_corner_what_lies_outside_weighs_nothing():
    picture = torch.tensor([[[[99.0, 5.0], [0.0, 10.0]]]])
    hole = torch.zeros(1, 2, 2, dtype=torch.bool)
    hole[0, 0, 0] = True

    wanted = (5 / 6 + 10 / 12) / (2 / 6 + 1 / 12)
    assert impute(picture, hole, noise=0)[0, 0, 0, 0] == pytest.approx(wanted)


def test_where_nothing_is_left_there_is_the_mean_colour_and_where_all_is_nothing_changes():
    picture = torch.rand(1, 3, 8, 8)
    holes = torch.stack([torch.ones(8, 8), torch.zeros(8, 8)]).bool()

    gone, whole = impute(picture, holes, noise=0)

    torch.testing.assert_close(gone, picture.mean(dim=(2, 3))[0][:, None, None].expand(3, 8, 8))
    torch.testing.assert_close(whole, picture[0])


def test_noise_is_the_seeds_own_and_only_where_pixels_are_missing():
    picture = torch.zeros(1, 3, 40, 40)
    hole = torch.zeros(1, 40, 40, dtype=torch.bool)
    hole[:, :, 20:] = True

    one, same, other = (impute(picture, hole, seed=seed) for seed in (3, 3, 4))

    assert torch.equal(one, same) and not torch.equal(one, other)
    assert not one[..., :20].any()
    assert float(one[..., 20:].std()) == pytest.approx(0.01, rel=0.05)


@given(
    height=st.integers(1, 21),
    width=st.integers(1, 21),
    share=st.floats(0.05, 0.98),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_every_missing_pixel_is_the_mean_of_its_neighbours(height, width, share, seed):
    numbers = np.random.default_rng(seed)
    picture = torch.from_numpy(numbers.normal(size=(1, 2, height, width)).astype(np.float32))
    hole = torch.from_numpy(numbers.random((1, height, width)) < share)
    if hole.all():
        return

    filled = impute(picture, hole, noise=0)

    padded = torch.nn.functional.pad(filled, (1, 1, 1, 1))
    inside = torch.nn.functional.pad(torch.ones(1, 1, height, width), (1, 1, 1, 1))
    total = weight = torch.zeros(1)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            if down or across:
                share_ = 1 / 12 if down and across else 1 / 6
                rows, columns = (
                    slice(1 + down, 1 + down + height),
                    slice(1 + across, 1 + across + width),
                )
                total = total + share_ * padded[..., rows, columns]
                weight = weight + share_ * inside[..., rows, columns]
    mean = total / weight
    where = hole[:, None].expand_as(filled)
    torch.testing.assert_close(filled[where], mean[where], rtol=0, atol=2e-4)
    torch.testing.assert_close(filled[~where], picture[~where])


@pytest.mark.parametrize("size", [(33, 47), (64, 64)])
def test_it_equals_a_direct_solver(size):
    """The system written down in full and solved in double precision."""
    height, width = size
    torch.manual_seed(0)
    picture = torch.randn(1, 3, height, width)
    ranks = torch.nn.functional.interpolate(torch.randn(1, 1, 5, 5), size, mode="bilinear")[0, 0]
    hole = ranks >= torch.quantile(ranks, 0.2)
    matrix = torch.eye(height * width, dtype=torch.float64)
    wanted = picture[0].flatten(1).T.double().clone()
    for y, x in hole.nonzero().tolist():
        here = y * width + x
        near = [
            (y + down, x + across, 1 / 12 if down and across else 1 / 6)
            for down in (-1, 0, 1)
            for across in (-1, 0, 1)
            if (down or across) and 0 <= y + down < height and 0 <= x + across < width
        ]
        weights = sum(weight for *_place, weight in near)
        for row_, column, weight in near:
            matrix[here, row_ * width + column] = -weight / weights
        wanted[here] = 0

    exact = torch.linalg.solve(matrix, wanted).T.view(3, height, width)

    filled = impute(picture, hole[None], noise=0)[0].double()
    assert float((filled - exact).abs().max()) < 2e-4 * float(picture.abs().max())


def test_it_can_be_cancelled():
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        impute(torch.rand(1, 3, 16, 16), torch.rand(1, 16, 16) > 0.5, run=run)


def test_it_puts_the_number_of_threads_back():
    before = torch.get_num_threads()
    impute(torch.rand(1, 3, 16, 16), torch.rand(1, 16, 16) > 0.5)
    assert torch.get_num_threads() == before
