"""Hold the values that cross between engine, figures and faces: frozen, numpy only."""

from __future__ import annotations

from cnnviz_desktop.data.answers import (
    Diagnosis,
    Heatmap,
    Heatmaps,
    Prediction,
)
from cnnviz_desktop.data.arrays import (
    Counts,
    Flags,
    Floats,
    Pixels,
)
from cnnviz_desktop.data.compared import (
    Compared,
    Comparison,
)
from cnnviz_desktop.data.evidence import (
    Better,
    Curve,
    Evidence,
)
from cnnviz_desktop.data.exemplars import (
    ChannelPictures,
    DatasetFacts,
    Evaluation,
    Evaluations,
    ExemplarOverview,
    Exemplars,
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
from cnnviz_desktop.data.timeline import (
    Timeline,
)
from cnnviz_desktop.data.training import (
    Curves,
)
from cnnviz_desktop.data.wanted import (
    Inverted,
    Maximised,
)

# What a technique may give: whoever shows results takes all of these apart.
Result = (
    Prediction
    | Activation
    | Heatmap
    | Heatmaps
    | Comparison
    | Evidence
    | FilterBank
    | Sheet
    | Tuning
    | Distribution
    | Table
    | Card
    | Maximised
    | Inverted
    | Exemplars
    | Evaluations
    | Timeline
    | Curves
)

__all__ = [
    "DETECTS",
    "PRETRAINED",
    "RANDOM",
    "Activation",
    "Arithmetic",
    "Better",
    "Box",
    "Card",
    "Cell",
    "ChannelPictures",
    "Compared",
    "Comparison",
    "Counts",
    "Curve",
    "Curves",
    "DatasetFacts",
    "Diagnosis",
    "Distribution",
    "Evaluation",
    "Evaluations",
    "Evidence",
    "ExemplarOverview",
    "Exemplars",
    "FilterBank",
    "Finding",
    "Flags",
    "Floats",
    "Heatmap",
    "Heatmaps",
    "ImageInput",
    "InputSpec",
    "Inverted",
    "LayerHealth",
    "LayerNode",
    "Maximised",
    "Pixels",
    "Prediction",
    "Reading",
    "Record",
    "Result",
    "Sheet",
    "Strip",
    "Table",
    "Timeline",
    "Tuning",
]
