"""Hold the pictures of the session and which one is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.gui.jobs import Jobs, Priority
from cnnviz_desktop.gui.work import Engine, Opened, OpenImages, Source

BUDGET = 2 * 2**30  # bytes of decoded pixels


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture of the session; `key` is its number for as long as the program runs."""

    key: int
    image: ImageInput


class Pictures(QObject):
    """The pictures in the order they came; iterating gives their keys.

    Signals: `added` (`Picture`); `removed` (key); `selected` (`Picture` or None); `unreadable` (a
    sentence on files that could not be opened); `noted` (a sentence on what decoding decided).
    """

    added = Signal(object)
    removed = Signal(int)
    selected = Signal(object)
    unreadable = Signal(str)
    noted = Signal(str)

    def __init__(self, jobs: Jobs, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._engine = engine
        self._last = 0
        self._bytes = 0
        self._entries: dict[int, Picture] = {}
        self.current: Picture | None = None
        self.emptied = False  # nothing is here and nothing is on its way
        self.filling = False  # what was empty is being filled

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, key: int) -> Picture:
        return self._entries[key]

    def __contains__(self, key: int) -> bool:
        return key in self._entries

    def open(self, sources: Iterable[Source]) -> None:
        """Decode files, folders, bytes or pixels; the first picture becomes the current one."""
        self.filling |= not self._entries
        self._submit(OpenImages(self._engine, tuple(sources)), Priority.CLICK)

    def entry(self, image: ImageInput) -> Picture:
        """Return a picture with a key of its own that is not here yet."""
        self._last += 1
        return Picture(self._last, image)

    def insert(self, entry: Picture, place: int | None = None) -> None:
        """Take a decoded picture in, at a place or at the end."""
        if entry.key in self._entries:
            return
        order = list(self._entries.values())
        order.insert(len(order) if place is None else place, entry)
        self._entries = {item.key: item for item in order}
        self._bytes += entry.image.pixels.nbytes
        self.emptied = False
        self.added.emit(entry)

    def replace(self, entries: Sequence[Picture], current: Picture | None) -> None:
        """Hold these pictures in place of all others, those on their way among them."""
        for job in self._jobs.busy():
            if isinstance(job.work, OpenImages):
                job.supersede()
        old, self._entries, self._bytes, self.current = self._entries, {}, 0, None
        self.filling = False
        for key in old:
            self.removed.emit(key)
        for entry in entries:
            self.insert(entry)
        chosen = current or next(iter(entries), None)
        if chosen is not None:
            self.select(chosen.key)
        else:
            self.emptied = True
            self.selected.emit(None)

    def remove(self, key: int) -> None:
        """Take a picture out; its neighbour becomes current."""
        if key not in self._entries:
            return
        order = list(self._entries)
        place = order.index(key)
        gone = self._entries.pop(key)
        self._bytes -= gone.image.pixels.nbytes
        order.remove(key)
        self.removed.emit(key)
        if gone is not self.current:
            return
        self.current = None
        if order:
            self.select(order[min(place, len(order) - 1)])
        else:
            self.emptied = True
            self.selected.emit(None)

    def select(self, key: int) -> None:
        """Make a picture the current one."""
        chosen = self._entries.get(key)
        if chosen is not None and chosen is not self.current:
            self.current = chosen
            self.selected.emit(chosen)

    def step(self, direction: int) -> None:
        """Go to the next (+1) or previous (-1) picture, round the end."""
        order = list(self._entries)
        if order:
            place = order.index(self.current.key) if self.current else 0
            self.select(order[(place + direction) % len(order)])

    def _submit(self, request: OpenImages, priority: Priority) -> None:
        job = self._jobs.submit(request, "Opening pictures", priority=priority)
        job.done.connect(self._opened)
        job.failed.connect(self._ended)

    def _opened(self, opened: Opened) -> None:
        """Take the decoded pictures in; go on with those that are left."""
        full = False
        first = None
        for image in opened.images:
            full = self._bytes + image.pixels.nbytes > BUDGET
            if full:
                break
            entry = self.entry(image)
            self.insert(entry)
            first = first or entry
        if first is not None and (opened.select or self.current is None):
            self.select(first.key)
        notes = [f"{image.name}: {note}" for image in opened.images for note in image.notes]
        if notes:
            self.noted.emit(_several(notes))
        if full:
            self.unreadable.emit(
                "The session holds 2 GB of pictures, so the others were left out. "
                "Remove some from the strip to open more."
            )
        elif opened.rest is not None:
            self._submit(opened.rest, Priority.BACKGROUND)
        if full or opened.rest is None:
            self._ended()
        if opened.rest is None and opened.failures:
            self.unreadable.emit(_several(opened.failures))

    def _ended(self) -> None:
        """Say that nothing is on its way any more."""
        self.filling = False
        if not self._entries:
            self.emptied = True
            self.selected.emit(None)


def _several(sentences: Iterable[str]) -> str:
    """Join the first two sentences and count the others."""
    known = list(sentences)
    more = len(known) - 2
    tail = f" And {more} more like that." if more > 0 else ""
    return " ".join(known[:2]) + tail
