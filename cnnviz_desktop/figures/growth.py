"""Write how a picture grew as a moving picture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from cnnviz_desktop.data import Pixels, Record
from cnnviz_desktop.errors import ExportError
from cnnviz_desktop.figures.records import beside
from cnnviz_desktop.figures.writing import write_whole

_SECONDS = 4.0  # of growing
_REST = 1.5  # seconds that the finished picture stays
_SHORTEST = 0.04  # seconds a frame; viewers slow down what is faster
_LEAST_SIDE = 256


def encode_growth(frames: Pixels) -> bytes:
    """Return frames (F, h, w, 3) as the bytes of a GIF that runs for ever."""
    from PIL import Image

    if not len(frames):
        raise ExportError("There are no frames of growth to write: run it again.")
    height, width = frames.shape[1:3]
    factor = max(1.0, _LEAST_SIDE / min(height, width))
    size = (round(width * factor), round(height * factor))
    images = []
    for frame in frames:
        image = Image.fromarray(np.ascontiguousarray(frame))
        image = image if factor == 1 else image.resize(size, Image.Resampling.BICUBIC)
        images.append(image.quantize(256, dither=Image.Dither.FLOYDSTEINBERG))
    each = max(_SHORTEST, min(0.5, _SECONDS / len(images)))
    pauses = [round(1000 * each)] * (len(images) - 1) + [round(1000 * _REST)]
    buffer = io.BytesIO()
    images[0].save(
        buffer, "GIF", save_all=True, append_images=images[1:], duration=pauses, loop=0, disposal=1
    )
    return buffer.getvalue()


def save_growth(frames: Pixels, path: Path, record: Record | None = None) -> Path:
    """Write frames as a GIF, the record's JSON beside it, and return the path."""
    path = path if path.suffix else path.with_suffix(".gif")
    if path.suffix.lower() != ".gif":
        raise ExportError(
            f"A growth is written as GIF, not as {path.suffix}: end the name in .gif."
        )
    write_whole({path: encode_growth(frames), **beside(path, record)})
    return path
