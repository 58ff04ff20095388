"""Name the failures a person can do something about.

Faces (window, command line) catch only `CnnvizError`; its text is the sentence the user reads, with
what to do next. Anything else is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class CnnvizError(Exception):
    """The base of all errors whose text is meant for the user."""


class ImageError(CnnvizError):
    """A picture cannot be read."""


class ModelError(CnnvizError):
    """A model or its weights cannot be had."""


class TrustError(ModelError):
    """A file would run code of its own when it is opened: the person has to say that it may.

    `path`, `digest` its SHA-256 as hex, and `runs` the names of what it would run.
    """

    def __init__(self, sentence: str, path: Path, digest: str, runs: tuple[str, ...]) -> None:
        super().__init__(sentence)
        self.path = path
        self.digest = digest
        self.runs = runs


class ArchitectureError(ModelError):
    """A file holds weights alone, and no known network has such ones."""


class LayerError(CnnvizError):
    """A layer does not exist or does not suit the technique."""


class TargetError(CnnvizError):
    """A class does not exist in the model."""


class ParameterError(CnnvizError):
    """A parameter's value is outside what it may be."""


class ExportError(CnnvizError):
    """A file cannot be written."""


class SessionError(CnnvizError):
    """A session file cannot be opened or written."""


class Cancelled(CnnvizError):
    """The person stopped the work."""

    def __init__(self) -> None:
        super().__init__("Cancelled.")


def quoted(value: object) -> str:
    """Return a value as a sentence shows it: text in its quotes and on one line."""
    return f"“{repr(value)[1:-1]}”" if isinstance(value, str) else repr(value)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean a, b or c?" for the closest known words, or "" when none is close."""
    lowered = {name.lower(): name for name in known}
    close = [lowered[name] for name in get_close_matches(word.lower(), lowered, n=3, cutoff=0.55)]
    if not close:
        return ""
    *rest, last = close
    return f" Did you mean {', '.join(rest) + ' or ' if rest else ''}{last}?"
