"""Reduce pictures to what a screen can show, so that painting on them never stalls the window."""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np

from cnnviz_desktop.data import Box, ImageInput

CANVAS = 1400  # pixels of the longer side: a large window's canvas
CARD = 480  # a card in the dock, on a screen of scale 2


_reduced: WeakKeyDictionary[ImageInput, dict[int, ImageInput]] = WeakKeyDictionary()


def reduced(image: ImageInput, side: int) -> tuple[ImageInput, float]:
    """Return the picture with its longer side at most about `side`, and the factor applied.

    Kept as long as the picture itself; a large photograph takes the engine's thread tens of
    milliseconds when it is opened, and the window none.
    """
    height, width = image.pixels.shape[:2]
    factor = max(height, width) / side
    if factor <= 1:
        return image, 1.0
    made = _reduced.setdefault(image, {})
    if side not in made:
        from PIL import Image  # in the engine's thread: it would delay the first paint

        source = reduced(image, CANVAS)[0] if side < CANVAS else image
        size = (max(1, round(width / factor)), max(1, round(height / factor)))
        picture = Image.fromarray(source.pixels)
        small = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.5)
        made[side] = replace(image, pixels=np.asarray(small))
    return made[side], 1 / factor


def scaled(box: Box, factor: float) -> Box:
    """Return a box in the pixels of a reduced picture."""
    edges = (box.top, box.left, box.bottom, box.right)
    return Box(*(round(edge * factor) for edge in edges))


def cell_box(region: Box, rows: int, columns: int, row: int, column: int) -> Box:
    """Return the part of the picture that one cell of a map stands for."""
    return Box(
        region.top + round(row * region.height / rows),
        region.left + round(column * region.width / columns),
        region.top + round((row + 1) * region.height / rows),
        region.left + round((column + 1) * region.width / columns),
    )


def cell_at(region: Box, rows: int, columns: int, y: float, x: float) -> tuple[int, int] | None:
    """Return the (row, column) of a map under a place of the picture, None beside the map."""
    if not (region.top <= y < region.bottom and region.left <= x < region.right):
        return None
    row = int((y - region.top) * rows / region.height)
    column = int((x - region.left) * columns / region.width)
    return min(row, rows - 1), min(column, columns - 1)
