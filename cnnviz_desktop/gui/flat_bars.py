"""Draw the words of bars flat: the titles of menus and the tabs of docks."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyleOptionMenuItem, QStyleOptionTab

_State = QStyle.StateFlag
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
