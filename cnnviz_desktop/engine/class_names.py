"""Read class names from the text and JSON files that people keep beside a network."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cnnviz_desktop.data import Finding
from cnnviz_desktop.errors import ParameterError

_LARGEST_FILE = 2**24
_MOST_CLASSES = 1_000_000
_NUMBERED = re.compile(r"(\d+)(?:\s*[:=,;\t]\s*|\s+)(\S.*)")  # "0 cat", "0: cat", "0,cat"
_WORDNET = re.compile(r"(n\d{8})(?:[\s,:]+(\S.*))?")  # "n01440764 tench, Tinca tinca"

_HOW = 'Give a text file of one name a line, or JSON such as ["cat", "dog"] or {"0": "cat"}.'


def read_class_names(path: Path, classes: int = 0) -> tuple[str, ...]:
    """Return the class names of a file by index; raise `ParameterError` where it holds none.

    `classes` is how many the network has, 0 where that is not known. Names of classes that the file
    leaves out are "class 7". Numbers from 1 to n are taken for 0 to n - 1, unless the network has
    one class more.
    """
    text = _text(path)
    if text.lstrip()[:1] in ("[", "{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ParameterError(f"{path.name} begins like JSON and is none. {_HOW}") from error
        names = _of_json(found, path, classes)
    else:
        names = _of_lines([line.strip() for line in text.splitlines()], classes)
    if not names:
        raise ParameterError(f"{path.name} holds no class names. {_HOW}")
    return names


def labels_finding(names: int, classes: int) -> Finding | None:
    """Say where a network has another count of classes than there are names, or none."""
    if names == classes or not classes:
        return None
    if not names:
        return Finding(
            "info",
            "No class names",
            f"Its {classes} classes are shown as “class 0” to “class {classes - 1}”. Give their "
            "names in the window (Tools, Input and class names) or with --labels.",
        )
    rest = f"“class {names}”" if names + 1 == classes else f"“class {names}” and on"
    short = f"those without one are shown as {rest}" if names < classes else "the rest is left out"
    return Finding(
        "warning",
        "Labels do not fit",
        f"There are {names} class names, and the network answers with {classes} scores: {short}. "
        f"Give a file of {classes} names in the window (Tools, Input and class names) or with "
        "--labels.",
    )


def fitted(names: tuple[str, ...], classes: int) -> tuple[str, ...]:
    """Return exactly as many names as there are classes; those without one are "class 7"."""
    return (*names[:classes], *(f"class {index}" for index in range(len(names), classes)))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ParameterError(f"There is no file of class names {path}. Check the path.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ParameterError(f"The class names in {path} cannot be read: {reason}.") from error
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if len(data) > _LARGEST_FILE or (b"\0" in data and not wide):
        raise ParameterError(f"{path.name} is no list of class names. {_HOW}")
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ParameterError(f"{path.name} is not text that can be read. Save it as UTF-8.")


def _of_lines(lines: list[str], classes: int) -> tuple[str, ...]:
    lines = [line for line in lines if line]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    if all(numbered):
        pairs = [(int(match[1]), match[2]) for match in numbered if match]
        if {index for index, _ in pairs} in ({*range(len(pairs))}, {*range(1, len(pairs) + 1)}):
            return _by_index(dict(pairs), classes)
    return tuple(_of_wordnet(lines))


def _of_wordnet(lines: list[str]) -> list[str]:
    """Leave out WordNet's numbers where every line begins with one; of synonyms keep the first."""
    matches = [_WORDNET.fullmatch(line) for line in lines]
    if not all(match and match[2] for match in matches):
        return lines
    return [match[2].partition(",")[0].strip() for match in matches if match]


def _of_json(found: Any, path: Path, classes: int) -> tuple[str, ...]:
    if isinstance(found, list):
        return tuple(_of_wordnet([_name(item, path) for item in found]))
    if not isinstance(found, dict):
        raise ParameterError(f"{path.name} is no list of class names. {_HOW}")
    inner = found.get("id2label") or found.get("label2id")  # the config.json of Hugging Face
    if isinstance(inner, dict):
        found = inner
    if all(key.strip().isdecimal() for key in found):
        return _by_index({int(key): _name(item, path) for key, item in found.items()}, classes)
    if all(isinstance(item, int) and not isinstance(item, bool) for item in found.values()):
        return _by_index({index: key for key, index in found.items()}, classes)
    raise ParameterError(f"{path.name} does not say which class has which index. {_HOW}")


def _name(item: Any, path: Path) -> str:
    if isinstance(item, list) and item:
        item = item[-1]  # ["n01440764", "tench"], as Keras has it
    if isinstance(item, Mapping):
        item = item.get("name", item.get("label"))
    if not isinstance(item, (str, int, float)):
        raise ParameterError(f"{path.name} has a class without a name. {_HOW}")
    return str(item).strip()


def _by_index(names: dict[int, str], classes: int) -> tuple[str, ...]:
    if names and (min(names) < 0 or max(names) >= _MOST_CLASSES):
        raise ParameterError(
            f"Class indices must be 0 to {_MOST_CLASSES - 1:,}: the file has "
            f"{min(names)} to {max(names)}."
        )
    count = len(names)
    if set(names) == {*range(1, count + 1)} and classes != count + 1:
        names = {index - 1: name for index, name in names.items()}
    return tuple(names.get(index, f"class {index}") for index in range(max(names, default=-1) + 1))
