"""Size and channels are found by a network's layers; what a person says goes first and is kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import Cifar, Containers, Ending, LeNet, Mnist, Plain
from numbered_pictures import numbered_folder
from torch import Tensor, nn

from cnnviz_desktop.data import InputSpec
from cnnviz_desktop.engine import remembered_inputs
from cnnviz_desktop.engine.input_size import probe
from cnnviz_desktop.engine.inputs import GUESSED, Settled, remember, settle, usual
from cnnviz_desktop.engine.inspection import inspect
from cnnviz_desktop.engine.loaded_model import LoadedModel, ready
from cnnviz_desktop.engine.preprocessing import Preprocessing
from cnnviz_desktop.engine.technique import LayerKind
from cnnviz_desktop.engine.techniques import TECHNIQUES, Evaluate
from cnnviz_desktop.errors import CnnvizError, ExportError, LayerError, ModelError, ParameterError

IMAGENET = Preprocessing((224, 224), 256)


@pytest.fixture(autouse=True)
def settings_folder(tmp_path, monkeypatch) -> Path:
    """Keep what is remembered apart from this machine's."""
    folder = tmp_path / "settings"
    monkeypatch.setenv("CNNVIZ_CONFIG_DIR", str(folder))
    return folder


def opened(module: nn.Module, spec: InputSpec | None = None) -> LoadedModel:
    settled = settle(module, InputSpec() if spec is None else spec)
    return ready(
        "own",
        module,
        settled.labels,
        settled.preprocessing,
        torch.device("cpu"),
        None,
        findings=settled.findings,
        spec=settled.spec,
    )


def shape(settled: Settled) -> tuple[int, ...]:
    return settled.preprocessing.channels, *settled.preprocessing.size


def titles(settled: Settled) -> list[str]:
    return [item.title for item in settled.findings]


# ------------------------------------------------------------------------------------- the guess


def flat(features: int) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(features, 5))


def convolved(side: int, kernel: int, stride: int, padding: int, pool: int = 1) -> nn.Sequential:
    """Make a convolution and a linear layer that fits its maps of side x side."""
    convolution = nn.Conv2d(3, 2, kernel, stride, padding)
    return nn.Sequential(convolution, nn.MaxPool2d(pool), nn.Flatten(), nn.Linear(2 * side**2, 5))


class Rows(nn.Module):
    """Lays maps out by `view(-1, n)`, which makes several rows of a larger picture."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 5)  # 28 -> 24
        self.fc = nn.Linear(2 * 12 * 12, 10)

    def forward(self, x: Tensor) -> Tensor:
        maps = nn.functional.max_pool2d(self.conv(x), 2).relu()
        return self.fc(maps.view(-1, 2 * 12 * 12))


class Particular(nn.Module):
    """Takes 96x96 alone and says so in its own words."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-1] == 96, "wrong picture"
        return self.conv(x).mean((2, 3))


class Strided(nn.Sequential):
    """Takes any size and makes maps 16 times smaller."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 2, 4, 4), nn.Conv2d(2, 4, 4, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )


@pytest.mark.parametrize(
    ("module", "wanted"),
    [
        (Mnist(), (1, 28, 28)),
        (LeNet(), (3, 32, 32)),
        (Rows(), (1, 28, 28)),
        (Cifar(), (3, 32, 32)),  # any size, and its maps stay large
        (Plain(), (3, 32, 32)),
        (Strided(), (3, 224, 224)),  # any size, and its maps do not
        (Particular(), (3, 96, 96)),
        (flat(784), (1, 28, 28)),
        (flat(3072), (3, 32, 32)),
        (flat(64 * 64), (1, 64, 64)),
        (convolved(55, 11, 4, 0), (3, 227, 227)),  # 227 to 230 fit
        (convolved(55, 11, 4, 2), (3, 224, 224)),  # 223 to 226 fit
        (convolved(12, 3, 2, 1, 2), (3, 48, 48)),  # 47 to 50
        (convolved(110, 3, 2, 1, 2), (3, 440, 440)),  # 439 to 442: none is usual, 440 is rounder
        (convolved(256, 3, 1, 1), (3, 256, 256)),
        (convolved(4, 4, 1, 0), (3, 7, 7)),
        (nn.Sequential(nn.Conv2d(1, 3, 3), nn.AdaptiveAvgPool2d(1)), (1, 28, 28)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_channels_and_size_are_found(module, wanted):
    module.train()

    settled = settle(module)

    assert shape(settled) == wanted
    assert not any(child.training for child in module.modules())
    (found,) = settled.findings
    assert (found.severity, found.title) == ("info", GUESSED)
    assert f"{wanted[1]}×{wanted[2]} {'grey' if wanted[0] == 1 else 'RGB'}" in found.detail
    assert "--size, --mean and --std" in found.detail


def test_small_and_grey_pictures_are_centred_whole_and_large_ones_go_in_as_imagenets():
    assert usual(1, (28, 28)) == Preprocessing((28, 28), 28, (0.5,), (0.5,))
    assert usual(3, (32, 32)) == Preprocessing((32, 32), 32, (0.5,) * 3, (0.5,) * 3)
    assert usual(3, (64, 64)) == Preprocessing((64, 64), 64)
    assert usual(3, (224, 224)) == IMAGENET
    assert usual(1, (224, 224)) == Preprocessing((224, 224), 256, (0.5,), (0.5,))
    assert usual(3, (40, 20)).resize == 20


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Conv2d(2, 3, 1), "takes 2 channels: a picture has 1 (grey) or 3 (RGB)"),
        (nn.Sequential(nn.Conv2d(12, 3, 1)), "takes 12 channels: a picture has 1 (grey) or 3"),
        (nn.Sequential(nn.LazyConv2d(3, 3), nn.ReLU()), "has lazy layers"),
        (nn.Conv3d(1, 2, 1), "begins with Conv3d: it does not take pictures"),
        (nn.Conv1d(1, 2, 1), "begins with Conv1d: it does not take pictures"),
        (nn.Linear(784, 10), "let its forward begin with x.flatten(1)"),
        (flat(13), "takes 13 numbers, which are no square picture"),
        (
            nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(12345, 5)),
            "pictures of no usual size: for 224×224 it says “a linear layer takes 12345 numbers",
        ),
    ],
)
def test_what_takes_no_pictures_says_so(module, words):
    with pytest.raises(ModelError) as caught:
        settle(module)
    assert words in str(caught.value)


def test_a_first_layer_that_is_not_the_first_written_is_no_matter():
    class Turned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Conv2d(6, 4, 1)
            self.first = nn.Conv2d(1, 6, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.first(x)).mean((2, 3))

    assert shape(settle(Turned())) == (1, 28, 28)


def test_a_network_of_one_size_that_is_not_square_needs_a_word():
    module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(2 * 20 * 41, 5))

    with pytest.raises(ModelError, match="--size HEIGHTxWIDTH"):
        settle(module)
    assert shape(settle(module, InputSpec(size=(20, 41)))) == (3, 20, 41)


def test_a_probe_leaves_the_network_as_it_is():
    module = Mnist().eval()
    before = {key: value.clone() for key, value in module.state_dict().items()}

    assert not probe(module, 1, (30, 40)).fits
    assert probe(module, 1, (28, 28)).fits and probe(module, 1, (28, 28)).classes == 10

    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    assert not any(child._forward_hooks or child._forward_pre_hooks for child in module.modules())


def test_what_a_file_states_of_its_input_is_not_searched_for():
    class Silent(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise AssertionError("nobody asked")

    settled = settle(Silent(), shape=(1, 40, 30))

    assert shape(settled) == (1, 40, 30)
    assert "mean 0.5" in settled.findings[0].detail and "--size" not in settled.findings[0].detail
    with pytest.raises(ModelError, match="takes 2 channels"):
        settle(Silent(), shape=(2, 8, 8))


# ---------------------------------------------------------------------------- what a person says


def test_what_is_said_goes_before_what_is_published():
    said = InputSpec(size=(64, 64), mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))

    settled = settle(Plain(), said, published=IMAGENET, labels=("a", "b", "c"))

    assert settled.preprocessing == Preprocessing((64, 64), 73, said.mean, said.std)
    assert settled.findings == ()
    assert settled.spec == said
    assert settle(Plain(), published=IMAGENET).preprocessing == IMAGENET
    only = settle(Plain(), InputSpec(std=(1, 1, 1)), published=IMAGENET).preprocessing
    assert only == Preprocessing((224, 224), 256, IMAGENET.mean, (1, 1, 1))


def test_what_is_said_of_an_own_network_is_not_guessed():
    said = InputSpec(mean=(0.1307,), std=(0.3081,))

    settled = settle(Mnist(), said)

    assert settled.preprocessing == Preprocessing((28, 28), 28, (0.1307,), (0.3081,))
    assert (
        "28×28 grey is a guess. Change it in the window (Tools, Input and"
        in settled.findings[0].detail
    )
    assert settle(Mnist(), InputSpec((28, 28), (0.1,), (0.2,))).findings == ()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (InputSpec(size=(30, 40)), ("does not take pictures of 30×40", "28×28 fits.")),
        (InputSpec(size=(3, 3)), ("does not take pictures of 3×3", "28×28 fits.")),
        (InputSpec(size=(0, 28)), ("0×28", "sides are 1 to 4096")),
        (InputSpec(size=(100000, 100000)), ("sides are 1 to 4096",)),
        (InputSpec(mean=(0.1, 0.2, 0.3)), ("grey pictures: --mean needs one", "not 0.1, 0.2, 0.3")),
        (InputSpec(std=(0.1, 0.2, 0.3)), ("grey pictures: --std needs one",)),
        (InputSpec(mean=(0.1, 0.2)), ("one number for grey or three for RGB",)),
        (InputSpec(mean=(float("nan"),)), ("one number for grey or three for RGB",)),
        (InputSpec(mean=(33.3,)), ("values from 0 to 1", "by 255")),
        (InputSpec(std=(0.0,)), ("must be more than 0",)),
        (InputSpec(std=(-1.0,)), ("must be more than 0",)),
        (InputSpec(std=(78.6,)), ("by 255",)),
        (InputSpec(labels=Path("no such file")), ("There is no file of class names",)),
    ],
)
def test_what_cannot_be_says_what_fits(spec, words):
    with pytest.raises((ParameterError, ModelError)) as caught:
        settle(Mnist(), spec)
    for word in words:
        assert word in str(caught.value)


def test_one_mean_for_a_published_network_of_rgb_is_refused():
    with pytest.raises(ParameterError, match="RGB pictures: --mean needs three, such as 0"):
        settle(Plain(), InputSpec(mean=(0.5,)), published=IMAGENET)


def test_a_published_network_of_one_size_names_it():
    module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(2 * 40 * 40, 5))

    with pytest.raises(ModelError, match="40×40 fits"):
        settle(module, InputSpec(size=(41, 41)), published=Preprocessing((40, 40), 40))


def test_labels_are_read_and_fitted(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("\n".join(f"digit {index}" for index in range(9)))

    settled = settle(Mnist(), InputSpec(labels=path))

    assert settled.labels == (*(f"digit {index}" for index in range(9)), "class 9")
    (found,) = (item for item in settled.findings if item.title == "Labels do not fit")
    assert found.severity == "warning"
    assert "9 class names" in found.detail and "10 scores" in found.detail
    path.write_text("\n".join(f"digit {index}" for index in range(12)))
    settled = settle(
        Mnist(), InputSpec(labels=path), published=usual(1, (28, 28)), labels=("",) * 10
    )
    assert settled.labels == tuple(f"digit {index}" for index in range(10))


# ---------------------------------------------------------------------------------- remembered


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "digits.pth"
    path.write_bytes(b"weights" * 1000)
    return path


def test_what_was_said_of_a_file_holds_wherever_it_lies(file, tmp_path):
    remember(file, InputSpec(mean=(0.1307,), std=(0.3081,)))
    moved = file.rename(tmp_path / "moved.pth")

    settled = settle(Mnist(), remembered_for=moved)

    assert settled.preprocessing == Preprocessing((28, 28), 28, (0.1307,), (0.3081,))
    assert titles(settled) == ["Input as you set it", GUESSED]
    assert "moved.pth before holds: mean 0.1307, std 0.3081" in settled.findings[0].detail
    assert settled.spec == InputSpec(mean=(0.1307,), std=(0.3081,))


def test_what_is_said_now_goes_before_what_was_said(file):
    remember(file, InputSpec(size=(28, 28), mean=(0.1,), std=(0.2,)))

    settled = settle(Mnist(), InputSpec(mean=(0.7,)), file)

    assert settled.preprocessing == Preprocessing((28, 28), 28, (0.7,), (0.2,))
    whole = InputSpec((28, 28), (0.3,), (0.4,))
    assert titles(settle(Mnist(), whole, file)) == []
    # What was said of grey pictures is not mixed with what is said of RGB.
    settled = settle(LeNet(), InputSpec(mean=(0.7, 0.6, 0.5), size=(32, 32)), file)
    assert settled.preprocessing.std == (0.5, 0.5, 0.5)


def test_another_content_is_another_model(file):
    remember(file, InputSpec(mean=(0.1,)))
    content = file.read_bytes()

    file.write_bytes(b"Weights" + content[7:])
    assert settle(Mnist(), remembered_for=file).spec == InputSpec()
    file.write_bytes(content)
    os.utime(file, ns=(1, 1))
    assert settle(Mnist(), remembered_for=file).spec == InputSpec(mean=(0.1,))


def test_saying_nothing_forgets(file):
    remember(file, InputSpec(mean=(0.1,)))
    remember(file, InputSpec())

    assert settle(Mnist(), remembered_for=file).spec == InputSpec()
    assert json.loads(remembered_inputs.models_path().read_bytes())["models"] == {}


def test_a_file_is_read_through_once_and_only_where_its_length_is_known(
    file, tmp_path, monkeypatch
):
    read = []
    digest = remembered_inputs.hashlib.file_digest

    def counted(stream: Any, name: str) -> Any:
        read.append(Path(stream.name).name)
        return digest(stream, name)

    monkeypatch.setattr(remembered_inputs.hashlib, "file_digest", counted)
    other = tmp_path / "other.pth"
    other.write_bytes(b"0" * 6999)
    remember(file, InputSpec(mean=(0.1,)))
    for _ in range(3):
        settle(Mnist(), remembered_for=file)
        settle(Mnist(), remembered_for=other)

    assert read == ["digits.pth"]
    os.utime(file, ns=(5, 5))
    settle(Mnist(), remembered_for=file)
    settle(Mnist(), remembered_for=file)
    assert read == ["digits.pth"] * 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1, 2]",
        b"\xff\x00",
        b'{"models": 3, "files": []}',
        b'{"models": {"a": 3}, "files": {"b": [1]}}',
        b"[" * 100000,
    ],
)
def test_a_damaged_memory_is_an_empty_one(file, settings_folder, content):
    settings_folder.mkdir()
    (settings_folder / "models.json").write_bytes(content)

    assert settle(Mnist(), remembered_for=file).spec == InputSpec()
    remember(file, InputSpec(mean=(0.1,)))
    assert settle(Mnist(), remembered_for=file).spec == InputSpec(mean=(0.1,))


@pytest.mark.parametrize(
    "entry",
    [
        {"size": [28], "mean": "0.1", "std": [None], "labels": 3},
        {"size": [-1, 28], "mean": [0.1, 0.2], "std": [True, "a", 1]},
        {"size": "28"},
    ],
)
def test_damaged_entries_are_left_out(file, entry):
    remember(file, InputSpec(mean=(0.1,)))
    path = remembered_inputs.models_path()
    values = json.loads(path.read_bytes())
    for kept in values["models"].values():
        del kept["mean"]
        kept.update(entry)
    path.write_text(json.dumps(values))

    assert settle(Mnist(), remembered_for=file).spec == InputSpec()


def test_what_was_said_and_does_not_fit_is_told_and_left_out(file):
    remember(file, InputSpec(size=(30, 30)))
    settled = settle(LeNet(), remembered_for=file)
    assert shape(settled) == (3, 32, 32)
    assert settled.findings[0].title == "What you set does not fit"
    assert settled.findings[0].severity == "warning"
    assert "32×32 fits" in settled.findings[0].detail


def test_labels_that_are_gone_cost_only_themselves(file, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("\n".join("abcdefghij"))
    remember(file, InputSpec(mean=(0.1,), labels=names))
    assert settle(Mnist(), remembered_for=file).labels == tuple("abcdefghij")

    names.unlink()

    settled = settle(Mnist(), remembered_for=file)
    assert settled.spec == InputSpec(mean=(0.1,))
    assert settled.labels == ()
    assert titles(settled)[0] == "Class names missing"


def test_a_memory_that_cannot_be_kept_is_one_sentence(file, settings_folder):
    settings_folder.write_text("a file where the folder belongs")

    with pytest.raises(ExportError, match="What you said of digits"):
        remember(file, InputSpec(mean=(0.1,)))
    assert settle(Mnist(), remembered_for=file).spec == InputSpec()
    assert settle(Mnist(), remembered_for=file.with_name("none")).spec == InputSpec()


# ------------------------------------------------------------------------------------- contract


@pytest.mark.parametrize("kind", TECHNIQUES, ids=lambda kind: kind.command)
@pytest.mark.parametrize("fit", ["crop", "squash", "pad"])
@pytest.mark.parametrize("network", [Mnist, Cifar, Rows, lambda: Containers("tuple")])
def test_every_technique_works_on_small_pictures_of_both_kinds(watch, noise, kind, fit, network):
    model = opened(network()).with_fit(fit)
    watch(model.module)
    side = model.preprocessing.size[0]
    layers = [node.name for node in model.layers.walk() if node.name and node.has_maps]
    names = [item.name for item in kind.parameters() if isinstance(item.kind, LayerKind)]

    known = {item.name for item in kind.parameters()} if kind.tab == "Maximise" else set()
    few = {name: value for name, value in (("steps", 2), ("octaves", 1)) if name in known}
    if kind is Evaluate:  # no one knows the classes of the usual pictures
        few = {"folder": str(numbered_folder())}
    ran = 0
    at = ({}, *(dict.fromkeys(names, layer) for layer in layers))
    for technique in (kind(**few, **where) for where in at):
        try:
            result = technique(model, noise(side + 9, side))
        except LayerError:
            continue
        ran += 1
        for name, values in vars(result).items():
            said = name != "threshold"  # which is NaN where no pictures were given
            if said and isinstance(values, np.ndarray) and values.dtype == np.float32:
                assert np.isfinite(values).all()
    assert ran


def test_a_grey_network_predicts_and_says_what_it_is(noise):
    model = opened(Mnist())

    found = inspect(model, noise(28, 28))

    assert found.probabilities.shape == (10,)
    assert found.probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert found.labels == tuple(f"class {index}" for index in range(10))
    assert model.summary == "1.7 k parameters · 28×28 grey · 10 classes"
    assert model.layers.find("conv1").output_shape == (4, 24, 24)


def test_a_sentence_comes_of_every_network_that_cannot_run():
    with pytest.raises(CnnvizError, match="fails at a picture of 3×8×8"):
        ready(
            "own",
            Ending(lambda x: x @ torch.zeros(99, 2)),
            (),
            Preprocessing((8, 8), 8),
            torch.device("cpu"),
            None,
        )
