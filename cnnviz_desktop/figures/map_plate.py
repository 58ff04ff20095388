"""Draw a layer's feature maps as a page of tiles."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from cnnviz_desktop.data import Activation, Floats, ImageInput, Pixels
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.grid import TILE_PIXELS, TileGrid
from cnnviz_desktop.figures.numerals import MINUS, count, number
from cnnviz_desktop.figures.options import BAR_ROW, HEAD, PlateOptions
from cnnviz_desktop.figures.page import Page, say_broken, say_image

_SHOWN = 64
_SHOWN_ON_SLIDE = 48  # with room below each for its caption
_FLATTEST = 3.0  # beyond this ratio of its sides a map is stretched: a hairline shows nothing


def map_plate(activation: Activation, image: ImageInput | None, options: PlateOptions) -> Figure:
    """Draw the strongest channels with their index and maximum; all of few stay in order."""
    maps = activation.values
    usual = _SHOWN_ON_SLIDE if options.slide else _SHOWN
    shown = min(len(maps), options.limit or usual)
    order = np.arange(len(maps)) if shown == len(maps) else pixels.strongest(maps, shown)
    chosen = maps[order]
    signed = options.is_signed(_has_two_signs(chosen))
    gamma = options.gamma or (1.0 if signed else style.GAMMA)
    # One map alone, or maps of one value each, have nothing but the layer to be measured by.
    own = options.scale == "tile" and shown > 1 and maps[0].size > 1
    tiles = _draw(chosen, own, signed, gamma, options.colormap)
    grid = TileGrid.arrange(tiles, options)
    page = Page(grid.width, grid.height + options.bar_row, options)
    taken = page.thumbnail(image, activation.region) if image else 0.0
    title = options.title or activation.layer or "The whole network"
    page.heading(title, _describe(activation, shown, image), taken=taken)
    grid.draw(page, tiles)
    peaks = _peaks(chosen, signed)
    grid.label(page, [str(channel) for channel in order], [number(float(p)) for p in peaks])
    if options.colour_bar:
        low, high = pixels.limits(chosen, signed=signed)
        spread = np.linspace(low, high, 256) if high else np.zeros(256)
        page.colour_bar(
            HEAD + grid.height + BAR_ROW,
            (f"{MINUS}peak" if own else number(low)) if signed else "0",
            "peak" if own else number(high),
            pixels.colour(spread, options.colormap, signed=signed, gamma=gamma),
            _say_scale(own, signed, chosen, high) + say_broken(maps),
        )
    return page.figure


def _describe(activation: Activation, shown: int, image: ImageInput | None) -> list[str]:
    """Return the details for the heading."""
    channels, height, width = activation.values.shape
    details = [f"{count(channels)} {'map' if channels == 1 else 'maps'} of {height}×{width}"]
    if shown < channels:
        details.append(f"{count(shown)} strongest of {count(channels)}")
    if activation.call:
        details.append(f"call {activation.call + 1} of the layer")
    return [*details, *say_image(image)]


def _say_scale(own: bool, signed: bool, chosen: Floats, high: float) -> str:
    """Say what the colours mean."""
    if high == 0:
        said = "every channel shown is silent"
    elif own:
        kind = "value farthest from zero" if signed else "maximum"
        said = f"each tile's {kind}, written below it; {number(high)} at most"
    else:
        said = "one scale for all tiles" if len(chosen) > 1 else "the layer's own units"
    return said if signed or not (chosen < 0).any() else f"{said}; below zero drawn as zero"


def _has_two_signs(maps: Floats) -> bool:
    """Tell whether negative values matter; the shallow dip of a SiLU or GELU does not."""
    return pixels.limits(-maps)[1] > 0.1 * pixels.limits(maps)[1]


def _peaks(maps: Floats, signed: bool) -> Floats:
    """Return each map's maximum or, signed, its value farthest from zero."""
    flat = maps.reshape(len(maps), -1)
    high: Floats = flat.max(axis=1)
    if not signed:
        return high
    low: Floats = flat.min(axis=1)
    return np.where(-low > high, low, high)


def _draw(maps: Floats, own: bool, signed: bool, gamma: float, colormap: str | None) -> Pixels:
    """Colour maps and enlarge them: small ones as blocks, others smoothly."""
    height, width = maps.shape[1:]
    zoom = TILE_PIXELS / max(height, width)
    tall = round(max(height * zoom, TILE_PIXELS / _FLATTEST))
    wide = round(max(width * zoom, TILE_PIXELS / _FLATTEST))
    highs = pixels.map_limits(maps, signed=signed)[:, 1]
    if not own:
        highs[:] = highs.max()
    unit = maps / np.where(highs > 0, highs, 1)[:, None, None]
    smooth = max(height, width) > TILE_PIXELS / 4
    if smooth:
        unit = np.stack([pixels.resize(one, tall, wide) for one in unit])
    tiles = pixels.tiles(unit, colormap, limit=1.0, signed=signed, gamma=gamma)
    if smooth:
        return tiles
    return tiles.repeat(max(1, tall // height), axis=1).repeat(max(1, wide // width), axis=2)
