import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnviz_desktop.data import Box, Heatmap, Record
from cnnviz_desktop.figures.export import save, save_data
from cnnviz_desktop.figures.plates import plate
from cnnviz_desktop.figures.records import read_record, to_ascii

RECORD = Record("GradCam", {"layer": "features.12"}, "bundled", "ab" * 32, versions={"torch": "2"})
HEATMAP = Heatmap(np.array([[-1, 2]], np.float32), "conv", 7, "pug", 1.5, Box(0, 0, 8, 8))
SUFFIXES = (".png", ".svg", ".pdf", ".npz", ".json")
NOTHING = "holds no CNNviz record that can be read"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("exported")
    figure = plate(HEATMAP)
    paths = [save(figure, folder / f"a{suffix}", 40, RECORD) for suffix in SUFFIXES[:3]]
    paths.append(save_data(HEATMAP, folder / "a.npz", RECORD))
    paths.append(folder / "a.npz.json")
    return {path.suffix: path.read_bytes() for path in paths}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_content_tells_the_kind_not_the_name(
    exported: dict[str, bytes], tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / "renamed.dat"
    path.write_bytes(exported[suffix])
    assert read_record(path) == RECORD
    assert read_record(str(path)) == RECORD


def test_records_go_in_as_ascii_json() -> None:
    record = Record("T", {"é": "🐕\udcff"}, "日本", "")
    text = to_ascii(record)
    assert text.isascii()
    assert Record.from_json(text) == record


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "no.png", tmp_path):
        with pytest.raises(ValueError, match="There is no file"):
            read_record(path)


def reads_or_refuses(path: Path) -> None:
    """Read a record or fail with a sentence; anything else is a bug."""
    try:
        assert isinstance(read_record(path), Record)
    except ValueError as error:
        assert str(error).endswith(".")
        assert path.name in str(error)


@pytest.mark.parametrize(
    "start",
    [b"", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"PK\x05\x06", b"%PDF-1.4\n/Subject (", b"<svg>"],
)
def test_random_bytes_end_in_a_sentence(tmp_path: Path, start: bytes) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "hostile.bin"
    for size in (0, 1, 7, 22, 100, 5000):
        for _ in range(10):
            path.write_bytes(start + rng.bytes(size))
            reads_or_refuses(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_spoiled_files_are_read_or_refused(
    exported: dict[str, bytes], tmp_path: Path, suffix: str
) -> None:
    rng = np.random.default_rng(0)
    whole = exported[suffix]
    path = tmp_path / "spoiled.bin"
    for _ in range(60):
        spoiled = bytearray(whole)
        for place in rng.integers(0, len(whole), int(rng.integers(1, 40))):
            spoiled[place] = rng.integers(0, 256)
        path.write_bytes(spoiled)
        reads_or_refuses(path)
        path.write_bytes(whole[: int(rng.integers(0, len(whole)))])
        reads_or_refuses(path)


def archive(write: Callable[[zipfile.ZipFile], None]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        write(file)
    return buffer.getvalue()


def write_many(file: zipfile.ZipFile) -> None:
    for i in range(3000):
        file.writestr(f"{i}", b"")


def npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def nested(depth: int) -> str:
    return json.dumps({"cnnviz_record": 1})[:-1] + ', "a": ' + "[" * depth + "]" * depth + "}"


BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;">
<!ENTITY f SYSTEM "file:///etc/hostname">]><svg><metadata><dc:description>&y;&f;</dc:description>
</metadata></svg>"""


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(BOMB.encode(), id="xml entities"),
        pytest.param(nested(100_000).encode(), id="deep json"),
        pytest.param(b'{"cnnviz_record": ' + b"1" * 5000 + b"}", id="long number"),
        pytest.param(b"[1]", id="other json"),
        pytest.param(b'{"cnnviz_record": 1, "technique": 5}', id="missing fields"),
        pytest.param(b"\xff\xfe{", id="not utf-8"),
        pytest.param(b" " * (5 << 20) + b"{}", id="long file"),
        pytest.param(
            b"\x89PNG\r\n\x1a\n" + b"\xff\xff\xff\xfftEXtcnnviz_record\0{}", id="long chunk"
        ),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0aaaa\0\0\0\0" * 5000, id="many chunks"),
        pytest.param(b"%PDF-1.4\n" + b"/Subject (" * 100_000, id="many beginnings"),
        pytest.param(b"%PDF-1.4\n/Subject (" + b"\\" * 1_000_000, id="many escapes"),
        pytest.param(
            archive(lambda file: file.writestr("record.npy", bytes(64 << 20))), id="zip bomb"
        ),
        pytest.param(archive(write_many), id="many members"),
        pytest.param(
            archive(lambda file: file.writestr("record.npy", npy(np.array({"a": 1}, object)))),
            id="pickle",
        ),
        pytest.param(
            archive(lambda file: file.writestr("record.npy", npy(np.zeros(3)))), id="numbers"
        ),
        pytest.param(
            archive(
                lambda file: file.writestr(
                    "record.npy", npy(np.array("x")).replace(b"<U1 ", b"<U9999999 ")
                )
            ),
            id="lying header",
        ),
        pytest.param(archive(lambda file: file.writestr("other.npy", b"")), id="no record"),
    ],
)
def test_hostile_files_end_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hostile.bin"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=NOTHING):
        read_record(path)
