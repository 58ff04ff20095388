"""Fine-tuning from the Tools menu, with the real engine: it learns, shows it, and opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from person import click, find, settled
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QPushButton, QSpinBox

from cnnviz_desktop.gui.fine_tune_dialog import SLOT, FineTuneDialog
from cnnviz_desktop.gui.jobs import Priority
from cnnviz_desktop.gui.maximise_curve import CurveView

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

COLOURS = {"blue": (20, 40, 220), "green": (30, 200, 40), "red": (210, 30, 20)}


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    folder = tmp_path / "colours"
    for label, (name, colour) in enumerate(COLOURS.items()):
        (folder / name).mkdir(parents=True)
        for number in range(8):
            noise = np.random.default_rng((label, number)).integers(-20, 21, (64, 64, 3))
            pixels = np.clip(noise + np.array(colour), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def opened(window, qtbot) -> FineTuneDialog:
    session = window.tabs._session
    qtbot.waitUntil(lambda: session.model is not None, timeout=30000)
    settled(window, qtbot)
    window.deeds["fine_tune"].trigger()
    return find(window, "fineTuneDialog", FineTuneDialog)


def choose(dialog: FineTuneDialog, folder: Path, epochs: int) -> None:
    line = find(dialog, "fineTuneData", QLineEdit)
    line.clear()
    QTest.keyClicks(line, str(folder))
    find(dialog, "fineTuneEpochs", QSpinBox).setValue(epochs)


def test_it_learns_shows_it_and_opens(drive, qtbot, sample, colours: Path) -> None:
    def script(window) -> None:
        session = window.tabs._session
        dialog = opened(window, qtbot)
        assert not dialog.isModal()
        start = find(dialog, "fineTuneStart", QPushButton)
        assert not start.isEnabled()
        assert "Choose a folder" in find(dialog, "fineTuneSaid", QLabel).text()
        choose(dialog, colours, 4)
        out = colours.parent / "bundled-colours.safetensors"
        assert find(dialog, "fineTuneOut", QLineEdit).text() == str(out)
        before = session.model.fingerprint
        click(start)
        shown = find(dialog, "fineTuneOpen", QPushButton)
        qtbot.waitUntil(shown.isVisible, timeout=30000)
        view = find(dialog, "fineTuneCurve_accuracy", CurveView)
        held = view.curves()[0]
        assert (held.name, len(held.values)) == ("held out", 4)
        assert float(held.values[-1]) == 1.0
        assert "100.0" in find(dialog, "fineTuneSaid", QLabel).text()
        assert session.model.fingerprint == before
        click(shown)
        qtbot.waitUntil(lambda: session.model.labels == tuple(COLOURS), timeout=30000)
        assert session.model.weights == str(out)
        settled(window, qtbot)
        assert not dialog.isVisible()

    drive(script, sample, real=True)


def test_stopped_keeps_the_best_and_clicks_go_first(drive, qtbot, sample, colours: Path) -> None:
    def script(window) -> None:
        dialog = opened(window, qtbot)
        choose(dialog, colours, 5000)
        find(dialog, "fineTunePatience", QSpinBox).setValue(0)
        click(find(dialog, "fineTunePart_whole", QPushButton))
        click(find(dialog, "fineTuneStart", QPushButton))
        view = find(dialog, "fineTuneCurve_loss", CurveView)
        qtbot.waitUntil(lambda: bool(view.curves()), timeout=30000)
        done: list[object] = []
        job = window._jobs.submit(lambda run: 7, "a click", "", Priority.CLICK)
        job.done.connect(done.append)
        qtbot.waitUntil(lambda: done == [7], timeout=3000)
        assert window._jobs.current(SLOT) is not None
        dialog.reject()  # hidden, it goes on
        assert window._jobs.current(SLOT) is not None
        window.deeds["fine_tune"].trigger()
        click(find(dialog, "fineTuneStop", QPushButton))
        qtbot.waitUntil(lambda: window._jobs.current(SLOT) is None, timeout=30000)
        assert (colours.parent / "bundled-colours.safetensors").is_file()
        assert find(dialog, "fineTuneOpen", QPushButton).isVisible()
        resume = find(dialog, "fineTuneResume", QCheckBox)
        assert resume.isVisible()
        assert resume.isChecked()
        resume.setChecked(False)
        click(find(dialog, "fineTuneStart", QPushButton))  # the file is there: asked in place
        assert window._jobs.current(SLOT) is None
        assert find(dialog, "fineTuneMessage").isVisible()
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        assert not dialog.isVisible()

    drive(script, sample, real=True)


def test_what_cannot_be_learned_is_said_in_place(drive, qtbot, sample, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    def script(window) -> None:
        dialog = opened(window, qtbot)
        choose(dialog, tmp_path / "gone", 2)
        assert "There is no folder" in find(dialog, "fineTuneSaid", QLabel).text()
        assert not find(dialog, "fineTuneStart", QPushButton).isEnabled()
        choose(dialog, tmp_path / "empty", 2)
        click(find(dialog, "fineTuneStart", QPushButton))
        message = find(dialog, "fineTuneMessage")
        qtbot.waitUntil(message.isVisible, timeout=10000)
        assert "There are no pictures" in message.findChild(QLabel, "messageText").text()
        assert find(dialog, "fineTuneStart", QPushButton).isVisible()
        dialog._start()
        dialog.reject()
        bar = window.tabs.message
        qtbot.waitUntil(bar.isVisible, timeout=10000)  # for whoever looks at the window
        assert "There are no pictures" in bar.findChild(QLabel, "messageText").text()

    drive(script, sample, real=True)
