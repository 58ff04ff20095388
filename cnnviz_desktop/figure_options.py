"""Give commands the options of a figure: how it is drawn and where it is written."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnviz_desktop.data import Inverted, Maximised, Timeline
from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.terminal import say

if TYPE_CHECKING:
    from cnnviz_desktop.data import ImageInput, Record, Result


def _channels(text: str) -> tuple[int, ...]:
    """Read "12,40-47" as channels."""
    found: list[int] = []
    try:
        for word in text.replace(",", " ").split():
            first, _dash, last = word.partition("-")
            found += range(int(first), int(last or first) + 1)
    except ValueError:
        words = f"“{text}” names no channels: give numbers and ranges such as 12,40-47"
        raise argparse.ArgumentTypeError(words) from None
    return tuple(found)


_OPTIONS: dict[str, dict[str, Any]] = {  # options of `plate` and `save`, by name
    "dpi": {"type": int, "metavar": "N", "help": "dots per inch (200)"},
    "width": {"type": float, "metavar": "INCHES", "help": "width, such as 3.5 for one column"},
    "slide": {"help": "shape it 16:9, with text to be read from afar"},
    "title": {"metavar": "TEXT", "help": "title in place of the one made for it"},
    "caption": {"metavar": "TEXT", "help": "sentences below the pictures"},
    "colormap": {"metavar": "NAME", "help": "colours of the values: magma, cividis, RdBu_r …"},
    "colour_bar": {"help": "draw the bar that explains the colours (on)"},
    "limit": {"type": int, "metavar": "N", "help": "most maps, filters or classes shown"},
    "columns": {"type": int, "metavar": "N", "help": "maps or filters side by side"},
    "scale": {
        "choices": ("tile", "layer"),
        "help": "colours reach to each tile's or the layer's maximum (tile)",
    },
    "signed": {"help": "zero in the middle of the colours (where there are values below it)"},
    "gamma": {"type": float, "metavar": "X", "help": "below 1 lifts faint values"},
    "opacity": {"type": float, "metavar": "X", "help": "of the heat on the picture, 0 to 1 (0.6)"},
    "order": {
        "choices": ("index", "max", "mean", "energy", "sparsity"),
        "help": "which maps come first (the strongest, of few their own order)",
    },
    "channels": {"type": _channels, "metavar": "LIST", "help": "these maps only: 12,40-47"},
    "hide_silent": {"help": "leave out maps that are zero everywhere"},
    "high": {"type": float, "metavar": "X", "help": "value of the last colour, for all maps"},
    "overlay": {"help": "lay each map over the picture"},
    "mode": {
        "choices": ("overlay", "heat", "masked", "contour", "colours"),
        "help": "how an explanation is shown (picture, map and overlay side by side)",
    },
    "threshold": {
        "type": float,
        "metavar": "X",
        "help": "leave out what is below this share of a map's maximum, 0 to below 1 (0)",
    },
    "cells": {"help": "draw the cells of an explanation as squares, not smooth"},
    "box": {"help": "outline what is hot in a map, and say where it lies"},
    "dark": {"help": "draw on a dark ground"},
    "transparent": {"help": "leave the ground clear"},
}
_FILM = ".gif"
_SPELLINGS = {"limit": ("--limit", "--tiles")}


def add_figure_options(parser: argparse.ArgumentParser, out: str, required: bool = False) -> None:
    """Add `--out` and how a figure is drawn; what is not given stays as `plate` has it."""
    group = parser.add_argument_group("figure")
    group.add_argument("--out", type=Path, required=required, metavar="FILE", help=out)
    for name, settings in _OPTIONS.items():
        spelt = _SPELLINGS.get(name, (f"--{name.replace('_', '-')}",))
        more: dict[str, Any] = {}
        if set(settings) == {"help"}:
            more["action"] = argparse.BooleanOptionalAction
        group.add_argument(*spelt, dest=f"figure_{name}", default=None, **settings, **more)


def write_result(
    options: argparse.Namespace, result: Result, image: ImageInput | None, written: Record
) -> None:
    """Write a result as the figure or the data that `--out` names."""
    from cnnviz_desktop.figures.export import DATA_SUFFIXES, save, save_data

    if options.out.suffix.lower() == _FILM and isinstance(result, (Maximised, Inverted)):
        from cnnviz_desktop.figures.growth import save_growth
        from cnnviz_desktop.figures.maximised_plate import growth_frames

        save_growth(growth_frames(result), options.out, written)
        return
    if options.out.suffix.lower() == _FILM and isinstance(result, Timeline):
        from cnnviz_desktop.figures.growth import save_growth
        from cnnviz_desktop.figures.timeline_film import film

        save_growth(film(result, image, dark=bool(options.figure_dark)), options.out, written)
        return
    if options.out.suffix.lower() in DATA_SUFFIXES:
        save_data(result, options.out, written)
    else:
        from cnnviz_desktop.figures.plates import plate

        how = _given(options)
        kept = {name: how.pop(name) for name in ("dpi", "transparent") if name in how}
        save(plate(result, image, **how), options.out, record=written, **kept)


def writing_to(options: argparse.Namespace, path: Path) -> argparse.Namespace:
    """Return the options with a file to write to."""
    return argparse.Namespace(**{**vars(options), "out": path})


def unlike_stems(files: Iterable[Path], taken: Iterable[str] = ()) -> list[str]:
    """Return a name for each file's results; those that would be the same are numbered."""
    known = set(taken)
    stems = []
    for file in files:
        stem, number = file.stem, 1
        while stem.casefold() in known:
            number += 1
            stem = f"{file.stem}-{number}"
        known.add(stem.casefold())
        stems.append(stem)
    return stems


def say_idle_options(options: argparse.Namespace, result: Result) -> None:
    """Say which options that were given change nothing about what is written."""
    from cnnviz_desktop.figures.export import DATA_SUFFIXES
    from cnnviz_desktop.figures.option_use import idle_options

    given, suffix = _given(options), options.out.suffix.lower()
    if suffix == _FILM:
        idle = [name for name in given if name != "dark" or not isinstance(result, Timeline)]
    else:
        idle = [*given] if suffix in DATA_SUFFIXES else [*idle_options(result, given)]
    if idle:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in idle)
        change = "changes" if len(idle) == 1 else "change"
        say(f"Note: {named} {change} nothing about {options.out.name}.")


def check_figure_options(options: argparse.Namespace) -> None:
    """Refuse what cannot be written or drawn: before the work, not after it."""
    from cnnviz_desktop.figures.export import check_dpi, check_suffix
    from cnnviz_desktop.figures.options import PlateOptions

    technique = getattr(options, "technique", None)
    if options.out.suffix.lower() != _FILM or technique is None or not technique.grows:
        check_suffix(options.out, tabular=technique is None or technique.tabular)
    check_place(options.out)
    how = _given(options)
    if "dpi" in how:
        check_dpi(how["dpi"])
    PlateOptions(**{name: how[name] for name in how if name not in ("dpi", "transparent")})


def check_place(path: Path | None) -> None:
    """Refuse a folder, and a file that there is no folder for: before the work, not after it."""
    if path is not None and path.is_dir():
        raise ExportError(f"{path} is a folder: name a file in it.")
    if path is not None and not path.parent.is_dir():
        raise ExportError(
            f"The folder {path.parent} does not exist: create it or choose another one."
        )


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options that were given."""
    given = {name: getattr(options, f"figure_{name}") for name in _OPTIONS}
    return {name: value for name, value in given.items() if value is not None}
