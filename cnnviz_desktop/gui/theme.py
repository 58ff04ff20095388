"""Hold every colour, icon and font of the window's chrome, in light and dark.

The look is Fusion with one `QPalette`, drawn flat by `flat_style`. Hex values stand here and in
`figures/style.py` (colours of data) and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from inspect import isfunction
from typing import ClassVar, Literal

from PySide6.QtCore import QByteArray, QEvent, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontInfo,
    QIcon,
    QIconEngine,
    QImage,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from cnnviz_desktop.gui.flat_style import FlatStyle
from cnnviz_desktop.resources import resource

ThemeName = Literal["light", "dark"]
FontRole = Literal["body", "strong", "secondary", "caption", "title", "display"]


@dataclass(frozen=True)
class Theme:
    """The colours of one look, by role; text is at least 4.5:1 on every ground."""

    name: ThemeName
    window: QColor
    base: QColor
    panel: QColor
    canvas: QColor
    text: QColor
    muted: QColor
    accent: QColor
    on_accent: QColor
    selection: QColor
    on_selection: QColor
    border: QColor
    outline: QColor
    ok: QColor
    warning: QColor
    warning_ground: QColor
    error: QColor
    error_ground: QColor
    fires: QColor
    silent: QColor
    dead: QColor


def _theme(name: ThemeName, colours: str) -> Theme:
    """Make a theme from its colours in the order of the fields."""
    roles = [field.name for field in fields(Theme)][1:]
    values = [QColor(word) for word in colours.split()]
    return Theme(name=name, **dict(zip(roles, values, strict=True)))


LIGHT = _theme(
    "light",
    "#F1F2F4 #FFFFFF #F8F9FA #E9EBED #1A1D21 #545C66 #1B66C9 #FFFFFF #D6E6FB #0C3C7C #D3D7DC"
    " #8C95A0 #17693A #8A5300 #FFF4DC #B3261E #FDECEA #1B66C9 #B9C4D2 #D55E00",
)
DARK = _theme(
    "dark",
    "#1D1F22 #151719 #222528 #121315 #E6E9ED #A0A9B4 #6CB2FF #0B1F36 #1E3F66 #DCEBFF #34383D"
    " #66707B #6FD394 #F2B84B #33290F #FF8A80 #3A1D1B #6CB2FF #4A545F #E8833A",
)

# Marks on pictures look the same in both themes: white with a thin black outline.
MARK = QColor("#FFFFFF")
MARK_OUTLINE = QColor("#000000")

# Pixels beside a 13 px body; a larger system font scales them all.
_SIZES: dict[FontRole, int] = {
    "body": 13,
    "strong": 13,
    "secondary": 12,
    "caption": 11,
    "title": 15,
    "display": 20,
}
_SEMIBOLD: frozenset[FontRole] = frozenset({"strong", "title", "display"})


class _State:
    """The look that is on: one for the whole process, as the application's palette is."""

    theme: Theme = LIGHT
    zoom: float = 1.0
    body: float = 0.0  # pixels of body text; 0 before it is measured
    fonts: ClassVar[dict[str, QFont]] = {}


def apply(app: QApplication, name: ThemeName, zoom: float = 1.0) -> None:
    """Switch the whole application to a theme; every widget gets a PaletteChange event."""
    theme = DARK if name == "dark" else LIGHT
    _State.theme, _State.zoom, _State.body = theme, zoom, 0.0
    _State.fonts.clear()
    if not isinstance(app.style(), FlatStyle):
        app.setStyle(FlatStyle())
    scheme = Qt.ColorScheme.Dark if name == "dark" else Qt.ColorScheme.Light
    app.styleHints().setColorScheme(scheme)  # for the title bar the system draws
    app.setPalette(_palette(theme))
    if app.font() == font("body"):
        return
    app.setFont(font("body"))
    changed = QEvent(QEvent.Type.ApplicationFontChange)
    for widget in app.allWidgets():  # Qt tells none of those that have a font of their own
        if isfunction(type(widget).changeEvent):
            widget.changeEvent(changed)


def current() -> Theme:
    """Return the theme that is on."""
    return _State.theme


def px(size: float) -> int:
    """Return a length of the 13 px design in pixels of the font that is on."""
    return max(1, round(size * _body_pixels() / _SIZES["body"]))


def font(role: FontRole = "body") -> QFont:
    """Return the system's font in the size and weight of a role, digits of one width."""
    known = _State.fonts.get(role)
    if known is not None:
        return QFont(known)
    made = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    made.setPixelSize(max(9, px(_SIZES[role])))
    if role in _SEMIBOLD:
        made.setWeight(QFont.Weight.DemiBold)
    if hasattr(QFont, "setFeature"):  # Qt 6.7
        made.setFeature(QFont.Tag("tnum"), 1)
        made.setFeature(QFont.Tag("calt"), 0)  # no 1x1 drawn as 1×1: layer names are exact
    _State.fonts[role] = QFont(made)
    return made


def icon(name: str, role: str = "muted") -> QIcon:
    """Return an icon of resources/icons in a colour role; it follows the theme by itself."""
    return QIcon(_ThemedEngine(name, role))


def icon_pixmap(name: str, role: str, side: int, ratio: float) -> QPixmap:
    """Return an icon as a pixmap of `side` logical pixels, for painting by hand."""
    colour: QColor = getattr(current(), role)
    return _render(name, colour.name(QColor.NameFormat.HexArgb), round(side * ratio), ratio)


def _body_pixels() -> float:
    """Return the pixel size of body text: 13, or the system's own when that is larger."""
    if not _State.body:
        system = QFontInfo(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont))
        _State.body = max(_SIZES["body"], system.pixelSize()) * _State.zoom
    return _State.body


def _palette(theme: Theme) -> QPalette:
    """Return the palette of a theme."""
    role = QPalette.ColorRole
    palette = QPalette()
    roles = {
        role.Window: theme.window,
        role.Base: theme.base,
        role.AlternateBase: theme.panel,
        role.Button: theme.base,
        role.WindowText: theme.text,
        role.Text: theme.text,
        role.ButtonText: theme.text,
        role.BrightText: theme.on_accent,
        role.PlaceholderText: theme.muted,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Highlight: theme.selection,
        role.HighlightedText: theme.on_selection,
        role.Light: theme.base,
        role.Midlight: theme.panel,
        role.Mid: theme.border,
        role.Dark: theme.outline,
        role.Shadow: theme.border,
        role.ToolTipBase: theme.panel,
        role.ToolTipText: theme.text,
    }
    for key, colour in roles.items():
        palette.setColor(key, colour)
    for key in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, theme.outline)
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, theme.border)
    palette.setColor(QPalette.ColorGroup.Disabled, role.Accent, theme.outline)
    return palette


@lru_cache(maxsize=64)
def _svg(name: str) -> str:
    """Return the text of an icon's file."""
    return resource(f"icons/{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def _render(name: str, colour: str, side: int, ratio: float) -> QPixmap:
    """Draw an icon in a colour (#AARRGGBB) at `side` device pixels."""
    tint = QColor(colour)
    image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(_svg(name).replace("currentColor", tint.name()).encode()))
    painter = QPainter(image)
    painter.setOpacity(tint.alphaF())
    renderer.render(painter, QRectF(0, 0, side, side))
    painter.end()
    pixmap = QPixmap.fromImage(image)
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


class _ThemedEngine(QIconEngine):
    """Draw one icon in a colour role of whichever theme is on when it is painted."""

    def __init__(self, name: str, role: str) -> None:
        super().__init__()
        self._name = name
        self._role = role
        _svg(name)  # a missing icon is a mistake to find here, not at paint time

    def clone(self) -> QIconEngine:
        """Return another engine that draws the same."""
        return _ThemedEngine(self._name, self._role)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Draw the icon in the middle of the rectangle."""
        side = min(rect.width(), rect.height())
        ratio = painter.device().devicePixelRatioF()
        corner = rect.center() - QPoint((side - 1) // 2, (side - 1) // 2)
        painter.drawPixmap(corner, self.scaledPixmap(rect.size(), mode, state, ratio))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """Return the icon at `size` device pixels."""
        return self._tinted(min(size.width(), size.height()), mode, state, 1.0)

    def scaledPixmap(
        self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float
    ) -> QPixmap:
        """Return the icon at `size` logical pixels for a screen of that scale."""
        side = round(min(size.width(), size.height()) * scale)
        return self._tinted(side, mode, state, scale)

    def _tinted(self, side: int, mode: QIcon.Mode, state: QIcon.State, ratio: float) -> QPixmap:
        """Draw the icon, disabled ones in the outline colour and checked ones as selected text."""
        theme = current()
        colour: QColor = getattr(theme, self._role)
        if mode == QIcon.Mode.Disabled:
            colour = theme.outline
        elif self._role == "muted" and (mode == QIcon.Mode.Selected or state == QIcon.State.On):
            colour = theme.on_selection
        return _render(self._name, colour.name(QColor.NameFormat.HexArgb), side, ratio)
