"""Give layers the names that papers and Keras know them by, found from how a network is built.

VGG's `block3_conv2` and `block1_pool`, ResNet's `conv4_block6_2_conv` and `conv4_block6_out` (v1
and the pre-activation v2), and Inception v3's `mixed0` to `mixed10`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from cnnviz_desktop.data import LayerNode

_VGG_KINDS = {"Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"}
_MIXED = "5b 5c 5d 6a 6b 6c 6d 6e 7a 7b 7c"

# Within a block of a ResNet: torchvision's or timm's name, Keras's.
_V1_PARTS = {
    **{f"conv{i}": f"{i}_conv" for i in (1, 2, 3)},
    **{f"bn{i}": f"{i}_bn" for i in (1, 2, 3)},
    **{f"act{i}": f"{i}_relu" for i in (1, 2)},
    "downsample.0": "0_conv",
    "downsample.1": "0_bn",
}
_V2_PARTS = {
    **{f"conv{i}": f"{i}_conv" for i in (1, 2, 3)},
    "norm1": "preact_bn",
    "norm2": "1_bn",
    "norm3": "2_bn",
    "norm1.act": "preact_relu",
    "norm2.act": "1_relu",
    "norm3.act": "2_relu",
    "downsample.conv": "0_conv",
}
_V1_ENDS = {
    "conv1": "conv1_conv",
    "bn1": "conv1_bn",
    "relu": "conv1_relu",
    "act1": "conv1_relu",
    "maxpool": "pool1_pool",
    "avgpool": "avg_pool",
    "global_pool": "avg_pool",
    "fc": "predictions",
}
_V2_ENDS = {
    "stem.conv": "conv1_conv",
    "stem.pool": "pool1_pool",
    "norm": "post_bn",
    "norm.act": "post_relu",
    "head.global_pool": "avg_pool",
    "head.fc": "predictions",
}


def with_aliases(root: LayerNode) -> LayerNode:
    """Return the tree with the literature's names written to its layers."""
    known = aliases(root)
    return _named(root, known) if known else root


def aliases(root: LayerNode) -> dict[str, str]:
    """Return the literature's names by layer; none for a network that is built otherwise."""
    nodes = {node.name: node for node in root.walk()}
    return _vgg(nodes) or _resnet(nodes) or _resnet_v2(nodes) or _inception(nodes)


def _named(node: LayerNode, known: dict[str, str]) -> LayerNode:
    children = tuple(_named(child, known) for child in node.children)
    return replace(node, alias=known.get(node.name, ""), children=children)


def _vgg(nodes: dict[str, LayerNode]) -> dict[str, str]:
    """Name five blocks of convolutions, each closed by a pooling, and three linear layers."""
    features = nodes.get("features")
    layers = features.children if features else ()
    if not {layer.kind for layer in layers} <= _VGG_KINDS:
        return {}
    found: dict[str, str] = {}
    block, count = 1, 0
    for layer in layers:
        if layer.kind == "Conv2d":
            count += 1
            found[layer.name] = f"block{block}_conv{count}"
        elif layer.kind == "MaxPool2d":
            if not count:
                return {}
            found[layer.name] = f"block{block}_pool"
            block, count = block + 1, 0
    if block != 6 or count or found.get("features.0") != "block1_conv1":
        return {}
    ends = [node for node in nodes.values() if node.name.startswith(("classifier.", "pre_logits."))]
    linear = [node.name for node in ends if node.kind in ("Linear", "Conv2d")]
    linear += [name for name in ("head.fc",) if name in nodes]
    if len(linear) == 3:
        found |= dict(zip(linear, ("fc1", "fc2", "predictions"), strict=True))
    # AlexNet too is called `features`, but its five convolutions share three poolings.
    return found


def _resnet(nodes: dict[str, LayerNode]) -> dict[str, str]:
    """Name the stages, blocks and layers of a ResNet."""
    if not {"layer1.0.conv1", "layer4.0.conv2", "conv1", "maxpool"} <= nodes.keys():
        return {}
    return _stages(nodes, r"layer([1-4])", r"layer([1-4])\.(\d+)", 1, _V1_PARTS) | {
        name: alias for name, alias in _V1_ENDS.items() if name in nodes
    }


def _resnet_v2(nodes: dict[str, LayerNode]) -> dict[str, str]:
    """Name those of a ResNet whose norms come before its convolutions."""
    if not {"stem.conv", "stages.3.blocks.0.conv2", "norm"} <= nodes.keys():
        return {}
    order = [child.label for child in nodes["stages.0.blocks.0"].children]
    if "norm1" not in order or order.index("norm1") > order.index("conv1"):
        return {}
    blocks = r"stages\.([0-3])\.blocks\.(\d+)"
    return _stages(nodes, r"stages\.([0-3])", blocks, 2, _V2_PARTS) | {
        name: alias for name, alias in _V2_ENDS.items() if name in nodes
    }


def _stages(
    nodes: dict[str, LayerNode], stage: str, block: str, first: int, parts: dict[str, str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in nodes:
        whole = re.fullmatch(stage, name)
        inside = re.fullmatch(rf"{block}(?:\.(.+))?", name)
        if whole:
            found[name] = f"conv{int(whole[1]) + first}_x"  # as the paper's table has it
        elif inside:
            start = f"conv{int(inside[1]) + first}_block{int(inside[2]) + 1}"
            part = parts.get(inside[3]) if inside[3] else "out"
            if part:
                found[name] = f"{start}_{part}"
    return found


def _inception(nodes: dict[str, LayerNode]) -> dict[str, str]:
    """Name the eleven mixed modules of Inception v3."""
    names = [f"Mixed_{end}" for end in _MIXED.split()]
    if not set(names) <= nodes.keys():
        return {}
    return {name: f"mixed{number}" for number, name in enumerate(names)}
