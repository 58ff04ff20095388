"""Feature maps: what each channel of a layer gives for a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cnnviz_desktop.data import Activation, ImageInput
from cnnviz_desktop.engine.parameters import call_parameter
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import LayerKind, Technique, parameter
from cnnviz_desktop.errors import LayerError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True, kw_only=True)
class FeatureMaps(Technique):
    """Record a layer's output for a picture: one map per channel, in the layer's own units.

    The pass stops at the layer. Vectors (K,) come as K maps of one pixel.
    """

    title: ClassVar[str] = "Feature maps"
    command: ClassVar[str] = "feature-maps"
    tab: ClassVar[str] = "Feature maps"
    summary: ClassVar[str] = "Show what every channel of a layer answers to the picture."

    layer: str | None = parameter(
        LayerKind(), None, "Layer whose output is shown; the last one with maps by default."
    )
    call: int = call_parameter()

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Activation:
        """Return the maps (C, h, w)."""
        from cnnviz_desktop.engine.recording import record

        layer = model.layer(self.layer)
        if layer.output_shape is None:
            raise LayerError(
                f"{layer.name} ({layer.kind}) gives no tensor, so there is nothing to show. "
                "Choose a layer inside it: the layer list shows every layer's output shape."
            )
        call = model.call(layer, self.call)
        tensor, region = model.prepare(self.required_image(image))
        output = record(model.module, tensor, {layer.name: layer.calls}, run)[layer.name][call]
        values = output[0].float().contiguous().cpu().numpy()  # torch's copy takes half of numpy's
        if values.ndim == 1:
            values = values[:, None, None]
        if values.ndim != 3:
            shape = "×".join(str(size) for size in output.shape[1:])
            raise LayerError(
                f"{layer.name} gives {shape} numbers, not maps of channel × height × width. "
                "Choose a layer with maps: the layer list shows every layer's output shape."
            )
        return Activation(
            values=np.ascontiguousarray(values), layer=layer.name, region=region, call=call
        )
