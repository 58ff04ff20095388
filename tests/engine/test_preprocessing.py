"""Pictures become inputs as torchvision's published transforms make them; regions by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from cnnviz_desktop.data import Box, ImageInput
from cnnviz_desktop.engine.preprocessing import Preprocessing
from cnnviz_desktop.engine.torchvision_models import published_preprocessing

MODELS = [
    "resnet18",  # bilinear, 256 -> 224
    "inception_v3",  # 342 -> 299
    "efficientnet_b0",  # bicubic
    "vit_h_14",  # 518, bicubic
    "efficientnet_v2_s",  # 384 -> 384
    "regnet_y_400mf",  # 232 -> 224
]
SIZES = [
    (224, 224),
    (256, 256),
    (375, 500),
    (501, 333),
    (299, 301),
    (31, 17),  # smaller than the input
    (1, 1),
    (2, 3),
    (1000, 130),  # nearly eight times as high as wide
]


def photograph(height: int, width: int) -> ImageInput:
    """Draw a picture with slopes, edges and some noise."""
    rows, columns = np.mgrid[:height, :width]
    numbers = np.random.default_rng(height * 10007 + width)
    red = 255 * rows / max(1, height - 1)
    green = 127 + 127 * np.sin(columns / 5)
    blue = 255 * ((rows // 7 + columns // 9) % 2)
    noise = numbers.integers(-20, 20, (height, width, 3))
    pixels = np.stack([red, green, blue], axis=2) + noise
    return ImageInput(pixels.clip(0, 255).astype(np.uint8))


def published(name: str):
    from torchvision import models

    return models.get_model_weights(name).DEFAULT.transforms()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", SIZES)
def test_the_input_equals_torchvisions_own_transform(name, size):
    transforms = published(name)
    image = photograph(*size)
    wanted = transforms(Image.fromarray(image.pixels)).unsqueeze(0)

    got, _ = published_preprocessing(transforms)(image)

    assert got.dtype == torch.float32
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(1, 400), (3, 1000), (1, 401), (400, 1), (77, 7), (6, 61)])
def test_a_strip_shows_the_same_part_as_torchvisions_transform(size):
    """A strip is cut before it is scaled, so that it needs no gigabytes; the crop stays in place.

    Where lengths do not divide, torchvision rounds the middle of the long side by half an enlarged
    pixel, a hundredth of one of the picture's: so the middle, not the bits, is compared.
    """
    transforms = published("resnet18")
    image = photograph(*size)
    wanted = transforms(Image.fromarray(image.pixels)).unsqueeze(0)

    got, region = published_preprocessing(transforms)(image)

    assert (got - wanted).abs().max() < 0.15  # a whole pixel further on differs by 2 and more
    assert (got - wanted).abs().mean() < 0.02
    rows, columns = size
    middle = (region.top + region.bottom) / 2, (region.left + region.right) / 2
    assert abs(middle[0] - rows / 2) <= 1
    assert abs(middle[1] - columns / 2) <= 1


def test_a_strip_of_five_thousand_pixels_needs_no_gigabytes():
    image = photograph(1, 5000)

    got, region = published_preprocessing(published("resnet18"))(image)

    assert got.shape == (1, 3, 224, 224)
    assert region.height == region.width == 1
    assert region.left in (2499, 2500)
    pixels = image.pixels[0, 2499:2501].astype(np.float32) / 255
    middle = got[0, :, 112, 111:113].T.numpy() * [0.229, 0.224, 0.225] + [0.485, 0.456, 0.406]
    # The enlarged picture's middle lies between those two pixels.
    assert np.abs(middle - pixels.mean(axis=0)).max() < 0.02


# ------------------------------------------------------------------------------------- regions


def box(fit: str, rows: int, columns: int, size=(4, 4), resize=8) -> Box:
    preprocessing = Preprocessing(size, resize, (0.5,) * 3, (1.0,) * 3, fit=fit)
    tensor, region = preprocessing(photograph(rows, columns))
    assert tensor.shape == (1, 3, *size)
    return region


@pytest.mark.parametrize(
    ("rows", "columns", "region"),
    [
        (8, 8, Box(2, 2, 6, 6)),  # the middle half
        (16, 16, Box(4, 4, 12, 12)),
        (8, 16, Box(2, 6, 6, 10)),
        (16, 8, Box(6, 2, 10, 6)),
        (4, 4, Box(1, 1, 3, 3)),  # enlarged twice first
        (80, 120, Box(20, 40, 60, 80)),
        (1, 1, Box(0, 0, 1, 1)),
        (1, 100, Box(0, 49, 1, 50)),  # from 49.75 to 50.25: the pixel it begins in
        (1, 101, Box(0, 50, 1, 51)),
    ],
)
def test_crop_covers_the_middle(rows, columns, region):
    assert box("crop", rows, columns) == region


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (3, 50), (1, 5000), (100, 7)])
def test_squash_covers_everything(rows, columns):
    assert box("squash", rows, columns) == Box(0, 0, rows, columns)


@pytest.mark.parametrize(
    ("rows", "columns", "region"),
    [
        (8, 8, Box(0, 0, 8, 8)),
        (4, 8, Box(-2, 0, 6, 8)),  # two rows of padding above, two below
        (8, 4, Box(0, -2, 8, 6)),
        (2, 4, Box(-1, 0, 3, 4)),
        (40, 80, Box(-20, 0, 60, 80)),
    ],
)
def test_pad_reaches_beyond_the_picture(rows, columns, region):
    assert box("pad", rows, columns) == region


@pytest.mark.parametrize("rows", range(1, 40, 3))
@pytest.mark.parametrize("columns", [1, 2, 7, 30, 333])
@pytest.mark.parametrize("fit", ["crop", "squash", "pad"])
def test_every_region_holds_some_of_the_picture(fit, rows, columns):
    region = box(fit, rows, columns, size=(7, 7), resize=8)

    assert region.height >= 1 and region.width >= 1
    assert region.top < rows and region.bottom > 0
    assert region.left < columns and region.right > 0
    if fit != "pad":
        assert region.top >= 0 and region.left >= 0
        assert region.bottom <= rows and region.right <= columns


# -------------------------------------------------------------------------------------- pixels


def test_crop_takes_the_pixels_of_its_region():
    image = photograph(8, 12)
    preprocessing = Preprocessing((4, 4), 8, (0.0,) * 3, (1.0,) * 3)

    tensor, region = preprocessing(image)

    assert region == Box(2, 4, 6, 8)
    wanted = image.pixels[region.slices()].astype(np.float32) / 255
    np.testing.assert_allclose(tensor[0].permute(1, 2, 0), wanted, atol=1e-7)


def test_pad_fills_with_the_mean_and_keeps_the_shape():
    image = photograph(4, 8)
    preprocessing = Preprocessing((8, 8), 8, (0.2, 0.4, 0.6), (1.0,) * 3, fit="pad")

    tensor, _ = preprocessing(image)
    shown = tensor[0].permute(1, 2, 0).numpy() + np.float32([0.2, 0.4, 0.6])

    np.testing.assert_allclose(shown[2:6], image.pixels / np.float32(255), atol=1e-6)
    for padding in (shown[:2], shown[6:]):
        np.testing.assert_allclose(padding, np.broadcast_to([0.2, 0.4, 0.6], (2, 8, 3)), atol=1e-6)


def test_mean_and_deviation_are_taken_channel_by_channel():
    image = ImageInput(np.full((2, 2, 3), (0, 51, 255), np.uint8))
    preprocessing = Preprocessing((2, 2), 2, (0.5, 0.2, 0.0), (0.25, 0.1, 2.0))

    tensor, _ = preprocessing(image)

    np.testing.assert_allclose(tensor[0, :, 0, 0], [-2.0, 0.0, 0.5], atol=1e-6)


def test_the_picture_itself_is_not_touched():
    image = photograph(9, 9)
    before = image.pixels.copy()
    for fit in ("crop", "squash", "pad"):
        tensor, _ = Preprocessing((9, 9), 9, fit=fit)(image)
        tensor.zero_()
    np.testing.assert_array_equal(image.pixels, before)


@pytest.mark.slow
def test_every_model_of_torchvision_has_a_crop_within_its_scaled_picture():
    from torchvision import models

    for name in models.list_models(module=models):
        transforms = published(name)
        preprocessing = published_preprocessing(transforms)
        assert preprocessing.size[0] <= preprocessing.resize, name
        image = photograph(201, 303)
        wanted = transforms(Image.fromarray(image.pixels)).unsqueeze(0)
        torch.testing.assert_close(preprocessing(image)[0], wanted, rtol=0, atol=1e-6)


# ---------------------------------------------------------------------- grey, small, not square


def test_a_grey_network_gets_the_luminance():
    """ITU-R 601: 0.299 R + 0.587 G + 0.114 B, as Pillow's "L" rounds it."""
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (10, 20, 30), (77, 77, 77)]
    image = ImageInput(np.array([colours], np.uint8).repeat(6, axis=0))
    preprocessing = Preprocessing((6, 6), 6, (0.0,), (1.0,))

    tensor, region = preprocessing(image)

    assert tensor.shape == (1, 1, 6, 6)
    np.testing.assert_allclose(tensor[0, 0, 0] * 255, [76, 150, 29, 255, 18, 77], atol=1e-4)
    assert region == image.whole


@pytest.mark.parametrize("fit", ["crop", "squash", "pad"])
@pytest.mark.parametrize("size", [(28, 28), (32, 32), (20, 40), (40, 20), (1, 1), (7, 5)])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_fit_makes_an_input_of_any_size_and_both_kinds(fit, size, channels):
    mean = (0.5, 0.4, 0.3)[:channels]
    preprocessing = Preprocessing(size, min(size), mean, (0.5,) * channels, fit=fit)

    for rows, columns in ((28, 28), (5, 90), (90, 5), (1, 1), (1, 700), (64, 48)):
        image = photograph(rows, columns)
        tensor, region = preprocessing(image)
        assert tensor.shape == (1, channels, *size)
        assert region.height >= 1 and region.width >= 1
        assert region.top < rows and region.bottom > 0
        assert region.left < columns and region.right > 0
        if fit == "crop":
            assert region.top >= 0 and region.left >= 0
            assert region.bottom <= rows and region.right <= columns


def test_a_grey_pictures_own_values_come_through_in_all_fits():
    grey = np.random.default_rng(3).integers(0, 256, (28, 28), dtype=np.uint8)
    image = ImageInput(grey[:, :, None].repeat(3, axis=2))

    for fit in ("crop", "squash", "pad"):
        tensor, region = Preprocessing((28, 28), 28, (0.1307,), (0.3081,), fit=fit)(image)
        np.testing.assert_allclose(tensor[0, 0], (grey / 255 - 0.1307) / 0.3081, atol=1e-5)
        assert region == Box(0, 0, 28, 28)


def test_grey_padding_is_the_mean():
    tensor, region = Preprocessing((4, 8), 4, (0.2,), (0.5,), fit="pad")(photograph(4, 4))

    assert region == Box(0, -2, 4, 6)
    np.testing.assert_allclose(tensor[0, 0, :, :2], 0, atol=1e-6)
    np.testing.assert_allclose(tensor[0, 0, :, 6:], 0, atol=1e-6)
    assert tensor[0, 0, :, 2:6].abs().max() > 0.1


@pytest.mark.parametrize(
    ("rows", "columns", "size", "resize", "region"),
    [
        (20, 40, (2, 4), 2, Box(0, 0, 20, 40)),  # the same shape: all of it
        (20, 20, (2, 4), 2, Box(5, 0, 15, 20)),  # the middle half of the rows
        (20, 80, (2, 4), 2, Box(0, 20, 20, 60)),
        (20, 20, (4, 2), 2, Box(0, 5, 20, 15)),
        (40, 80, (2, 4), 4, Box(10, 20, 30, 60)),  # `resize` twice the side: the middle half
    ],
)
def test_a_crop_of_another_shape_covers_the_input(rows, columns, size, resize, region):
    tensor, got = Preprocessing(size, resize)(photograph(rows, columns))

    assert tensor.shape == (1, 3, *size)
    assert got == region


def test_a_strip_needs_no_gigabytes_for_a_wide_input_either():
    for rows, columns in ((5000, 1), (1, 5000)):
        tensor, region = Preprocessing((32, 512), 32)(photograph(rows, columns))
        assert tensor.shape == (1, 3, 32, 512)
        assert region.height >= 1 and region.width >= 1
