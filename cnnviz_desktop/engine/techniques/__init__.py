"""List the techniques in menu order; adding one is one file and one entry here."""

from __future__ import annotations

from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.engine.techniques.feature_maps import FeatureMaps
from cnnviz_desktop.engine.techniques.filters import Filters
from cnnviz_desktop.engine.techniques.grad_cam import GradCam

TECHNIQUES: tuple[type[Technique], ...] = (FeatureMaps, Filters, GradCam)

__all__ = ["TECHNIQUES", "FeatureMaps", "Filters", "GradCam"]
