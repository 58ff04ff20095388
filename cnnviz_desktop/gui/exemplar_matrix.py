"""Show which classes the channels of a layer answer to: all against all, and two compared."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from cnnviz_desktop.data import ExemplarOverview, Floats
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.colour_bar import ColourBar
from cnnviz_desktop.gui.controls import ElidedCombo, Ground, Line, fix_size, label, named
from cnnviz_desktop.gui.dataset_rows import RowCanvas
from cnnviz_desktop.gui.qimages import qimage_of

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_NAMES = 64  # pixels for a channel's number
_WIDEST, _NARROWEST = 96, 14  # of a class's column
_LEVEL = 64  # pixels from which on a class's name is written level
_LIMIT = 3.0  # standard deviations that have the last colour, at most


class _ChannelRows(RowCanvas):
    """A row a channel, in an order."""

    def __init__(self, name: str, says: str, parent: QWidget | None = None) -> None:
        super().__init__(name, says, parent=parent)
        self._order: list[int] = []

    def channel(self) -> int:
        """Return the channel of the marked row, -1 for none."""
        return self._order[self._selected] if 0 <= self._selected < len(self._order) else -1

    def channel_of(self, row: int) -> int:
        """Return the channel of a row."""
        return self._order[row]

    def select(self, row: int) -> None:
        """Mark a row and say which channel it is, without a signal; -1 marks none."""
        super().select(row)
        known = self.told(row, QPoint()) or f"Channel {self._order[row]}" if row >= 0 else ""
        self.setAccessibleDescription(known)

    def mark(self, channel: int) -> None:
        """Mark a channel's row, without a signal."""
        self.select(self._order.index(channel) if channel in self._order else -1)

    def _take_order(self, order: list[int]) -> None:
        """Show channels in an order; the marked one stays marked."""
        chosen = self.channel()
        self._order = order
        self._selected = order.index(chosen) if chosen in order else -1
        self.set_count(len(order))
        self.select(self._selected)  # of which other things are said now


class ClassMatrix(_ChannelRows):
    """A row a channel and a column a class: how far the class lies apart (`classMatrix`)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("classMatrix", "Channels against classes", parent)
        self._found: ExemplarOverview | None = None
        self._target = -1
        self.limit = 1.0

    def show_rows(self, found: ExemplarOverview | None, order: list[int], target: int) -> None:
        """Show channels in an order; the column of the class `target` is marked."""
        self._found, self._target = found, target
        reach = float(np.abs(found.selectivity).max()) if found is not None else 1.0
        self.limit = min(_LIMIT, max(reach, 1e-6))
        self._take_order(order)

    def class_at(self, point: QPoint) -> int:
        """Return the class of the column at a point, -1 for none."""
        across = point.x() - theme.px(_NAMES) + self.horizontalScrollBar().value()
        place = across // self.column_width() if point.x() >= theme.px(_NAMES) else -1
        return place if 0 <= place < self._classes() else -1

    def column_width(self) -> int:
        """Return the width of a class's column."""
        room = self.viewport().width() - theme.px(_NAMES) - 8
        wide = room // max(1, self._classes())
        return max(theme.px(_NARROWEST), min(theme.px(_WIDEST), wide))

    def wanted_width(self) -> int:
        """Return the width of all columns."""
        return theme.px(_NAMES) + self._classes() * self.column_width() + 8

    def head_height(self) -> int:
        """Return the room for the classes' names, level or upright."""
        return theme.px(24) if self.column_width() >= theme.px(_LEVEL) else theme.px(112)

    def paint_head(self, painter: QPainter, box: QRect) -> None:
        """Write the classes' names above their columns."""
        if self._found is None:
            return
        now, wide, names = theme.current(), self.column_width(), theme.px(_NAMES)
        painter.setFont(theme.font("caption"))
        metrics = painter.fontMetrics()
        painter.setPen(now.muted)
        painter.drawText(QRect(16, 0, names - 16, box.height()), _LEFT, "Channel")
        painter.save()
        painter.setClipRect(box.adjusted(names, 0, 0, 0))
        level = box.height() < theme.px(60)
        for place, name in enumerate(self._found.classes):
            left = names + place * wide - self.horizontalScrollBar().value()
            if left + wide < names or left > box.width():
                continue
            painter.setPen(now.accent if place == self._target else now.text)
            if level:
                text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, wide - 6)
                room = QRect(left, 0, wide - 4, box.height())
                painter.drawText(room, Qt.AlignmentFlag.AlignCenter, text)
                continue
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, box.height() - 10)
            painter.save()
            painter.translate(left + wide // 2, box.height() - 6)
            painter.rotate(-90)
            painter.drawText(QRect(0, -wide // 2, box.height() - 8, wide), _LEFT, text)
            painter.restore()
        painter.restore()

    def paint_rows(self, painter: QPainter, rows: range) -> None:
        """Paint the colours of all rows as one picture, and their numbers beside it."""
        if self._found is None or not rows:
            return
        now, names = theme.current(), theme.px(_NAMES)
        channels = [self._order[row] for row in rows]
        values = self._found.selectivity[channels]
        image = qimage_of(pixels.colour(values, style.SIGNED, self.limit, signed=True))
        first, high = self.row_rect(rows.start), self.row_height()
        left = names - self.horizontalScrollBar().value()
        wide = self._classes() * self.column_width()
        painter.save()
        painter.setClipRect(QRect(names, 0, self.viewport().width(), self.viewport().height()))
        painter.drawImage(QRect(left, first.top(), wide, high * len(rows)), image)
        painter.restore()
        for row in rows:
            box = self.row_rect(row)
            chosen = row == self._selected
            painter.setFont(theme.font("strong" if chosen else "secondary"))
            painter.setPen(now.on_selection if chosen else now.text)
            painter.drawText(box.adjusted(16, 0, 0, 0), _LEFT, str(self._order[row]))
            painter.fillRect(0, box.bottom(), self.viewport().width(), 1, now.base)
            if chosen:
                painter.fillRect(0, box.top(), self.viewport().width(), 2, now.accent)
                painter.fillRect(0, box.bottom() - 1, self.viewport().width(), 2, now.accent)

    def told(self, row: int, point: QPoint) -> str:
        """Say a channel's numbers for a class."""
        place, found = self.class_at(point), self._found
        if found is None or place < 0:
            return ""
        channel = self._order[row]
        apart, mean = float(found.selectivity[channel, place]), found.means[channel, place]
        side = "below" if apart < 0 else "above"
        return (
            f"Channel {channel} and {found.classes[place]}\n"
            f"{labels.value(abs(apart))} standard deviations {side} all others\n"
            f"mean {labels.value(float(mean))}, {int(found.strongest[channel, place])} of its "
            "strongest pictures\nDouble-click opens the unit's card."
        )

    def _classes(self) -> int:
        return len(self._found.classes) if self._found is not None else 0


class PairBars(_ChannelRows):
    """By how much each channel answers more to one class than to another (`pairBars`)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("pairBars", "Channels that tell two classes apart", parent)
        self._differences: Floats | None = None
        self._names = ("", "")

    def show_pair(self, found: ExemplarOverview | None, one: int, other: int) -> None:
        """Show the channels, those first that answer to the first class more."""
        order: list[int] = []
        self._differences = None
        if found is not None:
            self._names = found.classes[one], found.classes[other]
            self._differences = found.between(one, other)
            order = np.argsort(-self._differences, kind="stable").tolist()
        self._take_order(order)

    def paint_head(self, painter: QPainter, box: QRect) -> None:
        """Say which side is which class."""
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.current().muted)
        metrics, names = painter.fontMetrics(), theme.px(_NAMES)
        half = (box.width() - names) // 2 - 10
        cut = Qt.TextElideMode.ElideRight
        room = half - metrics.horizontalAdvance("←  ")
        left = metrics.elidedText(self._names[1], cut, room)
        right = metrics.elidedText(self._names[0], cut, room)
        painter.drawText(QRect(16, 0, names, box.height()), _LEFT, "Channel")
        place = QRect(names, 0, half, box.height())
        painter.drawText(place, _RIGHT, f"← {left}" if left else "")
        place.moveLeft(names + half + 20)
        painter.drawText(place, _LEFT, f"{right} →" if right else "")

    def paint_row(self, painter: QPainter, row: int, box: QRect) -> None:
        """Paint a bar from the middle to the side of the class that is answered to more."""
        if self._differences is None:
            return
        now, chosen = theme.current(), row == self._selected
        channel = self._order[row]
        value = float(self._differences[channel])
        reach = max(float(np.abs(self._differences).max()), 1e-30)
        painter.setFont(theme.font("strong" if chosen else "secondary"))
        painter.setPen(now.on_selection if chosen else now.text)
        painter.drawText(box.adjusted(16, 0, 0, 0), _LEFT, str(channel))
        names = theme.px(_NAMES)
        half = (box.width() - names) // 2 - theme.px(56)
        middle = names + (box.width() - names) // 2
        wide = round(half * abs(value) / reach)
        top, high = box.top() + 5, box.height() - 11
        painter.setFont(theme.font("caption"))
        said, room = labels.value(value), theme.px(52)
        if value >= 0:
            painter.fillRect(middle, top, wide, high, now.accent)
            painter.drawText(QRect(middle + wide + 4, box.top(), room, box.height()), _LEFT, said)
        else:
            painter.fillRect(middle - wide, top, wide, high, now.dead)
            place = QRect(middle - wide - 4 - room, box.top(), room, box.height())
            painter.drawText(place, _RIGHT, said)
        painter.fillRect(middle, box.top(), 1, box.height(), now.border)

    def told(self, row: int, point: QPoint) -> str:
        """Say it in words."""
        if self._differences is None:
            return ""
        value = float(self._differences[self._order[row]])
        more, less = self._names if value >= 0 else self._names[::-1]
        return (
            f"Channel {self._order[row]}: its mean is {labels.value(abs(value))} higher for "
            f"{more} than for {less}.\nDouble-click opens the unit's card."
        )


class ClassesPage(QWidget):
    """Channels against classes at the left, two classes compared at the right.

    Signals: `picked` (channel); `opened` (channel).
    """

    picked = Signal(int)
    opened = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: ExemplarOverview | None = None
        self.matrix = ClassMatrix()
        self.bars = PairBars()
        self._scale = ColourBar()
        self.one, self.other = ElidedCombo(), ElidedCombo()
        named(self.one, "pairFirst", "First class", "Channels that answer to it more come first")
        named(self.other, "pairSecond", "Second class", "Compared with the first")
        for combo in (self.one, self.other):
            combo.setMaxVisibleItems(24)
            fix_size(combo, least=104)
            adjust = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            combo.setSizeAdjustPolicy(adjust)
            combo.activated.connect(self._compare)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setObjectName("classesSplitter")
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(self._left())
        split.addWidget(self._right())
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setSizes([560, 340])
        split.setFocusProxy(self.matrix)
        self.setFocusProxy(self.matrix)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(split, 1)
        for canvas in (self.matrix, self.bars):
            canvas.picked.connect(self._picked)
            canvas.opened.connect(self._opened)

    def show_rows(self, found: ExemplarOverview | None, order: list[int], target: int) -> None:
        """Show channels in an order, and compare the two classes that are chosen."""
        before, self._found = self._found, found
        self.matrix.show_rows(found, order, target)
        self._scale.show_scale(style.SIGNED, -self.matrix.limit, self.matrix.limit)
        if found is not None and (before is None or before.classes != found.classes):
            self._offer(found)
        self._compare()

    def mark(self, channel: int) -> None:
        """Mark a channel in both, without a signal."""
        self.matrix.mark(channel)
        self.bars.mark(channel)

    def _offer(self, found: ExemplarOverview) -> None:
        for place, combo in enumerate((self.one, self.other)):
            kept = combo.currentText()
            combo.clear()
            combo.addItems(list(found.classes))
            usual = min(place, len(found.classes) - 1)
            combo.setCurrentIndex(combo.findText(kept) if kept in found.classes else usual)

    def _compare(self) -> None:
        one, other = self.one.currentIndex(), self.other.currentIndex()
        several = self._found is not None and len(self._found.classes) > 1
        self.bars.show_pair(self._found if several else None, max(0, one), max(0, other))

    def _left(self) -> QWidget:
        ground = Ground(QPalette.ColorRole.Base)
        column = QVBoxLayout(ground)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.matrix, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 4, 16, 4)
        words = "Standard deviations above the other classes"
        said = labels.ElidedLabel(words, role="caption", muted=True)
        foot.addWidget(said, 2)
        fix_size(self._scale, most=220)
        foot.addWidget(self._scale, 1)
        column.addWidget(Line())
        column.addLayout(foot)
        return ground

    def _right(self) -> QWidget:
        ground = Ground(QPalette.ColorRole.Base)
        head = QHBoxLayout()
        head.setContentsMargins(12, 6, 12, 6)
        head.setSpacing(8)
        head.addWidget(self.one, 1)
        head.addWidget(label("against", muted=True))
        head.addWidget(self.other, 1)
        column = QVBoxLayout(ground)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(Line())
        column.addWidget(self.bars, 1)
        return ground

    def _picked(self, row: int) -> None:
        canvas = self.sender()
        channel = (self.bars if canvas is self.bars else self.matrix).channel_of(row)
        self.mark(channel)
        self.picked.emit(channel)

    def _opened(self, row: int) -> None:
        canvas = self.sender()
        self.opened.emit((self.bars if canvas is self.bars else self.matrix).channel_of(row))
