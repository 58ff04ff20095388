"""Draw bars flat: the titles of menus, the tabs of docks, scroll bars."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyleOptionMenuItem, QStyleOptionSlider, QStyleOptionTab

_State = QStyle.StateFlag
_Sub = QStyle.SubControl
_Role = QPalette.ColorRole


def draw_menu_title(option: QStyleOptionMenuItem, painter: QPainter) -> None:
    """Draw the title of a menu, on the selection's ground while it is open or pointed at."""
    chosen = bool(option.state & _State.State_Selected) and bool(
        option.state & _State.State_Enabled
    )
    painter.save()
    painter.fillRect(option.rect, option.palette.color(_Role.Highlight if chosen else _Role.Window))
    painter.setPen(option.palette.color(_Role.HighlightedText if chosen else _Role.WindowText))
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextHideMnemonic
    painter.drawText(option.rect, int(flags), option.text)
    painter.restore()


def draw_tab_shape(option: QStyleOptionTab, painter: QPainter) -> None:
    """Draw a tab as the tabs of the centre: a line of accent below the one in view."""
    painter.fillRect(option.rect, option.palette.color(_Role.Window))
    if option.state & _State.State_Selected:
        box = option.rect
        line = QRect(box.left() + 2, box.bottom() - 2, box.width() - 4, 3)
        painter.fillRect(line, option.palette.color(_Role.Accent))


def scroll_bar_part(option: QStyleOptionSlider, part: QStyle.SubControl) -> QRect:
    """Return where a part of a scroll bar lies; there are no arrows."""
    room = option.rect
    across = option.orientation == Qt.Orientation.Horizontal
    length = room.width() if across else room.height()
    span = option.maximum - option.minimum
    size = length
    if span > 0:
        page = max(option.pageStep, 1)
        size = max(min(32, length), round(length * page / (span + page)))
    start = QStyle.sliderPositionFromValue(
        option.minimum, option.maximum, option.sliderPosition, length - size, option.upsideDown
    )
    spans = {
        _Sub.SC_ScrollBarGroove: (0, length),
        _Sub.SC_ScrollBarSlider: (start, size),
        _Sub.SC_ScrollBarSubPage: (0, start),
        _Sub.SC_ScrollBarAddPage: (start + size, length - start - size),
    }
    if part not in spans:
        return QRect()
    first, extent = spans[part]
    if across:
        return QRect(room.left() + first, room.top(), extent, room.height())
    return QRect(room.left(), room.top() + first, room.width(), extent)


def draw_scroll_bar(option: QStyleOptionSlider, painter: QPainter, handle: QRect) -> None:
    """Draw a rounded bar on the ground beneath."""
    if option.maximum <= option.minimum:
        return
    active = bool(option.state & (_State.State_MouseOver | _State.State_Sunken))
    inset = 2.5 if active else 3.5
    painter.setPen(Qt.PenStyle.NoPen)
    colour = QColor(option.palette.color(_Role.Dark))
    colour.setAlphaF(1.0 if active else 0.75)
    painter.setBrush(colour)
    bar = QRectF(handle).adjusted(inset, inset, -inset, -inset)
    reach = min(bar.width(), bar.height()) / 2
    painter.drawRoundedRect(bar, reach, reach)
