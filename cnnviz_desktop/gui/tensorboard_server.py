"""Run a TensorBoard of one's own on this machine alone, and say where it answers."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from cnnviz_desktop.engine import event_files

_ADDRESS = re.compile(r"http://[^\s/]+:\d+/\S*")
_PATIENCE = 4000  # milliseconds that it has to end
_KEPT = 4000  # characters of what it said, for when it fails

FROZEN = (
    "This build of CNNviz holds no TensorBoard. Install it with pip install tensorboard and start "
    'it with: tensorboard --logdir "{}"'
)


class TensorBoardServer(QObject):
    """One server at a time, for one folder.

    Signals: `ready` (address) it answers there; `failed` (a sentence).
    """

    ready = Signal(str)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._folder: Path | None = None
        self._said = ""
        self._address = ""

    def open(self, folder: Path) -> None:
        """Serve a folder of logs; say where, at once where it is served already."""
        if self._process is not None and self._folder == folder:
            if self._address:
                self.ready.emit(self._address)
            return  # it is on its way
        if getattr(sys, "frozen", False):
            self.failed.emit(FROZEN.format(folder))
            return
        if not event_files.is_there():
            self.failed.emit(event_files.MISSING)
            return
        self.close()
        self._folder, self._said, self._address = folder, "", ""
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("TF_CPP_MIN_LOG_LEVEL", "3")
        environment.insert("PYTHONUNBUFFERED", "1")
        process.setProcessEnvironment(environment)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.readyReadStandardOutput.connect(self._hear)
        process.finished.connect(self._ended)
        process.errorOccurred.connect(self._ended)
        self._process = process
        # Loopback alone; the system chooses a free port. Python's own reader: no second process.
        words = ["-m", "tensorboard.main", "--logdir", str(folder), "--host", "127.0.0.1"]
        words += ["--port", "0", "--load_fast", "false", "--reload_multifile", "true"]
        process.start(sys.executable, [*words, "--reload_interval", "5"])

    def close(self) -> None:
        """End the server and wait for it."""
        process, self._process = self._process, None
        self._address = ""
        if process is None:
            return
        process.blockSignals(True)
        process.terminate()
        if not process.waitForFinished(_PATIENCE):
            process.kill()
            process.waitForFinished(_PATIENCE)
        process.deleteLater()

    def _hear(self) -> None:
        process = self._process
        if process is None:
            return
        heard = bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace")
        self._said = (self._said + heard)[-_KEPT:]
        found = _ADDRESS.search(self._said)
        if found is not None and not self._address:
            self._address = found.group().rstrip(")")
            self.ready.emit(self._address)

    def _ended(self) -> None:
        """Say why a server ended that nobody ended."""
        process, self._process = self._process, None
        if process is None:
            return
        lines = [line.strip() for line in self._said.splitlines() if line.strip()]
        why = lines[-1] if lines else process.errorString()
        self._address = ""
        process.deleteLater()
        self.failed.emit(f"TensorBoard ended: {why}")
