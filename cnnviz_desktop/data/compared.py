"""Hold what several networks make of one picture, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from cnnviz_desktop.data.answers import Heatmap, Prediction
from cnnviz_desktop.data.maps import Strip


@dataclass(frozen=True, eq=False)
class Compared:
    """One of the networks: what it costs, what it answers, what it sees, and why.

    `parameters` and `multiply_adds` (of a pass) are counts, `memory` the bytes of weights and of
    what is alive at once in a pass, `seconds` the median pass of one picture, NaN until measured.
    `prediction` is None where it is no classifier. `strips` are the strongest maps of its layer at
    each of D depths, `heatmaps` what speaks there for the class (none where it cannot be said), and
    `heatmap` the same of its default layer. `scores` (S) answer the comparison's measures.
    """

    model: str
    weights: str
    fingerprint: str
    parameters: int
    multiply_adds: int
    memory: int
    seconds: float
    prediction: Prediction | None
    strips: tuple[Strip, ...]
    heatmaps: tuple[Heatmap, ...]
    heatmap: Heatmap | None
    scores: tuple[float, ...]

    @property
    def name(self) -> str:
        """Return the network's name without what tells it from others of that name."""
        return self.model.rpartition(" (")[0] if self._is_parted() else self.model

    @property
    def about(self) -> str:
        """Return what tells it from others: "random weights", a file's name; "" for nothing."""
        return self.model.rpartition(" (")[2][:-1] if self._is_parted() else ""

    def _is_parted(self) -> bool:
        return self.model.endswith(")") and bool(self.model.rpartition(" (")[0])


@dataclass(frozen=True, eq=False)
class Comparison:
    """What M networks make of one picture, which `title` names, matched depth by depth.

    `measures` (S) name what was measured on labelled pictures, () for none: the numbers of an
    evaluation, shares 0..1. `notes` say what could not be compared.
    """

    title: str
    models: tuple[Compared, ...]
    measures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return what to call the networks in a line: as briefly as tells them apart."""
        short = tuple(item.name for item in self.models)
        whole = tuple(item.model for item in self.models)
        return short if len(set(short)) == len(short) else whole

    @property
    def depths(self) -> int:
        """Return at how many depths the networks are compared."""
        return max((len(item.strips) for item in self.models), default=0)
