"""Hold what a caller may choose about a plate, and the measures of a page that follow from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from cnnviz_desktop.errors import ParameterError, quoted
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.heat import MODES, HeatLook, Mode
from cnnviz_desktop.figures.map_order import ORDERS, Order
from cnnviz_desktop.figures.pixels import Scale

WIDTH = 6.6  # inches of a body: with its margins, the width of a page of print
MARGIN = 0.3
HEAD = 0.84  # where the body begins below the top
BAR_ROW = 0.34  # what a colour bar adds below the body
LINE = 0.15  # from one line of small text to the next
SLIDE = 40 / 3  # inches across a slide of 16:9, as presentation programs have it

_NARROW = 4.8  # of a body: below it, what stands side by side goes below each other
_NARROWEST = 4.8  # of a body that is as wide as its pictures: headings need as much
_WIDEST = 100.0  # inches
_LEAST = 2.6  # of a figure, with text of its usual size; a smaller one is that one shrunk


@dataclass(frozen=True, kw_only=True)
class PlateOptions:
    """What a caller may choose about a plate; None leaves the choice to the kind of result.

    `width` is that of the whole figure in inches: up to a page of print it is laid out anew, text
    keeping its size, beyond that everything grows. A `slide` has the shape 16:9.

    Of feature maps: `order` says which come first, `channels` names them one by one, `hide_silent`
    leaves out those with nothing to show, `high` is the value of the last colour of every tile in
    place of what `scale` says, `overlay` lays them over the picture.

    Of explanations: `mode` says how a map is shown (None: the picture, the map and the overlay side
    by side), `threshold` the share of its maximum below which nothing is, `cells` draws them as
    squares, `box` outlines what is hot.
    """

    title: str | None = None
    caption: str | None = None
    dark: bool = False
    colormap: str | None = None
    columns: int | None = None
    limit: int | None = None
    scale: Scale = "tile"
    signed: bool | None = None
    gamma: float | None = None
    opacity: float = 0.6
    colour_bar: bool = True
    width: float | None = None
    slide: bool = False
    order: Order | None = None
    channels: tuple[int, ...] | None = None
    hide_silent: bool = False
    high: float | None = None
    overlay: bool = False
    mode: Mode | None = None
    threshold: float = 0.0
    cells: bool = False
    box: bool = False

    def __post_init__(self) -> None:
        """Raise ParameterError for what cannot be drawn: before the work, not after it."""
        if self.width is not None and not 1 <= self.width <= _WIDEST:
            raise ParameterError(f"A figure is 1 to {_WIDEST:g} inches wide, not {self.width:g}.")
        for what, number in (("columns", self.columns), ("limit", self.limit)):
            if number is not None and number < 1:
                raise ParameterError(f"The {what} must be at least 1, not {number}.")
        if self.gamma is not None and not 0.05 <= self.gamma <= 20:
            raise ParameterError(f"Gamma must be from 0.05 to 20, not {self.gamma:g}.")
        if not 0 <= self.opacity <= 1:
            raise ParameterError(f"The opacity must be from 0 to 1, not {self.opacity:g}.")
        if not 0 <= self.threshold < 1:
            raise ParameterError(
                f"The threshold must be from 0 to below 1, not {self.threshold:g}."
            )
        if self.mode is not None and self.mode not in MODES:
            raise ParameterError(f"A map is shown as {', '.join(MODES)}, not {quoted(self.mode)}.")
        if self.colormap is not None:
            style.lut(self.colormap)
        if self.order is not None and self.order not in ORDERS:
            orders = ", ".join(ORDERS)
            raise ParameterError(f"Maps are in the order {orders}, not {quoted(self.order)}.")
        if self.high is not None and not 0 < self.high < math.inf:
            raise ParameterError(f"The highest value must be above 0, not {self.high:g}.")
        if self.channels is not None and not self.channels:
            raise ParameterError("No channel is named: leave the channels out to see them all.")

    @property
    def look(self) -> style.PlateStyle:
        """Return the chrome that goes with the ground."""
        return style.DARK if self.dark else style.LIGHT

    def is_signed(self, guess: bool) -> bool:
        """Tell whether zero is in the middle: as asked, as the colour map says, or as guessed."""
        if self.signed is not None:
            return self.signed
        return self.colormap in style.SIGNED_MAPS if self.colormap else guess

    def with_columns(self, columns: int) -> PlateOptions:
        """Return these options with so many columns, unless others are asked for."""
        return self if self.columns is not None else replace(self, columns=columns)

    def heat_look(self, signed: bool) -> HeatLook:
        """Return how explanations are drawn; `signed` is what is guessed where nothing is said."""
        return HeatLook(
            mode=self.mode or "overlay",
            colormap=self.colormap,
            opacity=self.opacity,
            threshold=self.threshold,
            signed=self.is_signed(signed),
            gamma=self.gamma or 1.0,
            smooth=not self.cells,
        )

    @property
    def free(self) -> bool:
        """Tell whether the figure may be as narrow as what is in it."""
        return self.width is None and not self.slide

    @property
    def room(self) -> float:
        """Return how many inches of the layout the body has from left to right."""
        if self.width is None or self.slide:
            return WIDTH
        return min(max(self.width, _LEAST), WIDTH + 2 * MARGIN) - 2 * MARGIN

    def body(self, width: float) -> float:
        """Return how wide the body becomes around what is that wide."""
        return max(width, _NARROWEST if self.free else self.room)

    @property
    def narrow(self) -> bool:
        """Tell whether the body is a column of print rather than a page."""
        return self.room < _NARROW

    def tallest(self, usual: float) -> float:
        """Return how many inches of the layout the pictures may have from top to bottom."""
        if not self.slide:
            return usual
        caption = LINE + 0.08 if self.caption else 0.0
        sheet = (WIDTH + 2 * MARGIN) * 9 / 16
        return min(usual, sheet - HEAD - MARGIN - self.bar_row - caption)

    @property
    def bar_row(self) -> float:
        """Return what the colour bar adds below the pictures."""
        if not self.colour_bar:
            return 0.0
        return BAR_ROW + 2 * LINE + 0.04 if self.narrow else BAR_ROW

    def zoom(self, width: float) -> float:
        """Return what a layout of that width is to be enlarged by."""
        wanted = self.width or (SLIDE if self.slide else None)
        return wanted / width if wanted else 1.0
