"""Write the reference of all techniques from the techniques themselves, as Markdown.

python -m cnnviz_desktop.reference docs/techniques.md
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from cnnviz_desktop.engine.techniques import TECHNIQUES

_HEAD = """# The techniques

What each shows, how it is called, its parameters and its source. This page is written by
`python -m cnnviz_desktop.reference docs/techniques.md` from the techniques themselves: the window's
forms and `cnnviz COMMAND --help` say the same. In a notebook a technique is a class of the same
parameters:
`GradCam(layer="features", target=7)(model, image)`.
"""


def page() -> str:
    """Return the page, a chapter for each tab of the window."""
    tabs = dict.fromkeys(kind.tab for kind in TECHNIQUES)
    parts = [_HEAD]
    for tab in tabs:
        parts.append(f"## {tab}\n")
        parts += [_entry(kind) for kind in TECHNIQUES if kind.tab == tab]
    return "\n".join(parts)


def _entry(kind: type[Technique]) -> str:
    """Return what there is to say of a technique."""
    picture = " IMAGE" if kind.needs_image else ""
    out = "[--out FILE]" if kind.prints else "--out FILE"
    command = f"cnnviz {kind.command} MODEL{picture} {out}"
    lines = [
        f"### {kind.title}",
        "",
        kind.summary,
        "",
        f"`{command}`, in Python `{kind.__name__}`.{_source(kind)}",
        "",
        inspect.cleandoc(kind.__doc__ or ""),
        "",
        "| parameter | values | default | |",
        "|---|---|---|---|",
        *_rows(kind),
        "",
    ]
    return "\n".join(lines)


def _source(kind: type[Technique]) -> str:
    """Return where a technique was published, as a link."""
    name, _colon, place = kind.paper.partition(":")
    address = {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/"}.get(name)
    return f" Source: [{kind.paper}]({address}{place})." if address else ""


def _rows(kind: type[Technique]) -> Iterator[str]:
    for item in kind.parameters():
        values, default = _values(item).replace("|", "\\|"), _written(item.default)
        words = item.help.replace("|", "\\|")
        yield f"| `{item.option}` | {values} | {default} | {words} |"


def _values(item: Parameter) -> str:
    """Return what a parameter takes, in words."""
    match item.kind:
        case Flag():
            return "yes or no"
        case Integer(minimum, maximum):
            return f"{minimum} to {maximum}"
        case Number(minimum, maximum):
            return f"{minimum:g} to {maximum:g}"
        case Choice(options):
            return ", ".join(options)
        case Choices(options):
            return "any of " + ", ".join(options)
        case LayerKind():
            return "a layer"
        case LayersKind():
            return "layers"
        case ClassKind():
            return "a class"
        case FolderKind():
            return "a folder"


def _written(value: Any) -> str:
    """Return a default as a person writes it."""
    if value is None or value == ():
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
