"""Spectra and colours, by numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch

from cnnviz_desktop.engine.spectrum import Canvas, colour_matrix, frequencies, spectrum_scale


def test_frequencies_are_cycles_per_pixel():
    found = frequencies(4, 4)

    assert found.shape == (4, 3)
    assert found[0].tolist() == pytest.approx([0, 0.25, 0.5])
    assert found[:, 0].tolist() == pytest.approx([0, 0.25, 0.5, 0.25])
    assert float(found[2, 2]) == pytest.approx(0.5**0.5)


def test_the_scale_is_one_over_the_frequency_and_finite_for_the_mean():
    found = spectrum_scale(4, 8)

    assert float(found[0, 0]) == pytest.approx(8)  # of 1 / max(height, width)
    assert float(found[0, 1]) == pytest.approx(8)
    assert float(found[0, 4]) == pytest.approx(2)
    assert float(found[1, 2]) == pytest.approx(1 / (0.25**2 + 0.25**2) ** 0.5)


def test_the_colour_matrix_has_its_largest_column_of_length_one():
    found = colour_matrix()

    assert found[:, 0].tolist() == pytest.approx([0.562829, 0.584476, 0.584476], abs=1e-5)
    assert found[1].tolist() == pytest.approx([0.584476, 0, -0.108236], abs=1e-5)
    assert float(found.norm(dim=0).max()) == pytest.approx(1, abs=1e-5)


def test_a_grey_picture_of_one_frequency_by_hand():
    canvas = Canvas(4, 4, channels=1)
    numbers = torch.zeros(1, 1, 4, 3, 2)
    numbers[0, 0, 0, 0, 0] = 4  # the mean: 4 x scale 4 / sqrt(16) / damping 4

    torch.testing.assert_close(canvas(numbers), torch.full((1, 1, 4, 4), 0.731059))

    numbers = torch.zeros(1, 1, 4, 3, 2)
    numbers[0, 0, 0, 2, 0] = 2  # the fastest across: 2 x scale 2 / 4 / 4, up and down
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0])
    wanted = torch.sigmoid(0.25 * signs).expand(1, 1, 4, 4)
    torch.testing.assert_close(canvas(numbers), wanted)


def test_pixels_in_decorrelated_colours_by_hand():
    numbers = torch.zeros(1, 3, 1, 1)
    numbers[0, 0] = 1

    decorrelated = Canvas(1, 1, spectral=False)(numbers)
    plain = Canvas(1, 1, spectral=False, decorrelated=False)(numbers)

    wanted = torch.sigmoid(torch.tensor([0.562829, 0.584476, 0.584476]))
    torch.testing.assert_close(decorrelated[0, :, 0, 0], wanted, atol=1e-5, rtol=0)
    torch.testing.assert_close(plain[0, :, 0, 0], torch.tensor([0.731059, 0.5, 0.5]))


@pytest.mark.parametrize("size", [(6, 8), (5, 7), (9, 4), (1, 3)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("spectral", [True, False])
def test_the_numbers_of_a_picture_make_it_again(size, channels, spectral):
    canvas = Canvas(*size, channels=channels, spectral=spectral)
    torch.manual_seed(0)
    picture = torch.rand(2, channels, *size) * 0.9 + 0.05

    torch.testing.assert_close(canvas(canvas.numbers(picture)), picture, atol=1e-4, rtol=0)
    assert canvas.start(2, seed=0).shape == canvas.numbers(picture).shape


def test_starts_are_alike_unless_different_ones_are_asked_for():
    canvas = Canvas(8, 8)
    alike, different = canvas.start(3, 5), canvas.start(3, 5, different=True)

    assert torch.equal(alike[0], alike[2])
    assert torch.equal(alike[0], canvas.start(1, 5)[0])
    assert not torch.equal(different[0], different[1])
    assert not torch.equal(alike, canvas.start(3, 6))
    assert 0.005 < float(alike.std()) < 0.015
    assert (canvas(different) - 0.5).abs().max() < 0.2  # near grey
