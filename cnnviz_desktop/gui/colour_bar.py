"""Show a colour map with the real values of its ends."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from cnnviz_desktop.data import Pixels
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import Ground, fix_size, label, named
from cnnviz_desktop.gui.labels import ElidedLabel
from cnnviz_desktop.gui.qimages import qimage_of

_SHORTEST = 40


class ColourBar(QWidget):
    """A colour map from its low to its high value; signed ones show their zero as well."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colormap = style.SEQUENTIAL
        self._ends = ("0", "")
        self._signed = False
        self._gamma = 1.0
        self.setObjectName("colourBar")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._describe()

    def show_scale(
        self, colormap: str, low: float, high: float, *, gamma: float = 1.0, note: str = ""
    ) -> None:
        """Show a colour map from low to high, or to a note such as "each map's maximum"."""
        self._colormap = colormap
        self._signed = low < 0
        self._gamma = gamma
        self._ends = (labels.value(low), note or labels.value(high))
        if note and low < 0:
            self._ends = (labels.MINUS, note)
        self._describe()
        self.updateGeometry()
        self.update()

    def ends(self) -> tuple[str, str]:
        """Return what stands at both ends."""
        return self._ends

    def sizeHint(self) -> QSize:
        """Ask for a caption's height, and one line more for the zero of signed maps."""
        height = self.fontMetrics().height()
        return QSize(160, height + (height if self._signed else 4))

    def minimumSizeHint(self) -> QSize:
        """Ask for both numbers and a short bar."""
        metrics = self.fontMetrics()
        words = sum(metrics.horizontalAdvance(text) + 6 for text in self._ends)
        return QSize(_SHORTEST + min(words, 160), self.sizeHint().height())

    def changeEvent(self, event: QEvent) -> None:
        """Take the font again when the application's font changed."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self.setFont(theme.font("caption"))
        super().changeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint low value, bar, high value."""
        painter = QPainter(self)
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.current().muted)
        metrics = painter.fontMetrics()
        low, high = self._ends
        line = QRect(0, 0, self.width(), metrics.height() + 2)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignLeft, low)
        left = metrics.horizontalAdvance(low) + 6 if low else 0
        room = self.width() - left - _SHORTEST - 6
        high = metrics.elidedText(high, Qt.TextElideMode.ElideRight, max(0, room))
        right = self.width() - (metrics.horizontalAdvance(high) + 6 if high else 0)
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, high)
        tall = theme.px(6)
        bar = QRect(left, line.center().y() - tall // 2 + 1, max(1, right - left), tall)
        painter.drawPixmap(bar, self._strip())
        if self._signed:
            centre = bar.center().x()
            painter.fillRect(centre, bar.bottom() + 1, 1, 3, theme.current().muted)
            below = QRect(centre - 20, bar.bottom() + 3, 40, metrics.height())
            painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "0")

    def _strip(self) -> QPixmap:
        """Return the colours as one row of pixels, spaced as the values are."""
        return QPixmap.fromImage(colour_row(self._colormap, self._gamma, signed=self._signed))

    def _describe(self) -> None:
        self.setFont(theme.font("caption"))
        low, high = self._ends
        self.setAccessibleName(f"Colours {self._colormap} from {low} to {high}")
        bend = f" Gamma {self._gamma:g} lifts faint values." if self._gamma != 1 else ""
        centre = " The middle is zero." if self._signed else ""
        self.setToolTip(f"{self._colormap}: {low} to {high}.{centre}{bend}")


class ScaleFoot(Ground):
    """The line below a picture: what its colours mean, and what is under the mouse."""

    def __init__(self, name: str, says: str) -> None:
        """Take the object name and the accessible name of the value under the mouse."""
        super().__init__(QPalette.ColorRole.AlternateBase)
        fix_size(self, height=36)
        self.bar = ColourBar()
        fix_size(self.bar, most=280)
        self._about = ElidedLabel(role="caption", muted=True)
        self._about.hide()
        self._here = label("", "secondary", muted=True)
        named(self._here, name, says)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(16)
        row.addWidget(self.bar, 1)
        row.addWidget(self._about, 1)
        row.addStretch(1)
        row.addWidget(self._here)

    def show_note(self, text: str) -> None:
        """Show words where no bar can say what the colours mean; "" shows the bar again."""
        self._about.setText(text)
        self._about.setVisible(bool(text))
        self.bar.setVisible(not text)

    def point_at(self, text: str) -> None:
        """Say what is under the mouse."""
        self._here.setText(text)


def colour_row(name: str, gamma: float = 1.0, *, signed: bool = False) -> QImage:
    """Return a colour map as an image one pixel high, evenly spaced in value."""
    share = np.linspace(-1, 1, 256) if signed else np.linspace(0, 1, 256)
    bent = np.sign(share) * np.abs(share) ** gamma
    places = (bent + 1) / 2 if signed else bent
    row: Pixels = style.lut(name)[np.round(places * 255).astype(np.intp)][None]
    return qimage_of(row)
