"""List the techniques in menu order; adding one is one file and one entry here."""

from __future__ import annotations

from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.engine.techniques.activation_statistics import ActivationStatistics
from cnnviz_desktop.engine.techniques.feature_maps import FeatureMaps
from cnnviz_desktop.engine.techniques.filters import Filters
from cnnviz_desktop.engine.techniques.grad_cam import GradCam
from cnnviz_desktop.engine.techniques.hierarchy import Hierarchy
from cnnviz_desktop.engine.techniques.probes import Probes
from cnnviz_desktop.engine.techniques.summary import Summary
from cnnviz_desktop.engine.techniques.unit_card import UnitCard
from cnnviz_desktop.engine.techniques.weight_statistics import WeightStatistics

TECHNIQUES: tuple[type[Technique], ...] = (
    FeatureMaps,
    Hierarchy,
    UnitCard,
    Filters,
    Probes,
    GradCam,
    Summary,
    WeightStatistics,
    ActivationStatistics,
)

__all__ = [
    "TECHNIQUES",
    "ActivationStatistics",
    "FeatureMaps",
    "Filters",
    "GradCam",
    "Hierarchy",
    "Probes",
    "Summary",
    "UnitCard",
    "WeightStatistics",
]
