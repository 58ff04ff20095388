"""List the techniques in menu order; adding one is one file and one entry here.

One whose maps can be compared has its entry in `METHODS` instead.
"""

from __future__ import annotations

from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.engine.techniques.ablation_cam import AblationCam
from cnnviz_desktop.engine.techniques.activation_maximization import ActivationMaximization
from cnnviz_desktop.engine.techniques.activation_statistics import ActivationStatistics
from cnnviz_desktop.engine.techniques.channel_health import ChannelHealth
from cnnviz_desktop.engine.techniques.compare_maps import METHODS, CompareMaps
from cnnviz_desktop.engine.techniques.compare_models import CompareModels
from cnnviz_desktop.engine.techniques.deconvnet import Deconvnet
from cnnviz_desktop.engine.techniques.deep_dream import DeepDream
from cnnviz_desktop.engine.techniques.eigen_cam import EigenCam
from cnnviz_desktop.engine.techniques.evaluate import Evaluate
from cnnviz_desktop.engine.techniques.evidence_matrix import EvidenceMatrix
from cnnviz_desktop.engine.techniques.exemplars import Exemplars
from cnnviz_desktop.engine.techniques.faster_score_cam import FasterScoreCam
from cnnviz_desktop.engine.techniques.feature_maps import FeatureMaps
from cnnviz_desktop.engine.techniques.filters import Filters
from cnnviz_desktop.engine.techniques.finer_cam import FinerCam
from cnnviz_desktop.engine.techniques.full_grad import FullGrad
from cnnviz_desktop.engine.techniques.gallery import Gallery
from cnnviz_desktop.engine.techniques.grad_cam import GradCam
from cnnviz_desktop.engine.techniques.grad_cam_plus_plus import GradCamPlusPlus
from cnnviz_desktop.engine.techniques.guided_backprop import GuidedBackprop
from cnnviz_desktop.engine.techniques.guided_grad_cam import GuidedGradCam
from cnnviz_desktop.engine.techniques.hierarchy import Hierarchy
from cnnviz_desktop.engine.techniques.hires_cam import HiResCam
from cnnviz_desktop.engine.techniques.input_x_gradient import InputXGradient
from cnnviz_desktop.engine.techniques.integrated_gradients import IntegratedGradients
from cnnviz_desktop.engine.techniques.inversion import Inversion
from cnnviz_desktop.engine.techniques.layer_cam import LayerCam
from cnnviz_desktop.engine.techniques.occlusion import Occlusion
from cnnviz_desktop.engine.techniques.probes import Probes
from cnnviz_desktop.engine.techniques.saliency import Saliency
from cnnviz_desktop.engine.techniques.score_cam import ScoreCam
from cnnviz_desktop.engine.techniques.smooth_grad import SmoothGrad
from cnnviz_desktop.engine.techniques.summary import Summary
from cnnviz_desktop.engine.techniques.timeline import Timeline
from cnnviz_desktop.engine.techniques.unit_card import UnitCard
from cnnviz_desktop.engine.techniques.weight_statistics import WeightStatistics
from cnnviz_desktop.engine.techniques.xgrad_cam import XGradCam

TECHNIQUES: tuple[type[Technique], ...] = (
    FeatureMaps,
    Hierarchy,
    UnitCard,
    Filters,
    Probes,
    Exemplars,
    Evaluate,
    ActivationMaximization,
    DeepDream,
    Inversion,
    Gallery,
    *METHODS.values(),
    CompareMaps,
    EvidenceMatrix,
    CompareModels,
    Summary,
    WeightStatistics,
    ActivationStatistics,
    ChannelHealth,
    Timeline,
)

__all__ = [
    "TECHNIQUES",
    "AblationCam",
    "ActivationMaximization",
    "ActivationStatistics",
    "ChannelHealth",
    "CompareMaps",
    "CompareModels",
    "Deconvnet",
    "DeepDream",
    "EigenCam",
    "Evaluate",
    "EvidenceMatrix",
    "Exemplars",
    "FasterScoreCam",
    "FeatureMaps",
    "Filters",
    "FinerCam",
    "FullGrad",
    "Gallery",
    "GradCam",
    "GradCamPlusPlus",
    "GuidedBackprop",
    "GuidedGradCam",
    "HiResCam",
    "Hierarchy",
    "InputXGradient",
    "IntegratedGradients",
    "Inversion",
    "LayerCam",
    "Occlusion",
    "Probes",
    "Saliency",
    "ScoreCam",
    "SmoothGrad",
    "Summary",
    "Timeline",
    "UnitCard",
    "WeightStatistics",
    "XGradCam",
]
