"""Keep what a maximisation is asked for in step: its objective, class and unit, and its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cnnviz_desktop.data import Prediction
from cnnviz_desktop.engine.technique import Technique

# What a run takes up between two steps; all else waits for the next run.
ACTING = ("rate", "pad", "jitter", "zoom", "rotate", "jitter_after", "tv", "l2", "blur")
_OF_CLASSES = ("class", "direction", "joint")
_PAIRS = ("direction", "joint")


def steers(before: Technique, now: Technique) -> bool:
    """Tell whether a run of the one technique can go on as the other, differently."""
    if type(before) is not type(now):
        return False
    old, new = before.values(), now.values()
    return any(old[name] != new[name] for name in ACTING if name in old)


def in_step(before: Technique, now: Technique) -> Technique:
    """Return what the person means: a class that was picked is wanted, a channel wants none."""
    old, new = before.values(), now.values()
    if type(before) is not type(now) or "objective" not in new or "target" not in new:
        return now
    changes: dict[str, Any] = {}
    if new["objective"] != old["objective"] and new["objective"] not in _OF_CLASSES:
        changes["target"] = None
    elif new["target"] is not None and new["objective"] == "channel":
        changes["objective"] = "class"
    meant = replace(now, **changes)
    seconds = (item for item in meant.parameters() if item.name == "second")
    if any(meant.takes_class(item) != before.takes_class(item) for item in seconds):
        return replace(meant, **{"second": None})  # a channel is no class
    return meant


def with_likeliest(technique: Technique, prediction: Prediction | None) -> Technique:
    """Return a technique that is to grow a class with the likeliest one, where none is said."""
    asked = technique.values()
    if asked.get("objective") == "class" and asked.get("target", 0) is None and prediction:
        return replace(technique, **{"target": prediction.top(1)[0][0]})
    return technique


def idle(technique: Technique) -> frozenset[str]:
    """Name the parameters that mean nothing for what is maximised."""
    asked = technique.values()
    objective = asked.get("objective")
    if objective is None:  # the classes of a folder are chosen above its rows
        return frozenset({"target"} if technique.command == "exemplars" else ())
    found: set[str] = set()
    if objective not in _OF_CLASSES and asked.get("target") is None:
        found.add("target")
    if objective not in _PAIRS:
        found.add("second")
    if objective != "neuron":
        found |= {"row", "column"}
    if objective in ("class", "layer"):
        found.add("channel")
    if objective == "class":
        found.add("layer")
    if objective == "layer":
        found.add("count")
    return frozenset(found)
