"""Draw a timeline: a channel's pictures by checkpoint, and the curves of the whole network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cnnviz_desktop.data import Floats, ImageInput, Pixels, Timeline
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.numerals import count, number, percent
from cnnviz_desktop.figures.options import HEAD, LINE, MARGIN, PlateOptions
from cnnviz_desktop.figures.page import Page, fit, say_image, wrapped
from cnnviz_desktop.figures.timeline_film import PANELS, panels, said, when

_MOST = 8  # checkpoints side by side
_GAP = 0.08
_NAME = 0.85  # inches for the rows' names
_LARGEST = 1.3
_CURVE = 1.3
_BETWEEN = 0.45  # inches from one graph to the next


def timeline_plate(line: Timeline, image: ImageInput | None, options: PlateOptions) -> Figure:
    """Draw a column for each checkpoint, evenly spread, and below them what moved and what died."""
    room, narrow = options.room, options.narrow
    places = _spread(len(line.names), options.limit or (_MOST // 2 if narrow else _MOST))
    columns = [panels(line, place, image) for place in places]
    names = list(columns[0])
    beside = 0.0 if narrow else _NAME
    side = min((room - beside + _GAP) / max(len(places), 3) - _GAP, _LARGEST)
    heights = [fit(columns[0][name], side, side)[1] for name in names]
    rows = sum(heights) + len(names) * (_GAP + (LINE if narrow else 0.0)) + LINE
    graphs = _graphs(line)
    across = 1 if narrow else len(graphs)
    tall = (_CURVE + _BETWEEN) * -(-len(graphs) // across)
    notes = wrapped(line.notes, room)
    page = Page(room, rows + tall + LINE * len(notes), options)
    page.heading(options.title or line.title, _describe(line, image))
    _draw_columns(page, line, places, columns, side, beside)
    wide = (room - (across - 1) * _BETWEEN) / across
    for place, (title, about, values) in enumerate(graphs):
        row, column = divmod(place, across)
        x = MARGIN + column * (wide + _BETWEEN)
        y = HEAD + rows + row * (_CURVE + _BETWEEN)
        _draw_graph(page, line, (title, about), values, (x, y, wide))
    page.lines(HEAD + rows + tall + LINE, notes)
    return page.figure


def _spread(total: int, most: int) -> list[int]:
    if total <= most:
        return list(range(total))
    return sorted({int(place) for place in np.linspace(0, total - 1, most).round()})


def _describe(line: Timeline, image: ImageInput | None) -> list[str]:
    many = f"{count(len(line.names))} checkpoint{'s' if len(line.names) != 1 else ''}"
    first, last = when(line, 0), when(line, len(line.names) - 1)
    way = f"{many}, {first} to {last}" if len(line.names) > 1 else many
    kernel = f"kernel of {line.kernel_layer}" if line.kernel_layer != line.layer else ""
    explained = f"CAM of {line.target_label}" if line.heat is not None else ""
    return [item for item in (way, explained, kernel, *say_image(image)) if item]


def _draw_columns(
    page: Page,
    line: Timeline,
    places: Sequence[int],
    columns: Sequence[dict[str, Pixels]],
    side: float,
    beside: float,
) -> None:
    """Draw the pictures, the step above each column, what is shown beside or above each row."""
    small, muted = style.CAPTION_SIZE, page.look.muted
    narrow = not beside
    for column, place in enumerate(places):
        x = MARGIN + beside + column * (side + _GAP)
        page.text(x, HEAD + 0.04, when(line, place), size=small, bold=True, room=side)
    y = HEAD + LINE
    for name in columns[0]:
        tall = fit(columns[0][name], side, side)[1]
        if narrow:
            page.text(MARGIN, y + 0.09, PANELS[name], size=small, colour=muted)
            y += LINE
        else:
            page.text(MARGIN, y + tall / 2, PANELS[name], size=small, colour=muted, room=beside)
        for column, drawn in enumerate(columns):
            x = MARGIN + beside + column * (side + _GAP)
            page.picture(drawn[name], x, y, *fit(drawn[name], side, side))
        y += tall + _GAP


def _graphs(line: Timeline) -> list[tuple[str, str, Floats]]:
    """Return the graphs: title, what is said beside it, values (S, n)."""
    graphs = [("Weight drift", "L2 from the first, by layer", line.drift)]
    over = f"of {count(line.pictures)} pictures" if line.pictures > 1 else "of this picture"
    graphs.append(("Dead filters", over, line.dead))
    share = line.share
    if share is not None:
        graphs.append(("Answer", said(line, len(line.names) - 1), share[:, None]))
    return graphs


def _draw_graph(
    page: Page,
    line: Timeline,
    words: tuple[str, str],
    values: Floats,
    where: tuple[float, float, float],
) -> None:
    """Draw curves over the steps; a layer's colour tells its depth."""
    x, y, wide = where
    small, look = style.CAPTION_SIZE, page.look
    share, most = words[0] != "Weight drift", float(np.nan_to_num(values).max(initial=0.0))
    page.text(x, y + 0.16, words[0], bold=True, room=wide)
    page.text(x, y + 0.29, words[1], size=small, colour=look.muted, room=wide)
    top, tall = y + 0.38, _CURVE - 0.38
    axes = page.axes(x, top, wide, tall)
    high = 1.0 if share else max(most, 1e-6)
    steps = np.array(line.steps, np.float64)
    layers = values.shape[1]
    shades = style.layer_shades(layers, dark=look is style.DARK)
    colours = shades if layers > 1 else [look.accent]
    for curve, colour in zip(values.T, colours, strict=True):
        axes.plot(steps, curve, color=colour, linewidth=1.1 * page.zoom, clip_on=False)
        if len(steps) == 1:
            axes.scatter(steps, curve, color=colour, s=8 * page.zoom**2, clip_on=False)
    axes.set_ylim(0, 1.04 * high)
    span = float(steps[-1] - steps[0]) or 1.0
    axes.set_xlim(steps[0] - 0.01 * span, steps[-1] + 0.01 * span)
    page.box(x, top + tall, wide, 0.008, look.muted)
    reach = f"up to {percent(most) if share else number(most)}" if most else "none"
    page.text(x + wide, y + 0.16, reach, size=small, colour=look.muted, align="right")
    below = top + tall + 0.13
    page.text(x, below, when(line, 0), size=small, colour=look.muted, room=0.48 * wide)
    if len(steps) > 1:
        last = when(line, len(steps) - 1)
        page.text(
            x + wide, below, last, size=small, colour=look.muted, align="right", room=0.48 * wide
        )
