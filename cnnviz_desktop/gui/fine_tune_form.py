"""The choices of a fine-tuning: pictures, where the result goes, how it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QSpinBox, QWidget

from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import ElidedCombo, Segments, label, named
from cnnviz_desktop.gui.file_field import FileField, is_file, is_there

SUFFIX = ".safetensors"
HEAD, WHOLE = "head", "whole"
_CHANGES = (
    ("flip", "Mirror", "Show half of the pictures mirrored: not for writing or left and right"),
    ("crop", "Crop", "Show another part of a picture each time, half of it or more"),
    ("colour", "Colour", "Show a picture brighter, paler or stronger each time"),
)
# What the optimisers are called and how quick they learn.
_PACES = (("adam", "Adam"), ("sgd", "SGD with momentum"))


class FineTuneForm(QWidget):
    """What a person chooses. Signals: `edited` something was."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "fineTuneForm", "How to fine-tune")
        self._name = ""
        self._own = False  # whether the person named the file
        self.data = FileField(
            "fineTuneData",
            "Pictures",
            "A folder with a folder for each class; held-out ones may be in a folder “val”",
            folder=True,
            existing=True,
        )
        self.out = FileField("fineTuneOut", "Save as", "The network's new file (.safetensors)")
        self.out.set_filter(f"Weights (*{SUFFIX})")
        self._part = Segments(
            (
                (HEAD, "Its head alone", "Quick: the features stay as they are"),
                (WHOLE, "The whole network", "Slower and often better: the features learn too"),
            ),
            "fineTunePart",
            "Train",
        )
        self._changes = {value: self._check(value, text, tip) for value, text, tip in _CHANGES}
        self._epochs = self._number("Epochs", 30, 1, 10_000, "At most so many passes over all")
        self._patience = self._number(
            "Patience", 8, 0, 10_000, "Stop after so many epochs without gain; 0 never"
        )
        self._patience.setSpecialValueText("never")
        self._held = self._number(
            "HeldOut", 20, 5, 90, "Share of each class that is measured by, not learned from"
        )
        self._held.setSuffix(f"{labels.THIN}%")
        self._seed = self._number("Seed", 0, 0, 2**31 - 1, "The same seed gives the same network")
        self._optimiser = ElidedCombo()
        named(self._optimiser, "fineTuneOptimiser", "Optimiser", "How the weights are moved")
        for value, text in _PACES:
            self._optimiser.addItem(text, value)
        self._resume = QCheckBox("Go on where it was stopped")
        named(self._resume, "fineTuneResume", "Go on", "Take the stopped training of this file up")
        self._lay_out()
        for field in (self.data, self.out):
            field.edited.connect(self._edited)
        self._part.picked.connect(self.edited)
        self._follow()

    def said(self) -> dict[str, Any]:
        """Return the choices as the engine takes them."""
        path = self.data.path()
        return {
            "data": str(path) if path is not None else "",
            "epochs": self._epochs.value(),
            "thaw": self._part.value() == WHOLE,
            "augment": tuple(name for name, box in self._changes.items() if box.isChecked()),
            "optimiser": self._optimiser.currentData(),
            "held_out": self._held.value() / 100,
            "patience": self._patience.value(),
            "seed": self._seed.value(),
        }

    def path(self) -> Path | None:
        """Return the file to write, with its suffix."""
        path = self.out.path()
        if path is None:
            return None
        path = path.absolute()
        return path if path.suffix.lower() == SUFFIX else path.with_name(f"{path.name}{SUFFIX}")

    @property
    def resumes(self) -> bool:
        """Tell whether a stopped training is to go on."""
        return not self._resume.isHidden() and self._resume.isChecked()

    def wrong(self) -> str:
        """Return what is missing, "" where nothing is."""
        data = self.data.path()
        if data is None:
            return "Choose a folder of pictures, with a folder for each class."
        if not is_there(data):
            return f"There is no folder {data}. Choose another."
        if self.path() is None:
            return "Name a file for the network that comes of it."
        return ""

    def set_model(self, name: str) -> None:
        """Name the file after a network."""
        self._name = name.replace(":", "-").partition(".")[0]
        self._follow()

    def refresh(self) -> None:
        """Look again for a training that was stopped."""
        path = self.path()
        beside = path.with_name(f"{path.name}.resume") if path is not None else None
        there = beside is not None and is_file(beside)
        if there and self._resume.isHidden():
            self._resume.setChecked(True)
        self._resume.setVisible(there)

    def _edited(self) -> None:
        if self.sender() is self.out:
            self._own = True
        self._follow()
        self.edited.emit()

    def _follow(self) -> None:
        """Name the file after network and folder, until the person names it."""
        data = self.data.path()
        if not self._own and data is not None and self._name:
            data = data.absolute()
            self.out.set_path(data.parent / f"{self._name}-{data.name}{SUFFIX}")
        self.refresh()

    def _check(self, value: str, text: str, tip: str) -> QCheckBox:
        made = QCheckBox(text)
        named(made, f"fineTune_{value}", f"Change pictures: {text}", tip)
        return made

    def _number(self, name: str, value: int, low: int, high: int, tip: str) -> QSpinBox:
        made = QSpinBox()
        made.setRange(low, high)
        made.setValue(value)
        named(made, f"fineTune{name}", name, tip)
        return made

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(10)
        grid.setColumnStretch(1, 1)
        rows: tuple[tuple[str, QWidget | QHBoxLayout], ...] = (
            ("Pictures", self.data),
            ("Save as", self.out),
            ("Train", self._part),
            ("Change pictures", _row(*self._changes.values())),
            (
                "Epochs",
                _row(
                    self._epochs,
                    label("stop after", muted=True),
                    self._patience,
                    label("without gain", muted=True),
                ),
            ),
            (
                "Held out",
                _row(
                    self._held,
                    label("seed", muted=True),
                    self._seed,
                    label("by", muted=True),
                    self._optimiser,
                ),
            ),
        )
        for row, (words, item) in enumerate(rows):
            grid.addWidget(label(words, muted=True), row, 0)
            if isinstance(item, QWidget):
                grid.addWidget(item, row, 1)
            else:
                grid.addLayout(item, row, 1)
        grid.addWidget(self._resume, len(rows), 1)


def _row(*parts: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for part in parts:
        row.addWidget(part)
    row.addStretch(1)
    return row
