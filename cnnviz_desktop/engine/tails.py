"""Run only what follows a layer, for other outputs of it than it gave.

The network itself is left as it is: a copy of its modules, which shares the weights, has those that
are done before the layer replaced by what they gave. It is used only where it was seen to give the
same scores for the picture at hand; where it cannot be made or answers otherwise, the network
itself serves, from the beginning.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import chain, cycle
from typing import Any

import torch
from torch import Tensor, nn

from cnnviz_desktop.data import LayerNode
from cnnviz_desktop.engine.convolutions import quick_convolutions
from cnnviz_desktop.engine.heads import put_layer
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.recording import hooked, interruptible, replaced
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import Cancelled

_SAME = 1e-4  # of the largest score: what a copy's may differ by

Scores = Callable[[Tensor], Tensor]


def behind(
    model: LoadedModel, tensor: Tensor, layer: LayerNode, call: int, logits: Tensor, run: Run
) -> Scores:
    """Return what gives the scores (N, K) for other outputs (N, C, h, w) of a layer.

    Modules that were done before the layer began are not run again. `logits` (K,) are the network's
    own for `tensor`.
    """
    recorded, maps = _before(model, tensor, layer, call, run)
    if recorded:
        try:
            shared = chain(model.module.parameters(), model.module.buffers())
            made = copy.deepcopy(model.module, {id(item): item for item in shared})
            for name, outputs in recorded.items():
                put_layer(made, name, _Said(outputs))
            scores = _with_output(model, made, tensor, layer, call, run)
            if _agrees(scores(maps)[0], logits):
                return scores
        except (Cancelled, torch.OutOfMemoryError):
            raise
        except Exception:  # whatever a network of someone's own raises
            return _with_output(model, model.module, tensor, layer, call, run)
    return _with_output(model, model.module, tensor, layer, call, run)


def _agrees(scores: Tensor, wanted: Tensor) -> bool:
    if scores.shape != wanted.shape:
        return False
    return bool((scores - wanted).abs().max() <= _SAME * wanted.abs().max())


def _with_output(
    model: LoadedModel, module: nn.Module, tensor: Tensor, layer: LayerNode, call: int, run: Run
) -> Scores:
    def scores(maps: Tensor) -> Tensor:
        given = tensor.expand(len(maps), *tensor.shape[1:])
        given = given.clone(memory_format=model.layout)  # it may be written into
        with (
            torch.inference_mode(),
            interruptible(module, run),
            quick_convolutions(module),
            replaced(module.get_submodule(layer.name), call, maps),
        ):
            return model.logits(module(given))

    return scores


def _before(
    model: LoadedModel, tensor: Tensor, layer: LayerNode, call: int, run: Run
) -> tuple[dict[str, list[Tensor | None]], Tensor]:
    """Return what the outermost modules gave that end for good before a layer does, and its maps.

    The layer itself may be among them: what it gives is replaced anyway. There are none where the
    layer gives its maps inside a container.
    """
    names = {child: name for name, child in model.module.named_modules()}
    calls = {node.name: node.calls for node in model.layers.walk()}
    target = model.module.get_submodule(layer.name)
    sequences = {name for child, name in names.items() if type(child) is nn.Sequential}
    given: dict[str, list[Tensor | None]] = {}
    maps: list[Tensor] = []
    begun = 0

    def begin(child: nn.Module, _inputs: object) -> None:
        nonlocal begun
        begun += child is target

    def end(child: nn.Module, _inputs: object, output: object) -> None:
        name = names[child]
        if begun > call and (maps or child is not target):
            return
        for inner in [key for key in given if not name or key.startswith(f"{name}.")]:
            del given[inner]
        if not isinstance(output, Tensor):
            return
        if begun > call:
            maps.append(output.clone())
        parent = name.rpartition(".")[0]
        if parent in sequences and calls.get(parent) == 1:
            # Each reads what the one before gave, and nobody else does.
            before = [key for key in given if key.rpartition(".")[0] == parent]
            given.update((key, [None] * len(given[key])) for key in before)
        given.setdefault(name, []).append(output.clone())

    with (
        torch.inference_mode(),
        interruptible(model.module, run),
        hooked(names, before=begin, after=end),
    ):
        model.module(tensor.clone())
    done = {name: outputs for name, outputs in given.items() if len(outputs) == calls.get(name)}
    return (done, maps[0]) if maps else ({}, tensor)


class _Said(nn.Module):
    """Gives what a module gave in the picture's pass, for as many pictures as come in.

    None stands for an output that nobody reads any more: the input is handed on in its place.
    """

    def __init__(self, outputs: list[Tensor | None]) -> None:
        super().__init__()
        self._outputs = cycle(outputs)

    def forward(self, *inputs: Any, **_named: Any) -> Any:
        output = next(self._outputs)
        if output is None:
            return inputs[0]
        count = len(inputs[0]) if inputs and isinstance(inputs[0], Tensor) else 1
        # A copy, since what comes next may write into it.
        return output.expand(count, *output.shape[1:]).clone()
