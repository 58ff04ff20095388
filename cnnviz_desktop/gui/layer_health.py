"""Ask in the background how the channels of all layers fare over the session's pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from cnnviz_desktop.data import ImageInput, LayerHealth, LayerNode
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.gui.jobs import Priority
from cnnviz_desktop.gui.layer_model import Health
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.work import Engine

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

SLOT = "health"
_QUIET = 300  # milliseconds without a change: pictures of a folder come one after the other
_MANY = 4  # pictures from which on the one in view is measured alone first


@dataclass(frozen=True, eq=False)
class Measured:
    """How a model's layers fared over some pictures."""

    model: LoadedModel
    layers: tuple[LayerHealth, ...]


@dataclass(frozen=True, eq=False)
class MeasureHealth:
    """Look for dead channels over some pictures -> `Measured`."""

    engine: Engine
    model: LoadedModel
    images: tuple[ImageInput, ...]

    def __call__(self, run: Run) -> Measured:
        """Do it; clicks are answered between the pictures."""
        return Measured(self.model, self.engine.health(self.model, self.images, run))


class LayerHealths(QObject):
    """The health of the present model's layers, measured anew when model or pictures change.

    Signals: `changed` (`Health` by layer name; empty where nothing is known).
    """

    changed = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.known: Mapping[str, Health] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_QUIET)
        self._soon.timeout.connect(self._ask)
        session.models.changed.connect(self._begin_anew)
        session.models.cleared.connect(self._begin_anew)
        session.pictures.added.connect(self._wait)
        session.pictures.removed.connect(self._wait)

    def _wait(self) -> None:
        """Ask soon. Not the timer's own slot: it would take a picture's key for milliseconds."""
        self._soon.start()

    def _begin_anew(self) -> None:
        """Forget another model's layers, and look at this one's."""
        self._forget()
        self._soon.start()

    def _forget(self) -> None:
        """Know nothing, and learn nothing of a pass that runs yet."""
        self._session.drop(SLOT)
        self._take({})

    def _ask(self) -> None:
        model, pictures = self._session.model, self._session.pictures
        images = tuple(pictures[key].image for key in pictures)
        if model is None or not images:
            self._forget()
            return
        if len(images) >= _MANY and not self.known and pictures.current is not None:
            images = (pictures.current.image,)
        work = MeasureHealth(self._session.engine, model, images)
        label = f"Looking for dead channels of {model.title}"
        job = self._session.submit(work, label, SLOT, Priority.BACKGROUND)
        job.done.connect(self._measured)

    def _measured(self, found: Measured) -> None:
        model, pictures = self._session.model, len(self._session.pictures)
        if found.model is not model:
            return
        self._take(healths(model.layers, found.layers))
        if max((item.pictures for item in found.layers), default=pictures) < pictures:
            self._ask()  # that was the one in view

    def _take(self, known: Mapping[str, Health]) -> None:
        if known != self.known:
            self.known = known
            self.changed.emit(known)


def healths(root: LayerNode, layers: Sequence[LayerHealth]) -> dict[str, Health]:
    """Return the health of every layer by name; a block's is that of all layers inside it."""
    alone = {item.layer: _health(item) for item in layers}
    found: dict[str, Health] = {}
    for node in root.walk():
        inside = [alone[item.name] for item in node.walk() if item.name in alone]
        if inside:
            found[node.name] = inside[0] if not node.children else _together(inside)
    return found


def _health(item: LayerHealth) -> Health:
    return Health(
        fires=item.fires,
        dead=item.dead_share,
        channels=len(item.dead),
        silent=int(item.dead.sum()),
        unlearned=int((item.dead & item.unlearned).sum()),
        broken=item.broken,
        pictures=item.pictures,
    )


def _together(inside: Sequence[Health]) -> Health:
    """Return the health of several layers, each of their channels counted once."""
    channels = max(1, sum(item.channels for item in inside))
    silent = sum(item.silent for item in inside)
    return Health(
        fires=sum(item.fires * item.channels for item in inside) / channels,
        dead=silent / channels,
        channels=channels,
        silent=silent,
        unlearned=sum(item.unlearned for item in inside),
        broken=sum(item.broken for item in inside),
        pictures=max(item.pictures for item in inside),
    )
