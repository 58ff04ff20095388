"""Summary: the network's layers as a table of what they give, see and cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.data import Cell, ImageInput, LayerNode, Table
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import Flag, Technique, parameter

if TYPE_CHECKING:
    from cnnviz_desktop.engine.costs import Costs
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.receptive_field import Field

_COLUMNS: tuple[tuple[str, str], ...] = (
    ("layer", ""),
    ("kind", ""),
    ("output", ""),
    ("parameters", ""),
    ("multiply-adds", ""),
    ("receptive field", "px"),
    ("stride", "px"),
    ("memory", "MB"),
    ("known as", ""),
)


@dataclass(frozen=True, kw_only=True)
class Summary(Technique):
    """List the layers: kind, output, parameters, multiply-adds, receptive field, stride, memory.

    One dry pass is watched. A receptive field is the part of the input, height × width, that one
    place of a layer's output can depend on, padding included; the stride says how far apart the
    fields of neighbours lie. Multiply-adds are those of convolutions, linear layers and attention
    for one picture, memory that of the layer's output.
    """

    title: ClassVar[str] = "Architecture"
    command: ClassVar[str] = "summary"
    tab: ClassVar[str] = "Statistics"
    summary: ClassVar[str] = "List the layers with their shapes, costs and receptive fields."
    paper: ClassVar[str] = "doi 10.23915/distill.00021"
    needs_image: ClassVar[bool] = False
    prints: ClassVar[bool] = True
    tabular: ClassVar[bool] = True

    leaves_only: bool = parameter(
        Flag(), True, "List single layers only, not also the blocks that hold them."
    )

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Table:
        """Return a row a layer, in the order of the network; the picture is not looked at."""
        import torch

        from cnnviz_desktop.engine.costs import counted
        from cnnviz_desktop.engine.receptive_field import receptive_fields

        run.check()
        size = model.preprocessing.size
        example = torch.zeros(1, model.preprocessing.channels, *size, device=model.device)
        with counted(model.module) as costs:
            fields = receptive_fields(model.module, example, run)
        own = {
            name: sum(item.numel() for item in module.parameters(recurse=False))
            for name, module in model.module.named_modules()
        }
        nodes = [node for node in model.layers.walk() if self._lists(node, own, costs)]
        rows = [self._row(node, own, costs, fields) for node in nodes]
        named = any(node.alias for node in nodes)
        shown = slice(None) if named else slice(-1)
        spent = sum(costs.multiply_adds.values())
        return Table(
            title=f"Architecture of {model.title}",
            columns=tuple(name for name, _ in _COLUMNS[shown]),
            units=tuple(unit for _, unit in _COLUMNS[shown]),
            rows=tuple(row[shown] for row in rows),
            totals=_totals(model.layers, spent, costs)[shown],
            bars=("parameters", "multiply-adds"),
            notes=_notes(model.layers, spent, size),
        )

    def _lists(self, node: LayerNode, own: dict[str, int], costs: Costs) -> bool:
        """Tell whether a module has a row: layers, and blocks that have or do something alone."""
        if not self.leaves_only or not node.children:
            return bool(node.calls or node.parameters)
        return bool(own.get(node.name) or costs.multiply_adds.get(node.name))

    def _row(
        self,
        node: LayerNode,
        own: dict[str, int],
        costs: Costs,
        fields: dict[str, Field | None],
    ) -> tuple[Cell, ...]:
        field, below = fields.get(node.name), [node]
        parameters = node.parameters
        if not self.leaves_only:
            below = [*node.walk()]
        elif node.children:
            parameters = own[node.name]
        taken = costs.output_bytes.get(node.name)
        return (
            node.name or "(the whole network)",
            node.kind,
            None if node.output_shape is None else _times(node.output_shape),
            parameters,
            sum(costs.multiply_adds.get(item.name, 0) for item in below),
            None if field is None else _times(field.size),
            None if field is None or field.stride is None else _side(field.stride),
            None if taken is None else taken / 1e6,
            node.alias or None,
        )


def _totals(root: LayerNode, spent: int, costs: Costs) -> tuple[Cell, ...]:
    leaves = [node.name for node in root.walk() if not node.children and node.calls]
    memory = sum(costs.output_bytes.get(name, 0) for name in leaves) / 1e6
    return "total", None, None, root.parameters, spent, None, None, memory, None


def _notes(root: LayerNode, spent: int, size: tuple[int, int]) -> tuple[str, ...]:
    """Count the layers by kind, and say what one picture costs."""
    leaves = [node for node in root.walk() if not node.children and node.calls]
    kinds = Counter(node.kind for node in leaves)
    listed = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    cost = f"{_rounded(spent)} multiply-adds for one picture of {_times(size)}"
    return f"{listed}.", f"{_rounded(root.parameters)} parameters; {cost}."


def _rounded(number: int) -> str:
    """Return the first three figures: "15.5 G"."""
    scale, unit = next(
        ((s, u) for s, u in ((1e9, " G"), (1e6, " M"), (1e3, " k")) if number >= 0.9995 * s),
        (1.0, ""),
    )
    return f"{number / scale:.3g}{unit}"


def _times(sizes: tuple[int, ...]) -> str:
    return "×".join(map(str, sizes))


def _side(sizes: tuple[int, int]) -> Cell:
    """Return one number where both are the same."""
    return sizes[0] if sizes[0] == sizes[1] else _times(sizes)
