"""Histograms and box plots of layers stand where their numbers say, for few layers and many."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from cnnviz_desktop.data import Distribution
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.export import save_data
from cnnviz_desktop.figures.plates import plate

Show = Literal["histograms", "boxes"]


def distribution(
    show: Show, scales: Sequence[float], names: Sequence[str] = (), zeros: int = 0
) -> Distribution:
    """Make layers of normal numbers of these standard deviations."""
    numbers = np.random.default_rng(0)
    edges, counts, boxes = [], [], []
    for scale in scales:
        values = numbers.standard_normal(500) * scale
        found, ends = np.histogram(values, 96)
        edges.append(ends)
        counts.append(found)
        boxes.append(np.quantile(values, (0, 0.01, 0.25, 0.5, 0.75, 0.99, 1)))
    many = len(scales)
    return Distribution(
        title="Weights of net",
        of="weights",
        layers=tuple(names) or tuple(f"block{place}.conv" for place in range(many)),
        edges=np.array(edges, np.float32),
        counts=np.array(counts, np.int64),
        zeros=np.full(many, zeros, np.int64),
        broken=np.zeros(many, np.int64),
        box=np.array(boxes, np.float32),
        show=show,
    )


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def assert_no_text_meets_another(figure: Figure) -> None:
    figure.set_dpi(100)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            apart = (
                one.x1 <= other.x0 + 1
                or other.x1 <= one.x0 + 1
                or one.y1 <= other.y0 + 4
                or other.y1 <= one.y0 + 4
            )
            assert apart, (place, one, other)


BOTH = pytest.mark.parametrize("show", ["histograms", "boxes"])


@BOTH
@pytest.mark.parametrize("layers", [1, 2, 16, 50, 161])
@pytest.mark.parametrize("width", [None, 3.5])
def test_no_text_meets_another(show: Show, layers: int, width: float | None) -> None:
    names = [f"features.denseblock{i // 40}.denselayer{i}.conv{i % 2}" for i in range(layers)]
    scales = np.geomspace(0.01, 20, layers).tolist()
    spread = distribution(show, scales, names, zeros=150)
    assert_no_text_meets_another(plate(spread, width=width))


@BOTH
def test_all_of_161_layers_are_named_on_a_page(show: Show) -> None:
    names = [f"features.denseblock{i // 40}.denselayer{i}.conv{i % 2}" for i in range(161)]
    figure = plate(distribution(show, [1.0] * 161, names))
    said = words(figure)
    assert {f"f.d{i // 40}.d{i}.conv{i % 2}" for i in range(161)} <= set(said)
    assert "80 500 weights in 161 layers".replace(" ", "\u2009", 1) in said[1]
    assert figure.get_figheight() < 10
    assert min(text.get_fontsize() for text in figure.texts) >= 6


@BOTH
def test_too_many_layers_are_taken_at_even_distances(show: Show) -> None:
    said = words(plate(distribution(show, [1.0] * 1000)))
    shown = [int(word[5:-5]) for word in said if word.startswith("block")]
    assert (shown[0], shown[-1]) == (0, 999)
    assert max(np.diff(shown)) - min(np.diff(shown)) <= 1
    assert f"{len(shown)} of 1\u2009000 layers" in said[1]
    few = words(plate(distribution(show, [1.0] * 1000), limit=3))
    assert [word for word in few if word.startswith("block")] == [
        "block0.conv",
        "block500.conv",
        "block999.conv",
    ]


def test_a_histogram_stands_where_its_values_are() -> None:
    spread = Distribution(
        title="Weights of net",
        of="weights",
        layers=("conv",),
        edges=np.array([[-1, 0, 1, 3]], np.float32),
        counts=np.array([[2, 4, 0]]),
        zeros=np.array([2]),
        broken=np.array([1]),
        box=np.array([[-1, -1, -0.5, 0, 0.5, 1, 3]], np.float32),
    )
    figure = plate(spread)
    (axes,) = figure.axes
    shape = next(item for item in axes.collections if isinstance(item, PolyCollection))
    points = shape.get_paths()[0].vertices
    np.testing.assert_allclose(sorted(set(points[:, 0])), [0, 0.25, 0.5, 1])
    heights = 0.95 - points[:, 1]
    at = {
        x: heights[(points[:, 0] > x - 0.01) & (points[:, 0] < x + 0.01)].max() for x in (0, 0.25)
    }
    assert at[0.25] == pytest.approx(2 * at[0])
    said = words(figure)
    assert {"−1.00", "3.00", "25.0\u2009%"} <= set(said)
    assert "9 weights in 1 layer" in said[1]
    assert "1 NaN or infinite" in said[1]
    zero = [item for item in axes.collections if isinstance(item, LineCollection)][-1]
    assert zero.get_segments()[0][0][0] == pytest.approx(0.25)


def test_one_axis_for_all_layers_where_it_is_asked_for() -> None:
    spread = distribution("histograms", [1.0, 2.0])
    own, shared = plate(spread), plate(spread, scale="layer")
    for figure, same in ((own, True), (shared, False)):
        shape = next(
            item for item in figure.axes[0].collections if isinstance(item, PolyCollection)
        )
        widths = [np.ptp(path.vertices[:, 0]) for path in shape.get_paths()]
        assert (widths[0] == pytest.approx(widths[1], abs=0.01)) == same
    assert {"0", "2", "−2"} <= set(words(shared))


def test_a_box_plot_stands_where_its_numbers_are() -> None:
    spread = distribution("boxes", [1.0])
    box = np.array([[-5, -3, -1, 0, 2, 4, 5]], np.float32)
    object.__setattr__(spread, "box", box)
    figure = plate(spread)
    axes = figure.axes[0]
    boxes = next(item for item in axes.collections if isinstance(item, PolyCollection))
    x = boxes.get_paths()[0].vertices[:, 0]
    assert (x.min(), x.max()) == (pytest.approx(0.4), pytest.approx(0.7))
    lines = [item for item in axes.collections if isinstance(item, LineCollection)]
    assert [segment[:, 0].tolist() for item in lines for segment in item.get_segments()] == [
        pytest.approx([0.2, 0.9]),
        pytest.approx([0.5, 0.5]),
    ]
    assert {"−4", "−2", "0", "2", "4"} <= set(words(figure))


def test_layers_of_very_different_widths_get_a_bent_axis_that_says_so() -> None:
    even = " ".join(words(plate(distribution("boxes", [1.0, 2.0, 3.0]))))
    uneven = words(plate(distribution("boxes", [0.01, 0.02, 30.0])))
    assert "bent" not in even
    assert any("bent beyond ±0.0100" in word for word in uneven)
    assert {"−10", "−0.1", "0", "0.1", "10"} <= set(uneven)


@BOTH
@pytest.mark.parametrize("dark", [False, True])
def test_hard_layers_are_drawn_without_a_warning(show: Show, dark: bool) -> None:
    spread = distribution(
        show, [1.0, 1e-30, 1e30, 1.0, 1.0], ["", "日本語", "a $x^", "b", "x" * 300]
    )
    spread.box[3] = math.nan
    spread.counts[3] = 0
    spread.box[4] = 0
    spread.counts[4], spread.zeros[4] = 0, 7
    for how in ({}, {"width": 1.5}, {"slide": True}, {"columns": 9}, {"colour_bar": False}):
        figure = plate(spread, dark=dark, **how)  # type: ignore[arg-type]
        figure.set_dpi(40)
        figure.canvas.draw()
    nothing = distribution(show, [1.0])
    nothing.box[:], nothing.counts[:] = math.nan, 0
    plate(nothing, dark=dark).canvas.draw()


def test_colours_are_those_of_plates() -> None:
    for look, dark in ((style.LIGHT, False), (style.DARK, True)):
        figure = plate(distribution("histograms", [1.0]), dark=dark)
        shape = next(
            item for item in figure.axes[0].collections if isinstance(item, PolyCollection)
        )
        wanted = [int(look.accent[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        assert shape.get_facecolor()[0][:3].tolist() == pytest.approx(wanted)


# --------------------------------------------------------------------------------------------- data


def rows_of(spread: Distribution, folder: Path) -> list[list[str]]:
    path = save_data(spread, folder / "a.csv")
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_histograms_are_written_as_a_table_of_bins(tmp_path: Path) -> None:
    spread = distribution("histograms", [1.0, 2.0], ["a", "b, c"])
    rows = rows_of(spread, tmp_path)
    assert rows[0] == ["layer", "from", "to", "count"]
    assert len(rows) == 1 + 2 * 96
    assert (rows[1][0], rows[-1][0]) == ("a", "b, c")
    assert float(rows[1][1]) == float(spread.edges[0, 0])
    assert sum(int(row[3]) for row in rows[1:]) == 1000


def test_box_plots_are_written_as_a_table_of_layers(tmp_path: Path) -> None:
    spread = distribution("boxes", [1.0, 2.0], zeros=3)
    rows = rows_of(spread, tmp_path)
    assert rows[0][:3] == ["layer", "minimum", "1 %"]
    assert [float(cell) for cell in rows[2][1:8]] == spread.box[1].tolist()
    assert rows[2][8:] == ["3", "0"]


def test_all_of_it_is_in_an_npz(tmp_path: Path) -> None:
    spread = distribution("boxes", [1.0, 2.0])
    with np.load(save_data(spread, tmp_path / "a.npz")) as data:
        assert str(data["kind"]) == "Distribution"
        assert str(data["of"]) == "weights"
        for name in ("edges", "counts", "zeros", "broken", "box"):
            np.testing.assert_array_equal(data[name], getattr(spread, name))
        assert data["layers"].tolist() == list(spread.layers)
