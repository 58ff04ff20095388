"""Health of channels: which never fire on a folder of pictures, cannot, or repeat another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from cnnviz_desktop.data import Cell, ImageInput, LayerHealth, Table
from cnnviz_desktop.engine.amounts import amount
from cnnviz_desktop.engine.layer_selection import is_selected, layers_parameter, none_selected
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import FolderKind, Technique, parameter
from cnnviz_desktop.engine.techniques.weight_statistics import note
from cnnviz_desktop.errors import CnnvizError, ImageError
from cnnviz_desktop.paths import expanded

if TYPE_CHECKING:
    from torch import Tensor

    from cnnviz_desktop.engine.datasets import Dataset
    from cnnviz_desktop.engine.doubles import Doubles
    from cnnviz_desktop.engine.loaded_model import LoadedModel

SATURATED = 0.95  # of a channel's values at a bound
_NAMED = 3  # files in a note
_GENERATED = 24  # pictures where no folder is named
_COLUMNS = (
    *("layer", "kind", "channels", "fires", "dead on data", "dead in weights"),
    *("saturated", "duplicates", "NaN or infinite"),
)


@dataclass(frozen=True, kw_only=True)
class ChannelHealth(Technique):
    """Count the channels of every layer that never fire on a folder of pictures.

    Dead on data: never above zero at a rectifier or right before one, one and the same value
    elsewhere, on every picture. Dead in weights: all weights are zero, or lost in rounding beside
    the layer's largest, so that no picture can wake it. Saturated: 95 % of the values where the
    layer's function hardly moves. Duplicates: on every picture the map has the direction of an
    earlier one (cosine above 0.999). A layer that runs several times is dead where it is so in
    every call. The pictures are gone through once and none is kept.
    """

    title: ClassVar[str] = "Channel health"
    command: ClassVar[str] = "health"
    tab: ClassVar[str] = "Statistics"
    summary: ClassVar[str] = "Count channels that are dead, saturated or double over a folder."
    needs_image: ClassVar[bool] = False
    prints: ClassVar[bool] = True
    tabular: ClassVar[bool] = True

    folder: str | None = parameter(
        FolderKind(without="generated pictures"),
        None,
        "Folder whose pictures are looked at, those in folders within it as well, or one picture's "
        "file; generated pictures by default.",
    )
    layers: str = layers_parameter()

    def is_quick(self) -> bool:
        """Say no: a folder may hold any number of pictures."""
        return False

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Table:
        """Return a row for each layer; the picture is not looked at."""
        from cnnviz_desktop.engine.datasets import open_dataset
        from cnnviz_desktop.engine.health import health
        from cnnviz_desktop.engine.images import load_image

        doubles: dict[tuple[str, int], Doubles] = {}
        failures: list[str] = []
        if self.folder is not None and _is_picture(Path(self.folder)):
            alone = load_image(Path(self.folder))
            found = health(model, [alone], run, also=_Compare(doubles))
            over = alone.name
        else:
            dataset = open_dataset(self.folder, count=_GENERATED)
            images = _readable(dataset, failures)
            found = health(model, images, run, total=len(dataset), also=_Compare(doubles))
            pictures = len(dataset) - len(failures)
            if not pictures:
                raise ImageError(
                    f"None of the {len(dataset)} pictures in {dataset.title} can be read: "
                    f"{failures[0]}"
                )
            over = f"{amount(pictures, 'picture', 'pictures')} of {dataset.title}"
        rows = [
            _row(item, model, doubles)
            for item in found
            if is_selected(model.module.get_submodule(item.layer), self.layers)
        ]
        if not rows:
            raise none_selected(model, self.layers)
        return _table(f"Channel health of {model.title} over {over}", rows, failures)


class _Compare:
    """Look for duplicates in every layer's output."""

    def __init__(self, doubles: dict[tuple[str, int], Doubles]) -> None:
        self._doubles = doubles

    def __call__(self, name: str, call: int, output: Tensor, axis: int) -> None:
        from cnnviz_desktop.engine.doubles import Doubles

        self._doubles.setdefault((name, call), Doubles()).add(output, axis)


def _is_picture(path: Path) -> bool:
    from cnnviz_desktop.engine.images import SUFFIXES

    return path.suffix.lower() in SUFFIXES and expanded(path).is_file()


def _readable(dataset: Dataset, failures: list[str]) -> Iterator[ImageInput]:
    """Yield the pictures that can be read; keep a sentence on each other."""
    for item in dataset.items:
        try:
            image = dataset.read(item.key)
        except CnnvizError as error:
            failures.append(str(error))
        else:
            yield image


def _row(
    item: LayerHealth, model: LoadedModel, doubles: dict[tuple[str, int], Doubles]
) -> tuple[Cell, ...]:
    from cnnviz_desktop.engine.health import has_bound

    module = model.module.get_submodule(item.layer)
    calls = [found for (name, _call), found in doubles.items() if name == item.layer]
    alike: int | None = None
    if calls and all(found.comparable for found in calls):
        pairs = set.intersection(*(found.pairs() for found in calls))
        alike = len({later for later, _earlier in pairs})
    return (
        item.layer,
        type(module).__name__,
        len(item.dead),
        100 * item.fires,
        int(item.dead.sum()),
        int(item.unlearned.sum()),
        int((item.saturated >= SATURATED).sum()) if has_bound(module) else None,
        alike,
        item.broken,
    )


def _table(title: str, rows: list[tuple[Cell, ...]], failures: list[str]) -> Table:
    def total(column: str) -> int | None:
        place = _COLUMNS.index(column)
        numbers = [row[place] for row in rows if row[place] is not None]
        return sum(number for number in numbers if isinstance(number, int)) if numbers else None

    notes = [
        *note(rows, _COLUMNS, "NaN or infinite", "Values that are NaN or infinite"),
        *note(rows, _COLUMNS, "dead on data", "Channels that fire on none of the pictures"),
        *note(rows, _COLUMNS, "dead in weights", "Channels that no picture can wake"),
        *note(rows, _COLUMNS, "saturated", "Channels that stay at a bound"),
        *note(rows, _COLUMNS, "duplicates", "Channels that say what an earlier one says"),
    ]
    if failures:
        more = f" And {len(failures) - _NAMED} more." if len(failures) > _NAMED else ""
        said = " ".join(failures[:_NAMED])
        notes.append(f"{amount(len(failures), 'file was', 'files were')} left out. {said}{more}")
    if len(notes) == bool(failures):
        notes.insert(0, "Every channel fires, and says something of its own.")
    totals: list[Cell] = ["total", None, total("channels"), None]
    totals += [total(column) for column in _COLUMNS[4:]]
    return Table(
        title,
        _COLUMNS,
        tuple("%" if column == "fires" else "" for column in _COLUMNS),
        tuple(rows),
        tuple(totals),
        bars=("fires", "dead on data"),
        notes=tuple(notes),
    )
