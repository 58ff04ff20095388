"""An option is said to change nothing where the figure is the same with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnviz_desktop.data import Activation, Box, Heatmap, ImageInput, Prediction, Result, Table
from cnnviz_desktop.figures.export import encode
from cnnviz_desktop.figures.option_use import idle_options
from cnnviz_desktop.figures.plates import plate

REGION = Box(0, 0, 32, 32)
NUMBERS = np.random.default_rng(0)
IMAGE = ImageInput(NUMBERS.integers(0, 256, (32, 32, 3), dtype=np.uint8))
RESULTS: list[Result] = [
    Prediction(
        np.float32([1, 2, 0]), np.float32([0.24, 0.67, 0.09]), ("ant", "bee", "cat"), REGION
    ),
    Activation(NUMBERS.random((6, 8, 8), np.float32), "conv1", REGION),
    Heatmap(NUMBERS.normal(size=(8, 8)).astype(np.float32), "conv1", 0, "ant", 2.0, REGION),
    Table("Sizes", ("layer", "size"), ("", ""), (("conv1", 3), ("conv2", 5))),
]
GIVEN: dict[str, Any] = {
    "title": "Mine",
    "colormap": "cividis",
    "columns": 1,
    "limit": 1,
    "scale": "layer",
    "signed": True,
    "gamma": 0.4,
    "colour_bar": False,
    "order": "mean",
    "channels": (1, 2),
    "high": 0.5,
    "overlay": True,
    "mode": "heat",
    "threshold": 0.5,
    "box": True,
}


@pytest.mark.parametrize("result", RESULTS, ids=lambda item: type(item).__name__)
def test_what_changes_nothing_is_known(result):
    def drawn(**how: Any) -> bytes:
        return encode(plate(result, IMAGE, **how), ".png", 40)

    plain = drawn()

    same = [name for name, value in GIVEN.items() if drawn(**{name: value}) == plain]

    assert list(idle_options(result, GIVEN)) == same
