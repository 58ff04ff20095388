"""Find out which pictures a network takes, by its first layer and by trying sizes."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from cnnviz_desktop.engine.outputs import scores_of
from cnnviz_desktop.engine.recording import first_tensor, hooked
from cnnviz_desktop.errors import ModelError

USUAL = 224  # ImageNet's, tried first
# fmt: off
USUAL_SIDES = (
    28, 32, 48, 50, 56, 64, 96, 100, 112, 120, 128, 150, 160, 180, 192, 200, 224, 227, 240, 250,
    256, 299, 300, 320, 384, 448, 512, 640,
)
# fmt: on
_LARGEST = 1024
# A network that makes its maps at most this many times smaller than the picture, and takes pictures
# of any size, is taken for one of MNIST or CIFAR: those of ImageNet end 16 or 32 times smaller.
_SMALL_STRIDE = 8

_INVALID_VIEW = re.compile(r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)")
_CHANNELS = re.compile(r"to have (\d+) channels, but got")
_TOO_SMALL = ("too small", "greater than actual input")


@dataclass(frozen=True)
class Probe:
    """What came of a pass over an empty picture: `change` is 1 where a larger one is wanted.

    -1 is a smaller one, 0 not known. `stride` is how many times smaller the last maps are,
    `classes` counts the scores, `reason` is why the pass failed or "".
    """

    fits: bool
    classes: int = 0
    stride: float = 0.0
    change: int = 0
    reason: str = ""


class _Mismatch(Exception):
    """End a pass at a linear layer that was given another count of numbers than it takes."""

    def __init__(self, given: int, wanted: int) -> None:
        super().__init__(f"a linear layer takes {wanted} numbers and was given {given}")
        self.change = (wanted > given) - (wanted < given)


def probe(module: nn.Module, channels: int, size: tuple[int, int]) -> Probe:
    """Try a pass over an empty picture of that size; the network has to be in eval mode."""
    stride = 0.0

    def check(layer: nn.Module, inputs: tuple[object, ...]) -> None:
        given = inputs[0] if inputs else None
        if not isinstance(layer, nn.Linear) or not isinstance(given, Tensor) or given.ndim != 2:
            return
        if given.numel() != layer.in_features:  # a view(-1, n) makes several rows of one
            raise _Mismatch(given.numel(), layer.in_features)

    def note(_layer: nn.Module, _inputs: object, output: object) -> None:
        nonlocal stride
        maps = first_tensor(output)
        if maps is not None and maps.ndim == 4 and maps.shape[2] > 1:
            stride = size[0] / maps.shape[2]

    leaves = [child for child in module.modules() if next(child.children(), None) is None]
    held = next(module.parameters(), torch.empty(0))
    kind = held.dtype if held.is_floating_point() else torch.float32
    picture = torch.zeros(1, channels, *size, device=held.device, dtype=kind)
    try:
        with torch.inference_mode(), hooked(leaves, before=check, after=note):
            output = module(picture)
    except Exception as error:  # people's networks refuse what does not fit in every way there is
        change = error.change if isinstance(error, _Mismatch) else _change(str(error))
        return Probe(False, change=change, reason=first_line(error))
    scores, tensor = scores_of(output), first_tensor(output)
    if tensor is not None and tensor.ndim > 1 and tensor.shape[0] != 1:
        return Probe(False, change=-1, reason="it takes one picture for several")
    return Probe(True, 0 if scores is None else scores.shape[1], stride)


def _change(message: str) -> int:
    """Read from an error whether a larger (1) or smaller (-1) picture would fit."""
    found = _INVALID_VIEW.search(message)
    if found:
        wanted = math.prod(abs(int(word)) for word in found[1].split(","))
        return (wanted > int(found[2])) - (wanted < int(found[2]))
    return 1 if any(words in message for words in _TOO_SMALL) else 0


def first_line(error: BaseException) -> str:
    """Return what an error says first, short enough for a sentence."""
    line = str(error).strip().partition("\n")[0] or type(error).__name__
    line = line if len(line) <= 160 else line[:159] + "…"
    return line.rstrip(".")


# ----------------------------------------------------------------------------------- channels


def find_channels(module: nn.Module, size: tuple[int, int] | None = None) -> int:
    """Return 1 for a network of grey pictures, 3 for RGB, as its first layer says.

    Raises `ModelError` where it takes no pictures.
    """
    if any(is_lazy(item) for item in module.parameters()):
        raise ModelError(
            "The network has lazy layers, whose weights are made when it first runs. Let the "
            "function that makes it run it once on a picture: model(torch.zeros(1, 3, 224, 224))."
        )
    convolution = next((item for item in module.modules() if isinstance(item, _CONVOLUTIONS)), None)
    if convolution is not None and not isinstance(convolution, (nn.Conv2d, nn.ConvTranspose2d)):
        raise ModelError(
            f"This network begins with {type(convolution).__name__}: it does not take pictures, "
            "which are what CNNviz shows."
        )
    if convolution is not None:
        channels = convolution.in_channels
    else:
        features = _first_features(module)
        if features is None:
            channels = _first_kernels(module)
        else:
            return flat_picture(features, size)[0]
    if channels in (1, 3):
        return channels
    # The first layer as written need not be the first that runs, nor get the picture as it is.
    for count in (3, 1):
        found = probe(module, count, size or (USUAL, USUAL))
        wanted = _CHANNELS.search(found.reason)
        if wanted is None:
            return count
        channels = int(wanted[1])
    raise ModelError(
        f"The network's first layer takes {channels} channels: a picture has 1 (grey) or 3 (RGB), "
        "so CNNviz cannot show it one."
    )


_CONVOLUTIONS = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)


def _first_features(module: nn.Module) -> int | None:
    linear = next((item for item in module.modules() if isinstance(item, nn.Linear)), None)
    return None if linear is None else linear.in_features


def _first_kernels(module: nn.Module) -> int:
    """Return the input channels of the first kernels of a network without usual layers."""
    kernels = next((item for item in module.parameters() if item.ndim == 4), None)
    return 0 if kernels is None else int(kernels.shape[1])


def flat_picture(features: int, size: tuple[int, int] | None = None) -> tuple[int, int]:
    """Return (channels, side) of the picture whose numbers a linear layer takes in a row."""
    for channels in (1, 3):
        side = math.isqrt(features // channels)
        cells = side * side if size is None else size[0] * size[1]
        if cells * channels == features:
            return channels, side
    raise ModelError(
        f"The network's first layer takes {features} numbers, which are no square picture, grey or "
        "RGB. Say its size: --size HEIGHTxWIDTH."
    )


# --------------------------------------------------------------------------------------- size


def find_side(module: nn.Module, channels: int) -> tuple[int, Probe]:
    """Return the side of the square pictures a network takes, and what a pass of one showed.

    One that takes any size gets 224, or 28 (grey) or 32 (RGB) where its maps stay within an eighth
    of the picture's size. Of several that fit the smallest usual one is chosen. Raises `ModelError`
    where none fits.
    """
    if not any(isinstance(item, _CONVOLUTIONS) for item in module.modules()):
        features = _first_features(module)
        if features is not None:
            return _flat_side(module, channels, features)
    found = probe(module, channels, (USUAL, USUAL))
    if found.fits:
        small = 28 if channels == 1 else 32
        if 0 < found.stride <= _SMALL_STRIDE:
            other = probe(module, channels, (small, small))
            if other.fits:
                return small, other
        return USUAL, found
    search = _directed if found.change else _undirected
    side = search(module, channels, found)
    if side is None:
        raise ModelError(
            "The network takes pictures of no usual size: for 224×224 it says "
            f"“{found.reason}”. Say its size: --size HEIGHTxWIDTH."
        )
    return side, probe(module, channels, (side, side))


def _flat_side(module: nn.Module, channels: int, features: int) -> tuple[int, Probe]:
    _, side = flat_picture(features)
    found = probe(module, channels, (side, side))
    if not found.fits:
        raise ModelError(
            f"The network's first layer takes {features} numbers in a row, and the network does "
            "not lay the picture out so: let its forward begin with x.flatten(1)."
        )
    return side, found


def _undirected(module: nn.Module, channels: int, _found: Probe) -> int | None:
    return next((s for s in USUAL_SIDES if probe(module, channels, (s, s)).fits), None)


def _directed(module: nn.Module, channels: int, found: Probe) -> int | None:
    """Halve the range of sides until one fits; a usual one if there is one."""
    seen = {USUAL: found}

    def wants_more(side: int) -> int:
        if side not in seen:
            seen[side] = probe(module, channels, (side, side))
        # Below 224 what fails for reasons of its own is taken to be too small.
        now = seen[side]
        return now.change or (0 if now.fits else (1 if side < USUAL else -1))

    sides = [*USUAL_SIDES, _LARGEST]
    place = bisect_left(sides, 0, key=lambda side: -wants_more(side))
    if place < len(sides) and wants_more(sides[place]) == 0:
        return sides[place]
    low = sides[place - 1] if place else 0
    high = sides[place] if place < len(sides) else _LARGEST
    between = range(low + 1, high)
    place = bisect_left(between, 0, key=lambda side: -wants_more(side))
    if place == len(between) or wants_more(between[place]) != 0:
        return None
    least = between[place]
    rounder = (-(-least // step) * step for step in (16, 8, 4, 2))  # 440 rather than 439
    return next((side for side in rounder if side < high and wants_more(side) == 0), least)
