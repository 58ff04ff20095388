"""Hold what layers give and what they are made of: maps, kernels, what channels detect."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cnnviz_desktop.data.answers import Prediction
from cnnviz_desktop.data.arrays import Floats
from cnnviz_desktop.data.exemplars import Exemplars
from cnnviz_desktop.data.inputs import Box
from cnnviz_desktop.data.tables import Table
from cnnviz_desktop.data.wanted import Maximised


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


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """How one value of a convolution comes about: the sum of patch times kernel, plus bias.

    `inputs` names the input channels that contribute most, by magnitude, `contributions` (n) what
    each adds; `patches` and `kernels` (n, kh, kw) are theirs. `rest` is what all other input
    channels add, `count` how many there are in all. It is the value of a `channel` of `layer`,
    which may stand before the one that is read; "" is that one itself.
    """

    inputs: tuple[int, ...]
    contributions: Floats
    patches: Floats
    kernels: Floats
    rest: float
    bias: float
    count: int
    layer: str = ""
    channel: int = -1

    @property
    def value(self) -> float:
        """Return what all of it adds up to."""
        return float(self.contributions.astype(np.float64).sum()) + self.rest + self.bias


@dataclass(frozen=True, eq=False)
class Reading:
    """One value of a map and what it depends on.

    `field` is the box of the picture that can reach it (None where unknown), `sees` its height and
    width in pixels of the network's input, with what is padding; `effective` (H, W) how
    strongly each of the network's input pixels does: the magnitude of the gradient, summed over
    colours; it covers `region`. `arithmetic` is that of the convolution or linear layer whose value
    this is, or which made it before it was scaled, cut off or put beside others.
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
    sees: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Card:
    """All that is known of one channel of a layer with `count` channels.

    `maps` is its map alone, `reading` one value of it, `rank` its place by maximum among the
    layer's channels on this picture, counted from 1. `facts` are a few more numbers, named.
    `classes` names those whose logit changes most when the channel is silenced, and `losses` (n)
    how much each loses. `tuning` says what the channel detects, `maximised` what it wants to see,
    `exemplars` which pictures of a folder excite it most.
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
    maximised: Maximised | None = None
    exemplars: Exemplars | None = None
