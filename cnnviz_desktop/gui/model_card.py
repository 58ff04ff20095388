"""Tell in the tab of predictions what the network is, and what to mind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QGridLayout, QToolButton, QVBoxLayout, QWidget

from cnnviz_desktop.data import PRETRAINED, RANDOM
from cnnviz_desktop.engine.catalogue import BUNDLED
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.changing_menus import FITS
from cnnviz_desktop.gui.controls import (
    Ground,
    Line,
    fix_size,
    framed,
    icon_button,
    label,
    named,
)
from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.gui.note_list import Note, NoteList, note_of
from cnnviz_desktop.gui.session import PREDICTIONS, Session
from cnnviz_desktop.model_names import file_in

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


class ModelCard(Ground):
    """Name, input, classes, size and weights of the network, and the model doctor's notes.

    Signals: `edit_requested` to change input and class names.
    """

    edit_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.AlternateBase, parent)
        named(self, "modelCard", "About the model")
        self._session = session
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self._values: dict[str, labels.ElidedLabel] = {}
        for row, name in enumerate(("Name", "Input", "Classes", "Parameters", "Weights")):
            self._grid.addWidget(label(name, muted=True), row, 0)
            value = labels.ElidedLabel()
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(value, row, 1, 1, 1 if name == "Input" else 2)
            self._values[name] = value
        self._grid.addWidget(self._make_edit(), 1, 2)
        self._grid.addWidget(label("Fit by", muted=True), len(self._values), 0)
        self._grid.addWidget(self._make_fit(), len(self._values), 1, 1, 2)
        self._notes = NoteList()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 12)
        column.setSpacing(8)
        column.addLayout(framed(label("Model", "strong")))
        facts = QWidget()
        facts.setLayout(self._grid)
        self._grid.setContentsMargins(0, 0, 0, 0)
        column.addLayout(framed(facts))
        column.addWidget(Line())
        column.addLayout(framed(self._notes))
        session.models.changed.connect(self._show_model)
        session.models.cleared.connect(self._refresh)
        session.tab_changed.connect(self._refresh)
        self._refresh()

    def _show_model(self, model: LoadedModel) -> None:
        height, width = model.preprocessing.size
        facts = {
            "Name": model.title,
            "Input": f"{height}{labels.TIMES}{width} {model.preprocessing.colours}",
            "Classes": labels.whole(len(model.labels)),
            "Parameters": labels.count(model.layers.parameters),
            "Weights": _weights(model),
        }
        for name, value in facts.items():
            self._values[name].setText(value)
        file = ModelChoice.of(model).file
        self._values["Name"].set_hint(str(file) if file is not None else "")
        self._values["Input"].set_hint(_scaling(model))
        self._fit.setCurrentIndex(self._fit.findData(model.preprocessing.fit))
        self._notes.show_notes(_notes(model))
        self._refresh()

    def _make_edit(self) -> QToolButton:
        """Make the button that changes what the network is fed with."""
        edit = icon_button(
            "edit", "editInput", "Change input", "Change size, scaling and class names"
        )
        fix_size(edit, 22, 20)
        edit.clicked.connect(self.edit_requested)
        return edit

    def _make_fit(self) -> QComboBox:
        """Make the choice how pictures of any shape get into the network's square."""
        self._fit = QComboBox()
        named(
            self._fit,
            "fitPicker",
            "Fit pictures by",
            "How a picture of any shape becomes the network's input. The outline on the picture "
            "shows what the network sees.",
        )
        for fit, (words, tip) in FITS.items():
            self._fit.addItem(words.replace("&", ""), fit)
            self._fit.setItemData(self._fit.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._fit.activated.connect(self._picked_fit)
        return self._fit

    def _picked_fit(self) -> None:
        self._session.models.set_fit(self._fit.currentData())

    def _refresh(self) -> None:
        self.setVisible(self._session.tab == PREDICTIONS and self._session.model is not None)


def _weights(model: LoadedModel) -> str:
    """Say where the weights are from."""
    in_file = bool(file_in(model.name)[0])
    if model.weights == RANDOM:
        return "as its file makes it" if in_file else "random"
    if model.weights == PRETRAINED and in_file:
        return "in its file"
    return Path(model.weights).name


def _scaling(model: LoadedModel) -> str:
    """Say what is done to the values of a picture."""
    mean, std = (
        ", ".join(f"{number:.4g}" for number in numbers)
        for numbers in (model.preprocessing.mean, model.preprocessing.std)
    )
    return f"values from 0 to 1, minus {mean}, divided by {std}"


def _notes(model: LoadedModel) -> list[Note]:
    """Return what to mind about a network: what the doctor noticed, errors first."""
    notes = [note_of(item) for item in model.findings]
    if model.name == BUNDLED:
        notes.append(
            Note(
                "info",
                "For photographs, take a larger model",
                "The bundled model knows drawn shapes only. squeezenet1_0, vgg16 or resnet50 know "
                "1000 kinds of thing and download once: choose one above the layer tree.",
            )
        )
    return notes
