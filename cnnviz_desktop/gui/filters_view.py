"""Show the kernels a layer has learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QSpinBox, QWidget

from cnnviz_desktop.data import FilterBank
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.colour_bar import ScaleFoot
from cnnviz_desktop.gui.controls import ColormapPicker, Line, Segments, fix_size, label, named
from cnnviz_desktop.gui.kernel_sheet import KernelSheet, Layout, SheetLook
from cnnviz_desktop.gui.picture_view import PictureView
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import FILTERS, Session
from cnnviz_desktop.gui.work import Answer

_SCALES = (
    ("tile", "Filter", "Each filter's greys reach to its own largest weight"),
    ("layer", "Layer", "All filters share the layer's largest weight: compare how strong they are"),
)
_LAYOUTS = (
    ("table", "Table", "A row for each filter, a column for each of its input channels"),
    ("one", "One input", "A tile for each filter: its kernel over one input channel"),
)
_READABLE = 6  # screen pixels a weight, below which a table is shown in part
_MAPS = (style.KERNELS, *style.SIGNED_MAPS)


class FiltersView(ResultView):
    """The kernels on one sheet: in colour over three inputs, else a table of filters by inputs."""

    tab = FILTERS
    draws = (FilterBank,)
    needs_image = False

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._sheet: KernelSheet | None = None
        self._bank: FilterBank | None = None
        self.view = PictureView()
        named(self.view, "filterSheet", "Filters", "Wheel zooms, drag moves, 0 fits")
        self.view.set_empty_text("No kernels yet.", "Pick a convolution in the tree.")
        self._scale = Segments(_SCALES, "kernelScale", "Scale")
        self._layout = Segments(_LAYOUTS, "kernelLayout", "Layout")
        self._colours = ColormapPicker(_MAPS, "kernelColours")
        self._caption = label("Input", muted=True)
        self._input = QSpinBox()
        self._input.setMinimum(-1)
        self._input.setSpecialValueText("Mean of all")
        fix_size(self._input, least=110)
        named(
            self._input,
            "kernelInput",
            "Input channel",
            "Which input channel's kernels are shown; the mean of all hides what they disagree on",
        )
        self._foot = ScaleFoot("kernelValue", "Filter under the mouse")
        for widget in (self._scale, self._colours, self._layout, self._caption, self._input):
            self.bar.addWidget(widget)
        self.canvas.addWidget(self.view, 1)
        self.canvas.addWidget(Line())
        self.canvas.addWidget(self._foot)
        self.controls = {
            "scale": self._scale,
            "colours": self._colours,
            "layout": self._layout,
            "input": self._input,
        }
        self._scale.picked.connect(self._redraw)
        self._layout.picked.connect(self._turn)
        self._colours.colormap_picked.connect(self._redraw)
        self._input.valueChanged.connect(self._redraw)
        self.view.hovered.connect(self._hovered)

    def show_answer(self, answer: Answer) -> None:
        """Show a layer's kernels; the input and the zoom stay where the layer does."""
        if not isinstance(answer.result, FilterBank):
            return
        before, self._bank = self._bank, answer.result
        self.view.set_name(self.file_stem())
        if before is not None and _form(before) == _form(self._bank):
            self._redraw()
            return
        self._input.blockSignals(True)
        self._input.setMaximum(self._bank.values.shape[1] - 1)
        self._input.setValue(0)
        self._input.blockSignals(False)
        self._redraw()
        self.view.fit()
        self._come_close()

    def forget(self) -> None:
        """Show no kernels."""
        self._bank = self._sheet = None
        self.view.show_pixels(None)
        self._foot.point_at("")

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Draw the kernels as a session kept it."""
        super().set_view_settings(values)
        self._redraw()

    def title(self) -> tuple[str, str]:
        """Return the layer, the size of its kernels, and what was done with them."""
        answer = self.answer()
        if answer is None or self._bank is None:
            return self.session.layer(self.tab) or self.tab, ""
        bank = self._bank
        count, inputs, height, width = bank.values.shape
        node = answer.model.layers.find(bank.layer)
        size = f"{labels.whole(count)} filters of {inputs}×{height}×{width}"
        if bank.spectrum:
            size = f"frequency response of {labels.whole(count)} filters"
        return bank.layer, middle(node.kind if node else "", size, *_said_of(bank))

    def look(self) -> dict[str, Any]:
        """Return colour map and scale."""
        return {"colormap": self._colours.currentText(), "scale": self._scale.value()}

    def picture(self) -> QImage | None:
        """Return the sheet."""
        return self.view.image()

    def _turn(self) -> None:
        """Show the table, or one input."""
        self._redraw()
        self._come_close()

    def _redraw(self) -> None:
        if self._bank is None:
            return
        ground = theme.current().canvas
        scale: pixels.Scale = "layer" if self._scale.value() == "layer" else "tile"
        layout: Layout = "one" if self._layout.value() == "one" else "table"
        look = SheetLook(
            layout=layout,
            given=self._input.value(),
            colormap=self._colours.currentText(),
            scale=scale,
            ratio=max(0.5, self.view.width() / max(1, self.view.height())),
            ground=(ground.red(), ground.green(), ground.blue()),
        )
        sheet = self._sheet = KernelSheet(self._bank, look)
        self._layout.setVisible(sheet.has_choice)
        for widget in (self._caption, self._input):
            widget.setVisible(sheet.has_choice and not sheet.is_table)
        self._colours.setEnabled(not (sheet.in_colour or self._bank.spectrum))
        self.view.show_pixels(sheet.pixels())
        self._explain_colours(sheet)

    def _come_close(self) -> None:
        """Show the first rows and columns of a large table so that its weights can be seen."""
        zoom = self.view.zoom()
        if self._sheet is None or not self._sheet.is_table or zoom >= _READABLE:
            return
        self.view.zoom_by(_READABLE / zoom)
        room, margin = self.view.viewport().size(), theme.px(16)
        left, top = room.width() / 2 - margin, room.height() / 2 - margin
        wide = (self.view.image() or QImage()).width()
        self.view.centerOn(min(left / _READABLE, max(wide / 2, 1)), top / _READABLE)

    def changeEvent(self, event: QEvent) -> None:
        """Lay the kernels on the new theme's ground."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._bank is not None:
            self._redraw()

    def _explain_colours(self, sheet: KernelSheet) -> None:
        """Say below the sheet what its colours mean."""
        bank = sheet.bank
        self._hovered(-1, -1)
        if bank.spectrum:
            self._foot.show_note("Gain by frequency; zero in the middle, half a cycle at the rim")
            return
        if sheet.in_colour:
            self._foot.show_note("Weights on red, green and blue as colours; mid-grey is zero")
            return
        self._foot.show_note("")
        high = float(np.nan_to_num(np.abs(bank.values)).max(initial=0))
        note = "" if self._scale.value() == "layer" else "each filter's largest weight"
        self._foot.bar.show_scale(self._colours.currentText(), -high, high, note=note)

    def _hovered(self, row: int, column: int) -> None:
        """Say which weight is under the mouse; with none, what rows and columns are."""
        sheet = self._sheet
        if sheet is None:
            self._foot.point_at("")
            return
        weight = sheet.at(row, column) if row >= 0 else None
        if weight is None:
            total = len(sheet.bank.values)
            rows = f"rows: {'the first ' if sheet.shown < total else ''}"
            rows += f"{labels.whole(sheet.shown)} filters"
            group = " of their group" if sheet.bank.groups > 1 else ""
            self._foot.point_at(middle(rows, f"columns: inputs{group}") if sheet.is_table else "")
            return
        said = [f"filter {sheet.name(weight.place)}"]
        if weight.given >= 0:
            said.append(f"input {sheet.channel(weight.place, weight.given)}")
        value = sheet.value(weight)
        text = f": {labels.value(value)}" if value is not None else ""
        self._foot.point_at(f"{', '.join(said)}{text}")


def _form(bank: FilterBank) -> tuple[str, tuple[int, ...]]:
    return bank.layer, bank.values.shape


def _said_of(bank: FilterBank) -> list[str]:
    """Return what is to be said of kernels besides their size."""
    said = [f"{bank.groups} groups"] if bank.groups > 1 else []
    if len(bank.dilation) == 2 and bank.dilation != (1, 1):
        said.append(f"dilated {bank.dilation[0]}×{bank.dilation[1]}")
    if bank.batch_norm:
        said.append(f"scale of {bank.batch_norm} folded in")
    if bank.duplicates:
        groups, twins = len(bank.duplicates), sum(map(len, bank.duplicates))
        of = "one group" if groups == 1 else f"{groups} groups"
        said.append(f"{twins} near-duplicates in {of}")
    return said
