"""Make the inputs that stand for "nothing there": what explanations begin at or cover with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_BLUR = 1 / 20  # of the shorter side: the standard deviation; no outline of an object is left
_REACH = 3  # standard deviations to either side
_SHADES = {"black": 0.0, "grey": 0.5}


def baseline(model: LoadedModel, tensor: Tensor, kind: str) -> Tensor:
    """Return an input (1, C, H, W): "black", "grey", the "mean colour", or a "blur" of the tensor.

    Black and grey are those of the picture; the mean colour, which the network's scaling makes 0,
    is that of its training pictures.
    """
    if kind == "blur":
        return blurred(tensor).contiguous(memory_format=model.layout)
    if kind == "mean colour":
        return torch.zeros_like(tensor)
    mean = tensor.new_tensor(model.preprocessing.mean).view(1, -1, 1, 1)
    std = tensor.new_tensor(model.preprocessing.std).view(1, -1, 1, 1)
    return ((_SHADES[kind] - mean) / std).expand_as(tensor).contiguous(memory_format=model.layout)


def blurred(tensor: Tensor) -> Tensor:
    """Return an input (1, C, H, W) blurred by a Gaussian, its border's pixels repeated outside."""
    height, width = tensor.shape[2:]
    deviation = min(height, width) * _BLUR
    reach = max(1, round(_REACH * deviation))
    places = torch.arange(-reach, reach + 1, dtype=tensor.dtype, device=tensor.device)
    weights = torch.exp(-((places / deviation) ** 2) / 2)
    weights = weights / weights.sum()
    planes = tensor.flatten(0, 1).unsqueeze(1)
    padded = functional.pad(planes, (reach, reach, reach, reach), mode="replicate")
    rows = functional.conv2d(padded, weights.view(1, 1, -1, 1))
    return functional.conv2d(rows, weights.view(1, 1, 1, -1)).view_as(tensor)
