"""ROAD: take away the pixels a map calls important, or the others, and see what the network says.

Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods", ICML 2022,
arXiv:2202.00449.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cnnviz_desktop.data import Floats
from cnnviz_desktop.engine.confidence import Confidence
from cnnviz_desktop.engine.imputation import NOISE, impute

PERCENTILES = (10, 20, 30, 40, 50, 60, 70, 80, 90)


@dataclass(frozen=True, eq=False)
class Road:
    """The class's probability after shares (P) of the pixels were taken away, 0 at first.

    `most` (P) takes the most relevant pixels first, `least` (P) the least relevant.
    """

    shares: Floats
    most: Floats
    least: Floats

    @property
    def morf(self) -> float:
        """Return the mean change with the most relevant pixels gone: lower is better."""
        return float((self.most[1:] - self.most[0]).mean())

    @property
    def lerf(self) -> float:
        """Return the mean change with the least relevant pixels gone: higher is better."""
        return float((self.least[1:] - self.least[0]).mean())

    @property
    def combined(self) -> float:
        """Return half of what lies between the two: higher is better, 0 is a random map's."""
        return (self.lerf - self.morf) / 2


def road(
    confidence: Confidence,
    tensor: Tensor,
    relevance: Tensor,
    whole: float,
    *,
    percentiles: Sequence[int] = PERCENTILES,
    noise: float = NOISE,
    seed: int = 0,
) -> Road:
    """Take pixels of the input (1, C, H, W) away by their relevance (H, W), and fill them in.

    For each percentile those at or above it go: at the 90th the most relevant tenth. `whole` is the
    confidence in the input as it is. Pixels of one relevance go together.
    """
    ordered = sorted(percentiles, reverse=True)
    found = []
    for ranks in (relevance, -relevance):
        flat = ranks.cpu().numpy()
        bars = torch.from_numpy(np.percentile(flat, ordered)).to(ranks)
        missing = ranks >= bars[:, None, None]
        filled = impute(tensor, missing, noise=noise, seed=seed, run=confidence.run)
        found.append(np.append(np.float32(whole), confidence(filled)))
    shares = np.array([0, *(1 - place / 100 for place in ordered)], np.float32)
    return Road(shares, *found)
