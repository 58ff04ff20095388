"""Sessions as a person meets them: save, close, open again, elsewhere too, and bad files."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from person import choose_file, click, drop, find, ready, settled
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QTreeWidget,
)

from cnnviz_desktop.data import InputSpec
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.desk import Desk
from cnnviz_desktop.gui.missing_files import MissingDialog
from cnnviz_desktop.sessions import read_session

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def saved(drive, qtbot, picture, tmp_path, monkeypatch) -> Path:
    """A session with something of everything, saved by keys and mouse."""
    path = tmp_path / "stars.cnnviz"
    choose_file(monkeypatch, "getSaveFileName", path)

    def script(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        image = QImage(12, 10, QImage.Format.Format_RGB32)
        image.fill(0xFF336699)
        QApplication.clipboard().setImage(image)
        QTest.keyClick(window, Qt.Key.Key_V, CTRL)
        qtbot.waitUntil(lambda: len(session.pictures) == 2)
        session.pictures.select(next(iter(session.pictures)))
        session.pick_layer("block.conv2", "Feature maps")
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv2 "))
        grid = window.tabs.feature_maps.grid
        click_tile(grid, 3)
        QTest.keyClick(grid, Qt.Key.Key_P)
        assert [pin.place.unit for pin in session.marks.pins()] == [Unit("block.conv2", 3)]
        text = find(window, "unitNoteText", QPlainTextEdit)
        QTest.keyClicks(text, "Edges, I think")
        QTest.keyClicks(find(window, "unitTags", QLineEdit), "edge, thin")
        click(find(window, "mapScale_layer"))
        window.tabs.setCurrentIndex(1)
        ready(window, qtbot, "Explain")
        QTest.keyClick(window.tabs.explain.controls["opacity"].slider, Qt.Key.Key_Home)
        window.tabs.setCurrentIndex(2)
        ready(window, qtbot)
        assert window.isWindowModified()
        QTest.keyClick(window, Qt.Key.Key_S, CTRL)
        qtbot.waitUntil(lambda: not window.isWindowModified())
        assert window.windowTitle() == "stars[*]"
        names = [action.text() for action in window.deeds.menus["recent_sessions"].actions()]
        assert names == ["stars"]

    drive(script, picture)
    return path


def click_tile(grid, channel: int) -> None:
    place = grid.tile_rect(channel).center()
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place)


def check_state(window) -> None:
    """Everything that `saved` left on screen is there."""
    session = window.tabs._session
    assert [session.pictures[key].image.name for key in session.pictures] == ["owl.png", "picture"]
    assert session.pictures.current.image.name == "owl.png"
    assert session.tab == "Feature maps"
    assert session.unit == Unit("block.conv2", 3)
    assert [pin.place.unit for pin in session.marks.pins()] == [Unit("block.conv2", 3)]
    assert find(window, "unitNoteText", QPlainTextEdit).toPlainText() == "Edges, I think"
    assert find(window, "unitTags", QLineEdit).text() == "edge, thin"
    assert window.tabs.feature_maps.grid.look().scale == "layer"
    assert window.tabs.feature_maps.grid.selected() == 3
    assert window.tabs.explain.controls["opacity"].value() == 0
    assert window.tabs.head.title().startswith("block.conv2 ")


def test_saved_closed_and_opened_again_is_the_same(drive, qtbot, saved, engine) -> None:
    before = len(engine.performed)
    shown = read_session(saved).results

    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=5000)
        check_state(window)
        ready(window, qtbot)
        check_state(window)
        values = session.answers["Feature maps"].result.values
        kept = next(item.value for item in shown if item.technique == "feature-maps")
        assert np.array_equal(values, kept.values)
        assert not session.is_stale("Feature maps")
        window.tabs.setCurrentIndex(1)
        assert "Explain" in session.answers
        assert not session.is_stale("Explain")
        assert window.windowTitle() == "stars[*]"
        assert not window.isWindowModified()
        assert engine.performed[before:] == []  # the results are live without being made again
        window.tabs.setCurrentIndex(2)
        session.pick_layer("block.conv1", "Feature maps")
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv1 "))
        QTest.keyClick(window, Qt.Key.Key_S, CTRL)
        qtbot.waitUntil(lambda: not window.isWindowModified())

    assert drive(script, saved) == 0
    assert engine.performed[before:] == ["feature-maps block.conv1"]
    assert read_session(saved).parameters["feature-maps"]["layer"] == "block.conv1"


def test_pictures_are_there_before_the_model(drive, qtbot, saved, engine) -> None:
    import threading

    gate = threading.Event()
    load = engine.load_model

    def late(*args, **more):
        assert gate.wait(20)
        return load(*args, **more)

    engine.load_model = late

    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=5000)
        assert session.model is None
        check_state(window)
        assert sorted(window.tabs.feature_maps.grid.shown()) == list(range(6))
        read = len(engine.read_places)
        gate.set()
        ready(window, qtbot)
        check_state(window)
        qtbot.waitUntil(lambda: len(engine.read_places) > read)  # what the strip below says

    drive(script, saved)


def test_a_dropped_session_takes_the_place_of_the_present_one(
    drive, qtbot, saved, tmp_path
) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(b"pretend")

    def script(window) -> None:
        ready(window, qtbot)
        drop(window, saved)
        qtbot.waitUntil(lambda: window.windowTitle() == "stars[*]")
        ready(window, qtbot)
        check_state(window)
        assert not window.deeds["undo"].isEnabled()

    drive(script, other)


def test_moved_files_are_asked_for(drive, qtbot, saved, picture, tmp_path, monkeypatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    moved = tmp_path / "pictures" / "deep" / "owl.png"
    elsewhere.mkdir()
    moved.parent.mkdir(parents=True)
    copy = Path(shutil.move(saved, elsewhere / "stars.cnnviz"))
    shutil.move(picture, moved)
    choose_file(monkeypatch, "getExistingDirectory", tmp_path / "pictures")

    def script(window) -> None:
        qtbot.waitUntil(lambda: window.findChild(MissingDialog) is not None, timeout=5000)
        dialog = window.findChild(MissingDialog)
        rows = find(dialog, "missingList", QTreeWidget)
        assert rows.topLevelItemCount() == 1
        assert rows.topLevelItem(0).text(0) == "owl.png"
        assert find(dialog, "skipMissing", QPushButton).text() == "Skip"
        click(find(dialog, "searchFolder"))
        qtbot.waitUntil(lambda: find(dialog, "skipMissing", QPushButton).text() == "Open")
        click(find(dialog, "skipMissing"))
        ready(window, qtbot)
        check_state(window)
        assert window.tabs._session.pictures.current.image.path == moved
        assert window.tabs.message.text() == ""

    drive(script, copy)


def test_another_file_in_its_place_is_said(drive, qtbot, saved, picture, tmp_path, monkeypatch):
    picture.unlink()
    other = tmp_path / "a-longer-name.png"  # the pretend engine makes other pixels of it
    other.write_bytes(b"pretend")
    choose_file(monkeypatch, "getOpenFileName", other)

    def script(window) -> None:
        qtbot.waitUntil(lambda: window.findChild(MissingDialog) is not None, timeout=5000)
        dialog = window.findChild(MissingDialog)
        click(find(dialog, "locateFile"))
        click(find(dialog, "skipMissing"))
        ready(window, qtbot)
        qtbot.waitUntil(lambda: "not the same as when" in window.tabs.message.text())
        assert window.tabs._session.pictures.current.image.path == other
        qtbot.waitUntil(lambda: not window.tabs._session.is_stale("Feature maps"))

    drive(script, saved)


def test_missing_weights_are_asked_for(
    drive, qtbot, picture, tmp_path, monkeypatch, engine
) -> None:
    weights, moved = tmp_path / "vgg16-mine.pth", tmp_path / "new" / "vgg16-mine.pth"
    weights.write_bytes(b"pretend")
    moved.parent.mkdir()
    path = tmp_path / "own.cnnviz"
    choose_file(monkeypatch, "getSaveFileName", path)
    choose_file(monkeypatch, "getOpenFileName", moved)

    def save(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        session.models.load("vgg16", weights)
        qtbot.waitUntil(lambda: session.model.name == "vgg16")
        ready(window, qtbot)
        window.deeds["save_session"].trigger()
        qtbot.waitUntil(path.is_file)
        qtbot.waitUntil(lambda: window.windowTitle() == "own[*]")

    def open_again(window) -> None:
        qtbot.waitUntil(lambda: window.findChild(MissingDialog) is not None, timeout=5000)
        dialog = window.findChild(MissingDialog)
        rows = find(dialog, "missingList", QTreeWidget)
        assert [rows.topLevelItem(i).text(0) for i in range(2)] == ["owl.png", "vgg16-mine.pth"]
        assert rows.topLevelItemCount() == 2
        rows.setCurrentItem(rows.topLevelItem(1))
        click(find(dialog, "locateFile"))  # the picture lies beside it and is found as well
        qtbot.waitUntil(lambda: find(dialog, "skipMissing", QPushButton).text() == "Open")
        click(find(dialog, "skipMissing"))
        ready(window, qtbot)
        session = window.tabs._session
        assert session.model.weights == str(moved)
        assert not session.is_stale("Feature maps")

    drive(save, picture)
    shutil.move(picture, moved.parent / picture.name)
    weights.rename(moved)
    before = len(engine.performed)
    drive(open_again, path)
    assert len(engine.performed) == before


def test_skipped_weights_and_labels_are_said(
    drive, qtbot, picture, tmp_path, monkeypatch, engine
) -> None:
    weights, names = tmp_path / "vgg16-mine.pth", tmp_path / "names.txt"
    paths = tmp_path / "own.cnnviz", tmp_path / "named.cnnviz"
    for path in (weights, names):
        path.write_bytes(b"pretend")

    def save(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        for path, origin, spec in (
            (paths[0], ("vgg16", weights), InputSpec()),
            (paths[1], ("vgg16", None), InputSpec(labels=names)),
        ):
            choose_file(monkeypatch, "getSaveFileName", path)
            session.models.load(*origin, spec=spec)
            qtbot.waitUntil(lambda spec=spec: session.model.name == "vgg16")
            ready(window, qtbot)
            window.deeds["save_session_as"].trigger()
            qtbot.waitUntil(lambda path=path: window.windowTitle() == f"{path.stem}[*]")

    def skip(window) -> None:
        qtbot.waitUntil(lambda: window.findChild(MissingDialog) is not None, timeout=5000)
        click(find(window.findChild(MissingDialog), "skipMissing"))
        session = window.tabs._session
        qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=5000)
        settled(window, qtbot)

    def without_weights(window) -> None:
        skip(window)
        assert window.tabs._session.model is None
        assert engine.asked[asked:] == []  # it is not looked for where it is not
        text = window.tabs.message.text()
        assert text.startswith("vgg16-mine.pth was left out, so the network is not loaded")
        assert window.model_panel.picker.shown() == "vgg16"
        assert find(window, "modelSummary").text() == "Not loaded"

    def without_labels(window) -> None:
        skip(window)
        assert window.tabs._session.model.spec == InputSpec()
        assert window.tabs.message.text().startswith("names.txt was left out: classes have")

    drive(save, picture)
    weights.unlink()
    names.unlink()
    asked = len(engine.asked)
    drive(without_weights, paths[0])
    drive(without_labels, paths[1])


def test_forms_and_results_come_back_beside_a_selected_unit(
    drive, qtbot, picture, tmp_path, monkeypatch, engine
) -> None:
    """A class that is grown, a place of the card, and pictures that were changed on their way."""
    path = tmp_path / "own.cnnviz"
    choose_file(monkeypatch, "getSaveFileName", path)
    tabs, said = ("Maximise", "Unit"), []

    def save(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        session.pick_unit(Unit("block", 2))
        grown = replace(session.techniques["Maximise"], objective="class", target=1, steps=9)
        session.set_technique("Maximise", grown)
        session.set_technique("Unit", replace(session.techniques["Unit"], row=3, column=4))
        engine.reach = 5
        session.run("Maximise")
        qtbot.waitUntil(lambda: "Maximise" in session.answers)
        session.set_technique("Maximise", replace(grown, rate=0.1))
        engine.reach = 9
        settled(window, qtbot)
        said.extend(session.techniques[tab] for tab in tabs)
        assert session.answers["Maximise"].altered and session.is_stale("Maximise")
        window.deeds["save_session"].trigger()
        qtbot.waitUntil(lambda: window.windowTitle() == "own[*]")

    def open_again(window) -> None:
        ready(window, qtbot)
        session = window.tabs._session
        assert session.unit == Unit("block", 2)
        assert [session.techniques[tab] for tab in tabs] == said
        assert session.answers["Maximise"].altered and session.is_stale("Maximise")

    drive(save, picture)
    drive(open_again, path)


def test_a_device_that_is_not_here(drive, qtbot, saved) -> None:
    from cnnviz_desktop.sessions import write_session

    state = read_session(saved)
    elsewhere = replace(state.models[0], device="cuda:3")
    write_session(saved, replace(state, models=(elsewhere,)))

    def script(window) -> None:
        ready(window, qtbot)
        check_state(window)
        assert window.tabs._session.models.device == "cpu"
        assert not window.isWindowModified()

    drive(script, saved)


def test_hostile_values_do_no_harm(drive, qtbot, saved) -> None:
    """Sound as a file, senseless in a window: it is shown as far as it makes sense."""
    from cnnviz_desktop.sessions import SavedPin, SavedUnit, write_session

    state = read_session(saved)
    unit = SavedUnit("no such layer", 10**9)
    views = {
        "Feature maps": {"order": 7, "colours": "jet; drop table", "tile_side": 1e300, "gamma": []},
        "Explain": {"mode": "x" * 1000, "opacity": True, "seconds": "soon"},
        "window": {"file": "/etc/passwd"},
        "no such tab": {"a": None},
    }
    wide = replace(state.results[0].value.region, right=40_000, bottom=40_000)
    results = tuple(
        replace(item, value=replace(item.value, region=wide))
        if item.technique == "feature-maps"
        else item
        for item in state.results
    )
    hostile = replace(
        state,
        tab="no such tab",
        unit=unit,
        pins=(SavedPin(unit, 10**9),),
        parameters={
            "feature-maps": {"layer": "no such layer", "call": 500},
            "grad-cam": {"layer": None, "target": "../../etc"},
            "filters": {"nonsense": 1},
            "palm-reading": {},
        },
        views=views,
        results=results,
    )
    write_session(saved, hostile)

    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.model is not None and len(session.pictures) == 2)
        qtbot.waitUntil(lambda: not window._jobs.busy())
        for tab in (0, 1, 3, 2):
            window.tabs.setCurrentIndex(tab)
            qtbot.waitUntil(lambda: not window._jobs.busy())
            window.grab()
        session.pick_layer("block.conv1", "Feature maps")
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv1 "))
        session.marks.set_all((), {})
        window.findChild(Desk).documents.closed = True
        window.removeEventFilter(window.findChild(Desk).documents)

    drive(script, saved)


def test_skipping_a_missing_picture(drive, qtbot, saved, picture) -> None:
    picture.unlink()

    def script(window) -> None:
        qtbot.waitUntil(lambda: window.findChild(MissingDialog) is not None, timeout=5000)
        QTest.keyClick(window.findChild(MissingDialog), Qt.Key.Key_Return)
        session = window.tabs._session
        qtbot.waitUntil(lambda: len(session.pictures) == 1 and session.model is not None)
        assert session.pictures.current.image.name == "picture"
        assert "owl.png was left out" in window.tabs.message.text()

    drive(script, saved)


def test_cancelling_leaves_the_window_as_it_is(drive, qtbot, saved, picture, tmp_path) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(b"pretend")
    picture.unlink()

    def script(window) -> None:
        ready(window, qtbot)
        drop(window, saved)
        qtbot.waitUntil(lambda: window.findChild(MissingDialog) is not None, timeout=5000)
        QTest.keyClick(window.findChild(MissingDialog), Qt.Key.Key_Escape)
        assert window.tabs._session.pictures.current.image.path == other
        assert window.windowTitle() == "CNNviz[*]"

    drive(script, other)


@pytest.mark.parametrize("kind", ["text", "cut", "strange", "newer"])
def test_a_bad_session_is_one_sentence(drive, qtbot, saved, picture, kind, tmp_path) -> None:
    bad = tmp_path / "bad.cnnviz"
    if kind == "text":
        bad.write_text("no session")
    elif kind == "cut":
        bad.write_bytes(saved.read_bytes()[:400])
    else:
        with zipfile.ZipFile(saved) as old, zipfile.ZipFile(bad, "w") as new:
            for item in old.infolist():
                data = old.read(item)
                if kind == "newer" and item.filename == "session.json":
                    data = data.replace(b'"cnnviz_session": 1', b'"cnnviz_session": 99')
                new.writestr(item.filename, data)
            if kind == "strange":
                new.writestr("../../evil.py", "boom")

    def script(window) -> None:
        ready(window, qtbot)
        title = window.tabs.head.title()
        drop(window, bad)
        qtbot.waitUntil(lambda: "bad.cnnviz" in window.tabs.message.text())
        assert window.tabs.message.level == "error"
        assert window.tabs.head.title() == title
        assert window.tabs._session.model is not None
        assert window.tabs._session.pictures.current.image.path == picture

    drive(script, picture)


def test_a_bad_session_at_the_start_leaves_the_usual_one(drive, qtbot, sample, tmp_path) -> None:
    bad = tmp_path / "bad.cnnviz"
    bad.write_text("no session")

    def script(window) -> None:
        ready(window, qtbot)
        assert window.tabs._session.pictures.current.image.name == sample.name
        assert "bad.cnnviz" in window.tabs.message.text()  # what came after did not take it away

    drive(script, bad)


def test_closing_asks_only_where_something_would_be_lost(
    drive, qtbot, picture, tmp_path, monkeypatch
) -> None:
    path = tmp_path / "kept.cnnviz"
    choose_file(monkeypatch, "getSaveFileName", path)

    def script(window) -> None:
        ready(window, qtbot)
        window.tabs._session.pick_layer("block.conv1", "Feature maps")
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv1 "))
        assert not window.isWindowModified()  # nothing but a few clicks
        grid = window.tabs.feature_maps.grid
        click_tile(grid, 1)
        QTest.keyClick(grid, Qt.Key.Key_P)
        qtbot.waitUntil(window.isWindowModified)
        window.close()
        assert window.isVisible()
        box = window.findChild(QMessageBox, "saveQuestion")
        assert "1 pinned unit" in box.informativeText()
        QTest.keyClick(box, Qt.Key.Key_Escape)
        assert window.isVisible()
        window.close()
        box = next(item for item in window.findChildren(QMessageBox) if item.isVisible())
        click(box.button(QMessageBox.StandardButton.Save))
        qtbot.waitUntil(lambda: not window.isVisible())

    drive(script, picture)
    assert len(read_session(path).pins) == 1


def test_settings_hold_theme_size_and_recent_files(drive, qtbot, picture) -> None:
    from cnnviz_desktop.settings import load_settings

    def script(window) -> None:
        ready(window, qtbot)
        QTest.keyClick(window, Qt.Key.Key_Plus, CTRL)
        QTest.keyClick(window, Qt.Key.Key_D, CTRL | SHIFT)

    def back(window) -> None:
        from cnnviz_desktop.gui import theme

        assert theme.current().name == kept.theme
        assert theme.px(100) == pytest.approx(110, abs=2)
        QTest.keyClick(window, Qt.Key.Key_0, CTRL | Qt.KeyboardModifier.AltModifier)

    drive(script, picture)
    kept, warning = load_settings()
    assert not warning
    assert kept.interface_scale == pytest.approx(1.1)
    assert kept.theme in ("light", "dark")
    assert kept.recent_images == (str(picture),)
    assert kept.recent_models == ("bundled",)
    drive(back, picture)


def test_the_memory_budget_is_applied(drive, qtbot, picture) -> None:
    from cnnviz_desktop.settings import Settings, save_settings

    save_settings(Settings(memory_budget=64))

    def script(window) -> None:
        ready(window, qtbot)
        assert window.tabs._session.cache.budget == 64 * 2**20

    drive(script, picture)
