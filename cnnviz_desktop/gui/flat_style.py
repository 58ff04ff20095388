"""Draw Fusion's controls flat: one line, one ground, radius 4, everything from the palette.

Fusion supplies layout, behaviour and whatever is not drawn here. A `primary` property on a
QPushButton fills it with the accent: set it where there is something to do, with `set_primary`.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QProxyStyle,
    QPushButton,
    QStyle,
    QStyleOption,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QStyleOptionComplex,
    QStyleOptionFrame,
    QStyleOptionMenuItem,
    QStyleOptionProgressBar,
    QStyleOptionSlider,
    QStyleOptionSpinBox,
    QStyleOptionTab,
    QWidget,
)

from cnnviz_desktop.gui.flat_bars import (
    draw_menu_title,
    draw_scroll_bar,
    draw_tab_shape,
    scroll_bar_part,
)
from cnnviz_desktop.gui.flat_parts import (
    PRIMITIVES,
    draw_chevron,
    draw_field,
    draw_menu_ground,
    draw_progress,
    draw_slider,
    is_separator,
    labelled,
)

_FIELD = 28  # the height of fields and buttons with 13 px text
_SCROLL_BAR = 12
_INSET = 4  # beside Fusion's own margin of 4, before a field's text
_SIGN, _BODY = 16, 13  # the side of icons and ticks beside text of 13 px

_State = QStyle.StateFlag
_Primitive = QStyle.PrimitiveElement
_Control = QStyle.ControlElement
_Complex = QStyle.ComplexControl
_Sub = QStyle.SubControl
_Metric = QStyle.PixelMetric
_Role = QPalette.ColorRole

_SIZES = {
    _Metric.PM_ScrollBarExtent: _SCROLL_BAR,
    _Metric.PM_ScrollBarSliderMin: 32,
    _Metric.PM_ScrollView_ScrollBarSpacing: 0,
    _Metric.PM_SliderLength: 16,
    _Metric.PM_SliderThickness: 20,
    _Metric.PM_SliderControlThickness: 16,
    _Metric.PM_CheckBoxLabelSpacing: 8,
    _Metric.PM_SplitterWidth: 1,
    _Metric.PM_DockWidgetSeparatorExtent: 1,
    _Metric.PM_ButtonShiftHorizontal: 0,
    _Metric.PM_ButtonShiftVertical: 0,
    _Metric.PM_ToolBarFrameWidth: 0,
    _Metric.PM_HeaderMargin: 8,
    _Metric.PM_MenuPanelWidth: 1,
    _Metric.PM_MenuVMargin: 4,
}
_SIGNS = {
    _Metric.PM_ButtonIconSize,
    _Metric.PM_SmallIconSize,
    _Metric.PM_IndicatorWidth,
    _Metric.PM_IndicatorHeight,
    _Metric.PM_ExclusiveIndicatorWidth,
    _Metric.PM_ExclusiveIndicatorHeight,
}
_LEFT_OUT = (
    _Primitive.PE_FrameMenu,  # the panel has drawn it
    _Primitive.PE_FrameTabBarBase,
    _Primitive.PE_FrameStatusBarItem,
)


def set_primary(button: QPushButton, on: bool) -> None:
    """Fill a button with the accent, or make it plain again."""
    if bool(button.property("primary")) != on:
        button.setProperty("primary", on)
        button.update()


class FlatStyle(QProxyStyle):
    """Fusion without gradients, frames in frames and shadows."""

    def __init__(self) -> None:
        super().__init__("Fusion")

    def drawPrimitive(
        self,
        element: QStyle.PrimitiveElement,
        option: QStyleOption,
        painter: QPainter,
        widget: QWidget | None = None,
    ) -> None:
        """Draw grounds, outlines and ticks."""
        draw = PRIMITIVES.get(element)
        if draw is not None:
            draw(option, painter, widget)
        elif element not in _LEFT_OUT:
            super().drawPrimitive(element, option, painter, widget)

    def drawControl(
        self,
        element: QStyle.ControlElement,
        option: QStyleOption,
        painter: QPainter,
        widget: QWidget | None = None,
    ) -> None:
        """Draw button texts, progress bars, table heads, menu titles, tabs and splitters."""
        match element:
            case _Control.CE_PushButtonLabel if isinstance(option, QStyleOptionButton):
                super().drawControl(element, labelled(option, widget), painter, widget)
            case _Control.CE_ProgressBar if isinstance(option, QStyleOptionProgressBar):
                if option.textVisible:
                    super().drawControl(element, option, painter, widget)
                else:
                    draw_progress(option, painter)
            case _Control.CE_HeaderSection | _Control.CE_HeaderEmptyArea:
                painter.fillRect(option.rect, option.palette.color(_Role.Base))
                line = QRect(option.rect.left(), option.rect.bottom(), option.rect.width(), 1)
                painter.fillRect(line, option.palette.color(_Role.Mid))
            case _Control.CE_MenuItem if isinstance(option, QStyleOptionMenuItem):
                plain = draw_menu_ground(option, painter)
                if plain is not None:
                    super().drawControl(element, plain, painter, widget)
            case _Control.CE_MenuBarItem if isinstance(option, QStyleOptionMenuItem):
                draw_menu_title(option, painter)
            case _Control.CE_TabBarTabShape if isinstance(option, QStyleOptionTab):
                draw_tab_shape(option, painter)
            case _Control.CE_Splitter:
                painter.fillRect(option.rect, option.palette.color(_Role.Mid))
            case _:
                super().drawControl(element, option, painter, widget)

    def drawComplexControl(
        self,
        control: QStyle.ComplexControl,
        option: QStyleOptionComplex,
        painter: QPainter,
        widget: QWidget | None = None,
    ) -> None:
        """Draw combo boxes, spin boxes, sliders and scroll bars."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if control == _Complex.CC_ComboBox and isinstance(option, QStyleOptionComboBox):
            draw_field(option, painter)
            arrow = self.subControlRect(control, option, _Sub.SC_ComboBoxArrow, widget)
            draw_chevron(QPointF(arrow.center()) + QPointF(0, 0.5), 3.5, True, option, painter)
        elif control == _Complex.CC_SpinBox and isinstance(option, QStyleOptionSpinBox):
            self._draw_spin_box(option, painter, widget)
        elif control == _Complex.CC_Slider and isinstance(option, QStyleOptionSlider):
            handle = self.subControlRect(control, option, _Sub.SC_SliderHandle, widget)
            draw_slider(option, painter, handle)
        elif control == _Complex.CC_ScrollBar and isinstance(option, QStyleOptionSlider):
            handle = self.subControlRect(control, option, _Sub.SC_ScrollBarSlider, widget)
            draw_scroll_bar(option, painter, handle)
        else:
            super().drawComplexControl(control, option, painter, widget)
        painter.restore()

    def subControlRect(
        self,
        control: QStyle.ComplexControl,
        option: QStyleOptionComplex,
        part: QStyle.SubControl,
        widget: QWidget | None = None,
    ) -> QRect:
        """Give scroll bars no arrows, and combo boxes the left margin of line edits."""
        if control == _Complex.CC_ScrollBar and isinstance(option, QStyleOptionSlider):
            return scroll_bar_part(option, part)
        place = super().subControlRect(control, option, part, widget)  # type: ignore[arg-type]
        fields = (
            (_Complex.CC_ComboBox, _Sub.SC_ComboBoxEditField),
            (_Complex.CC_SpinBox, _Sub.SC_SpinBoxEditField),
        )
        if (control, part) in fields:  # the parts of other controls have the same numbers
            place.adjust(_INSET, 0, 0, 0)
        return place

    def subElementRect(
        self,
        element: QStyle.SubElement,
        option: QStyleOption,
        widget: QWidget | None = None,
    ) -> QRect:
        """Begin the text of a field 8 px in."""
        place = super().subElementRect(element, option, widget)  # type: ignore[arg-type]
        framed = isinstance(option, QStyleOptionFrame) and option.lineWidth > 0
        if element == QStyle.SubElement.SE_LineEditContents and framed:
            place.adjust(_INSET + 1, 0, -_INSET, 0)
        return place

    def sizeFromContents(
        self,
        kind: QStyle.ContentsType,
        option: QStyleOption,
        size: QSize,
        widget: QWidget | None = None,
    ) -> QSize:
        """Make all fields and buttons of one height."""
        made = super().sizeFromContents(kind, option, size, widget)  # type: ignore[arg-type]
        types = QStyle.ContentsType
        if kind in (
            types.CT_PushButton,
            types.CT_ComboBox,
            types.CT_LineEdit,
            types.CT_SpinBox,
        ) or (kind == types.CT_ToolButton and not option.state & _State.State_AutoRaise):
            made.setHeight(max(_FIELD, option.fontMetrics.height() + 12))
        elif kind == types.CT_TabBarTab:
            made.setHeight(max(36, option.fontMetrics.height() + 20))
        elif kind == types.CT_MenuBarItem:
            made = QSize(made.width() + 4, max(_FIELD, option.fontMetrics.height() + 12))
        elif isinstance(option, QStyleOptionMenuItem) and is_separator(option):
            made.setHeight(9)
        elif kind in (types.CT_ItemViewItem, types.CT_MenuItem):
            made.setHeight(max(made.height(), option.fontMetrics.height() + 8))
        return made

    def pixelMetric(
        self,
        metric: QStyle.PixelMetric,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
    ) -> int:
        """Keep to the grid of 4."""
        in_view = widget is not None and widget.inherits("QAbstractItemView")
        if metric == _Metric.PM_FocusFrameHMargin and in_view:
            return 7  # the text of cells begins 8 px in, below that of its field or caption
        if metric in _SIZES:
            return _SIZES[metric]
        if metric in _SIGNS:
            return round(_SIGN * max(QApplication.font().pixelSize(), 1) / _BODY)
        return super().pixelMetric(metric, option, widget)

    def styleHint(
        self,
        hint: QStyle.StyleHint,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
        _data: object = None,
    ) -> int:
        """Jump to a clicked place on sliders; show combo lists below their field."""
        if hint == QStyle.StyleHint.SH_Slider_AbsoluteSetButtons:
            return int(Qt.MouseButton.LeftButton.value)
        hints = QStyle.StyleHint
        if hint in (
            hints.SH_ComboBox_Popup,
            hints.SH_EtchDisabledText,
            hints.SH_UnderlineShortcut,
            hints.SH_DialogButtonBox_ButtonsHaveIcons,
        ):
            return 0
        return super().styleHint(hint, option, widget, None)

    def _draw_spin_box(
        self, option: QStyleOptionSpinBox, painter: QPainter, widget: QWidget | None
    ) -> None:
        """Draw a field with two small chevrons."""
        draw_field(option, painter)
        if option.buttonSymbols == option.buttonSymbols.NoButtons:
            return
        for part, down in ((_Sub.SC_SpinBoxUp, False), (_Sub.SC_SpinBoxDown, True)):
            place = self.subControlRect(_Complex.CC_SpinBox, option, part, widget)
            if option.activeSubControls & part and option.state & _State.State_MouseOver:
                painter.fillRect(place.adjusted(0, 1, -1, 0), option.palette.color(_Role.Midlight))
            draw_chevron(QRectF(place).center(), 2.75, down, option, painter)
