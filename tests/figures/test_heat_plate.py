"""Figures of explanations: their modes, their bar, their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cnnviz_desktop.data import Box, Heatmap, Heatmaps, ImageInput
from cnnviz_desktop.errors import ParameterError
from cnnviz_desktop.figures import heat, style
from cnnviz_desktop.figures.plates import plate

REGION = Box(0, 20, 60, 80)


def words(figure: Figure) -> str:
    return " | ".join(text.get_text() for text in figure.texts)


def picture() -> ImageInput:
    pixels = np.random.default_rng(1).integers(0, 255, (60, 100, 3)).astype(np.uint8)
    return ImageInput(pixels)


def bump(high: float = 2.0, label: str = "pug", **more) -> Heatmap:
    rows, columns = np.mgrid[:13, :13]
    values = high * np.exp(-((rows - 4) ** 2 + (columns - 8) ** 2) / 8) - 0.1
    colours = np.random.default_rng(0).normal(size=(13, 13, 3)).astype(np.float32)
    given = {"method": "Grad-CAM", "colours": colours, **more}
    return Heatmap(values.astype(np.float32), "conv", 7, label, 3.0, REGION, **given)


@pytest.mark.parametrize("mode", heat.MODES)
@pytest.mark.parametrize("image", [picture(), None], ids=["picture", "alone"])
def test_every_mode_is_one_panel_as_the_window_shows_it(mode, image):
    figure = plate(bump(), image, mode=mode, opacity=0.7, threshold=0.2, box=image is not None)
    panels = [axes for axes in figure.axes if axes.get_images()]
    shown = panels[0].get_images()[0].get_array()
    if image is not None and mode != "contour":
        look = heat.HeatLook(mode=mode, opacity=0.7, threshold=0.2)
        ground = bytes.fromhex("EEF0F2")
        drawn = heat.drawn(image, bump(), look, heat.high_of(bump(), False), tuple(ground))
        assert np.array_equal(shown, drawn)
    lines = [item for axes in figure.axes for item in axes.collections]
    assert bool(lines) == (mode == "contour")
    assert all(isinstance(item, LineCollection) for item in lines)
    figure.canvas.draw()


def test_what_the_bar_says_in_each_mode():
    said = {mode: words(plate(bump(), picture(), mode=mode)) for mode in heat.MODES}
    assert "| 0 | 1.90 | for the class" in said["overlay"] and "1.90" in said["heat"]
    assert "Kept: where the map is above 0" in said["masked"]
    assert "lines at 25%, 50%, 75% of the maximum" in said["contour"]
    assert "zero is grey" in said["colours"]
    assert "pug | Grad-CAM  ·  logit 3.00  ·  conv" in said["overlay"]
    assert "below 40% of the maximum left out" in words(plate(bump(), mode="heat", threshold=0.4))
    assert "for or against the class" in words(plate(bump(signed=False), mode="overlay"))


def test_the_box_is_outlined_and_its_place_said():
    figure = plate(bump(), picture(), mode="overlay", box=True)
    boxes = [item for axes in figure.axes for item in axes.patches if isinstance(item, Rectangle)]
    assert len(boxes) == 2 and len({box.get_bbox().bounds for box in boxes}) == 1
    left, top, wide, tall = (round(value) for value in boxes[0].get_bbox().bounds)
    assert f"{wide}×{tall} pixels, x {left}–{left + wide}, y {top}–{top + tall}" in words(figure)
    # the peak: row 4, column 8 of 13 cells over rows 0 to 60, columns 20 to 80
    assert top < 4.5 * 60 / 13 < top + tall and left < 20 + 8.5 * 60 / 13 < left + wide


def test_cells_are_squares_where_asked():
    figure = plate(bump(), picture(), mode="heat", cells=True)
    shown = figure.axes[0].get_images()[0]
    assert shown.get_array().shape[:2] == (13, 13)
    assert tuple(shown.get_extent()) == (20, 80, 60, 0)


@pytest.mark.parametrize("how", [{"threshold": 1.0}, {"threshold": -0.1}, {"mode": "jet"}])
def test_what_cannot_be_drawn_is_refused(how):
    with pytest.raises(ParameterError):
        plate(bump(), picture(), **how)


def several(count: int, columns: int) -> Heatmaps:
    maps = tuple(bump(1.1 + index, f"class {index}") for index in range(count))
    return Heatmaps("Likeliest classes", maps, tuple(item.target_label for item in maps), columns)


def test_several_maps_stand_in_rows_with_one_bar():
    figure = plate(several(6, 3), picture())
    tiles = [axes for axes in figure.axes if axes.get_images()]
    corners = [axes.get_position().bounds[:2] for axes in tiles[:6]]
    places = [(round(x, 4), round(y, 4)) for x, y in corners]
    assert len({x for x, _y in places}) == 3 and len({y for _x, y in places}) == 2
    said = words(figure)
    assert said.startswith("Likeliest classes | each map on its own scale")
    assert said.count("class 3") == 1 and said.count("logit 3.00") == 6
    assert "| 0 | peak | each map's" in said
    shared = words(plate(several(6, 3), picture(), scale="layer", columns=6))
    assert "one scale for all" in shared and "| 0 | 6.00 | for the class" in shared


def holed(holes: int) -> Heatmap:
    found = bump()
    values = found.values.copy()
    values[-1, :holes] = np.nan
    return replace(found, values=values)


def test_what_is_no_number_is_said_of_all_maps_and_as_it_is_drawn():
    maps = Heatmaps("Compared", (bump(), holed(2), holed(3)), ("a", "b", "c"), 3)
    for scale in ("tile", "layer"):
        figure = plate(maps, picture(), scale=scale)
        assert "clear: 5 NaN" in words(figure)
    assert "cyan: 5 NaN" in words(plate(maps, picture(), mode="heat"))
    cyan = np.array(style.NO_VALUE)
    for mode, said in (("overlay", "clear: 2 NaN"), ("heat", "cyan: 2 NaN"), (None, "cyan: 2 NaN")):
        figure = plate(holed(2), picture(), mode=mode)
        assert said in words(figure)
        shown = [axes.get_images()[0].get_array() for axes in figure.axes if axes.get_images()]
        found = any((drawn[..., :3] == cyan).all(axis=-1).any() for drawn in shown)
        assert found == said.startswith("cyan"), mode


def test_captions_never_run_into_each_other():
    maps = tuple(bump(label=f"a class with a name as long as number {n}") for n in range(12))
    long = Heatmaps("Compared", maps, tuple(item.target_label for item in maps), 6)
    figure = plate(long, picture())
    renderer = figure.canvas.get_renderer()
    boxes = [
        text.get_window_extent(renderer) for text in figure.texts if "a cla" in text.get_text()
    ]
    assert len(boxes) == 12 and "logit" not in words(figure)
    assert all(not a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("mode", heat.MODES)
@pytest.mark.parametrize("image", [picture(), None], ids=["picture", "alone"])
def test_several_maps_have_every_mode_too(mode, image):
    for scale in ("tile", "layer"):
        figure = plate(several(4, 2), image, mode=mode, scale=scale, signed=True, box=True)
        figure.canvas.draw()
