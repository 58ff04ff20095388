"""The command line's `evaluate`: how well networks answer on the pictures of a folder."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cnnviz_desktop.data import RANDOM, Evaluation, Evaluations, Record, Table
from cnnviz_desktop.engine.technique import Technique
from cnnviz_desktop.engine.techniques import Evaluate
from cnnviz_desktop.errors import ParameterError
from cnnviz_desktop.figure_options import (
    check_figure_options,
    check_place,
    say_idle_options,
    write_result,
)
from cnnviz_desktop.model_names import file_in, parted
from cnnviz_desktop.model_options import load
from cnnviz_desktop.terminal import shown_run, table_text

_CONFUSED = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `evaluate` takes besides a model and the technique's parameters."""
    parser.add_argument(
        "others",
        nargs="*",
        metavar="MODEL",
        help="models to compare it with: names or files, “NAME=FILE” with weights of your own",
    )
    parser.add_argument(
        "--data",
        dest="folder",
        default=argparse.SUPPRESS,
        metavar="FOLDER",
        help="the same as --folder",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="also write precision and recall of all classes"
    )
    parser.add_argument(
        "--pictures", type=Path, metavar="FILE", help="also write the answer for each picture, CSV"
    )


def command(
    technique_from: Callable[[argparse.Namespace], Technique],
) -> Callable[[argparse.Namespace], int]:
    """Return what carries `evaluate` out."""

    def evaluate_(options: argparse.Namespace) -> int:
        from cnnviz_desktop.engine.technique import record

        if (options.others or options.also) and options.factory is not None:
            raise ParameterError(
                "--factory makes one model: to compare several, name each as FILE.py:FUNCTION."
            )
        folder = next((item for item in options.others if Path(item).is_dir()), None)
        if folder is not None:
            raise ParameterError(f"{folder} is a folder, no model: write --data {folder}.")
        if options.out is not None:
            check_figure_options(options)
        check_place(options.csv)
        check_place(options.pictures)
        names = tuple(dict.fromkeys((*options.others, *options.also)))
        technique = technique_from(argparse.Namespace(**{**vars(options), "also": names}))
        assert isinstance(technique, Evaluate)
        technique.check_files()
        models = [load(options), *(load(_for_other(options, item)) for item in names)]
        found = technique.of(models, shown_run())
        _write(options, found, record(technique, models[0]))
        print(json.dumps(_as_json(found), indent=2) if options.json else _text(found))
        if options.out is not None and not options.json:
            print(f"Wrote {options.out}")
        return 0

    return evaluate_


def _for_other(options: argparse.Namespace, model: str) -> argparse.Namespace:
    """Return the options of a further network.

    A file of weights is the first one's alone, and what is said of the input of a file does not
    hold for a network whose input is known by its name.
    """
    name, weights = parted(model)
    drawn = RANDOM if options.weights == RANDOM else None
    other: dict[str, Any] = {"model": name, "weights": weights or drawn}
    if file_in(options.model)[0] and not file_in(name)[0] and other["weights"] in (None, RANDOM):
        other |= dict.fromkeys(("input_size", "input_mean", "input_std", "input_labels"))
    return argparse.Namespace(**{**vars(options), **other})


def _write(options: argparse.Namespace, found: Evaluations, made: Record) -> None:
    """Write the files that were asked for."""
    from cnnviz_desktop.figures.evaluation_table import class_table, picture_table
    from cnnviz_desktop.figures.tables import delimited
    from cnnviz_desktop.figures.writing import write_whole

    if options.out is not None:
        say_idle_options(options, found)
        write_result(options, found, None, made)
    tables = ((options.csv, class_table), (options.pictures, picture_table))
    for path, table in tables:
        if path is not None:
            write_whole({path: delimited(table(found)).encode("utf-8", "backslashreplace")})


def _text(found: Evaluations) -> str:
    """Return the numbers as tables."""
    from cnnviz_desktop.figures.evaluation_table import confusions, summary_table

    parts = [table_text(summary_table(found))]
    for item in found.models:
        pairs = confusions(item, _CONFUSED)
        if pairs:
            rows = tuple((item.labels[one], item.labels[two], size) for one, two, size in pairs)
            title = f"{item.model}: most often confused"
            columns = ("class", "taken for", "pictures")
            parts.append(table_text(Table(title, columns, ("", "", ""), rows)))
    return "\n\n".join(parts)


def _as_json(found: Evaluations) -> dict[str, Any]:
    return {
        "data": found.title,
        "pictures": len(found.files),
        "notes": list(found.notes),
        "models": [_model_json(item) for item in found.models],
    }


def _model_json(item: Evaluation) -> dict[str, Any]:
    """Return all numbers of a network; None stands for what there is none of."""
    names = ("loss", "mse", "r2", "top1", "top5", "ece")
    bins = zip(item.bin_counts, item.bin_confidences, item.bin_accuracies, strict=True)
    rows = zip(item.classes, item.precision, item.recall, item.support, strict=True)
    return {
        "model": item.model,
        **{name: _known(getattr(item, name)) for name in names},
        "classes": [
            {
                "index": int(label),
                "label": item.labels[int(label)],
                "precision": _known(precision),
                "recall": _known(recall),
                "pictures": int(size),
            }
            for label, precision, recall, size in rows
        ],
        "confusion": item.confusion().tolist(),
        "calibration": [
            {"pictures": int(size), "confidence": _known(sure), "accuracy": _known(right)}
            for size, sure, right in bins
        ],
    }


def _known(value: float | np.floating[Any]) -> float | None:
    return None if not np.isfinite(value) else float(value)
