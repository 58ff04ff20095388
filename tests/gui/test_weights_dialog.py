"""What was downloaded: listed in a job, deleted after a question in place."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from person import click, find
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QTreeWidget

from cnnviz_desktop.engine.cached_weights import CachedWeights
from cnnviz_desktop.errors import ModelError

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def opened(window, qtbot):
    session = window.tabs._session
    qtbot.waitUntil(lambda: session.model is not None and "Feature maps" in session.answers)
    window.deeds["manage_weights"].trigger()
    dialog = find(window, "weightsDialog")
    qtbot.waitUntil(lambda: "Looking" not in find(dialog, "weightsTotal", QLabel).text())
    return dialog


def rows(dialog) -> list[list[str]]:
    tree = find(dialog, "weightsList", QTreeWidget)
    items = [tree.topLevelItem(i) for i in range(tree.topLevelItemCount())]
    return [[item.text(i).replace("\u2009", " ") for i in range(4)] for item in items]


@pytest.fixture
def cached(engine, tmp_path: Path) -> None:
    engine.cached = [
        CachedWeights(tmp_path / "r.pth", "resnet50", 102.5, WHEN),
        CachedWeights(tmp_path / "v.pth", "vgg16", 553.4, WHEN),
        CachedWeights(tmp_path / "odd.pth.partial", "", 4.25, WHEN, whole=False),
    ]


def test_listed_largest_first_with_the_total(drive, qtbot, picture, cached, tmp_path) -> None:
    def script(window) -> None:
        dialog = opened(window, qtbot)
        assert rows(dialog) == [
            ["vgg16", "553 MB", "2026-03-01", str(tmp_path / "v.pth")],
            ["resnet50", "102 MB", "2026-03-01", str(tmp_path / "r.pth")],
            [
                "odd.pth.partial (stopped)",
                "4.2 MB",
                "2026-03-01",
                str(tmp_path / "odd.pth.partial"),
            ],
        ]
        total = find(dialog, "weightsTotal", QLabel).text().replace("\u2009", " ")
        assert total == "3 files, 660 MB together"
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        assert not dialog.isVisible()

    drive(script, picture)


def test_deleting_asks_in_place_and_the_list_of_networks_knows(
    drive, qtbot, picture, engine, cached
) -> None:
    def here(window) -> bool:
        rows = window.model_panel.picker.list.rows
        return rows.row(rows.find("vgg16")).here

    def script(window) -> None:
        dialog = opened(window, qtbot)
        total = find(dialog, "weightsTotal", QLabel)
        click(find(dialog, "deleteWeights", QPushButton))
        assert total.text().replace("\u2009", " ") == "Delete vgg16 (553 MB)?"
        click(find(dialog, "keepWeights"))
        assert len(engine.cached) == 3
        assert total.text().startswith("3 files")
        assert here(window)
        click(find(dialog, "deleteWeights"))
        click(find(dialog, "reallyDelete"))
        qtbot.waitUntil(lambda: total.text().startswith("2 files"))
        assert rows(dialog)[0][0] == "resnet50"
        qtbot.waitUntil(lambda: not here(window))
        dialog.reject()

    drive(script, picture)
    assert [item.model for item in engine.cached] == ["resnet50", ""]


def test_one_is_deleted_after_the_other(drive, qtbot, picture, engine, cached) -> None:
    go_on, delete = threading.Event(), engine.delete_weights

    def slow(item: CachedWeights) -> None:
        assert go_on.wait(5)
        delete(item)

    engine.delete_weights = slow

    def script(window) -> None:
        dialog = opened(window, qtbot)
        click(find(dialog, "deleteWeights"))
        click(find(dialog, "reallyDelete"))
        assert find(dialog, "weightsTotal", QLabel).text() == "Deleting vgg16…"
        assert not find(dialog, "deleteWeights").isEnabled()  # or the first would be given up
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        go_on.set()
        rows = window.model_panel.picker.list.rows
        qtbot.waitUntil(lambda: not rows.row(rows.find("vgg16")).here)

    drive(script, picture)


def test_what_cannot_be_deleted_is_said(drive, qtbot, picture, engine, cached) -> None:
    def refuse(item: CachedWeights) -> None:
        raise ModelError("v.pth is in use. Close what uses it.")

    engine.delete_weights = refuse

    def script(window) -> None:
        dialog = opened(window, qtbot)
        click(find(dialog, "deleteWeights"))
        click(find(dialog, "reallyDelete"))
        message = find(dialog, "messageText", QLabel)
        qtbot.waitUntil(lambda: "is in use" in message.text())
        assert len(rows(dialog)) == 3
        dialog.reject()

    drive(script, picture)


def test_nothing_was_downloaded(drive, qtbot, picture) -> None:
    def script(window) -> None:
        dialog = opened(window, qtbot)
        assert find(dialog, "weightsTotal", QLabel).text() == "Nothing was downloaded yet"
        assert not find(dialog, "deleteWeights").isEnabled()
        dialog.reject()

    drive(script, picture)
