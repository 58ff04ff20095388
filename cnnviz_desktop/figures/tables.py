"""Write tables: cells as people read them, their order, and columns as text and arrays."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz_desktop.data import Cell, Table
from cnnviz_desktop.figures.numerals import count, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOTHING = "–"  # stands where there is no value

_SHORT = 10  # letters that need no second line
_SHAPE = re.compile(r"\d+(×\d+)*")
_DIGITS = re.compile(r"(\d+)")


def written(cell: Cell) -> str:
    """Return a cell as people read it."""
    match cell:
        case None:
            return NOTHING
        case str():
            return cell
        case int():
            return count(cell)
        case float():
            return number(cell)


def heads(table: Table) -> list[str]:
    """Return the columns' names with their units, as in "memory (MB)"."""
    pairs = zip(table.columns, table.units, strict=True)
    return [f"{name} ({unit})" if unit else name for name, unit in pairs]


def in_lines(words: str) -> list[str]:
    """Break words into two lines about as long as each other; what is short stays one."""
    parts = words.split(" ")
    if len(parts) < 2 or len(words) <= _SHORT:
        return [words]
    pairs = [[" ".join(parts[:i]), " ".join(parts[i:])] for i in range(1, len(parts))]
    return min(pairs, key=lambda pair: max(map(len, pair)))


def column(table: Table, place: int) -> list[Cell]:
    """Return the cells of a column."""
    return [row[place] for row in table.rows]


def is_numeric(table: Table, place: int) -> bool:
    """Tell whether a column holds numbers or shapes: these stand at the right."""
    cells = [cell for cell in column(table, place) if cell is not None]
    return bool(cells) and all(not isinstance(cell, str) or _is_shape(cell) for cell in cells)


def sort_key(cell: Cell) -> tuple[int, Any]:
    """Return what to sort a column by: numbers, shapes by their size, words with numbers in them.

    What has no value and what is not a number come last.
    """
    match cell:
        case None:
            return 3, 0
        case str() if _is_shape(cell):
            return 0, math.prod(map(int, cell.split("×")))
        case str():
            return 1, [
                (0, int(part), "") if part.isdecimal() else (1, 0, part.lower())
                for part in _DIGITS.split(cell)
            ]
        case _:
            return (2, 0) if math.isnan(cell) else (0, cell)


def largest(table: Table, place: int) -> float:
    """Return the largest finite number of a column, 0 where there is none above zero."""
    numbers = [cell for cell in column(table, place) if isinstance(cell, (int, float))]
    return max((float(cell) for cell in numbers if math.isfinite(cell)), default=0.0)


def share(cell: Cell, most: float) -> float:
    """Return how long the bar of a number is, of that of the largest."""
    if not isinstance(cell, (int, float)) or not math.isfinite(cell) or most <= 0:
        return 0.0
    return min(1.0, max(0.0, cell / most))


def delimited(table: Table, delimiter: str = ",", end: str = "\r\n") -> str:
    """Return the rows as CSV, or with tabs between for a spreadsheet; numbers are exact."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerow(heads(table))
    writer.writerows(["" if cell is None else cell for cell in row] for row in table.rows)
    return text.getvalue()


def named_columns(table: Table) -> dict[str, NDArray[Any]]:
    """Return every column as an array by its name.

    Whole numbers stay whole where there is one in every row; else what is missing is NaN, and "" in
    text.
    """
    found: dict[str, NDArray[Any]] = {}
    for place, name in enumerate(table.columns):
        cells = column(table, place)
        if any(isinstance(cell, str) for cell in cells):
            values = np.array(["" if cell is None else str(cell) for cell in cells])
        elif cells and all(isinstance(cell, int) for cell in cells):
            values = np.array(cells, np.int64)
        else:
            values = np.array([math.nan if cell is None else cell for cell in cells], np.float64)
        key = f"column/{name}"
        found[key if key not in found else f"{key} {place}"] = values
    return found


def _is_shape(text: str) -> bool:
    return _SHAPE.fullmatch(text) is not None
