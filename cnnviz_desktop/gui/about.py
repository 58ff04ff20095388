"""Show the pages of the Help menu: all keys, and what this program is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

import cnnviz_desktop
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.actions import shortcuts
from cnnviz_desktop.gui.controls import label, named

_MORE_KEYS = (
    ("Arrow keys", "Walk the tree or the tiles; the view follows"),
    ("Space", "Show the selected map full-size, and go back"),
    ("Ctrl+wheel", "Resize the tiles"),
    ("O held", "Hide the heat of an explanation"),
    ("1 to 9", "Explain the first to ninth likeliest class"),
    ("Wheel, drag, 0", "Zoom a picture, move it, fit it again"),
)


def show_keys(parent: QWidget) -> None:
    """Open a page with all keys."""
    page = _dialog("keysDialog", "Keyboard shortcuts", parent)
    inside = QWidget()
    grid = QGridLayout(inside)
    grid.setHorizontalSpacing(24)
    grid.setVerticalSpacing(6)
    for row, (keys, words) in enumerate((*shortcuts(), *_MORE_KEYS)):
        grid.addWidget(label(keys, "strong"), row, 0)
        grid.addWidget(label(words), row, 1)
    grid.setRowStretch(grid.rowCount(), 1)
    grid.setColumnStretch(1, 1)
    scroll = QScrollArea()
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setWidgetResizable(True)
    scroll.setWidget(inside)
    named(scroll, "keysPage", "Keyboard shortcuts")
    column = QVBoxLayout(page)
    column.addWidget(scroll)
    page.resize(theme.px(520), theme.px(560))
    page.open()


def show_about(parent: QWidget) -> None:
    """Open a page on this program."""
    page = _dialog("aboutDialog", "About CNNviz", parent)
    column = QVBoxLayout(page)
    column.setContentsMargins(24, 24, 24, 24)
    column.setSpacing(8)
    column.addWidget(label(f"CNNviz Desktop {cnnviz_desktop.__version__}", "title"))
    says = label(
        "See what a convolutional network has learned and why it answered as it did. Every "
        "picture can be made again from this window, the command line (cnnviz --help) and a "
        "notebook (import cnnviz_desktop). MIT licence."
    )
    says.setWordWrap(True)
    says.setMinimumWidth(theme.px(360))
    column.addWidget(says)
    page.open()


def _dialog(name: str, title: str, parent: QWidget) -> QDialog:
    page = QDialog(parent)
    named(page, name, title)
    page.setWindowTitle(title)
    page.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    return page
