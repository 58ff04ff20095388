"""Drawing a layer's maps as one array, against numpy's own take and matplotlib's subplots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks.ratio import Row
from cnnviz_desktop.data import Floats
from cnnviz_desktop.figures import pixels, style

TIMES = 20
TARGET = 1.5  # of numpy's take


def rows() -> Iterator[Row]:
    """Yield rows for 512 and 2048 maps; the floor is the look-up alone, on ready indices.

    Each contender draws several times over: between two turns the others empty the caches, and a
    window that zooms or scrolls draws many tiles in a row.
    """
    rng = np.random.default_rng(0)
    table = style.lut("magma")
    for count, side in ((512, 28), (2048, 7)):
        maps = rng.random((count, side, side), dtype=np.float32)
        index = (maps * 255).astype(np.uint8)
        yield Row(
            name=f"tiles {count} maps of {side}x{side}",
            contenders={
                "numpy take": partial(repeated, partial(table.take, index, axis=0)),
                "cnnviz": partial(repeated, partial(pixels.tiles, maps)),
                "64 matplotlib axes": partial(subplots, maps[:64]),
            },
            target=TARGET,
            note=f"{TIMES} times over; matplotlib draws only 64 of the maps, once",
        )


def repeated(draw: Callable[[], object]) -> None:
    """Draw several times."""
    for _ in range(TIMES):
        draw()


def subplots(maps: Floats) -> None:
    """Draw 64 maps the usual way: one matplotlib axes each."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 8))
    FigureCanvasAgg(figure)
    for place, values in enumerate(maps, start=1):
        axes = figure.add_subplot(8, 8, place)
        axes.imshow(values, cmap="magma")
        axes.axis("off")
    figure.canvas.draw()
