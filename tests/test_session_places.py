"""The files of a saved network are found where they were, beside the session, or not."""

from __future__ import annotations

from pathlib import Path

from cnnviz_desktop.session_places import found_model, locate, locate_model
from cnnviz_desktop.sessions import (
    SavedInput,
    SavedModel,
    SessionState,
    read_session,
    write_session,
)


def saved(folder: Path) -> SavedModel:
    """A network made by a function, with weights and class names, all beside the session."""
    for name in ("net.py", "w.pth", "names.txt"):
        (folder / name).write_bytes(b"pretend")
    said = SavedInput((48, 64), (0.5,), (0.25,), str(folder / "names.txt"))
    model = SavedModel(f"{folder / 'net.py'}:make", str(folder / "w.pth"), input=said)
    write_session(folder / "own.cnnviz", SessionState(models=(model,), model=0))
    return read_session(folder / "own.cnnviz").models[0]


def test_a_network_of_ones_own_comes_back(tmp_path: Path) -> None:
    model = saved(tmp_path)
    assert (model.relative_name, model.relative, model.input.relative) == (
        "net.py",
        "w.pth",
        "names.txt",
    )
    assert (model.input.size, model.input.mean, model.input.std) == ((48, 64), (0.5,), (0.25,))
    assert found_model(model, tmp_path / "own.cnnviz") == model


def test_all_of_it_moved_together(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    model = saved(here)
    here.rename(there)
    found = found_model(model, there / "own.cnnviz")
    assert found.name == f"{there / 'net.py'}:make"
    assert found.weights == str(there / "w.pth")
    assert found.input.labels == str(there / "names.txt")


def test_what_is_not_there_stays_as_it_was_written(tmp_path: Path) -> None:
    model = saved(tmp_path)
    (tmp_path / "net.py").unlink()
    place = tmp_path / "own.cnnviz"
    assert locate_model(model, place) is None
    assert locate(model, place) == tmp_path / "w.pth"
    assert found_model(model, place).name == model.name


def test_a_network_by_name_needs_no_file(tmp_path: Path) -> None:
    model = SavedModel("vgg16")
    assert model.file == model.weights_file == ""
    assert locate_model(model, tmp_path / "own.cnnviz") is None
    assert found_model(model, tmp_path / "own.cnnviz") == model
