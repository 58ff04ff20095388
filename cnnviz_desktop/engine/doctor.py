"""Examine a network as it is opened: what is broken in it, and what to know before trusting it."""

from __future__ import annotations

from collections.abc import Iterable, Set
from itertools import chain

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from cnnviz_desktop.data import Finding
from cnnviz_desktop.engine.amounts import amount
from cnnviz_desktop.engine.class_names import labels_finding
from cnnviz_desktop.engine.layers import Trace

_ORDER = ("error", "warning", "info")


def examine(
    module: nn.Module,
    seen: Trace,
    labels: tuple[str, ...],
    findings: Iterable[Finding] = (),
    *,
    used: Set[int] = frozenset(),
    drawn: bool = False,
) -> tuple[Finding, ...]:
    """Return what was noticed of a network, errors first, after the findings there already are.

    `labels` are those it came with, before they are made to fit; `used` the ids of the parameters
    that took part in a pass, empty where that is not known; `drawn` says that its weights are
    random on purpose.
    """
    named = labels_finding(len(labels), seen.outputs)
    found = [
        *findings,
        *_broken(module, drawn),
        *_without_statistics(module, drawn),
        *(() if named is None else (named,)),
        *_unused(module, used),
    ]
    if not seen.outputs:
        found.append(
            Finding(
                "info",
                "Not a classifier",
                "The network does not answer with one score per class. Feature maps and filters "
                "work; predictions and explanations need a classifier.",
            )
        )
    if drawn:
        found.append(
            Finding(
                "info",
                "Random weights",
                "The network has learned nothing: what it shows is its architecture's alone.",
            )
        )
    once = dict.fromkeys(found)  # a network that is made ready again brings its findings along
    return tuple(sorted(once, key=lambda item: _ORDER.index(item.severity)))


def _broken(module: nn.Module, drawn: bool) -> list[Finding]:
    """Look through all numbers once; the least and the largest tell, without a copy."""
    wrong, zero = [], []
    # Other buffers may hold infinity on purpose, as masks of attention do.
    statistics = (item for item in module.named_buffers() if ".running_" in f".{item[0]}")
    for name, tensor in chain(module.named_parameters(), statistics):
        if not tensor.is_floating_point() or not tensor.numel() or tensor.is_meta:
            continue
        least, largest = (float(item) for item in torch.aminmax(tensor.detach()))
        if not (abs(least) < float("inf") and abs(largest) < float("inf")):  # NaN is not less
            wrong.append(name)
        elif least == largest == 0 and tensor.ndim > 1 and name.endswith("weight"):
            zero.append(name.removesuffix(".weight"))
    found = []
    if wrong:
        found.append(
            Finding(
                "error",
                "Weights are not numbers",
                f"{amount(len(wrong), 'tensor holds', 'tensors hold')} NaN or infinity, so the "
                "answers mean nothing. Open a checkpoint from before the training failed.",
                tuple(wrong),
            )
        )
    if zero and not drawn:  # as the heads of vision transformers begin
        found.append(
            Finding(
                "warning",
                "Layers of zeros",
                f"All weights of {amount(len(zero), 'layer are', 'layers are')} 0: these answer "
                "the same to every picture. Were they loaded or pruned away?",
                tuple(zero),
            )
        )
    return found


def _without_statistics(module: nn.Module, drawn: bool) -> list[Finding]:
    layers = [item for item in module.named_modules() if isinstance(item[1], _BatchNorm)]
    none = tuple(name for name, layer in layers if layer.running_mean is None)
    fresh = tuple(name for name, layer in layers if not drawn and _is_fresh(layer))
    found = []
    if none:
        found.append(
            Finding(
                "warning",
                "Batch norm keeps no statistics",
                f"{amount(len(none), 'layer normalises', 'layers normalise')} by the picture at "
                "hand (track_running_stats=False): each one is run alone, which takes longer.",
                none,
            )
        )
    if fresh:
        found.append(
            Finding(
                "warning",
                "Batch norm without statistics",
                f"{amount(len(fresh), 'layer has', 'layers have')} a running mean of 0 and "
                "variance of 1, as before training: the network was never trained, or its state "
                "dict was saved without its buffers (running_mean, running_var).",
                fresh,
            )
        )
    return found


def _is_fresh(layer: _BatchNorm) -> bool:
    mean, variance, batches = layer.running_mean, layer.running_var, layer.num_batches_tracked
    if mean is None or variance is None or (batches is not None and int(batches)):
        return False
    return not bool(mean.any()) and bool((variance == 1).all())


def _unused(module: nn.Module, used: Set[int]) -> list[Finding]:
    """Name the outermost parts none of whose parameters take part in a pass."""
    if not used:
        return []
    idle: list[str] = []

    def look(part: nn.Module, name: str) -> None:
        own = list(part.parameters())
        if not own or all(id(item) in used for item in own):
            return
        if name and not any(id(item) in used for item in own):
            idle.append(name)
            return
        prefix = f"{name}." if name else ""
        idle.extend(
            prefix + key
            for key, item in part.named_parameters(recurse=False)
            if id(item) not in used
        )
        for key, child in part.named_children():
            look(child, prefix + key)

    look(module, "")
    if not idle:
        return []
    count = sum(item.numel() for item in module.parameters() if id(item) not in used)
    return [
        Finding(
            "info",
            "Parts that are not used",
            f"{count:,} parameters take no part when the network looks at a picture, such as those "
            "of heads that only training needs.",
            tuple(idle),
        )
    ]
