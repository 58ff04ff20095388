"""A person's own networks: dropped on the window, asked about, remembered, found again."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from person import choose_file, click, drop, find, ready
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QTreeWidget,
    QWidget,
)

from cnnviz_desktop.data import Finding, InputSpec, Record
from cnnviz_desktop.errors import ModelError
from cnnviz_desktop.gui.file_kinds import kind_of, sorted_out
from cnnviz_desktop.gui.missing_files import MissingDialog
from cnnviz_desktop.gui.model_help import for_window
from cnnviz_desktop.gui.model_opening import ModelOpening
from cnnviz_desktop.gui.network_dialog import NetworkDialog

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


def written(path: Path, data: bytes = b"\x80\x02") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# ---------------------------------------------------------------------------------------- kinds


def zipped(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return path


def test_files_are_known_by_what_is_in_them(tmp_path: Path) -> None:
    header = b'{"a": {}}'
    safetensors = len(header).to_bytes(8, "little") + header
    models = (
        written(tmp_path / "weights.dat", b"\x80\x02}q\x00."),
        written(tmp_path / "no_suffix", safetensors),
        zipped(tmp_path / "saved.zip", "archive/data.pkl"),
        written(tmp_path / "net.onnx", b"\x08\x07"),
        written(tmp_path / "net.py", b"def make(): pass"),
        written(tmp_path / "net.h5", b"\x89HDF\r\n\x1a\n"),
    )
    assert [kind_of(path) for path in models] == ["model"] * len(models)
    assert kind_of(zipped(tmp_path / "stars.bak", "session.json", "arrays/0.npy")) == "session"
    assert kind_of(zipped(tmp_path / "maps.data", "values.npy")) == "figure"
    assert kind_of(written(tmp_path / "photo.pth", b"\x89PNG\r\n")) == "picture"
    assert kind_of(written(tmp_path / "photo.webp", b"RIFF")) == "picture"
    assert kind_of(written(tmp_path / "notes.txt", b"text")) == "picture"  # whose reader says no
    assert kind_of(tmp_path) == "picture"
    assert kind_of(tmp_path / "gone.pt") == "model"
    assert kind_of(tmp_path / "gone.cnnviz") == "session"


def test_a_single_png_may_be_a_figure(tmp_path: Path) -> None:
    one, other = (written(tmp_path / name, b"\x89PNG") for name in ("a.png", "b.png"))
    assert sorted_out([one])["figure"] == [one]
    assert sorted_out([one, other])["picture"] == [one, other]


def test_sentences_of_the_command_line_are_left_out() -> None:
    text = "net.pth holds weights alone. Point to the file: --factory FILE.py:FUNCTION"
    assert for_window(text) == "net.pth holds weights alone."
    asked = "There is no model “vgg61”. Did you mean vgg16? “cnnviz models” lists them all."
    assert for_window(asked) == "There is no model “vgg61”. Did you mean vgg16?"
    assert for_window("Use --size.") == "Use --size."  # better than nothing


# ---------------------------------------------------------------------------------------- opening


def test_weights_whose_network_is_told_by_them(drive, qtbot, picture, engine, tmp_path) -> None:
    path = written(tmp_path / "vgg16 of cats.pth")
    engine.findings = (Finding("info", "Architecture guessed", "Its tensors fit vgg16."),)

    def script(window) -> None:
        ready(window, qtbot)
        drop(window, path)
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.model.name == "vgg16")
        assert session.model.weights == str(path)
        assert find(window, "modelPicker", QComboBox).currentText() == "vgg16"
        assert find(window, "weightsPicker", QComboBox).currentText() == path.name
        window.tabs.setCurrentIndex(0)
        words = [label.text() for label in find(window, "modelCard").findChildren(QLabel)]
        assert "Architecture guessed" in words
        assert len(session.pictures) == 1

    drive(script, picture)


def test_a_file_among_pictures(drive, qtbot, picture, engine, tmp_path) -> None:
    other, path = written(tmp_path / "b.png"), written(tmp_path / "resnet50.bin")
    path = path.rename(tmp_path / "resnet50.safetensors")

    def script(window) -> None:
        ready(window, qtbot)
        drop(window, other, path)
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.model.name == "resnet50" and len(session.pictures) == 2)

    drive(script, picture)


def test_weights_of_no_known_network_offer_two_ways(
    drive, qtbot, picture, engine, tmp_path, monkeypatch
) -> None:
    path = written(tmp_path / "mine.pth")

    def script(window) -> None:
        ready(window, qtbot)
        session, bar = window.tabs._session, window.tabs.message
        drop(window, path)
        qtbot.waitUntil(lambda: "no known network has such ones" in bar.text())
        assert "--factory" not in bar.text()
        assert session.model.name == "bundled"  # the old one stays
        assert find(window, "messageAction").text() == "Choose the network…"
        click(find(window, "messageAction"))
        QTest.keyClick(find(window, "networkDialog"), Qt.Key.Key_Escape)
        assert "no known network has such ones" in bar.text()  # still to be helped
        click(find(window, "messageAction"))
        dialog = [box for box in window.findChildren(NetworkDialog) if box.isVisible()][-1]
        search = find(dialog, "modelSearch", QLineEdit)
        QTest.keyClicks(search, "vgg19")
        QTest.keyClick(search, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: session.model.name == "vgg19")
        assert session.model.weights == str(path)

    drive(script, picture)


def test_and_the_second_is_a_python_file(
    drive, qtbot, picture, engine, tmp_path, monkeypatch
) -> None:
    path, maker = written(tmp_path / "mine.pth"), written(tmp_path / "net.py", b"def make_model")
    choose_file(monkeypatch, "getOpenFileName", maker)
    engine.trusted.add(str(maker))

    def script(window) -> None:
        ready(window, qtbot)
        session, bar = window.tabs._session, window.tabs.message
        drop(window, path)
        qtbot.waitUntil(lambda: "no known network" in bar.text())
        assert find(window, "messageOtherAction").text() == "Choose a Python file…"
        click(find(window, "messageOtherAction"))
        qtbot.waitUntil(lambda: session.model.name == f"{maker}:make_model")
        assert session.model.weights == str(path)
        assert find(window, "modelPicker", QComboBox).currentText() == "net.py:make_model"

    drive(script, picture)


def test_what_was_wrong_is_said_again_until_it_is_dismissed(
    drive, qtbot, picture, engine, tmp_path, monkeypatch
) -> None:
    path, maker = written(tmp_path / "mine.pth"), written(tmp_path / "nets.py")
    choose_file(monkeypatch, "getOpenFileName", maker)
    engine.makers = ("Small", "make_large")

    def script(window) -> None:
        ready(window, qtbot)
        bar, opening = window.tabs.message, window.findChild(ModelOpening)
        drop(window, path)
        qtbot.waitUntil(lambda: "no known network" in bar.text())
        click(find(window, "messageOtherAction"))
        qtbot.waitUntil(lambda: window.findChild(QWidget, "factoryDialog") is not None)
        assert not bar.text()
        QTest.keyClick(find(window, "factoryDialog"), Qt.Key.Key_Escape)
        assert "no known network" in bar.text()
        click(find(window, "messageClose"))
        opening.given_up.emit()
        assert not bar.text()

    drive(script, picture)


def test_a_python_file_of_several_networks_asks_which(
    drive, qtbot, picture, engine, tmp_path
) -> None:
    maker, weights = written(tmp_path / "nets.py"), written(tmp_path / "w.safetensors")
    engine.makers = ("Small", "make_large")
    engine.trusted.add(str(maker))

    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        drop(window, weights, maker)  # together: the weights are for it
        qtbot.waitUntil(lambda: window.findChild(QWidget, "factoryDialog") is not None)
        dialog = find(window, "factoryDialog")
        assert not dialog.isModal()
        rows = find(dialog, "factoryList", QListWidget)
        assert [rows.item(i).text() for i in range(rows.count())] == ["Small", "make_large"]
        assert find(dialog, "factoryWeights", QLineEdit).text() == str(weights)
        QTest.keyClick(rows, Qt.Key.Key_Down)
        QTest.keyClick(rows, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: session.model.name == f"{maker}:make_large")
        assert session.model.weights == str(weights)

    drive(script, picture)


def test_a_missing_file_is_a_sentence_and_the_old_network_stays(
    drive, qtbot, picture, tmp_path
) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        window.commands.open_paths([tmp_path / "gone.onnx"])
        qtbot.waitUntil(lambda: "There is no file" in window.tabs.message.text())
        assert window.tabs._session.model.name == "bundled"
        assert find(window, "modelPicker", QComboBox).currentText() == "bundled"
        assert not find(window, "messageAction").isVisible()

    drive(script, picture)


def test_large_files_say_how_far_they_are(drive, qtbot, picture, engine, tmp_path) -> None:
    import threading

    path, load = written(tmp_path / "big.onnx"), engine.load_model
    gate = threading.Event()

    def slowly(name, *rest, **more):
        if name == str(path):
            rest[2].report("Reading big.onnx", 3_000_000_000, 6_000_000_000, 1.0)
            while not gate.wait(0.01):
                rest[2].check()
        return load(name, *rest, **more)

    engine.load_model = slowly

    def script(window) -> None:
        ready(window, qtbot)
        drop(window, path)
        bar = find(window, "progressBar")
        qtbot.waitUntil(lambda: bar.isVisible() and bar.maximum() > 0)
        assert bar.value() / bar.maximum() == pytest.approx(0.5, abs=0.01)
        assert window.tabs._session.model.name == "bundled"
        gate.set()
        qtbot.waitUntil(lambda: window.tabs._session.model.name == str(path))
        assert find(window, "weightsPicker", QComboBox).currentText() == "As in its file"

    drive(script, picture)


# ------------------------------------------------------------------------------------------ trust


def test_a_file_that_runs_code_is_not_opened_without_a_yes(
    drive, qtbot, picture, engine, tmp_path
) -> None:
    path = written(tmp_path / "net.pt2")

    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        drop(window, path)
        qtbot.waitUntil(lambda: window.findChild(QWidget, "trustDialog") is not None)
        dialog = find(window, "trustDialog")
        assert (
            find(dialog, "trustRuns", QPlainTextEdit).toPlainText() == "all of net.pt2\nos.system"
        )
        assert find(dialog, "trustDigest", QLabel).text() == "ab12 ab12 ab12 ab12 …"
        assert find(dialog, "trustDigest").toolTip() == "ab12" * 16
        QTest.keyClick(dialog, Qt.Key.Key_Return)  # the default is no
        qtbot.waitUntil(lambda: "was not opened" in window.tabs.message.text())
        assert session.model.name == "bundled"
        assert engine.trusted == set()
        click(find(window, "messageAction"))  # asks again
        qtbot.waitUntil(lambda: window.findChild(QWidget, "trustOpen") is not None)
        click(find(window, "trustOpen"))
        qtbot.waitUntil(lambda: session.model.name == str(path))
        assert window.tabs.message.text() == ""
        assert find(window, "modelPicker", QComboBox).currentText() == "net.pt2"

    drive(script, picture)
    assert [item[3] for item in engine.asked] == [False, False, True]


def test_closing_the_question_is_a_no(drive, qtbot, picture, engine, tmp_path) -> None:
    path = written(tmp_path / "net.py", b"def make_model")

    def script(window) -> None:
        ready(window, qtbot)
        drop(window, path)
        qtbot.waitUntil(lambda: window.findChild(QWidget, "trustDialog") is not None)
        QTest.keyClick(find(window, "trustDialog"), Qt.Key.Key_Escape)
        assert window.tabs._session.model.name == "bundled"

    drive(script, picture)
    assert engine.trusted == set()


def test_a_trusted_file_opens_from_the_recent_ones_without_asking(
    drive, qtbot, picture, engine, tmp_path
) -> None:
    path = written(tmp_path / "net.pt2")
    engine.trusted.add(str(path))

    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        drop(window, path)
        qtbot.waitUntil(lambda: session.model.name == str(path))
        session.models.load("vgg16")
        qtbot.waitUntil(lambda: session.model.name == "vgg16")
        actions = window.deeds.menus["recent_models"].actions()
        next(action for action in actions if action.text() == "net.pt2").trigger()
        qtbot.waitUntil(lambda: session.model.name == str(path))
        assert window.findChild(QWidget, "trustDialog") is None

    drive(script, picture)


def test_the_first_network_is_asked_about_over_the_bundled_one(
    drive, qtbot, picture, engine, tmp_path
) -> None:
    path = written(tmp_path / "net.pt2")

    def script(window) -> None:
        qtbot.waitUntil(lambda: window.findChild(QWidget, "trustDialog") is not None)
        ready(window, qtbot)
        assert window.tabs._session.model.name == "bundled"
        click(find(window, "trustRefuse"))
        assert "was not opened" in window.tabs.message.text()
        assert window.tabs._session.model.name == "bundled"

    drive(script, picture, path)


def test_the_first_network_does_not_come_and_the_ways_out_stay(
    drive, qtbot, picture, tmp_path
) -> None:
    path = written(tmp_path / "mine.pth")

    def script(window) -> None:
        ready(window, qtbot)
        assert window.tabs._session.model.name == "bundled"
        assert "no known network" in window.tabs.message.text()
        click(find(window, "messageAction"))
        assert find(window, "networkDialog").isVisible()
        find(window, "networkDialog").reject()

    drive(script, picture, path)


def test_a_choice_at_the_start_is_made_over_the_bundled_one(
    drive, qtbot, picture, engine, tmp_path
) -> None:
    path = written(tmp_path / "nets.py")
    engine.makers = ("Small", "Large")

    def script(window) -> None:
        ready(window, qtbot)
        assert window.tabs._session.model.name == "bundled"
        assert find(window, "factoryDialog").isVisible()
        QTest.keyClick(find(window, "factoryDialog"), Qt.Key.Key_Escape)

    drive(script, picture, path)


def test_a_python_file_without_a_network_at_the_start(
    drive, qtbot, picture, engine, tmp_path
) -> None:
    path = written(tmp_path / "nets.py")

    def none(_path: Path) -> tuple[str, ...]:
        raise ModelError("nets.py makes no network. Add make_model.")

    engine.factories = none

    def script(window) -> None:
        ready(window, qtbot)
        assert window.tabs._session.model.name == "bundled"
        assert "nets.py makes no network" in window.tabs.message.text()

    drive(script, picture, path)


def test_a_named_network_with_weights_at_the_start(drive, qtbot, picture, engine, tmp_path) -> None:
    path = written(tmp_path / "mine.pth")

    def script(window) -> None:
        ready(window, qtbot)
        assert window.tabs._session.model.name == "vgg19"

    drive(script, picture, path, "--model", "vgg19")
    assert engine.asked[0][:2] == ("vgg19", path)


# --------------------------------------------------------------------------------------- sessions


def test_a_session_with_a_network_of_ones_own_opens_elsewhere(
    drive, qtbot, picture, engine, tmp_path, monkeypatch
) -> None:
    """Model file, weights and class names moved: asked for like pictures, the input kept."""
    maker = written(tmp_path / "nets.py")
    weights, names = written(tmp_path / "w.pth"), written(tmp_path / "names.txt", b"a\nb\nc\nd")
    moved = tmp_path / "new"
    spec = InputSpec((48, 64), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), names)
    path = tmp_path / "own.cnnviz"
    choose_file(monkeypatch, "getSaveFileName", path)
    engine.trusted |= {str(maker), str(moved / maker.name)}

    def save(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        session.models.load(f"{maker}:make_model", weights, spec=spec)
        qtbot.waitUntil(lambda: session.model.name.endswith(":make_model"))
        ready(window, qtbot)
        window.deeds["save_session"].trigger()
        qtbot.waitUntil(path.is_file)
        qtbot.waitUntil(lambda: window.windowTitle() == "own[*]")

    def open_again(window) -> None:
        qtbot.waitUntil(lambda: window.findChild(MissingDialog) is not None, timeout=5000)
        dialog = window.findChild(MissingDialog)
        rows = find(dialog, "missingList", QTreeWidget)
        assert sorted(rows.topLevelItem(i).text(0) for i in range(rows.topLevelItemCount())) == [
            "names.txt",
            "nets.py",
            "w.pth",
        ]
        choose_file(monkeypatch, "getOpenFileName", moved / rows.currentItem().text(0))
        click(find(dialog, "locateFile"))  # the others lie beside it
        qtbot.waitUntil(lambda: find(dialog, "skipMissing", QPushButton).text() == "Open")
        click(find(dialog, "skipMissing"))
        ready(window, qtbot)
        session = window.tabs._session
        assert session.model.name == f"{moved / maker.name}:make_model"
        assert session.model.weights == str(moved / weights.name)
        assert session.model.spec == InputSpec(spec.size, spec.mean, spec.std, moved / names.name)
        assert not session.is_stale("Feature maps")

    drive(save, picture)
    moved.mkdir()
    for file in (maker, weights, names):
        shutil.move(file, moved / file.name)
    before = len(engine.performed)
    drive(open_again, path)
    assert len(engine.performed) == before


def save_with(window, qtbot, net: Path) -> None:
    """Drop a network and save the session, whose file is chosen already."""
    ready(window, qtbot)
    drop(window, net)
    qtbot.waitUntil(lambda: window.tabs._session.model.name == str(net))
    ready(window, qtbot)
    window.deeds["save_session"].trigger()
    qtbot.waitUntil(lambda: window.windowTitle() == "own[*]")


def test_a_session_beside_its_network(drive, qtbot, picture, engine, tmp_path, monkeypatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    net = written(here / "net.onnx")
    path = here / "own.cnnviz"
    choose_file(monkeypatch, "getSaveFileName", path)

    def open_again(window) -> None:
        ready(window, qtbot)
        assert window.tabs._session.model.name == str(there / "net.onnx")
        assert not window.tabs._session.is_stale("Feature maps")

    drive(lambda window: save_with(window, qtbot, net), picture)
    here.rename(there)
    drive(open_again, there / "own.cnnviz")


def test_declining_leaves_a_sessions_results_on_screen(
    drive, qtbot, picture, engine, tmp_path, monkeypatch
) -> None:
    net, path = written(tmp_path / "net.pt2"), tmp_path / "own.cnnviz"
    engine.trusted.add(str(net))
    choose_file(monkeypatch, "getSaveFileName", path)

    def open_again(window) -> None:
        qtbot.waitUntil(lambda: window.findChild(QWidget, "trustDialog") is not None)
        session = window.tabs._session
        assert "Feature maps" in session.answers
        click(find(window, "trustRefuse"))
        assert "Feature maps" in session.answers
        assert session.model is None
        click(find(window, "messageAction"))
        qtbot.waitUntil(lambda: window.findChild(QWidget, "trustOpen") is not None)
        click(find(window, "trustOpen"))
        ready(window, qtbot)
        assert session.models.resumed
        assert not session.is_stale("Feature maps")

    drive(lambda window: save_with(window, qtbot, net), picture)
    engine.trusted.clear()
    drive(open_again, path)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_figure_of_a_network_that_runs_code(
    drive, qtbot, picture, engine, tmp_path, trusted
) -> None:
    net, figure = written(tmp_path / "net.pt2"), tmp_path / "figure.json"
    note = Record(
        "feature-maps",
        {"layer": "block.conv2"},
        str(net),
        "f" * 64,
        image=str(picture),
        image_fingerprint=engine.load_image(picture).fingerprint,
        input={"size": [48, 48]},
    )
    figure.write_text(note.to_json(), encoding="utf-8")

    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        drop(window, figure)
        qtbot.waitUntil(lambda: window.findChild(QWidget, "trustDialog") is not None)
        if trusted:
            click(find(window, "trustOpen"))
            qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv2 "))
            assert session.model.name == str(net)
            assert session.model.spec == InputSpec((48, 48))
        else:
            click(find(window, "trustRefuse"))
            qtbot.waitUntil(lambda: not window._jobs.busy())
            assert session.model.name == "bundled"
            assert window.tabs.head.title().startswith("block ")

    drive(script, picture)


# -------------------------------------------------------------------------------------- the doctor


def test_what_the_doctor_says_is_in_sight(drive, qtbot, picture, engine) -> None:
    names = tuple(f"layer.{index}.weight" for index in range(23))
    engine.findings = (
        Finding("error", "NaN in the weights", "Every answer is NaN.", ("a.weight", "b.bias")),
        Finding("warning", "Parameters missing", "The file lacks 23 of them.", names),
        Finding("info", "Softmax at the end", "The logits before it are used."),
    )

    def script(window) -> None:
        ready(window, qtbot)
        doctor = find(window, "doctorNotes")
        assert doctor.isVisible()
        words = [label.text() for label in doctor.findChildren(QLabel)]
        assert "2 to look at" in words
        assert "Softmax at the end" not in words
        assert "a.weight\nb.bias" in words
        show = find(doctor, "noteShow", QPushButton)
        assert show.text() == "Show all 23"
        assert not find(doctor, "noteItems").isVisible()
        click(show)
        listed = find(doctor, "noteItems", QPlainTextEdit)
        assert listed.isVisible()
        assert listed.toPlainText().split() == list(names)
        click(find(doctor, "noteCopy"))
        assert QGuiApplication.clipboard().text().split() == list(names)
        click(show)
        assert not listed.isVisible()
        window.tabs.setCurrentIndex(0)
        assert not doctor.isVisible()
        card = find(window, "modelCard")
        words = [label.text() for label in card.findChildren(QLabel)]
        assert "Softmax at the end" in words
        assert "NaN in the weights" in words

    drive(script, picture)
