"""Whole networks that PyTorch wrote open once they are trusted, with layers that can be hooked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from networks import Functional, LeNet, Plain, Residual
from torch import nn

from cnnviz_desktop.engine.inspection import inspect
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.recording import record
from cnnviz_desktop.engine.techniques import FeatureMaps, Filters, GradCam
from cnnviz_desktop.errors import ModelError, TrustError


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNVIZ_CONFIG_DIR", str(tmp_path / "settings"))


@pytest.fixture
def export(tmp_path: Path):
    def exported(module: nn.Module, size: tuple[int, ...] = (1, 3, 8, 8), **options) -> Path:
        path = tmp_path / "net.pt2"
        program = torch.export.export(module, (torch.zeros(size),), **options)
        torch.export.save(program, path)
        return path

    return exported


@pytest.mark.parametrize("kind", [Plain, Functional, Residual])
@pytest.mark.parametrize("inplace", [True, False])
def test_an_export_is_the_network_it_was_made_from(export, load, noise, kind, inplace):
    module = kind(inplace).eval()
    path = export(module)
    with pytest.raises(TrustError, match=r"net\.pt2 runs code of its own when it is opened"):
        load_model(path)
    model = load_model(path, trust=True)
    model = load_model(path)  # remembered

    assert model.preprocessing.size == (8, 8)
    assert (model.name, model.title, model.weights) == (str(path), "net.pt2", "pretrained")
    original = load(module)
    names = {node.name: node for node in original.layers.walk() if node.calls}
    for node in model.layers.walk():
        if node.calls and node.name in names:
            assert (node.output_shape, node.calls) == (
                names[node.name].output_shape,
                names[node.name].calls,
            )
            if node.name:
                assert node.kind == names[node.name].kind
    assert names.keys() <= {node.name for node in model.layers.walk()}
    assert model.default_layer == original.default_layer

    tensor, _ = model.prepare(noise())
    torch.testing.assert_close(
        model.logits(model.module(tensor)), original.logits(original.module(tensor))
    )
    calls = {name: node.calls for name, node in names.items() if name}
    ours, theirs = record(model.module, tensor, calls), record(original.module, tensor, calls)
    for name in calls:
        for one, other in zip(ours[name], theirs[name], strict=True):
            torch.testing.assert_close(one, other)


def test_techniques_agree_with_the_original(export, load, noise):
    module = Residual().eval()
    model = load_model(export(module), trust=True)
    original = load(module)
    model = type(model)(**{**vars(model), "preprocessing": original.preprocessing})
    image = noise()
    for technique in (
        GradCam(layer="conv2", target=1),
        FeatureMaps(layer="bn1"),
        FeatureMaps(layer="relu", call=0),
    ):
        one, other = technique(model, image), technique(original, image)
        np.testing.assert_allclose(one.values, other.values, rtol=1e-5, atol=1e-6)
    one, other = Filters(layer="stem")(model), Filters(layer="stem")(original)
    np.testing.assert_array_equal(one.values, other.values)
    again = FeatureMaps(layer="conv1")(model, image)  # after passes that were ended early
    np.testing.assert_allclose(again.values, FeatureMaps(layer="conv1")(original, image).values)
    assert inspect(model, image).logits == pytest.approx(inspect(original, image).logits, abs=1e-5)


def test_the_input_of_an_export_is_taken_from_it(export):
    model = load_model(export(LeNet().eval(), (1, 3, 32, 32)), trust=True)
    assert model.preprocessing.size == (32, 32)
    grey = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = load_model(export(grey, (1, 1, 17, 23)), trust=True)
    assert (model.preprocessing.size, model.preprocessing.channels) == ((17, 23), 1)


def test_an_export_in_training_mode_answers_without_chance_and_says_so(export, noise):
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.Dropout(0.5),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    model = load_model(export(net.train()), trust=True)
    found = {item.title: item for item in model.findings}
    assert found["Exported while training"].items == ("1", "2")
    one, two = inspect(model, noise()).logits, inspect(model, noise()).logits
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("size", "words"),
    [((2, 3, 8, 8), "takes 2 pictures at once"), ((1, 3, 8), "a tensor of 3 axes")],
)
def test_exports_that_take_no_picture_say_so(export, size, words):
    path = export(nn.ReLU(), size)
    with pytest.raises(ModelError, match=words):
        load_model(path, trust=True)


def test_an_export_of_another_version_or_a_damaged_one_is_one_sentence(export, tmp_path):
    path = export(Plain().eval())
    data = bytearray(path.read_bytes())
    place = data.index(b'"graph_module"')
    data[place : place + 14] = b'"graph_nodule"'
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"cannot be opened .*export it again"):
        load_model(path, trust=True)


# --------------------------------------------------------------------------------- pickled modules


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("place", ["", "model", "ema"])
def test_a_pickled_network_opens_once_it_is_trusted(tmp_path, load, noise, place, legacy):
    path, module = tmp_path / "whole.pth", Residual().eval()
    content = {place: module, "epoch": 3} if place else module
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(TrustError) as caught:
        load_model(path)
    assert {"networks.Residual", "torch.nn.modules.conv.Conv2d"} <= set(caught.value.runs)

    model = load_model(path, trust=True)
    assert model.weights == "pretrained"
    tensor, _ = model.prepare(noise())
    torch.testing.assert_close(model.module(tensor), load(module).module(tensor))


def test_a_pickled_network_whose_code_is_not_here_says_what_to_do(tmp_path):
    path = tmp_path / "whole.pth"
    torch.save(Plain(), path)
    data = path.read_bytes().replace(b"cnetworks\n", b"cnetworkx\n")
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"needs Python code that is not here.*--factory"):
        load_model(path, trust=True)


def test_a_half_precision_network_runs_in_single(tmp_path, noise):
    path = tmp_path / "whole.pth"
    torch.save(Plain().half(), path)
    model = load_model(path, trust=True)
    assert {item.dtype for item in model.module.parameters()} == {torch.float32}
    assert inspect(model, noise()).probabilities.sum() == pytest.approx(1)


def test_whole_networks_take_no_weights(export, tmp_path):
    path = export(Plain().eval())
    with pytest.raises(ModelError, match="holds weights of its own: leave --weights none out"):
        load_model(path, "none")
