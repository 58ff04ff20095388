"""Say what the tab Dataset asks of the engine thread beside its results.

An answer of `Refused` holds the sentence for the person, so that the one who asked shows it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QImage

from cnnviz_desktop.data import Box, ChannelPictures, DatasetFacts, ExemplarOverview, ImageInput
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.gui.export_work import Refused, refusing
from cnnviz_desktop.gui.qimages import qimage_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnviz_desktop.engine.loaded_model import LoadedModel

THUMB = 112  # pixels of a thumbnail's longer side


@dataclass(frozen=True)
class Place:
    """Which pictures are meant: a folder or list (None for the generator), its part, how many."""

    folder: str | None
    split: str = "test"
    generated: int = 120


@dataclass(frozen=True)
class RowPictures:
    """The pictures of one channel, the first the strongest or the weakest, and where they are of.

    `ids` tells whether they are still those: the numbers of the pictures in the index.
    """

    channel: int
    ids: tuple[int, ...]
    images: tuple[QImage, ...]
    values: tuple[float, ...]
    files: tuple[str, ...]
    keys: tuple[str, ...]
    labels: tuple[int, ...]
    places: tuple[tuple[int, int], ...]  # row and column of the value in the map
    boxes: tuple[Box, ...]


@dataclass(frozen=True, eq=False)
class Seen:
    """What is known of a layer, None where it was not looked at, and how long it took to read."""

    overview: ExemplarOverview | None
    seconds: float


@dataclass(frozen=True, eq=False)
class Describe:
    """Say what a folder is to a network -> `DatasetFacts` or `Refused`."""

    model: LoadedModel
    place: Place

    @refusing
    def __call__(self, run: Run) -> DatasetFacts:
        """List its pictures."""
        from cnnviz_desktop.engine.dataset_facts import facts_of
        from cnnviz_desktop.engine.datasets import open_dataset

        place = self.place
        return facts_of(open_dataset(place.folder, place.split, place.generated), self.model)


@dataclass(frozen=True, eq=False)
class CheckFiles:
    """Look for broken files -> the same `DatasetFacts` with them, or `Refused`."""

    facts: DatasetFacts
    place: Place

    @refusing
    def __call__(self, run: Run) -> DatasetFacts:
        """Read the head of every file."""
        from cnnviz_desktop.engine.dataset_facts import with_broken
        from cnnviz_desktop.engine.datasets import open_dataset

        place = self.place
        dataset = open_dataset(place.folder, place.split, place.generated)
        return with_broken(self.facts, dataset, run)


@dataclass(frozen=True, eq=False)
class SayClasses:
    """Keep which class each folder is where a person says so -> the file, or `Refused`."""

    facts: DatasetFacts
    labels: tuple[str, ...]
    said: Mapping[str, int | None]

    @refusing
    def __call__(self, run: Run) -> Path:
        """Write it down."""
        from cnnviz_desktop.engine.remembered_classes import remember

        return remember(self.facts.kind, self.facts.place, self.labels, self.said)


@dataclass(frozen=True, eq=False)
class ReadOverview:
    """Read what is known of a layer's channels -> `Seen` or `Refused`."""

    model: LoadedModel
    facts: DatasetFacts
    layer: str

    @refusing
    def __call__(self, run: Run) -> Seen:
        """Read the index, which may be filling meanwhile."""
        from cnnviz_desktop.engine.exemplar_overview import overview

        start = time.perf_counter()
        found = overview(self.model, self.facts, self.layer)
        return Seen(found, time.perf_counter() - start)


@dataclass(frozen=True, eq=False)
class CutRows:
    """Cut the pictures of some channels out of their files -> `RowPictures` each, or `Refused`."""

    model: LoadedModel
    facts: DatasetFacts
    layer: str
    channels: tuple[int, ...]
    spread: bool

    @refusing
    def __call__(self, run: Run) -> tuple[RowPictures, ...]:
        """Decode them; a newer request stops it after a few."""
        from cnnviz_desktop.engine.exemplar_overview import channel_pictures
        from cnnviz_desktop.engine.exemplar_pictures import PERCENTILES

        shares = PERCENTILES if self.spread else ()
        return _rows_of(
            channel_pictures(self.model, self.facts, self.layer, self.channels, run, shares)
        )


def _rows_of(found: ChannelPictures) -> tuple[RowPictures, ...]:
    """Return the pictures of each channel as images."""
    across = found.values.shape[1]
    rows = []
    for row, channel in enumerate(found.channels):
        part = slice(row * across, (row + 1) * across)
        rows.append(
            RowPictures(
                channel=channel,
                ids=tuple(found.ids[row].tolist()),
                images=tuple(image_of(crop) for crop in found.pictures[row]),
                values=tuple(found.values[row].tolist()),
                files=found.files[part],
                keys=found.keys[part],
                labels=found.labels[part],
                places=tuple(zip(found.rows[part], found.columns[part], strict=True)),
                boxes=found.boxes[part],
            )
        )
    return tuple(rows)


def image_of(crop: Any) -> QImage:
    """Return a crop (s, t, 3) in 0..1 as an image, clear where it is below 0: beside a picture."""
    import numpy as np

    rows, columns = crop.shape[:2]
    pixels = np.empty((rows, columns, 4), np.uint8)
    pixels[..., :3] = np.round(crop.clip(0, 1) * 255)
    pixels[..., 3] = np.where(crop[..., 0] < 0, 0, 255)
    pixels[..., :3][crop[..., 0] < 0] = 0
    view = QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888)
    return view.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


@dataclass(frozen=True, eq=False)
class ReadPicture:
    """Decode one picture of a dataset -> `ImageInput` or `Refused`."""

    facts: DatasetFacts
    key: str

    @refusing
    def __call__(self, run: Run) -> ImageInput:
        """Do it."""
        return _read(self.facts, self.key)


@dataclass(frozen=True, eq=False)
class ReadThumbs:
    """Decode some pictures, small -> an image for each, None for one that cannot be read."""

    facts: DatasetFacts
    files: tuple[str, ...]

    def __call__(self, run: Run) -> tuple[QImage | None, ...]:
        """Do it."""
        return tuple(self._thumb(file) for file in run.track(self.files, "Opening pictures"))

    def _thumb(self, file: str) -> QImage | None:
        found = refusing(_read)(self.facts, file)
        if isinstance(found, Refused):
            return None
        from cnnviz_desktop.gui.display import reduced

        return qimage_of(reduced(found, THUMB)[0].pixels)


def _read(facts: DatasetFacts, key: str) -> ImageInput:
    """Read a picture by its path, or by its name in the dataset."""
    from cnnviz_desktop.engine.datasets import reader
    from cnnviz_desktop.engine.images import load_image

    if Path(key).is_absolute():
        return load_image(Path(key))
    return reader(facts.kind, facts.source, facts.split, facts.place)(key)
