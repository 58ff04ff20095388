"""Lines of one value and the box of what is hot, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz_desktop.data import Box, Heatmap
from cnnviz_desktop.figures import heat_shapes
from cnnviz_desktop.figures.heat_shapes import contour, contours, hot_box, say_box

WHOLE = Box(0, 0, 200, 200)


def heatmap(values, region: Box = WHOLE) -> Heatmap:
    return Heatmap(np.array(values, np.float32), "conv", 0, "pug", 1.0, region)


def test_a_line_runs_where_the_value_is_crossed():
    rising = np.array([[0.0, 4.0], [0.0, 4.0]], np.float32)
    (line,) = contour(rising, 1.0).tolist()
    assert sorted(line) == [[0.75, 0.5], [0.75, 1.5]]  # a quarter of the way between two centres


def test_a_peak_is_run_around_and_a_saddle_is_cut_twice():
    peak = np.zeros((3, 3), np.float32)
    peak[1, 1] = 2
    ends = contour(peak, 1.0).reshape(-1, 2)
    assert len(ends) == 8
    assert {tuple(end) for end in ends.tolist()} == {(1.0, 1.5), (1.5, 1.0), (2.0, 1.5), (1.5, 2.0)}
    assert len(contour(np.array([[2.0, 0.0], [0.0, 2.0]], np.float32), 1.0)) == 2
    assert len(contour(np.zeros((3, 3), np.float32), 1.0)) == 0


@pytest.mark.parametrize("corner", [(1, 1), (5, 2), (0, 7)])
def test_every_line_lies_between_values_on_both_sides(corner):
    rows, columns = np.mgrid[:8, :9]
    values = np.hypot(rows - corner[0], columns - corner[1]).astype(np.float32)
    ends = contour(values, 3.0).reshape(-1, 2)
    far = np.hypot(ends[:, 1] - 0.5 - corner[0], ends[:, 0] - 0.5 - corner[1])
    assert np.abs(far - 3).max() < 0.1


def test_lines_come_in_units_of_the_region_and_below_zero_where_signed():
    values = np.linspace(-1, 1, 16, dtype=np.float32)[None].repeat(16, 0)
    found = contours(heatmap(values), 1.0, (0.5,), signed=True)
    assert [level for level, _lines in found] == [0.5, -0.5]
    for level, lines in found:
        place = (level + 1) / 2  # of the ramp's 15 steps between the centres of 16 cells
        assert lines[..., 0] == pytest.approx(0.5 / 16 + place * 15 / 16, abs=0.01)
    assert contours(heatmap(values), 0.0, (0.5,), signed=False) == []


def test_noise_is_averaged_until_lines_can_be_told_apart():
    noise = np.random.default_rng(0).normal(size=(299, 299)).astype(np.float32)
    found = contours(heatmap(noise), float(noise.max()), (0.1, 0.2), signed=False)
    assert 0 < sum(len(lines) for _level, lines in found) <= heat_shapes._MOST


def test_the_hot_region_is_what_is_connected_to_the_maximum():
    values = np.zeros((10, 10), np.float32)
    values[2:4, 3:6] = 1.0
    values[2, 3] = 2.0  # the maximum
    values[8, 8] = 1.9  # as hot, but apart
    values[4, 6] = 1.0  # touches by a corner alone
    fine = heatmap(values.repeat(20, 0).repeat(20, 1))
    assert hot_box(fine, 0.4, WHOLE) == Box(40, 60, 80, 120)
    assert hot_box(fine, 0.9, WHOLE) == Box(40, 60, 60, 80)
    assert hot_box(fine, 0.0, WHOLE) == hot_box(fine, 0.5, WHOLE)


def test_a_region_that_bends_back_is_followed():
    values = np.zeros((200, 200), np.float32)
    values[20:100, 20:40] = 1
    values[80:100, 20:160] = 1
    values[20:100, 140:160] = 1
    values[20, 20] = 2
    assert hot_box(heatmap(values), 0.4, WHOLE) == Box(20, 20, 100, 160)


def test_the_box_is_in_the_pictures_pixels_and_inside_it():
    values = np.zeros((200, 200), np.float32)
    values[:100, :50] = 1
    box = hot_box(heatmap(values, Box(100, -40, 500, 360)), 0.5, Box(0, 0, 600, 400))
    assert box == Box(100, 0, 300, 60)
    said = say_box(box, 0.0)
    assert said.endswith("(above 50% of the maximum): 60×200 pixels, x 0–60, y 100–300")


def test_where_nothing_is_above_zero_there_is_no_hot_region():
    assert hot_box(heatmap([[-1.0, 0.0]]), 0.5, WHOLE) is None
    assert "none" in say_box(None, 0.5)
