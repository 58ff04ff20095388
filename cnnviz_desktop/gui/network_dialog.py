"""Ask which network a file of weights is for, where that could not be told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from cnnviz_desktop.engine.catalogue import CatalogueEntry
from cnnviz_desktop.gui.controls import fit_screen, label, named, push_button
from cnnviz_desktop.gui.flat_style import set_primary
from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.gui.model_list import ModelList


class NetworkDialog(QDialog):
    """The list of all networks. Signals: `chosen` (name)."""

    chosen = Signal(str)

    def __init__(
        self, path: Path, entries: Sequence[CatalogueEntry], likely: str, parent: QWidget
    ) -> None:
        super().__init__(parent)
        named(self, "networkDialog", "Which network?")
        self.setWindowTitle("Which network?")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.list = ModelList()
        self.list.set_entries(entries)
        frame = QFrame()
        frame.setFrameShape(QFrame.Shape.StyledPanel)
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.list)
        self._open = push_button("Open", "networkOpen", "Load the weights into it (Enter)")
        self._open.setAutoDefault(False)
        set_primary(self._open, True)
        cancel = push_button("Cancel", "networkCancel", "Open nothing (Esc)")
        cancel.setAutoDefault(False)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self._open)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label(f"Which network is {path.name} for?", "strong"))
        column.addWidget(frame, 1)
        column.addLayout(row)
        fit_screen(self, 660, 560)
        self.list.picked.connect(self._picked)
        self.list.moved.connect(self._refresh)
        self.list.rows.modelReset.connect(self._refresh)
        cancel.clicked.connect(self.reject)
        self._open.clicked.connect(self._take)
        self.list.begin(likely)
        self._refresh()

    def _refresh(self) -> None:
        self._open.setEnabled(self.list.current() is not None)

    def _take(self) -> None:
        choice = self.list.current()
        if choice is not None:
            self._picked(choice)

    def _picked(self, choice: ModelChoice) -> None:
        self.accept()
        self.chosen.emit(choice.name)
