"""Hold the result in view with all that exporting or copying it needs, and how to say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.data import (
    Activation,
    Distribution,
    FilterBank,
    Heatmap,
    Heatmaps,
    ImageInput,
    Inverted,
    Maximised,
    Prediction,
    Result,
    Sheet,
    Table,
    Timeline,
)
from cnnviz_desktop.engine.technique import PREDICT, Technique
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.options import PlateOptions
from cnnviz_desktop.gui import labels

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_DEFAULTS = {item.name: item.default for item in fields(PlateOptions)}
_UNFIT = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')  # for a file name, on one system or another
_LONGEST_STEM = 120  # letters
_MOST_BYTES = 200  # of these: a file system takes 255, with a number and the suffixes


@dataclass(frozen=True, eq=False)
class Shown:
    """A result as a tab shows it; a technique of None is the model's plain prediction.

    `look` holds how it is drawn, as options of a plate.
    """

    technique: Technique | None
    model: LoadedModel
    image: ImageInput | None
    result: Result
    look: Mapping[str, Any]

    @property
    def layer(self) -> str:
        """Return the layer's name, "" where there is none."""
        return getattr(self.result, "layer", "")

    @property
    def stem(self) -> str:
        """Return a name for a file: layer, technique, picture."""
        command = self.technique.command if self.technique is not None else PREDICT
        picture = (
            (self.image.path.stem if self.image.path else self.image.name) if self.image else ""
        )
        parts = (self.layer, command, picture or self.model.title)
        return file_stem("-".join(part for part in parts if part))

    @property
    def title(self) -> str:
        """Return what a figure of it is called where nothing else is asked for."""
        match self.result:
            case Prediction():
                return self.result.top(1)[0][1]
            case Heatmap():
                return self.result.target_label or f"class {self.result.target}"
            case (
                Sheet()
                | Table()
                | Distribution()
                | Heatmaps()
                | Maximised()
                | Inverted()
                | Timeline()
            ):
                return self.result.title
            case _:
                return self.layer or "The whole network"

    @property
    def colormaps(self) -> tuple[str, ...]:
        """Return the colour maps that fit it, none where colours are fixed."""
        match self.result:
            case Activation():
                return style.SIGNED_MAPS if self.look.get("signed") else style.SEQUENTIAL_MAPS
            case Heatmap() | Heatmaps():
                if self.look.get("signed"):
                    return style.SIGNED_MAPS
                rest = (name for name in style.SEQUENTIAL_MAPS if name != style.OVERLAY)
                return (style.OVERLAY, *rest, *style.SIGNED_MAPS)
            case FilterBank() if self.result.values.shape[1] != 3:
                return (style.KERNELS, *style.SIGNED_MAPS)
            case _:
                return ()

    @property
    def pinned(self) -> Technique | None:
        """Return the technique with the class that was explained written out."""
        if self.technique is None or not isinstance(self.result, (Heatmap, Heatmaps)):
            return self.technique
        first = self.result if isinstance(self.result, Heatmap) else self.result.maps[0]
        named = {"target": first.target} if "target" in self.technique.values() else {}
        return replace(self.technique, **named)

    def caption(self) -> str:
        """Propose a caption: what it is, of what, and how values became colours."""
        of_picture = f" for {self.image.name}" if self.image else ""
        of = f"{self.model.title}{of_picture}"
        match self.result:
            case Prediction():
                return f"The likeliest classes of {of}."
            case Activation():
                return f"Feature maps of {self.layer} of {of}; {self._scaled('map')}."
            case Heatmap():
                logit = labels.value(self.result.score)
                name = self.technique.title if self.technique is not None else "Map"
                where = self.layer or "the input"
                return f"{name} of “{self.title}” (logit {logit}) at {where} of {of}."
            case Heatmaps():
                name = self.technique.title if self.technique is not None else "Maps"
                return f"{name}: {self.title} of {of}; {self._scaled('map')}."
            case FilterBank():
                return f"Kernels of {self.layer} of {of}; {self._scaled('filter')}."
            case _:
                name = self.technique.title if self.technique is not None else self.title
                return f"{name} of {of}."

    def _scaled(self, tile: str) -> str:
        shared = self.look.get("scale") == "layer"
        said = f"one scale for all {tile}s" if shared else f"each {tile} scaled to its own maximum"
        gamma = self.look.get("gamma") or 1.0
        return said if gamma == 1.0 else f"{said}, gamma {gamma:g}"


def file_stem(words: str) -> str:
    """Return words as a file name without suffix that every system takes."""
    stem = _UNFIT.sub("-", words).strip(" .-")[:_LONGEST_STEM]
    return stem.encode("utf-8", "ignore")[:_MOST_BYTES].decode("utf-8", "ignore") or "picture"


def trimmed(figure: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the options of a plate that say what would be done anyway."""
    return {
        name: value
        for name, value in figure.items()
        if value is not None and (name not in _DEFAULTS or value != _DEFAULTS[name])
    }
