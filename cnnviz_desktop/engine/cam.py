"""Define what the CAM techniques share: their parameters, and how a formula becomes a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.data import Heatmap, Heatmaps, ImageInput
from cnnviz_desktop.engine.parameters import call_parameter
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import (
    Choice,
    ClassKind,
    Integer,
    LayerKind,
    LayersKind,
    Technique,
    parameter,
)

if TYPE_CHECKING:
    from torch import Tensor

    from cnnviz_desktop.engine.cam_pass import CamPass
    from cnnviz_desktop.engine.loaded_model import LoadedModel

SMOOTHINGS = ("none", "flips", "flips and scales")
MORE = "More"


def classes_parameter() -> int:
    """Declare how many classes are explained side by side."""
    count: int = parameter(
        Integer(1, 9),
        1,
        "How many classes to explain side by side: this one and the next likeliest.",
        MORE,
    )
    return count


def smooth_parameter() -> str:
    """Declare over which versions of the picture maps are averaged."""
    kind: str = parameter(
        Choice(SMOOTHINGS),
        "none",
        "Average the maps of the picture and its mirror image, or of both at 0.9, 1 and 1.1 times "
        "the contrast too, as pytorch-grad-cam's aug_smooth does.",
        MORE,
    )
    return kind


@dataclass(frozen=True, kw_only=True)
class Cam(Technique):
    """A technique that adds up a layer's maps, each weighed by what it does for one class.

    Methods with gradients need `weigh` alone; those without (`uses_gradients` False) say how they
    `explain` a whole pass.
    """

    tab: ClassVar[str] = "Explain"
    family: ClassVar[str] = "Class activation maps"
    uses_gradients: ClassVar[bool] = True

    layer: str | None = parameter(
        LayerKind(), None, "Layer whose maps are weighed; the last one with maps by default."
    )
    target: int | str | None = parameter(
        ClassKind(), None, "Class to explain, by name or index; the likeliest by default."
    )
    call: int = call_parameter(MORE)
    also: tuple[str, ...] = parameter(
        LayersKind(),
        (),
        "More layers: what speaks for the class, each map from 0 to 1, averaged over all.",
        MORE,
    )
    smooth: str = smooth_parameter()

    @property
    def count(self) -> int:
        """Return how many classes are explained."""
        return 1

    def score(self, seen: CamPass, target: int) -> Tensor:
        """Return what is explained of a pass: the class's logit."""
        return seen.logits[target]

    def weigh(self, maps: Tensor, gradient: Tensor) -> Tensor:
        """Return the map (h, w) from a layer's maps (C, h, w) and the gradient there."""
        raise NotImplementedError

    def explain(self, seen: CamPass, targets: Sequence[int]) -> list[list[Tensor]]:
        """Return for each class a map (h, w) for each layer of a pass."""
        found = []
        for number, target in enumerate(targets, start=1):
            slopes = seen.gradients(self.score(seen, target), target, keep=number < len(targets))
            pairs = zip(seen.maps, slopes, strict=True)
            found.append([self.weigh(maps, gradient) for maps, gradient in pairs])
        return found

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Heatmap | Heatmaps:
        """Return the map (h, w) at the layer's own resolution, or those of several classes."""
        from cnnviz_desktop.engine.cam_pass import explain

        return explain(self, model, image, run)


@dataclass(frozen=True, kw_only=True)
class ClassCam(Cam):
    """A CAM whose maps differ from class to class."""

    classes: int = classes_parameter()

    @property
    def count(self) -> int:
        """Return how many classes are explained."""
        return self.classes
