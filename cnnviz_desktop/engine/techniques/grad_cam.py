"""Grad-CAM: the places of a layer that speak for a class.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017, arXiv:1610.02391.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.data import Heatmap, ImageInput
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import (
    ClassKind,
    Integer,
    LayerKind,
    Technique,
    parameter,
)
from cnnviz_desktop.errors import LayerError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True, kw_only=True)
class GradCam(Technique):
    """Weigh a layer's maps by the mean gradient of one class's logit and add them up.

    w_c = mean over positions of d logit / d A_c; the map is the sum of w_c A_c, raw and signed.
    The backward pass stops at the layer.
    """

    title: ClassVar[str] = "Grad-CAM"
    command: ClassVar[str] = "grad-cam"
    tab: ClassVar[str] = "Explain"
    summary: ClassVar[str] = "Mark the places that speak for a class."
    paper: ClassVar[str] = "arXiv:1610.02391"

    layer: str | None = parameter(
        LayerKind(), None, "Layer whose maps are weighed; the last one with maps by default."
    )
    target: int | str | None = parameter(
        ClassKind(), None, "Class to explain, by name or index; the likeliest by default."
    )
    call: int = parameter(
        Integer(-1, 999),
        -1,
        "Which call, for a layer that one pass runs several times: from 0; -1 is the last.",
    )

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Heatmap:
        """Return the map (h, w) at the layer's own resolution."""
        import torch

        from cnnviz_desktop.engine.recording import forward_from, gradients

        layer = model.layer(self.layer)
        if not layer.has_maps:
            raise LayerError(
                f"{layer.name} ({layer.kind}) gives no maps, so it cannot show where. "
                f"Choose a layer with maps such as {model.default_layer}."
            )
        call = model.call(layer, self.call)
        tensor, region = model.prepare(self.required_image(image))
        gradient = None
        with gradients():
            leaf, output = forward_from(model.module, tensor, layer.name, call, run)
            logits = model.logits(output)[0]
            target = model.target(self.target, logits)
            if logits.requires_grad:
                (gradient,) = torch.autograd.grad(logits[target], leaf, allow_unused=True)
        if gradient is None:
            raise LayerError(
                f"The score of {model.labels[target]} does not depend on {layer.name}. "
                "Choose a layer that the answer passes through."
            )
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        values = (weights * leaf.detach()).sum(dim=1)[0]
        return Heatmap(
            values=values.float().cpu().numpy(),
            layer=layer.name,
            target=target,
            target_label=model.labels[target],
            score=float(logits[target].detach()),
            region=region,
        )
