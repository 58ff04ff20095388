"""Read kernels out of a layer, and what can be told from them alone."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from cnnviz_desktop.data import FilterBank, Floats
from cnnviz_desktop.engine.recording import PassEnded, first_tensor, hooked
from cnnviz_desktop.engine.run import SILENT, Run

if TYPE_CHECKING:
    from torch import Tensor

    from cnnviz_desktop.engine.loaded_model import LoadedModel

_SPECTRUM = 33  # frequencies along a side, with that of zero in the middle
_FEW_INPUTS = 4  # up to here transforming each kernel is quicker than correlating them first
_BLOCK = 512  # filters compared with all others at once


def kernels(module: nn.Module, name: str) -> FilterBank | None:
    """Return a layer's kernels (N, I, kh, kw), a linear one's as 1x1; None where it has none."""
    weight = filter_weights(module)
    if weight is None:
        return None
    values = weight.float().cpu().numpy()
    if values.ndim == 2:
        values = values[:, :, None, None]
    dilation = getattr(module, "dilation", (1, 1))
    return FilterBank(
        values=np.array(values, order="C"),
        layer=name,
        groups=int(getattr(module, "groups", 1)),
        dilation=tuple(map(int, dilation)) if isinstance(dilation, tuple) else (1, 1),
    )


def filter_weights(module: nn.Module) -> Tensor | None:
    """Return a layer's own weights, its filters first; None where they are no kernels."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, torch.Tensor) or weight.ndim not in (2, 4):
        return None
    return by_filter(module, weight)


def by_filter(module: nn.Module, weight: Tensor) -> Tensor:
    """Return a layer's weights with its filters first (out, in / groups, ...).

    Those of a transposed convolution have its inputs first: (in, out / groups, ...).
    """
    weight = weight.detach()
    if not isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
        return weight
    split = weight.reshape(module.groups, -1, *weight.shape[1:])
    return split.transpose(1, 2).flatten(0, 1)


def reader(model: LoadedModel, layer: str) -> tuple[str, nn.Module] | None:
    """Return the first module of a pass that reads the layer's very output, and its name.

    None where none does: functional calls and sums are no modules. A layer that hands its input on
    as it is (Identity, Dropout) is looked through.
    """
    names = {child: name for name, child in model.module.named_modules()}
    given: Tensor | None = None
    written = 0  # how often something was written into it when the layer gave it
    found: tuple[str, nn.Module] | None = None

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        nonlocal given, written
        given = first_tensor(output)
        written = 0 if given is None else given._version

    def look(module: nn.Module, inputs: object) -> None:
        nonlocal found
        read = isinstance(inputs, tuple) and any(item is given for item in inputs)
        passes = isinstance(module, (nn.Identity, nn.Dropout))
        if given is None or not read or passes or given._version != written:
            return
        if next(module.children(), None) is None or isinstance(module, nn.BatchNorm2d):
            found = names[module], module
            raise PassEnded

    size, channels = model.preprocessing.size, model.preprocessing.channels
    example = torch.zeros(1, channels, *size, device=model.device)
    example = example.contiguous(memory_format=model.layout)
    with (
        torch.no_grad(),  # inference mode does not count what is written in place
        hooked([model.module.get_submodule(layer)], after=keep),
        hooked(names, before=look),
        suppress(PassEnded),
    ):
        model.module(example)
    return found


def norm_scale(module: nn.Module) -> Floats | None:
    """Return what a batch norm multiplies each channel (N) by, None for any other module.

    y = (x - mean) / sqrt(var + eps) * weight + bias, so the kernels before it are weighed by
    weight / sqrt(var + eps). Frozen ones, as detectors have them, keep the same names.
    """
    var, eps = getattr(module, "running_var", None), getattr(module, "eps", None)
    if "Norm" not in type(module).__name__ or not isinstance(var, torch.Tensor) or eps is None:
        return None
    scale = torch.rsqrt(var.detach().cpu().double() + float(eps))
    weight = getattr(module, "weight", None)
    if isinstance(weight, torch.Tensor):
        scale = scale * weight.detach().cpu().double()
    found: Floats = scale.float().numpy()
    return found


def norms(values: Floats) -> Floats:
    """Return the L2 norm of each filter (N)."""
    flat = values.reshape(len(values), -1)
    lengths: Floats = np.linalg.norm(flat.astype(np.float64), axis=1).astype(np.float32)
    return lengths


def near_duplicates(
    values: Floats, cosine: float, run: Run = SILENT
) -> tuple[tuple[int, ...], ...]:
    """Return groups of two filters or more that are linked by pairs of at least that cosine.

    The largest group first; kernels of nothing are in none.
    """
    flat, lengths = values.reshape(len(values), -1), norms(values)
    sound = np.isfinite(lengths) & (lengths > 0)
    unit = np.where(sound[:, None], flat, 0) / np.where(sound, lengths, 1)[:, None]
    leader = list(range(len(values)))

    def first(place: int) -> int:
        while leader[place] != place:
            leader[place] = leader[leader[place]]
            place = leader[place]
        return place

    starts = range(0, len(values), _BLOCK)
    for start in run.track(starts, "Comparing filters") if len(starts) > 1 else starts:
        alike = unit[start : start + _BLOCK] @ unit.T >= np.float32(cosine - 1e-6)
        for row, other in np.argwhere(np.triu(alike, start + 1)).tolist():
            one, two = sorted((first(start + row), first(other)))
            leader[two] = one
    groups: dict[int, list[int]] = {}
    for place in np.flatnonzero(sound).tolist():
        groups.setdefault(first(place), []).append(place)
    found = [tuple(group) for group in groups.values() if len(group) > 1]
    return tuple(sorted(found, key=lambda group: (-len(group), group)))


def spectrum(values: Floats, dilation: tuple[int, ...] = (1, 1)) -> Floats:
    """Return each filter's gain (N, 1, S, S) by frequency, over all its inputs together.

    It is the magnitude of the kernel's Fourier transform; of several inputs, the root of their sum
    of squares. Frequencies reach from -0.5 to 0.5 cycles per cell, zero in the middle; seen as a
    picture, stripes lie across the line from the middle to their frequency.
    """
    filters, inputs = values.shape[:2]
    spread = _dilated(values, dilation)
    tall, wide = spread.shape[2:]
    side = max(_SPECTRUM, 2 * max(tall, wide) - 1)
    side += 1 - side % 2
    power = np.empty((filters, side, side))
    for place in range(filters):
        kernel = spread[place].astype(np.float64)
        if inputs <= _FEW_INPUTS:
            transformed = np.fft.fft2(kernel, (side, side))
            power[place] = (np.abs(transformed) ** 2).sum(axis=0)
        else:
            power[place] = np.fft.fft2(_correlated(kernel, side)).real
    gain = np.sqrt(np.maximum(np.fft.fftshift(power, axes=(1, 2)), 0))
    return np.ascontiguousarray(gain[:, None], dtype=np.float32)


def _dilated(values: Floats, dilation: tuple[int, ...]) -> Floats:
    """Return kernels with the cells between theirs written out as zeros."""
    down, across = dilation
    if (down, across) == (1, 1):
        return values
    filters, inputs, tall, wide = values.shape
    spread = np.zeros((filters, inputs, (tall - 1) * down + 1, (wide - 1) * across + 1), np.float32)
    spread[:, :, ::down, ::across] = values
    return spread


def _correlated(
    kernel: np.ndarray[tuple[int, ...], np.dtype[np.float64]], side: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the autocorrelation (side, side) of a kernel (I, kh, kw), summed over its inputs.

    Its transform is the sum of the powers of all inputs: one transform in place of thousands.
    """
    inputs, tall, wide = kernel.shape
    flat = kernel.reshape(inputs, -1)
    products = flat.T @ flat
    rows, columns = np.divmod(np.arange(tall * wide), wide)
    down = (rows[:, None] - rows) % side
    across = (columns[:, None] - columns) % side
    summed = np.zeros(side * side)
    summed += np.bincount((down * side + across).ravel(), products.ravel(), side * side)
    return summed.reshape(side, side)
