"""Statistics of what a network's layers answer to a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from cnnviz_desktop.data import Cell, Distribution, ImageInput, Table
from cnnviz_desktop.engine.layer_selection import is_selected, layers_parameter, none_selected
from cnnviz_desktop.engine.parameters import show_parameter
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.engine.techniques.channel_health import SATURATED
from cnnviz_desktop.engine.techniques.weight_statistics import (
    FIRST,
    LAST,
    MEANING,
    note,
    number_cells,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from cnnviz_desktop.engine.health import Census
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.statistics import Statistics


@dataclass(frozen=True, kw_only=True)
class ActivationStatistics(Technique):
    """Measure what every layer answers to one picture, in a single pass that keeps no maps.

    Beside the numbers of the weights' table: the share of values above zero, and how many channels
    are silent (never above zero at a rectifier or right before one, one and the same value
    elsewhere), saturated (95 % of their values where the layer's function hardly moves: the bounds
    of sigmoid, tanh, ReLU6 and their kin), or duplicates (their map has the direction of an earlier
    one: cosine above 0.999). A layer that runs several times has a row for each call.
    """

    title: ClassVar[str] = "Activations"
    command: ClassVar[str] = "activation-statistics"
    tab: ClassVar[str] = "Statistics"
    summary: ClassVar[str] = "Measure every layer's answer to the picture: spread, silent channels."
    tabular: ClassVar[bool] = True

    layers: str = layers_parameter()
    show: str = show_parameter()

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Table | Distribution:
        """Return the numbers or their distribution."""
        from cnnviz_desktop.engine.health import Census, observe

        image = self.required_image(image)
        tensor, _region = model.prepare(image)
        survey = _Survey(self, Census())
        with survey.census.watching():
            observe(model, tensor, survey.see, run, "Measuring activations")
        title = f"Activations of {model.title} for {image.name}"
        if not survey.names:
            raise none_selected(model, self.layers)
        if self.show == "table":
            return survey.table(title)
        how = cast(Literal["histograms", "boxes"], self.show)
        return survey.spreads.distribution(title, "activations", how)


class _Survey:
    """What one pass tells; its `see` is shown every layer's output."""

    def __init__(self, technique: ActivationStatistics, census: Census) -> None:
        from cnnviz_desktop.engine.statistics import Spreads

        self.census = census
        self.names: list[str] = []
        self.spreads = Spreads()
        self._technique = technique
        self._rows: list[tuple[tuple[str, int], _Row]] = []

    def see(self, name: str, call: int, module: nn.Module, output: Tensor) -> None:
        """Measure a layer's output."""
        from cnnviz_desktop.engine.statistics import measure

        # Also for what is not shown: the channels' axis follows from layer to layer.
        self.census.see(name, call, module, output)
        if not is_selected(module, self._technique.layers):
            return
        known = measure(output)
        self.names.append(name)
        if self._technique.show == "table":
            kind, shape = type(module).__name__, tuple(output.shape[1:])
            axis = self.census.tallies[name, call].axis
            row = _Row(kind, shape, known, _duplicates(output, axis))
            self._rows.append(((name, call), row))
        else:
            self.spreads.add(f"{name} ({call + 1})" if call else name, output, known)

    def table(self, title: str) -> Table:
        """Return a row for each layer and call."""
        channels = ("silent", "duplicates", "saturated", "channels")
        last = (*LAST, "count", "shape", "call")
        columns = ("layer", "kind", *FIRST, "above zero", *channels, *last)
        units = tuple({**FIRST, **LAST, "above zero": "%"}.get(name, "") for name in columns)
        rows = [self._cells(*row) for row in self._rows]
        notes = [
            *note(rows, columns, "NaN or infinite", "Values that are NaN or infinite"),
            *note(rows, columns, "silent", "Channels that stay silent for this picture"),
            *note(rows, columns, "saturated", "Channels that stay at a bound"),
            *note(rows, columns, "duplicates", "Maps that point the way of an earlier one"),
            MEANING,
        ]
        bars = ("std", "above zero")
        return Table(title, columns, units, tuple(rows), bars=bars, notes=tuple(notes))

    def _cells(self, place: tuple[str, int], row: _Row) -> tuple[Cell, ...]:
        name, call = place
        tally, known = self.census.tallies[place], row.known
        saturated = int((tally.saturation >= SATURATED).sum()) if tally.bounded else None
        first, last = number_cells(known)
        return (
            name,
            row.kind,
            *first,
            known.share(known.positive),
            int(tally.dead.sum()),
            row.duplicates,
            saturated,
            tally.dead.numel(),
            *last,
            known.count,
            "×".join(map(str, row.shape)),
            call,
        )


@dataclass(frozen=True)
class _Row:
    kind: str
    shape: tuple[int, ...]
    known: Statistics
    duplicates: int | None


def _duplicates(output: Tensor, axis: int) -> int | None:
    """Count the maps that have the direction of an earlier one, None where maps are too small."""
    from cnnviz_desktop.engine.doubles import FEW
    from cnnviz_desktop.engine.statistics import duplicates

    rows = output[:1].movedim(axis, 0).flatten(1)
    if output.ndim < 3 or rows.shape[1] < FEW:
        return None
    return int(duplicates(rows).sum())
