"""Say what exporting asks of the engine thread: draw a preview, measure, write one or many files.

An answer of `Refused` holds the sentence for the person, so that the one who asked shows it.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from cnnviz_desktop.data import Activation, Heatmap, ImageInput, Pixels, Prediction
from cnnviz_desktop.engine.run import Part, Run
from cnnviz_desktop.engine.technique import PREDICT, Technique, record
from cnnviz_desktop.errors import Cancelled, CnnvizError, ExportError
from cnnviz_desktop.figures import export, pixels
from cnnviz_desktop.figures.writing import write_whole
from cnnviz_desktop.gui.export_options import ExportOptions, fresh, suffixes
from cnnviz_desktop.gui.shown import Shown, file_stem
from cnnviz_desktop.gui.work import quiet_imports

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cnnviz_desktop.engine.loaded_model import LoadedModel

_P = ParamSpec("_P")
_T = TypeVar("_T")
_PLATES = "cnnviz_desktop.figures.plates"
_COARSEST = 20  # dots per inch of a preview
_GROWTH = 1.5  # bytes of a PNG grow with this power of its side, measured over all kinds of plates


@dataclass(frozen=True)
class Refused:
    """Nothing was done; `sentence` says why and what to do."""

    sentence: str


def refusing(deed: Callable[_P, _T]) -> Callable[_P, _T | Refused]:
    """Have a request answer with `Refused` what cannot be done; who cancels it gets no answer."""

    @wraps(deed)
    def answer(*args: _P.args, **named: _P.kwargs) -> _T | Refused:
        try:
            return deed(*args, **named)
        except Cancelled:
            raise
        except CnnvizError as error:
            return Refused(str(error))

    return answer


@dataclass(frozen=True, eq=False)
class Drawn:
    """A preview: RGBA pixels (H, W, 4), the figure's inches, and a guess of the file's bytes."""

    pixels: Pixels
    inches: tuple[float, float]
    size: int


@dataclass(frozen=True, eq=False)
class Draw:
    """Draw a figure small, to fit (width, height) pixels -> `Drawn` or `Refused`."""

    shown: Shown
    options: ExportOptions
    room: tuple[int, int]

    @refusing
    def __call__(self, run: Run) -> Drawn:
        """Do it."""
        figure = draw_figure(self.shown, self.options.plate(self.shown))
        run.check()
        width, height = (float(side) for side in figure.get_size_inches())
        dpi = max(_COARSEST, min(self.room[0] / width, self.room[1] / height))
        if self.options.suffix == ".png":
            dpi = min(dpi, self.options.dpi)
        content = export.encode(figure, ".png", dpi, None, self.options.transparent)
        guess = round(len(content) * (self.options.dpi / dpi) ** _GROWTH)
        return Drawn(export.decode(content), (width, height), guess)


@dataclass(frozen=True, eq=False)
class Plate:
    """A figure for the screen: RGB pixels (H, W, 3) of a result."""

    shown: Shown
    pixels: Pixels


@dataclass(frozen=True, eq=False)
class DrawPlate:
    """Draw a figure that many pixels wide, for the screen -> `Plate` or `Refused`."""

    shown: Shown
    dark: bool
    width: int

    @refusing
    def __call__(self, run: Run) -> Plate:
        """Do it."""
        figure = draw_figure(self.shown, {**self.shown.look, "dark": self.dark})
        run.check()
        dpi = max(_COARSEST, self.width / float(figure.get_size_inches()[0]))
        content = export.encode(figure, ".png", dpi, None, False)
        return Plate(self.shown, np.ascontiguousarray(export.decode(content)[..., :3]))


@dataclass(frozen=True, eq=False)
class Measure:
    """Count the bytes that a file will have -> int, or `Refused`."""

    shown: Shown
    options: ExportOptions

    @refusing
    def __call__(self, run: Run) -> int:
        """Do it."""
        return len(_content(self.shown, self.options))


@dataclass(frozen=True, eq=False)
class Write:
    """Write a figure or data with its record inside and beside -> path or `Refused`."""

    shown: Shown
    options: ExportOptions
    path: Path

    @refusing
    def __call__(self, run: Run) -> Path:
        """Do it."""
        shown, options = self.shown, self.options
        export.check_suffix(self.path)
        note = record(shown.technique, shown.model, shown.image)
        if options.is_data:
            return export.save_data(shown.result, self.path, note)
        figure = draw_figure(shown, options.plate(shown))
        run.check()
        return export.save(figure, self.path, options.dpi, note, options.transparent)


@dataclass(frozen=True, eq=False)
class SavePicture:
    """Write pixels as a PNG, with the record of the result they show -> path or `Refused`."""

    pixels: Pixels
    path: Path
    shown: Shown | None

    @refusing
    def __call__(self, run: Run) -> Path:
        """Do it."""
        shown = self.shown
        note = record(shown.technique, shown.model, shown.image) if shown else None
        return export.save_pixels(self.pixels, self.path, note)


@dataclass(frozen=True, eq=False)
class Written:
    """Files of an export of many: their folder and how many."""

    folder: Path
    count: int


@dataclass(frozen=True, eq=False)
class WriteMaps:
    """Write every map of a layer as a picture of its own, and an index -> `Written` or `Refused`.

    A map's pixels are `factor` times its values a side; `look` is that of `pixels.tiles`.
    """

    shown: Shown
    folder: Path
    factor: int
    look: Mapping[str, Any]

    @refusing
    def __call__(self, run: Run) -> Written:
        """Do it; what was written before a cancel stays, with its index."""
        result = self.shown.result
        if not isinstance(result, Activation):
            raise ExportError("Only feature maps can be written one by one: turn to their tab.")
        folder = make_folder(self.folder)
        note = record(self.shown.technique, self.shown.model, self.shown.image)
        write_whole({folder / "record.json": note.to_json().encode("utf-8", "replace")})
        tiles = pixels.tiles(result.values, **self.look)
        digits = len(str(len(tiles) - 1))
        stem = file_stem(self.shown.layer or self.shown.model.title)
        rows: list[list[Any]] = []
        with _indexed(folder, ["channel", "file", "maximum", "mean", "above_zero"], rows):
            for channel in run.track(range(len(tiles)), "Writing maps"):
                name = f"{stem}-{channel:0{digits}d}.png"
                tile = tiles[channel].repeat(self.factor, 0).repeat(self.factor, 1)
                export.save_pixels(tile, folder / name, note)
                values = result.values[channel]
                high, mean = float(np.max(values)), float(np.mean(values))
                rows.append([channel, name, high, mean, float(np.mean(values > 0))])
        return Written(folder, len(rows))


@dataclass(frozen=True, eq=False)
class WriteResults:
    """Write what every technique says about every picture, and an index -> `Written`, `Refused`.

    `looks` holds how each tab draws; a result that cannot be had is a row of the index that says
    why.
    """

    model: LoadedModel
    images: tuple[ImageInput, ...]
    techniques: tuple[Technique, ...]
    looks: Mapping[str, Mapping[str, Any]]
    options: ExportOptions
    folder: Path

    @refusing
    def __call__(self, run: Run) -> Written:
        """Do it; what was written before a cancel stays, with its index."""
        rows: list[list[Any]] = []
        folder = make_folder(self.folder)
        within = Part(run, "", shown=False, counted=False)  # what is counted are results
        with _indexed(folder, ["picture", "technique", "layer", "class", "file", "note"], rows):
            for image, technique in run.track(self._wanted(), "Writing results"):
                rows.append(self._write(image, technique, folder, within))
        return Written(folder, sum(bool(row[4]) for row in rows))

    def _wanted(self) -> list[tuple[ImageInput | None, Technique | None]]:
        """List all pairs: techniques of the weights alone once, the others for each picture."""
        alone = [(None, item) for item in self.techniques if not item.needs_image]
        looking = [None, *(item for item in self.techniques if item.needs_image)]
        return [*((image, item) for image in self.images for item in looking), *alone]

    def _write(
        self, image: ImageInput | None, technique: Technique | None, folder: Path, run: Run
    ) -> list[Any]:
        """Write one result; return its row of the index."""
        name = image.name if image else ""
        command = technique.command if technique is not None else PREDICT
        try:
            shown = self._answer(image, technique, run)
        except Cancelled:
            raise
        except CnnvizError as error:
            return [name, command, "", "", "", str(error)]
        options = self.options
        if options.suffix not in suffixes(shown):  # what is no table
            options = replace(options, suffix=".npz")
        path = fresh(folder / f"{shown.stem}{options.suffix}")
        answer = Write(shown, options, path)(run)
        if isinstance(answer, Refused):
            raise ExportError(answer.sentence)
        says = shown.title if isinstance(shown.result, (Heatmap, Prediction)) else ""
        return [name, command, shown.layer, says, path.name, ""]

    def _answer(self, image: ImageInput | None, technique: Technique | None, run: Run) -> Shown:
        from cnnviz_desktop.engine.inspection import inspect

        if technique is not None:
            technique = technique.resolved(self.model)
            result = technique(self.model, image, run)
            look = self.looks.get(technique.tab, {})
            return Shown(technique, self.model, image, result, look)
        if image is None:
            raise ExportError("A prediction needs a picture.")
        return Shown(None, self.model, image, inspect(self.model, image, run), {})


@contextmanager
def _indexed(folder: Path, header: list[str], rows: list[list[Any]]) -> Iterator[None]:
    """Write `index.csv` when the block is left, also where it was cancelled or failed."""
    try:
        yield
    except BaseException:
        with suppress(CnnvizError):  # what stopped the work says more
            _write_index(folder, header, rows)
        raise
    _write_index(folder, header, rows)


def _write_index(folder: Path, header: list[str], rows: list[list[Any]]) -> None:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(header)
    table.writerows(rows)
    write_whole({folder / "index.csv": text.getvalue().encode("utf-8", "backslashreplace")})


def make_folder(folder: Path) -> Path:
    """Make a folder that was not there before."""
    folder = fresh(folder, folder=True)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ExportError(
            f"The folder {folder} cannot be made ({reason}): choose another place."
        ) from error
    return folder


def draw_figure(shown: Shown, plate: Mapping[str, Any]) -> Figure:
    """Return a result as a figure; the first one imports matplotlib."""
    if _PLATES not in sys.modules:
        with quiet_imports():
            import_module(_PLATES)
    plates: Any = sys.modules[_PLATES]
    figure: Figure = plates.plate(shown.result, shown.image, **plate)
    return figure


def _content(shown: Shown, options: ExportOptions) -> bytes:
    """Return what would be written."""
    if options.is_data:
        return export.encode_data(shown.result, options.suffix)
    figure = draw_figure(shown, options.plate(shown))
    return export.encode(figure, options.suffix, options.dpi, None, options.transparent)
