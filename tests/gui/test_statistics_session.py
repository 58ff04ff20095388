"""A session file keeps the table and how it is sorted."""

from __future__ import annotations

from pathlib import Path

import pytest
from person import choose_file
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


def test_a_saved_table_is_there_again_without_the_engine(
    drive, qtbot, picture: Path, tmp_path: Path, engine, monkeypatch
) -> None:

    path = tmp_path / "tables.cnnviz"
    choose_file(monkeypatch, "getSaveFileName", path)

    def save(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.model is not None and "Feature maps" in session.answers)
        session.set_tab("Statistics")
        qtbot.waitUntil(lambda: "Statistics" in session.answers)
        window.tabs.statistics.view.set_sorting("parameters", True)
        QTest.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(path.exists, timeout=20000)
        qtbot.waitUntil(lambda: not window.isWindowModified(), timeout=20000)

    drive(save, picture)
    made = [item for item in engine.performed if item.startswith("summary")]
    assert made == ["summary "]

    def look(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: "Statistics" in session.answers, timeout=20000)
        view = window.tabs.statistics.view
        assert session.tab == "Statistics"
        assert view.table().notes == ("2 Conv2d, 1 ReLU, 1 Linear.",)
        assert view.sorting() == ("parameters", True)
        assert view.model().index(0, 0).data() == "block.conv2"
        qtbot.waitUntil(lambda: session.model is not None, timeout=20000)

    drive(look, path)
    assert [item for item in engine.performed if item.startswith("summary")] == made
