"""Open an exported figure: bring the window to where it was made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from cnnviz_desktop.data import PRETRAINED
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.errors import CnnvizError
from cnnviz_desktop.gui.file_kinds import EITHER
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.missing_files import MissingFiles
from cnnviz_desktop.gui.model_help import ModelHelp
from cnnviz_desktop.gui.models import MODEL_SLOT
from cnnviz_desktop.gui.session import Session
from cnnviz_desktop.gui.session_state import known_targets, spec_of, technique_of
from cnnviz_desktop.gui.session_work import Found, FoundRecord, OpenRecord
from cnnviz_desktop.gui.work import Engine
from cnnviz_desktop.model_names import short_name
from cnnviz_desktop.session_places import found_model

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_SLOT = "record"


class RecordOpening(QObject):
    """The way from a file to the state that made it.

    Signals: `plain` (path) a picture holds no record; `followed` (path) the window shows what made
    it; `warned` (a sentence); `given_up` the window stays as it is.
    """

    plain = Signal(object)
    followed = Signal(object)
    warned = Signal(str)
    given_up = Signal()

    def __init__(
        self, session: Session, jobs: Jobs, engine: Engine, help_: ModelHelp, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._help = help_
        self._jobs = jobs
        self._engine = engine
        self._path = Path()
        self._found: Found | None = None
        self._other_weights = False  # than those that the figure was made with
        self._why = ""  # the model could not be had
        self._missing = MissingFiles(jobs, engine, window)
        self._missing.settled.connect(self._complete)
        self._missing.cancelled.connect(self.given_up)
        help_.trusted.connect(self._watch_again)
        help_.declined.connect(self._model_ended)

    def open(self, path: Path) -> None:
        """Look for a record in a file and follow it; a PNG may well be a plain picture."""
        pictures = self._session.pictures
        work = OpenRecord(
            self._engine,
            path,
            self._session.model,
            tuple(pictures[key].image for key in pictures),
            may_be_plain=path.suffix.lower() == EITHER,
        )
        job = self._jobs.submit(work, f"Opening {path.name}", _SLOT, Priority.CLICK)
        job.done.connect(self._read)
        job.failed.connect(self.given_up)
        job.cancelled.connect(self.given_up)

    def _read(self, answer: FoundRecord) -> None:
        self._path = answer.path
        if answer.found is None:
            self.plain.emit(answer.path)
        else:
            self._missing.complete(answer.found)

    def _complete(self, found: Found) -> None:
        """Take up the model, or load it; nothing else changes until it is there."""
        self._found, self._other_weights, self._why = None, False, ""
        models, saved = self._session.models, found.model
        if found.lacks:
            self.given_up.emit()
            self.warned.emit(
                f"{found.lacks} was left out, and without it {found.path.name} cannot be made "
                "again: the window stays as it is. Open it again to say where the file is."
            )
            return
        if found.known is None and saved is not None and models.machine is not None:
            here = found_model(saved, found.path)
            weights = None if here.weights == PRETRAINED else here.weights
            # What still loads for another figure ends here, and with it the wait for that one.
            models.load(here.name, weights, spec=spec_of(here.input), measured=True)
            self._found = found
            self._watch()
            return
        self._found = found
        if found.known is not None or saved is None:
            self._follow()
        else:
            models.machine_found.connect(self._load, Qt.ConnectionType.SingleShotConnection)

    def _load(self) -> None:
        if self._found is not None:
            self._complete(self._found)

    def _watch(self) -> None:
        job = self._session.job(MODEL_SLOT)
        if job is not None:
            job.done.connect(self._model_came)
            job.failed.connect(self._model_failed)
            job.ended.connect(self._model_ended)

    def _model_came(self, model: LoadedModel) -> None:
        saved = self._found.model if self._found is not None else None
        self._other_weights = saved is not None and saved.fingerprint not in ("", model.fingerprint)
        self._follow()

    def _model_failed(self, error: CnnvizError) -> None:
        self._why = str(error)

    def _watch_again(self) -> None:
        if self._found is not None:
            self._why = ""
            self._watch()

    def _model_ended(self) -> None:
        """Leave the window as it is where the model has not come, and will not."""
        if self._found is None or self._help.asking:
            return
        self._found = None
        empty = self._session.model is None
        self.given_up.emit()
        if empty and self._why:  # what comes in its place would take the message away
            self.warned.emit(self._why)

    def _follow(self) -> None:
        """Show picture, tab and technique of the record, and compute it."""
        found, self._found = self._found, None
        session = self._session
        technique = technique_of(found.state) if found is not None else None
        if found is None or technique is None or session.model is None:
            return
        if found.model is not None:
            session.models.set_fit(found.model.fit)
        self._show_picture(found)
        technique = known_targets(technique, session.model.labels)
        session.take_techniques({technique.tab: technique})
        session.set_tab(technique.tab)
        session.run(technique.tab)
        self.followed.emit(self._path)
        amiss = self._amiss(found, technique)
        if amiss:
            self.warned.emit(amiss)

    def _show_picture(self, found: Found) -> None:
        image = next(iter(found.images.values()), None)
        if image is None:
            return
        pictures = self._session.pictures
        here = next((key for key in pictures if pictures[key].image is image), None)
        if here is None:
            entry = pictures.entry(image)
            pictures.insert(entry)
            here = entry.key
        pictures.select(here)

    def _amiss(self, found: Found, technique: Technique) -> str:
        """Say what is not as the record says."""
        says = []
        if self._other_weights and found.model is not None:
            says.append(
                f"{self._path.name} was made with other weights of "
                f"{short_name(found.model.name)} than these, "
                "so the result differs."
            )
        if found.changed:
            says.append(
                f"{found.state.images[0].name} is not the picture that {self._path.name} was made "
                "from, so the result may differ."
            )
        left = [item.name for item in found.lost if item.kind == "picture"]
        if left and technique.needs_image:
            says.append(f"{left[0]} was left out: another picture is shown.")
        return " ".join(says)
