"""Choose which of a network's innermost layers a table has rows for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnviz_desktop.engine.technique import Choice, parameter
from cnnviz_desktop.errors import LayerError

if TYPE_CHECKING:
    from torch import nn

    from cnnviz_desktop.engine.loaded_model import LoadedModel

_WHICH = {"all": "layers", "kernels": "layers with kernels", "rectifiers": "rectifiers"}


def layers_parameter() -> str:
    """Declare which layers are shown."""
    layers: str = parameter(
        Choice(tuple(_WHICH)),
        "all",
        "All innermost layers, those with kernels, or the rectifiers (ReLU and its kin).",
    )
    return layers


def is_selected(module: nn.Module, layers: str) -> bool:
    """Tell whether a layer is one of those that are shown."""
    from cnnviz_desktop.engine.health import is_rectifier

    match layers:
        case "kernels":
            return getattr(getattr(module, "weight", None), "ndim", 0) > 1
        case "rectifiers":
            return is_rectifier(module)
        case _:
            return True


def none_selected(model: LoadedModel, layers: str) -> LayerError:
    """Return what to raise where a network has none of those layers."""
    return LayerError(
        f"{model.title} has no {_WHICH[layers]} that a pass runs as modules: choose all layers."
    )
