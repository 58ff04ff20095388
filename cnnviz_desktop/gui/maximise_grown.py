"""Say of any result of the tab Maximise what there is to show: pictures, how far each has grown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from cnnviz_desktop.data import Floats, Inverted, Maximised, Prediction
from cnnviz_desktop.gui import labels

_MORE = re.compile(r" and \d+ more ")  # units that a note does not name
Wanted: TypeAlias = "Maximised | Inverted"


def _none() -> Floats:
    return np.empty(0, np.float32)


@dataclass(frozen=True, eq=False)
class GrownPicture:
    """One picture (H, W, 3), None while it waits, with how it grew.

    `objectives` (S) rose over the steps; `film` (F, h, w, 3) was taken after the steps `grown`. The
    tile's `value` stands below it, `facts` beside its curve; `amiss` says what is wrong with it.
    """

    name: str
    values: Floats | None
    objectives: Floats = field(default_factory=_none)
    done: int = 0
    final: bool = True
    film: Floats | None = None
    grown: tuple[int, ...] = ()
    value: str = ""
    facts: str = ""
    amiss: str = ""
    answer: Prediction | None = None


@dataclass(frozen=True, eq=False)
class Curves:
    """What the curve shows where it is not the objective by step: `values` by `unit`."""

    title: str
    unit: str
    values: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Grown:
    """The pictures of a result; `original` (H, W, 3) is what they are compared with."""

    pictures: tuple[GrownPicture, ...]
    steps: int
    size: tuple[int, int]
    original: Floats | None = None
    overall: Curves | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return what the pictures are of."""
        return tuple(picture.name for picture in self.pictures)


def grown_of(result: Wanted, partial: bool) -> Grown:
    """Return what there is to show of a result; a `partial` one is still growing."""
    if isinstance(result, Inverted):
        return _inverted(result, partial)
    pictures = tuple(_picture(result, row, partial) for row in range(len(result.wanted)))
    height, width = result.pictures.shape[1:3]
    return Grown(pictures, result.steps, (height, width))


class GalleryGrown:
    """A gallery as it fills: its previews are now of all that is done, now of what grows."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._done: dict[str, GrownPicture] = {}
        self._growing: dict[str, GrownPicture] = {}

    def take(self, result: Maximised) -> Grown:
        """Take up a preview and return all there is: done, growing and waiting pictures."""
        pictures = [
            _picture(result, row, not is_gathered(result)) for row in range(len(result.wanted))
        ]
        if is_gathered(result):
            self._done = {picture.name: picture for picture in pictures}
        else:
            now = {picture.name: picture for picture in pictures}
            if now.keys() != self._growing.keys():  # those before are finished
                done = {name: replace(item, final=True) for name, item in self._growing.items()}
                self._done = done | self._done
            self._growing = now
        found = self._growing | self._done
        shown = (found.get(name, GrownPicture(name, None, final=False)) for name in self._names)
        height, width = result.pictures.shape[1:3]
        return Grown(tuple(shown), result.steps, (height, width))


def is_gathered(result: Maximised) -> bool:
    """Tell whether a gallery put its finished pictures together; there is no growth in these."""
    return result.grown == (result.steps,) and result.objectives.shape[1] == 1


def last_value(values: Floats) -> float:
    """Return the last value that is one; NaN where there is none."""
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else float("nan")


def short(name: str) -> str:
    """Return what a tile is called: of "channel 12" the number."""
    return name.removeprefix("channel ")


def _picture(result: Maximised, row: int, partial: bool) -> GrownPicture:
    """Return one picture of a maximisation."""
    known = np.flatnonzero(np.isfinite(result.objectives[row]))
    gathered = is_gathered(result)
    made = int(known[-1]) + 1 if len(known) else 0
    waits = partial and not made
    values = result.objectives[row, :made]
    reached = last_value(values)
    return GrownPicture(
        name=result.wanted[row],
        values=None if waits else result.pictures[row],
        objectives=_none() if gathered else values,
        done=result.steps if gathered else made,
        final=not partial,
        film=None if gathered else result.growth[:, row],
        grown=() if gathered else result.grown,
        value=labels.value(reached) if made else "",
        facts="" if waits else _response(result, row),
        amiss="" if partial else _amiss(result, row),
        answer=result.answers[row] if row < len(result.answers) else None,
    )


def _inverted(result: Inverted, partial: bool) -> Grown:
    """Return the picture of a layer, and those of the others where there is a curve over them."""
    height, width = result.picture.shape[:2]
    main = GrownPicture(
        name=result.layer,
        values=result.picture,
        objectives=result.objectives,
        done=len(result.objectives),
        final=not partial,
        film=result.growth,
        grown=result.grown,
        value=labels.value(result.r2),
        facts="" if result.caricature else _compared(result.mse, result.r2, result.match),
    )
    if len(result.layers) < 2:
        return Grown((main,), result.steps, (height, width), result.original)
    pictures = []
    for place, layer in enumerate(result.layers):
        error, score = float(result.errors[place]), float(result.scores[place])
        facts = _compared(error, score, float(result.matches[place]))
        small = GrownPicture(layer, result.pictures[place], value=labels.value(score), facts=facts)
        pictures.append(main if layer == result.layer else small)
    curve = Curves("R² by layer", "layer", result.scores, result.layers)
    return Grown(tuple(pictures), result.steps, (height, width), result.original, curve)


def _compared(error: float, score: float, match: float) -> str:
    parts = [f"MSE {labels.value(error)}", f"R² {labels.value(score)}"]
    if match:  # not known while it grows
        parts.append(f"layer's own R² {labels.value(match)}")
    return f" {labels.DOT} ".join(parts)


def _response(result: Maximised, row: int) -> str:
    """Return what the unit gives for the picture, and how that compares with data."""
    response, bar = float(result.responses[row]), float(result.threshold[row])
    if not np.isfinite(response):
        return ""
    said = f"{'response' if result.layer else 'logit'} {labels.value(response)}"
    if np.isfinite(bar):
        way = "above" if response > bar else "below"
        said += f", {way} the 99.9th percentile of pictures: {labels.value(bar)}"
    return said


def _amiss(result: Maximised, row: int) -> str:
    """Return the note that names a picture: that its unit would not fire."""
    name = re.compile(rf"(?<!\w){re.escape(result.wanted[row])}(?!\w)", re.IGNORECASE)
    found = next((note for note in result.notes if name.search(note)), "")
    if not found and result.responses[row] <= 0 and any(map(_MORE.search, result.notes)):
        return "It would not fire: no value came above zero."  # a note names the first few alone
    return found
