"""Write `resources/catalogue.json`: what has to be known of every network without building it.

Run `python -m cnnviz_desktop.engine.catalogue_facts` after an update of torchvision or timm (some
minutes). Networks are built without memory for their weights. What is listed of timm:

1. classifiers of ImageNet's classes, not the trunks and test models among them;
2. whose features are maps (C, h, w), channels first, as tall and wide as the picture is in
   proportion: not tokens in a row, as those of vision transformers and mixers;
3. that compute them without attention: no product of two matrices that both depend on the picture
   (weighted pooling, as in GCNet, is none), no recurrence, and none of the families with linear
   attention, which needs no such product and is left out by name.
"""

from __future__ import annotations

import argparse
import csv
import json
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from cnnviz_desktop.engine.architectures import (
    body_hash,
    keys_hash,
    shapes_of,
    sketch,
    written,
)
from cnnviz_desktop.engine.catalogue import TIMM
from cnnviz_desktop.engine.layers import default_layer, trace
from cnnviz_desktop.engine.skeletons import skeleton as built
from cnnviz_desktop.engine.skeletons import variants
from cnnviz_desktop.engine.timm_models import timm
from cnnviz_desktop.engine.torchvision_models import torchvision
from cnnviz_desktop.resources import resource

_IMAGENET = (1000, 11221, 11821, 21841, 21842, 21843)  # classes of ImageNet and its larger sets
_LINEAR_ATTENTION = ("mobilevit", "swiftformer", "lowformer")
_OTHER_COUNT = 7  # of classes, to find the head

skeleton = lru_cache(maxsize=4)(built)  # each is looked at several times


def main(argv: Sequence[str] | None = None) -> None:
    """Build every network and write what is known of it."""
    parser = argparse.ArgumentParser(prog="python -m cnnviz_desktop.engine.catalogue_facts")
    parser.add_argument("--out", type=Path, help="the file to write (the project's own)")
    parser.add_argument(
        "--accuracy",
        type=Path,
        help="timm's results-imagenet.csv; without it, known accuracies are kept",
    )
    options = parser.parse_args(argv)
    out = options.out or resource(".") / "catalogue.json"
    accuracies = _read_accuracies(options.accuracy) if options.accuracy else _kept(out)
    models: dict[str, Any] = {}
    for name, known in _all():
        if name in accuracies:
            known["accuracy"] = accuracies[name]
        models[name] = known
        print(name, flush=True)
    write(out, models)


def write(out: Path, models: dict[str, Any]) -> None:
    """Write the facts, a line a model, so that an update can be read as a difference."""
    versions = {"torchvision": torchvision().__version__, "timm": timm().__version__}
    lines = (
        f"{json.dumps(name)}:{json.dumps(known, separators=(',', ':'))}"
        for name, known in models.items()
    )
    text = f'{{"made_with":{json.dumps(versions)},"models":{{\n' + ",\n".join(lines) + "\n}}\n"
    out.write_text(text, encoding="utf-8")


def _all() -> Iterator[tuple[str, dict[str, Any]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some builders warn of what is not used here
        models = torchvision().models
        for name in models.list_models(module=models):
            yield name, torchvision_facts(name)
        for name in timm().list_models():
            if is_convolutional(name):
                yield TIMM + name, timm_facts(name)


# ------------------------------------------------------------------------------------- torchvision


def torchvision_facts(name: str) -> dict[str, Any]:
    """Return what torchvision publishes about a classifier, and its architecture's marks."""
    kinds = torchvision().models.get_model_weights(name)
    meta = kinds.DEFAULT.meta
    others = [item for item in kinds if item is not kinds.DEFAULT]
    return {
        "parameters": meta["num_params"],
        "accuracy": meta["_metrics"]["ImageNet-1K"]["acc@1"],
        "megabytes": round(meta["_file_size"] * 1.048576, 1),  # published in MiB
        "weights": {item.name: item.url for item in (kinds.DEFAULT, *others)},
    } | _marks(name)


# -------------------------------------------------------------------------------------------- timm


class _Attention(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notice products of two matrices made from the picture."""

    seen = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = func.name()
        if "scaled_dot_product" in name:
            self.seen = True
        if name.startswith(("aten::bmm", "aten::baddbmm")):
            first, second = args[:2] if name.startswith("aten::bmm") else args[1:3]
            # A single row or column is a weighted sum.
            self.seen |= min(*first.shape[1:], second.shape[2]) > 1
        return func(*args, **(kwargs or {}))


def is_convolutional(name: str) -> bool:
    """Tell whether one of timm's networks is listed; the rule is at the head of this file."""
    config = timm().get_pretrained_cfg(name)
    if (
        name.startswith(("test_", *_LINEAR_ATTENTION))
        or config is None
        or config.num_classes not in _IMAGENET
    ):
        return False
    module: Any = skeleton(TIMM + name).eval()
    if any(isinstance(child, nn.RNNBase) for child in module.modules()):
        return False
    channels, height, width = config.input_size
    attention = _Attention()  # type: ignore[no-untyped-call]
    with torch.no_grad(), attention:
        maps = module.forward_features(torch.empty(1, channels, height, width, device="meta"))
    return (
        not attention.seen
        and isinstance(maps, torch.Tensor)
        and maps.ndim == 4
        and maps.shape[2] * width == maps.shape[3] * height
    )


def timm_facts(name: str) -> dict[str, Any]:
    """Return what timm publishes about a network, and its architecture's marks."""
    weights: dict[str, str] = {}
    for tag in _tags(name):
        config = timm().get_pretrained_cfg(f"{name}.{tag}")
        if config.num_classes not in _IMAGENET:
            continue
        if config.hf_hub_id:
            usual = f"timm/{name}.{tag}"
            weights[tag] = "" if config.hf_hub_id == usual else config.hf_hub_id
        elif config.url:
            weights[tag] = config.url
    module = skeleton(TIMM + name).eval()
    size = sum(value.numel() * value.element_size() for value in module.state_dict().values())
    config = timm().get_pretrained_cfg(name)
    seen = trace(module, torch.empty(1, *config.input_size, device="meta"))
    if not default_layer(module, seen)[0]:
        raise SystemExit(f"timm's {name} has no default layer: mend the rule or engine/layers.py.")
    return {
        "parameters": sum(item.numel() for item in module.parameters()),
        "megabytes": round(size / 1e6, 1),
        "weights": weights,
    } | _marks(TIMM + name)


def _tags(name: str) -> list[str]:
    names = timm().list_pretrained(f"{name}.*")
    tags = [found.partition(".")[2] for found in names]
    usual = timm().get_pretrained_cfg(name).tag
    return sorted(tags, key=lambda tag: (tag != usual, tag))


# ------------------------------------------------------------------------------------ architecture


def _marks(name: str) -> dict[str, Any]:
    """Return what tells an architecture from its state dict: see `architectures`."""
    states = [_state(name, variant) for variant in range(len(variants(name)))]
    return {
        "states": states,
        "sketch": written(sketch(shapes_of(skeleton(name, None, 0).state_dict()))),
    }


def _state(name: str, variant: int) -> list[str]:
    shapes = shapes_of(skeleton(name, None, variant).state_dict())
    other = shapes_of(skeleton(name, _OTHER_COUNT, variant).state_dict())
    if shapes.keys() != other.keys():
        raise SystemExit(f"{name} has other tensors for another number of classes.")
    head = [key for key in shapes if shapes[key] != other[key]]
    for key in head:
        if other[key] != (_OTHER_COUNT, *shapes[key][1:]):
            raise SystemExit(f"{name}: the class count is not the first size of {key}.")
    return [keys_hash(shapes), body_hash(shapes, head), *head]


# -------------------------------------------------------------------------------------- accuracies


def _read_accuracies(path: Path) -> dict[str, float]:
    """Read top-1 of the usual weights by catalogue name, as timm measured them."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    found = {}
    for name in timm().list_models():
        config = timm().get_pretrained_cfg(name)
        row = rows.get(f"{name}.{config.tag}") if config is not None else None
        if row is not None:
            found[TIMM + name] = float(row["top1"])
    return found


def _kept(out: Path) -> dict[str, float]:
    if not out.is_file():
        return {}
    models = json.loads(out.read_text(encoding="utf-8"))["models"]
    return {
        name: known["accuracy"]
        for name, known in models.items()
        if name.startswith(TIMM) and "accuracy" in known
    }


if __name__ == "__main__":
    main()
