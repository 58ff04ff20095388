"""Hold what the person marks in networks: pinned units, and a note with tags for each unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from cnnviz_desktop.data import PRETRAINED, RANDOM
from cnnviz_desktop.figures import style

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.gui.absent_model import AbsentModel
    from cnnviz_desktop.gui.aims import Unit


@dataclass(frozen=True)
class Origin:
    """Which network a mark belongs to: `weights` is "pretrained", "none" or an absolute path."""

    name: str
    weights: str

    @classmethod
    def of(cls, model: LoadedModel | AbsentModel) -> Origin:
        """Return where a model came from."""
        weights = model.weights
        if weights not in (PRETRAINED, RANDOM):
            weights = str(Path(weights).absolute())
        return cls(model.name, weights)


@dataclass(frozen=True)
class Place:
    """One unit of one network."""

    origin: Origin
    unit: Unit


@dataclass(frozen=True)
class Pin:
    """A pinned unit and the number of its colour in `style.PINS`."""

    place: Place
    colour: int


@dataclass(frozen=True)
class UnitNote:
    """What the person wrote about a unit."""

    text: str = ""
    tags: tuple[str, ...] = ()


class Marks(QObject):
    """The pins and notes of all networks of the session; those of the present one are shown.

    Signals: `pins_changed`; `notes_changed`.
    """

    pins_changed = Signal()
    notes_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._origin: Origin | None = None
        self.all_pins: tuple[Pin, ...] = ()
        self.all_notes: dict[Place, UnitNote] = {}

    @property
    def origin(self) -> Origin | None:
        """Return the network whose marks are shown."""
        return self._origin

    def turn_to(self, origin: Origin | None) -> None:
        """Show the marks of another network."""
        if origin != self._origin:
            self._origin = origin
            self.pins_changed.emit()
            self.notes_changed.emit()

    def pins(self) -> list[Pin]:
        """List the pinned units of the present network in the order they were pinned."""
        return [pin for pin in self.all_pins if pin.place.origin == self._origin]

    def other_pins(self) -> list[Pin]:
        """List the pinned units of the session's other networks."""
        return [pin for pin in self.all_pins if pin.place.origin != self._origin]

    def pin_of(self, unit: Unit | None) -> Pin | None:
        """Return a unit's pin, if it is pinned."""
        return next((pin for pin in self.pins() if pin.place.unit == unit), None)

    def toggle_pin(self, unit: Unit) -> None:
        """Pin a unit in the colour least used, or take its pin away."""
        if self._origin is None:
            return
        old = self.pin_of(unit)
        if old is not None:
            left = tuple(pin for pin in self.all_pins if pin is not old)
        else:
            taken = [pin.colour for pin in self.pins()]
            colour = min(range(len(style.PINS)), key=taken.count)
            left = (*self.all_pins, Pin(Place(self._origin, unit), colour))
        self.set_all(left, self.all_notes)

    def note(self, unit: Unit | None) -> UnitNote:
        """Return what was written about a unit of the present network."""
        if unit is None or self._origin is None:
            return UnitNote()
        return self.all_notes.get(Place(self._origin, unit), UnitNote())

    def write(self, unit: Unit, note: UnitNote) -> None:
        """Keep what the person writes about a unit; nothing written is no note."""
        if self._origin is None:
            return
        notes = {**self.all_notes, Place(self._origin, unit): note}
        self.set_all(self.all_pins, notes)

    def set_all(self, pins: Iterable[Pin], notes: Mapping[Place, UnitNote]) -> None:
        """Take other pins and notes for all networks."""
        pins = tuple(pins)
        kept = {place: note for place, note in notes.items() if note != UnitNote()}
        pinned, noted = pins != self.all_pins, kept != self.all_notes
        self.all_pins, self.all_notes = pins, kept
        if pinned:
            self.pins_changed.emit()
        if noted:
            self.notes_changed.emit()
