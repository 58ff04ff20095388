"""Hold how a network came to be: the same picture and channel at every checkpoint of a training."""

from __future__ import annotations

from dataclasses import dataclass

from cnnviz_desktop.data.arrays import Floats
from cnnviz_desktop.data.inputs import Box


@dataclass(frozen=True, eq=False)
class Timeline:
    """One channel of a layer at S checkpoints, and how the whole network moved between them.

    `names` (S) are the files' own, `steps` (S) counted in `unit` ("step", "epoch", or "file" where
    their names say nothing). Those that are drawn are named in `show`: `maps` (S, h, w) is the
    channel's map in the layer's units, `kernels` (S, n, kh, kw) its weights to the `inputs` (n) of
    `kernel_layer` that count most (`colours`: red, green and blue), `heat` (S, a, b) the raw
    Grad-CAM of a class there; both cover `region` of the picture. `wanted` (S, H, W, 3) in 0..1 is
    what the channel wants to see. What was not asked for or does not exist is None.

    `answers` (S, K) are the probabilities of the classes `labels`, none where the network does not
    classify; `target` is the class that is explained, -1 for none. Of the `layers` (L) with
    weights, in the order they lie: `drift` (S, L) is the L2 distance of the weights from the first
    checkpoint, `moved` (S, L) from the one before, `dead` (S, L) the share of channels that fire
    on none of `pictures` pictures.
    """

    title: str
    layer: str
    channel: int
    names: tuple[str, ...]
    steps: tuple[int, ...]
    unit: str
    show: tuple[str, ...]
    region: Box
    maps: Floats
    kernels: Floats | None
    kernel_layer: str
    inputs: tuple[int, ...]
    colours: bool
    heat: Floats | None
    target: int
    labels: tuple[str, ...]
    answers: Floats | None
    wanted: Floats | None
    layers: tuple[str, ...]
    drift: Floats
    moved: Floats
    dead: Floats
    pictures: int
    notes: tuple[str, ...] = ()

    @property
    def target_label(self) -> str:
        """Return the class that is explained, "" for none."""
        return self.labels[self.target] if 0 <= self.target < len(self.labels) else ""

    @property
    def share(self) -> Floats | None:
        """Return the probability of that class at each checkpoint (S), None where there is none."""
        if self.answers is None or not 0 <= self.target < self.answers.shape[1]:
            return None
        return self.answers[:, self.target]
