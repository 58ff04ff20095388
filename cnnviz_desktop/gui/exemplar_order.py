"""Say which channels of a layer come first, and which of them a person looks for."""

from __future__ import annotations

import re

import numpy as np

from cnnviz_desktop.data import ExemplarOverview

_RANGE = re.compile(r"(\d+)(?:\s*[-–]\s*(\d+))?")


def class_place(found: ExemplarOverview, target: object) -> int:
    """Return the place of the class that a technique's target names; -1 for none of them."""
    if not isinstance(target, str):
        return -1
    wanted = target.casefold()
    for names in (found.folders, found.classes):
        lowered = [name.casefold() for name in names]
        if wanted in lowered:
            return lowered.index(wanted)
    return -1


def ordered(found: ExemplarOverview, first: str, label: int = -1) -> list[int]:
    """Return the channels as a technique's `first` says; `label` is the class they tell apart."""
    if not found.labelled and first in ("selectivity", "purity"):
        first = "strength"
    telling = found.telling
    if label >= 0:
        telling = np.argsort(-found.selectivity[:, label], kind="stable")
    match first:
        case "purity":
            pure = found.purity()[telling]
            telling = telling[np.argsort(-pure, kind="stable")]
        case "strength":
            telling = np.argsort(-found.values[:, 0], kind="stable")
        case "index":
            telling = np.arange(len(found.values))
    order: list[int] = telling.tolist()
    return order


def searched(found: ExemplarOverview, order: list[int], text: str) -> list[int]:
    """Return those channels of an order that are looked for: by numbers, ranges, or a class."""
    text = text.strip()
    if not text:
        return order
    words = [word for word in re.split(r"[,;\s]+", text) if word]
    ranges = [_RANGE.fullmatch(word) for word in words]
    if all(ranges):
        wanted: set[int] = set()
        for match in ranges:
            assert match is not None
            first = int(match[1])
            last = min(int(match[2] or first), len(found.values) - 1)
            wanted |= set(range(first, last + 1))
        return [channel for channel in order if channel in wanted]
    if not found.labelled:
        return []
    best = found.strongest.argmax(axis=1)
    lowered = text.casefold()
    named = {place for place, name in enumerate(found.classes) if lowered in name.casefold()}
    return [channel for channel in order if int(best[channel]) in named]
