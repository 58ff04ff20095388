"""Say what the strip below the maps asks of the engine thread: one place, and pinned maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cnnviz_desktop.data import Activation, Box, Floats, ImageInput, Pixels, Reading
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import FeatureMaps
from cnnviz_desktop.errors import Cancelled, CnnvizError
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.display import reduced, scaled
from cnnviz_desktop.gui.work import Engine

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

SIDE = 320  # pixels of the strip's picture, on a screen of scale 2
_OPACITY = 0.85
_LIFT = 0.5  # gradients are a few large ones and many small: the small ones shall be seen too


@dataclass(frozen=True)
class Spot:
    """One value of one map."""

    layer: str
    call: int
    channel: int
    row: int
    column: int


@dataclass(frozen=True, eq=False)
class Closer:
    """A value taken apart; `drawn` is the picture with what moves the value, None for nothing.

    `reading` is None where the value cannot be read, and `why` says why. What was drawn is no
    longer in `reading.effective`.
    """

    spot: Spot
    reading: Reading | None
    drawn: Pixels | None = None
    why: str = ""


@dataclass(frozen=True, eq=False)
class ReadSpot:
    """Take one value of a map apart -> `Closer`."""

    engine: Engine
    model: LoadedModel
    image: ImageInput
    spot: Spot

    def __call__(self, run: Run) -> Closer:
        """Do it, and draw it, which would take the window some milliseconds."""
        spot = self.spot
        place = (spot.channel, spot.row, spot.column)
        try:
            reading = self.engine.read(self.model, self.image, spot.layer, spot.call, place, run)
        except Cancelled:
            raise
        except CnnvizError as error:
            return Closer(spot, None, why=str(error))
        run.check()
        drawn, effective = None, reading.effective
        if np.isfinite(effective).all() and effective.any():
            small, factor = reduced(self.image, SIDE)
            region = scaled(reading.region, factor)
            drawn = pixels.overlay_values(
                small, effective, region, _OPACITY, style.OVERLAY, gamma=_LIFT
            )
        return Closer(spot, replace(reading, effective=effective[:0, :0].copy()), drawn)


@dataclass(frozen=True, eq=False)
class UnitMap:
    """One channel's map (h, w), its maximum, and the box of the picture that it covers.

    The values may be averaged down to fewer; the maximum is that of all.
    """

    values: Floats
    region: Box
    high: float

    @classmethod
    def of(cls, maps: Activation, channel: int, side: int = 0) -> UnitMap:
        """Take one map out of a layer's, averaged down where it is longer than a `side` given."""
        values = maps.values[channel]
        finite = values[np.isfinite(values)]
        high = float(finite.max()) if finite.size else 0.0
        longest = max(values.shape)
        if side and longest > side:
            height, width = (max(1, round(length * side / longest)) for length in values.shape)
            values = pixels.resize(np.nan_to_num(values), height, width)
        return cls(np.array(values), maps.region, high)


@dataclass(frozen=True, eq=False)
class UnitMaps:
    """The maps of the units asked for, for one picture; a unit without any is left out."""

    model: LoadedModel
    image: ImageInput
    units: tuple[Unit, ...]
    maps: Mapping[Unit, UnitMap]


@dataclass(frozen=True, eq=False)
class RecordUnits:
    """Record the maps of some units for one picture, reduced to a `side` -> `UnitMaps`."""

    engine: Engine
    model: LoadedModel
    image: ImageInput
    units: tuple[Unit, ...]
    side: int = 0

    def __call__(self, run: Run) -> UnitMaps:
        """Do it, a layer at a time; of each only the channels that are asked for are kept."""
        found: dict[Unit, UnitMap] = {}
        layers = list(dict.fromkeys(unit.layer for unit in self.units))
        for layer in run.track(layers, "Recording pinned units"):
            try:
                whole = self.engine.perform(FeatureMaps(layer=layer), self.model, self.image, run)
            except Cancelled:
                raise
            except CnnvizError:
                continue
            if not isinstance(whole, Activation):
                continue
            for unit in self.units:
                if unit.layer == layer and unit.channel < len(whole.values):
                    found[unit] = UnitMap.of(whole, unit.channel, self.side)
        return UnitMaps(self.model, self.image, self.units, found)
