"""Hold how a result is exported; most of it is remembered for the next time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, QStandardPaths

from cnnviz_desktop.data import Maximised, Result
from cnnviz_desktop.figures.option_use import idle_options
from cnnviz_desktop.gui.file_field import is_there
from cnnviz_desktop.gui.shown import Shown, trimmed

FIGURES = (".png", ".svg", ".pdf")
DATA = (".npz", ".csv")
SIZES = {"natural": 0.0, "column": 3.5, "page": 7.0, "slide": 40 / 3, "own": 0.0}  # inches
UNITS = {"in": 1.0, "cm": 2.54}  # in an inch; as many pixels as there are dots
LEAST_DPI, MOST_DPI = 50, 1200
LEAST_WIDTH, MOST_WIDTH = 1.0, 40.0  # inches


@dataclass(frozen=True)
class ExportOptions:
    """What the Export dialog says.

    `size` is one of `SIZES`, `width` the inches of a size of one's own, `unit` in, cm or px;
    `limit` and `columns` of 0 and a `colormap` of "" leave the choice to the figure.
    """

    suffix: str = ".png"
    size: str = "natural"
    width: float = 7.0
    unit: str = "in"
    dpi: int = 300
    colour_bar: bool = True
    captioned: bool = False
    dark: bool = False
    transparent: bool = False
    limit: int = 0
    columns: int = 0
    folder: str = ""
    colormap: str = ""
    title: str = ""
    caption: str = ""

    @property
    def is_data(self) -> bool:
        """Tell whether numbers are written rather than a figure."""
        return self.suffix in DATA

    @property
    def inches(self) -> float | None:
        """Return how wide the figure is to be, None where its content says so."""
        return self.width if self.size == "own" else SIZES[self.size] or None

    def plate(self, shown: Shown) -> dict[str, Any]:
        """Return the options of `plates.plate` that differ from its own."""
        follows = choices(shown.result)
        wanted = {
            **shown.look,
            "title": self.title.strip() or None,
            "caption": (self.caption.strip() or shown.caption()) if self.captioned else None,
            "dark": self.dark,
            "limit": ("limit" in follows and self.limit) or shown.look.get("limit"),
            "columns": ("columns" in follows and self.columns) or shown.look.get("columns"),
            "colour_bar": self.colour_bar or "colour_bar" not in follows,
            "slide": self.size == "slide",
            "width": None if self.size == "slide" else self.inches,  # a slide has its own
        }
        if self.colormap in shown.colormaps:
            wanted["colormap"] = self.colormap
        return trimmed(wanted)

    def figure(self, shown: Shown) -> dict[str, Any]:
        """Return the options of `plates.plate` and `export.save` together."""
        if self.is_data:
            return {}
        clear = {"transparent": True} if self.transparent else {}
        return {"dpi": self.dpi, **clear, **self.plate(shown)}


_OF_THE_RESULT = ("colormap", "title", "caption")  # not remembered: they belong to one result
_CHOICES = ("limit", "columns", "colour_bar")  # that not every figure follows


def choices(result: Result) -> frozenset[str]:
    """Return which of `limit`, `columns` and `colour_bar` a figure of the result follows."""
    if isinstance(result, Maximised) and len(result.wanted) == 1:
        return frozenset()
    return frozenset(_CHOICES) - set(idle_options(result, _CHOICES))


def suffixes(shown: Shown) -> tuple[str, ...]:
    """Return what a result can be written as."""
    tabular = shown.technique is None or shown.technique.tabular
    return (*FIGURES, *(DATA if tabular else DATA[:1]))


def remembered() -> ExportOptions:
    """Return the options of the last export; what is not sound is the default."""
    store = _store()
    return read_options(
        {item.name: store.value(f"export/{item.name}") for item in fields(ExportOptions)}
    )


def remember(options: ExportOptions) -> None:
    """Keep the options for the next export."""
    store = _store()
    for item in fields(options):
        if item.name not in _OF_THE_RESULT:
            store.setValue(f"export/{item.name}", str(getattr(options, item.name)))


def read_options(values: Mapping[str, Any]) -> ExportOptions:
    """Return options from texts; what is not sound is left at its default."""
    options = ExportOptions()
    for item in fields(options):
        text = values.get(item.name)
        if text is None or item.name in _OF_THE_RESULT:
            continue
        default = getattr(options, item.name)
        try:
            value = str(text) == "True" if isinstance(default, bool) else type(default)(str(text))
        except ValueError:
            continue
        if _is_sound(item.name, value):
            changes: dict[str, Any] = {item.name: value}
            options = replace(options, **changes)
    return options


def export_folder(options: ExportOptions) -> Path:
    """Return the folder to propose: the last one that is still there, else the documents."""
    last = Path(options.folder)
    if options.folder and last.is_dir():
        return last
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return Path(place) if place and Path(place).is_dir() else Path.home()


def fresh(path: Path, *, folder: bool = False) -> Path:
    """Return the path, with a number after its name where something of that name is there.

    A folder's name has no suffix: what follows a dot in it belongs to a layer.
    """
    stem, suffix = (path.name, "") if folder else (path.stem, path.suffix)
    number, found = 1, path
    while is_there(found):
        number += 1
        found = path.with_name(f"{stem}-{number}{suffix}")
    return found


def completed(chosen: str, suffix: str) -> Path:
    """Return a chosen file under the suffix it needs; what nobody was asked about stays."""
    path = Path(chosen)
    return path if path.suffix.lower() == suffix else fresh(path.with_name(path.name + suffix))


def _is_sound(name: str, value: Any) -> bool:
    match name:
        case "suffix":
            return value in FIGURES + DATA
        case "size":
            return value in SIZES
        case "unit":
            return value in (*UNITS, "px")
        case "width":
            return bool(LEAST_WIDTH <= value <= MOST_WIDTH)
        case "dpi":
            return bool(LEAST_DPI <= value <= MOST_DPI)
        case "limit" | "columns":
            return bool(0 <= value <= 4096)
        case _:
            return True


def _store() -> QSettings:
    """Return the one small file that the window remembers itself in."""
    form, scope = QSettings.Format.IniFormat, QSettings.Scope.UserScope
    return QSettings(form, scope, "CNNviz", "CNNviz Desktop")
