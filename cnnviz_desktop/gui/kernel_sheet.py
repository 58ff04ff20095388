"""Lay the kernels of a layer out on one sheet, and find what lies where on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cnnviz_desktop.data import FilterBank, Pixels
from cnnviz_desktop.figures import pixels, style

Layout = Literal["table", "one"]

_MOST = 1024  # filters on the sheet; the figure that Export writes can have more
_MOST_PIXELS = 6_000_000  # of a table: 512 filters of 512 inputs of 3x3


@dataclass(frozen=True)
class SheetLook:
    """How kernels are laid out and coloured.

    `layout` "table": a row for each filter, a column for each of its inputs; "one": tiles of one
    `given` input, or of the mean of all for -1. `ratio` is that of the room for tiles.
    """

    layout: Layout = "table"
    given: int = 0
    colormap: str = style.KERNELS
    scale: pixels.Scale = "tile"
    ratio: float = 1.0
    ground: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class Weight:
    """What lies under a pixel of the sheet: a filter, and what is known more closely.

    `given` is the input's place among those of the filter's group, -1 where all are shown at once;
    `cell` the row and column of the kernel.
    """

    place: int
    given: int
    cell: tuple[int, int]


class KernelSheet:
    """The kernels of one bank in one look."""

    def __init__(self, bank: FilterBank, look: SheetLook) -> None:
        self.bank = bank
        self.look = look
        inputs, high, wide = bank.values.shape[1:]
        self.in_colour = inputs == 3 and not bank.spectrum
        self.is_matrix = (high, wide) == (1, 1) and not self.in_colour
        choice = inputs > 1 and not (self.in_colour or self.is_matrix or bank.spectrum)
        self.has_choice = choice
        self.is_table = self.is_matrix or (choice and look.layout == "table")
        kernel = 1 if self.is_matrix else (high + 1) * (wide + 1)
        fit = max(1, _MOST_PIXELS // (inputs * kernel)) if self.is_table else _MOST
        self.shown = min(len(bank.values), fit)
        self.columns = inputs
        if not self.is_table:
            self.columns = max(1, min(self.shown, round((self.shown * look.ratio) ** 0.5)))

    def pixels(self) -> Pixels:
        """Return the sheet (H, W, 3), one pixel of ground between kernels, none in a matrix."""
        values, look = self.bank.values[: self.shown], self.look
        if self.is_matrix:
            return self._matrix()
        if self.is_table:
            tiles = pixels.kernel_tiles(values, look.colormap, scale=look.scale)
            flat = tiles.reshape(-1, *tiles.shape[2:])
            return pixels.sheet(flat, self.columns, ground=look.ground)
        if self.in_colour:
            tiles = pixels.rgb_kernels(values, scale=look.scale)
            return pixels.sheet(tiles, self.columns, ground=look.ground)
        if self.bank.spectrum:
            return pixels.mosaic(
                values[:, 0],
                self.columns,
                style.SEQUENTIAL,
                scale=look.scale,
                ground=look.ground,
            )
        given = min(look.given, values.shape[1] - 1)
        slices = values.mean(axis=1) if given < 0 else values[:, given]
        return pixels.mosaic(
            slices,
            self.columns,
            look.colormap,
            scale=look.scale,
            signed=True,
            ground=look.ground,
        )

    def at(self, row: int, column: int) -> Weight | None:
        """Return what lies under a pixel, None for the ground between."""
        if self.is_matrix:
            return Weight(row, column, (0, 0)) if row < self.shown else None
        high, wide = self.bank.values.shape[2:]
        down, across = row // (high + 1), column // (wide + 1)
        cell = row % (high + 1), column % (wide + 1)
        if cell[0] >= high or cell[1] >= wide or across >= self.columns:
            return None
        if self.is_table:
            return Weight(down, across, cell) if down < self.shown else None
        place = down * self.columns + across
        several = self.in_colour or self.bank.spectrum
        given = -1 if several else min(self.look.given, self.bank.values.shape[1] - 1)
        return Weight(place, given, cell) if place < self.shown else None

    def name(self, place: int) -> str:
        """Return which filter a row of the bank is, with the letter of its near-duplicates."""
        order = self.bank.order if len(self.bank.order) == len(self.bank.values) else ()
        number = order[place] if order else place
        for letter, group in enumerate(self.bank.duplicates):
            if number in group:
                return f"{number}{chr(ord('a') + letter) if letter < 26 else '*'}"
        return str(number)

    def channel(self, place: int, given: int) -> int:
        """Return the input channel of the layer that an input of a filter's group is."""
        order = self.bank.order if len(self.bank.order) == len(self.bank.values) else ()
        number = order[place] if order else place
        per_group = len(self.bank.values) // max(1, self.bank.groups)
        inputs = int(self.bank.values.shape[1])
        return number // max(1, per_group) * inputs + given

    def value(self, weight: Weight) -> float | None:
        """Return the weight itself, None where the sheet shows several in one."""
        if weight.given < 0:
            return None
        return float(self.bank.values[(weight.place, weight.given, *weight.cell)])

    def _matrix(self) -> Pixels:
        matrix = self.bank.values[: self.shown, :, 0, 0]
        if self.look.scale == "layer":
            limit = float(np.nan_to_num(np.abs(matrix)).max(initial=0))
            return pixels.colour(matrix, self.look.colormap, limit, signed=True)
        return pixels.tiles(matrix[:, None], self.look.colormap, signed=True)[:, 0]
