"""Say for each of torch's operations which places of its inputs a place of its output depends on.

A rule returns the geometry of all outputs, or a list of one for each; None stands for one that
depends on no input.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from cnnviz_desktop.engine import field_moves as moves
from cnnviz_desktop.engine.field_geometry import (
    Axis,
    Call,
    Geometry,
    Lost,
    Places,
    Whole,
    from_end,
    joined,
    together,
    without,
)

Rule = Callable[[Call], Any]


def _pair(value: Any, default: tuple[int, int] = (1, 1)) -> tuple[int, int]:
    numbers = [value] if isinstance(value, int) else list(value)
    if not numbers:
        return default
    return (numbers[0], numbers[-1])


def _is_map(geometry: Any) -> bool:
    return isinstance(geometry, Places) and geometry.dims == (-2, -1)


# ------------------------------------------------------------------------------ place by place


def _pointwise(call: Call) -> Any:
    """Let each place depend on the same place of all inputs."""
    return joined(call.sources())


def _nothing(_call: Call) -> None:
    """Take the shape alone of the input."""


def _batch_norm(call: Call) -> Any:
    """Scale channels, by their running statistics or, while training, by those of all places."""
    geometry = call.given
    training = next((item for item in call.args[3:] if isinstance(item, bool)), False)
    if training:
        geometry = _smeared(geometry, {-2, -1})
    return geometry


# ------------------------------------------------------------------------------------ windows


def _convolution(call: Call) -> Any:
    given, weight, _bias, stride, padding, dilation, transposed = call.args[:7]
    geometry = call.known(given)
    if call.known(weight) is not None or not _is_map(geometry) or weight.ndim != 4:
        return Lost()
    axes = []
    for place, axis in enumerate((geometry.rows, geometry.columns)):
        see = axis.transposed if transposed else axis.windows
        how = (_pair(item)[place] for item in (stride, padding, dilation))
        axes.append(see(int(weight.shape[2 + place]), *how, int(call.made[0].shape[2 + place])))
    return Places(*axes)


def _pooling(call: Call) -> Any:
    """Take a maximum or mean over windows."""
    geometry = call.given
    if not _is_map(geometry):
        return Lost()
    kernel = _pair(call.args[1])
    stride = _pair(call.argument(2, "stride", ()), kernel)
    padding = _pair(call.argument(3, "padding", 0))
    dilation = call.argument(4, "dilation", 1)
    dilation = (1, 1) if isinstance(dilation, bool) else _pair(dilation)  # of means: ceil_mode
    rows, columns = (
        axis.windows(kernel[i], stride[i], padding[i], dilation[i], int(call.made[0].shape[i - 2]))
        for i, axis in enumerate((geometry.rows, geometry.columns))
    )
    return Places(rows, columns)


def _channel_pooling(call: Call) -> Any:
    """Take a mean over volumes, as local response normalisation does over channels."""
    alone = list(call.args[1])[-2:] == [1, 1] and list(call.args[2])[-2:] in ([1, 1], [])
    return call.given if alone else Lost()


def _adaptive_pooling(call: Call) -> Any:
    geometry = call.given
    if not _is_map(geometry):
        return Lost()
    height, width = (int(size) for size in call.made[0].shape[-2:])
    return Places(geometry.rows.adaptive(height), geometry.columns.adaptive(width))


def _enlarging(taps: int, corners: int) -> Rule:
    """Return the rule of an interpolation; `corners` is where align_corners stands, 0 for never."""

    def rule(call: Call) -> Any:
        geometry = call.given
        if not _is_map(geometry):
            return Lost()
        aligned = bool(corners and len(call.args) > corners and call.args[corners])
        lengths = call.made[0].shape[-2:]
        rows, columns = (
            _enlarged(axis, int(length), taps, aligned)
            for axis, length in zip((geometry.rows, geometry.columns), lengths, strict=True)
        )
        return Places(rows, columns)

    return rule


def _enlarged(axis: Axis, length: int, taps: int, aligned: bool) -> Axis:
    given = len(axis)
    places = np.arange(length)
    if taps == 1:
        return axis.taps((places * given // length)[:, None])
    if aligned:
        exact = places * (given - 1) / max(1, length - 1)
    else:
        exact = (places + 0.5) * given / length - 0.5
        exact = np.maximum(exact, 0) if taps == 2 else exact
    first = np.floor(exact).astype(np.int64)
    index = first[:, None] + np.arange(taps) - (taps // 2 - 1)
    index = np.clip(index, 0, given - 1)
    # Between two places that coincide there is nothing to mix.
    return axis.taps(
        np.where((exact == first)[:, None], np.minimum(first, given - 1)[:, None], index)
    )


def _to_channels(call: Call) -> Any:
    """Move blocks of places into channels (pixel unshuffle)."""
    geometry, factor = call.given, call.args[1]
    if not _is_map(geometry):
        return Lost()
    height, width = (int(size) for size in call.made[0].shape[-2:])
    rows = geometry.rows.windows(factor, factor, 0, 1, height)
    return Places(rows, geometry.columns.windows(factor, factor, 0, 1, width))


def _from_channels(call: Call) -> Any:
    """Move channels into blocks of places (pixel shuffle)."""
    geometry, factor = call.given, call.args[1]
    if not _is_map(geometry):
        return Lost()
    rows, columns = (
        axis.taps((np.arange(len(axis) * factor) // factor)[:, None])
        for axis in (geometry.rows, geometry.columns)
    )
    return Places(rows, columns)


# --------------------------------------------------------------------------- over dimensions


def _smeared(geometry: Any, dims: set[int]) -> Any:
    """Return what depends on all places along those dimensions, keeping the shape."""
    if not isinstance(geometry, Places) or not dims & set(geometry.dims):
        return geometry
    if geometry.merged:
        whole = geometry.whole(True)
        return Whole(whole.rows, whole.columns, mixed=True)
    rows, columns = geometry.rows, geometry.columns
    if geometry.dims[0] in dims:
        rows = rows.hull().spread(len(rows))
    if geometry.dims[1] in dims:
        columns = columns.hull().spread(len(columns))
    return replace(geometry, rows=rows, columns=columns)


def _softmax(call: Call) -> Any:
    return _smeared(call.given, {from_end(call.args[1], call.args[0].ndim)})


def _layer_norm(call: Call) -> Any:
    return _smeared(call.given, {-1 - i for i in range(len(call.args[1]))})


def _group_norm(call: Call) -> Any:
    return _smeared(call.given, {-2, -1})


def _reduction(call: Call) -> Any:
    """Take a mean, sum or maximum over some dimensions, or of two tensors."""
    if len(call.args) > 1 and isinstance(call.args[1], Tensor):
        return _pointwise(call)
    geometry, ndim = call.given, call.args[0].ndim
    dims = call.argument(1, "dim", None)
    gone = [dims] if isinstance(dims, int) else list(dims or range(ndim))
    gone = [from_end(dim, ndim) for dim in gone]
    if not isinstance(geometry, Places):
        return geometry
    kept = call.made[0].ndim == ndim
    lost = set(geometry.dims) & set(gone)
    if kept and not geometry.merged:
        short = [
            axis.hull() if dim in gone else axis
            for axis, dim in zip((geometry.rows, geometry.columns), geometry.dims, strict=True)
        ]
        return replace(geometry, rows=short[0], columns=short[1])
    if lost == set(geometry.dims):
        return geometry.whole(True)
    if lost:
        return Lost()
    moved = geometry.dims
    if not kept:
        moved = without(geometry.dims, gone)
    return replace(geometry, dims=moved)


# --------------------------------------------------------------------------------- products


def _product(call: Call) -> Any:
    """Multiply matrices; an addend may come first (addmm, baddbmm)."""
    left, right = call.args[-2:] if len(call.args) < 4 else call.args[1:3]
    addend = call.given if call.args[0] is not left else None
    geometry, other = call.known(left), call.known(right)
    if other is not None or geometry is None:
        return together(call.sources(), mixed=False)
    if isinstance(geometry, Places):
        if -1 not in geometry.dims:
            product: Geometry = geometry
        elif geometry.merged:
            product = geometry.whole(True)
        else:
            product = Lost()
    elif isinstance(geometry, Whole):
        product = replace(geometry, mixed=geometry.mixed or math.prod(left.shape[:-1]) == 1)
    else:
        product = geometry
    return product if addend is None else joined([product, addend])


def _attention(call: Call) -> Any:
    """Let every token depend on all of them."""
    return together(call.sources(), mixed=call.args[0].shape[0] == 1)


def _rules(**groups: tuple[Rule, str]) -> dict[str, Rule]:
    return {name: rule for rule, names in groups.values() for name in names.split()}


RULES: dict[str, Rule] = _rules(
    pointwise=(
        _pointwise,
        "pointwise clone contiguous detach alias _to_copy copy expand lift_fresh hardswish hardtanh"
        " _prelu_kernel channel_shuffle native_channel_shuffle _conj glu dropout native_dropout",
    ),
    nothing=(
        _nothing,
        "empty_like zeros_like ones_like full_like rand_like randn_like new_empty new_zeros"
        " new_ones new_full bernoulli",
    ),
    batch_norm=(
        _batch_norm,
        "native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training"
        " cudnn_batch_norm miopen_batch_norm _batch_norm_no_update _batch_norm_with_update",
    ),
    convolution=(_convolution, "convolution _convolution convolution_overrideable"),
    pooling=(_pooling, "max_pool2d max_pool2d_with_indices avg_pool2d"),
    channels=(_channel_pooling, "avg_pool3d"),
    adaptive=(_adaptive_pooling, "_adaptive_avg_pool2d adaptive_max_pool2d"),
    nearest=(_enlarging(1, 0), "upsample_nearest2d _upsample_nearest_exact2d"),
    bilinear=(_enlarging(2, 2), "upsample_bilinear2d"),
    bicubic=(_enlarging(4, 2), "upsample_bicubic2d"),
    to_channels=(_to_channels, "pixel_unshuffle"),
    from_channels=(_from_channels, "pixel_shuffle"),
    softmax=(_softmax, "_softmax _log_softmax _safe_softmax cumsum"),
    layer_norm=(_layer_norm, "native_layer_norm _fused_rms_norm"),
    group_norm=(_group_norm, "native_group_norm"),
    reduction=(
        _reduction,
        "mean sum amax amin max min var std var_mean logsumexp prod any all linalg_vector_norm",
    ),
    product=(_product, "mm bmm addmm baddbmm"),
    attention=(
        _attention,
        "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_flash_attention"
        " _scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention"
        " _scaled_dot_product_fused_attention_overrideable _native_multi_head_attention"
        " _transformer_encoder_layer_fwd",
    ),
    view=(
        moves.view,
        "view reshape _unsafe_view _reshape_alias unsqueeze squeeze unflatten flatten",
    ),
    strided=(moves.strided, "as_strided"),
    permutation=(moves.permutation, "permute transpose t"),
    slice=(moves.sliced, "slice"),
    select=(moves.select, "select"),
    parts=(moves.parts, "split split_with_sizes chunk unbind"),
    cat=(moves.cat, "cat"),
    stack=(moves.stack, "stack"),
    padding=(moves.padding, "constant_pad_nd"),
    reflection=(moves.reflection, "reflection_pad2d"),
    replication=(moves.replication, "replication_pad2d"),
    flip=(moves.flip, "flip"),
    roll=(moves.roll, "roll"),
)
