"""Lay out panels that all show the same part of one picture, and zoom and move them as one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize

from cnnviz_desktop.gui import theme

_MARGIN = 16
_GAP = 12
PAD = 6  # around a panel, for the outline of the one that is picked
_LARGEST_ZOOM = 64.0  # screen pixels a picture's pixel may fill


@dataclass(frozen=True)
class PanelPlace:
    """Where a panel goes: the whole of it, and the part that shows the picture."""

    whole: QRect
    room: QRect


def strip_height() -> int:
    """Return the height of the line above and of the one below a panel's picture."""
    return theme.px(20)


class LinkedView:
    """Which part of a picture panels show, and where each is in a widget. It says nothing.

    A panel by itself has all the room; several have a line of words above and one below.
    """

    def __init__(self) -> None:
        self.zoom = 1.0  # 1 is the whole picture
        self.count = 0
        self.columns = 1
        self.alone: int | None = None  # the only panel in sight, of several
        self._picture = QSize(1, 1)
        self._room = QSize(1, 1)
        self._centre = QPointF()
        self._places: list[PanelPlace] | None = None

    def set_picture(self, width: int, height: int) -> None:
        """Show another picture, all of it."""
        self._picture = QSize(width, height)
        self.fit()
        self._places = None

    def set_panels(self, count: int, columns: int) -> None:
        """Lay out so many panels; a number of columns below theirs is kept."""
        self.count, self.columns, self._places = count, columns, None
        if self.alone is not None and self.alone >= count:
            self.alone = None

    def show_alone(self, index: int | None) -> None:
        """Show one panel of several, None for all."""
        self.alone, self._places = index, None

    def set_room(self, room: QSize) -> None:
        """Lay the panels out in another room."""
        self._room, self._places = room, None

    def shown(self) -> list[int]:
        """Return the panels that are in sight."""
        return list(range(self.count)) if self.alone is None else [self.alone]

    def across(self) -> int:
        """Return how many panels stand side by side: as asked for, one row as fits best."""
        count = len(self.shown())
        if count <= 1 or self.columns < count:
            return max(1, min(self.columns, count))
        return max(range(1, count + 1), key=lambda columns: self._side(columns, count))

    def places(self) -> list[PanelPlace]:
        """Return where every panel goes; those out of sight have no room."""
        if self._places is None:
            self._places = self._lay_out()
        return self._places

    def index_at(self, point: QPointF) -> int | None:
        """Return the panel at a point of the widget."""
        places, where = self.places(), point.toPoint()
        return next((i for i in self.shown() if places[i].whole.contains(where)), None)

    def room_at(self, point: QPointF) -> QRectF:
        """Return where the panel at a point shows the picture; beside all, the first one's."""
        index = self.index_at(point)
        return QRectF(self.places()[self.shown()[0] if index is None else index].room)

    def scale(self, room: QRectF) -> float:
        """Return screen pixels per picture pixel."""
        return self._fit_scale(room) * self.zoom

    def centre(self) -> QPointF:
        """Return the place of the picture that is in the middle of every panel."""
        return QPointF(self._centre)

    def to_widget(self, index: int, x: float, y: float) -> QPointF:
        """Return where a place of the picture is in a panel, in the widget's pixels."""
        room = QRectF(self.places()[index].room)
        return room.center() + (QPointF(x, y) - self._centre) * self.scale(room)

    def to_picture(self, point: QPointF) -> QPointF | None:
        """Return the place of the picture at a point of the widget, None beside it."""
        index = self.index_at(point)
        if index is None:
            return None
        room = QRectF(self.places()[index].room)
        if self.count > 1 and not room.contains(point):
            return None
        found = self._centre + (point - room.center()) / self.scale(room)
        inside = 0 <= found.x() < self._picture.width() and 0 <= found.y() < self._picture.height()
        return found if inside else None

    def fit(self) -> None:
        """Show the whole picture."""
        self.zoom = 1.0
        self._centre = QPointF(self._picture.width() / 2, self._picture.height() / 2)

    def zoom_by(self, factor: float, at: QPointF | None) -> None:
        """Zoom about a point of the widget; zooming out stops where all of the picture is seen."""
        room = QRectF(self.places()[self.shown()[0]].room) if at is None else self.room_at(at)
        away = (room.center() if at is None else at) - room.center()
        held = self._centre + away / self.scale(room)
        most = max(1.0, _LARGEST_ZOOM / self._fit_scale(room))
        self.zoom = min(max(self.zoom * factor, 1.0), most)
        self.move_to(held - away / self.scale(room))

    def move_to(self, centre: QPointF) -> None:
        """Bring a place of the picture to the middle of every panel."""
        if self.zoom <= 1.0:
            self.fit()
            return
        x = min(max(centre.x(), 0.0), float(self._picture.width()))
        y = min(max(centre.y(), 0.0), float(self._picture.height()))
        self._centre = QPointF(x, y)

    def _fit_scale(self, room: QRectF) -> float:
        """Return screen pixels per picture pixel where all of the picture is seen."""
        across, down = room.width() / self._picture.width(), room.height() / self._picture.height()
        return max(1e-6, min(across, down))

    def _side(self, columns: int, count: int) -> float:
        """Return how wide a panel's picture becomes with so many columns."""
        rows = math.ceil(count / columns)
        wide = (self._room.width() - 2 * _MARGIN - (columns - 1) * _GAP) / columns - 2 * PAD
        tall = (self._room.height() - 2 * _MARGIN - (rows - 1) * _GAP) / rows
        tall -= 2 * (PAD + strip_height())
        return max(8.0, min(wide, tall * self._picture.width() / self._picture.height()))

    def _lay_out(self) -> list[PanelPlace]:
        everything = QRect(0, 0, self._room.width(), self._room.height())
        if self.count <= 1:
            inside = everything.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
            return [PanelPlace(everything, inside)] * self.count
        shown, columns, strip = self.shown(), self.across(), strip_height()
        wide = round(self._side(columns, len(shown)))
        tall = max(8, round(wide * self._picture.height() / self._picture.width()))
        across, down = wide + 2 * PAD + _GAP, tall + 2 * (strip + PAD) + _GAP
        rows = math.ceil(len(shown) / columns)
        left = (everything.width() - columns * across + _GAP) // 2
        top = max(_MARGIN, (everything.height() - rows * down + _GAP) // 2)
        places = [PanelPlace(QRect(), QRect())] * self.count
        for place, index in enumerate(shown):
            row, column = divmod(place, columns)
            whole = QRect(left + column * across, top + row * down, across - _GAP, down - _GAP)
            room = whole.adjusted(PAD, PAD + strip, -PAD, -PAD - strip)
            places[index] = PanelPlace(whole, room)
        return places
