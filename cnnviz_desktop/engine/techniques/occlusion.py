"""Occlusion: how far a class's score falls when a part of the picture is covered.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
arXiv:1311.2901.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cnnviz_desktop.data import Box
from cnnviz_desktop.engine.input_explanation import InputExplanation
from cnnviz_desktop.engine.technique import Choice, Integer, parameter

if TYPE_CHECKING:
    from torch import Tensor

    from cnnviz_desktop.engine.input_pass import Found, Subject

_WINDOWS = 7  # along the shorter side by default, each half over the next


@dataclass(frozen=True, kw_only=True)
class Occlusion(InputExplanation):
    """Slide a window over the picture, cover what is in it and watch a class's logit.

    The map is the logit's fall at each pixel, the mean over all windows on it: below zero, the
    class gains where the picture is covered. Windows begin at every multiple of the stride until
    the picture's end is covered; the last ones are cut off there.
    """

    title: ClassVar[str] = "Occlusion"
    command: ClassVar[str] = "occlusion"
    family: ClassVar[str] = "Perturbation"
    summary: ClassVar[str] = "Cover the picture piece by piece and see which a class needs."
    paper: ClassVar[str] = "arXiv:1311.2901"

    window: int = parameter(
        Integer(0, 4096, "automatic"),
        0,
        "Side of the window in pixels of the network's input; 0 is a seventh of its shorter side.",
    )
    stride: int = parameter(
        Integer(0, 4096, "automatic"),
        0,
        "Pixels from one window to the next, at most the window: fewer are finer and slower; 0 is "
        "half the window.",
    )
    fill: str = parameter(
        Choice(("grey", "black", "mean colour", "blur")),
        "grey",
        "What covers the picture: a colour, or the picture itself, out of focus.",
    )

    def is_quick(self) -> bool:
        """Say no: the network runs once for each window."""
        return False

    def windows(self, height: int, width: int) -> list[Box]:
        """Return the windows on an input, row by row."""
        side = self.window or max(1, round(min(height, width) / _WINDOWS))
        stride = min(side, self.stride or max(1, side // 2))
        return [
            Box(top, left, min(top + side, height), min(left + side, width))
            for top in _starts(height, side, stride)
            for left in _starts(width, side, stride)
        ]

    def explain(self, subject: Subject) -> list[Found]:
        """Return each pixel's mean fall of the logit, for each class."""
        import torch

        from cnnviz_desktop.engine.baselines import baseline
        from cnnviz_desktop.engine.input_pass import Found, scores

        logits, targets = subject.asked()
        height, width = subject.tensor.shape[2:]
        boxes = self.windows(height, width)
        cover = baseline(subject.model, subject.tensor, self.fill)
        covered = (_covered(subject.tensor, cover, box) for box in boxes)
        falls = np.zeros((len(targets), height, width))
        windows = np.zeros((height, width))
        found: list[Found] = []
        done = 0
        for batch in subject.batches(covered, len(boxes), "Covering the picture", kept=False):
            answers = scores(subject.model, batch, subject.run)
            fallen = (logits - answers)[:, targets].cpu().double().numpy()
            for box, fall in zip(boxes[done : done + len(batch)], fallen, strict=True):
                falls[:, *box.slices()] += fall[:, None, None]
                windows[box.slices()] += 1
            done += len(batch)
            means = falls / np.maximum(windows, 1)
            found = [Found(torch.from_numpy(values)) for values in means]
            subject.show(found)
        return found


def _starts(length: int, side: int, stride: int) -> range:
    """Return where windows begin: until one of them reaches the end."""
    beyond = max(0, length - side)
    return range(0, -(-beyond // stride) * stride + 1, stride)


def _covered(tensor: Tensor, cover: Tensor, box: Box) -> Tensor:
    """Return an input (1, C, H, W) with `cover` in place of what is in a box."""
    import torch

    rows = torch.arange(tensor.shape[2], device=tensor.device)
    columns = torch.arange(tensor.shape[3], device=tensor.device)
    inside = ((rows >= box.top) & (rows < box.bottom))[:, None] & (
        (columns >= box.left) & (columns < box.right)
    )
    return torch.where(inside, cover, tensor)
