"""A window that is killed, and the next one that offers what it held."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from person import click, find, ready
from PySide6.QtWidgets import QPlainTextEdit

from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.desk import Desk
from cnnviz_desktop.gui.recovery import FOLDER
from cnnviz_desktop.settings import FOLDER_VARIABLE, Settings, save_settings, settings_path

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

# Pins a unit, writes a note, waits for the safety copy that the timer makes, and dies.
_VICTIM = """
import os, signal, sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
app = QApplication([])
from cnnviz_desktop.gui.app import main
from cnnviz_desktop.gui.desk import Desk
from cnnviz_desktop.gui.main_window import MainWindow
from cnnviz_desktop.gui.marks import UnitNote

def wait(done):
    until = time.monotonic() + 60
    while not done():
        assert time.monotonic() < until
        app.processEvents()

def script():
    window = next(w for w in app.topLevelWidgets() if isinstance(w, MainWindow))
    session = window.tabs._session
    wait(lambda: session.model is not None and "Feature maps" in session.answers)
    desk = window.findChild(Desk)
    desk.recovery._timer.setInterval(50)
    session.marks.toggle_pin(session.unit)
    session.marks.write(session.unit, UnitNote("stripes", ("texture",)))
    copies = desk.recovery._copy._folder
    wait(lambda: list(copies.glob("*.cnnviz")) and not window._jobs.busy())
    print(session.unit.layer, session.unit.channel, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

def begin():
    try:
        script()
    finally:  # it is to die, not to hang
        import traceback
        traceback.print_exc()
        os._exit(3)

QTimer.singleShot(0, begin)
main(sys.argv[1:])
"""


def copies() -> list[Path]:
    return sorted((settings_path().parent / FOLDER).glob("*"))


@pytest.fixture(scope="module")
def victim(sample, bundled_weights, tmp_path_factory) -> tuple[Path, Unit]:
    """What a real window left behind that died by SIGKILL, and the unit it had pinned."""
    if sys.platform == "win32":
        pytest.skip("Windows knows no SIGKILL")
    folder = tmp_path_factory.mktemp("victim")
    done = subprocess.run(
        [sys.executable, "-c", _VICTIM, str(sample)],
        capture_output=True,
        text=True,
        timeout=90,
        env=os.environ | {FOLDER_VARIABLE: str(folder), "XDG_CONFIG_HOME": str(folder)},
        check=False,
    )
    assert done.returncode == -9, done.stderr
    layer, channel = done.stdout.split()
    return folder / FOLDER, Unit(layer, int(channel))


@pytest.fixture
def killed(victim) -> Unit:
    """Put what was left behind where this test's windows look for it."""
    folder, unit = victim
    shutil.copytree(folder, settings_path().parent / FOLDER)
    return unit


def test_a_killed_window_is_recovered(drive, qtbot, killed, tmp_path) -> None:
    assert [path.suffix for path in copies()] == [".cnnviz", ".lock"]
    path = tmp_path / "saved.cnnviz"

    def script(window) -> None:
        ready(window, qtbot)
        session, bar = window.tabs._session, window.tabs.message
        qtbot.waitUntil(lambda: "can be recovered" in bar.text())
        assert "1 picture, 1 pinned unit and 1 note" in bar.text()
        assert not session.marks.pins()  # nothing happens by itself
        click(find(window, "messageAction"))
        qtbot.waitUntil(lambda: bool(session.marks.pins()))
        ready(window, qtbot)
        assert [pin.place.unit for pin in session.marks.pins()] == [killed]
        assert session.unit == killed
        text = window.findChild(QPlainTextEdit, "unitNoteText")
        assert text.toPlainText() == "stripes"
        assert window.isWindowModified()  # it is saved nowhere yet
        desk = window.findChild(Desk)
        desk.documents._write(path)
        qtbot.waitUntil(lambda: not window.isWindowModified())
        qtbot.waitUntil(lambda: not window._jobs.busy())

    assert drive(script, real=True) == 0
    assert path.is_file()
    assert copies() == []


def test_an_offer_that_is_not_answered_is_made_again(drive, qtbot, killed) -> None:
    def unanswered(window) -> None:
        qtbot.waitUntil(lambda: "can be recovered" in window.tabs.message.text(), timeout=9000)

    def declined(window) -> None:
        unanswered(window)
        click(find(window, "messageClose"))
        assert window.deeds["recover"].isVisible()  # until the window closes

    def never_again(window) -> None:
        ready(window, qtbot)
        assert window.tabs.message.text() == ""

    drive(unanswered)
    assert len(copies()) == 1  # the lock is gone, the copy is not
    drive(declined)
    assert copies() == []
    drive(never_again)


def test_copies_are_written_after_changes_and_go_with_the_window(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        desk = window.findChild(Desk)
        assert desk.recovery._timer.interval() == 2 * 60_000
        assert not desk.recovery._timer.isActive()  # nothing has changed yet
        desk.recovery._timer.setInterval(20)
        window.tabs._session.pick_layer("block.conv1", "Feature maps")
        qtbot.waitUntil(lambda: len(copies()) == 2)
        qtbot.waitUntil(lambda: not window._jobs.busy())

    drive(script, picture)
    assert copies() == []


def test_no_copies_where_they_are_switched_off(drive, qtbot, picture) -> None:
    save_settings(Settings(autosave_minutes=0))

    def script(window) -> None:
        ready(window, qtbot)
        window.tabs._session.pick_layer("block.conv1", "Feature maps")
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv1 "))
        assert not window.findChild(Desk).recovery._timer.isActive()

    drive(script, picture)


def test_a_copy_that_cannot_be_written_is_said_once(drive, qtbot, picture) -> None:
    folder = settings_path().parent / FOLDER

    def script(window) -> None:
        ready(window, qtbot)
        folder.write_text("in the way")
        desk, bar = window.findChild(Desk), window.tabs.message
        window.tabs._session.pick_layer("block.conv1", "Feature maps")
        qtbot.waitUntil(desk.recovery._timer.isActive)
        desk.recovery.write()
        qtbot.waitUntil(lambda: "Safety copies cannot be kept" in bar.text())
        click(find(window, "messageClose"))
        desk.recovery.write()
        qtbot.waitUntil(lambda: not window._jobs.busy())
        assert bar.text() == ""

    drive(script, picture)


def test_two_windows_leave_each_other_alone(drive, qtbot, killed, monkeypatch) -> None:
    assert os.environ[FOLDER_VARIABLE]
    from cnnviz_desktop.autosave import Autosave

    other = Autosave(settings_path().parent / FOLDER)
    assert other.recover() is not None  # as a second window would that was asked first

    def script(window) -> None:
        ready(window, qtbot)
        assert window.tabs.message.text() == ""

    drive(script)
    other.clear()
