"""Draw the evidence for explanations: methods as rows, layers as columns, scores and curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from cnnviz_desktop.data import Evidence, Heatmap, ImageInput
from cnnviz_desktop.figures import heat, style
from cnnviz_desktop.figures.evidence_curves import curves_height, draw_curves
from cnnviz_desktop.figures.evidence_table import score_heads
from cnnviz_desktop.figures.heat_plate import draw_panel, outline_box
from cnnviz_desktop.figures.numerals import MINUS, count, percent
from cnnviz_desktop.figures.options import HEAD, LINE, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, fit, say_image, wrap, wrapped

_NAMES = 1.1  # inches for the names of methods and scores
_NARROW_NAMES = 0.72
_GAP = 0.1
_SMALLEST, _USUAL, _LARGEST = 0.62, 1.3, 1.8  # of a picture's width
_FILLED = 4.8  # inches that a few large pictures should fill
_COLUMN_HEAD = 0.36
_SCORE = 0.13  # from one score to the next
_BELOW = 0.15  # between a row's scores and the next row's pictures
_APART = 0.36  # what sets the controls apart
_SHOWN = 99.0  # per cent of such a map's values within the limits of its colours
_MANY = 1000  # cells from which on a few of them no longer set the colours
_DRAWN = 480  # pixels along a picture's longer side
_SMALL = style.CAPTION_SIZE
_WORDS = {"pointing": ("miss", "hit"), "increase": ("no", "yes")}

Marks = tuple[set[tuple[int, int, int]], set[tuple[int, int, int]]]  # (method, layer, score)


def evidence_plate(evidence: Evidence, image: ImageInput | None, options: PlateOptions) -> Figure:
    """Draw the matrix, each map over the picture with its scores below, and then the curves."""
    matrix = _Matrix.arrange(evidence, image, options)
    room = max(matrix.width, min(_FILLED, options.room))
    notes = wrapped(_said(evidence), room)
    curves = curves_height(evidence, room)
    below = LINE * len(notes) + 0.12
    page = Page(matrix.width, matrix.height + curves + below, options)
    page.heading(options.title or evidence.title, _details(evidence, image))
    _draw_heads(page, evidence, matrix)
    marks = _marks(evidence)
    for row in range(len(evidence.methods)):
        _draw_row(page, evidence, matrix, row, image, options, marks)
    y = HEAD + matrix.height
    if curves:
        draw_curves(page, evidence, y, room)
    page.lines(y + curves + 0.06 + LINE, notes)
    return page.figure


def _details(evidence: Evidence, image: ImageInput | None) -> list[str]:
    methods = len(evidence.methods) - evidence.controls
    layers = sum(bool(layer) for layer in evidence.layers)  # the input is none
    return [
        f"probability {percent(evidence.probability)}",
        f"{count(methods)} methods" if methods != 1 else "1 method",
        *([f"{count(layers)} layers" if layers != 1 else "1 layer"] if layers else []),
        *say_image(image),
    ]


# ------------------------------------------------------------------------------------------ layout


@dataclass(frozen=True)
class _Matrix:
    """Where the cells are: inches of a page's body."""

    names: float
    wide: float
    tall: float
    scores: int
    rows: int
    columns: int
    controls: int

    @classmethod
    def arrange(
        cls, evidence: Evidence, image: ImageInput | None, options: PlateOptions
    ) -> _Matrix:
        """Make the pictures as large as the body allows."""
        names = _NARROW_NAMES if options.narrow else _NAMES
        columns = len(evidence.layers)
        room = (options.room - names) / columns - _GAP
        few = min(_LARGEST, (_FILLED - names) / columns - _GAP)
        side = max(_SMALLEST, min(room, max(_USUAL, few)))
        first = next((item for item in evidence.maps if item is not None), None)
        square = np.zeros((1, 1, 3), np.uint8)
        shape = image.pixels if image else square if first is None else first.values[..., None]
        wide, tall = fit(np.zeros((*shape.shape[:2], 3), np.uint8), side, side)
        scores = len(evidence.metrics)
        return cls(
            names, max(wide, _SMALLEST), tall, scores, len(evidence.methods), columns,
            evidence.controls,
        )  # fmt: skip

    @property
    def width(self) -> float:
        """Return the width of the whole."""
        return self.names + self.columns * (self.wide + _GAP)

    @property
    def row(self) -> float:
        """Return how far one row is from the next."""
        return self.tall + 0.06 + self.scores * _SCORE + _BELOW

    @property
    def is_split(self) -> bool:
        """Tell whether there are methods and controls, to be set apart."""
        return 0 < self.controls < self.rows

    @property
    def height(self) -> float:
        """Return the height of the whole."""
        return _COLUMN_HEAD + self.rows * self.row + _APART * self.is_split

    def left(self, column: int) -> float:
        """Return where a column begins, from the page's edge."""
        return MARGIN + self.names + _GAP + column * (self.wide + _GAP)

    def top(self, row: int) -> float:
        """Return where a row begins, from the page's edge."""
        apart = _APART if self.is_split and row >= self.rows - self.controls else 0.0
        return HEAD + _COLUMN_HEAD + row * self.row + apart


# ------------------------------------------------------------------------------------------- cells


def _draw_heads(page: Page, evidence: Evidence, matrix: _Matrix) -> None:
    """Write above each column what layer it is, and how fine its maps are."""
    for column, layer in enumerate(evidence.layers):
        x = matrix.left(column)
        page.text(x, HEAD + 0.1, layer or "input", bold=True, room=matrix.wide)
        shapes = {
            item.values.shape
            for row in range(matrix.rows)
            if (item := evidence.cell(row, column)) is not None and item.layer == layer
        }
        # Some methods at a layer give maps as fine as the input; the coarsest are the layer's own.
        said = "×".join(map(str, min(shapes))) if shapes else ""
        page.text(x, HEAD + 0.25, said, size=_SMALL, colour=page.look.muted, room=matrix.wide)
    if matrix.is_split:
        y = matrix.top(matrix.rows - matrix.controls) - _APART + 0.08
        page.box(MARGIN, y, matrix.width, 0.008, page.look.line)
        said = "Controls: maps that know nothing of the network"
        page.text(MARGIN, y + 0.17, said, size=_SMALL, colour=page.look.muted, room=matrix.width)


def _draw_row(
    page: Page,
    evidence: Evidence,
    matrix: _Matrix,
    row: int,
    image: ImageInput | None,
    options: PlateOptions,
    marks: Marks,
) -> None:
    """Draw a method's maps, and below them their scores as a table."""
    y = matrix.top(row)
    lines = wrap(evidence.methods[row], matrix.names, style.TEXT_SIZE, 3)
    for place, line in enumerate(lines):
        page.text(MARGIN, y + 0.11 + place * 0.15, line, bold=True, room=matrix.names + 0.09)
    first = y + matrix.tall + 0.06
    for score, said in enumerate(score_heads(evidence)):
        below = first + (score + 0.8) * _SCORE
        page.text(MARGIN, below, said, size=_SMALL, colour=page.look.muted, room=matrix.names)
    for column in range(matrix.columns):
        x = matrix.left(column)
        heatmap = evidence.cell(row, column)
        if heatmap is None:
            _say_why(page, evidence.reason(row, column), x, y, matrix)
            continue
        look = options.heat_look(heat.is_signed(heatmap))
        place_ = (x, y, matrix.wide, matrix.tall)
        high = options.high or _high(heatmap, look)
        draw_panel(page, heatmap, image, look, high, place_, longest=_DRAWN)
        if options.box and image is not None:
            outline_box(page, heatmap, image, options.threshold, place_)
        if evidence.reason(row, column):
            _say_why(page, evidence.reason(row, column), x, first, matrix)
            continue
        for score in range(matrix.scores):
            below = first + (score + 0.8) * _SCORE
            _write_score(page, evidence, (row, column, score), x, below, marks)


def _high(heatmap: Heatmap, look: heat.HeatLook) -> float:
    """Return the value of the last colour; fine maps often have a few cells far above the rest."""
    signed = look.signed_for(heatmap)
    high = heat.high_of(heatmap, signed)
    if heatmap.values.size < _MANY:
        return high
    sizes = np.nan_to_num(np.abs(heatmap.values) if signed else heatmap.values)
    most = float(np.percentile(sizes, _SHOWN))
    return most if most > 0 else high


def _say_why(page: Page, reason: str, x: float, y: float, matrix: _Matrix) -> None:
    for place, line in enumerate(wrap(reason, matrix.wide, _SMALL, 5)):
        page.text(x, y + 0.1 + place * 0.13, line, size=_SMALL, colour=page.look.muted)


def _write_score(
    page: Page, evidence: Evidence, at: tuple[int, int, int], x: float, y: float, marks: Marks
) -> None:
    value = float(evidence.scores[at])
    best, too_good = marks
    colour = page.look.against if at in too_good else None
    words = score_words(evidence.metrics[at[2]], value)
    page.text(x, y, words, size=_SMALL, bold=at in best, colour=colour)


def score_words(metric: str, value: float) -> str:
    """Write a score with three decimals, yes or no in words, or a dash where there is none."""
    if np.isnan(value):
        return "–"
    if metric in _WORDS and value in (0, 1):
        return _WORDS[metric][int(value)]
    return f"{value:.3f}".replace("-", MINUS)


# ------------------------------------------------------------------------------- what stands out


def _marks(evidence: Evidence) -> Marks:
    """Return the best scores of the methods, and those of controls that are as good or better."""
    best: set[tuple[int, int, int]] = set()
    too_good: set[tuple[int, int, int]] = set()
    rows = len(evidence.methods) - evidence.controls
    for score, better in enumerate(evidence.better):
        if evidence.metrics[score] in _WORDS:
            continue
        sign = 1 if better == "higher" else -1
        values = sign * evidence.scores[:, :, score].astype(np.float64)
        own = values[:rows]
        if not np.isfinite(own).any():
            continue
        top = float(np.nanmax(own))
        if np.isfinite(own).sum() > 1 and float(np.nanmin(own)) < top:
            best |= {(int(r), int(c), score) for r, c in np.argwhere(own == top)}
        for row, column in np.argwhere(values[rows:] >= top):
            too_good.add((rows + int(row), int(column), score))
    return best, too_good


def _said(evidence: Evidence) -> list[str]:
    """Return what explains the numbers, and what there is to know of them."""
    best, too_good = _marks(evidence)
    said = ["↑ higher is better, ↓ lower."]
    if best:
        said.append("Bold: the best of the methods.")
    if too_good:
        said.append("Orange: a control that is as good as the best method.")
    return [" ".join(said), *evidence.notes]
