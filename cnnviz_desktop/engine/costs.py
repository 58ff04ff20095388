"""Count what every layer costs while a pass runs: multiply-adds, and memory for its output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from cnnviz_desktop.engine.recording import first_tensor, hooked


@dataclass
class Costs:
    """What a pass took, by layer: `multiply_adds` of its own, without those of layers inside it.

    `output_bytes` are those of one output, the last where there are several.
    """

    multiply_adds: dict[str, int] = field(default_factory=dict)
    output_bytes: dict[str, int] = field(default_factory=dict)


@contextmanager
def counted(module: nn.Module) -> Iterator[Costs]:
    """Count the costs of all passes inside the block.

    Counts are torch's own formulas for convolutions, matrix products and attention; additions of a
    bias, norms and activations are not counted, as is usual.
    """
    costs = Costs()
    names = {child: name for name, child in module.named_modules()}
    inside: list[str] = []

    def enter(child: nn.Module, _inputs: object) -> None:
        inside.append(names[child])

    def leave(child: nn.Module, _inputs: object, output: object) -> None:
        inside.pop()
        tensor = first_tensor(output)
        if tensor is not None:
            costs.output_bytes[names[child]] = tensor.numel() * tensor.element_size()

    class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False  # or torch would import its compiler, which takes over a second

        def __torch_dispatch__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
        ) -> Any:
            kwargs = kwargs or {}
            output = func(*args, **kwargs)
            formula = flop_registry.get(func._overloadpacket)
            if formula is not None and inside:
                spent = int(formula(*args, **kwargs, out_val=output)) // 2
                costs.multiply_adds[inside[-1]] = costs.multiply_adds.get(inside[-1], 0) + spent
            return output

    with hooked(names, before=enter, after=leave), Counter():  # type: ignore[no-untyped-call]
        yield costs
