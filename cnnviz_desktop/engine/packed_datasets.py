"""Read MNIST, Fashion-MNIST, CIFAR-10 and CIFAR-100 where torchvision has put them on disk.

CIFAR's files are pickles. They are read by an unpickler that knows dictionaries and arrays alone,
so that nothing in a file can run.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cnnviz_desktop.data import ImageInput, Pixels
from cnnviz_desktop.engine.datasets import Dataset, Item
from cnnviz_desktop.errors import ParameterError

_FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_IDX = {"test": "t10k", "train": "train"}


class _Layout(NamedTuple):
    """How one of the CIFAR datasets lies on disk."""

    title: str
    splits: Mapping[str, tuple[str, ...]]
    meta: str
    names: str
    labels: str


_CIFAR = {
    "cifar-10-batches-py": _Layout(
        "CIFAR-10",
        {"test": ("test_batch",), "train": tuple(f"data_batch_{n}" for n in range(1, 6))},
        "batches.meta",
        "label_names",
        "labels",
    ),
    "cifar-100-python": _Layout(
        "CIFAR-100",
        {"test": ("test",), "train": ("train",)},
        "meta",
        "fine_label_names",
        "fine_labels",
    ),
}
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


def packed(path: Path, split: str) -> Dataset | None:
    """Return the dataset that is in a folder, or right below it; None where there is none."""
    for folder in (path / "raw", path, path / "MNIST" / "raw", path / "FashionMNIST" / "raw"):
        if (folder / f"{_IDX[split]}-images-idx3-ubyte").is_file():
            return _mnist(path, folder, split)
    for name, layout in _CIFAR.items():
        folder = path if path.name == name else path / name
        if (folder / layout.meta).is_file():
            return _cifar(path, folder, layout, split)
    return None


def _mnist(path: Path, folder: Path, split: str) -> Dataset:
    """Read the files of the MNIST family, whose pictures stay on disk."""
    pictures = _idx(folder / f"{_IDX[split]}-images-idx3-ubyte", 3)
    labels = _idx(folder / f"{_IDX[split]}-labels-idx1-ubyte", 1)
    if len(pictures) != len(labels):
        raise _damaged(folder)
    fashion = "fashion" in str(folder).lower()
    title = "Fashion-MNIST" if fashion else "MNIST"

    def read(key: str) -> ImageInput:
        grey = np.asarray(pictures[int(key)])
        return _picture(np.repeat(grey[:, :, None], 3, axis=2))

    numbered = {str(place): int(label) for place, label in enumerate(labels)}
    classes = _FASHION if fashion else tuple(map(str, range(10)))
    return _dataset(path, folder, title, split, numbered, classes, read)


def _idx(path: Path, axes: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Map a file of bytes with its shape in front (http://yann.lecun.com/exdb/mnist)."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4 + 4 * axes)
        shape = tuple(int(size) for size in np.frombuffer(head[4:], ">u4"))
        if head[:4] != bytes([0, 0, 8, axes]) or len(shape) != axes or not all(shape):
            raise _damaged(path)
        return np.memmap(path, np.uint8, "r", offset=len(head), shape=shape)
    except (OSError, ValueError) as error:
        raise _damaged(path) from error


class _Packed(NamedTuple):
    """The pictures (N, 32, 32, 3) of one of CIFAR's files, and their classes."""

    pixels: Pixels
    labels: tuple[int, ...]


def _cifar(path: Path, folder: Path, layout: _Layout, split: str) -> Dataset:
    classes = _unpickled(folder / layout.meta).get(layout.names)
    if not isinstance(classes, list):
        raise _damaged(folder / layout.meta)
    lock = threading.Lock()

    @lru_cache(maxsize=2)
    def batch(file: str) -> _Packed:
        found = _unpickled(folder / file)
        try:
            values = np.asarray(found["data"], np.uint8).reshape(-1, 3, 32, 32)
            labels = tuple(int(label) for label in found[layout.labels])
        except (KeyError, ValueError, TypeError) as error:
            raise _damaged(folder / file) from error
        if len(values) != len(labels):
            raise _damaged(folder / file)
        return _Packed(np.ascontiguousarray(values.transpose(0, 2, 3, 1)), labels)

    def read(key: str) -> ImageInput:
        file, _slash, place = key.partition("/")
        with lock:
            pixels = batch(file).pixels
        return _picture(pixels[int(place)].copy())

    labels = {
        f"{file}/{place}": label
        for file in layout.splits[split]
        for place, label in enumerate(batch(file).labels)
    }
    return _dataset(path, folder, layout.title, split, labels, tuple(map(str, classes)), read)


def _dataset(
    path: Path,
    folder: Path,
    title: str,
    split: str,
    labels: Mapping[str, int],
    classes: tuple[str, ...],
    read: Callable[[str], ImageInput],
) -> Dataset:
    items = [Item(key, label) for key, label in labels.items()]
    if any(not 0 <= item.label < len(classes) for item in items):
        raise _damaged(folder)
    return Dataset(
        kind=title.lower(),
        source=str(path),
        title=f"{title} ({split})",
        items=items,
        classes=classes,
        read=read,
        split=split,
        place=f"{folder.resolve()} {split}",
    )


def _picture(pixels: Pixels) -> ImageInput:
    pixels.flags.writeable = False
    return ImageInput(pixels)


class _Unpickler(pickle.Unpickler):
    """Know arrays and what Python's own containers are made of, and nothing that runs."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a name that is known to be harmless."""
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} has no place here")
        return super().find_class(module, name)


def _unpickled(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            found = _Unpickler(stream, encoding="latin1").load()
    except Exception as error:  # damaged bytes make the unpickler fail in many ways
        raise _damaged(path) from error
    if not isinstance(found, dict):
        raise _damaged(path)
    return found


def _damaged(path: Path) -> ParameterError:
    return ParameterError(
        f"{path} is damaged or is not what its name says: delete it and let torchvision download "
        "it again."
    )
