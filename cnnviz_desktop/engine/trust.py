"""Remember which files a person allowed to run their own code, by what is in them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from cnnviz_desktop.errors import ModelError, TrustError
from cnnviz_desktop.settings import settings_path
from cnnviz_desktop.whole_file import whole_file

LARGEST_FILE = 2**22
_SHOWN = 6  # names in the sentence; all are in `TrustError.runs`


def digest(*paths: Path) -> str:
    """Return the SHA-256 of a file as hex, of several the one of their digests."""
    try:
        found = [_digest(path) for path in paths]
    except OSError as error:
        raise ModelError(f"{error.filename} cannot be read: {error.strerror}.") from error
    return found[0] if len(found) == 1 else hashlib.sha256("".join(found).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def trusted_path() -> Path:
    """Return where the trusted files are remembered."""
    return settings_path().with_name("trusted.json")


def is_trusted(digest: str) -> bool:
    """Tell whether a person allowed the file of that SHA-256 to run its code."""
    return digest in _remembered()


def remember(path: Path, digest: str) -> None:
    """Let the file of that SHA-256 run its code from now on; `path` only says which it was.

    Where nothing can be written it is asked about again next time: that is all.
    """
    known = _remembered()
    known[digest] = str(path)
    text = json.dumps(known, indent=2, sort_keys=True) + "\n"
    target = trusted_path()
    with suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as stream:
            stream.write(text.encode("ascii"))


def require(path: Path, runs: Sequence[str], trust: bool, beside: Iterable[Path] = ()) -> None:
    """Raise `TrustError` unless the file may run its code; with `trust` remember that it may.

    `runs` names what would run; `beside` are files that it runs as well.
    """
    found = digest(path, *beside)
    if trust:
        remember(path, found)
    elif not is_trusted(found):
        names = ", ".join(runs[:_SHOWN])
        more = f" and {len(runs) - _SHOWN} more" if len(runs) > _SHOWN else ""
        raise TrustError(
            f"{path.name} runs code of its own when it is opened: {names}{more}. If you know where "
            "it is from, allow it with --trust (in Python trust=True), which is remembered as long "
            "as the file stays the same.",
            path,
            found,
            tuple(runs),
        )


def _remembered() -> dict[str, str]:
    try:
        with trusted_path().open("rb") as stream:
            values = json.loads(stream.read(LARGEST_FILE))
    except (OSError, ValueError, RecursionError):  # none, damaged, too long
        return {}
    if not isinstance(values, dict):
        return {}
    return {
        key: value
        for key, value in values.items()
        if re.fullmatch("[0-9a-f]{64}", key) and isinstance(value, str)
    }
