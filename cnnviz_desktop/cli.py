"""The command line: a face of the engine whose technique commands are read from the techniques."""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import cnnviz_desktop
from cnnviz_desktop import compare_command, evaluate_command, evidence_command, fine_tune_command
from cnnviz_desktop.data import Heatmap, Heatmaps, Table
from cnnviz_desktop.engine.technique import (
    Choice,
    Choices,
    ClassKind,
    Flag,
    FolderKind,
    Integer,
    LayerKind,
    LayersKind,
    ModelsKind,
    Number,
    Parameter,
    Technique,
)
from cnnviz_desktop.engine.techniques import TECHNIQUES, CompareModels, Evaluate, EvidenceMatrix
from cnnviz_desktop.errors import Cancelled, CnnvizError, did_you_mean
from cnnviz_desktop.figure_options import (
    add_figure_options,
    check_figure_options,
    say_idle_options,
    write_result,
)
from cnnviz_desktop.input_options import finding_lines
from cnnviz_desktop.listing_commands import add_listings
from cnnviz_desktop.model_options import add_model_options, load, names_in
from cnnviz_desktop.predict_command import add_predict
from cnnviz_desktop.terminal import say, shown_run, table_text

if TYPE_CHECKING:
    from cnnviz_desktop.data import ImageInput, Result
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
        technique = getattr(options, "technique", None)
        kept = technique is not None and technique.resumes
        goes_on = " What is done is kept: the same command goes on from there." if kept else ""
        say(f"Cancelled.{goes_on}")
        return INTERRUPTED
    except CnnvizError as error:
        say(f"cnnviz: {error}")
        return BAD_INPUT
    except BrokenPipeError:  # `cnnviz models | head` is no error
        sys.stderr.close()
        return 0
    return code


class _Usage(argparse.HelpFormatter):
    """Show of a command what it needs: of its other options there are thirty."""

    def _format_usage(self, usage: Any, actions: Any, groups: Any, prefix: Any) -> str:
        if prefix == "":  # asked for the name that a command's own parser goes by
            return super()._format_usage(usage, actions, groups, prefix)
        needed = [item for item in actions if item.required or not item.option_strings]
        return f"{super()._format_usage(usage, needed, [], prefix).rstrip()} [options]\n\n"


class _Parser(argparse.ArgumentParser):
    """Complain in one sentence that says where to read on, with "did you mean"."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, formatter_class=_Usage)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read the words; those that nothing stands for are refused by the command itself."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            word = unknown[0].partition("=")[0]
            if word.startswith("-"):
                names = (name.lstrip("-") for name in self._option_string_actions)
                close = did_you_mean(word.lstrip("-"), names)
                self.error(f"There is no option “{word}”.{close}")
            self.error(f"“{word}” is one word too many.")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        message = message.replace("the following arguments are required: ", "Still needed: ")
        quoted = r"""(?<!\w)(?:'([^']*)'|"([^"]*)")(?!\w)"""  # by argparse, no apostrophes
        message = re.sub(quoted, r"“\1\2”", message)
        strange = re.match("argument COMMAND: invalid choice: “([^”]*)”", message)
        if strange is not None:
            close = did_you_mean(strange[1], _COMMANDS)
            message = f"There is no command “{strange[1]}”.{close}"
        end = "" if message.endswith((".", "?")) else "."
        self.exit(
            BAD_INPUT,
            f"cnnviz: {message.removeprefix('argument ')}{end} “{self.prog} --help” says more.\n",
        )


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
    add_listings(add)
    add_predict(add)
    tune = add("fine-tune", fine_tune_command.run, fine_tune_command.HELP)
    add_model_options(tune)
    fine_tune_command.add_options(tune)
    evaluate = evaluate_command.command(technique_from)
    evidence = evidence_command.command(_technique, technique_from)
    compare = compare_command.command(technique_from)
    for technique in TECHNIQUES:
        run = evidence if technique is EvidenceMatrix else _technique
        run = evaluate if technique is Evaluate else run
        run = compare if technique is CompareModels else run
        _add_technique(add(technique.command, run, technique.summary), technique)
    return parser


_COMMANDS = (
    "tour",
    "models",
    "weights",
    "layers",
    "predict",
    "fine-tune",
    *(item.command for item in TECHNIQUES),
)


def _add_technique(parser: argparse.ArgumentParser, technique: type[Technique]) -> None:
    parser.set_defaults(technique=technique)
    add_model_options(parser)
    if technique is CompareModels:
        compare_command.add_options(parser)
    elif technique.needs_image:
        parser.add_argument("image", type=Path, metavar="IMAGE", help="the picture")
    if technique is EvidenceMatrix:
        evidence_command.add_pictures(parser)
    if technique is Evaluate:
        evaluate_command.add_options(parser)
    for item in technique.parameters():
        # Where several models may be named no folder can follow them.
        behind = isinstance(item.kind, FolderKind) and technique is not Evaluate
        if behind and not technique.needs_image:
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
        table = ", .csv" if technique.tabular else ""
        out = f"a figure (.png, .svg, .pdf) or the data (.npz{table})"
    needed = not technique.prints and technique not in (Evaluate, CompareModels)
    add_figure_options(parser, out, required=needed)


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
            settings |= {"type": names_in, "metavar": ",".join(options)}
        case LayerKind():
            settings["metavar"] = "LAYER"
        case LayersKind():
            settings |= {"type": names_in, "metavar": "LAYER,LAYER"}
        case ModelsKind():
            settings |= {"type": names_in, "metavar": "MODEL,MODEL"}
        case FolderKind(file=file):
            settings["metavar"] = "FILE" if file else "FOLDER"
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


def _technique(options: argparse.Namespace) -> int:
    from cnnviz_desktop.engine.images import load_image
    from cnnviz_desktop.engine.technique import record

    technique = technique_from(options)
    if options.out is not None:
        check_figure_options(options)
    image = load_image(options.image) if technique.needs_image else None
    _say_notes(image)
    model = load(options)
    result = technique(model, image, shown_run())
    # Those of a table stand below it, wherever it is shown.
    told = options.out is not None and not isinstance(result, Table)
    for note in getattr(result, "notes", ()) if told else ():
        say(f"Note: {note}")
    _say_doubts(technique, result, model, image)
    if options.out is not None:
        say_idle_options(options, result)
        write_result(options, result, image, record(technique, model, image))
        print(f"Wrote {options.out}")
    elif isinstance(result, Table):
        print(table_text(result))
    return 0


def _say_notes(image: ImageInput | None) -> None:
    for note in image.notes if image else ():
        say(f"Note: {note}")


def _say_doubts(
    technique: Technique, result: Result, model: LoadedModel, image: ImageInput | None
) -> None:
    """Say why maps are broken, empty or doubtful, as the window does."""
    from cnnviz_desktop.engine.explanation_doctor import UNTRAINED, advise

    maps = result.maps if isinstance(result, Heatmaps) else (result,)
    found = [
        advice.finding
        for item in maps
        if isinstance(item, Heatmap) and image is not None
        for advice in advise(technique, item, model, image)
        if advice.finding.title != UNTRAINED
    ]
    for line in dict.fromkeys(finding_lines(found, infos=False)):
        say(f"Note: {line}")


def _tour(options: argparse.Namespace) -> int:
    from cnnviz_desktop.tour import write_tour

    page = write_tour(options.out, shown_run())
    print(f"Wrote {page}: open it in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
