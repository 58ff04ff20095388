"""Guided Grad-CAM: the fine detail of guided backpropagation where Grad-CAM sees the class.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017, arXiv:1610.02391.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.data import Heatmap
from cnnviz_desktop.engine.cam import MORE
from cnnviz_desktop.engine.input_explanation import InputExplanation
from cnnviz_desktop.engine.parameters import call_parameter
from cnnviz_desktop.engine.technique import LayerKind, parameter

if TYPE_CHECKING:
    from cnnviz_desktop.engine.input_pass import Found, Subject


@dataclass(frozen=True, kw_only=True)
class GuidedGradCam(InputExplanation):
    """Multiply guided backpropagation by what of the Grad-CAM map is above zero.

    The map is enlarged to the input, bilinearly. The result is the largest magnitude over the
    colours of a pixel; `colours` keeps the signs.
    """

    title: ClassVar[str] = "Guided Grad-CAM"
    command: ClassVar[str] = "guided-grad-cam"
    summary: ClassVar[str] = "Show the fine detail of the places that speak for a class."
    paper: ClassVar[str] = "arXiv:1610.02391"
    signed: ClassVar[bool] = False

    layer: str | None = parameter(
        LayerKind(), None, "Layer of the Grad-CAM map; the last one with maps by default."
    )
    call: int = call_parameter(MORE)

    def explain(self, subject: Subject) -> list[Found]:
        """Return the largest magnitude of the product at each pixel, for each class."""
        import torch
        from torch.nn import functional

        from cnnviz_desktop.engine.input_pass import Found, largest, led_back
        from cnnviz_desktop.engine.techniques.grad_cam import GradCam

        cam = GradCam(layer=self.layer, target=self.target, call=self.call, classes=self.classes)
        seen = cam(subject.model, subject.image, subject.run)
        maps = (seen,) if isinstance(seen, Heatmap) else seen.maps
        subject.layer = maps[0].layer
        found = []
        for heatmap, guided in zip(maps, led_back(subject, "guided"), strict=True):
            assert guided.colours is not None
            size = guided.values.shape
            places = torch.from_numpy(heatmap.values).to(guided.values).clamp(min=0)
            places = functional.interpolate(places[None, None], size=size, mode="bilinear")[0]
            colours = guided.colours * places
            notes = guided.notes
            if not bool(places.any()):
                notes += (
                    f"The Grad-CAM map of {heatmap.layer} is nowhere above zero, so nothing is "
                    "left of the product: choose another layer.",
                )
            found.append(
                Found(largest(colours), colours=colours, notes=notes, diagnosis=heatmap.diagnosis)
            )
        return found
