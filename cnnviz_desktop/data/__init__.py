"""Hold the values that cross between engine, figures and faces: frozen, numpy only."""

from __future__ import annotations

from cnnviz_desktop.data.answers import (
    Heatmap,
    Prediction,
)
from cnnviz_desktop.data.arrays import (
    Counts,
    Flags,
    Floats,
    Pixels,
)
from cnnviz_desktop.data.inputs import (
    Box,
    ImageInput,
    InputSpec,
)
from cnnviz_desktop.data.maps import (
    DETECTS,
    Activation,
    Arithmetic,
    Card,
    FilterBank,
    Reading,
    Sheet,
    Strip,
    Tuning,
)
from cnnviz_desktop.data.networks import (
    PRETRAINED,
    RANDOM,
    Finding,
    LayerNode,
)
from cnnviz_desktop.data.records import (
    Record,
)
from cnnviz_desktop.data.tables import (
    Cell,
    Distribution,
    LayerHealth,
    Table,
)

# What a technique may give: whoever shows results takes all of these apart.
Result = (
    Prediction | Activation | Heatmap | FilterBank | Sheet | Tuning | Distribution | Table | Card
)

__all__ = [
    "DETECTS",
    "PRETRAINED",
    "RANDOM",
    "Activation",
    "Arithmetic",
    "Box",
    "Card",
    "Cell",
    "Counts",
    "Distribution",
    "FilterBank",
    "Finding",
    "Flags",
    "Floats",
    "Heatmap",
    "ImageInput",
    "InputSpec",
    "LayerHealth",
    "LayerNode",
    "Pixels",
    "Prediction",
    "Reading",
    "Record",
    "Result",
    "Sheet",
    "Strip",
    "Table",
    "Tuning",
]
