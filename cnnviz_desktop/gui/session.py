"""Hold what the window is about: model, pictures, selection, parameters and results.

Views never call the engine: they tell the session what the person did; it submits requests and
tells everyone what changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from cnnviz_desktop.data import Result
from cnnviz_desktop.engine import techniques
from cnnviz_desktop.engine.technique import FolderKind, Technique
from cnnviz_desktop.errors import CnnvizError, ParameterError
from cnnviz_desktop.gui.aims import (
    Unit,
    classes,
    has_channel,
    layer_fields,
    lost,
    targets,
    with_layer,
    with_unit,
)
from cnnviz_desktop.gui.jobs import Job, Jobs, Priority, Work
from cnnviz_desktop.gui.marks import Marks, Origin
from cnnviz_desktop.gui.maximise_runs import TABS as STEERED
from cnnviz_desktop.gui.maximise_runs import SteeredRuns, priority_of, slot_of, tab_of
from cnnviz_desktop.gui.maximise_wants import idle, in_step, steers, with_likeliest
from cnnviz_desktop.gui.models import MODEL_SLOT, Models
from cnnviz_desktop.gui.pictures import Picture, Pictures
from cnnviz_desktop.gui.predictions import Predictions
from cnnviz_desktop.gui.results import Request, ResultCache, why_too_large
from cnnviz_desktop.gui.work import Answer, Engine, Inspected, Perform

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

PREDICTIONS, EXPLAIN, FEATURE_MAPS, FILTERS = "Predictions", "Explain", "Feature maps", "Filters"
STATISTICS = "Statistics"
DATASET = "Dataset"
COMPARE = "Compare"
TRAINING = "Training"
UNIT, MAXIMISE = "Unit", "Maximise"
# Follow each click without a Run, where what they compute is quick.
FOLLOWING = {EXPLAIN, FEATURE_MAPS, FILTERS, UNIT, STATISTICS}
FOLLOWS_UNIT = (UNIT, MAXIMISE, TRAINING)  # turn to the selected unit


class Session(QObject):
    """The state of one window, with its `models`, `pictures`, `predictions` and `marks`.

    Pictures of the explaining tab have a layer of their own, since explanations want the last maps;
    all other tabs share one.

    Signals: `tab_changed` (tab); `technique_changed` (tab); `layer_picked` (tab);
    `unit_picked` (`Unit` or None); `requested` (tab); `answered` (tab,
    `Answer`); `withdrawn` (tab) its answer was another model's, or will never be whole; `failed`
    (tab, `MODEL_SLOT` or "", `CnnvizError`).
    """

    tab_changed = Signal(str)
    technique_changed = Signal(str)
    layer_picked = Signal(str)
    unit_picked = Signal(object)
    requested = Signal(str)
    answered = Signal(str, object)
    withdrawn = Signal(str)
    failed = Signal(str, object)

    def __init__(self, jobs: Jobs, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._engine = engine
        self.models = Models(jobs, engine, self)
        self.pictures = Pictures(jobs, engine, self)
        self.predictions = Predictions(jobs, engine, self.models, self.pictures, self)
        self.marks = Marks(self)
        self.cache = ResultCache(on_screen=self._on_screen)
        self.tab = FEATURE_MAPS
        self._labels: tuple[str, ...] = ()
        self.unit: Unit | None = None
        self.answers: dict[str, Answer] = {}  # what each tab shows
        self._runs = SteeredRuns()
        jobs.failed.connect(self._failed)
        jobs.previewed.connect(self._previewed)
        self.models.changed.connect(self._use_model)
        self.models.cleared.connect(self._lose_model)
        self.pictures.selected.connect(self._look_at)
        self.pictures.removed.connect(self._forget_picture)

    @cached_property
    def techniques(self) -> dict[str, Technique]:
        """Return what each tab's form says; the window is painted before the first look."""
        tabs = dict.fromkeys(kind.tab for kind in techniques.TECHNIQUES)
        return {tab: _usual(tab) for tab in tabs}

    @property
    def engine(self) -> Engine:
        """Return what does the work; only requests call it, in its own thread."""
        return self._engine

    @property
    def model(self) -> LoadedModel | None:
        """Return the present model."""
        return self.models.current

    def set_tab(self, tab: str) -> None:
        """Turn to another tab and bring it up to date."""
        if tab != self.tab:
            self.tab = tab
            self.tab_changed.emit(tab)
            self._follow()

    def layer(self, tab: str) -> str:
        """Return the layer that a tab looks at, the model's default where none was picked."""
        technique = self.techniques.get(tab)
        if technique is None or not layer_fields(technique):
            technique = self.techniques[FEATURE_MAPS]
        usual = ""
        if self.model is not None:
            usual = self.model.default_layer
            with suppress(CnnvizError):
                technique = technique.resolved(self.model)
        # A class is grown without a layer, which is no choice of another one.
        return next((getattr(technique, name) or usual for name in layer_fields(technique)), "")

    def pick_layer(self, name: str, tab: str) -> None:
        """Look at a layer: in the explaining tab there alone, elsewhere in all the others."""
        if self.model is None:
            return
        before = dict(self.techniques)
        for other, technique in before.items():
            if (other == EXPLAIN) == (tab == EXPLAIN):
                usual = _usual(other)
                turns = layer_fields(usual) and not layer_fields(technique) and other != DATASET
                looking = usual if turns else technique
                self.techniques[other] = with_layer(looking, name, self.model.layers)
        self._follow()  # first of all: the engine works while the window tells its parts
        for other, technique in before.items():
            if self.techniques[other] != technique:
                self.technique_changed.emit(other)
        if tab != EXPLAIN and self.unit is not None and self.unit.layer != name:
            self.pick_unit(None)
        self.layer_picked.emit(tab)

    def pick_unit(self, unit: Unit | None, *shown: str) -> None:
        """Select a channel of a layer for all tabs but those where it is `shown` already."""
        if unit != self.unit:
            self.unit = unit
            if unit is not None:
                for tab in FOLLOWS_UNIT:
                    if tab in self.techniques and tab not in shown:
                        with suppress(CnnvizError):  # of a damaged session
                            self._change(tab, with_unit(self.techniques[tab], unit))
            self.unit_picked.emit(unit)
            if self.tab == UNIT:
                self._follow()

    def pick_target(self, target: int | None) -> None:
        """Explain another class; None is the likeliest."""
        for tab, technique in self.techniques.items():
            if tab not in (UNIT, MAXIMISE, DATASET):  # whose classes are the folder's
                self._change(tab, replace(technique, **dict.fromkeys(targets(technique), target)))
        self._follow()

    def set_technique(self, tab: str, technique: Technique) -> None:
        """Take over what a form says: a layer or class at once, the rest with the next run."""
        before, old = self.layer(tab), self.techniques[tab]
        self._change(tab, in_step(old, technique))
        if self.techniques[tab] != technique:
            self.technique_changed.emit(tab)  # the form says something else yet
        if steers(old, technique):
            self._adjust(tab)
        elif tab in STEERED and type(old) is not type(technique):
            self._take_up(tab)
        if layer_fields(technique) and self.layer(tab) != before:
            self.pick_layer(self.layer(tab), tab)
        elif classes(old) != classes(technique) or type(old) is not type(technique):
            self._follow()

    def take_techniques(self, techniques: Mapping[str, Technique]) -> None:
        """Let forms say what they said at another time, each tab for itself."""
        for tab, technique in techniques.items():
            self._change(tab, technique)
        if self.unit is not None and self.unit.layer != self.layer(FEATURE_MAPS):
            self.pick_unit(None)
        self.layer_picked.emit(self.tab)
        self._follow()

    def show_kept(self, answers: Iterable[Answer], inspected: Iterable[Inspected]) -> None:
        """Show results of another time while the model that gave them is not loaded."""
        for answer in answers:
            self._performed(answer)
        self.predictions.take(inspected)

    def request(self, tab: str) -> Request | None:
        """Return what a tab's form asks for now; None where model or picture is missing.

        Raises `CnnvizError` where the model has no such layer.
        """
        technique = self.techniques.get(tab)
        if technique is None or self.model is None:
            return None
        current = self.pictures.current
        image = current.image if current and technique.needs_image else None
        if technique.needs_image and image is None:
            return None
        technique = with_likeliest(technique, self.predictions.current())
        return Request(technique.resolved(self.model), self.model, image)

    def is_stale(self, tab: str) -> bool:
        """Tell whether a tab shows something else than its form asks for."""
        try:
            wanted = self.request(tab)
        except CnnvizError:
            return True
        shown = self.answers.get(tab)
        if wanted is None or shown is None:
            return wanted is not None
        return shown.partial or shown.altered or _request_of(shown) != wanted

    def run(self, tab: str, priority: Priority = Priority.RUN) -> None:
        """Answer what a tab's form asks for: at once where the answer is cached."""
        try:
            request = self.request(tab)
        except CnnvizError as error:
            self.failed.emit(tab, error)
            return
        if request is None:
            return
        running = self.job(tab)
        cached = self.cache.get(request)
        shown = self.answers.get(tab)
        again = cached is not None and shown is not None and cached.result is shown.result
        if again and _reads_folder(request.technique):
            self.cache.forget(request)  # which may hold more files by now
            cached = None
        if cached is not None:
            if running is not None:
                running.supersede()
            self._show(cached)
            return
        reason = why_too_large(request, self.cache.budget)
        if reason:
            self.failed.emit(tab, ParameterError(reason))
            return
        work = Perform(self._engine, request.technique, request.model, request.image)
        if running is not None and running.work == work:
            return
        said = {} if "layer" in idle(request.technique) else request.technique.values()
        of = said.get("layer") or request.model.title
        label = f"{request.technique.title} of {of}"
        priority = priority_of(request.technique, priority)
        job = self._jobs.submit(work, label, slot_of(request.technique), priority)
        job.done.connect(self._performed)
        if tab in STEERED:
            self._runs.begin(request.technique, shown)
            job.cancelled.connect(self._go_back)
            job.failed.connect(self._go_back)
        self.requested.emit(tab)

    def submit(self, work: Work, label: str, slot: str, priority: Priority = Priority.CLICK) -> Job:
        """Have the engine do what a view shows beside its result; a newer job of the slot wins."""
        return self._jobs.submit(work, label, slot, priority)

    def performing(self, request: Request) -> Perform:
        """Return the work that answers a request."""
        return Perform(self._engine, request.technique, request.model, request.image)

    def job(self, tab: str) -> Job | None:
        """Return the waiting or running job of a tab, or of another slot."""
        technique = self.techniques.get(tab)
        return self._jobs.current(slot_of(technique) if technique is not None else tab)

    def drop(self, tab: str) -> None:
        """Wait no longer for the job of a tab, or of another slot."""
        asked = self.job(tab)
        if asked is not None:
            asked.supersede()

    def _use_model(self, model: LoadedModel) -> None:
        """Let go of what was made with the old model; keep the choices that fit the new one."""
        self._supersede()
        if self.models.resumed:
            self.cache.hand_over(model)
        else:
            self.cache.clear()
            self.predictions.clear()
        nodes = {node.name: node for node in model.layers.walk()}
        for tab, technique in self.techniques.items():
            changes = lost(technique, nodes, model)
            if model.labels != self._labels and not self.models.resumed:
                changes |= dict.fromkeys(classes(technique))
            self._change(tab, replace(technique, **changes))
        self._labels = model.labels
        if self.models.resumed:
            self.answers = {tab: replace(item, model=model) for tab, item in self.answers.items()}
        else:
            self._keep_in_view()
        self.marks.turn_to(Origin.of(model))
        unit = self.unit
        if unit is not None and not has_channel(nodes.get(unit.layer), unit.channel):
            self.pick_unit(None)
        self._look_at(self.pictures.current)
        for key in self.pictures:
            self.predictions.ask(key, Priority.BACKGROUND)

    def _keep_in_view(self) -> None:
        """Let go of the old model's answers; a whole one in view stays until there is a new one."""
        gone = [tab for tab, old in self.answers.items() if tab != self.tab or old.partial]
        for tab in gone:
            old = self.answers.pop(tab)
            # The pictures of these two do not say which network's they are.
            if old.partial or tab in (EXPLAIN, MAXIMISE):
                self.withdrawn.emit(tab)

    def _lose_model(self) -> None:
        """Let go of all results: another session takes the place of this one."""
        self._supersede()
        self.cache.clear()
        self.predictions.clear()
        self.answers = {}
        self._labels = ()
        self.pick_unit(None)

    def _supersede(self) -> None:
        self._runs.clear()
        for slot in dict.fromkeys(map(slot_of, techniques.TECHNIQUES)):
            running = self._jobs.current(slot)
            if running is not None:
                running.supersede()

    def _follow(self) -> None:
        """Bring the tab in view up to date where that is quick."""
        technique = self.techniques.get(self.tab)
        quick = self.tab in FOLLOWING and technique is not None and technique.is_quick()
        if quick and self.is_stale(self.tab):
            self.run(self.tab, Priority.CLICK)

    def _look_at(self, picture: Picture | None) -> None:
        """Show another picture: what the tab in view needs first, then what the model says."""
        self._follow()
        if picture is not None:
            self.predictions.ask(picture.key, Priority.CLICK)

    def _forget_picture(self, _key: int) -> None:
        self.cache.keep_images([self.pictures[other].image for other in self.pictures])

    def _adjust(self, tab: str) -> None:
        """Let a run go on with what the form says now, as far as that can change on its way."""
        job, technique = self.job(tab), self.techniques[tab]
        if tab in STEERED and job is not None:
            self._runs.adjust(technique)
            job.adjust(technique)

    def _go_back(self) -> None:
        """Show again what was there before a run that was cancelled or failed, or nothing."""
        for answer in self._runs.cancelled(self._is_running):
            if self.answers.get(answer.technique.tab) is not answer:
                self._show(answer)
        left = self.answers.get(MAXIMISE)
        if left is not None and left.partial and not self._is_running(slot_of(left.technique)):
            del self.answers[MAXIMISE]
            self.withdrawn.emit(MAXIMISE)

    def _is_running(self, slot: str) -> bool:
        return self._jobs.current(slot) is not None

    def _take_up(self, tab: str) -> None:
        """Show what the method that was turned to gave last, and keep what the other one gave."""
        shown = self.answers.get(tab)
        if shown is not None:
            self._runs.set_aside(shown)
        known = self._runs.taken_up(self.techniques[tab])
        if known is not None:
            self._show(known)

    def _previewed(self, job: Job, result: Result) -> None:
        """Show what is there already of an answer."""
        work = job.work
        if isinstance(work, Perform) and result is not None:
            self._show(Answer(work.technique, work.model, work.image, result, 0.0, partial=True))

    def _performed(self, answer: Answer) -> None:
        answer = self._runs.end(answer)
        if not answer.altered:
            self.cache.put(_request_of(answer), answer)
        self._show(answer)

    def _show(self, answer: Answer) -> None:
        tab = answer.technique.tab
        if tab in STEERED and type(answer.technique) is not type(self.techniques[tab]):
            self._runs.set_aside(answer)
            return
        self.answers[tab] = answer
        self.cache.trim()  # what was on screen before may go now
        self.answered.emit(tab, answer)

    def _on_screen(self) -> list[Result]:
        """Return the results that tabs show: they are kept whatever the budget."""
        return [answer.result for answer in self.answers.values()]

    def _failed(self, job: Job, error: CnnvizError) -> None:
        tab = tab_of(job.slot)
        known = tab in self.techniques or tab == MODEL_SLOT
        self.failed.emit(tab if known else "", error)

    def _change(self, tab: str, technique: Technique) -> None:
        if self.techniques[tab] != technique:
            self.techniques[tab] = technique
            self.technique_changed.emit(tab)


def _request_of(answer: Answer) -> Request:
    return Request(answer.technique, answer.model, answer.image)


def _usual(tab: str) -> Technique:
    """Return what a tab computes where nothing else was chosen."""
    return next(kind() for kind in techniques.TECHNIQUES if kind.tab == tab)


def _reads_folder(technique: Technique) -> bool:
    values = technique.values()
    folders = (item for item in technique.parameters() if isinstance(item.kind, FolderKind))
    return technique.tab == TRAINING or any(values[item.name] for item in folders)
