"""Keep all that a window shows in one `.cnnviz` file, and open it again here or elsewhere.

The file is a zip archive: `session.json`, result arrays as `arrays/N.npy`, and those pictures as
`images/KEY.png` that have no file of their own. A file from a stranger can name files to be looked
for and waste at most `LIMITS`; it runs nothing and writes nothing.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import IO, Any, Literal

import numpy as np

from cnnviz_desktop import __version__
from cnnviz_desktop.data import PRETRAINED, RANDOM, Pixels, Result
from cnnviz_desktop.errors import SessionError
from cnnviz_desktop.model_names import file_in
from cnnviz_desktop.session_archive import (
    ArchiveReader,
    Limits,
    UnsoundError,
    shown,
    written_archive,
)
from cnnviz_desktop.session_codec import (
    Decoder,
    Encoder,
    parse_json,
    read_npy,
    read_png,
    write_npy,
    write_png,
)
from cnnviz_desktop.whole_file import whole_file

FORMAT = 1
SUFFIX = ".cnnviz"
LIMITS = Limits()

# What turns a document of the format named into one of the next.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

_JSON = "session.json"


@dataclass(frozen=True)
class SavedInput:
    """What the person said of a model's input and classes, as `InputSpec` has it.

    `labels` is a file's absolute path, `relative` the same as seen from the session's folder.
    """

    size: tuple[int, int] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    labels: str = ""
    relative: str = ""


@dataclass(frozen=True)
class SavedModel:
    """A model and where its weights are from: "pretrained", "none" for random ones, or a path.

    A model that is a file has its path as `name`, as `file_in` reads it. Paths are absolute;
    `relative` is the file of weights and `relative_name` that of the model as seen from the
    session's folder, "" where there is no way from there.
    """

    name: str
    weights: str = PRETRAINED
    relative: str = ""
    fingerprint: str = ""
    device: str = "cpu"
    fit: Literal["crop", "squash", "pad"] = "crop"
    relative_name: str = ""
    input: SavedInput = SavedInput()

    @property
    def file(self) -> str:
        """Return the path of the model's own file, "" where it is loaded by name."""
        return file_in(self.name)[0]

    @property
    def weights_file(self) -> str:
        """Return the path of the weights, "" where they are in no file of their own."""
        return "" if self.weights in (PRETRAINED, RANDOM) else self.weights


@dataclass(frozen=True, eq=False)
class SavedImage:
    """A picture by its file, its pixels (uint8 (H, W, 3)), or both.

    `path` is absolute, `relative` as seen from the session's folder; both "" for a pasted one.
    """

    key: int
    name: str
    path: str = ""
    relative: str = ""
    fingerprint: str = ""
    pixels: Pixels | None = None


@dataclass(frozen=True)
class SavedUnit:
    """One channel of one layer, or one place in its map."""

    layer: str
    channel: int
    row: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class SavedPin:
    """A pinned unit of a model, and the colour it is marked with."""

    unit: SavedUnit
    colour: int
    model: int = 0


@dataclass(frozen=True)
class SavedNote:
    """What the person wrote about a unit of a model."""

    unit: SavedUnit
    text: str
    tags: tuple[str, ...] = ()
    model: int = 0


@dataclass(frozen=True, eq=False)
class SavedResult:
    """A result with what made it: the technique's command and parameters, a model, a picture."""

    technique: str
    parameters: Mapping[str, Any]
    value: Result
    model: int = 0
    image: int | None = None


@dataclass(frozen=True, eq=False)
class SessionState:
    """All that a window shows.

    `model` and the models of parts are places in `models`, `image` and those of results are keys of
    `images`. `parameters` are by technique command, `views` by tab; both hold plain JSON values.
    `format` and `app_version` tell what wrote the file.
    """

    models: tuple[SavedModel, ...] = ()
    model: int | None = None
    images: tuple[SavedImage, ...] = ()
    image: int | None = None
    tab: str = ""
    unit: SavedUnit | None = None
    pins: tuple[SavedPin, ...] = ()
    notes: tuple[SavedNote, ...] = ()
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    views: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    results: tuple[SavedResult, ...] = ()
    format: int = FORMAT
    app_version: str = __version__


# ------------------------------------------------------------------------------------------ writing


def write_session(path: Path, state: SessionState, embed_images: bool = False) -> None:
    """Write a session whole or not at all; `embed_images` puts all pictures into it.

    Raises `SessionError` where it cannot be written, `ValueError` where the state contradicts
    itself, which is a bug.
    """
    state = as_written(state, path, embed_images)
    encoder = Encoder()
    pictures = {image.key: image.pixels for image in state.images if image.pixels is not None}
    bare = tuple(replace(image, pixels=None) for image in state.images)
    coded = encoder.encode(SessionState, replace(state, images=bare))
    _check_references(state)
    document = {
        "cnnviz_session": FORMAT,
        "state": coded,
        "texts": [list(texts) for texts in encoder.texts],
        "pictures": sorted(pictures),
    }
    text = json.dumps(document, sort_keys=True, allow_nan=False)
    _check_size(path, text, [*encoder.arrays, *pictures.values()])
    try:
        with whole_file(path) as stream, written_archive(stream, LIMITS) as archive:
            archive.text(_JSON, text)
            for number, array in enumerate(encoder.arrays):
                with archive.member(f"arrays/{number}.npy") as member:
                    write_npy(member, array)
            for key, pixels in sorted(pictures.items()):
                with archive.member(f"images/{key}.png") as member:
                    write_png(member, pixels)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SessionError(
            f"{path} cannot be written ({reason}): choose another folder or free some space."
        ) from error
    except (zipfile.LargeZipFile, RuntimeError) as error:  # the latter for one member of 2 GB
        raise _too_large(path) from error


def as_written(state: SessionState, path: Path, embed_images: bool = False) -> SessionState:
    """Return a state as reading the file at `path` will give it.

    Relative paths are made for that place, and pixels are left out where there is a file.
    """
    folder = path.resolve().parent
    images = tuple(
        replace(
            image,
            relative=_relative(image.path, folder, image.relative),
            pixels=image.pixels if embed_images or not image.path else None,
        )
        for image in state.images
    )
    models = tuple(
        replace(
            model,
            relative=_relative(model.weights_file, folder, model.relative),
            relative_name=_relative(model.file, folder, model.relative_name),
            input=replace(
                model.input, relative=_relative(model.input.labels, folder, model.input.relative)
            ),
        )
        for model in state.models
    )
    return replace(state, models=models, images=images, format=FORMAT, app_version=__version__)


def _relative(path: str, folder: Path, before: str) -> str:
    if not Path(path).is_absolute():  # none, or that of another operating system
        return before
    try:
        return PurePath(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return ""


def _check_size(path: Path, text: str, arrays: Iterable[Any]) -> None:
    """Write no file that would be refused when read."""
    sizes = [array.nbytes for array in arrays]
    total = len(text) + sum(sizes) * 2  # pictures count as PNG and as pixels
    if (
        len(text) > LIMITS.text
        or len(sizes) >= LIMITS.members
        or max(sizes, default=0) > LIMITS.member - 2**16
        or total > LIMITS.total - 2**16
    ):
        raise _too_large(path)


def _too_large(path: Path) -> SessionError:
    return SessionError(
        f"The session is too large to be kept in {path.name}: remove some pictures or results."
    )


# ------------------------------------------------------------------------------------------ reading


def read_session(path: Path) -> SessionState:
    """Read a session; raise `SessionError` for any file that is not a sound one."""
    try:
        if not path.is_file():  # a pipe would be waited for
            raise SessionError(f"There is no session file {path}: check the path.")
        with path.open("rb") as stream:
            return _read(stream, path.name)
    except (UnsoundError, RecursionError, MemoryError) as error:
        reason = str(error) if isinstance(error, UnsoundError) else "it is too large or too deep"
        raise SessionError(
            f"“{path.name}” cannot be opened as a CNNviz session: {reason}. "
            "Get the file again or open an earlier copy."
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise SessionError(f"{path} cannot be read ({reason}): check the path.") from error


def _read(stream: IO[bytes], name: str) -> SessionState:
    archive = ArchiveReader(stream, LIMITS)
    document = _migrated(parse_json(archive.read(_JSON, LIMITS.text)), name)
    if document.keys() != {"cnnviz_session", "state", "texts", "pictures"}:
        raise UnsoundError("its JSON is not that of a session")
    decoder = Decoder(document["texts"], lambda key: read_npy(archive.read(f"arrays/{key}.npy")))
    state = decoder.decode(SessionState, document["state"])
    assert isinstance(state, SessionState)
    keys = set(decoder.decode(tuple[int, ...], document["pictures"]))
    if not keys <= {image.key for image in state.images}:
        raise UnsoundError("it has the pixels of a picture that it does not hold")
    wanted = {_JSON, *(f"images/{key}.png" for key in keys)}
    strange = sorted(item for item in archive.names - wanted if not _is_array_name(item))
    if strange:
        raise UnsoundError(f"it has a part {shown(strange[0])}, which no session has")
    images = tuple(
        replace(image, pixels=read_png(archive.read(f"images/{image.key}.png"), archive.spend))
        if image.key in keys
        else image
        for image in state.images
    )
    state = replace(state, images=images, format=FORMAT)
    _check_references(state)
    return state


def _is_array_name(name: str) -> bool:
    number = name.removeprefix("arrays/").removesuffix(".npy")
    return name == f"arrays/{number}.npy" and number.isdecimal()


def _migrated(document: Any, name: str) -> dict[str, Any]:
    """Bring a document to this format."""
    version = document.get("cnnviz_session") if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UnsoundError("its JSON is not that of a session")
    if version > FORMAT:
        raise SessionError(
            f"“{name}” was made by a newer version of CNNviz (its session format is {version}, "
            f"this version reads up to {FORMAT}): update CNNviz to open it."
        )
    for step in range(version, FORMAT):
        try:
            document = MIGRATIONS[step](document)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise UnsoundError(
                f"its older format {version} cannot be brought up to date"
            ) from error
    assert isinstance(document, dict)
    return document


def _check_references(state: SessionState) -> None:
    """Raise `UnsoundError` where a state speaks of models, pictures or places that it has not."""
    keys = {image.key for image in state.images}
    if len(keys) != len(state.images):
        raise UnsoundError("two of its pictures have one key")
    if any(image.pixels is None and not image.path for image in state.images):
        raise UnsoundError("one of its pictures has neither a file nor pixels")
    pixels = [image.pixels for image in state.images if image.pixels is not None]
    if not all(item.dtype == np.uint8 and item.shape[2:] == (3,) and item.size for item in pixels):
        raise UnsoundError("one of its pictures is of a wrong kind")
    models = [] if state.model is None else [state.model]
    for parts in (state.pins, state.notes, state.results):
        models += [part.model for part in parts]
    if not all(0 <= model < len(state.models) for model in models):
        raise UnsoundError("it speaks of a model that it does not hold")
    shown_images = {state.image, *(item.image for item in state.results)} - {None}
    if not shown_images <= keys:
        raise UnsoundError("it speaks of a picture that it does not hold")
    units = [pin.unit for pin in state.pins] + [note.unit for note in state.notes]
    units += [state.unit] if state.unit else []
    numbers = [number for unit in units for number in (unit.channel, unit.row, unit.column)]
    numbers += [pin.colour for pin in state.pins]
    if any(number is not None and number < 0 for number in numbers):
        raise UnsoundError("it has a unit that makes no sense")
