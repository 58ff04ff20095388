"""See inside convolutional networks: the notebook face of CNNviz Desktop.

    from cnnviz_desktop import GradCam, load_image, load_model, overlay

    model = load_model("bundled")
    image = load_image("striped-star.png")
    heatmap = GradCam(target="striped star")(model, image)
    overlay(image, heatmap)  # uint8 (H, W, 3)

Names are imported when first used, so that a window can paint before torch is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "load_image": "cnnviz_desktop.engine.images",
    "load_model": "cnnviz_desktop.engine.models",
    "inspect": "cnnviz_desktop.engine.inspection",
    "overlay": "cnnviz_desktop.figures.pixels",
    "plate": "cnnviz_desktop.figures.plates",
    "save": "cnnviz_desktop.figures.export",
    "save_data": "cnnviz_desktop.figures.export",
    "record": "cnnviz_desktop.engine.technique",
    "FeatureMaps": "cnnviz_desktop.engine.techniques",
    "Filters": "cnnviz_desktop.engine.techniques",
    "Probes": "cnnviz_desktop.engine.techniques",
    "Exemplars": "cnnviz_desktop.engine.techniques",
    "Evaluate": "cnnviz_desktop.engine.techniques",
    "ActivationMaximization": "cnnviz_desktop.engine.techniques",
    "DeepDream": "cnnviz_desktop.engine.techniques",
    "Inversion": "cnnviz_desktop.engine.techniques",
    "Gallery": "cnnviz_desktop.engine.techniques",
    "GradCam": "cnnviz_desktop.engine.techniques",
    "GradCamPlusPlus": "cnnviz_desktop.engine.techniques",
    "XGradCam": "cnnviz_desktop.engine.techniques",
    "HiResCam": "cnnviz_desktop.engine.techniques",
    "LayerCam": "cnnviz_desktop.engine.techniques",
    "FinerCam": "cnnviz_desktop.engine.techniques",
    "EigenCam": "cnnviz_desktop.engine.techniques",
    "FullGrad": "cnnviz_desktop.engine.techniques",
    "ScoreCam": "cnnviz_desktop.engine.techniques",
    "FasterScoreCam": "cnnviz_desktop.engine.techniques",
    "AblationCam": "cnnviz_desktop.engine.techniques",
    "Saliency": "cnnviz_desktop.engine.techniques",
    "InputXGradient": "cnnviz_desktop.engine.techniques",
    "SmoothGrad": "cnnviz_desktop.engine.techniques",
    "IntegratedGradients": "cnnviz_desktop.engine.techniques",
    "GuidedBackprop": "cnnviz_desktop.engine.techniques",
    "Deconvnet": "cnnviz_desktop.engine.techniques",
    "GuidedGradCam": "cnnviz_desktop.engine.techniques",
    "Occlusion": "cnnviz_desktop.engine.techniques",
    "CompareMaps": "cnnviz_desktop.engine.techniques",
    "CompareModels": "cnnviz_desktop.engine.techniques",
    "EvidenceMatrix": "cnnviz_desktop.engine.techniques",
    "Hierarchy": "cnnviz_desktop.engine.techniques",
    "UnitCard": "cnnviz_desktop.engine.techniques",
    "Summary": "cnnviz_desktop.engine.techniques",
    "WeightStatistics": "cnnviz_desktop.engine.techniques",
    "ActivationStatistics": "cnnviz_desktop.engine.techniques",
    "ChannelHealth": "cnnviz_desktop.engine.techniques",
    "Timeline": "cnnviz_desktop.engine.techniques",
    "FineTuning": "cnnviz_desktop.engine.fine_tuning",
    "fine_tune": "cnnviz_desktop.engine.fine_tuning",
    "track": "cnnviz_desktop.engine.tracking",
    "LightningTracker": "cnnviz_desktop.engine.lightning_tracker",
    "InputSpec": "cnnviz_desktop.data",
    "Run": "cnnviz_desktop.engine.run",
    "CnnvizError": "cnnviz_desktop.errors",
}

if TYPE_CHECKING:
    from cnnviz_desktop.data import InputSpec as InputSpec
    from cnnviz_desktop.engine import techniques as techniques
    from cnnviz_desktop.engine.fine_tuning import FineTuning as FineTuning
    from cnnviz_desktop.engine.fine_tuning import fine_tune as fine_tune
    from cnnviz_desktop.engine.images import load_image as load_image
    from cnnviz_desktop.engine.inspection import inspect as inspect
    from cnnviz_desktop.engine.lightning_tracker import LightningTracker as LightningTracker
    from cnnviz_desktop.engine.models import load_model as load_model
    from cnnviz_desktop.engine.run import Run as Run
    from cnnviz_desktop.engine.technique import record as record
    from cnnviz_desktop.engine.techniques import AblationCam as AblationCam
    from cnnviz_desktop.engine.techniques import ActivationMaximization as ActivationMaximization
    from cnnviz_desktop.engine.techniques import ActivationStatistics as ActivationStatistics
    from cnnviz_desktop.engine.techniques import ChannelHealth as ChannelHealth
    from cnnviz_desktop.engine.techniques import CompareMaps as CompareMaps
    from cnnviz_desktop.engine.techniques import CompareModels as CompareModels
    from cnnviz_desktop.engine.techniques import Deconvnet as Deconvnet
    from cnnviz_desktop.engine.techniques import DeepDream as DeepDream
    from cnnviz_desktop.engine.techniques import EigenCam as EigenCam
    from cnnviz_desktop.engine.techniques import Evaluate as Evaluate
    from cnnviz_desktop.engine.techniques import EvidenceMatrix as EvidenceMatrix
    from cnnviz_desktop.engine.techniques import Exemplars as Exemplars
    from cnnviz_desktop.engine.techniques import FasterScoreCam as FasterScoreCam
    from cnnviz_desktop.engine.techniques import FeatureMaps as FeatureMaps
    from cnnviz_desktop.engine.techniques import Filters as Filters
    from cnnviz_desktop.engine.techniques import FinerCam as FinerCam
    from cnnviz_desktop.engine.techniques import FullGrad as FullGrad
    from cnnviz_desktop.engine.techniques import Gallery as Gallery
    from cnnviz_desktop.engine.techniques import GradCam as GradCam
    from cnnviz_desktop.engine.techniques import GradCamPlusPlus as GradCamPlusPlus
    from cnnviz_desktop.engine.techniques import GuidedBackprop as GuidedBackprop
    from cnnviz_desktop.engine.techniques import GuidedGradCam as GuidedGradCam
    from cnnviz_desktop.engine.techniques import Hierarchy as Hierarchy
    from cnnviz_desktop.engine.techniques import HiResCam as HiResCam
    from cnnviz_desktop.engine.techniques import InputXGradient as InputXGradient
    from cnnviz_desktop.engine.techniques import IntegratedGradients as IntegratedGradients
    from cnnviz_desktop.engine.techniques import Inversion as Inversion
    from cnnviz_desktop.engine.techniques import LayerCam as LayerCam
    from cnnviz_desktop.engine.techniques import Occlusion as Occlusion
    from cnnviz_desktop.engine.techniques import Probes as Probes
    from cnnviz_desktop.engine.techniques import Saliency as Saliency
    from cnnviz_desktop.engine.techniques import ScoreCam as ScoreCam
    from cnnviz_desktop.engine.techniques import SmoothGrad as SmoothGrad
    from cnnviz_desktop.engine.techniques import Summary as Summary
    from cnnviz_desktop.engine.techniques import Timeline as Timeline
    from cnnviz_desktop.engine.techniques import UnitCard as UnitCard
    from cnnviz_desktop.engine.techniques import WeightStatistics as WeightStatistics
    from cnnviz_desktop.engine.techniques import XGradCam as XGradCam
    from cnnviz_desktop.engine.tracking import track as track
    from cnnviz_desktop.errors import CnnvizError as CnnvizError
    from cnnviz_desktop.figures.export import save as save
    from cnnviz_desktop.figures.export import save_data as save_data
    from cnnviz_desktop.figures.pixels import overlay as overlay
    from cnnviz_desktop.figures.plates import plate as plate

__all__ = [  # noqa: RUF022 - the order in which a notebook meets them
    "load_model",
    "load_image",
    "inspect",
    "techniques",
    "FeatureMaps",
    "Hierarchy",
    "UnitCard",
    "Filters",
    "Probes",
    "Exemplars",
    "Evaluate",
    "ActivationMaximization",
    "DeepDream",
    "Inversion",
    "Gallery",
    "GradCam",
    "GradCamPlusPlus",
    "XGradCam",
    "HiResCam",
    "LayerCam",
    "FinerCam",
    "FullGrad",
    "EigenCam",
    "ScoreCam",
    "FasterScoreCam",
    "AblationCam",
    "Saliency",
    "InputXGradient",
    "SmoothGrad",
    "IntegratedGradients",
    "GuidedBackprop",
    "Deconvnet",
    "GuidedGradCam",
    "Occlusion",
    "CompareMaps",
    "CompareModels",
    "EvidenceMatrix",
    "Summary",
    "WeightStatistics",
    "ActivationStatistics",
    "ChannelHealth",
    "Timeline",
    "overlay",
    "plate",
    "save",
    "save_data",
    "record",
    "FineTuning",
    "fine_tune",
    "track",
    "InputSpec",
    "Run",
    "CnnvizError",
]


def __getattr__(name: str) -> Any:
    if name == "techniques":
        return import_module("cnnviz_desktop.engine.techniques")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
