"""Eigen-CAM: what a layer sees most of, whatever the class.

Muhammad and Yeasin, "Eigen-CAM: Class Activation Map using Principal Components", IJCNN 2020,
arXiv:2008.00299.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.engine.cam import Cam
from cnnviz_desktop.engine.technique import ClassKind, parameter

if TYPE_CHECKING:
    from torch import Tensor

    from cnnviz_desktop.engine.cam_pass import CamPass


@dataclass(frozen=True, kw_only=True)
class EigenCam(Cam):
    """Project a layer's maps on the direction in which they differ most from place to place.

    With A as a matrix of places by channels, centred per channel, the map is A times its first
    right singular vector. No class and no gradient takes part. The sign of a singular vector is
    arbitrary: the map is turned so that its largest value is positive.
    """

    title: ClassVar[str] = "Eigen-CAM"
    command: ClassVar[str] = "eigen-cam"
    summary: ClassVar[str] = "Mark what a layer sees most of, whatever the class."
    paper: ClassVar[str] = "arXiv:2008.00299"
    family: ClassVar[str] = "Class activation maps without gradients"
    uses_gradients: ClassVar[bool] = False

    target: int | str | None = parameter(
        ClassKind(), None, "Class whose score is noted; the map is the same for all."
    )

    def explain(self, seen: CamPass, targets: Sequence[int]) -> list[list[Tensor]]:
        """Return the same maps for each class."""
        return [[_projected(maps) for maps in seen.maps] for _ in targets]


def _projected(maps: Tensor) -> Tensor:
    """Project on the first principal component, by the smaller of the two Gram matrices."""
    import torch

    if not bool(torch.isfinite(maps).all()):
        return maps.sum(dim=0) * float("nan")  # which eigenvectors are not defined for
    rows = maps.cpu().double().flatten(1).T  # places, channels
    rows = rows - rows.mean(dim=0)
    if len(rows) <= rows.shape[1]:
        squares, vectors = torch.linalg.eigh(rows @ rows.T)
        line = vectors[:, -1] * squares[-1].clamp(min=0).sqrt()
    else:
        line = rows @ torch.linalg.eigh(rows.T @ rows)[1][:, -1]
    flipped = -line if abs(float(line.min())) > abs(float(line.max())) else line
    found: Tensor = flipped.reshape(maps.shape[1:]).to(maps)
    return found
