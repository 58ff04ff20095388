"""What a person does with the window: wait, find, click and drop, by real events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget


def answered(window: Any, qtbot: Any, tab: str = "Feature maps") -> None:
    """Wait until there is a model and what a tab shows of it."""
    session = window.tabs._session
    qtbot.waitUntil(lambda: session.model is not None and tab in session.answers, timeout=20000)


def settled(window: Any, qtbot: Any, timeout: int = 30000) -> None:
    """Wait until the engine has nothing left to do."""
    qtbot.waitUntil(lambda: not window._jobs.busy(), timeout=timeout)


def ready(window: Any, qtbot: Any, tab: str = "Feature maps") -> None:
    """Wait until a tab has its answer and the engine nothing left to do."""
    answered(window, qtbot, tab)
    settled(window, qtbot)


def find(parent: QWidget, name: str, kind: type[QWidget] = QWidget) -> Any:
    """Return the widget of a name; there must be one."""
    found = parent.findChild(kind, name)
    assert found is not None, name
    return found


def click(widget: QWidget, at: QPoint | None = None) -> None:
    """Click a widget at a place, or in its middle."""
    place = widget.rect().center() if at is None else at
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place)


def choose_file(monkeypatch: Any, method: str, path: Path | str) -> None:
    """Let the file dialog that a method opens be answered with a path."""
    chosen = (str(path), "") if method.endswith("FileName") else str(path)
    monkeypatch.setattr(QFileDialog, method, staticmethod(lambda *_args, **_more: chosen))


def drop(window: QWidget, *paths: Path) -> None:
    """Drop files on the window."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(400, 300), action, mime, button, none))
    QApplication.sendEvent(window, QDropEvent(QPointF(400, 300), action, mime, button, none))
