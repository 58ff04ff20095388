"""Name a network that was chosen: one of the catalogue or a file, with its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnviz_desktop.data import PRETRAINED, RANDOM
from cnnviz_desktop.model_names import file_in, short_name

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.gui.absent_model import AbsentModel

_BETWEEN = "\n"  # in what is remembered; no name and hardly a path has one


@dataclass(frozen=True)
class ModelChoice:
    """What loads a network again: `weights` is "pretrained", "none" or a file's path."""

    name: str
    weights: str = PRETRAINED

    @classmethod
    def of(cls, model: LoadedModel | AbsentModel) -> ModelChoice:
        """Return what loads a model again."""
        return cls(model.name, model.weights)

    @classmethod
    def from_text(cls, text: str) -> ModelChoice:
        """Read what `text` wrote."""
        name, _, weights = text.partition(_BETWEEN)
        return cls(name, weights or PRETRAINED)

    @property
    def text(self) -> str:
        """Return it in one text, to be remembered."""
        own = self.weights in (PRETRAINED, RANDOM)
        return self.name if own else f"{self.name}{_BETWEEN}{self.weights}"

    @property
    def given(self) -> str | None:
        """Return the weights as `load_model` takes them."""
        return None if self.weights == PRETRAINED else self.weights

    @property
    def file(self) -> Path | None:
        """Return the file that it is, or that its weights are; None where it has a name alone."""
        if self.weights not in (PRETRAINED, RANDOM):
            return Path(self.weights)
        file, _made_by = file_in(self.name)
        return Path(file) if file else None

    @property
    def title(self) -> str:
        """Return what a list calls it."""
        return self.file.name if self.file is not None else self.name

    @property
    def about(self) -> str:
        """Return what a list says of a file beside its name."""
        network = short_name(self.name)
        return "" if network == self.title else network
