"""The help: pages, what a control is, a report."""

from __future__ import annotations

import pytest
from person import answered, find
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QWidget,
)

from cnnviz_desktop.engine.techniques import TECHNIQUES
from cnnviz_desktop.gui import whats_this
from cnnviz_desktop.gui.help_page import HelpPage
from cnnviz_desktop.gui.help_window import KEYS, PREDICTIONS, START, HelpWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

INTERACTIVE = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
)


def pages_of(window) -> HelpWindow:
    return find(window, "helpWindow")


def test_f1_opens_the_page_on_what_is_in_view_and_follows(drive, qtbot, picture) -> None:
    def script(window) -> None:
        window.activateWindow()
        answered(window, qtbot)
        QTest.keyClick(window, Qt.Key.Key_F1)
        pages = pages_of(window)
        assert pages.isVisible() and pages.name == "feature-maps"
        assert pages.page.toPlainText().startswith("Feature maps\n")
        assert "When not to" in pages.page.toPlainText()
        assert pages.page.verticalScrollBar().value() == 0
        session = window.tabs._session
        session.set_tab("Explain")
        assert pages.name == "grad-cam"
        window.technique_panel._picked_method("layer-cam")
        assert pages.name == "layer-cam"
        session.set_tab("Predictions")
        assert pages.name == PREDICTIONS
        pages.list.setCurrentItem(pages._items["occlusion"])  # the person's own choice stays
        session.set_tab("Explain")
        assert pages.name == "occlusion"
        QTest.keyClick(window, Qt.Key.Key_F1)
        assert pages.name == "layer-cam"
        qtbot.waitUntil(pages.isActiveWindow)
        QTest.keyClick(pages, Qt.Key.Key_Escape)
        assert not pages.isVisible()

    drive(script, picture)


def test_a_page_stays_where_it_is_read_when_the_theme_changes(qtbot) -> None:
    page = HelpPage()
    qtbot.addWidget(page)
    page.resize(400, 300)
    page.show()
    page.show_text("\n\n".join(f"Paragraph {number}" for number in range(200)))
    bar = page.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    before = bar.value()
    QApplication.sendEvent(page, QEvent(QEvent.Type.PaletteChange))
    assert before > 100
    assert bar.value() == before


def test_the_button_beside_a_technique_opens_its_page(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        QTest.mouseClick(find(window, "techniqueHelp"), Qt.MouseButton.LeftButton)
        assert pages_of(window).name == "feature-maps"
        pages_of(window).close()

    drive(script, picture)


def test_pages_are_found_by_words_and_linked(qtbot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    pages = HelpWindow(parent)
    pages.show_page("start")
    shown = lambda: [  # noqa: E731
        item.text()
        for item in map(pages.list.item, range(pages.list.count()))
        if not item.isHidden()
    ]
    everything = len(shown())
    QTest.keyClicks(pages.search, "baseline black dog")
    assert shown() == ["Explain", "Integrated gradients"]
    QTest.keyClick(pages.search, Qt.Key.Key_Return)
    assert pages.name == "integrated-gradients"
    pages.search.clear()
    assert len(shown()) == everything
    QTest.keyClicks(pages.search, "grad-cam")
    QTest.keyClick(pages.search, Qt.Key.Key_Return)
    assert pages.name == "grad-cam"  # the title, though pages before it have the word
    pages.search.setText("zyzzyva")
    assert shown() == ["No page has these words."]
    QTest.keyClick(pages.search, Qt.Key.Key_Return)
    assert pages.name == "grad-cam"
    pages.page.page_wanted.emit("evidence")
    assert pages.name == "evidence"
    pages.page.page_wanted.emit("no such page")
    assert pages.name == START


def test_every_link_of_the_first_page_leads_to_a_page(qtbot) -> None:
    import re

    from cnnviz_desktop.resources import resource

    names = {kind.command for kind in TECHNIQUES} | {START, PREDICTIONS, KEYS}
    text = (resource("help") / "start.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([\w-]+)\.md\)", text)
    assert len(links) > 10
    assert set(links) <= names


def test_pages_stand_in_the_order_of_the_tabs(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        QTest.keyClick(window, Qt.Key.Key_F1)
        pages = pages_of(window).list
        every = [pages.item(row) for row in range(pages.count())]
        heads = [item.text() for item in every if not (item.flags() or item.isHidden())]
        bar = window.tabs.tabBar()
        assert heads == [bar.tabText(index) for index in range(bar.count())]
        listed = [item.text() for item in every if item.flags()]
        assert len(listed) == 3 + len(TECHNIQUES)
        pages_of(window).close()

    drive(script, picture)


def test_pictures_are_found_in_the_shipped_folder(qtbot) -> None:
    from PySide6.QtCore import QUrl
    from PySide6.QtGui import QTextDocument

    parent = QWidget()
    qtbot.addWidget(parent)
    page = HelpWindow(parent).page
    kind = QTextDocument.ResourceType.ImageResource.value
    assert page.loadResource(kind, QUrl("grad-cam.png"))


def _spoken(widget: QWidget) -> bool:
    """Tell whether a click on a widget in the mode finds words, its own or its parents'."""
    part: QWidget | None = widget
    while part is not None and not part.isWindow():
        if part.whatsThis():
            return True
        part = part.parentWidget()
    return False


@pytest.mark.parametrize("place", range(10))
def test_every_control_says_what_it_is(drive, qtbot, picture, place) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        if place >= len(window.tabs.views):
            return
        tab = window.tabs.views[place].tab
        window.tabs._session.set_tab(tab)
        qtbot.waitUntil(lambda: window.tabs.view().tab == tab)
        whats_this.teach(window)
        parts = [
            part
            for part in window.findChildren(QWidget)
            if isinstance(part, INTERACTIVE)
            and not isinstance(part, QScrollBar)
            and part.isVisible()
        ]
        assert len(parts) > 12
        silent = [part.objectName() or repr(part) for part in parts if not _spoken(part)]
        assert not silent, silent

    drive(script, picture)


def test_shift_f1_and_a_click_tell_of_a_control(drive, qtbot, picture) -> None:
    from PySide6.QtWidgets import QWhatsThis

    def script(window) -> None:
        window.activateWindow()
        answered(window, qtbot)
        QTest.keyClick(window, Qt.Key.Key_F1, Qt.KeyboardModifier.ShiftModifier)
        assert QWhatsThis.inWhatsThisMode()
        button = find(window, "runButton")
        told = window.tabs._session.answers["Feature maps"]
        QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
        assert not QWhatsThis.inWhatsThisMode()
        assert window.tabs._session.answers["Feature maps"] is told  # it was asked, not pressed
        assert "Compute with these parameters" in button.whatsThis()
        for widget in QApplication.topLevelWidgets():
            if widget.inherits("QWhatsThat"):
                widget.close()

    drive(script, picture)


def test_words_follow_the_state_and_are_no_markup(qtbot) -> None:
    button = QLineEdit()
    qtbot.addWidget(button)
    button.setAccessibleName("Steps")
    button.setToolTip("1 < 2\nfor <b>all</b>")
    whats_this.teach(button)
    assert button.whatsThis() == (
        "<p><b>Steps</b></p><p>1 &lt; 2</p><p>for &lt;b&gt;all&lt;/b&gt;</p>"
    )
    button.setToolTip("")
    whats_this.teach(button)
    assert button.whatsThis() == ""


def test_a_report_has_the_words_and_the_facts(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.deeds["report"].trigger()
        page = find(window, "reportDialog")
        QTest.keyClicks(find(page, "problemWords"), "It was grey.")
        QTest.mouseClick(find(page, "copyProblem"), Qt.MouseButton.LeftButton)
        text = QApplication.clipboard().text()
        assert text.startswith("It was grey.\n\nPython 3")
        assert "Network: bundled, pretrained, on cpu" in text
        assert "Tab: Feature maps" in text
        QTest.mouseClick(find(page, "closeProblem"), Qt.MouseButton.LeftButton)
        assert not page.isVisible()

    drive(script, picture)
