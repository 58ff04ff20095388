"""Hold what a folder of pictures says of a network: what excites its channels, how well it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cnnviz_desktop.data.arrays import Counts, Floats
from cnnviz_desktop.data.inputs import Box

EvaluationView = Literal["all", "confusion", "calibration", "classes"]


@dataclass(frozen=True, eq=False)
class Exemplars:
    """The pictures of a folder that excite N of a layer's `count` channels, k for each.

    `title` names the folder, of which `images` pictures were looked at. `values` (N, k) are the
    highest of a channel's map, `pictures` (N, k, s, t, 3) in 0..1 show what can reach them, below 0
    beside a picture. Of each, row by row (M = N k): its file, class (-1 for none), the row and
    column of the value in the map, and the box of the file that the picture shows. Without
    `percentiles` a channel's strongest come first; with them (k, 0..100) they are those nearest.

    Over the K `classes` of the folder: `means` (N, K) of the highest values, `strongest` (N, K) how
    many of a channel's nine strongest pictures are of each, `selectivity` (N, K) how many standard
    deviations the class lies above all others. Of pictures without classes there is one, "". The
    channels are those most selective for the class `target`, where that is not -1.
    """

    title: str
    layer: str
    count: int
    images: int
    channels: tuple[int, ...]
    values: Floats
    pictures: Floats
    files: tuple[str, ...]
    labels: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    boxes: tuple[Box, ...]
    classes: tuple[str, ...]
    means: Floats
    strongest: Floats
    selectivity: Floats
    percentiles: tuple[float, ...] = ()
    target: int = -1
    notes: tuple[str, ...] = ()

    @property
    def labelled(self) -> bool:
        """Tell whether the pictures have classes."""
        return self.classes != ("",)

    def purity(self, row: int) -> tuple[int, float]:
        """Return the commonest class among a channel's strongest pictures, and its share of them.

        (-1, 0) where they have none.
        """
        counts = self.strongest[row]
        total = float(counts.sum())
        if not self.labelled or total <= 0:
            return -1, 0.0
        place = int(np.argmax(counts))
        return place, float(counts[place]) / total


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a network answers on N labelled pictures; its classes are `labels` (K).

    Of each picture: the class it is of and the one it is taken for, `confidences` the probability
    of the latter, `places` that of the right class among the answers, likeliest 0, and `losses` its
    cross-entropy. `loss` is their mean; `mse` and `r2` compare probabilities with one-hot targets
    over all N K entries. `classes` (n) are those that occur, as truth or answer, with `precision`,
    `recall` (NaN where there is nothing to divide by) and how many pictures are of them. The
    calibration curve has B bins of confidence: how many pictures, how sure, how often right;
    `ece` is its expected error.
    """

    model: str
    labels: tuple[str, ...]
    truth: Counts
    predicted: Counts
    confidences: Floats
    places: Counts
    losses: Floats
    loss: float
    mse: float
    r2: float
    top1: float
    top5: float
    ece: float
    classes: Counts
    precision: Floats
    recall: Floats
    support: Counts
    bin_counts: Counts
    bin_confidences: Floats
    bin_accuracies: Floats

    def confusion(self) -> Counts:
        """Return how many pictures of each of the `classes` (rows) are taken for each (n, n)."""
        size = len(self.classes)
        rows, columns = (
            np.searchsorted(self.classes, item) for item in (self.truth, self.predicted)
        )
        counts = np.bincount(rows * size + columns, minlength=size * size)
        return counts.reshape(size, size).astype(np.int64)

    def taken_for(self, truth: int, predicted: int) -> Counts:
        """Return which pictures of a class are taken for another, or for itself."""
        found = (self.truth == truth) & (self.predicted == predicted)
        return np.flatnonzero(found).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Evaluations:
    """How M networks answer on the same pictures `files` (N) of what `title` names.

    `show` is what a figure of it draws; `notes` say which pictures were left out.
    """

    title: str
    files: tuple[str, ...]
    models: tuple[Evaluation, ...]
    show: EvaluationView = "all"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class DatasetFacts:
    """What a dataset is, before a network has looked at it.

    `kind`, `source`, `split` and `place` open it again. Of its K classes: their own names, how many
    pictures are of each, and which of the network's classes each stands for (None for none), by
    `how`; `guessed` is what it would be had nobody said otherwise in the file `said`. `broken`
    are files that cannot be read, with the reason.
    """

    kind: str
    source: str
    split: str
    place: str
    title: str
    images: int
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    indices: tuple[int | None, ...]
    guessed: tuple[int | None, ...]
    how: tuple[str, ...]
    said: str = ""
    broken: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ExemplarOverview:
    """What is known by now of all C channels of a layer: of each its k strongest pictures.

    `images` pictures of `total` were looked at. Of the strongest, `values`, their `ids` in the
    index and their classes `labels` (-1 for none) are (C, k). `means`, `strongest` and
    `selectivity` (C, K) are as in `Exemplars`, over the `classes` of the `folders`. `telling` (C)
    are the channels, those first that tell a class apart best.
    """

    title: str
    layer: str
    images: int
    total: int
    values: Floats
    ids: Counts
    labels: Counts
    classes: tuple[str, ...]
    folders: tuple[str, ...]
    means: Floats
    strongest: Floats
    selectivity: Floats
    telling: Counts
    broken: tuple[tuple[str, str], ...] = ()

    @property
    def labelled(self) -> bool:
        """Tell whether the pictures have classes."""
        return self.folders != ("",)

    def purity(self) -> Floats:
        """Return (C) the share of the commonest class among each channel's strongest pictures."""
        total = np.maximum(self.strongest.sum(axis=1), 1)
        share: Floats = (self.strongest.max(axis=1) / total).astype(np.float32)
        return share

    def between(self, label: int, other: int) -> Floats:
        """Return (C) by how much each channel answers more to one class than to another."""
        difference: Floats = self.means[:, label] - self.means[:, other]
        return difference


@dataclass(frozen=True, eq=False)
class ChannelPictures:
    """Crops of the pictures of N channels, k for each, as `Exemplars` has them.

    `ids` (N, k) are the pictures' numbers in the index and `keys` (N k) their names in the dataset.
    """

    channels: tuple[int, ...]
    values: Floats
    ids: Counts
    pictures: Floats
    files: tuple[str, ...]
    keys: tuple[str, ...]
    labels: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    boxes: tuple[Box, ...]
