"""Show the maps of a layer as a grid of tiles that mouse and keyboard walk."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from cnnviz_desktop.data import Activation
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.qimages import copy_image
from cnnviz_desktop.gui.tile_canvas import TileCanvas
from cnnviz_desktop.gui.tile_order import GridLook

__all__ = ["FeatureGrid", "GridLook"]

_NOWHERE = (-1, -1, -1)
_KEY = Qt.Key


class FeatureGrid(TileCanvas):
    """A layer's maps as tiles (`featureGrid`), or one of them full-size.

    Signals: `unit_picked(int)` a channel was clicked or walked to; `unit_opened(int)` double click
    or Enter; `pin_requested(int)` P or the menu; `hovered(int, int, int)` channel, row and column
    of the map, all -1 when the mouse leaves the maps; `tile_side_changed(int)` Ctrl+wheel resized
    the tiles; `full_size_changed(bool)` one map fills the canvas, or no longer; `save_requested`
    (image, name) from its menu.
    """

    unit_picked = Signal(int)
    unit_opened = Signal(int)
    pin_requested = Signal(int)
    save_requested = Signal(QImage, str)
    hovered = Signal(int, int, int)
    tile_side_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hover = _NOWHERE
        self._grip: tuple[QPoint, int] | None = None  # where a drag began, and the scroll then
        self._dragged = False
        self.setObjectName("featureGrid")
        self.setAccessibleName("Feature maps")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)

    def show_maps(self, activation: Activation | None) -> None:
        """Show a layer's maps; the place and the selected channel stay when the layer does."""
        super().show_maps(activation)
        self._point_at(_NOWHERE)

    def event(self, event: QEvent) -> bool:
        """Keep Space, Escape and Enter from a window's shortcuts while the grid has the focus."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            mine = [_KEY.Key_Space, _KEY.Key_Return, _KEY.Key_Enter, _KEY.Key_P]
            if self._full:
                mine.append(_KEY.Key_Escape)
            if event.key() in mine and not event.modifiers():
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, open and enlarge with the keyboard."""
        key = _KEY(event.key())
        steps = self._steps()
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            super().keyPressEvent(event)
        elif key in steps and len(self._channels):
            here = self._place_of.get(self._selected)
            place = 0 if here is None else here + steps[key]
            self._pick(self._channels[min(max(place, 0), len(self._channels) - 1)])
        elif key in (_KEY.Key_Return, _KEY.Key_Enter) and self._selected in self._place_of:
            self.unit_opened.emit(self._selected)
        elif key == _KEY.Key_P and self._selected in self._place_of:
            self.pin_requested.emit(self._selected)
        elif key == _KEY.Key_Space:
            self.show_full_size(not self._full)
        elif key == _KEY.Key_Escape and self._full:
            self.show_full_size(False)
        else:
            super().keyPressEvent(event)

    def _steps(self) -> dict[Qt.Key, int]:
        """Return how many places each key moves."""
        layout, count = self._layout_now(), len(self._channels)
        row = 1 if self._full else layout.columns
        page = row if self._full else row * max(1, self.viewport().height() // layout.step)
        return {
            _KEY.Key_Left: -1,
            _KEY.Key_Right: 1,
            _KEY.Key_Up: -row,
            _KEY.Key_Down: row,
            _KEY.Key_PageUp: -page,
            _KEY.Key_PageDown: page,
            _KEY.Key_Home: -count,
            _KEY.Key_End: count,
        }

    def _pick(self, channel: int) -> None:
        """Mark a channel and say so."""
        changed = channel != self._selected
        self.select(channel)
        if changed:
            self.unit_picked.emit(channel)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._grip = (event.position().toPoint(), self.verticalScrollBar().value())
            self._dragged = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scroll while dragging, else say which cell of which map is under the mouse."""
        point = event.position().toPoint()
        if self._grip is not None:
            start, scrolled = self._grip
            moved = point.y() - start.y()
            self._dragged |= abs(moved) >= QApplication.startDragDistance()
            if self._dragged:
                self.verticalScrollBar().setValue(scrolled - moved)
                return
        self._point_at(self.cell_at(point) or _NOWHERE)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Select the tile that was clicked."""
        if event.button() == Qt.MouseButton.LeftButton and self._grip is not None:
            self._grip = None
            channel = self.channel_at(event.position().toPoint())
            if not self._dragged and channel >= 0:
                self._pick(channel)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the tile that was double-clicked; full-size, go back to all."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        channel = self.channel_at(event.position().toPoint())
        if self._full:
            self.show_full_size(False)
        elif channel >= 0:
            self._pick(channel)
            self.unit_opened.emit(channel)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Resize the tiles with Ctrl, scroll without."""
        turned = event.angleDelta().y()
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier or not turned:
            super().wheelEvent(event)
            return
        side = round(self._look.tile_side * 1.12 ** (turned / 120))
        self.set_look(replace(self._look, tile_side=side))
        self.tile_side_changed.emit(self._look.tile_side)
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer to copy, save and enlarge the tile under the mouse or the selected one."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        channel = self._selected if by_key else self.channel_at(event.pos())
        if channel < 0 or self._painter is None:
            return
        self._pick(channel)
        menu = QMenu(self)
        copy = menu.addAction(theme.icon("copy"), "Copy map")
        save = menu.addAction(theme.icon("save"), "Save map…")
        menu.addSeparator()
        pinned = channel in self._pins
        pin = menu.addAction(theme.icon("pin"), "Unpin" if pinned else "Pin")
        whole = menu.addAction("Back to all maps" if self._full else "Show full-size")
        chosen = menu.exec(event.globalPos())
        menu.deleteLater()
        if chosen is copy:
            copy_image(self.tile_image(channel))
        elif chosen is save and self._activation is not None:
            name = f"{self._activation.layer}-{channel}"
            self.save_requested.emit(self.tile_image(channel), name)
        elif chosen is pin:
            self.pin_requested.emit(channel)
        elif chosen is whole:
            self.show_full_size(not self._full)

    def viewportEvent(self, event: QEvent) -> bool:
        """Forget the hovered cell when the mouse leaves."""
        if event.type() == QEvent.Type.Leave:
            self._point_at(_NOWHERE)
        return super().viewportEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that the keyboard is here."""
        self.viewport().update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that the keyboard went elsewhere."""
        self.viewport().update()
        super().focusOutEvent(event)

    def _point_at(self, hover: tuple[int, int, int]) -> None:
        if hover != self._hover:
            self._hover = hover
            self._lit = hover[1:] if hover != _NOWHERE else None
            if self._full:
                self.viewport().update()
            self.hovered.emit(*hover)
