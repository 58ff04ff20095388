"""Insertion and deletion: show or cover pixels in the order a map gives them.

Petsiuk, Das and Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models",
BMVC 2018, arXiv:1806.07421.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cnnviz_desktop.data import Floats
from cnnviz_desktop.engine.confidence import Confidence

STEPS = 20


@dataclass(frozen=True, eq=False)
class Perturbation:
    """The class's probability at shares (P) of the pixels, 0 to 1, the most relevant ones first.

    `inserted` (P) shows them on an empty picture, `deleted` (P) covers them in the whole one.
    """

    shares: Floats
    inserted: Floats
    deleted: Floats

    @property
    def insertion(self) -> float:
        """Return the area under the curve of insertion: higher is better."""
        return _area(self.inserted, self.shares)

    @property
    def deletion(self) -> float:
        """Return the area under the curve of deletion: lower is better."""
        return _area(self.deleted, self.shares)


def _area(values: Floats, places: Floats) -> float:
    """Return the area under a line through points."""
    return float(((values[1:] + values[:-1]) / 2 * np.diff(places)).sum(dtype=np.float64))


def perturb(
    confidence: Confidence,
    tensor: Tensor,
    relevance: Tensor,
    whole: float,
    *,
    steps: int = STEPS,
    start: Tensor | None = None,
) -> Perturbation:
    """Insert and delete the pixels of the input (1, C, H, W) by their relevance (H, W).

    Deletion covers them with the mean colour; insertion begins with `start`, the mean colour where
    none is given. `whole` is the confidence in the input as it is. Of equal pixels the upper left
    ones go first.
    """
    grey = torch.zeros_like(tensor)
    start = grey if start is None else start
    order = torch.argsort(relevance.flatten(), descending=True, stable=True)
    ranks = torch.empty_like(order)
    ranks[order] = torch.arange(len(order), device=order.device)
    ranks = ranks.view(relevance.shape)
    each = -(-len(order) // steps)
    counts = [*range(0, len(order), each), len(order)]

    def mixed(upper: Tensor, lower: Tensor, inside: list[int]) -> Floats:
        """Return the confidence with the first pixels from one picture, the rest from another."""
        parts = [confidence(part) for part in _mixtures(upper, lower, ranks, inside)]
        return np.concatenate(parts)

    inserted = np.append(mixed(tensor, start, counts[:-1]), np.float32(whole))
    deleted = np.append(np.float32(whole), mixed(grey, tensor, counts[1:]))
    shares = (np.array(counts) / len(order)).astype(np.float32)
    return Perturbation(shares, inserted, deleted)


_AT_A_TIME = 8  # pictures made before the network is asked


def _mixtures(upper: Tensor, lower: Tensor, ranks: Tensor, counts: list[int]) -> Iterator[Tensor]:
    for first in range(0, len(counts), _AT_A_TIME):
        bars = torch.tensor(counts[first : first + _AT_A_TIME], device=ranks.device)
        yield torch.where((ranks < bars[:, None, None])[:, None], upper, lower)
