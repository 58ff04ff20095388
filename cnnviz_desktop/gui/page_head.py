"""Show the title of the tab in view, and what can be done with the whole of it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import Ground, fix_size, icon_button, named, push_button


class PageHead(Ground):
    """The title of the tab in view and what can be done with the whole of it.

    Signals: `copy_requested`, `export_requested` by their buttons.
    """

    copy_requested = Signal()
    export_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.Window, parent)
        named(self, "pageHead", "Title of the page")
        fix_size(self, height=44)
        self._title = labels.ElidedLabel(role="title")
        named(self._title, "pageTitle", "Title")
        self._about = labels.ElidedLabel(muted=True)
        named(self._about, "pageSubtitle", "About the result")
        self._copy = icon_button("copy", "copyButton", "Copy", "Copy the picture (Ctrl+C)")
        self._export = push_button(
            f"Export{labels.ELLIPSIS}",
            "exportButton",
            "Write a figure (PNG, SVG, PDF) or the data (NPZ) with the record that makes it again "
            "(Ctrl+E)",
            "export",
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(8)
        row.addWidget(labels.TitleLine(self._title, self._about), 1)
        row.addWidget(self._copy)
        row.addWidget(self._export)
        self._copy.clicked.connect(self.copy_requested)
        self._export.clicked.connect(self.export_requested)

    def take_copy_menu(self, menu: QMenu) -> None:
        """Let the arrow of the copy button offer other ways to copy."""
        menu.setParent(self, menu.windowFlags())
        self._copy.setMenu(menu)
        self._copy.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        fix_size(self._copy, 44, 28)

    def show_title(self, title: str, about: str, stale: bool) -> None:
        """Show what the page shows; muted when the parameters have moved on."""
        self._title.setText(title)
        self._title.set_muted(stale)
        self._about.setText(about)

    def title(self) -> str:
        """Return title and subtitle."""
        return f"{self._title.text()} {self._about.text()}".strip()

    def set_enabled(self, whole: bool, figure: bool) -> None:
        """Allow copying where there is a picture, exporting where there is a result."""
        self._copy.setEnabled(whole)
        self._export.setEnabled(figure)
