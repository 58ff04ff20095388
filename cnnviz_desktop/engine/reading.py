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
from torch import Tensor, nn
from torch.nn import functional

from cnnviz_desktop.data import Arithmetic, Box, ImageInput, Reading
from cnnviz_desktop.engine.receptive_field import Field, receptive_fields
from cnnviz_desktop.engine.recording import first_tensor, forward_to, hooked
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.errors import LayerError, ParameterError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_SHOWN = 4  # input channels whose patches are kept
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

    Raises `LayerError` for a layer without maps, `ParameterError` for a place outside them.
    """
    node = model.layer(layer)
    if not node.has_maps:
        raise LayerError(f"{node.name} gives no maps: there is no place to read in it.")
    assert node.output_shape is not None
    for name, place, size in zip(
        ("channel", "row", "column"), (channel, row, column), node.output_shape, strict=True
    ):
        if not 0 <= place < size:
            raise ParameterError(
                f"{node.name} has no {name} {place}: it has {size}, 0 to {size - 1}."
            )
    which = model.call(node, call)
    tensor, region = model.prepare(image)
    module = model.module.get_submodule(node.name)
    given: list[Tensor] = []

    def keep(_module: nn.Module, inputs: tuple[object, ...]) -> None:
        found = first_tensor(inputs)
        if found is not None:
            given.append(found.detach().clone())

    tensor = tensor.requires_grad_()
    with hooked([module], before=keep):
        output = forward_to(model.module, tensor, node.name, which, run)
    value = output[0, channel, row, column]
    (slope,) = torch.autograd.grad(value, tensor, allow_unused=True)
    effective = np.zeros(tensor.shape[2:], np.float32)
    if slope is not None:
        effective = slope[0].abs().sum(0).float().cpu().numpy()
    arithmetic = None
    if isinstance(module, nn.Conv2d):
        arithmetic = _arithmetic(module, given[which], channel, row, column)
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
    )


def field_box(
    model: LoadedModel, layer: str, row: int, column: int, region: Box, run: Run = SILENT
) -> Box | None:
    """Return the part of the picture that can reach a place of a layer, None where unknown.

    The fields of a network are found once and kept as long as the network.
    """
    size = model.preprocessing.size
    known = _fields.get(model.module)
    if known is None or known[0] != size:
        example = torch.zeros(1, len(model.preprocessing.mean), *size, device=model.device)
        known = size, receptive_fields(model.module, example, run)
        _fields[model.module] = known
    field = known[1].get(layer)
    return None if field is None else field.box(row, column, region)


def _arithmetic(
    module: nn.Conv2d, given: Tensor, channel: int, row: int, column: int
) -> Arithmetic:
    """Take a convolution's value apart, in float64: its sum is the value up to rounding."""
    patch = _patch(module, given, row, column)
    per_group = module.in_channels // module.groups
    first = channel // (module.out_channels // module.groups) * per_group
    patch = patch[first : first + per_group]
    kernel = module.weight[channel].detach()
    parts = (patch.double() * kernel.double()).sum((1, 2))
    order = parts.abs().argsort(descending=True, stable=True)[:_SHOWN]
    bias = 0.0 if module.bias is None else float(module.bias[channel])
    return Arithmetic(
        inputs=tuple(first + int(item) for item in order),
        contributions=parts[order].float().cpu().numpy(),
        patches=np.ascontiguousarray(patch[order].float().cpu().numpy()),
        kernels=np.ascontiguousarray(kernel[order].float().cpu().numpy()),
        rest=float(parts.sum() - parts[order].sum()),
        bias=bias,
        count=per_group,
    )


def _patch(module: nn.Conv2d, given: Tensor, row: int, column: int) -> Tensor:
    """Cut out what the kernel lies on (I, kh, kw), padding included."""
    pads = module._reversed_padding_repeated_twice
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    padded = functional.pad(given, pads, mode=mode)[0]
    axes = []
    for place, size, stride, dilation in zip(
        (row, column), module.kernel_size, module.stride, module.dilation, strict=True
    ):
        start = place * stride
        axes.append(slice(start, start + (size - 1) * dilation + 1, dilation))
    return padded[:, axes[0], axes[1]]
