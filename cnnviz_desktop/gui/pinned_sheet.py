"""Show pinned units across the session's pictures: a row for each unit, a column a picture."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.aims import Unit
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.display import reduced, scaled
from cnnviz_desktop.gui.empty_state import paint_empty
from cnnviz_desktop.gui.inspector_parts import fitted
from cnnviz_desktop.gui.inspector_work import UnitMap
from cnnviz_desktop.gui.pictures import Picture
from cnnviz_desktop.gui.pinned_maps import PinnedMaps
from cnnviz_desktop.gui.qimages import qimage_of
from cnnviz_desktop.gui.session import Session

_CELL = 112
_DRAWN = 192  # pixels of a small picture, on a screen of scale 2 slightly soft
_MAP = 64  # cells along a map's longer side
_OPACITY = 0.8
_GAP, _MARGIN = 8, 16
_HEAD = 132  # width of the units' names
_CAPTION = 18
_KEPT = 512  # small pictures: more than are in sight at a time
_SOON = 120  # milliseconds of rest before what is in sight is asked for

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class PinnedSheet(QAbstractScrollArea):
    """The selected unit and the pinned ones over all pictures (`pinnedSheet`).

    Signals: `chosen` (`Unit`, picture's key) a cell was clicked.
    """

    chosen = Signal(object, int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(
            self,
            "pinnedSheet",
            "Pinned units across the pictures",
            "Each unit's map on each picture, on one scale for all of its row, and its maximum "
            "there; click one to go there, or use the arrow keys",
        )
        self._session = session
        self._maps = PinnedMaps(session, "pinned sheet", self, side=_MAP)
        self._images: dict[tuple[Unit, int], tuple[float, QImage]] = {}  # with their scale's end
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON)
        self._soon.timeout.connect(self._ask)
        self._maps.arrived.connect(self._redraw)
        for signal in (
            session.marks.pins_changed,
            session.unit_picked,
            session.pictures.added,
            session.pictures.selected,
        ):
            signal.connect(self._changed)
        session.pictures.removed.connect(self._begin_anew)
        session.models.changed.connect(self._begin_anew)
        session.models.cleared.connect(self._begin_anew)

    def units(self) -> list[tuple[Unit, QColor | None]]:
        """List what has a row: the selected unit, where it is not pinned, and the pinned ones."""
        marks, unit = self._session.marks, self._session.unit
        pins = [
            (pin.place.unit, QColor(style.PINS[pin.colour % len(style.PINS)]))
            for pin in marks.pins()
        ]
        first: list[tuple[Unit, QColor | None]] = []
        if unit is not None and marks.pin_of(unit) is None:
            first.append((unit, None))
        return [*first, *pins]

    def maximum(self, unit: Unit, key: int) -> float | None:
        """Return a unit's maximum on a picture, None while it is not known."""
        found = self._maps.get(self._session.pictures[key].image, unit)
        return found.high if found is not None else None

    def cell_rect(self, row: int, column: int) -> QRect:
        """Return where a unit's picture lies in the viewport."""
        side, step = theme.px(_CELL), self._step()
        left = theme.px(_MARGIN + _HEAD) + column * (side + theme.px(_GAP))
        top = theme.px(_MARGIN + _CAPTION) + row * step
        return QRect(left - self._scrolled().x(), top - self._scrolled().y(), side, side)

    def whole(self) -> QImage:
        """Return all rows and columns that are there as one picture."""
        before, size = self._scrolled(), self._extent()
        self.horizontalScrollBar().setValue(0)
        self.verticalScrollBar().setValue(0)
        image = QImage(size.width(), size.height(), QImage.Format.Format_RGB32)
        painter = QPainter(image)
        self._paint(painter, QRect(0, 0, size.width(), size.height()))
        painter.end()
        self.horizontalScrollBar().setValue(before.x())
        self.verticalScrollBar().setValue(before.y())
        return image

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the cells in sight."""
        self._paint(QPainter(self.viewport()), event.rect())

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Give the scroll bars their range."""
        self._changed()

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for what is in sight."""
        super().showEvent(event)
        self._changed()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """Paint what comes into sight, and ask for it."""
        self._changed()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go to the cell that was clicked."""
        found = self._at(event.position().toPoint())
        if found is not None and event.button() == Qt.MouseButton.LeftButton:
            unit, picture = found
            self.chosen.emit(unit, picture.key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the cell beside the present one with the arrow keys."""
        steps = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        step = steps.get(Qt.Key(event.key()))
        units, pictures = [unit for unit, _colour in self.units()], self._pictures()
        if step is None or not units or not pictures:
            super().keyPressEvent(event)
            return
        row, column = self._present()
        unit = units[min(max(0, row + step[0]), len(units) - 1)]
        picture = pictures[min(max(0, column + step[1]), len(pictures) - 1)]
        self.chosen.emit(unit, picture.key)
        self._bring_into_sight(self.cell_rect(*self._present()))

    def viewportEvent(self, event: QEvent) -> bool:
        """Say in words what is under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self._at(event.pos())
            if found is not None:
                unit, picture = found
                high = self.maximum(unit, picture.key)
                said = f"maximum {labels.value(high)}" if high is not None else "not known yet"
                text = f"{unit.layer} {labels.DOT} {unit.channel} on {picture.image.name}: {said}"
                QToolTip.showText(event.globalPos(), text, self)
                return True
            QToolTip.hideText()
        return super().viewportEvent(event)

    def _paint(self, painter: QPainter, exposed: QRect) -> None:
        painter.fillRect(exposed, theme.current().canvas)
        units, pictures = self.units(), self._pictures()
        if not units:
            step = "Click a map in the tab Feature maps; P pins it, and it stays here."
            paint_empty(painter, self.viewport().rect(), "No pinned units yet.", step)
            return
        strips = ((self.cell_rect(0, column), column) for column in range(len(pictures)))
        in_sight = [
            (column, pictures[column])
            for strip, column in strips
            if strip.right() >= exposed.left() and strip.left() <= exposed.right()
        ]
        for column, picture in in_sight:
            self._paint_head(painter, column, picture)
        for row, (unit, colour) in enumerate(units):
            self._paint_name(painter, row, unit, colour)
            limit = self._limit(unit, pictures)
            for column, picture in in_sight:
                cell = self.cell_rect(row, column)
                if cell.adjusted(0, 0, 0, theme.px(_CAPTION)).intersects(exposed):
                    self._paint_cell(painter, cell, unit, picture, limit)

    def _paint_head(self, painter: QPainter, column: int, picture: Picture) -> None:
        """Write a picture's name above its column."""
        cell = self.cell_rect(0, column)
        room = QRect(cell.left(), cell.top() - theme.px(_CAPTION), cell.width(), theme.px(_CAPTION))
        current = picture is self._session.pictures.current
        painter.setFont(theme.font("strong" if current else "secondary"))
        painter.setPen(theme.current().text if current else theme.current().muted)
        elide = Qt.TextElideMode.ElideMiddle
        text = painter.fontMetrics().elidedText(picture.image.name, elide, room.width())
        painter.drawText(room, _LEFT, text)

    def _paint_name(self, painter: QPainter, row: int, unit: Unit, colour: QColor | None) -> None:
        """Write a unit's name before its row, with the bar of its pin."""
        now, first = theme.current(), self.cell_rect(row, 0)
        left = theme.px(_MARGIN) - self._scrolled().x()
        if colour is not None:
            painter.fillRect(left, first.top(), theme.px(4), first.height(), colour)
        room = QRect(left + theme.px(12), first.top(), theme.px(_HEAD - 20), first.height())
        line = theme.px(18)
        middle = Qt.TextElideMode.ElideMiddle
        note = self._session.marks.note(unit)
        words = next((text for text in note.text.splitlines() if text.strip()), "")
        lines = (
            (f"{unit.layer}", "secondary", now.text),
            (f"channel {unit.channel}", "strong", now.text),
            (words or ("selected" if colour is None else ""), "caption", now.muted),
        )
        for place, (text, role, ink) in enumerate(lines):
            painter.setFont(theme.font(role))  # type: ignore[arg-type]  # one of the roles
            painter.setPen(ink)
            strip = QRect(room.left(), room.top() + place * line, room.width(), line)
            shown = painter.fontMetrics().elidedText(text, middle, strip.width())
            painter.drawText(strip, _LEFT, shown)

    def _limit(self, unit: Unit, pictures: list[Picture]) -> float:
        """Return the value of the last colour, the same for all of a unit's pictures."""
        found = (self._maps.get(picture.image, unit) for picture in pictures)
        known = (item.values for item in found if item is not None)
        highs = (values.max(where=np.isfinite(values), initial=0.0) for values in known)
        return max(map(float, highs), default=0.0)

    def _drawn(self, found: UnitMap, unit: Unit, picture: Picture, limit: float) -> QImage:
        """Return a map over its picture, drawn once for a scale."""
        known = self._images.get((unit, picture.key))
        if known is not None and known[0] == limit:
            return known[1]
        small, factor = reduced(picture.image, _DRAWN)
        region = scaled(found.region, factor)
        drawn = pixels.overlay_values(
            small, found.values, region, _OPACITY, gamma=style.GAMMA, limit=limit
        )
        image = qimage_of(drawn)
        self._images[unit, picture.key] = limit, image
        if len(self._images) > _KEPT:
            del self._images[next(iter(self._images))]
        return image

    def _paint_cell(
        self, painter: QPainter, cell: QRect, unit: Unit, picture: Picture, limit: float
    ) -> None:
        now = theme.current()
        found = self._maps.get(picture.image, unit)
        strip = QRect(cell.left(), cell.bottom() + 1, cell.width(), theme.px(_CAPTION))
        painter.setFont(theme.font("caption"))
        painter.setPen(now.muted)
        if found is None:
            missing = self._maps.is_missing(picture.image, unit)
            painter.setPen(QPen(now.border, 1, Qt.PenStyle.DashLine))
            painter.drawRect(cell.adjusted(0, 0, -1, -1))
            painter.setPen(now.muted)
            words = "not there" if missing else f"waiting{labels.ELLIPSIS}"
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, words)
            return
        image = self._drawn(found, unit, picture, limit)
        place = fitted(image.size(), cell)
        place.moveBottom(cell.bottom() + 1)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, image)
        painter.drawText(strip, _RIGHT, labels.value(found.high))
        if unit == self._session.unit and picture is self._session.pictures.current:
            painter.setPen(QPen(now.accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(place.adjusted(-2, -2, 2, 2))

    def _at(self, point: QPoint) -> tuple[Unit, Picture] | None:
        for row, (unit, _colour) in enumerate(self.units()):
            for column, picture in enumerate(self._pictures()):
                if self.cell_rect(row, column).contains(point):
                    return unit, picture
        return None

    def _present(self) -> tuple[int, int]:
        """Return row and column of the selected unit on the picture in view, 0 for none."""
        units = [unit for unit, _colour in self.units()]
        unit, current = self._session.unit, self._session.pictures.current
        places = [place for place, other in enumerate(self._pictures()) if other is current]
        return units.index(unit) if unit in units else 0, places[0] if places else 0

    def _bring_into_sight(self, cell: QRect) -> None:
        """Scroll until a cell is whole in the viewport."""
        room, rim = self.viewport().rect(), theme.px(_CAPTION)
        for bar, first, last, length in (
            (self.horizontalScrollBar(), cell.left(), cell.right(), room.width()),
            (self.verticalScrollBar(), cell.top(), cell.bottom(), room.height()),
        ):
            bar.setValue(bar.value() + max(0, last + rim - length) + min(0, first - rim))

    def _pictures(self) -> list[Picture]:
        pictures = self._session.pictures
        return [pictures[key] for key in pictures]

    def _ask(self) -> None:
        """Ask for the columns in sight, the picture in view first."""
        if not self.isVisible():
            return
        sight = self.viewport().rect()
        units = [unit for unit, _colour in self.units()]
        columns = [
            (picture is not self._session.pictures.current, column, picture)
            for column, picture in enumerate(self._pictures())
        ]
        for _other, column, picture in sorted(columns, key=lambda item: item[:2]):
            rows = [
                unit
                for row, unit in enumerate(units)
                if self.cell_rect(row, column).intersects(sight)
            ]
            if rows:
                self._maps.want(picture.image, rows)
        self.viewport().update()

    def _changed(self) -> None:
        size, room = self._extent(), self.viewport().size()
        for bar, whole, part, step in (
            (self.horizontalScrollBar(), size.width(), room.width(), _CELL + _GAP),
            (self.verticalScrollBar(), size.height(), room.height(), _CELL + _CAPTION),
        ):
            bar.setRange(0, max(0, whole - part))
            bar.setPageStep(part)
            bar.setSingleStep(theme.px(step) // 2)
        self._redraw()
        if self.isVisible():
            self._soon.start()

    def _begin_anew(self) -> None:
        self._images.clear()
        self._changed()

    def _redraw(self) -> None:
        self.viewport().update()

    def _step(self) -> int:
        return theme.px(_CELL) + theme.px(_CAPTION) + theme.px(_GAP)

    def _extent(self) -> QRect:
        """Return the size of all cells."""
        across = len(self._session.pictures) * (theme.px(_CELL) + theme.px(_GAP))
        down = len(self.units()) * self._step()
        wide = theme.px(2 * _MARGIN + _HEAD) + across
        return QRect(0, 0, max(1, wide), max(1, theme.px(2 * _MARGIN + _CAPTION) + down))

    def _scrolled(self) -> QPoint:
        return QPoint(self.horizontalScrollBar().value(), self.verticalScrollBar().value())
