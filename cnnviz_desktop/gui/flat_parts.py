"""Draw the parts of flat controls: grounds, outlines, ticks, chevrons, knobs, bars."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import (
    QAbstractButton,
    QPushButton,
    QStyle,
    QStyleOption,
    QStyleOptionButton,
    QStyleOptionMenuItem,
    QStyleOptionProgressBar,
    QStyleOptionSlider,
    QToolButton,
    QWidget,
)

_RADIUS = 4.0
_HANDLE = 7.0  # radius of a slider's knob

_State = QStyle.StateFlag
_Sub = QStyle.SubControl
_Role = QPalette.ColorRole


def has(option: QStyleOption, flag: QStyle.StateFlag) -> bool:
    """Tell whether a control is in a state."""
    return bool(option.state & flag)


def _colour(option: QStyleOption, role: QPalette.ColorRole) -> QColor:
    return option.palette.color(role)


def _outline(
    option: QStyleOption,
    painter: QPainter,
    ground: QColor,
    line: QColor,
    joined: tuple[bool, bool] = (False, False),
) -> None:
    """Draw a rounded ground with a line; 2 px of accent where the focus is.

    On a side that is joined to a neighbour the corners are square, and the line is drawn once.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    focus = has(option, _State.State_HasFocus) and has(option, _State.State_Enabled)
    width = 2.0 if focus else 1.0
    painter.setPen(QPen(_colour(option, _Role.Accent) if focus else line, width))
    painter.setBrush(ground)
    inset = width / 2
    box = QRectF(option.rect).adjusted(inset, inset, -inset, -inset)
    if not focus and any(joined):
        painter.setClipRect(option.rect)
        box.adjust(-10 if joined[0] else 0, 0, 10 if joined[1] else 0, 0)
    painter.drawRoundedRect(box, _RADIUS - inset + 0.5, _RADIUS - inset + 0.5)
    if not focus and joined[0]:
        left = option.rect.left()
        painter.fillRect(QRectF(left, option.rect.top(), 1, option.rect.height()), line)
    painter.restore()


def _joined(widget: QWidget | None) -> tuple[bool, bool]:
    """Tell at which sides a button of an exclusive group touches another: a segmented control."""
    if not isinstance(widget, QAbstractButton):
        return (False, False)
    group = widget.group()
    if group is None or not group.exclusive():
        return (False, False)
    box = widget.geometry()
    others = [other.geometry() for other in group.buttons() if other is not widget]
    others = [other for other in others if other.top() == box.top()]
    left = any(other.right() + 1 == box.left() for other in others)
    return (left, any(other.left() == box.right() + 1 for other in others))


def _line(option: QStyleOption) -> QColor:
    """Return the outline colour of a field, fainter when disabled."""
    return _colour(option, _Role.Dark if has(option, _State.State_Enabled) else _Role.Mid)


def draw_field(option: QStyleOption, painter: QPainter) -> None:
    """Draw the ground and outline of a field one types or picks in."""
    ground = _Role.Base if has(option, _State.State_Enabled) else _Role.Window
    _outline(option, painter, _colour(option, ground), _line(option))


def _is_primary(option: QStyleOption, widget: QWidget | None) -> bool:
    primary = widget is not None and bool(widget.property("primary"))
    return primary and has(option, _State.State_Enabled)


def _draw_button(option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
    """Draw a push button: plain, checked, or filled with the accent when primary."""
    flat = isinstance(option, QStyleOptionButton) and bool(
        option.features & QStyleOptionButton.ButtonFeature.Flat
    )
    if flat:
        return
    line = _line(option)
    if _is_primary(option, widget):
        ground = _colour(option, _Role.Accent)
        if has(option, _State.State_Sunken):
            ground = ground.darker(115)
        elif has(option, _State.State_MouseOver):
            ground = ground.lighter(108)
        _outline(option, painter, ground, ground)
        if has(option, _State.State_HasFocus):
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(_colour(option, _Role.BrightText), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(option.rect).adjusted(2.5, 2.5, -2.5, -2.5), 2.5, 2.5)
            painter.restore()
        return
    if not has(option, _State.State_Enabled):
        ground = _colour(option, _Role.Window)
    elif has(option, _State.State_On):
        ground = _colour(option, _Role.Highlight)
    elif has(option, _State.State_Sunken):
        ground = _colour(option, _Role.Mid)
    elif has(option, _State.State_MouseOver):
        ground = _colour(option, _Role.Window)
    else:
        ground = _colour(option, _Role.Base)
    _outline(option, painter, ground, line, _joined(widget))


def _draw_tool_button(option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
    """Draw a tool button: outlined, or bare until it is hovered, pressed or checked."""
    bare = has(option, _State.State_AutoRaise)
    none = QColor(Qt.GlobalColor.transparent)
    ground, line = (none, none) if bare else (_colour(option, _Role.Base), _line(option))
    if has(option, _State.State_On):
        ground = _colour(option, _Role.Highlight)
    elif has(option, _State.State_Enabled) and has(option, _State.State_Sunken):
        ground = _colour(option, _Role.Mid)
    elif has(option, _State.State_Enabled) and has(option, _State.State_MouseOver):
        ground = _colour(option, _Role.Window if not bare else _Role.Mid)
    _outline(option, painter, ground, line, (False, False) if bare else _joined(widget))


def labelled(option: QStyleOptionButton, widget: QWidget | None) -> QStyleOptionButton:
    """Return the option with the text in the colour that suits the button's ground."""
    role = None
    if _is_primary(option, widget):
        role = _Role.BrightText
    elif option.features & QStyleOptionButton.ButtonFeature.Flat:
        role = _Role.Link
    elif has(option, _State.State_On):
        role = _Role.HighlightedText
    if role is None or not has(option, _State.State_Enabled):
        return option
    changed = QStyleOptionButton(option)
    palette = QPalette(option.palette)
    palette.setColor(_Role.ButtonText, palette.color(role))
    changed.palette = palette
    return changed


def _draw_line_edit(option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
    """Draw a line edit; one inside a spin or combo box has no frame of its own."""
    inside = (
        widget is not None
        and widget.inherits("QLineEdit")
        and (getattr(option, "lineWidth", 1) <= 0)
    )
    if not inside:
        draw_field(option, painter)


def _draw_check(option: QStyleOption, painter: QPainter, _widget: QWidget | None) -> None:
    """Draw a check box: outlined, or filled with the accent and ticked."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    enabled = has(option, _State.State_Enabled)
    on = has(option, _State.State_On)
    some = has(option, _State.State_NoChange)
    box = QRectF(option.rect).adjusted(0.5, 0.5, -0.5, -0.5)
    fill = _colour(option, _Role.Accent if enabled else _Role.Dark)
    painter.setPen(QPen(fill if on or some else _line(option), 1))
    painter.setBrush(fill if on or some else _colour(option, _Role.Base))
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(
        QPen(
            _colour(option, _Role.BrightText),
            1.75,
            Qt.PenStyle.SolidLine,
            Qt.PenCapStyle.RoundCap,
            Qt.PenJoinStyle.RoundJoin,
        )
    )
    unit = option.rect.width() / 16
    corner = QPointF(option.rect.topLeft())
    if on:
        ticks = [(4.5, 8.25), (7.0, 10.75), (11.5, 5.25)]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF([corner + QPointF(x, y) * unit for x, y in ticks]))
    elif some:
        painter.drawLine(corner + QPointF(4.5, 8) * unit, corner + QPointF(11.5, 8) * unit)
    painter.restore()


def _draw_radio(option: QStyleOption, painter: QPainter, _widget: QWidget | None) -> None:
    """Draw a radio button: a ring, filled with the accent around a dot when on."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    on = has(option, _State.State_On)
    fill = _colour(option, _Role.Accent if has(option, _State.State_Enabled) else _Role.Dark)
    painter.setPen(QPen(fill if on else _line(option), 1))
    painter.setBrush(fill if on else _colour(option, _Role.Base))
    box = QRectF(option.rect)
    reach = min(box.width(), box.height()) / 2 - 0.5
    painter.drawEllipse(box.center(), reach, reach)
    if on:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_colour(option, _Role.BrightText))
        painter.drawEllipse(box.center(), 0.4 * reach, 0.4 * reach)
    painter.restore()


def is_separator(option: QStyleOptionMenuItem) -> bool:
    """Tell whether a menu's entry is a line between others."""
    return option.menuItemType == QStyleOptionMenuItem.MenuItemType.Separator


def draw_menu_ground(
    option: QStyleOptionMenuItem, painter: QPainter
) -> QStyleOptionMenuItem | None:
    """Draw a menu entry's ground; return what is left to draw, None for a separator."""
    if is_separator(option) and not option.text:
        y = option.rect.center().y()
        line = QRect(option.rect.left() + 8, y, option.rect.width() - 16, 1)
        painter.fillRect(line, _colour(option, _Role.Mid))
        return None
    chosen = has(option, _State.State_Selected) and has(option, _State.State_Enabled)
    if not chosen:
        return option
    painter.fillRect(option.rect, _colour(option, _Role.Highlight))
    plain = QStyleOptionMenuItem(option)
    plain.state = option.state & ~_State.State_Selected
    palette = QPalette(option.palette)
    for role in (_Role.Text, _Role.ButtonText, _Role.WindowText):
        palette.setColor(role, palette.color(_Role.HighlightedText))
    plain.palette = palette
    return plain


def _draw_focus(option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
    """Draw where the keyboard is: 2 px of accent, where the control has not drawn it itself."""
    drawn = ("QComboBox", "QLineEdit", "QAbstractSpinBox", "QTreeView", "QListView", "QTableView")
    if widget is not None and any(widget.inherits(kind) for kind in drawn):
        return
    panels = (_State.State_On, _State.State_Sunken, _State.State_MouseOver)
    if isinstance(widget, QToolButton) and (
        not widget.autoRaise() or any(has(option, state) for state in panels)
    ):
        return  # its ground is drawn, and the focus with it
    flat = isinstance(widget, QPushButton) and widget.isFlat()
    if widget is not None and widget.inherits("QPushButton") and not flat:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(_colour(option, _Role.Accent), 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(option.rect).adjusted(1, 1, -1, -1), 3, 3)
    painter.restore()


def draw_chevron(
    centre: QPointF, reach: float, down: bool, option: QStyleOption, painter: QPainter
) -> None:
    """Draw a small v, upright or upside down."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    enabled = has(option, _State.State_Enabled)
    colour = _colour(option, _Role.PlaceholderText if enabled else _Role.Mid)
    style, cap = Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap
    painter.setPen(QPen(colour, 1.5, style, cap, Qt.PenJoinStyle.RoundJoin))
    rise = reach / 2 if down else -reach / 2
    points = [QPointF(-reach, -rise), QPointF(0, rise), QPointF(reach, -rise)]
    painter.drawPolyline(QPolygonF([centre + point for point in points]))
    painter.restore()


def draw_progress(option: QStyleOptionProgressBar, painter: QPainter) -> None:
    """Draw a bar of 6 px at most; a run of unknown length is a pale accent."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    tall = min(6.0, option.rect.height())
    bar = QRectF(option.rect)
    bar = QRectF(bar.left(), bar.center().y() - tall / 2, bar.width(), tall)
    unknown = option.maximum <= option.minimum
    painter.setBrush(_colour(option, _Role.Highlight if unknown else _Role.Mid))
    painter.drawRoundedRect(bar, tall / 2, tall / 2)
    if not unknown:
        share = (option.progress - option.minimum) / (option.maximum - option.minimum)
        if share > 0:
            bar.setWidth(max(tall, bar.width() * min(1.0, share)))
            painter.setBrush(_colour(option, _Role.Accent))
            painter.drawRoundedRect(bar, tall / 2, tall / 2)
    painter.restore()


def draw_slider(option: QStyleOptionSlider, painter: QPainter, handle: QRect) -> None:
    """Draw a thin line, accent up to the knob, and the knob as a ring."""
    enabled = has(option, _State.State_Enabled)
    accent = _colour(option, _Role.Accent if enabled else _Role.Mid)
    centre, room = QRectF(handle).center(), QRectF(option.rect)
    rest, done = QRectF(room), QRectF(room)
    if option.orientation == Qt.Orientation.Horizontal:
        rest = QRectF(room.left(), centre.y() - 1, room.width(), 2)
        done = QRectF(rest.left(), rest.top(), centre.x() - rest.left(), 2)
        if option.upsideDown:
            done = QRectF(centre.x(), rest.top(), rest.right() - centre.x(), 2)
    else:
        rest = QRectF(centre.x() - 1, room.top(), 2, room.height())
        done = QRectF(rest.left(), rest.top(), 2, centre.y() - rest.top())
    painter.fillRect(rest, _colour(option, _Role.Mid))
    painter.fillRect(done, accent)
    focus = has(option, _State.State_HasFocus) and enabled
    painter.setPen(QPen(accent, 2.5 if focus else 1.75))
    painter.setBrush(_colour(option, _Role.Base))
    reach = _HANDLE if focus or option.activeSubControls & _Sub.SC_SliderHandle else _HANDLE - 1.25
    painter.drawEllipse(centre, reach, reach)


def _draw_arrow(
    down: bool, option: QStyleOption, painter: QPainter, widget: QWidget | None
) -> None:
    """Draw the mark of a menu; Fusion hangs a tool button's below its text."""
    centre = QRectF(option.rect).center()
    if isinstance(widget, QToolButton):
        centre.setY(widget.rect().center().y() + 1)
    draw_chevron(centre, 3.0, down, option, painter)


def _draw_menu_panel(option: QStyleOption, painter: QPainter, _widget: QWidget | None) -> None:
    """Draw a menu's ground and outline."""
    painter.fillRect(option.rect, _colour(option, _Role.Dark))
    painter.fillRect(option.rect.adjusted(1, 1, -1, -1), _colour(option, _Role.Base))


def _draw_frame(option: QStyleOption, painter: QPainter, widget: QWidget | None) -> None:
    """Draw the line around a list or a text; one that is typed into looks like any field."""
    if widget is not None and widget.inherits("QPlainTextEdit"):
        draw_field(option, painter)
        return
    painter.setPen(QPen(_colour(option, _Role.Mid), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(QRectF(option.rect).adjusted(0.5, 0.5, -0.5, -0.5))


_Primitive = QStyle.PrimitiveElement
# What FlatStyle draws instead of Fusion.
PRIMITIVES: dict[
    QStyle.PrimitiveElement, Callable[[QStyleOption, QPainter, QWidget | None], None]
] = {
    _Primitive.PE_PanelButtonCommand: _draw_button,
    _Primitive.PE_PanelButtonTool: _draw_tool_button,
    _Primitive.PE_PanelLineEdit: _draw_line_edit,
    _Primitive.PE_FrameLineEdit: _draw_line_edit,
    _Primitive.PE_IndicatorCheckBox: _draw_check,
    _Primitive.PE_IndicatorItemViewItemCheck: _draw_check,
    _Primitive.PE_IndicatorRadioButton: _draw_radio,
    _Primitive.PE_IndicatorArrowDown: partial(_draw_arrow, True),
    _Primitive.PE_IndicatorArrowUp: partial(_draw_arrow, False),
    _Primitive.PE_FrameFocusRect: _draw_focus,
    _Primitive.PE_PanelMenu: _draw_menu_panel,
    _Primitive.PE_Frame: _draw_frame,
}
