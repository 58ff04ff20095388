"""Arrange tiles on a page and write below each what it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnviz_desktop.data import Pixels
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.options import HEAD, MARGIN, WIDTH, PlateOptions
from cnnviz_desktop.figures.page import Page

TILE_PIXELS = 160  # the longer side of a tile before the figure scales it
_LARGEST_SIDE = 2.0  # inches
_TALLEST = 8.5  # of a grid whose columns are not asked for: a page of print
_GAP = 0.08
_STRIP = 0.15  # below a tile, for its caption
_SMALLEST_CAPTIONED = 0.4  # a narrower tile has no room for two numbers below it


def enlarge(tiles: Pixels, longest: int = TILE_PIXELS) -> Pixels:
    """Enlarge tiles (N, h, w, 3) to whole blocks, the longer side at most `longest` pixels."""
    times = max(1, longest // max(tiles.shape[1:3]))
    return tiles.repeat(times, axis=1).repeat(times, axis=2)


def lay_out(tiles: Pixels, columns: int, gap: int, ground: str) -> Pixels:
    """Lay tiles (N, h, w, 3 or 4) out on a sheet that is transparent between them."""
    if tiles.shape[3] == 3:
        solid = np.full((*tiles.shape[:3], 1), 255, np.uint8)
        tiles = np.concatenate([tiles, solid], axis=3)
    return pixels.sheet(tiles, columns, gap, clear(ground))


def clear(ground: str) -> tuple[int, int, int, int]:
    """Return a colour's RGBA with no opacity: scaling blends edges toward the page, not black."""
    red, green, blue = bytes.fromhex(ground.removeprefix("#"))
    return red, green, blue, 0


def _measures(columns: int, room: float) -> tuple[float, float]:
    """Return the width of a tile and of the gap between two, in inches."""
    gap = min(_GAP, 0.12 * room / columns)
    return min(_LARGEST_SIDE, (room - gap * (columns - 1)) / columns), gap


def _height(count: int, columns: int, shape: float, room: float) -> float:
    """Return about how high a grid becomes, in inches."""
    return math.ceil(count / columns) * (_measures(columns, room)[0] * shape + _STRIP)


def _most_captioned(room: float) -> int:
    """Return how many columns leave every tile room for its caption."""
    return max(1, int((room + _GAP) / (_SMALLEST_CAPTIONED + _GAP)))


@dataclass(frozen=True)
class TileGrid:
    """Where tiles go in a page's body, in picture pixels, `density` of which make an inch."""

    count: int
    columns: int
    wide: int
    tall: int
    gap: int
    strip: int
    density: float

    @classmethod
    def arrange(cls, tiles: Pixels, options: PlateOptions) -> TileGrid:
        """Choose columns and size for tiles (N, h, w, 3), so that the page is about square."""
        count, tall, wide = tiles.shape[:3]
        columns, room, most = options.columns, options.room, options.tallest(_TALLEST)
        if columns is None:
            columns = count if count <= 3 else math.ceil(math.sqrt(count * tall / wide))
            if room < WIDTH:
                columns = min(columns, _most_captioned(room))
            while columns < count and _height(count, columns, tall / wide, room) > most:
                columns += 1
        columns = max(1, min(columns, count))
        side, gap = _measures(columns, room)
        gap_pixels = max(1, round(gap * wide / side))
        width = side * columns + gap * (columns - 1)
        density = (columns * wide + (columns - 1) * gap_pixels) / width
        strip = round(_STRIP * density) if side >= _SMALLEST_CAPTIONED else 0
        return cls(count, columns, wide, tall, gap_pixels, strip, density)

    @property
    def width(self) -> float:
        """Return the width of the whole grid in inches."""
        return (self.columns * (self.wide + self.gap) - self.gap) / self.density

    @property
    def height(self) -> float:
        """Return the height of the whole grid with its captions in inches."""
        rows = -(-self.count // self.columns)
        return (rows * (self.tall + self.strip + self.gap) - self.gap) / self.density

    def draw(self, page: Page, tiles: Pixels) -> None:
        """Draw all tiles as one picture."""
        cells = np.empty((self.count, self.tall + self.strip, self.wide, 4), np.uint8)
        cells[...] = clear(page.look.ground)
        cells[:, : self.tall, :, :3] = tiles
        cells[:, : self.tall, :, 3] = 255
        sheet = lay_out(cells, self.columns, self.gap, page.look.ground)
        page.picture(sheet, MARGIN, HEAD, self.width, self.height)

    def place(self, index: int) -> tuple[float, float, float, float]:
        """Return where a tile goes on the page: left, top, width, height in inches."""
        row, column = divmod(index, self.columns)
        left = MARGIN + column * (self.wide + self.gap) / self.density
        top = HEAD + row * (self.tall + self.strip + self.gap) / self.density
        return left, top, self.wide / self.density, self.tall / self.density

    def label(self, page: Page, names: Sequence[str], values: Sequence[str]) -> None:
        """Write a name at the left and a value at the right below each tile, where they fit."""
        if not self.strip:
            return
        side = self.wide / self.density
        size = min(style.CAPTION_SIZE, 3.5 + 3 * side)
        for place, (name, value) in enumerate(zip(names, values, strict=True)):
            row, column = divmod(place, self.columns)
            left = MARGIN + column * (self.wide + self.gap) / self.density
            below = row * (self.tall + self.strip + self.gap) + self.tall
            y = HEAD + below / self.density + 0.04 + 0.75 * size / 72
            page.text(left, y, name, size=size)
            page.text(left + side, y, value, size=size, align="right", colour=page.look.muted)
