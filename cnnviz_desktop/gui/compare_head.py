"""Say which two pictures are compared, and choose the second."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QWidget

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.gui.colour_bar import ColourBar
from cnnviz_desktop.gui.controls import ElidedCombo, Ground, fix_size, icon_button, label, named
from cnnviz_desktop.gui.labels import ElidedLabel
from cnnviz_desktop.gui.pictures import Pictures


class CompareHead(Ground):
    """The line above tiles of three maps each: the picture's, another one's, their difference.

    Signals: `chosen(int)` the key of another picture; `export_requested`; `closed`.
    """

    chosen = Signal(int)
    export_requested = Signal()
    closed = Signal()

    def __init__(self, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.Window, parent)
        named(self, "compareHead", "Two pictures side by side")
        fix_size(self, height=40)
        self._pictures = pictures
        self._mine = ElidedLabel(role="secondary")
        self._mine.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._other = ElidedCombo()
        self._other.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        named(
            self._other,
            "compareWith",
            "The other picture",
            "Its maps stand in the middle of each tile, the difference at the right. A pair of "
            "maps shares one scale; the difference has its own, zero in the middle",
        )
        self._legend = ElidedLabel(role="caption", muted=True)
        named(self._legend, "compareLegend", "What the difference means")
        self._export = icon_button(
            "export",
            "compareExport",
            "Export both and the difference",
            "Write both pictures' maps and their difference: figures (PNG), numbers (NPZ) and a "
            "table of the channels (CSV)",
        )
        close = icon_button("close", "compareClose", "Stop comparing", "One picture again (C)")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 12, 0)
        row.setSpacing(8)
        row.addWidget(self._mine)
        row.addWidget(label("beside", "secondary", muted=True))
        row.addWidget(self._other)
        row.addWidget(self._legend, 1)
        self._bar = ColourBar()
        self._bar.setObjectName("differenceBar")
        fix_size(self._bar, least=170, most=200)
        row.addWidget(self._bar)
        row.addWidget(self._export)
        row.addWidget(close)
        self._other.activated.connect(self._choose)
        self._export.clicked.connect(self.export_requested)
        close.clicked.connect(self.closed)
        self.hide()

    def show_pair(self, image: ImageInput | None, other: int, mine: int, legend: str) -> None:
        """Name the picture, list the others with one chosen, and say what there is to see."""
        self._mine.setText(image.name if image is not None else "")
        self._legend.setText(legend)
        keys = [key for key in self._pictures if key != mine]
        if keys != [self._other.itemData(row) for row in range(self._other.count())]:
            self._other.clear()
            for key in keys:
                self._other.addItem(self._pictures[key].image.name, key)
        self._other.setCurrentIndex(self._other.findData(other))

    def show_scale(self, colormap: str, high: float, gamma: float, note: str) -> None:
        """Show what the colours of the difference mean; a `high` of 0 shows no bar."""
        self._bar.setVisible(high > 0)
        self._export.setEnabled(high > 0)
        self._bar.show_scale(colormap, -high, high, gamma=gamma, note=note)

    def _choose(self) -> None:
        self.chosen.emit(self._other.currentData())
