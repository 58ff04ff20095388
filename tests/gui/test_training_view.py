"""The tab Training: checkpoints one after the other, logs that grow, films, TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from person import choose_file, click, find, settled
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from cnnviz_desktop.data.training import Curves
from cnnviz_desktop.data.training_logs import LoggedHistogram, LoggedRun, TrainingLog
from cnnviz_desktop.engine import training_log
from cnnviz_desktop.engine.training_folder import look_into
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.session import FEATURE_MAPS, TRAINING
from cnnviz_desktop.gui.training_pages import CurvesPage, SpreadMap, lines_of
from cnnviz_desktop.gui.training_plot import CurvePlot, Line, smoothed
from cnnviz_desktop.gui.training_stage import TimelineStage
from cnnviz_desktop.resources import resource

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

STAR = resource("samples/striped-star.png")
CTRL = Qt.KeyboardModifier.ControlModifier


def turn(window, qtbot):
    """Turn to the tab and return session and view."""
    session = window.tabs._session
    qtbot.waitUntil(lambda: FEATURE_MAPS in session.answers, timeout=60000)
    technique = session.techniques[TRAINING]
    few = type(technique)(steps=2, pictures=0)
    session.set_technique(TRAINING, few)
    QTest.keyClick(window, Qt.Key.Key_0, CTRL)
    assert session.tab == TRAINING
    return session, window.tabs.training


def done(session):
    """Tell whether the timeline is whole."""
    answer = session.answers.get(TRAINING)
    return answer is not None and not answer.partial


def hover(widget, at: QPoint) -> None:
    """Move the mouse over a widget."""
    none = Qt.MouseButton.NoButton
    where = (QPointF(at), QPointF(widget.mapToGlobal(at)))
    event = QMouseEvent(QEvent.Type.MouseMove, *where, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, event)


def table(folder: Path, *losses: float) -> None:
    rows = "".join(f"{step},{loss}\n" for step, loss in enumerate(losses))
    (folder / "training.csv").write_text(f"step,loss\n{rows}", encoding="utf-8")


@pytest.fixture
def unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a log, where what reads it is not installed."""
    monkeypatch.setattr(training_log, "is_there", lambda: False)
    (tmp_path / "events.out.tfevents.1").write_bytes(b"")
    return tmp_path


@pytest.mark.slow
def test_the_bundled_networks_own_training_is_there_at_once(drive, qtbot, tmp_path, monkeypatch):
    out = tmp_path / "line.gif"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a: (str(out), ""))

    def script(window) -> None:
        session, view = turn(window, qtbot)
        stage = view.stage
        qtbot.waitUntil(lambda: TRAINING in session.answers, timeout=60000)
        assert done(session) or not stage.film.isEnabled()  # there is no whole film yet
        qtbot.waitUntil(lambda: done(session), timeout=60000)
        assert view.where.text() == "The bundled network's own training"
        qtbot.waitUntil(lambda: len(stage._images) == 4, timeout=20000)
        assert stage.place() == 3
        assert stage.about.text().startswith("step 1\u2009000 · 4 of 4 · striped star ")
        assert [name for name, _image in stage.panels.shown()] == [
            *("Map", "Kernel", "CAM", "Wants to see")
        ]
        last = stage.panels.shown()[2][1]
        QTest.keyClick(stage.slider, Qt.Key.Key_Home)
        assert stage.place() == 0
        assert stage.panels.shown()[2][1] != last
        assert stage.drift._mark == 0
        QTest.mouseClick(stage.answer, Qt.MouseButton.LeftButton, pos=_at(stage.answer, 0.34))
        assert stage.place() == 2  # step 333
        QTest.mouseClick(stage.play, Qt.MouseButton.LeftButton)
        assert stage.is_playing()
        qtbot.waitUntil(lambda: stage.place() == 3 and not stage.is_playing(), timeout=10000)
        assert view.can_export()
        QTest.mouseClick(stage.film, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: out.with_name("line.gif.json").exists(), timeout=20000)
        view.pages._group.button(1).click()
        qtbot.waitUntil(lambda: "loss" in view.curves.plots, timeout=20000)
        assert not view.can_export()
        (curve,) = view.curves.plots["loss"].lines()
        assert float(curve.values[0]) == pytest.approx(2.5505)
        assert view.title()[1] == "step 1\u2009000"
        view.pages._group.button(2).click()
        assert "No histograms in this log yet." in view.empty.text()

    drive(script, STAR, real=True)
    assert json.loads(out.with_name("line.gif.json").read_text())["technique"] == "timeline"


def test_the_unit_and_the_folder_are_what_is_run(drive, qtbot, tmp_path):
    import shutil

    folder = tmp_path / "mine"
    shutil.copytree(resource("bundled/checkpoints"), folder)
    (folder / "step-00333.safetensors").unlink()

    def script(window) -> None:
        session, view = turn(window, qtbot)
        session.pick_layer("blocks.0.conv1", FEATURE_MAPS)
        session.pick_unit(Unit("blocks.0.conv1", 5))
        view.choose(folder)
        qtbot.waitUntil(
            lambda: done(session) and len(session.answers[TRAINING].result.names) == 3,
            timeout=60000,
        )
        line = session.answers[TRAINING].result
        assert (line.layer, line.channel) == ("blocks.0.conv1", 5)
        assert line.colours
        assert view.where.text() == str(folder)
        view.follower.clock.setInterval(50)
        shutil.copy(resource("bundled/checkpoints") / "step-00333.safetensors", folder)
        qtbot.waitUntil(view.fresh.isVisible, timeout=20000)
        assert view.fresh.text() == "1 new checkpoint"
        QTest.mouseClick(view.fresh, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: len(session.answers[TRAINING].result.names) == 4, timeout=60000)
        qtbot.waitUntil(lambda: not view.fresh.isVisible(), timeout=20000)
        assert session.techniques[TRAINING].checkpoints == str(folder)

    drive(script, STAR, real=True)


@pytest.mark.slow
def test_the_networks_own_training_goes_with_it_and_comes_back(drive, qtbot):
    def script(window) -> None:
        session, view = turn(window, qtbot)
        qtbot.waitUntil(lambda: done(session) and view.follower.logs is not None, timeout=60000)
        own = "The bundled network's own training"
        assert view.where.text() == own
        session.set_tab(FEATURE_MAPS)
        session.models.load("squeezenet1_0", "none")
        qtbot.waitUntil(lambda: session.model.name == "squeezenet1_0", timeout=60000)
        session.set_tab(TRAINING)
        view.pages._group.button(1).click()
        qtbot.waitUntil(lambda: "No logs yet." in view.empty.text(), timeout=20000)
        assert view.empty.isVisible() and view.where.text() == ""
        view.pages._group.button(0).click()
        assert view.empty.text().endswith("of this network's checkpoints.")  # Run has none
        session.models.load("bundled")
        qtbot.waitUntil(lambda: done(session) and view.where.text() == own, timeout=60000)
        assert view.stage.isVisible()
        qtbot.waitUntil(lambda: view.follower.logs is not None, timeout=20000)

    drive(script, STAR, real=True)


@pytest.mark.slow
def test_the_page_stays_where_the_same_network_is_fed_otherwise(drive, qtbot):
    def script(window) -> None:
        session, view = turn(window, qtbot)
        qtbot.waitUntil(lambda: done(session) and view.follower.logs is not None, timeout=60000)
        view.pages._group.button(1).click()
        session.models.set_fit("squash")
        settled(window, qtbot, timeout=60000)
        assert view.curves.isVisible()
        assert view.where.text() == "The bundled network's own training"

    drive(script, STAR, real=True)


@pytest.mark.slow
def test_a_session_comes_back_to_its_page_of_the_networks_own_logs(
    drive, qtbot, tmp_path, monkeypatch
):
    path = tmp_path / "curves.cnnviz"
    choose_file(monkeypatch, "getSaveFileName", path)

    def save(window) -> None:
        session, view = turn(window, qtbot)
        qtbot.waitUntil(lambda: done(session) and view.follower.logs is not None, timeout=60000)
        view.pages._group.button(1).click()
        QTest.keyClick(window, Qt.Key.Key_S, CTRL)
        qtbot.waitUntil(path.exists, timeout=20000)

    def open_again(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: session.model is not None and done(session), timeout=60000)
        view = window.tabs.training
        qtbot.waitUntil(lambda: "loss" in view.curves.plots, timeout=20000)
        assert view.curves.isVisible()
        assert view.where.text() == "The bundled network's own training"
        assert not session.is_stale(TRAINING)

    drive(save, STAR, real=True)
    drive(open_again, path, real=True)


def test_logs_that_grow_are_read_on(drive, qtbot, picture, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    table(folder, 2.0, 1.0)

    def script(window) -> None:
        session, view = turn(window, qtbot)
        view.follower.clock.setInterval(50)
        view.choose(folder)
        qtbot.waitUntil(lambda: "loss" in view.curves.plots, timeout=20000)
        plot = view.curves.plots["loss"]
        assert plot.isVisible()
        assert view.smoothing.isVisible()
        table(folder, 2.0, 1.0, 0.5)
        qtbot.waitUntil(lambda: len(plot.lines()[0].values) == 3, timeout=20000)
        assert view.curves.plots["loss"] is plot
        assert view.title() == ("run", "step 2")
        assert view.where.text() == str(folder)
        click(find(view, "trainingPages_timeline"))
        assert view.where.text() != str(folder)  # which holds no checkpoints
        click(find(view, "trainingPages_curves"))
        QTest.mouseClick(view.log_scale, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
        assert plot._log
        assert session.job(TRAINING) is None  # there are no checkpoints in it

    drive(script, picture)


def test_a_folder_that_is_dropped_is_taken_and_pictures_go_on_to_the_window(
    drive, qtbot, picture, tmp_path
):
    folder = tmp_path / "run"
    folder.mkdir()
    table(folder, 2.0, 1.0)
    other = tmp_path / "another.jpg"
    other.write_bytes(b"pretend")

    def drop(view, path: Path) -> None:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        what = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton)
        none = Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(view, QDragEnterEvent(QPoint(50, 50), *what, none))
        QApplication.sendEvent(view, QDropEvent(QPointF(50, 50), *what, none))

    def script(window) -> None:
        session, view = turn(window, qtbot)
        drop(view, folder)
        qtbot.waitUntil(lambda: "loss" in view.curves.plots, timeout=20000)
        drop(view, other)
        qtbot.waitUntil(lambda: len(list(session.pictures)) == 2, timeout=20000)
        drop(view, tmp_path / "run" / "..")
        qtbot.waitUntil(lambda: "neither checkpoints" in window.tabs.message.text(), timeout=20000)

    drive(script, picture)


def test_histograms_and_pictures_of_a_log(drive, qtbot, picture, tmp_path):
    pytest.importorskip("tensorboard")
    from cnnviz_desktop.engine.event_files import writer

    log = writer(tmp_path / "logs")
    for step in (0, 5):
        log.add_histogram("weights", np.linspace(0, 1 + step, 100), step)
        log.add_image("maps", np.full((3, 8, 8), step / 10, np.float32), step)
    log.close()

    def script(window) -> None:
        _session, view = turn(window, qtbot)
        view.choose(tmp_path / "logs")
        qtbot.waitUntil(lambda: view.follower.logs is not None, timeout=30000)
        assert "No curves in this log yet." in view.empty.text()
        view.pages._group.button(2).click()
        spread = view.histograms.map
        assert spread.isVisible()
        assert spread.item().steps.tolist() == [0, 5]
        spread.grab()
        hover(spread, spread._plot().center() + QPoint(9, 0))
        assert spread.said().startswith("step 5: ")
        view.pages._group.button(3).click()
        assert view.pictures.about.text() == "step 5"
        grey = view.pictures.view.image().pixelColor(3, 3).red()
        assert grey == pytest.approx(127, abs=1)
        QTest.keyClick(view.pictures.slider, Qt.Key.Key_Home)
        assert view.pictures.about.text() == "step 0"
        assert view.pictures.view.image().pixelColor(3, 3).red() == 0
        assert view.follower.board_folder == tmp_path / "logs"

    drive(script, picture)


def test_a_result_is_logged_and_tensorboard_is_opened_and_ended(drive, qtbot, monkeypatch):
    pytest.importorskip("tensorboard")
    import urllib.request

    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))

    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: FEATURE_MAPS in session.answers, timeout=60000)
        window.deeds["open_board"].trigger()
        assert "Nothing was logged yet" in window.tabs.message.text()
        text = window.tabs.message.text
        window.deeds["log_result"].trigger()
        qtbot.waitUntil(lambda: "as step 1 to" in text(), timeout=60000)
        window.deeds["log_result"].trigger()
        qtbot.waitUntil(lambda: "as step 2 to" in text(), timeout=60000)
        assert window.tabs.message._action.text() == "Open in TensorBoard"
        QTest.mouseClick(window.tabs.message._action, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: bool(opened), timeout=60000)
        assert opened[0].startswith("http://127.0.0.1:")

        def tags():
            with urllib.request.urlopen(f"{opened[0]}data/plugin/images/tags", timeout=20) as got:
                return json.loads(got.read())

        qtbot.waitUntil(lambda: bool(tags()), timeout=30000)
        (run,) = tags().values()
        assert list(run) == [
            f"Feature maps/{session.layer(FEATURE_MAPS)}-feature-maps-striped-star"
        ]

    drive(script, STAR, real=True)
    with pytest.raises(OSError):
        urllib.request.urlopen(opened[0], timeout=2)


def test_without_tensorboard_a_sentence_says_what_to_install(drive, qtbot, picture, monkeypatch):
    from cnnviz_desktop.engine import event_files
    from cnnviz_desktop.settings import usual_log_folder

    monkeypatch.setattr(event_files, "is_there", lambda: False)

    def script(window) -> None:
        session = window.tabs._session
        qtbot.waitUntil(lambda: FEATURE_MAPS in session.answers, timeout=20000)
        said = 'pip install "cnnviz-desktop[tensorboard]"'
        window.deeds["log_result"].trigger()
        qtbot.waitUntil(lambda: said in window.tabs.message.text(), timeout=20000)
        window.tabs.message.dismiss()
        usual_log_folder().mkdir(parents=True)
        window.deeds["open_board"].trigger()
        assert said in window.tabs.message.text()

    drive(script, picture)


def test_logs_that_cannot_be_read_say_why_in_their_place(drive, qtbot, picture, unreadable):
    def script(window) -> None:
        _session, view = turn(window, qtbot)
        view.choose(unreadable)
        said = 'pip install "cnnviz-desktop[tensorboard]"'
        qtbot.waitUntil(lambda: said in view.empty.text(), timeout=20000)
        assert view.empty.isVisible()

    drive(script, picture)


def test_checkpoints_are_counted_where_logs_cannot_be_read(drive, qtbot, picture, unreadable):
    def script(window) -> None:
        _session, view = turn(window, qtbot)
        view.follower.clock.setInterval(50)
        view.choose(unreadable)
        qtbot.waitUntil(lambda: view.follower.problem != "", timeout=20000)
        assert view.follower.checkpoint_folder is None
        (unreadable / "one.pth").write_bytes(b"")
        view.choose(unreadable)
        qtbot.waitUntil(lambda: view.follower.checkpoint_folder is not None, timeout=20000)
        qtbot.waitUntil(lambda: view.follower.problem != "", timeout=20000)
        (unreadable / "two.pth").write_bytes(b"")
        qtbot.waitUntil(lambda: view.fresh.text() == "1 new checkpoint", timeout=20000)

    drive(script, picture)


def test_what_is_new_in_a_log_stands_where_it_belongs(qtbot):
    def log(*names: str) -> TrainingLog:
        steps = tuple(np.arange(3, dtype=np.float32) for _ in names)
        return TrainingLog("run", (LoggedRun("", Curves("run", names, steps, steps)),))

    page = CurvesPage()
    qtbot.addWidget(page)
    page.show_log(log("zeros"))
    kept = page.plots["zeros"]
    page.show_log(log("zeros", "loss"))
    assert list(page.plots) == ["loss", "zeros"]
    assert page.plots["zeros"] is kept


def test_a_mouse_that_rests_is_told_of_what_came_meanwhile(qtbot):
    def item(count: float) -> LoggedHistogram:
        steps, edges = np.array([7], np.float32), np.array([0, 1], np.float32)
        return LoggedHistogram("weights", steps, edges, np.array([[count]], np.float32))

    spread = SpreadMap()
    qtbot.addWidget(spread)
    spread.resize(400, 200)
    spread.show_histogram(item(3))
    hover(spread, spread._plot().center())
    assert spread.said() == "step 7: 3 from 0 to 1.00"
    spread.show_histogram(item(4))
    assert spread.said() == "step 7: 4 from 0 to 1.00"
    QApplication.sendEvent(spread, QEvent(QEvent.Type.Leave))
    assert spread.said() == ""


def test_a_timeline_that_is_let_go_while_it_plays_can_be_played_again(qtbot):
    stage = TimelineStage()
    qtbot.addWidget(stage)
    stage._turn_play()
    assert stage.is_playing() and stage.play.accessibleName() == "Pause"
    stage.forget()
    assert not stage.is_playing() and stage.play.accessibleName() == "Play"


def test_a_curve_is_smoothed_from_its_first_value_and_read_by_the_mouse(qtbot):
    values = np.array([1.0, 0.0, np.nan, 0.0], np.float32)
    # 1; (1·.5·.5 + 0·.5) / .75; passed over; 1·.5^3 / (1 − .5^3)
    wanted = [1.0, 1 / 3, float("nan"), 1 / 7]
    np.testing.assert_allclose(smoothed(values, 0.5), wanted, rtol=1e-6)
    assert smoothed(values, 0.0) is values

    plot = CurvePlot("curve")
    qtbot.addWidget(plot)
    plot.resize(400, 240)
    steps = np.arange(4, dtype=np.float32)
    plot.show_lines("loss", [Line("a", steps, values), Line("b", steps * 2, values + 1)])
    assert plot.reading(1.2) == [(0, 1.0, 0.0), (1, 2.0, 1.0)]
    picked = []
    plot.picked.connect(picked.append)
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton, pos=_at(plot, 0.5))
    assert picked[0] == pytest.approx(3, abs=0.05)  # of 0 to 6
    for log in (False, True):
        plot.set_look(0.3, log=log)
        plot.mark(2.0)
        hover(plot, plot.plot().center())
        assert not plot.grab().isNull()


def test_several_runs_have_colours_and_what_they_measured_dashes(tmp_path, qtbot):
    pytest.importorskip("tensorboard")
    from cnnviz_desktop.engine.event_files import writer
    from cnnviz_desktop.engine.training_log import LogReader

    for name in ("a", "b"):
        log = writer(tmp_path / name)
        for tag in ("lr", "loss/train", "val/loss"):
            log.add_scalar(tag, 1.0, 0)
        log.close()

    found = lines_of(LogReader(tmp_path).look())

    assert list(found) == ["loss", "lr"]
    lines, unit = found["loss"]
    assert unit == "step"
    assert [line.name for line in lines] == ["a train", "a val", "b train", "b val"]
    assert [line.hue for line in lines] == [0, 0, 1, 1]
    assert lines[0].dash == lines[2].dash != lines[1].dash
    plot = CurvePlot("curve")
    qtbot.addWidget(plot)
    plot.show_lines("loss", lines)
    assert plot.ink(0)[0] == plot.ink(1)[0] != plot.ink(2)[0]
    assert look_into(tmp_path).events


def test_what_is_said_of_every_layer_is_one_plot() -> None:
    layers = [f"dead_filters/conv{place}" for place in range(6)]
    names = ("loss/held_out", "loss/train", *layers, "lr", "alone/x")
    arrays = tuple(np.zeros(1, np.float32) for _ in names)
    log = TrainingLog("log", (LoggedRun("", Curves("log", names, arrays, arrays)),))

    found = lines_of(log)

    assert list(found) == ["loss", "alone/x", "dead_filters", "lr"]
    assert [line.name for line in found["loss"][0]] == ["train", "held out"]
    dead = found["dead_filters"][0]
    assert [line.name for line in dead] == [f"conv{place}" for place in range(6)]
    assert len({line.shade for line in dead}) == 6


def _at(plot: CurvePlot, share: float) -> QPoint:
    """Return a place in a plot by its share of the way."""
    room = plot.plot()
    return QPoint(round(room.left() + share * room.width()), room.center().y())
