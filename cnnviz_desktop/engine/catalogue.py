"""List the networks that can be loaded by name, from published facts; build none.

The facts are in `resources/catalogue.json`, which `python -m cnnviz_desktop.engine.catalogue_facts`
writes: neither torch nor torchvision nor timm is imported to list or search them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

from cnnviz_desktop.engine.caches import checkpoints_folder, hub_folder, repository_file
from cnnviz_desktop.engine.families import family_of
from cnnviz_desktop.resources import resource

BUNDLED = "bundled"
TIMM = "timm:"
ALIASES = {"resnet50v2": "timm:resnetv2_50"}  # the name that Keras and the papers gave it


@dataclass(frozen=True)
class CatalogueEntry:
    """A model that can be loaded by name: its size, published accuracy, and whether it is here.

    `accuracy` is ImageNet's top-1 in per cent, None where it is not known; `megabytes` the size of
    the pretrained weights, which are not `published` for every one; `year` that of the paper.
    """

    name: str
    parameters: int | None
    accuracy: float | None
    megabytes: float
    here: bool
    family: str = ""
    year: int | None = None
    source: Literal["bundled", "torchvision", "timm"] = "torchvision"
    published: bool = True
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Published:
    """Where pretrained weights are: a Hugging Face repository or an address, "" for the other."""

    tag: str
    repository: str
    url: str

    @property
    def file_name(self) -> str:
        """Return the name of the file in torch.hub's folder of checkpoints."""
        if self.url:
            return PurePosixPath(urlsplit(self.url).path).name
        return self.repository.rpartition("/")[2] + ".safetensors"


@cache
def facts() -> Mapping[str, Any]:
    """Read the facts of all models but the bundled one, in the order they are listed in."""
    found: dict[str, Any] = json.loads(resource("catalogue.json").read_bytes())["models"]
    return found


def published(name: str) -> tuple[Published, ...]:
    """Return a model's pretrained weights, the usual ones first; () where there are none."""
    weights: dict[str, str] = facts()[name].get("weights", {}) if name in facts() else {}
    bare = name.removeprefix(TIMM)
    return tuple(
        Published(tag, "", place)
        if "://" in place
        else Published(tag, place or f"timm/{bare}.{tag}", "")
        for tag, place in weights.items()
    )


def model_names() -> tuple[str, ...]:
    """List every model that can be loaded by name, the bundled one first; builds none."""
    return BUNDLED, *facts()


def catalogue() -> tuple[CatalogueEntry, ...]:
    """Describe every model of `model_names()` from published facts; builds none."""
    files, repositories = _present()
    return tuple(_entry(name, files, repositories) for name in model_names())


def find(name: str) -> CatalogueEntry | None:
    """Return the model of that name or alias, or None.

    timm's may be asked for with one of their tags: “timm:resnet50.a2_in1k”.
    """
    name = ALIASES.get(name, name)
    bare, _, tag = name.partition(".")
    if name in model_names():
        return _entry(name, *_present())
    if name.startswith(TIMM) and bare in facts():
        weights = [item for item in published(bare) if item.tag == tag]
        if weights:
            entry = _entry(bare, *_present(), weights)
            usual = published(bare)[0].tag == tag
            return replace(entry, name=name, accuracy=entry.accuracy if usual else None)
    return None


def _entry(
    name: str,
    files: frozenset[str],
    repositories: frozenset[str],
    weights: Iterable[Published] | None = None,
) -> CatalogueEntry:
    family, year = family_of(name)
    if name == BUNDLED:
        size = resource("bundled/bundled.safetensors").stat().st_size / 1e6
        return CatalogueEntry(BUNDLED, None, None, size, True, family, year, source="bundled")
    known = facts()[name]
    usual = next(iter(published(name) if weights is None else weights), None)
    here = usual is not None and (
        usual.file_name in files or (usual.repository in repositories and _is_whole(usual))
    )
    return CatalogueEntry(
        name=name,
        parameters=known["parameters"],
        accuracy=known.get("accuracy"),
        megabytes=known["megabytes"] if usual else 0.0,
        here=here,
        family=family,
        year=year,
        source="timm" if name.startswith(TIMM) else "torchvision",
        published=usual is not None,
        aliases=tuple(alias for alias, meant in ALIASES.items() if meant == name),
    )


def _present() -> tuple[frozenset[str], frozenset[str]]:
    """Return the files in torch.hub's folder and the repositories in Hugging Face's."""
    try:
        files = frozenset(path.name for path in checkpoints_folder().iterdir())
    except OSError:
        files = frozenset()
    try:
        folders = [path.name.split("--", 2) for path in hub_folder().iterdir()]
    except OSError:
        folders = []
    found = ("/".join(parts[1:]) for parts in folders if parts[0] == "models")
    return files, frozenset(found)


def _is_whole(weights: Published) -> bool:
    return repository_file(weights.repository) is not None


# ------------------------------------------------------------------------------------------ search

_COMPARED = re.compile(r"(<=|>=|<|>)(\d+(?:\.\d+)?)(%|k|m|b|kb|mb|gb)?")
_COUNTS = {"k": 1e3, "m": 1e6, "b": 1e9}
_SIZES = {"kb": 1e-3, "mb": 1.0, "gb": 1e3}  # in MB
_YEARS = 1900  # a number from here on is a year


def search(words: str | Iterable[str]) -> tuple[CatalogueEntry, ...]:
    """Return the models that every word fits, in the catalogue's order; all for no words.

    A word is a part of a name, family or source, a year (2015, <2016), parameters (<10M), accuracy
    in per cent (>75), the size of the weights (<100MB), or “here” for weights on this machine.
    """
    return matching(catalogue(), words)


def matching(
    entries: Iterable[CatalogueEntry], words: str | Iterable[str]
) -> tuple[CatalogueEntry, ...]:
    """Return those of some models that every word fits, as `search` reads them."""
    wanted = words.split() if isinstance(words, str) else list(words)
    tests = [word.strip().lower() for word in wanted if word.strip()]
    return tuple(entry for entry in entries if all(_fits(entry, word) for word in tests))


def _fits(entry: CatalogueEntry, word: str) -> bool:
    if word == "here":
        return entry.here
    compared = _COMPARED.fullmatch(word)
    if compared:
        return _compares(entry, *compared.groups())
    if word == str(entry.year):
        return True
    texts = (entry.name, entry.family, entry.source, *entry.aliases)
    return any(_plain(word) in _plain(text) for text in texts) if _plain(word) else True


def _plain(text: str) -> str:
    """Leave out what people write differently: inception-v3, Inception V3, inceptionv3."""
    return re.sub(r"[\s_\-:]", "", text.lower())


def _compares(entry: CatalogueEntry, sign: str, number: str, unit: str | None) -> bool:
    limit = float(number)
    value: float | None
    if unit in _COUNTS:
        value, limit = entry.parameters, limit * _COUNTS[unit]
    elif unit in _SIZES:
        value, limit = entry.megabytes if entry.published else None, limit * _SIZES[unit]
    elif unit is None and limit >= _YEARS:
        value = entry.year
    else:
        value = entry.accuracy
    if value is None:
        return False
    match sign:
        case "<":
            return value < limit
        case "<=":
            return value <= limit
        case ">":
            return value > limit
        case _:
            return value >= limit
