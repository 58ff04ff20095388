"""Show the maps of a layer as a grid of tiles that mouse and keyboard walk."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal, SignalInstance
from PySide6.QtGui import QContextMenuEvent, QImage, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from cnnviz_desktop.data import Activation
from cnnviz_desktop.gui.picture_menu import offer_picture
from cnnviz_desktop.gui.tile_order import Beside, GridLook
from cnnviz_desktop.gui.tile_zoom import TileZoom

__all__ = ["FeatureGrid", "GridLook"]

_NOWHERE = (-1, -1, -1)
_KEY = Qt.Key
_PLAIN = Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier


class FeatureGrid(TileZoom):
    """A layer's maps as tiles (`featureGrid`), or one of them full-size.

    Signals: `unit_picked(int)` a channel was clicked or walked to; `unit_opened(int)` double click
    or Enter; `pin_requested(int)` P or the menu; `page_requested` 8, `overlay_requested` O and
    `compare_requested` C; `hovered(int, int, int)` channel, row and column of the map, all -1 when
    the mouse leaves the maps; `tile_side_changed(int)` a zoom resized the tiles; `save_requested`
    (image, name) from its menu.
    """

    unit_picked = Signal(int)
    unit_opened = Signal(int)
    pin_requested = Signal(int)
    page_requested = Signal()
    overlay_requested = Signal()
    compare_requested = Signal()
    save_requested = Signal(QImage, str)
    hovered = Signal(int, int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hover = _NOWHERE
        self.setObjectName("featureGrid")
        self.setAccessibleName("Feature maps")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)

    def show_maps(self, activation: Activation | None, beside: Beside | None = None) -> None:
        """Show a layer's maps; the place and the selected channel stay when the layer does."""
        super().show_maps(activation, beside)
        self._point_at(_NOWHERE)

    def event(self, event: QEvent) -> bool:
        """Keep Escape from the window's own Cancel while one map is full-size."""
        asked = event.type() == QEvent.Type.ShortcutOverride and self._full
        if asked and isinstance(event, QKeyEvent) and event.key() == _KEY.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, open, enlarge and zoom with the keyboard."""
        key = _KEY(event.key())
        steps, zooms = self._steps(), self.key_steps()
        if event.modifiers() & ~_PLAIN:
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
            if not event.isAutoRepeat():
                self.hold_space(True)
        elif int(key) in zooms:
            factor = zooms[int(key)]
            self.zoom_by(factor) if factor else self.reset_zoom()
        elif self.request(event):
            event.accept()
        elif key == _KEY.Key_Escape and self._full:
            self.show_full_size(False)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Show a map full-size, or all again, when Space was tapped and not held for a drag."""
        if event.key() == _KEY.Key_Space and not event.isAutoRepeat():
            if self.hold_space(False):
                self.show_full_size(not self._full)
        else:
            super().keyReleaseEvent(event)

    def request(self, event: QKeyEvent) -> bool:
        """Ask for what a key means for the whole tab; tell whether it means something."""
        asked = self._requests().get(_KEY(event.key()))
        if asked is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        asked.emit()
        return True

    def _requests(self) -> dict[Qt.Key, SignalInstance]:
        """Return what is asked of the bar above by a key."""
        requests: dict[Qt.Key, SignalInstance] = {
            _KEY.Key_8: self.page_requested,
            _KEY.Key_O: self.overlay_requested,
            _KEY.Key_C: self.compare_requested,
        }
        return requests

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

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scroll while dragging, else say which cell of which map is under the mouse."""
        point = event.position().toPoint()
        if not self.drag_to(point):
            self._point_at(self.cell_at(point) or _NOWHERE)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Select the tile that was clicked."""
        clicked = self.end_drag()
        channel = self.channel_at(event.position().toPoint())
        if clicked and event.button() == Qt.MouseButton.LeftButton and channel >= 0:
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

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer to copy, save and enlarge the tile under the mouse or the selected one."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        channel = self._selected if by_key else self.channel_at(event.pos())
        if channel not in self._place_of:
            return
        self._pick(channel)
        image, place = self.tile_image(channel), event.globalPos()
        if by_key:
            place = self.viewport().mapToGlobal(self.tile_rect(channel).center())
        name = f"{self._activation.layer}-{channel}" if self._activation is not None else "map"
        offer_picture(
            self,
            place,
            image,
            lambda: self.save_requested.emit(image, name),
            (
                "pin",
                "Unpin" if channel in self._pins else "Pin",
                lambda: self.pin_requested.emit(channel),
            ),
            (
                "",
                "Back to all maps" if self._full else "Show full-size",
                lambda: self.show_full_size(not self._full),
            ),
        )

    def viewportEvent(self, event: QEvent) -> bool:
        """Forget the hovered cell when the mouse leaves."""
        if event.type() == QEvent.Type.Leave:
            self._point_at(_NOWHERE)
        return super().viewportEvent(event)

    def _point_at(self, hover: tuple[int, int, int]) -> None:
        if hover != self._hover:
            self._hover = hover
            self._lit = hover[1:] if hover != _NOWHERE else None
            if self._full:
                self.viewport().update()
            self.hovered.emit(*hover)
