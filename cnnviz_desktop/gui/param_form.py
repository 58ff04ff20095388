"""Make a form from a technique's parameters: one field a parameter, by its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from cnnviz_desktop.data import Prediction
from cnnviz_desktop.engine.technique import (
    Choice,
    ClassKind,
    Flag,
    Integer,
    LayerKind,
    Number,
    Parameter,
    Technique,
)
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import ElidedCombo, Segments, Slide, label, named
from cnnviz_desktop.gui.target_picker import TargetPicker

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


class Field(QWidget):
    """The input of one parameter. Signals: `edited` by the person."""

    edited = Signal()

    def __init__(self, parameter: Parameter, control: QWidget) -> None:
        super().__init__()
        self.parameter = parameter
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(control, 1)
        if not control.objectName():
            named(control, f"field_{parameter.name}", parameter.label, parameter.help)

    def value(self) -> Any:
        """Return what is entered."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show a value, without a signal."""
        raise NotImplementedError

    def show_context(self, technique: Technique, model: LoadedModel | None) -> None:
        """Adapt to the model and to the other values."""

    def show_prediction(self, prediction: Prediction | None) -> None:
        """Adapt to what the model says about the picture."""

    def _tell(self) -> None:
        self.edited.emit()


class FlagField(Field):
    """Yes or no."""

    def __init__(self, parameter: Parameter) -> None:
        self._box = QCheckBox(parameter.label)
        super().__init__(parameter, self._box)
        self._box.clicked.connect(self._tell)

    def value(self) -> bool:
        """Return whether it is ticked."""
        return self._box.isChecked()

    def set_value(self, value: bool) -> None:
        """Tick or untick."""
        self._box.setChecked(value)


_SIDE_BY_SIDE = 16  # letters


class IntegerField(Field):
    """A whole number."""

    def __init__(self, parameter: Parameter, kind: Integer) -> None:
        self._spin = QSpinBox()
        self._spin.setRange(kind.minimum, kind.maximum)
        self._spin.setSpecialValueText(kind.least.capitalize())
        self._spin.setKeyboardTracking(False)
        super().__init__(parameter, self._spin)
        self._spin.valueChanged.connect(self._tell)

    def value(self) -> int:
        """Return the number."""
        return self._spin.value()

    def set_value(self, value: int) -> None:
        """Show a number."""
        self._spin.blockSignals(True)
        self._spin.setValue(value)
        self._spin.blockSignals(False)


class CallField(Field):
    """Which of a layer's calls is looked at: as many as the layer has."""

    def __init__(self, parameter: Parameter) -> None:
        self._combo = QComboBox()
        super().__init__(parameter, self._combo)
        self._combo.addItem("1 of 1", -1)
        self._combo.activated.connect(self._tell)

    def value(self) -> int:
        """Return the call, -1 for the last."""
        return int(self._combo.currentData())

    def set_value(self, value: int) -> None:
        """Show a call."""
        self._combo.setCurrentIndex(max(0, self._combo.findData(value)))

    def show_context(self, technique: Technique, model: LoadedModel | None) -> None:
        """Offer the calls of the technique's layer."""
        layer = None
        if model is not None:
            name = technique.values().get("layer") or model.default_layer
            layer = model.layers.find(name)
        calls = max(1, layer.calls if layer else 1)
        if calls != self._combo.count():
            self._combo.clear()
            self._combo.addItem(f"{calls} of {calls}", -1)
            for call in range(calls - 1):
                self._combo.insertItem(call, f"{call + 1} of {calls}", call)
        self._combo.setEnabled(calls > 1)
        self.set_value(technique.values()[self.parameter.name])


class NumberField(Field):
    """A real number, as a slider."""

    def __init__(self, parameter: Parameter, kind: Number) -> None:
        name = f"field_{parameter.name}"
        low, high = kind.minimum, kind.maximum
        self._slide = Slide("", name, parameter.help, low, high, kind.step)
        super().__init__(parameter, self._slide)
        self._slide.moved.connect(self._tell)

    def value(self) -> float:
        """Return the number."""
        return round(self._slide.value(), 9)

    def set_value(self, value: float) -> None:
        """Show a number."""
        self._slide.set_value(value)


class ChoiceField(Field):
    """One of a few options: side by side where the dock has room for them, else in a list."""

    def __init__(self, parameter: Parameter, kind: Choice) -> None:
        self._segments: Segments | None = None
        self._combo: QComboBox | None = None
        control: QWidget
        if len(kind.options) <= 3 and len("".join(kind.options)) <= _SIDE_BY_SIDE:
            words = [(option, option.capitalize(), parameter.help) for option in kind.options]
            name = f"field_{parameter.name}"
            control = self._segments = Segments(words, name, parameter.label)
            self._segments.picked.connect(self._tell)
        else:
            control = self._combo = QComboBox()
            self._combo.addItems(list(kind.options))
            self._combo.activated.connect(self._tell)
        super().__init__(parameter, control)

    def value(self) -> str:
        """Return the option."""
        if self._segments is not None:
            return self._segments.value()
        return self._combo.currentText() if self._combo else ""

    def set_value(self, value: str) -> None:
        """Show an option."""
        if self._segments is not None:
            self._segments.set_value(value)
        elif self._combo is not None:
            self._combo.setCurrentText(value)


class LayerField(Field):
    """A layer of the model, by name; the first entry is the default."""

    def __init__(self, parameter: Parameter, kind: LayerKind) -> None:
        self._combo = ElidedCombo()
        self._combo.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._combo.setMaxVisibleItems(20)
        self._weights = kind.weights
        self._shown: LoadedModel | None = None
        super().__init__(parameter, self._combo)
        self._combo.activated.connect(self._tell)

    def value(self) -> str | None:
        """Return the layer's name, None for the default."""
        name = self._combo.currentData()
        return str(name) if name else None

    def set_value(self, value: str | None) -> None:
        """Show a layer."""
        place = self._combo.findData(value or "")
        if place < 0 and value:
            self._combo.addItem(value, value)
            place = self._combo.count() - 1
        self._combo.setCurrentIndex(max(0, place))
        self._combo.setToolTip(f"{self._combo.currentText()}\n{self.parameter.help}")

    def show_context(self, technique: Technique, model: LoadedModel | None) -> None:
        """Offer the layers of the model that suit the technique."""
        if model is not self._shown:
            self._shown = model
            self._combo.clear()
            if model is not None:
                default = model.first_convolution if self._weights else model.default_layer
                self._combo.addItem(f"{default} (default)", "")
                for node in model.layers.walk():
                    suits = self._has_kernels(node.kind) if self._weights else node.has_maps
                    if node.name and suits and (node.calls or self._weights):
                        self._combo.addItem(node.name, node.name)
        self.set_value(technique.values()[self.parameter.name])

    @staticmethod
    def _has_kernels(kind: str) -> bool:
        return "Conv" in kind and "Norm" not in kind


class ClassField(Field):
    """A class of the model: the likeliest ones at hand, all others by search."""

    def __init__(self, parameter: Parameter) -> None:
        self._picker = TargetPicker()
        super().__init__(parameter, self._picker)
        self._picker.target_changed.connect(self._tell)

    def value(self) -> int | None:
        """Return the class's index, None for the likeliest."""
        return self._picker.target()

    def set_value(self, value: int | str | None) -> None:
        """Show a class."""
        self._picker.set_target(int(value) if value is not None else None)

    def show_context(self, _technique: Technique, model: LoadedModel | None) -> None:
        """Offer the classes of the model."""
        self._picker.set_labels(model.labels if model is not None else ())

    def show_prediction(self, prediction: Prediction | None) -> None:
        """Offer the likeliest classes of the picture."""
        self._picker.set_prediction(prediction)


class ParamForm(QWidget):
    """The form of one technique. Signals: `changed` (`Technique`) by the person."""

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "parameterForm", "Parameters")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnStretch(1, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._kind: type[Technique] | None = None
        self._fields: list[Field] = []

    def show_technique(self, technique: Technique | None, model: LoadedModel | None) -> None:
        """Show a technique with its values; None empties the form."""
        kind = type(technique) if technique is not None else None
        if kind is not self._kind:
            self._build(kind)
        if technique is not None:
            for field in self._fields:
                field.set_value(technique.values()[field.parameter.name])
                field.show_context(technique, model)

    def show_prediction(self, prediction: Prediction | None) -> None:
        """Offer the classes that the model sees."""
        for field in self._fields:
            field.show_prediction(prediction)

    def technique(self) -> Technique | None:
        """Return the technique that the form says."""
        if self._kind is None:
            return None
        return self._kind(**{field.parameter.name: field.value() for field in self._fields})

    def _build(self, kind: type[Technique] | None) -> None:
        """Make the fields of another technique."""
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._kind = kind
        self._fields = [_field(item) for item in kind.parameters()] if kind else []
        for row, field in enumerate(self._fields):
            tall = isinstance(field, ClassField)
            if not isinstance(field, FlagField):
                caption = label(field.parameter.label, muted=True)
                caption.setToolTip(field.parameter.help)
                caption.setMinimumWidth(theme.px(56))
                self._grid.addWidget(caption, 2 * row, 0)
            if tall:
                self._grid.addWidget(field, 2 * row + 1, 0, 1, 2)
            else:
                self._grid.addWidget(field, 2 * row, 1)
            field.edited.connect(self._edited)

    def _edited(self) -> None:
        self.changed.emit(self.technique())


def _field(parameter: Parameter) -> Field:
    """Return the field for a parameter's kind."""
    match parameter.kind:
        case Flag():
            return FlagField(parameter)
        case Integer() if parameter.name == "call":
            return CallField(parameter)
        case Integer() as kind:
            return IntegerField(parameter, kind)
        case Number() as kind:
            return NumberField(parameter, kind)
        case Choice() as kind:
            return ChoiceField(parameter, kind)
        case LayerKind() as kind:
            return LayerField(parameter, kind)
        case ClassKind():
            return ClassField(parameter)
        case _ as unknown:
            assert_never(unknown)
