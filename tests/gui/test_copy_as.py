"""What leaves the window can be pasted: the copied calls run and give what is on screen."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMenu, QToolButton, QWidget

from cnnviz_desktop import cli
from cnnviz_desktop.figures import export
from cnnviz_desktop.figures.records import read_record

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


def ready(window, qtbot, tab: str) -> None:
    session = window.tabs._session

    def there() -> bool:
        if tab in session.techniques:
            known = tab in session.answers
        else:
            known = session.predictions.current() is not None
        return session.model is not None and known and not session.is_stale(tab)

    qtbot.waitUntil(there, timeout=30000)


def turn(window, qtbot, tab: str) -> None:
    window.tabs._session.set_tab(tab)
    ready(window, qtbot, tab)


def copied(window, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> str:
    QGuiApplication.clipboard().clear()
    QTest.keyClick(window, key, modifiers)
    return QGuiApplication.clipboard().text()


def pasted(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "notebook", "exec"), names)
    return names


def assert_same(one: Any, other: Any) -> None:
    first, second = export.arrays(one), export.arrays(other)
    assert first.keys() == second.keys()
    for name in first:
        assert np.array_equal(first[name], second[name]), name


def dialog_of(window, qtbot, name: str) -> Any:
    qtbot.waitUntil(lambda: window.findChild(QDialog, name) is not None)
    return window.findChild(QDialog, name)


def answer_file_dialog(monkeypatch: pytest.MonkeyPatch, path: Path | str) -> list[tuple[Any, ...]]:
    asked: list[tuple[Any, ...]] = []

    def choose(*given: Any, **more: Any) -> tuple[str, str]:
        asked.append(given)
        return str(path), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(choose))
    return asked


@pytest.mark.parametrize("tab", ["Predictions", "Explain", "Feature maps", "Filters"])
def test_copied_calls_give_what_is_on_screen(
    tab, drive, qtbot, bundled_weights, sample, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def script(window) -> None:
        ready(window, qtbot, "Feature maps")
        session = window.tabs._session
        session.models.set_fit("pad")
        session.pick_layer("blocks.1.conv2", "Explain")
        session.pick_target(3)
        turn(window, qtbot, tab)
        shown = window.exporting.shown()
        python = copied(window, Qt.Key.Key_C, CTRL | SHIFT)
        names = pasted(python)
        assert_same(names["result"], shown.result)
        command = copied(window, Qt.Key.Key_C, CTRL | ALT)
        assert ("--fit pad" in command) == ("with_fit('pad')" in python)
        assert command.startswith("cnnviz ")
        assert cli.main(shlex.split(command)[1:]) == 0
        (figure,) = tmp_path.glob("*.png")
        drawn = export.decode(export.encode(names["figure"], ".png", 200))
        assert np.array_equal(export.decode(figure.read_bytes()), drawn)
        made = read_record(figure)
        assert made.fit == "pad"
        assert made.model_fingerprint == session.model.fingerprint
        if tab == "Explain":
            assert made.parameters["target"] == 3
            assert made.parameters["layer"] == "blocks.1.conv2"

    assert drive(script, sample, real=True) == 0


def test_the_copied_python_runs_in_a_process_of_its_own(
    drive, qtbot, bundled_weights, sample, tmp_path, repository
) -> None:
    def script(window) -> None:
        ready(window, qtbot, "Feature maps")
        text = copied(window, Qt.Key.Key_C, CTRL | SHIFT)
        file = tmp_path / "pasted.py"
        ending = "import numpy\nnumpy.save('values.npy', result.values)\n"
        file.write_text(text + ending, encoding="utf-8")
        environment = {"PYTHONPATH": str(repository), "PATH": "", "HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, str(file)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        values = window.tabs._session.answers["Feature maps"].result.values
        assert np.allclose(np.load(tmp_path / "values.npy"), values, atol=1e-5)

    drive(script, sample, real=True)


def test_the_dialog_copies_what_it_would_write(
    drive, qtbot, bundled_weights, sample, tmp_path
) -> None:
    target = tmp_path / "it's mine.png"

    def script(window) -> None:
        ready(window, qtbot, "Feature maps")
        QTest.keyClick(window, Qt.Key.Key_E, CTRL)
        dialog = dialog_of(window, qtbot, "exportDialog")
        line = dialog.findChild(QWidget, "exportPath")
        line.selectAll()
        QTest.keyClicks(line, str(target))
        for name in ("exportGround_dark", "exportUnit_cm"):
            QTest.mouseClick(dialog.findChild(QWidget, name), Qt.MouseButton.LeftButton)
        dialog.findChild(QWidget, "exportColumns").setValue(5)
        dialog.findChild(QWidget, "exportLimit").setValue(10)
        dialog.findChild(QWidget, "exportDpi").setValue(75)
        shown, clipboard = dialog._shown, QGuiApplication.clipboard()
        QTest.mouseClick(dialog.findChild(QWidget, "exportCommand"), Qt.MouseButton.LeftButton)
        command = clipboard.text()
        QTest.mouseClick(dialog.findChild(QWidget, "exportPython"), Qt.MouseButton.LeftButton)
        python = clipboard.text()
        with qtbot.waitSignal(window.exporting.exported, timeout=20000):
            QTest.mouseClick(dialog.findChild(QWidget, "exportWrite"), Qt.MouseButton.LeftButton)
        assert "Wrote it's mine.png" in window.status.text()
        written, record = target.read_bytes(), read_record(target)
        target.unlink()
        assert_same(pasted(python)["result"], shown.result)
        assert target.read_bytes() == written
        assert read_record(target) == record
        target.unlink()
        assert cli.main(shlex.split(command)[1:]) == 0
        assert target.read_bytes() == written
        assert read_record(target) == record

    drive(script, sample, real=True)


def test_data_copied_from_the_dialog_are_the_data(
    drive, qtbot, bundled_weights, sample, tmp_path
) -> None:
    target = tmp_path / "maps.npz"

    def script(window) -> None:
        ready(window, qtbot, "Feature maps")
        QTest.keyClick(window, Qt.Key.Key_E, CTRL)
        dialog = dialog_of(window, qtbot, "exportDialog")
        line = dialog.findChild(QWidget, "exportPath")
        line.selectAll()
        QTest.keyClicks(line, str(target))
        values = dialog._shown.result.values
        for button, run in (("exportCommand", False), ("exportPython", True)):
            QTest.mouseClick(dialog.findChild(QWidget, button), Qt.MouseButton.LeftButton)
            text = QGuiApplication.clipboard().text()
            if run:
                pasted(text)
            else:
                assert cli.main(shlex.split(text)[1:]) == 0
            with np.load(target) as data:
                assert np.array_equal(data["values"], values)
            target.unlink()
        dialog.reject()

    drive(script, sample, real=True)


def test_a_pasted_picture_is_saved_before_its_call_is_copied(
    drive, qtbot, bundled_weights, sample, tmp_path, monkeypatch
) -> None:
    target = tmp_path / "clip.png"
    asked = answer_file_dialog(monkeypatch, target)

    def script(window) -> None:
        ready(window, qtbot, "Feature maps")
        image = QImage(90, 80, QImage.Format.Format_RGB32)
        image.fill(0xFF336699)
        for x in range(90):
            image.setPixel(x, x % 80, 0xFFFFFFFF)
        QGuiApplication.clipboard().setImage(image)
        QTest.keyClick(window, Qt.Key.Key_V, CTRL)
        qtbot.waitUntil(lambda: len(window.tabs._session.pictures) == 2)
        ready(window, qtbot, "Feature maps")
        shown = window.exporting.shown()
        assert shown.image.path is None
        QTest.keyClick(window, Qt.Key.Key_C, CTRL | SHIFT)
        clipboard = QGuiApplication.clipboard()
        qtbot.waitUntil(lambda: "load_image" in clipboard.text(), timeout=10000)
        assert repr(str(target)) in clipboard.text()
        assert_same(pasted(clipboard.text())["result"], shown.result)
        copied(window, Qt.Key.Key_C, CTRL | ALT)
        assert str(target) in clipboard.text()
        assert len(asked) == 1  # the second call knows the file

    drive(script, sample, real=True)


def test_without_a_file_nothing_is_copied_and_a_sentence_says_why(
    drive, qtbot, picture, monkeypatch
) -> None:
    answer_file_dialog(monkeypatch, "")

    def script(window) -> None:
        ready(window, qtbot, "Feature maps")
        window.tabs._session.pictures.open([np.zeros((20, 30, 3), np.uint8)])
        qtbot.waitUntil(lambda: len(window.tabs._session.pictures) == 2)
        ready(window, qtbot, "Feature maps")
        QGuiApplication.clipboard().setText("mine")
        window.deeds["copy_command"].trigger()
        assert "needs a file" in window.tabs.message.text()
        assert QGuiApplication.clipboard().text() == "mine"

    drive(script, picture)


def test_exporting_again_asks_nothing_and_takes_a_fresh_name(
    drive, qtbot, bundled_weights, sample, tmp_path
) -> None:
    from cnnviz_desktop.gui.export_options import ExportOptions, remember

    def script(window) -> None:
        ready(window, qtbot, "Feature maps")
        remember(ExportOptions(suffix=".svg", folder=str(tmp_path), dpi=60))
        for count in (1, 2):
            with qtbot.waitSignal(window.exporting.exported, timeout=30000):
                QTest.keyClick(window, Qt.Key.Key_E, CTRL | SHIFT)
            assert len(list(tmp_path.glob("*.svg"))) == count
        assert window.findChild(QDialog, "exportDialog") is None
        names = sorted(path.stem for path in tmp_path.glob("*.svg"))
        assert names[1] == f"{names[0]}-2"

    drive(script, sample, real=True)


def test_the_copy_button_offers_the_calls_as_well(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot, "Feature maps")
        button = window.findChild(QToolButton, "copyButton")
        menu = button.menu()
        assert [action.objectName() for action in menu.actions()] == [
            "action_copy",
            "action_copy_python",
            "action_copy_command",
        ]
        menu.actions()[1].trigger()
        assert "FeatureMaps(layer='block')(model, image)" in QGuiApplication.clipboard().text()
        QGuiApplication.clipboard().clear()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert not QGuiApplication.clipboard().image().isNull()

    drive(script, picture)


def choose_in_menu(words: str) -> None:
    """Click an entry of the menu that opens next."""

    def click() -> None:
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        action = next(action for action in menu.actions() if action.text() == words)
        place = menu.actionGeometry(action).center()
        QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=place)

    QTimer.singleShot(200, click)


@pytest.mark.parametrize("tab", ["Feature maps", "Explain", "Filters"])
def test_a_picture_saved_from_its_menu_holds_the_record(
    tab, drive, qtbot, bundled_weights, sample, tmp_path, monkeypatch
) -> None:
    from PySide6.QtGui import QContextMenuEvent

    target = tmp_path / "saved.png"
    answer_file_dialog(monkeypatch, target)

    def script(window) -> None:
        ready(window, qtbot, "Feature maps")
        turn(window, qtbot, tab)
        grid = window.tabs.feature_maps.grid
        if tab == "Feature maps":
            widget = grid
            place = grid.tile_rect(grid.shown()[2]).center()
        else:
            widget = window.tabs.view().view
            place = widget.rect().center()
        port = widget if tab == "Explain" else widget.viewport()
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, widget.mapToGlobal(place))
        choose_in_menu("Save picture…")
        QApplication.sendEvent(port, event)
        qtbot.waitUntil(target.exists, timeout=10000)
        shown = window.exporting.shown()
        made = read_record(target)
        assert made.technique == shown.technique.command
        assert made.parameters["layer"] == shown.layer
        expected = grid.tile_image(grid.shown()[2]) if tab == "Feature maps" else widget.image()
        with Image.open(target) as saved:
            assert saved.size == (expected.width(), expected.height())
            corner = expected.pixelColor(0, 0)
            rgb = (corner.red(), corner.green(), corner.blue())
            assert saved.convert("RGB").getpixel((0, 0)) == rgb

    drive(script, sample, real=True)
