"""Write a result down as what makes it again: a command line or lines of Python.

In both, a technique of None stands for the model's plain prediction, `weights` is a file or "none"
and "" the pretrained ones, `spec` is what a person said of the network's input, and `figure` holds
options of `plate` and `save` by name. A file that was trusted is not said to be: it is remembered.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cnnviz_desktop.data import InputSpec
from cnnviz_desktop.engine.technique import PREDICT, Flag, Technique
from cnnviz_desktop.paths import expanded

_LONGEST_LINE = 88
_OF_FILES = ("dpi", "transparent")  # what `save` takes; the rest is for `plate`


def as_command(
    technique: Technique | None,
    model: str,
    weights: str = "",
    image: Path | None = None,
    out: str = "",
    *,
    fit: str = "crop",
    device: str = "cpu",
    spec: InputSpec = InputSpec(),  # noqa: B008 - a frozen value
    figure: Mapping[str, Any] | None = None,
) -> str:
    """Return the `cnnviz` command that makes the result again, quoted for a shell."""
    command = technique.command if technique is not None else PREDICT
    words = ["cnnviz", command, _place(model)]
    if image is not None and _looks(technique):
        path = str(image)
        words.append(f"{os.curdir}{os.sep}{path}" if path.startswith("-") else path)
    if weights:
        words += ["--weights", weights]
    if device != "cpu":
        words += ["--device", device]
    if fit != "crop":
        words += ["--fit", fit]
    words += _input_words(spec)
    if technique is not None:
        words += _parameter_words(technique)
    words += ["--out", out or f"{command}.png"]
    for name, value in (figure or {}).items():
        words.append(_option(f"--{name.replace('_', '-')}", value))
    if os.name == "nt":
        from subprocess import list2cmdline

        return list2cmdline(words)
    return shlex.join(words)


def as_python(
    technique: Technique | None,
    model: str,
    weights: str = "",
    image: Path | None = None,
    out: str = "",
    *,
    fit: str = "crop",
    device: str = "cpu",
    spec: InputSpec = InputSpec(),  # noqa: B008 - a frozen value
    figure: Mapping[str, Any] | None = None,
) -> str:
    """Return the lines of Python that make the result again and draw it.

    `out` is a file, written with the record that opens it again.
    """
    looks = _looks(technique) and image is not None
    shown = ["result", *(["image"] if looks else [])]
    options = {key: value for key, value in (figure or {}).items() if key not in _OF_FILES}
    written = {key: value for key, value in (figure or {}).items() if key in _OF_FILES}
    data = Path(out).suffix.lower() in (".npz", ".csv")
    names = ["load_model", *(["load_image"] if looks else [])]
    asked = f"model{', image' if looks else ''}"
    made = []
    if technique is None:
        names.append("inspect")
        result = "inspect(model, image)"
    else:
        names.append(type(technique).__name__)
        call = _call(type(technique).__name__, [], _changed(technique), wrapped=False)
        made = [f"technique = {call}"] if out else []
        result = f"{'technique' if out else call}({asked})"
    names += [] if data else ["plate"]
    if out:
        names += ["record", "save_data" if data else "save"]
    origin = {"weights": weights} if weights else {}
    origin |= {"device": device} if device != "cpu" else {}
    fed = {
        key: _Source(f"Path({str(expanded(value).absolute())!r})")
        if isinstance(value, Path)
        else value
        for key, value in vars(spec).items()
        if value is not None
    }
    if fed:
        names.append("InputSpec")
        origin["spec"] = _Source(_call("InputSpec", [], fed, wrapped=False))
    loaded = _call("load_model", [repr(_place(model))], origin, before=8)
    lines = [
        *(["from pathlib import Path", ""] if spec.labels is not None else []),
        f"from cnnviz_desktop import {', '.join(sorted(names))}",
        "",
        f"model = {loaded}{f'.with_fit({fit!r})' if fit != 'crop' else ''}",
        *([f"image = load_image({str(image)!r})"] if looks else []),
        *made,
        f"result = {result}",
        *([] if data else ["figure = " + _call("plate", shown, options, before=9)]),
    ]
    if out:
        note = _Source(f"record({'technique' if made else 'None'}, {asked})")
        saved = ("save_data", "result", {}) if data else ("save", "figure", written)
        lines.append(_call(saved[0], [saved[1], repr(out)], {"record": note, **saved[2]}))
    return "\n".join(lines) + "\n"


class _Source(str):
    """Python that stands in a call as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _place(model: str) -> str:
    """Return a model's name, that of a file from the root, so that it is found from any folder."""
    from cnnviz_desktop.engine.factories import split
    from cnnviz_desktop.engine.model_files import written_as_path

    factory = split(model)
    if factory is not None and factory[0].is_file():
        return f"{factory[0].absolute()}:{factory[1]}"
    if factory is None and written_as_path(model) and expanded(model).is_file():
        return str(expanded(model).absolute())
    return model


def _input_words(spec: InputSpec) -> list[str]:
    words = []
    if spec.size is not None:
        words.append(f"--size={spec.size[0]}x{spec.size[1]}")
    for name, values in (("mean", spec.mean), ("std", spec.std)):
        if values is not None:
            words.append(f"--{name}={','.join(map(repr, values))}")
    if spec.labels is not None:
        words.append(f"--labels={expanded(spec.labels).absolute()}")
    return words


def _looks(technique: Technique | None) -> bool:
    """Tell whether a picture takes part."""
    return technique is None or technique.needs_image


def _changed(technique: Technique) -> dict[str, Any]:
    """Return the parameters that are not the default."""
    values = technique.values()
    return {
        item.name: values[item.name]
        for item in technique.parameters()
        if values[item.name] != item.default
    }


def _parameter_words(technique: Technique) -> list[str]:
    changed = _changed(technique)
    kinds = {item.name: item for item in technique.parameters()}
    return [
        _option(kinds[name].option, value, flag=isinstance(kinds[name].kind, Flag))
        for name, value in changed.items()
    ]


def _option(option: str, value: Any, flag: bool = False) -> str:
    """Return an option as one word, so that a value such as -1 is not taken for an option."""
    if flag or isinstance(value, bool):
        return option if value else f"--no-{option[2:]}"
    if isinstance(value, tuple):
        return f"{option}={','.join(map(str, value))}"
    return f"{option}={value}"


def _call(
    name: str,
    given: Iterable[str],
    options: Mapping[str, Any],
    before: int = 0,
    wrapped: bool = True,
) -> str:
    """Return a call, over several lines where one would be too long."""
    parts = [*given, *(f"{key}={value!r}" for key, value in options.items())]
    line = f"{name}({', '.join(parts)})"
    if not wrapped or len(line) + before <= _LONGEST_LINE:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + ")"
