"""Show a network's modules as a tree: searchable, walked by arrow keys, painted by one delegate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.data import LayerNode
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.empty_state import EmptyState
from cnnviz_desktop.gui.layer_model import (
    NODE,
    Health,
    LayerFilter,
    LayerTreeModel,
    kind_family,
)
from cnnviz_desktop.gui.layer_rows import LayerRows, LayerView, column_widths
from cnnviz_desktop.gui.search_field import SearchField

__all__ = ["Health", "LayerTree", "LayerTreeModel"]


class LayerTree(QWidget):
    """A search field, a switch for convolutions only, and the tree.

    Signals: `picked(str)` with the dotted name, once per change, by arrow key, click or step.
    """

    picked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = LayerTreeModel(self)
        self._filter = LayerFilter(self)
        self._filter.setSourceModel(self._model)
        self._quiet = False
        self._last = ""
        self._collapsed: set[str] = set()
        self._search = self._make_search()
        self._conv_only = self._make_conv_only()
        self._view = self._make_view()
        self._head = _Head(self._view, self)
        self._none = EmptyState("No layer matches.", "Clear the search to see all layers.", self)
        self._no_model = EmptyState("No layers yet.", "They come with the model above.", self)
        self._lay_out()
        self._fit()
        self.show_layers(None)

    def show_layers(self, root: LayerNode | None, default: str = "", reason: str = "") -> None:
        """Show another network's layers; `default` is marked and `reason` says why it is."""
        self._quiet = True
        self._search.clear()
        self._last = ""
        self._model.show_layers(root, default, reason)
        self._collapsed = _first_collapsed(root)
        self._expand()
        self._quiet = False
        for part in (self._search, self._conv_only):
            part.setEnabled(root is not None)
        self._refresh()

    def set_health(self, health: Mapping[str, Health]) -> None:
        """Show how each layer's channels fare in a strip at the right of its row."""
        self._model.set_health(health)
        self._view.viewport().update()
        self._head.update()

    def select(self, name: str) -> None:
        """Mark a layer and bring it into sight, without saying so."""
        self._mark(name)
        self._last = self.selected()

    def selected(self) -> str:
        """Return the marked layer's name, "" for none."""
        node = _node(self._view.currentIndex())
        return node.name if node is not None else ""

    def step_conv(self, direction: int) -> None:
        """Pick the next (+1) or previous (-1) convolution of the network."""
        root = self._model.root
        if root is None:
            return
        here = self.selected() or self._last
        nodes = list(root.walk())
        place = next((i for i, node in enumerate(nodes) if node.name == here), 0)
        ahead = nodes[place + 1 :] if direction > 0 else nodes[:place][::-1]
        for node in ahead:
            if kind_family(node.kind) == "conv" and node.has_maps:
                if self._filter.hides(node):
                    self._search.clear()
                self._mark(node.name)
                self._tell()
                return

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def view(self) -> LayerView:
        """Return the tree itself, for focus and tests."""
        return self._view

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk the convolutions with Alt+Down and Alt+Up."""
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        step = steps.get(Qt.Key(event.key()))
        if step is not None and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.step_conv(step)
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        """Let Down and Enter leave the search for the tree, and Escape clear it."""
        pressed = watched is self._search and event.type() == QEvent.Type.KeyPress
        if pressed and isinstance(event, QKeyEvent) and self._search_key(event):
            return True
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Take the fonts again when the application's font changed."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._search.setFont(theme.font("body"))
            self._view.setFont(theme.font("body"))
            self._fit()
            self._refresh()
        super().changeEvent(event)

    def _fit(self) -> None:
        """Make the button beside the search as high as that."""
        side = self._search.sizeHint().height()
        self._conv_only.setFixedSize(side, side)

    def _search_key(self, event: QKeyEvent) -> bool:
        key = event.key()
        if key == Qt.Key.Key_Escape and self._search.text():
            self._search.clear()
            return True
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.AltModifier:
                return False
            self._to_first_match()
            return True
        return False

    def _to_first_match(self) -> None:
        """Move from the search to the first row that matches itself, and pick it."""
        index = self._filter.index(0, 0)
        while index.isValid():
            node = _node(index)
            if node is not None and self._filter.matches(node):
                break
            index = self._view.indexBelow(index)
        if index.isValid():
            self._view.setCurrentIndex(index)
        self._view.setFocus(Qt.FocusReason.TabFocusReason)

    def _make_search(self) -> SearchField:
        search = SearchField("Find a layer", "Ctrl+L", self)
        search.setObjectName("layerSearch")
        search.setAccessibleName("Find a layer")
        search.setToolTip(
            "Type part of a layer's name, its kind (conv, relu, pool) or its shape; "
            "Down goes to the matches, Escape clears. Ctrl+L comes here."
        )
        search.textChanged.connect(self._filter_changed)
        search.installEventFilter(self)
        return search

    def _make_conv_only(self) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("convOnly")
        button.setAccessibleName("Convolutions only")
        button.setToolTip(
            "Show only convolutions, the layers that have filters. "
            "Alt+Down and Alt+Up step through them at any time."
        )
        button.setIcon(theme.icon("kind-conv"))
        button.setCheckable(True)
        button.toggled.connect(self._filter_changed)
        return button

    def _make_view(self) -> LayerView:
        view = LayerView(self)
        view.setModel(self._filter)
        view.setItemDelegate(LayerRows(self._model, view))
        view.setFont(theme.font("body"))
        view.selectionModel().currentChanged.connect(self._tell)
        view.expanded.connect(self._opened)
        view.collapsed.connect(self._closed)
        return view

    def _lay_out(self) -> None:
        fields = QHBoxLayout()
        fields.setContentsMargins(12, 0, 12, 0)
        fields.setSpacing(8)
        fields.addWidget(self._search, 1)
        fields.addWidget(self._conv_only)
        self._pages = QStackedLayout()
        for page in (self._view, self._none, self._no_model):
            self._pages.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(fields)
        column.addWidget(self._head)
        column.addLayout(self._pages, 1)
        self.setFocusProxy(self._view)

    def _expand(self) -> None:
        """Open all rows while a filter is on, else all but those the person closed."""
        filtered = bool(self._search.text()) or self._conv_only.isChecked()
        was, self._quiet = self._quiet, True
        self._view.expandAll()
        if not filtered:
            for name in self._collapsed:
                index = self._index(name)
                if index.isValid():
                    self._view.collapse(index)
        self._quiet = was

    def _filter_changed(self) -> None:
        """Narrow the rows to what is searched, keeping the marked layer if it is still there."""
        name = self._last
        was, self._quiet = self._quiet, True
        self._filter.narrow(self._search.text(), self._conv_only.isChecked())
        self._expand()
        self._mark(name)
        self._quiet = was
        self._refresh()

    def _mark(self, name: str) -> None:
        """Make a layer the current row without a signal."""
        was, self._quiet = self._quiet, True
        index = self._index(name) if name else QModelIndex()
        if index.isValid():
            self._view.setCurrentIndex(index)
            self._view.scrollTo(index)
        else:
            self._view.selectionModel().clear()
            self._view.selectionModel().setCurrentIndex(
                QModelIndex(), QItemSelectionModel.SelectionFlag.Clear
            )
        self._quiet = was

    def _tell(self) -> None:
        """Say which layer was picked, once per change."""
        name = self.selected()
        if self._quiet or not name or name == self._last:
            return
        self._last = name
        self.picked.emit(name)

    def _opened(self, index: QModelIndex) -> None:
        node = _node(index)
        if not self._quiet and node is not None:
            self._collapsed.discard(node.name)

    def _closed(self, index: QModelIndex) -> None:
        node = _node(index)
        if not self._quiet and node is not None:
            self._collapsed.add(node.name)

    def _index(self, name: str) -> QModelIndex:
        return self._filter.mapFromSource(self._model.index_of(name))

    def _refresh(self) -> None:
        """Show the tree, or the sentence that stands where it would be."""
        if self._model.root is None:
            page: QWidget = self._no_model
        elif self._filter.rowCount() == 0:
            page = self._none
        else:
            page = self._view
        self._pages.setCurrentWidget(page)
        self._head.setVisible(page is self._view)
        self._view.viewport().update()
        self._head.update()


def _node(index: QModelIndex) -> LayerNode | None:
    node = index.data(NODE) if index.isValid() else None
    return node if isinstance(node, LayerNode) else None


def _first_collapsed(root: LayerNode | None) -> set[str]:
    """Return the blocks that start closed: those two levels down in a long network."""
    if root is None or sum(1 for _ in root.walk()) <= 40:
        return set()
    return {node.name for node in root.walk() if node.children and node.name.count(".") >= 1}


class _Head(QWidget):
    """The captions of the tree's columns."""

    def __init__(self, view: LayerView, parent: QWidget) -> None:
        super().__init__(parent)
        self._view = view
        self._fit()

    def _fit(self) -> None:
        self.setFont(theme.font("caption"))
        self.setFixedHeight(self.fontMetrics().height() + 6)

    def changeEvent(self, event: QEvent) -> None:
        """Take the caption font again when the application's font changed."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._fit()
        super().changeEvent(event)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Follow the tree's width."""
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint each caption over its column."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        columns = column_widths(self._view)
        middle = Qt.AlignmentFlag.AlignVCenter
        room = self.rect().adjusted(12, 0, 0, 0)
        painter.drawText(room, middle | Qt.AlignmentFlag.AlignLeft, "Layer")
        room.setRight(columns.shape_right - 1)
        painter.drawText(room, middle | Qt.AlignmentFlag.AlignRight, "Output C×h×w")
        if columns.health_width:
            room.setLeft(columns.health_left)
            room.setRight(self.width())
            painter.drawText(room, middle | Qt.AlignmentFlag.AlignLeft, "Health")
