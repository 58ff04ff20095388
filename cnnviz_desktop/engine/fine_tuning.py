"""Teach a network classes of one's own: a new head, over features as they are or trained on.

The backbone is kept as it is (its features are computed once) or trained on at a tenth of the
head's pace; its batch norms keep their statistics, since a few pictures would spoil them. The best
epoch is kept: the highest accuracy on pictures held out, of equal ones the lowest loss.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cnnviz_desktop.data import Curves
from cnnviz_desktop.engine.augmentation import AUGMENTATIONS
from cnnviz_desktop.engine.heads import Head, find_head
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.training_pictures import TrainingPictures, training_pictures
from cnnviz_desktop.engine.training_resume import Course, read_course, write_course
from cnnviz_desktop.engine.tuned_files import SUFFIX, Origin, write_tuned
from cnnviz_desktop.errors import Cancelled, CnnvizError, ParameterError, quoted
from cnnviz_desktop.model_names import rooted
from cnnviz_desktop.paths import expanded

if TYPE_CHECKING:
    from cnnviz_desktop.engine.learners import Learner
    from cnnviz_desktop.engine.loaded_model import LoadedModel

LABEL = "Fine-tuning"
Optimiser = Literal["adam", "sgd"]
OPTIMISERS: tuple[Optimiser, ...] = ("adam", "sgd")
PACES: dict[Optimiser, float] = {"adam": 3e-3, "sgd": 3e-2}
MEASURES = ("loss", "accuracy", "MSE", "R²")
_SAVED = 30.0  # seconds after which the best is written again
_LAST_PACE = 0.02  # of the first one, at the end
_EVERY = 50  # steps from one log to the next, or an epoch where it has fewer
_SHOWN = 8  # pictures whose maps are logged


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """How a network is taught the classes of `data`, a folder, a list or “generated”.

    `thaw` trains the whole network, not the head alone; `learning_rate` None is the usual one of
    the optimiser. It ends early where `patience` epochs have brought nothing, 0 for never.
    """

    data: str
    epochs: int = 30
    thaw: bool = False
    augment: tuple[str, ...] = ()
    optimiser: Optimiser = "adam"
    learning_rate: float | None = None
    batch: int = 32
    held_out: float = 0.2
    patience: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ParameterError for what cannot be: before the work, not in it."""
        for name, low, high in (("epochs", 1, 10_000), ("batch", 1, 4096), ("patience", 0, 10_000)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ParameterError(f"The {name} must be from {low} to {high}, not {value}.")
        if not 0 < self.held_out < 1:
            raise ParameterError(
                f"The share held out must be between 0 and 1, not {self.held_out:g}: 0.2 is usual."
            )
        if self.learning_rate is not None and not 0 < self.learning_rate <= 10:
            raise ParameterError(
                f"The learning rate must be above 0 and at most 10, not {self.learning_rate:g}."
            )
        if self.optimiser not in OPTIMISERS:
            raise ParameterError(f"The optimiser is adam or sgd, not {quoted(self.optimiser)}.")
        for kind in self.augment:
            if kind not in AUGMENTATIONS:
                raise ParameterError(
                    f"There is no augmentation “{kind}”: choose of {', '.join(AUGMENTATIONS)}."
                )

    @property
    def pace(self) -> float:
        """Return the learning rate of the head."""
        return PACES[self.optimiser] if self.learning_rate is None else self.learning_rate


@dataclass(frozen=True, eq=False)
class Tuned:
    """What came of it: the file, its curves, the epoch that was kept, and its held-out numbers."""

    path: Path
    labels: tuple[str, ...]
    curves: Curves
    epoch: int
    epochs: int
    loss: float
    accuracy: float
    mse: float
    r2: float
    seconds: float
    notes: tuple[str, ...] = ()


def fine_tune(
    model: LoadedModel,
    settings: FineTuning,
    out: Path | str,
    run: Run = SILENT,
    *,
    resume: bool = False,
    log_dir: Path | str | None = None,
) -> Tuned:
    """Teach a copy of a network new classes and write it to `out`, the best epoch of all.

    Whoever cancels finds the best so far there; `run.finish()` returns it. With `resume` a training
    that was stopped goes on where it was. `log_dir` gets TensorBoard's event files. Raises
    `CnnvizError` where it cannot be done.
    """
    path = _checked(out)
    head = find_head(model)
    data, share, seed = settings.data, settings.held_out, settings.seed
    with training_pictures(data, model.preprocessing, share, seed, run) as pictures:
        training = _Training(model, head, settings, pictures, path, run)
        if resume:
            training.take_up()
        logger = _Logger(log_dir, training) if log_dir is not None else None
        try:
            return training.carry_out(logger)
        finally:
            if logger is not None:
                logger.close()


def _checked(out: Path | str) -> Path:
    path = expanded(out)
    if path.suffix.lower() != SUFFIX:
        raise ParameterError(
            f"Fine-tuned networks are written as {SUFFIX}: choose {path.stem or 'name'}{SUFFIX}."
        )
    if path.is_dir():
        raise ParameterError(f"{path} is a folder: name a file in it.")
    return path


# ------------------------------------------------------------------------------------------ numbers


@dataclass(eq=False)
class Tally:
    """Sums over pictures, from which the measures follow."""

    classes: int
    count: int = 0
    losses: float = 0.0
    hits: int = 0
    squares: float = 0.0

    def add(self, scores: Tensor, truth: Tensor) -> None:
        """Add the scores (B, K) of pictures of the classes `truth` (B)."""
        scores = scores.detach().double()
        logs = functional.log_softmax(scores, 1)
        self.count += len(truth)
        self.losses += float(functional.nll_loss(logs, truth, reduction="sum"))
        self.hits += int((scores.argmax(1) == truth).sum())
        wanted = functional.one_hot(truth, self.classes)
        self.squares += float((logs.exp() - wanted).square().sum())

    def measures(self) -> tuple[float, float, float, float]:
        """Return loss, accuracy, MSE and R² of the probabilities, as `evaluate` has them."""
        spread = self.count * (1 - 1 / self.classes)
        return (
            self.losses / self.count,
            self.hits / self.count,
            self.squares / (self.count * self.classes),
            1 - self.squares / spread,
        )


class _Training:
    """One training: the learner, how far it is, and the best so far."""

    def __init__(
        self,
        model: LoadedModel,
        head: Head,
        settings: FineTuning,
        pictures: TrainingPictures,
        path: Path,
        run: Run,
    ) -> None:
        from cnnviz_desktop.engine.learners import learner

        self.model, self.head, self.settings = model, head, settings
        self.pictures, self.path, self.run = pictures, path, run
        self.learner: Learner = learner(model, head, settings, pictures, run)
        self.course = Course()
        self._progress: dict[str, Any] = {}
        self._start = time.perf_counter()
        self._written = -1  # the best epoch that is on disk
        self._saved = time.perf_counter()

    # ------------------------------------------------------------------------------------- steps

    def carry_out(self, logger: _Logger | None) -> Tuned:
        """Train until the end, and return what there is."""
        first = self.course.epoch
        batches = -(-len(self.pictures.training) // self.settings.batch)
        total = max(0, self.settings.epochs - first) * batches
        tally = Tally(len(self.pictures.classes))
        try:
            steps = self._steps(first, batches)
            for epoch, number, rows in self.run.track(steps, LABEL, total):
                if self.run.finishing:
                    break
                scores, loss = self._step(epoch, number, rows, batches, tally)
                if logger is not None:
                    logger.step(loss, scores, self.pictures.truth[rows])
                if number < batches - 1:
                    continue
                self._end_epoch(epoch, tally, logger)
                tally = Tally(len(self.pictures.classes))
                if self._is_enough():
                    self.course.ended = True
                    break
            else:
                self.course.ended = True
        except (Cancelled, KeyboardInterrupt):
            self._keep()
            raise
        if not self.course.best:
            raise CnnvizError(
                "It was ended before the first epoch was done: there is nothing to keep. Let it "
                "run longer, or give it fewer pictures."
            )
        self._keep()
        return self._tuned()

    def _steps(self, first: int, batches: int) -> Iterator[tuple[int, int, Tensor]]:
        """Yield the epoch, the number in it and the pictures of each step."""
        for epoch in range(first + 1, self.settings.epochs + 1):
            rows = self.pictures.training
            order = rows[torch.randperm(len(rows), generator=self._generator(epoch, 0))]
            for number in range(batches):
                yield epoch, number, order[number::batches].sort().values

    def _generator(self, *place: int) -> torch.Generator:
        """Return random numbers of a place in the training, whatever was drawn before."""
        seed = np.random.SeedSequence((self.settings.seed, *place)).generate_state(1, np.uint64)
        return torch.Generator().manual_seed(int(seed[0]) >> 1)

    def _step(
        self, epoch: int, number: int, rows: Tensor, batches: int, tally: Tally
    ) -> tuple[Tensor, float]:
        done = (epoch - 1) * batches + number
        share = done / max(1, self.settings.epochs * batches)
        pace = _LAST_PACE + (1 - _LAST_PACE) * 0.5 * (1 + float(np.cos(np.pi * share)))
        generator = self._generator(epoch, 1, number)
        scores, loss = self.learner.step(rows, pace * self.settings.pace, generator)
        if not np.isfinite(loss):
            self._keep()
            raise CnnvizError(
                f"The loss is no number any more in epoch {epoch}: choose a lower learning rate "
                f"than {self.settings.pace:g}."
            )
        tally.add(scores, self.pictures.truth[rows])
        return scores, loss

    def _end_epoch(self, epoch: int, tally: Tally, logger: _Logger | None) -> None:
        held = self.measured(self.pictures.held_out)
        course = self.course
        course.epoch = epoch
        self._progress = copy.deepcopy(self.learner.progress())  # as the next epoch begins
        course.training.append(list(tally.measures()))
        course.held_out.append(list(held.measures()))
        loss, accuracy = course.held_out[-1][:2]
        kept = course.held_out[course.kept - 1] if course.kept else [np.inf, -1.0]
        if (accuracy, -loss) > (kept[1], -kept[0]):
            course.kept, course.best = epoch, self.learner.state()
        if logger is not None:
            logger.end_epoch()
        if self.run.previews:
            self.run.preview(self.curves())
        if time.perf_counter() - self._saved > _SAVED:
            self._keep()

    def measured(self, rows: Tensor) -> Tally:
        """Return the sums over pictures as the network answers now."""
        tally = Tally(len(self.pictures.classes))
        for part in torch.split(rows, self.settings.batch):
            self.run.pause()
            tally.add(self.learner.scores(part), self.pictures.truth[part])
        return tally

    def _is_enough(self) -> bool:
        waited = self.course.epoch - self.course.kept
        return bool(self.settings.patience) and waited >= self.settings.patience

    # ------------------------------------------------------------------------------------- files

    @property
    def resume_path(self) -> Path:
        """Return the file beside the result that a stopped training goes on from."""
        return self.path.with_name(f"{self.path.name}.resume")

    def _identity(self) -> dict[str, Any]:
        """Return what must be the same for a training to go on."""
        settings = self.settings
        return {
            "model": self.model.fingerprint,
            "data": self.pictures.fingerprint,
            "thaw": settings.thaw,
            "optimiser": settings.optimiser,
            "held_out": settings.held_out,
            "seed": settings.seed,
        }

    def take_up(self) -> None:
        """Go on where a training was stopped."""
        self.course = read_course(self.resume_path, self._identity(), self.learner)
        self._progress = copy.deepcopy(self.learner.progress())
        self._written = self.course.kept

    def _keep(self) -> None:
        """Write the best so far, and what the training goes on from until it has ended."""
        course = self.course
        if not course.best:
            return
        if course.kept != self._written:
            write_tuned(self.path, self._whole(course.best), self.origin())
            self._written = course.kept
        if course.ended:
            self.resume_path.unlink(missing_ok=True)
        else:
            write_course(self.resume_path, course, self._identity(), self._progress)
        self._saved = time.perf_counter()

    def _whole(self, best: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the state dict of the whole network; what is not in `best` is as it was."""
        from cnnviz_desktop.engine.torchvision_models import WITH_AUXILIARY

        state = {**self.model.module.state_dict(), **best}
        if self.model.name in WITH_AUXILIARY:  # the aids of its training know the old classes
            state = {key: item for key, item in state.items() if not key.lower().startswith("aux")}
        return state

    def origin(self) -> Origin:
        """Return what the file says of itself."""
        loss, accuracy, mse, r2 = self.course.held_out[self.course.kept - 1]
        settings = self.settings
        return Origin(
            model=rooted(self.model.name),
            head=self.head.name,
            labels=self.pictures.classes,
            preprocessing=self.model.preprocessing,
            data=self.pictures.title,
            made={
                "epoch": self.course.kept,
                "thaw": settings.thaw,
                "augment": list(settings.augment),
                "optimiser": settings.optimiser,
                "learning_rate": settings.pace,
                "seed": settings.seed,
                "training": len(self.pictures.training),
                "held_out": len(self.pictures.held_out),
                "loss": loss,
                "accuracy": accuracy,
                "mse": mse,
                "r2": r2,
            },
        )

    # ------------------------------------------------------------------------------------ results

    def curves(self) -> Curves:
        """Return all measures of all epochs."""
        epochs = np.arange(1, self.course.epoch + 1, dtype=np.float32)
        parts = (("train", self.course.training), ("held out", self.course.held_out))
        named = {
            f"{measure}/{part}": np.array([row[place] for row in rows], np.float32)
            for place, measure in enumerate(MEASURES)
            for part, rows in parts
        }
        kept = f"Epoch {self.course.kept} is kept." if self.course.kept else ""
        return Curves(
            title=f"{self.model.title} on {self.pictures.title}",
            names=tuple(named),
            steps=(epochs,) * len(named),
            values=tuple(named.values()),
            unit_of_steps="epoch",
            notes=(kept,) if kept else (),
        )

    def _tuned(self) -> Tuned:
        loss, accuracy, mse, r2 = self.course.held_out[self.course.kept - 1]
        return Tuned(
            path=self.path,
            labels=self.pictures.classes,
            curves=self.curves(),
            epoch=self.course.kept,
            epochs=self.course.epoch,
            loss=loss,
            accuracy=accuracy,
            mse=mse,
            r2=r2,
            seconds=time.perf_counter() - self._start,
            notes=self.pictures.notes,
        )


class _Logger:
    """Log a training to TensorBoard's event files: as `track` does, and each epoch's measures."""

    def __init__(self, folder: Path | str, training: _Training) -> None:
        from cnnviz_desktop.engine.tracking import track

        self._training = training
        self._batches = -(-len(training.pictures.training) // training.settings.batch)
        learner = training.learner
        images = None
        if training.settings.thaw:
            images = learner.inputs(training.pictures.held_out[:_SHOWN], None)
        self._tracker = track(learner.module, folder, min(_EVERY, self._batches), images)
        self._tracker.steps = training.course.epoch * self._batches

    def step(self, loss: float, scores: Tensor, truth: Tensor) -> None:
        self._tracker.step(loss=loss, outputs=scores, targets=truth)

    def end_epoch(self) -> None:
        course = self._training.course
        values = zip(MEASURES, course.held_out[-1], strict=True)
        tags = {f"{measure.replace('²', '2')}/held_out": value for measure, value in values}
        self._tracker.scalars(tags, course.epoch * self._batches - 1)
        self._tracker.writer.flush()

    def close(self) -> None:
        self._tracker.close()
