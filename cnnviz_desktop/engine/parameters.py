"""Declare the parameters that several techniques have, each with one text for all of them."""

from __future__ import annotations

from cnnviz_desktop.engine.technique import Choice, Integer, Number, parameter

_PICTURE, _REGULARISERS = "Picture", "Regularisers"


def call_parameter(group: str = "") -> int:
    """Declare which of a layer's calls is meant."""
    call: int = parameter(
        Integer(-1, 999),
        -1,
        "Which call, for a layer that one pass runs several times: from 0; -1 is the last.",
        group,
    )
    return call


def show_parameter() -> str:
    """Declare how statistics of layers are shown."""
    show: str = parameter(
        Choice(("table", "histograms", "boxes")),
        "table",
        "A table of numbers, a histogram per layer, or a box plot per layer.",
    )
    return show


# ------------------------------------------------------------------------ of pictures that grow


def side_parameter() -> int:
    """Declare how large a picture grows that begins as noise."""
    side: int = parameter(
        Integer(0, 1024, "automatic"),
        0,
        "Pixels along the picture's longer side; 0 is 128, or a smaller input's own.",
        _PICTURE,
    )
    return side


def seed_parameter() -> int:
    """Declare the seed of all that is drawn at random."""
    seed: int = parameter(
        Integer(0, 999_999), 0, "Where chance begins; the same gives the same.", _PICTURE
    )
    return seed


def rate_parameter() -> float:
    """Declare Adam's learning rate."""
    rate: float = parameter(Number(0.0001, 1, 0.005), 0.05, "Learning rate.", _PICTURE)
    return rate


def jitter_parameter(pixels: int) -> int:
    """Declare how far the picture is shifted before each step."""
    jitter: int = parameter(
        Integer(0, 64), pixels, "Pixels that it is shifted by at most.", "Transforms"
    )
    return jitter


def tv_parameter(weight: float = 0.0) -> float:
    """Declare the weight of the total variation."""
    tv: float = parameter(
        Number(0, 1000, 0.1), weight, "Weight against differences of neighbours.", _REGULARISERS
    )
    return tv


def l2_parameter() -> float:
    """Declare the weight of the squared distance from grey."""
    l2: float = parameter(
        Number(0, 1000, 0.1), 0.0, "Weight against distance from grey.", _REGULARISERS
    )
    return l2


def blur_parameter() -> float:
    """Declare the weight of the picture's distance from itself, blurred."""
    blur: float = parameter(
        Number(0, 1000, 0.1), 0.0, "Weight against what blurring takes away.", _REGULARISERS
    )
    return blur
