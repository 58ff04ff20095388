"""The card of one unit as a figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from cnnviz_desktop.data import Activation, Arithmetic, Box, Card, ImageInput, Reading, Table
from cnnviz_desktop.figures.plates import plate

IMAGE = ImageInput(np.full((40, 50, 3), 128, np.uint8))
WHOLE = IMAGE.whole
FIELD = Box(10, 10, 20, 20)


def card(field: Box | None = FIELD) -> Card:
    """Make the card of a unit whose value 3 is 2.5 + 1.5 - 1 + 0."""
    kernels = np.ones((2, 3, 3), np.float32)
    sums = np.array([2.5, 1.5], np.float32)
    parts = Arithmetic((4, 7), sums, kernels, kernels, rest=-1.0, bias=0.0, count=16)
    effective = np.ones((4, 5), np.float32)
    return Card(
        layer="conv2",
        kind="Conv2d",
        channel=3,
        count=8,
        rank=2,
        maps=Activation(np.eye(4, 5, dtype=np.float32)[None] * 3, "conv2", WHOLE),
        reading=Reading("conv2", 3, 0, 0, 3.0, WHOLE, field, effective, parts),
        facts=Table("facts", ("name", "value"), ("", ""), (("silent", 0.8), ("mean", 0.6))),
        classes=("owl", "cat"),
        losses=np.array([2.0, -1.0], np.float32),
    )


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("how", [{}, {"dark": True}, {"slide": True}, {"width": 3.5}])
def test_titles_and_what_is_said_of_them_fit(how: dict[str, object]) -> None:
    figure = plate(card(), IMAGE, **how)  # type: ignore[arg-type]
    figure.set_dpi(60)
    figure.canvas.draw()
    assert {"On the picture", "What reaches it", "Its map"} <= set(words(figure))
    assert "framed: its receptive field" in words(figure)
    for text in figure.texts:
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, text


def test_a_field_that_is_all_of_the_picture_has_no_frame() -> None:
    assert not any("framed" in text for text in words(plate(card(WHOLE), IMAGE)))
    assert "its receptive field is all of it" in words(plate(card(WHOLE), IMAGE))
    assert "its map over it" in words(plate(card(None), IMAGE))


def test_the_arithmetic_adds_up_and_zero_has_no_sign() -> None:
    said = words(plate(card(), IMAGE))
    assert said[said.index("bias") + 1] == "0"
    assert said[said.index("14 others") + 1] == "−1.00"
    assert said[said.index("sum") + 1] == "3.00"


def test_a_loss_that_is_no_number_has_no_bar() -> None:
    def reach(losses: list[float]) -> list[float]:
        found = replace(card(), losses=np.array(losses, np.float32))
        figure = plate(found, IMAGE)
        assert words(figure)[-1 - 2 * losses[::-1].index(2.0)] == "+2.00"
        colours = ((0x1B / 255, 0x66 / 255, 0xC9 / 255), (0xD5 / 255, 0x5E / 255, 0))
        return [
            bar.get_width()
            for bar in figure.artists
            if bar.get_facecolor()[:3] in [pytest.approx(colour) for colour in colours]
        ][-2:]

    whole, half = reach([2.0, -1.0])
    assert half == pytest.approx(whole / 2)
    assert reach([float("nan"), 2.0]) == [0.0, pytest.approx(whole)]
    assert "NaN" in words(plate(replace(card(), losses=np.array([np.nan, 2], np.float32)), IMAGE))
