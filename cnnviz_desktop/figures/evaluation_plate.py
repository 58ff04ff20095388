"""Draw how networks answer on labelled pictures: numbers, confusions, calibration, classes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from cnnviz_desktop.data import Counts, Evaluation, Evaluations, Floats
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.evaluation_table import METRICS, SHARES, confusions, metrics
from cnnviz_desktop.figures.numerals import amount, count, number, percent
from cnnviz_desktop.figures.options import HEAD, LINE, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, text_width, wrapped

_TITLE = 0.24
_BETWEEN = 0.3
_ROW = 0.19
_GAP = 0.3
_WIDE = 5.0
_LARGEST = 2.9  # inches of a matrix
_NAMED = 26  # classes whose names a matrix has room for
_CELLS = 150  # along a side of a matrix, at most
_COUNTED = 0.17  # inches of a cell that holds a count
_NUMBERED = 0.12  # inches of a column that its number fits below
_LABELS = 0.85  # inches for the names beside a matrix
_SMALL = 5.5
_NARROWEST_BAR = 0.7  # inches that hold a bar and its number
_NAMED_CURVES = 1.2  # inches beside the curves for their names
_WORST = 12
_LISTED = 45
_PAIRS = 8
_FEW = 3
_MOST = 4  # networks
_CURVE = 2.1


@dataclass(frozen=True)
class _Part:
    """A part of the page: how high it is with its title, and what draws it from y down."""

    height: float
    draw: Callable[[Page, float], None]


def evaluation_plate(found: Evaluations, options: PlateOptions) -> Figure:
    """Draw the networks' numbers and below them what is asked to be shown."""
    room = options.room
    details = [amount(len(found.files), "picture", "pictures")]
    if len(found.models) > _MOST:
        details.append(f"the first {_MOST} of {len(found.models)} networks")
        found = replace(found, models=found.models[:_MOST])
    wide = room > _WIDE
    parts = [_numbers(found, room)]
    match found.show:
        case "confusion":
            parts += _matrices(found, room, 2 if wide else 1, _PAIRS)
        case "calibration":
            parts.append(_calibration(found, room))
        case "classes":
            parts.append(_classes(found, room, _LISTED))
        case _:
            parts += _matrices(found, room, 4 if wide else 2, _PAIRS if _alone(found) else _FEW)
            if wide:
                parts.append(_side_by_side(found, room))
            else:
                parts += [_calibration(found, room), _classes(found, room, _WORST)]
    lines = wrapped(found.notes, room)
    foot = LINE * len(lines) + (0.1 if lines else 0.0)
    body = sum(part.height for part in parts) + _BETWEEN * (len(parts) - 1)
    page = Page(room, body + foot, options)
    page.heading(options.title or f"Evaluation on {found.title}", details)
    y = HEAD
    for part in parts:
        part.draw(page, y)
        y += part.height + _BETWEEN
    page.lines(HEAD + body + 0.1 + 0.6 * LINE, lines)
    return page.figure


def _alone(found: Evaluations) -> bool:
    return len(found.models) == 1


def _side_by_side(found: Evaluations, room: float) -> _Part:
    """Return calibration at the left and the classes at the right."""
    width = _CURVE + 0.75
    left = _calibration(found, width)
    right = _classes(found, room - width - _GAP, _WORST, MARGIN + width + _GAP)

    def draw(page: Page, y: float) -> None:
        left.draw(page, y)
        right.draw(page, y)

    return _Part(max(left.height, right.height), draw)


def _colours(page: Page) -> tuple[str, ...]:
    first, _blue, *others = style.CURVES_DARK if _is_dark(page) else style.CURVES_LIGHT
    return (page.look.accent, *others, first)


def _is_dark(page: Page) -> bool:
    return page.look is style.DARK


def _title(page: Page, x: float, y: float, words: str, room: float, about: str = "") -> None:
    page.text(x, y + 0.1, words, bold=True, room=room)
    if text_width(words, style.TEXT_SIZE, bold=True) + text_width(about, 6.0) + 0.2 < room:
        muted = page.look.muted
        page.text(x + room, y + 0.1, about, size=6.0, colour=muted, align="right")


def _numbers(found: Evaluations, room: float) -> _Part:
    """Return a row of numbers for each network; the best of several is bold.

    In a narrow figure the numbers stand below the network's name.
    """
    narrow = room < _WIDE
    names = 0.0 if narrow else 0.36 * room
    step = (room - names) / len(METRICS)
    high = 2 * _ROW if narrow else _ROW
    text = 6.0 if narrow else style.TEXT_SIZE
    table = np.array([metrics(item) for item in found.models])
    best = [_best(name, column) for name, column in zip(METRICS, table.T, strict=True)]

    def draw(page: Page, y: float) -> None:
        for place, name in enumerate(METRICS):
            x = MARGIN + names + step * (place + 1)
            page.text(x, y + 0.1, name, size=min(text, 7.0), bold=True, align="right")
        page.box(MARGIN, y + 0.16, room, 0.008, page.look.text)
        for row, item in enumerate(found.models):
            line = y + 0.18 + row * high
            if row % 2 == 0:
                page.box(MARGIN, line, room, high, page.look.track)
            page.box(MARGIN + 0.04, line + 0.06, 0.07, 0.07, _curve_colour(page, row))
            page.text(MARGIN + 0.18, line + 0.13, item.model, room=(names or room) - 0.2)
            for place, value in enumerate(table[row].tolist()):
                shares = METRICS[place] in SHARES
                said = percent(value) if shares else number(value)
                x = MARGIN + names + step * (place + 1)
                foremost = value == best[place]
                at = line + high - _ROW + 0.13
                page.text(x, at, said, size=text, bold=foremost, align="right")

    return _Part(0.18 + high * len(found.models), draw)


def _best(metric: str, values: Floats) -> float | None:
    """Return the best of several networks' numbers, None where none is better than another."""
    known = values[np.isfinite(values)]
    if not len(known) or known.min() == known.max():
        return None
    return float(known.max() if metric in ("R²", "top-1", "top-5") else known.min())


def _curve_colour(page: Page, row: int) -> str:
    colours = _colours(page)
    return colours[row % len(colours)]


# ---------------------------------------------------------------------------------------- confusion


def _matrices(found: Evaluations, room: float, most: int, pairs: int) -> list[_Part]:
    """Return the networks' matrices, some in a row, and what is confused most often."""
    across = min(most, len(found.models))
    width = (room + _GAP) / across - _GAP
    beside = across == 1 and room > _WIDE
    parts = []
    for start in range(0, len(found.models), across):
        shown = found.models[start : start + across]
        items = [_Matrix(item, width, beside, pairs) for item in shown]
        parts.append(_row_of(items, room, titled=not _alone(found)))
    return parts


def _row_of(items: list[_Matrix], room: float, titled: bool) -> _Part:
    def draw(page: Page, y: float) -> None:
        about = "rows: the class, columns: the answer"
        together = max(_together(len(item.found.classes)) for item in items)
        if together > 1:
            about = f"{about}, {together} classes to a cell"
        _title(page, MARGIN, y, "What is taken for what", room, about)
        for place, item in enumerate(items):
            x, top = MARGIN + place * (item.width + _GAP), y + _TITLE
            if titled:
                page.text(x, top + 0.06, item.found.model, size=7.0, room=item.width)
                top += 0.15
            item.draw(page, x, top)

    return _Part(_TITLE + 0.15 * titled + max(item.height for item in items), draw)


@dataclass(frozen=True)
class _Matrix:
    """A network's confusions: a matrix, and the commonest ones beside it or below."""

    found: Evaluation
    width: float
    beside: bool
    most: int

    @property
    def names(self) -> float:
        """Return the inches for the classes' names, 0 where they find no room."""
        few = len(self.found.classes) <= _NAMED
        return _LABELS if few and self.width > 2 * _LABELS else 0.0

    @property
    def side(self) -> float:
        """Return the side of the matrix."""
        return min(_LARGEST, self.width - self.names - (2.3 if self.beside else 0.0))

    @property
    def height(self) -> float:
        """Return how high it is with all its names."""
        under = 0.16 if self.names else 0.06
        listed = 0.3 + 0.16 * max(1, len(confusions(self.found, self.most)))
        whole = self.side + under
        return max(whole, listed) if self.beside else whole + 0.1 + listed

    def draw(self, page: Page, x: float, y: float) -> None:
        """Draw it."""
        left = x + self.names
        _draw_matrix(page, self.found, left, y, self.side)
        if self.names:
            _name_rows(page, self.found, left, y, self.side)
        start, top = left + self.side + 0.3, y
        if not self.beside:
            start, top = x, y + self.side + (0.26 if self.names else 0.16)
        pairs = confusions(self.found, self.most)
        _draw_pairs(page, self.found, pairs, start, top, x + self.width - start)


def _draw_matrix(page: Page, item: Evaluation, left: float, top: float, side: float) -> None:
    counts = item.confusion()
    if (together := _together(len(counts))) > 1:
        starts = np.arange(0, len(counts), together)
        counts = np.add.reduceat(np.add.reduceat(counts, starts, axis=0), starts, axis=1)
    size = len(counts)
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = (counts / total).astype(np.float32)
    ground, full = (_rgb(colour) for colour in (page.look.track, page.look.accent))
    drawn = np.rint(ground + (full - ground) * np.sqrt(shares)[..., None]).astype(np.uint8)
    page.picture(drawn, left, top, side, side)
    step = side / size
    if step < _COUNTED:
        return
    for row in range(size):
        for column in range(size):
            value = int(counts[row, column])
            if value:
                page.text(
                    left + (column + 0.5) * step,
                    top + (row + 0.5) * step + 0.03,
                    count(value),
                    size=_SMALL,
                    colour=page.look.ground if shares[row, column] > 0.3 else page.look.text,
                    align="center",
                )


def _together(classes: int) -> int:
    """Return how many neighbouring classes share a cell: a smaller one could not be seen."""
    return math.ceil(classes / _CELLS)


def _rgb(colour: str) -> Floats:
    """Return a hex colour as three numbers."""
    return np.frombuffer(bytes.fromhex(colour.removeprefix("#")), np.uint8).astype(np.float32)


def _name_rows(page: Page, item: Evaluation, left: float, top: float, side: float) -> None:
    """Write the classes beside the rows, numbered, and the numbers below the columns."""
    step = side / len(item.classes)
    size = min(6.0, 60 * step)
    for place, label in enumerate(item.classes.tolist()):
        words = f"{item.labels[label]}  {place + 1}"
        y = top + (place + 0.5) * step + 0.03
        page.text(left - 0.05, y, words, size=size, align="right", room=_LABELS - 0.05)
        if step >= _NUMBERED:
            x, below, muted = left + (place + 0.5) * step, top + side + 0.1, page.look.muted
            page.text(x, below, str(place + 1), size=size, align="center", colour=muted)


def _draw_pairs(
    page: Page,
    item: Evaluation,
    pairs: list[tuple[int, int, int]],
    x: float,
    y: float,
    room: float,
) -> None:
    """List the commonest confusions."""
    page.text(x, y + 0.08, "Most often confused", size=style.CAPTION_SIZE, bold=True, room=room)
    if not pairs:
        page.text(x, y + 0.25, "none", size=style.CAPTION_SIZE, colour=page.look.muted)
    for row, (truth, answer, how_many) in enumerate(pairs):
        line = y + 0.25 + 0.16 * row
        words = f"{item.labels[truth]} → {item.labels[answer]}"
        page.text(x, line, words, size=6.5, room=room - 0.3)
        page.text(x + room, line, count(how_many), size=6.5, align="right")


# -------------------------------------------------------------------------------------- calibration


def _calibration(found: Evaluations, room: float) -> _Part:
    """Return the reliability diagram of all networks, with how many pictures are in each bin."""
    side = min(_CURVE, room - 0.4)

    def draw(page: Page, y: float) -> None:
        _title(page, MARGIN, y, "How often it is right when so sure", room)
        left, top = MARGIN + 0.35, y + _TITLE
        axes = page.axes(left, top, side, side)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.plot([0, 1], [0, 1], color=page.look.muted, lw=0.7 * page.zoom, ls=(0, (4, 3)))
        for edge in ([0, 0], [1, 1]):
            axes.plot([0, 1], edge, color=page.look.line, lw=0.7 * page.zoom, clip_on=False)
            axes.plot(edge, [0, 1], color=page.look.line, lw=0.7 * page.zoom, clip_on=False)
        for row, item in enumerate(found.models):
            sound = item.bin_counts > 0
            sizes = 4 + 26 * np.sqrt(item.bin_counts[sound] / max(1, item.bin_counts.max()))
            colour = _curve_colour(page, row)
            sure, right = item.bin_confidences[sound], item.bin_accuracies[sound]
            axes.plot(sure, right, color=colour, lw=1.1 * page.zoom)
            axes.scatter(sure, right, s=sizes * page.zoom**2, color=colour, lw=0, clip_on=False)
        small, muted = 6.0, page.look.muted
        for share in (0.0, 0.5, 1.0):
            place = top + side * (1 - share) + 0.03
            page.text(left - 0.05, place, f"{share:g}", size=small, colour=muted, align="right")
            page.text(
                left + side * share,
                top + side + 0.12,
                f"{share:g}",
                size=small,
                colour=muted,
                align="center",
            )
        said = "across: confidence; up: share that is right"
        page.text(MARGIN, top + side + 0.26, said, size=small, colour=muted, room=room)
        x = left + side + 0.4
        if room - (x - MARGIN) > _NAMED_CURVES:
            _name_curves(page, found, x, top, MARGIN + room - x)

    return _Part(_TITLE + side + 0.3, draw)


def _name_curves(page: Page, found: Evaluations, x: float, y: float, room: float) -> None:
    for row, item in enumerate(found.models):
        line = y + 0.34 * row
        page.box(x, line + 0.04, 0.09, 0.09, _curve_colour(page, row))
        page.text(x + 0.15, line + 0.12, item.model, room=room - 0.15)
        sure = float(item.confidences.mean())
        said = f"sure of {percent(sure)}, right in {percent(item.top1)}; error {percent(item.ece)}"
        page.text(x + 0.15, line + 0.25, said, size=6.0, colour=page.look.muted, room=room - 0.15)


# ------------------------------------------------------------------------------------------ classes


def _classes(found: Evaluations, room: float, most: int, start: float = MARGIN) -> _Part:
    """Return recall and, where there is room, precision of the classes recalled least, as bars."""
    first = found.models[0]
    occurring = np.flatnonzero(first.support)
    recall = _mean_recall(found, first.classes[occurring])
    order = np.argsort(recall, kind="stable")
    shown = first.classes[occurring[order]][:most].tolist()
    names = min(1.6, 0.3 * room)
    left = names + 0.5
    words: tuple[str, ...] = ("recall", "precision")
    if (room - left) / (2 * len(found.models)) < _NARROWEST_BAR:
        words = words[:1]
    column = (room - left) / (len(words) * len(found.models))

    def draw(page: Page, y: float) -> None:
        some = len(shown) < len(occurring)
        of = f", {len(shown)} of {count(len(occurring))}" if some else ""
        about = f"least recalled first{of}"
        _title(page, start, y, "Classes", room, about)
        top = y + _TITLE + 0.14
        for place, item in enumerate(found.models):
            for half, word in enumerate(words):
                x = start + left + (len(words) * place + half) * column
                page.text(x, top - 0.06, word, size=6.0, colour=_curve_colour(page, place))
                shares = dict(zip(item.classes.tolist(), getattr(item, word).tolist(), strict=True))
                for line, label in enumerate(shown):
                    share = shares.get(label, float("nan"))
                    _bar(page, x, top + 0.15 * line, column, share, _curve_colour(page, place))
        for line, label in enumerate(shown):
            at = top + 0.1 + 0.15 * line
            page.text(start, at, first.labels[label], size=6.5, room=names - 0.05)
            support = int(first.support[np.searchsorted(first.classes, label)])
            x, muted = start + names + 0.35, page.look.muted
            page.text(x, at, count(support), size=6.0, colour=muted, align="right")

    return _Part(_TITLE + 0.14 + 0.15 * len(shown), draw)


def _bar(page: Page, x: float, y: float, column: float, share: float, colour: str) -> None:
    """Draw a share as a bar, and as a number where there is room for both."""
    numbered = column >= _NARROWEST_BAR
    wide = column - (0.45 if numbered else 0.06)
    page.box(x, y + 0.04, wide, 0.07, page.look.track)
    if np.isfinite(share):
        page.box(x, y + 0.04, wide * share, 0.07, colour)
    if numbered:
        said = percent(share) if np.isfinite(share) else "–"
        page.text(x + wide + 0.05, y + 0.1, said, size=_SMALL)


def _mean_recall(found: Evaluations, labels: Counts) -> Floats:
    """Return the mean recall of classes over the networks, matched by their places."""
    rows = []
    for item in found.models:
        places = np.searchsorted(item.classes, labels).clip(0, len(item.classes) - 1)
        known = item.classes[places] == labels
        rows.append(np.where(known, np.nan_to_num(item.recall[places]), 0))
    mean: Floats = np.mean(rows, axis=0)
    return mean
