"""Networks of a few numbers, each with one of the traps that recording must not fall into."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Plain(nn.Sequential):
    """Conv -> ReLU -> conv -> ReLU -> pool -> linear, with ReLUs in place or not."""

    def __init__(self, inplace: bool = True) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.relu1 = nn.ReLU(inplace=inplace)
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.relu2 = nn.ReLU(inplace=inplace)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(6, 3)


def pointwise(*rows: tuple[float, float]) -> nn.Conv2d:
    """Make channels of weight x red + bias."""
    conv = nn.Conv2d(3, len(rows), 1)
    with torch.no_grad():
        conv.weight.zero_()
        for place, (weight, bias) in enumerate(rows):
            conv.weight[place, 0] = weight
            conv.bias[place] = bias
    return conv


class Functional(nn.Module):
    """The same with functional ReLUs, in place or not."""

    def __init__(self, inplace: bool = True) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.fc = nn.Linear(6, 3)
        self.inplace_calls = inplace

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.conv1(x), inplace=self.inplace_calls)
        x = functional.relu(self.conv2(x), inplace=self.inplace_calls)
        return self.fc(x.mean((2, 3)))


class Residual(nn.Module):
    """A ResNet block: one ReLU called twice, in place, and `out += identity`."""

    def __init__(self, inplace: bool = True) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=inplace)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 3)
        self.added_in_place = inplace
        with torch.no_grad():
            for bn in (self.bn1, self.bn2):
                bn.running_mean.normal_(0, 0.3)
                bn.running_var.uniform_(0.5, 2)
                bn.weight.uniform_(0.5, 1.5)
                bn.bias.normal_(0, 0.3)

    def forward(self, x: Tensor) -> Tensor:
        identity = self.stem(x)
        out = self.relu(self.bn1(self.conv1(identity)))
        out = self.bn2(self.conv2(out))
        if self.added_in_place:
            out += identity
        else:
            out = out + identity
        return self.fc(self.relu(out).mean((2, 3)))


class Views(nn.Module):
    """Layers that give their own input back, before and after one that writes in place."""

    def __init__(self, inplace: bool = True) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.identity = nn.Identity()
        self.dropout = nn.Dropout(0.5)
        self.relu = nn.ReLU(inplace=inplace)
        self.after = nn.Identity()
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dropout(self.identity(self.conv(x)))
        return self.fc(self.after(self.relu(x)).mean((2, 3)))


class Pair(NamedTuple):
    """What a layer of `Containers` gives."""

    count: int
    maps: Tensor


class _Giver(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Any:
        match self.kind:
            case "tuple":
                return (x * 2, None)
            case "list":
                return [x * 2, x]
            case "dict":
                return {"note": "text", "maps": x * 2}
            case "named":
                return Pair(7, x * 2)
            case _:
                return "nothing"


class Containers(nn.Module):
    """A layer that gives its maps inside a container, and another that gives no tensor at all."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.giver = _Giver(kind)
        self.silent = _Giver("none")
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> dict[str, Any]:
        given = self.giver(self.conv(x))
        match given:
            case Pair():
                x = given.maps
            case dict():
                x = given["maps"]
            case _:
                x = given[0]
        text = self.silent(x)
        x = x.clone()
        x.relu_()
        return {"text": text, "logits": self.fc(x.mean((2, 3)))}


class Counter(nn.Module):
    """Counts its calls and hands its input on."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        return x * 1


class Counted(nn.Sequential):
    """Conv -> counter -> conv -> counter -> head: shows how far a pass went."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.before = Counter()
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.after = Counter()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(4, 3)


class SideBranch(nn.Module):
    """A branch that the logits do not depend on."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(6)
        self.main = nn.Conv2d(3, 4, 3, padding=1)
        self.side = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.side(x)
        return self.fc(self.main(x).relu().mean((2, 3)))


class OneChannel(nn.Sequential):
    """A layer whose output is one map."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.conv1 = nn.Conv2d(3, 1, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(1, 3, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()


class Failing(nn.Module):
    """Raises in the middle of a pass."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(4, 3)
        self.fails = False

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.fails:
            raise ArithmeticError("on purpose")
        return self.fc(x.relu().mean((2, 3)))


class LeNet(nn.Module):
    """A flat LeNet as tutorials write it: one pool module called twice, functional ReLUs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(functional.relu(self.conv1(x)))
        x = self.pool(functional.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        return self.fc3(functional.relu(self.fc2(functional.relu(self.fc1(x)))))


class Mnist(nn.Sequential):
    """A network of 1x28x28 pictures as tutorials write it: no other size fits its linear layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(8)
        self.conv1 = nn.Conv2d(1, 4, 5)  # 24
        self.relu1 = nn.ReLU(inplace=True)
        self.pool1 = nn.MaxPool2d(2)  # 12
        self.conv2 = nn.Conv2d(4, 6, 5)  # 8
        self.relu2 = nn.ReLU(inplace=True)
        self.pool2 = nn.MaxPool2d(2)  # 4
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(6 * 4 * 4, 10)


class Cifar(nn.Module):
    """A residual network of 3x32x32 pictures that takes any size."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(9)
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.down = nn.Conv2d(4, 8, 3, stride=2, padding=1)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        out = self.conv2(x)
        out += x
        return self.fc(functional.relu(self.down(functional.relu(out))).mean((2, 3)))


class Ending(nn.Module):
    """Maps, their mean, a linear layer, and an end of any kind after the scores.

    `end` is a function or module of (N, 3) scores; `features` is the same network's inside, so that
    two of these differ in their end alone.
    """

    def __init__(self, end: Any, inplace: bool = True) -> None:
        super().__init__()
        torch.manual_seed(10)
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.ReLU(inplace=inplace),
            nn.Conv2d(4, 5, 3, padding=1),
            nn.ReLU(inplace=inplace),
        )
        self.fc = nn.Linear(5, 3)
        self.end = end

    def forward(self, x: Tensor) -> Any:
        return self.end(self.fc(self.features(x).mean((2, 3))))


class Lambda(nn.Module):
    """A function as a module, as Keras users write it."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)
