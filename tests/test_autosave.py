"""A crash loses nothing, and no window takes what another one still holds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnnviz_desktop.autosave import Autosave
from cnnviz_desktop.errors import SessionError
from cnnviz_desktop.sessions import SessionState, read_session


def crashed(folder: Path, tab: str) -> None:
    """Write a safety copy in another process that then ends without a farewell."""
    code = (
        "import os, sys; from pathlib import Path\n"
        "from cnnviz_desktop.autosave import Autosave\n"
        "from cnnviz_desktop.sessions import SessionState\n"
        "Autosave(Path(sys.argv[1])).write(SessionState(tab=sys.argv[2])); os._exit(1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder), tab], check=False)
    assert done.returncode == 1


def test_a_crash_is_recovered_from_once(tmp_path: Path) -> None:
    crashed(tmp_path, "lost")
    first, second = Autosave(tmp_path), Autosave(tmp_path)
    found = first.recover()
    assert found is not None and found.tab == "lost"
    assert second.recover() is None  # it is the first window's now
    first.clear()
    assert not list(tmp_path.iterdir())
    assert Autosave(tmp_path).recover() is None


def test_what_was_recovered_is_kept_until_written_again_or_cleared(tmp_path: Path) -> None:
    crashed(tmp_path, "lost")
    first = Autosave(tmp_path)
    first.recover()
    assert len(list(tmp_path.glob("*.cnnviz"))) == 1
    first.write(SessionState(tab="new"))
    [copy] = tmp_path.glob("*.cnnviz")
    assert read_session(copy).tab == "new"
    first.clear()


def test_the_newest_of_several_is_recovered_first(tmp_path: Path) -> None:
    crashed(tmp_path, "older")
    [older] = tmp_path.glob("*.cnnviz")
    os.utime(older, (1, 1))
    crashed(tmp_path, "newer")
    windows = [Autosave(tmp_path), Autosave(tmp_path)]
    found = [window.recover() for window in windows]
    assert [state.tab if state else None for state in found] == ["newer", "older"]
    for window in windows:
        window.clear()


def test_running_windows_keep_their_own(tmp_path: Path) -> None:
    one, other = Autosave(tmp_path), Autosave(tmp_path)
    one.write(SessionState(tab="one"))
    other.write(SessionState(tab="other"))
    assert one.recover() is None and other.recover() is None
    one.write(SessionState(tab="one again"))
    assert len(list(tmp_path.glob("*.cnnviz"))) == 2
    one.clear()
    other.clear()
    other.clear()
    assert not list(tmp_path.iterdir())


def test_a_copy_that_cannot_be_read_is_passed_over_and_kept(tmp_path: Path) -> None:
    crashed(tmp_path, "good")
    broken = tmp_path / "broken.cnnviz"
    broken.write_bytes(b"rubbish")
    window = Autosave(tmp_path)
    found = window.recover()
    assert found is not None and found.tab == "good"
    window.clear()
    assert list(tmp_path.iterdir()) == [broken]


def test_a_folder_that_cannot_be_made_ends_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    window = Autosave(tmp_path / "file" / "autosave")
    assert window.recover() is None
    with pytest.raises(SessionError, match="Safety copies cannot be kept"):
        window.write(SessionState())


def test_sessions_need_no_torch_no_qt_and_no_matplotlib() -> None:
    code = (
        "import sys, cnnviz_desktop.autosave, cnnviz_desktop.settings\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'PySide6', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_left_is_found_by_the_next_start(tmp_path: Path) -> None:
    crashed(tmp_path, "lost")
    first = Autosave(tmp_path)
    first.recover()
    first.leave()
    first.clear()  # it is not its own any more
    assert [path.suffix for path in tmp_path.iterdir()] == [".cnnviz"]
    second = Autosave(tmp_path)
    found = second.recover()
    assert found is not None and found.tab == "lost"
    second.clear()
