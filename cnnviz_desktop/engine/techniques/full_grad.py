"""Full-Grad: the gradient of the input and of every bias, which together make up the score.

Srinivas and Fleuret, "Full-Gradient Representation for Neural Network Visualization", NeurIPS 2019,
arXiv:1905.00780.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.data import Heatmap, Heatmaps, ImageInput
from cnnviz_desktop.engine.cam import classes_parameter, smooth_parameter
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import ClassKind, Technique, parameter

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True, kw_only=True)
class FullGrad(Technique):
    """Add up the magnitudes of input times gradient and of every bias times its gradient.

    The score of a network of ReLUs is x · dy/dx plus the sum of b · dy/db over all biases b, those
    of batch norms (beta - mean gamma / sigma) among them. Here each channel's magnitudes are scaled
    to 0..1, resized to the input and added up over channels and layers, so that a map has no
    negative values. The biases of linear layers belong to no place and are left out.
    """

    title: ClassVar[str] = "Full-Grad"
    command: ClassVar[str] = "full-grad"
    tab: ClassVar[str] = "Explain"
    family: ClassVar[str] = "Class activation maps"
    summary: ClassVar[str] = "Mark what every layer adds to a class's score, at the input's size."
    paper: ClassVar[str] = "arXiv:1905.00780"

    target: int | str | None = parameter(
        ClassKind(), None, "Class to explain, by name or index; the likeliest by default."
    )
    classes: int = classes_parameter()
    smooth: str = smooth_parameter()

    @property
    def count(self) -> int:
        """Return how many classes are explained."""
        return self.classes

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Heatmap | Heatmaps:
        """Return the map (H, W) at the network's input, or those of several classes."""
        from cnnviz_desktop.engine.full_gradient import explain

        return explain(self, model, image, run)
