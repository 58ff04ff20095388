"""What channels detect, as figures, tables and arrays; and what is new about filters."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from cnnviz_desktop.data import FilterBank, Tuning
from cnnviz_desktop.figures.export import arrays, save_data
from cnnviz_desktop.figures.plates import plate
from cnnviz_desktop.figures.tuning_panels import hue_colour, orientation_colour

RNG = np.random.default_rng(1)
FAMILIES = ("grating", "line", "texture", "shape", "surface", "colour")


def tuning(channels: int, kernels: FilterBank | None = None, silent: int | None = None) -> Tuning:
    def numbers(*shape: int) -> np.ndarray:
        return RNG.random(shape, dtype=np.float32)

    scores = numbers(channels, 4)
    scores /= scores.sum(axis=1, keepdims=True)
    responses = numbers(channels, 6)
    if silent is not None:
        scores[silent] = responses[silent] = 0
    return Tuning(
        layer="features.0",
        channels=tuple(range(channels)) if channels > 1 else (17,),
        names=tuple(f"{family} 45°, 3.81 px, light" for family in FAMILIES),
        families=FAMILIES,
        responses=responses,
        orientations=np.arange(12, dtype=np.float32) * 15,
        frequencies=np.geomspace(0.02, 0.45, 10).astype(np.float32),
        hues=np.arange(12, dtype=np.float32) * 30,
        gratings=numbers(channels, 12, 10),
        colours=numbers(channels, 12),
        orientation=numbers(channels) * 180,
        peak=numbers(channels) * 180,
        bandwidth=numbers(channels) * 180,
        selectivity=numbers(channels),
        frequency=numbers(channels),
        hue=numbers(channels) * 360,
        scores=scores,
        pictured=tuple(range(6)),
        pictures=numbers(6, 64, 64, 3),
        kernels=kernels,
    )


def bank(*shape: int, **how: object) -> FilterBank:
    values = RNG.standard_normal(shape).astype(np.float32)
    return replace(FilterBank(values, "features.0"), **how)


def one(**how: object) -> Tuning:
    made = tuning(1, bank(1, 3, 7, 7, order=(17,)))
    gain = np.abs(RNG.standard_normal((1, 1, 33, 33))).astype(np.float32)
    return replace(made, spectrum=FilterBank(gain, "features.0", spectrum=True), **how)


def nothing() -> Tuning:
    found = one()
    empty = ("responses", "gratings", "colours", "scores", "selectivity", "frequency", "hue")
    return replace(found, **{name: np.zeros_like(getattr(found, name)) for name in empty})


def broken() -> Tuning:
    found = tuning(5)
    names = ("responses", "gratings", "colours", "scores", "orientation", "hue", "pictures")
    return replace(found, **{name: getattr(found, name) * np.float32(np.nan) for name in names})


RESULTS: dict[str, Tuning] = {
    "a first layer": tuning(96, bank(96, 3, 7, 7), silent=3),
    "a grey first layer": tuning(6, bank(6, 1, 5, 5)),
    "a deep layer": tuning(2048),
    "two channels": tuning(2),
    "one channel": one(),
    "one deep channel": replace(one(), kernels=bank(1, 64, 3, 3)),
    "one channel without kernels": replace(one(), kernels=None, spectrum=None),
    "one grey channel": replace(one(), colours=np.zeros((1, 12), np.float32)),
    "a silent channel": nothing(),
    "broken numbers": broken(),
    "a broken channel": broken().only(2),
    "a long name": replace(one(), layer="features.denseblock4.denselayer16.conv2" * 3),
    "other pictures": replace(tuning(3), pictures=np.zeros((6, 2, 3, 1), np.float32)),
    "few pictures": tuning(9).only(4),
}


def words(figure: Figure) -> str:
    return " | ".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize("how", ["light", "dark", "column", "slide"])
@pytest.mark.parametrize("name", RESULTS)
def test_everything_makes_a_page_with_all_text_on_it(name: str, how: str) -> None:
    figure = plate(
        RESULTS[name],
        dark=how == "dark",
        width=3.5 if how == "column" else None,
        slide=how == "slide",
        caption="Made by a test. " * 9,
    )
    figure.set_dpi(60)
    figure.canvas.draw()
    if how == "slide":
        width, height = figure.get_size_inches()
        assert width / height == pytest.approx(16 / 9)
    else:
        assert 1 < figure.get_figheight() < 11
    page = figure.bbox
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x0 >= page.x0 and box.x1 <= page.x1, text
        assert box.y0 >= page.y0 and box.y1 <= page.y1, text


def test_a_layer_counts_what_it_detects_and_shows_the_clearest() -> None:
    found = tuning(200)
    scores = np.full((200, 4), 0.25, np.float32)
    scores[:, 0] = 0.3
    scores[7] = 0, 0, 0.95, 0.05
    scores[9] = 0
    figure = plate(replace(found, scores=scores), limit=3)
    said = words(figure)
    assert "200 channels  ·  the 3 clearest  ·  198 edge  ·  1 colour  ·  1 silent" in said
    assert "| colour | 7 | 0.95" in said
    assert said.index("| edge |") < said.index("| colour |")


def test_labels_are_written_out_beside_a_kernel() -> None:
    scores = np.array([[0, 1, 0, 0]] * 12, np.float32)
    said = words(plate(replace(tuning(12, bank(12, 3, 7, 7)), scores=scores)))
    assert said.count("| texture |") == 12


def test_edges_are_sorted_by_orientation_and_colours_by_hue() -> None:
    found = tuning(4)
    scores = np.zeros((4, 4), np.float32)
    scores[[0, 1], 0] = scores[[2, 3], 2] = 1
    found = replace(
        found,
        scores=scores,
        orientation=np.array([170, 20, 0, 0], np.float32),
        hue=np.array([0, 0, 350, 10], np.float32),
    )
    said = words(plate(found))
    order = [
        said.index(f"| {label} | {row} |")
        for label, row in (("edge", 1), ("edge", 0), ("colour", 3), ("colour", 2))
    ]
    assert order == sorted(order)


def test_a_tick_lies_along_the_stripes_and_is_as_long_as_selectivity() -> None:
    found = tuning(2)
    scores = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], np.float32)
    found = replace(
        found,
        scores=scores,
        orientation=np.array([45, 0], np.float32),
        selectivity=np.array([0.5, 1], np.float32),
    )
    axes = plate(found).axes[0]
    (line,) = axes.collections[0].get_segments()
    (x0, y0), (x1, y1) = line
    assert x1 > x0 and y1 < y0  # up and to the right: rows count downward
    radius = next(p.radius for p in axes.patches if hasattr(p, "radius"))
    assert np.hypot(x1 - x0, y1 - y0) == pytest.approx(radius)  # half of the diameter
    assert len(axes.collections) == 1  # a texture has none


def test_one_channel_says_its_numbers() -> None:
    found = replace(
        one(),
        scores=np.array([[0.92, 0.04, 0.01, 0.03]], np.float32),
        orientation=np.array([179.8], np.float32),
        bandwidth=np.array([38], np.float32),
        selectivity=np.array([0.93], np.float32),
        frequency=np.array([0.25], np.float32),
    )
    said = words(plate(found))
    assert said.startswith("features.0, channel 17 | edge 0.92  ·  0°, period 4.00 px")
    assert "0°, 38° wide" in said and "selectivity 0.93" in said
    assert "kernel, 3×7×7" in said and "its frequency response" in said
    assert "9 strongest of 64" in words(plate(RESULTS["one deep channel"]))
    assert "hue" not in words(plate(RESULTS["one grey channel"]))
    assert "silent" in words(plate(RESULTS["a silent channel"]))


def test_colours_go_around() -> None:
    assert orientation_colour(0) == orientation_colour(180) != orientation_colour(90)
    assert hue_colour(0) == hue_colour(360) != hue_colour(180)
    red, green, blue = (int(hue_colour(120)[i : i + 2], 16) for i in (1, 3, 5))
    assert green > red == blue


def test_a_tuning_is_written_as_a_table_with_a_row_a_channel(tmp_path: Path) -> None:
    found = tuning(5, silent=2)
    with save_data(found, tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 6
    head = rows[0]
    assert head[:3] == ["channel", "detects", "score"]
    assert len(set(head)) == len(head) == len(rows[1])
    label, score = found.label(0)
    assert rows[1][1] == label
    assert float(rows[1][2]) == pytest.approx(score, rel=1e-3)
    assert rows[3][1] == "silent"
    assert rows[1][head.index("best probe")] == found.names[found.best(0)]


def test_a_tuning_is_written_as_arrays(tmp_path: Path) -> None:
    found = tuning(5, bank(5, 3, 3, 3))
    with np.load(save_data(found, tmp_path / "t.npz")) as data:
        np.testing.assert_array_equal(data["gratings"], found.gratings)
        np.testing.assert_array_equal(data["kernels"], found.kernels.values)  # type: ignore[union-attr]
        assert data["labels"].tolist() == [found.label(row)[0] for row in range(5)]
        assert data["kind"] == "Tuning"
        assert "spectrum" not in data


# ------------------------------------------------------------------------------------------ filters


def test_filters_say_what_was_done_to_them() -> None:
    said = words(plate(bank(4, 3, 3, 3, batch_norm="bn1", order=(2, 0, 3, 1))))
    assert "scale of bn1 folded in" in said
    assert said.index("| 2 |") < said.index("| 0 |") < said.index("| 3 |") < said.index("| 1 |")
    said = words(plate(bank(4, 3, 3, 3, order=(1, 3, 0, 2), duplicates=((1, 3),))))
    assert "2 near-duplicates in one group" in said
    assert "| 1a |" in said and "| 3a |" in said and "| 0 |" in said
    falling = np.array([3, 2, 1], np.float32)[:, None, None, None] * np.ones(
        (3, 3, 2, 2), np.float32
    )
    assert "largest norm first" in words(plate(FilterBank(falling, "conv", order=(2, 0, 1))))
    rising = FilterBank(falling[::-1].copy(), "conv", order=(0, 1, 2))
    assert "no near-duplicates" in words(plate(rising))
    assert "norm" not in words(plate(FilterBank(falling, "conv")))
    assert "dilated 2×3 to 5×7" in words(plate(bank(4, 3, 3, 3, dilation=(2, 3))))


def test_sorted_filters_show_the_first_and_others_the_strongest() -> None:
    values = np.ones((200, 8, 3, 3), np.float32)
    values[150] = 9
    plain = FilterBank(values, "conv")
    assert "| 150 |" in words(plate(plain, limit=2))
    by = replace(plain, order=(5, 6, *(i for i in range(200) if i not in (5, 6))))
    said = words(plate(by, limit=2))
    assert "| 5 | 6 |" in said and "150" not in said


def test_a_grouped_layer_names_the_inputs_of_a_group() -> None:
    assert "input channel of its group" in words(plate(bank(8, 4, 3, 3, groups=2)))
    assert "of its group" not in words(plate(bank(8, 4, 3, 3)))


def test_frequencies_are_drawn_unsigned_from_zero() -> None:
    gain = np.zeros((2, 1, 5, 5), np.float32)
    gain[0, 0, 2, 2], gain[1, 0, 0, 0] = 3, 1
    found = FilterBank(gain, "conv", spectrum=True)
    figure = plate(found, scale="layer")
    said = words(figure)
    assert "frequency response of 2 filters" in said
    assert "| 0 | 3.00 | gain by frequency" in said


def test_what_is_new_about_filters_is_among_the_arrays() -> None:
    said = arrays(bank(4, 3, 3, 3, order=(2, 0, 3, 1), duplicates=((2, 0),), dilation=(2, 2)))
    assert said["order"].tolist() == [2, 0, 3, 1]
    assert said["duplicate_group"].tolist() == [0, 0, -1, -1]
    assert said["dilation"].tolist() == [2, 2]
    assert set(arrays(bank(4, 3, 3, 3))) == {"kind", "values", "layer", "groups"}
