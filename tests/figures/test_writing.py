import errno
import os
from pathlib import Path

import pytest

from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.figures.writing import write_whole


@pytest.fixture
def two(tmp_path: Path) -> dict[Path, bytes]:
    return {tmp_path / "map.png": b"new picture", tmp_path / "map.png.json": b"new record"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_is_written_and_nothing_else(two: dict[Path, bytes], tmp_path: Path) -> None:
    (tmp_path / "map.png").write_bytes(b"old picture")
    write_whole(two)
    assert contents(tmp_path) == {"map.png": b"new picture", "map.png.json": b"new record"}


def test_new_files_have_ordinary_permissions(two: dict[Path, bytes], tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    write_whole(two)
    assert (tmp_path / "map.png").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("at", [1, 2])
def test_a_failure_leaves_what_was_there(
    two: dict[Path, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    at: int,
    old: bool,
) -> None:
    if old:
        (tmp_path / "map.png").write_bytes(b"old picture")
        (tmp_path / "map.png.json").write_bytes(b"old record")
    before = contents(tmp_path)
    real, calls = getattr(os, call), 0

    def fail(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*arguments)

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(ExportError, match=r"the disk is full\. Free some space"):
        write_whole(two)
    assert calls >= at
    assert contents(tmp_path) == before


def test_a_break_in_the_middle_leaves_nothing_behind(
    two: dict[Path, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_file: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(two)
    assert contents(tmp_path) == {}


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"The folder .*nowhere does not exist: create it"):
        write_whole({tmp_path / "nowhere" / "map.png": b""})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "map.png").mkdir()
    with pytest.raises(ExportError, match="a folder is no file"):
        write_whole({tmp_path / "map.png": b""})
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ExportError, match="a folder is no file"):
        write_whole({tmp_path / "file" / "map.png": b""})


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_no_permission_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_arguments: object, **_more: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ExportError, match=r"no permission\. Choose another folder"):
        write_whole({tmp_path / "map.png": b""})
    assert list(tmp_path.iterdir()) == []


def test_any_other_failure_carries_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ExportError, match=r"cannot be written \(Input/output error\)"):
        write_whole({tmp_path / "map.png": b""})


def test_the_longest_of_names_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 240 + ".png")
    write_whole({path: b"new"})
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to("real.png")
    write_whole({tmp_path / "link.png": b"new"})
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real.png").read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole({pipe: b"new"})
        assert os.read(reader, 9) == b"new"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
