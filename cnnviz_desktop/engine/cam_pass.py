"""Run a network once for all that the CAM techniques ask of it, and make their maps results.

One forward has the layers as leaves of the graph, so that a backward per class ends there: several
layers and several classes cost one forward, and nothing is kept that the answer does not need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cnnviz_desktop.data import Box, Diagnosis, Heatmap, Heatmaps, ImageInput, LayerNode
from cnnviz_desktop.engine.channels import maps_of
from cnnviz_desktop.engine.convolutions import quick_convolutions
from cnnviz_desktop.engine.outputs import SOFTMAX_TITLES
from cnnviz_desktop.engine.recording import first_broken, forward_through, gradients
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import LayerError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.cam import Cam
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_CONTRASTS = {"none": (1.0,), "flips": (1.0,), "flips and scales": (1.0, 0.9, 1.1)}


class CamPass:
    """What one pass showed: `maps` (C, h, w) of each layer, the scores `logits` (K,).

    `tensor` is what the network saw. `part` says which of several passes it is, for progress;
    `preview`, where there is one, shows an unfinished map.
    """

    def __init__(
        self,
        model: LoadedModel,
        tensor: Tensor,
        layers: Sequence[tuple[LayerNode, int]],
        run: Run,
        *,
        graph: bool,
        part: str = "",
    ) -> None:
        calls = {node.name: call for node, call in layers}
        with quick_convolutions(model.module):
            kept, output = forward_through(model.module, tensor, calls, run, graph=graph)
        self.model, self.tensor, self.run, self.part = model, tensor, run, part
        self.layers = layers
        self.preview: Callable[[Tensor], None] | None = None
        self.logits = model.logits(output)[0]
        self._kept = tuple(kept.values())
        self.maps = tuple(maps.detach()[0] for maps in self._kept)
        self.norms: list[float] = []  # of the first layer's gradient, a class after the other

    def gradients(self, score: Tensor, target: int, *, keep: bool = False) -> tuple[Tensor, ...]:
        """Return the gradient (C, h, w) of a score at each layer; `keep` the graph for the next."""
        found: tuple[Tensor | None, ...] = (None,) * len(self._kept)
        if score.requires_grad:
            found = torch.autograd.grad(score, self._kept, retain_graph=keep, allow_unused=True)
        slopes = []
        for gradient, (node, _call) in zip(found, self.layers, strict=True):
            if gradient is None:
                raise LayerError(
                    f"The score of {self.model.labels[target]} does not depend on {node.name}. "
                    "Choose a layer that the answer passes through."
                )
            slopes.append(gradient[0])
        self.norms.append(float(slopes[0].norm()))
        return tuple(slopes)


class Explained(Protocol):
    """What a technique says of itself when its maps become results."""

    title: ClassVar[str]

    @property
    def target(self) -> int | str | None:
        """Return the class to explain, None for the likeliest."""

    @property
    def count(self) -> int:
        """Return how many classes are explained."""


def explain(
    technique: Cam, model: LoadedModel, image: ImageInput | None, run: Run
) -> Heatmap | Heatmaps:
    """Run a CAM technique: the map of one class, or those of several side by side."""
    refuse_transformers(model)
    layers = _layers(technique, model)
    tensor, region = model.prepare(technique.required_image(image))
    totals: list[list[Tensor]] = []
    answer: Answer | None = None
    noticed: list[Diagnosis] = []
    with gradients() if technique.uses_gradients else torch.inference_mode():
        for view, restored, part in views(tensor, technique.smooth, model.layout):
            run.pause()
            seen = CamPass(model, view, layers, run, graph=technique.uses_gradients, part=part)
            if answer is None:
                answer = Answer(technique, model, seen.logits, region)
            if _may_preview(technique):
                seen.preview = answer.previewer(run, layers[0][0].name, restored)
            found = technique.explain(seen, answer.targets)
            if not noticed:
                noticed = _noticed(technique, model, seen)
            totals = _added(totals, [[restored(values) for values in row] for row in found])
            del seen, view  # before the next one takes as much memory
    assert answer is not None  # there is always the picture itself
    names = tuple(node.name for node, _call in layers)
    each = []
    for place, rows in enumerate(totals):
        values = rows[0] / passes_of(technique.smooth) if len(rows) == 1 else fused(rows)
        broken = "" if _is_sound(values) else first_broken(model.module, tensor, run)
        each.append((values, replace(noticed[place], broken=broken)))
    return answer.result(each, layer=names[0], layers=names if len(names) > 1 else ())


def views(
    tensor: Tensor, smooth: str, layout: torch.memory_format
) -> Iterator[tuple[Tensor, Callable[[Tensor], Tensor], str]]:
    """Yield what the network is shown: the input, how a map of it is turned back, and which it is.

    The input itself comes first.
    """
    count = passes_of(smooth)
    number = 0
    for contrast in _CONTRASTS[smooth]:
        for mirrored in (False, True) if smooth != "none" else (False,):
            number += 1
            view = tensor if contrast == 1 else tensor * contrast
            view = view.flip(3).contiguous(memory_format=layout) if mirrored else view
            part = f" ({number} of {count})" if count > 1 else ""
            yield view, (_mirrored if mirrored else _as_it_is), part


def passes_of(smooth: str) -> int:
    """Return how many views of the picture are averaged."""
    return len(_CONTRASTS[smooth]) * (1 if smooth == "none" else 2)


def _mirrored(values: Tensor) -> Tensor:
    return values.flip(-1)


def _as_it_is(values: Tensor) -> Tensor:
    return values


def _may_preview(technique: Cam) -> bool:
    """Tell whether an unfinished map of one pass looks like the result it grows into."""
    return technique.count == 1 and not technique.also and technique.smooth == "none"


def _added(totals: list[list[Tensor]], found: list[list[Tensor]]) -> list[list[Tensor]]:
    if not totals:
        return found
    return [
        [total + values for total, values in zip(*rows, strict=True)]
        for rows in zip(totals, found, strict=True)
    ]


def fused(maps: Iterable[Tensor]) -> Tensor:
    """Average the maps of several layers: what speaks for the class, each scaled to 0..1.

    Each is resized to the finest, bilinearly.
    """
    scaled = []
    for values in maps:
        positive = values.clamp(min=0)
        largest = positive.amax()
        scaled.append(positive / largest if float(largest) > 0 else positive)
    height = max(values.shape[0] for values in scaled)
    width = max(values.shape[1] for values in scaled)
    resized = [
        values
        if values.shape == (height, width)
        else functional.interpolate(values[None, None], size=(height, width), mode="bilinear")[0, 0]
        for values in scaled
    ]
    return torch.stack(resized).mean(dim=0)


# --------------------------------------------------------------------------------------- results


class Answer:
    """Which classes are explained, and how maps become a result of the technique."""

    def __init__(
        self, technique: Explained, model: LoadedModel, logits: Tensor, region: Box
    ) -> None:
        self._technique, self._model, self._region = technique, model, region
        self._scores: list[float] = logits.detach().tolist()
        first = model.target(technique.target, logits)
        order = logits.detach().argsort(descending=True, stable=True).tolist()
        others = [index for index in order if index != first]
        self.targets = [first, *others][: technique.count]

    def heatmap(
        self,
        place: int,
        values: Tensor,
        *,
        layer: str,
        layers: tuple[str, ...] = (),
        signed: bool = True,
        diagnosis: Diagnosis | None = None,
    ) -> Heatmap:
        """Return the map (h, w) of one of the classes as a value."""
        target = self.targets[place]
        return Heatmap(
            values=np.array(values.detach().float().cpu().numpy(), order="C"),
            layer=layer,
            target=target,
            target_label=self._model.labels[target],
            score=self._scores[target],
            region=self._region,
            method=self._technique.title,
            layers=layers,
            signed=signed and not layers,
            diagnosis=diagnosis,
        )

    def previewer(
        self, run: Run, layer: str, restored: Callable[[Tensor], Tensor]
    ) -> Callable[[Tensor], None]:
        """Return what shows an unfinished map of the first class."""

        def show(values: Tensor) -> None:
            run.preview(self.heatmap(0, restored(values), layer=layer))

        return show

    def result(
        self,
        each: Sequence[tuple[Tensor, Diagnosis]],
        *,
        layer: str,
        layers: tuple[str, ...] = (),
        signed: bool = True,
    ) -> Heatmap | Heatmaps:
        """Return the map of one class, or those of several side by side."""
        maps = tuple(
            self.heatmap(
                place, values, layer=layer, layers=layers, signed=signed, diagnosis=noticed
            )
            for place, (values, noticed) in enumerate(each)
        )
        if self._technique.count == 1:
            return maps[0]
        return Heatmaps(
            title=self._technique.title,
            maps=maps,
            captions=tuple(item.target_label for item in maps),
            columns=len(maps) if len(maps) <= 3 else -(-len(maps) // 2) if len(maps) <= 6 else 3,
        )


def _layers(technique: Cam, model: LoadedModel) -> list[tuple[LayerNode, int]]:
    """Return the layers to look at and which call of each; raise where one gives no maps."""
    first = model.layer(technique.layer)
    others = [model.layer(name) for name in technique.also]
    nodes = {node.name: node for node in (first, *others)}
    for node in nodes.values():
        maps_of(model, node, ", so it cannot show where")
    calls = [technique.call, *(-1 for _ in nodes)]
    return [
        (node, model.call(node, call)) for node, call in zip(nodes.values(), calls, strict=False)
    ]


def refuse_transformers(model: LoadedModel) -> None:
    """Raise `LayerError` where the answer comes of tokens and attention rather than maps."""
    for node in model.layers.walk():
        tokens = node.output_shape is not None and len(node.output_shape) == 2
        attends = node.kind == "MultiheadAttention" or "WindowAttention" in node.kind
        if attends or (node.kind == "Attention" and tokens):
            raise LayerError(
                f"{model.title} is a transformer: its answer comes of tokens that attend to each "
                f"other ({node.name}), not of a layer's maps. Class activation maps are for "
                "convolutional networks; choose one such as resnet50 or convnext_tiny."
            )


# ------------------------------------------------------------------------------------- diagnosis


def ends_in_softmax(model: LoadedModel) -> bool:
    """Tell whether a softmax was found at the network's end, so that its logits are used."""
    return any(item.title in SOFTMAX_TITLES.values() for item in model.findings)


def _noticed(technique: Cam, model: LoadedModel, seen: CamPass) -> list[Diagnosis]:
    """Say what was noticed in a pass, for each class."""
    maps = seen.maps[0].flatten(1)
    usual = seen.layers[0][0].name == model.default_layer
    shared = Diagnosis(
        constant=int((maps.amax(dim=1) == maps.amin(dim=1)).sum()),
        channels=len(maps),
        softmax=ends_in_softmax(model),
        chosen=model.default_reason if usual else "asked for",
    )
    if not seen.norms:
        return [shared] * technique.count
    return [replace(shared, gradient=norm) for norm in seen.norms]


def _is_sound(values: Tensor) -> bool:
    return bool(torch.isfinite(values).all())
