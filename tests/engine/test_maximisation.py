"""Growing pictures: numbers worked by hand, and what a run can be asked on its way."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from cnnviz_desktop.data import Maximised
from cnnviz_desktop.engine.loaded_model import ready
from cnnviz_desktop.engine.objectives import Objective, likeness
from cnnviz_desktop.engine.preprocessing import Preprocessing
from cnnviz_desktop.engine.redirection import redirected
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.spectrum import Canvas, colour_matrix, frequencies, spectrum_scale
from cnnviz_desktop.engine.techniques import ActivationMaximization
from cnnviz_desktop.engine.transforms import NONE, Draw, Transforms
from cnnviz_desktop.errors import Cancelled, LayerError, ParameterError

EVERY = slice(None)


# ------------------------------------------------------------------------------------ pictures


def test_frequencies_and_their_scale_by_hand():
    # Rows 0, 1/4, -1/2, -1/4 cycles per pixel; columns 0, 1/4, 1/2.
    assert frequencies(4, 4)[0].tolist() == [0, 0.25, 0.5]
    assert frequencies(4, 4)[2, 2] == pytest.approx(2**-0.5)
    scale = spectrum_scale(4, 4)
    assert scale[0].tolist() == [4, 4, 2]  # the mean as the lowest frequency: 1 / (1/4)
    assert scale[1, 1] == pytest.approx(1 / (2**0.5 / 4))


def test_the_colour_matrix_has_a_largest_column_of_length_one():
    matrix = colour_matrix()
    assert matrix[0, 0] == pytest.approx(0.26 / 0.461952)
    assert matrix.norm(dim=0).max() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("spectral", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(8, 8), (7, 10), (9, 5)])
def test_a_picture_and_its_numbers_are_the_same_thing(spectral, channels, size):
    canvas = Canvas(*size, channels=channels, spectral=spectral)
    wanted = torch.rand((2, channels, *size), generator=torch.Generator().manual_seed(1)) * 0.9
    wanted += 0.05
    assert torch.allclose(canvas(canvas.numbers(wanted)), wanted, atol=1e-4)


def test_a_start_is_the_seeds_alone():
    canvas = Canvas(8, 8)
    one, other = canvas.start(2, seed=3), canvas.start(2, seed=4)
    assert one.shape == (2, 3, 8, 5, 2)
    assert torch.equal(one, canvas.start(2, seed=3))
    assert torch.equal(one[0], one[1])
    assert not torch.equal(one, other)
    assert not torch.equal(*canvas.start(2, seed=3, different=True))
    assert 0.007 < one.std() < 0.013  # drawn with a spread of 0.01
    assert (canvas(one) - 0.5).abs().max() < 0.2  # near grey


# ---------------------------------------------------------------------------------- transforms

SQUARE = torch.rand((1, 3, 6, 6), generator=torch.Generator().manual_seed(2))


def test_no_transform_changes_nothing():
    assert torch.equal(NONE(SQUARE, Draw()), SQUARE)


def test_jitter_shifts_by_whole_pixels_and_fills_with_grey():
    moves = Transforms(pad=2, jitter=4, scale=0, rotate=0, jitter_after=0)
    assert moves.view(6, 6) == (6, 6)

    down = moves(SQUARE, Draw(before=(0, 0)))
    assert torch.allclose(down[:, :, 2:, 2:], SQUARE[:, :, :-2, :-2], atol=1e-5)
    assert torch.allclose(down[:, :, :2], torch.tensor(0.5), atol=1e-6)
    assert torch.allclose(down[:, :, :, :2], torch.tensor(0.5), atol=1e-6)

    up = moves(SQUARE, Draw(before=(4, 4)))
    assert torch.allclose(up[:, :, :-2, :-2], SQUARE[:, :, 2:, 2:], atol=1e-5)
    assert torch.allclose(moves(SQUARE, Draw(before=(2, 2))), SQUARE, atol=1e-5)


def test_a_quarter_turn_is_one():
    turns = Transforms(pad=0, jitter=0, scale=0, rotate=90, jitter_after=0)
    turned = turns(SQUARE, Draw(degrees=90))
    ways = [torch.rot90(SQUARE, k, (2, 3)) for k in (1, -1)]
    assert any(torch.allclose(turned, way, atol=1e-4) for way in ways)


def test_twice_as_large_shows_the_middle():
    rows = torch.arange(8.0).view(1, 1, 8, 1).expand(1, 1, 8, 8)
    larger = Transforms(0, 0, 1.0, 0, 0)(rows, Draw(scale=2.0))
    # Middle at 3.5; half as far from it: pixel 4 lies at 3.5 + 0.5 / 2.
    assert larger[0, 0, 4, 4] == pytest.approx(3.75)
    assert larger[0, 0, 7, 0] == pytest.approx(3.5 + 3.5 / 2)


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_ever_filled_with_black(seed):
    transforms = Transforms()
    draw = transforms.draw(torch.Generator().manual_seed(seed))
    assert 0.9 - 1e-9 <= draw.scale <= 1.1 + 1e-9
    assert abs(draw.degrees) <= 10
    white = torch.ones(1, 3, 32, 32)
    assert transforms(white, draw).min() >= 0.5 - 1e-5


def test_no_turn_is_the_likeliest_turn():
    generator = torch.Generator().manual_seed(0)
    turns = [Transforms().draw(generator).degrees for _ in range(2000)]
    assert 0.17 < turns.count(0) / 2000 < 0.29  # 6 of 26
    assert set(turns) == set(range(-10, 11))


def test_changing_one_transform_moves_no_other():
    one = Transforms().draw(torch.Generator().manual_seed(5))
    other = Transforms(rotate=0).draw(torch.Generator().manual_seed(5))
    assert (one.before, one.scale, one.after) == (other.before, other.scale, other.after)
    assert other.degrees == 0


# ---------------------------------------------------------------------------------- objectives

MAPS = torch.tensor(
    [[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 4.0], [0.0, 0.0]]], [[[1.0] * 2] * 2, [[2.0] * 2] * 2]]
)


@pytest.mark.parametrize(
    ("objective", "wanted"),
    [
        (Objective("channel", (0, 1)), [3, 2]),
        (Objective("neuron", (0, 1)), [6, 2]),  # at h // 2, w // 2
        (Objective("neuron", (0, 1), row=0, column=1), [2, 2]),
        (Objective("negative", (0, 1)), [-3, -2]),
        (Objective("layer", (0, 0)), [(1 + 4 + 9 + 36 + 16) / 8, 2.5]),
        (Objective("direction", (0, 1), (1, 0)), [2, 1]),
        (Objective("joint", (0, 1), (1, 0)), [4, 3]),
    ],
    ids=lambda item: item.kind if isinstance(item, Objective) else "",
)
def test_objectives_by_hand(objective, wanted):
    assert objective(MAPS, EVERY).tolist() == pytest.approx(wanted)


def test_likeness_is_one_for_equal_pictures_and_zero_for_unlike_ones():
    same = MAPS[:1].repeat(3, 1, 1, 1)
    assert likeness(same) == pytest.approx(1)
    apart = torch.zeros(2, 2, 1, 1)
    apart[0, 0] = apart[1, 1] = 1
    assert likeness(apart) == 0
    diverse = Objective("diversity", (0, 0, 0))(same, EVERY)
    assert diverse.tolist() == pytest.approx([3 - 100] * 3, rel=1e-5)


def test_logits_are_units_as_well():
    logits = torch.tensor([[1.0, 5.0], [2.0, 7.0]])
    assert Objective("channel", (1, 0))(logits, EVERY).tolist() == [5, 2]


# ---------------------------------------------------------------------------- redirected ReLUs


@pytest.mark.parametrize(
    "rectify",
    [
        nn.ReLU(),
        nn.ReLU(inplace=True),
        functional.relu,
        torch.relu,
        torch.Tensor.relu_,
        functional.relu6,
    ],
    ids=("layer", "layer in place", "function", "torch.relu", "relu_", "relu6"),
)
def test_a_blocked_gradient_is_redirected_whoever_rectifies(rectify):
    values = torch.tensor([[-1.0, -2.0, -3.0]], requires_grad=True)
    with redirected():
        score = (rectify(values * 1) * torch.tensor([2.0, -1.0, 3.0])).sum()
    (slope,) = torch.autograd.grad(score, values)
    assert slope.tolist() == [[2, 0, 3]]  # only what pushes a value up


def test_what_is_alive_keeps_its_own_gradient():
    values = torch.tensor([[-1.0, 2.0], [-1.0, -2.0]], requires_grad=True)
    with redirected():
        score = functional.relu(values).sum()
    (slope,) = torch.autograd.grad(score, values)
    assert slope.tolist() == [[0, 1], [1, 1]]  # the second picture alone was blocked


# ------------------------------------------------------------------------------- the technique


class Red(nn.Module):
    """Channel 0 is the mean colour red, 1 is dead for every picture, 2 starts dead."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 3, 1)
        self.head = nn.Linear(3, 2)
        with torch.no_grad():
            self.conv.weight.zero_()
            self.conv.weight[0, 0] = 1
            self.conv.weight[2, -1] = 1
            self.conv.bias.copy_(torch.tensor([0.0, -1.0, -0.8]))
            self.head.weight.copy_(torch.tensor([[1.0, 0, 0], [-1.0, 0, 0]]))
            self.head.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(functional.relu(self.conv(x)).mean((2, 3)))


class Rectified(nn.Sequential):
    """The same with layers, so that the ReLU's output can be chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = Red().conv
        self.act = nn.ReLU(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flat = nn.Flatten()
        self.head = Red().head


QUICK = {
    "steps": 24,
    "rate": 0.5,
    "pad": 0,
    "jitter": 0,
    "jitter_after": 0,
    "rotate": 0,
    "zoom": 0.0,
}


def test_a_picture_grows_what_the_channel_wants(load):
    model = load(Red(), size=(16, 16), labels=("red", "not red"))
    grown = ActivationMaximization(layer="conv", channel=0, **QUICK)(model)

    assert isinstance(grown, Maximised)
    assert grown.wanted == ("channel 0",)
    assert grown.pictures.shape == (1, 16, 16, 3)
    assert grown.pictures[..., 0].mean() > 0.8
    assert grown.objectives.shape == (1, 24)
    assert grown.objectives[0, -1] > grown.objectives[0, 0] + 0.2
    assert grown.responses[0] == pytest.approx(grown.pictures[0, ..., 0].max(), abs=1e-5)
    assert grown.grown[0] == 0
    assert grown.grown[-1] == 24
    assert len(grown.growth) == len(grown.grown)


def test_the_same_seed_gives_the_same_and_another_something_else(load):
    model = load(Red(), size=(16, 16), labels=("red", "not red"))
    make = ActivationMaximization(layer="conv", channel=0, steps=6)
    one, again = make(model), make(model)
    other = ActivationMaximization(layer="conv", channel=0, steps=6, seed=1)(model)
    assert np.array_equal(one.pictures, again.pictures)
    assert not np.array_equal(one.pictures, other.pictures)


def test_a_picture_comes_out_the_same_alone_and_among_others(load):
    model = load(Red(), size=(16, 16), labels=("red", "not red"))
    both = ActivationMaximization(layer="conv", channel=0, count=3, **QUICK)(model)
    alone = ActivationMaximization(layer="conv", channel=2, **QUICK)(model)
    assert both.wanted == ("channel 0", "channel 1", "channel 2")
    assert np.allclose(both.pictures[2], alone.pictures[0], atol=1e-4)


def test_a_dead_start_wakes_and_a_dead_unit_says_so(load):
    model = load(Rectified(), size=(16, 16), labels=("red", "not red"))
    quick = QUICK | {"steps": 60}
    waking = ActivationMaximization(layer="act", channel=2, **quick)(model)
    assert waking.responses[0] > 0
    assert waking.objectives[0, 0] == 0  # it did not fire at the start

    dead = ActivationMaximization(layer="act", channel=1, **quick)(model)
    assert dead.responses[0] == 0
    assert any("channel 1" in note for note in dead.notes)


def test_grey_networks_get_grey_pictures():
    feeding = Preprocessing((16, 16), 16, mean=(0.0,), std=(1.0,), fit="squash")
    model = ready("grey", Red(channels=1), ("a", "b"), feeding, torch.device("cpu"), "none")
    grown = ActivationMaximization(layer="conv", channel=0, **QUICK)(model)
    assert np.array_equal(grown.pictures[..., 0], grown.pictures[..., 2])
    assert grown.pictures.mean() > 0.8


def test_a_class_is_shown_to_the_network_again(load):
    model = load(Red(), size=(16, 16), labels=("red", "not red"))
    grown = ActivationMaximization(objective="class", target="not red", **QUICK)(model)
    assert grown.layer == ""
    assert grown.wanted == ("not red",)
    assert grown.pictures[..., 0].mean() < 0.2
    answer = grown.answers[0]
    assert answer.labels == ("red", "not red")
    assert answer.logits[1] == pytest.approx(-grown.pictures[0, ..., 0].mean(), abs=1e-5)


def test_the_network_is_left_as_it_was(load):
    model = load(Red(), size=(16, 16), labels=("red", "not red"))  # its hooks are watched
    before = {name: item.clone() for name, item in model.module.state_dict().items()}
    with torch.no_grad():  # as a notebook may be
        ActivationMaximization(layer="conv", **QUICK)(model)
    assert not any(item.requires_grad for item in model.module.parameters())
    assert all(torch.equal(before[name], item) for name, item in model.module.state_dict().items())


def test_what_cannot_be_grown_is_refused_with_what_to_do(load):
    model = load(Red(), size=(16, 16), labels=("red", "not red"))
    with pytest.raises(ParameterError, match="3 channels: channel must be 0 to 2, not 7"):
        ActivationMaximization(layer="conv", channel=7)(model)
    with pytest.raises(ParameterError, match="Which class"):
        ActivationMaximization(objective="class")(model)
    with pytest.raises(LayerError):
        ActivationMaximization(layer="nowhere")(model)


# --------------------------------------------------------------------- what a run can be asked


class Asked(Run):
    """Does something after some steps, counted by the previews or checks of the work."""

    def __init__(self, at: int, deed) -> None:
        super().__init__()
        self.steps, self.at, self.deed = 0, at, deed

    def pause(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            self.deed(self)
        super().pause()


def test_cancel_ends_at_the_next_step_and_keeps_nothing(load):
    model = load(Red(), size=(16, 16), labels=("red", "not red"))
    run = Asked(5, Run.cancel)
    with pytest.raises(Cancelled):
        ActivationMaximization(layer="conv", **QUICK)(model, None, run)
    assert run.steps == 5


def test_finish_gives_the_best_so_far(load):
    model = load(Red(), size=(16, 16), labels=("red", "not red"))
    grown = ActivationMaximization(layer="conv", **QUICK)(model, None, Asked(8, Run.finish))
    assert grown.objectives.shape[1] == 8
    assert grown.steps == 24
    assert grown.grown[-1] == 8


def test_other_parameters_take_hold_on_the_way(load):
    model = load(Red(), size=(16, 16), labels=("red", "not red"))
    make = ActivationMaximization(layer="conv", **QUICK)
    still = ActivationMaximization(layer="conv", **(QUICK | {"rate": 0.0001}))
    grown = make(model, None, Asked(10, lambda run: run.adjust(still)))
    curve = grown.objectives[0]
    assert curve[8] > curve[0] + 0.05
    assert abs(curve[-1] - curve[12]) < abs(curve[8] - curve[0]) / 5


def test_held_work_waits_and_goes_on(load):
    model = load(Red(), size=(16, 16), labels=("red", "not red"))
    held = threading.Event()

    def hold(run: Run) -> None:
        run.hold()
        held.set()

    run = Asked(5, hold)
    done: list[Maximised] = []
    make = ActivationMaximization(layer="conv", **QUICK)
    work = threading.Thread(target=lambda: done.append(make(model, None, run)))
    work.start()
    assert held.wait(20)
    time.sleep(0.1)
    assert run.held
    assert run.steps == 5
    run.resume()
    work.join(20)
    assert done[0].objectives.shape[1] == 24
    assert np.array_equal(done[0].pictures, make(model).pictures)


def test_previews_show_it_growing(load):
    model = load(Red(), size=(16, 16), labels=("red", "not red"))
    seen: list[Maximised] = []
    run = Run(on_preview=seen.append)
    grown = ActivationMaximization(layer="conv", **(QUICK | {"steps": 400}))(model, None, run)
    assert seen
    lengths = [item.objectives.shape[1] for item in seen]
    assert lengths == sorted(lengths)
    assert all(item.steps == 400 for item in (*seen, grown))
