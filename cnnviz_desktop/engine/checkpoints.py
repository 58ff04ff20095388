"""Find the state dict in what people save: nested, prefixed, with an optimizer beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

State = dict[str, Tensor]

# Where training scripts keep the weights, the likeliest first; averaged weights come last, since
# they are copies of a model that is usually saved as well.
_PLACES = (
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "weights",
    "params",
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "ema",
)

# DataParallel, torch.compile and Lightning wrap a network in one of these.
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.")


@contextmanager
def numpy_scalars_allowed() -> Iterator[None]:
    """Let `weights_only` loading read NumPy numbers, which many scripts save as epoch or accuracy.

    They are data: building one runs no code of the file's choosing.
    """
    import numpy as np

    scalar: Any = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(code)) for code in "?bhilqBHILQefd"]
    with torch.serialization.safe_globals([scalar, np.dtype, *dict.fromkeys(kinds)]):
        yield


def find_state(loaded: object) -> State | None:
    """Return the weights inside a loaded checkpoint without wrappers' prefixes, or None."""
    found = _state_in(loaded)
    return None if found is None else _bare(found)


def _state_in(loaded: object) -> State | None:
    if not isinstance(loaded, Mapping) or not loaded:
        return None
    if all(isinstance(key, str) for key in loaded):
        tensors = {key: value for key, value in loaded.items() if isinstance(value, Tensor)}
        if len(tensors) == len(loaded):
            return tensors
    for place in _PLACES:
        inner = _state_in(loaded.get(place))
        if inner is not None:
            return inner
    return None


def _bare(state: State) -> State:
    """Take prefixes off that every name has."""
    while True:
        prefix = next(
            (item for item in _PREFIXES if all(key.startswith(item) for key in state)), ""
        )
        if not prefix:
            return state
        state = {key[len(prefix) :]: value for key, value in state.items()}


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
