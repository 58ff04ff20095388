"""Tell what went wrong in a strip over the canvas: one sentence, what to do, never in the way."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.controls import Icon, icon_button, named

Level = Literal["info", "warning", "error"]

_GROUNDS = {"info": "selection", "warning": "warning_ground", "error": "error_ground"}
_COLOURS = {"info": "on_selection", "warning": "warning", "error": "error"}


class MessageBar(QFrame):
    """One message at a time.

    Signals: `acted` its button was pressed; `acted_otherwise` the second one was; `dismissed`;
    `left` it is gone and had the keyboard.
    """

    acted = Signal()
    acted_otherwise = Signal()
    dismissed = Signal()
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "messageBar", "Message")
        self._level: Level = "info"
        self._topic = ""
        self._icon = Icon(self._level)
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        named(self._text, "messageText", "Message")
        self._action, self._other = QPushButton(), QPushButton()
        named(self._action, "messageAction", "What to do")
        named(self._other, "messageOtherAction", "What else to do")
        close = icon_button("close", "messageClose", "Dismiss", "Dismiss this message")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        self._beside, self._below = QHBoxLayout(), QHBoxLayout()
        self._below.setContentsMargins(24, 0, 0, 0)  # under the words
        for button in (self._action, self._other):
            button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            self._beside.addWidget(button)
        row.addLayout(self._beside)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 6, 8, 6)
        whole.setSpacing(6)
        whole.addLayout(row)
        whole.addLayout(self._below)
        self._action.clicked.connect(self._act)
        self._other.clicked.connect(self._act_otherwise)
        close.clicked.connect(self.dismiss)
        self.hide()

    @property
    def level(self) -> Level:
        """Return how bad it is."""
        return self._level

    @property
    def topic(self) -> str:
        """Return what the message is about, "" for the whole window."""
        return self._topic

    def text(self) -> str:
        """Return the sentence, "" when nothing is shown."""
        return "" if self.isHidden() else self._text.text()

    def tell(
        self, level: Level, text: str, action: str = "", topic: str = "", other: str = ""
    ) -> None:
        """Show a sentence; `action` names its button, `other` a second one."""
        self._level, self._topic = level, topic
        self._text.setText(text)
        self._text.setAccessibleName(f"{level.capitalize()}: {text}")
        for button, words in ((self._action, action), (self._other, other)):
            button.setText(words)
            button.setAccessibleName(words)
            button.setToolTip(words)
            button.setVisible(bool(words))
        self._arrange(below=bool(other))
        self._icon.show_icon(level, _COLOURS[level])
        self.show()
        self.updateGeometry()

    def settle(self, topic: str) -> None:
        """Take a message away whose matter has been settled."""
        if not self.isHidden() and self._topic == topic:
            self._leave()

    def dismiss(self) -> None:
        """Take the message away."""
        self._leave()
        self.dismissed.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill with the level's ground; a line below."""
        painter = QPainter(self)
        colours = theme.current()
        painter.fillRect(self.rect(), getattr(colours, _GROUNDS[self._level]))
        line = QRectF(0, self.height() - 1, self.width(), 1)
        painter.fillRect(line, colours.border)

    def _arrange(self, below: bool) -> None:
        """Put two buttons below the words, which would be squeezed beside them."""
        for row in (self._beside, self._below):
            while row.count():
                row.takeAt(0)
        row = self._below if below else self._beside
        row.addWidget(self._action)
        row.addWidget(self._other)
        if below:
            row.addStretch(1)

    def _leave(self) -> None:
        held = self.window().focusWidget()
        had = held is not None and self.isAncestorOf(held)
        self.hide()
        if had:  # else Qt gives it to the first button of the window
            self.left.emit()

    def _act(self) -> None:
        self._leave()
        self.acted.emit()

    def _act_otherwise(self) -> None:
        self._leave()
        self.acted_otherwise.emit()
