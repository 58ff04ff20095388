"""Turn the evidence for explanations into tables, of one picture or over many, and into arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from cnnviz_desktop.data import Cell, Evidence, Table

_ARROWS = {"higher": "↑", "lower": "↓"}


def evidence_table(evidence: Evidence) -> Table:
    """Return a row for each method and layer: how fine its map is, its scores, or why none."""
    rows: list[tuple[Cell, ...]] = []
    for row, method in enumerate(evidence.methods):
        for column, layer in enumerate(evidence.layers):
            heatmap = evidence.cell(row, column)
            shape = None if heatmap is None else "×".join(map(str, heatmap.values.shape))
            scores = map(_cell, evidence.scores[row, column])
            rows.append((method, layer, shape, *scores, evidence.reason(row, column) or None))
    columns = ("method", "layer", "map", *score_heads(evidence), "note")
    units = ("",) * len(columns)
    return Table(evidence.title, columns, units, tuple(rows), notes=evidence.notes)


def mean_table(found: Sequence[Evidence]) -> Table:
    """Return a row for each method and layer: every score's mean over the pictures that have it.

    `pictures` counts those with a map of that method at that layer.
    """
    metrics = list(dict.fromkeys(name for item in found for name in score_heads(item)))
    values: dict[tuple[str, str], dict[str, list[float]]] = {}
    counts: dict[tuple[str, str], int] = {}
    for item in found:
        for row, method in enumerate(item.methods):
            for column, layer in enumerate(item.layers):
                known = values.setdefault((method, layer), {name: [] for name in metrics})
                there = item.cell(row, column) is not None
                counts[method, layer] = counts.get((method, layer), 0) + there
                for name, score in zip(score_heads(item), item.scores[row, column], strict=True):
                    known[name].append(float(score))
    rows: list[tuple[Cell, ...]] = [
        (*key, counts[key], *(_mean(known[name]) for name in metrics))
        for key, known in values.items()
        if counts[key]
    ]
    columns = ("method", "layer", "pictures", *metrics)
    count = len(found)
    title = f"Mean over {count} picture{'s' if count != 1 else ''}"
    return Table(title, columns, ("",) * len(columns), tuple(rows))


def score_heads(evidence: Evidence) -> list[str]:
    """Return the scores' names with an arrow to their good end."""
    pairs = zip(evidence.metrics, evidence.better, strict=True)
    return [f"{name} {_ARROWS[better]}" for name, better in pairs]


def _cell(value: np.floating[Any]) -> Cell:
    return None if np.isnan(value) else float(value)


def _mean(values: list[float]) -> Cell:
    """Return the mean of what is there."""
    there = [value for value in values if not np.isnan(value)]
    return float(np.mean(there)) if there else None


def evidence_arrays(evidence: Evidence) -> dict[str, Any]:
    """Return the scores and curves as named arrays; the maps are the caller's."""
    left_out = ("maps", "curves")
    values = {
        field.name: getattr(evidence, field.name)
        for field in fields(evidence)
        if field.name not in left_out
    }
    for curve in evidence.curves:
        values[f"curves/{curve.name}/places"] = curve.places
        values[f"curves/{curve.name}/values"] = curve.values
        if curve.ticks:
            values[f"curves/{curve.name}/ticks"] = curve.ticks
    return values


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """Return all but the maps as plain values for JSON; what is not there is null."""
    cells = [
        {
            "method": method,
            "layer": layer,
            "control": row >= len(evidence.methods) - evidence.controls,
            "scores": dict(
                zip(evidence.metrics, _plain(evidence.scores[row, column]), strict=True)
            ),
            "note": evidence.reason(row, column),
            "curves": {curve.name: _plain(curve.values[row, column]) for curve in evidence.curves},
        }
        for row, method in enumerate(evidence.methods)
        for column, layer in enumerate(evidence.layers)
    ]
    return {
        "class": evidence.target_label,
        "index": evidence.target,
        "logit": evidence.score,
        "probability": evidence.probability,
        "metrics": [
            {"name": name, "better": better, "meaning": meaning}
            for name, better, meaning in zip(
                evidence.metrics, evidence.better, evidence.meanings, strict=True
            )
        ],
        "curves": {
            curve.name: {
                "across": curve.across,
                "places": _plain(curve.places),
                "ticks": list(curve.ticks),
            }
            for curve in evidence.curves
        },
        "cells": cells,
        "notes": list(evidence.notes),
    }


def _plain(values: Any) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 6) for value in values]
