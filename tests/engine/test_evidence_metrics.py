"""Every metric of explanations: numbers worked by hand, and what a good map must win."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from networks import Plain
from torch import nn

from cnnviz_desktop.data import Box, Heatmap
from cnnviz_desktop.engine import pointing, randomisation
from cnnviz_desktop.engine.confidence import Confidence, at_input, mask_of, masking
from cnnviz_desktop.engine.controls import grey_picture, random_map, sobel_map
from cnnviz_desktop.engine.insertion import perturb
from cnnviz_desktop.engine.metrics import METRICS
from cnnviz_desktop.engine.road import road
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import GradCam
from cnnviz_desktop.errors import Cancelled


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def linear(*weights: float) -> nn.Module:
    """Score a row of pixels by their red values; the other class has the score 0."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * len(weights), 2, bias=False))
    with torch.no_grad():
        network[1].weight.zero_()
        network[1].weight[0, : len(weights)] = torch.tensor(weights)
    return network


def pixels(*values: float) -> torch.Tensor:
    return torch.tensor([[[list(values)]] * 3]).float().view(1, 3, 1, -1)


@pytest.fixture
def asked(load):
    """Return how sure a row's network is of its first class."""

    def ask(*weights: float, run: Run | None = None) -> Confidence:
        model = load(linear(*weights), size=(1, len(weights)), labels=("first", "other"))
        return Confidence(model, 0) if run is None else Confidence(model, 0, run)

    return ask


def heatmap(values: object, region: Box) -> Heatmap:
    return Heatmap(np.array(values, np.float32), "layer", 0, "cat", 1.0, region)


# ------------------------------------------------------------------------------------- confidence


def test_confidence_is_the_softmax_of_the_scores(asked):
    confidence = asked(2.0, 1.0)
    found = confidence(torch.cat([pixels(1.0, 0.5), pixels(0.0, -1.0)]))
    np.testing.assert_allclose(found, [sigmoid(2.5), sigmoid(-1.0)], rtol=1e-6)


def test_a_network_that_takes_one_picture_at_a_time_is_asked_one_by_one(load):
    class Alone(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = linear(1.0, 1.0)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(x.reshape(1, 6))

    model = load(Alone(), size=(1, 2), labels=("first", "other"))
    found = Confidence(model, 0)(torch.cat([pixels(1.0, 0.0), pixels(0.0, 3.0)]))
    np.testing.assert_allclose(found, [sigmoid(1.0), sigmoid(3.0)], rtol=1e-6)


def test_asking_can_be_cancelled(asked):
    run = Run()
    confidence = asked(1.0, 1.0, run=run)
    run.cancel()
    with pytest.raises(Cancelled):
        confidence(pixels(1.0, 1.0))


def test_a_map_covers_the_input_from_edge_to_edge():
    values = np.array([[0.0, 4.0]], np.float32)
    found = at_input(values, torch.zeros(1, 3, 1, 4))
    torch.testing.assert_close(found, torch.tensor([[0.0, 1.0, 3.0, 4.0]]))


def test_a_mask_leaves_out_what_is_below_zero():
    found = mask_of(np.array([[-5.0, 1.0, 3.0, 2.0]], np.float32), torch.zeros(1, 3, 1, 4))
    torch.testing.assert_close(found, torch.tensor([[0.0, 1 / 3, 1.0, 2 / 3]]))
    nothing = mask_of(np.array([[-5.0, -1.0]], np.float32), torch.zeros(1, 3, 1, 2))
    torch.testing.assert_close(nothing, torch.zeros(1, 2))


def test_average_drop_and_increase_worked_by_hand(asked):
    tensor, whole = pixels(1.0, 1.0), sigmoid(3.0)

    kept = masking(asked(2.0, 1.0), tensor, np.array([[2.0, 0.0]], np.float32), whole)
    assert kept.drop == pytest.approx((sigmoid(3.0) - sigmoid(2.0)) / sigmoid(3.0))
    assert kept.increase == 0

    better = masking(asked(4.0, -1.0), tensor, np.array([[2.0, 0.0]], np.float32), whole)
    assert (better.drop, better.increase) == (0, 1)


# ------------------------------------------------------------------------------------------- ROAD


def test_road_worked_by_hand(asked):
    """Half of four pixels go, and the rest spreads: a b . . -> a b b b, . . c d -> c c c d."""
    tensor = pixels(0.0, 0.2, 0.6, 1.0)
    relevance = torch.tensor([[0.0, 1.0, 2.0, 3.0]])
    whole = sigmoid(4.0)

    found = road(asked(0.0, 0.0, 0.0, 4.0), tensor, relevance, whole, percentiles=[50], noise=0)

    np.testing.assert_allclose(found.shares, [0, 0.5])
    np.testing.assert_allclose(found.most, [whole, sigmoid(4 * 0.2)], rtol=1e-5)
    np.testing.assert_allclose(found.least, [whole, sigmoid(4.0)], rtol=1e-5)
    assert found.morf == pytest.approx(sigmoid(0.8) - whole, rel=1e-5)
    assert found.lerf == pytest.approx(0, abs=1e-6)
    assert found.combined == pytest.approx((whole - sigmoid(0.8)) / 2, rel=1e-5)


def test_road_takes_the_shares_that_the_percentiles_leave(asked):
    tensor = torch.rand(1, 3, 1, 10)
    found = road(asked(*[1.0] * 10), tensor, torch.arange(10.0)[None], 0.5)
    np.testing.assert_allclose(found.shares, np.arange(10) / 10, atol=1e-6)
    assert found.most.shape == found.least.shape == (10,)


def test_a_map_of_one_value_earns_nothing(asked):
    tensor = torch.rand(1, 3, 1, 6)
    found = road(asked(*[1.0] * 6), tensor, torch.ones(1, 6), 0.7, noise=0)
    assert found.combined == pytest.approx(0, abs=1e-6)


# -------------------------------------------------------------------------- insertion and deletion


def test_insertion_and_deletion_worked_by_hand(asked):
    tensor, whole = pixels(1.0, 1.0), sigmoid(3.0)

    found = perturb(asked(2.0, 1.0), tensor, torch.tensor([[9.0, 1.0]]), whole, steps=2)

    np.testing.assert_allclose(found.shares, [0, 0.5, 1])
    np.testing.assert_allclose(found.inserted, [0.5, sigmoid(2.0), whole], rtol=1e-6)
    np.testing.assert_allclose(found.deleted, [whole, sigmoid(1.0), 0.5], rtol=1e-6)
    assert found.insertion == pytest.approx((0.5 + 2 * sigmoid(2.0) + whole) / 4)
    assert found.deletion == pytest.approx((whole + 2 * sigmoid(1.0) + 0.5) / 4)


def test_insertion_may_begin_with_another_picture(asked):
    tensor, start = pixels(1.0, 1.0), pixels(-1.0, -1.0)
    relevance = torch.tensor([[9.0, 1.0]])

    found = perturb(asked(2.0, 1.0), tensor, relevance, sigmoid(3.0), steps=2, start=start)

    np.testing.assert_allclose(
        found.inserted, [sigmoid(-3.0), sigmoid(1.0), sigmoid(3.0)], rtol=1e-6
    )
    np.testing.assert_allclose(found.deleted[1], sigmoid(1.0), rtol=1e-6)


# ----------------------------------------------------------------------------- where the object is


def test_the_pointing_game_looks_at_the_middle_of_the_cell():
    mask = np.zeros((8, 8), np.bool_)
    mask[2:4, 6:8] = True
    region = Box(0, 0, 8, 8)
    values = np.zeros((2, 2), np.float32)
    values[0, 1] = 1  # its middle is row 2, column 6
    assert pointing.hits(heatmap(values, region), mask)
    assert not pointing.hits(heatmap(np.flip(values), region), mask)
    assert not pointing.hits(heatmap(-1 - values, region), mask)  # nothing above zero


def test_the_pointing_game_follows_the_crop():
    mask = np.zeros((10, 10), np.bool_)
    mask[5, 5] = True
    assert pointing.hits(heatmap([[1.0]], Box(3, 3, 8, 8)), mask)
    assert not pointing.hits(heatmap([[1.0]], Box(0, 0, 5, 5)), mask)
    assert not pointing.hits(heatmap([[1.0, 0.0]], Box(0, -20, 10, 10)), mask)  # beside the picture


def test_energy_is_the_share_inside_worked_by_hand():
    mask = np.zeros((2, 2), np.bool_)
    mask[:, 0] = True
    region = Box(0, 0, 2, 2)
    assert pointing.energy(heatmap([[3.0, 1.0], [2.0, -9.0]], region), mask) == pytest.approx(5 / 6)
    assert math.isnan(pointing.energy(heatmap([[-1.0]], region), mask))
    assert pointing.share(mask, region) == pytest.approx(0.5)
    assert pointing.share(mask, Box(0, -2, 2, 2)) == pytest.approx(0.25)  # half of it padding


# ------------------------------------------------------------------------------------- sanity check


def test_spearmans_correlation_worked_by_hand():
    one = np.array([[1.0, 2.0, 3.0]], np.float32)
    assert randomisation.spearman(one, np.exp(one)) == pytest.approx(1)
    assert randomisation.spearman(one, -one) == pytest.approx(-1)
    assert randomisation.spearman(one, np.array([[2.0, 1.0, 3.0]], np.float32)) == pytest.approx(
        0.5
    )
    tied = np.array([[1.0, 1.0, 3.0]], np.float32)  # ranks 1.5, 1.5, 3
    assert randomisation.spearman(one, tied) == pytest.approx(math.sqrt(3) / 2)
    assert randomisation.spearman(one, np.ones((1, 3), np.float32)) == 0


def test_structural_similarity_equals_its_formula_window_by_window():
    numbers = np.random.default_rng(0)
    one, other = numbers.random((2, 64, 66)).astype(np.float32)
    first, second = ((item - item.min()) / np.ptp(item) for item in (one, other))
    places = np.arange(11) - 5
    line = np.exp(-(places**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    found = []
    for y in range(54):
        for x in range(56):
            a, b = first[y : y + 11, x : x + 11], second[y : y + 11, x : x + 11]
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
            both = (window * (a - ma) * (b - mb)).sum()
            found.append(
                (2 * ma * mb + 1e-4) * (2 * both + 9e-4)
                / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))
            )  # fmt: skip
    assert randomisation.ssim(one, other) == pytest.approx(float(np.mean(found)), abs=1e-5)
    assert randomisation.ssim(one, one) == pytest.approx(1)
    assert randomisation.ssim(one, -one) < 0
    assert randomisation.ssim(one[:3, :4], one[:3, :4]) == pytest.approx(1)


def test_weights_are_drawn_anew_from_the_top_and_the_model_is_left_alone(load):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 3)
    )
    model = load(network)
    before = {name: item.clone() for name, item in model.module.state_dict().items()}
    changed = []
    for name, copied in randomisation.cascade(model, steps=9):
        state = copied.module.state_dict()
        moved = {key.split(".")[0] for key, item in state.items() if not item.equal(before[key])}
        changed.append((name, moved))
        assert copied.module is not model.module

    assert [name for name, _moved in changed] == ["4", "1", "0"]
    # A batch norm's fresh scales are all 1 and its shifts 0: drawn with no spread they stay.
    assert [moved for _name, moved in changed] == [{"4"}, {"4"}, {"4", "0"}]
    for name, item in model.module.state_dict().items():
        assert item.equal(before[name])


def test_the_cascades_copies_have_gradients_whatever_the_callers_mode(load, noise):
    model = load(Plain())
    with torch.inference_mode():
        for _name, copied in randomisation.cascade(model, steps=2):
            assert np.isfinite(GradCam(layer="conv1")(copied, noise()).values).all()


def test_the_cascade_keeps_to_its_steps_and_repeats_itself(load):
    model = load(nn.Sequential(*[nn.Conv2d(3, 3, 3, padding=1) for _ in range(9)], nn.Flatten()))
    names = [name for name, _copied in randomisation.cascade(model, steps=3, seed=5)]
    assert names == ["6", "3", "0"]
    first, second = (
        [copied.fingerprint for _name, copied in randomisation.cascade(model, steps=1, seed=seed)]
        for seed in (5, 5)
    )
    other = [copied.fingerprint for _name, copied in randomisation.cascade(model, steps=1, seed=6)]
    assert first == second != other


def test_kernels_are_drawn_about_zero_as_large_as_they_were(load):
    network = nn.Sequential(nn.Conv2d(3, 64, 5), nn.Flatten())
    with torch.no_grad():
        network[0].weight.fill_(-0.5)
        network[0].bias.copy_(torch.arange(64) + 100.0)
    ((_name, copied),) = randomisation.cascade(load(network), steps=1)
    weight, bias = copied.module[0].weight, copied.module[0].bias
    assert abs(float(weight.mean())) < 0.05 and float(weight.std()) == pytest.approx(0.5, rel=0.05)
    assert float(bias.mean()) == pytest.approx(131.5, abs=8)
    assert 13 < float(bias.std()) < 25


def test_a_random_network_that_says_nothing_is_like_nothing(load):
    model = load(nn.Sequential(nn.Conv2d(3, 3, 3), nn.Flatten(), nn.Linear(108, 3)))
    original = np.random.default_rng(0).random((6, 6)).astype(np.float32)
    found = randomisation.check(model, lambda _model: np.zeros((6, 6), np.float32), original)
    assert np.isnan(found.ranks).all() and np.isnan(found.structure).all()


def test_a_map_that_ignores_the_network_fails_the_check(load):
    model = load(nn.Sequential(nn.Conv2d(3, 3, 3), nn.Flatten(), nn.Linear(108, 3)))
    original = np.random.default_rng(0).random((6, 6)).astype(np.float32)

    found = randomisation.check(model, lambda _model: original, original)

    assert found.layers == ("2", "0")
    np.testing.assert_allclose(found.ranks, 1, atol=1e-6)
    np.testing.assert_allclose(found.structure, 1, atol=1e-6)


# -------------------------------------------------------------------------------------- controls


def test_sobel_finds_an_edge_worked_by_hand():
    picture = torch.zeros(1, 1, 4, 4)
    picture[..., 2:] = 0.5
    found = sobel_map(picture, (4, 4), 0)
    np.testing.assert_allclose(found, [[0, 2, 2, 0]] * 4, atol=1e-6)
    np.testing.assert_allclose(sobel_map(picture, (2, 2), 0), 1, atol=1e-6)  # averaged


def test_a_random_map_is_its_seeds_own():
    picture = torch.zeros(1, 1, 4, 4)
    one, same, other = (random_map(picture, (5, 7), seed) for seed in (1, 1, 2))
    assert one.shape == (5, 7) and one.dtype == np.float32 and 0 <= one.min() <= one.max() < 1
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_the_grey_picture_undoes_the_normalisation(load, noise):
    model = load(nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten()))
    image = noise()
    tensor, _region = model.prepare(image)
    wanted = (image.pixels / 255) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(grey_picture(model, tensor)[0, 0].numpy(), wanted, atol=1e-6)


def test_every_metric_says_what_it_is():
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)
    for metric in METRICS.values():
        assert metric.meaning.endswith(".")


# ---------------------------------------------------------------------------------- a perfect map


@pytest.fixture(scope="module")
def drawn():
    from cnnviz_desktop.bundled.pictures import draw
    from cnnviz_desktop.data import ImageInput
    from cnnviz_desktop.engine.models import load_model

    drawing = draw(2_000_011)
    return load_model("bundled"), ImageInput(drawing.pixels), drawing


def test_a_perfect_map_wins_over_an_inverted_one(drawn, bundled_weights):
    """The object's own mask, softened so that its places have an order, against its opposite."""
    model, image, drawing = drawn
    tensor, region = model.prepare(image)
    confidence = Confidence(model, drawing.label)
    whole = float(confidence(tensor)[0])
    soft = torch.nn.functional.avg_pool2d(
        torch.from_numpy(drawing.mask).float()[None, None], 17, 1, 8
    )[0, 0].numpy()
    good, bad = soft - 0.2, 0.2 - soft
    roads, ways, shown = [], [], []
    for values in (good, bad):
        relevance = at_input(values, tensor)
        roads.append(road(confidence, tensor, relevance, whole))
        ways.append(perturb(confidence, tensor, relevance, whole))
        shown.append(masking(confidence, tensor, values, whole))

    assert roads[0].combined > 0.2
    assert roads[1].combined < -0.2
    assert roads[0].morf < roads[0].lerf and roads[1].morf > roads[1].lerf
    assert ways[0].insertion > ways[1].insertion + 0.3
    assert ways[0].deletion < ways[1].deletion - 0.3
    assert shown[0].drop < shown[1].drop
    one, other = heatmap(good, region), heatmap(bad, region)
    assert pointing.hits(one, drawing.mask) and not pointing.hits(other, drawing.mask)
    assert pointing.energy(one, drawing.mask) > 0.6
    assert pointing.energy(other, drawing.mask) < 0.1
