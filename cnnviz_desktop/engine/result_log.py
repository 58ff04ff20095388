"""Write results into TensorBoard's event files: their figure, numbers, spreads and record."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz_desktop.data import (
    Activation,
    Curves,
    Distribution,
    Evaluations,
    Floats,
    Heatmap,
    Heatmaps,
    Inverted,
    Maximised,
    Pixels,
    Prediction,
    Record,
    Result,
    Timeline,
)

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_LIKELIEST = 5  # classes whose probability is logged
_MOST = 64  # numbers of one kind


@dataclass(frozen=True)
class Scalar:
    """A number by its name; `step` is its own, None that of the whole result."""

    name: str
    value: float
    step: int | None = None


@dataclass(frozen=True, eq=False)
class Numbers:
    """What a log keeps of a result besides its figure: numbers, and values to be counted."""

    scalars: tuple[Scalar, ...] = ()
    spreads: tuple[tuple[str, Floats], ...] = ()


class ResultLog:
    """One run of a log folder, to which results are added; close it to have all on disk.

    One thread at a time may use it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0  # results so far: the step of each
        self._writer: SummaryWriter | None = None

    def add(self, name: str, figure: Pixels, result: Result, record: Record) -> int:
        """Add a result with its figure (H, W, 3); return its step.

        Raises `CnnvizError` where TensorBoard is missing or the folder cannot be written.
        """
        if self._writer is None:
            from cnnviz_desktop.engine.event_files import writer

            self._writer = writer(self.folder)
        log: Any = self._writer
        self.count += 1
        step = self.count
        log.add_image(name, np.ascontiguousarray(figure), step, dataformats="HWC")
        found = numbers(result)
        for item in found.scalars:
            if not math.isnan(item.value):
                place = step if item.step is None else item.step
                log.add_scalar(f"{name}/{item.name}", item.value, place)
        for what, values in found.spreads:
            sound = values[np.isfinite(values)]
            if sound.size:
                log.add_histogram(f"{name}/{what}", sound, step)
        log.add_text(f"{name}/record", f"```json\n{record.to_json()}\n```", step)
        log.flush()
        return step

    def close(self) -> None:
        """Write what is left; another result begins a file of its own."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            close: Any = writer.close
            close()


def numbers(result: Result) -> Numbers:
    """Return the numbers of a result that are worth following from one to the next."""
    match result:
        case Prediction():
            scalars = [Scalar(name, share) for _index, name, share in result.top(_LIKELIEST)]
            return Numbers(tuple(scalars), (("logits", result.logits),))
        case Activation():
            values = result.values
            scalars = [
                Scalar("maximum", float(values.max())),
                Scalar("mean", float(values.mean())),
                Scalar("above zero", float((values > 0).mean())),
            ]
            return Numbers(tuple(scalars), (("values", values),))
        case Heatmap():
            return Numbers((Scalar("score", result.score),), (("values", result.values),))
        case Heatmaps():
            maps = list(zip(result.captions, result.maps, strict=True))[:_MOST]
            return Numbers(tuple(Scalar(f"score {name}", item.score) for name, item in maps))
        case Maximised():
            pairs = list(zip(result.wanted, result.responses.tolist(), strict=True))[:_MOST]
            return Numbers(tuple(Scalar(f"response {name}", value) for name, value in pairs))
        case Inverted():
            named = {"MSE": result.mse, "R2": result.r2, "R2 in the layer": result.match}
            return Numbers(tuple(Scalar(name, value) for name, value in named.items()))
        case Evaluations():
            return Numbers(tuple(_evaluated(result)))
        case Distribution():
            named = dict(zip(result.layers, result.zeros.tolist(), strict=True))
            return Numbers(tuple(Scalar(f"zeros {name}", float(n)) for name, n in named.items()))
        case Timeline():
            return Numbers(tuple(_came(result)))
        case Curves():
            rows = zip(result.names, result.steps, result.values, strict=True)
            return Numbers(
                tuple(
                    Scalar(name, float(value), int(step))
                    for name, steps, values in rows
                    for step, value in zip(steps, values, strict=True)
                )
            )
    other = getattr(result, "values", None)
    return Numbers(spreads=(("values", other),) if isinstance(other, np.ndarray) else ())


def _evaluated(result: Evaluations) -> list[Scalar]:
    """Return the numbers of every network."""
    found = []
    for item in result.models:
        of = f"{item.model}/" if len(result.models) > 1 else ""
        named = {"loss": item.loss, "accuracy": item.top1, "top 5": item.top5}
        named |= {"MSE": item.mse, "R2": item.r2, "calibration error": item.ece}
        found += [Scalar(f"{of}{name}", value) for name, value in named.items()]
    return found


def _came(line: Timeline) -> list[Scalar]:
    """Return how the layers moved and what died, at the training's own steps."""
    found = []
    for place, step in enumerate(line.steps):
        for column, layer in enumerate(line.layers):
            found.append(Scalar(f"drift {layer}", float(line.drift[place, column]), step))
            found.append(Scalar(f"dead {layer}", float(line.dead[place, column]), step))
        if line.share is not None:
            share = float(line.share[place])
            found.append(Scalar(f"answer {line.target_label}", share, step))
    return found
