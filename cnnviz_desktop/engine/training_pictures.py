"""Hold the pictures that a network is trained on, and those held out, decoded once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.amounts import SKIPPED, amount
from cnnviz_desktop.engine.datasets import NO_CLASS, Dataset, Item, open_dataset
from cnnviz_desktop.engine.decoding import decoded
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnnviz_desktop.engine.preprocessing import Preprocessing

LABEL = "Reading the pictures"
_IN_MEMORY = 2**30  # bytes of decoded pictures; more than these lie in a file of their own
_NAMED = 4  # broken files that a note names


@dataclass(frozen=True, eq=False)
class TrainingPictures:
    """Decoded pictures `pixels` uint8 (N, C, H, W), their classes `truth` (N), and which are which.

    `training` and `held_out` are their places among the N.
    """

    title: str
    classes: tuple[str, ...]
    pixels: NDArray[np.uint8]
    truth: Tensor
    training: Tensor
    held_out: Tensor
    fingerprint: str
    notes: tuple[str, ...]

    def of(self, rows: Tensor) -> Tensor:
        """Return pictures as values 0 to 1 (B, C, H, W)."""
        return torch.from_numpy(self.pixels[rows.numpy()]).float() / 255


@contextmanager
def training_pictures(
    source: str, preprocessing: Preprocessing, share: float, seed: int, run: Run
) -> Iterator[TrainingPictures]:
    """Decode a dataset as the network is fed and part it, a `share` of each class held out.

    Where the dataset has a part for testing of its own, that is held out instead. Raises
    `ParameterError` where there is nothing to learn from.
    """
    training, testing = _parts(source)
    items = [(training, item) for item in training.items if item.label != NO_CLASS]
    if testing is not None:
        places = {name: place for place, name in enumerate(training.classes)}
        named = [testing.classes[item.label] for item in testing.items if item.label != NO_CLASS]
        strange = sorted(set(named) - set(places))
        if strange:
            raise ParameterError(
                f"{testing.title} has a class {strange[0]} that {training.title} lacks: give both "
                "the same folders."
            )
        moved = [
            Item(item.key, places[testing.classes[item.label]], item.stamp)
            for item in testing.items
            if item.label != NO_CLASS
        ]
        items += [(testing, item) for item in moved]
    if not items:
        raise ParameterError(f"No picture of “{training.title}” has a class: give it one.")
    shape = (len(items), preprocessing.channels, *preprocessing.size)
    with _room(shape) as pixels:
        kept, problems = _decode(items, preprocessing, pixels, run)
        if not kept:
            raise ParameterError(
                f"None of the {len(items)} pictures of {training.title} can be read, such as "
                f"{problems[0]}. Choose another folder."
            )
        truth = torch.tensor([items[place][1].label for place in kept], dtype=torch.int64)
        if testing is None:
            rows, held = _split(truth, share, seed)
        else:
            own = torch.tensor([items[place][0] is training for place in kept])
            rows, held = own.nonzero()[:, 0], (~own).nonzero()[:, 0]
        _check(training, truth[rows], held, problems)
        notes = [*training.notes]
        if problems:
            first = "; ".join(problems[:_NAMED])
            notes.append(f"{amount(len(problems), *SKIPPED)}: {first}.")
        yield TrainingPictures(
            title=training.title,
            classes=training.classes,
            pixels=pixels[: len(kept)],
            truth=truth,
            training=rows,
            held_out=held,
            fingerprint=training.fingerprint + (testing.fingerprint if testing else ""),
            notes=tuple(notes),
        )


def _parts(source: str) -> tuple[Dataset, Dataset | None]:
    """Return the pictures to learn from, and those to be held out where they are apart."""
    training, testing = open_dataset(source, "train"), open_dataset(source, "test")
    training.check_classes()
    same = training.place == testing.place and training.fingerprint == testing.fingerprint
    return training, None if same else testing


@contextmanager
def _room(shape: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """Give room for decoded pictures: in memory, or in a file where they are many."""
    if np.prod(shape, dtype=np.int64) <= _IN_MEMORY:
        yield np.empty(shape, np.uint8)
        return
    with tempfile.TemporaryDirectory(prefix="cnnviz-", ignore_cleanup_errors=True) as folder:
        yield np.memmap(Path(folder) / "pictures", np.uint8, "w+", shape=tuple(shape))


def _decode(
    items: Sequence[tuple[Dataset, Item]],
    preprocessing: Preprocessing,
    pixels: NDArray[np.uint8],
    run: Run,
) -> tuple[list[int], list[str]]:
    """Fill in the pictures that can be read, and return which these are and what was not."""
    mean = torch.tensor(preprocessing.mean).view(-1, 1, 1)
    std = torch.tensor(preprocessing.std).view(-1, 1, 1)

    def read(place: int) -> ImageInput:
        dataset, item = items[place]
        return dataset.read(item.key)

    def make(_place: int, picture: ImageInput) -> NDArray[np.uint8]:
        tensor = preprocessing(picture)[0][0]  # of whole numbers: nothing is lost here
        whole: NDArray[np.uint8] = (
            ((tensor * std + mean) * 255).round().clamp(0, 255).byte().numpy()
        )
        return whole

    kept: list[int] = []
    problems: list[str] = []
    with closing(decoded(range(len(items)), read, make)) as stream:
        for item in run.track(stream, LABEL, len(items)):
            if item.made is None:
                problems.append(items[item.key][1].key)
            else:
                pixels[len(kept)] = item.made
                kept.append(item.key)
    return kept, problems


def _split(truth: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Hold a share of each class out: at least one picture, and never all."""
    generator = torch.Generator().manual_seed(seed)
    rows: list[Tensor] = []
    held: list[Tensor] = []
    for label in sorted(set(truth.tolist())):
        own = (truth == label).nonzero()[:, 0]
        own = own[torch.randperm(len(own), generator=generator)]
        count = min(max(1, round(share * len(own))), len(own) - 1)
        held.append(own[:count])
        rows.append(own[count:])
    return torch.cat(rows).sort().values, torch.cat(held).sort().values


def _check(dataset: Dataset, truth: Tensor, held: Tensor, problems: Sequence[str]) -> None:
    """Raise `ParameterError` where nothing could be learned or measured."""
    missing = sorted(set(range(len(dataset.classes))) - set(truth.tolist()))
    broken = f" {amount(len(problems), 'file', 'files')} could not be read." if problems else ""
    if len(dataset.classes) < 2:
        raise ParameterError(
            f"{dataset.title} has one class alone: give it a folder for each of two or more."
        )
    if missing:
        raise ParameterError(
            f"There is no picture of {dataset.classes[missing[0]]} to learn from.{broken} Put some "
            "into its folder, or take the folder away."
        )
    if not len(held):
        raise ParameterError(
            f"{dataset.title} has one picture for each class: none can be held out to measure by. "
            "Give it two or more for each."
        )
