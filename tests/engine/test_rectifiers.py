"""Every way to rectify is found and guided, whoever calls it, and nothing else is."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from networks import Ending, Lambda, Residual
from torch import Tensor, nn
from torch.nn import functional

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.rectifiers import nodes_of, ruled
from cnnviz_desktop.engine.techniques import Deconvnet, GuidedBackprop, Saliency
from cnnviz_desktop.errors import LayerError


def half_in_place(x: Tensor) -> Tensor:
    """Rectify half of a tensor through a view: autograd hides this in a node of another kind."""
    x = x * 1
    x[..., :2].relu_()
    return torch.cat((x[..., :2], x[..., 2:].relu()), dim=-1)


def through_a_view(x: Tensor) -> Tensor:
    return (x * 1).flatten(1).relu_().view_as(x)


def scripted(x: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is on its way out
        return torch.jit.script(nn.Sequential(nn.ReLU()))(x)


RECTIFIERS: dict[str, Callable[[Tensor], Tensor]] = {
    "nn.ReLU": nn.ReLU(),
    "nn.ReLU in place": nn.ReLU(inplace=True),
    "nn.ReLU6": nn.ReLU6(),
    "nn.ReLU6 in place": nn.ReLU6(inplace=True),
    "nn.Threshold": nn.Threshold(0, 0),
    "nn.Hardtanh": nn.Hardtanh(0, 9),
    "nn.LeakyReLU of slope 0": nn.LeakyReLU(0.0),
    "F.relu": functional.relu,
    "F.relu in place": lambda x: functional.relu(x, inplace=True),
    "F.relu6": functional.relu6,
    "F.threshold": lambda x: functional.threshold(x, 0, 0),
    "torch.relu": torch.relu,
    "torch.relu_": torch.relu_,
    "Tensor.relu": Tensor.relu,
    "Tensor.relu_": Tensor.relu_,
    "torch.ops": torch.ops.aten.relu.default,
    "clamp": lambda x: x.clamp(min=0),
    "clamp at both ends": lambda x: x.clamp(0, 6),
    "clamp_": lambda x: x.clamp_(min=0.0),
    "clamp by a tensor": lambda x: x.clamp(torch.zeros(1)),
    "clamp_min": lambda x: torch.clamp_min(x, 0),
    "clip": lambda x: x.clip(0),
    "maximum": lambda x: torch.maximum(x, torch.zeros(())),
    "max": lambda x: torch.max(torch.zeros(()), x),
    "a part in place": half_in_place,
    "a view in place": through_a_view,
    "TorchScript": scripted,
}


def grey(*row: int) -> ImageInput:
    """Make a grey row of fifths: 0 to 5 stand for 0.0 to 1.0."""
    values = np.array([row], np.uint8) * 51
    return ImageInput(np.repeat(values[:, :, None], 3, axis=2))


def row_network(rectifier: Callable[[Tensor], Tensor]) -> nn.Module:
    """Red of four pixels less 0.4, rectified; the logit is their sum times (2, -3, 5, -7)."""
    conv, linear = nn.Conv2d(3, 1, 1), nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1))
        conv.bias.fill_(-0.4)
        linear.weight.copy_(torch.tensor([[2.0, -3.0, 5.0, -7.0]]))
    middle = rectifier if isinstance(rectifier, nn.Module) else Lambda(rectifier)
    return nn.Sequential(conv, middle, nn.Flatten(), linear)


@pytest.mark.parametrize("name", RECTIFIERS)
def test_every_rectifier_worked_out_by_hand(load, name):
    """It is given -0.4, -0.2, 0.2 and 0.6, and the gradient 2, -3, 5, -7 comes back to it."""
    model = load(row_network(RECTIFIERS[name]), size=(1, 4), labels=("only",))
    image = grey(0, 1, 3, 5)

    plain, guided, deconvnet = (
        kind()(model, image).colours[0] for kind in (Saliency, GuidedBackprop, Deconvnet)
    )

    np.testing.assert_allclose(plain[:, 0], [0, 0, 5, -7], atol=1e-6)
    np.testing.assert_allclose(guided[:, 0], [0, 0, 5, 0], atol=1e-6)  # input and gradient above 0
    np.testing.assert_allclose(deconvnet[:, 0], [2, 0, 5, 0], atol=1e-6)  # gradient above 0
    assert not guided[:, 1:].any() and not deconvnet[:, 1:].any()


def test_relu6_lets_nothing_back_above_six(load):
    """It is given 3 and 9: the derivative is 0 at the second, a deconvnet does not ask."""
    conv, linear = nn.Conv2d(3, 1, 1, bias=False), nn.Linear(2, 1)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([15.0, 0, 0]).view(1, 3, 1, 1))
        linear.weight.copy_(torch.tensor([[1.0, 2.0]]))
    network = nn.Sequential(conv, nn.ReLU6(), nn.Flatten(), linear)
    model = load(network, size=(1, 2), labels=("only",))

    guided, deconvnet = (kind()(model, grey(1, 3)).colours for kind in (GuidedBackprop, Deconvnet))

    np.testing.assert_allclose(guided[0, :, 0], [15, 0])
    np.testing.assert_allclose(deconvnet[0, :, 0], [15, 30])


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (nn.SiLU(), "SiLU"),
        (nn.GELU(), "GELU"),
        (nn.Tanh(), "Tanh"),
        (nn.LeakyReLU(), "leaky ReLU"),
        (nn.PReLU(), "PReLU"),
        (nn.ELU(), "ELU"),
        (nn.Hardswish(), "Hardswish"),
        (nn.Hardtanh(), "Hardtanh"),
        (nn.Sequential(nn.Mish(), nn.Sigmoid(), nn.Softplus()), "Mish, Sigmoid and Softplus"),
    ],
)
@pytest.mark.parametrize("kind", [GuidedBackprop, Deconvnet])
def test_networks_without_rectifiers_are_refused_with_what_they_use(load, kind, activation, name):
    model = load(row_network(activation), size=(1, 4), labels=("only",))

    with pytest.raises(LayerError, match=rf"no rectifier \(ReLU\) to guide: it uses {name}\. "):
        kind()(model, grey(0, 1, 3, 5))


def test_a_linear_network_is_refused_too(load):
    model = load(row_network(nn.Identity()), size=(1, 4), labels=("only",))

    with pytest.raises(LayerError, match=r"it rectifies nothing\. .*Integrated gradients"):
        GuidedBackprop()(model, grey(0, 1, 3, 5))


def test_what_stays_unguided_beside_rectifiers_is_said(load):
    """A gate's sigmoid weighs channels; a hardswish is an activation that no rule reaches."""
    gated = row_network(lambda x: functional.relu(x) * x.sigmoid())
    mixed = row_network(lambda x: functional.hardswish(functional.relu(x)))

    notes = [
        GuidedBackprop()(load(network, size=(1, 4), labels=("only",)), grey(0, 1, 3, 5)).diagnosis
        for network in (gated, mixed)
    ]

    assert notes[0].notes == ()
    assert notes[1].notes == (
        "tiny uses Hardswish beside ReLU: the plain gradient came back through those.",
    )


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.clamp(min=1e-6),
        lambda x: x.clamp(max=0),
        lambda x: functional.threshold(x, 0.1, 0),
        lambda x: torch.maximum(x, x * 2),
        functional.leaky_relu,
    ],
)
def test_other_bounds_are_no_rectifiers(function):
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    scores = function(x).sum()
    with ruled(scores, "guided") as bends:
        (slope,) = torch.autograd.grad(scores, x)

    assert bends.rectifiers == 0
    torch.testing.assert_close(slope, torch.autograd.grad(function(x).sum(), x)[0])


# A maximum keeps both of its two, and nothing says which of them was rectified.
@pytest.mark.parametrize("name", sorted(RECTIFIERS.keys() - {"max", "maximum"}))
def test_a_blocked_gradient_is_redirected_whoever_rectifies(name):
    values = torch.tensor([[-1.0, -2.0, -3.0]], requires_grad=True)
    score = (RECTIFIERS[name](values * 1) * torch.tensor([2.0, -1.0, 3.0])).sum()
    with ruled(score, "redirected"):
        (slope,) = torch.autograd.grad(score, values)
    assert slope.tolist() == [[2, 0, 3]]  # only what pushes a value up


def test_what_is_alive_keeps_its_own_gradient():
    values = torch.tensor([[-1.0, 2.0], [-1.0, -2.0]], requires_grad=True)
    score = functional.relu(values).sum()
    with ruled(score, "redirected"):
        (slope,) = torch.autograd.grad(score, values)
    assert slope.tolist() == [[0, 1], [1, 1]]  # the second picture alone was blocked


def test_the_rule_ends_with_the_block():
    x = torch.tensor([-1.0, 2.0, 3.0], requires_grad=True)
    scores = (x.relu() * torch.tensor([1.0, -1.0, 1.0])).sum()

    with ruled(scores, "guided") as bends:
        (guided,) = torch.autograd.grad(scores, x, retain_graph=True)
    with ruled(scores, None):
        (plain,) = torch.autograd.grad(scores, x)

    assert (bends.rectifiers, bends.others) == (1, ())
    assert guided.tolist() == [0, 0, 1]
    assert plain.tolist() == [0, -1, 1]


def test_every_call_of_a_reused_rectifier_counts(noise):
    network = Residual().eval().requires_grad_(False)
    x = torch.rand(1, 3, 8, 8, requires_grad=True)

    scores = network(x)
    with ruled(scores, "deconvnet") as bends:
        pass

    assert bends.rectifiers == 2
    assert len(nodes_of(scores)) == len(set(nodes_of(scores)))


def test_softmax_ended_networks_are_led_back_from_their_logits(load, noise):
    bare, ended = load(Ending(nn.Identity())), load(Ending(nn.Softmax(1)))

    for kind in (Saliency, GuidedBackprop, Deconvnet):
        wanted, got = kind(target=1)(bare, noise()), kind(target=1)(ended, noise())
        np.testing.assert_array_equal(got.colours, wanted.colours)
        assert (wanted.diagnosis.softmax, got.diagnosis.softmax) == (False, True)
