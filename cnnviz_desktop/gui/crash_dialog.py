"""Show the one dialog for bugs: what happened, and a report to copy."""

from __future__ import annotations

import platform
import sys
import traceback
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QObject, Qt, QThread, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.gui.controls import fit_screen, label, named, push_button

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], object]


class CrashDialog(QDialog):
    """Say that a bug was met. It does not stop the program."""

    def __init__(self, report: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "crashDialog", "Something went wrong")
        self.setWindowTitle("Something went wrong")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        fit_screen(self, 640, 420)
        says = label(
            "CNNviz met a bug. Your pictures and settings are untouched and you can go on; if "
            "something looks wrong now, restart. Please send the report below: it has the place "
            "in the program and the versions, no picture and no weights."
        )
        says.setWordWrap(True)
        self._text = QPlainTextEdit(full_report(report))
        self._text.setReadOnly(True)
        self._text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        named(self._text, "crashReport", "Report", "What is copied")
        copy = push_button("&Copy report", "copyReport", "Copy the report to the clipboard", "copy")
        close = QPushButton("C&lose")
        named(close, "closeReport", "Close", "Go on working")
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(copy)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(says)
        column.addWidget(self._text, 1)
        column.addLayout(buttons)
        copy.clicked.connect(self._copy)
        close.clicked.connect(self.close)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text.toPlainText())


class CrashReporter(QObject):
    """Show bugs of this process in one dialog at a time. Signals: `met` a report."""

    met = Signal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._dialog: CrashDialog | None = None
        self._previous: Hook | None = None
        self.met.connect(self.show_report)

    def install(self) -> None:
        """Take unhandled exceptions."""
        self._previous = sys.excepthook
        sys.excepthook = self._hook

    def uninstall(self) -> None:
        """Give unhandled exceptions back."""
        if self._previous is not None:
            sys.excepthook = self._previous
            self._previous = None

    def show_report(self, report: str) -> None:
        """Open the dialog unless one is open."""
        if self._dialog is None:
            self._dialog = CrashDialog(report, self._window)
            self._dialog.finished.connect(self._forget)
            self._dialog.open()

    def _hook(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Report an exception, from whichever thread it comes."""
        if not issubclass(kind, Exception):
            sys.__excepthook__(kind, error, trace)
            return
        report = "".join(traceback.format_exception(kind, error, trace))
        print(report, file=sys.stderr)  # noqa: T201 - for those who started it from a terminal
        if QThread.currentThread() is self.thread():
            self.show_report(report)
        else:
            self.met.emit(report)

    def _forget(self) -> None:
        self._dialog = None


def full_report(report: str) -> str:
    """Return a report with the versions of what it was met on."""
    from importlib.metadata import PackageNotFoundError, version

    lines = [f"Python {platform.python_version()} on {platform.platform()}"]
    for package in ("cnnviz-desktop", "PySide6-Essentials", "torch", "torchvision", "numpy"):
        try:
            lines.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return "\n".join(lines) + "\n\n" + report.strip() + "\n"
