"""Colour the maps of a layer and scale them to tiles, the ones in sight only, and remember them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QImage, QPixmap

from cnnviz_desktop.data import Box, Floats, ImageInput, Pixels
from cnnviz_desktop.figures import pixels
from cnnviz_desktop.gui.display import CANVAS, CARD, reduced, scaled
from cnnviz_desktop.gui.qimages import qimage_of
from cnnviz_desktop.gui.tile_order import GridLook

_BUDGET = 96 * 2**20  # bytes of scaled tiles to remember
_SMALLEST = 1e-30  # a limit below this is zero


@dataclass(frozen=True, eq=False)
class Below:
    """The picture that maps are laid over, and the box of it that they cover."""

    image: ImageInput
    region: Box

    def at(self, height: int, width: int) -> Pixels:
        """Return what the network saw of it, at a tile's size."""
        small, factor = reduced(self.image, CARD if max(height, width) <= CARD else CANVAS)
        return pixels.seen_by(small, scaled(self.region, factor), height, width)


class TilePixmaps:
    """The tiles of one stack of maps in one look, made when they are first asked for."""

    def __init__(
        self, values: Floats, limits: Floats, look: GridLook, below: Below | None = None
    ) -> None:
        """Take maps (C, h, w) and the value of each one's last colour."""
        self._values = values
        self._limits = limits
        self._look = look
        self._below = below if look.overlay > 0 else None
        self._ground: Pixels | None = None
        self._made: OrderedDict[tuple[int, int], QPixmap] = OrderedDict()
        self._bytes = 0

    @property
    def values(self) -> Floats:
        """Return the maps."""
        return self._values

    def fitted(self, side: int) -> tuple[int, int]:
        """Return the (height, width) of a map in a tile, its proportions kept."""
        height, width = self._values.shape[1:]
        longest = max(height, width)
        least = max(1, side // 4)  # a map of one row stays a band one can point at
        return (
            max(least, round(side * height / longest)),
            max(least, round(side * width / longest)),
        )

    def is_coarse(self, side: int) -> bool:
        """Tell whether a map's cells are squares in a tile of that size."""
        (height, width), (rows, columns) = self.fitted(side), self._values.shape[1:]
        return self._below is None and rows <= height / 4 and columns <= width / 4

    def make(self, channels: Sequence[int], side: int) -> None:
        """Make the tiles of several channels at once: half of the time it takes one by one."""
        missing = [channel for channel in channels if (channel, side) not in self._made]
        if not missing:
            return
        for channel, colours in zip(missing, self._coloured(missing, side), strict=True):
            made = QPixmap.fromImage(qimage_of(colours))
            self._made[channel, side] = made
            self._bytes += 4 * made.width() * made.height()
        while self._bytes > _BUDGET and len(self._made) > len(missing):
            _, oldest = self._made.popitem(last=False)
            self._bytes -= 4 * oldest.width() * oldest.height()

    def tile(self, channel: int, side: int, ratio: float) -> QPixmap:
        """Return a map as a tile of at most `side` device pixels."""
        self.make([channel], side)
        made = self._made[channel, side]
        self._made.move_to_end((channel, side))
        made.setDevicePixelRatio(ratio)
        return made

    def image(self, channel: int, side: int) -> QImage:
        """Return a map as a picture whose longer side is `side` pixels."""
        return qimage_of(self._coloured([channel], side)[0])

    def _coloured(self, channels: list[int], side: int) -> Pixels:
        """Return the colours (n, h, w, 3) of maps, their values scaled to tiles first."""
        first, after = channels[0], channels[-1] + 1
        in_a_row = channels == [*range(first, after)]  # a view then: picking 64 of 224x224 is 2 ms
        maps = self._values[first:after] if in_a_row else self._values[channels]
        height, width = self.fitted(side)
        smooth = _scaled(maps, height, width, blocks=self._below is None)
        limits = self._limits[channels, None, None]
        shares = smooth / np.where(limits > _SMALLEST, limits, 1)
        look = self._look
        name, signed, gamma = look.map_name, look.signed, look.gamma
        if self._below is None:
            return pixels.colour(shares, name, 1.0, signed=signed, gamma=gamma)
        if self._ground is None or self._ground.shape[:2] != (height, width):
            self._ground = self._below.at(height, width)
        return pixels.overlay_tiles(
            self._ground, shares, look.overlay, name, limit=1.0, signed=signed, gamma=gamma
        )


def _scaled(maps: Floats, height: int, width: int, *, blocks: bool) -> Floats:
    """Scale maps (n, h, w) smoothly, or cell by cell where cells are larger than four pixels.

    Values are scaled rather than colours, so that between red and blue lies white.
    """
    rows, columns = maps.shape[1:]
    coarse = blocks and rows <= height / 4 and columns <= width / 4
    if coarse or not np.isfinite(maps).all():
        down = np.arange(height) * rows // height
        across = np.arange(width) * columns // width
        picked: Floats = maps[:, down[:, None], across]
        return picked
    while rows >= 2 * height and columns >= 2 * width and not (rows % 2 or columns % 2):
        # The mean of four is what the filter below would give nearly, at a third of its time.
        maps = maps[:, ::2, ::2] + maps[:, 1::2, ::2] + maps[:, ::2, 1::2] + maps[:, 1::2, 1::2]
        maps *= np.float32(0.25)
        rows, columns = maps.shape[1:]
    # Along the rows of all maps, then along their columns: two calls, and no BLAS, whose threads
    # would wait for those of a running network.
    count = len(maps)
    wide = pixels.resize(maps.reshape(count * rows, columns), count * rows, width)
    turned = wide.reshape(count, rows, width).swapaxes(1, 2).reshape(count * width, rows)
    return pixels.resize(turned, count * width, height).reshape(count, width, height).swapaxes(1, 2)
