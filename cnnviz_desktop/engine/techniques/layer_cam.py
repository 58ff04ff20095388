"""LayerCAM: fine places that speak for a class, in early layers too.

Jiang et al., "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization", IEEE
Transactions on Image Processing 30, 2021, doi:10.1109/TIP.2021.3089943.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.cam import ClassCam

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class LayerCam(ClassCam):
    """Multiply a layer's maps by the positive part of the gradient place by place.

    The map is the sum over channels of ReLU(g) A, which stays sharp at layers early in the network.
    """

    title: ClassVar[str] = "LayerCAM"
    command: ClassVar[str] = "layer-cam"
    summary: ClassVar[str] = "Mark what speaks for a class, sharply at early layers too."
    paper: ClassVar[str] = "doi:10.1109/TIP.2021.3089943"

    def weigh(self, maps: Tensor, gradient: Tensor) -> Tensor:
        """Weigh each place by its own gradient where that is positive."""
        return (gradient.clamp(min=0) * maps).sum(dim=0)
