"""Show the kernels a layer has learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QSpinBox, QWidget

from cnnviz_desktop.data import FilterBank, Pixels
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.colour_bar import ScaleFoot
from cnnviz_desktop.gui.controls import ColormapPicker, Line, Segments, label, named
from cnnviz_desktop.gui.picture_view import PictureView
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import FILTERS, Session
from cnnviz_desktop.gui.work import Answer

_SCALES = (
    ("tile", "Filter", "Each filter's greys reach to its own largest weight"),
    ("layer", "Layer", "All filters share the layer's largest weight: compare how strong they are"),
)
_MAPS = (style.KERNELS, *style.SIGNED_MAPS)
_MOST = 1024  # filters on the sheet; the figure that Export writes can have more


class FiltersView(ResultView):
    """The kernels on one sheet: in colour over three inputs, else one input's, or a matrix."""

    tab = FILTERS
    draws = (FilterBank,)
    needs_image = False

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._bank: FilterBank | None = None
        self.view = PictureView()
        named(self.view, "filterSheet", "Filters", "Wheel zooms, drag moves, 0 fits")
        self.view.set_empty_text("No kernels yet.", "Pick a convolution in the tree.")
        self._scale = Segments(_SCALES, "kernelScale", "Scale")
        self._colours = ColormapPicker(_MAPS, "kernelColours")
        self._caption = label("Input", muted=True)
        self._input = QSpinBox()
        self._input.setMinimum(-1)
        self._input.setSpecialValueText("Mean of all")
        self._input.setMinimumWidth(theme.px(110))
        named(
            self._input,
            "kernelInput",
            "Input channel",
            "Which input channel's kernels are shown; the mean of all hides what they disagree on",
        )
        self._foot = ScaleFoot("kernelValue", "Filter under the mouse")
        for widget in (self._scale, self._colours, self._caption, self._input):
            self.bar.addWidget(widget)
        self.canvas.addWidget(self.view, 1)
        self.canvas.addWidget(Line())
        self.canvas.addWidget(self._foot)
        self._columns = 1
        self.controls = {"scale": self._scale, "colours": self._colours, "input": self._input}
        self._scale.picked.connect(self._redraw)
        self._colours.colormap_picked.connect(self._redraw)
        self._input.valueChanged.connect(self._redraw)
        self.view.hovered.connect(self._hovered)

    def show_answer(self, answer: Answer) -> None:
        """Show a layer's kernels."""
        if isinstance(answer.result, FilterBank):
            self._bank = answer.result
            self._input.blockSignals(True)
            self._input.setMaximum(answer.result.values.shape[1] - 1)
            self._input.setValue(min(0, self._input.maximum()))
            self._input.blockSignals(False)
            self.view.set_name(self.file_stem())
            self._redraw()

    def forget(self) -> None:
        """Show no kernels."""
        self._bank = None
        self.view.show_pixels(None)
        self._foot.point_at("")

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Draw the kernels as a session kept it."""
        super().set_view_settings(values)
        self._redraw()

    def title(self) -> tuple[str, str]:
        """Return the layer and the size of its kernels."""
        answer = self.answer()
        if answer is None or self._bank is None:
            return self.session.layer(self.tab) or self.tab, ""
        count, inputs, height, width = self._bank.values.shape
        node = answer.model.layers.find(self._bank.layer)
        size = f"{labels.whole(count)} filters of {inputs}×{height}×{width}"
        groups = f"{self._bank.groups} groups" if self._bank.groups > 1 else ""
        return self._bank.layer, middle(node.kind if node else "", size, groups)

    def look(self) -> dict[str, Any]:
        """Return colour map and scale."""
        return {"colormap": self._colours.currentText(), "scale": self._scale.value()}

    def picture(self) -> QImage | None:
        """Return the sheet."""
        return self.view.image()

    @property
    def _in_colour(self) -> bool:
        return self._bank is not None and self._bank.values.shape[1] == 3

    @property
    def _is_matrix(self) -> bool:
        return self._bank is not None and self._bank.values.shape[2:] == (1, 1)

    def _redraw(self) -> None:
        if self._bank is None:
            return
        choosing = not self._in_colour and not self._is_matrix and not self._bank.spectrum
        self._input.setVisible(choosing)
        self._caption.setVisible(choosing)
        self._colours.setEnabled(not self._in_colour)
        self.view.show_pixels(self._sheet(self._bank))
        self._explain_colours(self._bank)

    def _explain_colours(self, bank: FilterBank) -> None:
        """Say below the sheet what its colours mean."""
        if bank.spectrum:
            self._foot.show_note("Gain by frequency; zero in the middle, half a cycle at the rim")
            return
        if self._in_colour:
            self._foot.show_note("Weights on red, green and blue as colours; mid-grey is zero")
            return
        self._foot.show_note("")
        high = float(np.abs(bank.values).max(initial=0))
        note = "" if self._scale.value() == "layer" else "each filter's largest weight"
        self._foot.bar.show_scale(self._colours.currentText(), -high, high, note=note)

    def _sheet(self, bank: FilterBank) -> Pixels:
        """Lay the kernels out on one sheet, one pixel of ground between."""
        scale: pixels.Scale = "layer" if self._scale.value() == "layer" else "tile"
        name = self._colours.currentText()
        values = bank.values[:_MOST]
        ground = theme.current().canvas
        rgb = (ground.red(), ground.green(), ground.blue())
        if self._is_matrix:
            matrix = values[:, :, 0, 0]
            limit = float(np.abs(matrix).max(initial=0))
            if scale == "layer":
                return pixels.colour(matrix, name, limit, signed=True)
            return pixels.tiles(matrix[:, None], name, signed=True)[:, 0]
        count = len(values)
        ratio = max(0.5, self.view.width() / max(1, self.view.height()))
        self._columns = max(1, min(count, round((count * ratio) ** 0.5)))
        if self._in_colour:
            tiles = pixels.rgb_kernels(values, scale=scale)
            return pixels.sheet(tiles, self._columns, ground=rgb)
        chosen = self._input.value()
        if bank.spectrum:
            gains = values[:, 0]
            return pixels.mosaic(gains, self._columns, style.SEQUENTIAL, scale=scale, ground=rgb)
        slices = values.mean(axis=1) if chosen < 0 else values[:, chosen]
        return pixels.mosaic(slices, self._columns, name, scale=scale, signed=True, ground=rgb)

    def _hovered(self, row: int, column: int) -> None:
        """Say which filter is under the mouse."""
        if self._bank is None or row < 0:
            self._foot.point_at("")
            return
        count, _inputs, height, width = self._bank.values.shape
        if self._is_matrix:
            value = labels.value(float(self._bank.values[row, column, 0, 0]))
            filter_ = (self._bank.order or range(count))[row]
            self._foot.point_at(f"filter {filter_}, input {column}: {value}")
            return
        index = row // (height + 1) * self._columns + column // (width + 1)
        inside = column // (width + 1) < self._columns and index < min(count, _MOST)
        order = self._bank.order or range(count)
        self._foot.point_at(f"filter {order[index]}" if inside else "")
