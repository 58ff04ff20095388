"""The command line's `evaluate`: how well networks answer on the pictures of a folder."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz_desktop.data import Evaluation, Evaluations, Record, Table
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.errors import ParameterError
from cnnviz_desktop.figure_options import add_figure_options, check_figure_options, write_result

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

HELP = "Measure how well models answer on a folder of labelled pictures."
SHOWN = ("all", "confusion", "calibration", "classes")
_CONFUSED = 10

Load = Callable[[argparse.Namespace], "LoadedModel"]
Print = Callable[[Table], str]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `evaluate` takes besides a model."""
    parser.add_argument("others", nargs="*", metavar="MODEL", help="models to compare it with")
    parser.add_argument(
        "--data",
        required=True,
        metavar="FOLDER",
        help="a folder with a folder for each class, a CSV file of paths and labels, torchvision's "
        "MNIST or CIFAR, or “generated”",
    )
    parser.add_argument(
        "--split",
        choices=("test", "train"),
        default="test",
        help="the part of the data, where there are two (test)",
    )
    parser.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="JSON that says which folder is which class where the guess is wrong: "
        "{“folder”: 281, “another”: “tabby”}",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="also write precision and recall of all classes"
    )
    parser.add_argument(
        "--pictures", type=Path, metavar="FILE", help="also write the answer for each picture, CSV"
    )
    parser.add_argument("--show", choices=SHOWN, default="all", help="what the figure draws (all)")
    add_figure_options(parser, "write a figure (.png, .svg, .pdf) or data (.npz, .csv)")


def command(
    load: Load, make_run: Callable[[], Run], as_text: Print
) -> Callable[[argparse.Namespace], int]:
    """Return what carries `evaluate` out."""

    def evaluate_(options: argparse.Namespace) -> int:
        from cnnviz_desktop.engine.class_map import read_class_map
        from cnnviz_desktop.engine.datasets import open_dataset
        from cnnviz_desktop.engine.evaluation import evaluate

        if options.others and options.factory is not None:
            raise ParameterError(
                "--factory makes one model: to compare several, name each as FILE.py:FUNCTION."
            )
        if options.out is not None:
            check_figure_options(options)
        said = read_class_map(options.classes) if options.classes is not None else {}
        dataset = open_dataset(options.data, options.split)
        models = [load(options)]
        for name in options.others:
            models.append(load(argparse.Namespace(**{**vars(options), "model": name})))
        found = replace(evaluate(models, dataset, make_run(), said), show=options.show)
        _write(options, found, models)
        print(json.dumps(_as_json(found), indent=2) if options.json else _text(found, as_text))
        return 0

    return evaluate_


def _write(options: argparse.Namespace, found: Evaluations, models: list[LoadedModel]) -> None:
    """Write the files that were asked for."""
    from cnnviz_desktop.figures.evaluation_table import class_table, picture_table
    from cnnviz_desktop.figures.tables import delimited

    if options.out is not None:
        write_result(options, found, None, _record(options, models))
    tables = ((options.csv, class_table), (options.pictures, picture_table))
    for path, table in tables:
        if path is None:
            continue
        try:
            text = delimited(table(found))
            path.write_bytes(text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise ParameterError(f"{path} cannot be written: {error.strerror}.") from error


def _record(options: argparse.Namespace, models: list[LoadedModel]) -> Record:
    """Return what makes the figure again."""
    from cnnviz_desktop.engine.technique import record

    parameters: dict[str, Any] = {
        "data": str(options.data),
        "split": options.split,
        "show": options.show,
        "others": [[model.name, model.weights, model.fingerprint] for model in models[1:]],
    }
    if options.classes is not None:
        parameters["classes"] = str(options.classes.absolute())
    return replace(record(None, models[0]), technique="evaluate", parameters=parameters)


def _text(found: Evaluations, as_text: Print) -> str:
    """Return the numbers as tables."""
    from cnnviz_desktop.figures.evaluation_table import confusions, summary_table

    parts = [as_text(summary_table(found))]
    for item in found.models:
        pairs = confusions(item, _CONFUSED)
        if pairs:
            rows = tuple((item.labels[one], item.labels[two], size) for one, two, size in pairs)
            title = f"{item.model}: most often confused"
            columns = ("class", "taken for", "pictures")
            parts.append(as_text(Table(title, columns, ("", "", ""), rows)))
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
