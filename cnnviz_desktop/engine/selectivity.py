"""Say how much each channel of a layer speaks for a class: gradient times activation.

The contribution of channel c to the logit y is the sum over its places of dy/dA_c * A_c: the
first-order estimate of what the logit loses when the channel is set to zero. Molchanov et al.,
"Pruning Convolutional Neural Networks for Resource Efficient Inference", ICLR 2017,
arXiv:1611.06440, rank channels by its magnitude; here its sign is kept, as in gradient times input
(Shrikumar et al., arXiv:1605.01713), since a channel that speaks against a class is not selective
for it. Where all that follows the layer is piecewise linear without biases, the contributions add
up to the logit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnviz_desktop.data import Floats, ImageInput
from cnnviz_desktop.engine.channels import channels_of
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.errors import LayerError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True, eq=False)
class Selectivity:
    """What each channel adds to a class's logit: `values` (C,), in units of the logit `score`."""

    values: Floats
    layer: str
    target: int
    target_label: str
    score: float


def selectivity(
    model: LoadedModel,
    image: ImageInput,
    layer: str | None = None,
    *,
    call: int = -1,
    target: int | str | None = None,
    run: Run = SILENT,
) -> Selectivity:
    """Return the contribution of every channel to a class's logit, the likeliest's by default.

    `call` says which of the layer's calls in the pass is meant, -1 the last.
    """
    import torch

    from cnnviz_desktop.engine.recording import forward_from, gradients

    node = model.layer(layer)
    channels_of(model, node, " that could speak for a class")
    which = model.call(node, call)
    tensor, _region = model.prepare(image)
    gradient = None
    with gradients():
        leaf, output = forward_from(model.module, tensor, node.name, which, run)
        logits = model.logits(output)[0]
        index = model.target(target, logits)
        if logits.requires_grad:
            (gradient,) = torch.autograd.grad(logits[index], leaf, allow_unused=True)
    if gradient is None:
        raise LayerError(
            f"The score of {model.labels[index]} does not depend on {node.name}. "
            "Choose a layer that the answer passes through."
        )
    each = (gradient * leaf.detach())[0]
    values = each.reshape(len(each), -1).sum(dim=1)
    return Selectivity(
        values=values.float().cpu().numpy(),
        layer=node.name,
        target=index,
        target_label=model.labels[index],
        score=float(logits[index].detach()),
    )
