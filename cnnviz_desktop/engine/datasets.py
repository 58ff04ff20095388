"""Open what people keep pictures in: folders, lists, torchvision's datasets, the generator.

A dataset is a list of pictures that are decoded when they are asked for. Each has a key, its own
name in there, and a stamp that changes when its file does.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cnnviz_desktop.bundled.pictures import CLASSES, HELD_OUT_SEEDS, draw, own_label
from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine.amounts import amount
from cnnviz_desktop.engine.images import SUFFIXES, load_image, natural
from cnnviz_desktop.errors import ParameterError, did_you_mean
from cnnviz_desktop.paths import expanded

GENERATED = "generated"  # stands for the pictures that the bundled model knows
GENERATED_COUNT = 120
NO_CLASS = -1

_TEST_FOLDERS = ("test", "val", "valid", "validation", "eval")
_TRAIN_FOLDERS = ("train", "training")
_DEEPEST = 8  # folders within the folder of a class
_LARGEST_LIST = 2**28  # bytes of a CSV file
_PATH_COLUMNS = ("path", "file", "filename", "image", "picture", "image_path", "filepath")
_LABEL_COLUMNS = ("label", "class", "target", "category", "classname", "class_name", "label_name")


@dataclass(frozen=True)
class Item:
    """One picture: its key, the index of its class (`NO_CLASS` for none), and its file's stamp."""

    key: str
    label: int = NO_CLASS
    stamp: str = ""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures (N) and their classes: `source` and `split` open it again, `kind` says what it is.

    `read` decodes the picture of a key, at any time and in any thread, and raises `ImageError`
    where it cannot be read.
    """

    kind: str
    source: str
    title: str
    items: Sequence[Item]
    classes: tuple[str, ...]
    read: Callable[[str], ImageInput]
    split: str = "test"
    notes: tuple[str, ...] = ()
    place: str = field(default="")  # what stays the same when pictures are added

    def __len__(self) -> int:
        return len(self.items)

    @property
    def labelled(self) -> bool:
        """Tell whether its pictures have classes."""
        return bool(self.classes)

    def check_classes(self) -> None:
        """Raise `ParameterError` where its pictures have no classes."""
        if not self.classes:
            raise ParameterError(
                f"The pictures of “{self.title}” have no classes: put them into a folder for each "
                "class, or give a CSV file of paths and labels."
            )

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of all keys, classes and stamps, as hex."""
        digest = hashlib.sha256(f"{self.kind}\n{self.classes}".encode("utf-8", "surrogatepass"))
        for item in self.items:
            line = f"{item.key}\0{item.label}\0{item.stamp}\n"
            digest.update(line.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def open_dataset(
    source: Path | str | None = None, split: str = "test", count: int = GENERATED_COUNT
) -> Dataset:
    """Open a folder, a CSV file or a dataset as torchvision keeps it; None is the generator.

    `split` chooses where there is a part for training and one for testing, `count` how many
    pictures the generator draws. Raises `ParameterError` where there are no pictures.
    """
    if source is None or source == GENERATED:
        return generated(count)
    path = _from_root(source)
    if path.is_file():
        return listed(path)
    if not path.is_dir():
        siblings = []
        if path.parent.is_dir():
            siblings = [entry.name for entry in os.scandir(path.parent)]
        raise ParameterError(
            f"There is no folder {path}.{did_you_mean(path.name, siblings) or ' Check its name.'}"
        )
    from cnnviz_desktop.engine.packed_datasets import packed

    found = packed(path, split)
    return found if found is not None else foldered(path, split)


def _from_root(source: Path | str) -> Path:
    """Return a path from the root that one may look at; raise ParameterError where none is."""
    try:
        path = expanded(source).absolute()
        path.exists()
    except OSError as error:
        raise ParameterError(
            f"{source} cannot be opened ({error.strerror}): choose another folder."
        ) from error
    return path


def reader(kind: str, source: str, split: str, place: str) -> Callable[[str], ImageInput]:
    """Return what reads the pictures of a dataset, without listing them again."""
    match kind:
        case "generated":
            return _drawn
        case "folders" | "flat":
            return _Reader(Path(place))
        case "list":
            return _Reader(Path(place).parent)
        case _:
            return open_dataset(source, split).read


# ---------------------------------------------------------------------------------------- generator


def generated(count: int = GENERATED_COUNT) -> Dataset:
    """Draw the first pictures that the bundled model was not trained on."""
    seeds = HELD_OUT_SEEDS[:count]
    return Dataset(
        kind=GENERATED,
        source=GENERATED,
        title="the generator",
        items=[Item(str(seed), own_label(seed)) for seed in seeds],
        classes=CLASSES,
        read=_drawn,
        place=f"{GENERATED} {len(seeds)}",
    )


def _drawn(key: str) -> ImageInput:
    pixels = draw(int(key)).pixels
    pixels.flags.writeable = False
    return ImageInput(pixels)


# ------------------------------------------------------------------------------------------ folders


def foldered(path: Path, split: str = "test") -> Dataset:
    """Open a folder of a folder per class, or of pictures without classes.

    Where it holds folders such as “train” and “val” of such folders, `split` chooses.
    """
    root = _split_folder(path, split)
    names = _subfolders(root)
    direct = list(_pictures(root, root, 0))
    by_class = [(name, list(_pictures(root / name, root, _DEEPEST))) for name in names]
    by_class = [(name, files) for name, files in by_class if files]
    classes = tuple(name for name, _files in by_class)
    items = [
        Item(key, label, stamp)
        for label, (_name, files) in enumerate(by_class)
        for key, stamp in files
    ]
    notes = []
    if direct:
        items += [Item(key, NO_CLASS, stamp) for key, stamp in direct]
        if classes:
            some = amount(len(direct), "picture lies", "pictures lie")
            notes.append(f"{some} in no folder of a class, and so without one.")
    if not items:
        raise ParameterError(
            f"There are no pictures in {root}. Choose a folder of pictures, one with a folder for "
            "each class, or a CSV file of paths and labels."
        )
    if root != path:
        notes.append(f"The pictures of its folder “{root.name}” are used.")
    return Dataset(
        kind="folders" if classes else "flat",
        source=str(path),
        title=path.name if root == path else f"{path.name}/{root.name}",
        items=items,
        classes=classes,
        read=_Reader(root),
        split=split,
        notes=tuple(notes),
        place=str(_real(root)),
    )


@dataclass(frozen=True)
class _Reader:
    """Read pictures by their paths in a folder."""

    root: Path

    def __call__(self, key: str) -> ImageInput:
        return load_image(self.root / key)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _split_folder(path: Path, split: str) -> Path:
    """Return the folder of a split where there are some, else the folder itself."""
    known = {name.lower(): name for name in _subfolders(path)}
    test = [known[name] for name in _TEST_FOLDERS if name in known]
    train = [known[name] for name in _TRAIN_FOLDERS if name in known]
    if not train or set(known.values()) - {*test, *train}:
        return path  # “train” alone may be a class of vehicles, beside “car”
    wanted = train if split == "train" or not test else test
    return path / wanted[0]


def _subfolders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            found = [
                entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")
            ]
    except OSError as error:
        reason = error.strerror or str(error)
        raise ParameterError(f"{folder} cannot be read ({reason}): check who may.") from error
    return sorted(found)  # as torchvision's ImageFolder counts classes


def _pictures(folder: Path, root: Path, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the path from `root` and the stamp of every picture, img2 before img10."""
    seen: set[tuple[int, int]] = set()  # a link may lead back up

    def walk(place: Path, left: int) -> Iterator[tuple[str, str]]:
        try:
            facts = place.stat()
            with os.scandir(place) as found:
                entries = [entry for entry in found if not entry.name.startswith(".")]
        except OSError:
            return
        if (facts.st_dev, facts.st_ino) in seen and facts.st_ino:
            return
        seen.add((facts.st_dev, facts.st_ino))
        for entry in sorted(entries, key=lambda item: natural(item.name)):
            if entry.is_dir():
                if left > 0:
                    yield from walk(place / entry.name, left - 1)
            elif Path(entry.name).suffix.lower() in SUFFIXES:
                path = place / entry.name
                yield path.relative_to(root).as_posix(), _stamp(path)

    yield from walk(folder, depth)


def _stamp(path: Path) -> str:
    """Return what changes when a file does; "" for one that is not there."""
    try:
        facts = path.stat()
    except OSError:
        return ""
    return f"{facts.st_size}:{facts.st_mtime_ns}"


# ----------------------------------------------------------------------------------- lists of files


def listed(path: Path) -> Dataset:
    """Open a CSV file of paths and labels; the paths are relative to the file's folder.

    Columns are told by their names where the first row holds names (path, label), else the first is
    the path and the second, if any, the label.
    """
    rows = _rows(path)
    heads = [cell.strip().lower() for cell in rows[0]]
    where = next((heads.index(name) for name in _PATH_COLUMNS if name in heads), None)
    what = next((heads.index(name) for name in _LABEL_COLUMNS if name in heads), None)
    if where is None:
        where, what = 0, 1 if len(heads) > 1 else None
    else:
        rows = rows[1:]
    pairs = [
        (row[where].strip(), row[what].strip() if what is not None and len(row) > what else "")
        for row in rows
        if len(row) > where and row[where].strip()
    ]
    if not pairs:
        raise ParameterError(f"{path} lists no pictures. {_HOW_LISTED}")
    classes = tuple(sorted({label for _key, label in pairs if label}, key=natural))
    numbers = {name: number for number, name in enumerate(classes)}
    once = dict(reversed(pairs))  # the first of two rows for one picture
    items = [
        Item(key, numbers.get(once[key], NO_CLASS), _stamp(path.parent / key))
        for key in dict.fromkeys(key for key, _label in pairs)
    ]
    if not any(item.stamp for item in items):
        raise ParameterError(f"No file that {path.name} names is there. {_HOW_LISTED}")
    twice = len(pairs) - len(items)
    again = amount(twice, "row names", "rows name")
    return Dataset(
        kind="list",
        source=str(path),
        title=path.name,
        items=items,
        classes=classes,
        read=_Reader(path.parent),
        notes=(f"{again} a picture again: the first counts.",) if twice else (),
        place=str(_real(path)),
    )


_HOW_LISTED = (
    "A list is a CSV file (UTF-8) with a row for each picture: its path, seen from the list's "
    "folder, and its class."
)


def _rows(path: Path) -> list[list[str]]:
    try:
        if path.stat().st_size > _LARGEST_LIST:
            raise ParameterError(f"{path} is too large for a list of pictures. {_HOW_LISTED}")
        text = path.read_text(encoding="utf-8-sig")
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    except OSError as error:
        raise ParameterError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ParameterError(f"{path} is no list of pictures. {_HOW_LISTED}") from error
    if not rows:
        raise ParameterError(f"{path} is empty. {_HOW_LISTED}")
    return rows
