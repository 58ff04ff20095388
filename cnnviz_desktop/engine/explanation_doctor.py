"""Say what an explanation's numbers tell about it, and what to try next; no torch, for the window.

Every complaint about blank, all-red or blocky maps has a reason that can be read off the map and
what was noticed while it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cnnviz_desktop.data import RANDOM, Diagnosis, Finding, Floats, Heatmap, ImageInput
from cnnviz_desktop.engine.amounts import amount
from cnnviz_desktop.engine.stages import stages
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.engine.techniques.compare_maps import METHODS
from cnnviz_desktop.engine.techniques.eigen_cam import EigenCam
from cnnviz_desktop.engine.techniques.evidence_matrix import EvidenceMatrix
from cnnviz_desktop.engine.techniques.hires_cam import HiResCam
from cnnviz_desktop.engine.techniques.layer_cam import LayerCam

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

UNTRAINED = "Random weights"  # the title of what everybody knows who asked for them

_COARSE = 8  # cells along a side up to which a map says so
_FAINT = 1e-7  # norm of a gradient that single precision hardly holds
_MOSTLY = 0.9  # of a map below zero
_MANY_CONSTANT = 0.8  # of the channels
_BORDER, _BORDER_CELLS = 3.0, 12  # times its share of the cells; cells along a side to tell it
_LEFT_OUT = 0.1  # of the picture
_BY_MEAN_GRADIENT = ("grad-cam", "grad-cam-plus-plus", "xgrad-cam", "finer-cam")
_EDGE_LIKE = ("guided-backprop", "deconvnet", "guided-grad-cam")
_NO_SOFTMAX = ("Answers are probabilities", "Sigmoid at the end")


@dataclass(frozen=True)
class Advice:
    """A finding about a map, and what to try: a button's words and what it runs, or neither."""

    finding: Finding
    action: str = ""
    technique: Technique | None = None


def advise(
    technique: Technique, heatmap: Heatmap, model: LoadedModel, image: ImageInput
) -> tuple[Advice, ...]:
    """Return what there is to say of a map that a technique gave, the most serious first."""
    case = _Case(technique, heatmap, model, image)
    found = [advice for rule in _RULES for advice in rule(case)]
    return tuple(sorted(found, key=lambda advice: _ORDER.index(advice.finding.severity)))


_ORDER = ("error", "warning", "info")


class _Case:
    """A map with the numbers that several rules ask for."""

    def __init__(
        self, technique: Technique, heatmap: Heatmap, model: LoadedModel, image: ImageInput
    ) -> None:
        self.technique, self.heatmap, self.model, self.image = technique, heatmap, model, image
        self.diagnosis = heatmap.diagnosis or Diagnosis()
        self.values: Floats = heatmap.values
        self.rows, self.columns = self.values.shape
        self.broken = int((~np.isfinite(self.values)).sum())
        sound = np.nan_to_num(self.values, nan=0.0, posinf=0.0, neginf=0.0)
        self.sound: Floats = sound
        self.low, self.high = float(sound.min()), float(sound.max())
        self.command = next(
            (name for name, kind in METHODS.items() if kind.title == heatmap.method),
            technique.command,
        )
        self.method = heatmap.method or technique.title
        self.label = heatmap.target_label or f"class {heatmap.target}"
        self.where = heatmap.layer or "the network's input"

    @property
    def target(self) -> int | str | None:
        """Return the class as it was asked for; of several at once, this one."""
        one = getattr(self.technique, "classes", 1) == 1
        asked: int | str | None = getattr(self.technique, "target", None)
        return asked if one else self.heatmap.target

    @property
    def empty(self) -> bool:
        """Tell whether nothing of the map is above zero."""
        return self.high <= 0

    @cached_property
    def earlier(self) -> str:
        """Return the layer before this one at which maps are finer, "" where there is none."""
        if not self.heatmap.layer:
            return ""
        ends = stages(self.model.layers, self.model.default_layer)
        finer = [end for end in ends if max(end.shape[1:]) > max(self.rows, self.columns)]
        return finer[-1].layer if finer else ""

    def at(self, kind: type[Technique], layer: str) -> Technique:
        """Return another method's technique for the same class at a layer."""
        names = {field.name for field in fields(kind)}
        values = {"layer": layer, "target": self.target}
        return kind(**{name: value for name, value in values.items() if name in names})

    def same_at(self, layer: str) -> Technique:
        """Return the same technique at another layer, LayerCAM where it is no good earlier on."""
        own = METHODS.get(self.command) is type(self.technique)
        if own and self.command not in _BY_MEAN_GRADIENT and hasattr(self.technique, "layer"):
            return replace(self.technique, layer=layer)  # type: ignore[call-arg]
        return self.at(LayerCam, layer)


Rule = Callable[[_Case], Iterator[Advice]]


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _broken(case: _Case) -> Iterator[Advice]:
    if not case.broken:
        return
    count = f"{case.broken:,} of {case.values.size:,} values are NaN or infinite."
    if case.diagnosis.broken:
        yield Advice(
            Finding(
                "error",
                "Values that are no numbers",
                f"{count} The first module that gives such is {case.diagnosis.broken}: look at its "
                "weights and at what it is given.",
                (case.diagnosis.broken,),
            )
        )
        return
    said = f"{count} All modules give numbers, so it is the method's own arithmetic that fails."
    finding = Finding("error", "Values that are no numbers", said)
    if case.heatmap.layer and case.command != HiResCam.command:
        yield Advice(finding, "Try HiResCAM", case.at(HiResCam, case.heatmap.layer))
    else:
        yield Advice(finding)


def _empty(case: _Case) -> Iterator[Advice]:
    """Explain a map with nothing above zero, and offer what may have more."""
    if not case.empty or case.broken:
        return
    noticed, layer = case.diagnosis, case.heatmap.layer
    if noticed.gradient == 0:
        yield _without_gradient(case)
    elif noticed.channels and noticed.constant == noticed.channels:
        title = f"All {noticed.channels} channels are the same everywhere"
        said = f"{case.where} tells no place from another, so no map of it can."
        yield Advice(Finding("error", title, said))
    elif case.low == 0:
        said = f"All {case.values.size:,} values are 0: at {case.where} nothing moves the score."
        yield Advice(Finding("error", "The map is zero everywhere", said))
    else:
        said = (
            f"All values are below zero, down to {_number(case.low)}: at {case.where} everything "
            "speaks against the class, and the picture shows only what speaks for it."
        )
        finding = Finding("error", f"Nothing speaks for “{case.label}”", said)
        if layer and case.command in _BY_MEAN_GRADIENT:
            yield Advice(finding, "Try HiResCAM", case.at(HiResCam, layer))
        else:
            yield Advice(finding)
    if case.earlier:
        said = f"At {case.earlier} maps are finer, and something may be left to see."
        finding = Finding("info", "Look at an earlier layer", said)
        yield Advice(finding, f"Try {case.earlier}", case.same_at(case.earlier))
    if case.target is not None and hasattr(case.technique, "target"):
        said = f"“{case.label}” has the logit {_number(case.heatmap.score)}."
        finding = Finding("info", "Explain another class", said)
        likeliest = replace(case.technique, target=None)  # type: ignore[call-arg]
        yield Advice(finding, "Explain the likeliest class", likeliest)


def _without_gradient(case: _Case) -> Advice:
    why = "the network may be sure beyond what its numbers hold"
    if any(item.title in _NO_SOFTMAX for item in case.model.findings):
        why = "it answers with probabilities, which no longer move where it is sure"
    said = f"No value of {case.where} moves the score of “{case.label}”: {why}."
    finding = Finding("error", "The gradient is zero", said)
    if case.heatmap.layer and case.command != EigenCam.command:
        return Advice(finding, "Try Eigen-CAM", case.at(EigenCam, case.heatmap.layer))
    return Advice(finding)


def _range(case: _Case) -> Iterator[Advice]:
    """Say what the values were before the picture left those below zero out."""
    if case.broken or case.empty:
        return
    title = f"Values {_number(case.low)} … {_number(case.high)}"
    if case.heatmap.layers:
        said = "What speaks for the class, the mean of layers whose maps reach from 0 to 1 each."
        yield Advice(Finding("info", title, said))
        return
    if not case.heatmap.signed:
        yield Advice(Finding("info", title, "Magnitudes: they say where, not for what."))
        return
    if case.command == EigenCam.command:
        said = "Places differ most from below zero to above it: neither is for or against a class."
        yield Advice(Finding("info", title, said))
        return
    below = float((case.sound < 0).mean())
    if below > _MOSTLY:
        said = (
            f"{title}, and {below:.0%} of them are below zero: what is seen is the small rest. "
            "Draw it with zero in the middle to see both."
        )
        finding = Finding("warning", "Most of the map speaks against the class", said)
        if case.heatmap.layer and case.command in _BY_MEAN_GRADIENT:
            yield Advice(finding, "Try HiResCAM", case.at(HiResCam, case.heatmap.layer))
        else:
            yield Advice(finding)
        return
    said = (
        f"{below:.0%} of the values are below zero: against the class."
        if below > 0
        else "No value is below zero."
    )
    yield Advice(Finding("info", title, said))


def _flat(case: _Case) -> Iterator[Advice]:
    if case.broken or case.empty or case.low != case.high:
        return
    said = f"All {case.rows}×{case.columns} values are {_number(case.low)}"
    if case.values.size == 1:
        said = f"{case.where} gives one value for the whole picture, {_number(case.low)}"
    said += ": this map cannot show where."
    finding = Finding("warning", "The same everywhere", said)
    if case.earlier:
        yield Advice(finding, f"Try {case.earlier}", case.same_at(case.earlier))
    else:
        yield Advice(finding)


def _gradient(case: _Case) -> Iterator[Advice]:
    norm = case.diagnosis.gradient
    if norm is None or norm == 0 or case.broken:
        return
    if norm < _FAINT:
        said = (
            f"The gradient at {case.where} has the norm {_number(norm)}: what is seen may be "
            "rounding errors."
        )
        yield Advice(Finding("warning", "The gradient nearly vanishes", said))
    else:
        said = f"Its norm at {case.where} is {_number(norm)}."
        yield Advice(Finding("info", "The gradient is sound", said))


def _channels(case: _Case) -> Iterator[Advice]:
    constant, channels = case.diagnosis.constant, case.diagnosis.channels
    if not constant or not case.heatmap.layer or constant == channels:
        return
    many = constant > _MANY_CONSTANT * channels
    some = amount(constant, "channel says", "channels say")
    title = "Hardly any channel is alive" if many else f"{some} nothing here"
    said = (
        f"{constant} of {channels} channels of {case.where}, the same everywhere for this picture, "
        "cannot tell where."
    )
    yield Advice(Finding("warning" if many else "info", title, said))


def _resolution(case: _Case) -> Iterator[Advice]:
    """Say what one cell of a coarse map stands for, and offer a finer layer."""
    if not case.heatmap.layer or min(case.rows, case.columns) > _COARSE or case.values.size == 1:
        return
    height, width = case.model.preprocessing.size
    down, across = round(height / case.rows), round(width / case.columns)
    said = (
        f"Each cell stands for {across}×{down} pixels of the network's input; the soft edges come "
        "of enlarging it."
    )
    finding = Finding("info", f"{case.columns}×{case.rows} cells", said)
    if case.earlier and not case.empty:
        yield Advice(finding, f"Try {case.earlier}", case.same_at(case.earlier))
    else:
        yield Advice(finding)


def _early_layer(case: _Case) -> Iterator[Advice]:
    """Warn of mean gradients at layers where they say little."""
    layer = case.heatmap.layer
    if case.command not in _BY_MEAN_GRADIENT or not layer or case.empty or case.broken:
        return
    last = case.model.layers.find(case.model.default_layer)
    if last is None or last.output_shape is None or layer == last.name:
        return
    if max(case.rows, case.columns) <= max(last.output_shape[1:]):
        return
    said = (
        f"{case.method} gives each channel one weight. At {layer} a channel is about no one thing "
        "yet; LayerCAM weighs place by place."
    )
    finding = Finding("warning", "An early layer", said)
    yield Advice(finding, "Try LayerCAM", case.at(LayerCam, layer))


def _border(case: _Case) -> Iterator[Advice]:
    if case.empty or case.broken or min(case.rows, case.columns) < _BORDER_CELLS:
        return
    positive = np.maximum(case.sound, 0)
    total = float(positive.sum(dtype=np.float64))
    outer = total - float(positive[1:-1, 1:-1].sum(dtype=np.float64))
    cells = 1 - (case.rows - 2) * (case.columns - 2) / case.values.size
    if outer < _BORDER * cells * total:
        return
    said = (
        f"{outer / total:.0%} of what is above zero lies in the outermost cells, {cells:.0%} of "
        "them all: that is the network's padding more than the picture."
    )
    yield Advice(Finding("warning", "Hot along the border", said))


def _softmax(case: _Case) -> Iterator[Advice]:
    if case.diagnosis.softmax and case.command != EigenCam.command:
        said = "The logit before it is explained: a probability hardly moves where it is sure."
        yield Advice(Finding("info", "The network ends in a softmax", said))


def _layer(case: _Case) -> Iterator[Advice]:
    if case.heatmap.layers:
        names = ", ".join(case.heatmap.layers)
        said = f"{names}: each from 0 to 1, the finest sets the cells."
        yield Advice(Finding("info", f"{len(case.heatmap.layers)} layers averaged", said))
    elif case.heatmap.layer and case.diagnosis.chosen:
        asked = case.diagnosis.chosen == "asked for"
        said = "You chose this layer." if asked else case.diagnosis.chosen
        yield Advice(Finding("info", case.heatmap.layer, said))


def _class(case: _Case) -> Iterator[Advice]:
    """Say where a method does not look at the class, or hardly at the network."""
    if case.command == EigenCam.command:
        said = "Eigen-CAM shows what stands out in the layer: it is the same for every class."
        finding = Finding("info", "Not about the class", said)
        yield Advice(finding, "Try HiResCAM", case.at(HiResCam, case.heatmap.layer))
    elif case.command in _EDGE_LIKE:
        said = (
            f"{case.method} can look much the same with random weights (arXiv:1810.03292). The "
            "sanity check draws the weights anew and compares."
        )
        finding = Finding("info", "Perhaps no more than edges", said)
        layers = (case.heatmap.layer,) if case.heatmap.layer else ()
        check = EvidenceMatrix(
            methods=(case.command, "sobel"),
            layers=layers,
            target=case.target,
            metrics=("sanity", "ssim", "road"),
        )
        yield Advice(finding, "Check it", check)


def _weights(case: _Case) -> Iterator[Advice]:
    if case.model.weights == RANDOM:
        said = "The network has learned nothing yet, so the map is of the picture and of chance."
        yield Advice(Finding("warning", UNTRAINED, said))


def _crop(case: _Case) -> Iterator[Advice]:
    whole, region = case.image.whole, case.heatmap.region
    height = max(0, min(region.bottom, whole.bottom) - max(region.top, 0))
    width = max(0, min(region.right, whole.right) - max(region.left, 0))
    seen = height * width / (whole.height * whole.width)
    if seen < 1 - _LEFT_OUT:
        said = f"It saw {seen:.0%} of the picture; on the rest the map says nothing."
        yield Advice(Finding("info", "The network saw a part", said))


def _notes(case: _Case) -> Iterator[Advice]:
    for note in case.diagnosis.notes:
        yield Advice(Finding("info", case.method, note))


def _evidence(case: _Case) -> Iterator[Advice]:
    if case.command not in METHODS or case.empty or case.broken:
        return
    layers = (case.heatmap.layer,) if case.heatmap.layer else ()
    gather = EvidenceMatrix(
        methods=(case.command, "random", "sobel"), layers=layers, target=case.target
    )
    said = "Score the map, and see whether it is better than one that knows nothing."
    yield Advice(Finding("info", "Can it be believed?", said), "Gather evidence", gather)


_RULES: tuple[Rule, ...] = (
    _broken,
    _empty,
    _weights,
    _gradient,
    _flat,
    _early_layer,
    _border,
    _range,
    _resolution,
    _channels,
    _softmax,
    _layer,
    _class,
    _crop,
    _notes,
    _evidence,
)
