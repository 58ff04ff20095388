"""Follow which folder the tab Dataset is about: what it is, and what is known of a layer by now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from cnnviz_desktop.data import DatasetFacts, ExemplarOverview
from cnnviz_desktop.gui.dataset_work import (
    CheckFiles,
    Describe,
    Place,
    ReadOverview,
    SayClasses,
    Seen,
)
from cnnviz_desktop.gui.export_work import Refused
from cnnviz_desktop.gui.jobs import Priority
from cnnviz_desktop.gui.session import DATASET, Session

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_TYPED = 250  # milliseconds after a letter of a path until it is looked at
_LOOK = 700  # between looks at an index that fills
_SLOWER = 12  # the longer a run lasts, the less a moment adds: this part of its time is waited
_SHARE = 8  # looking takes at most about this part of the time

_FACTS, _CHECK, _LAYER, _SAY = "dataset", "dataset files", "dataset layer", "dataset classes"


class DatasetSource(QObject):
    """What the tab's folder is to the present network; `facts` are None until that is known.

    `problem` says why it cannot be opened. `overview` is what is known of the tab's `layer`, None
    where no picture was looked at. Signals: `described` facts or problem are others; `known` the
    overview is another; `refused` (a sentence).
    """

    described = Signal()
    known = Signal()
    refused = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.facts: DatasetFacts | None = None
        self.problem = ""
        self.overview: ExemplarOverview | None = None
        self.layer = ""
        self.place = Place(None)
        self._heads: tuple[tuple[str, str], ...] = ()  # files that are broken at their beginning
        self._own: str | None = None  # the file of classes that stands in the form by itself
        self._described: tuple[LoadedModel, Place] | None = None
        self._seen: tuple[LoadedModel, Place, str] | None = None
        self._typed = QTimer(self)
        self._typed.setSingleShot(True)
        self._typed.setInterval(_TYPED)
        self._typed.timeout.connect(self._describe)
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.timeout.connect(self._look_again)
        session.technique_changed.connect(self._changed)
        session.tab_changed.connect(self._changed)
        session.models.changed.connect(self.follow)
        session.requested.connect(self._requested)
        session.answered.connect(self._answered)

    def is_filling(self) -> bool:
        """Tell whether a pass over the pictures runs or waits."""
        job = self._session.job(DATASET)
        return job is not None and self._has_layer()

    def say_classes(self, said: dict[str, int | None]) -> None:
        """Keep which class each folder is, for all that is done with the folder from now on."""
        if self.facts is None or self._session.model is None:
            return
        work = SayClasses(self.facts, self._session.model.labels, said)
        job = self._session.submit(work, "Keeping the classes", _SAY)
        job.done.connect(self._said)

    def _has_layer(self) -> bool:
        technique = self._session.techniques.get(DATASET)
        return technique is not None and "layer" in technique.values()

    def _changed(self, tab: str) -> None:
        if tab == DATASET:
            self.follow()

    def follow(self) -> None:
        """Look at what the tab's form says, while the tab is in view."""
        model, technique = self._session.model, self._session.techniques.get(DATASET)
        if self._session.tab != DATASET or model is None or technique is None:
            return
        place = place_of(technique.values())
        if self._described != (model, place):
            waits = self._described is not None and self._described[0] is model
            self.facts, self.problem, self.place = None, "", place
            self._forget_layer()
            self._session.drop(_FACTS)
            self._described = None
            self.described.emit()
            self._typed.start(_TYPED if waits else 0)
        elif self.problem:
            self._describe()  # it may be there by now
        elif self.facts is not None:
            self._take_said()
            self._see()

    def _forget_layer(self) -> None:
        self._look.stop()
        self._seen = None
        self._session.drop(_LAYER)  # or what was known of the layer before would come back
        if self.overview is not None:
            self.overview = None
            self.known.emit()

    def _describe(self) -> None:
        model = self._session.model
        if model is None:
            return
        self._described = (model, self.place)
        job = self._session.submit(Describe(model, self.place), "Listing pictures", _FACTS)
        job.done.connect(self._took_facts)

    def _took_facts(self, found: DatasetFacts | Refused) -> None:
        if isinstance(found, Refused):
            self.facts, self.problem = None, found.sentence
            self._forget_layer()
            self.described.emit()
            return
        before, self.problem = self.facts, ""
        again = before is not None and (before.kind, before.place) == (found.kind, found.place)
        if not again:
            self._heads = ()
        self.facts = replaced(found, broken=self._broken())
        self._take_said()
        self.described.emit()
        if not again or self._heads:  # they may be mended by now
            work = CheckFiles(found, self.place)
            job = self._session.submit(work, "Looking for broken files", _CHECK, Priority.SPARE)
            job.done.connect(self._took_broken)
        self._see()

    def _take_said(self) -> None:
        """Write what was said of the folder into the form, where the person names no other file."""
        technique = self._session.techniques[DATASET]
        values = technique.values()
        if self.facts is None or "classes" not in values:
            return
        said = self.facts.said or None
        if values["classes"] in (None, self._own) and values["classes"] != said:
            self._own = said
            self._session.set_technique(DATASET, replaced(technique, classes=said))
        elif values["classes"] == said:
            self._own = said

    def _took_broken(self, found: DatasetFacts | Refused) -> None:
        now = self.facts
        if isinstance(found, Refused) or now is None or now.place != found.place:
            return
        self._heads = found.broken
        self._tell_broken()

    def _broken(self) -> tuple[tuple[str, str], ...]:
        """Return the broken files: by their heads, and those that a pass over all found."""
        seen = self.overview.broken if self.overview is not None else ()
        return tuple(sorted({**dict(self._heads), **dict(seen)}.items()))

    def _tell_broken(self) -> None:
        broken = self._broken()
        if self.facts is not None and self.facts.broken != broken:
            self.facts = replaced(self.facts, broken=broken)
            self.described.emit()

    def _said(self, found: Path | Refused) -> None:
        if isinstance(found, Refused):
            self.refused.emit(found.sentence)
            return
        technique = self._session.techniques[DATASET]
        if "classes" in technique.values():
            self._own = str(found)
            self._session.set_technique(DATASET, replaced(technique, classes=str(found)))
        self._describe()
        if self._seen is not None:
            self._ask()  # with the names that the classes have now

    def _see(self) -> None:
        """Read what is known of the layer that the form names."""
        model, facts = self._session.model, self.facts
        if model is None or facts is None or not self._has_layer():
            return
        layer = self._session.layer(DATASET)
        wanted = (model, self.place, layer)
        if self._seen != wanted:
            self._forget_layer()
            self._seen, self.layer = wanted, layer
            self._ask()

    def _ask(self) -> None:
        model, facts = self._session.model, self.facts
        if model is not None and facts is not None and self._seen is not None:
            work = ReadOverview(model, facts, self.layer)
            job = self._session.submit(work, "Reading what is known", _LAYER)
            job.done.connect(self._took_overview)

    def _took_overview(self, found: Seen | Refused) -> None:
        if isinstance(found, Refused):
            self.refused.emit(found.sentence)
            return
        if found.overview is not None or self.overview is not None:
            self.overview = found.overview
            self.known.emit()
            self._tell_broken()
        if self.is_filling():
            job = self._session.job(DATASET)
            since = job.worked / _SLOWER if job is not None else 0.0
            self._look.start(round(1000 * max(_LOOK / 1000, _SHARE * found.seconds, since)))

    def _look_again(self) -> None:
        if self._session.tab == DATASET:
            self._ask()
        elif self.is_filling():
            self._look.start(_LOOK)

    def _requested(self, tab: str) -> None:
        if tab == DATASET and (self.facts is not None or self.problem):
            self._describe()  # pictures may have been added since
            self._look.start(_LOOK)

    def _answered(self, tab: str) -> None:
        if tab == DATASET and self._seen is not None:
            self._ask()


def place_of(values: dict[str, Any]) -> Place:
    """Return which pictures a technique's parameters name."""
    generated = values.get("generated", values.get("pictures", 120))
    return Place(values.get("folder"), str(values.get("split", "test")), int(generated))


def replaced(value: Any, **changes: Any) -> Any:
    """Return a frozen value with some fields changed."""
    return replace(value, **changes)
