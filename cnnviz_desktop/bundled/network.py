"""Define the bundled network: four blocks of two convolutions, an average and one linear layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cnnviz_desktop.bundled.pictures import CLASSES, SIZE

if TYPE_CHECKING:
    from cnnviz_desktop.engine.preprocessing import Preprocessing

INPUT_SIZE = SIZE
MEAN = (0.5, 0.5, 0.5)
STD = (0.25, 0.25, 0.25)

WIDTHS = (16, 32, 64, 128)
# The kernel of each block's first, halving convolution. An even kernel puts every output in the
# middle of the pixels it was made from; an odd one would shift each map by half a cell per block,
# 7.5 pixels at the last, and a heatmap laid over the picture would be off by as much.
KERNELS = (6, 4, 4, 2)


class Block(nn.Module):
    """Halve height and width and find new features: twice convolution, normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            inputs, outputs, kernel, stride=2, padding=(kernel - 2) // 2, bias=False
        )
        self.bn1 = nn.BatchNorm2d(outputs)
        self.act1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.act2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of half the height and width, (B, outputs, H / 2, W / 2)."""
        x = self.act1(self.bn1(self.conv1(x)))
        out: Tensor = self.act2(self.bn2(self.conv2(x)))
        return out


class BundledNet(nn.Module):
    """Tell `classes` kinds of textured shapes apart in normalised (B, 3, 128, 128) pictures."""

    def __init__(self, classes: int = len(CLASSES)) -> None:
        super().__init__()
        inputs = (3, *WIDTHS)
        self.blocks = nn.Sequential(*map(Block, inputs, WIDTHS, KERNELS))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (B, classes)."""
        pooled: Tensor = self.pool(self.blocks(x))
        logits: Tensor = self.head(pooled.flatten(1))
        return logits


def preprocessing() -> Preprocessing:
    """Return how a picture of any size becomes the network's input."""
    from cnnviz_desktop.engine.preprocessing import Preprocessing

    return Preprocessing(size=(INPUT_SIZE, INPUT_SIZE), resize=INPUT_SIZE, mean=MEAN, std=STD)


def normalised(pixels: Tensor) -> Tensor:
    """Return uint8 pictures (B, 3, 128, 128) as the network's input."""
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    return (pixels.float() / 255 - mean) / std
