"""Make the controls on how a layer's maps are drawn, and read them as a look."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.bar_layout import BarLayout
from cnnviz_desktop.gui.controls import (
    ColormapPicker,
    Segments,
    Slide,
    fit_names,
    fix_size,
    named,
    push_button,
)
from cnnviz_desktop.gui.more_panel import MoreButton
from cnnviz_desktop.gui.tile_order import DEFAULT_TILE, LARGEST_TILE, SMALLEST_TILE, GridLook
from cnnviz_desktop.gui.view_settings import Control

_ORDERS = (
    ("energy", "Energy", "The largest mean square first; without ± that of what is above zero"),
    ("index", "Channel", "In the order of the layer's channels"),
    ("max", "Maximum", "The strongest single answer first"),
    ("mean", "Mean", "The largest mean first"),
    ("sparsity", "Sparsity", "The channels that are silent almost everywhere first"),
    (
        "selectivity",
        "Selectivity",
        "First the channels that add most to the predicted class: gradient × activation, summed "
        "over the map, is what its logit would lose without the channel",
    ),
    (
        "difference",
        "Difference",
        "First the channels in which the two pictures differ most; compare two with C",
    ),
)
_SCALES = (
    ("tile", "Tile", "Each tile's colours reach to its own maximum: see the shape of every map"),
    ("layer", "Layer", "All tiles share the layer's maximum: compare how strong maps are"),
    (
        "net",
        "Net",
        "One scale for all layers: it ends at the greatest value that any layer of the network "
        "gives for this picture, measured in one pass. Compare how strong layers are; raise faint "
        "ones with Gamma",
    ),
)
_SIDE_STEP = 0.05  # of a doubling: the slider goes by factors, as the wheel does


class MapBar(QObject):
    """The controls of the tab of feature maps, and what is in its More panel.

    Signals: `changed` by the person; `page_turned(bool)`; `compare_requested`.
    """

    changed = Signal()
    page_turned = Signal(bool)
    compare_requested = Signal()

    def __init__(self, bar: BarLayout, parent: QWidget) -> None:
        super().__init__(parent)
        self._make_bar()
        self._make_more()
        for widget in (
            self.search,
            self._order,
            self._scale,
            self._sign,
            self._gamma,
            self._size,
            self.page,
            self.more,
        ):
            bar.addWidget(widget)
        self.controls: dict[str, Control] = {
            "search": self.search,
            "order": self._order,
            "scale": self._scale,
            "signed": self._sign,
            "colours": self._colours,
            "gamma": self._gamma,
            "hide_silent": self._silent,
            "page": self.page,
            "overlay": self._overlay,
            "opacity": self._opacity,
        }
        self._connect()

    def look(self, net: float) -> GridLook:
        """Return what the controls say; `net` is where the scale of the net ends, 0 if unknown."""
        scale = self._scale.value()
        over = self._opacity.value() if self._overlay.isChecked() else 0.0
        return GridLook(
            order=self._order.currentData(),
            scale="net" if scale == "net" else "layer" if scale == "layer" else "tile",
            colormap=self._colours.currentText(),
            gamma=round(self._gamma.value(), 2),
            tile_side=self.tile_side(),
            signed=self._sign.isChecked(),
            hide_silent=self._silent.isChecked(),
            query=self.search.text(),
            overlay=round(over, 2),
            page=self.page.isChecked(),
            net=net if scale == "net" else 0.0,
        )

    def wants_net(self) -> bool:
        """Tell whether all layers are to share one scale."""
        return self._scale.value() == "net"

    def is_signed(self) -> bool:
        """Tell whether zero is in the middle of the colours."""
        return self._sign.isChecked()

    def tile_side(self) -> int:
        """Return the size of the tiles in pixels."""
        return self._side

    def set_tile_side(self, side: int) -> None:
        """Show the size that tiles have now, without a signal."""
        self._side = min(max(side, SMALLEST_TILE), LARGEST_TILE)
        self._size.set_value(math.log2(self._side))

    def follow_sign(self) -> None:
        """Offer the colour maps that fit the sign."""
        signed = self._sign.isChecked()
        self._colours.set_maps(style.SIGNED_MAPS if signed else style.SEQUENTIAL_MAPS)

    def toggle_overlay(self) -> None:
        """Lay the maps over the picture, or no longer."""
        self._overlay.click()

    def show_silent(self, count: int) -> None:
        """Say how many channels are silent."""
        said = f" ({labels.whole(count)} here)" if count else " (none here)"
        self._silent.setText(f"Hide silent channels{said}")

    def show_pictures(self, count: int, comparing: bool) -> None:
        """Say whether there is a second picture to compare with."""
        self._compare.setEnabled(count > 1)
        self._compare.setText("Stop comparing" if comparing else "Compare with another picture")
        self.show_use(comparing)

    def show_use(self, comparing: bool) -> None:
        """Show on the More button that something in its panel is on."""
        on = comparing or self._silent.isChecked() or self._overlay.isChecked()
        self.more.set_in_use(on)
        self._opacity.setEnabled(self._overlay.isChecked())

    def _make_bar(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText("Channel")
        self.search.setClearButtonEnabled(True)
        self.search.setAcceptDrops(False)
        fix_size(self.search, width=72)
        tip = "Show only these channels: 12, 40-47 (Ctrl+F)"
        named(self.search, "channelSearch", "Find channels", tip)
        self._order = QComboBox()
        self._order.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        named(self._order, "channelOrder", "Sort by", "Which maps come first")
        for value, text, tip in _ORDERS:
            self._order.addItem(theme.icon("sort"), text, value)
            self._order.setItemData(self._order.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        fit_names(self._order)
        self._scale = Segments(_SCALES, "mapScale", "Scale")
        self._sign = QPushButton("±")
        self._sign.setCheckable(True)
        fix_size(self._sign, width=32)
        tip = "Zero in the middle of the colours: negative values show, as before a ReLU"
        named(self._sign, "mapSign", "Show negative values", tip)
        tip = "Below 1 lifts faint values; zero stays where it is"
        self._gamma = Slide("Gamma", "mapGamma", tip, 0.3, 2.0, 0.1)
        self._gamma.set_value(style.GAMMA)
        low, high = math.log2(SMALLEST_TILE), math.log2(LARGEST_TILE)
        tip = "Size of the tiles (Ctrl+wheel at the mouse, + and −; 0 is the usual size)"
        self._size = Slide("", "tileSize", tip, low, high, _SIDE_STEP, numbered=False, icon="grid")
        self.set_tile_side(DEFAULT_TILE)
        for slide in (self._gamma, self._size):  # one row at 1280 pixels
            fix_size(slide.slider, least=32, most=160)
        self.page = QPushButton("8×8")
        self.page.setCheckable(True)
        fix_size(self.page, width=38)
        tip = (
            "The classic page: the first 64 channels in eight rows of eight, all in sight. Copy "
            "and Export give the same page (8)"
        )
        named(self.page, "pageOf64", "Page of 64 channels", tip)
        tip = "Colours, silent channels, maps over the picture, two pictures side by side"
        self.more = MoreButton("moreLook", tip)

    def _make_more(self) -> None:
        panel = self.more.panel
        self._colours = ColormapPicker(style.SEQUENTIAL_MAPS, "mapColours")
        self._silent = QCheckBox("Hide silent channels")
        tip = "Leave out channels that are zero everywhere on this picture; signed: exactly zero"
        named(self._silent, "hideSilent", "Hide silent channels", tip)
        self._overlay = QCheckBox("Lay maps over the picture")
        tip = "See where on the picture each channel answers; zero and below are clear (O)"
        named(self._overlay, "mapOverlay", "Lay maps over the picture", tip)
        tip = "How strongly the maps cover the picture"
        self._opacity = Slide("Opacity", "mapOpacity", tip, 0.05, 1.0, 0.05)
        self._opacity.set_value(0.75)
        self._opacity.setEnabled(False)
        indented = QWidget()
        row = QHBoxLayout(indented)
        row.setContentsMargins(theme.px(22), 0, 0, 0)
        row.addWidget(self._opacity)
        self._compare = push_button(
            "Compare with another picture",
            "compareMaps",
            "The same layer for two pictures side by side, and their difference (C)",
        )
        panel.add(self._colours)
        for widget in (self._silent, self._overlay, indented, self._compare):
            panel.add(widget)

    def _connect(self) -> None:
        self.search.textChanged.connect(self.changed)
        self._order.activated.connect(self.changed)
        self._scale.picked.connect(self.changed)
        self._sign.clicked.connect(self._changed_sign)
        self._colours.colormap_picked.connect(self.changed)
        self._gamma.moved.connect(self.changed)
        self._size.moved.connect(self._moved_size)
        self.page.clicked.connect(self._turned_page)
        self._silent.clicked.connect(self.changed)
        self._overlay.clicked.connect(self.changed)
        self._opacity.moved.connect(self.changed)
        self._compare.clicked.connect(self._asked_to_compare)

    def _changed_sign(self) -> None:
        self.follow_sign()
        self.changed.emit()

    def _moved_size(self, doublings: float) -> None:
        self._side = round(2**doublings)
        if self.page.isChecked():  # a page has the size of the canvas
            self.page.setChecked(False)
            self.page_turned.emit(False)
        self.changed.emit()

    def _turned_page(self, on: bool) -> None:
        self.page_turned.emit(on)
        self.changed.emit()

    def _asked_to_compare(self) -> None:
        self.more.panel.close()
        self.compare_requested.emit()
