"""Maps of several methods, layers or classes side by side: what they agree on is no accident."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cnnviz_desktop.data import Heatmap, Heatmaps, ImageInput
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import (
    Choices,
    ClassKind,
    Integer,
    LayersKind,
    Technique,
    parameter,
)
from cnnviz_desktop.engine.techniques.ablation_cam import AblationCam
from cnnviz_desktop.engine.techniques.deconvnet import Deconvnet
from cnnviz_desktop.engine.techniques.eigen_cam import EigenCam
from cnnviz_desktop.engine.techniques.faster_score_cam import FasterScoreCam
from cnnviz_desktop.engine.techniques.finer_cam import FinerCam
from cnnviz_desktop.engine.techniques.full_grad import FullGrad
from cnnviz_desktop.engine.techniques.grad_cam import GradCam
from cnnviz_desktop.engine.techniques.grad_cam_plus_plus import GradCamPlusPlus
from cnnviz_desktop.engine.techniques.guided_backprop import GuidedBackprop
from cnnviz_desktop.engine.techniques.guided_grad_cam import GuidedGradCam
from cnnviz_desktop.engine.techniques.hires_cam import HiResCam
from cnnviz_desktop.engine.techniques.input_x_gradient import InputXGradient
from cnnviz_desktop.engine.techniques.integrated_gradients import IntegratedGradients
from cnnviz_desktop.engine.techniques.layer_cam import LayerCam
from cnnviz_desktop.engine.techniques.occlusion import Occlusion
from cnnviz_desktop.engine.techniques.saliency import Saliency
from cnnviz_desktop.engine.techniques.score_cam import ScoreCam
from cnnviz_desktop.engine.techniques.smooth_grad import SmoothGrad
from cnnviz_desktop.engine.techniques.xgrad_cam import XGradCam
from cnnviz_desktop.errors import ParameterError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

# In menu order; `TECHNIQUES` takes them from here.
METHODS: dict[str, type[Technique]] = {
    kind.command: kind
    for kind in (
        GradCam,
        GradCamPlusPlus,
        XGradCam,
        HiResCam,
        LayerCam,
        FinerCam,
        FullGrad,
        EigenCam,
        ScoreCam,
        FasterScoreCam,
        AblationCam,
        Saliency,
        InputXGradient,
        SmoothGrad,
        IntegratedGradients,
        GuidedBackprop,
        Deconvnet,
        GuidedGradCam,
        Occlusion,
    )
}
_MOST = 36  # maps that can be told apart on one page


@dataclass(frozen=True, kw_only=True)
class CompareMaps(Technique):
    """Explain one picture by several methods, at several layers, for several classes.

    A row a method, a column for each layer and class. Every method has its own defaults; those
    that explain the network's input have one map, whatever the layers.
    """

    title: ClassVar[str] = "Maps side by side"
    command: ClassVar[str] = "compare-maps"
    tab: ClassVar[str] = "Explain"
    family: ClassVar[str] = "Comparison"
    summary: ClassVar[str] = "Compare the maps of several methods, layers or classes."

    methods: tuple[str, ...] = parameter(
        Choices(tuple(METHODS), tuple(kind.title for kind in METHODS.values())),
        ("grad-cam", "grad-cam-plus-plus", "hires-cam", "layer-cam"),
        "Methods to compare, a row each where there are several layers or classes.",
    )
    layers: tuple[str, ...] = parameter(
        LayersKind(), (), "Layers to compare; the last one with maps by default."
    )
    target: int | str | None = parameter(
        ClassKind(), None, "Class to explain, by name or index; the likeliest by default."
    )
    classes: int = parameter(
        Integer(1, 9), 1, "How many classes to explain: this one and the next likeliest."
    )

    def is_quick(self) -> bool:
        """Say whether all its methods are, and there are few maps."""
        quick = all(part.is_quick() for part in self.parts())
        return quick and len(self.parts()) * self.classes <= 9

    def parts(self) -> tuple[Technique, ...]:
        """Return the techniques whose maps are compared, in their order."""
        return tuple(part for row in self._rows() for part in row)

    def part_of(self, result: Heatmaps, index: int) -> Technique:
        """Return the technique that gives one of the maps of a result by itself."""
        each = [part for part in self.parts() for _ in range(_count(part))]
        part, target = each[index], result.maps[index].target
        alone = {"classes": 1} if _count(part) > 1 else {}
        return type(part)(**{**part.values(), "target": target, **alone})

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Heatmaps:
        """Return the maps, each as its own technique gives it."""
        picture = self.required_image(image)
        self._check_count()
        rows: list[list[Heatmap]] = []
        for row in self._rows():
            rows.append([])
            for part in row:
                run.pause()
                result = part(model, picture, run)
                assert isinstance(result, (Heatmap, Heatmaps))
                rows[-1] += [result] if isinstance(result, Heatmap) else result.maps
        maps = tuple(item for row in rows for item in row)
        widths = {len(row) for row in rows}
        even = len(widths) == 1 and len(rows) > 1 and widths != {1}
        return Heatmaps(
            title=self._named(maps),
            maps=maps,
            captions=tuple(self._caption(item) for item in maps),
            columns=widths.pop() if even else _columns(len(maps)),
        )

    def _check_count(self) -> None:
        """Raise `ParameterError` where there are no maps, or more than a page holds."""
        if not self.methods:
            raise ParameterError("There is no method to compare: choose one at least.")
        count = len(self.methods) * max(1, len(self.layers)) * self.classes
        if count > _MOST:
            raise ParameterError(
                f"These are {count} maps, and {_MOST} fit on a page. "
                "Choose fewer methods, layers or classes."
            )

    def _rows(self) -> list[list[Technique]]:
        """Return the techniques, a row a method."""
        rows = []
        for command in self.methods:
            kind = METHODS[command]
            known = {item.name for item in kind.parameters()}
            given: dict[str, Any] = {"target": self.target}
            if "classes" in known:
                given["classes"] = self.classes
            layers = self.layers if "layer" in known else ()
            each = [{**given, "layer": name} for name in layers] or [given]
            rows.append([kind(**values) for values in each])
        return rows

    def _named(self, maps: tuple[Heatmap, ...]) -> str:
        """Return what the comparison is called: what all the maps have in common."""
        common = [
            maps[0].target_label if self.classes == 1 else "Likeliest classes",
            *([maps[0].method] if len(self.methods) == 1 else []),
        ]
        return ", ".join(common)

    def _caption(self, item: Heatmap) -> str:
        """Return what is a map's own."""
        said = [
            *([item.method] if len(self.methods) > 1 else []),
            *([item.layer or "input"] if len(self.layers) > 1 else []),
            *([item.target_label] if self.classes > 1 else []),
        ]
        return ", ".join(said) or item.method


def _count(part: Technique) -> int:
    """Return how many maps a technique gives."""
    return int(part.values().get("classes", 1))


def _columns(count: int) -> int:
    """Return how many maps stand side by side so that the grid is about square."""
    return max(1, math.ceil(math.sqrt(count)))
