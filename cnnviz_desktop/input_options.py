"""Give commands the options of a network's input and classes, and say what its doctor noticed."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from cnnviz_desktop.data import Finding, InputSpec


def add_input_options(parser: argparse.ArgumentParser) -> None:
    """Add `--size`, `--mean`, `--std` and `--labels`; what is not given is found out."""
    group = parser.add_argument_group("input", "found out where it is not given")
    group.add_argument(
        "--size", dest="input_size", type=_size, metavar="H[xW]", help="pixels: 28 or 64x128"
    )
    group.add_argument(
        "--mean",
        dest="input_mean",
        type=_numbers,
        metavar="X[,X,X]",
        help="mean of values in 0..1: one number for grey, three for RGB",
    )
    group.add_argument(
        "--std",
        dest="input_std",
        type=_numbers,
        metavar="X[,X,X]",
        help="what values are divided by once the mean is taken away",
    )
    group.add_argument(
        "--labels",
        dest="input_labels",
        type=Path,
        metavar="FILE",
        help="class names: one a line, or JSON",
    )


def input_spec(options: argparse.Namespace) -> InputSpec:
    """Return what the parsed options say of the input."""
    return InputSpec(
        options.input_size, options.input_mean, options.input_std, options.input_labels
    )


def finding_lines(findings: Iterable[Finding], *, infos: bool) -> list[str]:
    """Return what the doctor noticed, a line each; plain facts only with `infos`."""
    return [
        f"{item.title}{f' ({_some(item.items)})' if item.items else ''}: {item.detail}"
        for item in findings
        if infos or item.severity != "info"
    ]


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _size(text: str) -> tuple[int, int]:
    words = text.lower().replace("×", "x").split("x")
    if len(words) not in (1, 2) or not all(word.strip().isdecimal() for word in words):
        raise argparse.ArgumentTypeError(
            f"“{text}” is no size: write 224, or 64x128 (height first)"
        )
    height, width = int(words[0]), int(words[-1])
    return height, width


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"“{text}” are no numbers: write 0.5, or 0.485,0.456,0.406"
        ) from None
