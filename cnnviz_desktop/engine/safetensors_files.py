"""Read .safetensors files into memory of their own, tensor by tensor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from cnnviz_desktop.engine.model_files import LARGEST_HEADER
from cnnviz_desktop.errors import ModelError

_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def read_safetensors(path: Path, *, mapped: bool = False) -> dict[str, Tensor]:
    """Return the file's tensors; with `mapped` only their names and shapes.

    The safetensors package maps a file into memory, where a training that writes it again ends the
    program that looks at it. Raises `ModelError`.
    """
    try:
        with path.open("rb", buffering=0) as file:
            size = path.stat().st_size
            length = int.from_bytes(file.read(8), "little")
            if length > min(size - 8, LARGEST_HEADER):
                raise ValueError("the header is cut off")
            header = json.loads(file.read(length))
            header.pop("__metadata__", None)
            start = 8 + length
            return {
                name: _tensor(file, entry, start, size - start, mapped)
                for name, entry in header.items()
            }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{path.name} is a damaged or cut-off safetensors file. Copy or download it again."
        ) from error


def _tensor(
    file: IO[bytes], entry: Mapping[str, Any], start: int, room: int, mapped: bool
) -> Tensor:
    shape = entry["shape"]
    first, end = entry["data_offsets"]
    if not all(isinstance(item, int) and item >= 0 for item in (*shape, first, end)):
        raise ValueError("a size is no whole number")
    kind = _TYPES[entry["dtype"]]
    if end > room or end - first != prod(shape) * kind.itemsize:
        raise ValueError("sizes and offsets do not agree")
    if mapped:
        return torch.empty(shape, dtype=kind, device="meta")
    tensor = torch.empty(shape, dtype=kind)
    if end > first:
        view = memoryview(tensor.reshape(-1).view(torch.uint8).numpy().data)
        file.seek(start + first)
        done = 0
        while done < len(view):
            count = file.readinto(view[done:])  # type: ignore[attr-defined]
            if not count:
                raise ValueError("the file ends too early")
            done += count
    return tensor
