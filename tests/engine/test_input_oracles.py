"""Explanations at the input equal captum's, on real weights, deep networks and functional twins.

Tolerances are of the map's largest absolute value: 1e-4 in single precision, 1e-5 in double. captum
knows rectifiers as nn.ReLU modules out of place alone, so it is shown such a copy of the network;
the techniques run on the network as it is.
"""

from __future__ import annotations

import copy
import dataclasses
import warnings
from typing import Any

import captum.attr
import numpy as np
import pytest
import torch
from networks import Functional, Plain, Residual
from precision import doubled
from torch import Tensor, nn

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.baselines import baseline
from cnnviz_desktop.engine.input_pass import InputPass
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.techniques import (
    Deconvnet,
    GuidedBackprop,
    GuidedGradCam,
    InputXGradient,
    IntegratedGradients,
    Occlusion,
    Saliency,
    SmoothGrad,
)

SINGLE, DOUBLE = 1e-4, 1e-5


def settled(name: str, side: int) -> LoadedModel:
    """Load a network of random weights with the batch-norm statistics of a few batches of noise."""
    model = load_model(name, weights="none")
    numbers = torch.Generator().manual_seed(5)
    for child in model.module.modules():
        child.training = isinstance(child, nn.BatchNorm2d)  # no dropout, and no second head
    with torch.no_grad():
        for _ in range(3):
            batch = torch.randn(4, 3, side, side, generator=numbers)
            model.module(batch.contiguous(memory_format=model.layout))
    model.module.eval()
    sized = dataclasses.replace(model.preprocessing, size=(side, side), resize=side)
    return dataclasses.replace(model, preprocessing=sized)


def of_modules(module: nn.Module) -> nn.Module:
    """Return a copy whose rectifiers are nn.ReLU, none used twice, and nothing is in place."""
    from torchvision.models.inception import BasicConv2d
    from torchvision.models.resnet import Bottleneck

    def basic(block: Any, x: Tensor) -> Tensor:
        return block.relu(block.bn(block.conv(x)))

    def bottleneck(block: Any, x: Tensor) -> Tensor:
        out = block.relu_1(block.bn1(block.conv1(x)))
        out = block.relu_2(block.bn2(block.conv2(out)))
        identity = x if block.downsample is None else block.downsample(x)
        return block.relu_3(block.bn3(block.conv3(out)) + identity)

    def residual(block: Any, x: Tensor) -> Tensor:
        identity = block.stem(x)
        out = block.bn2(block.conv2(block.relu_1(block.bn1(block.conv1(identity)))))
        return block.fc(block.relu_2(out + identity).mean((2, 3)))

    forwards = {BasicConv2d: basic, Bottleneck: bottleneck, Residual: residual}
    module = copy.deepcopy(module)
    for child in list(module.modules()):
        if hasattr(child, "inplace"):
            child.inplace = False
        forward = forwards.get(type(child))
        if forward is not None:
            child.forward = forward.__get__(child)
            for name in ("relu", "relu_1", "relu_2", "relu_3"):
                setattr(child, name, nn.ReLU())
    return module


def close(got: Any, wanted: Tensor, tolerance: float) -> None:
    expected = wanted.detach().double().numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * scale)


def captums(kind: str, module: nn.Module, tensor: Tensor, target: int, **how: Any) -> Tensor:
    """Return what captum finds (H, W, C)."""
    layer = (module.get_submodule(how.pop("layer")),) if "layer" in how else ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells of its hooks, and of gradients asked for
        explain = getattr(captum.attr, kind)(module, *layer)
        found = explain.attribute(tensor.clone().requires_grad_(), target=target, **how)
    return found[0].permute(1, 2, 0)


def compare(
    model: LoadedModel, module: nn.Module, image: ImageInput, target: int, tolerance: float
) -> None:
    """Compare all methods of one forward pass; `module` is the network as captum wants it."""
    tensor, _ = model.prepare(image)
    saliency = Saliency(target=target)(model, image)
    product = InputXGradient(target=target)(model, image)
    guided = GuidedBackprop(target=target)(model, image)
    deconvnet = Deconvnet(target=target)(model, image)

    found = captums("Saliency", module, tensor, target)
    assert found.any()
    close(saliency.values, found.amax(2), tolerance)
    found = captums("InputXGradient", module, tensor, target)
    close(product.colours, found, tolerance)
    close(product.values, found.sum(2), tolerance)
    close(guided.colours, captums("GuidedBackprop", module, tensor, target), tolerance)
    close(deconvnet.colours, captums("Deconvolution", module, tensor, target), tolerance)
    assert not np.allclose(
        guided.colours, saliency.colours, atol=1e-3 * np.abs(guided.colours).max()
    )


# ------------------------------------------------------------------------------ the real network


@pytest.mark.parametrize("target", [243, 281])
def test_methods_of_one_pass_equal_captum(squeezenet, photograph, target):
    """Of 281, the cat, a deconvnet leads nothing back: all of it is below zero somewhere."""
    assert Deconvnet(target=target)(squeezenet, photograph).values.any() == (target == 243)
    compare(squeezenet, of_modules(squeezenet.module), photograph, target, SINGLE)


def test_methods_of_one_pass_equal_captum_in_double_precision(squeezenet, photograph):
    model = doubled(squeezenet)
    compare(model, of_modules(model.module), photograph, 243, DOUBLE)


@pytest.mark.parametrize("layer", ["features", "features.4", "features.12.expand3x3"])
def test_guided_grad_cam_equals_captum(squeezenet, photograph, layer):
    found = GuidedGradCam(layer=layer, target=243)(squeezenet, photograph)

    module = of_modules(squeezenet.module)
    how = {"layer": layer, "interpolate_mode": "bilinear"}
    tensor, _ = squeezenet.prepare(photograph)
    close(found.colours, captums("GuidedGradCam", module, tensor, 243, **how), SINGLE)
    assert found.values.any()


@pytest.mark.slow
@pytest.mark.parametrize("start", ["black", "blur"])
def test_integrated_gradients_equal_captum(squeezenet, photograph, start):
    """In double precision: a rounded point may lie on the other side of some rectifier's corner."""
    model = doubled(squeezenet)
    found = IntegratedGradients(target=281, baseline=start, steps=20)(model, photograph)

    tensor, _ = model.prepare(photograph)
    how = {"method": "gausslegendre", "n_steps": 20, "internal_batch_size": 4}
    how["baselines"] = baseline(model, tensor, start)
    wanted = captums("IntegratedGradients", model.module, tensor, 281, **how)
    close(found.colours, wanted, DOUBLE)
    close(found.values, wanted.sum(2), DOUBLE)


@pytest.mark.slow
def test_shares_of_the_real_network_add_up(squeezenet, photograph):
    """Completeness: with 50 steps to a twentieth of the logit's way, with 200 to a fiftieth."""
    model = squeezenet
    tensor, _ = model.prepare(photograph)
    with torch.no_grad():
        first = model.logits(model.module(tensor))[0, 281]
        last = model.logits(model.module(baseline(model, tensor, "black")))[0, 281]
    moved = float(first - last)

    for steps, share in ((50, 0.05), (200, 0.02)):
        found = IntegratedGradients(target=281, steps=steps)(model, photograph)
        assert found.values.sum(dtype=np.float64) == pytest.approx(moved, rel=share)
        assert found.diagnosis.notes == ()


def patched_noise(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Have captum draw the noise that SmoothGrad draws."""
    generator = torch.Generator().manual_seed(seed)

    def normal(mean: float, deviation: Tensor) -> Tensor:
        rows = [torch.randn(row.shape, generator=generator)[None] for row in deviation[:, None]]
        return mean + deviation * torch.cat(rows).flatten(0, 1).to(deviation)

    monkeypatch.setattr(torch, "normal", normal)


def noise_tunnel(model: LoadedModel, image: ImageInput, target: int, deviation: float) -> Tensor:
    tensor, _ = model.prepare(image)
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(model.module))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = tunnel.attribute(
            tensor.clone().requires_grad_(),
            nt_type="smoothgrad",
            nt_samples=6,
            nt_samples_batch_size=3,
            stdevs=deviation * float(tensor.max() - tensor.min()),
            target=target,
            abs=False,
        )
    return found[0].permute(1, 2, 0)


def test_smooth_grad_equals_captums_noise_tunnel(squeezenet, photograph, monkeypatch):
    model = doubled(squeezenet)
    found = SmoothGrad(samples=6, sigma=0.1, seed=4, target=243)(model, photograph)

    patched_noise(monkeypatch, 4)
    wanted = noise_tunnel(model, photograph, 243, 0.1)

    close(found.colours, wanted, SINGLE)
    close(found.values, wanted.abs().amax(2), SINGLE)


@pytest.mark.parametrize(
    ("window", "stride"), [(64, 32), pytest.param(50, 37, marks=pytest.mark.slow)]
)
def test_occlusion_equals_captum(squeezenet, photograph, window, stride):
    """With 50 and 37 the last windows are cut off."""
    technique = Occlusion(window=window, stride=stride, fill="mean colour", target=281)
    found = technique(squeezenet, photograph)

    tensor, _ = squeezenet.prepare(photograph)
    occlusion = captum.attr.Occlusion(squeezenet.module)
    with torch.no_grad():
        wanted = occlusion.attribute(
            tensor,
            sliding_window_shapes=(3, window, window),
            strides=(3, stride, stride),
            baselines=0,
            target=281,
            perturbations_per_eval=4,
        )
    close(found.values, wanted[0, 0], SINGLE)


# ------------------------------------------------------------------------------ other networks


@pytest.mark.parametrize("network", [Plain, Functional, Residual])
@pytest.mark.parametrize("inplace", [True, False])
def test_small_networks_equal_captum(load, noise, network, inplace):
    """captum sees the functional network's twin of layers, with the same weights."""
    model = load(network(inplace=inplace))
    twin = Plain() if network is Functional else network()
    twin.load_state_dict(model.module.state_dict())
    module = of_modules(twin.eval().requires_grad_(False))

    compare(model, module, noise(), 2, SINGLE)


@pytest.mark.parametrize("network", [Plain, Functional, Residual])
def test_small_networks_equal_captum_in_many_passes(load, noise, network, monkeypatch):
    model = load(network())
    tensor, _ = model.prepare(noise())
    shares = IntegratedGradients(target=2, baseline="mean colour")(model, noise())
    smooth = SmoothGrad(target=2, samples=6, sigma=0.2)(model, noise())
    falls = Occlusion(target=2, window=3, stride=2, fill="mean colour")(model, noise())

    wanted = captums("IntegratedGradients", model.module, tensor, 2, method="gausslegendre")
    close(shares.colours, wanted, SINGLE)
    with torch.no_grad():
        how = {"sliding_window_shapes": (3, 3, 3), "strides": (3, 2, 2), "target": 2}
        found = captum.attr.Occlusion(model.module).attribute(tensor, baselines=0, **how)
    close(falls.values, found[0, 0], SINGLE)
    patched_noise(monkeypatch, 0)
    close(smooth.colours, noise_tunnel(model, noise(), 2, 0.2), SINGLE)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "side"), [("resnet50", 96), ("inception_v3", 107)])
@pytest.mark.parametrize("precision", [SINGLE, DOUBLE])
def test_deep_networks_of_random_weights_equal_captum(noise, name, side, precision):
    """resnet50 reuses in-place layers and adds in place; inception_v3 calls F.relu in place."""
    model = settled(name, side)
    if precision == DOUBLE:
        model = doubled(model)
    before = {key: value.clone() for key, value in model.module.state_dict().items()}

    compare(model, of_modules(model.module), noise(side, side), 5, precision)

    for key, value in model.module.state_dict().items():
        assert torch.equal(value, before[key])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rectifiers"),
    [("inception_v3", 94), ("googlenet", 57), ("densenet121", 121), ("mobilenet_v2", 35)],
)
def test_functional_rectifiers_of_deep_networks_are_all_found(name, rectifiers, noise):
    """Of DenseNet: 1 + 58 x 2 + 3 + 1; the last is functional. Of MobileNet V2: ReLU6."""
    model = settled(name, 107)
    image = noise(107, 107)
    tensor, _ = model.prepare(image)

    _, bends = InputPass(model, tensor).gradients([5], "guided")

    assert (bends.rectifiers, bends.others) == (rectifiers, ())
    plain, guided, deconvnet = (
        kind(target=5)(model, image).colours for kind in (Saliency, GuidedBackprop, Deconvnet)
    )
    assert np.corrcoef(plain.ravel(), guided.ravel())[0, 1] < 0.9
    assert np.corrcoef(plain.ravel(), deconvnet.ravel())[0, 1] < 0.9
    assert not np.array_equal(guided, deconvnet)
