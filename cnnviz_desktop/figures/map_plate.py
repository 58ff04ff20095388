"""Draw a layer's feature maps as a page of tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from cnnviz_desktop.data import Activation, Floats, ImageInput, Pixels
from cnnviz_desktop.errors import ParameterError
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.grid import TILE_PIXELS, TileGrid
from cnnviz_desktop.figures.map_order import Channels, MapStatistics
from cnnviz_desktop.figures.numerals import MINUS, amount, count, number
from cnnviz_desktop.figures.options import BAR_ROW, HEAD, PlateOptions
from cnnviz_desktop.figures.page import Page, say_broken, say_image

_SHOWN = 64
_SHOWN_ON_SLIDE = 48  # with room below each for its caption
_FLATTEST = 3.0  # beyond this ratio of its sides a map is stretched: a hairline shows nothing
_BY = {
    "index": "first {} of {}",
    "max": "{} of the highest maximum of {}",
    "mean": "{} of the highest mean of {}",
    "energy": "{} strongest of {}",
    "sparsity": "{} sparsest of {}",
}


@dataclass(frozen=True)
class _Colours:
    """How values become colours: each map to its `own` limit, all to `high`, or to the greatest."""

    own: bool
    high: float | None
    signed: bool
    gamma: float
    colormap: str | None
    opacity: float


def map_plate(activation: Activation, image: ImageInput | None, options: PlateOptions) -> Figure:
    """Draw the strongest channels with their index and maximum; all of few stay in order."""
    maps = activation.values
    order, said = _choose(maps, options)
    chosen = maps[order]
    signed = options.is_signed(_has_two_signs(chosen))
    gamma = options.gamma or (1.0 if signed else style.GAMMA)
    # One map alone, or maps of one value each, have nothing but the layer to be measured by.
    own = options.scale == "tile" and len(order) > 1 and maps[0].size > 1 and not options.high
    how = _Colours(own, options.high, signed, gamma, options.colormap, options.opacity)
    over = options.overlay and image is not None
    tiles = _draw(chosen, how, activation, image if over else None)
    grid = TileGrid.arrange(tiles, options)
    page = Page(grid.width, grid.height + options.bar_row, options)
    taken = page.thumbnail(image, activation.region) if image else 0.0
    title = options.title or activation.layer or "The whole network"
    page.heading(title, _describe(activation, said, image), taken=taken)
    grid.draw(page, tiles)
    peaks = _peaks(chosen, signed)
    grid.label(page, [str(channel) for channel in order], [number(float(p)) for p in peaks])
    if options.colour_bar:
        low, high = _ends(chosen, how)
        spread = np.linspace(low, high, 256) if high else np.zeros(256)
        colormap = options.colormap
        if over and not signed:
            colormap = colormap or style.OVERLAY
        page.colour_bar(
            HEAD + grid.height + BAR_ROW,
            (f"{MINUS}peak" if own else number(low)) if signed else "0",
            "peak" if own else number(high),
            pixels.colour(spread, colormap, signed=signed, gamma=gamma),
            _say_scale(how, chosen, high, overlay=over, captioned=bool(grid.strip))
            + say_broken(maps, clear=over),
        )
    return page.figure


def _choose(maps: Floats, options: PlateOptions) -> tuple[Channels, str]:
    """Return which channels are shown in which order, and what is to be said about the choice."""
    total = len(maps)
    usual = _SHOWN_ON_SLIDE if options.slide else _SHOWN
    most = options.limit or usual
    if options.channels is not None:
        beyond = [channel for channel in options.channels if not 0 <= channel < total]
        if beyond:
            raise ParameterError(
                f"There is no channel {beyond[0]}: the layer has {total}, 0 to {total - 1}."
            )
        chosen = np.array(options.channels, np.intp)[: options.limit]
        return chosen, f"{count(len(chosen))} chosen of {count(total)}"
    left, hidden = np.arange(total), 0
    order = options.order
    if options.hide_silent or order is not None:
        signed = options.is_signed(_has_two_signs(maps))
        numbers = MapStatistics.of(maps)
        key = numbers.key(order, signed) if order is not None else None
        left = numbers.in_order(left, key, signed, options.hide_silent)
        if not len(left):
            left = np.arange(total)  # where all are silent, that is what there is to see
        hidden = total - len(left)
    shown = min(len(left), most)
    if order is None and shown < len(left):
        strongest = pixels.strongest(maps)
        left = strongest[np.isin(strongest, left)] if hidden else strongest
    silent = f"{count(hidden)} silent left out" if hidden else ""
    if shown == len(left):
        return left[:shown], silent
    words = _BY[order or "energy"].format(count(shown), count(total))
    return left[:shown], f"{words}, {silent}" if silent else words


def _describe(activation: Activation, said: str, image: ImageInput | None) -> list[str]:
    """Return the details for the heading."""
    channels, height, width = activation.values.shape
    details = [f"{amount(channels, 'map', 'maps')} of {height}×{width}"]
    if said:
        details.append(said)
    if activation.call:
        details.append(f"call {activation.call + 1} of the layer")
    return [*details, *say_image(image)]


def _say_scale(
    how: _Colours, chosen: Floats, high: float, *, overlay: bool, captioned: bool
) -> str:
    """Say what the colours mean."""
    if high == 0:
        said = "every channel shown is silent"
    elif how.own:
        kind = "value farthest from zero" if how.signed else "maximum"
        below = ", written below it" if captioned else ""
        said = f"each tile's {kind}{below}; {number(high)} at most"
    elif how.high is not None:
        said = "one scale, the same wherever this value ends it"
    else:
        said = "one scale for all tiles" if len(chosen) > 1 else "the layer's own units"
    if overlay:
        said = f"{said}; zero is clear"
    return said if how.signed or not (chosen < 0).any() else f"{said}; below zero drawn as zero"


def _ends(chosen: Floats, how: _Colours) -> tuple[float, float]:
    """Return the values of the first and last colour, or those of the maps of the widest scale."""
    if how.high is not None:
        return (-how.high if how.signed else 0.0), how.high
    return pixels.limits(chosen, signed=how.signed)


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


def _draw(maps: Floats, how: _Colours, activation: Activation, image: ImageInput | None) -> Pixels:
    """Colour maps and enlarge them: small ones as blocks, others and overlays smoothly."""
    height, width = maps.shape[1:]
    zoom = TILE_PIXELS / max(height, width)
    tall = round(max(height * zoom, TILE_PIXELS / _FLATTEST))
    wide = round(max(width * zoom, TILE_PIXELS / _FLATTEST))
    highs = pixels.map_limits(maps, signed=how.signed)[:, 1]
    if not how.own:
        highs[:] = how.high or highs.max()
    unit = maps / np.where(highs > 0, highs, 1)[:, None, None]
    smooth = max(height, width) > TILE_PIXELS / 4 or image is not None
    if smooth:
        unit = np.stack([pixels.resize(one, tall, wide) for one in unit])
    if image is not None:
        ground = pixels.seen_by(image, activation.region, tall, wide)
        return pixels.overlay_tiles(
            ground,
            unit,
            how.opacity,
            how.colormap,
            limit=1.0,
            signed=how.signed,
            gamma=how.gamma,
        )
    tiles = pixels.tiles(unit, how.colormap, limit=1.0, signed=how.signed, gamma=how.gamma)
    if smooth:
        return tiles
    return tiles.repeat(max(1, tall // height), axis=1).repeat(max(1, wide // width), axis=2)
