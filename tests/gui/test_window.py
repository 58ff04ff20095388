"""The window as a person meets it: the real main(), real events."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from person import answered, click, find, ready, settled
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QTabWidget,
    QToolButton,
    QTreeView,
    QWidget,
)

from cnnviz_desktop.errors import ModelError
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.crash_dialog import CrashDialog
from cnnviz_desktop.gui.export_options import ExportOptions
from cnnviz_desktop.gui.work import Machine
from cnnviz_desktop.settings import Settings

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

NAMES = (
    "modelPicker layerTree layerSearch imageDropZone imageStrip canvasTabs techniquePicker "
    "parameterForm runButton cancelButton progressBar exportButton messageBar stateLine"
)


def drop(window, mime: QMimeData) -> None:
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(400, 300), action, mime, button, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    event = QDropEvent(QPointF(400, 300), action, mime, button, none)
    QApplication.sendEvent(window, event)


def urls(*paths: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def test_first_pictures_of_an_opened_image(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        tabs = find(window, "canvasTabs")
        assert isinstance(tabs, QTabWidget)
        names = [tabs.tabText(i) for i in range(tabs.count())]
        assert names[:5] == ["Predictions", "Explain", "Feature maps", "Filters", "Unit"]
        assert names[5:7] == ["Maximise", "Statistics"]
        assert window.tabs.head.title().startswith("block ")
        assert "6 maps of 8×8" in window.tabs.head.title()
        grid = window.tabs.feature_maps.grid
        assert sorted(grid.shown()) == list(range(6))
        assert grid.selected() == grid.shown()[0] == window.tabs._session.unit.channel
        assert engine.threads == {"engine"}

    assert drive(script, picture) == 0
    assert engine.performed == ["feature-maps block"]


def test_everything_interactive_is_named(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        for name in NAMES.split():
            assert find(window, name).accessibleName(), name
        window.tabs.setCurrentIndex(1)
        answered(window, qtbot, "Explain")
        assert find(window, "targetPicker").isVisible()

    drive(script, picture)


def test_drop_on_the_window_opens_files(drive, qtbot, tmp_path, picture) -> None:
    other = tmp_path / "second.png"
    other.write_bytes(b"pretend")

    def script(window) -> None:
        answered(window, qtbot)
        pictures = window.tabs._session.pictures
        drop(window, urls(other))
        qtbot.waitUntil(lambda: len(pictures) == 2)
        assert pictures.current.image.path == other
        qtbot.waitUntil(lambda: "second.png" in window.tabs.head.title())

    drive(script, picture)


def test_drop_of_image_data_and_of_a_folder(drive, qtbot, tmp_path, picture) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(b"pretend")

    def script(window) -> None:
        answered(window, qtbot)
        pictures = window.tabs._session.pictures
        mime = QMimeData()
        image = QImage(10, 10, QImage.Format.Format_RGB32)
        image.fill(0xFF336699)
        mime.setImageData(image)
        drop(window, mime)
        qtbot.waitUntil(lambda: len(pictures) == 2)
        drop(window, urls(folder))
        qtbot.waitUntil(lambda: len(pictures) == 4)

    drive(script, picture)


def test_a_picture_dropped_on_a_field_is_the_windows(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        for name in ("layerSearch", "channelSearch", "unitTags"):
            fields = [item for item in window.findChildren(QLineEdit) if item.objectName() == name]
            assert fields and not any(item.acceptDrops() for item in fields), name
        note = find(window, "unitNoteText", QPlainTextEdit)
        assert not note.canInsertFromMimeData(urls(picture))
        words = QMimeData()
        words.setText("an eye")
        assert note.canInsertFromMimeData(words)

    drive(script, picture)


def test_a_bad_file_is_a_sentence_in_the_bar(drive, qtbot, tmp_path, picture) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no picture")

    def script(window) -> None:
        answered(window, qtbot)
        drop(window, urls(text))
        bar = window.tabs.message
        qtbot.waitUntil(lambda: "notes.txt is text" in bar.text())
        assert bar.level == "error"
        assert bar.isVisible()
        assert window.tabs._session.pictures.current.image.path == picture
        click(find(window, "messageClose"))
        assert not bar.isVisible()

    drive(script, picture)


def test_paste_adds_the_picture_on_the_clipboard(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        image = QImage(8, 8, QImage.Format.Format_RGB32)
        image.fill(0xFF113355)
        QGuiApplication.clipboard().setImage(image)
        QTest.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda: len(window.tabs._session.pictures) == 2)
        QGuiApplication.clipboard().setText("some words")
        QTest.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        bar = find(window, "messageBar")
        qtbot.waitUntil(lambda: bar.text().startswith("There is no picture on the clipboard."))

    drive(script, picture)


def test_arrow_keys_in_the_tree_bring_maps_and_come_back_cached(
    drive, qtbot, picture, engine
) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        view = window.findChild(QTreeView, "layerTree")
        view.setFocus()
        for layer in ("block.conv1", "block.act"):
            QTest.keyClick(view, Qt.Key.Key_Down)
            qtbot.waitUntil(lambda name=layer: window.tabs.head.title().startswith(name + " "))
        QTest.keyClick(view, Qt.Key.Key_Up)
        assert window.tabs.head.title().startswith("block.conv1 ")  # at once: it was cached

    drive(script, picture)
    maps = [item for item in engine.performed if item.startswith("feature-maps")]
    assert maps == ["feature-maps block", "feature-maps block.conv1", "feature-maps block.act"]


def test_alt_down_goes_to_the_next_convolution(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        QTest.keyClick(window, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv1 "))
        QTest.keyClick(window, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv2 "))

    drive(script, picture)


def test_a_clicked_tile_is_the_selected_unit(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        grid = window.tabs.feature_maps.grid
        place = grid.tile_rect(1).center()
        QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place)
        unit = window.tabs._session.unit
        assert (unit.layer, unit.channel) == ("block", 1)
        name = window.technique_panel.findChild(QWidget, "unitName")
        qtbot.waitUntil(lambda: name.text() == "block · 1")

    drive(script, picture)


def test_explaining_needs_the_engine_once(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.tabs.setCurrentIndex(1)
        answered(window, qtbot, "Explain")
        explain = window.tabs.explain
        before, first = len(engine.performed), explain.picture().copy()
        QTest.keyClick(explain.controls["opacity"].slider, Qt.Key.Key_Home)
        assert explain.controls["opacity"].value() == 0
        assert explain.picture() != first
        click(find(window, "heatMode_heat"))
        assert len(engine.performed) == before

    drive(script, picture)


def test_a_class_of_the_prediction_is_explained(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.tabs.setCurrentIndex(0)
        window.tabs.predictions.panel.target_picked.emit(2)
        answered(window, qtbot, "Explain")
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("checked hexagon"))
        assert window.tabs.currentIndex() == 1

    drive(script, picture)


def test_a_changed_parameter_waits_for_run(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.tabs._session.pick_layer("block.act", "Feature maps")  # two calls a pass
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.act"))
        run = find(window, "runButton")
        assert isinstance(run, QPushButton)
        calls = find(window, "field_call")
        assert isinstance(calls, QComboBox)
        assert [calls.itemText(i) for i in range(calls.count())] == ["1 of 2", "2 of 2"]
        QTest.keyClick(calls, Qt.Key.Key_Up)
        assert window.technique_panel._state.text() == "Parameters changed"
        assert run.property("primary")
        before = len(engine.performed)
        click(run)
        qtbot.waitUntil(lambda: len(engine.performed) == before + 1)
        qtbot.waitUntil(lambda: window.technique_panel._state.text().startswith("Up to date"))
        assert not run.property("primary")

    drive(script, picture)


@pytest.mark.parametrize("deaf", [0.0, 1.0])
def test_cancel_frees_the_window_at_once(drive, qtbot, picture, engine, deaf) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        engine.busy.clear()
        engine.hold.set()
        engine.deaf = deaf
        window.tabs._session.pick_layer("block.conv1", "Feature maps")
        assert engine.busy.wait(5)
        cancel, run = find(window, "cancelButton"), find(window, "runButton")
        qtbot.waitUntil(cancel.isEnabled)
        if not deaf:
            bar = window.findChild(QProgressBar, "progressBar")
            qtbot.waitUntil(lambda: bar.isVisible() and bar.value() > 0)
        start = time.perf_counter()
        click(cancel)
        assert run.isEnabled()
        assert time.perf_counter() - start < 0.2
        assert window.tabs.head.title().startswith("block ")  # the last good picture stays
        assert "Cancelled" in window.technique_panel._state.text()
        engine.hold.clear()
        engine.deaf = 0.0
        click(run)
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv1 "), timeout=8000)

    drive(script, picture)


def test_a_click_supersedes_the_one_before(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        engine.hold.set()
        engine.busy.clear()
        session = window.tabs._session
        shown: list[str] = []
        session.answered.connect(lambda _tab, answer: shown.append(answer.technique.layer))
        session.pick_layer("block.conv1", "Feature maps")
        assert engine.busy.wait(5)
        session.pick_layer("block.act", "Feature maps")
        session.pick_layer("block.conv2", "Feature maps")
        engine.hold.clear()
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv2 "))
        assert not session.job("Feature maps")
        assert shown == ["block.conv2"]

    drive(script, picture)


@pytest.mark.parametrize("deaf", [0.0, 0.5])
def test_closing_while_a_job_runs(drive, qtbot, picture, engine, deaf) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        engine.hold.set()
        engine.busy.clear()
        engine.deaf = deaf
        window.tabs._session.pick_layer("block.conv1", "Feature maps")
        assert engine.busy.wait(5)
        window.close()
        assert not window.isVisible()

    start = time.perf_counter()
    assert drive(script, picture) == 0
    assert time.perf_counter() - start < 10
    assert not [t for t in threading.enumerate() if t.name == "engine"]


def test_light_and_dark(drive, qtbot, picture) -> None:
    def ground(window) -> str:
        return window.grab().toImage().pixelColor(600, 60).name()

    def script(window) -> None:
        answered(window, qtbot)
        modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        first = theme.current().name
        light = ground(window)
        QTest.keyClick(window, Qt.Key.Key_D, modifiers)
        assert theme.current().name != first
        assert ground(window) == theme.current().window.name() != light
        click(find(window, "themeButton"))
        assert theme.current().name == first
        assert ground(window) == light

    drive(script, picture)


def test_keys_turn_tabs_and_hide_panels(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        QTest.keyClick(window, Qt.Key.Key_4, Qt.KeyboardModifier.ControlModifier)
        assert window.tabs.currentIndex() == 3
        qtbot.waitUntil(lambda: "filters of 3×3×3" in window.tabs.head.title())
        QTest.keyClick(window, Qt.Key.Key_F11)
        assert not find(window, "modelDock").isVisible()
        QTest.keyClick(window, Qt.Key.Key_F11)
        assert find(window, "modelDock").isVisible()
        QTest.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda: find(window, "layerSearch").hasFocus())

    drive(script, picture)


def test_removing_the_last_picture_leaves_the_empty_page(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.deeds["remove_image"].trigger()
        assert window.tabs.empty.isVisible()
        assert not find(window, "runButton").isEnabled()
        assert window.technique_panel._state.text() == "Waits for a picture"
        drop(window, urls(picture))
        qtbot.waitUntil(lambda: not window.tabs.empty.isVisible())
        qtbot.waitUntil(lambda: "owl.png" in window.tabs.head.title())

    drive(script, picture)


def test_another_model_and_an_unknown_one(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        picker, search = window.findChild(QComboBox, "modelPicker"), find(window, "modelSearch")
        click(picker)
        QTest.keyClicks(search, "vgg16")
        QTest.keyClick(search, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.tabs._session.model.name == "vgg16")
        assert picker.currentText() == "vgg16"
        click(picker)
        QTest.keyClicks(search, "vgg61")
        QTest.keyClick(search, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: "Did you mean vgg16?" in window.tabs.message.text())
        assert picker.currentText() == "vgg16"

    drive(script, picture)
    assert engine.loaded == ["bundled", "vgg16"]


def test_the_device_that_is_shown_is_the_one_in_use(drive, qtbot, picture, engine, monkeypatch):
    load, devices = engine.load_model, (("cpu", "CPU, 2 threads"), ("cuda:0", "Some GPU"))

    def on_device(name, weights, device, run, **more):
        if device == "cuda:0" and name == "vgg16":
            raise ModelError("There is not enough memory on it.")
        return replace(load(name, weights, device, run, **more), device=device)

    monkeypatch.setattr(engine, "load_model", on_device)
    monkeypatch.setattr(engine, "start", lambda run: Machine(devices))

    def script(window) -> None:
        models = window.tabs._session.models
        shown = find(window, "devicePicker", QToolButton)

        def in_use(device: str, words: str) -> None:
            settled(window, qtbot)
            on = [action.data() for action in shown.menu().actions() if action.isChecked()]
            assert (models.device, on, shown.text()) == (device, [device], f" {words}")

        ready(window, qtbot)
        in_use("cpu", "CPU, 2 threads")
        models.set_device("cuda:0")  # as the settings do
        in_use("cuda:0", "Some GPU")
        window.deeds["undo"].trigger()
        in_use("cpu", "CPU, 2 threads")
        models.load("vgg16")
        settled(window, qtbot)
        shown.menu().actions()[1].trigger()
        assert shown.text() == " Some GPU"
        in_use("cpu", "CPU, 2 threads")  # where the network stays

    assert drive(script, picture) == 0


def test_an_error_stays_above_the_last_good_picture(drive, qtbot, picture, engine) -> None:
    from cnnviz_desktop.errors import LayerError

    def script(window) -> None:
        answered(window, qtbot)
        engine.fail = LayerError("This layer gives no maps. Choose another.")
        window.tabs._session.pick_layer("block.conv1", "Feature maps")
        bar = window.tabs.message
        qtbot.waitUntil(lambda: "gives no maps" in bar.text())
        assert window.tabs.feature_maps.grid.shown()
        assert "failed" in window.technique_panel._state.text()
        engine.fail = None
        click(find(window, "messageAction"))
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv1 "))
        assert not bar.isVisible()

    drive(script, picture)


def test_a_bug_opens_one_dialog_with_a_report(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        engine.fail = ZeroDivisionError("a bug")
        window.tabs._session.pick_layer("block.conv1", "Feature maps")
        qtbot.waitUntil(lambda: window.findChild(CrashDialog) is not None)
        click(find(window, "copyReport"))
        report = QGuiApplication.clipboard().text()
        assert "ZeroDivisionError: a bug" in report
        assert "PySide6-Essentials" in report
        click(find(window, "closeReport"))
        assert not window.findChild(CrashDialog).isVisible()

    drive(script, picture)


def test_a_picture_that_meets_a_bug_leaves_the_empty_page(drive, qtbot, picture, engine) -> None:
    def broken(_source: object) -> None:
        raise RuntimeError("no such decoder")

    engine.load_image = broken

    def script(window) -> None:
        pictures = window.tabs._session.pictures
        qtbot.waitUntil(lambda: window.findChild(CrashDialog) is not None)
        window.findChild(CrashDialog).reject()
        assert pictures.emptied and not pictures.filling
        qtbot.waitUntil(window.tabs.empty.isVisible)

    drive(script, picture)


def test_out_of_memory_is_a_sentence(drive, qtbot, picture, engine) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        engine.fail = RuntimeError("DefaultCPUAllocator: can't allocate memory")
        window.tabs._session.pick_layer("block.conv1", "Feature maps")
        qtbot.waitUntil(lambda: "not enough memory" in window.tabs.message.text())
        assert window.findChild(CrashDialog) is None

    drive(script, picture)


def test_export_asks_for_a_file_and_writes_it(drive, qtbot, picture, tmp_path) -> None:
    target = tmp_path / "figure.svg"

    def script(window) -> None:
        answered(window, qtbot)
        click(find(window, "exportButton"))
        line = find(window, "exportPath")
        line.selectAll()
        QTest.keyClicks(line, str(target))
        qtbot.waitUntil(find(window, "exportWrite").isEnabled)
        click(find(window, "exportWrite"))
        qtbot.waitUntil(lambda: "Wrote figure.svg" in window.status.text())

    drive(script, picture)
    assert b"<svg" in target.read_bytes()


def test_copy_as_python_and_as_command(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.deeds["copy_python"].trigger()
        text = QGuiApplication.clipboard().text()
        assert "FeatureMaps(layer='block')(model, image)" in text
        window.deeds["copy_command"].trigger()
        text = QGuiApplication.clipboard().text()
        assert text.startswith("cnnviz feature-maps bundled ")
        assert "--layer=block" in text

    drive(script, picture)


def test_resizing_puts_the_panels_together_and_apart(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.resize(1000, 700)
        left = Qt.DockWidgetArea.LeftDockWidgetArea
        qtbot.waitUntil(lambda: window.dockWidgetArea(window._right) == left)
        window.resize(1440, 800)
        qtbot.waitUntil(lambda: window.dockWidgetArea(window._right) != left)
        docks = [window._left, window._right]
        qtbot.waitUntil(lambda: [dock.width() for dock in docks] == [288, 264])
        window.resizeDocks(docks, [310, 290], Qt.Orientation.Horizontal)
        qtbot.waitUntil(lambda: [dock.width() for dock in docks] == [310, 290])
        window.resize(1000, 700)
        qtbot.waitUntil(lambda: window.dockWidgetArea(window._right) == left)
        window.resize(1440, 800)
        qtbot.waitUntil(lambda: [dock.width() for dock in docks] == [310, 290])

    drive(script, picture)


def test_the_bar_of_explanations_is_one_row_in_the_usual_window(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.resize(1440, 900)
        window.deeds["tab_2"].trigger()
        bar = window.tabs.explain.bar
        qtbot.waitUntil(lambda: window.width() == 1440 and bar.geometry().width() > 850)
        assert bar.geometry().height() == bar.sizeHint().height()

    drive(script, picture)


def test_all_tabs_are_in_sight_in_a_small_window(drive, qtbot, picture) -> None:
    def script(window) -> None:
        bar = window.tabs.tabBar()
        for width in (1100, 1280, 1440):
            window.resize(width, 800)
            qtbot.waitUntil(lambda width=width: window.width() == width)
            QApplication.processEvents()
            shown = [bar.tabRect(index) for index in range(bar.count())]
            assert shown[0].left() >= 0
            assert shown[-1].right() <= bar.width()

    drive(script, picture)


def test_the_look_is_remembered(drive, qtbot, picture) -> None:
    def first(window) -> None:
        answered(window, qtbot)
        if theme.current().name == "light":
            click(find(window, "themeButton"))
        window.deeds["tab_1"].trigger()

    def second(window) -> None:
        assert theme.current().name == "dark"
        names = [action.text() for action in window.deeds.menus["recent_images"].actions()]
        assert names == ["owl.png"]
        click(find(window, "themeButton"))

    drive(first, picture)
    drive(second, picture)


def test_the_window_paints_before_the_engine_starts(drive, qtbot, picture, engine) -> None:
    began = threading.Event()
    start = engine.start

    def late(run):
        began.set()
        return start(run)

    engine.start = late

    def script(window) -> None:
        assert not began.is_set()
        qtbot.waitUntil(began.is_set, timeout=5000)
        assert window.isVisible()
        answered(window, qtbot)

    drive(script, picture)


def test_a_click_is_answered_between_the_steps_of_a_long_job(drive, qtbot, picture, engine) -> None:
    from cnnviz_desktop.gui.jobs import Priority

    def script(window) -> None:
        answered(window, qtbot)
        jobs = window._jobs
        going, stop = threading.Event(), threading.Event()

        def long(run):
            for _ in run.track(range(100000), "Long"):
                going.set()
                if stop.is_set():
                    break
                time.sleep(0.002)
            return "long"

        done: list[str] = []
        job = jobs.submit(long, "Long", "long", Priority.RUN)
        job.done.connect(done.append)
        assert going.wait(5)
        window.tabs._session.pick_layer("block.conv2", "Feature maps")
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("block.conv2 "))
        assert not done
        stop.set()
        qtbot.waitUntil(lambda: done == ["long"])

    drive(script, picture)


def test_bundled_model_with_a_sample_on_first_start(
    drive, qtbot, bundled_weights, sample, tmp_path
) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        assert window.tabs._session.model.name == "bundled"
        assert window.tabs.head.title().endswith(sample.name)
        label = window.findChild(QLabel, "memoryLabel")
        assert label.text().startswith("bundled")
        qtbot.waitUntil(lambda: window.tabs._session.predictions.current() is not None)
        for index in (0, 1, 3):
            window.tabs.setCurrentIndex(index)
            tab = window.tabs.view().tab
            if tab in window.tabs._session.techniques:
                answered(window, qtbot, tab)

                figure = tmp_path / f"{index}.png"
                exporting = window.exporting
                exporting.write(exporting.shown(), ExportOptions(), figure)
                words = f"Wrote {figure.name}"
                qtbot.waitUntil(lambda w=words: w in window.status.text(), timeout=20000)
                assert figure.stat().st_size > 1000

    assert drive(script, real=True) == 0


def test_a_prediction_can_be_exported_as_soon_as_it_is_there(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.tabs.setCurrentIndex(0)
        qtbot.waitUntil(lambda: window.tabs._session.predictions.current() is not None)
        button = find(window, "exportButton")
        qtbot.waitUntil(button.isEnabled)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        dialog = find(window, "exportDialog")
        assert dialog.isVisible()
        dialog.close()

    drive(script, picture)


def test_keys_of_the_explanation(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.tabs.setCurrentIndex(1)
        answered(window, qtbot, "Explain")
        view = window.tabs.explain.view
        qtbot.waitUntil(lambda: window.tabs._session.predictions.current() is not None)
        heat = view.image()
        QTest.keyPress(view, Qt.Key.Key_O)
        assert view.image() != heat
        QTest.keyRelease(view, Qt.Key.Key_O)
        assert view.image() == heat
        QTest.keyClick(view, Qt.Key.Key_2)
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("dotted disc"))

    drive(script, picture)


def test_zooming_the_interface_scales_text_and_bars(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        before = window.tabs.head.height()
        for _ in range(3):
            window.deeds["larger"].trigger()
        assert window.tabs.head.height() > before
        window.deeds["normal_size"].trigger()
        assert window.tabs.head.height() == before

    drive(script, picture)


def test_zooming_the_interface_scales_docks_icons_and_pictures_at_once(
    drive, qtbot, picture
) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.resize(2400, 1200)
        docks, split = [window._left, window._right], window.model_panel.splitter
        qtbot.waitUntil(lambda: [dock.width() for dock in docks] == [288, 264])
        pictures = split.sizes()[1]
        window.appearance.apply(Settings(interface_scale=2.0))
        qtbot.waitUntil(lambda: [dock.width() for dock in docks] == [576, 528])
        assert abs(split.sizes()[1] - 2 * pictures) <= 2
        button = find(window, "pasteImage")
        assert (button.width(), button.iconSize().width()) == (48, 32)
        assert find(window, "techniqueHelp").iconSize().width() == 32
        assert find(window, "heatColours").iconSize().width() == 72
        assert find(window, "mapGamma").minimumWidth() == 64
        window.resize(2300, 1200)  # as narrow as 1150 with text of the usual size
        left = Qt.DockWidgetArea.LeftDockWidgetArea
        qtbot.waitUntil(lambda: window.dockWidgetArea(window._right) == left)
        window.appearance.apply(Settings())
        qtbot.waitUntil(lambda: [dock.width() for dock in docks] == [288, 264])

    drive(script, picture)


def test_the_panels_keep_their_width_however_the_interface_is_zoomed(drive, qtbot, picture) -> None:
    def script(window) -> None:
        answered(window, qtbot)
        window.resize(1440, 900)
        docks, left = [window._left, window._right], Qt.DockWidgetArea.LeftDockWidgetArea
        qtbot.waitUntil(lambda: [dock.width() for dock in docks] == [288, 264])
        for scale in (1.1, 1.25, 1.5, 1.0, 1.5, 1.0):  # faster than Qt lays the docks out
            window.appearance.apply(Settings(interface_scale=scale))
            QApplication.processEvents()
        qtbot.waitUntil(lambda: [dock.width() for dock in docks] == [288, 264])
        split = window.model_panel.splitter
        assert split.sizes()[1] in (190, 191)
        for scale in (2.0, 1.0):  # so large that there is less room for the pictures
            window.appearance.apply(Settings(interface_scale=scale))
            qtbot.waitUntil(lambda: not window._laying.isActive())
        assert split.sizes()[1] in (190, 191)
        window.deeds["docks"].trigger()  # out of sight
        for scale in (2.0, 1.0):
            window.appearance.apply(Settings(interface_scale=scale))
            qtbot.wait(150)
        window.deeds["docks"].trigger()
        qtbot.waitUntil(lambda: [dock.width() for dock in docks] == [288, 264])
        window.resize(1000, 900)
        qtbot.waitUntil(lambda: window.dockWidgetArea(window._right) == left)
        window._right.raise_()
        qtbot.waitUntil(lambda: not window._laying.isActive())
        window.resizeDocks([window._right], [330], Qt.Orientation.Horizontal)
        qtbot.waitUntil(lambda: window._right.width() == 330)
        window.appearance.apply(Settings(interface_scale=1.1))
        qtbot.waitUntil(lambda: window._right.width() == 363)

    drive(script, picture)


def test_panels_that_were_hidden_come_back_with_one_key(drive, qtbot, picture) -> None:
    def hide(window) -> None:
        answered(window, qtbot)
        window.deeds["docks"].trigger()
        window.close()

    def show(window) -> None:
        answered(window, qtbot)
        assert window._left.isHidden()
        window.deeds["docks"].trigger()
        assert not window._left.isHidden() and not window._right.isHidden()

    drive(hide, picture)
    drive(show, picture)
