"""Guess which network a bare state dict belongs to, from the names and shapes of its tensors.

`resources/catalogue.json` holds for every architecture a hash of its tensors' names, one of names
and shapes without the head's class count, and a sketch from which likeness is estimated.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz_desktop.engine.amounts import amount
from cnnviz_desktop.engine.catalogue import BUNDLED, TIMM, facts, published

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]

_HASHES = 32  # of each half of a sketch
_ALIKE = 0.5  # a network shares half its tensors with the closest one, or none is close
_CLOSEST = 3  # are built to compare them exactly


# ------------------------------------------------------------------------------------------ guess


def guess(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Return the models a state dict fits exactly but for the head's class count, likeliest first.

    Several share names and shapes: torchvision's come first, then those of timm with most published
    weights. () where there are none.
    """
    shapes = shapes_of(state)
    found = _by_keys().get(keys_hash(shapes), ())
    if not found and _is_bundled(shapes):
        return (BUNDLED,)
    return tuple(
        name
        for name, body, head in found
        if body == body_hash(shapes, head) and _fits(shapes, head)
    )


def _fits(shapes: Shapes, head: Iterable[str]) -> bool:
    """Tell whether all tensors of the head are for the same number of classes."""
    return len({shapes[key][:1] for key in head}) <= 1


def _is_bundled(shapes: Shapes) -> bool:
    from cnnviz_desktop.bundled.network import BundledNet
    from cnnviz_desktop.engine.weights import undrawn

    head = ("head.weight", "head.bias")
    with undrawn():
        wanted = shapes_of(BundledNet().state_dict())
    return body_hash(shapes, head) == body_hash(wanted, head) and _fits(shapes, head)


def shapes_of(state: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return a state dict's shapes, without the counters that files before PyTorch 0.4.1 lack."""
    return {
        key: tuple(value.shape)
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }


def keys_hash(shapes: Shapes) -> str:
    """Return a hash of the names alone."""
    return _hash(sorted(shapes))


def body_hash(shapes: Shapes, head: Iterable[str]) -> str:
    """Return a hash of names and shapes, without the class count, the first size of the head."""
    free = set(head)
    return _hash(
        f"{key} {('?', *shape[1:]) if key in free else shape}"
        for key, shape in sorted(shapes.items())
    )


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


@cache
def _by_keys() -> Mapping[str, list[tuple[str, str, tuple[str, ...]]]]:
    """Return (name, body hash, head) by the hash of the names, the likeliest names first."""
    found: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {}
    for name in sorted(facts(), key=_likelihood):
        for keys, body, *head in facts()[name]["states"]:
            found.setdefault(keys, []).append((name, body, tuple(head)))
    return found


def _likelihood(name: str) -> tuple[bool, bool, int, int]:
    """Order names: torchvision's, then those with most published weights, then the shortest."""
    return name.startswith(TIMM), ":tf_" in name, -len(published(name)), len(name)


# ---------------------------------------------------------------------------------------- nearest


def nearest(state: Mapping[str, Tensor]) -> str:
    """Say which network comes closest and how it differs, as a part of a sentence; "" for none."""
    shapes = shapes_of(state)
    if not shapes:
        return ""
    from cnnviz_desktop.engine.skeletons import skeleton

    asked = sketch(shapes)
    likeness = {name: float((asked == known).mean()) for name, known in _sketches().items()}
    names = sorted(likeness, key=lambda name: (-likeness[name], *_likelihood(name)))[:_CLOSEST]
    best: tuple[int, str] | None = None
    for name in names:
        if likeness[name] <= 0:
            break
        wanted = shapes_of(skeleton(name).state_dict())
        missing = [key for key in wanted if key not in shapes]
        unexpected = [key for key in shapes if key not in wanted]
        other = [key for key in wanted if key in shapes and shapes[key] != wanted[key]]
        if len(wanted) - len(missing) - len(other) < _ALIKE * len(wanted):
            continue
        count = len(missing) + len(unexpected) + len(other)
        if best is None or count < best[0]:
            best = count, f"closest is {name}{_differences(missing, unexpected, other)}"
    return best[1] if best else ""


def _differences(missing: list[str], unexpected: list[str], other: list[str]) -> str:
    parts = []
    for keys, words in (
        (missing, "missing"),
        (unexpected, "unexpected"),
        (other, "of another shape"),
    ):
        if keys:
            parts.append(f"{amount(len(keys), 'tensor', 'tensors')} {words} (first {keys[0]})")
    return f": {', '.join(parts)}" if parts else ""


def sketch(shapes: Shapes) -> NDArray[np.uint16]:
    """Return a MinHash of names with shapes and one of names alone.

    The share of equal numbers in two sketches estimates the share of tensors that two have in
    common (Broder, 1997).
    """
    halves = [[f"{key} {shape}" for key, shape in shapes.items()], list(shapes)]
    return np.concatenate([_least(half) for half in halves])


def _least(texts: list[str]) -> NDArray[np.uint16]:
    values = _digests(texts)
    factors = _digests([f"factor {index}" for index in range(_HASHES)]) | np.uint64(1)
    offsets = _digests([f"offset {index}" for index in range(_HASHES)])
    mixed = values[:, None] * factors + offsets  # wraps, as it should
    found: NDArray[np.uint16] = (mixed.min(axis=0) >> np.uint64(48)).astype("<u2")
    return found


def _digests(texts: Iterable[str]) -> NDArray[np.uint64]:
    found = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(found), "<u8")


def written(values: NDArray[np.uint16]) -> str:
    """Return a sketch as text."""
    return base64.b64encode(values.astype("<u2").tobytes()).decode()


@cache
def _sketches() -> Mapping[str, NDArray[np.uint16]]:
    return {
        name: np.frombuffer(base64.b64decode(known["sketch"]), "<u2")
        for name, known in facts().items()
    }
