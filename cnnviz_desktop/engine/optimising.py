"""Grow pictures towards what a network wants to see: the loop that all maximisation runs in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cnnviz_desktop.engine.convolutions import quick_convolutions
from cnnviz_desktop.engine.recording import (
    TAKES_ONE,
    forward_to,
    gradients,
    interruptible,
    mixes_pictures,
)
from cnnviz_desktop.engine.rectifiers import Rule, ruled
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.spectrum import Canvas
from cnnviz_desktop.engine.transforms import GREY, NONE, Draw, Transforms
from cnnviz_desktop.errors import ParameterError

if TYPE_CHECKING:
    from cnnviz_desktop.data import Floats
    from cnnviz_desktop.engine.loaded_model import LoadedModel

Goal = Callable[[Tensor, slice], Tensor]  # what a layer gives, for which pictures -> (n)

REDIRECTED = 16  # steps at the start during which a dead picture's gradient is redirected
_LOOK = 8  # steps from one look for dead pictures to the next, later on
_SMOOTH = 0.9  # of the running mean that says which step was best
_SETTLED = 16  # steps before any is taken for the best
_BUDGET = 192 * 2**20  # bytes of a pass's maps: larger blocks of memory are slower
_TOGETHER = 8  # pictures in one pass at most: more are slower
_EVERY = 0.1  # seconds from one preview to the next
_PAUSE = 24.0  # times what a preview costs is the least time until the next one
_FRAMES = 33  # of the growth
_GROWTH = 24 * 2**20  # bytes of all of them
_SMALLEST = 32  # pixels of a frame


@dataclass(frozen=True)
class Settings:
    """What may change on the way: step size, transforms, and weights of what is held against it.

    `tv` weighs the total variation, `l2` the squared distance from grey, `blur` that from the
    picture's own blurred self.
    """

    rate: float = 0.05
    transforms: Transforms = NONE
    tv: float = 0.0
    l2: float = 0.0
    blur: float = 0.0

    def penalty(self, pictures: Tensor) -> Tensor | None:
        """Return what is held against the pictures, all together; None where nothing is."""
        parts = []
        if self.tv:
            parts.append(self.tv * total_variation(pictures))
        if self.l2:
            parts.append(self.l2 * (pictures - 0.5).square().mean((1, 2, 3)))
        if self.blur:
            parts.append(self.blur * roughness(pictures))
        return sum(parts[1:], parts[0]).sum() if parts else None


def total_variation(pictures: Tensor) -> Tensor:
    """Return the mean absolute difference (N) of neighbours, down plus across."""
    down = pictures.diff(dim=2).abs().mean((1, 2, 3))
    return down + pictures.diff(dim=3).abs().mean((1, 2, 3))


def roughness(pictures: Tensor) -> Tensor:
    """Return the mean squared distance (N) from the picture blurred by 1 2 1, which stands."""
    weights = pictures.new_tensor([1.0, 2.0, 1.0]) / 4
    channels = pictures.shape[1]
    kernel = (weights[:, None] * weights).expand(channels, 1, 3, 3)
    padded = functional.pad(pictures.detach(), (1, 1, 1, 1), mode="replicate")
    blurred = functional.conv2d(padded, kernel, groups=channels)
    return (pictures - blurred).square().mean((1, 2, 3))


@dataclass(frozen=True)
class Subject:
    """A network as pictures are shown to it: up to a layer, or "" for its logits.

    `grid` (height, width) is what pictures are scaled to, None to show them as large as they are.
    """

    model: LoadedModel
    layer: str
    call: int
    grid: tuple[int, int] | None
    run: Run = SILENT

    def __call__(self, tensor: Tensor) -> Tensor:
        """Return what the layer gives for inputs, with the graph to them."""
        module = self.model.module
        if self.layer:
            return forward_to(module, tensor, self.layer, self.call, self.run)
        with gradients(), interruptible(module, self.run):
            return self.model.logits(module(tensor.clone()))

    def input(self, pictures: Tensor) -> Tensor:
        """Return pictures in 0..1 as the network's input: in its normalisation and layout."""
        return self._normal(pictures).contiguous(memory_format=self.model.layout)

    def shown(self, pictures: Tensor, transforms: Transforms, draw: Draw) -> Tensor:
        """Return pictures in 0..1 normalised and then as a draw shows them, on the grid.

        Normalised first, since the grid has more pixels than they have.
        """
        grey = self._normal(pictures.new_full((1, 1, 1, 1), GREY))
        return transforms(self._normal(pictures), draw, self.grid, grey)

    def _normal(self, pictures: Tensor) -> Tensor:
        preprocessing = self.model.preprocessing
        shift, factor = _normalisation(preprocessing.mean, preprocessing.std, pictures.device)
        return torch.addcmul(shift, pictures, factor)

    def fitted(self, pictures: Tensor) -> Tensor:
        """Return the pictures at the size at which the network sees them."""
        if self.grid is None or tuple(pictures.shape[2:]) == self.grid:
            return pictures
        return functional.interpolate(
            pictures, self.grid, mode="bilinear", align_corners=False, antialias=True
        )

    def answers(self, pictures: Tensor, rows: slice) -> Tensor:
        """Return without gradients what the pictures `rows` give, shown as they are."""
        with torch.no_grad():
            return self(self.input(self.fitted(pictures[rows]))).detach()

    def chunk(self, count: int, view: tuple[int, int]) -> int:
        """Return how many of `count` pictures go through the network at once."""
        if mixes_pictures(self.model.module):
            return 1
        height, width = self.grid or view
        rows, columns = self.model.preprocessing.size
        numbers, reached = 0, False
        for node in self.model.layers.walk():
            inside = bool(self.layer) and f"{node.name}.".startswith(f"{self.layer}.")
            if reached and not inside:
                break
            reached |= inside
            if not node.children:
                numbers += int(np.prod(node.output_shape or (0,))) * node.calls
        bytes_each = max(1.0, 4 * numbers * height * width / (rows * columns))
        together = int(max(1, min(_TOGETHER, _BUDGET / bytes_each)))
        passes = -(-count // together)
        return -(-count // passes)  # 9 as 5 and 4 rather than 8 and 1


@lru_cache(maxsize=4)
def _normalisation(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return what is added to a picture times what it is multiplied by (1, C, 1, 1)."""
    middle = torch.tensor(mean, device=device).view(1, -1, 1, 1)
    factor = 1 / torch.tensor(std, device=device).view(1, -1, 1, 1)
    return -middle * factor, factor


class Pace:
    """Say when the next preview is due: about every 100 ms, and never for 5 % of the time."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._next = 0.0

    def show(self, make: Callable[[], Any]) -> None:
        """Show what `make` gives where it is time."""
        start = time.perf_counter()
        if not self._run.previews or start < self._next:
            return
        self._run.preview(make())
        end = time.perf_counter()
        self._next = end + max(_EVERY, _PAUSE * (end - start))


class Growth:
    """What came of `count` pictures so far: `steps` made, `grown` those whose pictures are kept.

    A picture is `dead` (N) where nothing moves it, even with the gradient redirected.
    """

    def __init__(self, count: int) -> None:
        self.steps = 0
        self.grown: list[int] = []
        self.dead = [False] * count
        self._objectives: list[list[float]] = []  # (S, N)
        self._frames: Floats | None = None

    def add(self, scores: list[float]) -> None:
        """Note the scores (N) of a step."""
        self._objectives.append(scores)
        self.steps += 1

    def last(self) -> list[float]:
        """Return the scores (N) of the last step."""
        return self._objectives[-1]

    def keep(self, frame: Floats) -> None:
        """Keep the pictures (N, h, w, 3) of the last step."""
        if self._frames is None:
            self._frames = np.empty((_FRAMES + 1, *frame.shape), np.float32)
        self._frames[len(self.grown)] = frame
        self.grown.append(self.steps)

    def curve(self) -> Floats:
        """Return the objectives (N, S)."""
        return np.ascontiguousarray(np.array(self._objectives, np.float32).T)

    def film(self) -> Floats:
        """Return the frames (F, N, h, w, 3), which share their memory: none ever changes."""
        assert self._frames is not None
        return self._frames[: len(self.grown)]


def as_pictures(pictures: Tensor) -> Floats:
    """Return pictures (N, C, H, W) as numpy (N, H, W, 3): grey ones as three equal colours.

    What a broken network made of them, which is no number, is grey.
    """
    found = pictures.detach().float().cpu().nan_to_num(GREY).expand(-1, 3, -1, -1)
    return np.ascontiguousarray(found.permute(0, 2, 3, 1).numpy())


def small(pictures: Tensor) -> Floats:
    """Return pictures as frames of the growth, small enough for all frames to fit in memory."""
    count, _channels, height, width = pictures.shape
    share = (_GROWTH / (_FRAMES * count * height * width * 12)) ** 0.5
    share = min(1.0, max(share, _SMALLEST / max(height, width)))
    size = max(1, round(height * share)), max(1, round(width * share))
    if size != (height, width):
        pictures = functional.interpolate(pictures.detach(), size, mode="area")
    return as_pictures(pictures)


def moments(steps: int) -> set[int]:
    """Return the steps whose pictures are kept: close together at first, when most happens."""
    last = _FRAMES - 1
    return {round(steps * (place / last) ** 2) for place in range(_FRAMES)}


def _is_still(gradient: Tensor) -> list[bool]:
    """Tell for each picture whether nothing moves it."""
    found: list[bool] = (gradient.flatten(1).abs().amax(1) == 0).tolist()
    return found


class Adam:
    """Kingma and Ba's Adam, arXiv:1412.6980, for one tensor: no picture minds any other."""

    def __init__(self, like: Tensor) -> None:
        self._mean = torch.zeros_like(like)
        self._square = torch.zeros_like(like)
        self._steps = 0

    def __call__(self, numbers: Tensor, slope: Tensor, rate: float) -> Tensor:
        """Return the numbers, moved against the slope."""
        self._steps += 1
        self._mean.lerp_(slope, 0.1)
        self._square.mul_(0.999).addcmul_(slope, slope, value=0.001)
        size = self._square.sqrt().div_((1 - 0.999**self._steps) ** 0.5).add_(1e-8)
        return numbers.addcdiv(self._mean, size, value=-rate / (1 - 0.9**self._steps))


class Optimisation:
    """Pictures that are grown: `numbers` by Adam, from what a goal says of what a network gives."""

    def __init__(
        self,
        subject: Subject,
        goal: Goal,
        canvas: Canvas,
        settings: Settings,
        numbers: Tensor,
        seed: int,
        *,
        response: Goal | None = None,
        together: int | None = None,
    ) -> None:
        self.subject = subject
        self.goal = goal
        self.canvas = canvas
        self.settings = settings
        self.numbers = numbers.clone().requires_grad_()
        self.growth = Growth(len(numbers))
        self._response = response or goal
        self._coupled = together is not None  # pictures that are seen together
        self.pictures = canvas(numbers)
        view = settings.transforms.view(canvas.height, canvas.width)
        count = len(numbers)
        size = together or subject.chunk(count, view)
        self._chunks = [slice(at, min(at + size, count)) for at in range(0, count, size)]
        self._draws = torch.Generator().manual_seed(seed)
        self._adam = Adam(numbers)
        self._best = numbers.clone()
        self._high = [-math.inf] * count
        self._mean: list[float] = []
        self._seen: list[tuple[slice, Tensor]] = []  # what the last step's chunks gave

    def run(
        self,
        steps: int,
        run: Run,
        label: str,
        show: Callable[[Optimisation], Any],
        adjusted: Callable[[Any], Settings] | None = None,
    ) -> Growth:
        """Make the steps; `show` gives the result so far, `adjusted` what a technique asks for."""
        pace = Pace(run)
        kept = moments(steps)
        self.growth.keep(small(self.pictures))
        with quick_convolutions(self.subject.model.module, many=True):
            for step in run.track(range(1, steps + 1), label):
                asked = run.adjusted()
                if asked is not None and adjusted is not None:
                    self.settings = adjusted(asked)
                self._step(step)
                if step in kept:
                    self.growth.keep(small(self.pictures))
                pace.show(lambda: show(self))
                if run.finishing:
                    break
        self._choose()
        if self.growth.grown[-1] != self.growth.steps:
            self.growth.keep(small(self.pictures))
        return self.growth

    def _step(self, step: int) -> None:
        """Show the pictures, find what makes them better and move them there."""
        transforms = self.settings.transforms
        draw = transforms.draw(self._draws) if transforms != NONE else Draw()
        with gradients():
            pictures = self.canvas(self.numbers)
            tensor = self.subject.shown(pictures, transforms, draw)
            scores, gradient = self._gradient(tensor.detach(), step)
            penalty = self.settings.penalty(pictures)
            wanted = [tensor] if penalty is None else [tensor, penalty]
            given = [-gradient] if penalty is None else [-gradient, torch.ones_like(penalty)]
            (slope,) = torch.autograd.grad(wanted, self.numbers, given)
        self.pictures = pictures.detach()
        self.growth.add(scores.tolist())
        self._remember()
        moved = self._adam(self.numbers.detach(), slope, self.settings.rate)
        self.numbers = moved.requires_grad_()

    def _gradient(self, tensor: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Return the scores (N) and their gradient at the network's input, by chunks."""
        try:
            return self._by_chunks(tensor, step)
        except TAKES_ONE as error:
            if self.growth.steps or len(self._chunks) == len(tensor):
                raise
            if self._coupled:
                raise ParameterError(
                    f"{self.subject.model.title} takes one picture at a time, so that none can be "
                    "made unlike the others: choose another objective."
                ) from error
        self._chunks = [slice(at, at + 1) for at in range(len(tensor))]
        return self._by_chunks(tensor, step)

    def _by_chunks(self, tensor: Tensor, step: int) -> tuple[Tensor, Tensor]:
        scores, found = [], []
        self._seen = []
        looks = step <= REDIRECTED or step % _LOOK == 0 or any(self.growth.dead)
        for rows in self._chunks:
            part = tensor[rows].contiguous(memory_format=self.subject.model.layout)
            score, gradient = self._part(part, rows)
            if looks:
                gradient = self._brought_to_life(part, rows, gradient)
            scores.append(score)
            found.append(gradient)
        return torch.cat(scores), torch.cat(found)

    def _brought_to_life(self, part: Tensor, rows: slice, gradient: Tensor) -> Tensor:
        """Return the gradient, redirected for pictures that have none.

        After the first steps too: what has no gradient at all cannot be led astray by another.
        """
        still = _is_still(gradient)
        if any(still):
            seen = self._seen.pop()
            _score, other = self._part(part, rows, "redirected")
            self._seen[-1] = seen
            mask = torch.tensor(still, device=gradient.device).view(-1, 1, 1, 1)
            gradient = torch.where(mask, other, gradient)
            still = _is_still(gradient)
        self.growth.dead[rows] = still
        return gradient

    def _part(self, part: Tensor, rows: slice, rule: Rule | None = None) -> tuple[Tensor, Tensor]:
        leaf = part.detach().requires_grad_()
        values = self.subject(leaf)
        if values.requires_grad and values.ndim == 4:  # a goal's slopes come in another layout
            layout = self.subject.model.layout
            values.register_hook(  # type: ignore[no-untyped-call]
                lambda slope: slope.contiguous(memory_format=layout)
            )
        scores = self.goal(values, rows)
        self._seen.append((rows, values.detach()))
        if not scores.requires_grad:
            return scores.detach(), torch.zeros_like(part)
        with ruled(scores, rule):
            (gradient,) = torch.autograd.grad(
                scores.sum(), leaf, allow_unused=True, materialize_grads=True
            )
        return scores.detach(), gradient

    def _remember(self) -> None:
        """Keep each picture's numbers where the running mean of its score is the highest yet."""
        now, before = self.growth.last(), self._mean or self.growth.last()
        self._mean = [_SMOOTH * a + (1 - _SMOOTH) * b for a, b in zip(before, now, strict=True)]
        if self.growth.steps < _SETTLED:
            return
        better = [place for place, mean in enumerate(self._mean) if mean > self._high[place]]
        for place in better:
            self._high[place] = self._mean[place]
        if len(better) == len(now):
            self._best = self.numbers.detach()  # which never changes: each step makes new ones
        elif better:
            places = torch.tensor(better, device=self._best.device)
            self._best = self._best.index_copy(0, places, self.numbers.detach()[places])

    def _choose(self) -> None:
        """End with the best pictures: the last, unless an earlier one gives much more."""
        last = self.numbers.detach()
        if self.growth.steps > _SETTLED:
            pairs = enumerate(zip(self._mean, self._high, strict=True))
            worse = [place for place, (mean, high) in pairs if mean < high - 0.1 * abs(high)]
            places = torch.tensor(worse, dtype=torch.long, device=last.device)
            last = last.index_copy(0, places, self._best[places])
        self.pictures = self.canvas(last)

    def seen_responses(self) -> Floats:
        """Return what the units gave for what the last step showed (N)."""
        found = [self._response(values, rows) for rows, values in self._seen]
        return torch.cat(found).float().cpu().numpy()

    def responses(self) -> Floats:
        """Return what the units give for the finished pictures (N), shown as they are."""
        found = [
            self._response(self.subject.answers(self.pictures, rows), rows) for rows in self._chunks
        ]
        return torch.cat(found).float().cpu().numpy()
