"""The figure, tables and files of the evidence: what is written where, and that all of it fits."""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure

from cnnviz_desktop.data import Box, Curve, Evidence, Heatmap, ImageInput
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.evidence_plate import score_words
from cnnviz_desktop.figures.evidence_table import evidence_json, evidence_table, mean_table
from cnnviz_desktop.figures.export import arrays, encode, encode_data
from cnnviz_desktop.figures.plates import plate

REASON = "The score does not depend on this layer at all."


def heatmap(shape: tuple[int, int], layer: str) -> Heatmap:
    values = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape) - 2
    return Heatmap(values, layer, 3, "tabby", 4.5, Box(0, 0, 60, 80), method="Grad-CAM")


def evidence(**changes: object) -> Evidence:
    """Two methods and a control at two layers; the second method has no map at the second."""
    scores = np.array(
        [
            [[0.30, 0.2, 1], [0.10, 0.1, 0]],
            [[0.25, 0.3, 1], [np.nan, np.nan, np.nan]],
            [[-0.01, 0.05, 0], [0.35, 0.6, 1]],
        ],
        np.float32,
    )
    curves = np.linspace(1, 0, 3 * 2 * 5, dtype=np.float32).reshape(3, 2, 5)
    curves[1, 1] = np.nan
    small, large = heatmap((2, 3), "late"), heatmap((40, 40), "early")
    known: dict[str, object] = {
        "title": "Evidence for tabby",
        "target": 3,
        "target_label": "tabby",
        "score": 4.5,
        "probability": 0.91,
        "methods": ("Grad-CAM", "Guided backpropagation", "Random map"),
        "layers": ("early", "late"),
        "maps": (large, small, large, None, large, small),
        "reasons": ("", "", "", REASON, "", ""),
        "metrics": ("ROAD", "deletion", "pointing"),
        "better": ("higher", "lower", "higher"),
        "scores": scores,
        "meanings": ("One.", "Two.", "Three."),
        "curves": (Curve("Deletion", "share", np.linspace(0, 1, 5, dtype=np.float32), (), curves),),
        "controls": 1,
        "notes": ("There is little to lower.",),
    }
    return Evidence(**(known | changes))  # type: ignore[arg-type]


@pytest.fixture
def image() -> ImageInput:
    return ImageInput(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8))


def texts(figure: Figure) -> list[str]:
    return [item.get_text() for item in figure.texts]


def named(figure: Figure, words: str) -> list[object]:
    return [item for item in figure.texts if item.get_text() == words]


def test_every_method_layer_and_score_is_written(image):
    found = texts(plate(evidence(), image))
    for words in ("Evidence for tabby", "Grad-CAM", "Guided", "Random map", "early", "late"):
        assert words in found
    assert found.count("ROAD ↑") == found.count("deletion ↓") == 3
    assert found.count("hit") == 3 and found.count("miss") == 2
    assert "−0.010" in found and "40×40" in found and "2×3" in found
    assert "Controls: maps that know nothing of the network" in found
    assert any("little to lower" in words for words in found)
    joined = " ".join(found)
    assert "The score does not" in joined  # broken into lines in its cell


def test_the_best_of_the_methods_is_bold_and_a_better_control_stands_out(image):
    figure = plate(evidence(), image)
    bold = {item.get_text() for item in figure.texts if item.get_weight() == "bold"}
    assert {"0.300", "0.100"} <= bold and not {"0.250", "0.350", "0.200"} & bold
    (too_good,) = named(figure, "0.350")
    assert too_good.get_color() == style.LIGHT.against
    (fine,) = named(figure, "0.600")
    assert fine.get_color() != style.LIGHT.against
    assert any("Orange" in words for words in texts(figure))
    even = evidence(controls=0)
    assert not any("Orange" in words or "Controls" in words for words in texts(plate(even, image)))


def test_scores_are_written_for_people():
    assert score_words("ROAD", -0.1234) == "−0.123"
    assert score_words("ROAD", float("nan")) == "–"
    assert score_words("pointing", 1.0) == "hit" and score_words("increase", 0.0) == "no"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"width": 3.5},
        {"slide": True},
        {"dark": True, "mode": "heat", "box": True},
        {"signed": True, "caption": "A long caption. " * 9},
    ],
    ids=str,
)
@pytest.mark.parametrize("with_picture", [True, False])
def test_all_of_it_lies_on_the_page(image, options, with_picture):
    figure = plate(evidence(), image if with_picture else None, **options)
    figure.draw_without_rendering()
    box = figure.bbox
    for item in figure.texts:
        place = item.get_window_extent()
        assert place.x0 >= box.x0 - 1 and place.x1 <= box.x1 + 1, item.get_text()
        assert place.y0 >= box.y0 - 1 and place.y1 <= box.y1 + 1, item.get_text()
    assert encode(figure, ".png", dpi=40)


def test_nothing_done_can_be_drawn(image):
    empty = evidence(
        maps=(None,) * 6,
        reasons=("Not looked at.",) * 6,
        curves=(),
        scores=np.full((3, 2, 3), np.nan, np.float32),
    )
    assert "Not looked at." in " ".join(texts(plate(empty, image)))


def test_many_methods_and_layers_stay_legible(image):
    count, layers = 9, 9
    many = evidence(
        methods=tuple(f"Method {row}" for row in range(count)),
        layers=tuple(f"stage{column}.block.conv" for column in range(layers)),
        maps=(heatmap((4, 4), "x"),) * (count * layers),
        reasons=("",) * (count * layers),
        scores=np.random.default_rng(0).random((count, layers, 3)).astype(np.float32),
        curves=(
            Curve(
                "Sanity",
                "layers drawn anew",
                np.arange(1, 4, dtype=np.float32),
                ("fc", "conv2", "conv1"),
                np.full((count, layers, 3), -0.5, np.float32),
            ),
        ),
        controls=2,
    )
    figure = plate(many, image)
    figure.draw_without_rendering()
    heads = [item for item in figure.texts if item.get_text().startswith("stage")]
    places = sorted((item.get_window_extent() for item in heads[:layers]), key=lambda box: box.x0)
    for one, other in pairwise(places):
        assert one.x1 <= other.x0


# ------------------------------------------------------------------------------------------- files


def test_the_table_has_a_row_a_cell():
    table = evidence_table(evidence())
    assert table.columns == ("method", "layer", "map", "ROAD ↑", "deletion ↓", "pointing ↑", "note")
    assert len(table.rows) == 6
    assert table.rows[1][:3] == ("Grad-CAM", "late", "2×3")
    assert table.rows[3] == ("Guided backpropagation", "late", None, None, None, None, REASON)
    lines = list(csv.reader(io.StringIO(encode_data(evidence(), ".csv").decode())))
    assert lines[0][0] == "method" and float(lines[1][3]) == pytest.approx(0.3)


def test_the_mean_is_over_the_pictures_that_have_a_score():
    other = evidence(
        metrics=("ROAD",),
        better=("higher",),
        meanings=("One.",),
        scores=np.full((3, 2, 1), 0.5, np.float32),
        maps=(heatmap((2, 2), "x"),) * 6,
    )
    table = mean_table([evidence(), other])
    assert table.title == "Mean over 2 pictures"
    assert table.columns == ("method", "layer", "pictures", "ROAD ↑", "deletion ↓", "pointing ↑")
    rows = {row[:2]: row[2:] for row in table.rows}
    assert rows["Grad-CAM", "early"] == pytest.approx((2, 0.4, 0.2, 1.0))
    assert rows["Guided backpropagation", "late"] == (1, 0.5, None, None)


def test_an_npz_holds_maps_scores_and_curves():
    found = arrays(evidence())
    np.testing.assert_array_equal(found["scores"], evidence().scores)
    assert found["0/values"].shape == (40, 40) and "3/values" not in found
    assert found["curves/Deletion/values"].shape == (3, 2, 5)
    with np.load(io.BytesIO(encode_data(evidence(), ".npz"))) as data:
        assert data["methods"].tolist()[0] == "Grad-CAM"


def test_json_has_null_where_there_is_nothing():
    found = json.loads(json.dumps(evidence_json(evidence()), allow_nan=False))
    assert found["class"] == "tabby" and len(found["cells"]) == 6
    empty = found["cells"][3]
    assert empty["scores"] == {"ROAD": None, "deletion": None, "pointing": None}
    assert empty["note"] == REASON and empty["curves"]["Deletion"] == [None] * 5
    assert [cell["control"] for cell in found["cells"]] == [False] * 4 + [True] * 2
