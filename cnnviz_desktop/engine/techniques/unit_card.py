"""Unit card: one channel, its map, where it comes from, what it is made of and what it moves.

What a class loses when a channel is silenced is ablation, as in Zhou et al., Revisiting the
Importance of Individual Units in CNNs via Ablation (arXiv:1806.02891).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnviz_desktop.data import (
    Activation,
    Card,
    Cell,
    Exemplars,
    Floats,
    ImageInput,
    LayerNode,
    Maximised,
    Reading,
    Table,
    Tuning,
)
from cnnviz_desktop.engine.channels import check_channel, maps_of
from cnnviz_desktop.engine.run import SILENT, Part, Run
from cnnviz_desktop.engine.technique import Flag, Integer, LayerKind, Technique, parameter
from cnnviz_desktop.errors import LayerError, ModelError, ParameterError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from cnnviz_desktop.engine.loaded_model import LoadedModel

_CLASSES = 5


@dataclass(frozen=True, kw_only=True)
class UnitCard(Technique):
    """Put together what is known of one channel on a picture.

    Its map, the place where it is strongest, what of the picture can reach that place and what
    does, the arithmetic of the convolution there, what it detects among generated probes, and which
    classes lose by its silence.
    """

    title: ClassVar[str] = "Unit card"
    command: ClassVar[str] = "unit"
    tab: ClassVar[str] = "Unit"
    summary: ClassVar[str] = "Show everything about one channel of a layer on one page."
    paper: ClassVar[str] = "arXiv:1806.02891"

    layer: str | None = parameter(
        LayerKind(), None, "Layer of the channel; the last one with maps by default."
    )
    channel: int = parameter(
        Integer(-1, 99_999, "strongest"), -1, "Channel, from 0; -1 is the strongest on the picture."
    )
    row: int = parameter(
        Integer(-1, 9_999, "strongest"),
        -1,
        "Row of the value that is taken apart; -1 is the strongest place.",
    )
    column: int = parameter(
        Integer(-1, 9_999, "strongest"),
        -1,
        "Its column; -1 is the strongest place, in the row if one is given.",
    )
    detects: bool = parameter(
        Flag(),
        False,
        "Also show it probes to find out what it detects; a deep layer takes up to a minute.",
    )
    wants: bool = parameter(
        Flag(),
        False,
        "Also grow the picture it wants to see, unless the gallery on disk has it; some seconds.",
    )

    def is_quick(self) -> bool:
        """Say no where probes are shown or a picture is grown."""
        return not (self.detects or self.wants)

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Card:
        """Return the card."""
        from cnnviz_desktop.engine.reading import read
        from cnnviz_desktop.engine.techniques.feature_maps import FeatureMaps

        image = self.required_image(image)
        node = model.layer(self.layer)
        maps_of(model, node, ", so it has no units to show")
        whole = FeatureMaps(layer=node.name)(model, image, run)
        highs = np.nan_to_num(whole.values).max(axis=(1, 2))
        channel = int(highs.argmax()) if self.channel < 0 else self.channel
        check_channel(node.name, len(highs), channel, least="the strongest")
        values = whole.values[channel]
        row, column = self._place(values, node.name)
        reading = read(model, image, node.name, channel, row, column, run)
        classes, losses = _moved(model, image, node, channel, run)
        card = Card(
            layer=node.name,
            kind=node.kind,
            channel=channel,
            count=len(highs),
            rank=1 + int((highs > highs[channel]).sum()),
            maps=Activation(values[None].copy(), node.name, whole.region, whole.call),
            reading=reading,
            facts=_facts(model, reading, values),
            classes=classes,
            losses=losses,
            maximised=_known_picture(model, node.name, channel),
            exemplars=_exemplars(model, node.name, channel, run),
        )
        if self.wants and card.maximised is None:
            run.preview(card)
            card = replace(card, maximised=_grown_picture(model, node.name, channel, run))
        if not self.detects:
            return card
        run.preview(card)
        return replace(card, tuning=_tuning(model, node.name, channel, run))

    def _place(self, values: Floats, name: str) -> tuple[int, int]:
        """Return the place to take apart: the one asked for, else the strongest."""
        for word, place, size in zip(
            ("row", "column"), (self.row, self.column), values.shape, strict=True
        ):
            if place >= size:
                raise ParameterError(
                    f"The maps of {name} have {size} {word}s: {word} must be 0 to {size - 1}, or "
                    f"-1 for the strongest place, not {place}."
                )
        allowed = np.full(values.shape, -np.inf)
        rows = slice(None) if self.row < 0 else slice(self.row, self.row + 1)
        columns = slice(None) if self.column < 0 else slice(self.column, self.column + 1)
        allowed[rows, columns] = np.nan_to_num(values)[rows, columns]
        row, column = np.unravel_index(int(allowed.argmax()), values.shape)
        return int(row), int(column)


def _exemplars(model: LoadedModel, layer: str, channel: int, run: Run) -> Exemplars | None:
    """Return which pictures excite a channel, of the folder that was last gone through."""
    from cnnviz_desktop.engine.exemplar_pictures import known_exemplars

    return known_exemplars(model, layer, channel, run)


def _moved(
    model: LoadedModel, image: ImageInput, node: LayerNode, channel: int, run: Run
) -> tuple[tuple[str, ...], Floats]:
    """Silence a channel and return the classes whose logits that changes most, and their losses."""
    import torch

    from cnnviz_desktop.engine.recording import (
        first_tensor,
        hooked,
        interruptible,
        with_first_tensor,
    )

    tensor, _region = model.prepare(image)

    def silence(_module: nn.Module, _inputs: object, output: object) -> Any:
        found = first_tensor(output)
        if found is None:
            return output
        quiet = found.clone()
        quiet[:, channel] = 0
        return with_first_tensor(output, quiet)

    def scores() -> Tensor:
        with torch.inference_mode(), interruptible(model.module, run):
            return model.logits(model.module(tensor.clone()))[0].float()

    try:
        before = scores()
    except ModelError:  # no classifier
        return (), np.zeros(0, np.float32)
    with hooked([model.module.get_submodule(node.name)], after=silence):
        after = scores()
    losses = (before - after).cpu().numpy()
    order = np.argsort(-np.abs(losses), kind="stable")[:_CLASSES]
    order = order[np.argsort(-losses[order], kind="stable")]
    return tuple(model.labels[index] for index in order), np.ascontiguousarray(losses[order])


def _facts(model: LoadedModel, reading: Reading, values: Floats) -> Table:
    """Return a few numbers on the map and on the kernel behind it."""
    import torch
    from torch import nn

    sound = np.nan_to_num(values)
    rows: list[tuple[Cell, ...]] = [
        ("silent", float((sound <= 0).mean())),
        ("mean", float(sound.mean(dtype=np.float64))),
        ("std", float(sound.std(dtype=np.float64))),
        ("maximum", float(sound.max())),
    ]
    made = reading.arithmetic
    module = model.module.get_submodule(made.layer) if made is not None else None
    if made is not None and isinstance(module, nn.Conv2d):
        channel = made.channel
        flat = module.weight.detach().reshape(len(module.weight), -1).cpu().double()
        norms = flat.norm(dim=1)
        rows += [
            ("kernel norm", float(norms[channel])),
            ("norm rank", 1 + int((norms > norms[channel]).sum())),
        ]
        if len(flat) > 1 and float(norms[channel]) > 0:
            cosines = (flat @ flat[channel]) / (norms * norms[channel]).clamp(min=1e-12)
            cosines[channel] = -torch.inf
            nearest = int(cosines.argmax())
            rows += [("nearest", nearest), ("its cosine", float(cosines[nearest]))]
    return Table("Facts", ("fact", "value"), ("", ""), tuple(rows))


def _tuning(model: LoadedModel, layer: str, channel: int, run: Run) -> Tuning | None:
    """Return what the channel answers to probes, None where the layer can be shown none."""
    from cnnviz_desktop.engine.techniques.probes import Probes

    try:
        return Probes(layer=layer, channel=channel)(model, None, run)
    except LayerError:
        return None


def _known_picture(model: LoadedModel, layer: str, channel: int) -> Maximised | None:
    """Return what the channel wants to see as the gallery on disk has it, None where it has not."""
    from cnnviz_desktop.engine.gallery_folder import newest
    from cnnviz_desktop.engine.techniques.gallery import gathered

    kept = newest(model, layer, channel)
    return gathered(layer, {channel: kept}) if kept is not None else None


def _grown_picture(model: LoadedModel, layer: str, channel: int, run: Run) -> Maximised:
    """Grow what the channel wants to see and keep it in the gallery on disk."""
    from cnnviz_desktop.engine.techniques.gallery import Gallery

    return Gallery(layer=layer, first=channel, count=1)(
        model, None, Part(run, "Growing what it wants", shown=False)
    )
