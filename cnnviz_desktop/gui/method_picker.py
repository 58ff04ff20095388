"""Choose a technique of a tab: listed in families where there are many."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox

from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import ElidedCombo, fit_names, named

_COMMAND = Qt.ItemDataRole.UserRole


class MethodPicker(ElidedCombo):
    """A list of techniques with a line above each family (`techniquePicker`).

    Typing finds a name by its first letters. Signals: `chosen(str)` a technique's command.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        named(self, "techniquePicker", "Method", "What is computed for this tab")
        self.setMaxVisibleItems(32)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._kinds: tuple[type[Technique], ...] = ()
        self._rows = QStandardItemModel(self)
        self.setModel(self._rows)
        self.activated.connect(self._picked)

    def show_methods(self, kinds: Sequence[type[Technique]], command: str) -> None:
        """List techniques, a family after the other, and show one of them, without a signal."""
        if tuple(kinds) != self._kinds:
            self._kinds = tuple(kinds)
            self._fill()
        self.blockSignals(True)
        self.setCurrentIndex(self.findData(command, _COMMAND))
        self.blockSignals(False)
        kind = next((kind for kind in kinds if kind.command == command), None)
        if kind is not None:
            self.setToolTip(f"{kind.title}: {kind.summary}")

    def changeEvent(self, event: QEvent) -> None:
        """Write the families in the colours and fonts that are on."""
        kinds = (QEvent.Type.PaletteChange, QEvent.Type.ApplicationFontChange)
        if event.type() in kinds and self._kinds:
            command = str(self.currentData(_COMMAND) or "")
            self._fill()
            self.show_methods(self._kinds, command)
        super().changeEvent(event)

    def _fill(self) -> None:
        self.blockSignals(True)
        self._rows.clear()
        families = list(dict.fromkeys(kind.family for kind in self._kinds))
        parted = len(families) > 1
        for family in families:
            if parted and family:
                self._rows.appendRow(_heading(family))
            for kind in self._kinds:
                if kind.family == family:
                    item = QStandardItem(kind.title)
                    item.setData(kind.command, _COMMAND)
                    paper = f"\n{kind.paper}" if kind.paper else ""
                    item.setToolTip(f"{kind.summary}{paper}")
                    self._rows.appendRow(item)
        fit_names(self)
        self.blockSignals(False)

    def _picked(self) -> None:
        command = self.currentData(_COMMAND)
        if command:
            self.chosen.emit(str(command))


def _heading(family: str) -> QStandardItem:
    """Return the line above a family, which cannot be chosen."""
    item = QStandardItem(family)
    item.setFlags(Qt.ItemFlag.NoItemFlags)
    item.setFont(theme.font("caption"))
    item.setForeground(theme.current().muted)
    return item
