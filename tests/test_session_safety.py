"""A session file of another version, a damaged and a hostile one end in one sentence at worst."""

from __future__ import annotations

import io
import json
import os
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnviz_desktop import sessions
from cnnviz_desktop.data import (
    Activation,
    Box,
    Distribution,
    FilterBank,
    Heatmap,
    Prediction,
    Result,
    Table,
)
from cnnviz_desktop.errors import SessionError
from cnnviz_desktop.session_archive import Limits
from cnnviz_desktop.sessions import (
    SavedImage,
    SavedModel,
    SavedNote,
    SavedPin,
    SavedResult,
    SavedUnit,
    SessionState,
    read_session,
    write_session,
)

SMALL = Limits(members=64, member=2**20, total=2**21, text=2**18)


def example_state() -> SessionState:
    """One of everything."""
    region = Box(0, 0, 30, 40)
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    unit = SavedUnit("features.0", 1, 2, 3)
    odds = np.array([0.25, 0.75], np.float32)
    found: list[Result] = [
        Prediction(np.log(odds), odds, ("cat", "dog"), region),
        Activation(values, "features.0", region),
        Heatmap(values[0] - 5, "features.3", 1, "dog", 4.5, region),
        FilterBank(values[None], "features.0"),
        Distribution(
            title="Weights",
            of="weights",
            layers=("a", "b"),
            edges=np.array([[0, 1, 2], [-1, 0, 1]], np.float32),
            counts=np.array([[1, 0], [0, 3]], np.int64),
            zeros=np.array([0, 2], np.int64),
            broken=np.array([0, 1], np.int64),
            box=np.arange(14, dtype=np.float32).reshape(2, 7),
            show="boxes",
        ),
        Table("Layers", ("layer", "memory"), ("", "MB"), (("a", 0.5), ("b", None))),
    ]
    return SessionState(
        models=(SavedModel("vgg16"), SavedModel("own", "/models/own.safetensors")),
        model=1,
        images=(
            SavedImage(3, "cat.png", "/pictures/cat.png", fingerprint="ab"),
            SavedImage(7, "pasted", pixels=np.full((30, 40, 3), 90, np.uint8)),
        ),
        image=7,
        tab="Explain",
        unit=unit,
        pins=(SavedPin(unit, 0), SavedPin(replace(unit, row=None, column=None), 1, 1)),
        notes=(SavedNote(unit, "fires on eyes", ("eyes", "sure", "layer 1"), 1),),
        parameters={"grad-cam": {"layer": None, "target": 3}},
        views={"Explain": {"opacity": 0.5, "colours": ["inferno"]}},
        results=tuple(SavedResult("x", {"layer": "features.0"}, item, 1, 7) for item in found),
    )


def document_of(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        found = json.loads(archive.read("session.json"))
    assert isinstance(found, dict)
    return found


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rebuild(path: Path, members: Mapping[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def hostile(path: Path, sentence: str = "cannot be opened as a CNNviz session") -> str:
    """Check that reading ends in one sentence; return it."""
    with pytest.raises(SessionError) as caught:
        read_session(path)
    text = str(caught.value)
    assert sentence in text
    assert "\n" not in text and len(text) < 400
    return text


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "sound.cnnviz"
    write_session(path, example_state())
    return path


# ---------------------------------------------------------------------------------------- versions


def test_a_newer_version_is_told_apart(sound: Path) -> None:
    document = {"cnnviz_session": 2, "something": "new"}
    rebuild(sound, {"session.json": json.dumps(document).encode(), "new/part": b""})
    assert "update CNNviz" in hostile(sound, "made by a newer version of CNNviz")


def test_an_older_version_is_brought_up_to_date(
    sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renamed(document: dict[str, Any]) -> dict[str, Any]:
        state = document["state"]
        return {**document, "state": {**state, "tab": state["tab"].upper()}}

    monkeypatch.setattr(sessions, "FORMAT", 3)
    monkeypatch.setattr(sessions, "MIGRATIONS", {1: renamed, 2: lambda document: document})
    assert read_session(sound).tab == "EXPLAIN"
    monkeypatch.setattr(sessions, "MIGRATIONS", {1: lambda document: document["nothing"]})
    hostile(sound, "cannot be brought up to date")


def test_a_field_with_a_default_may_be_missing(sound: Path) -> None:
    members, document = members_of(sound), document_of(sound)
    del document["state"]["views"]
    rebuild(sound, {**members, "session.json": json.dumps(document).encode()})
    assert read_session(sound).views == {}


# -------------------------------------------------------------------------------- hostile archives


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\3\4", b"PK\5\6" + bytes(18), b"hello" * 99])
def test_what_is_no_zip(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.cnnviz").write_bytes(data)
    hostile(tmp_path / "a.cnnviz")


def test_what_is_no_file(tmp_path: Path) -> None:
    hostile(tmp_path, "There is no session file")
    hostile(tmp_path / "none", "There is no session file")


def test_every_truncation(sound: Path) -> None:
    data = sound.read_bytes()
    for length in range(0, len(data), 23):
        sound.write_bytes(data[:length])
        hostile(sound)


def peak_of(path: Path) -> int:
    """Return the most memory that reading a hostile file took."""
    tracemalloc.start()
    try:
        hostile(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["session.json", "arrays/0.npy", "images/7.png", "junk"])
def test_a_zip_bomb(sound: Path, name: str) -> None:
    rebuild(sound, {**members_of(sound), name: bytes(20 * 2**20)})
    assert "would grow too much" in hostile(sound)
    assert peak_of(sound) < 2**20


def test_a_member_that_says_too_little_or_too_much(sound: Path) -> None:
    zeros = bytes(2**20)
    for stated in (100, 2**31):
        rebuild(sound, {"session.json": zeros})
        data = bytearray(sound.read_bytes())
        for mark, place in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
            struct.pack_into("<I", data, data.index(mark) + place, stated)
        sound.write_bytes(data)
        assert peak_of(sound) < 2**20


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(members=5), "too many parts"),
        (Limits(member=1000), "is too large"),
        (Limits(text=1000), "is too large"),
        (Limits(total=4000), "together are too large"),
    ],
)
def test_each_limit(
    sound: Path, monkeypatch: pytest.MonkeyPatch, limits: Limits, reason: str
) -> None:
    monkeypatch.setattr(sessions, "LIMITS", limits)
    assert reason in hostile(sound)


def test_many_references_to_one_large_array(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members, document = members_of(sound), document_of(sound)
    heat = document["state"]["results"][2]
    document["state"]["results"] = [heat] * 30
    number = heat["value"]["values"]["array"]
    stream = io.BytesIO()
    np.save(stream, np.zeros((250, 250), np.float32))
    members[f"arrays/{number}.npy"] = stream.getvalue()
    rebuild(sound, {**members, "session.json": json.dumps(document).encode()}, zipfile.ZIP_STORED)
    monkeypatch.setattr(sessions, "LIMITS", SMALL)
    assert "together are too large" in hostile(sound)
    assert peak_of(sound) < 3 * 2**20


def test_parts_that_overlap(sound: Path) -> None:
    data = rebuild(sound, {"session.json": os.urandom(5000)}, zipfile.ZIP_STORED).read_bytes()
    start = data.index(b"PK\1\2")
    entry = data[start : data.index(b"PK\5\6")]
    twin = entry.replace(b"session.json", b"arrays/0.npy")
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(entry) * 2, start, 0)
    sound.write_bytes(data[:start] + entry + twin + end)
    assert "overlap" in hostile(sound)


def test_a_table_of_contents_that_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.cnnviz"
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 0, 0)
    path.write_bytes(b"PK\3\4" + bytes(100) + end)
    assert "too many parts" in hostile(path)


def test_a_zip_of_the_64_bit_form(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = members_of(sound)
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    rebuild(sound, members, zipfile.ZIP_STORED)
    monkeypatch.undo()
    hostile(sound)
    # and one whose end is plain and yet preceded by the mark
    rebuild(sound, members)
    data = sound.read_bytes()
    sound.write_bytes(data[:-22] + b"PK\6\7" + bytes(16) + data[-22:])
    assert "larger than sessions are" in hostile(sound)


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/x",
        "images/../../x",
        "C:\\x",
        "..\\x",
        "arrays/x.npy",
        "arrays/../0.npy",
        "images/3.png",
        "SESSION.JSON",
        "a\nb\x1b[2J" + "c" * 500,
        "folder/",
    ],
)
def test_a_strange_name_is_refused_and_nothing_is_written(sound: Path, name: str) -> None:
    rebuild(sound, {**members_of(sound), name: b"x"})
    assert "which no session has" in hostile(sound)
    assert [item.name for item in sound.parent.iterdir()] == ["sound.cnnviz"]


def test_two_parts_of_one_name(sound: Path) -> None:
    with warnings.catch_warnings(), zipfile.ZipFile(sound, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("session.json", b"{}")
    assert "two parts of one name" in hostile(sound)


def test_parts_that_are_encrypted_or_packed_strangely(sound: Path) -> None:
    members = members_of(sound)
    rebuild(sound, members, zipfile.ZIP_LZMA)
    assert "unknown way" in hostile(sound)
    rebuild(sound, members)
    data = bytearray(sound.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    sound.write_bytes(data)
    assert "is encrypted" in hostile(sound)


def test_a_comment_that_hides_a_second_end(sound: Path) -> None:
    with zipfile.ZipFile(sound, "a") as archive:
        archive.comment = b"PK\5\6" + bytes(18)
    hostile(sound)


# -------------------------------------------------------------------------------- hostile contents


def npy(descr: str, shape: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        npy("'|O'", "(1,)", b"cos\nsystem\n"),
        npy("'<U9'", "(2,)", bytes(72)),
        npy("[('a', '<f4')]", "(2,)", bytes(8)),
        npy("'<M8[s]'", "(2,)", bytes(16)),
        npy("'<f4'", "(999999999, 999999999, 999999999)", bytes(8)),
        npy("'<f4'", "(-2,)", bytes(8)),
        npy("'<f4'", "(2,)", bytes(7)),
        npy("'<f4'", "(2,)", bytes(80)),
        npy("'<f4'", "(0,)"),
        npy("'<f4'", "()", bytes(4)),
        npy("'<f4'", "(1, 2)", bytes(8)),
        npy("'<f4'", "(3,)", bytes(12)),  # there are two labels
        npy("'<f4'", "(" + "1," * 40 + ")", bytes(4)),
        npy("'<f8'", "(2,)", bytes(16)),
        npy("'<f4'", "(2,)", bytes(8), b"\x02\x00"),
        npy("__import__('os').system('x')", "(2,)", bytes(8)),
        npy("'<f4'", "(" * 3000, bytes(8)),
    ],
)
def test_arrays_that_are_not_what_belongs_there(sound: Path, data: bytes) -> None:
    members = members_of(sound)
    assert members["arrays/0.npy"] != data
    rebuild(sound, {**members, "arrays/0.npy": data})
    hostile(sound)
    assert peak_of(sound) < 2**20


def png(width: int, height: int, colour: int, rows: bytes) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a" + bytes(50),
        png(60_000, 60_000, 2, bytes(1000)),
        png(2**31 - 1, 2**31 - 1, 2, b""),
        png(0, 5, 2, b""),
        png(2, 2, 0, b"\0aa\0aa"),  # grey
        png(2, 2, 6, b"\0aaaaaaaa" * 2),  # with transparency
        png(20, 20, 2, b""),
    ],
)
def test_pictures_that_are_not_what_belongs_there(sound: Path, data: bytes) -> None:
    rebuild(sound, {**members_of(sound), "images/7.png": data})
    assert "pictures" in hostile(sound) or "too large" in hostile(sound)
    assert peak_of(sound) < 2**20


def put(*place: str | int) -> Callable[[Any], Callable[[dict[str, Any]], None]]:
    def to(value: Any) -> Callable[[dict[str, Any]], None]:
        def change(document: dict[str, Any]) -> None:
            spot: Any = document
            for step in place[:-1]:
                spot = spot[step]
            spot[place[-1]] = value

        return change

    return to


@pytest.mark.parametrize(
    "change",
    [
        put("state")([]),
        put("state", "type")("Box"),
        put("state", "extra")(1),
        put("state", "tab")(None),
        put("state", "tab")({"texts": 0}),
        put("state", "model")(2),
        put("state", "model")(-1),
        put("state", "model")(True),
        put("state", "model")(1.0),
        put("state", "model")(2**70),
        put("state", "models")({}),
        put("state", "models", 0, "fit")("stretch"),
        put("state", "models", 0, "fit")([]),
        put("state", "models", 0, "name")(5),
        put("state", "image")(8),
        put("state", "images", 0, "key")(7),
        put("state", "images", 0, "path")(""),
        put("state", "images", 0, "pixels")({"array": 0}),
        put("state", "unit", "channel")(-1),
        put("state", "unit", "row")("2"),
        put("state", "pins", 0, "model")(9),
        put("state", "pins", 0, "colour")(-1),
        put("state", "notes", 0, "tags")(["eyes"]),
        put("state", "notes", 0, "tags")({"texts": 99}),
        put("state", "notes", 0, "tags")({"texts": True}),
        put("state", "parameters", "grad-cam")([]),
        put("state", "parameters", "grad-cam", "target")(10**30),
        put("state", "results", 0, "image")(4),
        put("state", "results", 0, "model")(4),
        put("state", "results", 0, "value", "type")("SavedModel"),
        put("state", "results", 0, "value", "type")("os.system"),
        put("state", "results", 0, "value", "labels")({"texts": 0}),  # three tags
        put("state", "results", 0, "value", "logits")({"array": 99}),
        put("state", "results", 0, "value", "logits")({"array": "../../x"}),
        put("state", "results", 0, "value", "logits")({"array": 0, "file": "/etc/passwd"}),
        put("state", "results", 0, "value", "region", "bottom")(0),
        put("state", "results", 0, "value", "region", "bottom")(2**40),
        put("state", "results", 1, "value", "call")(-1),
        put("state", "results", 2, "value", "score")("NaN"),
        put("state", "results", 2, "value", "target")(-3),
        put("state", "results", 3, "value", "groups")(0),
        put("texts")({}),
        put("texts")([1]),
        put("texts")([[1]]),
        put("pictures")([3]),
        put("pictures")([7, 99]),
        put("pictures")("7"),
        put("cnnviz_session")("1"),
        put("cnnviz_session")(True),
        put("cnnviz_session")(0),
        put("more")(0),
    ],
)
def test_json_that_says_what_cannot_be(
    sound: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    members, document = members_of(sound), document_of(sound)
    change(document)
    rebuild(sound, {**members, "session.json": json.dumps(document).encode()})
    hostile(sound)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "\xff",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"cnnviz_session": 1, "cnnviz_session": 1}',
        '{"cnnviz_session": NaN}',
        '{"cnnviz_session": -Infinity}',
        '{"cnnviz_session": 1e999}',
        '{"cnnviz_session": ' + "9" * 5000 + "}",
    ],
)
def test_json_that_is_none(sound: Path, text: str) -> None:
    rebuild(sound, {**members_of(sound), "session.json": text.encode("latin-1")}, 0)
    hostile(sound)


def test_values_that_are_nested_deeply(sound: Path) -> None:
    members, document = members_of(sound), document_of(sound)
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    document["state"]["views"]["Explain"]["deep"] = deep
    rebuild(sound, {**members, "session.json": json.dumps(document).encode()})
    assert "nested too deeply" in hostile(sound)


# -------------------------------------------------------------------------------------------- fuzz

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def survives(path: Path) -> None:
    """Read a file that may be damaged: it is a session or ends in a sentence, within the cap."""
    tracemalloc.start()
    try:
        read_session(path)
    except SessionError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2 * SMALL.total


@given(data=st.data())
@FUZZ
def test_flipped_bytes(sound: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject) -> None:
    monkeypatch.setattr(sessions, "LIMITS", SMALL)
    whole = bytearray(sound.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = sound.with_name("flipped.cnnviz")
    path.write_bytes(whole[: data.draw(st.just(len(whole)) | st.integers(0, len(whole)))])
    survives(path)


@given(data=st.data())
@FUZZ
def test_flipped_bytes_under_a_right_checksum(
    sound: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    monkeypatch.setattr(sessions, "LIMITS", SMALL)
    members = {name: bytearray(part) for name, part in members_of(sound).items()}
    part = members[data.draw(st.sampled_from(sorted(members)))]
    for _ in range(data.draw(st.integers(1, 3))):
        part[data.draw(st.integers(0, len(part) - 1))] = data.draw(st.integers(0, 255))
    survives(rebuild(sound.with_name("b.cnnviz"), {k: bytes(v) for k, v in members.items()}))


@given(data=st.data())
@FUZZ
def test_any_other_value_anywhere_in_the_json(
    sound: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    monkeypatch.setattr(sessions, "LIMITS", SMALL)
    members, document = members_of(sound), document_of(sound)
    spot: Any = document
    while True:
        steps = sorted(spot) if isinstance(spot, dict) else list(range(len(spot)))
        step = data.draw(st.sampled_from(steps))
        inner = spot[step]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.integers(0, 3)) == 0:
            spot[step] = data.draw(anything)
            break
        spot = inner
    text = json.dumps(document).encode()
    survives(rebuild(sound.with_name("b.cnnviz"), {**members, "session.json": text}))
