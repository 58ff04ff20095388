"""Read the names that networks are loaded by: of the catalogue, a file, a function in a file."""

from __future__ import annotations

import re
from pathlib import PurePath

from cnnviz_desktop.paths import expanded

_PUBLISHED = "pretrained"
_FACTORY = re.compile(r"(.+\.py)(:\w+)", re.I | re.S)


def file_in(name: str) -> tuple[str, str]:
    """Part a network's name into a file's path and what follows it ("net.py" and ":make").

    Both are "" for a network that is loaded by its name alone.
    """
    found = _FACTORY.fullmatch(name)
    if found is not None:
        return found[1], found[2]
    is_file = not name.startswith("timm:") and any(sign in name for sign in "/\\.")
    return (name, "") if is_file else ("", "")


def parted(model: str) -> tuple[str, str | None]:
    """Part "vgg16=none" into a network's name and its weights; those are None without a "="."""
    name, sign, weights = model.rpartition("=")
    if not (sign and name and weights) or expanded(model).exists():
        return model, None
    return name, None if weights == _PUBLISHED else weights


def joined(name: str, weights: str | None) -> str:
    """Return a network's name and its weights in one text, as `parted` reads it."""
    return name if weights in (None, _PUBLISHED) else f"{name}={weights}"


def rooted(name: str) -> str:
    """Return a network's name with its file's path from the root, whatever folder one is in."""
    file, rest = file_in(name)
    return f"{expanded(file).absolute()}{rest}" if file else name


def short_name(name: str) -> str:
    """Return a network's name without the folders: "vgg16", "net.onnx", "net.py:make"."""
    file, rest = file_in(name)
    return PurePath(file).name + rest if file else name
