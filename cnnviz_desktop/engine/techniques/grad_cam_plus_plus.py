"""Grad-CAM++: Grad-CAM for a class that is in the picture more than once.

Chattopadhay et al., "Grad-CAM++: Improved Visual Explanations for Deep Convolutional Networks",
WACV 2018, arXiv:1710.11063.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.cam import ClassCam
from cnnviz_desktop.engine.technique import Number, parameter

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class GradCamPlusPlus(ClassCam):
    """Weigh a layer's maps by their positive gradients, small regions as much as large ones.

    alpha = g² / (2 g² + sum(A_c) g³) at each position, 0 where the gradient g is 0; powers of g
    stand for the higher derivatives of exp(logit) (eq. 19 of the paper). w_c = sum of alpha
    ReLU(g); the map is the sum of w_c A_c. It is computed as 1 / (2 + sum(A_c) g + eps / g²), which
    is the same and survives small gradients.
    """

    title: ClassVar[str] = "Grad-CAM++"
    command: ClassVar[str] = "grad-cam-plus-plus"
    summary: ClassVar[str] = "Mark a class that is in the picture more than once."
    paper: ClassVar[str] = "arXiv:1710.11063"

    eps: float = parameter(
        Number(0.0, 1.0, 1e-6),
        0.0,
        "Added to the divisor: 0 is the paper; pytorch-grad-cam has 0.000001, which changes maps "
        "where gradients are small.",
        "More",
    )

    def weigh(self, maps: Tensor, gradient: Tensor) -> Tensor:
        """Weigh each channel by its positive gradients, each by alpha."""
        speaks = gradient > 0  # elsewhere ReLU(g) is 0 whatever alpha is
        slope = gradient.where(speaks, gradient.new_ones(()))
        divisor = 2 + maps.sum(dim=(1, 2), keepdim=True) * slope
        if self.eps:
            divisor = divisor + self.eps / slope**2
        sound = speaks & (divisor != 0)
        shares = (slope / divisor).where(sound, gradient.new_zeros(()))
        return (shares.sum(dim=(1, 2), keepdim=True) * maps).sum(dim=0)
