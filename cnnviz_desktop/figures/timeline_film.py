"""Draw what a timeline holds at one checkpoint, and all of them as the frames of a film."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnviz_desktop.data import ImageInput, Pixels, Timeline
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.numerals import count, percent

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

PANELS = {"map": "map", "kernel": "kernel", "cam": "CAM", "maximised": "wants to see"}
_SIDE = 224  # pixels of a panel of the film
_GAP = 8
_LINE = 28
_LEAST = 96  # pixels along the longer side of what is drawn in cells


def panels(line: Timeline, place: int, image: ImageInput | None) -> dict[str, Pixels]:
    """Return what is shown of one checkpoint as RGB pictures, by the names of `PANELS`.

    Each map and each kernel has a scale of its own: that of random weights would hide the others.
    """
    drawn: dict[str, Pixels] = {}
    for name in line.show:
        if name == "map":
            signed = bool((line.maps < 0).any())
            drawn[name] = enlarged(pixels.colour(line.maps[place], signed=signed))
        elif name == "kernel" and line.kernels is not None:
            drawn[name] = enlarged(_kernel(line, place))
        elif name == "cam" and line.heat is not None:
            heat = line.heat[place]
            if image is None:
                drawn[name] = enlarged(pixels.colour(np.maximum(heat, 0), style.OVERLAY))
            else:
                drawn[name] = pixels.overlay_values(image, np.maximum(heat, 0), line.region)
        elif name == "maximised" and line.wanted is not None:
            drawn[name] = pixels.from_unit(line.wanted[place])
    return drawn


def when(line: Timeline, place: int) -> str:
    """Return which checkpoint it is in words: "step 125", or its file's name."""
    if line.unit == "file":
        return line.names[place]
    return f"{line.unit} {count(line.steps[place])}"


def said(line: Timeline, place: int) -> str:
    """Return what the network says of the class that is explained: "striped star 98 %"."""
    share = line.share
    return "" if share is None else f"{line.target_label} {percent(float(share[place]))}"


def film(line: Timeline, image: ImageInput | None, *, dark: bool = True) -> Pixels:
    """Return a frame (H, W, 3) for each checkpoint: its pictures side by side, its step below."""
    from PIL import Image, ImageDraw

    look = style.DARK if dark else style.LIGHT
    frames = []
    for place in range(len(line.names)):
        drawn = panels(line, place, image)
        shown = [_fitted(item) for item in drawn.values()]
        wide = sum(item.width for item in shown) + _GAP * (len(shown) + 1)
        frame = Image.new("RGB", (max(wide, 2 * _SIDE), _SIDE + 2 * _LINE + 2 * _GAP), look.ground)
        pen: Any = ImageDraw.Draw(frame)
        left = _GAP
        for name, item in zip(drawn, shown, strict=True):
            frame.paste(item, (left, _LINE + _GAP + (_SIDE - item.height) // 2))
            pen.text((left, _GAP), PANELS[name], fill=look.muted, font=_font(14))
            left += item.width + _GAP
        words = " · ".join(item for item in (when(line, place), said(line, place)) if item)
        pen.text((_GAP, _SIDE + _LINE + _GAP + 4), words, fill=look.text, font=_font(16))
        frames.append(np.asarray(frame))
    return np.stack(frames)


def enlarged(drawn: Pixels) -> Pixels:
    """Repeat the cells of a small picture until it is large enough to be looked at."""
    times = max(1, -(-_LEAST // max(drawn.shape[:2])))
    larger: Pixels = drawn.repeat(times, axis=0).repeat(times, axis=1)
    return larger


def _kernel(line: Timeline, place: int) -> Pixels:
    """Draw a filter's kernels: as one picture of colours, else as tiles on one scale."""
    assert line.kernels is not None
    values = line.kernels[place]
    if line.colours:
        (drawn,) = pixels.rgb_kernels(values[None])
        return np.asarray(drawn)
    (tiles,) = pixels.kernel_tiles(values[None])
    if len(tiles) == 1:
        return np.asarray(tiles[0])
    columns = int(np.ceil(np.sqrt(len(tiles))))
    gap = int(tiles.shape[1] > 1)  # as wide as the kernels where each is one weight
    return pixels.sheet(tiles, columns, gap, ground=(128, 128, 128))


def _fitted(drawn: Pixels) -> Any:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(drawn))
    zoom = _SIDE / max(image.size)
    size = (max(1, round(image.width * zoom)), max(1, round(image.height * zoom)))
    cells = zoom > 1 and len(drawn) <= 2 * _LEAST
    how = Image.Resampling.NEAREST if cells else Image.Resampling.BICUBIC
    return image.resize(size, how)


@lru_cache(maxsize=4)
def _font(size: int) -> FreeTypeFont:
    """Return the font of plates, which comes with matplotlib."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)
