"""Probes are what they say they are, and channels of known kernels are found out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from networks import Containers, Mnist, Plain, Residual
from torch import nn

from cnnviz_desktop.data import DETECTS, FilterBank, Tuning
from cnnviz_desktop.engine.loaded_model import ready
from cnnviz_desktop.engine.preprocessing import Preprocessing
from cnnviz_desktop.engine.probes import HUES, Probe, frequencies, hues, orientations, probes
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import Probes
from cnnviz_desktop.errors import LayerError, ParameterError

SIZE = (48, 48)


def probe(name: str, size: tuple[int, int] = SIZE, channels: int = 3) -> Probe:
    return next(item for item in probes(size, channels) if item.name == name)


def drawn(name: str, size: tuple[int, int] = SIZE) -> np.ndarray:
    return probe(name, size).draw(size)


# ----------------------------------------------------------------------------------------- pictures


@pytest.mark.parametrize("size", [(48, 48), (8, 8), (28, 28), (30, 64), (3, 5), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_probes_of_any_size_lie_between_black_and_white_and_are_the_same_each_time(size, channels):
    shown = probes(size, channels)

    assert len({item.name for item in shown}) == len(shown)
    for item in shown:
        pictures = item.draw(size, channels)
        assert pictures.shape == (len(item.patterns), channels, *size)
        assert pictures.dtype == np.float32
        assert pictures.min() >= 0 and pictures.max() <= 1
        np.testing.assert_array_equal(pictures, item.draw(size, channels))
        assert (item.hue is None) or channels == 3


def test_gratings_come_first_by_orientation_and_frequency():
    shown, tones = probes(SIZE, angles=6), frequencies(SIZE)

    first = [item for item in shown if item.family == "grating"]
    assert list(shown[: len(first)]) == first
    wanted = [(angle, tone) for angle in orientations(6).tolist() for tone in tones.tolist()]
    assert [(item.direction, item.frequency) for item in first] == wanted
    assert all(len(item.patterns) == 4 for item in first)


def test_frequencies_are_octaves_that_fit_the_picture():
    for side in (8, 28, 64, 224, 600):
        tones = frequencies((side, 2 * side))
        assert tones[-1] == pytest.approx(0.45)
        assert tones[0] * side >= 1.8  # periods
        ratios = tones[1:] / tones[:-1]
        np.testing.assert_allclose(ratios, ratios[0], rtol=1e-4)
        assert ratios[0] < 1.6
    assert len(frequencies((224, 224))) == 10


def test_an_orientation_is_that_of_the_stripes_counter_clockwise_from_horizontal():
    tone = frequencies(SIZE)[2]
    period = f"{1 / tone:.3g} px"
    horizontal, vertical, up = (drawn(f"stripes {a}°, {period}")[1, 0] for a in (0, 90, 45))

    np.testing.assert_allclose(horizontal, horizontal[:, :1].repeat(48, axis=1), atol=1e-6)
    np.testing.assert_allclose(vertical, vertical[:1].repeat(48, axis=0), atol=1e-5)
    # Along a stripe of 45°, one pixel to the right is one pixel up.
    np.testing.assert_allclose(up[1:, :-1], up[:-1, 1:], atol=1e-5)
    assert np.ptp(up[0]) > 0.5


def test_four_phases_are_a_quarter_of_a_period_apart():
    tone = float(frequencies(SIZE)[1])
    phases = drawn(f"stripes 90°, {1 / tone:.3g} px")[:, 0, 0] - 0.5

    x = np.arange(48) - 23.5
    for quarter, found in enumerate(phases):
        # 90 degrees: the way across the stripes is -x.
        wanted = np.sin(-2 * np.pi * tone * x + quarter * np.pi / 2) * np.sqrt(1 / 8)
        np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_an_edge_a_bar_and_a_corner_are_where_they_belong():
    light = drawn("edge 0°, light")[0, 0]
    assert (light[:23] > 0.8).all() and (light[25:] < 0.2).all()  # light above the middle
    np.testing.assert_allclose(drawn("edge 0°, dark"), 1 - drawn("edge 0°, light"), atol=1e-6)
    bar = drawn("bar 90°, 8 px, light")[0, 0]
    assert (bar[:, 20:28] > 0.8).all() and (bar[:, :19] < 0.2).all() and (bar[:, 29:] < 0.2).all()
    right = drawn("corner 0°, light")[0, 0]  # opens to the right: 45 degrees up and down
    assert right[23, 40] > 0.8 and right[23, 8] < 0.2 and right[4, 26] < 0.2
    assert right.mean() == pytest.approx(0.146 + (0.854 - 0.146) / 4, abs=0.02)


def test_a_blob_is_as_wide_as_it_says_and_a_curve_bulges_where_it_says():
    blob = drawn("blob of 16 px, light")[0, 0]
    assert (blob > 0.5).sum() == pytest.approx(np.pi * 64, rel=0.05)
    curve = drawn("curve 90°, 12 px, light")[0, 0]
    rows, _columns = np.nonzero(curve > 0.5)
    # Upward: its top lies in the middle of the picture, the rest a radius of 6 below.
    assert 20 <= rows.min() <= 24 and 27 <= rows.max() <= 31
    assert (curve[23:25, 23:25] > 0.5).all()


def test_all_patterns_have_one_contrast_and_hues_half_of_it():
    grey = np.full(3, 0.5)
    lengths = {
        item.name: float(np.linalg.norm(item.draw((9, 9))[0, :, 4, 4] - grey))
        for item in probes((9, 9))
        if item.name.startswith("plain")
    }
    assert lengths.pop("plain white") == pytest.approx(np.sqrt(3 / 8), abs=1e-6)
    assert lengths.pop("plain black") == pytest.approx(np.sqrt(3 / 8), abs=1e-6)
    assert len(lengths) == 12
    np.testing.assert_allclose(list(lengths.values()), np.sqrt(3 / 8) / 2, atol=1e-6)


def test_hues_are_those_of_hsv_and_change_no_luminance():
    import colorsys

    for name, hue in zip(HUES, hues().tolist(), strict=True):
        colour = drawn(f"plain {name}")[0, :, 0, 0]
        assert colour.mean() == pytest.approx(0.5, abs=1e-6)
        assert colorsys.rgb_to_hsv(*colour.tolist())[0] * 360 % 360 == pytest.approx(hue, abs=4)


# ------------------------------------------------------------------------------------ known kernels


def gabor(size: int, theta: float, frequency: float, phase: float = 0.0) -> np.ndarray:
    """Draw a Gabor kernel of no mean whose stripes have the orientation theta."""
    x = (np.arange(size) - (size - 1) / 2)[None]
    y = -x.T
    across = y * np.cos(np.radians(theta)) - x * np.sin(np.radians(theta))
    envelope = np.exp(-(x**2 + y**2) / (2 * (size / 5) ** 2))
    kernel = envelope * np.cos(2 * np.pi * frequency * across + phase)
    return kernel - kernel.mean()


def network(weight: np.ndarray, size: tuple[int, int] = SIZE, behind: nn.Module | None = None):
    """Load a network whose first convolution has the given weights."""
    outputs, inputs, height, width = weight.shape
    conv = nn.Conv2d(inputs, outputs, (height, width), bias=False, padding=height // 2)
    conv.weight.data = torch.tensor(weight, dtype=torch.float32)
    pool, flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    module = nn.Sequential(conv, behind or nn.ReLU(), pool, flatten)
    preprocessing = Preprocessing(
        size, min(size), mean=(0.5,) * inputs, std=(0.25,) * inputs, fit="squash"
    )
    labels = tuple(f"class {i}" for i in range(outputs))
    return ready("known", module, labels, preprocessing, torch.device("cpu"), "none")


def over_rgb(kernels: list[np.ndarray]) -> np.ndarray:
    return np.repeat(np.stack(kernels)[:, None], 3, axis=1)


def detected(weight: np.ndarray, size: tuple[int, int] = SIZE) -> Tuning:
    return Probes(layer="0")(network(weight, size))


def apart(one: np.ndarray, other: np.ndarray, turn: float = 180.0) -> np.ndarray:
    return np.abs((one - other + turn / 2) % turn - turn / 2)


@pytest.mark.parametrize("phase", [0.0, np.pi / 2], ids=["even", "odd"])
@pytest.mark.parametrize(
    ("size", "frequency"),
    [(5, 0.25), (7, 0.2), (7, 0.3), (9, 0.15), (11, 0.1), (11, 0.35), (15, 0.12), (15, 0.25)],
)
def test_gabor_kernels_have_their_orientation_and_frequency(size, frequency, phase):
    wanted = np.arange(0, 180, 7.5)
    found = detected(over_rgb([gabor(size, theta, frequency, phase) for theta in wanted]))

    assert apart(found.orientation, wanted).max() < 3
    np.testing.assert_allclose(found.frequency, frequency, rtol=0.15)
    assert [found.label(row)[0] for row in range(len(wanted))] == ["edge"] * len(wanted)
    assert (found.selectivity > 0.45).all()
    assert (found.scores[:, list(DETECTS).index("colour")] < 1e-6).all()
    if size * frequency > 2:  # with fewer stripes the peak is too broad to be sharp
        assert apart(found.peak, wanted).max() < 5
        assert (found.bandwidth < 90).all()


def test_more_stripes_make_a_narrower_curve():
    widths = [float(detected(over_rgb([gabor(15, 37, f)])).bandwidth[0]) for f in (0.1, 0.15, 0.25)]
    assert widths[0] > widths[1] > widths[2] > 10


def test_the_answer_to_stripes_is_the_largest_over_phase_and_place():
    """A linear kernel of one stripe pattern answers with the magnitude of its transform."""
    kernel = gabor(7, 20, 0.25, 0.7)
    found = detected(over_rgb([kernel]))

    at = np.arange(7) - 3.0
    for angle, direction in enumerate(found.orientations.tolist()):
        for tone, frequency in enumerate(found.frequencies.tolist()):
            turn = np.radians(direction)
            across = -at[:, None] * np.cos(turn) - at[None] * np.sin(turn)
            gain = abs((kernel * np.exp(2j * np.pi * frequency * across)).sum())
            # contrast sqrt(1/8) in three equal colours, each divided by the deviation 0.25
            wanted = gain * 3 * np.sqrt(1 / 8) / 0.25
            assert found.gratings[0, angle, tone] == pytest.approx(wanted, rel=2e-3, abs=2e-3)


def test_gradients_are_edges_along_themselves():
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    diagonal = np.array([[0, 1, 2], [-1, 0, 1], [-2, -1, 0]])
    found = detected(over_rgb([sobel, -sobel, sobel.T, diagonal]))

    assert apart(found.orientation, np.array([90, 90, 0, 135])).max() < 2
    assert all(found.label(row)[0] == "edge" for row in range(4))


def rounded(sigma: float, size: int = 9) -> np.ndarray:
    x = (np.arange(size) - size // 2)[None]
    bell = np.exp(-(x**2 + x.T**2) / (2 * sigma**2))
    return bell / bell.sum()


def test_opponent_colours_are_colour_of_their_hue():
    wanted = np.array([0, 40, 120, 200, 240, 333])
    turns = np.radians(wanted)
    first, second = np.array([2, -1, -1]) / np.sqrt(6), np.array([0, 1, -1]) / np.sqrt(2)
    directions = np.cos(turns)[:, None] * first + np.sin(turns)[:, None] * second
    found = detected(directions[:, :, None, None] * rounded(2.0))

    assert [found.label(row)[0] for row in range(6)] == ["colour"] * 6
    assert apart(found.hue, wanted, 360).max() < 4
    np.testing.assert_allclose(found.scores[:, list(DETECTS).index("colour")], 1, atol=1e-3)


def test_an_edge_between_opponent_colours_is_colour_and_one_in_red_alone_is_an_edge():
    stripes = gabor(9, 30, 0.15, np.pi / 2)
    opponent = np.array([0.5, -0.5, 0])[:, None, None] * stripes
    red = np.array([1.0, 0, 0])[:, None, None] * stripes
    found = detected(np.stack([opponent, red]))

    assert [found.label(row)[0] for row in range(2)] == ["colour", "edge"]
    assert found.orientation[1] == pytest.approx(30, abs=3)
    # In red a hue's contrast is half of 2 / sqrt(6) against the 1 / sqrt(3) of black and white: for
    # the same pattern a share of 1/6 to 1/3. Patterns beyond edges are there without colour alone.
    assert 0.15 < found.scores[1, list(DETECTS).index("colour")] <= 1 / 3 + 1e-3


def test_blobs_and_corners_are_shapes():
    centre = rounded(1.2) - rounded(2.0)
    x = (np.arange(9) - 4)[None]
    inside = np.where((x > 0) & (x.T < 0), 1.0, 0.0)  # the quarter up and right
    corner = inside / inside.sum() - (1 - inside) / (1 - inside).sum()
    found = detected(over_rgb([centre, -centre, corner, corner[::-1]]))

    assert [found.label(row)[0] for row in range(4)] == ["shape"] * 4
    best = [found.names[found.best(row)] for row in range(4)]
    assert best[0].startswith("blob") and best[0].endswith("light")
    assert best[1].startswith("blob") and best[1].endswith("dark")
    assert best[2:] == ["corner 45°, light", "corner 315°, light"]
    assert (found.selectivity[:2] < 0.05).all()


def test_a_chequered_kernel_is_a_texture():
    cells = (np.arange(8) // 2)[:, None] + np.arange(8) // 2
    found = detected(over_rgb([np.where(cells % 2, 1.0, -1.0)]))

    assert found.label(0)[0] == "texture"
    assert found.names[found.best(0)] == "checks of 2 px"
    assert found.label(0)[1] > 0.8


def test_lightness_is_a_blob_of_any_size_and_nothing_is_silent():
    found = detected(over_rgb([rounded(2.0), np.zeros((9, 9))]))

    assert found.label(0)[0] == "shape"
    assert found.label(1) == ("silent", 0.0)
    assert not found.scores[1].any() and not found.responses[1].any()
    plain = {name: found.responses[0, found.names.index(name)] for name in found.names}
    assert plain["plain white"] == pytest.approx(np.sqrt(1 / 8) * 3 / 0.25, rel=1e-3)
    assert plain["plain black"] == 0
    assert all(np.isfinite(getattr(found, item.name)).all() for item in float_fields(found))


def float_fields(found: Tuning) -> list[dataclasses.Field]:
    return [f for f in dataclasses.fields(found) if isinstance(getattr(found, f.name), np.ndarray)]


def test_a_positive_answer_to_grey_is_taken_off():
    weight = over_rgb([gabor(7, 60, 0.25)])
    plain, lifted = network(weight), network(weight)
    lifted.module[0].bias = nn.Parameter(torch.tensor([1000.0]), requires_grad=False)

    one, other = (Probes(layer="0")(model) for model in (plain, lifted))
    np.testing.assert_allclose(one.responses, other.responses, atol=2e-2)
    assert one.orientation[0] == pytest.approx(other.orientation[0], abs=0.1)


# ------------------------------------------------------------------------------------ the technique


def test_grey_networks_get_no_colours():
    weight = np.stack([gabor(7, 30, 0.2), gabor(7, 120, 0.25)])[:, None]
    found = detected(weight, (28, 28))

    assert apart(found.orientation, np.array([30, 120])).max() < 3
    assert not found.colours.any() and "colour" not in found.families
    assert found.kernels is not None and found.kernels.values.shape == (2, 1, 7, 7)
    assert found.pictures.shape[1:] == (64, 64, 3)


def test_a_grey_network_of_28_pixels_that_takes_no_other_size():
    module = Mnist()
    preprocessing = Preprocessing((28, 28), 28, mean=(0.13,), std=(0.31,), fit="squash")
    labels = tuple("0123456789")
    model = ready("mnist", module, labels, preprocessing, torch.device("cpu"), "none")

    for layer, channels in (("conv1", 4), ("conv2", 6), ("pool2", 6)):
        found = Probes(layer=layer)(model)
        assert len(found.channels) == channels
        np.testing.assert_allclose(found.scores.sum(axis=1), found.scores.any(axis=1), atol=1e-5)


def test_one_channel_is_the_same_row_with_all_its_kernels(load):
    model = load(Plain(), size=(16, 16))
    everything = Probes(layer="conv2")(model)
    one = Probes(layer="conv2", channel=4)(model)

    assert everything.kernels is None  # kernels over four maps are no pictures
    assert one.channels == (4,)
    np.testing.assert_allclose(one.responses[0], everything.responses[4], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(one.scores[0], everything.scores[4], atol=1e-3)
    weight = model.module.conv2.weight.numpy()
    np.testing.assert_array_equal(one.kernels.values, weight[4:5])
    assert one.spectrum.spectrum and one.spectrum.values.shape[:2] == (1, 1)
    families = [one.families[place] for place in one.pictured]
    assert families == ["grating", "line", "texture", "shape", "surface", "colour"]
    for place in one.pictured:
        same = [i for i, family in enumerate(one.families) if family == one.families[place]]
        assert one.responses[0, place] == one.responses[0, same].max()


def test_only_takes_a_row_out(load):
    found = Probes(layer="conv1")(load(Plain(), size=(16, 16)))
    one = found.only(2)

    assert one.channels == (2,)
    assert one.label(0) == found.label(2)
    assert one.pictured == (found.best(2),)
    np.testing.assert_array_equal(one.kernels.values, found.kernels.values[2:3])
    for name in ("responses", "gratings", "colours", "orientation", "scores", "hue"):
        np.testing.assert_array_equal(getattr(one, name)[0], getattr(found, name)[2])


def test_layers_without_kernels_and_whole_blocks_can_be_probed(load):
    block = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    nested = load(nn.Sequential(block, nn.Flatten()), size=(16, 16))
    whole, inside = Probes(layer="0")(nested), Probes(layer="0.1")(nested)
    np.testing.assert_array_equal(whole.responses, inside.responses)
    assert whole.kernels is None

    model = load(Residual(), size=(16, 16))
    found = Probes(layer="relu", call=0)(model)
    last = Probes(layer="relu")(model)

    assert found.kernels is None and len(found.channels) == 4
    assert not np.allclose(found.responses, last.responses)
    with pytest.raises(ParameterError, match="relu runs 2 times"):
        Probes(layer="relu", call=5)(model)


@pytest.mark.parametrize(
    ("technique", "error", "sentence"),
    [
        (Probes(layer="fc"), LayerError, r"fc \(Linear\) gives no maps"),
        (
            Probes(layer="conv1", channel=4),
            ParameterError,
            "has 4 channels: channel must be 0 to 3",
        ),
        (Probes(layer="nowhere"), LayerError, "no layer “nowhere”"),
    ],
)
def test_what_cannot_be_probed_is_a_sentence(load, technique, error, sentence):
    with pytest.raises(error, match=sentence):
        technique(load(Plain()))


def test_a_layer_that_is_not_run_is_a_sentence(load):
    module = Plain()
    module.spare = nn.Conv2d(3, 4, 3)
    module.forward = lambda x: module.fc(module.flatten(module.pool(module.conv2(module.conv1(x)))))
    with pytest.raises(LayerError, match="spare is not run when tiny looks at a picture"):
        Probes(layer="spare")(load(module))


def test_a_layer_that_gives_a_container_can_be_probed(load):
    assert len(Probes(layer="giver")(load(Containers("dict"))).channels) == 4


class Counting(nn.Module):
    """Keeps the number of pictures of every pass."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(x))
        return x


def test_pictures_come_in_small_batches_and_progress_is_told(load):
    counting = Counting()
    model = load(
        nn.Sequential(counting, nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 222**2, 3)),
        size=(224, 224),
    )
    counting.sizes.clear()
    told = []
    found = Probes(layer="1", angles=4)(model, None, Run(on_progress=told.append))

    assert counting.sizes[0] == 1  # plain grey
    assert max(counting.sizes) == 8
    frames = sum(4 if family == "grating" else 1 for family in found.families)
    assert sum(counting.sizes[1:]) == frames
    assert told[-1].done == told[-1].total == len(counting.sizes) - 1


def test_many_channels_are_reduced_at_once(load):
    model = load(
        nn.Sequential(nn.Conv2d(3, 2048, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        size=(16, 16),
        labels=tuple(f"class {i}" for i in range(2048)),
    )
    found = Probes(angles=4)(model)

    assert found.responses.shape == (2048, len(found.names))
    assert len(found.pictures) <= len(found.names)
    assert isinstance(found.kernels, FilterBank)


def test_broken_weights_are_no_answer(load):
    module = Plain()
    module.conv1.weight.data[1, 0, 0, 0] = torch.nan
    found = Probes(layer="conv1")(load(module))

    assert found.label(1) == ("silent", 0.0)
    assert found.label(0)[1] > 0


@pytest.mark.slow
def test_first_layer_of_a_real_network(real):
    import torchvision

    module = torchvision.models.squeezenet1_0()
    module.load_state_dict(torch.load(real / "squeezenet1_0-imagenet.pth", weights_only=True))
    labels = tuple(f"class {i}" for i in range(1000))
    preprocessing = Preprocessing((224, 224), 256)
    model = ready("squeezenet", module, labels, preprocessing, torch.device("cpu"), "none")
    found = Probes(layer="features.0")(model)

    label = {row: found.label(row)[0] for row in range(96)}
    assert {label[row] for row in (23, 29, 38, 56, 83, 91)} == {"edge"}  # seen by eye: stripes
    assert apart(found.orientation[[38, 91]], np.array([90, 90])).max() < 5  # upright
    assert apart(found.orientation[[56, 83]], np.array([0, 0])).max() < 5  # lying
    assert {label[row] for row in (4, 13, 24, 35, 66, 77)} == {"colour"}  # blobs of colour
    assert apart(found.hue[[66, 77]], np.array([335, 235]), 360).max() < 25  # pink, blue
    counts = list(label.values())
    assert counts.count("edge") > 50 and counts.count("colour") > 20
