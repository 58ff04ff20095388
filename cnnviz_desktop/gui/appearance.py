"""Switch between light and dark, set the size of the interface, and what moves in it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication

from cnnviz_desktop.gui import theme
from cnnviz_desktop.gui.preferences import Preferences
from cnnviz_desktop.settings import Settings

_STEP = 0.1
_SMALLEST, _LARGEST = 0.7, 2.0
_EFFECTS = (
    Qt.UIEffect.UI_AnimateMenu,
    Qt.UIEffect.UI_FadeMenu,
    Qt.UIEffect.UI_AnimateCombo,
    Qt.UIEffect.UI_AnimateTooltip,
    Qt.UIEffect.UI_FadeTooltip,
)


class Appearance(QObject):
    """The look of the window, remembered. Signals: `changed` (theme's name)."""

    changed = Signal(str)

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._look = look_of(preferences.settings)
        self._still = False
        self._blinking = QApplication.cursorFlashTime()

    def toggle(self) -> None:
        """Go from light to dark or back."""
        self._preferences.change(theme="light" if theme.current().name == "dark" else "dark")

    def larger(self) -> None:
        """Enlarge all text and controls."""
        self._set_zoom(self._look[1] + _STEP)

    def smaller(self) -> None:
        """Shrink all text and controls."""
        self._set_zoom(self._look[1] - _STEP)

    def normal(self) -> None:
        """Go back to the usual size."""
        self._set_zoom(1.0)

    def apply(self, settings: Settings) -> None:
        """Take the theme, the size and the motion that the settings say."""
        look = look_of(settings)
        app = QApplication.instance()
        if isinstance(app, QApplication) and settings.reduced_motion != self._still:
            self._still = settings.reduced_motion
            app.setCursorFlashTime(0 if self._still else self._blinking)
            for effect in _EFFECTS:
                app.setEffectEnabled(effect, not self._still)
        if look != self._look and isinstance(app, QApplication):
            self._look = look
            theme.apply(app, *look)
            self.changed.emit(theme.current().name)

    def _set_zoom(self, zoom: float) -> None:
        zoom = round(min(max(zoom, _SMALLEST), _LARGEST), 2)
        self._preferences.change(interface_scale=zoom)


def look_of(settings: Settings) -> tuple[theme.ThemeName, float]:
    """Return theme and size of the interface; the system's own theme where none was chosen."""
    zoom = min(max(settings.interface_scale, _SMALLEST), _LARGEST)
    if settings.theme != "system":
        return settings.theme, zoom
    app = QApplication.instance()
    scheme = app.styleHints().colorScheme() if isinstance(app, QApplication) else None
    return "dark" if scheme == Qt.ColorScheme.Dark else "light", zoom
