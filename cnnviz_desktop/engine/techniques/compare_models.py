"""Several networks on the same picture: answers, maps, explanations and costs side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.data import Comparison, ImageInput
from cnnviz_desktop.engine.cam import ClassCam
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import (
    Choice,
    ClassKind,
    FolderKind,
    Integer,
    ModelsKind,
    Technique,
    parameter,
)
from cnnviz_desktop.engine.techniques.grad_cam import GradCam
from cnnviz_desktop.engine.techniques.grad_cam_plus_plus import GradCamPlusPlus
from cnnviz_desktop.engine.techniques.hires_cam import HiResCam
from cnnviz_desktop.engine.techniques.layer_cam import LayerCam
from cnnviz_desktop.engine.techniques.xgrad_cam import XGradCam
from cnnviz_desktop.errors import ParameterError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

MOST = 4  # networks, the one that is looked at among them
CAMS: dict[str, type[ClassCam]] = {
    kind.command: kind for kind in (GradCam, GradCamPlusPlus, XGradCam, HiResCam, LayerCam)
}


@dataclass(frozen=True, kw_only=True)
class CompareModels(Technique):
    """Show what up to four networks make of one picture: a column each, matched depth by depth.

    A depth is a stage, the layers between two halvings of the maps. Matched by depth, the first
    stages of all networks stand together, the last ones too, and those between by their place in
    between, as many as the network with the fewest has. Matched by resolution, each stage of the
    first network stands with that of the others whose maps are nearest to it in size, as a share of
    the input. All explain the same class, by its name: a network that does not know it explains its
    own likeliest one, and a note says so.
    """

    title: ClassVar[str] = "Compare models"
    command: ClassVar[str] = "compare"
    tab: ClassVar[str] = "Compare"
    summary: ClassVar[str] = "See what several models make of the same picture, side by side."
    tabular: ClassVar[bool] = True

    models: tuple[str, ...] = parameter(
        ModelsKind(),
        (),
        "Models to compare it with, at most three: names or files, “NAME=FILE” with weights of "
        "your own, “NAME=none” with random ones.",
    )
    target: int | str | None = parameter(
        ClassKind(),
        None,
        "Class that all explain, by name or index; the first model's likeliest by default.",
    )
    method: str = parameter(Choice(tuple(CAMS)), "grad-cam", "How all explain it.")
    match: str = parameter(
        Choice(("depth", "resolution")),
        "depth",
        "Which layers stand beside each other: by their place between first and last stage, or by "
        "the size of their maps.",
    )
    maps: int = parameter(Integer(1, 32), 12, "Maps shown of each layer, the strongest first.")
    passes: int = parameter(
        Integer(0, 99, "none"), 9, "Passes that are timed; their median is shown.", "Numbers"
    )
    data: str | None = parameter(
        FolderKind(without="none"),
        None,
        "Folder of labelled pictures to measure all models on: a folder for each class.",
        "Numbers",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.models) >= MOST:
            raise ParameterError(
                f"At most {MOST} models stand side by side: name {MOST - 1} besides the first, "
                f"not {len(self.models)}."
            )

    def is_quick(self) -> bool:
        """Tell that it takes long: networks have to be loaded."""
        return False

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Comparison:
        """Return a column a network; the model itself is the first."""
        from cnnviz_desktop.engine.comparison import compare

        return compare(self, model, [self.required_image(image)], run)[0]
