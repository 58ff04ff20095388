"""Let a gradient through ReLUs that block all of it, so that a dead start comes to life.

As Lucid's redirected ReLU: where nothing at all gets back through a ReLU, what would push values
below zero up is let through instead. ReLUs that a network calls as functions count as well as
layers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_IN_PLACE = {functional.relu_, torch.relu_, Tensor.relu_}
_RELUS = {functional.relu, torch.relu, Tensor.relu, *_IN_PLACE}
_CLIPPED = {functional.relu6, functional.hardtanh}


class _Redirected(torch.autograd.Function):
    """A ReLU, clipped at `high`, that lets gradients through a picture it blocks entirely."""

    @staticmethod
    def forward(context: Any, values: Tensor, high: float | None) -> Tensor:
        """Return the values, rectified."""
        context.save_for_backward(values)
        context.high = high
        return values.clamp(min=0, max=high)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Return the ReLU's own gradient, of blocked pictures the redirected one."""
        (values,), (gradient,) = context.saved_tensors, gradients
        passed = values > 0
        if context.high is not None:
            passed = passed & (values < context.high)
        own = gradient * passed
        # The gradient is that of what is maximised: above zero it pushes a value up.
        upward = gradient * ((values <= 0) & (gradient > 0))
        blocked = own.flatten(1).abs().amax(1) == 0
        shape = (-1, *[1] * (values.ndim - 1))
        return torch.where(blocked.view(shape), upward, own), None


class redirected(TorchFunctionMode):  # noqa: N801 - a context, as torch.no_grad is
    """Have every ReLU that runs in this block redirect blocked gradients."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func not in _RELUS and func not in _CLIPPED:
            return func(*args, **kwargs)
        values = args[0] if args else kwargs["input"]
        high = None
        if func in _CLIPPED:
            low, high = _bounds(func, args[1:], kwargs)
            if low != 0:
                return func(*args, **kwargs)
        in_place = func in _IN_PLACE or kwargs.get("inplace", False)
        given = values.clone() if in_place else values
        made = _Redirected.apply(given, high)
        return values.copy_(made) if in_place else made  # who holds the input sees it rectified


def _bounds(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[float, float]:
    """Return the bounds of a clipped ReLU."""
    if func is functional.relu6:
        return 0.0, 6.0
    given = dict(zip(("min_val", "max_val"), args, strict=False)) | kwargs
    return float(given.get("min_val", -1.0)), float(given.get("max_val", 1.0))
