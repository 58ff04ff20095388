"""Draw several heat maps beside each other, each in the mode that is asked for, with one bar."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from cnnviz_desktop.data import Heatmaps, ImageInput
from cnnviz_desktop.figures import heat, pixels, style
from cnnviz_desktop.figures.grid import TileGrid
from cnnviz_desktop.figures.heat_plate import (
    draw_panel,
    explain,
    outline_box,
    what_colours_mean,
)
from cnnviz_desktop.figures.numerals import MINUS, number
from cnnviz_desktop.figures.options import BAR_ROW, HEAD, PlateOptions
from cnnviz_desktop.figures.page import (
    Page,
    reduced,
    say_broken,
    say_image,
    shorten,
    text_width,
)

_BETWEEN = 0.1  # inches between a caption and its logit
_DRAWN = 480  # pixels along a tile's longer side


def heatmaps_plate(heatmaps: Heatmaps, image: ImageInput | None, options: PlateOptions) -> Figure:
    """Draw the maps as a grid in rows of their columns, what each is and its logit below."""
    shared = options.scale == "layer"
    look = options.heat_look(all(heat.is_signed(item) for item in heatmaps.maps))
    highs = heat.highs(heatmaps.maps, look, shared=shared)
    if options.high is not None:
        highs = [options.high] * len(highs)
    first = heatmaps.maps[0]
    ground = image.pixels if image is not None else np.zeros((*first.values.shape, 3), np.uint8)
    shape = reduced(ground, _DRAWN).shape[:2] if image is not None else _square(first.values.shape)
    tiles = np.broadcast_to(np.uint8(0), (len(heatmaps.maps), *shape, 3))
    grid = TileGrid.arrange(tiles, options.with_columns(heatmaps.columns))
    page = Page(grid.width, grid.height + options.bar_row, options)
    scale = "one scale for all" if shared else "each map on its own scale"
    page.heading(options.title or heatmaps.title, [scale, *say_image(image)])
    for index, (heatmap, high) in enumerate(zip(heatmaps.maps, highs, strict=True)):
        place = grid.place(index)
        draw_panel(page, heatmap, image, look, high, place, longest=_DRAWN)
        if options.box and image is not None:
            outline_box(page, heatmap, image, options.threshold, place)
    names = [_fitting(grid, name) for name in heatmaps.captions]
    logits = [f"logit {number(heatmap.score)}" for heatmap in heatmaps.maps]
    room = grid.place(0)[2] - _BETWEEN
    pairs = zip(names, logits, strict=True)
    if all(text_width(f"{name}{logit}", style.CAPTION_SIZE) <= room for name, logit in pairs):
        grid.label(page, names, logits)
    else:
        grid.label(page, names, [""] * len(names))
    if options.colour_bar:
        _explain(page, HEAD + grid.height + BAR_ROW, heatmaps, look, highs, shared)
    return page.figure


def _fitting(grid: TileGrid, name: str) -> str:
    """Return a caption short enough for its tile."""
    return shorten(name, grid.place(0)[2], style.CAPTION_SIZE)


def _square(cells: tuple[int, ...]) -> tuple[int, int]:
    """Return the pixels of a tile without a picture."""
    zoom = max(1, _DRAWN // max(cells))
    return cells[0] * zoom, cells[1] * zoom


def _explain(
    page: Page,
    y: float,
    heatmaps: Heatmaps,
    look: heat.HeatLook,
    highs: list[float],
    shared: bool,
) -> None:
    """Draw the one bar: with real values where all maps share them."""
    best = heatmaps.maps[int(np.argmax(highs))]
    mode = look.mode_for(best)
    values = np.concatenate([item.values.ravel() for item in heatmaps.maps])
    broken = say_broken(values, clear=mode != "heat")
    if shared or mode in ("masked", "colours") or max(highs) == 0:
        explain(page, y, best, look, max(highs), broken)
        return
    signed = look.signed_for(best)
    share = np.linspace(-1 if signed else 0, 1, 256)
    name = look.colormap_for(best)
    colours = pixels.colour(share, name, 1.0, signed=signed, gamma=look.gamma)
    low = f"{MINUS}peak" if signed else "0"
    page.colour_bar(y, low, "peak", colours, f"each map's; {what_colours_mean(best, look)}{broken}")
