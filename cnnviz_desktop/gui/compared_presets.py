"""Choose networks to compare in one click: the classic four, random weights, a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox, QWidget

from cnnviz_desktop.data import PRETRAINED, RANDOM
from cnnviz_desktop.engine.catalogue import BUNDLED, CatalogueEntry, find
from cnnviz_desktop.engine.techniques import CompareModels
from cnnviz_desktop.errors import ModelError
from cnnviz_desktop.gui.controls import named
from cnnviz_desktop.gui.labels import THIN
from cnnviz_desktop.gui.models import MODEL_SLOT
from cnnviz_desktop.gui.session import COMPARE, Session
from cnnviz_desktop.model_names import file_in, joined
from cnnviz_desktop.resources import resource

CLASSIC = ("vgg16", "vgg19", "resnet50", "inception_v3")
_STEPS = 3  # checkpoints beside the trained network


class Presets(QObject):
    """The choices, each of which starts the comparison. It says nothing.

    Where published weights are not on this machine it asks first, with their size, and offers
    random ones.
    """

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._box: QMessageBox | None = None
        self._waiting: tuple[str, ...] = ()  # to be compared once their first is loaded
        session.models.changed.connect(self._go_on)
        session.models.requested.connect(self._give_up)

    def classic(self) -> None:
        """Compare VGG16, VGG19, ResNet50 and Inception v3."""
        model = self._session.model
        if model is not None and model.name in CLASSIC and model.weights == RANDOM:
            self._begin_classic(RANDOM)  # as the first is, so are the others
            return
        entries = [entry for name in CLASSIC if (entry := find(name)) is not None]
        missing = [entry for entry in entries if not entry.here]
        if missing:
            self._ask(missing)
        else:
            self._begin_classic(PRETRAINED)

    def drawn(self) -> None:
        """Compare the network with itself before any training."""
        model = self._session.model
        if model is None:
            return
        file, made_by = file_in(model.name)
        if file and not made_by:
            sentence = (
                f"{model.title} holds its weights itself, so it cannot be had without them. "
                "Compare it with another model."
            )
            self._session.failed.emit("", ModelError(sentence))
            return
        other = PRETRAINED if model.weights == RANDOM else RANDOM
        self.compare((joined(model.name, other),))

    def training(self) -> None:
        """Compare the bundled network with what it was on its way."""
        files = sorted(resource("bundled/checkpoints").glob("*.safetensors"))[:_STEPS]
        self._start((BUNDLED, *(joined(BUNDLED, str(file)) for file in files)), PRETRAINED)

    def compare(self, names: Sequence[str]) -> None:
        """Compare the network with others."""
        session = self._session
        technique = session.techniques[COMPARE]
        assert isinstance(technique, CompareModels)
        wanted = replace(technique, models=tuple(names))
        session.take_techniques({COMPARE: wanted})
        session.run(COMPARE)

    def _ask(self, missing: Sequence[CatalogueEntry]) -> None:
        """Ask whether to download what is missing."""
        if self._box is not None:
            return
        size = sum(entry.megabytes for entry in missing)
        box = self._box = QMessageBox(self._window)
        named(box, "downloadQuestion", "Download the weights?")
        box.setWindowTitle("CNNviz")
        names = ", ".join(entry.name for entry in missing)
        amount = f"{size / 1000:.1f}{THIN}GB" if size >= 1000 else f"{size:.0f}{THIN}MB"
        box.setText(f"Download {amount} of weights?")
        box.setInformativeText(
            f"Those of {names} are not on this machine yet; they are downloaded once and kept. "
            "Random weights need no download: costs and sizes are the same, answers and maps say "
            "nothing."
        )
        download = box.addButton("&Download", QMessageBox.ButtonRole.AcceptRole)
        drawn = box.addButton("&Random weights", QMessageBox.ButtonRole.ActionRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        named(download, "downloadYes", "Download")
        named(drawn, "downloadRandom", "Random weights")
        download.setProperty("primary", True)
        box.finished.connect(self._answered)
        box.open()

    def _answered(self) -> None:
        box, self._box = self._box, None
        if box is None:
            return
        chosen = box.clickedButton()
        name = chosen.objectName() if chosen is not None else ""
        box.deleteLater()
        if name == "downloadYes":
            self._begin_classic(PRETRAINED)
        elif name == "downloadRandom":
            self._begin_classic(RANDOM)

    def _begin_classic(self, weights: str) -> None:
        model = self._session.model
        here = model is not None and model.name in CLASSIC and model.weights == weights
        first = model.name if model is not None and here else CLASSIC[0]
        others = (name for name in CLASSIC if name != first)
        self._start((first, *(joined(name, weights) for name in others)), weights)

    def _start(self, names: tuple[str, ...], weights: str) -> None:
        """Compare networks of which the first may have to be loaded before."""
        model = self._session.model
        if model is not None and (model.name, model.weights) == (names[0], weights):
            self.compare(names[1:])
            return
        self._session.models.load(names[0], None if weights == PRETRAINED else weights)
        self._waiting = names

    def _go_on(self) -> None:
        waiting, self._waiting = self._waiting, ()
        model = self._session.model
        if waiting and model is not None and model.name == waiting[0]:
            self.compare(waiting[1:])

    def _give_up(self, name: str) -> None:
        """Forget what waits: another network is asked for, or the first did not come."""
        comes = self._session.job(MODEL_SLOT) is not None  # perhaps to another device
        if not (comes and name in self._waiting[:1]):
            self._waiting = ()
