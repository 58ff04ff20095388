"""Turn frozen dataclasses into JSON and arrays and back, led by the types of their fields.

Nothing is stored that names code: the reader knows which type stands where, and checks every value
against it. A type is coded once its fields are made of bool, int, float, str, None, Literal, Any
(plain JSON), arrays, tuples, mappings from str, dataclasses, and unions of those.
"""

from __future__ import annotations

import collections.abc
import io
import json
import math
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import IO, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from cnnviz_desktop.data import Pixels
from cnnviz_desktop.data.shapes import SHAPES, SOUND
from cnnviz_desktop.session_archive import UnsoundError, shown

_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}  # JSON has no word for them
_TEXTS = tuple[str, ...]
_DEPTH = 16  # of plain values
_NPY = re.compile(
    rb"\{'descr': '([<|][fiu][1248])', 'fortran_order': False, "
    rb"'shape': \(((?:[0-9]{1,10}, ?)*(?:[0-9]{1,10})?)\), \} *\n"
)


def parse_json(data: bytes | bytearray) -> Any:
    """Read JSON strictly: numbers are finite and no object says a key twice."""
    try:
        return json.loads(
            data,
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_float=_finite,
        )
    except UnsoundError:
        raise
    except (ValueError, RecursionError) as error:
        raise UnsoundError("its JSON is damaged") from error


def plain(value: Any, depth: int = _DEPTH) -> Any:
    """Return a plain JSON value as it is stored; raise `UnsoundError` for any other."""
    if not depth:
        raise UnsoundError("its values are nested too deeply")
    match value:
        case None | bool() | str():
            return value
        case int():
            return _whole(value)
        case float():
            return _finite(value)
        case list() | tuple():
            return [plain(item, depth - 1) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: plain(item, depth - 1) for key, item in value.items()}
    raise UnsoundError(f"{type(value).__name__} is no plain value")


class Encoder:
    """Turn values into JSON; `arrays` and `texts` collect what the JSON refers to by number."""

    def __init__(self) -> None:
        self.arrays: list[NDArray[Any]] = []
        self.texts: dict[tuple[str, ...], int] = {}  # a thousand labels stand once, not per result

    def encode(self, kind: Any, value: Any) -> Any:
        """Return the JSON of a value of that type; raise `UnsoundError` where it is of another."""
        if kind is Any:
            return plain(value)
        if _is_union(kind):
            option = _option(kind, lambda option: _holds(option, value))
            coded = self.encode(option, value)
            # Among texts "nan" would be one of them.
            return {"number": coded} if option is float and isinstance(coded, str) else coded
        if not _holds(kind, value):
            raise UnsoundError(f"{shown(value)} is no {_name(kind)}")
        if kind == _TEXTS:
            return {"texts": self.texts.setdefault(value, len(self.texts))}
        origin = get_origin(kind)
        if origin is tuple:
            return [self.encode(item, part) for item, part in _items(kind, value)]
        if origin is np.ndarray:
            self.arrays.append(np.asarray(value, _dtype(kind), order="C"))
            return {"array": len(self.arrays) - 1}
        if _is_mapping(kind):
            return {key: self.encode(get_args(kind)[1], item) for key, item in value.items()}
        if is_dataclass(kind):
            return self._dataclass(kind, value)
        if kind is float:
            number = float(value)
            return number if math.isfinite(number) else str(number)
        return _whole(operator.index(value)) if kind is int else value

    def _dataclass(self, kind: Any, value: Any) -> dict[str, Any]:
        check(value)
        known = _hints(kind).items()
        return {
            "type": _name(kind),
            **{name: self.encode(item, getattr(value, name)) for name, item in known},
        }


class Decoder:
    """Turn JSON back into values; `array` gives the array of a number, `texts` the tuples."""

    def __init__(self, texts: Any, array: Callable[[int], NDArray[Any]]) -> None:
        if not isinstance(texts, list):
            raise UnsoundError("its texts are no list")
        self._texts = [tuple(self.decode(str, text) for text in _listed(item)) for item in texts]
        self._array = array

    def decode(self, kind: Any, value: Any) -> Any:
        """Return the value of that type; raise `UnsoundError` where the JSON is of another."""
        if kind is Any:
            return plain(value)
        if _is_union(kind):
            if float in get_args(kind) and isinstance(value, dict) and value.keys() == {"number"}:
                return self.decode(float, value["number"])
            return self.decode(_option(kind, lambda option: _tells(option, value)), value)
        if not _tells(kind, value):
            raise UnsoundError(f"{shown(value)} is no {_name(kind)}")
        if kind == _TEXTS:
            return _numbered(self._texts, value["texts"])
        origin = get_origin(kind)
        if origin is tuple:
            return tuple(self.decode(item, part) for item, part in _items(kind, value))
        if origin is np.ndarray:
            return self._decoded_array(kind, value["array"])
        if _is_mapping(kind):
            return {key: self.decode(get_args(kind)[1], item) for key, item in value.items()}
        if is_dataclass(kind):
            return self._dataclass(kind, value)
        if kind is float:
            return _NOT_FINITE[value] if isinstance(value, str) else _finite(value)
        return _whole(value) if kind is int else value

    def _decoded_array(self, kind: Any, number: Any) -> NDArray[Any]:
        array = self._array(self.decode(int, number))
        if array.dtype != _dtype(kind):
            raise UnsoundError(f"an array holds {array.dtype} where {_dtype(kind)} belongs")
        return array

    def _dataclass(self, kind: Any, value: dict[str, Any]) -> Any:
        known = _hints(kind)
        strange = sorted(value.keys() - known.keys() - {"type"})
        if strange:
            raise UnsoundError(f"its {_name(kind)} says {shown(strange[0])}, which is not known")
        needed = {field.name for field in fields(kind) if not _has_default(field)}
        missing = sorted(needed - value.keys())
        if missing:
            raise UnsoundError(f"its {_name(kind)} does not say {shown(missing[0])}")
        given = {name: self.decode(known[name], value[name]) for name in known if name in value}
        decoded = kind(**given)
        check(decoded)
        return decoded


def check(value: Any) -> None:
    """Raise `UnsoundError` where a value is of its type and yet makes no sense."""
    kind = type(value)
    lengths: dict[str, int] = {}
    for name, axes in SHAPES.get(kind, {}).items():
        item = getattr(value, name)
        if item is None:  # where its type says that it may be
            continue
        shape = item.shape if isinstance(item, np.ndarray) else (len(item),)
        pairs = list(zip(axes.split(), shape, strict=False))
        agree = all(lengths.setdefault(axis, size) == size for axis, size in pairs)
        agree = agree and all(size or axis.endswith("?") for axis, size in pairs)
        if len(axes.split()) != len(shape) or not agree:
            raise UnsoundError(f"its {kind.__name__} has {name} of a wrong shape")
    if kind in SOUND and not SOUND[kind](value):
        raise UnsoundError(f"its {kind.__name__} has values that make no sense")


# --------------------------------------------------------------------------------- arrays, pictures


def write_npy(stream: IO[bytes], array: NDArray[Any]) -> None:
    """Write an array as .npy with little-endian numbers."""
    ordered = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
    np.lib.format.write_array(stream, ordered, version=(1, 0), allow_pickle=False)


def read_npy(data: bytes | bytearray) -> NDArray[Any]:
    """Read an array that `write_npy` wrote; it is read-only and shares the data's memory.

    NumPy's reader takes many more headers: objects, records, and shapes that it allocates first.
    """
    start = 10 + int.from_bytes(data[8:10], "little")
    header = _NPY.fullmatch(bytes(data[10:start])) if data[:8] == b"\x93NUMPY\x01\x00" else None
    if header is None:
        raise UnsoundError("one of its arrays has a damaged or unknown header")
    dtype = np.dtype(header[1].decode())
    shape = tuple(int(size) for size in header[2].split(b",") if size.strip())
    if math.prod(shape) * dtype.itemsize != len(data) - start or len(shape) > 32:
        raise UnsoundError("one of its arrays is not as long as it says")
    array = np.frombuffer(data, dtype, offset=start).reshape(shape)
    array.flags.writeable = False
    return array.astype(dtype.newbyteorder("="), copy=False)


def write_png(stream: IO[bytes], pixels: Pixels) -> None:
    """Write RGB pixels as PNG, quickly rather than tightly."""
    from PIL import Image

    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)


def read_png(data: bytes | bytearray, spend: Callable[[int], None]) -> Pixels:
    """Read RGB pixels from PNG; `spend` is told how many bytes before they are decoded.

    Pillow's own guard against bombs is one process-wide setting; opened this way it has no say.
    """
    from PIL.PngImagePlugin import PngImageFile

    try:
        image = PngImageFile(io.BytesIO(data))
        sound = image.mode == "RGB" and image.width > 0 and image.height > 0
    except Exception as error:  # on damaged bytes that can be nearly any type
        raise UnsoundError("one of its pictures is damaged") from error
    if not sound:
        raise UnsoundError("one of its pictures is of a wrong kind")
    spend(image.width * image.height * 3)
    try:
        image.load()
    except Exception as error:
        raise UnsoundError("one of its pictures is damaged") from error
    pixels: Pixels = np.array(image)
    pixels.flags.writeable = False
    return pixels


# -------------------------------------------------------------------------------------------- types


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)


def _is_mapping(kind: Any) -> bool:
    return get_origin(kind) in (dict, collections.abc.Mapping)


def _dtype(kind: Any) -> np.dtype[Any]:
    """Return the dtype that an NDArray annotation names."""
    dtype: np.dtype[Any] = np.dtype(get_args(get_args(kind)[1])[0])
    return dtype


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _option(kind: Any, fits: Callable[[Any], bool]) -> Any:
    found = next((option for option in get_args(kind) if fits(option)), MISSING)
    if found is MISSING:
        raise UnsoundError("it holds a value of a type that this version does not know")
    return found


def _holds(kind: Any, value: Any) -> bool:
    """Tell whether a value is of a type, as far as its outside tells."""
    origin = get_origin(kind)
    if origin is Literal:
        return value in get_args(kind)
    if kind == _TEXTS:
        return isinstance(value, tuple) and all(isinstance(text, str) for text in value)
    if origin is tuple:
        return isinstance(value, tuple) and _fits_length(kind, value)
    if _is_mapping(kind):
        is_mapping = isinstance(value, collections.abc.Mapping)
        return is_mapping and all(isinstance(key, str) for key in value)
    if kind is int:
        return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if kind is float:
        numbers = (int, float, np.integer, np.floating)
        return isinstance(value, numbers) and not isinstance(value, bool)
    return isinstance(value, origin or kind)


def _tells(kind: Any, value: Any) -> bool:
    """Tell whether JSON is that of a type, as far as its outside tells."""
    origin = get_origin(kind)
    if origin is Literal:
        return any(value == option and type(value) is type(option) for option in get_args(kind))
    if kind == _TEXTS or origin is np.ndarray:
        return isinstance(value, dict) and value.keys() == (
            {"texts"} if kind == _TEXTS else {"array"}
        )
    if origin is tuple:
        return isinstance(value, list) and _fits_length(kind, value)
    if is_dataclass(kind):
        return isinstance(value, dict) and value.get("type") == _name(kind)
    if _is_mapping(kind):
        return isinstance(value, dict)
    if kind is float:
        return (
            value in _NOT_FINITE
            if isinstance(value, str)
            else isinstance(value, (int, float)) and not isinstance(value, bool)
        )
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return kind in (bool, str, NoneType) and isinstance(value, kind)


def _fits_length(kind: Any, value: Any) -> bool:
    items = get_args(kind)
    return items[-1] is Ellipsis or len(items) == len(value)


def _items(kind: Any, value: Any) -> Iterable[tuple[Any, Any]]:
    """Pair the items of a tuple with their types."""
    items = get_args(kind)
    return zip([items[0]] * len(value) if items[-1] is Ellipsis else items, value, strict=True)


def _has_default(field: Any) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


# --------------------------------------------------------------------------------------------- JSON


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnsoundError("its JSON says one key twice")
    return found


def _refuse(word: str) -> float:
    raise UnsoundError(f"its JSON says {word}, which is no number")


def _finite(value: Any) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise UnsoundError("it holds a number that is not finite")
    return number


def _whole(value: int) -> int:
    if abs(value) >= 2**63:
        raise UnsoundError("it holds a number that is too large")
    return value


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise UnsoundError("its texts are no lists")
    return value


def _numbered(items: list[Any], number: Any) -> Any:
    is_number = isinstance(number, int) and not isinstance(number, bool)
    if not is_number or not 0 <= number < len(items):
        raise UnsoundError("it refers to texts that are not there")
    return items[number]
