"""Drawing a layer's maps as one array, against numpy's own take and matplotlib's subplots."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.ratio import Row
from cnnviz_desktop.data import Floats
from cnnviz_desktop.figures import pixels, style


def rows() -> Iterator[Row]:
    """Yield rows for 512 and 2048 maps; the floor is the look-up alone, on ready indices."""
    rng = np.random.default_rng(0)
    table = style.lut("magma")
    for count, side in ((512, 28), (2048, 7)):
        maps = rng.random((count, side, side), dtype=np.float32)
        index = (maps * 255).astype(np.uint8)
        yield Row(
            name=f"tiles {count} maps of {side}x{side}",
            contenders={
                "numpy take": partial(table.take, index, axis=0),
                "cnnviz": partial(pixels.tiles, maps),
                "64 matplotlib axes": partial(subplots, maps[:64]),
            },
            note="matplotlib draws only 64 of the maps",
        )


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
