"""Choose any of many named things: a field that opens a searchable list of boxes to tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QListWidget, QListWidgetItem

from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import ElidedCombo, link, named
from cnnviz_desktop.gui.more_panel import MorePanel
from cnnviz_desktop.gui.search_field import SearchField

_ROWS = 14  # in sight at a time
_SEARCHED = 8  # fewer are found without a search
_NAME = Qt.ItemDataRole.UserRole


class CheckList(ElidedCombo):
    """The field: what is ticked, in the order it was; a click opens the list, Esc closes it.

    Signals: `ticked` by the person.
    """

    ticked = Signal()

    def __init__(self, name: str, says: str, tip: str, *, nothing: str = "None") -> None:
        super().__init__()
        named(self, name, says, tip)
        self._tip = tip
        self._nothing = nothing
        self._chosen: tuple[str, ...] = ()
        self._shown: tuple[str, ...] = ()
        self._words: dict[str, str] = {}
        self.addItem(nothing)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._panel = MorePanel(f"{name}Panel", says, self)
        self._search = SearchField("Search", "", self._panel)
        named(self._search, f"{name}Search", f"Search: {says.lower()}", "Any part of a name")
        self._list = QListWidget()
        self._list.setUniformItemSizes(True)
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        named(self._list, f"{name}List", says, f"{tip}\nSpace ticks")
        self._clear = link("Clear all", f"{name}Clear", "Tick none of them")
        self._clear.setAutoDefault(False)
        for part in (self._search, self._list, self._clear):
            self._panel.add(part)
        self._search.textChanged.connect(self._filter)
        self._search.installEventFilter(self)
        self._list.itemChanged.connect(self._changed)
        self._clear.clicked.connect(self._untick)
        self._refresh()

    def set_names(self, names: Sequence[str], words: Mapping[str, str] | None = None) -> None:
        """Offer these names, some of them called by other `words`."""
        words = dict(words or {})
        if (tuple(names), words) == (self._shown, self._words):
            return
        self._shown, self._words = tuple(names), words
        self._list.blockSignals(True)
        self._list.clear()
        for name in names:
            item = QListWidgetItem(words.get(name, name), self._list)
            item.setData(_NAME, name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(_state(name in self._chosen))
        self._list.blockSignals(False)
        self._search.setVisible(len(self._shown) > _SEARCHED)
        self._refresh()

    def names(self) -> tuple[str, ...]:
        """Return what is ticked, in the order it was ticked."""
        return self._chosen

    def choose(self, names: Sequence[str]) -> None:
        """Tick these and no others, without a signal."""
        self._chosen = tuple(names)
        self._list.blockSignals(True)
        for row in range(self._list.count()):
            item = self._list.item(row)
            item.setCheckState(_state(item.data(_NAME) in self._chosen))
        self._list.blockSignals(False)
        self._refresh()

    def showPopup(self) -> None:
        """Open the list below the field, within the screen, the keyboard in its search."""
        self._search.clear()
        panel = self._panel
        row = max(self._list.sizeHintForRow(0), theme.px(20))
        self._list.setFixedHeight(row * min(_ROWS, max(1, self._list.count())) + 4)
        metrics = self.fontMetrics()
        longest = max(
            (metrics.horizontalAdvance(self._said(item)) for item in self._shown), default=0
        )
        wide = min(max(self.width(), longest + theme.px(72)), theme.px(420))
        panel.setFixedWidth(wide)
        panel.adjustSize()
        corner = self.mapToGlobal(QPoint(self.width() - wide, self.height() + 2))
        room = self.screen().availableGeometry()
        corner.setX(max(room.left(), min(corner.x(), room.right() - wide)))
        if corner.y() + panel.height() > room.bottom():
            above = self.mapToGlobal(QPoint(0, -2)).y() - panel.height()
            corner.setY(max(room.top(), above))
        panel.move(corner)
        panel.show()
        first = self._search if len(self._shown) > _SEARCHED else self._list
        if first is self._list and self._list.currentRow() < 0:
            self._list.setCurrentRow(0)
        first.setFocus(Qt.FocusReason.TabFocusReason)

    def hidePopup(self) -> None:
        """Close the list."""
        self._panel.close()

    def minimumSizeHint(self) -> QSize:
        """Ask for a few letters only: a long choice is cut."""
        return QSize(theme.px(80), super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Walk from the search into the list with Down; Enter ticks the only one found."""
        if watched is self._search and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Down:
                found = self._found()
                if found:
                    self._list.setCurrentItem(found[0])
                    self._list.setFocus(Qt.FocusReason.TabFocusReason)
                return True
            if event.type() == QEvent.Type.KeyPress and event.key() in (
                Qt.Key.Key_Return,
                Qt.Key.Key_Enter,
            ):
                found = self._found()
                if len(found) == 1:
                    on = found[0].checkState() == Qt.CheckState.Checked
                    found[0].setCheckState(_state(not on))
                return True
        return super().eventFilter(watched, event)

    def _found(self) -> list[QListWidgetItem]:
        items = [self._list.item(row) for row in range(self._list.count())]
        return [item for item in items if not item.isHidden()]

    def _filter(self, text: str) -> None:
        wanted = text.strip().lower()
        for row in range(self._list.count()):
            item = self._list.item(row)
            item.setHidden(wanted not in item.text().lower())

    def _changed(self, item: QListWidgetItem) -> None:
        name = str(item.data(_NAME))
        on = item.checkState() == Qt.CheckState.Checked
        if on != (name in self._chosen):
            others = tuple(other for other in self._chosen if other != name)
            self._chosen = (*others, name) if on else others
            self._refresh()
            self.ticked.emit()

    def _untick(self) -> None:
        if self._chosen:
            self.choose(())
            self.ticked.emit()

    def _said(self, name: str) -> str:
        return self._words.get(name, name)

    def _refresh(self) -> None:
        """Write what is ticked into the field."""
        said = [self._said(name) for name in self._chosen]
        count = f"{labels.whole(len(said))} chosen: " if len(said) > 2 else ""
        self.setItemText(0, f"{count}{', '.join(said)}" if said else self._nothing)
        self.setToolTip("\n".join((*said, self._tip)))
        self._clear.setEnabled(bool(said))


def _state(on: bool) -> Qt.CheckState:
    return Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
