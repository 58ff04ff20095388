"""Each step back and forth, by the keys."""

from __future__ import annotations

import pytest
from person import ready
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QPlainTextEdit, QWidget

from cnnviz_desktop.gui.history import History

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def undo(window) -> None:
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL)


def redo(window) -> None:
    QTest.keyClick(window, Qt.Key.Key_Z, CTRL | SHIFT)


def words(window, qtbot) -> tuple[str, str]:
    qtbot.wait(1)  # a step is made once the deed is whole
    return window.deeds["undo"].text(), window.deeds["redo"].text()


@pytest.fixture
def pictures(tmp_path):
    paths = [tmp_path / name for name in ("a.png", "bb.png", "ccc.png")]
    for path in paths:
        path.write_bytes(b"pretend")
    return paths


def names(window) -> list[str]:
    session = window.tabs._session
    return [session.pictures[key].image.name for key in session.pictures]


def test_a_fresh_window_has_no_steps(drive, qtbot, pictures) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        assert words(window, qtbot) == ("&Undo", "&Redo")
        assert not window.deeds["undo"].isEnabled()
        assert not window.deeds["redo"].isEnabled()

    drive(script, *pictures)


def test_a_removed_picture_comes_back_to_its_place(drive, qtbot, pictures) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        qtbot.waitUntil(lambda: len(session.pictures) == 3)
        QTest.keyClick(window, Qt.Key.Key_PageDown, CTRL)
        assert session.pictures.current.image.name == "bb.png"
        QTest.keyClick(window, Qt.Key.Key_Backspace, CTRL)
        assert names(window) == ["a.png", "ccc.png"]
        assert words(window, qtbot)[0] == "&Undo remove bb.png"
        assert window.findChild(History)._soon.interval() == 0  # not the picture's key in ms
        undo(window)
        assert names(window) == ["a.png", "bb.png", "ccc.png"]
        assert window.model_panel.strip.keys() == list(session.pictures)
        assert session.pictures.current.image.name == "bb.png"
        assert words(window, qtbot)[1] == "&Redo remove bb.png"
        redo(window)
        assert names(window) == ["a.png", "ccc.png"]
        undo(window)
        qtbot.waitUntil(lambda: "bb.png" in window.tabs.head.title())
        qtbot.waitUntil(lambda: session.predictions.current() is not None)

    drive(script, *pictures)


def test_an_opened_picture_goes_again(drive, qtbot, pictures) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        window.commands.open_paths(pictures[1:])
        qtbot.waitUntil(lambda: len(names(window)) == 3)
        assert words(window, qtbot)[0] == "&Undo open 2 pictures"
        undo(window)
        assert names(window) == ["a.png"]
        redo(window)
        assert names(window) == ["a.png", "bb.png", "ccc.png"]

    drive(script, pictures[0])


def test_layers_picked_one_after_the_other(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        for layer in ("block.conv1", "block.act"):
            QTest.keyClick(window.findChild(QWidget, "layerTree"), Qt.Key.Key_Down)
            qtbot.waitUntil(lambda name=layer: window.tabs.head.title().startswith(name + " "))
        assert words(window, qtbot)[0] == "&Undo pick block.act"
        undo(window)
        assert window.tabs.head.title().startswith("block.conv1 ")  # at once: it was cached
        assert window.model_panel.tree.selected() == "block.conv1"
        assert words(window, qtbot) == ("&Undo pick block.conv1", "&Redo pick block.act")
        undo(window)
        assert window.tabs.head.title().startswith("block ")
        assert not window.deeds["undo"].isEnabled()
        redo(window)
        redo(window)
        assert window.tabs.head.title().startswith("block.act ")
        assert window.model_panel.tree.selected() == "block.act"

    drive(script, picture)
    assert len(engine.performed) == 3


def test_a_parameter(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        window.tabs._session.pick_layer("block.act", "Feature maps")
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.act"))
        calls = window.findChild(QComboBox, "field_call")
        QTest.keyClick(calls, Qt.Key.Key_Up)
        assert calls.currentText() == "1 of 2"
        assert words(window, qtbot)[0] == "&Undo change call"
        undo(window)
        assert calls.currentText() == "2 of 2"
        assert not window.tabs._session.is_stale("Feature maps")
        redo(window)
        assert calls.currentText() == "1 of 2"

    drive(script, picture)


def test_each_method_is_a_step_of_its_own(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        window.tabs.setCurrentIndex(1)
        ready(window, qtbot, "Explain")
        methods = window.findChild(QComboBox, "techniquePicker")
        first = methods.currentText()
        for _ in range(2):
            QTest.keyClick(methods, Qt.Key.Key_Down)
            qtbot.wait(1)
        second = window.tabs._session.techniques["Explain"].title
        assert words(window, qtbot)[0] == f"&Undo method {second}"
        undo(window)
        assert methods.currentText() not in (first, second)
        undo(window)
        assert methods.currentText() == first

    drive(script, picture)


def test_a_class(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        window.tabs.setCurrentIndex(1)
        ready(window, qtbot, "Explain")
        window.tabs._session.pick_target(2)
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("checked hexagon"))
        assert words(window, qtbot)[0] == "&Undo pick class"
        undo(window)
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("striped star"))
        assert window.tabs._session.techniques["Explain"].target is None

    drive(script, picture)


def test_a_model_and_its_layer(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        session.pick_layer("block.conv1", "Feature maps")
        ready(window, qtbot)
        session.models.load("vgg16")
        qtbot.waitUntil(lambda: session.model.name == "vgg16")
        ready(window, qtbot)
        assert words(window, qtbot)[0] == "&Undo load vgg16"
        session.pick_layer("block.conv2", "Feature maps")
        ready(window, qtbot)
        undo(window)
        undo(window)
        qtbot.waitUntil(lambda: session.model.name == "bundled")
        ready(window, qtbot)
        assert session.layer("Feature maps") == "block.conv1"
        assert words(window, qtbot)[1] == "&Redo load vgg16"
        redo(window)
        qtbot.waitUntil(lambda: session.model.name == "vgg16")
        ready(window, qtbot)
        redo(window)
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv2 "))

    drive(script, picture)
    assert engine.loaded == ["bundled", "vgg16", "bundled", "vgg16"]


def test_a_model_that_cannot_be_had_again(drive, qtbot, picture, engine) -> None:
    from cnnviz_desktop.errors import ModelError

    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        session.models.load("vgg16")
        qtbot.waitUntil(lambda: session.model is not None and session.model.name == "vgg16")
        ready(window, qtbot)

        def gone(*_args, **_more):
            raise ModelError("The weights are gone. Copy them back.")

        engine.load_model = gone
        undo(window)
        qtbot.waitUntil(lambda: "weights are gone" in window.tabs.message.text())
        assert session.model.name == "vgg16"
        session.pick_layer("block.conv2", "Feature maps")
        ready(window, qtbot)
        assert words(window, qtbot)[0] == "&Undo pick block.conv2"

    drive(script, picture)


def test_the_fit(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        models = window.tabs._session.models
        models.set_fit("pad")
        ready(window, qtbot)
        assert words(window, qtbot)[0] == "&Undo fit by pad"
        undo(window)
        assert models.current.preprocessing.fit == models.fit == "crop"

    drive(script, picture)


def test_pins_and_notes(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        marks, grid = window.tabs._session.marks, window.tabs.feature_maps.grid
        channel = grid.selected()
        QTest.keyClick(grid, Qt.Key.Key_P)
        assert len(marks.pins()) == 1
        assert words(window, qtbot)[0] == f"&Undo pin block · {channel}"
        text = window.findChild(QPlainTextEdit, "unitNoteText")
        QTest.keyClicks(text, "corners")
        assert words(window, qtbot)[0] == f"&Undo note on block · {channel}"
        grid.setFocus()
        undo(window)
        assert text.toPlainText() == ""  # all that was typed is one step
        undo(window)
        assert not marks.pins()
        redo(window)
        redo(window)
        assert text.toPlainText() == "corners"
        assert len(marks.pins()) == 1
        assert window.findChild(QWidget, "pinnedUnits").isVisible()
        QTest.keyClick(grid, Qt.Key.Key_P)
        assert not marks.pins()
        assert not window.findChild(QWidget, "pinnedUnits").isVisible()
        marks.set_all((), {})  # nothing to be asked about when the window closes

    drive(script, picture)
