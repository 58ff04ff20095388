"""Bring the graph of an ONNX file to what onnx2torch can convert."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

NEWEST = 17  # the last opset of which onnx2torch knows nearly all operators
OLDEST = 9
_AXES_MOVED = {  # opset 18 made the attribute an input
    f"Reduce{kind}"
    for kind in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")
}


def mended(onnx: ModuleType, model: Any) -> Any:
    """Return the model with weights where they are used and operators as of opset 17."""
    versions = {item.domain: item for item in model.opset_import}
    usual = versions.get("", versions.get("ai.onnx"))
    if usual is not None and usual.version < OLDEST:
        model = onnx.version_converter.convert_version(model, 13)
        usual = next(item for item in model.opset_import if item.domain in ("", "ai.onnx"))
    graph = model.graph
    _constants_to_weights(onnx, graph)
    _without_identities(graph)
    weights = {item.name: item for item in graph.initializer}
    nodes = []
    for node in graph.node:
        nodes += list(_lowered(onnx, graph, node, weights))
    del graph.node[:]
    graph.node.extend(nodes)
    if usual is not None and usual.version > NEWEST:
        usual.version = NEWEST
    return model


def _constants_to_weights(onnx: ModuleType, graph: Any) -> None:
    import numpy as np

    kept = []
    for node in graph.node:
        values = {item.name: item for item in node.attribute}
        tensor = None
        if node.op_type == "Constant" and len(values) == 1:
            (name, item), *_ = values.items()
            if name == "value":
                tensor = item.t
            elif name in ("value_float", "value_floats"):
                found = onnx.helper.get_attribute_value(item)
                tensor = onnx.numpy_helper.from_array(np.asarray(found, np.float32))
            elif name in ("value_int", "value_ints"):
                found = onnx.helper.get_attribute_value(item)
                tensor = onnx.numpy_helper.from_array(np.asarray(found, np.int64))
        if tensor is None:
            kept.append(node)
            continue
        added = graph.initializer.add()
        added.CopyFrom(tensor)
        added.name = node.output[0]
    del graph.node[:]
    graph.node.extend(kept)


def _without_identities(graph: Any) -> None:
    """Let whoever reads a copy read the original: weights that layers share are copied so."""
    outputs = {item.name for item in graph.output}
    same: dict[str, str] = {}
    kept = []
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = same.get(name, name)
        if node.op_type == "Identity" and node.output[0] not in outputs:
            same[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def _lowered(onnx: ModuleType, graph: Any, node: Any, weights: dict[str, Any]) -> Iterator[Any]:
    """Yield what a step is in opset 17."""

    def constant(index: int) -> Any:
        name = node.input[index] if len(node.input) > index else ""
        return onnx.numpy_helper.to_array(weights[name]) if name in weights else None

    def drop(*names: str) -> None:
        kept = [item for item in node.attribute if item.name not in names]
        del node.attribute[:]
        node.attribute.extend(kept)

    if node.op_type in _AXES_MOVED and len(node.input) > 1:
        axes = constant(1)
        if axes is None and node.input[1]:
            raise NotImplementedError(f"{node.op_type} over axes that are computed")
        del node.input[1:]
        drop("noop_with_empty_axes")
        if axes is not None:
            node.attribute.append(onnx.helper.make_attribute("axes", axes.tolist()))
    elif node.op_type == "Reshape":
        shape = constant(1)
        if shape is not None and (shape != 0).all():
            drop("allowzero")  # there is no zero for it to be about
    elif node.op_type == "Split":
        drop("num_outputs")
    elif node.op_type == "AveragePool":
        drop("dilations")
    elif node.op_type == "Cast":
        drop("saturate", "round_mode")
    elif node.op_type == "Gelu":
        yield from _gelu(onnx, graph, node, weights)
        return
    yield node


def _gelu(onnx: ModuleType, graph: Any, node: Any, weights: dict[str, Any]) -> Iterator[Any]:
    """Write x/2 (1 + erf(x/√2)), or its usual approximation by tanh, in older operators."""
    import numpy as np

    said = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    source, target = node.input[0], node.output[0]

    def number(value: float) -> str:
        name = f"{target}/number {value:.6g}"
        if name not in weights:
            added = graph.initializer.add()
            added.CopyFrom(onnx.numpy_helper.from_array(np.float32(value), name))
            weights[name] = added
        return name

    def step(kind: str, *inputs: str, to: str = "") -> Any:
        made = onnx.helper.make_node(kind, list(inputs), [to or f"{target}/{len(done)}"])
        made.metadata_props.extend(node.metadata_props)
        made.name = node.name
        done.append(made)
        return made.output[0]

    done: list[Any] = []
    if said.get("approximate", b"none") == b"tanh":
        cube = step("Mul", step("Mul", source, source), source)
        inner = step("Add", source, step("Mul", cube, number(0.044715)))
        curve = step("Tanh", step("Mul", inner, number(np.sqrt(2 / np.pi))))
    else:
        curve = step("Erf", step("Mul", source, number(np.sqrt(0.5))))
    step("Mul", step("Mul", source, step("Add", curve, number(1.0))), number(0.5), to=target)
    yield from done
