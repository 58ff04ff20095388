"""What commands write to a terminal: how far they are, and tables."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from cnnviz_desktop.data import Cell, Table
from cnnviz_desktop.engine.run import Progress, Run

_CLEAR = "\r\033[K"  # to the start of the line, and away with what stands there


def shown_run() -> Run:
    """Return a run whose progress is one line on a terminal's stderr, nothing elsewhere."""
    if not sys.stderr.isatty():
        return Run()
    start = time.perf_counter()

    def show(progress: Progress) -> None:
        if time.perf_counter() - start < 0.5:  # short work needs no line
            return
        left = progress.remaining
        rest = f", {left:.0f} s left" if left is not None else ""
        write_progress(progress, rest)

    return Run(on_progress=show)


def write_progress(progress: Progress, rest: str) -> None:
    """Write over the terminal's line how far a work is, and `rest`; nothing is left at its end."""
    share = progress.done / max(1, progress.total)
    end = _CLEAR if progress.done >= progress.total else ""
    sys.stderr.write(f"{_CLEAR}{progress.label}: {share:.0%}{rest}{end}")
    sys.stderr.flush()


def say(text: str) -> None:
    """Write a line to stderr, over that of the progress where there is one."""
    start = _CLEAR if sys.stderr.isatty() else ""
    sys.stderr.write(f"{start}{text}\n")


def table_text(table: Table) -> str:
    """Return a table as text, its totals and notes below."""
    from cnnviz_desktop.figures import tables

    places = range(len(table.columns))
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    if table.totals:
        rows.append(["" if cell is None else _cell(cell) for cell in table.totals])
    right = [place for place in places if tables.is_numeric(table, place)]
    return "\n".join([table.title, in_columns(tables.heads(table), rows, right), *table.notes])


def _cell(cell: Cell) -> str:
    """Return a cell as text that a terminal of any kind shows."""
    if isinstance(cell, int):
        return f"{cell:,}"
    return "-" if cell is None else f"{cell:.3g}" if isinstance(cell, float) else cell


def in_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()
) -> str:
    """Lay rows out in columns as wide as their longest cell; those at `right` end alike."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = []
    for row in (header, *rows):
        cells = [
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
