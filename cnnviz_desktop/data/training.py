"""Hold the course of a training: numbers over its steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnnviz_desktop.data.arrays import Floats


@dataclass(frozen=True, eq=False)
class Curves:
    """What N numbers were in the course of a training, each at steps of its own.

    `names` (N) are "loss/train", "accuracy/held out": what is measured, and on what. `steps` (N)
    and `values` (N) hold an array (M) each, counted in `unit_of_steps` ("step" or "epoch"); what
    was no number is NaN. `notes` are sentences on it all.
    """

    title: str
    names: tuple[str, ...]
    steps: tuple[Floats, ...]
    values: tuple[Floats, ...]
    unit_of_steps: str = "step"
    notes: tuple[str, ...] = ()

    def last(self, name: str) -> float:
        """Return the latest value of a number; NaN where there is none."""
        if name not in self.names:
            return math.nan
        values = self.values[self.names.index(name)]
        return float(values[-1]) if len(values) else math.nan
