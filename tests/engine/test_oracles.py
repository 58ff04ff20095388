"""Grad-CAM and feature maps equal captum's, on real weights and at layers before in-place ReLUs.

Tolerances are of the map's largest absolute value: 1e-4 in single precision, 1e-5 in double.
captum cannot see a convolution's output before an in-place ReLU in Grad-CAM (its hook's tensor is
rewritten), so there its word is taken on a copy of the network whose ReLUs are out of place.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum.attr import LayerActivation, LayerGradCam
from precision import doubled
from torch import Tensor, nn

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.models import LoadedModel, load_model
from cnnviz_desktop.engine.techniques import FeatureMaps, GradCam

SINGLE, DOUBLE = 1e-4, 1e-5


def out_of_place(module: nn.Module) -> nn.Module:
    """Return a copy of the network in which no layer writes into its input."""
    module = copy.deepcopy(module)
    for child in module.modules():
        if hasattr(child, "inplace"):
            child.inplace = False
    return module


def close(got: np.ndarray, wanted: Tensor, tolerance: float) -> None:
    expected = wanted.detach().double().numpy()
    largest = np.abs(expected).max()
    assert largest > 0
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * largest)


def captum_cam(module: nn.Module, layer: str, tensor: Tensor, target: int) -> Tensor:
    cam = LayerGradCam(module, module.get_submodule(layer))
    tensor = tensor.clone().requires_grad_()  # captum needs a graph, and parameters are frozen
    return cam.attribute(tensor, target=target, relu_attributions=False)[0, 0]


def captum_maps(module: nn.Module, layer: str, tensor: Tensor) -> Tensor:
    return LayerActivation(module, module.get_submodule(layer)).attribute(tensor)[0]


def compare(
    model: LoadedModel,
    image: ImageInput,
    layer: str,
    target: int | None,
    tolerance: float,
    view: Callable[[nn.Module], nn.Module] = out_of_place,
) -> None:
    tensor, _ = model.prepare(image)
    heatmap = GradCam(layer=layer, target=target)(model, image)
    maps = FeatureMaps(layer=layer)(model, image)
    module = view(model.module)

    close(heatmap.values, captum_cam(module, layer, tensor, heatmap.target), tolerance)
    close(maps.values, captum_maps(module, layer, tensor), tolerance)
    assert heatmap.score == pytest.approx(float(module(tensor)[0, heatmap.target]), rel=1e-4)


# features.0, fire.squeeze and fire.expand are convolutions directly before in-place ReLUs.
BEFORE_IN_PLACE = [
    "features.0",
    "features.3.squeeze",
    "features.5.expand1x1",
    "features.12.expand3x3",
    "classifier.1",
]
SAFE = ["features.2", "features.4", "features.12", "features", "classifier.2"]


@pytest.mark.parametrize("layer", BEFORE_IN_PLACE + SAFE)
def test_squeezenet_equals_captum(squeezenet, photograph, layer):
    compare(squeezenet, photograph, layer, 281, SINGLE)


@pytest.mark.parametrize("layer", ["features.12.expand3x3", "features"])
def test_squeezenet_equals_captum_for_another_class(squeezenet, photograph, layer):
    compare(squeezenet, photograph, layer, 243, SINGLE)


@pytest.mark.parametrize("layer", SAFE)
def test_squeezenet_as_it_is_equals_captum_where_captum_can_look(squeezenet, photograph, layer):
    compare(squeezenet, photograph, layer, 281, SINGLE, view=lambda module: module)


@pytest.mark.parametrize("layer", BEFORE_IN_PLACE)
def test_captums_own_clone_sees_the_same_maps_before_in_place_relus(squeezenet, photograph, layer):
    tensor, _ = squeezenet.prepare(photograph)

    maps = FeatureMaps(layer=layer)(squeezenet, photograph).values

    assert maps.min() < 0
    close(maps, captum_maps(squeezenet.module, layer, tensor), SINGLE)


@pytest.mark.parametrize("layer", ["features.0", "features.12.expand3x3", "features"])
def test_squeezenet_in_double_precision_equals_captum(squeezenet, photograph, layer):
    compare(doubled(squeezenet), photograph, layer, 281, DOUBLE)


def test_the_real_network_sees_the_cat_and_the_dog(squeezenet, photograph):
    """The dog is above, the cat below: what speaks for each lies there."""
    maps = {
        name: np.maximum(GradCam(target=target)(squeezenet, photograph).values, 0)
        for name, target in (("dog", 243), ("cat", 281))
    }

    def height(values: np.ndarray) -> float:
        rows = np.arange(values.shape[0]) + 0.5
        return float((values.sum(axis=1) * rows).sum() / values.sum() / values.shape[0])

    assert height(maps["dog"]) < 0.5 < height(maps["cat"])


# ------------------------------------------------------------------------------ other networks


@pytest.fixture(scope="module")
def resnet() -> LoadedModel:
    return load_model("resnet18", weights="none")


@pytest.mark.parametrize("layer", ["conv1", "layer1.0.bn2", "layer2.0.conv1", "layer4"])
def test_resnet_with_random_weights_equals_captum(resnet, noise, layer):
    """bn2's output is summed in place, and conv1's normalised and rectified in place."""
    compare(resnet, noise(64, 64), layer, 3, SINGLE, view=residual_out_of_place)


def test_resnet_in_double_precision_equals_captum(resnet, noise):
    compare(doubled(resnet), noise(64, 64), "layer1.0.bn2", 3, DOUBLE, view=residual_out_of_place)


def residual_out_of_place(module: nn.Module) -> nn.Module:
    """Return a copy of a ResNet that adds its shortcuts without `+=`."""
    module = out_of_place(module)

    def forward(block: nn.Module, x: Tensor) -> Tensor:
        out = block.bn2(block.conv2(block.relu(block.bn1(block.conv1(x)))))
        identity = x if block.downsample is None else block.downsample(x)
        return block.relu(out + identity)

    for child in module.modules():
        if type(child).__name__ == "BasicBlock":
            child.forward = forward.__get__(child)
    return module


@pytest.fixture(scope="module")
def inception() -> LoadedModel:
    return load_model("inception_v3", weights="none")


@pytest.mark.slow
@pytest.mark.parametrize(
    "layer", ["Conv2d_1a_3x3.bn", "Mixed_5b", "Mixed_6e.branch1x1", "Mixed_7c"]
)
def test_inception_equals_captum(inception, noise, layer):
    """Its ReLUs are functional and in place, so its blocks are rewritten for captum."""
    from torchvision.models.inception import BasicConv2d

    def forward(block: nn.Module, x: Tensor) -> Tensor:
        return torch.relu(block.bn(block.conv(x)))

    def rewritten(module: nn.Module) -> nn.Module:
        module = copy.deepcopy(module)
        for child in module.modules():
            if isinstance(child, BasicConv2d):
                child.forward = forward.__get__(child)
        return module

    # In double precision: with random weights rounding alone, which differs between two ways to
    # convolve, grows to a thousandth of the map on its way through ninety layers.
    compare(doubled(inception), noise(299, 299), layer, 5, DOUBLE, view=rewritten)
