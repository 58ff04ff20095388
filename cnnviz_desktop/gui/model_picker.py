"""Choose a network from a list that is searched, and the weights it starts with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QStandardItemModel,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from cnnviz_desktop.data import RANDOM
from cnnviz_desktop.engine.catalogue import CatalogueEntry
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import ElidedCombo, icon_button, label, link, named
from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.gui.model_list import ModelList

_ASK = "ask"  # the entry that opens the file dialog
_ENTRIES = (
    (None, "Pretrained", "As published or bundled; downloaded once where they are not here yet"),
    (RANDOM, "Random, untrained", "Nothing learned: where training would start. Needs no download"),
    (_ASK, f"From a file{labels.ELLIPSIS}", "A state dict of your own (.pth, .pt, .safetensors)"),
)
_IN_FILE = "As in its file"  # in place of "Pretrained", for a network that is a file


class ModelPicker(QWidget):
    """The network (`modelPicker`), its weights (`weightsPicker`), a line about it.

    Signals: `model_picked` (`ModelChoice`); `weights_picked` ("none" for random ones, None for its
    own); `weights_requested` a file of weights is to be chosen; `file_requested` a model's file is;
    `manager_requested` to see what was downloaded.
    """

    model_picked = Signal(object)
    weights_picked = Signal(object)
    weights_requested = Signal()
    file_requested = Signal()
    manager_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ""  # of the network that is there or coming
        self._field = _Field()
        named(
            self._field,
            "modelPicker",
            "Model",
            "The network to look into. Type a part of a name to search; pretrained weights are "
            "downloaded once.",
        )
        self.list = ModelList()
        self._panel = _Panel(self.list, self)
        self._about = label("", "caption", muted=True)
        self._about.setWordWrap(True)
        named(self._about, "modelSummary", "About the model")
        files = icon_button(
            "folder", "openModel", "Open a model", "Open a network or weights of your own"
        )
        head = QHBoxLayout()
        head.addWidget(label("Model", "strong"), 1)
        head.addWidget(files)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._field)
        column.addWidget(self._about)
        column.addSpacing(4)
        column.addLayout(self._make_weights())
        self._field.opened.connect(self._open)
        self.list.picked.connect(self._picked)
        self.list.entered.connect(self._entered)
        self._panel.file_requested.connect(self.file_requested)
        self._panel.manager_requested.connect(self.manager_requested)
        files.clicked.connect(self.file_requested)

    def set_entries(self, entries: Sequence[CatalogueEntry]) -> None:
        """Offer these networks."""
        self.list.set_entries(entries)

    def set_recent(self, recent: Sequence[ModelChoice]) -> None:
        """Offer these files, the latest first."""
        self.list.set_recent(recent)

    def weights(self) -> Path | str | None:
        """Return the weights that are chosen: a file, "none" for random ones, None for its own."""
        chosen: Path | str | None = self._weights.currentData()
        return chosen

    def show_weights(self, weights: Path | str | None, *, in_file: bool = False) -> None:
        """Show what the present network's weights are; `in_file` where the network is a file."""
        self._weights.setItemText(0, _IN_FILE if in_file else _ENTRIES[0][1])
        entries = self._weights.model()
        if isinstance(entries, QStandardItemModel):
            random = entries.item(self._weights.findData(RANDOM))
            random.setEnabled(not in_file)
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

    def show_model(self, name: str, title: str, about: str) -> None:
        """Show which network is there, by the name it is loaded by, and one line about it."""
        self._name = name
        self._field.show_text(title)
        self._about.setText(about)

    def shown(self) -> str:
        """Return what the field shows."""
        return self._field.currentText()

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

    def _open(self, words: str) -> None:
        """Show the list below the field."""
        self.list.begin(self._name, words)
        self._panel.open_below(self._field)

    def _picked(self, choice: ModelChoice) -> None:
        self._panel.hide()
        self._name = choice.name
        self._field.show_text(choice.title)
        self.model_picked.emit(choice)

    def _entered(self, text: str) -> None:
        """Ask for what no network of the list fits: the engine knows what is meant."""
        self._picked(ModelChoice(text))


class _Field(ElidedCombo):
    """The closed list: it shows one entry. Signals: `opened` (what was typed on it)."""

    opened = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.addItem("")
        self.setMinimumContentsLength(8)

    def show_text(self, text: str) -> None:
        """Show another network."""
        self.setItemText(0, text)
        self.setItemData(0, text, Qt.ItemDataRole.ToolTipRole)

    def showPopup(self) -> None:
        """Open the panel in place of Qt's own list."""
        self.opened.emit("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the panel with what is typed."""
        keys = Qt.Key
        typed = event.text().strip()
        plain = not event.modifiers() & ~(
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        )
        if typed.isprintable() and typed and plain:
            self.opened.emit(typed)
        elif event.key() in (keys.Key_Down, keys.Key_Up, keys.Key_Return, keys.Key_Enter):
            self.opened.emit("")
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to what lies around."""
        event.ignore()


class _Panel(QFrame):
    """The list over the window until something is picked or clicked beside it.

    Signals: `file_requested`; `manager_requested`.
    """

    file_requested = Signal()
    manager_requested = Signal()

    def __init__(self, content: ModelList, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        named(self, "modelPopup", "Networks")
        self._content = content
        open_file = link(
            f"Open a file{labels.ELLIPSIS}", "pickerOpenFile", "A network or weights of your own"
        )
        manager = link(
            f"Downloaded weights{labels.ELLIPSIS}",
            "pickerWeights",
            "See what was downloaded and how large it is; delete it",
        )
        content.foot.addWidget(manager)
        content.foot.addWidget(open_file)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.addWidget(content)
        open_file.clicked.connect(self._ask_for_file)
        manager.clicked.connect(self._ask_for_manager)

    def open_below(self, field: QWidget) -> None:
        """Show it below a field, as large as the screen allows."""
        wanted = self._content.sizeHint()
        screen = field.screen().availableGeometry()
        corner = field.mapToGlobal(QPoint(0, field.height() + 2))
        wide = min(max(wanted.width(), field.width()), screen.width() - 16)
        high = min(wanted.height(), max(200, screen.bottom() - corner.y() - 8))
        corner.setX(max(screen.left() + 8, min(corner.x(), screen.right() - wide - 8)))
        self.setGeometry(corner.x(), corner.y(), wide, high)
        self.show()
        self._content.reveal()
        self._content.search.setFocus()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill with the ground of fields, and a line around."""
        painter = QPainter(self)
        now = theme.current()
        painter.fillRect(self.rect(), now.base)
        painter.setPen(QPen(now.outline, 1))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _ask_for_file(self) -> None:
        self.hide()
        self.file_requested.emit()

    def _ask_for_manager(self) -> None:
        self.hide()
        self.manager_requested.emit()
