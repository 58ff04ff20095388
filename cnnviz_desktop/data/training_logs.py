"""Hold what a training wrote down while it ran: curves, histograms and pictures over its steps."""

from __future__ import annotations

from dataclasses import dataclass

from cnnviz_desktop.data.arrays import Floats, Pixels
from cnnviz_desktop.data.training import Curves


@dataclass(frozen=True, eq=False)
class LoggedHistogram:
    """How numbers were spread at each of S steps: `counts` (S, B) between `edges` (B + 1)."""

    tag: str
    steps: Floats
    edges: Floats
    counts: Floats


@dataclass(frozen=True, eq=False)
class LoggedPictures:
    """Pictures (S) that were written under one name, each after the step in `steps` (S)."""

    tag: str
    steps: tuple[int, ...]
    pictures: tuple[Pixels, ...]


@dataclass(frozen=True, eq=False)
class LoggedRun:
    """All that one run of a training wrote; `name` is its folder's, "" for the only one."""

    name: str
    curves: Curves
    histograms: tuple[LoggedHistogram, ...] = ()
    pictures: tuple[LoggedPictures, ...] = ()


@dataclass(frozen=True, eq=False)
class TrainingLog:
    """What there is in a folder of logs by now, a run after the other."""

    title: str
    runs: tuple[LoggedRun, ...]
    notes: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Tell whether nothing was written yet."""
        return not any(run.curves.names or run.histograms or run.pictures for run in self.runs)
