"""Follow a folder that a training writes into: read what its logs add, count its checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from cnnviz_desktop.gui.export_work import Refused
from cnnviz_desktop.gui.jobs import Priority
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.training_work import Logs, LookInto, ReadLogs

if TYPE_CHECKING:
    from cnnviz_desktop.engine.training_folder import TrainingFolder

_EVERY = 2000  # milliseconds between looks
_READ, _COUNT = "training logs", "training watch"  # slots


class TrainingFollower(QObject):
    """What there is of a training by now, as long as somebody looks.

    Signals: `read` (`Logs`) after each look; `refused` (a sentence); `counted` (how many
    checkpoints were written since the folder was chosen).
    """

    read = Signal(object)
    refused = Signal(str)
    counted = Signal(int)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._found: TrainingFolder | None = None
        self.logs: Logs | None = None
        self.problem = ""  # why the logs cannot be read
        self.clock = QTimer(self)
        self.clock.setInterval(_EVERY)
        self.clock.timeout.connect(self._look)

    @property
    def log_folder(self) -> Path | None:
        """Return the folder of logs, None where it holds none."""
        return self._found.path if self._found is not None and self._found.logs else None

    @property
    def board_folder(self) -> Path | None:
        """Return the folder of logs that TensorBoard reads, None where it holds none."""
        return self._found.path if self._found is not None and self._found.events else None

    @property
    def checkpoint_folder(self) -> Path | None:
        """Return the folder of checkpoints, None where it holds none."""
        return self._found.path if self._found is not None and self._found.checkpoints else None

    def follow(self, found: TrainingFolder | None) -> None:
        """Follow another folder, None for none."""
        self._found, self.logs, self.problem = found, None, ""
        self._read()

    def watch(self, seen: bool) -> None:
        """Look again and again while somebody does."""
        if seen and self._found is not None:
            self.clock.start()
        else:
            self.clock.stop()

    def _look(self) -> None:
        """Read what was added, unless the last look still goes on."""
        if self.logs is not None and self._session.job(_READ) is None:
            self._read()
        folder = self.checkpoint_folder
        if folder is not None and self._session.job(_COUNT) is None:
            work = LookInto(folder)
            job = self._session.submit(work, "Counting checkpoints", _COUNT, Priority.BACKGROUND)
            job.done.connect(self._counted)

    def _read(self) -> None:
        folder = self.log_folder
        if folder is not None:
            priority = Priority.CLICK if self.logs is None else Priority.BACKGROUND
            work = ReadLogs(folder, self.logs)
            job = self._session.submit(work, "Reading the logs", _READ, priority)
            job.done.connect(self._take)

    def _take(self, found: Logs | Refused) -> None:
        if isinstance(found, Refused):
            self.logs = None  # no more of them are read, checkpoints are counted on
            self.problem = found.sentence
            self.refused.emit(found.sentence)
        elif found.reader.folder == self.log_folder:
            first, self.logs = self.logs is None, found
            for note in found.log.notes if first else ():
                self.refused.emit(note)
            self.read.emit(found)

    def _counted(self, found: TrainingFolder | Refused) -> None:
        known = self._found
        if known is not None and not isinstance(found, Refused) and found.path == known.path:
            self.counted.emit(max(0, found.checkpoints - known.checkpoints))
