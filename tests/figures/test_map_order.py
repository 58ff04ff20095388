"""Which maps of a layer come first, and plates that follow it."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz_desktop.data import Activation, Box, ImageInput
from cnnviz_desktop.errors import ParameterError
from cnnviz_desktop.figures import pixels, style
from cnnviz_desktop.figures.map_order import ORDERS, MapStatistics
from cnnviz_desktop.figures.options import PlateOptions
from cnnviz_desktop.figures.plates import plate

MAPS = np.float32([[[1, 1]], [[3, 0]], [[-5, 0.5]], [[0, 0]]])
BY_HAND = {
    "index": [0, 1, 2, 3],
    "max": [1, 0, 2, 3],
    "mean": [1, 0, 3, 2],
    "energy": [1, 0, 2, 3],  # of what is above zero: 4.5, 1, 0.125, 0
    "sparsity": [1, 2, 0, 3],
}


def words(figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def channels(figure) -> list[str]:
    """Return the captions at the left below the tiles."""
    return [text for text in words(figure) if text.isdecimal()]


def drawn(**options):
    # Zero is a caption of its own below the silent map, so the maps are told apart by number + 10.
    many = np.concatenate([np.zeros((10, 1, 2), np.float32) - 1, MAPS])
    named = options.pop("channels", (10, 11, 12, 13))
    return plate(Activation(many, "conv", Box(0, 0, 4, 8)), channels=named, **options)


@pytest.mark.parametrize("order", ORDERS)
def test_orders_by_hand(order) -> None:
    numbers = MapStatistics.of(MAPS)
    key = numbers.key(order, False)
    assert numbers.in_order(np.arange(4), key, False, False).tolist() == BY_HAND[order]
    loud = [channel for channel in BY_HAND[order] if channel != 3]
    assert numbers.in_order(np.arange(4), key, False, True).tolist() == loud


@pytest.mark.parametrize("order", ORDERS)
def test_plates_follow_the_order(order) -> None:
    maps = Activation(MAPS, "conv", Box(0, 0, 4, 8))
    figure = plate(maps, order=order, signed=False, limit=2)
    said = [text for text in words(figure) if text in "0123"]
    assert said[:1] == [str(BY_HAND[order][0])]
    heading = {
        "index": "first 2 of 4",
        "max": "2 of the highest maximum of 4",
        "mean": "2 of the highest mean of 4",
        "energy": "2 strongest of 4",
        "sparsity": "2 sparsest of 4",
    }
    assert heading[order] in " ".join(words(figure))


def test_named_channels_in_their_own_order() -> None:
    assert channels(drawn(channels=(12, 10)))[:2] == ["12", "10"]
    assert "2 chosen of 14" in " ".join(words(drawn(channels=(12, 10))))
    assert channels(drawn(channels=(13, 12, 10), limit=1))[0] == "13"
    with pytest.raises(ParameterError, match="no channel 14: the layer has 14, 0 to 13"):
        drawn(channels=(3, 14))


def test_silent_maps_are_left_out_and_said() -> None:
    maps = Activation(MAPS, "conv", Box(0, 0, 4, 8))
    heading = " ".join(words(plate(maps, hide_silent=True, signed=False)))
    assert "1 silent left out" in heading
    dead = Activation(np.zeros((3, 2, 2), np.float32), "conv", Box(0, 0, 4, 8))
    assert "every channel shown is silent" in " ".join(words(plate(dead, hide_silent=True)))


def test_a_given_value_ends_the_scale() -> None:
    maps = Activation(np.abs(MAPS), "conv", Box(0, 0, 4, 8))
    said = words(plate(maps, high=2965.0))
    assert any("2\u2009965" in text for text in said)
    assert "peak" not in said
    for bad in (0.0, -1.0, float("inf")):
        with pytest.raises(ParameterError, match="above 0"):
            PlateOptions(high=bad)


def test_unknown_orders_and_empty_choices_are_refused() -> None:
    with pytest.raises(ParameterError, match="order index, max"):
        PlateOptions(order="loudest")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="No channel"):
        PlateOptions(channels=())


def picture(level: int = 100) -> ImageInput:
    return ImageInput(np.full((8, 16, 3), level, np.uint8))


def test_an_overlay_shows_the_picture_where_the_map_is_zero() -> None:
    maps = np.zeros((2, 4, 8), np.float32)
    maps[1, :, 4:] = 1
    ground = pixels.seen_by(picture(), Box(0, 0, 8, 16), 4, 8)
    tiles = pixels.overlay_tiles(ground, maps, 1.0, "gray")
    assert (tiles[0] == 100).all() and (tiles[1, :, :4] == 100).all()
    assert (tiles[1, :, 4:] == 255).all()
    half = pixels.overlay_tiles(ground, maps, 0.5, "gray")[1, 0, 7]
    assert half.tolist() == [178] * 3  # half of 255 and 100, rounded


def test_overlays_of_a_stack_are_those_of_each_map() -> None:
    values = np.random.default_rng(0).normal(size=(3, 8, 16)).astype(np.float32)
    image = ImageInput(np.random.default_rng(1).integers(0, 255, (8, 16, 3)).astype(np.uint8))
    for signed in (False, True):
        tiles = pixels.overlay_tiles(image.pixels, values, 0.6, signed=signed)
        for one, tile in zip(values, tiles, strict=True):
            alone = pixels.overlay_values(image, one, image.whole, 0.6, signed=signed)
            assert np.array_equal(tile, alone)


def test_what_the_network_saw_beyond_the_picture_is_black() -> None:
    inside = pixels.seen_by(picture(), Box(0, 4, 8, 12), 4, 4)
    assert inside.shape == (4, 4, 3) and (inside == 100).all()
    padded = pixels.seen_by(picture(), Box(-4, 0, 12, 16), 8, 8)
    assert (padded[0] == 0).all() and (padded[-1] == 0).all() and (padded[3:5] == 100).all()


def test_a_plate_lays_maps_over_its_picture() -> None:
    maps = np.zeros((2, 4, 8), np.float32)
    maps[0, 0, 0] = 1
    activation = Activation(maps, "conv", Box(0, 0, 8, 16))
    plain = plate(activation, picture(200), gamma=1.0)
    over = plate(activation, picture(200), gamma=1.0, overlay=True)
    assert sheet(plain)[..., :3][sheet(plain)[..., 3] > 0].mean() < 20
    assert sheet(over)[..., :3][sheet(over)[..., 3] > 0].mean() > 150
    assert any("zero is clear" in text for text in words(over))
    assert sheet(plate(activation, None, overlay=True)).shape[-1] == 4  # no picture: maps alone


def sheet(figure):
    """Return the tiles of a plate: its largest picture with transparency."""
    found = [image.get_array() for axes in figure.axes for image in axes.images]
    return max((item for item in found if item.shape[-1] == 4), key=lambda item: item.size)


def test_a_measured_scale_holds_what_is_not_finite() -> None:
    maps = np.float32([[[1, np.nan]], [[-np.inf, 0]], [[np.inf, 2]], [[-np.inf, -np.inf]]])
    tiles = pixels.tiles(maps, "gray")
    assert tiles[0, 0].tolist() == [[255] * 3, [*style.NO_VALUE]]
    assert (tiles[1] == 0).all() and (tiles[3] == 0).all()
    assert (tiles[2] == 255).all()
    for signed in (False, True):
        odd = np.float32([[[-np.inf, 3]], [[-3, 1e-40]], [[0, 0]], [[3e38, -3e38]]])
        one_by_one = [pixels.colour(one, signed=signed) for one in odd]
        assert np.array_equal(pixels.tiles(odd, signed=signed), np.stack(one_by_one))
