"""The window without a mouse and without eyes: names for screen readers, and every way by keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from person import ready
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QHeaderView,
    QLineEdit,
    QMenu,
    QScrollArea,
    QScrollBar,
    QTabBar,
    QWidget,
)

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

_INTERACTIVE = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
)
_DIALOGS = (
    "settings",
    "manage_weights",
    "edit_input",
    "export",
    "export_all",
    "show_about",
    "show_keys",
)


def controls(parent: QWidget) -> Iterator[QWidget]:
    """Yield what a person can act on, without the parts that Qt puts inside a control."""
    for widget in parent.findChildren(QWidget):
        inside = widget.parentWidget()
        part = isinstance(inside, (QAbstractSpinBox, QComboBox, QTabBar)) or (
            isinstance(inside, QLineEdit) and isinstance(widget, QAbstractButton)
        )
        popup = widget.window() is not parent.window()
        acts = isinstance(widget, _INTERACTIVE) and not isinstance(
            widget, (QScrollBar, QHeaderView)
        )
        if acts and not (part or popup or widget.objectName().startswith("qt_")):
            yield widget


def unnamed(parent: QWidget) -> list[str]:
    """List the controls that a screen reader would have no words for."""
    return [
        f"{type(widget).__name__} “{widget.objectName()}” in {type(widget.parent()).__name__}"
        for widget in controls(parent)
        if not widget.objectName()
        or (widget.isVisible() and not (widget.accessibleName() or words_on(widget)))
    ]


def words_on(widget: QWidget) -> str:
    """Return what stands on a button, which is its name where it has no other."""
    return widget.text().strip("… ") if isinstance(widget, QAbstractButton) else ""


def test_every_control_of_every_tab_has_a_name(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        for place in range(window.tabs.count()):
            window.tabs.setCurrentIndex(place)
            QApplication.processEvents()
            assert not unnamed(window), window.tabs.tabText(place)

    assert drive(script, str(picture)) == 0


def test_every_control_of_the_dialogs_has_a_name(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        for deed in _DIALOGS:
            window.deeds[deed].trigger()
            QApplication.processEvents()
            shown = [item for item in window.findChildren(QDialog) if item.isVisible()]
            assert shown, deed
            for dialog in shown:
                assert not unnamed(dialog), deed
                assert dialog.windowTitle(), deed
                QTest.keyClick(dialog, Qt.Key.Key_Escape)
            qtbot.waitUntil(lambda: not any(d.isVisible() for d in window.findChildren(QDialog)))

    assert drive(script, str(picture)) == 0


def test_tab_reaches_every_control_in_view_and_comes_round(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        for place in range(window.tabs.count()):
            window.tabs.setCurrentIndex(place)
            QApplication.processEvents()
            window.activateWindow()
            seen: list[QWidget] = []
            for _ in range(300):
                QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_Tab)
                held = window.focusWidget()
                if held in seen:
                    break
                seen.append(held)
            assert held is seen[0], f"{window.tabs.tabText(place)}: Tab is caught"
            wanted = [item for item in controls(window) if takes_tab(item)]
            missed = [item.objectName() for item in wanted if item not in seen]
            assert not missed, window.tabs.tabText(place)

    assert drive(script, str(picture)) == 0


def takes_tab(widget: QWidget) -> bool:
    """Tell whether the keyboard ought to come to a control; arrow keys walk within a group."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    if group is not None and group.exclusive() and group.checkedButton() not in (None, widget):
        return False
    by_tab = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
    shown = widget.isVisible() and widget.isEnabled() and not widget.visibleRegion().isEmpty()
    return by_tab and shown and widget.focusProxy() is None and not isinstance(widget, QScrollArea)


def test_every_button_can_be_reached_by_keys(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        for place in range(window.tabs.count()):
            window.tabs.setCurrentIndex(place)
            QApplication.processEvents()
            deaf = [
                item.objectName()
                for item in controls(window)
                if isinstance(item, QAbstractButton)
                and item.isVisible()
                and not item.focusPolicy() & Qt.FocusPolicy.TabFocus
            ]
            assert not deaf, window.tabs.tabText(place)

    assert drive(script, str(picture)) == 0


def test_menus_open_by_letters_of_their_own(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        tops = [action.text() for action in window.menuBar().actions()]
        assert all(letters(tops).values())
        twice = [key for key, count in letters(tops).items() if count > 1]
        assert not twice
        for menu in window.menuBar().findChildren(QMenu):
            for key, count in letters([item.text() for item in menu.actions()]).items():
                assert count == 1, (menu.title(), key)  # or a press would only mark it

    assert drive(script, str(picture)) == 0


def letters(texts: list[str]) -> Counter[str]:
    """Count the letters that are underlined."""
    marked = [text.replace("&&", "").partition("&")[2][:1].lower() for text in texts if text]
    return Counter(mark for mark in marked if mark)


def test_no_shortcut_means_two_things(drive, qtbot, picture) -> None:
    def script(window) -> None:
        ready(window, qtbot)
        keys = Counter(
            sequence.toString() for action in window.deeds.all() for sequence in action.shortcuts()
        )
        assert not [key for key, count in keys.items() if count > 1]

    assert drive(script, str(picture)) == 0
