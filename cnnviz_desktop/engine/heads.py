"""Find the layer that gives a network's class scores, and put another in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cnnviz_desktop.engine.recording import (
    TAKES_ONE,
    PassEnded,
    first_tensor,
    hooked,
    interruptible,
    mixes_pictures,
)
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.errors import ModelError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

Layer = nn.Linear | nn.Conv2d

# What may follow the last layer with weights on the way to the scores.
_TAILS: dict[str, Callable[[Tensor], Tensor]] = {
    "": lambda given: given.flatten(1) if given.ndim != 2 else given,
    "mean": lambda given: given.mean((2, 3)),
    "relu mean": lambda given: given.relu().mean((2, 3)),  # SqueezeNet
}
_SAME = 1e-4  # of the largest score


@dataclass(frozen=True)
class Head:
    """The layer `name` that makes `classes` scores of `features` channels; `tail` follows it."""

    name: str
    features: int
    classes: int
    tail: str

    def scores(self, given: Tensor) -> Tensor:
        """Return the scores (N, K) from what the layer gives."""
        return _TAILS[self.tail](given)


def find_head(model: LoadedModel) -> Head:
    """Return the linear layer or convolution of 1x1 that gives the network's class scores.

    Raises `ModelError` where it is none.
    """
    preprocessing = model.preprocessing
    example = torch.rand(
        2,
        preprocessing.channels,
        *preprocessing.size,
        generator=torch.Generator().manual_seed(0),
    )
    example = example.to(model.device).contiguous(memory_format=model.layout)
    names = {layer: name for name, layer in model.module.named_modules() if _may_be(layer)}
    given: dict[str, list[Tensor]] = {}

    def keep(layer: nn.Module, _inputs: object, output: object) -> None:
        found = first_tensor(output)
        if found is not None:
            given.setdefault(names[layer], []).append(found.clone())

    try:
        with torch.inference_mode(), hooked(names, after=keep):
            scores = model.logits(model.module(example))
    except TAKES_ONE as error:
        raise ModelError(
            f"{model.title} takes one picture at a time, so that it cannot learn from several. "
            "Open the network it was exported from, or export it for a batch of any size."
        ) from error
    layers = {name: layer for layer, name in names.items()}
    for name in reversed(given):
        layer = layers[name]
        if len(given[name]) == 1 and _outputs(layer) == scores.shape[1]:
            for tail, follow in _TAILS.items():
                with suppress(IndexError, RuntimeError):
                    if _agree(follow(given[name][0]), scores):
                        return Head(name, _inputs(layer), scores.shape[1], tail)
    raise ModelError(
        f"No head was found in {model.title}: its class scores are given by no linear layer and no "
        "convolution of 1×1 that could be replaced. Choose a network of “cnnviz models”."
    )


def _may_be(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Conv2d):
        return layer.kernel_size == (1, 1) and layer.groups == 1 and layer.padding in (0, (0, 0))
    return isinstance(layer, nn.Linear)


def _outputs(layer: nn.Module) -> int:
    return layer.out_channels if isinstance(layer, nn.Conv2d) else int(layer.out_features)  # type: ignore[arg-type]


def _inputs(layer: nn.Module) -> int:
    return layer.in_channels if isinstance(layer, nn.Conv2d) else int(layer.in_features)  # type: ignore[arg-type]


def _agree(found: Tensor, scores: Tensor) -> bool:
    if found.shape != scores.shape:
        return False
    return bool((found - scores).abs().max() <= _SAME * scores.abs().max().clamp_min(1e-6))


def features_of(model: LoadedModel, head: Head, inputs: Tensor, run: Run = SILENT) -> Tensor:
    """Return what the head is given for inputs (B, C, H, W): the pass ends there."""
    if len(inputs) > 1 and mixes_pictures(model.module):
        return torch.cat([features_of(model, head, one, run) for one in torch.split(inputs, 1)])
    found: Tensor | None = None

    def take(_layer: nn.Module, given: object) -> None:
        nonlocal found
        found = first_tensor(given)
        raise PassEnded

    placed = inputs.to(model.device).contiguous(memory_format=model.layout)
    layer = model.module.get_submodule(head.name)
    with (
        torch.inference_mode(),
        interruptible(model.module, run),
        hooked([layer], before=take),
        suppress(PassEnded),
    ):
        model.module(placed)
    if found is None:
        raise RuntimeError(f"{head.name} was given nothing")
    return found.clone()


def new_layer(old: nn.Module, classes: int, seed: int) -> Layer:
    """Return a layer as the old one for other classes, its weights drawn from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        if isinstance(old, nn.Conv2d):
            made: Layer = nn.Conv2d(old.in_channels, classes, 1, bias=old.bias is not None)
        elif isinstance(old, nn.Linear):
            made = nn.Linear(old.in_features, classes, bias=old.bias is not None)
        else:
            raise ModelError(f"A {type(old).__name__} is no head that can be replaced.")
    return made


def put_layer(module: nn.Module, name: str, layer: nn.Module) -> None:
    """Put a layer in the place of the one of that dotted name."""
    parent, _, key = name.rpartition(".")
    setattr(module.get_submodule(parent), key, layer)


class Standardised(nn.Module):
    """A head over features brought to mean 0 and spread 1, in which it is learned much quicker.

    `plain()` is the same layer over the features as they are.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, layer: Layer, mean: Tensor, spread: Tensor) -> None:
        super().__init__()
        self.layer = layer
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)

    def forward(self, given: Tensor) -> Tensor:
        """Return what the layer says of the features (B, F), (B, …, F) or (B, F, h, w)."""
        is_maps = isinstance(self.layer, nn.Conv2d)
        shape = (-1, 1, 1) if is_maps else (-1,)
        scaled = (given - self.mean.view(shape)) / self.spread.view(shape)
        made: Tensor = self.layer(scaled)
        return made

    @torch.no_grad()
    def plain(self) -> dict[str, Tensor]:
        """Return the weights of the same layer over plain features."""
        weight = self.layer.weight.detach()
        spread = self.spread.view(1, -1, *[1] * (weight.ndim - 2))
        plain = {"weight": (weight / spread).clone()}
        if self.layer.bias is not None:
            moved = (plain["weight"].flatten(1) @ self.mean).to(weight.dtype)
            plain["bias"] = (self.layer.bias.detach() - moved).clone()
        return plain

    @torch.no_grad()
    def take(self, weight: Tensor, bias: Tensor | None) -> None:
        """Say what a layer with these weights over plain features says."""
        spread = self.spread.view(1, -1, *[1] * (weight.ndim - 2))
        self.layer.weight.copy_(weight * spread)
        if self.layer.bias is not None and bias is not None:
            self.layer.bias.copy_(bias + weight.flatten(1) @ self.mean)


def spread_of(parts: Iterator[Tensor], is_maps: bool) -> tuple[Tensor, Tensor]:
    """Return mean and spread (F) of the features of many batches; 1 for what never changes."""
    count, total, squares = 0, torch.zeros(()), torch.zeros(())
    for part in parts:
        flat = part.movedim(1, -1) if is_maps and part.ndim == 4 else part
        flat = flat.reshape(-1, flat.shape[-1]).cpu().double()
        count += len(flat)
        total = total + flat.sum(0)
        squares = squares + flat.square().sum(0)
    mean = total / max(1, count)
    spread = (squares / max(1, count) - mean.square()).clamp_min(0).sqrt()
    usual = spread.mean().clamp_min(1e-12)
    still = spread < 1e-3 * usual
    return mean.float(), torch.where(still, usual, spread).float()
