"""Write numbers and labels as the window shows them: thin spaces, true minus, elided when long."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from cnnviz_desktop.gui import theme

THIN = "\u2009"  # between thousands and before units
MINUS = "\u2212"
TIMES = "\u00d7"
ELLIPSIS = "\u2026"
DOT = "\u00b7"

_BESIDE = 8  # between a title and its subtitle


def whole(number: int) -> str:
    """Return an integer with thin spaces between thousands and a true minus."""
    return f"{number:,}".replace(",", THIN).replace("-", MINUS)


def many(number: int, word: str) -> str:
    """Return a count and what is counted: "1 map", "1 024 maps"."""
    return f"{whole(number)} {word}{'s' if number != 1 else ''}"


def value(number: float) -> str:
    """Return a measured value in at most about five figures: 2 965, 0.25, −13.4, 1.2e−7."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "∞" if number > 0 else MINUS + "∞"
    size = abs(number)
    if size == 0:
        return "0"
    if size >= 1e7 or size < 1e-3:
        mantissa, _, exponent = f"{number:.1e}".partition("e")
        return f"{mantissa}e{int(exponent)}".replace("-", MINUS)
    if size >= 99.95:
        return whole(round(number))
    digits = 1 if size >= 9.995 else 2 if size >= 0.0995 else 3
    return f"{number:.{digits}f}".replace("-", MINUS)


def percent(share: float) -> str:
    """Return a share of 1 as per cent with one digit, never rounding up to a false 100."""
    if math.isnan(share):
        return f"NaN{THIN}%"
    if 0.9995 <= share < 1:
        return f">99.9{THIN}%"
    if 0 < share < 0.0005:
        return f"<0.1{THIN}%"
    return f"{100 * share:.1f}{THIN}%"


def count(number: int) -> str:
    """Return a count of parameters in words of scale: 740, 1.25 M, 138 M."""
    for scale, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if number >= 0.9995 * scale:  # what would be written as a thousand of the next
            share = number / scale
            digits = 0 if share >= 99.95 else 1 if share >= 9.995 else 2
            return f"{share:.{digits}f}{THIN}{unit}"
    return str(number)


def shape(sizes: tuple[int, ...] | None) -> str:
    """Return a shape as 96×109×109, or a dash where there is none."""
    return TIMES.join(str(size) for size in sizes) if sizes else "–"


class ElidedLabel(QWidget):
    """One line of text that gives way: cut with an ellipsis, whole in its tooltip."""

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        *,
        role: theme.FontRole = "body",
        muted: bool = False,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        super().__init__(parent)
        self._text = ""
        self._hint = ""
        self._role: theme.FontRole = role
        self._muted = muted
        self._mode = mode
        self._align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        self.setFont(theme.font(role))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def text(self) -> str:
        """Return the whole text."""
        return self._text

    def setText(self, text: str) -> None:
        """Show another text."""
        if text == self._text:
            return
        self._text = text
        self.setAccessibleName(text)
        self.updateGeometry()
        self._refresh_tip()
        self.update()

    def set_hint(self, hint: str) -> None:
        """Set what the tooltip adds below the whole text."""
        self._hint = hint
        self._refresh_tip()

    def set_muted(self, muted: bool) -> None:
        """Paint the text in the muted colour or in the text's own."""
        self._muted = muted
        self.update()

    def setAlignment(self, alignment: Qt.AlignmentFlag) -> None:
        """Set where the text stands in a wider label."""
        self._align = alignment
        self.update()

    def elided(self) -> bool:
        """Tell whether the text does not fit."""
        return self.fontMetrics().horizontalAdvance(self._text) > self.width()

    def sizeHint(self) -> QSize:
        """Ask for room for the whole text."""
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self._text) + 1, metrics.height() + 2)

    def minimumSizeHint(self) -> QSize:
        """Ask for room for a few letters at least."""
        metrics = self.fontMetrics()
        room = min(metrics.horizontalAdvance("mmm" + ELLIPSIS), self.sizeHint().width())
        return QSize(room, metrics.height() + 2)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the text, cut to the width there is."""
        painter = QPainter(self)
        palette = QPalette.ColorRole
        role = palette.PlaceholderText if self._muted else palette.WindowText
        painter.setPen(self.palette().color(role))
        text = self.fontMetrics().elidedText(self._text, self._mode, self.width())
        painter.drawText(self.rect(), self._align | Qt.TextFlag.TextSingleLine, text)

    def changeEvent(self, event: QEvent) -> None:
        """Take the role's font again when the application's font changed."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self.setFont(theme.font(self._role))
        super().changeEvent(event)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Offer the whole text as tooltip only where it is cut."""
        self._refresh_tip()

    def _refresh_tip(self) -> None:
        whole_text = self._text if self.elided() else ""
        self.setToolTip("\n".join(part for part in (whole_text, self._hint) if part))


class TitleLine(QWidget):
    """A title and, in the room it leaves, a subtitle.

    Placed by hand: in a layout every change of their texts would lay out and paint the whole page.
    """

    def __init__(self, title: ElidedLabel, about: ElidedLabel) -> None:
        super().__init__()
        self._title, self._about = title, about
        for part in (title, about):
            part.setParent(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def minimumSizeHint(self) -> QSize:
        """Ask for room for a few letters of both."""
        least = [part.minimumSizeHint() for part in (self._title, self._about)]
        return QSize(least[0].width() + _BESIDE + least[1].width(), least[0].height())

    def sizeHint(self) -> QSize:
        """Ask for no more: the line takes what is left."""
        return self.minimumSizeHint()

    def event(self, event: QEvent) -> bool:
        """Place the texts anew when one of them has changed."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._place()
        return super().event(event)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Place the texts in the new width."""
        self._place()

    def showEvent(self, event: QShowEvent) -> None:
        """Place the texts that came while nobody saw them."""
        super().showEvent(event)
        self._place()

    def _place(self) -> None:
        room = max(0, self.width() - _BESIDE - self._about.minimumSizeHint().width())
        wide = min(self._title.sizeHint().width(), room)
        high = max(self._title.sizeHint().height(), self._about.sizeHint().height())
        top = (self.height() - high) // 2
        self._title.setGeometry(0, top, wide, high)
        left = wide + _BESIDE
        self._about.setGeometry(left, top, max(0, self.width() - left), high)
