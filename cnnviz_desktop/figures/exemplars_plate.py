"""Draw the pictures that excite channels: a row a channel, what they share beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from cnnviz_desktop.data import Exemplars, Floats, Pixels
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.numerals import amount, count, number, percent
from cnnviz_desktop.figures.options import HEAD, LINE, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, wrapped

_NAMES = 1.3  # inches at the left, for what is said of a channel
_CELL_GAP = 0.04
_CAPTION = 0.11  # below a picture
_BETWEEN = 0.07  # from one channel to the next
_SMALL = 5.5  # points
_LARGEST = 1.1  # inches of a picture
_TALLEST = 8.8
_BAR = 0.15  # from one class to the next
_CLASSES = 12
_GAP = 0.25


def exemplars_plate(found: Exemplars, options: PlateOptions) -> Figure:
    """Draw a row a channel: its pictures, their classes and how pure they are."""
    notes = wrapped(found.notes, options.room)
    below = LINE * len(notes) + (0.1 if notes else 0.0)
    rows = _Rows.of(found, options, below)
    one = len(rows.shown) == 1 and found.labelled
    bars = _GAP + 0.2 + _BAR * min(_CLASSES, len(found.classes)) if one else 0.0
    page = Page(options.room, rows.height + bars + below, options)
    page.heading(options.title or f"What excites {found.layer}", _describe(found, rows))
    y = HEAD
    if rows.head:
        rows.draw_head(page, y)
        y += rows.head
    for row in rows.shown:
        rows.draw(page, row, y)
        y += rows.pitch
    if one:
        draw_classes(page, found, rows.shown[0], y + _GAP - _BETWEEN, options.room)
    page.lines(HEAD + rows.height + bars + 0.1 + 0.6 * LINE, notes)
    return page.figure


def _describe(found: Exemplars, rows: _Rows) -> list[str]:
    details = [f"{amount(found.images, 'picture', 'pictures')} of {found.title}"]
    if found.target >= 0:
        details.insert(0, f"most selective for {found.classes[found.target]}")
    shown, all_ = len(rows.shown), found.count
    if shown == 1:
        return [f"channel {found.channels[rows.shown[0]]} of {count(all_)}", *details]
    return [*details, f"{count(shown)} of {count(all_)} channels"]


def crop_pixels(values: Floats, ground: str) -> Pixels:
    """Return crops (..., 3) as pixels, on the page's ground where a picture ends."""
    drawn = pixels.from_unit(values)
    beside = values[..., 0] < 0
    drawn[beside] = np.frombuffer(bytes.fromhex(ground.removeprefix("#")), np.uint8)
    return drawn


@dataclass(frozen=True)
class _Rows:
    """Where the rows of channels go: `cell` is the side of a picture in inches."""

    found: Exemplars
    shown: tuple[int, ...]
    names: float
    cell: float
    head: float

    @classmethod
    def of(cls, found: Exemplars, options: PlateOptions, below: float) -> _Rows:
        """Choose how large pictures can be, and how many rows there is room for."""
        rows, across = found.values.shape
        names = 0.0 if options.narrow else _NAMES
        room = options.room - names - _CELL_GAP * (across - 1)
        cell = min(_LARGEST, room / across)
        head = 0.14 if found.percentiles else 0.0
        form = cls(found, (), names, cell, head)
        most = max(1, int((options.tallest(_TALLEST) - below - head + _BETWEEN) / form.pitch))
        kept = list(range(rows))
        if options.channels is not None:
            kept = [row for row in kept if found.channels[row] in options.channels] or kept
        return replace(form, shown=tuple(kept[: min(options.limit or rows, most)]))

    @property
    def pitch(self) -> float:
        """Return how far a row lies below the one before."""
        above = 0.0 if self.names else _CAPTION + 0.06
        return self.cell + _CAPTION + _BETWEEN + above

    @property
    def height(self) -> float:
        """Return how high all rows are."""
        return self.head + self.pitch * len(self.shown) - _BETWEEN

    def left(self, place: int) -> float:
        """Return where a picture begins."""
        return MARGIN + self.names + place * (self.cell + _CELL_GAP)

    def draw_head(self, page: Page, y: float) -> None:
        """Write the percentiles above their pictures."""
        for place, share in enumerate(self.found.percentiles):
            said = "strongest" if share == 100 else "weakest" if share == 0 else f"{share:g}\u2009%"
            middle = self.left(place) + self.cell / 2
            colour = page.look.muted
            page.text(middle, y + 0.08, said, size=_SMALL, colour=colour, align="center")

    def draw(self, page: Page, row: int, y: float) -> None:
        """Draw a channel: its name and numbers, its pictures, and below each what it is."""
        if self.names:
            self._say(page, row, y)
        else:
            said = "  ·  ".join(
                [f"channel {self.found.channels[row]}", *_facts(self.found, row)[:1]]
            )
            page.text(MARGIN, y + 0.1, said, size=style.CAPTION_SIZE, room=page.body)
            y += _CAPTION + 0.06
        self.draw_cells(page, row, y)

    def draw_cells(self, page: Page, row: int, y: float) -> None:
        """Draw a channel's pictures, and below each its class or its value."""
        across = self.found.values.shape[1]
        crops = crop_pixels(self.found.pictures[row], page.look.ground)
        best = self.found.purity(row)[0]
        for place in range(across):
            x = self.left(place)
            page.picture(crops[place], x, y, self.cell, self.cell)
            label = self.found.labels[row * across + place]
            value = number(float(self.found.values[row, place]))
            named = self.found.labelled and not self.found.percentiles and label >= 0
            said = self.found.classes[label] if named else value
            colour = page.look.text if named and label == best else page.look.muted
            below, middle = y + self.cell + 0.085, x + self.cell / 2
            page.text(
                middle, below, said, size=_SMALL, colour=colour, align="center", room=self.cell
            )

    def _say(self, page: Page, row: int, y: float) -> None:
        room = self.names - 0.1
        page.text(MARGIN, y + 0.1, f"channel {self.found.channels[row]}", bold=True, room=room)
        lines = _facts(self.found, row)[: max(1, int((self.cell - 0.05) / 0.125))]
        for line, words in enumerate(lines):
            place = y + 0.23 + 0.12 * line
            page.text(MARGIN, place, words, size=6.0, colour=page.look.muted, room=room)


def _facts(found: Exemplars, row: int) -> list[str]:
    """Return what is known of a channel in a few words, the foremost first."""
    values = found.values[row]
    low, high = number(float(values.min())), number(float(values.max()))
    said = [f"{high} … {low}"]
    label, share = found.purity(row)
    if label >= 0:
        said.insert(0, f"{percent(share)} {found.classes[label]}")
        best = found.target if found.target >= 0 else int(np.argmax(found.selectivity[row]))
        apart = float(found.selectivity[row, best])
        said.append(f"{found.classes[best]} {apart:+.1f} σ".replace("-", "\u2212"))
    return said


def draw_classes(page: Page, found: Exemplars, row: int, y: float, room: float) -> None:
    """Draw the mean a channel gives for each class as bars, and how many of its strongest are."""
    order = np.argsort(-found.means[row], kind="stable")
    shown = order[:_CLASSES]
    more = f", the first {len(shown)} of {len(order)}" if len(shown) < len(order) else ""
    page.text(MARGIN, y, f"Its mean for each class{more}", bold=True, room=room)
    most = max(1e-30, float(np.abs(found.means[row]).max()))
    top = y + 0.1
    for line, label in enumerate(shown.tolist()):
        at = top + line * _BAR
        mean, how_many = float(found.means[row, label]), int(found.strongest[row, label])
        page.text(MARGIN, at + 0.1, found.classes[label], size=style.CAPTION_SIZE, room=_NAMES)
        wide = room - _NAMES - 1.6
        colour = page.look.accent if how_many else page.look.bar
        page.box(MARGIN + _NAMES + 0.1, at + 0.03, wide * max(0.0, mean) / most, 0.08, colour)
        x = MARGIN + room - 0.9
        page.text(x, at + 0.1, number(mean), size=style.CAPTION_SIZE, align="right")
        said = f"{how_many} of the strongest" if how_many else ""
        x = MARGIN + room
        page.text(x, at + 0.1, said, size=6.0, colour=page.look.muted, align="right", room=0.85)


def exemplar_strip_height(found: Exemplars, room: float) -> float:
    """Return how high the pictures of one channel are in a row over the whole width."""
    return _strip_cell(found, room) + _CAPTION


def _strip_cell(found: Exemplars, room: float) -> float:
    across = found.values.shape[1]
    return float(min(_LARGEST, (room - _CELL_GAP * (across - 1)) / across))


def draw_exemplar_strip(page: Page, found: Exemplars, y: float, room: float) -> None:
    """Draw the pictures of the first channel in a row."""
    cell = _strip_cell(found, room)
    _Rows(found, (0,), 0.0, cell, 0.0).draw_cells(page, 0, y)
