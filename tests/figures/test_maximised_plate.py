"""Figures and films of pictures that were grown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cnnviz_desktop import cli
from cnnviz_desktop.data import Box, Inverted, Maximised, Prediction
from cnnviz_desktop.figures.export import arrays, encode
from cnnviz_desktop.figures.maximised_plate import growth_frames
from cnnviz_desktop.figures.plates import plate

RANDOM = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RANDOM.random(shape).astype(np.float32)


def grown(count: int, steps: int = 20, frames: int = 9) -> Maximised:
    return Maximised(
        title="What conv1 wants",
        layer="conv1",
        wanted=tuple(f"channel {place}" for place in range(count)),
        pictures=floats(count, 16, 16, 3),
        objectives=floats(count, steps),
        responses=floats(count),
        threshold=np.full(count, np.nan, np.float32),
        growth=floats(frames, count, 8, 8, 3),
        grown=tuple(range(frames)),
        answers=(),
        steps=32,
        seed=3,
        notes=("Channel 0 would not fire.",),
    )


def inverted(layers: int) -> Inverted:
    names = tuple(f"features.{place}" for place in range(layers))
    return Inverted(
        "What features.1 remembers", "features.1", floats(16, 12, 3), floats(16, 12, 3),
        0.02, 0.6, 0.9, floats(20), floats(5, 8, 6, 3), tuple(range(5)), names,
        floats(layers, 8, 6, 3), floats(layers), floats(layers), floats(layers), 20, 0,
    )  # fmt: skip


def words(figure) -> str:
    return " ".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize("how", [{}, {"width": 3.5}, {"slide": True}, {"dark": True}, {"limit": 1}])
@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_pictures_are_drawn_in_every_form(count, how):
    figure = plate(grown(count), **how)

    said = words(figure)
    assert "What conv1 wants" in said
    assert "Channel 0 would not fire." in said
    assert encode(figure, ".png", dpi=50)[:4] == b"\x89PNG"


def test_one_picture_says_what_its_unit_gives_and_the_network_takes_it_for():
    answer = Prediction(
        np.array([3.0, 1.0], np.float32),
        np.array([0.88, 0.12], np.float32),
        ("tabby", "owl"),
        Box(0, 0, 16, 16),
    )
    result = replace(
        grown(1),
        layer="",
        wanted=("tabby",),
        responses=np.array([3.0], np.float32),
        threshold=np.array([1.25], np.float32),
        answers=(answer,),
    )

    said = words(plate(result))

    for part in ("tabby", "logit", "3.00", "1.25", "88.0", "20 of 32 steps", "seed 3"):
        assert part in said
    assert plate(replace(result, objectives=floats(1, 1), growth=floats(1, 1, 8, 8, 3), grown=(0,)))


@pytest.mark.parametrize("how", [{}, {"width": 3.5}, {"slide": True}, {"dark": True}])
@pytest.mark.parametrize("layers", [1, 3, 12])
def test_inversions_are_drawn_with_their_curve(layers, how):
    figure = plate(inverted(layers), **how)

    assert ("What each layer remembers" in words(figure)) == (layers > 1)
    assert encode(figure, ".svg")


def test_caricatures_say_no_r2():
    said = words(plate(replace(inverted(1), caricature=True)))
    assert "caricature" in said
    assert "R²" not in said


@pytest.mark.parametrize("result", [grown(3), inverted(3)], ids=("grown", "inverted"))
def test_data_holds_every_array(result):
    found = arrays(result)
    np.testing.assert_array_equal(found["growth"], result.growth)
    assert not any(value.dtype == object for value in found.values())


def test_frames_of_several_pictures_are_sheets():
    assert growth_frames(grown(1)).shape == (9, 8, 8, 3)
    assert growth_frames(grown(4)).shape == (9, 17, 17, 3)
    assert growth_frames(inverted(2)).shape == (5, 8, 6, 3)


def test_the_command_line_writes_the_growth_as_a_film(tmp_path, capsys, bundled_weights):
    out = tmp_path / "grown.gif"
    command = ["activation-maximization", "bundled", "--layer", "blocks.0", "--steps", "4"]

    assert cli.main([*command, "--out", str(out)]) == 0
    with Image.open(out) as film:
        assert film.n_frames > 2
    assert '"activation-maximization"' in (tmp_path / "grown.gif.json").read_text()

    assert cli.main(["filters", "bundled", "--out", str(out)]) == 2
    assert "instead of “.gif”" in capsys.readouterr().err


def test_steps_without_a_number_are_gaps_in_the_curve():
    objectives = np.array([[1, np.nan, 3], [np.nan, np.nan, np.nan]], np.float32)
    figure = plate(replace(grown(2), objectives=objectives))
    drawn = [line.get_ydata().tolist() for axes in figure.axes for line in axes.lines]
    assert "1.00 … 3.00; each" in words(figure)
    np.testing.assert_equal(drawn, [[0, np.nan, 1], [np.nan] * 3])
    nothing = plate(replace(grown(1), objectives=objectives[1:]))
    assert "no step gave a number" in words(nothing)
    assert encode(nothing, ".png", dpi=50)


def test_what_is_said_above_narrow_pictures_has_room():
    narrow = replace(inverted(1), original=floats(64, 8, 3), picture=floats(64, 8, 3))
    figure = plate(narrow)
    figure.canvas.draw()
    place = {text.get_text(): text.get_window_extent() for text in figure.texts}
    assert place["picture"].x1 < place["made again from the layer"].x0
    assert place["made again from the layer"].x1 < place["Objective"].x0


def test_the_unit_card_has_a_place_for_what_it_wants(bundled_weights, sample, tmp_path):
    from cnnviz_desktop.engine.images import load_image
    from cnnviz_desktop.engine.models import load_model
    from cnnviz_desktop.engine.techniques import UnitCard

    image = load_image(sample)
    card = UnitCard(layer="blocks.0", channel=1)(load_model("bundled"), image)

    assert "What it wants" not in words(plate(replace(card, maximised=None), image))
    for width in (None, 3.5):
        assert "What it wants" in words(
            plate(replace(card, maximised=grown(1)), image, width=width)
        )
