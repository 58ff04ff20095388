"""Load a network by name."""

from __future__ import annotations

from pathlib import Path

import torch

from cnnviz_desktop.data import RANDOM
from cnnviz_desktop.engine.catalogue import BUNDLED, model_names
from cnnviz_desktop.engine.loaded_model import LoadedModel, ready
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.torchvision_models import load_torchvision, torchvision
from cnnviz_desktop.engine.weights import drawn, load_state, read_state, undrawn
from cnnviz_desktop.errors import ModelError, ParameterError, did_you_mean
from cnnviz_desktop.resources import resource


def load_model(
    name: str,
    weights: Path | str | None = None,
    device: str | torch.device = "cpu",
    run: Run = SILENT,
) -> LoadedModel:
    """Load a network by name.

    `weights` is a file with a state dict (.pth, .safetensors), "none" for random weights, or None
    for the pretrained ones, which are downloaded once into torch.hub's own cache. Raises
    `ModelError` where the name is unknown or the weights cannot be had or do not fit.
    """
    place = find_device(device)
    if name == BUNDLED:
        return _bundled(weights, place)
    models = torchvision().models
    if name not in models.list_models(module=models):
        raise ModelError(
            f"There is no model “{name}”.{did_you_mean(name, model_names())} "
            "“cnnviz models” lists them all."
        )
    return load_torchvision(name, weights, place, run)


def find_device(device: str | torch.device) -> torch.device:
    """Return the device; raise `ParameterError` where this machine has no such one."""
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise ParameterError(
            f"There is no device “{device}”: use cpu, cuda, cuda:1 or mps."
        ) from error
    missing = (place.type == "cuda" and not torch.cuda.is_available()) or (
        place.type == "mps" and not torch.backends.mps.is_available()
    )
    if missing or place.type not in ("cpu", "cuda", "mps"):
        raise ParameterError(f"This machine has no usable {place.type} device. Use cpu.")
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise ParameterError(
            f"This machine has {torch.cuda.device_count()} CUDA devices: {place} is not one."
        )
    return place


def _bundled(weights: Path | str | None, device: torch.device) -> LoadedModel:
    from cnnviz_desktop.bundled.network import BundledNet, preprocessing
    from cnnviz_desktop.bundled.pictures import CLASSES

    if weights == RANDOM:
        with drawn():
            module = BundledNet()
    else:
        path = Path(weights).expanduser() if weights else resource("bundled/bundled.safetensors")
        state = read_state(path)
        with undrawn():
            module = BundledNet()
        load_state(module, state, BUNDLED, path)
    return ready(BUNDLED, module, CLASSES, preprocessing(), device, weights)
