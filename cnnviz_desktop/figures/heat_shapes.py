"""Find lines of one value in a heat map, and the box of what is hot; numpy alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnviz_desktop.data import Box, Floats, Heatmap
from cnnviz_desktop.figures import heat

_SMOOTH = 96  # cells along the longer side from which lines look smooth
_EXACT = 192  # from which a box is where the mask that is shown ends
_MOST = 1200  # short lines of all levels: beyond these a map is noise, and is averaged

# The two sides of a square that a line crosses (0 top, 1 right, 2 bottom, 3 left), by which of its
# corners lie above the level: 1 top left, 2 top right, 4 bottom right, 8 bottom left.
_CROSSED: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),),
    2: ((0, 1),),
    3: ((3, 1),),
    4: ((1, 2),),
    5: ((3, 0), (1, 2)),
    6: ((0, 2),),
    7: ((3, 2),),
    8: ((2, 3),),
    9: ((2, 0),),
    10: ((0, 1), (2, 3)),
    11: ((2, 1),),
    12: ((1, 3),),
    13: ((1, 0),),
    14: ((0, 3),),
}


def contour(values: Floats, level: float) -> Floats:
    """Return where a map (h, w) crosses a level: lines (N, 2, 2) as ends (x, y), cells as units.

    The centre of the first cell is at (0.5, 0.5), as it is on the picture.
    """
    above = values.astype(np.float64) - level
    corners = above[:-1, :-1], above[:-1, 1:], above[1:, 1:], above[1:, :-1]
    which = sum((corner > 0).astype(np.uint8) << bit for bit, corner in enumerate(corners))
    rows, columns = np.nonzero((np.asarray(which) > 0) & (np.asarray(which) < 15))
    kinds = np.asarray(which)[rows, columns]
    a, b, c, d = (corner[rows, columns] for corner in corners)
    with np.errstate(divide="ignore", invalid="ignore"):  # sides that are not crossed
        x = np.stack([a / (a - b), np.ones_like(a), d / (d - c), np.zeros_like(a)])
        y = np.stack([np.zeros_like(a), b / (b - c), np.ones_like(a), a / (a - d)])
    points = np.stack([x + columns + 0.5, y + rows + 0.5], axis=-1)
    lines = []
    for kind, sides in _CROSSED.items():
        (places,) = np.nonzero(kinds == kind)
        if places.size:
            lines += [np.stack([points[one, places], points[two, places]], 1) for one, two in sides]
    if not lines:
        return np.zeros((0, 2, 2), np.float32)
    return np.concatenate(lines).astype(np.float32)


def contours(
    heatmap: Heatmap, high: float, levels: Sequence[float], *, signed: bool
) -> list[tuple[float, Floats]]:
    """Return (share of `high`, lines) for each level, in units of the box that the map covers.

    Signed maps have lines below zero as well, at negative shares.
    """
    if not high > 0:
        return []
    wanted = [*levels, *(-level for level in levels)] if signed else list(levels)
    values = _fine(heatmap, _SMOOTH)
    while True:
        size = np.array(values.shape[::-1], np.float32)
        found = [(level, contour(values, level * high) / size) for level in wanted]
        if sum(len(lines) for _level, lines in found) <= _MOST or min(values.shape) < 8:
            return found
        height, width = (max(2, side // 2) for side in values.shape)
        values = heat.scaled(values, height, width, smooth=True)


def hot_box(heatmap: Heatmap, threshold: float, whole: Box) -> Box | None:
    """Return the box of what is hot, in the picture's pixels, within the `whole` of it.

    That is all that is connected to the maximum and above the threshold, a share of the maximum;
    of a map in which nothing is above zero there is none.
    """
    values = _fine(heatmap, _EXACT)
    peak = int(np.argmax(values))
    high = float(values.flat[peak])
    if not high > 0:
        return None
    row, column = divmod(peak, values.shape[1])
    cut = heat.cut_of(threshold) * min(high, heat.high_of(heatmap, signed=False))
    top, left, bottom, right = _reach(values >= cut, row, column)
    region = heatmap.region
    down, across = region.height / values.shape[0], region.width / values.shape[1]
    box = Box(
        max(whole.top, region.top + round(top * down)),
        max(whole.left, region.left + round(left * across)),
        min(whole.bottom, region.top + round(bottom * down)),
        min(whole.right, region.left + round(right * across)),
    )
    return box if box.height > 0 and box.width > 0 else None


def say_box(box: Box | None, threshold: float) -> str:
    """Say where the hot region lies, in the picture's pixels."""
    if box is None:
        return "Hot region: none, for nothing is above zero"
    return (
        f"Hot region (above {heat.cut_of(threshold):.0%} of the maximum): "
        f"{box.width}×{box.height} pixels, x {box.left}–{box.right}, y {box.top}–{box.bottom}"
    )


def _fine(heatmap: Heatmap, cells: int) -> Floats:
    """Return the map with so many cells along the longer side at least, none of them infinite."""
    values = np.nan_to_num(heatmap.values, posinf=0.0, neginf=0.0)
    region = heatmap.region
    zoom = cells / max(region.height, region.width)
    height = max(values.shape[0], round(region.height * zoom), 1)
    width = max(values.shape[1], round(region.width * zoom), 1)
    return heat.scaled(values, height, width, smooth=True)


def _reach(inside: np.ndarray, row: int, column: int) -> tuple[int, int, int, int]:
    """Return (top, left, bottom, right), half-open, of what is connected to a place by its sides.

    Rows are taken as runs: a region has far fewer of these than cells.
    """
    edges = np.diff(np.pad(inside, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    starts = [np.nonzero(line == 1)[0].tolist() for line in edges]
    ends = [np.nonzero(line == -1)[0].tolist() for line in edges]
    first = next(i for i, end in enumerate(ends[row]) if starts[row][i] <= column < end)
    seen, waiting = {(row, first)}, [(row, first)]
    while waiting:
        at, run = waiting.pop()
        start, end = starts[at][run], ends[at][run]
        for near in (at - 1, at + 1):
            if not 0 <= near < len(starts):
                continue
            for other in range(len(starts[near])):
                touches = starts[near][other] < end and start < ends[near][other]
                if touches and (near, other) not in seen:
                    seen.add((near, other))
                    waiting.append((near, other))
    return (
        min(at for at, _run in seen),
        min(starts[at][run] for at, run in seen),
        max(at for at, _run in seen) + 1,
        max(ends[at][run] for at, run in seen),
    )
