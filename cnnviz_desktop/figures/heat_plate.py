"""Draw one heat map: in the mode that is asked for, or picture, map and overlay side by side."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from cnnviz_desktop.data import Box, Heatmap, ImageInput, Pixels
from cnnviz_desktop.figures import heat, heat_shapes, pixels, style
from cnnviz_desktop.figures.heat import HeatLook
from cnnviz_desktop.figures.numerals import number
from cnnviz_desktop.figures.options import BAR_ROW, HEAD, LINE, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, fit, reduced_picture, say_broken, say_image

_PANEL_GAP = 0.15
_PANEL_HEAD = 0.16
_AIR = 0.06
_TALLEST = 3.0  # of three panels
_TALLEST_ALONE = 4.6
_DRAWN = 1600  # pixels along a panel's longer side: more than print shows


def heatmap_plate(heatmap: Heatmap, image: ImageInput | None, options: PlateOptions) -> Figure:
    """Draw a heat map, in its place on the picture where there is one."""
    look = options.heat_look(heat.is_signed(heatmap))
    high = options.high or heat.high_of(heatmap, look.signed_for(heatmap))
    alone = options.mode is not None or image is None
    map_alone = replace(look, mode="heat", smooth=False)
    looks = [("", look)] if alone else [("map", map_alone), ("overlay", look)]
    panels = 1 if alone else 3
    gap = min(_PANEL_GAP, 0.03 * options.room)
    head = 0.0 if alone else _PANEL_HEAD
    tallest = _TALLEST_ALONE if alone else _TALLEST
    room = (options.room - (panels - 1) * gap) / panels
    most = options.tallest(tallest + head) - head
    wide, tall = fit(_ground(heatmap, image), room if alone else min(room, _TALLEST), most)
    body = panels * (wide + gap) - gap
    said = _say_box(heatmap, image, options)
    below = LINE + _AIR if said else 0.0
    page = Page(body, head + tall + options.bar_row + below, options)
    page.heading(
        options.title or name_target(heatmap),
        _describe(heatmap, image, titled=options.title is not None),
    )
    x, y = MARGIN, HEAD + head
    rows, columns = heatmap.values.shape
    if image is not None and not alone:
        small, region = reduced_picture(image, heatmap.region, _DRAWN)
        _name_panel(page, x, "picture")
        page.photograph(small, region, x, y, wide, tall)
        x += wide + gap
    for name, shown in looks:
        if name:
            _name_panel(page, x, f"map, {rows}×{columns}" if name == "map" else name)
        draw_panel(page, heatmap, image, shown, high, (x, y, wide, tall), longest=_DRAWN)
        if options.box and name != "map" and image is not None:
            outline_box(page, heatmap, image, options.threshold, (x, y, wide, tall))
        x += wide + gap
    if options.colour_bar:
        clear = alone and look.mode_for(heatmap) != "heat"  # else the map alone shows them
        broken = say_broken(heatmap.values, clear=clear)
        explain(page, y + tall + BAR_ROW, heatmap, look, high, broken)
    if said:
        place, colour = y + tall + options.bar_row + below, page.look.muted
        page.text(MARGIN, place, said, size=style.CAPTION_SIZE, colour=colour, room=page.body)
    return page.figure


def draw_panel(
    page: Page,
    heatmap: Heatmap,
    image: ImageInput | None,
    look: HeatLook,
    high: float,
    place: tuple[float, float, float, float],
    *,
    longest: int,
) -> None:
    """Draw the map in its mode on a rectangle of the page, with its lines."""
    small, region = _reduced(heatmap, image, longest)
    placed = replace(heatmap, region=region)
    if look.mode_for(heatmap) == "heat" and not look.smooth:  # cells stay cells at any size
        page.box(*place, page.look.track)
        rows, columns = heatmap.values.shape
        cells = heat.veil(heatmap, look, high, rows, columns)[..., :3]
        page.picture(cells, *place, place=region, whole=small.whole)
        return
    ground = bytes.fromhex(page.look.track.removeprefix("#"))
    rgb = heat.drawn(small, placed, look, high, (ground[0], ground[1], ground[2]))
    axes = page.picture(rgb, *place)
    if look.mode_for(heatmap) == "contour":
        _draw_lines(axes, placed, look, high, page.zoom)


def outline_box(
    page: Page,
    heatmap: Heatmap,
    image: ImageInput,
    threshold: float,
    place: tuple[float, float, float, float],
) -> None:
    """Outline what is hot on a panel: white, edged in black."""
    box = heat_shapes.hot_box(heatmap, threshold, image.whole)
    if box is None:
        return
    axes = page.axes(*place)
    axes.set_xlim(0, image.whole.right)
    axes.set_ylim(image.whole.bottom, 0)
    page.outline(axes, box, 1.1)


def explain(
    page: Page, y: float, heatmap: Heatmap, look: HeatLook, high: float, broken: str
) -> None:
    """Draw the colour bar and say what is `broken`, or say why there is nothing to see."""
    signed = look.signed_for(heatmap)
    if high == 0 and not (heatmap.values > 0).any():
        name, nothing = name_target(heatmap), "all are" if signed else "none is above"
        said = f"Nothing in this map speaks for “{name}”: of its values {nothing} zero.{broken}"
        if page.narrow:
            page.paragraph(y, said, most=3)
        else:
            page.text(MARGIN, y, said, room=page.body)
        return
    match look.mode_for(heatmap):
        case "masked":
            least = number(look.threshold * high)
            share = f" ({look.threshold:.0%} of the maximum)" if look.threshold else ""
            page.text(MARGIN, y, f"Kept: where the map is above {least}{share}", room=page.body)
            return
        case "colours":
            high = heat.colours_limit(heatmap)
            said = "by colour; zero is grey, highest 0.5% cut off"
            page.colour_bar(
                y, number(-high), number(high), _bar(-high, high, style.KERNELS, True, 1.0), said
            )
            return
        case _:
            low, name = (-high if signed else 0.0), look.colormap_for(heatmap)
            said = what_colours_mean(heatmap, look)
            colours = _bar(low, high, name, signed, look.gamma)
            page.colour_bar(y, number(low), number(high), colours, said + broken)


def what_colours_mean(heatmap: Heatmap, look: HeatLook) -> str:
    """Return what the colours of a map say, for beside its bar."""
    clear = "zero and below are clear"
    if look.threshold:
        clear = f"below {look.threshold:.0%} of the maximum left out"
    if look.signed_for(heatmap):
        said = "against and for the class" + (f"; {clear}" if look.threshold else "")
    elif heatmap.signed:
        said = f"for the class; {clear}"
    else:
        said = "for or against the class" + (f"; {clear}" if look.threshold else "")
    if heat.is_cut_off(heatmap):
        said += "; highest 0.5% cut off"
    if look.mode_for(heatmap) == "contour":
        levels = ", ".join(f"{level:.0%}" for level in heat.levels_of(look.threshold))
        return f"lines at {levels} of the maximum"
    return said


def name_target(heatmap: Heatmap) -> str:
    """Return the name of the class that is explained."""
    return heatmap.target_label or f"class {heatmap.target}"


def _bar(low: float, high: float, name: str, signed: bool, gamma: float) -> Pixels:
    return pixels.colour(np.linspace(low, high, 256), name, high, signed=signed, gamma=gamma)


def _ground(heatmap: Heatmap, image: ImageInput | None) -> Pixels:
    """Return the pixels whose proportions a panel has."""
    if image is not None:
        return image.pixels
    return np.zeros((*heatmap.values.shape, 3), np.uint8)


def _reduced(heatmap: Heatmap, image: ImageInput | None, longest: int) -> tuple[ImageInput, Box]:
    """Return the picture as it is drawn and where the map lies in it; a map alone is all of it."""
    if image is not None:
        return reduced_picture(image, heatmap.region, longest)
    rows, columns = heatmap.values.shape
    zoom = max(1, longest // (4 * max(rows, columns)))
    height, width = rows * zoom, columns * zoom
    return ImageInput(np.zeros((height, width, 3), np.uint8)), Box(0, 0, height, width)


def _draw_lines(axes: Axes, placed: Heatmap, look: HeatLook, high: float, zoom: float) -> None:
    """Draw the lines of a map, each level in its colour on a dark edge."""
    signed, region = look.signed_for(placed), placed.region
    levels = heat.levels_of(look.threshold)
    for level, lines in heat_shapes.contours(placed, high, levels, signed=signed):
        size, corner = (region.width, region.height), (region.left, region.top)
        ends = lines * np.array(size) + np.array(corner)
        line, edge = heat.line_colours(placed, look, level)
        for red, green, blue, points in ((*edge, 2.4), (*line, 1.2)):
            colour = red / 255, green / 255, blue / 255
            axes.add_collection(
                LineCollection(
                    list(ends), colors=[colour], linewidths=points * zoom, capstyle="round"
                ),
                autolim=False,
            )


def _say_box(heatmap: Heatmap, image: ImageInput | None, options: PlateOptions) -> str:
    """Return where the hot region lies, for below the bar; "" where that is not asked for."""
    if not options.box or image is None:
        return ""
    box = heat_shapes.hot_box(heatmap, options.threshold, image.whole)
    return heat_shapes.say_box(box, options.threshold)


def _describe(heatmap: Heatmap, image: ImageInput | None, titled: bool) -> list[str]:
    """Return the details for the heading."""
    known = heatmap.values[~np.isnan(heatmap.values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (math.nan, math.nan)
    where = ", ".join(heatmap.layers) or heatmap.layer
    return [
        *([name_target(heatmap)] if titled else []),
        *([heatmap.method] if heatmap.method else []),
        f"logit {number(heatmap.score)}",
        where or ("the network's input" if heatmap.method else "the whole network"),
        f"values {number(low)} … {number(high)}",
        *say_image(image),
    ]


def _name_panel(page: Page, x: float, name: str) -> None:
    page.text(x, HEAD + 0.08, name, size=style.CAPTION_SIZE, colour=page.look.muted)
