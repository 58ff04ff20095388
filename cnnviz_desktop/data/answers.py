"""Hold what a network answers, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnviz_desktop.data.arrays import Floats
from cnnviz_desktop.data.inputs import Box


@dataclass(frozen=True, eq=False)
class Prediction:
    """A classifier's answer: `logits` (K,), `probabilities` (K,) their softmax, `labels` (K)."""

    logits: Floats
    probabilities: Floats
    labels: tuple[str, ...]
    region: Box

    def top(self, count: int = 5) -> list[tuple[int, str, float]]:
        """Return the `count` likeliest classes as (index, label, probability), likeliest first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(int(i), self.labels[i], float(self.probabilities[i])) for i in order]


@dataclass(frozen=True, eq=False)
class Heatmap:
    """How much each place speaks for a class: `values` (h, w) raw, signed, as fine as the layer.

    `target` is the class index, `score` its logit, `region` the box of the picture it covers.
    """

    values: Floats
    layer: str
    target: int
    target_label: str
    score: float
    region: Box
