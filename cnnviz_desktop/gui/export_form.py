"""Let a person choose how a result is exported: kind of file, size, colours, words, ground."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QWidget,
)

from cnnviz_desktop.data import (
    Comparison,
    Curves,
    Distribution,
    Exemplars,
    FilterBank,
    Maximised,
    Prediction,
    Table,
    Timeline,
    Tuning,
)
from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import (
    ColormapPicker,
    Ground,
    Line,
    Segments,
    fix_size,
    label,
    named,
)
from cnnviz_desktop.gui.export_options import (
    FIGURES,
    LEAST_DPI,
    LEAST_WIDTH,
    MOST_DPI,
    MOST_WIDTH,
    SIZES,
    UNITS,
    ExportOptions,
    choices,
    suffixes,
)
from cnnviz_desktop.gui.shown import Shown

_FORMATS = {
    ".png": ("PNG", "Pixels, for screens and slides"),
    ".svg": ("SVG", "Lines and letters that scale, to be edited in Inkscape or Illustrator"),
    ".pdf": ("PDF", "Lines and letters that scale, for papers and LaTeX"),
    ".npz": ("NPZ", "The numbers themselves, for NumPy: np.load reads them without pickles"),
    ".csv": ("CSV", "All rows as a table, for a spreadsheet; of a prediction all classes"),
}
_SIZES = {
    "natural": ("As it is", "As large as what is on it needs"),
    "column": ("One column, 3.5 in", "Laid out anew for one column of a journal; text keeps size"),
    "page": ("Two columns, 7 in", "The width of a page of print"),
    "slide": ("Slide, 16:9", "The shape of a slide, with text to be read from afar"),
    "own": ("Own width", "Any width; the height follows"),
}
_UNITS = [
    ("in", "in", "Inches"),
    ("cm", "cm", "Centimetres"),
    ("px", "px", "Pixels at the resolution below"),
]
_GROUNDS = [
    ("light", "Light", "Dark letters, for paper and light slides"),
    ("dark", "Dark", "Light letters, for dark slides"),
]


class ExportForm(Ground):
    """The options of one export. Signals: `changed` by the person."""

    changed = Signal()

    def __init__(self, shown: Shown, options: ExportOptions) -> None:
        super().__init__(QPalette.ColorRole.AlternateBase)
        named(self, "exportForm", "How it is exported")
        self._shown = shown
        self._options = options
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(16, 16, 16, 16)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnStretch(1, 1)
        self._of_figures: list[QWidget] = []
        self._make_fields()
        self._lay_out()
        self._show(options)
        self._connect()

    def options(self) -> ExportOptions:
        """Return what is entered."""
        own = self._size.currentData() == "own"
        return replace(
            self._options,
            suffix=self.format.value(),
            size=self._size.currentData(),
            width=self._inches() if own else self._options.width,
            unit=self._unit.value(),
            dpi=self._dpi.value(),
            colour_bar=self._bar.isChecked(),
            captioned=self._captioned.isChecked(),
            dark=self._ground.value() == "dark",
            transparent=self._clear.isChecked(),
            limit=self._limit.value(),
            columns=self._columns.value(),
            colormap=self._colours.currentText() if self._shown.colormaps else "",
            title=self._title.text(),
            caption=self._caption.toPlainText(),
        )

    def set_suffix(self, suffix: str) -> None:
        """Choose the kind of file, where the result can be written as it, without a signal."""
        if suffix in suffixes(self._shown):
            self.format.set_value(suffix)
            self._enable()

    def show_inches(self, width: float) -> None:
        """Show how wide the figure came out, where that is not the person's to say."""
        if self._size.currentData() != "own":
            with QSignalBlocker(self._width):
                self._width.setValue(width * self._per_inch())

    def _make_fields(self) -> None:
        formats = [(key, *_FORMATS[key]) for key in suffixes(self._shown)]
        self.format = Segments(formats, "exportFormat", "Kind of file")
        self._size = QComboBox()
        named(self._size, "exportSize", "Size", "How large the figure is")
        for key, (words, tip) in _SIZES.items():
            self._size.addItem(words, key)
            self._size.setItemData(self._size.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._width = QDoubleSpinBox()
        named(self._width, "exportWidth", "Width", "Width of the figure; its height follows")
        self._unit = Segments(_UNITS, "exportUnit", "Unit")
        self._dpi = QSpinBox()
        self._dpi.setRange(LEAST_DPI, MOST_DPI)
        self._dpi.setSingleStep(50)
        self._dpi.setSuffix(" dpi")
        tip = "Dots per inch: 96 for a screen, 300 for print; in SVG and PDF of the pictures inside"
        named(self._dpi, "exportDpi", "Resolution", tip)
        self._colours = ColormapPicker(self._shown.colormaps or ("gray",), "exportColours")
        self._bar = QCheckBox("Colour bar")
        named(self._bar, "exportColourBar", "Colour bar", "Say below what the colours mean")
        self._limit = _count("exportLimit", *_limited(self._shown))
        tip = "How many stand side by side"
        words = "Inputs" if _is_table(self._shown) else "Columns"
        self._columns = _count("exportColumns", words, tip)
        self._title = QLineEdit()
        self._title.setPlaceholderText(self._shown.title)
        named(self._title, "exportTitle", "Title", "Title in place of the one made for it")
        self._captioned = QCheckBox("Caption")
        named(self._captioned, "exportCaptioned", "Caption", "Write sentences below the pictures")
        self._caption = QPlainTextEdit()
        self._caption.setTabChangesFocus(True)
        self._caption.document().setDocumentMargin(6)
        fix_size(self._caption, height=88)
        named(self._caption, "exportCaption", "Words of the caption", "What stands below")
        self._ground = Segments(_GROUNDS, "exportGround", "Ground")
        self._clear = QCheckBox("Transparent")
        named(self._clear, "exportTransparent", "Transparent ground", "Leave the ground clear")

    def _lay_out(self) -> None:
        follows = choices(self._shown.result)
        self._row("Format", self.format)
        self._line()
        self._row("Size", self._size)
        self._row("Width", _side_by_side(self._width, self._unit))
        self._row("Resolution", self._dpi)
        self._line()
        if self._shown.colormaps:
            self._row("Colours", self._colours)
        if "limit" in follows:
            self._row(self._limit.accessibleName(), self._limit)
        if "columns" in follows:
            self._row(self._columns.accessibleName(), self._columns)
        if "colour_bar" in follows:
            self._row("", self._bar)
        self._row("Ground", _side_by_side(self._ground, self._clear))
        self._line()
        self._row("Title", self._title)
        self._row("", self._captioned)
        self._row("", self._caption)
        self._grid.setRowStretch(self._grid.rowCount(), 1)

    def _row(self, words: str, field: QWidget) -> None:
        row = self._grid.rowCount()
        caption = label(words, muted=True)
        self._grid.addWidget(caption, row, 0)
        self._grid.addWidget(field, row, 1)
        field.show()
        if field is not self.format:
            self._of_figures += [caption, field]

    def _line(self) -> None:
        row = self._grid.rowCount()
        self._grid.setRowMinimumHeight(row, 9)
        self._grid.addWidget(Line(), row, 0, 1, 2, Qt.AlignmentFlag.AlignVCenter)

    def _show(self, options: ExportOptions) -> None:
        """Show options, where the result can be written so."""
        fitting = suffixes(self._shown)
        self.format.set_value(options.suffix if options.suffix in fitting else fitting[0])
        self._size.setCurrentIndex(self._size.findData(options.size))
        self._unit.set_value(options.unit)
        self._dpi.setValue(options.dpi)
        self._fit_width()
        self._width.setValue((SIZES[options.size] or options.width) * self._per_inch())
        colormap = options.colormap or self._shown.look.get("colormap", "")
        if colormap in self._shown.colormaps:
            self._colours.setCurrentText(colormap)
        self._bar.setChecked(options.colour_bar)
        self._limit.setValue(options.limit)
        self._columns.setValue(options.columns)
        self._title.setText(options.title)
        self._captioned.setChecked(options.captioned)
        self._caption.setPlainText(options.caption or self._shown.caption())
        self._ground.set_value("dark" if options.dark else "light")
        self._clear.setChecked(options.transparent)
        self._enable()

    def _connect(self) -> None:
        self._size.activated.connect(self._chose_size)
        self._width.valueChanged.connect(self._typed_width)
        self._unit.picked.connect(self._chose_unit)
        self._dpi.valueChanged.connect(self._changed_dpi)
        for signal in (
            self.format.picked,
            self._colours.colormap_picked,
            self._bar.clicked,
            self._limit.valueChanged,
            self._columns.valueChanged,
            self._title.textEdited,
            self._captioned.clicked,
            self._caption.textChanged,
            self._ground.picked,
            self._clear.clicked,
        ):
            signal.connect(self._tell)

    def _tell(self) -> None:
        self._enable()
        self.changed.emit()

    def _enable(self) -> None:
        figure = self.format.value() in FIGURES
        for widget in self._of_figures:
            widget.setEnabled(figure)
        self._caption.setEnabled(figure and self._captioned.isChecked())

    def _chose_size(self) -> None:
        size = SIZES[self._size.currentData()]
        if size:
            self.show_inches(size)
        self._tell()

    def _typed_width(self) -> None:
        self._size.setCurrentIndex(self._size.findData("own"))
        self._tell()

    def _chose_unit(self) -> None:
        inches = self._width.value() / self._scale
        self._fit_width()
        with QSignalBlocker(self._width):
            self._width.setValue(inches * self._per_inch())
        self._tell()

    def _changed_dpi(self) -> None:
        if self._unit.value() == "px":
            self._chose_unit()
        else:
            self._tell()

    def _fit_width(self) -> None:
        """Count the width in the unit that is on."""
        self._scale = self._per_inch()
        pixels = self._unit.value() == "px"
        with QSignalBlocker(self._width):
            self._width.setDecimals(0 if pixels else 2)
            self._width.setSingleStep(50 if pixels else 0.5)
            self._width.setRange(LEAST_WIDTH * self._scale, MOST_WIDTH * self._scale)

    def _per_inch(self) -> float:
        return UNITS.get(self._unit.value(), float(self._dpi.value()))

    def _inches(self) -> float:
        inches = self._width.value() / self._per_inch()
        return min(max(inches, LEAST_WIDTH), MOST_WIDTH)


def _side_by_side(*widgets: QWidget) -> QWidget:
    pair = QWidget()
    row = QHBoxLayout(pair)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    for place, widget in enumerate(widgets):
        row.addWidget(widget, 1 if place == 0 and len(widgets) > 1 else 0)
    return pair


def _count(name: str, says: str, tip: str) -> QSpinBox:
    field = QSpinBox()
    field.setRange(0, 4096)
    field.setSpecialValueText("Automatic")
    field.setKeyboardTracking(False)
    field.setMinimumWidth(theme.px(96))
    named(field, name, says, tip)
    return field


def _limited(shown: Shown) -> tuple[str, str]:
    """Return what is counted, and a tooltip."""
    match shown.result:
        case Prediction() | Comparison():
            return "Classes", "How many of the likeliest classes are shown"
        case FilterBank():
            return "Filters", "How many filters are shown, strongest first"
        case Maximised():
            return "Pictures", "How many pictures are shown, the strongest"
        case Distribution():
            return "Layers", "How many layers are shown, at even distances"
        case Exemplars():
            return "Channels", "How many channels are shown, the first ones"
        case Tuning():
            return "Channels", "How many channels are shown, the clearest"
        case Curves():
            return "Curves", "How many kinds of curves are shown, the first ones"
        case Timeline():
            return "Checkpoints", "How many checkpoints are shown, evenly spread"
        case Table():
            return "Rows", "How many rows are shown, the first ones"
        case _:
            return "Maps", "How many maps are shown, strongest first"


def _is_table(shown: Shown) -> bool:
    """Tell whether kernels are drawn as a table of filters by inputs."""
    return isinstance(shown.result, FilterBank) and shown.result.values.shape[1] not in (1, 3)
