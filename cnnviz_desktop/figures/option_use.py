"""Say which options of a plate change nothing about the figure of a result."""

from __future__ import annotations

from collections.abc import Iterable

from cnnviz_desktop.data import (
    Activation,
    Comparison,
    Curves,
    Distribution,
    Evidence,
    Exemplars,
    FilterBank,
    Heatmap,
    Heatmaps,
    Maximised,
    Prediction,
    Result,
    Sheet,
    Table,
    Timeline,
    Tuning,
)

_OF_ALL = frozenset({"title", "caption", "dark", "width", "slide", "dpi", "transparent"})
_OF_HEAT = frozenset(
    {"mode", "colormap", "opacity", "threshold", "signed", "gamma", "cells", "high"}
)
_OF_MAPS = frozenset(
    {"order", "channels", "hide_silent", "high", "overlay", "opacity", "limit", "columns", "scale"}
    | {"colormap", "signed", "gamma", "colour_bar"}
)
_USED: dict[type[Result], frozenset[str]] = {  # a kind that is not here takes those of all alone
    Prediction: frozenset({"limit"}),
    Activation: _OF_MAPS,
    Heatmap: _OF_HEAT | {"colour_bar", "box"},
    Heatmaps: _OF_HEAT | {"colour_bar", "box", "columns", "scale"},
    Comparison: _OF_HEAT | {"columns", "limit", "scale"},
    Evidence: _OF_HEAT | {"box"},
    FilterBank: frozenset({"colormap", "colour_bar", "columns", "limit", "scale"}),
    Distribution: frozenset({"colour_bar", "columns", "limit", "scale"}),
    Sheet: frozenset({"colormap", "columns", "gamma", "scale", "signed"}),
    Table: frozenset({"limit"}),
    Tuning: frozenset({"colour_bar", "columns", "limit"}),
    Maximised: frozenset({"columns", "limit"}),
    Exemplars: frozenset({"channels", "limit"}),
    Curves: frozenset({"columns", "limit"}),
    Timeline: frozenset({"limit"}),
}


def idle_options(result: Result, given: Iterable[str]) -> tuple[str, ...]:
    """Return those of the options, by name, that change nothing about the figure of a result."""
    used = _OF_ALL | _USED.get(type(result), frozenset())
    return tuple(name for name in given if name not in used)
