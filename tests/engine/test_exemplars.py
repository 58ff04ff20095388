"""Exemplars are those that a search of every value finds, however their index came to be."""

from __future__ import annotations

import copy
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import Plain, Residual
from PIL import Image
from test_receptive_field import positive, seen_by
from torch import nn

from cnnviz_desktop.data import Box, ImageInput
from cnnviz_desktop.engine import exemplar_index, exemplars
from cnnviz_desktop.engine.datasets import Dataset, open_dataset
from cnnviz_desktop.engine.decoding import WORKERS, decoded
from cnnviz_desktop.engine.exemplar_index import SAMPLE, ExemplarIndex, index_path, model_key
from cnnviz_desktop.engine.exemplar_pass import MaximaPass
from cnnviz_desktop.engine.exemplar_pictures import known_exemplars, pictured
from cnnviz_desktop.engine.exemplars import class_selectivity, fill
from cnnviz_desktop.engine.images import load_image
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.run import Progress, Run
from cnnviz_desktop.engine.techniques import Exemplars, FeatureMaps, UnitCard
from cnnviz_desktop.errors import (
    Cancelled,
    ImageError,
    LayerError,
    ParameterError,
    TargetError,
)

LAYERS = ("conv1", "relu1", "conv2", "relu2")
CLASSES = ("cat", "dog", "owl")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("CNNVIZ_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty pictures of noise, ten of each class."""
    root = tmp_path / "pictures"
    for number in range(30):
        add(root, number)
    return root


def add(root: Path, number: int, size: int = 8) -> Path:
    path = root / CLASSES[number % 3] / f"{number}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = np.random.default_rng(number)
    values = numbers.integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return path


def dump(model: LoadedModel, dataset: Dataset) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that an index holds."""
    base = sqlite3.connect(index_path(model, dataset))
    names = [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: sorted(base.execute(f"SELECT * FROM {name}"), key=repr) for name in names}
    base.close()
    return found


def searched(
    model: LoadedModel, dataset: Dataset, layer: str
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the highest value (N, C) of every picture and channel, and its flat place."""
    highest, places = [], []
    for item in dataset.items:
        maps = FeatureMaps(layer=layer)(model, dataset.read(item.key)).values
        flat = maps.reshape(len(maps), -1)
        highest.append(flat.max(axis=1))
        places.append(flat.argmax(axis=1))
    return np.array(highest), np.array(places)


# ----------------------------------------------------------------------------------------- a search


@pytest.mark.parametrize("batch", [1, 4])
def test_exemplars_are_those_of_a_search_of_every_value(load, folder, batch):
    model, dataset = load(Plain()), open_dataset(folder)

    fill(model, dataset, LAYERS, batch=batch)

    keys = [item.key for item in dataset.items]
    with ExemplarIndex(index_path(model, dataset)) as index:
        for layer in LAYERS:
            highest, places = searched(model, dataset, layer)
            order = np.argsort(-highest, axis=0, kind="stable")[:9].T  # (C, 9)
            tops = index.tops(layer)
            images = index.images_by_id(tops.images.ravel().tolist())
            found = [[keys.index(images[number].key) for number in row] for row in tops.images]
            wanted = np.take_along_axis(highest.T, order, axis=1)
            np.testing.assert_allclose(tops.values, wanted, atol=1e-6)
            # Of equal values, zeros behind a ReLU, the first picture comes first.
            assert found == order.tolist()
            np.testing.assert_array_equal(tops.places, np.take_along_axis(places.T, order, axis=1))
            sums = index.sums(layer)
            labels = np.array([item.label for item in dataset.items])
            names = index.classes()
            for row, number in enumerate(sums.classes):
                own = highest[labels == dataset.classes.index(names[number])]
                assert sums.images[row] == len(own) == 10
                np.testing.assert_allclose(sums.values[row], own.sum(axis=0), atol=1e-5)
                np.testing.assert_allclose(sums.squares[row], (own**2).sum(axis=0), rtol=1e-5)
            sample = index.sample(layer)  # of so few pictures all
            by_key = [keys.index(images.key) for images in index.images()]
            np.testing.assert_allclose(sample.values, highest[by_key], atol=1e-6)


def test_a_value_before_an_in_place_relu_is_the_convolutions_own(load, folder):
    model, dataset = load(Plain(inplace=True)), open_dataset(folder)
    with torch.no_grad():
        model.module.conv1.bias.fill_(-9)  # nothing is above zero

    fill(model, dataset, ["conv1", "relu1"])

    with ExemplarIndex(index_path(model, dataset)) as index:
        assert index.tops("conv1").values.max() < 0
        assert np.all(index.tops("relu1").values == 0)


def test_a_layer_called_twice_gives_its_last_call(load, folder):
    model, dataset = load(Residual()), open_dataset(folder)

    fill(model, dataset, ["relu", "fc"])

    with ExemplarIndex(index_path(model, dataset)) as index:
        for layer in ("relu", "fc"):
            highest = searched(model, dataset, layer)[0]
            best = -np.sort(-highest, axis=0)[:9].T
            np.testing.assert_allclose(index.tops(layer).values, best, atol=1e-5)


def test_folding_changes_values_by_rounding_alone(load):
    from test_folding import lively

    model = load(lively(Residual()))
    layers = ["stem", "conv1", "bn1", "relu", "bn2"]
    folded, plain = MaximaPass(model, layers[2:]), MaximaPass(model, layers[2:], fold=False)
    assert folded.module is not model.module
    x = folded.example(3)
    for name, found in folded(x).items():
        wanted = plain(x)[name]
        largest = np.abs(wanted.values).max()
        np.testing.assert_allclose(found.values, wanted.values, atol=1e-4 * largest)
    assert MaximaPass(model, layers).module.conv1 is not None


def test_the_pass_stops_at_the_deepest_layer(load):
    model = load(Plain())
    ran: list[str] = []
    handle = model.module.conv2.register_forward_pre_hook(lambda *_given: ran.append("conv2"))

    MaximaPass(model, ["relu1"])(torch.zeros(2, 3, 8, 8))
    handle.remove()

    assert ran == []


def test_percentiles(load, folder):
    model, dataset = load(Plain()), open_dataset(folder)
    highest = searched(model, dataset, "conv1")[0]

    found = Exemplars(folder=str(folder), layer="conv1", show="range", first="index")(model)

    for row, channel in enumerate(found.channels):
        ordered = np.sort(highest[:, channel])
        wanted = ordered[np.rint(np.array(found.percentiles) / 100 * 29).astype(int)]
        np.testing.assert_allclose(found.values[row], wanted, atol=1e-6)


def test_the_sample_is_the_same_whatever_the_order(load, folder, monkeypatch):
    model = load(Plain())
    monkeypatch.setattr(exemplar_index, "SAMPLE", 7)
    fill(model, open_dataset(folder), ["conv1"])
    with ExemplarIndex(index_path(model, open_dataset(folder))) as index:
        images = index.images_by_id(index.sample("conv1").images.tolist())
        first = {image.key for image in images.values()}
    late = {number: (folder / CLASSES[number % 3] / f"{number}.png") for number in range(0, 30, 4)}
    kept = {number: path.read_bytes() for number, path in late.items()}
    for path in late.values():
        path.unlink()
    fill(model, open_dataset(folder), ["conv1"])
    for number, path in late.items():
        path.write_bytes(kept[number])
    fill(model, open_dataset(folder), ["conv1"])

    with ExemplarIndex(index_path(model, open_dataset(folder))) as index:
        images = index.images_by_id(index.sample("conv1").images.tolist())
        assert {image.key for image in images.values()} == first
        assert len(first) == 7 < SAMPLE


# ------------------------------------------------------------------------------------------ classes


def one_colour(root: Path, name: str, colour: tuple[int, int, int]) -> None:
    root.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), colour).save(root / name)


def test_selectivity_and_purity_worked_out_by_hand(load, tmp_path):
    """Channel 0 gives red, channel 1 green; two red and two green pictures, one of both."""
    conv = nn.Conv2d(3, 2, 1, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 0]]).view(2, 3, 1, 1))
    flat = nn.Linear(32, 3)
    model = load(nn.Sequential(conv, nn.Flatten(), flat), size=(4, 4))
    root = tmp_path / "colours"
    for number, red in enumerate((255, 204)):
        one_colour(root / "red", f"{number}.png", (red, 0, 0))
        one_colour(root / "green", f"{number}.png", (0, red, 0))
    one_colour(root / "green", "both.png", (255, 255, 0))

    found = Exemplars(folder=str(root), layer="0", first="index")(model)

    assert found.classes == ("green", "red")
    np.testing.assert_allclose(found.values[0], [1, 1, 0.8, 0, 0], atol=1e-6)
    # both.png lies in the folder that is read first; of equal values it comes first.
    assert [Path(file).name for file in found.files[:2]] == ["both.png", "0.png"]
    np.testing.assert_allclose(found.means, [[1 / 3, 0.9], [2.8 / 3, 0]], atol=1e-6)
    np.testing.assert_array_equal(found.strongest, [[3, 2], [3, 2]])
    # Red: mean 0.56, mean square 0.528, deviation sqrt(0.528 - 0.3136).
    deviation = np.sqrt((1 + 1 + 0.64) / 5 - 0.56**2)
    apart = (0.9 - 1 / 3) / deviation
    np.testing.assert_allclose(found.selectivity[0], [-apart, apart], rtol=1e-5)
    assert found.purity(0) == (0, 0.6)
    assert [found.classes[label] for label in found.labels[:5]] == [
        "green", "red", "red", "green", "green",
    ]  # fmt: skip
    best = Exemplars(folder=str(root), layer="0", target="red", count=1)(model)
    assert (best.channels, best.target) == ((0,), 1)
    with ExemplarIndex(index_path(model, open_dataset(root))) as index:
        by_class = class_selectivity(index, "0")
        assert by_class.most_selective(0) == [1, 0]


def test_pictures_without_classes(load, folder, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in folder.rglob("*.png"):
        path.rename(flat / path.name)

    found = Exemplars(folder=str(flat), layer="conv1")(load(Plain()))

    assert found.classes == ("",) and not found.labelled
    assert set(found.labels) == {-1}
    assert found.purity(0) == (-1, 0.0)
    np.testing.assert_allclose(found.selectivity, 0)
    with pytest.raises(TargetError, match="have no classes"):
        Exemplars(folder=str(flat), layer="conv1", target=0)(load(Plain()))


@pytest.mark.parametrize(
    ("technique", "error", "sentence"),
    [
        (Exemplars(layer="conv1", channel=4), ParameterError, "0 to 3, or -1"),
        (Exemplars(layer="conv1", target="doq"), TargetError, r"Did you mean dog\?"),
        (Exemplars(layer="conv1", target=3), TargetError, "3 classes, 0 to 2"),
        (Exemplars(layer="flat"), LayerError, "no such layer|no layer"),
    ],
)
def test_it_refuses_with_a_sentence(load, folder, technique, error, sentence):
    from dataclasses import replace

    with pytest.raises(error, match=sentence):
        replace(technique, folder=str(folder))(load(Plain()))


def test_tokens_have_no_channels(load, noise):
    model = load(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(2)))

    with pytest.raises(LayerError, match=r"1 \(Flatten\) gives no channels"):
        Exemplars(layer="1")(model)


# -------------------------------------------------------------------------------------------- crops


def test_a_crop_is_where_the_gradient_of_the_value_reaches(load, tmp_path):
    root, size = tmp_path / "noise", (24, 20)
    root.mkdir()
    numbers = np.random.default_rng(0)
    for number in range(6):
        values = numbers.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(values).save(root / f"{number}.png")
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AvgPool2d(2),
        nn.Conv2d(4, 5, 3, stride=2, padding=2, dilation=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(5, 3),
    )
    model = load(network, size=size)

    found = Exemplars(folder=str(root), layer="3", count=5)(model)

    seen = seen_by(positive(copy.deepcopy(network)), "3", *size)
    pictures = [load_image(Path(file)) for file in found.files]
    for place, box in enumerate(found.boxes):
        rows, columns = np.nonzero(seen(found.rows[place], found.columns[place]).numpy())
        wanted = Box(rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        assert box == wanted
        crop = found.pictures[divmod(place, found.values.shape[1])]
        inside = np.argwhere(crop[..., 0] >= 0)
        shape = inside.max(axis=0) - inside.min(axis=0) + 1
        cut = pictures[place].pixels[box.slices()]
        if tuple(shape) == cut.shape[:2]:  # as it is in the file, not enlarged
            top, left = inside.min(axis=0)
            drawn = crop[top : top + shape[0], left : left + shape[1]]
            np.testing.assert_array_equal(np.rint(drawn * 255), cut)
    assert len(set(found.boxes)) > 3


def test_boxes_are_in_the_pixels_of_the_file(load, tmp_path):
    """A conv of 1x1 sees one pixel of the input, which is 5 by 10 of a file of 40x80."""
    conv = nn.Conv2d(3, 1, 1, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1))
    model = load(nn.Sequential(conv, nn.Flatten(), nn.Linear(64, 3)), size=(8, 8))
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[15:20, 60:70] = (255, 10, 20)  # row 3, column 6 of the input
    (tmp_path / "large").mkdir()
    Image.fromarray(pixels).save(tmp_path / "large" / "1.png")

    found = Exemplars(folder=str(tmp_path / "large"), layer="0")(model)

    assert (found.rows, found.columns) == ((3,), (6,))
    assert found.boxes == (Box(15, 60, 20, 70),)
    inside = found.pictures[0, 0][found.pictures[0, 0][..., 0] >= 0]
    np.testing.assert_allclose(inside, np.broadcast_to([1, 10 / 255, 20 / 255], inside.shape))


def test_a_value_that_is_not_what_it_was_is_told(load, folder):
    model, dataset = load(Plain()), open_dataset(folder)
    technique = Exemplars(folder=str(folder), layer="conv1", first="index")
    assert technique(model).notes == ()
    with sqlite3.connect(index_path(model, dataset)) as base:
        row = base.execute("SELECT top_values FROM layers").fetchone()
        values = np.frombuffer(row[0], "<f4").copy()
        values[0] *= 1.01
        base.execute("UPDATE layers SET top_values = ?", (values.tobytes(),))
    base.close()

    for _again in range(2):  # kept, not measured again
        notes = technique(model).notes
        assert len(notes) == 1
        assert "1 of the pictures gives another value when run alone" in notes[0]


# ------------------------------------------------------------------- resumed, extended, interrupted


class _Stops(Run):
    """A run that is cancelled, or finished early, after so many pictures."""

    def __init__(self, after: int, finish: bool = False) -> None:
        super().__init__(on_progress=self._look)
        self.seen: list[Progress] = []
        self._after, self._finish = after, finish

    def _look(self, progress: Progress) -> None:
        self.seen.append(progress)
        if progress.done >= self._after:
            if self._finish:
                self.finish()
            else:
                self.cancel()


def test_a_cancelled_run_goes_on_where_it_was(load, folder, cache, monkeypatch):
    model, dataset = load(Plain()), open_dataset(folder)
    fill(model, dataset, LAYERS, batch=4)
    wanted = dump(model, dataset)
    monkeypatch.setenv("CNNVIZ_CACHE_DIR", str(cache / "other"))

    run = _Stops(9)
    with pytest.raises(Cancelled):
        fill(model, dataset, LAYERS, run, batch=4)
    with ExemplarIndex(index_path(model, dataset)) as index:
        done = index.layers()["conv1"].images
    rest = Run(on_progress=(seen := []).append)
    fill(model, dataset, LAYERS, rest)

    assert done == 12
    assert seen[0].total == 30 - done
    assert seen[-1].done == seen[-1].total
    assert dump(model, dataset) == wanted
    assert not [thread for thread in threading.enumerate() if "decoding" in thread.name]


def test_a_run_that_is_to_finish_gives_what_there_is(load, folder):
    model = load(Plain())

    found = Exemplars(folder=str(folder), layer="conv1")(model, None, _Stops(9, finish=True))

    assert 9 <= found.images < 30
    assert any("were not looked at yet" in note for note in found.notes)


def test_pictures_that_are_added_are_looked_at_alone(load, folder, cache, monkeypatch):
    model = load(Plain())
    fill(model, open_dataset(folder), ["conv1"], batch=4)
    add(folder, 31)
    add(folder, 30)

    fill(model, open_dataset(folder), ["conv1"], run := _Counts())

    assert run.total == 2
    extended = Exemplars(folder=str(folder), layer="conv1", first="index")(model)
    monkeypatch.setenv("CNNVIZ_CACHE_DIR", str(cache / "other"))
    whole = Exemplars(folder=str(folder), layer="conv1", first="index")(model)
    assert (extended.files, extended.images) == (whole.files, 32)
    np.testing.assert_allclose(extended.values, whole.values, atol=1e-6)
    np.testing.assert_allclose(extended.means, whole.means, rtol=1e-6)


class _Counts(Run):
    def __init__(self) -> None:
        super().__init__(on_progress=self._look)
        self.total = -1

    def _look(self, progress: Progress) -> None:
        self.total = progress.total


def test_a_class_that_is_added_before_the_others_moves_none(load, folder):
    model = load(Plain())
    technique = Exemplars(folder=str(folder), layer="conv1", first="index")
    before = technique(model)
    add(folder, 33).rename(folder / "cat" / "33.png")
    (folder / "ant").mkdir()
    (folder / "cat" / "33.png").rename(folder / "ant" / "33.png")

    after = technique(model)

    assert (before.classes, before.images) == (CLASSES, 30)
    assert (set(after.classes), after.images) == ({"ant", *CLASSES}, 31)
    for found in (before, after):
        for file, label in zip(found.files, found.labels, strict=True):
            assert Path(file).parent.name == found.classes[label]


@pytest.mark.parametrize("change", ["delete", "touch", "move"])
def test_a_picture_that_is_gone_or_other_makes_it_begin_anew(load, folder, change):
    model = load(Plain())
    fill(model, open_dataset(folder), ["conv1"], batch=4)
    path = folder / "cat" / "0.png"
    match change:
        case "delete":
            path.unlink()
        case "touch":
            Image.new("RGB", (8, 8), "white").save(path)
        case "move":
            path.rename(folder / "dog" / "0.png")

    fill(model, open_dataset(folder), ["conv1"], run := _Counts())

    assert run.total == (29 if change == "delete" else 30)
    dataset = open_dataset(folder)
    highest = searched(model, dataset, "conv1")[0]
    with ExemplarIndex(index_path(model, dataset)) as index:
        assert index.layers()["conv1"].images == len(dataset)
        best = -np.sort(-highest, axis=0)[:9].T
        np.testing.assert_allclose(index.tops("conv1").values, best, atol=1e-6)


def test_broken_files_are_listed_and_skipped_and_looked_at_once_they_are_sound(load, folder):
    model = load(Plain())
    broken = folder / "cat" / "3.png"
    sound = broken.read_bytes()
    broken.write_bytes(sound[:40])
    (folder / "owl" / "empty.jpg").write_bytes(b"")
    technique = Exemplars(folder=str(folder), layer="conv1")

    found = technique(model)

    assert found.images == 29
    assert "2 files could not be read and were skipped." in found.notes
    with ExemplarIndex(index_path(model, open_dataset(folder))) as index:
        assert set(index.broken()) == {"cat/3.png", "owl/empty.jpg"}
        assert all(
            "get the file again" in said or "empty" in said for said in index.broken().values()
        )
    broken.write_bytes(sound)
    (folder / "owl" / "empty.jpg").unlink()
    again = technique(model, None, run := _Counts())
    assert (again.images, again.notes) == (30, ())
    assert run.total == 1


def test_a_folder_of_nothing_but_broken_files_is_told(load, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "1.png").write_bytes(b"\x89PNG")

    with pytest.raises(ParameterError, match="No picture of bad could be read"):
        Exemplars(folder=str(tmp_path / "bad"), layer="conv1")(load(Plain()))


def test_a_layer_that_is_added_goes_through_all_pictures_and_joins(
    load, folder, cache, monkeypatch
):
    model, dataset = load(Plain()), open_dataset(folder)
    with pytest.raises(Cancelled):
        fill(model, dataset, ["conv1"], _Stops(12), batch=4)
    fill(model, dataset, ["conv1", "relu2"], batch=4)
    got = dump(model, dataset)
    monkeypatch.setenv("CNNVIZ_CACHE_DIR", str(cache / "other"))
    fill(model, dataset, ["conv1", "relu2"], batch=4)

    assert got == dump(model, dataset)


def test_layers_are_shared_by_one_pass(load, folder):
    passes = []
    model, dataset = load(Plain()), open_dataset(folder)
    conv = model.module.conv1
    handle = conv.register_forward_hook(lambda *_given: passes.append(1))
    try:
        fill(model, dataset, LAYERS, batch=5)
    finally:
        handle.remove()
    assert len(passes) == 6


def test_two_programs_at_one_index_count_nothing_twice(load, folder, cache, monkeypatch):
    model, dataset = load(Plain()), open_dataset(folder)
    fill(model, dataset, ["conv1"], batch=2)
    wanted = dump(model, dataset)
    monkeypatch.setenv("CNNVIZ_CACHE_DIR", str(cache / "other"))

    class Meanwhile(Run):
        """Let another fill a few batches between two of this one's."""

        def __init__(self) -> None:
            super().__init__()
            self.left = 3

        def pause(self) -> None:
            super().pause()
            if self.left:
                self.left -= 1
                with pytest.raises(Cancelled):
                    fill(model, dataset, ["conv1"], _Stops(4), batch=2)

    fill(model, dataset, ["conv1"], Meanwhile(), batch=2)

    assert dump(model, dataset) == wanted


def test_it_may_be_read_while_it_fills(load, folder):
    model, dataset = load(Plain()), open_dataset(folder)
    seen: list[int] = []

    def look(progress: Progress) -> None:
        if progress.done:
            with ExemplarIndex(index_path(model, dataset)) as index:
                seen.append(index.layers()["conv1"].images)
                assert index.tops("conv1").values.shape[1] == min(9, seen[-1])

    fill(model, dataset, ["conv1"], Run(on_progress=look), batch=5)

    assert seen == [5, 10, 15, 20, 25, 30]


def test_a_damaged_index_is_made_again(load, folder):
    model, dataset = load(Plain()), open_dataset(folder)
    fill(model, dataset, ["conv1"], batch=4)
    wanted = dump(model, dataset)
    index_path(model, dataset).write_bytes(b"SQLite format 3\0" + b"x" * 4000)

    fill(model, dataset, ["conv1"], batch=4)

    assert dump(model, dataset) == wanted


@pytest.mark.skipif(os.name == "nt", reason="no fork, and files cannot have such names")
def test_names_that_are_no_text(load, folder):
    odd = os.fsencode(folder) + b"/cat/\xff\xfe.png"
    Path(os.fsdecode(odd)).write_bytes((folder / "cat" / "0.png").read_bytes())

    found = Exemplars(folder=str(folder), layer="conv1")(load(Plain()))

    assert found.images == 31


def test_networks_that_differ_have_indexes_of_their_own(load):
    from dataclasses import replace

    model = load(Plain())
    strided = Plain()
    strided.conv2.stride = (1, 1)  # the same weights
    squashed = replace(model, preprocessing=replace(model.preprocessing, fit="pad"))

    assert model_key(model) == model_key(load(Plain()))
    assert len({model_key(item) for item in (model, load(strided), squashed)}) == 3


def kill(repository: Path, folder: Path, cache: Path, times: int) -> list[int]:
    program = repository / "tests" / "engine" / "killing.py"
    paths = os.pathsep.join([str(repository), str(program.parent)])
    done = subprocess.run(
        [sys.executable, str(program), str(folder), str(cache), str(times)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
@pytest.mark.parametrize("times", [6, pytest.param(50, marks=pytest.mark.slow)])
def test_kills_at_any_moment_leave_the_index_of_an_unbroken_run(repository, folder, cache, times):
    for number in range(30, 120):
        add(folder, number)
    (folder / "owl" / "broken.png").write_bytes(b"\x89PNG")

    killed, halfway, rounds = kill(repository, folder, cache, times)

    assert killed == times
    assert halfway >= times // 6 and rounds >= 1


# ------------------------------------------------------------------------------------ memory, speed


def test_only_a_few_pictures_are_held_at_once():
    made: list[int] = []
    held: list[int] = []

    def read(number: int) -> ImageInput:
        made.append(number)
        return ImageInput(np.zeros((2, 2, 3), np.uint8))

    def numbers() -> Iterator[int]:
        yield from range(500)

    for place, item in enumerate(decoded(numbers(), read, lambda number, _image: number, ahead=6)):
        held.append(len(made) - place)
        assert item.made == place
    assert len(made) == 500
    assert max(held) <= 6 + WORKERS + 1


def test_decoding_ends_with_whoever_asked_for_it():
    stream = decoded(
        range(99), lambda _n: ImageInput(np.zeros((2, 2, 3), np.uint8)), lambda n, _i: n
    )
    next(stream)
    stream.close()

    assert not [thread for thread in threading.enumerate() if "decoding" in thread.name]


def test_a_picture_that_cannot_be_read_is_told_and_the_next_one_comes():
    def read(number: int) -> ImageInput:
        if number == 1:
            raise ImageError("One is broken.")
        if number == 2:
            raise OSError("gone")
        return ImageInput(np.zeros((2, 2, 3), np.uint8))

    found = list(decoded(range(4), read, lambda number, _image: number))

    assert [item.made for item in found] == [0, None, None, 3]
    assert found[1].problem == "One is broken."
    assert "cannot be read" in found[2].problem


def test_the_batch_is_measured_and_kept(load, folder, monkeypatch):
    model, dataset = load(Plain()), open_dataset(folder)
    rates = {1: 10.0, 2: 20.0, 4: 30.0, 8: 31.0}
    monkeypatch.setattr(MaximaPass, "_rate", lambda _self, size, _run: rates[size])
    monkeypatch.setattr(exemplars, "_FEW", 8)

    fill(model, dataset, ["conv1"])

    with ExemplarIndex(index_path(model, dataset)) as index:
        assert index.batch == 4  # 8 is no better by more than chance
    fill(model, dataset, ["conv1", "relu2"], batch=2)
    with ExemplarIndex(index_path(model, dataset)) as index:
        assert index.batch == 4


class OnlyOne(Plain):
    """A network that was exported for one picture."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 1:
            raise RuntimeError("one picture")
        return super().forward(x)


def test_a_network_for_one_picture_gets_one_at_a_time(load, folder, monkeypatch):
    monkeypatch.setattr(exemplars, "_FEW", 8)
    model, dataset = load(OnlyOne()), open_dataset(folder)

    fill(model, dataset, ["conv1"])

    with ExemplarIndex(index_path(model, dataset)) as index:
        assert (index.batch, index.layers()["conv1"].images) == (1, 30)


def test_values_that_are_no_numbers_are_counted(load, folder):
    model, dataset = load(Plain()), open_dataset(folder)
    with torch.no_grad():
        model.module.conv1.bias[1] = float("nan")

    found = Exemplars(folder=str(folder), layer="conv1")(model)

    assert np.isfinite(found.values).all()
    assert "30 pictures gave values that are no numbers, taken as 0." in found.notes
    assert len(dataset) == 30


# ----------------------------------------------------------------------------------------- the card


def test_the_unit_card_reads_the_index_of_the_folder_last_gone_through(load, folder):
    model, image = load(Plain()), load_image(folder / "dog" / "1.png")
    card = UnitCard(layer="conv2", channel=2)
    assert card(model, image).exemplars is None
    assert not index_path(model, open_dataset(folder)).exists()
    fill(model, open_dataset(folder), ["conv2"])

    found = card(model, image).exemplars

    assert found is not None
    assert (found.channels, found.layer, found.images) == ((2,), "conv2", 30)
    wanted = Exemplars(folder=str(folder), layer="conv2", channel=2)(model)
    assert found.files == wanted.files
    assert card(load(Plain()), image).exemplars is not None
    assert UnitCard(layer="conv1")(model, image).exemplars is None
    for path in folder.rglob("*.png"):
        path.unlink()
    lost = known_exemplars(model, "conv2", 2)
    assert lost is not None and "9 of the pictures can no longer be read" in lost.notes[0]


def test_several_layers_may_be_shown_from_one_pass(load, folder):
    model = load(Plain())
    Exemplars(folder=str(folder), layer="conv1", also=("relu2",))(model)

    with ExemplarIndex(index_path(model, open_dataset(folder))) as index:
        assert set(index.layers()) == {"conv1", "relu2"}
        found = pictured(index, model, "relu2", [5, 0])
    assert found.channels == (5, 0)
