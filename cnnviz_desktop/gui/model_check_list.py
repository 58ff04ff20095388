"""Choose any of a thousand networks: a field that opens a searchable list of boxes to tick."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cnnviz_desktop.data import RANDOM
from cnnviz_desktop.engine.catalogue import catalogue
from cnnviz_desktop.gui.check_list import CheckList
from cnnviz_desktop.gui.labels import DOT
from cnnviz_desktop.gui.model_choice import ModelChoice
from cnnviz_desktop.model_names import file_in, joined, parted, short_name
from cnnviz_desktop.settings import load_settings


class ModelCheckList(CheckList):
    """The field: the networks opened last come first, then all that have a name.

    A network with other weights is "NAME=WEIGHTS". Signals: `ticked` by the person.
    """

    def __init__(self, name: str, says: str, tip: str, *, nothing: str = "None") -> None:
        super().__init__(name, says, tip, nothing=nothing)
        self._model = ""

    def set_model(self, name: str) -> None:
        """Offer this network with random weights too."""
        self._model = name

    def choose(self, names: Iterable[str]) -> None:
        """Tick these and no others, without a signal."""
        names = tuple(names)
        strange = {name: said_of(name) for name in names if name not in self._shown}
        if strange:
            known = {name: self._words.get(name, name) for name in self._shown}
            self.set_names([*strange, *self._shown], known | strange)
        super().choose(names)

    def showPopup(self) -> None:
        """List what there is now, and open the list."""
        chosen = self.names()
        words = {name: said_of(name) for name in chosen}
        for text in load_settings()[0].recent_models:
            choice = ModelChoice.from_text(text)
            name = joined(choice.name, choice.weights)
            words.setdefault(name, said_of(name))
        if self._model:
            drawn = joined(self._model, RANDOM)
            words.setdefault(drawn, said_of(drawn))
        for entry in catalogue():
            fetched = "" if entry.here else f" {DOT} downloads {entry.megabytes:.0f} MB"
            last = fetched if entry.published or entry.here else f" {DOT} no weights published"
            words.setdefault(entry.name, f"{entry.name}{last}")
        self.set_names(list(words), words)
        super().choose(chosen)
        super().showPopup()


def said_of(model: str) -> str:
    """Return what a list calls a network: "vgg16 (random weights)", "net.pth"."""
    name, weights = parted(model)
    said = short_name(name)
    if weights is None:
        return said
    stem = Path(file_in(weights)[0] or weights).stem
    return f"{said} (random weights)" if weights == RANDOM else f"{said} ({stem})"
