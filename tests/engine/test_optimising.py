"""The loop that pictures grow in: its arithmetic by hand, its chunks, its best picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from networks import Functional, OneChannel, Plain
from torch import nn
from torch.nn import functional

from cnnviz_desktop.engine.optimising import (
    Adam,
    Growth,
    Optimisation,
    Pace,
    Settings,
    Subject,
    moments,
    roughness,
    small,
    total_variation,
)
from cnnviz_desktop.engine.run import SILENT, Part, Run
from cnnviz_desktop.engine.spectrum import Canvas
from cnnviz_desktop.engine.techniques import ActivationMaximization, Exemplars, Probes
from cnnviz_desktop.engine.transforms import Transforms
from cnnviz_desktop.errors import ParameterError


def test_adam_moves_as_pytorchs_does():
    torch.manual_seed(0)
    numbers = torch.randn(2, 3)
    other = numbers.clone().requires_grad_()
    ours, theirs = Adam(numbers), torch.optim.Adam([other], lr=0.05)
    first = Adam(torch.zeros(1))(torch.zeros(1), torch.tensor([3.0]), 0.05)
    assert float(first) == pytest.approx(-0.05)  # the first step is as long as the rate

    for step in range(20):
        slope = torch.randn(2, 3) * (step + 1)
        numbers = ours(numbers, slope, 0.05)
        other.grad = slope
        theirs.step()

    torch.testing.assert_close(numbers, other.detach(), atol=1e-6, rtol=1e-5)


def test_what_is_held_against_a_picture_by_hand():
    picture = torch.tensor([[[[0.0, 0.5], [0.5, 0.5]]]])
    # down: 0.5 and 0, across: 0.5 and 0
    assert float(total_variation(picture)) == pytest.approx(0.25 + 0.25)

    dot = torch.zeros(1, 1, 5, 5)
    dot[0, 0, 2, 2] = 1
    # blurred: 1/4 in the middle, 1/8 at its sides, 1/16 at its corners
    wanted = (0.75**2 + 4 * 0.125**2 + 4 * 0.0625**2) / 25
    assert float(roughness(dot)) == pytest.approx(wanted)

    assert Settings().penalty(picture) is None
    found = Settings(tv=2, l2=3).penalty(picture)
    assert float(found) == pytest.approx(2 * 0.5 + 3 * 0.25 / 4)
    assert float(Settings(blur=10).penalty(dot)) == pytest.approx(10 * wanted)


def test_the_input_is_normalised_and_scaled(load):
    model = load(Plain())
    model.preprocessing.__dict__.update(mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 2.0))
    subject = Subject(model, "conv1", 0, (8, 8))

    tensor = subject.input(torch.ones(1, 3, 4, 4))

    assert tensor[0, :, 0, 0].tolist() == pytest.approx([1, 3, 0.5])
    assert subject.fitted(torch.ones(1, 3, 4, 4)).shape == (1, 3, 8, 8)


def test_pictures_are_shown_as_if_transformed_and_then_normalised(load):
    model = load(Plain())
    model.preprocessing.__dict__.update(mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 2.0))
    subject = Subject(model, "conv1", 0, (8, 8))
    transforms = Transforms()
    draw = transforms.draw(torch.Generator().manual_seed(3))
    pictures = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))

    found = subject.shown(pictures, transforms, draw)

    wanted = subject.input(transforms(pictures, draw, (8, 8)))
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)
    assert (wanted[:, 0] != wanted[:, 1]).any()


@pytest.mark.parametrize("network", [Plain, Functional, OneChannel])
def test_chunks_change_no_picture(load, network):
    model = load(network())
    canvas = Canvas(8, 8)
    found = []
    for together in (1, 2, 3):
        growing = Optimisation(
            Subject(model, "conv1", 0, None),
            lambda values, rows: values[:, 0].mean((1, 2)),
            canvas,
            Settings(),
            canvas.start(3, 0, different=True),
            0,
            together=together,
        )
        growing.run(5, SILENT, "Growing", lambda growing: None)
        found.append(growing.pictures)

    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=0)
    torch.testing.assert_close(found[0], found[2], atol=1e-5, rtol=0)


def test_few_large_maps_go_through_at_once(load):
    model = load(nn.Sequential(nn.Conv2d(3, 4096, 1), nn.Conv2d(4096, 2, 1)), size=(8, 8))
    deep = Subject(model, "1", 0, (128, 128))  # 4098 x 128 x 128 numbers, 270 MB a picture
    assert deep.chunk(16, (8, 8)) == 1
    native = Subject(model, "1", 0, None)
    assert native.chunk(16, (8, 8)) == 8
    assert native.chunk(9, (8, 8)) == 5  # 5 and 4 rather than 8 and 1
    assert Subject(model, "", 0, (128, 128)).chunk(4, (8, 8)) == 1


def test_a_picture_that_got_much_worse_is_not_the_one_kept(load):
    model = load(Plain())
    canvas = Canvas(8, 8, spectral=False)
    growing = Optimisation(
        Subject(model, "conv1", 0, None),
        lambda values, rows: values[:, 0].mean((1, 2)),
        canvas,
        Settings(),
        canvas.start(2, 0, different=True),
        0,
    )
    scores = iter([*np.linspace(0, 1, 40), *([-1.0] * 60)])
    kept = {}

    def score(tensor: torch.Tensor, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        value = next(scores)
        if step == 40:
            kept[0] = growing.numbers.detach().clone()
        return torch.tensor([value, 1.0]), torch.ones_like(tensor)

    growing._gradient = score  # type: ignore[method-assign]
    growing.run(100, SILENT, "Growing", lambda growing: None)

    torch.testing.assert_close(growing.pictures[0], canvas(kept[0])[0])
    assert not torch.equal(growing.pictures[1], canvas(kept[0])[1])  # that one never got worse


def test_frames_are_close_together_at_first_and_small_enough():
    assert {0, 512} <= moments(512)
    steps = sorted(moments(512))
    assert steps[1] - steps[0] <= 2
    assert steps[-1] - steps[-2] > 20
    assert moments(1) == {0, 1}
    many = small(torch.rand(64, 3, 128, 128))
    assert many.shape[1] >= 32
    assert many.nbytes * 33 <= 26 * 2**20
    assert small(torch.rand(1, 1, 16, 16)).shape == (1, 16, 16, 3)
    growth = Growth(1)
    growth.keep(small(torch.rand(1, 3, 8, 8)))
    growth.add([1.0])
    growth.keep(small(torch.rand(1, 3, 8, 8)))
    assert (growth.film().shape, growth.grown) == ((2, 1, 8, 8, 3), [0, 1])


def test_previews_keep_their_distance(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("cnnviz_desktop.engine.optimising.time.perf_counter", lambda: now[0])
    shown = []
    pace = Pace(Run(on_preview=shown.append))

    def make() -> int:
        now[0] += 0.01  # what a preview costs
        return len(shown)

    for _ in range(1000):
        now[0] += 0.005
        pace.show(make)

    spent, whole = 0.01 * len(shown), now[0]
    assert 0.02 < spent / whole < 0.05
    pace = Pace(SILENT)
    pace.show(lambda: pytest.fail("nobody looks"))


def test_parts_report_as_a_whole_and_are_stopped_as_one():
    seen = []
    run = Run(on_progress=lambda found: seen.append((found.done, found.total)))
    part = Part(run, "Growing", 2, shown=False)
    list(part.track(range(2), "One"))
    part.advance()
    run.finish()
    assert part.finishing
    assert not part.previews
    list(part.track(range(2), "Two"))
    assert seen == [(0, 4), (1, 4), (2, 4), (2, 4), (3, 4), (4, 4)]


def test_the_shared_run_takes_no_orders():
    for deed in (SILENT.cancel, SILENT.hold, SILENT.finish, lambda: SILENT.adjust(None)):
        with pytest.raises(RuntimeError, match="shared by every caller"):
            deed()


class DeadInside(nn.Module):
    """A ReLU in the middle, called as a function, that blocks every gradient at the start."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 2, 1)
        self.two = nn.Conv2d(2, 1, 1)
        self.fc = nn.Linear(1, 2)
        with torch.no_grad():
            self.one.weight.fill_(1.0)
            self.one.bias.fill_(-1.8)  # of 1.5 at mid-grey
            self.two.weight.fill_(1.0)
            self.two.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.two(functional.relu(self.one(x))).mean((2, 3)))


def test_a_dead_function_wakes_through_the_layers_before_it(load):
    model = load(DeadInside(), size=(16, 16), labels=("a", "b"))

    grown = ActivationMaximization(layer="two", steps=40)(model)

    assert grown.objectives[0, 0] == 0
    assert grown.responses[0] > 0.1
    assert grown.pictures.max() > 0.8  # no grey square
    assert grown.pictures.std() > 0.1


def test_diversity_grows_pictures_that_differ(load):
    model = load(Plain(), size=(16, 16))
    make = ActivationMaximization(layer="conv2", objective="diversity", count=3, steps=30)

    grown = make(model)

    assert grown.wanted == ("channel 0, 1 of 3", "channel 0, 2 of 3", "channel 0, 3 of 3")
    assert np.abs(grown.pictures[0] - grown.pictures[1]).mean() > 0.05


class Lonely(nn.Module):
    """Takes one picture at a time, as what was exported for one."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Plain()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert len(x) == 1
        return self.inner(x)


def test_a_network_that_takes_one_picture_is_shown_one_at_a_time(load):
    lonely, model = load(Lonely()), load(Plain())
    wanted = ActivationMaximization(layer="conv1", count=3, steps=4)(model)
    found = ActivationMaximization(layer="inner.conv1", count=3, steps=4)(lonely)
    np.testing.assert_allclose(found.pictures, wanted.pictures, atol=1e-5)
    np.testing.assert_allclose(found.responses, wanted.responses, rtol=1e-4)
    with pytest.raises(ParameterError, match="takes one picture at a time"):
        ActivationMaximization(layer="inner.conv1", objective="diversity", count=2)(lonely)


def test_probes_and_exemplars_are_looked_at_one_at_a_time_too(load, tmp_path, monkeypatch):
    monkeypatch.setenv("CNNVIZ_CACHE_DIR", str(tmp_path))
    wanted, found = (
        Exemplars(layer=layer, channel=1, pictures=9)(load(network, size=(16, 16)))
        for layer, network in (("conv1", Plain()), ("inner.conv1", Lonely()))
    )
    np.testing.assert_allclose(found.values, wanted.values, rtol=1e-4)
    wanted = Probes(layer="conv1", channel=1)(load(Plain(), size=(16, 16)))
    found = Probes(layer="inner.conv1", channel=1)(load(Lonely(), size=(16, 16)))
    np.testing.assert_allclose(found.responses, wanted.responses, rtol=1e-4, atol=1e-5)


def test_a_network_of_one_size_is_shown_pictures_of_that_size(load):
    fixed = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.Flatten(), nn.Linear(128, 3))
    model = load(fixed)

    grown = ActivationMaximization(layer="2", steps=3, side=16)(model)

    assert grown.pictures.shape == (1, 16, 16, 3)
    assert grown.responses.shape == (1,)


def test_pictures_that_a_network_would_mix_go_through_one_by_one(load):
    norm = nn.BatchNorm2d(4, track_running_stats=False)
    model = load(nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.Conv2d(4, 2, 3)), size=(8, 8))
    assert Subject(model, "2", 0, None).chunk(9, (8, 8)) == 1
