"""Filters: the kernels a layer has learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cnnviz_desktop.data import FilterBank, ImageInput
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import LayerKind, Technique, parameter
from cnnviz_desktop.errors import LayerError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True, kw_only=True)
class Filters(Technique):
    """Read a layer's kernels (N, I, kh, kw): N filters over I inputs; linear ones as 1x1."""

    title: ClassVar[str] = "Filters"
    command: ClassVar[str] = "filters"
    tab: ClassVar[str] = "Filters"
    summary: ClassVar[str] = "Show the kernels a convolution has learned."
    needs_image: ClassVar[bool] = False

    layer: str | None = parameter(
        LayerKind(weights=True), None, "Layer with kernels; the first convolution by default."
    )

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> FilterBank:
        """Return the kernels; the picture is not looked at."""
        from torch import nn

        run.check()
        layer = model.layer(self.layer, weights=True)
        module = model.module.get_submodule(layer.name)
        groups = int(getattr(module, "groups", 1))
        weight = getattr(module, "weight", None)
        if weight is None or weight.ndim not in (2, 4):
            inside = next((node for node in layer.walk() if "Conv" in node.kind), None)
            hint = f" Choose one inside it: {inside.name}." if inside else ""
            raise LayerError(f"{layer.name} ({layer.kind}) has no kernels to show.{hint}")
        values = weight.detach().float().cpu().numpy()
        if isinstance(module, nn.ConvTranspose2d):
            # (in, out/groups, kh, kw) -> (out, in/groups, kh, kw), group by group
            inputs, outputs, *size = values.shape
            split = values.reshape(groups, inputs // groups, outputs, *size)
            values = split.swapaxes(1, 2).reshape(groups * outputs, inputs // groups, *size)
        if values.ndim == 2:
            values = values[:, :, None, None]
        return FilterBank(values=np.array(values, order="C"), layer=layer.name, groups=groups)
