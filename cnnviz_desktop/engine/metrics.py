"""Name the numbers that tell how far an explanation can be believed; no torch, for forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from cnnviz_desktop.data import Better

Part = Literal["road", "perturbation", "masking", "place", "sanity"]


@dataclass(frozen=True)
class Metric:
    """A score of a map: its short `title`, its good end, what it means, what it is a part of."""

    title: str
    better: Better
    meaning: str
    part: Part


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "road": Metric(
            "ROAD",
            "higher",
            "Half of what the class's probability differs by between taking away the least and "
            "the most relevant pixels, over nine shares; about 0 for a random map.",
            "road",
        ),
        "morf": Metric(
            "MoRF",
            "lower",
            "Mean change of the probability when the most relevant pixels are taken away (ROAD).",
            "road",
        ),
        "lerf": Metric(
            "LeRF",
            "higher",
            "Mean change of the probability when the least relevant pixels are taken away (ROAD).",
            "road",
        ),
        "insertion": Metric(
            "insertion",
            "higher",
            "Area under the probability as pixels are shown, the most relevant first.",
            "perturbation",
        ),
        "deletion": Metric(
            "deletion",
            "lower",
            "Area under the probability as pixels are covered, the most relevant first.",
            "perturbation",
        ),
        "drop": Metric(
            "drop",
            "lower",
            "Share of the probability that is lost when only what the map lets through is seen.",
            "masking",
        ),
        "increase": Metric(
            "increase",
            "higher",
            "1 where the network is surer of what the map lets through than of the picture.",
            "masking",
        ),
        "pointing": Metric(
            "pointing",
            "higher",
            "1 where the map's maximum is on the object (pointing game).",
            "place",
        ),
        "energy": Metric(
            "energy",
            "higher",
            "Share of what is above zero in the map that is on the object.",
            "place",
        ),
        "sanity": Metric(
            "sanity",
            "lower",
            "Mean size of the rank correlation with the maps of ever more random networks.",
            "sanity",
        ),
        "ssim": Metric(
            "SSIM",
            "lower",
            "Mean structural similarity to the maps of ever more random networks.",
            "sanity",
        ),
    }
)
