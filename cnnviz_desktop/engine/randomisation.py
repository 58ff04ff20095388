"""Sanity check: draw a network's weights anew, layer by layer from the top, and look again.

Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, arXiv:1810.03292. A map that stays
as it was does not show what the network has learned.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from cnnviz_desktop.data import Floats
from cnnviz_desktop.engine.loaded_model import LoadedModel

STEPS = 6  # at most: looks at a network that is ever more random

_WINDOW, _SIGMA = 11, 1.5  # pixels of the Gaussian window of SSIM, as its authors have it
_STABLE = (0.01**2, 0.03**2)
_COMPARED = 64  # pixels along a map's shorter side, at least, at which structure is compared


def cascade(
    model: LoadedModel, *, steps: int = STEPS, seed: int = 0
) -> Iterator[tuple[str, LoadedModel]]:
    """Yield copies of a model with ever more of its layers random, from the last to the first.

    With each comes the name of the lowest random layer; the last is random throughout. Kernels are
    drawn from a normal distribution about 0 as large as they are, biases and scales from one of
    their own mean and spread, so that activations keep their range; a batch norm's running
    statistics stay. The model itself is not touched. It is one copy that changes: use each before
    asking for the next.
    """
    with torch.inference_mode(False):  # what is copied in that mode knows no gradients
        module = copy.deepcopy(model.module)
    changed = replace(model, module=module)
    layers = _layers(model, module)
    generator = torch.Generator().manual_seed(seed)
    stops = {round(place) for place in np.linspace(0, len(layers), min(steps, len(layers)) + 1)[1:]}
    for number, (name, layer) in enumerate(layers, start=1):
        _draw_anew(layer, generator)
        if number in stops:
            yield name, changed


def _layers(model: LoadedModel, module: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the layers with weights of their own, the last to run first."""
    runs = [node.name for node in model.layers.walk() if node.calls]
    found = {name: item for name, item in module.named_modules() if _own(item)}
    order = {name: place for place, name in enumerate(runs)}
    # One that no pass is seen to run, such as a bare parameter's, counts as the last.
    return sorted(found.items(), key=lambda item: -order.get(item[0], len(order)))


def _own(module: nn.Module) -> list[nn.Parameter]:
    return list(module.parameters(recurse=False))


def _draw_anew(layer: nn.Module, generator: torch.Generator) -> None:
    with torch.inference_mode(False), torch.no_grad():
        for parameter in _own(layer):
            if not parameter.is_floating_point() or not parameter.numel():
                continue
            drawn = torch.randn(parameter.shape, generator=generator).to(parameter)
            # About their own mean, which training often leaves below 0, hardly a ReLU would fire.
            centre = parameter.mean() if parameter.ndim < 2 else torch.zeros_like(parameter.mean())
            spread = (parameter - centre).square().mean().sqrt()
            parameter.copy_(drawn * spread + centre)


# ---------------------------------------------------------------------------------------- likeness


@dataclass(frozen=True, eq=False)
class Sanity:
    """How like the original map those of ever more random networks (P) are.

    `layers` (P) are the lowest random ones, the last of the network first; `ranks` (P) Spearman's
    correlations and `structure` (P) the structural similarities, 1 for an unchanged map, NaN where
    a random network gave a map of one value: that is like nothing.
    """

    layers: tuple[str, ...]
    ranks: Floats
    structure: Floats


def check(
    model: LoadedModel,
    explain: Callable[[LoadedModel], Floats],
    original: Floats,
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> Sanity:
    """Explain the same class by ever more random copies and compare with the original (h, w)."""
    names, ranks, structure = [], [], []
    for name, changed in cascade(model, steps=steps, seed=seed):
        values = explain(changed)
        names.append(name)
        alive = bool(np.isfinite(values).all()) and values.min() < values.max()
        ranks.append(spearman(original, values) if alive else np.nan)
        structure.append(ssim(original, values) if alive else np.nan)
    return Sanity(tuple(names), np.array(ranks, np.float32), np.array(structure, np.float32))


def spearman(one: Floats, other: Floats) -> float:
    """Return the correlation of two maps' ranks, -1 to 1; 0 where one is the same everywhere."""
    first, second = (_ranked(np.nan_to_num(item).ravel()) for item in (one, other))
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / size if size > 0 else 0.0


def _ranked(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the rank of each value; equal ones share the mean of theirs."""
    _values, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: np.ndarray[tuple[int], np.dtype[np.float64]] = (ends - (counts - 1) / 2)[places]
    return ranks


def ssim(one: Floats, other: Floats) -> float:
    """Return the mean structural similarity of two maps, each scaled from its least to its most.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004:
    a Gaussian window of 11 pixels. Maps of a few cells are enlarged first, as they are when seen.
    """
    pair = torch.stack([_unit(torch.from_numpy(np.nan_to_num(item))) for item in (one, other)])
    rows, columns = pair.shape[1:]
    pair = pair.double()[:, None]
    if min(rows, columns) < _COMPARED:
        zoom = _COMPARED / min(rows, columns)
        size = (round(rows * zoom), round(columns * zoom))
        pair = functional.interpolate(pair, size=size, mode="bilinear", align_corners=False)
    first, second = pair[:1], pair[1:]
    products = torch.cat([first, second, first * first, second * second, first * second])
    mean_1, mean_2, square_1, square_2, both = _blurred(products).unbind()
    variance_1, variance_2 = square_1 - mean_1**2, square_2 - mean_2**2
    covariance = both - mean_1 * mean_2
    one_, two = _STABLE
    likeness = ((2 * mean_1 * mean_2 + one_) * (2 * covariance + two)) / (
        (mean_1**2 + mean_2**2 + one_) * (variance_1 + variance_2 + two)
    )
    return float(likeness.mean())


def _unit(values: torch.Tensor) -> torch.Tensor:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else torch.zeros_like(values)


def _blurred(planes: torch.Tensor) -> torch.Tensor:
    places = torch.arange(_WINDOW, dtype=planes.dtype) - _WINDOW // 2
    weights = torch.exp(-(places**2) / (2 * _SIGMA**2))
    weights = weights / weights.sum()
    rows = functional.conv2d(planes, weights.view(1, 1, -1, 1))
    return functional.conv2d(rows, weights.view(1, 1, 1, -1))
