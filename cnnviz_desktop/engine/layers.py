"""Read a network's layer tree from one dry pass and find the layer to look at first."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnnviz_desktop.data import LayerNode
from cnnviz_desktop.engine.layer_names import with_aliases
from cnnviz_desktop.engine.recording import first_tensor, hooked


@dataclass(frozen=True)
class Trace:
    """What one pass showed: the tree, the leaf calls in order, and the number of outputs."""

    root: LayerNode
    leaves: tuple[tuple[str, tuple[int, ...]], ...]  # (name, output shape with the batch)
    outputs: int


def trace(module: nn.Module, example: Tensor) -> Trace:
    """Run `example` (1, C, H, W) through the network and note shape and calls of every module."""
    shapes: dict[str, tuple[int, ...] | None] = {}
    calls: dict[str, int] = {}
    leaves: list[tuple[str, tuple[int, ...]]] = []
    names = {child: name for name, child in module.named_modules()}

    def note(child: nn.Module, _inputs: object, output: object) -> None:
        name = names[child]
        tensor = first_tensor(output)
        shapes[name] = None if tensor is None else tuple(tensor.shape[1:])
        calls[name] = calls.get(name, 0) + 1
        if tensor is not None and next(child.children(), None) is None:
            leaves.append((name, tuple(tensor.shape)))

    with torch.inference_mode(), hooked(names, after=note):
        output = first_tensor(module(example))

    def node(name: str, child: nn.Module) -> LayerNode:
        prefix = f"{name}." if name else ""
        return LayerNode(
            name=name,
            kind=type(child).__name__,
            output_shape=shapes.get(name),
            parameters=sum(item.numel() for item in child.parameters()),
            calls=calls.get(name, 0),
            children=tuple(
                node(prefix + key, below)
                for key, below in child.named_children()
                if names[below] == prefix + key  # a module under two names is shown once
            ),
        )

    outputs = output.shape[-1] if output is not None and output.ndim == 2 else 0
    return Trace(with_aliases(node("", module)), tuple(leaves), outputs)


_HEAD_KINDS = (
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.Flatten,
    nn.Identity,
    nn.Softmax,
    nn.LogSoftmax,
)


_IDLE = (nn.Identity, nn.Dropout, nn.Dropout2d)  # in eval mode


def default_layer(module: nn.Module, seen: Trace) -> tuple[str, str]:
    """Return the outermost module that ends before the head, and a sentence on why.

    The head is what follows the last maps: pooling to a fixed size, dropout, the convolution to
    classes (SqueezeNet), and everything without positions. Returns ("", reason) where no layer
    gives maps.
    """
    modules = dict(module.named_modules())
    weighted = [
        index
        for index, (name, _) in enumerate(seen.leaves)
        if next(modules[name].parameters(), None) is not None
    ]
    last = -1
    for index in range(len(seen.leaves) - 1, -1, -1):
        name, shape = seen.leaves[index]
        spatial = len(shape) == 4 and shape[2] * shape[3] > 1
        # Maps of as many channels as there are classes are no scores while weights follow them.
        to_classes = (
            len(shape) == 4 and shape[1] == seen.outputs > 1 and index >= max(weighted, default=0)
        )
        if spatial and not to_classes and not isinstance(modules[name], _HEAD_KINDS):
            last = index
            break
    if last < 0:
        return "", "No layer of this network gives maps: nothing in it keeps positions."
    name = seen.leaves[last][0]
    # What hands its input on, such as a block's unused drop path, ends no module.
    later = [leaf for leaf, _ in seen.leaves[last + 1 :]]
    after = [leaf for leaf in later if not isinstance(modules[leaf], _IDLE)]
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        candidate = ".".join(parts[:depth])
        node = seen.root.find(candidate)
        ends_here = not any(leaf == candidate or leaf.startswith(candidate + ".") for leaf in after)
        if node is not None and node.has_maps and ends_here:
            break
    else:
        candidate = name
    head = next((leaf for leaf in later if not leaf.startswith(candidate + ".")), "")
    if not head:
        return candidate, "The last layer that gives maps."
    kind = type(modules[head]).__name__
    return candidate, f"The last maps before the head, which begins with {head} ({kind})."
