"""Pins and notes belong to a network, and controls take only what they can have."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QSpinBox

from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.controls import Segments, Slide
from cnnviz_desktop.gui.file_kinds import SESSION
from cnnviz_desktop.gui.marks import Marks, Origin, UnitNote
from cnnviz_desktop.gui.view_settings import read_controls, set_controls
from cnnviz_desktop.sessions import SUFFIX

SMALL, LARGE = Origin("small", "pretrained"), Origin("large", "none")
UNIT = Unit("conv", 3)


def test_marks_are_those_of_the_present_network(qtbot) -> None:
    marks = Marks()
    marks.toggle_pin(UNIT)  # of no network
    assert marks.pins() == []
    marks.turn_to(SMALL)
    marks.toggle_pin(UNIT)
    marks.write(UNIT, UnitNote("edges", ("thin",)))
    marks.turn_to(LARGE)
    assert marks.pins() == []
    assert marks.note(UNIT) == UnitNote()
    marks.turn_to(SMALL)
    assert [pin.place.unit for pin in marks.pins()] == [UNIT]
    assert marks.note(UNIT) == UnitNote("edges", ("thin",))


def test_each_pin_takes_the_colour_least_used(qtbot) -> None:
    marks = Marks()
    marks.turn_to(SMALL)
    for channel in range(5):
        marks.toggle_pin(Unit("conv", channel))
    assert [pin.colour for pin in marks.pins()] == [0, 1, 2, 3, 0]
    marks.toggle_pin(Unit("conv", 2))
    marks.toggle_pin(Unit("conv", 9))
    assert marks.pins()[-1].colour == 2


def test_signals_tell_what_changed(qtbot) -> None:
    marks = Marks()
    marks.turn_to(SMALL)
    with qtbot.assertNotEmitted(marks.notes_changed), qtbot.waitSignal(marks.pins_changed):
        marks.toggle_pin(UNIT)
    with qtbot.assertNotEmitted(marks.pins_changed), qtbot.waitSignal(marks.notes_changed):
        marks.write(UNIT, UnitNote("edges"))
    with qtbot.waitSignal(marks.notes_changed):
        marks.write(UNIT, UnitNote())
    assert marks.all_notes == {}  # nothing written is no note


def test_origins_name_files_in_full(model) -> None:
    from dataclasses import replace

    assert Origin.of(model) == Origin("bundled", "pretrained")
    assert Origin.of(replace(model, weights="none")).weights == "none"
    path = Origin.of(replace(model, weights="mine.pth")).weights
    assert Path(path).is_absolute()


def test_controls_keep_what_does_not_fit_them(qtbot) -> None:
    modes = Segments((("a", "A", ""), ("b", "B", "")), "modes", "Modes")
    slide = Slide("", "slide", "", 0.0, 1.0, 0.1)
    combo, spin, line, switch = QComboBox(), QSpinBox(), QLineEdit(), QPushButton()
    combo.addItems(["x", "y"])
    switch.setCheckable(True)
    controls = {"m": modes, "s": slide, "c": combo, "n": spin, "t": line, "b": switch}
    for widget in controls.values():
        qtbot.addWidget(widget)
    before = read_controls(controls)
    assert before == {"m": "a", "s": 0.0, "c": "x", "n": 0, "t": "", "b": False}
    odd = {"m": "z", "s": "half", "c": "jet", "n": 10**20, "t": None, "b": 1, "unknown": 3}
    set_controls(controls, odd)
    assert read_controls(controls) == before
    after = {"m": "b", "s": 0.5, "c": "y", "n": 7, "t": "12-14", "b": True}
    set_controls(controls, after)
    assert read_controls(controls) == after


def test_the_suffix_stands_in_two_places() -> None:
    assert SESSION == SUFFIX
