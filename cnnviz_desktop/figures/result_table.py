"""Turn a result into the table that its CSV file holds."""

from __future__ import annotations

from cnnviz_desktop.data import (
    Cell,
    Comparison,
    Curves,
    Distribution,
    Evaluations,
    Evidence,
    Exemplars,
    Prediction,
    Result,
    Table,
    Tuning,
)
from cnnviz_desktop.figures.compared_table import comparison_table
from cnnviz_desktop.figures.evaluation_table import class_table
from cnnviz_desktop.figures.evidence_table import evidence_table
from cnnviz_desktop.figures.exemplar_table import exemplar_table
from cnnviz_desktop.figures.tuning_table import tuning_table

_BOX = ("minimum", "1 %", "25 %", "50 %", "75 %", "99 %", "maximum")


def result_table(result: Result) -> Table | None:
    """Return a result as a table with exact numbers, None where it is none."""
    match result:
        case Prediction():
            return _prediction_table(result)
        case Distribution():
            return _spread_table(result)
        case Tuning():
            return tuning_table(result)
        case Exemplars():
            return exemplar_table(result)
        case Evaluations():
            return class_table(result)
        case Curves():
            return _curves_table(result)
        case Comparison():
            return comparison_table(result)
        case Evidence():
            return evidence_table(result)
        case Table():
            return result
        case _:
            return None


def _plain(title: str, columns: tuple[str, ...], rows: list[tuple[Cell, ...]]) -> Table:
    return Table(title, columns, ("",) * len(columns), tuple(rows))


def _prediction_table(prediction: Prediction) -> Table:
    """Return all classes, likeliest first."""
    rows: list[tuple[Cell, ...]] = [
        (index, label, probability, float(prediction.logits[index]))
        for index, label, probability in prediction.top(len(prediction.labels))
    ]
    return _plain("Prediction", ("class", "label", "probability", "logit"), rows)


def _spread_table(spread: Distribution) -> Table:
    """Return a row a bin, or of box plots a row a layer."""
    rows: list[tuple[Cell, ...]] = []
    if spread.show == "histograms":
        for layer, edges, counts in zip(spread.layers, spread.edges, spread.counts, strict=True):
            ends = edges.tolist()
            rows += zip([layer] * len(counts), ends[:-1], ends[1:], counts.tolist(), strict=True)
        return _plain(spread.title, ("layer", "from", "to", "count"), rows)
    layers = zip(spread.layers, spread.box, spread.zeros, spread.broken, strict=True)
    for layer, box, zeros, broken in layers:
        rows.append((layer, *box.tolist(), int(zeros), int(broken)))
    return _plain(spread.title, ("layer", *_BOX, "zeros", "broken"), rows)


def _curves_table(curves: Curves) -> Table:
    """Return a row for each step, a column for each curve."""
    known = [
        dict(zip(steps.tolist(), values.tolist(), strict=True))
        for steps, values in zip(curves.steps, curves.values, strict=True)
    ]
    rows: list[tuple[Cell, ...]] = [
        (step, *(values.get(step) for values in known)) for step in sorted(set().union(*known))
    ]
    return _plain(curves.title, (curves.unit_of_steps, *curves.names), rows)
