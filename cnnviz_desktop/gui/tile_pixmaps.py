"""Colour the maps of a layer and scale them to tiles, the ones in sight only, and remember them."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from PySide6.QtGui import QImage, QPixmap

from cnnviz_desktop.data import Floats, Pixels
from cnnviz_desktop.figures import pixels
from cnnviz_desktop.gui.qimages import qimage_of
from cnnviz_desktop.gui.tile_order import GridLook

_BUDGET = 96 * 2**20  # bytes of scaled tiles to remember


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

    def limit(self, channel: int) -> float:
        """Return the value that gets a map's last colour."""
        return float(self._limits[channel])

    def coloured(self, channel: int, height: int = 0, width: int = 0) -> Pixels:
        """Return a map's colours (h, w, 3), its values scaled first where a size is given."""
        values = self._values[channel]
        if height and width:
            values = _scaled(values, height, width)
        look = self._look
        return pixels.colour(
            values,
            look.map_name,
            self.limit(channel),
            signed=look.signed,
            gamma=look.gamma,
        )

    def fitted(self, side: int) -> tuple[int, int]:
        """Return the (height, width) of a map in a tile, its proportions kept."""
        height, width = self._values.shape[1:]
        longest = max(height, width)
        least = side // 4  # a map of one row stays a band one can point at
        return (
            max(least, round(side * height / longest)),
            max(least, round(side * width / longest)),
        )

    def tile(self, channel: int, side: int, ratio: float) -> QPixmap:
        """Return a map as a tile of at most `side` device pixels."""
        key = (channel, side)
        made = self._made.get(key)
        if made is None:
            made = QPixmap.fromImage(self.image(channel, side))
            self._made[key] = made
            self._bytes += 4 * made.width() * made.height()
            while self._bytes > _BUDGET and len(self._made) > 1:
                _, oldest = self._made.popitem(last=False)
                self._bytes -= 4 * oldest.width() * oldest.height()
        else:
            self._made.move_to_end(key)
        made.setDevicePixelRatio(ratio)
        return made

    def image(self, channel: int, side: int) -> QImage:
        """Return a map as a picture whose longer side is `side` pixels."""
        height, width = self.fitted(side)
        return qimage_of(self.coloured(channel, height, width))


def _scaled(values: Floats, height: int, width: int) -> Floats:
    """Scale a map smoothly, or cell by cell where its cells are larger than four pixels.

    Values are scaled rather than colours, so that between red and blue lies white.
    """
    rows, columns = values.shape
    coarse = rows <= height / 4 and columns <= width / 4
    if coarse or not np.isfinite(values).all():
        down = np.arange(height) * rows // height
        across = np.arange(width) * columns // width
        picked: Floats = values[down[:, None], across]
        return picked
    return pixels.resize(values, height, width)
