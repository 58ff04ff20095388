"""Measure a layer's maps and put them in order, in one place for the window and for plates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from cnnviz_desktop.data import Floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

Order = Literal["index", "max", "mean", "energy", "sparsity"]
ORDERS: tuple[Order, ...] = ("index", "max", "mean", "energy", "sparsity")

Ranks: TypeAlias = "np.ndarray[tuple[Any, ...], np.dtype[np.float64]]"
Channels: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.intp]]"


@dataclass(frozen=True, eq=False)
class MapStatistics:
    """Numbers of every map of a layer: `high`, `low`, `mean`, `energy`, `silence`, each (C,).

    `high` and `low` are of the finite cells; `silence` is the share of cells at or below zero;
    `broken` marks maps with values that are not finite. What few looks need is measured when it is
    first asked for.
    """

    cells: Floats  # (C, h * w), zero where the value is not finite
    high: Floats
    energy: Ranks
    broken: NDArray[np.bool_]

    @classmethod
    def of(cls, values: Floats) -> MapStatistics:
        """Measure maps (C, h, w)."""
        flat = values.reshape(len(values), -1)
        finite = np.isfinite(flat)
        broken: NDArray[np.bool_] = np.logical_not(finite.all(axis=1))
        if broken.any():
            flat = np.where(finite, flat, np.float32(0))
        return cls(flat, flat.max(axis=1, initial=-np.inf), _mean_squares(flat), broken)

    @cached_property
    def low(self) -> Floats:
        """Return the least value of each map."""
        least: Floats = self.cells.min(axis=1, initial=np.inf)
        return least

    @cached_property
    def energy_above(self) -> Ranks:
        """Return the energy of what lies above zero: all that is seen where zero is the ground."""
        if self.low.min(initial=0) >= 0:
            return self.energy
        return _mean_squares(np.maximum(self.cells, np.float32(0)))

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

    def strongest(self, signed: bool) -> int:
        """Return the channel of the greatest energy; a broken one should be seen."""
        energy = self.energy if signed else self.energy_above
        return int(np.argmax(np.where(self.broken, np.inf, energy)))

    def silent(self, signed: bool) -> NDArray[np.bool_]:
        """Tell which maps have nothing to show: no value above zero (signed: all zero)."""
        quiet = (self.high == 0) & (self.low == 0) if signed else self.high <= 0
        return quiet & ~self.broken

    def extreme(self, signed: bool) -> Floats:
        """Return what stands below each map: its maximum (signed: the value farthest from zero)."""
        if not signed:
            return self.high
        return np.where(self.high >= -self.low, self.high, self.low)

    def key(self, order: Order, signed: bool) -> Ranks | None:
        """Return what an order ranks by, the greatest first; None for the channels' own order.

        `max` ranks by the maximum (signed: the greatest magnitude), `energy` by the mean square of
        what is above zero (signed: of all), `sparsity` by the share of silent cells, channels that
        are silent everywhere last.
        """
        match order:
            case "index":
                return None
            case "max":
                high = self.extreme(signed)
                return np.asarray(np.abs(high) if signed else high, np.float64)
            case "mean":
                return np.asarray(self.mean, np.float64)
            case "energy":
                return self.energy if signed else self.energy_above
            case "sparsity":
                quiet = np.where(self.silent(signed), -1, self.silence)
                return np.asarray(quiet, np.float64)

    def in_order(self, channels: Channels, key: Ranks | None, signed: bool, hide: bool) -> Channels:
        """Return channels ranked by a key, without the silent ones where these are hidden.

        A broken channel comes first whatever its rank: it should be seen.
        """
        if key is not None:
            ranked = np.where(self.broken, np.inf, key)
            channels = channels[np.argsort(-ranked[channels], kind="stable")]
        if hide:
            channels = channels[~self.silent(signed)[channels]]
        return channels


def _mean_squares(flat: Floats) -> Ranks:
    """Return the mean square of each row."""
    with np.errstate(over="ignore"):  # infinite energy still comes first
        # Row by row as dot products: a tenth of the time of a sum in double precision.
        squares = np.matmul(flat[:, None, :], flat[:, :, None])[:, 0, 0]
    means: Ranks = squares.astype(np.float64) / max(1, flat.shape[1])
    return means
