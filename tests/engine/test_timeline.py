"""A channel through a training: which checkpoints there are, what is measured at each."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import Plain
from torch import nn

from cnnviz_desktop import cli
from cnnviz_desktop.engine.images import load_image
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import FeatureMaps, GradCam, Timeline
from cnnviz_desktop.engine.timeline import Rewound, checkpoints, spread
from cnnviz_desktop.errors import ModelError, ParameterError
from cnnviz_desktop.resources import resource

FEW = {"steps": 2, "pictures": 0}


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"x")


@pytest.fixture
def trained(load, tmp_path):
    """A network and three checkpoints of it, whose first kernel grows by 3 and then by 4."""
    model = load(Plain())
    for number, share in enumerate((0.0, 3.0, 7.0)):
        state = {key: value.clone() for key, value in model.module.state_dict().items()}
        state["conv1.weight"][0, 0, 0, 0] += share
        torch.save({"model_state_dict": state, "epoch": number}, tmp_path / f"epoch{number}.pth")
    return model, tmp_path


@pytest.mark.parametrize(
    ("names", "order", "unit"),
    [
        (("step-10.pth", "step-9.pth"), [9, 10], "step"),
        (("epoch=1-step=500.ckpt", "epoch=0-step=250.ckpt"), [250, 500], "step"),
        (("net_epoch_2_acc0.91.pt", "net_epoch_1_acc0.95.pt"), [1, 2], "epoch"),
        (("resnet18_3.pth", "resnet18_20.pth"), [3, 20], "step"),
    ],
)
def test_the_order_is_that_of_the_steps_in_the_names(tmp_path, names, order, unit) -> None:
    write(tmp_path, *names, "notes.txt", ".hidden.pth")

    found, counted = checkpoints(tmp_path)

    assert [item.step for item in found] == order
    assert counted == unit


def test_without_numbers_the_time_decides(tmp_path) -> None:
    write(tmp_path, "best.pth", "a.pth")
    os.utime(tmp_path / "best.pth", (1, 1))
    os.utime(tmp_path / "a.pth", (2, 2))

    found, unit = checkpoints(tmp_path)

    assert [item.name for item in found] == ["best", "a"]
    assert unit == "file"


def test_a_folder_without_checkpoints_says_what_to_choose(tmp_path) -> None:
    with pytest.raises(ParameterError, match=r"no checkpoints in .* as a training writes them"):
        checkpoints(tmp_path)
    with pytest.raises(ParameterError, match="cannot be read"):
        checkpoints(tmp_path / "gone")


def test_few_of_many_are_spread_evenly(tmp_path) -> None:
    write(tmp_path, *(f"step-{number}.pth" for number in range(11)))
    every, _unit = checkpoints(tmp_path)

    assert [item.step for item in spread(every, 3)] == [0, 5, 10]
    assert [item.step for item in spread(every, 1)] == [10]
    assert spread(every, 11) == every


def test_drift_is_the_distance_of_the_weights(trained, noise) -> None:
    model, folder = trained

    line = Timeline(checkpoints=str(folder), layer="conv1", show=("map",), **FEW)(model, noise())

    assert line.unit == "epoch"
    assert line.steps == (0, 1, 2)
    place = line.layers.index("conv1")
    assert line.drift[:, place].tolist() == pytest.approx([0, 3, 7], rel=1e-5)
    assert line.moved[:, place].tolist() == pytest.approx([0, 3, 4], rel=1e-5)
    others = [n for n in range(len(line.layers)) if n != place]
    assert np.abs(line.drift[:, others]).max() == 0
    assert line.kernels is None
    assert line.heat is None
    assert line.wanted is None
    assert line.notes == ()


def test_each_checkpoint_gives_what_the_network_gives_with_its_weights(trained, noise) -> None:
    model, folder = trained
    before, picture = model.fingerprint, noise()
    kept = {key: value.clone() for key, value in model.module.state_dict().items()}

    line = Timeline(checkpoints=str(folder), layer="conv1", channel=1, **FEW)(model, picture)

    copied = Rewound(model)
    files, _unit = checkpoints(folder)
    for place, item in enumerate(files):
        there = copied.at(item)
        maps = FeatureMaps(layer="conv1")(there, picture).values[1]
        np.testing.assert_array_equal(line.maps[place], maps)
        heat = GradCam(layer="conv1", target=line.target)(there, picture).values
        np.testing.assert_array_equal(line.heat[place], heat)
        weight = there.module.get_submodule("conv1").weight[1].numpy()
        np.testing.assert_array_equal(line.kernels[place], weight)
    assert line.wanted.shape[0] == 3
    np.testing.assert_allclose(line.answers.sum(axis=1), 1, rtol=1e-5)
    # The session's network is as it was, to the same memory.
    assert model.fingerprint == before
    for key, value in model.module.state_dict().items():
        assert torch.equal(value, kept[key]), key


def test_a_callers_gradient_mode_changes_nothing(trained, noise) -> None:
    model, folder = trained
    make = Timeline(checkpoints=str(folder), layer="conv1", show=("cam", "maximised"), **FEW)
    wanted = make(model, noise())
    with torch.inference_mode():
        found = make(model, noise())
    np.testing.assert_array_equal(found.heat, wanted.heat)
    np.testing.assert_array_equal(found.wanted, wanted.wanted)


def test_dead_filters_are_counted_layer_by_layer(load, noise, tmp_path) -> None:
    model = load(Plain())
    for number in range(2):
        state = {key: value.clone() for key, value in model.module.state_dict().items()}
        if number:
            state["conv1.weight"][:1] = 0
            state["conv1.bias"][:1] = -1
        torch.save(state, tmp_path / f"step{number}.pt")

    line = Timeline(checkpoints=str(tmp_path), layer="conv1", show=(), **FEW)(model, noise())

    place = line.layers.index("conv1")
    channels = model.layers.find("conv1").output_shape[0]
    grown = line.dead[1, place] - line.dead[0, place]
    assert grown == pytest.approx(1 / channels, abs=1e-6)


def test_what_does_not_fit_is_left_out_with_a_sentence(trained, noise) -> None:
    model, folder = trained
    torch.save(nn.Linear(2, 3).state_dict(), folder / "epoch3.pth")
    (folder / "epoch4.pth").write_bytes(b"PK\x03\x04 cut off")

    line = Timeline(checkpoints=str(folder), layer="conv1", show=(), **FEW)(model, noise())

    assert line.steps == (0, 1, 2)
    (note,) = line.notes
    assert note.startswith("2 files were left out. epoch3.pth does not fit")


def test_a_folder_of_another_network_is_refused(load, noise, tmp_path) -> None:
    torch.save(nn.Linear(2, 3).state_dict(), tmp_path / "step1.pth")

    with pytest.raises(ModelError, match="This checkpoint holds no weights of"):
        Timeline(checkpoints=str(tmp_path), **FEW)(load(Plain()), noise())


def test_a_run_that_is_ended_gives_what_there_is(trained, noise) -> None:
    model, folder = trained
    shown = []
    run = Run(on_preview=lambda line: (shown.append(len(line.names)), run.finish()))

    line = Timeline(checkpoints=str(folder), layer="conv1", show=(), **FEW)(model, noise(), run)

    assert shown == [1]
    assert line.steps == (0,)


def test_the_kernel_of_a_layer_without_one_is_that_before_it(load, noise) -> None:
    model = load(Plain())
    relu = next(n.name for n in model.layers.walk() if n.kind == "ReLU" and n.has_maps)

    line = Timeline(layer=relu, show=("kernel",), **FEW)(model, noise())

    assert line.kernel_layer.startswith("conv")
    assert line.layer == relu


def test_the_bundled_network_has_its_own_training(tmp_path) -> None:
    model, picture = load_model("bundled"), load_image(resource("samples/striped-star.png"))

    line = Timeline(show=("map", "cam"), pictures=3)(model, picture)

    assert line.steps == (0, 125, 333, 1000)
    assert line.target_label == "striped star"
    shares = line.answers[:, line.target]
    assert shares[0] < 0.3
    assert shares[-1] > 0.9
    assert (np.diff(line.drift, axis=0) > 0).all()
    out = tmp_path / "line.gif"
    words = ["timeline", "bundled", str(resource("samples/striped-star.png")), "--out", str(out)]
    assert cli.main([*words, "--show", "map,kernel", "--pictures", "0"]) == 0
    from PIL import Image

    with Image.open(out) as film:
        assert film.n_frames == 4
    assert out.with_name("line.gif.json").exists()
