"""Let a person change the settings: each holds at once and is kept."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.figures import style
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import (
    ColormapPicker,
    Line,
    Segments,
    Slide,
    fix_size,
    label,
    named,
    push_button,
)
from cnnviz_desktop.gui.file_field import FileField
from cnnviz_desktop.gui.flat_style import set_primary
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.message_bar import MessageBar
from cnnviz_desktop.gui.model_rows import megabytes
from cnnviz_desktop.gui.preferences import Preferences
from cnnviz_desktop.gui.settings_work import MeasureCache
from cnnviz_desktop.gui.work import Machine
from cnnviz_desktop.settings import Settings, usual_log_folder

_SLOT = "computed things"
_KEPT = ("tour_seen", "unknown")  # with what was opened of late: no choices to be set back
_THEMES = (
    ("system", "System", "Light or dark as the system is"),
    ("light", "Light", "Always light"),
    ("dark", "Dark", "Always dark"),
)
_MAPS = {
    "sequential_map": ("Maps", style.SEQUENTIAL_MAPS, style.SEQUENTIAL),
    "signed_map": ("Signed maps", style.SIGNED_MAPS, style.SIGNED),
    "overlay_map": ("Heat", style.SEQUENTIAL_MAPS, style.OVERLAY),
    "kernel_map": ("Kernels", ("gray", *style.SIGNED_MAPS), style.KERNELS),
}


class SettingsDialog(QDialog):
    """The settings in three groups: look, work, storage. It adds no signal."""

    def __init__(
        self, preferences: Preferences, jobs: Jobs, machine: Machine | None, parent: QWidget
    ) -> None:
        super().__init__(parent)
        named(self, "settingsDialog", "Settings")
        self.setWindowTitle("Settings")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._preferences = preferences
        self._jobs = jobs
        self._rows = QGridLayout()
        self._rows.setHorizontalSpacing(16)
        self._rows.setVerticalSpacing(8)
        self._rows.setColumnStretch(1, 1)
        self._message = MessageBar()
        named(self._message, "settingsMessage", "Message")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self._message)
        column.addLayout(self._rows)
        column.addStretch(1)
        self._add_look()
        self._add_work(machine)
        self._add_storage()
        column.addLayout(self._make_foot())
        fix_size(self, least=520)
        preferences.changed.connect(self._show)
        self._show(preferences.settings)
        self._measure()

    def changeEvent(self, event: QEvent) -> None:
        """Take the size that the controls need in another font."""
        if event.type() == QEvent.Type.ApplicationFontChange:
            QTimer.singleShot(0, self, self.adjustSize)
        super().changeEvent(event)

    def done(self, result: int) -> None:
        """Leave no work behind; what is being deleted is deleted."""
        job = self._jobs.current(_SLOT)
        if job is not None and job.work == MeasureCache():
            job.supersede()
        super().done(result)

    def _add_look(self) -> None:
        self._head("Look")
        self._theme = Segments(_THEMES, "settingTheme", "Theme")
        self._theme.picked.connect(self._changer("theme"))
        self._row("Theme", self._theme)
        tip = "Enlarge or shrink all text and controls (Ctrl++, Ctrl+-)"
        self._scale = Slide("", "settingScale", tip, 0.7, 2.0, 0.1)
        self._scale.slider.sliderReleased.connect(self._take_scale)
        self._scale.moved.connect(self._moved_scale)
        self._row("Interface size", self._scale)
        self._maps: dict[str, ColormapPicker] = {}
        for name, (words, maps, _usual) in _MAPS.items():
            picker = ColormapPicker(maps, f"setting_{name}")
            picker.setAccessibleName(f"Colours of {words.lower()}")
            picker.colormap_picked.connect(self._changer(name))
            self._maps[name] = picker
            self._row(f"Colours: {words.lower()}", picker)
        tip = "Growing pictures change once a second, menus do not slide, the cursor does not blink"
        self._still = QCheckBox("Reduce")
        named(self._still, "settingMotion", "Reduce motion", tip)
        self._still.toggled.connect(self._changer("reduced_motion"))
        self._row("Motion", self._still)

    def _add_work(self, machine: Machine | None) -> None:
        self._head("Work")
        self._device = QComboBox()
        named(self._device, "settingDevice", "Device", "Where networks are computed from now on")
        fix_size(self._device, least=120)
        for device, words in machine.devices if machine is not None else (("cpu", "CPU"),):
            self._device.addItem(words.partition(",")[0], device)
        self._device.activated.connect(self._take_device)
        self._row("Device", self._device)
        tip = "Processor cores that a network may use at once"
        self._threads = self._number("settingThreads", "Threads", tip, 0, os.cpu_count() or 1)
        self._threads.setSpecialValueText("All")
        self._threads.valueChanged.connect(self._changer("threads"))
        self._row("Threads", self._threads)
        tip = (
            "Results that are kept so that going back to them takes no time, activations above all;"
            " the oldest go first, never what is on screen"
        )
        self._memory = self._number("settingMemory", "Memory for results", tip, 64, 65536)
        self._memory.setSuffix(f"{labels.THIN}MB")
        self._memory.setSingleStep(128)
        self._memory.valueChanged.connect(self._changer("memory_budget"))
        self._row("Memory for results", self._memory)
        tip = "How often a copy of the session is kept in case the program stops"
        self._autosave = self._number("settingAutosave", "Safety copy", tip, 0, 60)
        self._autosave.setSpecialValueText("Never")
        self._autosave.setPrefix("every ")
        self._autosave.setSuffix(" min")
        self._autosave.valueChanged.connect(self._changer("autosave_minutes"))
        self._row("Safety copy", self._autosave)

    def _add_storage(self) -> None:
        self._head("Storage")
        tip = "Where galleries and exemplars are kept; empty is the usual place"
        self._folder = FileField("settingCache", "Folder", tip, folder=True, existing=True)
        self._folder.edited.connect(self._take_folder)
        self._folder.line.editingFinished.connect(self._measure)
        self._row("What took long is kept in", self._folder)
        self._size = label(f"Measuring{labels.ELLIPSIS}", muted=True)
        named(self._size, "settingCacheSize", "Size of what is kept")
        self._clear = push_button("Clear", "settingClear", "Delete it: it can be made again")
        self._clear.setAutoDefault(False)
        self._clear.clicked.connect(self._delete)
        beside = QWidget()
        row = QHBoxLayout(beside)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._size, 1)
        row.addWidget(self._clear)
        self._row("Its size", beside)
        tip = "Where Tools, Log to TensorBoard writes; empty is the usual place"
        self._logs = FileField("settingLogs", "Log folder", tip, folder=True, existing=False)
        self._logs.line.setPlaceholderText(str(usual_log_folder()))
        self._logs.edited.connect(self._take_logs)
        self._row("Results are logged to", self._logs)

    def _make_foot(self) -> QHBoxLayout:
        usual = push_button("Restore defaults", "settingsDefaults", "Set all of these back")
        close = push_button("Close", "settingsClose", "Close (Esc)")
        usual.setAutoDefault(False)
        set_primary(close, True)
        usual.clicked.connect(self._restore)
        close.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label("Changes hold at once.", muted=True), 1)
        row.addWidget(usual)
        row.addWidget(close)
        return row

    def _head(self, words: str) -> None:
        if self._rows.count():
            self._rows.addWidget(Line(), self._rows.rowCount(), 0, 1, 2)
        self._rows.addWidget(label(words, "strong"), self._rows.rowCount(), 0, 1, 2)

    def _row(self, words: str, control: QWidget) -> None:
        place = self._rows.rowCount()
        self._rows.addWidget(label(words, muted=True), place, 0)
        left = isinstance(control, (QSpinBox, QComboBox, QCheckBox))
        side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag(0)
        self._rows.addWidget(control, place, 1, side)

    @staticmethod
    def _number(name: str, says: str, tip: str, least: int, most: int) -> QSpinBox:
        made = QSpinBox()
        named(made, name, says, tip)
        made.setRange(least, most)
        made.setKeyboardTracking(False)
        fix_size(made, least=120)
        return made

    def _changer(self, name: str) -> Any:
        """Return what changes one setting."""

        def change(value: Any) -> None:
            usual = _MAPS[name][2] if name in _MAPS else None
            self._preferences.change(**{name: "" if value == usual else value})

        return change

    def _take_scale(self) -> None:
        self._preferences.change(interface_scale=round(self._scale.value(), 2))

    def _moved_scale(self) -> None:
        """Take what a key did; under the mouse the slider would run away from it."""
        if not self._scale.slider.isSliderDown():
            self._take_scale()

    def _take_device(self) -> None:
        self._preferences.change(device=str(self._device.currentData()))

    def _take_folder(self) -> None:
        path = self._folder.path()
        if path is not None and not path.is_absolute():
            return  # half typed
        self._preferences.change(cache_folder=str(path or ""))
        self._measure()

    def _take_logs(self) -> None:
        path = self._logs.path()
        if path is None or path.is_absolute():  # else half typed
            self._preferences.change(log_folder=str(path or ""))

    def _restore(self) -> None:
        usual, names = Settings(), [item.name for item in fields(Settings)]
        names = [name for name in names if name not in _KEPT and not name.startswith("recent_")]
        self._preferences.change(**{name: getattr(usual, name) for name in names})
        self._measure()

    def _show(self, settings: Settings) -> None:
        """Show what holds now, whoever changed it."""
        self._theme.set_value(settings.theme)
        if not self._scale.slider.isSliderDown():
            self._scale.set_value(settings.interface_scale)
        for name, picker in self._maps.items():
            picker.setCurrentText(getattr(settings, name) or _MAPS[name][2])
        self._still.setChecked(settings.reduced_motion)
        self._device.setCurrentIndex(max(0, self._device.findData(settings.device)))
        for spin, value in (
            (self._threads, settings.threads),
            (self._memory, settings.memory_budget),
            (self._autosave, settings.autosave_minutes),
        ):
            spin.blockSignals(True)
            spin.setValue(value)
            spin.blockSignals(False)
        path = self._folder.path()
        if settings.cache_folder != (str(path) if path is not None else ""):
            self._folder.line.setText(settings.cache_folder)
        path = self._logs.path()
        if settings.log_folder != (str(path) if path is not None else ""):
            self._logs.line.setText(settings.log_folder)

    def _measure(self, clear: bool = False) -> None:
        job = self._jobs.submit(
            MeasureCache(clear), "Looking at what is kept", _SLOT, Priority.CLICK
        )
        job.done.connect(self._measured)
        job.failed.connect(self._failed)

    def _delete(self) -> None:
        self._measure(clear=True)

    def _measured(self, found: tuple[Path, int]) -> None:
        folder, size = found
        self._folder.line.setPlaceholderText(str(folder))
        self._size.setText(megabytes(size / 1e6) if size else "Nothing is kept")
        self._clear.setEnabled(size > 0)
        self._message.dismiss()

    def _failed(self, error: CnnvizError) -> None:
        self._message.tell("error", str(error))
