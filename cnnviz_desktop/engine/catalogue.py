"""List the networks that can be loaded by name, from published facts; build none."""

from __future__ import annotations

from dataclasses import dataclass

from cnnviz_desktop.engine.torchvision_models import torchvision
from cnnviz_desktop.resources import resource

BUNDLED = "bundled"


def model_names() -> tuple[str, ...]:
    """List every model that can be loaded by name, the bundled one first; builds none."""
    models = torchvision().models
    return (BUNDLED, *models.list_models(module=models))


@dataclass(frozen=True)
class CatalogueEntry:
    """A model that can be loaded by name: its size, published accuracy, and whether it is here.

    `accuracy` is ImageNet's top-1 in per cent, None where there is none; `megabytes` the size of
    the pretrained weights.
    """

    name: str
    parameters: int | None
    accuracy: float | None
    megabytes: float
    here: bool


def catalogue() -> tuple[CatalogueEntry, ...]:
    """Describe every model of `model_names()` from published metadata; builds none."""
    from cnnviz_desktop.engine.downloads import hub_file

    models = torchvision().models
    size = resource("bundled/bundled.safetensors").stat().st_size / 1e6
    entries = [CatalogueEntry(BUNDLED, None, None, size, here=True)]
    for name in models.list_models(module=models):
        published = models.get_model_weights(name).DEFAULT
        meta = published.meta
        entries.append(
            CatalogueEntry(
                name=name,
                parameters=meta["num_params"],
                accuracy=meta["_metrics"]["ImageNet-1K"]["acc@1"],
                megabytes=meta["_file_size"] * 1.048576,  # published in MiB
                here=hub_file(published.url).is_file(),
            )
        )
    return tuple(entries)
