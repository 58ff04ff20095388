"""Layers answer to the names that papers and Keras know them by."""

from __future__ import annotations

import pytest
import torch
from networks import LeNet, Residual
from torch import nn

from cnnviz_desktop.data import LayerNode
from cnnviz_desktop.engine.layer_names import aliases
from cnnviz_desktop.engine.layers import trace
from cnnviz_desktop.engine.weights import undrawn
from cnnviz_desktop.errors import LayerError


def published(name: str, size: int = 64) -> LayerNode:
    import torchvision

    options = {"init_weights": False} if name == "inception_v3" else {}
    with undrawn():
        module = torchvision.models.get_model(name, weights=None, **options).eval()
    return trace(module, torch.zeros(1, 3, size, size)).root


# Keras's own lists of layers, in their order.
VGG16 = (
    "block1_conv1 block1_conv2 block1_pool block2_conv1 block2_conv2 block2_pool block3_conv1 "
    "block3_conv2 block3_conv3 block3_pool block4_conv1 block4_conv2 block4_conv3 block4_pool "
    "block5_conv1 block5_conv2 block5_conv3 block5_pool fc1 fc2 predictions"
)
BLOCK = "1_conv 1_bn 2_conv 2_bn 3_conv 3_bn"


@pytest.mark.parametrize("name", ["vgg16", "vgg16_bn"])
def test_the_layers_of_vgg16(name) -> None:
    found = aliases(published(name))
    assert " ".join(found.values()) == VGG16
    if name == "vgg16":
        assert found["features.12"] == "block3_conv2" and found["features.30"] == "block5_pool"


def test_the_layers_of_resnet50() -> None:
    root = published("resnet50")
    found = aliases(root)
    blocks = [value for value in found.values() if value.endswith("_out")]
    counts = {stage: sum(item.startswith(stage) for item in blocks) for stage in ("conv2", "conv3")}
    assert len(blocks) == 16 and counts == {"conv2": 3, "conv3": 4}
    assert found["layer3.5"] == "conv4_block6_out"
    inside = [value for name, value in found.items() if name.startswith("layer3.5.")]
    assert inside == [f"conv4_block6_{part}" for part in BLOCK.split()]
    assert found["layer2.0.downsample.0"] == "conv3_block1_0_conv"
    assert (found["layer4"], found["conv1"], found["fc"]) == (
        "conv5_x",
        "conv1_conv",
        "predictions",
    )
    assert len(set(found.values())) == len(found)
    for name in ("conv4_block6_out", "conv4_block6", "CONV4_Block6"):
        node = root.find(name)
        assert node is not None and node.name == "layer3.5"


def test_the_layers_of_the_pre_activation_resnet() -> None:
    timm = pytest.importorskip("timm")
    module = timm.create_model("resnetv2_50", pretrained=False).eval()
    found = aliases(trace(module, torch.zeros(1, 3, 64, 64)).root)
    assert found["stages.2.blocks.5"] == "conv4_block6_out"
    assert found["stages.0.blocks.0.norm1"] == "conv2_block1_preact_bn"
    assert found["stages.0.blocks.0.conv1"] == "conv2_block1_1_conv"
    assert found["stages.0.blocks.0.norm2"] == "conv2_block1_1_bn"
    assert found["stages.0.blocks.0.downsample.conv"] == "conv2_block1_0_conv"
    assert (found["norm"], found["stem.pool"]) == ("post_bn", "pool1_pool")


def test_the_mixed_layers_of_inception_v3() -> None:
    found = aliases(published("inception_v3", 139))
    assert found["Mixed_5b"] == "mixed0" and found["Mixed_7c"] == "mixed10"
    assert sorted(found.values()) == sorted(f"mixed{number}" for number in range(11))


@pytest.mark.parametrize("name", ["alexnet", "squeezenet1_0", "mobilenet_v2", "densenet121"])
def test_networks_of_other_kinds_have_no_such_names(name) -> None:
    assert aliases(published(name)) == {}


@pytest.mark.parametrize("module", [LeNet, Residual])
def test_small_networks_have_no_such_names(module) -> None:
    size = 32 if module is LeNet else 8
    assert aliases(trace(module().eval(), torch.zeros(1, 3, size, size)).root) == {}


def test_a_name_comes_before_an_alias() -> None:
    inner = LayerNode("0", "Conv2d", (1,), 0, 1, alias="b")
    root = LayerNode("", "Net", (1,), 0, 1, (inner, LayerNode("b", "ReLU", (1,), 0, 1)))
    assert root.find("b") is root.children[1]
    assert root.find("c") is None and root.find("_out") is None


def five_blocks() -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(5):
        layers += [nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers)


def test_techniques_take_an_alias_for_a_layer(load, noise) -> None:
    from cnnviz_desktop.engine.techniques import FeatureMaps, Filters

    module = nn.Sequential()
    module.add_module("features", five_blocks())
    module.add_module("flatten", nn.Flatten())
    model = load(module, size=(32, 32))

    assert model.layer("block3_conv1").name == "features.6"
    assert FeatureMaps(layer="block2_pool")(model, noise(32, 32)).layer == "features.5"
    assert Filters(layer="block5_conv1").resolved(model) == Filters(layer="features.12")
    with pytest.raises(LayerError, match=r"no layer “block3_cnv1”\. Did you mean block3_conv1"):
        model.layer("block3_cnv1")
