import numpy as np
import pytest

from cnnviz_desktop.data import Box, Heatmap, ImageInput
from cnnviz_desktop.figures import pixels, style

MAGMA = style.lut("magma")
INFERNO = style.lut("inferno").astype(int)
SIGNED = style.lut("RdBu_r")
GRAY = style.lut("gray")


def grey_image(height: int, width: int, level: int = 100) -> ImageInput:
    return ImageInput(np.full((height, width, 3), level, np.uint8))


def test_limits_by_hand() -> None:
    assert pixels.limits([[-3, 1], [0, 2]]) == (0, 2)
    assert pixels.limits([[-3, 1], [0, 2]], signed=True) == (-3, 3)
    assert pixels.limits([-3, -1]) == (0, 0)
    assert pixels.limits([]) == (0, 0)


def test_limits_of_each_map() -> None:
    maps = np.array([[[-3, 1]], [[4, 2]], [[0, 0]]], np.float32)
    assert pixels.map_limits(maps).tolist() == [[0, 1], [0, 4], [0, 0]]
    assert pixels.map_limits(maps, signed=True).tolist() == [[-3, 3], [-4, 4], [0, 0]]


def test_values_that_are_not_finite_set_no_limit() -> None:
    maps = np.array([[[np.nan, 1]], [[np.inf, 2]], [[-np.inf, np.nan]]], np.float32)
    assert pixels.map_limits(maps).tolist() == [[0, 1], [0, 2], [0, 0]]
    assert pixels.map_limits(maps, signed=True).tolist() == [[-1, 1], [-2, 2], [0, 0]]


def test_normalise_by_hand() -> None:
    values = [-1.0, 0.0, 1.0, 4.0, 9.0]
    assert pixels.normalise(values, 0, 4).tolist() == [0, 0, 0.25, 1, 1]
    assert pixels.normalise(values, 0, 4, gamma=0.5).tolist() == [0, 0, 0.5, 1, 1]
    assert pixels.normalise(values, -4, 4).tolist() == [0.375, 0.5, 0.625, 1, 1]
    assert pixels.normalise(values, -4, 4, gamma=0.5).tolist() == [0.25, 0.5, 0.75, 1, 1]


def test_normalise_keeps_what_is_no_number_and_bears_equal_limits() -> None:
    assert np.isnan(pixels.normalise([np.nan, 1], 0, 4)[0])
    assert pixels.normalise([np.inf, -np.inf], 0, 4).tolist() == [1, 0]
    flat = pixels.normalise([0, 7, np.nan], 0, 0)
    assert flat[:2].tolist() == [0, 0]
    assert np.isnan(flat[2])
    assert pixels.normalise([0.0], -0.0, 0).dtype == np.float32


def test_colour_by_hand() -> None:
    drawn = pixels.colour([[-5, 0], [1, 2]], "magma")
    assert drawn.shape == (2, 2, 3)
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn, MAGMA[[[0, 0], [128, 255]]])
    assert np.array_equal(pixels.colour([1.0], "magma", 4), MAGMA[[64]])


def test_signed_colours_are_symmetric() -> None:
    assert np.array_equal(pixels.colour([-2, 0, 1], signed=True), SIGNED[[0, 128, 191]])


def test_gamma_lifts_the_faint_and_keeps_the_ends() -> None:
    assert np.array_equal(pixels.colour([0, 1, 4], "gray", gamma=0.5), GRAY[[0, 128, 255]])
    drawn = pixels.colour([-4, -1, 0, 1, 4], "gray", signed=True, gamma=0.5)
    assert np.array_equal(drawn, GRAY[[0, 64, 128, 191, 255]])


def test_tiles_scale_each_map_or_all() -> None:
    maps = np.array([[[0, 1]], [[0, 4]]], np.float32)
    assert np.array_equal(pixels.tiles(maps), MAGMA[[[[0, 255]], [[0, 255]]]])
    assert np.array_equal(pixels.tiles(maps, scale="layer"), MAGMA[[[[0, 64]], [[0, 255]]]])
    assert np.array_equal(pixels.tiles(maps, limit=8.0), MAGMA[[[[0, 32]], [[0, 128]]]])


@pytest.mark.parametrize("signed", [False, True])
def test_broken_and_constant_maps_have_stated_colours(signed: bool) -> None:
    maps = np.zeros((7, 1, 1), np.float32)
    maps[:, 0, 0] = [np.nan, np.inf, -np.inf, 0, 1e-42, 3e38, -7]
    table = SIGNED if signed else MAGMA
    zero = table[128] if signed else table[0]
    drawn = pixels.tiles(maps, signed=signed)[:, 0, 0]
    assert tuple(drawn[0]) == style.NO_VALUE
    assert np.array_equal(drawn[1], table[255])
    assert np.array_equal(drawn[2], table[0])
    assert np.array_equal(drawn[3], zero)
    assert np.array_equal(drawn[4], zero)
    assert np.array_equal(drawn[5], table[255])
    assert np.array_equal(drawn[6], table[0])


def test_mosaic_lays_tiles_out_in_rows() -> None:
    maps = np.arange(1, 4, dtype=np.float32).reshape(3, 1, 1) * np.ones((1, 2, 2), np.float32)
    sheet = pixels.mosaic(maps, 2, "gray", limit=3.0, gap=1, ground=(9, 8, 7))
    assert sheet.shape == (5, 5, 3)
    assert np.array_equal(sheet[:2, :2], np.full((2, 2, 3), 85))
    assert np.array_equal(sheet[:2, 3:], np.full((2, 2, 3), 170))
    assert np.array_equal(sheet[3:, :2], np.full((2, 2, 3), 255))
    for hole in (sheet[2], sheet[:, 2], sheet[3:, 3:].reshape(-1, 3)):
        assert np.array_equal(hole, np.broadcast_to([9, 8, 7], hole.shape))


def test_mosaic_is_the_tiles_on_a_sheet() -> None:
    maps = np.random.default_rng(0).standard_normal((7, 3, 5)).astype(np.float32)
    for columns in (1, 3, 7, 99):
        drawn = pixels.mosaic(maps, columns, gap=2, signed=True)
        assert np.array_equal(drawn, pixels.sheet(pixels.tiles(maps, signed=True), columns, 2))


def test_strongest_goes_by_energy_and_shows_broken_channels_first() -> None:
    maps = np.array([[[1, 1]], [[0, -3]], [[0, 0]], [[np.nan, 0]]], np.float32)
    assert pixels.strongest(maps).tolist() == [3, 1, 0, 2]
    assert pixels.strongest(maps, 2).tolist() == [3, 1]


def test_resize_by_hand_with_pixel_centres_at_halves() -> None:
    assert pixels.resize([[0, 1], [2, 3]], 4, 4).tolist() == [
        [0.0, 0.25, 0.75, 1.0],
        [0.5, 0.75, 1.25, 1.5],
        [1.5, 1.75, 2.25, 2.5],
        [2.0, 2.25, 2.75, 3.0],
    ]
    assert pixels.resize([[5]], 2, 3).tolist() == [[5, 5, 5], [5, 5, 5]]


@pytest.mark.parametrize("size", [(224, 300), (13, 9), (40, 9), (77, 91)])
def test_resize_enlarges_as_torch_does(size: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).standard_normal((13, 9)).astype(np.float32)
    # In double precision: torch's own single precision is off by more than the tolerance.
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(values).double()[None, None], size=size, mode="bilinear"
    )[0, 0]
    assert np.abs(pixels.resize(values, *size) - expected.numpy()).max() < 1e-6


def test_resize_shrinks_by_averaging() -> None:
    shrunk = pixels.resize(np.indices((64, 64)).sum(axis=0) % 2, 4, 4)
    assert np.abs(shrunk - 0.5).max() < 0.05


def test_overlay_leaves_the_picture_outside_the_region_and_where_nothing_is_above_zero() -> None:
    image = grey_image(6, 8)
    heat = np.array([[-1, 2], [-1, 2]], np.float32)
    drawn = pixels.overlay_values(image, heat, Box(1, 2, 5, 6), opacity=0.5)
    outside = np.ones((6, 8), bool)
    outside[1:5, 2:6] = False
    assert (drawn[outside] == 100).all()
    assert (drawn[1:5, 2] == 100).all()
    # The last column has the greatest value: half inferno's last colour, half the picture.
    assert np.abs(drawn[1:5, 5] - (INFERNO[255] + 100) / 2).max() <= 0.5
    assert (image.pixels == 100).all()


def test_overlay_opacity_grows_with_the_value() -> None:
    image = grey_image(1, 3)
    heat = np.array([[0, 1, 2]], np.float32)
    drawn = pixels.overlay_values(image, heat, image.whole, opacity=0.8)[0]
    half = 0.8 * (1 - 0.5**2)
    assert drawn[0].tolist() == [100] * 3
    assert np.abs(drawn[1] - (half * INFERNO[128] + (1 - half) * 100)).max() < 1.5
    assert np.abs(drawn[2] - (0.8 * INFERNO[255] + 0.2 * 100)).max() < 1.5


def test_overlay_at_full_and_at_no_opacity() -> None:
    image = grey_image(1, 1)
    heat = np.ones((1, 1), np.float32)
    drawn = pixels.overlay_values(image, heat, image.whole, opacity=1.0)
    assert drawn[0, 0].tolist() == INFERNO[255].tolist()
    assert np.array_equal(pixels.overlay_values(image, heat, image.whole, 0.0), image.pixels)


@pytest.mark.parametrize("value", [0.0, -3.0, np.nan, -np.inf])
def test_an_empty_map_gives_the_untouched_picture(value: float) -> None:
    pictured = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    image = ImageInput(pictured)
    heat = Heatmap(np.full((3, 3), value, np.float32), "x", 0, "", 0.0, image.whole)
    drawn = pixels.overlay(image, heat)
    assert np.array_equal(drawn, pictured)
    assert drawn is not pictured


def test_a_signed_overlay_is_clear_at_zero_only() -> None:
    image = grey_image(1, 3)
    heat = np.array([[-1, 0, 1]], np.float32)
    drawn = pixels.overlay_values(image, heat, image.whole, 1.0, signed=True)[0]
    assert drawn.tolist() == [SIGNED[0].tolist(), [100] * 3, SIGNED[255].tolist()]


def test_a_shared_limit_makes_overlays_comparable() -> None:
    image = grey_image(1, 1)
    drawn = pixels.overlay_values(image, [[1.0]], image.whole, 1.0, limit=2.0)[0, 0]
    assert np.abs(drawn - (0.75 * INFERNO[128] + 25)).max() < 1.5


def test_one_broken_cell_does_not_blur_into_its_neighbours() -> None:
    image = grey_image(30, 30)
    heat = np.zeros((3, 3), np.float32)
    broken = heat.copy()
    heat[0, 0] = broken[0, 0] = 1
    broken[2, 2] = np.nan
    assert np.array_equal(
        pixels.overlay_values(image, broken, image.whole),
        pixels.overlay_values(image, heat, image.whole),
    )


def test_a_region_made_by_padding_reaches_beyond_the_picture() -> None:
    rng = np.random.default_rng(0)
    image = ImageInput(rng.integers(0, 256, (60, 200, 3), dtype=np.uint8))
    padded = ImageInput(np.pad(image.pixels, ((70, 70), (0, 0), (0, 0))))
    heat = rng.standard_normal((13, 9)).astype(np.float32)
    drawn = pixels.overlay_values(image, heat, Box(-70, 0, 130, 200))
    expected = pixels.overlay_values(padded, heat, padded.whole)[70:130]
    assert np.abs(drawn.astype(int) - expected).max() <= 1
    away = pixels.overlay_values(image, heat, Box(100, 0, 200, 200))
    assert np.array_equal(away, image.pixels)


def test_a_tall_picture_is_blended_in_bands_without_seams() -> None:
    image = grey_image(1000, 2)
    drawn = pixels.overlay_values(image, [[1.0]], image.whole)
    assert (drawn == drawn[0, 0]).all()


def test_colour_kernels_have_zero_at_mid_grey() -> None:
    kernels = np.zeros((2, 3, 1, 2), np.float32)
    kernels[0, :, 0, 0] = [1, -1, 0.5]
    kernels[1, 0, 0, 1] = 4
    own = pixels.rgb_kernels(kernels)
    assert own.shape == (2, 1, 2, 3)
    assert own[0, 0].tolist() == [[255, 0, 191], [128, 128, 128]]
    assert own[1, 0, 1].tolist() == [255, 128, 128]
    shared = pixels.rgb_kernels(kernels, scale="layer")
    assert shared[0, 0, 0].tolist() == [159, 96, 143]
    kernels[1, 2, 0, 0] = np.nan
    assert tuple(pixels.rgb_kernels(kernels)[1, 0, 0]) == style.NO_VALUE


def test_kernels_of_a_filter_share_one_scale() -> None:
    kernels = np.array([[[[1.0]], [[-2.0]]], [[[4.0]], [[0.0]]]], np.float32)
    own = pixels.kernel_tiles(kernels)
    assert own.shape == (2, 2, 1, 1, 3)
    assert own[..., 0, 0, 0].tolist() == [[191, 0], [255, 128]]
    assert pixels.kernel_tiles(kernels, scale="layer")[..., 0, 0, 0].tolist() == [
        [159, 64],
        [255, 128],
    ]
