"""Say what a picture is to excite: a channel, a neuron, a class, a direction, a whole layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_UNLIKE = 100.0  # what the pictures' likeness counts against the channel, in "diversity"


@dataclass(frozen=True)
class Objective:
    """One number a picture, from what a layer gives (N, C, h, w) or from logits (N, C).

    `units` (N) are the channels or classes of the pictures, `second` (N) those of "direction" and
    "joint". A `row` or `column` of -1 is the middle one.
    """

    kind: str
    units: tuple[int, ...]
    second: tuple[int, ...] = ()
    row: int = -1
    column: int = -1

    @property
    def couples(self) -> bool:
        """Tell whether the pictures have to be seen together."""
        return self.kind == "diversity"

    def __call__(self, values: Tensor, rows: slice) -> Tensor:
        """Return what is maximised (n) for the pictures `rows`, which gave the values (n, ...)."""
        maps = self._maps(values)
        match self.kind:
            case "layer":
                return maps.square().mean((1, 2, 3))
            case "negative":
                return -self._chosen(maps, self.units[rows]).mean((1, 2))
            case "neuron":
                return self._neuron(maps, rows)
            case "diversity":
                mean = self._chosen(maps, self.units[rows]).mean((1, 2))
                return mean - _UNLIKE * likeness(maps)
        return self._combined(maps, rows).mean((1, 2))

    def response(self, values: Tensor, rows: slice) -> Tensor:
        """Return what the units (n) give: of maps the strongest value."""
        maps = self._maps(values)
        match self.kind:
            case "layer":
                return maps.square().mean((1, 2, 3))
            case "negative":
                return self._chosen(maps, self.units[rows]).amin((1, 2))
            case "neuron":
                return self._neuron(maps, rows)
        return self._combined(maps, rows).amax((1, 2))

    def _combined(self, maps: Tensor, rows: slice) -> Tensor:
        """Return the map (n, h, w) whose mean is maximised."""
        chosen = self._chosen(maps, self.units[rows])
        if self.kind == "direction":
            return chosen - self._chosen(maps, self.second[rows])
        if self.kind == "joint":
            return chosen + self._chosen(maps, self.second[rows])
        return chosen

    def _neuron(self, maps: Tensor, rows: slice) -> Tensor:
        height, width = maps.shape[2:]
        row = height // 2 if self.row < 0 else min(self.row, height - 1)
        column = width // 2 if self.column < 0 else min(self.column, width - 1)
        return self._chosen(maps, self.units[rows])[:, row, column]

    @staticmethod
    def _maps(values: Tensor) -> Tensor:
        """Return (n, C, h, w) of whatever has channels."""
        return values if values.ndim == 4 else values.reshape(*values.shape[:2], -1, 1)

    @staticmethod
    def _chosen(maps: Tensor, units: tuple[int, ...]) -> Tensor:
        """Return of each picture's maps its own unit's (n, h, w)."""
        return torch.stack([maps[place, unit] for place, unit in enumerate(units)])


def likeness(maps: Tensor) -> Tensor:
    """Return the mean inner product of pairs of normalised Gram matrices of maps (N, C, h, w)."""
    count = len(maps)
    if count < 2:
        return maps.new_zeros(())
    flat = maps.flatten(2)
    grams = (flat @ flat.transpose(1, 2)).flatten(1)
    grams = grams / grams.norm(dim=1, keepdim=True).clamp(min=1e-12)
    products = grams @ grams.T
    pairs = count * (count - 1)
    apart: Tensor = products.sum() - products.trace()
    return apart / pairs
