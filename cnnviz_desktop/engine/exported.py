"""Open whole networks that PyTorch wrote: torch.export's .pt2 files and pickled modules.

Both can run code of the file's choosing while they are read, so both need their person's trust.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn

from cnnviz_desktop.data import Finding
from cnnviz_desktop.engine import trust
from cnnviz_desktop.engine.checkpoints import find_module
from cnnviz_desktop.engine.model_files import ModelFile
from cnnviz_desktop.engine.weights import load_trusted
from cnnviz_desktop.errors import ModelError

Shape = tuple[int, int, int]


def load_module(file: ModelFile, trusted: bool = False) -> nn.Module:
    """Open a network saved whole by torch.save; raise `TrustError` unless the file is trusted."""
    trust.require(file.path, file.runs, trusted)
    module = find_module(load_trusted(file))
    if module is None:
        raise ModelError(
            f"{file.path.name} holds no network (torch.nn.Module) and no state dict. Save one with "
            "torch.save(model.state_dict(), FILE)."
        )
    return module


def load_exported(
    file: ModelFile, trusted: bool = False
) -> tuple[nn.Module, Shape | None, tuple[Finding, ...]]:
    """Open a .pt2 file: the network with its layers, the shape of its input, and what to say of it.

    The shape (C, h, w) is None where the export left it open. Raises `TrustError` unless the file
    is trusted.
    """
    trust.require(file.path, file.runs, trusted)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.load(file.path)
            shape = _input_shape(program)
            module = torch.export.unflatten(program)
    except ModelError:
        raise
    except Exception as error:  # an export of another version fails in many ways
        first = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{file.path.name} cannot be opened ({type(error).__name__}: {first}). It is damaged, "
            f"or was exported by a PyTorch other than {torch.__version__}: export it again."
        ) from error
    training = _named_layers(module)
    if training:
        detail = (
            f"{file.path.name} was exported without model.eval(): batch norm and dropout are run "
            "as in use all the same, so that its answers do not depend on chance."
        )
        return module, shape, (Finding("warning", "Exported while training", detail, training),)
    return module, shape, ()


def _input_shape(program: Any) -> Shape | None:
    names = program.graph_signature.user_inputs
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    values = [nodes[name].meta.get("val") for name in names if name in nodes]
    pictures = [value for value in values if isinstance(value, Tensor)]
    if len(pictures) != 1 or len(values) != 1:
        raise ModelError(
            f"The exported network takes {len(pictures)} tensors: CNNviz gives one, a picture. "
            "Export it with one example."
        )
    shape = pictures[0].shape
    if len(shape) != 4:
        raise ModelError(
            f"The exported network takes a tensor of {len(shape)} axes: a picture has four "
            "(1, channels, height, width)."
        )
    if shape[0] != 1 and isinstance(shape[0], int):
        raise ModelError(
            f"The exported network takes {shape[0]} pictures at once: export it again with one, or "
            "with a batch of any size (dynamic_shapes)."
        )
    sizes = tuple(item for item in shape[1:] if isinstance(item, int))
    return (sizes[0], sizes[1], sizes[2]) if len(sizes) == 3 else None


# ------------------------------------------------------------------------------------------ layers


def _named_layers(module: nn.Module) -> tuple[str, ...]:
    """Make an unflattened network's layers what they were; return those that were in training mode.

    A layer comes back as a list of operations, which is no Conv2d to whoever looks for filters.
    One that is a single known operation becomes that layer again, with the same tensors; the others
    get the name of their class.
    """
    training: list[str] = []
    made: dict[nn.Module, nn.Module] = {}
    for name, child in list(module.named_modules(remove_duplicate=False)):
        if not name or not isinstance(getattr(child, "graph", None), fx.Graph):
            continue
        layer = made.get(child) or _layer(child, training, name)
        if layer is None:
            continue
        made[child] = layer
        parent, _, key = name.rpartition(".")
        module.get_submodule(parent)._modules[key] = layer
    for child in list(module.modules()):
        kind = str(getattr(child, "_ty", None) or "").rpartition(".")[2]
        if kind.isidentifier():
            child.__class__ = type(kind, (type(child),), {})
    counted = tuple(child for child in module.modules() if hasattr(child, "_num_calls"))
    if counted:
        # A pass that is ended early leaves these at the wrong one of their calls.
        module.__class__ = type(type(module).__name__, (_Counted, type(module)), {})
        module.__dict__["_counted"] = counted
    return tuple(training)


class _Counted(nn.Module):
    """Begin every pass at the first call of the layers that count theirs."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        for layer in self.__dict__["_counted"]:
            layer._num_calls = 0
        return super().forward(*args, **kwargs)


Arguments = Mapping[str, Any]


def _layer(child: nn.Module, training: list[str], name: str) -> nn.Module | None:
    """Return the layer that does a module's one operation, or None where it is not one."""
    graph: Any = child.graph
    if any(True for _ in child.children()):
        return None
    nodes = list(graph.nodes)
    calls = [node for node in nodes if node.op == "call_function" and not _counts(node)]
    inputs = [node for node in nodes if node.op == "placeholder"]
    if len(calls) != 1 or len(inputs) != 1:
        return None
    call = calls[0]
    make = _LAYERS.get(str(call.target))
    if make is None or call.args[:1] != (inputs[0],) or nodes[-1].args != (call,):
        return None
    found = dict(_arguments(child, call))
    if any(isinstance(value, fx.Node) for value in found.values()):
        return None
    if found.get("training", found.get("train", False)):
        training.append(name)
    return make(found).eval()


def _counts(node: fx.Node) -> bool:
    """Tell whether a step only counts the batches that a batch norm in training has seen."""
    counter = node.args[0] if node.args else None
    return (
        isinstance(counter, fx.Node)
        and counter.op == "get_attr"
        and str(counter.target).endswith("num_batches_tracked")
    )


def _arguments(child: nn.Module, call: fx.Node) -> Iterator[tuple[str, Any]]:
    """Yield an operation's arguments by name, all but the first: tensors, numbers, lists."""
    for index, item in enumerate(call.target._schema.arguments):  # type: ignore[union-attr]
        value = call.args[index] if index < len(call.args) else call.kwargs.get(item.name)
        if value is None and index >= len(call.args) and item.has_default_value():
            value = item.default_value
        if index and isinstance(value, fx.Node) and value.op == "get_attr":
            place, _, key = str(value.target).rpartition(".")
            value = getattr(child.get_submodule(place), key)
        if index:
            yield item.name, value


def _convolution(found: Arguments) -> nn.Module:
    weight = found["weight"]
    padding = found["padding"]
    layer = nn.Conv2d(
        weight.shape[1] * found["groups"],
        weight.shape[0],
        tuple(weight.shape[2:]),
        stride=_pair(found["stride"]),
        padding=padding if isinstance(padding, str) else _pair(padding),
        dilation=_pair(found["dilation"]),
        groups=found["groups"],
        bias=found["bias"] is not None,
        device="meta",
    )
    return _filled(layer, found)


def _transposed(found: Arguments) -> nn.Module:
    weight = found["weight"]
    layer = nn.ConvTranspose2d(
        weight.shape[0],
        weight.shape[1] * found["groups"],
        tuple(weight.shape[2:]),
        stride=_pair(found["stride"]),
        padding=_pair(found["padding"]),
        output_padding=_pair(found["output_padding"]),
        groups=found["groups"],
        bias=found["bias"] is not None,
        dilation=_pair(found["dilation"]),
        device="meta",
    )
    return _filled(layer, found)


def _batch_norm(found: Arguments) -> nn.Module:
    mean = found["running_mean"]
    counted = next(item for item in (mean, found["weight"], found["bias"]) if item is not None)
    layer = nn.BatchNorm2d(
        len(counted),
        eps=found["eps"],
        momentum=found["momentum"],
        affine=found["weight"] is not None,
        track_running_stats=mean is not None,
        device="meta",
    )
    if mean is not None:
        layer.num_batches_tracked = torch.tensor(0)
    return _filled(layer, found)


def _linear(found: Arguments) -> nn.Module:
    out, into = found["weight"].shape
    return _filled(nn.Linear(into, out, bias=found["bias"] is not None, device="meta"), found)


def _filled(layer: nn.Module, found: Arguments) -> nn.Module:
    """Give a layer the tensors of the export themselves."""
    for name in list(layer._parameters):
        value = found.get(name)
        if value is not None:
            parameter = value if isinstance(value, nn.Parameter) else nn.Parameter(value, False)
            layer._parameters[name] = parameter
    for name in ("running_mean", "running_var"):
        if layer._buffers.get(name) is not None:
            layer._buffers[name] = found[name]
    return layer


def _hardtanh(found: Arguments) -> nn.Module:
    if (found["min_val"], found["max_val"]) == (0, 6):
        return nn.ReLU6()
    return nn.Hardtanh(found["min_val"], found["max_val"])


def _max_pool(found: Arguments) -> nn.Module:
    return nn.MaxPool2d(
        _pair(found["kernel_size"]),
        _pair(found["stride"]) or None,
        _pair(found["padding"]),
        _pair(found["dilation"]),
        ceil_mode=found["ceil_mode"],
    )


def _average_pool(found: Arguments) -> nn.Module:
    return nn.AvgPool2d(
        _pair(found["kernel_size"]),
        _pair(found["stride"]) or None,
        _pair(found["padding"]),
        found["ceil_mode"],
        found["count_include_pad"],
        found["divisor_override"],
    )


def _pair(value: Any) -> Any:
    """Return a list of numbers as the layers keep it: a pair, or () for none."""
    if isinstance(value, int):
        return (value, value)
    items = tuple(value)
    return items * 2 if len(items) == 1 else items


_LAYERS: dict[str, Callable[[Arguments], nn.Module]] = {
    "aten.conv2d.default": _convolution,
    "aten.conv2d.padding": _convolution,
    "aten.conv_transpose2d.input": _transposed,
    "aten.batch_norm.default": _batch_norm,
    "aten.linear.default": _linear,
    "aten.relu.default": lambda _: nn.ReLU(),
    "aten.relu_.default": lambda _: nn.ReLU(inplace=True),
    "aten.relu6.default": lambda _: nn.ReLU6(),
    "aten.hardtanh.default": _hardtanh,
    "aten.hardtanh_.default": _hardtanh,
    "aten.leaky_relu.default": lambda found: nn.LeakyReLU(found["negative_slope"]),
    "aten.leaky_relu_.default": lambda found: nn.LeakyReLU(found["negative_slope"]),
    "aten.sigmoid.default": lambda _: nn.Sigmoid(),
    "aten.silu.default": lambda _: nn.SiLU(),
    "aten.silu_.default": lambda _: nn.SiLU(inplace=True),
    "aten.hardswish.default": lambda _: nn.Hardswish(),
    "aten.hardswish_.default": lambda _: nn.Hardswish(inplace=True),
    "aten.hardsigmoid.default": lambda _: nn.Hardsigmoid(),
    "aten.gelu.default": lambda found: nn.GELU(found["approximate"]),
    "aten.max_pool2d.default": _max_pool,
    "aten.avg_pool2d.default": _average_pool,
    "aten.adaptive_avg_pool2d.default": lambda found: nn.AdaptiveAvgPool2d(
        _pair(found["output_size"])
    ),
    "aten.dropout.default": lambda found: nn.Dropout(found["p"]),
    "aten.dropout_.default": lambda found: nn.Dropout(found["p"]),
    "aten.flatten.using_ints": lambda found: nn.Flatten(found["start_dim"], found["end_dim"]),
    "aten.softmax.int": lambda found: nn.Softmax(found["dim"]),
    "aten.log_softmax.int": lambda found: nn.LogSoftmax(found["dim"]),
}
