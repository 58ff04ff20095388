"""Say which cells a matrix of confusions has, so that a person can read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnviz_desktop.data import Counts, Evaluation

OTHERS = -1  # the column of all answers that have none of their own
_EXTRA = 6  # answers that are no picture's class and have a column of their own, at most


@dataclass(frozen=True, eq=False)
class Cells:
    """How many pictures of each class (n, `rows`) are taken for each answer (m, `columns`).

    The columns begin with the classes of the rows. Only classes with pictures have a row.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    counts: Counts


def cells_of(found: Evaluation) -> Cells:
    """Return the cells of a network's answers."""
    whole = found.confusion()
    there = found.support > 0
    answered = whole.sum(axis=0) > 0
    rows = np.flatnonzero(there)
    extra = np.flatnonzero(answered & ~there)
    few = len(extra) <= _EXTRA
    own = np.concatenate([rows, extra]) if few else rows
    counts = whole[np.ix_(rows, own)]
    columns = found.classes[own].tolist()
    if not few:
        counts = np.concatenate([counts, whole[np.ix_(rows, extra)].sum(axis=1)[:, None]], axis=1)
        columns.append(OTHERS)
    return Cells(tuple(found.classes[rows].tolist()), tuple(columns), counts.astype(np.int64))


def pictures_in(found: Evaluation, cells: Cells, truth: int, answer: int) -> list[int]:
    """Return the pictures of a cell, those that the network is surest of first."""
    if answer == OTHERS:
        taken = ~np.isin(found.predicted, cells.columns)
        places = np.flatnonzero((found.truth == truth) & taken)
    else:
        places = found.taken_for(truth, answer)
    order = np.argsort(-found.confidences[places], kind="stable")
    chosen: list[int] = places[order].tolist()
    return chosen


def answer_name(found: Evaluation, answer: int) -> str:
    """Return what the column of an answer is called."""
    return "other classes" if answer == OTHERS else found.labels[answer]
