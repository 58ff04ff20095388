"""Find the highest value of every channel of some layers, for many pictures and with little work.

A pass stops at the deepest layer, keeps no map, and runs a copy with its batch norms folded.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from cnnviz_desktop.data import Floats
from cnnviz_desktop.engine.folding import folded
from cnnviz_desktop.engine.recording import (
    TAKES_ONE,
    PassEnded,
    first_tensor,
    hooked,
    interruptible,
    whole_or_singly,
)
from cnnviz_desktop.engine.run import SILENT, Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cnnviz_desktop.engine.loaded_model import LoadedModel

BATCHES = (1, 2, 4, 8)  # that are tried on a processor, where large ones are slower
DEVICE_BATCHES = (8, 16, 32, 64)
_BETTER = 1.05  # by how much a larger batch must be faster to be worth its memory
_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Maxima:
    """The highest `values` (B, C) of a layer's maps, and their flat `places` (B, C) in them."""

    values: Floats
    places: NDArray[np.int32]


class MaximaPass:
    """Passes of one network up to some layers; a vector (K,) counts as K maps of one place.

    With `fold` they run a copy, which differs by rounding alone.
    """

    def __init__(self, model: LoadedModel, layers: Iterable[str], fold: bool = True) -> None:
        self._model = model
        self.calls = {name: model.layer(name).calls for name in layers}
        self.module = model.module
        if fold:
            self.module = folded(model.module, self.example(1), self.calls)

    def example(self, size: int) -> Tensor:
        """Return pictures of noise, as the network takes them."""
        preprocessing = self._model.preprocessing
        shape = size, preprocessing.channels, *preprocessing.size
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        return self._placed(noise)

    def _placed(self, tensor: Tensor) -> Tensor:
        layout = self._model.layout
        return tensor.to(self._model.device).contiguous(memory_format=layout)

    def __call__(
        self, tensor: Tensor, layers: Iterable[str] | None = None, run: Run = SILENT
    ) -> dict[str, Maxima]:
        """Return what the layers, or some of them, give for pictures (B, C, H, W)."""
        wanted = self.calls if layers is None else {name: self.calls[name] for name in layers}
        each = whole_or_singly(
            self.module,
            tensor,
            lambda part: self._passed(part, wanted, run),
            lambda found: all(len(item.values) == len(tensor) for item in found.values()),
        )
        return {
            name: Maxima(
                np.concatenate([item[name].values for item in each]),
                np.concatenate([item[name].places for item in each]),
            )
            for name in each[0]
        }

    def _passed(self, tensor: Tensor, wanted: Mapping[str, int], run: Run) -> dict[str, Maxima]:
        """Return what layers, called so often, give for pictures in one pass."""
        names = {self.module.get_submodule(name): name for name in wanted}
        left = sum(wanted.values())
        counts = dict.fromkeys(wanted, 0)
        found: dict[str, Maxima] = {}

        def look(layer: nn.Module, _inputs: object, output: object) -> None:
            nonlocal left
            name = names[layer]
            counts[name] += 1
            left -= 1
            if counts[name] == wanted[name]:  # its last call, as everywhere
                given = first_tensor(output)
                if given is not None:
                    found[name] = _maxima(given)
            if left == 0:
                raise PassEnded

        with (
            torch.inference_mode(),
            interruptible(self.module, run),
            hooked(names, after=look),
            suppress(PassEnded),
        ):
            self.module(self._placed(tensor))
        return found

    def batch(self, at_most: int, run: Run = SILENT) -> int:
        """Measure how many pictures at a time are the fastest."""
        on_device = self._model.device.type != "cpu"
        best, fastest = 1, 0.0
        for size in DEVICE_BATCHES if on_device else BATCHES:
            if size > at_most:
                break
            rate = self._rate(size, run)
            if rate > fastest * (_BETTER if fastest else 1.0):
                best, fastest = size, rate
        return best

    def _rate(self, size: int, run: Run) -> float:
        """Return pictures per second, 0 for a batch that the network does not take."""
        times = []
        for _round in range(_ROUNDS):
            run.pause()
            start = time.perf_counter()
            try:
                self._passed(self.example(size), self.calls, run)
            except TAKES_ONE:
                return 0.0
            times.append(time.perf_counter() - start)
        return size / max(1e-9, min(times))


def _maxima(output: Tensor) -> Maxima:
    maps = output.detach()
    if maps.ndim == 2:
        maps = maps[:, :, None, None]
    values, places = maps.flatten(2).float().max(dim=2)
    found: dict[str, NDArray[Any]] = {
        "values": values.cpu().numpy().astype(np.float32),
        "places": places.cpu().numpy().astype(np.int32),
    }
    return Maxima(**found)


def shape_of(model: LoadedModel, layer: str) -> tuple[int, int, int]:
    """Return how many channels, rows and columns a layer gives; a vector has one place."""
    shape = model.layer(layer).output_shape or ()
    return (shape[0], shape[1], shape[2]) if len(shape) == 3 else (shape[0], 1, 1)
