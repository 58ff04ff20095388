"""Gallery: what every channel of a layer wants to see, kept on disk and taken up again.

The pictures are those of activation maximisation: Olah, Mordvintsev and Schubert, Feature
Visualization, Distill 2017, doi:10.23915/distill.00007.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnviz_desktop.data import ImageInput, Maximised
from cnnviz_desktop.engine.channels import channels_of, check_channel
from cnnviz_desktop.engine.parameters import seed_parameter, side_parameter
from cnnviz_desktop.engine.run import SILENT, Part, Run
from cnnviz_desktop.engine.technique import Integer, LayerKind, Technique, parameter
from cnnviz_desktop.engine.techniques.activation_maximization import ActivationMaximization

if TYPE_CHECKING:
    from cnnviz_desktop.engine.gallery_folder import Kept
    from cnnviz_desktop.engine.loaded_model import LoadedModel

TOGETHER = 16  # channels that grow at once: what is lost where the work is stopped
_BYTES = 192 * 2**20  # of all pictures of a result; larger layers are shown smaller
_THUMBNAIL = 32  # pixels along a side, for the growth


@dataclass(frozen=True, kw_only=True)
class Gallery(Technique):
    """Grow a picture for every channel of a layer, sixteen at a time, and keep them on disk.

    What is there already is not made again, so that the work can be stopped at any time and taken
    up later; the unit card shows these pictures. They lie in the user's cache folder by network,
    layer and settings.
    """

    title: ClassVar[str] = "Gallery"
    command: ClassVar[str] = "gallery"
    tab: ClassVar[str] = "Maximise"
    summary: ClassVar[str] = "Grow what every channel of a layer wants to see, and keep it on disk."
    paper: ClassVar[str] = "doi:10.23915/distill.00007"
    needs_image: ClassVar[bool] = False
    resumes: ClassVar[bool] = True

    layer: str | None = parameter(
        LayerKind(), None, "Layer of the channels; the last one with maps by default."
    )
    first: int = parameter(Integer(0, 99_999), 0, "The first channel, from 0.")
    count: int = parameter(
        Integer(0, 99_999, "all"), 0, "How many channels from there on; 0 is all of them."
    )
    steps: int = parameter(Integer(1, 10_000), 256, "Steps for each channel.")
    side: int = side_parameter()
    seed: int = seed_parameter()

    def is_quick(self) -> bool:
        """Say no: minutes to hours."""
        return False

    def __call__(
        self, model: LoadedModel, image: ImageInput | None = None, run: Run = SILENT
    ) -> Maximised:
        """Return the pictures of the channels: of those that are done where it is ended early."""
        from cnnviz_desktop.engine.gallery_folder import GalleryFolder

        node = model.layer(self.layer)
        channels = channels_of(model, node)
        check_channel(node.name, channels, self.first, "first")
        end = min(channels, self.first + self.count) if self.count else channels
        wanted = range(self.first, end)
        folder = GalleryFolder.of(model, node.name, gallery_settings(self.maker(node.name, 0, 1)))
        known = {item: folder.read(item) for item in run.track(wanted, "Reading the gallery")}
        kept = {channel: item for channel, item in known.items() if item is not None}
        missing = [channel for channel in wanted if channel not in kept]
        groups = list(_groups(missing))
        whole = Part(run, "Growing the gallery", len(groups))
        for first, count in groups:
            if run.finishing and kept:
                break
            made = self.maker(node.name, first, count)(model, None, whole)
            done = made.objectives.shape[1] == self.steps
            if done or not kept:  # what was ended early is no finished picture
                kept |= zip(range(first, first + count), _kept(made), strict=True)
            if not done:
                break
            for channel in range(first, first + count):
                folder.write(channel, kept[channel])
            whole.advance()
            run.preview(gathered(node.name, kept, self.steps, self.seed))
        return gathered(node.name, kept, self.steps, self.seed)

    def maker(self, layer: str, first: int, count: int) -> ActivationMaximization:
        """Return the technique that grows some of the channels."""
        return ActivationMaximization(
            layer=layer,
            channel=first,
            count=count,
            steps=self.steps,
            side=self.side,
            seed=self.seed,
        )


def gallery_settings(technique: ActivationMaximization) -> dict[str, Any]:
    """Return what a channel's picture depends on besides network, layer and channel."""
    left_out = ("layer", "channel", "count", "folder", "second", "target", "row", "column")
    values = technique.values()
    return {name: value for name, value in values.items() if name not in left_out}


def gathered(layer: str, kept: dict[int, Kept], steps: int = 0, seed: int = 0) -> Maximised:
    """Return pictures from the gallery, by channel, as one result."""
    order = sorted(kept)
    pictures = [kept[channel].picture for channel in order]
    every = 1
    while sum(picture[::every, ::every].nbytes for picture in pictures) > _BYTES:
        every += 1
    small = max(1, max(pictures[0].shape[:2]) // _THUMBNAIL)
    shown = np.stack([_shrunk(picture, every) for picture in pictures])
    notes = tuple(dict.fromkeys(kept[channel].note for channel in order if kept[channel].note))
    return Maximised(
        title=f"Gallery of {layer}",
        layer=layer,
        wanted=tuple(f"channel {channel}" for channel in order),
        pictures=shown,
        objectives=np.array([[kept[channel].objective] for channel in order], np.float32),
        responses=np.array([kept[channel].response for channel in order], np.float32),
        threshold=np.full(len(order), np.nan, np.float32),
        growth=np.stack([_shrunk(picture, small) for picture in pictures])[None],
        grown=(steps,),
        answers=(),
        steps=steps,
        seed=seed,
        notes=notes,
    )


def _groups(missing: list[int]) -> list[tuple[int, int]]:
    """Return runs of neighbouring channels as (first, count), each at most sixteen."""
    found: list[tuple[int, int]] = []
    for channel in missing:
        if found and found[-1][0] + found[-1][1] == channel and found[-1][1] < TOGETHER:
            found[-1] = found[-1][0], found[-1][1] + 1
        else:
            found.append((channel, 1))
    return found


def _kept(made: Maximised) -> list[Kept]:
    from cnnviz_desktop.engine.gallery_folder import Kept, as_pixels, as_values

    found = []
    for row, name in enumerate(made.wanted):
        said = next((note for note in made.notes if name in _words(note)), "")
        response, objective = float(made.responses[row]), float(made.objectives[row, -1])
        # As the file has it, so that the first time gives what all others give.
        picture = as_values(as_pixels(made.pictures[row]))
        found.append(Kept(picture, response, objective, said))
    return found


def _words(note: str) -> set[str]:
    """Return the channels that a note names."""
    words = note.lower().replace(",", " ").replace(":", " ").split()
    return {f"channel {number}" for word, number in pairwise(words) if word == "channel"}


def _shrunk(picture: Any, every: int) -> Any:
    """Return a picture (H, W, 3) averaged over squares of `every` pixels."""
    if every == 1:
        return picture
    height, width = (max(1, side // every) for side in picture.shape[:2])
    cut = picture[: height * every, : width * every]
    if cut.shape[0] < height * every or cut.shape[1] < width * every:
        return picture[:1, :1]
    return np.ascontiguousarray(
        cut.reshape(height, every, width, every, 3).mean(axis=(1, 3), dtype=np.float32)
    )
