"""Dead, saturated and double channels over a folder of pictures, worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import Residual, pointwise
from PIL import Image
from torch import nn

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.doubles import Doubles
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import ActivationStatistics, ChannelHealth
from cnnviz_desktop.errors import Cancelled, ImageError, LayerError, ParameterError


def grey(*values: int) -> np.ndarray:
    """Make pixels of two rows that both hold these fifths."""
    pixels = np.array([values, values], np.uint8) * 51
    return np.repeat(pixels[:, :, None], 3, axis=2)


def net(*rows: tuple[float, float]) -> nn.Sequential:
    """Make channels of weight x red + bias, and a ReLU."""
    return nn.Sequential(pointwise(*rows), nn.ReLU())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, one of them in a folder within, and two files that are none."""
    home = tmp_path / "birds"
    (home / "owls").mkdir(parents=True)
    Image.fromarray(grey(0, 1, 2, 3)).save(home / "a.png")
    Image.fromarray(grey(0, 0, 4, 5)).save(home / "b.png")
    Image.fromarray(grey(0, 0, 0, 0)).save(home / "owls" / "c.png")
    (home / "broken.png").write_bytes(b"this is no picture")
    (home / "empty.jpg").write_bytes(b"")
    return home


def by_layer(table: Any) -> dict[str, dict[str, Any]]:
    return {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}


# x; -x; x - 0.7; 0.5 without weight; nothing; 2x, which is x's double; x - 0.9
ROWS = ((1.0, 0.0), (-1.0, 0.0), (1.0, -0.7), (0.0, 0.5), (0.0, 0.0), (2.0, 0.0), (1.0, -0.9))


def test_a_folder_by_hand(load, folder):
    model = load(net(*ROWS), size=(2, 4))
    table = ChannelHealth(folder=str(folder))(model)
    found = by_layer(table)
    assert list(found) == ["0", "1"]
    relu = found["1"]
    assert (relu["kind"], relu["channels"]) == ("ReLU", 7)
    # of 12 values: x 5, -x 0, x-0.7 2 (0.8 and 1), 0.5 12, 0 0, 2x 5, x-0.9 1
    assert relu["fires"] == pytest.approx(100 * (5 + 2 + 12 + 5 + 1) / (7 * 12))
    assert relu["dead on data"] == 2
    assert relu["dead in weights"] == 0  # a ReLU has none
    assert (found["0"]["dead on data"], found["0"]["dead in weights"]) == (2, 2)
    assert relu["duplicates"] == 1
    assert (relu["saturated"], relu["NaN or infinite"]) == (None, 0)
    totals = dict(zip(table.columns, table.totals, strict=True))
    assert (totals["layer"], totals["channels"], totals["dead on data"]) == ("total", 14, 4)
    assert table.title.endswith("over 3 pictures of birds")


def test_broken_files_are_listed_and_left_out(load, folder):
    table = ChannelHealth(folder=str(folder))(load(net(*ROWS), size=(2, 4)))
    said = table.notes[-1]
    assert said.startswith("2 files were left out.")
    assert "broken.png" in said
    assert "empty.jpg" in said


def test_one_picture_wakes_fewer_than_the_folder(load, folder):
    model = load(net(*ROWS), size=(2, 4))
    alone = by_layer(ChannelHealth(folder=str(folder / "a.png"))(model))
    assert alone["1"]["dead on data"] == 4  # those of the folder, x - 0.7 and x - 0.9
    table = ActivationStatistics()(model, ImageInput(grey(0, 1, 2, 3)))
    silent = {row[0]: row[table.columns.index("silent")] for row in table.rows}
    assert {name: row["dead on data"] for name, row in alone.items()} == silent


def test_a_double_on_one_picture_only_is_none(load, folder, tmp_path):
    # x - 0.5 over four values that are 0 or 1 alone has the direction of x there, and not elsewhere
    model = load(net((1.0, 0.0), (1.0, -0.5)), size=(2, 4))
    path = tmp_path / "black and white.png"
    Image.fromarray(grey(0, 5, 0, 5)).save(path)
    assert by_layer(ChannelHealth(folder=str(path))(model))["1"]["duplicates"] == 1
    assert by_layer(ChannelHealth(folder=str(folder))(model))["1"]["duplicates"] == 0


def test_layers_can_be_chosen(load, folder):
    model = load(net(*ROWS), size=(2, 4))
    chosen = {
        which: list(by_layer(ChannelHealth(folder=str(folder), layers=which)(model)))
        for which in ("all", "kernels", "rectifiers")
    }
    assert chosen == {"all": ["0", "1"], "kernels": ["0"], "rectifiers": ["1"]}
    with pytest.raises(LayerError, match="no rectifiers"):
        ChannelHealth(layers="rectifiers")(load(nn.Sequential(nn.Conv2d(3, 2, 1))))


def test_what_cannot_be_done_is_said(load, tmp_path):
    model = load(net(*ROWS), size=(2, 4))
    with pytest.raises(ParameterError, match="There is no folder"):
        ChannelHealth(folder=str(tmp_path / "none"))(model)
    (tmp_path / "bad.png").write_bytes(b"no")
    with pytest.raises(ImageError, match="None of the 1 pictures"):
        ChannelHealth(folder=str(tmp_path))(model)


def test_progress_counts_pictures_and_a_cancel_is_heard(load, folder):
    model = load(net(*ROWS), size=(2, 4))
    seen = []
    run = Run(on_progress=lambda progress: seen.append((progress.done, progress.total)))
    ChannelHealth(folder=str(folder))(model, None, run)
    assert seen[0] == (0, 5)
    assert [done for done, _total in seen] == sorted(done for done, _total in seen)
    run.cancel()
    with pytest.raises(Cancelled):
        ChannelHealth(folder=str(folder))(model, None, run)


def test_a_file_is_one_picture_and_nothing_is_what_the_generator_draws(load, folder):
    model = load(net(*ROWS), size=(2, 4))
    alone = ChannelHealth(folder=str(folder / "a.png"))(model)
    assert alone.title.endswith("a.png")
    assert by_layer(alone)["1"]["dead on data"] == 4
    assert "pictures of the generator" in ChannelHealth()(model).title
    assert not ChannelHealth().is_quick()


def test_a_layer_that_runs_twice_is_a_double_only_in_both_calls(load):
    found = by_layer(ChannelHealth()(load(Residual())))
    assert list(found).count("relu") == 1
    assert found["relu"]["duplicates"] == 0
    assert found["fc"]["duplicates"] is None  # single values point nowhere


def maps(*rows: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(rows)[None, :, :, None]


def test_doubles_by_hand():
    doubles = Doubles()
    # 1 is twice 0; 3 is asleep; 4 points elsewhere; 5 is broken
    doubles.add(maps((1, 2, 0, 1), (2, 4, 0, 2), (1, 0, 0, 0), (0,) * 4, (-1, -2, 0, -1)), 1)
    assert doubles.pairs() == {(1, 0)}
    # 3 wakes and is 2's double here: but 2 did not sleep when 3 did
    doubles.add(maps((3, 0, 0, 1), (6, 0, 0, 2), (0, 1, 0, 0), (0, 5, 0, 0), (0,) * 4), 1)
    assert doubles.pairs() == {(1, 0)}
    doubles.add(maps((0,) * 4, (0,) * 4, (0, 1, 0, 0), (0,) * 4, (0,) * 4), 1)
    assert doubles.pairs() == {(1, 0)}  # silent together
    doubles.add(maps((1, 0, 0, 0), (0,) * 4, (0, 1, 0, 0), (0,) * 4, (0,) * 4), 1)
    assert doubles.pairs() == set()


def test_those_that_wake_together_are_compared():
    doubles = Doubles()
    nothing = (0.0,) * 4
    doubles.add(maps((1, 1, 0, 0), nothing, nothing), 1)
    doubles.add(maps((1, 0, 0, 0), (0, 1, 2, 0), (0, 2, 4, 0)), 1)
    assert doubles.pairs() == {(2, 1)}
    broken = float("nan")
    doubles.add(maps((1, 0, 0, 0), (0, 1, broken, 0), (0, 2, 4, 0)), 1)
    assert doubles.pairs() == set()


def test_doubles_agree_with_comparing_all_at_once():
    from cnnviz_desktop.engine.statistics import duplicates

    random = torch.Generator().manual_seed(4)
    rows = torch.rand(300, 36, generator=random)
    rows[200:] = rows[:100] * torch.rand(100, 1, generator=random)
    rows[50] = 0
    doubles = Doubles()
    doubles.add(rows.reshape(1, 300, 6, 6), 1)
    later = {one for one, _other in doubles.pairs()}
    assert later == set(duplicates(rows).nonzero()[:, 0].tolist())
    assert len(later) == 99
