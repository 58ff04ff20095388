"""ONNX files become networks of PyTorch layers with the numbers of the network they are from."""

from __future__ import annotations

import builtins
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import LeNet, Plain, Residual
from torch import nn

from cnnviz_desktop.engine.inspection import inspect
from cnnviz_desktop.engine.model_files import recognise
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.onnx_models import load_onnx
from cnnviz_desktop.engine.techniques import FeatureMaps, Filters, GradCam
from cnnviz_desktop.errors import ModelError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnx2torch")

# Every exporter and converter has warnings of its own.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNVIZ_CONFIG_DIR", str(tmp_path / "settings"))


def export(module: nn.Module, path: Path, size: int = 8, dynamo: bool = False, **options) -> Path:
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            example = torch.zeros(1, 3, size, size)
            if dynamo:
                pytest.importorskip("onnxscript")
                options = {"external_data": False, "verbose": False, **options}
            torch.onnx.export(module.eval(), (example,), path, dynamo=dynamo, **options)
    finally:
        logging.disable(logging.NOTSET)
    return path


def made(path: Path, nodes: list[Any], weights: dict[str, np.ndarray], **options: Any) -> Path:
    """Write an ONNX file of one's own: x (1, 3, 8, 8) -> y."""
    helper = onnx.helper
    shape = options.pop("shape", [1, 3, 8, 8])
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    version = helper.make_opsetid("", options.pop("opset", 20))
    onnx.save(helper.make_model(graph, opset_imports=[version], ir_version=8), str(path))
    return path


# ----------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
@pytest.mark.parametrize("kind", [Plain, Residual, LeNet])
def test_the_numbers_are_those_of_the_network(tmp_path, noise, kind, dynamo):
    module = kind()
    size = 32 if kind is LeNet else 8
    path = export(module, tmp_path / "net.onnx", size, dynamo)
    assert recognise(path).kind == "onnx"
    model = load_model(path)
    assert model.preprocessing.size == (size, size)
    assert (model.title, model.weights) == ("net.onnx", "pretrained")
    tensor, _ = model.prepare(noise(size, size))
    with torch.no_grad():
        torch.testing.assert_close(model.module(tensor), module(tensor), rtol=1e-4, atol=1e-4)


def test_every_technique_works_and_layers_have_the_networks_names(tmp_path, noise):
    module = Plain()
    model = load_model(export(module, tmp_path / "net.onnx"))
    names = {node.name: node.kind for node in model.layers.walk() if node.calls}
    assert names["conv1"] == names["conv2"] == "Conv2d"
    assert names["relu1"] == "ReLU"
    assert model.default_layer in ("conv2", "relu2")
    with torch.no_grad():
        tensor, _ = model.prepare(noise())
        maps = module.relu1(module.conv1(tensor))
    found = FeatureMaps(layer="relu1")(model, noise()).values
    np.testing.assert_allclose(found, maps[0].numpy(), atol=1e-5)
    assert np.abs(GradCam(target=1)(model, noise()).values).max() > 0
    np.testing.assert_array_equal(
        Filters(layer="conv1")(model).values, module.conv1.weight.detach().numpy()
    )


ARCHITECTURES = ("resnet18", "mobilenet_v2", "squeezenet1_1", "shufflenet_v2_x0_5", "convnext_tiny")


@pytest.mark.slow
@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_torchvisions_networks_keep_their_numbers(tmp_path, name, dynamo):
    import torchvision

    torch.manual_seed(0)
    module = torchvision.models.get_model(name, weights=None).eval()
    path = export(module, tmp_path / "net.onnx", 64, dynamo)
    converted, shape = load_onnx(path)
    assert shape == (3, 64, 64)
    tensor = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        wanted, found = module(tensor), converted.eval()(tensor)
    assert (found - wanted).abs().max() <= 1e-4 * wanted.abs().max()


# ------------------------------------------------------------------------- what the pre-pass mends


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def answers(path: Path, tensor: torch.Tensor) -> np.ndarray:
    module, _ = load_onnx(path)
    with torch.no_grad():
        return module(tensor).numpy()


def test_copies_of_weights_constants_and_axes_are_mended(tmp_path):
    """1x1 convolution of ones over x, its weight a copy of a copy, then the mean over positions."""
    weight = np.ones((2, 3, 1, 1), np.float32)
    bias = onnx.numpy_helper.from_array(np.array([0.5, -1], np.float32))
    path = made(
        tmp_path / "net.onnx",
        [
            node("Identity", "w", "w1"),
            node("Identity", "w1", "w2"),
            node("Constant", "", "b", value=bias),
            node("Conv", "x w2 b", "c"),
            node("Constant", "", "axes", value_ints=[2, 3]),
            node("ReduceMean", "c axes", "m", keepdims=0),
            node("Constant", "", "low", value_float=0.0),
            node("Clip", "m low", "y"),
        ],
        {"w": weight},
    )
    tensor = torch.ones(1, 3, 8, 8)
    np.testing.assert_allclose(answers(path, tensor), [[3.5, 2.0]])


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_is_that_of_pytorch(tmp_path, approximate):
    path = made(tmp_path / "net.onnx", [node("Gelu", "x", "y", approximate=approximate)], {})
    tensor = torch.linspace(-4, 4, 192).reshape(1, 3, 8, 8)
    wanted = nn.functional.gelu(tensor, approximate=approximate)
    np.testing.assert_allclose(answers(path, tensor), wanted.numpy(), atol=1e-6)


def test_splits_reshapes_and_copies_that_are_outputs_are_mended(tmp_path):
    path = made(
        tmp_path / "net.onnx",
        [
            node("Split", "x", "a b c", axis=1, num_outputs=3),
            node("Concat", "c a", "d", axis=1),
            node("Reshape", "d shape", "e", allowzero=1),
            node("Identity", "e", "y"),
        ],
        {"shape": np.array([1, 2, 64])},
    )
    tensor = torch.arange(192.0).reshape(1, 3, 8, 8)
    wanted = np.concatenate([np.arange(128, 192), np.arange(64)]).reshape(1, 2, 64)
    np.testing.assert_array_equal(answers(path, tensor), wanted)


# -------------------------------------------------------------------------------------- sentences


def test_an_operator_that_cannot_be_converted_is_named(tmp_path):
    path = made(tmp_path / "net.onnx", [node("Mish", "x", "y")], {})
    with pytest.raises(ModelError, match=r"uses the operator Mish.*torch\.export\.save"):
        load_model(path)


@pytest.mark.parametrize(
    ("shape", "words"),
    [([2, 3, 8, 8], "2 pictures at once"), ([1, 3, 8], "3 axes"), ([1, 8, 8, 3], "channels last")],
)
def test_inputs_that_are_no_picture_are_named(tmp_path, shape, words):
    path = made(tmp_path / "net.onnx", [node("Relu", "x", "y")], {}, shape=shape)
    with pytest.raises(ModelError, match=words):
        load_model(path)


def test_an_open_shape_is_found_out(tmp_path):
    weight = np.ones((2, 3, 3, 3), np.float32)
    path = made(
        tmp_path / "net.onnx",
        [
            node("Conv", "x w", "c"),
            node("GlobalAveragePool", "c", "p"),
            node("Flatten", "p", "y", axis=1),
        ],
        {"w": weight},
        shape=["n", 3, "h", "w"],
    )
    assert load_onnx(path)[1] is None
    assert len(load_model(path).labels) == 2


def test_without_the_packages_it_says_what_to_install(tmp_path, monkeypatch):
    path = made(tmp_path / "net.onnx", [node("Relu", "x", "y")], {})
    really = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name == "onnx2torch":
            raise ModuleNotFoundError("No module named 'onnx2torch'")
        return really(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModelError, match=r'pip install "cnnviz-desktop\[onnx\]"'):
        load_model(path)


def test_damaged_files_are_one_sentence(tmp_path):
    whole = made(
        tmp_path / "net.onnx",
        [node("Conv", "x w", "y")],
        {"w": np.ones((2, 3, 1, 1), np.float32)},
    ).read_bytes()
    path = tmp_path / "cut.onnx"
    for length in range(1, len(whole), 3):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            load_model(path)
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        try:
            load_model(path)
        except ModelError as error:
            assert str(error)


# ----------------------------------------------------------------------------------------- crafted


def outside(
    path: Path, location: str, offset: int = 0, dims: tuple[int, ...] = (2, 3, 1, 1)
) -> None:
    """Let the weights of a file lie in another one."""
    made(path, [node("Conv", "x w", "y")], {"w": np.ones((2, 3, 1, 1), np.float32)})
    model = onnx.load(str(path))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.dims[:] = dims
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", str(offset))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    path.write_bytes(model.SerializeToString())


def test_weights_beside_the_file_are_read(tmp_path):
    (tmp_path / "net.data").write_bytes(bytes(8) + np.full(6, 2, np.float32).tobytes())
    outside(tmp_path / "net.onnx", "net.data", 8)
    found = answers(tmp_path / "net.onnx", torch.ones(1, 3, 8, 8))
    np.testing.assert_array_equal(found, np.full((1, 2, 8, 8), 6))


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "a/../../secret", "link", ""])
def test_weights_from_elsewhere_are_refused(tmp_path, location):
    (tmp_path / "secret").write_bytes(bytes(100))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    outside(folder / "net.onnx", location)
    with pytest.raises(ModelError, match="outside of its own folder: it is not opened"):
        load_model(folder / "net.onnx")


def test_weights_that_are_missing_or_too_short_are_named(tmp_path):
    outside(tmp_path / "net.onnx", "net.data")
    with pytest.raises(ModelError, match=r"keeps its weights in net\.data, which is not beside it"):
        load_model(tmp_path / "net.onnx")
    (tmp_path / "net.data").write_bytes(bytes(20))
    with pytest.raises(ModelError, match=r"net\.data is too short"):
        load_model(tmp_path / "net.onnx")
    outside(tmp_path / "net.onnx", "net.data", dims=(2**31, 2**31, 8, 8))
    with pytest.raises(ModelError, match=r"net\.data is too short"):
        load_model(tmp_path / "net.onnx")


def test_a_pass_that_would_fill_the_memory_is_refused(tmp_path):
    path = made(
        tmp_path / "net.onnx",
        [node("Expand", "x shape", "e"), node("ReduceMean", "e", "y", axes=[2, 3])],
        {"shape": np.array([100_000, 3, 100_000, 8])},
        shape=[1, 3, 1, 8],
        opset=13,
    )
    with pytest.raises(ModelError, match=r"would need a tensor of 100000×3×100000×8 numbers"):
        load_model(path)


def test_an_answer_of_a_converted_network_has_classes(tmp_path, noise):
    model = load_model(export(Plain(), tmp_path / "net.onnx"))
    assert inspect(model, noise()).labels == ("class 0", "class 1", "class 2")
