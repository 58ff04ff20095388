"""Show what to do while there is no picture: drop one, open one, or start from a sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QPainter, QPaintEvent, QPalette, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.controls import Ground, Icon, Line, label, named, push_button
from cnnviz_desktop.gui.drops import paint_dashes

_ADVICE = (
    ("layers", "Walk the layers", "Arrow keys move through the tree; the view follows."),
    ("grid", "Pick a map", "Click a tile: that channel becomes the selected unit in every tab."),
    ("search", "Ask why", "Explain marks the pixels behind the answer."),
)
_WIDTH = 696
_SIDE = 96


class EmptyPage(Ground):
    """The page of a session without pictures.

    Signals: `open_requested`, `paste_requested`; `sample_chosen` (path).
    """

    open_requested = Signal()
    paste_requested = Signal()
    sample_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(QPalette.ColorRole.Base, parent)
        named(self, "emptyPage", "No picture yet")
        self.recent = QMenu(self)
        self.recent.setToolTipsVisible(True)
        self._offered: tuple[Path, ...] = ()

    def show_samples(self, samples: Sequence[Path]) -> None:
        """Offer the sample pictures, which are small PNG files of our own."""
        self._offered = tuple(samples)

    def event(self, event: QEvent) -> bool:
        """Fill the page when it is about to be seen: most sessions never do."""
        if event.type() == QEvent.Type.Polish and self.layout() is None:
            self._fill()
        return super().event(event)

    def _fill(self) -> None:
        inside = QWidget()
        inside.setMaximumWidth(theme.px(_WIDTH))
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, theme.px(40), 0, theme.px(24))
        column.setSpacing(8)
        column.addWidget(label("See what the network sees", "display"))
        says = "Drop a picture. The model answers at once, and every layer behind the answer opens."
        column.addWidget(label(says, muted=True))
        column.addSpacing(8)
        column.addWidget(self._make_zone())
        column.addSpacing(16)
        head = QHBoxLayout()
        head.addWidget(label("Or start from a sample", "strong"))
        head.addStretch(1)
        head.addWidget(label("drawn for the bundled model", "secondary", muted=True))
        column.addLayout(head)
        column.addWidget(self._make_samples())
        column.addSpacing(8)
        column.addWidget(Line())
        column.addSpacing(8)
        column.addLayout(self._make_advice())
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        named(scroll, "emptyScroll", "No picture yet")
        centre = Ground(QPalette.ColorRole.Base)
        row = QHBoxLayout(centre)
        row.addStretch(1)
        row.addWidget(inside, 100)
        row.addStretch(1)
        scroll.setWidget(centre)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def _make_zone(self) -> QWidget:
        zone = _Zone()
        column = QVBoxLayout(zone)
        column.setContentsMargins(16, theme.px(28), 16, theme.px(28))
        column.setSpacing(8)
        icon = Icon("drop", "accent", 32)
        icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = label("Drop a picture or a folder here", "strong")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        forms = "PNG, JPEG, WebP, TIFF, AVIF; from files or straight from a browser"
        about = label(forms, "secondary", muted=True)
        about.setAlignment(Qt.AlignmentFlag.AlignCenter)
        opener = push_button(
            f"Open{labels.ELLIPSIS}", "emptyOpen", "Choose pictures (Ctrl+O)", "folder"
        )
        opener.setProperty("primary", True)
        opener.setIcon(theme.icon("folder", "on_accent"))
        paste = push_button(
            "Paste", "emptyPaste", "Take the picture on the clipboard (Ctrl+V)", "clipboard"
        )
        recent = push_button("Recent", "emptyRecent", "Pictures that were open before")
        recent.setMenu(self.recent)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for button in (opener, paste, recent):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column.addWidget(icon)
        column.addWidget(title)
        column.addWidget(about)
        column.addSpacing(4)
        column.addLayout(buttons)
        opener.clicked.connect(self.open_requested)
        paste.clicked.connect(self.paste_requested)
        return zone

    def _make_samples(self) -> QListWidget:
        strip = _Samples()
        for path in self._offered:
            words = path.stem.replace("-", " ").replace("_", " ")
            item = QListWidgetItem(QIcon(QPixmap(str(path))), words, strip)
            item.setData(Qt.ItemDataRole.UserRole, path)
            item.setToolTip(f"Open {path.name}")
        strip.itemActivated.connect(self._chose)
        strip.itemClicked.connect(self._chose)
        return strip

    def _make_advice(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(24)
        for icon, title, text in _ADVICE:
            column = QVBoxLayout()
            column.setSpacing(4)
            column.addWidget(label(title, "strong"))
            says = label(text, "secondary", muted=True)
            says.setWordWrap(True)
            column.addWidget(says)
            column.addStretch(1)
            piece = QHBoxLayout()
            piece.setSpacing(8)
            piece.addWidget(Icon(icon), 0, Qt.AlignmentFlag.AlignTop)
            piece.addLayout(column, 1)
            row.addLayout(piece, 1)
        return row

    def _chose(self, item: QListWidgetItem) -> None:
        self.sample_chosen.emit(item.data(Qt.ItemDataRole.UserRole))


class _Zone(QWidget):
    """The dashed frame around what can be done."""

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill with the panel's ground and dash the outline."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().panel)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        paint_dashes(painter, box, active=False)


class _Samples(QListWidget):
    """A row of sample pictures; Enter or a click opens one."""

    def __init__(self) -> None:
        super().__init__()
        named(self, "sampleList", "Sample pictures", "Pictures that the bundled model knows")
        self.setViewMode(QListWidget.ViewMode.IconMode)
        self.setFlow(QListWidget.Flow.LeftToRight)
        self.setMovement(QListWidget.Movement.Static)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setWrapping(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setIconSize(QSize(theme.px(_SIDE), theme.px(_SIDE)))
        self.setGridSize(QSize(theme.px(_SIDE + 20), theme.px(_SIDE + 32)))
        self.setFixedHeight(theme.px(_SIDE + 48))
        self.setFont(theme.font("caption"))
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setViewportMargins(-theme.px(10), 0, 0, 0)  # the first begins where the title does

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the current sample with Enter."""
        item = self.currentItem()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and item is not None:
            self.itemActivated.emit(item)
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Keep the caption font when the application's changes."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self.setFont(theme.font("caption"))
        super().changeEvent(event)
