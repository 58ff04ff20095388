"""The layer tree is what one pass shows, and the default layer is the last before the head."""

from __future__ import annotations

import pytest
import torch
from networks import Containers, LeNet, Plain, Residual
from torch import Tensor, nn

from cnnviz_desktop.data import LayerNode
from cnnviz_desktop.engine.layers import default_layer, trace
from cnnviz_desktop.engine.weights import undrawn


def seen(watch, module: nn.Module, size: int = 8):
    return trace(watch(module.eval()), torch.zeros(1, 3, size, size))


def row(root: LayerNode, name: str) -> tuple[object, ...]:
    node = root.find(name)
    assert node is not None
    return node.kind, node.output_shape, node.parameters, node.calls


def test_a_tree_worked_out_by_hand(watch):
    root = seen(watch, Plain()).root

    assert root == LayerNode(
        name="",
        kind="Plain",
        output_shape=(3,),
        parameters=112 + 222 + 21,
        calls=1,
        children=(
            LayerNode("conv1", "Conv2d", (4, 8, 8), 4 * 3 * 9 + 4, 1),
            LayerNode("relu1", "ReLU", (4, 8, 8), 0, 1),
            LayerNode("conv2", "Conv2d", (6, 4, 4), 6 * 4 * 9 + 6, 1),
            LayerNode("relu2", "ReLU", (6, 4, 4), 0, 1),
            LayerNode("pool", "AdaptiveAvgPool2d", (6, 1, 1), 0, 1),
            LayerNode("flatten", "Flatten", (6,), 0, 1),
            LayerNode("fc", "Linear", (3,), 6 * 3 + 3, 1),
        ),
    )


def test_the_tree_walks_in_the_order_of_named_modules(watch):
    module = nn.Sequential(Residual(), nn.Sequential(nn.Identity(), nn.Identity()))

    root = seen(watch, module).root

    assert [node.name for node in root.walk()] == [name for name, _ in module.named_modules()]
    assert [node.label for node in root.children] == ["0", "1"]
    assert [node.label for node in root.children[1].children] == ["0", "1"]


def test_a_layer_called_twice_is_counted_twice(watch):
    root = seen(watch, Residual()).root

    assert row(root, "relu") == ("ReLU", (4, 8, 8), 0, 2)
    assert row(root, "bn1") == ("BatchNorm2d", (4, 8, 8), 8, 1)


def test_a_module_under_two_names_is_shown_once_with_all_its_calls(watch):
    shared = nn.Conv2d(3, 3, 1)
    module = nn.Sequential(shared, nn.Sequential(shared, nn.Flatten()))

    root = seen(watch, module).root

    assert [node.name for node in root.walk()] == ["", "0", "1", "1.1"]
    assert row(root, "0") == ("Conv2d", (3, 8, 8), 12, 2)
    assert row(root, "1") == ("Sequential", (192,), 12, 1)
    assert root.parameters == 12


def test_a_module_that_is_not_run_is_in_the_tree_with_no_calls(watch):
    class Lazy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used = nn.Conv2d(3, 2, 1)
            self.unused = nn.Conv2d(3, 2, 1)
            self.empty = None

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    root = seen(watch, Lazy()).root

    assert row(root, "unused") == ("Conv2d", None, 8, 0)
    assert root.find("empty") is None


@pytest.mark.parametrize("kind", ["tuple", "dict", "named"])
def test_containers_show_the_shape_of_their_first_tensor(watch, kind):
    root = seen(watch, Containers(kind)).root

    assert row(root, "giver") == ("_Giver", (4, 8, 8), 0, 1)
    assert row(root, "silent") == ("_Giver", None, 0, 1)


def test_has_maps_means_channels_rows_and_columns(watch):
    root = seen(watch, Plain()).root

    assert [node.label for node in root.children if node.has_maps] == [
        "conv1",
        "relu1",
        "conv2",
        "relu2",
        "pool",
    ]


def test_leaves_and_outputs_are_noted_in_the_order_of_the_pass(watch):
    found = seen(watch, Residual())

    names = [name for name, _ in found.leaves]
    assert names == ["stem", "conv1", "bn1", "relu", "conv2", "bn2", "relu", "fc"]
    assert found.leaves[0] == ("stem", (1, 4, 8, 8))
    assert found.outputs == 3


# ------------------------------------------------------------------------------- default layer


@pytest.mark.parametrize(
    ("name", "size", "layer", "head"),
    [
        ("vgg16", 64, "features", "avgpool (AdaptiveAvgPool2d)"),
        ("alexnet", 128, "features", "avgpool (AdaptiveAvgPool2d)"),
        ("squeezenet1_0", 128, "features", "classifier.0 (Dropout)"),
        ("resnet18", 64, "layer4", "avgpool (AdaptiveAvgPool2d)"),
        ("inception_v3", 139, "Mixed_7c", "avgpool (AdaptiveAvgPool2d)"),
        ("densenet121", 64, "features", "classifier (Linear)"),
        ("googlenet", 64, "inception5b", "avgpool (AdaptiveAvgPool2d)"),
        ("mobilenet_v2", 64, "features", "classifier.0 (Dropout)"),
    ],
)
def test_the_default_layer_of_torchvisions_networks(watch, name, size, layer, head):
    import torchvision

    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with undrawn():
        module = torchvision.models.get_model(name, weights=None, **options).eval()

    found, reason = default_layer(module, seen(watch, module, size))

    assert found == layer
    assert reason == f"The last maps before the head, which begins with {head}."


def test_the_default_layer_of_a_flat_lenet_is_its_last_pooling(watch):
    module = LeNet()

    found, reason = default_layer(module, seen(watch, module, 32))

    assert found == "pool"
    assert "begins with fc1 (Linear)" in reason


def test_a_network_without_maps_has_no_default_layer(watch):
    module = nn.Sequential(nn.Flatten(), nn.Linear(192, 5), nn.ReLU(), nn.Linear(5, 3))

    found, reason = default_layer(module, seen(watch, module))

    assert found == ""
    assert "keeps positions" in reason


def test_a_network_that_ends_in_maps_shows_its_last_ones(watch):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())

    assert default_layer(module, seen(watch, module)) == ("1", "The last layer that gives maps.")


def test_as_many_channels_as_classes_are_no_scores_while_weights_follow(watch):
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 4),
    )

    assert default_layer(module, seen(watch, module))[0] == "1"


def test_what_hands_its_input_on_ends_no_module(watch):
    """timm's blocks end with a drop path that is an Identity, before the sum that is the output."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.drop_path = nn.Conv2d(3, 3, 1), nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return x + self.drop_path(self.conv(x))

    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    module = nn.Sequential()
    module.stages, module.head = nn.Sequential(Block(), Block()), head

    layer, reason = default_layer(module, seen(watch, module))

    assert layer == "stages"
    assert reason.endswith("begins with head.0 (AdaptiveAvgPool2d).")


def test_a_convolution_to_classes_belongs_to_the_head(watch):
    module = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(8, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )

    assert default_layer(module, seen(watch, module))[0] == "0"


def test_maps_of_one_pixel_are_no_default(watch):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 6), nn.Flatten(), nn.Linear(5, 3))

    assert default_layer(module, seen(watch, module))[0] == "0"
