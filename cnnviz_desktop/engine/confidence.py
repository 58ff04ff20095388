"""Ask how sure a network is of a class when the picture is changed, and score maps by that.

Average drop and increase in confidence: Chattopadhyay et al., "Grad-CAM++: Improved Visual
Explanations for Deep Convolutional Networks", WACV 2018, arXiv:1710.11063.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from cnnviz_desktop.data import Floats
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.masked_passes import batch_size
from cnnviz_desktop.engine.recording import interruptible, whole_or_singly
from cnnviz_desktop.engine.run import SILENT, Run


@dataclass(frozen=True, eq=False)
class Confidence:
    """How sure a network is of one class: the softmax of its scores, asked in small batches."""

    model: LoadedModel
    target: int
    run: Run = SILENT

    def __call__(self, inputs: Tensor) -> Floats:
        """Return the class's probability for every input (N, C, H, W) -> (N,)."""
        found: list[Tensor] = []
        for part in torch.split(inputs, batch_size(self.model)):
            self.run.pause()
            found += self._asked(part)
        return torch.cat(found).float().cpu().numpy()

    def _asked(self, part: Tensor) -> list[Tensor]:
        module = self.model.module
        return whole_or_singly(
            module, part, self._probabilities, lambda found: len(found) == len(part)
        )

    def _probabilities(self, part: Tensor) -> Tensor:
        model = self.model
        with torch.inference_mode(), interruptible(model.module, self.run):
            output = model.module(part.clone(memory_format=model.layout))
            return model.logits(output).softmax(dim=1)[:, self.target]


def at_input(values: Floats, tensor: Tensor) -> Tensor:
    """Return a map (h, w) as fine as the input (1, C, H, W), interpolated bilinearly -> (H, W).

    It covers the input from edge to edge, as the picture of it does.
    """
    return _enlarged(torch.from_numpy(values).to(tensor), tensor)


def mask_of(values: Floats, tensor: Tensor) -> Tensor:
    """Return what speaks for the class in a map (h, w) as a mask 0..1 of the input -> (H, W).

    What is below zero counts as zero; the least and the greatest of the rest become 0 and 1.
    """
    rectified = torch.from_numpy(values).to(tensor).clamp_min(0)
    unit = rectified - rectified.min()
    highest = unit.max()
    return _enlarged(unit / highest if highest > 0 else unit, tensor)


def _enlarged(values: Tensor, tensor: Tensor) -> Tensor:
    size = tuple(tensor.shape[2:])
    if values.shape == size:
        return values
    return functional.interpolate(
        values[None, None], size=size, mode="bilinear", align_corners=False
    )[0, 0]


@dataclass(frozen=True)
class Masking:
    """How sure the network is of the whole picture and of what its map lets through."""

    whole: float
    masked: float

    @property
    def drop(self) -> float:
        """Return the share of the confidence that is lost, 0 where there is more than before."""
        return max(0.0, self.whole - self.masked) / self.whole if self.whole > 0 else 0.0

    @property
    def increase(self) -> float:
        """Return 1 where the network is surer of what its map lets through, else 0."""
        return float(self.masked > self.whole)


def masking(confidence: Confidence, tensor: Tensor, values: Floats, whole: float) -> Masking:
    """Show the network the input (1, C, H, W) times the map's mask, black being the mean colour.

    `whole` is the confidence in the input as it is.
    """
    (masked,) = confidence(tensor * mask_of(values, tensor)).tolist()
    return Masking(whole, masked)
