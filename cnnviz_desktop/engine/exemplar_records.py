"""Hold what an index of exemplars says, and write it as rows and bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz_desktop.data import Floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnnviz_desktop.engine.exemplar_pass import Maxima

    Ids = NDArray[np.int64]
    Places = NDArray[np.int32]

TOP = 9


@dataclass(frozen=True)
class IndexedLayer:
    """How far a layer is: `images` are in its numbers, all up to the id `frontier` were tried.

    `odd` counts pictures that gave a value that is no number.
    """

    name: str
    channels: int
    height: int
    width: int
    frontier: int
    images: int
    odd: int


@dataclass(frozen=True)
class IndexedImage:
    """A picture of the dataset; `label` counts the index's own classes, -1 is none."""

    id: int
    key: str
    label: int
    broken: str = ""


@dataclass(frozen=True, eq=False)
class Tops:
    """The strongest pictures of every channel (C, k), the first the strongest; k is at most 9."""

    values: Floats
    images: Ids
    places: Places  # row * width + column


@dataclass(frozen=True, eq=False)
class Sums:
    """Per class (K, by id, -1 for none) how many pictures; sums (K, C) of values and squares."""

    classes: tuple[int, ...]
    images: Ids
    values: NDArray[np.float64]
    squares: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """What channels answer to some pictures (M, C), the same ones for all of them."""

    images: Ids
    values: Floats
    places: Places


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures that were looked at: they follow `after`, the last has the id `last`."""

    after: int
    last: int
    images: tuple[IndexedImage, ...]
    maxima: Mapping[str, Maxima]
    broken: Mapping[int, str]


def stored(name: str) -> bytes:
    """Return a name as it is stored: names of files may be no sound text."""
    return name.encode("utf-8", "surrogatepass")


def read_name(name: bytes) -> str:
    """Return a name as it was before it was stored."""
    return name.decode("utf-8", "surrogatepass")


def image_of(row: Sequence[Any]) -> IndexedImage:
    """Read a row of images."""
    return IndexedImage(row[0], read_name(row[1]), row[2], row[3])


def blob(array: NDArray[Any], dtype: str) -> bytes:
    """Return an array as it is stored."""
    return np.ascontiguousarray(array, dtype).tobytes()


def tops_of(row: Sequence[Any], channels: int) -> Tops:
    """Read a row's strongest pictures; the arrays are copies that may be written to."""
    values, images, places = (
        np.frombuffer(blob, dtype).reshape(channels, -1)
        for blob, dtype in zip(row, ("<f4", "<i8", "<i4"), strict=False)
    )
    return Tops(values.astype(np.float32), images.astype(np.int64), places.astype(np.int32))


def merged(before: Tops, values: Floats, ids: Ids, places: Places) -> Tops:
    """Return the strongest of those before and of a batch (B, C); of equals the first picture."""
    channels = values.shape[1]
    all_values = np.concatenate([before.values, values.T], axis=1)
    all_images = np.concatenate([before.images, np.broadcast_to(ids, (channels, len(ids)))], axis=1)
    all_places = np.concatenate([before.places, places.T], axis=1)
    # Those before have the smaller ids, so that a stable order puts them first.
    order = np.argsort(-all_values, axis=1, kind="stable")[:, :TOP]
    return Tops(
        *(np.take_along_axis(item, order, axis=1) for item in (all_values, all_images, all_places))
    )


def rank_of(key: str) -> int:
    """Return a number that is drawn from a picture's name: the lowest are in the sample."""
    digest = hashlib.blake2b(stored(key), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
