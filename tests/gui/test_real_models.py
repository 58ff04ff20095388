"""A person's own networks with the real engine: a Python file, bare weights, their input."""

from __future__ import annotations

from pathlib import Path

import pytest
from person import click, drop, find, settled
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QLabel, QSpinBox, QWidget

from cnnviz_desktop.data import InputSpec
from cnnviz_desktop.gui.input_dialog import InputDialog

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

SOURCE = """
import torch
from torch import nn


class Digits(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 5)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(6 * 12 * 12, classes)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv(x)))
        return torch.softmax(self.head(x.flatten(1)), dim=1)


def make_model():
    return Digits(10)
"""


def test_a_grey_network_in_a_python_file(drive, qtbot, sample, tmp_path: Path) -> None:
    maker = tmp_path / "digits.py"
    maker.write_text(SOURCE, encoding="utf-8")

    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.model is not None, timeout=30000)
        settled(window, qtbot)
        drop(window, maker)
        qtbot.waitUntil(lambda: window.findChild(QWidget, "trustDialog") is not None, timeout=9000)
        click(find(window, "trustOpen"))
        qtbot.waitUntil(lambda: session.model.title == "digits.py:make_model", timeout=9000)
        assert find(window, "modelPicker", QComboBox).currentText() == "digits.py:make_model"
        settled(window, qtbot)
        window.tabs.setCurrentIndex(0)
        words = [item.text() for item in find(window, "modelCard").findChildren(QLabel)]
        assert any("softmax" in text.lower() for text in words), words
        click(find(window, "editInput"))
        dialog = find(window, "inputDialog", InputDialog)
        assert find(dialog, "inputHeight", QSpinBox).value() == 28
        assert find(dialog, "inputColours", QLabel).text() == "grey"
        presets = find(dialog, "inputPreset", QComboBox)
        presets.setCurrentIndex(presets.findText("MNIST"))
        presets.activated.emit(presets.currentIndex())
        click(find(dialog, "inputApply"))
        qtbot.waitUntil(lambda: session.model.preprocessing.mean == (0.1307,), timeout=9000)
        settled(window, qtbot)
        window.tabs.setCurrentIndex(2)
        session.pick_layer("conv", "Feature maps")
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("conv "), timeout=9000)
        assert session.answers["Feature maps"].result.values.shape == (6, 24, 24)
        session.models.load("bundled")
        qtbot.waitUntil(lambda: session.model.name == "bundled", timeout=9000)
        drop(window, maker)  # trusted, and what was said of it holds
        qtbot.waitUntil(lambda: session.model.name != "bundled", timeout=9000)
        assert session.model.spec == InputSpec(None, (0.1307,), (0.3081,))

    assert drive(script, sample, real=True) == 0


def test_bare_weights_are_recognised(drive, qtbot, sample, tmp_path: Path) -> None:
    import torch
    import torchvision

    path = tmp_path / "checkpoint.bin"
    module = torchvision.models.squeezenet1_1(num_classes=7)
    torch.save({"epoch": 3, "state_dict": module.state_dict()}, path)

    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.model is not None, timeout=30000)
        assert session.model.name == "squeezenet1_1"
        assert len(session.model.labels) == 7
        settled(window, qtbot)
        window.tabs.setCurrentIndex(2)
        qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=9000)
        settled(window, qtbot)
        window.deeds["copy_python"].trigger()
        text = QGuiApplication.clipboard().text()
        assert "load_model('squeezenet1_1'" in "".join(text.split())
        assert f"weights={str(path)!r}" in text

    assert drive(script, sample, path, real=True) == 0


def test_a_file_of_anything_else_is_one_sentence(drive, qtbot, sample, tmp_path: Path) -> None:
    bad = tmp_path / "net.pt"
    bad.write_bytes(b"\x80\x02cut")

    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.model is not None, timeout=30000)
        assert session.model.name == "bundled"  # instead
        assert "net.pt" in window.tabs.message.text()
        assert "--" not in window.tabs.message.text()

    assert drive(script, sample, bad, real=True) == 0
