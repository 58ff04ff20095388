"""Build networks without memory for their weights: for names and shapes alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from cnnviz_desktop.engine.catalogue import TIMM


class _Bodiless(TorchFunctionMode):
    """Give weights no memory.

    `torch.device("meta")` as a context does it for every tensor, also for those from which
    torchvision's RegNets compute how wide their layers are.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.empty:  # what all layers ask for their weights with
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def variants(name: str) -> tuple[dict[str, Any], ...]:
    """Return the options under which a network has other tensors, the usual ones first."""
    from cnnviz_desktop.engine.torchvision_models import OF_ONE_SIZE, WITH_AUXILIARY, torchvision

    if name in WITH_AUXILIARY:
        return {"aux_logits": True}, {"aux_logits": False}
    if name.startswith(OF_ONE_SIZE):
        kinds = torchvision().models.get_model_weights(name)
        sides = [item.meta["min_size"][0] for item in (kinds.DEFAULT, *kinds)]
        return tuple({"image_size": side} for side in dict.fromkeys(sides))
    return ({},)


def skeleton(name: str, classes: int | None = None, variant: int = 0) -> nn.Module:
    """Build torchvision's or timm's network of that name in the catalogue, on the meta device."""
    options: dict[str, Any] = {} if classes is None else {"num_classes": classes}
    if name.startswith(TIMM):
        from cnnviz_desktop.engine.timm_models import timm

        with torch.device("meta"):
            made: nn.Module = timm().create_model(name.removeprefix(TIMM), **options)
        return made
    from cnnviz_desktop.engine.torchvision_models import WITH_AUXILIARY, torchvision

    options |= variants(name)[variant]
    if name in WITH_AUXILIARY:
        options["init_weights"] = False
    with _Bodiless():
        made = torchvision().models.get_model(name, weights=None, **options)
    return made.to("meta")
