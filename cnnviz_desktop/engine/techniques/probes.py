"""Probes: what each channel of a layer detects, by its answers to pictures of a known kind.

Orientation and frequency tuning as physiology measures it in neurons: De Valois and De Valois,
Spatial Vision, Oxford University Press 1988. Colour selectivity of single channels: Rafegas,
Vanrell, Alexandre and Arias, Understanding trained CNNs by indexing neuron selectivity,
arXiv:1702.00382.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np

from cnnviz_desktop.data import FilterBank, Floats, ImageInput, LayerNode, Tuning
from cnnviz_desktop.engine.channels import check_channel, maps_of
from cnnviz_desktop.engine.parameters import call_parameter
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.technique import Integer, LayerKind, Technique, parameter

if TYPE_CHECKING:
    from torch import Tensor, nn

    from cnnviz_desktop.engine.loaded_model import LoadedModel
    from cnnviz_desktop.engine.probes import Probe

_PIXELS = 8 * 224 * 224  # of all pictures shown at once
_NUMBERS = 2**26  # of a layer's answers to them: 256 MB
_FEWEST, _MOST = 4, 64  # pictures at once
_ROUNDING = 1e-5  # of the answer to plain grey, which is taken off
_THUMBNAIL = 64  # pixels along the sides of a probe's picture
_SMALLEST = 16  # pixels of the input that it shows at least
_PLACES = 32  # rows or columns of a map that are looked at


_answered: WeakKeyDictionary[nn.Module, tuple[tuple[Any, ...], tuple[Floats, Floats]]] = (
    WeakKeyDictionary()
)


@dataclass(frozen=True, kw_only=True)
class Probes(Technique):
    """Show generated probes to the network and read from the answers what each channel detects.

    Stripes of every orientation, frequency and phase, edges, bars, textures, blobs, corners,
    curves, all of one contrast around grey, and opponent colours of half of that, as photographs
    have them weaker too; in the model's own normalisation. The answer of a channel to a probe is
    the largest in the middle of its map (half of it, 32 cells at most), far from the padding at the
    rim, above its answer to plain grey: a shape counts wherever in the field it fits best. Of
    stripes it is the largest over phase of the sinusoid fitted to four phases (mean plus first
    harmonic): exact where a channel is linear, the plain mean where it does not mind the phase. Of
    textures it is the mean plus 1.41 standard deviations over all places, which is the same for
    stripes: a texture has to excite all over, not where a piece of it happens to be an edge.
    Orientations are those of the stripes, in degrees counter-clockwise from horizontal.

    The label is the largest of four scores that add up to 1. Colour: the share of energy, Rc² /
    (Rc² + Ra²), of the best answer to opponent colours against the best to anything without colour.
    Edge: of what is left, 1.5 times the selectivity for orientation (1 at most) times the fourth
    power of how near straight lines come to the best pattern. The rest is divided between shape
    (blobs, corners, curves) and texture (beyond what plain black or white gives) by the energy of
    their best answers.
    """

    title: ClassVar[str] = "What it detects"
    command: ClassVar[str] = "probes"
    tab: ClassVar[str] = "Filters"  # what a layer has learned, no picture needed: where kernels are
    summary: ClassVar[str] = "Find out what each channel detects: edges, textures, colours, shapes."
    paper: ClassVar[str] = "arXiv:1702.00382"
    needs_image: ClassVar[bool] = False
    tabular: ClassVar[bool] = True

    layer: str | None = parameter(
        LayerKind(weights=True), None, "Layer with maps; the first convolution by default."
    )
    channel: int = parameter(
        Integer(-1, 99_999, "all"),
        -1,
        "One channel with all its curves; -1 is all channels of the layer.",
    )
    angles: int = parameter(
        Integer(4, 36), 12, "Orientations of stripes, edges and bars, evenly from 0° to 180°."
    )
    call: int = call_parameter()

    def is_quick(self) -> bool:
        """Say no: hundreds of pictures are shown."""
        return False

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Tuning:
        """Return the tuning of all channels or of one; the picture is not looked at."""
        from cnnviz_desktop.engine.probes import frequencies, hues, orientations, probes
        from cnnviz_desktop.engine.tuning import curves

        layer = self._layer(model)
        size, inputs = model.preprocessing.size, model.preprocessing.channels
        shown = probes(size, inputs, self.angles)
        angles, tones = orientations(self.angles), frequencies(size)
        responses, blank = self._known_responses(model, layer, shown, run)
        if self.channel >= 0:
            chosen = slice(self.channel, self.channel + 1)
            responses, blank = responses[chosen], blank[chosen]
        found = curves(responses, shown, angles, tones, _ROUNDING * blank)
        count = len(responses)
        kernels, spectrum = self._kernels(model, layer.name, inputs)
        tuning = Tuning(
            layer=layer.name,
            channels=tuple(range(count)) if self.channel < 0 else (self.channel,),
            names=tuple(probe.name for probe in shown),
            families=tuple(probe.family for probe in shown),
            orientations=angles,
            frequencies=tones,
            hues=hues(),
            pictured=(),
            pictures=np.zeros((0, 1, 1, 3), np.float32),
            kernels=kernels,
            spectrum=spectrum,
            **vars(found),
        )
        pictured = _pictured(tuning)
        pictures = np.stack([_thumbnail(shown[place], size) for place in pictured])
        return replace(tuning, pictured=pictured, pictures=pictures)

    def _layer(self, model: LoadedModel) -> LayerNode:
        layer = model.layer(model.layer(self.layer, weights=True).name)  # one that a pass runs
        channels = maps_of(model, layer, ", so there is no middle of them to look at")
        check_channel(layer.name, channels, self.channel, least="all")
        return layer

    def _known_responses(
        self, model: LoadedModel, layer: LayerNode, shown: tuple[Probe, ...], run: Run
    ) -> tuple[Floats, Floats]:
        """Return the answers of all channels: those of the last layer asked for are kept."""
        run.check()
        known = _answered.get(model.module)
        wanted = (layer.name, self.call, self.angles, model.preprocessing)
        if known is None or known[0] != wanted:
            known = wanted, self._responses(model, layer, shown, run)
            _answered[model.module] = known
        return known[1]

    def _responses(
        self, model: LoadedModel, layer: LayerNode, shown: tuple[Probe, ...], run: Run
    ) -> tuple[Floats, Floats]:
        """Return the answers (N, P) above that to grey, and the magnitude of that to grey (N)."""
        from cnnviz_desktop.engine.probes import GREY

        size, inputs = model.preprocessing.size, model.preprocessing.channels
        grey = np.full((1, inputs, *size), GREY, np.float32)
        blank = self._answers(model, layer, grey, run)[0]
        responses = np.zeros((blank.shape[1], len(shown)), np.float32)
        batches = list(_batches(shown, layer, size))
        for start, probes in run.track(batches, "Showing probes"):
            pictures = [probe.draw(size, inputs) for probe in probes]
            answers = self._answers(model, layer, np.concatenate(pictures), run)
            first = 0
            for place, probe in enumerate(probes, start=start):
                part = answers[first : first + len(probe.patterns)]
                first += len(part)
                responses[:, place] = _sound(_reduced(part, blank, probe).clamp(min=0))
        return responses, _sound(blank.abs().amax(dim=0))

    def _answers(self, model: LoadedModel, layer: LayerNode, pictures: Floats, run: Run) -> Tensor:
        """Return the middle of a layer's maps (B, places, N) for pictures (B, C, H, W) in 0..1."""
        import torch

        from cnnviz_desktop.engine.recording import record, whole_or_singly

        mean = np.array(model.preprocessing.mean, np.float32)[:, None, None]
        std = np.array(model.preprocessing.std, np.float32)[:, None, None]
        tensor = torch.from_numpy((pictures - mean) / std).to(model.device)
        tensor = tensor.contiguous(memory_format=model.layout)

        def passed(part: Tensor) -> Tensor:
            outputs = record(model.module, part, {layer.name: layer.calls}, run)[layer.name]
            return outputs[model.call(layer, self.call)].float()

        output = torch.cat(whole_or_singly(model.module, tensor, passed))
        rows, columns = _middle(output.shape[2]), _middle(output.shape[3])
        middle = output[:, :, rows, columns]
        return middle.permute(0, 2, 3, 1).flatten(1, 2)  # quick to go through: channels lie last

    def _kernels(
        self, model: LoadedModel, layer: str, inputs: int
    ) -> tuple[FilterBank | None, FilterBank | None]:
        """Return kernels that can be drawn, over the picture or of one channel; and its spectrum.

        The spectrum is that of one channel, since a layer's figure has no room for any.
        """
        from cnnviz_desktop.engine.kernels import kernels, spectrum

        bank = kernels(model.module.get_submodule(layer), layer)
        if bank is None or bank.values.shape[2:] == (1, 1):
            return None, None
        if self.channel < 0 and len(bank.values) > 1:
            return (bank, None) if bank.values.shape[1] == inputs else (None, None)
        row = max(0, self.channel)
        values = np.array(bank.values[row : row + 1])
        bank = replace(bank, values=values, order=(row,))
        gain = spectrum(values, bank.dilation)
        return bank, replace(bank, values=gain, spectrum=True)


def _middle(length: int) -> slice:
    """Return the middle half of a map's rows or columns, or the middle of that."""
    rest = max(length // 4, (length - _PLACES) // 2)
    return slice(rest, length - rest)


def _batches(
    shown: tuple[Probe, ...], layer: LayerNode, size: tuple[int, int]
) -> Iterator[tuple[int, list[Probe]]]:
    """Yield probes that are shown together and the index of the first; phases stay together."""
    answers = int(np.prod(layer.output_shape or (1,)))
    most = min(_PIXELS // (size[0] * size[1]), _NUMBERS // max(1, answers))
    most = min(max(most, _FEWEST), _MOST)
    probes: list[Probe] = []
    start = frames = 0
    for place, probe in enumerate(shown):
        if frames + len(probe.patterns) > most:
            yield start, probes
            start, probes, frames = place, [], 0
        probes.append(probe)
        frames += len(probe.patterns)
    yield start, probes


def _reduced(answers: Tensor, blank: Tensor, probe: Probe) -> Tensor:
    """Return one number a channel (N) for answers (phases, places, N), above those to grey."""
    if len(answers) > 1:
        phases = len(answers)
        turns = 2 * np.pi * np.arange(phases) / phases
        waves = np.stack([np.full(phases, 0.5), np.cos(turns), np.sin(turns)]) * (2 / phases)
        fitted: Tensor = answers.new_tensor(waves) @ answers.flatten(1)
        mean, first, second = fitted.view(3, *blank.shape).unbind()
        return (mean - blank + first.hypot(second)).amax(dim=0)
    above = answers[0] - blank
    if probe.family == "texture":
        wave = above.mean(dim=0) + above.std(dim=0, correction=0) * 2**0.5
        return wave.minimum(above.amax(dim=0))
    return above.amax(dim=0)


def _sound(values: Tensor) -> Floats:
    """Return numbers as NumPy's; what is not finite counts as no answer."""
    return values.nan_to_num(0.0, 0.0, 0.0).cpu().numpy().astype(np.float32)


def _pictured(tuning: Tuning) -> tuple[int, ...]:
    """Return the probes to keep pictures of: each channel's best, of one that of every family."""
    if len(tuning.channels) > 1:
        return tuple(sorted({tuning.best(row) for row in range(len(tuning.channels))}))
    families = np.array(tuning.families)
    kinds = dict.fromkeys(tuning.families)
    best = (np.where(families == kind, tuning.responses[0], -1).argmax() for kind in kinds)
    return tuple(int(place) for place in best)


def _thumbnail(probe: Probe, size: tuple[int, int]) -> Floats:
    """Return the middle of a probe's picture (s, s, 3), averaged down where it is large."""
    drawn = probe.draw(size)[0].transpose(1, 2, 0)
    side = min(*size, max(_SMALLEST, round(probe.span)))
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    drawn = drawn[top : top + side, left : left + side]
    starts = np.unique(np.linspace(0, side, min(side, _THUMBNAIL), endpoint=False).astype(int))
    lengths = np.diff([*starts, side]).astype(np.float32)
    sums = np.add.reduceat(np.add.reduceat(drawn, starts, axis=0), starts, axis=1)
    drawn = sums / (lengths[:, None] * lengths)[..., None]
    whole = np.linspace(0, len(drawn), _THUMBNAIL, endpoint=False).astype(int)
    return np.ascontiguousarray(drawn[whole][:, whole], dtype=np.float32)
