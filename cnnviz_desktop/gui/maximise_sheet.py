"""Show several grown pictures as tiles: those done, those growing with a bar, those waiting."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QPoint, QRect, QRectF, QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDrag,
    QFontMetrics,
    QGuiApplication,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QToolTip, QWidget

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.painted_area import PaintedArea
from cnnviz_desktop.gui.picture_menu import Entry, offer_picture
from cnnviz_desktop.gui.tile_layout import TileLayout
from cnnviz_desktop.gui.tile_painting import caption_height

_SIDE = 88
_BAR = 4  # height of what shows how far a picture has grown
_KEY = Qt.Key
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, eq=False)
class SheetTile:
    """One picture of the sheet: `words` name it, `value` stands at the right below it.

    `make` gives the picture when it is first painted; None is one that waits. `share` below 1 is
    one that grows. `amiss` says what is wrong with it.
    """

    words: str
    value: str = ""
    make: Callable[[], QImage | None] | None = None
    share: float = 1.0
    amiss: str = ""

    @property
    def image(self) -> QImage | None:
        """Return the picture, None while it waits."""
        return self.make() if self.make is not None else None

    @property
    def waiting(self) -> bool:
        """Tell whether the picture has not begun to grow."""
        return self.make is None

    @property
    def growing(self) -> bool:
        """Tell whether the picture is not finished."""
        return not self.waiting and self.share < 1


class PictureSheet(PaintedArea):
    """The tiles of a run or a gallery (`pictureSheet`).

    Signals: `picked(int)` a tile was clicked or walked to; `opened(int)` double click or Enter;
    `save_requested` (image, name) from its menu.
    """

    picked = Signal(int)
    opened = Signal(int)
    save_requested = Signal(QImage, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "pictureSheet", "Pictures")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._tiles: tuple[SheetTile, ...] = ()
        self._stem = "picture"
        self._cards = False
        self._selected = -1
        self._start: QPoint | None = None  # where a drag may begin
        self._small: dict[int, tuple[QImage, QPixmap]] = {}
        self._folder: Path | None = None  # of the files that were dragged out

    def show_tiles(
        self, tiles: Sequence[SheetTile], stem: str = "picture", *, cards: bool = False
    ) -> None:
        """Show other tiles, or the same ones further grown.

        `stem` begins the names of files; `cards`: the tiles are of units, which have cards.
        """
        before, self._tiles, self._stem = self._tiles, tuple(tiles), stem
        self._cards = cards
        self._small = {place: item for place, item in self._small.items() if place < len(tiles)}
        if len(before) != len(tiles):
            self._selected = min(self._selected, len(tiles) - 1)
            self._fit_scroll_bar()
        layout, scrolled = self._layout_now(), self._scrolled()
        for place, tile in enumerate(self._tiles):
            if place >= len(before) or tile is not before[place]:
                ground = layout.marked(place).adjusted(-2, -2, 2, 2)
                self.viewport().update(ground.translated(-scrolled))
        if len(before) != len(tiles):
            self.viewport().update()

    def tiles(self) -> tuple[SheetTile, ...]:
        """Return the tiles that are shown."""
        return self._tiles

    def select(self, place: int) -> None:
        """Mark a tile, without a signal; -1 marks none."""
        if place != self._selected:
            self._selected = place
            self._bring_into_sight(place)
            self.viewport().update()
            tile = self._tiles[place] if 0 <= place < len(self._tiles) else None
            self.setAccessibleDescription(f"{tile.words} {tile.value}".strip() if tile else "")

    def selected(self) -> int:
        """Return the marked tile, -1 for none."""
        return self._selected

    def tile_rect(self, place: int) -> QRect:
        """Return where a picture is drawn in the viewport."""
        return self._layout_now().cell(place).translated(-self._scrolled())

    def tile_at(self, point: QPoint) -> int:
        """Return the tile under a point of the viewport, -1 for none."""
        return self._layout_now().place_at(point + self._scrolled())

    def rows_high(self, rows: int) -> int:
        """Return the height that shows so many rows."""
        return TileLayout(self.width(), rows, theme.px(_SIDE), caption_height(), fixed=1).height

    def sizeHint(self) -> QSize:
        """Ask for two rows."""
        return QSize(theme.px(480), self.rows_high(2))

    def minimumSizeHint(self) -> QSize:
        """Ask for one row."""
        return QSize(theme.px(200), self.rows_high(1))

    def viewportEvent(self, event: QEvent) -> bool:
        """Say what is amiss with the tile under the mouse, and what may be done with it."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self.tile_at(event.pos())
            if place >= 0:
                tile = self._tiles[place]
                card = "double-click for its card, " if self._cards else ""
                does = f"Click to watch it, {card}drag it out to save it."
                parts = (tile.words, tile.amiss, "It waits." if tile.waiting else does)
                QToolTip.showText(
                    event.globalPos(), "\n".join(part for part in parts if part), self
                )
            else:
                QToolTip.hideText()
            return True
        return super().viewportEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the tiles that the event exposes."""
        painter = QPainter(self.viewport())
        now = theme.current()
        painter.fillRect(event.rect(), now.base)
        layout, scrolled = self._layout_now(), self._scrolled()
        exposed = event.rect()
        for place in layout.places(exposed.top() + scrolled.y(), exposed.bottom() + scrolled.y()):
            if place == self._selected:
                ground = layout.marked(place).translated(-scrolled)
                painter.fillRect(ground, now.selection)
                painter.setPen(QPen(now.accent, 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(QRectF(ground).adjusted(1, 1, -1, -1))
            self._paint_tile(painter, place, self.tile_rect(place), layout.strip)
        if self.hasFocus() and self._selected < 0:
            painter.setPen(QPen(now.accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.viewport().rect()).adjusted(1, 1, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._start = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag a picture out once the mouse has moved far enough."""
        far = QGuiApplication.styleHints().startDragDistance()
        point = event.position().toPoint()
        if self._start is None or (point - self._start).manhattanLength() < far:
            return
        place, self._start = self.tile_at(self._start), None
        if place >= 0 and not self._tiles[place].waiting:
            drag = QDrag(self)
            drag.setMimeData(self.mime_of(place))
            drag.setPixmap(self._pixmap(place, self.tile_rect(place)))
            drag.exec(Qt.DropAction.CopyAction)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Pick the tile that was clicked."""
        clicked, self._start = self._start is not None, None
        place = self.tile_at(event.position().toPoint())
        if clicked and event.button() == Qt.MouseButton.LeftButton:
            self._pick(place)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the tile that was double-clicked."""
        place = self.tile_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and place >= 0:
            self.opened.emit(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk the tiles with the arrows; Enter opens one."""
        columns = self._layout_now().columns
        steps = {
            _KEY.Key_Left: -1,
            _KEY.Key_Right: 1,
            _KEY.Key_Up: -columns,
            _KEY.Key_Down: columns,
            _KEY.Key_Home: -len(self._tiles),
            _KEY.Key_End: len(self._tiles),
        }
        step = steps.get(_KEY(event.key()))
        if step is not None and self._tiles:
            here = self._selected + step if self._selected >= 0 else 0
            self._pick(min(max(here, 0), len(self._tiles) - 1))
        elif event.key() in (_KEY.Key_Return, _KEY.Key_Enter) and self._selected >= 0:
            self.opened.emit(self._selected)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with the picture under the mouse or with the chosen one."""
        where = event.globalPos()
        place = self.tile_at(self.viewport().mapFromGlobal(where))
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            place = self._selected
            where = self.viewport().mapToGlobal(self.tile_rect(place).center())
        image = self._tiles[place].image if place >= 0 else None
        if image is not None:
            offer_picture(
                self,
                where,
                image,
                lambda: self.save_requested.emit(image, self.name_of(place)),
                *self.further(place),
            )

    def further(self, place: int) -> tuple[Entry, ...]:
        """Return what the menu of a tile offers besides copying and saving."""
        card = ("", "Open the unit's card", lambda: self.opened.emit(place))
        return (card,) if self._cards else ()

    def name_of(self, place: int) -> str:
        """Return the name of a tile's file, without its suffix."""
        return f"{self._stem}-{self._tiles[place].words.replace(' ', '-')}"

    def mime_of(self, place: int) -> QMimeData:
        """Return what dragging a tile out carries: the picture, and a file of it for folders."""
        image = self._tiles[place].image
        assert image is not None
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="cnnviz-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        allowed = "".join(c if c.isalnum() or c in " ._-" else "-" for c in self.name_of(place))
        path = self._folder / f"{allowed}.png"
        image.save(str(path))
        data = QMimeData()
        data.setImageData(image)
        data.setUrls([QUrl.fromLocalFile(str(path))])
        return data

    def changeEvent(self, event: QEvent) -> None:
        """Take the sizes that are on."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._small.clear()
            self._fit_scroll_bar()
        super().changeEvent(event)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Lay the tiles out for the new width."""
        self._fit_scroll_bar()

    def _pick(self, place: int) -> None:
        if place >= 0 and place != self._selected:
            self.select(place)
            self.picked.emit(place)

    def _paint_tile(self, painter: QPainter, place: int, box: QRect, strip: int) -> None:
        tile, now = self._tiles[place], theme.current()
        chosen = place == self._selected
        if tile.waiting:
            pen = QPen(now.outline, 1)
            pen.setDashPattern([3.0, 2.5])
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5))
        else:
            painter.drawPixmap(box.topLeft(), self._pixmap(place, box))
        if tile.growing:
            bar = QRect(box.left(), box.bottom() + 1 - theme.px(_BAR), box.width(), theme.px(_BAR))
            painter.fillRect(bar, now.border)
            bar.setWidth(round(bar.width() * tile.share))
            painter.fillRect(bar, now.accent)
        font = theme.font("caption")
        metrics = QFontMetrics(font)
        below = QRect(box.left(), box.bottom() + 1, box.width(), strip)
        painter.setFont(font)
        muted = now.on_selection if chosen else now.warning if tile.amiss else now.muted
        painter.setPen(muted)
        painter.drawText(below, _RIGHT, tile.value)
        taken = metrics.horizontalAdvance(tile.value) + 6 if tile.value else 0
        font.setBold(chosen or tile.growing)
        painter.setFont(font)
        painter.setPen(now.on_selection if chosen else now.muted if tile.waiting else now.text)
        words = painter.fontMetrics().elidedText(
            tile.words, Qt.TextElideMode.ElideLeft, below.width() - taken
        )
        painter.drawText(below, _LEFT, words)

    def _pixmap(self, place: int, box: QRect) -> QPixmap:
        """Return a tile's picture as large as its box, shrunk once for each picture."""
        image = self._tiles[place].image
        assert image is not None
        ratio = self.devicePixelRatioF()
        side = round(box.width() * ratio)
        known = self._small.get(place)
        if known is None or known[0] is not image or known[1].width() != side:
            fit, smooth = Qt.AspectRatioMode, Qt.TransformationMode.SmoothTransformation
            small = image.scaled(side, side, fit.KeepAspectRatioByExpanding, smooth)
            spare = small.size() - QSize(side, side)
            small = small.copy(QRect(spare.width() // 2, spare.height() // 2, side, side))
            pixmap = QPixmap.fromImage(small)
            pixmap.setDevicePixelRatio(ratio)
            known = self._small[place] = (image, pixmap)
        return known[1]

    def _layout_now(self) -> TileLayout:
        side = theme.px(_SIDE)
        return TileLayout(self.viewport().width(), len(self._tiles), side, caption_height())

    def _scrolled(self) -> QPoint:
        return QPoint(0, self.verticalScrollBar().value())

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """Paint the rows that come into sight."""
        self.viewport().update()

    def _fit_scroll_bar(self) -> None:
        bar, layout, room = self.verticalScrollBar(), self._layout_now(), self.viewport().height()
        bar.setPageStep(room)
        bar.setSingleStep(max(1, layout.step // 3))
        bar.setRange(0, max(0, layout.height - room))
        self.viewport().update()

    def _bring_into_sight(self, place: int) -> None:
        if place < 0:
            return
        bar, box = self.verticalScrollBar(), self._layout_now().marked(place)
        if box.top() < bar.value():
            bar.setValue(box.top() - 8)
        elif box.bottom() > bar.value() + self.viewport().height():
            bar.setValue(box.bottom() - self.viewport().height() + 8)
