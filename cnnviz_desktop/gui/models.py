"""Hold the network that the window looks into, and what this machine can run it on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from cnnviz_desktop.data import PRETRAINED, InputSpec
from cnnviz_desktop.gui.absent_model import AbsentModel
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.gui.model_work import ListCatalogue, LoadModel
from cnnviz_desktop.gui.work import Engine, Machine, Start
from cnnviz_desktop.model_names import rooted, short_name

if TYPE_CHECKING:
    from cnnviz_desktop.engine.catalogue import CatalogueEntry
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.preprocessing import Fit

MODEL_SLOT = "model"


class Models(QObject):
    """The present model; a new one takes its place when it is whole.

    Signals: `machine_found` (`Machine`); `catalogue_changed` (entries) at the start, and when other
    weights are on this machine; `requested` (name) when loading begins, and again with the old
    name when it fails; `changed` (`LoadedModel`); `cleared` the present model was let go of.
    """

    machine_found = Signal(object)
    catalogue_changed = Signal(object)
    requested = Signal(str)
    changed = Signal(object)
    cleared = Signal()

    def __init__(self, jobs: Jobs, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._engine = engine
        self._asked: LoadModel | None = None  # the request that may be made again
        self.current: LoadedModel | None = None
        self.absent: AbsentModel | None = None  # what gave the kept results until it is loaded
        self.resumed = False  # whether the present model is the one that gave the kept results
        self.machine: Machine | None = None
        self.catalogue: tuple[CatalogueEntry, ...] = ()  # what can be loaded by name
        self.device = "cpu"
        self.fit: Fit = "crop"

    def start(self) -> None:
        """List the networks, then let the engine import what it needs."""
        self.refresh_catalogue()
        job = self._jobs.submit(Start(self._engine), "Starting the engine", "start", Priority.RUN)
        job.done.connect(self._found_machine)

    @property
    def wanted(self) -> str:
        """Return the network that was asked for last, "" before that."""
        return self._asked.name if self._asked is not None else ""

    @property
    def file(self) -> Path | None:
        """Return the file that was asked for last, of the weights or of the network itself."""
        asked = self._asked
        weights = asked.weights if asked is not None else None
        choice = ModelChoice(self.wanted, PRETRAINED if weights is None else str(weights))
        return choice.file

    @property
    def weights(self) -> str | None:
        """Return the weights that load the present model again: a file, "none", or its own."""
        return ModelChoice.of(self.current).given if self.current is not None else None

    def load(
        self,
        name: str,
        weights: Path | str | None = None,
        *,
        spec: InputSpec | None = None,
        measured: bool = False,
        keep: Path | None = None,
    ) -> None:
        """Load a network by name or from a file.

        `weights` is a file, "none" for random ones, None for its own; `spec` what is known of its
        input. Where `measured`, its fingerprint is known when it comes; `spec` is remembered for
        the file `keep`.
        """
        self._asked = LoadModel(
            self._engine,
            rooted(name),
            Path(weights).absolute() if isinstance(weights, Path) else weights,
            self.device,
            spec or InputSpec(),
            measured=measured or self.absent is not None,
            keep=keep,
            before=self.current.spec if keep is not None and self.current else InputSpec(),
        )
        self._submit(self._asked)

    def load_trusted(self) -> None:
        """Load what was asked for last once more: it may run code of its own."""
        if self._asked is not None:
            self._submit(replace(self._asked, trust=True, device=self.device))

    def forget_wanted(self) -> None:
        """Let go of what was asked for last: something else is being looked for."""
        self._asked = None
        self._kept()

    def fall_back(self, name: str) -> None:
        """Load a network to have one at all; what was wanted may still be helped."""
        self._submit(LoadModel(self._engine, name, None, self.device))

    def refresh_catalogue(self) -> None:
        """See again which weights are on this machine."""
        work = ListCatalogue(self._engine)
        job = self._jobs.submit(work, "Listing the networks", "catalogue", Priority.CLICK)
        job.done.connect(self._listed)

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
        self.load(self.absent.name, weights, spec=self.absent.spec)

    def take(self, model: LoadedModel, resumed: bool) -> None:
        """Go on with a model that is loaded; `resumed` where it gave the kept results."""
        self.resumed = resumed
        self.current = model if model.preprocessing.fit == self.fit else model.with_fit(self.fit)
        self.changed.emit(self.current)
        self.absent = None

    def set_device(self, device: str) -> None:
        """Move to another device: the model, or the one on its way, is loaded there."""
        if device != self.device:
            self.device = device
            loading = self._jobs.current(MODEL_SLOT)
            if loading is not None and isinstance(loading.work, LoadModel):
                self._submit(replace(loading.work, device=device))
            elif self.current is not None:
                self.load(self.current.name, self.weights, spec=self.current.spec)

    def set_fit(self, fit: Fit) -> None:
        """Feed pictures to the network in another way: crop, squash or pad."""
        self.fit = fit
        if self.current is not None and self.current.preprocessing.fit != fit:
            self.take(self.current, resumed=False)

    def _found_machine(self, machine: Machine) -> None:
        self.machine = machine
        self.machine_found.emit(machine)

    def _submit(self, request: LoadModel) -> None:
        label = f"Loading {short_name(request.name)}"
        # Between the steps of a run of minutes, but not before the engine is there.
        priority = Priority.RUN if self.machine is None else Priority.LOAD
        job = self._jobs.submit(request, label, MODEL_SLOT, priority)
        job.done.connect(self._loaded)
        job.failed.connect(self._kept)
        job.cancelled.connect(self._kept)
        self.requested.emit(request.name)

    def _listed(self, entries: tuple[CatalogueEntry, ...]) -> None:
        self.catalogue = entries
        self.catalogue_changed.emit(entries)

    def _loaded(self, model: LoadedModel) -> None:
        self.take(model, resumed=self.absent is not None and self.absent.is_same(model, self.fit))

    def _kept(self) -> None:
        """Say that the old model is still the one, on its device."""
        if self.current is not None:
            self.device = str(self.current.device)
        self.requested.emit(self.current.name if self.current else "")
