"""Keep the maps of pinned units for the session's pictures: one channel each, not whole layers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from cnnviz_desktop.data import Activation, ImageInput
from cnnviz_desktop.engine.techniques import FeatureMaps
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.inspector_work import RecordUnits, UnitMap, UnitMaps
from cnnviz_desktop.gui.jobs import Priority
from cnnviz_desktop.gui.results import Request, result_bytes
from cnnviz_desktop.gui.session import Session

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_SHARE = 8  # of the memory budget, at most this part
_Key = tuple["LoadedModel", ImageInput, Unit]


class PinnedMaps(QObject):
    """Maps by picture and unit, of the present model. Signals: `arrived` some are here.

    With a `side` they are reduced to it and all kept; no more are asked for where the memory budget
    has no room. Whole maps make room for each other.
    """

    arrived = Signal()

    def __init__(
        self, session: Session, slot: str, parent: QObject | None = None, side: int = 0
    ) -> None:
        """Ask in jobs of `slot` and the picture's key."""
        super().__init__(parent)
        self._session = session
        self._slot = slot
        self._side = side
        self._known: OrderedDict[_Key, UnitMap | None] = OrderedDict()
        self._bytes = 0
        session.cache.watch(self._recorded)
        session.models.changed.connect(self.clear)
        session.models.cleared.connect(self.clear)
        session.pictures.removed.connect(self._forget)

    def clear(self) -> None:
        """Let go of everything: the model is another."""
        self._known.clear()
        self._bytes = 0

    def get(self, image: ImageInput, unit: Unit) -> UnitMap | None:
        """Return a unit's map for a picture, if it is known."""
        model = self._session.model
        if model is None:
            return None
        key = (model, image, unit)
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
        return found

    def is_missing(self, image: ImageInput, unit: Unit) -> bool:
        """Tell whether a unit was asked for and has no map."""
        model = self._session.model
        if model is None:
            return False
        return self._known.get((model, image, unit), True) is None

    def want(self, image: ImageInput, units: Iterable[Unit]) -> None:
        """Have the maps of some units for a picture recorded behind everything else."""
        session, model = self._session, self._session.model
        if model is None or (self._side and self._is_full()):
            return
        units = [unit for unit in units if (model, image, unit) not in self._known]
        units = [unit for unit in units if not self._take_recorded(model, image, unit)]
        slot = f"{self._slot} {id(image)}"
        waiting = session.job(slot)
        if not units:
            return
        if waiting is not None and isinstance(waiting.work, RecordUnits):
            if waiting.work.model is model and set(units) <= set(waiting.work.units):
                return
            units = list(dict.fromkeys([*waiting.work.units, *units]))
        work = RecordUnits(session.engine, model, image, tuple(units), self._side)
        label = f"Recording pinned units of {image.name}"
        session.submit(work, label, slot, Priority.BACKGROUND).done.connect(self._take)

    def _take_recorded(self, model: LoadedModel, image: ImageInput, unit: Unit) -> bool:
        """Take a map out of a layer that is kept anyway; tell whether there was one."""
        request = Request(FeatureMaps(layer=unit.layer), model, image)
        answer = self._session.cache.get(request)
        maps = answer.result if answer is not None else None
        if not isinstance(maps, Activation) or unit.channel >= len(maps.values):
            return False
        self._put((model, image, unit), UnitMap.of(maps, unit.channel, self._side))
        return True

    def _take(self, found: UnitMaps) -> None:
        if found.model is not self._session.model:
            return
        for unit in found.units:
            self._put((found.model, found.image, unit), found.maps.get(unit))
        self.arrived.emit()

    def _put(self, key: _Key, found: UnitMap | None) -> None:
        self._drop(key)
        self._known[key] = found
        self._bytes += result_bytes(found)
        while not self._side and self._is_full() and len(self._known) > 1:
            self._drop(next(iter(self._known)))

    def _is_full(self) -> bool:
        return self._bytes > self._session.cache.budget // _SHARE

    def _drop(self, key: _Key) -> None:
        self._bytes -= result_bytes(self._known.pop(key, None))

    def _forget(self, _picture: int) -> None:
        pictures = self._session.pictures
        images = {id(pictures[key].image) for key in pictures}
        for key in [key for key in self._known if id(key[1]) not in images]:
            self._drop(key)

    def _recorded(self) -> list[UnitMap]:
        """Return the maps that are kept here."""
        return [found for found in self._known.values() if found is not None]
