"""Stand in for a model that is not loaded yet, so that its kept results are on screen meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

from cnnviz_desktop.data import InputSpec, LayerNode
from cnnviz_desktop.model_names import short_name

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.preprocessing import Fit


@dataclass(frozen=True, eq=False)
class AbsentModel:
    """What is known of a model without loading it: enough to show and export what it gave.

    `weights` is "pretrained", "none" or a file's path, `fingerprint` "" where it is not known.
    """

    name: str
    weights: str
    fingerprint: str = ""
    device: str = "cpu"
    fit: Fit = "crop"
    layers: LayerNode = field(default_factory=lambda: LayerNode("", "", None, 0, 0))
    spec: InputSpec = field(default_factory=InputSpec)

    @property
    def title(self) -> str:
        """Return the short name to show."""
        return short_name(self.name)

    @property
    def preprocessing(self) -> SimpleNamespace:
        """Return how pictures were fed to it, as far as records and copied calls say it."""
        return SimpleNamespace(fit=self.fit)

    def layer(self, name: str | None, *, weights: bool = False) -> LayerNode:
        """Return a layer of that name, nothing else being known of it."""
        return LayerNode(name or "", "", None, 0, 0)

    def is_same(self, model: LoadedModel, fit: Fit) -> bool:
        """Tell whether a loaded model, fed that way, is the one: it would give the same again."""
        same = model.name == self.name and fit == self.fit and model.spec == self.spec
        return same and model.fingerprint == self.fingerprint
