"""Take steps back and forth: pictures, models, layers, parameters, pins and notes.

After each change the session is compared with how it was before. What differs is one step, so that
nothing that changes it needs to know that it can be undone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from cnnviz_desktop.data import PRETRAINED, InputSpec
from cnnviz_desktop.engine.technique import ClassKind, Integer, LayerKind, Number, Technique
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.marks import Origin, Pin, Place, UnitNote
from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.gui.models import MODEL_SLOT
from cnnviz_desktop.gui.pictures import Picture
from cnnviz_desktop.gui.session import FOLLOWS_UNIT, Session
from cnnviz_desktop.model_names import short_name

_MOST_STEPS = 100
_OPENED = ("pictures",)
_AT_ONCE = 1.0  # seconds between the parts of a folder that is opened


@dataclass(frozen=True)
class Choice:
    """Which network was chosen, where it runs and how pictures are fed to it."""

    origin: Origin
    device: str
    fit: str
    spec: InputSpec


@dataclass(frozen=True)
class Moment:
    """All of a session that can be undone."""

    model: Choice | None
    techniques: Mapping[str, Technique]
    pictures: tuple[Picture, ...]
    pins: tuple[Pin, ...]
    notes: Mapping[Place, UnitNote]


class History(QObject):
    """The steps of a window; `stack` has their words. Signals: `recorded` whatever changed."""

    recorded = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.stack = QUndoStack(self)
        self.stack.setUndoLimit(_MOST_STEPS)
        self._last = self.moment()
        self._awaited: Moment | None = None  # what to be once its model is loaded
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)  # one deed changes several things: they are one step
        self._soon.timeout.connect(self.record)
        pictures, models, marks = session.pictures, session.models, session.marks
        for signal in (
            session.technique_changed,
            pictures.removed,
            marks.pins_changed,
            marks.notes_changed,
        ):
            signal.connect(self._record_soon)
        pictures.added.connect(self._picture_came)
        models.changed.connect(self._model_came)
        models.requested.connect(self._record_soon)
        session.failed.connect(self._record_soon)

    def _record_soon(self) -> None:
        """Wait for all of a deed. Not the timer's own slot: it takes a key for milliseconds."""
        self._soon.start()

    def moment(self) -> Moment:
        """Return how the session is now."""
        session = self._session
        models, marks = session.models, session.marks
        model = models.current or models.absent
        return Moment(
            None
            if model is None
            else Choice(Origin.of(model), models.device, models.fit, model.spec),
            # What follows the unit has the layers' way back.
            {tab: item for tab, item in session.techniques.items() if tab not in FOLLOWS_UNIT},
            tuple(session.pictures[key] for key in session.pictures),
            marks.all_pins,
            dict(marks.all_notes),
        )

    def clear(self) -> None:
        """Begin anew: another session is there."""
        self._soon.stop()
        self._awaited = None
        self._last = self.moment()
        self.stack.clear()

    def record(self) -> None:
        """Make what changed since the last step a step of its own."""
        self._soon.stop()
        if self._awaited is not None:
            return
        before, now = self._last, self.moment()
        self._last = now
        if before != now:
            if before.model is None:  # the first one is no step: there is nothing to go back to
                before = replace(before, model=now.model, techniques=now.techniques)
            if before != now:
                self.stack.push(_Step(self, before, now))
        self.recorded.emit()

    def undo(self) -> None:
        """Take the last step back."""
        self.record()
        if self._awaited is None:
            self.stack.undo()

    def redo(self) -> None:
        """Take the step again that was taken back."""
        self.record()
        if self._awaited is None:
            self.stack.redo()

    def turn(self, start: Moment, end: Moment) -> None:
        """Change what differs between two moments."""
        session = self._session
        for place, entry in enumerate(end.pictures):
            if entry not in start.pictures:
                session.pictures.insert(entry, place)
                session.pictures.select(entry.key)
        for entry in start.pictures:
            if entry not in end.pictures:
                session.pictures.remove(entry.key)
        if (start.pins, start.notes) != (end.pins, end.notes):
            session.marks.set_all(end.pins, end.notes)
        if start.model != end.model and end.model is not None:
            self._awaited = end
            self._choose(end.model)
        elif start.techniques != end.techniques:
            session.take_techniques(end.techniques)
        if self._awaited is None:
            self._last = self.moment()
        self.recorded.emit()

    def _choose(self, choice: Choice) -> None:
        """Go back to another model; what its forms said follows when it is there."""
        models = self._session.models
        current = models.current
        same_origin = current is not None and Origin.of(current) == choice.origin
        same = same_origin and current is not None and current.spec == choice.spec
        if same and models.device == choice.device:
            models.set_fit(choice.fit)  # type: ignore[arg-type]  # one of the same words
            return
        models.fit = choice.fit  # type: ignore[assignment]
        models.device = choice.device
        weights = choice.origin.weights
        models.load(
            choice.origin.name,
            None if weights == PRETRAINED else weights,
            spec=choice.spec,
            keep=ModelChoice(choice.origin.name, weights).file if same_origin else None,
        )
        job = self._session.job(MODEL_SLOT)
        if job is not None:
            job.ended.connect(self._load_ended)

    def _picture_came(self, entry: Picture) -> None:
        """Count what fills an empty session as having been there."""
        if self._session.pictures.filling:
            self._last = replace(self._last, pictures=(*self._last.pictures, entry))
        self._soon.start()

    def _model_came(self) -> None:
        awaited, self._awaited = self._awaited, None
        if awaited is not None:
            self._session.take_techniques(awaited.techniques)
            self._last = self.moment()
            self.recorded.emit()
        else:
            self._soon.start()

    def _load_ended(self) -> None:
        """Forget the step where its model could not be had."""
        if self._awaited is not None:
            self._awaited = None
            models, was = self._session.models, self._last.model
            if was is not None:
                models.device = was.device
                models.fit = was.fit  # type: ignore[assignment]  # one of the same words
            self._last = self.moment()
            self.stack.clear()
            self.recorded.emit()


class _Step(QUndoCommand):
    """The way between two moments. It was taken already when it is pushed."""

    def __init__(self, history: History, before: Moment, after: Moment) -> None:
        super().__init__(_words(before, after))
        self._history = history
        self._before, self._after = before, after
        self._taken = True
        self._when = time.monotonic()

    def undo(self) -> None:
        """Go back."""
        self._history.turn(self._after, self._before)

    def redo(self) -> None:
        """Go forth."""
        if not self._taken:
            self._history.turn(self._before, self._after)
        self._taken = False

    def id(self) -> int:
        """Let Qt offer to merge the next step with this one."""
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Make one step of typing one note, of moving one number, of opening one folder."""
        if not isinstance(other, _Step):
            return False
        what = _what(self._before, self._after)
        if what is None or what != _what(other._before, other._after):
            return False
        if what == _OPENED and other._when - self._when > _AT_ONCE:
            return False
        self._after, self._when = other._after, other._when
        self.setText(_words(self._before, self._after))
        self.setObsolete(self._before == self._after)
        return True


def _what(before: Moment, after: Moment) -> tuple[str, ...] | Place | None:
    """Return what goes on in small steps that make one: a note, or a tab's number."""
    rest = replace(before, techniques=after.techniques, notes=after.notes)
    if rest != after:
        grown = after.pictures[: len(before.pictures)] == before.pictures
        same = grown and replace(before, pictures=after.pictures) == after
        return _OPENED if same else None
    if before.techniques == after.techniques:
        noted = _differing(before.notes, after.notes)
        return noted[0] if len(noted) == 1 else None
    changed = _changes(before, after)
    if before.notes != after.notes or len(changed) != 1:
        return None
    tab, name, kind = changed[0]
    return (tab, name) if isinstance(kind, (Integer, Number)) else None


def _changes(before: Moment, after: Moment) -> list[tuple[str, str, object]]:
    """List the parameters that differ as (tab, name, kind); a method's name is ""."""
    found: list[tuple[str, str, object]] = []
    for tab, technique in after.techniques.items():
        old = before.techniques.get(tab)
        if old is None or type(old) is not type(technique):
            found.append((tab, "", None))
            continue
        was = old.values()
        found += [
            (tab, item.name, item.kind)
            for item in technique.parameters()
            if was[item.name] != getattr(technique, item.name)
        ]
    return found


def _words(before: Moment, after: Moment) -> str:
    """Say what a step did, to follow “Undo” and “Redo”."""
    came = [entry.image.name for entry in after.pictures if entry not in before.pictures]
    went = [entry.image.name for entry in before.pictures if entry not in after.pictures]
    if went or came:
        names = went or came
        what = names[0] if len(names) == 1 else f"{labels.whole(len(names))} pictures"
        return f"{'Remove' if went else 'Open'} {what}"
    if before.model != after.model and after.model is not None:
        if before.model is None or before.model.origin.name != after.model.origin.name:
            return f"Load {short_name(after.model.origin.name)}"
        if before.model.origin != after.model.origin:
            return "Change weights"
        if before.model.spec != after.model.spec:
            renamed = replace(before.model.spec, labels=after.model.spec.labels)
            return f"Change {'class names' if renamed == after.model.spec else 'input'}"
        if before.model.fit != after.model.fit:
            return f"Fit by {after.model.fit}"
        return f"Move to {after.model.device}"
    pinned = set(after.pins) - set(before.pins)
    if pinned or len(after.pins) < len(before.pins):
        pin = next(iter(pinned or set(before.pins) - set(after.pins)))
        return f"{'Pin' if pinned else 'Unpin'} {unit_name(pin.place.unit)}"
    noted = _differing(before.notes, after.notes)
    if noted:
        return f"Note on {unit_name(noted[0].unit)}"
    return _form_words(before, after)


def _form_words(before: Moment, after: Moment) -> str:
    changes = _changes(before, after)
    for tab, name, kind in changes:
        if isinstance(kind, LayerKind) and all(item[1] in (name, "call") for item in changes):
            return f"Pick {getattr(after.techniques[tab], name) or 'the default layer'}"
    for tab, name, kind in changes:
        if not name:
            return f"Method {after.techniques[tab].title}"
        if isinstance(kind, ClassKind):
            return "Pick class"
        return f"Change {name.replace('_', ' ')}"
    return "Change"


def unit_name(unit: Unit) -> str:
    """Return a unit as the window names it."""
    return f"{unit.layer} {labels.DOT} {unit.channel}"


def _differing(before: Mapping[Place, UnitNote], after: Mapping[Place, UnitNote]) -> list[Place]:
    places = dict.fromkeys((*after, *before))
    return [place for place in places if before.get(place) != after.get(place)]
