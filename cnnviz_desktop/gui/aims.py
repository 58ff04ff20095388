"""What a technique is aimed at, a layer, a unit or a class, and how it is aimed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.data import LayerNode
from cnnviz_desktop.engine.technique import ClassKind, LayerKind, Parameter, Technique

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

# What means nothing in another layer: the count of its calls, a channel, a place in its maps.
_OF_A_LAYER = ("call", "channel", "row", "column")
_CHANNELS = ("channel", "second")  # the latter where it is no class


@dataclass(frozen=True)
class Unit:
    """The selected unit: one channel of one layer, shared by all tabs."""

    layer: str
    channel: int


def classes(technique: Technique) -> dict[str, Any]:
    """Return the parameters that are classes."""
    names = (item.name for item in technique.parameters() if isinstance(item.kind, ClassKind))
    return {name: getattr(technique, name) for name in names}


def targets(technique: Technique) -> dict[str, Any]:
    """Return those that say which class is explained, not what it is told from."""
    found = classes(technique)
    return {name: found[name] for name in found if name == "target" or len(found) == 1}


def layer_fields(technique: Technique) -> list[str]:
    """Name the parameters that are layers."""
    return [item.name for item in technique.parameters() if isinstance(item.kind, LayerKind)]


def with_unit(technique: Technique, unit: Unit) -> Technique:
    """Return the technique for a unit, at its strongest place."""
    wanted: dict[str, Any] = {"layer": unit.layer, "channel": unit.channel, "row": -1, "column": -1}
    known = technique.values()
    if known.get("objective") == "class":
        wanted |= {"objective": "channel", "target": None}
    return replace(technique, **{name: item for name, item in wanted.items() if name in known})


def with_layer(technique: Technique, name: str, layers: LayerNode) -> Technique:
    """Return the technique for another layer; where it needs kernels, for the nearest with some."""
    changes: dict[str, Any] = {}
    for item in technique.parameters():
        if isinstance(item.kind, LayerKind):
            changes[item.name] = nearest_kernels(name, layers) if item.kind.weights else name
        elif _is_of_a_layer(technique, item):
            changes[item.name] = item.default
    return replace(technique, **changes)


def lost(
    technique: Technique, nodes: Mapping[str, LayerNode], model: LoadedModel
) -> dict[str, Any]:
    """Return the changes that let go of layers and channels which another network does not have."""
    changes: dict[str, Any] = {}
    of_it = [item for item in technique.parameters() if _is_of_a_layer(technique, item)]
    said = (getattr(technique, item.name) for item in of_it if item.name in _CHANNELS)
    channels = [None, *(channel for channel in said if isinstance(channel, int))]
    for item in technique.parameters():
        if isinstance(item.kind, LayerKind):
            name = getattr(technique, item.name)
            if name is None:
                name = model.first_convolution if item.kind.weights else model.default_layer
            node = nodes.get(name)
            if node is None:
                changes[item.name] = None
            if not all(has_channel(node, channel) for channel in channels):
                changes |= {part.name: part.default for part in of_it}
    return changes


def _is_of_a_layer(technique: Technique, item: Parameter) -> bool:
    return item.name in _OF_A_LAYER or (item.name == "second" and not technique.takes_class(item))


def has_channel(node: LayerNode | None, channel: int | None) -> bool:
    """Tell whether a layer is there and has a channel; of some the count is not known."""
    if node is None:
        return False
    return channel is None or not node.output_shape or channel < node.output_shape[0]


def nearest_kernels(name: str, layers: LayerNode) -> str | None:
    """Return the layer itself if it has kernels, else the first inside it, else the last before."""
    before = None
    for node in layers.walk():
        if node.name == name:
            inside = next((below.name for below in node.walk() if _has_kernels(below)), None)
            return inside or before
        if _has_kernels(node):
            before = node.name
    return before


def _has_kernels(node: LayerNode) -> bool:
    return not node.children and ("Conv" in node.kind or "Linear" in node.kind)
