"""Let a backward pass treat rectifiers by another rule than their derivative.

Rectifiers are found in the graph that a forward pass leaves, not among modules: whoever rectified
(nn.ReLU, F.relu, a method, in place or not, clamp(min=0), an exported network's operations) left
the same kind of node there. Hooks on nodes are gone with the graph, and nothing of the network is
touched. One written out, x * (x > 0), is a product like any other and is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.graph import Node
from torch.utils._python_dispatch import TorchDispatchMode

Rule = Literal["guided", "deconvnet", "redirected"]

_aten = torch.ops.aten

# What a rectifier's node keeps of its lower bound, by the node's name; None where there is none to
# look at. The smaller halves of torch.maximum are in either of its two.
_BOUNDS: dict[str, tuple[str, ...] | None] = {
    "ReluBackward": None,
    "ThresholdBackward": ("_saved_threshold",),
    "HardtanhBackward": ("_saved_min_val",),  # ReLU6 too
    "ClampBackward": ("_saved_min",),
    "ClampMinBackward": ("_saved_min",),
    "LeakyReluBackward": ("_saved_negative_slope",),
    "MaximumBackward": ("_saved_self", "_saved_other"),
}
_OTHERS = {
    "CeluBackward": "CELU",
    "EluBackward": "ELU",
    "GeluBackward": "GELU",
    "GluBackward": "GLU",
    "HardsigmoidBackward": "Hardsigmoid",
    "HardswishBackward": "Hardswish",
    "HardtanhBackward": "Hardtanh",
    "LeakyReluBackward": "leaky ReLU",
    "LogSigmoidBackward": "LogSigmoid",
    "MishBackward": "Mish",
    "PreluKernelBackward": "PReLU",
    "RreluWithNoiseBackward": "RReLU",
    "SigmoidBackward": "Sigmoid",
    "SiluBackward": "SiLU",
    "SoftplusBackward": "Softplus",
    "SwishBackward": "SiLU",  # written out as a function of their own by many
    "TanhBackward": "Tanh",
}
_GATES = ("Sigmoid", "Hardsigmoid")  # they weigh channels beside rectifiers: nothing to guide
# An in-place rectifier of a part of a tensor hides in a node of this kind, which shows nothing.
_HIDING = "CopySlices"


@dataclass
class Bends:
    """What bends the values of a pass: how many `rectifiers`, and the names of what else does."""

    rectifiers: int = 0
    others: tuple[str, ...] = ()

    @property
    def unguided(self) -> tuple[str, ...]:
        """Name the activations that no rule reaches; gates of channels are none."""
        return tuple(name for name in self.others if name not in _GATES)


def nodes_of(scores: Tensor) -> list[Node]:
    """List every step of the graph behind a tensor once."""
    waiting = [scores.grad_fn]
    seen: dict[Node, None] = {}
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen[node] = None
            waiting.extend(following for following, _ in node.next_functions)
    return list(seen)


@contextmanager
def ruled(scores: Tensor, rule: Rule | None) -> Iterator[Bends]:
    """Have backward passes from `scores` in this block go through rectifiers by a rule.

    "guided" lets pass what the derivative lets pass and is above zero, "deconvnet" all that is
    above zero, whatever the rectifier was given. "redirected", as in Lucid, is for pictures that
    nothing gets back to: where a rectifier blocks all of one, what would push values below zero up
    is let through instead. None is the derivative. Count what is found.
    """
    bends = Bends()
    if rule is None:
        yield bends
        return
    hook = _HOOKS[rule]
    names: dict[str, None] = {}
    hidden = False
    with ExitStack() as stack:
        for node in nodes_of(scores):
            name = node.name().rpartition("::")[2]
            kind = name.rstrip("0123456789")
            if _rectifies(node, kind):
                bends.rectifiers += 1
                stack.callback(node.register_hook(_told(hook, node)).remove)
            elif kind in _OTHERS:
                names[_OTHERS[kind]] = None
            hidden = hidden or name == _HIDING
        bends.others = tuple(sorted(names))
        if hidden:  # and only then: the mode imports much, which takes two seconds once
            stack.enter_context(_Hidden(hook, bends))
        yield bends


def _rectifies(node: Any, kind: str) -> bool:
    """Tell whether a node is that of a function that gives zero for all below zero."""
    if kind not in _BOUNDS:
        return False
    bounds = _BOUNDS[kind]
    return bounds is None or any(_is_zero(getattr(node, name, None)) for name in bounds)


def _is_zero(bound: object) -> bool:
    if isinstance(bound, Tensor):
        return bound.numel() > 0 and not bool(bound.any())
    return isinstance(bound, (int, float)) and bound == 0


_Slopes = tuple[Tensor | None, ...]
# Of the slopes that a step gives, those that it was asked with, and what it keeps of its values:
# they, or what came of them.
_Hook = Callable[[_Slopes, _Slopes, Callable[[], Tensor | None]], _Slopes]


def _told(hook: _Hook, node: Node) -> Callable[[_Slopes, _Slopes], _Slopes]:
    """Return the hook of a node."""

    def values() -> Tensor | None:
        if hasattr(node, "_saved_other"):  # a maximum of two: nothing says which was rectified
            return None
        kept: Tensor | None = getattr(node, "_saved_result", None)
        return kept if kept is not None else getattr(node, "_saved_self", None)

    return lambda given, asked: hook(given, asked, values)


def _guided(given: _Slopes, _asked: _Slopes, _values: object) -> _Slopes:
    return tuple(None if slope is None else slope.clamp(min=0) for slope in given)


def _deconvnet(given: _Slopes, asked: _Slopes, _values: object) -> _Slopes:
    passed = None if asked[0] is None else asked[0].clamp(min=0)
    return tuple(None if slope is None else passed for slope in given)


def _redirected(given: _Slopes, asked: _Slopes, values: Callable[[], Tensor | None]) -> _Slopes:
    own, slope, kept = given[0], asked[0], values()
    if own is None or slope is None or kept is None:
        return given
    # The slope is that of what is maximised: above zero it pushes a value up.
    upward = slope * ((kept <= 0) & (slope > 0))
    blocked = own.flatten(1).abs().amax(1) == 0
    shape = (-1, *[1] * (own.ndim - 1))
    return (torch.where(blocked.view(shape), upward, own), *given[1:])


_HOOKS: dict[Rule, _Hook] = {
    "guided": _guided,
    "deconvnet": _deconvnet,
    "redirected": _redirected,
}


class _Hidden(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Apply a rule where a rectifier's derivative is worked out, in whatever node that is."""

    def __init__(self, hook: _Hook, bends: Bends) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._hook = hook
        self._bends = bends

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = func(*args, **(kwargs or {}))
        # (slope, result, threshold) and (slope, input, least, greatest)
        if func in (_aten.threshold_backward.default, _aten.hardtanh_backward.default) and (
            args[2] == 0
        ):
            self._bends.rectifiers += 1
            return self._hook((given,), (args[0],), lambda: args[1])[0]
        return given
