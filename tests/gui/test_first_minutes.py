"""What a newcomer meets first: samples, the choice of weights, a download that fails, the keys."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from person import answered, find
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHeaderView,
    QListWidget,
    QTableView,
    QTabWidget,
)

from cnnviz_desktop.errors import ModelError
from cnnviz_desktop.gui.changing_menus import samples

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


def choose(combo: QComboBox, text: str) -> None:
    """Choose an entry with the keyboard, as a person does."""
    combo.setFocus()
    combo.showPopup()
    view = combo.view()
    view.setCurrentIndex(combo.model().index(combo.findText(text), 0))
    QTest.keyClick(view, Qt.Key.Key_Return)


def failing(engine, monkeypatch, *names: str) -> None:
    """Let networks be out of reach unless their weights are random or in a file."""
    load = engine.load_model

    def load_model(name, weights, device, run, **more):
        if name in names and weights is None:
            raise ModelError(f"The weights of {name} are not on this machine.")
        return load(name, weights, device, run, **more)

    monkeypatch.setattr(engine, "load_model", load_model)


def test_the_first_start_opens_all_samples(drive, qtbot) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        pictures = window.tabs._session.pictures
        qtbot.waitUntil(lambda: len(pictures) == len(samples()))
        strip = window.findChild(QListWidget, "imageStrip")
        assert strip.count() == len(samples()) >= 6
        assert pictures.current.image.path == samples()[0]
        assert strip.currentRow() == 0

    drive(script)


def test_arrow_keys_walk_the_layers_from_the_start(drive, qtbot, picture) -> None:
    def script(window) -> None:
        window.activateWindow()
        answered(window, qtbot)
        tree = find(window, "layerTree")
        assert window.focusWidget() is tree
        QTest.keyClick(tree, Qt.Key.Key_Down)
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv1 "))

    drive(script, picture)


def test_random_weights_are_one_choice_away_and_stay(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        models = window.tabs._session.models
        weights = find(window, "weightsPicker")
        assert weights.currentText() == "Pretrained"
        choose(weights, "Random, untrained")
        qtbot.waitUntil(lambda: models.current.weights == "none")
        assert weights.currentText() == "Random, untrained"
        QTest.keyClicks(find(window, "modelPicker"), "v")
        search = find(window, "modelSearch")
        QTest.keyClicks(search, "gg16")
        QTest.keyClick(search, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: models.current.name == "vgg16")
        assert models.current.weights == "none"
        assert window.focusWidget() is find(window, "layerTree")

    drive(script, picture)


def test_a_file_of_weights_is_chosen_and_shown(
    drive, qtbot, picture, tmp_path: Path, monkeypatch
) -> None:
    file = tmp_path / "resnet50-mine.pth"
    file.write_bytes(b"pretend")
    asked = lambda *_: (str(file), "")  # noqa: E731
    monkeypatch.setattr(QFileDialog, "getOpenFileName", asked)

    def script(window) -> None:
        answered(window, qtbot)
        models = window.tabs._session.models
        weights = find(window, "weightsPicker")
        choose(weights, "From a file…")
        qtbot.waitUntil(lambda: models.current.name == "resnet50")
        assert models.current.weights == str(file)
        assert weights.currentText() == "resnet50-mine.pth"
        choose(weights, "Pretrained")
        qtbot.waitUntil(lambda: models.weights is None and models.current.weights == "pretrained")
        assert weights.findText("resnet50-mine.pth") == -1

    drive(script, picture)


def test_a_choice_of_file_that_is_given_up_changes_nothing(
    drive, qtbot, picture, monkeypatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))

    def script(window) -> None:
        answered(window, qtbot)
        weights = find(window, "weightsPicker")
        choose(weights, "From a file…")
        assert weights.currentText() == "Pretrained"
        assert window.tabs._session.models.current.name == "bundled"

    drive(script, picture)


def test_a_model_out_of_reach_offers_random_weights(
    drive, qtbot, picture, engine, monkeypatch
) -> None:
    failing(engine, monkeypatch, "vgg16")

    def script(window) -> None:
        answered(window, qtbot)
        session, bar = window.tabs._session, window.tabs.message
        session.models.load("vgg16")
        qtbot.waitUntil(lambda: "not on this machine" in bar.text())
        assert find(window, "modelPicker").currentText() == "bundled"
        assert find(window, "messageAction").text() == "Choose a file…"
        button = find(window, "messageOtherAction")
        assert button.isVisible()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: session.model.name == "vgg16")
        assert session.model.weights == "none"
        assert bar.text() == ""
        assert find(window, "weightsPicker").currentText() == "Random, untrained"

    drive(script, picture)


def test_what_could_not_be_opened_at_the_start_is_still_said_when_the_model_is_there(
    drive, qtbot, picture, tmp_path: Path
) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no picture")

    def script(window) -> None:
        answered(window, qtbot)
        assert "notes.txt is text" in window.tabs.message.text()
        assert window.tabs._session.pictures.current.image.path == picture

    drive(script, text, picture)


def test_an_unknown_model_offers_no_weights(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.tabs._session.models.load("vgg61")
        qtbot.waitUntil(lambda: "Did you mean" in window.tabs.message.text())
        assert not find(window, "messageAction").isVisible()
        assert not find(window, "messageOtherAction").isVisible()

    drive(script, picture)


def test_loading_a_model_can_be_cancelled(drive, qtbot, picture, engine, monkeypatch) -> None:
    load, begun = engine.load_model, threading.Event()

    def load_model(name, weights, device, run, **more):
        if name == "vgg19":
            begun.set()
            for _ in run.track(range(2000), "Downloading"):
                threading.Event().wait(0.005)
        return load(name, weights, device, run, **more)

    monkeypatch.setattr(engine, "load_model", load_model)

    def script(window) -> None:
        answered(window, qtbot)
        session = window.tabs._session
        state = find(window, "stateLine")
        top = state.mapTo(window, state.rect().topLeft()).y()
        session.models.load("vgg19")
        cancel = find(window, "cancelButton")
        qtbot.waitUntil(lambda: begun.is_set() and cancel.isEnabled())
        qtbot.waitUntil(find(window, "progressBar").isVisible)
        assert find(window, "runButton").isEnabled()  # the old model still answers
        QTest.mouseClick(cancel, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: not cancel.isEnabled())
        assert session.model.name == find(window, "modelPicker").currentText() == "bundled"
        assert "Up to date" in window.technique_panel._state.text()
        qtbot.waitUntil(lambda: state.mapTo(window, state.rect().topLeft()).y() == top)

    drive(script, picture)


def test_tab_walks_the_controls_as_they_are_seen(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        qtbot.waitUntil(find(window, "exportButton").isVisible)
        qtbot.waitUntil(find(window, "runButton").isEnabled)
        walked = [find(window, "modelPicker")]
        walked[0].setFocus()
        while len(walked) < 60:
            QTest.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
            if window.focusWidget() is walked[0]:
                break
            walked.append(window.focusWidget())
        names = [widget.objectName() for widget in walked]
        wanted = (
            "modelPicker weightsPicker layerSearch convOnly layerTree pasteImage openImages "
            "imageStrip imageDropZone canvasTabBar copyButton exportButton channelSearch "
            "channelOrder mapGamma featureGrid techniqueHelp field_layer runButton devicePicker "
            "themeButton openModel"
        )
        assert [name for name in names if name in wanted.split()] == wanted.split()
        QTest.keyClick(window.focusWidget(), Qt.Key.Key_Backtab)
        assert window.focusWidget() is walked[-1]

    drive(script, picture)


def test_a_turned_tab_has_the_keyboard_in_its_canvas(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        tabs = find(window, "canvasTabs")
        assert isinstance(tabs, QTabWidget)
        window.tabs.feature_maps.grid.setFocus()
        tabs.setCurrentIndex(1)
        assert window.focusWidget() is find(window, "explainPicture")
        tabs.setCurrentIndex(0)
        assert window.focusWidget() is find(window, "predictionBars")
        tabs.setCurrentIndex(2)
        assert window.focusWidget() is window.tabs.feature_maps.grid

    drive(script, picture)


def test_the_fit_is_chosen_in_the_card_or_the_menu(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        models = window.tabs._session.models
        menu = {action.data(): action for action in window.deeds.menus["fits"].actions()}
        window.tabs.setCurrentIndex(0)
        fit = find(window, "fitPicker")
        choose(fit, "Squash")
        assert models.fit == "squash" and menu["squash"].isChecked()
        menu["pad"].trigger()
        assert fit.currentText() == "Pad"

    drive(script, picture)


def test_the_window_of_1280_shows_all_of_it(drive, qtbot, picture) -> None:
    def script(window) -> None:
        window.resize(1280, 800)
        answered(window, qtbot)
        assert window.tabs.feature_maps._bar_room.height() <= 44  # one row
        window.tabs.setCurrentIndex(0)
        table = window.findChild(QTableView, "predictionTable")
        qtbot.waitUntil(table.isVisible)
        QTest.qWait(20)
        assert table.horizontalScrollBar().maximum() == 0
        header = table.horizontalHeader()
        assert header.sectionResizeMode(0) == QHeaderView.ResizeMode.Stretch
        assert min(header.sectionSize(column) for column in (0, 1, 3)) > 90
        strip = window.findChild(QListWidget, "imageStrip")
        assert strip.viewport().width() // strip.gridSize().width() == 3

    drive(script, picture)


def test_nothing_overlaps_in_a_narrow_window(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.resize(820, 560)
        qtbot.waitUntil(lambda: window.tabs.feature_maps._bar_room.height() > 60)
        bar = window.tabs.feature_maps.bar
        boxes = [bar.itemAt(place).widget().geometry() for place in range(bar.count())]
        assert not any(a.intersects(b) for a in boxes for b in boxes if a is not b)
        assert max(box.right() for box in boxes) <= window.tabs.feature_maps.width()

    drive(script, picture)


def test_the_empty_page_says_why_a_file_was_not_opened(drive, qtbot, picture, tmp_path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no picture")

    def script(window) -> None:
        answered(window, qtbot)
        session, bar = window.tabs._session, window.tabs.message
        session.pictures.remove(session.pictures.current.key)
        qtbot.waitUntil(window.tabs.empty.isVisible)
        assert not bar.isVisible()
        window.commands.open_paths([text])
        qtbot.waitUntil(bar.isVisible)
        assert "notes.txt is text" in bar.text()
        assert (
            bar.mapTo(window, bar.rect().bottomLeft()).y()
            < window.tabs.empty.mapTo(window, window.tabs.empty.rect().center()).y()
        )
        window.tabs.setCurrentIndex(1)
        assert window.tabs.empty.isVisible() and bar.isVisible()
        session.pictures.open([picture])
        qtbot.waitUntil(lambda: not window.tabs.empty.isVisible())
        answered(window, qtbot, "Explain")
        assert find(window, "explainPicture").isVisible()

    drive(script, picture)


def test_filters_say_what_their_colours_mean(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.tabs.setCurrentIndex(3)
        answered(window, qtbot, "Filters")
        foot = window.tabs.filters._foot
        assert not foot.bar.isVisible()  # three inputs: the kernels are in colour
        assert "red, green and blue" in foot._about.text()

    drive(script, picture)


def test_someone_quicker_than_the_window_finds_the_tab_they_clicked(drive, qtbot, picture) -> None:
    def script(window) -> None:
        assert window.tabs.views == ()  # painted before they are built
        bar = window.tabs.tabBar()
        place = bar.tabRect(3).center()
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=place)
        QTest.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
        assert window.tabs._session.tab == "Filters"
        assert window.tabs.filters.isVisible()
        answered(window, qtbot, "Filters")
        assert len(window.tabs.views) == window.tabs.count()
        assert window.tabs.currentWidget() is window.tabs.filters
        assert find(window, "exportButton").isEnabled()

    drive(script, picture)


def test_a_window_closed_before_it_is_complete_goes_quietly(drive) -> None:
    assert drive(lambda window: window.close()) == 0


def test_a_message_that_goes_hands_the_keyboard_to_the_picture(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        message, tree = window.tabs.message, find(window, "layerTree")
        message.tell("info", "A session can be recovered.", "Recover", "session")
        find(window, "messageAction").setFocus()
        QTest.keyClick(find(window, "messageAction"), Qt.Key.Key_Space)
        assert window.focusWidget() is window.tabs.feature_maps.grid
        tree.setFocus()
        message.tell("info", "A session can be recovered.", "Recover", "session")
        QTest.mouseClick(find(window, "messageClose"), Qt.MouseButton.LeftButton)
        assert window.focusWidget() is tree  # a click on the cross takes nothing

    drive(script, picture)
