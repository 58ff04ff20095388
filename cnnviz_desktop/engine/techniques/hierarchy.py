"""Hierarchy: one page that walks the network from the picture to its answer.

Early stages answer to edges and colours, later ones to textures, parts and things: Zeiler and
Fergus, Visualizing and Understanding Convolutional Networks (arXiv:1311.2901).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cnnviz_desktop.data import Activation, Box, Floats, ImageInput, Prediction, Sheet, Strip
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import Choice, Integer, Technique, parameter
from cnnviz_desktop.errors import LayerError, ModelError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True, kw_only=True)
class Hierarchy(Technique):
    """Show a strip of channels of every stage, one below the other, and the answer at the end.

    The stages are found from the layers' resolutions: VGG's five blocks, ResNet's stages,
    Inception's mixed layers. One pass records them all.
    """

    title: ClassVar[str] = "Hierarchy"
    command: ClassVar[str] = "hierarchy"
    tab: ClassVar[str] = "Feature maps"
    summary: ClassVar[str] = "Walk the network from the picture to its answer on one page."
    paper: ClassVar[str] = "arXiv:1311.2901"

    maps: int = parameter(
        Integer(1, 64), 8, "Maps shown of every stage; 64 give the classic page of five blocks."
    )
    choice: str = parameter(
        Choice(("strongest", "first")),
        "strongest",
        "Which maps: those with the highest mean square over the picture, or the first by number.",
    )

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Sheet:
        """Return a strip a stage, its maps in their own units, and the prediction."""
        from cnnviz_desktop.engine.recording import forward_through
        from cnnviz_desktop.engine.stages import stages

        found = stages(model.layers, model.default_layer)
        if not found:
            raise LayerError(
                f"{model.name} has no layers with maps, so there are no stages to walk through."
            )
        tensor, region = model.prepare(self.required_image(image))
        last = {stage.layer: model.layer(stage.layer).calls - 1 for stage in found}
        outputs, given = forward_through(model.module, tensor, last, run, graph=False)
        strips = []
        for stage in found:
            values = outputs[stage.layer][0].float().contiguous().cpu().numpy()
            order = self._order(values)
            maps = Activation(np.ascontiguousarray(values[order]), stage.layer, region)
            strips.append(Strip(f"Stage {stage.number}", maps, tuple(order.tolist()), len(values)))
        title = f"{model.title} by stages"
        return Sheet(title, tuple(strips), _answer(model, given, region))

    def _order(self, values: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Return the channels to show."""
        count = min(self.maps, len(values))
        if self.choice == "first":
            return np.arange(count)
        energy = np.square(np.nan_to_num(values), dtype=np.float64).mean(axis=(1, 2))
        return np.argsort(-energy, kind="stable")[:count]


def _answer(model: LoadedModel, output: object, region: Box) -> Prediction | None:
    """Return what the network says of the picture, None where it is no classifier."""
    from cnnviz_desktop.engine.inspection import prediction

    try:
        logits = model.logits(output)
    except ModelError:
        return None
    return prediction(model, logits[0], region)
