"""Curves of a training: a panel a measure, a line for each part, numbers exact in the data."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from cnnviz_desktop.data import Curves
from cnnviz_desktop.figures.export import save_data
from cnnviz_desktop.figures.plates import plate


def curves(**change) -> Curves:
    steps = np.array([0, 10, 20], np.float32)
    given = {
        "title": "bundled on pets",
        "names": ("loss/train", "loss/held out", "accuracy/held out", "pace"),
        "steps": (steps, steps, steps[1:], steps[:1]),
        "values": (
            np.array([3, 2, 1], np.float32),
            np.array([4, np.nan, 2], np.float32),
            np.array([0.5, 0.75], np.float32),
            np.array([0.125], np.float32),
        ),
        "notes": ("Step 20 is kept.",),
    }
    return Curves(**{**given, **change})


def texts(figure) -> list[str]:
    return [item.get_text() for item in figure.texts]


def lines(figure) -> dict[str, list[list[float]]]:
    """Return the values of the lines of each panel with data, by its place."""
    return {
        str(place): [line.get_ydata().tolist() for line in axes.lines if len(line.get_ydata()) == 3]
        for place, axes in enumerate(figure.axes)
    }


def test_a_panel_for_each_measure_and_a_line_for_each_part() -> None:
    figure = plate(curves())
    said = texts(figure)
    assert {"bundled on pets", "loss", "accuracy", "pace", "train", "held out"} <= set(said)
    assert "Step 20 is kept." in said
    assert any("step 20" in text and "loss, held out 2.00" in text for text in said)
    drawn = [values for panel in lines(figure).values() for values in panel]
    assert [3, 2, 1] in drawn
    assert any(np.isnan(values[1]) and values[0] == 4 for values in drawn)


@pytest.mark.parametrize(
    "options", [{"dark": True}, {"width": 3.5}, {"slide": True}, {"columns": 1}, {"limit": 1}]
)
def test_every_look_is_drawn(options) -> None:
    assert plate(curves(), **options).axes


def test_what_is_left_out_is_said() -> None:
    assert any("2 more panels" in text for text in texts(plate(curves(), limit=1)))


def test_every_line_that_is_drawn_has_its_name_and_a_look_of_its_own() -> None:
    steps = np.arange(3, dtype=np.float32)
    names = tuple(f"loss/run {place} of a long search" for place in range(14))
    many = curves(names=names, steps=(steps,) * 14, values=(steps,) * 14)
    for width in (None, 3.5):
        figure = plate(many, width=width)
        said = texts(figure)
        assert all(name.removeprefix("loss/") in said for name in names[:12])
        assert "2 more lines are not drawn." in said
        looks = {
            (line.get_color(), line.get_linestyle())
            for axes in figure.axes
            for line in axes.lines
            if list(line.get_ydata()) == [0.5, 0.5]
        }
        assert len(looks) == 12


def test_nothing_logged_yet() -> None:
    empty = np.zeros(0, np.float32)
    nothing = curves(names=("loss/train",), steps=(empty,), values=(empty,), notes=())
    assert "nothing logged yet" in texts(plate(nothing))
    assert np.isnan(nothing.last("loss/train"))
    assert np.isnan(nothing.last("gone"))


def test_data_is_exact(tmp_path: Path) -> None:
    save_data(curves(), tmp_path / "c.csv")
    with (tmp_path / "c.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["step"] for row in rows] == ["0.0", "10.0", "20.0"]
    assert [row["accuracy/held out"] for row in rows] == ["", "0.5", "0.75"]
    assert [row["pace"] for row in rows] == ["0.125", "", ""]
    save_data(curves(), tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz") as found:
        assert found["names"].tolist()[0] == "loss/train"
        np.testing.assert_array_equal(found["loss/train/values"], [3, 2, 1])
        np.testing.assert_array_equal(found["accuracy/held out/steps"], [10, 20])
