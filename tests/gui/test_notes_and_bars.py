"""Colour bar, note list, and the time that is left."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from cnnviz_desktop.engine.run import Progress
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.colour_bar import ColourBar, colour_row
from cnnviz_desktop.gui.note_list import Note, NoteList
from cnnviz_desktop.gui.status_bar import remaining

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.fixture(autouse=True)
def light(qapp: QApplication) -> None:
    theme.apply(qapp, "light")


def test_bar_shows_real_values(qtbot) -> None:
    bar = ColourBar()
    qtbot.addWidget(bar)
    bar.resize(200, 30)
    bar.show_scale("magma", 0, 2965.2)
    assert bar.ends() == ("0", "2\u2009965") and "2\u2009965" in bar.accessibleName()
    bar.show_scale("RdBu_r", -1.5, 1.5)
    assert bar.ends() == ("−1.50", "1.50") and "zero" in bar.toolTip()
    bar.show_scale("inferno", 0, 1, note="each map's maximum")
    assert bar.ends() == ("0", "each map's maximum")
    assert not bar.grab().isNull()


def test_bar_bends_with_gamma() -> None:
    plain, bent = colour_row("gray"), colour_row("gray", 0.5)
    assert bent.pixelColor(64, 0).lightness() > plain.pixelColor(64, 0).lightness()
    signed = colour_row("RdBu_r", 0.5, signed=True)
    middle = signed.pixelColor(128, 0)
    assert min(middle.red(), middle.green(), middle.blue()) > 220


def test_notes_say_and_act(qtbot) -> None:
    notes = NoteList()
    qtbot.addWidget(notes)
    keys: list[str] = []
    notes.acted.connect(keys.append)
    notes.show_notes(
        [
            Note("warning", "Channel 170 sees only the border", "Why.", "Show channel 170", "170"),
            Note("ok", "No channel is dead"),
        ]
    )
    notes.resize(240, 200)
    notes.show()
    action = next(b for b in notes.findChildren(QPushButton) if b.isVisible())
    QTest.mouseClick(action, Qt.MouseButton.LeftButton)
    assert keys == ["170"]
    notes.show_notes([])
    assert notes.notes() == ()


def test_what_comes_after_the_last_step_has_no_time_left() -> None:
    assert remaining(Progress("looking", 0, 4, 1.0)) == ""
    assert remaining(Progress("looking", 1, 4, 2.0)) == "6 s left"
    assert remaining(Progress("looking", 3, 4, 1.5)) == "under 1 s left"
    assert remaining(Progress("looking", 4, 4, 2.0)) == ""
