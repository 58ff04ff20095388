"""Read and write sessions and records in the engine thread, and find the files they name."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal

from cnnviz_desktop.autosave import Autosave
from cnnviz_desktop.data import PRETRAINED, RANDOM, ImageInput, Record
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.technique import technique_from
from cnnviz_desktop.engine.techniques import TECHNIQUES
from cnnviz_desktop.errors import CnnvizError, ParameterError, SessionError
from cnnviz_desktop.gui.pictures import BUDGET
from cnnviz_desktop.gui.session_state import Snapshot, spec_of
from cnnviz_desktop.gui.work import Engine
from cnnviz_desktop.model_names import file_in
from cnnviz_desktop.session_places import found_model, locate, locate_model, mismatch
from cnnviz_desktop.sessions import (
    SavedImage,
    SavedInput,
    SavedModel,
    SessionState,
    read_session,
    write_session,
)

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_MOST_FILES = 50_000  # looked at by name
_MOST_PICTURES = 400  # decoded to be known by their content
WEIGHTS_KEY, MODEL_KEY, LABELS_KEY = -1, -2, -3  # of lost files that are no pictures


@dataclass(frozen=True)
class Lost:
    """A file that a session names and that is not found; those of a model have keys below 0."""

    key: int
    kind: Literal["picture", "weights", "model", "labels"]
    name: str
    path: str


@dataclass(frozen=True, eq=False)
class Found:
    """A session with what could be had of its files.

    `images` are by the session's keys; those in `changed` are not what they were. `known` is the
    model in the window where it is the session's own, `said` sentences on unreadable files.
    """

    state: SessionState
    path: Path
    images: Mapping[int, ImageInput]
    lost: tuple[Lost, ...] = ()
    changed: frozenset[int] = frozenset()
    said: tuple[str, ...] = ()
    known: LoadedModel | None = None

    @property
    def model(self) -> SavedModel | None:
        """Return the model that the session looks into."""
        return self.state.models[self.state.model] if self.state.model is not None else None

    @property
    def lacks(self) -> str:
        """Return the name of the file without which the model cannot be loaded, "" for none."""
        files = (item.name for item in self.lost if item.kind in ("weights", "model"))
        return next(files, "") if self.known is None else ""


@dataclass(frozen=True, eq=False)
class OpenSession:
    """Read a session and gather its files -> `Found`."""

    engine: Engine
    path: Path
    present: LoadedModel | None

    def __call__(self, run: Run) -> Found:
        """Do it."""
        state = read_session(self.path)
        return Gather(self.engine, state, self.path, self.present)(run)


@dataclass(frozen=True, eq=False)
class Gather:
    """Decode the pictures of a session -> `Found`; `ready` are those there already.

    `present` is the model in the window, to be kept where it is the session's.
    """

    engine: Engine
    state: SessionState
    path: Path
    present: LoadedModel | None = None
    ready: Mapping[int, ImageInput] = field(default_factory=dict)

    def __call__(self, run: Run) -> Found:
        """Do it; a file that cannot be read counts as lost."""
        images: dict[int, ImageInput] = {}
        lost: list[Lost] = []
        said: list[str] = []
        changed = set()
        room = BUDGET
        for item in run.track(self.state.images, "Opening the session's pictures"):
            if room < 0:
                said.append("The session has more than 2 GB of pictures: the last were left out.")
                break
            try:
                image = self._image(item)
            except CnnvizError as error:
                said.append(str(error))
                image = None
            if image is None:
                lost.append(Lost(item.key, "picture", item.name, item.path))
                continue
            images[item.key] = image
            room -= image.pixels.nbytes
            if mismatch(item, image.fingerprint):
                changed.add(item.key)
        found = Found(self.state, self.path, images, (), frozenset(changed), tuple(said))
        if found.model is not None:
            lost += _lost_of(found.model, self.path)
        return replace(found, lost=tuple(lost), known=self._known(found.model))

    def _image(self, item: SavedImage) -> ImageInput | None:
        if item.key in self.ready:
            return self.ready[item.key]
        if item.pixels is not None:
            return ImageInput(item.pixels, Path(item.path) if item.path else None)
        place = locate(item, self.path)
        return self.engine.load_image(place) if place is not None else None

    def _known(self, model: SavedModel | None) -> LoadedModel | None:
        """Return the present model where it is the one saved."""
        present = self.present
        if model is None or present is None:
            return None
        here = found_model(model, self.path)
        same = present.name == here.name and present.spec == spec_of(here.input)
        return present if same and here.fingerprint in ("", present.fingerprint) else None


@dataclass(frozen=True, eq=False)
class Search:
    """Look for lost files in a folder -> places by key."""

    engine: Engine
    state: SessionState
    lost: tuple[Lost, ...]
    place: Path

    def __call__(self, run: Run) -> dict[int, Path]:
        """Go by name first; pictures of another name are known by their content."""
        images = {image.key: image for image in self.state.images}
        files = list(islice(_files(self.place, run), _MOST_FILES))
        by_name: dict[str, list[Path]] = {}
        for path in files:
            by_name.setdefault(path.name.lower(), []).append(path)
        places: dict[int, Path] = {}
        for item in self.lost:
            named = by_name.get(_file_name(item).lower(), [])
            saved = images.get(item.key)
            same = (path for path in named[:8] if saved and self._is(saved, path))
            best = next(same, named[0] if named else None)
            if best is not None:
                places[item.key] = best
        left = [images[item.key] for item in self.lost if item.key in images.keys() - places.keys()]
        if any(image.fingerprint for image in left):
            places |= self._by_content(left, run)
        return places

    def _is(self, image: SavedImage, path: Path) -> bool:
        return bool(image.fingerprint) and self._fingerprint(path) == image.fingerprint

    def _fingerprint(self, path: Path) -> str:
        try:
            return self.engine.load_image(path).fingerprint
        except CnnvizError:
            return ""

    def _by_content(self, left: Iterable[SavedImage], run: Run) -> dict[int, Path]:
        wanted = {image.fingerprint: image.key for image in left if image.fingerprint}
        try:
            pictures = self.engine.image_files(self.place)[:_MOST_PICTURES]
        except CnnvizError:
            return {}
        places: dict[int, Path] = {}
        for path in run.track(pictures, f"Looking through {self.place.name}"):
            key = wanted.pop(self._fingerprint(path), None)
            if key is not None:
                places[key] = path
            if not wanted:
                break
        return places


@dataclass(frozen=True, eq=False)
class WriteSession:
    """Write what the window shows to a file -> its path."""

    snapshot: Snapshot
    path: Path

    def __call__(self, run: Run) -> Path:
        """Do it, whole or not at all."""
        write_session(self.path, self.snapshot.state())
        return self.path


@dataclass(frozen=True, eq=False)
class WriteCopy:
    """Write the safety copy of what the window shows -> why it could not be written, or ""."""

    autosave: Autosave
    snapshot: Snapshot

    def __call__(self, run: Run) -> str:
        """Do it; no error, since it would be said again every few minutes."""
        try:
            self.autosave.write(self.snapshot.state())
        except SessionError as error:
            return str(error)
        return ""


@dataclass(frozen=True, eq=False)
class DropCopy:
    """Remove a safety copy -> None."""

    autosave: Autosave

    def __call__(self, run: Run) -> None:
        """Do it."""
        self.autosave.clear()


@dataclass(frozen=True, eq=False)
class FindCopy:
    """Look for a session that a crash left behind -> its state or None."""

    autosave: Autosave

    def __call__(self, run: Run) -> SessionState | None:
        """Do it; it is this window's to remove or to leave."""
        return self.autosave.recover()


@dataclass(frozen=True, eq=False)
class FoundRecord:
    """What could be had of a record's files; `found` is None where a picture holds no record."""

    path: Path
    found: Found | None = None


@dataclass(frozen=True, eq=False)
class OpenRecord:
    """Read an exported figure's record and gather what it was made from -> `FoundRecord`.

    Where `may_be_plain`, a picture without a record is no failure.
    """

    engine: Engine
    path: Path
    present: LoadedModel | None
    pictures: tuple[ImageInput, ...]
    may_be_plain: bool = False

    def __call__(self, run: Run) -> FoundRecord:
        """Do it; raise `SessionError` where there is no record or it cannot be followed."""
        from cnnviz_desktop.figures.records import read_record

        try:
            record = read_record(self.path)
        except ValueError as error:
            if self.may_be_plain:
                return FoundRecord(self.path)
            raise SessionError(f"{error} Open a figure that CNNviz exported.") from error
        try:
            state = state_of(record)
        except ParameterError as error:
            raise SessionError(f"{self.path.name}: {error}") from error
        wanted = _fingerprint(state)
        same = [image for image in self.pictures if image.fingerprint == wanted]
        ready = dict(enumerate(same[:1]))  # the state's only picture has the key 0
        found = Gather(self.engine, state, self.path, self.present, ready)(run)
        return FoundRecord(self.path, found)


def state_of(record: Record) -> SessionState:
    """Return the session that a record tells of; raise `ParameterError` for a strange one."""
    from cnnviz_desktop.engine.preprocessing import FITS

    technique = technique_from(record, TECHNIQUES)
    weights = record.weights or PRETRAINED
    relative = PurePath(weights).name if weights not in (PRETRAINED, RANDOM) else ""
    file, _made_by = file_in(record.model)
    beside_name = PurePath(file.replace("\\", "/")).name
    model = SavedModel(
        record.model,
        weights,
        relative,
        record.model_fingerprint,
        fit=next((fit for fit in FITS if fit == record.fit), "crop"),
        relative_name=beside_name,
        input=_input_of(record.input),
    )
    images: tuple[SavedImage, ...] = ()
    if record.image:
        written = record.image.replace("\\", "/")
        name = PurePath(written).name
        beside = name if PurePath(written).anchor else written
        images = (SavedImage(0, name, record.image, beside, record.image_fingerprint),)
    return SessionState(
        models=(model,),
        model=0,
        images=images,
        image=0 if images else None,
        tab=technique.tab,
        parameters={technique.command: technique.values()},
    )


def _input_of(values: Mapping[str, Any]) -> SavedInput:
    """Return what a record tells of a model's input; what makes no sense is left out."""
    size, mean, std = (_numbers(values.get(name)) for name in ("size", "mean", "std"))
    names = values.get("labels")
    names = names if isinstance(names, str) else ""
    return SavedInput(
        (int(size[0]), int(size[1])) if len(size) == 2 else None,
        mean or None,
        std or None,
        names,
        PurePath(names.replace("\\", "/")).name,
    )


def _numbers(values: object) -> tuple[float, ...]:
    sound = isinstance(values, (list, tuple)) and all(
        isinstance(item, (int, float)) and math.isfinite(item) for item in values
    )
    return tuple(float(item) for item in values) if sound else ()  # type: ignore[attr-defined]


def _lost_of(model: SavedModel, session: Path) -> list[Lost]:
    """List the files of a model that are not found."""
    files = (
        (WEIGHTS_KEY, "weights", model.weights_file, locate(model, session)),
        (MODEL_KEY, "model", model.file, locate_model(model, session)),
        (LABELS_KEY, "labels", model.input.labels, locate(model.input, session)),
    )
    return [
        Lost(key, kind, PurePath(path.replace("\\", "/")).name, path)  # type: ignore[arg-type]
        for key, kind, path, place in files
        if path and place is None
    ]


def _fingerprint(state: SessionState) -> str | None:
    return state.images[0].fingerprint if state.images else None


def _file_name(item: Lost) -> str:
    return PurePath(item.path.replace("\\", "/")).name or item.name


def _files(folder: Path, run: Run) -> Iterator[Path]:
    """List all files below a folder, those nearest the top first within each branch."""
    for here, folders, names in os.walk(folder):
        run.check()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here, name) for name in sorted(names))
