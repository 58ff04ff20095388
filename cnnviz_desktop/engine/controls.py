"""Maps that know nothing of the network: whatever explains it has to do better.

Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, arXiv:1810.03292, found methods
that are hardly more than edge detectors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cnnviz_desktop.data import Floats
from cnnviz_desktop.engine.loaded_model import LoadedModel

_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R 601
_SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))


def random_map(_picture: Tensor, size: tuple[int, int], seed: int) -> Floats:
    """Return a map (h, w) of random numbers from 0 to 1, the seed's own."""
    return np.random.default_rng(seed).random(size, np.float32)


def sobel_map(picture: Tensor, size: tuple[int, int], _seed: int) -> Floats:
    """Return how strong the edges of a grey picture (1, 1, H, W) are, averaged to a size (h, w).

    The size of Sobel's gradient, the border's pixels repeated outside.
    """
    kernel = picture.new_tensor(_SOBEL)
    both = torch.stack((kernel, kernel.T))[:, None]
    slopes = functional.conv2d(functional.pad(picture, (1, 1, 1, 1), mode="replicate"), both)
    strength = slopes.square().sum(dim=1, keepdim=True).sqrt()
    found: Floats = functional.adaptive_avg_pool2d(strength, size)[0, 0].float().cpu().numpy()
    return found


Control = Callable[[Tensor, tuple[int, int], int], Floats]
MAPS: Mapping[str, Control] = MappingProxyType({"random": random_map, "sobel": sobel_map})


def grey_picture(model: LoadedModel, tensor: Tensor) -> Tensor:
    """Return the network's input (1, C, H, W) as a grey picture (1, 1, H, W) from 0 to 1."""
    mean = tensor.new_tensor(model.preprocessing.mean).view(1, -1, 1, 1)
    std = tensor.new_tensor(model.preprocessing.std).view(1, -1, 1, 1)
    colours = tensor * std + mean
    if colours.shape[1] != len(_LUMINANCE):
        return colours.mean(dim=1, keepdim=True)
    return (colours * tensor.new_tensor(_LUMINANCE).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
