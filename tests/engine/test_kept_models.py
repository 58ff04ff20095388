"""Small networks are kept as long as their files stay the same."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from cnnviz_desktop.engine.kept_models import KeptModels, weight_bytes


def counting(load, made: list[str], name: str, out: int = 4):
    def make():
        made.append(name)
        return load(nn.Sequential(nn.Conv2d(3, out, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()))

    return make


def test_a_network_is_loaded_once_until_its_file_changes(load, tmp_path: Path):
    file, made, kept = tmp_path / "a.pth", [], KeptModels()
    file.write_bytes(b"1")
    first = kept.get("net", str(file), "cpu", counting(load, made, "one"))
    assert kept.get("net", str(file), "cpu", counting(load, made, "two")) is first
    file.write_bytes(b"22")
    assert kept.get("net", str(file), "cpu", counting(load, made, "three")) is not first
    assert kept.get("net", "none", "cpu", counting(load, made, "four")) is not first
    assert made == ["one", "three", "four"]


def test_beyond_the_limit_those_go_that_were_not_used_for_longest(load):
    made: list[str] = []
    size = weight_bytes(counting(load, made, "any")())
    assert size == 4 * (3 * 4 + 4)
    kept = KeptModels(2 * size)
    for name in ("a", "b", "a", "c"):
        kept.get(name, None, "cpu", counting(load, made, name))
    assert made == ["any", "a", "b", "c"] and len(kept) == 2
    kept.get("a", None, "cpu", counting(load, made, "a again"))
    kept.get("b", None, "cpu", counting(load, made, "b again"))
    assert made[4:] == ["b again"]


def test_what_is_too_large_by_itself_is_not_kept(load):
    kept = KeptModels(10)
    assert kept.get("a", None, "cpu", counting(load, [], "a")) is not None
    assert len(kept) == 0
    kept.clear()
