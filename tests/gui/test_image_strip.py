"""The image strip and what can be dropped on it."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QBuffer, QByteArray, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QListWidget, QToolButton, QWidget

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.drops import DropTarget, read_mime
from cnnviz_desktop.gui.image_strip import DropZone, ImageStrip
from cnnviz_desktop.gui.qimages import pixels_of, qimage_of

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen


def picture(value: int = 100) -> np.ndarray:
    return np.full((20, 30, 3), value, np.uint8)


def png(value: int = 100) -> bytes:
    buffer = QBuffer()
    qimage_of(picture(value)).save(buffer, "PNG")
    return bytes(buffer.data().data())


def drop(widget: QWidget, mime: QMimeData) -> bool:
    place, action = QPoint(10, 10), Qt.DropAction.CopyAction
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(place, action, mime, left, none)
    QApplication.sendEvent(widget, enter)
    event = QDropEvent(QPointF(place), action, mime, left, none)
    QApplication.sendEvent(widget, event)
    return enter.isAccepted()


@pytest.fixture
def strip(qtbot, qapp: QApplication) -> ImageStrip:
    theme.apply(qapp, "light")
    made = ImageStrip()
    qtbot.addWidget(made)
    made.resize(288, 190)
    for key, name in ((7, "a.png"), (8, "b.png"), (9, "a very long name of a picture.png")):
        made.add(key, name, picture())
    made.show()
    qtbot.waitExposed(made)
    return made


def test_click_and_keys_select(strip: ImageStrip) -> None:
    chosen: list[int] = []
    strip.selected.connect(chosen.append)
    view = strip.findChild(QListWidget, "imageStrip")
    place = view.visualItemRect(view.item(1)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert chosen == [8, 9, 7] and strip.current() == 7
    strip.select(8)
    assert chosen == [8, 9, 7] and strip.current() == 8


def test_three_thumbnails_fit_side_by_side(strip: ImageStrip) -> None:
    view = strip.findChild(QListWidget, "imageStrip")
    tops = {view.visualItemRect(view.item(row)).top() for row in range(3)}
    assert len(tops) == 1
    assert view.verticalScrollBar().maximum() == 0


@pytest.mark.parametrize("width", [240, 252, 264, 288, 310])
def test_a_dock_of_any_usual_width_has_three_in_a_row(strip: ImageStrip, width: int) -> None:
    strip.resize(width, 190)
    view = strip.findChild(QListWidget, "imageStrip")
    rects = [view.visualItemRect(view.item(row)) for row in range(3)]
    assert len({rect.top() for rect in rects}) == 1
    assert rects[2].right() < view.viewport().width()


def test_delete_asks_and_remove_obeys(strip: ImageStrip) -> None:
    gone: list[int] = []
    strip.removed.connect(gone.append)
    strip.select(8)
    QTest.keyClick(strip.findChild(QListWidget, "imageStrip"), Qt.Key.Key_Delete)
    assert gone == [8] and strip.keys() == [7, 8, 9]
    strip.remove(8)
    assert strip.keys() == [7, 9]
    for key in (7, 9, 12):
        strip.remove(key)
    assert strip.keys() == [] and strip.current() is None


def test_buttons_and_zone_ask(strip: ImageStrip, qtbot) -> None:
    left = Qt.MouseButton.LeftButton
    with qtbot.waitSignal(strip.paste_requested, timeout=500):
        QTest.mouseClick(strip.findChild(QToolButton, "pasteImage"), left)
    with qtbot.waitSignal(strip.open_requested, timeout=500):
        QTest.mouseClick(strip.findChild(QToolButton, "openImages"), left)
    with qtbot.waitSignal(strip.open_requested, timeout=500):
        QTest.mouseClick(strip.findChild(DropZone, "imageDropZone"), left)
    with qtbot.waitSignal(strip.open_requested, timeout=500):
        QTest.keyClick(strip.findChild(DropZone, "imageDropZone"), Qt.Key.Key_Return)


def test_files_and_folders_drop(strip: ImageStrip, tmp_path: Path) -> None:
    dropped: list[list[Path]] = []
    strip.files_dropped.connect(dropped.append)
    mime = QMimeData()
    file = tmp_path / "ä b.png"
    file.write_bytes(png())
    mime.setUrls([QUrl.fromLocalFile(str(file)), QUrl.fromLocalFile(str(tmp_path))])
    assert drop(strip, mime)
    assert dropped == [[file, tmp_path]]


def test_image_data_drops(strip: ImageStrip) -> None:
    images: list[object] = []
    strip.image_dropped.connect(images.append)
    encoded = QMimeData()
    encoded.setData("image/png", QByteArray(png(5)))
    assert drop(strip, encoded)
    assert images[-1] == png(5)
    decoded = QMimeData()
    decoded.setImageData(qimage_of(picture(9)))
    drop(strip, decoded)
    got = images[-1]
    if isinstance(got, bytes):  # Qt offers what it holds as PNG as well
        got = pixels_of(QImage.fromData(got))
    assert isinstance(got, np.ndarray) and (got == 9).all() and got.shape == (20, 30, 3)


def test_html_from_a_browser(tmp_path: Path) -> None:
    mime = QMimeData()
    code = base64.b64encode(png(3)).decode()
    mime.setHtml(f'<meta><img alt="x" src="data:image/png;base64,{code}">')
    assert read_mime(mime).image == png(3)
    file = tmp_path / "x.png"
    file.write_bytes(png())
    mime = QMimeData()
    mime.setHtml(f"<img src='{QUrl.fromLocalFile(str(file)).toString()}'>")
    assert read_mime(mime).files == (file,)


def test_text_paths_and_refusals(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(png())
    mime = QMimeData()
    mime.setText(f'"{file}"\n{QUrl.fromLocalFile(str(file)).toString()}')
    assert read_mime(mime).files == (file,)
    mime = QMimeData()
    mime.setText(f"'{file}'")  # as a shell writes it
    assert read_mime(mime).files == (file,)
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/cat.jpg")])
    mime.setText("https://example.org/cat.jpg")
    assert "link" in read_mime(mime).refusal
    mime = QMimeData()
    mime.setText("data:image/png;base64,!!!not base64")
    assert (read_mime(mime).files, read_mime(mime).image) == ((), None)
    mime = QMimeData()
    mime.setText("hello \x00 there")
    assert (read_mime(mime).files, read_mime(mime).image) == ((), None)


def test_a_whole_window_takes_drops_and_shows_it(qtbot, qapp: QApplication) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(200, 200)
    window.show()
    target = DropTarget(window)
    said: list[str] = []
    target.refused.connect(said.append)
    mime = QMimeData()
    mime.setText("nothing")
    before = window.grab().toImage()
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    action = Qt.DropAction.CopyAction
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(5, 5), action, mime, left, none))
    assert window.grab().toImage() != before
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert window.grab().toImage() == before
    drop(window, mime)
    assert len(said) == 1 and window.grab().toImage() == before


def test_large_and_thin_pictures_become_thumbnails(strip: ImageStrip) -> None:
    strip.add(20, "thin", np.zeros((1, 5000, 3), np.uint8))
    strip.add(21, "tall", np.zeros((5000, 2, 3), np.uint8))
    strip.add(22, "large", np.zeros((3000, 4000, 3), np.uint8))
    assert not strip.grab().isNull()


def test_transparency_is_laid_on_white() -> None:
    image = QImage(2, 1, QImage.Format.Format_ARGB32)
    image.fill(0)
    assert (pixels_of(image) == 255).all()
