"""Find the pictures of a dataset that excite each channel of some layers, in one pass over it.

One streamed pass fills an index (`exemplar_index.py`); what is shown of a few channels is read from
it, cropped from the files, and its values checked by passes of their own.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cnnviz_desktop.data import Floats
from cnnviz_desktop.engine.channels import channels_of
from cnnviz_desktop.engine.decoding import Decoded, decoded
from cnnviz_desktop.engine.exemplar_index import ExemplarIndex, index_path
from cnnviz_desktop.engine.exemplar_pass import Maxima, MaximaPass, shape_of
from cnnviz_desktop.engine.exemplar_records import Batch, IndexedImage
from cnnviz_desktop.engine.run import SILENT, Run

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from cnnviz_desktop.engine.datasets import Dataset
    from cnnviz_desktop.engine.loaded_model import LoadedModel

LABEL = "Looking for exemplars"
_FEW = 32  # pictures for which measuring takes longer than it saves
_USUAL_BATCH = 4


def checked_layer(model: LoadedModel, name: str | None) -> str:
    """Return the name of a layer with channels; raise `LayerError` for any other."""
    node = model.layer(name)
    channels_of(model, node)
    return node.name


def fill(
    model: LoadedModel,
    dataset: Dataset,
    layers: Iterable[str],
    run: Run = SILENT,
    batch: int | None = None,
) -> None:
    """Go through all pictures that the index lacks for one of the layers.

    May be cancelled or killed at any moment and taken up again; `run.finish()` ends it early.
    `batch` is measured once for an index where it is not given.
    """
    names = tuple(dict.fromkeys(checked_layer(model, name) for name in layers))
    with ExemplarIndex(index_path(model, dataset)) as index:
        index.take_in(dataset, model)
        for name in names:
            index.add_layer(name, shape_of(model, name))
        if not _pending(index, names):
            run.check()
            return
        maxima = MaximaPass(model, names)
        if batch is None or index.batch is not None:
            batch = index.batch
        if batch is None:
            few = len(dataset) <= _FEW
            batch = min(_USUAL_BATCH, len(dataset)) if few else maxima.batch(len(dataset), run)
        index.set_batch(batch)
        _Filling(model, dataset, index, names, maxima, batch).go(run)


def _pending(index: ExemplarIndex, names: Sequence[str]) -> int:
    """Count the pictures that one of the layers lacks."""
    known = index.layers()
    return index.count(after=min(known[name].frontier for name in names))


@dataclass(frozen=True, eq=False)
class _Filling:
    """One streamed pass over the pictures that layers lack."""

    model: LoadedModel
    dataset: Dataset
    index: ExemplarIndex
    names: tuple[str, ...]
    maxima: MaximaPass
    batch: int

    def go(self, run: Run) -> None:
        """Add batch after batch; start over where another program works at the same index."""
        start, total, done = time.perf_counter(), _pending(self.index, self.names), 0
        run.report(LABEL, 0, total, 0.0)
        finished = False
        while not finished:
            known = self.index.layers()
            frontiers = {name: known[name].frontier for name in self.names}
            with closing(self._stream(min(frontiers.values()))) as pictures:
                finished = True
                while found := self._next(pictures, frontiers):
                    paused = time.perf_counter()
                    run.pause()
                    start += time.perf_counter() - paused  # held, or others went first
                    added = self._add(found, frontiers, run)
                    done += len(found) if added else 0
                    run.report(LABEL, min(done, total), total, time.perf_counter() - start)
                    if run.finishing:
                        return
                    if not added or min(frontiers.values()) < found[-1].key.id:
                        finished = False
                        break

    def _stream(self, after: int) -> Generator[Decoded[IndexedImage, Tensor]]:
        return decoded(
            self.index.images(after),
            lambda image: self.dataset.read(image.key),
            lambda _image, picture: self.model.preprocessing(picture)[0],
            ahead=2 * self.batch,
        )

    def _next(
        self, pictures: Iterator[Decoded[IndexedImage, Tensor]], frontiers: dict[str, int]
    ) -> list[Decoded[IndexedImage, Tensor]]:
        """Take a batch; it ends where another layer joins, which has the pictures up to there."""
        joins = sorted(set(frontiers.values()))[1:2]
        found: list[Decoded[IndexedImage, Tensor]] = []
        for picture in pictures:
            found.append(picture)
            if len(found) == self.batch or picture.key.id in joins:
                break
        return found

    def _add(
        self,
        found: list[Decoded[IndexedImage, Tensor]],
        frontiers: dict[str, int],
        run: Run,
    ) -> bool:
        """Look at a batch and add what it gives; return False where another program was quicker."""
        import torch

        after, last = min(frontiers.values()), found[-1].key.id
        active = [name for name in self.names if frontiers[name] == after]
        inputs = [item.made for item in found if item.made is not None]
        maxima = self._empty(active)
        if inputs:
            maxima |= self.maxima(torch.cat(inputs), active, run)
        added = self.index.add(
            Batch(
                after=after,
                last=last,
                images=tuple(item.key for item in found if item.made is not None),
                maxima=maxima,
                broken={item.key.id: item.problem for item in found if item.made is None},
            )
        )
        frontiers.update(dict.fromkeys(active, last))
        return added

    def _empty(self, names: Iterable[str]) -> dict[str, Maxima]:
        """Return what no picture gives."""
        shapes = {name: (0, shape_of(self.model, name)[0]) for name in names}
        return {
            name: Maxima(np.zeros(shape, np.float32), np.zeros(shape, np.int32))
            for name, shape in shapes.items()
        }


# ------------------------------------------------------------------------------------------ numbers


@dataclass(frozen=True, eq=False)
class ClassSelectivity:
    """Of all channels (C) of a layer over the classes (K): means, and standard deviations apart.

    `apart` (C, K) says how far a class's mean lies above that of all other pictures, in standard
    deviations over all; `strongest` (C, K) how many of the strongest pictures are of the class;
    `images` (K) how many pictures there are of it.
    """

    classes: tuple[str, ...]
    images: NDArray[np.int64]
    means: Floats
    apart: Floats
    strongest: Floats

    @property
    def purity(self) -> Floats:
        """Return (C) the share of the commonest class among a channel's strongest pictures."""
        total = np.maximum(self.strongest.sum(axis=1), 1)
        share: Floats = (self.strongest.max(axis=1) / total).astype(np.float32)
        return share

    def most_selective(self, label: int = -1) -> list[int]:
        """Return all channels, those first that answer to a class more than to all others.

        For any class (-1) those come first that do so best for theirs, then the second of each: a
        few pictures of a class are told apart by more channels than many are.
        """
        if label >= 0:
            return _listed(np.argsort(-self.apart[:, label], kind="stable"))
        sure = self.apart * np.sqrt(self.images)  # of few pictures chance makes more
        best, score = sure.argmax(axis=1), sure.max(axis=1)
        order = np.argsort(-score, kind="stable")
        turns = np.empty(len(order), np.int64)
        for place in range(len(self.classes)):
            own = order[best[order] == place]
            turns[own] = np.arange(len(own))
        return _listed(np.lexsort((-score, turns)))


def _listed(places: NDArray[np.int64]) -> list[int]:
    found: list[int] = places.tolist()
    return found


def class_selectivity(index: ExemplarIndex, layer: str) -> ClassSelectivity:
    """Return how the channels of a layer answer to each class; without classes there is one, ""."""
    sums, tops = index.sums(layer), index.tops(layer)
    known = index.classes()
    present = [number for number in known if number in sums.classes]
    rows = [sums.classes.index(number) for number in present]
    total, everything = int(sums.images.sum()), sums.values.sum(axis=0)
    spread = np.sqrt(np.maximum(sums.squares.sum(axis=0) / total - (everything / total) ** 2, 0))
    if not present:
        means = (everything / total)[:, None].astype(np.float32)
        nothing = np.zeros_like(means)
        most = nothing + np.float32(tops.values.shape[1])
        return ClassSelectivity(("",), np.array([total]), means, nothing, most)
    inside, counts = sums.values[rows], sums.images[rows][:, None]
    outside = (everything - inside) / np.maximum(total - counts, 1)
    differing = (inside / counts - outside) * (counts < total)
    # What rounding leaves of a channel that always says the same is no spread.
    steady = spread <= 1e-6 * np.abs(everything / total)
    apart = differing / np.where(steady, np.inf, spread)
    images = index.images_by_id(np.unique(tops.images).tolist())
    labels = np.vectorize(lambda number: images[number].label, otypes=[np.int64])(tops.images)
    strongest = np.stack([(labels == number).sum(axis=1) for number in present], axis=1)
    return ClassSelectivity(
        tuple(known[number] for number in present),
        sums.images[rows],
        np.ascontiguousarray((inside / counts).T, np.float32),
        np.ascontiguousarray(apart.T, np.float32),
        np.ascontiguousarray(strongest, np.float32),
    )
