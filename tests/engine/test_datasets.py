"""Pictures come from folders, lists and packed files, in one order and with their classes."""

from __future__ import annotations

import csv
import gzip
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnviz_desktop.bundled.pictures import CLASSES, HELD_OUT_SEEDS, draw
from cnnviz_desktop.engine.datasets import NO_CLASS, Dataset, open_dataset, reader
from cnnviz_desktop.errors import ImageError, ParameterError


def paint(path: Path, colour: tuple[int, int, int] = (9, 99, 199), size: int = 8) -> Path:
    """Write a picture of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), colour).save(path)
    return path


def listed(dataset: Dataset) -> list[tuple[str, str]]:
    """Return the keys and the names of the classes."""
    names = (*dataset.classes, "none")
    return [(item.key, names[item.label]) for item in dataset.items]


def test_a_folder_for_each_class(tmp_path):
    for name in (
        "owl/img10.png",
        "owl/img2.png",
        "cat/a/b/deep.jpg",
        "cat/notes.txt",
        "empty/x.md",
    ):
        if name.endswith(("txt", "md")):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("no picture")
        else:
            paint(tmp_path / name)
    paint(tmp_path / ".hidden" / "x.png")
    paint(tmp_path / "owl" / "._img2.png")

    found = open_dataset(tmp_path)

    assert (found.kind, found.classes) == ("folders", ("cat", "owl"))
    wanted = [("cat/a/b/deep.jpg", "cat"), ("owl/img2.png", "owl"), ("owl/img10.png", "owl")]
    assert listed(found) == wanted
    image = found.read("owl/img2.png")
    assert image.path == tmp_path / "owl" / "img2.png"
    assert image.pixels[0, 0].tolist() == [9, 99, 199]
    again = reader(found.kind, found.source, found.split, found.place)
    assert np.array_equal(again("owl/img2.png").pixels, image.pixels)


def test_a_flat_folder_has_no_classes(tmp_path):
    for name in ("b.png", "a.png"):
        paint(tmp_path / name)

    found = open_dataset(str(tmp_path))

    assert (found.kind, found.classes, found.labelled) == ("flat", (), False)
    assert listed(found) == [("a.png", "none"), ("b.png", "none")]


def test_pictures_beside_the_folders_of_classes_have_none_and_it_says_so(tmp_path):
    paint(tmp_path / "cat" / "1.png")
    paint(tmp_path / "stray.png")

    found = open_dataset(tmp_path)

    assert [item.label for item in found.items] == [0, NO_CLASS]
    assert "1 picture lies in no folder of a class" in found.notes[0]


def test_the_part_for_testing_is_used_unless_the_other_is_asked_for(tmp_path):
    paint(tmp_path / "train" / "cat" / "t.png")
    paint(tmp_path / "val" / "cat" / "v.png")

    test, train = open_dataset(tmp_path), open_dataset(tmp_path, "train")

    assert listed(test) == [("cat/v.png", "cat")]
    assert listed(train) == [("cat/t.png", "cat")]
    assert test.place != train.place
    paint(tmp_path / "car" / "c.png")  # then “train” is a class of vehicles
    assert open_dataset(tmp_path).classes == ("car", "train", "val")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_that_leads_back_up_is_walked_once(tmp_path):
    paint(tmp_path / "cat" / "1.png")
    (tmp_path / "cat" / "loop").symlink_to(tmp_path / "cat", target_is_directory=True)

    assert listed(open_dataset(tmp_path)) == [("cat/1.png", "cat")]


def test_a_list_of_paths_and_labels(tmp_path):
    paint(tmp_path / "pictures" / "1.png")
    rows = [
        ["note", "label", "path"],
        ["x", "owl", "pictures/1.png"],
        ["", "cat", "pictures/gone.png"],
        ["", "", "pictures/unknown.png"],
        ["", "owl", "pictures/1.png"],
    ]
    with (tmp_path / "list.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)

    found = open_dataset(tmp_path / "list.csv")

    assert found.classes == ("cat", "owl")
    wanted = ["owl", "cat", "none"]
    assert [name for _key, name in listed(found)] == wanted
    assert found.read("pictures/1.png").pixels.shape == (8, 8, 3)
    with pytest.raises(ImageError, match="no file"):
        found.read("pictures/gone.png")
    assert "1 row names a picture again" in found.notes[0]


def test_a_list_without_heads_and_with_semicolons(tmp_path):
    paint(tmp_path / "b.png")
    (tmp_path / "list.csv").write_text("a.png;10\nb.png;9\n", encoding="utf-8")

    found = open_dataset(tmp_path / "list.csv")

    assert found.classes == ("9", "10")
    assert listed(found) == [("a.png", "10"), ("b.png", "9")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"path\n", "lists no pictures"),
        (b"\x89PNG\r\n\x1a\n\xff", "is no list"),
        (b"cat\ndog\n", "No file that list.csv names is there"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path, content, sentence):
    (tmp_path / "list.csv").write_bytes(content)

    with pytest.raises(ParameterError, match=sentence):
        open_dataset(tmp_path / "list.csv")


def test_what_is_not_there_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "pictures").mkdir()
    with pytest.raises(ParameterError, match=r"no folder .*Did you mean pictures\?"):
        open_dataset(tmp_path / "picturs")
    with pytest.raises(ParameterError, match="There are no pictures in"):
        open_dataset(tmp_path / "pictures")


def test_the_generator_draws_the_same_pictures_every_time():
    found = open_dataset(count=5)

    assert (len(found), found.classes) == (5, CLASSES)
    assert [item.key for item in found.items] == [str(seed) for seed in HELD_OUT_SEEDS[:5]]
    assert np.array_equal(found.read(found.items[3].key).pixels, draw(HELD_OUT_SEEDS[3]).pixels)
    assert found.items[3].label == draw(HELD_OUT_SEEDS[3]).label
    assert found.place != open_dataset(count=6).place


def test_a_fingerprint_tells_other_pictures_apart(tmp_path):
    paint(tmp_path / "cat" / "1.png")
    before = open_dataset(tmp_path).fingerprint

    assert open_dataset(tmp_path).fingerprint == before
    os.utime(tmp_path / "cat" / "1.png", (1, 1))
    changed = open_dataset(tmp_path).fingerprint
    paint(tmp_path / "cat" / "2.png")
    assert len({before, changed, open_dataset(tmp_path).fingerprint}) == 3


# ------------------------------------------------------------------------------- MNIST and CIFAR


def write_idx(path: Path, values: np.ndarray[Any, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(head + values.astype(np.uint8).tobytes())


@pytest.mark.parametrize("inside", ["MNIST/raw", "raw", "."])
def test_mnist_as_torchvision_keeps_it(tmp_path, inside):
    numbers = np.random.default_rng(0)
    pictures = numbers.integers(0, 256, (4, 28, 28))
    folder = tmp_path / inside
    write_idx(folder / "t10k-images-idx3-ubyte", pictures)
    write_idx(folder / "t10k-labels-idx1-ubyte", np.array([7, 2, 1, 0]))

    found = open_dataset(tmp_path)

    assert (found.kind, found.title) == ("mnist", "MNIST (test)")
    assert [name for _key, name in listed(found)] == ["7", "2", "1", "0"]
    grey = found.read("2").pixels
    assert grey.shape == (28, 28, 3)
    assert np.array_equal(grey[..., 1], pictures[2])


def test_mnist_that_is_cut_short_is_refused(tmp_path):
    write_idx(tmp_path / "raw" / "t10k-images-idx3-ubyte", np.zeros((4, 28, 28)))
    path = tmp_path / "raw" / "t10k-labels-idx1-ubyte"
    for content in (b"", gzip.compress(b"x"), bytes([0, 0, 8, 1, 0, 0, 0, 9, 1])):
        path.write_bytes(content)
        with pytest.raises(ParameterError, match="is damaged"):
            open_dataset(tmp_path)
    write_idx(path, np.array([1, 2]))
    with pytest.raises(ParameterError, match="is damaged"):
        open_dataset(tmp_path)


def write_cifar(folder: Path) -> np.ndarray[Any, Any]:
    folder.mkdir(parents=True)
    values = np.random.default_rng(0).integers(0, 256, (3, 3072), dtype=np.uint8)
    batch = {"data": values, "labels": [2, 0, 1], "filenames": ["a.png"] * 3}
    (folder / "test_batch").write_bytes(pickle.dumps(batch, protocol=2))
    names = {"label_names": ["airplane", "automobile", "bird"]}
    (folder / "batches.meta").write_bytes(pickle.dumps(names, protocol=2))
    return values


def test_cifar_10_as_torchvision_keeps_it(tmp_path):
    values = write_cifar(tmp_path / "cifar-10-batches-py")

    for place in (tmp_path, tmp_path / "cifar-10-batches-py"):
        found = open_dataset(place)
        wanted = ["bird", "airplane", "automobile"]
        assert [name for _key, name in listed(found)] == wanted
        pixels = found.read(found.items[1].key).pixels
        assert pixels.shape == (32, 32, 3)
        assert np.array_equal(pixels[..., 2].ravel(), values[1, 2048:])


@pytest.mark.parametrize("meta", [{}, {"label_names": 7}, {b"label_names": ["a"]}])
def test_cifar_whose_class_names_are_damaged_is_told(tmp_path, meta):
    write_cifar(tmp_path / "cifar-10-batches-py")
    (tmp_path / "cifar-10-batches-py" / "batches.meta").write_bytes(pickle.dumps(meta))

    with pytest.raises(ParameterError, match=r"batches\.meta is damaged"):
        open_dataset(tmp_path)


class _Harmful:
    def __reduce__(self) -> Any:
        return os.system, ("exit 3",)


def test_a_cifar_file_that_would_run_something_is_refused(tmp_path, monkeypatch):
    write_cifar(tmp_path / "cifar-10-batches-py")
    ran: list[str] = []
    monkeypatch.setattr(os, "system", ran.append)
    harmful = pickle.dumps({"data": _Harmful()})
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(harmful)

    with pytest.raises(ParameterError, match="is damaged or is not what its name says"):
        open_dataset(tmp_path)
    assert ran == []


def test_what_cannot_be_looked_at_is_a_sentence(tmp_path):
    with pytest.raises(ParameterError, match="There is no "):
        open_dataset("~nobody-of-this-name/pictures")
    with pytest.raises(ParameterError, match=r"cannot be opened \(.+\): choose another folder"):
        open_dataset(tmp_path / ("x" * 300))
