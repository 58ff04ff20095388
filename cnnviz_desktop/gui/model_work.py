"""Say what the window asks of the engine about networks and their files: complete requests."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnnviz_desktop.data import Finding, InputSpec
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui.work import Engine

if TYPE_CHECKING:
    from cnnviz_desktop.engine.cached_weights import CachedWeights
    from cnnviz_desktop.engine.catalogue import CatalogueEntry
    from cnnviz_desktop.engine.loaded_model import LoadedModel


@dataclass(frozen=True)
class LoadModel:
    """Load a model -> `LoadedModel`.

    Where `measured`, its fingerprint is known when it comes: that takes too long for the window's
    thread. Where `keep` is a file, `spec` is remembered for it once the model is whole, in place of
    what was said `before`.
    """

    engine: Engine = field(compare=False)
    name: str
    weights: Path | str | None = None
    device: str = "cpu"
    spec: InputSpec = field(default_factory=InputSpec)
    trust: bool = False
    measured: bool = False
    keep: Path | None = None
    before: InputSpec = field(default_factory=InputSpec)

    def __call__(self, run: Run) -> LoadedModel:
        """Do it."""
        model = self._loaded(run) if self.keep is None else self._loaded_anew(run, self.keep)
        if self.measured:
            _ = model.fingerprint
        return model

    def _loaded(self, run: Run) -> LoadedModel:
        return self.engine.load_model(
            self.name, self.weights, self.device, run, spec=self.spec, trust=self.trust
        )

    def _loaded_anew(self, run: Run, file: Path) -> LoadedModel:
        """Load with the spec alone: what is left out of it now would be found again."""
        try:
            self.engine.remember_input(file, InputSpec())
        except CnnvizError:
            if self.spec == InputSpec():
                raise
        try:
            model = self._loaded(run)
        except BaseException:
            with suppress(CnnvizError):
                self.engine.remember_input(file, self.before)
            raise
        return self._kept(model, file) if self.spec != InputSpec() else model

    def _kept(self, model: LoadedModel, file: Path) -> LoadedModel:
        """Remember what was said; where that fails the model is there all the same, and says so."""
        try:
            self.engine.remember_input(file, self.spec)
        except CnnvizError as error:
            forgotten = Finding("warning", "Input not remembered", str(error))
            return replace(model, findings=(*model.findings, forgotten))
        return model


@dataclass(frozen=True)
class ListFactories:
    """Look for what makes a network in a Python file, without running it -> `Factories`."""

    engine: Engine = field(compare=False)
    path: Path
    weights: Path | None = None

    def __call__(self, run: Run) -> Factories:
        """Do it."""
        return Factories(self.path, tuple(self.engine.factories(self.path)), self.weights)


@dataclass(frozen=True)
class Factories:
    """The names in a Python file that may make a network, and the weights that came with it."""

    path: Path
    names: tuple[str, ...]
    weights: Path | None = None


@dataclass(frozen=True)
class ListCatalogue:
    """List the networks again: other weights are on this machine now -> entries."""

    engine: Engine = field(compare=False)

    def __call__(self, run: Run) -> tuple[CatalogueEntry, ...]:
        """Do it."""
        return self.engine.catalogue()


@dataclass(frozen=True)
class ListWeights:
    """List the weights that were downloaded -> `CachedWeights`."""

    engine: Engine = field(compare=False)

    def __call__(self, run: Run) -> tuple[CachedWeights, ...]:
        """Do it."""
        return self.engine.cached_weights()


@dataclass(frozen=True)
class DeleteWeights:
    """Delete downloaded weights -> what is left of them."""

    engine: Engine = field(compare=False)
    item: CachedWeights

    def __call__(self, run: Run) -> tuple[CachedWeights, ...]:
        """Do it."""
        self.engine.delete_weights(self.item)
        return self.engine.cached_weights()
