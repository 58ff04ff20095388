"""Compare a map with where the object is: the pointing game, and the energy inside.

Zhang et al., "Top-down Neural Attention by Excitation Backprop", ECCV 2016, arXiv:1608.00507.
Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks",
CVPR Workshops 2020, arXiv:1910.01279 (the share of the energy in the object's box).
"""

from __future__ import annotations

import numpy as np

from cnnviz_desktop.data import Box, Flags, Floats, Heatmap

_SIDE = 448  # pixels, at most, at which energy is measured


def hits(heatmap: Heatmap, mask: Flags) -> bool:
    """Tell whether the map's maximum falls on the object: `mask` (H, W) is that of the picture.

    The maximum is the middle of its cell. A map with nothing above zero points nowhere.
    """
    values = np.nan_to_num(heatmap.values, nan=-np.inf)
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    if values[row, column] <= 0:
        return False
    region = heatmap.region
    rows, columns = values.shape
    y = region.top + (int(row) + 0.5) * region.height / rows
    x = region.left + (int(column) + 0.5) * region.width / columns
    height, width = mask.shape
    return 0 <= y < height and 0 <= x < width and bool(mask[int(y), int(x)])


def energy(heatmap: Heatmap, mask: Flags) -> float:
    """Return the share of what is above zero in the map that lies on the object, 0 to 1.

    NaN where nothing is above zero. What lies beside the picture is not on the object.
    """
    size = _measured(heatmap.region)
    values = resized(np.maximum(np.nan_to_num(heatmap.values), 0), size)
    total = float(values.sum(dtype=np.float64))
    inside = float((values * seen(mask, heatmap.region, size)).sum(dtype=np.float64))
    return inside / total if total > 0 else float("nan")


def share(mask: Flags, region: Box) -> float:
    """Return how much of what the network saw is the object: the energy of an even map."""
    return float(seen(mask, region, _measured(region)).mean())


def seen(mask: Flags, region: Box, size: tuple[int, int]) -> Floats:
    """Return a picture's mask (H, W) in the region, averaged to a size; outside it is 0."""
    from PIL import Image

    canvas = np.zeros((region.height, region.width), np.float32)
    height, width = mask.shape
    top, left = max(region.top, 0), max(region.left, 0)
    bottom, right = min(region.bottom, height), min(region.right, width)
    inner = mask[top:bottom, left:right]
    canvas[top - region.top : bottom - region.top, left - region.left : right - region.left] = inner
    picture = Image.fromarray(canvas)
    return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BOX))


def resized(values: Floats, size: tuple[int, int]) -> Floats:
    """Return a map (h, w) interpolated to a size, from edge to edge."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR))


def _measured(region: Box) -> tuple[int, int]:
    zoom = min(1.0, _SIDE / max(region.height, region.width))
    return max(1, round(region.height * zoom)), max(1, round(region.width * zoom))
