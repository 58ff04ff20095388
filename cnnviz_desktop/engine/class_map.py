"""Find which class of a network each folder of pictures stands for: guessed, and said otherwise.

A folder may be called by WordNet's number (n02123045), by a class's name (“tabby”, “n02123045
tabby”, “281_tabby”) or by its index (281). Where the network's classes have no names of their own
and there are as many folders, they are counted in the order of their names, as torchvision's
ImageFolder does in training.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from cnnviz_desktop.errors import ParameterError, did_you_mean

How = Literal["WordNet's number", "name", "index", "order", "said", ""]

_WORDNET = re.compile(r"n\d{8}")
_UNNAMED = re.compile(r"class \d+")
_NUMBER = re.compile(r"(\d+)[\s_.:-]+(\S.*)")
_LARGEST_FILE = 2**24


@dataclass(frozen=True)
class ClassMap:
    """For each of a dataset's classes (n) the index among the network's `labels`, None for none.

    `how` (n) says what each was told by, "" for none.
    """

    folders: tuple[str, ...]
    labels: tuple[str, ...]
    indices: tuple[int | None, ...]
    how: tuple[How, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the folders that stand for no class."""
        return tuple(
            name for name, index in zip(self.folders, self.indices, strict=True) if index is None
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Return each folder's class by its name, the folder's own where there is none."""
        return tuple(
            folder if index is None else self.labels[index]
            for folder, index in zip(self.folders, self.indices, strict=True)
        )

    def said(self, changes: Mapping[str, int | str | None]) -> ClassMap:
        """Return the map with some folders' classes as a person says: index, name, or None.

        Raises `ParameterError` for what is not there.
        """
        indices, how = list(self.indices), list(self.how)
        for folder, wanted in changes.items():
            if folder not in self.folders:
                raise ParameterError(
                    f"There is no folder “{folder}”.{did_you_mean(folder, self.folders)}"
                )
            place = self.folders.index(folder)
            indices[place] = None if wanted is None else self._index(wanted)
            how[place] = "said" if wanted is not None else ""
        return replace(self, indices=tuple(indices), how=tuple(how))

    def _index(self, wanted: int | str) -> int:
        if isinstance(wanted, str):
            found = _named(wanted, self.labels)
            if found is not None:
                return found
            if not wanted.strip().isdecimal():
                raise ParameterError(
                    f"The network has no class “{wanted}”, or several."
                    f"{did_you_mean(wanted, self.labels)} Say its index."
                )
        index = int(wanted)
        if not 0 <= index < len(self.labels):
            raise ParameterError(
                f"The network has no class {index}: it knows {len(self.labels)}, 0 to "
                f"{len(self.labels) - 1}."
            )
        return index


def guessed(folders: Sequence[str], labels: Sequence[str]) -> ClassMap:
    """Return the class that each folder's name most likely stands for."""
    told = [_told(folder, tuple(labels)) for folder in folders]
    left = [place for place, (found, _how) in enumerate(told) if found is None]
    for place, index in _numbered([folders[place] for place in left], len(labels)).items():
        told[left[place]] = index, "index"
    unknown = all(found is None for found, _how in told)
    if unknown and len(folders) == len(labels) and all(map(_UNNAMED.fullmatch, labels)):
        told = [(place, "order") for place in range(len(folders))]
    return ClassMap(
        tuple(folders),
        tuple(labels),
        tuple(found for found, _how in told),
        tuple(how for _found, how in told),
    )


def read_class_map(path: Path) -> dict[str, int | str | None]:
    """Read what a person says of folders from a JSON file: {"folder": index, "name" or null}."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ParameterError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"{path} is not sound JSON. {_HOW_SAID}") from error
    sound = isinstance(found, dict) and all(
        value is None or (isinstance(value, (int, str)) and not isinstance(value, bool))
        for value in found.values()
    )
    if not sound:
        raise ParameterError(f"{path} does not say which folder is which class. {_HOW_SAID}")
    said: dict[str, int | str | None] = found
    return said


_HOW_SAID = 'Write it as {"folder": 281, "another": "tabby"}.'


def _numbered(folders: Sequence[str], classes: int) -> dict[int, int]:
    """Return the index that folders of digits alone name; 1 to n count from one."""
    numbers = {place: int(name) for place, name in enumerate(folders) if name.strip().isdecimal()}
    if set(numbers.values()) == {*range(1, classes + 1)}:
        return {place: number - 1 for place, number in numbers.items()}
    return numbers if all(number < classes for number in numbers.values()) else {}


def _told(folder: str, labels: tuple[str, ...]) -> tuple[int | None, How]:
    """Return what a folder's name says by itself."""
    wordnet = _WORDNET.match(folder)
    if wordnet and (index := wordnet_indices(labels).get(wordnet[0])) is not None:
        return index, "WordNet's number"
    for words in _spellings(folder):
        found = _named(words, labels)
        if found is not None:
            return found, "name"
    numbered = _NUMBER.fullmatch(folder.strip())
    if numbered and int(numbered[1]) < len(labels):
        index = int(numbered[1])
        if any(_plain(labels[index]) == _plain(words) for words in _spellings(numbered[2])):
            return index, "name"
    return None, ""


def _spellings(folder: str) -> list[str]:
    """Return what a folder may mean: with no number in front, its first synonym."""
    bare = _WORDNET.sub("", folder, count=1).strip(" _-.:")
    numbered = _NUMBER.fullmatch(folder.strip())
    words = [folder, bare, bare.partition(",")[0]]
    return [*words, numbered[2]] if numbered else words


def _named(words: str, labels: Sequence[str]) -> int | None:
    """Return the one class of that name; None where there is none, or several."""
    wanted = _plain(words)
    return _by_name(tuple(labels)).get(wanted) if wanted else None


@lru_cache(maxsize=8)
def _by_name(labels: tuple[str, ...]) -> dict[str, int]:
    """Return the index of every name that is a class's own, whole names before first synonyms."""
    found: dict[str, int] = {}
    firsts = [_plain(label.partition(",")[0]) for label in labels]
    for words in (firsts, [_plain(label) for label in labels]):
        once = {word for word, count in Counter(words).items() if count == 1}
        found |= {word: index for index, word in enumerate(words) if word in once}
    return found


def _plain(words: str) -> str:
    """Write a name without what differs between folders and labels."""
    return " ".join(re.split(r"[\s_\-']+", words.casefold())).strip()


@lru_cache(maxsize=8)
def wordnet_indices(labels: tuple[str, ...]) -> Mapping[str, int]:
    """Return the index of each WordNet number, for a network of ImageNet's thousand classes.

    Some have a class “background” before them.
    """
    if len(labels) not in (1000, 1001):
        return {}
    package = find_spec("timm")  # not imported: that would take a second
    if package is None or package.origin is None:
        return {}
    numbers = Path(package.origin).parent / "data" / "_info" / "imagenet_synsets.txt"
    try:
        lines = numbers.read_text(encoding="utf-8").split()
    except OSError:  # another version of timm
        return {}
    first = len(labels) - len(lines)
    return {number: first + index for index, number in enumerate(lines)}
