"""Hold what the present model answers to the session's pictures, asked for in the background."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal

from cnnviz_desktop.data import Prediction
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.models import Models
from cnnviz_desktop.gui.pictures import Picture, Pictures
from cnnviz_desktop.gui.work import Engine, Inspect, Inspected


class Predictions(QObject):
    """The answers by picture key. Signals: `added` (`Inspected`)."""

    added = Signal(object)

    def __init__(
        self, jobs: Jobs, engine: Engine, models: Models, pictures: Pictures, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._engine = engine
        self._models = models
        self._pictures = pictures
        self._known: dict[int, Prediction] = {}
        pictures.added.connect(self._ask_about_new)
        pictures.removed.connect(self._forget)

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, key: int) -> bool:
        return key in self._known

    def __getitem__(self, key: int) -> Prediction:
        return self._known[key]

    def known(self) -> dict[int, Prediction]:
        """Return the answers there are."""
        return dict(self._known)

    def current(self) -> Prediction | None:
        """Return the answer to the current picture, if it is known."""
        picture = self._pictures.current
        return self._known.get(picture.key) if picture else None

    def ask(self, key: int, priority: Priority) -> None:
        """Ask the model about a picture unless the answer is known or on its way."""
        model = self._models.current
        if model is None or key in self._known:
            return
        work = Inspect(self._engine, key, model, self._pictures[key].image)
        slot = f"inspect {key}"
        waiting = self._jobs.current(slot)
        if waiting is not None and waiting.work == work and waiting.priority <= priority:
            return
        label = f"Asking {model.title} about {work.image.name}"
        self._jobs.submit(work, label, slot, priority).done.connect(self._answered)

    def take(self, kept: Iterable[Inspected]) -> None:
        """Take over answers of another time."""
        for item in kept:
            self._known[item.key] = item.prediction
            self.added.emit(item)

    def clear(self) -> None:
        """Let go of all answers: they were another model's."""
        self._known.clear()

    def _ask_about_new(self, picture: Picture) -> None:
        self.ask(picture.key, Priority.BACKGROUND)

    def _answered(self, answer: Inspected) -> None:
        if answer.model is self._models.current and answer.key in self._pictures:
            self.take([answer])

    def _forget(self, key: int) -> None:
        waiting = self._jobs.current(f"inspect {key}")
        if waiting is not None:
            waiting.supersede()
        self._known.pop(key, None)
