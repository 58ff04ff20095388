"""Place text, pictures and colour bars on a figure by inches from its top left corner.

Everything is drawn with explicit fonts and interpolation, so that a person's own matplotlib
settings change nothing. No pyplot: figures here belong to nobody's global list.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from PIL import Image

from cnnviz_desktop.data import Box, Floats, ImageInput, Pixels
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.numerals import count
from cnnviz_desktop.figures.options import HEAD, LINE, MARGIN, PlateOptions

Align = Literal["left", "center", "right"]
_LONGEST_BAR = 1.4
_THUMBNAIL = 0.5
_LONGEST_NAME = 32  # letters

_POINTS = 72.0  # to the inch
_DENSITY = 600  # picture pixels to the inch beyond which only memory is spent
_THINNEST = 0.12  # inches to which a picture of one row is still drawn

# Tried in this order for what DejaVu Sans lacks (Chinese, Japanese, Korean), where installed.
_MORE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "PingFang SC",
    "Hiragino Sans",
    "Arial Unicode MS",
)


class Plate(Figure):
    """A figure that a notebook shows by itself."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw with letters unhinted: at every resolution they then take the width measured."""
        with rc_context({"text.hinting": "none"}):
            super().draw(renderer)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        FigureCanvasAgg(self).print_figure(buffer, format="png", dpi=self.dpi)
        return buffer.getvalue()


class Page:
    """A sheet of paper in inches from its top left corner: heading, body, caption.

    `width` and `height` are those of the body; the body begins at (`MARGIN`, `HEAD`). These inches
    are the layout's; where a width of the figure is asked for, `zoom` makes it that.
    """

    def __init__(self, width: float, height: float, options: PlateOptions) -> None:
        self.look = options.look
        self.narrow = options.narrow
        self.body = options.body(width)
        self.width = self.body + 2 * MARGIN
        lines = wrap(options.caption or "", self.body, style.CAPTION_SIZE, most=8)
        filled = HEAD + height + MARGIN + (LINE * len(lines) + 0.08 if lines else 0)
        self.height = filled
        self._across = self._down = 0.0  # what centres everything on a slide
        if options.slide:
            self.height = max(filled, self.width * 9 / 16)
            self._across = (self.height * 16 / 9 - self.width) / 2
            self._down = (self.height - filled) / 2
            self.width = self.height * 16 / 9
        self.zoom = options.zoom(self.width)
        exact = self.zoom * (1 + 1e-9)  # so that 3.5 inches at 300 dots are 1050 pixels, not 1049
        size = self.width * exact, self.height * exact
        self.figure = Plate(figsize=size, dpi=150, facecolor=self.look.ground)
        FigureCanvasAgg(self.figure)
        self.lines(filled - MARGIN - LINE * (len(lines) - 1), lines)

    def heading(self, title: str, details: Sequence[str], *, taken: float = 0.0) -> None:
        """Write the title and below it what there is room for of the details, foremost first.

        `taken` is how many inches at the right are in use.
        """
        room = self.body - taken
        self.text(MARGIN, MARGIN + 0.13, title, size=style.TITLE_SIZE, bold=True, room=room)
        said = ""
        for detail in details:
            longer = f"{said}  ·  {detail}" if said else detail
            if said and text_width(longer, style.TEXT_SIZE) > room:
                break
            said = longer
        self.text(MARGIN, MARGIN + 0.34, said, colour=self.look.muted, room=room)

    def thumbnail(self, image: ImageInput, region: Box) -> float:
        """Draw the picture small at the top right; return the width it takes with its gap."""
        wide, tall = fit(image.pixels, 3 * _THUMBNAIL, _THUMBNAIL)
        x, y = MARGIN + self.body - wide, HEAD - 0.12 - _THUMBNAIL
        self.photograph(image, region, x, y, wide, tall, line=0.5)
        return wide + 0.15

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = style.TEXT_SIZE,
        colour: str | None = None,
        bold: bool = False,
        align: Align = "left",
        room: float | None = None,
    ) -> None:
        """Write one line with its baseline at y, shortened in its middle to `room` inches."""
        if room is not None:
            words = shorten(words, room, size, bold)
        self.figure.text(
            (x + self._across) / self.width,
            1 - (y + self._down) / self.height,
            legible(words),
            fontproperties=_font(size * self.zoom, bold),
            color=colour or self.look.text,
            ha=align,
            va="baseline",
            parse_math=False,  # a label may hold dollar signs
            usetex=False,
        )

    def paragraph(self, y: float, words: str, *, most: int) -> None:
        """Write small lines over the whole body, the first with its baseline at y."""
        self.lines(y, wrap(words, self.body, style.CAPTION_SIZE, most))

    def lines(self, y: float, lines: Sequence[str]) -> None:
        """Write small lines below each other, the first with its baseline at y."""
        for row, line in enumerate(lines):
            place = y + row * LINE
            self.text(MARGIN, place, line, size=style.CAPTION_SIZE, colour=self.look.muted)

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Fill a rectangle."""
        x, y = x + self._across, y + self._down
        self.figure.add_artist(
            Rectangle(
                (x / self.width, 1 - (y + height) / self.height),
                width / self.width,
                height / self.height,
                facecolor=colour,
                edgecolor="none",
                zorder=-1,  # axes are at 0: pictures go on top
                transform=self.figure.transFigure,
            )
        )

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Return axes without a frame that fill a rectangle."""
        x, y = x + self._across, y + self._down
        left, bottom = x / self.width, 1 - (y + height) / self.height
        axes = self.figure.add_axes((left, bottom, width / self.width, height / self.height))
        axes.set_axis_off()
        return axes

    def picture(
        self,
        drawn: Pixels,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        place: Box | None = None,
        whole: Box | None = None,
    ) -> Axes:
        """Draw RGB or RGBA pixels to fill a rectangle, or their `place` in a larger `whole`."""
        drawn = reduced(drawn, round(max(width, height) * self.zoom * _DENSITY))
        whole = whole or Box(0, 0, *drawn.shape[:2])
        place = place or whole
        axes = self.axes(x, y, width, height)
        axes.imshow(
            drawn,
            interpolation="antialiased",  # blocks stay blocks, photographs are averaged
            aspect="auto",
            origin="upper",
            extent=(place.left, place.right, place.bottom, place.top),
        )
        axes.set_xlim(whole.left, whole.right)
        axes.set_ylim(whole.bottom, whole.top)
        return axes

    def photograph(
        self,
        image: ImageInput,
        region: Box,
        x: float,
        y: float,
        width: float,
        height: float,
        line: float = 1.0,
    ) -> None:
        """Draw a picture and frame the region in it, unless that is all: white, edged in black."""
        axes = self.picture(image.pixels, x, y, width, height, whole=image.whole)
        if not leaves_out(region, image):
            return
        self.outline(axes, region, line)

    def outline(self, axes: Axes, box: Box, line: float) -> None:
        """Frame a box of what is drawn on axes: white, `line` points wide, edged in black."""
        for colour, points in (("black", 2 * line), ("white", line)):
            axes.add_patch(
                Rectangle(
                    (box.left, box.top),
                    box.width,
                    box.height,
                    fill=False,
                    edgecolor=colour,
                    linewidth=points * self.zoom,
                    joinstyle="miter",
                )
            )

    def colour_bar(self, y: float, low: str, high: str, colours: Pixels, meaning: str) -> None:
        """Draw in one row: the low value, the colours, the high value, what they mean."""
        size, gap = style.CAPTION_SIZE, 0.07
        length = self.body - 1.1 if self.narrow else _LONGEST_BAR
        self.text(MARGIN, y, low, size=size)
        start = MARGIN + text_width(low, size) + gap
        self.picture(colours[None], start, y - 0.085, length, 0.1)
        end = start + length + gap
        self.text(end, y, high, size=size)
        if self.narrow:
            self.paragraph(y + LINE + 0.04, meaning, most=2)
            return
        after = end + text_width(high, size) + 2 * gap
        room = MARGIN + self.body - after
        self.text(after, y, meaning, size=size, colour=self.look.muted, room=room)


def say_broken(values: Floats, *, clear: bool = False) -> str:
    """Return " · ..." on values that are not numbers or are infinite, "" when all are sound.

    Over a picture those that are not numbers are `clear`, elsewhere cyan.
    """
    missing, endless = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    said = f"  ·  {'clear' if clear else 'cyan'}: {count(missing)} NaN" if missing else ""
    return f"{said}  ·  {count(endless)} infinite" if endless else said


def say_image(image: ImageInput | None) -> list[str]:
    """Return the picture's name as a detail, short enough to leave room for the others."""
    if image is None:
        return []
    return [image.name if len(image.name) <= _LONGEST_NAME else _cut(image.name, _LONGEST_NAME)]


def leaves_out(region: Box, image: ImageInput) -> bool:
    """Tell whether a region lacks a part of the picture; padding makes it larger than that."""
    whole = image.whole
    return (
        region.top > 0
        or region.left > 0
        or region.bottom < whole.bottom
        or region.right < whole.right
    )


def fit(drawn: Pixels, width: float, height: float) -> tuple[float, float]:
    """Return the (width, height) of a picture as large as fits, in proportion.

    A picture of a few rows is drawn taller than it is: a hairline shows nothing.
    """
    rows, columns = drawn.shape[:2]
    zoom = min(width / columns, height / rows)
    return max(columns * zoom, min(_THINNEST, width)), max(rows * zoom, min(_THINNEST, height))


def reduced(drawn: Pixels, longest: int) -> Pixels:
    """Average a picture down until its longer side has at most `longest` pixels."""
    rows, columns = drawn.shape[:2]
    if max(rows, columns) <= longest:
        return drawn
    zoom = longest / max(rows, columns)
    size = max(1, round(columns * zoom)), max(1, round(rows * zoom))
    return np.asarray(Image.fromarray(drawn).resize(size, Image.Resampling.BOX))


def reduced_picture(image: ImageInput, region: Box, longest: int) -> tuple[ImageInput, Box]:
    """Return a picture of at most `longest` pixels along a side, and the region in it."""
    drawn = reduced(image.pixels, longest)
    down, across = (np.array(drawn.shape[:2]) / image.pixels.shape[:2]).tolist()
    box = Box(
        round(region.top * down),
        round(region.left * across),
        max(round(region.bottom * down), round(region.top * down) + 1),
        max(round(region.right * across), round(region.left * across) + 1),
    )
    return ImageInput(drawn, image.path), box


def text_width(words: str, size: float, bold: bool = False) -> float:
    """Measure a line of text in inches."""
    width, _, _ = text_to_path.get_text_width_height_descent(
        legible(words), _font(size, bold), ismath=False
    )
    return float(width) / _POINTS


def wrap(words: str, room: float, size: float, most: int = 4) -> list[str]:
    """Break text into lines of at most `room` inches; the last of `most` lines is shortened."""
    lines: list[str] = []
    left = words.split()
    while left:
        longer = f"{lines[-1]} {left[0]}" if lines else left[0]
        if lines and text_width(longer, size) <= room:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(left[0])
        else:
            lines[-1] = " ".join([lines[-1], *left])
            break
        del left[0]
    return [shorten(line, room, size) for line in lines]


def wrapped(notes: Iterable[str], room: float, most: int = 3) -> list[str]:
    """Break notes into small lines of at most `room` inches, each note into `most` of them."""
    return [line for note in notes for line in wrap(note, room, style.CAPTION_SIZE, most)]


def shorten(words: str, room: float, size: float, bold: bool = False) -> str:
    """Cut the middle out of a line until it fits: both ends of a layer's name tell it apart."""
    words = words[:500]
    if text_width(words, size, bold) <= room:
        return words
    few, many = 0, len(words)
    while few < many:
        kept = (few + many + 1) // 2
        if text_width(_cut(words, kept), size, bold) <= room:
            few = kept
        else:
            many = kept - 1
    return _cut(words, few)


def legible(words: str) -> str:
    """Replace what no font at hand can draw by an empty box, so that drawing never warns."""
    known = _drawable()
    return "".join(letter if ord(letter) in known else "□" for letter in words)


def _cut(words: str, kept: int) -> str:
    head = (kept + 1) // 2
    tail = kept - head
    return words[:head] + "…" + (words[-tail:] if tail else "")


def _font(size: float, bold: bool) -> FontProperties:
    return FontProperties(family=_families(), size=size, weight="bold" if bold else "normal")


@lru_cache(maxsize=1)
def _families() -> list[str]:
    """Return the fonts to use that are there: asking for an absent one logs a warning."""
    installed = {entry.name for entry in fontManager.ttflist}
    return [style.FONT, *(name for name in _MORE_FONTS if name in installed)]


@lru_cache(maxsize=1)
def _drawable() -> frozenset[int]:
    """Return the code points that both weights can draw, control characters left out."""
    regular, bold = (
        {
            code
            for family in _families()
            for code in get_font(
                findfont(FontProperties(family=family, weight=weight), fallback_to_default=False)
            ).get_charmap()
        }
        for weight in ("normal", "bold")
    )
    return frozenset(code for code in regular & bold if code >= 0x20)
