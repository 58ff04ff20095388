"""Show a result as the figure that Export would write: for results no tab draws in its own way."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QImage,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QScrollArea, QStyle, QWidget

from cnnviz_desktop.data import Pixels
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.empty_state import paint_empty
from cnnviz_desktop.gui.picture_menu import offer_picture
from cnnviz_desktop.gui.qimages import qimage_of

_WIDEST = 1100  # at 100 %: longer lines are hard to read
_MARGIN = 16
_PAUSE = 120  # milliseconds without a change of size before the figure is drawn again
_LARGEST_ZOOM = 4.0
_STEP = 1.25


class PlateView(QScrollArea):
    """A figure as wide as the page, drawn anew for each size so that its letters stay sharp.

    Ctrl and the wheel or + and - zoom, 0 fits the width again. Signals: `wanted` the figure is to
    be drawn `pixels_wide()` pixels wide; `save_requested` (image, name) from its menu.
    """

    wanted = Signal()
    save_requested = Signal(QImage, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "plateView", "Figure", "Ctrl and the wheel zoom, 0 fits the width")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(False)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._page = _Paper()
        self.setWidget(self._page)
        self._zoom = 1.0
        self._name = "figure"
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE)
        self._soon.timeout.connect(self.wanted)

    def pixels_wide(self) -> int:
        """Return how many device pixels wide the figure is to be."""
        return round(self._width() * self.devicePixelRatioF())

    def show_figure(self, pixels: Pixels | None, name: str = "figure") -> None:
        """Show the pixels (H, W, 3) of a figure, None while there is none."""
        self._name = name
        self._page.image = None if pixels is None else qimage_of(pixels)
        self._lay_out()

    def image(self) -> QImage | None:
        """Return the figure that is shown."""
        return self._page.image

    def zoom(self) -> float:
        """Return how many times as wide as the page the figure is."""
        return self._zoom

    def zoom_to(self, zoom: float) -> None:
        """Make the figure so many times as wide as the page."""
        zoom = max(1.0, min(_LARGEST_ZOOM, zoom))
        if zoom != self._zoom:
            self._zoom = zoom
            self._lay_out()
            self._soon.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stretch the figure for now, and ask for a sharp one."""
        super().resizeEvent(event)
        self._lay_out()
        if self._page.image is not None and self._page.image.width() != self.pixels_wide():
            self._soon.start()

    def changeEvent(self, event: QEvent) -> None:
        """Ask for the figure in the look that is on."""
        if event.type() == QEvent.Type.PaletteChange and self._page.image is not None:
            self._soon.start()
        super().changeEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with Ctrl, scroll without."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_to(self._zoom * _STEP ** (event.angleDelta().y() / 120))
            event.accept()
        else:
            super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with + and -, fit with 0; the arrows scroll."""
        key = event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_to(self._zoom * _STEP)
        elif key == Qt.Key.Key_Minus:
            self.zoom_to(self._zoom / _STEP)
        elif key == Qt.Key.Key_0:
            self.zoom_to(1.0)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer to copy and save the figure."""
        image = self._page.image
        if image is not None:
            place = event.globalPos()
            offer_picture(self, place, image, lambda: self.save_requested.emit(image, self._name))

    def _width(self) -> int:
        """Return the figure's width on screen."""
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)  # there or not
        room = max(200, self.width() - bar - 2 * theme.px(_MARGIN))
        return round(min(room, theme.px(_WIDEST)) * self._zoom)

    def _lay_out(self) -> None:
        image, margin = self._page.image, theme.px(_MARGIN)
        width = self._width()
        height = round(width * image.height() / image.width()) if image is not None else 0
        room = self.viewport().size()
        size = QSize(width + 2 * margin, height + 2 * margin).expandedTo(room)
        self._page.place = QRect((size.width() - width) // 2, margin, width, height)
        self._page.resize(size)
        self._page.update()


class _Paper(QWidget):
    """What the figure lies on."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("platePaper")
        self.image: QImage | None = None
        self.place = QRect()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the canvas and the figure on it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().canvas)
        if self.image is None:
            paint_empty(painter, self.rect(), "", "Drawing the figure…")
            return
        exact = self.place.size() * self.devicePixelRatioF()
        stretched = abs(exact.width() - self.image.width()) > 1
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, stretched)
        painter.drawImage(self.place, self.image)
