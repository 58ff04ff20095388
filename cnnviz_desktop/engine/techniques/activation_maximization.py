"""Activation maximisation: grow from noise the picture that a unit answers to the most.

Erhan, Bengio, Courville and Vincent, Visualizing Higher-Layer Features of a Deep Network, 2009;
spectra, decorrelated colours and transforms as in Olah, Mordvintsev and Schubert, Feature
Visualization, Distill 2017, doi:10.23915/distill.00007.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnviz_desktop.data import Box, Floats, ImageInput, LayerNode, Maximised, Prediction
from cnnviz_desktop.engine.channels import channels_of, check_channel
from cnnviz_desktop.engine.parameters import (
    blur_parameter,
    call_parameter,
    jitter_parameter,
    l2_parameter,
    rate_parameter,
    seed_parameter,
    side_parameter,
    tv_parameter,
)
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import (
    Choice,
    ClassKind,
    Flag,
    FolderKind,
    Integer,
    LayerKind,
    Number,
    Parameter,
    Technique,
    parameter,
)
from cnnviz_desktop.errors import ParameterError

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.objectives import Objective
    from cnnviz_desktop.engine.optimising import Optimisation, Settings, Subject

_USUAL = 128  # pixels along a picture's longer side, where the network's input has as many
_PAIRS = ("direction", "joint")
_NAMED = 6  # units in a note


@dataclass(frozen=True, kw_only=True)
class ActivationMaximization(Technique):
    """Grow a picture that excites a unit as much as can be, from noise, by gradient ascent.

    Adam moves the picture's spectrum, scaled by 1 / frequency, in decorrelated colours. Each step
    shows the picture shifted, scaled and turned at random, so that what grows is robust; beyond the
    picture's rim lies grey. The forward pass stops at the unit's layer. Where a ReLU lets no
    gradient through at the start, it is redirected to what would bring the unit to life.
    """

    title: ClassVar[str] = "Activation maximization"
    command: ClassVar[str] = "activation-maximization"
    tab: ClassVar[str] = "Maximise"
    summary: ClassVar[str] = "Grow the picture that a channel, neuron or class wants to see."
    paper: ClassVar[str] = "doi:10.23915/distill.00007"
    grows: ClassVar[bool] = True
    needs_image: ClassVar[bool] = False

    layer: str | None = parameter(
        LayerKind(), None, "Layer of the channel; the last one with maps by default."
    )
    channel: int = parameter(Integer(0, 99_999), 0, "Channel of the layer, from 0.")
    target: int | str | None = parameter(
        ClassKind("No class: the channel"),
        None,
        "A class by name or index: its logit is maximised, not a channel.",
    )
    objective: str = parameter(
        Choice(
            (
                "channel",
                "neuron",
                "class",
                "layer",
                "negative",
                "direction",
                "diversity",
                "joint",
            )
        ),
        "channel",
        "What is maximised: a channel's mean, one neuron, a class's logit, the mean square of the "
        "layer, the channel's negative, a difference (direction), several different pictures of "
        "one channel (diversity) or two channels at once (joint).",
    )
    second: int | str | None = parameter(
        ClassKind("Next class"),
        None,
        "The other channel or class of a direction or joint; the next one by default.",
    )
    steps: int = parameter(Integer(1, 10_000), 512, "Steps of the optimisation.")
    count: int = parameter(
        Integer(1, 64),
        1,
        "How many channels, from the chosen one on; or how many pictures with diversity.",
    )
    side: int = side_parameter()
    seed: int = seed_parameter()
    row: int = parameter(
        Integer(-1, 9_999, "middle"), -1, "Row of the neuron; -1 is the middle.", group="Picture"
    )
    column: int = parameter(
        Integer(-1, 9_999, "middle"), -1, "Column of the neuron; -1 is the middle.", group="Picture"
    )
    call: int = call_parameter("Picture")
    parametrisation: str = parameter(
        Choice(("frequencies", "pixels")),
        "frequencies",
        "What is optimised: the picture's spectrum, which grows clear shapes, or its pixels.",
        group="Picture",
    )
    decorrelate: bool = parameter(
        Flag(), True, "Optimise colours in the directions that photographs have.", group="Picture"
    )
    rate: float = rate_parameter()
    shown: str = parameter(
        Choice(("automatic", "native", "input")),
        "automatic",
        "Size at which the network sees the picture: its own (native, several times faster) or the "
        "network's input; automatic is native wherever the layer allows it.",
        group="Picture",
    )
    folder: str | None = parameter(
        FolderKind(without="none"),
        None,
        "Pictures, up to 500, whose 99.9th percentile the responses are compared with.",
        group="Picture",
    )
    pad: int = parameter(
        Integer(0, 64),
        6,
        "Pixels of grey around it, of a small picture fewer: 6 is what both jitters take away "
        "again; Lucid has 12, which takes a fifth longer.",
        group="Transforms",
    )
    jitter: int = jitter_parameter(8)
    zoom: float = parameter(
        Number(0, 0.5, 0.01), 0.1, "Share that it grows or shrinks by at most.", group="Transforms"
    )
    rotate: int = parameter(
        Integer(0, 180), 10, "Degrees that it turns by at most.", group="Transforms"
    )
    jitter_after: int = parameter(
        Integer(0, 64), 4, "Pixels that it is shifted by once turned.", group="Transforms"
    )
    tv: float = tv_parameter()
    l2: float = l2_parameter()
    blur: float = blur_parameter()

    def is_quick(self) -> bool:
        """Say no: hundreds of passes."""
        return False

    def resolved(self, model: LoadedModel) -> Technique:
        """Return it with the layer written out, where there is one to look at."""
        if self.of_class and self.layer is None:
            return self
        return super().resolved(model)

    def takes_class(self, item: Parameter) -> bool:
        """Tell whether a parameter is a class: the second of two channels is a channel."""
        return super().takes_class(item) and (item.name != "second" or self.of_class)

    @property
    def of_class(self) -> bool:
        """Tell whether a class's logit is maximised rather than something of a layer."""
        return self.objective == "class" or (
            self.target is not None and self.objective in ("channel", *_PAIRS)
        )

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Maximised:
        """Return the pictures and how they grew."""
        from cnnviz_desktop.engine.recording import gradients

        with gradients():
            return self._grown(model, run)

    def _grown(self, model: LoadedModel, run: Run) -> Maximised:
        from cnnviz_desktop.engine.optimising import Optimisation
        from cnnviz_desktop.engine.spectrum import Canvas

        node = None if self.of_class else model.layer(self.layer)
        objective, names = self._objective(model, node)
        high = self._high_values(model, node, objective, run)
        canvas = Canvas(
            *_picture_size(model, self.side),
            channels=model.preprocessing.channels,
            spectral=self.parametrisation == "frequencies",
            decorrelated=self.decorrelate,
            device=model.device,
        )
        settings = self.settings(max(canvas.height, canvas.width))
        subject = self._subject(model, node, canvas, settings, run)
        count = len(names)
        growing = Optimisation(
            subject,
            objective,
            canvas,
            settings,
            canvas.start(count, self.seed, different=objective.couples),
            self.seed,
            response=objective.response,
            together=count if objective.couples else None,
        )
        planned = self.steps

        def result(growing: Optimisation, finished: bool = False) -> Maximised:
            from cnnviz_desktop.engine.optimising import as_pictures

            responses = growing.responses() if finished else growing.seen_responses()
            notes = _notes(names, objective, responses, growing.growth.dead) if finished else ()
            return Maximised(
                title=f"What {node.name if node else 'classes'} {'wants' if node else 'want'}",
                layer=node.name if node else "",
                wanted=names,
                pictures=as_pictures(growing.pictures),
                objectives=growing.growth.curve(),
                responses=responses,
                threshold=high,
                growth=growing.growth.film(),
                grown=tuple(growing.growth.grown),
                answers=_answers(model, growing) if finished and node is None else (),
                steps=planned,
                seed=self.seed,
                notes=notes,
            )

        def adjusted(technique: Any) -> Settings:
            known = isinstance(technique, ActivationMaximization)
            longer = max(canvas.height, canvas.width)
            return technique.settings(longer) if known else growing.settings

        growing.run(self.steps, run, "Growing pictures", result, adjusted)
        return result(growing, finished=True)

    def settings(self, longer: int) -> Settings:
        """Return what may change on the way, for a picture of `longer` pixels along a side."""
        from cnnviz_desktop.engine.optimising import Settings
        from cnnviz_desktop.engine.transforms import Transforms

        share = min(1.0, longer / _USUAL)  # twelve pixels are much of a small picture
        transforms = Transforms(
            pad=round(self.pad * share),
            jitter=round(self.jitter * share),
            scale=float(self.zoom),
            rotate=self.rotate,
            jitter_after=round(self.jitter_after * share),
        )
        return Settings(
            float(self.rate), transforms, float(self.tv), float(self.l2), float(self.blur)
        )

    # ------------------------------------------------------------------------ what is maximised

    def _objective(
        self, model: LoadedModel, node: LayerNode | None
    ) -> tuple[Objective, tuple[str, ...]]:
        """Return the objective and what to call each of its pictures."""
        from cnnviz_desktop.engine.objectives import Objective

        if node is None:
            return self._class_objective(model)
        channels = channels_of(model, node)
        kind, first = self.objective, self.channel
        if kind == "layer":
            return Objective(kind, (0,)), ("the whole layer",)
        check_channel(node.name, channels, first)
        if kind == "diversity":
            units = (first,) * self.count
            numbered = (f"channel {first}, {n} of {self.count}" for n in range(1, self.count + 1))
            return Objective(kind, units), tuple(numbered)
        units = tuple(range(first, min(first + self.count, channels)))
        if kind in _PAIRS:
            others = self._seconds(units, channels, node.name)
            sign = "−" if kind == "direction" else "+"
            pairs = zip(units, others, strict=True)
            names = tuple(f"channel {one} {sign} {other}" for one, other in pairs)
            return Objective(kind, units, others), names
        if kind == "neuron":
            self._check_place(node.output_shape or (), node.name)
            where = "" if self.row < 0 and self.column < 0 else f" at {self.row}, {self.column}"
            names = tuple(f"channel {unit}, neuron{where}" for unit in units)
            return Objective(kind, units, row=self.row, column=self.column), names
        sign = "less of " if kind == "negative" else ""
        return Objective(kind, units), tuple(f"{sign}channel {unit}" for unit in units)

    def _check_place(self, shape: tuple[int, ...], name: str) -> None:
        for word, place, size in zip(
            ("row", "column"), (self.row, self.column), (*shape[1:], 1, 1), strict=False
        ):
            if place >= size:
                raise ParameterError(
                    f"The maps of {name} have {size} {word}s: {word} must be 0 to {size - 1}, or "
                    f"-1 for the middle, not {place}."
                )

    def _seconds(self, units: tuple[int, ...], channels: int, name: str) -> tuple[int, ...]:
        if self.second is None:
            return tuple((unit + 1) % channels for unit in units)
        try:
            other = int(self.second)
        except ValueError:
            other = -1
        check_channel(name, channels, other if other >= 0 else str(self.second), "second")
        return (other,) * len(units)

    def _class_objective(self, model: LoadedModel) -> tuple[Objective, tuple[str, ...]]:
        import torch

        from cnnviz_desktop.engine.objectives import Objective

        if self.target is None:
            raise ParameterError(
                "Which class? Give target one of the model's classes, by name or index."
            )
        none = torch.zeros(len(model.labels))
        first, labels = model.target(self.target, none), model.labels
        if self.objective in _PAIRS:
            other = (first + 1) % len(labels)
            other = other if self.second is None else model.target(self.second, none)
            sign = "−" if self.objective == "direction" else "+"
            name = f"{labels[first]} {sign} {labels[other]}"
            return Objective(self.objective, (first,), (other,)), (name,)
        units = tuple(range(first, min(first + self.count, len(labels))))
        return Objective("channel", units), tuple(labels[unit] for unit in units)

    # ---------------------------------------------------------------------------- how it is shown

    def _subject(
        self,
        model: LoadedModel,
        node: LayerNode | None,
        canvas: Any,
        settings: Settings,
        run: Run,
    ) -> Subject:
        """Return the network as the pictures are shown to it."""
        import torch

        from cnnviz_desktop.engine.optimising import Subject

        full = model.preprocessing.size
        if node is None:
            grid = None if self.shown == "native" else full
            return Subject(model, "", 0, grid, run)
        call = model.call(node, self.call)
        placed = self.objective == "neuron" and max(self.row, self.column) >= 0
        if self.shown == "input" or (self.shown == "automatic" and placed):
            return Subject(model, node.name, call, full, run)
        native = Subject(model, node.name, call, None, run)
        view, own = settings.transforms.view(canvas.height, canvas.width), canvas.size
        for size in (view, own) if full in (view, own) else (view,):
            blank = torch.full((1, canvas.channels, *size), 0.5, device=model.device)
            try:
                values = native.answers(blank, slice(None))
            except RuntimeError:
                values = None
            if values is None or len(values.shape[1:]) != len(node.output_shape or ()):
                break
        else:
            return native
        if self.shown == "native":
            raise ParameterError(
                f"{node.name} takes pictures of {full[1]}×{full[0]} pixels alone: let shown be "
                "“automatic” or “input”."
            )
        return Subject(model, node.name, call, full, run)

    def _high_values(
        self, model: LoadedModel, node: LayerNode | None, objective: Objective, run: Run
    ) -> Floats:
        """Return the 99.9th percentile of the units' values over the folder's pictures (N)."""
        from cnnviz_desktop.engine.percentiles import high_values

        if self.folder is None or objective.kind not in ("channel", "neuron", "diversity"):
            return np.full(len(objective.units), np.nan, np.float32)
        layer = node.name if node else ""
        call = model.call(node, self.call) if node else 0
        return high_values(model, layer, call, objective.units, Path(self.folder), run)


def _picture_size(model: LoadedModel, longer: int) -> tuple[int, int]:
    """Return (height, width) of a picture in the proportions of the network's input."""
    height, width = model.preprocessing.size
    side = longer or min(_USUAL, max(height, width))
    share = side / max(height, width)
    return max(1, round(height * share)), max(1, round(width * share))


def _answers(model: LoadedModel, growing: Optimisation) -> tuple[Prediction, ...]:
    """Return what the network takes the finished pictures for, at its own input."""
    from cnnviz_desktop.engine.inspection import prediction

    subject = replace(growing.subject, layer="", grid=model.preprocessing.size)
    height, width = growing.pictures.shape[2:]
    region = Box(0, 0, height, width)
    found = []
    for place in range(len(growing.pictures)):
        logits = subject.answers(growing.pictures, slice(place, place + 1))[0]
        found.append(prediction(model, logits, region))
    return tuple(found)


def _notes(
    names: tuple[str, ...], objective: Objective, responses: Floats, dead: list[bool]
) -> tuple[str, ...]:
    """Say which units gave no numbers, and which would not fire."""
    sound = np.isfinite(responses).tolist()
    broken = [name for name, is_number in zip(names, sound, strict=True) if not is_number]
    if broken:
        return (
            f"The network gives no number for {_listed(broken)}, so that nothing could grow: some "
            "of its weights may be broken. Statistics tells which.",
        )
    if objective.kind not in ("channel", "neuron", "diversity", "joint"):
        return ()
    unmoved = [name for name, still in zip(names, dead, strict=True) if still]
    quiet = [
        name
        for name, response, still in zip(names, responses, dead, strict=True)
        if response <= 0 and not still
    ]
    found = []
    if unmoved:
        found.append(
            f"Nothing in the picture moves {_listed(unmoved)}: what is shown is where it began. "
            "Its weights may be zero; Statistics tells."
        )
    if quiet:
        found.append(
            f"{_listed(quiet).capitalize()} would not fire: no value came above zero. What is "
            "shown brought it closest; try another seed, more steps or a higher rate."
        )
    return tuple(found)


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    said = ", ".join(names[:_NAMED])
    return f"{said} and {more} more" if more > 0 else said
