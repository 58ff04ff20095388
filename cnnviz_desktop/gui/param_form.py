"""Make a form from a technique's parameters: one field a parameter, by its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from cnnviz_desktop.data import Prediction
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import fix_size, label, named
from cnnviz_desktop.gui.fields import ClassField, Field, FlagField, FolderField, field_for
from cnnviz_desktop.gui.maximise_wants import idle

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_CAPTION = 56  # the least width of what stands before a field


class ParamForm(QWidget):
    """The form of one technique. Signals: `changed` (`Technique`) by the person.

    Parameters of a group are folded away under its name; what was unfolded stays so in all forms.
    """

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
        self._headers: list[GroupHeader] = []
        self._made: dict[str, list[QWidget]] = {}  # field and caption, by parameter
        self._row = 0  # the next free one of the grid, which never forgets rows itself
        self._open: set[str] = set()  # groups that are unfolded, by name
        self._refusal = label("", "secondary")
        self._refusal.setWordWrap(True)
        named(self._refusal, "formRefusal", "Why these parameters cannot be")

    def show_technique(self, technique: Technique | None, model: LoadedModel | None) -> None:
        """Show a technique with its values; None empties the form."""
        kind = type(technique) if technique is not None else None
        if kind is not self._kind:
            self._build(kind)
        self._refuse("")
        if technique is not None:
            for field in self._fields:
                field.set_value(technique.values()[field.parameter.name])
                field.show_context(technique, model)
            self._show_idle(technique)
            self._count_changes()

    def show_prediction(self, prediction: Prediction | None) -> None:
        """Offer the classes that the model sees."""
        for field in self._fields:
            field.show_prediction(prediction)

    def technique(self) -> Technique | None:
        """Return the technique that the form says; raise `ParameterError` where there is none."""
        if self._kind is None:
            return None
        return self._kind(**{field.parameter.name: field.value() for field in self._fields})

    def _build(self, kind: type[Technique] | None) -> None:
        """Make the fields of another technique."""
        focus = self.window().focusWidget()
        held = focus is not None and self.isAncestorOf(focus)
        self._grid.removeWidget(self._refusal)
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._kind = kind
        self._headers, self._row = [], 0
        self._made.clear()
        self._fields = [field_for(item) for item in kind.parameters()] if kind else []
        for field in self._fields:
            if not field.parameter.group:
                self._add(field)
        for name in dict.fromkeys(field.parameter.group for field in self._fields):
            if name:
                self._add_group(name)
        for field in self._fields:
            field.edited.connect(self._edited)
        self._grid.addWidget(self._refusal, self._row, 0, 1, 2)
        if held:  # a deleted field would hand the keyboard to any widget of the window
            self._take_keyboard()

    def _take_keyboard(self) -> None:
        """Give the keyboard to the first field."""
        for field in self._fields[:1]:
            field.show()
            inside = [field, *field.findChildren(QWidget)]
            takes = (item for item in inside if item.focusPolicy() & Qt.FocusPolicy.TabFocus)
            first = next(takes, None)
            if first is not None:
                first.setFocus()

    def _add_group(self, name: str) -> None:
        """Make the header of a group and its fields below it."""
        header = GroupHeader(name)
        self._grid.addWidget(header, self._row, 0, 1, 2)
        self._row += 1
        for field in self._fields:
            if field.parameter.group == name:
                header.take(field, self._add(field))
        header.setChecked(name in self._open)
        header.unfold(header.isChecked())
        header.toggled.connect(self._turned)
        self._headers.append(header)

    def _add(self, field: Field) -> list[QWidget]:
        """Place a field with its caption in the next row; return both."""
        row = self._row
        self._row += 2
        made: list[QWidget] = [field]
        if not isinstance(field, FlagField):
            caption = label(field.parameter.label, muted=True)
            caption.setToolTip(field.parameter.help)
            fix_size(caption, least=_CAPTION)
            self._grid.addWidget(caption, row, 0)
            made.append(caption)
        self._made[field.parameter.name] = made
        if isinstance(field, (ClassField, FolderField)):  # classes and paths want the whole width
            self._grid.addWidget(field, row + 1, 0, 1, 2)
        else:
            self._grid.addWidget(field, row, 1)
        return made

    def _show_idle(self, technique: Technique) -> None:
        """Take out of sight what means nothing now; what may be folded is only greyed out."""
        names = idle(technique)
        for field in self._fields:
            name = field.parameter.name
            for widget in self._made[name]:
                if field.parameter.group:
                    widget.setEnabled(name not in names)
                else:
                    widget.setVisible(name not in names)

    def _turned(self) -> None:
        """Remember what is folded away."""
        for header in self._headers:
            if header.isChecked():
                self._open.add(header.name)
            else:
                self._open.discard(header.name)

    def _count_changes(self) -> None:
        for header in self._headers:
            header.count_changes()

    def _edited(self) -> None:
        try:
            technique = self.technique()
        except CnnvizError as error:  # values that do not go together
            self._refuse(str(error))
            return
        self._refuse("")
        self._count_changes()
        self.changed.emit(technique)

    def _refuse(self, sentence: str) -> None:
        self._refusal.setText(sentence)
        self._refusal.setVisible(bool(sentence))


class GroupHeader(QToolButton):
    """The name of a group: a click shows its fields or folds them away (`group_NAME`).

    It says how many of them are not at their default.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._fields: list[Field] = []
        self._widgets: list[QWidget] = []
        self.setText(name)
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setIconSize(QSize(theme.px(12), theme.px(12)))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        named(self, f"group_{name.lower().replace(' ', '_')}", name)
        self.toggled.connect(self.unfold)

    def take(self, field: Field, widgets: list[QWidget]) -> None:
        """Fold a field and its caption with the others."""
        self._fields.append(field)
        self._widgets += widgets

    def unfold(self, on: bool) -> None:
        """Show the fields, or fold them away."""
        self.setIcon(theme.icon("chevron-down" if on else "chevron-right"))
        for widget in self._widgets:
            widget.setVisible(on)

    def count_changes(self) -> None:
        """Say how many fields are not at their default, and which."""
        changed = [item for item in self._fields if item.value() != item.parameter.default]
        words = f"{self.name} {labels.DOT} {len(changed)} changed" if changed else self.name
        self.setText(words)
        self.setAccessibleName(words)
        said = [f"{item.parameter.label}: {_said(item.value())}" for item in changed]
        rest = ", ".join(item.parameter.label for item in self._fields)
        self.setToolTip("\n".join(said) if said else f"All as usual: {rest}")


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
