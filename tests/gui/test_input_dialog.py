"""Size, scaling and class names of a network's input: said, checked, applied, remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from person import click, find, ready
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from cnnviz_desktop.data import InputSpec
from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.input_dialog import InputDialog

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


def write(dialog, name: str, text: str) -> None:
    line = find(dialog, name, QLineEdit)
    line.selectAll()
    QTest.keyClicks(line, text) if text else QTest.keyClick(line, Qt.Key.Key_Delete)


def said(dialog) -> str:
    return find(dialog, "inputSaid", QLabel).text()


def pick(box: QComboBox, text: str) -> None:
    box.setCurrentIndex(box.findText(text))
    box.activated.emit(box.currentIndex())


@pytest.fixture
def dialog(qtbot, qapp: QApplication, model) -> Iterator[InputDialog]:
    theme.apply(qapp, "light")
    parent = QWidget()
    qtbot.addWidget(parent)
    made = InputDialog(model, parent)
    made.show()
    yield made
    parent.close()


def test_it_begins_as_the_network_is(dialog: InputDialog) -> None:
    assert find(dialog, "inputHeight", QSpinBox).value() == 32
    assert find(dialog, "inputMean", QLineEdit).text() == "0.485, 0.456, 0.406"
    assert find(dialog, "inputPreset", QComboBox).currentText() == "ImageNet"
    assert find(dialog, "inputColours", QLabel).text() == "RGB"
    assert dialog.spec() == InputSpec()
    assert not find(dialog, "inputApply").property("primary")
    assert not find(dialog, "inputReset").isEnabled()
    # (0 - 0.485) / 0.229 and (1 - 0.406) / 0.225
    assert said(dialog) == "Black to white becomes −2.12 to 2.64."


@pytest.mark.parametrize(
    ("mean", "std", "sentence"),
    [
        ("0.5, 0.4", "1, 1, 1", "The mean is three numbers, for red, green and blue, or one for"),
        ("0.5, 0.5, x", "1, 1, 1", "The mean is three numbers, for red, green and blue,"),
        ("0.5, 0.5, 0.5", "", "The std is three numbers, for red, green and blue,"),
        (
            "123.675, 116.28, 103.53",
            "1, 1, 1",
            "The mean is of values from 0 to 1: for 0 to 255 write 0.485, 0.456, 0.406.",
        ),
        ("0.5, -0.5, 0.5", "1, 1, 1", "The mean is of values from 0 to 1, so it lies between"),
        ("0.5, 0.5, 0.5", "0, 1, 1", "The std divides the values, so it is more than 0."),
    ],
)
def test_what_is_wrong_is_said_while_it_is_typed(dialog, mean, std, sentence) -> None:
    write(dialog, "inputMean", mean)
    write(dialog, "inputStd", std)
    assert said(dialog).startswith(sentence)
    assert not find(dialog, "inputApply").isEnabled()


def test_presets_and_numbers_however_they_are_written(dialog: InputDialog) -> None:
    presets = find(dialog, "inputPreset", QComboBox)
    names = [presets.itemText(i) for i in range(presets.count())]
    assert names == ["Own numbers", "ImageNet", "CIFAR-10", "0 to 1", "−1 to 1"]
    pick(presets, "−1 to 1")
    assert dialog.spec() == InputSpec(None, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert said(dialog) == "Black to white becomes −1.00 to 1.00."
    write(dialog, "inputMean", "[.4914; 0.4822 .4465]")
    assert presets.currentText() == "Own numbers"
    write(dialog, "inputStd", "0.247, 0.2435, 0.2616")
    assert presets.currentText() == "CIFAR-10"
    assert find(dialog, "inputApply").property("primary")
    write(dialog, "inputMean", "0.5")
    write(dialog, "inputStd", "0.25")
    assert dialog.spec() == InputSpec(None, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    assert said(dialog) == "Black to white becomes −2.00 to 2.00."


def test_a_grey_network_takes_one_number(qtbot, qapp, model) -> None:
    theme.apply(qapp, "light")
    feeding = replace(
        model.preprocessing,
        size=(28, 28),
        mean=(0.1307,),
        std=(0.3081,),
        channels=1,
        colours="grey",
    )
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = InputDialog(replace(model, preprocessing=feeding), parent)
    presets = find(dialog, "inputPreset", QComboBox)
    assert presets.currentText() == "MNIST"
    assert presets.findText("ImageNet") == -1
    write(dialog, "inputMean", "0.1, 0.2, 0.3")
    assert said(dialog) == "The mean is one number."


def test_class_names_are_counted(dialog: InputDialog, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    write(dialog, "inputLabels", str(names))
    assert said(dialog).startswith(f"There is no file {names}.")
    names.write_text("ant\nbee\n")
    write(dialog, "inputLabels", str(names))
    assert said(dialog).endswith("2 class names, but the network has 4 classes.")
    names.write_text("ant\nbee\ncat\ndog\n")
    write(dialog, "inputLabels", str(names))
    assert said(dialog).endswith("4 class names: ant, bee, cat…")
    assert dialog.spec() == InputSpec(labels=names)


# ------------------------------------------------------------------------------- in the window


def test_class_names_are_dropped_on_their_field(dialog: InputDialog, tmp_path: Path) -> None:
    names = tmp_path / "größer.txt"
    names.write_text("ant\nbee\ncat\ndog\n")
    line = find(dialog, "inputLabels", QLineEdit)
    line.setText("something before")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(names))])
    button, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    action = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
    QApplication.sendEvent(line, QDragEnterEvent(QPoint(4, 4), action, mime, button, none))
    event = QDropEvent(QPointF(4, 4), action, mime, button, none)
    event.setDropAction(Qt.DropAction.MoveAction)
    QApplication.sendEvent(line, event)
    assert line.text() == str(names)
    assert said(dialog).endswith("4 class names: ant, bee, cat…")
    assert event.dropAction() == Qt.DropAction.CopyAction


def opened(window) -> InputDialog:
    window.tabs.setCurrentIndex(0)
    click(find(window, "editInput"))
    dialog = find(window, "inputDialog", InputDialog)
    assert dialog.isVisible()
    return dialog


def test_applied_to_a_file_it_is_remembered(drive, qtbot, picture, engine, tmp_path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\x08\x07")
    spec = InputSpec((48, 32), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        dialog = opened(window)
        find(dialog, "inputHeight", QSpinBox).setValue(48)
        pick(find(dialog, "inputPreset", QComboBox), "−1 to 1")
        click(find(dialog, "inputApply"))
        qtbot.waitUntil(lambda: session.model.preprocessing.size == (48, 32))
        assert session.model.spec == spec
        qtbot.waitUntil(lambda: window.findChild(InputDialog) is None)
        words = [
            label.text()
            for label in find(window, "modelCard").findChildren(QWidget)
            if hasattr(label, "text")
        ]
        assert "48×32 RGB" in words
        qtbot.waitUntil(lambda: not window._jobs.busy())
        window.deeds["edit_input"].trigger()
        again = next(box for box in window.findChildren(InputDialog) if box.isVisible())
        click(find(again, "inputReset", QPushButton))
        qtbot.waitUntil(lambda: session.model.preprocessing.size == (32, 32))

    drive(script, picture, path)
    assert engine.inputs == {str(path): InputSpec()}
    assert [item[2] for item in engine.asked] == [InputSpec(), spec, InputSpec()]


def test_what_is_taken_back_is_not_found_again(drive, qtbot, picture, engine, tmp_path) -> None:
    path, names = tmp_path / "net.onnx", tmp_path / "names.txt"
    path.write_bytes(b"\x08\x07")
    names.write_text("a\nb\nc\nd\n")
    sized = InputSpec((48, 32))

    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        for name, value in (("inputHeight", 48), ("inputLabels", names)):
            dialog = opened(window)
            if name == "inputHeight":
                find(dialog, name, QSpinBox).setValue(value)
            else:
                dialog._labels.set_path(value)
            click(find(dialog, "inputApply"))
            qtbot.waitUntil(
                lambda: not any(b.isVisible() for b in window.findChildren(InputDialog))
            )
            qtbot.waitUntil(lambda: not window._jobs.busy())
        assert session.model.spec == replace(sized, labels=names)
        qtbot.waitUntil(lambda: window.deeds["undo"].text() == "&Undo change class names")
        window.deeds["undo"].trigger()
        qtbot.waitUntil(lambda: session.model.spec == sized)
        assert engine.inputs == {str(path): sized}
        qtbot.waitUntil(lambda: not window._jobs.busy())
        dialog = opened(window)  # what is refused changes nothing that is remembered
        for name in ("inputHeight", "inputWidth"):
            find(dialog, name, QSpinBox).setValue(7)
        click(find(dialog, "inputApply"))
        qtbot.waitUntil(lambda: "does not take" in said(dialog))
        click(find(dialog, "inputCancel"))

    drive(script, picture, path)
    assert engine.inputs == {str(path): sized}


def test_what_cannot_be_remembered_holds_all_the_same(drive, qtbot, picture, engine, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\x08\x07")

    def refuse(path: Path, spec: InputSpec) -> None:
        raise ExportError("It cannot be kept (Read-only file system).")

    engine.remember_input = refuse

    def script(window) -> None:
        ready(window, qtbot)
        dialog = opened(window)
        find(dialog, "inputHeight", QSpinBox).setValue(48)
        click(find(dialog, "inputApply"))
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.model.spec == InputSpec((48, 32)))
        assert [note.title for note in session.model.findings] == ["Input not remembered"]

    drive(script, picture, path)


def test_of_a_network_of_the_catalogue_nothing_is_remembered(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        dialog = opened(window)
        find(dialog, "inputWidth", QSpinBox).setValue(64)
        QTest.keyClick(find(dialog, "inputMean"), Qt.Key.Key_Return)
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.model.preprocessing.size == (32, 64))
        qtbot.waitUntil(lambda: not window._jobs.busy())
        window.deeds["undo"].trigger()
        qtbot.waitUntil(lambda: session.model.preprocessing.size == (32, 32))

    drive(script, picture)
    assert engine.inputs == {}


def test_an_input_that_the_network_refuses_keeps_the_dialog(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        model, dialog = session.model, opened(window)
        for name in ("inputHeight", "inputWidth"):
            find(dialog, name, QSpinBox).setValue(7)
        click(find(dialog, "inputApply"))
        qtbot.waitUntil(lambda: said(dialog) == "The network does not take pictures of 7×7.")
        assert dialog.isVisible()
        assert find(dialog, "inputApply").isEnabled()
        assert session.model is model
        click(find(dialog, "inputCancel"))

    drive(script, picture)
