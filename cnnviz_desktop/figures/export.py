"""Write figures and data to files, with the record of how they were made inside and beside them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

import numpy as np

from cnnviz_desktop.data import (
    Activation,
    Box,
    Card,
    Comparison,
    Curves,
    Distribution,
    Evaluations,
    Evidence,
    Exemplars,
    FilterBank,
    Heatmap,
    Heatmaps,
    Inverted,
    Maximised,
    Pixels,
    Prediction,
    Record,
    Result,
    Sheet,
    Table,
    Timeline,
    Tuning,
)
from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.figures.compared_table import comparison_arrays
from cnnviz_desktop.figures.evidence_table import evidence_arrays
from cnnviz_desktop.figures.numerals import count
from cnnviz_desktop.figures.records import NPZ_KEY, PNG_KEY, beside, read_record, to_ascii
from cnnviz_desktop.figures.result_table import result_table
from cnnviz_desktop.figures.tables import delimited, named_columns
from cnnviz_desktop.figures.tuning_table import bank_details, tuning_arrays
from cnnviz_desktop.figures.writing import write_whole

if TYPE_CHECKING:  # whoever writes data needs no matplotlib
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from PIL.PngImagePlugin import PngInfo

__all__ = [
    "DATA_SUFFIXES",
    "FIGURE_SUFFIXES",
    "arrays",
    "check_dpi",
    "check_suffix",
    "decode",
    "encode",
    "encode_data",
    "read_record",
    "save",
    "save_data",
    "save_pixels",
]

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
DATA_SUFFIXES = (".npz", ".csv")

_NO_TABLE = "Only predictions and tables are written as .csv: choose .npz for this result."
_MOST_DPI = 2400
_MOST_PIXELS = 400_000_000  # 1.6 GB while it is drawn
_LONGEST = 65_535  # pixels along a side: few programs open more, and older matplotlib draws none

# What a person's own settings could otherwise change, and the random names inside an SVG.
_SETTINGS: dict[Any, Any] = {
    "savefig.bbox": None,
    "svg.hashsalt": "cnnviz",
    "svg.fonttype": "path",  # looks the same where the font is missing
    "svg.image_inline": True,
    "pdf.fonttype": 42,  # text that can be searched and that publishers take
    "pdf.compression": 6,
}


def check_suffix(path: Path | str, *, tabular: bool = True) -> None:
    """Raise ExportError where no such file can be written: before the work, not after it."""
    suffix = Path(path).suffix
    if suffix.lower() not in FIGURE_SUFFIXES + DATA_SUFFIXES:
        raise _wrong_suffix(suffix)
    if suffix.lower() == ".csv" and not tabular:
        raise ExportError(_NO_TABLE)


def check_dpi(dpi: float) -> None:
    """Raise ExportError where no figure is written with so many dots per inch."""
    if not 1 <= dpi <= _MOST_DPI:
        raise ExportError(f"{dpi:g} dots per inch are out of range: choose 1 to {_MOST_DPI}.")


def save(
    figure: Figure,
    path: Path | str,
    dpi: float = 200,
    record: Record | None = None,
    transparent: bool = False,
) -> Path:
    """Write a figure as PNG, SVG or PDF by its suffix and return the path.

    With a record, its JSON is embedded in the file and written beside it (`maps.png.json`). The
    same figure gives the same bytes; all files are written or none, else ExportError is raised.
    """
    path = Path(path)
    content = encode(figure, path.suffix, dpi, record, transparent)
    write_whole({path: content, **beside(path, record)})
    return path


def encode(
    figure: Figure,
    suffix: str,
    dpi: float = 200,
    record: Record | None = None,
    transparent: bool = False,
) -> bytes:
    """Return a figure as the bytes of a PNG, SVG or PDF, the record's JSON in it."""
    from matplotlib import rc_context

    writer = _FIGURE_WRITERS.get(suffix.lower())
    if writer is None:
        raise _wrong_suffix(suffix)
    _check_pixels(figure, dpi, suffix.lower())
    buffer = io.BytesIO()
    ground = "none" if transparent else figure.get_facecolor()
    with rc_context(_SETTINGS):
        writer(figure, buffer, record, dpi=dpi, facecolor=ground, transparent=transparent)
    return buffer.getvalue()


def decode(content: bytes) -> Pixels:
    """Return the RGBA pixels (H, W, 4) of a figure that was encoded as PNG."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


def save_pixels(pixels: Pixels, path: Path | str, record: Record | None = None) -> Path:
    """Write RGB pixels (H, W, 3) as a PNG with the record's JSON in it and return the path."""
    from PIL import Image

    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ExportError(f"Pictures are written as .png: choose {path.stem}.png instead.")
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", pnginfo=_png_info(record))
    write_whole({path: buffer.getvalue()})
    return path


def save_data(result: Result, path: Path | str, record: Record | None = None) -> Path:
    """Write a result's arrays as NPZ, or a prediction or table as CSV, and return the path.

    An NPZ needs no pickles to be read; it holds the record's JSON as the text array `record`.
    """
    path = Path(path)
    content = encode_data(result, path.suffix, record)
    write_whole({path: content, **beside(path, record)})
    return path


def encode_data(result: Result, suffix: str, record: Record | None = None) -> bytes:
    """Return a result as the bytes of an NPZ, or what is a table as those of a CSV file."""
    match suffix.lower():
        case ".npz":
            return _pack(arrays(result), record)
        case ".csv":
            table = result_table(result)
            if table is None:
                raise ExportError(_NO_TABLE)
            return delimited(table).encode("utf-8", "backslashreplace")
        case _:
            raise _wrong_suffix(suffix)


def _check_pixels(figure: Figure, dpi: float, suffix: str) -> None:
    """Raise ExportError where a figure would have too many pixels."""
    width, height = (float(side) for side in figure.get_size_inches())
    check_dpi(dpi)
    if width * height * dpi * dpi > _MOST_PIXELS:
        most = int((_MOST_PIXELS / (width * height)) ** 0.5)
        raise ExportError(
            f"At {dpi:g} dots per inch this figure would not fit in memory: choose {most} or less."
        )
    long = max(width, height)
    if suffix == ".png" and long * dpi > _LONGEST:
        side = "wide" if width > height else "high"
        raise ExportError(
            f"At {dpi:g} dots per inch this figure would be {count(round(long * dpi))} pixels "
            f"{side}, and a picture has {count(_LONGEST)} at most: choose {int(_LONGEST / long)} "
            "dots per inch or less, show fewer rows, or write a PDF."
        )


def _wrong_suffix(suffix: str) -> ExportError:
    given = f"“{suffix}”" if suffix else "a name without a suffix"
    return ExportError(
        "Figures are written as .png, .svg or .pdf and data as .npz (predictions and tables also "
        f"as .csv): choose one of these instead of {given}."
    )


def _png_info(record: Record | None) -> PngInfo:
    """Return the text chunks of a PNG."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    if record is not None:
        info.add_text(PNG_KEY, to_ascii(record))
    return info


def _write_png(figure: Figure, file: io.BytesIO, record: Record | None, **how: Any) -> None:
    figure.savefig(file, format="png", pil_kwargs={"pnginfo": _png_info(record)}, **how)


def _write_svg(figure: Figure, file: io.BytesIO, record: Record | None, **how: Any) -> None:
    metadata: dict[str, str | None] = {"Date": None}
    if record is not None:
        metadata["Description"] = to_ascii(record)
    figure.savefig(file, format="svg", metadata=metadata, **how)


def _write_pdf(figure: Figure, file: io.BytesIO, record: Record | None, **how: Any) -> None:
    metadata: dict[str, str | None] = {"CreationDate": None}
    if record is not None:
        metadata["Subject"] = to_ascii(record)
    figure.savefig(file, format="pdf", metadata=metadata, **how)


_FIGURE_WRITERS: dict[str, Callable[..., None]] = dict(
    zip(FIGURE_SUFFIXES, (_write_png, _write_svg, _write_pdf), strict=True)
)


def arrays(result: Result) -> dict[str, NDArray[Any]]:  # noqa: PLR0912, PLR0915 - one for each kind
    """Return a result as named arrays, text as text arrays: what an NPZ holds."""
    values: dict[str, Any]
    match result:
        case Prediction():
            values = {
                "logits": result.logits,
                "probabilities": result.probabilities,
                "labels": result.labels,
                "region": _corners(result.region),
            }
        case Activation():
            values = {
                "values": result.values,
                "layer": result.layer,
                "call": result.call,
                "region": _corners(result.region),
            }
        case Heatmap():
            values = _heatmap(result)
        case Heatmaps():
            values = {"title": result.title, "captions": result.captions}
            for number, heatmap in enumerate(result.maps):
                values |= {f"{number}/{key}": item for key, item in _heatmap(heatmap).items()}
        case Comparison():
            values = comparison_arrays(result)
        case Evidence():
            values = evidence_arrays(result)
            for number, found in enumerate(result.maps):
                if found is not None:
                    values |= {f"{number}/{key}": item for key, item in _heatmap(found).items()}
        case FilterBank():
            values = {"values": result.values, "layer": result.layer, "groups": result.groups}
            values |= bank_details(result)
        case Distribution():
            values = {field.name: getattr(result, field.name) for field in fields(result)}
        case Card():
            values = _card(result)
        case Sheet():
            values = _strips(result)
        case Tuning():
            values = tuning_arrays(result)
        case Maximised():
            values = {field.name: getattr(result, field.name) for field in fields(result)}
            values["answers"] = [answer.logits for answer in result.answers]
        case Inverted():
            values = {field.name: getattr(result, field.name) for field in fields(result)}
        case Exemplars():
            values = {field.name: getattr(result, field.name) for field in fields(result)}
            values["boxes"] = [_corners(box) for box in result.boxes]
        case Evaluations():
            values = {"title": result.title, "files": result.files, "notes": result.notes}
            for number, item in enumerate(result.models):
                values |= {
                    f"{number}/{part.name}": getattr(item, part.name) for part in fields(item)
                }
        case Timeline():
            values = {part.name: getattr(result, part.name) for part in fields(result)}
            values = {name: item for name, item in values.items() if item is not None}
            values["region"] = _corners(result.region)
        case Curves():
            values = {"title": result.title, "names": result.names, "unit": result.unit_of_steps}
            rows = zip(result.names, result.steps, result.values, strict=True)
            for name, steps, numbers in rows:
                values |= {f"{name}/steps": steps, f"{name}/values": numbers}
        case Table():
            values = {
                "title": result.title,
                "columns": result.columns,
                "units": result.units,
                **named_columns(result),
            }
        case _:
            assert_never(result)
    return {"kind": np.array(type(result).__name__)} | {
        name: np.asarray(value) for name, value in values.items()
    }


def _heatmap(heatmap: Heatmap) -> dict[str, Any]:
    """Return a map, what it explains, and where it was made; what does not apply is left out."""
    values: dict[str, Any] = {
        "values": heatmap.values,
        "layer": heatmap.layer,
        "target": heatmap.target,
        "target_label": heatmap.target_label,
        "score": heatmap.score,
        "region": _corners(heatmap.region),
    }
    rest = {"method": heatmap.method, "layers": heatmap.layers, "colours": heatmap.colours}
    return values | {key: item for key, item in rest.items() if item is not None and len(item)}


def _card(card: Card) -> dict[str, Any]:
    """Return the map, the reading and its arithmetic, what the classes lose, and the tuning."""
    reading = card.reading
    values: dict[str, Any] = {
        "layer": card.layer,
        "channel": card.channel,
        "values": card.maps.values[0],
        "region": _corners(card.maps.region),
        "place": (reading.row, reading.column),
        "value": reading.value,
        "effective": reading.effective,
        "facts": [str(name) for name, _value in card.facts.rows],
        "facts_values": np.array([value for _name, value in card.facts.rows], np.float64),
        "classes": card.classes,
        "losses": card.losses,
    }
    if card.exemplars is not None:
        values["exemplars"] = card.exemplars.files
        values["exemplars_values"] = card.exemplars.values[0]
    if reading.field is not None:
        values["field"] = _corners(reading.field)
    if reading.arithmetic is not None:
        parts = reading.arithmetic
        for name in ("inputs", "contributions", "patches", "kernels", "rest", "bias"):
            values[f"arithmetic/{name}"] = getattr(parts, name)
    return values


def _strips(sheet: Sheet) -> dict[str, Any]:
    """Return every strip's maps under its layer's name, and which channels they are."""
    values: dict[str, Any] = {"layers": [strip.maps.layer for strip in sheet.strips]}
    for strip in sheet.strips:
        values[f"{strip.maps.layer}/values"] = strip.maps.values
        values[f"{strip.maps.layer}/channels"] = strip.channels
    if sheet.strips:
        values["region"] = _corners(sheet.strips[0].maps.region)
    if sheet.prediction is not None:
        values["logits"] = sheet.prediction.logits
    return values


def _corners(box: Box) -> tuple[int, int, int, int]:
    return box.top, box.left, box.bottom, box.right


def _pack(members: dict[str, NDArray[Any]], record: Record | None) -> bytes:
    """Return the bytes of an NPZ."""
    if record is not None:
        text = to_ascii(record)
        members = {NPZ_KEY: np.array(text, f"<U{len(text)}"), **members}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **members)  # type: ignore[arg-type]
    return buffer.getvalue()
