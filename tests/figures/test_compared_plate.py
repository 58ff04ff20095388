"""Networks side by side: a page that can be read at every width, a table, arrays."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest

from cnnviz_desktop.data import (
    Activation,
    Box,
    Compared,
    Comparison,
    Heatmap,
    ImageInput,
    Prediction,
    Strip,
)
from cnnviz_desktop.figures.compared_table import (
    comparison_json,
    comparison_table,
    turned_table,
)
from cnnviz_desktop.figures.export import arrays, encode, encode_data
from cnnviz_desktop.figures.plates import plate

RNG = np.random.default_rng(0)
REGION = Box(0, 5, 40, 45)
LABELS = ("tabby", "日本 $x^ " * 9, "owl")


def picture() -> ImageInput:
    return ImageInput(RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8))


def network(name: str = "vgg16", depths: int = 2, scores: tuple[float, ...] = ()) -> Compared:
    probabilities = np.array([0.7, 0.2, 0.1], np.float32)
    maps = [RNG.random((12, 8 // 2**depth, 8 // 2**depth)) for depth in range(depths)]
    heat = [Heatmap(RNG.random((4, 4)), f"features.{i}", 0, "tabby", 1.5, REGION) for i in range(3)]
    return Compared(
        model=name,
        weights="pretrained",
        fingerprint="f" * 64,
        parameters=138_357_544,
        multiply_adds=15_470_264_320,
        memory=579_000_000,
        seconds=0.0931,
        prediction=Prediction(np.log(probabilities), probabilities, LABELS, REGION),
        strips=tuple(
            Strip(
                f"Stage {depth + 1} of {depths}",
                Activation(values.astype(np.float32), f"features.{depth}", REGION),
                tuple(range(12)),
                64,
            )
            for depth, values in enumerate(maps)
        ),
        heatmaps=tuple(heat[:depths]),
        heatmap=heat[2],
        scores=scores,
    )


def bare() -> Compared:
    """A network of which hardly anything is known: no classifier, no maps, not timed."""
    return Compared("mine.pth", "none", "", 5, 0, 1, math.nan, None, (), (), None, ())


def texts(found: Comparison, image: ImageInput | None, **options: object) -> list[str]:
    figure = plate(found, image, **options)  # type: ignore[arg-type]
    return [item.get_text() for item in figure.texts]


@pytest.mark.parametrize(("count", "width"), [(1, None), (4, None), (3, 3.5), (2, 7.0)])
def test_every_part_is_drawn_inside_the_page(count, width):
    models = tuple(network(f"network {number}") for number in range(count))
    found = Comparison("title", models, notes=("Something was left out. " * 12,))

    figure = plate(found, picture(), width=width, dark=count > 2)

    assert encode(figure, ".png", 40).startswith(b"\x89PNG")
    assert len(figure.axes) == count * (1 + 2 + 2 * 12)  # heat, heat at depth, maps
    for axes in figure.axes:
        box = axes.get_position()
        assert box.x0 > 0 and box.y0 > 0 and box.x1 < 1 and box.y1 < 1
    canvas = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    for item in figure.texts:
        box = item.get_window_extent(canvas)
        assert box.x0 >= 0 and box.x1 <= figure.bbox.width + 1


def test_it_says_costs_answers_and_what_was_not_known():
    found = Comparison(
        "two", (network(scores=(0.5, 0.25)), network("resnet50", scores=(1.5, 0.75))),
        ("loss", "top-1"), ("A note.",),
    )  # fmt: skip
    said = texts(found, picture())
    for words in ("vgg16", "resnet50", "138 M parameters", "tabby", "A note.", "loss 0.500"):
        assert words in said, words
    assert "15.5 G multiply-adds" in said and "93.1 ms · 579 MB" in said
    assert any(item.startswith("top-1 75.0") for item in said)
    assert "no classifier" in texts(Comparison("one", (network(), bare())), None)


def test_names_are_as_brief_as_tells_networks_apart():
    models = (network("vgg16 (random weights)"), network("vgg19 (random weights)"))
    found = Comparison("two", models)
    assert found.names == ("vgg16", "vgg19")
    said = texts(found, picture())
    assert said[0] == "vgg16 and vgg19" and said.count("random weights") == 2
    same = Comparison("two", (network("net"), network("net (step-1)")))
    assert same.names == ("net", "net (step-1)")
    assert network("(odd)").name == "(odd)"


def test_the_table_has_a_row_a_network_and_turned_a_column():
    found = Comparison("two", (network(scores=(0.5,)), network("b", scores=(math.nan,))), ("ECE",))
    table = comparison_table(found)
    (one, other) = table.rows
    assert one[:6] == (
        "vgg16",
        "pretrained",
        138_357_544,
        15_470_264_320,
        pytest.approx(93.1),
        579.0,
    )
    assert one[table.columns.index("class 1")] == "tabby"
    assert one[table.columns.index("probability 1")] == pytest.approx(70)
    assert one[table.columns.index("class 4")] is None, "there are three classes"
    assert (one[-1], other[-1]) == (50.0, None)

    rows = list(csv.reader(io.StringIO(encode_data(found, ".csv").decode())))
    assert len(rows) == 3 and rows[2][0] == "b"

    turned = turned_table(found, "picture.png")
    assert turned.columns == ("", "vgg16", "b")
    assert ["time (ms)", *[pytest.approx(93.1)] * 2] in [list(row) for row in turned.rows]
    assert not any(row[0].startswith("class 4") for row in turned.rows)


def test_the_arrays_hold_all_numbers():
    found = Comparison("two", (network(), bare()))
    values = arrays(found)
    assert str(values["kind"]) == "Comparison"
    np.testing.assert_array_equal(values["0/depth 2/maps"], found.models[0].strips[1].maps.values)
    assert values["0/depth 1/channels"].tolist() == list(range(12))
    assert values["0/heatmap"].shape == (4, 4)
    assert not any(name.startswith("1/") for name in values)
    assert encode_data(found, ".npz").startswith(b"PK")


def test_json_says_none_for_what_there_is_none_of():
    one, other = comparison_json(Comparison("two", (network(), bare())))["models"]
    assert one["classes"][0] == {"index": 0, "label": "tabby", "probability": pytest.approx(0.7)}
    assert one["depths"][1]["size"] == [4, 4] and one["depths"][0]["maps"] == 64
    assert other["seconds"] is None and other["classes"] == [] and other["explained"] is None
