"""A person's own Python file makes the network, once it is trusted, and leaves no trace."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest
import torch
from torch import nn

from cnnviz_desktop.engine.factories import candidates, make, only, split
from cnnviz_desktop.engine.models import load_model
from cnnviz_desktop.errors import ModelError, TrustError

NET = """
from torch import nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(256, 84)
        self.fc2 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, 256)
        return self.fc2(F.relu(self.fc1(x)))

def make_model():
    return Net()
"""


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNVIZ_CONFIG_DIR", str(tmp_path / "settings"))


@pytest.fixture
def write(tmp_path: Path):
    def written(text: str, name: str = "net.py") -> Path:
        path = tmp_path / name
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return written


# ------------------------------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("net.py:make_model", (Path("net.py"), "make_model")),
        (r"C:\nets\net.py:Net", (Path(r"C:\nets\net.py"), "Net")),
        ("a b/c.PY:f", (Path("a b/c.PY"), "f")),
        ("timm:resnet50", None),
        ("net.py", None),
        (r"C:\net.py", None),
        ("net.py:", None),
        ("net.py:a-b", None),
        (":f", None),
        ("vgg16", None),
    ],
)
def test_a_factory_is_written_as_file_and_function(name, wanted):
    assert split(name) == wanted


# ------------------------------------------------------------------------------------- candidates


def test_candidates_are_found_without_running_the_file(write, tmp_path):
    path = write(
        f"""
        open({str(tmp_path / "ran")!r}, "w")
        import torch.nn as nn
        from torchvision import models
        from torchvision.models import resnet18 as small

        class Block(nn.Module):
            def __init__(self, width): ...
        class Net(nn.Module):
            def __init__(self, width=3): ...
        class Deeper(Net): ...
        class Narrow(Block): ...
        class _Hidden(nn.Module): ...
        class Options: ...
        class Own(models.ResNet):
            def __init__(self): ...

        def make_model(): return Net()
        def build(width): return Net(width)
        def fifty() -> nn.Module: ...
        def lent(): return models.vgg16()
        def lent_too(*, deep=False): return small()
        def train(): return 3
        def get_model_name(): return "x"
        def load_data(): return open("x")
        def create_optimizer(): return open("x")
        def load_net(): return open("x")
        def create_things(): pass
        async def model(): return Net()
        """
    )
    assert candidates(path) == (
        "Net",
        "Deeper",
        "Own",
        "make_model",
        "fifty",
        "lent",
        "lent_too",
        "load_net",
    )
    assert not (tmp_path / "ran").exists()


def test_the_function_that_calls_the_class_is_the_one_that_is_meant(write):
    assert only(write(NET)) == "make_model"


def test_several_are_listed(write):
    path = write("import torch\nclass A(torch.nn.Module): ...\nclass B(torch.nn.Sequential): ...\n")
    with pytest.raises(ModelError, match=r"several networks\. Say which: net\.py:A or net\.py:B\."):
        only(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", "no function or class that makes a network"),
        ("def make(:\n", "no Python that can be run: .* in line 1"),
        ("x = '\0'\n", "no Python that can be run"),
        ("x = " + "(" * 5000 + "\n", "no Python that can be run"),
    ],
)
def test_files_without_a_network_are_one_sentence(write, text, words):
    with pytest.raises(ModelError, match=rf"net\.py .*{words}"):
        only(write(text))


# ---------------------------------------------------------------------------------------- running


def test_it_runs_only_once_it_is_trusted(write, tmp_path):
    path = write(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n{NET}")
    with pytest.raises(TrustError) as caught:
        make(path, "make_model")
    assert caught.value.runs == ("all of net.py", "make_model()")
    assert not (tmp_path / "ran").exists()

    assert isinstance(make(path, "make_model", trusted=True), nn.Module)
    assert (tmp_path / "ran").exists()
    make(path, "make_model")  # remembered
    path.write_text(path.read_text() + "\n# changed\n")
    with pytest.raises(TrustError):
        make(path, "make_model")


def test_what_it_imports_from_its_folder_is_trusted_with_it(write, tmp_path):
    (tmp_path / "parts").mkdir()
    write("from .deep import WIDTH\n", "parts/__init__.py")
    deep = write("WIDTH = 4\n", "parts/deep.py")
    path = write(
        """
        from torch import nn
        from parts import WIDTH
        def make_model(): return nn.Conv2d(3, WIDTH, 1)
        """
    )
    with pytest.raises(TrustError) as caught:
        make(path, "make_model")
    assert set(caught.value.runs) == {
        "all of net.py",
        "all of __init__.py",
        "all of deep.py",
        "make_model()",
    }
    assert make(path, "make_model", trusted=True).out_channels == 4
    deep.write_text("WIDTH = 5\n")
    with pytest.raises(TrustError):
        make(path, "make_model")
    assert make(path, "make_model", trusted=True).out_channels == 5


def test_it_leaves_the_path_the_modules_and_the_random_numbers_as_they_were(write):
    write("WIDTH = 4\n", "blocks_of_this_test.py")
    path = write(
        """
        import sys
        sys.path.append("/nowhere")
        from torch import nn
        import blocks_of_this_test as blocks
        def make_model(): return nn.Conv2d(3, blocks.WIDTH, 1)
        """
    )
    before, random = list(sys.path), torch.get_rng_state()
    first = make(path, "make_model", trusted=True)
    assert sys.path == before
    assert torch.equal(torch.get_rng_state(), random)
    assert "blocks_of_this_test" not in sys.modules
    assert "net" not in sys.modules
    torch.testing.assert_close(first.weight, make(path, "make_model").weight, rtol=0, atol=0)


def test_a_neighbour_of_the_same_name_in_another_folder_is_another(tmp_path):
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "blocks.py").write_text(f"WIDTH = {number}\n")
        (folder / "net.py").write_text(
            "from torch import nn\nimport blocks\ndef net(): return nn.Conv2d(3, blocks.WIDTH, 1)\n"
        )
    widths = [
        make(tmp_path / str(number) / "net.py", "net", trusted=True).out_channels
        for number in (1, 2)
    ]
    assert widths == [1, 2]


def test_dataclasses_and_deep_copies_work_in_it(write):
    import copy

    path = write(
        """
        from __future__ import annotations
        from dataclasses import dataclass
        from torch import nn
        @dataclass
        class Options:
            width: int = 4
        class Net(nn.Sequential):
            def __init__(self): super().__init__(nn.Conv2d(3, Options().width, 1))
        """
    )
    assert copy.deepcopy(make(path, "Net", trusted=True))[0].out_channels == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def net():\n    return [][1]\n", r"line 2 of net\.py fails \(IndexError: list index"),
        ("import nowhere_at_all\ndef net(): ...\n", r"line 1 of net\.py fails \(ModuleNotFoundErr"),
        ("def net():\n    raise SystemExit(3)\n", r"line 2 of net\.py fails \(SystemExit: 3\)"),
        ("def net():\n    assert False\n", r"line 2 of net\.py fails \(AssertionError\)"),
        ("def net(width): ...\n", "net of net.py cannot be called without arguments"),
        ("def net(): return 3\n", r"net\(\) of net\.py gives a int, not a network"),
        ("def net(): return None\n", r"gives nothing, not a network"),
        ("def net(): return int\n", r"gives the class int, not a network"),
        ("net = 3\n", "cannot be made"),
        ("def other(): ...\n", "net.py has no “net”"),
    ],
)
def test_whatever_goes_wrong_in_it_is_one_sentence(write, text, words):
    path = write(text)
    with pytest.raises(ModelError, match=words):
        make(path, "net", trusted=True)


def test_an_unknown_name_is_answered_with_what_there_is(write):
    path = write(NET)
    with pytest.raises(ModelError, match=r"no “make_modle”\. Did you mean make_model"):
        make(path, "make_modle", trusted=True)
    with pytest.raises(ModelError, match=r"no “xyz”\. It has Net, make_model\."):
        make(path, "xyz", trusted=True)


# ---------------------------------------------------------------------------------------- loading


def test_a_network_of_ones_own_loads_and_reads_views(write):
    path = write(NET)
    model = load_model(f"{path}:make_model", trust=True)
    assert model.name == f"{path}:make_model"
    assert model.title == "net.py:make_model"
    assert model.preprocessing.size == (28, 28)
    assert model.preprocessing.channels == 1
    assert model.default_layer == "conv2"
    assert len(model.labels) == 10
    assert load_model(str(path)).name == f"{path}:make_model"


def test_its_weights_come_from_a_checkpoint_and_differences_are_told(write, tmp_path):
    path, file = write(NET), tmp_path / "w.pth"
    state = make(path, "Net", trusted=True).state_dict()
    state = {f"module.{key}": value + 1 for key, value in state.items()}
    torch.save({"model": state, "epoch": 3}, file)
    model = load_model(f"{path}:make_model", file)
    torch.testing.assert_close(
        model.module.get_parameter("fc2.bias").data, state["module.fc2.bias"], rtol=0, atol=0
    )
    assert model.weights == str(file)
    assert "8 of 8 tensors loaded" in [item.title for item in model.findings]

    del state["module.fc2.bias"]
    state["module.fc1.bias"] = torch.zeros(3)
    state["module.extra.weight"] = torch.zeros(3)
    torch.save(state, file)
    model = load_model(f"{path}:make_model", file)
    found = {item.title: item for item in model.findings}
    assert "6 of 8 tensors loaded" in found
    assert found["Weights missing"].items == ("fc2.bias",)
    assert found["Weights of another shape"].items == ("fc1.bias",)
    assert found["Weights unused"].items == ("extra.weight",)
    assert found["Weights missing"].severity == "warning"

    torch.save({"a.weight": torch.zeros(3), "conv1.bias": torch.zeros(6)}, file)
    with pytest.raises(ModelError, match=r"w\.pth does not fit net\.py:make_model: 7 tensors miss"):
        load_model(f"{path}:make_model", file)


def test_a_wrong_weights_path_is_told_before_anything_runs(write, tmp_path):
    path = write(NET)
    with pytest.raises(ModelError, match="There is no file"):
        load_model(f"{path}:make_model", tmp_path / "nowhere.pth")


def test_a_network_that_keeps_another_under_a_wrappers_name_gets_its_weights(write, tmp_path):
    path = write(
        """
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(64, 2))
            def forward(self, x): return self.model(x)
        """
    )
    net = make(path, "Net", trusted=True)
    for name, state in (
        ("own", net.state_dict()),
        ("wrapped", {f"module.{key}": value for key, value in net.state_dict().items()}),
        ("inner", net.model.state_dict()),
        ("with a loss", {**net.state_dict(), "loss.weight": torch.zeros(2)}),
    ):
        file = tmp_path / f"{name}.pth"
        torch.save(state, file)
        model = load_model(f"{path}:Net", file)
        torch.testing.assert_close(model.module.model[2].bias, net.model[2].bias.detach())


def test_forward_failures_are_told_with_what_to_do(write):
    path = write(
        """
        from torch import nn
        class Net(nn.Conv2d):
            def __init__(self): super().__init__(3, 4, 3)
            def forward(self, x): raise RuntimeError("on purpose")
        """
    )
    with pytest.raises(ModelError, match="on purpose"):
        load_model(f"{path}:Net", trust=True)
