"""Hold the values that cross between engine, figures and faces: frozen, numpy only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ForwardRef, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Pixels = NDArray[np.uint8]
else:  # asks for no name of NumPy's: a window paints before it is loaded
    Floats = ForwardRef("np.ndarray[tuple[Any, ...], np.dtype[np.float32]]", module=__name__)
    Pixels = ForwardRef("np.ndarray[tuple[Any, ...], np.dtype[np.uint8]]", module=__name__)

PRETRAINED, RANDOM = "pretrained", "none"  # where weights are from that are no file


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


@dataclass(frozen=True)
class Finding:
    """What the model doctor noticed: a title of a few words, a sentence, and names it is about."""

    severity: Literal["info", "warning", "error"]
    title: str
    detail: str
    items: tuple[str, ...] = ()


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
class LayerNode:
    """One module of a network as a single dry pass saw it.

    `name` is dotted, "" for the root. `output_shape` leaves the batch out: (C, h, w) or (K,); None
    where the module was not called or returns no tensor. `parameters` counts its whole subtree.
    `calls` is how often one pass runs it.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...] | None
    parameters: int
    calls: int
    children: tuple[LayerNode, ...] = ()

    @property
    def label(self) -> str:
        """Return the last part of the dotted name."""
        return self.name.rpartition(".")[2]

    @property
    def has_maps(self) -> bool:
        """Tell whether the output is a stack of maps (C, h, w)."""
        return self.output_shape is not None and len(self.output_shape) == 3

    def walk(self) -> Iterator[LayerNode]:
        """Yield this node and all below it, parents first, in the order of `named_modules()`."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, name: str) -> LayerNode | None:
        """Return the node of that dotted name, or None."""
        return next((node for node in self.walk() if node.name == name), None)


@dataclass(frozen=True, eq=False)
class Prediction:
    """A classifier's answer: `logits` (K,), `probabilities` (K,) their softmax, `labels` (K)."""

    logits: Floats
    probabilities: Floats
    labels: tuple[str, ...]
    region: Box

    def top(self, count: int = 5) -> list[tuple[int, str, float]]:
        """Return the `count` likeliest classes as (index, label, probability), likeliest first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(int(i), self.labels[i], float(self.probabilities[i])) for i in order]


@dataclass(frozen=True, eq=False)
class Activation:
    """A layer's output for one picture: `values` (C, h, w) in the layer's own units.

    `region` is the box of the picture that the maps cover; `call` says which of the layer's calls
    in the pass was kept, counted from 0.
    """

    values: Floats
    layer: str
    region: Box
    call: int = 0


@dataclass(frozen=True, eq=False)
class Heatmap:
    """How much each place speaks for a class: `values` (h, w) raw, signed, as fine as the layer.

    `target` is the class index, `score` its logit, `region` the box of the picture it covers.
    """

    values: Floats
    layer: str
    target: int
    target_label: str
    score: float
    region: Box


@dataclass(frozen=True, eq=False)
class FilterBank:
    """A layer's kernels: `values` (N, I, kh, kw) in weight units; I is inputs per group."""

    values: Floats
    layer: str
    groups: int = 1


Cell = str | int | float | None


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of cells, None where there is no value; a unit a column, "" where it has none."""

    title: str
    columns: tuple[str, ...]
    units: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


Result = Prediction | Activation | Heatmap | FilterBank


@dataclass(frozen=True)
class Record:
    """What is needed to make a result again: written into every exported file and beside it."""

    technique: str
    parameters: Mapping[str, Any]
    model: str
    model_fingerprint: str
    weights: str = ""
    image: str = ""
    image_fingerprint: str = ""
    fit: str = "crop"
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the record as JSON text with its own format number."""
        return json.dumps({"cnnviz_record": 1, **asdict(self)}, indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read a record back; raise ValueError where the text is not one."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:  # no JSON, absurd numbers, absurd depth
            raise ValueError("This is not a CNNviz record.") from error
        if not isinstance(values, dict) or values.pop("cnnviz_record", None) != 1:
            raise ValueError("This is not a CNNviz record.")
        try:
            record = cls(**values)
        except TypeError as error:
            raise ValueError("This CNNviz record has missing or unknown fields.") from error
        texts: Sequence[Any] = (
            record.technique,
            record.model,
            record.model_fingerprint,
            record.weights,
            record.image,
            record.image_fingerprint,
            record.fit,
        )
        sound = (
            all(isinstance(value, str) for value in texts)
            and isinstance(record.parameters, dict)
            and isinstance(record.versions, dict)
            and (record.seed is None or isinstance(record.seed, int))
        )
        if not sound:
            raise ValueError("This CNNviz record has a field of the wrong type.")
        return record
