"""Colour the maps of a layer and scale them to tiles, the ones in sight only, and remember them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from PySide6.QtGui import QImage, QPixmap

from cnnviz_desktop.data import Floats, Pixels
from cnnviz_desktop.figures import pixels
from cnnviz_desktop.gui.qimages import qimage_of
from cnnviz_desktop.gui.tile_order import GridLook

_BUDGET = 96 * 2**20  # bytes of scaled tiles to remember
_SMALLEST = 1e-30  # a limit below this is zero


class TilePixmaps:
    """The tiles of one layer in one look, made when they are first asked for."""

    def __init__(self, values: Floats, look: GridLook) -> None:
        self._values = values
        self._look = look
        self._made: OrderedDict[tuple[int, int], QPixmap] = OrderedDict()
        self._bytes = 0
        highs = pixels.map_limits(values, signed=look.signed)[:, 1]
        # One cell scaled to itself says nothing: a layer of single cells shares one scale.
        shared = look.scale == "layer" or values[0].size == 1
        self._limits = np.full_like(highs, highs.max(initial=0)) if shared else highs

    def fitted(self, side: int) -> tuple[int, int]:
        """Return the (height, width) of a map in a tile, its proportions kept."""
        height, width = self._values.shape[1:]
        longest = max(height, width)
        least = side // 4  # a map of one row stays a band one can point at
        return (
            max(least, round(side * height / longest)),
            max(least, round(side * width / longest)),
        )

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
        scaled = _scaled(maps, *self.fitted(side))
        limits = self._limits[channels, None, None]
        shares = scaled / np.where(limits > _SMALLEST, limits, 1)
        look = self._look
        return pixels.colour(shares, look.map_name, 1.0, signed=look.signed, gamma=look.gamma)


def _scaled(maps: Floats, height: int, width: int) -> Floats:
    """Scale maps (n, h, w) smoothly, or cell by cell where cells are larger than four pixels.

    Values are scaled rather than colours, so that between red and blue lies white.
    """
    rows, columns = maps.shape[1:]
    coarse = rows <= height / 4 and columns <= width / 4
    if coarse or not np.isfinite(maps).all():
        down = np.arange(height) * rows // height
        across = np.arange(width) * columns // width
        picked: Floats = maps[:, down[:, None], across]
        return picked
    # Along the rows of all maps, then along their columns: two calls, and no BLAS, whose threads
    # would wait for those of a running network.
    count = len(maps)
    wide = pixels.resize(maps.reshape(count * rows, columns), count * rows, width)
    turned = wide.reshape(count, rows, width).swapaxes(1, 2).reshape(count * width, rows)
    return pixels.resize(turned, count * width, height).reshape(count, width, height).swapaxes(1, 2)
