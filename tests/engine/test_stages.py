"""The stages of networks, found from the resolutions of their layers."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from cnnviz_desktop.data import LayerNode
from cnnviz_desktop.engine.layers import default_layer, trace
from cnnviz_desktop.engine.stages import stages


def found(module: nn.Module, side: int = 64) -> list[tuple[str, tuple[int, ...]]]:
    seen = trace(module.eval(), torch.zeros(1, 3, side, side))
    answer = stages(seen.root, default_layer(module, seen)[0])
    assert [stage.number for stage in answer] == [*range(1, len(answer) + 1)]
    return [(stage.layer, stage.shape) for stage in answer]


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


def test_a_chain_ends_its_stages_before_each_pooling():
    chain = nn.Sequential(
        conv(3, 4), nn.ReLU(), nn.MaxPool2d(2), conv(4, 5), nn.ReLU(), nn.MaxPool2d(2)
    )
    assert found(chain) == [("1", (4, 64, 64)), ("4", (5, 32, 32))]


def test_nearly_equal_resolutions_are_one_stage():
    chain = nn.Sequential(nn.Conv2d(3, 4, 3), conv(4, 4), conv(4, 6, 2), nn.Conv2d(6, 7, 3))
    assert found(chain) == [("1", (4, 62, 62)), ("3", (7, 29, 29))]


def test_the_outermost_part_that_ends_a_stage_names_it():
    blocks = [nn.Sequential(conv(3, 4), nn.ReLU()), nn.Sequential(conv(4, 5, 2), nn.ReLU())]
    assert found(nn.Sequential(*blocks)) == [("0", (4, 64, 64)), ("1", (5, 32, 32))]


def test_a_network_without_maps_has_no_stages():
    assert found(nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 3))) == []
    assert stages(LayerNode("", "Net", None, 0, 0)) == ()


def test_a_pooling_used_again_and_again_is_no_stage():
    class Reused(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.pool, self.conv2 = conv(3, 4), nn.MaxPool2d(2), conv(4, 5)

        def forward(self, x):
            return self.pool(self.conv2(self.pool(self.conv1(x))))

    assert found(Reused()) == [("conv1", (4, 64, 64)), ("conv2", (5, 32, 32))]


WANTED = {
    "vgg16": ["features.3", "features.8", "features.15", "features.22", "features.29"],
    "resnet18": ["relu", "layer1", "layer2", "layer3", "layer4"],
    "squeezenet1_0": ["features.1", "features.5", "features.10", "features"],
    "densenet121": [
        "features.relu0",
        *(f"features.denseblock{i}" for i in (1, 2, 3)),
        "features",
    ],
    "efficientnet_b0": ["features.1", "features.2", "features.3", "features.5", "features"],
    "convnext_tiny": ["features.2.0", "features.4.0", "features.6.0", "features"],
    "inception_v3": ["Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5d", "Mixed_6e", "Mixed_7c"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WANTED)
@pytest.mark.filterwarnings("ignore:The default weight initialization")
def test_the_stages_that_the_literature_names(name):
    module = torchvision.models.get_model(name, weights=None)
    layers = [layer for layer, _shape in found(module, 299 if name == "inception_v3" else 224)]
    assert layers == WANTED[name]
