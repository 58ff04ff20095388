"""Grad-CAM: the places of a layer that speak for a class.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017, arXiv:1610.02391.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.cam import ClassCam

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class GradCam(ClassCam):
    """Weigh a layer's maps by the mean gradient of one class's logit and add them up.

    w_c = mean over positions of d logit / d A_c; the map is the sum of w_c A_c, raw and signed.
    The backward pass stops at the layer.
    """

    title: ClassVar[str] = "Grad-CAM"
    command: ClassVar[str] = "grad-cam"
    summary: ClassVar[str] = "Mark the places that speak for a class."
    paper: ClassVar[str] = "arXiv:1610.02391"

    def weigh(self, maps: Tensor, gradient: Tensor) -> Tensor:
        """Weigh each channel by its mean gradient."""
        weights = gradient.mean(dim=(1, 2), keepdim=True)
        return (weights * maps).sum(dim=0)
