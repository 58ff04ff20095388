"""Batch norms are folded where nobody looks in between, and nothing that is looked at changes."""

from __future__ import annotations

import copy

import pytest
import torch
from networks import Residual
from torch import Tensor, nn

from cnnviz_desktop.engine.folding import folded
from cnnviz_desktop.engine.recording import record


def norms(module: nn.Module) -> list[str]:
    return [name for name, child in module.named_modules() if isinstance(child, nn.BatchNorm2d)]


def lively(module: nn.Module) -> nn.Module:
    """Give batch norms numbers that do something."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for child in module.modules():
            if isinstance(child, nn.BatchNorm2d):
                child.running_mean.normal_(0, 1, generator=generator)
                child.running_var.uniform_(0.2, 3, generator=generator)
                child.weight.uniform_(-2, 2, generator=generator)
                child.bias.normal_(0, 1, generator=generator)
    return module.eval().requires_grad_(False)


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize(
    ("layer", "left"),
    [
        ("conv1", ["bn1"]),  # its own norm stays
        ("bn1", []),  # what the norm gave is seen in its place
        ("relu", []),
        ("bn2", []),
        ("conv2", ["bn2"]),
    ],
)
def test_what_is_looked_at_stays_as_it_was(layer, left, inplace):
    module = lively(Residual(inplace))
    calls = {layer: 2 if layer == "relu" else 1}
    x = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))

    copied = folded(module, x[:1], calls)

    assert norms(copied) == left
    assert norms(module) == ["bn1", "bn2"]
    for one, other in zip(
        record(module, x, calls)[layer], record(copied, x, calls)[layer], strict=True
    ):
        assert float((one - other).abs().max()) < 1e-5 * float(one.abs().max())


def test_only_what_is_folded_is_copied():
    module = lively(Residual())

    copied = folded(module, torch.randn(1, 3, 8, 8), {"conv2": 1})

    assert copied.stem.weight.data_ptr() == module.stem.weight.data_ptr()
    assert copied.conv1.weight.data_ptr() != module.conv1.weight.data_ptr()
    assert not any(item.requires_grad for item in copied.parameters())


class Twice(nn.Module):
    """What the convolution gives is used beside the norm, or the norm is used twice."""

    def __init__(self, beside: bool) -> None:
        super().__init__()
        self.conv, self.bn, self.beside = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), beside
        self.out = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        found = self.conv(x)
        if self.beside:
            return self.out(self.bn(found) + found)
        return self.out(self.bn(self.bn(found)))


class Named(nn.Module):
    """One convolution under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.second = nn.Conv2d(3, 3, 1)
        self.bn, self.out = nn.BatchNorm2d(3), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.bn(self.second(x)))


class Unregistered(nn.Module):
    """A convolution that is called through a list that modules do not know of."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn, self.out = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.Identity()
        self.hidden = [self.conv]

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.bn(self.hidden[0](x)))


class Scaled(nn.Conv2d):
    """A convolution with weights of its own making."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 3


@pytest.mark.parametrize(
    "module",
    [
        Twice(beside=True),
        Twice(beside=False),
        Named(),
        Unregistered(),
        nn.Sequential(Scaled(3, 3, 1), nn.BatchNorm2d(3)),
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.BatchNorm2d(3)),
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)),
    ],
    ids=["beside", "norm twice", "two names", "a list", "a child", "a ReLU", "no statistics"],
)
def test_what_cannot_be_folded_is_left(module):
    module = lively_where_it_can(module)
    last = "out" if hasattr(module, "out") else str(len(module) - 1)
    x = torch.randn(1, 3, 4, 4)

    copied = folded(module, x, {last: 1})

    assert torch.allclose(copied(x), module(x), atol=1e-5)
    assert len(norms(copied)) == 1 or isinstance(module, (Named, Unregistered))


def lively_where_it_can(module: nn.Module) -> nn.Module:
    norm = next(child for child in module.modules() if isinstance(child, nn.BatchNorm2d))
    return lively(module) if norm.running_mean is not None else module.eval()


def test_a_network_that_refuses_to_be_copied_is_used_itself():
    class Stubborn(nn.Sequential):
        def __deepcopy__(self, memo: object) -> object:
            raise TypeError("no copies")

    module = lively(Stubborn(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)))

    with pytest.raises(TypeError):
        copy.deepcopy(module)
    assert folded(module, torch.randn(1, 3, 4, 4), {"1": 1}) is module
