"""Show how a network came to be: checkpoint after checkpoint, and what its training logged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QCheckBox, QFileDialog, QStackedWidget, QWidget

from cnnviz_desktop.data import Timeline
from cnnviz_desktop.gui import labels
from cnnviz_desktop.gui.controls import Segments, Slide, fix_size, link, named, push_button
from cnnviz_desktop.gui.drops import DropTarget
from cnnviz_desktop.gui.empty_state import EmptyState
from cnnviz_desktop.gui.export_work import Refused
from cnnviz_desktop.gui.labels import ElidedLabel
from cnnviz_desktop.gui.marks import Origin
from cnnviz_desktop.gui.qimages import qimage_of
from cnnviz_desktop.gui.result_view import ResultView, middle
from cnnviz_desktop.gui.session import TRAINING, Session
from cnnviz_desktop.gui.status_bar import duration
from cnnviz_desktop.gui.training_following import TrainingFollower
from cnnviz_desktop.gui.training_pages import CurvesPage, HistogramsPage, PicturesPage
from cnnviz_desktop.gui.training_stage import TimelineStage
from cnnviz_desktop.gui.training_work import (
    DrawPanels,
    FindShipped,
    Logs,
    LookInto,
    Panels,
)
from cnnviz_desktop.gui.work import Answer

if TYPE_CHECKING:
    from cnnviz_desktop.data.training_logs import TrainingLog
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.training_folder import TrainingFolder

_WHERE = 260  # pixels of the folder's name, at most
_TIMELINE, _CURVES, _HISTOGRAMS, _PICTURES = "timeline", "curves", "histograms", "pictures"
_PAGES = (
    (_TIMELINE, "Checkpoints", "The same picture and channel at every checkpoint"),
    (_CURVES, "Curves", "The numbers that were logged, by what they measure"),
    (_HISTOGRAMS, "Histograms", "How logged numbers are spread, step after step"),
    (_PICTURES, "Pictures", "The pictures that were logged"),
)


class TrainingView(ResultView):
    """Checkpoints and logs of a training.

    Signals: `film_wanted` (`Timeline`) it is to be saved as a moving picture; `refused` (a
    sentence); `files_dropped` (paths), `image_dropped`: what is no folder of a training.
    """

    film_wanted = Signal(object)
    refused = Signal(str)
    files_dropped = Signal(list)
    image_dropped = Signal(object)

    tab = TRAINING
    needs_image = False
    draws: ClassVar[tuple[type, ...]] = (Timeline,)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.follower = TrainingFollower(session, self)
        self._drawn_of: tuple[object, ...] = ()
        self._drawn = 0  # checkpoints that are drawn
        self._asked = False  # whether the checkpoints that ship were looked for
        self._shipped: Path | None = None  # where they are
        self._origin: Origin | None = None  # of the present network
        self.stage = TimelineStage()
        self.curves = CurvesPage()
        self.histograms = HistogramsPage()
        self.pictures = PicturesPage()
        self.empty = EmptyState("No training yet.", "")
        self._pages = QStackedWidget()
        self._by_name: dict[str, QWidget] = {
            _TIMELINE: self.stage,
            _CURVES: self.curves,
            _HISTOGRAMS: self.histograms,
            _PICTURES: self.pictures,
        }
        for page in (self.empty, *self._by_name.values()):
            self._pages.addWidget(page)
        self.canvas.addWidget(self._pages, 1)
        self._fill_bar()
        self._drops = DropTarget(self)
        self._connect()
        self._show_page()

    def choose(self, path: Path) -> None:
        """Take a folder of checkpoints or logs, or a file in one: its content says which."""
        job = self.session.submit(LookInto(path), f"Looking into {path.name}", "training folder")
        job.done.connect(self._found)

    def answer(self) -> Answer | None:
        """Return the timeline where it is in sight: logs are no result of the window's."""
        return self._timeline() if self.pages.value() == _TIMELINE else None

    def show_answer(self, answer: Answer) -> None:
        """Show a timeline, or what there is of it so far."""
        line = answer.result
        if not isinstance(line, Timeline):
            return
        of = (answer.technique, answer.model, answer.image)
        if of != self._drawn_of or not answer.partial or line.wanted is not None:
            self._drawn_of, self._drawn = of, 0
        if self.pages.value() != _TIMELINE and not answer.partial and self.follower.logs is None:
            self.pages.set_value(_TIMELINE)
        self.stage.show_line(line)
        self.stage.film.setEnabled(not answer.partial)
        work = DrawPanels(line, answer.image, self._drawn)
        job = self.session.submit(work, "Drawing the checkpoints", "timeline panels")
        job.done.connect(self._take_panels)
        self._show_page()

    def forget(self) -> None:
        """Show nothing."""
        self._drawn_of, self._drawn = (), 0
        self.stage.forget()
        self._show_page()

    def take_keyboard(self) -> None:
        """Give the keyboard to the page."""
        page = self._pages.currentWidget()
        if page is not None:
            page.setFocus()

    def title(self) -> tuple[str, str]:
        """Return the channel, or the folder of logs, and how much there is of it."""
        answer, page = self._timeline(), self.pages.value()
        if page == _TIMELINE and answer is not None and isinstance(answer.result, Timeline):
            line = answer.result
            count = labels.many(len(line.names), "checkpoint")
            took = "" if answer.partial else duration(answer.seconds)
            return line.layer, middle(f"channel {line.channel}", count, took)
        logs = self.follower.logs
        if logs is not None and page != _TIMELINE:
            runs = logs.log.runs
            many = f"{len(runs)} runs" if len(runs) > 1 else ""
            return logs.log.title, middle(many, last_step(logs.log))
        return self.tab, ""

    def set_view_settings(self, values: Mapping[str, Any]) -> None:
        """Show the page, and draw curves, as a session kept it."""
        super().set_view_settings(values)
        self._show_look()
        self._show_page()

    def picture(self) -> QImage | None:
        """Return the page as it is on screen."""
        page = self._pages.currentWidget()
        return None if page is None or page is self.empty else page.grab().toImage()

    def can_copy(self) -> bool:
        """Tell whether there is a page."""
        return self._pages.currentWidget() is not self.empty

    def showEvent(self, event: object) -> None:
        """Look at what ships with the network the first time, and at logs that grow."""
        self._find_shipped()
        self.follower.watch(seen=True)

    def hideEvent(self, event: object) -> None:
        """Let logs grow while nobody looks."""
        self.follower.watch(seen=False)

    def _timeline(self) -> Answer | None:
        return self.session.answers.get(TRAINING)

    def _fill_bar(self) -> None:
        tip = "A folder of checkpoints or of TensorBoard logs; drop one here"
        self.choose_button = push_button(
            f"Choose folder{labels.ELLIPSIS}", "trainingFolder", tip, "folder"
        )
        self.where = ElidedLabel(role="secondary", muted=True, mode=Qt.TextElideMode.ElideMiddle)
        named(self.where, "trainingWhere", "Folder")
        fix_size(self.where, most=_WHERE)
        self.pages = Segments(_PAGES, "trainingPages", "What is shown")
        tip = "How much curves are smoothed: the raw ones stay faint behind"
        self.smoothing = Slide("Smoothing", "trainingSmoothing", tip, 0.0, 0.99, 0.01)
        self.log_scale = QCheckBox("Log scale")
        named(self.log_scale, "trainingLog", "Log scale", "Count the values by powers of ten")
        self.fresh = link("", "trainingFresh", "Go through them as well")
        self.fresh.hide()
        for widget in (
            self.choose_button,
            self.pages,
            self.smoothing,
            self.log_scale,
            self.fresh,
            self.where,
        ):
            self.bar.addWidget(widget)
        self.controls = {
            "page": self.pages,
            "smoothing": self.smoothing,
            "log scale": self.log_scale,
        }

    def _connect(self) -> None:
        self.choose_button.clicked.connect(self._ask)
        self.pages.picked.connect(self._show_page)
        self.smoothing.moved.connect(self._show_look)
        self.log_scale.toggled.connect(self._show_look)
        self.stage.film_wanted.connect(self._want_film)
        self.follower.read.connect(self._take_logs)
        self.follower.refused.connect(self.refused)
        self.follower.refused.connect(self._show_page)
        self.follower.counted.connect(self._offer_fresh)
        self.fresh.clicked.connect(self._take_fresh)
        self._drops.files_dropped.connect(self._dropped)
        self._drops.image_dropped.connect(self.image_dropped)
        self._drops.refused.connect(self.refused)
        self.session.models.changed.connect(self._changed_model)
        self.session.pictures.selected.connect(self._show_page)
        self.session.requested.connect(self._requested)
        self._show_look()

    def _ask(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Choose a folder of checkpoints or logs")
        if chosen:
            self.choose(Path(chosen))

    def _dropped(self, paths: list[Path]) -> None:
        """Take a folder, or a file of a log; leave all else to the window."""
        path = paths[0]
        if len(paths) == 1 and (path.is_dir() or ".tfevents." in path.name):
            self.choose(path)
        else:
            self.files_dropped.emit(paths)

    def _requested(self, tab: str) -> None:
        """Say that the checkpoints are gone through, until that ends."""
        job = self.session.job(TRAINING)
        if tab == TRAINING and job is not None:
            job.ended.connect(self._show_page)
            self._show_page()

    def _found(self, found: TrainingFolder | Refused) -> None:
        if isinstance(found, Refused):
            self.refused.emit(found.sentence)
            return
        if found.checkpoints:
            technique = self.session.techniques[TRAINING]
            self.session.set_technique(
                TRAINING, replace(technique, **{"checkpoints": str(found.path)})
            )
        self._use(found, run=found.checkpoints > 0)

    def _found_shipped(self, found: TrainingFolder | None) -> None:
        if found is None:
            return
        self._shipped = found.path
        technique = self.session.techniques[TRAINING]
        if technique.values().get("checkpoints") or self.follower.log_folder is not None:
            self._show_page()
        elif self.session.is_stale(TRAINING):
            self._use(found, run=self.isVisible() and self.session.job(TRAINING) is None)
        else:  # a session's: its page stays
            self.follower.follow(found)
            self.follower.watch(self.isVisible())
            self._show_page()

    def _use(self, found: TrainingFolder, *, run: bool) -> None:
        """Show a folder's checkpoints and logs."""
        self.fresh.hide()
        self.pages.set_value(_TIMELINE if found.checkpoints else _CURVES)
        self.follower.follow(found)
        self.follower.watch(self.isVisible())
        if run:
            self.session.run(TRAINING)
        self._show_page()

    def _find_shipped(self) -> None:
        model = self.session.model
        if model is not None and not self._asked:
            self._asked = True
            work = FindShipped(model)
            job = self.session.submit(work, "Looking for checkpoints", "shipped checkpoints")
            job.done.connect(self._found_shipped)

    def _changed_model(self, model: LoadedModel) -> None:
        before, self._origin = self._origin, Origin.of(model)
        if before == self._origin:  # only fed otherwise, or on another device
            self._show_page()
            return
        if self._shipped is not None and self.follower.log_folder == self._shipped:
            self.follower.follow(None)  # these are the logs of another network
            self.follower.watch(self.isVisible())
        self._asked, self._shipped = False, None
        if self.isVisible():
            self._find_shipped()
        self._show_page()

    def _offer_fresh(self, more: int) -> None:
        """Offer checkpoints that were written meanwhile."""
        words = labels.many(more, "new checkpoint")
        self.fresh.setText(words)
        self.fresh.setAccessibleName(words)
        self.fresh.setVisible(more > 0)

    def _take_fresh(self) -> None:
        """Go through the folder again."""
        folder = self.follower.checkpoint_folder
        if folder is not None:
            self.choose(folder)

    def _take_logs(self, found: Logs) -> None:
        self.curves.show_log(found.log)
        self.histograms.show_log(found.log)
        self.pictures.show_log(found.log)
        self._show_page()

    def _take_panels(self, found: Panels) -> None:
        answer = self._timeline()
        if answer is None or not isinstance(answer.result, Timeline):
            return
        images = [
            {name: qimage_of(pixels) for name, pixels in panels.items()} for panels in found.drawn
        ]
        self.stage.show_panels(found.first, images)
        self._drawn = found.first + len(images)

    def _want_film(self) -> None:
        answer = self._timeline()
        if answer is not None and isinstance(answer.result, Timeline) and not answer.partial:
            self.film_wanted.emit(answer.result)

    def _show_look(self) -> None:
        self.curves.set_look(self.smoothing.value(), log=self.log_scale.isChecked())

    def _show_page(self) -> None:
        """Show the page that is chosen, or what is missing for it."""
        name = self.pages.value()
        logs = self.follower.logs
        log = logs.log if logs is not None else None
        there = {
            _TIMELINE: self._timeline() is not None,
            _CURVES: log is not None and any(run.curves.names for run in log.runs),
            _HISTOGRAMS: log is not None and any(run.histograms for run in log.runs),
            _PICTURES: log is not None and any(run.pictures for run in log.runs),
        }
        self.where.setText(self._where(name))
        self.smoothing.setVisible(name == _CURVES)
        self.log_scale.setVisible(name == _CURVES)
        if there[name]:
            self._pages.setCurrentWidget(self._by_name[name])
        else:
            self.empty.set_text(*self._missing(name))
            self._pages.setCurrentWidget(self.empty)
        self.retitled.emit()

    def _where(self, name: str) -> str:
        """Say which folder a page is about."""
        if name == _TIMELINE:
            answer = self._timeline()
            technique = self.session.techniques[TRAINING] if answer is None else answer.technique
            chosen = technique.values().get("checkpoints")
            folder = Path(chosen) if chosen else self._shipped
        else:
            folder = self.follower.log_folder
        if folder is None:
            return ""
        return "The bundled network's own training" if folder == self._shipped else str(folder)

    def _missing(self, name: str) -> tuple[str, str]:
        """Return what there is not, and what to do next."""
        if name == _TIMELINE and self.session.job(TRAINING) is not None:
            said = "The first is shown as soon as it is done."
            return f"Going through the checkpoints{labels.ELLIPSIS}", said
        if name == _TIMELINE:
            if self.session.pictures.current is None:
                return "No checkpoints yet.", "Open a picture: it is shown at every checkpoint."
            chosen = self.session.techniques[TRAINING].values().get("checkpoints")
            there = ", or press Run (F5)" if chosen or self._shipped is not None else ""
            return (
                "No checkpoints yet.",
                f"Choose or drop a folder of this network's checkpoints{there}.",
            )
        if self.follower.log_folder is None:
            step = "Choose or drop the folder that a training logs into: it is read as it grows."
            return "No logs yet.", step
        if self.follower.problem:
            return "These logs cannot be read.", self.follower.problem
        if self.follower.logs is None:
            return f"Reading the logs{labels.ELLIPSIS}", "The first time takes longest."
        return f"No {name} in this log yet.", "They appear here as soon as they are written."


def last_step(log: TrainingLog) -> str:
    """Say how far the training is."""
    ends = [
        (float(steps[-1]), run.curves.unit_of_steps)
        for run in log.runs
        for steps in run.curves.steps
        if len(steps)
    ]
    if not ends:
        return ""
    step, unit = max(ends)
    return f"{unit} {labels.whole(round(step))}"
