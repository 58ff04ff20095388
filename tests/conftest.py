"""Shared fixtures: real material, models of a few numbers, and a watch over what tests leave."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Before torch is imported, by whichever test; child processes inherit them. One thread: on a busy
# machine the small networks of these tests lose more by waiting for a second than it brings.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

if TYPE_CHECKING:
    from torch import nn

    from cnnviz_desktop.data import ImageInput
    from cnnviz_desktop.engine.loaded_model import LoadedModel

_ROOT = Path(__file__).parents[1]
# Under pytest's importlib mode no folder of tests is importable by itself; these hold helpers.
sys.path[:0] = [str(_ROOT / "tests" / name) for name in ("", "engine", "gui")]
_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_forward_hooks_always_called",
)


@pytest.fixture(scope="session", autouse=True)
def no_weights_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep this machine's weights and settings out of the tests, and the tests' out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("torch-home")))
        patch.setenv("CNNVIZ_CONFIG_DIR", str(tmp_path_factory.mktemp("settings")))
        patch.setenv("CNNVIZ_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub-cache")))
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    return _ROOT


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real weights and photographs that lies beside the repository."""
    folder = _ROOT.parent / "shared" / "real"
    if not folder.is_dir():
        pytest.skip("the real squeezenet weights and photographs (../shared/real) are not here")
    return folder


@pytest.fixture(scope="module")
def squeezenet(real: Path) -> LoadedModel:
    """The network of the real weights."""
    from cnnviz_desktop.engine.models import load_model

    return load_model("squeezenet1_0", weights=real / "squeezenet1_0-imagenet.pth")


@pytest.fixture(scope="module")
def photograph(real: Path) -> ImageInput:
    """A real photograph, of a dog and a cat."""
    from cnnviz_desktop.engine.images import load_image

    return load_image(real / "dog_and_cat.png")


@pytest.fixture(scope="session")
def bundled_weights() -> Path:
    """The bundled model's weights file."""
    path = _ROOT / "resources" / "bundled" / "bundled.safetensors"
    if not path.is_file():
        pytest.skip("the bundled model is not trained yet")
    return path


@pytest.fixture(scope="session")
def sample() -> Path:
    """The first of the sample pictures."""
    found = sorted((_ROOT / "resources" / "samples").glob("*.png"))
    if not found:
        pytest.skip("the sample pictures are not drawn yet")
    return found[0]


def hooks_on(module: nn.Module) -> list[str]:
    """Name every hook on a network."""
    return [
        f"{name or 'the network'}.{kind}"
        for name, child in module.named_modules()
        for kind in _HOOKS
        if getattr(child, kind)
    ]


@pytest.fixture
def watch() -> Iterator[Callable[[nn.Module], nn.Module]]:
    """Hand a network on and check after the test that it was left as it came, with no hook on."""
    watched: list[tuple[nn.Module, list[Any]]] = []

    def state(module: nn.Module) -> list[Any]:
        modes = [(child.training, getattr(child, "inplace", None)) for child in module.modules()]
        return [modes, [(item.requires_grad, item.grad) for item in module.parameters()]]

    def keep(module: nn.Module) -> nn.Module:
        watched.append((module, state(module)))
        return module

    yield keep
    for module, before in watched:
        assert hooks_on(module) == []
        assert state(module) == before, "training, inplace, requires_grad or grad was changed"


@pytest.fixture
def load(watch: Callable[[nn.Module], nn.Module]) -> Callable[..., LoadedModel]:
    """Make a LoadedModel of any network: `load(module, size=(8, 8), labels=("a", "b"))`.

    Its pictures come in as they are, without crop, as numbers from 0 to 1.
    """
    import torch

    from cnnviz_desktop.engine.loaded_model import ready
    from cnnviz_desktop.engine.preprocessing import Preprocessing

    def make(
        module: nn.Module,
        size: tuple[int, int] = (8, 8),
        labels: tuple[str, ...] = ("cat", "dog", "owl"),
        name: str = "tiny",
    ) -> LoadedModel:
        preprocessing = Preprocessing(
            size, min(size), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), fit="squash"
        )
        model = ready(name, module, labels, preprocessing, torch.device("cpu"), "none")
        watch(model.module)
        return model

    return make


@pytest.fixture(scope="session")
def noise() -> Callable[..., ImageInput]:
    """Draw a picture of random pixels: `noise(height, width)`, the same every time."""
    import numpy as np

    from cnnviz_desktop.data import ImageInput

    def draw(height: int = 8, width: int = 8, seed: int = 0) -> ImageInput:
        numbers = np.random.default_rng(seed)
        return ImageInput(numbers.integers(0, 256, (height, width, 3), dtype=np.uint8))

    return draw
