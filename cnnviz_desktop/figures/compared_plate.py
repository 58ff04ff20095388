"""Draw what several networks make of a picture: a column each, their depths side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure

from cnnviz_desktop.data import Compared, Comparison, Heatmap, ImageInput, Strip
from cnnviz_desktop.figures import heat, style
from cnnviz_desktop.figures.evaluation_table import SHARES
from cnnviz_desktop.figures.heat import HeatLook
from cnnviz_desktop.figures.heat_plate import draw_panel
from cnnviz_desktop.figures.numerals import count, number, percent
from cnnviz_desktop.figures.options import HEAD, LINE, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, fit, say_image, wrapped
from cnnviz_desktop.figures.sheet_plate import strip_tiles

_BETWEEN = 0.22  # inches from one column to the next
_GAP = 0.04
_ROW = 0.17  # from one bar to the next
_CLASSES = 5
_NARROW = 2  # columns beside each other in a column of print
_TALLEST = 1.7  # inches of the large explanation
_ACROSS = 4  # maps in a row
_DRAWN = 480  # pixels along an explanation's longer side


def compared_plate(found: Comparison, image: ImageInput | None, options: PlateOptions) -> Figure:
    """Draw each network's name, costs, answer and explanation, then depth below depth its maps.

    In a column of print two networks stand beside each other, the others below.
    """
    across = min(options.columns or (_NARROW if options.narrow else 4), len(found.models))
    form = _Form.of(found, image, options, across)
    blocks = [found.models[start : start + across] for start in range(0, len(found.models), across)]
    notes = wrapped(found.notes, options.room, 4)
    page = Page(options.room, form.height * len(blocks) + LINE * len(notes), options)
    title = options.title or " and ".join(
        part for part in (", ".join(found.names[:-1]), found.names[-1]) if part
    )
    page.heading(title, ["the same picture, depth by depth", *say_image(image)])
    for row, block in enumerate(blocks):
        for column, item in enumerate(block):
            x = MARGIN + column * (form.width + _BETWEEN)
            _column(page, x, HEAD + row * form.height, item, found.measures, image, form, options)
    page.lines(HEAD + form.height * len(blocks), notes)
    return page.figure


@dataclass(frozen=True)
class _Form:
    """How large the parts of a column are, in inches; `maps` is a depth's height."""

    width: float
    lines: int  # of costs and scores
    classes: int
    panel: tuple[float, float]
    small: tuple[float, float]
    side: float
    rows: int
    depths: int
    about: bool  # whether something tells networks of one name apart

    @classmethod
    def of(
        cls, found: Comparison, image: ImageInput | None, options: PlateOptions, across: int
    ) -> _Form:
        """Find the form of a column where so many stand beside each other."""
        width = (options.room + _BETWEEN) / across - _BETWEEN
        answers = [item.prediction for item in found.models if item.prediction is not None]
        classes = min(
            options.limit or _CLASSES, max((len(item.labels) for item in answers), default=0)
        )
        explained = any(item.heatmap is not None for item in found.models)
        shape = (1, 1) if image is None else image.pixels.shape[:2]
        ratio = shape[1] / shape[0]
        panel = _fitted(ratio, width, min(_TALLEST, width)) if explained else (0.0, 0.0)
        beside = any(item.heatmaps for item in found.models) and width >= 1.2
        small = _fitted(ratio, 0.36 * width, 0.36 * width) if beside else (0.0, 0.0)
        room = width - small[0] - (_GAP * 2 if beside else 0.0)
        side = (room + _GAP) / _ACROSS - _GAP
        most = max(
            (len(strip.channels) for item in found.models for strip in item.strips), default=0
        )
        about = any(item.about for item in found.models)
        return cls(
            width,
            3 + about + len(found.measures),
            classes,
            panel,
            small,
            side,
            math.ceil(most / _ACROSS),
            found.depths,
            about,
        )

    @property
    def maps(self) -> float:
        """Return the height of a depth's maps, without the words above."""
        return max(self.rows * (self.side + _GAP), self.small[1] + _GAP)

    @property
    def height(self) -> float:
        """Return what a column takes with the gap below it."""
        head = 0.16 + LINE * self.lines + 0.08 + _ROW * self.classes + 0.1
        panel = self.panel[1] + 2 * LINE + 0.08 if self.panel[1] else 0.0
        return head + panel + self.depths * (2 * LINE + 0.06 + self.maps + 0.1) + 0.1


def _fitted(ratio: float, width: float, height: float) -> tuple[float, float]:
    """Return the (width, height) of a picture as large as fits."""
    return (width, width / ratio) if width / ratio <= height else (height * ratio, height)


def _column(
    page: Page,
    x: float,
    y: float,
    item: Compared,
    measures: tuple[str, ...],
    image: ImageInput | None,
    form: _Form,
    options: PlateOptions,
) -> None:
    """Draw a network from its name down to its deepest maps."""
    small, muted, room = style.CAPTION_SIZE, page.look.muted, form.width
    page.text(x, y + 0.1, item.name, bold=True, room=room)
    y += 0.16
    about = (item.about,) if form.about else ()
    for line in (*about, *costs(item), *_scores(item, measures)):
        page.text(x, y + 0.11, line, size=small, colour=muted, room=room)
        y += LINE
    y += 0.08
    _answer(page, x, y, item, form)
    y += _ROW * form.classes + 0.1
    look = options.heat_look(False)
    if form.panel[1]:
        if item.heatmap is not None:
            _explanation(page, x, y, item.heatmap, image, look, form.panel, room, options)
        y += form.panel[1] + 2 * LINE + 0.08
    for depth, strip in enumerate(item.strips):
        page.text(x, y + 0.11, f"{strip.title}: {strip.maps.layer}", size=small, room=room)
        height, width = strip.maps.values.shape[1:]
        said = f"{count(strip.count)} maps of {height}×{width}"
        page.text(x, y + 0.11 + LINE, said, size=small, colour=muted, room=room)
        y += 2 * LINE + 0.06
        left = x
        if form.small[0]:
            if depth < len(item.heatmaps):
                heatmap = item.heatmaps[depth]
                high = options.high or heat.high_of(heatmap, look.signed_for(heatmap))
                draw_panel(page, heatmap, image, look, high, (x, y, *form.small), longest=_DRAWN)
            left += form.small[0] + 2 * _GAP
        _maps(page, left, y, strip, form, options)
        y += form.maps + 0.1


def costs(item: Compared) -> Iterator[str]:
    """Say what a network costs: its size, its work, and the time and memory of a pass."""
    yield f"{_large(item.parameters)} parameters"
    yield f"{_large(item.multiply_adds)} multiply-adds"
    timed = "" if math.isnan(item.seconds) else f"{number(1000 * item.seconds)} ms · "
    yield f"{timed}{number(item.memory / 1e6)} MB"


def _scores(item: Compared, measures: tuple[str, ...]) -> Iterator[str]:
    for name, score in zip(measures, item.scores, strict=True):
        yield f"{name} {percent(score) if name in SHARES else number(score)}"


def _large(value: int) -> str:
    """Write a large count as people say it: 138 M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{number(value / size)} {letter}"
    return count(value)


def _answer(page: Page, x: float, y: float, item: Compared, form: _Form) -> None:
    """Draw the likeliest classes, their bars below the words."""
    if item.prediction is None:
        page.text(x, y + 0.11, "no classifier", colour=page.look.muted, room=form.width)
        return
    small = style.CAPTION_SIZE
    for row, (_index, label, share) in enumerate(item.prediction.top(form.classes)):
        line = y + row * _ROW
        page.text(x, line + 0.1, label, size=small, bold=row == 0, room=form.width - 0.42)
        page.text(x + form.width, line + 0.1, percent(share), size=small, align="right")
        page.box(x, line + 0.125, form.width, 0.025, page.look.track)
        if share > 0:
            colour = page.look.accent if row == 0 else page.look.bar
            page.box(x, line + 0.125, form.width * share, 0.025, colour)


def _explanation(
    page: Page,
    x: float,
    y: float,
    heatmap: Heatmap,
    image: ImageInput | None,
    look: HeatLook,
    size: tuple[float, float],
    room: float,
    options: PlateOptions,
) -> None:
    """Draw what speaks for the class at the default layer."""
    high = options.high or heat.high_of(heatmap, look.signed_for(heatmap))
    draw_panel(page, heatmap, image, look, high, (x, y, *size), longest=_DRAWN)
    small, below = style.CAPTION_SIZE, y + size[1] + 0.12
    page.text(x, below, f"{heatmap.method}: {heatmap.target_label}", size=small, room=room)
    said = f"{heatmap.layer} · logit {number(heatmap.score)}"
    page.text(x, below + LINE, said, size=small, colour=page.look.muted, room=room)


def _maps(page: Page, x: float, y: float, strip: Strip, form: _Form, options: PlateOptions) -> None:
    """Draw a layer's strongest maps in rows."""
    for place, tile in enumerate(strip_tiles(strip.maps.values, options)):
        row, column = divmod(place, _ACROSS)
        wide, tall = fit(tile, form.side, form.side)
        step = form.side + _GAP
        page.picture(tile, x + column * step, y + row * step, wide, tall)
