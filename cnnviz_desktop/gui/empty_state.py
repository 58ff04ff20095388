"""Say in one sentence why there is nothing to see, and in another what to do next."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from cnnviz_desktop.gui import theme

_WRAP = int(Qt.AlignmentFlag.AlignHCenter) | int(Qt.TextFlag.TextWordWrap)


def paint_empty(painter: QPainter, room: QRect, title: str, step: str, icon: str = "") -> None:
    """Paint a title and the next step in the middle of a rectangle."""
    width = max(40, min(room.width() - 24, theme.px(420)))
    strong, body = theme.font("strong"), theme.font("secondary")
    limit = QRect(0, 0, width, 4000)
    high = QFontMetrics(strong).boundingRect(limit, _WRAP, title).height() if title else 0
    low = QFontMetrics(body).boundingRect(limit, _WRAP, step).height() if step else 0
    side = theme.px(28) if icon else 0
    gap = 12 if icon else 0
    top = room.center().y() - (high + low + side + gap + 4) // 2
    left = room.center().x() - width // 2
    if icon:
        ratio = painter.device().devicePixelRatioF()
        pixmap = theme.icon_pixmap(icon, "muted", side, ratio)
        painter.drawPixmap(room.center().x() - side // 2, top, pixmap)
        top += side + gap
    painter.setFont(strong)
    painter.setPen(theme.current().text)
    painter.drawText(QRectF(left, top, width, high + 2), _WRAP, title)
    painter.setFont(body)
    painter.setPen(theme.current().muted)
    painter.drawText(QRectF(left, top + high + 4, width, low + 2), _WRAP, step)


class EmptyState(QWidget):
    """One sentence and the next step, where a picture or a list will be."""

    def __init__(self, title: str, step: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._step = step
        self.setAccessibleName(f"{title} {step}".strip())

    def set_text(self, title: str, step: str = "") -> None:
        """Say something else."""
        self._title, self._step = title, step
        self.setAccessibleName(f"{title} {step}".strip())
        self.update()

    def text(self) -> str:
        """Return both sentences."""
        return f"{self._title} {self._step}".strip()

    def minimumSizeHint(self) -> QSize:
        """Ask for room for two short lines."""
        return QSize(120, 72)

    def changeEvent(self, event: QEvent) -> None:
        """Repaint in the colours that are on."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationFontChange):
            self.update()
        super().changeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the two sentences."""
        painter = QPainter(self)
        paint_empty(painter, self.rect(), self._title, self._step)
