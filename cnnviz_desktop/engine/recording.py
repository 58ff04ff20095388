"""Record what layers give, and gradients at them, through hooks that are always taken off again.

The traps this module exists for:

- An in-place layer rewrites its input, so a hook that keeps a convolution's output reads the values
  after the ReLU. Every recorded output but the last is a copy.
- A leaf in front of an in-place layer raises in autograd. The leaf is kept and a clone handed on.
- A module that is called several times in a pass gives several outputs. Every call is kept.
- A network may write into what it is given (`x -= mean`). It gets a copy, so that its input can be
  shown to it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.errors import ModelError

Part = TypeVar("Part")
Before = Callable[[nn.Module, Any], Any]
After = Callable[[nn.Module, Any, Any], Any]


# What networks raise at several pictures that take one alone, such as those exported for one.
TAKES_ONE = (RuntimeError, ValueError, AssertionError)


def mixes_pictures(module: nn.Module) -> bool:
    """Tell whether what is seen of a picture changes with those that run beside it."""
    return any(
        isinstance(item, _BatchNorm) and item.running_mean is None for item in module.modules()
    )


def whole_or_singly(
    module: nn.Module,
    inputs: Tensor,
    once: Callable[[Tensor], Part],
    is_whole: Callable[[Part], bool] = lambda _part: True,
) -> list[Part]:
    """Return what `once` gives for pictures (N, C, H, W) together, or for each by itself.

    One by one go those that a network mixes, takes alone, has no room for together, or gives
    something for that is not `is_whole`.
    """
    if len(inputs) > 1 and not mixes_pictures(module):
        with suppress(*TAKES_ONE, ModelError):
            found = once(inputs)
            if is_whole(found):
                return [found]
    return [once(one) for one in torch.split(inputs, 1)]


class PassEnded(BaseException):
    """Ends a pass once all that was asked for is there; no `except Exception` can swallow it."""


def first_tensor(output: object) -> Tensor | None:
    """Return the tensor a module gave, the first one where it gave several, or None."""
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping):
        output = list(output.values())
    if isinstance(output, (tuple, list)):
        return next((item for item in output if isinstance(item, Tensor)), None)
    return None


def with_first_tensor(output: object, tensor: Tensor) -> Any:
    """Return what a module gave with `first_tensor` of it replaced."""
    if isinstance(output, Tensor):
        return tensor
    first = first_tensor(output)
    if isinstance(output, dict):
        changed = {key: tensor if item is first else item for key, item in output.items()}
        return type(output)(changed)
    if isinstance(output, (tuple, list)):
        items = [tensor if item is first else item for item in output]
        named = hasattr(output, "_fields")
        return type(output)(*items) if named else type(output)(items)
    raise TypeError(f"no tensor can be replaced in {type(output).__name__}")


@contextmanager
def hooked(
    modules: Iterable[nn.Module], *, before: Before | None = None, after: After | None = None
) -> Iterator[None]:
    """Put forward hooks on the modules and take them off again, whatever happens."""
    handles = []
    try:
        for module in modules:
            if before is not None:
                handles.append(module.register_forward_pre_hook(before))
            if after is not None:
                handles.append(module.register_forward_hook(after))
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def interruptible(module: nn.Module, run: Run) -> Iterator[None]:
    """Make a pass of `module` raise `Cancelled` before its next layer once `run` is cancelled."""
    if run is SILENT:
        yield
        return

    def check(_module: nn.Module, _inputs: object) -> None:
        run.check()

    leaves = [child for child in module.modules() if next(child.children(), None) is None]
    with hooked(leaves, before=check):
        yield


def record(
    module: nn.Module, tensor: Tensor, calls: Mapping[str, int], run: Run = SILENT
) -> dict[str, list[Tensor]]:
    """Run the network up to the deepest of the named layers and return what each call gave.

    `calls` maps a layer's dotted name to how often a pass calls it (`LayerNode.calls`): the pass
    stops as soon as all of these have happened. Needs no gradients and keeps none.
    """
    kept: dict[str, list[Tensor]] = {name: [] for name in calls}
    names = {module.get_submodule(name): name for name in calls}
    missing = sum(calls.values())

    def keep(layer: nn.Module, _inputs: object, output: object) -> None:
        nonlocal missing
        missing -= 1
        found = first_tensor(output)
        if found is not None:
            # A copy, since what comes next may write into it; nothing comes after the last. Letting
            # in-place layers work out of place instead would be a little cheaper and wrong where
            # their input is used again.
            kept[names[layer]].append(found.clone() if missing else found)
        if missing == 0:
            raise PassEnded

    with (
        torch.inference_mode(),
        interruptible(module, run),
        hooked(names, after=keep),
        suppress(PassEnded),
    ):
        module(tensor.clone())
    return kept


@contextmanager
def gradients() -> Iterator[None]:
    """Have gradients whatever the caller's mode: a notebook may be in `torch.no_grad()`."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def forward_to(
    module: nn.Module, tensor: Tensor, layer: str, call: int, run: Run = SILENT
) -> Tensor:
    """Run the network up to one call of `layer` and return its output, with the graph to `tensor`.

    `call` counts from 0. `tensor` decides what a gradient reaches; with parameters frozen there is
    nothing else.
    """
    found: Tensor | None = None
    count = -1

    def keep(_layer: nn.Module, _inputs: object, output: object) -> None:
        nonlocal found, count
        count += 1
        if count == call:
            found = first_tensor(output)
            raise PassEnded

    # A clone, since a leaf that asks for its gradient must not be rewritten by an in-place layer.
    with (
        gradients(),
        interruptible(module, run),
        hooked([module.get_submodule(layer)], after=keep),
        suppress(PassEnded),
    ):
        module(tensor.clone())
    if found is None:
        raise RuntimeError(f"call {call} of {layer} gave no tensor")
    return found


def forward_from(
    module: nn.Module, tensor: Tensor, layer: str, call: int, run: Run = SILENT
) -> tuple[Tensor, Any]:
    """Run the network with one call's output of `layer` as the only leaf of the graph.

    `call` counts from 0. Returns the leaf and the network's output; with parameters frozen, a
    backward from the output ends at that layer, which is the least work a gradient there can cost.
    """
    kept, output = forward_through(module, tensor, {layer: call}, run)
    return kept[layer], output


def forward_through(
    module: nn.Module,
    tensor: Tensor,
    calls: Mapping[str, int],
    run: Run = SILENT,
    *,
    graph: bool = True,
) -> tuple[dict[str, Tensor], Any]:
    """Run the network, keep one call's output of each layer, and begin the graph at these.

    `calls` maps a layer's dotted name to which of its calls is meant, counted from 0. A layer that
    no other one leads to becomes a leaf of the graph, one behind such a leaf a node of it. Returns
    what was kept, in the order of `calls`, and the network's output; without `graph` neither has
    one.
    """
    kept: dict[str, Tensor] = {}
    names = {module.get_submodule(name): name for name in calls}
    counts = dict.fromkeys(calls, -1)

    def cut(layer: nn.Module, _inputs: object, output: object) -> object:
        name = names[layer]
        counts[name] += 1
        found = first_tensor(output)
        if counts[name] != calls[name] or found is None:
            return output
        # A copy of its own, since a view (Identity, Dropout) could be written into by another name.
        if not graph:
            kept[name] = found.clone()
            return output
        kept[name] = found.clone() if found.requires_grad else found.detach().clone()
        if not found.requires_grad:
            kept[name].requires_grad_()
        return with_first_tensor(output, kept[name].clone())

    with (
        gradients() if graph else torch.inference_mode(),
        interruptible(module, run),
        hooked(names, after=cut),
    ):
        output = module(tensor.clone())
    for name, call in calls.items():
        if name not in kept:
            raise RuntimeError(f"call {call} of {name} gave no tensor")
    return {name: kept[name] for name in calls}, output


@contextmanager
def replaced(layer: nn.Module, call: int, tensor: Tensor) -> Iterator[None]:
    """Make one call of a layer, counted from 0, hand on another tensor than it gave."""
    count = -1

    def exchange(_layer: nn.Module, _inputs: object, output: object) -> object:
        nonlocal count
        count += 1
        # A copy, since what comes next may write into it.
        return with_first_tensor(output, tensor.clone()) if count == call else output

    with hooked([layer], after=exchange):
        yield


def first_broken(module: nn.Module, tensor: Tensor, run: Run = SILENT) -> str:
    """Name the first module of a pass that gives NaN or infinity, "" where none does."""
    names = {child: name for name, child in module.named_modules()}
    broken = ""

    def look(child: nn.Module, _inputs: object, output: object) -> None:
        nonlocal broken
        found = first_tensor(output)
        if found is not None and not bool(torch.isfinite(found).all()):
            broken = names[child] or type(child).__name__
            raise PassEnded

    with (
        torch.inference_mode(),
        interruptible(module, run),
        hooked(names, after=look),
        suppress(PassEnded),
    ):
        module(tensor.clone())
    return broken
