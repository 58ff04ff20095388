"""Hold the evidence for believing explanations: maps of methods and layers, and their scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cnnviz_desktop.data.answers import Heatmap
from cnnviz_desktop.data.arrays import Floats

Better = Literal["higher", "lower"]


@dataclass(frozen=True, eq=False)
class Curve:
    """What each cell's map gives on a way: `values` (M, L, P) at the places (P) along it.

    `across` says what the places are, `ticks` (P, or none) what each is called. NaN where there is
    no value.
    """

    name: str
    across: str
    places: Floats
    ticks: tuple[str, ...]
    values: Floats


@dataclass(frozen=True, eq=False)
class Evidence:
    """Maps of methods (M) at layers (L) for one class of one picture, with the scores (S) of each.

    `maps` and `reasons` go row by row, a row a method: a cell without a map says why, one without
    scores too. The last `controls` methods know nothing of the network. A layer "" is the network's
    input. `scores` (M, L, S) are NaN where there is none; `better` (S) tells their good end,
    `meanings` (S) what they are. `target` is the class index, `score` its logit and `probability`
    how sure the network is of it while nothing is changed.
    """

    title: str
    target: int
    target_label: str
    score: float
    probability: float
    methods: tuple[str, ...]
    layers: tuple[str, ...]
    maps: tuple[Heatmap | None, ...]
    reasons: tuple[str, ...]
    metrics: tuple[str, ...]
    better: tuple[Better, ...]
    scores: Floats
    meanings: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()
    controls: int = 0
    notes: tuple[str, ...] = ()

    def cell(self, method: int, layer: int) -> Heatmap | None:
        """Return the map in a row and column, None where there is none."""
        return self.maps[method * len(self.layers) + layer]

    def reason(self, method: int, layer: int) -> str:
        """Return why a row and column has no map or no scores, "" where it has both."""
        return self.reasons[method * len(self.layers) + layer]
