"""The form: what it shows is what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from person import click
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
)

from cnnviz_desktop.engine.technique import (
    Choice,
    Choices,
    ClassKind,
    Flag,
    FolderKind,
    Integer,
    LayersKind,
    Number,
    Technique,
    parameter,
)
from cnnviz_desktop.engine.techniques import (
    TECHNIQUES,
    ActivationMaximization,
    FeatureMaps,
    GradCam,
)
from cnnviz_desktop.errors import ParameterError
from cnnviz_desktop.gui.check_list import CheckList
from cnnviz_desktop.gui.param_form import ParamForm
from cnnviz_desktop.gui.target_picker import TargetPicker

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


@dataclass(frozen=True, kw_only=True)
class Rarer(Technique):
    title: ClassVar[str] = "Rarer"
    command: ClassVar[str] = "rarer"
    tab: ClassVar[str] = "Explain"
    summary: ClassVar[str] = "Try the kinds that hold several values."

    target: int | str | None = parameter(ClassKind(), None, "Which class.")
    few: tuple[str, ...] = parameter(Choices(("insertion", "road")), ("road",), "Measures.")
    many: tuple[str, ...] = parameter(Choices(tuple("abcdefgh")), ("a",), "Many.", "More")
    layers: tuple[str, ...] = parameter(LayersKind(), (), "Layers.", "More")
    folder: str | None = parameter(FolderKind(), None, "Where.", "Files")
    least: int = parameter(Integer(1, 9), 1, "From.", "More")
    most: int = parameter(Integer(1, 9), 9, "To.", "More")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.least > self.most:
            raise ParameterError("Least must not be above most: raise most first.")


@pytest.fixture
def form(qtbot) -> ParamForm:
    made = ParamForm()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.mark.parametrize("kind", [*TECHNIQUES, Everything, Rarer])
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


def test_the_second_of_two_channels_is_typed_and_that_of_two_classes_picked(form, model) -> None:
    heard: list[Technique] = []
    form.changed.connect(heard.append)
    channels = ActivationMaximization(objective="direction", second=7)
    form.show_technique(channels, model)
    spin = form.findChild(QSpinBox, "field_second")
    pickers = form.findChildren(TargetPicker)
    assert spin.isVisible() and spin.value() == 7
    assert [picker.isVisible() for picker in pickers] == [True, False]
    spin.setValue(2)
    assert heard[-1].second == 2
    spin.setValue(-1)
    assert spin.text() == "Next channel"
    assert heard[-1].second is None

    form.show_technique(replace(channels, target=1, second=2), model)
    assert not spin.isVisible()
    assert [picker.target() for picker in pickers] == [1, 2]
    assert form.technique().second == 2


def header(form, name: str) -> QToolButton:
    found = form.findChild(QToolButton, f"group_{name}")
    assert found is not None
    return found


def test_a_group_is_folded_away_until_its_header_is_clicked(form) -> None:
    form.show_technique(Rarer(), None)
    least = form.findChild(QSpinBox, "field_least")
    captions = {label.text(): label for label in form.findChildren(QLabel)}
    assert not least.isVisible() and not captions["Least"].isVisible()
    QApplication.processEvents()  # Qt shows what is new in a layout a moment later
    assert form.findChild(QCheckBox, "field_few_road").isVisible()
    click(header(form, "more"))
    assert least.isVisible() and captions["Least"].isVisible()
    assert not form.findChild(QLineEdit, "field_folder").isVisible()  # of the other group
    QTest.keyClick(header(form, "more"), Qt.Key.Key_Space)
    assert not least.isVisible()


def test_an_unfolded_group_stays_so_in_other_forms(form) -> None:
    form.show_technique(GradCam(), None)
    assert not form.findChild(QComboBox, "field_call").isVisible()
    click(header(form, "more"))
    form.show_technique(Everything(), None)
    form.show_technique(Rarer(), None)
    assert form.findChild(QSpinBox, "field_least").isVisible()
    assert not form.findChild(QLineEdit, "field_folder").isVisible()


def test_a_header_says_what_is_not_as_usual(form, model) -> None:
    form.show_technique(Rarer(), model)
    more = header(form, "more")
    assert more.text() == "More" and "Layers" in more.toolTip()
    form.show_technique(Rarer(layers=("block.act",), most=5), model)
    assert more.text() == "More · 2 changed"
    assert "Layers: block.act" in more.toolTip() and "Most: 5" in more.toolTip()
    form.findChild(QSpinBox, "field_most").setValue(9)
    assert more.text() == "More · 1 changed"


def test_fields_of_several_values_give_them(form, model) -> None:
    heard: list[Technique] = []
    form.changed.connect(heard.append)
    form.show_technique(Rarer(), model)
    form.findChild(QCheckBox, "field_few_insertion").click()
    assert heard[-1] == Rarer(few=("insertion", "road"))
    layers = form.findChild(CheckList, "field_layers")
    assert layers._shown == ("block", "block.conv1", "block.act", "block.conv2")
    line = form.findChild(QLineEdit, "field_folder")
    click(header(form, "files"))
    QTest.keyClicks(line, "/a b")
    assert heard[-1].folder == "/a b" and line.text() == "/a b"
    line.clear()
    QTest.keyClicks(line, " ")
    assert heard[-1].folder is None


def test_a_class_by_its_name_is_kept_until_another_is_picked(form, model) -> None:
    form.show_technique(Rarer(target="dotted disc"), model)
    assert form.technique() == Rarer(target="dotted disc")
    assert form.findChild(QLineEdit, "targetSearch").text() == "dotted disc"
    search = form.findChild(QLineEdit, "targetSearch")
    search.selectAll()
    QTest.keyClicks(search, "3")
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert form.technique() == Rarer(target=3)


def test_values_that_do_not_go_together_are_said_in_the_form(form) -> None:
    heard: list[Technique] = []
    form.changed.connect(heard.append)
    form.show_technique(Rarer(), None)
    said = form.findChild(QLabel, "formRefusal")
    assert not said.isVisible()
    form.findChild(QSpinBox, "field_most").setValue(4)
    form.findChild(QSpinBox, "field_least").setValue(6)
    assert "raise most first" in said.text() and said.isVisible()
    assert len(heard) == 1
    form.findChild(QSpinBox, "field_most").setValue(7)
    assert heard[-1] == Rarer(least=6, most=7) and not said.isVisible()


def test_another_form_keeps_the_keyboard(form, qtbot) -> None:
    form.show_technique(Everything(), None)
    form.activateWindow()
    spin = form.findChild(QSpinBox, "field_steps")
    spin.setFocus()
    qtbot.waitUntil(spin.hasFocus)
    form.show_technique(Rarer(), None)
    assert form.isAncestorOf(form.window().focusWidget())
