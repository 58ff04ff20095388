"""Faster-Score-CAM: Score-CAM over the few channels that differ most from place to place.

From tf-keras-vis (https://github.com/keisen/tf-keras-vis), which has it from
https://github.com/tabayashi0117/Score-CAM; Score-CAM itself is arXiv:1910.01279.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.technique import Choice, Integer, parameter
from cnnviz_desktop.engine.techniques.score_cam import ScoreCam

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class FasterScoreCam(ScoreCam):
    """Do what Score-CAM does with the channels of the largest standard deviation over places alone.

    Ten channels take a fiftieth of the time or less, and say less: on eight photographs the map's
    correlation with Score-CAM's was between 1.0 and 0.36. With all channels it is Score-CAM.
    """

    title: ClassVar[str] = "Faster-Score-CAM"
    command: ClassVar[str] = "faster-score-cam"
    summary: ClassVar[str] = "Score-CAM with a few channels: much quicker, and coarser."
    paper: ClassVar[str] = "arXiv:1910.01279"

    max_n: int = parameter(
        Integer(1, 99_999), 10, "How many channels to use, those that vary most first."
    )
    weighting: str = parameter(
        Choice(("channels", "class")),
        "channels",
        "What weighs a channel: the softmax over channels of the class's logit, as in Score-CAM's "
        "paper, or the class's probability for the masked picture, as in tf-keras-vis.",
    )

    def chosen(self, maps: Tensor) -> Tensor:
        """Return the channels that vary most from place to place, in their own order."""
        spread = maps.flatten(1).std(dim=1, correction=0)
        return spread.argsort(descending=True, stable=True)[: self.max_n].sort().values

    def read(self, scores: Tensor) -> Tensor:
        """Return logits or probabilities."""
        return scores if self.weighting == "channels" else scores.softmax(dim=1)

    def weights(self, read: Tensor) -> Tensor:
        """Return the weights (C, T) from what was read of each channel's masked picture."""
        return super().weights(read) if self.weighting == "channels" else read.clamp(min=0)
