"""Exported figures and their records open back to the state that made them."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from person import click, drop, find, ready
from PySide6.QtWidgets import QFileDialog

from cnnviz_desktop.data import Record
from cnnviz_desktop.figures.records import read_record
from cnnviz_desktop.gui.missing_files import MissingDialog

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.fixture
def photograph(sample, tmp_path) -> Path:
    """A picture of one's own."""
    path = tmp_path / "mine.png"
    shutil.copy(sample, path)
    return path


@pytest.fixture
def figure(photograph, bundled_weights, tmp_path):
    """Export Grad-CAM of one's own picture: `figure(suffix)`."""
    import cnnviz_desktop as cnn
    from cnnviz_desktop.engine.technique import record
    from cnnviz_desktop.figures import export, plates

    def make(suffix: str, **changes) -> Path:
        model, image = cnn.load_model("bundled"), cnn.load_image(photograph)
        technique = cnn.GradCam(layer="blocks.1", target=2)
        result = technique(model, image)
        note = replace(record(technique, model, image), **changes)
        path = tmp_path / f"figure{suffix}"
        if suffix == ".npz":
            export.save_data(result, path, note)
        elif suffix == ".json":
            path.write_text(note.to_json(), encoding="utf-8")
        else:
            export.save(plates.plate(result, image), path, dpi=40, record=note)
        return path

    return make


def check_state(window, qtbot) -> None:
    session = window.tabs._session
    qtbot.waitUntil(lambda: "Explain" in session.answers, timeout=20000)
    ready(window, qtbot, "Explain")
    technique = session.answers["Explain"].technique
    assert (technique.layer, technique.target) == ("blocks.1", 2)
    assert session.tab == "Explain"
    assert session.pictures.current.image.name == "mine.png"


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".npz", ".json"])
def test_a_figure_on_the_command_line(drive, qtbot, figure, suffix) -> None:
    path = figure(suffix)

    def script(window) -> None:
        check_state(window, qtbot)
        bar = window.tabs.message
        assert ("is a figure made by CNNviz" in bar.text()) == (suffix == ".png")

    assert drive(script, path, real=True) == 0


def test_a_dropped_figure_and_the_same_file_as_a_picture(drive, qtbot, figure, sample) -> None:
    path = figure(".png")
    other = sorted(sample.parent.glob("*.png"))[1]

    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        drop(window, path)
        check_state(window, qtbot)
        assert [session.pictures[key].image.name for key in session.pictures] == [
            other.name,
            "mine.png",
        ]
        model = session.model
        click(find(window, "messageAction"))
        qtbot.waitUntil(lambda: session.pictures.current.image.path == path)
        assert session.model is model  # it was not loaded again

    drive(script, other, real=True)


def test_the_picture_in_the_window_is_the_one(drive, qtbot, figure, photograph, tmp_path) -> None:
    path = figure(".svg")

    def script(window) -> None:
        ready(window, qtbot)
        photograph.rename(tmp_path / "renamed.png")  # known by its pixels, not by its path
        drop(window, path)
        check_state(window, qtbot)
        assert len(window.tabs._session.pictures) == 1

    drive(script, photograph, real=True)


def test_a_moved_picture_is_asked_for(
    drive, qtbot, figure, photograph, tmp_path, monkeypatch
) -> None:
    path = figure(".pdf")
    moved = tmp_path / "elsewhere" / "mine.png"
    moved.parent.mkdir()
    photograph.rename(moved)
    chosen = staticmethod(lambda *_args, **_more: (str(moved), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", chosen)

    def script(window) -> None:
        qtbot.waitUntil(lambda: window.findChild(MissingDialog) is not None, timeout=9000)
        click(find(window, "locateFile"))
        click(find(window, "skipMissing"))
        check_state(window, qtbot)
        assert window.tabs.message.text() == ""

    drive(script, path, real=True)


def test_another_picture_and_other_weights_are_said(drive, qtbot, figure, photograph) -> None:
    from PIL import Image

    path = figure(".json", model_fingerprint="0" * 64)
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(photograph)

    def script(window) -> None:
        check_state(window, qtbot)
        text = window.tabs.message.text()
        assert "is not the picture that figure.json was made from" in text
        assert "other weights of bundled" in text

    drive(script, path, real=True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"technique": "palm-reading"}, "“palm-reading”, which this version does not know"),
        ({"model": "vgg61"}, "vgg61"),
        ({"parameters": {"layer": "blocks.1", "moon": 3}}, "moon"),
        ({"parameters": {"layer": 7}}, "Layer must be"),
    ],
)
def test_a_record_that_cannot_be_followed(drive, qtbot, figure, photograph, changes, sentence):
    path = figure(".json", **changes)

    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        model, title = session.model, window.tabs.head.title()
        drop(window, path)
        qtbot.waitUntil(lambda: sentence in window.tabs.message.text())
        assert window.tabs.message.level == "error"
        assert session.model is model
        assert window.tabs.head.title() == title

    drive(script, photograph, real=True)


def test_a_record_of_an_unknown_model_at_the_start(drive, qtbot, figure) -> None:
    path = figure(".json", model="vgg61")

    def script(window) -> None:
        ready(window, qtbot)
        assert window.tabs._session.model.name == "bundled"
        assert "vgg61" in window.tabs.message.text()

    drive(script, path, real=True)


def test_a_record_with_an_input_of_its_own(drive, qtbot, figure, tmp_path) -> None:
    """What was said of the input is in the record that Export writes, and comes back from it."""
    from cnnviz_desktop.engine.technique import record

    path = figure(".json", input={"size": [96, 96], "std": ["no number"], "labels": 7})

    def script(window) -> None:
        ready(window, qtbot, "Explain")
        model = window.tabs._session.model
        assert model.preprocessing.size == (96, 96)
        assert record(None, model).input == {"size": (96, 96)}

    drive(script, path, real=True)


def test_files_without_a_record(drive, qtbot, picture, tmp_path) -> None:
    plain = tmp_path / "drawing.svg"
    plain.write_text("<svg/>")
    other = tmp_path / "other.png"
    other.write_bytes(b"pretend")

    def script(window) -> None:
        ready(window, qtbot)
        drop(window, plain)
        qtbot.waitUntil(lambda: "drawing.svg holds no CNNviz record" in window.tabs.message.text())
        drop(window, other)
        qtbot.waitUntil(lambda: window.tabs._session.pictures.current.image.path == other)

    drive(script, picture)


def test_a_class_by_its_name(drive, qtbot, figure) -> None:
    from cnnviz_desktop.bundled.pictures import CLASSES

    path = figure(".json")
    note = read_record(path)
    named = {**note.parameters, "target": CLASSES[2].upper()}
    path.write_text(replace(note, parameters=named).to_json(), encoding="utf-8")

    def script(window) -> None:
        check_state(window, qtbot)

    drive(script, path, real=True)


def test_record_of_a_class_that_is_not_there(drive, qtbot, figure) -> None:
    path = figure(".json", parameters={"layer": "blocks.1", "target": 5000})

    def script(window) -> None:
        ready(window, qtbot, "Explain")
        assert window.tabs._session.techniques["Explain"].target is None

    drive(script, path, real=True)
    assert isinstance(read_record(path), Record)


def test_pictures_are_fed_as_the_record_says(drive, qtbot, figure) -> None:
    path = figure(".json", fit="pad")

    def script(window) -> None:
        check_state(window, qtbot)
        session = window.tabs._session
        assert session.models.fit == session.model.preprocessing.fit == "pad"
        assert not session.is_stale("Explain")

    drive(script, path, real=True)


def test_skipped_weights_of_a_figure_leave_the_window_as_it_is(
    drive, qtbot, picture, tmp_path, engine
) -> None:
    path = tmp_path / "figure.json"
    gone = str(tmp_path / "gone.pth")
    path.write_text(Record("filters", {}, "vgg16", "f" * 64, gone).to_json(), encoding="utf-8")

    def script(window) -> None:
        ready(window, qtbot)
        drop(window, path)
        qtbot.waitUntil(lambda: window.findChild(MissingDialog) is not None, timeout=5000)
        click(find(window.findChild(MissingDialog), "skipMissing"))
        qtbot.waitUntil(lambda: "gone.pth was left out" in window.tabs.message.text())
        assert window.tabs._session.tab == "Feature maps"
        assert [asked[0] for asked in engine.asked] == ["bundled"]

    drive(script, picture)


def test_a_figure_dropped_while_the_network_of_another_loads(
    drive, qtbot, picture, tmp_path, engine
) -> None:
    load, gate = engine.load_model, threading.Event()
    gate.set()

    def late(name, weights, device, run, **more):
        while not gate.is_set():
            run.pause()  # as between the parts of a download
            time.sleep(0.002)
        return load(name, weights, device, run, **more)

    engine.load_model = late
    names = ("vgg16", "resnet50")
    for name in names:
        text = Record("filters", {"layer": "block.conv2"}, name, "f" * 64).to_json()
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")

    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        gate.clear()
        for name in names:
            drop(window, tmp_path / f"{name}.json")
            qtbot.waitUntil(lambda name=name: session.models.wanted == name)
        gate.set()
        ready(window, qtbot, "Filters")
        assert (session.tab, session.model.name) == ("Filters", "resnet50")

    drive(script, picture)
