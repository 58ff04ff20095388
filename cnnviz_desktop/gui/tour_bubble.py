"""Paint what the first tour says: a card with a pointer, and a ring around what it points at."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import label, link, named, push_button
from cnnviz_desktop.gui.flat_style import set_primary

_WIDTH = 300
_MARGIN = 14  # around the card: for its pointer and its shadow
_POINTER = 9
_ROUND = 8
_RING = 5  # pixels that the ring stands off
_SHADOW = 5
_SIDES = ("right", "left", "below", "above")


class TourBubble(QFrame):
    """A card over the window. Signals: `next_wanted`; `end_wanted`."""

    next_wanted = Signal()
    end_wanted = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        named(self, "tourBubble", "Tour")
        self._side = ""
        self._tip = 0  # where along its side the pointer stands
        self._count = label("", "caption", muted=True)
        self._title = label("", "title")
        self._words = label("")
        self._words.setWordWrap(True)
        self._words.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.MinimumExpanding)
        named(self._words, "tourWords", "What to do")
        self.skip = link(
            "En&d tour", "tourEnd", "Leave the tour; Help > Tour begins it again (Esc)"
        )
        self.next = push_button("&Next", "tourNext", "Do this step for me and go on")
        set_primary(self.next, True)
        foot = QHBoxLayout()
        foot.addWidget(self._count)
        foot.addStretch(1)
        foot.addWidget(self.skip)
        foot.addWidget(self.next)
        inside = _MARGIN + 14
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(inside, inside - 2, inside, inside - 4)
        column.setSpacing(6)
        column.addWidget(self._title)
        column.addWidget(self._words)
        column.addLayout(foot)
        self.skip.clicked.connect(self.end_wanted)
        self.next.clicked.connect(self.next_wanted)

    def say(self, number: int, count: int, title: str, words: str) -> None:
        """Show a step's words."""
        self._count.setText(f"{number} of {count}")
        self._title.setText(title)
        self._words.setText(words)
        self.next.setText("&Finish" if number == count else "&Next")
        self.setAccessibleDescription(f"{title}. {words}")
        width = theme.px(_WIDTH) + 2 * _MARGIN
        self.setFixedWidth(width)
        self.setFixedHeight(self._column.heightForWidth(width))
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def text(self) -> str:
        """Return the words of the step."""
        return self._words.text()

    def point_at(self, target: QRect) -> None:
        """Move beside a rectangle of the window, to the first side that has room; of none, the
        middle of the window.
        """
        room = self.window().rect()
        places = {side: self._beside(side, target) for side in _SIDES}
        held = [side for side in _SIDES if room.contains(QRect(places[side], self.size()))]
        shifted = {side: _pushed_inside(QRect(places[side], self.size()), room) for side in _SIDES}
        free = [side for side in _SIDES if not self._covers(shifted[side], target)]
        side = next(iter((*held, *free)), "") if target.isValid() else ""
        box = shifted[side] if side else QRect(QPoint(), self.size())
        if not side:
            box.moveCenter(target.center() if target.isValid() else room.center())
        middle = target.center() - box.topLeft()
        along = middle.y() if side in ("left", "right") else middle.x()
        length = box.height() if side in ("left", "right") else box.width()
        least = _MARGIN + _ROUND + _POINTER
        tip = min(max(along, least), length - least)
        if (side, tip) != (self._side, self._tip):
            self._side, self._tip = side, tip
            self.update()
        if box.topLeft() != self.pos():
            self.move(box.topLeft())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint shadow, card and pointer."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        now = theme.current()
        outline = self._outline()
        shadow = QColor(0, 0, 0, 26 if now.name == "dark" else 12)
        for spread in range(_SHADOW, 0, -1):
            pen = QPen(shadow, 2 * spread)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.strokePath(outline.translated(0, 2), pen)
        painter.fillPath(outline, now.base)
        painter.strokePath(outline, QPen(now.accent, 1.5))

    def _outline(self) -> QPainterPath:
        card = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        path = QPainterPath()
        path.addRoundedRect(card, _ROUND, _ROUND)
        at, half = float(self._tip), float(_POINTER)
        corners = {
            "right": ((card.left() - half, at), (card.left() + 1, at - half), (0, 2 * half)),
            "left": ((card.right() + half, at), (card.right() - 1, at - half), (0, 2 * half)),
            "below": ((at, card.top() - half), (at - half, card.top() + 1), (2 * half, 0)),
            "above": ((at, card.bottom() + half), (at - half, card.bottom() - 1), (2 * half, 0)),
        }
        if self._side not in corners:
            return path
        tip, first, step = (QPointF(*pair) for pair in corners[self._side])
        pointer = QPainterPath(tip)
        pointer.lineTo(first)
        pointer.lineTo(first + step)
        pointer.closeSubpath()
        return path.united(pointer)

    def _beside(self, side: str, target: QRect) -> QPoint:
        """Return where the card's corner is on a side of the target."""
        wide, high = self.width(), self.height()
        middle = target.center()
        gap = _RING - _MARGIN + _POINTER + 2
        match side:
            case "right":
                return QPoint(target.right() + gap, middle.y() - high // 2)
            case "left":
                return QPoint(target.left() - gap - wide, middle.y() - high // 2)
            case "below":
                return QPoint(middle.x() - wide // 2, target.bottom() + gap)
            case _:
                return QPoint(middle.x() - wide // 2, target.top() - gap - high)

    @staticmethod
    def _covers(box: QRect, target: QRect) -> bool:
        card = box.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        return card.intersects(target)


class TourRing(QWidget):
    """A ring around what the tour points at; clicks go through it. It says nothing."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("tourRing")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def surround(self, target: QRect) -> None:
        """Move around a rectangle of the window; hide where there is none."""
        off = _RING + 3
        room = self.window().rect().adjusted(1, 1, -1, -1)
        box = target.adjusted(-off, -off, off, off).intersected(room)
        if target.isValid() and box != self.geometry():
            self.setGeometry(box)
        self.setVisible(target.isValid())

    def sizeHint(self) -> QSize:
        """Ask for nothing."""
        return QSize()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the ring, with a glow outside."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(theme.current().accent)
        box = QRectF(self.rect()).adjusted(4, 4, -4, -4)
        for width, alpha in ((8.0, 46), (5.0, 60), (2.0, 255)):
            colour.setAlpha(alpha)
            painter.setPen(QPen(colour, width))
            painter.drawRoundedRect(box, _ROUND, _ROUND)


def _pushed_inside(box: QRect, room: QRect) -> QRect:
    """Return a rectangle moved into another as far as it can be."""
    left = max(room.left(), min(box.left(), room.right() - box.width() + 1))
    top = max(room.top(), min(box.top(), room.bottom() - box.height() + 1))
    return QRect(QPoint(left, top), box.size())
