"""Grad-CAM from prepared tensor to raw map, against its floor and the peers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.ratio import Row
from cnnviz_desktop import GradCam, load_model
from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.loaded_model import LoadedModel

TARGETS = {"squeezenet1_0": 0.7, "resnet50": 1.0, "inception_v3": 0.8, "vgg16": 1.0}
MODELS = tuple(TARGETS)


def rows() -> Iterator[Row]:
    """Yield one row a model; the floor is a forward and a backward from the logit to the layer."""
    for name in MODELS:
        model, image, tensor = prepared(name)
        plain = copy.deepcopy(model.module).to(memory_format=torch.contiguous_format)
        layer = plain.get_submodule(model.default_layer)
        yield Row(
            name=f"grad-cam {name}",
            contenders={
                "floor": floor(plain, layer, tensor),
                "cnnviz": partial(GradCam(target=0), model, image),
                "captum": captum(plain, layer, tensor),
                "torch-cam": torch_cam(plain, layer, tensor),
                "pytorch-grad-cam": pytorch_grad_cam(plain, layer, tensor),
            },
            target=TARGETS[name],
        )


def prepared(name: str) -> tuple[LoadedModel, ImageInput, Tensor]:
    """Return a model, a picture, and its input in the default layout.

    The model has prepared it beforehand: the peers begin with a tensor as well.
    """
    model = load_model(name, weights="none")
    height, width = model.preprocessing.size
    rng = np.random.default_rng(0)
    image = ImageInput(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
    tensor, region = model.prepare(image)
    object.__setattr__(model, "prepare", lambda _image: (tensor, region))
    return model, image, tensor.contiguous()


def floor(module: nn.Module, layer: nn.Module, tensor: Tensor) -> Callable[[], Any]:
    """Return the least work: one forward, one backward that ends at the layer, default layout."""

    def work() -> Tensor:
        kept: list[Tensor] = []

        def cut(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            kept.append(output.detach().requires_grad_())
            return kept[0].clone()

        handle = layer.register_forward_hook(cut)
        try:
            logits = module(tensor)
        finally:
            handle.remove()
        (gradient,) = torch.autograd.grad(logits[0, 0], kept[0])
        return (gradient.mean((2, 3), keepdim=True) * kept[0].detach()).sum(1)

    return work


def captum(module: nn.Module, layer: nn.Module, tensor: Tensor) -> Callable[[], Any]:
    """Return captum's LayerGradCam."""

    def work() -> Any:
        from captum.attr import LayerGradCam

        return LayerGradCam(module, layer).attribute(tensor.clone().requires_grad_(), target=0)

    return work


def torch_cam(module: nn.Module, layer: nn.Module, tensor: Tensor) -> Callable[[], Any]:
    """Return torch-cam's GradCAM."""

    def work() -> Any:
        from torchcam.methods import GradCAM

        with GradCAM(module, target_layer=layer, input_shape=tuple(tensor.shape[1:])) as method:
            return method(0, module(tensor.clone().requires_grad_()), normalized=False)

    return work


def pytorch_grad_cam(module: nn.Module, layer: nn.Module, tensor: Tensor) -> Callable[[], Any]:
    """Return pytorch-grad-cam's GradCAM on a copy with trainable parameters, as its users have."""
    trainable = copy.deepcopy(module).requires_grad_(True)
    names = {child: name for name, child in module.named_modules()}
    target = trainable.get_submodule(names[layer])

    def work() -> Any:
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        with GradCAM(trainable, [target]) as method:
            return method(tensor, targets=[ClassifierOutputTarget(0)])

    return work
