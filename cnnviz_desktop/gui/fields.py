"""Give each kind of parameter its field in a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.data import Prediction
from cnnviz_desktop.engine.technique import (
    Choice,
    Choices,
    ClassKind,
    Flag,
    FolderKind,
    Integer,
    LayerKind,
    LayersKind,
    ModelsKind,
    Number,
    Parameter,
    Technique,
)
from cnnviz_desktop.gui.check_list import CheckList
from cnnviz_desktop.gui.controls import ElidedCombo, Segments, Slide, named
from cnnviz_desktop.gui.file_field import FileField
from cnnviz_desktop.gui.model_check_list import ModelCheckList
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
_BOXES = 6  # options below each other; more are in a list that opens


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
        self._shown = low, self._slide.value()  # a number, and where the slider stands for it
        super().__init__(parameter, self._slide)
        self._slide.moved.connect(self._tell)

    def value(self) -> float:
        """Return the number: the very one that is shown, where the slider was not moved."""
        number, place = self._shown
        moved = self._slide.value() != place
        return round(self._slide.value(), 9) if moved else number

    def set_value(self, value: float) -> None:
        """Show a number, which may lie between two places of the slider."""
        self._slide.set_value(value)
        self._shown = value, self._slide.value()


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


class ChoicesField(Field):
    """Any of a few options, each with a box to tick; many of them in a list that opens.

    The boxes give them in the order they are listed, the list in the order they were ticked.
    """

    def __init__(self, parameter: Parameter, kind: Choices) -> None:
        self._boxes: dict[str, QCheckBox] = {}
        self._list: CheckList | None = None
        name, says = f"field_{parameter.name}", parameter.label
        control: QWidget
        if len(kind.options) > _BOXES:
            control = self._list = CheckList(name, says, parameter.help)
            self._list.set_names(kind.options, dict(zip(kind.options, kind.words, strict=False)))
        else:
            control = QWidget()
            rows = QVBoxLayout(control)
            rows.setContentsMargins(0, 0, 0, 0)
            rows.setSpacing(4)
            words = kind.words or tuple(option.capitalize() for option in kind.options)
            for option, word in zip(kind.options, words, strict=True):
                box = self._boxes[option] = QCheckBox(word)
                named(box, f"{name}_{option}", f"{says}: {option}", parameter.help)
                rows.addWidget(box)
        super().__init__(parameter, control)
        if self._list is not None:
            self._list.ticked.connect(self._tell)
        for box in self._boxes.values():
            box.clicked.connect(self._tell)

    def value(self) -> tuple[str, ...]:
        """Return the options that are ticked."""
        if self._list is not None:
            return self._list.names()
        return tuple(option for option, box in self._boxes.items() if box.isChecked())

    def set_value(self, value: tuple[str, ...]) -> None:
        """Tick these and no others."""
        if self._list is not None:
            self._list.choose(value)
        for option, box in self._boxes.items():
            box.setChecked(option in value)


class LayersField(Field):
    """Layers of the model: a list that opens, with a box to tick for each."""

    def __init__(self, parameter: Parameter) -> None:
        self._list = CheckList(f"field_{parameter.name}", parameter.label, parameter.help)
        self._shown: LoadedModel | None = None
        super().__init__(parameter, self._list)
        self._list.ticked.connect(self._tell)

    def value(self) -> tuple[str, ...]:
        """Return the layers in the order they were chosen."""
        return self._list.names()

    def set_value(self, value: tuple[str, ...]) -> None:
        """Tick these and no others."""
        self._list.choose(value)

    def show_context(self, technique: Technique, model: LoadedModel | None) -> None:
        """Offer the layers of the model that have maps."""
        if model is not self._shown:
            self._shown = model
            nodes = list(model.layers.walk()) if model is not None else []
            self._list.set_names(
                [node.name for node in nodes if node.name and node.has_maps and node.calls]
            )
        self.set_value(technique.values()[self.parameter.name])


class ModelsField(Field):
    """Networks: a list that opens, the recent ones on top, with a box to tick for each."""

    def __init__(self, parameter: Parameter) -> None:
        self._list = ModelCheckList(f"field_{parameter.name}", parameter.label, parameter.help)
        super().__init__(parameter, self._list)
        self._list.ticked.connect(self._tell)

    def value(self) -> tuple[str, ...]:
        """Return the networks that are ticked."""
        return self._list.names()

    def set_value(self, value: tuple[str, ...]) -> None:
        """Tick these and no others."""
        self._list.choose(value)

    def show_context(self, technique: Technique, model: LoadedModel | None) -> None:
        """Offer other weights of the model."""
        self._list.set_model(model.name if model is not None else "")


class FolderField(Field):
    """A folder or file, typed or chosen."""

    def __init__(self, parameter: Parameter, kind: FolderKind) -> None:
        name = f"field_{parameter.name}"
        self._place = FileField(
            name, parameter.label, parameter.help, folder=not kind.file, existing=True
        )
        super().__init__(parameter, self._place)
        self._place.line.setPlaceholderText(kind.without)
        self._place.edited.connect(self._tell)

    def value(self) -> str | None:
        """Return the folder, None for none."""
        path = self._place.path()
        return str(path) if path is not None else None

    def set_value(self, value: str | None) -> None:
        """Show a folder."""
        if value != self.value():
            self._place.line.setText(value or "")


class ClassField(Field):
    """A class of the model: the likeliest ones at hand, all others by search."""

    def __init__(self, parameter: Parameter) -> None:
        assert isinstance(parameter.kind, ClassKind)
        self._picker = TargetPicker(parameter.kind.nobody)
        self._channel = QSpinBox()  # in its place where a channel is meant
        self._channel.setRange(-1, 99_999)
        self._channel.setSpecialValueText("Next channel")
        self._channel.setKeyboardTracking(False)
        self._channel.hide()
        named(self._channel, f"field_{parameter.name}", parameter.label, parameter.help)
        self._is_channel = False
        self._name: str | None = None  # of a class, where a call or a record named it
        self._labels: tuple[str, ...] = ()
        super().__init__(parameter, self._picker)
        row = self.layout()
        assert row is not None
        row.addWidget(self._channel)
        self._picker.target_changed.connect(self._picked)
        self._channel.valueChanged.connect(self._tell)

    def value(self) -> int | str | None:
        """Return the class's index, or the name it was given by; None for none in particular."""
        if self._is_channel:
            return self._channel.value() if self._channel.value() >= 0 else None
        return self._picker.target() if self._name is None else self._name

    def set_value(self, value: int | str | None) -> None:
        """Show a class."""
        self._name = value if isinstance(value, str) else None
        if isinstance(value, str):
            value = self._labels.index(value) if value in self._labels else None
        self._picker.set_target(value)
        self._channel.blockSignals(True)
        self._channel.setValue(-1 if value is None else value)
        self._channel.blockSignals(False)

    def show_context(self, technique: Technique, model: LoadedModel | None) -> None:
        """Offer the classes of the model, or a number where a channel is meant."""
        self._is_channel = not technique.takes_class(self.parameter)
        self._picker.setVisible(not self._is_channel)
        self._channel.setVisible(self._is_channel)
        self._labels = model.labels if model is not None else ()
        self._picker.set_labels(self._labels)
        self.set_value(technique.values()[self.parameter.name])

    def show_prediction(self, prediction: Prediction | None) -> None:
        """Offer the likeliest classes of the picture."""
        self._picker.set_prediction(prediction)

    def _picked(self) -> None:
        self._name = None
        self._tell()


def field_for(parameter: Parameter) -> Field:
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
        case Choices() as kind:
            return ChoicesField(parameter, kind)
        case LayerKind() as kind:
            return LayerField(parameter, kind)
        case LayersKind():
            return LayersField(parameter)
        case ModelsKind():
            return ModelsField(parameter)
        case FolderKind() as kind:
            return FolderField(parameter, kind)
        case ClassKind():
            return ClassField(parameter)
        case _ as unknown:
            assert_never(unknown)
