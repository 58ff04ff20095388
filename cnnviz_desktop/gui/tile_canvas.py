"""Lay out and paint a layer's maps as tiles on one canvas, the rows in sight only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from cnnviz_desktop.data import Activation
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.empty_state import paint_empty
from cnnviz_desktop.gui.tile_layout import MARGIN, TileLayout, full_cell, page_layout
from cnnviz_desktop.gui.tile_order import (
    LARGEST_TILE,
    PAGE,
    SMALLEST_TILE,
    Beside,
    GridLook,
    MapStatistics,
    arrange,
    statistics,
)
from cnnviz_desktop.gui.tile_painting import TilePainter, caption_height

_EXPORT_SIDE = 512
_PIN = 3  # height of a pin's bar, between a tile and its caption


class TileCanvas(QAbstractScrollArea):
    """A layer's maps as tiles, or the selected one full-size; `FeatureGrid` adds mouse and keys."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._activation: Activation | None = None
        self._beside = Beside()
        self._numbers: MapStatistics | None = None
        self._painter: TilePainter | None = None
        self._look = GridLook()
        self._channels: list[int] = []
        self._place_of: dict[int, int] = {}
        self._selected = -1
        self._full = False
        self._made = 0  # side of the pixmaps that are drawn from, 0 for that of the tiles
        self._pins: dict[int, QColor] = {}
        self._lit: tuple[int, int] | None = None  # the cell to outline when full-size
        self._empty = ("No maps yet.", "Pick a layer in the tree; its maps appear here.")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def show_maps(self, activation: Activation | None, beside: Beside | None = None) -> None:
        """Show a layer's maps; the place and the selected channel stay when the layer does."""
        if activation is not None and not activation.values.size:
            activation = None
        before, self._activation = self._activation, activation
        self._beside = beside or Beside()
        self._numbers = None if activation is None else statistics(activation)
        same = (
            before is not None
            and activation is not None
            and before.layer == activation.layer
            and len(before.values) == len(activation.values)
        )
        if not same:
            self._selected = -1
            self.show_full_size(False)
            self.verticalScrollBar().setValue(0)
        self._lit = None
        self._rebuild()

    def paint_now(self) -> None:
        """Put the tiles on the screen before whatever else is to be painted."""
        self.viewport().repaint()

    def set_beside(self, beside: Beside) -> None:
        """Draw the maps with something else beside or below them."""
        if not beside.same(self._beside):
            self._beside = beside
            self._rebuild()

    def set_look(self, look: GridLook) -> None:
        """Draw the maps in another way."""
        look = replace(look, tile_side=min(max(look.tile_side, SMALLEST_TILE), LARGEST_TILE))
        before, self._look = self._look, look
        if look == before:
            return
        if replace(look, tile_side=before.tile_side) == before:
            self._fit_scroll_bars()
        else:
            self._rebuild()

    def look(self) -> GridLook:
        """Return how the maps are drawn."""
        return self._look

    def beside(self) -> Beside:
        """Return what the maps are drawn with."""
        return self._beside

    def parts(self) -> int:
        """Count the maps that stand side by side in a tile."""
        return self._painter.parts if self._painter is not None else 1

    def set_pins(self, pins: Mapping[int, QColor]) -> None:
        """Mark channels with a bar below their tile, in the colour given."""
        self._pins = dict(pins)
        self.viewport().update()

    def set_empty_text(self, title: str, step: str) -> None:
        """Set what stands where the maps will be."""
        self._empty = (title, step)
        self.viewport().update()

    def select(self, channel: int) -> None:
        """Mark a channel and bring it into sight, without a signal; -1 marks none."""
        before, self._selected = self._selected, channel
        self._describe()
        if channel in self._place_of:
            self._bring_into_sight(self._place_of[channel])
        else:
            self.show_full_size(False)
        if self._full or self.hasFocus():
            self.viewport().update()
            return
        layout, scrolled = self._layout_now(), self._scrolled()
        for marked in {before, channel} & self._place_of.keys():
            ground = layout.marked(self._place_of[marked]).adjusted(-2, -2, 2, 2)
            self.viewport().update(ground.translated(-scrolled))

    def selected(self) -> int:
        """Return the marked channel, -1 for none."""
        return self._selected

    def shown(self) -> list[int]:
        """Return the channels in the order of their tiles."""
        return [*self._channels]

    def full_size(self) -> bool:
        """Tell whether one map fills the canvas."""
        return self._full

    def show_full_size(self, on: bool) -> None:
        """Fill the canvas with the selected map, or go back to the tiles."""
        on = on and self._selected in self._place_of
        if on == self._full:
            return
        self._full = on
        self._fit_scroll_bars()
        if not on and self._selected in self._place_of:
            self._bring_into_sight(self._place_of[self._selected])

    def tile_image(self, channel: int) -> QImage:
        """Return a channel's map as a picture of 512 pixels, as it is drawn."""
        assert self._painter is not None
        return self._painter.pixmaps.image(channel, _EXPORT_SIDE)

    def picture(self) -> QImage:
        """Return what is in sight; of a page, the page alone."""
        shown = self.viewport().grab()
        if not self._look.page or self._full or not self._channels:
            return shown.toImage()
        layout, ratio = self._layout_now(), shown.devicePixelRatio()
        whole = QRect()
        for place in range(len(self._channels)):
            whole = whole.united(layout.marked(place))
        whole.translate(-self._scrolled())
        part = QRectF(whole.left() * ratio, whole.top() * ratio, whole.width() * ratio, 0).toRect()
        part.setHeight(round(whole.height() * ratio))
        return shown.toImage().copy(part)

    def tile_rect(self, channel: int) -> QRect:
        """Return where a channel's map is drawn in the viewport."""
        if self._full:
            return full_cell(self.viewport().rect(), caption_height() + 4, self.parts())
        return self._layout_now().cell(self._place_of[channel]).translated(-self._scrolled())

    def channel_at(self, point: QPoint) -> int:
        """Return the channel under a point of the viewport, -1 for none."""
        if self._full:
            return self._selected if self.tile_rect(-1).contains(point) else -1
        place = self._layout_now().place_at(point + self._scrolled())
        return self._channels[place] if place >= 0 else -1

    def cell_at(self, point: QPoint) -> tuple[int, int, int] | None:
        """Return (channel, row, column) of the map's cell under a point of the viewport."""
        channel = self.channel_at(point)
        if channel < 0 or self._painter is None:
            return None
        cell = self._painter.map_cell_at(self.tile_rect(channel), point)
        return None if cell is None else (channel, *cell)

    def sizeHint(self) -> QSize:
        """Ask for ten columns and five rows."""
        return QSize(886, 560)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the tiles that the event exposes."""
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), theme.current().canvas)
        if self._painter is None or not len(self._channels):
            paint_empty(painter, self.viewport().rect(), *self._why_empty())
        elif self._full:
            self._painter.paint_full(painter, self._selected, self.tile_rect(-1), self._lit)
        else:
            self._paint_tiles(painter, event.rect())
        marked = not self._full and self._selected in self._place_of
        if self.hasFocus() and len(self._channels) and not marked:
            self._paint_outline(painter, self.viewport().rect())

    def _paint_tiles(self, painter: QPainter, exposed: QRect) -> None:
        layout, scrolled = self._layout_now(), self._scrolled()
        assert self._painter is not None
        places = layout.places(exposed.top() + scrolled.y(), exposed.bottom() + scrolled.y())
        channels = [self._channels[place] for place in places]
        made = self._made or layout.side
        self._painter.make_tiles(painter, channels, made)
        for place, channel in zip(places, channels, strict=True):
            selected = channel == self._selected
            ground = layout.marked(place).translated(-scrolled)
            if selected:
                painter.fillRect(ground, theme.current().selection)
            tile = layout.cell(place).translated(-scrolled)
            self._painter.paint_tile(painter, channel, tile, selected, made, layout.strip)
            if channel in self._pins:
                bar = QRect(tile.left(), tile.bottom() + 1, tile.width(), theme.px(_PIN))
                painter.fillRect(bar, self._pins[channel])
            if selected:
                self._paint_outline(painter, ground)

    @staticmethod
    def _paint_outline(painter: QPainter, box: QRect) -> None:
        painter.setPen(QPen(theme.current().accent, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(box).adjusted(1, 1, -1, -1))

    def _why_empty(self) -> tuple[str, str]:
        """Return why there is no tile and what to do."""
        if self._activation is None:
            return self._empty
        query, last = self._look.query.strip(), len(self._activation.values) - 1
        if query:
            step = f"Type numbers or ranges from 0 to {last}, such as 12, 40-47."
            return f"No channel matches “{query}”.", step
        return "Every channel is silent on this picture.", "Show silent channels to see them."

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Move what is painted already, so that only the rows that come into sight are painted."""
        outlined = self.hasFocus() and self._selected not in self._place_of
        if outlined or self.devicePixelRatioF() % 1:
            self.viewport().update()  # the outline does not scroll, nor do parts of a pixel
        else:
            self.viewport().scroll(dx, dy)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Lay the tiles out for the new width."""
        self._fit_scroll_bars()

    def showEvent(self, event: QShowEvent) -> None:
        """Bring the selected tile into sight: it may have been selected before there was a size."""
        super().showEvent(event)
        self.select(self._selected)

    def _layout_now(self) -> TileLayout:
        count, side, parts = len(self._channels), self._look.tile_side, self.parts()
        if self._look.page:
            room = self.viewport().size()
            return page_layout(room, count, caption_height(), parts, PAGE)
        # The scroll bar stands in the right margin.
        width = min(self.width(), self.viewport().width() + MARGIN - 4)
        return TileLayout(width, count, side, caption_height(), parts)

    def _scrolled(self) -> QPoint:
        """Return how far the canvas is moved to the left and up."""
        return QPoint(self.horizontalScrollBar().value(), self.verticalScrollBar().value())

    def _rebuild(self) -> None:
        """Colour and order the maps anew."""
        self._painter, self._channels, self._made = None, [], 0
        shown, numbers = self._activation, self._numbers
        if shown is not None and numbers is not None:
            self._painter = TilePainter(shown, self._look, self._beside)
            self._channels = arrange(numbers, self._look, self._beside.scores).tolist()
        self._place_of = {channel: place for place, channel in enumerate(self._channels)}
        if self._selected not in self._place_of:
            self.show_full_size(False)
        self._describe()
        self._fit_scroll_bars()

    def _describe(self) -> None:
        """Say for screen readers which channel is marked, and its maximum."""
        said = ""
        if self._numbers is not None and self._selected in self._place_of:
            high = labels.value(float(self._numbers.high[self._selected]))
            said = f"Channel {self._selected}, maximum {high}"
        self.setAccessibleDescription(said)

    def _fit_scroll_bars(self) -> None:
        """Give the scroll bars their range and keep the share of the way scrolled."""
        bar, layout, room = self.verticalScrollBar(), self._layout_now(), self.viewport().size()
        reach = 0 if self._full else max(0, layout.height - room.height())
        share = bar.value() / bar.maximum() if bar.maximum() else 0.0
        changed = reach != bar.maximum()
        bar.setPageStep(room.height())
        bar.setSingleStep(max(1, min(layout.step, room.height()) // 3))
        bar.setRange(0, reach)
        if changed:
            bar.setValue(round(share * reach))
        across = 0 if self._full else max(0, layout.reach - room.width())
        self.horizontalScrollBar().setRange(0, across)
        self.horizontalScrollBar().setPageStep(room.width())
        self.viewport().update()

    def _bring_into_sight(self, place: int) -> None:
        if self._full:
            return
        bar, box = self.verticalScrollBar(), self._layout_now().marked(place)
        if box.top() < bar.value():
            bar.setValue(box.top() - MARGIN // 2)
        elif box.bottom() > bar.value() + self.viewport().height():
            bar.setValue(box.bottom() - self.viewport().height() + MARGIN // 2)
