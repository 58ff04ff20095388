"""Draw a table for print: numbers at the right, bars where they are worth comparing."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from cnnviz_desktop.data import Cell, Table
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.numerals import amount, count
from cnnviz_desktop.figures.options import HEAD, LINE, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, text_width, wrapped
from cnnviz_desktop.figures.tables import in_lines, is_numeric, largest, share, written

_ROW = 0.17  # inches from one row to the next
_HEAD_LINE = 0.12
_BARRED = 0.19  # where bars stand below numbers
_BAR = 0.028
_GAP = 0.14  # between two columns
_INSIDE = 0.05  # between the edge of a row's ground and its text
_WIDEST = 2.3  # of a column of words
_LEAST = 0.8  # to which one of words is shortened before columns are left out
_NOTE_LINES = 4


@dataclass(frozen=True)
class _Column:
    """One column on the page: its place in the table, where it lies, and on which side."""

    place: int
    head: tuple[str, ...]  # one line or two
    left: float
    width: float
    numeric: bool
    most: float  # of what the bars show, 0 for none


def table_plate(table: Table, options: PlateOptions) -> Figure:
    """Draw the first rows of a table, all of them where nothing else is asked for."""
    high = _BARRED if table.bars else _ROW
    shown = min(len(table.rows), options.limit or len(table.rows))
    columns = _laid_out(table, shown, options.room)
    wide = columns[-1].left + columns[-1].width + _INSIDE
    body = options.body(wide)
    notes = wrapped([*_left_out(table, columns), *table.notes], body, _NOTE_LINES)
    head = _ROW + _HEAD_LINE * (max(len(column.head) for column in columns) - 1)
    summed = any(table.totals[column.place] is not None for column in columns[1:] if table.totals)
    foot = (LINE * len(notes) + 0.1 if notes else 0.0) + (high if summed else 0.0)
    if options.slide:
        room = options.tallest(100.0) + options.bar_row - foot - head
        shown = min(shown, max(1, int(room / high)))
    page = Page(wide, head + high * shown + foot, options)
    page.heading(options.title or table.title, _describe(table, shown))
    _draw_heads(page, columns, HEAD, head)
    page.box(MARGIN, HEAD + head - 0.012, wide, 0.012, page.look.text)
    for row, cells in enumerate(table.rows[:shown]):
        top = HEAD + head + high * row
        if row % 2 == 0:
            page.box(MARGIN, top, wide, high, page.look.track)
        _draw_row(page, cells, columns, top, high)
    end = HEAD + head + high * shown
    page.box(MARGIN, end, wide, 0.008, page.look.muted)
    if summed:
        _draw_row(page, table.totals, columns, end, high, bold=True)
        end += high
    page.lines(end + 0.1 + 0.6 * LINE, notes)
    return page.figure


def _describe(table: Table, shown: int) -> list[str]:
    """Return the details for the heading: how many rows."""
    rows = len(table.rows)
    said = amount(rows, "row", "rows")
    return [said if shown == rows else f"first {count(shown)} of {said}"]


def _left_out(table: Table, columns: list[_Column]) -> list[str]:
    """Say which columns had no room."""
    places = {column.place for column in columns}
    names = [name for place, name in enumerate(table.columns) if place not in places]
    return [f"No room for {', '.join(names)}."] if names else []


def _laid_out(table: Table, shown: int, room: float) -> list[_Column]:
    """Give columns the width of what is in them; words give way, then the last without bars."""
    numeric = [is_numeric(table, place) for place in range(len(table.columns))]
    heads = [_head(*pair) for pair in zip(table.columns, table.units, strict=True)]
    wanted = []
    for place in range(len(table.columns)):
        cells = [row[place] for row in table.rows[:shown]]
        longest = sorted({written(cell) for cell in cells}, key=len)[-8:]
        width = max((text_width(words, style.CAPTION_SIZE) for words in longest), default=0.0)
        if table.totals:
            total = written(table.totals[place]) if table.totals[place] is not None else ""
            width = max(width, text_width(total, style.CAPTION_SIZE, bold=True))
        head = max(text_width(line, style.CAPTION_SIZE, bold=True) for line in heads[place])
        wanted.append(max(head, width if numeric[place] else min(width, _WIDEST)) + 0.01)
    kept = list(range(len(wanted)))
    least = [width if numeric[place] else min(width, _LEAST) for place, width in enumerate(wanted)]
    while len(kept) > 1 and _total(least, kept) > room:
        plain = [place for place in kept[1:] if table.columns[place] not in table.bars]
        kept.remove((plain or kept)[-1])  # what is worth comparing goes last
    spare = room - _total(least, kept)
    givers = sum(wanted[place] - least[place] for place in kept)
    grown = min(1.0, max(0.0, spare) / givers) if givers else 0.0
    columns, left = [], _INSIDE
    for place in kept:
        width = min(least[place] + grown * (wanted[place] - least[place]), room - 2 * _INSIDE)
        most = largest(table, place) if table.columns[place] in table.bars else 0.0
        columns.append(_Column(place, heads[place], left, width, numeric[place], most))
        left += width + _GAP
    return columns


def _total(widths: list[float], kept: list[int]) -> float:
    return sum(widths[place] for place in kept) + _GAP * (len(kept) - 1) + 2 * _INSIDE


def _head(name: str, unit: str) -> tuple[str, ...]:
    """Return the lines of a column's head."""
    return tuple(in_lines(f"{name}, {unit}" if unit else name))


def _draw_heads(page: Page, columns: list[_Column], top: float, high: float) -> None:
    """Draw the heads with their last lines side by side."""
    for column in columns:
        for line, words in enumerate(reversed(column.head)):
            y = top + high - _ROW + 0.115 - line * _HEAD_LINE
            _write(page, words, column, y, bold=True)


def _draw_row(
    page: Page,
    cells: tuple[Cell, ...],
    columns: list[_Column],
    top: float,
    high: float,
    bold: bool = False,
) -> None:
    """Draw the cells of a row; a total says nothing where there is none."""
    for column in columns:
        cell = cells[column.place]
        if not (bold and cell is None):
            _write(page, written(cell), column, top + 0.115, bold, muted=cell in (None, 0))
        length = 0.0 if bold else share(cell, column.most)
        if length:
            x = MARGIN + column.left + column.width * (1 - length)
            page.box(x, top + high - 0.018 - _BAR, column.width * length, _BAR, page.look.accent)


def _write(
    page: Page,
    words: str,
    column: _Column,
    y: float,
    bold: bool = False,
    muted: bool = False,
) -> None:
    x = MARGIN + column.left + (column.width if column.numeric else 0.0)
    page.text(
        x,
        y,
        words,
        size=style.CAPTION_SIZE,
        colour=page.look.muted if muted else None,
        bold=bold,
        align="right" if column.numeric else "left",
        room=column.width,
    )
