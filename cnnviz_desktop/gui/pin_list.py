"""List the pinned units: each with the bar of its colour and the first line of its note.

They stay while pictures, layers and networks change: those of another network stand below.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import label, named
from cnnviz_desktop.gui.marks import Pin, Place, UnitNote
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.model_names import short_name

_PLACE = Qt.ItemDataRole.UserRole
_OWN = Qt.ItemDataRole.UserRole + 3
_COLOUR = Qt.ItemDataRole.UserRole + 1
_NOTE = Qt.ItemDataRole.UserRole + 2
_ROW = 40
_MOST_ROWS = 6  # in sight; the list scrolls beyond


class PinList(QWidget):
    """The pinned units of all networks, the present one's first. Signals: `chosen` (`Place`)."""

    chosen = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "pinnedUnits", "Pinned units")
        self._session = session
        self._count = label("", "secondary", muted=True)
        self._list = _Rows()
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(label("Pinned units", "strong"))
        head.addWidget(self._count)
        head.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._list)
        self._list.itemClicked.connect(self._chose)
        self._list.itemActivated.connect(self._chose)
        session.marks.pins_changed.connect(self._fill)
        session.marks.notes_changed.connect(self._fill)
        session.unit_picked.connect(self._mark)
        self._fill()

    def changeEvent(self, event: QEvent) -> None:
        """Be as high as the rows are with another font."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._fill()
        super().changeEvent(event)

    def _fill(self) -> None:
        """List the pins; nothing is shown where there is none."""
        own = self._session.marks.pins()
        pins = [*own, *self._session.marks.other_pins()]
        self.setVisible(bool(pins))
        self._count.setText(str(len(pins)))
        while self._list.count() > len(pins):
            self._list.takeItem(self._list.count() - 1)
        while self._list.count() < len(pins):
            self._list.addItem(QListWidgetItem())
        for row, pin in enumerate(pins):
            self._show_pin(self._list.item(row), pin, own=row < len(own))
        self._list.setFixedHeight(theme.px(_ROW) * min(_MOST_ROWS, len(pins)))
        self._mark()

    def _show_pin(self, item: QListWidgetItem, pin: Pin, own: bool) -> None:
        unit, network = pin.place.unit, short_name(pin.place.origin.name)
        note = self._session.marks.all_notes.get(pin.place, UnitNote())
        first = next((line for line in note.text.splitlines() if line.strip()), "")
        said = (first, ", ".join(note.tags), "" if own else f"of {network}")
        says = f" {labels.DOT} ".join(part for part in said if part)
        name = f"{unit.layer} {labels.DOT} {unit.channel}"
        item.setText(name)
        item.setData(_PLACE, pin.place)
        item.setData(_OWN, own)
        item.setData(_COLOUR, pin.colour)
        item.setData(_NOTE, says or "no note yet")
        step = "Click goes there; P takes the pin off."
        if not own:
            step = f"Click loads {network} and goes there."
        item.setToolTip(f"{name}\n{says or 'No note yet'}\n{step}")
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{name}, {says or 'no note yet'}")

    def _mark(self) -> None:
        unit, origin = self._session.unit, self._session.marks.origin
        here = Place(origin, unit) if unit is not None and origin is not None else None
        rows = range(self._list.count())
        row = next((row for row in rows if self._list.item(row).data(_PLACE) == here), -1)
        self._list.setCurrentRow(row if here is not None else -1)

    def _chose(self, item: QListWidgetItem) -> None:
        place = item.data(_PLACE)
        if isinstance(place, Place):
            self.chosen.emit(place)


class _Rows(QListWidget):
    """The rows; Enter and a click go to the unit."""

    def __init__(self) -> None:
        super().__init__()
        named(self, "pinList", "Pinned units")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setItemDelegate(_PinRow(self))
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the unit with Enter."""
        item = self.currentItem()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and item is not None:
            self.itemActivated.emit(item)
        else:
            super().keyPressEvent(event)


class _PinRow(QStyledItemDelegate):
    """Paint one pin: the bar, the unit, what was written about it."""

    def sizeHint(
        self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Ask for two lines."""
        return QSize(theme.px(120), theme.px(_ROW))

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint the row."""
        now, box = theme.current(), option.rect
        current = bool(option.state & QStyle.StateFlag.State_Selected)
        if current:
            painter.fillRect(box, now.selection)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, now.window)
        bar = QRect(box.left(), box.top() + 3, theme.px(4), box.height() - 6)
        painter.fillRect(bar, QColor(style.PINS[int(index.data(_COLOUR)) % len(style.PINS)]))
        left = bar.right() + theme.px(9)
        room = QRect(left, box.top() + theme.px(3), box.right() - left - 4, box.height() // 2)
        strong, small = theme.font("strong"), theme.font("secondary")
        middle = Qt.TextElideMode.ElideMiddle
        painter.setFont(strong)
        text = now.text if index.data(_OWN) else now.muted
        painter.setPen(now.on_selection if current else text)
        name = QFontMetrics(strong).elidedText(str(index.data()), middle, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, name)
        room.moveTop(room.bottom() - theme.px(3))
        painter.setFont(small)
        painter.setPen(now.on_selection if current else now.muted)
        right = Qt.TextElideMode.ElideRight
        says = QFontMetrics(small).elidedText(str(index.data(_NOTE)), right, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, says)
