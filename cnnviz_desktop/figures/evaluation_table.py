"""Write an evaluation as tables: of the networks, their classes, every picture, all confusions."""

from __future__ import annotations

import numpy as np

from cnnviz_desktop.data import Cell, Evaluation, Evaluations, Table
from cnnviz_desktop.figures.numerals import amount

METRICS = ("loss", "MSE", "R²", "top-1", "top-5", "ECE")
SHARES = ("top-1", "top-5", "ECE")  # in percent where people read them


def metrics(found: Evaluation) -> tuple[float, ...]:
    """Return the numbers of `METRICS`; shares are 0..1."""
    return found.loss, found.mse, found.r2, found.top1, found.top5, found.ece


def summary_table(found: Evaluations) -> Table:
    """Return a row a network; the shares in percent."""
    rows = []
    for item in found.models:
        loss, mse, r2, top1, top5, ece = metrics(item)
        rows.append((item.model, loss, mse, r2, 100 * top1, 100 * top5, 100 * ece))
    return Table(
        title=f"{found.title}: {amount(len(found.files), 'picture', 'pictures')}",
        columns=("network", *METRICS),
        units=("", "", "", "", "%", "%", "%"),
        rows=tuple(rows),
        notes=found.notes,
    )


def class_table(found: Evaluations) -> Table:
    """Return a row for every network and class that occurs."""
    rows: list[tuple[Cell, ...]] = []
    for item in found.models:
        for place, label in enumerate(item.classes.tolist()):
            rows.append(
                (
                    item.model,
                    label,
                    item.labels[label],
                    int(item.support[place]),
                    _known(item.precision[place]),
                    _known(item.recall[place]),
                )
            )
    columns = ("network", "index", "class", "pictures", "precision", "recall")
    return Table(found.title, columns, ("",) * len(columns), tuple(rows))


def picture_table(found: Evaluations) -> Table:
    """Return a row for every network and picture."""
    rows: list[tuple[Cell, ...]] = []
    for item in found.models:
        for place, file in enumerate(found.files):
            rows.append(
                (
                    item.model,
                    file,
                    item.labels[int(item.truth[place])],
                    item.labels[int(item.predicted[place])],
                    float(item.confidences[place]),
                    int(item.places[place]) + 1,
                    float(item.losses[place]),
                )
            )
    columns = ("network", "file", "class", "taken for", "confidence", "rank", "loss")
    return Table(found.title, columns, ("",) * len(columns), tuple(rows))


def confusions(found: Evaluation, most: int) -> list[tuple[int, int, int]]:
    """Return the commonest confusions as (class, taken for, pictures), the commonest first."""
    wrong = np.flatnonzero(found.truth != found.predicted)
    pairs, counts = np.unique(
        np.stack([found.truth[wrong], found.predicted[wrong]], axis=1), axis=0, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")[:most]
    return [(int(pairs[i, 0]), int(pairs[i, 1]), int(counts[i])) for i in order]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
