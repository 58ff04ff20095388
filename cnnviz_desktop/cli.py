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
from cnnviz_desktop.engine.run import Progress, Run
from cnnviz_desktop.engine.technique import (
    Choice,
    ClassKind,
    Flag,
    Integer,
    LayerKind,
    Number,
    Parameter,
    Technique,
)
from cnnviz_desktop.engine.techniques import TECHNIQUES
from cnnviz_desktop.errors import Cancelled, CnnvizError, ParameterError, did_you_mean
from cnnviz_desktop.figure_options import add_figure_options, check_figure_options, write_result

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
    models = add("models", _models, "List the models that can be loaded by name.")
    models.add_argument("--json", action="store_true", help="print JSON")
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
    for technique in TECHNIQUES:
        _add_technique(add(technique.command, _technique, technique.summary), technique)
    return parser


_COMMANDS = ("tour", "models", "layers", "predict", *(item.command for item in TECHNIQUES))


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a name from “cnnviz models”")
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="a state dict (.pth, .safetensors), or “none” for random weights; "
        "by default the pretrained ones, downloaded once",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps (cpu)")
    parser.add_argument(
        "--fit",
        choices=("crop", "squash", "pad"),
        default="crop",
        help="how a picture is brought to the input's shape (crop)",
    )


def _add_technique(parser: argparse.ArgumentParser, technique: type[Technique]) -> None:
    parser.set_defaults(technique=technique)
    _add_model(parser)
    if technique.needs_image:
        parser.add_argument("image", type=Path, metavar="IMAGE", help="the picture")
    for item in technique.parameters():
        _add_parameter(parser, item)
    add_figure_options(parser, "a figure (.png, .svg, .pdf) or the data (.npz)", required=True)


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
        case LayerKind():
            settings["metavar"] = "LAYER"
        case ClassKind():
            settings |= {"type": _class, "metavar": "CLASS"}
    parser.add_argument(item.option, **settings)


def _class(text: str) -> int | str:
    """Read a class: digits are an index, all else a name."""
    return int(text) if text.isdecimal() else text


def technique_from(options: argparse.Namespace) -> Technique:
    """Return the technique that the parsed options describe."""
    kind: type[Technique] = options.technique
    return kind(**{item.name: getattr(options, item.name) for item in kind.parameters()})


def _load(options: argparse.Namespace) -> LoadedModel:
    from cnnviz_desktop.engine.models import load_model

    model = load_model(options.model, options.weights, options.device, _shown_run())
    return model.with_fit(options.fit)


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
    check_figure_options(options)
    image = load_image(options.image) if technique.needs_image else None
    _say_notes(image)
    model = _load(options)
    result = technique(model, image, _shown_run())
    write_result(options, result, image, record(technique, model, image))
    print(f"Wrote {options.out}")
    return 0


def _say_notes(image: ImageInput | None) -> None:
    for note in image.notes if image else ():
        print(f"Note: {note}", file=sys.stderr)


def _tour(options: argparse.Namespace) -> int:
    from cnnviz_desktop.tour import write_tour

    page = write_tour(options.out, _shown_run())
    print(f"Wrote {page}: open it in a browser.")
    return 0


def _models(options: argparse.Namespace) -> int:
    from cnnviz_desktop.engine.catalogue import catalogue

    entries = catalogue()
    if options.json:
        print(json.dumps([entry.__dict__ for entry in entries], indent=2))
        return 0
    rows = [
        (
            entry.name,
            f"{entry.parameters / 1e6:.1f} M" if entry.parameters else "",
            f"{entry.accuracy:.1f} %" if entry.accuracy else "",
            f"{entry.megabytes:.0f} MB" if entry.megabytes else "",
            "on this machine" if entry.here else "downloads once",
        )
        for entry in entries
    ]
    print(_table(("model", "parameters", "top-1", "size", "weights"), rows, right=(1, 2, 3)))
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
        rows.append(
            (indent + node.label, node.kind, shape, f"{node.parameters:,}", f"{node.calls}{mark}")
        )
    print(f"{model.name}: {model.summary}")
    print(_table(("layer", "kind", "output", "parameters", "calls"), rows, right=(2, 3)))
    print(f"Default layer: {model.default_layer or 'none'}. {model.default_reason}")
    return 0


def _layer_row(node: LayerNode) -> dict[str, Any]:
    return {
        "name": node.name,
        "kind": node.kind,
        "output_shape": node.output_shape,
        "parameters": node.parameters,
        "calls": node.calls,
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
