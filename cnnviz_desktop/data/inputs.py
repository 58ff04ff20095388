"""Hold what a network is given: pictures, boxes of them, and what is said of its input."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz_desktop.data.arrays import Pixels


@dataclass(frozen=True)
class Box:
    """A rectangle in whole image pixels, half-open: rows top..bottom, columns left..right."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Count the rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Count the columns."""
        return self.right - self.left

    def slices(self) -> tuple[slice, slice]:
        """Return the (rows, columns) index that cuts this box out of an (H, W, ...) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True, eq=False)
class ImageInput:
    """A picture as it came in: `pixels` uint8 (H, W, 3) RGB, upright."""

    pixels: Pixels
    path: Path | None = None
    notes: tuple[str, ...] = ()  # sentences on what decoding had to decide ("16 bits reduced to 8")

    @property
    def name(self) -> str:
        """Return the file's name, or "picture" for one without a file."""
        return self.path.name if self.path else "picture"

    @property
    def whole(self) -> Box:
        """Return the box that covers the whole picture."""
        return Box(0, 0, self.pixels.shape[0], self.pixels.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of shape and pixels, as hex."""
        digest = hashlib.sha256(repr(self.pixels.shape).encode())
        digest.update(np.ascontiguousarray(self.pixels).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class InputSpec:
    """What a person says about a network's input and classes; None leaves a thing to be found out.

    `size` (height, width); `mean` and `std` per channel of values in 0..1, one number for grey and
    three for RGB; `labels` a text or JSON file of class names.
    """

    size: tuple[int, int] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    labels: Path | None = None

    def __post_init__(self) -> None:
        """Take a side, a number and a file's name as they are written in notebooks."""
        given: dict[str, Any] = dict(vars(self))
        if isinstance(given["size"], int):
            object.__setattr__(self, "size", (given["size"], given["size"]))
        for name in ("mean", "std"):
            if isinstance(given[name], (int, float)):
                object.__setattr__(self, name, (float(given[name]),))
        if isinstance(given["labels"], str):
            object.__setattr__(self, "labels", Path(given["labels"]))
