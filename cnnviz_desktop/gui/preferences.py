"""Hold the person's settings: changed here, told to whoever applies them, written soon after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.settings import Recent, Settings, load_settings, save_settings, with_recent

if TYPE_CHECKING:
    from cnnviz_desktop.gui.appearance import Appearance
    from cnnviz_desktop.gui.recovery import Recovery
    from cnnviz_desktop.gui.session import Session

_SOON = 400  # milliseconds: what changes at once is written at once


class Preferences(QObject):
    """The settings of this window; `warning` says where the file could not be read as it is.

    Signals: `changed` (`Settings`).
    """

    changed = Signal(object)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings, self.warning = load_settings()
        self._written = self.settings
        self._jobs = jobs
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON)
        self._soon.timeout.connect(self._write)

    def change(self, **changes: Any) -> None:
        """Change settings by name."""
        self._take(replace(self.settings, **changes))

    def recent(self, kind: Recent) -> list[str]:
        """List the recent models, images or sessions, the latest first."""
        return list(getattr(self.settings, f"recent_{kind}"))

    def remember(self, kind: Recent, names: Sequence[str | Path]) -> None:
        """Put models, images or sessions at the head of the recent ones."""
        settings = self.settings
        for name in reversed(names):
            settings = with_recent(settings, kind, str(name))
        self._take(settings)

    def close(self) -> None:
        """Write what is not written yet: the engine's thread has ended."""
        self._soon.stop()
        if self._written != self.settings:
            try:
                save_settings(self.settings)
            except CnnvizError:
                return  # said before, and there is no window to say it in
            self._written = self.settings

    def _take(self, settings: Settings) -> None:
        if settings != self.settings:
            self.settings = settings
            self.changed.emit(settings)
            self._soon.start()

    def _write(self) -> None:
        work = _WriteSettings(self.settings)
        job = self._jobs.submit(work, "Keeping the settings", "settings", Priority.CLICK)
        job.done.connect(self._wrote)

    def _wrote(self, settings: Settings) -> None:
        self._written = settings


class Applier(QObject):
    """Bring settings to bear, in this one place, at the start and whenever they change."""

    def __init__(
        self,
        preferences: Preferences,
        appearance: Appearance,
        session: Session,
        recovery: Recovery,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._session = session
        self._recovery = recovery
        preferences.changed.connect(self.apply)
        self.apply(preferences.settings)

    def apply(self, settings: Settings) -> None:
        """Apply all settings."""
        self._appearance.apply(settings)
        self._session.cache.set_budget(settings.memory_budget * 2**20)
        self._recovery.set_minutes(settings.autosave_minutes)


@dataclass(frozen=True, eq=False)
class _WriteSettings:
    """Write the settings -> themselves."""

    settings: Settings

    def __call__(self, run: Run) -> Settings:
        """Do it, whole or not at all."""
        save_settings(self.settings)
        return self.settings
