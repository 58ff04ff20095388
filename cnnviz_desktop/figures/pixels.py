"""Turn results into uint8 RGB arrays for a screen, fast and without matplotlib.

Values keep their units until here. Limits say which value gets the first and which the last colour
of a colour map: rectified 0..max, or signed -m..m. Infinite values never set a limit and take the
end colours; values that are not numbers take `style.NO_VALUE`. An all-silent map is the colour of
zero.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from cnnviz_desktop.data import Box, Floats, Heatmap, ImageInput, Pixels
from cnnviz_desktop.figures import style

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Scale = Literal["tile", "layer"]
"""Whether each map (or filter) is scaled by its own limits or all by the layer's."""

RGB = tuple[int, int, int]
Indices: TypeAlias = "np.ndarray[tuple[Any, ...], np.dtype[np.uint16]]"

_STEPS = 4096  # finer than the 256 colours, so that a gamma does not break dark parts into bands
_NO_VALUE = _STEPS + 1
_GROUND = _STEPS + 2
_SMALLEST = 1e-30  # below this a limit counts as zero: dividing by it would leave float32


def limits(values: ArrayLike, *, signed: bool = False) -> tuple[float, float]:
    """Return (0, max) or, for signed values, (-m, m) with m the greatest magnitude."""
    low, high = map_limits(np.asarray(values, np.float32).reshape(1, -1), signed=signed)[0]
    return float(low), float(high)


def map_limits(values: ArrayLike, *, signed: bool = False) -> Floats:
    """Return the (low, high) limits of every map of a stack (C, ...) as (C, 2)."""
    high, _finite = _reach(np.asarray(values, np.float32), signed)
    return np.stack([-high if signed else np.zeros_like(high), high], axis=1)


def _reach(maps: Floats, signed: bool) -> tuple[Floats, bool]:
    """Return the upper limit of every map, and whether nothing in them exceeds it.

    Infinite values do, and so does what is not a number; of values below zero in rectified maps
    nothing is said.
    """
    if not maps.size:
        return np.zeros(len(maps), np.float32), True
    flat = maps.ravel()
    starts = np.arange(0, flat.size, flat.size // len(maps))  # twice as fast as max(axis=1)
    high: Floats = np.maximum(np.maximum.reduceat(flat, starts), 0)
    if signed:
        high = np.maximum(high, -np.minimum.reduceat(flat, starts))
    if np.isfinite(high).all():
        return high, True
    return _reach(np.where(np.isfinite(maps), maps, np.float32(0)), signed)[0], False


def normalise(values: ArrayLike, low: float, high: float, gamma: float = 1.0) -> Floats:
    """Return values as 0..1 between limits as `limits` gives them, not-a-number kept.

    Gamma acts on the distance from zero, so signed maps keep zero in the middle.
    """
    raw = np.asarray(values, np.float32)
    if high - low < _SMALLEST:
        unit = np.full_like(raw, 0.5 if low < 0 else 0.0)
        unit[np.isnan(raw)] = np.nan
        return unit
    unit = np.clip(raw, np.float32(low), np.float32(high)) / np.float32(high)
    if gamma != 1.0:
        unit = np.copysign(np.abs(unit) ** np.float32(gamma), unit)
    return np.float32(0.5) * unit + np.float32(0.5) if low < 0 else unit


def colour(
    values: ArrayLike,
    colormap: str | None = None,
    limit: float | None = None,
    *,
    signed: bool = False,
    gamma: float = 1.0,
) -> Pixels:
    """Colour an array of any shape by 0..limit (signed: -limit..limit); append an RGB axis.

    Without a limit the array's own greatest value (signed: magnitude) is taken.
    """
    raw = np.asarray(values, np.float32)
    high = limits(raw, signed=signed)[1] if limit is None else limit
    index = _quantise(raw.reshape(1, -1), np.array([high], np.float32), signed)
    return _table(_colormap(colormap, signed), gamma, signed).take(index.reshape(raw.shape), axis=0)


def tiles(
    values: ArrayLike,
    colormap: str | None = None,
    *,
    scale: Scale = "tile",
    limit: float | None = None,
    signed: bool = False,
    gamma: float = 1.0,
) -> Pixels:
    """Colour a stack of maps (C, h, w) as tiles (C, h, w, 3); a limit overrides the scale."""
    index = _steps_of(np.asarray(values, np.float32), scale, limit, signed)
    return _table(_colormap(colormap, signed), gamma, signed).take(index, axis=0)


def mosaic(
    values: ArrayLike,
    columns: int,
    colormap: str | None = None,
    *,
    scale: Scale = "tile",
    limit: float | None = None,
    signed: bool = False,
    gamma: float = 1.0,
    gap: int = 1,
    ground: RGB = (0, 0, 0),
) -> Pixels:
    """Colour a stack of maps (C, h, w) and lay the tiles out in rows on one sheet (H, W, 3)."""
    index = _steps_of(np.asarray(values, np.float32), scale, limit, signed)
    laid_out = _lay_out(index, columns, gap, np.uint16(_GROUND))
    return _table(_colormap(colormap, signed), gamma, signed, ground).take(laid_out, axis=0)


def sheet(
    pictures: Pixels, columns: int, gap: int = 1, ground: tuple[int, ...] = (0, 0, 0)
) -> Pixels:
    """Lay finished RGB or RGBA tiles (N, h, w, ...) out in rows, `gap` pixels of ground between."""
    return _lay_out(pictures, columns, gap, np.array(ground, np.uint8))


def strongest(values: ArrayLike, count: int | None = None) -> NDArray[np.intp]:
    """Return the channels of a stack (C, h, w) by falling energy (sum of squares), at most `count`.

    Maps with values that are not finite come first: a broken channel should be seen.
    """
    maps = np.asarray(values, np.float32)
    flat = maps.reshape(len(maps), -1)
    with np.errstate(over="ignore"):  # an energy beyond float64 cannot come from finite float32
        energy = np.einsum("ci,ci->c", flat, flat, dtype=np.float64)
    energy[~np.isfinite(energy)] = np.inf
    return np.argsort(-energy, kind="stable")[:count]


def from_unit(values: ArrayLike) -> Pixels:
    """Return pictures (..., 3) of values in 0..1 as RGB; what is not a number is black."""
    drawn = np.nan_to_num(np.asarray(values, np.float32)).clip(0, 1) * np.float32(255)
    return np.round(drawn).astype(np.uint8)


def resize(values: ArrayLike, height: int, width: int) -> Floats:
    """Scale a map (h, w) bilinearly to (height, width), pixel centres at halves.

    Enlarging gives what torch's `interpolate(align_corners=False)` gives; shrinking averages over
    the pixels that fall together, so that nothing is skipped.
    """
    everything = Box(0, 0, height, width)
    return _stretch(np.asarray(values, np.float32), everything, everything)


def overlay(
    image: ImageInput,
    heatmap: Heatmap,
    opacity: float = 0.6,
    colormap: str | None = None,
    *,
    gamma: float = 1.0,
    signed: bool = False,
    limit: float | None = None,
) -> Pixels:
    """Lay a heatmap over the box of the picture that it covers, at the picture's own size.

    For a value of share t of the limit the opacity is `opacity` times 1 - (1 - t)^2; at zero and
    below (signed: at zero) the picture is clear.
    """
    return overlay_values(
        image,
        heatmap.values,
        heatmap.region,
        opacity,
        colormap,
        gamma=gamma,
        signed=signed,
        limit=limit,
    )


def overlay_values(
    image: ImageInput,
    values: ArrayLike,
    region: Box,
    opacity: float = 0.6,
    colormap: str | None = None,
    *,
    gamma: float = 1.0,
    signed: bool = False,
    limit: float | None = None,
) -> Pixels:
    """Lay any map (h, w) over a box of the picture; `limit` is the value of full opacity."""
    heat = np.asarray(values, np.float32)
    high = limits(heat, signed=signed)[1] if limit is None else limit
    blended = image.pixels.copy()
    if not np.isfinite(heat).all():  # one broken cell must not blur into its neighbours
        heat = np.nan_to_num(heat, nan=0.0, posinf=high, neginf=-high if signed else 0.0)
    whole = image.whole  # a region made by padding reaches beyond it
    seen = Box(
        max(region.top, 0),
        max(region.left, 0),
        min(region.bottom, whole.bottom),
        min(region.right, whole.right),
    )
    if seen.height <= 0 or seen.width <= 0:
        return blended
    part = blended[seen.slices()]
    index = _quantise(_stretch(heat, region, seen)[None], np.array([high], np.float32), signed)[0]
    paint, keep = _blend_tables(colormap or _overlay_colormap(signed), gamma, signed, opacity)
    for top in range(0, len(part), 256):  # bands bound the scratch memory of large pictures
        band = index[top : top + 256]
        below = part[top : top + 256]
        below[...] = (paint.take(band, axis=0) + below * keep.take(band, axis=0)) >> 8
    return blended


def seen_by(image: ImageInput, region: Box, height: int, width: int) -> Pixels:
    """Return what the network saw of a picture, scaled to (height, width): a ground for its maps.

    Where the region reaches beyond the picture it is black, as padding is.
    """
    from PIL import Image

    whole = Image.fromarray(image.pixels)
    cut = (region.left, region.top, region.right, region.bottom)
    inside = region.top >= 0 and region.left >= 0
    inside = inside and region.bottom <= whole.height and region.right <= whole.width
    how = Image.Resampling.BILINEAR
    if inside:
        return np.asarray(whole.resize((width, height), how, cut, reducing_gap=2.0))
    return np.asarray(whole.crop(cut).resize((width, height), how, reducing_gap=2.0))


def overlay_tiles(
    ground: Pixels,
    values: ArrayLike,
    opacity: float = 0.6,
    colormap: str | None = None,
    *,
    scale: Scale = "tile",
    limit: float | None = None,
    signed: bool = False,
    gamma: float = 1.0,
) -> Pixels:
    """Lay each map of a stack (C, h, w) over one ground (h, w, 3), as `overlay` does -> tiles."""
    index = _steps_of(np.asarray(values, np.float32), scale, limit, signed)
    np.copyto(index, _STEPS // 2 if signed else 0, where=index == _NO_VALUE)
    name = colormap or _overlay_colormap(signed)
    paint, keep = _blend_tables(name, gamma, signed, opacity)
    drawn = np.empty((*index.shape, 3), np.uint8)
    for place, one in enumerate(index):  # one by one: their scratch memory stays in the cache
        drawn[place] = (paint.take(one, axis=0) + ground * keep.take(one, axis=0)) >> 8
    return drawn


def rgb_kernels(values: ArrayLike, *, scale: Scale = "tile") -> Pixels:
    """Draw kernels over three colour channels (N, 3, kh, kw) as RGB tiles, zero at mid-grey."""
    kernels = np.asarray(values, np.float32)
    index = _quantise(kernels, _highs(kernels, scale, None, signed=True), signed=True)
    levels = _table(style.KERNELS, 1.0, signed=True)[:, 0].take(index)
    drawn = np.ascontiguousarray(levels.transpose(0, 2, 3, 1))
    drawn[(index == _NO_VALUE).any(axis=1)] = style.NO_VALUE
    return drawn


def kernel_tiles(
    values: ArrayLike, colormap: str = style.KERNELS, *, scale: Scale = "tile"
) -> Pixels:
    """Draw kernels (N, I, kh, kw) as tiles (N, I, kh, kw, 3), zero in the middle of the map.

    A filter's kernels share one symmetric scale, or all filters do, so that they can be compared.
    """
    kernels = np.asarray(values, np.float32)
    index = _quantise(kernels, _highs(kernels, scale, None, signed=True), signed=True)
    return _table(colormap, 1.0, signed=True).take(index, axis=0)


def _colormap(colormap: str | None, signed: bool) -> str:
    """Return the colour map to use for maps."""
    return colormap or (style.SIGNED if signed else style.SEQUENTIAL)


def _overlay_colormap(signed: bool) -> str:
    """Return the colour map to use on a photograph."""
    return style.SIGNED if signed else style.OVERLAY


def _highs(maps: Floats, scale: Scale, limit: float | None, signed: bool) -> Floats:
    """Return the upper limit of each map."""
    if limit is not None:
        return np.full(len(maps), limit, np.float32)
    return _shared(_reach(maps, signed)[0], scale)


def _shared(highs: Floats, scale: Scale) -> Floats:
    """Return the limits of maps, all of them the greatest where they share one scale."""
    if scale == "layer":
        return np.full(len(highs), highs.max(initial=0), np.float32)
    return highs


def _steps_of(maps: Floats, scale: Scale, limit: float | None, signed: bool) -> Indices:
    """Return the row of the colour table for every value, in the fewest walks over the values."""
    if limit is not None:
        return _quantise(maps, np.full(len(maps), limit, np.float32), signed)
    highs, inside = _reach(maps, signed)
    return _quantise(maps, _shared(highs, scale), signed, inside=inside)


def _stretch(values: Floats, region: Box, part: Box) -> Floats:
    """Scale a map (h, w) to a region and return the part of it that is wanted."""
    from PIL import Image

    rows, columns = values.shape
    down, across = rows / region.height, columns / region.width
    cut = (
        (part.left - region.left) * across,
        (part.top - region.top) * down,
        min((part.right - region.left) * across, columns),  # Pillow takes no rounding error
        min((part.bottom - region.top) * down, rows),
    )
    picture = Image.fromarray(np.ascontiguousarray(values))
    size = part.width, part.height
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR, box=cut))


def _quantise(maps: Floats, highs: Floats, signed: bool, *, inside: bool = False) -> Indices:
    """Return the row of the colour table for every value of a stack (C, ...) with C `highs`.

    `inside`: the limits are known to hold for all values, but for those below zero of rectified
    maps.
    """
    flat = raw = maps.reshape(len(maps), -1)  # long rows make the short work of numpy's loops
    finite = inside or bool(np.isfinite(raw).all())
    if not finite:
        flat = np.nan_to_num(raw, nan=0.0)
    steps, zero = (_STEPS / 2, _STEPS / 2) if signed else (_STEPS, 0)
    reach = highs.astype(np.float64)
    # Not by zero, or a silent map's minus infinity would become no number.
    zoom = np.where(reach > _SMALLEST, steps / np.maximum(reach, _SMALLEST), _SMALLEST)
    with np.errstate(over="ignore"):
        scaled = flat * zoom.astype(np.float32)[:, None]
    scaled += np.float32(zero + 0.5)  # the cast below cuts off: round half up
    if not inside:
        np.clip(scaled, 0, _STEPS, out=scaled)
    elif not signed:
        np.maximum(scaled, np.float32(0), out=scaled)
    index: Indices = scaled.astype(np.uint16)
    if not finite:
        index[np.isposinf(raw)] = _STEPS
        index[np.isneginf(raw)] = 0
        index[np.isnan(raw)] = _NO_VALUE
    return index.reshape(maps.shape)


def _strengths(gamma: float, signed: bool) -> NDArray[np.float64]:
    """Return the distance from zero, 0..1, of every step of the colour table after gamma."""
    unit = np.arange(_STEPS + 1) / _STEPS
    distance: NDArray[np.float64] = np.abs(2 * unit - 1 if signed else unit) ** gamma
    return distance


@lru_cache(maxsize=64)
def _table(colormap: str, gamma: float, signed: bool, ground: RGB = (0, 0, 0)) -> Pixels:
    """Return the colours of all steps, of a missing value and of the ground, read-only."""
    unit = _strengths(gamma, signed)
    if signed:
        unit = 0.5 + np.copysign(unit, np.arange(_STEPS + 1) - _STEPS / 2) / 2
    rows = style.lut(colormap)[np.floor(unit * 255 + 0.5).astype(np.intp)]
    table = np.vstack([rows, np.array([style.NO_VALUE, ground], np.uint8)])
    table.setflags(write=False)
    return table


@lru_cache(maxsize=16)
def _blend_tables(
    colormap: str, gamma: float, signed: bool, opacity: float
) -> tuple[Indices, Indices]:
    """Return what every step adds to a pixel and how much of it, in 256ths, it keeps.

    Whole numbers in 16 bits: a pixel under opacity 0 comes through unchanged, to the bit.
    """
    # Rising fast at first: the dark middle of a colour map would drown in a photograph otherwise.
    strength = 1 - (1 - _strengths(gamma, signed)[:, None]) ** 2
    cover = np.round(256 * min(max(opacity, 0.0), 1.0) * strength)
    colours = _table(colormap, gamma, signed)[: _STEPS + 1]
    return (colours * cover + 128).astype(np.uint16), (256 - cover).astype(np.uint16)


def _lay_out(
    pictures: NDArray[Any], columns: int, gap: int, ground: NDArray[Any] | np.generic
) -> NDArray[Any]:
    """Lay tiles (N, h, w, ...) out in rows of `columns`; fill what is left with ground."""
    count, height, width, *rest = pictures.shape
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    cells = np.empty((rows, height + gap, columns, width + gap, *rest), pictures.dtype)
    cells[...] = ground
    full, left_over = divmod(count, columns)
    cells[:full, :height, :, :width] = (
        pictures[: full * columns].reshape(full, columns, height, width, *rest).swapaxes(1, 2)
    )
    if left_over:
        cells[full, :height, :left_over, :width] = pictures[full * columns :].swapaxes(0, 1)
    joined = cells.reshape(rows * (height + gap), columns * (width + gap), *rest)
    return np.ascontiguousarray(joined[: len(joined) - gap, : joined.shape[1] - gap])
