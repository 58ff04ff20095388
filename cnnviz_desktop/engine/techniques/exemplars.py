"""Exemplars: the pictures of a folder that excite each channel the most.

Zeiler and Fergus, Visualizing and Understanding Convolutional Networks (arXiv:1311.2901), show the
nine strongest; how far a class lies above all others is after Morcos et al. (arXiv:1803.06959).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.data import Exemplars as Found
from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.channels import check_channel
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import (
    Choice,
    ClassKind,
    FolderKind,
    Integer,
    LayerKind,
    LayersKind,
    Technique,
    parameter,
)
from cnnviz_desktop.errors import ParameterError, TargetError, did_you_mean

if TYPE_CHECKING:
    from cnnviz_desktop.engine.datasets import Dataset
    from cnnviz_desktop.engine.exemplar_index import ExemplarIndex
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True, kw_only=True)
class Exemplars(Technique):
    """Show which pictures of a folder excite the channels of a layer the most, and of which class.

    The folder is gone through once; what is found is kept, so that a stopped run goes on where it
    was, pictures that are added are looked at alone, and other channels are shown at once.
    """

    title: ClassVar[str] = "Exemplars"
    command: ClassVar[str] = "exemplars"
    tab: ClassVar[str] = "Dataset"
    summary: ClassVar[str] = "Find the pictures of a folder that excite each channel the most."
    paper: ClassVar[str] = "arXiv:1311.2901"
    needs_image: ClassVar[bool] = False
    tabular: ClassVar[bool] = True
    resumes: ClassVar[bool] = True

    folder: str | None = parameter(
        FolderKind(without="generated pictures"),
        None,
        "Folder of pictures, in a folder for each class or without classes, a CSV file of paths "
        "and labels, or torchvision's MNIST or CIFAR; generated pictures by default.",
    )
    layer: str | None = parameter(
        LayerKind(), None, "Layer whose channels are shown; the last one with maps by default."
    )
    channel: int = parameter(
        Integer(-1, 99_999, "several"), -1, "Channel that is shown alone, from 0; -1 shows several."
    )
    show: str = parameter(
        Choice(("strongest", "range")),
        "strongest",
        "The strongest pictures, or some from the weakest to the strongest.",
    )
    first: str = parameter(
        Choice(("selectivity", "purity", "strength", "index")),
        "selectivity",
        "Which channels come first: those that tell a class apart, whose strongest pictures are of "
        "one class, with the highest values, or as they are counted.",
    )
    target: int | str | None = parameter(
        ClassKind("Any class"),
        None,
        "Class that the channels are to tell apart, one that a folder holds; any by default.",
    )
    count: int = parameter(Integer(1, 64), 12, "How many channels are shown.", group="More")
    also: tuple[str, ...] = parameter(
        LayersKind(), (), "More layers that are looked at in the same pass.", group="More"
    )
    split: str = parameter(
        Choice(("test", "train")),
        "test",
        "The part that is used where there is one for training and one for testing.",
        group="More",
    )
    pictures: int = parameter(
        Integer(9, 100_000), 120, "How many pictures are generated without a folder.", group="More"
    )

    def is_quick(self) -> bool:
        """Say no: a folder may hold any number of pictures."""
        return False

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Found:
        """Go through the folder as far as that was not done, and return what was found."""
        from cnnviz_desktop.engine.datasets import open_dataset
        from cnnviz_desktop.engine.exemplar_index import ExemplarIndex, index_path
        from cnnviz_desktop.engine.exemplar_pass import shape_of
        from cnnviz_desktop.engine.exemplar_pictures import PERCENTILES, pictured
        from cnnviz_desktop.engine.exemplars import checked_layer, fill

        layer = checked_layer(model, self.layer)
        check_channel(layer, shape_of(model, layer)[0], self.channel, least="several")
        dataset = open_dataset(self.folder, self.split, self.pictures)
        target = _target(self.target, dataset, model)
        fill(model, dataset, (layer, *self.also), run)
        with ExemplarIndex(index_path(model, dataset)) as index:
            if not index.layers()[layer].images:
                broken = next(iter(index.broken().values()), "")
                raise ParameterError(f"No picture of {dataset.title} could be read. {broken}")
            channels, place = self._chosen(index, layer, target)
            found = pictured(
                index,
                model,
                layer,
                channels,
                run,
                percentiles=PERCENTILES if self.show == "range" else (),
                target=place,
            )
        return replace(found, notes=(*dataset.notes, *found.notes))

    def _chosen(
        self, index: ExemplarIndex, layer: str, target: str | None
    ) -> tuple[list[int], int]:
        """Return the channels to show, and the class they are to tell apart, -1 for any."""
        import numpy as np

        from cnnviz_desktop.engine.exemplars import class_selectivity

        by_class = class_selectivity(index, layer)
        place = by_class.classes.index(target) if target in by_class.classes else -1
        if self.channel >= 0:
            return [self.channel], place
        order = by_class.most_selective(place)
        match self.first:
            case "purity":
                purity = by_class.purity
                order.sort(key=lambda channel: -float(purity[channel]))
            case "strength":
                order = np.argsort(-index.tops(layer).values[:, 0], kind="stable").tolist()
            case "index":
                order.sort()
        return order[: self.count], place


def _target(target: int | str | None, dataset: Dataset, model: LoadedModel) -> str | None:
    """Return the name of the dataset's class that is meant: its own name, or the network's class.

    Where no class is one of the network's, an index counts the dataset's own.
    """
    from cnnviz_desktop.engine.remembered_classes import mapped

    if target is None:
        return None
    if not dataset.classes:
        raise TargetError(
            f"The pictures of “{dataset.title}” have no classes: leave the class out."
        )
    known = mapped(dataset.kind, dataset.place, dataset.classes, model.labels)
    if isinstance(target, str):
        named = known.names
        for names in (dataset.classes, named):
            lowered = [name.casefold() for name in names]
            if target.strip().casefold() in lowered:
                return dataset.classes[lowered.index(target.strip().casefold())]
        raise TargetError(
            f"{dataset.title} has no class “{target}”."
            f"{did_you_mean(target, [*dataset.classes, *named])}"
        )
    if target in known.indices:
        return dataset.classes[known.indices.index(target)]
    if len(known.missing) < len(dataset.classes) and 0 <= target < len(model.labels):
        raise TargetError(
            f"No folder of {dataset.title} holds “{model.labels[target]}”. Choose another class, "
            "or say which folder it is in the tab Dataset."
        )
    if not 0 <= target < len(dataset.classes):
        raise TargetError(
            f"{dataset.title} has no class {target}: it has {len(dataset.classes)} classes, 0 to "
            f"{len(dataset.classes) - 1}."
        )
    return dataset.classes[target]
