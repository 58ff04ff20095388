"""Find the files that a session names: where they were, beside the session, or lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath

from cnnviz_desktop.model_names import file_in
from cnnviz_desktop.sessions import SavedImage, SavedInput, SavedModel, SessionState


def locate(part: SavedImage | SavedModel | SavedInput, session_path: Path) -> Path | None:
    """Return where a file is now: beside the session first, or None.

    It is a picture's, that of a model's weights, or that of its labels.
    """
    match part:
        case SavedImage():
            written = part.path
        case SavedModel():
            written = part.weights_file
        case SavedInput():
            written = part.labels
    return _locate(written, part.relative, session_path)


def locate_model(model: SavedModel, session_path: Path) -> Path | None:
    """Return where the file of a model that is one is now, or None."""
    return _locate(model.file, model.relative_name, session_path)


def _locate(written: str, relative: str, session_path: Path) -> Path | None:
    folder = session_path.resolve().parent
    places = []
    if relative and not PurePath(relative).anchor:
        places.append(folder / relative)
    if written and Path(written).is_absolute():
        places.append(Path(written))
    return next((place for place in places if _is_here(place, folder)), None)


def found_model(model: SavedModel, session_path: Path) -> SavedModel:
    """Return a model with its files at where they are now; labels that are gone are left out."""
    file, rest = file_in(model.name)
    place = locate_model(model, session_path) if file else None
    weights = locate(model, session_path)
    labels = locate(model.input, session_path)
    return replace(
        model,
        name=f"{place}{rest}" if place is not None else model.name,
        weights=str(weights) if weights is not None else model.weights,
        input=replace(model.input, labels=str(labels) if labels is not None else ""),
    )


def relocated(state: SessionState, places: Mapping[int, Path]) -> SessionState:
    """Return the state with the pictures of these keys at other places."""
    images = tuple(
        replace(image, path=str(places[image.key].absolute()), relative="")
        if image.key in places
        else image
        for image in state.images
    )
    return replace(state, images=images)


def mismatch(part: SavedImage | SavedModel, fingerprint: str) -> str:
    """Return a sentence where a found file is another than the one saved, or ""."""
    if not part.fingerprint or part.fingerprint == fingerprint:
        return ""
    return (
        f"{part.name} is not the same as when the session was saved: "
        "its results are the old ones until they are made again."
    )


def _is_here(place: Path, folder: Path) -> bool:
    """Tell whether a file is there.

    Looking on a Windows share logs in to it, so a session may only name the share that it lies on.
    """
    if place.drive.startswith("\\\\") and place.drive.lower() != folder.drive.lower():
        return False
    try:
        return place.is_file()
    except (OSError, ValueError):  # a path that no system could have
        return False
