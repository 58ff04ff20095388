"""Take down what the window shows, and bring it back: between the live session and its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.data import (
    Activation,
    Box,
    Heatmap,
    ImageInput,
    InputSpec,
    Prediction,
    Record,
)
from cnnviz_desktop.engine.technique import Technique, technique_from
from cnnviz_desktop.engine.techniques import TECHNIQUES
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui.absent_model import AbsentModel
from cnnviz_desktop.gui.aims import Unit, classes
from cnnviz_desktop.gui.marks import Origin, Pin, Place, UnitNote
from cnnviz_desktop.gui.pictures import Picture
from cnnviz_desktop.gui.session import FOLLOWS_UNIT, Session
from cnnviz_desktop.gui.work import Answer, Inspected
from cnnviz_desktop.paths import expanded
from cnnviz_desktop.session_places import found_model
from cnnviz_desktop.sessions import (
    SavedImage,
    SavedInput,
    SavedModel,
    SavedNote,
    SavedPin,
    SavedResult,
    SavedUnit,
    SessionState,
)

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.gui.result_view import ResultView
    from cnnviz_desktop.gui.session_work import Found

_PREDICT = "predict"  # what the command line calls it; no technique
_SECONDS = "seconds"  # how long a tab's result took, kept among the tab's settings
_ALTERED = "altered"  # whether it was changed on its way: the form alone gives another
_WINDOW = "window"
_FILE = "file"  # where the session was last saved: in safety copies only


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What the window shows, by reference: taken in no time, turned into a state by the worker."""

    model: LoadedModel | AbsentModel | None
    device: str
    fit: str
    pictures: tuple[Picture, ...]
    current: int | None
    tab: str
    unit: Unit | None
    pins: tuple[Pin, ...]
    notes: Mapping[Place, UnitNote]
    techniques: Mapping[str, Technique]
    answers: tuple[Answer, ...]
    predictions: Mapping[int, Prediction]
    views: Mapping[str, Mapping[str, Any]]
    file: Path | None = None

    def state(self) -> SessionState:
        """Return the state to be written; it measures fingerprints, so it belongs to a worker."""
        origins = self._origins()
        views = {tab: dict(values) for tab, values in self.views.items()}
        for answer in self.answers:
            values = views.setdefault(answer.technique.tab, {})
            values |= {_SECONDS: answer.seconds, _ALTERED: answer.altered}
        if self.file is not None:
            views[_WINDOW] = {_FILE: str(self.file)}
        return SessionState(
            models=tuple(self._saved_model(origin) for origin in origins),
            model=0 if self.model is not None else None,
            images=tuple(_saved_image(picture) for picture in self.pictures),
            image=self.current,
            tab=self.tab,
            unit=_saved_unit(self.unit) if self.unit else None,
            pins=tuple(
                SavedPin(_saved_unit(pin.place.unit), pin.colour, origins.index(pin.place.origin))
                for pin in self.pins
            ),
            notes=tuple(
                SavedNote(
                    _saved_unit(place.unit), note.text, note.tags, origins.index(place.origin)
                )
                for place, note in self.notes.items()
            ),
            parameters={item.command: item.values() for item in self.techniques.values()},
            views=views,
            results=tuple(self._results()),
        )

    def _origins(self) -> list[Origin]:
        """List the networks spoken of, the present one first."""
        marked = [pin.place.origin for pin in self.pins] + [place.origin for place in self.notes]
        present = [Origin.of(self.model)] if self.model is not None else []
        return list(dict.fromkeys(present + marked))

    def _saved_model(self, origin: Origin) -> SavedModel:
        if self.model is None or origin != Origin.of(self.model):
            return SavedModel(origin.name, origin.weights)
        spec = self.model.spec
        return SavedModel(
            origin.name,
            origin.weights,
            fingerprint=self.model.fingerprint,
            device=self.device,
            fit=self.fit,  # type: ignore[arg-type]  # one of the same words
            input=SavedInput(
                spec.size,
                spec.mean,
                spec.std,
                str(expanded(spec.labels).absolute()) if spec.labels is not None else "",
            ),
        )

    def _results(self) -> list[SavedResult]:
        keys = {id(picture.image): picture.key for picture in self.pictures}
        results = []
        for answer in self.answers:
            key = keys.get(id(answer.image)) if answer.image is not None else None
            if answer.model is self.model and (answer.image is None or key is not None):
                technique = answer.technique
                results.append(
                    SavedResult(technique.command, technique.values(), answer.result, 0, key)
                )
        if self.model is not None:
            known = set(keys.values())
            results += [
                SavedResult(_PREDICT, {}, prediction, 0, key)
                for key, prediction in self.predictions.items()
                if key in known
            ]
        return results


def take_down(session: Session, views: Sequence[ResultView], file: Path | None) -> Snapshot:
    """Take down what the window shows now."""
    models, pictures = session.models, session.pictures
    return Snapshot(
        model=models.current or models.absent,
        device=models.device,
        fit=models.fit,
        pictures=tuple(pictures[key] for key in pictures),
        current=pictures.current.key if pictures.current else None,
        tab=session.tab,
        unit=session.unit,
        pins=session.marks.all_pins,
        notes=dict(session.marks.all_notes),
        techniques=dict(session.techniques),
        answers=tuple(answer for answer in session.answers.values() if not answer.partial),
        predictions=session.predictions.known(),
        views={view.tab: view.view_settings() for view in views},
        file=file,
    )


def bring_back(found: Found, session: Session, views: Sequence[ResultView]) -> None:
    """Show a session in place of the present one; its model is taken up or loaded after that."""
    state, saved, before = found.state, found.model, session.model
    absent = _absent(saved, found.path) if saved is not None else None
    session.models.expect(absent)
    here = [found_model(item, found.path) for item in state.models]
    origins = [Origin(item.name, item.weights) for item in here]
    session.marks.set_all(
        [Pin(Place(origins[pin.model], _unit(pin.unit)), pin.colour) for pin in state.pins],
        {
            Place(origins[note.model], _unit(note.unit)): UnitNote(note.text, note.tags)
            for note in state.notes
        },
    )
    session.marks.turn_to(Origin.of(absent) if absent is not None else None)
    session.take_techniques(_techniques(state))
    # The forms say already what they said of it, which may be more: a class, a place of its map.
    session.pick_unit(_unit(state.unit) if state.unit is not None else None, *FOLLOWS_UNIT)
    if any(view.tab == state.tab for view in views):
        session.set_tab(state.tab)
    entries = {
        item.key: session.pictures.entry(found.images[item.key])
        for item in state.images
        if item.key in found.images
    }
    current = entries.get(state.image) if state.image is not None else None
    session.pictures.replace(list(entries.values()), current)
    if absent is not None:
        session.show_kept(*_results(found, absent, entries))
    for view in views:
        view.set_view_settings(state.views.get(view.tab, {}))
    if found.known is not None:
        session.models.take(found.known, resumed=True)
    elif absent is not None and not found.lacks:
        session.models.load_expected()
    elif absent is None and before is not None:
        session.models.take(before, resumed=False)


def last_file(state: SessionState) -> Path | None:
    """Return the file that a safety copy was last saved as."""
    name = state.views.get(_WINDOW, {}).get(_FILE)
    return Path(name) if isinstance(name, str) and Path(name).is_absolute() else None


def known_targets(technique: Technique, labels: Sequence[str]) -> Technique:
    """Return the technique with its classes as indices; one the model has not is the likeliest."""
    lowered = [label.lower() for label in labels]
    changes: dict[str, Any] = {}
    for item in technique.parameters():
        if not technique.takes_class(item):
            continue
        value = getattr(technique, item.name)
        if isinstance(value, str):
            word = value.strip().lower()
            number = int(word) if word.isdecimal() else -1
            value = lowered.index(word) if word in lowered else number
        if value is not None and not 0 <= value < len(labels):
            value = None
        changes[item.name] = value
    return replace(technique, **changes)


def technique_of(state: SessionState) -> Technique | None:
    """Return the one technique that a record's state tells of, its classes as they are written."""
    for kind in TECHNIQUES:
        values = state.parameters.get(kind.command)
        if values is not None:
            return kind(**values)
    return None


def _techniques(state: SessionState) -> dict[str, Technique]:
    """Return what each tab's form said; parameters that make no sense are left out."""
    found: dict[str, Technique] = {}
    for kind in TECHNIQUES:
        values = state.parameters.get(kind.command)
        technique = _technique(kind.command, values) if values is not None else None
        if technique is not None and kind.tab not in found:
            found[kind.tab] = technique
    return found


def _technique(command: str, values: Mapping[str, Any]) -> Technique | None:
    record = Record(command, dict(values), "", "")
    try:
        technique = technique_from(record, TECHNIQUES)
    except (CnnvizError, TypeError):
        return None
    # The classes of a model that is not loaded are not known: only an index can be one of them.
    odd = [name for name, value in classes(technique).items() if not _is_index(value)]
    return replace(technique, **dict.fromkeys(odd))


def _is_index(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 1_000_000


def spec_of(saved: SavedInput) -> InputSpec:
    """Return what was said of a model's input."""
    names = Path(saved.labels) if saved.labels else None
    return InputSpec(saved.size, saved.mean, saved.std, names)


def _absent(saved: SavedModel, session_path: Path) -> AbsentModel:
    here = found_model(saved, session_path)
    return AbsentModel(
        here.name,
        here.weights,
        here.fingerprint,
        here.device,
        here.fit,
        spec=spec_of(here.input),
    )


def _results(
    found: Found, model: AbsentModel, entries: Mapping[int, Picture]
) -> tuple[list[Answer], list[Inspected]]:
    """Return the answers on screen, and what the model said about the pictures."""
    answers: list[Answer] = []
    inspected: list[Inspected] = []
    for item in found.state.results:
        left_out = item.image is not None and item.image not in entries
        if item.model != found.state.model or left_out:
            continue
        entry = entries[item.image] if item.image is not None else None
        image = entry.image if entry is not None else None
        if image is not None and not _lies_on(item.value, image):
            continue
        unchanged = item.image not in found.changed
        if item.technique == _PREDICT and isinstance(item.value, Prediction):
            if entry is not None and unchanged:
                # What is shown of a model is what its stand-in knows.
                inspected.append(Inspected(entry.key, model, item.value))  # type: ignore[arg-type]
            continue
        technique = _technique(item.technique, item.parameters)
        if technique is None or (technique.needs_image and image is None):
            continue
        if image is not None and not unchanged:
            image = replace(image)  # another picture by identity: the result is shown as stale
        values = found.state.views.get(technique.tab, {})
        seconds, altered = values.get(_SECONDS), values.get(_ALTERED) is True
        took = float(seconds) if isinstance(seconds, (int, float)) else 0.0
        answers.append(
            Answer(technique, model, image, item.value, took, altered=altered)  # type: ignore[arg-type]
        )
    return answers, inspected


def _lies_on(result: object, image: ImageInput) -> bool:
    """Tell whether a result's region lies about its picture: what is drawn is as large as that."""
    if not isinstance(result, (Activation, Heatmap, Prediction)):
        return True
    box: Box = result.region
    reach = max(image.pixels.shape[:2])
    edges = (box.top, box.left, box.bottom, box.right)
    return all(-reach <= edge <= 2 * reach for edge in edges)


def _saved_image(picture: Picture) -> SavedImage:
    image = picture.image
    path = str(image.path.absolute()) if image.path else ""
    return SavedImage(
        picture.key,
        image.name,
        path,
        fingerprint=image.fingerprint,
        pixels=None if path else image.pixels,
    )


def _saved_unit(unit: Unit) -> SavedUnit:
    return SavedUnit(unit.layer, unit.channel)


def _unit(saved: SavedUnit) -> Unit:
    return Unit(saved.layer, saved.channel)
