"""Say how the parts of a value fit together, so that one read from a file can be checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnviz_desktop.data import (
    Activation,
    Arithmetic,
    Box,
    Card,
    Comparison,
    Curve,
    Curves,
    Diagnosis,
    Distribution,
    Evaluation,
    Evaluations,
    Evidence,
    Exemplars,
    FilterBank,
    Heatmap,
    Heatmaps,
    Inverted,
    Maximised,
    Prediction,
    Reading,
    Sheet,
    Strip,
    Table,
    Timeline,
    Tuning,
)

# The axes of arrays and tuples; an axis of the same name has the same length, which is 0 only where
# it has a question mark. A new result type gets its line here.
SHAPES: dict[type, dict[str, str]] = {
    Prediction: {"logits": "K", "probabilities": "K", "labels": "K"},
    Activation: {"values": "C h w"},
    Heatmap: {"values": "h w", "colours": "h w c"},
    Heatmaps: {"maps": "N", "captions": "N"},
    Comparison: {"models": "M"},
    Curve: {"places": "P", "values": "M L P"},
    Curves: {"names": "N", "steps": "N", "values": "N"},
    Evidence: {
        "methods": "M",
        "layers": "L",
        "metrics": "S",
        "better": "S",
        "scores": "M L S",
    },
    FilterBank: {"values": "N I kh kw"},
    Tuning: {
        "channels": "N",
        "names": "P",
        "families": "P",
        "responses": "N P",
        "orientations": "A",
        "frequencies": "F",
        "hues": "H",
        "gratings": "N A F",
        "colours": "N H",
        **dict.fromkeys(("orientation", "peak", "bandwidth", "selectivity"), "N"),
        **dict.fromkeys(("frequency", "hue"), "N"),
        "scores": "N L",
        "pictured": "Q",
        "pictures": "Q s t c",
    },
    Distribution: {
        "layers": "L",
        "edges": "L E",
        "counts": "L B",
        "zeros": "L",
        "broken": "L",
        "box": "L Q",
    },
    Sheet: {"strips": "S"},
    Card: {"classes": "K?", "losses": "K?"},
    Reading: {"effective": "H W"},
    Arithmetic: {
        "inputs": "n",
        "contributions": "n",
        "patches": "n kh kw",
        "kernels": "n kh kw",
    },
    Strip: {"channels": "C"},
    Table: {"columns": "C", "units": "C", "rows": "R"},
    Maximised: {
        "wanted": "N",
        "pictures": "N H W c",
        "objectives": "N S",
        "responses": "N",
        "threshold": "N",
        "growth": "F N h w c",
        "grown": "F",
    },
    Inverted: {
        "original": "H W c",
        "picture": "H W c",
        "objectives": "S",
        "growth": "F h w c",
        "grown": "F",
        "layers": "L",
        "pictures": "L t u c",
        "errors": "L",
        "scores": "L",
        "matches": "L",
    },
    Exemplars: {
        "channels": "N",
        "values": "N k",
        "pictures": "N k s t c",
        **dict.fromkeys(("files", "labels", "rows", "columns", "boxes"), "M"),
        "classes": "K",
        **dict.fromkeys(("means", "strongest", "selectivity"), "N K"),
    },
    Evaluation: {
        "labels": "K",
        **dict.fromkeys(("truth", "predicted", "confidences", "places", "losses"), "N"),
        **dict.fromkeys(("classes", "precision", "recall", "support"), "n"),
        **dict.fromkeys(("bin_counts", "bin_confidences", "bin_accuracies"), "B"),
    },
    Evaluations: {"files": "N", "models": "M"},
    Timeline: {
        **dict.fromkeys(("names", "steps"), "S"),
        "maps": "S h w",
        "kernels": "S n? kh kw",
        "inputs": "n?",
        "heat": "S a b",
        "labels": "K?",
        "answers": "S K?",
        "wanted": "S H W c",
        "layers": "L",
        **dict.fromkeys(("drift", "moved", "dead"), "S L"),
    },
}


def _is_sound_strip(strip: Strip) -> bool:
    """Tell whether a strip has a map for each of its channels, and the layer has these."""
    known = all(0 <= channel < strip.count for channel in strip.channels)
    return known and len(strip.channels) == len(strip.maps.values)


def _is_sound_distribution(spread: Distribution) -> bool:
    """Tell whether each layer has bins from one number up to another, and a whole box plot."""
    edges = spread.edges
    return (
        edges.shape[1] == spread.counts.shape[1] + 1
        and spread.box.shape[1] == 7
        and bool(np.isfinite(edges).all() and (edges[:, 0] < edges[:, -1]).all())
        and all(int(item.min()) >= 0 for item in (spread.counts, spread.zeros, spread.broken))
    )


def _is_sound_evidence(evidence: Evidence) -> bool:
    """Tell whether there is a cell for every method and layer, in the curves too."""
    rows, columns = len(evidence.methods), len(evidence.layers)
    return (
        len(evidence.maps) == len(evidence.reasons) == rows * columns
        and len(evidence.meanings) in (0, len(evidence.metrics))
        and all(curve.values.shape[:2] == (rows, columns) for curve in evidence.curves)
        and 0 <= evidence.controls <= rows
        and evidence.target >= 0
    )


def _are_sound_curves(curves: Curves) -> bool:
    """Tell whether there is a step for each value."""
    pairs = zip(curves.steps, curves.values, strict=True)
    return len(curves.names) > 0 and all(
        steps.ndim == 1 and steps.shape == values.shape and bool(np.isfinite(steps).all())
        for steps, values in pairs
    )


def _are_sound_exemplars(found: Exemplars) -> bool:
    """Tell whether there is one file for each picture, of a class that is there."""
    per_channel = found.values.shape[1]
    return (
        len(found.files) == found.values.size
        and found.pictures.shape[4] == 3
        and len(found.percentiles) in (0, per_channel)
        and all(-1 <= item < len(found.classes) for item in (*found.labels, found.target))
    )


def _is_sound_evaluation(found: Evaluation) -> bool:
    """Tell whether all answers are among the classes, and these in order."""
    known = found.classes
    answers = np.concatenate([found.truth, found.predicted])
    ordered = bool((np.diff(known) > 0).all() and known[0] >= 0 and known[-1] < len(found.labels))
    return ordered and bool(np.isin(answers, known).all())


def _is_sound_timeline(line: Timeline) -> bool:
    """Tell whether there is a checkpoint, and its pictures can be drawn."""
    return len(line.names) > 0 and (line.wanted is None or line.wanted.shape[3] == 3)


def _is_sound_comparison(found: Comparison) -> bool:
    """Tell whether there is a network, and each has the same depths and all the scores."""
    depths = {len(item.strips) for item in found.models if item.strips}
    explained = (len(item.heatmaps) in (0, len(item.strips)) for item in found.models)
    scores = all(len(item.scores) == len(found.measures) for item in found.models)
    return bool(found.models) and len(depths) <= 1 and all(explained) and scores


# What else a value must fulfil, so that drawing it does no harm.
SOUND: dict[type, Callable[[Any], bool]] = {
    # an overlay is as large as its box
    Box: lambda box: box.height > 0 and box.width > 0 and box.height * box.width <= 2**31,
    Activation: lambda value: value.call >= 0,
    Heatmap: lambda value: value.target >= 0,
    Heatmaps: lambda value: value.columns >= 1,
    Diagnosis: lambda value: value.constant >= 0 and value.channels >= 0,
    Comparison: _is_sound_comparison,
    Curve: lambda value: len(value.ticks) in (0, len(value.places)),
    Curves: _are_sound_curves,
    Evidence: _is_sound_evidence,
    FilterBank: lambda value: value.groups >= 1,
    Maximised: lambda value: value.pictures.shape[3] == 3,
    Inverted: lambda value: value.picture.shape[2] == 3,
    Strip: _is_sound_strip,
    Exemplars: _are_sound_exemplars,
    Evaluation: _is_sound_evaluation,
    Timeline: _is_sound_timeline,
    Evaluations: lambda value: all(len(item.truth) == len(value.files) for item in value.models),
    Distribution: _is_sound_distribution,
    Table: lambda value: all(
        len(row) == len(value.columns) for row in (*value.rows, value.totals or value.columns)
    ),
}
