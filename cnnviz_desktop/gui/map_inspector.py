"""Show one place of one map: on the picture, in pinned maps, and how its value was added up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from cnnviz_desktop.data import Activation, Box, Floats, ImageInput
from cnnviz_desktop.figures import pixels
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import fix_size, named
from cnnviz_desktop.gui.display import cell_box, reduced, scaled
from cnnviz_desktop.gui.inspector_parts import (
    TABLE,
    PinnedMap,
    PinRow,
    SumTable,
    fitted,
    paint_image,
    paint_table,
    zoomed,
)
from cnnviz_desktop.gui.inspector_work import SIDE, Closer, Spot
from cnnviz_desktop.gui.qimages import qimage_of
from cnnviz_desktop.gui.tile_order import GridLook, statistics
from cnnviz_desktop.gui.tile_painting import paint_mark

_HEIGHT = 188
_WORDS = 208  # width of the words and the pinned maps below them
_LEAST_WORDS = 130
_SUM, _WIDEST_SUM = 190, 330
_OLD = 0.35  # how strong the sum of the last place is while this one's is on its way


@dataclass(frozen=True, eq=False)
class Fact:
    """Something else that is known of each channel (C,), or of each cell of each map (C, h, w)."""

    name: str
    values: Floats

    def at(self, channel: int, cell: tuple[int, int]) -> float:
        """Return it for one cell of one channel."""
        return float(self.values[channel] if self.values.ndim == 1 else self.values[channel][cell])


class MapInspector(QWidget):
    """The strip below the tiles: it follows the mouse and stays on the last place.

    It reads arrays that are there already: a hover is one look-up and one repaint. What the engine
    says of the place is shown when somebody brings it.

    Signals: `turned(bool)` to another place, or into sight; whether the mouse points there.
    """

    turned = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(
            self,
            "mapInspector",
            "Inspector",
            "The cell under the mouse: what of the picture reaches it, its value, the same place "
            "in pinned maps, and the sum that the value is (I hides this)",
        )
        fix_size(self, height=_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._activation: Activation | None = None
        self._picture: QImage | None = None
        self._whole = Box(0, 0, 0, 0)  # of the picture
        self._factor = 1.0
        self._map: QImage | None = None
        self._look = GridLook()
        self._channel = -1
        self._cell: tuple[int, int] | None = None
        self._facts: tuple[Fact, ...] = ()
        self._kind = ""
        self._pinned: tuple[PinnedMap, ...] = ()
        self._pins: PinRow | None = None
        self._closer: Closer | None = None
        self._reaching: QImage | None = None
        self._sum: SumTable | None = None

    def show_maps(
        self, activation: Activation | None, image: ImageInput | None, kind: str = ""
    ) -> None:
        """Look into another stack of maps, of a layer of some kind."""
        kept = (
            self._activation is not None
            and activation is not None
            and activation.values.shape == self._activation.values.shape
        )
        self._activation, self._kind = activation, kind
        self._picture = None
        self._closer = self._sum = self._reaching = None
        if image is not None:
            small, self._factor = reduced(image, SIDE)
            self._picture, self._whole = qimage_of(small.pixels), image.whole
        channel = self._channel if kept else -1
        cell = self._cell if kept else None
        self._channel, self._cell = -2, None
        if channel < 0 and activation is not None and activation.values.size:
            channel = statistics(activation).strongest(self._look.signed)
        self._turn_to(channel, cell)

    def set_look(self, look: GridLook) -> None:
        """Colour the map as the tiles are."""
        self._look = look
        self._colour()
        self.set_pins(self._pinned)

    def set_facts(self, facts: Sequence[Fact]) -> None:
        """Write down for the place that is shown what else is known of it."""
        self._facts = tuple(facts)
        self.update()

    def set_pins(self, pins: Sequence[PinnedMap]) -> None:
        """Show the same place in pinned maps."""
        self._pinned, look = tuple(pins), self._look
        self._pins = PinRow(pins, look.map_name, look.signed, look.gamma) if pins else None
        self.update()

    def show_closer(self, closer: Closer) -> None:
        """Show what the engine found of a place, if it is still the one in view."""
        if closer.spot != self.spot():
            return
        self._closer = closer
        self._reaching = qimage_of(closer.drawn) if closer.drawn is not None else None
        self._sum = SumTable(closer.reading) if closer.reading is not None else None
        self._speak()
        self.update()

    def show_channel(self, channel: int) -> None:
        """Look at a channel at its strongest place; -1 keeps what is shown."""
        if channel >= 0:
            self._turn_to(channel, None)

    def point_at(self, channel: int, row: int, column: int) -> None:
        """Look at a place; -1 keeps the last one."""
        if channel >= 0:
            self._turn_to(channel, (row, column), pointed=True)

    def show_strip(self, shown: bool) -> None:
        """Show the strip, or give its room to the tiles."""
        self.setVisible(shown)

    def spot(self) -> Spot | None:
        """Return the place that is shown."""
        if self._activation is None or self._cell is None:
            return None
        maps = self._activation
        return Spot(maps.layer, maps.call, self._channel, *self._cell)

    def closer(self) -> Closer | None:
        """Return what the engine found of the place that is shown, None while it is not known."""
        known = self._closer is not None and self._closer.spot == self.spot()
        return self._closer if known else None

    def value(self) -> float | None:
        """Return the value of the place that is shown."""
        if self._activation is None or self._cell is None:
            return None
        return float(self._activation.values[self._channel][self._cell])

    def pinned_values(self) -> list[float | None]:
        """Return the values of the pinned maps at the same place."""
        place = self._place()
        if self._pins is None or place is None or self._cell is None:
            return []
        return self._pins.values(self._cell, place)

    def sentence(self) -> str:
        """Return the sum that the value is, in words."""
        return self._sum.sentence() if self._sum is not None and self.closer() is not None else ""

    def sizeHint(self) -> QSize:
        """Ask for the strip's height."""
        return QSize(600, theme.px(_HEIGHT))

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for what was not asked for while this was hidden."""
        super().showEvent(event)
        self.turned.emit(False)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint from the left what fits: the picture, the map, the words, the sum."""
        colours = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), colours.panel)
        painter.fillRect(0, 0, self.width(), 1, colours.border)
        if self._activation is None or self._cell is None or self._map is None:
            return
        margin, top, gap = theme.px(16), theme.px(12), theme.px(24)
        right, side = self.width() - margin, self.height() - 2 * top - theme.px(18)
        left = self._paint_picture(painter, QRect(margin, top, side * 3 // 2, side))
        if left + side > right:
            return
        left = self._paint_map(painter, QRect(left, top, side, side)) + theme.px(8)
        width = min(theme.px(_WORDS), right - left)
        if width < theme.px(_LEAST_WORDS):
            return
        rest = right - left - width - gap
        has_sum = rest >= theme.px(_SUM)
        if not has_sum:
            width = right - left
        self._paint_words(painter, QRect(left, top, width, self.height() - top - theme.px(6)))
        if has_sum:
            wide = min(rest, theme.px(_WIDEST_SUM))
            room = QRect(left + width + gap, top - theme.px(4), wide, self.height() - top)
            self._paint_sum(painter, room)

    def _paint_picture(self, painter: QPainter, room: QRect) -> int:
        """Paint the picture with what reaches the place; return where the next part begins."""
        place = self._place()
        if self._picture is None or place is None:
            return room.left()
        found = self.closer()
        reading = found.reading if found is not None else None
        drawn = fitted(self._picture.size(), room)
        image = self._reaching if found is not None else None
        paint_image(painter, drawn, image or self._picture)
        zoom = drawn.width() / self._picture.width()
        words = "Where the cell lies"
        if reading is not None and reading.field is not None:
            place = _inside(reading.field, self._whole)
            words = "Receptive field: all of it"
            if place != self._whole:
                words = "Receptive field"
                if reading.sees is not None:
                    words = f"Receptive field {reading.sees[0]}×{reading.sees[1]} px"
        box = scaled(place, self._factor)
        outline = QRectF(box.left, box.top, max(1, box.width), max(1, box.height))
        painter.save()
        painter.setClipRect(drawn.adjusted(-2, -2, 2, 2))
        paint_mark(painter, zoomed(outline, zoom, drawn))
        painter.restore()
        written = self._caption(painter, drawn, words)
        return max(int(drawn.right()), room.left() + written) + theme.px(16)

    def _paint_map(self, painter: QPainter, room: QRect) -> int:
        """Paint the map with the cell; return where the next part begins."""
        assert self._map is not None
        assert self._cell is not None
        row, column = self._cell
        drawn = fitted(self._map.size(), room)
        paint_image(painter, drawn, self._map)
        cell = QRectF(column, row, 1, 1)
        paint_mark(painter, zoomed(cell, drawn.width() / self._map.width(), drawn))
        words = f"Map {self._channel}, row {row}, column {column}"
        written = self._caption(painter, drawn, words)
        return max(int(drawn.right()), room.left() + written) + theme.px(16)

    def _paint_words(self, painter: QPainter, room: QRect) -> None:
        """Write the value, and below it the pinned maps or the map's own numbers."""
        place = self._place()
        if self._activation is None or self._cell is None or place is None:
            return
        colours, left = theme.current(), room.left()
        values = self._activation.values[self._channel]
        here = float(values[self._cell])
        painter.setFont(theme.font("display"))
        painter.setPen(colours.text)
        top = room.top() + theme.px(20)
        shown = labels.value(here)
        painter.drawText(left, top, shown)
        after = left + painter.fontMetrics().horizontalAdvance(shown) + theme.px(10)
        painter.setFont(theme.font("secondary"))
        painter.setPen(colours.muted)
        high = float(np.fmax.reduce(values, axis=None))  # NaN only where there is nothing else
        note = _share_of(here, high)
        metrics, elide = painter.fontMetrics(), Qt.TextElideMode.ElideRight
        painter.drawText(after, top, metrics.elidedText(note, elide, room.right() - after))
        top += theme.px(22)
        if self._pins is not None:
            said = self._facts_line() or "Same place in pinned maps"
            painter.drawText(left, top, metrics.elidedText(said, elide, room.width()))
            rest = QRect(left, top + theme.px(8), room.width(), room.bottom() - top - theme.px(8))
            self._pins.paint(painter, rest, self._cell, place)
            return
        lines = [
            *self._known_facts(),
            ("Maximum", labels.value(high)),
            ("Mean", labels.value(_mean(values))),
            ("Minimum", labels.value(float(np.fmin.reduce(values, axis=None)))),
            ("Cells above zero", labels.percent(float((values > 0).mean()))),
        ]
        width, fits = min(theme.px(TABLE), room.width()), (room.bottom() - top) // theme.px(22)
        paint_table(painter, left, top + theme.px(6), lines[:fits], width)

    def _paint_sum(self, painter: QPainter, room: QRect) -> None:
        """Paint how the value is added up; faintly that of the last place until it is known."""
        known = self.closer()
        if known is None:
            painter.setOpacity(_OLD)
        if self._sum is not None and self._sum.is_there:
            self._sum.paint(painter, room)
            painter.setOpacity(1)
            return
        painter.setOpacity(1)
        if known is None:
            return
        words = known.why or (
            f"{self._kind or 'This layer'} adds nothing up here: no single convolution stands "
            "behind this value."
        )
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.current().muted)
        wrap = Qt.TextFlag.TextWordWrap
        painter.drawText(room.adjusted(0, theme.px(4), 0, 0), wrap, words)

    def _known_facts(self) -> list[tuple[str, str]]:
        assert self._cell is not None
        known = [fact for fact in self._facts if self._channel < len(fact.values)]
        return [(fact.name, labels.value(fact.at(self._channel, self._cell))) for fact in known]

    def _facts_line(self) -> str:
        return f" {labels.DOT} ".join(f"{name} {text}" for name, text in self._known_facts())

    def _caption(self, painter: QPainter, place: QRectF, text: str) -> int:
        """Write below a picture; return how wide that is."""
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.current().muted)
        painter.drawText(int(place.left()), round(place.bottom()) + theme.px(18), text)
        return painter.fontMetrics().horizontalAdvance(text)

    def _place(self) -> Box | None:
        """Return the box of the picture that the cell stands for."""
        if self._activation is None or self._cell is None:
            return None
        rows, columns = self._activation.values.shape[1:]
        return cell_box(self._activation.region, rows, columns, *self._cell)

    def _turn_to(
        self, channel: int, cell: tuple[int, int] | None, *, pointed: bool = False
    ) -> None:
        before = self.spot()
        if self._activation is None or not 0 <= channel < len(self._activation.values):
            self._channel, self._cell, self._map = -1, None, None
            self.setAccessibleDescription("")
            self.update()
            return
        if channel != self._channel:
            self._channel = channel
            self._colour()
        values = self._activation.values[channel]
        if cell is None:
            place = int(np.argmax(np.nan_to_num(values, nan=-np.inf)))
            cell = (place // values.shape[1], place % values.shape[1])
        self._cell = cell
        self.update()
        if self.spot() != before:
            self._speak()
            self.turned.emit(pointed)

    def _speak(self) -> None:
        """Let a screen reader say the place, its value, and the sum where it is known."""
        value = self.value()
        if self._cell is None or value is None:
            return
        row, column = self._cell
        here = f"map {self._channel}, row {row}, column {column}: {labels.value(value)}"
        self.setAccessibleDescription(". ".join(part for part in (here, self.sentence()) if part))

    def _colour(self) -> None:
        if self._activation is None or self._channel < 0:
            return
        values = self._activation.values[self._channel]
        look = self._look
        coloured = pixels.colour(values, look.map_name, signed=look.signed, gamma=look.gamma)
        self._map = qimage_of(coloured)


def _share_of(here: float, high: float) -> str:
    """Say how a value compares with the greatest of its map."""
    if math.isnan(here):
        return "not a number"
    if not high > 0:
        return "the map is nowhere positive"
    if here == high:
        return "the map's maximum"
    note = f"{100 * here / high:.0f}{labels.THIN}% of its maximum"
    return note.replace("-", labels.MINUS)


def _mean(values: Floats) -> float:
    """Return the mean; NaN where infinite values cancel each other out."""
    with np.errstate(invalid="ignore", over="ignore"):
        return float(values.mean())


def _inside(box: Box, whole: Box) -> Box:
    """Return the part of a box that lies on the picture."""
    top, left = max(box.top, whole.top), max(box.left, whole.left)
    bottom, right = min(box.bottom, whole.bottom), min(box.right, whole.right)
    return Box(top, left, max(top, bottom), max(left, right))
