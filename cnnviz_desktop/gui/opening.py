"""Decide what is on screen first: what was asked for, else a sample in the bundled network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from cnnviz_desktop.engine.catalogue import BUNDLED
from cnnviz_desktop.gui.changing_menus import samples
from cnnviz_desktop.gui.commands import Commands
from cnnviz_desktop.gui.file_kinds import kind_of
from cnnviz_desktop.gui.models import MODEL_SLOT
from cnnviz_desktop.gui.session import FEATURE_MAPS, Session

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_FIRST_LAYER = "blocks.1"  # of the bundled network: fine enough to recognise the picture in


class Opening(QObject):
    """The first requests of a window, made once it is painted."""

    def __init__(
        self,
        session: Session,
        commands: Commands,
        paths: Sequence[Path],
        model: str,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._commands = commands
        kinds = {path: kind_of(path) for path in paths}
        self._files = [path for path in paths if kinds[path] == "model"]
        self._tells = [path for path in paths if kinds[path] in ("session", "figure")]
        self._images = [path for path in paths if kinds[path] == "picture"]
        self._model = model

    def begin(self) -> None:
        """Open the pictures, start the engine, load the network."""
        session = self._session
        if self._tells:
            self._commands.open_paths([*self._tells, *self._images])
            session.models.start()
            return
        if self._images:
            self._commands.open_paths(self._images)
        else:
            session.pictures.open(samples())
        session.models.start()
        session.failed.connect(self._failed)
        if self._files and self._model:
            session.models.load(self._model, self._files[0])
            return
        if self._files:
            self._commands.open_paths(self._files)
            return
        session.models.load(self._model or BUNDLED)
        if not self._model:
            session.models.changed.connect(self._pick_layer)

    def fall_back(self) -> None:
        """Begin as if nothing had been asked for: the session or figure could not be opened."""
        models, pictures = self._session.models, self._session.pictures
        if models.current is None and models.absent is None:
            models.load(self._model or BUNDLED)
        if not len(pictures) and not self._images:
            pictures.open(samples())

    def _failed(self, tab: str) -> None:
        """Have a network at all where the first one does not come; why stays on screen."""
        models = self._session.models
        if tab != MODEL_SLOT or models.absent is not None:
            return
        self._session.failed.disconnect(self._failed)
        if models.current is None and models.wanted != BUNDLED:
            models.fall_back(BUNDLED)

    def _pick_layer(self, model: LoadedModel) -> None:
        """Begin where maps still look like the picture, unless another network came first."""
        self._session.models.changed.disconnect(self._pick_layer)
        if model.name == BUNDLED and model.layers.find(_FIRST_LAYER) is not None:
            self._session.pick_layer(_FIRST_LAYER, FEATURE_MAPS)
