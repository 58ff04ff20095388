"""Build torchvision's classifiers and read what is published about them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cnnviz_desktop.data import RANDOM
from cnnviz_desktop.engine.checkpoints import class_count
from cnnviz_desktop.engine.loaded_model import LoadedModel, ready
from cnnviz_desktop.engine.preprocessing import Preprocessing
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.weights import drawn, load_state, read_state, undrawn
from cnnviz_desktop.errors import ModelError
from cnnviz_desktop.paths import expanded

WITH_AUXILIARY = ("googlenet", "inception_v3")  # saved with or without the aids of their training
OF_ONE_SIZE = ("vit_",)  # have a number for each position of the pictures they were trained on


class Built(NamedTuple):
    """A network with its weights in, and what is published about its classes and input."""

    module: nn.Module
    labels: tuple[str, ...]
    preprocessing: Preprocessing


def load_torchvision(
    name: str, weights: Path | str | None, device: torch.device, run: Run
) -> LoadedModel:
    """Load one of torchvision's classifiers, its weights downloaded once where none are given."""
    built = build_torchvision(name, weights, run)
    return ready(name, built.module, built.labels, built.preprocessing, device, weights)


def build_torchvision(name: str, weights: Path | str | None, run: Run) -> Built:
    """Build one of torchvision's classifiers and put its weights in; see `load_torchvision`."""
    models = torchvision().models
    published = models.get_model_weights(name).DEFAULT
    builder = models.get_model_builder(name)
    labels = tuple(published.meta["categories"])
    if weights == RANDOM:
        options = _options(name, published, {})
        with drawn():
            module = builder(weights=None, **options)
    else:
        path = expanded(weights) if weights else _published_file(published, run)
        state = read_state(path)
        published = _trained_alike(name, published, state)
        options = _options(name, published, state)
        run.check()
        with undrawn():
            module = builder(weights=None, **options)
            classes = class_count(state, module.state_dict())
            if classes is not None:  # a head of one's own, as fine-tuning leaves it
                module = builder(weights=None, num_classes=classes, **options)
                labels = tuple(f"class {index}" for index in range(classes))
        load_state(module, state, name, path)
    return Built(module, labels, published_preprocessing(published.transforms()))


def _options(name: str, published: Any, state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return what a builder has to be told and torchvision tells only when it loads itself."""
    if name in WITH_AUXILIARY:
        # The published weights were trained on inputs scaled to -1..1: without the flag predictions
        # are silently wrong.
        aux = not state or any(key.lower().startswith("aux") for key in state)
        return {"transform_input": True, "init_weights": not state, "aux_logits": aux}
    if name.startswith(OF_ONE_SIZE):
        return {"image_size": published.meta["min_size"][0]}
    return {}


def _trained_alike(name: str, published: Any, state: Mapping[str, Tensor]) -> Any:
    """Return the published weights of a state's input size; vision transformers know one alone."""
    if name.startswith(OF_ONE_SIZE):
        for item in (published, *torchvision().models.get_model_weights(name)):
            if _positions(name, item.meta["min_size"][0]) == _positions_in(state):
                return item
    return published


def _positions(name: str, side: int) -> int:
    """Count the positions of a vision transformer for a picture: its patches and one for all."""
    return (side // int(name.rpartition("_")[2])) ** 2 + 1


def _positions_in(state: Mapping[str, Tensor]) -> int:
    embedding = state.get("encoder.pos_embedding")
    return embedding.shape[1] if embedding is not None and embedding.ndim == 3 else 0


def imagenet_classes() -> tuple[str, ...]:
    """Return the names of ImageNet's 1000 classes in their order."""
    return tuple(torchvision().models.ResNet18_Weights.DEFAULT.meta["categories"])


def _published_file(published: Any, run: Run) -> Path:
    from cnnviz_desktop.engine.downloads import download, hash_prefix, hub_file

    target = hub_file(published.url)
    prefix = hash_prefix(published.url)
    return download(published.url, target, sha256_prefix=prefix, run=run)


def published_preprocessing(transforms: Any) -> Preprocessing:
    """Read torchvision's metadata."""
    crop, resize = transforms.crop_size[0], transforms.resize_size[0]
    return Preprocessing(
        size=(crop, crop),
        resize=resize,
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        interpolation="bicubic" if transforms.interpolation.value == "bicubic" else "bilinear",
    )


def torchvision() -> ModuleType:
    """Import torchvision; name the remedy where it does not belong to the installed torch."""
    try:
        import torchvision as found
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        raise ModelError(
            f"The installed torchvision was not made for torch {torch.__version__}. Install a "
            "matching pair: pip install --force-reinstall torch torchvision"
        ) from error
    module: ModuleType = found
    return module
