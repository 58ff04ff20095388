"""Find the least and the greatest value that every layer with maps gives for a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.run import SILENT, Run

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True)
class Extremes:
    """The (least, greatest) finite value of each layer with maps, over all of its calls."""

    layers: dict[str, tuple[float, float]]

    def widest(self, *, signed: bool) -> tuple[str, float]:
        """Return the layer of the greatest value (signed: magnitude) and that value; 0 for none."""
        reach = {
            name: max(high, -low) if signed else high for name, (low, high) in self.layers.items()
        }
        name = max(reach, key=lambda layer: reach[layer], default="")
        return name, max(reach.get(name, 0.0), 0.0)


def extremes(model: LoadedModel, image: ImageInput, run: Run = SILENT) -> Extremes:
    """Run the network once and read every layer as it answers: nothing is kept, nothing copied."""
    import torch

    from cnnviz_desktop.engine.recording import first_tensor, hooked, interruptible

    names = {
        model.module.get_submodule(node.name): node.name
        for node in model.layers.walk()
        if node.has_maps and node.calls
    }
    found: dict[str, tuple[float, float]] = {}

    def look(layer: Any, _inputs: object, output: object) -> None:
        tensor = first_tensor(output)
        if tensor is None or tensor.ndim != 4 or not tensor.numel():
            return
        ends = torch.stack(torch.aminmax(tensor))
        if not torch.isfinite(ends).all():
            kept = tensor[torch.isfinite(tensor)]
            if not kept.numel():
                return
            ends = torch.stack(torch.aminmax(kept))
        low, high = (float(end) for end in ends.float())
        known = found.get(names[layer], (low, high))
        found[names[layer]] = min(low, known[0]), max(high, known[1])

    tensor, _region = model.prepare(image)
    with (
        torch.inference_mode(),
        interruptible(model.module, run),
        hooked(names, after=look),
    ):
        model.module(tensor)
    return Extremes(found)
