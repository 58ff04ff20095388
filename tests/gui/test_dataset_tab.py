"""A folder of pictures in the window: what it is, what excites channels, how well the net does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_folder import drawn_folder
from person import choose_file, click, drop, find, ready, settled
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox

from cnnviz_desktop import cli
from cnnviz_desktop.bundled.pictures import draw
from cnnviz_desktop.engine.techniques import Evaluate, Exemplars
from cnnviz_desktop.gui.dataset_source import replaced
from cnnviz_desktop.gui.dataset_view import CHANNELS, CONFUSION, FOLDER, NUMBERS
from cnnviz_desktop.gui.dataset_view import CLASSES as BY_CLASS
from cnnviz_desktop.gui.session import DATASET, EXPLAIN, FEATURE_MAPS, UNIT

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNVIZ_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four generated pictures of each of three classes, and a file that is none."""
    root = drawn_folder(tmp_path / "pictures", 4)
    (root / "wavy_disc" / "broken.png").write_bytes(b"\x89PNG")
    return root


def turn(window: Any, qtbot: Any) -> Any:
    """Turn to the tab and return it once it says what the generator is."""
    ready(window, qtbot)
    QTest.keyClick(window, Qt.Key.Key_8, Qt.KeyboardModifier.ControlModifier)
    view = window.tabs.dataset
    assert window.tabs._session.tab == DATASET
    qtbot.waitUntil(lambda: view.source.facts is not None, timeout=9000)
    return view


def look_at(window: Any, qtbot: Any, folder: Path) -> Any:
    """Turn to the tab and drop a folder there."""
    view = turn(window, qtbot)
    drop(window, folder)
    described(view, qtbot, folder)
    settled(window, qtbot)
    return view


def described(view: Any, qtbot: Any, folder: Path) -> None:
    """Wait until the tab says what a folder is."""

    def is_it() -> bool:
        return view.source.facts is not None and view.source.facts.title == folder.name

    qtbot.waitUntil(is_it, timeout=9000)


def run(window: Any, qtbot: Any) -> None:
    """Run what the form says, and wait for it and all that follows."""
    session = window.tabs._session
    click(window.technique_panel.run_button)
    qtbot.waitUntil(lambda: session.job(DATASET) is not None or not session.is_stale(DATASET))
    qtbot.waitUntil(lambda: session.job(DATASET) is None, timeout=30000)
    settled(window, qtbot)
    pages = window.tabs.dataset.exemplars
    if window.tabs.dataset.page() == CHANNELS:
        shown = pages.sheet.in_sight()
        qtbot.waitUntil(lambda: all(map(pages._crops.row, shown)), timeout=20000)
        settled(window, qtbot)


def indexed(window: Any, qtbot: Any, folder: Path) -> Any:
    """Drop a folder on the tab and fill its index."""
    view = look_at(window, qtbot, folder)
    run(window, qtbot)
    return view


def evaluated(window: Any, qtbot: Any, folder: Path) -> Any:
    """Evaluate the network on a folder."""
    view = look_at(window, qtbot, folder)
    window.tabs._session.set_technique(DATASET, Evaluate(folder=str(folder)))
    run(window, qtbot)
    return view


Drive = Callable[..., int]


def test_a_dropped_folder_says_at_once_what_it_is(drive: Drive, qtbot, sample, folder) -> None:
    def script(window) -> None:
        view = turn(window, qtbot)
        assert view.source.facts.kind == "generated"
        assert view.page() == FOLDER
        pictures = len(window.tabs._session.pictures)
        drop(window, folder)
        described(view, qtbot, folder)
        settled(window, qtbot)
        assert len(window.tabs._session.pictures) == pictures  # none of them was opened
        facts = view.source.facts
        assert facts.classes == ("ringed_triangle", "striped_star", "wavy_disc")
        assert facts.counts == (4, 4, 5)
        assert facts.indices == (7, 0, 3)
        assert [name for name, _why in facts.broken] == ["wavy_disc/broken.png"]
        assert view.folder.broken.isVisible()
        assert view.folder._about.text() == "13 pictures · 3 classes · 1 broken"
        assert window.tabs._session.techniques[DATASET].folder == str(folder)
        recent = [action.data() for action in view.folder._recent.actions()]
        assert str(folder) in recent

    drive(script, sample, real=True)


def test_what_cannot_be_opened_is_said_where_it_would_be(
    drive: Drive, qtbot, sample, tmp_path: Path, monkeypatch
) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    Image.fromarray(draw(1, 0).pixels).save(flat / "one.png")

    def script(window) -> None:
        view = turn(window, qtbot)
        choose_file(monkeypatch, "getExistingDirectory", tmp_path / "nowhere")
        click(view.folder.browse)
        qtbot.waitUntil(lambda: view.source.problem != "", timeout=9000)
        assert "There is no folder" in view.folder._nothing.text()
        assert not window.tabs.message.isVisible()  # it is said once, in place of the folder
        choose_file(monkeypatch, "getExistingDirectory", flat)
        click(view.folder.browse)
        qtbot.waitUntil(lambda: view.source.facts is not None, timeout=9000)
        assert "no classes" in view.folder._nothing.text()
        assert view.folder._about.text() == "1 picture"
        settled(window, qtbot)
        run(window, qtbot)  # one picture without a class
        assert view.page() == CHANNELS
        assert view.source.overview.values.shape == (32, 1)
        assert view._offered() == (FOLDER, CHANNELS)
        window.tabs._session.set_technique(DATASET, Evaluate(folder=str(flat)))
        run(window, qtbot)
        assert "have no classes" in window.tabs.message.text()
        assert view.page() == FOLDER

    drive(script, sample, real=True)


@pytest.mark.parametrize("way", ["run", "turn"])
def test_a_folder_that_was_not_there_is_looked_for_again(
    drive: Drive, qtbot, sample, tmp_path: Path, way: str
) -> None:
    later = tmp_path / "later"

    def script(window) -> None:
        session = window.tabs._session
        view = turn(window, qtbot)
        session.set_technique(DATASET, Evaluate(folder=str(later)))
        qtbot.waitUntil(lambda: view.source.problem != "", timeout=9000)
        drawn_folder(later, 1)  # as a disk that is plugged in
        if way == "run":
            run(window, qtbot)
        else:
            session.set_tab(EXPLAIN)
            session.set_tab(DATASET)
        described(view, qtbot, later)
        assert view.source.problem == ""
        settled(window, qtbot)

    drive(script, sample, real=True)


def test_a_class_is_said_by_hand_and_remembered(drive: Drive, qtbot, sample, folder) -> None:
    (folder / "striped_star").rename(folder / "mystery")

    def script(window) -> None:
        session = window.tabs._session
        view = look_at(window, qtbot, folder)
        table, facts = view.folder.table, view.source.facts
        assert facts.indices == (None, 7, 3)
        assert "2 known to the network" in view.folder._about.text()
        QTest.mouseClick(table.viewport(), LEFT, pos=table.row_rect(0).center())
        picker = find(table, "classPicker", QComboBox)
        assert picker.isVisible()
        picker.setFocus()
        picker.lineEdit().selectAll()
        QTest.keyClicks(picker.lineEdit(), "striped star")
        popup = picker.completer().popup()
        qtbot.waitUntil(popup.isVisible)
        QTest.keyClick(popup, Qt.Key.Key_Down)
        QTest.keyClick(popup, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: view.source.facts.indices == (0, 7, 3), timeout=9000)
        assert view.source.facts.how[0] == "said"
        assert view.folder.again.isVisible()
        settled(window, qtbot)
        session.set_technique(DATASET, Evaluate(folder=str(folder)))
        said = session.techniques[DATASET].classes
        assert said == view.source.facts.said  # the file, as a command line names it
        run(window, qtbot)
        (found,) = session.answers[DATASET].result.models
        assert (len(found.truth), found.top1) == (12, 1)
        click(find(view, f"datasetPages_{FOLDER}"))
        click(view.folder.again)
        qtbot.waitUntil(lambda: view.source.facts.indices == (None, 7, 3), timeout=9000)
        settled(window, qtbot)
        assert session.is_stale(DATASET)

    drive(script, sample, real=True)


def test_rows_of_channels_with_crops_of_those_in_sight(drive: Drive, qtbot, sample, folder) -> None:
    def script(window) -> None:
        session = window.tabs._session
        view = indexed(window, qtbot, folder)
        assert view.page() == CHANNELS
        sheet, found = view.exemplars.sheet, view.source.overview
        assert found.images == 12
        assert found.total == 13
        assert sorted(sheet.order()) == list(range(32))  # of blocks.1
        assert sheet.order() == found.telling.tolist()
        shown = sheet.in_sight()
        assert 2 <= len(shown) < 30
        assert view.exemplars._crops.row(sheet.order()[-1]) is None  # only what is in sight
        row = view.exemplars._crops.row(shown[0])
        np.testing.assert_allclose(row.values, found.values[shown[0]])
        assert row.images[0].width() > 8
        result = session.answers[DATASET].result
        assert list(result.channels) == sheet.order()[:12]
        assert "12 pictures of pictures" in " ".join(view.title())

    drive(script, sample, real=True)


def test_a_file_that_breaks_off_is_listed_once_it_was_met(
    drive: Drive, qtbot, sample, folder
) -> None:
    whole = (folder / "wavy_disc" / "0.png").read_bytes()
    (folder / "wavy_disc" / "cut.png").write_bytes(whole[: len(whole) // 2])

    def script(window) -> None:
        def broken() -> list[str]:
            return [Path(name).name for name, _why in view.source.facts.broken]

        view = look_at(window, qtbot, folder)
        assert broken() == ["broken.png"]  # its head alone was read
        run(window, qtbot)
        assert broken() == ["broken.png", "cut.png"]
        (folder / "wavy_disc" / "broken.png").unlink()
        run(window, qtbot)
        assert broken() == ["cut.png"]
        assert "1 broken" in view.folder._about.text()

    drive(script, sample, real=True)


def test_only_what_is_in_view_is_exported(drive: Drive, qtbot, sample, folder) -> None:
    def script(window) -> None:
        session = window.tabs._session
        view = indexed(window, qtbot, folder)
        assert view.can_export()
        session.pick_layer("blocks.0", DATASET)
        settled(window, qtbot)
        assert view.source.overview is None
        assert not view.can_export()
        run(window, qtbot)
        assert view.can_export()
        session.pick_layer("blocks.1", DATASET)
        settled(window, qtbot)
        assert view.source.overview.layer == "blocks.1"  # its rows are known, the figure is not
        assert not view.can_export()
        run(window, qtbot)
        assert view.can_export()

    drive(script, sample, real=True)


def test_rows_of_the_folder_before_do_not_come_back(drive: Drive, qtbot, sample, folder) -> None:
    def script(window) -> None:
        session = window.tabs._session
        view = indexed(window, qtbot, folder)
        view.source._ask()  # as while rows are read
        nowhere = replaced(session.techniques[DATASET], folder=str(folder / "nowhere"))
        session.set_technique(DATASET, nowhere)
        qtbot.waitUntil(lambda: view.source.problem != "", timeout=9000)
        settled(window, qtbot)
        assert view.source.overview is None

    drive(script, sample, real=True)


def test_a_path_that_is_typed_on_shows_nothing_of_the_folder_before(
    drive: Drive, qtbot, sample, folder, tmp_path: Path
) -> None:
    other = drawn_folder(tmp_path / "others", 1)

    def script(window) -> None:
        session = window.tabs._session
        view = indexed(window, qtbot, folder)
        drop(window, other)
        described(view, qtbot, other)
        settled(window, qtbot)
        technique = session.techniques[DATASET]
        session.set_technique(DATASET, replaced(technique, folder=str(folder)))
        view.source._describe()  # as a moment after the last letter
        session.set_technique(DATASET, technique)  # while the folder is listed
        qtbot.waitUntil(lambda: view.source.facts is not None, timeout=9000)
        assert view.source.facts.title == "others"
        settled(window, qtbot)
        assert view.source.overview is None  # which was not looked at

    drive(script, sample, real=True)


def test_a_crop_opens_its_picture_and_a_double_click_the_units_card(
    drive: Drive, qtbot, sample, folder
) -> None:
    def script(window) -> None:
        session = window.tabs._session
        view = indexed(window, qtbot, folder)
        sheet = view.exemplars.sheet
        channel = sheet.order()[1]
        where = sheet.cell_rect(channel, 2).center()
        assert sheet.cell_at(where) == (channel, 2)
        QTest.mouseClick(sheet.viewport(), LEFT, pos=where)
        row = view.exemplars._crops.row(channel)
        wanted = Path(row.files[2])
        qtbot.waitUntil(lambda: session.pictures.current.image.path == wanted, timeout=9000)
        assert (session.unit.layer, session.unit.channel) == ("blocks.1", channel)
        assert view.exemplars.detail.isVisible()
        assert view.exemplars.detail._title.text() == f"blocks.1 · {channel}"
        count = len(session.pictures)
        (mark,) = view.exemplars.detail.view._marks
        box = row.boxes[2]
        assert (mark.top, mark.left, mark.bottom, mark.right) == (
            box.top,
            box.left,
            box.bottom,
            box.right,
        )
        QTest.keyClick(sheet, Qt.Key.Key_Left)
        assert sheet.selected() == (channel, 1)
        assert sheet.accessibleDescription().startswith(f"Channel {channel}; {row.files[1]}; ")
        QTest.keyClick(sheet, Qt.Key.Key_Right)
        settled(window, qtbot)
        assert session.pictures.current.image.path == wanted
        assert len(session.pictures) == count  # what is walked past quickly is not opened
        QTest.mouseDClick(sheet.viewport(), LEFT, pos=sheet.cell_rect(channel, 2).center())
        assert session.tab == UNIT
        card = session.techniques[UNIT]
        assert (card.channel, card.row, card.column) == (channel, *row.places[2])
        settled(window, qtbot)
        reading = session.answers[UNIT].result.reading
        assert reading.value == pytest.approx(row.values[2], rel=1e-3)

    drive(script, sample, real=True)


def test_the_strip_below_stays_with_its_picture(drive: Drive, qtbot, sample, folder) -> None:
    def script(window) -> None:
        view = indexed(window, qtbot, folder)
        pages, sheet = view.exemplars, view.exemplars.sheet
        channel, other = sheet.order()[:2]
        QTest.mouseClick(sheet.viewport(), LEFT, pos=sheet.cell_rect(channel, 2).center())
        row = pages._crops.row(channel)
        name, last = row.files[2], len(row.keys) - 1
        assert pages.detail._lines[0].text() == name
        turned = {
            part.name: getattr(row, part.name)[::-1]
            for part in fields(row)
            if part.name != "channel"
        }
        pages._crops._rows[channel] = replace(row, **turned), row.ids  # while the index fills
        bar = sheet.verticalScrollBar()
        bar.setValue(bar.maximum())
        pages._crops.arrived.emit([channel])
        assert sheet.selected() == (channel, last - 2)
        assert bar.value() == bar.maximum() > 0  # who looks at other rows goes on with it
        bar.setValue(0)
        assert pages.detail._lines[0].text() == name
        pages._crops._rows[channel] = replace(row, keys=("other",) * (last + 1)), row.ids
        pages._crops.arrived.emit([channel])
        assert not pages.detail.isVisible()
        pages._crops._rows[channel] = row, row.ids
        QTest.mouseClick(sheet.viewport(), LEFT, pos=sheet.cell_rect(channel, 0).center())
        assert pages.detail.isVisible()
        click(find(view, f"datasetPages_{BY_CLASS}"))
        matrix = pages.classes.matrix
        QTest.mouseClick(matrix.viewport(), LEFT, pos=matrix.row_rect(1).center())
        click(find(view, f"datasetPages_{CHANNELS}"))
        assert sheet.selected() == (other, 0)
        assert not pages.detail.isVisible()  # it was about the other channel
        settled(window, qtbot)

    drive(script, sample, real=True)


def test_crops_that_came_late_are_cut_again(drive: Drive, qtbot, sample, folder) -> None:
    def script(window) -> None:
        view = indexed(window, qtbot, folder)
        crops, found = view.exemplars._crops, view.source.overview
        channel = view.exemplars.sheet.in_sight()[0]
        assert list(crops._missing()) == []
        row = crops.row(channel)
        crops._asked = {channel: tuple(found.ids[channel].tolist()[::-1])}  # as the index was then
        late = replace(row, ids=row.ids[::-1])
        crops._ask = lambda: None  # look before it is asked for anew
        crops._took((late,))
        assert list(crops._missing()) == [channel]

    drive(script, sample, real=True)


def test_order_search_range_and_class(drive: Drive, qtbot, sample, folder) -> None:
    def script(window) -> None:
        session = window.tabs._session
        view = indexed(window, qtbot, folder)
        pages, found = view.exemplars, view.source.overview
        pages.first.setCurrentIndex(pages.first.findData("strength"))
        pages.first.activated.emit(pages.first.currentIndex())
        assert session.techniques[DATASET].first == "strength"
        order = pages.sheet.order()
        assert (np.diff(found.values[order, 0]) <= 0).all()
        qtbot.waitUntil(lambda: not session.is_stale(DATASET), timeout=9000)  # the figure follows
        assert list(session.answers[DATASET].result.channels) == order[:12]
        QTest.keyClicks(pages.search, "3, 20-22")
        assert sorted(pages.sheet.order()) == [3, 20, 21, 22]
        pages.search.clear()
        QTest.keyClicks(pages.search, "wavy")
        best = found.strongest.argmax(axis=1)
        assert {found.classes[best[item]] for item in pages.sheet.order()} == {"wavy disc"}
        pages.search.clear()
        place = pages.target.findText("wavy disc")
        pages.target.setCurrentIndex(place)
        pages.target.activated.emit(place)
        assert session.techniques[DATASET].target == "wavy_disc"
        settled(window, qtbot)
        pages.first.setCurrentIndex(0)
        pages.first.activated.emit(0)
        settled(window, qtbot)
        label = found.classes.index("wavy disc")
        top = pages.sheet.order()[0]
        assert found.selectivity[top, label] == found.selectivity[:, label].max()
        click(find(pages.shown, "exemplarShow_range"))
        settled(window, qtbot)
        first = pages.sheet.in_sight()[0]
        qtbot.waitUntil(lambda: pages._crops.row(first) is not None, timeout=9000)
        row = pages._crops.row(first)
        assert list(row.values) == sorted(row.values)
        assert session.techniques[DATASET].show == "range"

    drive(script, sample, real=True)


def test_channels_against_classes_and_two_classes(drive: Drive, qtbot, sample, folder) -> None:
    def script(window) -> None:
        session = window.tabs._session
        view = indexed(window, qtbot, folder)
        click(find(view, f"datasetPages_{BY_CLASS}"))
        assert view.page() == BY_CLASS
        page, found = view.exemplars.classes, view.source.overview
        assert page.matrix.count() == 32
        QTest.mouseClick(page.matrix.viewport(), LEFT, pos=page.matrix.row_rect(2).center())
        assert session.unit.channel == view.exemplars.sheet.order()[2]
        page.one.setCurrentIndex(1)
        page.other.setCurrentIndex(2)
        page.one.activated.emit(1)
        QTest.keyClick(page.bars, Qt.Key.Key_Home)
        apart = found.means[:, 1] - found.means[:, 2]
        best = int(apart.argmax())
        assert page.bars.channel_of(0) == best
        assert page.bars.accessibleDescription() == page.bars.told(0, QPoint())
        assert page.matrix.accessibleDescription() == f"Channel {best}"
        assert session.unit.channel == best
        assert page.matrix.channel() == best
        more, less = (1, 2) if apart.max() > 0 else (2, 1)
        words = page.bars.told(0, QPoint())
        assert f"{found.classes[more]} than for {found.classes[less]}" in words
        QTest.keyClick(page.bars, Qt.Key.Key_Return)
        assert session.tab == UNIT
        settled(window, qtbot)

    drive(script, sample, real=True)


def test_a_run_is_held_browsed_and_ended_and_goes_on_by_itself(drive: Drive, qtbot, sample) -> None:
    def script(window) -> None:
        session, panel = window.tabs._session, window.technique_panel
        view = turn(window, qtbot)
        session.set_technique(DATASET, Exemplars(pictures=300, layer="blocks"))
        qtbot.waitUntil(
            lambda: view.source.facts is not None and view.source.facts.images == 300, timeout=9000
        )
        click(panel.run_button)
        qtbot.waitUntil(lambda: view.source.overview is not None, timeout=20000)
        click(panel.steering.hold_button)
        assert panel._state.text() == "Paused…"
        assert view.page() == CHANNELS
        found = view.source.overview
        assert 0 < found.images < 300
        shown = view.exemplars.sheet.in_sight()
        qtbot.waitUntil(lambda: view.exemplars._crops.row(shown[0]) is not None, timeout=9000)
        click(panel.steering.cancel_button)
        assert session.job(DATASET) is None
        qtbot.waitUntil(lambda: not window._jobs.busy(), timeout=9000)
        kept = view.source.overview.images
        assert kept >= found.images
        session.set_tab(FEATURE_MAPS)
        session.set_tab(DATASET)
        assert view.source.overview.images == kept  # what is there is shown without a run
        progress: list[int] = []
        click(panel.run_button)
        job = session.job(DATASET)
        job.progressed.connect(lambda item: progress.append(item.total))
        qtbot.waitUntil(lambda: session.job(DATASET) is None, timeout=60000)
        settled(window, qtbot)
        assert progress and progress[0] < 300  # those before are not looked at again
        assert view.source.overview.images == 300
        assert session.answers[DATASET].result.images == 300

    drive(script, sample, real=True)


def test_evaluation_in_numbers_matrix_and_pictures(drive: Drive, qtbot, sample, folder) -> None:
    (folder / "striped_star" / "0.png").rename(folder / "wavy_disc" / "wrong.png")

    def script(window) -> None:
        session = window.tabs._session
        view = evaluated(window, qtbot, folder)
        assert view.page() == NUMBERS
        result = session.answers[DATASET].result
        (found,) = result.models
        table = view.numbers.summary.table()
        assert table.columns[1:] == ("loss", "MSE", "R²", "top-1", "top-5", "ECE")
        assert table.rows[0][4] == pytest.approx(100 * 11 / 12)
        rows = {row[0]: row[1:] for row in view.numbers.classes.table().rows}
        assert rows["wavy disc"][:2] == (5, pytest.approx(80))
        assert rows["striped star"] == (3, pytest.approx(100), pytest.approx(75))
        click(find(view, f"datasetPages_{CONFUSION}"))
        matrix = view.confusion.matrix
        assert [found.labels[item] for item in matrix.cells.rows] == [
            "striped star",
            "wavy disc",
            "ringed triangle",
        ]
        assert matrix.cells.counts.tolist() == [[3, 0, 0], [1, 4, 0], [0, 0, 4]]
        told = matrix.told(1, 0)
        assert told.startswith("1 of 5 pictures of wavy disc are taken for striped star")
        QTest.mouseClick(matrix.viewport(), LEFT, pos=matrix.cell_rect(1, 0).center())
        pictures = view.confusion.pictures
        assert pictures.isVisible()
        assert pictures.title() == "1 picture of wavy disc taken for striped star"
        assert [Path(file).name for file in pictures.files()] == ["wrong.png"]
        qtbot.waitUntil(lambda: not pictures.sheet.tiles()[0].waiting, timeout=9000)
        where = pictures.sheet.tile_rect(0).center()
        QTest.mouseClick(pictures.sheet.viewport(), LEFT, pos=where)
        qtbot.waitUntil(lambda: session.pictures.current.image.name == "wrong.png", timeout=9000)
        settled(window, qtbot)
        QTest.keyClick(matrix, Qt.Key.Key_Down)
        assert matrix.picked_cell() == (7, 0)
        assert pictures.title() == "0 pictures of ringed triangle taken for striped star"
        assert view.can_export()
        settled(window, qtbot)
        assert pictures._thumbs
        pictures.take_facts(replaced(view.source.facts, place="another folder"))
        assert not pictures._thumbs  # the same names may be other pictures there

    drive(script, sample, real=True)


def test_pictures_of_a_cell_are_of_the_evaluation_whatever_the_form_names_by_now(
    drive: Drive, qtbot, sample, folder
) -> None:
    def script(window) -> None:
        session = window.tabs._session
        view = turn(window, qtbot)
        session.set_technique(DATASET, Evaluate(generated=12))
        described(view, qtbot, Path("Generated pictures"))
        run(window, qtbot)
        click(find(view, f"datasetPages_{CONFUSION}"))
        session.set_technique(DATASET, Evaluate(folder=str(folder)))
        described(view, qtbot, folder)
        settled(window, qtbot)
        view.confusion.matrix.pick(0, 0)
        pictures = view.confusion.pictures
        settled(window, qtbot)
        QTest.mouseClick(pictures.sheet.viewport(), LEFT, pos=pictures.sheet.tile_rect(0).center())
        settled(window, qtbot)
        seen = session.pictures.current.image.pixels
        np.testing.assert_array_equal(seen, draw(int(pictures.files()[0])).pixels)
        assert not window.tabs.message.isVisible()
        pictures.take_facts(None)
        assert "the form names these pictures" in pictures._about.text()

    drive(script, sample, real=True)


def test_a_run_leads_from_the_folder_to_its_numbers(drive: Drive, qtbot, sample, folder) -> None:
    def script(window) -> None:
        view = look_at(window, qtbot, folder)
        click(find(view, f"datasetPages_{FOLDER}"))
        window.tabs._session.set_technique(DATASET, Evaluate(folder=str(folder)))
        run(window, qtbot)
        assert view.page() == NUMBERS

    drive(script, sample, real=True)


def test_a_row_of_the_classes_leads_to_its_confusions(drive: Drive, qtbot, sample, folder) -> None:
    (folder / "striped_star" / "0.png").rename(folder / "wavy_disc" / "wrong.png")

    def script(window) -> None:
        view = evaluated(window, qtbot, folder)
        view.numbers.classes.setCurrentIndex(view.numbers.classes.model().index(1, 0))
        assert view.page() == CONFUSION
        assert view.confusion.matrix.picked_cell() == (3, 0)
        settled(window, qtbot)

    drive(script, sample, real=True)


def test_several_networks_side_by_side(
    drive: Drive, qtbot, sample, folder, bundled_weights
) -> None:
    other = bundled_weights.parent / "checkpoints" / "step-00000.safetensors"

    def script(window) -> None:
        session = window.tabs._session
        view = look_at(window, qtbot, folder)
        technique = Evaluate(folder=str(folder), also=(f"bundled={other}",))
        session.set_technique(DATASET, technique)
        run(window, qtbot)
        names = [row[0] for row in view.numbers.summary.table().rows]
        assert names == ["bundled", "bundled (step-00000)"]
        assert len(view.numbers.curve.points(1)) >= 1
        columns = view.numbers.classes.table().columns
        assert columns[2:4] == ("recall bundled", "recall bundled (step-00000)")
        click(find(view, f"datasetPages_{CONFUSION}"))
        assert view.confusion.models.isVisible()
        view.confusion.models.setCurrentIndex(1)
        view.confusion.models.activated.emit(1)
        second = session.answers[DATASET].result.models[1]
        assert view.confusion.matrix.cells.counts.sum() == len(second.truth)
        assert view.confusion.evaluation() is second
        settled(window, qtbot)

    drive(script, sample, real=True)


def test_methods_keep_folder_and_answer_and_other_tabs_leave_them_alone(
    drive: Drive, qtbot, sample, folder
) -> None:
    def script(window) -> None:
        session, panel = window.tabs._session, window.technique_panel
        view = indexed(window, qtbot, folder)
        first = session.answers[DATASET]
        methods = panel._methods
        methods.setCurrentIndex(methods.findText("Evaluation"))
        methods.activated.emit(methods.currentIndex())
        assert session.techniques[DATASET].folder == str(folder)
        assert view.page() == FOLDER
        run(window, qtbot)
        second = session.answers[DATASET]
        assert view.page() == NUMBERS
        session.pick_layer("blocks.1", FEATURE_MAPS)
        session.set_tab(EXPLAIN)
        session.pick_target(7)
        session.set_tab(DATASET)
        assert isinstance(session.techniques[DATASET], Evaluate)
        assert session.answers[DATASET] is second
        methods.setCurrentIndex(methods.findText("Exemplars"))
        methods.activated.emit(methods.currentIndex())
        assert session.techniques[DATASET].folder == str(folder)
        assert session.techniques[DATASET].target is None
        assert session.answers[DATASET] is first
        assert view.page() == CHANNELS
        settled(window, qtbot)

    drive(script, sample, real=True)


def test_a_figure_of_the_command_line_leads_back_to_its_evaluation(
    drive: Drive, qtbot, sample, folder, tmp_path: Path
) -> None:
    figure = tmp_path / "evaluation.png"
    line = ["evaluate", "bundled", "--data", str(folder), "--out", str(figure), "--dpi", "40"]
    assert cli.main([*line, "--show", "confusion"]) == 0

    def script(window) -> None:
        session = window.tabs._session
        ready(window, qtbot)
        drop(window, figure)
        qtbot.waitUntil(lambda: DATASET in session.answers, timeout=30000)
        settled(window, qtbot)
        assert session.tab == DATASET
        technique = session.techniques[DATASET]
        assert technique == Evaluate(folder=str(folder), show="confusion")
        assert session.answers[DATASET].result.models[0].top1 == 1
        assert window.tabs.dataset.page() == NUMBERS

    drive(script, sample, real=True)


def test_a_list_of_pictures_is_a_dataset_too(drive: Drive, qtbot, sample, folder) -> None:
    rows = [
        f"{path.relative_to(folder.parent)},{path.parent.name}" for path in folder.rglob("?.png")
    ]
    place = folder.parent / "list.csv"
    place.write_text("path,label\n" + "\n".join(rows), encoding="utf-8")

    def script(window) -> None:
        session = window.tabs._session
        view = look_at(window, qtbot, place)
        assert view.source.facts.kind == "list"
        assert view.source.facts.counts == (4, 4, 4)
        session.set_technique(DATASET, Evaluate(folder=str(place)))
        run(window, qtbot)
        files = view.confusion
        click(find(view, f"datasetPages_{CONFUSION}"))
        QTest.mouseClick(files.matrix.viewport(), LEFT, pos=files.matrix.cell_rect(0, 0).center())
        assert len(files.pictures.files()) == 4
        settled(window, qtbot)

    drive(script, sample, real=True)
