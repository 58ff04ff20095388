"""Find the class scores in what a network gives, before the softmax it may end with.

A softmax is taken by every face that shows probabilities, and gradients are asked of scores: of a
probability they vanish where the network is sure. So the pass of a network with a softmax at its
end hands on what went into it; the layers, the softmax's own included, give what they always gave.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import deque
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from cnnviz_desktop.data import Finding
from cnnviz_desktop.engine.recording import hooked

_USUAL_NAMES = ("logits", "out", "output", "pred")  # of the scores, where outputs have names
SOFTMAX_TITLES = {"softmax": "Softmax at the end", "log_softmax": "Log softmax at the end"}
_DEEPEST = 3  # containers within containers
_LAST_CALLS = 8  # of softmaxes that are kept: attention has one a layer, and each holds its input


def scores_of(output: object, classes: int = 0) -> Tensor | None:
    """Return the class scores (N, K) out of what a network gave, or None.

    In a container the tensor of the usual name comes first (logits, out, output, pred), then the
    first with `classes` scores where that is known, then the first with two axes. Axes of one cell
    after the classes are left out, and the scores of one picture may lack the first.
    """
    found = _raw_scores(output, classes)
    if found is None or found.ndim == 2:
        return found
    return found.unsqueeze(0) if found.ndim == 1 else found.flatten(1)


def _raw_scores(output: object, classes: int = 0) -> Tensor | None:
    tensors = [item for item in _tensors(output) if item.is_floating_point()]
    flat = [item for item in tensors if item.ndim == 2]
    wide = [item for item in tensors if item.ndim > 2 and item.shape[1] == item[0].numel() > 1]
    bare = [item for item in tensors if item.ndim == 1 and len(item) > 1]
    for items in (flat, wide, bare):
        if items:
            fitting = [item for item in items if classes == item.shape[min(1, item.ndim - 1)]]
            named = _named(output)
            return named if _is_in(named, items) else (fitting or items)[0]
    return None


def _named(output: object) -> Tensor | None:
    """Return the tensor of a usual name."""
    fields = dict(_fields(output))
    found = (fields.get(name) for name in _USUAL_NAMES)
    return next((item for item in found if isinstance(item, Tensor)), None)


def _is_in(tensor: Tensor | None, items: list[Tensor]) -> bool:
    return any(tensor is item for item in items)


def _fields(output: object) -> list[tuple[Any, Any]]:
    """Return what a container holds, by name or number; nothing of anything else."""
    if isinstance(output, Mapping):
        return list(output.items())
    if isinstance(output, tuple) and hasattr(output, "_fields"):
        return list(zip(output._fields, output, strict=True))
    if isinstance(output, (tuple, list)):
        return list(enumerate(output))
    if dataclasses.is_dataclass(output):
        return [(item.name, getattr(output, item.name)) for item in dataclasses.fields(output)]
    return []


def _tensors(output: object, depth: int = 0) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    if depth >= _DEEPEST:
        return []
    return [item for _, held in _fields(output) for item in _tensors(held, depth + 1)]


def _exchanged(output: Any, old: Tensor, new: Tensor, depth: int = 0) -> Any:
    """Return what a network gave with one tensor in place of another."""
    if output is old:
        return new
    if isinstance(output, Tensor) or depth >= _DEEPEST:
        return output
    fields = _fields(output)
    changed = {key: _exchanged(held, old, new, depth + 1) for key, held in fields}
    if all(changed[key] is held for key, held in fields):
        return output
    if isinstance(output, (tuple, list)):
        named = hasattr(output, "_fields")
        return type(output)(*changed.values()) if named else type(output)(changed.values())
    copied = copy.copy(output)
    for key, held in changed.items():
        if isinstance(copied, MutableMapping):
            copied[key] = held
        else:
            object.__setattr__(copied, key, held)
    return copied


# ------------------------------------------------------------------------------ what comes last


@dataclasses.dataclass(frozen=True)
class _Call:
    """A call of a function that turns scores into probabilities."""

    function: str  # softmax, log_softmax or sigmoid
    given: Tensor
    made: Tensor

    def made_it(self, tensor: Tensor) -> bool:
        """Tell whether a tensor is what was made, perhaps viewed, copied or cast."""
        if tensor.numel() != self.made.numel():
            return False
        if tensor.data_ptr() == self.made.data_ptr() and tensor.is_contiguous():
            return True  # whatever the values: those of a broken network are no numbers
        same = tensor.detach().to(self.made.dtype).reshape(-1)
        return torch.equal(same, self.made.detach().reshape(-1))


class _Ends(TorchFunctionMode):
    """Note the last calls that turn scores into probabilities, as modules or as functions."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: deque[_Call] = deque(maxlen=_LAST_CALLS)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        made = func(*args, **kwargs)
        # softmax, special_softmax, softmax.int (a network from torch.export), sigmoid_
        word = getattr(func, "__name__", "").partition(".")[0].strip("_").removeprefix("special_")
        if word in ("softmax", "log_softmax", "sigmoid", "expit"):
            given = args[0] if args else kwargs.get("input")
            if isinstance(given, Tensor) and isinstance(made, Tensor):
                self.calls.append(_Call(word.replace("expit", "sigmoid"), given, made))
        return made

    def last(self, scores: Tensor | None) -> _Call | None:
        """Return the call that made these scores."""
        if scores is None:
            return None
        return next((call for call in reversed(self.calls) if call.made_it(scores)), None)


class Watch(_Ends):
    """See in one pass what the network answers, what it ends with and which weights take part."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: object = None
        self.used: set[int] = set()  # ids of parameters
        self.is_running = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Note the parameters among what a function is given."""
        looked_at = getattr(func, "__name__", "") == "__get__"  # its device, its shape
        if self.is_running and not looked_at:
            self._note((*args, *(kwargs or {}).values()))
        return super().__torch_function__(func, types, args, kwargs)

    def _note(self, items: Any) -> None:
        for item in items:
            if isinstance(item, nn.Parameter):
                self.used.add(id(item))
            elif isinstance(item, (tuple, list)):
                self._note(item)


@contextmanager
def watched(module: nn.Module) -> Iterator[Watch]:
    """Watch what a pass of the network in this block does."""
    watch = Watch()

    def begin(_module: nn.Module, _inputs: object) -> None:
        watch.is_running = True

    def end(_module: nn.Module, _inputs: object, output: object) -> None:
        watch.is_running = False  # counting a parameter's numbers is no use of it
        watch.answer = output

    with watch, hooked([module], before=begin, after=end):
        yield watch


def use_logits(module: nn.Module, watch: Watch, classes: int = 0) -> Finding | None:
    """Make the network give its scores rather than the softmax of them; say what it ends with.

    `watch` saw one pass of it.
    """
    scores = _raw_scores(watch.answer, classes)
    call = watch.last(scores)
    if scores is None or (call is None and not _are_probabilities(scores)):
        return None
    if call is None:
        return Finding(
            "warning",
            "Answers are probabilities",
            "The answers add up to 1, and no softmax was found that makes them. Explanations use "
            "them as scores, and the percentages shown are a softmax of them: too even.",
        )
    if call.function == "sigmoid":
        return Finding(
            "warning",
            "Sigmoid at the end",
            "Each class is a yes or no of its own here. The percentages shown are a softmax over "
            "all classes, not the network's own, and explanations use what the sigmoid gives.",
        )
    _give_logits(module, classes)
    return Finding(
        "info",
        SOFTMAX_TITLES[call.function],
        "The scores before it are used: gradients of a probability vanish where the network is "
        "sure. The percentages shown stay the network's own.",
    )


def _are_probabilities(scores: Tensor) -> bool:
    values = scores.detach().float().reshape(-1)
    return len(values) > 1 and any(
        bool((item >= 0).all()) and abs(float(item.sum()) - 1) < 1e-4
        for item in (values, values.exp())
    )


def _give_logits(module: nn.Module, classes: int) -> None:
    """Change the class of this one network to a child whose pass ends before its softmax.

    PyTorch's parametrisations do the same. A function in the instance's `forward` would make a
    circle, and a network left behind would keep its memory until the next collection.
    """
    kind: Any = type(module)
    own = module.__dict__.pop("forward", None)  # set by someone on this instance

    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _Ends() as ends:
            output = kind.forward(self, *args, **kwargs) if own is None else own(*args, **kwargs)
        scores = _raw_scores(output, classes)
        call = ends.last(scores)
        if scores is None or call is None or call.function == "sigmoid":
            return output
        return _exchanged(output, scores, call.given.reshape(scores.shape))

    inherited = {"forward": forward, "__module__": kind.__module__, "__doc__": kind.__doc__}
    inherited["__qualname__"] = kind.__qualname__
    module.__class__ = type(kind.__name__, (kind,), inherited)
