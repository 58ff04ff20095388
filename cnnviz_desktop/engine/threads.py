"""Say with how many threads torch computes."""

from __future__ import annotations

import torch

_usual: list[int] = []  # what torch chose by itself, once something else was asked for


def use_threads(count: int) -> None:
    """Compute with so many threads from now on, 0 for torch's own choice.

    The number holds for the calling thread and those it starts.
    """
    if not _usual:
        _usual.append(torch.get_num_threads())
    torch.set_num_threads(count or _usual[0])
