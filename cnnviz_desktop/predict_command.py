"""The command line's `predict`: what a model says to any number of pictures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.data import Table
from cnnviz_desktop.errors import Cancelled, CnnvizError, ParameterError
from cnnviz_desktop.figure_options import (
    add_figure_options,
    check_figure_options,
    check_place,
    say_idle_options,
    write_result,
)
from cnnviz_desktop.model_options import Add, add_model_options, load
from cnnviz_desktop.terminal import in_columns, say, shown_run

if TYPE_CHECKING:
    from cnnviz_desktop.data import Prediction

_SOME_FAILED = 2


def add_predict(add: Add) -> None:
    """Add the command."""
    predict = add("predict", _predict, "Classify pictures.")
    add_model_options(predict)
    predict.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="files or folders")
    predict.add_argument("--top", type=int, default=3, metavar="N", help="classes shown (3)")
    predict.add_argument("--json", action="store_true", help="print JSON")
    predict.add_argument("--csv", type=Path, metavar="FILE", help="also write the table as CSV")
    add_figure_options(
        predict, "also write one picture's answer as a figure (.png, .svg, .pdf) or data"
    )


def _predict(options: argparse.Namespace) -> int:
    from cnnviz_desktop.engine.images import image_files, load_image
    from cnnviz_desktop.engine.inspection import inspect

    if options.top < 1:
        raise ParameterError("--top must be at least 1.")
    files = [
        file
        for path in options.images
        for file in (image_files(path) if path.is_dir() else (path,))
    ]
    if options.out:
        if len(files) != 1:
            raise ParameterError("--out draws the answer for one picture: give it one.")
        check_figure_options(options)
    check_place(options.csv)
    model = load(options)
    run = shown_run()
    answers: list[tuple[Path, Prediction]] = []
    failed = 0
    for file in run.track(files, "Classifying"):
        try:
            answers.append((file, inspect(model, load_image(file), run)))
        except Cancelled:
            raise
        except CnnvizError as error:  # one bad file does not cost the others their answer
            failed += 1
            say(f"cnnviz: {error}")
    if options.out and answers:
        from cnnviz_desktop.engine.technique import record

        image = load_image(files[0])
        say_idle_options(options, answers[0][1])
        write_result(options, answers[0][1], image, record(None, model, image))
    if options.csv:
        _write_csv(options.csv, answers, options.top)
    if options.json:
        print(json.dumps([_answer(file, found, options.top) for file, found in answers], indent=2))
    elif answers:
        print(_prediction_table(answers, options.top))
    return _SOME_FAILED if failed else 0


def _answer(file: Path, found: Prediction, count: int) -> dict[str, Any]:
    keys = ("index", "label", "probability")
    return {
        "file": str(file),
        "classes": [dict(zip(keys, row, strict=True)) for row in found.top(count)],
    }


def _prediction_table(answers: list[tuple[Path, Prediction]], count: int) -> str:
    count = min(count, len(answers[0][1].labels))
    header = ["file"]
    for place in range(1, count + 1):
        header += [f"{place}." if count > 1 else "class", "confidence"]
    rows = []
    for file, found in answers:
        row = [str(file)]
        for _index, label, probability in found.top(count):
            row += [label, f"{probability:.1%}"]
        rows.append(row)
    return in_columns(header, rows, right=tuple(range(2, 2 * count + 1, 2)))


def _write_csv(path: Path, answers: list[tuple[Path, Prediction]], count: int) -> None:
    from cnnviz_desktop.figures.tables import delimited
    from cnnviz_desktop.figures.writing import write_whole

    columns = ("file", "rank", "index", "label", "probability")
    rows = tuple(
        (str(source), rank, *row)
        for source, found in answers
        for rank, row in enumerate(found.top(count), start=1)
    )
    table = Table("", columns, ("",) * len(columns), rows)
    write_whole({path: delimited(table).encode("utf-8", "backslashreplace")})
