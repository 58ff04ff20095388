"""Ask which function or class of a Python file makes the network, and which weights go into it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QVBoxLayout, QWidget

from cnnviz_desktop.gui.controls import fit_screen, label, named, push_button
from cnnviz_desktop.gui.file_field import FileField
from cnnviz_desktop.gui.file_kinds import ANY_FILTER, WEIGHTS_FILTER
from cnnviz_desktop.gui.flat_style import set_primary
from cnnviz_desktop.gui.model_work import Factories


class FactoryDialog(QDialog):
    """The makers in a file, beside the window. Signals: `chosen` (name, `Path` or None)."""

    chosen = Signal(str, object)

    def __init__(self, factories: Factories, parent: QWidget) -> None:
        super().__init__(parent)
        name = factories.path.name
        named(self, "factoryDialog", f"What in {name} makes the network?")
        self.setWindowTitle(f"Open {name}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        says = label(
            f"Several things in {name} may make the network. Choose the one that gives it whole, "
            "called without arguments."
        )
        says.setWordWrap(True)
        self._list = QListWidget()
        named(self._list, "factoryList", "What makes the network")
        self._list.addItems(list(factories.names))
        self._list.setCurrentRow(0)
        self._weights = FileField(
            "factoryWeights",
            "Weights",
            "A file of weights for it; empty as the file makes it",
            existing=True,
        )
        self._weights.set_filter(f"{WEIGHTS_FILTER};;{ANY_FILTER}")
        self._weights.line.setPlaceholderText("As the file makes it")
        if factories.weights is not None:
            self._weights.set_path(factories.weights)
        weights = QHBoxLayout()
        weights.setSpacing(8)
        weights.addWidget(label("Weights", muted=True))
        weights.addWidget(self._weights, 1)
        cancel = push_button("Cancel", "factoryCancel", "Open nothing (Esc)")
        cancel.setAutoDefault(False)
        go_on = push_button("Open", "factoryOpen", "Make the network (Enter)")
        go_on.setDefault(True)
        set_primary(go_on, True)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(go_on)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(says)
        column.addWidget(self._list, 1)
        column.addLayout(weights)
        column.addLayout(row)
        fit_screen(self, 480, 320)
        self._list.itemActivated.connect(self.accept)
        cancel.clicked.connect(self.reject)
        go_on.clicked.connect(self.accept)

    def accept(self) -> None:
        """Take what is chosen."""
        item = self._list.currentItem()
        if item is not None:
            super().accept()
            self.chosen.emit(item.text(), self._weights.path())
