"""The numbers of a tensor are those of the formulas, whatever its size, layout and precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnviz_desktop.engine import statistics
from cnnviz_desktop.engine.statistics import (
    BINS,
    BOX,
    Moments,
    Spreads,
    duplicates,
    histogram,
    measure,
    quantiles,
)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read tensors seven values at a time."""
    monkeypatch.setattr(statistics, "_PIECE", 7)


def formulas(values: np.ndarray) -> dict[str, float]:
    """Return mean, std and excess kurtosis as textbooks have them, in one go."""
    away = values - values.mean()
    second = (away**2).mean()
    return {
        "mean": values.mean(),
        "std": math.sqrt(second),
        "kurtosis": (away**4).mean() / second**2 - 3,
    }


# ------------------------------------------------------------------------------------------ moments


def test_numbers_worked_out_by_hand():
    found = measure(torch.tensor([[-2.0, 0.0], [0.0, 4.0], [-1.0, 5.0]]))

    # mean 1; distances -3 -1 -1 3 -2 4: squares add up to 40, fourth powers to 436
    assert (found.count, found.finite, found.broken) == (6, 6, 0)
    assert found.moments.mean == 1
    assert found.moments.std == pytest.approx(math.sqrt(40 / 6))
    assert found.moments.kurtosis == pytest.approx(436 / 6 / (40 / 6) ** 2 - 3)
    assert (found.minimum, found.maximum) == (-2, 5)
    assert (found.l1, found.l2) == (12, pytest.approx(math.sqrt(4 + 16 + 1 + 25)))
    assert (found.zeros, found.near_zero, found.positive) == (2, 2, 2)
    assert found.share(found.zeros) == pytest.approx(100 / 3)


def test_near_zero_is_a_thousandth_of_the_standard_deviation():
    values = torch.ones(1000, dtype=torch.float64)
    values[::2] = -1  # the standard deviation is about 1
    values[0], values[1], values[2] = 0.0009, -0.0009, 0.0011

    assert (measure(values).near_zero, measure(values).zeros) == (2, 0)
    assert measure(torch.full((5,), 3.0)).near_zero == 0
    assert measure(torch.zeros(5)).near_zero == 5


def test_what_is_not_finite_is_counted_and_left_out(small_pieces):
    values = torch.arange(20.0)
    values[3], values[4], values[11] = math.nan, math.inf, -math.inf

    found = measure(values)

    sound = np.delete(np.arange(20.0), [3, 4, 11])
    assert (found.nan, found.infinite, found.finite) == (1, 2, 17)
    assert found.moments.mean == pytest.approx(sound.mean())
    assert (found.minimum, found.maximum) == (0, 19)
    nothing = measure(torch.full((3,), math.nan))
    assert (nothing.nan, nothing.finite, nothing.share(0)) == (3, 0, None)
    assert math.isnan(nothing.minimum)
    assert nothing.moments.kurtosis is None
    assert measure(torch.zeros(0)).count == 0


def test_a_constant_has_no_kurtosis_even_where_the_mean_is_rounded():
    assert measure(torch.full((1000,), 0.1)).moments.kurtosis is None
    assert measure(torch.zeros(10)).moments.kurtosis is None


@given(
    st.lists(st.floats(-100, 100), max_size=30),
    st.lists(st.floats(-100, 100), max_size=30),
)
@settings(max_examples=60, deadline=None)
def test_moments_of_two_parts_merge_to_those_of_the_whole(one, other):
    merged = Moments.of(np.array(one)) + Moments.of(np.array(other))
    whole = Moments.of(np.array(one + other))

    assert merged.count == whole.count
    for name, power in (("mean", 1), ("second", 2), ("third", 3), ("fourth", 4)):
        wanted = getattr(whole, name)
        assert getattr(merged, name) == pytest.approx(wanted, rel=1e-9, abs=1e-9 * 200**power)


def test_a_large_mean_costs_no_digits(small_pieces):
    """Sums of squares in single precision would say 0 or worse."""
    values = torch.tensor([1e6 + place % 2 for place in range(100)])

    found = measure(values)

    assert found.moments.mean == 1e6 + 0.5
    assert found.moments.std == pytest.approx(0.5, rel=1e-9)
    assert found.moments.kurtosis == pytest.approx(-2, rel=1e-9)  # two values, equally often


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_large_tensor_is_measured_as_the_formulas_say(dtype):
    numbers = torch.Generator().manual_seed(3)
    tensor = (torch.randn(3, 70, 31, 29, generator=numbers) ** 3).to(dtype)

    found = measure(tensor)

    values = tensor.double().numpy().ravel()
    for name, wanted in formulas(values).items():
        assert getattr(found.moments, name) == pytest.approx(wanted, rel=1e-10), name
    assert found.l1 == pytest.approx(np.abs(values).sum(), rel=1e-12)
    assert found.l2 == pytest.approx(np.linalg.norm(values), rel=1e-12)
    assert found.positive == (values > 0).sum()


def test_layouts_and_whole_numbers_change_nothing():
    tensor = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5) - 7
    wanted = measure(tensor.double())

    assert measure(tensor) == wanted
    for view in (tensor.float().to(memory_format=torch.channels_last), tensor.permute(3, 1, 0, 2)):
        found = measure(view)
        assert (found.count, found.l1, found.zeros) == (wanted.count, wanted.l1, wanted.zeros)
        assert found.moments.fourth == pytest.approx(wanted.moments.fourth)
    assert measure(torch.tensor(4.0)).moments.mean == 4
    assert measure(torch.tensor([2.0]).expand(6)).count == 6


# ---------------------------------------------------------------------------------------- quantiles


@pytest.mark.parametrize("size", [1, 2, 3, 100, 4097])
def test_quantiles_are_numpys(size, small_pieces):
    numbers = np.random.default_rng(size)
    values = (numbers.standard_normal(size) * 10.0 ** numbers.integers(-30, 30, size)).astype("f4")
    values[: size // 3] = 0

    found = quantiles(torch.from_numpy(values))

    wanted = np.quantile(values.astype(np.float64), BOX)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_quantiles_of_hard_numbers():
    tiny = np.float32(1e-45)
    values = torch.tensor([math.nan, -0.0, 0.0, tiny, -tiny, math.inf, 3e38, -3e38])

    assert quantiles(values, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)) == pytest.approx(
        [float(np.float32(-3e38)), float(-tiny), 0, 0, float(tiny), float(np.float32(3e38))]
    )
    assert all(math.isnan(value) for value in quantiles(torch.tensor([math.nan, math.inf])))


# --------------------------------------------------------------------------------------- histograms


def test_a_histogram_is_numpys_without_the_zeros(small_pieces):
    numbers = torch.Generator().manual_seed(1)
    tensor = torch.randn(40, 25, generator=numbers).relu()
    high = float(tensor.max())

    edges, counts = histogram(tensor, 0.0, high)

    values = tensor.double().numpy()
    wanted, ends = np.histogram(values[values != 0], BINS, (0.0, high))
    np.testing.assert_array_equal(counts, wanted)
    np.testing.assert_allclose(edges, ends, rtol=1e-6)
    assert counts.sum() == (values > 0).sum() < values.size


@pytest.mark.parametrize("value", [0.0, 1.0, -1e30, math.nan])
def test_a_histogram_of_one_value_still_has_bins(value):
    tensor = torch.full((9,), value)
    found = measure(tensor)

    edges, counts = histogram(tensor, found.minimum, found.maximum)

    assert (np.diff(edges) >= 0).all()
    assert edges[0] < edges[-1]
    assert counts.sum() == (0 if value == 0 or math.isnan(value) else 9)


def test_spreads_become_one_value():
    spreads = Spreads()
    for name, tensor in (("a", torch.tensor([-1.0, 0.0, 3.0])), ("b", torch.tensor([math.nan]))):
        spreads.add(name, tensor, measure(tensor))

    found = spreads.distribution("title", "weights", "boxes")

    assert (found.layers, found.of, found.show) == (("a", "b"), "weights", "boxes")
    assert (found.edges.shape, found.counts.shape) == ((2, BINS + 1), (2, BINS))
    assert found.counts.sum(axis=1).tolist() == [2, 0]
    assert (found.zeros.tolist(), found.broken.tolist()) == ([1, 0], [0, 1])
    assert found.box[0].tolist() == pytest.approx([-1, -0.98, -0.5, 0, 1.5, 2.94, 3])


# --------------------------------------------------------------------------------------- duplicates


def test_duplicates_point_the_way_of_an_earlier_row():
    rows = torch.tensor(
        [
            [1.0, 2.0, 2.0],
            [0.0, 0.0, 0.0],
            [3.0, 6.0, 6.0],  # three times the first
            [-1.0, -2.0, -2.0],  # the opposite
            [0.0, 0.0, 0.0],
            [1.0, 2.0, 2.1],  # cosine 0.9995
            [1.0, 2.0, 2.6],  # cosine 0.9896
            [math.nan, 2.0, 2.0],
            [1e-30, 2e-30, 2e-30],
        ]
    )
    wanted = [False, False, True, False, False, True, False, False, True]

    assert duplicates(rows).tolist() == wanted


def test_many_long_rows_are_sieved_to_the_same_answer(monkeypatch):
    numbers = torch.Generator().manual_seed(2)
    rows = torch.randn(90, 300, generator=numbers)
    rows[40] = 7 * rows[3] + 0.02 * torch.randn(300, generator=numbers)
    rows[80], rows[81] = rows[40], -rows[5]
    rows[82] = rows[6] + 0.2 * torch.randn(300, generator=numbers)  # cosine about 0.98
    plain = duplicates(rows)
    assert plain.nonzero().ravel().tolist() == [40, 80]

    monkeypatch.setattr(statistics, "_DIRECT", 0)
    monkeypatch.setattr(statistics, "_ROWS", 32)

    assert duplicates(rows).tolist() == plain.tolist()
