"""The tab that compares networks, by real events through the real main()."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from person import click, find, settled
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QListWidget,
    QMessageBox,
    QPushButton,
    QSlider,
)

from cnnviz_desktop.data import (
    RANDOM,
    Activation,
    Box,
    Compared,
    Comparison,
    Strip,
)
from cnnviz_desktop.engine.techniques import CompareModels
from cnnviz_desktop.errors import ModelError
from cnnviz_desktop.gui.check_list import CheckList
from cnnviz_desktop.gui.compared_columns import columns
from cnnviz_desktop.gui.compared_head import ComparedHead
from cnnviz_desktop.gui.compared_maps import ComparedMaps
from cnnviz_desktop.gui.heat_panels import HeatPanels
from cnnviz_desktop.gui.model_check_list import ModelCheckList, said_of
from cnnviz_desktop.gui.work import Answer
from cnnviz_desktop.settings import Settings, save_settings

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

TAB = "Compare"


def begin(window, qtbot) -> None:
    """Wait until the bundled network has answered, and turn to the tab."""
    session = window.tabs._session
    qtbot.waitUntil(lambda: session.model is not None, timeout=30000)
    settled(window, qtbot)
    QTest.keyClick(window, Qt.Key.Key_9, Qt.KeyboardModifier.ControlModifier)
    assert session.tab == TAB


def compared(window, qtbot, count: int) -> Comparison:
    """Wait for the whole comparison of so many networks."""
    session = window.tabs._session

    def whole() -> bool:
        answer = session.answers.get(TAB)
        return answer is not None and not answer.partial and len(answer.result.models) == count

    qtbot.waitUntil(whole, timeout=60000)
    settled(window, qtbot)
    return session.answers[TAB].result


@pytest.mark.slow
def test_a_training_from_its_first_step_to_its_last(bundled_weights, drive, qtbot, sample) -> None:
    others = sorted(sample.parent.glob("*.png"))[1:2]

    def script(window) -> None:
        begin(window, qtbot)
        start = find(window, "comparedStart")
        assert start.isVisible()
        came: list[int] = []
        session = window.tabs._session
        session.answered.connect(lambda tab, a: came.append(len(a.result.models)) or tab)
        click(find(start, "presetTraining", QPushButton))
        found = compared(window, qtbot, 4)
        assert came[:3] == [1, 2, 3], "each is shown as it comes"
        assert not start.isVisible()
        view = window.tabs.view()
        assert view.view.hasFocus(), "the keyboard goes to what came of the button"

        # The trained network alone is sure, and all explain what it sees.
        sure = [item.prediction.top(1)[0] for item in found.models]
        assert sure[0][2] > 0.9 > sure[1][2]
        label = sure[0][1]
        assert {item.heatmap.target_label for item in found.models} == {label}
        said = find(window, "comparedHead").accessibleDescription()
        assert "bundled (step-00000)" in said and "63.7" in said and label in said
        assert label in view.title()[1]

        # All columns go to another depth together.
        slider = find(window, "comparedDepth", QSlider)
        maps = find(window, "comparedMaps", ComparedMaps)
        assert slider.value() == slider.maximum() == 3
        assert "128 maps of 8×8" in maps.accessibleDescription()
        slider.setFocus()
        QTest.keyClick(slider, Qt.Key.Key_Home)
        first = found.models[0].strips[0]
        assert maps.accessibleDescription().count(first.maps.layer) == 4
        heat = find(window, "comparedHeat", HeatPanels)
        assert heat.panel().heatmap.layer == found.models[0].heatmap.layer
        click(find(window, "comparedExplained_depth", QPushButton))
        assert heat.panel().heatmap is found.models[0].heatmaps[0]

        _the_mouse_is_linked(qtbot, heat, maps, found)

        # A map of the first network that is clicked is the unit of all tabs.
        click(maps, maps.tile_rect(0, 2).center())
        assert (session.unit.layer, session.unit.channel) == (first.maps.layer, first.channels[2])
        other = maps.tile_rect(1, 2).center()
        click(maps, other)
        assert session.unit.channel == first.channels[2], "the others are not open"
        settled(window, qtbot)

        # Another picture is compared at once.
        before = session.answers[TAB]
        window.deeds["next_image"].trigger()
        qtbot.waitUntil(lambda: session.answers[TAB] is not before, timeout=20000)
        compared(window, qtbot, 4)
        assert session.answers[TAB].image is session.pictures.current.image
        assert view.title()[1].startswith(session.pictures.current.image.name)

        # It leaves as picture, figure and command.
        assert view.can_export() and not view.picture().isNull()
        window.deeds["copy_command"].trigger()
        text = QApplication.clipboard().text()
        assert text.startswith("cnnviz compare bundled") and "--models=" in text

    assert drive(script, sample, *others, real=True) == 0


def _the_mouse_is_linked(qtbot, heat: HeatPanels, maps: ComparedMaps, found: Comparison) -> None:
    """Zoom and point in one panel: the others and the maps follow."""
    places = heat.linked.places()
    centre = QPointF(places[2].room.center())
    wheel = QWheelEvent(
        centre, heat.mapToGlobal(centre), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(heat, wheel)
    assert heat.linked.zoom > 1.3
    QTest.mouseMove(heat, places[1].room.center())
    qtbot.waitUntil(lambda: maps._here is not None)
    before = maps.grab().toImage()
    QTest.mouseMove(heat, places[1].room.center() + QPoint(20, 10))
    qtbot.waitUntil(lambda: maps.grab().toImage() != before)
    QTest.mouseMove(maps, maps.tile_rect(3, 0).center())
    region = found.models[3].strips[0].maps.region
    middle = (region.left + region.width / 2, region.top + region.height / 2)
    qtbot.waitUntil(lambda: maps._here is not None)
    assert np.allclose(maps._here, middle, atol=region.width / 20)
    heat.fit()


def test_networks_are_ticked_in_a_list_and_run(bundled_weights, drive, qtbot, sample) -> None:
    def script(window) -> None:
        begin(window, qtbot)
        session = window.tabs._session
        field = find(window, "comparedModels", CheckList)
        click(field)
        rows = find(window, "comparedModelsList", QListWidget)
        words = [rows.item(row).text() for row in range(rows.count())]
        assert "bundled (random weights)" in words
        assert any(item.startswith("vgg16") and "downloads 553 MB" in item for item in words)
        assert len(words) > 500
        search = find(window, "comparedModelsSearch")
        QTest.keyClicks(search, "bundled (random")
        QTest.keyClick(search, Qt.Key.Key_Return)
        QTest.keyClick(search, Qt.Key.Key_Escape)
        assert session.techniques[TAB].models == ("bundled=none",)
        assert find(window, "field_models", CheckList).names() == ("bundled=none",), "the form too"
        QTest.keyClick(window, Qt.Key.Key_F5)
        found = compared(window, qtbot, 2)
        assert [item.model for item in found.models] == ["bundled", "bundled (random weights)"]
        assert found.models[1].seconds > 0

        # More than four are refused in a sentence; the choice stays.
        field.choose(("bundled=none", "vgg16", "vgg19", "resnet50"))
        field.ticked.emit()
        assert "At most 4 models" in window.tabs.message.text()
        assert field.names() == ("bundled=none",)

    assert drive(script, sample, real=True) == 0


def test_the_classic_four_ask_before_they_download(engine, drive, qtbot, picture, monkeypatch):
    asked: list[CompareModels] = []
    usual = engine.perform

    def perform(technique, model, image, run):
        if isinstance(technique, CompareModels):
            asked.append(technique)
            return Comparison("none", ())
        return usual(technique, model, image, run)

    monkeypatch.setattr(engine, "perform", perform)
    monkeypatch.setenv("TORCH_HOME", "/nowhere")

    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)
        window.tabs.setCurrentIndex(8)
        classic = find(window, "presetClassic", QPushButton)
        click(classic)
        box = find(window, "downloadQuestion", QMessageBox)
        assert "1.3" in box.text() and "inception_v3" in box.informativeText()
        click(box.button(QMessageBox.StandardButton.Cancel))
        assert asked == [] and session.model.name != "vgg16"
        click(classic)
        buttons = window.findChildren(QPushButton, "downloadRandom")
        click(next(button for button in buttons if button.isVisible()))
        qtbot.waitUntil(lambda: bool(asked), timeout=9000)
        assert (session.model.name, session.model.weights) == ("vgg16", "none")
        assert asked[0].models == ("vgg19=none", "resnet50=none", "inception_v3=none")

    assert drive(script, picture) == 0


def test_a_network_that_holds_its_weights_is_not_drawn_anew(
    engine, drive, qtbot, picture, tmp_path
) -> None:
    own = tmp_path / "own.onnx"
    own.touch()

    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)
        session.models.load(str(own))
        qtbot.waitUntil(lambda: session.model.name == str(own), timeout=9000)
        window.tabs.setCurrentIndex(8)
        click(find(window, "presetRandom", QPushButton))
        assert window.tabs.message.text().startswith("own.onnx holds its weights itself")
        assert session.techniques[TAB].models == ()

    assert drive(script, picture) == 0


def test_networks_whose_first_did_not_come_are_not_compared_later(
    engine, drive, qtbot, picture, monkeypatch
) -> None:
    usual = engine.load_model

    def refuse(name, *given, **more):
        raise ModelError("It cannot be downloaded.")

    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)
        window.tabs.setCurrentIndex(8)
        monkeypatch.setattr(engine, "load_model", refuse)
        window.tabs.view().presets._begin_classic(RANDOM)
        qtbot.waitUntil(lambda: "cannot be downloaded" in window.tabs.message.text(), timeout=9000)
        monkeypatch.setattr(engine, "load_model", usual)
        session.models.load("vgg16", RANDOM)
        qtbot.waitUntil(lambda: session.model.name == "vgg16", timeout=9000)
        assert session.techniques[TAB].models == ()
        assert session.job(TAB) is None

    assert drive(script, picture) == 0


def test_networks_are_compared_where_the_first_comes_to_another_device(
    engine, drive, qtbot, picture, monkeypatch
) -> None:
    usual, perform, go = engine.load_model, engine.perform, threading.Event()

    def slow(*given, **more):
        go.wait(9)
        return usual(*given, **more)

    def compare(technique, *given):
        if isinstance(technique, CompareModels):
            return Comparison("none", ())
        return perform(technique, *given)

    monkeypatch.setattr(engine, "perform", compare)

    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)
        window.tabs.setCurrentIndex(8)
        monkeypatch.setattr(engine, "load_model", slow)
        window.tabs.view().presets._begin_classic(RANDOM)
        session.models.set_device("cuda:0")  # while the first is on its way
        go.set()
        qtbot.waitUntil(lambda: session.model.name == "vgg16", timeout=9000)
        assert session.techniques[TAB].models == (
            "vgg19=none",
            "resnet50=none",
            "inception_v3=none",
        )

    assert drive(script, picture) == 0


def test_recent_networks_come_first_in_the_list(qtbot, tmp_path: Path) -> None:
    save_settings(Settings(recent_models=("/nets/mine.py:make\n/nets/best.pth", "resnet50")))
    field = ModelCheckList("several", "Models", "Which.")
    qtbot.addWidget(field)
    field.show()
    field.choose(("vgg19=none",))
    assert field.toolTip().startswith("vgg19 (random weights)")
    click(field)
    rows = find(field, "severalList", QListWidget)
    words = [rows.item(row).text() for row in range(4)]
    assert words == ["vgg19 (random weights)", "mine.py:make (best)", "resnet50", "bundled"]
    assert field.names() == ("vgg19=none",)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("vgg16", "vgg16"),
        ("vgg16=none", "vgg16 (random weights)"),
        ("/a/b/net.pth", "net.pth"),
        ("bundled=/a/step-0.safetensors", "bundled (step-0)"),
    ],
)
def test_a_network_with_weights_has_words(model: str, words: str) -> None:
    assert said_of(model) == words


def of_depths(depths: int) -> Comparison:
    """Return a comparison of one network that has so many stages."""
    maps = Activation(np.ones((1, 4, 4), np.float32), "conv", Box(0, 0, 8, 8))
    strips = tuple(Strip(f"Stage {number}", maps, (0,), 1) for number in range(depths))
    one = Compared("net", "none", "f" * 64, 9, 99, 10**6, 0.001, None, strips, (), None, (0.5,))
    return Comparison("net", (one,), ("top-1",))


def test_a_comparison_begins_at_its_deepest_layers_and_stays_where_it_is_turned_to(
    engine, drive, qtbot, picture
) -> None:
    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)
        window.tabs.setCurrentIndex(8)
        view, image = window.tabs.view(), session.pictures.current.image

        def show(depths: int) -> int:
            found = of_depths(depths)
            view.show_answer(Answer(CompareModels(), session.model, image, found, 0.0))
            return round(view.depth_slide.value())

        assert show(2) == 2
        view.depth_slide.slider.setValue(0)
        assert show(2) == 1, "where the person left it"
        assert show(4) == 1, "whatever comes in meanwhile"
        view.depth_slide.slider.setValue(3)
        assert show(5) == 5, "the deepest again"
        view.forget()
        view.set_view_settings({"depth": 3})
        assert show(4) == 3, "as a session kept it"

    assert drive(script, picture) == 0


def test_the_head_has_room_for_all_it_says_and_tells_it_too(qtbot) -> None:
    head = ComparedHead()
    qtbot.addWidget(head)
    (one,) = of_depths(1).models
    head.show_models((one,), ("top-1",))
    head.resize(300, head.sizeHint().height())
    lines = 3 + 1  # of its costs and what was measured, below the name
    below = 10 + 22 + 17 * lines + 6
    assert head.sizeHint().height() >= below + 20, "room for a line that it is no classifier"
    assert "top-1 50" in head.accessibleDescription()


def test_columns_share_a_width() -> None:
    assert columns(500, 0) == []
    assert columns(432, 3) == [(16, 122), (154, 122), (292, 122)]
