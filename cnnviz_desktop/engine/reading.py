"""Read one value of a map: where it comes from in the picture, and by what arithmetic.

The theoretical receptive field says what can reach the value, the effective one what does: Luo et
al., Understanding the Effective Receptive Field in Deep Convolutional Neural Networks
(arXiv:1701.04128).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn

from cnnviz_desktop.data import Box, ImageInput, LayerNode, Reading
from cnnviz_desktop.engine.arithmetic import Makers
from cnnviz_desktop.engine.receptive_field import Field, receptive_fields
from cnnviz_desktop.engine.recording import forward_to, gradients
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.errors import LayerError, ParameterError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_fields: WeakKeyDictionary[nn.Module, tuple[tuple[int, ...], dict[str, Field | None]]] = (
    WeakKeyDictionary()
)


def read(
    model: LoadedModel,
    image: ImageInput,
    layer: str,
    channel: int,
    row: int,
    column: int,
    run: Run = SILENT,
    call: int = -1,
) -> Reading:
    """Return the value of a layer's map at (row, column) and what it depends on.

    A vector (K,) counts as K maps of one place. Raises `LayerError` for a layer without either,
    `ParameterError` for a place outside them.
    """
    node = model.layer(layer)
    shape = _extent(node)
    for name, place, size in zip(
        ("channel", "row", "column"), (channel, row, column), shape, strict=True
    ):
        if not 0 <= place < size:
            raise ParameterError(
                f"{node.name} has no {name} {place}: it has {size}, 0 to {size - 1}."
            )
    which = model.call(node, call)
    makers = Makers.of(model, node)
    spot = (channel, row, column) if node.has_maps else (channel,)
    with gradients():
        tensor, region = model.prepare(image)
        tensor = tensor.requires_grad_()
        with makers.watching(model, run):
            output = forward_to(model.module, tensor, node.name, which, run)
        value = output[(0, *spot)]
        slope, slopes = makers.slopes(value, tensor)
        arithmetic = makers.arithmetic(output, spot, which, slopes)
    effective = np.zeros(tensor.shape[2:], np.float32)
    if slope is not None:
        effective = slope[0].abs().sum(0).float().cpu().numpy()
    return Reading(
        layer=node.name,
        channel=channel,
        row=row,
        column=column,
        value=float(value.detach()),
        region=region,
        field=field_box(model, node.name, row, column, region, run),
        effective=np.ascontiguousarray(effective),
        arithmetic=arithmetic,
        sees=_sees(model, node.name),
    )


def _extent(node: LayerNode) -> tuple[int, int, int]:
    """Return how many channels, rows and columns a layer gives."""
    shape = node.output_shape
    if shape is None or len(shape) not in (1, 3):
        raise LayerError(f"{node.name} gives no maps: there is no place to read in it.")
    return (shape[0], shape[1], shape[2]) if len(shape) == 3 else (shape[0], 1, 1)


def field_box(
    model: LoadedModel, layer: str, row: int, column: int, region: Box, run: Run = SILENT
) -> Box | None:
    """Return the part of the picture that can reach a place of a layer, None where unknown."""
    field = _field(model, layer, run)
    return None if field is None else field.box(row, column, region)


def _sees(model: LoadedModel, layer: str) -> tuple[int, int] | None:
    """Return the size of a layer's field in pixels of the input, what is padding included."""
    field = _field(model, layer, SILENT)
    return None if field is None else field.size


def _field(model: LoadedModel, layer: str, run: Run) -> Field | None:
    """Return a layer's receptive field; a network's are found once and kept as long as it is."""
    size = model.preprocessing.size
    known = _fields.get(model.module)
    if known is None or known[0] != size:
        example = torch.zeros(1, len(model.preprocessing.mean), *size, device=model.device)
        known = size, receptive_fields(model.module, example, run)
        _fields[model.module] = known
    return known[1].get(layer)
