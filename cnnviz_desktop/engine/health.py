"""Find channels that never fire, stay at a bound or cannot learn, over any number of pictures.

Each layer's output is reduced as soon as it is there: nothing of a pass is kept.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from cnnviz_desktop.data import ImageInput, LayerHealth
from cnnviz_desktop.engine.kernels import by_filter
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.recording import (
    TAKES_ONE,
    first_tensor,
    hooked,
    interruptible,
    mixes_pictures,
)
from cnnviz_desktop.engine.run import SILENT, Run

BATCH = 4  # pictures at once; larger batches are no faster on a processor
UNLEARNED = 1e-6  # of a layer's largest weight: a kernel of no larger ones is zero
NEAR_BOUND = 0.01  # of the way between two bounds that are only approached

Visit = Callable[[str, int, nn.Module, Tensor], None]
Also = Callable[[str, int, Tensor, int], None]

_RECTIFIERS = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.RReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Hardswish,
)
_NAMES = ("relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "celu", "selu", "gelu")
_CHANNELS_FIRST = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.BatchNorm1d, nn.BatchNorm2d)
_RECTIFYING = {
    getattr(home, name)
    for home in (functional, torch, Tensor)
    for word in (*_NAMES, "silu", "mish", "hardswish")
    for name in (word, f"{word}_")
    if hasattr(home, name)
}


def is_rectifier(module: nn.Module) -> bool:
    """Tell whether a layer lets what is above zero through and holds back what is below."""
    return isinstance(module, _RECTIFIERS)


def observe(
    model: LoadedModel, tensor: Tensor, visit: Visit, run: Run = SILENT, label: str = ""
) -> None:
    """Run the network and show every innermost layer's output to `visit` as soon as it is there.

    `visit` gets name, call from 0, module and output, which later layers may write into: it must
    keep no reference. With a `label`, progress is reported by layers.
    """
    leaves = {
        child: name
        for name, child in model.module.named_modules()
        if next(child.children(), None) is None
    }
    nodes = {node.name: node.calls for node in model.layers.walk()}
    total = sum(nodes.get(name, 0) for name in leaves.values())
    calls: dict[str, int] = {}
    start = time.perf_counter()

    def see(module: nn.Module, _inputs: object, output: object) -> None:
        name = leaves[module]
        call = calls[name] = calls.get(name, -1) + 1
        found = first_tensor(output)
        if found is not None and found.numel() and not found.is_complex():
            visit(name, call, module, found)
        if label:
            done = sum(calls.values()) + len(calls)
            run.report(label, min(done, total), total, time.perf_counter() - start)

    run.check()
    with torch.inference_mode(), interruptible(model.module, run), hooked(leaves, after=see):
        model.module(tensor)


class Tally:
    """What is counted of one layer's channels, over its calls and over pictures."""

    def __init__(self, module: nn.Module, axis: int) -> None:
        self.axis = axis  # of an output (N, ...), along which the channels lie
        self.cells = 0
        self.broken = 0
        self.rectified = is_rectifier(module)
        self._bound = _bound(module)
        self.positive = self.at_bound = torch.zeros(())
        self.maximum, self.minimum = torch.tensor(-torch.inf), torch.tensor(torch.inf)

    def add(self, output: Tensor) -> None:
        """Count an output (N, ...)."""
        others = [place for place in range(output.ndim) if place != self.axis]
        sound = output.isfinite()
        high = low = output
        if not bool(sound.all()):
            self.broken += output.numel() - int(sound.sum())
            high, low = output.nan_to_num(-torch.inf), output.nan_to_num(torch.inf)
        self.cells += output.numel() // output.shape[self.axis]
        self.positive = self.positive + (output > 0).sum(others, dtype=torch.int64).cpu()
        self.maximum = torch.maximum(self.maximum, high.amax(others).float().cpu())
        self.minimum = torch.minimum(self.minimum, low.amin(others).float().cpu())
        if self._bound is not None:
            stays = self._bound(output).sum(others, dtype=torch.int64).cpu()
            self.at_bound = self.at_bound + stays

    def merge(self, other: Tally) -> None:
        """Take in what was counted of other pictures."""
        self.cells += other.cells
        self.broken += other.broken
        self.rectified |= other.rectified
        self.positive = self.positive + other.positive
        self.at_bound = self.at_bound + other.at_bound
        self.maximum = torch.maximum(self.maximum, other.maximum)
        self.minimum = torch.minimum(self.minimum, other.minimum)

    @property
    def bounded(self) -> bool:
        """Tell whether the layer's function has a bound at which it stays."""
        return self._bound is not None

    @property
    def dead(self) -> Tensor:
        """Tell for each channel whether it said nothing.

        Where zero divides firing from silence, at a rectifier and right before one: never above
        zero. Elsewhere: always one and the same value; a single value counts only when it is zero.
        """
        same = (self.maximum == self.minimum) & ((self.maximum == 0) | (self.cells > 1))
        silent = (self.maximum <= 0) & (self.maximum > -torch.inf)
        return silent if self.rectified else same

    @property
    def saturation(self) -> Tensor:
        """Return for each channel the share of values at a bound."""
        return (self.at_bound / max(1, self.cells)).expand(self.positive.shape)


class Census:
    """The tallies of all layers of one pass; a `visit` for `observe`."""

    def __init__(self) -> None:
        self.tallies: dict[tuple[str, int], Tally] = {}  # by layer and call
        self._before: tuple[tuple[int, ...], int] = ((), 1)  # shape and axis
        self._given: dict[int, tuple[weakref.ref[Tensor], Tally]] = {}

    def see(self, name: str, call: int, module: nn.Module, output: Tensor) -> None:
        """Count a layer's output."""
        tally = self.tallies[name, call] = Tally(module, self._axis(module, output))
        tally.add(output)
        self._given[id(output)] = weakref.ref(output), tally

    def _axis(self, module: nn.Module, output: Tensor) -> int:
        """Return the axis of an output that counts channels.

        A function of single values leaves it where the layer before had it; (N, T, C) are tokens.
        """
        shape, (before, axis) = tuple(output.shape), self._before
        turned = (*before[:1], *before[2:], *before[1:2])
        if type(module) in (nn.Linear, nn.LayerNorm):  # what is derived may turn its input
            axis = output.ndim - 1
        elif isinstance(module, _CHANNELS_FIRST):
            axis = 1
        elif len(shape) == 4 and shape == turned and axis == 1:  # channels were moved to the end
            axis = 3
        elif shape != before or next(module.parameters(), None) is not None:
            axis = 2 if len(shape) == 3 else min(1, len(shape) - 1)
        self._before = shape, axis
        return axis

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Notice which layers' outputs go right into a rectifier, be it a layer or a function."""
        with _Watch(self._rectify, self._forget):
            yield

    def _rectify(self, tensor: object) -> None:
        known = self._given.get(id(tensor))
        if known is not None and known[0]() is tensor:  # ids of what is gone are used again
            known[1].rectified = True

    def _forget(self, tensor: object) -> None:
        self._given.pop(id(tensor), None)


class _Watch(TorchFunctionMode):
    """Tell of every tensor that goes into a rectifying function, and that any other writes into."""

    def __init__(
        self, rectified: Callable[[object], None], written: Callable[[object], None]
    ) -> None:
        super().__init__()
        self._rectified = rectified
        self._written = written

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        first = args[0] if args else kwargs.get("input")
        name = getattr(func, "__name__", "")
        if func in _RECTIFYING:
            self._rectified(first)
        elif kwargs.get("inplace") or _writes(name):
            self._written(first)
        return func(*args, **kwargs)


def _writes(name: str) -> bool:
    """Tell whether a function writes into its first argument: add_, __iadd__, __setitem__."""
    if name.startswith("__"):
        return name.startswith("__i") or name == "__setitem__"
    return name.endswith("_")


def health(
    model: LoadedModel,
    images: Iterable[ImageInput],
    run: Run = SILENT,
    *,
    total: int | None = None,
    batch: int = BATCH,
    also: Also | None = None,
) -> tuple[LayerHealth, ...]:
    """Return how the channels of every innermost layer fare over the pictures, in their order.

    `total` counts the pictures where `images` has no length; they are taken `batch` (1 to 8) at a
    time, or one by one by a network that takes no more. None of the pictures are kept. `also` is
    shown every output too, as (name, call, output (N, ...), the axis of its channels).
    """
    found: dict[str, Tally] = {}
    pictures = 0
    batch = 1 if mixes_pictures(model.module) else batch
    for image_batch in _batches(run.track(images, "Looking for dead channels", total), batch):
        for part, tallies in _counted(model, image_batch, run, also):
            pictures += part
            # A layer that runs several times is dead where it is so in every call.
            for (name, _call), tally in tallies.items():
                if name in found:
                    found[name].merge(tally)
                else:
                    found[name] = tally
    return tuple(
        _layer_health(name, model.module.get_submodule(name), tally, pictures)
        for name, tally in found.items()
    )


def unlearned(module: nn.Module) -> Tensor | None:
    """Tell for each output channel whether its weights are zero; None for a layer without any.

    A batch norm's scale of zero counts. Zero is what is at most a millionth of the layer's largest
    weight, which is lost in rounding beside it.
    """
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or not weight.numel() or weight.ndim == 0:
        return None
    return unlearned_rows(rows_of(module, weight))


def unlearned_rows(rows: Tensor) -> Tensor:
    """Tell for each row of weights (N, K) whether all of it is zero."""
    sizes = rows.abs().amax(dim=1)
    return sizes <= UNLEARNED * sizes.nan_to_num(0.0, 0.0).amax()


def rows_of(module: nn.Module, weight: Tensor) -> Tensor:
    """Return a layer's weights as rows (N, K), one for each output channel."""
    filters = by_filter(module, weight)
    return filters.reshape(len(filters), -1)


def _layer_health(name: str, module: nn.Module, tally: Tally, pictures: int) -> LayerHealth:
    channels = tally.positive.shape
    zero = unlearned(module)
    if zero is None or zero.shape != channels:
        zero = torch.zeros(channels, dtype=torch.bool)
    return LayerHealth(
        layer=name,
        pictures=pictures,
        positive=(tally.positive / tally.cells).float().numpy(),
        maximum=tally.maximum.numpy(),
        saturated=tally.saturation.float().contiguous().numpy(),
        dead=tally.dead.numpy(),
        unlearned=zero.cpu().numpy(),
        broken=tally.broken,
    )


def _batches(images: Iterator[ImageInput], size: int) -> Iterator[list[ImageInput]]:
    while found := list(islice(images, max(1, min(size, 8)))):
        yield found


def _counted(
    model: LoadedModel, images: Sequence[ImageInput], run: Run, also: Also | None
) -> Iterator[tuple[int, dict[tuple[str, int], Tally]]]:
    """Yield how many pictures a pass looked at and what it counted."""
    inputs = [model.prepare(image)[0] for image in images]
    try:
        yield len(inputs), _passed(model, torch.cat(inputs), run, also)
    except TAKES_ONE:
        if len(inputs) == 1:
            raise
        for tensor in inputs:
            yield 1, _passed(model, tensor, run, also)


class _Awaited(BaseException):
    """End a pass that somebody waits for; no `except Exception` can swallow it."""


def _passed(
    model: LoadedModel, tensor: Tensor, run: Run, also: Also | None
) -> dict[tuple[str, int], Tally]:
    """Return what a pass counts; one that a click waits for is dropped, and made once more."""
    while True:
        census = Census()

        def see(
            name: str, call: int, module: nn.Module, output: Tensor, census: Census = census
        ) -> None:
            if run.awaited:
                raise _Awaited
            census.see(name, call, module, output)
            if also is not None:
                also(name, call, output, census.tallies[name, call].axis)

        try:
            with census.watching():
                observe(model, tensor, see, run)
        except _Awaited:
            run.pause()
        else:
            return census.tallies


def has_bound(module: nn.Module) -> bool:
    """Tell whether a layer's function has a bound at which its values can stay."""
    return _bound(module) is not None


def _bound(module: nn.Module) -> Callable[[Tensor], Tensor] | None:
    """Return what tells the values at which a layer's function hardly moves, or None.

    Zero at a ReLU is silence, not saturation.
    """
    match module:
        case nn.Sigmoid():
            low, high = NEAR_BOUND, 1 - NEAR_BOUND
        case nn.Tanh() | nn.Softsign():
            low, high = -1 + 2 * NEAR_BOUND, 1 - 2 * NEAR_BOUND
        case nn.ReLU6():
            low, high = -torch.inf, 6.0
        case nn.Hardsigmoid():
            low, high = 0.0, 1.0
        case nn.Hardtanh():
            low, high = float(module.min_val), float(module.max_val)
        case nn.Hardswish():
            return lambda output: output == 0
        case _:
            return None
    return lambda output: (output <= low) | (output >= high)
