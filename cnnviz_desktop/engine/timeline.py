"""Go back through a training: a folder of checkpoints, and a copy of the network that wears each.

The network of the window is never touched: every checkpoint is put into one and the same copy.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from cnnviz_desktop.data import PRETRAINED
from cnnviz_desktop.engine.catalogue import BUNDLED
from cnnviz_desktop.engine.loaded_model import LoadedModel
from cnnviz_desktop.engine.training_folder import SUFFIXES, is_checkpoint
from cnnviz_desktop.engine.weights import load_state, read_state
from cnnviz_desktop.errors import ModelError, ParameterError
from cnnviz_desktop.resources import resource

FILE, STEP, EPOCH = "file", "step", "epoch"
_WORDS = {STEP: r"(?:global_?)?step|steps|iter(?:ation)?s?", EPOCH: r"epochs?|ep"}


@dataclass(frozen=True)
class Checkpoint:
    """A file of weights and when in the training they were saved."""

    path: Path
    step: int

    @property
    def name(self) -> str:
        """Return the file's name without its suffix."""
        return self.path.stem


def bundled_checkpoints(model: LoadedModel) -> Path | None:
    """Return the checkpoints that ship, where the bundled network is the one that is open."""
    if model.name != BUNDLED or model.weights != PRETRAINED:
        return None
    try:
        return resource("bundled/checkpoints")
    except FileNotFoundError:
        return None


def checkpoints(folder: Path) -> tuple[list[Checkpoint], str]:
    """List the files of weights in a folder by step, else by time, and what the steps count.

    The step is the number behind “step” or “epoch” in the files' names, else the last number of
    each. Raises `ParameterError` where there are none.
    """
    try:
        files = sorted(item for item in folder.iterdir() if item.is_file() and is_checkpoint(item))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ParameterError(f"The folder {folder} cannot be read ({reason}).") from error
    if not files:
        raise ParameterError(
            f"There are no checkpoints in {folder}: choose a folder with files of weights "
            f"({', '.join(SUFFIXES[:4])}), as a training writes them."
        )
    for unit in (STEP, EPOCH, ""):
        numbers = [_number(file.stem, unit) for file in files]
        known = [number for number in numbers if number is not None]
        if len(set(known)) == len(files):
            pairs = sorted(zip(known, files, strict=True))
            return [Checkpoint(file, step) for step, file in pairs], unit or STEP
    by_time = sorted(files, key=lambda file: (_time(file), file.name))
    return [Checkpoint(file, place) for place, file in enumerate(by_time)], FILE


def spread(items: list[Checkpoint], most: int) -> list[Checkpoint]:
    """Return at most so many, evenly, the first and the last among them."""
    if len(items) <= most:
        return items
    if most == 1:
        return items[-1:]
    places = {round(place * (len(items) - 1) / (most - 1)) for place in range(most)}
    return [items[place] for place in sorted(places)]


class Rewound:
    """A copy of a network that wears one checkpoint after the other."""

    def __init__(self, model: LoadedModel) -> None:
        try:
            self._module: nn.Module = copy.deepcopy(model.module)
        except (RuntimeError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(
                f"{model.title} cannot be copied, so that no other weights can be put into it "
                f"({error}). Open one of its checkpoints as the model instead."
            ) from error
        self._model = model

    def at(self, checkpoint: Checkpoint | None) -> LoadedModel:
        """Return the network with a checkpoint's weights; None is as it is.

        It is the one copy: whoever asks for the next checkpoint must be done with this one. Raises
        `ModelError` where the file cannot be read or does not fit.
        """
        model = self._model
        if checkpoint is not None:
            state = read_state(checkpoint.path)
            load_state(self._module, state, model.title, checkpoint.path)
            self._module.eval().requires_grad_(False).to(model.device)
            self._module.to(memory_format=model.layout)
        return replace(model, module=self._module)


def weights_of(module: nn.Module, layers: Iterable[str]) -> dict[str, Tensor]:
    """Return the weights of some layers, as they are now: not copied."""
    return {name: module.get_submodule(name).weight.detach() for name in layers}  # type: ignore[operator]


def weighted_layers(model: LoadedModel) -> tuple[str, ...]:
    """Name the layers that a pass runs and that have weights for inputs, in the order they lie."""
    run = {node.name for node in model.layers.walk() if node.calls}
    named = model.module.named_modules()
    return tuple(
        name
        for name, module in named
        if name in run
        and next(module.children(), None) is None
        and isinstance(weight := getattr(module, "weight", None), Tensor)
        and weight.ndim > 1
    )


def distances(now: Mapping[str, Tensor], then: Mapping[str, Tensor]) -> list[float]:
    """Return the L2 distance of each layer's weights from those of another time."""
    found = []
    for name, weight in now.items():
        other = then[name]
        same = other is weight or other.data_ptr() == weight.data_ptr()
        away = 0.0 if same else float(torch.linalg.vector_norm((weight - other).cpu().double()))
        found.append(away)
    return found


def _number(stem: str, unit: str) -> int | None:
    """Return the number behind a unit's name in a file's, or the last number of all."""
    if unit:
        pattern = rf"(?<![a-z])(?:{_WORDS[unit]})[-_ =.]*(\d{{1,15}})"
        found = re.findall(pattern, stem.lower())
    else:
        found = re.findall(r"\d{1,15}", stem)
    return int(found[-1]) if found else None


def _time(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:  # gone since it was listed
        return 0
