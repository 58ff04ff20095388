"""Figures and films of a channel through a training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cnnviz_desktop.data import Box, ImageInput, Timeline
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.export import arrays, encode
from cnnviz_desktop.figures.plates import plate
from cnnviz_desktop.figures.timeline_film import film, panels, said, when

RANDOM = np.random.default_rng(0)
IMAGE = ImageInput(RANDOM.integers(0, 255, (30, 40, 3)).astype(np.uint8))


def floats(*shape: int) -> np.ndarray:
    return RANDOM.random(shape).astype(np.float32)


def timeline(count: int) -> Timeline:
    return Timeline(
        title="conv2, channel 3",
        layer="conv2",
        channel=3,
        names=tuple(f"step-{100 * n}" for n in range(count)),
        steps=tuple(100 * n for n in range(count)),
        unit="step",
        show=("map", "kernel", "cam", "maximised"),
        region=Box(0, 5, 30, 35),
        maps=floats(count, 4, 4),
        kernels=floats(count, 16, 3, 3) - 0.5,
        kernel_layer="conv2",
        inputs=tuple(range(16)),
        colours=False,
        heat=floats(count, 4, 4) - 0.5,
        target=1,
        labels=("owl", "cat"),
        answers=np.full((count, 2), 0.5, np.float32),
        wanted=floats(count, 16, 16, 3),
        layers=("conv1", "conv2", "head"),
        drift=floats(count, 3),
        moved=floats(count, 3),
        dead=floats(count, 3),
        pictures=16,
        notes=("1 file was left out.",),
    )


def words(figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize("how", [{}, {"width": 3.5}, {"slide": True}, {"dark": True}, {"limit": 2}])
@pytest.mark.parametrize("count", [1, 4, 30])
def test_checkpoints_and_curves_are_drawn_in_every_form(count, how):
    figure = plate(timeline(count), IMAGE, **how)

    text = words(figure)
    assert "conv2, channel 3" in text
    assert "Weight drift" in text
    assert "Dead filters" in text
    assert "1 file was left out." in text
    assert encode(figure, ".png")
    pictures = [axes for axes in figure.axes if axes.images]
    most = how.get("limit") or (4 if "width" in how else 8)
    assert len(pictures) == 4 * min(count, most)


def test_long_names_of_files_stay_below_their_graphs():
    names = tuple(f"checkpoint of the second training at epoch {n}.pth" for n in range(3))
    figure = plate(replace(timeline(3), names=names, unit="file"), IMAGE)
    figure.canvas.draw()
    for text in figure.texts:
        assert text.get_window_extent().x0 >= 0, text
    ends = [text for text in figure.texts if text.get_text().endswith("2.pth")]
    assert any(text.get_ha() == "right" for text in ends)


def test_pictures_that_are_no_numbers_are_black():
    line = replace(timeline(2), wanted=np.full((2, 4, 4, 3), np.nan, np.float32))
    assert not panels(line, 0, IMAGE)["maximised"].any()


def test_what_was_not_asked_for_is_left_out():
    line = replace(
        timeline(3), show=("map",), kernels=None, heat=None, wanted=None, answers=None, target=-1
    )

    assert list(panels(line, 0, None)) == ["map"]
    assert said(line, 0) == ""
    assert "Answer" not in words(plate(line))
    assert film(line, None).shape[0] == 3


def test_the_cam_lies_where_its_layer_looked_and_nowhere_else():
    line = replace(timeline(1), heat=np.ones((1, 4, 4), np.float32))

    drawn = panels(line, 0, IMAGE)["cam"]

    np.testing.assert_array_equal(drawn[:, :5], IMAGE.pixels[:, :5])
    np.testing.assert_array_equal(drawn[:, 35:], IMAGE.pixels[:, 35:])
    assert (drawn[:, 5:35] != IMAGE.pixels[:, 5:35]).mean() > 0.5


def test_each_frame_says_when_it_was():
    line = timeline(12)

    assert when(line, 11) == "step 1\u2009100"
    assert said(line, 11) == "cat 50.0\u2009%"
    assert when(replace(line, unit="file"), 2) == "step-200"
    frames = film(line, IMAGE)
    assert len(frames) == 12
    assert frames.dtype == np.uint8
    assert (frames[0] != frames[1]).any()
    light = film(line, IMAGE, dark=False)
    assert light[0, 0, 0].tolist() == [255, 255, 255]


def test_a_filter_of_colours_is_drawn_as_one_picture():
    kernels = np.zeros((1, 3, 2, 2), np.float32)
    kernels[0, 0] = 1.0
    line = replace(timeline(1), kernels=kernels, inputs=(0, 1, 2), colours=True)

    drawn = panels(line, 0, None)["kernel"]

    assert drawn.shape == (96, 96, 3)
    red, green, blue = drawn[0, 0].tolist()
    assert red == 255
    assert green == blue == pytest.approx(128, abs=1)


def test_kernels_of_one_weight_stand_without_gaps():
    line = replace(timeline(1), kernels=np.ones((1, 16, 1, 1), np.float32))
    assert (panels(line, 0, None)["kernel"] == 255).all()
    assert panels(timeline(1), 0, None)["kernel"].shape[0] % (4 * 3 + 3) == 0


def test_layers_have_colours_of_their_own():
    for dark in (False, True):
        assert len(set(style.layer_shades(12, dark=dark))) == 12
        assert style.layer_shades(0, dark=dark) == []
    darkest = style.layer_shades(12, dark=True)[0]
    curves = plate(timeline(3), IMAGE, dark=True).axes
    assert any(
        line.get_color() == style.layer_shades(3, dark=True)[0] for a in curves for line in a.lines
    )
    assert bytes.fromhex(darkest[1:])[2] > 100  # seen on a dark ground


def test_its_arrays_hold_all_numbers():
    kept = arrays(timeline(3))

    assert kept["kind"] == "Timeline"
    assert kept["drift"].shape == (3, 3)
    assert kept["region"].tolist() == [0, 5, 30, 35]
    assert "wanted" not in arrays(replace(timeline(3), wanted=None))
