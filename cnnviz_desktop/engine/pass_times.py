"""Time the passes of several networks in turns."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

import torch

from cnnviz_desktop.engine.run import Run

if TYPE_CHECKING:
    from torch import Tensor

    from cnnviz_desktop.engine.loaded_model import LoadedModel

_TURN, _MOST_PASSES = 0.03, 20  # seconds, passes


def timed(models: Sequence[LoadedModel], passes: int, run: Run) -> list[float]:
    """Return the median seconds of a pass of each network, timed in turns.

    In each turn a quick network runs several times: its first pass waits for threads to wake.
    """
    examples = [
        torch.zeros(
            1, model.preprocessing.channels, *model.preprocessing.size, device=model.device
        ).contiguous(memory_format=model.layout)
        for model in models
    ]
    times: list[list[float]] = [[] for _ in models]
    with torch.inference_mode():
        for turn in run.track(range(passes + 1), "Timing"):
            for model, example, taken in zip(models, examples, times, strict=True):
                spent = [_pass_time(model, example, run)]
                while sum(spent) < _TURN and len(spent) < _MOST_PASSES:
                    spent.append(_pass_time(model, example, run))
                if turn:  # the first one warms up
                    taken.extend(spent[1:] or spent)
    return [median(taken) for taken in times]


def _pass_time(model: LoadedModel, example: Tensor, run: Run) -> float:
    """Return the seconds of one pass."""
    run.check()
    start = time.perf_counter()
    model.module(example)
    if model.device.type == "cuda":
        torch.cuda.synchronize(model.device)
    elif model.device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter() - start
