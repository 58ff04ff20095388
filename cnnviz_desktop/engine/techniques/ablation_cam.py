"""Ablation-CAM: channels weighed by what a class's score loses without them.

Desai and Ramaswamy, "Ablation-CAM: Visual Explanations for Deep Convolutional Network via
Gradient-free Localization", WACV 2020, doi:10.1109/WACV45572.2020.9093360.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.cam import ClassCam

if TYPE_CHECKING:
    from torch import Tensor

    from cnnviz_desktop.engine.cam_pass import CamPass


@dataclass(frozen=True, kw_only=True)
class AblationCam(ClassCam):
    """Weigh a layer's maps by the share of the class's score that is lost when each is set to 0.

    w_c = (y - y with channel c zeroed) / y with the logit y; the map is the sum of w_c A_c. Where y
    is below 0 its sign turns the map, as the definition has it. No gradient takes part, and what
    follows the layer is run once a channel.
    """

    title: ClassVar[str] = "Ablation-CAM"
    command: ClassVar[str] = "ablation-cam"
    summary: ClassVar[str] = "Mark the channels that a class cannot do without: slow."
    paper: ClassVar[str] = "doi:10.1109/WACV45572.2020.9093360"
    family: ClassVar[str] = "Class activation maps without gradients"
    uses_gradients: ClassVar[bool] = False

    def is_quick(self) -> bool:
        """Say no: it takes a pass a channel."""
        return False

    def explain(self, seen: CamPass, targets: Sequence[int]) -> list[list[Tensor]]:
        """Return for each class a map (h, w) for each layer of a pass."""
        from cnnviz_desktop.engine.masked_passes import Growing, ablated_scores

        own = seen.logits[list(targets)]
        scale = own.where(own != 0, own.new_ones(()))  # a score of 0 has no shares: plain losses
        rows = []
        for place, maps in enumerate(seen.maps):
            growing = Growing(seen, maps, len(targets), 0.0)
            for channels, scores in ablated_scores(seen, place):
                growing.take(channels, (own - scores[:, list(targets)]) / scale)
            rows.append(growing.result())
        return [list(maps) for maps in zip(*rows, strict=True)]
