"""Take a value apart into the products that were added up to it, by the layer that added them.

Most layers of a block add nothing up themselves: a ReLU cuts off, a concatenation puts together.
Behind each of their values stands one of a convolution, and it is found by gradient: it is the only
one of its maps that moves the value, and in the same place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnviz_desktop.data import Arithmetic, LayerNode
from cnnviz_desktop.engine.recording import first_tensor, hooked
from cnnviz_desktop.engine.run import SILENT, Run

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_SHOWN = 5  # input channels whose patches are kept
Place = tuple[int, ...]  # channel, row and column; of a vector the channel alone


@dataclass
class _Call:
    """One call of a layer that multiplies and adds."""

    name: str
    module: nn.Module
    given: Tensor
    output: Tensor | None = None


@dataclass
class Makers:
    """The layers that may have added a value up; `watching` notes what they read and give."""

    names: dict[nn.Module, str]
    own: nn.Module | None = None  # the very layer that is read, where it adds up itself
    calls: list[_Call] = field(default_factory=list)

    @classmethod
    def of(cls, model: LoadedModel, node: LayerNode) -> Makers:
        """Return what may stand behind a layer's values: itself, what is inside, or the last."""
        module = model.module.get_submodule(node.name)
        if _adds(module):
            return cls({module: node.name}, module)
        if node.children:
            found = [item for item in node.walk() if _adds(model.module.get_submodule(item.name))]
        else:
            leaves = [item for item in model.layers.walk() if not item.children and item.calls]
            place = next((i for i, item in enumerate(leaves) if item.name == node.name), 0)
            found = [
                item
                for item in leaves[:place]
                if _adds(model.module.get_submodule(item.name))
                and item.output_shape == node.output_shape
            ][-1:]
        once = [item for item in found if item.calls == 1 and node.calls == 1]
        return cls({model.module.get_submodule(item.name): item.name for item in once})

    @contextmanager
    def watching(self, model: LoadedModel, run: Run = SILENT) -> Iterator[None]:
        """Note the calls of a pass; let a backward through its graph stop with the run."""

        def before(module: nn.Module, inputs: tuple[object, ...]) -> None:
            found = first_tensor(inputs)
            if found is not None:
                # A copy: the layer before may write into it once more.
                given = found.detach().clone()
                self.calls.append(_Call(self.names[module], module, given))

        def after(module: nn.Module, _inputs: object, output: object) -> object:
            last = self.calls[-1] if self.calls else None
            if last is None or last.module is not module or not isinstance(output, Tensor):
                return output
            last.output = output
            return output.clone()  # or an in-place layer would take the output's own place

        def checked(_slope: Tensor) -> None:
            run.check()

        def stop(_module: nn.Module, _inputs: object, output: object) -> None:
            found = first_tensor(output)
            if found is not None and found.requires_grad:
                found.register_hook(checked)  # type: ignore[no-untyped-call]

        leaves = [child for child in model.module.modules() if next(child.children(), None) is None]
        with (
            hooked(self.names, before=before, after=after),
            hooked([] if run is SILENT else leaves, after=stop),
        ):
            yield

    def slopes(self, value: Tensor, tensor: Tensor) -> tuple[Tensor | None, list[Tensor | None]]:
        """Return the gradient of a value at the network's input, and at each call's output."""
        known = [call.output for call in self.calls if call.output is not None]
        if not value.requires_grad:
            return None, [None] * len(known)
        found: tuple[Tensor | None, ...] = torch.autograd.grad(
            value, [tensor, *known], allow_unused=True, retain_graph=True
        )
        return found[0], list(found[1:])

    def arithmetic(
        self, output: Tensor, place: Place, call: int, slopes: list[Tensor | None]
    ) -> Arithmetic | None:
        """Take apart the value at a place of a layer's output (1, ...); None where nothing adds."""
        if self.own is not None:
            mine = self.calls[call] if call < len(self.calls) else None
            return _taken_apart(mine, place) if mine is not None else None
        found = self._maker(slopes, place)
        if found is None and not any(slope is not None and slope.any() for slope in slopes):
            # What a ReLU cut off is moved by nothing; the strongest place tells who makes the map.
            strongest = _strongest(output, place)
            others = self.slopes(output[(0, *strongest)], output)[1]
            found = self._maker(others, strongest)
        if found is None:
            return None
        made, channel = found
        return _taken_apart(made, (channel, *place[1:]))

    def _maker(self, slopes: list[Tensor | None], place: Place) -> tuple[_Call, int] | None:
        """Return the last call of which one single value moves that at the place, and its map."""
        known = [call for call in self.calls if call.output is not None]
        for call, slope in reversed(list(zip(known, slopes, strict=True))):
            moved = slope[0].nonzero() if slope is not None else None
            if moved is not None and len(moved) == 1 and tuple(moved[0, 1:].tolist()) == place[1:]:
                return call, int(moved[0, 0])
        return None


def _adds(module: nn.Module) -> bool:
    return type(module) in (nn.Conv2d, nn.Linear)


def _strongest(output: Tensor, place: Place) -> Place:
    """Return where in the same map the value is largest."""
    values = output[0, place[0]].detach()
    if not values.ndim:
        return place
    spot = int(values.nan_to_num().argmax())
    return (place[0], *(int(part) for part in divmod(spot, values.shape[-1])))


def _taken_apart(call: _Call, place: Place) -> Arithmetic:
    """Take one value of a layer apart, in float64: its sum is the value up to rounding."""
    module = call.module
    if isinstance(module, nn.Conv2d):
        patch = _patch(module, call.given, place[1], place[2])
        channel, per_group = place[0], module.in_channels // module.groups
        first = channel // (module.out_channels // module.groups) * per_group
        patch = patch[first : first + per_group]
    else:
        assert isinstance(module, nn.Linear)
        # It works along the last axis, whatever lies before.
        channel, first, per_group = place[-1], 0, module.in_features
        patch = call.given[(0, *place[:-1])][:, None, None]
    kernel = module.weight[channel].detach().reshape(patch.shape)
    patch, kernel = patch.cpu().double(), kernel.cpu().double()
    parts = (patch * kernel).sum((1, 2))
    order = parts.abs().argsort(descending=True, stable=True)[:_SHOWN]
    return Arithmetic(
        inputs=tuple(first + int(item) for item in order),
        contributions=parts[order].float().numpy(),
        patches=patch[order].float().contiguous().numpy(),
        kernels=kernel[order].float().contiguous().numpy(),
        rest=float(parts.sum() - parts[order].sum()),
        bias=0.0 if module.bias is None else float(module.bias[channel]),
        count=per_group,
        layer=call.name,
        channel=channel,
    )


def _patch(module: nn.Conv2d, given: Tensor, row: int, column: int) -> Tensor:
    """Cut out what the kernel lies on (I, kh, kw), padding included."""
    pads = module._reversed_padding_repeated_twice
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    padded = functional.pad(given, pads, mode=mode)[0]
    axes = []
    for place, size, stride, dilation in zip(
        (row, column), module.kernel_size, module.stride, module.dilation, strict=True
    ):
        start = place * stride
        axes.append(slice(start, start + (size - 1) * dilation + 1, dilation))
    return padded[:, axes[0], axes[1]]
