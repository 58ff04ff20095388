"""Turn a picture into a network's input, and know which part of the picture that input covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from cnnviz_desktop.data import Box, ImageInput, Pixels

if TYPE_CHECKING:
    from torch import Tensor

Fit = Literal["crop", "squash", "pad"]
FITS: tuple[Fit, ...] = ("crop", "squash", "pad")

_LONGEST = 8  # a picture longer than this many times its width is cut to that first: a strip of
# 1x5000 pixels scaled to a shorter side of 256 would otherwise need gigabytes


@dataclass(frozen=True)
class Preprocessing:
    """How a model wants its pictures: `size` (height, width) of its input, then (x - mean) / std.

    One mean is a grey network's, which gets the luminance (ITU-R 601); three are those of RGB.
    `fit` "crop" scales the picture until it covers the input, the shorter side of a square one to
    `resize`, and cuts the centre out, as torchvision's references do; "squash" scales the whole
    picture to the input; "pad" scales it to fit inside and fills the rest with the mean colour.
    """

    size: tuple[int, int]
    resize: int
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    fit: Fit = "crop"

    @property
    def channels(self) -> int:
        """Return 1 for grey, 3 for RGB."""
        return len(self.mean)

    @property
    def colours(self) -> str:
        """Name what a picture's channels are."""
        return "grey" if self.channels == 1 else "RGB"

    @property
    def _filter(self) -> Image.Resampling:
        bicubic = self.interpolation == "bicubic"
        return Image.Resampling.BICUBIC if bicubic else Image.Resampling.BILINEAR

    def __call__(self, image: ImageInput) -> tuple[Tensor, Box]:
        """Return the input (1, C, H, W) float32 and the box of the picture that it covers.

        With "pad" the box reaches beyond the picture by the padding.
        """
        import torch

        seen = image.pixels
        if self.channels == 1:
            seen = np.asarray(Image.fromarray(seen).convert("L"))
        pixels, region = {"crop": self._crop, "squash": self._squash, "pad": self._pad}[self.fit](
            seen
        )
        pixels = pixels.reshape(*self.size, self.channels)
        values = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)
        mean = torch.tensor(self.mean).view(-1, 1, 1)
        std = torch.tensor(self.std).view(-1, 1, 1)
        return ((values - mean) / std).unsqueeze(0), region

    def _crop(self, pixels: Pixels) -> tuple[Pixels, Box]:
        height, width = self.size
        top, left = _beyond(pixels.shape[0], pixels.shape[1], height, width)
        pixels = pixels[top : pixels.shape[0] - top, left : pixels.shape[1] - left]
        rows, columns = pixels.shape[:2]
        # The whole-number sizes of torchvision.transforms.Resize and CenterCrop.
        side = min(height, width)
        if rows * width <= columns * height:
            scaled_rows = self.resize * height // side
            scaled_columns = max(width, int(scaled_rows * columns / rows))
        else:
            scaled_columns = self.resize * width // side
            scaled_rows = max(height, int(scaled_columns * rows / columns))
        scaled = Image.fromarray(pixels).resize((scaled_columns, scaled_rows), self._filter)
        crop_top = round((scaled_rows - height) / 2)
        crop_left = round((scaled_columns - width) / 2)
        cut = scaled.crop((crop_left, crop_top, crop_left + width, crop_top + height))
        per_row, per_column = rows / scaled_rows, columns / scaled_columns
        first_row, end_row = _span(crop_top * per_row, (crop_top + height) * per_row)
        first_column, end_column = _span(crop_left * per_column, (crop_left + width) * per_column)
        region = Box(top + first_row, left + first_column, top + end_row, left + end_column)
        return np.asarray(cut), region

    def _squash(self, pixels: Pixels) -> tuple[Pixels, Box]:
        height, width = self.size
        scaled = Image.fromarray(pixels).resize((width, height), self._filter)
        return np.asarray(scaled), Box(0, 0, pixels.shape[0], pixels.shape[1])

    def _pad(self, pixels: Pixels) -> tuple[Pixels, Box]:
        rows, columns = pixels.shape[:2]
        height, width = self.size
        scale = min(height / rows, width / columns)
        inner = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        fill = np.round(np.array(self.mean) * 255).clip(0, 255).astype(np.uint8)
        canvas = np.broadcast_to(fill, (height, width, len(self.mean))).copy()
        top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
        scaled = np.asarray(Image.fromarray(pixels).resize(inner, self._filter))
        canvas[top : top + inner[1], left : left + inner[0]] = scaled.reshape(
            inner[1], inner[0], -1
        )
        region = Box(
            round(-top / scale),
            round(-left / scale),
            round((height - top) / scale),
            round((width - left) / scale),
        )
        return canvas, region


def _beyond(rows: int, columns: int, height: int, width: int) -> tuple[int, int]:
    """Return how many rows and columns to leave out at either side of a picture that is a strip.

    Half a pixel off the centre is much when a pixel is enlarged to hundreds: both are cut evenly.
    """
    if rows * width <= columns * height:  # the rows are what scaling goes by
        longest = max(1, _LONGEST * rows * width // height)
        return 0, max(0, (columns - longest) // 2)
    longest = max(1, _LONGEST * columns * height // width)
    return max(0, (rows - longest) // 2), 0


def _span(start: float, end: float) -> tuple[int, int]:
    """Round to whole pixels, to one at least: a crop may be smaller than a pixel of a strip."""
    first = round(start)
    return (first, round(end)) if round(end) > first else (int(start), int(start) + 1)
