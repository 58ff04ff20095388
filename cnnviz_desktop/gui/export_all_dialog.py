"""Export many files at once: every map of a layer, or all results for all pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.data import Activation, ImageInput
from cnnviz_desktop.engine.run import Progress
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import (
    ColormapPicker,
    Segments,
    fix_size,
    label,
    named,
    push_button,
)
from cnnviz_desktop.gui.export_options import ExportOptions, export_folder, fresh
from cnnviz_desktop.gui.export_work import Refused, WriteMaps, WriteResults, Written
from cnnviz_desktop.gui.file_field import FileField, is_there
from cnnviz_desktop.gui.flat_style import set_primary
from cnnviz_desktop.gui.jobs import Job, Jobs, Priority
from cnnviz_desktop.gui.message_bar import MessageBar
from cnnviz_desktop.gui.shown import Shown, file_stem
from cnnviz_desktop.gui.status_bar import remaining

_USUAL_SIDE = 256  # pixels that a map is enlarged to about
_LARGEST_SIDE = 4096
_SCALES = [
    ("tile", "Tile", "Each map's colours reach to its own maximum"),
    ("layer", "Layer", "All maps share the layer's maximum"),
]
_SIZES = {"natural": "as large as needed", "own": "{width:g} in wide", "slide": "slides of 16:9"}


@dataclass(frozen=True, eq=False)
class Everything:
    """What there is to export besides the maps in view; `looks` is how each tab draws."""

    images: tuple[ImageInput, ...]
    techniques: tuple[Technique, ...]
    looks: Mapping[str, Mapping[str, Any]]

    def count(self) -> int:
        """Return how many files that makes."""
        looking = sum(item.needs_image for item in self.techniques)
        return len(self.images) * (1 + looking) + len(self.techniques) - looking


class ExportAllDialog(QDialog):
    """The dialog for many files. Signals: `exported` (`Written`) when all are there."""

    exported = Signal(object)

    def __init__(
        self,
        shown: Shown,
        everything: Everything,
        options: ExportOptions,
        jobs: Jobs,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        named(self, "exportAllDialog", "Export all")
        self.setWindowTitle("Export all")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._shown = shown
        self._everything = everything
        self._options = options
        self._jobs = jobs
        self._job: Job | None = None
        self._has_maps = isinstance(shown.result, Activation)
        self._make_fields()
        self._lay_out()
        self._what.picked.connect(self._chose)
        self._folder.edited.connect(self._show_state)
        self._cancel.clicked.connect(self.reject)
        self._export.clicked.connect(self.accept)
        self._chose()

    def accept(self) -> None:
        """Begin; the dialog closes when everything is there."""
        folder = self._folder.path()
        if self._job is not None:
            return
        if folder is None:
            self.message.tell("error", "Write or choose the folder that the files go to.")
            return
        work = self._maps(folder) if self._what.value() == "maps" else self._results(folder)
        job = self._jobs.submit(work, "Exporting all", "export all", Priority.BACKGROUND)
        self._job = job
        job.progressed.connect(self._progressed)
        job.done.connect(self._written)
        job.failed.connect(self._failed)
        job.ended.connect(self._ended)
        self.message.settle("")
        self._bar.setRange(0, 0)
        self._show_state()

    def reject(self) -> None:
        """Stop the work, or close."""
        if self._job is None:
            super().reject()
            return
        done = self._bar.value() if self._bar.maximum() else 0
        self._job.cancel()
        said = f"Stopped after {labels.many(done, 'whole file')}; index.csv lists what is there."
        self.message.tell("warning", said)

    def _make_fields(self) -> None:
        kinds = [("results", "All results", "What every technique says about every picture")]
        if self._has_maps:
            kinds.insert(0, ("maps", "Maps of the layer", "Every channel as a picture of its own"))
        self._what = Segments(kinds, "exportAllWhat", "What is exported")
        self._about = label("", "secondary", muted=True)
        self._about.setWordWrap(True)
        self._factor = QSpinBox()
        self._factor.setPrefix(labels.TIMES + labels.THIN)
        tip = "How many pixels a side each value of a map becomes"
        named(self._factor, "exportAllFactor", "Enlarged", tip)
        self._pixels = label("", muted=True)
        if isinstance(self._shown.result, Activation):
            side = max(self._shown.result.values.shape[1:])
            self._factor.setRange(1, max(1, _LARGEST_SIDE // side))
            self._factor.setValue(max(1, round(_USUAL_SIDE / side)))
            self._factor.valueChanged.connect(self._show_pixels)
            self._show_pixels()
        maps = self._shown.colormaps or ("gray",)
        self._colours = ColormapPicker(maps, "exportAllColours")
        if self._shown.look.get("colormap") in maps:
            self._colours.setCurrentText(self._shown.look["colormap"])
        self._scale = Segments(_SCALES, "exportAllScale", "Scale")
        self._scale.set_value(str(self._shown.look.get("scale", "tile")))
        tip = "A new folder of that name is made; nothing is overwritten"
        self._folder = FileField("exportAllFolder", "Folder", tip, folder=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        fix_size(self._bar, height=6)
        named(self._bar, "exportAllProgress", "Progress")
        self._state = labels.ElidedLabel(role="secondary", muted=True)
        named(self._state, "exportAllState", "State")
        self.message = MessageBar()
        named(self.message, "exportAllMessage", "Message")
        self._cancel = push_button("Cancel", "exportAllCancel", "Stop, or write nothing (Esc)")
        self._cancel.setAutoDefault(False)
        self._export = push_button("Export all", "exportAllWrite", "Write all files (Enter)")
        self._export.setDefault(True)
        set_primary(self._export, True)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        enlarged = QWidget()
        row = QHBoxLayout(enlarged)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self._factor)
        row.addWidget(self._pixels, 1)
        self._of_maps: list[QWidget] = []
        fields = (
            ("What", self._what),
            ("", self._about),
            ("Enlarged", enlarged),
            ("Colours", self._colours),
            ("Scale", self._scale),
            ("Folder", self._folder),
        )
        for number, (words, field) in enumerate(fields if self._has_maps else fields[1:]):
            caption = label(words, muted=True)
            grid.addWidget(caption, number, 0)
            grid.addWidget(field, number, 1)
            if words in ("Enlarged", "Colours", "Scale"):
                self._of_maps += [caption, field]
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._state, 1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self._export)
        grid.setColumnMinimumWidth(1, theme.px(500))
        inside = QVBoxLayout()
        inside.setContentsMargins(16, 16, 16, 16)
        inside.setSpacing(16)
        inside.addLayout(grid)
        inside.addWidget(self._bar)
        inside.addLayout(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.message)
        column.addLayout(inside)
        column.setSizeConstraint(QVBoxLayout.SizeConstraint.SetFixedSize)  # as the choice needs

    def _chose(self) -> None:
        """Show what belongs to the choice, and propose a folder."""
        maps = self._what.value() == "maps"
        for widget in self._of_maps:
            widget.setVisible(maps)
        self._about.setText(self._describe(maps))
        stem = self._shown.stem if maps else file_stem(f"{self._shown.model.title}-results")
        self._folder.set_path(fresh(export_folder(self._options) / stem, folder=True))
        self._show_state()

    def _describe(self, maps: bool) -> str:
        if maps and isinstance(self._shown.result, Activation):
            count = labels.whole(len(self._shown.result.values))
            return f"{count} PNG files with the channel in their names, and index.csv"
        options, everything = self._options, self._everything
        if options.is_data:
            drawn = f"{options.suffix[1:].upper()} data"
            drawn += ", NPZ of what is no table" if options.suffix == ".csv" else ""
        else:
            size = _SIZES.get(options.size, _SIZES["own"]).format(width=options.inches)
            ground = "dark" if options.dark else "light"
            drawn = f"{options.suffix[1:].upper()}, {size}, {options.dpi} dpi, {ground} ground"
        pictures = labels.many(len(everything.images), "picture")
        return (
            f"{labels.whole(everything.count())} files: the answer and every technique, with the "
            f"parameters of its tab, for {pictures}. "
            f"As last exported: {drawn}."
        )

    def _show_pixels(self) -> None:
        if isinstance(self._shown.result, Activation):
            factor = self._factor.value()
            height, width = (side * factor for side in self._shown.result.values.shape[1:])
            shape = f"{labels.whole(width)} × {labels.whole(height)}{labels.THIN}px"
            self._pixels.setText(shape)

    def _maps(self, folder: Path) -> WriteMaps:
        look = {
            "colormap": self._colours.currentText(),
            "scale": self._scale.value(),
            "signed": bool(self._shown.look.get("signed")),
            "gamma": self._shown.look.get("gamma") or 1.0,
        }
        return WriteMaps(self._shown, folder, self._factor.value(), look)

    def _results(self, folder: Path) -> WriteResults:
        every = self._everything
        return WriteResults(
            self._shown.model, every.images, every.techniques, every.looks, self._options, folder
        )

    def _show_state(self) -> None:
        busy = self._job is not None
        for part in (self._what, *self._of_maps, self._folder, self._export):
            part.setEnabled(not busy)
        self._bar.setVisible(busy)
        path = self._folder.path()
        if busy:
            self._state.setText(f"Beginning{labels.ELLIPSIS}")
        elif path is not None and is_there(path):
            made = fresh(path, folder=True).name
            self._state.setText(f"{path.name} is there: {made} will be made")
        else:
            self._state.setText("A new folder is made; nothing is overwritten")

    def _progressed(self, progress: Progress) -> None:
        self._bar.setRange(0, progress.total)
        self._bar.setValue(progress.done)
        left = remaining(progress)
        rest = f"  {labels.DOT}  {left}" if left else ""
        done, total = labels.whole(progress.done), labels.whole(progress.total)
        self._state.setText(f"{done} of {total}{rest}")

    def _written(self, answer: Written | Refused) -> None:
        self._job = None
        if isinstance(answer, Refused):
            self.message.tell("error", answer.sentence)
            return
        self.exported.emit(answer)
        super().accept()

    def _failed(self, error: CnnvizError) -> None:
        self._job = None
        self.message.tell("error", str(error))

    def _ended(self) -> None:
        self._job = None
        self._show_state()
