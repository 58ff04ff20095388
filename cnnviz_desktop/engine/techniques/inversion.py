"""Inversion: make a picture again from what a layer gives for it, or exaggerate what it sees.

Mahendran and Vedaldi, Understanding Deep Image Representations by Inverting Them, CVPR 2015,
arXiv:1412.0035; caricatures as in Lucid and Carter, Armstrong, Schubert, Johnson and Olah,
Activation Atlas, Distill 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnviz_desktop.data import Floats, ImageInput, Inverted, LayerNode
from cnnviz_desktop.engine.channels import maps_of
from cnnviz_desktop.engine.parameters import (
    blur_parameter,
    call_parameter,
    jitter_parameter,
    l2_parameter,
    rate_parameter,
    seed_parameter,
    tv_parameter,
)
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import (
    Choice,
    Integer,
    LayerKind,
    Technique,
    parameter,
)

if TYPE_CHECKING:
    from torch import Tensor

    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.optimising import Growth, Optimisation, Settings

_FRAME = 96  # pixels along the longer side of a picture of the curve
_POWER = 2  # of the cosine, in a caricature


@dataclass(frozen=True, kw_only=True)
class Inversion(Technique):
    """Grow from noise a picture for which a layer gives what it gives for this one.

    What the layer threw away cannot come back: the R^2 and the mean squared error between the two
    pictures say how much it remembers, and with more than one layer a curve says so over the whole
    network. A caricature instead grows what lies in the direction of the layer's values,
    <A, A0> cos(A, A0)^2, and so exaggerates what it sees.
    """

    title: ClassVar[str] = "Inversion"
    command: ClassVar[str] = "inversion"
    tab: ClassVar[str] = "Maximise"
    summary: ClassVar[str] = "Make a picture again from what a layer remembers of it."
    paper: ClassVar[str] = "arXiv:1412.0035"
    grows: ClassVar[bool] = True

    layer: str | None = parameter(
        LayerKind(), None, "Layer that is to remember; the last one with maps by default."
    )
    style: str = parameter(
        Choice(("inversion", "caricature")),
        "inversion",
        "Make the picture again, or a caricature that exaggerates what the layer sees.",
    )
    steps: int = parameter(Integer(1, 10_000), 256, "Steps of the optimisation.")
    layers: int = parameter(
        Integer(1, 32),
        1,
        "How many layers of the network to make it again from, evenly over it: the curve.",
    )
    seed: int = seed_parameter()
    rate: float = rate_parameter()
    call: int = call_parameter("Picture")
    jitter: int = jitter_parameter(0)
    tv: float = tv_parameter(0.1)
    l2: float = l2_parameter()
    blur: float = blur_parameter()

    def is_quick(self) -> bool:
        """Say no: hundreds of passes."""
        return False

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Inverted:
        """Return the picture that was made, how near it came, and the curve."""
        from cnnviz_desktop.engine.recording import gradients

        picture = self.required_image(image)
        node = model.layer(self.layer)
        maps_of(model, node)
        model.call(node, self.call)
        with gradients():
            return self._inverted(model, picture, node.name, run)

    def settings(self) -> Settings:
        """Return what may change on the way."""
        from cnnviz_desktop.engine.optimising import Settings
        from cnnviz_desktop.engine.transforms import Transforms

        half = self.jitter // 2
        transforms = Transforms(half, 2 * half, 0.0, 0, 0)
        return Settings(
            float(self.rate), transforms, float(self.tv), float(self.l2), float(self.blur)
        )

    def _inverted(self, model: LoadedModel, image: ImageInput, layer: str, run: Run) -> Inverted:
        import torch

        from cnnviz_desktop.engine.optimising import as_pictures

        tensor, _region = model.prepare(image)
        mean = torch.tensor(model.preprocessing.mean).view(1, -1, 1, 1).to(tensor)
        std = torch.tensor(model.preprocessing.std).view(1, -1, 1, 1).to(tensor)
        seen = (tensor * std + mean).clamp(0, 1).contiguous()
        original = as_pictures(seen)[0]
        names = self._spread(model, layer)
        points: dict[str, _Point] = {}

        def result(growing: Optimisation | None) -> Inverted:
            made, growth = (
                (growing.pictures, growing.growth) if growing is not None else finished[0]
            )
            now = as_pictures(made)[0]
            mse, r2 = nearness(now, original)
            known = points[layer] if growing is None else _Point(_frame(made), mse, r2, 0.0)
            shown = points if growing is None else {layer: known} | points
            order = [name for name in names if name in shown]
            return Inverted(
                title=f"What {layer} remembers" if not self.of_caricature else f"What {layer} sees",
                layer=layer,
                original=original,
                picture=now,
                mse=mse,
                r2=r2,
                match=known.match,
                objectives=growth.curve()[0].copy(),
                growth=np.ascontiguousarray(growth.film()[:, 0]),
                grown=tuple(growth.grown),
                layers=tuple(order),
                pictures=np.stack([shown[name].picture for name in order]),
                errors=np.array([shown[name].mse for name in order], np.float32),
                scores=np.array([shown[name].r2 for name in order], np.float32),
                matches=np.array([shown[name].match for name in order], np.float32),
                steps=self.steps,
                seed=self.seed,
                caricature=self.of_caricature,
            )

        finished: list[tuple[Tensor, Growth]] = []
        for name in (layer, *(other for other in names if other != layer)):
            if finished and run.finishing:
                break
            growing = self._grow(model, seen, name, run, None if finished else result)
            made = as_pictures(growing.pictures)[0]
            mse, r2 = nearness(made, original)
            match = _matched(growing, seen)
            points[name] = _Point(_frame(growing.pictures), mse, r2, match)
            if not finished:
                finished.append((growing.pictures, growing.growth))
            if len(names) > 1:
                run.preview(result(None))
        return result(None)

    @property
    def of_caricature(self) -> bool:
        """Tell whether it exaggerates."""
        return self.style == "caricature"

    def _grow(
        self, model: LoadedModel, seen: Tensor, layer: str, run: Run, show: Any
    ) -> Optimisation:
        """Grow the picture of one layer."""
        from cnnviz_desktop.engine.optimising import Optimisation, Subject
        from cnnviz_desktop.engine.spectrum import Canvas

        node = model.layer(layer)
        call = model.call(node, self.call) if show else node.calls - 1
        subject = Subject(model, layer, call, None, run)
        height, width = seen.shape[2:]
        canvas = Canvas(height, width, model.preprocessing.channels, device=model.device)
        wanted = subject.answers(seen, slice(None))

        def nearer(values: Tensor, _rows: slice) -> Tensor:
            spread = (wanted - wanted.mean()).square().mean().clamp(min=1e-12)
            return ((values - wanted).square().mean() / -spread).view(1)

        def further(values: Tensor, _rows: slice) -> Tensor:
            size = wanted.norm().clamp(min=1e-12)
            along = (values * wanted).sum() / size
            cosine = along / values.norm().clamp(min=1e-12)
            grown: Tensor = along * cosine.clamp(min=0.1) ** _POWER / size
            return grown.view(1)

        growing = Optimisation(
            subject,
            further if self.of_caricature else nearer,
            canvas,
            self.settings(),
            canvas.start(1, self.seed),
            self.seed,
        )

        def adjusted(technique: Any) -> Settings:
            return technique.settings() if isinstance(technique, Inversion) else growing.settings

        label = f"Making it again from {layer}"
        growing.run(self.steps, run, label, show or (lambda _growing: None), adjusted)
        return growing

    def _spread(self, model: LoadedModel, layer: str) -> list[str]:
        """Return the layers of the curve in the order they run, the chosen one among them."""
        found = [
            node.name
            for node in model.layers.walk()
            if node.has_maps and node.calls and not node.children
        ]
        kinds = {node.name: node.kind for node in model.layers.walk()}
        convolutions = [name for name in found if kinds[name] in ("Conv2d", "ConvTranspose2d")]
        found = convolutions if len(convolutions) >= self.layers else found
        places = np.linspace(0, len(found) - 1, min(self.layers, len(found))).round().astype(int)
        chosen = {found[place] for place in places.tolist()} if self.layers > 1 else set()
        return [node.name for node in _ended(model.layers) if node.name in chosen | {layer}]


def _ended(node: LayerNode) -> Iterator[LayerNode]:
    """Yield a layer and all below it in the order in which they end: a block after its parts."""
    for child in node.children:
        yield from _ended(child)
    yield node


@dataclass(frozen=True)
class _Point:
    """One layer's point of the curve."""

    picture: Floats
    mse: float
    r2: float
    match: float


def nearness(made: Floats, original: Floats) -> tuple[float, float]:
    """Return the mean squared error between two pictures and the R^2 of the one by the other."""
    error = float(np.square(made - original, dtype=np.float64).mean())
    spread = float(original.astype(np.float64).var())
    return error, 1 - error / max(spread, 1e-12)


def _matched(growing: Optimisation, seen: Tensor) -> float:
    """Return the R^2 between what the layer gives for the picture made and for the original."""
    made = growing.subject.answers(growing.pictures, slice(None))
    wanted = growing.subject.answers(seen, slice(None))
    spread = (wanted - wanted.mean()).square().mean().clamp(min=1e-12)
    return float(1 - (made - wanted).square().mean() / spread)


def _frame(pictures: Tensor) -> Floats:
    """Return a picture (h, w, 3) small enough to stand in a row."""
    from torch.nn import functional

    from cnnviz_desktop.engine.optimising import as_pictures

    height, width = pictures.shape[2:]
    share = min(1.0, _FRAME / max(height, width))
    size = max(1, round(height * share)), max(1, round(width * share))
    found: Floats = as_pictures(functional.interpolate(pictures, size, mode="area"))[0]
    return found
