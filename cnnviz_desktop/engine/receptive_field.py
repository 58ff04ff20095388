"""Find which part of the input each place of a layer's output can depend on: its receptive field.

One dry pass is watched operation by operation, and for every tensor it is noted, along rows and
along columns, from which input pixel to which each place reaches. Paths that meet (residual sums,
concatenations, Inception's branches) are joined: the field is the smallest rectangle around all of
them. Sizes and strides agree with Araujo et al., "Computing Receptive Fields of Convolutional
Neural Networks", Distill 2019, doi 10.23915/distill.00021. An operation that is not known, or that
moves places about, makes a field unknown rather than wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from cnnviz_desktop.data import Box
from cnnviz_desktop.engine.field_geometry import (
    Call,
    Geometry,
    Lost,
    Places,
    Whole,
    joined,
    tensors_in,
)
from cnnviz_desktop.engine.field_rules import RULES
from cnnviz_desktop.engine.recording import first_tensor, hooked, interruptible
from cnnviz_desktop.engine.run import SILENT, Run


@dataclass(frozen=True, eq=False)
class Field:
    """The receptive fields of one layer's output, in pixels of the network's input.

    `size` (height, width), with what reaches into the padding. `stride` (down, across): how far the
    fields of neighbours lie apart; None where that differs. `start` (row, column): where the field
    of the first place begins, padding included. An output without rows and columns counts as one
    place, whose field is that of all its entries together.
    """

    size: tuple[int, int]
    stride: tuple[int, int] | None
    start: tuple[int, int]
    extent: tuple[int, int]  # of the network's input
    places: Places

    def box(self, row: int, column: int, region: Box | None = None) -> Box:
        """Return what the output at (row, column) can depend on, as far as there is input.

        `region` is the box of a picture that the input was made from; without it the box counts
        pixels of the input. A place that sees nothing but padding has an empty box.
        """
        rows, columns = self.places.rows, self.places.columns
        top, bottom = rows.span(min(row, len(rows) - 1))
        left, right = columns.span(min(column, len(columns) - 1))
        if region is None:
            return Box(top, left, bottom, right)
        down, across = region.height / self.extent[0], region.width / self.extent[1]
        return Box(
            region.top + int(top * down),
            region.left + int(left * across),
            region.top - int(-bottom * down // 1),
            region.left - int(-right * across // 1),
        )


def receptive_fields(
    module: nn.Module, example: Tensor, run: Run = SILENT
) -> dict[str, Field | None]:
    """Return the field of every layer that a pass of `example` (1, C, H, W) calls, by its name.

    A layer that is called several times has that of its last call. None stands for an unknown one.
    """
    names = {child: name for name, child in module.named_modules()}
    found: dict[str, Field | None] = {}
    extent = int(example.shape[2]), int(example.shape[3])
    watch = _Watch()

    def note(child: nn.Module, _inputs: object, output: object) -> None:
        tensor = first_tensor(output)
        if tensor is not None:
            found[names[child]] = _field(watch.geometry(tensor), tensor, extent)

    with (
        torch.no_grad(),
        _attention_in_steps(),
        interruptible(module, run),
        hooked(names, after=note),
        watch,
    ):
        example = example.clone()
        watch.begin(example)
        module(example)
    return found


@contextmanager
def _attention_in_steps() -> Iterator[None]:
    """Have torch compute attention from known operations: its fused one hides what it costs."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _field(geometry: Geometry | None, tensor: Tensor, extent: tuple[int, int]) -> Field | None:
    """Return the field that a geometry stands for; None where it is not known."""
    match geometry:
        case Places():
            places = geometry
        case Whole() if geometry.mixed or tensor.ndim < 4:
            places = Places(geometry.rows, geometry.columns, (-2, -1))
        case _:
            return None
    rows, columns = places.rows, places.columns
    return Field(
        size=(rows.size(), columns.size()),
        stride=(rows.jump, columns.jump) if rows.jump and columns.jump else None,
        start=(rows.first(), columns.first()),
        extent=extent,
        places=places,
    )


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follow the geometry of every tensor that depends on the input, through a pass."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._known: Any = WeakIdKeyDictionary()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from importing its compiler (900 modules, over a second) to step around it."""
        return False

    def begin(self, example: Tensor) -> None:
        """Take a tensor as the input: each of its places depends on itself alone."""
        self._known[example] = Places.of_input(int(example.shape[-2]), int(example.shape[-1]))

    def geometry(self, tensor: Tensor) -> Geometry | None:
        """Return what is known of a tensor; None where it depends on no input."""
        found: Geometry | None = self._known.get(tensor)
        return found

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operation and note what its outputs depend on."""
        kwargs = kwargs or {}
        given = [tensor for tensor in tensors_in((args, kwargs)) if self.geometry(tensor)]
        output = func(*args, **kwargs)
        if given:
            made = list(tensors_in(output))
            found = self._follow(func, args, kwargs, given, made)
            for tensor, geometry in zip(made, found, strict=True):
                self._note(tensor, geometry)
        return output

    def _follow(
        self,
        func: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        given: list[Tensor],
        made: list[Tensor],
    ) -> list[Geometry | None]:
        """Return the geometry of each output of one operation."""
        sources = [self._known[tensor] for tensor in given]
        if any(isinstance(item, Lost) for item in sources):
            return [Lost()] * len(made)
        if all(isinstance(item, Whole) and item.mixed for item in sources):
            return [joined(sources)] * len(made)  # each entry sees all there is, whatever is done
        name = func._schema.name.removeprefix("aten::").rstrip("_")
        rule = RULES.get(name)
        if rule is None and torch.Tag.pointwise in func.tags:
            rule = RULES["pointwise"]
        if rule is None:
            return [Lost()] * len(made)
        ruled = rule(Call(self._known.get, args, kwargs, made))
        found = ruled if isinstance(ruled, list) else [ruled] * len(made)
        return [
            item.fitted(tensor.shape) if isinstance(item, Places) else item
            for item, tensor in zip(found, made, strict=True)
        ]

    def _note(self, tensor: Tensor, geometry: Geometry | None) -> None:
        """Remember a tensor's geometry; what it is a view of is lost where a part was changed."""
        before = self.geometry(tensor)
        if before is not None and before != geometry and tensor._is_view():
            self._known[tensor._base] = Lost()
        if geometry is not None:
            self._known[tensor] = geometry
