"""Decide which maps of a layer a grid shows, in which order and with which captions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np

from cnnviz_desktop.data import Activation, Floats, ImageInput
from cnnviz_desktop.figures import map_order, style
from cnnviz_desktop.figures.map_order import Channels, MapStatistics, Ranks

__all__ = ["GridLook", "MapStatistics", "arrange", "parse_channels", "statistics"]

Order = Literal["index", "max", "mean", "energy", "sparsity", "selectivity", "difference"]
Scale = Literal["tile", "layer", "net"]

SMALLEST_TILE, LARGEST_TILE, DEFAULT_TILE = 16, 1024, 78
PAGE = 8  # tiles across and down on the classic page
_MOST_NAMED = 256  # channels one by one in a copied call: more than a figure shows


@dataclass(frozen=True)
class GridLook:
    """How a grid draws its maps; nothing here runs the engine.

    `order`: by channel number, or strongest first by maximum, mean, mean square (without `signed`
    of what is above zero), or by the share of cells that are silent, or by scores that are given
    from elsewhere. `scale`: each tile to its own maximum, all to the layer's, or all to `net`, the
    greatest value of any layer, the layer's while that is 0. `signed`: zero-centred limits and a
    diverging colour map instead of 0 to the maximum. `colormap` "" is the default for the sign.
    `query` names channels to keep: "12, 40-47"; "" keeps all. `overlay`: the opacity of the maps
    over the picture, 0 for maps alone. `page`: the first 64 in eight columns, fitted to the canvas.
    """

    order: Order = "index"
    scale: Scale = "tile"
    colormap: str = ""
    gamma: float = style.GAMMA
    tile_side: int = DEFAULT_TILE
    signed: bool = False
    hide_silent: bool = False
    query: str = ""
    overlay: float = 0.0
    page: bool = False
    net: float = 0.0

    @property
    def map_name(self) -> str:
        """Return the colour map in use."""
        return self.colormap or (style.SIGNED if self.signed else style.SEQUENTIAL)


@dataclass(frozen=True, eq=False)
class Beside:
    """What tiles are drawn with besides the maps themselves.

    `image` lies below an overlay; `scores` (C,) rank channels where the look asks for them; `other`
    holds the same layer's maps for `other_image`, and `difference` what the maps are beyond those.
    """

    image: ImageInput | None = None
    scores: Floats | None = None
    other: Activation | None = None
    other_image: ImageInput | None = None
    difference: Activation | None = None

    def same(self, that: Beside) -> bool:
        """Tell whether nothing would be drawn differently."""
        return (
            self.image is that.image
            and self.scores is that.scores
            and self.other is that.other
            and self.difference is that.difference
        )


_measured: WeakKeyDictionary[Activation, MapStatistics] = WeakKeyDictionary()


def statistics(activation: Activation) -> MapStatistics:
    """Return the numbers of a layer's maps, measured once: in the engine's thread by `Perform`."""
    known = _measured.get(activation)
    if known is None:
        known = _measured[activation] = MapStatistics.of(activation.values)
    return known


def reach(numbers: MapStatistics, signed: bool) -> Floats:
    """Return the value of each map's last colour: its maximum (signed: greatest magnitude)."""
    if not len(numbers.high):
        return numbers.high
    high = np.abs(numbers.extreme(True)) if signed else np.maximum(numbers.high, 0)
    return np.where(np.isfinite(high), high, np.float32(0))


def parse_channels(query: str, count: int) -> list[int] | None:
    """Return the channels a query names, in its order: numbers and ranges; None names them all."""
    words = [word for word in re.split(r"[,;\s]+", query.strip()) if word]
    if not words:
        return None
    found: dict[int, None] = {}
    for word in words:
        match = re.fullmatch(r"#?(\d+)(?:(?:-|–|:|\.\.)(\d+)?)?", word)
        if match is None:
            continue
        first = int(match[1])
        last = first
        if match[2] is not None:
            last = int(match[2])
        elif len(match[0].lstrip("#")) > len(match[1]):
            last = count - 1  # "40-" goes on to the end
        first, last = min(first, last), max(first, last)
        found.update(dict.fromkeys(range(max(0, first), min(last, count - 1) + 1)))
    return list(found)


def arrange(numbers: MapStatistics, look: GridLook, scores: Floats | None = None) -> Channels:
    """Return the channels a grid shows, in order; without the scores it asks for, by energy."""
    count = len(numbers.high)
    named = parse_channels(look.query, count)
    channels = np.arange(count) if named is None else np.array(named, dtype=np.intp)
    key: Ranks | None
    match look.order:
        case "selectivity" | "difference":
            key = (
                numbers.key("energy", look.signed)
                if scores is None
                else np.asarray(scores, np.float64)
            )
        case order:
            key = numbers.key(order, look.signed)
    hide = look.hide_silent and named is None
    channels = numbers.in_order(channels, key, look.signed, hide)
    return channels[: PAGE * PAGE] if look.page else channels


def plate_order(look: GridLook, shown: Sequence[int]) -> dict[str, object]:
    """Return the options of a plate that show the same channels in the same order."""
    ranked = look.order in map_order.ORDERS
    options: dict[str, object] = {}
    if ranked and not look.query.strip():
        options |= {"order": look.order, "hide_silent": look.hide_silent}
    elif shown:  # ranked by what a plate cannot know, or named one by one
        options["channels"] = tuple(shown[:_MOST_NAMED])
    if look.page:
        options |= {"limit": PAGE * PAGE, "columns": PAGE}
    return options
