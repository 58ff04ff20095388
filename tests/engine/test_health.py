"""Channels are dead, saturated or unlearned as a look at the numbers says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from networks import Functional, Plain, Residual, pointwise
from torch import Tensor, nn
from torch.nn import functional

from cnnviz_desktop.data import ImageInput, LayerHealth
from cnnviz_desktop.engine.health import health, observe, rows_of, unlearned
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import FeatureMaps
from cnnviz_desktop.errors import Cancelled


def grey(*values: int) -> ImageInput:
    """Make a picture of two rows that both hold these fifths."""
    pixels = np.array([values, values], np.uint8) * 51
    return ImageInput(np.repeat(pixels[:, :, None], 3, axis=2))


def recorded(model: Any, layer: str, call: int, image: ImageInput) -> np.ndarray:
    """Return a layer's maps as rows."""
    values = FeatureMaps(layer=layer, call=call)(model, image).values
    return values.reshape(len(values), -1)


def by_layer(found: tuple[LayerHealth, ...]) -> dict[str, LayerHealth]:
    return {item.layer: item for item in found}


ROWS = ((1.0, 0.0), (-1.0, 0.0), (1.0, -0.7), (0.0, 0.5), (0.0, 0.0))


@pytest.mark.parametrize("inplace", [False, True])
def test_dead_channels_worked_out_by_hand(load, inplace):
    module = nn.Sequential(pointwise(*ROWS), nn.ReLU(inplace=inplace), nn.MaxPool2d(2))
    model = load(module, size=(2, 4))

    # red is 0, 0.2, 0.4, 0.6 and, in the second picture, 0, 0, 0.8, 1
    found = by_layer(health(model, [grey(0, 1, 2, 3), grey(0, 0, 4, 5)]))

    assert list(found) == ["0", "1", "2"]
    conv, relu, pool = found.values()
    assert conv.pictures == 2
    np.testing.assert_allclose(conv.positive, [5 / 8, 0, 2 / 8, 1, 0])
    np.testing.assert_allclose(conv.maximum, [1, 0, 0.3, 0.5, 0], atol=1e-6)
    for item in (conv, relu, pool):
        assert item.dead.tolist() == [False, True, False, item is pool, True], item.layer
    assert conv.unlearned.tolist() == [False, False, False, True, True]
    assert not relu.unlearned.any()
    np.testing.assert_allclose(pool.positive, [3 / 4, 0, 1 / 4, 1, 0])
    assert (relu.fires, relu.dead_share) == (pytest.approx(15 / 40), pytest.approx(2 / 5))


def test_a_channel_is_dead_only_where_no_picture_wakes_it(load):
    model = load(nn.Sequential(pointwise(*ROWS), nn.ReLU()), size=(2, 4))

    first = by_layer(health(model, [grey(0, 1, 2, 3)]))["1"]
    both = by_layer(health(model, [grey(0, 1, 2, 3), grey(0, 0, 4, 5)]))["1"]

    assert first.dead.tolist() == [False, True, True, False, True]
    assert both.dead.tolist() == [False, True, False, False, True]


@pytest.mark.parametrize("batch", [1, 2, 3, 8, 100])
def test_batches_of_any_size_say_the_same(load, noise, batch):
    model = load(Residual())
    images = [noise(seed=seed) for seed in range(7)]
    wanted = health(model, images, batch=1)

    found = health(model, iter(images), total=7, batch=batch)

    for one, other in zip(found, wanted, strict=True):
        assert (one.layer, one.pictures, one.broken) == (other.layer, 7, 0)
        np.testing.assert_array_equal(one.dead, other.dead)
        np.testing.assert_allclose(one.positive, other.positive, atol=0.01)
        np.testing.assert_allclose(one.maximum, other.maximum, rtol=1e-4, atol=1e-6)


def test_pictures_that_would_change_each_other_are_shown_one_by_one(load, noise):
    model = load(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False)))
    images = [noise(seed=seed) for seed in range(3)]
    wanted = max(health(model, [image])[1].maximum[0] for image in images)

    assert health(model, images, batch=3)[1].maximum[0] == wanted


class OneAtATime(nn.Module):
    """Takes a single picture, as exported networks do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1)
        self.fails = False

    def forward(self, x: Tensor) -> Tensor:
        if self.fails:
            raise RuntimeError("on purpose")
        return self.conv(x).reshape(1, 128)


def test_a_network_that_takes_one_picture_gets_one(load, noise):
    found = health(load(OneAtATime()), [noise(seed=seed) for seed in range(5)])

    assert [(item.layer, item.pictures) for item in found] == [("conv", 5)]


def test_a_networks_own_failure_is_no_matter_of_batches(load, noise):
    module = OneAtATime()
    model = load(module)
    module.fails = True

    with pytest.raises(RuntimeError, match="on purpose"):
        health(model, [noise(), noise()])


def test_before_a_rectifying_function_silence_is_death(load):
    """Functional ReLUs are no layers, so the convolution before them shows it."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rectified = pointwise((1.0, 0.0), (-1.0, -1.0))
            self.signed = pointwise((1.0, 0.0), (-1.0, -1.0))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return functional.relu(self.rectified(x)), self.signed(x)

    found = by_layer(health(load(Net(), size=(2, 4)), [grey(0, 1, 2, 3)]))

    assert found["rectified"].dead.tolist() == [False, True]
    assert found["signed"].dead.tolist() == [False, False]


def test_a_method_and_an_in_place_function_are_noticed_too(load, noise):
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name in ("a", "b", "c"):
                setattr(self, name, pointwise((-1.0, -1.0)))

        def forward(self, x: Tensor) -> Tensor:
            one = functional.relu(self.a(x), inplace=True) + self.b(x).relu_()
            return one + functional.gelu(self.c(x))

    found = health(load(Net()), [noise()])

    assert [item.dead.tolist() for item in found] == [[True]] * 3


def test_a_layer_that_runs_twice_has_one_health(load, noise):
    found = by_layer(health(load(Residual()), [noise()]))

    assert len([name for name in found if name == "relu"]) == 1
    assert found["relu"].positive.shape == (4,)


BOUNDED = [
    (nn.Sigmoid(), [8.0, 0.0, -8.0], [1, 0, 1]),
    (nn.Tanh(), [4.0, 0.0, -4.0], [1, 0, 1]),
    (nn.ReLU6(), [9.0, 3.0, -1.0], [1, 0, 0]),
    (nn.Hardsigmoid(), [4.0, 0.0, -4.0], [1, 0, 1]),
    (nn.Hardtanh(-2, 3), [3.5, 0.0, -2.5], [1, 0, 1]),
    (nn.Hardswish(), [4.0, -1.0, -4.0], [0, 0, 1]),
    (nn.ReLU(), [9.0, 3.0, -1.0], [0, 0, 0]),
]


@pytest.mark.parametrize(
    ("layer", "biases", "wanted"), BOUNDED, ids=[type(item[0]).__name__ for item in BOUNDED]
)
def test_saturation_worked_out_by_hand(load, noise, layer, biases, wanted):
    model = load(nn.Sequential(pointwise(*((0.0, bias) for bias in biases)), layer))

    found = by_layer(health(model, [noise()]))["1"]

    assert found.saturated.tolist() == wanted


def test_half_of_the_values_at_a_bound_are_half(load):
    model = load(nn.Sequential(pointwise((10.0, 0.0)), nn.ReLU6()), size=(2, 4))

    # 0, 2, 6 and 10
    assert by_layer(health(model, [grey(0, 1, 3, 5)]))["1"].saturated.tolist() == [0.5]


def test_what_is_not_finite_is_counted_and_kills_nobody(load, noise):
    class Divide(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            out = x.clone()
            out[:, 0] = torch.nan
            out[:, 1, 0] = torch.inf
            return out

    model = load(nn.Sequential(Divide(), nn.ReLU()))

    found = by_layer(health(model, [noise()]))["1"]

    assert found.broken == 64 + 8
    assert not found.dead.any()


def test_channels_of_linear_layers_over_places_lie_last(load, noise):
    class Tokens(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(2).transpose(1, 2)

    module = nn.Sequential(Tokens(), nn.LayerNorm(3), nn.Linear(3, 5), nn.GELU(), nn.Dropout())

    found = health(load(module), [noise()])

    assert [item.positive.shape for item in found] == [(3,), (3,), (5,), (5,), (5,)]


def test_channels_are_followed_to_the_end_and_back(load, noise):
    """As ConvNeXt does around its layer norms."""

    class Turn(nn.Module):
        def __init__(self, *axes: int) -> None:
            super().__init__()
            self.axes = axes

        def forward(self, x: Tensor) -> Tensor:
            return x.permute(self.axes)

    last, first = Turn(0, 2, 3, 1), Turn(0, 3, 1, 2)
    module = nn.Sequential(nn.Conv2d(3, 5, 1), last, nn.GELU(), nn.Linear(5, 6), first, nn.ReLU())

    found = health(load(module), [noise()])

    assert [len(item.positive) for item in found] == [5, 5, 5, 6, 6, 6]


@pytest.mark.parametrize("network", [Plain, Functional, Residual])
def test_it_says_what_the_recorded_maps_say(load, noise, network):
    model = load(network())
    images = [noise(seed=seed) for seed in range(6)]

    for item in health(model, images):
        node = model.layers.find(item.layer)
        maps = np.concatenate(
            [
                recorded(model, item.layer, call, image)
                for image in images
                for call in range(node.calls)
            ],
            axis=1,
        )
        np.testing.assert_allclose(item.positive, (maps > 0).mean(axis=1), atol=1e-6)
        np.testing.assert_allclose(item.maximum, maps.max(axis=1), rtol=1e-4, atol=1e-6)
        if "relu" in item.layer:
            np.testing.assert_array_equal(item.dead, maps.max(axis=1) <= 0)


def test_a_single_value_is_dead_only_when_it_is_zero(load, noise):
    pooled = nn.Sequential(pointwise((0.0, -3.0), (0.0, 0.0)), nn.AdaptiveAvgPool2d(1))

    found = by_layer(health(load(pooled), [noise()]))["1"]

    assert found.dead.tolist() == [False, True]


def test_it_can_be_cancelled_and_leaves_no_hook(load, noise):
    model = load(Functional())
    run = Run()
    run.cancel()

    with pytest.raises(Cancelled):
        health(model, [noise()], run)


def test_progress_counts_pictures(load, noise):
    seen = []
    run = Run(on_progress=lambda progress: seen.append((progress.done, progress.total)))

    health(load(Functional()), [noise(seed=seed) for seed in range(3)], run, batch=2)

    assert seen[-1] == (3, 3)


def test_no_pictures_no_health(load):
    assert health(load(Functional()), []) == ()


# --------------------------------------------------------------------------------------- unlearned


def test_zero_kernels_and_scales_are_unlearned():
    conv = nn.Conv2d(2, 3, 3)
    norm = nn.BatchNorm2d(4)
    with torch.no_grad():
        conv.weight.fill_(1.0)
        conv.weight[1] = 0
        conv.weight[2] = 1e-9
        norm.weight.copy_(torch.tensor([1.0, 0.0, -1e-12, 0.01]))

    for module, wanted in (
        (conv, [False, True, True]),
        (norm, [False, True, True, False]),
        (nn.Linear(2, 1), [False]),
    ):
        found = unlearned(module)
        assert found is not None
        assert found.tolist() == wanted
    assert unlearned(nn.ReLU()) is None
    assert unlearned(nn.BatchNorm2d(3, affine=False)) is None


def test_kernels_of_a_transposed_convolution_are_by_output():
    conv = nn.ConvTranspose2d(4, 6, (1, 2), groups=2)

    rows = rows_of(conv, conv.weight)

    assert rows.shape == (6, 4)
    # output 4 is the second of group 1, which reads inputs 2 and 3
    assert rows[4].tolist() == conv.weight.detach()[2:4, 1].flatten().tolist()


def test_observe_shows_values_before_an_in_place_layer_writes(load, noise):
    model = load(nn.Sequential(pointwise((-1.0, -1.0)), nn.ReLU(inplace=True)))
    seen = {}

    tensor, _region = model.prepare(noise())
    observe(model, tensor, lambda name, call, _module, output: seen.setdefault(name, output.max()))

    assert float(seen["0"]) <= -1
    assert float(seen["1"]) == 0


def test_a_pass_that_is_waited_for_is_dropped_and_made_again(load):
    module = nn.Sequential(pointwise(*ROWS), nn.ReLU(), nn.MaxPool2d(2))
    model, images = load(module, size=(2, 4)), [grey(0, 1, 2, 3), grey(0, 0, 4, 5)]
    alone = health(model, images)
    waiting, hooks = [], []

    def answer() -> None:
        hooks.append(sum(len(layer._forward_hooks) for layer in module))
        waiting.clear()

    asked = iter([False, True])

    def waits() -> bool:  # a click comes at the second layer, and goes on waiting until answered
        if next(asked, False):
            waiting.append(1)
        return bool(waiting)

    disturbed = health(model, images, Run(on_check=answer, on_wait=waits), batch=1)

    assert len(hooks) == 3  # one at each picture, one for the click
    assert not any(hooks)
    for one, other in zip(alone, disturbed, strict=True):
        np.testing.assert_array_equal(one.positive, other.positive)
        np.testing.assert_array_equal(one.dead, other.dead)
