"""Names of networks: of the catalogue, of files, of functions in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnviz_desktop.model_names import file_in, joined, parted, rooted, short_name


@pytest.mark.parametrize(
    ("name", "file", "rest", "short"),
    [
        ("vgg16", "", "", "vgg16"),
        ("timm:resnet50.a1_in1k", "", "", "timm:resnet50.a1_in1k"),
        ("/models/net.onnx", "/models/net.onnx", "", "net.onnx"),
        ("net.pt2", "net.pt2", "", "net.pt2"),
        ("folder/weights", "folder/weights", "", "weights"),
        ("/my nets/a.b.py:make_model", "/my nets/a.b.py", ":make_model", "a.b.py:make_model"),
        ("/nets/net.PY:Net", "/nets/net.PY", ":Net", "net.PY:Net"),
    ],
)
def test_a_name_tells_whether_it_is_a_file(name: str, file: str, rest: str, short: str) -> None:
    assert file_in(name) == (file, rest)
    assert short_name(name) == short


def test_a_file_is_meant_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert rooted("net.py:make") == f"{tmp_path / 'net.py'}:make"
    assert rooted("vgg16") == "vgg16"
    nobody = "~nobody-of-this-name/net.pth"
    assert rooted(nobody) == str(tmp_path / nobody)
    assert parted(f"{nobody}=none") == (nobody, "none")


@pytest.mark.parametrize(
    ("model", "name", "weights"),
    [
        ("vgg16", "vgg16", None),
        ("vgg16=none", "vgg16", "none"),
        ("vgg16=pretrained", "vgg16", None),
        ("net.py:make=/my nets/a=b.pth", "net.py:make=/my nets/a", "b.pth"),
        ("vgg16=", "vgg16=", None),
        ("=none", "=none", None),
    ],
)
def test_a_name_may_say_its_weights(model: str, name: str, weights: str | None) -> None:
    assert parted(model) == (name, weights)


def test_names_and_weights_go_together_and_apart(tmp_path: Path) -> None:
    for name, weights in (("vgg16", None), ("net.py:make", "none"), ("vgg16", "/a/b.pth")):
        assert parted(joined(name, weights)) == (name, weights)
    assert joined("vgg16", "pretrained") == "vgg16"
    odd = tmp_path / "a=b.pth"
    odd.write_bytes(b"")
    assert parted(str(odd)) == (str(odd), None), "a file that is there is meant whole"
