"""Define what a technique is, and the closed set of kinds its parameters may have.

A technique is a frozen, keyword-only dataclass of its parameters that is called with a model, an
image and a run. The instance is request, cache key, record and notebook object at once. The
window's form, the command line's options and the reference page are all read from `parameters()`.
"""

from __future__ import annotations

import dataclasses
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnviz_desktop.data import ImageInput, Record, Result
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.errors import ParameterError, did_you_mean, quoted
from cnnviz_desktop.paths import expanded

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


PREDICT = "predict"  # the subcommand of a model's plain answer, and its name in records


@dataclass(frozen=True)
class Flag:
    """Yes or no."""


@dataclass(frozen=True)
class Integer:
    """A whole number in minimum..maximum, both included; forms call the minimum `least`."""

    minimum: int
    maximum: int
    least: str = ""


@dataclass(frozen=True)
class Number:
    """A real number in minimum..maximum, both included; `step` is what a spin box moves by."""

    minimum: float
    maximum: float
    step: float


@dataclass(frozen=True)
class Choice:
    """One of a few named options."""

    options: tuple[str, ...]


@dataclass(frozen=True)
class Choices:
    """Any of a few named options, in the order given, each once; () is none of them.

    `words`, where given, are what forms call the options.
    """

    options: tuple[str, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerKind:
    """A layer by its dotted name, None for the default; `weights`: one that has kernels."""

    weights: bool = False


@dataclass(frozen=True)
class LayersKind:
    """Layers with maps by their dotted names, each once; () is none of them."""


@dataclass(frozen=True)
class ClassKind:
    """A class by index or label; `nobody` is what forms call None."""

    nobody: str = "Likeliest class"


@dataclass(frozen=True)
class FolderKind:
    """A folder by its path, or None; with `file` it is a file.

    `without` is what forms show in the empty field: what is taken where there is none.
    """

    file: bool = False
    without: str = ""


@dataclass(frozen=True)
class ModelsKind:
    """Networks by name or file, “NAME=WEIGHTS” with other weights, each once; () is none."""


Kind = (
    Flag
    | Integer
    | Number
    | Choice
    | Choices
    | LayerKind
    | LayersKind
    | ClassKind
    | FolderKind
    | ModelsKind
)

_SEVERAL = (Choices, LayersKind, ModelsKind)  # whose values are tuples of names


@dataclass(frozen=True)
class Parameter:
    """One parameter of a technique as forms, command line and reference show it.

    Forms fold away the parameters of a `group` under its name; those of "" are always in view.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    group: str = ""

    @property
    def label(self) -> str:
        """Return the name as a form shows it."""
        return self.name.replace("_", " ").capitalize()

    @property
    def option(self) -> str:
        """Return the name as a command-line option."""
        return "--" + self.name.replace("_", "-")

    def check(self, value: Any) -> None:
        """Raise `ParameterError` unless the value fits the kind."""
        match self.kind:
            case Flag():
                sound, wanted = isinstance(value, bool), "true or false"
            case Integer(minimum, maximum):
                whole = isinstance(value, int) and not isinstance(value, bool)
                sound = whole and minimum <= value <= maximum
                wanted = f"a whole number from {minimum} to {maximum}"
            case Number(minimum, maximum):
                real = isinstance(value, (int, float)) and not isinstance(value, bool)
                sound = real and minimum <= value <= maximum
                wanted = f"a number from {minimum:g} to {maximum:g}"
            case Choice(options):
                sound = value in options
                wanted = "one of " + ", ".join(options)
                if isinstance(value, str) and not sound:
                    raise ParameterError(
                        f"{self.label} must be {wanted}, not “{value}”."
                        + did_you_mean(value, options)
                    )
            case Choices(options):
                sound = _is_names(value) and set(value) <= set(options)
                wanted = "some of " + ", ".join(options)
                names = value if isinstance(value, tuple) else ()
                strange = [name for name in names if name not in options]
                if strange and isinstance(strange[0], str):
                    raise ParameterError(
                        f"{self.label} must be {wanted}, not “{strange[0]}”."
                        + did_you_mean(strange[0], options)
                    )
            case LayerKind():
                sound = value is None or isinstance(value, str)
                wanted = "a layer's name"
            case LayersKind() | ModelsKind() as kind:
                named = "layers" if isinstance(kind, LayersKind) else "models"
                sound, wanted = _is_names(value), f"names of {named}, each once"
            case FolderKind(file=file):
                sound = value is None or (isinstance(value, str) and bool(value))
                wanted = f"the path of a {'file' if file else 'folder'}"
            case ClassKind():
                index = isinstance(value, int) and not isinstance(value, bool)
                sound = value is None or isinstance(value, str) or index
                wanted = "a class index or name"
        if not sound:
            raise ParameterError(f"{self.label} must be {wanted}, not {quoted(value)}.")


def _is_names(value: Any) -> bool:
    """Tell whether it is a tuple of words, none of them empty or twice."""
    words = isinstance(value, tuple) and all(isinstance(item, str) and item for item in value)
    return words and len(set(value)) == len(value)


def parameter(
    kind: Kind,
    default: Any,
    help: str,  # noqa: A002 - the word of the field
    group: str = "",
) -> Any:
    """Declare a technique's parameter: a dataclass field that knows its kind and its help text."""
    metadata = {"kind": kind, "help": help, "group": group}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Technique:
    """A way of looking into a network; calling it does the work.

    `title` is its name in the field, `command` its subcommand, `tab` where the window shows it,
    `family` what it has in common with its neighbours in a long menu, `summary` one sentence for
    menus and help, `paper` its source if it has one, `needs_image`
    whether it looks at a picture, `prints` whether its result is a table that the command line can
    print, `tabular` whether it can be written as CSV; `grows` whether it shows pictures growing,
    which can be written as a film; `resumes` whether what a stopped run has done is kept for the
    next one. All checks that need no model happen on construction.
    """

    title: ClassVar[str]
    command: ClassVar[str]
    tab: ClassVar[str]
    family: ClassVar[str] = ""
    summary: ClassVar[str]
    paper: ClassVar[str] = ""
    needs_image: ClassVar[bool] = True
    prints: ClassVar[bool] = False
    tabular: ClassVar[bool] = False
    grows: ClassVar[bool] = False
    resumes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for item in self.parameters():
            value = getattr(self, item.name)
            # NumPy's, such as what logits.argmax() gives
            if value is not item.default and isinstance(value, np.generic):
                value = value.item()
            elif isinstance(item.kind, _SEVERAL) and isinstance(value, list):
                value = tuple(value)  # as JSON gives it back
            elif isinstance(item.kind, FolderKind) and isinstance(value, Path):
                value = str(value)
            object.__setattr__(self, item.name, value)
            item.check(value)

    def is_quick(self) -> bool:
        """Tell whether it answers in the time of a few passes, so that a click may run it."""
        return True

    def takes_class(self, item: Parameter) -> bool:
        """Tell whether a parameter is a class, as the others are now."""
        return isinstance(item.kind, ClassKind)

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        """List the parameters in the order a form shows them."""
        return tuple(
            Parameter(
                name=field.name,
                kind=field.metadata["kind"],
                default=field.default,
                help=field.metadata["help"],
                group=field.metadata["group"],
            )
            for field in dataclasses.fields(cls)
        )

    def values(self) -> dict[str, Any]:
        """Return the parameters by name, as plain values that fit JSON."""
        return {item.name: getattr(self, item.name) for item in self.parameters()}

    def resolved(self, model: LoadedModel) -> Technique:
        """Return this technique with the model's default layer written out; check the layers."""
        changes: dict[str, Any] = {}
        for item in self.parameters():
            value = getattr(self, item.name)
            if isinstance(item.kind, LayerKind):
                changes[item.name] = model.layer(value, weights=item.kind.weights).name
            elif isinstance(item.kind, LayersKind):
                changes[item.name] = tuple(model.layer(name).name for name in value)
        return dataclasses.replace(self, **changes)

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Result:
        """Do the work; raise a `CnnvizError` where it cannot be done."""
        raise NotImplementedError

    def required_image(self, image: ImageInput | None) -> ImageInput:
        """Return the image; raise `ParameterError` where there is none."""
        if image is None:
            raise ParameterError(f"{self.title} looks at a picture: give it an image.")
        return image


def record(
    technique: Technique | None, model: LoadedModel, image: ImageInput | None = None
) -> Record:
    """Return the record that makes the technique's result again; None is the plain prediction."""
    shown = image if technique is None or technique.needs_image else None
    values = technique.resolved(model).values() if technique is not None else {}
    return Record(
        technique=technique.command if technique is not None else PREDICT,
        parameters={  # lists, as JSON gives them back
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        },
        model=model.name,
        model_fingerprint=model.fingerprint,
        weights=model.weights,
        image=str(shown.path or shown.name) if shown else "",
        image_fingerprint=shown.fingerprint if shown else "",
        fit=model.preprocessing.fit,
        seed=values.get("seed"),
        versions=_versions(),
        input={
            name: str(expanded(said).absolute()) if isinstance(said, Path) else said
            for name, said in vars(model.spec).items()
            if said is not None
        },
    )


def _versions() -> dict[str, str]:
    """Return the versions of what made a result; torchvision only where it took part."""
    packages = ("cnnviz_desktop", "torch", "torchvision")
    loaded = {name: sys.modules[name] for name in packages if name in sys.modules}
    return {
        "python": platform.python_version(),
        **{name: str(module.__version__) for name, module in loaded.items()},
    }


def technique_from(record: Record, techniques: Iterable[type[Technique]]) -> Technique:
    """Return the technique a record tells of; raise `ParameterError` where it is not known here."""
    found = next((item for item in techniques if item.command == record.technique), None)
    if found is None:
        raise ParameterError(
            f"The record was made by “{record.technique}”, which this version does not know. "
            "A newer version of CNNviz may open it."
        )
    known = {item.name for item in found.parameters()}
    strange = sorted(set(record.parameters) - known)
    if strange:
        raise ParameterError(
            f"The record's {found.title} has parameters this version does not know: "
            f"{', '.join(strange)}. A newer version of CNNviz may open it."
        )
    return found(**record.parameters)
