"""The tab that explains: one map or several, by real events through the real main()."""

from __future__ import annotations

import numpy as np
import pytest
from person import choose_file, click, find
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QMenu, QPushButton, QToolButton, QWidget

from cnnviz_desktop.data import Finding, Heatmap, Heatmaps
from cnnviz_desktop.engine.explanation_doctor import Advice
from cnnviz_desktop.engine.techniques import CompareMaps, EigenCam, GradCam, Saliency
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import explain_doctor
from cnnviz_desktop.gui.exporting import call_of

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

LABELS = ("striped star", "dotted disc", "checked hexagon", "wavy ring")


def one(technique, image, target: int, **more) -> Heatmap:
    """Return a map with its peak in another corner for each class."""
    rows, columns = np.mgrid[:8, :8]
    row, column = divmod(target, 2)
    far = (rows - 2 - 4 * row) ** 2 + (columns - 2 - 4 * column) ** 2
    values = ((1 + target) * np.exp(-far / 4) - 0.1).astype(np.float32)
    given = {"layer": technique.values().get("layer") or "", "method": technique.title, **more}
    return Heatmap(
        values=values,
        target=target,
        target_label=LABELS[target],
        score=3.0,
        region=image.whole,
        **given,
    )


@pytest.fixture
def explaining(engine, monkeypatch):
    """Let the pretend engine explain several classes, methods and layers."""
    usual = engine.perform

    def perform(technique, model, image, run):
        if technique.tab != "Explain":
            return usual(technique, model, image, run)
        engine.performed.append(technique.command)
        first = technique.values()["target"] or 0
        if isinstance(technique, CompareMaps):
            maps = tuple(one(part, image, first) for part in technique.parts())
            return Heatmaps("compared", maps, tuple(item.method for item in maps), 2)
        if isinstance(technique, Saliency):
            colours = np.random.default_rng(0).normal(size=(8, 8, 3)).astype(np.float32)
            return one(technique, image, first, colours=colours)
        count = technique.values().get("classes", 1)
        if count > 1:
            maps = tuple(one(technique, image, index) for index in range(count))
            return Heatmaps("Grad-CAM", maps, tuple(item.target_label for item in maps), 4)
        return one(technique, image, first)

    monkeypatch.setattr(engine, "perform", perform)
    return engine


def turn_to_explain(window, qtbot) -> None:
    session = window.tabs._session
    qtbot.waitUntil(lambda: "Feature maps" in session.answers, timeout=20000)
    qtbot.waitUntil(lambda: session.predictions.current() is not None)
    window.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: "Explain" in session.answers)


def choose_compare(window, by: str) -> None:
    menu = find(window, "compareHeat", QToolButton).menu()
    assert isinstance(menu, QMenu)
    next(a for a in menu.actions() if a.objectName() == f"compareHeat_{by}").trigger()


def four_classes(window, qtbot):
    turn_to_explain(window, qtbot)
    choose_compare(window, "classes")
    view = window.tabs.explain.view
    qtbot.waitUntil(lambda: len(view._panels) == 4)
    QApplication.processEvents()
    return view


def wheel(view, at: QPointF, turned: int) -> None:
    where = QPointF(view.mapToGlobal(at))
    none, no = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(
        at, where, QPoint(), QPoint(0, turned), none, no, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(view, event)


def words(window) -> str:
    return find(window, "heatValue").text()


def test_the_likeliest_classes_stand_side_by_side(drive, qtbot, picture, explaining) -> None:
    def script(window) -> None:
        view = four_classes(window, qtbot)
        session = window.tabs._session
        assert session.techniques["Explain"] == GradCam(classes=4)
        assert explaining.performed.count("grad-cam") == 2
        assert [panel.caption for panel in view._panels] == list(LABELS)
        assert view._panels[0].note.endswith("%") and view._panels[3].note
        assert window.tabs.head.title().startswith("Grad-CAM striped star")
        assert find(window, "heatScale").isVisible()

    drive(script, picture)


def test_a_clicked_panel_is_what_the_tab_is_about(drive, qtbot, picture, explaining) -> None:
    def script(window) -> None:
        view = four_classes(window, qtbot)
        explain, turned = window.tabs.explain, []
        explain.turned.connect(lambda: turned.append(view.picked_index()))
        click(view, view.linked.places()[2].room.center())
        assert turned == [2]
        assert "checked hexagon" in window.tabs.head.title()
        assert explain.explained().technique == GradCam(layer="block", target=2)
        assert explain._foot.bar.ends() == ("0", "2.90")
        QTest.keyClick(view, Qt.Key.Key_Right)
        assert view.picked_index() == 3 and explain._foot.bar.ends() == ("0", "3.90")
        before = len(explaining.performed)
        QTest.keyClick(view, Qt.Key.Key_2)  # in sight already: no run
        assert view.picked_index() == 1 and len(explaining.performed) == before
        click(find(window, "heatScale_layer"))
        assert explain._foot.bar.ends() == ("0", "3.90")
        assert explain.look()["scale"] == "layer"

    drive(script, picture)


def test_zoom_pan_and_pointer_are_linked(drive, qtbot, picture, explaining) -> None:
    def script(window) -> None:
        view = four_classes(window, qtbot)
        rooms = [place.room for place in view.linked.places()]
        at = QPointF(rooms[1].center()) + QPointF(9, 6)
        QTest.mouseMove(view, at.toPoint())
        place = view.linked.to_picture(at)
        value = view._panels[0].value_at(place.x(), place.y())
        assert words(window).startswith(f"{value} at row ")  # of the picked panel
        shown = view.grab().toImage()
        assert changed(shown, rooms[3], drawn_without_pointer(view))
        wheel(view, at, 240)
        assert view.linked.zoom == pytest.approx(1.25**2)
        for index in range(4):
            there = view.linked.to_widget(index, place.x(), place.y())
            assert (there - QPointF(rooms[index].center()) - QPointF(9, 6)).manhattanLength() < 2
        centre = view.linked.centre()
        start = rooms[2].center()
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
        QTest.mouseMove(view, start + QPoint(20, 0))
        QTest.mouseMove(view, start + QPoint(30, 0))
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=start + QPoint(30, 0))
        assert view.linked.centre().x() < centre.x()
        assert view.picked_index() == 0  # a drag picks nothing
        QTest.keyClick(view, Qt.Key.Key_0)
        assert view.linked.zoom == 1.0

    drive(script, picture)


def drawn_without_pointer(view) -> QImage:
    QTest.mouseMove(view, QPoint(1, 1))
    return view.grab().toImage()


def changed(one: QImage, room, other: QImage) -> bool:
    return one.copy(room) != other.copy(room)


def test_a_panel_alone_and_back(drive, qtbot, picture, explaining) -> None:
    def script(window) -> None:
        view = four_classes(window, qtbot)
        QTest.mouseDClick(
            view, Qt.MouseButton.LeftButton, pos=view.linked.places()[1].room.center()
        )
        assert view.linked.shown() == [1]
        QTest.keyClick(view, Qt.Key.Key_Return)
        assert view.linked.shown() == [0, 1, 2, 3]
        view.setFocus()
        with_keyboard = view.grab().toImage()
        find(window, "layerTree").setFocus()
        assert view.grab().toImage() != with_keyboard  # the outline says where the keyboard is

    drive(script, picture)


def test_o_held_hides_the_heat_of_all_panels(drive, qtbot, picture, explaining) -> None:
    def script(window) -> None:
        view = four_classes(window, qtbot)
        with_heat = view.image()
        QTest.keyPress(view, Qt.Key.Key_O)
        bare = view.image()
        assert all(changed(bare, place, with_heat) for place in parts(bare, 4))
        QTest.keyRelease(view, Qt.Key.Key_O)
        assert view.image() == with_heat

    drive(script, picture)


def parts(image: QImage, count: int):
    half = QSize(image.width() // 2, image.height() // 2)
    from PySide6.QtCore import QRect

    corners = [(x, y) for y in (0, half.height()) for x in (0, half.width())]
    return [QRect(QPoint(*corner), half) for corner in corners][:count]


def test_methods_and_layers_are_compared_and_the_call_says_so(
    drive, qtbot, picture, explaining, tmp_path
) -> None:
    def script(window) -> None:
        turn_to_explain(window, qtbot)
        session, view = window.tabs._session, window.tabs.explain.view
        session.pick_target(1)
        qtbot.waitUntil(lambda: window.tabs.head.title().startswith("dotted disc"))
        choose_compare(window, "methods")
        qtbot.waitUntil(lambda: len(view._panels) == 4)
        assert session.techniques["Explain"] == CompareMaps(target=1)
        click(view, view.linked.places()[3].room.center())
        assert window.tabs.explain.explained().technique.command == "layer-cam"
        text = call_of("command", window.exporting.shown(), picture)
        assert "compare-maps" in text and "--target=1" in text and "--mode=overlay" in text
        choose_compare(window, "layers")
        qtbot.waitUntil(lambda: session.techniques["Explain"].values()["methods"] == ("layer-cam",))
        assert len(session.techniques["Explain"].layers) >= 1

    drive(script, picture)


def test_every_mode_is_drawn_and_is_an_option_of_the_figure(
    drive, qtbot, picture, explaining
) -> None:
    def script(window) -> None:
        turn_to_explain(window, qtbot)
        explain, seen = window.tabs.explain, []
        for mode in ("overlay", "heat", "masked", "contour"):
            click(find(window, f"heatMode_{mode}"))
            assert explain.look()["mode"] == mode
            seen.append(explain.picture())
        assert all(a != b for i, a in enumerate(seen) for b in seen[:i])
        assert not find(window, "heatMode_colours").isVisible()
        click(find(window, "heatMode_overlay"))
        QTest.keyClick(explain.controls["threshold"].slider, Qt.Key.Key_End)
        assert explain.look()["threshold"] == 0.95
        before = explain.picture()
        find(window, "moreHeat", QToolButton).click()
        click(find(window, "heatBox"), QPoint(8, 8))
        click(find(window, "heatCells"), QPoint(8, 8))
        find(window, "moreHeatPanel").close()
        assert explain.look()["box"] and explain.look()["cells"]
        assert explain.picture() != before
        assert words(window).startswith("Hot region (above 95% of the maximum): ")
        kept = explain.view_settings()
        explain.set_view_settings({**kept, "mode": "masked", "box": False})
        assert explain.look()["mode"] == "masked" and words(window) == ""

    drive(script, picture)


def test_signed_maps_have_zero_in_the_middle_where_asked_or_at_the_input(
    drive, qtbot, picture, explaining
) -> None:
    def script(window) -> None:
        turn_to_explain(window, qtbot)
        explain, session = window.tabs.explain, window.tabs._session
        assert not explain.look()["signed"] and explain.look()["colormap"] == style.OVERLAY
        session.set_technique("Explain", Saliency())
        qtbot.waitUntil(lambda: "Saliency" in window.tabs.head.title())
        look = explain.look()
        assert look["signed"] and look["colormap"] == style.SIGNED
        low, high = explain._foot.bar.ends()
        assert low == f"\u2212{high}"
        click(find(window, "heatMode_colours"))
        assert explain.look()["mode"] == "colours"
        assert not find(window, "heatColours").isEnabled()
        session.set_technique("Explain", EigenCam())
        qtbot.waitUntil(lambda: "Eigen" in window.tabs.head.title())
        assert not explain.look()["signed"] and explain.look()["mode"] == "overlay"
        click(find(window, "heatSign"))
        assert explain.look()["signed"] and explain._foot.bar.ends()[0].startswith("\u2212")

    drive(script, picture)


def test_methods_are_listed_in_families(drive, qtbot, picture, explaining) -> None:
    def script(window) -> None:
        turn_to_explain(window, qtbot)
        picker = find(window, "techniquePicker", QComboBox)
        rows = [(picker.itemText(i), picker.itemData(i)) for i in range(picker.count())]
        heads = [text for text, command in rows if command is None]
        assert heads[0] == "Class activation maps" and "Perturbation" in heads
        assert rows[1] == ("Grad-CAM", "grad-cam") == (picker.currentText(), picker.currentData())
        assert picker.itemData(1, Qt.ItemDataRole.ToolTipRole)
        picker.setFocus()
        for _ in range(len(rows)):
            QTest.keyClick(picker, Qt.Key.Key_Down)
            assert picker.currentData() is not None  # heads are stepped over
        QTest.keyClicks(picker, "grad-cam+")
        qtbot.waitUntil(
            lambda: window.tabs._session.techniques["Explain"].command == "grad-cam-plus-plus"
        )

    drive(script, picture)


def test_drawing_large_maps_does_not_stall_the_window(drive, qtbot, picture, explaining) -> None:
    import time

    def script(window) -> None:
        view = four_classes(window, qtbot)
        slider = window.tabs.explain.controls["opacity"].slider
        view.grab()
        took = []
        for _ in range(8):
            start = time.perf_counter()
            QTest.keyClick(slider, Qt.Key.Key_Left)
            view.grab()
            took.append(time.perf_counter() - start)
        assert sorted(took)[3] < 0.05

    drive(script, picture)


def test_the_doctor_speaks_of_the_map_that_is_looked_at(
    drive, qtbot, picture, explaining, monkeypatch
) -> None:
    asked: list[tuple[str, int]] = []

    def advise(technique, heatmap, _model, _image):
        asked.append((technique.command, heatmap.target))
        said = Finding("warning", f"Coarse for {heatmap.target_label}", "8×8 cells.")
        sound = Finding("info", "The signal is sound", "Nothing is amiss.")
        return (Advice(said, "Try Saliency", Saliency(target=heatmap.target)), Advice(sound))

    monkeypatch.setattr(explain_doctor, "advise", advise)

    def script(window) -> None:
        view = four_classes(window, qtbot)
        card = find(window, "explanationDoctor")
        qtbot.waitUntil(lambda: card.isVisible() and asked[-1:] == [("grad-cam", 0)])
        click(view, view.linked.places()[3].room.center())
        qtbot.waitUntil(lambda: asked[-1] == ("grad-cam", 3))
        assert [note.title for note in card.notes()] == [
            "Coarse for wavy ring",
            "The signal is sound",
        ]
        assert find(window, "explanationCount").text() == "1 to look at"
        QApplication.processEvents()
        click(find(card, "noteAction", QPushButton))
        qtbot.waitUntil(lambda: "Saliency" in window.tabs.head.title())
        assert window.tabs._session.techniques["Explain"] == Saliency(target=3)
        assert find(window, "techniquePicker", QComboBox).currentData() == "saliency"
        window.tabs.setCurrentIndex(2)
        qtbot.waitUntil(lambda: not card.isVisible())
        window.tabs.setCurrentIndex(1)
        qtbot.waitUntil(card.isVisible)

    drive(script, picture)


def test_a_map_of_a_saved_session_is_said_and_doctored_as_before(
    drive, qtbot, picture, explaining, tmp_path, monkeypatch
) -> None:
    path = tmp_path / "star.cnnviz"
    choose_file(monkeypatch, "getSaveFileName", path)
    before: list[object] = []

    def save(window) -> None:
        turn_to_explain(window, qtbot)
        card = find(window, "explanationDoctor")
        qtbot.waitUntil(card.isVisible)
        before.extend((window.tabs.head.title(), card.notes()))
        QTest.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda: not window.isWindowModified())

    def look(window) -> None:
        qtbot.waitUntil(lambda: window.tabs._session.model is not None)
        qtbot.waitUntil(lambda: window.findChild(QWidget, "explanationDoctor") is not None)
        card = find(window, "explanationDoctor")
        qtbot.waitUntil(card.isVisible)
        assert [window.tabs.head.title(), card.notes()] == before

    assert drive(save, picture) == 0
    done = len(explaining.performed)
    assert drive(look, path) == 0
    assert len(explaining.performed) == done
