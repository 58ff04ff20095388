"""Timeline: the same picture and channel at every checkpoint of a training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnviz_desktop.data import Box, Floats, ImageInput, LayerNode
from cnnviz_desktop.data import Timeline as Found
from cnnviz_desktop.engine.amounts import amount
from cnnviz_desktop.engine.channels import channels_of, check_channel
from cnnviz_desktop.engine.run import SILENT, Part, Run
from cnnviz_desktop.engine.technique import (
    Choices,
    ClassKind,
    FolderKind,
    Integer,
    LayerKind,
    Technique,
    parameter,
)
from cnnviz_desktop.errors import Cancelled, CnnvizError, ModelError
from cnnviz_desktop.paths import expanded

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.timeline import Checkpoint, Rewound

SHOWN = ("map", "kernel", "cam", "maximised")
_INPUTS = 16  # kernels of a filter that are shown, those that count most
_NAMED = 3  # files in a note


@dataclass(frozen=True, kw_only=True)
class Timeline(Technique):
    """Look at one channel through a training: its map, kernel, CAM and wished-for picture.

    Each file of weights in the folder is put into a copy of the network; of every layer with
    weights come how far they moved (the L2 distance) and how many of its channels fire on none of
    a few generated pictures and this one. Checkpoints are in the order of the step that their
    names tell, else of their time. The class of the CAM is the same at all of them.
    """

    title: ClassVar[str] = "Timeline"
    command: ClassVar[str] = "timeline"
    tab: ClassVar[str] = "Training"
    summary: ClassVar[str] = "See a channel come to be, over a folder of checkpoints."
    grows: ClassVar[bool] = True

    checkpoints: str | None = parameter(
        FolderKind(without="those of the model"),
        None,
        "Folder of files with weights of this network, as a training writes them; those that ship "
        "with the bundled network by default, with any other its present weights alone.",
    )
    layer: str | None = parameter(
        LayerKind(), None, "Layer of the channel; the last one with maps by default."
    )
    channel: int = parameter(Integer(0, 99_999), 0, "Channel of the layer, from 0.")
    target: int | str | None = parameter(
        ClassKind(), None, "Class that the CAM explains; what the network says now by default."
    )
    show: tuple[str, ...] = parameter(
        Choices(SHOWN, ("Map", "Kernel", "CAM", "Maximised")),
        SHOWN,
        "What is drawn of the channel at each checkpoint.",
    )
    steps: int = parameter(
        Integer(1, 10_000), 48, "Steps in which a maximised picture grows, the same for all."
    )
    most: int = parameter(
        Integer(1, 1000),
        24,
        "How many checkpoints are looked at, evenly, the first and the last among them.",
        group="More",
    )
    pictures: int = parameter(
        Integer(0, 1000, "this one alone"),
        15,
        "How many generated pictures dead channels are looked for on, besides this one.",
        group="More",
    )
    side: int = parameter(
        Integer(0, 1024, "automatic"),
        0,
        "Pixels along a maximised picture's longer side; 0 is 128, or a smaller input's own.",
        group="More",
    )
    seed: int = parameter(
        Integer(0, 999_999), 0, "Where chance begins; the same gives the same.", group="More"
    )

    def is_quick(self) -> bool:
        """Say no: a folder may hold any number of checkpoints."""
        return False

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Found:
        """Return what there is at each checkpoint; ended early, at those that were looked at."""
        from cnnviz_desktop.engine.recording import gradients

        image = self.required_image(image)
        with gradients():  # what is copied or loaded in inference mode knows none
            return self._gone_through(model, image, run)

    def _gone_through(self, model: LoadedModel, image: ImageInput, run: Run) -> Found:
        from cnnviz_desktop.engine.datasets import open_dataset
        from cnnviz_desktop.engine.timeline import Rewound, weighted_layers

        node = self._checked(model)
        files, unit, notes = self._files(model)
        dataset = open_dataset(count=self.pictures) if self.pictures else None
        items = dataset.items if dataset is not None else ()
        others = [dataset.read(item.key) for item in items] if dataset is not None else []
        target, problem = self._target(model, image, run)
        notes += [problem] if problem else []
        track = _Track(self, model, image, node, target, weighted_layers(model), others)
        rewound = Rewound(model)
        left_out: list[str] = []
        within = Part(run, "", shown=False, counted=False)  # what is counted are checkpoints
        for item in run.track(files, "Going through the checkpoints"):
            if run.finishing and track.names:
                break
            try:
                there = rewound.at(item)
            except Cancelled:
                raise
            except ModelError as error:
                left_out.append(str(error))
                continue
            track.add(item, there, within)
            run.preview(track.found(unit, tuple(notes)))
        if not track.names:
            many = len(files)
            which = "This checkpoint holds no" if many == 1 else f"None of {many} checkpoints holds"
            raise ModelError(f"{which} weights of {model.title}: {left_out[0]}")
        notes += _said_of(left_out)
        if "maximised" in self.show:  # last, for it takes the longest
            self._grow(track, rewound, run, lambda: track.found(unit, tuple(notes)))
        return track.found(unit, tuple(notes))

    def _grow(self, track: _Track, rewound: Rewound, run: Run, found: Callable[[], Found]) -> None:
        """Grow what the channel wants to see at each checkpoint that could be read."""
        whole = Part(run, "Growing pictures", len(track.items))
        for item in track.items:
            run.check()
            if run.finishing:
                break
            track.grow(rewound.at(item), Part(whole, "Growing pictures", shown=False))
            whole.advance()
            run.preview(found())

    def _checked(self, model: LoadedModel) -> LayerNode:
        node = model.layer(self.layer)
        check_channel(node.name, channels_of(model, node), self.channel)
        return node

    def _files(self, model: LoadedModel) -> tuple[list[Checkpoint | None], str, list[str]]:
        """Return the checkpoints, what their steps count, and what is to be said of them."""
        from cnnviz_desktop.engine.timeline import FILE, bundled_checkpoints, checkpoints, spread

        folder = expanded(self.checkpoints) if self.checkpoints else None
        folder = folder or bundled_checkpoints(model)
        if folder is None:
            return [None], FILE, []
        every, unit = checkpoints(folder)
        taken = spread(every, self.most)
        said = f"{len(taken)} of {len(every)} checkpoints, evenly spread: “most” takes more."
        return [*taken], unit, [said] if len(taken) < len(every) else []

    def _target(self, model: LoadedModel, image: ImageInput, run: Run) -> tuple[int, str]:
        """Return the class to explain, -1 and why where there is none."""
        import torch

        from cnnviz_desktop.engine.inspection import inspect

        try:
            answer = inspect(model, image, run)
        except Cancelled:
            raise
        except ModelError as error:
            return -1, str(error)
        return model.target(self.target, torch.from_numpy(answer.logits)), ""


@dataclass
class _Track:
    """What was found so far, a checkpoint after the other."""

    technique: Timeline
    model: LoadedModel
    image: ImageInput
    node: LayerNode
    target: int
    layers: tuple[str, ...]
    others: list[ImageInput]
    names: list[str] = field(default_factory=list)
    items: list[Checkpoint | None] = field(default_factory=list)
    _steps: list[int] = field(default_factory=list)
    _maps: list[Floats] = field(default_factory=list)
    _kernels: list[Floats] = field(default_factory=list)
    _heat: list[Floats] = field(default_factory=list)
    _answers: list[Floats] = field(default_factory=list)
    _wanted: list[Floats] = field(default_factory=list)
    _curves: list[tuple[list[float], list[float], list[float]]] = field(default_factory=list)
    _region: Box | None = None
    _notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._first: dict[str, Tensor] = {}
        self._before: dict[str, Tensor] = {}
        self._kernel_layer = _kernel_layer(
            self.model, self.node.name, (self.node.output_shape or (0,))[0]
        )

    def add(self, item: Checkpoint | None, there: LoadedModel, run: Run) -> None:
        """Look at one checkpoint."""
        from cnnviz_desktop.engine.health import health
        from cnnviz_desktop.engine.techniques.feature_maps import FeatureMaps
        from cnnviz_desktop.engine.timeline import distances, weights_of

        technique = self.technique
        maps = FeatureMaps(layer=self.node.name)(there, self.image, run)
        self._region = maps.region
        self._maps.append(maps.values[technique.channel].copy())
        self._look(there, run)
        known = {
            item.layer: item.dead_share for item in health(there, [self.image, *self.others], run)
        }
        now = weights_of(there.module, self.layers)
        self._first = self._first or now
        drift = distances(now, self._first)
        moved = distances(now, self._before or now)
        self._curves.append((drift, moved, [known.get(name, 0.0) for name in self.layers]))
        self._before = now
        self.items.append(item)
        self.names.append(item.name if item is not None else self.model.title)
        self._steps.append(item.step if item is not None else 0)

    def _look(self, there: LoadedModel, run: Run) -> None:
        """Take what was asked for besides the map."""
        from cnnviz_desktop.engine.inspection import inspect
        from cnnviz_desktop.engine.kernels import kernels
        from cnnviz_desktop.engine.techniques.grad_cam import GradCam

        technique, name = self.technique, self.node.name
        if self._kernel_layer and "kernel" in technique.show:
            bank = kernels(there.module.get_submodule(self._kernel_layer), self._kernel_layer)
            if bank is not None:
                self._kernels.append(bank.values[technique.channel].copy())
        if self.target >= 0:
            self._answers.append(inspect(there, self.image, run).probabilities)
            if "cam" in technique.show:
                self._explain(GradCam(layer=name, target=self.target), there, run)

    def grow(self, there: LoadedModel, run: Run) -> None:
        """Grow what the channel wants to see."""
        from cnnviz_desktop.engine.techniques.activation_maximization import ActivationMaximization

        technique = self.technique
        grown = ActivationMaximization(
            layer=self.node.name,
            channel=technique.channel,
            steps=technique.steps,
            side=technique.side,
            seed=technique.seed,
        )(there, None, run)
        self._wanted.append(grown.pictures[0].copy())

    def _explain(self, cam: Technique, there: LoadedModel, run: Run) -> None:
        """Take the CAM, or why there is none."""
        try:
            heatmap: Any = cam(there, self.image, run)
        except Cancelled:
            raise
        except CnnvizError as error:
            self._notes.append(f"There is no CAM: {error}")
        else:
            self._heat.append(heatmap.values)

    def found(self, unit: str, notes: tuple[str, ...]) -> Found:
        """Return what there is so far."""
        technique, count = self.technique, len(self.names)
        kernels, inputs, colours = _strongest(self._kernels)
        drift, moved, dead = (
            np.array([row[place] for row in self._curves], np.float32).reshape(count, -1)
            for place in range(3)
        )
        blank = [np.full_like(self._wanted[0], 0.5)] if self._wanted else []
        wanted = [*self._wanted, *blank * (count - len(self._wanted))]  # grey until it has grown
        return Found(
            title=f"{self.node.name}, channel {technique.channel}",
            layer=self.node.name,
            channel=technique.channel,
            names=tuple(self.names),
            steps=tuple(self._steps),
            unit=unit,
            show=technique.show,
            region=self._region or self.image.whole,
            maps=np.stack(self._maps),
            kernels=kernels,
            kernel_layer=self._kernel_layer if kernels is not None else "",
            inputs=inputs,
            colours=colours,
            heat=np.stack(self._heat) if len(self._heat) == count else None,
            target=self.target,
            labels=self.model.labels if self.target >= 0 else (),
            answers=np.stack(self._answers) if self._answers else None,
            wanted=np.stack(wanted) if wanted else None,
            layers=self.layers,
            drift=drift,
            moved=moved,
            dead=dead,
            pictures=1 + len(self.others),
            notes=(*notes, *dict.fromkeys(self._notes)),
        )


def _kernel_layer(model: LoadedModel, layer: str, channels: int) -> str:
    """Return the layer whose kernel makes a channel: itself, or the last one before its output.

    "" where that has not as many filters as the layer has channels: where several layers' outputs
    are put beside each other, nobody knows whose the channel is.
    """
    from cnnviz_desktop.engine.kernels import filter_weights

    before = ""
    wanted: set[str] | None = None
    for node in model.layers.walk():
        if wanted is not None and node.name not in wanted:
            break
        if node.name == layer:  # what lies inside it comes before its output
            wanted = {below.name for below in node.walk()}
        if not node.name or node.children or not node.calls:
            continue
        weight = filter_weights(model.module.get_submodule(node.name))
        if weight is not None:
            before = node.name if len(weight) == channels else ""
    return before


def _strongest(each: list[Floats]) -> tuple[Floats | None, tuple[int, ...], bool]:
    """Return the kernels (S, n, kh, kw) of the inputs that count most, which, and if of colours."""
    if not each:
        return None, (), False
    values = np.stack(each)
    if values.shape[1] <= _INPUTS:
        order = list(range(values.shape[1]))
    else:
        sizes = np.square(values[-1].astype(np.float64)).sum(axis=(1, 2))
        order = sorted(np.argsort(-sizes, kind="stable")[:_INPUTS].tolist())
    return np.ascontiguousarray(values[:, order]), tuple(order), values.shape[1] == 3


def _said_of(left_out: list[str]) -> list[str]:
    """Say which files were left out."""
    count = amount(len(left_out), "file was", "files were")
    return [f"{count} left out. {left_out[0]}"] if left_out else []
