"""Make the controls on how explanations are drawn, and read them as a look."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QMenu,
    QPushButton,
    QSizePolicy,
    QStyleOptionToolButton,
    QToolButton,
    QWidget,
)

from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.heat import HeatLook, Mode
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.bar_layout import BarLayout
from cnnviz_desktop.gui.controls import ColormapPicker, Segments, Slide, fix_size, named
from cnnviz_desktop.gui.more_panel import MoreButton
from cnnviz_desktop.gui.view_settings import Control

_MODES = (
    (
        "overlay",
        "Overlay",
        "Heat on the picture: it grows with the value, zero and below are clear",
    ),
    ("heat", "Heat", "The map alone, where it lies on the picture"),
    ("masked", "Masked", "The picture where the map is above the threshold"),
    ("contour", "Contour", "Lines at a quarter, half and three quarters of the maximum"),
    ("colours", "Colours", "What each colour channel of the input says; zero is grey"),
)
_SCALES = (
    ("tile", "Own", "Each map's colours reach to its own maximum: see the shape of every map"),
    ("layer", "Shared", "One scale for all maps: compare how strong they are"),
)
_PADDING, _ARROW = 10, 16  # of the button with a menu: beside its words, and for its arrow
_OVERLAYS = (style.OVERLAY, *(name for name in style.SEQUENTIAL_MAPS if name != style.OVERLAY))


class ExplainBar(QObject):
    """The controls of the tab that explains.

    What is signed is remembered apart for maps of the input, which usually are, and of layers.
    Signals: `changed` by the person; `compare_requested` ("methods", "layers" or "classes").
    """

    changed = Signal()
    compare_requested = Signal(str)

    def __init__(self, bar: BarLayout, parent: QWidget) -> None:
        super().__init__(parent)
        self._of_input = False
        self._signs = {False: False, True: True}  # by whether it is a map of the input
        self._make()
        for widget in (
            self._mode,
            self._sign,
            self._scale,
            self._more,
            self._compare,
            self.opacity,
            self.threshold,
        ):
            bar.addWidget(widget)
        self.controls: dict[str, Control] = {
            "mode": self._mode,
            "colours": self._colours,
            "signed": self._sign,
            "opacity": self.opacity,
            "threshold": self.threshold,
            "scale": self._scale,
            "cells": self._cells,
            "box": self._box,
        }
        self.show_kind(of_input=False, signed=True, colours=False, several=False)

    def look(self) -> HeatLook:
        """Return what the controls say."""
        return HeatLook(
            mode=self._mode_now(),
            colormap=self._colours.currentText(),
            opacity=round(self.opacity.value(), 2),
            threshold=round(self.threshold.value(), 2),
            signed=self._sign.isChecked() and self._sign.isEnabled(),
            smooth=not self._cells.isChecked(),
        )

    def options(self) -> dict[str, Any]:
        """Return what the controls say, as options of a plate."""
        look = self.look()
        return {
            "mode": look.mode,
            "colormap": look.colormap,
            "signed": look.signed,
            "opacity": look.opacity,
            "threshold": look.threshold,
            "cells": not look.smooth,
            "box": self.boxed(),
            **({"scale": "layer"} if self.shared() else {}),
        }

    def shared(self) -> bool:
        """Tell whether all maps have one scale."""
        return self._scale.value() == "layer" and self._several

    def boxed(self) -> bool:
        """Tell whether what is hot is outlined."""
        return self._box.isChecked()

    def show_kind(self, *, of_input: bool, signed: bool, colours: bool, several: bool) -> None:
        """Offer what fits the maps, and remember the sign apart for maps of the input."""
        self._has_colours, self._several = colours, several
        self._mode.show_option("colours", colours)
        self._scale.setVisible(several)
        if of_input != self._of_input:
            self._signs[self._of_input] = self._sign.isChecked()
            self._of_input = of_input
            self._sign.setChecked(self._signs[of_input])
        self._sign.setEnabled(signed)
        self.follow()

    def follow(self) -> None:
        """Enable what plays a part, and offer the colour maps that fit the sign."""
        look = self.look()
        self.opacity.setEnabled(look.mode == "overlay")
        self.threshold.setEnabled(look.mode != "colours")
        self._colours.setEnabled(look.mode not in ("masked", "colours"))
        self._colours.set_maps(style.SIGNED_MAPS if look.signed else _OVERLAYS)
        self._more.set_in_use(self._cells.isChecked() or self._box.isChecked())

    def _mode_now(self) -> Mode:
        """Return the mode, overlay in place of channels that a map does not have."""
        match self._mode.value():
            case "heat":
                return "heat"
            case "masked":
                return "masked"
            case "contour":
                return "contour"
            case "colours" if self._has_colours:
                return "colours"
            case _:
                return "overlay"

    def _make(self) -> None:
        self._has_colours = self._several = False
        self._mode = Segments(_MODES, "heatMode", "How the map is shown")
        self._colours = ColormapPicker(_OVERLAYS, "heatColours")
        self._sign = QPushButton("±")
        self._sign.setCheckable(True)
        fix_size(self._sign, width=32)
        tip = "Zero in the middle of the colours: what speaks against the class shows as well"
        named(self._sign, "heatSign", "Show what speaks against the class", tip)
        tip = "How strongly the heat covers the picture"
        self.opacity = Slide("Opacity", "heatOpacity", tip, 0.0, 1.0, 0.05)
        self.opacity.set_value(0.75)
        tip = "Leave out what is below this share of the map's maximum"
        self.threshold = Slide("Threshold", "heatThreshold", tip, 0.0, 0.95, 0.05)
        self._scale = Segments(_SCALES, "heatScale", "Scale")
        self._more = MoreButton("moreHeat", "Colours, the hot region's box, cells as squares")
        self._box = QCheckBox("Outline the hot region")
        tip = (
            "A box around what is connected to the maximum and above the threshold, or above half "
            "of the maximum where the threshold is 0; its place is said below"
        )
        named(self._box, "heatBox", "Outline the hot region", tip)
        self._cells = QCheckBox("Cells as squares")
        tip = "One square for each value of the layer, rather than smooth between them"
        named(self._cells, "heatCells", "Cells as squares", tip)
        self._more.panel.add(self._colours)
        for widget in (self._box, self._cells):
            self._more.panel.add(widget)
            widget.clicked.connect(self._changed)
        self._compare = self._make_compare()
        self._mode.picked.connect(self._changed)
        self._colours.colormap_picked.connect(self._changed)
        self._sign.clicked.connect(self._changed)
        self.opacity.moved.connect(self._changed)
        self.threshold.moved.connect(self._changed)
        self._scale.picked.connect(self._changed)

    def _make_compare(self) -> QToolButton:
        """Make the button whose menu puts several maps side by side."""
        button = _MenuButton("Compare")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        tip = "Several maps of this picture side by side, zoomed and pointed at as one"
        named(button, "compareHeat", "Compare maps", tip)
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        for value, text, tip in (
            ("classes", "Likeliest classes", "The same method for the four likeliest classes"),
            ("methods", "Methods", "The same class by several quick methods"),
            ("layers", "Layers", "The same method at the end of every stage of the network"),
        ):
            action = menu.addAction(text)
            action.setObjectName(f"compareHeat_{value}")
            action.setData(value)
            action.setToolTip(tip)
        menu.triggered.connect(self._asked)
        button.setMenu(menu)
        return button

    def _asked(self, action: QAction) -> None:
        self.compare_requested.emit(str(action.data()))

    def _changed(self) -> None:
        self.follow()
        self.changed.emit()


class _MenuButton(QToolButton):
    """A button with words and the arrow of its menu. It says nothing of its own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setText(text)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Ask for the words and the arrow."""
        words = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(words + 2 * theme.px(_PADDING) + theme.px(_ARROW), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Keep the words whole."""
        return self.sizeHint()

    def initStyleOption(self, option: QStyleOptionToolButton) -> None:
        """Leave words and arrow out: the style puts them in each other's way."""
        super().initStyleOption(option)
        option.features &= ~QStyleOptionToolButton.ToolButtonFeature.HasMenu
        option.text = ""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the button, its words, and its arrow as that of a list."""
        super().paintEvent(event)
        side, ratio = theme.px(12), self.devicePixelRatioF()
        arrow = theme.icon_pixmap("chevron-down", "muted", side, ratio)
        painter, padding = QPainter(self), theme.px(_PADDING)
        painter.setPen(self.palette().color(QPalette.ColorRole.ButtonText))
        room = self.rect().adjusted(padding, 0, -theme.px(_ARROW), 0)
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(room, flags, self.text())
        painter.drawPixmap(self.width() - side - theme.px(7), (self.height() - side) // 2, arrow)
