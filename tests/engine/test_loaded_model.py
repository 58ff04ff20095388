"""A network is made ready as it comes: grey, half precision, with a path for a name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from networks import Ending, Mnist, Plain
from torch import Tensor, nn

from cnnviz_desktop.data import Finding, InputSpec
from cnnviz_desktop.engine.inspection import inspect
from cnnviz_desktop.engine.loaded_model import LoadedModel, ready
from cnnviz_desktop.engine.preprocessing import Preprocessing
from cnnviz_desktop.engine.techniques import GradCam
from cnnviz_desktop.errors import LayerError, ModelError

CPU = torch.device("cpu")
GREY = Preprocessing((28, 28), 28, (0.5,), (0.5,))


def opened(
    module: nn.Module, name: str = "own", preprocessing: Preprocessing = GREY
) -> LoadedModel:
    return ready(name, module, (), preprocessing, CPU, "none")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("vgg16", "vgg16"),
        ("timm:resnetv2_50", "timm:resnetv2_50"),
        (str(Path("folder") / "net.pt2"), "net.pt2"),
        (str(Path("folder") / "nets.py:make_model"), "nets.py:make_model"),
        ("net.onnx", "net.onnx"),
    ],
)
def test_the_title_is_the_name_without_folders(name, title):
    model = opened(Mnist(), name)

    assert (model.name, model.title) == (name, title)
    with pytest.raises(LayerError) as caught:
        model.layer("conv9")
    assert str(caught.value).startswith(f"{title} has no layer “conv9”. Did you mean conv")
    assert f"“cnnviz layers {name} --weights none” lists" in str(caught.value)


def test_the_summary_tells_grey_from_rgb():
    assert " · 28×28 grey · 10 classes" in opened(Mnist()).summary
    assert " · 8×16 · 3 classes" in opened(Plain(), "own", Preprocessing((8, 16), 8)).summary


def test_the_pass_has_the_channels_and_the_size_of_the_input():
    seen = []

    class Noting(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(tuple(x.shape))
            return x.mean((2, 3))

    opened(Noting(), "own", Preprocessing((20, 30), 20, (0.5,), (0.5,)))

    assert seen == [(1, 1, 20, 30)]  # once: a pass of a large network takes its time


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_precision_run_in_single(noise, kind):
    wanted = opened(Plain(), "own", Preprocessing((8, 8), 8))
    model = opened(Plain().to(kind), "own", Preprocessing((8, 8), 8))

    assert {item.dtype for item in model.module.parameters()} == {torch.float32}
    assert not any(item.severity == "error" for item in model.findings)
    np.testing.assert_allclose(
        inspect(model, noise()).logits, inspect(wanted, noise()).logits, atol=1e-2
    )


def test_the_network_itself_is_taken_not_a_copy():
    module = Ending(nn.Softmax(1))
    weight = module.fc.weight

    model = opened(module, "own", Preprocessing((8, 8), 8))

    assert model.module is module
    assert model.module.fc.weight is weight
    assert {item.device for item in model.module.parameters()} == {CPU}


def test_the_number_of_labels_picks_the_scores_among_outputs(noise):
    class Several(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            pooled = x.mean((2, 3))
            return torch.cat([pooled, pooled], 1), pooled

    three = Preprocessing((8, 8), 8)
    model = ready("own", Several(), ("red", "green", "blue"), three, CPU, "none")
    assert inspect(model, noise()).logits.shape == (3,)
    assert model.labels == ("red", "green", "blue")
    model = ready("own", Several(), (), three, CPU, "none")
    assert len(model.labels) == len(inspect(model, noise()).logits) == 6


def test_what_was_said_and_noticed_is_kept():
    said = InputSpec(mean=(0.1,), labels=Path("names.txt"))
    noticed = Finding("warning", "missing", "Two are missing.", ("a", "b"))

    model = ready("own", Mnist(), (), GREY, CPU, "a.pth", findings=(noticed,), spec=said)

    assert model.spec is said
    assert model.findings[0] is noticed
    assert model.with_fit("pad").findings == model.findings
    assert opened(Mnist()).spec == InputSpec()


def test_a_network_that_fails_is_one_sentence():
    with pytest.raises(ModelError) as caught:
        opened(Plain())
    assert "fails at a picture of 1×28×28 (channels, height, width): " in str(caught.value)
    assert "--size" in str(caught.value)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_broken_answer_is_no_number_and_no_warning(load, noise, value):
    model = load(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)))
    with torch.no_grad():
        model.module[1].bias[1] = value

    answer = inspect(model, noise())

    assert not np.isfinite(answer.probabilities[1]) and answer.labels == model.labels


def test_filters_of_a_network_without_convolutions_ask_for_a_layer(load):
    model = load(nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(48, 3)))

    assert model.default_layer == "0"
    with pytest.raises(LayerError, match="no convolution to begin with: name a layer"):
        model.layer(None, weights=True)
    assert model.layer("2", weights=True).kind == "Linear"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_another_device_gives_the_same(noise):
    plain = opened(Ending(nn.Softmax(1)), "own", Preprocessing((8, 8), 8))
    device = torch.device("cuda")
    there = ready("own", Ending(nn.Softmax(1)), (), Preprocessing((8, 8), 8), device, "none")

    assert {item.device.type for item in there.module.parameters()} == {"cuda"}
    assert [item.title for item in there.findings] == [item.title for item in plain.findings]
    np.testing.assert_allclose(
        inspect(there, noise()).logits, inspect(plain, noise()).logits, atol=1e-4
    )
    np.testing.assert_allclose(
        GradCam(target=1)(there, noise()).values,
        GradCam(target=1)(plain, noise()).values,
        atol=1e-5,
    )
