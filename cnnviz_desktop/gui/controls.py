"""Make the small controls that bars and forms are built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QIcon, QIconEngine, QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QWidget,
)

from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import theme

_TITLE_BAR = 32  # what the system's own bar above a window may take


def named(widget: QWidget, name: str, says: str, tip: str = "") -> None:
    """Give a widget its object name, its name for screen readers and its tooltip."""
    widget.setObjectName(name)
    widget.setAccessibleName(says)
    if tip:
        widget.setToolTip(tip)


def label(text: str, role: theme.FontRole = "body", muted: bool = False) -> QLabel:
    """Return a plain label in a role's font."""
    made = _RoleLabel(text, role)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if muted:
        made.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return made


class _RoleLabel(QLabel):
    """A label that keeps its role's font when the interface is zoomed. It says nothing."""

    def __init__(self, text: str, role: theme.FontRole) -> None:
        super().__init__(text)
        self._role: theme.FontRole = role
        self.setFont(theme.font(role))

    def changeEvent(self, event: QEvent) -> None:
        """Take the role's font again."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self.setFont(theme.font(self._role))
        super().changeEvent(event)


class Icon(QLabel):
    """An icon that only shows, tinted again with the theme. It says nothing."""

    def __init__(self, name: str, role: str = "muted", side: int = 16) -> None:
        super().__init__()
        self._name, self._role, self._side = name, role, side
        self.tint()

    def show_icon(self, name: str, role: str) -> None:
        """Show another icon."""
        self._name, self._role = name, role
        self.tint()

    def tint(self) -> None:
        """Draw the icon in the theme's colour."""
        side = theme.px(self._side)
        ratio = self.devicePixelRatioF()
        self.setPixmap(theme.icon_pixmap(self._name, self._role, side, ratio))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme and the size of the interface."""
        kinds = QEvent.Type
        if event.type() in (kinds.PaletteChange, kinds.ApplicationFontChange):
            self.tint()
        super().changeEvent(event)


def fix_size(
    widget: QWidget, width: int = 0, height: int = 0, least: int = 0, most: int = 0
) -> None:
    """Fix a size, or the least and the most width, given in pixels of the design.

    `rescale` follows a zoomed interface.
    """
    widget.setProperty("design", [width, height, least, most])
    if width:
        widget.setFixedWidth(theme.px(width))
    if height:
        widget.setFixedHeight(theme.px(height))
    if least:
        widget.setMinimumWidth(theme.px(least))
    if most:
        widget.setMaximumWidth(theme.px(most))


def fit_names(combo: QComboBox) -> None:
    """Make the list that a combo opens so wide that no name is cut."""
    view = combo.view()
    view.setMinimumWidth(view.sizeHintForColumn(0) + theme.px(24))


def rescale(window: QWidget) -> None:
    """Set all fixed sizes of a window again, for the size its text has now."""
    for widget in window.findChildren(QWidget):
        design = widget.property("design")
        if isinstance(design, list):
            fix_size(widget, *design)


def fit_screen(dialog: QWidget, width: int, height: int) -> None:
    """Give a window a size in pixels of the design, or as much of it as its screen has."""
    room = dialog.screen().availableSize() - QSize(0, theme.px(_TITLE_BAR))
    dialog.resize(QSize(theme.px(width), theme.px(height)).boundedTo(room))


def icon_button(icon: str, name: str, says: str, tip: str) -> QToolButton:
    """Return a bare button that shows an icon only."""
    button = QToolButton()
    button.setIcon(theme.icon(icon))
    button.setAutoRaise(True)
    fix_size(button, 28, 28)
    named(button, name, says, tip)
    return button


def push_button(text: str, name: str, tip: str, icon: str = "") -> QPushButton:
    """Return a button with words."""
    button = QPushButton(f" {text}" if icon else text)  # room between icon and words
    if icon:
        button.setIcon(theme.icon(icon))
    named(button, name, text.replace("&", "").rstrip("…"), tip)
    return button


def link(text: str, name: str, tip: str) -> QPushButton:
    """Return words that act: a flat button in the link colour."""
    button = push_button(text, name, tip)
    button.setFlat(True)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    return button


def framed(widget: QWidget) -> QHBoxLayout:
    """Return a row that keeps the dock's margin of 12 beside a widget."""
    row = QHBoxLayout()
    row.setContentsMargins(12, 0, 12, 0)
    row.addWidget(widget)
    return row


class Line(QFrame):
    """A line of one pixel in the border colour."""

    def __init__(self, orientation: Qt.Orientation = Qt.Orientation.Horizontal) -> None:
        super().__init__()
        if orientation == Qt.Orientation.Horizontal:
            self.setFixedHeight(1)
        else:
            self.setFixedWidth(1)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill with the border colour."""
        QPainter(self).fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Mid))


class Ground(QWidget):
    """A widget on a ground of the palette. It says nothing."""

    def __init__(self, role: QPalette.ColorRole, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._role = role

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill with the ground's colour."""
        QPainter(self).fillRect(self.rect(), self.palette().color(self._role))


class _Segment(QPushButton):
    """One of the options: as narrow as its words allow. It says nothing of its own."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Ask for the words and a little room."""
        words = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(words + theme.px(20), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Keep the words whole."""
        return self.sizeHint()


class Segments(QWidget):
    """One of a few options side by side. Signals: `picked` (option)."""

    picked = Signal(str)

    def __init__(self, options: Sequence[tuple[str, str, str]], name: str, says: str) -> None:
        """Take the options as (value, text, tooltip)."""
        super().__init__()
        named(self, name, says)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self._group = QButtonGroup(self)
        self._values = [value for value, _text, _tip in options]
        for index, (value, text, tip) in enumerate(options):
            button = _Segment(text)
            named(button, f"{name}_{value}", f"{says}: {text}", tip)
            button.setAutoDefault(False)  # Enter is for what a dialog is there for
            self._group.addButton(button, index)
            row.addWidget(button)
        self._group.buttons()[0].setChecked(True)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._group.idClicked.connect(self._clicked)

    def value(self) -> str:
        """Return the option that is on."""
        return self._values[self._group.checkedId()]

    def set_value(self, value: str) -> None:
        """Turn an option on, without a signal."""
        self._group.button(self._values.index(value)).setChecked(True)

    def show_option(self, value: str, shown: bool) -> None:
        """Offer an option, or leave it out where it means nothing."""
        self._group.button(self._values.index(value)).setVisible(shown)

    def _clicked(self, index: int) -> None:
        self.picked.emit(self._values[index])


class Slide(QWidget):
    """A slider with its label and value. Signals: `moved` (value)."""

    moved = Signal(float)

    def __init__(
        self,
        text: str,
        name: str,
        tip: str,
        low: float,
        high: float,
        step: float,
        *,
        numbered: bool = True,
        icon: str = "",
    ) -> None:
        super().__init__()
        self._low, self._step = low, step
        self._digits = max(0, len(f"{step:g}".partition(".")[2]))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        if text:
            caption = label(text, muted=True)
            caption.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            row.addWidget(caption)
        if icon:
            row.addWidget(Icon(icon))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, round((high - low) / step))
        fix_size(self.slider, least=40, most=160)
        named(self.slider, name, text or tip.partition(" (")[0], tip)
        row.addWidget(self.slider, 1)
        self._widest = f"{high:.{self._digits}f}"
        self._shown = label("")
        self._fit_fonts()
        row.addWidget(self._shown)
        self._shown.setVisible(numbered)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.slider.valueChanged.connect(self._changed)
        self._show()

    def value(self) -> float:
        """Return the value."""
        return self._low + self.slider.value() * self._step

    def set_value(self, value: float) -> None:
        """Move to a value, without a signal."""
        self.slider.blockSignals(True)
        self.slider.setValue(round((value - self._low) / self._step))
        self.slider.blockSignals(False)
        self._show()

    def changeEvent(self, event: QEvent) -> None:
        """Keep room for the value in another font."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._fit_fonts()
        super().changeEvent(event)

    def _fit_fonts(self) -> None:
        metrics = QFontMetrics(theme.font("body"))
        self._shown.setMinimumWidth(metrics.horizontalAdvance(self._widest))

    def _changed(self) -> None:
        self._show()
        self.moved.emit(self.value())

    def _show(self) -> None:
        self._shown.setText(f"{self.value():.{self._digits}f}")


class ElidedCombo(QComboBox):
    """A list whose long entries are cut in the middle while it is closed. It adds no signal."""

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the field with as much of the entry as fits."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        kind = QStyle.ComplexControl.CC_ComboBox
        room = self.style().subControlRect(kind, option, part, self).width() - 4
        mode = Qt.TextElideMode.ElideMiddle
        option.currentText = self.fontMetrics().elidedText(self.currentText(), mode, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class ColormapPicker(QComboBox):
    """Choose a colour map by its look. Signals: `colormap_picked` (name)."""

    colormap_picked = Signal(str)

    def __init__(self, maps: Sequence[str], name: str) -> None:
        super().__init__()
        named(
            self,
            name,
            "Colour map",
            "Colours of the values. All of them are read right by colour-blind people.",
        )
        self._widest = tuple(maps)
        self._maps: tuple[str, ...] = ()
        self._preferred: Mapping[str, str] = {}
        self._fit_fonts()
        self.set_maps(maps)
        self.activated.connect(self._picked)

    def set_maps(self, maps: Sequence[str]) -> None:
        """Offer these colour maps; where the old one is not among them, choose the preferred one.

        The first is the usual one.
        """
        if tuple(maps) == self._maps:
            return
        old = self.currentText()
        self._maps = tuple(maps)
        self.clear()
        for item in maps:
            self.addItem(swatch(item), item)
        self.setCurrentText(old if old in self._maps else self._wanted())

    def prefer(self, preferred: Mapping[str, str]) -> None:
        """Choose what a person prefers in place of usual colour maps, by the names of those."""
        self._preferred = preferred
        if self.currentText() != self._wanted():
            self.setCurrentText(self._wanted())
            self._picked()

    def _wanted(self) -> str:
        wanted = self._preferred.get(self._maps[0], "")
        return wanted if wanted in self._maps else self._maps[0]

    def changeEvent(self, event: QEvent) -> None:
        """Follow the size of the interface."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            self._fit_fonts()
        super().changeEvent(event)

    def _fit_fonts(self) -> None:
        """Keep room for strip and name of every colour map."""
        metrics = QFontMetrics(theme.font("body"))
        names = max(metrics.horizontalAdvance(name) for name in self._widest)
        self.setIconSize(QSize(theme.px(36), theme.px(12)))
        self.setMinimumWidth(theme.px(36 + 38) + names)

    def _picked(self) -> None:
        self.colormap_picked.emit(self.currentText())


class _Swatch(QIconEngine):
    """Draw a strip of a colour map, unpacked when it is first seen."""

    def __init__(self, colormap: str) -> None:
        super().__init__()
        self._colormap = colormap

    def clone(self) -> QIconEngine:
        """Return another engine that draws the same."""
        return _Swatch(self._colormap)

    def paint(self, painter: QPainter, rect: QRect, _mode: QIcon.Mode, _state: QIcon.State) -> None:
        """Fill the rectangle with the colours from left to right."""
        image = QImage(style.colours(self._colormap), 256, 1, 256 * 3, QImage.Format.Format_RGB888)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(rect, image)


def swatch(colormap: str) -> QIcon:
    """Return a strip of a colour map, as long and as high as the place it is drawn in."""
    return QIcon(_Swatch(colormap))
