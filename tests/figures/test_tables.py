"""Cells, columns and whole tables, on paper and in files."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cnnviz_desktop.data import Table
from cnnviz_desktop.figures import tables
from cnnviz_desktop.figures.export import save_data
from cnnviz_desktop.figures.plates import plate

NAN, INF = math.nan, math.inf
TABLE = Table(
    title="Layers",
    columns=("layer", "output", "parameters", "memory", "mixed"),
    units=("", "", "", "MB", ""),
    rows=(
        ("features.2", "64×112×112", 1_234_567, 0.5, 1),
        ("features.10", "8×7×7", 0, None, "a, “b”"),
        ("head", None, 90, NAN, None),
    ),
    totals=("total", None, 1_234_657, 0.5, None),
    bars=("parameters",),
    notes=("Three layers.",),
)


def test_cells_are_written_as_people_read_them() -> None:
    pairs = [(None, "–"), ("a", "a"), (1_234_567, "1\u2009234\u2009567"), (0, "0"), (-2, "−2")]
    for cell, words in [*pairs, (0.5, "0.500"), (NAN, "NaN"), (-INF, "−∞")]:
        assert tables.written(cell) == words


def test_columns_of_numbers_and_shapes_stand_right() -> None:
    assert [tables.is_numeric(TABLE, place) for place in range(5)] == [
        *(False, True, True, True),
        False,
    ]
    assert tables.heads(TABLE)[3] == "memory (MB)"


def test_order_is_that_of_numbers_shapes_and_names() -> None:
    for cells in (
        [-INF, -2, 0, 0.5, 3, INF, "a", NAN, None],
        ["3×3", "16", "4×5", "7×7", None],
        ["layer2", "layer10", "layer10.conv1", "Norm", "norm1", "zoo", None],
    ):
        backwards = list(reversed(cells))
        again = sorted(backwards, key=tables.sort_key)
        assert [str(cell) for cell in again] == [str(cell) for cell in cells]


def test_bars_are_shares_of_the_largest() -> None:
    assert tables.largest(TABLE, 2) == 1_234_567
    assert tables.largest(TABLE, 0) == 0
    assert [tables.share(cell, 4) for cell in (1, 4, 0, -1, NAN, INF, None, "4")] == [
        *(0.25, 1),
        *([0] * 6),
    ]
    assert tables.share(3, 0) == 0


def test_a_table_as_csv_is_exact(tmp_path: Path) -> None:
    path = save_data(TABLE, tmp_path / "a.csv")
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert rows == [
        ["layer", "output", "parameters", "memory (MB)", "mixed"],
        ["features.2", "64×112×112", "1234567", "0.5", "1"],
        ["features.10", "8×7×7", "0", "", "a, “b”"],
        ["head", "", "90", "nan", ""],
    ]


def test_a_table_as_arrays_by_column(tmp_path: Path) -> None:
    with np.load(save_data(TABLE, tmp_path / "a.npz"), allow_pickle=False) as data:
        assert str(data["kind"]) == "Table" and str(data["title"]) == "Layers"
        assert data["columns"].tolist() == list(TABLE.columns)
        assert data["column/output"].tolist() == ["64×112×112", "8×7×7", ""]
        assert data["column/parameters"].dtype == np.int64
        np.testing.assert_array_equal(data["column/memory"], [0.5, NAN, NAN])
        assert data["column/mixed"].tolist() == ["1", "a, “b”", ""]


def test_columns_of_one_name_are_all_kept() -> None:
    twice = Table("t", ("a", "a"), ("", ""), ((1, 2),))
    assert [array.tolist() for array in tables.named_columns(twice).values()] == [[1], [2]]


def words(figure) -> str:
    return " | ".join(text.get_text() for text in figure.texts)


def test_a_plate_says_all_that_is_in_it() -> None:
    said = words(plate(TABLE))
    for part in ("Layers", "3 rows", "64×112×112", "1\u2009234\u2009567", "–", "Three layers."):
        assert part in said
    assert "total" in said and "1\u2009234\u2009657" in said
    assert "memory, MB" in said or "memory, | MB" in said or "MB | memory," in said


def test_bars_are_drawn_to_scale() -> None:
    table = Table("t", ("a",), ("",), ((4,), (1,), (0,)), bars=("a",))
    figure = plate(table)
    look = (0x1B / 255, 0x66 / 255, 0xC9 / 255)
    bars = [item for item in figure.artists if item.get_facecolor()[:3] == pytest.approx(look)]
    wide, narrow = sorted((bar.get_width() for bar in bars), reverse=True)
    assert narrow == pytest.approx(wide / 4)
    ends = {round(bar.get_x() + bar.get_width(), 6) for bar in bars}
    assert len(ends) == 1, "below the numbers, which stand right"


LONG = Table(
    "Many",
    ("layer", *(f"column {i}" for i in range(12))),
    ("",) * 13,
    tuple((f"block.{row}." + "name" * 9, *range(12)) for row in range(60)),
    ("total", *range(12)),
)


def test_rows_are_as_many_as_asked_for() -> None:
    said = words(plate(LONG, limit=7))
    assert "first 7 of 60 rows" in said and "block.7." not in said
    assert plate(LONG).get_figheight() > 9 > plate(LONG, limit=7).get_figheight()


def test_what_has_no_room_is_left_out_from_the_end_and_said() -> None:
    said = words(plate(LONG, width=7.0))
    assert "No room for column" in said
    assert "column 11" not in said.split("No room")[0]


def test_columns_with_bars_are_the_last_to_be_left_out() -> None:
    drawn, left_out = words(plate(replace(LONG, bars=("column 11",)), width=3.5)).split("No room")
    assert "column 11" in drawn
    assert "column 10, " not in drawn and "column 10." in left_out


def test_a_slide_holds_the_rows_that_fit() -> None:
    figure = plate(LONG, slide=True)
    assert figure.get_figwidth() / figure.get_figheight() == pytest.approx(16 / 9)
    assert "of 60 rows" in words(figure) and "block.0." in words(figure)


def test_totals_without_a_number_in_view_are_not_drawn() -> None:
    table = Table("t", ("a", "b"), ("", ""), (("x", 1),), ("total", None))
    assert "total" not in words(plate(table))
