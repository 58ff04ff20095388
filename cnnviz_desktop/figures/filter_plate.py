"""Draw a layer's kernels: over colours as colour tiles, else as a table of filters by inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnviz_desktop.data import FilterBank, Floats
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.grid import TileGrid, enlarge, lay_out
from cnnviz_desktop.figures.numerals import MINUS, count, number
from cnnviz_desktop.figures.options import BAR_ROW, HEAD, MARGIN, WIDTH, PlateOptions
from cnnviz_desktop.figures.page import Page, say_broken

_SHOWN = 96  # the most filters that any well-known first layer has
_SHOWN_ON_SLIDE = 48  # with room below each for its caption
_TABLE_PIXELS = 72  # kernel pixels along a side of a table: more cannot be told apart in print
_LABELS = 0.36  # inches left of and above a table
_LARGEST_CELL = 0.5
_TALLEST = 6.6  # of a table whose rows are not asked for


def filter_plate(bank: FilterBank, options: PlateOptions) -> Figure:
    """Draw one tile per filter over one or three inputs, else a table of filters by inputs."""
    if bank.values.shape[1] in (1, 3):
        return _draw_tiles(bank, options)
    return _draw_table(bank, options)


def _draw_tiles(bank: FilterBank, options: PlateOptions) -> Figure:
    """Draw one tile per filter: in colour where the inputs are red, green and blue."""
    filters, inputs = bank.values.shape[:2]
    usual = _SHOWN_ON_SLIDE if options.slide else _SHOWN
    shown = min(filters, options.limit or usual)
    order = _first(bank, shown)
    chosen = bank.values[order]
    colormap = style.KERNELS if inputs == 3 else options.colormap or style.KERNELS
    if bank.spectrum:
        colormap = options.colormap or style.SEQUENTIAL
        tiles = pixels.tiles(chosen[:, 0], colormap, scale=options.scale)
    elif inputs == 3:
        tiles = pixels.rgb_kernels(chosen, scale=options.scale)
    else:
        tiles = pixels.kernel_tiles(chosen, colormap, scale=options.scale)[:, 0]
    tiles = enlarge(tiles)
    grid = TileGrid.arrange(tiles, options)
    page = Page(grid.width, grid.height + options.bar_row, options)
    page.heading(options.title or bank.layer, _describe(bank, shown, inputs))
    grid.draw(page, tiles)
    peaks = np.abs(chosen).reshape(shown, -1).max(axis=1)
    grid.label(page, _names(bank, order), [number(float(peak)) for peak in peaks])
    if options.colour_bar:
        _draw_bar(page, grid.height, chosen, colormap, options, spectrum=bank.spectrum)
    return page.figure


def _draw_table(bank: FilterBank, options: PlateOptions) -> Figure:
    """Draw filters as rows and their inputs as columns, the strongest of each."""
    filters, inputs, tall, wide = bank.values.shape
    fitting = max(1, int(_most(wide) * options.room / WIDTH))
    across = min(inputs, options.columns or fitting)
    cell = min((options.room - _LABELS) / across, _LARGEST_CELL * wide / max(tall, wide))
    on_page = max(1, int((options.tallest(_TALLEST + _LABELS) - _LABELS) / (cell * tall / wide)))
    down = min(filters, options.limit or min(_most(tall), on_page))
    rows = _first(bank, down) if bank.order else np.sort(pixels.strongest(bank.values, down))
    columns = np.sort(pixels.strongest(bank.values[rows].swapaxes(0, 1), across))
    chosen = bank.values[rows][:, columns]
    colormap = options.colormap or style.KERNELS
    tiles = pixels.kernel_tiles(chosen, colormap, scale=options.scale)
    tiles = enlarge(tiles.reshape(-1, tall, wide, 3), max(tall, wide, 1600 // across))
    gap = max(1, tiles.shape[2] // 10)
    sheet = lay_out(tiles, across, gap, options.look.ground)
    width = cell * across
    height = width * sheet.shape[0] / sheet.shape[1]
    page = Page(width + _LABELS, height + _LABELS + options.bar_row, options)
    page.heading(options.title or bank.layer, _describe(bank, down, across))
    left, top = MARGIN + _LABELS, HEAD + _LABELS
    page.picture(sheet, left, top, width, height)
    muted, small = page.look.muted, style.CAPTION_SIZE
    each = "input channel of its group" if bank.groups > 1 else "input channel"
    page.text(left, top - 0.21, each, size=small, colour=muted)
    page.text(MARGIN, top - 0.21, "filter", size=small, colour=muted)
    for x, column in _places([str(column) for column in columns], width, 0.26):
        page.text(left + x, top - 0.06, column, size=small, align="center")
    for y, row in _places(_names(bank, rows), height, 0.12):
        page.text(left - 0.07, top + y + 0.033, row, size=small, align="right")
    if options.colour_bar:
        _draw_bar(page, height + _LABELS, chosen, colormap, options)
    return page.figure


def _most(side: int) -> int:
    """Return how many kernels of that side to show where no number is asked for."""
    return max(6, min(64, _TABLE_PIXELS // side))


def _first(bank: FilterBank, shown: int) -> NDArray[Any]:
    """Return the rows to show: the first in an order that was asked for, else the strongest."""
    if bank.order or shown >= len(bank.values):
        return np.arange(shown)
    return pixels.strongest(bank.values, shown)


def _names(bank: FilterBank, rows: NDArray[Any]) -> list[str]:
    """Return the filters' numbers, near-duplicates with the letter of their group."""
    order = bank.order if len(bank.order) == len(bank.values) else range(len(bank.values))
    letters = {
        place: chr(ord("a") + number) if number < 26 else "*"
        for number, group in enumerate(bank.duplicates)
        for place in group
    }
    return [f"{order[row]}{letters.get(order[row], '')}" for row in rows]


def _places(names: Sequence[str], length: float, least: float) -> list[tuple[float, str]]:
    """Return where to write which name along a side, none nearer to the next than `least`."""
    each = length / len(names)
    step = math.ceil(least / each)
    return [((i + 0.5) * each, names[i]) for i in range(0, len(names), step)]


def _describe(bank: FilterBank, down: int, across: int) -> list[str]:
    """Return the details for the heading."""
    filters, inputs, tall, wide = bank.values.shape
    details = [f"{count(filters)} filters of {inputs}×{tall}×{wide}"]
    if bank.spectrum:
        details = [f"frequency response of {count(filters)} filters"]
    if bank.groups > 1:
        details.append(f"{count(bank.groups)} groups")
    details += _more(bank, tall, wide)
    for shown, there, kind in ((down, filters, "filters"), (across, inputs, "inputs")):
        if shown < there:
            details.append(f"{count(shown)} strongest of {count(there)} {kind}")
    return details


def _more(bank: FilterBank, tall: int, wide: int) -> list[str]:
    """Return what is special about the kernels, and in which order they are."""
    said = []
    if len(bank.dilation) == 2 and bank.dilation != (1, 1):
        down, across = bank.dilation
        said.append(f"dilated {down}×{across}")
        if not bank.spectrum:
            said[0] += f" to {(tall - 1) * down + 1}×{(wide - 1) * across + 1}"
    if bank.batch_norm:
        said.append(f"scale of {bank.batch_norm} folded in")
    if bank.duplicates:
        twins, groups = sum(map(len, bank.duplicates)), len(bank.duplicates)
        kinds = "one group" if groups == 1 else f"{count(groups)} groups"
        said.append(f"{count(twins)} near-duplicates in {kinds}")
    elif bank.order:
        flat = np.nan_to_num(bank.values.reshape(len(bank.values), -1))
        falling = (np.diff(np.linalg.norm(flat.astype(np.float64), axis=1)) <= 1e-6).all()
        said.append("largest norm first" if falling else "no near-duplicates")
    return said


def _draw_bar(
    page: Page,
    below: float,
    chosen: Floats,
    colormap: str,
    options: PlateOptions,
    spectrum: bool = False,
) -> None:
    """Draw the colour bar of weights, or of gains."""
    if spectrum:
        low, high = pixels.limits(chosen)
        own = options.scale == "tile"
        page.colour_bar(
            HEAD + below + BAR_ROW,
            "0",
            "peak" if own else number(high),
            pixels.colour(np.linspace(0, 1, 256), colormap),
            "gain by frequency: zero in the middle, ±0.5 cycles per cell at the rim"
            + say_broken(chosen),
        )
        return
    low, high = pixels.limits(chosen, signed=True)
    own = options.scale == "tile"
    said = f"weight, each filter by its own peak; {number(high)} at most"
    page.colour_bar(
        HEAD + below + BAR_ROW,
        f"{MINUS}peak" if own else number(low),
        "peak" if own else number(high),
        pixels.colour(np.linspace(-1, 1, 256), colormap, signed=True),
        (said if own else "weight, one scale for all filters") + say_broken(chosen),
    )
