"""Kernels: the batch norm behind them, near-duplicates and frequency response."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from networks import Cifar, Functional, Plain, Residual
from torch import nn

from cnnviz_desktop.engine.kernels import (
    kernels,
    near_duplicates,
    norm_scale,
    norms,
    reader,
    spectrum,
)
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import Filters
from cnnviz_desktop.errors import Cancelled, LayerError, ParameterError

RNG = np.random.default_rng(4)


def noise(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def randomised(module: nn.Module) -> nn.Module:
    """Give every batch norm numbers of its own."""
    torch.manual_seed(3)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_(0, 0.5)
            norm.running_var.uniform_(0.2, 3)
            if norm.affine:
                norm.weight.data.normal_(0, 1)  # below zero too
                norm.bias.data.normal_(0, 1)
    return module


# --------------------------------------------------------------------------------------- batch norm


class Pyramid(nn.Module):
    """Convolutions with a batch norm in another order than the modules are written in."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.bn_two = nn.BatchNorm2d(4)
        self.bn_one = nn.BatchNorm2d(4)
        self.one = nn.Conv2d(3, 4, 3, bias=False)
        self.two = nn.Conv2d(4, 4, 3)
        self.drop = nn.Dropout(0.5)
        self.up = nn.ConvTranspose2d(4, 6, 3, groups=2)
        self.bn_up = nn.BatchNorm2d(6, affine=False)
        self.fc = nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.bn_one(self.one(x)).relu()
        x = self.bn_two(self.drop(self.two(x))).relu_()
        return self.fc(self.bn_up(self.up(x)).mean((2, 3)))


@pytest.mark.parametrize(
    ("network", "layer", "norm"),
    [
        (Pyramid, "one", "bn_one"),
        (Pyramid, "two", "bn_two"),
        (Pyramid, "up", "bn_up"),
        (Residual, "conv1", "bn1"),
        (Residual, "conv2", "bn2"),
        (Cifar, "conv1", "bn1"),
    ],
)
def test_folded_kernels_give_what_layer_and_batch_norm_give(load, network, layer, norm):
    model = load(randomised(network()), size=(12, 12))
    found = Filters(layer=layer, batch_norm=True)(model)
    conv, after = (model.module.get_submodule(name) for name in (layer, norm))

    assert found.batch_norm == norm
    x = torch.tensor(noise(1, conv.in_channels, 9, 9))
    wanted = after(conv(x))
    bias = conv.bias if conv.bias is not None else torch.zeros(conv.out_channels)
    scale = torch.tensor(norm_scale(after))
    beta = after.bias if after.affine else torch.zeros(conv.out_channels)
    shift = (bias - after.running_mean) * scale + beta
    folded = torch.tensor(found.values)
    if isinstance(conv, nn.ConvTranspose2d):
        weight = conv.weight.clone()  # (in, out / groups): outputs in groups of three
        for group in range(2):
            rows, columns = slice(2 * group, 2 * group + 2), slice(3 * group, 3 * group + 3)
            weight[rows] *= scale[columns].view(1, 3, 1, 1)
            torch.testing.assert_close(folded[columns], weight[rows].swapaxes(0, 1))
        made = nn.functional.conv_transpose2d(x, weight, shift, groups=2)
    else:
        made = nn.functional.conv2d(x, folded, shift, conv.stride, conv.padding)
    torch.testing.assert_close(made, wanted, rtol=1e-4, atol=1e-4)


def test_without_asking_nothing_is_folded(load):
    model = load(randomised(Pyramid()), size=(12, 12))
    found = Filters(layer="one")(model)
    np.testing.assert_array_equal(found.values, model.module.one.weight.numpy())
    assert found.batch_norm == "" and found.order == () and not found.spectrum


@pytest.mark.parametrize(
    ("network", "layer", "sentence"),
    [
        (Plain, "conv1", r"conv1 is followed by relu1 \(ReLU\), not by a batch norm"),
        (Functional, "conv1", "conv1 has no batch norm behind it"),
        (Cifar, "conv2", "conv2 has no batch norm behind it"),
        (Plain, "fc", "fc has no batch norm behind it"),
    ],
)
def test_a_layer_without_a_batch_norm_is_a_sentence(load, network, layer, sentence):
    with pytest.raises(LayerError, match=sentence):
        Filters(layer=layer, batch_norm=True)(load(network(), size=(12, 12)))


def test_the_reader_is_found_by_what_it_reads_and_no_hook_stays(load):
    model = load(Pyramid(), size=(12, 12))
    name, module = reader(model, "two")
    assert name == "bn_two" and module is model.module.bn_two
    assert reader(model, "bn_two") is None


def test_a_frozen_batch_norm_counts():
    from torchvision.ops import FrozenBatchNorm2d

    norm = FrozenBatchNorm2d(2, eps=1e-3)
    norm.running_var[:] = torch.tensor([0.249, 3.999])
    norm.weight[:] = torch.tensor([1.0, -4.0])
    np.testing.assert_allclose(norm_scale(norm), [2, -2], rtol=1e-6)
    assert norm_scale(nn.ReLU()) is None
    assert norm_scale(nn.LayerNorm(3)) is None


# --------------------------------------------------------------------------------- near-duplicates


def test_near_duplicates_are_linked_by_pairs_of_a_high_cosine():
    base, other = noise(3, 3, 3), noise(3, 3, 3)
    values = np.stack([base, other, 2 * base, -base, 0 * base, base + 0.05 * other, 3 * other])
    assert near_duplicates(values, 0.99) == ((0, 2, 5), (1, 6))
    assert near_duplicates(values, 1.0) == ((0, 2), (1, 6))
    assert near_duplicates(np.zeros((3, 1, 2, 2), np.float32), 0.9) == ()


def test_cosines_by_hand():
    # (1, 0), (0.8, 0.6), (0.28, 0.96): neighbours have a cosine of 0.8, the ends one of 0.28
    flat = np.array([[1, 0], [0.8, 0.6], [0.28, 0.96]], np.float32).reshape(3, 2, 1, 1)
    assert near_duplicates(flat, 0.8) == ((0, 1, 2),)
    assert near_duplicates(flat, 0.81) == ()


def test_many_filters_are_compared_in_blocks_that_can_be_cancelled():
    values = noise(1100, 2, 3, 3)
    values[1050] = 1.01 * values[3]
    assert near_duplicates(values, 0.999) == ((3, 1050),)
    told = []
    assert near_duplicates(values, 0.999, Run(on_progress=told.append)) == ((3, 1050),)
    assert told[-1].total == 3
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        near_duplicates(values, 0.999, run)


# ---------------------------------------------------------------------------------------- spectrum


def test_a_spectrum_is_the_magnitude_of_the_transform():
    kernel = noise(2, 1, 3, 5)
    gain = spectrum(kernel)
    assert gain.shape == (2, 1, 33, 33)
    for row in (0, 16, 20, 32):
        for column in (0, 16, 31):
            down, across = (row - 16) / 33, (column - 16) / 33
            turns = down * np.arange(3)[:, None] + across * np.arange(5)
            wanted = np.abs((kernel[:, 0] * np.exp(-2j * np.pi * turns)).sum(axis=(1, 2)))
            np.testing.assert_allclose(gain[:, 0, row, column], wanted, rtol=1e-4, atol=1e-5)


def test_a_spectrum_of_many_inputs_is_the_root_of_the_sum_of_squares():
    kernel = noise(3, 9, 3, 3)
    each = np.stack([spectrum(kernel[:, i : i + 1])[:, 0] for i in range(9)])
    np.testing.assert_allclose(
        spectrum(kernel)[:, 0], np.sqrt((each**2).sum(axis=0)), rtol=1e-3, atol=1e-4
    )


def test_a_spectrum_by_hand():
    mean = np.full((1, 1, 1, 2), 0.5, np.float32)  # the mean of two neighbours: |cos(pi f)|
    across = (np.arange(33) - 16) / 33
    np.testing.assert_allclose(
        spectrum(mean)[0, 0, 5], np.abs(np.cos(np.pi * across)), rtol=1e-5, atol=1e-6
    )
    point = np.ones((1, 1, 1, 1), np.float32)
    np.testing.assert_allclose(spectrum(point), 1, rtol=1e-6)


def test_a_dilated_kernel_passes_a_frequency_again_and_again():
    mean = np.full((1, 1, 1, 2), 0.5, np.float32)
    across = (np.arange(33) - 16) / 33
    np.testing.assert_allclose(
        spectrum(mean, (1, 3))[0, 0, 0], np.abs(np.cos(3 * np.pi * across)), rtol=1e-5, atol=1e-6
    )


def test_a_large_kernel_gets_a_fine_spectrum():
    assert spectrum(noise(2, 1, 31, 31)).shape == (2, 1, 61, 61)
    assert spectrum(noise(2, 8, 20, 20)).shape == (2, 1, 39, 39)


# ----------------------------------------------------------------------------------------- filters


def test_filters_by_norm_keep_their_numbers(load):
    conv = nn.Conv2d(3, 4, 3, bias=False)
    with torch.no_grad():
        conv.weight.zero_()
        for row, value in enumerate((1.0, 3.0, 0.0, -2.0)):
            conv.weight[row, 0, 0, 0] = value
    found = Filters(sort="norm")(load(nn.Sequential(conv, nn.Flatten()), size=(8, 8)))

    assert found.order == (1, 3, 0, 2)
    np.testing.assert_array_equal(found.values[:, 0, 0, 0], [3, -2, 1, 0])
    np.testing.assert_array_equal(norms(found.values), [3, 2, 1, 0])
    assert found.duplicates == ()


def test_filters_by_duplicates_stand_side_by_side(load):
    conv = nn.Conv2d(3, 5, 3, bias=False)
    with torch.no_grad():
        conv.weight[4] = 2 * conv.weight[1]
    model = load(nn.Sequential(conv, nn.Flatten()), size=(8, 8))
    found = Filters(sort="duplicates", cosine=0.99)(model)

    assert found.duplicates == ((1, 4),)
    assert found.order == (1, 4, 0, 2, 3)
    np.testing.assert_array_equal(found.values, conv.weight.detach().numpy()[[1, 4, 0, 2, 3]])


def test_frequencies_of_filters_have_one_gain_each(load):
    model = load(Plain(), size=(8, 8))
    found = Filters(layer="conv2", show="frequencies", sort="norm")(model)
    assert found.spectrum and found.values.shape == (6, 1, 33, 33)
    plain = Filters(layer="conv2")(model)
    np.testing.assert_allclose(found.values, spectrum(plain.values[list(found.order)]))
    np.testing.assert_allclose(
        found.values[0, 0, 16, 16],
        np.linalg.norm(plain.values[found.order[0]].sum(axis=(1, 2))),
        rtol=1e-5,
    )


def test_grouped_depthwise_dilated_and_linear_layers_say_what_they_are(load):
    layers = nn.Sequential(
        nn.Conv2d(3, 4, 3, dilation=2, padding=2),
        nn.Conv2d(4, 4, 3, groups=4),
        nn.Conv2d(4, 8, (1, 3), groups=2, dilation=(1, 3)),
        nn.Conv2d(8, 3, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(3, 3),
    )
    model = load(layers, size=(16, 16))
    found = [Filters(layer=name)(model) for name in ("0", "1", "2", "3", "6")]

    shapes = [(4, 3, 3, 3), (4, 1, 3, 3), (8, 2, 1, 3), (3, 8, 1, 1), (3, 3, 1, 1)]
    assert [bank.values.shape for bank in found] == shapes
    assert [bank.groups for bank in found] == [1, 4, 2, 1, 1]
    assert [bank.dilation for bank in found] == [(2, 2), (1, 1), (1, 3), (1, 1), (1, 1)]
    assert kernels(nn.ReLU(), "x") is None
    for bank in found:
        gain = Filters(layer=bank.layer, show="frequencies")(model).values
        assert np.isfinite(gain).all() and gain.shape[1] == 1


def test_a_cosine_below_one_half_is_refused():
    with pytest.raises(ParameterError, match=r"Cosine must be a number from 0\.5 to 1"):
        Filters(cosine=0.2)
