"""Hold the network that the window looks into, and what this machine can run it on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.work import Engine, LoadModel, Machine, Start

if TYPE_CHECKING:
    from cnnviz_desktop.engine.models import LoadedModel
    from cnnviz_desktop.engine.preprocessing import Fit

MODEL_SLOT = "model"


class Models(QObject):
    """The present model; a new one takes its place when it is whole.

    Signals: `machine_found` (`Machine`); `requested` (name) when loading begins, and again with the
    old name when it fails; `changed` (`LoadedModel`).
    """

    machine_found = Signal(object)
    requested = Signal(str)
    changed = Signal(object)

    def __init__(self, jobs: Jobs, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._engine = engine
        self._weights: Path | str | None = None  # of the model being loaded
        self.current: LoadedModel | None = None
        self.weights: Path | str | None = None  # as given for the present model
        self.machine: Machine | None = None
        self.device = "cpu"
        self.fit: Fit = "crop"

    def start(self) -> None:
        """Let the engine import what it needs."""
        job = self._jobs.submit(Start(self._engine), "Starting the engine", "start", Priority.RUN)
        job.done.connect(self._found_machine)

    def load(self, name: str, weights: Path | str | None = None) -> None:
        """Load a network; `weights` is a file, "none" for random ones, None for its own."""
        self._weights = weights
        request = LoadModel(self._engine, name, weights, self.device)
        job = self._jobs.submit(request, f"Loading {name}", MODEL_SLOT, Priority.RUN)
        job.done.connect(self._loaded)
        job.failed.connect(self._kept)
        job.cancelled.connect(self._kept)
        self.requested.emit(name)

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
            self.current = self.current.with_fit(fit)
            self.changed.emit(self.current)

    def _found_machine(self, machine: Machine) -> None:
        self.machine = machine
        self.machine_found.emit(machine)

    def _loaded(self, model: LoadedModel) -> None:
        self.weights = self._weights
        self.current = model if model.preprocessing.fit == self.fit else model.with_fit(self.fit)
        self.changed.emit(self.current)

    def _kept(self) -> None:
        """Say that the old model is still the one."""
        self.requested.emit(self.current.name if self.current else "")
