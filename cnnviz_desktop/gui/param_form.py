"""Make a form from a technique's parameters: one field a parameter, by its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from cnnviz_desktop.data import Prediction
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import label, named
from cnnviz_desktop.gui.fields import ClassField, Field, FlagField, field_for

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


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
        self._fields = [field_for(item) for item in kind.parameters()] if kind else []
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
