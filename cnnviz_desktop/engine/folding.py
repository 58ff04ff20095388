"""Fold batch norms into the convolutions before them, in a copy, where nobody looks in between.

A convolution is folded with a batch norm where the latter alone takes what the former gives, and
no layer that is looked at gives the value between the two. What is left in the norm's place hands
its input on, so that whoever looks there sees what the norm gave.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval
from torch.nn.utils.parametrize import is_parametrized
from torch.overrides import TorchFunctionMode

from cnnviz_desktop.engine.heads import put_layer
from cnnviz_desktop.engine.recording import first_tensor, hooked, record

TOLERANCE = 1e-4  # of a layer's largest value
_PLAIN = {"dim", "size", "__get__"}  # which only ask a tensor what it is


def folded(module: nn.Module, example: Tensor, looked_at: Mapping[str, int]) -> nn.Module:
    """Return a copy that shares the weights, its batch norms folded but for those in view.

    `looked_at` names the layers whose outputs must stay, and how often a pass calls each. Where a
    network cannot be copied, nothing can be folded, or an output would differ, it is returned
    itself.
    """
    pairs = {conv: norm for conv, norm in _pairs(module, example).items() if conv not in looked_at}
    if not pairs:
        return module
    shared = [*module.parameters(), *module.buffers()]
    try:
        copied: nn.Module = copy.deepcopy(module, {id(item): item for item in shared})
        for conv, norm in pairs.items():
            layer: Any = copied.get_submodule(conv)
            batch_norm: Any = copied.get_submodule(norm)
            fused = fuse_conv_bn_eval(layer, batch_norm).requires_grad_(False)
            if layer.weight.is_contiguous(memory_format=torch.channels_last):
                fused = fused.to(memory_format=torch.channels_last)
            put_layer(copied, conv, fused)
            put_layer(copied, norm, nn.Identity())
        return copied if _agree(module, copied, example, looked_at) else module
    except (RuntimeError, TypeError, ValueError, AttributeError):  # a network that has no copies
        return module


def _agree(
    module: nn.Module, copied: nn.Module, example: Tensor, looked_at: Mapping[str, int]
) -> bool:
    """Tell whether a copy gives what the network does: layers may be held where none looks."""
    wanted, got = (record(item, example.clone(), looked_at) for item in (module, copied))
    return all(
        float((one - other).abs().max()) <= TOLERANCE * float(one.abs().max())
        for name in looked_at
        for one, other in zip(wanted[name], got[name], strict=True)
        if one.numel()
    )


def _pairs(module: nn.Module, example: Tensor) -> dict[str, str]:
    """Return the convolutions that one batch norm alone takes its input from, with that norm."""
    names = {child: name for name, child in module.named_modules()}
    layers = [child for child in names if type(child) in (nn.Conv2d, nn.BatchNorm2d)]
    if not any(type(child) is nn.BatchNorm2d for child in layers):
        return {}
    calls: Counter[nn.Module] = Counter()
    given: dict[int, nn.Module] = {}
    held: list[Tensor] = []  # so that no id is used again
    taken: dict[nn.Module, nn.Module] = {}
    uses = _Uses()

    def before(child: nn.Module, inputs: Any) -> None:
        if type(child) is nn.BatchNorm2d and inputs and isinstance(inputs[0], Tensor):
            source = given.get(id(inputs[0]))
            if source is not None:
                taken[source] = child

    def after(child: nn.Module, _inputs: object, output: object) -> None:
        calls[child] += 1
        found = first_tensor(output)
        if type(child) is nn.Conv2d and found is not None:
            given[id(found)] = child
            held.append(found)
            uses.counts[id(found)] = 0

    with torch.inference_mode(), hooked(layers, before=before, after=after), uses:
        module(example.clone())
    outputs = {source: number for number, source in given.items()}
    return {
        names[conv]: names[norm]
        for conv, norm in taken.items()
        if calls[conv] == calls[norm] == 1
        and uses.counts[outputs[conv]] == 1
        and _is_plain(conv)
        and _is_plain(norm)
    }


def _is_plain(layer: nn.Module) -> bool:
    """Tell whether a layer does nothing but what its class does, with numbers that stay."""
    changed: Mapping[str, Any] = layer.__dict__
    if "forward" in changed or is_parametrized(layer):
        return False
    own = (layer._forward_hooks, layer._forward_pre_hooks)
    if any(own):
        return False
    return not isinstance(layer, nn.BatchNorm2d) or layer.running_mean is not None


class _Uses(TorchFunctionMode):
    """Count which functions some tensors go into."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[int, int] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run a function and note the tensors it is given."""
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") not in _PLAIN:
            self._note((*args, *kwargs.values()))
        return func(*args, **kwargs)

    def _note(self, items: Iterable[Any]) -> None:
        for item in items:
            if isinstance(item, Tensor):
                if id(item) in self.counts:
                    self.counts[id(item)] += 1
            elif isinstance(item, (tuple, list)):
                self._note(item)
