"""timm's networks load by name, with published weights, one's own or random ones."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_cache import put_into_hub
from local_server import Quiet, serving
from safetensors.torch import save_file

from cnnviz_desktop.data import ImageInput
from cnnviz_desktop.engine import timm_models
from cnnviz_desktop.engine.caches import checkpoints_folder
from cnnviz_desktop.engine.catalogue import find, published
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.engine.run import SILENT, Progress, Run
from cnnviz_desktop.engine.techniques import FeatureMaps, GradCam
from cnnviz_desktop.engine.timm_models import address, build_timm, load_timm
from cnnviz_desktop.errors import Cancelled, ModelError

NAME, TAG = "lcnet_050", "ra2_in1k"  # the smallest with published weights
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


def seeded(name: str, **options: object) -> dict[str, torch.Tensor]:
    import timm

    torch.manual_seed(1)
    state: dict[str, torch.Tensor] = timm.create_model(name, **options).state_dict()
    return state


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return seeded(NAME)


def assert_same(module: torch.nn.Module, wanted: dict[str, torch.Tensor]) -> None:
    got = module.state_dict()
    assert got.keys() == wanted.keys()
    assert all(torch.equal(value, wanted[key]) for key, value in got.items())


# -------------------------------------------------------------------------------------- published


@pytest.fixture
def served(
    weights: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Serve a network's weights as Hugging Face's site does."""
    file = tmp_path / "site" / "timm" / f"{NAME}.{TAG}" / "resolve" / "main" / "model.safetensors"
    file.parent.mkdir(parents=True)
    save_file(weights, file)
    with serving(tmp_path / "site") as site:
        monkeypatch.setenv("HF_ENDPOINT", f"{site}/")
        yield f"/timm/{NAME}.{TAG}/resolve/main/model.safetensors"


def test_published_weights_are_downloaded_once(served, weights):
    told: list[Progress] = []

    first = load_model(f"timm:{NAME}", run=Run(on_progress=told.append))
    again = load_model(f"timm:{NAME}.{TAG}")

    assert Quiet.requests == [served]
    path = checkpoints_folder() / f"{NAME}.{TAG}.safetensors"
    assert told[-1].done == told[-1].total == path.stat().st_size
    assert_same(first.module, weights)
    assert (first.name, first.weights) == (f"timm:{NAME}", "pretrained")
    assert again.name == f"timm:{NAME}.{TAG}"
    assert first.fingerprint == again.fingerprint
    assert len(first.labels) == 1000
    entry = find(f"timm:{NAME}")
    assert entry is not None
    assert entry.here


def test_what_hugging_faces_cache_holds_is_used_without_the_network(weights, tmp_path):
    save_file(weights, tmp_path / "w")
    put_into_hub(f"timm/{NAME}.{TAG}", content=(tmp_path / "w").read_bytes())

    assert_same(load_timm(NAME, None, CPU, SILENT).module, weights)


def test_pickled_weights_in_hugging_faces_cache_are_read_safely(weights, tmp_path):
    torch.save(weights, tmp_path / "w")
    content = (tmp_path / "w").read_bytes()
    put_into_hub(f"timm/{NAME}.{TAG}", "pytorch_model.bin", content)

    assert_same(load_timm(NAME, None, CPU, SILENT).module, weights)


def test_what_timm_itself_downloaded_from_an_address_is_used():
    (item,) = published("timm:legacy_seresnet18")
    assert item.url.endswith("/seresnet18-4bb0ce65.pth")
    path = checkpoints_folder() / "seresnet18-4bb0ce65.pth"
    path.parent.mkdir(parents=True)
    state = seeded("legacy_seresnet18")
    torch.save(state, path)

    assert_same(load_timm("legacy_seresnet18", None, CPU, SILENT).module, state)


def test_published_weights_of_an_older_layout_are_mended_as_timm_does(tmp_path):
    state = seeded("convnext_atto")
    path = tmp_path / "convnext_atto_1k.safetensors"
    save_file(as_the_authors_named_it(state), path)

    assert_same(load_timm("convnext_atto", path, CPU, SILENT).module, state)


def as_the_authors_named_it(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give ConvNeXt's weights the names of its authors' own code."""
    renamed = {}
    for key, value in state.items():
        old = key.replace("head.fc.", "head.").replace("head.norm.", "norm.")
        old = old.replace("stem.", "downsample_layers.0.")
        old = re.sub(r"stages\.(\d+)\.blocks\.(\d+)\.", r"stages.\1.\2.", old)
        old = re.sub(r"stages\.(\d+)\.downsample\.(\d+)\.", r"downsample_layers.\1.\2.", old)
        old = old.replace("conv_dw", "dwconv").replace("mlp.fc1", "pwconv1")
        renamed[old.replace("mlp.fc2", "pwconv2")] = value
    return renamed


def test_damaged_published_weights_say_what_to_do():
    path = checkpoints_folder() / f"{NAME}.{TAG}.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no weights")
    with pytest.raises(ModelError, match=r"is damaged or .* Delete it to have it fetched again\."):
        load_timm(NAME, None, CPU, SILENT)

    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(ModelError, match=r"not hold the weights of timm:lcnet_050\.ra2_in1k"):
        load_timm(NAME, None, CPU, SILENT)


def test_without_a_server_one_sentence_says_what_to_do():
    with pytest.raises(ModelError) as caught:
        load_timm(NAME, None, CPU, SILENT)

    words = str(caught.value)
    assert words.startswith("The weights of lcnet_050.ra2_in1k are not on this machine")
    assert f"{NAME}.{TAG}/resolve/main/model.safetensors" in words
    assert "--weights FILE" in words


def test_a_cancelled_download_leaves_no_weights(served):
    run = Run()
    run.cancel()

    with pytest.raises(Cancelled):
        load_timm(NAME, None, CPU, run)

    assert not (checkpoints_folder() / f"{NAME}.{TAG}.safetensors").exists()


def test_none_published_is_a_sentence():
    with pytest.raises(ModelError, match=r"No weights of timm:lcnet_035 are published\. Look"):
        load_timm("lcnet_035", None, CPU, SILENT)


def test_addresses(monkeypatch):
    monkeypatch.delenv("HF_ENDPOINT")
    (usual,) = published("timm:resnetv2_50")

    assert address(usual) == (
        "https://huggingface.co/timm/resnetv2_50.a1h_in1k/resolve/main/model.safetensors"
    )
    (elsewhere,) = published("timm:rdnet_tiny")
    assert address(elsewhere).startswith("https://huggingface.co/naver-ai/rdnet_tiny.nv_in1k/")
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    assert address(usual).startswith("https://mirror.example/timm/")


# -------------------------------------------------------------------------------- names, own files


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnetv2_5", "Did you mean timm:resnetv2_50"),
        ("vit_base_patch16_224", "with convolutional maps"),
        ("resnet50.nonsense", "“cnnviz models timm” lists timm's"),
    ],
)
def test_an_unknown_name_is_answered(name, words):
    with pytest.raises(ModelError) as caught:
        load_timm(name, "none", CPU, SILENT)
    assert words in str(caught.value)


def test_own_weights_load_and_keep_their_head(tmp_path, weights):
    path = tmp_path / "mine.pth"
    torch.save(weights, path)
    assert_same(load_timm(NAME, path, CPU, SILENT).module, weights)

    changed = seeded(NAME, num_classes=3)
    save_file(changed, tmp_path / "three.safetensors")
    model = load_timm(NAME, tmp_path / "three.safetensors", CPU, SILENT)
    assert model.labels == ("class 0", "class 1", "class 2")
    assert_same(model.module, changed)
    assert model.weights == str(tmp_path / "three.safetensors")


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, path)

    with pytest.raises(ModelError, match=r"other\.pth does not fit timm:lcnet_050"):
        load_timm(NAME, path, CPU, SILENT)


def test_random_weights_are_the_same_every_time():
    torch.manual_seed(5)
    wanted = torch.rand(2)
    torch.manual_seed(5)

    first = load_timm(NAME, "none", CPU, SILENT)
    got = torch.rand(2)
    second = load_timm(NAME, "none", CPU, SILENT)

    assert first.fingerprint == second.fingerprint
    assert torch.equal(wanted, got)
    assert first.weights == "none"


def test_a_timm_that_is_too_old_is_told_with_the_remedy(monkeypatch):
    def unknown(*_args: object, **_options: object) -> None:
        raise RuntimeError("Model architecture (lcnet_050) has no pretrained cfg registered.")

    import timm

    monkeypatch.setattr(timm, "get_pretrained_cfg", unknown)
    with pytest.raises(ModelError, match=r"has no “lcnet_050.ra2_in1k”\. Update it: pip"):
        load_timm(NAME, "none", CPU, SILENT)


def test_a_missing_timm_is_told_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ModelError, match=r"timm cannot be imported .* pip install --upgrade timm"):
        timm_models.timm()


def test_other_models_need_no_timm_and_timm_warns_of_nothing(repository):
    code = (
        "import sys\n"
        "from cnnviz_desktop import load_model\n"
        "load_model('bundled', weights='none'); load_model('squeezenet1_1', weights='none')\n"
        "assert 'timm' not in sys.modules\n"
        f"print(load_model('timm:{NAME}', weights='none').default_layer)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.strip(), done.stderr) == ("blocks", "")


# ------------------------------------------------------------------------- preprocessing, classes


def test_preprocessing_worked_by_hand():
    """a1h_in1k: 224 at 0.95 is 235.79, rounded down; -1 for black, 1 for white."""
    built = build_timm("resnetv2_50", "none", SILENT)
    found = built.preprocessing

    assert (found.size, found.resize, found.interpolation) == ((224, 224), 235, "bicubic")
    assert found.mean == found.std == (0.5, 0.5, 0.5)
    for grey, value in ((0, -1), (255, 1)):
        tensor, _ = found(ImageInput(np.full((300, 400, 3), grey, np.uint8)))
        torch.testing.assert_close(tensor, torch.full((1, 3, 224, 224), float(value)))


def test_preprocessing_is_timms_own(noise):
    """Compare with the transform that timm makes, on a photograph's proportions."""
    import timm.data
    from PIL import Image

    image = noise(300, 401)
    for name in ("resnetv2_50", "lcnet_050", "inception_v4"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the transforms it imports on the way
            config = timm.data.resolve_data_config({}, model=timm.create_model(name))
            transform = timm.data.create_transform(**config)
        wanted = transform(Image.fromarray(image.pixels))[None]
        got, _ = build_timm(name, "none", SILENT).preprocessing(image)
        torch.testing.assert_close(got, wanted, atol=1e-5, rtol=0)


def test_classes_are_named():
    import torchvision

    names = tuple(torchvision.models.VGG16_Weights.DEFAULT.meta["categories"])

    assert build_timm(NAME, "none", SILENT).labels == names


@pytest.mark.slow
def test_the_larger_imagenets_classes_are_named():
    labels = build_timm("convnext_atto.d2_in1k", "none", SILENT).labels
    assert len(labels) == 1000
    larger = timm_models._labels(21841)
    assert len(larger) == 21841
    assert "kit fox" in larger
    assert timm_models._labels(11821)[0] != "class 0"
    assert timm_models._labels(5) == tuple(f"class {index}" for index in range(5))


# ------------------------------------------------------------------------------------- resnet50v2


@pytest.fixture(scope="module")
def pre_activation():
    return load_model("resnet50v2", weights="none")


@pytest.mark.slow
def test_resnet50v2_is_the_pre_activation_network(pre_activation):
    model = pre_activation

    assert model.parameters == 25_549_352
    assert model.preprocessing.mean == (0.5, 0.5, 0.5)
    assert (model.labels[0], model.labels[285]) == ("tench", "Egyptian cat")
    assert len(model.labels) == 1000
    # Batch norm and ReLU come before each convolution and once more at the end.
    block = model.module.stages[0].blocks[1]
    assert [name for name, _ in block.named_children()][:2] == ["norm1", "conv1"]
    assert model.default_layer == "norm"
    assert model.layer(None).output_shape == (2048, 7, 7)


@pytest.mark.slow
def test_resnet50v2_gives_maps_and_explanations(pre_activation, noise):
    captum = pytest.importorskip("captum.attr")
    model, image = pre_activation, noise(256, 256)

    maps = FeatureMaps()(model, image)
    heat = GradCam(target=7)(model, image)

    assert maps.values.shape == (2048, 7, 7)
    assert maps.values.min() >= 0  # the last norm ends in a ReLU
    tensor, _ = model.prepare(image)
    layer = model.module.get_submodule("norm")
    wanted = captum.LayerGradCam(model.module, layer).attribute(
        tensor.requires_grad_(), target=7, relu_attributions=False
    )
    got = torch.from_numpy(heat.values)
    assert got.abs().max() > 0
    scale = float(got.abs().max())
    torch.testing.assert_close(got, wanted[0, 0].detach(), rtol=1e-4, atol=1e-4 * scale)
