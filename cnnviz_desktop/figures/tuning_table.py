"""Turn what channels are tuned to into a table and into named arrays."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from cnnviz_desktop.data import DETECTS, Cell, FilterBank, Table, Tuning

_COLUMNS = (
    ("orientation", "°"),
    ("bandwidth", "°"),
    ("selectivity", ""),
    ("frequency", "cycles per pixel"),
    ("hue", "°"),
)


def tuning_table(tuning: Tuning) -> Table:
    """Return a row a channel: what it detects, the four scores, and what it is tuned to."""
    names, units = zip(*_COLUMNS, strict=True)
    measures = [getattr(tuning, name) for name in names]
    rows: list[tuple[Cell, ...]] = []
    for row, channel in enumerate(tuning.channels):
        label, score = tuning.label(row)
        scores = (float(value) for value in tuning.scores[row, : len(DETECTS)])
        tuned = (float(values[row]) for values in measures)
        best = tuning.best(row)
        strength = float(tuning.responses[row, best])
        rows.append((channel, label, score, *scores, *tuned, tuning.names[best], strength))
    return Table(
        title=f"What {tuning.layer or 'the network'} detects",
        columns=("channel", "detects", "score", *DETECTS, *names, "best probe", "response"),
        units=("", "", "", *("" for _ in DETECTS), *units, "", ""),
        rows=tuple(rows),
    )


def tuning_arrays(tuning: Tuning) -> dict[str, Any]:
    """Return a tuning as named arrays, the kernels' values in place of the kernels."""
    values = {field.name: getattr(tuning, field.name) for field in fields(tuning)}
    values["labels"] = [tuning.label(row)[0] for row in range(len(tuning.channels))]
    for name in ("kernels", "spectrum"):
        bank = values.pop(name)
        if bank is not None:
            values[name] = bank.values
    return values


def bank_details(bank: FilterBank) -> dict[str, Any]:
    """Return what a filter bank says beyond its values, as far as it is not the usual."""
    group = {place: number for number, found in enumerate(bank.duplicates) for place in found}
    order = bank.order or tuple(range(len(bank.values)))
    said: dict[str, Any] = {
        "order": bank.order,
        "duplicate_group": [group.get(place, -1) for place in order] if group else (),
        "batch_norm": bank.batch_norm,
        "dilation": bank.dilation if bank.dilation != (1, 1) else (),
        "spectrum": bank.spectrum,
    }
    return {name: value for name, value in said.items() if value}
