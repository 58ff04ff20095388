"""Run a network's convolutions the quick way on a processor, forwards and back to its input.

PyTorch (2.15) gives kernels of 1x1 and small maps to a plain matrix product per picture, which
takes two to three times as long as oneDNN's own convolution; and oneDNN takes up to six times as
long for the gradient at a picture, through a kernel that steps over it, as for the convolution. The
numbers are the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_HAS_ONEDNN: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
_SMALL = 20480  # numbers of one picture's maps: PyTorch convolves no more than these by itself
_MEDIUM = 8 * _SMALL  # what laying out weights anew takes as long for as convolving does
_FEW = 64  # pixels of a deep network's last maps
_COLOURS = 4  # channels of a picture at most


@contextmanager
def quick_convolutions(module: nn.Module, *, many: bool = False) -> Iterator[None]:
    """Have oneDNN do the convolutions of a network in this block, as far as it is the quicker.

    For `many` passes over pictures of one size the weights are laid out once as oneDNN reads them,
    which takes as much memory as they do, twice where gradients go back through them.
    """
    layers = module.modules() if _HAS_ONEDNN else ()
    changed = [child for child in layers if isinstance(child, nn.Conv2d) and _is_plain(child)]
    for child in changed:
        parts = _Weights(many), _Transposed(many)
        child.forward = partial(_convolve, child, *parts)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for child in changed:
            del child.forward


def _is_plain(layer: nn.Conv2d) -> bool:
    """Tell whether a convolution does nothing but what its class does, in single precision."""
    return (
        type(layer) is nn.Conv2d
        and "forward" not in layer.__dict__
        and not isinstance(layer.padding, str)
        and layer.padding_mode == "zeros"
        and layer.weight.device.type == "cpu"
        and layer.weight.dtype == torch.float32
        and "parametrizations" not in layer._modules
    )


def _convolve(
    layer: nn.Conv2d, weights: _Weights, transposed: _Transposed, given: Tensor
) -> Tensor:
    if given.dtype != torch.float32 or not given.is_cpu or given.ndim != 4 or not given.numel():
        return nn.Conv2d.forward(layer, given)
    back = given.requires_grad and torch.is_grad_enabled()
    if back and not layer.weight.requires_grad and transposed.is_quicker(layer, given):
        return _Frozen.apply(given, layer, weights, transposed)  # type: ignore[no-any-return]
    return weights.convolve(layer, given)


class _Weights:
    """The weights of a convolution, laid out for oneDNN where `many` pictures come."""

    def __init__(self, many: bool) -> None:
        self._many = many
        self._laid_out: dict[torch.Size, Tensor] = {}

    def convolve(self, layer: nn.Conv2d, given: Tensor) -> Tensor:
        """Convolve as a layer does."""
        steps: tuple[Any, ...] = layer.padding, layer.stride, layer.dilation, layer.groups
        return self(given, layer.weight, layer.bias, *steps)

    def __call__(self, given: Tensor, weight: Tensor, bias: Tensor | None, *steps: Any) -> Tensor:
        """Convolve; `steps` are padding, stride, dilation and groups."""
        learns = torch.is_grad_enabled() and (given.requires_grad or weight.requires_grad)
        if learns or not self._many:  # what is laid out knows no gradients
            if _is_deep(given, weight, steps[1]):
                weight = weight.flatten(1)[:, :, None, None]  # which no longer asks for that layout
                return torch.mkldnn_convolution(given.contiguous(), weight, bias, *steps)
            return torch.mkldnn_convolution(given, weight, bias, *steps)
        laid_out = self._laid_out.get(given.shape)
        if laid_out is None:
            laid_out = torch.ops.mkldnn._reorder_convolution_weight.default(
                weight, *steps, given.shape
            )
            self._laid_out[given.shape] = laid_out
        convolved: Tensor = torch.ops.mkldnn._convolution_pointwise.default(
            given, laid_out, bias, *steps, "none", [], ""
        )
        return convolved


def _is_deep(given: Tensor, weight: Tensor, stride: tuple[int, int]) -> bool:
    """Tell whether a convolution sees a few pixels of very many channels.

    For these oneDNN lays weights out so slowly in channels-last that the whole takes twice as long.
    """
    outputs, channels, height, width = weight.shape
    pixels = len(given) * -(-given.shape[2] // stride[0]) * -(-given.shape[3] // stride[1])
    return height == width == 1 and channels >= 1024 and outputs >= 512 and pixels <= _FEW


class _Frozen(torch.autograd.Function):
    """A convolution whose weights are frozen, its gradient computed by another convolution."""

    @staticmethod
    def forward(
        ctx: Any, given: Tensor, layer: nn.Conv2d, weights: _Weights, transposed: _Transposed
    ) -> Tensor:
        """Convolve."""
        ctx.layer, ctx.transposed, ctx.size = layer, transposed, given.shape[2:]
        return weights.convolve(layer, given)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None, None]:
        """Return the gradient at what was convolved."""
        return ctx.transposed(ctx.layer, slope, ctx.size), None, None, None


class _Transposed:
    """The gradient of a convolution with a square kernel, as a convolution of the slopes.

    Pixels of the input that lie equally far from a step of the kernel are seen through the same
    weights: each of the stride x stride kinds is a channel of one dense convolution, whose channels
    are then laid out as pixels (Shi et al., arXiv:1609.05158).
    """

    def __init__(self, many: bool) -> None:
        self._many = many
        self._weights = _Weights(many)
        self._weight: Tensor | None = None
        self._first = 0  # the slope that the first pixel of a step is seen by, from the step's own
        self._rims: dict[tuple[torch.Size, torch.Size], tuple[int, list[int]]] = {}

    def is_quicker(self, layer: nn.Conv2d, given: Tensor) -> bool:
        """Tell whether this is quicker than oneDNN's own gradient, or PyTorch's of small maps."""
        if layer.groups > 1 or layer.dilation != (1, 1):
            return False
        square = (
            layer.kernel_size[0] == layer.kernel_size[1] and layer.padding[0] == layer.padding[1]
        )
        if layer.stride == (1, 1):
            if self._many:
                return square and given.numel() <= _MEDIUM
            return layer.kernel_size == (1, 1) and len(given) == 1 and given.numel() <= _SMALL
        large = layer.in_channels <= _COLOURS and layer.kernel_size[0] >= 5
        return square and large and layer.stride[0] == layer.stride[1]

    def __call__(self, layer: nn.Conv2d, slope: Tensor, size: torch.Size) -> Tensor:
        """Return the gradient (N, C, height, width)."""
        if self._weight is None:
            self._weight, self._first = self._turned(layer)
        stride = layer.stride[0]
        known = slope.shape, size
        if known not in self._rims:
            self._rims[known] = self._rim(slope.shape, size, stride)
        rim, edges = self._rims[known]
        if edges:
            slope = functional.pad(slope, edges)
        slope = slope.contiguous(memory_format=torch.channels_last)
        found = self._weights(slope, self._weight, None, (rim, rim), (1, 1), (1, 1), 1)
        if stride == 1:
            return found
        return functional.pixel_shuffle(found, stride)[:, :, : size[0], : size[1]]

    def _rim(self, slopes: torch.Size, size: torch.Size, stride: int) -> tuple[int, list[int]]:
        """Return how wide a rim of zeros the slopes need: the same all around, or of each edge."""
        assert self._weight is not None
        reach = self._weight.shape[2]
        edges: list[int] = []
        for pixels, own in ((size[1], slopes[3]), (size[0], slopes[2])):
            steps = -(-pixels // stride)
            edges += [-self._first, steps - 1 + self._first + reach - own]
        return (edges[0], []) if min(edges) == max(edges) >= 0 else (0, edges)

    @staticmethod
    def _turned(layer: nn.Conv2d) -> tuple[Tensor, int]:
        """Return the weights (C * stride * stride, O, reach, reach), and the first slope seen."""
        weight, stride, padding = layer.weight.detach(), layer.stride[0], layer.padding[0]
        outputs, channels, side, _side = weight.shape
        assert isinstance(padding, int)
        # Pixel stride * q + kind is seen by slope q + place through row `row` of the kernel.
        seen = {
            (kind, row): (kind + padding - row) // stride
            for kind in range(stride)
            for row in range(side)
            if (kind + padding - row) % stride == 0
        }
        first = min(seen.values())
        reach = max(seen.values()) - first + 1
        turned = weight.new_zeros(channels, stride, stride, outputs, reach, reach)
        for (down, row), top in seen.items():
            for (across, column), left in seen.items():
                place = down, across, slice(None), top - first, left - first
                turned[(slice(None), *place)] = weight[:, :, row, column].T
        turned = turned.reshape(channels * stride * stride, outputs, reach, reach)
        return turned.contiguous(memory_format=torch.channels_last), first
