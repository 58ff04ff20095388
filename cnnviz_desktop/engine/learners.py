"""Train a head over a network's features, or a copy of the whole network.

The network itself is only looked at: its mode, its weights and their gradients stay as they are.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from cnnviz_desktop.engine.augmentation import augmented
from cnnviz_desktop.engine.heads import (
    Head,
    Standardised,
    features_of,
    new_layer,
    put_layer,
    spread_of,
)
from cnnviz_desktop.engine.outputs import scores_of
from cnnviz_desktop.engine.recording import gradients, interruptible
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import CnnvizError, ModelError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.fine_tuning import FineTuning
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.training_pictures import TrainingPictures

LABEL = "Computing features"
_CACHED = 2**30  # bytes of features that are kept
_BACKBONE = 0.1  # of the head's pace
_DECAY = 1e-2


def learner(
    model: LoadedModel, head: Head, settings: FineTuning, pictures: TrainingPictures, run: Run
) -> Learner:
    """Return what learns as the settings say."""
    kind = WholeLearner if settings.thaw else HeadLearner
    return kind(model, head, settings, pictures, run)


class Learner(ABC):
    """Something that learns from pictures, step by step."""

    def __init__(
        self,
        model: LoadedModel,
        head: Head,
        settings: FineTuning,
        pictures: TrainingPictures,
        run: Run,
    ) -> None:
        self.model, self.head, self.settings = model, head, settings
        self.pictures, self.run = pictures, run
        preprocessing = model.preprocessing
        self._mean = torch.tensor(preprocessing.mean).view(-1, 1, 1).to(model.device)
        self._std = torch.tensor(preprocessing.std).view(-1, 1, 1).to(model.device)
        self._old = model.module.get_submodule(head.name)
        mean, spread = self._spread()
        with torch.inference_mode(False):
            made = new_layer(self._old, len(pictures.classes), settings.seed)
            self.layer = Standardised(made, mean.clone(), spread.clone()).to(model.device)
            if model.labels == pictures.classes and isinstance(self._old.weight, Tensor):
                bias = getattr(self._old, "bias", None)
                self.layer.take(self._old.weight.detach().clone(), bias)  # tuned before: go on
        self.module = self._module()
        self.optimiser = self._optimiser()

    @abstractmethod
    def _module(self) -> nn.Module:
        """Return what is trained."""

    @abstractmethod
    def _groups(self) -> list[dict[str, Any]]:
        """Return the parameters with the share of the pace that each learns at."""

    @abstractmethod
    def forward(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return the scores of pictures, augmented where there is a generator."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return a copy of what was learned, by the names of the network's own tensors."""

    def _spread(self) -> tuple[Tensor, Tensor]:
        """Return mean and spread of the head's features over the training pictures."""
        is_maps = isinstance(self._old, nn.Conv2d)
        return spread_of(self._features(), is_maps)

    def _features(self) -> Iterator[Tensor]:
        """Yield the features of all training pictures as they are."""
        parts = torch.split(self.pictures.training, self.settings.batch)
        for rows in self.run.track(parts, LABEL):
            yield features_of(self.model, self.head, self.inputs(rows, None), self.run)

    def _optimiser(self) -> torch.optim.Optimizer:
        if self.settings.optimiser == "sgd":
            return torch.optim.SGD(
                self._groups(), self.settings.pace, momentum=0.9, weight_decay=_DECAY / 10
            )
        return torch.optim.AdamW(self._groups(), self.settings.pace, weight_decay=_DECAY)

    def inputs(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return pictures as the network takes them."""
        made = self.pictures.of(rows).to(self.model.device)
        if generator is not None:
            made = augmented(made, self.settings.augment, generator)
        made = (made - self._mean) / self._std
        return made.contiguous(memory_format=self.model.layout)

    def step(self, rows: Tensor, pace: float, generator: torch.Generator) -> tuple[Tensor, float]:
        """Learn from some pictures; return their scores before that, and the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = pace * group["share"]
        devices = [self.model.device] if self.model.device.type == "cuda" else []
        with gradients(), torch.random.fork_rng(devices=devices):
            # What layers such as dropout draw is of this step alone, whatever runs between two.
            torch.manual_seed(generator.initial_seed())
            scores = self.forward(rows, generator if self.settings.augment else None)
            truth = self.pictures.truth[rows].to(scores.device)
            loss = functional.cross_entropy(scores, truth)
            self.optimiser.zero_grad()
            torch.autograd.backward(loss)
            self.optimiser.step()
        return scores.detach().cpu(), float(loss.detach())

    def scores(self, rows: Tensor) -> Tensor:
        """Return the scores of pictures as they are."""
        with torch.inference_mode(False), torch.no_grad():  # the former turns gradients on
            return self.forward(rows, None).float().cpu()

    def progress(self) -> dict[str, Any]:
        """Return all that a training goes on from."""
        return {"module": self.module.state_dict(), "optimiser": self.optimiser.state_dict()}

    def take_up(self, progress: Mapping[str, Any]) -> None:
        """Go on from what `progress` returned."""
        self.module.load_state_dict(progress["module"])
        self.optimiser.load_state_dict(progress["optimiser"])

    def _named_head(self) -> dict[str, Tensor]:
        plain = self.layer.plain()
        return {f"{self.head.name}.{key}": value.cpu() for key, value in plain.items()}


class HeadLearner(Learner):
    """Learn a head over the network's features, computed once where pictures stay as they are."""

    def _spread(self) -> tuple[Tensor, Tensor]:
        self._kept: Tensor | None = None
        parts: list[Tensor] = []
        rows = torch.cat([self.pictures.training, self.pictures.held_out])
        self._places = torch.full((len(self.pictures.truth),), -1)
        room = _CACHED
        for part in self.run.track(torch.split(rows, self.settings.batch), LABEL):
            found = features_of(self.model, self.head, self.inputs(part, None), self.run)
            if not parts:
                each = found[0].numel() * found.element_size()
                room = _CACHED - each * len(rows)
            if room < 0:  # too many to keep: computed whenever they are needed
                return super()._spread()
            parts.append(found)
        self._kept = torch.cat(parts)
        self._places[rows] = torch.arange(len(rows))
        own = self._kept[: len(self.pictures.training)]
        return spread_of(iter(torch.split(own, 256)), isinstance(self._old, nn.Conv2d))

    def _module(self) -> nn.Module:
        return self.layer

    def _groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.layer.layer.parameters()), "share": 1.0}]

    def forward(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        if generator is None and self._kept is not None:
            given = self._kept[self._places[rows]]
        else:
            given = features_of(self.model, self.head, self.inputs(rows, generator), self.run)
        # Tensors of a pass without gradients cannot be part of one that has some; copies can.
        return self.head.scores(self.layer(given.clone()))

    def state(self) -> dict[str, Tensor]:
        return self._named_head()


class WholeLearner(Learner):
    """Learn all weights of a copy of the network; statistics of batch norms stay."""

    def _module(self) -> nn.Module:
        try:
            with torch.inference_mode(False):
                made = copy.deepcopy(self.model.module)
                put_layer(made, self.head.name, self.layer)
                made.eval().requires_grad_(True)
        except Exception as error:  # whatever a network of someone's own raises
            raise ModelError(
                f"{self.model.title} cannot be copied to be trained ({error}): train its head "
                "alone, without --thaw."
            ) from error
        for part in made.modules():
            if isinstance(part, nn.modules.dropout._DropoutNd):
                part.train()
        return made

    def _groups(self) -> list[dict[str, Any]]:
        own = {id(item) for item in self.layer.parameters()}
        rest = [item for item in self.module.parameters() if id(item) not in own]
        return [
            {"params": list(self.layer.layer.parameters()), "share": 1.0},
            {"params": rest, "share": _BACKBONE},
        ]

    def forward(self, rows: Tensor, generator: torch.Generator | None) -> Tensor:
        inputs = self.inputs(rows, generator)
        dropouts = [part for part in self.module.modules() if part.training]
        is_step = torch.is_grad_enabled()
        try:
            for part in dropouts:
                part.train(is_step)
            with interruptible(self.module, self.run):
                scores = scores_of(self.module(inputs), len(self.pictures.classes))
        except (RuntimeError, TypeError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            raise CnnvizError(
                f"{self.model.title} cannot be trained as a whole ({error}): train its head alone, "
                "without --thaw."
            ) from error
        finally:
            for part in dropouts:
                part.train()
        if scores is None:
            raise ModelError(f"{self.model.title} gave no scores: train its head alone.")
        return scores

    def state(self) -> dict[str, Tensor]:
        prefix = f"{self.head.name}."
        return {
            key: value.detach().cpu().clone()
            for key, value in self.module.state_dict().items()
            if not key.startswith(prefix)
        } | self._named_head()
