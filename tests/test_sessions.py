"""A session comes back as it was, here and elsewhere, or is not written at all."""

from __future__ import annotations

import math
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from cnnviz_desktop import __version__, sessions
from cnnviz_desktop.data import (
    Activation,
    Box,
    Compared,
    Comparison,
    Curve,
    Curves,
    Evaluation,
    Evaluations,
    Evidence,
    Exemplars,
    Heatmap,
    Prediction,
    Result,
    Strip,
    Table,
    Timeline,
)
from cnnviz_desktop.data.exemplars import EvaluationView
from cnnviz_desktop.errors import SessionError
from cnnviz_desktop.session_archive import Limits
from cnnviz_desktop.session_codec import SHAPES
from cnnviz_desktop.session_places import (
    locate,
    mismatch,
    relocated,
)
from cnnviz_desktop.sessions import (
    SavedImage,
    SavedModel,
    SavedNote,
    SavedPin,
    SavedResult,
    SavedUnit,
    SessionState,
    as_written,
    read_session,
    write_session,
)

RESULTS: tuple[type, ...] = get_args(Result)
SMALL = Limits(members=64, member=2**20, total=2**21, text=2**18)


def same(one: Any, other: Any) -> bool:
    """Compare by value all that is compared by identity."""
    if type(one) is not type(other):
        return isinstance(one, Mapping) and isinstance(other, Mapping) and dict(one) == dict(other)
    if is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, np.ndarray):
        sameness = one.dtype == other.dtype and one.shape == other.shape
        return sameness and one.tobytes() == other.tobytes()
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


# -------------------------------------------------------------------------------------- strategies

texts = st.text(max_size=8)
names = st.text(st.characters(exclude_categories=()), max_size=8)  # with halves of surrogates
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
plain_values = st.dictionaries(texts, plain, max_size=3)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    top, left = draw(st.integers(-500, 500)), draw(st.integers(-500, 500))
    return Box(top, left, top + draw(st.integers(1, 9000)), left + draw(st.integers(1, 9000)))


def of_type(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type; a type that a new result brings gets its line here."""
    known: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(1, 10**6),
        float: st.floats(),
        str: names,
        bool: st.booleans(),
        Box: boxes(),
        type(None): st.none(),
        Strip: strips(),
        Evidence: evidence(),
        Exemplars: exemplars(),
        Evaluation: evaluations(3),
        Evaluations: compared(),
        Comparison: comparisons(),
        Curves: curves(),
    }
    if kind in known:
        return known[kind]
    arguments = get_args(kind)
    if get_origin(kind) is tuple and arguments[1:] == (Ellipsis,):
        return st.lists(of_type(arguments[0]), max_size=3).map(tuple)
    if get_origin(kind) is tuple:
        return st.tuples(*map(of_type, arguments))
    if kind is Table:
        return tables()
    if is_dataclass(kind):
        return results_of(kind)
    return st.one_of([of_type(item) for item in arguments])


@st.composite
def strips(draw: st.DrawFn) -> Strip:
    maps = draw(results_of(Activation))
    channels = draw(st.permutations(range(len(maps.values))))
    return Strip(draw(names), maps, tuple(channels), len(channels))


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    rows, columns, scores, places = (draw(st.integers(1, 3)) for _ in range(4))
    cells = rows * columns

    def words(count: int) -> tuple[str, ...]:
        return tuple(draw(st.lists(names, min_size=count, max_size=count)))

    curve = Curve(
        draw(names),
        draw(names),
        draw(st_numpy.arrays(np.float32, places)),
        draw(st.just(()) | st.just(words(places))),
        draw(st_numpy.arrays(np.float32, (rows, columns, places))),
    )
    cell = st.none() | results_of(Heatmap)
    better = st.sampled_from(["higher", "lower"])
    return Evidence(
        draw(names),
        draw(st.integers(0, 999)),
        draw(names),
        draw(st.floats()),
        draw(st.floats()),
        words(rows),
        words(columns),
        tuple(draw(st.lists(cell, min_size=cells, max_size=cells))),
        words(cells),
        words(scores),
        tuple(draw(st.lists(better, min_size=scores, max_size=scores))),
        draw(st_numpy.arrays(np.float32, (rows, columns, scores))),
        draw(st.just(()) | st.just(words(scores))),
        draw(st.just(()) | st.just((curve,))),
        draw(st.integers(0, rows)),
        words(1),
    )


@st.composite
def exemplars(draw: st.DrawFn) -> Exemplars:
    channels, across, classes = (draw(st.integers(1, 3)) for _ in range(3))
    total = channels * across
    floats = np.zeros((channels, classes), np.float32)
    counted = tuple(range(total))
    return Exemplars(
        draw(names),
        draw(names),
        draw(st.integers(1, 99)),
        draw(st.integers(1, 99)),
        tuple(range(channels)),
        draw(st_numpy.arrays(np.float32, (channels, across))),
        np.full((channels, across, 2, 2, 3), 0.5, np.float32),
        tuple(draw(st.lists(names, min_size=total, max_size=total))),
        tuple(draw(st.lists(st.integers(-1, classes - 1), min_size=total, max_size=total))),
        counted,
        counted,
        tuple(draw(st.lists(boxes(), min_size=total, max_size=total))),
        tuple(draw(st.lists(names, min_size=classes, max_size=classes))),
        floats,
        floats + 1,
        floats + 2,
        draw(st.just(()) | st.just(tuple(map(float, range(across))))),
        draw(st.integers(-1, classes - 1)),
        tuple(draw(st.lists(names, max_size=2))),
    )


@st.composite
def evaluations(draw: st.DrawFn, size: int) -> Evaluation:
    labels = draw(st.lists(names, min_size=1, max_size=4).map(tuple))
    answers = st_numpy.arrays(np.int64, size, elements=st.integers(0, len(labels) - 1))
    truth, predicted = draw(answers), draw(answers)
    classes = np.unique(np.concatenate([truth, predicted]))
    numbers = st_numpy.arrays(np.float32, size)
    shares = st_numpy.arrays(np.float32, len(classes))
    more = [draw(st.floats()) for _ in range(6)]
    bins = draw(st_numpy.arrays(np.float32, 2))
    counts = draw(st_numpy.arrays(np.int64, 2))
    lists = (truth, predicted, draw(numbers), draw(answers), draw(numbers))
    by_class = (classes, draw(shares), draw(shares), np.ones(len(classes), np.int64))
    return Evaluation(draw(names), labels, *lists, *more, *by_class, counts, bins, bins)


@st.composite
def compared(draw: st.DrawFn) -> Evaluations:
    size = draw(st.integers(1, 4))
    files = tuple(draw(st.lists(names, min_size=size, max_size=size)))
    models = tuple(draw(st.lists(evaluations(size), min_size=1, max_size=2)))
    show = draw(st.sampled_from(get_args(EvaluationView)))
    return Evaluations(draw(names), files, models, show, ())


@st.composite
def curves(draw: st.DrawFn) -> Curves:
    count, size = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    finite = st_numpy.arrays(np.float32, size, elements=st.floats(0, 1e6, width=32))
    numbers = st_numpy.arrays(np.float32, size)
    parts = (
        st.lists(item, min_size=count, max_size=count).map(tuple)
        for item in (names, finite, numbers)
    )
    return Curves(draw(names), *(draw(part) for part in parts), draw(names), ("note",))


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    depths, scores = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    some = st.lists(results_of(Heatmap), min_size=depths, max_size=depths).map(tuple)
    networks = st.builds(
        Compared,
        names,
        names,
        names,
        *[st.integers(0, 10**12)] * 3,
        st.floats(),
        st.none() | results_of(Prediction),
        st.lists(strips(), min_size=depths, max_size=depths).map(tuple),
        st.just(()) | some,
        st.none() | results_of(Heatmap),
        st.tuples(*[st.floats()] * scores),
    )
    models = tuple(draw(st.lists(networks, min_size=1, max_size=2)))
    measures = tuple(draw(st.lists(names, min_size=scores, max_size=scores)))
    return Comparison(draw(names), models, measures, ("note",))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    count = draw(st.integers(1, 4))
    column = st.lists(names, min_size=count, max_size=count).map(tuple)
    cell = st.one_of(names, st.integers(-(10**12), 10**12), st.floats(), st.none())
    row = st.lists(cell, min_size=count, max_size=count).map(tuple)
    rows = st.lists(row, min_size=1, max_size=3).map(tuple)
    some = st.lists(names, max_size=2).map(tuple)
    totals = draw(st.just(()) | row)
    return Table(
        draw(names), draw(column), draw(column), draw(rows), totals, draw(some), draw(some)
    )


@st.composite
def results_of(draw: st.DrawFn, kind: Any) -> Any:
    sizes: dict[str, int] = {"c": 3}  # colours
    values = {}
    for name, hint in get_type_hints(kind).items():
        axes = SHAPES.get(kind, {}).get(name, "").split()
        shape = tuple(
            sizes.setdefault(axis, draw(st.integers(0 if axis.endswith("?") else 1, 4)))
            for axis in axes
        )
        given = [item for item in get_args(hint) if get_origin(item) is np.ndarray]
        if get_origin(hint) is np.ndarray or given:  # an array, or perhaps none
            array = given[0] if given else hint
            dtype = np.dtype(get_args(get_args(array)[1])[0])
            found = draw(st_numpy.arrays(dtype, shape))
            values[name] = draw(st.none() | st.just(found)) if given else found
        elif axes:
            item = of_type(get_args(hint)[0])
            values[name] = tuple(draw(st.lists(item, min_size=shape[0], max_size=shape[0])))
        else:
            values[name] = draw(of_type(hint))
    return kind(**values)


units = st.builds(
    SavedUnit,
    names,
    st.integers(0, 9999),
    st.none() | st.integers(0, 99),
    st.none() | st.integers(0, 99),
)
pixels = st_numpy.arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 4), st.just(3)))


@st.composite
def images_of(draw: st.DrawFn, key: int) -> SavedImage:
    path = draw(st.sampled_from(["", "/pictures/cat.png", "/elsewhere/dög \udcff.jpg"]))
    kept = draw(pixels if not path else st.none() | pixels)
    return SavedImage(key, draw(names), path, "", draw(texts), kept)


@st.composite
def states(draw: st.DrawFn) -> SessionState:
    weights = st.sampled_from(["pretrained", "none", "/models/own.safetensors"])
    fits = st.sampled_from(["crop", "squash", "pad"])
    model = st.builds(SavedModel, names, weights, fingerprint=texts, device=texts, fit=fits)
    models = tuple(draw(st.lists(model, min_size=1, max_size=2)))
    keys = draw(st.lists(st.integers(-5, 10**9), unique=True, max_size=3))
    model_index = st.integers(0, len(models) - 1)
    image_key = st.sampled_from([None, *keys])
    result = st.builds(
        SavedResult,
        texts,
        plain_values,
        st.sampled_from(RESULTS).flatmap(of_type),
        model_index,
        image_key,
    )
    tags = st.lists(texts, max_size=2).map(tuple)
    return SessionState(
        models=models,
        model=draw(st.none() | model_index),
        images=tuple(draw(images_of(key)) for key in keys),
        image=draw(image_key),
        tab=draw(texts),
        unit=draw(st.none() | units),
        pins=tuple(draw(st.lists(st.builds(SavedPin, units, st.integers(0, 9), model_index)))),
        notes=tuple(draw(st.lists(st.builds(SavedNote, units, names, tags, model_index)))),
        parameters=draw(st.dictionaries(texts, plain_values, max_size=2)),
        views=draw(st.dictionaries(texts, plain_values, max_size=2)),
        results=tuple(draw(st.lists(result, max_size=3))),
    )


EXAMPLE = SessionState(
    models=(SavedModel("vgg16"),),
    model=0,
    images=(SavedImage(7, "pasted", pixels=np.full((3, 4, 3), 90, np.uint8)),),
    image=7,
    tab="Feature maps",
    views={"Feature maps": {"gamma": 0.7}, "Explain": {"opacity": 0.5}},
    results=(
        SavedResult(
            "feature-maps",
            {"layer": "features.0"},
            Activation(np.ones((2, 3, 4), np.float32), "features.0", Box(0, 0, 3, 4)),
            image=7,
        ),
    ),
)


# ------------------------------------------------------------------------------------- round trips


@given(states(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_state_comes_back(state: SessionState, embed: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.cnnviz"
        write_session(path, state, embed)
        assert same(read_session(path), as_written(state, path, embed))


def test_the_file_is_plain_and_what_comes_back_is_frozen(tmp_path: Path) -> None:
    path = tmp_path / "a.cnnviz"
    write_session(path, EXAMPLE)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["session.json", "arrays/0.npy", "images/7.png"]
    back = read_session(path)
    assert back.app_version == __version__
    assert isinstance(back.results[0].value, Activation)
    assert not back.results[0].value.values.flags.writeable
    assert back.images[0].pixels is not None and not back.images[0].pixels.flags.writeable


def test_what_a_network_without_classes_gives_is_kept(tmp_path: Path) -> None:
    zeros = np.zeros((2, 3), np.float32)
    line = Timeline(
        title="conv1, channel 0",
        layer="conv1",
        channel=0,
        names=("a", "b"),
        steps=(0, 1),
        unit="step",
        show=("map",),
        region=Box(0, 0, 9, 9),
        maps=np.zeros((2, 4, 4), np.float32),
        kernels=None,
        kernel_layer="",
        inputs=(),
        colours=False,
        heat=None,
        target=-1,
        labels=(),
        answers=None,
        wanted=None,
        layers=("conv1", "conv2", "fc"),
        drift=zeros,
        moved=zeros,
        dead=zeros,
        pictures=1,
    )
    path = tmp_path / "a.cnnviz"
    result = SavedResult("timeline", {}, line)
    write_session(path, SessionState(models=(SavedModel("a"),), results=(result,)))

    assert same(read_session(path).results[0].value, line)


def test_equal_states_give_equal_files(tmp_path: Path) -> None:
    one, other = tmp_path / "one.cnnviz", tmp_path / "other.cnnviz"
    turned = dict(reversed(list(EXAMPLE.views.items())))
    write_session(one, EXAMPLE)
    write_session(other, replace(EXAMPLE, views=turned))
    assert one.read_bytes() == other.read_bytes()


def test_labels_stand_once(tmp_path: Path) -> None:
    labels = tuple(f"a class called {number}" for number in range(1000))
    odds = np.full(1000, 0.001, np.float32)
    value = Prediction(odds, odds, labels, Box(0, 0, 9, 9))
    result = SavedResult("inspect", {}, value)
    path = tmp_path / "a.cnnviz"
    write_session(path, SessionState(models=(SavedModel("a"),), results=(result,) * 50))
    with zipfile.ZipFile(path) as archive:
        assert archive.read("session.json").count(b'a class called 77"') == 1
    assert read_session(path).results[49].value.labels == labels  # type: ignore[union-attr]


def test_every_result_type_has_its_shapes_listed() -> None:
    for kind in RESULTS:
        hints = get_type_hints(kind)
        arrays = {name for name, hint in hints.items() if get_origin(hint) is np.ndarray}
        listed = SHAPES.get(kind, {}).keys()
        assert arrays <= listed, f"list {kind.__name__} in session_codec.SHAPES"
        assert listed <= hints.keys()


def test_numbers_of_numpy_are_kept_as_plain_ones(tmp_path: Path) -> None:
    value = Heatmap(
        np.ones((2, 2)),
        "a",
        np.int64(3),
        "b",
        np.float32(0.5),
        Box(0, 0, 1, 1),  # type: ignore[arg-type]
    )
    state = SessionState(models=(SavedModel("a"),), results=(SavedResult("x", {}, value),))
    write_session(tmp_path / "a.cnnviz", state)
    back = read_session(tmp_path / "a.cnnviz").results[0].value
    assert isinstance(back, Heatmap)
    assert (type(back.target), back.score, back.values.dtype) == (int, 0.5, np.float32)


def test_pixels_are_left_out_where_there_is_a_file_unless_asked_for(tmp_path: Path) -> None:
    shot = np.full((2, 2, 3), 5, np.uint8)
    state = SessionState(images=(SavedImage(1, "a", str(tmp_path / "a.png"), pixels=shot),))
    write_session(tmp_path / "a.cnnviz", state)
    assert read_session(tmp_path / "a.cnnviz").images[0].pixels is None
    write_session(tmp_path / "a.cnnviz", state, embed_images=True)
    back = read_session(tmp_path / "a.cnnviz")
    assert same(back.images[0].pixels, shot)


def test_a_monotonous_text_is_no_bomb(tmp_path: Path) -> None:
    note = SavedNote(SavedUnit("a", 0), "a" * 3_000_000)
    state = SessionState(models=(SavedModel("a"),), notes=(note,))
    write_session(tmp_path / "a.cnnviz", state)
    assert len(read_session(tmp_path / "a.cnnviz").notes[0].text) == 3_000_000


# ------------------------------------------------------------------------------------ whole or not


@pytest.mark.parametrize(
    "state",
    [
        SessionState(model=0),
        SessionState(image=1),
        SessionState(images=(SavedImage(1, "nothing"),)),
        SessionState(images=(SavedImage(1, "grey", pixels=np.zeros((2, 2), np.uint8)),)),
        SessionState(images=(SavedImage(1, "none", pixels=np.zeros((0, 2, 3), np.uint8)),)),
        SessionState(images=(SavedImage(1, "a", "/a"), SavedImage(1, "b", "/b"))),
        SessionState(models=(SavedModel("a"),), notes=(SavedNote(SavedUnit("a", -1), ""),)),
        SessionState(unit=SavedUnit("a", "1")),  # type: ignore[arg-type]
        SessionState(views={"a": {"scale": math.nan}}),
        SessionState(views={"a": {"scale": object()}}),
    ],
)
def test_a_state_that_contradicts_itself_is_a_bug_and_leaves_no_file(
    tmp_path: Path, state: SessionState
) -> None:
    with pytest.raises(ValueError):
        write_session(tmp_path / "a.cnnviz", state)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_keeps_the_old_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.cnnviz"
    write_session(path, SessionState(tab="old"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SessionError, match=r"cannot be written \(No space left on device\)"):
        write_session(path, EXAMPLE)
    assert read_session(path).tab == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_ends_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="choose another folder"):
        write_session(tmp_path / "none" / "a.cnnviz", SessionState())


@pytest.mark.parametrize(
    "limits",
    [
        Limits(text=100),
        Limits(members=3),
        Limits(member=2**16 + 100),
        Limits(total=2**17),
    ],
)
def test_what_could_not_be_read_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    pasted = SavedImage(9, "large", pixels=np.zeros((200, 200, 3), np.uint8))
    state = replace(EXAMPLE, images=(*EXAMPLE.images, pasted))
    monkeypatch.setattr(sessions, "LIMITS", limits)
    with pytest.raises(SessionError, match="too large to be kept"):
        write_session(tmp_path / "a.cnnviz", state)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("limit", [200, 5000])  # too much for the JSON, for the picture alone
def test_a_zip_that_needs_64_bits_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    with pytest.raises(SessionError, match="too large to be kept"):
        write_session(
            tmp_path / "a.cnnviz", replace(EXAMPLE, images=(SavedImage(7, "noise", pixels=noise),))
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_stays_one(tmp_path: Path) -> None:
    link = tmp_path / "link.cnnviz"
    link.symlink_to(tmp_path / "a.cnnviz")
    write_session(link, SessionState(tab="x"))
    assert link.is_symlink()
    assert read_session(tmp_path / "a.cnnviz").tab == "x"


# --------------------------------------------------------------------------------- files elsewhere


def test_a_moved_folder_is_found_beside_the_session_first(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "pictures").mkdir(parents=True)
    picture, weights = here / "pictures" / "cat.png", here / "own.pt"
    picture.write_bytes(b"old")
    weights.write_bytes(b"old")
    state = SessionState(
        models=(SavedModel("own", str(weights)), SavedModel("vgg16")),
        images=(SavedImage(1, "cat.png", str(picture)),),
    )
    write_session(here / "a.cnnviz", state)
    here.rename(there)
    moved = there / "a.cnnviz"
    back = read_session(moved)
    assert back.images[0].relative == "pictures/cat.png"
    assert locate(back.images[0], moved) == there / "pictures" / "cat.png"
    assert locate(back.models[0], moved) == there / "own.pt"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"left behind")
    assert locate(back.images[0], moved) == there / "pictures" / "cat.png"
    (there / "pictures" / "cat.png").unlink()
    assert locate(back.images[0], moved) == picture
    picture.unlink()
    assert locate(back.images[0], moved) is None
    (there / "own.pt").unlink()
    assert locate(back.models[0], moved) is None


def test_a_missing_picture_is_taken_from_where_the_person_says(tmp_path: Path) -> None:
    state = SessionState(images=(SavedImage(1, "a.png", "/gone/a.png", "a.png", "ab"),))
    (tmp_path / "b.png").write_bytes(b"")
    found = relocated(state, {1: tmp_path / "b.png", 5: tmp_path})
    assert found.images[0].path == str(tmp_path / "b.png")
    assert locate(found.images[0], tmp_path / "a.cnnviz") == tmp_path / "b.png"
    assert mismatch(found.images[0], "ab") == ""
    assert mismatch(found.images[0], "cd").startswith("a.png is not the same")


@pytest.mark.parametrize("path", ["\0", "x" * 5000, "relative.png", "C:\\x.png", "\\\\host\\x.png"])
def test_an_impossible_path_is_a_missing_one(tmp_path: Path, path: str) -> None:
    (tmp_path / "relative.png").write_bytes(b"")
    for image in (SavedImage(1, "a", path), SavedImage(2, "b", "", path * 2)):
        assert locate(image, tmp_path / "a.cnnviz") is None


def test_the_path_of_another_system_keeps_its_relative_one(tmp_path: Path) -> None:
    foreign = "C:\\pictures\\a.png" if os.name != "nt" else "/pictures/a.png"
    image = SavedImage(1, "a", foreign, "a.png")
    write_session(tmp_path / "a.cnnviz", SessionState(images=(image,)))
    assert same(read_session(tmp_path / "a.cnnviz").images[0], image)
