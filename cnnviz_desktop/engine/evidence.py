"""Gather the evidence for explanations: a map of every method at every layer, and its scores."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cnnviz_desktop.data import Curve, Evidence, Floats, Heatmap, ImageInput
from cnnviz_desktop.engine import pointing, randomisation
from cnnviz_desktop.engine.baselines import blurred
from cnnviz_desktop.engine.channels import maps_of
from cnnviz_desktop.engine.confidence import Confidence, at_input, masking
from cnnviz_desktop.engine.controls import MAPS, grey_picture
from cnnviz_desktop.engine.insertion import perturb
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.metrics import METRICS
from cnnviz_desktop.engine.object_masks import object_mask
from cnnviz_desktop.engine.recording import interruptible
from cnnviz_desktop.engine.road import road
from cnnviz_desktop.engine.run import Part, Run
from cnnviz_desktop.engine.stages import stages
from cnnviz_desktop.engine.technique import LayerKind, Technique
from cnnviz_desktop.engine.techniques.compare_maps import METHODS
from cnnviz_desktop.engine.techniques.evidence_matrix import CONTROLS
from cnnviz_desktop.errors import Cancelled, CnnvizError, ParameterError
from cnnviz_desktop.paths import expanded

if TYPE_CHECKING:
    from cnnviz_desktop.engine.techniques.evidence_matrix import EvidenceMatrix

INPUT = ""  # the column of methods that explain at the network's input

_BETWEEN_PREVIEWS = 0.5  # seconds
_NOT_DONE = "Not looked at: the work was ended before."
_AT_LAYERS = "Explains by a layer's maps."
_AT_INPUT = "Explains at the network's input."


class _Ended(Exception):
    """The work was asked to give what there is while a cell was being worked out."""


class _CellRun(Part):
    """The run of one cell: it stops with the whole, at once where that is to give what there is."""

    def __init__(self, whole: Run) -> None:
        super().__init__(whole, "", shown=False, counted=False)  # the matrix counts cells

    @property
    def finishing(self) -> bool:
        """Tell that a half-made map is no cell: `check` ends it instead."""
        return False

    def check(self) -> None:
        """Raise `Cancelled` with the whole run, `_Ended` once it is to give what there is."""
        super().check()
        if self._whole.finishing:
            raise _Ended

    def pause(self) -> None:
        """Let urgent work run, and wait while the whole is held."""
        super().pause()
        self.check()


@dataclass(eq=False)
class _Cell:
    """What is known of a method at a layer so far."""

    heatmap: Heatmap | None = None
    reason: str = _NOT_DONE
    scores: dict[str, float] = field(default_factory=dict)
    curves: dict[str, Floats] = field(default_factory=dict)


class Gathering:
    """The work on one picture: what the network says of it, and the cells as they get done."""

    def __init__(
        self, asked: EvidenceMatrix, model: LoadedModel, image: ImageInput, run: Run
    ) -> None:
        self.asked, self.model, self.image, self.run = asked, model, image, run
        explaining = [name for name in asked.methods if name not in CONTROLS]
        self.controls = [name for name in asked.methods if name in CONTROLS]
        self.methods = [*explaining, *self.controls]
        self.layers = self._columns(explaining)
        self.mask = object_mask(image, expanded(asked.masks) if asked.masks else None)
        self.metrics = self._measurable()
        self.tensor, self.region = model.prepare(image)
        with torch.inference_mode(), interruptible(model.module, run):
            logits = model.logits(model.module(self.tensor.clone()))[0]
        self.target = model.target(asked.target, logits)
        self.score = float(logits[self.target])
        self.whole = float(logits.softmax(dim=0)[self.target])
        self.cells = [[_Cell() for _ in self.layers] for _ in self.methods]
        self.axes: dict[str, tuple[str, Floats, tuple[str, ...]]] = {}  # of the curves

    def _columns(self, explaining: list[str]) -> list[str]:
        """Return the layers to look at, from input to output, and `INPUT` where a method asks."""
        kinds = [METHODS[name] for name in explaining]
        at_input = any(not _looks_at_layers(kind) for kind in kinds)
        wants_layers = not kinds or any(map(_looks_at_layers, kinds))
        named = [self.model.layer(name).name for name in self.asked.layers]
        if not named and wants_layers:
            default = self.model.layer(None).name
            ends = [stage.layer for stage in stages(self.model.layers, default)]
            named = [*(name for name in ends if name != default), default]
        for name in named:
            node = self.model.layer(name)
            maps_of(self.model, node, ", so it cannot show where")
        return [*named, *([INPUT] if at_input else [])]

    def _measurable(self) -> list[str]:
        """Return the metrics that this picture allows: some need to know where the object is."""
        wanted = list(self.asked.metrics)
        if self.mask is not None:
            return wanted
        left = [name for name in wanted if METRICS[name].part != "place"]
        if not left:
            raise ParameterError(
                "Nothing says where the object is: name the folder of the pictures' masks, or "
                "choose other metrics."
            )
        return left

    # ---------------------------------------------------------------------------------- the work

    def gather(self) -> Evidence:
        """Work out cell by cell and return all that got done."""
        shown = time.perf_counter()
        places = [
            (row, column) for row in range(len(self.methods)) for column in range(len(self.layers))
        ]
        for row, column in self.run.track(places, "Gathering evidence"):
            if self.run.finishing:
                break
            try:
                self.cells[row][column] = self._cell(self.methods[row], self.layers[column])
            except _Ended:
                break
            if time.perf_counter() - shown > _BETWEEN_PREVIEWS:
                shown = time.perf_counter()
                self.run.preview(self._result())
        return self._result()

    def _cell(self, method: str, layer: str) -> _Cell:
        """Make a map and score it; say why where it cannot be made."""
        if method not in CONTROLS and _looks_at_layers(METHODS[method]) == (layer == INPUT):
            return _Cell(reason=_AT_LAYERS if layer == INPUT else _AT_INPUT)
        run = _CellRun(self.run)
        run.check()
        try:
            heatmap = self._map(method, layer, self.model, run)
        except Cancelled:
            raise
        except CnnvizError as error:
            return _Cell(reason=str(error))
        cell = _Cell(heatmap, reason=_unfit(heatmap.values))
        if not cell.reason:
            for part in dict.fromkeys(METRICS[name].part for name in self.metrics):
                getattr(self, f"_by_{part}")(cell, method, layer, run)
        return cell

    def _map(self, method: str, layer: str, model: LoadedModel, run: Run) -> Heatmap:
        if method in CONTROLS:
            return self._control(method, layer)
        kind = METHODS[method]
        values: dict[str, Any] = {"target": self.target}
        names = {item.name for item in kind.parameters()}
        if layer != INPUT:
            values["layer"] = layer
        if "seed" in names:
            values["seed"] = self.asked.seed
        found = kind(**values)(model, self.image, run)
        assert isinstance(found, Heatmap)
        return found

    def _control(self, method: str, layer: str) -> Heatmap:
        """Make a map that knows nothing, as coarse as the layer's."""
        size = tuple(self.tensor.shape[2:])
        if layer != INPUT:
            shape = self.model.layer(layer).output_shape
            assert shape is not None
            size = shape[1:]
        picture = grey_picture(self.model, self.tensor)
        values = MAPS[method](
            picture, (size[0], size[1]), self.asked.seed + self.layers.index(layer)
        )
        return Heatmap(
            values=values,
            layer=layer,
            target=self.target,
            target_label=self.model.labels[self.target],
            score=self.score,
            region=self.region,
            method=CONTROLS[method],
            signed=False,
        )

    # -------------------------------------------------------------------------------- the scores

    def _by_road(self, cell: _Cell, _method: str, _layer: str, run: Run) -> None:
        found = road(
            Confidence(self.model, self.target, run),
            self.tensor,
            self._relevance(cell),
            self.whole,
            seed=self.asked.seed,
        )
        cell.scores |= {"road": found.combined, "morf": found.morf, "lerf": found.lerf}
        across = "share of the pixels taken away"
        self._draw(cell, "ROAD, most relevant", across, found.shares, found.most)
        self._draw(cell, "ROAD, least relevant", across, found.shares, found.least)

    def _by_perturbation(self, cell: _Cell, _method: str, _layer: str, run: Run) -> None:
        found = perturb(
            Confidence(self.model, self.target, run),
            self.tensor,
            self._relevance(cell),
            self.whole,
            steps=self.asked.steps,
            start=blurred(self.tensor) if self.asked.start == "blur" else None,
        )
        cell.scores |= {"insertion": found.insertion, "deletion": found.deletion}
        self._draw(cell, "Insertion", "share of the pixels shown", found.shares, found.inserted)
        self._draw(cell, "Deletion", "share of the pixels covered", found.shares, found.deleted)

    def _by_masking(self, cell: _Cell, _method: str, _layer: str, run: Run) -> None:
        assert cell.heatmap is not None
        confidence = Confidence(self.model, self.target, run)
        found = masking(confidence, self.tensor, cell.heatmap.values, self.whole)
        cell.scores |= {"drop": found.drop, "increase": found.increase}

    def _by_place(self, cell: _Cell, _method: str, _layer: str, _run: Run) -> None:
        assert cell.heatmap is not None and self.mask is not None
        cell.scores["pointing"] = float(pointing.hits(cell.heatmap, self.mask))
        cell.scores["energy"] = pointing.energy(cell.heatmap, self.mask)

    def _by_sanity(self, cell: _Cell, method: str, layer: str, run: Run) -> None:
        assert cell.heatmap is not None

        def explain(model: LoadedModel) -> Floats:
            run.pause()
            return self._map(method, layer, model, run).values

        original, seed = cell.heatmap.values, self.asked.seed
        found = randomisation.check(self.model, explain, original, seed=seed)
        there = np.isfinite(found.ranks)
        if there.any():
            cell.scores["sanity"] = float(np.abs(found.ranks[there]).mean())
            cell.scores["ssim"] = float(found.structure[there].mean())
        across = "layers drawn anew, from the last"
        places = np.arange(1, len(found.layers) + 1, dtype=np.float32)
        for name, values in (("Rank correlation", found.ranks), ("SSIM", found.structure)):
            self._draw(cell, name, across, places, values, found.layers)

    def _relevance(self, cell: _Cell) -> torch.Tensor:
        assert cell.heatmap is not None
        return at_input(cell.heatmap.values, self.tensor)

    def _draw(
        self,
        cell: _Cell,
        name: str,
        across: str,
        places: Floats,
        values: Floats,
        ticks: tuple[str, ...] = (),
    ) -> None:
        cell.curves[name] = values
        self.axes.setdefault(name, (across, places, ticks))

    # -------------------------------------------------------------------------------- the result

    def _result(self) -> Evidence:
        cells = [cell for row in self.cells for cell in row]
        shape = len(self.methods), len(self.layers)
        scores = [[cell.scores.get(name, np.nan) for name in self.metrics] for cell in cells]
        named = [METRICS[name] for name in self.metrics]
        return Evidence(
            title=f"Evidence for {self.model.labels[self.target]}",
            target=self.target,
            target_label=self.model.labels[self.target],
            score=self.score,
            probability=self.whole,
            methods=tuple(self._title(name) for name in self.methods),
            layers=tuple(self.layers),
            maps=tuple(cell.heatmap for cell in cells),
            reasons=tuple(cell.reason for cell in cells),
            metrics=tuple(metric.title for metric in named),
            better=tuple(metric.better for metric in named),
            scores=np.array(scores, np.float32).reshape(*shape, len(self.metrics)),
            meanings=tuple(metric.meaning for metric in named),
            curves=tuple(self._curves(cells, shape)),
            controls=len(self.controls),
            notes=self._noted(),
        )

    def _curves(self, cells: list[_Cell], shape: tuple[int, int]) -> Iterator[Curve]:
        for name, (across, places, ticks) in self.axes.items():
            nothing = np.full(len(places), np.nan, np.float32)
            values = np.stack([cell.curves.get(name, nothing) for cell in cells])
            yield Curve(name, across, places, ticks, values.reshape(*shape, -1))

    def _title(self, method: str) -> str:
        return CONTROLS[method] if method in CONTROLS else METHODS[method].title

    def _noted(self) -> tuple[str, ...]:
        """Return what is to be known of the whole."""
        notes = []
        if self.mask is not None and "energy" in self.metrics:
            even = pointing.share(self.mask, self.region)
            notes.append(
                f"The object covers {even:.0%} of what the network saw: the energy of a map that "
                "knows nothing."
            )
        if self.whole < 0.1 and {"road", "insertion", "deletion", "drop"} & set(self.metrics):
            notes.append(
                f"The network gives this class {self.whole:.1%}: there is little that taking "
                "pixels away could lower."
            )
        return tuple(notes)


def _looks_at_layers(kind: type[Technique]) -> bool:
    return any(isinstance(item.kind, LayerKind) for item in kind.parameters())


def _unfit(values: Floats) -> str:
    """Return why a map cannot be scored, "" where it can."""
    if not np.isfinite(values).all():
        return "Its values are not all numbers, so nothing is scored."
    if values.min() == values.max():
        return "It has one value everywhere: there is nothing to rank."
    return ""
