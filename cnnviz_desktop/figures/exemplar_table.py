"""Write exemplars as a table: a row a picture."""

from __future__ import annotations

from cnnviz_desktop.data import Cell, Exemplars, Table


def exemplar_table(found: Exemplars) -> Table:
    """Return a row a picture: its channel, value, file, class, and the box that excites it."""
    across = found.values.shape[1]
    rows: list[tuple[Cell, ...]] = []
    for place, file in enumerate(found.files):
        row, rank = divmod(place, across)
        label, box = found.labels[place], found.boxes[place]
        rows.append(
            (
                found.channels[row],
                found.percentiles[rank] if found.percentiles else rank + 1,
                float(found.values[row, rank]),
                file,
                found.classes[label] if label >= 0 else None,
                found.rows[place],
                found.columns[place],
                *(box.top, box.left, box.bottom, box.right),
            )
        )
    second = "percentile" if found.percentiles else "rank"
    where = ("row", "column", "top", "left", "bottom", "right")
    columns = ("channel", second, "value", "file", "class", *where)
    return Table(found.title, columns, ("",) * len(columns), tuple(rows))
