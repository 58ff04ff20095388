"""Show a layer's maps as tiles, with the bar on how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QWidget

from cnnviz_desktop.data import Activation
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import (
    ColormapPicker,
    Segments,
    Slide,
    fix_size,
    icon_button,
    named,
)
from cnnviz_desktop.gui.feature_grid import FeatureGrid, GridLook
from cnnviz_desktop.gui.map_inspector import MapInspector
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import FEATURE_MAPS, Session, Unit
from cnnviz_desktop.gui.tile_order import statistics
from cnnviz_desktop.gui.work import Answer

_ORDERS = (
    ("energy", "Energy", "The largest mean square first"),
    ("index", "Channel", "In the order of the layer's channels"),
    ("max", "Maximum", "The strongest single answer first"),
    ("mean", "Mean", "The largest mean first"),
    ("sparsity", "Sparsity", "The channels that are silent almost everywhere first"),
)
_SCALES = (
    ("tile", "Tile", "Each tile's colours reach to its own maximum: see the shape of every map"),
    ("layer", "Layer", "All tiles share the layer's maximum: compare how strong maps are"),
)


class FeatureMapsView(ResultView):
    """The tiles, the bar and the inspector below.

    Signals: `unit_hovered` (channel, row, column), all -1 when the mouse left.
    """

    tab = FEATURE_MAPS
    unit_hovered = Signal(int, int, int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._activation: Activation | None = None
        self.grid = FeatureGrid()
        self.inspector = MapInspector()
        self._fill_bar()
        self._redraw()
        self.canvas.addWidget(self.grid, 1)
        self.canvas.addWidget(self.inspector)
        self.grid.unit_picked.connect(self._picked_unit)
        self.grid.unit_opened.connect(self._opened_unit)
        self.grid.hovered.connect(self._hovered)
        self.grid.tile_side_changed.connect(self._resized_tiles)
        self.grid.pin_requested.connect(self._pin)
        session.marks.pins_changed.connect(self._show_pins)
        session.unit_picked.connect(self._show_unit)

    def show_answer(self, answer: Answer) -> None:
        """Show a layer's maps."""
        if not isinstance(answer.result, Activation):
            return
        self._activation = answer.result
        self.grid.show_maps(answer.result)
        self._show_pins()
        self.inspector.show_maps(answer.result, answer.image)
        if self.session.unit is None and self.grid.shown():
            strongest = statistics(answer.result).strongest()
            self.session.pick_unit(Unit(answer.result.layer, strongest))
        else:
            self._show_unit(self.session.unit)

    def forget(self) -> None:
        """Show no maps."""
        self._activation = None
        self.grid.show_maps(None)
        self.inspector.show_maps(None, None)

    def view_settings(self) -> dict[str, Any]:
        """Return how the maps are drawn."""
        return {**super().view_settings(), "full": self.grid.full_size()}

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Draw the maps as a session kept it."""
        super().set_view_settings(values)
        self._changed_sign(self._sign.isChecked())
        super().set_view_settings(values)  # the colour map among those that are offered now
        self._redraw()
        self.grid.show_full_size(values.get("full") is True)

    def title(self) -> tuple[str, str]:
        """Return the layer, and what it gave for which picture."""
        answer = self.answer()
        if answer is None or self._activation is None:
            return self.session.layer(self.tab) or self.tab, ""
        node = answer.model.layers.find(self._activation.layer)
        channels, height, width = self._activation.values.shape
        maps = f"{labels.whole(channels)} map{'s' if channels != 1 else ''} of {height}×{width}"
        name = answer.image.name if answer.image else ""
        return self._activation.layer, middle(node.kind if node else "", maps, name)

    def look(self) -> dict[str, Any]:
        """Return colour map, scale, sign and gamma."""
        look = self.grid.look()
        return {
            "colormap": look.map_name,
            "scale": look.scale,
            "signed": look.signed,
            "gamma": look.gamma,
        }

    def picture(self) -> QImage | None:
        """Return the tiles in sight."""
        return self.grid.viewport().grab().toImage() if self._activation is not None else None

    def focus_search(self) -> None:
        """Let the person type a channel."""
        self._search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._search.selectAll()

    def _fill_bar(self) -> None:
        self._search = QLineEdit()
        self._search.setPlaceholderText("Channel")
        self._search.setClearButtonEnabled(True)
        fix_size(self._search, width=72)
        named(
            self._search,
            "channelSearch",
            "Find channels",
            "Show only these channels: 12, 40-47 (Ctrl+F)",
        )
        self._order = QComboBox()
        self._order.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        named(self._order, "channelOrder", "Sort by", "Which maps come first")
        for value, text, tip in _ORDERS:
            self._order.addItem(theme.icon("sort"), text, value)
            self._order.setItemData(self._order.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._scale = Segments(_SCALES, "mapScale", "Scale")
        self._sign = QPushButton("±")
        self._sign.setCheckable(True)
        fix_size(self._sign, width=32)
        named(
            self._sign,
            "mapSign",
            "Show negative values",
            "Zero in the middle of the colours: negative values show, as before a ReLU",
        )
        self._colours = ColormapPicker(style.SEQUENTIAL_MAPS, "mapColours")
        tip = "Below 1 lifts faint values; zero stays where it is"
        self._gamma = Slide("Gamma", "mapGamma", tip, 0.3, 2.0, 0.1)
        self._gamma.set_value(style.GAMMA)
        self._silent = icon_button(
            "eye-off", "hideSilent", "Hide silent channels", "Leave out channels that are zero here"
        )
        self._silent.setCheckable(True)
        tip = "Size of the tiles (Ctrl+wheel)"
        self._size = Slide("", "tileSize", tip, 48, 256, 2, numbered=False, icon="grid")
        self._size.set_value(self.grid.look().tile_side)
        look = (self._search, self._order, self._scale, self._sign, self._colours, self._gamma)
        for widget in (*look, self._size, self._silent):
            self.bar.addWidget(widget)
        self.controls = {
            "search": self._search,
            "order": self._order,
            "scale": self._scale,
            "signed": self._sign,
            "colours": self._colours,
            "gamma": self._gamma,
            "hide_silent": self._silent,
            "tile_side": self._size,
        }
        self._search.textChanged.connect(self._redraw)
        self._order.activated.connect(self._redraw)
        self._scale.picked.connect(self._redraw)
        self._sign.clicked.connect(self._changed_sign)
        self._colours.colormap_picked.connect(self._redraw)
        self._gamma.moved.connect(self._redraw)
        self._silent.clicked.connect(self._redraw)
        self._size.moved.connect(self._redraw)

    def _changed_sign(self, signed: bool) -> None:
        self._colours.set_maps(style.SIGNED_MAPS if signed else style.SEQUENTIAL_MAPS)
        self._redraw()

    def _redraw(self) -> None:
        """Draw the maps as the bar says."""
        look = GridLook(
            order=self._order.currentData(),
            scale="layer" if self._scale.value() == "layer" else "tile",
            colormap=self._colours.currentText(),
            gamma=round(self._gamma.value(), 2),
            tile_side=round(self._size.value()),
            signed=self._sign.isChecked(),
            hide_silent=self._silent.isChecked(),
            query=self._search.text(),
        )
        self.grid.set_look(look)
        self.inspector.set_look(look)

    def _resized_tiles(self, side: int) -> None:
        self._size.set_value(side)
        self.grid.set_look(replace(self.grid.look(), tile_side=side))

    def _picked_unit(self, channel: int) -> None:
        if self._activation is not None:
            self.session.pick_unit(Unit(self._activation.layer, channel))

    def _opened_unit(self, _channel: int) -> None:
        self.grid.show_full_size(True)

    def _pin(self, channel: int) -> None:
        if self._activation is not None:
            self.session.marks.toggle_pin(Unit(self._activation.layer, channel))

    def _show_pins(self) -> None:
        """Mark the pinned channels of the layer in sight."""
        layer = self._activation.layer if self._activation is not None else ""
        pins = [pin for pin in self.session.marks.pins() if pin.place.unit.layer == layer]
        colours = {pin.place.unit.channel: pin.colour % len(style.PINS) for pin in pins}
        self.grid.set_pins({channel: QColor(style.PINS[c]) for channel, c in colours.items()})

    def _show_unit(self, unit: Unit | None) -> None:
        shown = self._activation is not None and unit is not None
        channel = unit.channel if unit and self._activation_of(unit) and shown else -1
        if channel != self.grid.selected():
            self.grid.select(channel)
        self.inspector.show_channel(channel)

    def _activation_of(self, unit: Unit) -> bool:
        return self._activation is not None and self._activation.layer == unit.layer

    def _hovered(self, channel: int, row: int, column: int) -> None:
        self.inspector.point_at(channel, row, column)
        self.unit_hovered.emit(channel, row, column)
