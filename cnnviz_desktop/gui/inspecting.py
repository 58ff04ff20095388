"""Bring to the strip below the maps what the engine knows of a place where the mouse rests."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QColor

from cnnviz_desktop.data import Activation, Box, Floats, ImageInput
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.inspector_parts import PinnedMap
from cnnviz_desktop.gui.inspector_work import Closer, ReadSpot, Spot
from cnnviz_desktop.gui.jobs import Priority
from cnnviz_desktop.gui.map_inspector import MapInspector
from cnnviz_desktop.gui.marks import Pin
from cnnviz_desktop.gui.pinned_maps import PinnedMaps
from cnnviz_desktop.gui.session import FEATURE_MAPS, Session
from cnnviz_desktop.gui.work import Answer

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

SLOT = "place"
REST = 60  # milliseconds the mouse rests on a place before the engine is asked
_WALK = 200  # after a walk to another channel or layer: the next step often follows at once
_KEPT = 32  # places that were looked at, with their pictures some 10 MB
_Key = tuple["LoadedModel", ImageInput, Spot]


class Inspecting(QObject):
    """What stands behind a `MapInspector`: readings of places, and the pinned maps."""

    def __init__(self, session: Session, inspector: MapInspector, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._inspector = inspector
        self._known: OrderedDict[_Key, Closer] = OrderedDict()
        self._pinned = PinnedMaps(session, "pinned map", self)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._ask)
        session.cache.watch(self._drawn)
        session.models.changed.connect(self.clear)
        session.models.cleared.connect(self.clear)
        session.pictures.removed.connect(self.clear)
        session.requested.connect(self._give_way)
        session.marks.pins_changed.connect(self.show_pins)
        session.answered.connect(self._answered)
        self._pinned.arrived.connect(self.show_pins)
        inspector.turned.connect(self._turned)

    def clear(self) -> None:
        """Let go of what is known: the model is another, or a picture is gone."""
        self._known.clear()
        self._stop()

    def show_pins(self) -> None:
        """Show the pinned units' maps for the picture in view, asking for what is not known."""
        answer = self._answer()
        maps = answer.result if answer is not None else None
        if answer is None or answer.image is None or not isinstance(maps, Activation):
            self._inspector.set_pins(())
            return
        pins = self._session.marks.pins()
        others = [pin.place.unit for pin in pins if pin.place.unit.layer != maps.layer]
        if self._session.model is answer.model:
            self._pinned.want(answer.image, others)
        shown = [self._pinned_map(pin, maps, answer.image) for pin in pins]
        self._inspector.set_pins([pin for pin in shown if pin is not None])

    def _pinned_map(self, pin: Pin, maps: Activation, image: ImageInput) -> PinnedMap | None:
        """Return a pin's map; None where its layer has no such channel for this picture."""
        unit = pin.place.unit
        own = unit.layer == maps.layer
        values: Floats | None = None
        region: Box = maps.region
        if own:
            if unit.channel >= len(maps.values):
                return None
            values = maps.values[unit.channel]
        else:
            found = self._pinned.get(image, unit)
            if found is not None:
                values, region = found.values, found.region
            elif self._pinned.is_missing(image, unit):
                return None
        name = str(unit.channel) if own else f"{unit.layer}{labels.DOT}{unit.channel}"
        colour = QColor(style.PINS[pin.colour % len(style.PINS)])
        return PinnedMap(name, colour, values, region, own)

    def _answered(self, tab: str, _answer: Answer) -> None:
        if tab == FEATURE_MAPS:
            self.show_pins()

    def _turned(self, pointed: bool) -> None:
        """Show at once what is known of the place, else ask when the mouse has rested."""
        key = self._key()
        known = self._known.get(key) if key is not None else None
        self._stop()
        if key is None or not self._inspector.isVisible():
            return
        if known is not None:
            self._known.move_to_end(key)
            self._inspector.show_closer(known)
        else:
            self._rest.start(REST if pointed else _WALK)

    def _ask(self) -> None:
        key = self._key()
        if key is None or not self._inspector.isVisible():
            return
        if self._session.job(FEATURE_MAPS) is not None:
            self._rest.start(_WALK)  # other maps are on their way
            return
        model, image, spot = key
        work = ReadSpot(self._session.engine, model, image, spot)
        label = f"Taking apart channel {spot.channel} of {spot.layer}"
        job = self._session.submit(work, label, SLOT, Priority.CLICK)
        job.done.connect(self._read)

    def _read(self, found: Closer) -> None:
        key = self._key()
        if key is None or key[2] != found.spot:
            return  # a newer place is on its way
        self._known[key] = found
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        self._inspector.show_closer(found)

    def _give_way(self, _tab: str) -> None:
        """Let what the person asked for go first."""
        running = self._session.job(SLOT)
        if running is not None:
            self._stop()
            self._rest.start(_WALK)

    def _stop(self) -> None:
        self._rest.stop()
        self._session.drop(SLOT)

    def _key(self) -> _Key | None:
        """Return the place in view with the model and the picture that it is of."""
        answer, spot = self._answer(), self._inspector.spot()
        if answer is None or answer.image is None or spot is None:
            return None
        maps = answer.result
        fits = isinstance(maps, Activation) and (maps.layer, maps.call) == (spot.layer, spot.call)
        # Not with the stand-in of a session that was opened.
        return (answer.model, answer.image, spot) if fits and self._there(answer) else None

    def _there(self, answer: Answer) -> bool:
        return self._session.model is answer.model

    def _answer(self) -> Answer | None:
        return self._session.answers.get(FEATURE_MAPS)

    def _drawn(self) -> list[object]:
        """Return the pictures that are kept here."""
        return [found.drawn for found in self._known.values() if found.drawn is not None]
