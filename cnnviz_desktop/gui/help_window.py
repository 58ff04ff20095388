"""The help in a window of its own: a page on every technique, searched as one types."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QPalette, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.engine.techniques import TECHNIQUES
from cnnviz_desktop.gui import session, theme
from cnnviz_desktop.gui.about import key_table
from cnnviz_desktop.gui.canvas_tabs import TABS
from cnnviz_desktop.gui.controls import Line, fit_screen, fix_size, named
from cnnviz_desktop.gui.help_page import HelpPage
from cnnviz_desktop.gui.search_field import SearchField
from cnnviz_desktop.reference import page
from cnnviz_desktop.resources import resource

START, PREDICTIONS, KEYS = "start", "predictions", "keys"
_NAME = Qt.ItemDataRole.UserRole
_SIZE = QSize(900, 700)
_TITLES = {START: "Where to begin", KEYS: "Keyboard shortcuts"}


class HelpWindow(QDialog):
    """Pages by name: `start`, `predictions`, `keys` and the techniques' commands.

    Signals: `turned` (name) the person went to a page.
    """

    turned = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        named(self, "helpWindow", "Help")
        self.setWindowTitle("Help")
        self._name = ""
        self._pages = dict(_pages())
        self._items: dict[str, QListWidgetItem] = {}
        self.search = SearchField("Search the help")
        named(self.search, "helpSearch", "Search the help", "Show only pages with these words")
        self.list = QListWidget()
        named(self.list, "helpList", "Pages", "All pages of the help, by tab of the window")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self._tint()
        self.page = HelpPage()
        self._fill()
        left = QWidget()
        fix_size(left, width=224)
        column = QVBoxLayout(left)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(left)
        row.addWidget(Line(Qt.Orientation.Vertical))
        row.addWidget(self.page, 1)
        self.search.textChanged.connect(self._filter)
        self.search.returnPressed.connect(self._take_first)
        self.list.currentItemChanged.connect(self._picked)
        self.page.page_wanted.connect(self._follow)
        fit_screen(self, _SIZE.width(), _SIZE.height())

    @property
    def name(self) -> str:
        """Return the name of the page that is shown."""
        return self._name

    def show_page(self, name: str) -> None:
        """Show a page, or where to begin if there is none of that name."""
        self._name = name if name in self._pages else START
        self.page.show_text(self._pages[self._name])
        self.list.blockSignals(True)
        self.list.setCurrentItem(self._items[self._name])
        self.list.blockSignals(False)

    def showEvent(self, event: QShowEvent) -> None:
        """Let the keyboard turn pages and scroll at once."""
        super().showEvent(event)
        self.page.setFocus()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the size of the interface."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "list"):
            self._tint()
        elif event.type() == QEvent.Type.ApplicationFontChange:
            self._fit_heads()

    def _tint(self) -> None:
        """Put the list on the window's own ground, its heads in muted words."""
        now, palette = theme.current(), QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Base, now.window)
        palette.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text, now.muted)
        if palette != self.list.palette():
            self.list.setPalette(palette)

    def _fill(self) -> None:
        """List the pages, those of a tab under its name."""
        self._add(START, _TITLES[START])
        self._add(KEYS, _TITLES[KEYS])
        for tab in TABS:
            self._head(tab)
            if tab == session.PREDICTIONS:
                self._add(PREDICTIONS, tab)
            for kind in TECHNIQUES:
                if kind.tab == tab:
                    self._add(kind.command, kind.title)
        self._nothing = self._head("No page has these words.")
        self._nothing.setHidden(True)
        self._fit_heads()

    def _add(self, name: str, words: str) -> None:
        item = QListWidgetItem(words, self.list)
        item.setData(_NAME, name)
        self._items[name] = item

    def _head(self, words: str) -> QListWidgetItem:
        item = QListWidgetItem(words, self.list)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom)
        return item

    def _fit_heads(self) -> None:
        """Write the heads in the small font that is on."""
        for item in map(self.list.item, range(self.list.count())):
            if item.data(_NAME) is None:
                item.setFont(theme.font("caption"))
                item.setSizeHint(QSize(0, theme.px(30)))

    def _filter(self, text: str) -> None:
        """Show the pages that have all words, and the heads that have pages."""
        words = text.casefold().split()
        head: QListWidgetItem | None = None
        for item in map(self.list.item, range(self.list.count())):
            name = item.data(_NAME)
            if name is None:
                head = item
                item.setHidden(True)
                continue
            fits = all(word in self._pages[name].casefold() for word in words)
            item.setHidden(not fits)
            if fits and head is not None:
                head.setHidden(False)
        self._nothing.setHidden(not all(item.isHidden() for item in self._items.values()))

    def _take_first(self) -> None:
        """Turn to the page whose title has the words, else to the first that is left."""
        left = [name for name, item in self._items.items() if not item.isHidden()]
        text = self.search.text().casefold().strip()
        titled = [name for name in left if text in self._items[name].text().casefold()]
        for name in (titled or left)[:1]:
            self._follow(name)

    def _picked(self, item: QListWidgetItem | None) -> None:
        if item is not None and item.data(_NAME):
            self._follow(item.data(_NAME))

    def _follow(self, name: str) -> None:
        self.show_page(name)
        self.turned.emit(self._name)


def _pages() -> Iterator[tuple[str, str]]:
    """Return all pages as Markdown, by name."""
    for name in (START, PREDICTIONS):
        yield name, resource(f"help/{name}.md").read_text(encoding="utf-8")
    yield KEYS, f"# {_TITLES[KEYS]}\n\n{key_table()}\n"
    for kind in TECHNIQUES:
        yield kind.command, page(kind)
