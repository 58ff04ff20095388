"""XGrad-CAM: Grad-CAM with the weights that two axioms ask for.

Fu et al., "Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of CNNs", BMVC
2020, arXiv:2008.02312.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.cam import ClassCam

if TYPE_CHECKING:
    from torch import Tensor

_EPS = 1e-7  # as in the authors' code


@dataclass(frozen=True, kw_only=True)
class XGradCam(ClassCam):
    """Weigh a layer's maps by their gradients where they fire.

    w_c = sum of g A_c / (sum of A_c + 1e-7), 0 where a map adds up to nothing; the map is the sum
    of w_c A_c. At a layer after its ReLU the map adds up to what the layer gives to the logit.
    """

    title: ClassVar[str] = "XGrad-CAM"
    command: ClassVar[str] = "xgrad-cam"
    summary: ClassVar[str] = "Mark what speaks for a class, gradients counted where maps fire."
    paper: ClassVar[str] = "arXiv:2008.02312"

    def weigh(self, maps: Tensor, gradient: Tensor) -> Tensor:
        """Weigh each channel by the mean of its gradient over what it fires."""
        sums = maps.sum(dim=(1, 2), keepdim=True)
        divisor = sums + _EPS
        sound = (sums != 0) & (divisor != 0)
        divisor = divisor.where(sound, divisor.new_ones(()))
        weights = (gradient * maps).sum(dim=(1, 2), keepdim=True) / divisor
        return (weights.where(sound, weights.new_zeros(())) * maps).sum(dim=0)
