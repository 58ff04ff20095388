"""The CAM family equals captum and pytorch-grad-cam at the layer's own resolution.

Tolerances are of the map's largest absolute value: 1e-4 in single precision, 1e-5 in double. The
oracles run on copies in the default memory format, which our networks are not in. Networks with
random weights have batch-norm statistics of a few pictures in training mode: without them, maps are
all alike.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import pytorch_grad_cam as peers
import pytorch_grad_cam.ablation_cam
import pytorch_grad_cam.score_cam
import torch
from captum.attr import LayerGradCam
from precision import doubled
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.models import LoadedModel, load_model
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.engine.techniques import (
    AblationCam,
    EigenCam,
    FasterScoreCam,
    FullGrad,
    GradCam,
    GradCamPlusPlus,
    HiResCam,
    LayerCam,
    ScoreCam,
    XGradCam,
)

SINGLE, DOUBLE = 1e-4, 1e-5

# pytorch-grad-cam adds 1e-6 in Grad-CAM++.
QUICK: dict[str, tuple[Callable[..., Technique], Any]] = {
    "grad-cam": (GradCam, peers.GradCAM),
    "grad-cam-plus-plus": (partial(GradCamPlusPlus, eps=1e-6), peers.GradCAMPlusPlus),
    "xgrad-cam": (XGradCam, peers.XGradCAM),
    "hires-cam": (HiResCam, peers.HiResCAM),
    "layer-cam": (LayerCam, peers.LayerCAM),
    "eigen-cam": (EigenCam, peers.EigenCAM),
}
SLOW: dict[str, tuple[Callable[..., Technique], Any]] = {
    "score-cam": (ScoreCam, peers.ScoreCAM),
    "ablation-cam": (AblationCam, peers.AblationCAM),
}


@pytest.fixture(scope="module", autouse=True)
def no_bars() -> Iterator[None]:
    """Keep the oracles' progress bars out of the output."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (pytorch_grad_cam.score_cam, pytorch_grad_cam.ablation_cam):
            patch.setattr(module.tqdm, "tqdm", lambda items: items)
        yield


def lived_in(name: str, size: int) -> LoadedModel:
    """Return a network of random weights whose batch norms have seen a few pictures."""
    torch.manual_seed(0)
    model = load_model(name, weights="none")
    module = model.module.train()
    for child in module.modules():
        if isinstance(child, nn.BatchNorm2d):
            child.momentum = None  # the mean over all
    with torch.no_grad():
        for _ in range(2):
            module(torch.randn(4, 3, size, size).contiguous(memory_format=model.layout))
    module.eval()
    return model


@pytest.fixture(scope="module")
def resnet() -> LoadedModel:
    return lived_in("resnet50", 96)


@pytest.fixture(scope="module")
def inception() -> LoadedModel:
    return lived_in("inception_v3", 299)


def cropped(model: LoadedModel, side: int) -> LoadedModel:
    """Return the model with the corner of its input alone: the oracles take a pass a channel."""
    whole = model.preprocessing

    def prepare(image: ImageInput) -> tuple[Tensor, object]:
        tensor, region = whole(image)
        return tensor[:, :, :side, :side], region

    return dataclasses.replace(model, preprocessing=prepare)


def plain(model: LoadedModel) -> nn.Module:
    module = copy.deepcopy(model.module).to(memory_format=torch.contiguous_format)
    return module.requires_grad_()  # as their users have it


def peer_map(
    kind: Any, model: LoadedModel, image: ImageInput, layer: str, target: int
) -> np.ndarray:
    """Return what pytorch-grad-cam gives before it rectifies, scales and resizes it."""
    module = plain(model)
    tensor = model.prepare(image)[0].contiguous()
    found: list[np.ndarray] = []
    with kind(module, [module.get_submodule(layer)]) as method:
        method.batch_size = 8
        made = method.get_cam_image

        def keep(*args: Any, **named: Any) -> Any:
            found.append(made(*args, **named))
            return found[-1]

        method.get_cam_image = keep
        method(tensor, targets=[ClassifierOutputTarget(target)])
    return found[0][0]


def close(got: np.ndarray, wanted: np.ndarray, tolerance: float) -> None:
    assert got.shape == wanted.shape
    largest = np.abs(wanted).max()
    assert largest > 0
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * largest)


def compare(
    method: str,
    model: LoadedModel,
    image: ImageInput,
    layer: str | None,
    target: int,
    tolerance: float,
) -> None:
    kind, peer = (QUICK | SLOW)[method]
    layer = layer or model.default_layer
    found = kind(layer=layer, target=target)(model, image).values
    wanted = peer_map(peer, model, image, layer, target)
    if method == "eigen-cam" and abs(wanted.min()) > abs(wanted.max()):
        wanted = -wanted  # the sign is arbitrary; they leave it as it comes
    close(found, wanted, tolerance)


@pytest.mark.parametrize("layer", [None, "features.6", "features.9"])
@pytest.mark.parametrize("method", QUICK)
def test_squeezenet(squeezenet, photograph, method, layer):
    compare(method, squeezenet, photograph, layer, 281, SINGLE)


@pytest.mark.parametrize("method", QUICK)
def test_squeezenet_in_double_precision(squeezenet, photograph, method):
    compare(method, doubled(squeezenet), photograph, None, 243, DOUBLE)


@pytest.mark.parametrize("method", QUICK)
def test_resnet(resnet, noise, method):
    compare(method, resnet, noise(224, 224), None, 3, SINGLE)


@pytest.mark.slow
@pytest.mark.parametrize("layer", [None, "layer2"])
@pytest.mark.parametrize("method", QUICK)
def test_resnet_in_double_precision(resnet, noise, method, layer):
    """With random weights, rounding alone moves maps of layer2 by 2 % in single precision."""
    compare(method, doubled(resnet), noise(224, 224), layer, 3, DOUBLE)


@pytest.mark.slow
@pytest.mark.parametrize("method", QUICK)
def test_inception(inception, noise, method):
    compare(method, inception, noise(299, 299), None, 5, SINGLE)


@pytest.mark.slow
@pytest.mark.parametrize("layer", [None, "Mixed_6e"])
@pytest.mark.parametrize("method", QUICK)
def test_inception_in_double_precision(inception, noise, method, layer):
    compare(method, doubled(inception), noise(299, 299), layer, 5, DOUBLE)


@pytest.mark.parametrize("layer", [None, "features.6"])
def test_grad_cam_equals_captum_too(squeezenet, photograph, layer):
    layer = layer or squeezenet.default_layer
    module, (tensor, _) = plain(squeezenet), squeezenet.prepare(photograph)
    cam = LayerGradCam(module, module.get_submodule(layer))
    wanted = cam.attribute(tensor.requires_grad_(), target=281, relu_attributions=False)

    close(
        GradCam(layer=layer, target=281)(squeezenet, photograph).values,
        wanted[0, 0].detach().numpy(),
        SINGLE,
    )


# ---------------------------------------------------------------------------- a pass a channel

# Early layers of few channels, since the oracles run the whole network for each. Differences of
# scores lose digits: Ablation-CAM is compared in double precision, where the oracle rounds to
# single at the end.


@pytest.mark.slow
def test_score_cam_of_squeezenet(squeezenet, photograph):
    compare("score-cam", squeezenet, photograph, "features.3", 281, SINGLE)


@pytest.mark.slow
def test_score_cam_of_squeezenet_at_its_default_layer(squeezenet, photograph):
    compare("score-cam", squeezenet, photograph, None, 281, SINGLE)


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["maxpool", "layer1"])
def test_score_cam_of_resnet(resnet, noise, layer):
    compare("score-cam", cropped(resnet, 96), noise(224, 224), layer, 3, SINGLE)


@pytest.mark.slow
def test_score_cam_of_inception(inception, noise):
    compare("score-cam", cropped(inception, 139), noise(299, 299), "Conv2d_2a_3x3", 5, SINGLE)


@pytest.mark.slow
def test_faster_score_cam_with_all_channels_equals_the_oracle_of_score_cam(squeezenet, photograph):
    found = FasterScoreCam(layer="features.3", target=281, max_n=128)(squeezenet, photograph)
    wanted = peer_map(peers.ScoreCAM, squeezenet, photograph, "features.3", 281)
    close(found.values, wanted, SINGLE)


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["features.3", "features.9"])
def test_ablation_cam_of_squeezenet(squeezenet, photograph, layer):
    """These layers end in a ReLU: their least value is 0, where the oracle silences as we do."""
    compare("ablation-cam", doubled(cropped(squeezenet, 160)), photograph, layer, 281, SINGLE)


@pytest.mark.slow
def test_ablation_cam_of_resnet(resnet, noise):
    compare("ablation-cam", doubled(cropped(resnet, 96)), noise(224, 224), "maxpool", 3, SINGLE)


@pytest.mark.slow
def test_ablation_cam_of_inception(inception, noise):
    model = doubled(cropped(inception, 139))
    compare("ablation-cam", model, noise(299, 299), "Conv2d_2a_3x3", 5, SINGLE)


# ------------------------------------------------------------------------------------- Full-Grad


def full_grad(model: LoadedModel, image: ImageInput, target: int) -> np.ndarray:
    """Return pytorch-grad-cam's sum over layers.

    Each channel is scaled to 0..1 there with 1e-7 added to the largest value: a score that is so
    much larger leaves nothing of that, though some of SqueezeNet's biases are nearly 0.
    """
    tensor = model.prepare(image)[0].contiguous()
    with peers.FullGrad(plain(model), []) as method:
        kept: list[np.ndarray] = []
        made = method.compute_cam_per_layer

        def keep(*args: Any, **named: Any) -> Any:
            kept.append(made(*args, **named))
            return kept[-1]

        method.compute_cam_per_layer = keep
        method(tensor, targets=[lambda scores: scores[target] * 1e15])
    return kept[0][0, 0]


@pytest.mark.parametrize("precision", ["single", "double"])
def test_full_grad_of_squeezenet(squeezenet, photograph, precision):
    model = squeezenet if precision == "single" else doubled(squeezenet)
    close(FullGrad(target=281)(model, photograph).values, full_grad(model, photograph, 281), SINGLE)


@pytest.mark.slow
def test_full_grad_of_resnet(resnet, noise):
    model = doubled(resnet)
    image = noise(224, 224)
    close(FullGrad(target=3)(model, image).values, full_grad(model, image, 3), SINGLE)


@pytest.mark.slow
def test_full_grad_of_inception(inception, noise):
    model = doubled(inception)
    model.module.AuxLogits = nn.Identity()  # not run, but the oracle waits for its gradients
    image = noise(299, 299)
    close(FullGrad(target=5)(model, image).values, full_grad(model, image, 5), SINGLE)
