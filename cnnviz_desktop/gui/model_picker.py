"""Choose a network by name from a searchable, grouped list, and the weights it starts with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QCompleter, QHBoxLayout, QVBoxLayout, QWidget

from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import ElidedCombo, icon_button, label, named

BUNDLED = "bundled"
RANDOM = "none"  # as the engine calls random weights
_ASK = "ask"  # the entry that opens the file dialog
_ENTRIES = (
    (None, "Pretrained", "As published or bundled; downloaded once where they are not here yet"),
    (RANDOM, "Random, untrained", "Nothing learned: where training would start. Needs no download"),
    (_ASK, f"From a file{labels.ELLIPSIS}", "A state dict of your own (.pth, .pt, .safetensors)"),
)


class ModelPicker(QWidget):
    """The list of networks, the weights of the present one (`weightsPicker`), a line about it.

    Signals: `model_picked` (name); `weights_picked` ("none" for random ones, None for its own);
    `weights_requested` a file of weights is to be chosen.
    """

    model_picked = Signal(str)
    weights_picked = Signal(object)
    weights_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ""
        self._combo = QComboBox()
        self._combo.setEditable(True)
        self._combo.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._combo.setMaxVisibleItems(24)
        named(
            self._combo,
            "modelPicker",
            "Model",
            "The network to look into. Type a part of a name to search; pretrained weights are "
            "downloaded once.",
        )
        self._about = labels.ElidedLabel(role="caption", muted=True)
        named(self._about, "modelSummary", "About the model")
        files = icon_button(
            "folder", "openWeights", "Open weights", "Load weights of your own into a network"
        )
        head = QHBoxLayout()
        head.addWidget(label("Model", "strong"), 1)
        head.addWidget(files)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._combo)
        column.addWidget(self._about)
        column.addSpacing(4)
        column.addLayout(self._make_weights())
        self.set_names((BUNDLED,))
        self._combo.activated.connect(self._activated)
        line = self._combo.lineEdit()
        if line is not None:
            line.returnPressed.connect(self._entered)
            line.setPlaceholderText("Search models")
        files.clicked.connect(self.weights_requested)

    def set_names(self, names: Iterable[str]) -> None:
        """Offer these networks, the bundled one first, the others by family."""
        model = QStandardItemModel(self._combo)
        known = list(names)
        if BUNDLED in known:
            model.appendRow(QStandardItem(BUNDLED))
        others = sorted(name for name in known if name != BUNDLED)
        for family, members in groupby(others, _family):
            model.appendRow(_heading(family))
            for name in members:
                model.appendRow(QStandardItem(name))
        self._combo.setModel(model)
        finder = QCompleter(known, self._combo)
        finder.setFilterMode(Qt.MatchFlag.MatchContains)
        finder.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._combo.setCompleter(finder)
        finder.activated.connect(self._entered)
        self._combo.setEditText(self._shown)

    def weights(self) -> Path | str | None:
        """Return the weights that are chosen: a file, "none" for random ones, None for its own."""
        chosen: Path | str | None = self._weights.currentData()
        return chosen

    def show_weights(self, weights: Path | str | None) -> None:
        """Show what the present network's weights are, without a signal."""
        while self._weights.count() > len(_ENTRIES):
            self._weights.removeItem(1)  # the file of another time
        if weights is not None and str(weights) != RANDOM:
            path = Path(weights)
            self._weights.insertItem(1, path.name, path)
            self._weights.setItemData(1, str(path), Qt.ItemDataRole.ToolTipRole)
            self._weights.setCurrentIndex(1)
        else:
            self._weights.setCurrentIndex(self._weights.findData(weights))
        self._kept = self._weights.currentIndex()

    def show_model(self, name: str, about: str) -> None:
        """Show which network is there and one line about it."""
        self._shown = name
        place = self._combo.findText(name)
        if place >= 0:
            self._combo.setCurrentIndex(place)
        self._combo.setEditText(name)
        self._about.setText(about)

    def _make_weights(self) -> QHBoxLayout:
        """Make the choice between published weights, random ones and a file."""
        self._weights = ElidedCombo()
        self._weights.setMinimumContentsLength(8)
        named(
            self._weights,
            "weightsPicker",
            "Weights",
            "What the network has learned: the weights it was published with, random ones, or a "
            "file of your own.",
        )
        for value, text, tip in _ENTRIES:
            self._weights.addItem(text, value)
            self._weights.setItemData(self._weights.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._kept = 0
        self._weights.activated.connect(self._picked_weights)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label("Weights", muted=True))
        row.addWidget(self._weights, 1)
        return row

    def _picked_weights(self, place: int) -> None:
        if place == self._kept:
            return
        chosen = self._weights.itemData(place)
        if chosen == _ASK:
            self._weights.setCurrentIndex(self._kept)  # until a file has been loaded
            self.weights_requested.emit()
        else:
            self._kept = place
            self.weights_picked.emit(chosen)

    def _activated(self) -> None:
        self._entered()

    def _entered(self) -> None:
        """Take over the name in the field."""
        name = self._combo.currentText().strip()
        if not name:
            self._combo.setEditText(self._shown)
        elif name != self._shown:
            self._shown = name
            self.model_picked.emit(name)


def _family(name: str) -> str:
    """Return the family of a network's name: the letters it begins with."""
    found = re.match(r"[a-z]+", name)
    return found.group() if found else name


def _heading(text: str) -> QStandardItem:
    """Return a row that parts the list and cannot be chosen."""
    item = QStandardItem(text.upper())
    item.setFlags(Qt.ItemFlag.NoItemFlags)
    item.setFont(theme.font("caption"))
    return item
