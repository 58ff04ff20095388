"""Score-CAM: channels weighed by what the network says of the picture seen through them.

Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks",
CVPR workshops 2020, arXiv:1910.01279.
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
class ScoreCam(ClassCam):
    """Weigh a layer's maps by the class's score for the picture masked by each of them.

    Mask c is A_c upsampled to the input (bilinear, corners on corners) and scaled to 0..1; where it
    is 0 the network sees its mean colour. w = softmax over the channels of the masked pictures'
    logits; the map is the sum of w_c A_c. No gradient takes part, and there is a pass a channel.
    """

    title: ClassVar[str] = "Score-CAM"
    command: ClassVar[str] = "score-cam"
    summary: ClassVar[str] = "Mark what a class needs to be seen, without gradients: slow."
    paper: ClassVar[str] = "arXiv:1910.01279"
    family: ClassVar[str] = "Class activation maps without gradients"
    uses_gradients: ClassVar[bool] = False

    def is_quick(self) -> bool:
        """Say no: it takes a pass a channel."""
        return False

    def chosen(self, maps: Tensor) -> Tensor:
        """Return which channels of the maps (C, h, w) take part."""
        import torch

        return torch.arange(len(maps), device=maps.device)

    def read(self, scores: Tensor) -> Tensor:
        """Return what counts of the scores (N, K) of masked pictures."""
        return scores

    def weights(self, read: Tensor) -> Tensor:
        """Return the weights (C, T) from what was read of each channel's masked picture."""
        return read.softmax(dim=0)

    def explain(self, seen: CamPass, targets: Sequence[int]) -> list[list[Tensor]]:
        """Return for each class a map (h, w) for each layer of a pass."""
        from cnnviz_desktop.engine.masked_passes import Growing, masked_scores

        rows = []
        for place, maps in enumerate(seen.maps):
            chosen = self.chosen(maps)
            growing = Growing(seen, maps[chosen], len(targets), float("-inf"), self.weights)
            for channels, scores in masked_scores(seen, place, chosen):
                growing.take(channels, self.read(scores)[:, list(targets)])
            rows.append(growing.result())
        return [list(maps) for maps in zip(*rows, strict=True)]
