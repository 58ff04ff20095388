"""Hold numbers about many layers or channels: tables, distributions, health."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cnnviz_desktop.data.arrays import Counts, Flags, Floats

Cell = str | int | float | None


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of cells, None where there is no value; a unit a column, "" where it has none.

    A column called "layer" holds names of layers. `totals` is a last row that sums up, or ();
    `bars` names the columns to be compared as bars; `notes` are sentences on it all.
    """

    title: str
    columns: tuple[str, ...]
    units: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: tuple[Cell, ...] = ()
    bars: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Distribution:
    """How the numbers of each of L layers are spread; `of` names them ("weights").

    `counts` (L, B) are those between two neighbours of `edges` (L, B + 1), exact zeros left out:
    `zeros` (L) counts these, and `broken` (L) what is NaN or infinite. `box` (L, 7) is minimum,
    quantiles 0.01, 0.25, 0.5, 0.75, 0.99, and maximum, zeros included. `show` is what is asked for.
    """

    title: str
    of: str
    layers: tuple[str, ...]
    edges: Floats
    counts: Counts
    zeros: Counts
    broken: Counts
    box: Floats
    show: Literal["histograms", "boxes"] = "histograms"


@dataclass(frozen=True, eq=False)
class LayerHealth:
    """How each of a layer's C channels fared over some pictures.

    `positive` (C) is the share of values above zero, `maximum` (C) the highest, `saturated` (C) the
    share at a bound of the layer's function. A channel that is `dead` (C) never fired on these
    pictures; one that is `unlearned` (C) cannot on any, for its weights are zero.
    """

    layer: str
    pictures: int
    positive: Floats
    maximum: Floats
    saturated: Floats
    dead: Flags
    unlearned: Flags
    broken: int = 0  # values that are NaN or infinite

    @property
    def fires(self) -> float:
        """Return the share of values above zero."""
        return float(self.positive.mean())

    @property
    def dead_share(self) -> float:
        """Return the share of channels that are dead."""
        return float(self.dead.mean())
