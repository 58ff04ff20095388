"""Hold the network that the window looks into, and what this machine can run it on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from cnnviz_desktop.data import PRETRAINED
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.gui.absent_model import AbsentModel
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.work import Engine, LoadModel, Machine, Start

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.preprocessing import Fit

MODEL_SLOT = "model"


class Models(QObject):
    """The present model; a new one takes its place when it is whole.

    Signals: `machine_found` (`Machine`); `requested` (name) when loading begins, and again with the
    old name when it fails; `changed` (`LoadedModel`); `cleared` the present model was let go of.
    """

    machine_found = Signal(object)
    requested = Signal(str)
    changed = Signal(object)
    cleared = Signal()

    def __init__(self, jobs: Jobs, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._engine = engine
        self._weights: Path | str | None = None  # of the model being loaded
        self.wanted = ""  # the model that was asked for last
        self.current: LoadedModel | None = None
        self.weights: Path | str | None = None  # as given for the present model
        self.absent: AbsentModel | None = None  # what gave the kept results until it is loaded
        self.resumed = False  # whether the present model is the one that gave the kept results
        self.machine: Machine | None = None
        self.device = "cpu"
        self.fit: Fit = "crop"

    def start(self) -> None:
        """Let the engine import what it needs."""
        job = self._jobs.submit(Start(self._engine), "Starting the engine", "start", Priority.RUN)
        job.done.connect(self._found_machine)

    def load(self, name: str, weights: Path | str | None = None, *, measured: bool = False) -> None:
        """Load a network; `weights` is a file, "none" for random ones, None for its own.

        Where `measured`, its fingerprint is known when it comes.
        """
        self._weights = weights
        self.wanted = name
        request = LoadModel(self._engine, name, weights, self.device)
        work = _Measured(request) if measured or self.absent is not None else request
        job = self._jobs.submit(work, f"Loading {name}", MODEL_SLOT, Priority.RUN)
        job.done.connect(self._loaded)
        job.failed.connect(self._kept)
        job.cancelled.connect(self._kept)
        self.requested.emit(name)

    def expect(self, absent: AbsentModel | None) -> None:
        """Let go of the present model: what is shown now is from one that is not loaded."""
        running = self._jobs.current(MODEL_SLOT)
        if running is not None:
            running.supersede()
        self.current, self.absent = None, absent
        if absent is not None:
            self.fit = absent.fit
        self.cleared.emit()

    def load_expected(self) -> None:
        """Load the model that gave the kept results, on its device where there is one."""
        if self.absent is None:
            return
        if self.machine is None:
            self.machine_found.connect(self.load_expected, Qt.ConnectionType.SingleShotConnection)
            self.requested.emit(self.absent.name)
            return
        devices = [device for device, _words in self.machine.devices]
        self.device = self.absent.device if self.absent.device in devices else devices[0]
        weights = None if self.absent.weights == PRETRAINED else self.absent.weights
        self.load(self.absent.name, weights)

    def take(self, model: LoadedModel, resumed: bool) -> None:
        """Go on with a model that is loaded; `resumed` where it gave the kept results."""
        self.resumed = resumed
        self.current = model if model.preprocessing.fit == self.fit else model.with_fit(self.fit)
        self.changed.emit(self.current)
        self.absent = None

    def set_device(self, device: str) -> None:
        """Move to another device: the model is loaded again there."""
        if device != self.device:
            self.device = device
            if self.current is not None:
                self.load(self.current.name, self.weights)

    def set_fit(self, fit: Fit) -> None:
        """Feed pictures to the network in another way: crop, squash or pad."""
        self.fit = fit
        if self.current is not None and self.current.preprocessing.fit != fit:
            self.take(self.current, resumed=False)

    def _found_machine(self, machine: Machine) -> None:
        self.machine = machine
        self.machine_found.emit(machine)

    def _loaded(self, model: LoadedModel) -> None:
        self.weights = self._weights
        self.take(model, resumed=self.absent is not None and self.absent.is_same(model, self.fit))

    def _kept(self) -> None:
        """Say that the old model is still the one."""
        self.requested.emit(self.current.name if self.current else "")


@dataclass(frozen=True, eq=False)
class _Measured:
    """Load a model and measure its fingerprint, which takes too long for the window's thread."""

    request: LoadModel

    def __call__(self, run: Run) -> LoadedModel:
        model = self.request(run)
        _ = model.fingerprint
        return model
