"""Exemplars and evaluations are pages that can be read, at every width, and tables."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from cnnviz_desktop.data import Box, Evaluation, Evaluations, Exemplars
from cnnviz_desktop.data.exemplars import EvaluationView
from cnnviz_desktop.figures.evaluation_table import METRICS, confusions, metrics, summary_table
from cnnviz_desktop.figures.exemplar_table import exemplar_table
from cnnviz_desktop.figures.exemplars_plate import crop_pixels
from cnnviz_desktop.figures.export import arrays, encode_data
from cnnviz_desktop.figures.options import WIDTH
from cnnviz_desktop.figures.plates import plate

RNG = np.random.default_rng(0)
NAMES = ("tabby", "Egyptian cat", "日本 $x^ " * 9, "owl")


def exemplars(
    channels: int = 3, across: int = 9, classes: tuple[str, ...] = NAMES, side: int = 6
) -> Exemplars:
    total, kinds = channels * across, len(classes)
    values = -np.sort(-RNG.random((channels, across)).astype(np.float32), axis=1)
    pictures = RNG.random((channels, across, side, side, 3)).astype(np.float32)
    pictures[:, :, :, :1] = -1
    labelled = classes != ("",)
    labels = tuple(place % kinds if labelled else -1 for place in range(total))
    counts = np.zeros((channels, kinds), np.float32)
    counts[:, 0] = across
    return Exemplars(
        title="photographs",
        layer="features." + "long_name." * 5,
        count=512,
        images=50_000,
        channels=tuple(range(7, 7 + channels)),
        values=values,
        pictures=pictures,
        files=tuple(f"/pictures/{place}.png" for place in range(total)),
        labels=labels,
        rows=tuple(range(total)),
        columns=tuple(range(total)),
        boxes=(Box(1, 2, 30, 40),) * total,
        classes=classes,
        means=RNG.random((channels, kinds)).astype(np.float32),
        strongest=counts,
        selectivity=RNG.standard_normal((channels, kinds)).astype(np.float32),
        notes=("3 files could not be read and were skipped. " * 3,),
    )


def evaluation(name: str = "net", classes: int = 12, size: int = 200) -> Evaluation:
    labels = tuple(f"{NAMES[place % 4]} {place}" for place in range(classes))
    truth = RNG.integers(0, classes, size)
    predicted = np.where(RNG.random(size) < 0.7, truth, RNG.integers(0, classes, size))
    known = np.unique(np.concatenate([truth, predicted]))
    shares = RNG.random(len(known)).astype(np.float32)
    recall = np.where(np.isin(known, truth), shares, np.nan).astype(np.float32)
    support = np.array([(truth == label).sum() for label in known])
    numbers = RNG.random(size).astype(np.float32)
    bins = np.linspace(0, 1, 15, dtype=np.float32)
    counts = np.arange(15)
    return Evaluation(
        name, labels, truth, predicted, numbers, truth * 0, numbers,
        *(1.234, 1.5e-5, -0.25, 0.71, 0.98, 0.043),
        known, shares, recall, support, counts, bins, np.where(counts, bins, np.nan),
    )  # fmt: skip


def evaluations(models: int = 1, classes: int = 12, show: EvaluationView = "all") -> Evaluations:
    found = tuple(evaluation(f"network {number}", classes) for number in range(models))
    files = tuple(f"{place}.png" for place in range(200))
    notes = ("Of no class that all networks know, and left out: a, b, c. " * 4,)
    return Evaluations("photographs", files, found, show, notes)


CASES = {
    "exemplars": exemplars(12),
    "many channels": exemplars(64),
    "one channel": exemplars(1),
    "one channel of a thousand classes": exemplars(1, 9, tuple(f"class {n}" for n in range(1000))),
    "without classes": exemplars(4, 9, ("",)),
    "few pictures": exemplars(2, 2),
    "one picture": exemplars(1, 1, ("",)),
    "range": replace(exemplars(6), percentiles=tuple(np.linspace(0, 100, 9).tolist())),
    "for a class": replace(exemplars(5), target=1),
    "evaluation": evaluations(),
    "two classes": evaluations(1, 2),
    "a thousand classes": evaluations(2, 1000),
    "four networks": evaluations(4),
    "nine networks": evaluations(9),
    "confusions": evaluations(2, 12, "confusion"),
    "calibrations": evaluations(3, 12, "calibration"),
    "classes": evaluations(3, 80, "classes"),
}


def draw(figure: Figure) -> None:
    figure.set_dpi(60)
    figure.canvas.draw()
    page = figure.bbox
    for text in figure.texts:
        box = text.get_window_extent()
        assert page.x0 <= box.x0 and box.x1 <= page.x1 - 1, text
        assert page.y0 <= box.y0 and box.y1 <= page.y1, text


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", CASES)
def test_a_page_with_all_text_on_it(name, dark):
    figure = plate(CASES[name], dark=dark, caption="Made by a test. " * 20)
    draw(figure)
    assert figure.get_figwidth() <= WIDTH + 0.7
    assert figure.get_figheight() < 11


@pytest.mark.parametrize("how", ["column", "page", "slide"])
@pytest.mark.parametrize("name", CASES)
def test_the_width_that_is_asked_for(name, how):
    widths = {"column": 3.5, "page": 7.0}
    figure = plate(CASES[name], width=widths.get(how), slide=how == "slide")
    draw(figure)
    wide = widths.get(how, 40 / 3)
    assert figure.get_figwidth() == pytest.approx(wide)


def test_a_channel_says_its_purity_its_values_and_its_class():
    found = exemplars(2)

    said = words(plate(found))

    assert "What excites" in said[0]
    assert "50\u2009000 pictures of photographs" in said[1]
    assert {"channel 7", "channel 8"} <= set(said)
    assert "100.0\u2009% tabby" in said
    assert said.count("tabby") >= 2
    shown = words(plate(found, limit=1))
    assert "channel 7" in shown and "channel 8" not in shown
    assert "channel 8" in words(plate(found, channels=[8]))


def test_beside_a_crop_is_the_ground():
    drawn = crop_pixels(exemplars(1).pictures[0], "#102030")

    assert drawn.dtype == np.uint8
    assert (drawn[:, :, 0] == (0x10, 0x20, 0x30)).all()
    assert not (drawn[:, :, 1:] == (0x10, 0x20, 0x30)).all(axis=-1).any()


def test_the_numbers_and_confusions_of_an_evaluation_are_written():
    found = evaluations(2)
    models = tuple(replace(item, labels=tuple("abcdefghijkl")) for item in found.models)
    found = replace(found, models=models)

    said = words(plate(found))

    assert {"1.23", "1.5×10⁻⁵", "\u22120.250", "71.0\u2009%", *METRICS} <= set(said)
    one, other, size = confusions(found.models[0], 1)[0]
    labels = found.models[0].labels
    assert any(text == f"{labels[one]} → {labels[other]}" for text in said)
    assert one != other and size > 0
    table = summary_table(found)
    assert table.rows[0][1:4] == metrics(found.models[0])[:3]


def test_the_best_of_several_networks_is_bold_and_nothing_that_is_no_better():
    def bold(*losses: float) -> list[str]:
        models = (replace(evaluation(f"net {loss}"), loss=loss) for loss in losses)
        figure = plate(replace(evaluations(), models=tuple(models)))
        heavy = [text.get_text() for text in figure.texts if text.get_fontweight() == "bold"]
        return [text for text in heavy if text in ("1.00", "2.00", "NaN")]

    assert bold(2.0, 1.0) == ["1.00"]
    assert bold(float("nan"), 2.0, 1.0) == ["1.00"]
    assert bold(1.0, 1.0) == []
    assert bold(1.0) == []


def test_many_classes_share_cells_that_can_be_seen():
    truth = np.arange(1000)
    found = evaluations(1, 1000)
    item = replace(
        found.models[0], truth=truth, predicted=truth, classes=truth, support=np.ones(1000, int),
        precision=np.ones(1000), recall=np.ones(1000),
    )  # fmt: skip
    figure = plate(replace(found, models=(item,), show="confusion"))
    (matrix,) = [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]
    assert matrix.shape == (143, 143, 3)  # seven to a cell
    dark = (matrix == (0x1B, 0x66, 0xC9)).all(axis=2)
    assert dark.diagonal().all() and dark.sum() == 143
    assert any("7 classes to a cell" in text for text in words(figure))


def test_one_picture_is_one():
    found = evaluations()
    assert "1 picture" in words(plate(replace(found, files=("a.png",))))
    assert summary_table(replace(found, files=("a.png",))).title.endswith(": 1 picture")


def test_their_data_can_be_written_and_read(tmp_path: Path):
    found, measured = exemplars(2), evaluations(2, 5)

    rows = list(csv.DictReader(io.StringIO(encode_data(found, ".csv").decode())))
    assert len(rows) == 18
    assert rows[10]["file"] == "/pictures/10.png"
    assert (rows[10]["channel"], rows[10]["rank"], rows[10]["bottom"]) == ("8", "2", "30")
    assert exemplar_table(replace(found, labels=(-1,) * 18)).rows[0][4] is None
    by_class = list(csv.DictReader(io.StringIO(encode_data(measured, ".csv").decode())))
    assert len(by_class) == sum(len(item.classes) for item in measured.models)
    for result in (found, measured):
        with np.load(io.BytesIO(encode_data(result, ".npz"))) as data:
            assert set(arrays(result)) <= set(data.files)
    with np.load(io.BytesIO(encode_data(measured, ".npz"))) as data:
        np.testing.assert_array_equal(data["1/predicted"], measured.models[1].predicted)
    with np.load(io.BytesIO(encode_data(found, ".npz"))) as data:
        assert data["boxes"].tolist()[0] == [1, 2, 30, 40]
