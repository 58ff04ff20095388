"""The settings: each change holds at once, whoever makes it, and is kept."""

from __future__ import annotations

import json

import pytest
from person import click, find
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QSpinBox,
)

from cnnviz_desktop.engine import caches
from cnnviz_desktop.gui import theme
from cnnviz_desktop.settings import settings_path

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Keep what is computed in a folder of this test alone."""
    monkeypatch.setenv(caches.FOLDER_VARIABLE, str(tmp_path / "cache"))
    yield tmp_path / "cache"
    caches.use_own_folder(None)


def opened(window, qtbot):
    session = window.tabs._session
    qtbot.waitUntil(lambda: session.model is not None and "Feature maps" in session.answers)
    window.deeds["settings"].trigger()
    dialog = find(window, "settingsDialog")
    qtbot.waitUntil(lambda: "Measuring" not in find(dialog, "settingCacheSize", QLabel).text())
    return dialog


def kept() -> dict:
    path = settings_path()
    return json.loads(path.read_text()) if path.exists() else {}


def test_look_memory_and_threads_hold_at_once_and_are_kept(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        dialog = opened(window, qtbot)

        click(find(dialog, "settingTheme_dark", QPushButton))
        assert theme.current().name == "dark"

        slider = find(dialog, "settingScale", QSlider)
        before = theme.px(100)
        slider.setFocus()
        QTest.keyClick(slider, Qt.Key.Key_Right)
        assert theme.px(100) > before

        memory = find(dialog, "settingMemory", QSpinBox)
        usual = memory.value()
        QTest.keyClick(memory, Qt.Key.Key_Down)
        assert memory.value() == usual - 128
        assert window.tabs._session.cache.budget == (usual - 128) * 2**20

        threads = find(dialog, "settingThreads", QSpinBox)
        QTest.keyClick(threads, Qt.Key.Key_Up)
        qtbot.waitUntil(lambda: engine.thread_counts == [1])

        qtbot.waitUntil(lambda: kept().get("threads") == 1)
        assert kept()["theme"] == "dark"
        assert kept()["memory_budget"] == usual - 128

        dialog._preferences.change(tour_seen=True, recent_folders=("/pictures",))
        click(find(dialog, "settingsDefaults", QPushButton))
        assert dialog._preferences.settings.tour_seen
        assert dialog._preferences.settings.recent_folders == ("/pictures",)
        assert theme.px(100) == before
        assert memory.value() == usual
        qtbot.waitUntil(lambda: engine.thread_counts == [1, 0])
        qtbot.waitUntil(lambda: "memory_budget" not in kept() and "threads" not in kept())

    assert drive(script, str(picture)) == 0


def test_motion_is_reduced_at_once(drive, qtbot, picture) -> None:
    usual = QApplication.cursorFlashTime()
    menus = Qt.UIEffect.UI_AnimateMenu

    def script(window) -> None:
        dialog = opened(window, qtbot)
        before = QApplication.isEffectEnabled(menus)

        click(find(dialog, "settingMotion", QCheckBox))

        assert QApplication.cursorFlashTime() == 0
        assert not QApplication.isEffectEnabled(menus)
        assert window.tabs._session._jobs.calm == 1.0
        qtbot.waitUntil(lambda: kept().get("reduced_motion") is True)

        click(find(dialog, "settingMotion", QCheckBox))
        assert QApplication.cursorFlashTime() == usual
        assert QApplication.isEffectEnabled(menus) or not before
        assert window.tabs._session._jobs.calm == 0.0

    assert drive(script, str(picture)) == 0


def test_preferred_colours_are_taken_by_every_view(drive, qtbot, picture) -> None:
    def script(window) -> None:
        dialog = opened(window, qtbot)
        maps, kernels = (find(window, name, QComboBox) for name in ("mapColours", "kernelColours"))
        assert (maps.currentText(), kernels.currentText()) == ("magma", "gray")

        chosen = find(dialog, "setting_sequential_map", QComboBox)
        chosen.setFocus()
        QTest.keyClick(chosen, Qt.Key.Key_Down)

        assert chosen.currentText() == maps.currentText() == "cividis"
        assert kernels.currentText() == "gray"
        assert window.tabs.feature_maps.grid.look().map_name == "cividis"
        qtbot.waitUntil(lambda: kept().get("sequential_map") == "cividis")

    assert drive(script, str(picture)) == 0


def test_what_others_change_is_shown(drive, qtbot, picture) -> None:
    def script(window) -> None:
        dialog = opened(window, qtbot)

        window.deeds["dark"].trigger()

        chosen = "dark" if theme.current().name == "dark" else "light"
        assert find(dialog, f"settingTheme_{chosen}", QPushButton).isChecked()

    assert drive(script, str(picture)) == 0


def test_little_that_is_kept_is_not_nothing(drive, qtbot, picture, own_cache) -> None:
    (own_cache / "gallery").mkdir(parents=True)
    (own_cache / "gallery" / "unit.npz").write_bytes(bytes(40))

    def script(window) -> None:
        dialog = opened(window, qtbot)
        assert find(dialog, "settingCacheSize", QLabel).text().replace("\u2009", " ") == "1 kB"
        assert find(dialog, "settingClear").isEnabled()

    assert drive(script, str(picture)) == 0


def test_what_took_long_is_measured_and_deleted(drive, qtbot, picture, own_cache) -> None:
    (own_cache / "gallery" / "model").mkdir(parents=True)
    (own_cache / "gallery" / "model" / "unit.npz").write_bytes(bytes(3_000_000))
    (own_cache / "thesis.txt").write_text("mine")

    def script(window) -> None:
        dialog = opened(window, qtbot)
        size, clear = find(dialog, "settingCacheSize", QLabel), find(dialog, "settingClear")
        assert size.text().replace("\u2009", " ") == "3.0 MB"
        assert find(dialog, "settingCache", QLineEdit).placeholderText() == str(own_cache)

        click(clear)

        qtbot.waitUntil(lambda: size.text() == "Nothing is kept")
        assert not clear.isEnabled()
        assert [path.name for path in own_cache.iterdir()] == ["thesis.txt"]

    assert drive(script, str(picture)) == 0


def test_what_is_being_deleted_is_deleted_though_the_dialog_goes(
    drive, qtbot, picture, engine, own_cache
) -> None:
    kept = own_cache / "gallery" / "model" / "unit.npz"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(bytes(1000))

    def script(window) -> None:
        dialog = opened(window, qtbot)
        qtbot.waitUntil(find(dialog, "settingClear").isEnabled)
        engine.deaf = 0.3  # seconds in which nothing else is begun
        window.tabs._session.pick_layer("block.conv1", "Feature maps")
        qtbot.waitUntil(lambda: len(engine.performed) > 1)
        click(find(dialog, "settingClear"))
        dialog.reject()
        qtbot.waitUntil(lambda: not kept.exists())

    drive(script, picture)


def test_another_folder_is_used_from_then_on(drive, qtbot, picture, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv(caches.FOLDER_VARIABLE)
    other = tmp_path / "other"

    def script(window) -> None:
        dialog = opened(window, qtbot)
        line = find(dialog, "settingCache", QLineEdit)

        line.setFocus()
        QTest.keyClicks(line, str(other))

        assert caches.own_folder("gallery") == other / "gallery"
        qtbot.waitUntil(lambda: kept().get("cache_folder") == str(other))

        line.selectAll()
        QTest.keyClick(line, Qt.Key.Key_Delete)
        assert caches.own_folder() != other

    assert drive(script, str(picture)) == 0


def test_the_machines_devices_are_offered(drive, qtbot, picture) -> None:
    def script(window) -> None:
        dialog = opened(window, qtbot)
        device = find(dialog, "settingDevice", QComboBox)
        assert [device.itemText(place) for place in range(device.count())] == ["CPU"]

    assert drive(script, str(picture)) == 0
