"""Write what several networks make of a picture as a table and as arrays: a row a network."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cnnviz_desktop.data import Cell, Compared, Comparison, Table
from cnnviz_desktop.figures.evaluation_table import SHARES
from cnnviz_desktop.figures.tables import heads

_CLASSES = 5


def comparison_table(found: Comparison) -> Table:
    """Return a row a network: what it costs, what it answers, how it does on labelled pictures."""
    classes = range(1, _CLASSES + 1)
    columns = ["network", "weights", "parameters", "multiply-adds", "time", "memory"]
    units = ["", "", "", "", "ms", "MB"]
    for place in classes:
        columns += [f"class {place}", f"probability {place}"]
        units += ["", "%"]
    columns += found.measures
    units += ["%" if name in SHARES else "" for name in found.measures]
    rows = tuple(tuple(_row(item, found.measures)) for item in found.models)
    return Table(found.title, tuple(columns), tuple(units), rows, notes=found.notes)


def _row(item: Compared, measures: tuple[str, ...]) -> list[Cell]:
    row: list[Cell] = [
        item.model,
        item.weights,
        item.parameters,
        item.multiply_adds,
        None if math.isnan(item.seconds) else 1000 * item.seconds,
        item.memory / 1e6,
    ]
    top = item.prediction.top(_CLASSES) if item.prediction is not None else []
    for place in range(_CLASSES):
        row += [top[place][1], 100 * top[place][2]] if place < len(top) else [None, None]
    for name, score in zip(measures, item.scores, strict=True):
        known = score if math.isfinite(score) else None
        row.append(100 * known if known is not None and name in SHARES else known)
    return row


def comparison_arrays(found: Comparison) -> dict[str, Any]:
    """Return all numbers, those of a network behind its number: "0/depth 1/maps"."""
    values: dict[str, Any] = {
        "title": found.title,
        "notes": found.notes,
        "measures": found.measures,
        "models": [item.model for item in found.models],
        "weights": [item.weights for item in found.models],
        "fingerprints": [item.fingerprint for item in found.models],
        "parameters": [item.parameters for item in found.models],
        "multiply_adds": [item.multiply_adds for item in found.models],
        "memory": [item.memory for item in found.models],
        "seconds": [item.seconds for item in found.models],
        "scores": np.array([item.scores for item in found.models]),
    }
    for number, item in enumerate(found.models):
        if item.prediction is not None:
            values[f"{number}/logits"] = item.prediction.logits
            values[f"{number}/labels"] = item.prediction.labels
        if item.heatmap is not None:
            values[f"{number}/heatmap"] = item.heatmap.values
            values[f"{number}/layer"] = item.heatmap.layer
            values[f"{number}/target"] = item.heatmap.target_label
        for depth, strip in enumerate(item.strips, start=1):
            place = f"{number}/depth {depth}"
            values[f"{place}/maps"] = strip.maps.values
            values[f"{place}/layer"] = strip.maps.layer
            values[f"{place}/channels"] = strip.channels
        for depth, heatmap in enumerate(item.heatmaps, start=1):
            values[f"{number}/depth {depth}/heatmap"] = heatmap.values
    return values


def comparison_json(found: Comparison) -> dict[str, Any]:
    """Return what is to be read by programs, without the maps themselves."""
    return {
        "title": found.title,
        "notes": list(found.notes),
        "models": [_model_json(item, found.measures) for item in found.models],
    }


def _model_json(item: Compared, measures: tuple[str, ...]) -> dict[str, Any]:
    """Return all numbers of a network; None stands for what there is none of."""
    top = item.prediction.top(_CLASSES) if item.prediction is not None else []
    scores = zip(measures, item.scores, strict=True)
    return {
        "model": item.model,
        "weights": item.weights,
        "fingerprint": item.fingerprint,
        "parameters": item.parameters,
        "multiply_adds": item.multiply_adds,
        "memory_bytes": item.memory,
        "seconds": None if math.isnan(item.seconds) else item.seconds,
        "classes": [
            {"index": index, "label": label, "probability": share} for index, label, share in top
        ],
        "explained": item.heatmap.target_label if item.heatmap is not None else None,
        "default_layer": item.heatmap.layer if item.heatmap is not None else None,
        "depths": [
            {
                "layer": strip.maps.layer,
                "maps": strip.count,
                "size": list(strip.maps.values.shape[1:]),
                "strongest": list(strip.channels),
            }
            for strip in item.strips
        ],
        **{name: score if math.isfinite(score) else None for name, score in scores},
    }


def turned_table(found: Comparison, title: str) -> Table:
    """Return the same with a column a network."""
    table = comparison_table(found)
    rows = tuple(
        (head, *(row[place] for row in table.rows))
        for place, head in enumerate(heads(table))
        if place and any(row[place] is not None for row in table.rows)
    )
    names = tuple(item.model for item in found.models)
    return Table(title, ("", *names), ("",) * (len(names) + 1), rows, notes=found.notes)
