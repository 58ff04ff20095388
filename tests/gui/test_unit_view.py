"""The unit of the card, its pin and its note stay the same one, however it was chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPlainTextEdit

from cnnviz_desktop.data import Activation, Card, Table
from cnnviz_desktop.engine.run import SILENT
from cnnviz_desktop.engine.techniques import UnitCard
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.session import UNIT

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen
STRONGEST = 3


@pytest.fixture(autouse=True)
def cards(engine, monkeypatch):
    """An engine that gives a card of the channel that is asked for."""
    perform = engine.perform

    def performed(technique, model, image, run):
        if not isinstance(technique, UnitCard):
            return perform(technique, model, image, run)
        channel = technique.channel if technique.channel >= 0 else STRONGEST
        return Card(
            layer=technique.layer,
            kind="Sequential",
            channel=channel,
            count=6,
            rank=1,
            maps=Activation(np.ones((1, 8, 8), np.float32), technique.layer, image.whole),
            reading=engine.read(model, image, technique.layer, 1, (channel, 2, 3), SILENT),
            facts=Table("facts", ("fact", "value"), ("", ""), (("mean", 1.0),)),
            classes=(),
            losses=np.zeros(0, np.float32),
        )

    monkeypatch.setattr(engine, "perform", performed)


def test_note_beside_the_card_is_of_its_unit(drive, qtbot, picture):
    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.unit is not None, timeout=20000)
        QTest.keyClick(window, Qt.Key.Key_5, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda: UNIT in session.answers)
        before = session.unit
        channel = (before.channel + 1) % 6
        session.set_technique(UNIT, replace(session.techniques[UNIT], channel=channel, row=2))
        assert session.unit == before  # the card in view is that of the old one yet
        session.run(UNIT)
        qtbot.waitUntil(lambda: session.unit == Unit("block", channel))
        assert session.techniques[UNIT].row == 2
        assert not session.is_stale(UNIT)
        window.findChild(QPlainTextEdit, "unitNoteText").setPlainText("eyes")
        assert session.marks.note(Unit("block", channel)).text == "eyes"
        assert window.tabs.unit.drawn_as() == {"caption": "My hypothesis: eyes"}
        session.marks.set_all((), {})

    drive(script, picture)


def test_the_strongest_is_selected_and_stays_what_was_asked_for(drive, qtbot, picture):
    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.unit is not None, timeout=20000)
        QTest.keyClick(window, Qt.Key.Key_5, Qt.KeyboardModifier.ControlModifier)
        session.set_technique(UNIT, replace(session.techniques[UNIT], channel=-1))
        session.run(UNIT)
        qtbot.waitUntil(lambda: session.unit == Unit("block", STRONGEST))
        assert session.techniques[UNIT].channel == -1
        # pin and note have their place though the maps of another layer were seen last
        session.answers.pop("Feature maps")
        session.pick_layer("block.conv1", UNIT)
        qtbot.waitUntil(lambda: session.unit == Unit("block.conv1", STRONGEST))
        card = window.findChild(QPlainTextEdit, "unitNoteText")
        qtbot.waitUntil(card.isVisible)
        assert card.isEnabled()

    drive(script, picture)
