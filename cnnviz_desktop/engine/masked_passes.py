"""Ask a network many times about one picture: masked by its own maps, or without one of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnviz_desktop.engine.cam_pass import CamPass
from cnnviz_desktop.engine.convolutions import quick_convolutions
from cnnviz_desktop.engine.folding import folded
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.recording import interruptible, mixes_pictures, whole_or_singly
from cnnviz_desktop.engine.tails import Scores, behind

_MOST = 8  # pictures at once: more are no quicker on a processor
# glibc gives blocks beyond 32 MB back and takes them anew in every pass, each page for the first
# time. Where four pictures need no such block, none is asked for: 0.31 instead of 0.45 of the
# peer's time on squeezenet1_0. Where they do, more at once share the reading of large weights.
_KEPT, _LARGEST = 30 * 10**6, 2**27  # bytes of a pass's largest maps
_WORTH_FOLDING = 32  # passes; a copy with folded batch norms has to pay for itself
_BETWEEN_PREVIEWS = 0.5  # seconds


def batch_size(model: LoadedModel) -> int:
    """Return how many pictures to run at once, 1 to 8: as many as keep a pass within memory."""
    if mixes_pictures(model.module):
        return 1
    shapes = (node.output_shape for node in model.layers.walk() if node.output_shape)
    largest = 4 * max((math.prod(shape) for shape in shapes), default=1)
    kept = _KEPT // largest
    return max(1, min(_MOST, kept if kept >= 4 else _LARGEST // largest))


def masked_scores(seen: CamPass, place: int, channels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Show the picture through some maps of a layer as masks, and yield the scores.

    A mask is the map, upsampled to the input bilinearly with its corners on the corners, then
    scaled to 0..1; the masked picture is their product in the network's normalised space, so that 0
    is the mean colour. Masks of one value are 0 everywhere and share one pass. Yields places among
    `channels` (m,) and the scores (m, K), pass by pass.
    """
    maps = seen.maps[place][channels]
    flat = maps.flatten(1)
    constant = flat.amax(dim=1) == flat.amin(dim=1)
    even, rest = constant.nonzero()[:, 0], (~constant).nonzero()[:, 0]
    scores = _scores_by(seen, seen.model.module)
    if len(even):
        yield even, scores(torch.zeros_like(seen.tensor)).expand(len(even), -1)
    if not len(rest):
        return
    if len(rest) >= _WORTH_FOLDING:
        scores = _scores_by(seen, _folded(seen))
    batches = torch.split(rest, batch_size(seen.model))
    for batch in seen.run.track(batches, f"Masking the picture{seen.part}"):
        masks = _masks(maps[batch], tuple(seen.tensor.shape[2:]))
        yield batch, _all_at_once(seen, scores, masks * seen.tensor)


def _masks(maps: Tensor, size: tuple[int, ...]) -> Tensor:
    large = functional.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=True)
    low, high = large.amin(dim=(2, 3), keepdim=True), large.amax(dim=(2, 3), keepdim=True)
    # A map finer than the input may lose what little differs in it.
    return (large - low) / torch.where(high > low, high - low, 1)


def _folded(seen: CamPass) -> nn.Module:
    """Return a copy of the network with its batch norms folded, the network itself without any."""
    module = seen.model.module
    if not any(type(item) is nn.BatchNorm2d for item in module.modules()):
        return module
    return folded(module, seen.tensor, {"": 1})


def _scores_by(seen: CamPass, module: nn.Module) -> Scores:
    def scores(given: Tensor) -> Tensor:
        quick = quick_convolutions(module)
        with torch.inference_mode(), interruptible(module, seen.run), quick:
            return seen.model.logits(module(given.contiguous(memory_format=seen.model.layout)))

    return scores


def _all_at_once(seen: CamPass, scores: Scores, given: Tensor) -> Tensor:
    """Return the scores (N, K) of several pictures."""
    module = seen.model.module
    return torch.cat(whole_or_singly(module, given, scores, lambda part: len(part) == len(given)))


def ablated_scores(seen: CamPass, place: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Set each channel of a layer to 0 in turn, and yield the scores.

    Only what follows the layer is run. Channels that are 0 everywhere are left out: nothing would
    change. Yields channels (m,) and the scores (m, K), pass by pass.
    """
    maps = seen.maps[place]
    firing = (maps != 0).flatten(1).any(dim=1).nonzero()[:, 0]
    if not len(firing):
        return
    node, call = seen.layers[place]
    scores = behind(seen.model, seen.tensor, node, call, seen.logits, seen.run)
    batches = torch.split(firing, batch_size(seen.model))
    for batch in seen.run.track(batches, f"Silencing channels{seen.part}"):
        given = maps.expand(len(batch), *maps.shape).clone(memory_format=seen.model.layout)
        given[torch.arange(len(batch)), batch] = 0
        yield batch, _all_at_once(seen, scores, given)


class Growing:
    """A map that grows with what is found of each channel.

    `maps` are those (C, h, w) that it is made of; `start` is the value (C, T) of a channel that
    nothing is known of yet, and `weigh` makes the weights of T classes from all values.
    """

    def __init__(
        self,
        seen: CamPass,
        maps: Tensor,
        classes: int,
        start: float,
        weigh: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self._preview, self._maps, self._weigh = seen.preview, maps, weigh
        self._values = maps.new_full((len(maps), classes), start)
        self._shown = time.perf_counter()

    def take(self, channels: Tensor, values: Tensor) -> None:
        """Note the values (m, T) of some channels, and show the map now and then."""
        self._values[channels] = values.to(self._values)
        now = time.perf_counter()
        if self._preview is not None and now - self._shown > _BETWEEN_PREVIEWS:
            self._shown = now
            self._preview(self.result()[0])

    def result(self) -> list[Tensor]:
        """Return the map (h, w) of each class."""
        weights = self._values if self._weigh is None else self._weigh(self._values)
        return [torch.einsum("c,chw->hw", own, self._maps) for own in weights.unbind(dim=1)]
