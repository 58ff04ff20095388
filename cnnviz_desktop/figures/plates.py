"""Turn any result into a figure for paper or stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from matplotlib.figure import Figure

from cnnviz_desktop.data import (
    Activation,
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
    ImageInput,
    Inverted,
    Maximised,
    Prediction,
    Result,
    Sheet,
    Table,
    Timeline,
    Tuning,
)
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.card_plate import card_plate
from cnnviz_desktop.figures.compared_plate import compared_plate
from cnnviz_desktop.figures.curves_plate import curves_plate
from cnnviz_desktop.figures.distribution_plate import distribution_plate
from cnnviz_desktop.figures.evaluation_plate import evaluation_plate
from cnnviz_desktop.figures.evidence_plate import evidence_plate
from cnnviz_desktop.figures.exemplars_plate import exemplars_plate
from cnnviz_desktop.figures.filter_plate import filter_plate
from cnnviz_desktop.figures.heat import Mode
from cnnviz_desktop.figures.heat_plate import heatmap_plate
from cnnviz_desktop.figures.heatmaps_plate import heatmaps_plate
from cnnviz_desktop.figures.inverted_plate import inverted_plate
from cnnviz_desktop.figures.map_order import Order
from cnnviz_desktop.figures.map_plate import map_plate
from cnnviz_desktop.figures.maximised_plate import maximised_plate
from cnnviz_desktop.figures.numerals import count, number, percent
from cnnviz_desktop.figures.options import HEAD, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import (
    Page,
    fit,
    leaves_out,
    say_image,
)
from cnnviz_desktop.figures.pixels import Scale
from cnnviz_desktop.figures.sheet_plate import sheet_plate
from cnnviz_desktop.figures.table_plate import table_plate
from cnnviz_desktop.figures.timeline_plate import timeline_plate
from cnnviz_desktop.figures.tuning_plate import tuning_plate

_ROW = 0.36  # inches from one bar to the next


def plate(  # noqa: PLR0912 - a branch for each kind of result
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
    mode: Mode | None = None,
    threshold: float = 0.0,
    cells: bool = False,
    box: bool = False,
) -> Figure:
    """Draw a result as a figure, with the picture it was made from where there is one.

    `limit` is how many classes, maps or filters to show, strongest first; `width` that of the
    figure in inches (3.5 is one column of many journals); a `slide` has the shape 16:9 and text to
    be read from afar. Of feature maps, `order` says which come first, or `channels` names them;
    `high` is the value of the last colour of every tile; `overlay` lays them over the picture. Of
    explanations, `mode` says how a map is shown, `threshold` from which share of its maximum on,
    whether its `cells` are squares; `box` outlines what is hot. What is None is chosen
    to suit the result.
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
        mode=mode,
        threshold=threshold,
        cells=cells,
        box=box,
    )
    match result:
        case Prediction():
            return _prediction_plate(result, image, options)
        case Activation():
            return map_plate(result, image, options)
        case Heatmap():
            return heatmap_plate(result, image, options)
        case Heatmaps():
            return heatmaps_plate(result, image, options)
        case Comparison():
            return compared_plate(result, image, options)
        case Evidence():
            return evidence_plate(result, image, options)
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
        case Maximised():
            return maximised_plate(result, options)
        case Inverted():
            return inverted_plate(result, options)
        case Exemplars():
            return exemplars_plate(result, options)
        case Evaluations():
            return evaluation_plate(result, options)
        case Curves():
            return curves_plate(result, options)
        case Timeline():
            return timeline_plate(result, image, options)
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
