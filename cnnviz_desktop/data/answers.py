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


@dataclass(frozen=True)
class Diagnosis:
    """What was noticed while an explanation was made, for whoever wonders about its map.

    `gradient` is the L2 norm of d logit / d layer, None where none was asked for. `constant` of the
    layer's `channels` have one value everywhere. `softmax` says that the network ends in one and
    the logit before it was used, `broken` names the first module that gave NaN or infinity, and
    `chosen` says why this layer: the reason of the model's default one, else "asked for". `notes`
    are sentences on what the map itself does not show.
    """

    gradient: float | None = None
    constant: int = 0
    channels: int = 0
    softmax: bool = False
    broken: str = ""
    chosen: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Heatmap:
    """How much each place speaks for a class: `values` (h, w) raw, signed, as fine as the layer.

    `target` is the class index, `score` its logit, `region` the box of the picture it covers.
    `layer` is "" where the network's input is explained: the map is as fine as that, and `colours`
    (h, w, C) holds what each of its channels says. `method` is the technique's title; `layers` are
    those whose maps were averaged, if several. Where not `signed`, values are magnitudes or, of
    several layers, what speaks for the class alone.
    """

    values: Floats
    layer: str
    target: int
    target_label: str
    score: float
    region: Box
    method: str = ""
    layers: tuple[str, ...] = ()
    signed: bool = True
    colours: Floats | None = None
    diagnosis: Diagnosis | None = None


@dataclass(frozen=True, eq=False)
class Heatmaps:
    """Several maps (N) to compare, in rows of `columns`; `captions` (N) say how each differs."""

    title: str
    maps: tuple[Heatmap, ...]
    captions: tuple[str, ...]
    columns: int
