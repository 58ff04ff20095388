"""Lead class scores back to the pictures a network was given, several pictures at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from cnnviz_desktop.data import Diagnosis, Heatmap, Heatmaps, ImageInput
from cnnviz_desktop.engine.cam_pass import Answer, ends_in_softmax
from cnnviz_desktop.engine.recording import (
    first_broken,
    gradients,
    interruptible,
    mixes_pictures,
    whole_or_singly,
)
from cnnviz_desktop.engine.rectifiers import Bends, Rule, nodes_of, ruled
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.errors import LayerError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.input_explanation import InputExplanation
    from cnnviz_desktop.engine.loaded_model import LoadedModel


_PIXELS = 8 * 224 * 224  # of all pictures of a pass: larger batches are no faster on a processor
_KEPT = 2**29  # bytes of layers' outputs that a pass with gradients may keep
_MOST = 64  # pictures
_NOTHING = "Nothing comes back to the picture: at some layer all of it is zero, or was made so."


@dataclass(frozen=True, eq=False)
class Found:
    """What a technique found for one class: `values` (H, W), `colours` (C, H, W) where it has any.

    `gradient` is the norm of what it took for d logit / d input; `notes` are for the diagnosis.
    """

    values: Tensor
    colours: Tensor | None = None
    gradient: float | None = None
    notes: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = None  # in place of the input's own


class Subject:
    """A picture as the network gets it, `tensor` (1, C, H, W), and the classes to be explained."""

    def __init__(
        self, technique: InputExplanation, model: LoadedModel, image: ImageInput, run: Run
    ) -> None:
        self.model, self.image, self.run = model, image, run
        self.tensor, self._region = model.prepare(image)
        self._technique = technique
        self._answer: Answer | None = None
        self.layer = ""

    def targets(self, logits: Tensor) -> list[int]:
        """Return the classes to explain, by what the network answers (K) to the picture."""
        self._answer = Answer(self._technique, self.model, logits, self._region)
        return self._answer.targets

    def asked(self) -> tuple[Tensor, list[int]]:
        """Return what the network answers (K), and the classes to explain."""
        logits = scores(self.model, self.tensor, self.run)[0]
        return logits, self.targets(logits)

    def batches(
        self, inputs: Iterable[Tensor], total: int, label: str, *, kept: bool = True
    ) -> Iterator[Tensor]:
        """Yield `total` inputs (1, C, H, W) put together as `at_once` says."""
        most = at_once(self.model, kept=kept)
        waiting = iter(inputs)
        counts = [min(most, total - start) for start in range(0, total, most)]
        for count in self.run.track(counts, label):
            batch = torch.cat(list(islice(waiting, count)))
            yield batch.contiguous(memory_format=self.model.layout)

    def show(self, found: Sequence[Found]) -> None:
        """Show an unfinished result, where anybody looks."""
        if self.run.previews:
            self.run.preview(self._made(found))

    def result(self, found: Sequence[Found]) -> Heatmap | Heatmaps:
        """Return the map of one class, or those of several side by side."""
        if all(bool(item.values.isfinite().all()) for item in found):
            return self._made(found)
        return self._made(found, first_broken(self.model.module, self.tensor, self.run))

    def _made(self, found: Sequence[Found], broken: str = "") -> Heatmap | Heatmaps:
        assert self._answer is not None
        noticed = [replace(self._noticed(item), broken=broken) for item in found]
        values = [item.values for item in found]
        result = self._answer.result(
            list(zip(values, noticed, strict=True)),
            layer=self.layer,
            signed=self._technique.signed,
        )
        if isinstance(result, Heatmap):
            return _coloured(result, found[0])
        maps = tuple(_coloured(*pair) for pair in zip(result.maps, found, strict=True))
        return replace(result, maps=maps)

    def _noticed(self, found: Found) -> Diagnosis:
        if found.diagnosis is not None:
            return replace(found.diagnosis, notes=(*found.diagnosis.notes, *found.notes))
        planes = self.tensor[0].flatten(1)
        return Diagnosis(
            gradient=found.gradient,
            constant=int((planes.amax(dim=1) == planes.amin(dim=1)).sum()),
            channels=len(planes),
            softmax=ends_in_softmax(self.model),
            notes=(*found.notes, *((_NOTHING,) if found.gradient == 0 else ())),
        )


def _coloured(heatmap: Heatmap, found: Found) -> Heatmap:
    if found.colours is None:
        return heatmap
    colours = found.colours.detach().permute(1, 2, 0).float().cpu().numpy()
    return replace(heatmap, colours=np.array(colours, order="C"))


def largest(colours: Tensor) -> Tensor:
    """Reduce colours (C, H, W) to the largest magnitude of each pixel."""
    return colours.abs().amax(dim=0)


class InputPass:
    """One forward pass over `inputs` (N, C, H, W) with its graph: `logits` (N, K)."""

    def __init__(self, model: LoadedModel, inputs: Tensor, run: Run = SILENT) -> None:
        self._run = run
        with gradients(), interruptible(model.module, run):
            self._leaf = inputs.clone().requires_grad_()
            # A clone, since a leaf that asks for its gradient must not be rewritten in place.
            self._logits = model.logits(model.module(self._leaf.clone()))
        if len(self._logits) != len(inputs):
            raise RuntimeError("the network gave scores for another number of pictures")

    @property
    def logits(self) -> Tensor:
        """Return the scores (N, K) without their graph."""
        return self._logits.detach()

    def gradients(
        self, targets: Sequence[int], rule: Rule | None = None
    ) -> tuple[list[Tensor], Bends]:
        """Return d logit / d input (N, C, H, W) for each target, and what bends the values.

        The graph is gone afterwards. Where a logit depends on no pixel its gradient is zero.
        """
        found: list[Tensor] = []
        with gradients(), _stopping(self._logits, self._run), ruled(self._logits, rule) as bends:
            for left, target in enumerate(targets, start=1 - len(targets)):
                slope = None
                if self._logits.requires_grad:
                    (slope,) = torch.autograd.grad(
                        self._logits[:, target].sum(),
                        self._leaf,
                        retain_graph=left < 0,
                        allow_unused=True,
                    )
                found.append(torch.zeros_like(self._leaf) if slope is None else slope)
        return [item.detach() for item in found], bends


@contextmanager
def _stopping(scores: Tensor, run: Run) -> Iterator[None]:
    """Make a backward pass raise `Cancelled` before its next step once `run` is cancelled."""
    with ExitStack() as stack:
        for node in nodes_of(scores) if run is not SILENT else ():
            stack.callback(node.register_prehook(lambda _slopes: run.check()).remove)
        yield


def led_back(subject: Subject, rule: Rule) -> list[Found]:
    """Return what comes back to the input where rectifiers follow a rule, for each class."""
    seen = InputPass(subject.model, subject.tensor, subject.run)
    slopes, bends = seen.gradients(subject.targets(seen.logits[0]), rule)
    title = subject.model.title
    if not bends.rectifiers:
        others = f"it uses {_listed(bends.others)}" if bends.others else "it rectifies nothing"
        raise LayerError(
            f"{title} has no rectifier (ReLU) to guide: {others}. SmoothGrad and Integrated "
            "gradients suit any network."
        )
    notes: tuple[str, ...] = ()
    if bends.unguided:
        notes = (
            f"{title} uses {_listed(bends.unguided)} beside ReLU: the plain gradient came back "
            "through those.",
        )
    return [
        Found(largest(slope[0]), colours=slope[0], gradient=float(slope.norm()), notes=notes)
        for slope in slopes
    ]


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def gradients_at(
    model: LoadedModel, inputs: Tensor, targets: Sequence[int], run: Run = SILENT
) -> list[Tensor]:
    """Return d logit / d input (N, C, H, W) for each target."""

    def once(part: Tensor) -> list[Tensor]:
        return InputPass(model, part, run).gradients(targets)[0]

    parts = whole_or_singly(model.module, inputs, once)
    return [torch.cat(slopes) for slopes in zip(*parts, strict=True)]


def scores(model: LoadedModel, inputs: Tensor, run: Run = SILENT) -> Tensor:
    """Return the logits (N, K) of pictures (N, C, H, W), with no gradients."""

    def once(part: Tensor) -> Tensor:
        with torch.inference_mode(), interruptible(model.module, run):
            found = model.logits(model.module(part.clone()))
        if len(found) != len(part):
            raise RuntimeError("the network gave scores for another number of pictures")
        return found

    return torch.cat(whole_or_singly(model.module, inputs, once))


def at_once(model: LoadedModel, *, kept: bool) -> int:
    """Return how many pictures a pass takes; `kept`: it keeps what layers gave, for gradients."""
    if mixes_pictures(model.module):
        return 1
    height, width = model.preprocessing.size
    most = _PIXELS // (height * width)
    if kept:
        numbers = sum(
            node.calls * math.prod(node.output_shape or (0,))
            for node in model.layers.walk()
            if not node.children
        )
        most = min(most, _KEPT // (4 * max(1, numbers)))
    return min(max(most, 1), _MOST)
