"""Read what is dropped or pasted, and let a whole window take drops."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QEvent, QMimeData, QObject, QRectF, Qt, QUrl, Signal
from PySide6.QtGui import QDropEvent, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from cnnviz_desktop.data import Pixels
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.qimages import pixels_of

# Encoded forms first: decoding them ourselves keeps orientation and tells what was decided.
_ENCODED = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/tiff", "image/bmp")
_NO_PICTURE = "There is no picture in that. Drop image files, a folder or a picture."
_SOURCE = re.compile(r"""<img\b[^>]*?\bsrc\s*=\s*(?:"([^"]+)"|'([^']+)'|([^\s>]+))""", re.I)


@dataclass(frozen=True, eq=False)
class Dropped:
    """What came: `files` (files and folders), or one `image` as encoded bytes or pixels.

    `refusal` says of what cannot be opened why, where there is more to say than that.
    """

    files: tuple[Path, ...] = ()
    image: bytes | Pixels | None = None
    refusal: str = ""


def may_hold_images(mime: QMimeData) -> bool:
    """Tell at a glance whether a drag is worth taking."""
    encoded = any(mime.hasFormat(form) for form in _ENCODED)
    return encoded or mime.hasUrls() or mime.hasImage() or mime.hasHtml() or mime.hasText()


def read_mime(mime: QMimeData) -> Dropped:
    """Return the files or the picture in a drop or on the clipboard."""
    files = _local_files(mime.urls()) if mime.hasUrls() else ()
    if files:
        return Dropped(files)
    for form in _ENCODED:
        if mime.hasFormat(form):
            data = mime.data(form).data()
            if data:
                return Dropped(image=bytes(data))
    if mime.hasImage():
        image = mime.imageData()
        if isinstance(image, QImage) and not image.isNull():
            return Dropped(image=pixels_of(image))
    sources = _SOURCE.findall(mime.html()) if mime.hasHtml() else []
    addresses = [next(part for part in found if part) for found in sources]
    addresses += mime.text().splitlines() if mime.hasText() else []
    return _from_addresses(addresses)


def _local_files(urls: list[QUrl]) -> tuple[Path, ...]:
    return tuple(Path(url.toLocalFile()) for url in urls if url.isLocalFile())


def _from_addresses(addresses: list[str]) -> Dropped:
    """Return what lies behind addresses: local files, or a picture written out as data."""
    files: list[Path] = []
    remote = False
    for address in (line.strip().strip("\"'") for line in addresses):
        if address.startswith("data:image/"):
            data = _decoded(address)
            if data:
                return Dropped(image=data)
        elif address.startswith("file:"):
            files += _local_files([QUrl(address)])
        elif address.startswith(("http:", "https:")):
            remote = True
        elif address and len(address) < 4096 and _exists(address):
            files.append(Path(address))
    if files:
        return Dropped(tuple(dict.fromkeys(files)))
    if remote:
        return Dropped(
            refusal="That is a link, and nothing is fetched from the network. "
            "Copy the picture itself, or save it and drop the file."
        )
    return Dropped()


def _exists(text: str) -> bool:
    try:
        return Path(text).is_absolute() and Path(text).exists()
    except (OSError, ValueError):
        return False


def _decoded(address: str) -> bytes:
    """Return the bytes of a data: address, b"" where it is malformed."""
    head, _, body = address.partition(",")
    raw = unquote_to_bytes(body)
    if not head.endswith(";base64"):
        return raw
    try:
        return base64.b64decode(re.sub(rb"\s+", b"", raw))
    except binascii.Error:
        return b""


class DropTarget(QObject):
    """Make a widget and all its children take drops of pictures, with dashes while one is over it.

    Signals: `files_dropped(list[Path])`, `image_dropped(bytes | Pixels)`, `refused(str)`.
    """

    files_dropped = Signal(list)
    image_dropped = Signal(object)
    refused = Signal(str)

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._veil = _DropVeil(widget)
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def take(self, mime: QMimeData) -> None:
        """Say what a drop or the clipboard holds."""
        dropped = read_mime(mime)
        if dropped.files:
            self.files_dropped.emit(list(dropped.files))
        elif dropped.image is not None:
            self.image_dropped.emit(dropped.image)
        else:
            self.refused.emit(dropped.refusal or _NO_PICTURE)

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        """Take the drag events of the widget."""
        if watched is not self._widget:
            return False
        kind = event.type()
        if kind in (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop):
            assert isinstance(event, QDropEvent)
            if not may_hold_images(event.mimeData()):
                return False
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self._veil.cover(kind != QEvent.Type.Drop)
            if kind == QEvent.Type.Drop:
                self.take(event.mimeData())
            return True
        if kind == QEvent.Type.DragLeave:
            self._veil.cover(False)
        return False


class _DropVeil(QWidget):
    """Accent dashes around a widget while a drop is over it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.hide()

    def cover(self, on: bool) -> None:
        """Lie over the whole parent, or go."""
        parent = self.parentWidget()
        if on and parent is not None:
            self.setGeometry(parent.rect())
            self.raise_()
        self.setVisible(on)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the dashes on a breath of accent."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_dashes(painter, QRectF(self.rect()), active=True)


def paint_dashes(painter: QPainter, box: QRectF, *, active: bool) -> None:
    """Paint the dashed outline of a drop zone, in the accent while a drop is over it."""
    now = theme.current()
    inset = 2.0 if active else 0.5
    pen = QPen(now.accent if active else now.outline, 2.0 if active else 1.0)
    pen.setDashPattern([4.0, 3.0] if active else [3.0, 2.5])
    painter.setPen(pen)
    ground = now.accent if active else now.panel
    ground = type(ground)(ground)
    ground.setAlphaF(0.08 if active else 0.0)
    painter.setBrush(ground)
    painter.drawRoundedRect(box.adjusted(inset, inset, -inset, -inset), 4, 4)
