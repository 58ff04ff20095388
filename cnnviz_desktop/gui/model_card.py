"""Tell in the tab of predictions what the network is, and what to mind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QGridLayout, QVBoxLayout, QWidget

from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.changing_menus import FITS
from cnnviz_desktop.gui.controls import Ground, Line, framed, label, named
from cnnviz_desktop.gui.model_picker import BUNDLED
from cnnviz_desktop.gui.note_list import Note, NoteList
from cnnviz_desktop.gui.session import PREDICTIONS, Session

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


class ModelCard(Ground):
    """Name, input, classes, size and weights of the network; a note where one is due."""

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
            self._grid.addWidget(value, row, 1)
            self._values[name] = value
        self._grid.addWidget(label("Fit by", muted=True), len(self._values), 0)
        self._grid.addWidget(self._make_fit(), len(self._values), 1)
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
            "Name": model.name,
            "Input": f"{height}{labels.TIMES}{width} RGB",
            "Classes": labels.whole(len(model.labels)),
            "Parameters": labels.count(model.layers.parameters),
            "Weights": "random" if model.weights == "none" else Path(model.weights).name,
        }
        for name, value in facts.items():
            self._values[name].setText(value)
        self._fit.setCurrentIndex(self._fit.findData(model.preprocessing.fit))
        self._notes.show_notes(_notes(model))
        self._refresh()

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


def _notes(model: LoadedModel) -> list[Note]:
    """Return what to mind about a network."""
    notes = []
    if model.name == BUNDLED:
        notes.append(
            Note(
                "info",
                "For photographs, take a larger model",
                "The bundled model knows drawn shapes only. squeezenet1_0, vgg16 or resnet50 know "
                "1000 kinds of thing and download once: choose one above the layer tree.",
            )
        )
    if model.weights == "none":
        notes.append(
            Note(
                "warning",
                "This network has not learned anything",
                "Its weights are random, so its answers are too. Maps and filters show where "
                "learning would start.",
            )
        )
    return notes
