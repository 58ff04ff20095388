"""Read a training's logs while they grow, with TensorBoard's own reader: only what is new."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz_desktop.data import Floats, Pixels
from cnnviz_desktop.data.training import Curves
from cnnviz_desktop.data.training_logs import (
    LoggedHistogram,
    LoggedPictures,
    LoggedRun,
    TrainingLog,
)
from cnnviz_desktop.engine.event_files import MISSING, MissingExtraError, is_there
from cnnviz_desktop.engine.run import SILENT, Run
from cnnviz_desktop.engine.training_folder import event_folders, log_tables
from cnnviz_desktop.errors import CnnvizError

_KEPT = {"scalars": 10_000, "histograms": 100, "images": 24}  # of each name, evenly by chance
_BINS = 64
_TEXT = 7  # the number of TensorFlow's type of strings, which encoded pictures are
_STEPS = ("step", "epoch", "iteration")  # columns of a table that count


@dataclass
class _Known:
    """What was made of a name's events so far, how many these were, and the last one.

    `histogram` is made of all of them, None until it is asked for.
    """

    seen: int = 0
    last: Any = None
    histogram: LoggedHistogram | None = None
    steps: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)


class LogReader:
    """Look into a folder of logs again and again; each time only what was added is read.

    One thread at a time may use it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._readers: dict[Path, Any] = {}
        self._known: dict[tuple[Path, str, str], _Known] = {}

    def look(self, run: Run = SILENT) -> TrainingLog:
        """Return what there is by now; raise `MissingExtraError` where TensorBoard is missing."""
        tables = log_tables(self.folder)
        folders = list(event_folders(self.folder))
        if folders and not is_there():
            if not tables:
                raise MissingExtraError(MISSING)
            folders = []
        runs: list[LoggedRun] = []
        notes: list[str] = []
        for path in tables:
            try:
                runs.append(_table_run(path))
            except CnnvizError as error:
                notes.append(str(error))
        for place in run.track(folders, "Reading the logs"):
            try:
                runs.append(self._run(place))
            except (OSError, ValueError, KeyError) as error:  # a damaged file spoils one run alone
                notes.append(f"The logs in {place.name} cannot be read ({error}).")
        return TrainingLog(self.folder.name, tuple(runs), tuple(notes))

    def _run(self, place: Path) -> LoggedRun:
        """Return one run's names and numbers."""
        reader = self._readers.get(place)
        if reader is None:
            reader = self._readers[place] = _reader(place)
        reader.Reload()
        name = place.relative_to(self.folder).as_posix()
        scalars = self._of(place, reader, "scalars")
        steps = tuple(np.array(known.steps, np.float32) for known in scalars.values())
        values = tuple(np.array(known.values, np.float32) for known in scalars.values())
        spreads = self._of(place, reader, "histograms").items()
        pictures = self._of(place, reader, "images").items()
        return LoggedRun(
            name="" if name == "." else name,
            curves=Curves(self.folder.name, tuple(scalars), steps, values),
            histograms=tuple(_histogram(tag, known) for tag, known in spreads),
            pictures=tuple(_pictures(tag, known) for tag, known in pictures),
        )

    def _of(self, place: Path, reader: Any, kind: str) -> dict[str, _Known]:
        """Return what there is of a kind, by name; events that are known are not decoded again."""
        try:
            tags = sorted(reader.PluginTagToContent(kind))
        except KeyError:
            return {}
        found = {}
        for tag in tags:
            events = reader.Tensors(tag)
            known = self._known.setdefault((place, kind, tag), _Known())
            _take_up(known, events, kind)
            if known.steps:
                found[tag] = known
        return found


def _reader(place: Path) -> Any:
    """Return TensorBoard's reader of one run's folder."""
    from tensorboard.backend.event_processing import plugin_event_accumulator as reading

    return reading.EventAccumulator(
        str(place),
        size_guidance={reading.TENSORS: 100},
        tensor_size_guidance=_KEPT,
    )


def _take_up(known: _Known, events: list[Any], kind: str) -> None:
    """Decode the events that came since the last time; all where the old ones are not as before.

    Those of another kind, logged under the same name, are passed over.
    """
    if known.seen > len(events) or (known.seen and events[known.seen - 1] is not known.last):
        known.steps.clear()
        known.values.clear()
        known.seen = 0
    for event in events[known.seen :]:
        if _is(kind, event.tensor_proto):
            known.steps.append(int(event.step))
            known.values.append(_DECODERS[kind](event.tensor_proto))
        known.seen, known.last, known.histogram = known.seen + 1, event, None


def _is(kind: str, proto: Any) -> bool:
    """Tell what an event holds: the reader mixes what was logged under one name as two kinds."""
    if proto.dtype == _TEXT:
        return kind == "images"
    spread = len(proto.tensor_shape.dim) == 2 and proto.tensor_shape.dim[1].size == 3
    return kind == ("histograms" if spread else "scalars")


def _number(proto: Any) -> float:
    from tensorboard.util.tensor_util import make_ndarray

    return float(make_ndarray(proto).reshape(-1)[0])


def _spread(proto: Any) -> Floats:
    """Return a histogram as rows of left edge, right edge and count."""
    from tensorboard.util.tensor_util import make_ndarray

    rows: Floats = np.asarray(make_ndarray(proto), np.float32).reshape(-1, 3)
    return rows


def _picture(proto: Any) -> Pixels:
    """Return a picture's pixels (H, W, 3); it comes as width, height and a PNG."""
    from PIL import Image

    encoded = proto.string_val[2] if len(proto.string_val) > 2 else b""
    try:
        with Image.open(io.BytesIO(encoded)) as opened:
            return np.asarray(opened.convert("RGB"))
    except (OSError, ValueError):
        return np.zeros((1, 1, 3), np.uint8)


_DECODERS = {"scalars": _number, "histograms": _spread, "images": _picture}


def _histogram(tag: str, known: _Known) -> LoggedHistogram:
    """Bring the histograms of all steps to the same bins; the last ones where nothing came."""
    if known.histogram is not None:
        return known.histogram
    rows: list[Floats] = [spread[spread[:, 2] > 0] for spread in known.values]
    filled = [spread for spread in rows if len(spread)]
    low = min((float(spread[0, 0]) for spread in filled), default=0.0)
    high = max((float(spread[-1, 1]) for spread in filled), default=1.0)
    low = low if math.isfinite(low) and abs(low) < 1e30 else -1.0
    high = high if math.isfinite(high) and abs(high) < 1e30 else 1.0
    if not high > low:
        low, high = low - 0.5, low + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    counts = [rebinned(spread, edges) for spread in rows]
    known.histogram = LoggedHistogram(
        tag,
        np.array(known.steps, np.float32),
        edges.astype(np.float32),
        np.array(counts, np.float32).reshape(len(rows), _BINS),
    )
    return known.histogram


def rebinned(spread: Floats, edges: Any) -> Any:
    """Return the counts of a histogram (left, right, count) in other bins, shared out evenly."""
    if not len(spread):
        return np.zeros(len(edges) - 1)
    sound = spread.astype(np.float64)
    narrow = sound[:, 1] <= sound[:, 0]  # one value alone
    width = (edges[-1] - edges[0]) * 1e-6
    sound[narrow, 1] = sound[narrow, 0] + width
    places = np.empty(2 * len(sound))
    places[0::2], places[1::2] = sound[:, 0], sound[:, 1]
    below = np.repeat(np.cumsum(sound[:, 2]), 2)
    below[0::2] -= sound[:, 2]
    summed = np.interp(edges, np.maximum.accumulate(places), below, left=0.0, right=below[-1])
    summed[-1] = below[-1]
    return np.diff(summed)


def _pictures(tag: str, known: _Known) -> LoggedPictures:
    return LoggedPictures(tag, tuple(known.steps), tuple(known.values))


def _table_run(path: Path) -> LoggedRun:
    """Read a CSV file of numbers with a column of steps or epochs."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CnnvizError(f"{path} cannot be read as a table of numbers ({error}).") from error
    names = [name for name in (rows[0] if rows else {}) if name]
    counted = next((name for name in names if name.lower() in _STEPS), "")
    every = [name for name in names if name != counted and name.lower() not in _STEPS]
    steps = [_value(row.get(counted)) if counted else float(n) for n, row in enumerate(rows)]
    tags, where, values = [], [], []
    for name in every:
        pairs = [(s, _value(row.get(name))) for s, row in zip(steps, rows, strict=True)]
        known = [pair for pair in pairs if math.isfinite(pair[0]) and not math.isnan(pair[1])]
        if known:
            tags.append(name.replace("_", " "))
            where.append(np.array([pair[0] for pair in known], np.float32))
            values.append(np.array([pair[1] for pair in known], np.float32))
    unit = "epoch" if counted.lower() == "epoch" else "step"
    curves = Curves(path.name, tuple(tags), tuple(where), tuple(values), unit)
    return LoggedRun("", curves)


def _value(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


# Words that say on what something was measured rather than what.
_ON = {"train", "training", "val", "valid", "validation", "test", "held out", "heldout", "eval"}
_DRAWN_TO = {"held out": ("held out ", "held_out_"), "train": ("train ", "train_", "training ")}
_DRAWN_TO |= {"val": ("val ", "val_", "valid ")}


def measured(tag: str) -> tuple[str, str]:
    """Return what a name says was measured, and on what: "loss/train" and "train/loss" alike."""
    head, slash, tail = tag.partition("/")
    if slash and head.lower().replace("_", " ") in _ON:
        return tail, head
    if slash and tail.lower().replace("_", " ") in _ON:
        return head, tail
    for on, prefixes in _DRAWN_TO.items():
        for prefix in prefixes:
            if not slash and tag.lower().startswith(prefix):
                return tag[len(prefix) :], on
    return tag, ""
