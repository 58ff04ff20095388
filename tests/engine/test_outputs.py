"""Scores are found in whatever a network gives, and before the softmax that it ends with."""

from __future__ import annotations

import copy
import gc
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from networks import Containers, Ending, Lambda, Plain, Residual
from torch import Tensor, nn
from torch.nn import functional

from cnnviz_desktop.data import Finding
from cnnviz_desktop.engine.inspection import inspect
from cnnviz_desktop.engine.outputs import scores_of, use_logits, watched
from cnnviz_desktop.engine.recording import forward_from, record
from cnnviz_desktop.engine.techniques import FeatureMaps, GradCam


class Named(NamedTuple):
    features: Tensor
    logits: Tensor


@dataclass
class Answer:
    hidden: Tensor
    pred: Tensor


class Both(OrderedDict):
    """Like the outputs of transformers: a mapping and a dataclass at once."""


def taken_off(module: nn.Module, picture: Tensor) -> Finding | None:
    """Take the softmax off a network's end, after one pass that was watched."""
    with torch.inference_mode(), watched(module) as watch:
        module(picture)
    return use_logits(module, watch)


def close(got: Any, wanted: Any) -> None:
    """Compare maps within a millionth of the largest value."""
    largest = np.abs(wanted).max()
    assert largest > 0
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6 * largest)


A, B = torch.zeros(1, 5), torch.ones(1, 3)
MAPS = torch.zeros(1, 4, 2, 2)


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (B, B),
        ((B, A), B),
        ([MAPS, B, A], B),
        ({"features": A, "logits": B}, B),
        ({"aux": A, "out": B}, B),
        ({"a": A, "output": B}, B),
        ({"first": B, "second": A}, B),
        (Named(A, B), B),
        (Answer(A, B), B),
        (Both(hidden=MAPS, scores=B), B),
        ({"inner": {"maps": MAPS, "scores": B}}, B),
        ((None, "text", 3, B), B),
        ({"out": MAPS, "scores": B}, B),
        ({"logits": torch.zeros(1, 3, dtype=torch.long), "scores": B}, B),
        (MAPS, None),
        (None, None),
        ("text", None),
        ((), None),
        ([[[[[B]]]]], None),  # deeper than anybody nests
    ],
)
def test_the_scores_are_found(output, wanted):
    assert scores_of(output) is wanted


def test_the_number_of_classes_decides_between_nameless_tensors():
    assert scores_of((A, B), 3) is B
    assert scores_of((A, B), 5) is A
    assert scores_of((A, B), 7) is A
    assert scores_of({"logits": A, "other": B}, 3) is A
    maps = (torch.zeros(1, 5, 1, 1), torch.ones(1, 3, 1, 1))
    torch.testing.assert_close(scores_of(maps, 3), B)


def test_axes_of_one_cell_are_left_out_and_a_missing_one_is_added():
    wide = torch.arange(6.0).reshape(2, 3, 1, 1)
    torch.testing.assert_close(scores_of(wide), torch.arange(6.0).reshape(2, 3))
    torch.testing.assert_close(scores_of(torch.arange(3.0)), torch.tensor([[0.0, 1, 2]]))
    assert scores_of(torch.zeros(1)) is None  # one number may be one picture's or one class's


# ------------------------------------------------------------------------------- the last softmax


class SoftmaxCall(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.softmax(dim=1)


SOFTMAXES = {
    "module": nn.Softmax(dim=1),
    "log module": nn.LogSoftmax(dim=1),
    "F.softmax": lambda x: functional.softmax(x, dim=1),
    "F.log_softmax": lambda x: functional.log_softmax(x, 1),
    "torch.softmax": lambda x: torch.softmax(x, 1),
    "torch.log_softmax": lambda x: torch.log_softmax(input=x, dim=1),
    "method": lambda x: x.softmax(-1),
    "log method": lambda x: x.log_softmax(1),
    "special": lambda x: torch.special.softmax(x, 1),
    "aten": lambda x: torch.ops.aten.softmax.int(x, 1),
    "inner module": nn.Sequential(nn.Identity(), SoftmaxCall(), nn.Identity()),
    "lambda": Lambda(lambda x: functional.softmax(x, 1)),
    "in a tuple": lambda x: (x.softmax(1), None),
    "in a list": lambda x: [x.softmax(1), x],
    "in a dict": lambda x: {"note": "text", "probabilities": x.softmax(1)},
    "in a named tuple": lambda x: Named(torch.zeros(1, 2, 4, 4), x.softmax(1)),
    "in a dataclass": lambda x: Answer(torch.zeros(1, 2, 4, 4), x.softmax(1)),
    "viewed": lambda x: x.softmax(1).view(x.shape[0], 3, 1, 1),
    "copied": lambda x: x.softmax(1).double().clone().float(),
    "squeezed": lambda x: x.softmax(1).squeeze(),
    "after another": lambda x: (x + 0 * x.softmax(1)).softmax(1),
}


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize("end", SOFTMAXES.values(), ids=SOFTMAXES)
def test_a_softmax_at_the_end_changes_no_answer_and_no_map(load, noise, end, inplace):
    plain = load(Ending(lambda x: x, inplace))
    model = load(Ending(end, inplace))
    image = noise()

    assert [item.severity for item in model.findings if "oftmax at the end" in item.title] == [
        "info"
    ]
    got, wanted = inspect(model, image), inspect(plain, image)
    np.testing.assert_allclose(got.logits, wanted.logits, atol=1e-6)
    np.testing.assert_allclose(got.probabilities, wanted.probabilities, atol=1e-6)
    for layer in ("features", "features.0", "features.1", "features.2"):
        for target in range(3):
            ours = GradCam(layer=layer, target=target)(model, image)
            theirs = GradCam(layer=layer, target=target)(plain, image)
            close(ours.values, theirs.values)
            assert ours.score == pytest.approx(theirs.score, abs=1e-6)
        maps = FeatureMaps(layer=layer)(model, image).values
        np.testing.assert_array_equal(maps, FeatureMaps(layer=layer)(plain, image).values)


def test_grad_cam_of_a_mean_and_a_linear_layer_is_the_map_of_its_weights(load, noise):
    """By hand: d score / d A = W / (h w), so the map is the sum of W A / 64."""
    model = load(Ending(nn.Softmax(1)))
    maps = FeatureMaps(layer="features")(model, noise()).values
    weights = model.module.fc.weight[2].numpy()

    found = GradCam(target=2)(model, noise())

    assert found.layer == "features"
    close(found.values, np.tensordot(weights, maps, 1) / 64)


def test_layers_keep_their_names_and_the_softmax_its_output(load, noise):
    model = load(Ending(nn.Softmax(dim=1)))
    names = [name for name, _ in Ending(nn.Softmax(dim=1)).named_modules()]

    assert [node.name for node in model.layers.walk()] == names
    assert model.layers.kind == type(model.module).__name__ == "Ending"
    assert isinstance(model.module, Ending)
    shown = FeatureMaps(layer="end")(model, noise()).values.ravel()
    np.testing.assert_allclose(shown, inspect(model, noise()).probabilities, atol=1e-6)
    assert list(model.module.state_dict()) == list(Ending(None).state_dict())


def test_recording_and_cutting_work_on_a_network_with_its_softmax_taken_off():
    picture = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    module = Ending(lambda x: functional.softmax(x, 1)).eval().requires_grad_(False)
    assert taken_off(module, picture) is not None
    plain = Ending(lambda x: x).eval().requires_grad_(False)

    kept = record(module, picture, {"features.2": 1, "fc": 1})
    torch.testing.assert_close(kept["fc"][0], plain(picture))
    leaf, output = forward_from(module, picture, "features.2", 0)
    other, wanted = forward_from(plain, picture, "features.2", 0)
    torch.testing.assert_close(output, wanted)
    ours = torch.autograd.grad(output[0, 1], leaf)[0]
    torch.testing.assert_close(ours, torch.autograd.grad(wanted[0, 1], other)[0])
    several = torch.randn(4, 3, 8, 8)
    torch.testing.assert_close(module(several), plain(several))


def test_a_copy_has_weights_of_its_own_and_nothing_holds_the_network():
    module = Ending(nn.Softmax(1)).eval()
    picture = torch.ones(1, 3, 8, 8)
    taken_off(module, picture)
    other = copy.deepcopy(module)
    with torch.no_grad():
        other.fc.bias += 1
    torch.testing.assert_close(other(picture), module(picture) + 1)

    gone = weakref.ref(module)
    gc.disable()
    try:
        del module
        assert gone() is None  # at once, not at the next collection
    finally:
        gc.enable()


def test_a_forward_that_someone_put_on_the_instance_is_used():
    module = Ending(lambda x: x).eval()
    inner = module.forward
    module.forward = lambda x: inner(x).softmax(1)
    picture = torch.ones(1, 3, 8, 8)

    assert taken_off(module, picture) is not None

    torch.testing.assert_close(module(picture), Ending(lambda x: x).eval()(picture))


class Attention(nn.Module):
    """A softmax inside, of as many numbers as there are classes, and none at the end."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(11)
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.conv(x).mean((2, 3))
        return scores * scores.softmax(1)


@pytest.mark.parametrize("network", [Plain, Residual, Attention])
def test_a_network_without_a_softmax_at_its_end_is_left_alone(network):
    module = network().eval()

    assert taken_off(module, torch.ones(1, 3, 8, 8)) is None
    assert type(module) is network


def test_logits_beside_their_softmax_are_taken_as_they_are():
    module = Ending(lambda x: {"probabilities": x.softmax(1), "logits": x}).eval()

    assert taken_off(module, torch.ones(1, 3, 8, 8)) is None
    given = module(torch.ones(1, 3, 8, 8))
    torch.testing.assert_close(given["probabilities"], given["logits"].softmax(1))


@pytest.mark.parametrize(
    "end", [nn.Sigmoid(), torch.sigmoid, lambda x: x.sigmoid(), lambda x: x.sigmoid_()]
)
def test_a_sigmoid_is_told_and_left(end):
    module = Ending(end).eval()
    picture = torch.ones(1, 3, 8, 8)
    wanted = module(picture)

    found = taken_off(module, picture)

    assert found is not None and found.severity == "warning" and "yes or no" in found.detail
    torch.testing.assert_close(module(picture), wanted)


@pytest.mark.parametrize(
    "end", [lambda x: x.exp() / x.exp().sum(1, keepdim=True), lambda x: x - x.logsumexp(1)[:, None]]
)
def test_probabilities_made_by_hand_are_told(end):
    found = taken_off(Ending(end).eval(), torch.ones(1, 3, 8, 8))

    assert found is not None and found.title == "Answers are probabilities"


def test_a_softmax_of_nan_is_noticed_too():
    module = Ending(nn.Softmax(1)).eval()
    with torch.no_grad():
        module.fc.weight[0, 0] = float("nan")

    assert taken_off(module, torch.ones(1, 3, 8, 8)) is not None
    assert module(torch.ones(1, 3, 8, 8)).isnan().any()


def test_an_exported_network_ends_with_aten_functions(load, noise):
    plain = load(Ending(lambda x: x))
    exported = torch.export.export(Ending(nn.Softmax(1)).eval(), (torch.zeros(1, 3, 8, 8),))
    model = load(torch.export.unflatten(exported))

    assert any(item.title == "Softmax at the end" for item in model.findings)
    np.testing.assert_allclose(
        inspect(model, noise()).logits, inspect(plain, noise()).logits, atol=1e-6
    )


# -------------------------------------------------------------------------- outputs of all kinds


@pytest.mark.parametrize(
    "end",
    [
        lambda x: (x, None),
        lambda x: [x, x * 2],
        lambda x: {"aux": torch.zeros(1, 7, 2, 2), "out": x},
        lambda x: Named(x * 3, x),
        lambda x: Answer(x[:, :2], x),
        lambda x: x[:, :, None, None],
    ],
)
def test_predictions_and_explanations_take_what_networks_give(load, noise, end):
    model, plain = load(Ending(end)), load(Ending(lambda x: x))

    np.testing.assert_allclose(
        inspect(model, noise()).logits, inspect(plain, noise()).logits, atol=1e-6
    )
    for target in range(3):
        close(
            GradCam(target=target)(model, noise()).values,
            GradCam(target=target)(plain, noise()).values,
        )
    assert not any(item.title == "Not a classifier" for item in model.findings)


@pytest.mark.parametrize("kind", ["tuple", "list", "dict", "named"])
def test_layers_that_give_containers_work_in_a_model(load, noise, kind):
    model = load(Containers(kind))

    assert inspect(model, noise()).logits.shape == (3,)
    assert GradCam(layer="giver")(model, noise()).values.shape == (8, 8)


class Twice(nn.Module):
    """One convolution called twice, a functional ReLU and a sum in place."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(12)
        self.stem = nn.Conv2d(3, 4, 1)
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.act = Lambda(functional.relu)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        first = self.act(self.conv(self.stem(x)))
        out = self.conv(first)
        out += first
        return self.fc(functional.relu(out, inplace=True).mean((2, 3)))


@pytest.mark.parametrize("call", [0, 1])
def test_grad_cam_of_a_layer_called_twice_is_autograds(load, noise, call):
    """The network written out, with the output of one call as a leaf."""
    model = load(Twice())
    module: Any = model.module
    tensor, _ = model.prepare(noise())
    with torch.enable_grad():
        maps = module.conv(module.stem(tensor))
        if call == 0:
            maps = maps.detach().requires_grad_()
        first = maps.relu()
        second = module.conv(first)
        if call == 1:
            second = second.detach().requires_grad_()
        score = module.fc((second + first.detach() if call else second + first).relu().mean((2, 3)))
        leaf = second if call else maps
        (gradient,) = torch.autograd.grad(score[0, 1], leaf)
    wanted = (gradient.mean((2, 3), keepdim=True) * leaf).sum(1)[0].detach().numpy()

    found = GradCam(layer="conv", call=call, target=1)(model, noise())

    close(found.values, wanted)


def test_a_watched_pass_knows_which_parameters_took_part():
    module = Ending(lambda x: x).eval()
    module.spare = nn.Linear(2, 2)

    with torch.inference_mode(), watched(module) as watch:
        module(torch.ones(1, 3, 8, 8))
        assert module.spare.weight.device.type == "cpu"  # a look at it is no use of it

    names = {name for name, item in module.named_parameters() if id(item) in watch.used}
    assert names == set(Ending(None).state_dict())
    assert isinstance(watch.answer, Tensor)
