"""Say where the places of a tensor go when it is cut, joined, turned or given another shape.

Each function is a rule as in `field_rules.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from cnnviz_desktop.engine.field_geometry import (
    Axis,
    Call,
    Geometry,
    Lost,
    Places,
    from_end,
    joined,
    together,
    without,
)


def view(call: Call) -> Any:
    """Keep the numbers in their order, in another shape."""
    geometry = call.given
    if not isinstance(geometry, Places):
        return geometry
    shape = tuple(call.args[0].shape)
    return [_viewed(geometry, shape, tuple(item.shape)) for item in call.made]


def _viewed(geometry: Places, old: tuple[int, ...], new: tuple[int, ...]) -> Geometry:
    before = [math.prod(new[:place]) for place in range(len(new) + 1)]

    def find(offset: int, size: int, start: int = 0) -> int | None:
        """Return the new dimension of that size with `offset` numbers to the left of it."""
        fits = (p for p in range(start, len(new)) if before[p] == offset and new[p] == size)
        return next(fits, None)

    height, width = len(geometry.rows), len(geometry.columns)
    first, last = (dim + len(old) for dim in geometry.dims)
    offset = math.prod(old[:first])
    if geometry.merged:
        row = find(offset, height)
        column = None if row is None else find(offset * height, width, row + 1)
    else:
        row = find(offset, height)
        column = find(math.prod(old[:last]), width, 0 if row is None else row + 1)
    if row is not None and column is not None:
        return replace(geometry, dims=(row - len(new), column - len(new)))
    one = find(offset, height * width)
    if one is not None and (geometry.merged or last == first + 1):
        return replace(geometry, dims=(one - len(new), one - len(new)))
    if height == width == 1:
        return geometry.whole(True)
    low, high = sorted((first, last))
    start, end = math.prod(old[:low]), math.prod(old[: high + 1])
    inside = any(before[p] <= start and before[p + 1] >= end for p in range(len(new)))
    return geometry.whole(False) if inside and len(new) < 4 else Lost()


def strided(call: Call) -> Any:
    """Lay the numbers out otherwise in memory, where the shape stays."""
    return call.given if call.args[0].shape == call.made[0].shape else Lost()


def permutation(call: Call) -> Any:
    """Exchange dimensions."""
    geometry, ndim = call.given, call.args[0].ndim
    if not isinstance(geometry, Places):
        return geometry
    if len(call.args) == 1:  # t
        order = list(range(ndim))[::-1]
    elif isinstance(call.args[1], int):  # transpose
        order = list(range(ndim))
        order[call.args[1]], order[call.args[2]] = order[call.args[2]], order[call.args[1]]
    else:
        order = [dim % ndim for dim in call.args[1]]
    row, column = (order.index(dim + ndim) - ndim for dim in geometry.dims)
    return replace(geometry, dims=(row, column))


def _along(geometry: Places, dim: int, change: Callable[[Axis], Axis]) -> Geometry:
    """Return the geometry with the axis on one dimension changed."""
    if geometry.merged:
        return geometry.whole(False)
    rows, columns = geometry.rows, geometry.columns
    if dim == geometry.dims[0]:
        return replace(geometry, rows=change(rows))
    return replace(geometry, columns=change(columns))


def sliced(call: Call) -> Any:
    """Keep a range of a dimension."""
    geometry = call.given
    dim = from_end(call.argument(1, "dim", 0), call.args[0].ndim)
    if not isinstance(geometry, Places) or dim not in geometry.dims:
        return geometry
    start, stop = call.argument(2, "start", None), call.argument(3, "end", None)
    step = call.argument(4, "step", 1)
    chosen = range(call.args[0].shape[dim])[slice(start, stop, step)]
    if len(chosen) == call.args[0].shape[dim]:
        return geometry
    index = np.array(chosen, dtype=np.int64)[:, None]
    return _along(geometry, dim, lambda axis: axis.taps(index, (chosen.start, step, 1)))


def select(call: Call) -> Any:
    """Keep one place of a dimension."""
    geometry, dim = call.given, from_end(call.args[1], call.args[0].ndim)
    if not isinstance(geometry, Places):
        return geometry
    if dim not in geometry.dims:
        return replace(geometry, dims=without(geometry.dims, [dim]))
    return geometry.whole(False) if geometry.merged else Lost()


def parts(call: Call) -> Any:
    """Cut into pieces along a dimension (split, chunk, unbind)."""
    geometry, ndim = call.given, call.args[0].ndim
    if not isinstance(geometry, Places):
        return geometry
    unbound = bool(call.made) and call.made[0].ndim < ndim
    dim = from_end(call.argument(1 if unbound else 2, "dim", 0), ndim)
    if unbound:
        inside = dim in geometry.dims
        return Lost() if inside else replace(geometry, dims=without(geometry.dims, [dim]))
    if dim not in geometry.dims:
        return geometry
    found, start = [], 0
    for piece in call.made:
        index = np.arange(start, start + piece.shape[dim])[:, None]
        law = (start, 1, 1)
        found.append(_along(geometry, dim, lambda axis, i=index, w=law: axis.taps(i, w)))  # type: ignore[misc]
        start += piece.shape[dim]
    return found


def cat(call: Call) -> Any:
    """Join along a dimension."""
    tensors = [item for item in call.args[0] if item.numel()]
    dim = from_end(call.argument(1, "dim", 0), call.made[0].ndim)
    sources = [call.known(item) for item in tensors]
    places = [item for item in sources if isinstance(item, Places)]
    if not places or dim not in places[0].dims:
        return joined([item for item in sources if item is not None])
    if any(item.merged for item in places):
        return together([item for item in sources if item is not None], mixed=False)
    if any(item is not None and not isinstance(item, Places) for item in sources):
        return Lost()
    if len({item.dims for item in places}) > 1:
        return Lost()
    along = places[0].dims.index(dim)
    nothing = Places.of_input(1, 1).rows.taps(np.array([[-1]]))
    ends = [
        nothing.spread(int(tensor.shape[dim])) if item is None else (item.rows, item.columns)[along]
        for tensor, item in zip(tensors, sources, strict=True)
    ]
    chained = Axis(
        np.concatenate([axis.low for axis in ends]),
        np.concatenate([axis.high for axis in ends]),
        None,
    )
    across = joined([replace(item, rows=item.columns) if along == 0 else item for item in places])
    if not isinstance(across, Places):
        return Lost()
    other = across.columns if along == 0 else across.rows
    rows, columns = (chained, other) if along == 0 else (other, chained)
    return Places(rows, columns, places[0].dims)


def stack(call: Call) -> Any:
    """Join along a new dimension."""
    geometry = joined([item for item in map(call.known, call.args[0]) if item is not None])
    if not isinstance(geometry, Places):
        return geometry
    dim = from_end(call.argument(1, "dim", 0), call.made[0].ndim)
    row, column = (old - (dim >= old) for old in geometry.dims)
    return replace(geometry, dims=(row, column))


def padding(call: Call) -> Any:
    """Put constants around."""
    return _padded(call.given, list(call.args[1]), lambda *_: None)


def reflection(call: Call) -> Any:
    """Mirror at the edges."""

    def fill(length: int, before: int, after: int) -> Any:
        period = max(1, 2 * (length - 1))
        index = np.arange(-before, length + after) % period
        return np.where(index < length, index, period - index)

    return _padded(call.given, list(call.args[1]), fill)


def replication(call: Call) -> Any:
    """Repeat the edges."""

    def fill(length: int, before: int, after: int) -> Any:
        return np.clip(np.arange(-before, length + after), 0, length - 1)

    return _padded(call.given, list(call.args[1]), fill)


def _padded(geometry: Any, pads: list[int], fill: Callable[[int, int, int], Any]) -> Any:
    """Return the geometry with (before, after) put along the dimensions from the last on."""
    for place in range(len(pads) // 2):
        before, after = pads[2 * place : 2 * place + 2]
        if not isinstance(geometry, Places) or -1 - place not in geometry.dims:
            continue
        if geometry.merged and (before or after):
            geometry = geometry.whole(False)
            continue
        geometry = _along(
            geometry,
            -1 - place,
            lambda axis, b=before, a=after: axis.padded(b, a, fill(len(axis), b, a)),  # type: ignore[misc]
        )
    return geometry


def flip(call: Call) -> Any:
    """Turn dimensions round."""
    geometry = call.given
    for dim in (from_end(item, call.args[0].ndim) for item in call.args[1]):
        if isinstance(geometry, Places) and dim in geometry.dims:
            if geometry.merged:
                return Lost()
            geometry = _along(
                geometry, dim, lambda axis: axis.taps(np.arange(len(axis))[::-1, None])
            )
    return geometry


def roll(call: Call) -> Any:
    """Move places round in a circle."""
    geometry = call.given
    dims = call.argument(2, "dims", ())
    if isinstance(geometry, Places) and (geometry.merged or not dims):
        return Lost()
    for shift, item in zip(call.args[1], dims, strict=False):
        dim = from_end(item, call.args[0].ndim)
        if isinstance(geometry, Places) and dim in geometry.dims:
            geometry = _along(
                geometry,
                dim,
                lambda axis, s=shift: axis.taps(np.roll(np.arange(len(axis)), s)[:, None]),  # type: ignore[misc]
            )
    return geometry
