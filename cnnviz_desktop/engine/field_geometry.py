"""Note from which input pixel to which every place of a tensor reaches, by rows and by columns.

The rectangle that a place depends on is the product of an interval of rows and one of columns, so
two short arrays tell all of a tensor's fields exactly, at its borders too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Ints = NDArray[np.int64]

_FAR = 2**40  # the interval of a place that depends on nothing goes from here to minus here


@dataclass(frozen=True, eq=False)
class Axis:
    """The intervals of one axis, half-open: place i reaches from `low[i]` to `high[i]`.

    `law` is (start, jump, size) where place i reaches from start + i jump over size pixels, counted
    as if the padding were pixels too; None where there is no such law.
    """

    low: Ints
    high: Ints
    law: tuple[int, int, int] | None

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of_input(cls, length: int) -> Axis:
        """Let each place depend on itself alone."""
        places = np.arange(length, dtype=np.int64)
        return cls(places, places + 1, (0, 1, 1))

    def __len__(self) -> int:
        return len(self.low)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Axis):
            return NotImplemented
        same = np.array_equal(self.low, other.low) and np.array_equal(self.high, other.high)
        return same and self.law == other.law

    def span(self, place: int) -> tuple[int, int]:
        """Return the interval of a place; (0, 0) where it depends on nothing."""
        low, high = int(self.low[place]), int(self.high[place])
        return (low, high) if low < high else (0, 0)

    @property
    def jump(self) -> int | None:
        """Return how far the intervals of neighbours lie apart."""
        return self.law[1] if self.law else None

    def size(self) -> int:
        """Return how many pixels a place reaches over, with the padding where there is a law."""
        return self.law[2] if self.law else max(0, int((self.high - self.low).max()))

    def first(self) -> int:
        """Return where the interval of the first place begins."""
        return self.law[0] if self.law else self.span(0)[0]

    def hull(self) -> Axis:
        """Return one place that reaches over all."""
        return Axis(self.low.min(keepdims=True), self.high.max(keepdims=True), None)

    def spread(self, length: int) -> Axis:
        """Return an axis of that length where this one has a single place for all."""
        if len(self) == length:
            return self
        return Axis(self.low.repeat(length), self.high.repeat(length), None)

    def union(self, other: Axis) -> Axis:
        """Return the smallest intervals around both; a single place counts for all."""
        low = np.minimum(self.low, other.low)
        high = np.maximum(self.high, other.high)
        law = None
        if self.law and other.law and self.jump == other.jump and len(self) == len(other):
            start = min(self.law[0], other.law[0])
            end = max(self.law[0] + self.law[2], other.law[0] + other.law[2])
            law = (start, self.law[1], end - start)
        return Axis(low, high, law)

    def taps(self, index: Ints, law: tuple[int, int, int] | None = None) -> Axis:
        """Return the axis whose place o depends on the places `index[o]` (out, taps) of this one.

        Indices outside are padding. `law` is (offset, stride, reach): place o depends on `reach`
        places from o stride + offset on.
        """
        inside = (index >= 0) & (index < len(self))
        within = np.clip(index, 0, len(self) - 1)
        low = np.where(inside, self.low[within], _FAR).min(axis=1)
        high = np.where(inside, self.high[within], -_FAR).max(axis=1)
        if law is None or self.law is None:
            return Axis(low, high, None)
        start, jump, size = self.law
        offset, stride, reach = law
        return Axis(low, high, (start + offset * jump, jump * stride, size + (reach - 1) * jump))

    def windows(self, kernel: int, stride: int, padding: int, dilation: int, length: int) -> Axis:
        """Return what a convolution or a pooling of that many outputs sees."""
        index = np.arange(length)[:, None] * stride - padding + np.arange(kernel) * dilation
        return self.taps(index, (-padding, stride, (kernel - 1) * dilation + 1))

    def transposed(
        self, kernel: int, stride: int, padding: int, dilation: int, length: int
    ) -> Axis:
        """Return what a transposed convolution of that many outputs sees."""
        index = np.arange(length)[:, None] + padding - np.arange(kernel) * dilation
        index = np.where(index % stride == 0, index // stride, -1)
        reach = (kernel - 1) * dilation
        return self.taps(index, (padding - reach, 1, reach + 1) if stride == 1 else None)

    def adaptive(self, length: int) -> Axis:
        """Return what a pooling to a fixed length sees."""
        given = len(self)
        if length == 1 < given:
            return self.hull()
        if given % length == 0:
            return self.windows(given // length, given // length, 0, 1, length)
        first = np.arange(length) * given // length
        last = -(-(np.arange(length) + 1) * given // length)
        index = first[:, None] + np.arange(int((last - first).max()))
        return self.taps(np.where(index < last[:, None], index, -1))

    def padded(self, before: int, after: int, fill: Ints | None = None) -> Axis:
        """Return the axis with places put before and after it, or cut off where negative.

        `fill` says which of its own places these repeat; without it they depend on nothing.
        """
        index = np.arange(-before, len(self) + after) if fill is None else fill
        found = self.taps(index[:, None])
        if self.law is None:
            return found
        start, jump, size = self.law
        return replace(found, law=(start - before * jump, jump, size))


@dataclass(frozen=True)
class Places:
    """A tensor with rows and columns: on which dimensions they lie, counted from the end (-1).

    Where both are the same dimension, it holds all places row by row.
    """

    rows: Axis
    columns: Axis
    dims: tuple[int, int] = (-2, -1)

    @classmethod
    def of_input(cls, height: int, width: int) -> Places:
        """Return the geometry of the network's input."""
        return cls(Axis.of_input(height), Axis.of_input(width))

    @property
    def merged(self) -> bool:
        """Tell whether one dimension holds rows and columns."""
        return self.dims[0] == self.dims[1]

    def whole(self, mixed: bool) -> Whole:
        """Return all places together."""
        mixed = mixed or len(self.rows) == len(self.columns) == 1
        return Whole(self.rows.hull(), self.columns.hull(), mixed)

    def fitted(self, shape: Sequence[int]) -> Geometry:
        """Return this for a tensor of that shape; `Lost` where it cannot be that one's."""
        if len(shape) < max(-dim for dim in self.dims):
            return Lost()
        if self.merged:
            fits = shape[self.dims[0]] == len(self.rows) * len(self.columns)
            return self if fits else Lost()
        lengths = [shape[dim] for dim in self.dims]
        axes = (self.rows, self.columns)
        if any(len(axis) not in (1, size) for axis, size in zip(axes, lengths, strict=True)):
            return Lost()
        rows, columns = (axis.spread(size) for axis, size in zip(axes, lengths, strict=True))
        return replace(self, rows=rows, columns=columns)


@dataclass(frozen=True)
class Whole:
    """A tensor without rows and columns: what all its entries together depend on.

    `mixed`: every entry depends on all of it, not each on a part.
    """

    rows: Axis
    columns: Axis
    mixed: bool


@dataclass(frozen=True)
class Lost:
    """A tensor whose fields are not known."""


Geometry = Places | Whole | Lost


def joined(sources: Sequence[Any]) -> Geometry:
    """Return the geometry of what depends, place by place, on all of these."""
    if any(isinstance(item, Lost) for item in sources):
        return Lost()
    places = [item for item in sources if isinstance(item, Places)]
    wholes = [item for item in sources if isinstance(item, Whole)]
    if places and (
        len({item.dims for item in places}) > 1 or not all(item.mixed for item in wholes)
    ):
        return Lost()
    sizes = {(len(item.rows), len(item.columns)) for item in places}
    if places and places[0].merged and (wholes or len(sizes) > 1):
        return Lost()
    parts: list[Places | Whole] = [*places, *wholes]
    rows = reduce(Axis.union, [item.rows for item in parts])
    columns = reduce(Axis.union, [item.columns for item in parts])
    if places:
        return Places(rows, columns, places[0].dims)
    mixed = any(item.mixed and (item.rows, item.columns) == (rows, columns) for item in wholes)
    return Whole(rows, columns, mixed or all(item.mixed for item in wholes))


def together(sources: Sequence[Any], mixed: bool) -> Geometry:
    """Return the geometry of what depends on all places of all of these."""
    if any(isinstance(item, Lost) for item in sources):
        return Lost()
    wholes: list[Any] = [
        item.whole(mixed) if isinstance(item, Places) else item for item in sources
    ]
    rows = reduce(Axis.union, [item.rows for item in wholes])
    columns = reduce(Axis.union, [item.columns for item in wholes])
    return Whole(rows, columns, mixed)


@dataclass(frozen=True)
class Call:
    """One operation that was run: its arguments, what it made, and the geometries known so far."""

    known: Callable[[Any], Any]
    args: tuple[Any, ...]
    named: Mapping[str, Any]
    made: Sequence[Tensor]

    def argument(self, place: int, name: str, default: Any) -> Any:
        """Return an argument that may be given by its place, by name, or not at all."""
        return self.args[place] if len(self.args) > place else self.named.get(name, default)

    @property
    def given(self) -> Any:
        """Return the geometry of the first argument."""
        return self.known(self.args[0])

    def sources(self) -> list[Any]:
        """Return the geometries of all inputs that have one."""
        found = (self.known(tensor) for tensor in tensors_in((self.args, dict(self.named))))
        return [item for item in found if item is not None]


def tensors_in(value: object) -> Iterator[Tensor]:
    """Yield the tensors in nested tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)


def from_end(dim: int, ndim: int) -> int:
    """Return a dimension counted from the end."""
    return dim - ndim if dim >= 0 else dim


def without(dims: tuple[int, int], gone: Sequence[int]) -> tuple[int, int]:
    """Return where dimensions lie once others, all counted from the end, are taken out."""
    row, column = (dim + sum(other > dim for other in gone) for dim in dims)
    return row, column
