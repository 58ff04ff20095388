"""The inputs that stand for nothing there."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from networks import Plain

from cnnviz_desktop.engine.baselines import baseline, blurred


@pytest.fixture
def model(load):
    plain = load(Plain())
    mean, std = (0.5, 0.25, 0.4), (0.25, 0.5, 0.2)
    scaling = dataclasses.replace(plain.preprocessing, mean=mean, std=std)
    return dataclasses.replace(plain, preprocessing=scaling)


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("black", (-2, -0.5, -2)),  # (0 - mean) / std
        ("grey", (0, 0.5, 0.5)),
        ("mean colour", (0, 0, 0)),
    ],
)
def test_colours_are_those_of_the_picture_scaled_as_the_network_wants(model, noise, kind, wanted):
    tensor, _ = model.prepare(noise())

    found = baseline(model, tensor, kind)

    assert found.shape == tensor.shape
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found[0, :, 3, 5], wanted, atol=1e-6)
    np.testing.assert_allclose(found[0, :, 0, 0], wanted, atol=1e-6)


def test_a_blur_is_a_gaussian_of_a_twentieth_of_the_shorter_side():
    """Of 40 rows the deviation is 2: beside a point it falls as exp(-d^2 / 8)."""
    point = torch.zeros(1, 2, 40, 60, dtype=torch.float64)
    point[0, 1, 20, 30] = 1

    found = blurred(point)

    assert not found[0, 0].any()
    assert float(found.sum()) == pytest.approx(1)
    top = float(found[0, 1, 20, 30])
    assert float(found[0, 1, 22, 30]) == pytest.approx(top * math.exp(-4 / 8))
    assert float(found[0, 1, 21, 33]) == pytest.approx(top * math.exp(-(1 + 9) / 8))


def test_a_blurred_plain_picture_is_the_same_to_its_rim(model):
    plain = torch.full((1, 3, 8, 8), 0.7)

    torch.testing.assert_close(baseline(model, plain, "blur"), plain)


def test_single_pixels_can_be_blurred():
    torch.testing.assert_close(blurred(torch.ones(1, 3, 1, 5)), torch.ones(1, 3, 1, 5))
