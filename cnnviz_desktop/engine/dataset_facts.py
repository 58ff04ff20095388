"""Say what a dataset is before a network looks at it, and which of its files are broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from PIL import Image

from cnnviz_desktop.data import DatasetFacts
from cnnviz_desktop.engine.class_map import guessed
from cnnviz_desktop.engine.datasets import GENERATED, Dataset
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.remembered_classes import mapped, remembered
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.errors import ImageError

LABEL = "Looking for broken files"
_IN_FILES = ("folders", "flat", "list")  # kinds whose keys are paths


def facts_of(dataset: Dataset, model: LoadedModel) -> DatasetFacts:
    """Return what a dataset is to a network."""
    how_many = Counter(item.label for item in dataset.items)
    labels = model.labels
    said = remembered(dataset.kind, dataset.place, labels) if dataset.classes else None
    known = mapped(dataset.kind, dataset.place, dataset.classes, labels)
    return DatasetFacts(
        kind=dataset.kind,
        source=dataset.source,
        split=dataset.split,
        place=dataset.place,
        title="Generated pictures" if dataset.kind == GENERATED else dataset.title,
        images=len(dataset),
        classes=dataset.classes,
        counts=tuple(how_many[label] for label in range(len(dataset.classes))),
        indices=known.indices,
        guessed=guessed(dataset.classes, labels).indices,
        how=known.how,
        said=str(said) if said is not None else "",
        notes=dataset.notes,
    )


def with_broken(facts: DatasetFacts, dataset: Dataset, run: Run = SILENT) -> DatasetFacts:
    """Return the facts with the files whose heads cannot be read; all of it takes a pass to know.

    A file that breaks off later is found by the pass over the pictures, which says so.
    """
    if dataset.kind not in _IN_FILES:
        return facts
    root = Path(dataset.place)
    root = root.parent if dataset.kind == "list" else root
    broken = []
    for item in run.track(dataset.items, LABEL):
        why = _problem(root / item.key, dataset, item.key)
        if why:
            broken.append((item.key, why))
    return replace(facts, broken=tuple(broken))


def _problem(path: Path, dataset: Dataset, key: str) -> str:
    """Return why a file cannot be read, as its reader says it; "" where its head is sound."""
    try:
        with Image.open(path):
            return ""
    except Exception:  # of a format that Pillow does not know, or a damaged file
        try:
            dataset.read(key)
        except ImageError as error:
            return str(error)
    return ""
