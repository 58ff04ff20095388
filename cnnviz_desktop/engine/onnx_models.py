"""Open ONNX files as networks of PyTorch layers, through onnx2torch.

ONNX is data and runs nothing. onnx2torch knows the operators up to opset 17 and wants weights where
they are used; `mended` brings newer files, and what PyTorch's own exporters write, to that.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import fx, nn

from cnnviz_desktop.engine.onnx_graph import mended
from cnnviz_desktop.errors import ModelError, quoted

Shape = tuple[int, int, int]

LARGEST_FILE = 2**31 - 1  # what one protocol buffer can hold
LARGEST_TENSOR = 2**30  # numbers in one tensor of a pass, 4 GB
MOST_NODES = 100_000


def load_onnx(path: Path) -> tuple[nn.Module, Shape | None]:
    """Return an ONNX file's network and the shape (C, h, w) of its input, None where it is open.

    Raises `ModelError`, with what to install where onnx2torch is missing.
    """
    onnx, convert = _packages()
    if path.stat().st_size > LARGEST_FILE:
        raise ModelError(f"{path.name} is larger than an ONNX file can be. Choose another.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = onnx.load_model_from_string(path.read_bytes())
            _check_graph(model, path)
            _read_outside(onnx, model, path)
            shape = _input(model, path)
            model = mended(onnx, model)
            _check_sizes(onnx, model, path)
            paths = _paths(model)
            module = convert(model)
    except ModelError:
        raise
    except NotImplementedError as error:
        found = re.search(r"operation_type='(\w+)'", str(error))
        what = f"the operator {found[1]}" if found else f"something ({error})"
        raise ModelError(
            f"{path.name} uses {what}, which cannot be turned into PyTorch layers. Export the "
            "network with torch.export.save instead, or save its state dict."
        ) from error
    except Exception as error:  # damaged files fail in every part of both packages
        first = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{path.name} cannot be opened as ONNX ({type(error).__name__}: {first}). It is "
            "damaged or no network of pictures: export it again."
        ) from error
    return _nested(module, paths), shape


def _packages() -> tuple[ModuleType, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import onnx
            from onnx2torch import convert
    except ImportError as error:
        raise ModelError(
            'ONNX files need two more packages: pip install "cnnviz-desktop[onnx]"'
        ) from error
    return onnx, convert


# ----------------------------------------------------------------------------------------- limits


def _check_graph(model: Any, path: Path) -> None:
    if len(model.graph.node) > MOST_NODES:
        raise ModelError(f"{path.name} has {len(model.graph.node):,} steps: too many to be shown.")
    if not model.graph.node:
        raise ModelError(f"{path.name} holds no network: its graph is empty. Export it again.")


def _tensors(model: Any) -> Iterator[Any]:
    """Yield every tensor of the file's outermost graph, as weights and in constants."""
    yield from model.graph.initializer
    for node in model.graph.node:
        for item in node.attribute:
            if item.HasField("t"):
                yield item.t


def _read_outside(onnx: ModuleType, model: Any, path: Path) -> None:
    """Read weights that lie in files beside it, in its own folder and nowhere else."""
    folder = path.absolute().parent.resolve()
    for tensor in _tensors(model):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        said = {item.key: item.value for item in tensor.external_data}
        location = said.get("location", "")
        parts = re.split(r"[/\\]", location)
        target = (folder / location).resolve()
        inside = (
            location
            and "\0" not in location
            and ".." not in parts
            and not Path(location).is_absolute()
            and ":" not in parts[0]
            and target.is_relative_to(folder)
        )
        if not inside:
            raise ModelError(
                f"{path.name} takes weights from {quoted(location)}, outside of its own folder: it "
                "is not opened. Get the file from another place."
            )
        if not target.is_file():
            raise ModelError(
                f"{path.name} keeps its weights in {location}, which is not beside it. Put both "
                "into one folder."
            )
        offset = int(said.get("offset") or 0)
        kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        length = prod(tensor.dims) * kind.itemsize
        if offset < 0 or length < 0 or offset + length > target.stat().st_size:
            raise ModelError(f"{location} is too short for {path.name}. Copy it again.")
        with target.open("rb") as file:
            file.seek(offset)
            tensor.raw_data = file.read(length)
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def _check_sizes(onnx: ModuleType, model: Any, path: Path) -> None:
    """Refuse a file of a few bytes whose pass would fill the memory."""
    seen = onnx.shape_inference.infer_shapes(model, data_prop=True)
    for value in (*seen.graph.value_info, *seen.graph.output, *seen.graph.input):
        sizes = [item.dim_value for item in value.type.tensor_type.shape.dim]
        if prod(size for size in sizes if size > 0) > LARGEST_TENSOR:
            raise ModelError(
                f"{path.name} would need a tensor of {'×'.join(map(str, sizes))} numbers in a "
                "pass: it is not opened."
            )


def _input(model: Any, path: Path) -> Shape | None:
    weights = {item.name for item in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in weights]
    if len(inputs) != 1:
        raise ModelError(
            f"{path.name} takes {len(inputs)} inputs: CNNviz gives one, a picture. Export a "
            "network with one input."
        )
    sizes = [
        item.dim_value if item.HasField("dim_value") else 0
        for item in inputs[0].type.tensor_type.shape.dim
    ]
    if len(sizes) != 4:
        raise ModelError(
            f"{path.name} takes a tensor of {len(sizes)} axes: a picture has four (1, channels, "
            "height, width)."
        )
    if sizes[0] > 1:
        raise ModelError(
            f"{path.name} takes {sizes[0]} pictures at once: export it again with one, or with a "
            "batch of any size."
        )
    if sizes[3] in (1, 3) and sizes[1] not in (0, 1, 3):
        raise ModelError(
            f"{path.name} takes its channels last, as TensorFlow does: export it with channels "
            "first (for tf2onnx: --inputs-as-nchw NAME)."
        )
    whole = all(size > 0 for size in sizes[1:])
    return (sizes[1], sizes[2], sizes[3]) if whole else None


# ------------------------------------------------------------------------------------------ names


def _paths(model: Any) -> dict[str, str]:
    """Give every node a name that onnx2torch keeps, and return the dotted one it shall have.

    PyTorch's exporters say in which layer a step was: in its name (“/layer1/layer1.0/conv1/Conv”)
    or in its notes.
    """
    scopes = [_scope(node) for node in model.graph.node]
    counts: dict[str, int] = {}
    for scope in scopes:
        counts[scope] = counts.get(scope, 0) + 1
    holders = {scope[:end] for scope in counts for end in _dots(scope)}
    taken: set[str] = set()
    paths = {}
    for index, (node, scope) in enumerate(zip(model.graph.node, scopes, strict=True)):
        alone = scope and counts[scope] == 1 and scope not in holders
        wanted = scope if alone else ".".join(filter(None, (scope, node.op_type.lower())))
        name, number = wanted, 1
        while name in taken or name in holders:
            number += 1
            name = f"{wanted}_{number}"
        taken.add(name)
        node.name = f"step_{index}"
        paths[node.name] = name
    return paths


def _dots(scope: str) -> Iterable[int]:
    return (place.start() for place in re.finditer(r"\.", scope))


def _scope(node: Any) -> str:
    """Return the dotted name of the layer that a step belongs to, or ""."""
    for item in node.metadata_props:
        if item.key == "pkg.torch.onnx.name_scopes":
            names = [name for name in re.findall(r"'([^']*)'", item.value) if name]
            return _clean(names[-2] if len(names) > 1 else "")
    if node.name.startswith("/"):
        path: list[str] = []
        for part in node.name.strip("/").split("/")[:-1]:
            if path and part.startswith(f"{path[-1]}."):  # “layer1/layer1.0” is layer1.0
                path.pop()
            path.append(part)
        return _clean(".".join(path))
    return ""


def _clean(name: str) -> str:
    parts = [re.sub(r"\W", "_", part) for part in name.split(".")]
    return ".".join(part for part in parts if part)[:200]


def _nested(module: fx.GraphModule, paths: dict[str, str]) -> nn.Module:
    """Put the flat steps into layers within layers, as the network had them."""
    root = nn.Module()
    layers: dict[str, nn.Module] = {}
    for name, child in module.named_children():
        path = paths.get(name, name)
        holder = root
        parts = path.split(".")
        for part in parts[:-1]:
            if part not in holder._modules:
                holder.add_module(part, _Group())
            holder = holder.get_submodule(part)
        holder.add_module(parts[-1], child)
        layers[name] = child
    for node in module.graph.nodes:
        if node.op == "call_module":
            node.target = paths.get(node.target, node.target)
    made = fx.GraphModule(root, module.graph, class_name="OnnxNetwork")
    for child in made.modules():
        if type(child) is nn.Module:
            child.__class__ = _Group
    return made


class _Group(nn.Module):
    """Layers that belong together in an ONNX file, which has no calls of the whole."""


_Group.__name__ = _Group.__qualname__ = "Group"
