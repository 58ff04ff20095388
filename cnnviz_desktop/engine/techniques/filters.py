"""Filters: the kernels a layer has learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cnnviz_desktop.data import FilterBank, Floats, ImageInput
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import (
    Choice,
    Flag,
    LayerKind,
    Number,
    Technique,
    parameter,
)
from cnnviz_desktop.errors import LayerError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True, kw_only=True)
class Filters(Technique):
    """Read a layer's kernels (N, I, kh, kw): N filters over I inputs; linear ones as 1x1.

    A grouped convolution's filters see the I inputs of their own group. The frequency response is
    the magnitude of each filter's Fourier transform, over all its inputs together. A batch norm
    behind the layer multiplies each filter by weight / sqrt(variance + eps); folded in, the kernels
    are as strong as what they give to the next layer. Near-duplicates are filters linked by pairs
    of a high cosine.
    """

    title: ClassVar[str] = "Filters"
    command: ClassVar[str] = "filters"
    tab: ClassVar[str] = "Filters"
    summary: ClassVar[str] = "Show the kernels a convolution has learned."
    needs_image: ClassVar[bool] = False

    layer: str | None = parameter(
        LayerKind(weights=True), None, "Layer with kernels; the first convolution by default."
    )
    show: str = parameter(
        Choice(("weights", "frequencies")),
        "weights",
        "The weights themselves, or how strongly each filter answers by frequency.",
    )
    sort: str = parameter(
        Choice(("index", "norm", "duplicates")),
        "index",
        "By number, by L2 norm (largest first), or near-duplicates first, side by side.",
    )
    cosine: float = parameter(
        Number(0.5, 1.0, 0.01), 0.95, "From which cosine on two filters are near-duplicates."
    )
    batch_norm: bool = parameter(
        Flag(), False, "Fold in the scale of the batch norm that follows the layer."
    )

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> FilterBank:
        """Return the kernels; the picture is not looked at."""
        from cnnviz_desktop.engine.kernels import kernels, spectrum

        run.check()
        layer = model.layer(self.layer, weights=True)
        bank = kernels(model.module.get_submodule(layer.name), layer.name)
        if bank is None:
            inside = next((node for node in layer.walk() if "Conv" in node.kind), None)
            hint = f" Choose one inside it: {inside.name}." if inside else ""
            raise LayerError(f"{layer.name} ({layer.kind}) has no kernels to show.{hint}")
        if self.batch_norm:
            name, scale = _norm_after(model, layer.name)
            values = bank.values * scale[:, None, None, None]
            bank = replace(bank, values=values, batch_norm=name)
        bank = self._sorted(bank, run)
        if self.show == "frequencies":
            gain = spectrum(bank.values, bank.dilation)
            bank = replace(bank, values=gain, spectrum=True)
        return bank

    def _sorted(self, bank: FilterBank, run: Run) -> FilterBank:
        """Return the bank with its rows in the order that was asked for."""
        from cnnviz_desktop.engine.kernels import near_duplicates, norms

        if self.sort == "index":
            return bank
        groups: tuple[tuple[int, ...], ...] = ()
        if self.sort == "norm":
            order = np.argsort(-np.nan_to_num(norms(bank.values)), kind="stable").tolist()
        else:
            groups = near_duplicates(bank.values, self.cosine, run)
            first = [place for group in groups for place in group]
            order = first + sorted(set(range(len(bank.values))) - set(first))
        values = np.ascontiguousarray(bank.values[order])
        return replace(bank, values=values, order=tuple(order), duplicates=groups)


def _norm_after(model: LoadedModel, layer: str) -> tuple[str, Floats]:
    """Return the batch norm that reads the layer's output, and its scale of each channel."""
    from cnnviz_desktop.engine.kernels import norm_scale, reader

    found = reader(model, layer)
    scale = norm_scale(found[1]) if found is not None else None
    if found is None or scale is None:
        what = f"is followed by {found[0]} ({type(found[1]).__name__}), not by" if found else "has"
        none = "a batch norm" if found else "no batch norm behind it"
        raise LayerError(
            f"{layer} {what} {none}, so there is no scale to fold in. Choose another layer, or "
            "leave the batch norm out."
        )
    return found[0], scale
