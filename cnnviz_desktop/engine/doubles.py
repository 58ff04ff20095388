"""Find channels whose maps have one direction on every picture, looking at each picture once.

Two such channels are silent on the same pictures. So a channel is compared with all that wake on
the same picture, once, and later on with those that were alike till then.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cnnviz_desktop.engine.statistics import DUPLICATE, duplicates

FEW = 4  # values; maps of fewer have too few directions to be told apart
_ROWS = 256  # compared with all others at once


class Doubles:
    """The channels of one layer that are alike so far."""

    def __init__(self) -> None:
        self._awake = torch.zeros(0, dtype=torch.bool)
        self._pairs = torch.zeros(0, 2, dtype=torch.int64)  # of a later channel and an earlier one
        self.comparable = True

    def add(self, output: Tensor, axis: int) -> None:
        """Take in the layer's output (N, ...) for some pictures; channels lie along `axis`."""
        if output.ndim < 3 or output[0].numel() < FEW * output.shape[axis]:
            self.comparable = False
            return
        for maps in output.movedim(axis, 1).flatten(2):
            self._add(maps.detach().float())

    def _add(self, maps: Tensor) -> None:
        if not len(self._awake):
            self._awake = torch.zeros(len(maps), dtype=torch.bool)
        sizes = maps.abs().amax(dim=1)
        fires = (sizes > 0).cpu()
        sound = sizes.isfinite().cpu()
        one, other = self._pairs.T
        alike = ~fires[one] & ~fires[other]
        both = (fires & sound)[one] & (fires & sound)[other]
        alike[both] = (_cosines(maps, one[both], other[both]) > DUPLICATE).cpu()
        self._pairs = self._pairs[alike]
        woken = (fires & sound & ~self._awake).nonzero()[:, 0]
        self._awake |= fires
        if len(woken) > 1:
            self._pairs = torch.cat([self._pairs, woken[_alike(maps[woken.to(maps.device)])]])

    def pairs(self) -> set[tuple[int, int]]:
        """Return the pairs of a later and an earlier channel that were alike all the time."""
        return {(int(one), int(other)) for one, other in self._pairs}


def _cosines(maps: Tensor, one: Tensor, other: Tensor) -> Tensor:
    units = torch.nn.functional.normalize(
        torch.stack([_scaled(maps[one.to(maps.device)]), _scaled(maps[other.to(maps.device)])]),
        dim=2,
    )
    return (units[0] * units[1]).sum(dim=1)


def _scaled(rows: Tensor) -> Tensor:
    """Scale rows to 1: the squares of very small numbers are lost."""
    return rows / rows.abs().amax(dim=1, keepdim=True).clamp(min=torch.finfo(rows.dtype).tiny)


def _alike(rows: Tensor) -> Tensor:
    """Return the pairs (P, 2) of a row and an earlier one that have the same direction."""
    later = duplicates(rows).nonzero()[:, 0]
    units = torch.nn.functional.normalize(_scaled(rows), dim=1)
    found = [torch.zeros(0, 2, dtype=torch.int64)]
    for part in torch.split(later, _ROWS):
        cosines = units[part] @ units.T
        earlier = torch.arange(len(rows), device=rows.device) < part[:, None]
        pairs = ((cosines > DUPLICATE) & earlier).nonzero().cpu()
        found.append(torch.stack([part.cpu()[pairs[:, 0]], pairs[:, 1]], dim=1))
    return torch.cat(found)
