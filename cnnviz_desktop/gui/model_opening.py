"""Open networks and weights from files, and remember what was opened."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from cnnviz_desktop.data import RANDOM
from cnnviz_desktop.engine.catalogue import BUNDLED
from cnnviz_desktop.gui.factory_dialog import FactoryDialog
from cnnviz_desktop.gui.file_kinds import (
    ANY_FILTER,
    MODEL_FILTER,
    PYTHON,
    PYTHON_FILTER,
    WEIGHTS_FILTER,
)
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.gui.model_work import Factories, ListFactories
from cnnviz_desktop.gui.models import MODEL_SLOT
from cnnviz_desktop.gui.network_dialog import NetworkDialog
from cnnviz_desktop.gui.preferences import Preferences
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.work import Engine
from cnnviz_desktop.model_names import file_in
from cnnviz_desktop.paths import expanded

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


class ModelOpening(QObject):
    """The ways from a file to a network. Signals: `given_up` the person chose none after all."""

    given_up = Signal()

    def __init__(
        self,
        session: Session,
        jobs: Jobs,
        engine: Engine,
        preferences: Preferences,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._jobs = jobs
        self._engine = engine
        self._preferences = preferences
        self._window = window
        self._weights: Path | None = None  # those that a network is being chosen for
        session.models.changed.connect(self._remember)

    def open(self, paths: Sequence[Path], name: str = "") -> None:
        """Open model files that came together: a Python file takes the weights beside it.

        With `name` they are weights for that network.
        """
        files = [expanded(path).absolute() for path in paths]
        makers = [path for path in files if path.suffix.lower() == PYTHON]
        others = [path for path in files if path not in makers]
        if name and others:
            self._session.models.load(name, others[0])
        elif makers:
            self.open_python(makers[0], others[0] if others else None)
        elif others:
            self._session.models.load(str(others[0]))

    def open_python(self, path: Path, weights: Path | None = None) -> None:
        """Open what makes a network in a Python file."""
        work = ListFactories(self._engine, path, weights)
        # In the slot of models, since it takes the place of one that is being loaded.
        job = self._jobs.submit(work, f"Reading {path.name}", MODEL_SLOT, Priority.CLICK)
        job.done.connect(self._listed)
        self._session.models.forget_wanted()

    def ask_for_file(self) -> None:
        """Ask for a model's file and open it."""
        filters = f"{MODEL_FILTER};;{ANY_FILTER}"
        chosen, _kind = QFileDialog.getOpenFileName(self._window, "Open a model", "", filters)
        if chosen:
            self.open([Path(chosen)])

    def ask_for_weights(self, name: str = "") -> None:
        """Ask for a file of weights; without `name` they tell what network they are for."""
        filters = f"{WEIGHTS_FILTER};;{ANY_FILTER}"
        chosen, _kind = QFileDialog.getOpenFileName(self._window, "Load weights", "", filters)
        model = self._session.model
        if not name and model is not None and file_in(model.name)[1]:
            name = model.name  # made by a function, which no file of weights tells of
        if chosen:
            self.open([Path(chosen)], name)
        else:
            self.given_up.emit()

    def ask_for_python(self, weights: Path) -> None:
        """Ask for the Python file that makes the network of some weights."""
        filters = f"{PYTHON_FILTER};;{ANY_FILTER}"
        chosen, _kind = QFileDialog.getOpenFileName(
            self._window,
            f"The Python file that makes the network of {weights.name}",
            str(weights.parent),
            filters,
        )
        if chosen:
            self.open_python(Path(chosen).absolute(), weights)
        else:
            self.given_up.emit()

    def ask_for_network(self, weights: Path) -> None:
        """Ask which network of the catalogue some weights are for."""
        names = [entry.name for entry in self._session.models.catalogue]
        model = self._session.model
        likely = named_after(weights, names) or (model.name if model is not None else "")
        dialog = NetworkDialog(weights, self._session.models.catalogue, likely, self._window)
        self._weights = weights
        dialog.chosen.connect(self._chose_network)
        dialog.rejected.connect(self.given_up)
        dialog.open()

    def _chose_network(self, name: str) -> None:
        self._session.models.load(name, self._weights)

    def _listed(self, factories: Factories) -> None:
        """Open the only thing that makes a network, or ask which."""
        choose = partial(self._chose_factory, factories.path)
        if len(factories.names) == 1:
            choose(factories.names[0], factories.weights)
            return
        self._have_one()
        dialog = FactoryDialog(factories, self._window)
        dialog.chosen.connect(choose)
        dialog.rejected.connect(self.given_up)
        dialog.show()

    def _have_one(self) -> None:
        """Show the bundled network where there is none at all: what was asked for may not come."""
        models = self._session.models
        if models.current is None and models.absent is None:
            models.fall_back(BUNDLED)

    def _chose_factory(self, path: Path, maker: str, weights: Path | None) -> None:
        self._session.models.load(f"{path}:{maker}", weights)

    def _remember(self, model: LoadedModel) -> None:
        """Keep what was opened among the recent ones."""
        if model.weights != RANDOM:
            self._preferences.remember("models", [ModelChoice.of(model).text])


def named_after(path: Path, names: Sequence[str]) -> str:
    """Return the network that a file of weights is named after, "" where none is."""
    fits = [name for name in names if path.stem.lower().startswith(name.lower())]
    return max(fits, key=len, default="")
