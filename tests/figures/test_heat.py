"""Heat maps in every mode, by numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cnnviz_desktop.data import Box, Heatmap, ImageInput
from cnnviz_desktop.figures import heat, style
from cnnviz_desktop.figures.heat import HeatLook

GROUND = (1, 2, 3)


def heatmap(values, region: Box = Box(0, 0, 2, 2), **more) -> Heatmap:  # noqa: B008
    return Heatmap(np.array(values, np.float32), "conv", 0, "pug", 1.0, region, **more)


HALVES = heatmap([[0.0, 0.5], [1.0, -1.0]])


def test_the_overlay_grows_with_the_value_and_is_clear_at_zero_and_below():
    veil = heat.veil(HALVES, HeatLook(opacity=0.8), 1.0, 2, 2)
    # 1 - (1 - t)^2 of 0, a half, one and nothing, at opacity 0.8
    assert veil[..., 3].tolist() == [[0, round(255 * 0.8 * 0.75)], [204, 0]]
    assert veil[1, 0, :3].tolist() == style.lut("inferno")[255].tolist()


def test_signed_maps_show_what_speaks_against():
    veil = heat.veil(HALVES, HeatLook(opacity=1.0, signed=True), 1.0, 2, 2)
    assert veil[..., 3].tolist() == [[0, 191], [255, 255]]
    assert veil[1, 1, :3].tolist() == style.lut("RdBu_r")[0].tolist()
    magnitudes = replace(HALVES, signed=False)
    assert not HeatLook(signed=True).signed_for(magnitudes)
    look = HeatLook(signed=True, colormap="RdBu_r")
    assert look.colormap_for(magnitudes) == "inferno"
    assert look.colormap_for(HALVES) == "RdBu_r"


def test_a_threshold_leaves_out_what_is_below_a_share_of_the_maximum():
    look = HeatLook(threshold=0.6, opacity=1.0)
    assert heat.veil(HALVES, look, 1.0, 2, 2)[..., 3].tolist() == [[0, 0], [255, 0]]
    alone = heat.veil(HALVES, replace(look, mode="heat"), 1.0, 2, 2)
    assert alone[0, 1].tolist() == [*style.lut("inferno")[0], 255]


def test_a_mask_keeps_what_is_above_and_dims_the_rest_and_what_is_outside():
    image = ImageInput(np.full((2, 4, 3), 200, np.uint8))
    placed = heatmap([[0.0, 0.5], [1.0, -1.0]], Box(0, 2, 2, 4))
    drawn = heat.drawn(image, placed, HeatLook(mode="masked", threshold=0.4), 1.0, GROUND)
    dim = round((200 * 32 + 9 * 223) / 255)
    assert drawn[..., 0].tolist() == [[dim, dim, dim, 200], [dim, dim, 200, dim]]
    everything = heat.drawn(image, placed, HeatLook(mode="masked"), 1.0, GROUND)
    assert everything[..., 0].tolist() == [[dim, dim, dim, 200], [dim, dim, 200, dim]]


def test_heat_alone_lies_in_its_place_on_plain_ground():
    image = ImageInput(np.full((2, 4, 3), 200, np.uint8))
    placed = heatmap([[0.0, 0.5], [1.0, np.nan]], Box(0, 1, 2, 3))
    drawn = heat.drawn(image, placed, HeatLook(mode="heat", smooth=False), 1.0, GROUND)
    assert drawn[:, 0].tolist() == drawn[:, 3].tolist() == [list(GROUND)] * 2
    assert drawn[1, 1].tolist() == style.lut("inferno")[255].tolist()
    assert tuple(drawn[1, 2]) == style.NO_VALUE


def test_a_region_beyond_the_picture_is_cut_at_its_edge():
    image = ImageInput(np.full((2, 2, 3), 100, np.uint8))
    padded = heatmap([[1.0, 0.0], [1.0, 0.0]], Box(0, -2, 2, 2))  # its left half lies outside
    drawn = heat.drawn(image, padded, HeatLook(opacity=1.0, smooth=False), 1.0, GROUND)
    assert (drawn == 100).all()


def test_each_colour_channel_is_drawn_as_its_colour_around_grey():
    colours = np.zeros((1, 2, 3), np.float32)
    colours[0, 0] = [2, -2, 0]
    found = heatmap([[2.0, 0.0]], colours=colours)
    limit = heat.colours_limit(found)
    assert limit == pytest.approx(2.0)
    veil = heat.veil(found, HeatLook(mode="colours"), 9.0, 1, 2)
    assert veil[0].tolist() == [[255, 0, 128, 255], [128, 128, 128, 255]]
    assert HeatLook(mode="colours").mode_for(HALVES) == "overlay"  # which has no channels


def test_maps_are_on_one_scale_or_each_on_its_own():
    faint = heatmap([[0.25, -3.0]])
    assert heat.highs((HALVES, faint), HeatLook(), shared=False) == [1.0, 0.25]
    assert heat.highs((HALVES, faint), HeatLook(), shared=True) == [1.0, 1.0]
    assert heat.highs((HALVES, faint), HeatLook(signed=True), shared=True) == [3.0, 3.0]


def test_lines_run_at_the_threshold_and_above_it():
    assert heat.levels_of(0.0) == (0.25, 0.5, 0.75)
    assert heat.levels_of(0.4) == (0.4, 0.5, 0.75)
    assert heat.levels_of(0.5) == (0.5, 0.75)


def test_only_signed_maps_of_the_input_have_zero_in_the_middle_unasked():
    assert not heat.is_signed(HALVES)
    assert heat.is_signed(replace(HALVES, layer=""))
    assert not heat.is_signed(replace(HALVES, layer="", signed=False))


def test_infinite_cells_leave_the_others_finite():
    broken = heatmap([[np.inf, 1.0], [0.0, 0.0]])
    assert np.isfinite(heat.scaled(broken.values, 8, 8, smooth=True)).all()
    assert heat.veil(broken, HeatLook(opacity=1.0), 1.0, 8, 8)[7, 0, 3] == 0


def test_a_few_pixels_that_stand_out_do_not_hide_the_others():
    values = np.full((60, 60), 0.5, np.float32)
    values[7, 7:12] = [90, 80, -70, 60, 50]  # of 3600
    of_input = replace(heatmap(values), layer="")
    assert heat.high_of(of_input, signed=False) == heat.high_of(of_input, signed=True) == 0.5
    assert heat.high_of(replace(of_input, layer="conv"), signed=False) == 90
    assert (
        heat.high_of(replace(of_input, values=np.eye(60, dtype=np.float32)[:9]), signed=False) == 1
    )
