"""Give commands the options of a model, and load it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

from cnnviz_desktop.errors import ParameterError
from cnnviz_desktop.input_options import add_input_options, finding_lines, input_spec
from cnnviz_desktop.model_names import file_in
from cnnviz_desktop.terminal import say, shown_run

if TYPE_CHECKING:
    from cnnviz_desktop.engine.loaded_model import LoadedModel

# Makes a command of a name, what carries it out, and a sentence of help.
Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add `MODEL`, and what says how it is loaded and fed."""
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


def names_in(text: str) -> tuple[str, ...]:
    """Read names between commas."""
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def load(options: argparse.Namespace) -> LoadedModel:
    """Load the model that the parsed options name, and say what its doctor noticed."""
    from cnnviz_desktop.data import PRETRAINED, RANDOM
    from cnnviz_desktop.engine.allocator import keep_freed_memory
    from cnnviz_desktop.engine.catalogue import find
    from cnnviz_desktop.engine.models import load_model

    keep_freed_memory()
    name, weights = _model_and_weights(options)
    model = load_model(
        name,
        weights,
        options.device,
        shown_run(),
        spec=input_spec(options),
        trust=options.trust,
    )
    # Those of one's own networks are news; a catalogue's are the same every time.
    own = find(model.name) is None or model.weights not in (PRETRAINED, RANDOM)
    for line in finding_lines(model.findings, infos=own):
        say(f"Note: {line}")
    made_by = PurePath(file_in(name)[0])
    if weights is None and made_by.suffix.lower() == ".py":
        say(
            f"Note: Weights as {made_by.name} makes them, since there is no --weights: random, "
            "unless it loads some."
        )
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
