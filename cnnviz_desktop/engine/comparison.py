"""Put several networks side by side: load one after the other, look, measure, match the depths.

Networks are let go as soon as they are measured, unless all are small enough to be held: then
their passes are timed in turns, so that what else the machine does falls on all of them alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from cnnviz_desktop.data import (
    RANDOM,
    Activation,
    Box,
    Compared,
    Comparison,
    Evaluation,
    Heatmap,
    ImageInput,
    Prediction,
    Strip,
)
from cnnviz_desktop.engine.cam_pass import Answer, CamPass, refuse_transformers
from cnnviz_desktop.engine.catalogue import find
from cnnviz_desktop.engine.costs import counted
from cnnviz_desktop.engine.evaluation import evaluate, told_apart
from cnnviz_desktop.engine.inputs import GUESSED
from cnnviz_desktop.engine.inspection import prediction
from cnnviz_desktop.engine.kept_models import KeptModels, weight_bytes
from cnnviz_desktop.engine.live_memory import LiveMemory
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.pass_times import timed
from cnnviz_desktop.engine.recording import forward_through, gradients, interruptible
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.stages import Stage, stages
from cnnviz_desktop.engine.techniques.compare_models import CAMS, CompareModels
from cnnviz_desktop.errors import LayerError, ModelError, TrustError
from cnnviz_desktop.model_names import parted, rooted

if TYPE_CHECKING:
    from cnnviz_desktop.engine.datasets import Dataset
    from cnnviz_desktop.engine.loaded_model import LoadedModel

LABEL = "Comparing"
KEPT = KeptModels()
HELD = 1536 * 2**20  # bytes of weights that may be in memory at once, all networks together
MEASURES = ("loss", "MSE", "R²", "top-1", "top-5", "ECE")


@dataclass(frozen=True, eq=False)
class _Look:
    """What one network makes of one picture, at all of its stages."""

    answer: Prediction | None
    strips: tuple[Strip, ...]
    heatmaps: tuple[Heatmap, ...]
    heatmap: Heatmap | None


@dataclass(eq=False)
class _Column:
    """What is known of a network by now; `sides` are its stages' maps as shares of the input."""

    title: str
    name: str
    weights: str
    fingerprint: str
    parameters: int
    multiply_adds: int
    memory: int
    sides: tuple[float, ...]
    seconds: float = math.nan
    looks: list[_Look] = field(default_factory=list)
    scores: tuple[float, ...] = ()


def compare(
    wanted: CompareModels,
    first: LoadedModel,
    images: Sequence[ImageInput],
    run: Run = SILENT,
    *,
    trust: bool = False,
) -> list[Comparison]:
    """Return what `first` and the networks `wanted` make of each picture.

    A comparison of the first picture is shown as each network comes in. With `trust` the files of
    the others may run code of their own, and are remembered.
    """
    from cnnviz_desktop.engine.datasets import open_dataset

    dataset = open_dataset(wanted.data) if wanted.data is not None else None
    bench = _Bench(wanted, images, dataset, run)
    names: list[str | None] = [None, *wanted.models]
    for name in run.track(names, LABEL):
        bench.add(first if name is None else _loaded(name, first, run, trust))
        run.preview(bench.comparisons()[0])
    bench.measure()
    return bench.comparisons()


def _loaded(text: str, first: LoadedModel, run: Run, trust: bool) -> LoadedModel:
    """Load another network, fed as the first one is: to the same device, pictures cut alike."""
    name, weights = parted(text)
    entry, spec = find(name), first.spec_of(name, weights)
    missing = weights is None and entry is not None and not entry.here
    try:
        loaded = KEPT.get(
            name,
            weights,
            str(first.device),
            lambda: load_model(name, weights, first.device, run, spec=spec, trust=trust),
            spec,
        )
    except TrustError as error:
        raise ModelError(
            f"{error} To compare it in the window, open it by itself once before."
        ) from error
    except ModelError as error:
        if missing:
            raise ModelError(
                f"{error} To compare {name} without its weights name it “{name}={RANDOM}”."
            ) from error
        raise
    return loaded.beside(first)


class _Bench:
    """The networks that are compared, those that are still held, and what was found of each."""

    def __init__(
        self,
        wanted: CompareModels,
        images: Sequence[ImageInput],
        dataset: Dataset | None,
        run: Run,
    ) -> None:
        self._wanted, self._images, self._dataset, self._run = wanted, images, dataset, run
        self.columns: list[_Column] = []
        self._held: dict[int, LoadedModel] = {}  # by place, as long as all were
        self._bytes = 0
        self._classes: list[tuple[int, str, tuple[str, ...]]] = []  # what each picture's is
        # What is said before the name of a network, its place, and what after it.
        self._notes: dict[tuple[str, int | None, str], None] = {}

    def add(self, model: LoadedModel) -> None:
        """Look at all pictures through a network, count its costs, and hold it if it is small."""
        run, place = self._run, len(self.columns)
        weights = weight_bytes(model)
        found = stages(model.layers, model.default_layer)
        column = _costs(model, found, weights, run)
        guessed = any(item.title == GUESSED for item in model.findings)
        if guessed and place and rooted(model.name) != rooted(self.columns[0].name):
            self._note(
                "How pictures go into ",
                place,
                " is a guess. Open it by itself once and set its input (Tools, Input and class "
                "names): that is remembered.",
            )
        for number, image in enumerate(self._images):
            run.pause()
            column.looks.append(self._look(model, place, found, image, number))
        self._bytes += weights
        self.columns.append(column)
        if self._bytes <= HELD or not place:
            self._held[place] = model
            return
        self._note(
            f"All networks together take more than {HELD / 2**30:g} GiB, so ",
            place,
            " was measured by itself.",
        )
        self._measure({place: model})

    def measure(self) -> None:
        """Time and evaluate those that are held, in turns."""
        self._measure(self._held)

    def comparisons(self) -> list[Comparison]:
        """Return what is known by now, a comparison a picture."""
        titles = told_apart([(column.title, column.weights) for column in self.columns])
        rows = matched([column.sides for column in self.columns], self._wanted.match)
        notes = tuple(
            f"{before}{'' if place is None else titles[place]}{after}"
            for before, place, after in self._notes
        )
        return [
            Comparison(
                title=f"{' and '.join(titles) if len(titles) < 3 else f'{len(titles)} networks'}",
                models=tuple(
                    _compared(column, title, column.looks[number], row)
                    for column, title, row in zip(self.columns, titles, rows, strict=True)
                ),
                measures=MEASURES if self._measured() else (),
                notes=notes,
            )
            for number in range(len(self._images))
        ]

    def _measured(self) -> bool:
        return bool(self.columns) and all(column.scores for column in self.columns)

    def _measure(self, models: dict[int, LoadedModel]) -> None:
        if self._wanted.passes:
            times = timed(list(models.values()), self._wanted.passes, self._run)
            for place, seconds in zip(models, times, strict=True):
                self.columns[place].seconds = seconds
        if self._dataset is not None:
            found = evaluate(list(models.values()), self._dataset, self._run)
            for note in found.notes:
                self._note(note)
            for place, item in zip(models, found.models, strict=True):
                self.columns[place].scores = _scores(item)

    def _look(
        self, model: LoadedModel, place: int, found: Sequence[Stage], image: ImageInput, number: int
    ) -> _Look:
        """Run a network on a picture: one pass gives its answer, its maps, and why."""
        tensor, region = model.prepare(image)
        try:
            refuse_transformers(model)
            look = self._explained(model, place, found, tensor, region, number)
        except (LayerError, ModelError) as error:
            named = str(error).startswith(model.title)  # as it is, not as it is told apart
            after = str(error).removeprefix(model.title)
            self._note("", place if named else None, after)
            return _plain(model, found, tensor, region, self._wanted.maps, self._run)
        return look

    def _explained(
        self,
        model: LoadedModel,
        place: int,
        found: Sequence[Stage],
        tensor: Tensor,
        region: Box,
        number: int,
    ) -> _Look:
        names = tuple(dict.fromkeys((*(item.layer for item in found), model.default_layer)))
        nodes = [model.layer(name or None) for name in names]
        layers = [(node, model.call(node, -1)) for node in nodes]
        with gradients():
            seen = CamPass(model, tensor, layers, self._run, graph=True)
            logits = seen.logits.detach()
            target = self._target(model, place, logits, number)
            cam = CAMS[self._wanted.method](target=target)
            answer = Answer(cam, model, logits, region)
            values = cam.explain(seen, [target])[0]
        maps = {
            name: answer.heatmap(0, item, layer=name)
            for name, item in zip(names, values, strict=True)
        }
        outputs = dict(zip(names, seen.maps, strict=True))
        return _Look(
            prediction(model, logits, region),
            _strips(found, outputs, region, self._wanted.maps),
            tuple(maps[item.layer] for item in found),
            maps.get(model.default_layer),
        )

    def _target(self, model: LoadedModel, place: int, logits: Tensor, number: int) -> int:
        """Return the class that is explained: the first network's, by its name."""
        if number == len(self._classes):
            index = model.target(self._wanted.target, logits)
            self._classes.append((index, model.labels[index], model.labels))
        index, label, labels = self._classes[number]
        if model.labels == labels:
            return index
        if label in model.labels:
            return model.labels.index(label)
        after = f" does not know the class “{label}”: its maps explain what it answers."
        self._note("", place, after)
        return model.target(None, logits)

    def _note(self, before: str, place: int | None = None, after: str = "") -> None:
        self._notes[before, place, after] = None


# -------------------------------------------------------------------------------------- one network


def _costs(model: LoadedModel, found: Sequence[Stage], weights: int, run: Run) -> _Column:
    """Count what a pass of one picture takes."""
    size = (model.preprocessing.channels, *model.preprocessing.size)
    example = torch.zeros(1, *size, device=model.device)
    example = example.contiguous(memory_format=model.layout)
    with (
        torch.no_grad(),  # in inference mode convolutions pass uncounted
        counted(model.module) as costs,
        interruptible(model.module, run),
        LiveMemory(model.module, example) as live,
    ):
        model.module(example)
    return _Column(
        title=model.title,
        name=model.name,
        weights=model.weights,
        fingerprint=model.fingerprint,
        parameters=model.parameters,
        multiply_adds=sum(costs.multiply_adds.values()),
        memory=weights + live.peak,
        sides=tuple(max(item.shape[1:]) / max(model.preprocessing.size) for item in found),
    )


def _plain(
    model: LoadedModel,
    found: Sequence[Stage],
    tensor: Tensor,
    region: Box,
    most: int,
    run: Run,
) -> _Look:
    """Look without explaining, through networks whose answer has no slope at their maps."""
    last = {item.layer: model.layer(item.layer).calls - 1 for item in found}
    outputs, given = forward_through(model.module, tensor, last, run, graph=False)
    try:
        answer = prediction(model, model.logits(given)[0], region)
    except ModelError:
        answer = None
    maps = {name: kept[0] for name, kept in outputs.items()}
    return _Look(answer, _strips(found, maps, region, most), (), None)


def _strips(
    found: Sequence[Stage], outputs: dict[str, Tensor], region: Box, most: int
) -> tuple[Strip, ...]:
    """Return the channels of every stage whose values' squares are greatest over the picture."""
    strips = []
    for item in found:
        values = outputs[item.layer].detach().float().contiguous().cpu().numpy()
        energy = np.square(np.nan_to_num(values), dtype=np.float64).mean(axis=(1, 2))
        order = np.argsort(-energy, kind="stable")[:most]
        maps = Activation(np.ascontiguousarray(values[order]), item.layer, region)
        title = f"Stage {item.number} of {len(found)}"
        strips.append(Strip(title, maps, tuple(order.tolist()), len(values)))
    return tuple(strips)


def _compared(column: _Column, title: str, look: _Look, row: Sequence[int]) -> Compared:
    """Return a network's column, of its stages those that were matched."""
    return Compared(
        model=title,
        weights=column.weights,
        fingerprint=column.fingerprint,
        parameters=column.parameters,
        multiply_adds=column.multiply_adds,
        memory=column.memory,
        seconds=column.seconds,
        prediction=look.answer,
        strips=tuple(look.strips[place] for place in row),
        heatmaps=tuple(look.heatmaps[place] for place in row) if look.heatmaps else (),
        heatmap=look.heatmap,
        scores=column.scores,
    )


# ------------------------------------------------------------------------------------ all of them


def matched(sides: Sequence[Sequence[float]], match: str) -> list[tuple[int, ...]]:
    """Return for each network which of its stages stand side by side.

    `sides` are the sides of each one's maps, stage by stage, as shares of its input's. A network
    without stages has none of them.
    """
    counts = [len(item) for item in sides]
    first = next((item for item in sides if item), ())
    if match == "resolution":
        return [tuple(_nearest(item, side) for side in first) if item else () for item in sides]
    fewest = min((count for count in counts if count), default=0)
    return [
        tuple(_between(row, fewest, count) for row in range(fewest)) if count else ()
        for count in counts
    ]


def _between(row: int, rows: int, count: int) -> int:
    """Return which of `count` stages has the place of one of `rows`; of one it is the last."""
    return count - 1 if rows == 1 else math.floor(row * (count - 1) / (rows - 1) + 0.5)


def _nearest(sides: Sequence[float], wanted: float) -> int:
    return min(range(len(sides)), key=lambda place: abs(math.log2(sides[place] / wanted)))


def _scores(found: Evaluation) -> tuple[float, ...]:
    """Return the numbers of `MEASURES`."""
    return found.loss, found.mse, found.r2, found.top1, found.top5, found.ece
