"""The CAM family: each formula worked out by hand, and what a pass promises to all of them."""

from __future__ import annotations

import dataclasses
import gc
import math

import numpy as np
import pytest
import torch
from networks import (
    Containers,
    Counted,
    Counter,
    Ending,
    Functional,
    Lambda,
    Plain,
    Residual,
    SideBranch,
)
from torch import Tensor, nn
from torch.nn import functional

from cnnviz_desktop.data import Box, Heatmap, Heatmaps, ImageInput
from cnnviz_desktop.engine import masked_passes
from cnnviz_desktop.engine.cam_pass import fused
from cnnviz_desktop.engine.masked_passes import batch_size
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import (
    AblationCam,
    EigenCam,
    EvidenceMatrix,
    FasterScoreCam,
    FeatureMaps,
    FinerCam,
    FullGrad,
    GradCam,
    GradCamPlusPlus,
    HiResCam,
    LayerCam,
    ScoreCam,
    XGradCam,
)
from cnnviz_desktop.errors import Cancelled, LayerError, TargetError

GRADIENT = (GradCam, GradCamPlusPlus, XGradCam, HiResCam, LayerCam, FinerCam)
CLASS = (*GRADIENT, ScoreCam, FasterScoreCam, AblationCam)
CAMS = (*CLASS, EigenCam)
ALL = (*CAMS, FullGrad)
by_command = {"ids": lambda kind: kind.command}

RED, GREEN = np.array([[0, 0.2], [0.4, 1]]), np.array([[1, 0], [0.2, 0.4]])


def same(found: Heatmap, wanted: object, tolerance: float = 1e-6) -> None:
    np.testing.assert_allclose(found.values, wanted, rtol=0, atol=tolerance)


@pytest.fixture
def hand(load):
    """Two maps of 2x2, red and green, and a linear layer of three classes on top.

    The gradients of class 1 are [1, 2, 3, -2] at red and [-4, 0, 2, -6] at green.
    """
    conv, linear = nn.Conv2d(3, 2, 1, bias=False), nn.Linear(8, 3)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 0]]).view(2, 3, 1, 1))
        linear.weight.zero_()
        linear.weight[1] = torch.tensor([1.0, 2, 3, -2, -4, 0, 2, -6])
        linear.weight[2] = torch.tensor([4.0, 0, 0, 0, 0, 0, 0, 8])
        linear.bias.copy_(torch.tensor([1.0, 0.5, -9]))
    network = nn.Sequential(conv, nn.Flatten(), linear)
    return load(network, size=(2, 2), labels=("nothing", "something", "other"))


@pytest.fixture
def coloured() -> ImageInput:
    pixels = np.stack([RED * 255, GREEN * 255, RED * 0], axis=2)
    return ImageInput(np.rint(pixels).astype(np.uint8))


# --------------------------------------------------------------------------------- worked by hand


def test_grad_cam_plus_plus_worked_out_by_hand(hand, coloured):
    # Both maps add up to 1.6: alpha g = g / (2 + 1.6 g) where g is above 0.
    red = 1 / 3.6 + 2 / 5.2 + 3 / 6.8
    green = 2 / 5.2

    same(GradCamPlusPlus(layer="0", target=1)(hand, coloured), red * RED + green * GREEN)


def test_the_eps_of_grad_cam_plus_plus_is_added_to_the_divisor(hand, coloured):
    def share(g: float) -> float:
        return g * g**2 / (2 * g**2 + 1.6 * g**3 + 0.5)

    wanted = (share(1) + share(2) + share(3)) * RED + share(2) * GREEN
    same(GradCamPlusPlus(layer="0", target=1, eps=0.5)(hand, coloured), wanted)


def test_xgrad_cam_worked_out_by_hand(hand, coloured):
    # (0.4 + 1.2 - 2) / 1.6 = -0.25 and (-4 + 0.4 - 2.4) / 1.6 = -3.75
    found = XGradCam(layer="0", target=1)(hand, coloured)

    same(found, [[-3.75, -0.05], [-0.85, -1.75]])
    assert found.values.sum() == pytest.approx(found.score - 0.5)  # the logit less its bias


def test_hires_cam_worked_out_by_hand(hand, coloured):
    found = HiResCam(layer="0", target=1)(hand, coloured)

    same(found, [[-4.0, 0.4], [1.6, -4.4]])
    assert found.values.sum() == pytest.approx(found.score - 0.5)


def test_layer_cam_worked_out_by_hand(hand, coloured):
    same(LayerCam(layer="0", target=1)(hand, coloured), [[0.0, 0.4], [1.6, 0.0]])


def test_finer_cam_worked_out_by_hand(hand, coloured):
    # Mean gradients: 1 and -2 of class 1, 1 and 2 of class 2, 0 and 0 of class 0.
    found = FinerCam(layer="0", target=1, contrast="other", alpha=0.5)(hand, coloured)
    same(found, 0.5 * RED - 3 * GREEN)
    assert found.score == pytest.approx(-5.9, abs=1e-5)

    # Logits 1, -5.9 and -5.8: class 2 is nearest to class 1, then class 0.
    nearest = FinerCam(layer="0", target=1, nearest=1, alpha=0.5)(hand, coloured)
    same(nearest, 0.5 * RED - 3 * GREEN)
    both = FinerCam(layer="0", target=1, nearest=9, alpha=1.0)(hand, coloured)
    same(both, 0.5 * RED - 3 * GREEN)  # half of class 2, half of class 0
    plain = FinerCam(layer="0", target=1, alpha=0.0)(hand, coloured)
    same(plain, GradCam(layer="0", target=1)(hand, coloured).values)


def test_finer_cam_refuses_to_tell_a_class_from_itself(hand, coloured):
    with pytest.raises(TargetError, match="something cannot be told from itself"):
        FinerCam(layer="0", target=1, contrast=1)(hand, coloured)
    several = FinerCam(layer="0", target=1, contrast=2, classes=3)(hand, coloured)
    assert [item.target for item in several.maps] == [1, 0, 2]


def test_eigen_cam_worked_out_by_hand(load):
    """Maps r and 2 r: centred they are r - 0.4 times (1, 2), whose length is the root of 5."""
    conv = nn.Conv2d(3, 2, 1, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[1.0, 0, 0], [2.0, 0, 0]]).view(2, 3, 1, 1))
    model = load(nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten()), size=(2, 2))
    picture = ImageInput(np.rint(np.stack([RED * 255] * 3, axis=2)).astype(np.uint8))

    found = EigenCam(layer="0")(model, picture)

    same(found, (RED - 0.4) * math.sqrt(5))
    dark = ImageInput(255 - picture.pixels)  # the same but for the sign, which is turned
    assert EigenCam(layer="0")(model, dark).values.max() == pytest.approx(0.6 * math.sqrt(5))


def test_eigen_cam_is_the_singular_vector_whatever_has_more_places_or_channels(load, noise):
    model = load(Plain())
    for layer in ("conv1", "conv2", "pool"):
        maps = FeatureMaps(layer=layer)(model, noise()).values.astype(np.float64)
        rows = maps.reshape(len(maps), -1).T
        rows = rows - rows.mean(axis=0)
        wanted = (rows @ np.linalg.svd(rows)[2][0]).reshape(maps.shape[1:])
        if abs(wanted.min()) > abs(wanted.max()):
            wanted = -wanted
        same(EigenCam(layer=layer)(model, noise()), wanted, 1e-5)


def test_score_cam_worked_out_by_hand(hand, coloured):
    # Maps are as large as the input and reach from 0 to 1: each is its own mask.
    red = 0.5 + (0.08 + 0.48 - 2) + (0.16 - 2.4)
    green = 0.5 + (0.24 - 0.8) + (-4 + 0.08 - 0.96)
    share = 1 / (1 + math.exp(green - red))

    same(ScoreCam(layer="0", target=1)(hand, coloured), share * RED + (1 - share) * GREEN)


def test_faster_score_cam_worked_out_by_hand(hand, coloured):
    pale = ImageInput((coloured.pixels * np.array([1, 0.5, 1])).astype(np.uint8))
    one = FasterScoreCam(layer="0", target=1, max_n=1)(hand, pale)
    same(one, RED)  # green varies half as much, and one channel alone weighs 1

    logits = {"red": (1, -3.18, -9 + 8 * 0.4), "green": (1, -4.94, -9 + 4 * 0 + 8 * 0.16)}
    odds = {key: math.exp(item[1]) / sum(map(math.exp, item)) for key, item in logits.items()}
    found = FasterScoreCam(layer="0", target=1, weighting="class")(hand, coloured)
    same(found, odds["red"] * RED + odds["green"] * GREEN)


def test_ablation_cam_worked_out_by_hand(hand, coloured):
    # -5.9 in all, 0.5 - 6 = -5.5 without red, 0.5 - 0.4 = 0.1 without green.
    red, green = (-5.9 + 5.5) / -5.9, (-5.9 - 0.1) / -5.9

    same(AblationCam(layer="0", target=1)(hand, coloured), red * RED + green * GREEN)


def test_full_grad_worked_out_by_hand(load):
    """One map 3 r - 1 = [-1, 2] before an in-place ReLU, logit 3 a + 5 b: gradient (0, 5).

    x · gradient is (0, 15) in red and 0 in green and blue, bias · gradient (0, -5): each scaled.
    """
    conv, linear = nn.Conv2d(3, 1, 1), nn.Linear(2, 1)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([3.0, 0, 0]).view(1, 3, 1, 1))
        conv.bias.fill_(-1)
        linear.weight.copy_(torch.tensor([[3.0, 5.0]]))
    network = nn.Sequential(conv, nn.ReLU(inplace=True), nn.Flatten(), linear)
    model = load(network, size=(1, 2), labels=("only",))
    picture = ImageInput(np.repeat(np.array([[[0], [255]]], np.uint8), 3, axis=2))

    found = FullGrad()(model, picture)

    same(found, [[0, 2]])
    assert (found.layer, found.signed, found.region) == ("", False, Box(0, 0, 1, 2))


def test_full_grad_counts_what_a_batch_norm_shifts(load):
    """beta - mean gamma / sigma: 1 - 3 · 2 / 2 = -2 counts, 3 - 3 · 2 / 2 = 0 does not."""
    picture = ImageInput(np.repeat(np.array([[[0], [255]]], np.uint8), 3, axis=2))
    for beta, wanted in ((1.0, 2), (3.0, 1)):
        conv, norm, linear = nn.Conv2d(3, 1, 1, bias=False), nn.BatchNorm2d(1), nn.Linear(2, 1)
        with torch.no_grad():
            conv.weight.copy_(torch.tensor([3.0, 0, 0]).view(1, 3, 1, 1))
            norm.running_mean.fill_(3)
            norm.running_var.fill_(4 - norm.eps)
            norm.weight.fill_(2)
            norm.bias.fill_(beta)
            linear.weight.copy_(torch.tensor([[0.0, 5.0]]))
        network = nn.Sequential(conv, norm, nn.Flatten(), linear)
        same(FullGrad()(load(network, size=(1, 2), labels=("only",)), picture), [[0, wanted]], 1e-5)


def test_full_grad_refuses_a_network_without_such_biases(load, noise):
    network = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False), nn.Flatten(), nn.Linear(128, 3))
    with pytest.raises(LayerError, match="No layer of tiny adds a bias to maps"):
        FullGrad()(load(network), noise())
    severed = nn.Sequential(nn.Conv2d(3, 3, 1), Lambda(lambda x: x.detach().mean((2, 3))))
    with pytest.raises(LayerError, match="no gradient through to it"):
        FullGrad()(load(severed), noise())


class Shifting(nn.Module):
    """Normalises what it is given, where it lies or in a copy."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        self.in_place = in_place
        self.inner = Plain()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.sub_(0.7).mul_(2) if self.in_place else (x - 0.7) * 2)


@pytest.mark.parametrize(
    "technique",
    [
        ScoreCam(layer="inner.conv1"),
        AblationCam(layer="inner.conv1", smooth="flips"),
        GradCam(layer="inner.conv1", smooth="flips and scales"),
        FullGrad(smooth="flips"),
        EvidenceMatrix(
            methods=("grad-cam",), layers=("inner.conv1",), metrics=("road", "insertion", "drop")
        ),
    ],
    ids=lambda technique: technique.command,
)
def test_a_network_that_writes_into_its_input_gets_a_copy(load, noise, technique):
    wanted, found = (technique(load(Shifting(way)), noise()) for way in (False, True))
    of = "scores" if isinstance(technique, EvidenceMatrix) else "values"
    assert getattr(wanted, of).any()
    np.testing.assert_allclose(getattr(found, of), getattr(wanted, of), rtol=1e-4, atol=1e-6)


# ------------------------------------------------------------------------------- several at once


@pytest.mark.parametrize("kind", [*CLASS, FullGrad], **by_command)
def test_several_classes_are_the_likeliest_each_as_if_alone(load, noise, kind):
    model = load(Plain())

    found = kind(classes=3)(model, noise())

    assert isinstance(found, Heatmaps)
    assert (found.title, found.columns, len(found.maps)) == (kind.title, 3, 3)
    assert sorted(item.target for item in found.maps) == [0, 1, 2]
    scores = [item.score for item in found.maps]
    assert scores == sorted(scores, reverse=True)
    assert found.captions == tuple(item.target_label for item in found.maps)
    for item in found.maps:
        alone = kind(target=item.target)(model, noise())
        np.testing.assert_allclose(item.values, alone.values, rtol=1e-5, atol=1e-7)
        assert item.diagnosis == alone.diagnosis


def test_a_class_that_is_asked_for_comes_first_and_there_are_no_more_than_the_network_has(
    load, noise
):
    found = GradCam(target=2, classes=9)(load(Plain()), noise())

    assert found.maps[0].target == 2
    assert len(found.maps) == 3


@pytest.mark.parametrize("kind", CAMS, **by_command)
def test_several_layers_are_fused_as_their_maps_alone_say(load, noise, kind):
    model = load(Plain())
    alone = [
        kind(layer=layer, target=1)(model, noise()).values for layer in ("conv2", "conv1", "relu1")
    ]

    found = kind(layer="conv2", also=("conv1", "relu1", "conv2"), target=1)(model, noise())

    parts = []
    for values in alone:
        positive = torch.from_numpy(values).clamp(min=0)
        scaled = positive / positive.max() if positive.max() > 0 else positive
        parts.append(functional.interpolate(scaled[None, None], size=(8, 8), mode="bilinear"))
    same(found, torch.cat(parts).mean(dim=0)[0], 1e-4)
    assert (found.layer, found.layers) == ("conv2", ("conv2", "conv1", "relu1"))
    assert not found.signed


def test_maps_are_fused_by_hand():
    coarse = torch.tensor([[4.0]])
    fine = torch.tensor([[-3.0, 1.0], [0.5, 0.0]])

    np.testing.assert_allclose(fused([coarse, fine]), [[0.5, 1], [0.75, 0.5]])
    np.testing.assert_array_equal(fused([-coarse, -coarse]), [[0]])


@pytest.mark.parametrize("kind", ALL, **by_command)
def test_smoothing_is_the_mean_over_mirror_images_and_contrasts(load, noise, kind):
    model, image = load(Plain()), noise()
    target = GradCam()(model, image).target

    def of(pixels: Tensor) -> np.ndarray:
        with_input = dataclasses.replace(model)
        region = image.whole
        object.__setattr__(with_input, "prepare", lambda _image: (pixels.clone(), region))
        return kind(target=target)(with_input, image).values

    tensor, _ = model.prepare(image)
    pairs = {"flips": (1,), "flips and scales": (1, 0.9, 1.1)}
    for smooth, contrasts in pairs.items():
        wanted = [
            part
            for contrast in contrasts
            for part in (of(tensor * contrast), of(tensor.flip(3) * contrast)[:, ::-1])
        ]
        found = kind(smooth=smooth)(model, image)
        np.testing.assert_allclose(found.values, np.mean(wanted, axis=0), rtol=1e-4, atol=1e-6)
        assert found.target == target


# ------------------------------------------------------------------------------ any network at all


@pytest.mark.parametrize("kind", ALL, **by_command)
def test_a_softmax_at_the_end_changes_nothing(load, noise, kind):
    plain, ended = load(Ending(nn.Identity())), load(Ending(nn.Softmax(dim=1)))

    wanted, found = kind()(plain, noise()), kind()(ended, noise())

    np.testing.assert_allclose(found.values, wanted.values, rtol=1e-5, atol=1e-7)
    assert found.score == pytest.approx(wanted.score)
    assert (wanted.diagnosis.softmax, found.diagnosis.softmax) == (False, True)


@pytest.mark.parametrize("kind", ALL, **by_command)
@pytest.mark.parametrize("container", ["tuple", "named"])
def test_networks_and_layers_that_give_containers(load, noise, kind, container):
    model = load(Containers(container))
    technique = kind() if kind is FullGrad else kind(layer="giver")

    assert np.abs(technique(model, noise()).values).max() > 0


@pytest.mark.parametrize("kind", CAMS, **by_command)
def test_each_call_of_a_layer_can_be_explained(load, noise, kind):
    model = load(Residual())

    first, last = (kind(layer="relu", call=call)(model, noise()) for call in (0, -1))

    assert np.isfinite(first.values).all()
    assert not np.allclose(first.values, last.values)


@pytest.mark.parametrize("kind", ALL, **by_command)
def test_constant_channels_break_nothing(load, noise, kind):
    network = Plain()
    with torch.no_grad():
        network.conv2.weight[:4] = 0
        network.conv2.bias[:4] = torch.tensor([0.0, 0.7, -0.3, 0.0])
    model = load(network)

    for layer in ("conv2", "relu2"):
        technique = kind() if kind is FullGrad else kind(layer=layer)
        found = technique(model, noise())
        assert np.isfinite(found.values).all()
        if kind is not FullGrad:
            assert found.diagnosis.channels == 6
            assert found.diagnosis.constant >= 4


@pytest.mark.parametrize("kind", ALL, **by_command)
def test_a_picture_of_one_colour_gives_finite_maps(load, kind):
    model = load(Functional())

    found = kind()(model, ImageInput(np.zeros((8, 8, 3), np.uint8)))

    assert np.isfinite(found.values).all()


@pytest.mark.parametrize("kind", ALL, **by_command)
def test_the_first_module_that_gives_nan_is_named(load, noise, kind):
    network = Plain()
    model = load(network)
    with torch.no_grad():
        network.conv2.bias[0] = math.nan

    found = kind()(model, noise())

    assert found.diagnosis.broken == "conv2"
    assert np.isnan(found.values).any()


def test_the_diagnosis_tells_the_gradients_norm_and_why_this_layer(hand, coloured):
    found = GradCam(target=1)(hand, coloured).diagnosis
    assert found.gradient == pytest.approx(math.sqrt(1 + 4 + 9 + 4 + 16 + 0 + 4 + 36))
    assert (found.constant, found.channels, found.broken) == (0, 2, "")
    assert found.chosen == hand.default_reason
    assert ScoreCam()(hand, coloured).diagnosis.gradient is None


def test_a_layer_other_than_the_default_was_asked_for(load, noise):
    model = load(Plain())
    assert GradCam(layer="conv1")(model, noise()).diagnosis.chosen == "asked for"


@pytest.mark.parametrize("kind", GRADIENT, **by_command)
def test_a_layer_the_answer_does_not_pass_through_is_refused(load, noise, kind):
    for technique in (kind(layer="side"), kind(layer="main", also=("side",))):
        with pytest.raises(LayerError, match=r"The score of .* does not depend on side"):
            technique(load(SideBranch()), noise())


@pytest.mark.parametrize("kind", ALL, **by_command)
def test_transformers_are_refused_kindly(load, noise, kind):
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 4, stride=4)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.fc = nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.patches(x).flatten(2).transpose(1, 2)
            return self.fc(self.attention(x, x, x)[0].mean(1))

    with pytest.raises(LayerError, match=r"tiny is a transformer.*\(attention\).*convolutional"):
        kind()(load(Tokens()), noise())


# --------------------------------------------------------------------------------- masked passes


def test_masks_of_one_value_share_a_pass(load, noise, monkeypatch):
    network = nn.Sequential(Counter(), *Plain().children())
    with torch.no_grad():
        network[3].weight[:4] = 0  # conv2
    model = load(network)
    monkeypatch.setattr(masked_passes, "_MOST", 1)
    before = network[0].count

    ScoreCam(layer="3")(model, noise())

    assert network[0].count - before == 1 + 1 + 2  # the picture, all dead ones, two others


def test_masks_are_upsampled_with_corners_on_corners_and_then_scaled():
    maps = torch.tensor([[[0.0, 2.0], [4.0, 6.0]], [[5.0, 5.0], [5.0, 5.0]]])

    masks = masked_passes._masks(maps[:1], (3, 3))

    np.testing.assert_allclose(masks[0, 0] * 6, [[0, 1, 2], [2, 3, 4], [4, 5, 6]], atol=1e-6)
    assert not masked_passes._masks(maps[1:], (3, 3)).any()


def test_with_all_channels_faster_score_cam_is_score_cam(load, noise):
    model = load(Plain())

    np.testing.assert_array_equal(
        FasterScoreCam(max_n=6)(model, noise()).values, ScoreCam()(model, noise()).values
    )


def test_folded_batch_norms_and_batches_give_what_single_passes_give(load, noise, monkeypatch):
    model = load(Residual())
    wanted = ScoreCam(layer="conv1")(model, noise()).values
    monkeypatch.setattr(masked_passes, "_WORTH_FOLDING", 1)
    monkeypatch.setattr(masked_passes, "_MOST", 1)

    found = ScoreCam(layer="conv1")(model, noise()).values

    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)
    assert isinstance(model.module.bn1, nn.BatchNorm2d)


class OneAtATime(Plain):
    """Takes one picture, as exports of a fixed batch do."""

    def forward(self, x: Tensor) -> Tensor:
        if len(x) != 1:
            raise RuntimeError("expected 1")
        return super().forward(x)


@pytest.mark.parametrize("kind", [ScoreCam, AblationCam], **by_command)
def test_a_network_that_takes_one_picture_at_a_time(load, noise, kind):
    wanted = kind()(load(Plain()), noise()).values
    found = kind()(load(OneAtATime()), noise()).values
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)


def brute(module: nn.Module, tensor: Tensor, layer: str, call: int, target: int) -> np.ndarray:
    """Work out Ablation-CAM by running the whole network for each channel."""
    count, kept, silent = -1, [], -1

    def hook(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        nonlocal count
        count += 1
        if count != call:
            return output
        changed = output.clone()
        kept.append(output.clone())
        if silent >= 0:
            changed[:, silent] = 0
        return changed

    handle = module.get_submodule(layer).register_forward_hook(hook)
    with torch.inference_mode():
        score = float(module(tensor.clone())[0, target])
        maps, losses = kept[0][0], []
        for channel in range(len(maps)):
            count, silent = -1, channel
            losses.append((score - float(module(tensor.clone())[0, target])) / score)
    handle.remove()
    return np.tensordot(np.array(losses), maps.numpy(), axes=1)


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize(
    ("network", "layer", "call"),
    [
        (Plain, "conv1", 0),
        (Plain, "relu1", 0),
        (Plain, "conv2", 0),
        (Functional, "conv2", 0),
        (Residual, "stem", 0),
        (Residual, "relu", 0),
        (Residual, "relu", 1),
        (Residual, "conv2", 0),
        (Residual, "bn2", 0),
    ],
)
def test_ablation_cam_is_what_whole_passes_give(load, noise, network, layer, call, inplace):
    model = load(network(inplace=inplace))
    tensor, _ = model.prepare(noise())

    found = AblationCam(layer=layer, call=call)(model, noise())

    wanted = brute(model.module, tensor, layer, call, found.target)
    np.testing.assert_allclose(found.values, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_ablation_cam_runs_what_follows_the_layer_alone(load, noise):
    network = Counted()
    model = load(network)
    before, after = network.before.count, network.after.count

    AblationCam(layer="conv2")(model, noise())

    # The picture, and once more to see what each module gives; the rest happens in a copy.
    assert network.before.count - before == 2
    assert network.after.count - after == 2


def test_ablation_cam_of_a_network_that_cannot_be_copied(load, noise):
    class Alone(Plain):
        def __deepcopy__(self, memo: object) -> nn.Module:
            raise TypeError("one of a kind")

    wanted, found = (AblationCam()(load(net), noise()).values for net in (Plain(), Alone()))

    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_ablation_cam_of_a_network_that_a_copy_would_answer_wrongly(load, noise):
    """What comes before the layer is read again by name: its recorded output would be stale."""

    class Peeks(nn.Sequential):
        def __init__(self) -> None:
            super().__init__(*Plain().children())

        def forward(self, x: Tensor) -> Tensor:
            first = self[0](x)
            again = super().forward(x)
            return again + self[0](x * 0.5).mean() + first.mean()

    model = load(Peeks())
    tensor, _ = model.prepare(noise())

    found = AblationCam(layer="2")(model, noise())

    wanted = brute(model.module, tensor, "2", 0, found.target)
    np.testing.assert_allclose(found.values, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("kind", [ScoreCam, FasterScoreCam, AblationCam], **by_command)
def test_long_ones_show_how_far_they_are_and_how_it_looks(load, noise, kind, monkeypatch):
    monkeypatch.setattr(masked_passes, "_BETWEEN_PREVIEWS", 0.0)
    monkeypatch.setattr(masked_passes, "_MOST", 1)
    model, steps, shown = load(Plain()), [], []

    found = kind()(model, noise(), Run(steps.append, shown.append))

    assert not kind().is_quick()
    assert steps[-1].done == steps[-1].total > 1
    assert len(shown) >= steps[-1].total  # one more where masks of one value share a pass
    np.testing.assert_allclose(shown[-1].values, found.values, rtol=1e-5, atol=1e-7)
    assert np.isfinite(shown[0].values).all()

    run = Run(on_preview=lambda _result: run.cancel())
    with pytest.raises(Cancelled):
        kind()(model, noise(), run)


def test_pictures_at_once_keep_a_pass_within_memory(load):
    assert batch_size(load(Plain())) == 8
    large = nn.Sequential(nn.Conv2d(3, 64, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert batch_size(load(large, size=(150, 150))) == 5  # 5.8 MB each
    assert batch_size(load(large, size=(224, 224))) == 8  # 12.8 MB each, as VGG has them
    assert batch_size(load(large, size=(800, 800))) == 1
    unsteady = nn.Sequential(
        nn.Conv2d(3, 4, 1),
        nn.BatchNorm2d(4, track_running_stats=False),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    assert batch_size(load(unsteady)) == 1


@pytest.mark.parametrize("kind", ALL, **by_command)
def test_nothing_is_held_after_an_explanation(load, noise, kind):
    model, image = load(Plain()), noise()

    def held() -> int:
        gc.collect()
        return sum(issubclass(type(item), Tensor) for item in gc.get_objects())

    kind()(model, image)
    before = held()
    for _ in range(3):
        kind()(model, image)
    assert held() == before
