"""Define what techniques share that explain a class by the network's input, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.data import Heatmap, Heatmaps, ImageInput
from cnnviz_desktop.engine.cam import classes_parameter
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import ClassKind, Technique, parameter

if TYPE_CHECKING:
    from cnnviz_desktop.engine.input_pass import Found, Subject
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True, kw_only=True)
class InputExplanation(Technique):
    """A technique whose map is as fine as the network's input; `signed` False gives magnitudes."""

    tab: ClassVar[str] = "Explain"
    family: ClassVar[str] = "Gradients to the input"
    signed: ClassVar[bool] = True

    target: int | str | None = parameter(
        ClassKind(), None, "Class to explain, by name or index; the likeliest by default."
    )
    classes: int = classes_parameter()

    @property
    def count(self) -> int:
        """Return how many classes are explained."""
        return self.classes

    def explain(self, subject: Subject) -> list[Found]:
        """Return what was found for each class."""
        raise NotImplementedError

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Heatmap | Heatmaps:
        """Return the map (H, W) at the input's resolution, or those of several classes."""
        from cnnviz_desktop.engine.input_pass import Subject

        subject = Subject(self, model, self.required_image(image), run)
        return subject.result(self.explain(subject))
