"""Draw the small pictures that a training logs: filters, maps and where a network looks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Drawn = NDArray[np.uint8]

_MOST_FILTERS = 64
_MOST_MAPS = 16
_FILTER_SIDE = 24  # pixels that a kernel is enlarged to
_MAP_SIDE = 48
_GAP = 2
_HOT = (1.0, 0.45, 0.0)


def filters(weight: Tensor) -> Drawn:
    """Return kernels (N, I, kh, kw) as a sheet (H, W, 3): in colour where there are three inputs.

    Zero is mid-grey, all have one scale.
    """
    kernels = weight[:_MOST_FILTERS].float().cpu()
    if kernels.shape[1] != 3:
        kernels = kernels.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    most = kernels.abs().max().clamp_min(1e-12)
    return _sheet((kernels / most + 1) / 2, _FILTER_SIDE)


def maps(values: Tensor) -> Drawn:
    """Return the strongest maps of (C, h, w) as a sheet (H, W, 3), each from low to high."""
    order = values.float().flatten(1).amax(1).argsort(descending=True, stable=True)
    kept = values[order[:_MOST_MAPS].sort().values].float().cpu()
    return _sheet(_stretched(kept)[:, None].expand(-1, 3, -1, -1), _MAP_SIDE)


def overlay(picture: Tensor, heat: Tensor) -> Drawn:
    """Return an input (C, H, W) with heat (h, w) laid over it, (H, W, 3)."""
    shown = _stretched(picture.detach().float().cpu().flatten()[None, None])[0, 0]
    shown = shown.reshape(picture.shape)
    ground = shown.mean(0, keepdim=True).expand(3, -1, -1)
    warm = functional.interpolate(
        heat.detach().float().cpu()[None, None], picture.shape[1:], mode="bilinear"
    )[0]
    warm = warm / warm.max().clamp_min(1e-12)
    mixed = ground * (1 - 0.8 * warm) + torch.tensor(_HOT).view(3, 1, 1) * 0.8 * warm
    return _pixels(mixed)


def in_a_row(drawn: list[Drawn]) -> Drawn:
    """Return pictures of one size beside each other."""
    gap = np.full((drawn[0].shape[0], _GAP, 3), 255, np.uint8)
    parts = [part for item in drawn for part in (item, gap)]
    return np.concatenate(parts[:-1], 1)


def _stretched(values: Tensor) -> Tensor:
    """Bring each of (N, h, w) to 0..1; what is the same everywhere is 0."""
    finite = torch.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = finite.amin((1, 2), keepdim=True), finite.amax((1, 2), keepdim=True)
    return (finite - low) / (high - low).clamp_min(1e-12)


def _sheet(tiles: Tensor, side: int) -> Drawn:
    """Return tiles (N, 3, h, w) of 0..1, enlarged, in about as many rows as columns."""
    zoom = max(1, side // max(tiles.shape[2:]))
    tiles = tiles.repeat_interleave(zoom, 2).repeat_interleave(zoom, 3)
    columns = math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    height, width = tiles.shape[2] + _GAP, tiles.shape[3] + _GAP
    sheet = torch.ones(3, rows * height - _GAP, columns * width - _GAP)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        top, left = row * height, column * width
        sheet[:, top : top + tile.shape[1], left : left + tile.shape[2]] = tile
    return _pixels(sheet)


def _pixels(values: Tensor) -> Drawn:
    drawn: Drawn = (values.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    return drawn
