"""Build timm's convolutional networks and fetch their published weights."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from cnnviz_desktop.data import RANDOM
from cnnviz_desktop.engine.caches import checkpoints_folder, repository_file
from cnnviz_desktop.engine.catalogue import TIMM, Published, find, model_names, published
from cnnviz_desktop.engine.checkpoints import State, class_count
from cnnviz_desktop.engine.loaded_model import LoadedModel, ready
from cnnviz_desktop.engine.preprocessing import Preprocessing
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.torchvision_models import Built, imagenet_classes
from cnnviz_desktop.engine.weights import drawn, load_state, read_state, undrawn
from cnnviz_desktop.errors import ModelError, did_you_mean
from cnnviz_desktop.paths import expanded


def load_timm(name: str, weights: Path | str | None, device: torch.device, run: Run) -> LoadedModel:
    """Load one of timm's networks by its name there, its weights downloaded once.

    The name may carry a tag of published weights: “resnet50.a2_in1k”.
    """
    built = build_timm(name, weights, run)
    return ready(TIMM + name, built.module, built.labels, built.preprocessing, device, weights)


def build_timm(name: str, weights: Path | str | None, run: Run) -> Built:
    """Build one of timm's networks and put its weights in; see `load_timm`."""
    entry = find(TIMM + name)
    if entry is None:
        raise ModelError(
            f"CNNviz knows no network “{TIMM}{name}” with convolutional maps."
            f"{did_you_mean(TIMM + name, model_names())} “cnnviz models timm” lists timm's."
        )
    weights_there = _published(name)
    # With its tag: another timm may prefer other weights, which are fed in another way.
    tagged = f"{name.partition('.')[0]}.{weights_there.tag}" if weights_there else name
    config = _config(tagged)
    labels = _labels(config.num_classes)
    module: Any
    if weights == RANDOM:
        with drawn():
            module = _made(tagged, config.num_classes)
    elif weights is None:
        path = _published_file(name, weights_there, run)
        run.check()
        module = _filled(tagged, config.num_classes, {"file": str(path)}, path)
    else:
        path = expanded(weights)
        module = _own(tagged, config.num_classes, read_state(path), path, run)
        labels = _labels(module.num_classes)
    return Built(module, labels, _preprocessing(config))


def timm() -> ModuleType:
    """Import timm; name the remedy where it does not work with what is installed."""
    from cnnviz_desktop.engine.torchvision_models import torchvision

    torchvision()  # says what is wrong with a torchvision of another torch
    try:
        import timm as found
    except ImportError as error:
        raise ModelError(
            f"timm cannot be imported ({error}). Install it: pip install --upgrade timm"
        ) from error
    module: ModuleType = found
    return module


def _config(name: str) -> Any:
    try:
        return timm().get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError as error:
        raise ModelError(
            f"The installed timm {timm().__version__} has no “{name}”. Update it: "
            "pip install --upgrade timm"
        ) from error


def _made(name: str, classes: int, **options: Any) -> nn.Module:
    module: nn.Module = timm().create_model(name, num_classes=classes, **options)
    return module


def _filled(name: str, classes: int, source: dict[str, Any], path: Path) -> nn.Module:
    """Let timm load published weights: it knows their older names and extra classes."""
    # Only weights as another framework saved them need `custom_load`, and none are fetched here.
    overlay = {**source, "custom_load": False}
    try:
        with undrawn():
            return _made(name, classes, pretrained=True, pretrained_cfg_overlay=overlay)
    except Exception as error:  # damaged bytes make readers fail in many ways
        raise ModelError(
            f"{path} is damaged or does not hold the weights of {TIMM}{name}. Delete it to have "
            "it fetched again."
        ) from error


def _own(name: str, classes: int, state: State, path: Path, run: Run) -> Any:
    """Build a network with the weights of a person's own file, and as many classes as those."""
    run.check()
    with undrawn():
        module = _made(name, classes)
        own = class_count(state, module.state_dict())
        if own is not None:  # a head of one's own, as fine-tuning leaves it
            module = _made(name, own)
    if set(module.state_dict()) != set(state):  # as published, maybe under older names
        with suppress(ModelError):
            return _filled(name, classes, {"state_dict": dict(state)}, path)
    load_state(module, state, TIMM + name.partition(".")[0], path)
    return module


# ---------------------------------------------------------------------------------- published files


def _published(name: str) -> Published | None:
    """Return the weights that a name with or without a tag means, None where there are none."""
    bare, _, tag = name.partition(".")
    offered = published(TIMM + bare)
    return next((item for item in offered if not tag or item.tag == tag), None)


def _published_file(name: str, found: Published | None, run: Run) -> Path:
    """Return published weights from Hugging Face's cache, torch.hub's, or the network."""
    from cnnviz_desktop.engine.downloads import download, hash_prefix

    if found is None:
        raise ModelError(
            f"No weights of {TIMM}{name} are published. Look at it with random ones "
            "(--weights none) or with a file of weights (--weights FILE)."
        )
    cached = repository_file(found.repository) if found.repository else None
    if cached is not None:
        return cached
    target = checkpoints_folder() / found.file_name
    prefix = hash_prefix(found.url) if found.url else None
    return download(address(found), target, sha256_prefix=prefix, run=run)


def address(found: Published) -> str:
    """Return where published weights are fetched from; HF_ENDPOINT names a mirror."""
    if found.url:
        return found.url
    endpoint = os.getenv("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
    return f"{endpoint}/{found.repository}/resolve/main/model.safetensors"


# --------------------------------------------------------------------------- preprocessing, classes


def _preprocessing(config: Any) -> Preprocessing:
    """Read timm's metadata, at the size of training.

    Some are evaluated on squashed pictures (`crop_mode`): how a picture is fitted is the person's
    choice here, and the same for all networks until they choose.
    """
    _, height, width = config.input_size
    return Preprocessing(
        size=(height, width),
        resize=math.floor(min(height, width) / config.crop_pct),  # as timm's own transforms round
        mean=tuple(config.mean),
        std=tuple(config.std),
        interpolation="bilinear" if config.interpolation == "bilinear" else "bicubic",
    )


def _labels(classes: int) -> tuple[str, ...]:
    """Return the names of ImageNet's classes for as many outputs as there are, else numbers."""
    if classes == 1000:
        return imagenet_classes()
    from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset({"num_classes": classes})
    if subset is None:
        return tuple(f"class {index}" for index in range(classes))
    names = ImageNetInfo(subset).label_descriptions()
    return tuple(str(name).partition(",")[0] for name in names)
