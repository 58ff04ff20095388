"""How much channels speak for a class, by hand and against captum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from networks import Plain, Residual, SideBranch
from torch import nn

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.selectivity import selectivity
from cnnviz_desktop.errors import Cancelled, LayerError


class Averages(nn.Module):
    """Logits are weighted means of the colours: every number can be worked out by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.same = nn.Conv2d(3, 3, 1, bias=False)
        self.fc = nn.Linear(3, 2, bias=False)
        with torch.no_grad():
            self.same.weight.copy_(torch.eye(3)[:, :, None, None])
            self.fc.weight.copy_(torch.tensor([[2.0, -1.0, 0.0], [1.0, 1.0, 1.0]]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.same(x).mean((2, 3)))


def test_contributions_by_hand(load) -> None:
    model = load(Averages(), labels=("warm", "bright"))
    colours = np.zeros((8, 8, 3), np.uint8)
    colours[:, :4] = (255, 51, 0)  # means: red 0.5, green 0.1, blue 0
    found = selectivity(model, ImageInput(colours), "same", target="warm")
    assert found.values == pytest.approx([2 * 0.5, -0.1, 0.0])  # weight times mean
    assert found.score == pytest.approx(0.9)
    assert (found.target, found.target_label, found.layer) == (0, "warm", "same")
    likeliest = selectivity(model, ImageInput(colours), "same")
    assert likeliest.target_label == "warm"  # 0.9 against 0.6
    bright = selectivity(model, ImageInput(colours), "same", target=1)
    assert bright.values == pytest.approx([0.5, 0.1, 0.0])


def test_contributions_add_up_to_a_logit_without_biases(load, noise) -> None:
    network = Plain()
    nn.init.zeros_(network.fc.bias)
    nn.init.zeros_(network.conv2.bias)
    model = load(network)
    for layer in ("relu1", "relu2", "pool"):
        found = selectivity(model, noise(), layer, target=1)
        assert float(found.values.sum()) == pytest.approx(found.score, rel=1e-4, abs=1e-6)


def test_each_call_of_a_shared_layer_has_its_own(load, noise) -> None:
    model = load(Residual())
    first, last = (selectivity(model, noise(), "relu", call=call) for call in (0, -1))
    assert not np.allclose(first.values, last.values)


def test_vectors_have_one_number_a_channel(load, noise) -> None:
    found = selectivity(load(Plain()), noise(), "flatten")
    assert found.values.shape == (6,)


def test_what_the_answer_does_not_pass_is_refused(load, noise) -> None:
    with pytest.raises(LayerError, match="does not depend on side"):
        selectivity(load(SideBranch()), noise(), "side")


def test_a_cancelled_run_stops(load, noise) -> None:
    run = Run()
    run.cancel()
    with pytest.raises(Cancelled):
        selectivity(load(Plain()), noise(), "relu1", run=run)


def test_it_is_captums_gradient_times_activation(squeezenet, photograph) -> None:
    from captum.attr import LayerGradientXActivation

    model = squeezenet
    found = selectivity(model, photograph, "features.12")
    tensor, _region = model.prepare(photograph)
    layer = model.module.get_submodule("features.12")
    tensor.requires_grad_()
    (wanted,) = LayerGradientXActivation(model.module, layer).attribute(tensor, found.target)
    wanted = wanted.detach().sum(dim=(1, 2)).numpy()
    assert np.abs(found.values - wanted).max() <= 1e-4 * np.abs(wanted).max()
