"""Hold the person's settings: changed here, told to whoever applies them, written soon after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from cnnviz_desktop.engine.caches import use_own_folder
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui.controls import ColormapPicker
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.settings_work import UseThreads
from cnnviz_desktop.settings import Recent, Settings, load_settings, save_settings, with_recent

if TYPE_CHECKING:
    from cnnviz_desktop.gui.main_window import MainWindow
    from cnnviz_desktop.gui.recovery import Recovery
    from cnnviz_desktop.gui.session import Session
    from cnnviz_desktop.gui.work import Engine

_SOON = 400  # milliseconds: what changes at once is written at once
_CALM = 1.0  # seconds between the previews of growing pictures, where motion is reduced


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
        window: MainWindow,
        session: Session,
        recovery: Recovery,
        jobs: Jobs,
        engine: Engine,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._window = window
        self._session = session
        self._recovery = recovery
        self._jobs = jobs
        self._engine = engine
        self._before = Settings()
        preferences.changed.connect(self.apply)
        session.models.machine_found.connect(self._use_device)
        self.apply(preferences.settings)

    def apply(self, settings: Settings) -> None:
        """Apply all settings."""
        self._window.appearance.apply(settings)
        self._session.cache.set_budget(settings.memory_budget * 2**20)
        self._recovery.set_minutes(settings.autosave_minutes)
        self._jobs.calm = _CALM if settings.reduced_motion else 0.0
        before, self._before = self._before, settings
        if settings.threads != before.threads:
            work = UseThreads(self._engine, settings.threads)
            self._jobs.submit(work, "Setting threads", "threads", Priority.CLICK)
        if settings.cache_folder != before.cache_folder:
            use_own_folder(Path(settings.cache_folder) if settings.cache_folder else None)
        if _colours(settings) != _colours(before):
            for picker in self._window.findChildren(ColormapPicker):
                picker.prefer(_colours(settings))
        if settings.device != before.device:
            self._use_device()

    def _use_device(self) -> None:
        """Go to the device that was chosen, once it is known whether it is there."""
        models, wanted = self._session.models, self._preferences.settings.device
        if models.machine is not None and wanted in [
            name for name, _says in models.machine.devices
        ]:
            models.set_device(wanted)


def _colours(settings: Settings) -> dict[str, str]:
    """Return the colour maps that a person prefers, by the name of the usual one."""
    return {
        style.SEQUENTIAL: settings.sequential_map,
        style.SIGNED: settings.signed_map,
        style.OVERLAY: settings.overlay_map,
        style.KERNELS: settings.kernel_map,
    }


@dataclass(frozen=True, eq=False)
class _WriteSettings:
    """Write the settings -> themselves."""

    settings: Settings

    def __call__(self, run: Run) -> Settings:
        """Do it, whole or not at all."""
        save_settings(self.settings)
        return self.settings
