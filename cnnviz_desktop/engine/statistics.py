"""Measure tensors of any size: moments, shares, histograms and quantiles, in float64 and in pieces.

A piece at a time is brought to the processor and to float64, so that no tensor is copied whole.
Moments of pieces are merged as Chan, Golub and LeVeque (1979) and Pébay (2008, Sandia report
SAND2008-6212) do, which loses no digits where the mean is large and the spread small.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from cnnviz_desktop.data import Counts, Distribution, Floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

NEAR_ZERO = 1e-3  # of the standard deviation: values up to it count as near zero
DUPLICATE = 0.999  # the cosine above which two kernels or maps are one
BINS = 96  # of a histogram
BOX = (0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0)  # the quantiles of a box plot

_PIECE = 2**16  # values at a time: half a megabyte as float64 stays in the cache
_ROWS = 1024  # of a table of cosines at a time
_DIRECT = 2e10  # multiplications of a table of cosines that are done without a first sieve
_SIEVE = 96  # directions the sieve looks along
_SUSPECT = 0.8  # the cosine in the sieve above which two rows are compared in full
_HALF = 2**16


@dataclass(frozen=True)
class Moments:
    """Count, mean, and the sums of the 2nd, 3rd and 4th powers of the distances from the mean."""

    count: int = 0
    mean: float = 0.0
    second: float = 0.0
    third: float = 0.0
    fourth: float = 0.0

    @classmethod
    def of(cls, values: Doubles) -> Moments:
        """Take the moments of values (n), all finite."""
        count = values.size
        if not count:
            return cls()
        mean = float(values.mean())
        away = values - mean
        squared = away * away
        return cls(
            count,
            mean,
            float(squared.sum()),
            float((squared * away).sum()),
            float((squared * squared).sum()),
        )

    def __add__(self, other: Moments) -> Moments:
        """Merge the moments of two parts."""
        a, b, n = self.count, other.count, self.count + other.count
        if not a or not b:
            return other if b else self
        d = other.mean - self.mean
        second = self.second + other.second + d**2 * a * b / n
        third = (
            self.third
            + other.third
            + d**3 * a * b * (a - b) / n**2
            + 3 * d * (a * other.second - b * self.second) / n
        )
        fourth = (
            self.fourth
            + other.fourth
            + d**4 * a * b * (a * a - a * b + b * b) / n**3
            + 6 * d**2 * (a * a * other.second + b * b * self.second) / n**2
            + 4 * d * (a * other.third - b * self.third) / n
        )
        return Moments(n, self.mean + d * b / n, second, third, fourth)

    @property
    def std(self) -> float:
        """Return the standard deviation of the values themselves (divided by n, not n - 1)."""
        return math.sqrt(self.second / self.count) if self.count else math.nan

    @property
    def kurtosis(self) -> float | None:
        """Return the excess kurtosis m4 / m2² - 3, 0 for a normal distribution.

        None where all values are equal, but for rounding.
        """
        if not self.count or self.std <= 1e-12 * abs(self.mean) or not self.second:
            return None
        return self.fourth * self.count / self.second**2 - 3


@dataclass(frozen=True)
class Statistics:
    """The numbers of a tensor. All but `count`, `nan` and `infinite` are of its finite values.

    `near_zero` counts values of at most `NEAR_ZERO` times the standard deviation, zeros included;
    `l1` and `l2` are norms. `minimum` and `maximum` are NaN where nothing is finite.
    """

    count: int
    nan: int
    infinite: int
    moments: Moments
    minimum: float
    maximum: float
    l1: float
    l2: float
    zeros: int
    near_zero: int
    positive: int

    @property
    def finite(self) -> int:
        """Count the finite values."""
        return self.moments.count

    @property
    def broken(self) -> int:
        """Count the values that are NaN or infinite."""
        return self.nan + self.infinite

    def share(self, part: int) -> float | None:
        """Return a count as a percentage of the finite values."""
        return 100 * part / self.finite if self.finite else None


def measure(tensor: Tensor) -> Statistics:
    """Return the numbers of a tensor; a second reading counts what is near zero."""
    moments = Moments()
    nan = infinite = zeros = positive = near = 0
    low, high = math.inf, -math.inf
    l1 = squares = 0.0
    for piece in _pieces(tensor):
        values = _finite(piece)
        if values.size < piece.size:
            missing = int(np.isnan(piece).sum())
            nan += missing
            infinite += piece.size - values.size - missing
            if not values.size:
                continue
        part = Moments.of(values)
        moments += part
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        l1 += float(np.abs(values).sum())
        squares += part.second + part.count * part.mean**2
        zeros += part.count - int(np.count_nonzero(values))
        positive += int(np.count_nonzero(values > 0))
    limit = NEAR_ZERO * moments.std
    if limit > 0:
        for piece in _pieces(tensor):
            near += int(np.count_nonzero(np.abs(_finite(piece)) <= limit))
    return Statistics(
        count=tensor.numel(),
        nan=nan,
        infinite=infinite,
        moments=moments,
        minimum=low if moments.count else math.nan,
        maximum=high if moments.count else math.nan,
        l1=l1,
        l2=math.sqrt(squares),
        zeros=zeros,
        near_zero=near if limit > 0 else zeros,
        positive=positive,
    )


def histogram(tensor: Tensor, low: float, high: float) -> tuple[Floats, Counts]:
    """Return edges and counts of `BINS` equal bins from low to high, exact zeros left out.

    Zeros are the bulk of rectified maps and of pruned weights, and would hide all else. Where low
    and high are one number, the bins are around it.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return np.linspace(-0.5, 0.5, BINS + 1, dtype=np.float32), np.zeros(BINS, np.int64)
    if low == high:
        around = max(0.5, abs(low) / 1000)
        low, high = low - around, high + around
    counts = np.zeros(BINS, np.int64)
    for piece in _pieces(tensor):
        values = _finite(piece)
        counts += np.histogram(values[values != 0], BINS, (low, high))[0]
    most = float(np.finfo(np.float32).max)
    edges = np.linspace(low, high, BINS + 1).clip(-most, most).astype(np.float32)
    return edges, counts


def quantiles(tensor: Tensor, shares: Sequence[float] = BOX) -> list[float]:
    """Return quantiles of the finite values, between two of them by a straight line, as float32.

    Exact without sorting: one reading counts the upper halves of the numbers' bits, a second one
    the lower halves of those that share theirs with a quantile.
    """
    upper = np.zeros(_HALF, np.int64)
    for piece in _pieces(tensor):
        upper += np.bincount(_keys(piece) >> 16, minlength=_HALF)
    ends = upper.cumsum()
    total = int(ends[-1])
    if not total:
        return [math.nan] * len(shares)
    places = [share * (total - 1) for share in shares]
    ranks = sorted({int(f(place)) for place in places for f in (math.floor, math.ceil)})
    halves = np.searchsorted(ends, ranks, side="right")
    wanted = np.unique(halves)
    slots = np.full(_HALF, -1)
    slots[wanted] = np.arange(wanted.size)
    lower = np.zeros(wanted.size * _HALF, np.int64)
    for piece in _pieces(tensor):
        keys = _keys(piece)
        mine = slots[keys >> 16]
        chosen = mine >= 0
        spots = mine[chosen] * _HALF + (keys[chosen] & (_HALF - 1))
        lower += np.bincount(spots, minlength=lower.size)
    found = {}
    for rank, half in zip(ranks, halves.tolist(), strict=True):
        slot = int(slots[half])
        counts = lower[slot * _HALF : (slot + 1) * _HALF].cumsum()
        rest = rank - int(ends[half] - upper[half])
        found[rank] = _value(half * _HALF + int(np.searchsorted(counts, rest, side="right")))
    return [
        found[math.floor(place)]
        + (found[math.ceil(place)] - found[math.floor(place)]) * (place - math.floor(place))
        for place in places
    ]


@dataclass
class Spreads:
    """Collects the histograms and box plots of one tensor after the other."""

    layers: list[str] = field(default_factory=list)
    edges: list[Floats] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    zeros: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    boxes: list[list[float]] = field(default_factory=list)

    def add(self, layer: str, tensor: Tensor, known: Statistics) -> None:
        """Take a layer's numbers in; `known` are those that `measure` found."""
        edges, counts = histogram(tensor, known.minimum, known.maximum)
        self.layers.append(layer)
        self.edges.append(edges)
        self.counts.append(counts)
        self.zeros.append(known.zeros)
        self.broken.append(known.broken)
        self.boxes.append(quantiles(tensor))

    def distribution(
        self, title: str, of: str, show: Literal["histograms", "boxes"]
    ) -> Distribution:
        """Return what was collected."""
        return Distribution(
            title=title,
            of=of,
            layers=tuple(self.layers),
            edges=np.stack(self.edges),
            counts=np.stack(self.counts),
            zeros=np.array(self.zeros, np.int64),
            broken=np.array(self.broken, np.int64),
            box=np.array(self.boxes, np.float32),
            show=show,
        )


def duplicates(rows: Tensor) -> Tensor:
    """Tell for each row (N, K) whether its direction is that of an earlier one (cosine > 0.999).

    Rows of zeros have no direction and are nobody's duplicate, and neither are broken ones.
    """
    rows = rows.detach().float()
    # Scaled first: the squares of very small numbers are lost.
    sizes = rows.abs().amax(dim=1, keepdim=True)
    sound = (sizes > 0) & sizes.isfinite()
    unit = torch.where(sound, rows / torch.where(sound, sizes, 1.0), 0.0)
    unit = torch.nn.functional.normalize(unit, dim=1)
    count, length = unit.shape
    if count * count * length > _DIRECT and length > _SIEVE:
        return _sieved(unit)
    found = torch.zeros(count, dtype=torch.bool, device=rows.device)
    for start in range(0, count, _ROWS):
        cosines = unit[start : start + _ROWS] @ unit[: start + _ROWS].T
        found[start : start + _ROWS] = (cosines > DUPLICATE).tril(start - 1).any(dim=1)
    return found


def _sieved(unit: Tensor) -> Tensor:
    """Find duplicates of many long rows: compare in full only what is alike along few directions.

    Seen along 96 random directions, rows whose cosine is above 0.999 come out below 0.8 about
    never: their difference would have to grow a hundredfold.
    """
    count, length = unit.shape
    random = torch.Generator().manual_seed(0)
    sight = torch.randn(length, _SIEVE, generator=random).to(unit.device)
    seen = torch.nn.functional.normalize(unit @ sight, dim=1)
    found = torch.zeros(count, dtype=torch.bool, device=unit.device)
    for start in range(0, count, _ROWS):
        alike = (seen[start : start + _ROWS] @ seen[: start + _ROWS].T > _SUSPECT).tril(start - 1)
        for pairs in torch.split(alike.nonzero(), _ROWS):
            one, other = pairs.T
            cosines = (unit[start + one] * unit[other]).sum(dim=1)
            found[start + one[cosines > DUPLICATE]] = True
    return found


def _pieces(tensor: Tensor) -> Iterator[Doubles]:
    """Yield the values as float64 in the order they lie, some at a time.

    NumPy rather than torch: for pieces of this size, threads wait for each other more than they
    work, on a busy machine ten times over.
    """
    tensor = tensor.detach()
    order = sorted(range(tensor.ndim), key=tensor.stride, reverse=True)
    flat = tensor.permute(order).reshape(-1)  # a view, whatever the layout
    if flat.dtype == torch.bfloat16:  # which NumPy does not know
        flat = flat.float()
    for start in range(0, flat.numel(), _PIECE):
        yield flat[start : start + _PIECE].cpu().numpy().astype(np.float64)


def _finite(values: Doubles) -> Doubles:
    sound = np.isfinite(values)
    return values if sound.all() else values[sound]


def _keys(piece: Doubles) -> Counts:
    """Return whole numbers below 2³² in the order of the finite values as float32."""
    with np.errstate(over="ignore"):
        numbers = _finite(piece).astype(np.float32) + np.float32(0)  # which makes -0.0 the same
    bits = numbers.view(np.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64) + 2**31


def _value(key: int) -> float:
    """Return the float32 of a key."""
    number = key - 2**31
    bits = number ^ ((number >> 31) & 0x7FFFFFFF)
    return float(np.array(bits, np.int32).view(np.float32))
