"""The command line's `fine-tune`: teach a network the classes of a folder."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz_desktop.data import Curves, Record, Result
from cnnviz_desktop.engine.run import Progress, Run
from cnnviz_desktop.errors import Cancelled, ParameterError
from cnnviz_desktop.figure_options import check_place
from cnnviz_desktop.model_options import load, names_in
from cnnviz_desktop.terminal import say, write_progress

if TYPE_CHECKING:
    from cnnviz_desktop.engine.fine_tuning import FineTuning, Tuned
    from cnnviz_desktop.engine.loaded_model import LoadedModel

HELP = "Teach a model the classes of a folder, and write what it has become as a model of its own."


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `fine-tune` takes besides a model."""
    parser.add_argument(
        "data",
        metavar="FOLDER",
        help="a folder with a folder for each class (or folders train and val of such), a CSV file "
        "of paths and labels, torchvision's MNIST or CIFAR, or “generated”",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the file to write, .safetensors"
    )
    parser.add_argument("--epochs", type=int, default=30, metavar="N", help="at most so many (30)")
    parser.add_argument(
        "--thaw", action="store_true", help="train the whole network, not its head alone"
    )
    parser.add_argument(
        "--augment",
        type=names_in,
        default=(),
        metavar="flip,crop,colour",
        help="change the pictures in these ways while training",
    )
    parser.add_argument("--optimiser", choices=("adam", "sgd"), default="adam", help="adam or sgd")
    parser.add_argument(
        "--learning-rate",
        type=float,
        metavar="X",
        help="of the head, the rest has a tenth (0.003 with adam, 0.03 with sgd)",
    )
    parser.add_argument("--batch", type=int, default=32, metavar="N", help="pictures a step (32)")
    parser.add_argument(
        "--held-out",
        type=float,
        default=0.2,
        metavar="X",
        help="share of each class to measure by (0.2), unless the data has a part for that",
    )
    parser.add_argument(
        "--patience",
        type=int,
        default=8,
        metavar="N",
        help="end after so many epochs without gain (8), 0 for never",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is drawn (0)")
    parser.add_argument(
        "--resume", action="store_true", help="go on with a training that was stopped"
    )
    parser.add_argument(
        "--log-dir", type=Path, metavar="FOLDER", help="also log to TensorBoard's event files here"
    )
    parser.add_argument(
        "--curves",
        type=Path,
        metavar="FILE",
        help="also write the curves as a figure (.png, .svg, .pdf) or data (.csv, .npz)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Carry `fine-tune` out."""
    from cnnviz_desktop.engine.fine_tuning import fine_tune

    settings = _settings(options)
    if options.curves is not None:
        from cnnviz_desktop.figures.export import check_suffix

        check_suffix(options.curves)
        if options.curves.parent != options.out.parent:  # that one is made where it is missing
            check_place(options.curves)
    model = load(options)
    try:
        made = fine_tune(
            model,
            settings,
            options.out,
            _run(),
            resume=options.resume,
            log_dir=options.log_dir,
        )
    except (Cancelled, KeyboardInterrupt):
        if options.out.with_name(f"{options.out.name}.resume").is_file():
            say(f"Stopped. {options.out} holds the best so far; --resume goes on.")
        raise
    for note in made.notes:
        say(f"Note: {note}")
    if options.curves is not None:
        _write_curves(options.curves, made.curves, model, settings)
    print(json.dumps(_as_json(made), indent=2) if options.json else _text(made))
    return 0


def _settings(options: argparse.Namespace) -> FineTuning:
    from cnnviz_desktop.engine.fine_tuning import FineTuning

    if options.seed < 0:
        raise ParameterError(f"The seed must be 0 or more, not {options.seed}.")
    return FineTuning(
        data=options.data,
        epochs=options.epochs,
        thaw=options.thaw,
        augment=options.augment,
        optimiser=options.optimiser,
        learning_rate=options.learning_rate,
        batch=options.batch,
        held_out=options.held_out,
        patience=options.patience,
        seed=options.seed,
    )


def _run() -> Run:
    """Return a run that prints a line an epoch, and on a terminal how far it is."""

    def show(progress: Progress) -> None:
        left = progress.remaining
        rest = f", {left:.0f} s left at most" if left is not None and left >= 1 else ""
        write_progress(progress, rest)

    def tell(result: Result) -> None:
        if isinstance(result, Curves):
            numbers = (
                f"{name} {result.last(f'{name}/train'):.3f} ({result.last(f'{name}/held out'):.3f})"
                for name in ("loss", "accuracy", "R²")
            )
            epoch = len(result.steps[0])
            say(f"epoch {epoch}: {', '.join(numbers)}")

    return Run(on_progress=show if sys.stderr.isatty() else None, on_preview=tell)


def _write_curves(path: Path, curves: Curves, model: LoadedModel, settings: FineTuning) -> None:
    """Write the curves with the record of the training."""
    from dataclasses import asdict, replace

    from cnnviz_desktop.engine.technique import record
    from cnnviz_desktop.figures.export import DATA_SUFFIXES, save, save_data

    parameters: dict[str, Any] = {**asdict(settings), "augment": list(settings.augment)}
    made: Record = replace(record(None, model), technique="fine-tune", parameters=parameters)
    if path.suffix.lower() in DATA_SUFFIXES:
        save_data(curves, path, made)
    else:
        from cnnviz_desktop.figures.plates import plate

        save(plate(curves), path, record=made)


def _text(made: Tuned) -> str:
    return (
        f"Wrote {made.path}: {len(made.labels)} classes, {made.accuracy:.1%} of the held-out "
        f"pictures right (loss {made.loss:.3f}, MSE {made.mse:.4f}, R² {made.r2:.3f}), "
        f"epoch {made.epoch} of {made.epochs}, {made.seconds:.0f} s."
    )


def _as_json(made: Tuned) -> dict[str, Any]:
    curves = {
        name: [None if not np.isfinite(value) else float(value) for value in values]
        for name, values in zip(made.curves.names, made.curves.values, strict=True)
    }
    numbers = ("epoch", "epochs", "loss", "accuracy", "mse", "r2", "seconds")
    return {
        "file": str(made.path),
        "labels": list(made.labels),
        **{name: getattr(made, name) for name in numbers},
        "curves": curves,
        "notes": list(made.notes),
    }
