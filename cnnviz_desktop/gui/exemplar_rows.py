"""Lay out the rows of channels, and say in words and bars what is known of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRect

from cnnviz_desktop.data import Counts, ExemplarOverview, Flags, Floats
from cnnviz_desktop.gui import labels, theme
from cnnviz_desktop.gui.dataset_work import RowPictures

_WORDS = 148  # pixels for what is said of a channel
_BARS = 132
_GAP = 6
_LARGEST, _SMALLEST = 96, 40  # of a picture's side
_MARGIN = 16
_CLASSES = 24  # bars, as many as can be told apart


@dataclass(frozen=True)
class RowLayout:
    """Where rows of `across` pictures are in a canvas `width` wide; a head lies over the first."""

    width: int
    count: int
    across: int

    @property
    def words(self) -> int:
        """Return the width of what is said of a channel."""
        return theme.px(_WORDS)

    @property
    def bars(self) -> int:
        """Return the width of the classes' bars, 0 where there is no room for them."""
        least = self.words + 2 * _MARGIN + self.across * (theme.px(_SMALLEST) + _GAP)
        return theme.px(_BARS) if self.width - least >= theme.px(_BARS) else 0

    @property
    def side(self) -> int:
        """Return the side of a picture."""
        room = self.width - self.words - self.bars - 2 * _MARGIN - _GAP * (self.across - 1)
        return max(theme.px(24), min(theme.px(_LARGEST), room // self.across))

    @property
    def pitch(self) -> int:
        """Return how far a row lies below the one before."""
        return self.side + 16

    @property
    def head(self) -> int:
        """Return the height of the head."""
        return theme.px(24)

    @property
    def height(self) -> int:
        """Return the height of all."""
        return self.head + self.count * self.pitch

    @property
    def bars_left(self) -> int:
        """Return where the bars begin."""
        return self.words + self.across * (self.side + _GAP) + _MARGIN

    def row(self, place: int) -> QRect:
        """Return where a row is."""
        return QRect(0, self.head + place * self.pitch, self.width, self.pitch)

    def cell(self, place: int, rank: int) -> QRect:
        """Return where a picture is."""
        left = self.words + rank * (self.side + _GAP)
        return QRect(left, self.head + place * self.pitch + 7, self.side, self.side)

    def places(self, top: int, bottom: int) -> range:
        """Return the rows between two heights."""
        first = max(0, (top - self.head) // self.pitch)
        last = min(self.count - 1, (bottom - self.head) // self.pitch)
        return range(first, last + 1)

    def place_at(self, x: int, y: int) -> tuple[int, int]:
        """Return the row and the picture at a point, -1 where there is none."""
        place = (y - self.head) // self.pitch
        if not 0 <= place < self.count or y < self.head:
            return -1, -1
        rank = (x - self.words) // (self.side + _GAP) if x >= self.words else -1
        inside = 0 <= rank < self.across and (x - self.words) % (self.side + _GAP) < self.side
        return place, rank if inside else -1


@dataclass(frozen=True, eq=False)
class Histogram:
    """The classes of a channel as bars (n): their places, heights in 0..1, which are strongest."""

    places: Counts
    heights: Floats
    strongest: Flags


def histogram(found: ExemplarOverview, channel: int) -> Histogram:
    """Return the mean of each class in their order; of many those with the highest, sorted."""
    means = found.means[channel]
    places = np.arange(len(means))
    if len(means) > _CLASSES:
        places = np.argsort(-means, kind="stable")[:_CLASSES]
    low = min(0.0, float(means.min()))
    reach = max(float(means.max()) - low, 1e-30)
    heights = ((means[places] - low) / reach).astype(np.float32)
    return Histogram(places.astype(np.int64), heights, found.strongest[channel][places] > 0)


def facts_of_channel(found: ExemplarOverview, channel: int, target: int = -1) -> list[str]:
    """Return what is known of a channel in a few words, the foremost first."""
    values = found.values[channel]
    low, high = labels.value(float(values.min())), labels.value(float(values.max()))
    said = [f"{high} to {low}" if len(values) > 1 else high]
    if not found.labelled:
        return said
    counts = found.strongest[channel]
    total = float(counts.sum())
    if total > 0:
        place = int(counts.argmax())
        share = round(100 * float(counts[place]) / total)
        said.insert(0, f"{share}{labels.THIN}% {found.classes[place]}")
    best = target if target >= 0 else int(found.selectivity[channel].argmax())
    apart = float(found.selectivity[channel, best])
    if len(found.classes) < 2:
        return said
    sign = "+" if apart >= 0 else ""
    said.append(f"{sign}{labels.value(apart)}{labels.THIN}σ {found.classes[best]}")
    return said


def facts_of_picture(found: ExemplarOverview, row: RowPictures, rank: int) -> list[str]:
    """Return a channel's picture, its class, and what the channel gives where it gives most."""
    label, place = row.labels[rank], row.places[rank]
    of = found.classes[label] if found.labelled and label >= 0 else ""
    where = f"{labels.value(row.values[rank])} at row {place[0]}, column {place[1]} of the map"
    return [part for part in (row.files[rank], of, where) if part]
