"""Pictures that grow: what comes of them, and what a run can be asked on its way."""

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
from cnnviz_desktop.engine.preprocessing import Preprocessing
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import ActivationMaximization, Gallery
from cnnviz_desktop.errors import Cancelled, LayerError, ParameterError


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


def test_a_broken_network_grows_grey_and_says_why(load, tmp_path, monkeypatch):
    monkeypatch.setenv("CNNVIZ_CACHE_DIR", str(tmp_path))
    model = load(Red())
    with torch.no_grad():
        next(model.module.parameters()).fill_(torch.nan)

    for technique in (ActivationMaximization(steps=2), Gallery(steps=2, count=1)):
        found = technique(model)
        assert np.abs(found.pictures - 0.5).max() < 0.003
        (note,) = found.notes
        assert "gives no number for channel 0" in note and "Statistics tells which" in note
    assert Gallery(steps=2, count=1)(model).notes == found.notes


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
