"""DeepDream: exaggerate in a picture what a layer sees in it.

Mordvintsev, Olah and Tyka, Inceptionism: Going Deeper into Neural Networks, Google Research 2015;
the mean square of a layer as an objective as in Feature Visualization, doi:10.23915/distill.00007.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnviz_desktop.data import Floats, ImageInput, Maximised
from cnnviz_desktop.engine.channels import check_channel, maps_of
from cnnviz_desktop.engine.parameters import call_parameter, seed_parameter
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import Integer, LayerKind, Number, Technique, parameter

if TYPE_CHECKING:
    from torch import Tensor

    from cnnviz_desktop.engine.dreaming import Dream
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_SMALLEST = 32  # pixels along the shorter side of the smallest octave
_LARGEST = 640  # along the longer side, where no size is asked for


@dataclass(frozen=True, kw_only=True)
class DeepDream(Technique):
    """Move a picture by gradient ascent until a layer answers more to what it sees there already.

    The mean square of the layer's values is raised, or one channel's mean, at several sizes of the
    picture from small to large (octaves): what grew is carried over as a difference, so that the
    picture's own details stay. Each step rolls the picture at random and divides the gradient by
    its mean magnitude.
    """

    title: ClassVar[str] = "DeepDream"
    command: ClassVar[str] = "deep-dream"
    tab: ClassVar[str] = "Maximise"
    summary: ClassVar[str] = "Exaggerate in a picture what a layer sees in it."
    paper: ClassVar[str] = "doi:10.23915/distill.00007"
    grows: ClassVar[bool] = True

    layer: str | None = parameter(
        LayerKind(), None, "Layer whose values are raised; the last one with maps by default."
    )
    channel: int = parameter(
        Integer(-1, 99_999, "all"), -1, "Only this channel of the layer; -1 is all of them."
    )
    steps: int = parameter(Integer(1, 1000), 10, "Steps at each size.")
    octaves: int = parameter(Integer(1, 12), 4, "How many sizes of the picture.")
    octave_scale: float = parameter(
        Number(1.1, 3, 0.1), 1.4, "How much larger each is than the one before.", group="Picture"
    )
    side: int = parameter(
        Integer(0, 4096, "automatic"),
        0,
        "Pixels along the picture's longer side; 0 is its own, up to 640.",
        group="Picture",
    )
    rate: float = parameter(
        Number(0.0005, 0.5, 0.005), 0.01, "How far a step goes, of 0 to 1.", group="Picture"
    )
    jitter: int = parameter(
        Integer(0, 256), 32, "Pixels that it is rolled by at most.", group="Picture"
    )
    seed: int = seed_parameter()
    call: int = call_parameter("Picture")

    def is_quick(self) -> bool:
        """Say no: dozens of passes over a large picture."""
        return False

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Maximised:
        """Return the picture that was made of this one."""
        from cnnviz_desktop.engine.dreaming import Dream, octave_sizes, resized
        from cnnviz_desktop.engine.objectives import Objective
        from cnnviz_desktop.engine.optimising import Subject
        from cnnviz_desktop.engine.recording import gradients

        picture = self.required_image(image)
        node = model.layer(self.layer)
        check_channel(node.name, maps_of(model, node), self.channel, least="all")
        kind = "layer" if self.channel < 0 else "channel"
        objective = Objective(kind, (max(self.channel, 0),))
        with gradients():
            start = self._start(model, picture)
            subject = Subject(model, node.name, model.call(node, self.call), None, run)
            height, width = start.shape[2:]
            smallest = min(_SMALLEST, *model.preprocessing.size)
            sizes = octave_sizes(height, width, self.octaves, float(self.octave_scale), smallest)
            try:
                subject.answers(resized(start, sizes[0]), slice(None))
            except RuntimeError:  # a network that takes one size alone
                subject = replace(subject, grid=model.preprocessing.size)
            dream = Dream(
                subject,
                objective,
                start,
                sizes,
                rate=float(self.rate),
                jitter=self.jitter,
                seed=self.seed,
            )
            return self._dreamt(dream, self.steps * len(sizes), run)

    def _dreamt(self, dream: Dream, steps: int, run: Run) -> Maximised:
        def result(dream: Dream, response: Floats | None = None) -> Maximised:
            from cnnviz_desktop.engine.optimising import as_pictures

            growth = dream.growth
            return Maximised(
                title=f"What {dream.subject.layer} dreams",
                layer=dream.subject.layer,
                wanted=("the whole layer" if self.channel < 0 else f"channel {self.channel}",),
                pictures=as_pictures(dream.picture),
                objectives=growth.curve(),
                responses=dream.score if response is None else response,
                threshold=np.full(1, np.nan, np.float32),
                growth=growth.film(),
                grown=tuple(growth.grown),
                answers=(),
                steps=steps,
                seed=self.seed,
            )

        def adjusted(technique: Any) -> None:
            if isinstance(technique, DeepDream):
                dream.rate, dream.jitter = float(technique.rate), technique.jitter

        dream.run(self.steps, run, result, adjusted)
        return result(dream, dream.response())

    def _start(self, model: LoadedModel, image: ImageInput) -> Tensor:
        """Return the picture (1, C, H, W) in 0..1 at the size that was asked for."""
        import torch
        from PIL import Image

        pixels = Image.fromarray(image.pixels)
        longer = max(pixels.size)
        share = (self.side or min(longer, _LARGEST)) / longer
        width, height = (max(1, round(side * share)) for side in pixels.size)
        least = min(_SMALLEST, *model.preprocessing.size)  # or the network has nothing to see
        width, height = max(width, least), max(height, least)
        if (width, height) != pixels.size:
            pixels = pixels.resize((width, height), Image.Resampling.LANCZOS)
        if model.preprocessing.channels == 1:
            pixels = pixels.convert("L")
        values = np.asarray(pixels, np.float32).reshape(height, width, -1) / 255
        return torch.from_numpy(values).permute(2, 0, 1)[None].contiguous().to(model.device)
