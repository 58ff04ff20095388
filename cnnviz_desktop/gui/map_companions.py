"""Keep what the maps in view are shown with: scores of channels, the net's limits, another picture.

Each is asked for when a look needs it and then kept for as long as model and pictures stay.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from cnnviz_desktop.data import Activation
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui.map_work import CompareMaps, FindExtremes, Pair, Weigh
from cnnviz_desktop.gui.results import Request
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.work import Answer

if TYPE_CHECKING:
    from cnnviz_desktop.engine.extremes import Extremes
    from cnnviz_desktop.engine.selectivity import Selectivity
    from cnnviz_desktop.gui.jobs import Work

_KEPT = 16  # of each kind that is small
_Key = tuple[object, ...]


class _Asked:
    """Answers of one kind by what they are about, the oldest leaving first."""

    def __init__(self, slot: str, kept: int = _KEPT) -> None:
        self.slot = slot
        self._kept = kept
        self._found: OrderedDict[_Key, Any] = OrderedDict()
        self.waiting: _Key | None = None

    def get(self, key: _Key) -> Any:
        return self._found.get(key)

    def put(self, key: _Key, found: Any) -> None:
        self._found[key] = found
        self._found.move_to_end(key)
        while len(self._found) > self._kept:
            self._found.popitem(last=False)

    def found(self) -> list[Any]:
        return list(self._found.values())

    def clear(self) -> None:
        self._found.clear()
        self.waiting = None


class MapCompanions(QObject):
    """What comes beside a layer's maps. Signals: `arrived` something that was asked for is here."""

    arrived = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._weighed = _Asked("selectivity")
        self._extremes = _Asked("net scale")
        self._other_extremes = _Asked("net scale beside")
        self._pairs = _Asked("compare", kept=1)  # whole layers: the one in view alone
        session.cache.watch(self._recorded)
        session.models.changed.connect(self.clear)
        session.models.cleared.connect(self.clear)
        session.pictures.removed.connect(self.clear)

    def clear(self) -> None:
        """Let go of everything: the model is another, or a picture is gone."""
        for asked in (self._weighed, self._extremes, self._other_extremes, self._pairs):
            asked.clear()

    def _recorded(self) -> list[Activation]:
        """Return the maps that are kept here."""
        pairs = [found for found in self._pairs.found() if isinstance(found, Pair)]
        others = [found.other.result for found in pairs]
        maps = [result for result in others if isinstance(result, Activation)]
        return [*maps, *(found.difference for found in pairs)]

    def selectivity(self, answer: Answer) -> Selectivity | CnnvizError | None:
        """Return how much each channel says for the predicted class, or why that has no answer.

        None: it has been asked for.
        """
        maps = answer.result
        assert isinstance(maps, Activation)
        assert answer.image is not None
        key = (answer.model, answer.image, maps.layer, maps.call)
        work = Weigh(answer.model, answer.image, maps.layer, maps.call)
        found: Selectivity | CnnvizError | None = self._find(
            self._weighed, key, work, f"Asking what {maps.layer} says for the answer"
        )
        return found

    def widest(self, answer: Answer, other: Answer | None, signed: bool) -> tuple[str, float]:
        """Return the layer whose values reach farthest for the picture, or both, and that value.

        ("", 0) where it is not known yet, which asks for it.
        """
        reached = [self._widest(self._extremes, answer, signed)]
        if other is not None:
            reached.append(self._widest(self._other_extremes, other, signed))
        if not all(value for _layer, value in reached):
            return "", 0.0
        return max(reached, key=lambda item: item[1])

    def pair(self, answer: Answer, key: int) -> Pair | CnnvizError | None:
        """Return the same layer for another picture of the session, by its key.

        None: it has been asked for.
        """
        session = self._session
        if key not in session.pictures or session.model is not answer.model:
            return None
        image = session.pictures[key].image
        request = Request(answer.technique, answer.model, image)
        known = session.cache.get(request)
        work = CompareMaps(answer, session.performing(request), known)
        found: Pair | CnnvizError | None = self._find(
            self._pairs,
            (answer.model, answer, image),
            work,
            f"{answer.technique.title} of {image.name}",
        )
        if isinstance(found, Pair) and known is None:
            session.cache.put(request, found.other)
        return found

    def _widest(self, asked: _Asked, answer: Answer, signed: bool) -> tuple[str, float]:
        assert answer.image is not None
        work = FindExtremes(answer.model, answer.image)
        label = f"Measuring all layers of {answer.model.name}"
        found: Extremes | CnnvizError | None = self._find(
            asked, (answer.model, answer.image), work, label
        )
        if found is None or isinstance(found, CnnvizError):
            return "", 0.0
        return found.widest(signed=signed)

    def _find(self, asked: _Asked, key: _Key, work: Work, label: str) -> Any:
        """Return what is known; else ask for it, once."""
        found = asked.get(key)
        there = self._session.model is key[0]  # else a stand-in of a session that was opened
        if found is None and there and asked.waiting != key:
            asked.waiting = key
            job = self._session.submit(work, label, asked.slot)
            job.done.connect(partial(self._take, asked, key))
            job.failed.connect(partial(self._take, asked, key))
            job.ended.connect(partial(self._stop_waiting, asked, key))
        return found

    def _take(self, asked: _Asked, key: _Key, found: object) -> None:
        if self._session.model is key[0]:  # or another's numbers would keep it in memory
            asked.put(key, found)
            self.arrived.emit()

    @staticmethod
    def _stop_waiting(asked: _Asked, key: _Key) -> None:
        if asked.waiting == key:
            asked.waiting = None
