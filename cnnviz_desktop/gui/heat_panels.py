"""Show heat maps of one picture beside each other: zoomed, moved and pointed at as one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from cnnviz_desktop.data import Heatmap, ImageInput
from cnnviz_desktop.figures.heat import HeatLook
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.display import CANVAS, reduced
from cnnviz_desktop.gui.empty_state import paint_empty
from cnnviz_desktop.gui.heat_panel import HeatPanel
from cnnviz_desktop.gui.linked_view import LinkedView, PanelPlace
from cnnviz_desktop.gui.picture_menu import offer_picture
from cnnviz_desktop.gui.qimages import qimage_of

_CRISP = 6.0  # from this zoom on, pixels are squares
_STEP = 1.25
_FINE, _FINE_OF_MANY = 256, 160  # pixels along a veil's longer side
_KEEP, _SMOOTH = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation


class HeatPanels(QWidget):
    """Maps of one picture in a grid; all show the same part of it.

    Signals: `pointed(object)` (x, y) of the picture under the mouse, or None; `picked(int)` a
    panel was picked by the person; `save_requested` (image, name) from its menu.
    """

    pointed = Signal(object)
    picked = Signal(int)
    save_requested = Signal(QImage, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.linked = LinkedView()
        self._image: ImageInput | None = None
        self._panels: list[HeatPanel] = []
        self._picked = 0
        self._bare = False
        self._box = False
        self._levels: list[QImage] = []  # the picture, each half as large as the one before
        self._here: QPointF | None = None
        self._grip: tuple[QPointF, QPointF] | None = None
        self._dragged = False
        self._drawn: QPixmap | None = None  # all but what follows the mouse
        self._name = "picture"
        self._empty = ("", "")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 120)

    def show_maps(
        self, image: ImageInput, maps: Sequence[Heatmap], captions: Sequence[str], columns: int
    ) -> None:
        """Show maps of a picture; the zoom stays where the picture does."""
        whole = image.whole
        if image is not self._image:
            self._image = image
            self._levels = [qimage_of(reduced(image, CANVAS)[0].pixels)]
            self.linked.set_picture(whole.width, whole.height)
        if len(maps) != len(self._panels):
            self._picked = 0
            self.linked.show_alone(None)
            self.linked.fit()
        self._panels = [
            HeatPanel(item, caption, whole) for item, caption in zip(maps, captions, strict=True)
        ]
        self.linked.set_panels(len(maps), columns)
        self._redraw()
        self._show_cursor()

    def clear(self) -> None:
        """Show nothing."""
        self._image, self._panels, self._levels, self._here = None, [], [], None
        self.linked.set_panels(0, 1)
        self._redraw()
        self._show_cursor()

    def set_look(self, look: HeatLook, highs: Sequence[float], *, box: bool) -> None:
        """Draw the maps another way, each with the value of its last colour."""
        fine = _FINE if len(self._panels) == 1 else _FINE_OF_MANY
        for panel, high in zip(self._panels, highs, strict=True):
            panel.set_look(look, high, fine)
        self._box = box
        self._redraw()

    def set_notes(self, notes: Sequence[str]) -> None:
        """Write something beside each caption."""
        for panel, note in zip(self._panels, notes, strict=False):
            panel.note = note
        self._redraw()

    def set_bare(self, bare: bool) -> None:
        """Show the picture without the maps."""
        if bare != self._bare:
            self._bare = bare
            self._redraw()

    def set_name(self, name: str) -> None:
        """Set the file name that saving offers."""
        self._name = name

    def set_empty_text(self, title: str, step: str) -> None:
        """Set what stands where the picture will be."""
        self._empty = (title, step)
        self._redraw()

    def panel(self) -> HeatPanel | None:
        """Return the panel that is picked."""
        return self._panels[self._picked] if self._panels else None

    def picked_index(self) -> int:
        """Return which panel is picked."""
        return self._picked

    def pick(self, index: int) -> None:
        """Pick a panel, without a signal."""
        if 0 <= index < len(self._panels) and index != self._picked:
            self._picked = index
            if self.linked.alone is not None:
                self.linked.show_alone(index)
            self._redraw()

    def image(self) -> QImage | None:
        """Return what is shown: one map in its picture's own pixels, several as the grid."""
        if self._image is None or not self._panels:
            return None
        if len(self._panels) > 1:
            return self._grid_image()
        photo, whole = self._levels[0], self._image.whole
        made = QImage(photo.size(), QImage.Format.Format_RGB32)
        made.fill(theme.current().canvas)
        painter = QPainter(made)
        painter.scale(photo.width() / whole.width, photo.height() / whole.height)
        self._paint_picture(painter, self._panels[0], photo)
        painter.end()
        return made

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom about a point of the widget."""
        if self._panels:
            self.linked.zoom_by(factor, at)
            self._redraw()

    def fit(self) -> None:
        """Show the whole picture in every panel."""
        self.linked.fit()
        self._redraw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the panels out anew."""
        super().resizeEvent(event)
        self.linked.set_room(self.size())
        self._redraw()

    def changeEvent(self, event: QEvent) -> None:
        """Paint in the colours and fonts that are on."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationFontChange):
            self.linked.set_room(self.size())
            self._redraw()
        super().changeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the panels as they were drawn, then what follows the mouse."""
        painter = QPainter(self)
        if not self._panels:
            painter.fillRect(self.rect(), theme.current().canvas)
            paint_empty(painter, self.rect(), *self._empty, icon="image")
            return
        ratio = self.devicePixelRatioF()
        if self._drawn is None or self._drawn.size() != self.size() * ratio:
            self._drawn = QPixmap(self.size() * ratio)
            self._drawn.setDevicePixelRatio(ratio)
            on_pixmap = QPainter(self._drawn)
            self._paint_all(on_pixmap, outlined=True)
            on_pixmap.end()
        painter.drawPixmap(0, 0, self._drawn)
        if len(self._panels) == 1:
            return
        for index in self.linked.shown():
            place, panel = self.linked.places()[index], self._panels[index]
            panel.paint_foot(painter, place, self._here, chosen=index == self._picked)
            if self._here is not None:
                self._paint_ring(painter, index, place)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom all panels about the mouse."""
        turned = event.angleDelta().y()
        if turned:
            self.zoom_by(_STEP ** (turned / 120), event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with + and -, fit with 0, walk the panels with the arrows, Enter shows one alone."""
        key, keys, many = event.key(), Qt.Key, len(self._panels) > 1
        down = self.linked.across()
        steps = {keys.Key_Left: -1, keys.Key_Right: 1, keys.Key_Up: -down, keys.Key_Down: down}
        step = next((step for known, step in steps.items() if known == key), 0)
        if key in (keys.Key_Plus, keys.Key_Equal):
            self.zoom_by(_STEP)
        elif key == keys.Key_Minus:
            self.zoom_by(1 / _STEP)
        elif key == keys.Key_0:
            self.fit()
        elif step and many:
            self._pick_by_hand(self._picked + step)
        elif key in (keys.Key_Return, keys.Key_Enter, keys.Key_Space) and many:
            self._toggle_alone()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._grip, self._dragged = (event.position(), self.linked.centre()), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move all panels with a drag; say which place of the picture is under the mouse."""
        if self._grip is not None and self._panels:
            start, centre = self._grip
            moved = event.position() - start
            far = moved.manhattanLength() >= QApplication.startDragDistance()
            self._dragged = self._dragged or far
            if self._dragged and self.linked.zoom > 1:
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
                self.linked.move_to(centre - moved / self.linked.scale(self.linked.room_at(start)))
                self._redraw()
                return
        self._point_at(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Take a press and release at one place as a click."""
        clicked = self._grip is not None and not self._dragged
        self._grip = None
        self._show_cursor()
        if clicked and event.button() == Qt.MouseButton.LeftButton:
            index = self.linked.index_at(event.position())
            self._pick_by_hand(-1 if index is None else index)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show one of several maps alone, and back; fit the picture again where it is zoomed."""
        index = self.linked.index_at(event.position())
        if len(self._panels) > 1 and self.linked.zoom == 1.0 and index is not None:
            self._pick_by_hand(index)
            self._toggle_alone()
        else:
            self.fit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keyboard is."""
        self._redraw()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that the keyboard is elsewhere."""
        self._redraw()
        super().focusOutEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the place under the mouse."""
        self._point_at(None)
        super().leaveEvent(event)

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

    def _redraw(self) -> None:
        self._drawn = None
        self.update()

    def _point_at(self, point: QPointF | None) -> None:
        """Say which place of the picture is under the mouse."""
        here = self.linked.to_picture(point) if point is not None and self._panels else None
        if here != self._here:
            self._here = here
            self.pointed.emit(None if here is None else (here.x(), here.y()))
            if len(self._panels) > 1:
                self.update()

    def _pick_by_hand(self, index: int) -> None:
        if 0 <= index < len(self._panels) and index != self._picked:
            self.pick(index)
            self.picked.emit(index)

    def _toggle_alone(self) -> None:
        self.linked.show_alone(self._picked if self.linked.alone is None else None)
        self._redraw()

    def _paint_all(self, painter: QPainter, *, outlined: bool) -> None:
        """Paint the panels with their captions."""
        painter.fillRect(self.rect(), theme.current().canvas)
        for index in self.linked.shown():
            panel, place = self._panels[index], self.linked.places()[index]
            many = len(self._panels) > 1
            if many:
                chosen = outlined and index == self._picked
                panel.paint_caption(painter, place, chosen=chosen, focused=self.hasFocus())
            room = QRectF(place.room)
            painter.save()
            painter.setClipRect(place.room if many else self.rect())
            scale = self.linked.scale(room)
            painter.translate(room.center())
            painter.scale(scale, scale)
            painter.translate(-self.linked.centre())
            self._paint_picture(painter, panel, self._level(scale * self.devicePixelRatioF()))
            painter.restore()

    def _paint_picture(self, painter: QPainter, panel: HeatPanel, photo: QImage) -> None:
        """Paint the picture and the map on it, in the picture's pixels."""
        assert self._image is not None
        whole = self._image.whole
        place = QRectF(0, 0, whole.width, whole.height)
        if self._bare or panel.shows_picture():
            ratio = painter.device().devicePixelRatioF()
            crisp = painter.deviceTransform().m11() >= _CRISP * ratio
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not crisp)
            painter.drawImage(place, photo)
        else:
            painter.fillRect(place, theme.current().border)
        if not self._bare:
            panel.paint(painter, box=self._box)

    def _paint_ring(self, painter: QPainter, index: int, place: PanelPlace) -> None:
        """Mark the place under the mouse in a panel: white, edged in black."""
        assert self._here is not None
        at = self.linked.to_widget(index, self._here.x(), self._here.y())
        painter.save()
        painter.setClipRect(place.room)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((theme.MARK_OUTLINE, 3.5), (theme.MARK, 1.6)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(at, 5.0, 5.0)
        painter.restore()

    def _level(self, scale: float) -> QImage:
        """Return the picture as small as a scale in device pixels allows without losing any."""
        assert self._image is not None
        wanted, place = scale * self._image.whole.width, 0
        while self._levels[place].width() >= 2 * wanted and self._levels[place].width() > 64:
            if place + 1 == len(self._levels):
                before = self._levels[place]
                half = QSize(max(1, before.width() // 2), max(1, before.height() // 2))
                self._levels.append(before.scaled(half, _KEEP, _SMOOTH))
            place += 1
        return self._levels[place]

    def _grid_image(self) -> QImage:
        """Return the grid as a picture, nothing outlined."""
        ratio = self.devicePixelRatioF()
        made = QImage(self.size() * ratio, QImage.Format.Format_RGB32)
        made.setDevicePixelRatio(ratio)
        painter = QPainter(made)
        self._paint_all(painter, outlined=False)
        used = QRect()
        for index in self.linked.shown():
            place = self.linked.places()[index]
            used = used.united(place.whole)
            self._panels[index].paint_foot(painter, place, None, chosen=False)
        painter.end()
        corner, size = QRectF(used).topLeft() * ratio, QRectF(used).size() * ratio
        return made.copy(QRectF(corner, size).toRect())

    def _show_cursor(self) -> None:
        if self._panels:
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.unsetCursor()
