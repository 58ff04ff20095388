"""Networks load by name and weights by file, or one sentence says why not and what to do."""

from __future__ import annotations

import builtins
import os
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import Plain
from safetensors.torch import save_file
from torch import nn

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine import torchvision_models
from cnnviz_desktop.engine.catalogue import catalogue, model_names
from cnnviz_desktop.engine.inspection import inspect
from cnnviz_desktop.engine.models import find_device, load_model
from cnnviz_desktop.engine.recording import hooked
from cnnviz_desktop.engine.run import Run
from cnnviz_desktop.engine.techniques import Saliency
from cnnviz_desktop.engine.weights import load_state, read_state, undrawn
from cnnviz_desktop.errors import (
    Cancelled,
    CnnvizError,
    LayerError,
    ModelError,
    ParameterError,
    TargetError,
    TrustError,
)


def says(error: type[CnnvizError], *words: str):
    """Expect an error whose text is one or two plain sentences holding all the words."""
    pattern = "(?s)" + ".*".join(re.escape(word) for word in words)
    return pytest.raises(error, match=pattern)


@pytest.fixture(scope="module")
def small_state() -> dict[str, torch.Tensor]:
    """The state dict of the smallest network torchvision has, every tensor its own."""
    import torchvision

    torch.manual_seed(0)
    return torchvision.models.squeezenet1_1(weights=None).state_dict()


@pytest.fixture
def small_file(small_state, tmp_path: Path) -> Path:
    path = tmp_path / "small.pth"
    torch.save(small_state, path)
    return path


# --------------------------------------------------------------------------------------- names


def test_the_bundled_model_comes_first_and_torchvisions_classifiers_follow():
    names = model_names()

    assert names[0] == "bundled"
    for name in ("vgg16", "vgg19", "resnet50", "inception_v3"):
        assert name in names
    assert not any("rcnn" in name or "deeplab" in name for name in names)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet5", "Did you mean resnet50"),
        ("VGG16", "Did you mean vgg16"),
        ("inceptionv3", "inception_v3"),
        ("bundle", "Did you mean bundled"),
        ("", "“cnnviz models” lists them all"),
        ("zzzzzzzz", "There is no model “zzzzzzzz”. “cnnviz models”"),
        ("fasterrcnn_resnet50_fpn", "There is no model"),
    ],
)
def test_an_unknown_name_is_answered_with_what_was_meant(name, hint):
    with says(ModelError, hint):
        load_model(name, weights="none")


def test_the_catalogue_builds_nothing(bundled_weights, monkeypatch):
    def refuse(*_args: Any, **_options: Any) -> None:
        raise AssertionError("a network was built")

    monkeypatch.setattr(nn.Module, "__init__", refuse)
    entries = {entry.name: entry for entry in catalogue()}

    assert list(entries) == list(model_names())
    assert entries["bundled"].here
    vgg = entries["vgg16"]
    assert vgg.parameters == 138357544
    assert vgg.accuracy == pytest.approx(71.592)
    assert vgg.megabytes == pytest.approx(553, abs=1)
    assert not vgg.here


def test_the_catalogue_knows_what_is_on_this_machine(bundled_weights, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")

    here = [entry.name for entry in catalogue() if entry.here]

    assert here == ["bundled", "squeezenet1_1"]


def test_a_file_in_torch_hubs_cache_is_used(small_file, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    target = tmp_path / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    target.parent.mkdir(parents=True)
    small_file.rename(target)

    model = load_model("squeezenet1_1")

    assert model.weights == "pretrained"
    assert len(model.labels) == 1000


# ------------------------------------------------------------------------------------- a model


def test_a_model_is_frozen_in_eval_mode_and_knows_itself():
    model = load_model("squeezenet1_1", weights="none")

    assert not any(child.training for child in model.module.modules())
    assert not any(item.requires_grad for item in model.module.parameters())
    assert model.parameters == 1235496
    assert model.summary == "1.24 M parameters · 224×224 · 1000 classes · random weights"
    assert (model.name, model.weights, model.default_layer) == ("squeezenet1_1", "none", "features")
    assert model.first_convolution == "features.0"


def test_random_weights_are_the_same_every_time_and_disturb_no_random_numbers():
    torch.manual_seed(123)
    wanted = torch.rand(3)
    torch.manual_seed(123)

    first = load_model("squeezenet1_1", weights="none")
    got = torch.rand(3)
    second = load_model("squeezenet1_1", weights="none")

    assert first.fingerprint == second.fingerprint
    torch.testing.assert_close(got, wanted, rtol=0, atol=0)


def test_loading_weights_draws_no_random_numbers(small_file):
    before = torch.get_rng_state()

    load_model("squeezenet1_1", weights=small_file)

    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "shufflenet_v2_x0_5", "googlenet"])
def test_undrawn_leaves_no_initialiser_drawing(name):
    import torchvision

    options = {"init_weights": False} if name == "googlenet" else {}
    before = torch.get_rng_state()
    with undrawn():
        torchvision.models.get_model(name, weights=None, **options)

    assert torch.equal(torch.get_rng_state(), before)


def test_undrawn_ends_where_an_initialiser_draws_until_it_fits():
    with undrawn():
        drawn = nn.init.trunc_normal_(torch.full((10,), 1e9))

    assert drawn.abs().max() <= 2


def test_the_fingerprint_changes_with_a_single_weight(load):
    first = load(Plain()).fingerprint
    module = Plain()
    same = load(module).fingerprint
    with torch.no_grad():
        module.fc.bias[1] += 1e-6
    other = load(module).fingerprint

    assert first == same != other
    assert re.fullmatch("[0-9a-f]{64}", first)


def test_the_fingerprint_tells_names_and_shapes_apart(load):
    class Named(nn.Module):
        def __init__(self, **shapes: tuple[int, ...]) -> None:
            super().__init__()
            for name, shape in shapes.items():
                self.register_buffer(name, torch.zeros(shape))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3))

    prints = {
        load(Named(**shapes)).fingerprint
        for shapes in (
            {"a": (2, 3)},
            {"a": (3, 2)},
            {"b": (2, 3)},
            {"a": (6,)},
            {"a": (2,), "b": (4,)},
        )
    }

    assert len(prints) == 5


def test_the_home_of_nobody_is_a_sentence():
    for said in (("~nobody-of-this-name/net.pth",), ("bundled", "~nobody-of-this-name/net.pth")):
        with pytest.raises(ModelError, match="There is no "):
            load_model(*said)


def test_with_fit_changes_only_the_way_in(load, noise):
    model = load(Plain())
    other = model.with_fit("pad")

    assert other.module is model.module
    assert other.preprocessing.fit == "pad"
    assert model.preprocessing.fit == "squash"
    tensor, region = other.prepare(noise(4, 8))
    assert tensor.shape == (1, 3, 8, 8)
    assert (region.top, region.bottom) == (-2, 6)


def test_inspect_gives_a_softmax_of_the_networks_own_answer(load, noise):
    model = load(Plain())
    image = noise()

    found = inspect(model, image)

    with torch.inference_mode():
        logits = model.module(model.prepare(image)[0])[0]
    torch.testing.assert_close(torch.from_numpy(found.logits), logits, rtol=0, atol=0)
    torch.testing.assert_close(torch.from_numpy(found.probabilities), logits.softmax(0))
    assert found.labels == ("cat", "dog", "owl")
    assert found.region == image.whole
    best = int(logits.argmax())
    assert found.top(1) == [
        (best, found.labels[best], pytest.approx(float(logits.softmax(0)[best])))
    ]


def test_a_network_that_is_loaded_in_inference_mode_has_gradients(noise):
    with torch.inference_mode():
        model = load_model("bundled")

    assert np.isfinite(Saliency()(model, noise()).values).all()


def test_inspect_can_be_cancelled(load, noise):
    run = Run()
    run.cancel()

    with pytest.raises(Cancelled):
        inspect(load(Plain()), noise(), run)


def test_a_network_that_is_no_classifier_says_so(load, noise):
    model = load(nn.Sequential(nn.Conv2d(3, 4, 3)))

    with says(ModelError, "tiny answers with 1×4×6×6", "need a classifier") as caught:
        inspect(model, noise())
    assert "predictions" in str(caught.value)


# ----------------------------------------------------------------------------- layers, classes


def test_an_unknown_layer_is_answered_with_what_was_meant(load):
    model = load(Plain())

    with says(LayerError, "tiny has no layer “conv3”.", "Did you mean conv2 or conv1?"):
        model.layer("conv3")
    with says(LayerError, "has no layer “”"):
        model.layer("")


def test_a_layer_that_is_not_run_is_refused_unless_only_its_weights_are_wanted(load):
    module = Plain()
    module.fc.aside = nn.Conv2d(1, 1, 1)  # Linear runs no children

    model = load(module)

    with says(LayerError, "fc.aside is not run when tiny looks at a picture"):
        model.layer("fc.aside")
    assert model.layer("fc.aside", weights=True).parameters == 2


def test_no_default_layer_is_an_error_with_a_reason(load):
    model = load(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)))

    with says(LayerError, "No layer of this network gives maps"):
        model.layer(None)
    with says(LayerError, "tiny has no convolution to begin with"):
        model.layer(None, weights=True)


def test_calls_count_from_the_front_or_the_last(load):
    from networks import Residual

    model = load(Residual())
    relu, conv = model.layer("relu"), model.layer("conv1")

    assert [model.call(relu, call) for call in (0, 1, -1)] == [0, 1, 1]
    assert model.call(conv, -1) == 0
    with says(ParameterError, "relu runs 2 times in a pass", "0 to 1, not 2"):
        model.call(relu, 2)
    with says(ParameterError, "conv1 runs once in a pass"):
        model.call(conv, 1)


def test_classes_by_index_label_or_likeliest(load):
    model = load(Plain(), labels=("Tabby Cat", "dog", "owl"))
    logits = torch.tensor([0.0, 2.0, 1.0])

    assert model.target(None, logits) == 1
    assert model.target(2, logits) == 2
    assert model.target("2", logits) == 2
    assert model.target(" tabby CAT ", logits) == 0


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (3, "tiny has no class 3: it knows 3 classes, 0 to 2."),
        (-1, "no class -1"),
        ("-5", "no class -5"),
        ("99999999999999999999", "no class 9999"),
        ("catt", "no class “catt”. Did you mean cat?"),
        ("²", "no class “²”"),
        ("--5", "no class “--5”"),
        ("", "no class “”"),
    ],
)
def test_an_unknown_class_is_one_sentence(load, target, words):
    with says(TargetError, words):
        load(Plain()).target(target, torch.zeros(3))


def test_an_ambiguous_label_names_the_indices(load):
    model = load(Plain(), labels=("crane", "dog", "Crane"))

    with says(TargetError, "2 classes called “crane”", "0 or 2"):
        model.target("crane", torch.zeros(3))


def test_imagenets_two_cardigans_are_told_apart_by_index():
    """One is a dog."""
    model = load_model("squeezenet1_1", weights="none")

    with says(TargetError, "“cardigan”", "264 or 474"):
        model.target("cardigan", torch.zeros(1000))
    assert model.target("tabby", torch.zeros(1000)) == 281


# ------------------------------------------------------------------------------------- weights


def test_a_plain_state_dict_loads(small_file, small_state):
    model = load_model("squeezenet1_1", weights=small_file)

    assert model.weights == str(small_file)
    for key, value in model.module.state_dict().items():
        torch.testing.assert_close(value, small_state[key], rtol=0, atol=0)


def test_safetensors_load_whatever_the_file_is_called(small_state, tmp_path):
    for name in ("small.safetensors", "small.pth", "small"):
        save_file(small_state, tmp_path / name)
        state = read_state(tmp_path / name)
        assert state.keys() == small_state.keys()
        torch.testing.assert_close(state["classifier.1.bias"], small_state["classifier.1.bias"])


def test_half_precision_weights_run_in_single(small_state, tmp_path, noise):
    path = tmp_path / "half.pth"
    torch.save({key: value.half() for key, value in small_state.items()}, path)

    model = load_model("squeezenet1_1", weights=path)

    assert {item.dtype for item in model.module.parameters()} == {torch.float32}
    assert inspect(model, noise(64, 64)).probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_a_legacy_file_loads(small_state, tmp_path):
    path = tmp_path / "legacy.pth"
    torch.save(small_state, path, _use_new_zipfile_serialization=False)

    assert read_state(path).keys() == small_state.keys()


def test_weights_of_another_model_name_the_difference(small_file):
    with says(
        ModelError, "small.pth does not fit resnet18", "tensors missing (first conv1.weight)"
    ):
        load_model("resnet18", weights=small_file)


def test_weights_of_another_shape_name_the_first(small_state, tmp_path):
    path = tmp_path / "ten.pth"
    torch.save(
        {k: v[:, :2] if k == "features.0.weight" else v for k, v in small_state.items()}, path
    )

    with says(
        ModelError, "does not fit squeezenet1_1: 1 of another shape (first features.0.weight)"
    ):
        load_model("squeezenet1_1", weights=path)


def test_a_missing_file_and_a_folder_are_sentences(tmp_path):
    with says(ModelError, "There is no file", "nowhere.pth. Check the path."):
        load_model("squeezenet1_1", weights=tmp_path / "nowhere.pth")
    with says(ModelError, "is a folder. Choose a file in it."):
        load_model("squeezenet1_1", weights=tmp_path)


def test_a_file_without_bytes_says_so(tmp_path):
    path = tmp_path / "empty.pth"
    path.touch()

    with says(ModelError, "empty.pth is empty (0 bytes). Copy or download it again."):
        read_state(path)


NOT_WEIGHTS = {
    "text": b"hello world, I am text\n" * 20,
    "json": b'{"json": 1}',
    "html": b"<html><body>404 Not Found</body></html>",
    "git-lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 123\n",
    "text that unpickles": b"cposix\nsystem\n(S'x'\ntR.",
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "zeros": bytes(100),
    "one byte": b"\x80",
    "empty pickle": b"\x80\x02.",
    "number": b"N.",
    "unicode": "zażółć gęślą jaźń".encode(),
}


@pytest.mark.parametrize("kind", NOT_WEIGHTS)
def test_other_files_are_no_weights(tmp_path, kind):
    path = tmp_path / "file.pth"
    path.write_bytes(NOT_WEIGHTS[kind])

    with says(ModelError, "file.pth is ", ". A network or its weights are needed: a state dict"):
        read_state(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_cut_off_anywhere_is_one_sentence(tmp_path, legacy):
    whole, cut = tmp_path / "whole.pth", tmp_path / "cut.pth"
    torch.save({"a": torch.zeros(3)}, whole, _use_new_zipfile_serialization=not legacy)
    content = whole.read_bytes()

    for length in range(1, len(content), 1 if legacy else 13):
        cut.write_bytes(content[:length])
        with pytest.raises(ModelError, match=r"cut\.pth is (no|a) "):
            read_state(cut)


def test_safetensors_cut_off_anywhere_are_one_sentence(tmp_path):
    whole, cut = tmp_path / "whole.safetensors", tmp_path / "cut.safetensors"
    save_file({"a": torch.arange(9.0)}, whole)
    content = whole.read_bytes()

    for length in range(1, len(content)):
        cut.write_bytes(content[:length])
        with says(ModelError, "cut.safetensors is"):
            read_state(cut)
    with says(ModelError, "damaged or cut-off safetensors file"):
        read_state(cut)


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("how", ["zip", "legacy", "pickle"])
def test_code_in_a_weights_file_is_not_run(tmp_path, how):
    fuse, path = tmp_path / "went-off", tmp_path / "bomb.pth"
    content = {"a": torch.zeros(1), "b": _Bomb(fuse)}
    if how == "pickle":
        path.write_bytes(pickle.dumps({"b": _Bomb(fuse)}, protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=how == "zip")

    with says(TrustError, "bomb.pth runs code of its own when it is opened: ", "mkdir", "--trust"):
        read_state(path)

    assert not fuse.exists()


def test_the_weights_of_a_pickled_network_are_read_without_running_it(tmp_path):
    path, module = tmp_path / "module.pth", nn.Linear(2, 2)
    torch.save(module, path)

    assert read_state(path).keys() == {"weight", "bias"}
    torch.testing.assert_close(read_state(path)["bias"], module.bias.detach(), rtol=0, atol=0)


@pytest.mark.parametrize(
    "content",
    [
        {"epoch": 3, "a": torch.zeros(1)},
        [torch.zeros(1)],
        torch.zeros(1),
        {},
        {1: torch.zeros(1)},
    ],
    ids=["mixed", "list", "tensor", "empty", "numbered"],
)
def test_anything_but_names_and_tensors_is_no_state_dict(tmp_path, content):
    path = tmp_path / "checkpoint.pth"
    torch.save(content, path)

    with says(ModelError, "checkpoint.pth holds no state dict"):
        read_state(path)


def test_an_archive_that_torch_takes_for_a_script_warns_nobody(tmp_path):
    path = tmp_path / "script.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("script/constants.pkl", b"\x80\x02).")
        archive.writestr("script/data.pkl", b"\x80\x02}.")
        archive.writestr("script/version", b"3\n")

    with says(ModelError, "script.pt is a TorchScript program"):
        read_state(path)


def test_whole_numbers_where_fractions_belong_become_fractions(tmp_path):
    module, path = nn.Linear(2, 2), tmp_path / "ints.pth"
    torch.save({"weight": torch.ones(2, 2, dtype=torch.int64), "bias": torch.zeros(2)}, path)

    load_state(module, read_state(path), "linear", path)

    assert module.weight.dtype == torch.float32


def test_old_files_without_batch_counters_load(tmp_path):
    module, path = nn.BatchNorm2d(3), tmp_path / "old.pth"
    module.running_mean.fill_(7)
    torch.save({k: v for k, v in module.state_dict().items() if "num_batches" not in k}, path)

    fresh = nn.BatchNorm2d(3)
    load_state(fresh, read_state(path), "norm", path)

    assert fresh.running_mean.tolist() == [7, 7, 7]


def test_old_densenet_names_are_understood(tmp_path):
    import torchvision

    with undrawn():
        module = torchvision.models.densenet121(weights=None)
    state = module.state_dict()
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", key): value
        for key, value in state.items()
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    path = tmp_path / "old-densenet.pth"
    torch.save(old, path)

    found = read_state(path)

    assert found.keys() == state.keys()
    load_state(module, found, "densenet121", path)


@pytest.mark.parametrize(
    ("name", "aux"),
    [
        ("googlenet", False),
        pytest.param("googlenet", True, marks=pytest.mark.slow),
        pytest.param("inception_v3", False, marks=pytest.mark.slow),
        pytest.param("inception_v3", True, marks=pytest.mark.slow),
    ],
)
def test_local_weights_get_the_input_transform_they_were_trained_with(tmp_path, name, aux):
    """They want -1 for black and 1 for white; torchvision sees to it only for its own downloads."""
    import torchvision

    with undrawn():
        module = torchvision.models.get_model(
            name, weights=None, aux_logits=aux, init_weights=False
        )
    path = tmp_path / f"{name}.pth"
    torch.save(module.state_dict(), path)

    model = load_model(name, weights=path)

    seen: dict[int, torch.Tensor] = {}
    first = next(child for child in model.module.modules() if isinstance(child, nn.Conv2d))
    for grey in (0, 255):
        tensor, _ = model.prepare(ImageInput(np.full((9, 9, 3), grey, np.uint8)))
        with hooked([first], before=lambda _, inputs, grey=grey: seen.update({grey: inputs[0]})):
            model.module(tensor)
    torch.testing.assert_close(seen[0], torch.full_like(seen[0], -1))
    torch.testing.assert_close(seen[255], torch.full_like(seen[255], 1))
    assert any(key.lower().startswith("aux") for key in model.module.state_dict()) is aux


def test_a_cancelled_run_stops_before_the_network_is_built(small_file):
    run = Run()
    run.cancel()

    with pytest.raises(Cancelled):
        load_model("squeezenet1_1", weights=small_file, run=run)


# ------------------------------------------------------------------------------------- bundled


def test_the_bundled_model_loads_and_knows_its_classes(bundled_weights):
    model = load_model("bundled")

    assert len(model.labels) >= 10
    assert model.default_layer == "blocks"
    assert model.weights == "pretrained"
    assert model.preprocessing.size == (128, 128)


def test_the_bundled_network_takes_other_weights(tmp_path):
    random = load_model("bundled", weights="none")
    again = load_model("bundled", weights="none")
    path = tmp_path / "own.pth"
    torch.save(random.module.state_dict(), path)

    own = load_model("bundled", weights=path)

    assert random.fingerprint == again.fingerprint == own.fingerprint
    assert own.weights == str(path)


def test_weights_that_do_not_fit_the_bundled_network_are_refused(small_file):
    with says(ModelError, "small.pth does not fit bundled"):
        load_model("bundled", weights=small_file)


def test_a_home_folder_is_understood(monkeypatch, small_file):
    monkeypatch.setenv("HOME", str(small_file.parent))
    monkeypatch.setenv("USERPROFILE", str(small_file.parent))

    load_model("squeezenet1_1", weights="~/small.pth")
    with says(ModelError, "does not fit bundled"):
        load_model("bundled", weights="~/small.pth")


# ---------------------------------------------------------------------------- devices, packages


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("gpu", "There is no device “gpu”: use cpu, cuda, cuda:1 or mps."),
        ("", "There is no device “”"),
        ("cuda:x", "There is no device “cuda:x”"),
        ("meta", "no usable meta device. Use cpu."),
        ("xpu", "no usable xpu device"),
    ],
)
def test_a_device_that_is_not_here_is_one_sentence(device, words):
    with says(ParameterError, words):
        load_model("squeezenet1_1", weights="none", device=device)


def test_cuda_is_checked_before_anything_is_loaded(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with says(ParameterError, "no usable cuda device. Use cpu."):
        find_device("cuda")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert find_device("cuda:0") == torch.device("cuda:0")
    with says(ParameterError, "This machine has 1 CUDA devices: cuda:3 is not one."):
        find_device("cuda:3")


def test_a_torchvision_of_another_torch_is_told_with_the_remedy(monkeypatch):
    really = builtins.__import__

    def mismatched(name: str, *args: Any, **options: Any) -> Any:
        if name == "torchvision":
            raise RuntimeError("operator torchvision::nms does not exist")
        return really(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", mismatched)
    with says(
        ModelError,
        f"The installed torchvision was not made for torch {torch.__version__}.",
        "pip install --force-reinstall torch torchvision",
    ):
        load_model("resnet18", weights="none")


def test_other_failures_of_importing_torchvision_are_not_renamed(monkeypatch):
    really = builtins.__import__

    def broken(name: str, *args: Any, **options: Any) -> Any:
        if name == "torchvision":
            raise RuntimeError("something else")
        return really(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(RuntimeError, match="something else"):
        torchvision_models.torchvision()


def test_the_bundled_model_needs_no_torchvision(repository):
    code = (
        "import sys; sys.modules['torchvision'] = None\n"
        "from cnnviz_desktop import load_model\n"
        "print(load_model('bundled', weights='none').default_layer)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.stderr) == ("blocks", "")
