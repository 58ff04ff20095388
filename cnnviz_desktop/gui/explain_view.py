"""Show which places of the picture speak for a class; how that is drawn needs no engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QWidget

from cnnviz_desktop.data import Heatmap, ImageInput, Pixels
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.colour_bar import ScaleFoot
from cnnviz_desktop.gui.controls import ColormapPicker, Line, Segments, Slide, named
from cnnviz_desktop.gui.display import CANVAS, cell_at, dimmed, reduced, scaled
from cnnviz_desktop.gui.picture_view import PictureView
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import EXPLAIN, Session
from cnnviz_desktop.gui.work import Answer

_MODES = (
    (
        "overlay",
        "Overlay",
        "Heat on the picture: it grows with the value, zero and below are clear",
    ),
    ("heat", "Heat", "The map alone, one square a cell of the layer"),
    ("masked", "Masked", "The picture where the map is above the threshold"),
)
_MAPS = (style.OVERLAY, *(name for name in style.SEQUENTIAL_MAPS if name != style.OVERLAY))


class ExplainView(ResultView):
    """The picture with heat, and the bar on how it is drawn."""

    tab = EXPLAIN
    draws = (Heatmap,)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._heat: Heatmap | None = None
        self._image: ImageInput | None = None
        self.view = PictureView()
        named(
            self.view,
            "explainPicture",
            "Explanation",
            "Wheel zooms, drag moves, 0 fits; O hides the heat",
        )
        self.view.set_empty_text("No explanation yet.", "It comes with the model and a picture.")
        self._mode = Segments(_MODES, "heatMode", "How the map is shown")
        self._colours = ColormapPicker(_MAPS, "heatColours")
        tip = "How strongly the heat covers the picture"
        self.opacity = Slide("Opacity", "heatOpacity", tip, 0.0, 1.0, 0.05)
        self.opacity.set_value(0.75)
        tip = "Leave out what is below this share of the map's maximum"
        self.threshold = Slide("Threshold", "heatThreshold", tip, 0.0, 0.95, 0.05)
        self.bar.addWidget(self._mode)
        self.bar.addWidget(self._colours)
        self.bar.addWidget(self.opacity)
        self.bar.addWidget(self.threshold)
        self._foot = ScaleFoot("heatValue", "Value under the mouse")
        self.canvas.addWidget(self.view, 1)
        self.canvas.addWidget(Line())
        self.canvas.addWidget(self._foot)
        self.controls = {
            "mode": self._mode,
            "colours": self._colours,
            "opacity": self.opacity,
            "threshold": self.threshold,
        }
        self._mode.picked.connect(self._redraw)
        self._colours.colormap_picked.connect(self._redraw)
        self.opacity.moved.connect(self._redraw)
        self.threshold.moved.connect(self._redraw)
        self.view.hovered.connect(self._hovered)

    def show_answer(self, answer: Answer) -> None:
        """Show a heatmap on its picture."""
        if isinstance(answer.result, Heatmap) and answer.image is not None:
            self._heat, self._image = answer.result, answer.image
            self.view.set_name(self.file_stem())
            self._redraw()

    def forget(self) -> None:
        """Show no explanation."""
        self._heat = self._image = None
        self.view.show_pixels(None)
        self._foot.point_at("")

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Draw the map as a session kept it."""
        super().set_view_settings(values)
        self._redraw()

    def title(self) -> tuple[str, str]:
        """Return the class, and what it was explained with."""
        answer = self.answer()
        if answer is None or self._heat is None:
            return self.tab, ""
        rows, columns = self._heat.values.shape
        name = answer.image.name if answer.image else ""
        size = f"{rows}×{columns}"
        logit = f"logit {labels.value(self._heat.score)}"
        return self._heat.target_label, middle(
            answer.technique.title, self._heat.layer, size, logit, name
        )

    def look(self) -> dict[str, Any]:
        """Return colour map and opacity."""
        return {"colormap": self._colours.currentText(), "opacity": self.opacity.value()}

    def picture(self) -> QImage | None:
        """Return the picture with its heat."""
        return self.view.image()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Hide the heat while O is held; 1 to 9 explain the first to ninth likeliest class."""
        place = event.key() - Qt.Key.Key_1
        prediction = self.session.predictions.current()
        if event.key() == Qt.Key.Key_O and self._image is not None:
            if not event.isAutoRepeat():
                self.view.show_pixels(reduced(self._image, CANVAS)[0].pixels)
        elif 0 <= place < 9 and prediction is not None and place < len(prediction.labels):
            self.session.pick_target(prediction.top(9)[place][0])
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Show the heat again."""
        if event.key() == Qt.Key.Key_O and not event.isAutoRepeat():
            self._redraw()
        else:
            super().keyReleaseEvent(event)

    def _redraw(self) -> None:
        """Draw the map as the bar says."""
        mode = self._mode.value()
        self.opacity.setEnabled(mode == "overlay")
        self._colours.setEnabled(mode != "masked")
        if self._heat is None or self._image is None:
            return
        high = pixels.limits(self._heat.values)[1]
        self.view.show_pixels(self._draw(self._heat, self._image, mode, high))
        self._foot.bar.show_scale(self._colours.currentText(), 0.0, high)

    def _draw(self, heat: Heatmap, image: ImageInput, mode: str, high: float) -> Pixels:
        name = self._colours.currentText()
        least = self.threshold.value() * high
        values = np.where(heat.values >= least, heat.values, 0) if least else heat.values
        if mode == "heat":
            return pixels.colour(values, name, high)
        small, factor = reduced(image, CANVAS)
        region = scaled(heat.region, factor)
        if mode == "overlay":
            opacity = self.opacity.value()
            return pixels.overlay_values(small, values, region, opacity, name, limit=high)
        height, width = small.pixels.shape[:2]
        keep = np.zeros((height, width), bool)
        top, left = max(0, region.top), max(0, region.left)
        bottom, right = min(height, region.bottom), min(width, region.right)
        wide = pixels.resize(heat.values, region.height, region.width)
        part = wide[top - region.top : bottom - region.top, left - region.left :]
        keep[top:bottom, left:right] = part[:, : right - left] > max(least, 0.0)
        return dimmed(small.pixels, keep)

    def _hovered(self, row: int, column: int) -> None:
        """Say the value under the mouse."""
        if self._heat is None or self._image is None or row < 0:
            self._foot.point_at("")
            return
        rows, columns = self._heat.values.shape
        if self._mode.value() == "heat":
            cell: tuple[int, int] | None = (row, column)
        else:
            factor = reduced(self._image, CANVAS)[1]
            cell = cell_at(self._heat.region, rows, columns, row / factor, column / factor)
        if cell is None:
            self._foot.point_at("Not part of the network's input")
            return
        value = labels.value(float(self._heat.values[cell]))
        self._foot.point_at(f"{value} at row {cell[0]}, column {cell[1]}")
