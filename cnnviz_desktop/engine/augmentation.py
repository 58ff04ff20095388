"""Change training pictures in ways that leave their class as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

AUGMENTATIONS = ("flip", "crop", "colour")

_SMALLEST = 0.5  # of a picture's area that a crop keeps
_ASPECT = 4 / 3  # by which a crop is wider or taller
_COLOUR = 0.3  # by which brightness, contrast and saturation change


def augmented(pictures: Tensor, kinds: Sequence[str], generator: torch.Generator) -> Tensor:
    """Return pictures (B, C, H, W) of values 0 to 1, each changed in a way of its own.

    The numbers come from a generator of the processor, so that they are the same on every device.
    """
    if "flip" in kinds:
        mirrored = torch.rand(len(pictures), generator=generator) < 0.5
        turned = mirrored.view(-1, 1, 1, 1).to(pictures.device)
        pictures = torch.where(turned, pictures.flip(3), pictures)
    if "crop" in kinds:
        pictures = _cropped(pictures, generator)
    if "colour" in kinds:
        pictures = _coloured(pictures, generator)
    return pictures


def _cropped(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Return a part of each picture in the picture's size."""
    area, aspect, down, across = torch.rand(4, len(pictures), generator=generator)
    area = _SMALLEST + (1 - _SMALLEST) * area
    stretch = torch.exp((2 * aspect - 1) * math.log(_ASPECT) / 2)
    tall = (area.sqrt() * stretch).clamp_max(1)
    wide = (area.sqrt() / stretch).clamp_max(1)
    nothing = torch.zeros_like(area)
    places = torch.stack(
        [
            torch.stack([wide, nothing, (2 * across - 1) * (1 - wide)], 1),
            torch.stack([nothing, tall, (2 * down - 1) * (1 - tall)], 1),
        ],
        1,
    ).to(pictures.device)
    grid = functional.affine_grid(places, list(pictures.shape), align_corners=False)
    cut: Tensor = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return cut


def _coloured(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Return pictures of another brightness, contrast and, where they have colours, saturation."""
    drawn = torch.rand(3, len(pictures), 1, 1, 1, generator=generator)
    bright, contrast, saturation = (1 - _COLOUR + 2 * _COLOUR * drawn).to(pictures.device)
    pictures = pictures * bright
    middle = pictures.mean((1, 2, 3), keepdim=True)
    pictures = middle + (pictures - middle) * contrast
    grey = pictures.mean(1, keepdim=True)
    changed: Tensor = (grey + (pictures - grey) * saturation).clamp(0, 1)
    return changed
