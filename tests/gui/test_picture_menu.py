"""The menu of a picture: copied, saved, and what else its view offers."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from cnnviz_desktop.gui.picture_menu import offer_picture

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.fixture
def view(qtbot) -> QWidget:
    view = QWidget()
    qtbot.addWidget(view)
    view.show()
    return view


def choose(words: str | None, seen: list[str]) -> None:
    """Note the entries of the menu that opens next, and click one of them or none."""

    def answer() -> None:
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        seen.extend(action.text() for action in menu.actions())
        if words is None:
            QTest.keyClick(menu, Qt.Key.Key_Escape)
            return
        action = next(action for action in menu.actions() if action.text() == words)
        place = menu.actionGeometry(action).center()
        QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=place)

    QTimer.singleShot(50, answer)


def offered(view: QWidget, words: str | None, *, fit: bool = True) -> tuple[list[str], list[str]]:
    """Open the menu and click; return its entries and what was done."""
    image = QImage(3, 2, QImage.Format.Format_RGB32)
    image.fill(0xFF336699)
    seen: list[str] = []
    done: list[str] = []
    choose(words, seen)
    further = [("fit", "Fit to the window", lambda: done.append("fit"))] if fit else []
    offer_picture(view, QPoint(5, 5), image, lambda: done.append("save"), *further)
    return seen, done


def test_each_entry_does_its_deed_alone(view) -> None:
    QGuiApplication.clipboard().clear()
    seen, done = offered(view, "Save picture…")
    assert seen == ["Copy picture", "Save picture…", "", "Fit to the window"]
    assert done == ["save"]
    assert offered(view, "Fit to the window")[1] == ["fit"]
    assert QGuiApplication.clipboard().image().isNull()

    assert offered(view, "Copy picture")[1] == []
    copied = QGuiApplication.clipboard().image()
    assert (copied.width(), copied.height(), copied.pixel(2, 1)) == (3, 2, 0xFF336699)


def test_nothing_chosen_does_nothing_and_nothing_more_is_not_divided(view) -> None:
    QGuiApplication.clipboard().clear()
    seen, done = offered(view, None, fit=False)
    assert seen == ["Copy picture", "Save picture…"]
    assert done == []
    assert QGuiApplication.clipboard().image().isNull()
