"""Write a result down as what makes it again: a command line or lines of Python."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from cnnviz_desktop.engine.technique import Flag, Technique


def as_command(
    technique: Technique, model: str, weights: str = "", image: Path | None = None, out: str = ""
) -> str:
    """Return the `cnnviz` command that makes the technique's result again, quoted for a shell.

    `weights` is a file or "none"; "" stands for the pretrained ones.
    """
    words = ["cnnviz", technique.command, model]
    if image is not None and technique.needs_image:
        path = str(image)
        words.append(f"{os.curdir}{os.sep}{path}" if path.startswith("-") else path)
    if weights:
        words += ["--weights", weights]
    for item in technique.parameters():
        value = getattr(technique, item.name)
        if value == item.default:
            continue
        if isinstance(item.kind, Flag):
            words.append(item.option if value else f"--no-{item.option[2:]}")
        else:
            # one word, so that a value such as -1 is not taken for an option
            words.append(f"{item.option}={value}")
    words += ["--out", out or f"{technique.command}.png"]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def as_python(
    technique: Technique, model: str, weights: str = "", image: Path | None = None
) -> str:
    """Return the lines of Python that make the technique's result again and draw it."""
    name = type(technique).__name__
    looks = technique.needs_image and image is not None
    changed = {
        item.name: getattr(technique, item.name)
        for item in technique.parameters()
        if getattr(technique, item.name) != item.default
    }
    given = ", ".join(f"{key}={value!r}" for key, value in changed.items())
    origin = f", weights={weights!r}" if weights else ""
    names = sorted(["load_model", "plate", name, *(["load_image"] if looks else [])])
    lines = [
        f"from cnnviz_desktop import {', '.join(names)}",
        "",
        f"model = load_model({model!r}{origin})",
        *([f"image = load_image({str(image)!r})"] if looks else []),
        f"result = {name}({given})(model{', image' if looks else ''})",
        f"figure = plate(result{', image' if looks else ''})",
    ]
    return "\n".join(lines) + "\n"
