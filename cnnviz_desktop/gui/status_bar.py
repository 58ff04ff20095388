"""Show at the foot of the window what runs, how long, and the memory in use."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QStatusBar, QWidget

from cnnviz_desktop.engine.run import Progress
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import fix_size, label, named
from cnnviz_desktop.gui.jobs import Job, Jobs

_FLASH = 150  # milliseconds; what is done sooner is not announced
_STEPS = 1000  # of the progress bar


class StatusBar(QStatusBar):
    """What the engine does, on the left; cache, model and memory on the right."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "statusBar", "Status")
        self.setSizeGripEnabled(False)
        fix_size(self, height=24)
        self._jobs = jobs
        self._model = ""
        self._said = "Ready"
        self._announced = ""
        self._says = labels.ElidedLabel(role="secondary", muted=True)
        named(self._says, "statusText", "Status")
        self._says.setText(self._said)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        fix_size(self._bar, 160, 6)
        named(self._bar, "statusProgress", "Progress")
        self._left = label("", "secondary", muted=True)
        self._cache = label("", "secondary", muted=True)
        self._memory = label("", "secondary", muted=True)
        named(self._memory, "memoryLabel", "Memory", "Memory that this program holds")
        named(self._cache, "cacheLabel", "Cache", "Results kept in memory, shown again at once")
        inside = QWidget()
        row = QHBoxLayout(inside)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(16)
        row.addWidget(self._says, 1)
        for widget in (self._bar, self._left, self._cache, self._memory):
            row.addWidget(widget)
        self.addWidget(inside, 1)
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(_FLASH)
        self._wait.timeout.connect(self._announce)
        self._tick = QTimer(self)
        self._tick.setInterval(2000)
        self._tick.timeout.connect(self.refresh_memory)
        self._tick.start()
        self._running: list[Job] = []
        self._bar.hide()
        jobs.started.connect(self._started)
        jobs.finished.connect(self._finished)
        jobs.progressed.connect(self._progressed)
        self.refresh_memory()

    def say(self, text: str) -> None:
        """Tell what was done."""
        self._said = text
        self._says.setText(text)

    def text(self) -> str:
        """Return what stands there."""
        return self._says.text()

    def show_model(self, name: str) -> None:
        """Name the model beside the memory."""
        self._model = name
        self.refresh_memory()

    def show_cache(self, used: int, budget: int) -> None:
        """Say how much of the result cache is in use."""
        self._cache.setText(f"{megabytes(used)} cached of {megabytes(budget)}")

    def refresh_memory(self) -> None:
        """Measure the memory in use."""
        held = process_memory()
        parts = [self._model, megabytes(held) if held else ""]
        self._memory.setText(f" {labels.DOT} ".join(part for part in parts if part))

    def _started(self, job: Job) -> None:
        self._running.append(job)
        self._wait.start()

    def _announce(self) -> None:
        if self._running:
            self._announced = f"{self._running[-1].label}{labels.ELLIPSIS}"
            self._says.setText(self._announced)

    def _progressed(self, job: Job, progress: Progress) -> None:
        if not self._wait.isActive():
            self._bar.setRange(0, _STEPS)  # bytes of a large file are more than Qt can count
            self._bar.setValue(_STEPS * progress.done // max(1, progress.total))
            self._bar.show()
            self._left.setText(remaining(progress))

    def _finished(self, job: Job) -> None:
        if job in self._running:
            self._running.remove(job)
        if self._running:
            if self.text() == self._announced:
                self._announce()  # what went on meanwhile
            return
        self._wait.stop()
        self._bar.hide()
        self._left.clear()
        if self.text() == self._announced:
            self._says.setText(self._said)


def remaining(progress: Progress) -> str:
    """Say how long it will take yet; nothing of what comes after the last step."""
    left = progress.remaining
    if left is None or progress.done >= progress.total:
        return ""
    if left < 1:
        return "under 1 s left"
    if left < 90:
        return f"{left:.0f} s left"
    return f"{left / 60:.0f} min left"


def duration(seconds: float) -> str:
    """Return a time as 9 ms, 0.25 s or 3 min."""
    if seconds < 0.0995:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def megabytes(size: int) -> str:
    """Return bytes as MB or GB."""
    if size >= 10 * 2**30:
        return f"{size / 2**30:.0f} GB"
    if size >= 2**30:
        return f"{size / 2**30:.1f} GB"
    return f"{size / 2**20:.0f} MB" if size >= 10 * 2**20 else f"{size / 2**20:.1f} MB"


def process_memory() -> int:
    """Return the bytes this process holds in memory; 0 where the system does not say."""
    system: str = sys.platform
    if system == "linux":
        import os

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    if system == "win32":
        return _windows_memory()
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS: bytes, the peak


def _windows_memory() -> int:
    """Ask Windows for the working set."""
    import ctypes
    from typing import Any

    sizes = ("PageFaultCount", "PeakWorkingSetSize", "WorkingSetSize", "a", "b", "c", "d", "e", "f")

    class Counters(ctypes.Structure):
        _fields_ = [
            ("cb", ctypes.c_ulong),
            (sizes[0], ctypes.c_ulong),
            *((name, ctypes.c_size_t) for name in sizes[1:]),
        ]

    windll: Any = getattr(ctypes, "windll", None)
    counters = Counters(cb=ctypes.sizeof(Counters))
    process = ctypes.c_void_p(windll.kernel32.GetCurrentProcess())
    known = windll.psapi.GetProcessMemoryInfo(process, ctypes.byref(counters), counters.cb)
    return int(counters.WorkingSetSize) if known else 0
