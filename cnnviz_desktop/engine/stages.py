"""Find the stages of a network: what it computes at one resolution before it halves the maps."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnnviz_desktop.data import LayerNode

_CHAINS = ("Sequential", "ModuleList")  # what only strings others together
_KEEPING = ("Conv2d", "BatchNorm2d", "MaxPool2d", "AvgPool2d")  # channels first, always


@dataclass(frozen=True)
class Stage:
    """A stage by its last layer: `number` from 1, `layer` dotted, `shape` (C, h, w)."""

    number: int
    layer: str
    shape: tuple[int, int, int]


def stages(root: LayerNode, last: str = "") -> tuple[Stage, ...]:
    """Return the stages from input to output; none where no layer gives maps.

    VGG's blocks end before each pooling, ResNet's stages with `layer1` to `layer4`, Inception's by
    a mixed layer. `last` is the layer that ends the deepest stage (`LoadedModel.default_layer`),
    where known. Resolutions within a factor of 2 of each other (149 and 147) are one stage.
    """
    units = [unit for unit in _units(root) if unit.has_maps and unit.calls and _side(unit) > 1]
    if not any(unit.parameters for unit in units):
        return ()
    largest = max(_side(unit) for unit in units)
    ends: dict[int, LayerNode] = {}
    learned: set[int] = set()
    for unit in units:
        octave = _octave(unit, largest)
        if not unit.parameters and octave not in ends:
            continue  # the pooling that opens a stage does not make one
        ends[octave] = unit
        if unit.parameters:
            learned.add(octave)
    found = [_outermost(root, ends[octave]) for octave in sorted(learned)]
    deepest = root.find(last) if last else None
    if deepest is not None and deepest.has_maps and _octave(deepest, largest) == max(learned):
        found[-1] = deepest
    return tuple(
        Stage(number, node.name, _shape(node)) for number, node in enumerate(found, start=1)
    )


def _units(node: LayerNode) -> list[LayerNode]:
    """Return the parts of a network in order: leaves, and blocks that keep to one stage."""
    if node.name and not node.children:
        return [node]
    if node.name and node.kind not in _CHAINS and node.has_maps and not _spans_stages(node):
        return [node]
    return [unit for child in node.children for unit in _units(child)]


def _spans_stages(node: LayerNode) -> bool:
    """Tell whether a block halves its maps more than once."""
    # Others may give maps with the channels last (ConvNeXt) or a single cell (squeeze-excitation).
    leaves = [leaf for leaf in node.walk() if leaf.kind in _KEEPING and leaf.has_maps]
    return any(_side(leaf) >= 4 * _side(node) for leaf in leaves)


def _outermost(root: LayerNode, node: LayerNode) -> LayerNode:
    """Return the outermost part that ends with this node and gives the same maps."""
    parts = node.name.split(".")
    for depth in range(1, len(parts)):
        outer = root.find(".".join(parts[:depth]))
        if (
            outer is not None
            and outer.output_shape == node.output_shape
            and _ends_with(outer, node)
        ):
            return outer
    return node


def _ends_with(outer: LayerNode, node: LayerNode) -> bool:
    """Tell whether nothing of `outer` runs after `node`."""
    run = [item for item in outer.walk() if item.calls and not item.children]
    return run[-1].name == node.name or run[-1].name.startswith(f"{node.name}.")


def _octave(node: LayerNode, largest: int) -> int:
    return round(math.log2(largest / _side(node)))


def _side(node: LayerNode) -> int:
    return max(_shape(node)[1:])


def _shape(node: LayerNode) -> tuple[int, int, int]:
    assert node.output_shape is not None
    channels, height, width = node.output_shape
    return channels, height, width
