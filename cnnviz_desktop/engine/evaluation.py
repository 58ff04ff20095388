"""Measure how well networks answer on labelled pictures: one pass, several networks side by side.

The expected calibration error is that of Guo et al., On Calibration of Modern Neural Networks
(arXiv:1706.04599): the mean distance of confidence and accuracy over bins of confidence.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from cnnviz_desktop.data import (
    PRETRAINED,
    RANDOM,
    Evaluation,
    Evaluations,
    Floats,
    ImageInput,
)
from cnnviz_desktop.engine.amounts import SKIPPED, amount
from cnnviz_desktop.engine.class_map import ClassMap, guessed
from cnnviz_desktop.engine.datasets import GENERATED, Dataset, Item
from cnnviz_desktop.engine.decoding import Decoded, decoded
from cnnviz_desktop.engine.recording import interruptible, whole_or_singly
from cnnviz_desktop.engine.remembered_classes import mapped
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnnviz_desktop.engine.loaded_model import LoadedModel

    Logits = NDArray[np.float64]

LABEL = "Evaluating"
BATCH = 4  # pictures at once; larger batches are slower on a processor
BINS = 15
_NAMED = 6  # skipped files and folders that notes name


def evaluate(
    models: Sequence[LoadedModel],
    dataset: Dataset,
    run: Run = SILENT,
    said: Mapping[str, int | str | None] | None = None,
) -> Evaluations:
    """Return how networks answer on the pictures of all classes that every one of them knows.

    `said` maps folders to classes where the guess is wrong; None is what was said of this dataset
    before. Files that cannot be read are skipped.
    Raises `ParameterError` where there is nothing to measure by.
    """
    if not models:
        raise ParameterError("No network is given: name one, or several to be compared.")
    dataset.check_classes()
    maps = [_mapped(model, dataset, said) for model in models]
    known = {
        place
        for place in range(len(dataset.classes))
        if all(item.indices[place] is not None for item in maps)
    }
    if not known:
        raise _nothing_known(models, dataset, maps)
    items = [item for item in dataset.items if item.label in known]
    titles = told_apart([(model.title, model.weights) for model in models])
    tallies = [_Tally(title) for title in titles]
    problems: dict[str, str] = {}
    files: list[str] = []
    start = time.perf_counter()
    run.report(LABEL, 0, len(items), 0.0)
    with closing(_prepared(models, dataset, items)) as stream:
        done = 0
        for batch in _batches(stream):
            paused = time.perf_counter()
            run.pause()
            start += time.perf_counter() - paused  # held, or others went first
            sound = [(item.key, item.made) for item in batch if item.made is not None]
            problems |= {item.key.key: item.problem for item in batch if item.made is None}
            for model, mapping, tally, place in zip(
                models, maps, tallies, range(len(models)), strict=True
            ):
                if sound:
                    inputs = [made.inputs[place] for _key, made in sound]
                    truth = [mapping.indices[item.label] for item, _made in sound]
                    tally.add(_logits(model, inputs, run), np.array(truth, np.int64))
            files += [made.file or item.key for item, made in sound]
            done += len(batch)
            run.report(LABEL, done, len(items), time.perf_counter() - start)
            if run.finishing:
                break
    if not files:
        first = next(iter(problems.values()), "")
        raise ParameterError(f"No picture of {dataset.title} could be read. {first}")
    return Evaluations(
        title=dataset.title,
        files=tuple(files),
        models=tuple(
            tally.evaluation(model.labels) for tally, model in zip(tallies, models, strict=True)
        ),
        notes=(*dataset.notes, *_notes(dataset, known, problems, tallies)),
    )


def told_apart(networks: Sequence[tuple[str, str]]) -> list[str]:
    """Return what to call networks (title, weights): names, else with weights, else with a count.

    Of random weights it is always said.
    """
    names = [title for title, _weights in networks]
    said = [
        f"{title} (random weights)"
        if weights == RANDOM
        else f"{title} ({Path(weights).stem})"
        if names.count(title) > 1 and weights != PRETRAINED
        else title
        for title, weights in networks
    ]
    return [
        title if said.count(title) == 1 else f"{title} ({1 + said[:place].count(title)})"
        for place, title in enumerate(said)
    ]


def _mapped(
    model: LoadedModel, dataset: Dataset, said: Mapping[str, int | str | None] | None
) -> ClassMap:
    if said is None:
        return mapped(dataset.kind, dataset.place, dataset.classes, model.labels)
    return guessed(dataset.classes, model.labels).said(said)


def _nothing_known(
    models: Sequence[LoadedModel], dataset: Dataset, maps: Sequence[ClassMap]
) -> ParameterError:
    for model, mapping in zip(models, maps, strict=True):
        if len(mapping.missing) == len(mapping.folders):
            first = mapping.folders[0]
            if dataset.kind == GENERATED:
                return ParameterError(
                    f"{model.title} does not know the classes of the generated pictures: choose a "
                    "folder with a folder for each class."
                )
            return ParameterError(
                f"{model.title} knows none of the classes {', '.join(mapping.folders[:3])}"
                f"{' …' if len(mapping.folders) > 3 else ''}."
                f"{did_you_mean(first, model.labels)} Say which is which in the tab Dataset, or "
                'with --classes FILE, a JSON file such as {"folder": 281}.'
            )
    return ParameterError("No class of the pictures is known to all of the networks.")


def _notes(
    dataset: Dataset, known: set[int], problems: Mapping[str, str], tallies: Sequence[_Tally]
) -> Iterator[str]:
    """Say what was left out."""
    strange = [name for place, name in enumerate(dataset.classes) if place not in known]
    if strange:
        more = f" and {len(strange) - _NAMED} more" if len(strange) > _NAMED else ""
        named = ", ".join(strange[:_NAMED])
        who = "all networks know" if len(tallies) > 1 else "the network knows"
        yield f"Of no class that {who}, and left out: {named}{more}."
    if problems:
        first = "; ".join(list(problems)[:_NAMED])
        more = f" and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        yield f"{amount(len(problems), *SKIPPED)}: {first}{more}."
    for tally in tallies:
        if tally.odd:
            odd = amount(tally.odd, "picture", "pictures")
            yield f"{tally.model} gave no sound numbers for {odd}."


# ------------------------------------------------------------------------------------------- passes


@dataclass(frozen=True, eq=False)
class _Inputs:
    """A picture as each of the networks takes it."""

    inputs: tuple[Tensor, ...]
    file: str


def _prepared(
    models: Sequence[LoadedModel], dataset: Dataset, items: Sequence[Item]
) -> Generator[Decoded[Item, _Inputs]]:
    def make(_item: Item, picture: ImageInput) -> _Inputs:
        kinds = {model.preprocessing: None for model in models}
        made = {kind: kind(picture)[0] for kind in kinds}
        file = str(picture.path) if picture.path is not None else ""
        return _Inputs(tuple(made[model.preprocessing] for model in models), file)

    return decoded(items, lambda item: dataset.read(item.key), make, ahead=2 * BATCH)


def _batches(
    stream: Iterator[Decoded[Item, _Inputs]],
) -> Iterator[list[Decoded[Item, _Inputs]]]:
    batch: list[Decoded[Item, _Inputs]] = []
    for item in stream:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _logits(model: LoadedModel, inputs: Sequence[Tensor], run: Run) -> Logits:
    """Return the scores (B, K) of pictures, one by one by a network that takes no more."""

    def passed(tensor: Tensor) -> Tensor:
        placed = tensor.to(model.device).contiguous(memory_format=model.layout)
        with torch.inference_mode(), interruptible(model.module, run):
            return model.logits(model.module(placed)).float().cpu()

    found = whole_or_singly(
        model.module, torch.cat(list(inputs)), passed, lambda part: len(part) == len(inputs)
    )
    return torch.cat(found).numpy().astype(np.float64)


# ------------------------------------------------------------------------------------------ numbers


@dataclass(eq=False)
class _Tally:
    """The answers of one network, a few numbers for each picture."""

    model: str
    truth: list[int] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    squares: float = 0.0  # of what the probabilities are off by
    odd: int = 0

    def add(self, logits: Logits, truth: NDArray[np.int64]) -> None:
        """Add the scores (B, K) of pictures of the classes `truth` (B)."""
        self.odd += int((~np.isfinite(logits)).any(axis=1).sum())
        logits = np.nan_to_num(logits, nan=-1e30, posinf=1e30, neginf=-1e30)
        shifted = logits - logits.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        shares = np.exp(logs)
        rows = np.arange(len(truth))
        right = logits[rows, truth]
        targets = np.zeros_like(shares)
        targets[rows, truth] = 1
        self.squares += float(((shares - targets) ** 2).sum())
        # Of equal scores the first class comes first, as argmax has it.
        before = np.arange(logits.shape[1]) < truth[:, None]
        ahead = (logits > right[:, None]) | ((logits == right[:, None]) & before)
        self.truth += truth.tolist()
        self.predicted += logits.argmax(axis=1).tolist()
        self.confidences += shares.max(axis=1).tolist()
        self.places += ahead.sum(axis=1).tolist()
        self.losses += (-logs[rows, truth]).tolist()

    def evaluation(self, labels: tuple[str, ...]) -> Evaluation:
        """Return what it all says."""
        truth, predicted, places = (
            np.array(item, np.int64) for item in (self.truth, self.predicted, self.places)
        )
        confidences = np.array(self.confidences)
        size = len(truth)
        classes, precision, recall, support = per_class(truth, predicted)
        counts, sure, right = calibration(confidences, truth == predicted)
        # Of all N K targets the mean is 1 / K, so that their squares add up to N (1 - 1 / K).
        spread = size * (1 - 1 / len(labels))
        return Evaluation(
            model=self.model,
            labels=labels,
            truth=truth,
            predicted=predicted,
            confidences=confidences.astype(np.float32),
            places=places,
            losses=np.array(self.losses, np.float32),
            loss=float(np.mean(self.losses)),
            mse=self.squares / (size * len(labels)),
            r2=1 - self.squares / spread if spread else float("nan"),
            top1=float((places < 1).mean()),
            top5=float((places < 5).mean()),
            ece=float((counts / size * np.abs(np.nan_to_num(sure - right))).sum()),
            classes=classes,
            precision=precision,
            recall=recall,
            support=support,
            bin_counts=counts,
            bin_confidences=sure.astype(np.float32),
            bin_accuracies=right.astype(np.float32),
        )


def per_class(
    truth: NDArray[np.int64], predicted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Floats, Floats, NDArray[np.int64]]:
    """Return the classes that occur (n), their precision, recall (NaN for 0 / 0) and pictures."""
    classes = np.unique(np.concatenate([truth, predicted]))
    size = len(classes)
    support, named, right = (
        np.bincount(np.searchsorted(classes, item), minlength=size).astype(np.int64)
        for item in (truth, predicted, truth[truth == predicted])
    )
    with np.errstate(invalid="ignore"):
        precision = right / np.where(named, named, np.nan)
        recall = right / np.where(support, support, np.nan)
    return classes, precision.astype(np.float32), recall.astype(np.float32), support


def calibration(
    confidences: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return for equal bins of confidence how many pictures, how sure, and how often right.

    A bin holds its upper end and not its lower one; an empty one has NaN.
    """
    places = np.clip(np.ceil(confidences * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    some = np.where(counts, counts, np.nan)
    sure = np.bincount(places, confidences, bins) / some
    share = np.bincount(places, right.astype(np.float64), bins) / some
    return counts.astype(np.int64), sure, share
