"""Decide which maps of a layer a grid shows, in which order and with which captions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from cnnviz_desktop.data import Activation, Floats
from cnnviz_desktop.figures import pixels, style

if TYPE_CHECKING:
    from numpy.typing import NDArray

Order = Literal["index", "max", "mean", "energy", "sparsity"]
ORDERS: tuple[Order, ...] = ("index", "max", "mean", "energy", "sparsity")

SMALLEST_TILE, LARGEST_TILE, DEFAULT_TILE = 48, 256, 78

Channels: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.intp]]"


@dataclass(frozen=True)
class GridLook:
    """How a grid draws its maps; nothing here runs the engine.

    `order`: by channel number, or strongest first by maximum, mean, mean square, or by the share of
    cells that are silent. `scale`: each tile to its own maximum, or all to the layer's. `signed`:
    zero-centred limits and a diverging colour map instead of 0 to the maximum. `colormap` "" is the
    default for the sign. `query` names channels to keep: "12, 40-47"; "" keeps all.
    """

    order: Order = "index"
    scale: pixels.Scale = "tile"
    colormap: str = ""
    gamma: float = style.GAMMA
    tile_side: int = DEFAULT_TILE
    signed: bool = False
    hide_silent: bool = False
    query: str = ""

    @property
    def map_name(self) -> str:
        """Return the colour map in use."""
        return self.colormap or (style.SIGNED if self.signed else style.SEQUENTIAL)


@dataclass(frozen=True, eq=False)
class MapStatistics:
    """Numbers of every map of a layer: `high`, `low`, `mean`, `energy`, `silence`, each (C,).

    `high` and `low` are of the finite cells; `silence` is the share of cells at or below zero;
    `broken` marks maps with values that are not finite. What few looks need is measured when it is
    first asked for.
    """

    cells: Floats  # (C, h * w), zero where the value is not finite
    high: Floats
    energy: NDArray[np.float64]
    broken: NDArray[np.bool_]

    @classmethod
    def of(cls, values: Floats) -> MapStatistics:
        """Measure maps (C, h, w)."""
        flat = values.reshape(len(values), -1)
        finite = np.isfinite(flat)
        broken: NDArray[np.bool_] = np.logical_not(finite.all(axis=1))
        if broken.any():
            flat = np.where(finite, flat, np.float32(0))
        cells = max(1, flat.shape[1])
        energy = np.einsum("ci,ci->c", flat, flat, dtype=np.float64) / cells
        return cls(flat, flat.max(axis=1, initial=-np.inf), energy, broken)

    @cached_property
    def low(self) -> Floats:
        """Return the least value of each map."""
        least: Floats = self.cells.min(axis=1, initial=np.inf)
        return least

    @cached_property
    def mean(self) -> Floats:
        """Return the mean of each map."""
        means: Floats = self.cells.mean(axis=1, dtype=np.float64).astype(np.float32)
        return means

    @cached_property
    def silence(self) -> Floats:
        """Return the share of each map's cells that are at or below zero."""
        count = max(1, self.cells.shape[1])
        shares: Floats = (np.count_nonzero(self.cells <= 0, axis=1) / count).astype(np.float32)
        return shares

    def strongest(self) -> int:
        """Return the channel of the greatest energy; a broken one should be seen."""
        return int(np.argmax(np.where(self.broken, np.inf, self.energy)))

    def silent(self, signed: bool) -> NDArray[np.bool_]:
        """Tell which maps have nothing to show: no value above zero (signed: all zero)."""
        quiet = (self.high == 0) & (self.low == 0) if signed else self.high <= 0
        return quiet & ~self.broken

    def extreme(self, signed: bool) -> Floats:
        """Return what stands below each map: its maximum (signed: the value farthest from zero)."""
        if not signed:
            return self.high
        return np.where(self.high >= -self.low, self.high, self.low)


_measured: WeakKeyDictionary[Activation, MapStatistics] = WeakKeyDictionary()


def statistics(activation: Activation) -> MapStatistics:
    """Return the numbers of a layer's maps, measured once: in the engine's thread by `Perform`."""
    known = _measured.get(activation)
    if known is None:
        known = _measured[activation] = MapStatistics.of(activation.values)
    return known


def parse_channels(query: str, count: int) -> list[int] | None:
    """Return the channels a query names, in its order: numbers and ranges; None names them all."""
    words = [word for word in re.split(r"[,;\s]+", query.strip()) if word]
    if not words:
        return None
    found: dict[int, None] = {}
    for word in words:
        match = re.fullmatch(r"#?(\d+)(?:(?:-|–|:|\.\.)(\d+)?)?", word)
        if match is None:
            continue
        first = int(match[1])
        last = first
        if match[2] is not None:
            last = int(match[2])
        elif len(match[0].lstrip("#")) > len(match[1]):
            last = count - 1  # "40-" goes on to the end
        first, last = min(first, last), max(first, last)
        found.update(dict.fromkeys(range(max(0, first), min(last, count - 1) + 1)))
    return list(found)


def arrange(numbers: MapStatistics, look: GridLook) -> Channels:
    """Return the channels a grid shows, in order."""
    count = len(numbers.high)
    named = parse_channels(look.query, count)
    channels = np.arange(count) if named is None else np.array(named, dtype=np.intp)
    keys = {
        "max": numbers.extreme(look.signed) if not look.signed else np.abs(numbers.extreme(True)),
        "mean": numbers.mean,
        "energy": numbers.energy,
        "sparsity": np.where(numbers.silent(look.signed), -1, numbers.silence),
    }
    key = keys.get(look.order)
    if key is not None:
        ranked = np.where(numbers.broken, np.inf, key)  # a broken channel should be seen
        channels = channels[np.argsort(-ranked[channels], kind="stable")]
    if look.hide_silent and named is None:
        channels = channels[~numbers.silent(look.signed)[channels]]
    return channels
