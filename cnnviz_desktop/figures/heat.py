"""Draw a heat map in each of its modes, the same for screen and paper.

What covers the picture is a veil: RGBA over the box that the map covers. A window lays it on the
picture as it paints, a figure lays it on pixels; lines and boxes come from `heat_shapes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from cnnviz_desktop.data import Box, Floats, Heatmap, ImageInput, Pixels
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.pixels import RGB

Mode = Literal["overlay", "heat", "masked", "contour", "colours"]
"""How a map is shown: over the picture, alone, as a mask, as lines, or channel by channel."""

MODES: tuple[Mode, ...] = get_args(Mode)
LEVELS = (0.25, 0.5, 0.75)  # of the maximum, where contours run
_HALF = 0.5  # of the maximum, where a hot region ends unless a threshold says otherwise
_DIM = (9, 9, 9, 223)  # leaves an eighth of the picture
_MOST = 99.5  # per cent of the magnitudes of a map of the input within its limits
_MANY = 2500  # values of a map in which a few may be cut off


@dataclass(frozen=True, kw_only=True)
class HeatLook:
    """How maps are drawn.

    `threshold` is the share of the maximum below which nothing is shown; `smooth` maps are scaled
    between their cells, others drawn as squares.
    """

    mode: Mode = "overlay"
    colormap: str | None = None
    opacity: float = 0.6
    threshold: float = 0.0
    signed: bool = False
    gamma: float = 1.0
    smooth: bool = True

    def mode_for(self, heatmap: Heatmap) -> Mode:
        """Return how that map is shown: not all have channels."""
        if self.mode == "colours" and not has_colours(heatmap):
            return "overlay"
        return self.mode

    def signed_for(self, heatmap: Heatmap) -> bool:
        """Tell whether zero is in the middle of that map's colours; magnitudes have no below."""
        return self.signed and heatmap.signed

    def colormap_for(self, heatmap: Heatmap) -> str:
        """Return the colours of that map: what was chosen, unless it shows no values below zero."""
        if self.colormap is not None and (
            self.signed_for(heatmap) == self.signed or self.colormap not in style.SIGNED_MAPS
        ):
            return self.colormap
        return style.SIGNED if self.signed_for(heatmap) else style.OVERLAY


def is_signed(heatmap: Heatmap) -> bool:
    """Tell whether a map is best seen with zero in the middle: a signed one at the input."""
    return heatmap.signed and not heatmap.layer


def has_colours(heatmap: Heatmap) -> bool:
    """Tell whether a map is known for each colour channel."""
    return heatmap.colours is not None and heatmap.colours.shape[-1] == 3


def high_of(heatmap: Heatmap, signed: bool) -> float:
    """Return the value of the last colour: the maximum, signed the greatest magnitude.

    Of maps of the input it is what all but the highest half per cent stay below: a few pixels stand
    out so far that no other would be seen.
    """
    if is_cut_off(heatmap):
        values = np.nan_to_num(heatmap.values, posinf=0.0, neginf=0.0)
        sizes = np.abs(values) if signed else np.maximum(values, 0)
        most = float(np.percentile(sizes, _MOST))
        if most > 0:
            return most
    return pixels.limits(heatmap.values, signed=signed)[1]


def is_cut_off(heatmap: Heatmap) -> bool:
    """Tell whether the highest values share the last colour."""
    return not heatmap.layer and heatmap.values.size >= _MANY


def highs(maps: tuple[Heatmap, ...], look: HeatLook, *, shared: bool) -> list[float]:
    """Return the value of the last colour of each map; `shared`: the greatest of them for all."""
    found = [high_of(item, look.signed_for(item)) for item in maps]
    return [max(found)] * len(found) if shared else found


def colours_limit(heatmap: Heatmap) -> float:
    """Return the magnitude that is full colour in a map shown channel by channel."""
    if heatmap.colours is None:
        return 0.0
    sizes = np.abs(np.nan_to_num(heatmap.colours, posinf=0.0, neginf=0.0))
    return float(np.percentile(sizes, _MOST)) or float(sizes.max())


def cut_of(threshold: float) -> float:
    """Return the share of the maximum at which a hot region ends: half where none is chosen."""
    return threshold or _HALF


def levels_of(threshold: float) -> tuple[float, ...]:
    """Return the shares of the maximum at which contours run: the threshold and what is above."""
    return tuple(sorted({*([threshold] if threshold else []), *LEVELS} - _below(threshold)))


def line_colours(heatmap: Heatmap, look: HeatLook, level: float) -> tuple[RGB, RGB]:
    """Return the colour of a line at a share of the last value, and that of its edge.

    The line has the colour that the bar shows; the edge sets it off from any picture.
    """
    signed = look.signed_for(heatmap)
    name = look.colormap_for(heatmap)
    red, green, blue = pixels.colour(level, name, 1.0, signed=signed, gamma=look.gamma).tolist()
    dark = 0.3 * red + 0.6 * green + 0.1 * blue < 128
    return (red, green, blue), (255, 255, 255) if dark else (0, 0, 0)


def veil(heatmap: Heatmap, look: HeatLook, high: float, height: int, width: int) -> Pixels:
    """Return what covers the box of the map, as RGBA (height, width, 4)."""
    match look.mode_for(heatmap):
        case "contour":
            return np.zeros((height, width, 4), np.uint8)
        case "colours":
            return _opaque(_channels(heatmap, look, height, width))
        case "masked":
            drawn = np.zeros((height, width, 4), np.uint8)
            values = scaled(heatmap.values, height, width, smooth=look.smooth)
            drawn[~(values > max(look.threshold * high, 0.0))] = _DIM
            return drawn
        case "heat":
            return _opaque(_heat(heatmap, look, high, height, width))
        case _:
            return _overlay(heatmap, look, high, height, width)


def drawn(image: ImageInput, heatmap: Heatmap, look: HeatLook, high: float, ground: RGB) -> Pixels:
    """Draw the map on a picture, in the pixels of that; its `region` must be in them as well.

    Where the mode shows no picture, all that the map does not cover is `ground`.
    """
    mode, region = look.mode_for(heatmap), heatmap.region
    below = image.pixels.copy()
    if not shows_picture(mode):
        below[...] = ground
    elif mode == "masked":
        below = _laid(below, np.broadcast_to(np.array(_DIM, np.uint8), (*below.shape[:2], 4)))
    seen = Box(
        max(region.top, 0),
        max(region.left, 0),
        min(region.bottom, below.shape[0]),
        min(region.right, below.shape[1]),
    )
    if seen.height > 0 and seen.width > 0:
        cover = veil(heatmap, look, high, region.height, region.width)
        part = cover[
            seen.top - region.top : seen.bottom - region.top,
            seen.left - region.left : seen.right - region.left,
        ]
        below[seen.slices()] = _laid(image.pixels[seen.slices()], part)
    return below


def shows_picture(mode: Mode) -> bool:
    """Tell whether the picture is seen in a mode."""
    return mode not in ("heat", "colours")


def scaled(values: Floats, height: int, width: int, *, smooth: bool) -> Floats:
    """Scale a map (h, w) to (height, width): between its cells, or each cell a square."""
    if values.shape == (height, width):
        return values
    if smooth:
        top = 1e38  # a sum of two must stay finite
        return pixels.resize(np.nan_to_num(values, posinf=top, neginf=-top), height, width)
    rows, columns = (
        ((np.arange(size) + 0.5) * cells / size).astype(np.intp)
        for size, cells in zip((height, width), values.shape, strict=True)
    )
    cells: Floats = values[rows[:, None], columns[None]]
    return cells


def _below(threshold: float) -> set[float]:
    return {level for level in LEVELS if level < threshold}


def _overlay(heatmap: Heatmap, look: HeatLook, high: float, height: int, width: int) -> Pixels:
    """Return heat whose opacity grows with the value: zero (unsigned: and below) is clear."""
    signed = look.signed_for(heatmap)
    values = np.nan_to_num(scaled(heatmap.values, height, width, smooth=look.smooth))
    unit = pixels.normalise(values, -high if signed else 0.0, high, look.gamma)
    share = np.abs(2 * unit - 1) if signed else unit
    # Rising fast at first: the dark middle of a colour map would drown in a photograph otherwise.
    cover = 255 * look.opacity * (1 - (1 - share) ** 2)
    if look.threshold:
        cover[(np.abs(values) if signed else values) < look.threshold * high] = 0
    made = _opaque(
        pixels.colour(values, look.colormap_for(heatmap), high, signed=signed, gamma=look.gamma)
    )
    made[..., 3] = np.round(cover)
    return made


def _heat(heatmap: Heatmap, look: HeatLook, high: float, height: int, width: int) -> Pixels:
    """Return the map alone; cells that are no numbers keep their own colour."""
    signed = look.signed_for(heatmap)
    values = scaled(heatmap.values, height, width, smooth=look.smooth)
    if look.threshold:
        size = np.abs(values) if signed else values
        values = np.where(size < look.threshold * high, np.float32(0), values)
    made = pixels.colour(values, look.colormap_for(heatmap), high, signed=signed, gamma=look.gamma)
    missing = np.isnan(heatmap.values)
    if missing.any():
        made = made.copy()
        cells = scaled(missing.astype(np.float32), height, width, smooth=False)
        made[cells > 0] = style.NO_VALUE
    return made


def _channels(heatmap: Heatmap, look: HeatLook, height: int, width: int) -> Pixels:
    """Return what each colour channel says as that colour, zero at mid-grey."""
    assert heatmap.colours is not None
    limit = colours_limit(heatmap) or 1.0
    parts = [
        pixels.normalise(scaled(part, height, width, smooth=look.smooth), -limit, limit, look.gamma)
        for part in np.moveaxis(np.nan_to_num(heatmap.colours), -1, 0)
    ]
    return np.round(255 * np.stack(parts, axis=-1)).astype(np.uint8)


def _opaque(rgb: Pixels) -> Pixels:
    made: np.ndarray[Any, np.dtype[np.uint8]] = np.empty((*rgb.shape[:2], 4), np.uint8)
    made[..., :3] = rgb
    made[..., 3] = 255
    return made


def _laid(below: Pixels, cover: Pixels) -> Pixels:
    """Lay RGBA over RGB of the same size."""
    share = cover[..., 3:].astype(np.uint16)
    mixed = cover[..., :3] * share + below * (255 - share) + 127
    return (mixed // 255).astype(np.uint8)
