"""Find the weights in what people save: nested, prefixed, with an optimizer beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from cnnviz_desktop.engine.pickles import spellings

State = dict[str, Tensor]

# Where training scripts keep the weights, the likeliest first; averaged weights come last, since
# they are copies of a model that is usually saved as well.
_PLACES = (
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "module",
    "weights",
    "params",
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "ema",
)
_NO_PLACES = ("optim", "sched", "scaler", "state", "args", "config", "hyper")  # parts of names
_DEEPEST = 6  # mappings within mappings: more is no checkpoint
_MOST_LAYERS = 20_000
_LONGEST_NAME = 500

# DataParallel, torch.compile and Lightning wrap a network in one of these.
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.")


class StandIn:
    """Take the place of an object whose class is not known: it keeps its state and runs nothing."""

    def __new__(cls, *_args: object, **_options: object) -> StandIn:
        """Make one out of whatever its class would have been given."""
        return object.__new__(cls)

    def __init__(self, *_args: object, **_options: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        """Keep the state, as far as it is names and values."""
        if isinstance(state, Mapping):
            self.__dict__.update({str(key): value for key, value in state.items()})


@contextmanager
def only_data(foreign: Iterable[str] = ()) -> Iterator[None]:
    """Let `weights_only` loading read what else scripts save, and run none of it.

    NumPy's numbers (epochs, accuracies) are data: building one runs no code of the file's choosing.
    Objects of `foreign` classes (options, paths, schedulers) become stand-ins.
    """
    import numpy as np

    scalar: Any = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(code)) for code in "?bhilqBHILQefd"]
    allowed: list[Any] = [scalar, np.dtype, *dict.fromkeys(kinds)]
    # NumPy 1 and 2 call the same thing by two names.
    allowed += [(scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    for name in foreign:
        kind = type(name.rpartition(".")[2], (StandIn,), {})
        made: Any = _plain_mapping if name == "collections.defaultdict" else kind
        allowed += [(made, spelling) for spelling in spellings(name)]
    with torch.serialization.safe_globals(allowed):
        yield


def _plain_mapping(*_factory: object) -> dict[Any, Any]:
    return {}


def find_state(loaded: object) -> State | None:
    """Return the weights inside a loaded checkpoint without wrappers' prefixes, or None."""
    found = _state_in(loaded, set(), _DEEPEST)
    return None if found is None else _bare(found)


def find_module(loaded: object) -> nn.Module | None:
    """Return the whole network inside a loaded checkpoint, or None."""
    if isinstance(loaded, nn.Module):
        return loaded
    if isinstance(loaded, Mapping):
        places = (loaded.get(place) for place in _PLACES)
        return next((found for found in places if isinstance(found, nn.Module)), None)
    return None


def _state_in(loaded: object, seen: set[int], deepest: int) -> State | None:
    # What was looked at once holds nothing: mappings that hold each other would never end.
    if id(loaded) in seen or not deepest:
        return None
    seen.add(id(loaded))
    if isinstance(loaded, nn.Module):
        return dict(loaded.state_dict())
    if isinstance(loaded, StandIn):
        return _module_state(loaded) or None
    if not isinstance(loaded, Mapping) or not loaded:
        return None
    if all(isinstance(key, str) for key in loaded):
        tensors = {key: value for key, value in loaded.items() if isinstance(value, Tensor)}
        if len(tensors) == len(loaded) or _is_mostly_weights(loaded, tensors):
            return tensors
    for place in _PLACES:
        inner = _state_in(loaded.get(place), seen, deepest - 1)
        if inner is not None:
            return inner
    # Under a name of its own (“encoder”, “generator”): the part with the most numbers.
    others = [
        inner
        for key, value in loaded.items()
        if isinstance(key, str) and not any(word in key.lower() for word in _NO_PLACES)
        for inner in [_state_in(value, seen, deepest - 1)]
        if inner is not None and _has_weights(inner)
    ]
    return max(others, key=_numbers, default=None)


def _is_mostly_weights(loaded: Mapping[str, Any], tensors: State) -> bool:
    """Tell whether the rest are small notes, such as an epoch, beside the weights themselves."""
    rest = [value for key, value in loaded.items() if key not in tensors]
    small = all(not isinstance(value, (Mapping, nn.Module, StandIn)) for value in rest)
    return small and len(tensors) > len(rest) and _has_weights(tensors)


def _has_weights(state: State) -> bool:
    return any(key.endswith("weight") for key in state)


def _numbers(state: State) -> int:
    return sum(value.numel() for value in state.values())


def _module_state(module: StandIn) -> State | None:
    """Read the state dict of a pickled network out of the stand-ins for its layers."""
    state: State = {}
    waiting = [("", module)]
    for _ in range(_MOST_LAYERS):  # layers that hold each other would never end
        if not waiting:
            return state
        prefix, layer = waiting.pop()
        parts = layer.__dict__
        own: list[Any] = [parts.get(key) for key in ("_parameters", "_buffers", "_modules")]
        if len(prefix) > _LONGEST_NAME or not all(isinstance(part, Mapping) for part in own):
            continue
        passing = parts.get("_non_persistent_buffers_set")
        left_out = passing if isinstance(passing, set) else set()
        for part in own[:2]:
            for key, value in part.items():
                if isinstance(value, Tensor) and key not in left_out:
                    state[f"{prefix}{key}"] = value.detach()
        children = [(f"{prefix}{key}.", child) for key, child in own[2].items()]
        waiting += [item for item in reversed(children) if isinstance(item[1], StandIn)]
    return None


def _bare(state: State) -> State:
    """Take prefixes off that every name has."""
    while True:
        prefix = next(
            (item for item in _PREFIXES if all(key.startswith(item) for key in state)), ""
        )
        if not prefix or any(key == prefix for key in state):
            return state
        state = {key[len(prefix) :]: value for key, value in state.items()}


def aligned(state: State, wanted: Iterable[str]) -> State:
    """Return the state with the prefix that a network's own names have, or lack.

    A network that keeps another under `self.model` has names that look wrapped; a training
    script's wrapper may hold more than the network (“model.conv.weight” beside “loss.weight”).
    """
    names = set(wanted)
    if not names or names <= state.keys():
        return state
    for prefix in _PREFIXES:
        inner = {
            key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)
        }
        if names <= inner.keys():
            return inner
        if all(name.startswith(prefix) for name in names):
            outer = {prefix + key: value for key, value in state.items()}
            if names & outer.keys():
                return outer
    return state


def class_count(state: State, wanted: Mapping[str, Any]) -> int | None:
    """Return how many classes a state dict was trained for, where that is all that differs.

    `wanted` are the tensors of the network with its usual head. None where the two differ in
    anything but the first size of the same few tensors: the head's weight and bias.
    """
    if set(state) != set(wanted):
        return None
    changed = [key for key in wanted if state[key].shape != wanted[key].shape]
    sizes = {tuple(state[key].shape[:1]) for key in changed}
    usual = {tuple(wanted[key].shape[:1]) for key in changed}
    alike = all(state[key].shape[1:] == wanted[key].shape[1:] for key in changed)
    if not changed or not alike or len(sizes) != 1 or len(usual) != 1 or sizes == {()}:
        return None
    return int(next(iter(sizes))[0])
