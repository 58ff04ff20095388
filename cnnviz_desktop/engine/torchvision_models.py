"""Build torchvision's classifiers and read what is published about them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from cnnviz_desktop.data import RANDOM
from cnnviz_desktop.engine.checkpoints import class_count
from cnnviz_desktop.engine.loaded_model import LoadedModel, ready
from cnnviz_desktop.engine.preprocessing import Preprocessing
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.weights import drawn, load_state, read_state, undrawn
from cnnviz_desktop.errors import ModelError


def load_torchvision(
    name: str, weights: Path | str | None, device: torch.device, run: Run
) -> LoadedModel:
    """Load one of torchvision's classifiers, its weights downloaded once where none are given."""
    models = torchvision().models
    published = models.get_model_weights(name).DEFAULT
    options: dict[str, Any] = {}
    if name in ("inception_v3", "googlenet"):
        # The published weights were trained on inputs scaled to -1..1; torchvision sets this flag
        # only when it loads them itself, and predictions are silently wrong without it.
        options = {"transform_input": True, "init_weights": weights == RANDOM}
    builder = models.get_model_builder(name)
    labels = tuple(published.meta["categories"])
    if weights == RANDOM:
        with drawn():
            module = builder(weights=None, **options)
    else:
        path = Path(weights).expanduser() if weights else _published_file(published, run)
        state = read_state(path)
        if options:
            options["aux_logits"] = any(key.lower().startswith("aux") for key in state)
        run.check()
        with undrawn():
            module = builder(weights=None, **options)
            classes = class_count(state, module.state_dict())
            if classes is not None:  # a head of one's own, as fine-tuning leaves it
                module = builder(weights=None, num_classes=classes, **options)
                labels = tuple(f"class {index}" for index in range(classes))
        load_state(module, state, name, path)
    return ready(
        name,
        module,
        labels,
        published_preprocessing(published.transforms()),
        device,
        weights,
    )


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
