from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnviz_desktop.data import (
    Activation,
    Box,
    Distribution,
    FilterBank,
    Heatmap,
    ImageInput,
    Prediction,
    Result,
    Sheet,
    Strip,
    Table,
)
from cnnviz_desktop.errors import ParameterError
from cnnviz_desktop.figures import style
from cnnviz_desktop.figures.options import WIDTH
from cnnviz_desktop.figures.page import fit, legible, shorten, text_width, wrap
from cnnviz_desktop.figures.plates import plate

RNG = np.random.default_rng(0)
BOX = Box(0, 0, 40, 50)


def noise(*shape: int) -> NDArray[np.float32]:
    return RNG.standard_normal(shape).astype(np.float32)


def rectified(*shape: int) -> NDArray[np.float32]:
    return np.maximum(noise(*shape), 0)


def picture(height: int = 40, width: int = 50, name: str = "cat.png") -> ImageInput:
    pixels = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return ImageInput(pixels, Path(name))


def prediction(*labels: str, region: Box = BOX) -> Prediction:
    logits = np.linspace(5, -20, len(labels)).astype(np.float32)
    shares = np.exp(logits) / np.exp(logits).sum()
    return Prediction(logits, shares, labels, region)


def activation(values: NDArray[np.float32], layer: str = "features.5", call: int = 0) -> Activation:
    return Activation(values, layer, BOX, call)


def heatmap(values: NDArray[np.float32], label: str = "pug", region: Box = BOX) -> Heatmap:
    return Heatmap(values, "features.12", 254, label, 27.6, region)


def words(figure: Figure) -> str:
    return " | ".join(text.get_text() for text in figure.texts)


def broken_maps() -> NDArray[np.float32]:
    maps = rectified(12, 13, 13)
    maps[3, 2, 2], maps[4, 0, 0], maps[5] = np.nan, np.inf, 0
    return maps


def distribution(layers: int, show: Literal["histograms", "boxes"]) -> Distribution:
    """Make layers that are ever wider, named at length, every third of them rectified."""
    reach = np.geomspace(0.01, 100, layers)[:, None]
    low = np.where(np.arange(layers)[:, None] % 3 == 0, 0, -reach)
    steps = np.linspace(0, 1, 97)
    shares = np.array([0, 0.3, 0.45, 0.5, 0.55, 0.7, 1])
    return Distribution(
        title="Activations of a network with a long name for a picture with a long name",
        of="activations",
        layers=tuple(f"features.denseblock{i}.denselayer{i}.$x^ 日本{i}" for i in range(layers)),
        edges=(low + steps * (reach - low)).astype(np.float32),
        counts=RNG.integers(0, 1000, (layers, 96)),
        zeros=RNG.integers(0, 9000, layers),
        broken=np.arange(layers),
        box=(low + shares * (reach - low)).astype(np.float32),
        show=show,
    )


HARD_LABELS = ("a $x^ label_{", "日本語のラベル", "two\nlines \x07 & <tag>", "x" * 400, "🐕", "")


def sheet(*counts: int) -> Sheet:
    """Make the walk through a network: strips of that many maps, and an answer."""
    strips = [
        Strip(
            f"Stage {number}",
            Activation(noise(count, 32 >> number, 32 >> number), f"features.{number}", BOX),
            tuple(range(count)),
            100,
        )
        for number, count in enumerate(counts, start=1)
    ]
    shares = np.array([0.7, 0.2, 0.1], np.float32)
    return Sheet(
        "net, stage by stage",
        tuple(strips),
        Prediction(np.log(shares), shares, ("owl", "a very long name of a class", "cat"), BOX),
    )


RESULTS: dict[str, tuple[Result, ImageInput | None]] = {
    "prediction": (prediction("pug", "boxer", "tabby"), picture()),
    "prediction alone": (prediction("pug", "boxer", "tabby"), None),
    "hard labels": (prediction(*HARD_LABELS), picture(name="x" * 200)),
    "prediction of a line": (prediction("a", "b"), picture(1, 5000)),
    "prediction of a column": (prediction("a", region=Box(9, 0, 99, 1)), picture(900, 1)),
    "maps": (activation(rectified(12, 13, 13)), picture()),
    "one map": (activation(rectified(1, 24, 32)), None),
    "many maps": (activation(rectified(2048, 7, 7), "layer4.2.relu"), picture()),
    "large maps": (activation(rectified(3, 224, 224)), picture()),
    "signed maps": (activation(noise(70, 9, 9)), None),
    "single cells": (activation(rectified(100, 1, 1), "avgpool"), picture(1, 5000)),
    "one row": (activation(rectified(5, 1, 200), "very.long.name." * 30), picture(900, 1)),
    "one column": (activation(rectified(5, 60, 1), ""), picture()),
    "broken maps": (activation(broken_maps(), call=2), picture()),
    "dead maps": (activation(np.zeros((4, 5, 5), np.float32)), None),
    "no numbers": (activation(np.full((3, 5, 5), np.nan, np.float32)), None),
    "heatmap": (heatmap(noise(7, 7)), picture()),
    "heatmap alone": (heatmap(noise(1, 9), label=""), None),
    "heatmap of nothing": (heatmap(-rectified(7, 7), "日本 $cat_"), picture()),
    "heatmap of no numbers": (heatmap(np.full((7, 7), np.nan, np.float32)), picture()),
    "heatmap of infinity": (heatmap(np.full((7, 7), np.inf, np.float32)), picture()),
    "padded heatmap": (heatmap(noise(7, 7), region=Box(-5, 0, 45, 50)), picture()),
    "heatmap of a line": (heatmap(noise(7, 7), region=Box(0, 0, 1, 4000)), picture(1, 5000)),
    "large picture": (heatmap(noise(224, 224), region=Box(0, 0, 2000, 3000)), picture(2000, 3000)),
    "colour kernels": (FilterBank(noise(96, 3, 7, 7), "features.0"), None),
    "depthwise kernels": (FilterBank(noise(32, 1, 3, 3), "conv", groups=32), None),
    "kernels": (FilterBank(noise(64, 16, 3, 3), "features.3.expand3x3"), None),
    "flat kernels": (FilterBank(noise(192, 192, 1, 7), "Mixed_6c.branch7x7_2.conv"), None),
    "tall kernels": (FilterBank(noise(192, 192, 7, 1), "conv"), None),
    "pointwise kernels": (FilterBank(noise(1000, 512, 1, 1), "fc"), None),
    "two large kernels": (FilterBank(noise(2, 2, 11, 11), "conv"), None),
    "dead kernels": (FilterBank(np.zeros((4, 3, 3, 3), np.float32), "conv"), None),
    "histogram": (distribution(1, "histograms"), None),
    "histograms": (distribution(16, "histograms"), picture()),
    "histograms of many layers": (distribution(300, "histograms"), None),
    "box plots": (distribution(16, "boxes"), None),
    "box plots of many layers": (distribution(161, "boxes"), None),
    "stages": (sheet(8, 96, 64), picture()),
    "stages of many maps": (sheet(64, 12), None),
    "one stage without an answer": (Sheet("net, stage by stage", sheet(1, 5).strips[:1]), None),
    "kernels of no numbers": (FilterBank(np.full((4, 3, 3, 3), np.nan, np.float32), "conv"), None),
    "table": (
        Table(
            "Layers of $x^ 日本",
            ("layer", "output", "parameters", "memory of one picture", "known as"),
            ("", "", "", "MB", ""),
            (
                ("features." + "long_name." * 9, "64×224×224", 138_357_544, 12.8, "block1_conv1"),
                ("", None, 0, np.nan, None),
            ),
            ("total", None, 138_357_544, 12.8, None),
            ("parameters",),
            ("13 Conv2d, 5 MaxPool2d and 3 Linear. " * 6, "And another sentence."),
        ),
        None,
    ),
    "table of one cell": (Table("t", ("a",), ("",), ((1,),)), None),
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", RESULTS)
def test_every_result_makes_a_page_with_all_text_on_it(name: str, dark: bool) -> None:
    result, image = RESULTS[name]
    figure = plate(result, image, dark=dark, caption="Made by a test. " * 20)
    figure.set_dpi(60)
    figure.canvas.draw()
    page = figure.bbox
    assert figure.get_figwidth() <= WIDTH + 0.7
    assert 1 < figure.get_figheight() < 11
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x0 >= page.x0, text
        assert box.x1 <= page.x1 - 1, text
        assert box.y0 >= page.y0, text
        assert box.y1 <= page.y1, text


@pytest.mark.parametrize("how", ["column", "page", "poster", "slide"])
@pytest.mark.parametrize("name", RESULTS)
def test_every_result_fits_the_width_that_is_asked_for(name: str, how: str) -> None:
    result, image = RESULTS[name]
    widths = {"column": 3.5, "page": 7.0, "poster": 20.0}
    figure = plate(result, image, width=widths.get(how), slide=how == "slide", caption="Words")
    width, height = figure.get_size_inches()
    if how == "slide":
        assert (width, height) == (pytest.approx(40 / 3), pytest.approx(7.5))
    else:
        assert width == pytest.approx(widths[how])
        assert height < 11 * max(1.0, width / 7)
    figure.set_dpi(300 / width)
    figure.canvas.draw()
    for text in figure.texts:
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0, text
        assert box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0, text
        assert box.y1 <= figure.bbox.y1, text


def test_letters_keep_their_size_in_a_column_and_grow_on_a_slide() -> None:
    result, image = RESULTS["maps"]
    usual, column, slide, small = (
        plate(result, image, **how).texts[0].get_fontsize()
        for how in ({}, {"width": 3.5}, {"slide": True}, {"width": 1.3})
    )
    assert usual == style.TITLE_SIZE == pytest.approx(column)
    assert slide == pytest.approx(usual * 40 / 3 / 7.2)
    assert small == pytest.approx(usual / 2)


def test_a_slide_of_too_much_still_has_its_shape() -> None:
    result, image = RESULTS["many maps"]
    figure = plate(result, image, slide=True, columns=2, limit=40, width=8)
    assert tuple(figure.get_size_inches()) == (pytest.approx(8), pytest.approx(4.5))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"width": 0.5}, "1 to 100 inches wide, not 0.5"),
        ({"columns": 0}, "columns must be at least 1, not 0"),
        ({"limit": -1}, "limit must be at least 1"),
        ({"gamma": 0.0}, "Gamma must be from"),
        ({"opacity": 1.5}, "opacity must be from 0 to 1"),
        ({"colormap": "magna"}, "magma"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(how: dict[str, float], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        plate(*RESULTS["maps"], **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", ["tile", "layer"])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("name", ["maps", "broken maps", "dead maps", "heatmap", "kernels"])
def test_options_apply_to_every_kind(name: str, signed: bool, scale: str) -> None:
    result, image = RESULTS[name]
    figure = plate(result, image, scale=scale, signed=signed, gamma=0.7, colour_bar=False)  # type: ignore[arg-type]
    figure.set_dpi(40)
    figure.canvas.draw()


def test_a_prediction_names_its_classes_shares_and_logits() -> None:
    said = words(plate(prediction(*(f"class {i}" for i in range(12))), picture()))
    assert "class 0 | logit 5.00" in said
    assert "likeliest of 12 classes" in said
    assert "class 4" in said
    assert "class 5" not in said
    assert "cat.png" in said
    ten = words(plate(prediction(*(f"class {i}" for i in range(12))), limit=10))
    assert "class 9" in ten


def test_what_the_network_did_not_see_is_said() -> None:
    assert "framed" not in words(plate(prediction("a", region=Box(-5, 0, 45, 50)), picture()))
    assert "framed" in words(plate(prediction("a", region=Box(0, 5, 40, 45)), picture()))


def test_a_large_layer_shows_its_strongest_as_one_picture() -> None:
    maps = np.full((2048, 2, 2), 0.001, np.float32)
    maps[1234], maps[7] = 3.5, 2.5
    figure = plate(activation(maps))
    said = words(figure)
    assert "2\u2009048 maps of 2×2" in said
    assert "64 strongest of 2\u2009048" in said
    assert said.index("| 1234 | 3.50") < said.index("| 7 | 2.50")
    assert len(figure.axes) == 2  # all tiles, and the colour bar


def test_few_channels_stay_in_order() -> None:
    maps = np.ones((4, 2, 2), np.float32) * np.arange(4, dtype=np.float32)[:, None, None]
    said = words(plate(activation(maps)))
    assert "strongest" not in said
    assert "| 0 | 0 | 1 | 1.00 | 2 | 2.00 | 3 | 3.00 |" in said


def test_one_scale_for_the_layer_has_real_values_on_the_bar() -> None:
    maps = np.array([[[0, 1]], [[0, 4.5]]], np.float32)
    assert "| 0 | 4.50 | one scale" in words(plate(activation(maps), scale="layer"))
    assert "| 0 | peak | each tile's maximum" in words(plate(activation(maps)))


def test_maps_of_both_signs_are_drawn_signed_unless_told_otherwise() -> None:
    maps = np.array([[[-3, 1]], [[0, 2]]], np.float32)
    assert "−peak" in words(plate(activation(maps)))
    assert "| 0 | −3.00 | 1 | 2.00 |" in words(plate(activation(maps)))
    assert "below zero drawn as zero" in words(plate(activation(maps), signed=False))
    assert "−peak" not in words(plate(activation(maps), colormap="viridis"))
    silu = np.array([[[-0.2, 5]], [[0, 4]]], np.float32)
    assert "−peak" not in words(plate(activation(silu)))


def test_broken_values_are_counted() -> None:
    said = words(plate(activation(broken_maps())))
    assert "cyan: 1 NaN" in said
    assert "1 infinite" in said
    assert "clear: 1 NaN" in words(plate(activation(broken_maps()), picture(), overlay=True))


def test_tiles_without_room_for_numbers_do_not_speak_of_them() -> None:
    many = activation(rectified(2048, 7, 7))
    assert "maximum, written below it" in words(plate(many))
    assert "each tile's maximum; " in words(plate(many, limit=2048))


def test_the_range_of_a_heatmap_is_that_of_its_numbers() -> None:
    said = words(plate(heatmap(np.array([[-1, np.nan], [2, 0]], np.float32)), picture()))
    assert "values −1.00 … 2.00" in said
    nothing = words(plate(heatmap(np.full((2, 2), np.nan, np.float32)), picture()))
    assert "values NaN … NaN" in nothing


def test_a_heatmap_names_target_logit_layer_and_range() -> None:
    values = np.array([[-0.29, 0], [0.5, 1.26]], np.float32)
    said = words(plate(heatmap(values), picture()))
    assert said.startswith("pug | logit 27.6  ·  features.12  ·  values −0.290 … 1.26")
    assert "| 0 | 1.26 | for the class" in said
    assert "Grad-CAM | pug  ·  logit" in words(plate(heatmap(values), title="Grad-CAM"))
    signed = words(plate(heatmap(values), picture(), signed=True))
    assert "| −1.26 | 1.26 | against and for" in signed


def test_a_heatmap_with_nothing_above_zero_says_so() -> None:
    said = words(plate(heatmap(np.array([[-1.0, 0.0]], np.float32)), picture()))
    assert "Nothing in this map speaks for “pug”" in said


def test_a_heatmap_is_drawn_where_it_belongs() -> None:
    figure = plate(heatmap(noise(2, 2), region=Box(10, 20, 30, 50)), picture())
    maps = figure.axes[1].get_images()[0]
    assert tuple(maps.get_extent()) == (20, 50, 30, 10)
    assert figure.axes[1].get_xlim() == (0, 50)
    assert figure.axes[1].get_ylim() == (40, 0)


def test_filters_say_what_is_shown() -> None:
    said = words(plate(FilterBank(noise(128, 64, 3, 3), "features.3")))
    assert "128 filters of 64×3×3" in said
    assert "strongest of 128 filters" in said
    assert "strongest of 64 inputs" in said
    assert "32 groups" in words(plate(RESULTS["depthwise kernels"][0]))


def test_the_stages_say_what_they_are() -> None:
    said = words(plate(RESULTS["stages"][0], RESULTS["stages"][1]))
    for wanted in ("Stage 1", "features.1", "100 maps of 16×16", "8 of them", "owl", "70.0"):
        assert wanted in said


def test_a_picture_that_is_seen_whole_is_not_called_framed() -> None:
    assert "framed" not in words(plate(*RESULTS["stages"]))
    larger = picture(60, 50)
    assert "framed" in words(plate(RESULTS["stages"][0], larger))


def test_a_table_of_kernels_keeps_the_strongest_in_order() -> None:
    weights = np.full((100, 100, 3, 3), 0.001, np.float32)
    weights[77, 5] = weights[12, 88] = 1
    said = words(plate(FilterBank(weights, "conv"), limit=2, columns=2))
    assert "| 5 | 88 | 12 | 77 |" in said


def test_peoples_own_matplotlib_settings_change_nothing() -> None:
    result, image = heatmap(noise(7, 7)), picture()

    def drawn() -> bytes:
        figure = plate(result, image)
        figure.set_dpi(50)
        figure.canvas.draw()
        return bytes(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]

    plain = drawn()
    with matplotlib.rc_context(
        {
            "image.origin": "lower",
            "image.interpolation": "bilinear",
            "image.aspect": "equal",
            "font.family": "serif",
            "font.size": 30,
            "axes.grid": True,
            "axes.facecolor": "red",
            "text.hinting": "force_autohint",
        }
    ):
        assert drawn() == plain


def test_a_notebook_shows_the_figure_by_itself() -> None:
    figure = plate(prediction("a", "b"))
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_pyplot_is_left_alone() -> None:
    import matplotlib.pyplot

    plate(prediction("a", "b"))
    assert matplotlib.pyplot.get_fignums() == []


def test_a_picture_of_one_row_stays_visible() -> None:
    assert fit(np.zeros((1, 5000, 3), np.uint8), 2.0, 2.0) == (2.0, 0.12)
    assert fit(np.zeros((50, 100, 3), np.uint8), 2.0, 2.0) == (2.0, 1.0)


def test_long_lines_lose_their_middle() -> None:
    name = "features.denseblock4.denselayer16.conv2"
    assert shorten(name, 9, 8) == name
    short = shorten(name, 1.5, 8)
    assert text_width(short, 8) <= 1.5
    head, tail = short.split("…")
    assert name.startswith(head)
    assert name.endswith(tail)
    assert len(head) > 4
    assert len(tail) > 4


def test_captions_wrap_between_words() -> None:
    lines = wrap("one two three four five", text_width("one two threes", 7), 7)
    assert lines == ["one two three", "four five"]
    assert len(wrap("word " * 1000, 2.0, 7)) == 4


def test_letters_without_a_glyph_become_boxes() -> None:
    assert legible("a−1\u2009×é") == "a−1\u2009×é"
    assert legible("a\n\x00🐕") == "a□□□"
    assert legible(style.FONT) == style.FONT
