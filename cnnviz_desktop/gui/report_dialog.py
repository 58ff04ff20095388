"""Help a person report a problem: their words and the versions, to copy; nothing is sent."""

from __future__ import annotations

from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from cnnviz_desktop.gui.controls import fit_screen, label, named, push_button
from cnnviz_desktop.gui.crash_dialog import full_report


class ReportDialog(QDialog):
    """A page to describe a problem on, with the facts that help to find it. It says nothing."""

    def __init__(self, facts: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "reportDialog", "Report a problem")
        self.setWindowTitle("Report a problem")
        fit_screen(self, 600, 480)
        says = label(
            "Write down what you did, what you expected and what came instead. Copy takes your "
            "words and the facts below, without pictures or weights, to be pasted into a message "
            "or an issue. Nothing is sent from here."
        )
        says.setWordWrap(True)
        self._words = QPlainTextEdit()
        self._words.setTabChangesFocus(True)
        self._words.setPlaceholderText("I dropped … and expected … but …")
        named(self._words, "problemWords", "What happened", "What you did, expected and saw")
        self._facts = QPlainTextEdit(full_report(facts))
        self._facts.setReadOnly(True)
        self._facts.setTabChangesFocus(True)
        self._facts.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        named(self._facts, "problemFacts", "Facts", "What is copied besides your words")
        self._done = QLabel()
        copy = push_button("&Copy", "copyProblem", "Copy your words and the facts", "copy")
        close = push_button("C&lose", "closeProblem", "Close this page (Esc)")
        foot = QHBoxLayout()
        foot.addWidget(self._done, 1)
        foot.addWidget(copy)
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(says)
        column.addWidget(self._words, 3)
        column.addWidget(self._facts, 2)
        column.addLayout(foot)
        copy.clicked.connect(self._copy)
        close.clicked.connect(self.close)

    def _copy(self) -> None:
        words = self._words.toPlainText().strip()
        text = "\n\n".join(part for part in (words, self._facts.toPlainText()) if part)
        QGuiApplication.clipboard().setText(text)
        self._done.setText("Copied")
