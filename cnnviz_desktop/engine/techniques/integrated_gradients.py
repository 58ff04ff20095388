"""Integrated gradients: shares of a score that add up to it.

Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, arXiv:1703.01365.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cnnviz_desktop.engine.input_explanation import InputExplanation
from cnnviz_desktop.engine.technique import Choice, Integer, parameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnnviz_desktop.engine.input_pass import Found, Subject

_NOTED = 0.05  # of what the score moved: a larger error of the sum is said


@dataclass(frozen=True, kw_only=True)
class IntegratedGradients(InputExplanation):
    """Integrate the gradient of a class's logit on the straight way from a baseline to the picture.

    Each pixel's share is its way from the baseline times the mean gradient there. All shares add up
    to the logit of the picture minus that of the baseline, as exactly as the integral is: the steps
    are the points of Gauss and Legendre. The map is the sum over colours, with its sign.
    """

    title: ClassVar[str] = "Integrated gradients"
    command: ClassVar[str] = "integrated-gradients"
    summary: ClassVar[str] = "Divide a class's score among the pixels that raised it."
    paper: ClassVar[str] = "arXiv:1703.01365"

    baseline: str = parameter(
        Choice(("black", "grey", "mean colour", "blur")),
        "black",
        "What the way begins at; pixels that look like it get no share. Blur: the picture itself, "
        "out of focus.",
    )
    steps: int = parameter(
        Integer(1, 1000), 50, "Points on the way: the more, the more exactly the shares add up."
    )

    def is_quick(self) -> bool:
        """Say no: the network runs once for each step."""
        return False

    def explain(self, subject: Subject) -> list[Found]:
        """Return the sum over colours of each pixel's share, for each class."""
        import torch

        from cnnviz_desktop.engine.baselines import baseline
        from cnnviz_desktop.engine.input_pass import Found, gradients_at, scores

        logits, targets = subject.asked()
        model, run = subject.model, subject.run
        start = baseline(model, subject.tensor, self.baseline)
        way = subject.tensor - start
        from_scores = scores(model, start, run)[0]
        places, weights = points(self.steps)
        totals = [torch.zeros_like(way[0])] * len(targets)
        inputs = (start + place * way for place in places.tolist())
        done = 0
        for batch in subject.batches(inputs, self.steps, "Integrating"):
            slopes = gradients_at(model, batch, targets, run)
            share = torch.as_tensor(weights[done : done + len(batch)]).to(way).view(-1, 1, 1, 1)
            totals = [
                total + (share * slope).sum(dim=0)
                for total, slope in zip(totals, slopes, strict=True)
            ]
            done += len(batch)
        found = []
        for total, target in zip(totals, targets, strict=True):
            parts = way[0] * total
            moved = float(logits[target] - from_scores[target])
            notes = _notes(float(parts.cpu().double().sum()), moved, float(logits[target]))
            norm = float(total.norm())
            found.append(Found(parts.sum(dim=0), colours=parts, gradient=norm, notes=notes))
        return found


def points(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the places in 0..1 and weights, which add up to 1, of a Gauss-Legendre integral."""
    places, weights = np.polynomial.legendre.leggauss(count)
    return (places + 1) / 2, weights / 2


def _notes(total: float, moved: float, score: float) -> tuple[str, ...]:
    """Say so where the shares do not add up."""
    if abs(total - moved) <= _NOTED * max(abs(moved), _NOTED * abs(score)):
        return ()
    return (
        f"The shares add up to {total:.3g} instead of {moved:.3g}, how far the logit moves "
        "from the baseline: take more steps.",
    )
