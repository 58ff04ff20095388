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
    Distribution,
    FilterBank,
    Heatmap,
    Prediction,
    Reading,
    Sheet,
    Strip,
    Table,
    Tuning,
)

# The axes of arrays and tuples; an axis of the same name has the same length. A new result type
# gets its line here.
SHAPES: dict[type, dict[str, str]] = {
    Prediction: {"logits": "K", "probabilities": "K", "labels": "K"},
    Activation: {"values": "C h w"},
    Heatmap: {"values": "h w"},
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
    Card: {"classes": "K", "losses": "K"},
    Reading: {"effective": "H W"},
    Arithmetic: {
        "inputs": "n",
        "contributions": "n",
        "patches": "n kh kw",
        "kernels": "n kh kw",
    },
    Strip: {"channels": "C"},
    Table: {"columns": "C", "units": "C", "rows": "R"},
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


# What else a value must fulfil, so that drawing it does no harm.
SOUND: dict[type, Callable[[Any], bool]] = {
    # an overlay is as large as its box
    Box: lambda box: box.height > 0 and box.width > 0 and box.height * box.width <= 2**31,
    Activation: lambda value: value.call >= 0,
    Heatmap: lambda value: value.target >= 0,
    FilterBank: lambda value: value.groups >= 1,
    Strip: _is_sound_strip,
    Distribution: _is_sound_distribution,
    Table: lambda value: all(
        len(row) == len(value.columns) for row in (*value.rows, value.totals or value.columns)
    ),
}
