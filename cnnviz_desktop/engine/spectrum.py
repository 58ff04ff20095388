"""Hold pictures that are optimised: as spectra or pixels, in colours that do not go together.

Steps in a spectrum scaled by 1 / frequency change all scales of a picture alike, where steps in
pixels give noise; decorrelated colours do the same for hues. Olah, Mordvintsev and Schubert,
Feature Visualization, doi:10.23915/distill.00007.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

# How strongly the three decorrelated directions appear in red, green and blue in photographs.
_CORRELATION = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
_LARGEST = 0.461952  # the norm of its first column, the largest
_SPREAD = 0.01  # of the numbers at the start
_DAMPING = 4.0  # of spectra: keeps colours from saturating at once


def frequencies(height: int, width: int) -> Tensor:
    """Return the frequency in cycles per pixel of each part (H, W // 2 + 1) of a real spectrum."""
    rows = torch.fft.fftfreq(height)[:, None]
    columns = torch.fft.rfftfreq(width)[None]
    return torch.hypot(rows, columns)


def spectrum_scale(height: int, width: int) -> Tensor:
    """Return 1 / frequency; that of the mean, which has none, as of the lowest frequency."""
    return 1 / frequencies(height, width).clamp(min=1 / max(height, width))


def colour_matrix() -> Tensor:
    """Return the (3, 3) matrix from decorrelated colours to red, green and blue."""
    return torch.tensor(_CORRELATION) / _LARGEST


@dataclass(frozen=True)
class Canvas:
    """Turn numbers that are optimised into pictures (N, `channels`, `height`, `width`) in 0..1."""

    height: int
    width: int
    channels: int = 3
    spectral: bool = True
    decorrelated: bool = True
    device: torch.device | str = "cpu"

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width)."""
        return self.height, self.width

    def start(self, count: int, seed: int, different: bool = False) -> Tensor:
        """Return the numbers of `count` pictures to begin with: all alike, or all `different`.

        Where they are alike a picture comes out the same alone and among others.
        """
        size: tuple[int, ...] = (self.channels, self.height, self.width)
        if self.spectral:
            size = (self.channels, self.height, self.width // 2 + 1, 2)
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randn((count if different else 1, *size), generator=generator) * _SPREAD
        if not different:
            drawn = drawn.expand(count, *size).clone()
        return drawn.to(self.device)

    def numbers(self, pictures: Tensor) -> Tensor:
        """Return the numbers that make pictures (N, C, H, W) in 0..1, as near as can be."""
        colours = pictures.clamp(0.01, 0.99).logit()
        if self.channels == 3 and self.decorrelated:
            inverse = colour_matrix().inverse().to(colours)
            colours = torch.einsum("ij,njhw->nihw", inverse, colours)
        if not self.spectral:
            return colours
        spectrum = torch.view_as_real(torch.fft.rfft2(colours, norm="ortho"))
        return spectrum / self._scale(colours)

    def __call__(self, numbers: Tensor) -> Tensor:
        """Return the pictures."""
        colours = numbers
        if self.spectral:
            spectrum = torch.view_as_complex(numbers * self._scale(numbers))
            size = self.height, self.width
            colours = torch.fft.irfft2(spectrum, s=size, norm="ortho")
        if self.channels == 3 and self.decorrelated:
            flat = colours.flatten(2)
            colours = (_kept_matrix(flat.device).to(flat.dtype) @ flat).view_as(colours)
        return colours.sigmoid()

    def _scale(self, like: Tensor) -> Tensor:
        return _kept_scale(self.height, self.width, like.device)


@lru_cache(maxsize=2)
def _kept_scale(height: int, width: int, device: torch.device) -> Tensor:
    """Return what a spectrum's numbers (H, W // 2 + 1, 2) are multiplied by."""
    return (spectrum_scale(height, width) / _DAMPING)[..., None].to(device)


@lru_cache(maxsize=2)
def _kept_matrix(device: torch.device) -> Tensor:
    return colour_matrix().to(device)
