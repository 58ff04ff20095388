"""Hold the rarer choices of a bar in a panel that opens below a button."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import named


class MorePanel(QFrame):
    """The panel: controls below each other, walked with Tab, closed with Esc. It says nothing."""

    def __init__(self, name: str, says: str, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        named(self, name, says)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 12, 12, 12)
        self._column.setSpacing(8)

    def add(self, widget: QWidget) -> None:
        """Add a control below the others."""
        self._column.addWidget(widget)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill with the ground of a panel, in a thin line."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.Mid))
        painter.setBrush(self.palette().color(QPalette.ColorRole.AlternateBase))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close with Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)


class MoreButton(QToolButton):
    """The button that opens a panel; a dot tells that something in it is on."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        named(self, name, "More ways to draw", tip)
        self.setText("More")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.panel = MorePanel(f"{name}Panel", "More ways to draw", self)
        self._in_use = False
        self.clicked.connect(self.open)

    def sizeHint(self) -> QSize:
        """Ask for the word and a little room."""
        words = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(words + theme.px(18), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Keep the word whole."""
        return self.sizeHint()

    def open(self) -> None:
        """Show the panel below the button, within the screen, the keyboard in its first control."""
        panel = self.panel
        panel.adjustSize()
        corner = self.mapToGlobal(QPoint(0, self.height() + 2))
        room = self.screen().availableGeometry()
        corner.setX(max(room.left(), min(corner.x(), room.right() - panel.width())))
        corner.setY(max(room.top(), min(corner.y(), room.bottom() - panel.height())))
        panel.move(corner)
        panel.show()
        first = next((item for item in panel.findChildren(QWidget) if _takes_keys(item)), None)
        if first is not None:
            first.setFocus(Qt.FocusReason.TabFocusReason)

    def set_in_use(self, on: bool) -> None:
        """Show that something in the panel is not as usual."""
        if on != self._in_use:
            self._in_use = on
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the button, and a dot where something in its panel is on."""
        super().paintEvent(event)
        if self._in_use:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.current().accent)
            side = theme.px(6)
            painter.drawEllipse(self.width() - side - theme.px(3), theme.px(3), side, side)

    def changeEvent(self, event: QEvent) -> None:
        """Ask for another width with another font."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self.updateGeometry()
        super().changeEvent(event)


def _takes_keys(widget: QWidget) -> bool:
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) and widget.isEnabled()
