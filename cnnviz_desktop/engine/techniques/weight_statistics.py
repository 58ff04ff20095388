"""Statistics of what a network has learned: its weights, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from cnnviz_desktop.data import Cell, Distribution, ImageInput, Table
from cnnviz_desktop.engine.parameters import show_parameter
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import Choice, Technique, parameter
from cnnviz_desktop.errors import LayerError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.statistics import Statistics

# What tables of statistics tell first and last, and in which unit. Figures leave out the last.
FIRST = {"mean": "", "std": "", "min": "", "max": "", "zeros": "%"}
LAST = {"kurtosis": "", "NaN or infinite": "", "L2 norm": "", "L1 norm": "", "near zero": "%"}
_NAMED = 4  # layers in a note
MEANING = (
    "Near zero: at most a thousandth of the layer's standard deviation. "
    "Kurtosis: 0 for a normal distribution, above it where tails are heavier."
)
_USUAL = ("weight", "bias")
_PART = {
    "all": "weights",
    "kernels": "kernels",
    "scales": "scales",
    "biases": "biases",
}


@dataclass(frozen=True, kw_only=True)
class WeightStatistics(Technique):
    """Measure the weights of every layer: how large, how spread, how many zero, dead or duplicate.

    Standard deviations are those of the values themselves (divided by n); the kurtosis is 0 for a
    normal distribution. Near zero is what is at most a thousandth of the layer's standard
    deviation. A dead filter's weights are all zero, or lost in rounding beside the layer's largest;
    a duplicate has the direction of an earlier one (cosine above 0.999).

    Histograms leave exact zeros out and say how many there are. Box plots reach from the 1st to the
    99th percentile, with a dot at the minimum and the maximum.
    """

    title: ClassVar[str] = "Weights"
    command: ClassVar[str] = "statistics"
    tab: ClassVar[str] = "Statistics"
    summary: ClassVar[str] = "Measure every layer's weights: size, spread, dead filters."
    needs_image: ClassVar[bool] = False
    tabular: ClassVar[bool] = True

    part: str = parameter(
        Choice(tuple(_PART)),
        "all",
        "Kernels (of convolutions and linear layers), scales (of batch norms), both, or biases.",
    )
    show: str = show_parameter()

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Table | Distribution:
        """Return the numbers or their distribution; the picture is not looked at."""
        from cnnviz_desktop.engine.statistics import Spreads, measure

        found = list(self._parameters(model.module))
        word = _PART[self.part]
        if not found:
            raise LayerError(f"{model.title} has no {word}: choose another part.")
        rows: list[tuple[Cell, ...]] = []
        spreads = Spreads()
        for layer, name, module, tensor in run.track(found, f"Measuring {word}"):
            known = measure(tensor)
            if self.show == "table":
                rows.append(_row(layer, name, module, tensor, known))
            else:
                spreads.add(_named(layer, name), tensor, known)
        title = f"{word.capitalize()} of {model.title}"
        kind = "biases" if self.part == "biases" else "weights"
        if self.show == "table":
            return _table(title, rows)
        how = cast(Literal["histograms", "boxes"], self.show)
        return spreads.distribution(title, kind, how)

    def _parameters(self, module: nn.Module) -> Iterator[tuple[str, str, nn.Module, Tensor]]:
        """Yield the parameters asked for: layer, own name, the layer itself, values."""
        for name, tensor in module.named_parameters():
            owner, _, last = name.rpartition(".")
            bias = last.endswith("bias")
            kind = "biases" if bias else "kernels" if tensor.ndim > 1 else "scales"
            wanted = self.part in (kind, "" if bias else "all")
            if wanted and tensor.numel() and not tensor.is_complex():
                yield owner, last, module.get_submodule(owner), tensor.detach()


def _named(layer: str, name: str) -> str:
    """Return how a row of a figure is called: by its layer where that says enough."""
    return layer if layer and name in _USUAL else f"{layer}.{name}".lstrip(".")


def _row(
    layer: str, name: str, module: nn.Module, tensor: Tensor, known: Statistics
) -> tuple[Cell, ...]:
    first, last = number_cells(known)
    shape = "×".join(map(str, tensor.shape))
    filters = _filters(module, tensor)
    return (layer, type(module).__name__, *first, *filters, *last, tensor.numel(), shape, name)


def _table(title: str, rows: list[tuple[Cell, ...]]) -> Table:
    columns = ("layer", "kind", *FIRST, "dead", "duplicates", *LAST, "count", "shape", "parameter")
    notes = [
        *note(rows, columns, "NaN or infinite", "Weights that are NaN or infinite"),
        *note(rows, columns, "dead", "Dead filters, only zeros"),
        *note(rows, columns, "duplicates", "Filters that point the way of an earlier one"),
        MEANING,
    ]
    units = tuple({**FIRST, **LAST}.get(column, "") for column in columns)
    return Table(title, columns, units, tuple(rows), bars=("std", "zeros"), notes=tuple(notes))


def note(
    rows: list[tuple[Cell, ...]], columns: tuple[str, ...], column: str, words: str
) -> list[str]:
    """Return a sentence on a column's numbers above zero and their layers, none where all are 0."""
    place = columns.index(column)
    found = [(row[0], row[place]) for row in rows]
    bad = [(str(layer), value) for layer, value in found if isinstance(value, int) and value]
    if not bad:
        return []
    bad.sort(key=lambda item: -item[1])
    named = ", ".join(f"{value} in {layer or 'the network'}" for layer, value in bad[:_NAMED])
    more = f" and {len(bad) - _NAMED} more layers" if len(bad) > _NAMED else ""
    return [f"{words}: {named}{more}."]


def number_cells(known: Statistics) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    """Return the cells of `FIRST` and those of `LAST`."""
    moments = known.moments
    ends: tuple[Cell, ...] = (moments.mean, moments.std, known.minimum, known.maximum)
    first = ends if known.finite else (None,) * len(ends)
    last = (moments.kurtosis, known.broken, known.l2, known.l1, known.share(known.near_zero))
    return (*first, known.share(known.zeros)), last


def _filters(module: nn.Module, tensor: Tensor) -> tuple[Cell, Cell]:
    """Return how many filters are dead and how many duplicate another; None for biases."""
    from cnnviz_desktop.engine.health import rows_of, unlearned_rows
    from cnnviz_desktop.engine.statistics import duplicates

    weight = getattr(module, "weight", None)
    if weight is None or tensor.data_ptr() != weight.data_ptr():
        return None, None
    rows = rows_of(module, tensor)
    dead = int(unlearned_rows(rows).sum())
    # A kernel of one number has no direction but its sign.
    return dead, int(duplicates(rows).sum()) if rows.shape[1] > 1 else None
