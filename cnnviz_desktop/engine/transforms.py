"""Show a picture shifted, scaled and turned, so that what excites a unit survives such changes.

The transforms of Lucid, in its order: pad with grey, jitter, scale, rotate, jitter. All of them and
the scaling to a network's input are one affine map here, so the picture is sampled once; beyond its
rim lies grey, never black.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

GREY = 0.5
_SCALES = 11  # from the smallest to the largest, evenly
_STAYS = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
_STILL = 5  # more turns of zero degrees than of any other angle


@dataclass(frozen=True)
class Draw:
    """One random transform: shifts in pixels before and after it is scaled and turned."""

    before: tuple[int, int] = (0, 0)  # row and column of the crop's first pixel, from 0
    scale: float = 1.0
    degrees: float = 0.0
    after: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Transforms:
    """How far pictures are shifted, scaled and turned.

    `pad` and the jitters are pixels, `scale` a share: 0.1 is from 0.90 to 1.10 by 0.02; `rotate`
    degrees either way.
    """

    pad: int = 6
    jitter: int = 8
    scale: float = 0.1
    rotate: int = 10
    jitter_after: int = 4

    def draw(self, generator: torch.Generator) -> Draw:
        """Draw one; always as many numbers, so that changing one transform moves no other."""
        drawn = iter(torch.rand(6, generator=generator, dtype=torch.float64).tolist())

        def below(count: int) -> int:
            return int(next(drawn) * count)

        rows, columns = below(self.jitter + 1), below(self.jitter + 1)
        share = below(_SCALES) / (_SCALES - 1) * 2 - 1
        turn = below(2 * self.rotate + 1 + _STILL) - self.rotate
        after = below(self.jitter_after + 1), below(self.jitter_after + 1)
        degrees = turn if turn <= self.rotate else 0
        return Draw((rows, columns), 1 + self.scale * share, degrees, after)

    def view(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) in the picture's pixels of what is shown of a picture."""
        more = 2 * self.pad - self.jitter - self.jitter_after
        return max(1, height + more), max(1, width + more)

    def __call__(
        self,
        pictures: Tensor,
        draw: Draw,
        size: tuple[int, int] | None = None,
        grey: Tensor | float = GREY,
    ) -> Tensor:
        """Return pictures (N, C, H, W) as a draw shows them, scaled to `size` where it is given.

        `grey` is what lies beyond their rim, in their own units: a number or (1, C, 1, 1).
        """
        height, width = pictures.shape[2:]
        view = self.view(height, width)
        size = size or view
        matrix = self.matrix(draw, height, width)
        if size == (height, width) and matrix == _STAYS:
            return pictures
        theta = torch.tensor(matrix, device=pictures.device)
        grid = (_places(*size, pictures.device) @ theta.T).view(1, *size, 2)
        grid = grid.expand(len(pictures), -1, -1, -1)
        # Zeros are what lies outside, so the rim is grey once grey is zero.
        seen = functional.grid_sample(pictures - grey, grid, align_corners=False)
        return seen + grey

    def matrix(self, draw: Draw, height: int, width: int) -> list[list[float]]:
        """Return the affine map (2, 3) from the places of the view to those of the picture.

        Both run from -1 to 1 between the outer edges of their first and last pixels.
        """
        tall, wide = self.view(height, width)
        down, across = (place - self.jitter / 2 for place in draw.before)
        down_after, across_after = (place - self.jitter_after / 2 for place in draw.after)
        angle = math.radians(draw.degrees)
        cosine, sine = math.cos(angle) / draw.scale, math.sin(angle) / draw.scale
        x = across + cosine * across_after - sine * down_after
        y = down + sine * across_after + cosine * down_after
        return [
            [cosine * wide / width, -sine * tall / width, 2 * x / width],
            [sine * wide / height, cosine * tall / height, 2 * y / height],
        ]


@lru_cache(maxsize=4)
def _places(height: int, width: int, device: torch.device) -> Tensor:
    """Return (x, y, 1) of every pixel's middle (H * W, 3), -1 to 1 from edge to edge."""
    rows = (2 * torch.arange(height, device=device) + 1) / height - 1
    columns = (2 * torch.arange(width, device=device) + 1) / width - 1
    across, down = columns.expand(height, width), rows[:, None].expand(height, width)
    return torch.stack([across, down, torch.ones_like(across)], dim=2).view(-1, 3)


NONE = Transforms(0, 0, 0.0, 0, 0)
