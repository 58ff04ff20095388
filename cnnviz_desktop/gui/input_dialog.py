"""Let a person say what a network's input is: size, scaling of the values, class names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.data import InputSpec
from cnnviz_desktop.engine.class_names import read_class_names
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import Icon, label, named, push_button
from cnnviz_desktop.gui.file_field import FileField, is_file
from cnnviz_desktop.gui.file_kinds import ANY_FILTER, LABELS_FILTER
from cnnviz_desktop.gui.flat_style import set_primary

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_LARGEST_SIDE = 4096
_LARGEST_FILE = 2**20  # of class names that are read while one types
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_CUSTOM = "Own numbers"
_WANTED = {1: "one number", 3: "three numbers, for red, green and blue, or one for all"}

Numbers = tuple[float, ...]
# What values from 0 to 1 are scaled by: mean and standard deviation, for grey and for RGB.
PRESETS: tuple[tuple[str, Numbers, Numbers], ...] = (
    ("ImageNet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ("CIFAR-10", (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    ("MNIST", (0.1307,), (0.3081,)),
    ("0 to 1", (0.0,), (1.0,)),
    (f"{labels.MINUS}1 to 1", (0.5,), (0.5,)),
)


class InputDialog(QDialog):
    """The input of one network.

    Signals: `applied` (`InputSpec`) what the person said; empty for what is found without a word.
    """

    applied = Signal(object)

    def __init__(self, model: LoadedModel, parent: QWidget) -> None:
        super().__init__(parent)
        named(self, "inputDialog", "Input and class names")
        self.setWindowTitle(f"Input of {model.title}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._model = model
        self._channels = model.preprocessing.channels
        self._waiting = False
        self._height, self._width = (self._side(word) for word in ("Height", "Width"))
        self._presets = self._make_presets()
        self._mean, self._std = (self._line(word) for word in ("Mean", "Std"))
        self._labels = self._make_labels()
        self._icon = Icon("info")
        self._said = label("", "secondary")
        self._said.setWordWrap(True)
        named(self._said, "inputSaid", "What is wrong, or what it means")
        self._lay_out()
        self._fill()
        self._connect()
        self._check()

    def spec(self) -> InputSpec:
        """Return what the person said; what is as it was found is left to be found again."""
        given, now = self._model.spec, self._model.preprocessing
        size = (self._height.value(), self._width.value())
        mean, std = self._written()
        scaled = (mean, std) != (now.mean, now.std) or given.mean is not None
        path = self._labels.path()
        return InputSpec(
            size if size != now.size or given.size is not None else None,
            mean if scaled else None,
            std if scaled else None,
            path.absolute() if path is not None else None,
        )

    def accept(self) -> None:
        """Close: the network came with this input."""
        self._waiting = False
        super().accept()

    def refuse(self, sentence: str) -> None:
        """Say why the network does not come with this input."""
        self._waiting = False
        self._tell("error", sentence)
        self._let_apply(True)

    def _side(self, word: str) -> QSpinBox:
        made = QSpinBox()
        made.setRange(1, _LARGEST_SIDE)
        made.setSuffix(f"{labels.THIN}px")
        named(made, f"input{word}", word, f"The {word.lower()} of the network's input")
        return made

    def _line(self, word: str) -> QLineEdit:
        made = QLineEdit()
        many = _WANTED[self._channels]
        named(
            made,
            f"input{word}",
            word,
            f"{word} of the values from 0 to 1 that the network was trained with: {many}",
        )
        return made

    def _make_presets(self) -> QComboBox:
        made = QComboBox()
        named(
            made,
            "inputPreset",
            "Scaling",
            "How the values of a picture are scaled: (value from 0 to 1, minus mean) / std",
        )
        made.addItem(_CUSTOM)
        for name, mean, std in PRESETS:
            if len(mean) in (1, self._channels) and not (name == "MNIST" and self._channels == 3):
                many = self._channels // len(mean)
                made.addItem(name, (mean * many, std * many))
        return made

    def _make_labels(self) -> FileField:
        made = FileField(
            "inputLabels",
            "Class names",
            "A text file with one name a line, or JSON; empty for the names the network came with",
            existing=True,
        )
        made.set_filter(f"{LABELS_FILTER};;{ANY_FILTER}")
        made.line.setPlaceholderText("As the network came")
        return made

    def _make_colours(self) -> QLabel:
        """Say what the network's first layer takes, which nobody can change."""
        made = label("grey" if self._channels == 1 else "RGB", muted=True)
        many = "one channel" if self._channels == 1 else "three channels"
        says = f"The first layer of this network takes {many}"
        named(made, "inputColours", says, says)
        return made

    def _lay_out(self) -> None:
        size = QHBoxLayout()
        size.setSpacing(8)
        for part in (self._height, label(labels.TIMES, muted=True), self._width):
            size.addWidget(part)
        size.addSpacing(8)
        size.addWidget(self._make_colours())
        size.addStretch(1)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(10)
        grid.setColumnStretch(1, 1)
        grid.addWidget(label("Size", muted=True), 0, 0)
        grid.addLayout(size, 0, 1)
        rows = (
            ("Scaling", self._presets),
            ("Mean", self._mean),
            ("Std", self._std),
            ("Class names", self._labels),
        )
        for row, (words, widget) in enumerate(rows, start=1):
            grid.addWidget(label(words, muted=True), row, 0)
            grid.addWidget(widget, row, 1)
        said = QHBoxLayout()
        said.setSpacing(8)
        said.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        said.addWidget(self._said, 1)
        self._said.setMinimumHeight(2 * self._said.fontMetrics().lineSpacing())
        self._said.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(16)
        column.addLayout(grid)
        column.addLayout(said)
        column.addStretch(1)
        column.addLayout(self._make_buttons())
        self.resize(theme.px(520), self.sizeHint().height())

    def _make_buttons(self) -> QHBoxLayout:
        self._reset = push_button(
            "As found", "inputReset", "Forget what was said, and find out from the network again"
        )
        self._reset.setEnabled(self._model.spec != InputSpec())
        self._cancel = push_button("Cancel", "inputCancel", "Change nothing (Esc)")
        self._apply = push_button("Apply", "inputApply", "Open the network with this input (Enter)")
        for button in (self._reset, self._cancel):
            button.setAutoDefault(False)
        self._apply.setDefault(True)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._reset)
        row.addStretch(1)
        row.addWidget(self._cancel)
        row.addWidget(self._apply)
        return row

    def _fill(self) -> None:
        now = self._model.preprocessing
        self._height.setValue(now.size[0])
        self._width.setValue(now.size[1])
        self._show_numbers(now.mean, now.std)
        if self._model.spec.labels is not None:
            self._labels.set_path(self._model.spec.labels)

    def _connect(self) -> None:
        for side in (self._height, self._width):
            side.valueChanged.connect(self._check)
        for line in (self._mean, self._std):
            line.textEdited.connect(self._check)
        self._labels.edited.connect(self._check)
        self._presets.activated.connect(self._picked_preset)
        self._reset.clicked.connect(self._forget)
        self._cancel.clicked.connect(self.reject)
        self._apply.clicked.connect(self._take)

    def _show_numbers(self, mean: Numbers, std: Numbers) -> None:
        self._mean.setText(_listed(mean))
        self._std.setText(_listed(std))

    def _written(self) -> tuple[Numbers, Numbers]:
        """Return mean and std as they are written, one number for all channels."""
        mean, std = (_numbers(line.text(), self._channels) for line in (self._mean, self._std))
        return mean, std

    def _picked_preset(self) -> None:
        numbers = self._presets.currentData()
        if numbers is not None:
            self._show_numbers(*numbers)
        self._check()

    def _take(self) -> None:
        if not self._wrong():
            self._send(self.spec())

    def _forget(self) -> None:
        self._send(InputSpec())

    def _send(self, spec: InputSpec) -> None:
        if spec == self._model.spec:
            self.accept()
            return
        self._waiting = True
        self._let_apply(False)
        self._tell("info", f"Opening {self._model.title} with this input{labels.ELLIPSIS}")
        self.applied.emit(spec)

    def _check(self) -> None:
        """Say what is wrong while it is typed, or what comes of it."""
        self._show_preset()
        wrong = self._wrong()
        self._tell("error" if wrong else "info", wrong or self._meaning())
        self._let_apply(not wrong)

    def _let_apply(self, on: bool) -> None:
        self._apply.setEnabled(on)
        set_primary(self._apply, on and self.spec() != self._model.spec)

    def _show_preset(self) -> None:
        """Name the numbers that are written."""
        now = self._written()
        known = [self._presets.itemData(place) for place in range(self._presets.count())]
        self._presets.setCurrentIndex(known.index(now) if now in known else 0)

    def _wrong(self) -> str:
        """Return what is wrong, "" where nothing is."""
        for word, line in (("mean", self._mean), ("std", self._std)):
            wrong = _wrong_numbers(word, line.text(), self._channels)
            if wrong:
                return wrong
        path = self._labels.path()
        if path is not None and not is_file(path):
            return f"There is no file {path}. Choose the class names, or leave the field empty."
        return ""

    def _meaning(self) -> str:
        """Say what the numbers and the class names come to."""
        mean, std = self._written()
        low = min(-m / s for m, s in zip(mean, std, strict=True))
        high = max((1 - m) / s for m, s in zip(mean, std, strict=True))
        says = f"Black to white becomes {labels.value(low)} to {labels.value(high)}."
        path = self._labels.path()
        return says if path is None else f"{says} {self._names_in(path)}"

    def _names_in(self, path: Path) -> str:
        """Say what class names a file holds, and whether these are as many as there are classes."""
        classes = len(self._model.labels)
        try:
            if path.stat().st_size > _LARGEST_FILE:
                return ""
            names = read_class_names(path, classes)
        except (CnnvizError, OSError) as error:
            return str(error)
        count = f"{labels.whole(len(names))} class names"
        if len(names) != classes:
            return f"{count}, but the network has {labels.whole(classes)} classes."
        return f"{count}: {', '.join(names[:3])}{labels.ELLIPSIS if len(names) > 3 else ''}"

    def _tell(self, level: str, sentence: str) -> None:
        self._icon.show_icon(level, level if level == "error" else "muted")
        self._said.setText(sentence)


def _numbers(text: str, channels: int) -> Numbers:
    """Return the numbers in a text, however they are set apart; one alone is that of all."""
    found = tuple(float(word) for word in _NUMBER.findall(text.replace(labels.MINUS, "-")))
    return found * channels if len(found) == 1 else found


def _listed(numbers: Numbers) -> str:
    return ", ".join(f"{number:.12g}" for number in numbers)


def _wrong_numbers(word: str, text: str, channels: int) -> str:
    """Return what is wrong with a mean or std that was typed, "" where nothing is."""
    left = _NUMBER.sub("", text.replace(labels.MINUS, "-")).strip(" ,;/[]()\t")
    numbers = _numbers(text, channels)
    wanted = _WANTED[channels]
    if left.strip(" ,;/") or len(numbers) != channels:
        return f"The {word} is {wanted}."
    if any(abs(number) > 2 for number in numbers) and max(numbers) <= 255:
        scaled = _listed(tuple(round(number / 255, 4) for number in numbers))
        return f"The {word} is of values from 0 to 1: for 0 to 255 write {scaled}."
    if word == "mean" and not all(0 <= number <= 1 for number in numbers):
        return "The mean is of values from 0 to 1, so it lies between them."
    if word == "std" and not all(0 < number <= 10 for number in numbers):
        return "The std divides the values, so it is more than 0."
    return ""
