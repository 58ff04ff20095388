"""Explanations at the network's input, each with its numbers worked out by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from conftest import hooks_on
from networks import Containers, Functional, Lambda, Plain, Residual, SideBranch
from torch import Tensor, nn

from cnnviz_desktop.data import Box, Heatmap, Heatmaps, ImageInput
from cnnviz_desktop.engine import input_pass
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import (
    Deconvnet,
    GradCam,
    GuidedBackprop,
    GuidedGradCam,
    InputXGradient,
    IntegratedGradients,
    Occlusion,
    Saliency,
    SmoothGrad,
)
from cnnviz_desktop.engine.techniques.integrated_gradients import points
from cnnviz_desktop.errors import Cancelled, LayerError, TargetError

EVERY = (
    Saliency,
    InputXGradient,
    SmoothGrad,
    IntegratedGradients,
    GuidedBackprop,
    Deconvnet,
    GuidedGradCam,
    Occlusion,
)
every_kind = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.command)
SLOW = (SmoothGrad, IntegratedGradients, Occlusion)


def coloured(red: list[list[int]], green: list[list[int]] | None = None) -> ImageInput:
    """Make a picture of fifths: 0 to 5 stand for 0.0 to 1.0."""
    first = np.array(red) * 51
    second = np.array(green) * 51 if green else first * 0
    return ImageInput(np.stack([first, second, first * 0], axis=2).astype(np.uint8))


@pytest.fixture
def linear(load):
    """A logit "something" of 2x2 pixels: red times (1, 2; -3, 0), green times (-2, 1; 4, 0) + 1."""
    layer = nn.Linear(12, 2)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[1, :8] = torch.tensor([1.0, 2, -3, 0, -2, 1, 4, 0])
        layer.bias.copy_(torch.tensor([0.0, 1.0]))
    network = nn.Sequential(nn.Flatten(), layer)
    return load(network, size=(2, 2), labels=("nothing", "something"))


PICTURE = coloured([[5, 1], [2, 3]], [[1, 0], [5, 4]])


def of_red(load, function: Callable[[Tensor], Tensor], width: int = 2):
    """A network whose one logit is the sum of a function of the red pixels of a row."""
    network = nn.Sequential(Lambda(lambda x: function(x[:, :1])), Lambda(lambda x: x.sum((2, 3))))
    return load(network, size=(1, width), labels=("only",))


# ----------------------------------------------------------------------------------- by hand


def test_saliency_worked_out_by_hand(linear):
    found = Saliency(target="something")(linear, PICTURE)

    np.testing.assert_allclose(found.values, [[2, 2], [4, 0]], atol=1e-6)
    np.testing.assert_allclose(found.colours[..., 0], [[1, 2], [-3, 0]], atol=1e-6)
    np.testing.assert_allclose(found.colours[..., 1], [[-2, 1], [4, 0]], atol=1e-6)
    # 1 + (1 + 0.4 - 1.2) + (-0.4 + 0 + 4)
    assert found.score == pytest.approx(4.8, abs=1e-5)
    assert (found.method, found.layer, found.signed) == ("Saliency", "", False)
    assert (found.target, found.target_label, found.region) == (1, "something", Box(0, 0, 2, 2))
    # sqrt(1 + 4 + 9 + 4 + 1 + 16)
    assert found.diagnosis.gradient == pytest.approx(35**0.5)


def test_input_times_gradient_worked_out_by_hand(linear):
    found = InputXGradient(target=1)(linear, PICTURE)

    np.testing.assert_allclose(found.colours[..., 0], [[1, 0.4], [-1.2, 0]], atol=1e-6)
    np.testing.assert_allclose(found.values, [[0.6, 0.4], [2.8, 0]], atol=1e-6)
    assert found.signed
    assert found.values.sum() == pytest.approx(found.score - 1, abs=1e-5)  # all but the bias


def test_a_class_that_nothing_speaks_for_says_so(linear):
    found = Saliency(target="nothing")(linear, PICTURE)

    assert not found.values.any()
    assert found.diagnosis.gradient == 0
    assert found.diagnosis.notes[0].startswith("Nothing comes back to the picture")


def test_integrated_gradients_of_a_linear_network_are_exact_from_any_baseline(linear):
    """From black: weight times value. From grey: weight times (value - 0.5)."""
    black = IntegratedGradients(target=1, steps=1)(linear, PICTURE)
    grey = IntegratedGradients(target=1, steps=3, baseline="grey")(linear, PICTURE)

    np.testing.assert_allclose(black.values, [[0.6, 0.4], [2.8, 0]], atol=1e-6)
    # 1 * 0.5 - 2 * -0.3; 2 * -0.3 + 1 * -0.5; -3 * -0.1 + 4 * 0.5; 0
    np.testing.assert_allclose(grey.values, [[1.1, -1.1], [2.3, 0]], atol=1e-6)
    assert black.diagnosis.notes == grey.diagnosis.notes == ()


def test_integrated_gradients_of_a_power_worked_out_by_hand(load):
    """x^4 from 0: the integral of x 4 (a x)^3 is x^4; one step takes half of it, two take all."""
    model = of_red(load, lambda x: x**4)
    image = coloured([[5, 2]])  # 1 and 0.4, whose fourth power is 0.0256

    one, two = (IntegratedGradients(steps=steps)(model, image) for steps in (1, 2))

    np.testing.assert_allclose(two.values, [[1, 0.0256]], atol=1e-6)
    np.testing.assert_allclose(one.values, [[0.5, 0.0128]], atol=1e-6)
    assert two.diagnosis.notes == ()
    assert one.diagnosis.notes == (
        "The shares add up to 0.513 instead of 1.03, how far the logit moves from the baseline: "
        "take more steps.",
    )


def test_the_points_of_gauss_and_legendre_integrate_polynomials():
    places, weights = points(3)

    assert places.tolist() == pytest.approx([0.5 - 0.15**0.5, 0.5, 0.5 + 0.15**0.5])
    assert weights.tolist() == pytest.approx([5 / 18, 8 / 18, 5 / 18])
    assert (weights * places**5).sum() == pytest.approx(1 / 6)


def test_smooth_grad_averages_gradients_with_their_signs(load):
    """Of |x| at 0 the gradient is the sign of the noise: averaged, it all but goes away."""
    model = of_red(load, torch.abs)
    image = coloured([[0, 5]])  # so that the range is 1
    draw = torch.Generator().manual_seed(7)
    noise = torch.stack([torch.randn(1, 3, 1, 2, generator=draw) for _ in range(40)])[:, 0, 0, 0]

    found = SmoothGrad(samples=40, sigma=0.1, seed=7)(model, image)

    # Ten deviations from 0 the second pixel keeps its sign.
    wanted = [noise[:, 0].sign().mean(), 1.0]
    np.testing.assert_allclose(found.colours[0, :, 0], wanted, atol=1e-6)
    np.testing.assert_allclose(found.values[0], np.abs(wanted), atol=1e-6)
    assert abs(wanted[0]) < 0.5
    assert not found.signed


def test_smooth_grads_noise_is_a_share_of_the_inputs_range(load):
    """Of x^2 the gradient is 2 (x + noise): from 0.2 to 0.8 a sigma of 0.5 makes 0.3."""
    model = of_red(load, torch.square)
    image = ImageInput(np.full((1, 2, 3), 51, np.uint8) * np.array([[[1], [4]]], np.uint8))
    draw = torch.Generator().manual_seed(0)
    noise = torch.stack([torch.randn(1, 3, 1, 2, generator=draw) for _ in range(9)])[:, 0, 0, 0]

    found = SmoothGrad(samples=9, sigma=0.5)(model, image)

    wanted = 2 * (np.array([0.2, 0.8]) + 0.3 * noise.mean(0).numpy())
    np.testing.assert_allclose(found.colours[0, :, 0], wanted, rtol=1e-5)


def test_smooth_grad_without_noise_is_saliency(load, noise):
    model = load(Plain())

    smooth = SmoothGrad(sigma=0.0, samples=3)(model, noise())

    np.testing.assert_allclose(smooth.values, Saliency()(model, noise()).values, rtol=1e-5)


def test_smooth_grad_depends_on_its_seed_alone(load, noise):
    model = load(Plain())
    first, again, other = (SmoothGrad(seed=seed)(model, noise()) for seed in (3, 3, 4))

    torch.manual_seed(99)
    assert not np.array_equal(first.colours, other.colours)
    np.testing.assert_array_equal(first.colours, again.colours)


def test_guided_grad_cam_worked_out_by_hand(load):
    """Red less 0.4 rectified: (0, 0, 0.2, 0.6); the logit is it times (2, -3, 5, 4).

    The mean gradient is 2, so the Grad-CAM map is (0, 0, 0.4, 1.2); guided: (0, 0, 5, 4).
    """
    conv, layer = nn.Conv2d(3, 1, 1), nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1))
        conv.bias.fill_(-0.4)
        layer.weight.copy_(torch.tensor([[2.0, -3.0, 5.0, 4.0]]))
    network = nn.Sequential(conv, nn.ReLU(inplace=True), nn.Flatten(), layer)
    model = load(network, size=(1, 4), labels=("only",))

    found = GuidedGradCam(layer="1")(model, coloured([[0, 1, 3, 5]]))

    np.testing.assert_allclose(found.colours[0, :, 0], [0, 0, 2, 4.8], atol=1e-6)
    np.testing.assert_allclose(found.values, [[0, 0, 2, 4.8]], atol=1e-6)
    assert (found.layer, found.values.shape, found.signed) == ("1", (1, 4), False)
    assert found.diagnosis.chosen
    assert found.diagnosis.notes == ()


def test_an_empty_grad_cam_map_explains_the_empty_product(load):
    conv, layer = nn.Conv2d(3, 1, 1, bias=False), nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        conv.weight.fill_(1)
        layer.weight.copy_(torch.tensor([[1.0, -3.0]]))
    network = nn.Sequential(conv, nn.ReLU(), nn.Flatten(), layer)
    model = load(network, size=(1, 2), labels=("only",))

    found = GuidedGradCam(layer="1")(model, coloured([[5, 5]]))

    assert not found.values.any()
    assert "Grad-CAM map of 1 is nowhere above zero" in found.diagnosis.notes[-1]


def test_guided_grad_cam_enlarges_its_map_smoothly(load, noise):
    """It is the product with the bilinearly enlarged, rectified map of the layer."""
    model = load(Plain())
    found = GuidedGradCam(target=2)(model, noise())
    cam = GradCam(target=2)(model, noise())
    guided = GuidedBackprop(target=2)(model, noise())

    assert cam.values.shape == (4, 4)
    places = nn.functional.interpolate(
        torch.from_numpy(cam.values).clamp(min=0)[None, None], size=(8, 8), mode="bilinear"
    )
    wanted = guided.colours * places[0, 0, :, :, None].numpy()
    np.testing.assert_allclose(found.colours, wanted, rtol=1e-5, atol=1e-9)
    assert found.layer == cam.layer


NINE = coloured([[0, 1, 2], [3, 4, 5], [5, 0, 1]])


def red_sum(load):
    return load(Lambda(lambda x: x[:, :1].sum((2, 3))), size=(3, 3), labels=("only",))


def test_occlusion_worked_out_by_hand(load):
    """Windows of 2 from 0 and 2, the last cut off: sums of red, in fifths, 8, 7, 5 and 1."""
    found = Occlusion(window=2, stride=2, fill="black")(red_sum(load), NINE)

    wanted = np.array([[8, 8, 7], [8, 8, 7], [5, 5, 1]]) / 5
    np.testing.assert_allclose(found.values, wanted, atol=1e-5)
    assert (found.signed, found.colours, found.layer) == (True, None, "")
    assert found.score == pytest.approx(21 / 5, abs=1e-5)


def test_overlapping_windows_are_averaged(load):
    """With a stride of 1 there are four: 8, 12, 12 and 10 fifths; the middle has all of them."""
    found = Occlusion(window=2, stride=1, fill="black")(red_sum(load), NINE)

    wanted = np.array([[8, 10, 12], [10, 10.5, 11], [12, 11, 10]]) / 5
    np.testing.assert_allclose(found.values, wanted, atol=1e-5)


def test_what_covers_the_picture_counts(load):
    """Over grey, 2.5 fifths, a black pixel gains and a red one loses 2.5."""
    model = red_sum(load)

    grey = Occlusion(window=1, stride=1)(model, NINE)
    mean = Occlusion(window=1, stride=1, fill="mean colour")(model, NINE)
    plain = Occlusion(window=1, stride=1, fill="blur")(model, coloured([[3] * 3] * 3))

    red = np.array([[0, 1, 2], [3, 4, 5], [5, 0, 1]])
    np.testing.assert_allclose(grey.values, (red - 2.5) / 5, atol=1e-5)
    np.testing.assert_allclose(mean.values, red / 5, atol=1e-5)
    np.testing.assert_allclose(plain.values, np.zeros((3, 3)), atol=1e-5)


@pytest.mark.parametrize(
    ("window", "stride", "wanted"),
    [
        (2, 0, [(0, 2), (1, 3), (2, 4), (3, 5)]),  # half the window
        (2, 2, [(0, 2), (2, 4), (4, 5)]),
        (2, 5, [(0, 2), (2, 4), (4, 5)]),  # never more than the window, or pixels were left out
        (4, 4, [(0, 4), (4, 5)]),
        (3, 2, [(0, 3), (2, 5)]),
        (9, 1, [(0, 5)]),
        (0, 0, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]),
    ],
)
def test_windows_cover_the_whole_input(window, stride, wanted):
    boxes = Occlusion(window=window, stride=stride).windows(5, 5)

    assert [(box.left, box.right) for box in boxes if box.top == 0] == wanted
    assert [(box.top, box.bottom) for box in boxes if box.left == 0] == wanted


def test_automatic_windows_are_a_seventh_of_the_input():
    boxes = Occlusion().windows(224, 448)

    assert boxes[0] == Box(0, 0, 32, 32)
    assert boxes[1] == Box(0, 16, 32, 48)
    assert len(boxes) == 13 * 27


# --------------------------------------------------------------------- what all have in common


@every_kind
def test_several_classes_come_side_by_side(load, noise, kind):
    model = load(Residual())
    likeliest = [int(index) for index in np.argsort(-cnn_logits(model, noise()), kind="stable")]
    third = likeliest[2]

    found = kind(classes=3, target=third)(model, noise())

    assert isinstance(found, Heatmaps)
    assert found.title == kind.title
    assert [item.target for item in found.maps] == [third, *likeliest[:2]]
    assert found.captions == tuple(item.target_label for item in found.maps)
    for item in found.maps:
        alone = kind(target=item.target)(model, noise())
        np.testing.assert_allclose(item.values, alone.values, rtol=1e-5, atol=1e-7)
        assert (item.colours is None) == (alone.colours is None)
        assert (item.score, item.method) == (alone.score, kind.title)
        assert (item.signed, item.layer) == (alone.signed, alone.layer)


def cnn_logits(model, image) -> np.ndarray:
    from cnnviz_desktop.engine.inspection import inspect

    return inspect(model, image).logits


@every_kind
def test_functional_rectifiers_give_what_layers_give(load, noise, kind):
    """The two networks hold the same weights."""
    layers, functions = load(Plain()), load(Functional())
    names = {"layer": "conv2"} if kind is GuidedGradCam else {}

    one, other = (kind(target=2, **names)(model, noise()) for model in (layers, functions))

    np.testing.assert_allclose(one.values, other.values, rtol=1e-4, atol=1e-8)
    assert one.values.any()


@every_kind
def test_magnitudes_are_what_the_colours_reduce_to(load, noise, kind):
    found = kind()(load(Plain()), noise())

    assert isinstance(found, Heatmap)
    assert found.values.shape == (8, 8)
    if found.colours is not None:
        reduced = found.colours.sum(2) if found.signed else np.abs(found.colours).max(2)
        np.testing.assert_allclose(found.values, reduced, rtol=1e-4, atol=1e-7)
    assert found.signed == (kind in (InputXGradient, IntegratedGradients, Occlusion))
    assert found.signed or found.values.min() >= 0


@every_kind
def test_a_callers_gradient_mode_changes_nothing(load, noise, kind):
    model = load(Plain())
    wanted = kind()(model, noise())

    for mode in (torch.no_grad, torch.enable_grad, torch.inference_mode):
        with mode():
            np.testing.assert_array_equal(kind()(model, noise()).values, wanted.values)


@every_kind
def test_double_precision_stays_double(load, noise, kind):
    """What single precision rounds away shows at the scale of 1e-7."""
    single = load(Plain())

    class Doubled:
        def __call__(self, image):
            tensor, region = single.preprocessing(image)
            return tensor.double(), region

        def __getattr__(self, name):
            return getattr(single.preprocessing, name)

    model = dataclasses.replace(single, module=Plain().eval().double(), preprocessing=Doubled())
    assert model.prepare(noise())[0].dtype == torch.float64

    found, rough = kind(target=1)(model, noise()), kind(target=1)(single, noise())

    assert found.values.dtype == np.float32
    np.testing.assert_allclose(found.values, rough.values, rtol=1e-3, atol=1e-6)


@every_kind
def test_a_score_inside_a_container_is_found(load, noise, kind):
    found = kind(target=0)(load(Containers("dict")), noise())

    assert found.values.shape == (8, 8)


@pytest.mark.parametrize("kind", [Saliency, IntegratedGradients, Occlusion])
def test_a_branch_aside_does_not_matter(load, noise, kind):
    assert kind(target=0)(load(SideBranch()), noise()).values.any()


@every_kind
def test_unknown_classes_are_refused(load, noise, kind):
    with pytest.raises(TargetError, match=r"no class “catt”\. Did you mean cat\?"):
        kind(target="catt")(load(Plain()), noise())


def test_guided_grad_cam_refuses_a_layer_without_maps(load, noise):
    with pytest.raises(LayerError, match=r"fc \(Linear\) gives no maps"):
        GuidedGradCam(layer="fc")(load(Plain()), noise())


class Single(Plain):
    """A network that takes one picture, as exported ones do."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.view(1, 3, 8, 8))


@pytest.mark.parametrize("kind", SLOW)
def test_networks_that_take_one_picture_are_given_one_at_a_time(load, noise, kind):
    wanted = kind()(load(Plain()), noise())

    found = kind()(load(Single()), noise())

    np.testing.assert_allclose(found.values, wanted.values, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("kind", SLOW)
def test_the_size_of_batches_changes_nothing(load, noise, kind, monkeypatch):
    model = load(Plain())
    wanted = kind()(model, noise())

    for most in (1, 7):
        monkeypatch.setattr(input_pass, "_MOST", most)
        found = kind()(model, noise())
        np.testing.assert_allclose(found.values, wanted.values, rtol=1e-4, atol=1e-7)


def test_batches_are_bounded_by_memory(load):
    model = load(Plain())
    wide = dataclasses.replace(model.preprocessing, size=(448, 448))
    large = dataclasses.replace(model, preprocessing=wide)

    assert input_pass.at_once(model, kept=True) == 64
    assert input_pass.at_once(large, kept=False) == 2
    # of conv1, relu1 4x8x8, conv2, relu2 6x4x4, pool and flatten 6, fc 3: 719 numbers of 4 bytes
    numbers = 2 * 4 * 64 + 2 * 6 * 16 + 2 * 6 + 3
    assert numbers == 719
    input_pass_kept = input_pass._KEPT
    try:
        input_pass._KEPT = 719 * 4 * 5
        assert input_pass.at_once(model, kept=True) == 5
    finally:
        input_pass._KEPT = input_pass_kept


@pytest.mark.parametrize("kind", SLOW)
def test_slow_ones_say_how_far_they_are(load, noise, kind, monkeypatch):
    monkeypatch.setattr(input_pass, "_MOST", 10)
    seen, previews = [], []
    run = Run(on_progress=seen.append, on_preview=previews.append)

    found = kind()(load(Plain()), noise(), run)

    assert (seen[0].done, seen[-1].done) == (0, seen[-1].total)
    assert seen[-1].total == {SmoothGrad: 3, IntegratedGradients: 5, Occlusion: 7}[kind]
    assert not kind().is_quick()
    if kind is not IntegratedGradients:  # half of an integral is no map
        assert len(previews) == seen[-1].total
        assert previews[0].values.shape == found.values.shape
        np.testing.assert_array_equal(previews[-1].values, found.values)


def test_a_backward_pass_stops_between_layers(load, noise):
    """After the forward's seven layers the next look at the run is in the backward."""
    model = load(Plain())

    class Ended(Run):
        looks = 0

        def check(self) -> None:
            self.looks += 1
            if self.looks == 10:
                self.cancel()
            super().check()

    with pytest.raises(Cancelled):
        Saliency()(model, noise(), Ended())
    assert hooks_on(model.module) == []


def test_what_is_broken_is_named(load, noise):
    network = Plain()
    model = load(network)
    with torch.no_grad():
        network.conv2.weight[0, 0, 0, 0] = float("nan")

    found = Saliency(target=0)(model, noise())

    assert found.diagnosis.broken == "conv2"


def test_colours_that_are_the_same_everywhere_are_counted(linear):
    found = Saliency(target=1)(linear, PICTURE)  # without any blue

    assert (found.diagnosis.constant, found.diagnosis.channels) == (1, 3)
