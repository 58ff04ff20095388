"""Zoom and move the tiles: wheel, pinch, keys; the middle button, Space or a plain drag."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QGestureEvent, QPinchGesture, QWidget

from cnnviz_desktop.gui.tile_canvas import TileCanvas
from cnnviz_desktop.gui.tile_order import DEFAULT_TILE, LARGEST_TILE, SMALLEST_TILE, GridLook

_STEP = 1.12  # by one notch of the wheel
_KEY_STEP = 1.25
_SETTLED = 120  # milliseconds without a change until the tiles are drawn at their own size
_BLURRED = 2.0  # a pixmap is stretched this much at most meanwhile


class TileZoom(TileCanvas):
    """Tiles that grow and shrink about the mouse, and can be dragged.

    A zoom stretches the tiles there are and draws them anew once it rests, so that it follows the
    wheel at every step. Signals: `tile_side_changed(int)` by the person.
    """

    tile_side_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._exact = float(DEFAULT_TILE)
        self._anchor: tuple[int, float, float] | None = None  # place, and where in it
        self._grip: tuple[QPoint, QPoint] | None = None  # where a drag began, and the scroll then
        self._dragged = False
        self._space = False  # held down
        self._space_used = False  # for a drag, so that letting go does nothing more
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED)
        self._settle.timeout.connect(self._settled)
        self.viewport().grabGesture(Qt.GestureType.PinchGesture)

    def set_look(self, look: GridLook) -> None:
        """Draw the maps in another way; tiles of another size keep the place in view."""
        side = min(max(look.tile_side, SMALLEST_TILE), LARGEST_TILE)
        before = self.look()
        if side != before.tile_side and replace(look, tile_side=before.tile_side) == before:
            self._resize_tiles(side, self._middle())
        else:
            super().set_look(look)

    def zoom_by(self, factor: float, at: QPoint | None = None) -> None:
        """Make the tiles larger or smaller about a point of the viewport."""
        side = self._layout_now().side if self.look().page else self.look().tile_side
        exact = self._exact if round(self._exact) == side else side
        self.zoom_to(exact * factor, at)

    def zoom_to(self, side: float, at: QPoint | None = None) -> None:
        """Give the tiles a size, about a point of the viewport; a page becomes tiles again."""
        if self.full_size() or not self.shown():
            return
        at = at or self._middle()
        if self.look().page:
            fitted = self._layout_now().side
            super().set_look(replace(self.look(), page=False, tile_side=fitted))
        before = self.look().tile_side
        self._resize_tiles(side, at)
        if self.look().tile_side != before:
            self.tile_side_changed.emit(self.look().tile_side)

    def reset_zoom(self) -> None:
        """Give the tiles their usual size."""
        self.zoom_to(DEFAULT_TILE)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with Ctrl, scroll without."""
        turned = event.angleDelta().y()
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier or not turned:
            super().wheelEvent(event)
            return
        self.zoom_by(_STEP ** (turned / 120), event.position().toPoint())
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        """Zoom with two fingers, on a touchpad or a touchscreen."""
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom_by(1 + event.value(), event.position().toPoint())
                return True
        elif isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                centre = self.viewport().mapFromGlobal(pinch.centerPoint().toPoint())
                self.zoom_by(pinch.scaleFactor(), centre)
                event.accept(pinch)
                return True
        return super().viewportEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._grip = (event.position().toPoint(), self._scrolled())
            self._dragged = False

    def drag_to(self, point: QPoint) -> bool:
        """Move the tiles with the mouse; tell whether a drag is going on."""
        if self._grip is None:
            return False
        start, scrolled = self._grip
        moved = point - start
        if not self._dragged:
            self._dragged = moved.manhattanLength() >= QApplication.startDragDistance()
        if self._dragged:
            self._space_used |= self._space
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
            self.horizontalScrollBar().setValue(scrolled.x() - moved.x())
            self.verticalScrollBar().setValue(scrolled.y() - moved.y())
        return self._dragged

    def end_drag(self) -> bool:
        """Let go; tell whether it was a click that neither moved nor held Space."""
        clicked = self._grip is not None and not self._dragged and not self._space
        self._grip = None
        self._show_cursor()
        return clicked

    def hold_space(self, held: bool) -> bool:
        """Take Space going down or up; tell whether it was let go without a drag."""
        tapped = self._space and not held and not self._space_used
        self._space, self._space_used = held, self._space_used and held
        self._show_cursor()
        return tapped

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that the keyboard is here."""
        self.viewport().update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that the keyboard went elsewhere, and Space with it."""
        self._space = self._space_used = False
        self._show_cursor()
        self.viewport().update()
        super().focusOutEvent(event)

    def key_steps(self) -> dict[int, float]:
        """Return what each key zooms by, 0 for the usual size."""
        keys = Qt.Key
        larger = (keys.Key_Plus, keys.Key_Equal)
        return {
            **{int(key): _KEY_STEP for key in larger},
            int(keys.Key_Minus): 1 / _KEY_STEP,
            int(keys.Key_0): 0.0,
        }

    def _middle(self) -> QPoint:
        """Return what a zoom without a mouse is about: the selected tile where it is in sight."""
        port = self.viewport().rect()
        place = self._place_of.get(self.selected())
        if place is not None and not self.full_size():
            centre = self.tile_rect(self.selected()).center()
            if port.contains(centre):
                return centre
        return port.center()

    def _resize_tiles(self, side: float, at: QPoint) -> None:
        """Set the tiles' size and bring back what was under the point."""
        layout = self._layout_now()
        if self._anchor is None or not self._settle.isActive():
            self._anchor = self._place_under(at)
            self._made = layout.side
        self._exact = min(max(float(side), SMALLEST_TILE), LARGEST_TILE)
        whole = round(self._exact)
        self._look = replace(self.look(), tile_side=whole)
        if not self._made / _BLURRED <= whole <= self._made * _BLURRED:
            self._made = whole
        self._fit_scroll_bars()
        place, along, down = self._anchor
        if 0 <= place < len(self.shown()) and not self.look().page:
            cell = self._layout_now().cell(place)
            self.horizontalScrollBar().setValue(round(cell.left() + along * cell.width()) - at.x())
            self.verticalScrollBar().setValue(round(cell.top() + down * cell.height()) - at.y())
        self._settle.start()

    def _place_under(self, at: QPoint) -> tuple[int, float, float]:
        """Return the tile nearest to a point of the viewport, and where in it the point lies."""
        layout, point = self._layout_now(), at + self._scrolled()
        place = layout.place_near(point)
        cell = layout.cell(max(0, place))
        along = (point.x() - cell.left()) / cell.width()
        return place, along, (point.y() - cell.top()) / cell.height()

    def _settled(self) -> None:
        self._made, self._anchor = 0, None
        self.viewport().update()

    def _show_cursor(self) -> None:
        if self._space:
            self.viewport().setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.viewport().unsetCursor()
