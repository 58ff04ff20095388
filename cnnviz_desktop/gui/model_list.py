"""Search a thousand networks and pick one: a field over the list, all of it by keyboard too."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QListView,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.engine.catalogue import CatalogueEntry
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import Line, label, named
from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.gui.model_rows import ModelRows, RowPainter, paint_head
from cnnviz_desktop.gui.search_field import SearchField

_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
_EXAMPLES = "Also by year (2016), size (<10M, <100MB), accuracy (>75), or “here”"


class ModelList(QWidget):
    """The search `modelSearch` over the list `modelChoices`.

    Signals: `picked` (`ModelChoice`) by a click or Enter; `entered` (text) by Enter where no
    network fits it; `moved` another row is marked.
    """

    picked = Signal(object)
    entered = Signal(str)
    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = ModelRows(self)
        self.search = SearchField("Search by name, family, year, <10M, >75, here", "", self)
        named(self.search, "modelSearch", "Search networks", f"A part of a name. {_EXAMPLES}")
        self.search.setClearButtonEnabled(True)
        self._view = self._make_view()
        self._said = label("", "caption", muted=True)
        named(self._said, "modelCount", "What was found")
        self.foot = QHBoxLayout()
        self.foot.setContentsMargins(12, 6, 12, 8)
        self.foot.setSpacing(12)
        self.foot.addWidget(self._said, 1)
        field = QHBoxLayout()
        field.setContentsMargins(8, 8, 8, 8)
        field.addWidget(self.search)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(field)
        column.addWidget(_Head(self._view))
        column.addWidget(Line())
        column.addWidget(self._view, 1)
        column.addWidget(Line())
        column.addLayout(self.foot)
        self.setFocusProxy(self.search)
        self.search.installEventFilter(self)
        self.search.textChanged.connect(self._search)
        self._view.clicked.connect(self._clicked)
        self._view.selectionModel().currentChanged.connect(self.moved)
        self._view.selectionModel().currentChanged.connect(self._say)
        self.rows.modelReset.connect(self._tell)
        self._tell()

    def sizeHint(self) -> QSize:
        """Ask for room for the columns and two dozen rows."""
        return QSize(theme.px(600), theme.px(560))

    def set_entries(self, entries: Sequence[CatalogueEntry]) -> None:
        """Offer these networks."""
        self.rows.set_entries(entries)
        self._mark(self.rows.first())

    def set_recent(self, recent: Sequence[ModelChoice]) -> None:
        """Offer these files."""
        self.rows.set_recent(recent)
        self._mark(self.rows.first())

    def begin(self, name: str, words: str = "") -> None:
        """Start a new search with one network marked."""
        self.search.setText(words)
        self._search(words)
        place = self.rows.find(name)
        if not words and place.isValid():
            self._mark(place)
        self.reveal()
        self.search.setFocus()

    def reveal(self) -> None:
        """Bring the marked row into sight, once the list has its size."""
        place = self._view.currentIndex()
        if place.row() > 1:
            self._view.scrollTo(place, QAbstractItemView.ScrollHint.PositionAtCenter)
        else:
            self._view.scrollToTop()

    def current(self) -> ModelChoice | None:
        """Return what is marked."""
        return self._choice(self._view.currentIndex())

    def _choice(self, index: QModelIndex) -> ModelChoice | None:
        row = self.rows.row(index)
        if isinstance(row, CatalogueEntry):
            return ModelChoice(row.name)
        return row if isinstance(row, ModelChoice) else None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrow keys of the search walk the list, and Enter pick."""
        if watched is self.search and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.KeyPress and event.key() in _KEYS:
                self._step(event.key())
                return True
            enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if event.type() == QEvent.Type.KeyPress and enter:
                self._enter()
                return True
        return super().eventFilter(watched, event)

    def _make_view(self) -> QListView:
        view = QListView(self)
        view.setModel(self.rows)
        view.setItemDelegate(RowPainter(view))
        view.setUniformItemSizes(True)
        view.setFrameShape(QFrame.Shape.NoFrame)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        view.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the search has the keyboard
        view.setMouseTracking(True)
        named(view, "modelChoices", "Networks")
        return view

    def _search(self, words: str) -> None:
        self.rows.search(words)
        self._mark(self.rows.first())
        self._view.scrollToTop()

    def _mark(self, index: QModelIndex) -> None:
        self._view.setCurrentIndex(index)

    def _step(self, key: int) -> None:
        """Mark another row, over headings."""
        page = max(1, self._view.viewport().height() // max(1, self._view.sizeHintForRow(0)) - 1)
        step = -1 if key in (Qt.Key.Key_Up, Qt.Key.Key_PageUp) else 1
        index = self._view.currentIndex()
        place = index.row() if index.isValid() else -1
        for _ in range(page if key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) else 1):
            following = self.rows.next(place, step)
            if not following.isValid():
                break
            index, place = following, following.row()
        if index.isValid():
            self._mark(index)
            self._view.scrollTo(index)

    def _enter(self) -> None:
        choice = self.current()
        if choice is not None:
            self.picked.emit(choice)
        elif self.search.text().strip():
            self.entered.emit(self.search.text().strip())

    def _say(self, index: QModelIndex) -> None:
        """Let a screen reader say the marked row, which never has the keyboard itself."""
        said = index.data(Qt.ItemDataRole.AccessibleTextRole)
        self.search.setAccessibleDescription(said or "")

    def _clicked(self, index: QModelIndex) -> None:
        choice = self._choice(index)
        if choice is not None:
            self.picked.emit(choice)

    def _tell(self) -> None:
        """Say how many there are."""
        count, files = self.rows.count, self.rows.files
        if count:
            says = f"{labels.whole(count)} network{'s' if count != 1 else ''}"
        elif files:
            says = f"{files} recent file{'s' if files != 1 else ''}"
        elif self.search.text():
            says = "No network fits. Enter asks for it all the same."
        else:
            says = f"Listing the networks{labels.ELLIPSIS}"
        self._said.setText(says)


class _Head(QWidget):
    """What the columns are called, in line with the list's rows."""

    def __init__(self, view: QListView) -> None:
        super().__init__()
        self._view = view
        self.setFixedHeight(theme.px(22))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the words."""
        box = self.rect()
        box.setWidth(self._view.viewport().width())
        paint_head(QPainter(self), box)
