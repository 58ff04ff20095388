"""Names of networks: of the catalogue, of files, of functions in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnviz_desktop.model_names import file_in, rooted, short_name


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
