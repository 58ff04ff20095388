"""Add up the gradients of the input and of all biases that stand at a place of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnviz_desktop.data import Diagnosis, Heatmap, Heatmaps, ImageInput
from cnnviz_desktop.engine.cam_pass import (
    Answer,
    ends_in_softmax,
    passes_of,
    refuse_transformers,
    views,
)
from cnnviz_desktop.engine.recording import first_broken, gradients, hooked, interruptible
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import LayerError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.techniques.full_grad import FullGrad


def explain(
    technique: FullGrad, model: LoadedModel, image: ImageInput | None, run: Run
) -> Heatmap | Heatmaps:
    """Run Full-Grad: the map of one class, or those of several side by side."""
    refuse_transformers(model)
    if not any(_bias(item) is not None for item in model.module.modules()):
        raise LayerError(
            f"No layer of {model.title} adds a bias to maps, so Full-Grad has nothing to add up. "
            "Input x gradient is what is left of it."
        )
    tensor, region = model.prepare(technique.required_image(image))
    answer: Answer | None = None
    totals: list[Tensor] = []
    norms: list[float] = []
    with gradients():
        for view, restored, _part in views(tensor, technique.smooth, model.layout):
            run.pause()
            seen = _Pass(model, view, run)
            if answer is None:
                answer = Answer(technique, model, seen.logits, region)
            maps = [restored(values) for values in seen.maps(answer.targets)]
            norms = norms or seen.norms
            before = totals or [torch.zeros_like(values) for values in maps]
            totals = [one + other for one, other in zip(before, maps, strict=True)]
            del seen, view
    assert answer is not None  # there is always the picture itself
    each = []
    for total, norm in zip(totals, norms, strict=True):
        values = total / passes_of(technique.smooth)
        sound = bool(torch.isfinite(values).all())
        broken = "" if sound else first_broken(model.module, tensor, run)
        each.append(
            (values, Diagnosis(gradient=norm, softmax=ends_in_softmax(model), broken=broken))
        )
    return answer.result(each, layer="", signed=False)


class _Pass:
    """One pass whose graph begins at the input, with each bias told its gradient in a backward."""

    def __init__(self, model: LoadedModel, tensor: Tensor, run: Run) -> None:
        self._input = tensor.clone().requires_grad_()
        self._sum = _Sum(tensor)
        self.norms: list[float] = []
        layers = [item for item in model.module.modules() if _bias(item) is not None]
        with interruptible(model.module, run), hooked(layers, after=self._wait):
            # A clone, since a leaf that asks for its gradient must not be written into.
            self.logits = model.logits(model.module(self._input.clone()))[0]

    def _wait(self, layer: nn.Module, _inputs: object, output: Any) -> None:
        bias = _bias(layer)
        if bias is not None and isinstance(output, Tensor) and output.requires_grad:
            add = partial(self._sum.add_bias, bias)
            output.register_hook(add)  # type: ignore[no-untyped-call]

    def maps(self, targets: Sequence[int]) -> list[Tensor]:
        """Return the map (H, W) of each class."""
        found = []
        for number, target in enumerate(targets, start=1):
            gradient = None
            if self.logits.requires_grad:
                (gradient,) = torch.autograd.grad(
                    self.logits[target],
                    self._input,
                    retain_graph=number < len(targets),
                    allow_unused=True,
                )
            if gradient is None:
                raise LayerError(
                    "The scores do not depend on the picture, or the network lets no gradient "
                    "through to it. Choose a method without gradients, such as Score-CAM."
                )
            self._sum.add((self._input * gradient)[0])
            self.norms.append(float(gradient.norm()))
            found.append(self._sum.taken())
        return found


class _Sum:
    """What the graph tells each gradient; it knows nothing of the graph, which would keep both."""

    def __init__(self, tensor: Tensor) -> None:
        self._total = self._nothing = torch.zeros(
            tensor.shape[2:], dtype=tensor.dtype, device=tensor.device
        )

    def add_bias(self, bias: Tensor, gradient: Tensor) -> None:
        """Add what a layer's bias (C,) does with a gradient (1, C, h, w)."""
        self.add(bias[:, None, None] * gradient[0])

    def add(self, values: Tensor) -> None:
        """Add magnitudes (C, h, w), each channel scaled to 0..1, resized to the input."""
        sizes = values.detach().abs()
        sizes = sizes - sizes.amin(dim=(1, 2), keepdim=True)
        largest = sizes.amax(dim=(1, 2), keepdim=True)
        summed = (sizes / torch.where(largest > 0, largest, 1)).sum(dim=0)[None, None]
        if summed.shape[2:] != self._total.shape:  # what is linear may be done once for all
            size = tuple(self._total.shape)
            summed = functional.interpolate(summed, size=size, mode="bilinear")
        self._total = self._total + summed[0, 0]

    def taken(self) -> Tensor:
        """Return the sum (H, W) and begin anew."""
        total, self._total = self._total, self._nothing
        return total


def _bias(layer: nn.Module) -> Tensor | None:
    """Return what a layer adds to each channel, None where it adds nothing or is no such layer."""
    if isinstance(layer, nn.Conv2d):
        return layer.bias
    if not isinstance(layer, nn.BatchNorm2d) or layer.running_mean is None:
        return None
    assert layer.running_var is not None
    scale = torch.rsqrt(layer.running_var + layer.eps)
    if layer.weight is not None:
        scale = scale * layer.weight
    shift = -layer.running_mean * scale
    return shift if layer.bias is None else shift + layer.bias
