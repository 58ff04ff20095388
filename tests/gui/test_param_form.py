"""The form: what it shows is what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QPushButton, QSlider, QSpinBox, QWidget

from cnnviz_desktop.engine.technique import Choice, Flag, Integer, Number, Technique, parameter
from cnnviz_desktop.engine.techniques import TECHNIQUES, FeatureMaps, GradCam
from cnnviz_desktop.gui.param_form import ParamForm

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@dataclass(frozen=True, kw_only=True)
class Everything(Technique):
    title: ClassVar[str] = "Everything"
    command: ClassVar[str] = "everything"
    tab: ClassVar[str] = "Explain"
    summary: ClassVar[str] = "Try every kind."

    flag: bool = parameter(Flag(), False, "A switch.")
    steps: int = parameter(Integer(1, 500), 10, "How many.")
    strength: float = parameter(Number(0.0, 2.0, 0.1), 0.5, "How much.")
    mode: str = parameter(Choice(("plain", "guided")), "plain", "Which way.")
    base: str = parameter(Choice(("black", "grey", "white", "blur")), "grey", "Against what.")


@pytest.fixture
def form(qtbot) -> ParamForm:
    made = ParamForm()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.mark.parametrize("kind", [*TECHNIQUES, Everything])
def test_a_form_says_what_it_was_shown(form, kind) -> None:
    form.show_technique(kind(), None)
    assert form.technique() == kind()


def test_every_field_is_named_and_teaches(form) -> None:
    form.show_technique(Everything(), None)
    for name in ("flag", "steps", "strength", "mode", "base"):
        field = form.findChild(QWidget, f"field_{name}")
        assert field is not None, name
        assert field.accessibleName()


def test_edits_by_hand_are_heard_and_values_set_are_not(form) -> None:
    heard: list[Technique] = []
    form.changed.connect(heard.append)
    form.show_technique(Everything(flag=True, steps=7, strength=1.5, mode="guided"), None)
    assert form.technique() == Everything(flag=True, steps=7, strength=1.5, mode="guided")
    assert heard == []
    box = form.findChild(QCheckBox, "field_flag")
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=box.rect().center() / 4)
    box.click()
    form.findChild(QSpinBox, "field_steps").setValue(9)
    QTest.keyClick(form.findChild(QSlider, "field_strength"), Qt.Key.Key_Right)
    form.findChild(QPushButton, "field_mode_plain").click()
    QTest.keyClick(form.findChild(QComboBox, "field_base"), Qt.Key.Key_Down)
    last = heard[-1]
    assert (last.steps, last.strength, last.mode, last.base) == (9, 1.6, "plain", "white")


def test_layers_and_calls_of_the_model(form, model) -> None:
    form.show_technique(FeatureMaps(layer="block.act"), model)
    layers = form.findChild(QComboBox, "field_layer")
    names = [layers.itemText(i) for i in range(layers.count())]
    assert names == ["block (default)", "block", "block.conv1", "block.act", "block.conv2"]
    assert layers.currentText() == "block.act"
    assert form.findChild(QComboBox, "field_call").count() == 2
    form.show_technique(GradCam(layer="block", target=2), model)
    assert form.technique() == GradCam(layer="block", target=2)
