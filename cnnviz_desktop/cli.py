"""The command line: a face of the engine whose technique commands are read from the techniques."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import cnnviz_desktop
from cnnviz_desktop import evaluate_command, evidence_command
from cnnviz_desktop.data import Cell, Table
from cnnviz_desktop.engine.run import Progress, Run
from cnnviz_desktop.engine.technique import (
    Choice,
    Choices,
    ClassKind,
    Flag,
    FolderKind,
    Integer,
    LayerKind,
    LayersKind,
    Number,
    Parameter,
    Technique,
)
from cnnviz_desktop.engine.techniques import TECHNIQUES, EvidenceMatrix
from cnnviz_desktop.errors import Cancelled, CnnvizError, ParameterError, did_you_mean
from cnnviz_desktop.figure_options import add_figure_options, check_figure_options, write_result
from cnnviz_desktop.input_options import add_input_options, finding_lines, input_spec

if TYPE_CHECKING:
    from cnnviz_desktop.data import ImageInput, LayerNode, Prediction
    from cnnviz_desktop.engine.loaded_model import LoadedModel

BAD_INPUT = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0, 2 for bad input (one sentence on stderr), 130 when interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # “×” fails in some code pages of Windows
    parser = build_parser()
    options = parser.parse_args(argv)
    try:
        code: int = options.command(options)
        sys.stdout.flush()
    except (Cancelled, KeyboardInterrupt):
        print("Cancelled.", file=sys.stderr)
        return INTERRUPTED
    except CnnvizError as error:
        print(f"cnnviz: {error}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:  # `cnnviz models | head` is no error
        sys.stderr.close()
        return 0
    return code


class _Parser(argparse.ArgumentParser):
    """Add "did you mean" to argparse's complaint about an unknown command."""

    def error(self, message: str) -> NoReturn:
        if message.startswith("argument COMMAND: invalid choice: "):
            word = message.split("'")[1]
            message = (
                f"There is no command “{word}”.{did_you_mean(word, _COMMANDS)} "
                "“cnnviz --help” lists them all."
            )
        self.print_usage(sys.stderr)
        self.exit(BAD_INPUT, f"cnnviz: {message}\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(
        prog="cnnviz",
        description="See inside convolutional networks. “cnnviz-desktop” opens the window.",
        epilog="Start with: cnnviz tour --out tour",
    )
    version = f"cnnviz {cnnviz_desktop.__version__}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def add(name: str, run: Callable[[argparse.Namespace], int], help_: str) -> _Parser:
        added: _Parser = commands.add_parser(name, help=help_, description=help_)
        added.set_defaults(command=run)
        return added

    tour = add("tour", _tour, "Run the bundled model and samples through every technique.")
    tour.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    models = add("models", _models, "List or search the models that can be loaded by name.")
    models.add_argument(
        "search",
        nargs="*",
        metavar="WORD",
        help="a part of a name, family or source, a year (2015, “<2016”), parameters (“<10M”), "
        "accuracy (“>75”), size (“<100MB”), or here: weights on this machine; every word must fit",
    )
    models.add_argument("--json", action="store_true", help="print JSON")
    weights = add("weights", _weights, "List the downloaded weights, or delete one's.")
    weights.add_argument(
        "--delete", metavar="NAME", help="delete the weights of this model or file"
    )
    weights.add_argument("--json", action="store_true", help="print JSON")
    layers = add("layers", _layers, "List a model's layers with output shapes and parameters.")
    layers.add_argument("--json", action="store_true", help="print JSON")
    predict = add("predict", _predict, "Classify pictures.")
    for item in (layers, predict):
        _add_model(item)
    predict.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="files or folders")
    predict.add_argument("--top", type=int, default=3, metavar="N", help="classes shown (3)")
    predict.add_argument("--json", action="store_true", help="print JSON")
    predict.add_argument("--csv", type=Path, metavar="FILE", help="also write the table as CSV")
    add_figure_options(
        predict, "also write one picture's answer as a figure (.png, .svg, .pdf) or data"
    )
    evaluate = evaluate_command.command(_load, _shown_run, _printed)
    parser_ = add("evaluate", evaluate, evaluate_command.HELP)
    _add_model(parser_)
    evaluate_command.add_options(parser_)
    evidence = evidence_command.command(_technique, _load, _shown_run, _printed, technique_from)
    for technique in TECHNIQUES:
        run = evidence if technique is EvidenceMatrix else _technique
        _add_technique(add(technique.command, run, technique.summary), technique)
    return parser


_COMMANDS = (
    "tour",
    "models",
    "weights",
    "layers",
    "predict",
    "evaluate",
    *(item.command for item in TECHNIQUES),
)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a name from “cnnviz models”, a file (a checkpoint, .pt2, ONNX), or "
        "FILE.py:FUNCTION that makes the network",
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="a state dict (.pth, .safetensors), or “none” for random weights; "
        "by default the pretrained ones, downloaded once",
    )
    parser.add_argument(
        "--factory",
        metavar="FILE.py:FUNCTION",
        help="what makes the network; MODEL is then the file with its weights",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="let the files run code of their own, now and later, as long as they stay the same",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps (cpu)")
    parser.add_argument(
        "--fit",
        choices=("crop", "squash", "pad"),
        default="crop",
        help="how a picture is brought to the input's shape (crop)",
    )
    add_input_options(parser)


def _add_technique(parser: argparse.ArgumentParser, technique: type[Technique]) -> None:
    parser.set_defaults(technique=technique)
    _add_model(parser)
    if technique.needs_image:
        parser.add_argument("image", type=Path, metavar="IMAGE", help="the picture")
    if technique is EvidenceMatrix:
        evidence_command.add_pictures(parser)
    for item in technique.parameters():
        if isinstance(item.kind, FolderKind) and not technique.needs_image:
            # Right behind MODEL, or as an option anywhere.
            parser.add_argument(
                item.name,
                nargs="?",
                default=argparse.SUPPRESS,
                metavar="FOLDER",
                help=item.help,
            )
        _add_parameter(parser, item)
    if technique.prints:
        out = "write the table as a figure (.png, .svg, .pdf) or as data (.csv, .npz), not print it"
    elif technique.grows:
        out = "a figure (.png, .svg, .pdf), how it grew (.gif) or the data (.npz)"
    else:
        out = "a figure (.png, .svg, .pdf) or the data (.npz)"
    add_figure_options(parser, out, required=not technique.prints)


def _add_parameter(parser: argparse.ArgumentParser, item: Parameter) -> None:
    settings: dict[str, Any] = {"dest": item.name, "default": item.default, "help": item.help}
    match item.kind:
        case Flag():
            settings["action"] = argparse.BooleanOptionalAction
        case Integer():
            settings |= {"type": int, "metavar": "N"}
        case Number():
            settings |= {"type": float, "metavar": "X"}
        case Choice(options):
            settings["choices"] = options
        case Choices(options):
            settings |= {"type": _names, "metavar": ",".join(options)}
        case LayerKind():
            settings["metavar"] = "LAYER"
        case LayersKind():
            settings |= {"type": _names, "metavar": "LAYER,LAYER"}
        case FolderKind():
            settings["metavar"] = "FOLDER"
        case ClassKind():
            settings |= {"type": _class, "metavar": "CLASS"}
    parser.add_argument(item.option, **settings)


def _names(text: str) -> tuple[str, ...]:
    """Read names between commas."""
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def _class(text: str) -> int | str:
    """Read a class: digits are an index, all else a name."""
    return int(text) if text.isdecimal() else text


def technique_from(options: argparse.Namespace) -> Technique:
    """Return the technique that the parsed options describe."""
    kind: type[Technique] = options.technique
    return kind(**{item.name: getattr(options, item.name) for item in kind.parameters()})


def _load(options: argparse.Namespace) -> LoadedModel:
    from cnnviz_desktop.data import PRETRAINED, RANDOM
    from cnnviz_desktop.engine.allocator import keep_freed_memory
    from cnnviz_desktop.engine.catalogue import find
    from cnnviz_desktop.engine.models import load_model

    keep_freed_memory()
    spec = input_spec(options)
    model = load_model(
        *_model_and_weights(options),
        options.device,
        _shown_run(),
        spec=spec,
        trust=options.trust,
    )
    # Those of one's own networks are news; a catalogue's are the same every time.
    own = find(model.name) is None or model.weights not in (PRETRAINED, RANDOM)
    for line in finding_lines(model.findings, infos=own):
        print(f"Note: {line}", file=sys.stderr)
    return model.with_fit(options.fit)


def _model_and_weights(options: argparse.Namespace) -> tuple[str, str | None]:
    """Return what makes the network and what its weights are."""
    if options.factory is None:
        return options.model, options.weights
    if options.weights is not None:
        raise ParameterError(
            "With --factory MODEL is the file with the weights: leave --weights out, or give "
            f"{options.factory} as MODEL."
        )
    return options.factory, options.model


def _shown_run() -> Run:
    """Return a run whose progress is one line on a terminal's stderr, nothing elsewhere."""
    if not sys.stderr.isatty():
        return Run()
    start = time.perf_counter()

    def show(progress: Progress) -> None:
        if time.perf_counter() - start < 0.5:  # short work needs no line
            return
        left = progress.remaining
        rest = f", {left:.0f} s left" if left is not None else ""
        share = progress.done / max(1, progress.total)
        end = "\r\033[K" if progress.done >= progress.total else ""
        sys.stderr.write(f"\r\033[K{progress.label}: {share:.0%}{rest}{end}")
        sys.stderr.flush()

    return Run(on_progress=show)


def _technique(options: argparse.Namespace) -> int:
    from cnnviz_desktop.engine.images import load_image
    from cnnviz_desktop.engine.technique import record

    technique = technique_from(options)
    if options.out is not None:
        check_figure_options(options)
    image = load_image(options.image) if technique.needs_image else None
    _say_notes(image)
    model = _load(options)
    result = technique(model, image, _shown_run())
    # Those of a table stand below it, wherever it is shown.
    told = options.out is not None and not isinstance(result, Table)
    for note in getattr(result, "notes", ()) if told else ():
        print(f"Note: {note}", file=sys.stderr)
    if options.out is not None:
        write_result(options, result, image, record(technique, model, image))
        print(f"Wrote {options.out}")
    elif isinstance(result, Table):
        print(_printed(result))
    return 0


def _printed(table: Table) -> str:
    """Return a table as text, its totals and notes below."""
    from cnnviz_desktop.figures import tables

    places = range(len(table.columns))
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    if table.totals:
        rows.append(["" if cell is None else _cell(cell) for cell in table.totals])
    right = [place for place in places if tables.is_numeric(table, place)]
    return "\n".join([table.title, _table(tables.heads(table), rows, right), *table.notes])


def _cell(cell: Cell) -> str:
    """Return a cell as text that a terminal of any kind shows."""
    if isinstance(cell, int):
        return f"{cell:,}"
    return "-" if cell is None else f"{cell:.3g}" if isinstance(cell, float) else cell


def _say_notes(image: ImageInput | None) -> None:
    for note in image.notes if image else ():
        print(f"Note: {note}", file=sys.stderr)


def _tour(options: argparse.Namespace) -> int:
    from cnnviz_desktop.tour import write_tour

    page = write_tour(options.out, _shown_run())
    print(f"Wrote {page}: open it in a browser.")
    return 0


def _models(options: argparse.Namespace) -> int:
    from cnnviz_desktop.engine.catalogue import search

    entries = search(options.search)
    if options.json:
        print(json.dumps([entry.__dict__ for entry in entries], indent=2))
        return 0
    if not entries:
        raise ParameterError(
            f"No model fits “{' '.join(options.search)}”: every word has to. Use fewer words; "
            "“cnnviz models --help” says which there are."
        )
    rows = [
        (
            entry.name,
            str(entry.year or ""),
            f"{entry.parameters / 1e6:.1f} M" if entry.parameters else "",
            f"{entry.accuracy:.1f} %" if entry.accuracy else "",
            f"{entry.megabytes:.0f} MB" if entry.megabytes else "",
            "on this machine"
            if entry.here
            else "downloads once"
            if entry.published
            else "none published",
        )
        for entry in entries
    ]
    header = ("model", "year", "parameters", "top-1", "size", "weights")
    print(_table(header, rows, right=(2, 3, 4)))
    return 0


def _weights(options: argparse.Namespace) -> int:
    from cnnviz_desktop.engine import cached_weights

    if options.delete is not None:
        item = cached_weights.named(options.delete)
        cached_weights.delete(item)
        print(f"Deleted {item.path} ({item.megabytes:.0f} MB).")
        return 0
    found = cached_weights.cached()
    if options.json:
        print(json.dumps([item.__dict__ for item in found], indent=2, default=str))
        return 0
    if not found:
        print("No weights are downloaded. Loading a model by its name fetches them once.")
        return 0
    rows = [
        (
            item.model or "not of the catalogue",
            f"{item.megabytes:.1f} MB",
            f"{item.used:%Y-%m-%d}",
            str(item.path) + ("" if item.whole else " (unfinished)"),
        )
        for item in found
    ]
    print(_table(("model", "size", "used", "file"), rows, right=(1,)))
    print(f"{sum(item.megabytes for item in found):.0f} MB in all.")
    return 0


def _layers(options: argparse.Namespace) -> int:
    model = _load(options)
    if options.json:
        print(json.dumps([_layer_row(node) for node in model.layers.walk() if node.name], indent=2))
        return 0
    rows = []
    for node in model.layers.walk():
        if not node.name:
            continue
        shape = "×".join(map(str, node.output_shape)) if node.output_shape else "–"
        indent = "  " * node.name.count(".")
        mark = "  ← default" if node.name == model.default_layer else ""
        alias = f"  {node.alias}" if node.alias else ""
        last = f"{node.calls:<5}{alias}{mark}".rstrip()
        rows.append((indent + node.label, node.kind, shape, f"{node.parameters:,}", last))
    print(f"{model.name}: {model.summary}")
    known = "  known as" if any(node.alias for node in model.layers.walk()) else ""
    header = ("layer", "kind", "output", "parameters", f"calls{known}")
    print(_table(header, rows, right=(2, 3)))
    print(f"Default layer: {model.default_layer or 'none'}. {model.default_reason}")
    return 0


def _layer_row(node: LayerNode) -> dict[str, Any]:
    return {
        "name": node.name,
        "kind": node.kind,
        "output_shape": node.output_shape,
        "parameters": node.parameters,
        "calls": node.calls,
        "alias": node.alias,
    }


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
    model = _load(options)
    run = _shown_run()
    answers: list[tuple[Path, Prediction]] = []
    failed = 0
    for file in run.track(files, "Classifying"):
        try:
            answers.append((file, inspect(model, load_image(file), run)))
        except Cancelled:
            raise
        except CnnvizError as error:  # one bad file does not cost the others their answer
            failed += 1
            print(f"cnnviz: {error}", file=sys.stderr)
    if options.out and answers:
        from cnnviz_desktop.engine.technique import record

        image = load_image(files[0])
        write_result(options, answers[0][1], image, record(None, model, image))
    if options.csv:
        _write_csv(options.csv, answers, options.top)
    if options.json:
        print(json.dumps([_answer(file, found, options.top) for file, found in answers], indent=2))
    elif answers:
        print(_prediction_table(answers, options.top))
    return BAD_INPUT if failed else 0


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
    return _table(header, rows, right=tuple(range(2, 2 * count + 1, 2)))


def _write_csv(path: Path, answers: list[tuple[Path, Prediction]], count: int) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "rank", "index", "label", "probability"])
            for source, found in answers:
                for rank, row in enumerate(found.top(count), start=1):
                    writer.writerow([source, rank, *row])
    except OSError as error:
        raise ParameterError(f"{path} cannot be written: {error.strerror}.") from error


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Lay rows out in columns as wide as their longest cell."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = []
    for row in (header, *rows):
        cells = [
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
