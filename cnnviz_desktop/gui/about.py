"""Show the pages of the Help menu: all keys, and what this program is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

import cnnviz_desktop
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.actions import shortcuts
from cnnviz_desktop.gui.controls import fit_screen, label, named

_MORE_KEYS = (
    ("Arrow keys", "Walk", "Through the tree or the tiles; the view follows"),
    ("Enter, Space", "Full size", "The selected map alone, and back"),
    (
        "Ctrl+wheel, + and −",
        "Zoom the tiles",
        "About the mouse, as by a pinch; 0 is the usual size",
    ),
    ("Middle or Space drag", "Move the tiles", "Any way; so does a plain drag"),
    ("8", "Page of 64", "The first 64 maps in eight rows of eight, and back"),
    ("O", "Overlay", "The maps over the picture, and back"),
    ("C", "Compare", "The maps of two pictures and their difference, and back"),
    ("O held", "Hide heat", "The picture of an explanation without it"),
    ("1 to 9", "Explain a class", "The first to ninth likeliest"),
    ("Wheel, drag, 0", "Zoom", "A picture; move it; fit it again"),
    ("Enter, double click", "One map alone", "Of several explanations, and back"),
)


def show_keys(parent: QWidget) -> None:
    """Open a page with all keys."""
    page = _dialog("keysDialog", "Keyboard shortcuts", parent)
    inside = QWidget()
    grid = QGridLayout(inside)
    grid.setHorizontalSpacing(24)
    grid.setVerticalSpacing(6)
    for row, (keys, name, tip) in enumerate((*shortcuts(), *_MORE_KEYS)):
        says = label(tip, muted=True)
        says.setWordWrap(True)
        for column, part in enumerate((label(keys, "strong"), label(name), says)):
            part.setAlignment(Qt.AlignmentFlag.AlignTop)
            grid.addWidget(part, row, column)
    grid.setRowStretch(grid.rowCount(), 1)
    grid.setColumnStretch(2, 1)
    scroll = QScrollArea()
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setWidgetResizable(True)
    scroll.setWidget(inside)
    named(scroll, "keysPage", "Keyboard shortcuts")
    whole = QVBoxLayout(page)
    whole.addWidget(scroll)
    fit_screen(page, 720, 560)
    page.open()


def key_table() -> str:
    """Return all keys as a table of Markdown, for the page on the window."""
    rows = [f"| {keys} | {name} | {tip} |" for keys, name, tip in (*shortcuts(), *_MORE_KEYS)]
    return "\n".join(("| keys | command | what it does |", "|---|---|---|", *rows))


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
