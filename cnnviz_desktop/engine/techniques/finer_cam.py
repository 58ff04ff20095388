"""Finer-CAM: why this class and not one that looks like it.

Zhang et al., "Finer-CAM: Spotting the Difference Reveals Finer Details for Visual Explanation",
CVPR 2025, arXiv:2501.11309.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.technique import ClassKind, Integer, Number, parameter
from cnnviz_desktop.engine.techniques.grad_cam import GradCam
from cnnviz_desktop.errors import TargetError

if TYPE_CHECKING:
    from torch import Tensor

    from cnnviz_desktop.engine.cam_pass import CamPass


@dataclass(frozen=True, kw_only=True)
class FinerCam(GradCam):
    """Explain how a class's score differs from those of its rivals, with Grad-CAM.

    What is explained is y_c - alpha times the mean score of the rivals: one class that is named, or
    those whose scores are nearest to y_c.
    """

    title: ClassVar[str] = "Finer-CAM"
    command: ClassVar[str] = "finer-cam"
    summary: ClassVar[str] = "Mark what tells a class from those it could be taken for."
    paper: ClassVar[str] = "arXiv:2501.11309"

    contrast: int | str | None = parameter(
        ClassKind("Nearest classes"),
        None,
        "Class to tell it from, by name or index; the nearest ones by default.",
    )
    nearest: int = parameter(
        Integer(1, 99),
        3,
        "How many classes of the nearest scores it is told from, if none is named.",
    )
    alpha: float = parameter(
        Number(0.0, 2.0, 0.1),
        0.6,
        "How much the others count: 0 is Grad-CAM, 1 all of their score.",
    )

    def score(self, seen: CamPass, target: int) -> Tensor:
        """Return how far the class's logit is above that of its rivals."""
        rivals = self._rivals(seen, target)
        own = seen.logits[target]
        return own - self.alpha * seen.logits[rivals].mean() if rivals else own

    def _rivals(self, seen: CamPass, target: int) -> list[int]:
        """Return the class that is named, or those of the nearest scores."""
        if self.contrast is not None:
            named = seen.model.target(self.contrast, seen.logits)
            if named != target:
                return [named]
            if self.classes == 1:
                raise TargetError(
                    f"{seen.model.labels[named]} cannot be told from itself: choose another class "
                    "for contrast."
                )
        distances = (seen.logits.detach() - seen.logits[target].detach()).abs()
        order = [index for index in distances.argsort(stable=True).tolist() if index != target]
        return order[: self.nearest]
