"""Hold the values that cross between engine, figures and faces: frozen, numpy only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ForwardRef, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Pixels = NDArray[np.uint8]
    Counts = NDArray[np.int64]
    Flags = NDArray[np.bool_]
else:  # asks for no name of NumPy's: a window paints before it is loaded
    Floats = ForwardRef("np.ndarray[tuple[Any, ...], np.dtype[np.float32]]", module=__name__)
    Pixels = ForwardRef("np.ndarray[tuple[Any, ...], np.dtype[np.uint8]]", module=__name__)
    Counts = ForwardRef("np.ndarray[tuple[Any, ...], np.dtype[np.int64]]", module=__name__)
    Flags = ForwardRef("np.ndarray[tuple[Any, ...], np.dtype[np.bool_]]", module=__name__)

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
    `calls` is how often one pass runs it. `alias` is the name that papers and Keras know it by.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...] | None
    parameters: int
    calls: int
    children: tuple[LayerNode, ...] = ()
    alias: str = ""

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
        """Return the node of that dotted name, else of that alias, or None.

        A block answers to the name of its output without "_out" too: `conv4_block6`.
        """
        for node in self.walk():
            if node.name == name:
                return node
        wanted = {name.lower(), f"{name.lower()}_out"}
        return next((node for node in self.walk() if node.alias and node.alias in wanted), None)


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
    """A layer's kernels: `values` (N, I, kh, kw) in weight units; I is inputs per group.

    `order` says which filter each row is, () that all lie in order. `duplicates` are groups of
    filters that are nearly the same, `batch_norm` the layer whose scale is folded in, `dilation`
    (down, across) how far a kernel's cells lie apart. With `spectrum` the values are not weights
    but (N, 1, S, S) each filter's gain by frequency, -0.5 to 0.5 cycles per cell, zero in the
    middle.
    """

    values: Floats
    layer: str
    groups: int = 1
    order: tuple[int, ...] = ()
    duplicates: tuple[tuple[int, ...], ...] = ()
    batch_norm: str = ""
    dilation: tuple[int, ...] = (1, 1)
    spectrum: bool = False


# What a channel is said to detect, and the families of probes that speak for it.
DETECTS = {
    "edge": ("grating", "line"),
    "texture": ("texture",),
    "colour": ("colour",),
    "shape": ("shape",),
}


@dataclass(frozen=True, eq=False)
class Tuning:
    """What channels of a layer answer to generated probes, and what that says they detect.

    Responses are in the layer's own units, above those to plain grey, 0 where there is none.
    Orientations are those of stripes and edges: degrees counter-clockwise from horizontal, 0..180.
    Frequencies are cycles per pixel of the input; hues degrees as in HSV, red 0, green 120.

    `channels` (N) says which channel each row is. `responses` (N, P) are those to the P probes of
    `names` and `families`; `gratings` (N, A, F) those to gratings by orientation and frequency,
    `colours` (N, H) the best to a hue, plain or as a blob. Per channel: `orientation` preferred
    (the mean direction) and `peak` (the highest point of its curve), `bandwidth` in degrees at half
    height, `selectivity` for orientation 0..1, `frequency` and `hue` preferred. `scores` (N, L),
    one for each of `DETECTS`, add up to 1; that of colour is its selectivity; a silent channel's
    are 0.
    `pictures` (Q, s, t, 3) in 0..1 show the probes `pictured`, the best ones of each channel.
    `kernels` and `spectrum` are there where they can be drawn.
    """

    layer: str
    channels: tuple[int, ...]
    names: tuple[str, ...]
    families: tuple[str, ...]
    responses: Floats
    orientations: Floats
    frequencies: Floats
    hues: Floats
    gratings: Floats
    colours: Floats
    orientation: Floats
    peak: Floats
    bandwidth: Floats
    selectivity: Floats
    frequency: Floats
    hue: Floats
    scores: Floats
    pictured: tuple[int, ...]
    pictures: Floats
    kernels: FilterBank | None = None
    spectrum: FilterBank | None = None

    def label(self, row: int) -> tuple[str, float]:
        """Return what a row's channel detects and its score; ("silent", 0) if it never answers."""
        place = int(np.argmax(self.scores[row]))
        score = float(self.scores[row, place])
        return (list(DETECTS)[place % len(DETECTS)], score) if score > 0 else ("silent", 0.0)

    def best(self, row: int) -> int:
        """Return the probe a row's channel answers most to, of those that speak for its label."""
        families = DETECTS.get(self.label(row)[0], ())
        spoken = np.isin(self.families, families)
        return int(np.where(spoken, self.responses[row], -1).argmax())

    def only(self, row: int) -> Tuning:
        """Return one row alone, with the picture of its best probe where there is one."""
        names = ("responses", "gratings", "colours", "orientation", "peak", "bandwidth")
        rows = (*names, "selectivity", "frequency", "hue", "scores")
        best = self.best(row)
        kept = [place for place, probe in enumerate(self.pictured) if probe == best] or [0]
        bank = self.kernels
        if bank is not None and len(bank.values) == len(self.channels):
            bank = replace(bank, values=bank.values[row : row + 1], order=(self.channels[row],))
        return replace(
            self,
            channels=(self.channels[row],),
            pictured=tuple(self.pictured[place] for place in kept),
            pictures=self.pictures[kept],
            kernels=bank,
            **{name: getattr(self, name)[row : row + 1] for name in rows},
        )


@dataclass(frozen=True, eq=False)
class Strip:
    """Some of a layer's maps: `channels` says which, `count` how many the layer has."""

    title: str
    maps: Activation
    channels: tuple[int, ...]
    count: int


@dataclass(frozen=True, eq=False)
class Sheet:
    """Strips of maps from several layers in the order they run, and what came of them."""

    title: str
    strips: tuple[Strip, ...]
    prediction: Prediction | None = None


Cell = str | int | float | None


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of cells, None where there is no value; a unit a column, "" where it has none.

    A column called "layer" holds names of layers. `totals` is a last row that sums up, or ();
    `bars` names the columns to be compared as bars; `notes` are sentences on it all.
    """

    title: str
    columns: tuple[str, ...]
    units: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: tuple[Cell, ...] = ()
    bars: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Distribution:
    """How the numbers of each of L layers are spread; `of` names them ("weights").

    `counts` (L, B) are those between two neighbours of `edges` (L, B + 1), exact zeros left out:
    `zeros` (L) counts these, and `broken` (L) what is NaN or infinite. `box` (L, 7) is minimum,
    quantiles 0.01, 0.25, 0.5, 0.75, 0.99, and maximum, zeros included. `show` is what is asked for.
    """

    title: str
    of: str
    layers: tuple[str, ...]
    edges: Floats
    counts: Counts
    zeros: Counts
    broken: Counts
    box: Floats
    show: Literal["histograms", "boxes"] = "histograms"


@dataclass(frozen=True, eq=False)
class LayerHealth:
    """How each of a layer's C channels fared over some pictures.

    `positive` (C) is the share of values above zero, `maximum` (C) the highest, `saturated` (C) the
    share at a bound of the layer's function. A channel that is `dead` (C) never fired on these
    pictures; one that is `unlearned` (C) cannot on any, for its weights are zero.
    """

    layer: str
    pictures: int
    positive: Floats
    maximum: Floats
    saturated: Floats
    dead: Flags
    unlearned: Flags
    broken: int = 0  # values that are NaN or infinite

    @property
    def fires(self) -> float:
        """Return the share of values above zero."""
        return float(self.positive.mean())

    @property
    def dead_share(self) -> float:
        """Return the share of channels that are dead."""
        return float(self.dead.mean())


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """How one value of a convolution comes about: the sum of patch times kernel, plus bias.

    `inputs` names the input channels that contribute most, by magnitude, `contributions` (n) what
    each adds; `patches` and `kernels` (n, kh, kw) are theirs. `rest` is what all other input
    channels add, `count` how many there are in all.
    """

    inputs: tuple[int, ...]
    contributions: Floats
    patches: Floats
    kernels: Floats
    rest: float
    bias: float
    count: int


@dataclass(frozen=True, eq=False)
class Reading:
    """One value of a map and what it depends on.

    `field` is the box of the picture that can reach it (None where unknown), `effective` (H, W) how
    strongly each of the network's input pixels does: the magnitude of the gradient, summed over
    colours; it covers `region`. `arithmetic` is there for convolutions.
    """

    layer: str
    channel: int
    row: int
    column: int
    value: float
    region: Box
    field: Box | None
    effective: Floats
    arithmetic: Arithmetic | None = None


@dataclass(frozen=True, eq=False)
class Card:
    """All that is known of one channel of a layer with `count` channels.

    `maps` is its map alone, `reading` one value of it, `rank` its place by maximum among the
    layer's channels on this picture, counted from 1. `facts` are a few more numbers, named.
    `classes` names those whose logit changes most when the channel is silenced, and `losses` (n)
    how much each loses. `tuning` says what the channel detects.
    """

    layer: str
    kind: str
    channel: int
    count: int
    rank: int
    maps: Activation
    reading: Reading
    facts: Table
    classes: tuple[str, ...]
    losses: Floats
    tuning: Tuning | None = None


Result = (
    Prediction | Activation | Heatmap | FilterBank | Sheet | Tuning | Distribution | Table | Card
)


@dataclass(frozen=True)
class Record:
    """What is needed to make a result again: written into every exported file and beside it.

    `input` is what a person said of the model's input, as plain values by the names of `InputSpec`.
    """

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
    input: Mapping[str, Any] = field(default_factory=dict)

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
            and isinstance(record.input, dict)
            and (record.seed is None or isinstance(record.seed, int))
        )
        if not sound:
            raise ValueError("This CNNviz record has a field of the wrong type.")
        return record
