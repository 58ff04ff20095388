"""Hold pictures that were made to suit a network: what units want, what layers remember."""

from __future__ import annotations

from dataclasses import dataclass

from cnnviz_desktop.data.answers import Prediction
from cnnviz_desktop.data.arrays import Floats


@dataclass(frozen=True, eq=False)
class Maximised:
    """N pictures, each made to excite what `wanted` (N) names ("channel 12", "tabby") the most.

    `layer` is where the units are, "" for classes. `pictures` (N, H, W, 3) are in 0..1.
    `objectives` (N, S) is what was maximised, after each step so far, larger being better; at what
    a step showed to the network, turned and shifted. `responses` (N) is what the unit gives for the
    finished picture, in the layer's units (a channel's strongest value) or as a logit; `threshold`
    (N) the 99.9th percentile of that over pictures of a folder, NaN where unknown. `growth`
    (F, N, h, w, 3) shows the pictures after the steps `grown` (F). `answers` (N, or none) say what
    the network takes the finished pictures for. `steps` were planned. A unit that would not fire is
    named in the `notes`.
    """

    title: str
    layer: str
    wanted: tuple[str, ...]
    pictures: Floats
    objectives: Floats
    responses: Floats
    threshold: Floats
    growth: Floats
    grown: tuple[int, ...]
    answers: tuple[Prediction, ...]
    steps: int
    seed: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Inverted:
    """A picture made again from what a layer gives for it: what the layer remembers.

    `original` and `picture` (H, W, 3) are in 0..1, as the network's input has them; `mse` and `r2`
    compare them, `match` is the R^2 between what the layer gives for the two. A `caricature`
    exaggerates what the layer sees, so that its numbers say little. `objectives` (S) after each
    step so far, larger being better; `growth` (F, h, w, 3) shows the picture after the steps
    `grown` (F). One point of the curve over the network for each of `layers` (L) in the order they
    run, this one among them: its picture (L, h, w, 3), `errors` (the MSE), `scores` (the R^2) and
    `matches` (L).
    """

    title: str
    layer: str
    original: Floats
    picture: Floats
    mse: float
    r2: float
    match: float
    objectives: Floats
    growth: Floats
    grown: tuple[int, ...]
    layers: tuple[str, ...]
    pictures: Floats
    errors: Floats
    scores: Floats
    matches: Floats
    steps: int
    seed: int
    caricature: bool = False
    notes: tuple[str, ...] = ()
