"""Quick convolutions give the same numbers, forwards and back, and leave the network as it was."""

from __future__ import annotations

import copy

import pytest
import torch
from networks import Plain
from torch import nn
from torch.nn.utils import parametrizations

from cnnviz_desktop.engine import convolutions
from cnnviz_desktop.engine.convolutions import quick_convolutions

_BY_ITSELF = [  # whose gradient is another convolution
    (nn.Conv2d(3, 5, 7, stride=2), (1, 3, 20, 23)),
    (nn.Conv2d(3, 5, 7, stride=2, padding=3), (2, 3, 21, 17)),
    (nn.Conv2d(3, 5, 11, stride=4, padding=2, bias=False), (1, 3, 35, 30)),
    (nn.Conv2d(1, 5, 5, stride=3, padding=1), (1, 1, 9, 16)),
    (nn.Conv2d(3, 2, 5, stride=7), (1, 3, 13, 20)),  # steps beyond its own reach
    (nn.Conv2d(6, 4, 1), (1, 6, 5, 7)),
    (nn.Conv2d(6, 4, 1, padding=1), (1, 6, 5, 7)),
    (nn.Conv2d(1024, 512, 1), (1, 1024, 3, 2)),
]
_AS_EVER = [
    (nn.Conv2d(6, 4, 1), (2, 6, 5, 7)),
    (nn.Conv2d(6, 4, 1, bias=False, stride=2), (1, 6, 5, 7)),
    (nn.Conv2d(6, 4, 1, padding=1, groups=2), (1, 6, 5, 7)),
    (nn.Conv2d(6, 4, 1, padding="same"), (1, 6, 5, 7)),
    (nn.Conv2d(6, 4, 3), (1, 6, 5, 7)),
    (nn.Conv2d(6, 4, 3, dilation=2, padding=(1, 2)), (1, 6, 5, 7)),
    (nn.Conv2d(3, 4, (7, 5), stride=2), (1, 3, 15, 17)),
    (nn.Conv2d(3, 4, 7, stride=(2, 3)), (1, 3, 15, 17)),
    (nn.Conv2d(6, 4, 3, padding=1, padding_mode="reflect"), (1, 6, 5, 7)),
    (nn.Conv2d(6, 4, 1).double(), (1, 6, 5, 7)),
]


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("conv", "shape"), _BY_ITSELF + _AS_EVER)
def test_values_and_gradients_are_the_same(conv, shape, layout, many):
    conv = copy.deepcopy(conv).requires_grad_(False).to(memory_format=layout)
    torch.manual_seed(0)
    given = torch.randn(shape, dtype=conv.weight.dtype).contiguous(memory_format=layout)
    given.requires_grad_()
    wanted = conv(given)
    weights = torch.randn_like(wanted)
    (slope,) = torch.autograd.grad((wanted * weights).sum(), given)

    with quick_convolutions(conv, many=many):
        for _ in range(2):
            found = conv(given)
            (again,) = torch.autograd.grad((found * weights).sum(), given)
        with torch.inference_mode():
            torch.testing.assert_close(conv(given), wanted, atol=1e-5, rtol=1e-5)

    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(again, slope, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("conv", "shape"), _BY_ITSELF)
def test_those_gradients_are_convolutions_of_their_own(conv, shape):
    conv = copy.deepcopy(conv).requires_grad_(False)
    with quick_convolutions(conv):
        found = conv(torch.randn(shape, requires_grad=True))
    assert type(found.grad_fn).__name__ == "_FrozenBackward"


def test_weights_that_learn_get_their_gradients():
    conv = nn.Conv2d(3, 5, 7, stride=2)
    given = torch.randn(1, 3, 20, 23, requires_grad=True)
    wanted = torch.autograd.grad(conv(given).square().sum(), [given, conv.weight, conv.bias])

    with quick_convolutions(conv):
        found = torch.autograd.grad(conv(given).square().sum(), [given, conv.weight, conv.bias])

    torch.testing.assert_close(found, wanted)


def test_the_network_is_left_as_it_was():
    module = Plain()
    keys = {name: set(vars(layer)) for name, layer in module.named_modules()}
    seen = []

    with pytest.raises(KeyError), quick_convolutions(module):
        seen = [name for name, layer in module.named_modules() if "forward" in vars(layer)]
        with quick_convolutions(module):
            pass
        assert "forward" in vars(module.conv1)  # the outer block goes on
        raise KeyError

    assert seen == ["conv1", "conv2"]
    assert {name: set(vars(layer)) for name, layer in module.named_modules()} == keys


def test_hooks_and_what_a_person_changed_are_respected():
    calls = []
    hooked, parametrized = nn.Conv2d(3, 4, 1), parametrizations.weight_norm(nn.Conv2d(4, 4, 1))
    doubled = nn.Conv2d(4, 4, 1)
    doubled.forward = lambda given: 2 * nn.Conv2d.forward(doubled, given)
    module = nn.Sequential(hooked, parametrized, doubled)
    hooked.register_forward_hook(lambda *_args: calls.append("hook"))
    given = torch.randn(1, 3, 4, 4)
    wanted = module(given)

    with quick_convolutions(module):
        assert "forward" not in vars(parametrized)
        torch.testing.assert_close(module(given), wanted)

    assert calls == ["hook", "hook"]
    assert "forward" in vars(doubled)


def test_without_onednn_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(convolutions, "_HAS_ONEDNN", False)
    module = Plain()
    with quick_convolutions(module):
        assert not any("forward" in vars(layer) for layer in module.modules())


def test_what_is_no_batch_of_maps_is_convolved_as_ever():
    conv = nn.Conv2d(3, 4, 1)
    with quick_convolutions(conv):
        assert conv(torch.randn(3, 5, 5)).shape == (4, 5, 5)
        assert conv(torch.empty(0, 3, 5, 5)).shape == (0, 4, 5, 5)
