"""The command line's `compare`: several networks on the same pictures, side by side."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.data import RANDOM, Comparison, ImageInput, Table
from cnnviz_desktop.engine.techniques import CompareModels
from cnnviz_desktop.errors import ParameterError
from cnnviz_desktop.figure_options import (
    check_figure_options,
    say_idle_options,
    unlike_stems,
    write_result,
    writing_to,
)
from cnnviz_desktop.model_names import joined, parted
from cnnviz_desktop.model_options import load
from cnnviz_desktop.terminal import shown_run, table_text

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the further networks and pictures that the command takes."""
    parser.add_argument(
        "image",
        type=Path,
        metavar="MODEL|IMAGE",
        help="the next model, or the picture where there is no --image and --models names others",
    )
    parser.add_argument(
        "more",
        nargs="*",
        metavar="MODEL",
        help="more models, four in all; “NAME=FILE” with weights of your own",
    )
    parser.add_argument(
        "--image",
        dest="images",
        nargs="+",
        type=Path,
        action="extend",
        metavar="FILE",
        help="the picture; of several --out is a folder for a figure and a table of each",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def command(
    technique_from: Callable[[argparse.Namespace], Any],
) -> Callable[[argparse.Namespace], int]:
    """Return what carries `compare` out."""

    def compare_(options: argparse.Namespace) -> int:
        from cnnviz_desktop.engine.comparison import compare
        from cnnviz_desktop.engine.images import load_image

        technique, files = _meant(options, technique_from(options))
        outs = _outs(options.out, files)
        for out in outs:
            check_figure_options(writing_to(options, out))
        images = [load_image(file) for file in files]
        name, weights = parted(options.model)
        if weights is not None:
            options = argparse.Namespace(**{**vars(options), "model": name, "weights": weights})
        model = load(options)
        found = compare(technique, model, images, shown_run(), trust=options.trust)
        if outs:
            say_idle_options(writing_to(options, outs[0]), found[0])
        for out, image, item in zip(outs, images, found, strict=True) if outs else ():
            _write(writing_to(options, out), item, image, technique, model)
        if options.json:
            said = [
                {"picture": str(file), **_json(item)}
                for file, item in zip(files, found, strict=True)
            ]
            print(json.dumps(said if len(said) > 1 else said[0], indent=2, ensure_ascii=False))
            return 0
        if outs:
            print(f"Wrote {options.out}")
            return 0
        for file, item in zip(files, found, strict=True):
            print(table_text(_turned(item, file.name)))
        return 0

    return compare_


def _meant(
    options: argparse.Namespace, technique: CompareModels
) -> tuple[CompareModels, list[Path]]:
    """Return what is to be compared, on which files; random weights are said of all networks."""
    if options.images is None:
        if options.more:
            raise ParameterError("Name the picture with --image FILE, after the models.")
        if not technique.models and not options.image.exists():
            raise ParameterError(
                f"There is no picture {options.image}. To compare models name the picture with "
                "--image FILE, after them."
            )
        return technique, [options.image]
    names = (str(options.image), *options.more, *technique.models)
    if options.weights == RANDOM:
        names = tuple(
            name if parted(name)[1] is not None else joined(name, RANDOM) for name in names
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ParameterError(f"{twice} is named twice: name each model once.")
    return replace(technique, models=names), options.images


def _outs(out: Path | None, files: list[Path]) -> list[Path]:
    """Return the file to write for each picture, none where nothing is to be written."""
    from cnnviz_desktop.figures.export import DATA_SUFFIXES, FIGURE_SUFFIXES
    from cnnviz_desktop.figures.writing import make_folder

    if out is None:
        return []
    if len(files) == 1:
        return [out]
    if out.suffix.lower() in FIGURE_SUFFIXES + DATA_SUFFIXES:
        raise ParameterError(
            f"The comparisons of several pictures go into a folder: give --out one, such as "
            f"{out.stem}."
        )
    make_folder(out)
    return [out / f"{stem}.png" for stem in unlike_stems(files)]


def _write(
    options: argparse.Namespace,
    found: Comparison,
    image: ImageInput,
    technique: CompareModels,
    model: LoadedModel,
) -> None:
    """Write the figure or the data of one picture, of several its table too."""
    from cnnviz_desktop.engine.technique import record
    from cnnviz_desktop.figures.compared_table import comparison_table
    from cnnviz_desktop.figures.tables import delimited
    from cnnviz_desktop.figures.writing import write_whole

    write_result(options, found, image, record(technique, model, image))
    if options.images is not None and len(options.images) > 1:
        table = delimited(comparison_table(found)).encode("utf-8", "backslashreplace")
        write_whole({options.out.with_suffix(".csv"): table})


def _json(found: Comparison) -> dict[str, Any]:
    from cnnviz_desktop.figures.compared_table import comparison_json

    return comparison_json(found)


def _turned(found: Comparison, title: str) -> Table:
    """Return the numbers with a column a network, as a terminal has room for."""
    from cnnviz_desktop.figures.compared_table import turned_table

    return turned_table(found, title)
