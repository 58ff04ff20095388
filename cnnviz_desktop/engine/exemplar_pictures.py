"""Show what an index holds of a few channels: crops of their pictures, with values and classes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from cnnviz_desktop.data import Box, Exemplars, Floats, ImageInput
from cnnviz_desktop.engine.amounts import SKIPPED, amount
from cnnviz_desktop.engine.datasets import reader
from cnnviz_desktop.engine.decoding import decoded
from cnnviz_desktop.engine.exemplar_index import ExemplarIndex, paths_of
from cnnviz_desktop.engine.exemplar_pass import MaximaPass
from cnnviz_desktop.engine.exemplars import class_selectivity
from cnnviz_desktop.engine.reading import field_box
from cnnviz_desktop.engine.remembered_classes import mapped
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.errors import ExportError, ImageError, ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from cnnviz_desktop.engine.exemplar_pass import Maxima
    from cnnviz_desktop.engine.loaded_model import LoadedModel

LARGEST_CROP = 96  # pixels along a side
DIFFERENCE = 1e-3  # of a channel's strongest value: more than rounding in other batches
PERCENTILES = (0.0, 12.5, 25.0, 37.5, 50.0, 62.5, 75.0, 87.5, 100.0)
_LOOKS = 8  # pictures between two looks at whether the person has cancelled


def newest_index(model: LoadedModel, layer: str) -> ExemplarIndex | None:
    """Open the index last written of a network that has a layer; None where there is none."""
    for path in paths_of(model):
        index = ExemplarIndex(path)
        known = index.layers().get(layer)
        if known is not None and known.images and index.facts():
            return index
        index.close()
    return None


def known_exemplars(
    model: LoadedModel, layer: str, channel: int, run: Run = SILENT
) -> Exemplars | None:
    """Return a channel's strongest pictures as the newest index has them; None without one."""
    try:
        index = newest_index(model, layer)
        if index is None:
            return None
        with index:
            return pictured(index, model, layer, [channel], run, check=False)
    except (ExportError, ImageError, ParameterError):  # gone, moved or in use: nothing is known
        return None


def pictured(
    index: ExemplarIndex,
    model: LoadedModel,
    layer: str,
    channels: Sequence[int],
    run: Run = SILENT,
    *,
    percentiles: Sequence[float] = (),
    target: int = -1,
    check: bool = True,
) -> Exemplars:
    """Return what an index holds of some channels, and the crops that excite them.

    With `percentiles` the pictures nearest to them, else the strongest; these are run again one by
    one, once, unless `check` says not to.
    """
    chosen = spread_of(index, layer, channels, percentiles) if percentiles else None
    chosen = chosen or strongest_of(index, layer, channels)
    show = Crops(index, model, layer, chosen)
    show.cut(run, check=check and not percentiles)
    known, facts = index.layers()[layer], index.facts()
    by_class = class_selectivity(index, layer)
    numbers: dict[str | None, int] = {name: i for i, name in enumerate(by_class.classes)}
    names = index.classes()
    images = show.images
    flat = chosen.images.ravel().tolist()
    rows, columns = np.divmod(chosen.places.ravel(), known.width)
    picked = list(chosen.channels)
    return Exemplars(
        title=str(facts["title"]),
        layer=layer,
        count=known.channels,
        images=known.images,
        channels=chosen.channels,
        values=np.ascontiguousarray(chosen.values),
        pictures=show.crops,
        files=tuple(show.files[number] for number in flat),
        labels=tuple(numbers.get(names.get(images[number].label), -1) for number in flat),
        rows=tuple(rows.tolist()),
        columns=tuple(columns.tolist()),
        boxes=tuple(show.boxes),
        classes=named_classes(facts, by_class.classes, model.labels),
        means=by_class.means[picked],
        strongest=by_class.strongest[picked],
        selectivity=by_class.apart[picked],
        percentiles=tuple(percentiles),
        target=target,
        notes=tuple(show.notes),
    )


def named_classes(
    facts: Mapping[str, Any], folders: Sequence[str], labels: Sequence[str]
) -> tuple[str, ...]:
    """Return what the network calls the classes of an index, as guessed and as a person said."""
    if tuple(folders) == ("",):
        return ("",)
    return mapped(str(facts["kind"]), str(facts["place"]), folders, labels).names


@dataclass(frozen=True, eq=False)
class Chosen:
    """Which pictures to show of which channels (N): values, images and places are (N, k)."""

    channels: tuple[int, ...]
    values: Floats
    images: NDArray[np.int64]
    places: NDArray[np.int32]


def strongest_of(index: ExemplarIndex, layer: str, channels: Sequence[int]) -> Chosen:
    """Choose the strongest pictures of channels."""
    tops, picked = index.tops(layer), list(channels)
    return Chosen(tuple(channels), tops.values[picked], tops.images[picked], tops.places[picked])


def spread_of(
    index: ExemplarIndex, layer: str, channels: Sequence[int], percentiles: Sequence[float]
) -> Chosen:
    """Choose those of the sample nearest to percentiles, and for the last the strongest."""
    sample, tops, picked = index.sample(layer), index.tops(layer), list(channels)
    values = sample.values[:, picked]
    order = np.argsort(values, axis=0, kind="stable")
    ranks = np.rint(np.array(percentiles) / 100 * (len(values) - 1)).astype(int)
    rows = order[ranks].T  # (N, k)
    found = Chosen(
        tuple(channels),
        np.take_along_axis(values.T, rows, axis=1).astype(np.float32),
        sample.images[rows],
        np.take_along_axis(sample.places[:, picked].T, rows, axis=1),
    )
    last = np.array(percentiles) == 100
    found.values[:, last] = tops.values[picked, :1]
    found.images[:, last] = tops.images[picked, :1]
    found.places[:, last] = tops.places[picked, :1]
    return found


def _clipped(box: Box, whole: Box) -> Box:
    """Return what of a box is in a picture; one that is beside it becomes its nearest pixel."""
    top = min(max(box.top, 0), whole.bottom - 1)
    left = min(max(box.left, 0), whole.right - 1)
    bottom = max(min(box.bottom, whole.bottom), top + 1)
    right = max(min(box.right, whole.right), left + 1)
    return Box(top, left, bottom, right)


@dataclass(frozen=True, eq=False)
class _Cut:
    """What was cut out of one picture for some slots, and the input that it was for the network."""

    file: str
    boxes: tuple[Box, ...]
    crops: tuple[NDArray[np.uint8], ...]
    sizes: tuple[tuple[float, float], ...]  # in pixels of the network's input
    tensor: Tensor | None


class Crops:
    """Cut the pictures of some channels out of their files, and run them again.

    `crops` (N, k, s, s, 3), `boxes` (N k); `files` and `images` by the ids of the pictures.
    """

    def __init__(
        self, index: ExemplarIndex, model: LoadedModel, layer: str, chosen: Chosen
    ) -> None:
        self._index, self._model, self._layer, self._chosen = index, model, layer, chosen
        self._width = index.layers()[layer].width
        self._title = str(index.facts()["title"])
        self._slots: dict[int, list[int]] = defaultdict(list)
        for slot, number in enumerate(chosen.images.ravel().tolist()):
            self._slots[number].append(slot)
        self.images = index.images_by_id(list(self._slots))
        self.files: dict[int, str] = {}
        self.boxes: list[Box] = [Box(0, 0, 1, 1)] * chosen.images.size
        self.notes: list[str] = []
        self.crops = np.zeros(0, np.float32)

    def cut(self, run: Run, check: bool) -> None:
        """Fill crops, boxes and files."""
        doubtful = self._doubtful() if check else {}  # what each showed when it was last run
        rerun = MaximaPass(self._model, [self._layer], fold=False) if doubtful else None
        # Found before the threads start: it is a pass of the network.
        field_box(self._model, self._layer, 0, 0, Box(0, 0, *self._model.preprocessing.size), run)
        per_channel = self._chosen.images.shape[1]
        again = {number for row in doubtful for number in self._chosen.images[row].tolist()}
        facts = self._index.facts()
        read = reader(facts["kind"], facts["source"], facts["split"], facts["place"])
        cuts: dict[int, tuple[NDArray[np.uint8], tuple[float, float]]] = {}
        differing = dict.fromkeys(doubtful, 0)
        lost = []
        stream = decoded(
            sorted(self._slots),
            lambda number: read(self.images[number].key),
            lambda number, picture: self._cut(number, picture, number in again),
        )
        with closing(stream) as pictures:
            for place, item in enumerate(pictures):
                if place % _LOOKS == 0:
                    run.pause()
                self.files[item.key] = f"{self._title}: {self.images[item.key].key}"
                if item.made is None:
                    lost.append(item.key)
                    continue
                self.files[item.key] = item.made.file or self.files[item.key]
                for slot, box, crop, size in zip(
                    self._slots[item.key],
                    item.made.boxes,
                    item.made.crops,
                    item.made.sizes,
                    strict=True,
                ):
                    self.boxes[slot] = box
                    cuts[slot] = crop, size
                if rerun is not None and item.made.tensor is not None:
                    maxima = rerun(item.made.tensor)[self._layer]
                    for slot in self._slots[item.key]:
                        row = slot // per_channel
                        if row in differing:
                            differing[row] += self._differs(slot, maxima)
        self._paste(cuts)
        self._say(doubtful, differing, lost)

    def _doubtful(self) -> dict[int, str]:
        """Return the rows whose pictures were not run again since they changed, with a digest."""
        known = self._index.checked(self._layer)
        found: dict[int, str] = {}
        for row, channel in enumerate(self._chosen.channels):
            told = hashlib.sha256(self._chosen.values[row].tobytes())
            told.update(self._chosen.images[row].tobytes())
            if known.get(channel, ("", 0))[0] != told.hexdigest():
                found[row] = told.hexdigest()
        return found

    def _cut(self, number: int, picture: ImageInput, again: bool) -> _Cut:
        """Cut what reaches the values out of a picture."""
        tensor, region = self._model.preprocessing(picture)
        places = self._chosen.places.ravel()
        boxes = []
        for slot in self._slots[number]:
            row, column = divmod(int(places[slot]), self._width)
            field = field_box(self._model, self._layer, row, column, region)
            empty = field is None or field.height < 1 or field.width < 1
            boxes.append(_clipped(region if empty or field is None else field, picture.whole))
        height, width = self._model.preprocessing.size
        down, across = region.height / height, region.width / width
        return _Cut(
            file=str(picture.path) if isinstance(picture.path, Path) else "",
            boxes=tuple(boxes),
            crops=tuple(self._small(picture.pixels[box.slices()]) for box in boxes),
            sizes=tuple((box.height / down, box.width / across) for box in boxes),
            tensor=tensor if again else None,
        )

    def _small(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a copy that is no larger than what is shown of it."""
        rows, columns = pixels.shape[:2]
        zoom = LARGEST_CROP / max(rows, columns)
        if zoom >= 1:
            return pixels.copy()
        size = max(1, round(columns * zoom)), max(1, round(rows * zoom))
        image = Image.fromarray(np.ascontiguousarray(pixels))
        return np.asarray(image.resize(size, Image.Resampling.BOX))

    def _paste(self, cuts: dict[int, tuple[NDArray[np.uint8], tuple[float, float]]]) -> None:
        """Lay all crops in the middle of squares, as large in these as their fields are."""
        largest = max((max(size) for _crop, size in cuts.values()), default=1.0)
        longest = max((max(crop.shape) for crop, _size in cuts.values()), default=1)
        side = max(8, min(LARGEST_CROP, longest))
        crops = np.full((self._chosen.images.size, side, side, 3), -1, np.float32)
        for slot, (crop, (rows, columns)) in cuts.items():
            tall = min(side, max(1, round(rows / largest * side)))
            wide = min(side, max(1, round(columns / largest * side)))
            enlarged = tall > crop.shape[0] or wide > crop.shape[1]
            how = Image.Resampling.NEAREST if enlarged else Image.Resampling.BOX
            drawn = np.asarray(Image.fromarray(crop).resize((wide, tall), how))
            top, left = (side - tall) // 2, (side - wide) // 2
            crops[slot, top : top + tall, left : left + wide] = drawn.astype(np.float32) / 255
        self.crops = crops.reshape(*self._chosen.images.shape, side, side, 3)

    def _differs(self, slot: int, maxima: Maxima) -> bool:
        row, column = np.unravel_index(slot, self._chosen.values.shape)
        kept = float(self._chosen.values[row, column])
        again = float(np.nan_to_num(maxima.values[0, self._chosen.channels[row]]))
        return abs(kept - again) > DIFFERENCE * float(np.abs(self._chosen.values[row]).max())

    def _say(self, digests: Mapping[int, str], differing: dict[int, int], lost: list[int]) -> None:
        """Keep what came of running pictures again, and say what is not as it was."""
        channels = self._chosen.channels
        self._index.set_checked(
            self._layer,
            {channels[row]: (digests[row], count) for row, count in differing.items()},
        )
        known = self._index.checked(self._layer)
        wrong = sum(known[channel][1] for channel in channels if channel in known)
        if wrong:
            gave = amount(wrong, "of the pictures gives", "of the pictures give")
            self.notes.append(
                f"{gave} another value when run alone: the network or the files have changed. "
                f"Delete {self._index.path} to begin anew."
            )
        if lost:
            self.notes.append(
                f"{len(lost)} of the pictures can no longer be read: what was theirs is empty."
            )
        broken = len(self._index.broken())
        if broken:
            self.notes.append(f"{amount(broken, *SKIPPED)}.")
        layer = self._index.layers()[self._layer]
        if layer.odd:
            odd = amount(layer.odd, "picture", "pictures")
            self.notes.append(f"{odd} gave values that are no numbers, taken as 0.")
        left = self._index.count(after=layer.frontier)
        if left:
            self.notes.append(f"{amount(left, 'picture was', 'pictures were')} not looked at yet.")
