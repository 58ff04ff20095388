"""Paint the channels of a layer, a row each: its nine pictures, what they share, its classes.

All rows are painted by one canvas, and only those in sight, so that thousands scroll smoothly.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QToolTip, QWidget

from cnnviz_desktop.data import ExemplarOverview
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.dataset_work import RowPictures
from cnnviz_desktop.gui.exemplar_rows import (
    RowLayout,
    facts_of_channel,
    facts_of_picture,
    histogram,
)
from cnnviz_desktop.gui.painted_area import PaintedArea
from cnnviz_desktop.gui.picture_menu import offer_picture

_KEY = Qt.Key
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_CENTRE = Qt.AlignmentFlag.AlignCenter
_PERCENTS = (0.0, 12.5, 25.0, 37.5, 50.0, 62.5, 75.0, 87.5, 100.0)

Rows = Callable[[int], RowPictures | None]


class ExemplarSheet(PaintedArea):
    """The rows of channels (`exemplarSheet`).

    Signals: `picked` (channel, place of the picture in its row) clicked; `walked` the same, by a
    key; `opened` the same, by a double click or Enter; `sight_changed` other rows are in view;
    `pin_wanted` (channel); `save_requested` (image, name).
    """

    picked = Signal(int, int)
    walked = Signal(int, int)
    opened = Signal(int, int)
    sight_changed = Signal()
    pin_wanted = Signal(int)
    save_requested = Signal(QImage, str)

    def __init__(self, rows: Rows, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "exemplarSheet", "Pictures that excite each channel")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._rows = rows
        self._found: ExemplarOverview | None = None
        self._order: list[int] = []
        self._spread = False
        self._target = -1
        self._channel, self._rank = -1, 0  # of the picture that is picked
        self._sight: list[int] = []

    def show_rows(
        self, found: ExemplarOverview | None, order: list[int], *, spread: bool, target: int
    ) -> None:
        """Show channels in an order; with `spread` from weak to strong."""
        other = found is None or self._found is None or found.layer != self._found.layer
        self._found, self._order, self._spread, self._target = found, order, spread, target
        if other:
            self.select(-1)
            self.verticalScrollBar().setValue(0)
        self._fit_scroll_bar()
        self._look_around()
        self.viewport().update()

    def refresh(self, channels: list[int]) -> None:
        """Paint the crops that came."""
        layout = self.layout_now()
        for channel in channels:
            if channel in self._sight:
                row = layout.row(self._order.index(channel))
                self.viewport().update(row.translated(0, -self._scrolled()))

    def order(self) -> list[int]:
        """Return the channels in the order they are shown."""
        return self._order

    def in_sight(self) -> list[int]:
        """Return the channels whose rows are in view."""
        return self._sight

    def selected(self) -> tuple[int, int]:
        """Return the channel and the place of the picked picture; (-1, 0) for none."""
        return self._channel, self._rank

    def select(self, channel: int, rank: int = 0, *, seen: bool = True) -> None:
        """Mark a picture, without a signal, and bring it into sight if `seen`; -1 marks none."""
        if (channel, rank) == (self._channel, self._rank):
            return
        self._channel, self._rank = channel, rank
        if seen and channel in self._order:
            self._bring_into_sight(self._order.index(channel))
        known = self._found is not None and channel >= 0
        said = (f"Channel {channel}", *self._said_of(channel, rank)) if known else ()
        self.setAccessibleDescription("; ".join(dict.fromkeys(said)))
        self.viewport().update()

    def is_at_rest(self) -> bool:
        """Tell whether the person looks at the first rows and has picked nothing."""
        return self._channel < 0 and self.verticalScrollBar().value() == 0

    def layout_now(self) -> RowLayout:
        """Return where the rows are."""
        across = self._found.values.shape[1] if self._found is not None else 9
        return RowLayout(self.viewport().width(), len(self._order), max(1, across))

    def cell_rect(self, channel: int, rank: int) -> QRect:
        """Return where a picture is drawn in the viewport."""
        place = self._order.index(channel)
        return self.layout_now().cell(place, rank).translated(0, -self._scrolled())

    def cell_at(self, point: QPoint) -> tuple[int, int]:
        """Return the channel and picture at a point of the viewport; -1 where there is none."""
        layout = self.layout_now()
        if point.y() < layout.head:
            return -1, -1
        place, rank = layout.place_at(point.x(), point.y() + self._scrolled())
        return (self._order[place], rank) if 0 <= place < len(self._order) else (-1, -1)

    # -------------------------------------------------------------------------------------- events

    def viewportEvent(self, event: QEvent) -> bool:
        """Say what is under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            words = self._told(event.pos())
            if words:
                QToolTip.showText(event.globalPos(), words, self)
            else:
                QToolTip.hideText()
            return True
        return super().viewportEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the picture under the mouse, or its channel."""
        channel, rank = self.cell_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and channel >= 0:
            self._pick(channel, max(0, rank))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the unit of the row."""
        channel, rank = self.cell_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and channel >= 0:
            self.opened.emit(channel, max(0, rank))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk the pictures with the arrows, the rows with Page and Home; Enter opens the unit."""
        key, count = event.key(), len(self._order)
        if key in (_KEY.Key_Return, _KEY.Key_Enter) and self._channel >= 0:
            self.opened.emit(self._channel, self._rank)
            return
        page = max(1, self.viewport().height() // self.layout_now().pitch - 1)
        steps = {
            _KEY.Key_Up: -1,
            _KEY.Key_Down: 1,
            _KEY.Key_PageUp: -page,
            _KEY.Key_PageDown: page,
            _KEY.Key_Home: -count,
            _KEY.Key_End: count,
        }
        sideways = {_KEY.Key_Left: -1, _KEY.Key_Right: 1}.get(_KEY(key))
        down = steps.get(_KEY(key))
        if not count or (sideways is None and down is None) or self._found is None:
            super().keyPressEvent(event)
            return
        known = self._channel in self._order
        place = self._order.index(self._channel) if known else 0
        place = min(max(place + (down or 0), 0), count - 1) if known else place
        rank = self._rank + (sideways or 0) if known else 0
        rank = min(max(rank, 0), self._found.values.shape[1] - 1)
        self.select(self._order[place], rank)
        self.walked.emit(self._order[place], rank)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with a picture and its channel: the picked one's, by a key."""
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        channel, rank = self.selected() if by_key else self.cell_at(event.pos())
        if channel not in self._order:
            return
        row = self._rows(channel)
        image = row.images[rank] if row is not None and 0 <= rank < len(row.images) else None
        if image is not None:
            there = self.viewport().mapToGlobal(self.cell_rect(channel, rank).center())
            offer_picture(
                self,
                there if by_key else event.globalPos(),
                image,
                lambda: self.save_requested.emit(image, f"channel-{channel}-{rank + 1}"),
                ("image", "Open the whole picture", lambda: self._pick(channel, rank)),
                ("", "Open the unit's card", lambda: self.opened.emit(channel, rank)),
                ("pin", "Pin or unpin the unit", lambda: self.pin_wanted.emit(channel)),
            )

    def changeEvent(self, event: QEvent) -> None:
        """Take the sizes that are on."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._fit_scroll_bar()
        super().changeEvent(event)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Lay the rows out for the new width."""
        self._fit_scroll_bar()
        self._look_around()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """Paint the rows that come into sight."""
        self._look_around()
        self.viewport().update()

    # ------------------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows that the event exposes, and above them what the columns are."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(event.rect(), theme.current().base)
        if self._found is None:
            return
        layout, scrolled, exposed = self.layout_now(), self._scrolled(), event.rect()
        for place in layout.places(exposed.top() + scrolled, exposed.bottom() + scrolled):
            self._paint_row(painter, layout, place)
        if exposed.top() < layout.head:
            self._paint_head(painter, layout)
        if self.hasFocus() and self._channel < 0:
            painter.setPen(QPen(theme.current().accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.viewport().rect()).adjusted(1, 1, -1, -1))

    def _paint_head(self, painter: QPainter, layout: RowLayout) -> None:
        now = theme.current()
        painter.fillRect(0, 0, self.viewport().width(), layout.head - 1, now.panel)
        painter.fillRect(0, layout.head - 1, self.viewport().width(), 1, now.border)
        painter.setFont(theme.font("caption"))
        painter.setPen(now.muted)
        high = layout.head - 1
        painter.drawText(QRect(16, 0, layout.words - 16, high), _LEFT, "Channel")
        for rank in range(layout.across):
            box = layout.cell(0, rank)
            room = QRect(box.left() - 3, 0, box.width() + 6, high)
            painter.drawText(room, _CENTRE, self._heading(rank, layout.across))
        if layout.bars and self._found is not None and self._found.labelled:
            room = QRect(layout.bars_left, 0, layout.bars, high)
            painter.drawText(room, _LEFT, "Mean of each class")

    def _heading(self, rank: int, across: int) -> str:
        if not self._spread:
            return "strongest" if rank == 0 else str(rank + 1)
        if rank in (0, across - 1):
            return "strongest" if rank else "weakest"
        return f"{_PERCENTS[rank]:g}{labels.THIN}%" if rank < len(_PERCENTS) else ""

    def _paint_row(self, painter: QPainter, layout: RowLayout, place: int) -> None:
        assert self._found is not None
        now, channel = theme.current(), self._order[place]
        down = -self._scrolled()
        whole = layout.row(place).translated(0, down)
        chosen = channel == self._channel
        if chosen:
            painter.fillRect(whole, now.selection)
        painter.fillRect(whole.left(), whole.bottom(), whole.width(), 1, now.border)
        self._paint_words(painter, layout, channel, whole, chosen)
        row = self._rows(channel)
        for rank in range(layout.across):
            box = layout.cell(place, rank).translated(0, down)
            image = row.images[rank] if row is not None and rank < len(row.images) else None
            if image is not None:
                painter.drawImage(box, image)
            else:
                painter.fillRect(box, now.canvas)
            if chosen and rank == self._rank:
                painter.setPen(QPen(now.accent, 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(QRectF(box).adjusted(-2, -2, 2, 2))
        if layout.bars and self._found.labelled:
            self._paint_bars(painter, layout, channel, whole)

    def _paint_words(
        self, painter: QPainter, layout: RowLayout, channel: int, whole: QRect, chosen: bool
    ) -> None:
        assert self._found is not None
        now = theme.current()
        font = theme.font("strong")
        painter.setFont(font)
        painter.setPen(now.on_selection if chosen else now.text)
        line = painter.fontMetrics().height()
        room = QRect(16, whole.top() + 7, layout.words - 24, line)
        painter.drawText(room, _LEFT, str(channel))
        painter.setFont(theme.font("caption"))
        metrics = painter.fontMetrics()
        painter.setPen(now.on_selection if chosen else now.muted)
        for words in facts_of_channel(self._found, channel, self._target):
            room = QRect(16, room.bottom() + 2, layout.words - 24, metrics.height())
            if room.bottom() > whole.bottom():
                break
            text = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, _LEFT, text)

    def _paint_bars(self, painter: QPainter, layout: RowLayout, channel: int, whole: QRect) -> None:
        assert self._found is not None
        now, shown = theme.current(), histogram(self._found, channel)
        room = QRect(layout.bars_left, whole.top() + 8, layout.bars, whole.height() - 17)
        count = len(shown.heights)
        step = room.width() / max(1, count)
        wide = max(2, min(theme.px(14), int(step) - 1))
        painter.fillRect(room.left(), room.bottom() + 1, room.width(), 1, now.border)
        for place, high in enumerate(shown.heights.tolist()):
            tall = round(high * room.height())
            left = room.left() + round(place * step)
            colour = now.accent if shown.strongest[place] else now.silent
            painter.fillRect(left, room.bottom() + 1 - tall, wide, tall, colour)

    # --------------------------------------------------------------------------------------- words

    def _told(self, point: QPoint) -> str:
        """Return what the tooltip says at a point."""
        channel, rank = self.cell_at(point)
        found = self._found
        if found is None or channel < 0:
            return ""
        layout = self.layout_now()
        if layout.bars and point.x() >= layout.bars_left and found.labelled:
            return self._told_class(layout, channel, point)
        said = self._said_of(channel, rank)
        if rank >= 0 and self._rows(channel) is not None:
            said.append("Click opens the picture, double-click the unit's card.")
        return "\n".join(said)

    def _said_of(self, channel: int, rank: int) -> list[str]:
        """Return what is known of a picture, or of its channel where no picture is known."""
        assert self._found is not None
        found, row = self._found, self._rows(channel)
        if rank < 0 or row is None or rank >= len(row.files):
            return [f"Channel {channel}", *facts_of_channel(found, channel, self._target)]
        return facts_of_picture(found, row, rank)

    def _told_class(self, layout: RowLayout, channel: int, point: QPoint) -> str:
        assert self._found is not None
        shown = histogram(self._found, channel)
        step = layout.bars / max(1, len(shown.places))
        place = int((point.x() - layout.bars_left) / step)
        if not 0 <= place < len(shown.places):
            return ""
        label = int(shown.places[place])
        mean = float(self._found.means[channel, label])
        strongest = int(self._found.strongest[channel, label])
        return (
            f"{self._found.classes[label]}\nmean {labels.value(mean)}\n"
            f"{strongest} of its strongest pictures"
        )

    def _pick(self, channel: int, rank: int) -> None:
        self.select(channel, rank)
        self.picked.emit(channel, rank)

    def _scrolled(self) -> int:
        return self.verticalScrollBar().value()

    def _fit_scroll_bar(self) -> None:
        bar, layout, room = self.verticalScrollBar(), self.layout_now(), self.viewport().height()
        bar.setPageStep(max(1, room - layout.head))
        bar.setSingleStep(max(1, layout.pitch // 3))
        bar.setRange(0, max(0, layout.height - room))

    def _look_around(self) -> None:
        """Say where other rows have come into sight."""
        layout, top = self.layout_now(), self._scrolled()
        places = layout.places(top + layout.head, top + self.viewport().height())
        sight = [self._order[place] for place in places]
        if sight != self._sight:
            self._sight = sight
            self.sight_changed.emit()

    def _bring_into_sight(self, place: int) -> None:
        bar, layout = self.verticalScrollBar(), self.layout_now()
        box = layout.row(place)
        if box.top() - layout.head < bar.value():
            bar.setValue(box.top() - layout.head)
        elif box.bottom() > bar.value() + self.viewport().height():
            bar.setValue(box.bottom() - self.viewport().height())
