"""Read and set the controls of a view's bar, so that a session can keep how results are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSpinBox

from cnnviz_desktop.gui.controls import Segments, Slide

Control = Segments | Slide | QComboBox | QSpinBox | QLineEdit | QAbstractButton
Plain = str | bool | int | float


def read_controls(controls: Mapping[str, Control]) -> dict[str, Plain]:
    """Return what the controls say, by name."""
    return {name: _value(control) for name, control in controls.items()}


def set_controls(controls: Mapping[str, Control], values: Mapping[str, object]) -> None:
    """Set the controls, without their signals; what does not fit one leaves it as it is."""
    for name, control in controls.items():
        if name in values:
            _set(control, values[name])


def _value(control: Control) -> Plain:
    match control:
        case Segments():
            return control.value()
        case Slide():
            return round(control.value(), 6)
        case QComboBox():
            data = control.currentData()
            return data if isinstance(data, str) else control.currentText()
        case QSpinBox():
            return control.value()
        case QLineEdit():
            return control.text()
    return control.isChecked()


def _set(control: Control, value: object) -> None:
    """Set one control where the value, which may come from anywhere, is one it can have."""
    with QSignalBlocker(control):
        match control, value:
            case Segments(), str():
                with suppress(ValueError):  # no such option
                    control.set_value(value)
            case Slide(), (int() | float()) if abs(value) < 1e6:
                control.set_value(value)
            case QComboBox(), str():
                place = control.findData(value)
                place = place if place >= 0 else control.findText(value)
                if place >= 0:
                    control.setCurrentIndex(place)
            case QSpinBox(), int() if abs(value) < 2**31:
                control.setValue(value)
            case QLineEdit(), str():
                control.setText(value[:200])
            case QAbstractButton(), bool():
                control.setChecked(value)
