"""The command line opens models of one's own, and what is copied from them runs as pasted."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import Plain
from PIL import Image
from torch import nn

import cnnviz_desktop
from cnnviz_desktop import cli
from cnnviz_desktop.data import InputSpec
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.recipe import as_command, as_python
from cnnviz_desktop.engine.techniques import FeatureMaps, GradCam

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3), nn.ReLU()
        )
        self.fc = nn.Linear(8 * 11 * 11, 3)

    def forward(self, x):
        return self.fc(self.features(x).view(len(x), -1))

def make_model():
    return Net()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a network, its weights, a picture and class names, and settings of its own."""
    monkeypatch.setenv("CNNVIZ_CONFIG_DIR", str(tmp_path / "settings"))
    folder = tmp_path / "it's mine"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "net.py").write_text(NET)
    names: dict[str, Any] = {}
    exec(NET, names)
    torch.manual_seed(3)
    torch.save({"state_dict": names["make_model"]().state_dict()}, "w.pth")
    (folder / "classes.txt").write_text("cat\ndog\nowl\n")
    numbers = np.random.default_rng(1)
    Image.fromarray(numbers.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save("img.png")
    return folder


def run(line: str) -> int:
    return cli.main(shlex.split(line))


def test_a_factory_with_weights_explains_a_picture(place, capsys):
    line = "grad-cam net.py:make_model img.png --weights w.pth --out x.png"
    assert run(line) == 2
    said = capsys.readouterr().err
    assert "net.py runs code of its own when it is opened: all of net.py, make_model()." in said
    assert "--trust" in said
    assert not (place / "x.png").exists()

    assert run(f"{line} --trust") == 0
    (place / "x.png").unlink()
    assert run(line) == 0  # remembered
    assert (place / "x.png").stat().st_size


def test_a_factory_without_weights_is_said_to_be_random(capsys):
    for name in ("net.py:make_model", "net.py"):
        assert run(f"layers {name} --trust") == 0
        assert "Note: Weights as net.py makes them" in capsys.readouterr().err


def test_the_factory_may_be_an_option_beside_the_weights(capsys):
    assert run("layers w.pth --factory net.py:make_model --trust") == 0
    one, notes = capsys.readouterr()
    assert "since there is no --weights" not in notes
    assert run("layers net.py:make_model --weights w.pth") == 0
    assert capsys.readouterr().out == one
    assert "features.0" in one.replace("  ", "") or "Conv2d" in one
    assert run("layers w.pth --factory net.py --weights w.pth") == 2
    assert "With --factory MODEL is the file with the weights" in capsys.readouterr().err
    assert run("layers w.pth --factory net.py") == 0


def test_the_input_and_class_names_are_as_they_are_said(capsys):
    line = "predict net.py:make_model img.png --weights w.pth --trust --size 28 --mean 0.1307"
    assert run(f"{line} --std 0.3081 --labels classes.txt --json") == 0
    out = capsys.readouterr().out
    assert '"owl"' in out
    assert '"class 0"' not in out


def test_layers_of_files_are_listed(capsys):
    module = Plain(inplace=False).eval()
    torch.export.save(torch.export.export(module, (torch.zeros(1, 3, 8, 8),)), "net.pt2")
    torch.save(module, "whole.bin")
    for file in ("net.pt2", "whole.bin"):
        assert run(f"layers {file}") == 2
        assert "--trust" in capsys.readouterr().err
        assert run(f"layers {file} --trust") == 0
        out = capsys.readouterr().out
        assert out.startswith(file)
        assert "conv2" in out
        assert "Conv2d" in out


def test_other_files_are_one_sentence_and_the_status_two(capsys):
    for name, words in (
        ("img.png", "img.png is a picture"),
        ("nowhere.pth", "There is no file nowhere.pth"),
        (".", "is a folder"),
        ("classes.txt", "classes.txt is a text"),
        ("net.py:nothing", "net.py has no “nothing”"),
    ):
        assert run(f"layers {shlex.quote(name)}") == 2
        said = capsys.readouterr().err.strip()
        assert words in said
        assert "\n" not in said


def test_weights_alone_of_no_known_network_point_to_the_factory(capsys):
    assert run("layers w.pth") == 2
    said = capsys.readouterr().err
    assert "w.pth holds weights alone (6 tensors), and no known network has such ones" in said
    assert "--factory FILE.py:FUNCTION" in said


def test_weights_alone_of_a_known_network_are_recognised(capsys):
    import torchvision

    torch.save(torchvision.models.squeezenet1_1(num_classes=5).state_dict(), "own.pth")
    model = load_model("own.pth")
    assert (model.name, model.weights) == ("squeezenet1_1", "own.pth")
    assert len(model.labels) == 5
    assert "Architecture guessed" in [item.title for item in model.findings]
    assert run("layers own.pth") == 0
    assert "do not say" not in capsys.readouterr().err


# ------------------------------------------------------------------------------------------ copied

SPEC = InputSpec((28, 28), (0.1307,), (0.3081,), Path("classes.txt"))


@pytest.mark.parametrize("model", ["net.py:make_model", "net.py"])
@pytest.mark.parametrize("technique", [GradCam(target="owl"), FeatureMaps(), None])
def test_what_is_copied_runs_from_another_folder(
    place, tmp_path, monkeypatch, model, technique, capsys
):
    wanted = load_model(model, "w.pth", spec=SPEC, trust=True)
    image = cnnviz_desktop.load_image(place / "img.png")
    made = technique or cnnviz_desktop.inspect
    result = made(wanted, image)
    weights = str(place / "w.pth")
    line = as_command(technique, model, weights, image.path, str(tmp_path / "a.npz"), spec=SPEC)
    text = as_python(technique, model, weights, image.path, spec=SPEC)
    assert "trust" not in line + text

    monkeypatch.chdir(tmp_path)
    assert run(line.removeprefix("cnnviz ")) == 0
    with np.load(tmp_path / "a.npz") as data:
        key = "logits" if technique is None else "values"
        np.testing.assert_array_equal(data[key], getattr(result, key))
    names: dict[str, Any] = {}
    exec(compile(text, "notebook", "exec"), names)
    assert names["model"].spec == SPEC_AT(place)
    key = "logits" if technique is None else "values"
    np.testing.assert_array_equal(getattr(names["result"], key), getattr(result, key))


def SPEC_AT(place: Path) -> InputSpec:
    return InputSpec(SPEC.size, SPEC.mean, SPEC.std, place / "classes.txt")


def test_models_by_name_are_copied_as_before():
    assert as_command(FeatureMaps(), "timm:resnet18").startswith("cnnviz feature-maps timm:res")
    assert "load_model('nowhere.pth')" in as_python(FeatureMaps(), "nowhere.pth")


def test_a_copied_call_of_a_whole_network_runs_in_a_fresh_python(place):
    torch.save(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 2)), "whole.pth")
    model = load_model("whole.pth", trust=True)
    text = as_python(FeatureMaps(layer="0"), model.name, "", place / "img.png")
    done = subprocess.run(
        [sys.executable, "-c", text + "print(result.values.shape)"],
        cwd=place.parent,
        capture_output=True,
        text=True,
        check=False,
        env={**__import__("os").environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])},
    )
    assert done.stdout.strip() == "(4, 6, 6)", done.stderr
