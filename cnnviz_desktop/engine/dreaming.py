"""Move a picture by gradient ascent at several sizes, from small to large."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cnnviz_desktop.engine.objectives import Objective
from cnnviz_desktop.engine.optimising import Growth, Pace, Subject, small
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import LayerError

if TYPE_CHECKING:
    from cnnviz_desktop.data import Floats

_FRAMES = 24  # of the growth, besides the first and the last
_ALL = slice(0, 1)


class Dream:
    """One picture (1, C, H, W) in 0..1 that is dreamt on; `picture` is what it is now."""

    def __init__(
        self,
        subject: Subject,
        objective: Objective,
        start: Tensor,
        sizes: list[tuple[int, int]],
        *,
        rate: float,
        jitter: int,
        seed: int,
    ) -> None:
        self.subject = subject
        self.objective = objective
        self.rate = rate
        self.jitter = jitter
        self.picture = start
        self.growth = Growth(1)
        self.score = np.zeros(1, np.float32)
        self._start = start
        self._sizes = sizes
        self._draws = torch.Generator().manual_seed(seed)

    def run(
        self,
        steps: int,
        run: Run,
        show: Callable[[Dream], Any],
        adjusted: Callable[[Any], None],
    ) -> None:
        """Make `steps` at every size, carrying over what was added to the picture."""
        pace, total = Pace(run), steps * len(self._sizes)
        kept = {round((place + 1) * total / _FRAMES) for place in range(_FRAMES)}
        self.growth.keep(small(self._start))
        base, last = self._start, self._sizes[-1]
        for step in run.track(range(total), "Dreaming"):
            asked = run.adjusted()
            if asked is not None:
                adjusted(asked)
            if step % steps == 0:
                size = self._sizes[step // steps]
                added = resized(self.picture - base, size) if step else 0.0
                base = resized(self._start, size)
                self.picture = (base + added).clamp(0, 1)
            self._step()
            if self.growth.steps in kept:
                self.growth.keep(small(resized(self.picture, last)))
            pace.show(lambda: show(self))
            if run.finishing:
                break
        if self.growth.grown[-1] != self.growth.steps:
            self.growth.keep(small(resized(self.picture, last)))
        self.picture = (self._start + resized(self.picture - base, last)).clamp(0, 1)

    def _step(self) -> None:
        """Roll the picture and move it along the gradient, which has a mean magnitude of 1."""
        high = 2 * self.jitter + 1
        shift = torch.randint(high, (2,), generator=self._draws) - self.jitter
        down, across = shift.tolist()
        leaf = self.picture.roll((down, across), (2, 3)).requires_grad_()
        tensor = self.subject.input(self.subject.fitted(leaf))
        scores = self.objective(self.subject(tensor), _ALL)
        if not scores.requires_grad:
            raise LayerError(
                f"The network lets no gradient through from {self.subject.layer} to the picture, "
                "so that nothing can move it. Choose another layer."
            )
        (gradient,) = torch.autograd.grad(scores.sum(), leaf)
        gradient = gradient.roll((-down, -across), (2, 3))
        scale = gradient.abs().mean().clamp(min=1e-12)
        self.picture = (self.picture + self.rate * gradient / scale).clamp(0, 1).detach()
        self.growth.add(scores.tolist())
        self.score = scores.detach().float().cpu().numpy()

    def response(self) -> Floats:
        """Return what is raised (1), of the finished picture."""
        values = self.subject.answers(self.picture, _ALL)
        found: Floats = self.objective.response(values, _ALL).float().cpu().numpy()
        return found


def octave_sizes(
    height: int, width: int, octaves: int, scale: float, smallest: int
) -> list[tuple[int, int]]:
    """Return the sizes from small to large, those whose shorter side is too small left out."""
    sizes: list[tuple[int, int]] = []
    for octave in reversed(range(octaves)):
        share = scale**-octave
        size = round(height * share), round(width * share)
        if min(size) >= smallest or octave == 0:
            sizes.append((max(1, size[0]), max(1, size[1])))
    return sizes


def resized(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Return a picture (1, C, H, W) at another size."""
    if tuple(picture.shape[2:]) == size:
        return picture
    return functional.interpolate(
        picture, size, mode="bilinear", align_corners=False, antialias=True
    )
