"""Ask whether a file may run code of its own: what it is, what it would run, and no by default."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.errors import TrustError
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import Icon, label, named, push_button
from cnnviz_desktop.gui.labels import ElidedLabel

_ROWS = 6  # names in sight; the rest scrolls
_SHOWN = 16  # digits of the SHA-256; the whole is in the tooltip


class TrustDialog(QDialog):
    """The question about one file. Signals: `answered` (whether it may run its code)."""

    answered = Signal(bool)

    def __init__(self, error: TrustError, parent: QWidget) -> None:
        super().__init__(parent)
        named(self, "trustDialog", "May this file run code?")
        self.setWindowTitle("May this file run code?")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        name = error.path.name
        title = label(f"{name} runs code when it is opened", "title")
        title.setWordWrap(True)
        says = label(
            "That code can do whatever you can do: read your files, change them, send them away. "
            "Open it only if you know who made it. CNNviz remembers the answer for as long as the "
            "file stays the same, byte for byte."
        )
        says.setWordWrap(True)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(Icon("warning", "warning", 24), 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(8)
        words.addWidget(title)
        words.addWidget(says)
        head.addLayout(words, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(16)
        column.addLayout(head)
        column.addLayout(_facts(error))
        column.addLayout(self._make_buttons())
        self.setMinimumWidth(theme.px(520))
        self.finished.connect(self._finish)
        self._refuse.setFocus()

    def _make_buttons(self) -> QHBoxLayout:
        trust = push_button("Trust and open", "trustOpen", "Let the file run its code")
        refuse = push_button("Do not open", "trustRefuse", "Leave everything as it is (Esc)")
        trust.setAutoDefault(False)
        refuse.setDefault(True)
        self._refuse = refuse
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        row.addWidget(trust)
        row.addWidget(refuse)
        trust.clicked.connect(self.accept)
        refuse.clicked.connect(self.reject)
        return row

    def _finish(self, result: int) -> None:
        self.answered.emit(result == QDialog.DialogCode.Accepted)


def _facts(error: TrustError) -> QGridLayout:
    """Lay out where the file is, what it is, and what it would run."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(8)
    grid.setColumnStretch(1, 1)
    place = ElidedLabel(str(error.path.parent), mode=Qt.TextElideMode.ElideMiddle)
    digest = label(f"{_spaced(error.digest[:_SHOWN])} …")
    digest.setToolTip(error.digest)
    digest.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    named(digest, "trustDigest", f"SHA-256 {error.digest}")
    runs = QPlainTextEdit("\n".join(error.runs))
    runs.setReadOnly(True)
    runs.setTabChangesFocus(True)
    named(runs, "trustRuns", "What it would run")
    high = runs.fontMetrics().lineSpacing() * min(_ROWS, max(1, len(error.runs)))
    runs.setFixedHeight(high + 2 * runs.frameWidth() + 12)
    for row, (words, value) in enumerate(
        (("Folder", place), ("SHA-256", digest), ("It would run", runs))
    ):
        grid.addWidget(label(words, muted=True), row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(value, row, 1, Qt.AlignmentFlag.AlignTop)
    return grid


def _spaced(digits: str) -> str:
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))
