"""HiResCAM: what every place of a layer adds to a class's score.

Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional
neural networks", 2020, arXiv:2011.08891.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.cam import ClassCam

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class HiResCam(ClassCam):
    """Multiply a layer's maps by the gradient place by place, and add them up.

    The map is the sum over channels of g A. Where only one linear layer follows, its sum is the
    logit less the bias: every place shows what it adds.
    """

    title: ClassVar[str] = "HiResCAM"
    command: ClassVar[str] = "hires-cam"
    summary: ClassVar[str] = "Mark what each place adds to a class's score."
    paper: ClassVar[str] = "arXiv:2011.08891"

    def weigh(self, maps: Tensor, gradient: Tensor) -> Tensor:
        """Weigh each place by its own gradient."""
        return (gradient * maps).sum(dim=0)
