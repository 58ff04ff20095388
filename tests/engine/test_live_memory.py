"""How much memory a pass takes, counted by hand on tiny networks."""

from __future__ import annotations

import torch
from torch import nn

from cnnviz_desktop.engine.live_memory import LiveMemory


def peak(module: nn.Module) -> int:
    tensor = torch.zeros(1, 1, 4, 4)  # 64 bytes
    with torch.inference_mode(), LiveMemory(module, tensor) as live:
        module(tensor)
    return live.peak


def test_what_is_alive_at_once_is_counted_and_no_more():
    conv = nn.Conv2d(1, 2, 3, padding=1)  # gives 128 bytes
    assert peak(nn.Sequential(conv)) == 64 + 128
    assert peak(nn.Sequential(conv, nn.ReLU())) == 64 + 128 + 128
    deep = nn.Sequential(conv, nn.ReLU(), nn.ReLU(), nn.ReLU())
    assert peak(deep) == 64 + 128 + 128, "what nobody needs any more is let go"


def test_what_works_in_place_or_only_looks_takes_nothing():
    conv = nn.Conv2d(1, 2, 3, padding=1)
    assert peak(nn.Sequential(conv, nn.ReLU(inplace=True), nn.Flatten())) == 64 + 128


def test_weights_are_not_counted_where_an_operation_gives_them():
    class Gives(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1000))

        def forward(self, tensor: torch.Tensor) -> torch.Tensor:
            return tensor + self.weight.view(10, 100).sum()

    assert peak(Gives()) == 64 + 64 + 4
