"""Evaluation: how well networks answer on labelled pictures, in numbers.

The expected calibration error is that of Guo et al., On Calibration of Modern Neural Networks
(arXiv:1706.04599).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, cast

from cnnviz_desktop.data import Evaluations, ImageInput
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import (
    Choice,
    FolderKind,
    Integer,
    ModelsKind,
    Technique,
    parameter,
)
from cnnviz_desktop.paths import expanded

if TYPE_CHECKING:
    from cnnviz_desktop.data.exemplars import EvaluationView
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True, kw_only=True)
class Evaluate(Technique):
    """Measure how well the network answers on the labelled pictures of a folder.

    Cross-entropy, squared error and R² of its probabilities, how often the right class comes first
    or among the first five, precision and recall of each class, what is taken for what, and whether
    it is as often right as it is sure.
    """

    title: ClassVar[str] = "Evaluation"
    command: ClassVar[str] = "evaluate"
    tab: ClassVar[str] = "Dataset"
    summary: ClassVar[str] = "Measure how well models answer on a folder of labelled pictures."
    paper: ClassVar[str] = "arXiv:1706.04599"
    needs_image: ClassVar[bool] = False
    tabular: ClassVar[bool] = True

    folder: str | None = parameter(
        FolderKind(without="generated pictures"),
        None,
        "Folder with a folder for each class, a CSV file of paths and labels, or torchvision's "
        "MNIST or CIFAR; generated pictures by default.",
    )
    also: tuple[str, ...] = parameter(
        ModelsKind(), (), "More models that are measured on the same pictures, side by side."
    )
    show: str = parameter(
        Choice(("all", "confusion", "calibration", "classes")), "all", "What the figure draws."
    )
    split: str = parameter(
        Choice(("test", "train")),
        "test",
        "The part that is used where there is one for training and one for testing.",
        group="More",
    )
    classes: str | None = parameter(
        FolderKind(file=True, without="as guessed"),
        None,
        "JSON file that says which folder is which class where the guess is wrong, such as "
        '{"folder": 281}; by default what was said of the folder before.',
        group="More",
    )
    generated: int = parameter(
        Integer(9, 100_000), 120, "How many pictures are generated without a folder.", group="More"
    )

    def is_quick(self) -> bool:
        """Say no: a folder may hold any number of pictures."""
        return False

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Evaluations:
        """Look at all pictures and return the numbers."""
        from cnnviz_desktop.engine.models import load_model
        from cnnviz_desktop.model_names import parted

        others = [
            load_model(*named, model.device, run, spec=model.spec_of(*named)).beside(model)
            for named in map(parted, self.also)
        ]
        return self.of([model, *others], run)

    def check_files(self) -> None:
        """Raise `ParameterError` where a file cannot be opened: before a model is loaded."""
        from cnnviz_desktop.engine.class_map import read_class_map
        from cnnviz_desktop.engine.datasets import open_dataset

        if self.classes:
            read_class_map(expanded(self.classes))
        open_dataset(self.folder, self.split, self.generated)

    def of(self, models: list[LoadedModel], run: Run = SILENT) -> Evaluations:
        """Return the numbers of networks that are loaded, side by side."""
        from cnnviz_desktop.engine.class_map import read_class_map
        from cnnviz_desktop.engine.datasets import open_dataset
        from cnnviz_desktop.engine.evaluation import evaluate

        said = read_class_map(expanded(self.classes)) if self.classes else None
        dataset = open_dataset(self.folder, self.split, self.generated)
        found = evaluate(models, dataset, run, said)
        return replace(found, show=cast("EvaluationView", self.show))
