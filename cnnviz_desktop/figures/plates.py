"""Turn any result into a figure for paper or stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import numpy as np
from matplotlib.figure import Figure

from cnnviz_desktop.data import (
    Activation,
    Card,
    Distribution,
    FilterBank,
    Heatmap,
    ImageInput,
    Prediction,
    Result,
    Sheet,
    Table,
    Tuning,
)
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.card_plate import card_plate
from cnnviz_desktop.figures.distribution_plate import distribution_plate
from cnnviz_desktop.figures.filter_plate import filter_plate
from cnnviz_desktop.figures.map_order import Order
from cnnviz_desktop.figures.map_plate import map_plate
from cnnviz_desktop.figures.numerals import count, number, percent
from cnnviz_desktop.figures.options import BAR_ROW, HEAD, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import (
    Page,
    fit,
    leaves_out,
    reduced_picture,
    say_broken,
    say_image,
)
from cnnviz_desktop.figures.pixels import Scale
from cnnviz_desktop.figures.sheet_plate import sheet_plate
from cnnviz_desktop.figures.table_plate import table_plate
from cnnviz_desktop.figures.tuning_plate import tuning_plate

_ROW = 0.36  # inches from one bar to the next
_PANEL_GAP = 0.15
_PANEL_HEAD = 0.16
_TALLEST = 3.0
_DRAWN = 1600  # pixels along a panel's longer side: more than print shows


def plate(
    result: Result,
    image: ImageInput | None = None,
    *,
    title: str | None = None,
    caption: str | None = None,
    dark: bool = False,
    colormap: str | None = None,
    columns: int | None = None,
    limit: int | None = None,
    scale: Scale = "tile",
    signed: bool | None = None,
    gamma: float | None = None,
    opacity: float = 0.6,
    colour_bar: bool = True,
    width: float | None = None,
    slide: bool = False,
    order: Order | None = None,
    channels: Sequence[int] | None = None,
    hide_silent: bool = False,
    high: float | None = None,
    overlay: bool = False,
) -> Figure:
    """Draw a result as a figure, with the picture it was made from where there is one.

    `limit` is how many classes, maps or filters to show, strongest first; `width` that of the
    figure in inches (3.5 is one column of many journals); a `slide` has the shape 16:9 and text to
    be read from afar. Of feature maps, `order` says which come first, or `channels` names them;
    `high` is the value of the last colour of every tile; `overlay` lays them over the picture.
    What is None is chosen to suit the result.
    """
    options = PlateOptions(
        title=title,
        caption=caption,
        dark=dark,
        colormap=colormap,
        columns=columns,
        limit=limit,
        scale=scale,
        signed=signed,
        gamma=gamma,
        opacity=opacity,
        colour_bar=colour_bar,
        width=width,
        slide=slide,
        order=order,
        channels=None if channels is None else tuple(channels),
        hide_silent=hide_silent,
        high=high,
        overlay=overlay,
    )
    match result:
        case Prediction():
            return _prediction_plate(result, image, options)
        case Activation():
            return map_plate(result, image, options)
        case Heatmap():
            return _heatmap_plate(result, image, options)
        case FilterBank():
            return filter_plate(result, options)
        case Distribution():
            return distribution_plate(result, options)
        case Card():
            return card_plate(result, image, options)
        case Sheet():
            return sheet_plate(result, image, options)
        case Table():
            return table_plate(result, options)
        case Tuning():
            return tuning_plate(result, options)
        case _:
            assert_never(result)


def _prediction_plate(
    prediction: Prediction, image: ImageInput | None, options: PlateOptions
) -> Figure:
    """Draw the picture and beside it, in a narrow figure below, the likeliest classes as bars."""
    top = prediction.top(options.limit or 5)
    bars = _ROW * len(top)
    room, narrow = options.room, options.narrow
    wide, tall = fit(image.pixels, min(2.4, room), max(bars, 1.6)) if image else (0.0, 0.0)
    cropped = image is not None and leaves_out(prediction.region, image)
    above = tall + 0.14 * cropped
    start = HEAD + (above + 0.2 if narrow and image else 0.0)
    page = Page(room, start - HEAD + bars if narrow else max(bars, above), options)
    details = [f"{percent(top[0][2])}, likeliest of {count(len(prediction.labels))} classes"]
    page.heading(options.title or top[0][1], [*details, *say_image(image)])
    left, muted = MARGIN, page.look.muted
    if image is not None:
        page.photograph(image, prediction.region, left, HEAD, wide, tall)
        if cropped:
            said = "framed: what the network saw"
            page.text(left, HEAD + tall + 0.14, said, size=style.CAPTION_SIZE, colour=muted)
        left += 0.0 if narrow else wide + 0.3
    right = MARGIN + room
    for row, (index, label, share) in enumerate(top):
        y = start + row * _ROW
        first = row == 0
        logit = f"logit {number(float(prediction.logits[index]))}"
        page.text(left, y + 0.12, label, bold=first, room=right - left - 1.4)
        page.text(
            right - 0.65, y + 0.12, logit, size=style.CAPTION_SIZE, colour=muted, align="right"
        )
        page.text(right, y + 0.12, percent(share), bold=first, align="right")
        page.box(left, y + 0.18, right - left, 0.07, page.look.track)
        if share > 0:
            colour = page.look.accent if first else page.look.bar
            page.box(left, y + 0.18, (right - left) * share, 0.07, colour)
    return page.figure


def _heatmap_plate(heatmap: Heatmap, image: ImageInput | None, options: PlateOptions) -> Figure:
    """Draw picture, map and overlay side by side, all of one size and place."""
    signed = options.is_signed(False)
    gamma = options.gamma or 1.0
    colormap = options.colormap or (style.SIGNED if signed else style.OVERLAY)
    heat = pixels.colour(heatmap.values, colormap, signed=signed, gamma=gamma)
    panels = 3 if image else 1
    gap = min(_PANEL_GAP, 0.03 * options.room)
    room = (options.room - (panels - 1) * gap) / panels
    most = options.tallest(_TALLEST + _PANEL_HEAD) - _PANEL_HEAD
    wide, tall = fit(image.pixels if image else heat, min(room, _TALLEST), most)
    body = panels * (wide + gap) - gap
    page = Page(body, _PANEL_HEAD + tall + options.bar_row, options)
    page.heading(
        options.title or _name_target(heatmap),
        _describe_heatmap(heatmap, image, titled=options.title is not None),
    )
    rows, columns = heatmap.values.shape
    x, y = MARGIN, HEAD + _PANEL_HEAD
    if image is not None:
        small, region = reduced_picture(image, heatmap.region, _DRAWN)
        _name_panel(page, x, "picture")
        page.photograph(small, region, x, y, wide, tall)
        x += wide + gap
        page.box(x, y, wide, tall, page.look.track)
        page.picture(heat, x, y, wide, tall, place=region, whole=small.whole)
        _name_panel(page, x, f"map, {rows}×{columns}")
        x += wide + gap
        blended = pixels.overlay_values(
            small, heatmap.values, region, options.opacity, colormap, gamma=gamma, signed=signed
        )
        _name_panel(page, x, "overlay")
        page.picture(blended, x, y, wide, tall)
    else:
        _name_panel(page, x, f"map, {rows}×{columns}")
        page.picture(heat, x, y, wide, tall)
    if options.colour_bar:
        _explain_heat(page, y + tall + BAR_ROW, heatmap, colormap, signed, gamma)
    return page.figure


def _name_panel(page: Page, x: float, name: str) -> None:
    page.text(x, HEAD + 0.08, name, size=style.CAPTION_SIZE, colour=page.look.muted)


def _name_target(heatmap: Heatmap) -> str:
    return heatmap.target_label or f"class {heatmap.target}"


def _describe_heatmap(heatmap: Heatmap, image: ImageInput | None, titled: bool) -> list[str]:
    """Return the details for the heading."""
    low, high = float(np.min(heatmap.values)), float(np.max(heatmap.values))
    return [
        *([_name_target(heatmap)] if titled else []),
        f"logit {number(heatmap.score)}",
        heatmap.layer or "the whole network",
        f"values {number(low)} … {number(high)}",
        *say_image(image),
    ]


def _explain_heat(
    page: Page, y: float, heatmap: Heatmap, colormap: str, signed: bool, gamma: float
) -> None:
    """Draw the colour bar, or say why there is nothing to see."""
    low, high = pixels.limits(heatmap.values, signed=signed)
    broken = say_broken(heatmap.values)
    if high == 0 and not (heatmap.values > 0).any():
        name, nothing = _name_target(heatmap), "all are" if signed else "none is above"
        said = f"Nothing in this map speaks for “{name}”: of its values {nothing} zero.{broken}"
        if page.narrow:
            page.paragraph(y, said, most=3)
        else:
            page.text(MARGIN, y, said, room=page.body)
        return
    said = "against and for the class" if signed else "for the class; zero and below are clear"
    colours = pixels.colour(np.linspace(low, high, 256), colormap, signed=signed, gamma=gamma)
    page.colour_bar(y, number(low), number(high), colours, said + broken)
