"""Pictures that grow: live, held, changed on their way, ended early, cancelled, many at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from person import choose_file
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QSlider

from cnnviz_desktop.data import Inverted, Maximised
from cnnviz_desktop.engine.techniques import ActivationMaximization, DeepDream, Gallery
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.session import FEATURE_MAPS, MAXIMISE
from cnnviz_desktop.gui.work import Answer

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


def start(window, qtbot, **changes):
    """Turn to the tab with a channel of block.conv2 and return session, panel and view."""
    session = window.tabs._session
    qtbot.waitUntil(lambda: FEATURE_MAPS in session.answers, timeout=20000)
    session.pick_layer("block.conv2", FEATURE_MAPS)
    session.pick_unit(Unit("block.conv2", 3))
    QTest.keyClick(window, Qt.Key.Key_6, Qt.KeyboardModifier.ControlModifier)
    if changes:
        technique = replace(session.techniques[MAXIMISE], **changes)
        session.set_technique(MAXIMISE, technique)
    return session, window.technique_panel, window.tabs.maximise


def press(button) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def reached(view) -> int:
    grown = view._images.grown()
    return max(picture.done for picture in grown.pictures) if grown is not None else 0


def test_nothing_runs_before_run_and_the_unit_is_what_it_starts_with(
    drive, qtbot, picture, engine
) -> None:
    def script(window) -> None:
        session, panel, view = start(window, qtbot)
        assert session.tab == MAXIMISE
        technique = session.techniques[MAXIMISE]
        assert (technique.layer, technique.channel) == ("block.conv2", 3)
        session.pick_target(2)  # of an explanation
        assert session.techniques[MAXIMISE].target is None
        assert not [name for name in engine.performed if name.startswith("activation-max")]
        assert session.job(MAXIMISE) is None
        assert "Not run yet" in panel._state.text()
        assert view.picture() is None

    drive(script, picture)


def test_a_picture_grows_is_held_goes_on_and_ends_with_what_there_is(
    drive, qtbot, picture, engine
) -> None:
    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=100)
        engine.reach = 20
        press(panel.run_button)
        qtbot.waitUntil(lambda: reached(view) == 20, timeout=20000)
        assert view.stage.view.image().pixelColor(0, 0).red() == 51  # 20 of 100
        (curve,) = view.stage.curve.curves()
        assert curve.chosen
        assert curve.values.tolist() == list(range(1, 21))
        assert view.stage.about.text() == "step 20 of 100 · objective 20.0"
        assert view.title()[0] == "block.conv2"
        assert "channel 3" in view.title()[1]
        assert panel.run_button.isHidden() or not panel.run_button.isVisible()
        steering = panel.steering
        assert steering.isVisible()
        press(steering.hold_button)
        assert steering.hold_button.text() == "Continue"
        assert panel._state.text() == "Paused…"
        for reach in (20, 40):
            engine.reach = reach
            with qtbot.waitSignal(session.submit(lambda run: None, "Click", "").done):
                pass  # others are let through while it is held
        assert reached(view) == 20
        press(steering.hold_button)
        qtbot.waitUntil(lambda: reached(view) == 40, timeout=20000)
        assert steering.pace.total == 100
        press(steering.finish_button)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
        assert panel.run_button.hasFocus()
        answer = session.answers[MAXIMISE]
        assert not answer.partial
        assert not answer.altered
        assert answer.technique.steps == 40  # makes the same picture again
        assert panel._state.text() == "Ended after 40 of 100 steps"
        assert session.is_stale(MAXIMISE)
        assert panel.run_button.isVisible()
        assert view.can_export()

    drive(script, picture)


def test_escape_keeps_the_best_so_far_and_cancels_what_has_nothing(
    drive, qtbot, picture, engine
) -> None:
    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=100)
        engine.reach = 0
        QTest.keyClick(window, Qt.Key.Key_F5)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is not None)
        QTest.keyClick(window, Qt.Key.Key_Escape)
        assert session.job(MAXIMISE) is None
        assert MAXIMISE not in session.answers
        assert panel._state.text().startswith("Cancelled")
        engine.reach = 8
        QTest.keyClick(window, Qt.Key.Key_F5)
        qtbot.waitUntil(lambda: reached(view) == 8, timeout=20000)
        QTest.keyClick(window, Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
        assert not session.answers[MAXIMISE].partial
        assert session.answers[MAXIMISE].result.objectives.shape == (1, 8)

    drive(script, picture)


def test_cancel_goes_back_to_the_last_whole_picture(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=10)
        press(panel.run_button)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None and MAXIMISE in session.answers)
        whole = session.answers[MAXIMISE]
        assert "Up to date" in panel._state.text()
        engine.reach = 6
        session.set_technique(MAXIMISE, replace(session.techniques[MAXIMISE], seed=5))
        press(panel.run_button)
        qtbot.waitUntil(lambda: reached(view) == 6 and session.answers[MAXIMISE].partial)
        press(panel.steering.hold_button)
        press(panel.steering.cancel_button)
        assert session.job(MAXIMISE) is None
        assert session.answers[MAXIMISE] is whole
        assert reached(view) == 10
        assert "Cancelled" in panel._state.text()

    drive(script, picture)


def test_a_run_that_fails_on_its_way_goes_back_as_well(
    drive, qtbot, picture, engine, monkeypatch
) -> None:
    def broken(*_args) -> None:
        raise CnnvizError("The disk is full.")

    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=10)
        for known in (None, "whole"):
            engine.reach = 10
            if known:
                press(panel.run_button)
                qtbot.waitUntil(lambda: session.job(MAXIMISE) is None and view.can_export())
            before = session.answers.get(MAXIMISE)
            session.set_technique(MAXIMISE, replace(session.techniques[MAXIMISE], seed=5))
            engine.reach = 6
            press(panel.run_button)
            qtbot.waitUntil(lambda: reached(view) == 6 and session.answers[MAXIMISE].partial)
            with monkeypatch.context() as patch:
                patch.setattr(engine, "inspect", broken)
                qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
            assert session.answers.get(MAXIMISE) is before
            assert "The disk is full." in window.tabs.message.text()
            assert panel._state.text().startswith("The last run failed")
            session.set_technique(MAXIMISE, replace(session.techniques[MAXIMISE], seed=0))

    drive(script, picture)


def test_what_failed_with_one_network_is_not_said_of_another(drive, qtbot, picture, engine):
    def script(window) -> None:
        session, panel, _view = start(window, qtbot, steps=10)
        engine.fail = CnnvizError("The disk is full.")
        press(panel.run_button)
        qtbot.waitUntil(lambda: panel._state.text().startswith("The last run failed"))
        engine.fail = None
        session.pictures.open([picture.with_name("other.png")])
        session.pick_unit(Unit("block", 2))
        assert panel._state.text().startswith("The last run failed")
        session.models.load("vgg16")
        qtbot.waitUntil(lambda: session.model.name == "vgg16", timeout=20000)
        assert panel._state.text() == "Not run yet"

    drive(script, picture)


def test_sliders_act_on_the_run_and_the_rest_waits(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=50)
        engine.reach = 5
        press(panel.run_button)
        qtbot.waitUntil(lambda: reached(view) == 5, timeout=20000)
        session.set_technique(MAXIMISE, replace(session.techniques[MAXIMISE], seed=9))
        group = panel.form.findChild(QSlider, "field_rate")
        before = session.techniques[MAXIMISE].rate
        group.setFocus()
        QTest.keyClick(group, Qt.Key.Key_Right)
        rate = session.techniques[MAXIMISE].rate
        assert rate > before
        engine.reach = 50
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
        assert [item.rate for item in engine.adjusted] == [rate]
        answer = session.answers[MAXIMISE]
        assert answer.altered
        assert answer.technique.seed == 0
        assert session.is_stale(MAXIMISE)
        assert panel._state.text().startswith("Changed on its way")
        assert session.cache.get(session.request(MAXIMISE)) is None

    drive(script, picture)


def test_several_pictures_are_tiles_that_wait_grow_and_are_done(
    drive, qtbot, picture, engine
) -> None:
    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=40, count=3)
        engine.reach = 10
        press(panel.run_button)
        qtbot.waitUntil(lambda: reached(view) == 10, timeout=20000)
        sheet = view.sheet
        assert sheet.isVisible()
        assert [tile.words for tile in sheet.tiles()] == ["3", "4", "5"]
        assert [tile.waiting for tile in sheet.tiles()] == [False, False, True]
        assert [tile.growing for tile in sheet.tiles()] == [True, True, False]
        assert sheet.tiles()[2].value == "waiting"
        assert sheet.tiles()[0].share == 0.25
        assert view._counts.text() == "2 growing, 1 waiting"
        where = sheet.tile_rect(1).center()
        QTest.mouseClick(sheet.viewport(), Qt.MouseButton.LeftButton, pos=where)
        assert view.chosen() == 1
        assert view.stage.name.text() == "Channel 4"
        assert [c.name for c in view.stage.curve.curves()] == ["3", "4"]
        engine.reach = 40
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
        assert view._counts.text() == "3 done"
        assert view.chosen() == 1
        assert sheet.tiles()[2].value == "40.0"
        data = sheet.mime_of(2)
        (url,) = data.urls()
        assert Path(url.toLocalFile()).name.endswith("-5.png")
        assert data.hasImage()
        QTest.mouseDClick(
            sheet.viewport(), Qt.MouseButton.LeftButton, pos=sheet.tile_rect(2).center()
        )
        assert session.tab == "Unit"
        assert session.unit == Unit("block.conv2", 5)

    drive(script, picture)


def test_a_frame_is_compared_with_while_it_is_pressed(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=20)
        press(panel.run_button)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
        strip, picture_view = view.stage.strip, view.stage.view
        assert strip.count() == 4  # after 0, 5, 10 steps, and now
        now = picture_view.image().pixelColor(0, 0).red()
        where = strip.frame_rect(0).center()
        QTest.mousePress(strip, Qt.MouseButton.LeftButton, pos=where)
        assert picture_view.image().pixelColor(0, 0).red() == 128
        assert picture_view.image().width() == 12  # as large as the present, so that nothing jumps
        assert view.stage.about.text() == "as it was after step 0"
        QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=where)
        assert picture_view.image().pixelColor(0, 0).red() == now
        strip.setFocus()
        QTest.keyClick(strip, Qt.Key.Key_Left)
        assert strip.pressed() == 2
        assert view.stage.about.text() == "as it was after step 10"
        QTest.keyClick(strip, Qt.Key.Key_Right)
        assert strip.pressed() == -1

    drive(script, picture)


def test_the_growth_is_saved_as_a_gif_with_its_record(
    drive, qtbot, picture, engine, tmp_path, monkeypatch
) -> None:
    from PIL import Image

    path = tmp_path / "grown.gif"
    choose_file(monkeypatch, "getSaveFileName", path)

    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=20)
        press(panel.run_button)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
        qtbot.waitUntil(view.stage.save.isVisible)
        press(view.stage.save)
        qtbot.waitUntil((tmp_path / "grown.gif.json").exists, timeout=20000)

    drive(script, picture)
    with Image.open(path) as image:
        assert image.n_frames == 4
        assert image.size == (256, 256)
    assert '"activation-maximization"' in (tmp_path / "grown.gif.json").read_text()


def test_a_class_shows_what_the_network_takes_its_picture_for(
    drive, qtbot, picture, engine
) -> None:
    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=10)
        session.set_technique(MAXIMISE, replace(session.techniques[MAXIMISE], target=1))
        assert session.techniques[MAXIMISE].objective == "class"  # what picking a class means
        press(panel.run_button)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
        assert view.title()[0] == "dotted disc"
        bars = view.stage.bars
        assert bars.isVisible()
        assert bars._target == 1
        assert view.stage.facts.text() == "logit 7.00"
        session.pick_unit(Unit("block.conv2", 2))  # a unit again
        technique = session.techniques[MAXIMISE]
        assert (technique.objective, technique.target, technique.channel) == ("channel", None, 2)
        likeliest = replace(technique, objective="class")
        session.set_technique(MAXIMISE, likeliest)
        assert session.request(MAXIMISE).technique.target == 0  # the likeliest of the picture

    drive(script, picture)


def test_a_unit_that_would_not_fire_says_so(drive, qtbot, picture, engine) -> None:
    engine.notes = ("Channel 4 would not fire: no value came above zero.",)

    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=10, count=3)
        press(panel.run_button)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
        assert [bool(tile.amiss) for tile in view.sheet.tiles()] == [False, True, False]
        (note,) = window.maximise_notes.notes()
        assert note.level == "warning"
        assert "would not fire" in note.title + note.text
        assert window.maximise_notes.isVisible()
        session.set_tab(FEATURE_MAPS)
        assert not window.maximise_notes.isVisible()

    drive(script, picture)


def test_methods_share_the_unit_and_nothing_that_means_something_else(
    drive, qtbot, picture, engine
) -> None:
    def script(window) -> None:
        session, panel, _view = start(window, qtbot, steps=77)
        methods = panel._methods
        methods.setCurrentIndex(methods.findData("deep-dream"))
        methods.activated.emit(methods.currentIndex())
        technique = session.techniques[MAXIMISE]
        assert isinstance(technique, DeepDream)
        assert (technique.layer, technique.channel) == ("block.conv2", 3)
        assert technique.steps == DeepDream().steps
        session.set_technique(MAXIMISE, replace(technique, channel=-1))
        methods.setCurrentIndex(methods.findData("activation-maximization"))
        methods.activated.emit(methods.currentIndex())
        assert session.techniques[MAXIMISE] == ActivationMaximization(layer="block.conv2")

    drive(script, picture)


def test_an_inversion_stands_beside_its_original_with_its_numbers(
    drive, qtbot, picture, engine
) -> None:
    def script(window) -> None:
        session, _panel, view = start(window, qtbot)
        original = np.zeros((10, 10, 3), np.float32)
        result = Inverted(
            title="What block.conv2 remembers",
            layer="block.conv2",
            original=original,
            picture=np.full((10, 10, 3), 0.5, np.float32),
            mse=0.25,
            r2=0.5,
            match=0.75,
            objectives=np.arange(4, dtype=np.float32) - 4,
            growth=np.stack([original, original]),
            grown=(0, 4),
            layers=("block.conv2",),
            pictures=original[None],
            errors=np.array([0.25], np.float32),
            scores=np.array([0.5], np.float32),
            matches=np.array([0.75], np.float32),
            steps=4,
            seed=0,
        )
        technique = session.techniques[MAXIMISE]
        image = session.pictures.current.image
        answer = Answer(technique, session.model, image, result, 1.0)
        session._performed(answer)
        assert view.stage.original.isVisible()
        assert view.stage.original.image().pixelColor(0, 0).red() == 0
        assert view.stage.view.image().pixelColor(0, 0).red() == 128
        assert view.stage.facts.text() == "MSE 0.25 · R² 0.50 · layer's own R² 0.75"
        assert view._unit(0) is None
        numbered = replace(result, layer="3", layers=("3",))  # as the layers of a Sequential are
        session._performed(replace(answer, result=numbered))
        assert view._unit(0) is None
        assert not view.stage.original.geometry().intersects(
            view.stage.view.geometry().adjusted(20, 0, -20, 0)
        )

    drive(script, picture)


def test_a_saved_session_has_the_pictures_again(
    drive, qtbot, picture, engine, tmp_path, monkeypatch
) -> None:
    path = tmp_path / "grown.cnnviz"
    choose_file(monkeypatch, "getSaveFileName", path)

    def save(window) -> None:
        session, panel, _view = start(window, qtbot, steps=20, count=3)
        press(panel.run_button)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
        QTest.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(path.exists, timeout=20000)
        qtbot.waitUntil(lambda: not window.isWindowModified(), timeout=20000)

    drive(save, picture)
    made = list(engine.performed)

    def look(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: MAXIMISE in session.answers, timeout=20000)
        view = window.tabs.maximise
        assert isinstance(session.answers[MAXIMISE].result, Maximised)
        assert [tile.words for tile in view.sheet.tiles()] == ["3", "4", "5"]
        assert reached(view) == 20
        qtbot.waitUntil(lambda: session.model is not None, timeout=20000)

    drive(look, path)
    assert [name for name in engine.performed if name.startswith("activation-max")] == [
        name for name in made if name.startswith("activation-max")
    ]


def test_a_drag_of_a_tile_does_not_pick_it(drive, qtbot, picture, engine, monkeypatch) -> None:
    from cnnviz_desktop.gui import maximise_sheet

    dragged = []

    class Drag:
        def __init__(self, _source) -> None: ...
        def setMimeData(self, data) -> None:
            dragged.append(data)

        def setPixmap(self, pixmap) -> None:
            assert pixmap.width() > 0

        def exec(self, _action) -> None: ...

    monkeypatch.setattr(maximise_sheet, "QDrag", Drag)

    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=10, count=3)
        press(panel.run_button)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
        sheet = view.sheet
        where = sheet.tile_rect(2).center()
        QTest.mousePress(sheet.viewport(), Qt.MouseButton.LeftButton, pos=where)
        QTest.mouseMove(sheet.viewport(), where + QPoint(40, 0))
        QTest.mouseRelease(sheet.viewport(), Qt.MouseButton.LeftButton, pos=where + QPoint(40, 0))
        assert len(dragged) == 1
        assert dragged[0].hasImage()
        assert view.chosen() == 0
        opened = []
        view.card_wanted.connect(opened.append)
        QTest.mouseDClick(sheet.viewport(), Qt.MouseButton.LeftButton, pos=where)
        assert opened == [Unit("block.conv2", 5)]
        session.set_tab(MAXIMISE)
        sheet.setFocus()
        sheet.select(1)
        QTest.keyClick(sheet, Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
        assert opened[1:] == [Unit("block.conv2", 4)]

    drive(script, picture)


def test_a_gallery_fills_in_the_background_while_others_grow(drive, qtbot, picture, engine) -> None:
    def states(view) -> list[str]:
        tiles = view.sheet.tiles()
        return ["waits" if t.waiting else "grows" if t.growing else "done" for t in tiles]

    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=10)
        single = session.techniques[MAXIMISE]
        session.set_technique(MAXIMISE, Gallery(layer="block.conv2"))
        panel.show_tab()
        engine.reach = 10  # two of the second pair's steps
        press(panel.run_button)
        filling = ["done", "done", "grows", "grows", "waits", "waits"]
        qtbot.waitUntil(lambda: states(view) == filling, timeout=20000)
        assert view._counts.text() == "2 done, 2 growing, 2 waiting"
        assert session.job(MAXIMISE).priority.name == "SPARE"
        assert "kept on disk" in panel.steering._hint.text()
        gallery = session.job(MAXIMISE)
        session.set_technique(MAXIMISE, single)
        panel.show_tab()
        assert session.job(MAXIMISE) is None  # the gallery is another's
        engine.reach = 10**6
        gallery.hold()
        press(panel.run_button)
        qtbot.waitUntil(lambda: single_done(session), timeout=20000)
        assert session.answers[MAXIMISE].technique == single
        gallery.resume()
        qtbot.waitUntil(lambda: not session._jobs.busy(), timeout=20000)
        assert session.answers[MAXIMISE].technique == single  # the gallery waits to be looked at
        session.set_technique(MAXIMISE, Gallery(layer="block.conv2"))
        assert states(view) == ["done"] * 6
        assert view.sheet.tiles()[5].value == "6.00"

    def single_done(session) -> bool:
        answer = session.answers.get(MAXIMISE)
        known = answer is not None and isinstance(answer.technique, ActivationMaximization)
        return known and not answer.partial

    drive(script, picture)


def test_nothing_is_left_in_view_of_a_run_that_was_cancelled(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=10)
        single = session.techniques[MAXIMISE]
        for technique in (Gallery(layer="block.conv2"), single):
            session.set_technique(MAXIMISE, technique)
            panel.show_tab()
            engine.reach = 3
            press(panel.run_button)
            qtbot.waitUntil(lambda: view.picture() is not None, timeout=20000)
            press(panel.steering.cancel_button)
            assert MAXIMISE not in session.answers
            assert view.picture() is None
            assert view.sheet.tiles() == ()
            assert view._gallery.isHidden()
            assert not view.can_copy()
            assert window.tabs.head.title() == "Maximise"
            assert "Cancelled" in panel._state.text()

    drive(script, picture)


def test_what_another_network_wanted_stays_only_while_it_is_looked_at(
    drive, qtbot, picture, engine
) -> None:
    def load(window, qtbot, name: str) -> None:
        models = window.tabs._session.models
        models.load(name)
        qtbot.waitUntil(lambda: models.current.name == name, timeout=20000)

    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=10)
        press(panel.run_button)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None and MAXIMISE in session.answers)
        load(window, qtbot, "vgg16")
        assert reached(view) == 10
        assert session.is_stale(MAXIMISE)
        session.set_tab(FEATURE_MAPS)
        load(window, qtbot, "resnet50")
        assert view.picture() is None
        session.set_tab(MAXIMISE)
        engine.reach = 3
        press(panel.run_button)
        qtbot.waitUntil(lambda: reached(view) == 3, timeout=20000)
        load(window, qtbot, "bundled")
        assert view.picture() is None  # nor would it ever be whole

    drive(script, picture)


def test_a_gallery_cancelled_out_of_sight_is_not_taken_up(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        session, panel, view = start(window, qtbot, steps=10)
        single = session.techniques[MAXIMISE]
        engine.reach = 10**6
        press(panel.run_button)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None and MAXIMISE in session.answers)
        session.set_technique(MAXIMISE, Gallery(layer="block.conv2"))
        panel.show_tab()
        engine.reach = 6
        press(panel.run_button)
        qtbot.waitUntil(lambda: len(view.sheet.tiles()) == 6, timeout=20000)
        gallery = session.job(MAXIMISE)
        session.set_technique(MAXIMISE, single)
        gallery.cancel()
        session.set_technique(MAXIMISE, Gallery(layer="block.conv2"))
        assert session.answers[MAXIMISE].technique == single

    drive(script, picture)


def test_a_gallery_that_was_ended_early_is_gone_on_with(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        session, panel, view = start(window, qtbot)
        session.set_technique(MAXIMISE, Gallery(layer="block.conv2"))
        panel.show_tab()
        engine.reach = 10
        press(panel.run_button)
        qtbot.waitUntil(lambda: len(view.sheet.tiles()) == 6, timeout=20000)
        press(panel.steering.finish_button)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
        assert len(view.sheet.tiles()) == 2
        assert panel._state.text() == "Ended early: Run goes on"
        assert panel.run_button.property("primary")
        engine.reach = 10**6
        press(panel.run_button)
        qtbot.waitUntil(lambda: len(view.sheet.tiles()) == 6, timeout=20000)
        qtbot.waitUntil(lambda: session.job(MAXIMISE) is None, timeout=20000)
        assert "Up to date" in panel._state.text()

    drive(script, picture)
