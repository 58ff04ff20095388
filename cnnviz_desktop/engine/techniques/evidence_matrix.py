"""Evidence: maps of several methods at several layers, with the numbers that tell which to believe.

ROAD (arXiv:2202.00449), insertion and deletion (arXiv:1806.07421), average drop and increase in
confidence (arXiv:1710.11063), the pointing game (arXiv:1608.00507), energy in the object's mask
(arXiv:1910.01279), sanity checks and controls (arXiv:1810.03292).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.data import Evidence, ImageInput
from cnnviz_desktop.engine.metrics import METRICS
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import (
    Choice,
    Choices,
    ClassKind,
    FolderKind,
    Integer,
    LayersKind,
    Technique,
    parameter,
)
from cnnviz_desktop.engine.techniques.compare_maps import METHODS
from cnnviz_desktop.errors import ParameterError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

CONTROLS = {"random": "Random map", "sobel": "Sobel edges"}
_NAMES = {name: kind.title for name, kind in METHODS.items()} | CONTROLS


@dataclass(frozen=True, kw_only=True)
class EvidenceMatrix(Technique):
    """Explain one class by every method at every layer, and score each map.

    Two controls know nothing of the network, a random map and the picture's edges: what is no
    better than they are explains nothing. Cells are worked out one by one; ending the work keeps
    those that are done.
    """

    title: ClassVar[str] = "Evidence"
    command: ClassVar[str] = "evidence"
    tab: ClassVar[str] = "Explain"
    family: ClassVar[str] = "Evidence"
    summary: ClassVar[str] = "Compare explanations, and score how far to believe each."
    paper: ClassVar[str] = "arXiv:2202.00449"
    tabular: ClassVar[bool] = True

    methods: tuple[str, ...] = parameter(
        Choices(tuple(_NAMES), tuple(_NAMES.values())),
        ("grad-cam", "hires-cam", "layer-cam", *CONTROLS),
        "Methods to compare, and the controls: a random map, the picture's edges.",
    )
    layers: tuple[str, ...] = parameter(
        LayersKind(),
        (),
        "Layers to compare; by default the default layer and the ends of the stages.",
    )
    target: int | str | None = parameter(
        ClassKind(), None, "Class to explain, by name or index; the likeliest by default."
    )
    metrics: tuple[str, ...] = parameter(
        Choices(tuple(METRICS), tuple(metric.title for metric in METRICS.values())),
        ("road", "insertion", "deletion", "drop", "pointing", "energy"),
        "Scores of each map; pointing and energy only where a mask tells where the object is.",
    )
    masks: str | None = parameter(
        FolderKind(without="beside the picture"),
        None,
        "Folder of the pictures' masks, under their names: black but for the object, or boxes as "
        "Pascal VOC writes them; by default the folder “masks” beside a picture, if there is one.",
        "More",
    )
    steps: int = parameter(
        Integer(4, 200), 20, "Steps in which insertion and deletion change the picture.", "More"
    )
    start: str = parameter(
        Choice(("mean colour", "blur")),
        "mean colour",
        "What insertion begins with: the mean colour, or the picture blurred as in the paper.",
        "More",
    )
    seed: int = parameter(
        Integer(0, 2**31 - 1),
        0,
        "Seed of the random map, ROAD's noise and the random weights.",
        "More",
    )

    def is_quick(self) -> bool:
        """Tell that it takes many passes."""
        return False

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Evidence:
        """Return the maps (M, L) and their scores (M, L, S)."""
        from cnnviz_desktop.engine.evidence import Gathering

        image = self.required_image(image)
        for what, chosen in (("method", self.methods), ("metric", self.metrics)):
            if not chosen:
                raise ParameterError(f"There is no {what} to compare by: choose one at least.")
        return Gathering(self, model, image, run).gather()
