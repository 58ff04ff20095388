"""Show one picture: fitted, zoomed and dragged, with marks on it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsItem,
    QGraphicsScene,
    QGraphicsView,
    QStyleOptionGraphicsItem,
    QWidget,
)

from cnnviz_desktop.data import Box, Pixels
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.empty_state import paint_empty
from cnnviz_desktop.gui.picture_menu import offer_picture
from cnnviz_desktop.gui.qimages import qimage_of
from cnnviz_desktop.gui.tile_painting import paint_mark

_MARGIN = 16
_LARGEST_ZOOM = 64.0  # screen pixels a picture's pixel may fill
_CRISP = 6.0  # from this zoom on, pixels are squares


class _PictureItem(QGraphicsItem):
    """One image, shrunk once per size instead of at every paint."""

    def __init__(self, image: QImage) -> None:
        super().__init__()
        self.image = image
        self._small: QImage | None = None

    def boundingRect(self) -> QRectF:
        """Return the picture's own size."""
        return QRectF(0, 0, self.image.width(), self.image.height())

    def paint(
        self,
        painter: QPainter,
        _option: QStyleOptionGraphicsItem,
        _widget: QWidget | None = None,
    ) -> None:
        """Paint the image, averaged when shrunk and in squares when far enlarged."""
        ratio = painter.device().devicePixelRatioF()
        scale = painter.deviceTransform().m11()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < _CRISP * ratio)
        # A picture of one row is drawn two screen pixels high, or nobody would find it.
        bounds = self.boundingRect()
        spare_x = max(0.0, (2 * ratio / scale - bounds.width()) / 2)
        spare_y = max(0.0, (2 * ratio / scale - bounds.height()) / 2)
        painter.drawImage(
            bounds.adjusted(-spare_x, -spare_y, spare_x, spare_y), self._source(scale)
        )

    def _source(self, scale: float) -> QImage:
        """Return the image to draw from at a scale in device pixels per picture pixel."""
        if scale >= 0.75:
            return self.image
        width = max(1, round(self.image.width() * scale))
        height = max(1, round(self.image.height() * scale))
        if self._small is None or self._small.size() != QSize(width, height):
            self._small = self.image.scaled(
                width,
                height,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        return self._small


class PictureView(QGraphicsView):
    """A picture one can zoom with the wheel, drag, and fit again by double click.

    Signals: `hovered(int, int)` row and column of the picture, -1, -1 outside; `clicked(int, int)`;
    `save_requested` (image, name) from its menu.
    """

    hovered = Signal(int, int)
    clicked = Signal(int, int)
    save_requested = Signal(QImage, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene = QGraphicsScene(self)
        self.setScene(self._scene)
        self._item: _PictureItem | None = None
        self._marks: tuple[Box, ...] = ()
        self._fitted = True
        self._hover = (-1, -1)
        self._pressed: QPoint | None = None
        self._name = "picture"
        self._empty = ("No picture yet.", "Drop one anywhere in the window.")
        self.setObjectName("pictureView")
        self.setAccessibleName("Picture")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setDragMode(QGraphicsView.DragMode.ScrollHandDrag)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.AnchorViewCenter)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        off = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setHorizontalScrollBarPolicy(off)
        self.setVerticalScrollBarPolicy(off)
        self.viewport().setMouseTracking(True)
        self._show_cursor()

    def show_pixels(self, pixels: Pixels | None) -> None:
        """Show an array (H, W, 3), or the empty state; keep the zoom when the size is the same."""
        self.show_image(None if pixels is None or not pixels.size else qimage_of(pixels))

    def show_image(self, image: QImage | None) -> None:
        """Show an image, or the empty state; keep the zoom when the size is the same."""
        before = self._item
        same = before is not None and image is not None and before.image.size() == image.size()
        if before is not None and image is not None and same:
            self._item = _PictureItem(image)
            self._scene.addItem(self._item)
            self._scene.removeItem(before)
            self.viewport().update()
            return
        self._scene.clear()
        self._item = None
        self._marks = ()
        if image is not None:
            self._item = _PictureItem(image)
            self._scene.addItem(self._item)
        self._show_cursor()
        self.fit()

    def set_marks(self, marks: Sequence[Box]) -> None:
        """Outline boxes of the picture, in white with a black line."""
        self._marks = tuple(marks)
        self.viewport().update()

    def set_name(self, name: str) -> None:
        """Set the file name that saving offers."""
        self._name = name

    def set_empty_text(self, title: str, step: str) -> None:
        """Set what stands where the picture will be."""
        self._empty = (title, step)
        self.viewport().update()

    def image(self) -> QImage | None:
        """Return the picture that is shown."""
        return self._item.image if self._item is not None else None

    def zoom(self) -> float:
        """Return screen pixels per picture pixel."""
        return self.transform().m11()

    def fitted(self) -> bool:
        """Tell whether the picture follows the size of the view."""
        return self._fitted

    def fit(self) -> None:
        """Show the whole picture, as large as the view allows."""
        self._fitted = True
        if self._item is None:
            self.viewport().update()
            return
        self._set_zoom(max(self._fit_zoom(), 1e-4))
        self.centerOn(self._item.boundingRect().center())

    def zoom_by(self, factor: float) -> None:
        """Zoom about the mouse; zooming out stops where the whole picture is in sight."""
        if self._item is None:
            return
        wanted = min(self.zoom() * factor, _LARGEST_ZOOM)
        if wanted <= self._fit_zoom():
            self.fit()
        else:
            self._fitted = False
            self._set_zoom(wanted)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit again, unless the person zoomed."""
        super().resizeEvent(event)
        if self._fitted:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse."""
        turned = event.angleDelta().y()
        if turned:
            self.zoom_by(1.25 ** (turned / 120))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with + and -, fit with 0, move with the arrows."""
        key = event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(1.25)
        elif key == Qt.Key.Key_Minus:
            self.zoom_by(0.8)
        elif key == Qt.Key.Key_0:
            self.fit()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Take a press and release at one place as a click."""
        super().mouseReleaseEvent(event)
        event.accept()
        start, self._pressed = self._pressed, None
        point = event.position().toPoint()
        if start is not None and (point - start).manhattanLength() < 4:
            place = self._pixel_at(point)
            if place != (-1, -1):
                self.clicked.emit(*place)
        self._show_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which pixel is under the mouse."""
        super().mouseMoveEvent(event)
        self._point_at(self._pixel_at(event.position().toPoint()))

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Fit the picture again."""
        self.fit()

    def viewportEvent(self, event: QEvent) -> bool:
        """Forget the hovered pixel when the mouse leaves."""
        if event.type() == QEvent.Type.Leave:
            self._point_at((-1, -1))
        return super().viewportEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer to copy, save and fit the picture."""
        image = self.image()
        if image is not None:
            offer_picture(
                self,
                event.globalPos(),
                image,
                lambda: self.save_requested.emit(image, self._name),
                ("fit", "Fit to the window", self.fit),
            )

    def drawBackground(self, painter: QPainter, rect: QRectF | QRectF) -> None:  # type: ignore[override]
        """Paint the canvas, and the empty state where there is no picture."""
        painter.fillRect(rect, theme.current().canvas)
        if self._item is None:
            painter.save()
            painter.resetTransform()
            paint_empty(painter, self.viewport().rect(), *self._empty, icon="image")
            painter.restore()

    def drawForeground(self, painter: QPainter, _rect: QRectF) -> None:  # type: ignore[override]
        """Outline the marked boxes."""
        for box in self._marks:
            paint_mark(painter, QRectF(box.left, box.top, box.width, box.height))

    def _pixel_at(self, point: QPoint) -> tuple[int, int]:
        if self._item is None:
            return (-1, -1)
        place = self.mapToScene(point)
        if not self._item.boundingRect().contains(place):
            return (-1, -1)
        row = min(int(place.y()), self._item.image.height() - 1)
        return (row, min(int(place.x()), self._item.image.width() - 1))

    def _point_at(self, place: tuple[int, int]) -> None:
        if place != self._hover:
            self._hover = place
            self.hovered.emit(*place)

    def _fit_zoom(self) -> float:
        if self._item is None:
            return 1.0
        bounds = self._item.boundingRect()
        room = self.viewport().rect().adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        return min(room.width() / bounds.width(), room.height() / bounds.height())

    def _set_zoom(self, zoom: float) -> None:
        """Zoom, with room around the picture so that any place can be brought to the middle."""
        if self._item is None:
            return
        bounds = self._item.boundingRect()
        if self._fitted:
            self._scene.setSceneRect(bounds)
        else:
            spare = min(self.viewport().width(), self.viewport().height()) / 2 / zoom
            self._scene.setSceneRect(bounds.adjusted(-spare, -spare, spare, spare))
        factor = zoom / self.zoom()
        self.scale(factor, factor)

    def _show_cursor(self) -> None:
        shape = Qt.CursorShape.CrossCursor if self._item else Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(shape)
