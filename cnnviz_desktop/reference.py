"""Write a page on each technique from the technique and its guide in resources/help, as Markdown.

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
    ModelsKind,
    Number,
    Parameter,
    Technique,
)
from cnnviz_desktop.engine.techniques import TECHNIQUES
from cnnviz_desktop.resources import resource

_HEAD = """# The techniques

What each shows is told on a page of its own: when to use it and when not, how to read it, how it is
made, its parameters and its source. The window shows the same pages (F1). In a notebook a technique
is a class of the same parameters: `GradCam(layer="features", target=7)(model, image)`.

These pages are written by `python -m cnnviz_desktop.reference docs/techniques.md` from the
techniques and the guides in `resources/help`.
"""
_ALT = "made with the bundled model"


def index() -> str:
    """Return the page that lists all techniques, a table for each tab of the window."""
    parts = [_HEAD]
    for tab in dict.fromkeys(kind.tab for kind in TECHNIQUES):
        rows = [_listed(kind) for kind in TECHNIQUES if kind.tab == tab]
        parts.append(
            "\n".join((f"## {tab}\n", "| technique | shows | |", "|---|---|---|", *rows, ""))
        )
    return "\n".join(parts)


def page(kind: type[Technique], pictures: str = "") -> str:
    """Return all there is to say of a technique; `pictures` leads to the folder of the guides."""
    shown = has_picture(kind)
    picture = [f"![{kind.title}, {_ALT}]({pictures}{kind.command}.png)", ""] if shown else []
    made = inspect.cleandoc(kind.__doc__ or "").replace("<", "\\<")
    lines = [
        f"# {kind.title}",
        "",
        f"**{kind.summary}**",
        "",
        *picture,
        guide(kind),
        "## How it is made",
        "",
        f"{made}{_source(kind)}",
        "",
        "## Parameters",
        "",
        "| parameter | values | default | |",
        "|---|---|---|---|",
        *_rows(kind),
        "",
        f"`{_call(kind)}`, in Python `{kind.__name__}`.",
        "",
    ]
    return "\n".join(lines)


def guide(kind: type[Technique]) -> str:
    """Return what a person wrote on a technique: what it shows, when to use it, how to read it."""
    return resource(f"help/{kind.command}.md").read_text(encoding="utf-8")


def has_picture(kind: type[Technique]) -> bool:
    """Tell whether a picture of a technique ships."""
    return (resource("help") / f"{kind.command}.png").is_file()


def write(path: Path) -> None:
    """Write the list, and a page for each technique into the folder of the same name."""
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(index(), encoding="utf-8")
    for kind in TECHNIQUES:
        text = page(kind, "../../resources/help/")
        (folder / f"{kind.command}.md").write_text(text, encoding="utf-8")


def _listed(kind: type[Technique]) -> str:
    """Return a technique's row of the list."""
    place = f"techniques/{kind.command}.md"
    shown = has_picture(kind)
    source = f"../resources/help/{kind.command}.png"
    picture = f'<img src="{source}" width="160" alt="{kind.title}">' if shown else ""
    return f"| [{kind.title}]({place}) | {kind.summary} | {picture} |"


def _call(kind: type[Technique]) -> str:
    """Return how a technique is called on the command line."""
    picture = " IMAGE" if kind.needs_image else ""
    out = "[--out FILE]" if kind.prints else "--out FILE"
    return f"cnnviz {kind.command} MODEL{picture} {out}"


def _source(kind: type[Technique]) -> str:
    """Return where a technique was published, as a link."""
    name, _colon, place = kind.paper.partition(":")
    address = {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/"}.get(name)
    return f"\n\nSource: [{kind.paper}]({address}{place})." if address else ""


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
        case ModelsKind():
            return "models"
        case ClassKind():
            return "a class"
        case FolderKind(file=file):
            return "a file" if file else "a folder"


def _written(value: Any) -> str:
    """Return a default as a person writes it."""
    if value is None or value == ():
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
